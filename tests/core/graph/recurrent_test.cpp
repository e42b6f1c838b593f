// SPDX-License-Identifier: GPL-3.0-or-later

// Recurrent layers against a plain twin in double: outputs, and gradients by finite differences.

#include "core/base/rng.h"
#include "core/graph/execution.h"
#include "core/io/model_file.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace bitscape::graph {
namespace {

using Json = nlohmann::json;
using Doubles = std::vector<double>;

// ---- the twin

struct Twin {
    std::string kind; ///< "SimpleRNN", "LSTM", "GRU"
    Index steps = 1, channels = 1, units = 1;
    bool resetAfter = false, backwards = false, sequences = false, zeroesMasked = false;

    [[nodiscard]] Index gates() const { return kind == "LSTM" ? 4 : kind == "GRU" ? 3 : 1; }
    [[nodiscard]] std::size_t states() const { return kind == "LSTM" ? 2 : 1; }
    [[nodiscard]] Index width() const { return gates() * units; }
};

double sigmoid(double x)
{
    return 1.0 / (1.0 + std::exp(-x));
}

/// row · matrix of (row.size() × width), columns first … first+count−1.
Doubles product(const Doubles& row, const Doubles& matrix, Index width, Index first, Index count)
{
    Doubles out(static_cast<std::size_t>(count), 0.0);
    for (std::size_t k = 0; k < row.size(); ++k) {
        for (Index n = 0; n < count; ++n) {
            out[static_cast<std::size_t>(n)] +=
                row[k] *
                matrix[k * static_cast<std::size_t>(width) + static_cast<std::size_t>(first + n)];
        }
    }
    return out;
}

using Numbers = std::vector<Doubles>; ///< tensors in a row: input, states, kernel, recurrent, bias

/// One step of one sample; states as in Keras.
void step(const Twin& t, const Doubles& x, const Doubles& kernel, const Doubles& recurrent,
          const Doubles& bias, std::vector<Doubles>& states)
{
    const auto u = static_cast<std::size_t>(t.units);
    const auto part = [&](Index gate) {
        Doubles z = product(x, kernel, t.width(), gate * t.units, t.units);
        for (std::size_t i = 0; i < u; ++i) {
            z[i] += bias[static_cast<std::size_t>(gate) * u + i];
        }
        return z;
    };
    const auto fed = [&](const Doubles& h, Index gate) {
        return product(h, recurrent, t.width(), gate * t.units, t.units);
    };
    const Doubles h = states[0];
    if (t.kind == "SimpleRNN") {
        const Doubles z = part(0);
        const Doubles r = fed(h, 0);
        for (std::size_t i = 0; i < u; ++i) {
            states[0][i] = std::tanh(z[i] + r[i]);
        }
        return;
    }
    std::vector<Doubles> z;
    std::vector<Doubles> r;
    for (Index gate = 0; gate < t.gates(); ++gate) {
        z.push_back(part(gate));
        r.push_back(fed(h, gate));
    }
    if (t.kind == "LSTM") {
        for (std::size_t i = 0; i < u; ++i) {
            const double in = sigmoid(z[0][i] + r[0][i]);
            const double forget = sigmoid(z[1][i] + r[1][i]);
            const double candidate = std::tanh(z[2][i] + r[2][i]);
            const double out = sigmoid(z[3][i] + r[3][i]);
            states[1][i] = forget * states[1][i] + in * candidate;
            states[0][i] = out * std::tanh(states[1][i]);
        }
        return;
    }
    // The second row of a GRU's bias with the reset after.
    const auto second = [&](Index gate, std::size_t i) {
        return t.resetAfter ? bias[static_cast<std::size_t>(t.width() + gate * t.units) + i] : 0.0;
    };
    Doubles reset(u);
    Doubles update(u);
    Doubles shut(u);
    for (std::size_t i = 0; i < u; ++i) {
        update[i] = sigmoid(z[0][i] + r[0][i] + second(0, i));
        reset[i] = sigmoid(z[1][i] + r[1][i] + second(1, i));
        shut[i] = reset[i] * h[i];
    }
    const Doubles before = fed(shut, 2);
    for (std::size_t i = 0; i < u; ++i) {
        const double inner = t.resetAfter ? reset[i] * (r[2][i] + second(2, i)) : before[i];
        states[0][i] = update[i] * h[i] + (1.0 - update[i]) * std::tanh(z[2][i] + inner);
    }
}

/// numbers: x, initial states, kernel, recurrent kernel, bias. `mask` may be empty.
Doubles run(const Twin& t, const Numbers& numbers, const Doubles& mask, Index samples)
{
    Doubles out;
    const auto u = static_cast<std::size_t>(t.units);
    const std::size_t first = 1 + t.states();
    for (Index s = 0; s < samples; ++s) {
        std::vector<Doubles> states;
        for (std::size_t state = 0; state < t.states(); ++state) {
            const auto from = numbers[1 + state].begin() + s * t.units;
            states.emplace_back(from, from + t.units);
        }
        Doubles shown(u, 0.0);
        for (Index k = 0; k < t.steps; ++k) {
            const Index time = t.backwards ? t.steps - 1 - k : k;
            const bool counts =
                mask.empty() || mask[static_cast<std::size_t>(s * t.steps + time)] != 0.0;
            if (counts) {
                const auto from = numbers[0].begin() + (s * t.steps + time) * t.channels;
                step(t, Doubles(from, from + t.channels), numbers[first], numbers[first + 1],
                     numbers[first + 2], states);
                shown = states[0];
            } else if (t.zeroesMasked) {
                shown.assign(u, 0.0);
            }
            if (t.sequences || k == t.steps - 1) {
                out.insert(out.end(), shown.begin(), shown.end());
            }
        }
    }
    return out;
}

// ---- the network

Json inputEntry(const std::string& name, std::vector<Index> sizes)
{
    Json shape = Json::array({nullptr});
    for (const Index size : sizes) {
        shape.push_back(size);
    }
    return {{"name", name},
            {"class_name", "InputLayer"},
            {"config", {{"name", name}, {"batch_input_shape", shape}}},
            {"inbound_nodes", Json::array()}};
}

Json node(const std::string& name, std::size_t tensor = 0)
{
    return Json::array({name, 0, tensor, Json::object()});
}

/// Reads x, the states and, through an Embedding that masks index 0, nothing more: the sequence
/// is looked up in the embedding when masked.
GraphPtr networkOf(const Twin& t)
{
    Json layers = Json::array({inputEntry("x", {t.steps, t.channels})});
    Json calls = Json::array({node("x")});
    Json inputs = Json::array({node("x")});
    for (std::size_t state = 0; state < t.states(); ++state) {
        const std::string name = "s" + std::to_string(state);
        layers.push_back(inputEntry(name, {t.units}));
        calls.push_back(node(name));
        inputs.push_back(node(name));
    }
    Json config{{"name", "tested"},
                {"units", t.units},
                {"activation", "tanh"},
                {"recurrent_activation", "sigmoid"},
                {"reset_after", t.resetAfter},
                {"go_backwards", t.backwards},
                {"return_sequences", t.sequences},
                {"zero_output_for_mask", t.zeroesMasked}};
    layers.push_back({{"name", "masking"},
                      {"class_name", "Masking"},
                      {"config", {{"name", "masking"}, {"mask_value", 0.0}}},
                      {"inbound_nodes", Json::array({Json::array({node("x")})})}});
    calls[0] = node("masking");
    layers.push_back({{"name", "tested"},
                      {"class_name", t.kind},
                      {"config", config},
                      {"inbound_nodes", Json::array({calls})}});
    const Json model{{"class_name", "Functional"},
                     {"config",
                      {{"name", "m"},
                       {"layers", layers},
                       {"input_layers", inputs},
                       {"output_layers", Json::array({node("tested")})}}},
                     {"keras_version", "2.15.0"}};
    auto file = io::loadModelFromMemory(model.dump(), nullptr);
    EXPECT_TRUE(file) << file.error().sentence();
    return file->graph;
}

Tensor toTensor(const Shape& shape, const Doubles& values)
{
    return {shape, std::vector<float>(values.begin(), values.end())};
}

Doubles randomNumbers(Rng& rng, Index count, double width)
{
    Doubles out;
    for (Index i = 0; i < count; ++i) {
        out.push_back(static_cast<float>(rng.uniform(-width, width)));
    }
    return out;
}

/// Steps of the input that a Masking layer leaves out: all zero.
Doubles maskOf(const Twin& t, const Doubles& x)
{
    Doubles mask;
    for (std::size_t at = 0; at < x.size(); at += static_cast<std::size_t>(t.channels)) {
        const auto first = x.begin() + static_cast<Index>(at);
        mask.push_back(
            std::any_of(first, first + t.channels, [](double v) { return v != 0.0; }) ? 1.0 : 0.0);
    }
    return mask;
}

struct Problem {
    Twin twin;
    Index samples = 1;
    Numbers numbers;

