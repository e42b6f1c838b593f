// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/train/samples.h"

#include <cstdint>

namespace bitscape::project {

/// Which images of the sample: the parts never share one.
enum class DigitsPart { Train, Test };

inline constexpr Index kDigitsTrainCount = 3000;
inline constexpr Index kDigitsTestCount = 1000;
inline constexpr Index kDigitsSize = 16;

/// Digits 0 … 9 drawn from strokes of our own, each image with its own slant, size, place, pen and
/// noise: N×16×16×1, values k/255 in 0 … 1, classes in turn. The same bytes every time; image i
/// does not depend on how many are drawn. Cost: about 15 µs per image.
[[nodiscard]] train::Samples drawDigits(DigitsPart part, Index count);

} // namespace bitscape::project
