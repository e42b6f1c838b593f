// SPDX-License-Identifier: GPL-3.0-or-later
// MAP of the command line: QKeras' model_quantize dictionary with our keys and patterns.
#include "core/base/text.h"
#include "core/graph/activation.h"
#include "core/graph/aimet_map.h"
#include "core/graph/configuration.h"
#include "core/graph/hls4ml_map.h"
#include "core/graph/map_document.h"
#include "core/graph/map_entries.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>

namespace bitscape::graph {

namespace {

using Json = nlohmann::ordered_json;

/// A class of QKeras: QDense, QActivation, …
bool isOfQKeras(const Layer& layer)
{
    const std::string& name = layer.className;
    return name.size() > 1 && name[0] == 'Q' &&
           std::isupper(static_cast<unsigned char>(name[1])) != 0;
}

/// The layer's activation as the file names it.
std::string functionName(const Layer& layer, const Function& function)
{
    const Json config = Json::parse(layer.originalConfig, nullptr, false);
    if (config.is_object() && config.contains("activation") && config["activation"].is_string()) {
        return config["activation"].get<std::string>();
    }
    switch (function.kind) {
    case FunctionKind::Relu:
        return function == Function{FunctionKind::Relu} ? "relu" : "";
    case FunctionKind::Tanh:
        return "tanh";
    case FunctionKind::Sigmoid:
        return "sigmoid";
    case FunctionKind::Softmax:
        return "softmax";
    case FunctionKind::Linear:
        return "linear";
    default:
        return {};
    }
}

bool isKernelSlot(Slot slot)
{
    return slot == Slot::Kernel || slot == Slot::Depthwise || slot == Slot::Pointwise;
}

bool hasKernel(const Layer& layer)
{
    return std::ranges::any_of(slotsOf(layer), isKernelSlot);
}

/// The normalization that @fold_batchnorm takes into this layer: its only reader.
bool isFoldable(const Graph& graph, int index)
{
    const Layer& layer = graph.layer(index);
    const bool computes = std::holds_alternative<ConvOp>(layer.op) ||
                          std::holds_alternative<DepthwiseOp>(layer.op) ||
                          std::holds_alternative<DenseOp>(layer.op);
    const std::vector<int> readers = graph.consumers(index);
    if (!computes || !functionOf(layer.op).isLinear() || readers.size() != 1 ||
        std::ranges::find(graph.outputs(), index) != graph.outputs().end()) {
        return false;
    }
    const auto* norm = std::get_if<BatchNormOp>(&graph.layer(readers.front()).op);
    return norm != nullptr && norm->axes.empty();
}

class MapApplier {
public:
    MapApplier(const Graph& graph, MapEntries& map, MapResult& result)
        : m_graph(graph), m_entries(map.entries), m_settings(map.settings), m_result(result)
    {
    }

    Result<void> apply();

private:
    /// The entry that counts for a layer by name, then pattern; null if there is none.
    Entry* namedEntry(const Layer& layer);
    Entry* classEntry(std::string_view key);
    void warn(std::string code, std::string message, const std::string& where)
    {
        m_result.warnings.push_back({std::move(code), std::move(message), where});
    }

    Result<void> applyToLayer(int index);
    struct ActivationEntry {
        const Entry* entry = nullptr;
        bool isAdaptive = false;
    };

    [[nodiscard]] const Entry* kernelEntry(const Layer& layer, const Entry* named, bool folded);
    void applyToKernelLayer(int index, const Entry* named);
    void applyToOutput(const Layer& layer, const Entry* entry);
    [[nodiscard]] ActivationEntry activationEntry(const Layer& layer, Entry* named);
    void applyToActivation(const Layer& layer, Entry* named);
    void applyToBatchNorm(int index, const Entry* named);
    void applyToAveragePool(const Layer& layer, const Entry* named);
    void applySlots(const Layer& layer, const Entry& entry);
    void setSlot(const Layer& layer, Slot slot, const Choice& choice);
    void setKernels(const Layer& layer, const Entry& entry);
    void quantizeFunction(const Layer& layer);
    void warnOfUnmatched();

    [[nodiscard]] bool folds(int index) const
    {
        return m_result.configuration.foldBatchNorm && isFoldable(m_graph, index);
    }

