// SPDX-License-Identifier: GPL-3.0-or-later

// Wrappers and helpers of sequences: both directions, steps, masks, tables, images over time.

#include "core/base/rng.h"
#include "core/graph/close_shapes.h"
#include "core/graph/execution.h"
#include "core/graph/layer_registry.h"
#include "core/io/model_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <string>
#include <vector>

namespace bitscape::graph {
namespace {

using Json = nlohmann::json;

/// A chain of layers behind an input.
io::ModelFile fileOf(std::vector<Index> input, const std::vector<Json>& chain)
{
    Json shape = Json::array({nullptr});
    for (const Index size : input) {
        shape.push_back(size < 0 ? Json(nullptr) : Json(size));
    }
    Json layers = Json::array({{{"class_name", "InputLayer"},
                                {"config", {{"name", "x"}, {"batch_input_shape", shape}}}}});
    for (const Json& layer : chain) {
        layers.push_back(layer);
    }
    const Json model{{"class_name", "Sequential"},
                     {"config", {{"name", "m"}, {"layers", layers}}},
                     {"keras_version", "2.15.0"}};
    auto file = io::loadModelFromMemory(model.dump(), nullptr);
    EXPECT_TRUE(file) << file.error().sentence();
    return *file;
}

Json layerOf(const std::string& className, Json config)
{
    return {{"class_name", className}, {"config", std::move(config)}};
}

WeightSet randomWeights(const Graph& graph, std::uint64_t seed)
{
    Rng rng(seed);
    WeightSet set;
    for (const TensorPtr& weight : graph.weights()) {
        Tensor value(weight->shape());
        for (float& v : value.values()) {
            v = static_cast<float>(rng.uniform(-0.8, 0.8));
        }
        set.push_back(std::make_shared<const Tensor>(std::move(value)));
    }
    return set;
}

WeightSet positive(const WeightSet& weights)
{
    WeightSet set;
    for (const TensorPtr& weight : weights) {
        Tensor value = *weight;
        for (float& v : value.values()) {
            v = std::abs(v) + 0.1F;
        }
        set.push_back(std::make_shared<const Tensor>(std::move(value)));
    }
    return set;
}

Tensor randomTensor(const Shape& shape, std::uint64_t seed)
{
    Rng rng(seed);
    Tensor tensor(shape);
    for (float& v : tensor.values()) {
        v = static_cast<float>(rng.uniform(-1.0, 1.0));
    }
    return tensor;
}

std::vector<Tensor> predict(const GraphPtr& graph, const WeightSet& weights, const Tensor& x,
                            const Configuration& configuration = {})
{
    Parallel parallel(2);
    auto plan = InferencePlan::make(graph, configuration, weights);
    EXPECT_TRUE(plan) << plan.error().sentence();
    const std::vector<TensorView> inputs{x.view()};
    auto results = (*plan)->run(inputs, parallel);
    EXPECT_TRUE(results) << results.error().sentence();
    return std::move(*results);
}

void expectClose(const Tensor& got, const Tensor& wanted, double tolerance = 1e-6)
{
    ASSERT_EQ(got.shape(), wanted.shape())
        << got.shape().toString() << " " << wanted.shape().toString();
    for (Index i = 0; i < got.size(); ++i) {
        ASSERT_NEAR(got.data()[i], wanted.data()[i], tolerance) << "element " << i;
    }
}

/// Σ y·g of the outputs by central differences in float, coarse but independent of the kernels.
void expectGradients(const GraphPtr& graph, const WeightSet& weights, const Tensor& x,
                     double tolerance = 2e-3)
{
    Parallel parallel(2);
    auto plan = TrainingPlan::make(graph, {}, x.shape()[0], parallel, {.inputGradients = true});
    ASSERT_TRUE(plan) << plan.error().sentence();
    std::vector<Tensor> values;
    for (const TensorPtr& weight : weights) {
        values.push_back(*weight);
    }
    std::vector<Tensor> upstream;
    const std::vector<TensorView> inputs{x.view()};
    const auto first = (*plan)->forward(inputs, values, 0);
    ASSERT_TRUE(first) << first.error().sentence();
    std::vector<TensorView> views;
    for (const TensorView& output : *first) {
        upstream.push_back(randomTensor(output.shape, upstream.size() + 5));
    }
    for (const Tensor& one : upstream) {
        views.push_back(one.view());
    }
    ASSERT_TRUE((*plan)->backward(views));
    std::vector<Tensor> got;
    got.emplace_back(x.shape(), (*plan)->inputGradients().front().values());
    for (const Tensor& gradient : (*plan)->gradients()) {
        got.push_back(gradient);
    }
    const auto loss = [&](const Tensor& input, const std::vector<Tensor>& of) {
        const std::vector<TensorView> one{input.view()};
        const auto outputs = (*plan)->forward(one, of, 0).value();
        double sum = 0.0;
        for (std::size_t o = 0; o < outputs.size(); ++o) {
            for (Index i = 0; i < outputs[o].size(); ++i) {
                sum += static_cast<double>(outputs[o].data[i]) * upstream[o].data()[i];
            }
        }
        return sum;
    };
    constexpr float kDelta = 1.0F / 128;
    for (std::size_t n = 0; n < got.size(); ++n) {
        for (Index i = 0; i < got[n].size(); ++i) {
            const auto moved = [&](float delta) {
                Tensor input = x;
                std::vector<Tensor> of = values;
                (n == 0 ? input : of[n - 1]).data()[i] += delta;
                return loss(input, of);
            };
            ASSERT_NEAR(got[n].data()[i], (moved(kDelta) - moved(-kDelta)) / (2 * kDelta),
                        tolerance)
                << "tensor " << n << ", element " << i;
        }
    }
}

/// Writing the network and reading it again gives the same predictions.
void expectRoundTrip(const io::ModelFile& file, const WeightSet& weights, const Tensor& x)
{
    const auto again =
        io::loadModelFromMemory(io::toKerasJson(*file.graph, file.quantizers), nullptr);
    ASSERT_TRUE(again) << again.error().sentence();
    EXPECT_EQ(again->quantizers.canonical(), file.quantizers.canonical());
    const auto wanted = predict(file.graph, weights, x, file.quantizers);
    const auto got = predict(again->graph, weights, x, again->quantizers);
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
        EXPECT_EQ(got[i], wanted[i]);
    }
}

// ---- both directions

Json lstm(Json settings)
{
    Json config{{"name", "rnn"}, {"units", 3}, {"recurrent_activation", "sigmoid"}};
    config.update(settings);
    return layerOf("LSTM", config);
}

Json bidirectional(const Json& inner, const Json& mode)
{
    return layerOf("Bidirectional", {{"name", "both"}, {"layer", inner}, {"merge_mode", mode}});
}

TEST(Bidirectional, JoinsTwoLayersThatWalkApart)
{
    const Tensor x = randomTensor({4, 5, 2}, 1);
    for (const bool sequences : {true, false}) {
        const auto forward = fileOf({5, 2}, {lstm({{"return_sequences", sequences}})});
        const auto backward =
            fileOf({5, 2}, {lstm({{"return_sequences", sequences}, {"go_backwards", true}})});
        const WeightSet ofForward = randomWeights(*forward.graph, 2);
        const WeightSet ofBackward = randomWeights(*backward.graph, 3);
        WeightSet ofBoth = ofForward;
        ofBoth.insert(ofBoth.end(), ofBackward.begin(), ofBackward.end());
        const Tensor a = predict(forward.graph, ofForward, x).front();
        const Tensor b = predict(backward.graph, ofBackward, x).front();
        const Index steps = sequences ? 5 : 1;
        const auto valueOf = [&](const Tensor& tensor, Index sample, Index step, Index unit) {
            return tensor.data()[(sample * steps + step) * 3 + unit];
        };
        for (const Json& mode : {Json("concat"), Json("sum"), Json("mul"), Json("ave"), Json()}) {
            SCOPED_TRACE(mode.dump());
            const auto both =
                fileOf({5, 2}, {bidirectional(lstm({{"return_sequences", sequences}}), mode)});
            const auto got = predict(both.graph, ofBoth, x);
            ASSERT_EQ(got.size(), mode.is_null() ? 2U : 1U);
            for (Index s = 0; s < 4; ++s) {
                for (Index t = 0; t < steps; ++t) {
                    for (Index u = 0; u < 3; ++u) {
                        const float one = valueOf(a, s, t, u);
                        const float other = valueOf(b, s, steps - 1 - t, u);
                        if (mode.is_null()) {
                            EXPECT_EQ(valueOf(got[0], s, t, u), one);
                            EXPECT_EQ(valueOf(got[1], s, t, u), other);
                        } else if (mode == "concat") {
                            EXPECT_EQ(got[0].data()[(s * steps + t) * 6 + u], one);
                            EXPECT_EQ(got[0].data()[(s * steps + t) * 6 + 3 + u], other);
                        } else {
                            const float wanted = mode == "sum"   ? one + other
                                                 : mode == "mul" ? one * other
                                                                 : (one + other) / 2;
                            EXPECT_FLOAT_EQ(valueOf(got[0], s, t, u), wanted);
                        }
                    }
                }
            }
            expectGradients(both.graph, ofBoth, x);
            expectRoundTrip(both, ofBoth, x);
        }
    }
}

TEST(Bidirectional, GivesTheStatesOfBothDirections)
{
    const auto file = fileOf({4, 2}, {bidirectional(lstm({{"return_state", true}}), "concat")});
    const WeightSet weights = randomWeights(*file.graph, 4);
    const Tensor x = randomTensor({3, 4, 2}, 5);
    const auto got = predict(file.graph, weights, x);
    ASSERT_EQ(got.size(), 5U); // both outputs side by side, h and c of each
    for (Index s = 0; s < 3; ++s) {
        for (Index u = 0; u < 3; ++u) {
            EXPECT_EQ(got[0].data()[s * 6 + u], got[1].data()[s * 3 + u]);
            EXPECT_EQ(got[0].data()[s * 6 + 3 + u], got[3].data()[s * 3 + u]);
        }
    }
    expectGradients(file.graph, weights, x);
    expectRoundTrip(file, weights, x);
}

TEST(Bidirectional, TakesALayerOfItsOwnForTheWayBack)
{
    Json layer = bidirectional(lstm(Json::object()), "concat");
    layer["config"]["backward_layer"] =
        layerOf("GRU", {{"name", "back"}, {"units", 3}, {"go_backwards", true}});
    EXPECT_EQ(fileOf({4, 2}, {layer}).graph->unsupported().size(), 0U)
        << "states differ in number, which matters only if they are given";
    layer["config"]["backward_layer"]["config"]["go_backwards"] = false;
    const auto refused = readLayerConfig("Bidirectional", layer["config"], KerasDialect{});
    EXPECT_FALSE(refused);
}

TEST(Bidirectional, WritesQuantizersIntoTheLayerInside)
{
    const Json inner = layerOf("QLSTM", {{"name", "rnn"},
                                         {"units", 3},
                                         {"activation", "quantized_tanh(5)"},
                                         {"recurrent_activation", "quantized_sigmoid(5)"},
                                         {"kernel_quantizer", "quantized_bits(4,0,1,alpha=1.0)"},
                                         {"state_quantizer", "quantized_bits(6,0,1)"}});
    const auto file =
        fileOf({4, 2}, {layerOf("QBidirectional", {{"name", "both"}, {"layer", inner}})});
    EXPECT_TRUE(file.quantizers.find("both", Slot::Kernel));
    EXPECT_TRUE(file.quantizers.find("both", Slot::State));
    EXPECT_TRUE(file.quantizers.find("both", Slot::RecurrentActivation));
    const std::string json = io::toKerasJson(*file.graph, file.quantizers);
    EXPECT_THAT(json, testing::HasSubstr("QBidirectional"));
    EXPECT_THAT(json, testing::HasSubstr("QLSTM"));
    expectRoundTrip(file, randomWeights(*file.graph, 6), randomTensor({2, 4, 2}, 7));
}

TEST(Recurrent, WritesFunctionsThatKeras3NamesAsItDoes)
{
    const Json model{
        {"class_name", "Sequential"},
        {"config",
         {{"name", "m"},
          {"layers",
           {layerOf("InputLayer", {{"name", "x"}, {"batch_shape", {nullptr, 3, 2}}}),
            layerOf("LSTM",
                    {{"name", "rnn"}, {"units", 2}, {"recurrent_activation", "hard_sigmoid"}})}}}},
        {"keras_version", "3.1.0"}};
    const auto file = io::loadModelFromMemory(model.dump(), nullptr);
    ASSERT_TRUE(file) << file.error().sentence();
    expectRoundTrip(*file, randomWeights(*file->graph, 30), randomTensor({2, 3, 2}, 31));
}

// ---- every step

TEST(TimeDistributed, AppliesTheLayerInsideToEveryStep)
{
    const Json dense = layerOf("Dense", {{"name", "d"}, {"units", 4}, {"activation", "softmax"}});
    const Json conv = layerOf("Conv1D", {{"name", "c"},
                                         {"filters", 2},
                                         {"kernel_size", {3}},
                                         {"padding", "same"},
                                         {"activation", "relu"}});
    const Json norm = layerOf("BatchNormalization", {{"name", "n"}, {"axis", {2}}});
    const Json flatten = layerOf("Flatten", {{"name", "f"}});
    const Json recurrent = lstm({{"return_sequences", true}});
    for (const Json& inner :
         {conv, norm, flatten, recurrent, layerOf("Masking", {{"name", "m"}})}) {
        SCOPED_TRACE(inner["class_name"].get<std::string>());
        const auto wrapped =
            fileOf({3, 5, 2}, {layerOf("TimeDistributed", {{"name", "td"}, {"layer", inner}}),
                               layerOf("Flatten", {{"name", "flat"}})});
        const auto alone = fileOf({5, 2}, {inner, layerOf("Flatten", {{"name", "flat"}})});
        const WeightSet weights = positive(randomWeights(*alone.graph, 8)); // variances among them
        const Tensor x = randomTensor({2, 3, 5, 2}, 9);
        const Tensor steps(Shape{6, 5, 2}, x.values());
        const Tensor wanted = predict(alone.graph, weights, steps).front();
        const Tensor got = predict(wrapped.graph, weights, x).front();
        expectClose(got, Tensor(got.shape(), wanted.values()));
        expectRoundTrip(wrapped, weights, x);
        EXPECT_EQ(wrapped.graph->macs(), 3 * alone.graph->macs());
    }
    const auto wrapped =
        fileOf({3, 5}, {layerOf("TimeDistributed", {{"name", "td"}, {"layer", dense}})});
    expectGradients(wrapped.graph, randomWeights(*wrapped.graph, 10), randomTensor({2, 3, 5}, 11));
}

TEST(TimeDistributed, SaysWhatItCannotHold)
{
    const auto meaning = readLayerConfig(
        "TimeDistributed", {{"layer", layerOf("Lambda", {{"name", "l"}})}}, KerasDialect{});
    ASSERT_TRUE(meaning);
    EXPECT_THAT(std::get<UnsupportedOp>(meaning->op).reason, testing::HasSubstr("Python"));
}

TEST(TimeDistributed, TakesQuantizersOfTheLayerInside)
{
    const Json dense = layerOf("QDense", {{"name", "d"},
                                          {"units", 4},
                                          {"kernel_quantizer", "quantized_bits(4,0,1)"},
                                          {"activation", "quantized_relu(3,1)"}});
    const auto file =
        fileOf({3, 5}, {layerOf("TimeDistributed", {{"name", "td"}, {"layer", dense}})});
    EXPECT_TRUE(file.quantizers.find("td", Slot::Kernel));
    EXPECT_TRUE(file.quantizers.find("td", Slot::Activation));
    expectRoundTrip(file, randomWeights(*file.graph, 12), randomTensor({2, 3, 5}, 13));
}

// ---- masks

Json embedding(bool masksZero)
{
    return layerOf(
        "Embedding",
        {{"name", "table"}, {"input_dim", 6}, {"output_dim", 3}, {"mask_zero", masksZero}});
}

TEST(Masks, LetLayersForgetThePaddingOfASequence)
{
    const auto padded = fileOf({5}, {embedding(true), lstm({{"return_sequences", true}}),
                                     layerOf("Dropout", {{"name", "drop"}, {"rate", 0.1}}),
                                     bidirectional(lstm(Json::object()), "sum")});
    const auto plain = fileOf({3}, {embedding(false), lstm({{"return_sequences", true}}),
                                    bidirectional(lstm(Json::object()), "sum")});
    EXPECT_EQ(padded.graph->layer(padded.graph->find("both")).inputs.size(), 2U);
    const WeightSet weights = randomWeights(*plain.graph, 14);
    const Tensor with(Shape{2, 5}, std::vector{4.0F, 2.0F, 5.0F, 0.0F, 0.0F, //
                                               1.0F, 3.0F, 3.0F, 0.0F, 0.0F});
    const Tensor without(Shape{2, 3}, std::vector{4.0F, 2.0F, 5.0F, 1.0F, 3.0F, 3.0F});
    expectClose(predict(padded.graph, weights, with).front(),
                predict(plain.graph, weights, without).front());
    expectRoundTrip(padded, weights, with);
    Parallel parallel(1);
    EXPECT_TRUE(TrainingPlan::make(padded.graph, {}, 2, parallel, {}));
}

TEST(Masks, AreNoLayersOfAFile)
{
    const auto file = fileOf({5}, {embedding(true), lstm(Json::object())});
    const int mask = file.graph->find("table:mask");
    ASSERT_GE(mask, 0);
    EXPECT_TRUE(isImplied(file.graph->layer(mask).op));
    EXPECT_THAT(io::toKerasJson(*file.graph, {}), testing::Not(testing::HasSubstr(":mask")));
    EXPECT_EQ(fileOf({5}, {embedding(true), layerOf("Flatten", {{"name", "f"}})})
                  .graph->find("table:mask"),
              -1)
        << "nobody heeds it";
}

TEST(Masks, LeaveStepsOutOfAMean)
{
    const auto file = fileOf({4, 2}, {layerOf("Masking", {{"name", "m"}, {"mask_value", -1.0}}),
                                      layerOf("GlobalAveragePooling1D", {{"name", "mean"}})});
    const Tensor x(Shape{1, 4, 2},
                   std::vector{1.0F, 2.0F, -1.0F, -1.0F, 3.0F, -1.0F, -1.0F, -1.0F});
    const Tensor y = predict(file.graph, {}, x).front();
    EXPECT_FLOAT_EQ(y.data()[0], 2.0F);
    EXPECT_FLOAT_EQ(y.data()[1], 0.5F);
    expectRoundTrip(file, {}, x);
    Parallel parallel(1);
    auto plan = TrainingPlan::make(file.graph, {}, 1, parallel, {.inputGradients = true});
    ASSERT_TRUE(plan);
    ASSERT_TRUE((*plan)->forward(std::vector<TensorView>{x.view()}, {}, 0));
    const Tensor upstream(Shape{1, 2}, std::vector{3.0F, 5.0F});
    ASSERT_TRUE((*plan)->backward(std::vector<TensorView>{upstream.view()}));
    const std::vector wanted{1.5F, 2.5F, 0.0F, 0.0F, 1.5F, 2.5F, 0.0F, 0.0F};
    const auto got = (*plan)->inputGradients().front().values();
    EXPECT_EQ(std::vector(got.begin(), got.end()), wanted);
}

TEST(Masks, OfSeveralInputsMustAllAgree)
{
    const auto call = [](std::vector<std::string> names) {
        Json node = Json::array();
        for (const std::string& name : names) {
            node.push_back(Json::array({name, 0, 0, Json::object()}));
        }
        return Json::array({node});
    };
    const auto entry = [&](const std::string& className, Json config, const Json& nodes) {
        const std::string name = config["name"].get<std::string>();
        return Json{{"name", name},
                    {"class_name", className},
                    {"config", std::move(config)},
                    {"inbound_nodes", nodes}};
    };
    const Json model{
        {"class_name", "Functional"},
        {"config",
         {{"name", "m"},
          {"layers",
           {entry("InputLayer", {{"name", "x"}, {"batch_input_shape", {nullptr, 3, 1}}},
                  Json::array()),
            entry("Masking", {{"name", "a"}, {"mask_value", 1.0}}, call({"x"})),
            entry("Masking", {{"name", "b"}, {"mask_value", 2.0}}, call({"x"})),
            entry("Add", {{"name", "sum"}}, call({"a", "b"})),
            entry("SimpleRNN",
                  {{"name", "rnn"}, {"units", 1}, {"activation", "linear"}, {"use_bias", false}},
                  call({"sum"}))}},
          {"input_layers", Json::array({Json::array({"x", 0, 0})})},
          {"output_layers", Json::array({Json::array({"rnn", 0, 0})})}}},
        {"keras_version", "2.15.0"}};
    const auto file = io::loadModelFromMemory(model.dump(), nullptr);
    ASSERT_TRUE(file) << file.error().sentence();
    const auto one = std::make_shared<const Tensor>(Shape{1, 1}, std::vector{1.0F});
    const Tensor x(Shape{1, 3, 1}, std::vector{1.0F, 5.0F, 2.0F});
    // Steps 0 and 2 are left out by one of the masks each; the other doubles 5.
    EXPECT_FLOAT_EQ(predict(file->graph, {one, one}, x).front().data()[0], 10.0F);
}

// ---- tables, copies

TEST(Embedding, LooksUpRowsAndLearnsThem)
{
    const auto file = fileOf({2}, {embedding(false)});
    const WeightSet weights = randomWeights(*file.graph, 15);
    const Tensor x(Shape{2, 2}, std::vector{5.0F, 1.0F, 1.0F, 6.0F});
    const Tensor y = predict(file.graph, weights, x).front();
    for (Index u = 0; u < 3; ++u) {
        EXPECT_EQ(y.data()[u], weights[0]->data()[15 + u]);
        EXPECT_EQ(y.data()[3 + u], weights[0]->data()[3 + u]);
        EXPECT_TRUE(std::isnan(y.data()[9 + u])) << "there is no row 6";
    }
    Parallel parallel(2);
    auto plan = TrainingPlan::make(file.graph, {}, 2, parallel, {.inputGradients = true});
    ASSERT_TRUE(plan);
    const std::vector<TensorView> inputs{x.view()};
    const std::vector<Tensor> table{*weights[0]};
    ASSERT_TRUE((*plan)->forward(inputs, table, 0));
    const Tensor upstream(Shape{2, 2, 3}, std::vector<float>(12, 0.5F));
    ASSERT_TRUE((*plan)->backward(std::vector<TensorView>{upstream.view()}));
    const Tensor& gradient = (*plan)->gradients()[0];
    EXPECT_EQ(gradient.data()[0], 0.0F);
    EXPECT_EQ(gradient.data()[3], 1.0F); // read twice
    EXPECT_EQ(gradient.data()[15], 0.5F);
    EXPECT_EQ((*plan)->inputGradients().front().data[0], 0.0F);
}

TEST(Embedding, ReadsTheLengthOfItsInputNotItsRows)
{
    const Json model{{"class_name", "Sequential"},
                     {"config",
                      {{"name", "m"},
                       {"layers", Json::array({layerOf("Embedding", {{"name", "e"},
                                                                     {"input_dim", 50},
                                                                     {"output_dim", 2},
                                                                     {"mask_zero", false},
                                                                     {"input_length", 7}})})}}},
                     {"keras_version", "2.3.1"}};
    const auto file = io::loadModelFromMemory(model.dump(), nullptr);
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(file->graph->layer(file->graph->outputs()[0]).outputShape, (Shape{7, 2}));
}

TEST(RepeatVector, CopiesItsInput)
{
    const auto file = fileOf({2}, {layerOf("RepeatVector", {{"name", "r"}, {"n", 3}})});
    const Tensor x = randomTensor({2, 2}, 16);
    const Tensor y = predict(file.graph, {}, x).front();
    ASSERT_EQ(y.shape(), (Shape{2, 3, 2}));
    for (Index t = 0; t < 3; ++t) {
        EXPECT_EQ(y.data()[6 + 2 * t + 1], x.data()[3]);
    }
    expectGradients(file.graph, {}, x);
    expectRoundTrip(file, {}, x);
}

// ---- sizes that the data say

TEST(OpenSizes, AreClosedByTheData)
{
    const auto file = fileOf({-1, 2}, {lstm({{"return_sequences", true}})});
    const WeightSet weights = randomWeights(*file.graph, 17);
    EXPECT_FALSE(InferencePlan::make(file.graph, {}, weights));
    const std::vector<Shape> shapes{Shape{6, 2}};
    const auto closed = closeShapes(file.graph, shapes);
    ASSERT_TRUE(closed) << closed.error().sentence();
    const auto fixed = fileOf({6, 2}, {lstm({{"return_sequences", true}})});
    const Tensor x = randomTensor({2, 6, 2}, 18);
    EXPECT_EQ(predict(*closed, weights, x).front(), predict(fixed.graph, weights, x).front());
    EXPECT_EQ((*closed)->macs(), fixed.graph->macs());
}

// ---- images over time

TEST(ConvLstm2d, WithAKernelOfOnePixelIsAnLstmOfEveryPixel)
{
    const auto images =
        fileOf({3, 2, 2, 2}, {layerOf("ConvLSTM2D", {{"name", "c"},
                                                     {"filters", 3},
                                                     {"kernel_size", {1, 1}},
                                                     {"recurrent_activation", "sigmoid"},
                                                     {"return_sequences", true}})});
    const auto pixels = fileOf({3, 2}, {lstm({{"return_sequences", true}})});
    const WeightSet ofPixels = randomWeights(*pixels.graph, 19);
    WeightSet ofImages;
    for (const TensorPtr& weight : ofPixels) {
        const Shape& shape = weight->shape();
        ofImages.push_back(std::make_shared<const Tensor>(
            shape.rank() == 2 ? Shape{1, 1, shape[0], shape[1]} : shape, weight->values()));
    }
    const Tensor x = randomTensor({2, 3, 2, 2, 2}, 20);
    const Tensor y = predict(images.graph, ofImages, x).front();
    Tensor sequences(Shape{8, 3, 2}); // sample, pixel × time × channel
    for (Index i = 0; i < x.size(); ++i) {
        const Index sample = i / 24;
        const Index time = i / 8 % 3;
        const Index pixel = i / 2 % 4;
        sequences.data()[((sample * 4 + pixel) * 3 + time) * 2 + i % 2] = x.data()[i];
    }
    const Tensor wanted = predict(pixels.graph, ofPixels, sequences).front();
    for (Index i = 0; i < y.size(); ++i) {
        const Index sample = i / 36;
        const Index time = i / 12 % 3;
        const Index pixel = i / 3 % 4;
        ASSERT_NEAR(y.data()[i], wanted.data()[((sample * 4 + pixel) * 3 + time) * 3 + i % 3],
                    1e-6);
    }
    EXPECT_EQ(images.graph->macs(), 4 * pixels.graph->macs());
}

TEST(ConvLstm2d, LearnsWithStridesAndStates)
{
    Json config{{"name", "c"},
                {"filters", 2},
                {"kernel_size", {2, 3}},
                {"strides", {1, 2}},
                {"padding", "same"},
                {"recurrent_activation", "sigmoid"},
                {"return_sequences", true},
                {"return_state", true}};
    const auto file = fileOf({2, 3, 4, 1}, {layerOf("ConvLSTM2D", config)});
    const WeightSet weights = randomWeights(*file.graph, 21);
    const Tensor x = randomTensor({2, 2, 3, 4, 1}, 22);
    expectGradients(file.graph, weights, x);
    expectRoundTrip(file, weights, x);
    config["return_state"] = false;
    const auto both =
        fileOf({2, 3, 4, 1}, {bidirectional(layerOf("ConvLSTM2D", config), "concat")});
    const WeightSet ofBoth = randomWeights(*both.graph, 23);
    EXPECT_EQ(predict(both.graph, ofBoth, x).front().shape(), (Shape{2, 2, 3, 2, 4}));
    expectGradients(both.graph, ofBoth, x);
}

// ---- maps

TEST(ApplyMapToRecurrentLayers, GivesEveryTensorItsQuantizer)
{
    const auto file =
        fileOf({4, 2}, {lstm({{"return_sequences", true}}),
                        bidirectional(layerOf("GRU", {{"name", "g"}, {"units", 3}}), "concat")});
    const auto result = applyMap(*file.graph, {}, R"json({
        "QLSTM": {"kernel_quantizer": "quantized_bits(4,0,1)",
                  "recurrent_quantizer": "quantized_bits(5,0,1)",
                  "bias_quantizer": "quantized_bits(6,0,1)",
                  "state_quantizer": "quantized_bits(7,0,1)",
                  "recurrent_activation_quantizer": "quantized_sigmoid(5)"},
        "QBidirectional": {"kernel_quantizer": "binary()",
                           "activation_quantizer": "quantized_tanh(3)"},
        "@activation_bits": 6})json");
    ASSERT_TRUE(result) << result.error().sentence();
    const Configuration& c = result->configuration;
    const auto text = [&](const char* layer, Slot slot) {
        const auto quantizer = c.find(layer, slot);
        return quantizer ? quantizer->toString() : std::string();
    };
    EXPECT_EQ(text("rnn", Slot::Kernel), "quantized_bits(4,0,1)");
    EXPECT_EQ(text("rnn", Slot::Recurrent), "quantized_bits(5,0,1)");
    EXPECT_EQ(text("rnn", Slot::Bias), "quantized_bits(6,0,1)");
    EXPECT_EQ(text("rnn", Slot::State), "quantized_bits(7,0,1)");
    EXPECT_EQ(text("rnn", Slot::RecurrentActivation), "quantized_sigmoid(5)");
    EXPECT_EQ(text("rnn", Slot::Activation), "quantized_tanh(6)") << "from @activation_bits";
    EXPECT_EQ(text("both", Slot::Activation), "quantized_tanh(3)");
    EXPECT_FALSE(c.find("both", Slot::Recurrent));
    const auto again = applyMap(*file.graph, {}, toMap(*file.graph, c));
    ASSERT_TRUE(again) << again.error().sentence();
    EXPECT_EQ(again->configuration.canonical(), c.canonical());
    const auto untouched =
        applyMap(*file.graph, {}, R"json({"QLSTM": {"recurrent_quantizer": "binary()"}})json");
    ASSERT_TRUE(untouched);
    EXPECT_TRUE(untouched->configuration.isFloat()) << "no quantizer for the kernel";
}

TEST(QGru, SaysWhereQKerasDoesOtherwise)
{
    const auto file =
        fileOf({4, 2}, {layerOf("QGRU", {{"name", "g"},
                                         {"units", 3},
                                         {"recurrent_activation", "quantized_sigmoid(4)"},
                                         {"kernel_quantizer", "binary()"}})});
    ASSERT_EQ(file.warnings.size(), 2U); // and that there are no weights
    EXPECT_EQ(file.warnings[0].where, "g");
}

} // namespace
} // namespace bitscape::graph
