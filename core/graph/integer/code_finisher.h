// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/integer/code_layout.h"

#include <optional>
#include <vector>

// From requantizations to what the kernels take. Used inside core/graph/integer only.
namespace bitscape::graph {

/// Numbers of a step as the kernels sum them: number = (sum << lifts[c]) + biases[c].
struct KernelSums {
    std::int64_t low = 0, high = 0; ///< ends of all numbers
    std::vector<int> lifts;         ///< one per column
    std::vector<std::int64_t> biases;
};

/// A requantization (or none: the numbers themselves) made ready for the kernels. Immutable.
class CodeFinisher {
public:
    /// nullopt where 32 bits do not do, or the rule has no kernel: requantize() is the plain way.
    [[nodiscard]] static std::optional<CodeFinisher>
    make(const std::optional<Requantization>& rule, const KernelSums& sums, const CodeLayout& to);

    /// From column `first` on; valid as long as this.
    [[nodiscard]] kernels::CodeFinish from(Index first) const;

private:
    [[nodiscard]] bool setEnds(const std::optional<Requantization>& rule, const KernelSums& sums,
                               const CodeLayout& to);
    [[nodiscard]] bool setSteps(const Requantization& rule, const CodeLayout& to);
    [[nodiscard]] bool addPlain(const KernelSums& sums, std::size_t column);
    [[nodiscard]] bool addScaled(const Scaling& scaling, std::size_t channel,
                                 const KernelSums& sums, std::size_t column);
    void pad();

    kernels::CodeFinish m_finish; ///< without its arrays
    std::vector<std::int32_t> m_lifts, m_bias, m_multipliers, m_lowAddends, m_highAddends, m_halves,
        m_shifts, m_thresholds, m_rises;
    std::vector<float> m_factors;
};

/// Terms scaled, summed and finished, element by element. Immutable.
class CodeSum {
public:
    struct Term {
        CodeLayout layout;
        std::optional<Scaling> scaling;
        KernelSums sums; ///< of one column: what is scaled, the same in all channels
        bool isNegative = false;
    };
    /// nullopt as CodeFinisher::make().
    [[nodiscard]] static std::optional<CodeSum>
    make(std::vector<Term> terms, const std::optional<Requantization>& rule, const CodeLayout& to);
    /// Elements of `to` from those of codes[term].
    void run(const std::byte* const* codes, Index count, std::byte* to) const;

private:
    CodeSum() = default;

    std::vector<CodeFinisher> m_finishers; ///< of the terms, then of the sum
    std::vector<kernels::CodeTerm> m_terms;
    kernels::CodeFinish m_finish;
    Index m_columns = 1;
};

} // namespace bitscape::graph