    const Graph& m_graph;
    std::vector<Entry>& m_entries;
    const Settings& m_settings;
    MapResult& m_result;
};

Entry* MapApplier::namedEntry(const Layer& layer)
{
    Entry* found = nullptr;
    for (Entry& entry : m_entries) {
        if (entry.pattern) {
            if (std::regex_search(layer.name, *entry.pattern)) {
                entry.matched = true;
                found = found == nullptr ? &entry : found;
            }
        } else if (entry.key == layer.name) {
            entry.matched = true;
            return &entry;
        }
    }
    return found;
}

Entry* MapApplier::classEntry(std::string_view key)
{
    const auto found = std::ranges::find(m_entries, key, &Entry::key);
    return found == m_entries.end() ? nullptr : &*found;
}

void MapApplier::setSlot(const Layer& layer, Slot slot, const Choice& choice)
{
    if (choice.kind == Choice::Kind::Function) {
        const std::string own = functionName(layer, functionOf(layer.op));
        if (slot != Slot::Activation || choice.function != own) {
            warn("map_note",
                 fmt::format("'{}' is a function, not a quantizer: it changes nothing.",
                             choice.function),
                 layer.name + "/" + std::string(name(slot)));
        }
        return;
    }
    m_result.configuration.set(layer.name, slot, choice.quantizer);
}

void MapApplier::quantizeFunction(const Layer& layer)
{
    if (!m_settings.activationBits) {
        return;
    }
    const std::string function = functionName(layer, functionOf(layer.op));
    if (function != "relu" && function != "tanh" && function != "sigmoid") {
        return;
    }
    auto quantizer = quant::makeQuantizer("quantized_" + function,
                                          {{"bits", std::int64_t{*m_settings.activationBits}}});
    ensure(quantizer.has_value(), "a quantizer of checked width must exist");
    m_result.configuration.set(layer.name, Slot::Activation, std::move(*quantizer));
}

/// Kernel-type slots; `kernel_quantizer` of a separable layer means both of its kernels.
void MapApplier::setKernels(const Layer& layer, const Entry& entry)
{
    for (const Slot slot : slotsOf(layer)) {
        if (!isKernelSlot(slot)) {
            continue;
        }
        const Choice* choice = entry.find(std::string(name(slot)) + "_quantizer");
        if (choice == nullptr) {
            choice = entry.find("kernel_quantizer");
        }
        if (choice != nullptr) {
            setSlot(layer, slot, *choice);
        }
    }
}

/// What an entry says of the kernels: nothing, explicitly none, or something.
std::optional<bool> saysKernel(const Layer& layer, const Entry& entry)
{
    std::optional<bool> says;
    for (const Slot slot : slotsOf(layer)) {
        if (!isKernelSlot(slot)) {
            continue;
        }
        for (const std::string& key :
             {std::string(name(slot)) + "_quantizer", std::string("kernel_quantizer")}) {
            if (const Choice* choice = entry.find(key)) {
                says = says.value_or(false) || choice->kind == Choice::Kind::Quantizer;
            }
        }
    }
    return says;
}

/// The entry whose kernel quantizer counts: by name, else by class with the folded class first.
const Entry* MapApplier::kernelEntry(const Layer& layer, const Entry* named, bool folded)
{
    const std::string plain = "Q" + layer.className;
    std::vector<const Entry*> candidates{named};
    if (named == nullptr) {
        candidates = {folded ? classEntry(plain + "Batchnorm") : nullptr, classEntry(plain)};
    }
    for (const Entry* entry : candidates) {
        if (entry != nullptr && entry->isObject) {
            // An explicit null is ours: the kernel stays float and the rest of the entry counts.
            const std::optional<bool> says = saysKernel(layer, *entry);
            if (says && (*says || entry == named)) {
                return entry;
            }
        }
    }
    return nullptr;
}

void MapApplier::applyToKernelLayer(int index, const Entry* named)
{
    const Layer& layer = m_graph.layer(index);
    if (isOfQKeras(layer)) {
        if (named != nullptr) {
            setKernels(layer, *named);
            applySlots(layer, *named);
        }
        return;
    }
    const bool folded = folds(index);
    const Entry* entry = kernelEntry(layer, named, folded);
    if (entry == nullptr) {
        if (named != nullptr && !named->parameters.empty()) {
            warn("map_note",
                 "The entry names no quantizer for the kernel; the layer stays as it is, as in "
                 "QKeras.",
                 layer.name);
        }
        return;
    }
    setKernels(layer, *entry);
    for (const Slot slot : {Slot::Recurrent, Slot::Bias, Slot::State, Slot::RecurrentActivation}) {
        const Choice* choice = entry->find(std::string(name(slot)) + "_quantizer");
        const bool isThere = hasSlot(layer, slot) || (folded && slot == Slot::Bias);
        if (choice != nullptr && isThere) {
            setSlot(layer, slot, *choice);
        }
    }
    // QKeras falls back to the plain class for the weights of a folded layer, not for its
    // activation.
    const Entry* own =
        folded && named == nullptr ? classEntry("Q" + layer.className + "Batchnorm") : entry;
    applyToOutput(layer, own);
    if (folded && m_result.configuration.find(layer.name, Slot::Activation)) {
        warn("map_note",
             "A quantizer between the layer and its normalization keeps the two from being folded; "
             "put it on the normalization or behind it.",
             layer.name);
    }
}

/// The activation of a layer with a kernel: from its entry (may be null), else from its function.
void MapApplier::applyToOutput(const Layer& layer, const Entry* entry)
{
    const Choice* activation = nullptr;
    if (entry != nullptr) {
        activation = entry->find("activation_quantizer");
        if (entry->find("activation") != nullptr) {
            warn("map_note",
                 "QKeras reads 'activation_quantizer' here and passes over 'activation'.",
                 layer.name);
        }
    }
    const bool says = activation != nullptr && activation->kind != Choice::Kind::None &&
                      activation->kind != Choice::Kind::Empty;
    if (says) {
        setSlot(layer, Slot::Activation, *activation);
    } else {
        quantizeFunction(layer);
    }
}

/// Every slot the entry gives, kernels aside.
void MapApplier::applySlots(const Layer& layer, const Entry& entry)
{
    for (const auto& [key, choice] : entry.parameters) {
        const Slot* slot = findSlot(key);
        const bool isKernel = slot != nullptr && isKernelSlot(*slot);
        if (isKernel && hasKernel(layer)) {
            continue;
        }
        if (slot == nullptr || !hasSlot(layer, *slot)) {
            warn("map_note", fmt::format("{} has no use for '{}'.", layer.className, key),
                 layer.name);
            continue;
        }
        setSlot(layer, *slot, choice);
    }
}

/// The entry of a layer that only computes a function, and whether it asks for a learned range.
MapApplier::ActivationEntry MapApplier::activationEntry(const Layer& layer, Entry* named)
{
    if (named != nullptr) {
        return {named, false};
    }
    const bool isActivation = layer.className == "Activation";
    if (!isActivation && layer.className != "ReLU" && layer.className != "LeakyReLU") {
        return {}; // QKeras' own layers, and classes that model_quantize passes over
    }
    const Entry* usual = classEntry("QActivation");
    const Entry* adaptive = isActivation ? classEntry("QAdaptiveActivation") : nullptr;
    if (adaptive != nullptr && (m_settings.preferAdaptive || usual == nullptr)) {
        return {adaptive, true};
    }
    return {usual, false};
}

/// What an entry says of a function: for all, under its name, or as a slot; null: nothing.
const Choice* choiceFor(const Layer& layer, const Entry& entry)
{
    if (!entry.isObject) {
        return &entry.whole;
    }
    const Function function = std::get<ActivationOp>(layer.op).function;
    std::string key = functionName(layer, function);
    if (layer.className == "ReLU" || layer.className == "LeakyReLU") {
        key = function.negativeSlope > 0.0F ? "leakyrelu" : "relu";
    }
    for (const std::string& known :
         {key, std::string("activation_quantizer"), std::string("activation")}) {
        if (const Choice* choice = entry.find(known)) {
            return choice->kind == Choice::Kind::Empty ? nullptr : choice;
        }
    }
    return nullptr;
}

void MapApplier::applyToActivation(const Layer& layer, Entry* named)
{
    const auto [entry, isAdaptive] = activationEntry(layer, named);
    const Choice* choice = entry == nullptr ? nullptr : choiceFor(layer, *entry);
    if (choice == nullptr) {
        return;
    }
    if (isAdaptive && choice->kind == Choice::Kind::Quantizer) {
        warn("not_covered",
             "QAdaptiveActivation learns its range in training, which is not covered; the function "
             "stays as it is.",
             layer.name);
    } else if (choice->kind == Choice::Kind::Empty) {
        quantizeFunction(layer);
    } else if (choice->kind != Choice::Kind::None || named != nullptr) {
        setSlot(layer, Slot::Activation, *choice);
    }
}

void MapApplier::applyToBatchNorm(int index, const Entry* named)
{
    const Layer& layer = m_graph.layer(index);
    const Entry* entry = named;
    if (entry == nullptr && !isOfQKeras(layer)) {
        entry = classEntry("QBatchNormalization");
    }
    const bool vanishes = !layer.inputs.empty() && folds(layer.inputs.front());
    if (entry == nullptr || !entry->isObject || vanishes) {
        return;
    }
    if (isOfQKeras(layer)) {
        applySlots(layer, *entry);
        return;
    }
    // model_quantize gives None for what the entry leaves out, not the layer's defaults. It never
    // reads inverse_quantizer, which cannot go with gamma and variance; alone it is taken here.
    m_result.configuration.layers.try_emplace(layer.name); // a twin even if all of it stays float
    const bool inverseCounts =
        entry->find("gamma_quantizer") == nullptr && entry->find("variance_quantizer") == nullptr;
    for (const Slot slot : slotsOf(layer)) {
        const Choice* choice = entry->find(std::string(name(slot)) + "_quantizer");
        const bool counts = slot != Slot::Inverse || inverseCounts;
        m_result.configuration.layers[layer.name].erase(slot);
        if (choice != nullptr && counts && choice->kind != Choice::Kind::None) {
            setSlot(layer, slot, *choice);
        } else if (choice != nullptr && choice->kind == Choice::Kind::Quantizer) {
            warn("map_note",
                 "inverse_quantizer has no effect beside quantizers of gamma or variance.",
                 layer.name);
        }
    }
}

void MapApplier::applyToAveragePool(const Layer& layer, const Entry* named)
{
    const Entry* entry = named;
    if (entry == nullptr && !isOfQKeras(layer)) {
        entry = classEntry("Q" + layer.className);
    }
    if (entry == nullptr || !entry->isObject) {
        return;
    }
    const Choice* average = entry->find("average_quantizer");
    const bool converts = average != nullptr && average->kind == Choice::Kind::Quantizer;
    if (average != nullptr && (converts || named != nullptr)) {
        if (hasSlot(layer, Slot::Average)) {
            setSlot(layer, Slot::Average, *average);
        } else {
            warn("map_note", fmt::format("{} has no use for 'average_quantizer'.", layer.className),
                 layer.name);
        }
    }
    const Choice* activation = entry->find("activation_quantizer");
    if (activation != nullptr && (converts || named != nullptr)) {
        setSlot(layer, Slot::Activation, *activation);
    }
}

Result<void> MapApplier::applyToLayer(int index)
{
    const Layer& layer = m_graph.layer(index);
    Entry* named = namedEntry(layer);
    const bool isActivation = std::holds_alternative<ActivationOp>(layer.op);
    const bool isWhole = named != nullptr && !named->isObject;
    if (isWhole && !isActivation) {
        if (named->whole.kind == Choice::Kind::None || named->pattern) {
            return {}; // excluded; or a pattern meant for activations
        }
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("{} is a {} layer: say which of its tensors the quantizer is for.",
                                layer.name, layer.className),
                    layer.name, R"json(Write {"kernel_quantizer": …, "bias_quantizer": …}.)json");
    }
    const auto* pool = std::get_if<PoolOp>(&layer.op);
    const auto* globalPool = std::get_if<GlobalPoolOp>(&layer.op);
    if (isActivation) {
        applyToActivation(layer, named);
    } else if (hasKernel(layer)) {
        applyToKernelLayer(index, named);
    } else if (std::holds_alternative<BatchNormOp>(layer.op)) {
        applyToBatchNorm(index, named);
    } else if ((pool != nullptr && pool->kind == PoolKind::Average) ||
               (globalPool != nullptr && globalPool->kind == PoolKind::Average)) {
        applyToAveragePool(layer, named);
    } else if (named != nullptr) {
        applySlots(layer, *named);
    }
    return {};
}

void MapApplier::warnOfUnmatched()
{
    std::vector<std::string> known(classKeys().begin(), classKeys().end());
    for (const Layer& layer : m_graph.layers()) {
        known.push_back(layer.name);
    }
    for (const Entry& entry : m_entries) {
        if (entry.matched || isClassKey(entry.key)) {
            continue;
        }
        std::string message =
            entry.pattern ? fmt::format("The pattern '{}' of the map matches no layer.", entry.key)
                          : fmt::format("The network has no layer '{}' of the map.", entry.key);
        const std::string near = entry.pattern ? std::string() : nearest(entry.key, known);
        if (!near.empty()) {
            message += " " + didYouMean(near);
        }
        warn("unmatched_map_entry", std::move(message), entry.key);
    }
}

Result<void> MapApplier::apply()
{
    if (m_settings.foldBatchNorm) {
        m_result.configuration.foldBatchNorm = *m_settings.foldBatchNorm;
    }
    if (m_settings.input) {
        m_result.configuration.input = m_settings.input->quantizer;
    }
    for (int index = 0; index < static_cast<int>(m_graph.layers().size()); ++index) {
        if (auto ok = applyToLayer(index); !ok) {
            return ok;
        }
    }
    warnOfUnmatched();
    return {};
}

Json entryOf(const Layer& layer, const LayerQuantizers& quantizers)
{
    const auto activation = quantizers.find(Slot::Activation);
    if (std::holds_alternative<ActivationOp>(layer.op) && activation != quantizers.end()) {
        return activation->second->toString();
    }
    Json entry = Json::object();
    bool quantizesKernel = !hasKernel(layer);
    for (const auto& [slot, quantizer] : quantizers) {
        entry[std::string(name(slot)) + "_quantizer"] = quantizer->toString();
        quantizesKernel = quantizesKernel || isKernelSlot(slot);
    }
    if (!quantizesKernel) {
        // Without a word on the kernel the entry would be passed over.
        const std::vector<Slot> slots = slotsOf(layer);
        entry[std::string(name(*std::ranges::find_if(slots, isKernelSlot))) + "_quantizer"] =
            nullptr;
    }
    return entry;
}

} // namespace

