// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/json_text.h"
#include "core/graph/graph.h"

#include <string>

namespace bitscape::io {

/// A `.keras` archive as Keras 3 writes it: metadata.json, config.json, model.weights.h5, with the
/// weights that `graph` holds. `model` is the network as toKerasJson() says it, of the same layers.
/// Unsupported: names every layer whose class Keras 3 does not have.
[[nodiscard]] Result<std::string> toKerasZip(const Json& model, const graph::Graph& graph);

} // namespace bitscape::io