    Problem(const Twin& t, Index count, bool masks) : twin(t), samples(count)
    {
        Rng rng(static_cast<std::uint64_t>(7 * t.steps + t.units + count));
        numbers.push_back(randomNumbers(rng, count * t.steps * t.channels, 1.0));
        for (Index step = 0; masks && step < count * t.steps; ++step) {
            if (rng.below(3) == 0) {
                std::fill_n(numbers[0].begin() + step * t.channels, t.channels, 0.0);
            }
        }
        for (std::size_t state = 0; state < t.states(); ++state) {
            numbers.push_back(randomNumbers(rng, count * t.units, 0.7));
        }
        const double width = 1.0 / std::sqrt(static_cast<double>(t.units + t.channels));
        numbers.push_back(randomNumbers(rng, t.channels * t.width(), width));
        numbers.push_back(randomNumbers(rng, t.units * t.width(), width));
        numbers.push_back(randomNumbers(rng, t.width() * (t.resetAfter ? 2 : 1), 0.5));
    }

    [[nodiscard]] Doubles mask() const { return maskOf(twin, numbers[0]); }
    [[nodiscard]] std::vector<Tensor> inputs() const
    {
        std::vector<Tensor> tensors{toTensor({samples, twin.steps, twin.channels}, numbers[0])};
        for (std::size_t state = 0; state < twin.states(); ++state) {
            tensors.push_back(toTensor({samples, twin.units}, numbers[1 + state]));
        }
        return tensors;
    }
    [[nodiscard]] std::vector<Tensor> weights() const
    {
        const std::size_t first = 1 + twin.states();
        return {toTensor({twin.channels, twin.width()}, numbers[first]),
                toTensor({twin.units, twin.width()}, numbers[first + 1]),
                toTensor(twin.resetAfter ? Shape{2, twin.width()} : Shape{twin.width()},
                         numbers[first + 2])};
    }
};

std::vector<TensorView> viewsOf(const std::vector<Tensor>& tensors)
{
    std::vector<TensorView> views;
    for (const Tensor& tensor : tensors) {
        views.push_back(tensor.view());
    }
    return views;
}

void expectNear(TensorView got, const Doubles& wanted, double tolerance, const std::string& what)
{
    ASSERT_EQ(got.size(), std::ssize(wanted)) << what;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        ASSERT_NEAR(got.data[i], wanted[i], tolerance) << what << ", element " << i;
    }
}

