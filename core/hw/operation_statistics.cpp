// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/hw/operation_statistics.h"

#include "core/hw/qtools_map.h"
#include "core/hw/qtools_weights.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace bitscape::hw {

namespace {

using graph::Configuration;
using graph::Graph;
using graph::Layer;
using graph::Slot;

struct Rule {
    std::string_view quantizer;
    int mode;
    int bits; ///< 0: as the quantizer says
    int sign;
};
// A quantizer with the values of another kind counts as that kind; see typeOf.
constexpr std::array<Rule, 11> kRules{{{"quantized_bits", 0, 0, 1},
                                       {"quantized_ulaw", 0, 0, 1},
                                       {"quantized_tanh", 0, 0, 1},
                                       {"quantized_relu", 0, 0, 0},
                                       {"ternary", 2, 2, 1},
                                       {"stochastic_ternary", 2, 2, 1},
                                       {"binary", 3, 1, 1},
                                       {"stochastic_binary", 3, 1, 1},
                                       {"bernoulli", 4, 1, 0},
                                       {"quantized_po2", 1, 0, 1},
                                       {"quantized_relu_po2", 1, 0, 0}}};

// Rows: the weight's mode; columns: the input's.
constexpr std::array<std::array<std::string_view, 6>, 6> kOperations{
    {{"mult", "barrel", "mux", "mux", "mux", "fmult"},
     {"barrel", "adder", "mux", "xor", "mux", "fmult"},
     {"mux", "mux", "mux", "mux", "xor", "fmult"},
     {"mux", "xor", "mux", "xor", "xor", "fmult"},
     {"mux", "mux", "xor", "xor", "xor", "fmult"},
     {"fmult", "fmult", "fmult", "fmult", "fmult", "fmult"}}};

/// Nothing for a quantizer that print_qstats does not know; float without quantizer.
std::optional<StatisticsType> typeOf(const quant::QuantizerPtr& quantizer)
{
    if (!quantizer) {
        return StatisticsType{};
    }
    const auto rule = std::ranges::find(kRules, quantizer->info().name, &Rule::quantizer);
    if (rule == kRules.end()) {
        return std::nullopt;
    }
    StatisticsType type{.mode = rule->mode,
                        .bits = rule->bits > 0 ? rule->bits
                                               : static_cast<int>(quantizer->number("bits")),
                        .sign = rule->sign};
    const bool isUnitInteger =
        quantizer->parameters().contains("integer") && quantizer->number("integer") == 1;
    if (type.mode == 0 && isUnitInteger && type.sign == 1 && type.bits == 2) {
        type.mode = 2; // −2, −1, 0, 1
    } else if (type.mode == 0 && isUnitInteger && type.sign == 0 && type.bits == 1) {
        type.mode = 4; // 0, 1
    }
    return type;
}

std::string operationName(const std::optional<StatisticsType>& weight,
                          const std::optional<StatisticsType>& input)
{
    if (!weight || !input) {
        return {};
    }
    const bool isSigned = weight->sign + input->sign > 0;
    return std::string(isSigned ? "s" : "u") +
           std::string(kOperations[static_cast<std::size_t>(weight->mode)]
                                  [static_cast<std::size_t>(input->mode)]) +
           "_" + std::to_string(weight->bits) + "_" + std::to_string(input->bits);
}

bool isCounted(const Layer& layer, const std::string& className)
{
    const bool hasKernel = std::holds_alternative<graph::DenseOp>(layer.op) ||
                           std::holds_alternative<graph::ConvOp>(layer.op) ||
                           std::holds_alternative<graph::DepthwiseOp>(layer.op) ||
                           std::holds_alternative<graph::SeparableOp>(layer.op) ||
                           std::holds_alternative<graph::FoldedConvOp>(layer.op);
    return hasKernel && className.starts_with("Q");
}

bool isDepthwise(const Layer& layer)
{
    const auto* folded = std::get_if<graph::FoldedConvOp>(&layer.op);
    return std::holds_alternative<graph::DepthwiseOp>(layer.op) ||
           (folded != nullptr && std::holds_alternative<graph::DepthwiseOp>(folded->conv));
}

bool isKernel(Slot slot)
{
    return slot == Slot::Kernel || slot == Slot::Depthwise || slot == Slot::Pointwise;
}

class Counter {
public:
    Counter(const Graph& graph, const Configuration& configuration)
        : m_graph(graph), m_configuration(configuration), m_types(graph.layers().size())
    {
    }

