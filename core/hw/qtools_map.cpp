// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/hw/qtools_map.h"

#include "core/base/text.h"
#include "core/hw/qtools_weights.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace bitscape::hw::qtools {

namespace {

using graph::Configuration;
using graph::Graph;
using graph::Layer;
using graph::Slot;

LayerRule ruleOf(const Layer& layer, std::string_view className)
{
    const auto contains = [className](std::string_view part) {
        return className.find(part) != std::string_view::npos;
    };
    if (std::holds_alternative<graph::FoldedConvOp>(layer.op)) {
        return LayerRule::Folded;
    }
    if (std::holds_alternative<graph::DenseOp>(layer.op) ||
        std::holds_alternative<graph::ConvOp>(layer.op) ||
        std::holds_alternative<graph::DepthwiseOp>(layer.op)) {
        return LayerRule::Kernel;
    }
    if (std::holds_alternative<graph::BatchNormOp>(layer.op)) {
        return LayerRule::Norm;
    }
    if (std::holds_alternative<graph::AddOp>(layer.op) ||
        std::holds_alternative<graph::ConcatenateOp>(layer.op)) {
        return LayerRule::Merge;
    }
    if (contains("MaxPool") || contains("Reshape") || contains("Flatten")) {
        return LayerRule::Through;
    }
    if (contains("AveragePooling2D") || contains("AvgPool2D")) {
        return LayerRule::AveragePool;
    }
    if (className == "QActivation" || className == "Activation") {
        return LayerRule::Activation;
    }
    return LayerRule::Other;
}

/// What sits on a layer's outgoing edges: the quantizer as written, or a resolved type.
struct Edge {
    quant::QuantizerPtr quantizer;
    DataType type;

    [[nodiscard]] Result<DataType> converted() const
    {
        return quantizer ? typeOf(*quantizer) : reconverted(type);
    }
};

class MapMaker {
public:
    MapMaker(const Graph& graph, const Configuration& configuration, const QToolsOptions& options)
        : m_graph(graph), m_configuration(configuration), m_options(options),
          m_edges(graph.layers().size())
    {
    }

    Result<Map> make()
    {
        if (auto ok = readOptions(); !ok) {
            return fail(std::move(ok).error());
        }
        for (int i = 0; i < static_cast<int>(m_graph.layers().size()); ++i) {
            const Layer& layer = m_graph.layer(i);
            if (isTransparent(layer)) {
                if (!std::holds_alternative<graph::InputOp>(layer.op)) {
                    edge(i) = edge(layer.inputs.front());
                }
                continue;
            }
            if (auto ok = add(i); !ok) {
                return fail(std::move(ok).error().in("layer " + layer.name));
            }
        }
        warnOfScales();
        return std::move(m_map);
    }

private:
    static bool isTransparent(const Layer& layer)
    {
        return std::holds_alternative<graph::InputOp>(layer.op) ||
               std::holds_alternative<graph::DropoutOp>(layer.op);
    }

    Edge& edge(int index) { return m_edges[static_cast<std::size_t>(index)]; }

    void warn(std::string code, std::string message, const std::string& where)
    {
        m_map.warnings.push_back({std::move(code), std::move(message), where});
    }

    void warnOfScales()
    {
        if (!m_unscaled.empty()) {
            warn("scale_unknown",
                 "The auto_po2 scales of the weights are not known, so they do not move the "
                 "widths of multiplier and accumulator.",
                 join(m_unscaled, ", "));
        }
    }

    // Options -----------------------------------------------------------------------------------

    Result<void> readOptions()
    {
        for (const auto& [text, target] :
             {std::pair{&m_options.kerasQuantizer, &m_kerasType},
              std::pair{&m_options.accumulator, &m_kerasAccumulator}}) {
            if (text->empty()) {
                continue;
            }
            auto type = parseType(*text);
            if (!type) {
                return fail(std::move(type).error());
            }
            *target = *type;
        }
        m_hasKerasAccumulator = !m_options.accumulator.empty();
        return readSources();
    }

