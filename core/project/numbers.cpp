// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace bitscape::project {

namespace {

constexpr const char* kMinus = "\u2212";
constexpr const char* kNone = "\u2014";

struct Unit {
    double factor; ///< of the base unit
    const char* name;
};

/// Four digits in the largest unit that keeps the number at 1 or above (the smallest otherwise).
std::string inUnits(double value, std::span<const Unit> fromLargest)
{
    if (!std::isfinite(value)) {
        return kNone;
    }
    const Unit* chosen = &fromLargest.back();
    for (const Unit& unit : fromLargest) {
        if (std::abs(value) >= unit.factor) {
            chosen = &unit;
            break;
        }
    }
    const double scaled = value / chosen->factor;
    const int digits = scaled == 0 ? 0 : static_cast<int>(std::floor(std::log10(std::abs(scaled))));
    return fixed(scaled, std::clamp(3 - digits, 0, 3)) + " " + chosen->name;
}

} // namespace

std::string fixed(double value, int decimals)
{
    if (std::isnan(value)) {
        return kNone;
    }
    if (std::isinf(value)) {
        return value > 0 ? "\u221e" : std::string(kMinus) + "\u221e";
    }
    std::string text = fmt::format("{:.{}f}", std::abs(value), decimals);
    for (std::size_t at = std::min(text.find('.'), text.size()); at > 3;) {
        at -= 3;
        text.insert(at, ",");
    }
    const bool isZero = text.find_first_not_of("0.,") == std::string::npos;
    return value < 0 && !isZero ? kMinus + text : text;
}

std::string grouped(double value)
{
    return fixed(value, 0);
}

std::string percent(double share, int decimals)
{
    return std::isfinite(share) ? fixed(100.0 * share, decimals) + " %" : kNone;
}

std::string memory(double bits)
{
    const double kib = bits / 8192.0;
    return kib >= 1024.0 ? fixed(kib / 1024.0, 2) + " MiB" : fixed(kib, kib < 10 ? 2 : 1) + " KiB";
}

std::string energy(double picojoule)
{
    static constexpr std::array<Unit, 4> kUnits{
        {{1e9, "mJ"}, {1e6, "\u00b5J"}, {1e3, "nJ"}, {1, "pJ"}}};
    return inUnits(picojoule, kUnits);
}

std::string duration(double seconds)
{
    static constexpr std::array<Unit, 3> kUnits{{{1, "s"}, {1e-3, "ms"}, {1e-6, "\u00b5s"}}};
    return inUnits(seconds, kUnits);
}

std::string counted(std::size_t count, const std::string& noun)
{
    return grouped(static_cast<double>(count)) + " " + noun + (count == 1 ? "" : "s");
}

std::string timeText(const std::string& iso)
{
    constexpr std::size_t kLength = 20;
    return iso.size() == kLength && iso[10] == 'T' && iso.back() == 'Z'
               ? iso.substr(0, 10) + " " + iso.substr(11, 5) + " UTC"
               : iso;
}

std::string change(double value, double reference)
{
    if (!(reference > 0) || !std::isfinite(value)) {
        return kNone;
    }
    const double share = value / reference - 1.0;
    return (share >= 0.0005 ? "+" : "") + percent(share, 1);
}

} // namespace bitscape::project
