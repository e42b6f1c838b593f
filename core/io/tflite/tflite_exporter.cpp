// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/tflite/tflite_exporter.h"

#include "core/graph/activation.h"
#include "core/graph/execution.h"
#include "core/graph/layer_registry.h"
#include "core/graph/layer_rule.h"
#include "core/graph/layers/constant.h"
#include "core/graph/shape_rules.h"
#include "core/io/tflite/tflite_export.h"
#include "core/io/tflite/tflite_writer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace bitscape::io {

using graph::Function;
using graph::FunctionKind;
using graph::Slot;

/// Which function of the exporter an op is for.
struct LayerWriter {
    TfliteExporter& exporter;
    int l;

    int operator()(const graph::InputOp& /*op*/) const { return exporter.input(l); }
    int operator()(const graph::ConvOp& op) const { return exporter.convolution(l, op); }
    int operator()(const graph::DepthwiseOp& op) const { return exporter.depthwise(l, op); }
    int operator()(const graph::DenseOp& op) const { return exporter.dense(l, op); }
    int operator()(const graph::ActivationOp& op) const
    {
        return exporter.activation(l, op.function);
    }
    int operator()(const graph::PoolOp& op) const { return exporter.pool(l, op); }
    int operator()(const graph::GlobalPoolOp& op) const { return exporter.globalPool(l, op); }
    int operator()(const graph::ZeroPaddingOp& op) const { return exporter.pad(l, op); }
    int operator()(const graph::FlattenOp& /*op*/) const { return exporter.reshaped(l); }
    int operator()(const graph::ReshapeOp& /*op*/) const { return exporter.reshaped(l); }
    int operator()(const graph::DropoutOp& /*op*/) const { return exporter.inputTensor(l); }
    int operator()(const graph::AddOp& /*op*/) const
    {
        return exporter.combine(l, schema::kAdd, 2);
    }
    int operator()(const graph::ConcatenateOp& op) const { return exporter.join(l, op); }
    int operator()(const graph::BatchNormOp& /*op*/) const
    {
        exporter.lacks("a normalization must be folded into the layer before it");
        return -1;
    }
    int operator()(const graph::RuleOp& op) const
    {
        const std::string_view name = op.info->className;
        const Json config = op.rule->config();
        if (graph::isConstant(op)) {
            return exporter.constant(l);
        }
        if (name == "Multiply") {
            return exporter.combine(l, schema::kMul, 2);
        }
        if (name == "Subtract") {
            return exporter.combine(l, schema::kSub, 2);
        }
        if (name == "Conv2DTranspose") {
            return exporter.transposed(l, config);
        }
        if (name == "Permute") {
            return exporter.transpose(l, config);
        }
        if (name == "UpSampling2D") {
            return exporter.enlarge(l, config);
        }
        return other();
    }
    template <class Other>
    int operator()(const Other& /*op*/) const
    {
        return other();
    }
    [[nodiscard]] int other() const
    {
        exporter.lacks("there is no operator for it");
        return -1;
    }
};

namespace {

constexpr int kBits = 8;
constexpr std::int64_t kLowest = -128;

bool isAffine(const quant::Quantizer& quantizer)
{
    return &quantizer.info() == quant::findQuantizer("affine");
}

std::vector<std::int64_t> withBatch(const Shape& sample)
{
    std::vector<std::int64_t> shape{1};
    shape.insert(shape.end(), sample.sizes().begin(), sample.sizes().end());
    return shape;
}

template <class T>
std::string bytesOf(const std::vector<T>& values)
{
    std::string bytes(values.size() * sizeof(T), '\0');
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
}

} // namespace

TfliteExporter::TfliteExporter(const graph::Graph& graph, const graph::Configuration& configuration)
    : m_graph(graph), m_configuration(configuration)
{
    model.description = "Bitscape";
    model.subgraphs.emplace_back().name = "main";
}

