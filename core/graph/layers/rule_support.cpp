// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/rule_support.h"

#include <fmt/format.h>

#include <algorithm>

namespace bitscape::graph {

Failure shapeMismatch(std::string message)
{
    return fail(ErrorCode::ShapeMismatch, std::move(message));
}

Failure impossible(std::string message)
{
    return fail(ErrorCode::InvalidArgument, std::move(message));
}

std::string_view paddingName(Padding padding)
{
    constexpr std::array<std::string_view, 3> kNames{"valid", "same", "causal"};
    return kNames[static_cast<std::size_t>(padding)];
}

std::string_view formatName(bool channelsFirst)
{
    return channelsFirst ? "channels_first" : "channels_last";
}

Json extentField(const Extent& extent, int spatialRank)
{
    return spatialRank == 1 ? Json::array({extent.width})
                            : Json::array({extent.height, extent.width});
}

Index closedCount(const Shape& shape)
{
    const bool isOpen = std::ranges::any_of(shape.sizes(), [](Index size) { return size < 0; });
    return isOpen ? -1 : shape.elementCount();
}

Result<std::vector<int>> axesWithin(const std::vector<int>& axes, const Shape& shape)
{
    std::vector<int> found;
    for (const int axis : axes) {
        const int index = axis < 0 ? axis + shape.rank() : axis - 1;
        if (index < 0 || index >= shape.rank()) {
            return impossible(fmt::format("Its input {} has no axis {} (counted with the batch).",
                                          shape.toString(), axis));
        }
        found.push_back(index);
    }
    std::ranges::sort(found);
    if (std::ranges::adjacent_find(found) != found.end()) {
        return impossible("It names an axis twice.");
    }
    return found;
}

std::vector<Index> stepsOf(const Shape& shape)
{
    std::vector<Index> steps(static_cast<std::size_t>(shape.rank()));
    Index step = 1;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
        steps[static_cast<std::size_t>(axis)] = step;
        step *= shape[axis];
    }
    return steps;
}

Result<Shape> broadcastShapes(const Shape& a, const Shape& b)
{
    const Shape& longer = a.rank() >= b.rank() ? a : b;
    const Shape& shorter = a.rank() >= b.rank() ? b : a;
    Shape output = longer;
    const int lead = longer.rank() - shorter.rank();
    for (int axis = 0; axis < shorter.rank(); ++axis) {
        Index& size = output[lead + axis];
        const Index other = shorter[axis];
        if (size == 1) {
            size = other;
        } else if (size < 0 && other > 1) {
            size = other;
        } else if (other >= 0 && other != 1 && size != other) {
            return shapeMismatch(
                fmt::format("It cannot combine {} and {}.", a.toString(), b.toString()));
        }
    }
    return output;
}

std::vector<Index> broadcastSources(const Shape& input, const Shape& output)
{
    std::vector<Index> sources(static_cast<std::size_t>(output.elementCount()), 0);
    Index outputStep = 1;
    Index inputStep = 1;
    for (int axis = 1; axis <= input.rank(); ++axis) {
        const Index size = output[output.rank() - axis];
        const Index own = input[input.rank() - axis];
        for (std::size_t e = 0; own > 1 && e < sources.size(); ++e) {
            sources[e] += static_cast<Index>(e) / outputStep % size * inputStep;
        }
        outputStep *= size;
        inputStep *= own;
    }
    return sources;
}

Result<OpShape> SpatialRule::shape(std::span<const Shape> inputs) const
{
    if (inputs[0].rank() != m_spatialRank + 1) {
        return shapeMismatch(fmt::format("It needs an input of rank {} without the batch, got {}.",
                                         m_spatialRank + 1, inputs[0].toString()));
    }
    const Shape input = m_channelsFirst ? toChannelsLast(inputs[0]) : inputs[0];
    if (input.channels() < 0) {
        return shapeMismatch(
            fmt::format("The channels of its input {} have no number.", inputs[0].toString()));
    }
    auto result = lastShape(input);
    if (result && m_channelsFirst) {
        result->output = toChannelsFirst(result->output);
    }
    return result;
}

std::unique_ptr<LayerKernel> SpatialRule::kernel(const KernelRequest& request) const
{
    const Shape& input = request.inputs.front();
    const Shape& output = request.layer.outputShape;
    if (!m_channelsFirst) {
        return lastKernel(request, input, output);
    }
    return makeChannelsFirstKernel(
        lastKernel(request, toChannelsLast(input), toChannelsLast(output)), input, output);
}

} // namespace bitscape::graph
