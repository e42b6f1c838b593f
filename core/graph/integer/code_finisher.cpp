// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/integer/code_finisher.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace bitscape::graph {

namespace {

using kernels::CodeRule;

constexpr int kWordBits = 32;
constexpr int kMultiplierBits = 31;
constexpr int kLongestLift = 31;
constexpr std::int64_t kFarthestZero = std::int64_t{1} << 28; // as shifted

bool fitsWord(std::int64_t value)
{
    return value >= std::numeric_limits<std::int32_t>::min() &&
           value <= std::numeric_limits<std::int32_t>::max();
}

std::int32_t lowerWord(std::int64_t value)
{
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
}

std::optional<CodeRule> kernelRule(const std::optional<Requantization>& rule)
{
    if (!rule) {
        return CodeRule::None;
    }
    if (!rule->thresholds.empty()) {
        return CodeRule::Steps;
    }
    switch (rule->scaling.rule) {
    case ScaleRule::HalfEven:
        return CodeRule::Even;
    case ScaleRule::HalfAway:
        return CodeRule::Away;
    case ScaleRule::HalfUp:
    case ScaleRule::Floor:
    case ScaleRule::Ceil:
    case ScaleRule::TwiceUp:
        return CodeRule::Up;
    case ScaleRule::Twice:
        return CodeRule::Twice;
    case ScaleRule::Float:
        return CodeRule::Float;
    case ScaleRule::Zero:
        break;
    }
    return std::nullopt;
}

/// What is added to a product of 64 bits before its upper half is taken.
std::int64_t nudgeOf(ScaleRule rule)
{
    const std::int64_t word = std::int64_t{1} << kWordBits;
    return rule == ScaleRule::Twice || rule == ScaleRule::TwiceUp ? word / 2
           : rule == ScaleRule::Ceil                              ? word - 1
                                                                  : 0;
}

/// What is added to the upper half before its division by 2^shift.
std::int64_t halfOf(ScaleRule rule, int shift)
{
    const std::int64_t unit = std::int64_t{1} << shift;
    return rule == ScaleRule::Floor ? 0 : rule == ScaleRule::Ceil ? unit - 1 : unit / 2;
}

/// One column's numbers · multiplier · 2^lift / 2^(32 + shift).
struct Factor {
    std::int32_t multiplier = 0;
    int lift = 0;
    int shift = 0;
};

/// LiteRT's: the first rounding drops 31 bits of the product, so that the second one drops what is
/// left.
Factor twiceFactor(std::int32_t multiplier, int exponent)
{
    const int shift = exponent + kMultiplierBits;
    return {multiplier, 1 + std::max(shift, 0), std::max(-shift, 0)};
}

/// One rounding, which has to fall to the second shift.
Factor exactFactor(std::int64_t multiplier, int exponent)
{
    constexpr std::int64_t kLargest = std::int64_t{1} << (kMultiplierBits - 1);
    int shift = -exponent;
    for (; multiplier > 0 && multiplier < kLargest; multiplier *= 2) {
        ++shift;
    }
    const int lift = std::max(0, kWordBits + 1 - shift);
    return {static_cast<std::int32_t>(multiplier), lift, shift + lift - kWordBits};
}

/// Bound of a term's magnitude.
std::int64_t largestScaled(const CodeSum::Term& term)
{
    const auto largest =
        static_cast<double>(std::max(std::abs(term.sums.low), std::abs(term.sums.high)));
    if (!term.scaling) {
        return static_cast<std::int64_t>(largest);
    }
    double factor = 0.0;
    for (std::size_t c = 0; c < term.scaling->channels(); ++c) {
        factor =
            std::max(factor, std::ldexp(term.scaling->multipliers[c], term.scaling->exponents[c]));
    }
    constexpr double kFarOut = 1e15; // more than any kernel takes
    return static_cast<std::int64_t>(std::min(std::ceil(largest * factor) + 1.0, kFarOut));
}

/// Numbers that are shifted already may take a power of two as another shift, whatever the rule.
void foldPower(CodeSum::Term& term)
{
    KernelSums& sums = term.sums;
    if (!term.scaling || term.scaling->channels() != 1 ||
        !std::has_single_bit(static_cast<std::uint32_t>(term.scaling->multipliers.front()))) {
        return;
    }
    const int exponent =
        term.scaling->exponents.front() +
        std::countr_zero(static_cast<std::uint32_t>(term.scaling->multipliers.front()));
    if (exponent > 0 || -exponent > sums.lifts.front()) {
        return;
    }
    const std::int64_t unit = std::int64_t{1} << -exponent; // divides all of them
    sums.lifts.front() += exponent;
    sums.biases.front() /= unit;
    sums.low /= unit;
    sums.high /= unit;
    term.scaling.reset();
}

} // namespace