Result<void> TfliteExporter::run()
{
    const int count = static_cast<int>(m_graph.layers().size());
    m_tensors.assign(static_cast<std::size_t>(count), -1);
    m_isDone.assign(static_cast<std::size_t>(count), 0);
    for (int l = 0; l < count; ++l) {
        int& t = m_tensors[static_cast<std::size_t>(l)];
        if (m_isDone[static_cast<std::size_t>(l)] != 0) {
            t = inputTensor(l);
            continue;
        }
        const bool isReadable = std::ranges::all_of(layer(l).inputs, [&](int source) {
            return m_tensors[static_cast<std::size_t>(source)] >= 0;
        });
        if (!isReadable) {
            continue; // the layer before it is named already
        }
        m_reason.clear();
        t = graph::isChannelsFirst(layer(l).op) ? (lacks("its data lie channels first"), -1)
                                                : std::visit(LayerWriter{*this, l}, layer(l).op);
        if (t < 0) {
            m_problems.push_back(
                fmt::format("{} ({}: {})", layer(l).name, layer(l).className,
                            m_reason.empty() ? "it cannot be expressed" : m_reason));
        }
    }
    if (!m_problems.empty()) {
        return fail(ErrorCode::Unsupported,
                    fmt::format("An int8 TFLite file cannot express {}: {}.",
                                m_problems.size() == 1 ? "a layer" : "some layers",
                                fmt::join(m_problems, ", ")),
                    m_graph.name(),
                    "Calibrate with 8-bit weights and activations, --scheme affine and "
                    "--fold-batchnorm, and export the resulting project.");
    }
    for (const int l : m_graph.outputs()) {
        model.subgraphs.front().outputs.push_back(m_tensors[static_cast<std::size_t>(l)]);
    }
    return {};
}

void TfliteExporter::lacks(std::string why)
{
    if (m_reason.empty()) {
        m_reason = std::move(why);
    }
}

// ---- grids

std::optional<TfliteGrid> TfliteExporter::gridOf(const quant::Quantizer& quantizer)
{
    if (!isAffine(quantizer) || quantizer.bits() != kBits) {
        lacks(quantizer.toString() + " has no 8-bit affine codes");
        return std::nullopt;
    }
    if (quantizer.needsRange() || !std::isfinite(quantizer.max())) {
        lacks(quantizer.toString() + " has no range, or several");
        return std::nullopt;
    }
    const Tensor probe(Shape{1});
    const quant::Fit fit = quantizer.fit(probe.view(), {});
    const double scale = fit.step.values()[0];
    const auto lowest = std::llround(quantizer.min() / scale + fit.zeroPoint.values()[0]);
    const auto highest = std::llround(quantizer.max() / scale + fit.zeroPoint.values()[0]);
    if (highest - lowest != (1 << kBits) - 1) {
        lacks(quantizer.toString() + " leaves codes out, which outputs cannot");
        return std::nullopt;
    }
    // Unsigned codes are moved onto signed ones.
    return TfliteGrid{static_cast<float>(scale),
                      std::llround(fit.zeroPoint.values()[0]) + kLowest - lowest};
}

TfliteExporter::Target TfliteExporter::targetOf(int l)
{
    const bool isInput = std::holds_alternative<graph::InputOp>(layer(l).op);
    quant::QuantizerPtr own = m_configuration.find(layer(l).name, Slot::Activation);
    if (!own && isInput) {
        own = m_configuration.input;
    }
    if (own) {
        return {gridOf(*own), l, true};
    }
    const std::vector<int> readers = m_graph.consumers(l);
    const bool isResult = std::ranges::find(m_graph.outputs(), l) != m_graph.outputs().end();
    if (readers.size() != 1 || isResult ||
        !std::holds_alternative<graph::ActivationOp>(layer(readers.front()).op)) {
        return {std::nullopt, l, false};
    }
    const auto next = m_configuration.find(layer(readers.front()).name, Slot::Activation);
    return next ? Target{gridOf(*next), readers.front(), false} : Target{std::nullopt, l, false};
}

std::optional<TfliteExporter::Target> TfliteExporter::requireTarget(int l)
{
    Target target = targetOf(l);
    if (!target.grid) {
        lacks("its output has no quantizer");
        return std::nullopt;
    }
    if (target.last != l) {
        m_isDone[static_cast<std::size_t>(target.last)] = 1;
    }
    return target;
}

