// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/grid_facts.h"

#include <string>
#include <string_view>
#include <vector>

namespace bitscape::quant {

/// A continuation of what stands before the cursor.
struct Completion {
    std::string insert;  ///< replaces the text from replaceFrom to the cursor
    std::string label;   ///< as listed: "quantized_bits", "alpha=", "'auto_po2'"
    std::string doc;     ///< one line or paragraph
    int replaceFrom = 0; ///< byte in the text
};

/// Continuations at `cursor` (byte, 0 … size): names of quantizers and short forms, parameters that
/// are not given yet, values of the parameter at the cursor. Best first; empty where only the user
/// knows (a number).
[[nodiscard]] std::vector<Completion> complete(std::string_view text, int cursor);

/// The call around the cursor.
struct SignatureHelp {
    std::string signature;    ///< "quantized_bits(bits=8, integer=0, …)"; empty outside a call
    int activeParameter = -1; ///< index among the row's parameters; −1: none
    std::string doc;          ///< of the active parameter, else of the quantizer
};

[[nodiscard]] SignatureHelp signatureHelp(std::string_view text, int cursor);

} // namespace bitscape::quant
