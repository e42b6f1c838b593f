// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/keras_weights.h"

#include "core/base/json_text.h"
#include "core/base/text.h"
#include "core/graph/layer_registry.h"
#include "core/io/keras1.h"
#include "core/io/keras_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace bitscape::io {

namespace {

Failure corrupt(std::string message, std::string where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), std::move(where));
}

/// "conv2d/kernel:0" → "kernel"
std::string shortName(std::string_view fileName)
{
    const std::size_t slash = fileName.rfind('/');
    std::string_view name = slash == std::string_view::npos ? fileName : fileName.substr(slash + 1);
    return std::string(name.substr(0, name.find(':')));
}

bool isNumber(std::string_view text)
{
    return text.find_first_not_of("0123456789") == std::string_view::npos;
}

Result<void> requireFinite(const StoredWeight& weight)
{
    const auto values = weight.value.values();
    const auto bad = std::ranges::find_if(values, [](float v) { return !std::isfinite(v); });
    if (bad != values.end()) {
        return corrupt(fmt::format("Value {} of the weight is {}, not a finite number.",
                                   bad - values.begin(), std::isnan(*bad) ? "NaN" : "infinite"),
                       "weight " + weight.name);
    }
    return {};
}

// ---------------------------------------------------------------------------------------- pruning

/// Pruning keeps a mask, a threshold and a counter beside the weights it works on: by these names
/// in the legacy layout, by number beside the group of the layer in the other.
bool isPruningState(const StoredWeight& weight)
{
    const std::string name = shortName(weight.name);
    return name == "mask" || name == "threshold" || name == "pruning_step" || isNumber(weight.name);
}

bool isMask(const Tensor& tensor)
{
    return tensor.shape().rank() > 0 &&
           std::ranges::all_of(tensor.values(), [](float v) { return v == 0.0F || v == 1.0F; });
}

/// Takes the state of pruning out and what it masks to zero; returns whether weights changed.
bool prune(std::vector<StoredWeight>& weights)
{
    std::vector<StoredWeight> state;
    std::vector<StoredWeight> kept;
    for (StoredWeight& weight : weights) {
        (isPruningState(weight) ? state : kept).push_back(std::move(weight));
    }
    bool changed = false;
    for (const StoredWeight& mask : state) {
        const auto masked = std::ranges::find_if(kept, [&](const StoredWeight& weight) {
            return weight.value.shape() == mask.value.shape();
        });
        if (masked == kept.end() || !isMask(mask.value)) {
            continue;
        }
        float* values = masked->value.values().data();
        for (Index i = 0; i < mask.value.size(); ++i) {
            changed = changed || (mask.value.data()[i] == 0.0F && values[i] != 0.0F);
            values[i] *= mask.value.data()[i];
        }
    }
    weights = std::move(kept);
    return changed;
}

// ---------------------------------------------------------------------------------------- a layer

/// Names as Keras has them for weights that are only numbered: of a layer with a normalization
/// inside, whose weights come last.
void nameFolded(const graph::FoldedConvOp& op, std::vector<StoredWeight>& weights)
{
    constexpr std::array<std::string_view, 4> kNorm{"gamma", "beta", "moving_mean",
                                                    "moving_variance"};
    std::vector<std::string> own;
    std::vector<std::string> norm;
    for (std::string& name : graph::weightNames(op)) {
        const bool isNorm = std::ranges::find(kNorm, name) != kNorm.end();
        (isNorm ? norm : own).push_back(std::move(name));
    }
    own.insert(own.end(), norm.begin(), norm.end());
    for (std::size_t i = 0; i < std::min(own.size(), weights.size()); ++i) {
        weights[i].name += "/" + own[i];
    }
}

class Attacher {
public:
    Attacher(KerasArchitecture& network, WeightsOrigin origin)
        : m_network(network), m_origin(std::move(origin))
    {
    }

    [[nodiscard]] bool wantsWeights(const KerasUnit& unit) const
    {
        if (unit.layer < 0) {
            return std::ranges::any_of(
                unit.inner, [this](const KerasUnit& inner) { return wantsWeights(inner); });
        }
        return !graph::weightNames(layerOf(unit).op).empty();
    }

    Result<void> toLayer(const KerasUnit& unit, std::vector<StoredWeight> stored)
    {
        if (auto ok = put(layerOf(unit), std::move(stored)); !ok) {
            return fail(std::move(ok).error().in("layer " + layerOf(unit).name));
        }
        return {};
    }

    /// The weights of a unit of the legacy layout, of a model inside as well.
    Result<void> toUnit(const KerasUnit& unit, std::vector<StoredWeight> stored);

    /// Lets the later calls of layers have the weights of the first.
    void share()
    {
        for (std::size_t l = 0; l < m_network.layers.size(); ++l) {
            if (const int first = m_network.weightsOf[l]; first >= 0) {
                m_network.layers[l].weights =
                    m_network.layers[static_cast<std::size_t>(first)].weights;
            }
        }
    }

