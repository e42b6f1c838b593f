// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/time_distributed.h"

#include "core/graph/activation.h"
#include "core/graph/layer_reading.h"
#include "core/graph/layer_rule.h"

#include <fmt/format.h>

#include <algorithm>

namespace bitscape::graph {

namespace {

/// To the layer inside every step is a sample.
class TimeDistributedKernel final : public LayerKernel {
public:
    TimeDistributedKernel(std::unique_ptr<LayerKernel> inner, Index steps)
        : m_inner(std::move(inner)), m_steps(steps)
    {
    }

    bool isIdentity() const override { return m_inner->isIdentity(); }
    bool worksOnPixels() const override { return m_inner->worksOnPixels(); }
    void forwardPixels(const float* x, Index pixels, float* y) override
    {
        m_inner->forwardPixels(x, pixels, y);
    }
    bool callsBlockDone() const override { return m_inner->callsBlockDone(); }
    bool clamps() const override { return m_inner->clamps(); }
    bool wantsBatch() const override { return m_inner->wantsBatch(); }
    Index scratchFloats() const override { return m_inner->scratchFloats(); }
    bool takesRaw(int weight) const override { return m_inner->takesRaw(weight); }
    void setCall(const quant::CallContext& call) override { m_inner->setCall(call); }
    void setWeights(LayerWeights weights) override { m_inner->setWeights(weights); }
    void forward(int phase, const ForwardCall& call) override
    {
        ForwardCall own = call;
        own.samples = stepsOf(call.samples);
        m_inner->forward(phase, own);
    }

    void prepareTraining(int items, Index samples) override
    {
        m_inner->prepareTraining(items, samples * m_steps);
    }
    int forwardPhases() const override { return m_inner->forwardPhases(); }
    void finishForward(int phase, int items, Index samples) override
    {
        m_inner->finishForward(phase, items, samples * m_steps);
    }
    int backwardPhases() const override { return m_inner->backwardPhases(); }
    void backward(int phase, const BackwardCall& call) override
    {
        BackwardCall own = call;
        own.samples = stepsOf(call.samples);
        m_inner->backward(phase, own);
    }
    void finishBackward(int phase, int items, Index samples) override
    {
        m_inner->finishBackward(phase, items, samples * m_steps);
    }
    bool readsInput() const override { return m_inner->readsInput(); }
    bool readsOutput() const override { return m_inner->readsOutput(); }
    bool readsBatchLate() const override { return m_inner->readsBatchLate(); }
    Index savedFloats() const override { return m_inner->savedFloats() * m_steps; }
    int gradientTasks() const override { return m_inner->gradientTasks(); }
    void gradientTask(int task, const GradientCall& call) override
    {
        GradientCall own = call;
        own.samples *= m_steps;
        m_inner->gradientTask(task, own);
    }
    const Tensor* updatedWeight(int index) const override { return m_inner->updatedWeight(index); }

private:
    [[nodiscard]] SampleRange stepsOf(SampleRange samples) const
    {
        samples.first *= m_steps;
        samples.count *= m_steps;
        return samples;
    }

    std::unique_ptr<LayerKernel> m_inner;
    Index m_steps;
};

class TimeDistributedRule final : public LayerRule {
public:
    /// `text`: class_name and config of the layer inside, as in the file.
    TimeDistributedRule(Op inner, Json text) : m_text(std::move(text))
    {
        m_layer.className = m_text["class_name"].get<std::string>();
        m_layer.op = std::move(inner);
        for (std::string& name : weightNames(m_layer.op)) {
            m_layer.weights.push_back({std::move(name), {}, nullptr, true});
        }
    }

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        const Shape& input = inputs.front();
        if (input.rank() < 2) {
            return fail(ErrorCode::ShapeMismatch,
                        fmt::format("It reads a sequence, got {}.", input.toString()));
        }
        const std::vector<Shape> step{input.sample()};
        auto result = shapeOf(m_layer.op, step);
        if (result) {
            result->output = result->output.batchOf(input[0]);
            result->macs *= std::max<Index>(input[0], 0);
        }
        return result;
    }

