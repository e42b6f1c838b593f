// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

#include <cstdint>
#include <string>

namespace bitscape::quant {

/// What a quantizer can represent, for tables and tooltips. Where the scale is fitted to data the
/// numbers are those of a scale of 1, or, without such a thing, those for numbers evenly spread
/// over −1 … 1.
struct GridFacts {
    std::int64_t levels = 0;    ///< how many values; 0 for floats
    double low = 0.0;           ///< smallest value
    double high = 0.0;          ///< largest value
    double step = 0.0;          ///< distance of neighbors; 0 where it varies (powers of two)
    bool dependsOnData = false; ///< the scale is fitted, or not calibrated yet
    std::string apFixed;        ///< smallest type that holds them: "ap_fixed<6,1>"; may be empty
    std::string qNotation;      ///< "Q0.5", "UQ0.6": integer and fraction bits; may be empty
};

/// The quantizer with one grid for all tensors, to show it: a scale of 1 where it is fitted, the
/// largest where several are given, −1 … 1 where the range is open; without noise and chance. May
/// be null.
[[nodiscard]] QuantizerPtr singleGrid(const Quantizer& quantizer);

[[nodiscard]] GridFacts gridFacts(const Quantizer& quantizer);

} // namespace bitscape::quant