std::optional<CodeFinisher> CodeFinisher::make(const std::optional<Requantization>& rule,
                                               const KernelSums& sums, const CodeLayout& to)
{
    CodeFinisher made;
    const auto kernel = kernelRule(rule);
    const auto kind = kindOf(to.kept);
    const bool hasSteps = kernel == CodeRule::Steps;
    if (!kernel || !kind || !(hasSteps ? made.setSteps(*rule, to) : made.setEnds(rule, sums, to)) ||
        !fitsWord(sums.low) || !fitsWord(sums.high)) {
        return std::nullopt;
    }
    made.m_finish.rule = *kernel;
    made.m_finish.kind = *kind;
    const std::size_t columns = sums.lifts.size();
    const std::size_t channels = rule && !hasSteps ? rule->scaling.channels() : 1;
    if (channels != 1 && channels != columns) {
        return std::nullopt;
    }
    for (std::size_t column = 0; column < columns; ++column) {
        const bool multiplies = rule && !hasSteps && *kernel != CodeRule::Float;
        if (multiplies ? !made.addScaled(rule->scaling, column % channels, sums, column)
                       : !made.addPlain(sums, column)) {
            return std::nullopt;
        }
        if (*kernel == CodeRule::Float) {
            made.m_factors.push_back(rule->scaling.factors[column % channels]);
        }
    }
    made.pad();
    return made;
}

bool CodeFinisher::setEnds(const std::optional<Requantization>& rule, const KernelSums& sums,
                           const CodeLayout& to)
{
    const std::int64_t low = (rule ? rule->low : sums.low) - to.base;
    const std::int64_t high = (rule ? rule->high : sums.high) - to.base;
    const std::int64_t zero = (rule ? rule->zero : 0) - to.base;
    constexpr std::int64_t kFarOut = std::int64_t{1} << 30;
    constexpr std::int64_t kFloatEnd = std::int64_t{1} << 22;
    const bool isFloat = rule && rule->scaling.rule == ScaleRule::Float;
    if (!fitsWord(low) || !fitsWord(high) || std::abs(zero) > kFarOut ||
        (isFloat && std::max(std::abs(low - zero), std::abs(high - zero)) > kFloatEnd)) {
        return false;
    }
    m_finish.low = static_cast<std::int32_t>(low);
    m_finish.high = static_cast<std::int32_t>(high);
    m_finish.zero = static_cast<std::int32_t>(zero);
    return true;
}

/// Levels as rises from the lowest, which is the zero that is added.
bool CodeFinisher::setSteps(const Requantization& rule, const CodeLayout& to)
{
    constexpr std::size_t kMostSteps = 32; // a search is quicker for more
    const auto [low, high] = std::ranges::minmax(rule.levels);
    if (rule.thresholds.size() > kMostSteps || !fitsWord(low - to.base) ||
        !fitsWord(high - to.base)) {
        return false;
    }
    for (std::size_t i = 0; i < rule.thresholds.size(); ++i) {
        if (!fitsWord(rule.thresholds[i])) {
            return false;
        }
        m_thresholds.push_back(static_cast<std::int32_t>(rule.thresholds[i]));
        m_rises.push_back(lowerWord(rule.levels[i + 1] - rule.levels[i]));
    }
    m_finish.low = static_cast<std::int32_t>(low - to.base);
    m_finish.high = static_cast<std::int32_t>(high - to.base);
    m_finish.zero = static_cast<std::int32_t>(rule.levels.front() - to.base);
    return true;
}

bool CodeFinisher::addPlain(const KernelSums& sums, std::size_t column)
{
    if (sums.lifts[column] > kLongestLift) {
        return false;
    }
    // Sums wrap: what counts is that the number fits.
    m_bias.push_back(lowerWord(sums.biases[column]));
    m_lifts.push_back(sums.lifts[column]);
    return true;
}

