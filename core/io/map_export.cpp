// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/map_export.h"

#include "core/base/json_text.h"
#include "core/base/yaml_text.h"
#include "core/graph/activation.h"
#include "core/io/run_network.h"
#include "core/quant/grid_facts.h"
#include "core/quant/word_forms.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace bitscape::io {

namespace {

using graph::Slot;

std::string placeOf(const RunNetwork& run, const RunWeight& weight)
{
    return run.layerOf(weight).name + "/" + run.nameOf(weight);
}

/// Quantizers that sit on no weight and no output have no place in these formats.
void noteInnerQuantizers(const RunNetwork& run, ImportNotes& notes)
{
    for (const graph::Layer& layer : run.graph->layers()) {
        const auto quantizers = run.configuration.layers.find(layer.name);
        if (quantizers == run.configuration.layers.end()) {
            continue;
        }
        for (const auto& [slot, quantizer] : quantizers->second) {
            const bool isOnWeight =
                std::ranges::any_of(run.weights, [&, slot = slot](const RunWeight& weight) {
                    return &run.layerOf(weight) == &layer && weight.slot != nullptr &&
                           *weight.slot == slot;
                });
            if (!isOnWeight && slot != Slot::Activation) {
                notes.push_back({ImportKind::Missing,
                                 layer.name + "/" + std::string(graph::name(slot)),
                                 "There is no place for " + quantizer->toString() + "."});
            }
        }
    }
}

quant::QuantizerPtr outputQuantizer(const RunNetwork& run, const graph::Layer& layer)
{
    if (std::holds_alternative<graph::InputOp>(layer.op) && run.configuration.input) {
        return run.configuration.input;
    }
    return run.configuration.find(layer.name, Slot::Activation);
}

// ---- hls4ml

/// log2 of a power of two.
std::optional<int> wholeExponent(double value)
{
    int exponent = 0;
    return std::frexp(value, &exponent) == 0.5 ? std::optional(exponent - 1) : std::nullopt;
}

/// The type of all codes of a grid whose steps are powers of two: wide enough for the largest step
/// at the precision of the smallest.
std::optional<std::string> fixedType(const UniformGrid& grid)
{
    constexpr int kWidest = 64;
    const auto [least, most] = std::ranges::minmax_element(grid.steps);
    const bool isShifted =
        std::ranges::any_of(grid.zeroPoints, [](float point) { return point != 0.0F; });
    const auto fraction = wholeExponent(static_cast<double>(*least));
    if (!fraction || isShifted || !std::ranges::all_of(grid.steps, [](float step) {
            return wholeExponent(static_cast<double>(step)).has_value();
        })) {
        return std::nullopt;
    }
    const double highest = std::max(grid.high + 1, -grid.low) * static_cast<double>(*most);
    const int magnitude = static_cast<int>(std::ceil(std::log2(highest))); // integer bits
    const int width = magnitude - *fraction + (grid.isSigned ? 1 : 0);
    if (width > kWidest) {
        return std::nullopt;
    }
    return fmt::format("{}<{},{}", grid.isSigned ? "ap_fixed" : "ap_ufixed", width,
                       magnitude + (grid.isSigned ? 1 : 0));
}

/// Rounds and saturates, as the quantizers of QKeras do; hls4ml's own default does neither.
constexpr const char* kRoundSaturate = ",AP_RND_CONV,AP_SAT>";

class Hls4mlWriter {
public:
    explicit Hls4mlWriter(const RunNetwork& run) : m_run(run) {}

    [[nodiscard]] ExportContent write()
    {
        for (int i = 0; i < static_cast<int>(m_run.graph->layers().size()); ++i) {
            addLayer(i);
        }
        const Json document{{"OutputDir", "hls4ml_project"},
                            {"ProjectName", "network"},
                            {"Backend", "Vivado"},
                            {"Part", "xcvu13p-flga2577-2-e"},
                            {"ClockPeriod", 5},
                            {"IOType", "io_parallel"},
                            {"HLSConfig",
                             {{"Model",
                               {{"Precision", {{"default", kDefaultType}}},
                                {"ReuseFactor", 1},
                                {"Strategy", "Latency"}}},
                              {"LayerName", std::move(m_layers)}}}};
        ExportContent content = singleFile(toYaml(document));
        content.notes = std::move(m_notes);
        noteInnerQuantizers(m_run, content.notes);
        return content;
    }

private:
    static constexpr const char* kDefaultType = "ap_fixed<16,6>";

