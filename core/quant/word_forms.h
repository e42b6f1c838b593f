// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

#include <span>
#include <string_view>
#include <vector>

namespace bitscape::quant {

/// A word that stands for a row with some parameters set: TensorQuant's `nearest`, followed by its
/// values behind commas, or the name of a number format such as E4M3.
struct WordForm {
    std::string_view word;
    std::string_view row; ///< of the registry
    Parameters preset;
    std::vector<std::string_view> values; ///< parameters given behind commas, in this order
    std::size_t required = 0;             ///< how many of them must be given
    std::string_view doc;                 ///< one sentence, for completion
};

[[nodiscard]] std::span<const WordForm> wordForms();

/// Whether the text is a word with values behind commas, or a word of wordForms() that is no name
/// of the registry (`binary` alone is QKeras', `binary,1` TensorQuant's).
[[nodiscard]] bool isWordForm(std::string_view text);
/// Reads `nearest,12,11`. InvalidArgument names the nearest word, or what is wrong with a value;
/// `where` holds the text and the position.
[[nodiscard]] Result<QuantizerPtr> parseWordForm(std::string_view text);

} // namespace bitscape::quant
