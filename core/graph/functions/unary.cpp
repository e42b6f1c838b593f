// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/function_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

// Functions of one array, element by element.
namespace bitscape::graph {

namespace {

/// y = f(x) for real types; integers are a failure.
template <class F>
void mapReals(Evaluation& e, const F& f)
{
    const ArrayValue& x = e.input(0);
    if (!isReal(x.type)) {
        return e.refuse(fmt::format("It takes real numbers, not {}.", name(x.type)));
    }
    ArrayValue y = e.make(x.type, x.sizes);
    for (std::size_t i = 0; i < y.reals.size(); ++i) {
        y.reals[i] = roundedTo(x.type, f(x.reals[i]));
    }
    e.give(std::move(y));
}

/// The same, with a function of its own for integers.
template <class F, class G>
void mapNumbers(Evaluation& e, const F& f, const G& ofInteger)
{
    const ArrayValue& x = e.input(0);
    if (isReal(x.type)) {
        return mapReals(e, f);
    }
    ArrayValue y = e.make(x.type, x.sizes);
    for (std::size_t i = 0; i < y.integers.size(); ++i) {
        y.integers[i] = wrappedTo(x.type, ofInteger(x.integers[i]));
    }
    e.give(std::move(y));
}

template <double (*F)(double)>
void plain(Evaluation& e)
{
    mapReals(e, F);
}

double sigmoid(double x)
{
    return x >= 0.0 ? 1.0 / (1.0 + std::exp(-x)) : std::exp(x) / (1.0 + std::exp(x));
}

double softplus(double x)
{
    return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
}

double softsign(double x)
{
    return x / (1.0 + std::fabs(x));
}

double reciprocal(double x)
{
    return 1.0 / x;
}

double hardSwish(double x)
{
    return x * std::clamp(x / 6.0 + 0.5, 0.0, 1.0);
}

double mish(double x)
{
    return x * std::tanh(softplus(x));
}

void absolute(Evaluation& e)
{
    mapNumbers(
        e, [](double x) { return std::fabs(x); },
        [](std::int64_t x) { return x < 0 ? static_cast<std::int64_t>(-std::uint64_t(x)) : x; });
}

void negative(Evaluation& e)
{
    mapNumbers(
        e, [](double x) { return -x; },
        [](std::int64_t x) { return static_cast<std::int64_t>(-std::uint64_t(x)); });
}

void sign(Evaluation& e)
{
    const bool isUnsigned = e.input(0).type == ElementType::UInt64;
    mapNumbers(
        e, [](double x) { return x > 0.0   ? 1.0
                                 : x < 0.0 ? -1.0
                                           : x; },
        [isUnsigned](std::int64_t x) -> std::int64_t {
            return x == 0 ? 0 : x > 0 || isUnsigned ? 1 : -1;
        });
}

void relu(Evaluation& e)
{
    mapNumbers(
        e, [](double x) { return x > 0.0 || std::isnan(x) ? x : 0.0; },
        [](std::int64_t x) { return std::max<std::int64_t>(x, 0); });
}

void leakyRelu(Evaluation& e)
{
    const double alpha = e.real("alpha", 0.01);
    mapReals(e, [alpha](double x) { return x < 0.0 ? alpha * x : x; });
}

void thresholdedRelu(Evaluation& e)
{
    const double alpha = e.real("alpha", 1.0);
    mapReals(e, [alpha](double x) { return x > alpha ? x : 0.0; });
}

void elu(Evaluation& e)
{
    const double alpha = e.real("alpha", 1.0);
    mapReals(e, [alpha](double x) { return x < 0.0 ? alpha * std::expm1(x) : x; });
}

void celu(Evaluation& e)
{
    const double alpha = e.real("alpha", 1.0);
    mapReals(e, [alpha](double x) {
        return std::max(0.0, x) + std::min(0.0, alpha * std::expm1(x / alpha));
    });
}

void selu(Evaluation& e)
{
    const double alpha = e.real("alpha", 1.67326319217681884765625);
    const double gamma = e.real("gamma", 1.05070102214813232421875);
    mapReals(e, [=](double x) { return gamma * (x > 0.0 ? x : alpha * std::expm1(x)); });
}

void hardSigmoid(Evaluation& e)
{
    const double alpha = e.real("alpha", 0.2);
    const double beta = e.real("beta", 0.5);
    mapReals(e, [=](double x) { return std::clamp(alpha * x + beta, 0.0, 1.0); });
}

void gelu(Evaluation& e)
{
    const std::string approximation = e.text("approximate", "none");
    if (approximation == "none") {
        return mapReals(
            e, [](double x) { return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2)); });
    }
    if (approximation != "tanh") {
        return e.refuseSetting(fmt::format("approximate '{}' is not known", approximation));
    }
    const double factor = std::sqrt(2.0 / std::numbers::pi);
    mapReals(e, [factor](double x) {
        return 0.5 * x * (1.0 + std::tanh(factor * (x + 0.044715 * x * x * x)));
    });
}

