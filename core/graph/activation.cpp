// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/activation.h"

#include "core/base/error.h"
#include "core/graph/layer_rule.h"
#include "core/tensor/kernels/kernels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace bitscape::graph {

namespace {

constexpr float kHardSlope2 = 0.2F;
constexpr float kHardSlope3 = 1.0F / 6.0F;
constexpr float kSeluAlpha = 1.67326324F;
constexpr float kSeluScale = 1.05070098F;

struct Call {
    const Function& f;
    const float* x; ///< for gradients: x or y
    Index rows, channels;
    [[nodiscard]] Index count() const { return rows * channels; }
};

/// All that is to be known of a function.
struct FunctionRow {
    FunctionKind kind;
    GradientReads reads;
    void (*apply)(const Call& call, float* y);
    void (*gradient)(const Call& call, const float* dy, float* dx);
};

kernels::Relu reluOf(const Function& f)
{
    return {f.negativeSlope, f.maxValue, f.threshold};
}

void copy(const float* from, Index count, float* to)
{
    if (from != to) {
        std::copy_n(from, count, to);
    }
}

template <auto Kernel>
void plain(const Call& c, float* y)
{
    Kernel(c.x, c.count(), y);
}
template <auto Kernel>
void plainGradient(const Call& c, const float* dy, float* dx)
{
    Kernel(c.x, dy, c.count(), dx);
}

constexpr std::array kRows{
    FunctionRow{FunctionKind::Linear, GradientReads::Nothing,
                [](const Call& c, float* y) { copy(c.x, c.count(), y); },
                [](const Call& c, const float* dy, float* dx) { copy(dy, c.count(), dx); }},
    FunctionRow{FunctionKind::Relu, GradientReads::Input,
                [](const Call& c, float* y) { kernels::relu(reluOf(c.f), c.x, c.count(), y); },
                [](const Call& c, const float* dy, float* dx) {
                    kernels::reluGradient(reluOf(c.f), c.x, dy, c.count(), dx);
                }},
    FunctionRow{FunctionKind::Softmax, GradientReads::Output,
                [](const Call& c, float* y) { kernels::softmax(c.x, c.rows, c.channels, y); },
                [](const Call& c, const float* dy, float* dx) {
                    kernels::softmaxGradient(c.x, dy, c.rows, c.channels, dx);
                }},
    FunctionRow{FunctionKind::Sigmoid, GradientReads::Output, plain<kernels::sigmoid>,
                plainGradient<kernels::sigmoidGradient>},
    FunctionRow{FunctionKind::Tanh, GradientReads::Output, plain<kernels::tanh>,
                plainGradient<kernels::tanhGradient>},
    FunctionRow{
        FunctionKind::HardSigmoidKeras2, GradientReads::Input,
        [](const Call& c, float* y) { kernels::hardSigmoid(kHardSlope2, c.x, c.count(), y); },
        [](const Call& c, const float* dy, float* dx) {
            kernels::hardSigmoidGradient(kHardSlope2, c.x, dy, c.count(), dx);
        }},
    FunctionRow{
        FunctionKind::HardSigmoidKeras3, GradientReads::Input,
        [](const Call& c, float* y) { kernels::hardSigmoid(kHardSlope3, c.x, c.count(), y); },
        [](const Call& c, const float* dy, float* dx) {
            kernels::hardSigmoidGradient(kHardSlope3, c.x, dy, c.count(), dx);
        }},
    FunctionRow{
        FunctionKind::Elu, GradientReads::Input,
        [](const Call& c, float* y) { kernels::elu(c.f.negativeSlope, 1.0F, c.x, c.count(), y); },
        [](const Call& c, const float* dy, float* dx) {
            kernels::eluGradient(c.f.negativeSlope, 1.0F, c.x, dy, c.count(), dx);
        }},
    FunctionRow{
        FunctionKind::Selu, GradientReads::Input,
        [](const Call& c, float* y) { kernels::elu(kSeluAlpha, kSeluScale, c.x, c.count(), y); },
        [](const Call& c, const float* dy, float* dx) {
            kernels::eluGradient(kSeluAlpha, kSeluScale, c.x, dy, c.count(), dx);
        }},
    FunctionRow{FunctionKind::Softplus, GradientReads::Input, plain<kernels::softplus>,
                plainGradient<kernels::softplusGradient>},
    FunctionRow{FunctionKind::Softsign, GradientReads::Input, plain<kernels::softsign>,
                plainGradient<kernels::softsignGradient>},
    FunctionRow{FunctionKind::Swish, GradientReads::Input, plain<kernels::swish>,
                plainGradient<kernels::swishGradient>},
    FunctionRow{FunctionKind::Gelu, GradientReads::Input, plain<kernels::gelu>,
                plainGradient<kernels::geluGradient>},
    FunctionRow{FunctionKind::Exponential, GradientReads::Output, plain<kernels::exponential>,
                plainGradient<kernels::exponentialGradient>},
};

const FunctionRow& rowOf(const Function& f)
{
    const auto found = std::ranges::find(kRows, f.kind, &FunctionRow::kind);
    ensure(found != kRows.end(), "activation: a function without a row");
    return *found;
}

/// Whether x lies above a corner of relu can be told from y.
bool showsCorners(const Function& f)
{
    return f.kind == FunctionKind::Relu && f.threshold == 0.0F && f.negativeSlope >= 0.0F;
}

} // namespace

