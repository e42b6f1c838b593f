// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/grid_facts.h"

#include "core/quant/value.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

namespace bitscape::quant {

namespace {

constexpr int kMostProbedBits = 12;

/// The values that a quantizer gives for probes all over the floats: ends of the range, and for
/// grids that are not uniform every level.
std::vector<float> quantized(const Quantizer& quantizer, const std::vector<float>& probes)
{
    Tensor x(Shape{static_cast<Index>(probes.size())}, probes);
    Tensor y(x.shape());
    quantizer.apply(x.view(), y.mutableView(), {});
    return {y.values().begin(), y.values().end()};
}

/// Of scales that another tool gave, the largest: it shows how far the grid reaches.
void keepLargestScale(Parameters& parameters)
{
    const auto scale = parameters.find("scale");
    const auto scales = scale == parameters.end() ? std::nullopt : listOf(scale->second);
    if (!scales || scales->values.size() < 2) {
        return;
    }
    const auto largest = std::ranges::max_element(scales->values);
    Value& zero = parameters.at("zero_point");
    if (const auto zeros = listOf(zero); zeros && zeros->values.size() > 1) {
        zero = zeros->values[static_cast<std::size_t>(largest - scales->values.begin())];
    }
    scale->second = *largest;
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

/// Numbers evenly spread over −1 … 1, more than a grid of that width has levels.
std::vector<float> spreadFor(int bits)
{
    constexpr int kOversampling = 8;
    const int count = kOversampling << std::min(bits, kMostProbedBits);
    std::vector<float> spread;
    for (int i = -count; i <= count; ++i) {
        spread.push_back(static_cast<float>(i) / static_cast<float>(count));
    }
    return spread;
}

/// Facts of a grid that comes from the values themselves.
void probeFitted(const Quantizer& quantizer, const std::vector<float>& spread, GridFacts& facts)
{
    std::vector<float> values = quantized(quantizer, spread);
    std::ranges::sort(values);
    facts.low = values.front();
    facts.high = values.back();
    const TensorView x{spread.data(), Shape{static_cast<Index>(spread.size())}};
    facts.step = quantizer.fit(x, {}).step.values().front();
    if (quantizer.bits() <= kMostProbedBits) {
        facts.levels = std::unique(values.begin(), values.end()) - values.begin();
    }
}

/// The ends of a range that is no longer than these: a curve such as hard swish has its lowest
/// point in between.
void widen(GridFacts& facts, float low, float high)
{
    facts.low = std::min(facts.low, static_cast<double>(low));
    facts.high = std::max(facts.high, static_cast<double>(high));
}

/// Distinct values of a grid with few bits, found by probing: evenly around 0, closer than its
/// levels lie, and at every power of two.
std::int64_t countLevels(const Quantizer& quantizer, GridFacts& facts)
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
    // Small floats have levels between the powers; wider mantissas are found by the probes above.
    constexpr int kMostBetween = 256;
    const int between =
        facts.step > 0.0 ? 1 : std::clamp((1 << quantizer.bits()) / 4, 1, kMostBetween);
    for (int exponent = -126; exponent <= 127; ++exponent) {
        for (int i = 0; i < between; ++i) {
            const float size =
                std::ldexp(1.0F + static_cast<float>(i) / static_cast<float>(between), exponent);
            probes.insert(probes.end(), {-size, size});
        }
    }
    std::vector<float> values = quantized(quantizer, probes);
    std::ranges::sort(values);
    widen(facts, values.front(), values.back());
    return std::unique(values.begin(), values.end()) - values.begin();
}

/// Of a wide grid: from the distance of its ends, in steps or codes; 0 for floats.
std::int64_t countWideLevels(const Quantizer& quantizer, GridFacts& facts)
{
    std::vector<float> spread = spreadFor(kMostProbedBits);
    for (float& value : spread) {
        value *= static_cast<float>(std::max(std::abs(facts.low), std::abs(facts.high)));
    }
    const std::vector<float> values = quantized(quantizer, spread);
    const auto [lowest, highest] = std::ranges::minmax(values);
    widen(facts, lowest, highest);
    if (facts.step > 0.0) {
        return std::llround((facts.high - facts.low) / facts.step) + 1;
    }
    const std::vector<float> ends{static_cast<float>(facts.low), static_cast<float>(facts.high)};
    const auto codes = quantizer.codes({ends.data(), Shape{2}}, {});
    return codes ? std::llround(codes->values()[1] - codes->values()[0]) + 1 : 0;
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
    constexpr double kExactCodes = 0x1p24; // floats round 2^n − 1 up from here on
    double highest = facts.high / facts.step;
    highest -= highest >= kExactCodes && wholeExponent(highest) ? 1.0 : 0.0;
    const double lowest = facts.low / facts.step;
    const bool isSigned = lowest < 0.0;
    if (highest != std::floor(highest) || lowest != std::floor(lowest) || facts.high <= 0.0) {
        return;
    }
    const auto unsignedBits =
        static_cast<int>(std::ceil(std::log2(std::max(highest + 1.0, -lowest))));
    const int integer = unsignedBits + *exponent;
    const int width = unsignedBits + (isSigned ? 1 : 0);
    facts.apFixed = fmt::format("{}<{},{}>", isSigned ? "ap_fixed" : "ap_ufixed", width,
                                integer + (isSigned ? 1 : 0));
    if (*exponent <= 0 && integer >= 0) {
        facts.qNotation = fmt::format("{}{}.{}", isSigned ? "Q" : "UQ", integer, -*exponent);
    }
}

} // namespace

QuantizerPtr singleGrid(const Quantizer& quantizer)
{
    Parameters parameters = quantizer.parameters();
    keepLargestScale(parameters);
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
    for (const ParameterInfo& parameter : quantizer.info().parameters) {
        Value& value = parameters.at(parameter.name);
        if (parameter.type == ParameterType::Choice &&
            std::get<std::string>(value) == "stochastic") {
            value = parameter.defaultValue;
        }
    }
    // Codes that wrap cover the range that saturated ones cover.
    if (const auto overflow = parameters.find("overflow");
        overflow != parameters.end() && overflow->second == Value{std::string("wrap")}) {
        overflow->second = std::string("saturate");
    }
    auto made = quantizer.info().make(quantizer.info(), parameters);
    if (!made) {
        return nullptr;
    }
    return (*made)->needsRange() ? (*made)->withRange(-1.0, 1.0) : *made;
}

GridFacts gridFacts(const Quantizer& quantizer)
{
    GridFacts facts;
    if (quantizer.info().isFunction) {
        facts.low = quantizer.min();
        facts.high = quantizer.max();
        return facts;
    }
    facts.dependsOnData = dependsOnData(quantizer);
    QuantizerPtr plain = singleGrid(quantizer);
    if (!plain || !plain->isElementwise()) {
        const QuantizerPtr held = plain; // `fitted` may be it
        const Quantizer& fitted = held ? *held : quantizer;
        const std::vector<float> spread = spreadFor(fitted.bits());
        // With a given alpha it is chance, not the data, that decides.
        facts.dependsOnData = facts.dependsOnData || !quantizer.parameters().contains("alpha");
        plain = fitted.initialized({spread.data(), Shape{static_cast<Index>(spread.size())}});
        if (!plain || !plain->isElementwise()) {
            probeFitted(fitted, spread, facts);
            nameFixedPoint(facts);
            return facts;
        }
    }
    constexpr float kLargest = std::numeric_limits<float>::max();
    const std::vector<float> ends = quantized(*plain, {-kLargest, kLargest});
    facts.low = std::isfinite(ends[0]) ? std::min(ends[0], ends[1]) : plain->min();
    facts.high = std::isfinite(ends[1]) ? std::max(ends[0], ends[1]) : plain->max();
    const Tensor zero(Shape{1});
    facts.step = plain->fit(zero.view(), {}).step.values().front();
    facts.levels = plain->bits() <= kMostProbedBits ? countLevels(*plain, facts)
                                                    : countWideLevels(*plain, facts);
    nameFixedPoint(facts);
    return facts;
}

} // namespace bitscape::quant
