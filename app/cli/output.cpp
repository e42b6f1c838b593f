// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/command.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace bitscape::cli {

namespace {

/// Columns that a UTF-8 text takes on a terminal (continuation bytes take none).
std::size_t width(const std::string& text)
{
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

struct Quantity {
    double value = 0;
    std::string unit;
};

Result<Quantity> parseQuantity(const std::string& text)
{
    Quantity out;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, out.value);
    if (read.ec != std::errc{} || !(out.value >= 0) || !std::isfinite(out.value)) {
        return fail(ErrorCode::InvalidArgument, "'" + text + "' is no number with a unit.");
    }
    out.unit.assign(read.ptr, end);
    return out;
}

Result<double> scaled(const std::string& text,
                      const std::vector<std::pair<std::string, double>>& units,
                      const std::string& known)
{
    auto quantity = parseQuantity(text);
    if (!quantity) {
        return fail(std::move(quantity).error());
    }
    for (const auto& [unit, factor] : units) {
        if (unit == quantity->unit) {
            return quantity->value * factor;
        }
    }
    return fail(ErrorCode::InvalidArgument, "'" + text + "' has an unknown unit.", {},
                "Known units: " + known + ".");
}

} // namespace

std::string table(const std::vector<std::vector<std::string>>& rows, const std::vector<bool>& right)
{
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], width(row[i]));
        }
    }
    std::string out;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string fill(widths[i] - width(row[i]), ' ');
            const bool toRight = i < right.size() && right[i];
            line += (i > 0 ? "  " : "") + (toRight ? fill + row[i] : row[i] + fill);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + '\n';
    }
    return out;
}

Json number(double value)
{
    return std::isfinite(value) ? Json(value) : Json(nullptr);
}

Result<double> parseDuration(const std::string& text)
{
    return scaled(text, {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"ms", 1e-3}}, "s, m, h");
}

Result<std::int64_t> parseBytes(const std::string& text)
{
    constexpr double kKib = 1024;
    auto bytes = scaled(text,
                        {{"", 1},
                         {"k", kKib},
                         {"K", kKib},
                         {"M", kKib * kKib},
                         {"G", kKib * kKib * kKib},
                         {"T", kKib * kKib * kKib * kKib}},
                        "k, M, G, T");
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    return static_cast<std::int64_t>(*bytes);
}

} // namespace bitscape::cli
