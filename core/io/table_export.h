// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/export_content.h"

#include <functional>
#include <optional>
#include <string_view>
#include <utility>

// Weights as tables of numbers. Errors: InvalidArgument (a quantizer that does not fit its weight).
namespace bitscape::io {

/// A folder of CSV files: tensors.csv lists weights and outputs with their quantizers, widths,
/// scales and zero points; LAYER.WEIGHT.csv holds the codes of a weight (its values where they have
/// no codes), a row per output channel's neighbors, the last axis in columns.
[[nodiscard]] Result<ExportContent> exportCsv(const ExportInput& input);

/// JSON with the dictionary of QKeras' model_save_quantized_weights of each quantized layer.
[[nodiscard]] Result<ExportContent> exportQuantizedWeights(const ExportInput& input);

/// How qkeras-mod takes the range of an output from samples.
enum class ModConvention {
    MinMax, ///< lowest and highest value: columns alpha_of_min, beta_of_max, subq
    MaxAbs  ///< largest magnitudes of both, as its first version did: alpha_of_max_abs, subq1
};

/// Range that an output was seen in; nothing: it was not looked at.
using SeenRange = std::function<std::optional<std::pair<double, double>>(std::string_view layer)>;

/// qkeras-mod's extracted_weights.csv and extracted_activations.csv. Outputs that were not seen get
/// the range of their quantizer, with a note.
[[nodiscard]] Result<ExportContent> exportQkerasMod(const ExportInput& input, const SeenRange& seen,
                                                    ModConvention convention);

} // namespace bitscape::io
