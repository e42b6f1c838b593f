// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/adaptive.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layer_rule.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace bitscape::graph {

namespace {

struct Setup {
    std::string activation = "quantized_bits"; ///< or quantized_relu
    int totalBits = 8;
    std::optional<int> currentStep; ///< given from outside; else the layer counts itself
    bool isSymmetric = true;
    int quantizationDelay = 0;
    std::optional<int> emaFreezeDelay;
    float emaDecay = 0.9999F;
    bool isPerChannel = false;
    bool roundsToPowerOfTwo = false;
    float negativeSlope = 0.0F;
    std::optional<float> upperBound;

    [[nodiscard]] bool isRelu() const { return activation == "quantized_relu"; }
    [[nodiscard]] bool keepsNegative() const { return !isRelu() || negativeSlope != 0.0F; }
    /// Integer bits that leave none for fractions.
    [[nodiscard]] int mostIntegerBits() const { return totalBits - (keepsNegative() ? 1 : 0); }
};

Result<quant::QuantizerPtr> quantizerOf(const Setup& s, int integerBits)
{
    quant::Parameters parameters{{"bits", std::int64_t{s.totalBits}},
                                 {"integer", std::int64_t{integerBits}}};
    if (s.isRelu()) {
        parameters["negative_slope"] = static_cast<double>(s.negativeSlope);
        parameters["is_quantized_clip"] = false;
        if (s.upperBound) {
            parameters["relu_upper_bound"] = static_cast<double>(*s.upperBound);
        }
    } else {
        parameters["symmetric"] = std::int64_t{s.isSymmetric ? 1 : 0};
        parameters["keep_negative"] = true;
        parameters["alpha"] = 1.0;
    }
    return quant::makeQuantizer(s.activation, std::move(parameters));
}

/// Integer bits that hold values from `low` to `high`.
int integerBits(const Setup& s, float low, float high)
{
    const int most = s.mostIntegerBits();
    if (!s.keepsNegative()) {
        low = std::max(low, 0.0F);
        high = std::max(high, 0.0F);
    }
    const auto magnitude = [](float v) {
        return v == 0.0F ? 0.0F : std::max(std::log2(std::abs(v)), 0.0F);
    };
    if (s.roundsToPowerOfTwo) {
        const float bits =
            std::max(std::nearbyint(magnitude(low)), std::nearbyint(magnitude(high)));
        return std::min(most, static_cast<int>(bits));
    }
    const auto step = [most](float bits) {
        return std::exp2(std::min(bits - static_cast<float>(most), 0.0F));
    };
    float lowBits = std::ceil(magnitude(low));
    float highBits = std::ceil(magnitude(high));
    if (high > std::exp2(highBits) - step(highBits)) {
        highBits += 1.0F;
    }
    if (s.isSymmetric && low < -std::exp2(lowBits) + step(lowBits)) {
        lowBits += 1.0F;
    }
    return std::min(most, static_cast<int>(std::max(lowBits, highBits)));
}

/// Weights: ema_min, ema_max (one, or one per channel), step. A training call quantizes with the
/// bits that the averages before it give, and moves the averages.
class AdaptiveKernel final : public LayerKernel {
public:
    AdaptiveKernel(const Setup& setup, std::vector<quant::QuantizerPtr> quantizers,
                   const Shape& shape, const KernelOptions& options)
        : m_setup(setup), m_quantizers(std::move(quantizers)), m_size(shape.elementCount()),
          m_channels(setup.isPerChannel ? shape.channels() : 1),
          m_bits(static_cast<std::size_t>(m_channels), 0), m_isTraining(options.isTraining),
          m_sigmoid(options.sigmoid)
    {
    }

    /// One channel of one sample is quantized at a time.
    Index scratchFloats() const override { return 2 * m_size / m_channels; }

    void setWeights(LayerWeights weights) override
    {
        m_low = weights[0].data;
        m_high = weights[1].data;
        for (Index c = 0; c < m_channels; ++c) {
            m_bits[static_cast<std::size_t>(c)] = integerBits(m_setup, m_low[c], m_high[c]);
        }
        const bool counts = m_isTraining && !m_setup.currentStep;
        m_step = weights[2].data[0] + (counts ? 1.0F : 0.0F);
        m_waits = m_isTraining && m_step < static_cast<float>(m_setup.quantizationDelay);
        const bool isFreezing = m_setup.emaFreezeDelay.value_or(0) != 0;
        m_learns =
            m_isTraining && (!isFreezing || m_step <= static_cast<float>(*m_setup.emaFreezeDelay));
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        const Index count = call.samples.count * m_size;
        if (m_isTraining) {
            noteRange(call.samples.item, call.inputs[0], count);
        }
        if (m_waits) {
            for (Index i = 0; i < count; ++i) {
                call.output[i] = unquantized(call.inputs[0][i]);
            }
            return;
        }
        forEachPiece(call.samples, [&](const quant::Quantizer& quantizer, const Piece& piece) {
            piece.load(call.inputs[0], piece.first);
            quantizer.apply(piece.view(piece.first), piece.mutableView(piece.second), context());
            piece.store(piece.second, call.output, false);
        });
    }