    void note() const
    {
        const auto add = [this](ImportKind kind, const char* subject, const char* text) {
            m_network.notes.push_back({kind, subject, text});
        };
        if (m_modernized) {
            add(ImportKind::Converted, "weights",
                m_origin.backend == "theano"
                    ? "Kernels were turned from Theano's order, gates were put side by side."
                    : "Kernels were brought into the order of Keras 2, gates side by side.");
        }
        if (m_sawPruning) {
            add(ImportKind::Ignored, "pruning", "Masks, thresholds and counters of pruning.");
        }
        if (m_pruned) {
            add(ImportKind::Converted, "pruning", "The masks were applied to the weights.");
        }
    }

private:
    [[nodiscard]] graph::Layer& layerOf(const KerasUnit& unit) const
    {
        return m_network.layers[static_cast<std::size_t>(unit.layer)];
    }
    Result<void> put(graph::Layer& layer, std::vector<StoredWeight> stored);
    void leaves(const KerasUnit& unit, std::vector<const KerasUnit*>& found) const;
    using Shares = std::vector<std::vector<StoredWeight>>;
    [[nodiscard]] std::optional<Shares> byName(const std::vector<const KerasUnit*>& leaves,
                                               const std::vector<StoredWeight>& stored) const;
    [[nodiscard]] std::optional<Shares> byOrder(const std::vector<const KerasUnit*>& leaves,
                                                const std::vector<StoredWeight>& stored) const;

    KerasArchitecture& m_network;
    WeightsOrigin m_origin;
    bool m_modernized = false;
    bool m_sawPruning = false;
    bool m_pruned = false;
};

/// Puts the stored weights in the op's order: by short name where these are the expected ones,
/// else as they come.
Result<void> Attacher::put(graph::Layer& layer, std::vector<StoredWeight> stored)
{
    if (layer.className == "PruneLowMagnitude") {
        const std::size_t before = stored.size();
        m_pruned = prune(stored) || m_pruned;
        m_sawPruning = m_sawPruning || stored.size() < before;
    }
    if (const auto* folded = std::get_if<graph::FoldedConvOp>(&layer.op)) {
        const bool isNumbered = std::ranges::all_of(
            stored, [](const StoredWeight& weight) { return isNumber(shortName(weight.name)); });
        if (isNumbered) {
            nameFolded(*folded, stored);
        }
    }
    for (const StoredWeight& weight : stored) {
        if (auto ok = requireFinite(weight); !ok) {
            return ok;
        }
    }
    if (layer.isSupported() && (m_origin.major < 2 || m_origin.backend == "theano")) {
        const Json config = Json::parse(layer.originalConfig, nullptr, false);
        auto changed = modernize(m_origin, layer.className, config, stored);
        if (!changed) {
            return fail(std::move(changed).error());
        }
        m_modernized = m_modernized || *changed;
    }
    const std::vector<std::string> wanted = graph::weightNames(layer.op);
    std::vector<std::string> got;
    for (const StoredWeight& weight : stored) {
        got.push_back(shortName(weight.name));
    }
    if (layer.isSupported() && stored.size() != wanted.size()) {
        return corrupt(fmt::format("The file holds {} weights ({}), {} has {} ({}).", got.size(),
                                   fmt::join(got, ", "), layer.className, wanted.size(),
                                   fmt::join(wanted, ", ")),
                       {});
    }
    const bool byName = layer.isSupported() && std::ranges::is_permutation(got, wanted);
    for (std::size_t i = 0; i < stored.size(); ++i) {
        const std::size_t from =
            byName ? static_cast<std::size_t>(std::ranges::find(got, wanted[i]) - got.begin()) : i;
        graph::Weight weight;
        weight.name = layer.isSupported() ? wanted[i] : got[from];
        weight.fileName = std::move(stored[from].name);
        weight.value = std::make_shared<const Tensor>(std::move(stored[from].value));
        layer.weights.push_back(std::move(weight));
    }
    return {};
}

void Attacher::leaves(const KerasUnit& unit, std::vector<const KerasUnit*>& found) const
{
    if (unit.layer >= 0) {
        found.push_back(&unit);
    }
    for (const KerasUnit& inner : unit.inner) {
        leaves(inner, found);
    }
}

/// The leaf in whose name scope a weight stands: the innermost part of its path that is the name of
/// a layer; Keras 1 had "dense_1_W" in one piece.
std::optional<Attacher::Shares> Attacher::byName(const std::vector<const KerasUnit*>& leaves,
                                                 const std::vector<StoredWeight>& stored) const
{
    std::map<std::string, std::size_t, std::less<>> numbers;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        if (!numbers.emplace(leaves[i]->name, i).second) {
            return std::nullopt;
        }
    }
    Shares shares(leaves.size());
    for (const StoredWeight& weight : stored) {
        std::vector<std::string> parts = split(weight.name, '/');
        auto found = numbers.end();
        for (auto part = parts.rbegin(); part != parts.rend() && found == numbers.end(); ++part) {
            std::string name = *part;
            found = numbers.find(name);
            for (std::size_t end = name.rfind('_');
                 m_origin.major < 2 && found == numbers.end() && end != std::string::npos;
                 end = name.rfind('_')) {
                name.resize(end);
                found = numbers.find(name);
            }
        }
        if (found == numbers.end()) {
            return std::nullopt;
        }
        shares[found->second].push_back(weight);
    }
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        if (wantsWeights(*leaves[i]) && shares[i].empty()) {
            return std::nullopt;
        }
    }
    return shares;
}

