// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/execution.h"
#include "core/search/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>

namespace bitscape::search {

namespace {

using graph::Slot;

constexpr int kFewestBits = 2;
constexpr int kMostBits = 16;
constexpr int kSymmetricBits = 8;

struct Range {
    double low = 0, high = 0;
};

/// Places of the binary point: the least integer i with magnitude ≤ top·2^i.
int leastPower(double magnitude, double top)
{
    return magnitude > 0 ? static_cast<int>(std::ceil(std::log2(magnitude / top))) : 0;
}

Result<quant::QuantizerPtr> affineFor(int bits, bool symmetric, bool perChannel)
{
    return quant::makeQuantizer("affine", {{"bits", std::int64_t{bits}},
                                           {"symmetric", symmetric},
                                           {"narrow", symmetric},
                                           {"per_channel", perChannel}});
}

/// A fixed-point quantizer of QKeras whose step is the least power of two that clips nothing.
Result<quant::QuantizerPtr> fixedPointFor(int bits, const Range& range)
{
    if (range.low >= 0) {
        const int step = leastPower(range.high, std::exp2(bits) - 1);
        return quant::makeQuantizer("quantized_relu", {{"bits", std::int64_t{bits}},
                                                       {"integer", std::int64_t{step + bits}}});
    }
    const double magnitude = std::max(-range.low, range.high);
    const int step = leastPower(magnitude, std::exp2(bits - 1) - 1);
    return quant::makeQuantizer("quantized_bits", {{"bits", std::int64_t{bits}},
                                                   {"integer", std::int64_t{step + bits - 1}},
                                                   {"symmetric", std::int64_t{1}},
                                                   {"alpha", 1.0}});
}

/// A row of the schemes: quantizers for weights and for activations.
struct SchemeRow {
    Scheme scheme;
    Result<quant::QuantizerPtr> (*weight)(int bits, bool perChannel, const Range& range);
    Result<quant::QuantizerPtr> (*activation)(int bits, const Range& range);
};

Result<quant::QuantizerPtr> ranged(Result<quant::QuantizerPtr> quantizer, const Range& range)
{
    if (!quantizer) {
        return quantizer;
    }
    quant::QuantizerPtr fixed =
        (*quantizer)->withRange(std::min(range.low, 0.0), std::max(range.high, 0.0));
    ensure(fixed != nullptr, "minMax: the affine quantizer takes no range");
    return fixed;
}

const SchemeRow& rowOf(Scheme scheme)
{
    static const SchemeRow table[] = {
        {Scheme::Affine,
         [](int bits, bool perChannel, const Range&) {
             // The runtimes' kernels of 8 bits want weights around 0, and lose next to nothing.
             return affineFor(bits, bits >= kSymmetricBits, perChannel);
         },
         [](int bits, const Range& range) { return ranged(affineFor(bits, false, false), range); }},
        {Scheme::Symmetric,
         [](int bits, bool perChannel, const Range&) { return affineFor(bits, true, perChannel); },
         [](int bits, const Range& range) { return ranged(affineFor(bits, true, false), range); }},
        {Scheme::PowerOfTwo,
         [](int bits, bool perChannel, const Range& range) {
             if (!perChannel) {
                 // Kernels are signed even where no weight happens to be negative.
                 return fixedPointFor(bits, {std::min(range.low, -range.high), range.high});
             }
             return quant::makeQuantizer("quantized_bits", {{"bits", std::int64_t{bits}},
                                                            {"integer", std::int64_t{0}},
                                                            {"symmetric", std::int64_t{1}},
                                                            {"alpha", std::string("auto_po2")}});
         },
         &fixedPointFor},
    };
    const auto* found = std::ranges::find(table, scheme, &SchemeRow::scheme);
    ensure(found != std::end(table), "minMax: a scheme without a row");
    return *found;
}

std::vector<double> asDoubles(const Tensor& tensor)
{
    return {tensor.values().begin(), tensor.values().end()};
}

double sqnr(double signal, double noise)
{
    return noise > 0 ? 10.0 * std::log10(signal / noise) : std::numeric_limits<double>::infinity();
}

Range rangeOf(const Tensor& tensor)
{
    if (tensor.size() == 0) {
        return {};
    }
    const auto [low, high] = std::ranges::minmax(tensor.values());
    return {low, high};
}

TensorRange describeWeight(const std::string& layer, Slot slot, const Tensor& weight,
                           const quant::Quantizer& quantizer)
{
    const Range range = rangeOf(weight);
    TensorRange row{.layer = layer,
                    .tensor =
                        std::string(graph::name(slot)) + (slot == Slot::Kernel ? "" : "_kernel"),
                    .minimum = range.low,
                    .maximum = range.high,
                    .bits = quantizer.bits()};
    const quant::Fit fit = quantizer.fit(weight.view(), {});
    row.scale = asDoubles(fit.step);
    row.zeroPoint = asDoubles(fit.zeroPoint);
    Tensor quantized(weight.shape());
    quantizer.apply(weight.view(), quantized.mutableView(), {});
    double signal = 0;
    double noise = 0;
    for (Index i = 0; i < weight.size(); ++i) {
        const double value = weight.data()[i];
        const double difference = value - static_cast<double>(quantized.data()[i]);
        signal += value * value;
        noise += difference * difference;
    }
    row.sqnrDb = sqnr(signal, noise);
    return row;
}

/// Noise of a quantizer on values spread evenly inside every bin of the histogram.
double histogramNoise(const TensorStatistics& statistics, const quant::Quantizer& quantizer)
{
    constexpr Index kPoints = 8; // per bin
    const double width = 2.0 * statistics.range / TensorStatistics::kBins;
    Tensor points(Shape{TensorStatistics::kBins * kPoints});
    for (Index i = 0; i < points.size(); ++i) {
        const double place = (static_cast<double>(i) + 0.5) / kPoints;
        points.data()[i] = static_cast<float>(
            std::clamp(-statistics.range + place * width, statistics.minimum, statistics.maximum));
    }
    Tensor quantized(points.shape());
    quantizer.apply(points.view(), quantized.mutableView(), {});
    double noise = 0;
    for (Index i = 0; i < points.size(); ++i) {
        const Index bin = i / kPoints;
        std::int64_t count = statistics.histogram[static_cast<std::size_t>(bin)];
        if (bin == TensorStatistics::kBins / 2) {
            count -= statistics.zeros; // exact under every grid here
        }
        const double difference =
            static_cast<double>(points.data()[i]) - static_cast<double>(quantized.data()[i]);
        noise += static_cast<double>(count) / kPoints * difference * difference;
    }
    return noise;
}

/// Share of the values outside a range, from the histogram's bins.
double shareOutside(const TensorStatistics& statistics, const Range& range)
{
    const double width = 2.0 * statistics.range / TensorStatistics::kBins;
    std::int64_t outside = 0;
    for (std::size_t i = 0; i < statistics.histogram.size(); ++i) {
        const double low = -statistics.range + static_cast<double>(i) * width;
        const bool below = low + width <= range.low;
        const bool above = low >= range.high && low > 0;
        outside += below || above ? statistics.histogram[i] : 0;
    }
    const bool holdsAll = statistics.minimum >= range.low && statistics.maximum <= range.high;
    return holdsAll || statistics.count == 0
               ? 0.0
               : static_cast<double>(outside) / static_cast<double>(statistics.count);
}

TensorRange describeActivation(const std::string& layer, const TensorStatistics& statistics,
                               const Range& range, const quant::Quantizer& quantizer)
{
    TensorRange row{.layer = layer,
                    .tensor = std::string(graph::name(Slot::Activation)),
                    .minimum = range.low,
                    .maximum = range.high,
                    .bits = quantizer.bits()};
    const Tensor probe(Shape{1});
    const quant::Fit fit = quantizer.fit(probe.view(), {});
    row.scale = asDoubles(fit.step);
    row.zeroPoint = asDoubles(fit.zeroPoint);
    row.clippedFraction = shareOutside(statistics, range);
    row.sqnrDb = sqnr(statistics.sumOfSquares, histogramNoise(statistics, quantizer));
    return row;
}

const graph::Function* functionOf(const graph::Layer& layer)
{
    return std::visit(
        [](const auto& op) -> const graph::Function* {
            if constexpr (requires { op.function; }) {
                return &op.function;
            } else {
                return nullptr;
            }
        },
        layer.op);
}

/// Whether a quantizer with the range of the outputs can stand for the function: nothing, or
/// clipping that the range repeats.
bool isRangeAlone(const graph::Layer& layer)
{
    const graph::Function* function = functionOf(layer);
    return function != nullptr &&
           (function->isLinear() || (function->kind == graph::FunctionKind::Relu &&
                                     function->negativeSlope == 0 && function->threshold == 0));
}

/// Whether the values only pass on to a normalization or a function that is quantized itself.
bool isPassedOn(const graph::Graph& graph, int index)
{
    const std::vector<int> readers = graph.consumers(index);
    return !readers.empty() && std::ranges::all_of(readers, [&](int reader) {
        const graph::Layer& layer = graph.layer(reader);
        const bool isNorm = std::holds_alternative<graph::BatchNormOp>(layer.op);
        const bool isFunction = std::holds_alternative<graph::ActivationOp>(layer.op);
        return isNorm || (isFunction && isRangeAlone(layer));
    });
}

/// Layers whose output repeats values of another one.
bool movesOnly(const graph::Layer& layer)
{
    return std::holds_alternative<graph::FlattenOp>(layer.op) ||
           std::holds_alternative<graph::ReshapeOp>(layer.op) ||
           std::holds_alternative<graph::DropoutOp>(layer.op) ||
           std::holds_alternative<graph::ZeroPaddingOp>(layer.op);
}

class MinMax {
public:
    MinMax(const graph::Graph& original, graph::GraphPtr graph, const Calibration& calibration,
           const CalibrateOptions& options)
        : m_original(original), m_graph(std::move(graph)), m_calibration(calibration),
          m_options(options), m_scheme(rowOf(options.scheme))
    {
        m_result.configuration.name = "calibrated";
        m_result.configuration.foldBatchNorm = options.foldBatchNorm;
    }

