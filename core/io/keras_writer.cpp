// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json_text.h"
#include "core/base/text.h"
#include "core/graph/layer_registry.h"
#include "core/graph/layer_rule.h"
#include "core/io/array_file.h"
#include "core/io/hdf5.h"
#include "core/io/keras_describe.h"
#include "core/io/model_file.h"

#include <algorithm>
#include <map>
#include <utility>

// Models as Keras 2 and QKeras write them. A layer's config is made from its op, so that it says
// what the graph computes; initializers, regularizers and constraints are carried over from the
// file it came from.
namespace bitscape::io {

namespace {

using graph::Function;
using graph::FunctionKind;
using graph::Slot;

constexpr const char* kKeras2 = "2.15.0";
constexpr const char* kKeras3 = "3.0.0"; // where hard_sigmoid means what Keras 3 means by it
constexpr const char* kBackend = "tensorflow";

/// A tensor by the entry that gives it.
struct Source {
    std::string entry;
    int tensor = 0;
    bool operator==(const Source&) const = default;
};

/// A layer as it will stand in the file.
struct Entry {
    std::string name;
    std::string className;
    Json config;
    std::vector<Source> inputs;
    int layer = -1; ///< whose weights it holds; −1: none
};

/// Without an argument that means nothing when absent and that QKeras 0.9 does not know.
Json dictionaryOf(const quant::Quantizer& quantizer)
{
    constexpr const char* kNewArgument = "post_training_scale";
    Json dictionary = Json::parse(quant::toDictionary(quantizer));
    if (dictionary.is_object() && dictionary.contains("config") &&
        member(dictionary["config"], kNewArgument).is_null()) {
        dictionary["config"].erase(kNewArgument);
    }
    return dictionary;
}

/// What QActivation is given: QKeras' releases take the string alone, and print it.
Json activationOf(const quant::Quantizer& quantizer)
{
    return quantizer.info().origin == "QKeras" ? Json(quantizer.toString())
                                               : dictionaryOf(quantizer);
}

/// Needs QKeras to be read: initializers and constraints that it wraps around Keras' own.
bool isOfQKeras(const Json& value)
{
    const Json& name = member(value, "class_name");
    return name == "QInitializer" || name == "Clip";
}

/// The config that the layer had in its file, looking through a pruning wrapper.
Json originalOf(const graph::Layer& layer)
{
    Json config = Json::parse(layer.originalConfig, nullptr, false);
    const Json& inner = member(member(config, "layer"), "config");
    return layer.className == "PruneLowMagnitude" && inner.is_object() ? Json(inner)
                                                                       : std::move(config);
}

/// Initializers, regularizers and constraints have no meaning for the graph but for training.
void carryOver(const Json& original, bool quantized, Json& config)
{
    if (!original.is_object()) {
        return;
    }
    for (const auto& [key, value] : original.items()) {
        const bool wanted = key.ends_with("_initializer") || key.ends_with("_regularizer") ||
                            key.ends_with("_constraint");
        if (wanted && !config.contains(key) && (quantized || !isOfQKeras(value))) {
            config[key] = value;
        }
    }
}

bool hasOwnField(const graph::Op& op)
{
    const auto* registered = std::get_if<graph::RuleOp>(&op);
    const auto* pool = std::get_if<graph::PoolOp>(&op);
    const auto* globalPool = std::get_if<graph::GlobalPoolOp>(&op);
    if ((pool != nullptr && isQuantizable(*pool)) ||
        (globalPool != nullptr && isQuantizable(*globalPool))) {
        return true;
    }
    return registered != nullptr &&
           registered->rule->config().contains(registered->rule->configKey(Slot::Activation));
}

/// Slots that the layer's class has a field for; `activation` stands apart.
bool hasActivationField(const graph::Layer& layer)
{
    return std::holds_alternative<graph::ActivationOp>(layer.op) ||
           std::holds_alternative<graph::DenseOp>(layer.op) ||
           std::holds_alternative<graph::ConvOp>(layer.op) ||
           std::holds_alternative<graph::DepthwiseOp>(layer.op) ||
           std::holds_alternative<graph::SeparableOp>(layer.op) ||
           std::holds_alternative<graph::FoldedConvOp>(layer.op) || hasOwnField(layer.op);
}

class Writer {
public:
    Writer(const graph::Graph& graph, const graph::Configuration& quantizers)
        : m_graph(graph), m_quantizers(quantizers)
    {
        for (std::size_t i = 0; i < graph.layers().size(); ++i) {
            add(static_cast<int>(i));
        }
    }

