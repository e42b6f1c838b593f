// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/affine_grid.h"

#include "core/quant/rounding.h"
#include "core/quant/scale_layout.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace bitscape::io {

namespace {

constexpr float kFar = 1e30F;
constexpr float kExact = 1e-6F; ///< one rounding of float32, and a little

std::vector<float> applied(const quant::Quantizer& quantizer, const std::vector<float>& values)
{
    const Tensor x(Shape{std::ssize(values)}, values);
    Tensor y(x.shape());
    quantizer.apply(x.view(), y.mutableView(), {});
    return {y.values().begin(), y.values().end()};
}

bool isNear(float a, float b)
{
    return std::abs(a - b) <= kExact * std::max(std::abs(a), std::abs(b));
}

bool isPowerOfTwo(float value)
{
    int exponent = 0;
    return std::frexp(value, &exponent) == 0.5F;
}

/// Ends of the codes, and step and zero point, as the quantizer says; not yet tried.
std::optional<AffineGrid> claimedGrid(const quant::Quantizer& quantizer)
{
    const Tensor ends(Shape{2}, std::array{-kFar, kFar});
    const auto codes = quantizer.codes(ends.view(), {});
    if (!codes) {
        return std::nullopt;
    }
    const quant::Fit fit = quantizer.fit(ends.view(), {});
    const AffineGrid grid{fit.step.values().front(), fit.zeroPoint.values().front(),
                          codes->values()[0], codes->values()[1]};
    constexpr float kMostCode = 1 << 24; // whole numbers of float32
    const bool isSound = fit.step.size() == 1 && grid.step > 0.0F && std::isfinite(grid.step) &&
                         grid.low < grid.high && std::abs(grid.low) <= kMostCode &&
                         std::abs(grid.high) <= kMostCode &&
                         grid.zeroPoint == std::nearbyint(grid.zeroPoint);
    return isSound ? std::optional(grid) : std::nullopt;
}

float onGrid(const AffineGrid& grid, float value)
{
    const float code = quant::roundHalfToEven(value / grid.step) + grid.zeroPoint;
    return grid.step * (std::clamp(code, grid.low, grid.high) - grid.zeroPoint);
}

/// Codes evenly spread over the grid, its ends and what lies beyond.
std::vector<float> probedCodes(const AffineGrid& grid)
{
    constexpr int kProbes = 64;
    std::vector<float> codes{grid.low - 2.0F,      grid.low + 1.0F,       grid.high - 1.0F,
                             grid.high + 2.0F,     grid.zeroPoint - 1.0F, grid.zeroPoint,
                             grid.zeroPoint + 1.0F};
    for (int i = 0; i <= kProbes; ++i) {
        codes.push_back(
            std::nearbyint(grid.low + (grid.high - grid.low) * static_cast<float>(i) / kProbes));
    }
    return codes;
}

} // namespace

std::optional<AffineGrid> affineGridOf(const quant::Quantizer& quantizer)
{
    if (!quantizer.isElementwise() || quantizer.needsRange() || !quantizer.accepts(Shape{1, 2})) {
        return std::nullopt;
    }
    const auto grid = claimedGrid(quantizer);
    if (!grid) {
        return std::nullopt;
    }
    // Where the step is no power of two the place of a tie is a matter of rounding.
    constexpr std::array kBetween{-0.49F, -0.25F, 0.0F, 0.25F, 0.49F};
    std::vector<float> probes{-kFar, kFar};
    for (const float code : probedCodes(*grid)) {
        for (const float part : kBetween) {
            probes.push_back(grid->step * (code - grid->zeroPoint + part));
        }
        if (isPowerOfTwo(grid->step)) {
            probes.push_back(grid->step * (code - grid->zeroPoint + 0.5F));
        }
    }
    const std::vector<float> values = applied(quantizer, probes);
    for (std::size_t i = 0; i < probes.size(); ++i) {
        if (!isNear(values[i], onGrid(*grid, probes[i]))) {
            return std::nullopt;
        }
    }
    return grid;
}

std::optional<float> bipolarScaleOf(const quant::Quantizer& quantizer)
{
    if (!quantizer.isElementwise() || quantizer.needsRange()) {
        return std::nullopt;
    }
    constexpr float kSmall = 1e-3F;
    const std::vector<float> below = applied(quantizer, {-kFar, -1.0F, -kSmall});
    const std::vector<float> above = applied(quantizer, {0.0F, kSmall, 1.0F, kFar});
    const float scale = above.front();
    const bool isBipolar =
        scale > 0.0F && std::isfinite(scale) &&
        std::ranges::all_of(below, [scale](float value) { return value == -scale; }) &&
        std::ranges::all_of(above, [scale](float value) { return value == scale; });
    return isBipolar ? std::optional(scale) : std::nullopt;
}

std::optional<QuantizedTensor> quantizeConstant(const quant::Quantizer& quantizer,
                                                const Tensor& value)
{
    auto codes = quantizer.codes(value.view(), {});
    if (!codes) {
        return std::nullopt;
    }
    quant::Fit fit = quantizer.fit(value.view(), {});
    QuantizedTensor result{.values = Tensor(value.shape()),
                           .codes = std::move(*codes),
                           .step = std::move(fit.step),
                           .zeroPoint = std::move(fit.zeroPoint),
                           .bits = quantizer.bits()};
    quantizer.apply(value.view(), result.values.mutableView(), {});
    bool isExact = result.step.size() == result.zeroPoint.size();
    const auto layout = quant::ScaleLayout::of(result.step, value.shape());
    quant::forEachElement(layout, [&](std::size_t element, std::size_t scale) {
        const float code = result.codes.values()[element];
        const float step = result.step.values()[scale];
        isExact = isExact && step > 0.0F && code == std::nearbyint(code) &&
                  isNear(result.values.values()[element],
                         step * (code - result.zeroPoint.values()[scale]));
    });
    if (!isExact) {
        return std::nullopt;
    }
    const auto least = value.size() == 0 ? 0.0F : std::ranges::min(result.codes.values());
    result.isBipolar = quantizer.bits() == 1 &&
                       std::ranges::all_of(result.codes.values(),
                                           [](float code) { return std::abs(code) == 1.0F; });
    result.isSigned = least < 0.0F || quantizer.isSigned();
    return result;
}

} // namespace bitscape::io
