// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/activation.h"
#include "core/graph/layer_registry.h"
#include "core/graph/layers/constant.h"
#include "core/graph/shape_rules.h"
#include "core/io/tflite/tflite_builder.h"
#include "core/io/tflite/tflite_constants.h"
#include "core/io/tflite/tflite_quantizers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bitscape::io {

using graph::ActivationOp;
using graph::Slot;

namespace {

std::int64_t countOf(const TfliteSizes& sizes)
{
    std::int64_t count = 1;
    for (const std::int64_t size : sizes) {
        count *= size;
    }
    return count;
}

/// Whether sizes are what the file leaves open of a tensor: files hold 1 for a size that they do
/// not know.
bool matchesOpen(const TfliteTensor& tensor, const TfliteSizes& sizes)
{
    if (tensor.signature.size() != sizes.size()) {
        return false;
    }
    for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
        if (tensor.signature[axis] >= 0 && tensor.signature[axis] != sizes[axis]) {
            return false;
        }
    }
    return true;
}

bool hasSlot(const graph::Layer& layer, Slot slot)
{
    const std::vector<Slot> slots = graph::slotsOf(layer);
    return std::ranges::find(slots, slot) != slots.end();
}

} // namespace

void OperatorReading::lacks(std::string reason)
{
    if (m_reason.empty()) {
        m_reason = std::move(reason);
    }
}

int OperatorReading::option(const char* name) const
{
    const Json& value = member(op.options, name);
    return value.is_number_integer() ? value.get<int>() : 0;
}

bool OperatorReading::flag(const char* name) const
{
    const Json& value = member(op.options, name);
    return value.is_boolean() && value.get<bool>();
}

float OperatorReading::real(const char* name) const
{
    const Json& value = member(op.options, name);
    return value.is_number() ? value.get<float>() : 0.0F;
}

graph::Function OperatorReading::fused()
{
    using graph::FunctionKind;
    constexpr float kSix = 6.0F;
    switch (option("fused_activation_function")) {
    case schema::kNone:
        return {};
    case schema::kFusedRelu:
        return {.kind = FunctionKind::Relu};
    case schema::kFusedRelu6:
        return {.kind = FunctionKind::Relu, .maxValue = kSix};
    case schema::kFusedTanh:
        return {.kind = FunctionKind::Tanh};
    case schema::kFusedReluN1To1:
        lacks("the function RELU_N1_TO_1 is covered as an operator of its own only");
        return {};
    default:
        lacks("its fused function is not covered");
        return {};
    }
}

const TfliteTensor& OperatorReading::input(std::size_t number) const
{
    ensure(has(number), "tflite: an input that is not there");
    return m_builder.tensor(op.inputs[number]);
}

const TfliteTensor& OperatorReading::output(std::size_t number) const
{
    ensure(number < op.outputs.size(), "tflite: an output that is not there");
    return m_builder.tensor(op.outputs[number]);
}

std::optional<TfliteSizes> OperatorReading::sizes(std::size_t number) const
{
    const auto found =
        has(number) ? m_builder.m_sources.find(op.inputs[number]) : m_builder.m_sources.end();
    return found == m_builder.m_sources.end() ? std::nullopt : std::optional(found->second.sizes);
}

bool OperatorReading::isConstant(std::size_t number) const
{
    if (!has(number)) {
        return false;
    }
    const int tensor = op.inputs[number];
    return m_builder.m_integers.contains(tensor) || m_builder.m_reals.contains(tensor) ||
           !input(number).data.empty() ||
           (!m_builder.m_sources.contains(tensor) && countOf(input(number).shape) == 0);
}

TfliteIntegers OperatorReading::integers(std::size_t number)
{
    if (!has(number)) {
        lacks(fmt::format("its input {} is missing", number));
        return {};
    }
    if (const auto folded = m_builder.m_integers.find(op.inputs[number]);
        folded != m_builder.m_integers.end()) {
        return folded->second;
    }
    if (isConstant(number)) {
        if (auto values = integersOf(input(number))) {
            return *std::move(values);
        }
    }
    lacks(fmt::format("its input {} ({}) is no constant of integers", number, input(number).name));
    return {};
}

