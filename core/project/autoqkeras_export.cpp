// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json_text.h"
#include "core/project/search_export.h"
#include "core/search/autoq_config.h"

#include <algorithm>
#include <map>
#include <utility>

namespace bitscape::project {

namespace {

using graph::Slot;

/// Quantizers of the configuration by AutoQKeras' families.
const char* familyOf(const graph::Layer& layer, Slot slot)
{
    switch (slot) {
    case Slot::Kernel:
    case Slot::Depthwise:
    case Slot::Pointwise:
    case Slot::Recurrent:
        return "kernel";
    case Slot::Bias:
        return "bias";
    case Slot::Activation:
        return std::holds_alternative<graph::ActivationOp>(layer.op) ||
                       !graph::slotsOf(layer).empty()
                   ? "activation"
                   : "linear";
    default:
        return nullptr;
    }
}

/// AutoQKeras' default candidates, and after them those of the configuration.
Json familiesFor(const graph::Graph& graph, const graph::Configuration& configuration)
{
    Json families = Json::object();
    for (const auto& [name, candidates] : search::defaultFamilies()) {
        for (const search::Candidate& candidate : candidates) {
            families[name][candidate.quantizer] = candidate.bits;
        }
    }
    for (const graph::Layer& layer : graph.layers()) {
        const auto quantizers = configuration.layers.find(layer.name);
        if (quantizers == configuration.layers.end()) {
            continue;
        }
        for (const auto& [slot, quantizer] : quantizers->second) {
            const char* family = familyOf(layer, slot);
            if (family != nullptr && quantizer->info().origin == "QKeras") {
                families[family][quantizer->toString()] = quantizer->bits();
            }
        }
    }
    return families;
}

/// The class of Keras that limits are given for; empty where AutoQKeras leaves the layer alone.
std::string limitClass(const graph::Layer& layer)
{
    const std::string name =
        layer.className.starts_with("Q") ? layer.className.substr(1) : layer.className;
    return search::isRegisteredClass(name) ? name : std::string();
}

/// The most bits per class and tensor that the configuration uses; 8 where it uses none.
Json limitsFor(const graph::Graph& graph, const graph::Configuration& configuration)
{
    constexpr int kUsual = 8;
    Json limits = Json::object();
    const auto bitsOf = [&](const graph::Layer& layer, Slot slot) {
        const auto quantizer = configuration.find(layer.name, slot);
        return quantizer ? quantizer->bits() : 0;
    };
    for (const graph::Layer& layer : graph.layers()) {
        const std::string name = limitClass(layer);
        if (!name.empty()) {
            const int kernel =
                std::max(bitsOf(layer, Slot::Kernel), bitsOf(layer, Slot::Depthwise));
            const std::vector<int> own{kernel, bitsOf(layer, Slot::Bias),
                                       bitsOf(layer, Slot::Activation)};
            Json& limit = limits[name];
            limit = limit.is_null() ? Json{0, 0, 0} : limit;
            for (std::size_t i = 0; i < own.size(); ++i) {
                limit[i] = std::max(limit[i].get<int>(), own[i]);
            }
        } else if (layer.className == "Activation" || layer.className == "QActivation") {
            Json& limit = limits["Activation"];
            const int before = limit.is_null() ? 0 : limit[0].get<int>();
            limit = Json::array({std::max(before, bitsOf(layer, Slot::Activation))});
        }
    }
    for (auto& limit : limits) {
        for (auto& bits : limit) {
            bits = bits.get<int>() > 0 ? bits : Json(kUsual);
        }
    }
    return limits;
}

/// Arguments that a search of AutoQKeras needs, for keys that are not there.
void complete(Json& config)
{
    const Json usual{{"goal",
                      {{"type", "bits"},
                       {"params",
                        {{"delta_p", 8.0},
                         {"delta_n", 8.0},
                         {"rate", 2.0},
                         {"stress", 1.0},
                         {"input_bits", 8},
                         {"output_bits", 8},
                         {"ref_bits", 8},
                         {"config", {{"default", {"parameters", "activations"}}}}}}}},
                     {"mode", "random"},
                     {"max_trials", 10},
                     {"seed", 0},
                     {"transfer_weights", true},
                     {"activation_bits", 4},
                     {"tune_filters", "none"},
                     {"tune_filters_exceptions", "none"}};
    for (const auto& [key, value] : usual.items()) {
        if (!config.contains(key)) {
            config[key] = value;
        }
    }
}

} // namespace

Result<io::ExportContent> exportAutoQKeras(const io::ExportInput& input, const Project* project)
{
    const graph::Graph& graph = *input.graph;
    Json config = Json::object();
    if (project != nullptr && !project->studies.empty()) {
        const search::StudyDescription& study = project->studies.back()->description;
        auto parsed = bitscape::parseJson(
            study.configJson.empty() ? search::defaultConfig(study.goal) : study.configJson,
            "search " + study.name);
        if (!parsed) {
            return fail(std::move(parsed).error());
        }
        config = std::move(*parsed);
        config["max_trials"] = study.trials;
        config["seed"] = study.seed;
        for (const char* mode : {"random", "bayesian", "hyperband"}) {
            if (study.tuner == mode) {
                config["mode"] = mode;
            }
        }
    }
    if (!config.contains("quantization_config")) {
        config["quantization_config"] = familiesFor(graph, input.configuration);
    }
    if (!config.contains("limit")) {
        config["limit"] = limitsFor(graph, input.configuration);
    }
    complete(config);
    return io::singleFile(config.dump(2) + "\n");
}

} // namespace bitscape::project
