// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/report_data.h"

#include "core/graph/execution.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace bitscape::project {

namespace {

using graph::Slot;

bool isKernel(Slot slot)
{
    return slot == Slot::Kernel || slot == Slot::Depthwise || slot == Slot::Pointwise;
}

void note(ReportData& data, const Error& error, const std::string& code)
{
    data.warnings.push_back({code, error.message, error.where});
}

/// Signal to quantization noise, clipping and code usage of `report.after`.
void measureLoss(WeightReport& report)
{
    const std::span<const float> before = report.before->values();
    const std::span<const float> after = report.after.values();
    double signal = 0;
    double noise = 0;
    std::int64_t lost = 0;
    std::set<float> levels;
    for (std::size_t i = 0; i < before.size(); ++i) {
        const double difference = static_cast<double>(after[i]) - before[i];
        signal += static_cast<double>(before[i]) * before[i];
        noise += difference * difference;
        lost += before[i] != 0 && after[i] == 0 ? 1 : 0;
        if (levels.size() < 65536) {
            levels.insert(after[i]);
        }
    }
    report.sqnrDb =
        noise > 0 ? 10.0 * std::log10(signal / noise) : std::numeric_limits<double>::infinity();
    report.levels = static_cast<int>(levels.size());
    if (before.empty()) {
        return;
    }
    const auto count = static_cast<double>(before.size());
    report.zeroShare = static_cast<double>(lost) / count;
    // Clipped: outside the outermost used level of its channel by more than half a step.
    const std::size_t channels = report.scales.size();
    std::int64_t clipped = 0;
    std::vector<float> low(std::max<std::size_t>(channels, 1), std::numeric_limits<float>::max());
    std::vector<float> high(low.size(), std::numeric_limits<float>::lowest());
    for (std::size_t i = 0; i < after.size(); ++i) {
        low[i % low.size()] = std::min(low[i % low.size()], after[i]);
        high[i % high.size()] = std::max(high[i % high.size()], after[i]);
    }
    for (std::size_t i = 0; i < before.size() && channels > 0; ++i) {
        const std::size_t channel = i % channels;
        const double half = report.scales[channel] / 2.0 * (1 + 1e-5);
        clipped += before[i] < low[channel] - half || before[i] > high[channel] + half ? 1 : 0;
    }
    report.clippedShare = static_cast<double>(clipped) / count;
}

WeightReport weightReport(const graph::Layer& layer, const graph::Weight& weight, TensorPtr value,
                          const quant::QuantizerPtr& chosen)
{
    WeightReport report;
    report.layer = layer.name;
    report.weight = weight.name;
    report.before = std::move(value);
    report.after = *report.before;
    if (!chosen || chosen->needsRange()) {
        report.sqnrDb = std::numeric_limits<double>::infinity();
        return report;
    }
    const quant::QuantizerPtr promoted = chosen->promotedForKernel();
    const quant::Quantizer& quantizer = promoted ? *promoted : *chosen;
    report.quantizer = chosen->toString();
    report.bits = chosen->bits();
    quantizer.apply(report.before->view(), report.after.mutableView(), {});
    const quant::Fit fit = quantizer.fit(report.before->view(), {});
    // A scale per channel runs along the last axis; other shapes are not drawn per channel.
    const Index count = fit.step.size();
    if (count == 1 || count == report.before->shape().channels()) {
        for (const float step : fit.step.values()) {
            report.scales.push_back(step);
        }
    }
    measureLoss(report);
    return report;
}

/// Weights as the configuration sees them: folded if it folds batch normalization.
graph::GraphPtr effectiveGraph(const Project& project, ReportData& data)
{
    auto graph = project.graph().withWeights(project.currentWeights());
    if (!graph) {
        note(data, graph.error(), "weights");
        return project.model->graph;
    }
    if (!project.currentConfiguration().configuration.foldBatchNorm) {
        return *graph;
    }
    auto folded = graph::foldBatchNorm(**graph);
    if (!folded) {
        note(data, folded.error(), "fold_batch_norm");
        return *graph;
    }
    return *folded;
}

void gatherWeights(const Project& project, ReportData& data)
{
    const graph::Configuration& configuration = project.currentConfiguration().configuration;
    const graph::GraphPtr graph = effectiveGraph(project, data);
    for (const graph::Layer& layer : graph->layers()) {
        for (std::size_t i = 0; i < layer.weights.size(); ++i) {
            const Slot* slot = graph::slotOfWeight(layer, static_cast<int>(i));
            if (slot == nullptr || !isKernel(*slot) || layer.weights[i].value->size() == 0) {
                continue;
            }
            data.weights.push_back(weightReport(layer, layer.weights[i], layer.weights[i].value,
                                                configuration.find(layer.name, *slot)));
        }
    }
}

void gatherLayers(const Project& project, ReportData& data)
{
    const graph::Configuration& configuration = project.currentConfiguration().configuration;
    for (const graph::Layer& layer : project.graph().layers()) {
        LayerReport& row = data.layers.emplace_back();
        row.layer = &layer;
        for (const Slot slot : graph::slotsOf(layer)) {
            const quant::QuantizerPtr quantizer = configuration.find(layer.name, slot);
            if (!quantizer) {
                continue;
            }
            if (isKernel(slot)) {
                row.weightQuantizer +=
                    (row.weightQuantizer.empty() ? "" : ", ") + quantizer->toString();
                row.weightBits = std::max(row.weightBits.value_or(0), quantizer->bits());
            } else if (slot == Slot::Bias) {
                row.biasQuantizer = quantizer->toString();
            } else if (slot == Slot::Activation) {
                row.outputQuantizer = quantizer->toString();
                row.outputBits = quantizer->bits();
            }
        }
        for (std::size_t i = 0; i < layer.weights.size(); ++i) {
            const Slot* slot = graph::slotOfWeight(layer, static_cast<int>(i));
            const quant::QuantizerPtr quantizer =
                slot != nullptr ? configuration.find(layer.name, *slot) : nullptr;
            row.packedBits += static_cast<double>(layer.weights[i].value->size()) *
                              (quantizer ? quantizer->bits() : 32);
        }
    }
}

void attachCosts(ReportData& data)
{
    for (LayerReport& row : data.layers) {
        if (data.hardware) {
            const auto index = static_cast<int>(&row - data.layers.data());
            for (const hw::LayerCost& cost : data.hardware->layers) {
                if (cost.index == index) {
                    row.rows.push_back(&cost);
                }
            }
        }
        if (data.energy) {
            for (const hw::LayerEnergy& energy : data.energy->layers) {
                if (energy.layer == row.layer->name) {
                    row.energyPicojoule = row.energyPicojoule.value_or(0) + energy.inputs +
                                          energy.outputs + energy.parameters + energy.operation;
                }
            }
        }
    }
}

/// The project as it would be with another current configuration: for its hash.
bool isStale(const Project& project, int index)
{
    Project other = project;
    other.current = index;
    return other.currentConfiguration().measured->forHash != stateHash(other);
}

void gatherReferences(const Project& project, ReportData& data)
{
    const search::CostFunction cost = costFunction(project.accelerator);
    const auto costOf = [&](const graph::Configuration& configuration) {
        auto found = cost(project.graph(), configuration);
        if (!found) {
            note(data, found.error(), "cost");
        }
        return found ? *found : search::Cost{};
    };
    data.floating.name = "float";
    data.floating.cost = costOf({});
    for (std::size_t i = 0; i < project.configurations.size(); ++i) {
        const NamedConfiguration& named = *project.configurations[i];
        ReferenceReport& row = data.configurations.emplace_back();
        row.name = named.configuration.name;
        row.measured = named.measured;
        row.isStale = named.measured && isStale(project, static_cast<int>(i));
        row.isCurrent = static_cast<int>(i) == project.current;
        row.cost = costOf(named.configuration);
        if (named.configuration.isFloat() && named.measured && !row.isStale) {
            data.floating.measured = named.measured;
        }
    }
}

void gatherTrials(const Project& project, ReportData& data)
{
    for (std::size_t s = 0; s < project.studies.size(); ++s) {
        for (const search::Trial& trial : project.studies[s]->trials) {
            const std::int64_t bits = hw::packedWeightBits(project.graph(), trial.configuration);
            data.trials.push_back({&trial, s, static_cast<double>(bits)});
        }
    }
}

template <class T>
std::optional<T> kept(ReportData& data, Result<T> result, const char* code)
{
    if (!result) {
        note(data, result.error(), code);
        return std::nullopt;
    }
    return std::move(*result);
}

} // namespace

