// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/onnx_import.h"

#include "core/base/text.h"
#include "core/io/onnx/onnx_builder.h"
#include "core/io/onnx/onnx_functions.h"
#include "core/io/onnx/onnx_layouts.h"

#include <queue>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace bitscape::io {

namespace {

using graph::BatchAxis;

Failure corrupt(std::string message, const std::string& where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), where);
}

std::string describe(const OnnxNode& node)
{
    return node.name.empty() ? node.className() : node.className() + " " + node.name;
}

/// Inputs that are fed, not initializers that old files list as well.
std::vector<const OnnxValue*> fedInputs(const OnnxGraph& graph)
{
    std::set<std::string_view> stored;
    for (const OnnxTensor& tensor : graph.initializers) {
        stored.insert(tensor.name);
    }
    std::vector<const OnnxValue*> inputs;
    for (const OnnxValue& input : graph.inputs) {
        if (!stored.contains(input.name)) {
            inputs.push_back(&input);
        }
    }
    return inputs;
}

/// The nodes, producers first, otherwise as in the file. CorruptFile: a name made twice or by
/// nobody, a cycle.
Result<std::vector<const OnnxNode*>> orderedNodes(const OnnxGraph& graph, const std::string& where)
{
    std::map<std::string_view, std::size_t> makers;
    std::set<std::string_view> given;
    for (const OnnxTensor& tensor : graph.initializers) {
        given.insert(tensor.name);
    }
    for (const OnnxValue* input : fedInputs(graph)) {
        if (!given.insert(input->name).second) {
            return corrupt("Two inputs are called '" + input->name + "'.", where);
        }
    }
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
        for (const std::string& output : graph.nodes[n].outputs) {
            if (!output.empty() && (given.contains(output) || !makers.emplace(output, n).second)) {
                return corrupt("The tensor '" + output + "' is made twice.",
                               where + ", node " + describe(graph.nodes[n]));
            }
        }
    }
    std::vector<std::size_t> waiting(graph.nodes.size());
    std::vector<std::vector<std::size_t>> readers(graph.nodes.size());
    std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
        for (const std::string& input : graph.nodes[n].inputs) {
            const auto maker = makers.find(input);
            if (maker != makers.end()) {
                readers[maker->second].push_back(n);
                ++waiting[n];
            } else if (!input.empty() && !given.contains(input)) {
                return corrupt("It reads '" + input + "', which nothing makes.",
                               where + ", node " + describe(graph.nodes[n]));
            }
        }
        if (waiting[n] == 0) {
            ready.push(n);
        }
    }
    std::vector<const OnnxNode*> order;
    while (!ready.empty()) {
        const std::size_t next = ready.top();
        ready.pop();
        order.push_back(&graph.nodes[next]);
        for (const std::size_t reader : readers[next]) {
            if (--waiting[reader] == 0) {
                ready.push(reader);
            }
        }
    }
    if (order.size() < graph.nodes.size()) {
        return corrupt("Its nodes wait for each other.", where);
    }
    return order;
}

/// Whether the first size of every input may be that of samples run one by one.
bool mayHaveBatch(const OnnxGraph& graph)
{
    const auto inputs = fedInputs(graph);
    return !inputs.empty() && std::ranges::all_of(inputs, [](const OnnxValue* input) {
        return input->dims && !input->dims->empty() &&
               (input->dims->front().size < 0 || input->dims->front().size == 1);
    });
}

/// The first size that all inputs and outputs have in common, more than 1; 0: there is none.
std::int64_t fixedBatch(const OnnxGraph& graph)
{
    const auto firstOf = [](const OnnxValue& value) -> std::int64_t {
        return value.dims && !value.dims->empty() ? value.dims->front().size : -1;
    };
    const auto inputs = fedInputs(graph);
    const std::int64_t batch = inputs.empty() ? -1 : firstOf(*inputs.front());
    const bool areAlike =
        std::ranges::all_of(inputs,
                            [&](const OnnxValue* input) { return firstOf(*input) == batch; }) &&
        std::ranges::all_of(graph.outputs,
                            [&](const OnnxValue& output) { return firstOf(output) == batch; });
    return batch > 1 && areAlike ? batch : 0;
}

