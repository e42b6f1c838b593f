// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/noise.h"

#include "core/base/rng.h"
#include "core/graph/layer_reading.h"
#include "core/graph/layers/rule_support.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>

namespace bitscape::graph {

namespace {

/// What a draw does to a value: x → x·factor + addend.
struct Change {
    float factor = 1.0F;
    float addend = 0.0F;
};

enum class NoiseKind { Drop, AlphaDrop, GaussianDrop, Gaussian };

/// The kind, and its rate or standard deviation.
struct Noise {
    NoiseKind kind = NoiseKind::Drop;
    float amount = 0.0F;
};

float normalAt(std::uint64_t seed, std::uint64_t index)
{
    const float radius = std::sqrt(-2.0F * std::log(1.0F - uniformAt(seed, 2 * index)));
    return radius * std::cos(2.0F * std::numbers::pi_v<float> * uniformAt(seed, 2 * index + 1));
}

Change changeAt(const Noise& noise, std::uint64_t seed, std::uint64_t index)
{
    constexpr float kAlpha = -1.7580993408473766F; // where SELU ends on the left
    const float keep = 1.0F - noise.amount;
    switch (noise.kind) {
    case NoiseKind::Drop:
        return {uniformAt(seed, index) >= noise.amount ? 1.0F / keep : 0.0F, 0.0F};
    case NoiseKind::AlphaDrop: {
        const float a = 1.0F / std::sqrt(keep * (1.0F + noise.amount * kAlpha * kAlpha));
        const float b = -a * kAlpha * noise.amount;
        return uniformAt(seed, index) >= noise.amount ? Change{a, b} : Change{0.0F, a * kAlpha + b};
    }
    case NoiseKind::GaussianDrop:
        return {1.0F + std::sqrt(noise.amount / keep) * normalAt(seed, index), 0.0F};
    case NoiseKind::Gaussian:
        return {1.0F, noise.amount * normalAt(seed, index)};
    }
    return {};
}

class NoiseKernel final : public LayerKernel {
public:
    /// `draws`: which draw of a sample an element takes; `draws` of the samples differ unless
    /// `sharesSamples`.
    NoiseKernel(const Noise& noise, std::vector<Index> draws, Index drawCount, bool sharesSamples,
                std::uint64_t stream)
        : m_noise(noise), m_draws(std::move(draws)), m_sampleDraws(sharesSamples ? 0 : drawCount),
          m_stream(stream)
    {
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        forEachElement(call.samples, [&](Index e, const Change& change) {
            call.output[e] = call.inputs[0][e] * change.factor + change.addend;
        });
    }
    void backward(int /*phase*/, const BackwardCall& call) override
    {
        float* target = call.inputGradients[0];
        forEachElement(call.samples, [&](Index e, const Change& change) {
            const float value = call.upstream[e] * change.factor;
            target[e] = call.adds[0] ? target[e] + value : value;
        });
    }

private:
    template <class Visit>
    void forEachElement(const SampleRange& samples, const Visit& visit) const
    {
        const std::uint64_t seed = Rng(samples.seed).split(m_stream).next();
        Index e = 0;
        for (Index sample = samples.first; sample < samples.first + samples.count; ++sample) {
            for (const Index draw : m_draws) {
                visit(e++, changeAt(m_noise, seed,
                                    static_cast<std::uint64_t>(sample * m_sampleDraws + draw)));
            }
        }
    }

    Noise m_noise;
    std::vector<Index> m_draws;
    Index m_sampleDraws;
    std::uint64_t m_stream;
};

/// `noiseShape`: as Keras writes it, with the batch; null entries are the input's sizes, 1 shares
/// one draw along the axis. Nothing: a draw per element.
class NoiseRule final : public LayerRule {
public:
    NoiseRule(const Noise& noise, std::vector<Index> noiseShape, Json config)
        : m_noise(noise), m_noiseShape(std::move(noiseShape)), m_config(std::move(config))
    {
    }

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        const auto rank = std::ssize(m_noiseShape);
        bool fits = rank == 0 || rank == inputs[0].rank() + 1;
        for (int axis = 0; fits && axis + 1 < rank; ++axis) {
            const Index size = m_noiseShape[static_cast<std::size_t>(axis + 1)];
            fits = size < 0 || size == 1 || size == inputs[0][axis];
        }
        if (!fits) {
            return shapeMismatch(
                fmt::format("Its noise shape does not fit the input {}.", inputs[0].toString()));
        }
        return OpShape{.output = inputs[0]};
    }
    std::vector<Slot> slots() const override { return {}; }
    bool passesMask() const override { return true; }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        const Shape& shape = request.layer.outputShape;
        if (!request.options.isTraining || m_noise.amount <= 0.0F) {
            return makeIdentityKernel(shape.elementCount());
        }
        Shape draws = shape;
        for (int axis = 0; axis + 1 < std::ssize(m_noiseShape); ++axis) {
            const Index size = m_noiseShape[static_cast<std::size_t>(axis + 1)];
            draws[axis] = size == 1 ? 1 : shape[axis];
        }
        const bool sharesSamples = !m_noiseShape.empty() && m_noiseShape.front() == 1;
        return std::make_unique<NoiseKernel>(m_noise, broadcastSources(draws, shape),
                                             draws.elementCount(), sharesSamples, request.stream);
    }
    Json config() const override { return m_config; }

private:
    Noise m_noise;
    std::vector<Index> m_noiseShape;
    Json m_config;
};