void expectForward(const Problem& problem, Parallel& parallel)
{
    const GraphPtr graph = networkOf(problem.twin);
    WeightSet set;
    for (const Tensor& weight : problem.weights()) {
        set.push_back(std::make_shared<const Tensor>(weight));
    }
    auto plan = InferencePlan::make(graph, {}, set);
    ASSERT_TRUE(plan) << plan.error().sentence();
    const auto outputs = (*plan)->run(viewsOf(problem.inputs()), parallel);
    ASSERT_TRUE(outputs) << outputs.error().sentence();
    expectNear(outputs->front().view(),
               run(problem.twin, problem.numbers, problem.mask(), problem.samples), 2e-5, "output");
}

/// d Σ y·g of every number, by central differences in double.
void expectGradients(const Problem& problem, Parallel& parallel)
{
    const Twin& t = problem.twin;
    const GraphPtr graph = networkOf(t);
    auto plan = TrainingPlan::make(graph, {}, problem.samples, parallel, {.inputGradients = true});
    ASSERT_TRUE(plan) << plan.error().sentence();
    const std::vector<Tensor> weights = problem.weights();
    const std::vector<Tensor> inputs = problem.inputs();
    const auto outputs = (*plan)->forward(viewsOf(inputs), weights, 0);
    ASSERT_TRUE(outputs) << outputs.error().sentence();
    const Doubles mask = problem.mask();
    const Doubles y = run(t, problem.numbers, mask, problem.samples);
    expectNear(outputs->front(), y, 2e-5, "training output");
    Rng rng(3);
    const Doubles g = randomNumbers(rng, std::ssize(y), 1.0);
    const Tensor upstream = toTensor(outputs->front().shape, g);
    ASSERT_TRUE((*plan)->backward(std::vector{upstream.view()}));
    const auto loss = [&](const Numbers& numbers) {
        const Doubles out = run(t, numbers, mask, problem.samples);
        double sum = 0.0;
        for (std::size_t i = 0; i < out.size(); ++i) {
            sum += out[i] * g[i];
        }
        return sum;
    };
    std::vector<TensorView> got = (*plan)->inputGradients();
    for (const Tensor& gradient : (*plan)->gradients()) {
        got.push_back(gradient.view());
    }
    ASSERT_EQ(got.size(), problem.numbers.size());
    constexpr double kDelta = 1e-5;
    for (std::size_t n = 0; n < got.size(); ++n) {
        Doubles wanted;
        for (std::size_t i = 0; i < problem.numbers[n].size(); ++i) {
            Numbers up = problem.numbers;
            Numbers down = problem.numbers;
            up[n][i] += kDelta;
            down[n][i] -= kDelta;
            wanted.push_back((loss(up) - loss(down)) / (2.0 * kDelta));
        }
        const double largest =
            std::abs(*std::ranges::max_element(wanted, {}, [](double v) { return std::abs(v); }));
        expectNear(got[n], wanted, 2e-5 * std::max(largest, 1.0),
                   "gradient of tensor " + std::to_string(n));
    }
}

