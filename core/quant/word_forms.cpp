// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/word_forms.h"

#include "core/base/text.h"
#include "core/quant/call_syntax.h"
#include "core/quant/value.h"

#include <fmt/core.h>

#include <algorithm>

namespace bitscape::quant {

namespace {

WordForm fixedForm(std::string_view rounding, std::string_view doc)
{
    return {rounding,
            "tensorquant_fixed",
            {{"rounding", std::string(rounding)}},
            {"bits", "fraction"},
            2,
            doc};
}

WordForm floatForm(std::string_view word, std::int64_t exponent, std::int64_t mantissa,
                   std::string_view special, std::string_view overflow, std::string_view doc)
{
    return {word,
            "minifloat",
            {{"exponent_bits", exponent},
             {"mantissa_bits", mantissa},
             {"special", std::string(special)},
             {"overflow", std::string(overflow)}},
            {},
            0,
            doc};
}

const WordForm* findWord(std::string_view word)
{
    const auto found = std::ranges::find(wordForms(), word, &WordForm::word);
    return found == wordForms().end() ? nullptr : &*found;
}

/// A part between commas with its place in the text.
struct Part {
    std::string_view text;
    std::size_t position = 0;
};

std::vector<Part> partsOf(std::string_view text)
{
    std::vector<Part> parts;
    std::size_t from = 0;
    while (true) {
        const std::size_t comma = std::min(text.find(',', from), text.size());
        const std::string_view part = trimmed(text.substr(from, comma - from));
        parts.push_back(
            {part, part.empty() ? from : static_cast<std::size_t>(part.data() - text.data())});
        if (comma == text.size()) {
            return parts;
        }
        from = comma + 1;
    }
}

Failure unknownWord(std::string_view text, const Part& word)
{
    std::vector<std::string> known;
    for (const WordForm& form : wordForms()) {
        known.emplace_back(form.word);
    }
    const std::string near = nearest(word.text, known);
    return fail(ErrorCode::InvalidArgument,
                fmt::format("There is no quantizer '{}' with values behind commas.", word.text),
                placeIn(text, word.position),
                near.empty() ? fmt::format("Known are {}.", join(known, ", "))
                             : fmt::format("Did you mean '{}'?", near));
}

Failure wrongCount(std::string_view text, const WordForm& form)
{
    const std::vector<std::string> names(form.values.begin(), form.values.end());
    const std::string takes =
        names.empty() ? "no values" : fmt::format("the values {}", join(names, ", "));
    return fail(ErrorCode::InvalidArgument, fmt::format("{} takes {}.", form.word, takes),
                placeIn(text, 0),
                form.required == 0 ? ""
                                   : "Write for example nearest,8,4: 8 bits, 4 of them behind "
                                     "the point.");
}

} // namespace

std::span<const WordForm> wordForms()
{
    static const std::vector<WordForm> table{
        fixedForm("nearest", "TensorQuant: fixed point, to the nearest (bits, fraction bits)"),
        fixedForm("down", "TensorQuant: fixed point, down (bits, fraction bits)"),
        fixedForm("zero", "TensorQuant: fixed point, towards zero (bits, fraction bits)"),
        fixedForm("stochastic", "TensorQuant: fixed point, at random (bits, fraction bits)"),
        {"logarithmic", "tensorquant_logarithmic", {}, {}, 0, "TensorQuant: powers of two"},
        {"sparse",
         "tensorquant_sparse",
         {},
         {"threshold"},
         1,
         "TensorQuant: small values become 0 (threshold)"},
        {"binary",
         "tensorquant_binary",
         {},
         {"marginal"},
         0,
         "TensorQuant: two values (their magnitude)"},
        {"ternary",
         "tensorquant_ternary",
         {},
         {"marginal", "threshold"},
         0,
         "TensorQuant: three values (their magnitude, threshold)"},
        {"none", "tensorquant_none", {}, {}, 0, "TensorQuant: values as they are"},
        floatForm("fp16", 5, 10, "ieee", "infinity", "IEEE half precision; TensorQuant's fp16"),
        floatForm("bf16", 8, 7, "ieee", "infinity", "bfloat16: float32 with a short mantissa"),
        floatForm("E4M3", 4, 3, "nan", "saturate", "OCP FP8 with 3 mantissa bits, up to 448"),
        floatForm("E5M2", 5, 2, "ieee", "saturate", "OCP FP8 with 2 mantissa bits, up to 57344"),
        floatForm("E3M2", 3, 2, "none", "saturate", "OCP FP6 with 2 mantissa bits, up to 28"),
        floatForm("E2M3", 2, 3, "none", "saturate", "OCP FP6 with 3 mantissa bits, up to 7.5"),
        floatForm("E2M1", 2, 1, "none", "saturate", "OCP FP4, up to 6")};
    return table;
}

bool isWordForm(std::string_view text)
{
    const std::string_view inner = trimmed(text);
    const std::size_t end =
        inner.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    if (end == std::string_view::npos) {
        return findQuantizer(inner) == nullptr && findWord(inner) != nullptr;
    }
    return end > 0 && trimmed(inner.substr(end)).starts_with(',');
}

Result<QuantizerPtr> parseWordForm(std::string_view text)
{
    const std::vector<Part> parts = partsOf(text);
    const WordForm* form = findWord(parts.front().text);
    if (form == nullptr) {
        return unknownWord(text, parts.front());
    }
    const std::size_t count = parts.size() - 1;
    if (count < form->required || count > form->values.size()) {
        return wrongCount(text, *form);
    }
    Parameters given = form->preset;
    for (std::size_t i = 0; i < count; ++i) {
        const Part& part = parts[i + 1];
        auto number = numberFrom(part.text);
        if (!number) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("{}: '{}' is no number.", form->word, part.text),
                        placeIn(text, part.position));
        }
        given[std::string(form->values[i])] = std::move(*number);
    }
    auto made = makeQuantizer(form->row, std::move(given));
    if (!made) {
        Error error = std::move(made).error();
        error.where = placeIn(text, parts.front().position);
        return fail(std::move(error));
    }
    return made;
}

} // namespace bitscape::quant
