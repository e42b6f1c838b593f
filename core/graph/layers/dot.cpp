// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/dot.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layers/rule_support.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace bitscape::graph {

namespace {

/// One side: where its rows start, and how far the summed elements lie apart.
struct Side {
    Index size = 0;
    Index step = 1;
    std::vector<Index> rows;

    Side(const Shape& shape, int axis) : size(shape.elementCount())
    {
        const std::vector<Index> steps = stepsOf(shape);
        step = steps[static_cast<std::size_t>(axis)];
        for (Index e = 0; e < size; ++e) {
            if (e / step % shape[axis] == 0) {
                rows.push_back(e);
            }
        }
    }
};

class DotKernel final : public LayerKernel {
public:
    DotKernel(Side left, Side right, Index length, bool normalizes)
        : m_sides{std::move(left), std::move(right)}, m_length(length), m_normalizes(normalizes)
    {
    }

    Index scratchFloats() const override
    {
        // Normalized inputs of one sample, and their gradients.
        return 2 * (m_sides[0].size + m_sides[1].size);
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        for (Index sample = 0; sample < call.samples.count; ++sample) {
            const Pair x = inputs(call.inputs, sample, call.samples.scratch);
            float* out = call.output + sample * outputSize();
            for (const Index row : m_sides[0].rows) {
                for (const Index column : m_sides[1].rows) {
                    float sum = 0.0F;
                    for (Index k = 0; k < m_length; ++k) {
                        sum += x[0][row + k * m_sides[0].step] * x[1][column + k * m_sides[1].step];
                    }
                    *out++ = sum;
                }
            }
        }
    }

    bool readsInput() const override { return true; }

    void backward(int /*phase*/, const BackwardCall& call) override
    {
        for (Index sample = 0; sample < call.samples.count; ++sample) {
            const Pair x = inputs(call.inputs, sample, call.samples.scratch);
            float* left = call.samples.scratch + m_sides[0].size + m_sides[1].size;
            float* right = left + m_sides[0].size;
            std::fill_n(left, m_sides[0].size + m_sides[1].size, 0.0F);
            const float* upstream = call.upstream + sample * outputSize();
            for (const Index row : m_sides[0].rows) {
                for (const Index column : m_sides[1].rows) {
                    const float dy = *upstream++;
                    for (Index k = 0; k < m_length; ++k) {
                        const Index a = row + k * m_sides[0].step;
                        const Index b = column + k * m_sides[1].step;
                        left[a] += dy * x[1][b];
                        right[b] += dy * x[0][a];
                    }
                }
            }
            give(call, 0, sample, x[0], left);
            give(call, 1, sample, x[1], right);
        }
    }

private:
    using Pair = std::array<const float*, 2>;

    [[nodiscard]] Index outputSize() const
    {
        return std::ssize(m_sides[0].rows) * std::ssize(m_sides[1].rows);
    }

    /// 1/length of a row, as tf.math.l2_normalize.
    [[nodiscard]] float inverseLength(const float* x, Index row, Index step) const
    {
        constexpr float kLeast = 1e-12F;
        float sum = 0.0F;
        for (Index k = 0; k < m_length; ++k) {
            sum += x[row + k * step] * x[row + k * step];
        }
        return 1.0F / std::sqrt(std::max(sum, kLeast));
    }

    Pair inputs(std::span<const float* const> given, Index sample, float* scratch) const
    {
        Pair pair{};
        for (const std::size_t s : {0, 1}) {
            const Side& side = m_sides[s];
            pair[s] = given[s] + sample * side.size;
            if (!m_normalizes) {
                continue;
            }
            for (const Index row : side.rows) {
                const float inverse = inverseLength(pair[s], row, side.step);
                for (Index k = 0; k < m_length; ++k) {
                    scratch[row + k * side.step] = pair[s][row + k * side.step] * inverse;
                }
            }
            pair[s] = scratch;
            scratch += side.size;
        }
        return pair;
    }

    /// `x`: as it was multiplied; `gradient`: of that.
    void give(const BackwardCall& call, std::size_t s, Index sample, const float* x,
              const float* gradient) const
    {
        if (call.inputGradients[s] == nullptr) {
            return;
        }
        const Side& side = m_sides[s];
        float* target = call.inputGradients[s] + sample * side.size;
        for (const Index row : side.rows) {
            float along = 0.0F; // part of the gradient that only makes the row longer
            float inverse = 1.0F;
            if (m_normalizes) {
                inverse = inverseLength(call.inputs[s] + sample * side.size, row, side.step);
                for (Index k = 0; k < m_length; ++k) {
                    along += gradient[row + k * side.step] * x[row + k * side.step];
                }
            }
            for (Index k = 0; k < m_length; ++k) {
                const Index e = row + k * side.step;
                const float value = (gradient[e] - along * x[e]) * inverse;
                target[e] = call.adds[s] ? target[e] + value : value;
            }
        }
    }

    std::array<Side, 2> m_sides;
    Index m_length;
    bool m_normalizes;
};

class DotRule final : public LayerRule {
public:
    /// Axes counted with the batch, one of each input.
    DotRule(int left, int right, bool normalizes) : m_axes{left, right}, m_normalizes(normalizes) {}

    InputCount inputCount() const override { return {2, 2}; }
    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        std::array<int, 2> axes{};
        for (const std::size_t side : {0, 1}) {
            auto found = axesWithin({m_axes[side]}, inputs[side]);
            if (!found) {
                return fail(std::move(found).error());
            }
            axes[side] = found->front();
        }
        const Index length = inputs[0][axes[0]];
        if (length < 0 || length != inputs[1][axes[1]]) {
            return shapeMismatch(fmt::format("It cannot sum along axis {} of {} and {} of {}.",
                                             m_axes[0], inputs[0].toString(), m_axes[1],
                                             inputs[1].toString()));
        }
        std::vector<Index> sizes;
        for (const std::size_t side : {0, 1}) {
            for (int axis = 0; axis < inputs[side].rank(); ++axis) {
                if (axis != axes[side]) {
                    sizes.push_back(inputs[side][axis]);
                }
            }
        }
        if (sizes.empty()) {
            sizes.push_back(1);
        }
        if (std::ssize(sizes) >= Shape::kMaxRank) {
            return impossible("Its result has too many axes.");
        }
        OpShape result{.output = Shape(sizes)};
        result.macs = std::max<Index>(closedCount(result.output), 0) * length;
        return result;
    }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        const int left = axesWithin({m_axes[0]}, request.inputs[0]).value().front();
        const int right = axesWithin({m_axes[1]}, request.inputs[1]).value().front();
        return std::make_unique<DotKernel>(Side(request.inputs[0], left),
                                           Side(request.inputs[1], right), request.inputs[0][left],
                                           m_normalizes);
    }
    Json config() const override
    {
        return {{"axes", Json::array({m_axes[0], m_axes[1]})}, {"normalize", m_normalizes}};
    }

private:
    std::array<int, 2> m_axes;
    bool m_normalizes;
};

void read(LayerReading& reading)
{
    const std::vector<int> axes = reading.axes("axes", {-1});
    if (axes.size() > 2) {
        reading.config.refuse("axes", "It must be one axis, or one of each input.");
    }
    reading.become<DotRule>(axes.front(), axes.back(), reading.config.boolean("normalize", false));
}

} // namespace

LayerInfo dotLayer()
{
    return {"Dot", "", "Products of two tensors summed along an axis of each.", read};
}

} // namespace bitscape::graph
