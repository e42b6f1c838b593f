// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/scale_shift.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layer_rule.h"
#include "core/graph/layers/partial_sums.h"

namespace bitscape::graph {

namespace {

class ScaleShiftKernel final : public LayerKernel {
public:
    ScaleShiftKernel(Index size, Index channels, bool useBias)
        : m_size(size), m_channels(channels), m_useBias(useBias)
    {
    }

    void setWeights(LayerWeights weights) override
    {
        m_factor = weights[0].data[0];
        m_offset = m_useBias ? weights[1].data[0] : 0.0F;
    }
    bool worksOnPixels() const override { return true; }
    void forwardPixels(const float* x, Index pixels, float* y) override
    {
        shift(x, pixels * m_channels, y);
    }
    void forward(int /*phase*/, const ForwardCall& call) override
    {
        shift(call.inputs[0], call.samples.count * m_size, call.output);
    }
    void prepareTraining(int items, Index /*samples*/) override { m_sums = ChannelSums(items, 1); }
    bool readsInput() const override { return true; }
    void backward(int /*phase*/, const BackwardCall& call) override
    {
        const Index count = call.samples.count * m_size;
        m_sums.add(call.samples.item, call.upstream, count, call.inputs[0]);
        float* target = call.inputGradients[0];
        for (Index i = 0; target != nullptr && i < count; ++i) {
            target[i] = (call.adds[0] ? target[i] : 0.0F) + m_factor * call.upstream[i];
        }
    }
    void finishForward(int /*phase*/, int /*items*/, Index /*samples*/) override { m_sums.clear(); }
    int gradientTasks() const override { return 1; }
    void gradientTask(int /*task*/, const GradientCall& call) override
    {
        call.gradients[0][0] = static_cast<float>(m_sums.product(call.items, 0));
        if (m_useBias) {
            call.gradients[1][0] = static_cast<float>(m_sums.sum(call.items, 0));
        }
    }

private:
    void shift(const float* x, Index count, float* y) const
    {
        for (Index i = 0; i < count; ++i) {
            y[i] = x[i] * m_factor + m_offset;
        }
    }

    Index m_size, m_channels;
    bool m_useBias;
    float m_factor = 1.0F, m_offset = 0.0F;
    ChannelSums m_sums;
};

class ScaleShiftRule final : public LayerRule {
public:
    ScaleShiftRule(bool useBias, const Function& function)
        : m_useBias(useBias), m_function(function)
    {
    }

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        OpShape result{.output = inputs[0], .weights = {{"weight", {1, 1}}}};
        if (m_useBias) {
            result.weights.push_back({"bias", {1, 1}});
        }
        return result;
    }
    std::vector<RuleWeight> weights() const override
    {
        std::vector<RuleWeight> all{{"weight", Slot::Weight}};
        if (m_useBias) {
            all.push_back({"bias", Slot::Bias});
        }
        return all;
    }
    std::vector<Slot> slots() const override
    {
        return m_useBias ? std::vector{Slot::Weight, Slot::Bias, Slot::Activation}
                         : std::vector{Slot::Weight, Slot::Activation};
    }
    bool promotes(Slot slot) const override { return slot != Slot::Activation; }
    bool clipsWeights() const override { return false; }
    Function function() const override { return m_function; }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        const Shape& shape = request.layer.outputShape;
        return std::make_unique<ScaleShiftKernel>(shape.elementCount(), shape.channels(),
                                                  m_useBias);
    }
    Json config() const override
    {
        return {{"use_bias", m_useBias}, {"activation", activationField(m_function)}};
    }

private:
    bool m_useBias;
    Function m_function;
};

void read(LayerReading& reading)
{
    const Function function = reading.activation();
    reading.quantizers({Slot::Weight, Slot::Bias});
    reading.become<ScaleShiftRule>(reading.config.boolean("use_bias", true), function);
}

} // namespace

LayerInfo scaleShiftLayer()
{
    return {"QScaleShift", "QScaleShift", "One factor and one offset for all values.", read};
}

} // namespace bitscape::graph