std::optional<int> TfliteExporter::fusedOf(const Function& function)
{
    constexpr float kSix = 6.0F;
    if (function.isLinear()) {
        return schema::kNone;
    }
    const auto clamp = graph::clampOf(function);
    if (clamp && std::isinf(clamp->second)) {
        return schema::kFusedRelu;
    }
    if (clamp && clamp->second == kSix) {
        return schema::kFusedRelu6;
    }
    lacks("its function needs a layer of its own behind a quantizer");
    return std::nullopt;
}

// ---- tensors and operators

int TfliteExporter::addTensor(const std::string& name, TfliteType type,
                              const std::vector<std::int64_t>& shape)
{
    std::vector<TfliteTensor>& tensors = model.subgraphs.front().tensors;
    TfliteTensor tensor;
    tensor.name = name;
    tensor.type = type;
    tensor.shape = shape;
    tensors.push_back(std::move(tensor));
    m_grids.emplace_back();
    return static_cast<int>(tensors.size()) - 1;
}

int TfliteExporter::codesTensor(const std::string& name, const Shape& sample, TfliteGrid grid)
{
    const int t = addTensor(name, TfliteType::Int8, withBatch(sample));
    model.subgraphs.front().tensors.back().quantization = {{grid.scale}, {grid.zero}, 0};
    m_grids.back() = grid;
    return t;
}

int TfliteExporter::integersTensor(const std::string& name, const std::vector<std::int32_t>& v,
                                   const std::vector<std::int64_t>& shape)
{
    const int t = addTensor(name, TfliteType::Int32, shape);
    m_data.push_back(bytesOf(v));
    model.subgraphs.front().tensors.back().data = m_data.back();
    return t;
}

void TfliteExporter::addOperator(schema::Builtin code, int version, std::vector<int> inputs,
                                 int output, Json options)
{
    TfliteOperator one;
    one.code = code;
    one.version = version;
    one.inputs = std::move(inputs);
    one.outputs = {output};
    one.options = std::move(options);
    model.subgraphs.front().operators.push_back(std::move(one));
}

int TfliteExporter::requantized(int t, TfliteGrid to, const std::string& name)
{
    if (grid(t) == to) {
        return t;
    }
    const std::vector<std::int64_t> shape =
        model.subgraphs.front().tensors[static_cast<std::size_t>(t)].shape;
    const int output = addTensor(name, TfliteType::Int8, shape);
    model.subgraphs.front().tensors.back().quantization = {{to.scale}, {to.zero}, 0};
    m_grids.back() = to;
    addOperator(schema::kQuantize, 1, {t}, output);
    return output;
}

Result<ExportContent> exportTflite(const ExportInput& input)
{
    if (auto ok = graph::requireSupported(*input.graph); !ok) {
        return fail(std::move(ok).error());
    }
    graph::GraphPtr graph = input.graph;
    if (input.configuration.foldBatchNorm) {
        auto folded = graph::foldBatchNorm(*graph, input.configuration);
        if (!folded) {
            return fail(std::move(folded).error());
        }
        graph = std::move(*folded);
    }
    for (const graph::Layer& layer : graph->layers()) {
        if (std::ranges::any_of(layer.outputShape.sizes(), [](Index size) { return size < 0; })) {
            return fail(ErrorCode::Unsupported, "Its size is open, which TFLite files cannot say.",
                        "layer " + layer.name);
        }
    }
    if (graph->batchAxis() == graph::BatchAxis::None) {
        return fail(ErrorCode::Unsupported,
                    "A network without an axis for samples is not written as TFLite.",
                    graph->name());
    }
    TfliteExporter exporter(*graph, input.configuration);
    if (auto ok = exporter.run(); !ok) {
        return fail(std::move(ok).error());
    }
    ExportContent content = singleFile(writeTflite(exporter.model, exporter.runtime));
    content.notes = std::move(exporter.notes);
    return content;
}

} // namespace bitscape::io
