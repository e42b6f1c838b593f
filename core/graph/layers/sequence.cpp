// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/sequence.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layers/partial_sums.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace bitscape::graph {

namespace {

/// No gradient flows to an input.
void giveNothing(const BackwardCall& call, std::size_t input, Index floatsPerSample)
{
    float* target = call.inputGradients[input];
    if (target != nullptr && !call.adds[input]) {
        std::fill_n(target, call.samples.count * floatsPerSample, 0.0F);
    }
}

// ---- masks

/// Whether a step counts: 1 where some of its `width` values differ from `value`, else 0.
class MaskKernel final : public LayerKernel {
public:
    MaskKernel(Index steps, Index width, float value)
        : m_steps(steps), m_width(width), m_value(value)
    {
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        for (Index row = 0; row < call.samples.count * m_steps; ++row) {
            const float* x = call.inputs[0] + row * m_width;
            const bool counts =
                std::any_of(x, x + m_width, [this](float v) { return v != m_value; });
            call.output[row] = counts ? 1.0F : 0.0F;
        }
    }
    void backward(int /*phase*/, const BackwardCall& call) override
    {
        giveNothing(call, 0, m_steps * m_width);
    }

private:
    Index m_steps, m_width;
    float m_value;
};

class JoinKernel final : public LayerKernel {
public:
    explicit JoinKernel(Index steps) : m_steps(steps) {}

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        for (Index row = 0; row < call.samples.count * m_steps; ++row) {
            const bool counts = std::ranges::all_of(
                call.inputs, [row](const float* mask) { return mask[row] != 0.0F; });
            call.output[row] = counts ? 1.0F : 0.0F;
        }
    }
    void backward(int /*phase*/, const BackwardCall& call) override
    {
        for (std::size_t input = 0; input < call.inputGradients.size(); ++input) {
            giveNothing(call, input, m_steps);
        }
    }

private:
    Index m_steps;
};

/// Masks are no layers of files.
class ImpliedRule : public LayerRule {
public:
    std::vector<Slot> slots() const override { return {}; }
    bool isImplied() const override { return true; }
};

class MaskRule final : public ImpliedRule {
public:
    /// `ofVectors`: a step is a vector, else a number.
    MaskRule(float value, bool ofVectors) : m_value(value), m_ofVectors(ofVectors) {}

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        const Shape& input = inputs.front();
        return OpShape{.output = m_ofVectors ? Shape(input.sizes().first(input.sizes().size() - 1))
                                             : input};
    }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        const Shape& input = request.inputs.front();
        const Index width = m_ofVectors ? input.channels() : 1;
        return std::make_unique<MaskKernel>(request.layer.outputShape.elementCount(), width,
                                            m_value);
    }
    Json config() const override { return {{"mask_value", m_value}, {"vectors", m_ofVectors}}; }

private:
    float m_value;
    bool m_ofVectors;
};

class JoinRule final : public ImpliedRule {
public:
    InputCount inputCount() const override { return {2, std::numeric_limits<std::size_t>::max()}; }
    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        for (const Shape& other : inputs) {
            if (!(other == inputs.front())) {
                return fail(ErrorCode::ShapeMismatch, "Its inputs have masks of different sizes.");
            }
        }
        return OpShape{.output = inputs.front()};
    }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        return std::make_unique<JoinKernel>(request.layer.outputShape.elementCount());
    }
    Json config() const override { return Json::object(); }
};

// ---- Masking

class MaskingKernel final : public LayerKernel {
public:
    MaskingKernel(Index rows, Index width, float value)
        : m_rows(rows), m_width(width), m_value(value)
    {
    }

    bool readsInput() const override { return true; }
    void forward(int /*phase*/, const ForwardCall& call) override
    {
        const Index count = call.samples.count * m_rows;
        for (Index at = 0; at < count * m_width; at += m_width) {
            const bool counts = isCounted(call.inputs[0] + at);
            for (Index i = at; i < at + m_width; ++i) {
                call.output[i] = counts ? call.inputs[0][i] : 0.0F;
            }
        }
    }
    void backward(int /*phase*/, const BackwardCall& call) override
    {
        const Index count = call.samples.count * m_rows;
        for (Index at = 0; at < count * m_width; at += m_width) {
            const bool counts = isCounted(call.inputs[0] + at);
            for (Index i = at; i < at + m_width; ++i) {
                const float before = call.adds[0] ? call.inputGradients[0][i] : 0.0F;
                call.inputGradients[0][i] = before + (counts ? call.upstream[i] : 0.0F);
            }
        }
    }

private:
    [[nodiscard]] bool isCounted(const float* x) const
    {
        return std::any_of(x, x + m_width, [this](float v) { return v != m_value; });
    }

    Index m_rows, m_width;
    float m_value;
};

