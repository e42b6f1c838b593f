// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/bidirectional.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layers/recurrent.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace bitscape::graph {

namespace {

enum class Merge { Concat, Sum, Multiply, Average, None };

struct MergeName {
    Merge merge;
    std::string_view name;
};
constexpr std::array kMerges{MergeName{Merge::Concat, "concat"}, MergeName{Merge::Sum, "sum"},
                             MergeName{Merge::Multiply, "mul"}, MergeName{Merge::Average, "ave"}};

constexpr Index kBlock = 64;                   // samples
constexpr Index kBlockFloats = Index{1} << 21; // of both directions' outputs in scratch
constexpr std::size_t kMostInputs = 8;

/// Sizes per sample of what both directions give.
struct Sizes {
    Index steps = 1;  ///< of the output
    Index pixels = 1; ///< of a step that is an image
    Index width = 1;  ///< channels of one direction
    Index states = 0; ///< floats of one direction's states
    [[nodiscard]] Index rows() const { return steps * pixels; }
    [[nodiscard]] Index sequence() const { return rows() * width; }
    [[nodiscard]] Index output() const { return sequence() + states; }
    /// The row of the direction that starts at the end.
    [[nodiscard]] Index turned(Index row) const
    {
        return (steps - 1 - row / pixels) * pixels + row % pixels;
    }
};

struct Direction {
    std::unique_ptr<LayerKernel> kernel;
    std::vector<std::size_t> inputs; ///< of the layer, that it reads
    std::size_t weights = 0;
};

class BidirectionalKernel final : public LayerKernel {
public:
    BidirectionalKernel(std::array<Direction, 2> directions, std::vector<Index> inputSizes,
                        const Sizes& sizes, Merge merge)
        : m_directions(std::move(directions)), m_inputSizes(std::move(inputSizes)), m_sizes(sizes),
          m_merge(merge), m_block(std::clamp<Index>(kBlockFloats / (2 * sizes.output()), 1, kBlock))
    {
    }

    bool wantsBatch() const override { return either(&LayerKernel::wantsBatch); }
    bool readsInput() const override { return either(&LayerKernel::readsInput); }
    Index scratchFloats() const override
    {
        return 2 * m_block * m_sizes.output() +
               std::max(kernel(0).scratchFloats(), kernel(1).scratchFloats());
    }

    void setWeights(LayerWeights weights) override
    {
        kernel(0).setWeights(weights.first(m_directions[0].weights));
        kernel(1).setWeights(weights.last(m_directions[1].weights));
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        forEachBlock(call.samples, [&](Index first, Index count) {
            const std::array outputs = outputsOf(call.saved, call.samples, first, count);
            for (std::size_t d = 0; d < 2; ++d) {
                std::array<const float*, kMostInputs> inputs{};
                kernel(d).forward(0, {.samples = rangeOf(call.samples, first, count),
                                      .inputs = inputsOf(call.inputs, d, first, inputs),
                                      .output = outputs[d],
                                      .saved = savedOf(call.saved, call.samples, d, first)});
            }
            for (Index s = 0; s < count; ++s) {
                merge(outputs[0] + s * m_sizes.output(), outputs[1] + s * m_sizes.output(),
                      call.output + (first + s) * outputFloats());
            }
        });
    }

    void prepareTraining(int items, Index samples) override
    {
        m_isTrained = true;
        kernel(0).prepareTraining(items, samples);
        kernel(1).prepareTraining(items, samples);
        if (wantsBatch()) {
            m_block = samples;
        }
    }
    Index savedFloats() const override
    {
        return kernel(0).savedFloats() + kernel(1).savedFloats() +
               (keepsOutputs() ? 2 * m_sizes.output() : 0);
    }
    void finishForward(int phase, int items, Index samples) override
    {
        kernel(0).finishForward(phase, items, samples);
        kernel(1).finishForward(phase, items, samples);
    }
    void finishBackward(int phase, int items, Index samples) override
    {
        kernel(0).finishBackward(phase, items, samples);
        kernel(1).finishBackward(phase, items, samples);
    }