bool isStatistic(std::string_view name)
{
    constexpr std::array<std::string_view, 8> kNames{"moving_mean", "moving_variance", "iteration",
                                                     "mean",        "variance",        "count",
                                                     "ema_min",     "ema_max"};
    return std::ranges::find(kNames, name) != kNames.end();
}

/// As Keras lists the weights of a model: what is trained in all layers, then the rest.
std::optional<Attacher::Shares> Attacher::byOrder(const std::vector<const KerasUnit*>& leaves,
                                                  const std::vector<StoredWeight>& stored) const
{
    Shares shares(leaves.size());
    std::size_t next = 0;
    for (const bool trained : {true, false}) {
        for (std::size_t i = 0; i < leaves.size(); ++i) {
            for (const std::string& name : graph::weightNames(layerOf(*leaves[i]).op)) {
                if ((leaves[i]->isTrainable && !isStatistic(name)) != trained) {
                    continue;
                }
                if (next == stored.size()) {
                    return std::nullopt;
                }
                shares[i].push_back(stored[next]);
                shares[i].back().name += "/" + name;
                ++next;
            }
        }
    }
    return next == stored.size() ? std::optional(std::move(shares)) : std::nullopt;
}

Result<void> Attacher::toUnit(const KerasUnit& unit, std::vector<StoredWeight> stored)
{
    if (unit.layer >= 0) {
        return toLayer(unit, std::move(stored));
    }
    std::vector<const KerasUnit*> all;
    leaves(unit, all);
    auto shares = byName(all, stored);
    if (!shares) {
        shares = byOrder(all, stored);
    }
    if (!shares) {
        return corrupt(
            fmt::format("Its {} weights are not those of the layers inside.", stored.size()),
            "layer " + unit.name);
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (auto ok = toLayer(*all[i], std::move((*shares)[i])); !ok) {
            return ok;
        }
    }
    return {};
}

Result<void> attachLegacy(Attacher& attacher, const std::vector<KerasUnit>& units,
                          std::vector<StoredLayer> stored)
{
    std::map<std::string, std::size_t, std::less<>> byName;
    std::vector<std::size_t> inOrder; // stored layers that hold weights
    for (std::size_t i = 0; i < stored.size(); ++i) {
        byName.emplace(stored[i].name, i);
        if (!stored[i].weights.empty()) {
            inOrder.push_back(i);
        }
    }
    const auto isMissing = [&](const KerasUnit& unit) {
        return attacher.wantsWeights(unit) && !byName.contains(unit.name);
    };
    const auto missing = std::ranges::find_if(units, isMissing);
    const bool named = missing == units.end();
    const auto count = std::ranges::count_if(
        units, [&](const KerasUnit& unit) { return attacher.wantsWeights(unit); });
    if (!named && static_cast<std::size_t>(count) != inOrder.size()) {
        return corrupt(fmt::format("The file holds weights of {} layers, the network has {}; "
                                   "this one is not among them.",
                                   inOrder.size(), count),
                       "layer " + missing->name);
    }
    std::size_t next = 0;
    for (const KerasUnit& unit : units) {
        std::vector<StoredWeight> weights;
        if (named) {
            if (const auto found = byName.find(unit.name); found != byName.end()) {
                weights = std::move(stored[found->second].weights);
            }
        } else if (attacher.wantsWeights(unit)) {
            weights = std::move(stored[inOrder[next++]].weights);
        }
        if (unit.layer < 0 && !attacher.wantsWeights(unit)) {
            continue;
        }
        if (auto ok = attacher.toUnit(unit, std::move(weights)); !ok) {
            return ok;
        }
    }
    return {};
}

} // namespace

Result<void> attachWeights(KerasArchitecture& network, KerasContent content)
{
    const std::string& backend = content.backend.empty() ? network.backend : content.backend;
    Attacher attacher(network, {network.major, backend});
    auto attached = content.groups.empty()
                        ? attachLegacy(attacher, network.units, std::move(content.layers))
                        : matchTree(
                              std::move(content.groups), network.units,
                              [&](const KerasUnit& unit) { return attacher.wantsWeights(unit); },
                              [&](const KerasUnit& unit, std::vector<StoredWeight> weights) {
                                  return attacher.toLayer(unit, std::move(weights));
                              });
    if (!attached) {
        return attached;
    }
    attacher.share();
    attacher.note();
    return {};
}

} // namespace bitscape::io
