// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/keras_text.h"

#include <queue>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

namespace bitscape::io {

namespace {

Failure corrupt(std::string message, std::string where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), std::move(where));
}

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

bool isTensorObject(const Json& value)
{
    return value.is_object() && textOf(member(value, "class_name")) == "__keras_tensor__";
}

void collect(const Json& value, std::vector<Edge>& edges)
{
    if (const auto edge = edgeOf(value)) {
        edges.push_back(*edge);
        if (value.size() > 3) { // tensors among the keyword arguments
            collect(value[3], edges);
        }
        return;
    }
    if (isTensorObject(value)) {
        if (const auto edge = edgeOf(member(member(value, "config"), "keras_history"))) {
            edges.push_back(*edge);
        }
        return;
    }
    if (value.is_structured()) {
        for (const Json& inner : value) {
            collect(inner, edges);
        }
    }
}

/// Whether every call reads exactly two tensors and nothing else.
bool joinsTwoTensors(const Json& nodes)
{
    return nodes.is_array() && !nodes.empty() && std::ranges::all_of(nodes, [](const Json& node) {
               const Json& arguments = member(node, "args");
               return arguments.is_array() && arguments.size() == 2 &&
                      std::ranges::all_of(arguments, isTensorObject);
           });
}

/// Whether a call reads a number or a text where layers read tensors.
bool readsPlainValues(const Json& nodes)
{
    return nodes.is_array() && std::ranges::any_of(nodes, [](const Json& node) {
               const Json& arguments = member(node, "args");
               return arguments.is_array() &&
                      std::ranges::any_of(arguments, [](const Json& argument) {
                          return argument.is_number() || argument.is_string();
                      });
           });
}

constexpr std::string_view kOperation = "keras.ops.";

/// Keras 3 writes "x + y" as an operation that is no layer but has the name of one.
std::string classOf(const Json& entry)
{
    std::string name = textOf(member(entry, "class_name"));
    const Json& nodes = member(entry, "inbound_nodes");
    const std::string module = textOf(member(entry, "module"));
    const bool isOperation = module.starts_with("keras.src.ops") || module.starts_with("keras.ops");
    if (!isOperation && !readsPlainValues(nodes) && name != "Any") { // HDF5 does not say modules
        return name;
    }
    constexpr std::array<std::string_view, 5> kLayers{"Add", "Subtract", "Multiply", "Maximum",
                                                      "Minimum"};
    const bool isLayer =
        std::ranges::find(kLayers, name) != kLayers.end() && joinsTwoTensors(nodes);
    return isLayer ? name : std::string(kOperation) + name;
}

bool isOperation(const LayerText& layer)
{
    return layer.className.starts_with(kOperation);
}

bool makesMask(const LayerText& layer)
{
    const Json& masks = member(*layer.config, "mask_zero");
    return layer.className == "Masking" ||
           (layer.className == "Embedding" && masks.is_boolean() && masks.get<bool>());
}

std::vector<Edge> edgesOfCall(const Json& node)
{
    const Json& named = member(node, "kwargs");
    if (!named.is_object()) {
        return edgesIn(node);
    }
    std::vector<Edge> edges = edgesIn(member(node, "args"));
    for (const auto& [key, value] : named.items()) {
        for (Edge& edge : edgesIn(value)) {
            edge.isMask = key == "mask";
            edges.push_back(std::move(edge));
        }
    }
    return edges;
}

/// RNN around one of Keras' cells is the layer of that cell.
void takeCell(LayerText& text)
{
    struct CellLayer {
        std::string_view cell, layer;
    };
    constexpr std::array kCells{CellLayer{"LSTMCell", "LSTM"}, CellLayer{"GRUCell", "GRU"},
                                CellLayer{"SimpleRNNCell", "SimpleRNN"}};
    const Json& cell = member(*text.config, "cell");
    const auto* row =
        std::ranges::find(kCells, textOf(member(cell, "class_name")), &CellLayer::cell);
    if (text.className != "RNN" || row == kCells.end() || !member(cell, "config").is_object()) {
        return;
    }
    Json config = *text.config;
    config.erase("cell");
    for (const auto& [key, value] : member(cell, "config").items()) {
        if (key != "name" && key != "trainable" && key != "dtype") {
            config[key] = value;
        }
    }
    text.storedClass = text.className;
    text.className = row->layer;
    text.own = std::make_shared<const Json>(std::move(config));
    text.config = text.own.get();
}