    std::vector<RuleWeight> weights() const override
    {
        std::vector<RuleWeight> list;
        for (std::size_t w = 0; w < m_layer.weights.size(); ++w) {
            const Slot* slot = slotOfWeight(m_layer, static_cast<int>(w));
            list.push_back(
                {m_layer.weights[w].name, slot == nullptr ? std::nullopt : std::optional(*slot)});
        }
        return list;
    }
    void startWeight(std::size_t weight, std::span<float> values) const override
    {
        if (rule() != nullptr) {
            rule()->startWeight(weight, values);
        }
    }
    std::vector<Slot> slots() const override { return slotsOf(m_layer); }
    std::string_view configKey(Slot slot) const override
    {
        return rule() == nullptr ? keyOf(slot) : rule()->configKey(slot);
    }
    bool promotes(Slot slot) const override
    {
        return rule() == nullptr ? isPromotedSlot(slot) : rule()->promotes(slot);
    }
    bool clipsWeights() const override { return rule() == nullptr || rule()->clipsWeights(); }
    bool activatesOutput() const override { return rule() == nullptr || rule()->activatesOutput(); }
    Function function() const override { return functionOf(m_layer.op); }
    bool isOfKeras3() const override
    {
        return LayerRule::isOfKeras3() || (rule() != nullptr && rule()->isOfKeras3());
    }
    bool passesMask() const override { return true; }

    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        Layer layer = m_layer;
        layer.weights = request.layer.weights;
        layer.outputShape = request.layer.outputShape.sample();
        const Shape& input = request.inputs.front();
        auto inner = makeLayerKernel({.layer = layer,
                                      .inputs = {input.sample()},
                                      .inputParts = {},
                                      .stream = request.stream,
                                      .quantizers = request.quantizers,
                                      .options = request.options});
        return std::make_unique<TimeDistributedKernel>(std::move(inner), input[0]);
    }

    Json config() const override { return {{"layer", m_text}}; }
    bool placeQuantizers(const std::map<Slot, Json>& quantizers, Json& config) const override
    {
        const LayerInfo* row = findLayerKind(m_layer.className);
        if (row == nullptr || row->quantizedName.empty()) {
            return false;
        }
        config["layer"]["class_name"] = std::string(row->quantizedName);
        for (const auto& [slot, quantizer] : quantizers) {
            const std::string key(configKey(slot));
            if (!quantizer.is_null() || key.ends_with("_quantizer")) {
                config["layer"]["config"][key] = quantizer;
            }
        }
        return true;
    }

private:
    [[nodiscard]] const LayerRule* rule() const
    {
        const auto* registered = std::get_if<RuleOp>(&m_layer.op);
        return registered == nullptr ? nullptr : registered->rule.get();
    }

    Json m_text;
    Layer m_layer; ///< the layer inside; its weights have names only
};

void read(LayerReading& reading)
{
    auto meaning = reading.inner("layer");
    if (!meaning) {
        reading.config.refuse("layer", meaning.error().sentence());
        return;
    }
    if (const auto* unsupported = std::get_if<UnsupportedOp>(&meaning->op)) {
        reading.lacks("the layer inside: " + unsupported->reason);
        return;
    }
    if (meaning->outputs > 1 || std::holds_alternative<InputOp>(meaning->op)) {
        reading.lacks("a layer of several outputs inside is not covered");
        return;
    }
    reading.meaning.quantizers = std::move(meaning->quantizers);
    reading.meaning.notes = std::move(meaning->notes);
    // Axes are counted with the batch: here with batch and steps.
    reading.meaning.lastAxis = meaning->lastAxis > 0 ? meaning->lastAxis + 1 : meaning->lastAxis;
    const Json& layer = reading.config.at("layer");
    reading.become<TimeDistributedRule>(
        std::move(meaning->op),
        Json{{"class_name", layer["class_name"]}, {"config", layer["config"]}});
}

} // namespace

LayerInfo timeDistributedLayer()
{
    return {"TimeDistributed", "", "A layer applied to every step of a sequence.", read};
}

} // namespace bitscape::graph