const std::vector<Twin>& kinds()
{
    static const std::vector<Twin> list{{.kind = "SimpleRNN"},
                                        {.kind = "LSTM"},
                                        {.kind = "GRU"},
                                        {.kind = "GRU", .resetAfter = true}};
    return list;
}

TEST(Recurrent, AgreesWithItsTwinOnManySizes)
{
    Parallel parallel(2);
    struct Size {
        Index samples, steps, channels, units;
    };
    for (Twin twin : kinds()) {
        for (const Size& size : {Size{1, 1, 1, 1}, Size{3, 2, 5, 3}, Size{2, 7, 1, 17},
                                 Size{70, 3, 4, 5}, Size{2, 130, 3, 7}, Size{5, 6, 33, 40}}) {
            for (const bool turned : {false, true}) {
                twin.steps = size.steps;
                twin.channels = size.channels;
                twin.units = size.units;
                twin.backwards = turned;
                twin.sequences = !turned;
                SCOPED_TRACE(twin.kind + " of " + std::to_string(size.units) + ", steps " +
                             std::to_string(size.steps));
                expectForward(Problem(twin, size.samples, false), parallel);
            }
        }
    }
}

TEST(Recurrent, AgreesWithItsTwinWhereStepsAreMasked)
{
    Parallel parallel(1);
    for (Twin twin : kinds()) {
        twin.steps = 6;
        twin.channels = 2;
        twin.units = 3;
        for (const int variant : {0, 1, 2, 3}) {
            twin.sequences = variant % 2 == 0;
            twin.zeroesMasked = twin.sequences && variant / 2 == 1;
            twin.backwards = variant / 2 == 1;
            SCOPED_TRACE(twin.kind + " variant " + std::to_string(variant));
            expectForward(Problem(twin, 9, true), parallel);
        }
    }
}

TEST(Recurrent, GradientsAgreeWithFiniteDifferences)
{
    Parallel parallel(2);
    for (Twin twin : kinds()) {
        for (const int variant : {0, 1, 2, 3}) {
            twin.steps = 4;
            twin.channels = 2;
            twin.units = 3;
            twin.sequences = variant % 2 == 0;
            twin.backwards = variant / 2 == 1;
            twin.zeroesMasked = variant == 2;
            SCOPED_TRACE(twin.kind + " variant " + std::to_string(variant));
            expectGradients(Problem(twin, 3, false), parallel);
            expectGradients(Problem(twin, 3, true), parallel);
        }
    }
}

