// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/search/autoq_space.h"

#include "core/base/text.h"
#include "core/graph/activation.h"
#include "core/graph/layer_registry.h"
#include "core/graph/layer_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace bitscape::search {

namespace {

using graph::Slot;

/// Where a parameter's candidates come from and which element of a limit bounds them.
struct Family {
    std::string_view name;
    int element; ///< of the limit; −1: the last
};

/// AutoQKeras looks for these words in layer name and parameter together, so a layer called
/// "bias_net" draws its activation from the biases.
Family familyOf(const std::string& head, bool isLinear)
{
    if (isLinear) {
        return {"linear", 0};
    }
    if (head.find("kernel") != std::string::npos) {
        return {"kernel", 0};
    }
    if (head.find("bias") != std::string::npos) {
        return {"bias", 1};
    }
    if (head.find("recurrent_activation") != std::string::npos) {
        return {"recurrent_activation", -1};
    }
    return {"activation", -1};
}

/// Config of a recurrent layer, which Bidirectional holds inside; null for all others.
Json recurrentConfig(const graph::Layer& layer)
{
    const auto* op = std::get_if<graph::RuleOp>(&layer.op);
    const std::vector<Slot> slots = graph::slotsOf(layer);
    if (op == nullptr || std::ranges::find(slots, Slot::Recurrent) == slots.end()) {
        return nullptr;
    }
    Json config = op->rule->config();
    return config.contains("layer") ? config["layer"]["config"] : config;
}

/// The function at the end of a layer, or of the state of a recurrent one; linear where an op has
/// none.
graph::Function functionOf(const graph::Layer& layer)
{
    using graph::FunctionKind;
    if (const Json config = recurrentConfig(layer); config.is_object()) {
        for (const FunctionKind kind : {FunctionKind::Relu, FunctionKind::Tanh,
                                        FunctionKind::Sigmoid, FunctionKind::Softmax}) {
            if (config.value("activation", Json()) ==
                graph::activationField(graph::Function{.kind = kind})) {
                return {.kind = kind};
            }
        }
        return {};
    }
    return graph::functionOf(layer.op);
}

bool hasBias(const graph::Layer& layer)
{
    if (const Json config = recurrentConfig(layer); config.is_object()) {
        return config.value("use_bias", true);
    }
    return layer.findWeight("bias") != nullptr;
}

/// The kernel beside the first: of the state, or of the second stage.
struct SecondKernel {
    std::string_view what;
    Slot slot = Slot::Kernel;
};

std::optional<SecondKernel> secondKernel(const graph::Layer& layer)
{
    if (recurrentConfig(layer).is_object()) {
        return SecondKernel{"recurrent_kernel", Slot::Recurrent};
    }
    if (std::holds_alternative<graph::SeparableOp>(layer.op)) {
        return SecondKernel{"pointwise_kernel", Slot::Pointwise};
    }
    return std::nullopt;
}

Slot kernelSlot(const graph::Layer& layer)
{
    const bool depthwise = std::holds_alternative<graph::DepthwiseOp>(layer.op) ||
                           std::holds_alternative<graph::SeparableOp>(layer.op);
    return depthwise ? Slot::Depthwise : Slot::Kernel;
}

/// What model_quantize makes of a plain function inside a quantized layer; empty: it stays.
std::string embeddedQuantizer(const graph::Function& function, int bits)
{
    if (function == graph::Function{.kind = graph::FunctionKind::Relu}) {
        return fmt::format("quantized_relu({})", bits);
    }
    if (function.kind == graph::FunctionKind::Tanh) {
        return fmt::format("quantized_tanh({})", bits);
    }
    if (function.kind == graph::FunctionKind::Sigmoid) {
        return fmt::format("quantized_sigmoid({})", bits);
    }
    return {};
}

class SpaceBuilder {
public:
    SpaceBuilder(const graph::Graph& graph, bool sequential, const AutoqConfig& config,
                 SpaceReport& report)
        : m_graph(graph), m_sequential(sequential), m_config(config), m_report(report)
    {
    }