void swish(Evaluation& e)
{
    const double alpha = e.real("alpha", 1.0);
    mapReals(e, [alpha](double x) { return x * sigmoid(alpha * x); });
}

void shrink(Evaluation& e)
{
    const double lambda = e.real("lambd", 0.5);
    const double bias = e.real("bias", 0.0);
    const auto shrunk = [=](double x) {
        return x < -lambda ? x + bias : x > lambda ? x - bias : 0.0;
    };
    mapNumbers(e, shrunk, [&](std::int64_t x) {
        return static_cast<std::int64_t>(shrunk(static_cast<double>(x)));
    });
}

void logicalNot(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    ArrayValue y = e.make(ElementType::Bool, x.sizes);
    for (Index i = 0; i < std::ssize(y.integers); ++i) {
        y.setInteger(i, x.integer(i) == 0 ? 1 : 0);
    }
    e.give(std::move(y));
}

void bitwiseNot(Evaluation& e)
{
    if (isReal(e.input(0).type)) {
        return e.refuse("It takes integers.");
    }
    mapNumbers(
        e, [](double x) { return x; }, [](std::int64_t x) { return ~x; });
}

template <class F>
void mapToBool(Evaluation& e, const F& f)
{
    const ArrayValue& x = e.input(0);
    ArrayValue y = e.make(ElementType::Bool, x.sizes);
    for (Index i = 0; i < std::ssize(y.integers); ++i) {
        y.setInteger(i, f(x.real(i)) ? 1 : 0);
    }
    e.give(std::move(y));
}

void isNan(Evaluation& e)
{
    mapToBool(e, [](double x) { return std::isnan(x); });
}

void isInfinite(Evaluation& e)
{
    const bool takesPositive = e.flag("detect_positive", true);
    const bool takesNegative = e.flag("detect_negative", true);
    mapToBool(e,
              [=](double x) { return std::isinf(x) && (x > 0.0 ? takesPositive : takesNegative); });
}

/// Bound of Clip: an attribute up to operator set 10, an input since.
std::optional<ArrayValue> bound(Evaluation& e, std::size_t input, std::string_view attribute)
{
    if (e.hasAttribute(attribute)) {
        ArrayValue value = zeros(ElementType::Double, {});
        value.reals = {e.real(attribute, 0.0)};
        return value;
    }
    const ArrayValue* given = e.optional(input);
    if (given == nullptr || given->count() == 0) {
        return std::nullopt;
    }
    return *given;
}

void clip(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const auto least = bound(e, 1, "min");
    const auto greatest = bound(e, 2, "max");
    ArrayValue y = e.make(x.type, x.sizes);
    if (!e.computes()) {
        return e.give(std::move(y));
    }
    const bool isUnsigned = x.type == ElementType::UInt64;
    const auto isBelow = [&](std::int64_t a, std::int64_t b) {
        return isUnsigned ? std::uint64_t(a) < std::uint64_t(b) : a < b;
    };
    for (Index i = 0; i < y.count(); ++i) {
        const auto at = static_cast<std::size_t>(i);
        if (isReal(x.type)) {
            double value = x.reals[at];
            value = least && value < least->real(0) ? least->real(0) : value;
            value = greatest && value > greatest->real(0) ? greatest->real(0) : value;
            y.set(i, value);
        } else {
            std::int64_t value = x.integers[at];
            value = least && isBelow(value, least->integer(0)) ? least->integer(0) : value;
            value = greatest && isBelow(greatest->integer(0), value) ? greatest->integer(0) : value;
            y.integers[at] = value;
        }
    }
    e.give(std::move(y));
}

void identity(Evaluation& e)
{
    e.give(e.input(0));
}

/// In inference the input itself; the mask keeps everything.
void dropout(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    if (const ArrayValue* training = e.optional(2)) {
        const auto mode = e.constants(2);
        if (e.ok() && training->count() > 0 && mode[0] != 0) {
            return e.refuseSetting("it drops at random (training_mode)");
        }
    }
    e.give(x);
    if (e.outputCount() > 1) {
        ArrayValue mask = e.make(e.opset() < 10 ? x.type : ElementType::Bool, x.sizes);
        std::ranges::fill(mask.integers, 1);
        std::ranges::fill(mask.reals, 1.0);
        e.give(std::move(mask));
    }
}

} // namespace

