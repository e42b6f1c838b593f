// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/keras_architecture.h"

#include "core/base/json_text.h"
#include "core/graph/layer_registry.h"
#include "core/graph/mask_flow.h"
#include "core/io/keras1.h"
#include "core/io/keras_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

namespace bitscape::io {

namespace {

constexpr std::size_t kMaxLayers = 100000;

Failure corrupt(std::string message, std::string where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), std::move(where));
}

/// An output of a layer of the network.
struct TensorRef {
    int layer = 0;
    int part = 0;
};
using Tensors = std::vector<TensorRef>;

/// Where in the file a model stands.
struct Scope {
    std::string prefix = {};
    bool isPerStep = false; ///< inside TimeDistributed

    [[nodiscard]] Scope within(const std::string& name) const
    {
        return {prefix + name + ".", isPerStep};
    }
};

class Builder {
public:
    Builder(KerasArchitecture& into, graph::KerasDialect dialect) : m_into(into), m_dialect(dialect)
    {
    }

    /// Adds all layers of a model; returns what it gives. `given`: what it reads; null: it has
    /// inputs of its own.
    Result<Tensors> build(const ModelText& model, const Scope& scope, const Tensors* given,
                          std::vector<KerasUnit>& units);
    Result<std::vector<int>> resolve(const Tensors& tensors);

private:
    Result<Tensors> sequential(const ModelText& model, const Scope& scope, const Tensors* given,
                               std::vector<KerasUnit>& units);
    Result<Tensors> functional(const ModelText& model, const Scope& scope, const Tensors* given,
                               std::vector<KerasUnit>& units);
    /// What stands before the first layer of a sequential model without inputs.
    Result<Tensors> impliedInput(const LayerText& first, const ModelText& model,
                                 const Scope& scope);
    /// Keras 1: a Merge that holds the models it merges.
    Result<Tensors> branches(const LayerText& merge, const Scope& scope,
                             std::vector<KerasUnit>& units);
    /// One call of a layer, or of a model inside.
    Result<Tensors> call(const LayerText& text, const Tensors* inputs, const Scope& scope,
                         KerasUnit& unit);
    Result<Tensors> callLayer(const LayerText& text, const Tensors& inputs, const Scope& scope,
                              KerasUnit& unit);
    /// Adds the layer and what it means; returns its number.
    Result<int> add(const LayerText& text, std::string name, std::vector<int> inputs);
    Result<Tensors> addInput(const LayerText& text, const Scope& scope);
    Result<TensorRef> output(const Tensors& tensors, std::int64_t part, const std::string& name);
    int tensor(int layer, int part);
    [[nodiscard]] std::string freeName(const std::string& name) const;

    KerasArchitecture& m_into;
    graph::KerasDialect m_dialect;
    std::vector<int> m_tensors; ///< per layer: how many it gives
    std::map<std::string, int, std::less<>> m_numbers;
};

std::string Builder::freeName(const std::string& name) const
{
    std::string free = name;
    for (int copy = 2; m_numbers.contains(free); ++copy) {
        free = fmt::format("{}-{}", name, copy);
    }
    return free;
}

