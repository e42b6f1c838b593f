// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/group_norm.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layers/partial_sums.h"
#include "core/graph/layers/rule_support.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace bitscape::graph {

namespace {

/// How the elements of a sample fall into groups that are normalized by themselves.
struct Grouping {
    Index size = 1;                ///< elements of a group
    std::vector<Index> places;     ///< group by group: the elements
    std::vector<Index> parameters; ///< the same order: which of the weights applies
    Index parameterCount = 1;
};

struct NormSetup {
    float epsilon = 1e-3F;
    bool center = true, scale = true;
    bool isUnit = false; ///< divides by the length only, as tf.math.l2_normalize
};

/// y = (x − mean)·root·gamma + beta over each group.
class GroupNormKernel final : public LayerKernel {
public:
    GroupNormKernel(Grouping grouping, const NormSetup& setup)
        : m_grouping(std::move(grouping)), m_setup(setup)
    {
    }

    Index scratchFloats() const override { return 2 * m_grouping.size; }

    void setWeights(LayerWeights weights) override
    {
        m_gamma = m_setup.scale ? weights[0].data : nullptr;
        m_beta = m_setup.center ? weights[m_setup.scale ? 1 : 0].data : nullptr;
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        forEachGroup(call.samples.count, [&](Index sample, const Index* places,
                                             const Index* parameters) {
            float* normal = call.samples.scratch;
            normalize(call.inputs[0] + sample, places, normal);
            for (Index k = 0; k < m_grouping.size; ++k) {
                const Index p = parameters[k];
                const float scaled = m_gamma != nullptr ? normal[k] * m_gamma[p] : normal[k];
                call.output[sample + places[k]] = m_beta != nullptr ? scaled + m_beta[p] : scaled;
            }
        });
    }

    void prepareTraining(int items, Index /*samples*/) override
    {
        m_gammaSums = PartialSums(items, m_setup.scale ? m_grouping.parameterCount : 0);
        m_betaSums = PartialSums(items, m_setup.center ? m_grouping.parameterCount : 0);
    }
    bool readsInput() const override { return true; }

    void backward(int /*phase*/, const BackwardCall& call) override
    {
        float* gammaSums = open(m_gammaSums, m_setup.scale, call.samples.item);
        float* betaSums = open(m_betaSums, m_setup.center, call.samples.item);
        float* target = call.inputGradients[0];
        forEachGroup(
            call.samples.count, [&](Index sample, const Index* places, const Index* parameters) {
                float* normal = call.samples.scratch;
                float* gradient = normal + m_grouping.size; // of normal
                const Root root = normalize(call.inputs[0] + sample, places, normal);
                double sum = 0.0;
                double along = 0.0;
                for (Index k = 0; k < m_grouping.size; ++k) {
                    const float dy = call.upstream[sample + places[k]];
                    const Index p = parameters[k];
                    if (gammaSums != nullptr) {
                        gammaSums[p] += dy * normal[k];
                    }
                    if (betaSums != nullptr) {
                        betaSums[p] += dy;
                    }
                    gradient[k] = m_gamma != nullptr ? dy * m_gamma[p] : dy;
                    sum += static_cast<double>(gradient[k]);
                    along += static_cast<double>(gradient[k]) * static_cast<double>(normal[k]);
                }
                const double count = m_setup.isUnit ? 1.0 : static_cast<double>(m_grouping.size);
                const auto mean = static_cast<float>(m_setup.isUnit ? 0.0 : sum / count);
                const auto slope = static_cast<float>(root.isFixed ? 0.0 : along / count);
                for (Index k = 0; target != nullptr && k < m_grouping.size; ++k) {
                    float& dx = target[sample + places[k]];
                    const float value = (gradient[k] - mean - normal[k] * slope) * root.value;
                    dx = call.adds[0] ? dx + value : value;
                }
            });
    }
    void finishForward(int /*phase*/, int /*items*/, Index /*samples*/) override
    {
        m_gammaSums.clear();
        m_betaSums.clear();
    }

    int gradientTasks() const override { return m_setup.scale || m_setup.center ? 1 : 0; }
    void gradientTask(int /*task*/, const GradientCall& call) override
    {
        std::size_t at = 0;
        for (const PartialSums* sums :
             {m_setup.scale ? &m_gammaSums : nullptr, m_setup.center ? &m_betaSums : nullptr}) {
            for (int task = 0; sums != nullptr && task < sums->tasks(); ++task) {
                sums->total(task, call.items, call.gradients[at]);
            }
            at += sums != nullptr ? 1 : 0;
        }
    }

private:
    struct Root {
        float value = 1.0F;
        bool isFixed = false; ///< does not depend on x
    };

