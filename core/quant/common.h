// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"
#include "core/quant/rounding.h"
#include "core/tensor/kernels/quantize.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

// What the concrete quantizers share. Used inside core/quant only.
namespace bitscape::quant {

/// How much of the quantization is applied, and how gradients pass: QKeras' qnoise_factor and
/// use_ste. value = (1 − share) · x + share · Q(x).
struct Noise {
    float share = 1.0F;
    bool straightThrough = true;

    [[nodiscard]] bool isWhole() const { return share == 1.0F; }
    /// A noise schedule that runs decides instead of qnoise_factor.
    [[nodiscard]] Noise at(const CallContext& call) const
    {
        return {call.noise.value_or(share), straightThrough};
    }
    /// Factor of the gradient where it passes.
    [[nodiscard]] float gradient() const { return straightThrough ? 1.0F : 1.0F - share; }
};

[[nodiscard]] Noise noiseOf(const Parameters& parameters);

/// A scale given as a number or list, ready to be broadcast.
struct GivenScale {
    std::vector<float> values;
    std::vector<std::int64_t> shape;

    [[nodiscard]] bool isSingle() const { return values.size() == 1; }
    [[nodiscard]] Tensor tensor() const;
};

/// The number or list of a `Scale` or `FrozenScale` parameter; nullopt for None and texts.
[[nodiscard]] std::optional<GivenScale> givenScale(const Value& value);
/// InvalidArgument unless the list broadcasts against `shape`.
[[nodiscard]] Result<void> checkGivenScale(const QuantizerInfo& info, std::string_view parameter,
                                           const GivenScale& scale, const Shape& shape);

/// The scale 1 of a quantizer without one, and zero points of the same shape.
[[nodiscard]] Tensor one(float value = 1.0F);
[[nodiscard]] Fit fitOf(Tensor scale, Tensor step);

/// 'auto' or 'auto_po2'.
[[nodiscard]] bool isFitted(const Parameters& parameters);
[[nodiscard]] bool isPowerOfTwoFit(const Parameters& parameters);

[[nodiscard]] const Value& valueOf(const Parameters& parameters, std::string_view name);
[[nodiscard]] double numberOf(const Parameters& parameters, std::string_view name);
[[nodiscard]] bool flagOf(const Parameters& parameters, std::string_view name);

/// The parameters `rounding` and `overflow`. A word beyond roundingNames() stands for the tool's
/// own rule, which is `own`; use_stochastic_rounding of whole steps counts as 'stochastic'.
[[nodiscard]] CodeRule ruleOf(const Parameters& parameters, Rounding own = Rounding::HalfEven);
/// InvalidArgument if use_stochastic_rounding and `rounding` say different things.
[[nodiscard]] Result<void> checkRounding(const QuantizerInfo& info, const Parameters& parameters);
/// InvalidArgument unless 2^integer / 2^unsignedBits and its inverse are normal floats.
[[nodiscard]] Result<void> checkStep(const QuantizerInfo& info, const Parameters& parameters,
                                     std::int64_t unsignedBits);

/// InvalidArgument unless low ≤ parameter ≤ high.
[[nodiscard]] Result<void> checkRange(const QuantizerInfo& info, const Parameters& parameters,
                                      std::string_view name, std::int64_t low, std::int64_t high);
/// scale_axis, elements_per_scale and the exponents agree with each other and with alpha.
[[nodiscard]] Result<void> checkScaling(const QuantizerInfo& info, const Parameters& parameters);

/// What is to be said of a list as alpha where QKeras takes an array of numpy only.
[[nodiscard]] Warnings listAlphaNotes(const QuantizerInfo& info, const Parameters& parameters);

/// dx = factor · upstream.
void passGradient(TensorView upstream, MutableTensorView dx, float factor);

/// y = (1 − share) · x + share · Q(x) with `quantize(from, to, count)` doing Q; in blocks, since y
/// may be x.
template <class Quantize>
void applyWithNoise(TensorView x, MutableTensorView y, const Noise& noise, Quantize quantize)
{
    if (noise.isWhole()) {
        quantize(x.data, y.data, x.size());
        return;
    }
    constexpr Index kBlock = 512;
    std::array<float, kBlock> block{};
    for (Index first = 0; first < x.size(); first += kBlock) {
        const Index count = std::min(kBlock, x.size() - first);
        quantize(x.data + first, block.data(), count);
        kernels::blend(x.data + first, block.data(), count, noise.share);
        std::copy_n(block.data(), count, y.data + first);
    }
}

} // namespace bitscape::quant
