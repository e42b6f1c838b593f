// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json_text.h"
#include "core/io/run_network.h"
#include "core/io/table_export.h"
#include "core/quant/value.h"

#include <algorithm>
#include <cmath>
#include <utility>

// What QKeras' model_save_quantized_weights returns, as JSON.
namespace bitscape::io {

namespace {

using graph::Slot;

/// Nested lists of a tensor, as numpy's tolist().
Json nested(std::span<const float> values, std::span<const Index> sizes)
{
    Json out = Json::array();
    if (sizes.empty()) {
        return std::isfinite(values.front()) ? Json(static_cast<double>(values.front())) : Json();
    }
    const std::size_t step = values.size() / static_cast<std::size_t>(std::max<Index>(sizes[0], 1));
    for (Index i = 0; i < sizes[0]; ++i) {
        out.push_back(
            nested(values.subspan(static_cast<std::size_t>(i) * step, step), sizes.subspan(1)));
    }
    return out;
}

Json nested(const Tensor& tensor)
{
    return nested(tensor.values(), tensor.shape().sizes());
}

bool isPowerOfTwo(const quant::Quantizer& quantizer)
{
    return quantizer.info().name.find("_po2") != std::string::npos;
}

bool hasFittedPowers(const quant::Quantizer& quantizer)
{
    if (quantizer.info().name != "quantized_bits") {
        return false;
    }
    const std::string* alpha = quant::textOf(quantizer.parameter("alpha"));
    return alpha != nullptr && *alpha == "auto_po2";
}

/// Exponents of powers of two, with the signs apart.
void addPowers(const Tensor& values, Json& layer)
{
    Tensor exponents = values;
    Tensor signs = values;
    for (std::size_t i = 0; i < values.values().size(); ++i) {
        exponents.values()[i] = std::nearbyint(std::log2(std::abs(values.values()[i])));
        signs.values()[i] = values.values()[i] < 0 ? -1.0F : 1.0F;
    }
    layer["weights"].push_back(nested(exponents));
    layer["signs"].push_back(nested(signs));
}

/// Codes times QKeras' `scale`, and the value of a step.
void addFitted(const RunWeight& weight, const Tensor& values, Json& layer)
{
    const quant::Quantizer& quantizer = *weight.quantizer;
    const int unsignedBits = quantizer.bits() - (quantizer.number("keep_negative") != 0 ? 1 : 0);
    const auto integer = static_cast<int>(quantizer.number("integer"));
    Tensor codes = values;
    for (float& value : codes.values()) {
        value = std::ldexp(value, unsignedBits - integer);
    }
    layer["weights"].push_back(nested(codes));
    layer["scales"].push_back(nested(quantizer.fit(weight.value->view(), {}).step));
}

void addWeight(const RunWeight& weight, Json& layer)
{
    const Tensor values = weight.quantized();
    if (weight.quantizer && isPowerOfTwo(*weight.quantizer)) {
        addPowers(values, layer);
    } else if (weight.quantizer && hasFittedPowers(*weight.quantizer)) {
        addFitted(weight, values, layer);
    } else {
        layer["weights"].push_back(nested(values));
    }
}

/// The normalization that QKeras fuses a convolution with: its only reader.
const graph::Layer* fusedNorm(const RunNetwork& run, int index)
{
    const graph::Layer& layer = run.graph->layer(index);
    const auto* conv = std::get_if<graph::ConvOp>(&layer.op);
    const auto* depthwise = std::get_if<graph::DepthwiseOp>(&layer.op);
    const bool isImages = (conv != nullptr && conv->spatialRank == 2) ||
                          (depthwise != nullptr && depthwise->spatialRank == 2);
    const std::vector<int> readers = run.graph->consumers(index);
    if (!isImages || readers.size() != 1) {
        return nullptr;
    }
    const graph::Layer& norm = run.graph->layer(readers.front());
    const auto* op = std::get_if<graph::BatchNormOp>(&norm.op);
    const bool isQuantized = run.configuration.layers.contains(norm.name);
    return op != nullptr && op->axes.empty() && isQuantized ? &norm : nullptr;
}

class DictionaryWriter {
public:
    explicit DictionaryWriter(const RunNetwork& run) : m_run(run) {}

