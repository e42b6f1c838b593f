// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/tensor_analysis.h"

#include "core/graph/layers/layer_kernel.h"
#include "core/quant/quantizer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

namespace bitscape::app {

namespace {

constexpr std::size_t kBins = 96;
constexpr double kOctaves = 14.0; ///< shown of log2 |x|

std::array<double, 5> quantilesOf(std::vector<float>& values)
{
    std::array<double, 5> result{};
    if (values.empty()) {
        return result;
    }
    std::sort(values.begin(), values.end());
    constexpr std::array kShares{0.001, 0.25, 0.5, 0.75, 0.999};
    for (std::size_t i = 0; i < kShares.size(); ++i) {
        result[i] =
            values[static_cast<std::size_t>(kShares[i] * static_cast<double>(values.size() - 1))];
    }
    return result;
}

void fillMoments(TensorAnalysis& a, std::span<const float> x)
{
    double sum = 0.0;
    a.minimum = std::numeric_limits<double>::infinity();
    a.maximum = -a.minimum;
    for (const float v : x) {
        sum += v;
        a.minimum = std::min<double>(a.minimum, v);
        a.maximum = std::max<double>(a.maximum, v);
    }
    const auto n = static_cast<double>(x.size());
    a.mean = sum / n;
    double second = 0.0;
    double fourth = 0.0;
    std::vector<float> sizes;
    sizes.reserve(x.size());
    for (const float v : x) {
        const double d = v - a.mean;
        second += d * d;
        fourth += d * d * d * d;
        sizes.push_back(std::abs(v));
    }
    a.deviation = std::sqrt(second / n);
    a.kurtosis = second > 0.0 ? n * fourth / (second * second) : 0.0;
    std::vector<float> sorted(x.begin(), x.end());
    a.quantiles = quantilesOf(sorted);
    a.quantile999 = quantilesOf(sizes).back();
    std::erase(sizes, 0.0F);
    a.magnitudeQuantiles = quantilesOf(sizes);
}

/// Histogram of log2 |x|, in bins of an eighth.
void fillMagnitudes(TensorAnalysis& a, std::span<const float> x)
{
    constexpr double kBinsPerOctave = 8.0;
    const double largest = std::max(std::abs(a.minimum), std::abs(a.maximum));
    if (!(largest > 0.0)) {
        return;
    }
    Histogram& h = a.magnitudes;
    h.high = std::ceil(std::log2(largest) * kBinsPerOctave + 1.0) / kBinsPerOctave;
    h.low = h.high - kOctaves;
    h.counts.assign(static_cast<std::size_t>(kOctaves * kBinsPerOctave), 0.0);
    for (const float v : x) {
        const double at = v == 0.0F ? -1.0 : (std::log2(std::abs(v)) - h.low) * kBinsPerOctave;
        if (at >= 0.0) {
            h.counts[std::min(static_cast<std::size_t>(at), h.counts.size() - 1)] += 1.0;
        }
    }
}

void fillHistogram(TensorAnalysis& a, std::span<const float> x)
{
    Histogram& h = a.values;
    const double reach = std::max({std::abs(a.minimum), std::abs(a.maximum), 1e-12});
    h.low = a.minimum < 0.0 ? -reach : 0.0;
    h.high = reach;
    h.counts.assign(kBins, 0.0);
    const double perValue = static_cast<double>(kBins) / (h.high - h.low);
    for (const float v : x) {
        const auto bin = static_cast<std::size_t>(
            std::clamp((v - h.low) * perValue, 0.0, static_cast<double>(kBins) - 1.0));
        h.counts[bin] += 1.0;
    }
}

/// Flat index into a tensor that broadcasts against `shape` (axes kept, size 1 where reduced), for
/// every element in order.
class BroadcastIndex {
public:
    BroadcastIndex(const Shape& shape, const Shape& small)
    {
        if (small.rank() != shape.rank()) {
            return; // one for all
        }
        Index stride = 1;
        for (int axis = shape.rank() - 1; axis >= 0; --axis) {
            m_axes.push_back({shape[axis], small[axis] > 1 ? stride : 0});
            stride *= small[axis];
        }
    }
    [[nodiscard]] std::size_t of(std::size_t element) const
    {
        auto rest = static_cast<Index>(element);
        Index at = 0;
        for (const auto& [size, stride] : m_axes) {
            at += rest % size * stride;
            rest /= size;
        }
        return static_cast<std::size_t>(at);
    }

private:
    std::vector<std::pair<Index, Index>> m_axes; ///< size, stride; innermost first
};

void fillErrors(TensorAnalysis& a, std::span<const float> x, std::span<const float> y)
{
    double signal = 0.0;
    double noise = 0.0;
    std::map<float, double> levels;
    Index zeros = 0;
    bool countsLevels = true;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double error = static_cast<double>(x[i]) - static_cast<double>(y[i]);
        signal += static_cast<double>(x[i]) * static_cast<double>(x[i]);
        noise += error * error;
        a.largestError = std::max(a.largestError, std::abs(error));
        zeros += y[i] == 0.0F ? 1 : 0;
        if (countsLevels) {
            levels[y[i]] += 1.0;
            countsLevels = levels.size() <= TensorAnalysis::kMostLevels;
        }
    }
    const auto n = static_cast<double>(x.size());
    a.meanSquaredError = noise / n;
    a.sqnrDb =
        noise > 0.0 ? 10.0 * std::log10(signal / noise) : std::numeric_limits<double>::infinity();
    a.zeroShare = static_cast<double>(zeros) / n;
    if (countsLevels) {
        a.levels.assign(levels.begin(), levels.end());
        a.clipLow = a.levels.front().first;
        a.clipHigh = a.levels.back().first;
    }
}

double median(std::vector<double> values)
{
    if (values.empty()) {
        return 0.0;
    }
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

/// The outermost levels that were used with one scale, and their neighbors.
struct Ends {
    float low = std::numeric_limits<float>::infinity();
    float lowNext = std::numeric_limits<float>::infinity();
    float high = -std::numeric_limits<float>::infinity();
    float highNext = -std::numeric_limits<float>::infinity();

    void add(float level)
    {
        if (level < low) {
            lowNext = std::exchange(low, level);
        } else if (level > low) {
            lowNext = std::min(lowNext, level);
        }
        if (level > high) {
            highNext = std::exchange(high, level);
        } else if (level < high) {
            highNext = std::max(highNext, level);
        }
    }
    /// Whether x lies farther beyond the ends than rounding moves it: half a step, or where levels
    /// lie at different distances half of the outermost one.
    [[nodiscard]] bool isBeyond(float x, double step) const
    {
        // A little more than half, since x / step is rounded to float before.
        constexpr double kHalf = 0.5 * (1.0 + 1e-5);
        const double above = static_cast<double>(x) - static_cast<double>(high);
        const double below = static_cast<double>(low) - static_cast<double>(x);
        const double gapAbove = step > 0.0 ? step : static_cast<double>(high - highNext);
        const double gapBelow = step > 0.0 ? step : static_cast<double>(lowNext - low);
        return above > kHalf * gapAbove || below > kHalf * gapBelow;
    }
};

/// Steps, clipping and the entropy of the codes; where there are no codes, of the levels.
void fillCodes(TensorAnalysis& a, TensorView x, std::span<const float> y,
               const quant::Quantizer& quantizer)
{
    const quant::Fit fit = quantizer.fit(x, {});
    const auto scales = fit.scale.values();
    const auto steps = fit.step.values();
    a.channelScales.assign(scales.begin(), scales.end());
    a.step = median(std::vector<double>(steps.begin(), steps.end()));
    const BroadcastIndex channel(x.shape, fit.step.shape());
    const auto values = x.values();
    std::vector<Ends> ends(steps.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        ends[channel.of(i)].add(y[i]);
    }
    Index clipped = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::size_t scale = channel.of(i);
        clipped += ends[scale].isBeyond(values[i], static_cast<double>(steps[scale])) ? 1 : 0;
    }
    const auto n = static_cast<double>(values.size());
    a.clippedShare = static_cast<double>(clipped) / n;
    std::map<float, double> counts;
    if (auto codes = quantizer.codes(x, {})) {
        for (const float code : codes->values()) {
            counts[code] += 1.0;
        }
    } else {
        for (const auto& [level, count] : a.levels) {
            counts[static_cast<float>(level)] = count;
        }
    }
    a.usedLevels = static_cast<int>(counts.size());
    for (const auto& [code, count] : counts) {
        a.effectiveBits -= count / n * std::log2(count / n);
    }
}

} // namespace