/// Layers without those that no one reads and that give nothing of the network.
std::vector<graph::Layer> reachable(std::vector<graph::Layer> layers, std::vector<int>& inputs,
                                    std::vector<int>& outputs)
{
    std::vector<bool> isRead(layers.size(), false);
    for (const int end : inputs) {
        isRead[static_cast<std::size_t>(end)] = true;
    }
    for (const int end : outputs) {
        isRead[static_cast<std::size_t>(end)] = true;
    }
    for (std::size_t i = layers.size(); i-- > 0;) {
        isRead[i] = isRead[i] || !layers[i].isSupported();
        for (const int input : layers[i].inputs) {
            isRead[static_cast<std::size_t>(input)] =
                isRead[static_cast<std::size_t>(input)] || isRead[i];
        }
    }
    std::vector<int> place(layers.size(), -1);
    std::vector<graph::Layer> kept;
    for (std::size_t i = 0; i < layers.size(); ++i) {
        if (isRead[i]) {
            place[i] = static_cast<int>(kept.size());
            kept.push_back(std::move(layers[i]));
        }
    }
    const auto renumber = [&](std::vector<int>& indices) {
        for (int& index : indices) {
            index = place[static_cast<std::size_t>(index)];
        }
    };
    for (graph::Layer& layer : kept) {
        renumber(layer.inputs);
    }
    renumber(inputs);
    renumber(outputs);
    return kept;
}

/// Why an input cannot be fed; empty: it can.
std::string whyRefused(const OnnxValue& input)
{
    if (input.type == 0) {
        return "a " + input.kind + " as an input is not covered";
    }
    if (!graph::elementTypeOf(input.type)) {
        return fmt::format("an input of the element type {} is not covered", input.type);
    }
    if (!input.dims) {
        return "the file does not say how many axes the input has";
    }
    if (input.dims->size() >= Shape::kMaxRank) {
        return fmt::format("an input of {} axes is not covered", input.dims->size());
    }
    return {};
}

class Import {
public:
    /// `feed`: may be null.
    Import(const OnnxModel& model, BatchAxis batchAxis, const std::string& where,
           std::span<const OnnxMapping> mappings, const OnnxFeed* feed)
        : m_model(model), m_where(where), m_mappings(mappings), m_feed(feed),
          m_builder(model, batchAxis)
    {
        const auto inputs = fedInputs(model.graph);
        const bool hasBatch = batchAxis == BatchAxis::Samples && !inputs.empty();
        m_builder.fileBatch =
            hasBatch ? std::max<std::int64_t>(inputs[0]->dims->front().size, 0) : 0;
    }

    Result<void> run(const std::vector<const OnnxNode*>& nodes)
    {
        for (const OnnxTensor& tensor : m_model.graph.initializers) {
            if (auto ok = addInitializer(tensor); !ok) {
                return ok;
            }
        }
        for (const OnnxValue* input : fedInputs(m_model.graph)) {
            if (auto ok = addInput(*input); !ok) {
                return ok;
            }
        }
        // Constants first: mappings look ahead at the settings of nodes that follow.
        for (const bool areConstants : {true, false}) {
            for (const OnnxNode* node : nodes) {
                const bool isTurn = node->inputs.empty() == areConstants;
                if (auto ok = !isTurn || m_builder.isSkipped(*node) ? Result<void>() : map(*node);
                    !ok) {
                    return fail(std::move(ok).error().in(m_where + ", node " + describe(*node)));
                }
            }
        }
        return addOutputs();
    }

    /// Whether each output still has the batch axis as its first.
    [[nodiscard]] bool keepsBatch() const
    {
        return !m_builder.mixesSamples &&
               std::ranges::all_of(m_model.graph.outputs, [this](const OnnxValue& output) {
                   const OnnxKnown* known = m_builder.find(output.name);
                   return known == nullptr || !known->isKnown || known->tensor.hasBatch;
               });
    }

    /// Whether all layers are ours, which treat every sample by itself.
    [[nodiscard]] bool isNative() const { return m_isNative; }

    Result<ModelFile> finish()
    {
        std::vector<graph::Layer> layers = reachable(m_builder.takeLayers(), m_inputs, m_outputs);
        auto graph = graph::Graph::make(m_model.graph.name, std::move(layers), m_inputs, m_outputs,
                                        m_builder.batchAxis());
        if (!graph) {
            Error error = graph.error();
            error.code = ErrorCode::CorruptFile;
            return fail(std::move(error).in(m_where));
        }
        ModelFile file;
        file.graph = std::move(*graph);
        file.quantizers = std::move(m_builder.quantizers);
        std::erase_if(file.quantizers.layers,
                      [&](const auto& entry) { return file.graph->find(entry.first) < 0; });
        file.quantizers.name = file.quantizers.layers.empty() ? "float" : "imported";
        file.warnings = std::move(m_builder.warnings);
        file.notes = std::move(m_builder.notes);
        file.notes.insert(
            file.notes.begin(),
            {ImportKind::Converted, "graph",
             fmt::format("{} nodes became {} layers; what is constant was folded.",
                         m_model.graph.nodes.size(), file.graph->layers().size())});
        file.format = "onnx";
        file.producer = producer();
        return file;
    }

private:
    /// "pytorch 2.1.0, opset 17"
    [[nodiscard]] std::string producer() const
    {
        std::string text = m_model.producer.empty() ? "ONNX" : m_model.producer;
        text += m_model.producerVersion.empty() ? "" : " " + m_model.producerVersion;
        return fmt::format("{}, opset {}", text, m_model.opset(""));
    }