std::span<const FunctionInfo> unaryFunctions()
{
    static const std::array rows{
        FunctionInfo{"", "Abs", 1, "|x|", absolute},
        FunctionInfo{"", "Neg", 1, "−x", negative},
        FunctionInfo{"", "Sign", 9, "−1, 0 or 1", sign},
        FunctionInfo{"", "Relu", 1, "max(x, 0)", relu},
        FunctionInfo{"", "LeakyRelu", 1, "x, below 0 alpha·x", leakyRelu},
        FunctionInfo{"", "ThresholdedRelu", 1, "x above alpha, else 0", thresholdedRelu},
        FunctionInfo{"", "Elu", 1, "x, below 0 alpha·(eˣ − 1)", elu},
        FunctionInfo{"", "Celu", 12, "x, below 0 alpha·(e^(x/alpha) − 1)", celu},
        FunctionInfo{"", "Selu", 1, "Elu scaled by gamma", selu},
        FunctionInfo{"", "Sigmoid", 1, "1 / (1 + e⁻ˣ)", plain<sigmoid>},
        FunctionInfo{"", "HardSigmoid", 1, "alpha·x + beta within 0…1", hardSigmoid},
        FunctionInfo{"", "HardSwish", 14, "x · HardSigmoid(x; 1/6, 0.5)", plain<hardSwish>},
        FunctionInfo{"", "Swish", 24, "x · Sigmoid(alpha·x)", swish},
        FunctionInfo{"", "Mish", 18, "x · tanh(ln(1 + eˣ))", plain<mish>},
        FunctionInfo{"", "Gelu", 20, "x · Φ(x)", gelu},
        FunctionInfo{"com.microsoft", "Gelu", 1, "x · Φ(x)", gelu},
        FunctionInfo{"", "Softplus", 1, "ln(1 + eˣ)", plain<softplus>},
        FunctionInfo{"", "Softsign", 1, "x / (1 + |x|)", plain<softsign>},
        FunctionInfo{"", "Shrink", 9, "towards 0 by bias, 0 within lambd", shrink},
        FunctionInfo{"", "Exp", 1, "eˣ", plain<std::exp>},
        FunctionInfo{"", "Log", 1, "ln x", plain<std::log>},
        FunctionInfo{"", "Sqrt", 1, "√x", plain<std::sqrt>},
        FunctionInfo{"", "Reciprocal", 1, "1 / x", plain<reciprocal>},
        FunctionInfo{"", "Floor", 1, "rounded down", plain<std::floor>},
        FunctionInfo{"", "Ceil", 1, "rounded up", plain<std::ceil>},
        FunctionInfo{"", "Round", 11, "rounded, ties to even", plain<std::nearbyint>},
        FunctionInfo{"", "Erf", 9, "error function", plain<std::erf>},
        FunctionInfo{"", "Sin", 7, "sine", plain<std::sin>},
        FunctionInfo{"", "Cos", 7, "cosine", plain<std::cos>},
        FunctionInfo{"", "Tan", 7, "tangent", plain<std::tan>},
        FunctionInfo{"", "Asin", 7, "arc sine", plain<std::asin>},
        FunctionInfo{"", "Acos", 7, "arc cosine", plain<std::acos>},
        FunctionInfo{"", "Atan", 7, "arc tangent", plain<std::atan>},
        FunctionInfo{"", "Sinh", 9, "hyperbolic sine", plain<std::sinh>},
        FunctionInfo{"", "Cosh", 9, "hyperbolic cosine", plain<std::cosh>},
        FunctionInfo{"", "Tanh", 1, "hyperbolic tangent", plain<std::tanh>},
        FunctionInfo{"", "Asinh", 9, "inverse of sinh", plain<std::asinh>},
        FunctionInfo{"", "Acosh", 9, "inverse of cosh", plain<std::acosh>},
        FunctionInfo{"", "Atanh", 9, "inverse of tanh", plain<std::atanh>},
        FunctionInfo{"", "Not", 1, "false where true", logicalNot},
        FunctionInfo{"", "BitwiseNot", 18, "every bit the other", bitwiseNot},
        FunctionInfo{"", "IsNaN", 9, "whether it is no number", isNan},
        FunctionInfo{"", "IsInf", 10, "whether it is infinite", isInfinite},
        FunctionInfo{"", "Clip", 1, "x within min…max", clip},
        FunctionInfo{"", "Identity", 1, "x", identity},
        FunctionInfo{"", "Dropout", 1, "x, as in inference", dropout},
    };
    return rows;
}

} // namespace bitscape::graph