namespace {

Result<void> applyNative(const Graph& graph, const Json& content, MapResult& result)
{
    auto map = readMap(graph, content);
    if (!map) {
        return fail(std::move(map).error());
    }
    if (map->tensorquant) {
        applyTensorQuantMap(graph, *map->tensorquant, result);
    }
    return MapApplier(graph, *map, result).apply();
}

Result<void> apply(const Graph& graph, const MapDocument& map, MapResult& result)
{
    switch (map.format) {
    case MapFormat::Aimet:
        return applyAimetEncodings(graph, map.content, result);
    case MapFormat::Hls4ml:
        return applyHls4mlConfig(graph, map.content, result);
    case MapFormat::AutoQKeras:
        return fail(ErrorCode::InvalidArgument,
                    "This is a configuration of AutoQKeras: it says what to search, not which "
                    "quantizer goes where.",
                    {}, "Give it to search as --config; its best trial makes a map.");
    case MapFormat::Native:
        break;
    }
    return applyNative(graph, map.content, result);
}

} // namespace

Result<MapResult> applyMap(const Graph& graph, const Configuration& base, std::string_view text)
{
    auto document = readMapDocument(text);
    if (!document) {
        return fail(std::move(document).error());
    }
    MapResult result{base, {}};
    if (auto ok = apply(graph, *document, result); !ok) {
        return fail(std::move(ok).error());
    }
    return result;
}

std::string toMap(const Graph& graph, const Configuration& configuration)
{
    Json out = Json::object();
    if (configuration.foldBatchNorm) {
        out["@fold_batchnorm"] = true;
    }
    if (configuration.input) {
        out["@input"] = configuration.input->toString();
    }
    for (const Layer& layer : graph.layers()) {
        const auto quantizers = configuration.layers.find(layer.name);
        if (quantizers != configuration.layers.end() && !quantizers->second.empty()) {
            out[layer.name] = entryOf(layer, quantizers->second);
        }
    }
    return out.dump(2, ' ', false, Json::error_handler_t::replace);
}

} // namespace bitscape::graph
