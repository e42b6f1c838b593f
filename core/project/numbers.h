// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <string>

// Numbers as reports print them: US English, a space before the unit, a real minus sign, thousands
// with commas. NaN and infinities are "—" and "∞".
namespace bitscape::project {

/// 1234.5678, 2 → "1,234.57".
[[nodiscard]] std::string fixed(double value, int decimals);
/// 1234567 → "1,234,567".
[[nodiscard]] std::string grouped(double value);
/// 0.8647 → "86.47 %".
[[nodiscard]] std::string percent(double share, int decimals = 2);
/// Bits as KiB or MiB: 344064 → "42.0 KiB".
[[nodiscard]] std::string memory(double bits);
/// Picojoule as pJ, nJ, µJ or mJ with four digits: 15720000 → "15.72 µJ".
[[nodiscard]] std::string energy(double picojoule);
/// Seconds as s, ms or µs with four digits.
[[nodiscard]] std::string duration(double seconds);
/// 1, "epoch" → "1 epoch"; 1200, "trial" → "1,200 trials".
[[nodiscard]] std::string counted(std::size_t count, const std::string& noun);
/// "2024-02-29T12:00:00Z" → "2024-02-29 12:00 UTC"; other texts as they are.
[[nodiscard]] std::string timeText(const std::string& iso);
/// Change against a reference: "−45.1 %", "+3.0 %"; "—" without one.
[[nodiscard]] std::string change(double value, double reference);

} // namespace bitscape::project