class MaskingRule final : public LayerRule {
public:
    explicit MaskingRule(float value) : m_value(value) {}

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        if (inputs.front().rank() < 2) {
            return fail(
                ErrorCode::ShapeMismatch,
                fmt::format("It reads a sequence of vectors, got {}.", inputs.front().toString()));
        }
        return OpShape{.output = inputs.front()};
    }
    std::vector<Slot> slots() const override { return {}; }
    std::shared_ptr<const LayerRule> mask() const override
    {
        return std::make_shared<MaskRule>(m_value, true);
    }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        const Shape& input = request.inputs.front();
        return std::make_unique<MaskingKernel>(input.elementCount() / input.channels(),
                                               input.channels(), m_value);
    }
    Json config() const override { return {{"mask_value", m_value}}; }

private:
    float m_value;
};

void readMasking(LayerReading& reading)
{
    reading.become<MaskingRule>(reading.config.real("mask_value", 0.0F));
}

// ---- mean of a masked sequence

class MaskedMeanKernel final : public LayerKernel {
public:
    MaskedMeanKernel(Index steps, Index channels) : m_steps(steps), m_channels(channels) {}

    bool readsInput() const override { return true; }
    void forward(int /*phase*/, const ForwardCall& call) override
    {
        for (Index s = 0; s < call.samples.count; ++s) {
            const float* mask = call.inputs[1] + s * m_steps;
            const float* x = call.inputs[0] + s * m_steps * m_channels;
            float* y = call.output + s * m_channels;
            std::fill_n(y, m_channels, 0.0F);
            for (Index t = 0; t < m_steps; ++t) {
                if (mask[t] != 0.0F) {
                    kernels::add(x + t * m_channels, m_channels, y);
                }
            }
            const float count = std::accumulate(mask, mask + m_steps, 0.0F);
            for (Index c = 0; c < m_channels; ++c) {
                y[c] /= count;
            }
        }
    }
    void backward(int /*phase*/, const BackwardCall& call) override
    {
        giveNothing(call, 1, m_steps);
        giveNothing(call, 0, m_steps * m_channels);
        if (call.inputGradients[0] == nullptr) {
            return;
        }
        for (Index s = 0; s < call.samples.count; ++s) {
            const float* mask = call.inputs[1] + s * m_steps;
            const float* dy = call.upstream + s * m_channels;
            float* dx = call.inputGradients[0] + s * m_steps * m_channels;
            const float share = 1.0F / std::accumulate(mask, mask + m_steps, 0.0F);
            for (Index t = 0; t < m_steps; ++t) {
                for (Index c = 0; mask[t] != 0.0F && c < m_channels; ++c) {
                    dx[t * m_channels + c] += dy[c] * share;
                }
            }
        }
    }

private:
    Index m_steps, m_channels;
};

class MaskedMeanRule final : public LayerRule {
public:
    explicit MaskedMeanRule(bool keepDimensions) : m_keepsDimensions(keepDimensions) {}

    InputCount inputCount() const override { return {2, 2}; }
    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        const Shape& input = inputs.front();
        if (input.rank() != 2) {
            return fail(ErrorCode::ShapeMismatch,
                        fmt::format("It reads a sequence of vectors, got {}.", input.toString()));
        }
        return OpShape{.output = m_keepsDimensions ? Shape{1, input[1]} : Shape{input[1]}};
    }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        const Shape& input = request.inputs.front();
        return std::make_unique<MaskedMeanKernel>(input[0], input[1]);
    }
    Json config() const override
    {
        return {{"data_format", "channels_last"}, {"keepdims", m_keepsDimensions}};
    }

private:
    bool m_keepsDimensions;
};

// ---- RepeatVector

class RepeatVectorRule final : public LayerRule {
public:
    explicit RepeatVectorRule(Index times) : m_times(times) {}

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        if (inputs.front().rank() != 1) {
            return fail(ErrorCode::ShapeMismatch,
                        fmt::format("It repeats a vector, got {}.", inputs.front().toString()));
        }
        return OpShape{.output = {m_times, inputs.front()[0]}};
    }
    std::vector<Slot> slots() const override { return {}; }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        const Index size = request.inputs.front()[0];
        std::vector<Index> sources(static_cast<std::size_t>(m_times * size));
        for (std::size_t e = 0; e < sources.size(); ++e) {
            sources[e] = static_cast<Index>(e) % size;
        }
        return makeGatherKernel(size, sources);
    }
    Json config() const override { return {{"n", m_times}}; }

private:
    Index m_times;
};

void readRepeatVector(LayerReading& reading)
{
    const Index times = reading.config.integer("n", 0, 1, kMaxChannels);
    if (times == 0) {
        reading.config.refuse("n", "The number of copies is missing.");
    }
    reading.become<RepeatVectorRule>(times);
}

// ---- Embedding

class EmbeddingKernel final : public LayerKernel {
public:
    EmbeddingKernel(Index indices, Index rows, Index width)
        : m_indices(indices), m_rows(rows), m_width(width)
    {
    }