    Result<void> readSources()
    {
        const std::size_t count = m_graph.inputs().size();
        const auto& given = m_options.sourceQuantizers;
        if (!given.empty() && given.size() != count && given.size() != 1) {
            return fail(ErrorCode::InvalidArgument,
                        std::to_string(given.size()) + " source quantizers were given for " +
                            std::to_string(count) + " inputs.",
                        "--source-quantizer", "Give one, or one per input.");
        }
        for (std::size_t i = 0; i < count; ++i) {
            Edge source{.quantizer = given.empty() ? m_configuration.input : nullptr};
            if (!given.empty()) {
                auto type = sourceType(given.size() == count ? given[i] : given.front(),
                                       given.size() < count);
                if (!type) {
                    return fail(std::move(type).error());
                }
                source.type = *type;
            }
            auto type =
                source.quantizer ? typeOf(*source.quantizer) : Result<DataType>(source.type);
            if (!type) {
                return fail(std::move(type).error().in("the quantizer of the input"));
            }
            m_map.sources.push_back(*type);
            edge(m_graph.inputs()[i]) = std::move(source);
        }
        return {};
    }

    /// One text for several inputs is what QTools calls a string: it understands named types only
    /// and takes its default for anything else.
    Result<DataType> sourceType(const std::string& text, bool isShared)
    {
        if (!isShared || namedType(text)) {
            return parseType(text);
        }
        if (m_map.sources.empty()) {
            warn("shared_source_quantizer",
                 "One text for several inputs is understood by QTools only if it is int8, int16, "
                 "int32, fp16 or fp32; it took quantized_bits(8,0,1) instead of \"" +
                     text + "\". Give the option once per input.",
                 "--source-quantizer");
        }
        return m_default;
    }

    // One layer ---------------------------------------------------------------------------------

    Result<void> add(int index)
    {
        const Layer& layer = m_graph.layer(index);
        LayerTypes types;
        types.index = index;
        types.name = layer.name;
        types.className = qtoolsClass(layer, m_configuration);
        types.rule = ruleOf(layer, types.className);
        types.outputShape = layer.outputShape;
        types.feedsOutput = feedsOutput(index);
        if (auto ok = readInputs(layer, types); !ok) {
            return ok;
        }
        types.operations = operationCount(layer, types);
        auto result = resolve(layer, types);
        if (!result) {
            return fail(std::move(result).error());
        }
        auto output = putOut(index, *result);
        if (!output) {
            return fail(std::move(output).error());
        }
        types.output = *output;
        m_map.layers.push_back(std::move(types));
        return {};
    }

    [[nodiscard]] bool feedsOutput(int index) const
    {
        const auto outputs = m_graph.outputs();
        if (std::ranges::find(outputs, index) != outputs.end()) {
            return true;
        }
        const std::vector<int> readers = m_graph.consumers(index);
        return std::ranges::any_of(readers, [this](int reader) {
            return std::holds_alternative<graph::DropoutOp>(m_graph.layer(reader).op) &&
                   feedsOutput(reader);
        });
    }

    [[nodiscard]] bool isNetworkInput(int index) const
    {
        const Layer& layer = m_graph.layer(index);
        return std::holds_alternative<graph::InputOp>(layer.op) ||
               (std::holds_alternative<graph::DropoutOp>(layer.op) &&
                isNetworkInput(layer.inputs.front()));
    }

    Result<void> readInputs(const Layer& layer, LayerTypes& types)
    {
        std::vector<int> seen; // the same tensor twice is one edge to QTools
        for (const int producer : layer.inputs) {
            if (std::ranges::find(seen, producer) != seen.end()) {
                continue;
            }
            seen.push_back(producer);
            auto type = edge(producer).converted();
            if (!type) {
                return fail(std::move(type).error());
            }
            types.inputs.push_back(*type);
            types.inputElements.push_back(m_graph.layer(producer).outputShape.elementCount());
            types.readsInput = types.readsInput || isNetworkInput(producer);
        }
        return {};
    }

    /// The type that leaves the layer, before its activation.
    Result<DataType> resolve(const Layer& layer, LayerTypes& types)
    {
        switch (types.rule) {
        case LayerRule::Kernel:
            return resolveKernel(layer, types);
        case LayerRule::Folded:
            return resolveFolded(layer, types);
        case LayerRule::Norm:
            return resolveNorm(layer, types);
        case LayerRule::Merge:
            return resolveMerge(types);
        case LayerRule::AveragePool:
            return resolveAveragePool(layer, types);
        case LayerRule::Activation:
            return resolveActivation(layer, types);
        case LayerRule::Through:
            return types.inputs.front();
        case LayerRule::Other:
            break;
        }
        warn("passed_through",
             "QTools does not know " + types.className + "; the type of its input passes through.",
             layer.name);
        const bool isReplaced =
            m_options.forReference && m_hasKerasAccumulator && !types.readsInput;
        return isReplaced ? m_kerasAccumulator : types.inputs.front();
    }

