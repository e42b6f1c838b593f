// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/document/derived.h"
#include "widgets/delegates/quantizer_delegate.h"
#include "widgets/models/layer_tree_model.h"

namespace bitscape::app {

/// Bits, levels, range, step and equivalents: "4 bits, 15 levels, −0.875 … 0.875, step 0.125 = …".
[[nodiscard]] QString gridText(const quant::Quantizer& quantizer);

/// The tree of the current configuration.
[[nodiscard]] widgets::LayersData layersData(const project::Project& project,
                                             const Derived& derived);
/// The tree of another configuration, with its own costs and no quality.
[[nodiscard]] widgets::LayersData layersData(const project::Project& project,
                                             const graph::Configuration& configuration,
                                             const Figures& figures);

/// Completion and validation of quantizer cells against the document's current project.
[[nodiscard]] widgets::QuantizerHelper quantizerHelper(const Document& document);

} // namespace bitscape::app