Result<int> Builder::add(const LayerText& text, std::string name, std::vector<int> inputs)
{
    auto meaning = graph::readLayerConfig(text.className, *text.config, m_dialect);
    if (!meaning) {
        return fail(std::move(meaning).error().in("layer " + name));
    }
    if (m_into.layers.size() >= kMaxLayers) {
        return corrupt(fmt::format("The network has more than {} layers.", kMaxLayers),
                       "layer " + name);
    }
    const Json& policy = member(*text.config, "dtype");
    if (textOf(member(policy, "class_name")).starts_with("Quantized")) {
        meaning = graph::LayerMeaning{
            .op = graph::UnsupportedOp{"its weights are quantized by Keras, which is not covered"}};
    }
    const int number = static_cast<int>(m_into.layers.size());
    m_numbers.emplace(name, number);
    graph::Layer layer;
    layer.name = std::move(name);
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

int Builder::tensor(int layer, int part)
{
    const std::string name =
        fmt::format("{}:{}", m_into.layers[static_cast<std::size_t>(layer)].name, part);
    const auto [found, isNew] = m_numbers.emplace(name, static_cast<int>(m_into.layers.size()));
    if (isNew) {
        graph::Layer select;
        select.name = name;
        select.className = "Select";
        select.op = graph::SelectOp{part};
        select.inputs = {layer};
        m_into.layers.push_back(std::move(select));
        m_into.lastAxes.push_back(0);
        m_into.otherwise.emplace_back(graph::UnsupportedOp{});
        m_tensors.push_back(1);
    }
    return found->second;
}

Result<std::vector<int>> Builder::resolve(const Tensors& tensors)
{
    std::vector<int> layers;
    for (const TensorRef& ref : tensors) {
        const int count = m_tensors[static_cast<std::size_t>(ref.layer)];
        layers.push_back(count == 1 ? ref.layer : tensor(ref.layer, ref.part));
    }
    return layers;
}

Result<TensorRef> Builder::output(const Tensors& tensors, std::int64_t part,
                                  const std::string& name)
{
    if (part >= 0 && part < std::ssize(tensors)) {
        return tensors[static_cast<std::size_t>(part)];
    }
    // What is not covered has an unknown number of outputs.
    const int layer = tensors.empty() ? -1 : tensors.front().layer;
    if (layer >= 0 && !m_into.layers[static_cast<std::size_t>(layer)].isSupported()) {
        return tensors.front();
    }
    return corrupt(
        fmt::format("It reads output {} of layer '{}', which has {}.", part, name, tensors.size()),
        {});
}

Result<Tensors> Builder::addInput(const LayerText& text, const Scope& scope)
{
    auto number = add(text, freeName(scope.prefix + text.name), {});
    if (!number) {
        return fail(std::move(number).error());
    }
    m_into.inputs.push_back(*number);
    return Tensors{{*number, 0}};
}

Result<Tensors> Builder::callLayer(const LayerText& text, const Tensors& inputs, const Scope& scope,
                                   KerasUnit& unit)
{
    auto sources = resolve(inputs);
    if (!sources) {
        return fail(std::move(sources).error());
    }
    const std::string name = freeName(scope.prefix + text.name);
    const bool isWrapped = scope.isPerStep && inputs.size() == 1;
    const Json wrapped{{"layer", {{"class_name", text.className}, {"config", *text.config}}}};
    const LayerText perStep{text.name, "TimeDistributed", &wrapped};
    auto number = add(isWrapped ? perStep : text, name, std::move(*sources));
    if (!number) {
        return fail(std::move(number).error());
    }
    graph::Layer& layer = m_into.layers[static_cast<std::size_t>(*number)];
    const auto* joined = std::get_if<graph::ConcatenateOp>(&layer.op);
    if (scope.isPerStep && joined != nullptr && joined->axis >= 0) {
        layer.op = graph::ConcatenateOp{joined->axis + 1};
    }
    if (unit.layer < 0) {
        unit.layer = *number;
    } else {
        m_into.weightsOf.resize(m_into.layers.size(), -1);
        m_into.weightsOf.back() = unit.layer;
    }
    Tensors given;
    for (int part = 0; part < m_tensors[static_cast<std::size_t>(*number)]; ++part) {
        given.push_back({*number, part});
    }
    return given;
}

Result<Tensors> Builder::call(const LayerText& text, const Tensors* inputs, const Scope& scope,
                              KerasUnit& unit)
{
    if (unit.name.empty()) { // later calls have names of their own
        unit.name = text.name;
    }
    unit.className = text.storedClass.empty() ? text.className : text.storedClass;
    const Json& trainable = member(*text.config, "trainable");
    unit.isTrainable = !trainable.is_boolean() || trainable.get<bool>();
    if (const auto model = modelText(text.className, *text.config)) {
        return build(*model, scope.within(text.name), inputs, unit.inner);
    }
    const Json& inner = member(*text.config, "layer");
    const auto stepped = modelText(textOf(member(inner, "class_name")), member(inner, "config"));
    if (text.className == "TimeDistributed" && stepped && inputs != nullptr) {
        unit.isWrapped = true;
        Scope steps = scope.within(text.name);
        steps.isPerStep = true;
        return build(*stepped, steps, inputs, unit.inner);
    }
    return callLayer(text, inputs == nullptr ? Tensors{} : *inputs, scope, unit);
}

Result<Tensors> Builder::impliedInput(const LayerText& first, const ModelText& model,
                                      const Scope& scope)
{
    const auto shape = statedShape("Sequential", *model.config);
    if (!shape) {
        return fail(ErrorCode::Unsupported, "The network does not say the shape of its input.",
                    "layer " + first.name, "Build the model before it is saved.");
    }
    const Json config{{"batch_input_shape", *shape}};
    auto input = addInput({first.name + "_input", "InputLayer", &config}, scope);
    if (input) {
        m_into.layers.back().originalConfig.clear();
    }
    return input;
}

Result<Tensors> Builder::branches(const LayerText& merge, const Scope& scope,
                                  std::vector<KerasUnit>& units)
{
    Tensors merged;
    for (const Json& entry : member(*merge.config, "layers")) {
        const auto model = modelText(textOf(member(entry, "class_name")), member(entry, "config"));
        if (!model) {
            return fail(ErrorCode::Unsupported, "It merges what is no model.",
                        "layer " + merge.name);
        }
        std::vector<KerasUnit> own;
        auto given = build(*model, scope, nullptr, own);
        if (!given) {
            return given;
        }
        merged.insert(merged.end(), given->begin(), given->end());
        // Files list the layers of such models one after the other.
        units.insert(units.end(), std::make_move_iterator(own.begin()),
                     std::make_move_iterator(own.end()));
    }
    return merged;
}

Result<Tensors> Builder::sequential(const ModelText& model, const Scope& scope,
                                    const Tensors* given, std::vector<KerasUnit>& units)
{
    auto texts = layerTexts(*model.layers);
    if (!texts) {
        return fail(std::move(texts).error());
    }
    if (auto plan = CallPlan::make(*texts); !plan) { // names that stand twice
        return fail(std::move(plan).error());
    }
    Tensors tensors = given == nullptr ? Tensors{} : *given;
    bool hasInput = given != nullptr;
    std::vector<KerasUnit> before;
    const bool isFirstCall = units.empty();
    if (isFirstCall) {
        units.resize(texts->size());
    }
    for (std::size_t i = 0; i < texts->size(); ++i) {
        const LayerText& text = (*texts)[i];
        if (i == 0 && text.className == "InputLayer") {
            units[i].name = text.name;
            units[i].className = text.className;
            if (!hasInput) {
                auto input = addInput(text, scope);
                if (!input) {
                    return input;
                }
                tensors = std::move(*input);
                hasInput = true;
            }
            continue;
        }
        const bool ownsInput =
            modelText(text.className, *text.config) && !statedShape(text.className, *text.config);
        if (!hasInput && !ownsInput) {
            auto input = isMergeOfModels(text.className, *text.config)
                             ? branches(text, scope, before)
                             : impliedInput(text, model, scope);
            if (!input) {
                return input;
            }
            tensors = std::move(*input);
            hasInput = true;
        }
        auto next = call(text, hasInput ? &tensors : nullptr, scope, units[i]);
        if (!next) {
            return next;
        }
        tensors = std::move(*next);
        hasInput = true;
    }
    units.insert(units.begin(), std::make_move_iterator(before.begin()),
                 std::make_move_iterator(before.end()));
    return tensors;
}

Result<Tensors> Builder::functional(const ModelText& model, const Scope& scope,
                                    const Tensors* given, std::vector<KerasUnit>& units)
{
    auto texts = layerTexts(*model.layers);
    const std::vector<Edge> inputEdges = edgesIn(member(*model.config, "input_layers"));
    const std::vector<Edge> outputEdges = edgesIn(member(*model.config, "output_layers"));
    auto plan = texts ? CallPlan::make(*texts, outputEdges) : fail(std::move(texts).error());
    if (!plan) {
        return fail(std::move(plan).error());
    }
    units.resize(texts->size());
    for (const auto& [edges, key] :
         {std::pair(&inputEdges, "input_layers"), std::pair(&outputEdges, "output_layers")}) {
        if (edges->empty()) {
            return corrupt("It names no layer.", key);
        }
    }
    std::vector<Tensors> results(plan->calls().size());
    std::vector<char> isInput(plan->calls().size());
    if (given != nullptr && given->size() != inputEdges.size()) {
        return corrupt(fmt::format("The model inside has {} inputs and reads {}.",
                                   inputEdges.size(), given->size()),
                       scope.prefix);
    }
    const std::size_t firstInput = m_into.inputs.size();
    for (std::size_t i = 0; given != nullptr && i < inputEdges.size(); ++i) {
        auto source = plan->find(inputEdges[i]);
        if (!source) {
            return fail(std::move(source).error().in("input_layers"));
        }
        results[static_cast<std::size_t>(source->call)] = {(*given)[i]};
        isInput[static_cast<std::size_t>(source->call)] = 1;
    }
    const auto read = [&](const CallPlan::Source& source) {
        const auto call = static_cast<std::size_t>(source.call);
        return output(results[call], source.tensor, (*texts)[plan->calls()[call].layer].name);
    };
    for (const int number : plan->order()) {
        const CallPlan::Call& step = plan->calls()[static_cast<std::size_t>(number)];
        const LayerText& text = (*texts)[step.layer];
        KerasUnit& unit = units[step.layer];
        Tensors inputs;
        for (const CallPlan::Source& source : step.sources) {
            auto one = read(source);
            if (!one) {
                return fail(std::move(one).error().in("layer " + text.name));
            }
            inputs.push_back(*one);
        }
        Result<Tensors> result = results[static_cast<std::size_t>(number)];
        if (isInput[static_cast<std::size_t>(number)] != 0 || text.className == "InputLayer") {
            unit.name = text.name;
            unit.className = text.className;
            if (isInput[static_cast<std::size_t>(number)] == 0) {
                result = addInput(text, scope);
            }
        } else {
            LayerText called{text.name, text.className, text.config, {}, text.storedClass};
            if (step.number > 0) {
                called.name += fmt::format("-{}", step.number + 1);
            }
            result = call(called, &inputs, scope, unit);
        }
        if (!result) {
            return result;
        }
        results[static_cast<std::size_t>(number)] = std::move(*result);
    }
    const auto ends = [&](const std::vector<Edge>& edges, const char* key) -> Result<Tensors> {
        Tensors tensors;
        for (const Edge& edge : edges) {
            auto source = plan->find(edge);
            auto one = source ? read(*source) : fail(std::move(source).error());
            if (!one) {
                return fail(std::move(one).error().in(key));
            }
            tensors.push_back(*one);
        }
        return tensors;
    };
    if (given == nullptr) { // in the order in which the model takes them
        auto inputs = ends(inputEdges, "input_layers");
        auto numbers = inputs ? resolve(*inputs) : fail(std::move(inputs).error());
        if (!numbers) {
            return fail(std::move(numbers).error());
        }
        m_into.inputs.resize(firstInput);
        m_into.inputs.insert(m_into.inputs.end(), numbers->begin(), numbers->end());
    }
    return ends(outputEdges, "output_layers");
}

Result<Tensors> Builder::build(const ModelText& model, const Scope& scope, const Tensors* given,
                               std::vector<KerasUnit>& units)
{
    if (model.layers->size() > kMaxLayers) {
        return corrupt(fmt::format("The model has more than {} layers.", kMaxLayers), scope.prefix);
    }
    return model.isSequential ? sequential(model, scope, given, units)
                              : functional(model, scope, given, units);
}

/// "2.2.4-tf" → 2; 2 if the text says nothing.
int majorVersion(std::string_view version)
{
    int major = 2;
    std::from_chars(version.data(), version.data() + version.size(), major);
    return major;
}

/// Where nothing says the version: inputs of Keras 3 have a batch_shape, before a
/// batch_input_shape.
int dialectOf(std::string_view version, std::string_view json)
{
    return version.empty() && json.find("\"batch_shape\"") != std::string_view::npos
               ? 3
               : majorVersion(version);
}

} // namespace