    /// visit(first element of the sample, the group's places, its parameters)
    template <class Visit>
    void forEachGroup(Index samples, const Visit& visit) const
    {
        const Index size = std::ssize(m_grouping.places);
        for (Index sample = 0; sample < samples; ++sample) {
            for (Index first = 0; first < size; first += m_grouping.size) {
                visit(sample * size, m_grouping.places.data() + first,
                      m_grouping.parameters.data() + first);
            }
        }
    }

    Root normalize(const float* x, const Index* places, float* normal) const
    {
        const Index size = m_grouping.size;
        double sum = 0.0;
        for (Index k = 0; k < size; ++k) {
            normal[k] = x[places[k]];
            sum += static_cast<double>(normal[k]);
        }
        const double mean = m_setup.isUnit ? 0.0 : sum / static_cast<double>(size);
        double squares = 0.0;
        for (Index k = 0; k < size; ++k) {
            const double off = static_cast<double>(normal[k]) - mean;
            squares += off * off;
        }
        const auto epsilon = static_cast<double>(m_setup.epsilon);
        Root root;
        if (m_setup.isUnit) {
            root.isFixed = squares <= epsilon;
            root.value = static_cast<float>(1.0 / std::sqrt(std::max(squares, epsilon)));
        } else {
            root.value =
                static_cast<float>(1.0 / std::sqrt(squares / static_cast<double>(size) + epsilon));
        }
        for (Index k = 0; k < size; ++k) {
            normal[k] = (normal[k] - static_cast<float>(mean)) * root.value;
        }
        return root;
    }

    static float* open(PartialSums& sums, bool isThere, int item)
    {
        if (!isThere) {
            return nullptr;
        }
        float* part = sums.part(item);
        if (!sums.adds(item)) {
            std::fill_n(part, sums.size(), 0.0F);
        }
        return part;
    }

    Grouping m_grouping;
    NormSetup m_setup;
    const float* m_gamma = nullptr;
    const float* m_beta = nullptr;
    PartialSums m_gammaSums, m_betaSums;
};

/// Calls visit(element, its index along every axis).
template <class Visit>
void forEachElement(const Shape& shape, const Visit& visit)
{
    const std::vector<Index> steps = stepsOf(shape);
    std::vector<Index> at(steps.size());
    for (Index e = 0; e < shape.elementCount(); ++e) {
        for (std::size_t axis = 0; axis < steps.size(); ++axis) {
            at[axis] = e / steps[axis] % shape[static_cast<int>(axis)];
        }
        visit(e, at);
    }
}

/// Groups by number, each in the order of its elements.
Grouping groupingOf(const Shape& shape, Index groups, Index parameterCount, const auto& groupOf,
                    const auto& parameterOf)
{
    const Index size = shape.elementCount() / groups;
    Grouping grouping{size,
                      std::vector<Index>(static_cast<std::size_t>(shape.elementCount())),
                      {},
                      parameterCount};
    grouping.parameters = grouping.places;
    std::vector<Index> next(static_cast<std::size_t>(groups), 0);
    forEachElement(shape, [&](Index e, const std::vector<Index>& at) {
        const Index group = groupOf(at);
        const auto place =
            static_cast<std::size_t>(group * size + next[static_cast<std::size_t>(group)]++);
        grouping.places[place] = e;
        grouping.parameters[place] = parameterOf(at);
    });
    return grouping;
}

std::vector<RuleWeight> normWeights(const NormSetup& setup)
{
    std::vector<RuleWeight> all;
    if (setup.scale) {
        all.push_back({"gamma"});
    }
    if (setup.center) {
        all.push_back({"beta"});
    }
    return all;
}

std::vector<WeightSpec> normSpecs(const NormSetup& setup, const Shape& shape)
{
    std::vector<WeightSpec> all;
    if (setup.scale) {
        all.push_back({"gamma", shape, true, 1.0F});
    }
    if (setup.center) {
        all.push_back({"beta", shape});
    }
    return all;
}

/// LayerNormalization and UnitNormalization: over some axes together.
class AxesNormRule final : public LayerRule {
public:
    AxesNormRule(const NormSetup& setup, std::vector<int> axes)
        : m_setup(setup), m_axes(std::move(axes))
    {
    }

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        auto axes = axesWithin(m_axes, inputs[0]);
        if (!axes) {
            return fail(std::move(axes).error());
        }
        std::vector<Index> sizes;
        for (const int axis : *axes) {
            sizes.push_back(inputs[0][axis]);
            if (sizes.back() < 0) {
                return shapeMismatch(
                    fmt::format("An axis of its input {} has no size.", inputs[0].toString()));
            }
        }
        return OpShape{.output = inputs[0], .weights = normSpecs(m_setup, Shape(sizes))};
    }
    std::vector<RuleWeight> weights() const override { return normWeights(m_setup); }
    bool passesMask() const override { return true; }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        const Shape& shape = request.layer.outputShape;
        const std::vector<int> axes = axesWithin(m_axes, shape).value();
        const auto isInside = [&](std::size_t axis) {
            return std::ranges::find(axes, static_cast<int>(axis)) != axes.end();
        };
        const auto number = [&](const std::vector<Index>& at, bool inside) {
            Index result = 0;
            for (std::size_t axis = 0; axis < at.size(); ++axis) {
                if (isInside(axis) == inside) {
                    result = result * shape[static_cast<int>(axis)] + at[axis];
                }
            }
            return result;
        };
        Index size = 1;
        for (const int axis : axes) {
            size *= shape[axis];
        }
        return std::make_unique<GroupNormKernel>(
            groupingOf(
                shape, shape.elementCount() / size, size,
                [&](const std::vector<Index>& at) { return number(at, false); },
                [&](const std::vector<Index>& at) { return number(at, true); }),
            m_setup);
    }
    Json config() const override
    {
        if (m_setup.isUnit) {
            return {{"axis", m_axes}};
        }
        return {{"axis", m_axes},
                {"epsilon", m_setup.epsilon},
                {"center", m_setup.center},
                {"scale", m_setup.scale}};
    }