    /// Writes the output type on the outgoing edges, unless the layer's own activation sits there.
    Result<DataType> putOut(int index, const DataType& result)
    {
        const Layer& layer = m_graph.layer(index);
        const quant::QuantizerPtr activation = m_configuration.find(layer.name, Slot::Activation);
        Edge& out = edge(index);
        if (!m_options.forReference && activation && typeOf(*activation)) {
            out.quantizer = activation;
        } else {
            out.type = result;
        }
        return out.converted();
    }

    [[nodiscard]] bool isPlain(const LayerTypes& types) const
    {
        return m_options.forReference || !types.className.starts_with("Q");
    }

    /// QTools refuses quantizers that it does not know; fixed point of the same width is near
    /// enough for an estimate.
    DataType typeOrNearest(const quant::Quantizer& quantizer, const std::string& where)
    {
        if (const auto type = typeOf(quantizer)) {
            return *type;
        }
        warn("unknown_type",
             "QTools knows no type for " + quantizer.toString() +
                 " and stops; here it counts as fixed point of " +
                 std::to_string(quantizer.bits()) + " bits.",
             where);
        return fixedPoint(quantizer.bits(), 0, quantizer.isSigned());
    }

    /// Type of a weight tensor; m_default where a Q layer has no quantizer.
    Result<DataType> weightType(const Layer& layer, Slot slot, const LayerTypes& types)
    {
        if (isPlain(types)) {
            return m_kerasType;
        }
        const quant::QuantizerPtr quantizer = m_configuration.find(layer.name, slot);
        if (!quantizer) {
            return m_default;
        }
        DataType type = typeOrNearest(*quantizer, layer.name);
        if (m_options.inference && type.isPowerOfTwo()) {
            type.valueCount = valueCount(layer, slot, quantizer);
        }
        return type;
    }

    std::optional<std::int64_t> valueCount(const Layer& layer, Slot slot,
                                           const quant::QuantizerPtr& quantizer)
    {
        for (std::size_t i = 0; i < layer.weights.size(); ++i) {
            const Slot* own = graph::slotOfWeight(layer, static_cast<int>(i));
            if (own == nullptr || *own != slot) {
                continue;
            }
            if (!m_options.quantizeWeights) {
                return distinctValues(*layer.weights[i].value);
            }
            Tensor quantized(layer.weights[i].value->shape());
            quantizer->apply(layer.weights[i].value->view(), quantized.mutableView(), {});
            return distinctValues(quantized);
        }
        return std::nullopt;
    }

    [[nodiscard]] bool areScalesKnown() const
    {
        return m_options.fitScales || m_options.hardwareWeights ||
               (m_options.inference && m_options.quantizeWeights);
    }

    /// Exponents of a quantizer's auto_po2 scales on the values; nothing if it has none, or they
    /// are not known.
    std::optional<ScaleRange> scalesOf(const quant::QuantizerPtr& quantizer, const Tensor& values,
                                       const std::string& where)
    {
        if (!quantizer || !hasAutoPowerOfTwoScale(*quantizer)) {
            return std::nullopt;
        }
        if (quantizer->info().name != "quantized_bits") {
            warn("scale_ignored",
                 "QTools follows auto_po2 scales of quantized_bits only; those of " +
                     quantizer->toString() + " do not move the widths.",
                 where);
            return std::nullopt;
        }
        if (!areScalesKnown()) {
            m_unscaled.push_back(where);
            return std::nullopt;
        }
        return fittedScales(*quantizer, values);
    }
    std::optional<ScaleRange> kernelScales(const Layer& layer, const Tensor& kernel)
    {
        return scalesOf(asKernelQuantizer(m_configuration.find(layer.name, kernelSlot(layer))),
                        kernel, layer.name);
    }

    static const graph::ConvOp* convOf(const Layer& layer)
    {
        if (const auto* folded = std::get_if<graph::FoldedConvOp>(&layer.op)) {
            return std::get_if<graph::ConvOp>(&folded->conv);
        }
        return std::get_if<graph::ConvOp>(&layer.op);
    }