ReportData gatherReport(const Project& project)
{
    ensure(!project.isEmpty(), "a report needs a model");
    ReportData data;
    data.project = &project;
    const graph::Configuration& configuration = project.currentConfiguration().configuration;
    const graph::Graph& graph = project.graph();
    data.hardware =
        kept(data, hw::hardwareCost(graph, configuration, project.accelerator), "hardware");
    if (data.hardware) {
        data.speedup =
            kept(data, hw::speedup(graph, *data.hardware, project.accelerator), "hardware");
        data.fixed16 = kept(
            data, hw::uniformCost(graph, 16, hw::fixedPrecision(project.accelerator)), "hardware");
        data.hints =
            kept(data, hw::nextCheaperModes(graph, configuration, project.accelerator), "hardware")
                .value_or(std::vector<hw::Hint>{});
    }
    data.energy = kept(data, hw::qtoolsEstimate(graph, configuration, {}), "qtools");
    gatherLayers(project, data);
    attachCosts(data);
    gatherReferences(project, data);
    gatherTrials(project, data);
    gatherWeights(project, data);
    if (data.energy) {
        data.warnings.insert(data.warnings.end(), data.energy->warnings.begin(),
                             data.energy->warnings.end());
    }
    if (data.hardware) {
        for (const hw::LayerCost& cost : data.hardware->layers) {
            data.warnings.insert(data.warnings.end(), cost.warnings.begin(), cost.warnings.end());
        }
    }
    return data;
}

} // namespace bitscape::project