TfliteIntegers OperatorReading::codes(std::size_t number)
{
    if (has(number) && !input(number).data.empty()) {
        if (auto values = integersOf(input(number))) {
            return *std::move(values);
        }
    }
    lacks(fmt::format("its input {} is no constant of codes", number));
    return {};
}

std::vector<float> OperatorReading::reals(std::size_t number)
{
    if (!has(number)) {
        lacks(fmt::format("its input {} is missing", number));
        return {};
    }
    if (const auto folded = m_builder.m_reals.find(op.inputs[number]);
        folded != m_builder.m_reals.end()) {
        return folded->second;
    }
    const TfliteTensor& tensor = input(number);
    if (tensor.isSparse) {
        lacks("sparse constants are not covered");
        return {};
    }
    if (tensor.data.empty()) {
        lacks(fmt::format("its input {} ({}) is no constant", number, tensor.name));
        return {};
    }
    auto values = realsOf(tensor);
    if (!values) {
        lacks("constants of the type " + io::name(tensor.type) + " are not covered");
        return {};
    }
    if (!std::ranges::all_of(*values, [](float value) { return std::isfinite(value); })) {
        m_error = Error{ErrorCode::CorruptFile,
                        "It holds values that are no numbers.",
                        "tensor " + tensor.name,
                        {}};
        return {};
    }
    return *std::move(values);
}

TfliteSource OperatorReading::source(std::size_t number)
{
    if (!has(number)) {
        lacks(fmt::format("its input {} is missing", number));
        return {};
    }
    const auto found = m_builder.m_sources.find(op.inputs[number]);
    if (found == m_builder.m_sources.end()) {
        lacks(
            fmt::format("its input {} ({}) is a constant or a state", number, input(number).name));
        return {};
    }
    return found->second;
}

TfliteSource OperatorReading::constantSource(std::size_t number, int rank)
{
    const std::vector<float> values = reals(number);
    if (!isOk()) {
        return {};
    }
    const TfliteTensor& tensor = input(number);
    TfliteSizes sizes = tensor.shape;
    while (std::ssize(sizes) > std::max(rank, 1) && sizes.front() == 1) {
        sizes.erase(sizes.begin());
    }
    TfliteSource source{static_cast<int>(m_builder.layers.size()), sizes, false};
    graph::Layer layer;
    const Shape shape = source.sample();
    layer.name = m_builder.unique(layerName(tensor));
    layer.className = "CONSTANT";
    layer.op = graph::constantOp(shape);
    layer.outputShape = shape;
    layer.weights = {{"value", tensor.name, std::make_shared<Tensor>(shape, values), false}};
    m_builder.m_names.emplace(layer.name, source.layer);
    m_builder.layers.push_back(std::move(layer));
    m_builder.m_quantizers.emplace_back();
    m_builder.setQuantizer(source.layer, Slot::Weight, activationQuantizer(tensor));
    return source;
}

TfliteSource OperatorReading::layer(graph::Op made, const TfliteSource& input)
{
    return layer(std::move(made), input, {});
}