    static bool isDepthwise(const Layer& layer)
    {
        const auto* folded = std::get_if<graph::FoldedConvOp>(&layer.op);
        return std::holds_alternative<graph::DepthwiseOp>(layer.op) ||
               (folded != nullptr && std::holds_alternative<graph::DepthwiseOp>(folded->conv));
    }

    static bool hasBias(const Layer& layer)
    {
        if (const auto* dense = std::get_if<graph::DenseOp>(&layer.op)) {
            return dense->useBias;
        }
        if (const auto* depthwise = std::get_if<graph::DepthwiseOp>(&layer.op)) {
            return depthwise->useBias;
        }
        const graph::ConvOp* conv = convOf(layer);
        return conv == nullptr || conv->useBias;
    }

    static Slot kernelSlot(const Layer& layer)
    {
        return isDepthwise(layer) ? Slot::Depthwise : Slot::Kernel;
    }

    /// Products that one output sums.
    static std::int64_t terms(const Shape& kernel)
    {
        std::int64_t count = 1;
        for (int axis = 0; axis + 1 < kernel.rank(); ++axis) {
            count *= kernel[axis];
        }
        return count;
    }

    /// Kernel type, shape and product; the part that plain and folded layers share.
    Result<void> readKernel(const Layer& layer, LayerTypes& types)
    {
        auto weight = weightType(layer, kernelSlot(layer), types);
        if (!weight) {
            return fail(std::move(weight).error());
        }
        auto product = multiplier(*weight, types.inputs.front());
        if (!product) {
            return fail(std::move(product).error());
        }
        types.weight = *weight;
        types.kernelShape = layer.weights.front().value->shape();
        types.product = std::move(*product);
        if (std::holds_alternative<graph::DenseOp>(layer.op) && layer.outputShape.rank() > 1) {
            warn("dense_on_rows",
                 "QTools stops at dense layers on more than one row; here every row counts.",
                 layer.name);
        }
        if (types.kernelShape.rank() == 3 && !types.product->output.isFloat()) {
            warn("conv1d",
                 "QTools stops at fixed-point Conv1D layers; here they count as it counts Conv2D.",
                 layer.name);
        }
        return {};
    }

    Result<DataType> resolveKernel(const Layer& layer, LayerTypes& types)
    {
        if (auto ok = readKernel(layer, types); !ok) {
            return fail(std::move(ok).error());
        }
        if (hasBias(layer)) {
            auto bias = weightType(layer, Slot::Bias, types);
            if (!bias) {
                return bias;
            }
            types.bias = *bias;
        }
        warnOfInference(layer);
        const Shape& kernel = types.kernelShape;
        const std::int64_t count =
            isDepthwise(layer) ? std::int64_t{kernel[0]} * kernel[1] : terms(kernel);
        auto sum = withBias(types.product->output, count, types.bias);
        if (!sum) {
            return fail(std::move(sum).error());
        }
        types.sum = std::move(*sum);
        const Layer* norm = fusedNorm(types.index);
        if (norm != nullptr) {
            if (auto ok = readFusedNorm(*norm, types); !ok) {
                return fail(std::move(ok).error());
            }
        }
        if (isPlain(types)) {
            types.product->output = m_kerasAccumulator;
            types.sum->output = m_kerasAccumulator;
            types.fusedSum = types.sum;
            return types.sum->output;
        }
        types.fusedSum = types.sum;
        if (norm != nullptr) {
            return fuseNorm(layer, *norm, types, count);
        }
        const auto scale = kernelScales(layer, *layer.weights.front().value);
        if (scale) {
            auto fused =
                withBias(scaled(types.product->output, scale->low, scale->high), count, types.bias);
            if (!fused) {
                return fail(std::move(fused).error());
            }
            types.fusedSum = std::move(*fused);
        }
        return types.sum->output; // what follows is not told of the scales
    }

    static Result<Operator> withBias(const DataType& product, std::int64_t count,
                                     const std::optional<DataType>& bias)
    {
        auto sum = accumulator(product, count);
        if (!sum || !bias) {
            return sum;
        }
        return adder(sum->output, *bias);
    }