/// The layer only adds to the loss of training.
class HandOnRule final : public LayerRule {
public:
    explicit HandOnRule(Json config) : m_config(std::move(config)) {}

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        return OpShape{.output = inputs[0]};
    }
    std::vector<Slot> slots() const override { return {}; }
    bool passesMask() const override { return true; }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        return makeIdentityKernel(request.layer.outputShape.elementCount());
    }
    Json config() const override { return m_config; }

private:
    Json m_config;
};

float readRate(LayerReading& reading)
{
    const float rate = reading.config.real("rate", 0.0F);
    if (!(rate >= 0.0F && rate < 1.0F)) {
        reading.config.refuse("rate", "It must be from 0 up to 1.");
        return 0.0F;
    }
    return rate;
}

std::vector<Index> readNoiseShape(LayerReading& reading)
{
    return reading.config.has("noise_shape") ? reading.config.sizes("noise_shape")
                                             : std::vector<Index>();
}

Json noiseShapeField(const std::vector<Index>& sizes)
{
    Json field = sizes.empty() ? Json(nullptr) : Json::array();
    for (const Index size : sizes) {
        field.push_back(size < 0 ? Json(nullptr) : Json(size));
    }
    return field;
}

/// Whole channels are dropped.
template <int rank>
void readSpatialDropout(LayerReading& reading)
{
    const float rate = readRate(reading);
    std::vector<Index> shape(rank + 2, 1);
    shape[0] = -1;
    const bool channelsFirst = reading.channelsFirst();
    shape[channelsFirst ? 1 : rank + 1] = -1;
    Json config{{"rate", rate}};
    if (rank > 1) {
        config["data_format"] = formatName(channelsFirst);
    }
    reading.become<NoiseRule>(Noise{NoiseKind::Drop, rate}, std::move(shape), std::move(config));
}

void readAlphaDropout(LayerReading& reading)
{
    const float rate = readRate(reading);
    std::vector<Index> shape = readNoiseShape(reading);
    Json config{{"rate", rate}, {"noise_shape", noiseShapeField(shape)}};
    reading.become<NoiseRule>(Noise{NoiseKind::AlphaDrop, rate}, std::move(shape),
                              std::move(config));
}

void readGaussianDropout(LayerReading& reading)
{
    const float rate = readRate(reading);
    reading.become<NoiseRule>(Noise{NoiseKind::GaussianDrop, rate}, std::vector<Index>(),
                              Json{{"rate", rate}});
}

void readGaussianNoise(LayerReading& reading)
{
    const float deviation = reading.config.real("stddev", 0.0F);
    reading.become<NoiseRule>(Noise{NoiseKind::Gaussian, deviation}, std::vector<Index>(),
                              Json{{"stddev", deviation}});
}

void readActivityRegularization(LayerReading& reading)
{
    reading.become<HandOnRule>(
        Json{{"l1", reading.config.real("l1", 0.0F)}, {"l2", reading.config.real("l2", 0.0F)}});
}

} // namespace

void readShapedDropout(LayerReading& reading, float rate)
{
    std::vector<Index> shape = readNoiseShape(reading);
    Json config{{"rate", rate}, {"noise_shape", noiseShapeField(shape)}};
    reading.become<NoiseRule>(Noise{NoiseKind::Drop, rate}, std::move(shape), std::move(config));
}

std::span<const LayerInfo> noiseLayers()
{
    static constexpr std::array kRows{
        LayerInfo{"SpatialDropout1D", "", "While training, whole channels become 0 at random.",
                  readSpatialDropout<1>},
        LayerInfo{"SpatialDropout2D", "", "While training, whole channels become 0 at random.",
                  readSpatialDropout<2>},
        LayerInfo{"SpatialDropout3D", "", "While training, whole channels become 0 at random.",
                  readSpatialDropout<3>},
        LayerInfo{"AlphaDropout", "",
                  "While training, some values are set to the lower end of SELU at random.",
                  readAlphaDropout},
        LayerInfo{"GaussianDropout", "", "While training, values are multiplied by random numbers.",
                  readGaussianDropout},
        LayerInfo{"GaussianNoise", "", "While training, random numbers are added.",
                  readGaussianNoise},
        LayerInfo{"ActivityRegularization", "", "Hands values on; training keeps them small.",
                  readActivityRegularization},
    };
    return kRows;
}

} // namespace bitscape::graph
