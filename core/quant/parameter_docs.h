// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"
#include "core/quant/rounding.h"

// Parameters that several rows of the registry share.
namespace bitscape::quant {

[[nodiscard]] inline ParameterInfo stochasticParameter()
{
    return {
        "use_stochastic_rounding", ParameterType::Boolean, false,
        "Round up or down at random while training, so that the mean is exact; helps when steps "
        "are smaller than the grid. Inference rounds to nearest."};
}

[[nodiscard]] inline ParameterInfo noiseParameter()
{
    return {"qnoise_factor", ParameterType::Number, 1.0,
            "Share of the quantization that is applied: 0 passes the values through, 1 quantizes "
            "fully. Schedules raise it during training."};
}

[[nodiscard]] inline ParameterInfo variableNameParameter()
{
    return {
        "var_name", ParameterType::OptionalText, {}, "Name of QKeras' variables; no effect here."};
}

[[nodiscard]] inline ParameterInfo variablesParameter()
{
    return {"use_variables", ParameterType::Boolean, false,
            "Whether QKeras keeps qnoise_factor in a variable; no effect here."};
}

[[nodiscard]] inline ParameterInfo straightThroughParameter()
{
    return {"use_ste", ParameterType::Boolean, true,
            "Pass gradients as if nothing were quantized. Without it the gradient is multiplied by "
            "1 − qnoise_factor."};
}

[[nodiscard]] inline ParameterInfo scaleAxisParameter()
{
    return {"scale_axis",
            ParameterType::Axes,
            {},
            "Axis or axes that keep a scale per index; None: the last axis, []: one scale for the "
            "tensor. Depth-wise kernels need 2 for a scale per channel."};
}

[[nodiscard]] inline ParameterInfo elementsPerScaleParameter()
{
    return {"elements_per_scale",
            ParameterType::Axes,
            {},
            "Neighboring indices along scale_axis that share one scale; needs scale_axis."};
}

[[nodiscard]] inline ParameterInfo minExponentParameter()
{
    return {"min_po2_exponent",
            ParameterType::OptionalInteger,
            {},
            "Least exponent of a power-of-two scale, where hardware limits shifts."};
}

[[nodiscard]] inline ParameterInfo maxExponentParameter()
{
    return {"max_po2_exponent",
            ParameterType::OptionalInteger,
            {},
            "Largest exponent of a power-of-two scale."};
}

/// The Choice `rounding`, given by keyword only. The default is what the tool of origin does; it
/// may be a word beyond roundingNames() where the tool has no single rule.
[[nodiscard]] inline ParameterInfo roundingParameter(std::string_view byDefault = "half_even")
{
    std::vector<std::string> choices(roundingNames().begin(), roundingNames().end());
    const std::string preset(byDefault);
    if (!roundingByName(byDefault)) {
        choices.insert(choices.begin(), preset);
    }
    return {
        "rounding",
        ParameterType::Choice,
        preset,
        "How values between two levels are rounded: to the nearest with ties to the even code or "
        "away from zero, down, towards zero, up, or at random while training. Choose what the "
        "hardware does; dropping bits is 'floor'.",
        std::move(choices),
        true};
}

/// The Choice `overflow`, given by keyword only.
[[nodiscard]] inline ParameterInfo overflowParameter()
{
    return {"overflow",
            ParameterType::Choice,
            std::string(overflowNames().front()),
            "What becomes of values beyond the range: the end of the range, the code modulo 2^bits "
            "as an adder without saturation gives it, or the end of a range that is the same on "
            "both sides.",
            {overflowNames().begin(), overflowNames().end()},
            true};
}

} // namespace bitscape::quant