void applyFunction(const Function& f, const float* x, Index rows, Index channels, float* y)
{
    rowOf(f).apply({f, x, rows, channels}, y);
}

GradientReads gradientReads(const Function& f)
{
    return showsCorners(f) ? GradientReads::Output : rowOf(f).reads;
}

void functionGradient(const Function& f, const float* values, const float* dy, Index rows,
                      Index channels, float* dx)
{
    rowOf(f).gradient({f, values, rows, channels}, dy, dx);
}

std::optional<std::pair<float, float>> clampOf(const Function& f)
{
    if (f.kind != FunctionKind::Relu || f.negativeSlope != 0.0F || f.threshold != 0.0F) {
        return std::nullopt;
    }
    return std::pair{0.0F, f.maxValue > 0.0F ? f.maxValue : std::numeric_limits<float>::infinity()};
}

void Activation::apply(const float* x, const Shape& shape, float* y,
                       const quant::CallContext& call) const
{
    if (quantizer) {
        quantizer->apply({x, shape}, {y, shape}, call);
        return;
    }
    const Index channels = shape.channels();
    applyFunction(function, x, shape.elementCount() / std::max<Index>(channels, 1), channels, y);
}

void Activation::gradient(const float* values, const float* dy, const Shape& shape, float* dx,
                          const quant::CallContext& call) const
{
    if (quantizer) {
        quantizer->gradient({values, shape}, {dy, shape}, {dx, shape}, call);
        return;
    }
    const Index channels = shape.channels();
    functionGradient(function, values, dy, shape.elementCount() / std::max<Index>(channels, 1),
                     channels, dx);
}

std::optional<ByteConvolution::InputGrid> byteLevels(const quant::Quantizer& quantizer)
{
    constexpr float kMostLevels = 255.0F;
    const float most = std::numeric_limits<float>::infinity();
    const TensorView value{&most, Shape{1}};
    if (quantizer.info().isFunction || !quantizer.isElementwise() || quantizer.isSigned() ||
        quantizer.needsRange() || !quantizer.learned().empty() || !quantizer.accepts(value.shape)) {
        return std::nullopt;
    }
    float highest = 0.0F;
    quantizer.apply(value, {&highest, value.shape}, {});
    const quant::Fit fit = quantizer.fit(value, {});
    const float step = fit.step.size() == 1 ? fit.step.data()[0] : 0.0F;
    int exponent = 0;
    const bool isPower = std::frexp(step, &exponent) == 0.5F;
    const float levels = highest / step;
    if (!isPower || !(levels >= 1.0F && levels <= kMostLevels)) {
        return std::nullopt;
    }
    return ByteConvolution::InputGrid{step, static_cast<std::int32_t>(levels)};
}

Function functionOf(const Op& op)
{
    const auto of = [](const auto& one) -> Function {
        if constexpr (requires { one.function; }) {
            return one.function;
        } else {
            return {};
        }
    };
    if (const auto* folded = std::get_if<FoldedConvOp>(&op)) {
        return std::visit(of, folded->conv);
    }
    if (const auto* registered = std::get_if<RuleOp>(&op)) {
        return registered->rule->function();
    }
    return std::visit(of, op);
}

} // namespace bitscape::graph
