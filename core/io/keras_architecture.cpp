// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/keras_architecture.h"

#include "core/base/json_text.h"
#include "core/base/text.h"
#include "core/graph/layer_registry.h"
#include "core/graph/mask_flow.h"
#include "core/graph/shape_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

namespace bitscape::io {

namespace {

constexpr std::int64_t kMaxParameters = std::int64_t{1} << 28; // zeros of a network without weights
constexpr std::size_t kMaxLayers = 100000;

Failure corrupt(std::string message, std::string where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), std::move(where));
}

std::string textOf(const Json& value)
{
    return value.is_string() ? value.get<std::string>() : std::string();
}

/// One call of a layer: which outputs of which layers it reads.
struct Edge {
    std::string layer;
    std::int64_t node = 0;
    std::int64_t tensor = 0;
};
using Node = std::vector<Edge>;

/// A layer as the JSON says it.
struct LayerText {
    std::string name;
    std::string className;
    const Json* config = nullptr;
    std::vector<Node> nodes; ///< empty for inputs and in Sequential models
};

/// ["name", node, tensor, …]
std::optional<Edge> edgeOf(const Json& value)
{
    if (!value.is_array() || value.size() < 3 || !value[0].is_string() ||
        !value[1].is_number_integer() || !value[2].is_number_integer()) {
        return std::nullopt;
    }
    return Edge{value[0].get<std::string>(), value[1].get<std::int64_t>(),
                value[2].get<std::int64_t>()};
}

/// All tensors that a node refers to, in order: lists of edges (Keras 2) or objects with a
/// keras_history (Keras 3), nested as the call's arguments are.
void collectEdges(const Json& value, Node& node)
{
    if (const auto edge = edgeOf(value)) {
        node.push_back(*edge);
        if (value.size() > 3) { // tensors among the keyword arguments
            collectEdges(value[3], node);
        }
        return;
    }
    if (value.is_object() && textOf(member(value, "class_name")) == "__keras_tensor__") {
        if (const auto edge = edgeOf(member(member(value, "config"), "keras_history"))) {
            node.push_back(*edge);
        }
        return;
    }
    if (value.is_structured()) {
        for (const Json& inner : value) {
            collectEdges(inner, node);
        }
    }
}

Result<LayerText> layerText(const Json& entry, std::size_t number)
{
    const std::string place = "layer " + std::to_string(number);
    const Json& config = member(entry, "config");
    LayerText text;
    text.className = textOf(member(entry, "class_name"));
    // The entry's own name is the one that nodes refer to; Sequential models have the config's
    // only.
    text.name = textOf(member(entry, "name"));
    if (text.name.empty()) {
        text.name = textOf(member(config, "name"));
    }
    if (text.className.empty()) {
        return corrupt("The layer has no class_name.", place);
    }
    if (text.name.empty()) {
        text.name = fmt::format("{}_{}", text.className, number); // Keras 1 allowed none
    }
    text.config = &config;
    const Json& nodes = member(entry, "inbound_nodes");
    if (nodes.is_array()) {
        for (const Json& node : nodes) {
            collectEdges(node, text.nodes.emplace_back());
        }
    }
    return text;
}

void giveUp(KerasArchitecture& network, graph::Layer& layer, std::string reason)
{
    if (layer.isSupported()) {
        layer.op = graph::UnsupportedOp{std::move(reason)};
        network.quantizers.layers.erase(layer.name);
    }
}

class Builder {
public:
    Builder(KerasArchitecture& into, graph::KerasDialect dialect) : m_into(into), m_dialect(dialect)
    {
    }

    Result<void> addSequential(const Json& entries, const Json& config);
    Result<void> addFunctional(const Json& entries, const Json& config);

private:
    /// Adds the layer and what it means; returns its number.
    Result<int> add(const LayerText& text, std::vector<int> inputs);
    Result<void> connect(const std::vector<LayerText>& texts);
    Result<std::vector<int>> ends(const Json& value, const char* key);
    /// The layer that stands for the tensor: of several, one that takes it out.
    Result<int> source(const Edge& edge);
    int tensor(int layer, std::int64_t part);
    [[nodiscard]] const std::string& nameOf(int layer) const
    {
        return m_into.layers[static_cast<std::size_t>(layer)].name;
    }

    KerasArchitecture& m_into;
    graph::KerasDialect m_dialect;
    std::vector<int> m_tensors; ///< per layer: how many it gives
    std::map<std::string, int, std::less<>> m_numbers;
};