    void warnOfInference(const Layer& layer)
    {
        const quant::QuantizerPtr bias = m_configuration.find(layer.name, Slot::Bias);
        if (m_options.inference && bias && !hasBias(layer)) {
            warn("unused_bias_quantizer",
                 "The layer has a bias quantizer but no bias; QTools fails on that in inference.",
                 layer.name);
        }
    }

    Result<DataType> resolveFolded(const Layer& layer, LayerTypes& types)
    {
        if (auto ok = readKernel(layer, types); !ok) {
            return fail(std::move(ok).error());
        }
        if (m_options.inference && m_options.quantizeWeights) {
            warn("folded_inference", "QTools fails on folded layers whose weights are still float.",
                 layer.name);
        }
        const auto& op = std::get<graph::FoldedConvOp>(layer.op);
        if (!isPlain(types)) {
            const auto scale = kernelScales(layer, foldedKernel(layer, op.norm));
            if (scale) {
                types.product->output = scaled(types.product->output, scale->low, scale->high);
            }
        }
        const quant::QuantizerPtr bias = m_configuration.find(layer.name, Slot::Bias);
        const bool hasBiasType = bias || isPlain(types);
        // Unlike depth-wise layers of their own, folded ones are taken as full convolutions.
        const Shape& kernel = types.kernelShape;
        auto sum = accumulator(types.product->output, terms(kernel) + (hasBiasType ? 1 : 0));
        if (!sum) {
            return fail(std::move(sum).error());
        }
        if (hasBiasType) {
            auto type = weightType(layer, Slot::Bias, types);
            if (!type) {
                return type;
            }
            types.bias = *type;
        } else {
            types.bias = sum->output;
            if (!sum->output.isFloat()) {
                sum->output.bits += 1;
                sum->output.integer += 1;
            }
        }
        if (isPlain(types)) {
            types.product->output = m_kerasAccumulator;
            sum->output = m_kerasAccumulator;
        }
        types.sum = std::move(*sum);
        return types.sum->output;
    }

    // Batch normalization -----------------------------------------------------------------------

    /// With hardware weights: the QBatchNormalization that alone reads the layer and is quantized
    /// by its inverse; null otherwise.
    [[nodiscard]] const Layer* fusedNorm(int index) const
    {
        if (!m_options.hardwareWeights) {
            return nullptr;
        }
        const std::vector<int> readers = m_graph.consumers(index);
        if (readers.size() != 1 ||
            std::holds_alternative<graph::DenseOp>(m_graph.layer(index).op)) {
            return nullptr;
        }
        const Layer& norm = m_graph.layer(readers.front());
        const bool isQuantized = qtoolsClass(norm, m_configuration) == "QBatchNormalization" &&
                                 m_configuration.find(norm.name, Slot::Inverse) &&
                                 !m_configuration.find(norm.name, Slot::Gamma) &&
                                 !m_configuration.find(norm.name, Slot::Variance);
        return isQuantized ? &norm : nullptr;
    }

    /// Types of the normalization that is taken into the layer; what is missing is like the layer's
    /// input.
    Result<void> readFusedNorm(const Layer& norm, LayerTypes& types)
    {
        LayerTypes normTypes;
        normTypes.className = "QBatchNormalization";
        normTypes.inputs = types.inputs;
        if (auto ok = readNormTypes(norm, normTypes); !ok) {
            return ok;
        }
        types.beta = normTypes.beta;
        types.mean = normTypes.mean;
        types.inverse = normTypes.inverse;
        m_fusedNorms.insert(norm.name);
        return {};
    }

