// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include <optional>

namespace bitscape::widgets {

/// Numbers as people read them: the interface's locale, a real minus sign, "—" for what is not
/// known (NaN). Decimals are fixed so that columns line up.
[[nodiscard]] QString number(double value, int decimals);
/// Decimals that show three digits of `largest`, the largest number beside: at least `least`, at
/// most 6.
[[nodiscard]] int usefulDecimals(double largest, int least);
/// With a sign also for gains: "+1.2", "−0.5", "±0.0".
[[nodiscard]] QString signedNumber(double value, int decimals);
/// Three significant digits, exponent form beyond 1e−3 … 1e6: for errors and scales.
[[nodiscard]] QString compact(double value);
[[nodiscard]] QString integer(qint64 value);
/// "6 s", "5 min 8 s", "1 h 4 min".
[[nodiscard]] QString duration(double seconds);
/// The number of the text in the locale's or the C form; empty if it is none.
[[nodiscard]] std::optional<double> readNumber(const QString& text);

/// "—".
[[nodiscard]] QString missing();

} // namespace bitscape::widgets
