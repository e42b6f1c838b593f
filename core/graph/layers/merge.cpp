// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/merge.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layers/dot.h"
#include "core/graph/layers/rule_support.h"

#include <algorithm>
#include <array>
#include <limits>

namespace bitscape::graph {

namespace {

enum class Merge { Multiply, Subtract, Average, Maximum, Minimum };

class MergeKernel final : public LayerKernel {
public:
    MergeKernel(Merge kind, const std::vector<Shape>& inputs, const Shape& output)
        : m_kind(kind), m_size(output.elementCount())
    {
        for (const Shape& input : inputs) {
            m_inputs.push_back({input.elementCount(), input == output
                                                          ? std::vector<Index>()
                                                          : broadcastSources(input, output)});
        }
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        for (Index sample = 0; sample < call.samples.count; ++sample) {
            float* to = call.output + sample * m_size;
            const float* first = call.inputs[0] + sample * m_inputs[0].size;
            for (Index e = 0; e < m_size; ++e) {
                to[e] = first[m_inputs[0].source(e)];
            }
            for (std::size_t i = 1; i < m_inputs.size(); ++i) {
                combine(m_inputs[i], call.inputs[i] + sample * m_inputs[i].size, to);
            }
        }
        if (m_kind == Merge::Average) {
            kernels::scale(call.output, share(), call.samples.count * m_size, call.output);
        }
    }

    bool readsInput() const override
    {
        return m_kind != Merge::Subtract && m_kind != Merge::Average;
    }

    void backward(int /*phase*/, const BackwardCall& call) override
    {
        for (std::size_t i = 0; i < m_inputs.size(); ++i) {
            float* target = call.inputGradients[i];
            if (target == nullptr) {
                continue;
            }
            const Input& input = m_inputs[i];
            if (!call.adds[i]) {
                std::fill_n(target, call.samples.count * input.size, 0.0F);
            }
            for (Index sample = 0; sample < call.samples.count; ++sample) {
                const float* upstream = call.upstream + sample * m_size;
                float* gradient = target + sample * input.size;
                for (Index e = 0; e < m_size; ++e) {
                    gradient[input.source(e)] += upstream[e] * slope(call, i, sample, e);
                }
            }
        }
    }

private:
    struct Input {
        Index size = 0;
        std::vector<Index> sources; // per output element; empty: the same shape

        [[nodiscard]] Index source(Index e) const
        {
            return sources.empty() ? e : sources[static_cast<std::size_t>(e)];
        }
    };

    void combine(const Input& input, const float* from, float* to) const
    {
        const auto each = [&](const auto& join) {
            for (Index e = 0; e < m_size; ++e) {
                to[e] = join(to[e], from[input.source(e)]);
            }
        };
        switch (m_kind) {
        case Merge::Multiply:
            return each([](float a, float b) { return a * b; });
        case Merge::Subtract:
            return each([](float a, float b) { return a - b; });
        case Merge::Average:
            return each([](float a, float b) { return a + b; });
        case Merge::Maximum:
            return each([](float a, float b) { return a >= b ? a : b; });
        case Merge::Minimum:
            return each([](float a, float b) { return a <= b ? a : b; });
        }
    }

    [[nodiscard]] float share() const { return 1.0F / static_cast<float>(m_inputs.size()); }
    [[nodiscard]] float value(const BackwardCall& call, std::size_t i, Index sample, Index e) const
    {
        return call.inputs[i][sample * m_inputs[i].size + m_inputs[i].source(e)];
    }

    /// d output / d input i. Of equals the first is the largest, as in TensorFlow.
    [[nodiscard]] float slope(const BackwardCall& call, std::size_t i, Index sample, Index e) const
    {
        if (m_kind == Merge::Subtract) {
            return i == 0 ? 1.0F : -1.0F;
        }
        if (m_kind == Merge::Average) {
            return share();
        }
        const float own = value(call, i, sample, e);
        float product = 1.0F;
        for (std::size_t other = 0; other < m_inputs.size(); ++other) {
            if (other == i) {
                continue;
            }
            const float theirs = value(call, other, sample, e);
            product *= theirs;
            const bool isBeaten = m_kind == Merge::Maximum ? theirs > own : theirs < own;
            if (m_kind != Merge::Multiply && (isBeaten || (theirs == own && other < i))) {
                return 0.0F;
            }
        }
        return m_kind == Merge::Multiply ? product : 1.0F;
    }

    Merge m_kind;
    Index m_size;
    std::vector<Input> m_inputs;
};

class MergeRule final : public LayerRule {
public:
    explicit MergeRule(Merge kind) : m_kind(kind) {}

    InputCount inputCount() const override
    {
        if (m_kind == Merge::Subtract) {
            return {2, 2};
        }
        return {1, std::numeric_limits<std::size_t>::max()};
    }
    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        Shape output = inputs[0];
        for (const Shape& other : inputs.subspan(1)) {
            auto joined = broadcastShapes(output, other);
            if (!joined) {
                return fail(std::move(joined).error());
            }
            output = *joined;
        }
        return OpShape{.output = output};
    }
    bool passesMask() const override { return true; }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        return std::make_unique<MergeKernel>(m_kind, request.inputs, request.layer.outputShape);
    }
    Json config() const override { return Json::object(); }

private:
    Merge m_kind;
};

template <Merge kind>
void read(LayerReading& reading)
{
    reading.become<MergeRule>(kind);
}

} // namespace

std::span<const LayerInfo> mergeLayers()
{
    static const std::array kRows{
        LayerInfo{"Multiply", "", "Product of its inputs.", read<Merge::Multiply>},
        LayerInfo{"Subtract", "", "First input less the second.", read<Merge::Subtract>},
        LayerInfo{"Average", "", "Mean of its inputs.", read<Merge::Average>},
        LayerInfo{"Maximum", "", "Largest of its inputs.", read<Merge::Maximum>},
        LayerInfo{"Minimum", "", "Smallest of its inputs.", read<Merge::Minimum>},
        dotLayer(),
    };
    return kRows;
}

} // namespace bitscape::graph
