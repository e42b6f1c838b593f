// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/onnx/export_rule.h"

namespace bitscape::io {

/// SimpleRNN, LSTM and GRU.
void writeRecurrent(const RuleExport& rule);
/// The same in both directions.
void writeBidirectional(const RuleExport& rule);

} // namespace bitscape::io
