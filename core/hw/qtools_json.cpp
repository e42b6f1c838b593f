// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/hw/qtools_map.h"

#include <nlohmann/json.hpp>

#include <array>
#include <utility>

// The map as QTools prints it, key by key.
namespace bitscape::hw::qtools {

namespace {

nlohmann::ordered_json withShape(const DataType& type, const Shape& shape, bool hasBatch)
{
    nlohmann::ordered_json json = toJson(type);
    json["shape"] = nlohmann::ordered_json::array();
    if (hasBatch) {
        json["shape"].push_back(-1);
    }
    for (const Index size : shape.sizes()) {
        json["shape"].push_back(size);
    }
    return json;
}

nlohmann::ordered_json compound(const Operator& made)
{
    nlohmann::ordered_json json = toJson(made.output);
    json["op_type"] = made.implementation;
    return json;
}

void addNorm(nlohmann::ordered_json& json, const LayerTypes& layer)
{
    const std::array<std::pair<const char*, const std::optional<DataType>*>, 4> parts{
        {{"gamma_quantizer", &layer.gamma},
         {"beta_quantizer", &layer.beta},
         {"mean_quantizer", &layer.mean},
         {"variance_quantizer", &layer.variance}}};
    for (const auto& [key, type] : parts) {
        if (*type) {
            json[key] = toJson(**type);
        }
    }
    if (!layer.norm) {
        return;
    }
    json["internal_divide_quantizer"] = compound(layer.norm->divider);
    if (layer.norm->multiplier) {
        json["internal_multiplier"] = compound(*layer.norm->multiplier);
    }
    if (layer.norm->accumulator) {
        json["internal_accumulator"] = compound(*layer.norm->accumulator);
    }
}

void addKernel(nlohmann::ordered_json& json, const LayerTypes& layer)
{
    json["weight_quantizer"] = withShape(*layer.weight, layer.kernelShape, false);
    if (layer.bias) {
        json["bias_quantizer"] = toJson(*layer.bias);
        json["bias_quantizer"]["shape"] = layer.kernelShape.channels();
    }
    json["multiplier"] = compound(*layer.product);
    json["accumulator"] = compound(*layer.sum);
    if (!layer.fusedSum) {
        return;
    }
    const std::array<std::pair<const char*, const std::optional<DataType>*>, 3> parts{
        {{"bn_beta_quantizer", &layer.beta},
         {"bn_mean_quantizer", &layer.mean},
         {"bn_inverse_quantizer", &layer.inverse}}};
    for (const auto& [key, type] : parts) {
        if (*type) {
            json[key] = toJson(**type);
        }
    }
    json["fused_accumulator"] = compound(*layer.fusedSum);
}

} // namespace

nlohmann::ordered_json toJson(const Map& map)
{
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    if (!map.sources.empty()) {
        json["source_quantizers"] = nlohmann::ordered_json::array();
        for (const DataType& source : map.sources) {
            json["source_quantizers"].push_back(toJson(source));
        }
    }
    for (const LayerTypes& layer : map.layers) {
        nlohmann::ordered_json& entry = json[layer.name];
        entry["layer_type"] = layer.className;
        entry["input_quantizer_list"] = nlohmann::ordered_json::array();
        for (const DataType& input : layer.inputs) {
            entry["input_quantizer_list"].push_back(toJson(input));
        }
        entry["output_quantizer"] = withShape(layer.output, layer.outputShape, true);
        switch (layer.rule) {
        case LayerRule::Norm:
            addNorm(entry, layer);
            break;
        case LayerRule::AveragePool:
            if (layer.average) {
                entry["average_quantizer"] = toJson(*layer.average);
            }
            entry["pool_sum_accumulator"] = compound(*layer.sum);
            if (layer.product) {
                entry["pool_avg_multiplier"] = compound(*layer.product);
            }
            break;
        case LayerRule::Merge:
            entry[layer.className + "_quantizer"] = compound(*layer.merged);
            break;
        case LayerRule::Kernel:
        case LayerRule::Folded:
            addKernel(entry, layer);
            break;
        case LayerRule::Activation:
        case LayerRule::Through:
        case LayerRule::Other:
            break;
        }
        entry["operation_count"] = layer.operations;
    }
    return json;
}

} // namespace bitscape::hw::qtools
