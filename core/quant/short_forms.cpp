// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/short_forms.h"

#include "core/base/text.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace bitscape::quant {

namespace {

std::optional<int> wholeNumber(std::string_view text)
{
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return number;
}

std::string lowered(std::string_view text)
{
    std::string out(text);
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

/// PREFIXn: what it stands for with n bits.
struct Prefix {
    std::string_view prefix;
    std::string (*meaning)(int bits);
};

constexpr std::array kPrefixes{
    Prefix{"int", [](int bits) { return fmt::format("affine({},symmetric=1,narrow=1)", bits); }},
    Prefix{"uint", [](int bits) { return fmt::format("affine({})", bits); }},
    Prefix{"po2:", [](int bits) { return fmt::format("quantized_po2({})", bits); }},
    Prefix{"relu:", [](int bits) { return fmt::format("quantized_relu({},0)", bits); }}};

/// ap_fixed<W,I>: W bits, I of them before the point with the sign; what hls4ml and ac_types write.
struct FixedPoint {
    std::string_view prefix;
    bool isSigned = true;
};

constexpr std::array kFixedPoints{FixedPoint{"ap_fixed<", true}, FixedPoint{"ap_ufixed<", false},
                                  FixedPoint{"fixed<", true}, FixedPoint{"ufixed<", false}};

Result<QuantizerPtr> fromFixedPoint(std::string_view text, const FixedPoint& form)
{
    const auto wrong = [&] {
        return fail(ErrorCode::InvalidArgument, fmt::format("'{}' is no fixed-point type.", text),
                    std::string(text),
                    "Write width and integer bits, as in ap_fixed<6,1>; values are rounded half to "
                    "even and saturate.");
    };
    if (!text.ends_with('>')) {
        return wrong();
    }
    const std::string_view inside =
        text.substr(form.prefix.size(), text.size() - form.prefix.size() - 1);
    const std::vector<std::string> parts = split(inside, ',');
    if (parts.size() != 2) {
        return wrong();
    }
    const std::optional<int> width = wholeNumber(trimmed(parts[0]));
    const std::optional<int> integer = wholeNumber(trimmed(parts[1]));
    if (!width || !integer) {
        return wrong();
    }
    // alpha = 1.0 keeps kernels on this grid; without it QKeras would fit a scale.
    return makeQuantizer("quantized_bits",
                         {{"bits", std::int64_t{*width}},
                          {"integer", std::int64_t{form.isSigned ? *integer - 1 : *integer}},
                          {"keep_negative", form.isSigned},
                          {"alpha", 1.0}});
}

} // namespace

Result<QuantizerPtr> parseEdit(std::string_view text, const QuantizerPtr& current)
{
    const std::string_view typed = trimmed(text);
    const std::string word = lowered(typed);
    if (word == "float" || word == "none") {
        return QuantizerPtr{};
    }
    if (const std::optional<int> bits = wholeNumber(typed)) {
        return current ? current->withBits(*bits)
                       : parseQuantizer(fmt::format("quantized_bits({},0,1)", *bits));
    }
    for (const Prefix& form : kPrefixes) {
        const std::string_view rest =
            std::string_view(word).substr(std::min(form.prefix.size(), word.size()));
        const std::optional<int> bits = wholeNumber(rest);
        if (word.starts_with(form.prefix) && bits) {
            return parseQuantizer(form.meaning(*bits));
        }
    }
    for (const FixedPoint& form : kFixedPoints) {
        if (word.starts_with(form.prefix)) {
            return fromFixedPoint(word, form);
        }
    }
    return parseQuantizer(typed);
}

} // namespace bitscape::quant