    Result<void> build()
    {
        for (const graph::Layer& layer : m_graph.layers()) {
            if (isRegisteredClass(layer.className)) {
                if (auto ok = addKernels(layer); !ok) {
                    return ok;
                }
            }
        }
        int index = 0; // in Keras' model.layers
        for (const graph::Layer& layer : m_graph.layers()) {
            if (m_sequential && std::holds_alternative<graph::InputOp>(layer.op)) {
                continue;
            }
            if (isWanted(index++)) {
                if (auto ok = addLayer(layer); !ok) {
                    return ok;
                }
            }
        }
        return {};
    }

private:
    [[nodiscard]] bool isWanted(int index) const
    {
        return !m_config.layerIndexes ||
               std::ranges::find(*m_config.layerIndexes, index) != m_config.layerIndexes->end();
    }

    [[nodiscard]] const Limit* patternOf(const graph::Layer& layer) const
    {
        const auto found = std::ranges::find_if(m_config.limits, [&](const Limit& limit) {
            return std::regex_search(layer.name, limit.pattern,
                                     std::regex_constants::match_continuous);
        });
        return found == m_config.limits.end() ? nullptr : &*found;
    }

    [[nodiscard]] const Limit* classLimitOf(const graph::Layer& layer) const
    {
        const auto found = std::ranges::find(m_config.limits, layer.className, &Limit::key);
        return found == m_config.limits.end() ? nullptr : &*found;
    }

    /// Index of the choice for a parameter; absent where the layer is not to be quantized.
    Result<std::optional<std::size_t>> choose(const graph::Layer& layer, const std::string& what,
                                              Slot slot, bool isLinear = false)
    {
        const std::string head = layer.name + "_" + what;
        const Family family = familyOf(head, isLinear);
        const Limit* pattern = patternOf(layer);
        const Limit* limit = pattern != nullptr ? pattern : classLimitOf(layer);
        if (limit == nullptr) {
            return std::optional<std::size_t>{};
        }
        const auto group = std::pair(limit->key, family.element);
        if (pattern != nullptr && m_groups.contains(group)) {
            return std::optional(m_groups[group]);
        }
        auto values = candidates(*limit, family, layer);
        if (!values) {
            return fail(std::move(values).error());
        }
        Choice choice{.name = pattern != nullptr
                                  ? fmt::format("{}_{}_quantizer", limit->key, family.name)
                                  : head + "_quantizer",
                      .layer = layer.name,
                      .slot = slot,
                      .values = std::move(*values)};
        choice.defaultValue = choice.values.front();
        m_report.choices.push_back(std::move(choice));
        const std::size_t index = m_report.choices.size() - 1;
        if (pattern != nullptr) {
            m_groups[group] = index;
        }
        return std::optional(index);
    }