    void addLayer(int index)
    {
        const graph::Layer& layer = m_run.graph->layer(index);
        Json precision = Json::object();
        for (const RunWeight& weight : m_run.weights) {
            if (weight.layer == index && weight.quantizer) {
                precision[keyOf(weight)] = weightType(weight);
            }
        }
        const quant::QuantizerPtr output = outputQuantizer(m_run, layer);
        const std::string result = output ? outputType(layer, *output) : "auto";
        // A function inside a layer becomes a layer of its own there.
        const bool isSplit = !precision.empty() && output != nullptr;
        precision["result"] = isSplit ? "auto" : result;
        add(layer.name, std::move(precision));
        if (isSplit) {
            add(layer.name + "_" + functionName(layer, *output), {{"result", result}});
        }
    }

    void add(const std::string& name, Json precision)
    {
        m_layers[name] = {
            {"Precision", std::move(precision)}, {"ReuseFactor", 1}, {"Trace", false}};
    }

    [[nodiscard]] std::string keyOf(const RunWeight& weight) const
    {
        const std::string& name = m_run.nameOf(weight);
        const bool isKernel = name == "kernel" || name == "depthwise_kernel";
        return isKernel ? "weight" : name == "pointwise_kernel" ? "pointwise" : name;
    }

    /// hls4ml takes a quantizer inside a layer for its function.
    static std::string functionName(const graph::Layer& layer, const quant::Quantizer& quantizer)
    {
        const bool isRelu = graph::functionOf(layer.op).kind == graph::FunctionKind::Relu;
        return isRelu ? "relu" : quantizer.info().name;
    }

    std::string weightType(const RunWeight& weight)
    {
        const auto grid = uniformGrid(*weight.quantizer, weight.value->view());
        if (const auto type = grid ? fixedType(*grid) : std::nullopt) {
            return *type + ">";
        }
        return unknown(placeOf(m_run, weight), *weight.quantizer);
    }
    std::string outputType(const graph::Layer& layer, const quant::Quantizer& quantizer)
    {
        const auto grid = uniformGrid(quantizer);
        if (const auto type = grid ? fixedType(*grid) : std::nullopt) {
            return *type + kRoundSaturate;
        }
        return unknown(layer.name + "/activation", quantizer);
    }
    std::string unknown(std::string subject, const quant::Quantizer& quantizer)
    {
        m_notes.push_back({ImportKind::Missing, std::move(subject),
                           quantizer.toString() +
                               " has levels of no fixed-point type; hls4ml is to choose one."});
        return "auto";
    }

