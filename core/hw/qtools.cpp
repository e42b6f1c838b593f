// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/hw/qtools.h"

#include "core/base/text.h"
#include "core/graph/execution.h"
#include "core/hw/accelerator.h"
#include "core/hw/qtools_energy.h"
#include "core/hw/qtools_map.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cmath>

namespace bitscape::hw {

namespace {

using graph::Configuration;
using graph::Graph;

constexpr std::array<std::string_view, 3> kMemories{"dram", "sram", "fixed"};

Result<void> requireMemory(const std::string& value, const char* option)
{
    if (std::ranges::find(kMemories, value) != kMemories.end()) {
        return {};
    }
    const std::string near = nearest(value, kMemories);
    return fail(ErrorCode::InvalidArgument,
                "There is no memory \"" + value + "\"; known: dram, sram, fixed.", option,
                near.empty() ? "" : "Did you mean \"" + near + "\"?");
}

/// What a network and its configuration look like to QTools.
struct Subject {
    graph::GraphPtr folded; ///< keeps a folded graph alive
    const Graph* graph = nullptr;
};

Result<Subject> subjectOf(const Graph& graph, const Configuration& configuration)
{
    if (auto ok = requireSupported(graph); !ok) {
        return fail(std::move(ok).error());
    }
    for (const graph::Layer& layer : graph.layers()) {
        if (layer.outputShape.rank() == 0) {
            return fail(ErrorCode::InvalidArgument, "The size of the layer is left open.",
                        "layer " + layer.name,
                        "Estimates need a network whose input size is fixed.");
        }
    }
    Subject subject{.graph = &graph};
    if (configuration.foldBatchNorm) {
        auto folded = graph::foldBatchNorm(graph);
        if (!folded) {
            return fail(std::move(folded).error());
        }
        subject.folded = std::move(*folded);
        subject.graph = subject.folded.get();
    }
    return subject;
}

struct Priced {
    qtools::Map map;
    std::vector<LayerEnergy> layers;
    double total = 0;
};

Result<Priced> priced(const Graph& graph, const Configuration& configuration,
                      const QToolsOptions& options)
{
    if (auto ok = options.validate(); !ok) {
        return fail(std::move(ok).error());
    }
    auto map = qtools::makeMap(graph, configuration, options);
    if (!map) {
        return fail(std::move(map).error());
    }
    const auto units = qtools::findProcess(options.process, map->warnings);
    if (!units) {
        return fail(units.error());
    }
    Priced result{.map = std::move(*map)};
    result.layers = qtools::layerEnergies(result.map, *units, options);
    for (const LayerEnergy& layer : result.layers) {
        result.total += layer.counted;
    }
    result.total = std::trunc(result.total); // as QTools reports its sums
    return result;
}

/// Products that one output of the layer sums.
double productsPerOutput(const graph::Layer& layer)
{
    const std::int64_t outputs = layer.outputShape.elementCount();
    return outputs > 0 ? static_cast<double>(layer.macs) / static_cast<double>(outputs) : 0.0;
}

} // namespace

Result<void> QToolsOptions::validate() const
{
    if (auto ok = requireMemory(weightsOn, "--weights-on"); !ok) {
        return ok;
    }
    if (auto ok = requireMemory(activationsOn, "--activations-on"); !ok) {
        return ok;
    }
    if (!(minimumSramBits >= 0) || !std::isfinite(minimumSramBits)) {
        return fail(ErrorCode::InvalidArgument,
                    "The least size of an SRAM is a number of bits ≥ 0.", "--min-sram-bits");
    }
    return {};
}

Result<EnergyEstimate> qtoolsEstimate(const Graph& graph, const Configuration& configuration,
                                      const QToolsOptions& options)
{
    const auto subject = subjectOf(graph, configuration);
    if (!subject) {
        return fail(subject.error());
    }
    auto result = priced(*subject->graph, configuration, options);
    if (!result) {
        return fail(std::move(result).error());
    }
    EnergyEstimate estimate;
    estimate.layers = std::move(result->layers);
    estimate.totalPicojoule = result->total;
    estimate.warnings = std::move(result->map.warnings);
    estimate.weightBits = packedWeightBits(*subject->graph, configuration);
    const std::vector<LayerBits> bits = layerBits(*subject->graph, configuration);
    for (std::size_t i = 0; i < bits.size(); ++i) {
        const graph::Layer& layer = subject->graph->layer(static_cast<int>(i));
        estimate.activationBits += layer.outputShape.elementCount() * bits[i].output;
        if (layer.macs > 0) {
            const auto macs = static_cast<double>(layer.macs);
            const double weights = bits[i].weights;
            const double inputs = bits[i].input;
            estimate.ebops += macs * weights * inputs;
            estimate.bops +=
                macs * (weights * inputs + weights + inputs + std::log2(productsPerOutput(layer)));
        }
    }
    return estimate;
}

Result<std::string> qtoolsMap(const Graph& graph, const Configuration& configuration,
                              const QToolsOptions& options)
{
    const auto subject = subjectOf(graph, configuration);
    if (!subject) {
        return fail(subject.error());
    }
    if (auto ok = options.validate(); !ok) {
        return fail(std::move(ok).error());
    }
    const auto map = qtools::makeMap(*subject->graph, configuration, options);
    if (!map) {
        return fail(map.error());
    }
    return qtools::toJson(*map).dump(4);
}

Result<double> energySize(const Graph& graph, const Configuration& configuration,
                          const search::EnergyRequest& request)
{
    const auto subject = subjectOf(graph, configuration);
    if (!subject) {
        return fail(subject.error());
    }
    const QToolsOptions options{.process = request.process,
                                .weightsOn = request.parametersOn,
                                .activationsOn = request.activationsOn,
                                .minimumSramBits = request.minimumSramBits,
                                .readWriteIo = request.readWriteIo,
                                .sourceQuantizers = request.sourceQuantizers,
                                .kerasQuantizer = request.kerasQuantizer,
                                .accumulator = request.accumulator,
                                .forReference = request.forReference,
                                .inference = request.inference};
    const auto result = priced(*subject->graph, configuration, options);
    if (!result) {
        return fail(result.error());
    }
    return result->total;
}

} // namespace bitscape::hw
