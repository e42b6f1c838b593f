// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/search/calibration.h"

#include "core/graph/execution.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>

namespace bitscape::search {

namespace {

constexpr Index kChunkValues = Index{1} << 23; // 32 MiB of activations at once
constexpr Index kMostSamples = 256;            // per chunk, so that a stop is answered soon

struct Summary {
    double minimum = 0, maximum = 0, sum = 0, squares = 0;
    std::int64_t zeros = 0;
    bool finite = true;
};

Summary summarize(std::span<const float> values)
{
    Summary out{.minimum = values.front(), .maximum = values.front()};
    for (const float value : values) {
        const double wide = value;
        out.minimum = std::min(out.minimum, wide);
        out.maximum = std::max(out.maximum, wide);
        out.sum += wide;
        out.squares += wide * wide;
        out.zeros += value == 0 ? 1 : 0;
        out.finite = out.finite && std::isfinite(value);
    }
    return out;
}

/// Smallest power of two above a magnitude.
double powerAbove(double magnitude)
{
    return std::exp2(std::floor(std::log2(magnitude)) + 1.0);
}

/// Twice the range: two neighbors become one, 0 stays the lower end of the middle bin.
void doubleRange(TensorStatistics& statistics)
{
    std::array<std::int64_t, TensorStatistics::kBins> wider{};
    for (std::size_t i = 0; i < wider.size(); ++i) {
        wider[i / 2 + wider.size() / 4] += statistics.histogram[i];
    }
    statistics.histogram = wider;
    statistics.range *= 2.0;
}

void fitRange(TensorStatistics& statistics, const Summary& summary)
{
    const double magnitude = std::max(-summary.minimum, summary.maximum);
    if (magnitude == 0) {
        return;
    }
    // So far there were only zeros, and they lie in the same bin for every range.
    if (statistics.zeros == statistics.count) {
        statistics.range = powerAbove(magnitude);
    }
    while (magnitude >= statistics.range) {
        doubleRange(statistics);
    }
}

/// Adds values in their order. False: there was one that is not finite.
bool accumulate(TensorStatistics& statistics, std::span<const float> values, Index samples)
{
    if (values.empty()) {
        return true;
    }
    const Summary summary = summarize(values);
    if (!summary.finite) {
        return false;
    }
    fitRange(statistics, summary);
    const bool first = statistics.count == 0;
    statistics.minimum = first ? summary.minimum : std::min(statistics.minimum, summary.minimum);
    statistics.maximum = first ? summary.maximum : std::max(statistics.maximum, summary.maximum);
    statistics.sum += summary.sum;
    statistics.sumOfSquares += summary.squares;
    statistics.zeros += summary.zeros;
    statistics.count += static_cast<std::int64_t>(values.size());
    statistics.samples += samples;
    const double perUnit = TensorStatistics::kBins / (2.0 * statistics.range);
    for (const float value : values) {
        const auto bin = static_cast<std::size_t>((value + statistics.range) * perUnit);
        ++statistics.histogram[std::min<std::size_t>(bin, TensorStatistics::kBins - 1)];
    }
    return true;
}

/// What one pass over a chunk gives for every layer, in layer order.
class LayerOutputs {
public:
    static Result<LayerOutputs> make(const graph::GraphPtr& graph, const graph::WeightSet& weights)
    {
        LayerOutputs made;
        graph::PlanOptions options;
        const auto outputs = graph->outputs();
        made.m_sources.resize(graph->layers().size());
        for (int index = 0; index < static_cast<int>(made.m_sources.size()); ++index) {
            const auto input = std::ranges::find(graph->inputs(), index);
            const auto output = std::ranges::find(outputs, index);
            Source& source = made.m_sources[static_cast<std::size_t>(index)];
            if (input != graph->inputs().end()) {
                source = {true, static_cast<std::size_t>(input - graph->inputs().begin())};
            } else if (output != outputs.end()) {
                source = {false, static_cast<std::size_t>(output - outputs.begin())};
            } else {
                source = {false, outputs.size() + options.taps.size()};
                options.taps.push_back(index);
            }
        }
        auto plan = graph::InferencePlan::make(graph, {}, weights, options);
        if (!plan) {
            return fail(std::move(plan).error());
        }
        made.m_plan = std::move(*plan);
        return made;
    }

