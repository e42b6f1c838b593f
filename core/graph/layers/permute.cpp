// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/permute.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layer_rule.h"

#include <fmt/format.h>

#include <algorithm>

namespace bitscape::graph {

namespace {

class PermuteRule final : public LayerRule {
public:
    /// dims[i]: which input axis becomes axis i, counted from 1 (0 is the batch).
    explicit PermuteRule(std::vector<Index> dims) : m_dims(std::move(dims)) {}

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        const Shape& input = inputs.front();
        Shape output = input;
        std::vector<Index> sorted = m_dims;
        std::ranges::sort(sorted);
        for (int axis = 0; axis < std::ssize(sorted); ++axis) {
            if (sorted[static_cast<std::size_t>(axis)] != axis + 1) {
                return fail(ErrorCode::InvalidArgument, "Its dims name no order of axes.");
            }
        }
        if (input.rank() != std::ssize(m_dims)) {
            return fail(ErrorCode::ShapeMismatch,
                        fmt::format("It orders {} axes, its input {} has {}.", m_dims.size(),
                                    input.toString(), input.rank()));
        }
        for (int axis = 0; axis < input.rank(); ++axis) {
            output[axis] = input[source(axis)];
        }
        return OpShape{.output = output};
    }

    std::vector<Slot> slots() const override { return {}; }

    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        const Shape& input = request.inputs.front();
        const Shape& output = request.layer.outputShape;
        std::vector<Index> steps(m_dims.size()); // between neighbors along an axis of the input
        Index step = 1;
        for (int axis = input.rank() - 1; axis >= 0; --axis) {
            steps[static_cast<std::size_t>(axis)] = step;
            step *= input[axis];
        }
        std::vector<Index> sources(static_cast<std::size_t>(output.elementCount()), 0);
        Index outputStep = 1;
        for (int axis = output.rank() - 1; axis >= 0; --axis) {
            for (std::size_t e = 0; e < sources.size(); ++e) {
                sources[e] += static_cast<Index>(e) / outputStep % output[axis] *
                              steps[static_cast<std::size_t>(source(axis))];
            }
            outputStep *= output[axis];
        }
        return makeGatherKernel(input.elementCount(), sources);
    }

    Json config() const override { return {{"dims", m_dims}}; }

private:
    [[nodiscard]] int source(int axis) const
    {
        return static_cast<int>(m_dims[static_cast<std::size_t>(axis)]) - 1;
    }

    std::vector<Index> m_dims;
};

void read(LayerReading& reading)
{
    reading.become<PermuteRule>(reading.config.sizes("dims"));
}

} // namespace

LayerInfo permuteLayer()
{
    return {"Permute", "", "The axes in another order.", read};
}

} // namespace bitscape::graph