    const RunNetwork& m_run;
    Json m_layers = Json::object();
    ImportNotes m_notes;
};

// ---- AIMET

/// One encoding: value = (code + offset) · scale, code = 0 … 2^bitwidth − 1.
Json encodingOf(const UniformGrid& grid, std::size_t channel, int bits)
{
    const double scale = static_cast<double>(grid.steps[channel]);
    const double offset = grid.low - static_cast<double>(grid.zeroPoints[channel]);
    const bool isSymmetric = grid.isSigned && grid.zeroPoints[channel] == 0.0F;
    return {{"bitwidth", bits},
            {"dtype", "int"},
            {"is_symmetric", isSymmetric ? "True" : "False"},
            {"max", (offset + grid.high - grid.low) * scale},
            {"min", offset * scale},
            {"offset", static_cast<std::int64_t>(offset)},
            {"scale", scale}};
}

Json encodingsOf(const UniformGrid& grid, int bits)
{
    Json list = Json::array();
    for (std::size_t i = 0; i < grid.steps.size(); ++i) {
        list.push_back(encodingOf(grid, i, bits));
    }
    return list;
}

/// Fewer levels than the width has cannot be more than its codes.
bool fitsWidth(const UniformGrid& grid, int bits)
{
    return bits >= 2 && grid.high - grid.low < std::ldexp(1.0, bits);
}

std::string aimetName(const RunNetwork& run, const RunWeight& weight)
{
    const std::string& name = run.nameOf(weight);
    const bool isKernel = name == "kernel" || name == "depthwise_kernel";
    return run.layerOf(weight).name + "." + (isKernel ? "weight" : name);
}

void noteUneven(std::string subject, const quant::Quantizer& quantizer, ImportNotes& notes)
{
    notes.push_back({ImportKind::Missing, std::move(subject),
                     "AIMET has no encoding for " + quantizer.toString() + "."});
}

/// Codes of a step per index along one axis alone can be said as a list.
bool isPerChannel(const UniformGrid& grid)
{
    const auto wide =
        std::ranges::count_if(grid.shape.sizes(), [](Index size) { return size > 1; });
    return wide <= 1;
}

// ---- TensorQuant

/// The quantizer in TensorQuant's words: width and fraction bits of the nearest number.
std::optional<std::string> tensorQuantWord(const quant::Quantizer& quantizer,
                                           const std::optional<UniformGrid>& grid)
{
    const std::string own = quantizer.toString();
    if (quant::isWordForm(own)) {
        return own;
    }
    if (!grid || grid->steps.size() > 1 || grid->zeroPoints.front() != 0.0F) {
        return std::nullopt;
    }
    const auto exponent = wholeExponent(static_cast<double>(grid->steps.front()));
    if (!exponent) {
        return std::nullopt;
    }
    const int width = quantizer.bits() + (grid->isSigned ? 0 : 1); // its numbers have a sign
    return fmt::format("nearest,{},{}", width, -*exponent);
}

/// Quantizers by layer; a name that holds another comes first, as the first part found counts.
Json sortedByName(std::vector<std::pair<std::string, std::string>> words)
{
    std::ranges::stable_sort(
        words, [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
    Json out = Json::object();
    for (auto& [name, word] : words) {
        out[name] = std::move(word);
    }
    return out;
}

/// TensorQuant quantizes these, kernel and bias alike.
bool isHooked(const graph::Layer& layer)
{
    const auto* conv = std::get_if<graph::ConvOp>(&layer.op);
    const auto* pool = std::get_if<graph::PoolOp>(&layer.op);
    return conv != nullptr || std::holds_alternative<graph::DenseOp>(layer.op) ||
           (pool != nullptr && pool->kind == graph::PoolKind::Max);
}

class TensorQuantWriter {
public:
    explicit TensorQuantWriter(const RunNetwork& run) : m_run(run) {}

    [[nodiscard]] ExportContent write()
    {
        for (const RunWeight& weight : m_run.weights) {
            if (weight.quantizer) {
                addWeight(weight);
            }
        }
        for (const graph::Layer& layer : m_run.graph->layers()) {
            if (const auto output = outputQuantizer(m_run, layer)) {
                addOutput(layer, *output);
            }
        }
        const Json document{{"tensorquant",
                             {{"activations", sortedByName(std::move(m_activations))},
                              {"weights", sortedByName(std::move(m_weights))}}}};
        ExportContent content = singleFile(document.dump(2) + "\n");
        content.notes = std::move(m_notes);
        noteInnerQuantizers(m_run, content.notes);
        return content;
    }

private:
    void missing(std::string subject, std::string text)
    {
        m_notes.push_back({ImportKind::Missing, std::move(subject), std::move(text)});
    }

    void addWeight(const RunWeight& weight)
    {
        const graph::Layer& layer = m_run.layerOf(weight);
        const std::string place = placeOf(m_run, weight);
        if (!isHooked(layer)) {
            missing(place, "TensorQuant does not quantize layers of this class.");
            return;
        }
        const auto grid = uniformGrid(*weight.quantizer, weight.value->view());
        const auto word = tensorQuantWord(*weight.quantizer, grid);
        if (!word) {
            missing(place, "TensorQuant has no word for " + weight.quantizer->toString() + ".");
            return;
        }
        const bool isKernel = m_run.nameOf(weight) == "kernel";
        const bool hasEntry = !m_weights.empty() && m_weights.back().first == layer.name;
        if (!isKernel && hasEntry) {
            if (m_weights.back().second != *word) {
                missing(place, "TensorQuant quantizes the bias as the kernel, not with " +
                                   weight.quantizer->toString() + ".");
            }
            return;
        }
        m_weights.emplace_back(layer.name, *word);
        noteRounding(place, *weight.quantizer, grid);
    }

    void addOutput(const graph::Layer& layer, const quant::Quantizer& quantizer)
    {
        const std::string place = layer.name + "/activation";
        if (!isHooked(layer)) {
            missing(place, "TensorQuant does not quantize outputs of this class.");
            return;
        }
        const auto grid = uniformGrid(quantizer);
        const auto word = tensorQuantWord(quantizer, grid);
        if (!word) {
            missing(place, "TensorQuant has no word for " + quantizer.toString() + ".");
            return;
        }
        m_activations.emplace_back(layer.name, *word);
        noteRounding(place, quantizer, grid);
    }

    void noteRounding(const std::string& place, const quant::Quantizer& quantizer,
                      const std::optional<UniformGrid>& grid)
    {
        if (!grid || quant::isWordForm(quantizer.toString())) {
            return;
        }
        const bool isNarrow = grid->isSigned && grid->low == -grid->high;
        m_notes.push_back({ImportKind::Converted, place,
                           std::string("TensorQuant rounds ties away from zero") +
                               (isNarrow ? " and has a level more at the negative end." : ".")});
    }

    const RunNetwork& m_run;
    std::vector<std::pair<std::string, std::string>> m_activations, m_weights;
    ImportNotes m_notes;
};

} // namespace

Result<ExportContent> exportHls4ml(const ExportInput& input)
{
    auto run = runNetwork(input);
    if (!run) {
        return fail(std::move(run).error());
    }
    return Hls4mlWriter(*run).write();
}

Result<ExportContent> exportAimet(const ExportInput& input)
{
    auto run = runNetwork(input);
    if (!run) {
        return fail(std::move(run).error());
    }
    ExportContent content;
    Json parameters = Json::object();
    for (const RunWeight& weight : run->weights) {
        if (!weight.quantizer) {
            continue;
        }
        const auto grid = uniformGrid(*weight.quantizer, weight.value->view());
        const int bits = weight.quantizer->bits();
        if (grid && fitsWidth(*grid, bits) && isPerChannel(*grid)) {
            parameters[aimetName(*run, weight)] = encodingsOf(*grid, bits);
        } else {
            noteUneven(placeOf(*run, weight), *weight.quantizer, content.notes);
        }
    }
    Json activations = Json::object();
    for (const graph::Layer& layer : run->graph->layers()) {
        const quant::QuantizerPtr output = outputQuantizer(*run, layer);
        if (!output) {
            continue;
        }
        const auto grid = uniformGrid(*output);
        if (grid && fitsWidth(*grid, output->bits())) {
            activations[layer.name] = encodingsOf(*grid, output->bits());
        } else {
            noteUneven(layer.name + "/activation", *output, content.notes);
        }
    }
    noteInnerQuantizers(*run, content.notes);
    const Json document{{"version", "0.6.1"},
                        {"activation_encodings", std::move(activations)},
                        {"param_encodings", std::move(parameters)}};
    content.files.push_back({{}, document.dump(2) + "\n"});
    return content;
}

Result<ExportContent> exportTensorQuant(const ExportInput& input)
{
    auto run = runNetwork(input);
    if (!run) {
        return fail(std::move(run).error());
    }
    return TensorQuantWriter(*run).write();
}

} // namespace bitscape::io
