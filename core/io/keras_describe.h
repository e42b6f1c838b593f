// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/json_text.h"
#include "core/graph/graph.h"

#include <string>

namespace bitscape::io {

/// Class and config of an op without its quantizers.
struct ClassAndConfig {
    std::string plain;     ///< Keras' class
    std::string quantized; ///< QKeras' class; empty: there is none
    Json config = Json::object();
};

/// QKeras has averages over images only.
template <class Pool>
bool isQuantizable(const Pool& op)
{
    return op.kind == graph::PoolKind::Average && op.spatialRank == 2;
}

/// A layer of the graph as Keras writes it: made from its op, so that the file says what the graph
/// computes. The config lacks name, trainable and dtype.
[[nodiscard]] ClassAndConfig describe(const graph::Layer& layer);

} // namespace bitscape::io
