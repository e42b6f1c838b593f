// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/layers/layer_kernel.h"

#include <array>
#include <memory>
#include <vector>

namespace bitscape::graph {

/// What becomes of the outputs of both directions.
enum class Merge { Concat, Sum, Multiply, Average, None };

/// Sizes per sample of what both directions give.
struct DirectedSizes {
    Index steps = 1;  ///< of the output
    Index pixels = 1; ///< of a step that is an image
    Index width = 1;  ///< channels of one direction
    Index states = 0; ///< floats of one direction's states
    [[nodiscard]] Index rows() const { return steps * pixels; }
    [[nodiscard]] Index sequence() const { return rows() * width; }
    [[nodiscard]] Index output() const { return sequence() + states; }
    /// The row of the direction that starts at the end.
    [[nodiscard]] Index turned(Index row) const
    {
        return (steps - 1 - row / pixels) * pixels + row % pixels;
    }
};

struct Direction {
    std::unique_ptr<LayerKernel> kernel;
    std::vector<std::size_t> inputs; ///< of the layer, that it reads
    std::size_t weights = 0;
};

/// Runs the kernels of both directions, forward first. `inputSizes`: floats per sample of the
/// layer's inputs.
[[nodiscard]] std::unique_ptr<LayerKernel>
makeBidirectionalKernel(std::array<Direction, 2> directions, std::vector<Index> inputSizes,
                        const DirectedSizes& sizes, Merge merge);

} // namespace bitscape::graph