    OperationStatistics count()
    {
        OperationStatistics statistics;
        for (std::size_t i = 0; i < m_types.size(); ++i) {
            const Layer& layer = m_graph.layer(static_cast<int>(i));
            const std::string className = qtools::qtoolsClass(layer, m_configuration);
            if (isCounted(layer, className)) {
                statistics.layers.push_back(one(layer));
            }
            m_types[i] = outputType(layer, className);
        }
        std::ranges::sort(statistics.layers, {}, &LayerStatistics::layer);
        for (const LayerStatistics& layer : statistics.layers) {
            if (!layer.operation.empty()) {
                statistics.operations[layer.operation] += layer.operations;
            }
            for (std::size_t i = 0; i < layer.weights.size(); ++i) {
                statistics.totalBits += layer.weights[i] * layer.weightTypes[i].bits;
            }
            statistics.totalBits += layer.bias * layer.biasType.bits;
            m_zeros += layer.zeros;
        }
        statistics.sparsity =
            m_values > 0 ? static_cast<double>(m_zeros) / static_cast<double>(m_values) : 0.0;
        return statistics;
    }

private:
    using Type = std::optional<StatisticsType>;

    [[nodiscard]] Type inputType(const Layer& layer) const
    {
        return layer.inputs.empty() ? Type(StatisticsType{0, 8, 0})
                                    : m_types[static_cast<std::size_t>(layer.inputs.front())];
    }

    [[nodiscard]] Type outputType(const Layer& layer, const std::string& className) const
    {
        if (className == "QActivation" || isCounted(layer, className)) {
            return typeOf(m_configuration.find(layer.name, Slot::Activation));
        }
        return inputType(layer);
    }

    LayerStatistics one(const Layer& layer)
    {
        LayerStatistics made;
        made.layer = layer.name;
        made.operations = operations(layer);
        made.biasType =
            typeOf(m_configuration.find(layer.name, Slot::Bias)).value_or(StatisticsType{});
        const auto* folded = std::get_if<graph::FoldedConvOp>(&layer.op);
        Type first;
        for (std::size_t i = 0; i < layer.weights.size(); ++i) {
            const Slot* slot = graph::slotOfWeight(layer, static_cast<int>(i));
            if (slot == nullptr || (!isKernel(*slot) && *slot != Slot::Bias)) {
                continue;
            }
            const Tensor& value = *layer.weights[i].value;
            const quant::QuantizerPtr quantizer = m_configuration.find(layer.name, *slot);
            if (isKernel(*slot)) {
                const Type type = typeOf(quantizer);
                first = made.weights.empty() ? type : first;
                // QKeras multiplies depth-wise kernels by their channels once more.
                const std::int64_t times =
                    isDepthwise(layer) ? value.shape()[value.shape().rank() - 2] : 1;
                made.weights.push_back(value.size() * times);
                made.weightTypes.push_back(type.value_or(StatisticsType{}));
                countZeros(made,
                           folded != nullptr ? qtools::foldedKernel(layer, folded->norm) : value,
                           qtools::asKernelQuantizer(quantizer));
            } else {
                made.bias = value.size();
                countZeros(made, value, quantizer);
            }
        }
        if (folded != nullptr) {
            made.bias = layer.outputShape.channels(); // the unfolded layer has one in any case
        }
        made.operation = operationName(first, inputType(layer));
        return made;
    }

    void countZeros(LayerStatistics& made, const Tensor& value,
                    const quant::QuantizerPtr& quantizer)
    {
        Tensor quantized(value);
        if (quantizer && !quantizer->needsRange()) {
            quantizer->apply(value.view(), quantized.mutableView(), {});
        }
        made.zeros += std::ranges::count(quantized.values(), 0.0F);
        m_values += value.size();
    }

    static std::int64_t operations(const Layer& layer)
    {
        const auto* separable = std::get_if<graph::SeparableOp>(&layer.op);
        if (separable == nullptr) {
            return layer.macs;
        }
        // QKeras forgets the input channels of the point-wise part.
        const Shape& output = layer.outputShape;
        const std::int64_t pixels = output.elementCount() / output.channels();
        return pixels * layer.weights.front().value->size() + output.elementCount();
    }

    const Graph& m_graph;
    const Configuration& m_configuration;
    std::vector<Type> m_types;
    std::int64_t m_values = 0, m_zeros = 0;
};

} // namespace

OperationStatistics operationStatistics(const Graph& graph, const Configuration& configuration)
{
    return Counter(graph, configuration).count();
}

} // namespace bitscape::hw