Result<int> Builder::add(const LayerText& text, std::vector<int> inputs)
{
    auto meaning = graph::readLayerConfig(text.className, *text.config, m_dialect);
    if (!meaning) {
        return fail(std::move(meaning).error().in("layer " + text.name));
    }
    const int number = static_cast<int>(m_into.layers.size());
    if (!m_numbers.emplace(text.name, number).second) {
        return corrupt("Two layers have this name.", "layer " + text.name);
    }
    graph::Layer layer;
    layer.name = text.name;
    layer.className = text.className;
    layer.op = std::move(meaning->op);
    layer.inputs = std::move(inputs);
    layer.originalConfig = text.config->is_object() ? text.config->dump() : "{}";
    if (!meaning->quantizers.empty()) {
        m_into.quantizers.layers[layer.name] = std::move(meaning->quantizers);
    }
    for (Warning& note : meaning->notes) {
        note.where = layer.name;
        m_into.warnings.push_back(std::move(note));
    }
    m_into.layers.push_back(std::move(layer));
    m_into.lastAxes.push_back(meaning->lastAxis);
    m_into.otherwise.push_back(std::move(meaning->otherwise));
    m_tensors.push_back(meaning->outputs);
    return number;
}

int Builder::tensor(int layer, std::int64_t part)
{
    const std::string name = fmt::format("{}:{}", nameOf(layer), part);
    const auto [found, isNew] = m_numbers.emplace(name, static_cast<int>(m_into.layers.size()));
    if (isNew) {
        graph::Layer select;
        select.name = name;
        select.className = "Select";
        select.op = graph::SelectOp{static_cast<int>(part)};
        select.inputs = {layer};
        m_into.layers.push_back(std::move(select));
        m_into.lastAxes.push_back(0);
        m_into.otherwise.emplace_back(graph::UnsupportedOp{});
        m_tensors.push_back(1);
    }
    return found->second;
}

Result<int> Builder::source(const Edge& edge)
{
    const auto found = m_numbers.find(edge.layer);
    if (found == m_numbers.end()) {
        return corrupt("It reads a layer '" + edge.layer + "' that is not there.", {});
    }
    const int count = m_tensors[static_cast<std::size_t>(found->second)];
    if (edge.tensor < 0 || edge.tensor >= count) {
        // What is not covered has an unknown number of outputs.
        const bool isKnown = m_into.layers[static_cast<std::size_t>(found->second)].isSupported();
        return isKnown ? corrupt(fmt::format("It reads output {} of layer '{}', which has {}.",
                                             edge.tensor, edge.layer, count),
                                 {})
                       : Result<int>(found->second);
    }
    return count == 1 ? found->second : tensor(found->second, edge.tensor);
}

/// The shape that a first layer says its input has; nothing if it does not.
std::optional<Json> statedShape(const Json& layerConfig, const Json& modelConfig)
{
    for (const char* key : {"batch_input_shape", "batch_shape"}) {
        if (const Json& shape = member(layerConfig, key); shape.is_array()) {
            return shape;
        }
    }
    if (layerConfig.contains("mask_zero")) { // Embedding: its input_dim counts rows of the table
        return Json::array({nullptr, member(layerConfig, "input_length")});
    }
    if (const Json& size = member(layerConfig, "input_dim"); size.is_number_integer()) {
        return Json::array({nullptr, size});
    }
    // A pruned or time-distributed first layer keeps the shape inside.
    if (const Json& inner = member(member(layerConfig, "layer"), "config"); inner.is_object()) {
        return statedShape(inner, modelConfig);
    }
    if (const Json& shape = member(modelConfig, "build_input_shape"); shape.is_array()) {
        return shape;
    }
    return std::nullopt;
}

Result<void> Builder::addSequential(const Json& entries, const Json& config)
{
    int previous = -1;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        auto text = layerText(entries[i], i);
        if (!text) {
            return fail(std::move(text).error());
        }
        if (i == 0 && text->className != "InputLayer") {
            const auto shape = statedShape(*text->config, config);
            if (!shape) {
                return fail(ErrorCode::Unsupported,
                            "The network does not say the shape of its input.",
                            "layer " + text->name, "Build the model before it is saved.");
            }
            const Json input{{"batch_input_shape", *shape}};
            auto number = add({text->name + "_input", "InputLayer", &input, {}}, {});
            if (!number) {
                return fail(std::move(number).error());
            }
            previous = *number;
            m_into.layers.back().originalConfig.clear();
            m_into.inputs = {previous};
        }
        auto number = add(*text, previous < 0 ? std::vector<int>{} : std::vector<int>{previous});
        if (!number) {
            return fail(std::move(number).error());
        }
        if (i == 0 && previous < 0) {
            m_into.inputs = {*number};
        }
        previous = *number;
    }
    const int tensors = m_tensors[static_cast<std::size_t>(previous)];
    for (int part = 0; part < tensors; ++part) {
        m_into.outputs.push_back(tensors == 1 ? previous : tensor(previous, part));
    }
    return {};
}

