// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/export_context.h"

#include <numbers>

// Activation functions as nodes.
namespace bitscape::io {

namespace {

using graph::Function;
using graph::FunctionKind;

/// A node of one input under the name of the layer's function.
struct Call {
    GraphWriter& out;
    const Function& f;
    const std::string& x;
    const std::string& wish;
    int channelAxis;

    [[nodiscard]] std::string plain(const char* type, OnnxAttributes attributes = {}) const
    {
        return out.node(type, {x}, wish, std::move(attributes));
    }
    [[nodiscard]] std::string number(const char* what, float value) const
    {
        return out.scalar(wish + "/" + what, value);
    }

    /// min(maxValue, x ≥ threshold ? x : slope·(x − threshold))
    [[nodiscard]] std::string relu() const
    {
        if (f.threshold == 0.0F && f.negativeSlope == 0.0F) {
            return f.maxValue > 0.0F
                       ? out.node("Clip",
                                  {x, number("lowest", 0.0F), number("highest", f.maxValue)}, wish)
                       : plain("Relu");
        }
        std::string y;
        if (f.threshold == 0.0F) {
            y = plain("LeakyRelu", {{"alpha", f.negativeSlope}});
        } else {
            const std::string threshold = number("threshold", f.threshold);
            const std::string isAbove =
                out.node("GreaterOrEqual", {x, threshold}, wish + "/is_above");
            const std::string below = out.node("Sub", {x, threshold}, wish + "/below");
            const std::string sloped =
                out.node("Mul", {below, number("slope", f.negativeSlope)}, wish + "/sloped");
            y = out.node("Where", {isAbove, x, sloped}, wish);
        }
        return f.maxValue > 0.0F
                   ? out.node("Min", {y, number("highest", f.maxValue)}, wish + "/capped")
                   : y;
    }

    [[nodiscard]] std::string gelu() const
    {
        const auto root = static_cast<float>(1.0 / std::numbers::sqrt2);
        std::string y = out.node("Mul", {x, number("root", root)}, wish + "/scaled");
        y = out.node("Erf", {y}, wish + "/erf");
        y = out.node("Add", {y, number("one", 1.0F)}, wish + "/raised");
        y = out.node("Mul", {y, x}, wish + "/product");
        return out.node("Mul", {y, number("half", 0.5F)}, wish);
    }

    [[nodiscard]] std::string swish() const
    {
        const std::string gate = out.node("Sigmoid", {x}, wish + "/gate");
        return out.node("Mul", {x, gate}, wish);
    }
};

} // namespace

std::string ExportContext::apply(const Function& function, const std::string& x,
                                 const std::string& wish, int channelAxis)
{
    const Call call{m_writer, function, x, wish, channelAxis};
    constexpr float kSlope2 = 0.2F;
    constexpr float kSlope3 = 1.0F / 6.0F;
    switch (function.kind) {
    case FunctionKind::Linear:
        return call.plain("Identity");
    case FunctionKind::Relu:
        return call.relu();
    case FunctionKind::Softmax:
        return call.plain("Softmax", {{"axis", std::int64_t{channelAxis}}});
    case FunctionKind::Sigmoid:
        return call.plain("Sigmoid");
    case FunctionKind::Tanh:
        return call.plain("Tanh");
    case FunctionKind::HardSigmoidKeras2:
        return call.plain("HardSigmoid", {{"alpha", kSlope2}, {"beta", 0.5F}});
    case FunctionKind::HardSigmoidKeras3:
        return call.plain("HardSigmoid", {{"alpha", kSlope3}, {"beta", 0.5F}});
    case FunctionKind::Elu:
        return call.plain("Elu", {{"alpha", function.negativeSlope}});
    case FunctionKind::Selu:
        return call.plain("Selu");
    case FunctionKind::Softplus:
        return call.plain("Softplus");
    case FunctionKind::Softsign:
        return call.plain("Softsign");
    case FunctionKind::Swish:
        return call.swish();
    case FunctionKind::Gelu:
        return call.gelu();
    case FunctionKind::Exponential:
        return call.plain("Exp");
    }
    return x;
}

} // namespace bitscape::io