bool CodeFinisher::addScaled(const Scaling& scaling, std::size_t channel, const KernelSums& sums,
                             std::size_t column)
{
    const std::int32_t multiplier = scaling.multipliers[channel];
    const int exponent = scaling.exponents[channel];
    const bool isTwice = scaling.rule == ScaleRule::Twice || scaling.rule == ScaleRule::TwiceUp;
    const Factor f =
        isTwice ? twiceFactor(multiplier, exponent) : exactFactor(multiplier, exponent);
    const int lift = f.lift + sums.lifts[column];
    const std::int64_t bias = sums.biases[column];
    const std::int64_t unit = std::int64_t{1} << f.lift;
    constexpr int kLongestShift = 28;    // leaves the sum of products and addends in 64 bits
    constexpr int kLongestExponent = 62; // beyond which scaled() stops
    if (multiplier < 0 || lift > kLongestLift || f.shift > kLongestShift ||
        -exponent > kLongestExponent || !fitsWord(bias) || !fitsWord(bias * unit) ||
        !fitsWord(sums.low * unit) || !fitsWord(sums.high * unit) ||
        !fitsWord((sums.low - bias) * unit) || !fitsWord((sums.high - bias) * unit)) {
        return false;
    }
    const std::int64_t half = halfOf(scaling.rule, f.shift);
    std::int64_t addend = bias * unit * f.multiplier + nudgeOf(scaling.rule);
    if (m_finish.rule == CodeRule::Up) {
        const std::int64_t zero = std::int64_t{m_finish.zero} << f.shift;
        if (std::abs(zero) > kFarthestZero) {
            return false;
        }
        addend += (half + zero) * (std::int64_t{1} << kWordBits);
    }
    m_lifts.push_back(lift);
    m_multipliers.push_back(f.multiplier);
    m_lowAddends.push_back(lowerWord(addend));
    m_highAddends.push_back(lowerWord(addend >> kWordBits));
    m_halves.push_back(static_cast<std::int32_t>(half));
    m_shifts.push_back(f.shift);
    return true;
}

void CodeFinisher::pad()
{
    const auto grow = [](auto& column) {
        if (!column.empty()) {
            column.resize(column.size() + kernels::kCodePadding, column.back());
        }
    };
    for (auto* column :
         {&m_lifts, &m_bias, &m_multipliers, &m_lowAddends, &m_highAddends, &m_halves, &m_shifts}) {
        grow(*column);
    }
    grow(m_factors);
}

kernels::CodeFinish CodeFinisher::from(Index first) const
{
    const auto at = [first](const auto& column) {
        return column.empty() ? nullptr : column.data() + first;
    };
    kernels::CodeFinish finish = m_finish;
    finish.lifts = at(m_lifts);
    finish.bias = at(m_bias);
    finish.factors = at(m_factors);
    finish.multipliers = at(m_multipliers);
    finish.lowAddends = at(m_lowAddends);
    finish.highAddends = at(m_highAddends);
    finish.halves = at(m_halves);
    finish.shifts = at(m_shifts);
    finish.thresholds = m_thresholds.data();
    finish.rises = m_rises.data();
    finish.steps = std::ssize(m_thresholds);
    return finish;
}

std::optional<CodeSum> CodeSum::make(std::vector<Term> terms,
                                     const std::optional<Requantization>& rule,
                                     const CodeLayout& to)
{
    std::size_t columns = rule && rule->thresholds.empty() ? rule->scaling.channels() : 1;
    for (const Term& term : terms) {
        columns = std::max(columns, term.scaling ? term.scaling->channels() : 1);
    }
    CodeSum made;
    made.m_columns = static_cast<Index>(columns);
    const auto repeated = [columns](KernelSums sums) {
        sums.lifts.resize(columns, sums.lifts.front());
        sums.biases.resize(columns, sums.biases.front());
        return sums;
    };
    KernelSums all{0, 0, {0}, {0}};
    for (Term& term : terms) {
        if (term.scaling && term.scaling->rule == ScaleRule::Float) {
            return std::nullopt; // which clips at once
        }
        foldPower(term);
        const auto kind = kindOf(term.layout.kept);
        std::optional<Requantization> scaling;
        if (term.scaling) {
            scaling = Requantization{*term.scaling, 0, 0, 0, {}, {}};
        }
        auto finisher = CodeFinisher::make(scaling, repeated(term.sums), {Kept::Int, 0});
        if (!kind || !finisher) {
            return std::nullopt;
        }
        const std::int64_t bound = largestScaled(term);
        all.low -= bound;
        all.high += bound;
        made.m_finishers.push_back(std::move(*finisher));
        made.m_terms.push_back({*kind, made.m_finishers.back().from(0), term.isNegative});
    }
    auto finisher = CodeFinisher::make(rule, repeated(std::move(all)), to);
    if (!finisher) {
        return std::nullopt;
    }
    made.m_finishers.push_back(std::move(*finisher));
    made.m_finish = made.m_finishers.back().from(0);
    return made;
}

void CodeSum::run(const std::byte* const* codes, Index count, std::byte* to) const
{
    kernels::sumCodes(m_terms.data(), codes, std::ssize(m_terms), count, m_columns, m_finish, to);
}

} // namespace bitscape::graph
