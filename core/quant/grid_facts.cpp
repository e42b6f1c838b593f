// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/grid_facts.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <vector>

namespace bitscape::quant {

namespace {

/// The values that a quantizer gives for probes all over the floats: ends of the range, and for
/// grids that are not uniform every level.
std::vector<float> quantized(const Quantizer& quantizer, const std::vector<float>& probes)
{
    Tensor x(Shape{static_cast<Index>(probes.size())}, probes);
    Tensor y(x.shape());
    quantizer.apply(x.view(), y.mutableView(), {});
    return {y.values().begin(), y.values().end()};
}

/// The quantizer that shows the grid: with a scale of 1 instead of a fitted one, and no noise.
QuantizerPtr representative(const Quantizer& quantizer)
{
    Parameters parameters = quantizer.parameters();
    if (const auto noise = parameters.find("qnoise_factor"); noise != parameters.end()) {
        noise->second = 1.0;
    }
    if (const auto alpha = parameters.find("alpha"); alpha != parameters.end()) {
        const bool isNumber = std::holds_alternative<double>(alpha->second) ||
                              std::holds_alternative<std::int64_t>(alpha->second);
        alpha->second = isNumber ? alpha->second : Value{1.0};
        for (const char* fitting : {"elements_per_scale", "min_po2_exponent", "max_po2_exponent",
                                    "post_training_scale", "scale_axis"}) {
            if (const auto found = parameters.find(fitting); found != parameters.end()) {
                found->second = Value{};
            }
        }
    }
    if (const auto drawn = parameters.find("use_stochastic_rounding"); drawn != parameters.end()) {
        drawn->second = false;
    }
    auto made = quantizer.info().make(quantizer.info(), parameters);
    if (!made) {
        return nullptr;
    }
    return (*made)->needsRange() ? (*made)->withRange(-1.0, 1.0) : *made;
}

bool dependsOnData(const Quantizer& quantizer)
{
    if (quantizer.needsRange()) {
        return true;
    }
    const auto alpha = quantizer.parameters().find("alpha");
    const auto frozen = quantizer.parameters().find("post_training_scale");
    const bool isFrozen = frozen != quantizer.parameters().end() &&
                          !std::holds_alternative<std::monostate>(frozen->second);
    return alpha != quantizer.parameters().end() && !isFrozen &&
           std::holds_alternative<std::string>(alpha->second);
}

/// Distinct values of a grid with few bits, found by probing: evenly around 0, closer than its
/// levels lie, and at every power of two.
std::int64_t countLevels(const Quantizer& quantizer, const GridFacts& facts)
{
    constexpr double kAround = 1.5;    // the range and somewhat beyond
    constexpr double kSquashed = 20.0; // where a sigmoid has reached its ends
    constexpr int kOversampling = 8;
    std::vector<float> probes{0.0F};
    const double range = std::max(std::abs(facts.low), std::abs(facts.high));
    const int count = kOversampling << quantizer.bits();
    for (const double reach : {kAround * range, kSquashed}) {
        for (int i = -count; i <= count; ++i) {
            probes.push_back(static_cast<float>(reach * i / count));
        }
    }
    for (int exponent = -126; exponent <= 127; ++exponent) {
        for (const float sign : {-1.0F, 1.0F}) {
            probes.push_back(sign * std::exp2(static_cast<float>(exponent)));
        }
    }
    const std::vector<float> values = quantized(quantizer, probes);
    return static_cast<std::int64_t>(std::set<float>(values.begin(), values.end()).size());
}

/// log2(value) if it is a whole number.
std::optional<int> wholeExponent(double value)
{
    int exponent = 0;
    return std::frexp(value, &exponent) == 0.5 ? std::optional(exponent - 1) : std::nullopt;
}

/// The fixed-point type with the codes low/step … high/step; empty strings if there is none.
void nameFixedPoint(GridFacts& facts)
{
    const std::optional<int> exponent = wholeExponent(facts.step);
    if (!(facts.step > 0.0) || !exponent || facts.dependsOnData) {
        return;
    }
    const double highest = facts.high / facts.step;
    const double lowest = facts.low / facts.step;
    const bool isSigned = lowest < 0.0;
    const std::optional<int> unsignedBits = wholeExponent(highest + 1.0);
    if (!unsignedBits || (isSigned && lowest < -highest - 1.0) || facts.high <= 0.0) {
        return;
    }
    const int integer = *unsignedBits + *exponent;
    const int width = *unsignedBits + (isSigned ? 1 : 0);
    facts.apFixed = fmt::format("{}<{},{}>", isSigned ? "ap_fixed" : "ap_ufixed", width,
                                integer + (isSigned ? 1 : 0));
    if (*exponent <= 0 && integer >= 0) {
        facts.qNotation = fmt::format("{}{}.{}", isSigned ? "Q" : "UQ", integer, -*exponent);
    }
}

} // namespace

GridFacts gridFacts(const Quantizer& quantizer)
{
    GridFacts facts;
    facts.dependsOnData = dependsOnData(quantizer);
    const QuantizerPtr plain = representative(quantizer);
    if (!plain) {
        return facts;
    }
    constexpr float kLargest = std::numeric_limits<float>::max();
    const std::vector<float> ends = quantized(*plain, {-kLargest, kLargest});
    facts.low = std::min(ends[0], ends[1]);
    facts.high = std::max(ends[0], ends[1]);
    const Tensor zero(Shape{1});
    facts.step = plain->fit(zero.view(), {}).step.values().front();
    constexpr int kMostProbedBits = 12;
    if (plain->bits() <= kMostProbedBits) {
        facts.levels = countLevels(*plain, facts);
    } else if (facts.step > 0.0) {
        facts.levels =
            static_cast<std::int64_t>(std::llround((facts.high - facts.low) / facts.step)) + 1;
    }
    nameFixedPoint(facts);
    return facts;
}

} // namespace bitscape::quant