    Result<void> addInitializer(const OnnxTensor& tensor)
    {
        auto value = arrayOf(tensor);
        if (!value) {
            return addUnsupported(tensor.name, "Initializer", value.error().message);
        }
        OnnxKnown known{.sizes = value->sizes};
        known.constant = std::make_shared<const graph::ArrayValue>(std::move(*value));
        m_builder.define(tensor.name, std::move(known));
        return {};
    }

    Result<void> addUnsupported(const std::string& name, const std::string& className,
                                const std::string& reason)
    {
        auto index = m_builder.addLayer(
            {.name = name, .className = className, .op = graph::UnsupportedOp{reason}});
        if (!index) {
            return fail(std::move(index).error());
        }
        m_builder.define(name, {.layer = *index, .isKnown = false});
        m_builder.notes.push_back({ImportKind::Missing, name, reason});
        return {};
    }

    Result<void> addInput(const OnnxValue& input)
    {
        const std::string reason = whyRefused(input);
        if (!reason.empty()) {
            auto ok = addUnsupported(input.name, "Input", reason);
            m_inputs.push_back(m_builder.find(input.name)->layer);
            return ok;
        }
        const bool hasBatch = m_builder.batchAxis() == BatchAxis::Samples;
        OnnxKnown known;
        for (const OnnxDim& dim : *input.dims) {
            known.sizes.push_back(static_cast<Index>(dim.size));
        }
        if (hasBatch) {
            known.sizes.front() = 1;
        }
        if (m_feed != nullptr) {
            if (auto ok = takeFed(input, known); !ok) {
                return ok;
            }
        }
        known.tensor = {.type = *graph::elementTypeOf(input.type),
                        .hasBatch = hasBatch,
                        .isScalar = known.sizes.size() == (hasBatch ? 1U : 0U)};
        const Shape shape = graph::shapeFor(known.tensor, known.sizes);
        auto index = m_builder.addLayer({.name = input.name,
                                         .className = "Input",
                                         .op = graph::InputOp{shape},
                                         .isScalar = known.tensor.isScalar});
        if (!index) {
            return fail(std::move(index).error());
        }
        known.layer = *index;
        m_inputs.push_back(*index);
        m_builder.define(input.name, std::move(known));
        return {};
    }

    Result<void> takeFed(const OnnxValue& input, OnnxKnown& known)
    {
        const auto fed = m_feed->find(input.name);
        if (fed == m_feed->end()) {
            return fail(ErrorCode::ShapeMismatch, "The data hold no array '" + input.name + "'.",
                        m_where);
        }
        const auto sizes = fed->second.shape().sizes();
        const bool isNumber = known.sizes.empty() && fed->second.size() == 1;
        if (!isNumber) {
            known.sizes.assign(sizes.begin(), sizes.end());
        }
        known.constant = std::make_shared<const graph::ArrayValue>(graph::fromFloats(
            *graph::elementTypeOf(input.type), known.sizes, fed->second.values()));
        return {};
    }

    Result<void> map(const OnnxNode& node)
    {
        for (const OnnxMapping& mapping : m_mappings) {
            auto done = mapping.map(m_builder, node);
            if (!done) {
                return fail(std::move(done).error());
            }
            if (*done) {
                return {};
            }
        }
        for (const std::string& input : node.inputs) {
            makePlain(m_builder, input);
        }
        m_isNative = m_isNative && std::ranges::all_of(node.inputs, [this](const auto& input) {
                         const OnnxKnown* known = m_builder.find(input);
                         return known == nullptr || known->constant;
                     });
        return mapFunction(m_builder, node);
    }

    Result<void> addOutputs()
    {
        if (m_model.graph.outputs.empty()) {
            return corrupt("The ONNX model has no output.", m_where);
        }
        for (const OnnxValue& output : m_model.graph.outputs) {
            makePlain(m_builder, output.name);
            const OnnxKnown* known = m_builder.find(output.name);
            if (known == nullptr) {
                return corrupt("Nothing makes the output '" + output.name + "'.", m_where);
            }
            if (known->constant) {
                if (auto ok = addConstant(output.name, *known->constant); !ok) {
                    return ok;
                }
                known = m_builder.find(output.name);
            }
            m_outputs.push_back(known->layer);
        }
        return {};
    }

