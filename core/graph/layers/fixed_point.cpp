// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/fixed_point.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layers/rule_support.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace bitscape::graph {

namespace {

// The modes of ap_fixed, on values in units of the last place.

float truncate(float x)
{
    return std::floor(x);
}
float roundUp(float x)
{
    return std::floor(x + 0.5F);
}
float roundToEven(float x)
{
    return std::nearbyint(x);
}
float truncateToZero(float x)
{
    return std::trunc(x);
}
float roundToZero(float x)
{
    return std::copysign(-std::floor(0.5F - std::abs(x)), x);
}
float roundDown(float x)
{
    return -std::floor(0.5F - x);
}
float roundAway(float x)
{
    return std::copysign(std::floor(std::abs(x) + 0.5F), x);
}

struct Range {
    float low, high;
};

float modulo(float x, float length)
{
    return x - std::floor(x / length) * length;
}

float saturate(float x, const Range& range)
{
    return std::clamp(x, range.low, range.high);
}
float saturateToZero(float x, const Range& range)
{
    return x < range.low || x > range.high ? 0.0F : x;
}
float saturateSymmetric(float x, const Range& range)
{
    return std::clamp(x, range.low < 0 ? -range.high : 0.0F, range.high);
}
float wrap(float x, const Range& range)
{
    return modulo(x - range.low, range.high - range.low + 1) + range.low;
}
/// Runs back and forth between the ends.
float wrapMirrored(float x, const Range& range)
{
    const float length = range.high - range.low + 1;
    const float place = modulo(x - range.high - 1, 2 * length);
    return std::abs(place - length + 0.5F) - 0.5F + range.low;
}

using Rounding = float (*)(float);
using Overflow = float (*)(float, const Range&);

template <class Function>
struct Mode {
    std::string_view name;
    Function apply;
};

constexpr std::array kRoundings{
    Mode<Rounding>{"TRN", truncate},         Mode<Rounding>{"RND", roundUp},
    Mode<Rounding>{"RND_CONV", roundToEven}, Mode<Rounding>{"TRN_ZERO", truncateToZero},
    Mode<Rounding>{"RND_ZERO", roundToZero}, Mode<Rounding>{"RND_MIN_INF", roundDown},
    Mode<Rounding>{"RND_INF", roundAway},
};
constexpr std::array kOverflows{
    Mode<Overflow>{"WRAP", wrap},
    Mode<Overflow>{"SAT", saturate},
    Mode<Overflow>{"SAT_ZERO", saturateToZero},
    Mode<Overflow>{"SAT_SYM", saturateSymmetric},
    Mode<Overflow>{"WRAP_SM", wrapMirrored},
};

struct FixedPointSetup {
    std::vector<Index> shape; ///< of the bit tensors, broadcast to the input with its batch
    Mode<Rounding> rounding = kRoundings[0];
    Mode<Overflow> overflow = kOverflows[0];
};

class FixedPointKernel final : public LayerKernel {
public:
    /// `types`: per element of a sample, its element of the bit tensors.
    FixedPointKernel(std::vector<Index> types, const FixedPointSetup& setup)
        : m_types(std::move(types)), m_round(setup.rounding.apply), m_overflow(setup.overflow.apply)
    {
    }

    void setWeights(LayerWeights weights) override
    {
        m_formats.clear();
        for (Index i = 0; i < weights[0].size(); ++i) {
            const float sign = weights[0].data[i];
            const float bits = weights[1].data[i];
            const float steps = std::exp2(bits - sign); // of the positive side
            m_formats.push_back(
                {std::exp2(bits - weights[2].data[i]), {-steps * sign, steps - 1}, bits == 0.0F});
        }
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        Index e = 0;
        for (Index sample = 0; sample < call.samples.count; ++sample) {
            for (const Index type : m_types) {
                const Format& format = m_formats[static_cast<std::size_t>(type)];
                const float code =
                    m_overflow(m_round(call.inputs[0][e] * format.scale), format.range);
                call.output[e++] = format.isEmpty ? 0.0F : code / format.scale;
            }
        }
    }

    /// Straight through.
    void backward(int /*phase*/, const BackwardCall& call) override
    {
        float* target = call.inputGradients[0];
        const Index count = call.samples.count * std::ssize(m_types);
        for (Index e = 0; target != nullptr && e < count; ++e) {
            target[e] = (call.adds[0] ? target[e] : 0.0F) + call.upstream[e];
        }
    }

private:
    struct Format {
        float scale;
        Range range;
        bool isEmpty;
    };

    std::vector<Index> m_types;
    Rounding m_round;
    Overflow m_overflow;
    std::vector<Format> m_formats;
};

class FixedPointRule final : public LayerRule {
public:
    explicit FixedPointRule(FixedPointSetup setup) : m_setup(std::move(setup)) {}

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        auto types = typesFor(inputs[0]);
        auto all = types ? broadcastShapes(*types, inputs[0]) : std::move(types);
        if (!all) {
            return fail(std::move(all).error());
        }
        if (!(*all == inputs[0])) {
            return shapeMismatch("Its bit tensors have the shape " +
                                 Shape(m_setup.shape).toString() + ", its input " +
                                 inputs[0].toString() + ".");
        }
        const Shape stored(m_setup.shape);
        return OpShape{.output = inputs[0],
                       .weights = {{"keep_negative", stored, false},
                                   {"bits", stored, false},
                                   {"integers", stored, false}}};
    }
    std::vector<RuleWeight> weights() const override
    {
        return {{"keep_negative"}, {"bits"}, {"integers"}};
    }
    std::vector<Slot> slots() const override { return {}; }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        const auto types = typesFor(request.inputs[0]);
        ensure(types.has_value(), "FixedPointRule: shapes were checked");
        return std::make_unique<FixedPointKernel>(broadcastSources(*types, request.inputs[0]),
                                                  m_setup);
    }
    Json config() const override
    {
        return {{"RND", std::string(m_setup.rounding.name)},
                {"SAT", std::string(m_setup.overflow.name)},
                {"shape", m_setup.shape}};
    }

private:
    /// The bit tensors' shape without an axis of the batch.
    [[nodiscard]] Result<Shape> typesFor(const Shape& input) const
    {
        const Shape stored(m_setup.shape);
        if (stored.rank() <= input.rank()) {
            return stored;
        }
        if (stored.rank() == input.rank() + 1 && stored[0] == 1) {
            return stored.sample();
        }
        return shapeMismatch("Its bit tensors have more axes than its input.");
    }

    FixedPointSetup m_setup;
};

template <class Modes>
auto modeOf(LayerReading& reading, const Modes& modes, const char* key)
{
    const std::string name = reading.config.text(key, std::string(modes.front().name));
    const auto* found =
        std::ranges::find_if(modes, [&](const auto& mode) { return mode.name == name; });
    if (found == modes.end()) {
        reading.lacks("the mode " + name + " of " + key + " is not covered");
        return modes.front();
    }
    return *found;
}

void read(LayerReading& reading)
{
    FixedPointSetup setup;
    setup.shape = reading.config.sizes("shape");
    if (std::ranges::any_of(setup.shape, [](Index size) { return size < 1; })) {
        reading.config.refuse("shape", "It must be a list of sizes from 1.");
        return;
    }
    setup.rounding = modeOf(reading, kRoundings, "RND");
    setup.overflow = modeOf(reading, kOverflows, "SAT");
    reading.become<FixedPointRule>(std::move(setup));
}

} // namespace

LayerInfo fixedPointLayer()
{
    return {"FixedPointQuantizer", "", "Every value in a fixed-point type of its own (HGQ).", read};
}

} // namespace bitscape::graph
