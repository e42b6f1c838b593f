// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

#include <string>
#include <vector>

namespace bitscape::quant {

/// `name(a,b,key=value)`: leading parameters by position, then those that differ from the default
/// by name. Says everything.
[[nodiscard]] std::string keywordForm(const Quantizer& quantizer);

/// `printed` (what the tool of origin prints) if it reads back as this quantizer, else
/// keywordForm().
[[nodiscard]] std::string canonicalForm(const Quantizer& quantizer, const std::string& printed);

/// "name(a,b,c)".
[[nodiscard]] std::string callText(std::string_view name,
                                   const std::vector<std::string>& arguments);

/// The parameter's value as text, without the name.
[[nodiscard]] std::string parameterText(const Quantizer& quantizer, std::string_view parameter);

/// Python's str(int(value)) of a flag: "1" or "0".
[[nodiscard]] std::string flagText(const Quantizer& quantizer, std::string_view parameter);

} // namespace bitscape::quant