void giveUp(KerasArchitecture& network, graph::Layer& layer, std::string reason)
{
    if (layer.isSupported()) {
        layer.op = graph::UnsupportedOp{std::move(reason)};
        network.quantizers.layers.erase(layer.name);
    }
}

Result<KerasArchitecture> readArchitecture(std::string_view json, std::string_view kerasVersion,
                                           const std::string& where)
{
    auto parsed = parseJson(json, where);
    if (!parsed) {
        return fail(std::move(parsed).error());
    }
    // Some writers wrap the model once more.
    const Json& wrapped = member(*parsed, "model_config");
    Json model = wrapped.is_object() ? wrapped : *parsed;
    const std::string className = textOf(member(model, "class_name"));
    if (className.empty() || !member(model, "config").is_structured()) {
        return corrupt("The JSON text is no Keras model: class_name or config is missing.", where);
    }
    KerasArchitecture network;
    network.kerasVersion = textOf(member(*parsed, "keras_version"));
    if (network.kerasVersion.empty()) {
        network.kerasVersion = kerasVersion;
    }
    network.backend = textOf(member(*parsed, "backend"));
    network.major = dialectOf(network.kerasVersion, json);
    if (network.major < 2) {
        model = asKeras2(std::move(model));
        network.notes.push_back({ImportKind::Converted, "layers",
                                 "The layers of Keras 1 were read as those of Keras 2."});
    }
    const Json& config = member(model, "config");
    network.name = textOf(member(config, "name"));
    const auto text = modelText(className, config);
    if (className != "Sequential" && member(config, "input_layers").is_null()) {
        return fail(ErrorCode::Unsupported,
                    "The model is of the class " + className +
                        ", which does not describe its layers.",
                    where, "Sequential and Functional models are read.");
    }
    if (!text) {
        return corrupt("The model has no list of layers.", where);
    }
    Builder builder(network, {network.major});
    auto outputs = builder.build(*text, {}, nullptr, network.units);
    auto ends = outputs ? builder.resolve(*outputs) : fail(std::move(outputs).error());
    if (!ends) {
        return fail(std::move(ends).error().in(where));
    }
    network.outputs = std::move(*ends);
    graph::passMasks(network.layers);
    network.weightsOf.resize(network.layers.size(), -1);
    network.lastAxes.resize(network.layers.size(), 0);
    network.otherwise.resize(network.layers.size(), graph::UnsupportedOp{});
    network.quantizers.name = network.quantizers.layers.empty() ? "float" : "imported";
    return network;
}

} // namespace bitscape::io