    /// An output whose numbers are known: a layer that gives them whatever comes in.
    Result<void> addConstant(const std::string& name, const graph::ArrayValue& value)
    {
        if (m_inputs.empty()) {
            return addUnsupported(name, "Constant", "a network without inputs is not covered");
        }
        graph::FunctionSetup setup{.function = graph::findFunction("", "Constant", 1)};
        setup.attributes.emplace("value", value);
        setup.inputs.push_back({.kind = graph::FunctionInput::Kind::Unread});
        const bool hasBatch = m_builder.batchAxis() == BatchAxis::Samples;
        OnnxKnown known{.tensor = graph::tensorFor(value, hasBatch), .sizes = value.sizes};
        setup.outputs = {known.tensor};
        auto index = m_builder.addLayer({.name = name,
                                         .className = "Constant",
                                         .op = graph::functionOp(std::move(setup)),
                                         .inputs = {m_inputs.front()},
                                         .isScalar = known.tensor.isScalar});
        if (!index) {
            return fail(std::move(index).error());
        }
        known.layer = *index;
        m_builder.define(name, std::move(known));
        return {};
    }

    const OnnxModel& m_model;
    const std::string& m_where;
    std::span<const OnnxMapping> m_mappings;
    const OnnxFeed* m_feed;
    OnnxBuilder m_builder;
    std::vector<int> m_inputs;
    std::vector<int> m_outputs;
    bool m_isNative = true;
};

struct Attempt {
    Result<ModelFile> file;
    bool keepsBatch = false;
    bool isNative = false;
};
Attempt importAs(const OnnxModel& model, BatchAxis batchAxis,
                 const std::vector<const OnnxNode*>& nodes, const std::string& where,
                 std::span<const OnnxMapping> mappings, const OnnxFeed* feed = nullptr)
{
    Import import(model, batchAxis, where, mappings, feed);
    if (auto ok = import.run(nodes); !ok) {
        return {fail(std::move(ok).error())};
    }
    const bool keepsBatch = import.keepsBatch();
    const bool isNative = import.isNative();
    return {import.finish(), keepsBatch, isNative};
}

} // namespace

Result<ModelFile> importOnnx(const OnnxModel& model, const std::string& where)
{
    return importOnnx(model, where, nativeMappings());
}

Result<ModelFile> importOnnx(const OnnxModel& model, const std::string& where,
                             std::span<const OnnxMapping> mappings)
{
    const auto nodes = orderedNodes(model.graph, where);
    if (!nodes) {
        return fail(nodes.error());
    }
    if (mayHaveBatch(model.graph)) {
        Attempt attempt = importAs(model, BatchAxis::Samples, *nodes, where, mappings);
        if (!attempt.file || attempt.keepsBatch) {
            return std::move(attempt.file);
        }
    } else if (fixedBatch(model.graph) > 0) {
        Attempt attempt = importAs(model, BatchAxis::Samples, *nodes, where, mappings);
        if (attempt.file && attempt.keepsBatch && attempt.isNative) {
            return std::move(attempt.file);
        }
    }
    return importAs(model, BatchAxis::None, *nodes, where, mappings).file;
}

Result<ModelFile> computeOnnx(const ModelFile& file, const OnnxFeed& feed)
{
    ensure(file.format == "onnx" && file.bytes, "computeOnnx: a file of ONNX");
    const auto model = readOnnx(*file.bytes, file.path);
    if (!model) {
        return fail(model.error());
    }
    const auto nodes = orderedNodes(model->graph, file.path);
    if (!nodes) {
        return fail(nodes.error());
    }
    auto computed = importAs(*model, BatchAxis::None, *nodes, file.path, {}, &feed).file;
    if (computed) {
        computed->path = file.path;
        computed->sha256 = file.sha256;
        computed->bytes = file.bytes;
    }
    return computed;
}

Result<ModelFile> readOnnxModel(const std::string& where,
                                const std::shared_ptr<const std::string>& bytes)
{
    const auto model = readOnnx(*bytes, where);
    if (!model) {
        return fail(model.error());
    }
    auto file = importOnnx(*model, where);
    if (file) {
        file->sha256 = sha256(*bytes);
        file->bytes = bytes;
    }
    return file;
}

} // namespace bitscape::io