TensorAnalysis analyzeWeight(const graph::Layer& layer, int weight, TensorView values,
                             const quant::Quantizer* quantizer)
{
    TensorAnalysis a;
    a.layer = layer.name;
    a.tensor = layer.weights[static_cast<std::size_t>(weight)].name;
    a.count = values.size();
    if (a.count == 0) {
        return a;
    }
    fillMoments(a, values.values());
    fillHistogram(a, values.values());
    fillMagnitudes(a, values.values());
    a.sqnrDb = std::numeric_limits<double>::infinity();
    a.clipLow = a.minimum;
    a.clipHigh = a.maximum;
    if (quantizer != nullptr && quantizer->accepts(values.shape)) {
        a.bits = quantizer->bits();
        Tensor quantized(values.shape);
        quantizer->apply(values, quantized.mutableView(), {});
        fillErrors(a, values.values(), quantized.values());
        fillCodes(a, values, quantized.values(), *quantizer);
    }
    return a;
}

quant::QuantizerPtr effectiveQuantizer(const graph::Configuration& configuration,
                                       const graph::Layer& layer, graph::Slot slot)
{
    const auto quantizers = configuration.layers.find(layer.name);
    return quantizers == configuration.layers.end()
               ? nullptr
               : graph::effectiveQuantizer(layer, quantizers->second, slot);
}

std::vector<TensorAnalysis> analyzeWeights(const project::Project& project,
                                           const std::string& layer)
{
    const graph::Graph& graph = project.graph();
    const graph::Configuration& configuration = project.currentConfiguration().configuration;
    const graph::WeightSet weights = project.currentWeights();
    std::vector<TensorAnalysis> analyses;
    const auto slots = graph.weightSlots();
    for (std::size_t i = 0; i < slots.size(); ++i) {
        const graph::Layer& owner = graph.layer(slots[i].layer);
        const graph::Slot* slot = graph::slotOfWeight(owner, slots[i].weight);
        if (slot == nullptr || !weights[i] || (!layer.empty() && owner.name != layer)) {
            continue;
        }
        const quant::QuantizerPtr quantizer = effectiveQuantizer(configuration, owner, *slot);
        analyses.push_back(
            analyzeWeight(owner, slots[i].weight, weights[i]->view(), quantizer.get()));
    }
    return analyses;
}

} // namespace bitscape::app