    void prepareTraining(int items, Index /*samples*/) override
    {
        m_ranges.resize(static_cast<std::size_t>(items * m_channels));
        m_newLow = m_newHigh = Tensor(Shape{m_channels});
        m_newStep = Tensor(Shape{});
        forgetRanges();
    }
    bool readsInput() const override { return true; }
    void finishForward(int /*phase*/, int items, Index /*samples*/) override
    {
        for (Index c = 0; c < m_channels; ++c) {
            Range all;
            for (int item = 0; item < items; ++item) {
                all.include(m_ranges[static_cast<std::size_t>(item * m_channels + c)]);
            }
            m_newLow.data()[c] = moved(m_low[c], all.low, all);
            m_newHigh.data()[c] = moved(m_high[c], all.high, all);
        }
        m_newStep.data()[0] = m_step;
        forgetRanges();
    }
    const Tensor* updatedWeight(int index) const override
    {
        return !m_isTraining ? nullptr
               : index == 0  ? &m_newLow
               : index == 1  ? &m_newHigh
                             : &m_newStep;
    }

    void backward(int /*phase*/, const BackwardCall& call) override
    {
        float* target = call.inputGradients[0];
        if (target == nullptr) {
            return;
        }
        if (m_waits) {
            for (Index i = 0; i < call.samples.count * m_size; ++i) {
                const float value = call.upstream[i] * unquantizedSlope(call.inputs[0][i]);
                target[i] = call.adds[0] ? target[i] + value : value;
            }
            return;
        }
        forEachPiece(call.samples, [&](const quant::Quantizer& quantizer, const Piece& piece) {
            piece.load(call.inputs[0], piece.first);
            piece.load(call.upstream, piece.second);
            quantizer.gradient(piece.view(piece.first), piece.view(piece.second),
                               piece.mutableView(piece.second), context());
            piece.store(piece.second, target, call.adds[0]);
        });
    }

private:
    struct Range {
        float low = std::numeric_limits<float>::infinity();
        float high = -std::numeric_limits<float>::infinity();
        void include(const Range& other)
        {
            low = std::min(low, other.low);
            high = std::max(high, other.high);
        }
    };
    /// Values that share a quantizer, taken out of a tensor and put back.
    struct Piece {
        Index start = 0, step = 1, count = 0;
        float* first = nullptr;
        float* second = nullptr;

        [[nodiscard]] TensorView view(const float* data) const { return {data, Shape{count}}; }
        [[nodiscard]] MutableTensorView mutableView(float* data) const
        {
            return {data, Shape{count}};
        }
        void load(const float* from, float* to) const
        {
            for (Index i = 0; i < count; ++i) {
                to[i] = from[start + i * step];
            }
        }
        void store(const float* from, float* to, bool adds) const
        {
            for (Index i = 0; i < count; ++i) {
                float& target = to[start + i * step];
                target = (adds ? target : 0.0F) + from[i];
            }
        }
    };

    [[nodiscard]] quant::CallContext context() const
    {
        return {.training = m_isTraining, .sigmoid = m_sigmoid};
    }

    template <class Visit>
    void forEachPiece(const SampleRange& samples, const Visit& visit) const
    {
        Piece piece{.step = m_channels, .count = m_size / m_channels, .first = samples.scratch};
        piece.second = piece.first + piece.count;
        for (Index i = 0; i < samples.count; ++i) {
            for (Index c = 0; c < m_channels; ++c) {
                piece.start = i * m_size + c;
                const int bits = m_bits[static_cast<std::size_t>(c)];
                visit(*m_quantizers[static_cast<std::size_t>(bits)], piece);
            }
        }
    }

    /// The range of what the quantizer makes of x before it rounds.
    void noteRange(int item, const float* x, Index count)
    {
        Range* ranges = m_ranges.data() + item * m_channels;
        for (Index i = 0; i < count; ++i) {
            const float value = unquantized(x[i]);
            ranges[i % m_channels].include({value, value});
        }
    }
    [[nodiscard]] float unquantized(float x) const
    {
        if (!m_setup.isRelu()) {
            return x;
        }
        const float y = x >= 0.0F ? x : x * m_setup.negativeSlope;
        return m_setup.upperBound ? std::min(y, *m_setup.upperBound) : y;
    }
    [[nodiscard]] float unquantizedSlope(float x) const
    {
        if (!m_setup.isRelu()) {
            return 1.0F;
        }
        const bool isCut = m_setup.upperBound && x > *m_setup.upperBound;
        return isCut ? 0.0F : x > 0.0F ? 1.0F : m_setup.negativeSlope;
    }
    [[nodiscard]] float moved(float old, float seen, const Range& all) const
    {
        const bool isEmpty = all.low > all.high;
        return m_learns && !isEmpty ? old * m_setup.emaDecay + seen * (1.0F - m_setup.emaDecay)
                                    : old;
    }
    void forgetRanges() { std::ranges::fill(m_ranges, Range{}); }