Result<void> Builder::connect(const std::vector<LayerText>& texts)
{
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const LayerText& text = texts[i];
        if (text.nodes.empty()) {
            continue;
        }
        std::vector<int> inputs;
        for (const Edge& edge : text.nodes.front()) {
            auto number = source(edge);
            if (!number) {
                return fail(std::move(number).error().in("layer " + text.name));
            }
            inputs.push_back(*number);
        }
        graph::Layer& layer = m_into.layers[i];
        layer.inputs = std::move(inputs);
        if (text.nodes.size() > 1) {
            giveUp(m_into, layer,
                   fmt::format("it is used {} times, which is not covered", text.nodes.size()));
        }
    }
    return {};
}

Result<std::vector<int>> Builder::ends(const Json& value, const char* key)
{
    Node edges;
    collectEdges(value, edges);
    std::vector<int> numbers;
    for (const Edge& edge : edges) {
        auto number = source(edge);
        if (!number) {
            return fail(std::move(number).error().in(key));
        }
        numbers.push_back(*number);
    }
    if (numbers.empty()) {
        return corrupt("It names no layer.", key);
    }
    return numbers;
}

Result<void> Builder::addFunctional(const Json& entries, const Json& config)
{
    std::vector<LayerText> texts;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        auto text = layerText(entries[i], i);
        if (!text) {
            return fail(std::move(text).error());
        }
        if (auto number = add(*text, {}); !number) {
            return fail(std::move(number).error());
        }
        texts.push_back(std::move(*text));
    }
    if (auto ok = connect(texts); !ok) {
        return ok;
    }
    auto inputs = ends(member(config, "input_layers"), "input_layers");
    if (!inputs) {
        return fail(std::move(inputs).error());
    }
    auto outputs = ends(member(config, "output_layers"), "output_layers");
    if (!outputs) {
        return fail(std::move(outputs).error());
    }
    m_into.inputs = std::move(*inputs);
    m_into.outputs = std::move(*outputs);
    return {};
}

/// "2.2.4-tf" → 2; 2 if the text says nothing.
int majorVersion(std::string_view version)
{
    int major = 2;
    std::from_chars(version.data(), version.data() + version.size(), major);
    return major;
}

/// Keras 3 objects say the Python module they come from, and batch_shape instead of
/// batch_input_shape; the JSON itself says no version when it stands in an HDF5 file.
graph::KerasDialect dialectOf(std::string_view version, const Json& model)
{
    if (version.empty() && member(member(model, "config"), "build_input_shape").is_null() &&
        member(model, "registered_name").is_null() && !member(model, "module").is_null()) {
        return {3};
    }
    return {majorVersion(version)};
}

// ------------------------------------------------------------------------------- shapes and sizes

/// Output shapes as far as they can be told, in any order of the layers; rank 0: unknown.
class ShapeSketch {
public:
    explicit ShapeSketch(const KerasArchitecture& network)
        : m_network(network), m_shapes(network.layers.size())
    {
        constexpr int kMaxPasses = 1000; // files list producers first, so that one is enough
        std::vector<bool> done(m_shapes.size());
        bool progress = true;
        for (int pass = 0; pass < kMaxPasses && progress; ++pass) {
            progress = false;
            for (std::size_t i = 0; i < m_shapes.size(); ++i) {
                if (!done[i] && isReady(network.layers[i], done)) {
                    visit(i);
                    done[i] = true;
                    progress = true;
                }
            }
        }
    }

    [[nodiscard]] const Shape& shape(int layer) const
    {
        return m_shapes[static_cast<std::size_t>(layer)];
    }
    [[nodiscard]] std::int64_t parameters() const { return m_parameters; }

private:
    static bool isReady(const graph::Layer& layer, const std::vector<bool>& done)
    {
        return std::ranges::all_of(
            layer.inputs, [&](int input) { return done[static_cast<std::size_t>(input)]; });
    }