    [[nodiscard]] Json write()
    {
        Json document = Json::object();
        for (int i = 0; i < static_cast<int>(m_run.graph->layers().size()); ++i) {
            const graph::Layer& layer = m_run.graph->layer(i);
            if (m_run.configuration.layers.contains(layer.name) &&
                !std::holds_alternative<graph::ActivationOp>(layer.op)) {
                document[layer.name] = entryOf(i);
            }
        }
        return document;
    }

private:
    Json entryOf(int index)
    {
        const graph::Layer& layer = m_run.graph->layer(index);
        Json entry{{"weights", Json::array()}, {"enable_bn_fusing", false}};
        for (const RunWeight& weight : m_run.weights) {
            if (weight.layer == index && weight.slot != nullptr) {
                addWeight(weight, entry);
            }
        }
        addPool(layer, entry);
        if (std::holds_alternative<graph::BatchNormOp>(layer.op)) {
            entry["enable_bn_fusing"] =
                fusedNorm(m_run, layer.inputs.front()) == &layer &&
                m_run.configuration.layers.contains(m_run.graph->layer(layer.inputs.front()).name);
        } else if (const graph::Layer* norm = fusedNorm(m_run, index)) {
            addFusing(index, *norm, entry);
        }
        return entry;
    }

    void addPool(const graph::Layer& layer, Json& entry) const
    {
        const auto average = m_run.configuration.find(layer.name, Slot::Average);
        double area = 0;
        if (const auto* pool = std::get_if<graph::PoolOp>(&layer.op)) {
            area = static_cast<double>(pool->window.height) * pool->window.width;
        } else if (std::holds_alternative<graph::GlobalPoolOp>(layer.op)) {
            const Shape shape = m_run.graph->layer(layer.inputs.front()).outputShape;
            area = static_cast<double>(shape.elementCount() / layer.outputShape.elementCount());
        } else {
            return;
        }
        Tensor factor(Shape{1}, std::vector{static_cast<float>(1.0 / area)});
        entry["mult_factor"] = static_cast<double>(factor.values().front());
        entry["pool_area"] = area;
        if (average) {
            average->apply(factor.view(), factor.mutableView(), {});
        }
        entry["q_mult_factor"] = static_cast<double>(factor.values().front());
    }

    /// A quantized weight of the normalization; `otherwise` where it has none of that name.
    [[nodiscard]] Tensor normWeight(const graph::Layer& norm, std::string_view name,
                                    float otherwise) const
    {
        for (const RunWeight& weight : m_run.weights) {
            if (&m_run.layerOf(weight) == &norm && m_run.nameOf(weight) == name) {
                return weight.quantized();
            }
        }
        const Shape channels{norm.outputShape.channels()};
        return Tensor(channels,
                      std::vector(static_cast<std::size_t>(channels.elementCount()), otherwise));
    }

    /// Factor and bias of the convolution with its normalization, both quantized.
    void addFusing(int index, const graph::Layer& norm, Json& entry) const
    {
        const auto& op = std::get<graph::BatchNormOp>(norm.op);
        const Tensor gamma = normWeight(norm, "gamma", 1.0F);
        const Tensor beta = normWeight(norm, "beta", 0.0F);
        const Tensor mean = normWeight(norm, "moving_mean", 0.0F);
        Tensor inverse = normWeight(norm, "moving_variance", 1.0F);
        for (std::size_t c = 0; c < inverse.values().size(); ++c) {
            inverse.values()[c] = gamma.values()[c] / std::sqrt(inverse.values()[c] + op.epsilon);
        }
        if (const auto quantizer = m_run.configuration.find(norm.name, Slot::Inverse)) {
            quantizer->apply(inverse.view(), inverse.mutableView(), {});
        }
        Tensor bias = beta;
        Tensor own(bias.shape());
        for (const RunWeight& weight : m_run.weights) {
            if (weight.layer == index && m_run.nameOf(weight) == "bias") {
                own = weight.quantized();
            }
        }
        for (std::size_t c = 0; c < bias.values().size(); ++c) {
            bias.values()[c] += inverse.values()[c] * (own.values()[c] - mean.values()[c]);
        }
        entry["enable_bn_fusing"] = true;
        entry["fused_bn_layer_name"] = norm.name;
        entry["bn_inv"] = nested(inverse);
        entry["fused_bias"] = nested(bias);
    }

    const RunNetwork& m_run;
};

} // namespace

Result<ExportContent> exportQuantizedWeights(const ExportInput& input)
{
    auto run = runNetwork(input);
    if (!run) {
        return fail(std::move(run).error());
    }
    return singleFile(DictionaryWriter(*run).write().dump() + "\n");
}

} // namespace bitscape::io
