// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Sums become codes. For the .cpp files of this folder only.

#include "core/tensor/kernels/code_simd.h"

namespace bitscape::kernels {

/// CodeFinish for kLanes columns.
template <CodeRule Rule>
struct LaneFinish {
    static constexpr bool kMultiplies =
        Rule != CodeRule::None && Rule != CodeRule::Float && Rule != CodeRule::Steps;
    static constexpr bool kBreaksTies = Rule == CodeRule::Even || Rule == CodeRule::Away;

    Ints lifts, bias{}, multipliers{}, halves{}, shifts{}, isShifted{};
    Longs addends{};
    Vector factors{}, floatLow{}, floatHigh{};
    Ints zero, low, high;
    const CodeFinish& all;

    BITSCAPE_INLINE LaneFinish(const CodeFinish& f, Index column)
        : lifts(load(f.lifts + column)), zero(broadcast(f.zero)), low(broadcast(f.low)),
          high(broadcast(f.high)), all(f)
    {
        if constexpr (!kMultiplies) {
            bias = load(f.bias + column);
        }
        if constexpr (Rule == CodeRule::Float) {
            factors = load(f.factors + column);
            floatLow = broadcast(static_cast<float>(f.low - f.zero));
            floatHigh = broadcast(static_cast<float>(f.high - f.zero));
        }
        if constexpr (kMultiplies) {
            multipliers = load(f.multipliers + column);
            addends = joined(load(f.lowAddends + column), load(f.highAddends + column));
            shifts = load(f.shifts + column);
        }
        if constexpr (kMultiplies && Rule != CodeRule::Up) {
            halves = load(f.halves + column);
            isShifted = shifts > 0;
        }
    }

    /// All but zero and ends, which Float has met already.
    BITSCAPE_INLINE Ints scaled(Ints sums) const
    {
        const Ints x = sums << lifts;
        if constexpr (Rule == CodeRule::None) {
            return wrapped(x, bias);
        } else if constexpr (Rule == CodeRule::Steps) {
            const Ints number = wrapped(x, bias);
            Ints y{};
            for (Index i = 0; i < all.steps; ++i) {
                y += (number >= broadcast(all.thresholds[i])) & broadcast(all.rises[i]);
            }
            return y;
        } else if constexpr (Rule == CodeRule::Float) {
            return nearest(clamped(__builtin_convertvector(wrapped(x, bias), Vector) * factors,
                                   floatLow, floatHigh));
        } else {
            const Longs products = multiplied(x, multipliers, addends);
            const Ints upper = upperHalves(products);
            if constexpr (Rule == CodeRule::Up) {
                return upper >> shifts;
            }
            Ints nudged = upper + halves;
            if constexpr (Rule == CodeRule::Twice) {
                nudged += (upper >> 31) & isShifted;
            }
            const Ints y = nudged >> shifts;
            if constexpr (kBreaksTies) {
                const Ints isTie = ((nudged ^ (y << shifts)) | lowerHalves(products)) == 0;
                const Ints isWrong = Rule == CodeRule::Even ? y & 1 : (y <= 0) & 1;
                return y - (isTie & isWrong);
            }
            return y;
        }
    }

    BITSCAPE_INLINE Ints operator()(Ints sums) const
    {
        const Ints y = scaled(sums);
        if constexpr (Rule == CodeRule::Float) {
            return y + zero;
        }
        return clamped(Rule == CodeRule::Up ? y : y + zero, low, high);
    }
};

/// visit(rule as a constant)
template <class Visit>
void visitRule(CodeRule rule, const Visit& visit)
{
    switch (rule) {
    case CodeRule::None:
        return visit(std::integral_constant<CodeRule, CodeRule::None>{});
    case CodeRule::Up:
        return visit(std::integral_constant<CodeRule, CodeRule::Up>{});
    case CodeRule::Twice:
        return visit(std::integral_constant<CodeRule, CodeRule::Twice>{});
    case CodeRule::Even:
        return visit(std::integral_constant<CodeRule, CodeRule::Even>{});
    case CodeRule::Away:
        return visit(std::integral_constant<CodeRule, CodeRule::Away>{});
    case CodeRule::Float:
        return visit(std::integral_constant<CodeRule, CodeRule::Float>{});
    case CodeRule::Steps:
        return visit(std::integral_constant<CodeRule, CodeRule::Steps>{});
    }
}

/// visit(a code of the kind)
template <class Visit>
void visitKind(CodeKind kind, const Visit& visit)
{
    switch (kind) {
    case CodeKind::Byte:
        return visit(std::uint8_t{});
    case CodeKind::Short:
        return visit(std::int16_t{});
    case CodeKind::Int:
        return visit(std::int32_t{});
    }
}

/// The first `count` of kLanes codes.
template <class Code>
BITSCAPE_INLINE void storeSome(Code* to, Ints value, Index count)
{
    if (count >= kLanes) {
        storeCodes(to, value);
        return;
    }
    Code codes[kLanes];
    storeCodes(codes, value);
    std::memcpy(to, codes, static_cast<std::size_t>(count) * sizeof(Code));
}

/// Sums of some rows and neighboring columns, as products leave them.
struct SumBlock {
    const std::int32_t* sums = nullptr; ///< whole vectors, without sense beyond `columns`
    Index rows = 0, pitch = 0;
    Index column = 0, columns = 0; ///< the first one, and how many
};
/// `to`: where column 0 of each row goes.
void finishBlock(const CodeFinish& finish, const SumBlock& block, std::byte* const* to);

} // namespace bitscape::kernels