    Result<CalibrationResult> run()
    {
        for (int index = 0; index < static_cast<int>(m_graph->layers().size()); ++index) {
            if (auto ok = addWeights(m_graph->layer(index)); !ok) {
                return fail(std::move(ok).error());
            }
            if (auto ok = addActivation(index); !ok) {
                return fail(std::move(ok).error());
            }
        }
        return std::move(m_result);
    }

private:
    /// Kernels only: biases are added in the accumulator, at its width.
    Result<void> addWeights(const graph::Layer& layer)
    {
        for (int i = 0; i < static_cast<int>(layer.weights.size()); ++i) {
            const Slot* slot = graph::slotOfWeight(layer, i);
            if (slot == nullptr ||
                (*slot != Slot::Kernel && *slot != Slot::Depthwise && *slot != Slot::Pointwise)) {
                continue;
            }
            const Tensor& weight = *layer.weights[static_cast<std::size_t>(i)].value;
            auto quantizer =
                m_scheme.weight(m_options.weightBits, m_options.perChannel, rangeOf(weight));
            if (!quantizer) {
                return fail(std::move(quantizer).error().in("layer " + layer.name));
            }
            m_result.tensors.push_back(describeWeight(layer.name, *slot, weight, **quantizer));
            m_result.configuration.set(layer.name, *slot, std::move(*quantizer));
        }
        return {};
    }