Result<LayerText> layerText(const Json& entry, std::size_t number)
{
    const Json& config = member(entry, "config");
    LayerText text;
    text.className = classOf(entry);
    // The entry's own name is the one that nodes refer to; Sequential models have the config's
    // only.
    text.name = textOf(member(entry, "name"));
    if (text.name.empty()) {
        text.name = textOf(member(config, "name"));
    }
    if (text.className.empty()) {
        return corrupt("The layer has no class_name.", "layer " + std::to_string(number));
    }
    if (text.name.empty()) {
        text.name = fmt::format("{}_{}", text.className, number); // Keras 1 allowed none
    }
    text.config = &config;
    takeCell(text);
    const Json& nodes = member(entry, "inbound_nodes");
    if (nodes.is_array()) {
        for (const Json& node : nodes) {
            text.nodes.push_back(edgesOfCall(node));
        }
    }
    return text;
}

/// The input of a functional model, if it has one only.
const Json* onlyInput(const ModelText& model)
{
    const std::vector<Edge> inputs = edgesIn(member(*model.config, "input_layers"));
    if (inputs.size() != 1) {
        return nullptr;
    }
    for (const Json& entry : *model.layers) {
        if (textOf(member(entry, "name")) == inputs.front().layer) {
            return &entry;
        }
    }
    return nullptr;
}

} // namespace

std::string textOf(const Json& value)
{
    return value.is_string() ? value.get<std::string>() : std::string();
}

std::vector<Edge> edgesIn(const Json& value)
{
    std::vector<Edge> edges;
    collect(value, edges);
    return edges;
}

Result<std::vector<LayerText>> layerTexts(const Json& entries)
{
    std::vector<LayerText> texts;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        auto text = layerText(entries[i], i);
        if (!text) {
            return fail(std::move(text).error());
        }
        texts.push_back(std::move(*text));
    }
    return texts;
}

std::optional<ModelText> modelText(const std::string& className, const Json& config)
{
    ModelText model{&config, config.is_array() ? &config : &member(config, "layers"),
                    className == "Sequential"};
    const bool isModel = model.isSequential || !member(config, "input_layers").is_null();
    return isModel && model.layers->is_array() && !model.layers->empty() ? std::optional(model)
                                                                         : std::nullopt;
}

std::optional<Json> statedShape(const std::string& className, const Json& config)
{
    for (const char* key : {"batch_input_shape", "batch_shape"}) {
        if (const Json& shape = member(config, key); shape.is_array()) {
            return shape;
        }
    }
    if (const auto model = modelText(className, config)) {
        const Json* first = model->isSequential ? &model->layers->front() : onlyInput(*model);
        auto shape = first == nullptr ? std::nullopt
                                      : statedShape(textOf(member(*first, "class_name")),
                                                    member(*first, "config"));
        const Json& built = member(config, "build_input_shape");
        return shape || !built.is_array() ? shape : std::optional<Json>(built);
    }
    if (config.contains("mask_zero")) { // Embedding: its input_dim counts rows of the table
        return Json::array({nullptr, member(config, "input_length")});
    }
    if (const Json& size = member(config, "input_dim"); size.is_number_integer()) {
        return config.contains("input_length") // Keras 1: of sequences
                   ? Json::array({nullptr, member(config, "input_length"), size})
                   : Json::array({nullptr, size});
    }
    // A pruned or time-distributed first layer keeps the shape inside.
    const Json& inner = member(config, "layer");
    return member(inner, "config").is_object()
               ? statedShape(textOf(member(inner, "class_name")), member(inner, "config"))
               : std::nullopt;
}

/// The first node of a model inside is its own making: its calls count from 1.
void CallPlan::countFrom(const std::vector<Edge>& edges)
{
    for (const Edge& edge : edges) {
        const auto found = m_places.find(edge.layer);
        if (found != m_places.end() && edge.node == found->second.count) {
            found->second.base = 1;
        }
    }
}