private:
    NormSetup m_setup;
    std::vector<int> m_axes;
};

/// GroupNormalization: the channels in groups, together with all pixels.
class GroupNormRule final : public LayerRule {
public:
    GroupNormRule(const NormSetup& setup, int groups, int axis)
        : m_setup(setup), m_groups(groups), m_axis(axis)
    {
    }

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        auto axes = axesWithin({m_axis}, inputs[0]);
        if (!axes) {
            return fail(std::move(axes).error());
        }
        const Index channels = inputs[0][axes->front()];
        if (channels < 0 || channels % groups(channels) != 0) {
            return impossible(
                fmt::format("{} groups do not divide {} channels.", m_groups, channels));
        }
        return OpShape{.output = inputs[0], .weights = normSpecs(m_setup, Shape{channels})};
    }
    std::vector<RuleWeight> weights() const override { return normWeights(m_setup); }
    bool passesMask() const override { return true; }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        const Shape& shape = request.layer.outputShape;
        const int axis = axesWithin({m_axis}, shape).value().front();
        const Index channels = shape[axis];
        const Index perGroup = channels / groups(channels);
        const auto channel = [axis](const std::vector<Index>& at) {
            return at[static_cast<std::size_t>(axis)];
        };
        return std::make_unique<GroupNormKernel>(
            groupingOf(
                shape, groups(channels), channels,
                [&](const std::vector<Index>& at) { return channel(at) / perGroup; }, channel),
            m_setup);
    }
    Json config() const override
    {
        return {{"groups", m_groups},
                {"axis", m_axis},
                {"epsilon", m_setup.epsilon},
                {"center", m_setup.center},
                {"scale", m_setup.scale}};
    }

private:
    /// −1: as many as channels.
    [[nodiscard]] Index groups(Index channels) const { return m_groups < 0 ? channels : m_groups; }

    NormSetup m_setup;
    int m_groups, m_axis;
};

NormSetup readSetup(LayerReading& reading)
{
    NormSetup setup;
    setup.epsilon = reading.config.real("epsilon", setup.epsilon);
    setup.center = reading.config.boolean("center", true);
    setup.scale = reading.config.boolean("scale", true);
    return setup;
}

void readLayerNorm(LayerReading& reading)
{
    if (reading.config.boolean("rms_scaling", false)) {
        reading.lacks("rms_scaling is not covered");
    }
    const NormSetup setup = readSetup(reading);
    reading.become<AxesNormRule>(setup, reading.axes("axis", {-1}));
}

void readUnitNorm(LayerReading& reading)
{
    constexpr float kLeast = 1e-12F;
    const NormSetup setup{.epsilon = kLeast, .center = false, .scale = false, .isUnit = true};
    reading.become<AxesNormRule>(setup, reading.axes("axis", {-1}));
}

void readGroupNorm(LayerReading& reading)
{
    constexpr int kGroups = 32;
    const auto groups =
        static_cast<int>(reading.config.integer("groups", kGroups, -1, kMaxChannels));
    if (groups == 0) {
        reading.config.refuse("groups", "It must be at least 1, or -1 for one per channel.");
        return;
    }
    const NormSetup setup = readSetup(reading);
    reading.become<GroupNormRule>(setup, groups, reading.axis("axis", -1));
}

} // namespace

std::span<const LayerInfo> groupNormLayers()
{
    static constexpr std::array kRows{
        LayerInfo{"LayerNormalization", "",
                  "Values of each sample are centered and scaled along some axes.", readLayerNorm},
        LayerInfo{"GroupNormalization", "",
                  "Values of each sample are centered and scaled in groups of channels.",
                  readGroupNorm},
        LayerInfo{"UnitNormalization", "", "Vectors of length 1.", readUnitNorm},
    };
    return kRows;
}

} // namespace bitscape::graph