    void backward(int /*phase*/, const BackwardCall& call) override
    {
        forEachBlock(call.samples, [&](Index first, Index count) {
            // Only read from here on.
            float* saved = const_cast<float*>(call.saved);
            const std::array<float*, 2> outputs = keepsOutputs()
                                                      ? outputsOf(saved, call.samples, first, count)
                                                      : std::array<float*, 2>{nullptr, nullptr};
            const std::array gradients = piecesOf(call.samples.scratch, count);
            for (Index s = 0; s < count; ++s) {
                const Index at = s * m_sizes.output();
                split(call.upstream + (first + s) * outputFloats(),
                      keepsOutputs() ? outputs[0] + at : nullptr,
                      keepsOutputs() ? outputs[1] + at : nullptr, gradients[0] + at,
                      gradients[1] + at);
            }
            for (std::size_t d = 0; d < 2; ++d) {
                walkBack(call, d, first, count, gradients[d],
                         savedOf(saved, call.samples, d, first));
            }
        });
    }

    int gradientTasks() const override
    {
        return kernel(0).gradientTasks() + kernel(1).gradientTasks();
    }
    void gradientTask(int task, const GradientCall& call) override
    {
        const bool isForward = task < kernel(0).gradientTasks();
        GradientCall own = call;
        own.gradients = isForward ? call.gradients.first(m_directions[0].weights)
                                  : call.gradients.last(m_directions[1].weights);
        kernel(isForward ? 0 : 1)
            .gradientTask(isForward ? task : task - kernel(0).gradientTasks(), own);
    }

private:
    [[nodiscard]] LayerKernel& kernel(std::size_t direction) const
    {
        return *m_directions[direction].kernel;
    }
    [[nodiscard]] bool either(bool (LayerKernel::*is)() const) const
    {
        return (kernel(0).*is)() || (kernel(1).*is)();
    }
    [[nodiscard]] bool isJoined() const
    {
        return m_merge == Merge::Concat || m_merge == Merge::None;
    }
    [[nodiscard]] Index outputFloats() const
    {
        return (isJoined() ? 2 : 1) * m_sizes.sequence() + 2 * m_sizes.states;
    }
    /// The gradient of a product reads both factors.
    [[nodiscard]] bool keepsOutputs() const { return m_isTrained && m_merge == Merge::Multiply; }

    template <class Visit>
    void forEachBlock(const SampleRange& samples, const Visit& visit) const
    {
        for (Index first = 0; first < samples.count; first += m_block) {
            visit(first, std::min(m_block, samples.count - first));
        }
    }

    [[nodiscard]] SampleRange rangeOf(const SampleRange& samples, Index first, Index count) const
    {
        SampleRange range = samples;
        range.first += first;
        range.count = count;
        range.scratch += 2 * m_block * m_sizes.output();
        return range;
    }
    [[nodiscard]] std::array<float*, 2> piecesOf(float* memory, Index count) const
    {
        return {memory, memory + count * m_sizes.output()};
    }
    /// Where both directions write: into what is saved, if it is read again.
    [[nodiscard]] std::array<float*, 2> outputsOf(float* saved, const SampleRange& samples,
                                                  Index first, Index count) const
    {
        if (!keepsOutputs()) {
            return piecesOf(samples.scratch, count);
        }
        const Index before = kernel(0).savedFloats() + kernel(1).savedFloats();
        return piecesOf(saved + samples.count * before + first * 2 * m_sizes.output(), count);
    }
    [[nodiscard]] float* savedOf(float* saved, const SampleRange& samples, std::size_t direction,
                                 Index first) const
    {
        if (saved == nullptr) {
            return nullptr;
        }
        const Index before = direction == 0 ? 0 : samples.count * kernel(0).savedFloats();
        return saved + before + first * kernel(direction).savedFloats();
    }
    std::span<const float* const> inputsOf(std::span<const float* const> given,
                                           std::size_t direction, Index first,
                                           std::array<const float*, kMostInputs>& inputs) const
    {
        const auto& read = m_directions[direction].inputs;
        for (std::size_t i = 0; i < read.size() && !given.empty(); ++i) {
            inputs[i] = given[read[i]] + first * m_inputSizes[read[i]];
        }
        return std::span(inputs).first(read.size());
    }

