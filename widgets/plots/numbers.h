// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/geometry.h"

#include <QLocale>
#include <QString>

#include <vector>

namespace bitscape::widgets {

/// A number for the screen: separators of the locale, a real minus sign; "—" if not finite.
[[nodiscard]] QString number(const QLocale& locale, double value, int decimals);
/// As short as `digits` significant digits allow; powers of ten (3.1 × 10⁻⁵) if very small or
/// large.
[[nodiscard]] QString shortNumber(const QLocale& locale, double value, int digits = 4);
/// With a sign always: "+1.20", "−0.31", "±0.00".
[[nodiscard]] QString signedNumber(const QLocale& locale, double value, int decimals);
/// "37.1 k", "2.4 M": counts where room is scarce.
[[nodiscard]] QString thousands(const QLocale& locale, double value);

/// Where an axis has marks.
struct Ticks {
    std::vector<double> major;
    std::vector<double> minor;
    std::vector<QString> labels; ///< one per major tick
};

struct TickOptions {
    int wanted = 6; ///< about as many major ticks
    bool integers = false;
    int logBase = 10; ///< 10, or 2 for bits and rates
};
/// Steps of 1, 2 or 5 × 10ⁿ. `range` must not be empty.
[[nodiscard]] Ticks linearTicks(const QLocale& locale, const Range& range,
                                const TickOptions& options);
/// Decades (or powers of logBase) with 2 and 5 in between if there is room; linear ticks if the
/// range is less than a factor of 3. 0 < range.low < range.high.
[[nodiscard]] Ticks logTicks(const QLocale& locale, const Range& range, const TickOptions& options);

/// The range with its ends moved outward to round values; `pad`: share of free room first.
[[nodiscard]] Range niceRange(const Range& range, double pad);
[[nodiscard]] Range niceLogRange(const Range& range);
/// Whether a range of positive values is wide enough (more than 10 ×) for a logarithmic axis.
[[nodiscard]] bool wantsLog(const Range& range);

} // namespace bitscape::widgets
