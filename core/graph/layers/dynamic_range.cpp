// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/dynamic_range.h"

#include "core/graph/layer_registry.h"
#include "core/graph/layers/rule_support.h"

#include <algorithm>
#include <cmath>

namespace bitscape::graph {

namespace {

constexpr LayerInfo kRow{"DynamicRange", "", "8 bits with the range of the values at hand.",
                         nullptr};

void roundSymmetric(const float* x, Index count, float* y)
{
    constexpr float kTop = 127.0F;
    float largest = 0.0F;
    for (Index i = 0; i < count; ++i) {
        largest = std::max(largest, std::abs(x[i]));
    }
    const float scale = largest / kTop;
    const float inverse = largest > 0.0F ? kTop / largest : 0.0F;
    for (Index i = 0; i < count; ++i) {
        y[i] = std::clamp(std::round(x[i] * inverse), -kTop, kTop) * scale;
    }
}

void roundAsymmetric(const float* x, Index count, float* y)
{
    constexpr double kLow = -128.0;
    constexpr double kHigh = 127.0;
    double low = 0.0;
    double high = 0.0;
    for (Index i = 0; i < count; ++i) {
        low = std::min<double>(low, x[i]);
        high = std::max<double>(high, x[i]);
    }
    if (low == high) {
        std::fill_n(y, count, 0.0F);
        return;
    }
    const double scale = (high - low) / (kHigh - kLow);
    // Of the two ends the one that is nearer to 0 in codes gives the zero point.
    const bool fromLow = -kLow + std::abs(low / scale) < kHigh + std::abs(high / scale);
    const double exact = fromLow ? kLow - low / scale : kHigh - high / scale;
    const auto zero = static_cast<float>(std::round(std::clamp(exact, kLow, kHigh)));
    const auto step = static_cast<float>(scale);
    const float inverse = 1.0F / step;
    for (Index i = 0; i < count; ++i) {
        const float code = std::clamp(std::round(zero + x[i] * inverse), static_cast<float>(kLow),
                                      static_cast<float>(kHigh));
        y[i] = (code - zero) * step;
    }
}

class DynamicRangeKernel final : public LayerKernel {
public:
    DynamicRangeKernel(bool isSymmetric, Index size, Index group)
        : m_isSymmetric(isSymmetric), m_size(size), m_group(std::max<Index>(group, 1))
    {
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        const auto round = m_isSymmetric ? roundSymmetric : roundAsymmetric;
        for (Index at = 0; at < call.samples.count * m_size; at += m_group) {
            round(call.inputs[0] + at, m_group, call.output + at);
        }
    }
    /// Straight through.
    void backward(int /*phase*/, const BackwardCall& call) override
    {
        float* target = call.inputGradients[0];
        for (Index i = 0; target != nullptr && i < call.samples.count * m_size; ++i) {
            target[i] = (call.adds[0] ? target[i] : 0.0F) + call.upstream[i];
        }
    }

private:
    bool m_isSymmetric;
    Index m_size, m_group;
};

class DynamicRangeRule final : public LayerRule {
public:
    explicit DynamicRangeRule(DynamicRange range) : m_range(range) {}

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        return OpShape{.output = inputs.front()};
    }
    std::vector<Slot> slots() const override { return {}; }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        const Shape& shape = request.layer.outputShape;
        const bool isSymmetric =
            m_range == DynamicRange::SymmetricSamples || m_range == DynamicRange::SymmetricRows;
        const bool ofRows =
            m_range == DynamicRange::SymmetricRows || m_range == DynamicRange::AsymmetricRows;
        return std::make_unique<DynamicRangeKernel>(
            isSymmetric, shape.elementCount(), ofRows ? shape.channels() : shape.elementCount());
    }
    Json config() const override { return {{"range", static_cast<int>(m_range)}}; }

private:
    DynamicRange m_range;
};

} // namespace

Op dynamicRangeOp(DynamicRange range)
{
    return RuleOp{&kRow, std::make_shared<DynamicRangeRule>(range)};
}

} // namespace bitscape::graph
