// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/mask_flow.h"

#include "core/graph/layer_rule.h"
#include "core/graph/layers/sequence.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace bitscape::graph {

namespace {

/// Layers that make the masks which must all agree; empty: no mask.
using Makers = std::set<int>;

bool passes(const Op& op)
{
    if (const auto* registered = std::get_if<RuleOp>(&op)) {
        return registered->rule->passesMask();
    }
    if (const auto* select = std::get_if<SelectOp>(&op)) {
        return select->part == 0; // states have no steps
    }
    const auto* joined = std::get_if<ConcatenateOp>(&op);
    return std::holds_alternative<DenseOp>(op) || std::holds_alternative<ActivationOp>(op) ||
           std::holds_alternative<BatchNormOp>(op) || std::holds_alternative<DropoutOp>(op) ||
           std::holds_alternative<AddOp>(op) || (joined != nullptr && joined->axis == -1);
}

/// The op that heeds a mask; nothing if it has no use for one.
std::optional<RuleOp> masked(const Op& op)
{
    if (const auto* registered = std::get_if<RuleOp>(&op)) {
        auto rule = registered->rule->withMask();
        return rule ? std::optional(RuleOp{registered->info, std::move(rule)}) : std::nullopt;
    }
    const auto* pool = std::get_if<GlobalPoolOp>(&op);
    const bool isMean = pool != nullptr && pool->kind == PoolKind::Average &&
                        pool->spatialRank == 1 && !pool->channelsFirst;
    return isMean ? std::optional(maskedMean(pool->keepDimensions)) : std::nullopt;
}

class MaskFlow {
public:
    explicit MaskFlow(std::vector<Layer>& layers)
        : m_layers(layers), m_count(layers.size()), m_masks(m_count), m_done(m_count, 0)
    {
    }

    void run()
    {
        // Files list producers first, so that one pass and a look suffice.
        for (bool progress = true; progress;) {
            progress = false;
            for (std::size_t l = 0; l < m_count; ++l) {
                if (m_done[l] == 0 && isReady(m_layers[l])) {
                    visit(l);
                    m_done[l] = 1;
                    progress = true;
                }
            }
        }
    }

private:
    [[nodiscard]] bool isReady(const Layer& layer) const
    {
        return std::ranges::all_of(layer.inputs, [this](int input) {
            return m_done[static_cast<std::size_t>(input)] != 0;
        });
    }

    void visit(std::size_t l)
    {
        const auto* registered = std::get_if<RuleOp>(&m_layers[l].op);
        if (registered != nullptr && registered->rule->mask()) {
            m_masks[l] = {static_cast<int>(l)};
            return;
        }
        Makers makers;
        for (const int input : m_layers[l].inputs) {
            makers.insert(m_masks[static_cast<std::size_t>(input)].begin(),
                          m_masks[static_cast<std::size_t>(input)].end());
        }
        if (makers.empty()) {
            return;
        }
        const bool isPassed = passes(m_layers[l].op);
        if (auto op = masked(m_layers[l].op)) {
            const int mask = maskOf(makers);
            m_layers[l].op = std::move(*op);
            m_layers[l].inputs.push_back(mask);
        }
        if (isPassed) {
            m_masks[l] = std::move(makers);
        }
    }

    /// The layer of a mask, made when first wanted.
    int maskOf(const Makers& makers)
    {
        if (const auto found = m_made.find(makers); found != m_made.end()) {
            return found->second;
        }
        std::vector<int> inputs;
        std::string name;
        for (const int maker : makers) {
            const Layer& layer = m_layers[static_cast<std::size_t>(maker)];
            name += (name.empty() ? "" : "+") + layer.name;
            inputs.push_back(makers.size() == 1 ? layer.inputs.front() : maskOf({maker}));
        }
        const auto& first = m_layers[static_cast<std::size_t>(*makers.begin())].op;
        Layer mask;
        mask.name = name + ":mask";
        mask.className = "Mask";
        mask.op =
            makers.size() == 1 ? maskLayer(std::get<RuleOp>(first).rule->mask()) : joinedMasks();
        mask.inputs = std::move(inputs);
        m_layers.push_back(std::move(mask));
        return m_made[makers] = static_cast<int>(m_layers.size()) - 1;
    }

    std::vector<Layer>& m_layers;
    std::size_t m_count; ///< without masks
    std::vector<Makers> m_masks;
    std::vector<char> m_done;
    std::map<Makers, int> m_made;
};

} // namespace

void passMasks(std::vector<Layer>& layers)
{
    MaskFlow(layers).run();
}

} // namespace bitscape::graph