TEST(Recurrent, LongSequencesAndLargeBatchesLearnInPieces)
{
    Parallel parallel(2);
    Twin twin{.kind = "LSTM", .steps = 66, .channels = 1, .units = 1, .sequences = true};
    expectGradients(Problem(twin, 1, false), parallel);
    twin = {.kind = "GRU", .steps = 2, .channels = 1, .units = 2, .resetAfter = true};
    expectGradients(Problem(twin, 67, false), parallel);
}

TEST(Recurrent, ThreadsDoNotChangeABit)
{
    Twin twin{.kind = "GRU", .steps = 9, .channels = 4, .units = 6, .sequences = true};
    const Problem problem(twin, 50, true);
    const std::vector<Tensor> inputs = problem.inputs();
    const std::vector<Tensor> weights = problem.weights();
    std::vector<Tensor> first;
    for (const int threads : {1, 2, 3}) {
        Parallel parallel(threads);
        auto plan = TrainingPlan::make(networkOf(twin), {}, problem.samples, parallel, {});
        ASSERT_TRUE(plan);
        const auto outputs = (*plan)->forward(viewsOf(inputs), weights, 0);
        ASSERT_TRUE(outputs);
        const Tensor upstream(outputs->front().shape, outputs->front().values());
        ASSERT_TRUE((*plan)->backward(std::vector{upstream.view()}));
        std::vector<Tensor> got((*plan)->gradients().begin(), (*plan)->gradients().end());
        if (threads == 1) {
            first = got;
        }
        EXPECT_EQ(got, first);
    }
}

// ---- what the twin does not know

/// A SimpleRNN of one unit without bias, kernel and recurrent kernel 1.
GraphPtr counter(const Json& settings, Index steps)
{
    Json config{{"name", "rnn"}, {"units", 1}, {"activation", "linear"}, {"use_bias", false}};
    config.update(settings);
    const Json model{
        {"class_name", "Sequential"},
        {"config",
         {{"name", "m"},
          {"layers", Json::array({inputEntry("x", {steps, 1}),
                                  {{"class_name", settings.value("class", "SimpleRNN")},
                                   {"config", config}}})}}},
        {"keras_version", "2.15.0"}};
    auto file = io::loadModelFromMemory(model.dump(), nullptr);
    EXPECT_TRUE(file) << file.error().sentence();
    return file->graph;
}

const std::vector<Tensor>& ones()
{
    static const std::vector<Tensor> weights(2, Tensor(Shape{1, 1}, std::vector{1.0F}));
    return weights;
}

TEST(Recurrent, DropoutDrawsOneMaskPerSequence)
{
    constexpr Index kSamples = 400;
    const GraphPtr graph = counter({{"dropout", 0.5}, {"return_sequences", true}}, 3);
    Parallel parallel(2);
    auto plan = TrainingPlan::make(graph, {}, kSamples, parallel,
                                   {.isTraining = true, .inputGradients = true});
    ASSERT_TRUE(plan) << plan.error().sentence();
    const Tensor x(Shape{kSamples, 3, 1}, std::vector<float>(3 * kSamples, 1.0F));
    const auto outputs = (*plan)->forward(std::vector{x.view()}, ones(), 5);
    ASSERT_TRUE(outputs);
    const Tensor upstream(Shape{kSamples, 3, 1}, std::vector<float>(3 * kSamples, 1.0F));
    ASSERT_TRUE((*plan)->backward(std::vector{upstream.view()}));
    const TensorView dx = (*plan)->inputGradients().front();
    Index kept = 0;
    for (Index s = 0; s < kSamples; ++s) {
        const float* y = outputs->front().data + 3 * s;
        const float factor = y[0];
        EXPECT_TRUE(factor == 0.0F || factor == 2.0F);
        EXPECT_EQ(y[1], 2 * factor);
        EXPECT_EQ(y[2], 3 * factor);
        EXPECT_EQ(dx.data[3 * s], 3 * factor);
        EXPECT_EQ(dx.data[3 * s + 2], factor);
        kept += factor > 0.0F ? 1 : 0;
    }
    EXPECT_NEAR(static_cast<double>(kept), 200.0, 50.0);
}

