// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/bidirectional.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layers/bidirectional_kernel.h"
#include "core/graph/layers/recurrent.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace bitscape::graph {

namespace {

struct MergeName {
    Merge merge;
    std::string_view name;
};
constexpr std::array kMerges{MergeName{Merge::Concat, "concat"}, MergeName{Merge::Sum, "sum"},
                             MergeName{Merge::Multiply, "mul"}, MergeName{Merge::Average, "ave"}};

/// A layer of one direction and how files call it.
struct Inner {
    const LayerInfo* info = nullptr;
    std::shared_ptr<const SequenceRule> rule;
};

class BidirectionalRule final : public LayerRule {
public:
    BidirectionalRule(Inner forward, Inner backward, Merge merge, bool masked = false)
        : m_forward(directed(forward, masked)), m_backward(directed(backward, masked)),
          m_merge(merge), m_isMasked(masked)
    {
    }

    InputCount inputCount() const override
    {
        const std::size_t least = m_isMasked ? 2 : 1;
        return {least, least + 2 * static_cast<std::size_t>(m_forward.rule->stateCount())};
    }
    bool passesMask() const override { return m_forward.rule->passesMask(); }
    std::shared_ptr<const LayerRule> withMask() const override
    {
        return std::make_shared<BidirectionalRule>(m_forward, m_backward, m_merge, true);
    }

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        auto a = m_forward.rule->shape(select(inputs, 0));
        auto b = a ? m_backward.rule->shape(select(inputs, 1)) : std::move(a);
        if (!b) {
            return b;
        }
        const bool returnsState = m_forward.rule->returnsState();
        Shape output = returnsState ? a->parts.front() : a->output;
        const Shape other = returnsState ? b->parts.front() : b->output;
        if (!(output == other)) {
            return fail(ErrorCode::ShapeMismatch, fmt::format("Its directions give {} and {}.",
                                                              output.toString(), other.toString()));
        }
        OpShape result;
        result.macs = a->macs + b->macs;
        addWeights(*a, "forward/", result);
        addWeights(*b, "backward/", result);
        if (m_merge == Merge::Concat) {
            output[output.rank() - 1] *= 2;
        }
        result.output = output;
        if (m_merge == Merge::None) {
            result.parts = {output, other};
        } else if (returnsState) {
            result.parts = {output};
        }
        if (returnsState) {
            result.parts.insert(result.parts.end(), a->parts.begin() + 1, a->parts.end());
            result.parts.insert(result.parts.end(), b->parts.begin() + 1, b->parts.end());
        }
        if (!result.parts.empty()) {
            Index floats = 0;
            for (const Shape& part : result.parts) {
                const bool isOpen =
                    std::ranges::any_of(part.sizes(), [](Index n) { return n < 0; });
                floats = isOpen || floats < 0 ? -1 : floats + part.elementCount();
            }
            result.output = {floats};
        }
        return result;
    }

    std::vector<RuleWeight> weights() const override
    {
        std::vector<RuleWeight> list;
        for (const auto& [inner, prefix] :
             {std::pair{&m_forward, "forward/"}, std::pair{&m_backward, "backward/"}}) {
            for (const RuleWeight& weight : inner->rule->weights()) {
                list.push_back({prefix + weight.name, weight.slot});
            }
        }
        return list;
    }
    void startWeight(std::size_t weight, std::span<float> values) const override
    {
        const std::size_t first = m_forward.rule->weights().size();
        weight < first ? m_forward.rule->startWeight(weight, values)
                       : m_backward.rule->startWeight(weight - first, values);
    }
    std::vector<Slot> slots() const override { return m_forward.rule->slots(); }
    std::string_view configKey(Slot slot) const override { return m_forward.rule->configKey(slot); }
    bool activatesOutput() const override { return false; }
    Function function() const override { return m_forward.rule->function(); }
    bool isOfKeras3() const override
    {
        return m_forward.rule->isOfKeras3() || m_backward.rule->isOfKeras3();
    }

    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        std::array<Direction, 2> directions;
        for (std::size_t d = 0; d < 2; ++d) {
            const auto& rule = d == 0 ? m_forward.rule : m_backward.rule;
            KernelRequest own{.layer = request.layer,
                              .inputs = select(std::span<const Shape>(request.inputs), d),
                              .inputParts = {},
                              .stream = request.stream + (std::uint64_t{d} << 32U),
                              .quantizers = request.quantizers,
                              .options = request.options};
            directions[d].kernel = rule->kernel(own);
            directions[d].inputs = inputsOf(request.inputs.size(), d);
            directions[d].weights = rule->weights().size();
        }
        std::vector<Index> inputSizes;
        for (const Shape& input : request.inputs) {
            inputSizes.push_back(input.elementCount());
        }
        return makeBidirectionalKernel(std::move(directions), std::move(inputSizes),
                                       sizesOf(request.inputs), m_merge);
    }

    Json config() const override
    {
        const auto found = std::ranges::find(kMerges, m_merge, &MergeName::merge);
        return {
            {"merge_mode", found == kMerges.end() ? Json(nullptr) : Json(std::string(found->name))},
            {"layer", configOf(m_forward)},
            {"backward_layer", configOf(m_backward)}};
    }
    bool placeQuantizers(const std::map<Slot, Json>& quantizers, Json& config) const override
    {
        for (const auto& [inner, key] :
             {std::pair{&m_forward, "layer"}, std::pair{&m_backward, "backward_layer"}}) {
            const bool hasTwin = !inner->info->quantizedName.empty();
            config[key]["class_name"] =
                std::string(hasTwin ? inner->info->quantizedName : inner->info->className);
            for (const auto& [slot, quantizer] : quantizers) {
                const std::string name(inner->rule->configKey(slot));
                if (!quantizer.is_null() || name.ends_with("_quantizer")) {
                    config[key]["config"][name] = quantizer;
                }
            }
        }
        return true;
    }

