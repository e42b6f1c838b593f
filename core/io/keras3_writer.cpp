// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/keras3_writer.h"

#include "core/graph/layer_registry.h"
#include "core/graph/layer_rule.h"
#include "core/io/hdf5.h"
#include "core/io/zip_archive.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <utility>
#include <vector>

// Keras 3 differs from what the legacy writer makes in the frame around a layer, in the names of
// some arguments, in how nodes are written and in where weights lie.
namespace bitscape::io {

namespace {

constexpr const char* kVersion = "3.0.0";
constexpr const char* kDate = "2000-01-01@00:00:00"; // the same network gives the same bytes

bool isOfQKeras(std::string_view className)
{
    const bool isQ = className.size() > 1 && className[0] == 'Q' &&
                     std::isupper(static_cast<unsigned char>(className[1])) != 0;
    return isQ || className == "Clip";
}

/// QKeras' modules of its layers.
std::string qkerasModule(std::string_view className)
{
    struct Row {
        std::string_view part, module;
    };
    constexpr std::array kRows{Row{"QConv2DBatchnorm", "qconv2d_batchnorm"},
                               Row{"QDepthwiseConv2DBatchnorm", "qdepthwiseconv2d_batchnorm"},
                               Row{"QDenseBatchnorm", "qdense_batchnorm"},
                               Row{"QSeparableConv2DTranspose", "qseparable_conv2d_transpose"},
                               Row{"QDepthwiseConv2DTranspose", "qdepthwise_conv2d_transpose"},
                               Row{"BatchNormalization", "qnormalization"},
                               Row{"Pooling2D", "qpooling"},
                               Row{"Conv", "qconvolutional"},
                               Row{"RNN", "qrecurrent"},
                               Row{"LSTM", "qrecurrent"},
                               Row{"GRU", "qrecurrent"},
                               Row{"QBidirectional", "qrecurrent"}};
    const auto row = std::ranges::find_if(kRows, [&](const Row& candidate) {
        return className.find(candidate.part) != std::string_view::npos;
    });
    return "qkeras." + std::string(row == kRows.end() ? "qlayers" : row->module);
}

/// A serialized object in Keras 3's frame.
Json framed(const std::string& module, Json object)
{
    const std::string name = object.at("class_name").get<std::string>();
    const bool isForeign = module.starts_with("qkeras");
    return {{"module", module},
            {"class_name", name},
            {"config", object.contains("config") ? object.at("config") : Json::object()},
            {"registered_name", isForeign ? Json("qkeras>" + name) : Json(nullptr)}};
}

bool isBareObject(const Json& value)
{
    return value.is_object() && value.contains("class_name") && !value.contains("module");
}

/// What an object under this key is.
std::string moduleOf(const std::string& key, const std::string& className)
{
    if (isOfQKeras(className)) {
        return qkerasModule(className);
    }
    for (const auto& [ending, module] :
         {std::pair("_initializer", "keras.initializers"),
          std::pair("_regularizer", "keras.regularizers"),
          std::pair("_constraint", "keras.constraints"), std::pair("activation", "keras.layers")}) {
        if (key.ends_with(ending) && (key != "activation" || className == "ReLU")) {
            return module;
        }
    }
    return "qkeras.quantizers";
}

Json layerOf(const Json& layer);

/// Arguments under the names that Keras 3 knows.
void renameArguments(const std::string& className, Json& config)
{
    const auto rename = [&](const char* from, const char* to) {
        if (config.contains(from)) {
            config[to] = config[from];
            config.erase(from);
        }
    };
    rename("batch_input_shape", "batch_shape");
    config.erase("ragged");
    if (className == "LeakyReLU") {
        rename("alpha", "negative_slope");
    }
    if (className.ends_with("BatchNormalization") && config.contains("axis") &&
        config["axis"].is_array() && config["axis"].size() == 1) {
        config["axis"] = Json(config["axis"].front());
    }
}

Json configOf(const std::string& className, Json config)
{
    renameArguments(className, config);
    for (auto& [key, value] : config.items()) {
        if (!isBareObject(value)) {
            continue;
        }
        if (key == "layer" || key == "backward_layer") {
            value = layerOf(value);
            continue;
        }
        Json inner = value;
        if (inner.contains("config") && inner["config"].is_object()) {
            inner["config"] = configOf(inner["class_name"].get<std::string>(), inner["config"]);
        }
        const std::string module = moduleOf(key, inner["class_name"].get<std::string>());
        value = framed(module, std::move(inner));
    }
    return config;
}

Json layerOf(const Json& layer)
{
    const std::string className = layer.at("class_name").get<std::string>();
    return framed(isOfQKeras(className) ? qkerasModule(className) : "keras.layers",
                  {{"class_name", className}, {"config", configOf(className, layer.at("config"))}});
}

/// A tensor: entry, node, number.
Json tensorOf(const Json& source)
{
    return {{"class_name", "__keras_tensor__"},
            {"config",
             {{"shape", Json::array()},
              {"dtype", "float32"},
              {"keras_history", Json::array({source.at(0), source.at(1), source.at(2)})}}}};
}

/// Several inputs are one list, but where the layer takes them one by one.
Json nodesOf(const Json& layer)
{
    if (layer.at("inbound_nodes").empty()) {
        return Json::array();
    }
    Json tensors = Json::array();
    for (const Json& source : layer.at("inbound_nodes").front()) {
        tensors.push_back(tensorOf(source));
    }
    const bool isApart = layer.at("class_name") == "MultiHeadAttention";
    Json args =
        tensors.size() > 1 && !isApart ? Json::array({std::move(tensors)}) : std::move(tensors);
    return Json::array({{{"args", std::move(args)}, {"kwargs", Json::object()}}});
}

/// Shapes of the tensors that nodes name.
void fillShapes(const std::map<std::string, Json>& shapes, Json& value)
{
    if (value.is_object() && value.contains("keras_history")) {
        const auto found = shapes.find(value["keras_history"].at(0).get<std::string>());
        if (found != shapes.end()) {
            value["shape"] = found->second;
        }
        return;
    }
    if (value.is_structured()) {
        for (auto& item : value) {
            fillShapes(shapes, item);
        }
    }
}

std::map<std::string, Json> shapesOf(const graph::Graph& graph)
{
    std::map<std::string, Json> shapes;
    for (const graph::Layer& layer : graph.layers()) {
        Json shape = Json::array({nullptr});
        for (const Index size : layer.outputShape.sizes()) {
            shape.push_back(size < 0 ? Json(nullptr) : Json(size));
        }
        // Behind a layer that the writer put in to quantize an output.
        shapes[layer.name + "_quantizer"] = shape;
        shapes[layer.name] = std::move(shape);
    }
    return shapes;
}

Json documentOf(const Json& model, const graph::Graph& graph)
{
    const Json& old = model.at("config");
    const std::string className = model.at("class_name").get<std::string>();
    Json layers = Json::array();
    for (const Json& layer : old.at("layers")) {
        Json entry = layerOf(layer);
        if (layer.contains("inbound_nodes")) {
            entry["name"] = layer.at("name");
            entry["inbound_nodes"] = nodesOf(layer);
        }
        layers.push_back(std::move(entry));
    }
    fillShapes(shapesOf(graph), layers);
    Json config{{"name", old.at("name")}, {"trainable", true}, {"layers", std::move(layers)}};
    for (const char* ends : {"input_layers", "output_layers"}) {
        if (old.contains(ends)) {
            config[ends] = old.at(ends);
        }
    }
    return {{"module", "keras"},
            {"class_name", className},
            {"config", std::move(config)},
            {"registered_name", className}};
}

/// Keras' name of a class in files: "GlobalAveragePooling2D" → "global_average_pooling2d".
std::string snakeCase(std::string_view name)
{
    const auto isUpper = [&](std::size_t i) {
        return i < name.size() && std::isupper(static_cast<unsigned char>(name[i])) != 0;
    };
    const auto isLower = [&](std::size_t i) {
        return i < name.size() && std::islower(static_cast<unsigned char>(name[i])) != 0;
    };
    std::string out;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const bool startsWord = i > 0 && isUpper(i) && (isLower(i + 1) || isLower(i - 1));
        out += startsWord && out.back() != '_' ? "_" : "";
        out += static_cast<char>(std::tolower(static_cast<unsigned char>(name[i])));
    }
    return out;
}

/// Where weights lie below the group of their layer, and how many there are in each place.
struct Place {
    std::string path;
    std::size_t count = 0;
};

bool isRecurrent(std::string_view className)
{
    return className.ends_with("LSTM") || className.ends_with("GRU") ||
           className.ends_with("SimpleRNN") || className.ends_with("ConvLSTM2D");
}

std::vector<Place> placesOf(const Json& entry, std::size_t weights)
{
    const std::string className = entry.at("class_name").get<std::string>();
    if (isRecurrent(className)) {
        return {{"cell/vars", weights}};
    }
    if (className.ends_with("Bidirectional")) {
        return {{"forward_layer/cell/vars", weights / 2},
                {"backward_layer/cell/vars", weights / 2}};
    }
    if (className.ends_with("Batchnorm")) { // the normalization is a layer inside
        const Json& config = entry.at("config");
        const std::size_t norm = 2 + (config.at("scale").get<bool>() ? 1U : 0U) +
                                 (config.at("center").get<bool>() ? 1U : 0U);
        return {{"vars", weights - norm}, {"batchnorm/vars", norm}};
    }
    if (className == "TimeDistributed") {
        const Json& inner = entry.at("config").at("layer");
        return {{isRecurrent(inner.at("class_name").get<std::string>()) ? "layer/cell/vars"
                                                                        : "layer/vars",
                 weights}};
    }
    if (className == "MultiHeadAttention") {
        return {{"query_dense/vars", weights / 4},
                {"key_dense/vars", weights / 4},
                {"value_dense/vars", weights / 4},
                {"output_dense/vars", weights / 4}};
    }
    return {{"vars", weights}};
}

bool isCounter(const graph::Weight& weight)
{
    return weight.name == "iteration" || weight.name == "count";
}

/// Weights that Keras' files hold; those of a normalization inside come last.
std::vector<const graph::Weight*> storedWeights(const graph::Layer& layer)
{
    const auto* registered = std::get_if<graph::RuleOp>(&layer.op);
    std::vector<const graph::Weight*> stored;
    for (std::size_t i = 0; i < layer.weights.size(); ++i) {
        if (registered == nullptr || registered->rule->weights()[i].isStored) {
            stored.push_back(&layer.weights[i]);
        }
    }
    if (std::holds_alternative<graph::FoldedConvOp>(layer.op)) {
        std::ranges::stable_partition(stored, [](const graph::Weight* weight) {
            return weight->name.ends_with("kernel") || weight->name == "bias" || isCounter(*weight);
        });
    }
    return stored;
}

Result<void> writeLayer(hdf5::File& file, const std::string& path, const Json& entry,
                        const graph::Layer* layer)
{
    const auto stored =
        layer == nullptr ? std::vector<const graph::Weight*>{} : storedWeights(*layer);
    auto vars = file.makeGroup(path + "/vars");
    if (!vars) {
        return fail(std::move(vars).error());
    }
    if (auto ok = vars->setText("name", entry.at("config").at("name").get<std::string>()); !ok) {
        return ok;
    }
    std::size_t next = 0;
    for (const Place& place : placesOf(entry, stored.size())) {
        for (std::size_t i = 0; i < place.count; ++i) {
            const graph::Weight& weight = *stored[next++];
            const std::string where = path + "/" + place.path + "/" + std::to_string(i);
            const std::vector<std::int64_t> counts(
                static_cast<std::size_t>(weight.value->size()),
                static_cast<std::int64_t>(weight.value->values()[0]));
            auto ok = isCounter(weight)
                          ? file.writeIntegers(where, counts, weight.value->shape().sizes(),
                                               hdf5::Storage::Plain)
                          : file.write(where, weight.value->view(), hdf5::Storage::Plain);
            if (!ok) {
                return ok;
            }
        }
    }
    return {};
}

/// Layers that draw hold the state of their generator.
bool draws(const std::string& className)
{
    return className.find("Dropout") != std::string::npos || className == "GaussianNoise";
}

Result<std::string> weightsFile(const Json& model, const graph::Graph& graph)
{
    auto file = hdf5::File::createInMemory(hdf5::Format::Earliest, "model.weights.h5");
    if (!file) {
        return fail(std::move(file).error());
    }
    if (auto vars = file->makeGroup("vars"); !vars) {
        return fail(std::move(vars).error());
    }
    std::map<std::string, int> used;
    for (const Json& entry : model.at("config").at("layers")) {
        const std::string className = entry.at("class_name").get<std::string>();
        const std::string snake = snakeCase(className);
        const int number = used[snake]++;
        const std::string path =
            "layers/" + snake + (number == 0 ? "" : "_" + std::to_string(number));
        const int index = graph.find(entry.at("config").at("name").get<std::string>());
        if (auto ok = writeLayer(*file, path, entry, index < 0 ? nullptr : &graph.layer(index));
            !ok) {
            return fail(std::move(ok).error());
        }
        if (draws(className)) {
            constexpr std::array<std::int64_t, 2> kSeed{0, 0};
            constexpr std::array<Index, 1> kShape{2};
            if (auto ok = file->writeIntegers(path + "/seed_generator/vars/0", kSeed, kShape,
                                              hdf5::Storage::Plain);
                !ok) {
                return fail(std::move(ok).error());
            }
        }
    }
    return file->image();
}

/// Classes of Keras 2 that Keras 3 has dropped.
Result<void> requireKeras3(const Json& model)
{
    constexpr std::array<std::string_view, 3> kDropped{"LocallyConnected1D", "LocallyConnected2D",
                                                       "ThresholdedReLU"};
    std::string names;
    for (const Json& entry : model.at("config").at("layers")) {
        const std::string className = entry.at("class_name").get<std::string>();
        if (std::ranges::find(kDropped, className) != kDropped.end()) {
            names += (names.empty() ? "" : ", ") +
                     entry.at("config").at("name").get<std::string>() + " (" + className + ")";
        }
    }
    return names.empty()
               ? Result<void>()
               : fail(ErrorCode::Unsupported, "Keras 3 has no such layers: " + names + ".", {},
                      "Export as keras-h5, which Keras 2 reads.");
}

} // namespace

Result<std::string> toKerasZip(const Json& model, const graph::Graph& graph)
{
    if (auto ok = requireKeras3(model); !ok) {
        return fail(std::move(ok).error());
    }
    auto weights = weightsFile(model, graph);
    if (!weights) {
        return fail(std::move(weights).error());
    }
    const Json metadata{{"keras_version", kVersion}, {"date_saved", kDate}};
    return writeZip({{"metadata.json", metadata.dump()},
                     {"config.json", documentOf(model, graph).dump()},
                     {"model.weights.h5", std::move(*weights)}},
                    "model.keras");
}

} // namespace bitscape::io
