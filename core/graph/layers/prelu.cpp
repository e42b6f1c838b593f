// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/prelu.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layers/partial_sums.h"
#include "core/graph/layers/rule_support.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace bitscape::graph {

namespace {

/// y = max(x, 0) + alpha·min(x, 0). At 0 nothing flows, as in TensorFlow.
class PReluKernel final : public LayerKernel {
public:
    PReluKernel(std::vector<Index> parameters, Index parameterCount)
        : m_parameters(std::move(parameters)), m_parameterCount(parameterCount)
    {
    }

    void setWeights(LayerWeights weights) override { m_alpha = weights[0].data; }
    void forward(int /*phase*/, const ForwardCall& call) override
    {
        Index e = 0;
        for (Index sample = 0; sample < call.samples.count; ++sample) {
            for (const Index p : m_parameters) {
                const float x = call.inputs[0][e];
                call.output[e++] = x > 0.0F ? x : m_alpha[p] * x;
            }
        }
    }
    void prepareTraining(int items, Index /*samples*/) override
    {
        m_sums = PartialSums(items, m_parameterCount);
    }
    bool readsInput() const override { return true; }
    void backward(int /*phase*/, const BackwardCall& call) override
    {
        float* sums = m_sums.part(call.samples.item);
        if (!m_sums.adds(call.samples.item)) {
            std::fill_n(sums, m_parameterCount, 0.0F);
        }
        float* target = call.inputGradients[0];
        Index e = 0;
        for (Index sample = 0; sample < call.samples.count; ++sample) {
            for (const Index p : m_parameters) {
                const float x = call.inputs[0][e];
                const float dy = call.upstream[e];
                sums[p] += std::min(x, 0.0F) * dy;
                if (target != nullptr) {
                    const float slope = x > 0.0F ? 1.0F : x < 0.0F ? m_alpha[p] : 0.0F;
                    target[e] = (call.adds[0] ? target[e] : 0.0F) + slope * dy;
                }
                ++e;
            }
        }
    }
    void finishForward(int /*phase*/, int /*items*/, Index /*samples*/) override { m_sums.clear(); }
    int gradientTasks() const override { return m_sums.tasks(); }
    void gradientTask(int task, const GradientCall& call) override
    {
        m_sums.total(task, call.items, call.gradients[0]);
    }

private:
    std::vector<Index> m_parameters; // per element of a sample
    Index m_parameterCount;
    const float* m_alpha = nullptr;
    PartialSums m_sums;
};

class PReluRule final : public LayerRule {
public:
    /// Axes counted with the batch, along which values share their slope.
    explicit PReluRule(std::vector<int> sharedAxes) : m_sharedAxes(std::move(sharedAxes)) {}

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        auto slopes = slopeShape(inputs[0]);
        if (!slopes) {
            return fail(std::move(slopes).error());
        }
        if (closedCount(*slopes) < 0) {
            return shapeMismatch("An axis of its input has no size.");
        }
        return OpShape{.output = inputs[0], .weights = {{"alpha", *slopes}}};
    }
    std::vector<RuleWeight> weights() const override { return {{"alpha"}}; }
    bool passesMask() const override { return true; }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        const Shape& shape = request.layer.outputShape;
        const Shape slopes = slopeShape(shape).value();
        return std::make_unique<PReluKernel>(broadcastSources(slopes, shape),
                                             slopes.elementCount());
    }
    Json config() const override
    {
        return {{"shared_axes", m_sharedAxes.empty() ? Json(nullptr) : Json(m_sharedAxes)}};
    }

private:
    [[nodiscard]] Result<Shape> slopeShape(const Shape& input) const
    {
        auto axes = axesWithin(m_sharedAxes, input);
        if (!axes) {
            return fail(std::move(axes).error());
        }
        Shape slopes = input;
        for (const int axis : *axes) {
            slopes[axis] = 1;
        }
        return slopes;
    }

    std::vector<int> m_sharedAxes;
};

void readPRelu(LayerReading& reading)
{
    reading.become<PReluRule>(reading.axes("shared_axes", {}));
}

/// x > theta, where our relu asks x ≥ threshold.
void readThresholdedRelu(LayerReading& reading)
{
    const float theta = reading.config.real("theta", 1.0F);
    reading.meaning.op =
        ActivationOp{{.kind = FunctionKind::Relu,
                      .threshold = std::nextafter(theta, std::numeric_limits<float>::infinity())}};
}

} // namespace

std::span<const LayerInfo> reluLayers()
{
    static constexpr std::array kRows{
        LayerInfo{"PReLU", "", "Negative values keep a slope that is learned.", readPRelu},
        LayerInfo{"ThresholdedReLU", "", "Values up to a threshold become 0.", readThresholdedRelu},
    };
    return kRows;
}

} // namespace bitscape::graph
