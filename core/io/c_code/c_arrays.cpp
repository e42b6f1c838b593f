// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/c_code/c_arrays.h"

#include "core/base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace bitscape::io {

namespace {

constexpr std::size_t kLineLength = 100;

constexpr std::array<std::string_view, 9> kRuleNames{
    "HALF_EVEN", "HALF_AWAY", "HALF_UP", "FLOOR", "ZERO", "CEIL", "TWICE", "TWICE_UP", "FLOAT"};

/// '@' stands for the name of the network.
constexpr std::string_view kHelpers = R"(/* How a scaled number becomes whole. */
enum {
    @_HALF_EVEN, /* nearest, ties to the even one */
    @_HALF_AWAY, /* nearest, ties away from zero */
    @_HALF_UP,   /* nearest, ties upwards */
    @_FLOOR,
    @_ZERO,
    @_CEIL,
    @_TWICE,   /* upper half of twice the product rounded, then the shift, ties away from zero */
    @_TWICE_UP /* the same with ties upwards */
};

/* value / 2^shift rounded downwards. */
static inline int64_t @_down(int64_t value, int shift)
{
    return value >= 0 ? value >> shift : ~(~value >> shift);
}

static inline int64_t @_shift(int64_t value, int shift, int rule)
{
    if (shift <= 0) {
        return value * ((int64_t)1 << -shift);
    }
    if (shift > 62) {
        shift = 62;
    }
    const int64_t below = @_down(value, shift);
    const int64_t rest = value - below * ((int64_t)1 << shift);
    const int64_t half = (int64_t)1 << (shift - 1);
    switch (rule) {
    case @_HALF_EVEN:
        return below + (rest > half || (rest == half && (below & 1) != 0));
    case @_HALF_AWAY:
        return below + (rest > half || (rest == half && value >= 0));
    case @_HALF_UP:
        return below + (rest >= half);
    case @_ZERO:
        return below + (value < 0 && rest != 0);
    case @_CEIL:
        return below + (rest != 0);
    default:
        return below;
    }
}

/* value * multiplier * 2^exponent. */
static inline int64_t @_scale(int64_t value, int32_t multiplier, int exponent, int rule)
{
    if (rule != @_TWICE && rule != @_TWICE_UP) {
        return @_shift(value * multiplier, -exponent, rule);
    }
    const int shift = exponent + 31;
    const int64_t product = (shift > 0 ? value * ((int64_t)1 << shift) : value) * multiplier;
    const int64_t half = (int64_t)1 << 30;
    const int64_t high = (product + (product >= 0 ? half : 1 - half)) / ((int64_t)1 << 31);
    return shift >= 0 ? high
                      : @_shift(high, -shift, rule == @_TWICE ? @_HALF_AWAY : @_HALF_UP);
}

/* value * factor in float32, ties to the even one. */
static inline int64_t @_scale_float(int64_t value, float factor)
{
    const float product = (float)value * factor;
    const float limit = 1073741824.0F;
    return (int64_t)nearbyintf(product < -limit ? -limit : product > limit ? limit : product);
}

static inline int64_t @_clip(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* How many of the ascending thresholds are at most value. */
static inline int @_level(int64_t value, const int64_t *thresholds, int count)
{
    int low = 0;
    int high = count;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (thresholds[middle] <= value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* A float on a grid of steps, as a whole number. */
static inline int64_t @_round(float steps, int rule)
{
    const float limit = 1073741824.0F;
    if (!(steps > -limit)) {
        steps = steps < 0.0F ? -limit : 0.0F;
    } else if (steps > limit) {
        steps = limit;
    }
    switch (rule) {
    case @_HALF_AWAY:
        return (int64_t)roundf(steps);
    case @_FLOOR:
        return (int64_t)floorf(steps);
    case @_ZERO:
        return (int64_t)truncf(steps);
    case @_CEIL:
        return (int64_t)ceilf(steps);
    default:
        return (int64_t)nearbyintf(steps);
    }
}

/* Packed codes: code i takes the bits i * width ... i * width + width - 1 of the words, counted
   from the lowest bit of the first word; a code may lie in two words, and one spare word follows. */
static inline uint32_t @_bits(const uint32_t *words, unsigned width, size_t index)
{
    const size_t first = index * width;
    const uint64_t both = words[first / 32] | (uint64_t)words[first / 32 + 1] << 32;
    return (uint32_t)(both >> first % 32) & (((uint32_t)1 << width) - 1);
}

/* The same as a number of two's complement. */
static inline int32_t @_signed_bits(const uint32_t *words, unsigned width, size_t index)
{
    const uint32_t sign = (uint32_t)1 << (width - 1);
    return (int32_t)(@_bits(words, width, index) ^ sign) - (int32_t)sign;
}
)";

std::vector<std::string> packedWords(std::span<const std::int32_t> codes, int bits)
{
    constexpr std::size_t kWord = 32;
    std::vector<std::uint32_t> words(codes.size() * static_cast<std::size_t>(bits) / kWord + 2);
    const std::uint32_t mask = (std::uint32_t{1} << bits) - 1;
    for (std::size_t i = 0; i < codes.size(); ++i) {
        const std::size_t first = i * static_cast<std::size_t>(bits);
        const std::uint64_t code = std::uint64_t{static_cast<std::uint32_t>(codes[i]) & mask}
                                   << first % kWord;
        words[first / kWord] |= static_cast<std::uint32_t>(code);
        words[first / kWord + 1] |= static_cast<std::uint32_t>(code >> kWord);
    }
    std::vector<std::string> texts;
    for (const std::uint32_t word : words) {
        texts.push_back(fmt::format("0x{:08x}u", word));
    }
    return texts;
}

} // namespace

std::string identifier(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        const bool isLetter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool isDigit = c >= '0' && c <= '9';
        if (out.empty() && isDigit) {
            out += '_';
        }
        out += isLetter || isDigit ? c : '_';
    }
    return out.empty() ? "network" : out;
}

std::string_view cType(graph::Storage storage)
{
    switch (storage) {
    case graph::Storage::Int8:
        return "int8_t";
    case graph::Storage::Int16:
        return "int16_t";
    case graph::Storage::Int32:
        return "int32_t";
    case graph::Storage::Int64:
        return "int64_t";
    case graph::Storage::Float:
        break;
    }
    return "float";
}

std::string cNumber(double value)
{
    std::string text = fmt::format("{:.17g}", value);
    return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

std::string cNumber(float value)
{
    std::string text = fmt::format("{:.9g}", value);
    return (text.find_first_of(".en") == std::string::npos ? text + ".0" : text) + "F";
}

std::string cNumber(std::int64_t value)
{
    constexpr std::int64_t kPlain = 2147483647;
    return value > kPlain || value < -kPlain ? fmt::format("INT64_C({})", value)
                                             : fmt::format("{}", value);
}

std::string cArray(std::string_view type, std::string_view name,
                   std::span<const std::string> values)
{
    std::string out = fmt::format("static const {} {}[{}] = {{", type, name, values.size());
    std::size_t column = kLineLength;
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (column + values[i].size() + 2 > kLineLength) {
            out += "\n    ";
            column = 4;
        }
        const std::string item = values[i] + (i + 1 < values.size() ? ", " : "");
        out += item;
        column += item.size();
    }
    return out + "};\n";
}

PackedArray packedArray(std::string_view net, std::string_view name,
                        const graph::WeightCodes& codes)
{
    constexpr int kByte = 8;
    constexpr int kShort = 16;
    const bool isSigned = std::ranges::any_of(codes.codes, [](std::int32_t c) { return c < 0; });
    const std::string comment =
        fmt::format("/* {} codes of {} bits */\n", codes.codes.size(), codes.bits);
    const auto plain = [&](std::string_view type) {
        const std::span<const std::int32_t> numbers = codes.codes;
        return PackedArray{comment + cNumbers(type, name, numbers), fmt::format("{}[", name), "]"};
    };
    if (codes.bits == kByte) {
        return plain(isSigned ? "int8_t" : "uint8_t");
    }
    if (codes.bits >= kShort) {
        return plain(codes.bits > kShort ? "int32_t" : isSigned ? "int16_t" : "uint16_t");
    }
    const std::string reader =
        isSigned ? fmt::format("{}_signed_bits", net) : fmt::format("(int32_t){}_bits", net);
    return {comment + cArray("uint32_t", name, packedWords(codes.codes, codes.bits)),
            fmt::format("{}({}, {}, ", reader, name, codes.bits), ")"};
}

std::string cHelpers(std::string_view net)
{
    std::string out;
    for (const char c : kHelpers) {
        c == '@' ? out += net : out += c;
    }
    return out;
}

std::string cRule(std::string_view net, graph::ScaleRule rule)
{
    return fmt::format("{}_{}", net, kRuleNames[static_cast<std::size_t>(rule)]);
}

} // namespace bitscape::io
