// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/rescale.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layers/rule_support.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace bitscape::graph {

namespace {

/// y = (x − before[p])·factor[p] + after[p], with p the parameter of the element.
struct Line {
    std::vector<float> before, factor, after;
};

class LineKernel : public LayerKernel {
public:
    /// `parameters`: per element of a sample.
    LineKernel(std::vector<Index> parameters, Line line)
        : m_parameters(std::move(parameters)), m_line(std::move(line))
    {
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        forEachElement(call.samples.count, [&](Index e, std::size_t p) {
            call.output[e] =
                (call.inputs[0][e] - m_line.before[p]) * m_line.factor[p] + m_line.after[p];
        });
    }
    void backward(int /*phase*/, const BackwardCall& call) override
    {
        float* target = call.inputGradients[0];
        forEachElement(call.samples.count, [&](Index e, std::size_t p) {
            const float value = call.upstream[e] * m_line.factor[p];
            target[e] = call.adds[0] ? target[e] + value : value;
        });
    }

protected:
    Line& line() { return m_line; }

private:
    template <class Visit>
    void forEachElement(Index samples, const Visit& visit) const
    {
        Index e = 0;
        for (Index sample = 0; sample < samples; ++sample) {
            for (const Index parameter : m_parameters) {
                visit(e++, static_cast<std::size_t>(parameter));
            }
        }
    }

    std::vector<Index> m_parameters;
    Line m_line;
};

Line constantLine(std::size_t count)
{
    return {std::vector<float>(count, 0.0F), std::vector<float>(count, 1.0F),
            std::vector<float>(count, 0.0F)};
}

class RescalingRule final : public LayerRule {
public:
    RescalingRule(std::vector<float> scale, std::vector<float> offset)
        : m_scale(std::move(scale)), m_offset(std::move(offset))
    {
    }

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        const Index channels = inputs[0].channels();
        for (const auto& values : {m_scale, m_offset}) {
            if (values.size() > 1 && std::ssize(values) != channels) {
                return shapeMismatch(fmt::format("It has {} factors or offsets for the input {}.",
                                                 values.size(), inputs[0].toString()));
            }
        }
        return OpShape{.output = inputs[0]};
    }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        const Shape& shape = request.layer.outputShape;
        const std::size_t count = std::max(m_scale.size(), m_offset.size());
        Line line = constantLine(count);
        for (std::size_t p = 0; p < count; ++p) {
            line.factor[p] = m_scale[m_scale.size() > 1 ? p : 0];
            line.after[p] = m_offset[m_offset.size() > 1 ? p : 0];
        }
        return std::make_unique<LineKernel>(
            broadcastSources(Shape{static_cast<Index>(count)}, shape), std::move(line));
    }
    Json config() const override
    {
        const auto field = [](const std::vector<float>& values) {
            return values.size() == 1 ? Json(values.front()) : Json(values);
        };
        return {{"scale", field(m_scale)}, {"offset", field(m_offset)}};
    }

private:
    std::vector<float> m_scale, m_offset; ///< one, or one per channel
};

/// Weights: mean, variance, count.
class NormalizationKernel final : public LineKernel {
public:
    NormalizationKernel(std::vector<Index> parameters, std::size_t count, bool inverts)
        : LineKernel(std::move(parameters), constantLine(count)), m_inverts(inverts)
    {
    }

    void setWeights(LayerWeights weights) override
    {
        constexpr float kLeast = 1e-7F; // Keras' epsilon
        Line& to = line();
        for (std::size_t p = 0; p < to.factor.size(); ++p) {
            const float deviation = std::max(std::sqrt(weights[1].data[p]), kLeast);
            to.factor[p] = m_inverts ? deviation : 1.0F / deviation;
            (m_inverts ? to.after : to.before)[p] = weights[0].data[p];
        }
    }

private:
    bool m_inverts;
};

class NormalizationRule final : public LayerRule {
public:
    NormalizationRule(std::vector<int> axes, bool inverts)
        : m_axes(std::move(axes)), m_inverts(inverts)
    {
    }

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        auto kept = keptShape(inputs[0]);
        if (!kept) {
            return fail(std::move(kept).error());
        }
        std::vector<Index> sizes;
        const std::vector<int> axes = axesWithin(m_axes, inputs[0]).value();
        for (const int axis : axes) {
            sizes.push_back(inputs[0][axis]);
        }
        if (std::ranges::any_of(sizes, [](Index size) { return size < 0; })) {
            return shapeMismatch(
                fmt::format("An axis of its input {} has no size.", inputs[0].toString()));
        }
        const Shape stored(sizes);
        return OpShape{.output = inputs[0],
                       .weights = {{"mean", stored, false},
                                   {"variance", stored, false, 1.0F},
                                   {"count", {}, false}}};
    }
    std::vector<RuleWeight> weights() const override { return {{"mean"}, {"variance"}, {"count"}}; }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        const Shape& shape = request.layer.outputShape;
        const Shape kept = keptShape(shape).value();
        return std::make_unique<NormalizationKernel>(broadcastSources(kept, shape),
                                                     static_cast<std::size_t>(kept.elementCount()),
                                                     m_inverts);
    }
    Json config() const override
    {
        return {{"axis", m_axes.empty() ? Json(nullptr) : Json(m_axes)}, {"invert", m_inverts}};
    }

private:
    /// The input with size 1 along the axes that share their statistics.
    [[nodiscard]] Result<Shape> keptShape(const Shape& input) const
    {
        auto axes = axesWithin(m_axes, input);
        if (!axes) {
            return fail(std::move(axes).error());
        }
        Shape kept = input;
        for (int axis = 0; axis < input.rank(); ++axis) {
            if (std::ranges::find(*axes, axis) == axes->end()) {
                kept[axis] = 1;
            }
        }
        return kept;
    }

    std::vector<int> m_axes; ///< none: one mean for all
    bool m_inverts;
};

std::vector<float> readNumbers(LayerReading& reading, const char* key, float otherwise)
{
    const Json& value = reading.config.at(key);
    if (value.is_array() && !value.empty()) {
        std::vector<float> numbers;
        for (const Json& entry : value) {
            if (!entry.is_number()) {
                reading.config.refuse(key, "It must hold numbers.");
                return {otherwise};
            }
            numbers.push_back(entry.get<float>());
        }
        return numbers;
    }
    return {reading.config.real(key, otherwise)};
}

void readRescaling(LayerReading& reading)
{
    std::vector<float> scale = readNumbers(reading, "scale", 1.0F);
    reading.become<RescalingRule>(std::move(scale), readNumbers(reading, "offset", 0.0F));
}

void readNormalization(LayerReading& reading)
{
    if (reading.config.has("mean") || reading.config.has("variance")) {
        reading.lacks("a mean in the config instead of the weights is not covered");
    }
    const bool isWhole = reading.config.json().contains("axis") && !reading.config.has("axis");
    std::vector<int> axes = isWhole ? std::vector<int>() : reading.axes("axis", {-1});
    reading.become<NormalizationRule>(std::move(axes), reading.config.boolean("invert", false));
}

} // namespace

std::span<const LayerInfo> rescaleLayers()
{
    static constexpr std::array kRows{
        LayerInfo{"Rescaling", "", "Values times a factor, plus an offset.", readRescaling},
        LayerInfo{"Normalization", "", "Values less a stored mean, divided by a stored deviation.",
                  readNormalization},
    };
    return kRows;
}

} // namespace bitscape::graph
