// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/graph/graph.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace bitscape::graph {

/// A weight that an op needs, in Keras' order.
struct WeightSpec {
    std::string name; ///< short: "kernel", "depthwise_kernel", "moving_mean", …
    Shape shape;      ///< as stored (Conv1D kernels have rank 3)
    bool trainable = true;
    float initialValue = 0.0F; ///< of a weight nobody gave: 0; 1 for gamma and moving variance; −1
                               ///< for the iteration counter
};

/// What the rules of an op say for given inputs. Shapes are without batch; −1 is an open size.
struct OpShape {
    Shape output;
    std::int64_t macs = 0; ///< per sample; 0 while sizes are open
    std::vector<WeightSpec> weights;
    std::vector<Shape> parts; ///< of a layer that gives several tensors: `output` is all their
                              ///< values, per sample one part after the other; else empty
};

/// Applies the op's rule. Rank 0 among `inputs` means unknown (below an unsupported layer): then
/// the output is unknown as well and no weights are listed.
/// ShapeMismatch: wrong rank, window larger than the input, sizes that do not fit each other.
/// InvalidArgument: wrong number of inputs, impossible attributes (stride 0, groups that do not
/// divide).
[[nodiscard]] Result<OpShape> shapeOf(const Op& op, std::span<const Shape> inputs);

/// Whether the op's tensors lie channels first.
[[nodiscard]] bool isChannelsFirst(const Op& op);
/// C×H×W (C×T) as H×W×C (T×C), and back. Ranks below 2 stay.
[[nodiscard]] Shape toChannelsLast(const Shape& shape);
[[nodiscard]] Shape toChannelsFirst(const Shape& shape);

/// A layer's input as height × width × channels: sequences (T×C) get height 1.
[[nodiscard]] Shape asImage(const Shape& shape);

} // namespace bitscape::graph