    void walkBack(const BackwardCall& call, std::size_t d, Index first, Index count,
                  const float* upstream, const float* saved) const
    {
        const auto& read = m_directions[d].inputs;
        std::array<const float*, kMostInputs> inputs{};
        std::array<float*, kMostInputs> gradients{};
        std::array<bool, kMostInputs> adds{};
        for (std::size_t i = 0; i < read.size(); ++i) {
            float* gradient = call.inputGradients[read[i]];
            gradients[i] = gradient == nullptr ? nullptr : gradient + first * m_inputSizes[read[i]];
            const auto& others = m_directions[0].inputs;
            const bool isShared = d == 1 && std::ranges::find(others, read[i]) != others.end();
            adds[i] = isShared || call.adds[read[i]];
        }
        kernel(d).backward(0, {.samples = rangeOf(call.samples, first, count),
                               .inputs = inputsOf(call.inputs, d, first, inputs),
                               .upstream = upstream,
                               .inputGradients = std::span(gradients).first(read.size()),
                               .adds = std::span(adds).first(read.size()),
                               .saved = saved});
    }

    /// One sample: the backward direction's steps come last first.
    void merge(const float* forward, const float* backward, float* target) const
    {
        const Index width = m_sizes.width;
        for (Index row = 0; row < m_sizes.rows(); ++row) {
            const float* a = forward + row * width;
            const float* b = backward + m_sizes.turned(row) * width;
            if (isJoined()) {
                const bool isConcat = m_merge == Merge::Concat;
                float* first = target + row * width * (isConcat ? 2 : 1);
                float* second = isConcat ? first + width : first + m_sizes.sequence();
                std::copy_n(a, width, first);
                std::copy_n(b, width, second);
                continue;
            }
            float* y = target + row * width;
            for (Index u = 0; u < width; ++u) {
                y[u] = m_merge == Merge::Multiply  ? a[u] * b[u]
                       : m_merge == Merge::Average ? (a[u] + b[u]) * 0.5F
                                                   : a[u] + b[u];
            }
        }
        float* states = target + (isJoined() ? 2 : 1) * m_sizes.sequence();
        std::copy_n(forward + m_sizes.sequence(), m_sizes.states, states);
        std::copy_n(backward + m_sizes.sequence(), m_sizes.states, states + m_sizes.states);
    }

    /// The way back: gradients of both directions' outputs; `forward` and `backward` are the
    /// outputs if they are factors.
    void split(const float* upstream, const float* forward, const float* backward, float* da,
               float* db) const
    {
        const Index width = m_sizes.width;
        for (Index row = 0; row < m_sizes.rows(); ++row) {
            const Index turned = m_sizes.turned(row) * width;
            float* a = da + row * width;
            float* b = db + turned;
            if (isJoined()) {
                const bool isConcat = m_merge == Merge::Concat;
                const float* first = upstream + row * width * (isConcat ? 2 : 1);
                std::copy_n(first, width, a);
                std::copy_n(isConcat ? first + width : first + m_sizes.sequence(), width, b);
                continue;
            }
            const float* dy = upstream + row * width;
            for (Index u = 0; u < width; ++u) {
                const bool isProduct = m_merge == Merge::Multiply;
                const float share = m_merge == Merge::Average ? 0.5F : 1.0F;
                a[u] = dy[u] * (isProduct ? backward[turned + u] : share);
                b[u] = dy[u] * (isProduct ? forward[row * width + u] : share);
            }
        }
        const float* states = upstream + (isJoined() ? 2 : 1) * m_sizes.sequence();
        std::copy_n(states, m_sizes.states, da + m_sizes.sequence());
        std::copy_n(states + m_sizes.states, m_sizes.states, db + m_sizes.sequence());
    }

    std::array<Direction, 2> m_directions;
    std::vector<Index> m_inputSizes; ///< floats per sample
    Sizes m_sizes;
    Merge m_merge;
    Index m_block;
    bool m_isTrained = false;
};

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
        return std::make_unique<BidirectionalKernel>(std::move(directions), std::move(inputSizes),
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

    [[nodiscard]] Sizes sizesOf(std::span<const Shape> inputs) const
    {
        const auto shape = m_forward.rule->shape(select(inputs, 0));
        ensure(shape.has_value(), "Bidirectional: a checked layer has a shape");
        const Shape& output = shape->parts.empty() ? shape->output : shape->parts.front();
        Sizes sizes;
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
