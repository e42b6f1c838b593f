// SPDX-License-Identifier: GPL-3.0-or-later

// How to add a layer: a rule that says what it computes, a function that reads its config, a row.
// Here they stand in a test and go through the same doors as the program's own.

#include "core/graph/execution.h"
#include "core/graph/layer_reading.h"
#include "core/graph/layer_rule.h"

#include <gtest/gtest.h>

#include <array>

namespace bitscape::graph {
namespace {

// ---- the file of the layer

/// y = factor · x + offset, the offset a trained weight per channel.
class AffineKernel final : public LayerKernel {
public:
    AffineKernel(float factor, Index size, Index channels)
        : m_factor(factor), m_size(size), m_channels(channels)
    {
    }

    void setWeights(LayerWeights weights) override { m_offset = weights[0].data; }
    void forward(int /*phase*/, const ForwardCall& call) override
    {
        for (Index i = 0; i < call.samples.count * m_size; ++i) {
            call.output[i] = m_factor * call.inputs[0][i] + m_offset[i % m_channels];
        }
    }

    void prepareTraining(int items, Index /*samples*/) override
    {
        m_sums.assign(static_cast<std::size_t>(items), std::vector<float>(m_channels, 0.0F));
    }
    void backward(int /*phase*/, const BackwardCall& call) override
    {
        auto& sums = m_sums[static_cast<std::size_t>(call.samples.item)];
        for (Index i = 0; i < call.samples.count * m_size; ++i) {
            sums[static_cast<std::size_t>(i % m_channels)] += call.upstream[i];
            if (call.inputGradients[0] != nullptr) {
                float& dx = call.inputGradients[0][i];
                dx = (call.adds[0] ? dx : 0.0F) + m_factor * call.upstream[i];
            }
        }
    }
    int gradientTasks() const override { return 1; }
    void gradientTask(int /*task*/, const GradientCall& call) override
    {
        std::fill_n(call.gradients[0], m_channels, 0.0F);
        for (auto& sums : m_sums) {
            for (std::size_t c = 0; c < sums.size(); ++c) {
                call.gradients[0][c] += sums[c];
                sums[c] = 0.0F;
            }
        }
    }

private:
    float m_factor;
    Index m_size, m_channels;
    const float* m_offset = nullptr;
    std::vector<std::vector<float>> m_sums; // per work item
};

class AffineRule final : public LayerRule {
public:
    explicit AffineRule(float factor) : m_factor(factor) {}

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        return OpShape{.output = inputs[0], .weights = {{"bias", {inputs[0].channels()}}}};
    }
    std::vector<RuleWeight> weights() const override { return {{"bias", Slot::Bias}}; }
    std::vector<Slot> slots() const override { return {Slot::Bias, Slot::Activation}; }
    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        const Shape& shape = request.layer.outputShape;
        return std::make_unique<AffineKernel>(m_factor, shape.elementCount(), shape.channels());
    }
    Json config() const override { return {{"factor", m_factor}}; }

private:
    float m_factor;
};

void readAffine(LayerReading& reading)
{
    reading.become<AffineRule>(reading.config.real("factor", 1.0F));
    reading.quantizers({Slot::Bias});
}

// ---- its row

constexpr std::array kRows{
    LayerInfo{"Affine", "QAffine", "Scales and shifts each channel.", readAffine}};

// ---- what it can do then

LayerMeaning meaningOf(const std::string& className, const Json& config)
{
    auto meaning = readLayerConfig(className, config, KerasDialect{}, kRows);
    EXPECT_TRUE(meaning) << meaning.error().sentence();
    return *meaning;
}

GraphPtr networkOf(const LayerMeaning& meaning)
{
    std::vector<Layer> layers(2);
    layers[0].name = "x";
    layers[0].op = InputOp{{2, 3}};
    layers[1].name = "tested";
    layers[1].className = "Affine";
    layers[1].op = meaning.op;
    layers[1].inputs = {0};
    auto graph = Graph::make("howto", std::move(layers), {0}, {1});
    EXPECT_TRUE(graph) << graph.error().sentence();
    return *graph;
}

TEST(HowToAddALayer, ItIsReadAndComparedByItsConfig)
{
    const LayerMeaning meaning = meaningOf("Affine", {{"factor", 2.0}});
    EXPECT_EQ(weightNames(meaning.op), std::vector<std::string>{"bias"});
    EXPECT_EQ(meaning.op, meaningOf("Affine", {{"factor", 2.0}}).op);
    EXPECT_FALSE(meaning.op == meaningOf("Affine", {{"factor", 3.0}}).op);
    EXPECT_EQ(std::get<RuleOp>(meaning.op).rule->config(), (Json{{"factor", 2.0F}}));
    EXPECT_FALSE(readLayerConfig("Affine", {{"factor", "two"}}, KerasDialect{}, kRows));
}

TEST(HowToAddALayer, ItRunsWithAQuantizedWeight)
{
    const LayerMeaning meaning = meaningOf(
        "QAffine", {{"factor", 2.0}, {"bias_quantizer", "quantized_bits(2,0,0,alpha=1.0)"}});
    const GraphPtr graph = networkOf(meaning);
    Configuration configuration;
    configuration.layers["tested"] = meaning.quantizers;
    const WeightSet weights{
        std::make_shared<const Tensor>(Shape{3}, std::vector{0.4F, 0.2F, 9.0F})};
    auto plan = InferencePlan::make(graph, configuration, weights);
    ASSERT_TRUE(plan) << plan.error().sentence();
    Parallel parallel(1);
    const Tensor x(Shape{1, 2, 3}, std::vector{1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F});
    const std::vector<TensorView> inputs{x.view()};
    const Tensor y = (*plan)->run(inputs, parallel).value().front();
    const std::vector wanted{2.5F, 4.0F, 6.5F, 8.5F, 10.0F, 12.5F};
    EXPECT_EQ(std::vector(y.values().begin(), y.values().end()), wanted);
}

TEST(HowToAddALayer, ItLearns)
{
    const GraphPtr graph = networkOf(meaningOf("Affine", {{"factor", 2.0}}));
    Parallel parallel(1);
    auto plan = TrainingPlan::make(graph, {}, 2, parallel, {.inputGradients = true});
    ASSERT_TRUE(plan) << plan.error().sentence();
    const Tensor x(Shape{2, 2, 3}, std::vector<float>(12, 1.0F));
    const std::vector<TensorView> inputs{x.view()};
    const std::vector<Tensor> weights{Tensor(Shape{3}, std::vector{1.0F, 2.0F, 3.0F})};
    const auto outputs = (*plan)->forward(inputs, weights, 0);
    ASSERT_TRUE(outputs);
    EXPECT_EQ(outputs->front().data[1], 4.0F);
    ASSERT_TRUE((*plan)->backward(inputs));
    EXPECT_EQ((*plan)->inputGradients().front().data[0], 2.0F);
    EXPECT_EQ((*plan)->gradients()[0].data()[0], 4.0F); // 2 samples of 2 rows
}

} // namespace
} // namespace bitscape::graph