    void visit(std::size_t index)
    {
        const graph::Layer& layer = m_network.layers[index];
        std::vector<Shape> inputs;
        for (const int input : layer.inputs) {
            inputs.push_back(shape(input));
        }
        const auto rules = graph::shapeOf(layer.op, inputs);
        if (!rules) {
            return; // Graph::make says it in words
        }
        m_shapes[index] = rules->output;
        for (const graph::WeightSpec& weight : rules->weights) {
            m_parameters += std::min(weight.shape.elementCount(), kMaxParameters + 1);
            m_parameters = std::min(m_parameters, kMaxParameters + 1);
        }
    }

    const KerasArchitecture& m_network;
    std::vector<Shape> m_shapes;
    std::int64_t m_parameters = 0;
};

/// Layers that work along another axis than the last are other operations, if they are any.
void checkAxes(KerasArchitecture& network, const ShapeSketch& sketch)
{
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
        graph::Layer& layer = network.layers[i];
        const int axis = network.lastAxes[i];
        if (axis == 0 || layer.inputs.empty()) {
            continue;
        }
        const int rank = sketch.shape(layer.inputs.front()).rank(); // without the batch
        if (rank == 0 || axis == rank || axis == -1) {
            continue;
        }
        if (!std::holds_alternative<graph::UnsupportedOp>(network.otherwise[i])) {
            layer.op = network.otherwise[i];
        } else {
            giveUp(network, layer,
                   fmt::format("it works along axis {} of {}, only the last is covered", axis,
                               rank + 1));
        }
    }
}

// ---------------------------------------------------------------------------------------- weights

/// "conv2d/kernel:0" → "kernel"
std::string shortName(std::string_view fileName)
{
    const std::size_t slash = fileName.rfind('/');
    std::string_view name = slash == std::string_view::npos ? fileName : fileName.substr(slash + 1);
    return std::string(name.substr(0, name.find(':')));
}

/// Pruning keeps a mask, a threshold and a counter beside the weights it works on.
bool isPruningState(const graph::Layer& layer, const std::string& name)
{
    return layer.className == "PruneLowMagnitude" &&
           (name == "mask" || name == "threshold" || name == "pruning_step");
}

Result<void> requireFinite(const StoredWeight& weight)
{
    const auto values = weight.value.values();
    const auto bad = std::ranges::find_if(values, [](float v) { return !std::isfinite(v); });
    if (bad != values.end()) {
        return corrupt(fmt::format("Value {} of the weight is {}, not a finite number.",
                                   bad - values.begin(), std::isnan(*bad) ? "NaN" : "infinite"),
                       "weight " + weight.name);
    }
    return {};
}

/// Puts the stored weights in the op's order: by short name where these are the expected ones,
/// else as they come.
Result<void> attach(graph::Layer& layer, std::vector<StoredWeight> stored)
{
    std::erase_if(stored, [&](const StoredWeight& weight) {
        return isPruningState(layer, shortName(weight.name));
    });
    for (const StoredWeight& weight : stored) {
        if (auto ok = requireFinite(weight); !ok) {
            return ok;
        }
    }
    const std::vector<std::string> wanted = graph::weightNames(layer.op);
    std::vector<std::string> got;
    for (const StoredWeight& weight : stored) {
        got.push_back(shortName(weight.name));
    }
    if (layer.isSupported() && stored.size() != wanted.size()) {
        return corrupt(fmt::format("The file holds {} weights ({}), {} has {} ({}).", got.size(),
                                   fmt::join(got, ", "), layer.className, wanted.size(),
                                   fmt::join(wanted, ", ")),
                       {});
    }
    const bool byName = layer.isSupported() && std::ranges::is_permutation(got, wanted);
    for (std::size_t i = 0; i < stored.size(); ++i) {
        const std::size_t from =
            byName ? static_cast<std::size_t>(std::ranges::find(got, wanted[i]) - got.begin()) : i;
        graph::Weight weight;
        weight.name = layer.isSupported() ? wanted[i] : got[from];
        weight.fileName = std::move(stored[from].name);
        weight.value = std::make_shared<const Tensor>(std::move(stored[from].value));
        layer.weights.push_back(std::move(weight));
    }
    return {};
}

bool wantsWeights(const graph::Layer& layer)
{
    return !graph::weightNames(layer.op).empty();
}

} // namespace

