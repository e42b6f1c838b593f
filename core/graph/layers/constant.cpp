// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/constant.h"

#include "core/graph/layer_registry.h"
#include "core/graph/layers/rule_support.h"

#include <algorithm>

namespace bitscape::graph {

namespace {

constexpr LayerInfo kRow{"Constant", "", "The same values for every sample.", nullptr};

class ConstantKernel final : public LayerKernel {
public:
    void setWeights(LayerWeights weights) override { m_value = weights[0].values(); }
    void forward(int /*phase*/, const ForwardCall& call) override
    {
        float* to = call.output;
        for (Index sample = 0; sample < call.samples.count; ++sample) {
            to = std::ranges::copy(m_value, to).out;
        }
    }
    void backward(int /*phase*/, const BackwardCall& /*call*/) override {}

private:
    std::span<const float> m_value;
};

class ConstantRule final : public LayerRule {
public:
    explicit ConstantRule(const Shape& shape) : m_shape(shape) {}

    InputCount inputCount() const override { return {0, 0}; }
    Result<OpShape> shape(std::span<const Shape> /*inputs*/) const override
    {
        return OpShape{.output = m_shape, .weights = {{"value", m_shape, false}}};
    }
    std::vector<RuleWeight> weights() const override { return {{"value", Slot::Weight}}; }
    std::vector<Slot> slots() const override { return {Slot::Weight}; }
    bool promotes(Slot /*slot*/) const override { return false; }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& /*request*/) const override
    {
        return std::make_unique<ConstantKernel>();
    }
    Json config() const override
    {
        return {{"shape", std::vector<Index>(m_shape.sizes().begin(), m_shape.sizes().end())}};
    }

private:
    Shape m_shape;
};

} // namespace

Op constantOp(const Shape& shape)
{
    return RuleOp{&kRow, std::make_shared<ConstantRule>(shape)};
}

bool isConstant(const Op& op)
{
    const auto* rule = std::get_if<RuleOp>(&op);
    return rule != nullptr && rule->info == &kRow;
}

} // namespace bitscape::graph
