// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/json_text.h"
#include "core/graph/layer_rule.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

// What rules of layers share.
namespace bitscape::graph {

[[nodiscard]] Failure shapeMismatch(std::string message);
[[nodiscard]] Failure impossible(std::string message);

/// "valid", "same", "causal"
[[nodiscard]] std::string_view paddingName(Padding padding);
/// "channels_first", "channels_last"
[[nodiscard]] std::string_view formatName(bool channelsFirst);
/// [height, width], or [width] for 1-dimensional layers.
[[nodiscard]] Json extentField(const Extent& extent, int spatialRank);

/// −1 if a size is open.
[[nodiscard]] Index closedCount(const Shape& shape);
/// Axes counted with the batch (from the end if negative) as indices into a shape without it,
/// ascending. InvalidArgument: an axis that is not there, or twice.
[[nodiscard]] Result<std::vector<int>> axesWithin(const std::vector<int>& axes, const Shape& shape);
/// Elements from one index to the next along every axis.
[[nodiscard]] std::vector<Index> stepsOf(const Shape& shape);
/// NumPy's rule, aligned at the last axis; open sizes stay open. ShapeMismatch.
[[nodiscard]] Result<Shape> broadcastShapes(const Shape& a, const Shape& b);
/// Per element of `output`: the element of `input`, which is broadcast to it.
[[nodiscard]] std::vector<Index> broadcastSources(const Shape& input, const Shape& output);

/// A rule of one input whose tensors are images, sequences or volumes, channels last or first.
class SpatialRule : public LayerRule {
public:
    SpatialRule(int spatialRank, bool channelsFirst)
        : m_spatialRank(spatialRank), m_channelsFirst(channelsFirst)
    {
    }

    Result<OpShape> shape(std::span<const Shape> inputs) const final;
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const final;

protected:
    [[nodiscard]] int spatialRank() const { return m_spatialRank; }
    [[nodiscard]] std::string_view dataFormat() const { return formatName(m_channelsFirst); }
    /// Channels last; the rank is right, the number of channels known.
    [[nodiscard]] virtual Result<OpShape> lastShape(const Shape& input) const = 0;
    [[nodiscard]] virtual std::unique_ptr<LayerKernel>
    lastKernel(const KernelRequest& request, const Shape& input, const Shape& output) const = 0;

private:
    int m_spatialRank;
    bool m_channelsFirst;
};

} // namespace bitscape::graph