private:
    static Inner directed(const Inner& inner, bool masked)
    {
        return {inner.info, inner.rule->directed(inner.rule->goesBackwards(), masked)};
    }

    /// Which of the layer's inputs a direction reads: the sequence, its half of the initial states,
    /// the mask.
    [[nodiscard]] std::vector<std::size_t> inputsOf(std::size_t count, std::size_t direction) const
    {
        const std::size_t half = (count - (m_isMasked ? 2 : 1)) / 2;
        std::vector<std::size_t> list{0};
        for (std::size_t i = 0; i < half; ++i) {
            list.push_back(1 + direction * half + i);
        }
        if (m_isMasked) {
            list.push_back(count - 1);
        }
        return list;
    }
    [[nodiscard]] std::vector<Shape> select(std::span<const Shape> inputs,
                                            std::size_t direction) const
    {
        std::vector<Shape> own;
        for (const std::size_t input : inputsOf(inputs.size(), direction)) {
            own.push_back(inputs[input]);
        }
        return own;
    }

    static void addWeights(const OpShape& inner, const std::string& prefix, OpShape& result)
    {
        for (WeightSpec weight : inner.weights) {
            weight.name = prefix + weight.name;
            result.weights.push_back(std::move(weight));
        }
    }

    [[nodiscard]] DirectedSizes sizesOf(std::span<const Shape> inputs) const
    {
        const auto shape = m_forward.rule->shape(select(inputs, 0));
        ensure(shape.has_value(), "Bidirectional: a checked layer has a shape");
        const Shape& output = shape->parts.empty() ? shape->output : shape->parts.front();
        DirectedSizes sizes;
        sizes.steps = m_forward.rule->returnsSequences() ? output[0] : 1;
        sizes.width = output.channels();
        sizes.pixels = output.elementCount() / (sizes.steps * sizes.width);
        sizes.states = shape->output.elementCount() - output.elementCount();
        return sizes;
    }

    static Json configOf(const Inner& inner)
    {
        Json config = inner.rule->config();
        config.erase("zero_output_for_mask"); // the wrapper's doing
        return {{"class_name", std::string(inner.info->className)}, {"config", std::move(config)}};
    }

    Inner m_forward, m_backward;
    Merge m_merge;
    bool m_isMasked;
};

/// The layer under `key` as one that a wrapper can direct; nothing (and why) if it is none.
std::optional<Inner> readInner(LayerReading& reading, const char* key, LayerQuantizers& quantizers)
{
    auto meaning = reading.inner(key);
    if (!meaning) {
        reading.config.refuse(key, meaning.error().sentence());
        return std::nullopt;
    }
    const auto* registered = std::get_if<RuleOp>(&meaning->op);
    auto rule = registered == nullptr
                    ? nullptr
                    : std::dynamic_pointer_cast<const SequenceRule>(registered->rule);
    if (rule == nullptr) {
        const auto* unsupported = std::get_if<UnsupportedOp>(&meaning->op);
        reading.lacks(unsupported == nullptr ? "the layer inside is not recurrent"
                                             : "the layer inside: " + unsupported->reason);
        return std::nullopt;
    }
    quantizers = std::move(meaning->quantizers);
    reading.meaning.notes = std::move(meaning->notes);
    return Inner{registered->info, std::move(rule)};
}

bool areAlike(const LayerQuantizers& a, const LayerQuantizers& b)
{
    return std::ranges::equal(a, b, [](const auto& one, const auto& other) {
        return one.first == other.first && *one.second == *other.second;
    });
}

std::optional<Merge> readMerge(LayerReading& reading)
{
    if (reading.config.json().contains("merge_mode") && !reading.config.has("merge_mode")) {
        return Merge::None;
    }
    const std::string name = reading.config.text("merge_mode", "concat");
    const auto found = std::ranges::find(kMerges, name, &MergeName::name);
    if (found == kMerges.end()) {
        reading.config.refuse("merge_mode", "It must be concat, sum, mul, ave or null.");
        return std::nullopt;
    }
    return found->merge;
}

void read(LayerReading& reading)
{
    const auto merge = readMerge(reading);
    LayerQuantizers ofForward;
    LayerQuantizers ofBackward;
    const auto forward = readInner(reading, "layer", ofForward);
    if (!merge || !forward) {
        return;
    }
    Inner backward{forward->info, forward->rule->directed(!forward->rule->goesBackwards(), false)};
    if (reading.config.has("backward_layer")) {
        const auto given = readInner(reading, "backward_layer", ofBackward);
        if (!given) {
            return;
        }
        backward = *given;
        if (!areAlike(ofForward, ofBackward)) {
            reading.lacks("other quantizers for the way back are not covered");
        }
    }
    const auto& a = *forward->rule;
    const auto& b = *backward.rule;
    if (a.goesBackwards() == b.goesBackwards() || a.returnsSequences() != b.returnsSequences() ||
        a.returnsState() != b.returnsState() ||
        (a.returnsState() && a.stateCount() != b.stateCount())) {
        reading.config.refuse("backward_layer", "It must be the layer in the other direction.");
        return;
    }
    reading.become<BidirectionalRule>(*forward, backward, *merge);
    reading.meaning.quantizers = std::move(ofForward);
    const int sequences = *merge == Merge::None ? 2 : 1;
    reading.meaning.outputs =
        sequences + (a.returnsState() ? 2 * static_cast<int>(a.stateCount()) : 0);
}

} // namespace

LayerInfo bidirectionalLayer()
{
    return {"Bidirectional", "QBidirectional",
            "A recurrent layer that walks along a sequence both ways.", read};
}

} // namespace bitscape::graph