    Setup m_setup;
    std::vector<quant::QuantizerPtr> m_quantizers; // by integer bits
    Index m_size, m_channels;
    std::vector<int> m_bits; // per channel
    bool m_isTraining;
    quant::InternalSigmoid m_sigmoid;
    const float* m_low = nullptr;
    const float* m_high = nullptr;
    float m_step = -1.0F;
    bool m_waits = false; // hands on unquantized values
    bool m_learns = false;
    std::vector<Range> m_ranges; // per work item and channel
    Tensor m_newLow, m_newHigh, m_newStep;
};

class AdaptiveRule final : public LayerRule {
public:
    explicit AdaptiveRule(const Setup& setup) : m_setup(setup) {}

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        const Index count = m_setup.isPerChannel ? inputs[0].channels() : 1;
        if (count < 0) {
            return fail(ErrorCode::ShapeMismatch, "The channels of its input have no number.");
        }
        const float step = static_cast<float>(m_setup.currentStep.value_or(-1));
        return OpShape{.output = inputs[0],
                       .weights = {{"ema_min", {count}, false},
                                   {"ema_max", {count}, false},
                                   {"step", {}, false, step}}};
    }
    /// QKeras keeps them as plain variables, outside get_weights() and files.
    std::vector<RuleWeight> weights() const override
    {
        return {{"ema_min", {}, false}, {"ema_max", {}, false}, {"step", {}, false}};
    }
    std::vector<Slot> slots() const override { return {}; }
    bool passesMask() const override { return true; }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        std::vector<quant::QuantizerPtr> quantizers;
        for (int bits = 0; bits <= m_setup.mostIntegerBits(); ++bits) {
            auto made = quantizerOf(m_setup, bits);
            ensure(made.has_value(), "QAdaptiveActivation: a quantizer that was checked");
            quantizers.push_back(std::move(*made));
        }
        return std::make_unique<AdaptiveKernel>(m_setup, std::move(quantizers),
                                                request.layer.outputShape, request.options);
    }
    Json config() const override
    {
        const auto optional = [](const auto& value) {
            return value ? Json(*value) : Json(nullptr);
        };
        return {{"activation", m_setup.activation},
                {"total_bits", m_setup.totalBits},
                {"current_step", optional(m_setup.currentStep)},
                {"symmetric", m_setup.isSymmetric},
                {"quantization_delay", m_setup.quantizationDelay},
                {"ema_freeze_delay", optional(m_setup.emaFreezeDelay)},
                {"ema_decay", m_setup.emaDecay},
                {"per_channel", m_setup.isPerChannel},
                {"po2_rounding", m_setup.roundsToPowerOfTwo},
                {"relu_neg_slope", m_setup.negativeSlope},
                {"relu_upper_bound", optional(m_setup.upperBound)}};
    }

private:
    Setup m_setup;
};

std::optional<int> count(KerasConfig& config, const char* key)
{
    constexpr std::int64_t kMost = std::numeric_limits<int>::max();
    return config.has(key)
               ? std::optional<int>(static_cast<int>(config.integer(key, 0, -kMost, kMost)))
               : std::nullopt;
}

void read(LayerReading& reading)
{
    constexpr int kMostBits = 32;
    KerasConfig& config = reading.config;
    Setup s;
    s.activation = config.text("activation", "");
    s.totalBits = static_cast<int>(config.integer("total_bits", 0, 1, kMostBits));
    s.currentStep = count(config, "current_step");
    s.isSymmetric = config.boolean("symmetric", true);
    s.quantizationDelay = count(config, "quantization_delay").value_or(0);
    s.emaFreezeDelay = count(config, "ema_freeze_delay");
    s.emaDecay = config.real("ema_decay", s.emaDecay);
    s.isPerChannel = config.boolean("per_channel", false);
    s.roundsToPowerOfTwo = config.boolean("po2_rounding", false);
    s.negativeSlope = config.real("relu_neg_slope", 0.0F);
    if (config.has("relu_upper_bound")) {
        s.upperBound = config.real("relu_upper_bound", 0.0F);
    }
    if (s.activation != "quantized_bits" && s.activation != "quantized_relu") {
        config.refuse("activation",
                      "It must be quantized_bits or quantized_relu, without parameters.");
    } else if (s.mostIntegerBits() < 0 || s.totalBits < 1) {
        config.refuse("total_bits", "It must be the width of the quantizer.");
    } else if (auto made = quantizerOf(s, 0); !made) {
        reading.lacks(made.error().message);
    }
    reading.become<AdaptiveRule>(s);
}

} // namespace

LayerInfo adaptiveActivationLayer()
{
    return {"QAdaptiveActivation", "QAdaptiveActivation",
            "A quantizer whose integer bits follow the range of the values.", read};
}

} // namespace bitscape::graph
