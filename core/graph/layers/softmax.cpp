// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/softmax.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layers/rule_support.h"

#include <algorithm>

namespace bitscape::graph {

namespace {

class SoftmaxKernel final : public LayerKernel {
public:
    SoftmaxKernel(Index rows, Index channels) : m_rows(rows), m_channels(channels) {}

    Index scratchFloats() const override { return m_rows * m_channels; }
    void forward(int /*phase*/, const ForwardCall& call) override
    {
        kernels::softmax(call.inputs[0], call.samples.count * m_rows, m_channels, call.output);
    }
    bool readsOutput() const override { return true; }
    void backward(int /*phase*/, const BackwardCall& call) override
    {
        const Index size = m_rows * m_channels;
        for (Index i = 0; i < call.samples.count; ++i) {
            float* target = call.inputGradients[0] + i * size;
            float* made = call.adds[0] ? call.samples.scratch : target;
            kernels::softmaxGradient(call.output + i * size, call.upstream + i * size, m_rows,
                                     m_channels, made);
            if (call.adds[0]) {
                kernels::add(made, size, target);
            }
        }
    }

private:
    Index m_rows, m_channels; // per sample
};

class SoftmaxRule final : public LayerRule {
public:
    explicit SoftmaxRule(std::vector<int> axes) : m_axes(std::move(axes)) {}

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        if (auto axes = axesWithin(m_axes, inputs[0]); !axes) {
            return fail(std::move(axes).error());
        }
        return OpShape{.output = inputs[0]};
    }
    bool passesMask() const override { return true; }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        const Shape& shape = request.layer.outputShape;
        std::vector<int> axes = axesWithin(m_axes, shape).value();
        Index channels = 1;
        for (int& axis : axes) {
            channels *= shape[axis];
            ++axis; // counted with the batch
        }
        return makeAxesKernel(
            std::make_unique<SoftmaxKernel>(shape.elementCount() / channels, channels), shape,
            axes);
    }
    Json config() const override { return {{"axis", m_axes}}; }

private:
    std::vector<int> m_axes;
};

void read(LayerReading& reading)
{
    const std::vector<int> axes = reading.axes("axis", {-1});
    reading.meaning.op = ActivationOp{{FunctionKind::Softmax}};
    if (axes.size() > 1 || axes.front() < -1) {
        reading.become<SoftmaxRule>(axes);
    } else if (axes.front() != -1) {
        reading.meaning.lastAxis = axes.front();
        reading.meaning.otherwise = reading.rule<SoftmaxRule>(axes);
    }
}

} // namespace

LayerInfo softmaxLayer()
{
    return {"Softmax", "", "Values become shares of 1.", read};
}

} // namespace bitscape::graph