    /// (inverse · sum) + ((inverse · mean + inverse · bias) + beta)
    Result<DataType> fuseNorm(const Layer& layer, const Layer& norm, LayerTypes& types,
                              std::int64_t count)
    {
        const auto& op = std::get<graph::BatchNormOp>(norm.op);
        const auto kernelScale = kernelScales(layer, *layer.weights.front().value);
        if (kernelScale) {
            types.product->output =
                scaled(types.product->output, kernelScale->low, kernelScale->high);
            auto sum = withBias(types.product->output, count, types.bias);
            if (!sum) {
                return fail(std::move(sum).error());
            }
            types.sum = std::move(*sum);
        }
        auto kernelSum = accumulator(types.product->output, count);
        if (!kernelSum) {
            return fail(std::move(kernelSum).error());
        }
        const auto scale = scalesOf(m_configuration.find(norm.name, Slot::Inverse),
                                    inverseDeviation(norm, op), norm.name);
        const auto timesInverse = [&](const DataType& other) {
            auto made = multiplier(*types.inverse, other);
            if (made && scale) {
                made->output = scaled(made->output, scale->low, scale->high);
            }
            return made;
        };
        auto main = timesInverse(kernelSum->output);
        auto offset = timesInverse(*types.mean);
        if (!main || !offset) {
            return fail(main ? offset.error() : main.error());
        }
        if (types.bias) {
            auto bias = timesInverse(*types.bias);
            auto sum = bias ? adder(bias->output, offset->output) : std::move(bias);
            if (!sum) {
                return fail(std::move(sum).error());
            }
            offset = std::move(sum);
        }
        if (op.center) {
            auto sum = adder(offset->output, *types.beta);
            if (!sum) {
                return fail(std::move(sum).error());
            }
            offset = std::move(sum);
        }
        auto fused = adder(main->output, offset->output);
        if (!fused) {
            return fail(std::move(fused).error());
        }
        types.fusedSum = std::move(*fused);
        return types.fusedSum->output;
    }

    Result<void> readNormTypes(const Layer& layer, LayerTypes& types)
    {
        struct Part {
            Slot slot;
            std::optional<DataType> LayerTypes::*type;
            bool isLikeInput; ///< without quantizer: the input's type, else the default
        };
        static constexpr std::array<Part, 5> kParts{{{Slot::Gamma, &LayerTypes::gamma, false},
                                                     {Slot::Beta, &LayerTypes::beta, true},
                                                     {Slot::Mean, &LayerTypes::mean, true},
                                                     {Slot::Variance, &LayerTypes::variance, false},
                                                     {Slot::Inverse, &LayerTypes::inverse, false}}};
        for (const Part& part : kParts) {
            if (!isPlain(types) && part.isLikeInput &&
                !m_configuration.find(layer.name, part.slot)) {
                types.*part.type = types.inputs.front();
                continue;
            }
            auto type = weightType(layer, part.slot, types);
            if (!type) {
                return fail(std::move(type).error());
            }
            types.*part.type = *type;
        }
        return {};
    }

    Result<DataType> resolveNorm(const Layer& layer, LayerTypes& types)
    {
        const auto& op = std::get<graph::BatchNormOp>(layer.op);
        if (m_fusedNorms.contains(layer.name)) {
            return types.inputs.front();
        }
        if (m_options.hardwareWeights && !types.className.starts_with("Q")) {
            warn("plain_norm",
                 "QTools fails on Keras' own normalization when it is given hardware weights.",
                 layer.name);
        }
        if (m_options.inference && types.className.starts_with("Q") && (!op.scale || !op.center)) {
            warn("norm_inference",
                 "QTools pairs weights and quantizers wrongly, or fails, in inference when scale "
                 "or center is off.",
                 layer.name);
        }
        if (auto ok = readNormTypes(layer, types); !ok) {
            return fail(std::move(ok).error());
        }
        auto norm = normalization(types.inputs.front(), *types.gamma, *types.beta, *types.variance,
                                  op.scale, op.center);
        if (!norm) {
            return fail(std::move(norm).error());
        }
        types.norm = std::move(*norm);
        if (isPlain(types)) {
            types.norm->divider.output = m_kerasAccumulator;
            if (types.norm->multiplier) {
                types.norm->multiplier->output = m_kerasAccumulator;
            }
            if (types.norm->accumulator) {
                types.norm->accumulator->output = m_kerasAccumulator;
            }
        }
        return types.norm->output();
    }

    // Other layers ------------------------------------------------------------------------------

    Result<DataType> resolveMerge(LayerTypes& types)
    {
        auto merged = merge(types.className, types.inputs);
        if (!merged) {
            return fail(std::move(merged).error());
        }
        types.merged = std::move(*merged);
        if (m_options.forReference) {
            types.merged->output = m_kerasAccumulator;
        }
        return types.merged->output;
    }

    static std::int64_t poolArea(const Layer& layer, const Graph& graph)
    {
        if (const auto* pool = std::get_if<graph::PoolOp>(&layer.op)) {
            return std::int64_t{pool->window.height} * pool->window.width;
        }
        const Shape& input = graph.layer(layer.inputs.front()).outputShape;
        return input.elementCount() / std::max<Index>(1, input.channels());
    }

