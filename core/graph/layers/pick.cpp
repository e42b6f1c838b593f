// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/pick.h"

#include "core/graph/layer_registry.h"
#include "core/graph/layers/rule_support.h"

#include <fmt/format.h>

#include <algorithm>

namespace bitscape::graph {

namespace {

using Picks = std::vector<std::vector<Index>>;

constexpr LayerInfo kRow{"Pick", "", "Chosen indices along every axis.", nullptr};

class PickRule final : public LayerRule {
public:
    explicit PickRule(Picks picks) : m_picks(std::move(picks)) {}

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        const Shape& input = inputs.front();
        if (input.rank() != std::ssize(m_picks)) {
            return shapeMismatch(fmt::format("It picks along {} axes, its input {} has {}.",
                                             m_picks.size(), input.toString(), input.rank()));
        }
        Shape output = input;
        for (int axis = 0; axis < input.rank(); ++axis) {
            const auto& indices = m_picks[static_cast<std::size_t>(axis)];
            const auto fits = [&](Index index) { return index >= -1 && index < input[axis]; };
            if (indices.empty() || !std::ranges::all_of(indices, fits)) {
                return shapeMismatch(
                    fmt::format("It picks what its input {} does not hold.", input.toString()));
            }
            output[axis] = std::ssize(indices);
        }
        return OpShape{.output = output};
    }
    std::vector<Slot> slots() const override { return {}; }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        const Shape& input = request.inputs.front();
        const std::vector<Index> steps = stepsOf(input);
        std::vector<Index> sources{0};
        for (std::size_t axis = 0; axis < m_picks.size(); ++axis) {
            std::vector<Index> finer;
            finer.reserve(sources.size() * m_picks[axis].size());
            for (const Index source : sources) {
                for (const Index index : m_picks[axis]) {
                    finer.push_back(source < 0 || index < 0 ? -1 : source + index * steps[axis]);
                }
            }
            sources = std::move(finer);
        }
        return makeGatherKernel(input.elementCount(), sources);
    }
    Json config() const override { return {{"picks", m_picks}}; }

private:
    Picks m_picks;
};

} // namespace

Op pickOp(std::vector<std::vector<Index>> picks)
{
    return RuleOp{&kRow, std::make_shared<PickRule>(std::move(picks))};
}

} // namespace bitscape::graph