    Result<void> run(const train::Samples& samples, Index first, Index count, Parallel& parallel,
                     const JobContext& job)
    {
        m_inputs.clear();
        for (const Tensor& input : samples.inputs) {
            m_inputs.push_back(input.view().rows(first, count));
        }
        auto results = m_plan->run(m_inputs, parallel, {job.stop, nullptr});
        if (!results) {
            return fail(std::move(results).error());
        }
        m_results = std::move(*results);
        return {};
    }

    [[nodiscard]] std::span<const float> values(std::size_t layer) const
    {
        const Source source = m_sources[layer];
        return source.isInput ? m_inputs[source.index].values() : m_results[source.index].values();
    }

private:
    struct Source {
        bool isInput = false;
        std::size_t index = 0;
    };
    std::vector<Source> m_sources;
    std::shared_ptr<const graph::InferencePlan> m_plan;
    std::vector<TensorView> m_inputs;
    std::vector<Tensor> m_results;
};

/// Depends on the network alone: the numbers must not depend on threads or batch sizes.
Index chunkSize(const graph::Graph& graph)
{
    Index perSample = 1;
    for (const graph::Layer& layer : graph.layers()) {
        perSample += layer.outputShape.elementCount();
    }
    return std::clamp<Index>(kChunkValues / perSample, 1, kMostSamples);
}

Result<void> addChunk(Calibration& calibration, const LayerOutputs& outputs, Index count,
                      Parallel& parallel)
{
    std::vector<char> finite(calibration.tensors.size(), 1);
    parallel.forEach(calibration.tensors.size(), [&](std::size_t layer, int /*worker*/) {
        finite[layer] =
            accumulate(calibration.tensors[layer], outputs.values(layer), count) ? 1 : 0;
    });
    const auto bad = std::ranges::find(finite, 0);
    if (bad != finite.end()) {
        const auto layer = static_cast<std::size_t>(bad - finite.begin());
        return fail(ErrorCode::InvalidArgument, "Its output holds values that are not finite.",
                    "layer " + calibration.tensors[layer].layer,
                    "Check the weights and the preparation of the data.");
    }
    calibration.samples += count;
    return {};
}

} // namespace

const TensorStatistics* Calibration::find(std::string_view layer) const
{
    const auto found = std::ranges::find(tensors, layer, &TensorStatistics::layer);
    return found == tensors.end() ? nullptr : &*found;
}

Result<Calibration> gather(graph::GraphPtr graph, const graph::WeightSet& weights,
                           const train::Samples& samples, Parallel& parallel, const JobContext& job)
{
    if (samples.count() == 0) {
        return fail(ErrorCode::ShapeMismatch, "The data are empty.");
    }
    auto outputs = LayerOutputs::make(graph, weights);
    if (!outputs) {
        return fail(std::move(outputs).error());
    }
    Calibration calibration;
    for (const graph::Layer& layer : graph->layers()) {
        calibration.tensors.emplace_back().layer = layer.name;
    }
    const Index chunk = chunkSize(*graph);
    job.begin(samples.count(), "images");
    for (Index first = 0; first < samples.count(); first += chunk) {
        const Index count = std::min(chunk, samples.count() - first);
        auto ok = job.proceed();
        if (ok) {
            ok = outputs->run(samples, first, count, parallel, job);
        }
        if (!ok && ok.error().code == ErrorCode::Canceled && calibration.samples > 0) {
            return calibration;
        }
        if (ok) {
            ok = addChunk(calibration, *outputs, count, parallel);
        }
        if (!ok) {
            return fail(std::move(ok).error());
        }
        job.add(count);
    }
    return calibration;
}

} // namespace bitscape::search