    Result<std::vector<std::string>> candidates(const Limit& limit, const Family& family,
                                                const graph::Layer& layer) const
    {
        const auto size = static_cast<int>(limit.elements.size());
        const int element = family.element < 0 ? size - 1 : family.element;
        if (element < 0 || element >= size) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("It has {} elements; the {} of layer {} needs one more.", size,
                                    family.name, layer.name),
                        "limit." + limit.key, "Give kernel, bias and activation.");
        }
        const std::vector<Candidate>& all = m_config.family(family.name);
        const LimitElement& bound = limit.elements[static_cast<std::size_t>(element)];
        if (const auto* names = std::get_if<std::vector<std::string>>(&bound)) {
            return requireKnown(*names, all, limit, family);
        }
        std::vector<std::string> values;
        for (const Candidate& candidate : all) {
            if (candidate.bits <= std::get<int>(bound)) {
                values.push_back(candidate.quantizer);
            }
        }
        if (values.empty()) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("No {} quantizer has at most {} bits.", family.name,
                                    std::get<int>(bound)),
                        "limit." + limit.key);
        }
        return values;
    }

    static Result<std::vector<std::string>> requireKnown(const std::vector<std::string>& names,
                                                         const std::vector<Candidate>& all,
                                                         const Limit& limit, const Family& family)
    {
        std::vector<std::string> known;
        for (const Candidate& candidate : all) {
            known.push_back(candidate.quantizer);
        }
        for (const std::string& name : names) {
            if (std::ranges::find(known, name) == known.end()) {
                const std::string near = nearest(name, known);
                return fail(ErrorCode::InvalidArgument,
                            fmt::format("'{}' is not among the {} quantizers of "
                                        "quantization_config.",
                                        name, family.name),
                            "limit." + limit.key,
                            near.empty() ? "" : "Did you mean '" + near + "'?");
            }
        }
        if (names.empty()) {
            return fail(ErrorCode::InvalidArgument, "A list of quantizers is empty.",
                        "limit." + limit.key);
        }
        return names;
    }

    Result<void> addKernels(const graph::Layer& layer)
    {
        auto kernel = choose(layer, "kernel", kernelSlot(layer));
        if (!kernel) {
            return fail(std::move(kernel).error());
        }
        if (!*kernel) {
            return {};
        }
        m_kernels[layer.name] = {**kernel, **kernel};
        if (const auto second = secondKernel(layer)) {
            auto chosen = choose(layer, std::string(second->what), second->slot);
            if (!chosen) {
                return fail(std::move(chosen).error());
            }
            m_kernels[layer.name].second = chosen->value_or(**kernel);
        }
        return {};
    }

    void aim(std::size_t choice, const graph::Layer& layer, Slot slot)
    {
        m_report.choices[choice].targets.push_back({layer.name, slot});
    }

    Result<void> addLayer(const graph::Layer& layer)
    {
        if (isRegisteredClass(layer.className)) {
            return m_kernels.contains(layer.name) ? addWeightLayer(layer) : Result<void>{};
        }
        if (layer.className == "Activation") {
            return addActivation(layer);
        }
        const bool marked = classLimitOf(layer) != nullptr || patternOf(layer) != nullptr;
        if (marked && layer.className == "BatchNormalization") {
            m_report.convertedNorms.push_back(layer.name);
        }
        return {};
    }

    Result<void> addWeightLayer(const graph::Layer& layer)
    {
        const auto [kernel, other] = m_kernels[layer.name];
        aim(kernel, layer, kernelSlot(layer));
        if (const auto second = secondKernel(layer)) {
            aim(other, layer, second->slot);
        }
        // Asked for and then not used, like the activation: model_quantize reads another key.
        const std::vector<Slot> slots = graph::slotsOf(layer);
        if (std::ranges::find(slots, Slot::RecurrentActivation) != slots.end()) {
            if (auto gates = choose(layer, "recurrent_activation", Slot::RecurrentActivation);
                !gates) {
                return fail(std::move(gates).error());
            }
        }
        if (hasBias(layer)) {
            auto bias = choose(layer, "bias", Slot::Bias);
            if (!bias) {
                return fail(std::move(bias).error());
            }
            aim(**bias, layer, Slot::Bias);
        }
        const graph::Function function = functionOf(layer);
        if (!function.isLinear() && function.kind != graph::FunctionKind::Softmax) {
            // Asked for and then not used: model_quantize reads another key.
            if (auto activation = choose(layer, "activation", Slot::Activation); !activation) {
                return fail(std::move(activation).error());
            }
        }
        if (std::string text = embeddedQuantizer(function, m_config.activationBits);
            !text.empty()) {
            m_report.embedded[layer.name] = std::move(text);
        }
        return {};
    }

    Result<void> addActivation(const graph::Layer& layer)
    {
        const graph::Function function = functionOf(layer);
        if (function.kind == graph::FunctionKind::Softmax) {
            return {};
        }
        auto choice = choose(layer, "activation", Slot::Activation, function.isLinear());
        if (!choice) {
            return fail(std::move(choice).error());
        }
        if (*choice) {
            aim(**choice, layer, Slot::Activation);
        }
        return {};
    }

    const graph::Graph& m_graph;
    bool m_sequential;
    const AutoqConfig& m_config;
    SpaceReport& m_report;
    std::map<std::string, std::pair<std::size_t, std::size_t>> m_kernels; ///< with the second
    std::map<std::pair<std::string, int>, std::size_t> m_groups;
};

} // namespace

Result<void> buildSpace(const graph::Graph& graph, bool sequential, const AutoqConfig& config,
                        SpaceReport& report)
{
    return SpaceBuilder(graph, sequential, config, report).build();
}

} // namespace bitscape::search
