// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/common.h"

#include "core/quant/scale_layout.h"
#include "core/quant/value.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace bitscape::quant {

Noise noiseOf(const Parameters& parameters)
{
    return {static_cast<float>(numberOf(parameters, "qnoise_factor")),
            flagOf(parameters, "use_ste")};
}

Tensor GivenScale::tensor() const
{
    Shape sizes = {1};
    if (!isSingle()) {
        const std::vector<Index> axes(shape.begin(), shape.end());
        sizes = Shape(axes);
    }
    return {sizes, values};
}

std::optional<GivenScale> givenScale(const Value& value)
{
    const std::optional<NestedList> list = listOf(value);
    if (!list) {
        return std::nullopt;
    }
    return GivenScale{{list->values.begin(), list->values.end()}, list->shape};
}

Result<void> checkGivenScale(const QuantizerInfo& info, std::string_view parameter,
                             const GivenScale& scale, const Shape& shape)
{
    if (!ScaleLayout::broadcasting(shape, scale.shape)) {
        const std::vector<Index> axes(scale.shape.begin(), scale.shape.end());
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("{}: {} has the shape {}, which does not fit a tensor {}.",
                                info.name, parameter, Shape(axes).toString(), shape.toString()));
    }
    return {};
}

Tensor one(float value)
{
    return {Shape{1}, std::span(&value, 1)};
}

Fit fitOf(Tensor scale, Tensor step)
{
    Tensor zeroPoint(scale.shape());
    return {std::move(scale), std::move(step), std::move(zeroPoint)};
}

bool isFitted(const Parameters& parameters)
{
    return textOf(valueOf(parameters, "alpha")) != nullptr;
}

bool isPowerOfTwoFit(const Parameters& parameters)
{
    const std::string* alpha = textOf(valueOf(parameters, "alpha"));
    return alpha != nullptr && *alpha == "auto_po2";
}

const Value& valueOf(const Parameters& parameters, std::string_view name)
{
    const auto found = parameters.find(name);
    ensure(found != parameters.end(), "valueOf: no such parameter");
    return found->second;
}

double numberOf(const Parameters& parameters, std::string_view name)
{
    return numberOf(valueOf(parameters, name)).value_or(0.0);
}

bool flagOf(const Parameters& parameters, std::string_view name)
{
    return isTruthy(valueOf(parameters, name));
}

CodeRule ruleOf(const Parameters& parameters, Rounding own)
{
    const std::string* rounding = textOf(valueOf(parameters, "rounding"));
    const std::string* overflow = textOf(valueOf(parameters, "overflow"));
    ensure(rounding != nullptr && overflow != nullptr, "ruleOf: choices are texts");
    CodeRule rule{roundingByName(*rounding).value_or(own),
                  overflowByName(*overflow).value_or(Overflow::Saturate)};
    if (flagOf(parameters, "use_stochastic_rounding")) {
        rule.rounding = Rounding::Stochastic;
    }
    return rule;
}

Result<void> checkRounding(const QuantizerInfo& info, const Parameters& parameters)
{
    const Value& rounding = valueOf(parameters, "rounding");
    const bool isDefault = sameValue(rounding, findParameter(info, "rounding")->defaultValue);
    if (flagOf(parameters, "use_stochastic_rounding") && !isDefault &&
        roundingByName(*textOf(rounding)) != Rounding::Stochastic) {
        return badParameter(info, "rounding", rounding,
                            "use_stochastic_rounding asks for another one");
    }
    return {};
}

Result<void> checkStep(const QuantizerInfo& info, const Parameters& parameters,
                       std::int64_t unsignedBits)
{
    constexpr double kLargestExponent = 126.0;
    const Value& integer = valueOf(parameters, "integer");
    if (std::abs(numberOf(parameters, "integer") - static_cast<double>(unsignedBits)) >
        kLargestExponent) {
        return badParameter(info, "integer", integer,
                            "with these bits the step is too small or too large for a float");
    }
    return {};
}

Result<void> checkRange(const QuantizerInfo& info, const Parameters& parameters,
                        std::string_view name, std::int64_t low, std::int64_t high)
{
    const double value = numberOf(parameters, name);
    if (value < static_cast<double>(low) || value > static_cast<double>(high)) {
        return badParameter(info, name, valueOf(parameters, name),
                            fmt::format("it must lie between {} and {}", low, high));
    }
    return {};
}

Result<void> checkScaling(const QuantizerInfo& info, const Parameters& parameters)
{
    const Value& axes = valueOf(parameters, "scale_axis");
    const Value& elements = valueOf(parameters, "elements_per_scale");
    const std::optional<NestedList> sizes = listOf(elements);
    if (!sizes) {
        return {};
    }
    if (isNone(axes)) {
        return badParameter(info, "elements_per_scale", elements, "it needs scale_axis");
    }
    const bool axisIsList = std::holds_alternative<std::vector<double>>(axes);
    const bool sizeIsList = std::holds_alternative<std::vector<double>>(elements);
    if (sizeIsList && (!axisIsList || listOf(axes)->values.size() != sizes->values.size())) {
        return badParameter(info, "elements_per_scale", elements,
                            "a list needs a scale_axis list of the same length");
    }
    for (const double size : sizes->values) {
        if (size < 1.0) {
            return badParameter(info, "elements_per_scale", elements, "it must be 1 or more");
        }
    }
    return {};
}

Warnings listAlphaNotes(const QuantizerInfo& info, const Parameters& parameters)
{
    const Value& alpha = valueOf(parameters, "alpha");
    if (listOf(alpha) && !numberOf(alpha)) {
        return {{"qkeras_differs",
                 info.name + ": QKeras takes a numpy array as alpha but refuses a list.", "alpha"}};
    }
    return {};
}

void passGradient(TensorView upstream, MutableTensorView dx, float factor)
{
    if (factor != 1.0F || upstream.data != dx.data) {
        kernels::multiplyBy(upstream.data, dx.data, upstream.size(), factor);
    }
}

} // namespace bitscape::quant