    Result<DataType> resolveAveragePool(const Layer& layer, LayerTypes& types)
    {
        auto sum = accumulator(types.inputs.front(), poolArea(layer, m_graph));
        if (!sum) {
            return fail(std::move(sum).error());
        }
        types.sum = std::move(*sum);
        if (types.className.starts_with("Q")) {
            types.average = m_options.forReference ? m_kerasType : m_default;
            if (const auto quantizer = m_configuration.find(layer.name, Slot::Average);
                quantizer && !m_options.forReference) {
                types.average = typeOrNearest(*quantizer, layer.name);
            }
            auto product = multiplier(types.sum->output, *types.average);
            if (!product) {
                return fail(std::move(product).error());
            }
            types.product = std::move(*product);
        }
        if (m_options.forReference) {
            types.sum->output = m_kerasAccumulator;
            if (types.product) {
                types.product->output = m_kerasAccumulator;
            }
        }
        return types.product ? types.product->output : types.sum->output;
    }

    Result<DataType> resolveActivation(const Layer& layer, const LayerTypes& types)
    {
        const quant::QuantizerPtr quantizer = m_configuration.find(layer.name, Slot::Activation);
        if (isPlain(types) || !quantizer) {
            return m_kerasAccumulator;
        }
        return typeOrNearest(*quantizer, layer.name);
    }

    // Counts ------------------------------------------------------------------------------------

    [[nodiscard]] std::int64_t operationCount(const Layer& layer, const LayerTypes& types) const
    {
        const std::string& name = types.className;
        const auto contains = [&name](const char* part) {
            return name.find(part) != std::string::npos;
        };
        const std::int64_t largestInput = *std::ranges::max_element(types.inputElements);
        switch (types.rule) {
        case LayerRule::Merge:
        case LayerRule::Through:
            return largestInput;
        case LayerRule::AveragePool:
            return name == "QAveragePooling2D"
                       ? 0
                       : layer.outputShape.channels() * poolArea(layer, m_graph);
        case LayerRule::Kernel:
            return kernelCount(layer);
        case LayerRule::Folded:
            return isDepthwise(layer) ? 0 : kernelCount(layer);
        case LayerRule::Norm:
        case LayerRule::Activation:
        case LayerRule::Other:
            break;
        }
        return contains("Activation") || contains("BatchNormalization") ? largestInput : 0;
    }

    /// Padded taps count; the kernel's sizes but the last times the outputs.
    static std::int64_t kernelCount(const Layer& layer)
    {
        const Shape& output = layer.outputShape;
        const Shape& kernel = layer.weights.front().value->shape();
        if (isDepthwise(layer)) {
            const std::int64_t pixels = output.elementCount() / output.channels();
            return kernel.elementCount() / kernel.channels() * pixels;
        }
        return output.elementCount() * terms(kernel);
    }

    const Graph& m_graph;
    const Configuration& m_configuration;
    const QToolsOptions& m_options;
    const DataType m_default = fixedPoint(8, 0, true); ///< what QTools takes where nothing is said
    DataType m_kerasType = m_default, m_kerasAccumulator = m_default;
    bool m_hasKerasAccumulator = false;
    std::vector<Edge> m_edges;
    std::set<std::string, std::less<>> m_fusedNorms;
    std::vector<std::string> m_unscaled; ///< layers whose auto_po2 scales are not known
    Map m_map;
};

} // namespace

std::string qtoolsClass(const Layer& layer, const Configuration& configuration)
{
    static constexpr std::array<std::string_view, 8> kWithTwin{
        "Dense",           "Conv1D",          "Conv2D",           "DepthwiseConv2D",
        "SeparableConv1D", "SeparableConv2D", "AveragePooling2D", "BatchNormalization"};
    const bool isQuantized = configuration.layers.contains(layer.name);
    if (!isQuantized || layer.className.starts_with("Q")) {
        return layer.className;
    }
    if (std::holds_alternative<graph::ActivationOp>(layer.op)) {
        return "QActivation";
    }
    const bool hasTwin = std::ranges::find(kWithTwin, layer.className) != kWithTwin.end();
    return (hasTwin ? "Q" : "") + layer.className;
}

Result<Map> makeMap(const Graph& graph, const Configuration& configuration,
                    const QToolsOptions& options)
{
    return MapMaker(graph, configuration, options).make();
}

} // namespace bitscape::hw::qtools