Result<CallPlan> CallPlan::make(const std::vector<LayerText>& layers,
                                const std::vector<Edge>& outputs)
{
    CallPlan plan;
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const Place place{static_cast<int>(plan.m_calls.size()),
                          std::max<std::int64_t>(1, std::ssize(layers[i].nodes))};
        if (!plan.m_places.emplace(layers[i].name, place).second) {
            return corrupt("Two layers have this name.", "layer " + layers[i].name);
        }
        for (std::int64_t number = 0; number < place.count; ++number) {
            plan.m_calls.push_back({i, static_cast<std::size_t>(number), {}});
        }
    }
    plan.countFrom(outputs);
    for (const LayerText& layer : layers) {
        for (const auto& node : layer.nodes) {
            plan.countFrom(node);
        }
    }
    if (auto ok = plan.connect(layers); !ok) {
        return fail(std::move(ok).error());
    }
    if (auto ok = plan.sort(layers); !ok) {
        return fail(std::move(ok).error());
    }
    plan.dropUnread(layers, outputs);
    return plan;
}

Result<void> CallPlan::connect(const std::vector<LayerText>& layers)
{
    const bool passesMasks = std::ranges::any_of(layers, makesMask);
    for (Call& call : m_calls) {
        const LayerText& layer = layers[call.layer];
        if (layer.nodes.empty()) {
            continue;
        }
        for (const Edge& edge : layer.nodes[call.number]) {
            auto source = find(edge);
            if (!source) {
                return fail(std::move(source).error().in("layer " + layer.name));
            }
            const Call& producer = m_calls[static_cast<std::size_t>(source->call)];
            if (!edge.isMask || !passesMasks || !isOperation(layers[producer.layer])) {
                call.sources.push_back(*source);
            }
        }
    }
    return {};
}

Result<CallPlan::Source> CallPlan::find(const Edge& edge) const
{
    const auto found = m_places.find(edge.layer);
    if (found == m_places.end()) {
        return corrupt("It reads a layer '" + edge.layer + "' that is not there.", {});
    }
    const Place& place = found->second;
    // Of a layer that is called once, files give all sorts of numbers.
    const std::int64_t number = place.count == 1 ? 0 : edge.node - place.base;
    if (number < 0 || number >= place.count) {
        return corrupt(fmt::format("It reads call {} of the layer '{}', which has {}.", edge.node,
                                   edge.layer, place.count),
                       {});
    }
    return Source{place.firstCall + static_cast<int>(number), edge.tensor};
}

/// Takes operations out of the order that no call and no output reads.
void CallPlan::dropUnread(const std::vector<LayerText>& layers, const std::vector<Edge>& outputs)
{
    std::vector<int> readers(m_calls.size());
    for (const Call& call : m_calls) {
        for (const Source& source : call.sources) {
            ++readers[static_cast<std::size_t>(source.call)];
        }
    }
    for (const Edge& edge : outputs) {
        if (const auto source = find(edge)) {
            ++readers[static_cast<std::size_t>(source->call)];
        }
    }
    std::vector<int> kept;
    for (auto number = m_order.rbegin(); number != m_order.rend(); ++number) {
        const auto index = static_cast<std::size_t>(*number);
        if (readers[index] > 0 || !isOperation(layers[m_calls[index].layer])) {
            kept.push_back(*number);
            continue;
        }
        for (const Source& source : m_calls[index].sources) {
            --readers[static_cast<std::size_t>(source.call)];
        }
    }
    m_order.assign(kept.rbegin(), kept.rend());
}

/// Producers first, otherwise as in the file.
Result<void> CallPlan::sort(const std::vector<LayerText>& layers)
{
    std::vector<std::vector<int>> readers(m_calls.size());
    std::vector<std::size_t> waiting(m_calls.size());
    std::priority_queue<int, std::vector<int>, std::greater<>> ready;
    for (std::size_t i = 0; i < m_calls.size(); ++i) {
        waiting[i] = m_calls[i].sources.size();
        for (const Source& source : m_calls[i].sources) {
            readers[static_cast<std::size_t>(source.call)].push_back(static_cast<int>(i));
        }
        if (waiting[i] == 0) {
            ready.push(static_cast<int>(i));
        }
    }
    while (!ready.empty()) {
        const int next = ready.top();
        ready.pop();
        m_order.push_back(next);
        for (const int reader : readers[static_cast<std::size_t>(next)]) {
            if (--waiting[static_cast<std::size_t>(reader)] == 0) {
                ready.push(reader);
            }
        }
    }
    if (m_order.size() == m_calls.size()) {
        return {};
    }
    const auto stuck = std::ranges::find_if(waiting, [](std::size_t n) { return n > 0; });
    const Call& call = m_calls[static_cast<std::size_t>(stuck - waiting.begin())];
    return corrupt("The layer waits for its own output.", "layer " + layers[call.layer].name);
}

} // namespace bitscape::io