    void setWeights(LayerWeights weights) override { m_table = weights[0].data; }
    bool readsInput() const override { return true; }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        for (Index i = 0; i < call.samples.count * m_indices; ++i) {
            const Index row = rowOf(call.inputs[0][i]);
            if (row < 0) {
                std::fill_n(call.output + i * m_width, m_width,
                            std::numeric_limits<float>::quiet_NaN());
            } else {
                std::copy_n(m_table + row * m_width, m_width, call.output + i * m_width);
            }
        }
    }

    void prepareTraining(int items, Index /*samples*/) override
    {
        m_sums = PartialSums(items, m_rows * m_width);
    }
    void backward(int /*phase*/, const BackwardCall& call) override
    {
        const int item = call.samples.item;
        float* sums = m_sums.part(item);
        if (!m_sums.adds(item)) {
            std::fill_n(sums, m_rows * m_width, 0.0F);
        }
        for (Index i = 0; i < call.samples.count * m_indices; ++i) {
            const Index row = rowOf(call.inputs[0][i]);
            if (row >= 0) {
                kernels::add(call.upstream + i * m_width, m_width, sums + row * m_width);
            }
        }
        giveNothing(call, 0, m_indices);
    }
    void finishForward(int /*phase*/, int /*items*/, Index /*samples*/) override { m_sums.clear(); }
    int gradientTasks() const override { return m_sums.tasks(); }
    void gradientTask(int task, const GradientCall& call) override
    {
        m_sums.total(task, call.items, call.gradients[0]);
    }

private:
    /// Fractions are cut off, as by a cast to integers; −1: not in the table.
    [[nodiscard]] Index rowOf(float index) const
    {
        const float whole = std::trunc(index);
        return whole >= 0.0F && whole < static_cast<float>(m_rows) ? static_cast<Index>(whole) : -1;
    }

    Index m_indices, m_rows, m_width;
    const float* m_table = nullptr;
    PartialSums m_sums;
};

class EmbeddingRule final : public LayerRule {
public:
    EmbeddingRule(Index rows, Index width, bool masksZero)
        : m_rows(rows), m_width(width), m_masksZero(masksZero)
    {
    }

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        const Shape& input = inputs.front();
        if (input.rank() >= Shape::kMaxRank) {
            return fail(ErrorCode::ShapeMismatch, "Its input has too many axes.");
        }
        std::vector<Index> sizes(input.sizes().begin(), input.sizes().end());
        sizes.push_back(m_width);
        return OpShape{.output = Shape(sizes), .weights = {{"embeddings", {m_rows, m_width}}}};
    }
    std::vector<RuleWeight> weights() const override { return {{"embeddings"}}; }
    std::vector<Slot> slots() const override { return {Slot::Activation}; }
    std::shared_ptr<const LayerRule> mask() const override
    {
        return m_masksZero ? std::make_shared<MaskRule>(0.0F, false) : nullptr;
    }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        return std::make_unique<EmbeddingKernel>(request.inputs.front().elementCount(), m_rows,
                                                 m_width);
    }
    Json config() const override
    {
        return {{"input_dim", m_rows}, {"output_dim", m_width}, {"mask_zero", m_masksZero}};
    }

private:
    Index m_rows, m_width;
    bool m_masksZero;
};

void readEmbedding(LayerReading& reading)
{
    const Index rows = reading.config.integer("input_dim", 0, 1, kMaxSize);
    const Index width = reading.config.integer("output_dim", 0, 1, kMaxChannels);
    if (rows == 0 || width == 0) {
        reading.config.refuse(rows == 0 ? "input_dim" : "output_dim",
                              "The size of the table is missing.");
    }
    reading.become<EmbeddingRule>(rows, width, reading.config.boolean("mask_zero", false));
}

const LayerInfo& maskInfo()
{
    static const LayerInfo info{"Mask", "", "Which steps of a sequence count.", nullptr};
    return info;
}

} // namespace

LayerInfo repeatVectorLayer()
{
    return {"RepeatVector", "", "A vector becomes a sequence of copies.", readRepeatVector};
}

LayerInfo maskingLayer()
{
    return {"Masking", "", "Steps that hold only a given number are left out further on.",
            readMasking};
}

LayerInfo embeddingLayer()
{
    return {"Embedding", "", "Each index becomes a row of a learned table.", readEmbedding};
}

RuleOp joinedMasks()
{
    return {&maskInfo(), std::make_shared<JoinRule>()};
}

RuleOp maskLayer(std::shared_ptr<const LayerRule> rule)
{
    return {&maskInfo(), std::move(rule)};
}

RuleOp maskedMean(bool keepDimensions)
{
    return {findLayerKind("GlobalAveragePooling1D"),
            std::make_shared<MaskedMeanRule>(keepDimensions)};
}

} // namespace bitscape::graph