Result<KerasArchitecture> readArchitecture(std::string_view json, std::string_view kerasVersion,
                                           const std::string& where)
{
    auto parsed = parseJson(json, where);
    if (!parsed) {
        return fail(std::move(parsed).error());
    }
    // Some writers wrap the model once more.
    const Json& wrapped = member(*parsed, "model_config");
    const Json& model = wrapped.is_object() ? wrapped : *parsed;
    const std::string className = textOf(member(model, "class_name"));
    const Json& config = member(model, "config");
    if (className.empty() || !config.is_structured()) {
        return corrupt("The JSON text is no Keras model: class_name or config is missing.", where);
    }
    KerasArchitecture network;
    network.kerasVersion = textOf(member(*parsed, "keras_version"));
    if (network.kerasVersion.empty()) {
        network.kerasVersion = kerasVersion;
    }
    network.backend = textOf(member(*parsed, "backend"));
    network.name = textOf(member(config, "name"));
    const bool functional = !member(config, "input_layers").is_null();
    const Json& entries = config.is_array() ? config : member(config, "layers");
    if (className != "Sequential" && !functional) {
        return fail(ErrorCode::Unsupported,
                    "The model is of the class " + className +
                        ", which does not describe its layers.",
                    where, "Sequential and Functional models are read.");
    }
    if (!entries.is_array() || entries.empty() || entries.size() > kMaxLayers) {
        return corrupt("The model has no list of layers.", where);
    }
    Builder builder(network, dialectOf(network.kerasVersion, model));
    auto built = className == "Sequential" ? builder.addSequential(entries, config)
                                           : builder.addFunctional(entries, config);
    if (!built) {
        return fail(std::move(built).error().in(where));
    }
    graph::passMasks(network.layers);
    network.lastAxes.resize(network.layers.size(), 0);
    network.otherwise.resize(network.layers.size(), graph::UnsupportedOp{});
    network.quantizers.name = network.quantizers.layers.empty() ? "float" : "imported";
    return network;
}

Result<void> attachWeights(std::vector<graph::Layer>& layers, std::vector<StoredLayer> stored)
{
    std::map<std::string, std::size_t, std::less<>> byName;
    std::vector<std::size_t> inOrder; // stored layers that hold weights
    for (std::size_t i = 0; i < stored.size(); ++i) {
        byName.emplace(stored[i].name, i);
        if (!stored[i].weights.empty()) {
            inOrder.push_back(i);
        }
    }
    const bool named = std::ranges::all_of(layers, [&](const graph::Layer& layer) {
        return !wantsWeights(layer) || byName.contains(layer.name);
    });
    const auto count = std::ranges::count_if(layers, wantsWeights);
    if (!named && static_cast<std::size_t>(count) != inOrder.size()) {
        const auto missing = std::ranges::find_if(layers, [&](const graph::Layer& layer) {
            return wantsWeights(layer) && !byName.contains(layer.name);
        });
        return corrupt(fmt::format("The file holds weights of {} layers, the network has {}; "
                                   "this one is not among them.",
                                   inOrder.size(), count),
                       "layer " + missing->name);
    }
    std::size_t next = 0;
    for (graph::Layer& layer : layers) {
        std::vector<StoredWeight> weights;
        if (named) {
            if (const auto found = byName.find(layer.name); found != byName.end()) {
                weights = std::move(stored[found->second].weights);
            }
        } else if (wantsWeights(layer)) {
            weights = std::move(stored[inOrder[next++]].weights);
        }
        if (auto ok = attach(layer, std::move(weights)); !ok) {
            return fail(std::move(ok).error().in("layer " + layer.name));
        }
    }
    return {};
}

Result<graph::GraphPtr> makeGraph(KerasArchitecture& architecture, const std::string& where)
{
    const ShapeSketch sketch(architecture);
    checkAxes(architecture, sketch);
    const bool bare = std::ranges::all_of(
        architecture.layers, [](const graph::Layer& layer) { return layer.weights.empty(); });
    if (bare && sketch.parameters() > kMaxParameters) {
        return corrupt(fmt::format("The network has more than {} parameters.", kMaxParameters),
                       where);
    }
    auto graph = graph::Graph::make(architecture.name, std::move(architecture.layers),
                                    architecture.inputs, architecture.outputs);
    if (!graph) {
        Error error = std::move(graph).error();
        error.code = ErrorCode::CorruptFile;
        return fail(std::move(error).in(where));
    }
    return std::move(*graph);
}

} // namespace bitscape::io