TfliteSource OperatorReading::layer(graph::Op made, const TfliteSource& input, LayerParts parts)
{
    if (!isOk()) {
        return {};
    }
    graph::Layer layer;
    layer.className = op.name;
    layer.inputs = {input.layer};
    layer.inputs.insert(layer.inputs.end(), parts.further.begin(), parts.further.end());
    layer.op = std::move(made);
    layer.weights = std::move(parts.weights);
    layer.originalConfig = op.options.dump();
    std::vector<Shape> shapes;
    for (const int one : layer.inputs) {
        shapes.push_back(m_builder.layers[static_cast<std::size_t>(one)].outputShape);
    }
    auto rules = graph::shapeOf(layer.op, shapes);
    if (!rules) {
        lacks(rules.error().message);
        return {};
    }
    const std::size_t stored = layer.weights.size();
    bool fits = stored == rules->weights.size();
    for (std::size_t w = 0; fits && w < stored; ++w) {
        fits = layer.weights[w].value->shape() == rules->weights[w].shape;
    }
    if (!fits) {
        lacks("the shape of a constant does not fit the operator");
        return {};
    }
    layer.outputShape = rules->output;
    TfliteSource source{static_cast<int>(m_builder.layers.size()), {}, input.hasBatch};
    if (source.hasBatch) {
        source.sizes.push_back(m_builder.m_samples);
    }
    source.sizes.insert(source.sizes.end(), layer.outputShape.sizes().begin(),
                        layer.outputShape.sizes().end());
    m_builder.layers.push_back(std::move(layer));
    m_builder.m_quantizers.push_back(std::move(parts.quantizers));
    if (!parts.role.empty()) {
        nameLayer(source.layer, layerName(output()) + "/" + parts.role);
    }
    return source;
}

TfliteSource OperatorReading::layer(const char* className, const Json& config,
                                    const TfliteSource& input, LayerParts parts)
{
    if (!isOk()) {
        return {};
    }
    auto meaning = graph::readLayerConfig(className, config, {});
    if (!meaning) {
        lacks(meaning.error().message);
        return {};
    }
    if (const auto* refused = std::get_if<graph::UnsupportedOp>(&meaning->op)) {
        lacks(refused->reason);
        return {};
    }
    return layer(std::move(meaning->op), input, std::move(parts));
}

TfliteSource OperatorReading::reshaped(const TfliteSource& input, const TfliteSizes& sizes,
                                       bool hasBatch, const std::string& role)
{
    if (!isOk() || (input.sizes == sizes && input.hasBatch == hasBatch)) {
        return input;
    }
    TfliteSource wanted{input.layer, sizes, hasBatch};
    const Shape sample = wanted.sample();
    if (sizes.size() >= static_cast<std::size_t>(Shape::kMaxRank)) {
        lacks("it has too many axes");
        return input;
    }
    if (!(m_builder.layers[static_cast<std::size_t>(input.layer)].outputShape == sample)) {
        LayerParts parts;
        parts.role = role;
        wanted.layer = layer(graph::ReshapeOp{{sample.sizes().begin(), sample.sizes().end()}},
                             input, std::move(parts))
                           .layer;
    }
    return wanted;
}

TfliteSource OperatorReading::batched(const TfliteSource& input)
{
    if (input.hasBatch || !isOk()) {
        return input;
    }
    if (input.sizes.size() < 2 || input.sizes.front() != m_builder.m_samples) {
        lacks("the first axis of its input counts no samples");
        return input;
    }
    return reshaped(input, input.sizes, true);
}

TfliteSource OperatorReading::whole(const TfliteSource& input)
{
    if (!input.hasBatch || !isOk()) {
        return input;
    }
    if (m_builder.m_samples != 1) {
        lacks("it mixes the samples of a batch");
        return input;
    }
    return reshaped(input, input.sizes, false);
}

bool OperatorReading::isOwn(const TfliteSource& source) const
{
    return static_cast<std::size_t>(source.layer) >= m_firstLayer &&
           m_builder.layers[static_cast<std::size_t>(source.layer)].name.empty();
}