TEST(Recurrent, DroppedStatesAreForgottenOrDoubled)
{
    constexpr Index kSamples = 200;
    const GraphPtr graph = counter({{"recurrent_dropout", 0.5}}, 2);
    Parallel parallel(1);
    auto plan = TrainingPlan::make(graph, {}, kSamples, parallel, {.isTraining = true});
    ASSERT_TRUE(plan) << plan.error().sentence();
    const Tensor x(Shape{kSamples, 2, 1}, std::vector<float>(2 * kSamples, 1.0F));
    const auto outputs = (*plan)->forward(std::vector{x.view()}, ones(), 5);
    ASSERT_TRUE(outputs);
    Index kept = 0;
    for (const float y : outputs->front().values()) {
        EXPECT_TRUE(y == 1.0F || y == 3.0F) << y;
        kept += y > 1.0F ? 1 : 0;
    }
    EXPECT_NEAR(static_cast<double>(kept), 100.0, 35.0);
}

TEST(Recurrent, AQuantizerOfTheStateThatLooksAtAllSamplesSeesTheBatchOfAStep)
{
    constexpr Index kSamples = 5;
    const auto quantizer = quant::parseQuantizer("quantized_bits(3,0,1,alpha='auto')");
    ASSERT_TRUE(quantizer);
    ASSERT_FALSE((*quantizer)->isElementwise());
    const GraphPtr graph = counter(Json::object(), 2);
    Configuration configuration;
    configuration.set("rnn", Slot::State, *quantizer);
    const std::vector<float> values{0.1F, 1.0F, -0.4F, 1.0F, 0.9F, 1.0F, 0.3F, 1.0F, -0.77F, 1.0F};
    const Tensor x(Shape{kSamples, 2, 1}, values);
    Tensor states(Shape{kSamples, 1});
    for (Index s = 0; s < kSamples; ++s) {
        states.data()[s] = values[static_cast<std::size_t>(2 * s)];
    }
    (*quantizer)->apply(states.view(), states.mutableView(), {});
    Parallel parallel(2);
    WeightSet set;
    for (const Tensor& weight : ones()) {
        set.push_back(std::make_shared<const Tensor>(weight));
    }
    auto inference = InferencePlan::make(graph, configuration, set);
    ASSERT_TRUE(inference) << inference.error().sentence();
    const Tensor y = (*inference)->run(std::vector{x.view()}, parallel).value().front();
    auto training =
        TrainingPlan::make(graph, configuration, kSamples, parallel, {.inputGradients = true});
    ASSERT_TRUE(training) << training.error().sentence();
    const auto outputs = (*training)->forward(std::vector{x.view()}, ones(), 0);
    ASSERT_TRUE(outputs);
    for (Index s = 0; s < kSamples; ++s) {
        EXPECT_FLOAT_EQ(y.data()[s], states.data()[s] + 1.0F);
        EXPECT_FLOAT_EQ(outputs->front().data[s], states.data()[s] + 1.0F);
    }
    const Tensor upstream(Shape{kSamples, 1}, std::vector<float>(kSamples, 1.0F));
    ASSERT_TRUE((*training)->backward(std::vector{upstream.view()}));
    EXPECT_EQ((*training)->inputGradients().front().data[1], 1.0F);
    float sum = 0.0F;
    for (const float state : states.values()) {
        sum += state;
    }
    EXPECT_NEAR((*training)->gradients()[1].data()[0], sum, 1e-5);
}

TEST(Recurrent, MacsCountEveryStep)
{
    const Twin twin{.kind = "LSTM", .steps = 10, .channels = 3, .units = 5};
    const GraphPtr graph = networkOf(twin);
    EXPECT_EQ(graph->layer(graph->find("tested")).macs, 10 * 20 * (3 + 5));
}

TEST(Recurrent, WhatIsNotCoveredIsRefusedByName)
{
    const GraphPtr graph = counter({{"time_major", true}}, 2);
    const auto refusal = requireSupported(*graph);
    ASSERT_FALSE(refusal);
    EXPECT_NE(refusal.error().sentence().find("rnn"), std::string::npos);
}

} // namespace
} // namespace bitscape::graph