    [[nodiscard]] const std::vector<Entry>& entries() const { return m_entries; }
    [[nodiscard]] Json model() const;
    [[nodiscard]] const char* kerasVersion() const;

private:
    void add(int index);
    /// A quantizer that no field takes becomes a layer of its own behind the one it belongs to.
    void addActivationBehind(const std::string& name, const quant::Quantizer& quantizer);
    void putQuantizers(const graph::Layer& layer, Entry& entry) const;
    /// For wrappers: into the layer inside. False: the layer is none.
    bool placeInside(const graph::Layer& layer, Entry& entry) const;
    [[nodiscard]] bool isChain() const;
    [[nodiscard]] Json ends(std::span<const int> layers) const;

    const graph::Graph& m_graph;
    const graph::Configuration& m_quantizers;
    std::vector<Entry> m_entries;
    std::vector<Source> m_outputs; ///< per layer: where its output is
};

void Writer::putQuantizers(const graph::Layer& layer, Entry& entry) const
{
    for (const Slot slot : graph::slotsOf(layer)) {
        const auto quantizer = m_quantizers.find(layer.name, slot);
        const auto* registered = std::get_if<graph::RuleOp>(&layer.op);
        const std::string key(registered == nullptr ? graph::keyOf(slot)
                                                    : registered->rule->configKey(slot));
        if (key.ends_with("_quantizer")) {
            entry.config[key] = quantizer ? dictionaryOf(*quantizer) : Json(nullptr);
        } else if (quantizer && std::holds_alternative<graph::ActivationOp>(layer.op)) {
            entry.config[key] = activationOf(*quantizer);
        } else if (quantizer && (slot != Slot::Activation || hasActivationField(layer))) {
            entry.config[key] = dictionaryOf(*quantizer);
        }
    }
}

bool Writer::placeInside(const graph::Layer& layer, Entry& entry) const
{
    const auto* registered = std::get_if<graph::RuleOp>(&layer.op);
    if (registered == nullptr || !m_quantizers.layers.contains(layer.name)) {
        return false;
    }
    std::map<Slot, Json> dictionaries;
    for (const Slot slot : graph::slotsOf(layer)) {
        const auto quantizer = m_quantizers.find(layer.name, slot);
        dictionaries[slot] = quantizer ? dictionaryOf(*quantizer) : Json(nullptr);
    }
    return registered->rule->placeQuantizers(dictionaries, entry.config);
}

void Writer::addActivationBehind(const std::string& name, const quant::Quantizer& quantizer)
{
    Entry entry;
    entry.name = name + "_quantizer";
    entry.className = "QActivation";
    entry.config = {{"name", entry.name},
                    {"trainable", true},
                    {"dtype", "float32"},
                    {"activation", activationOf(quantizer)}};
    entry.inputs = {{name}};
    m_outputs.back() = {entry.name};
    m_entries.push_back(std::move(entry));
}

void Writer::add(int index)
{
    const graph::Layer& layer = m_graph.layer(index);
    if (const auto* select = std::get_if<graph::SelectOp>(&layer.op)) {
        m_outputs.push_back({m_graph.layer(layer.inputs.front()).name, select->part});
        return;
    }
    if (graph::isImplied(layer.op)) {
        m_outputs.emplace_back();
        return;
    }
    // An entry without quantizers is a Q twin whose tensors stay float, as AutoQKeras makes of
    // batch normalizations.
    const bool hasQuantizers = m_quantizers.layers.contains(layer.name);
    ClassAndConfig described = describe(layer);
    const bool isAlways = described.plain == described.quantized; // QKeras alone has the class
    const bool quantized = (hasQuantizers || isAlways) && !described.quantized.empty();

    Entry entry;
    entry.name = layer.name;
    entry.layer = index;
    entry.className = quantized ? described.quantized : described.plain;
    for (const int input : layer.inputs) {
        const Source& source = m_outputs[static_cast<std::size_t>(input)];
        if (!source.entry.empty()) { // else implied
            entry.inputs.push_back(source);
        }
    }
    if (layer.isSupported()) {
        entry.config = {{"name", layer.name}, {"trainable", true}, {"dtype", "float32"}};
        entry.config.update(described.config);
        if (std::holds_alternative<graph::InputOp>(layer.op)) {
            entry.config.erase("trainable");
        }
        carryOver(originalOf(layer), quantized, entry.config);
    } else {
        entry.config = std::move(described.config);
        entry.config["name"] = layer.name;
    }
    const bool isInside = placeInside(layer, entry);
    if (quantized && !isInside) {
        putQuantizers(layer, entry);
    }
    m_entries.push_back(std::move(entry));
    m_outputs.push_back({layer.name});
    if (const auto q = m_quantizers.find(layer.name, Slot::Activation);
        q && !isInside && !hasActivationField(layer)) {
        addActivationBehind(layer.name, *q);
    }
    if (std::holds_alternative<graph::InputOp>(layer.op) && m_quantizers.input) {
        addActivationBehind(layer.name, *m_quantizers.input);
    }
}

bool Writer::isChain() const
{
    for (std::size_t i = 1; i < m_entries.size(); ++i) {
        if (m_entries[i].inputs != std::vector<Source>{{m_entries[i - 1].name}}) {
            return false;
        }
    }
    return !m_entries.empty() && m_entries.front().inputs.empty() &&
           m_graph.outputs().size() == 1 &&
           m_outputs[static_cast<std::size_t>(m_graph.outputs().front())] ==
               Source{m_entries.back().name};
}

Json Writer::ends(std::span<const int> layers) const
{
    Json out = Json::array();
    for (const int layer : layers) {
        const Source& source = m_outputs[static_cast<std::size_t>(layer)];
        out.push_back(Json::array({source.entry, 0, source.tensor}));
    }
    return out;
}

Json Writer::model() const
{
    const bool chain = isChain();
    Json layers = Json::array();
    for (const Entry& entry : m_entries) {
        Json layer{{"class_name", entry.className}, {"config", entry.config}};
        if (!chain) {
            Json node = Json::array();
            for (const Source& input : entry.inputs) {
                node.push_back(Json::array({input.entry, 0, input.tensor, Json::object()}));
            }
            layer["name"] = entry.name;
            layer["inbound_nodes"] =
                entry.inputs.empty() ? Json::array() : Json::array({std::move(node)});
        }
        layers.push_back(std::move(layer));
    }
    const std::string name = m_graph.name().empty() ? "model" : m_graph.name();
    Json config{{"name", name}, {"layers", std::move(layers)}};
    if (!chain) {
        Json inputs = Json::array(); // the input layers themselves, before any quantizer
        for (const int input : m_graph.inputs()) {
            inputs.push_back(Json::array({m_graph.layer(input).name, 0, 0}));
        }
        config["input_layers"] = std::move(inputs);
        config["output_layers"] = ends(m_graph.outputs());
    }
    return {{"class_name", chain ? "Sequential" : "Functional"}, {"config", std::move(config)}};
}

const char* Writer::kerasVersion() const
{
    const auto usesKeras3 = [](const graph::Layer& layer) {
        const auto isKeras3 = [](const auto& op) {
            if constexpr (requires { op.function; }) {
                return op.function.kind == FunctionKind::HardSigmoidKeras3;
            }
            return false;
        };
        const auto* registered = std::get_if<graph::RuleOp>(&layer.op);
        return std::visit(isKeras3, layer.op) ||
               (registered != nullptr && registered->rule->isOfKeras3());
    };
    return std::ranges::any_of(m_graph.layers(), usesKeras3) ? kKeras3 : kKeras2;
}

/// Where a weight is stored, seen from its layer's group.
std::string pathOf(const graph::Layer& layer, const graph::Weight& weight)
{
    return weight.fileName.empty() ? layer.name + "/" + weight.name + ":0" : weight.fileName;
}

Result<void> writeWeight(hdf5::Group& group, const std::string& path, const std::string& name,
                         const Tensor& value)
{
    if (name != "iteration" && name != "count") { // counters are integers
        return group.write(path, value.view(), hdf5::Storage::Plain);
    }
    std::vector<std::int64_t> counts(static_cast<std::size_t>(value.size()));
    std::ranges::transform(value.values(), counts.begin(),
                           [](float count) { return static_cast<std::int64_t>(count); });
    return group.writeIntegers(path, counts, value.shape().sizes(), hdf5::Storage::Plain);
}

/// States that Keras' files leave out are in no weight list.
bool isStored(const graph::Layer& layer, std::size_t weight)
{
    const auto* registered = std::get_if<graph::RuleOp>(&layer.op);
    return registered == nullptr || registered->rule->weights()[weight].isStored;
}

/// The weights of one layer; `first` is its place in the set.
Result<void> writeLayer(hdf5::Group& all, const Entry& entry, const graph::Layer* layer,
                        std::span<const TensorPtr> values)
{
    auto group = all.makeGroup(entry.name);
    if (!group) {
        return fail(std::move(group).error());
    }
    std::vector<std::string> paths;
    for (std::size_t i = 0; layer != nullptr && i < layer->weights.size(); ++i) {
        if (isStored(*layer, i)) {
            paths.push_back(pathOf(*layer, layer->weights[i]));
        }
    }
    if (auto ok = group->setTexts("weight_names", paths); !ok) {
        return ok;
    }
    for (std::size_t i = 0; layer != nullptr && i < layer->weights.size(); ++i) {
        if (!isStored(*layer, i)) {
            continue;
        }
        const graph::Weight& weight = layer->weights[i];
        if (auto ok = writeWeight(*group, pathOf(*layer, weight), weight.name, *values[i]); !ok) {
            return ok;
        }
    }
    return {};
}

Result<void> writeOrigin(hdf5::Group& group, const char* version)
{
    auto ok = group.setText("keras_version", version);
    return ok ? group.setText("backend", kBackend) : ok;
}

Result<void> writeModel(hdf5::File& file, const Writer& writer, const graph::Graph& graph,
                        const graph::WeightSet& weights)
{
    if (auto ok = writeOrigin(file, writer.kerasVersion()); !ok) {
        return ok;
    }
    if (auto ok = file.setLongText("model_config", writer.model().dump()); !ok) {
        return ok;
    }
    auto all = file.makeGroup("model_weights");
    if (!all) {
        return fail(std::move(all).error());
    }
    if (auto ok = writeOrigin(*all, writer.kerasVersion()); !ok) {
        return ok;
    }
    std::vector<std::string> names;
    for (const Entry& entry : writer.entries()) {
        names.push_back(entry.name);
    }
    if (auto ok = all->setTexts("layer_names", names); !ok) {
        return ok;
    }
    std::vector<std::size_t> first;
    std::size_t next = 0;
    for (const graph::Layer& layer : graph.layers()) {
        first.push_back(next);
        next += layer.weights.size();
    }
    const std::span<const TensorPtr> values(weights);
    for (const Entry& entry : writer.entries()) {
        const graph::Layer* layer = entry.layer < 0 ? nullptr : &graph.layer(entry.layer);
        const auto part = layer == nullptr
                              ? std::span<const TensorPtr>()
                              : values.subspan(first[static_cast<std::size_t>(entry.layer)],
                                               layer->weights.size());
        if (auto ok = writeLayer(*all, entry, layer, part); !ok) {
            return ok;
        }
    }
    return {};
}

} // namespace

std::string toKerasJson(const graph::Graph& graph, const graph::Configuration& quantizers)
{
    const Writer writer(graph, quantizers);
    Json model = writer.model();
    model["keras_version"] = writer.kerasVersion();
    model["backend"] = kBackend;
    return model.dump();
}

Result<std::string> toKerasH5(const graph::Graph& graph, const graph::WeightSet& weights,
                              const graph::Configuration& quantizers)
{
    ensure(weights.size() == graph.weightSlots().size(), "toKerasH5: weights of another graph");
    const Writer writer(graph, quantizers);
    auto file = hdf5::File::createInMemory(hdf5::Format::Earliest, "Keras HDF5");
    if (!file) {
        return fail(std::move(file).error());
    }
    if (auto ok = writeModel(*file, writer, graph, weights); !ok) {
        return fail(std::move(ok).error());
    }
    return file->image();
}

Result<void> saveKerasH5(const std::string& path, const graph::Graph& graph,
                         const graph::WeightSet& weights, const graph::Configuration& quantizers)
{
    auto bytes = toKerasH5(graph, weights, quantizers);
    if (!bytes) {
        return fail(std::move(bytes).error().in(path));
    }
    return writeFileAtomically(path, *bytes);
}

} // namespace bitscape::io