void OperatorReading::quantizeOutput(TfliteSource& source, const TfliteTensor& tensor)
{
    quant::QuantizerPtr quantizer = activationQuantizer(tensor);
    if (!quantizer) {
        return;
    }
    const graph::Layer& last = m_builder.layers[static_cast<std::size_t>(source.layer)];
    const graph::Function function = graph::functionOf(last.op);
    const bool isNew = isOwn(source);
    if (isNew && hasSlot(last, Slot::Activation) && impliesFunction(tensor, function)) {
        m_builder.setQuantizer(source.layer, Slot::Activation, std::move(quantizer));
        return;
    }
    // What only moves values keeps the quantization of its input.
    const bool computes = isNew && (hasSlot(last, Slot::Activation) || !function.isLinear());
    if (!computes && has(0) && sameQuantization(input(0), tensor)) {
        return;
    }
    if (isNew) {
        nameLayer(source.layer, layerName(tensor) + "/real");
    }
    source.layer = layer(ActivationOp{}, source).layer;
    if (isOk()) {
        m_builder.layers.back().className = "QUANTIZE";
        m_builder.setQuantizer(source.layer, Slot::Activation, std::move(quantizer));
    }
}

void OperatorReading::nameLayer(int layer, const std::string& name)
{
    graph::Layer& named = m_builder.layers[static_cast<std::size_t>(layer)];
    named.name = m_builder.unique(name);
    m_builder.m_names.emplace(named.name, layer);
}

void OperatorReading::give(TfliteSource source, std::size_t number)
{
    if (!isOk()) {
        return;
    }
    const TfliteTensor& tensor = output(number);
    const TfliteSizes sizes = matchesOpen(tensor, source.sizes) ? source.sizes : tensor.shape;
    if (countOf(source.sizes) != countOf(sizes)) {
        lacks("the shape of its output is not what it computes");
        return;
    }
    quantizeOutput(source, tensor);
    const std::int64_t samples = m_builder.m_samples;
    const bool counts = m_builder.batchAxis == graph::BatchAxis::Samples && sizes.size() > 1 &&
                        sizes.front() == samples && (source.hasBatch || samples == 1);
    if (isOk() && (source.sizes != sizes || source.hasBatch != counts)) {
        // Axes of size 1 more or less: the values are the same.
        if (source.hasBatch && !counts && samples != 1) {
            lacks("it mixes the samples of a batch");
            return;
        }
        TfliteSource wanted{source.layer, sizes, counts};
        const Shape sample = wanted.sample();
        if (!(m_builder.layers[static_cast<std::size_t>(source.layer)].outputShape == sample)) {
            if (isOwn(source)) {
                nameLayer(source.layer, layerName(tensor) + "/flat");
            }
            wanted.layer =
                layer(graph::ReshapeOp{{sample.sizes().begin(), sample.sizes().end()}}, source)
                    .layer;
        }
        source = wanted;
    }
    if (isOk() && !isOwn(source)) { // the values of another tensor, under a name of their own
        source.layer = layer(ActivationOp{}, source).layer;
    }
    if (isOk()) {
        nameLayer(source.layer, layerName(tensor));
        m_builder.m_sources[op.outputs[number]] = std::move(source);
    }
}

void OperatorReading::giveCut(TfliteSource source, int block)
{
    quantizeOutput(source, output());
    if (isOk() && isOwn(source)) {
        nameLayer(source.layer, layerName(output()));
    }
    if (isOk()) {
        m_builder.m_cuts[op.outputs[0]] = {std::move(source), block};
    }
}

std::optional<TfliteCut> OperatorReading::cutSource(std::size_t number) const
{
    const auto found =
        has(number) ? m_builder.m_cuts.find(op.inputs[number]) : m_builder.m_cuts.end();
    return found == m_builder.m_cuts.end() ? std::nullopt : std::optional(found->second);
}

void OperatorReading::giveIntegers(TfliteIntegers values, std::size_t number)
{
    m_builder.m_integers[op.outputs[number]] = std::move(values);
}

void OperatorReading::giveReals(std::vector<float> values, std::size_t number)
{
    m_builder.m_reals[op.outputs[number]] = std::move(values);
}

void OperatorReading::note(ImportKind kind, std::string text)
{
    m_builder.notes.push_back({kind, output().name, std::move(text)});
}

} // namespace bitscape::io