    /// The normalization that was folded into a layer; null if none was.
    [[nodiscard]] const graph::Layer* foldedNorm(const graph::Layer& layer) const
    {
        const int index = m_original.find(layer.name);
        for (const int reader : index < 0 ? std::vector<int>{} : m_original.consumers(index)) {
            const graph::Layer& next = m_original.layer(reader);
            if (std::holds_alternative<graph::BatchNormOp>(next.op) &&
                m_graph->find(next.name) < 0) {
                return &next;
            }
        }
        return nullptr;
    }

    Result<void> addActivation(int index)
    {
        const graph::Layer& layer = m_graph->layer(index);
        if (movesOnly(layer)) {
            return {};
        }
        const graph::Layer* norm = foldedNorm(layer);
        const TensorStatistics* statistics =
            m_calibration.find(norm == nullptr ? layer.name : norm->name);
        if (statistics == nullptr || statistics->count == 0) {
            return fail(ErrorCode::InvalidArgument, "There are no statistics of its output.",
                        "layer " + layer.name, "Gather statistics of this network first.");
        }
        const Range range{statistics->minimum, statistics->maximum};
        auto quantizer = m_scheme.activation(m_options.activationBits, range);
        if (!quantizer) {
            return fail(std::move(quantizer).error().in("layer " + layer.name));
        }
        m_result.tensors.push_back(describeActivation(layer.name, *statistics, range, **quantizer));
        if (norm == nullptr) { // a layer whose output is quantized would not be folded
            place(index, std::move(*quantizer));
        }
        return {};
    }

    void place(int index, quant::QuantizerPtr quantizer)
    {
        const graph::Layer& layer = m_graph->layer(index);
        const bool isInput = std::holds_alternative<graph::InputOp>(layer.op);
        if (isInput && m_graph->inputs().size() == 1) {
            m_result.configuration.input = std::move(quantizer);
            return;
        }
        const std::vector<Slot> slots = graph::slotsOf(layer);
        const bool hasSlot = std::ranges::find(slots, Slot::Activation) != slots.end();
        if (hasSlot && isRangeAlone(layer) && !isPassedOn(*m_graph, index)) {
            m_result.configuration.set(layer.name, Slot::Activation, std::move(quantizer));
        }
    }

    const graph::Graph& m_original;
    graph::GraphPtr m_graph; ///< as it is quantized: folded or not
    const Calibration& m_calibration;
    const CalibrateOptions& m_options;
    const SchemeRow& m_scheme;
    CalibrationResult m_result;
};

} // namespace

Result<void> CalibrateOptions::validate() const
{
    const struct {
        const char* where;
        int bits;
    } rows[] = {{"--weight-bits", weightBits}, {"--activation-bits", activationBits}};
    for (const auto& row : rows) {
        if (row.bits < kFewestBits || row.bits > kMostBits) {
            return fail(
                ErrorCode::InvalidArgument,
                fmt::format("{} bits are not between {} and {}.", row.bits, kFewestBits, kMostBits),
                row.where);
        }
    }
    return {};
}

Result<CalibrationResult> minMax(const graph::Graph& graph, const graph::WeightSet& weights,
                                 const Calibration& calibration, const CalibrateOptions& options)
{
    if (auto ok = options.validate(); !ok) {
        return fail(std::move(ok).error());
    }
    auto used = graph.withWeights(weights);
    if (used && options.foldBatchNorm) {
        used = graph::foldBatchNorm(**used);
    }
    if (!used) {
        return fail(std::move(used).error());
    }
    return MinMax(graph, std::move(*used), calibration, options).run();
}

} // namespace bitscape::search
