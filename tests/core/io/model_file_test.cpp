// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/io/keras_content.h"
#include "core/io/model_file.h"
#include "core/io/zip_archive.h"
#include "tests/core/io/keras_support.h"
#include "tests/core/io/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace bitscape::io {
namespace {

using namespace tests; // NOLINT(google-build-using-namespace): helpers of this folder
using graph::Slot;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Json conv(const std::string& name, int filters, const std::string& activation = "linear")
{
    return layer("Conv2D", {{"name", name},
                            {"filters", filters},
                            {"kernel_size", {3, 3}},
                            {"strides", {1, 1}},
                            {"padding", "same"},
                            {"activation", activation},
                            {"use_bias", true}});
}

Json dense(const std::string& name, int units, const std::string& activation = "linear")
{
    return layer("Dense", {{"name", name}, {"units", units}, {"activation", activation}});
}

Json small()
{
    return sequential({input("in", {4, 4, 1}), conv("conv", 2, "relu"),
                       layer("Flatten", {{"name", "flat"}}), dense("out", 3, "softmax")});
}

std::vector<StoredLayerOf> smallWeights()
{
    return {{"in", {}},
            {"conv", {{"kernel:0", ramp({3, 3, 1, 2})}, {"bias:0", ramp({2})}}},
            {"flat", {}},
            {"out", {{"kernel:0", ramp({32, 3})}, {"bias:0", ramp({3})}}}};
}

class ModelFileTest : public ::testing::Test {
protected:
    std::string keras(const Json& model, const std::vector<StoredLayerOf>& weights,
                      const std::string& version = "2.15.0")
    {
        writeKeras(m_folder / "m.h5", model, weights, version);
        return m_folder / "m.h5";
    }
    std::string json(const Json& model) { return m_folder.write("m.json", model.dump()); }

    /// The layer's op of a network of one layer behind an input.
    Result<ModelFile> one(const Json& entry, const std::vector<int>& shape)
    {
        return loadModel(json(sequential({input("in", shape), entry})));
    }
    template <class Op>
    Op opOf(const Json& entry, const std::vector<int>& shape)
    {
        auto file = one(entry, shape);
        if (!file) {
            ADD_FAILURE() << file.error().sentence();
            return {};
        }
        const auto* op = std::get_if<Op>(&file->graph->layer(1).op);
        if (op == nullptr) {
            ADD_FAILURE() << "another op for " << entry.dump();
            return {};
        }
        return *op;
    }
    std::string reasonOf(const Json& entry, const std::vector<int>& shape)
    {
        return opOf<graph::UnsupportedOp>(entry, shape).reason;
    }

    static void expectRefused(const Result<ModelFile>& file, ErrorCode code,
                              const std::string& says)
    {
        ASSERT_FALSE(file);
        EXPECT_EQ(file.error().code, code) << file.error().sentence();
        EXPECT_THAT(file.error().sentence(), HasSubstr(says));
    }

    TemporaryFolder m_folder;
};

TEST_F(ModelFileTest, ReadsAWholeModel)
{
    const std::string path = keras(small(), smallWeights());
    const auto file = loadModel(path);
    ASSERT_TRUE(file) << file.error().sentence();
    const graph::Graph& graph = *file->graph;
    EXPECT_EQ(file->format, "keras-h5");
    EXPECT_EQ(file->kerasVersion, "2.15.0");
    EXPECT_THAT(file->producer, HasSubstr("keras 2.15.0"));
    EXPECT_EQ(file->path, path);
    EXPECT_EQ(file->sha256, sha256(contentOf(path)));
    EXPECT_EQ(*file->bytes, contentOf(path));
    EXPECT_EQ(file->quantizers.name, "float");
    EXPECT_TRUE(file->warnings.empty());
    ASSERT_EQ(graph.layers().size(), 4U);
    EXPECT_EQ(graph.parameterCount(), 20 + 99);
    EXPECT_EQ(graph.macs(), 16 * 9 * 2 + 32 * 3);
    EXPECT_EQ(graph.layer(3).outputShape, (Shape{3}));
    EXPECT_EQ(graph.layer(1).weights[0].fileName, "conv/kernel:0");
    EXPECT_EQ(*graph.layer(1).weights[0].value, ramp({3, 3, 1, 2}));
    EXPECT_EQ(Json::parse(file->architecture), small());
}

TEST_F(ModelFileTest, ReadsArchitectureAndWeightsApart)
{
    const std::string architecture = json(small());
    writeKeras(m_folder / "w.h5", nullptr, smallWeights());
    const auto file = loadModel(architecture + "," + m_folder / "w.h5");
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(file->format, "keras-json");
    EXPECT_EQ(*file->graph->layer(3).weights[1].value, ramp({3}));
    const auto again = loadModelFromMemory(file->architecture, file->bytes);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->sha256, file->sha256);
    EXPECT_EQ(*again->graph->layer(3).weights[0].value, ramp({32, 3}));
    expectRefused(loadModel(m_folder / "w.h5"), ErrorCode::CorruptFile, "architecture");
    expectRefused(loadModel(architecture + "," + m_folder / "none.h5"), ErrorCode::NotFound,
                  "none.h5");
}

TEST_F(ModelFileTest, ReadsStructureWithoutWeights)
{
    const auto file = loadModel(json(small()));
    ASSERT_TRUE(file) << file.error().sentence();
    ASSERT_EQ(file->warnings.size(), 1U);
    EXPECT_EQ(file->warnings.front().code, "no_weights");
    EXPECT_EQ(*file->graph->layer(1).weights[0].value, Tensor(Shape{3, 3, 1, 2}));
}

TEST_F(ModelFileTest, MatchesWeightsByOrderWhereNamesDiffer)
{
    std::vector<StoredLayerOf> renamed = smallWeights();
    renamed[1].layer = "conv_7";
    renamed[3].layer = "out_7";
    const auto file = loadModel(keras(small(), renamed));
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(*file->graph->layer(1).weights[0].value, ramp({3, 3, 1, 2}));
    renamed.pop_back();
    expectRefused(loadModel(keras(small(), renamed)), ErrorCode::CorruptFile, "layer conv");
}

TEST_F(ModelFileTest, SortsWeightsByName)
{
    const Json model = sequential(
        {input("in", {2}), layer("BatchNormalization", {{"name", "bn"}, {"axis", {1}}})});
    const auto file = loadModel(keras(model, {{"bn",
                                               {{"beta:0", ramp({2}, 1)},
                                                {"gamma:0", ramp({2}, 2)},
                                                {"moving_variance:0", ramp({2}, 3)},
                                                {"moving_mean:0", ramp({2}, 4)}}}}));
    ASSERT_TRUE(file) << file.error().sentence();
    const graph::Layer& bn = file->graph->layer(1);
    EXPECT_EQ(*bn.findWeight("gamma")->value, ramp({2}, 2));
    EXPECT_EQ(*bn.findWeight("moving_variance")->value, ramp({2}, 3));
    EXPECT_FALSE(bn.findWeight("moving_mean")->trainable);
}

TEST_F(ModelFileTest, NamesTheLayerAndWeightThatIsWrong)
{
    auto weights = smallWeights();
    weights[1].weights[0].value.values()[3] = std::nanf("");
    expectRefused(loadModel(keras(small(), weights)), ErrorCode::CorruptFile, "conv/kernel:0");
    weights = smallWeights();
    weights[3].weights[1].value.values()[0] = std::numeric_limits<float>::infinity();
    expectRefused(loadModel(keras(small(), weights)), ErrorCode::CorruptFile, "out/bias:0");
    weights = smallWeights();
    weights[1].weights[0].value = ramp({3, 3, 2, 2});
    expectRefused(loadModel(keras(small(), weights)), ErrorCode::CorruptFile, "layer conv");
    weights = smallWeights();
    weights[1].weights.pop_back();
    expectRefused(loadModel(keras(small(), weights)), ErrorCode::CorruptFile, "layer conv");
}

TEST_F(ModelFileTest, ReadsABareListAndAnImpliedInput)
{
    Json first = dense("first", 3);
    first["config"]["batch_input_shape"] = {nullptr, 5};
    const Json model{{"class_name", "Sequential"}, {"config", {first, dense("second", 2)}}};
    const auto file = loadModel(json(model));
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(file->graph->layer(0).name, "first_input");
    EXPECT_EQ(file->graph->layer(0).originalConfig, "");
    EXPECT_EQ(file->graph->layer(0).outputShape, (Shape{5}));
    EXPECT_EQ(file->graph->layers().size(), 3U);
    Json shapeless = model;
    shapeless["config"][0]["config"].erase("batch_input_shape");
    expectRefused(loadModel(json(shapeless)), ErrorCode::Unsupported, "shape of its input");
}

TEST_F(ModelFileTest, ReadsTheDialectOfKeras3)
{
    const char* text = R"({"module": "keras", "class_name": "Functional", "config": {
        "name": "f", "trainable": true,
        "layers": [
          {"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [null, 4],
            "dtype": "float32", "name": "a"}, "registered_name": null, "name": "a", "inbound_nodes": []},
          {"module": "keras.layers", "class_name": "Dense", "config": {"name": "d",
            "dtype": {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}},
            "units": 4, "activation": "hard_sigmoid", "use_bias": false},
            "name": "d", "inbound_nodes": [{"args": [{"class_name": "__keras_tensor__",
              "config": {"shape": [null, 4], "keras_history": ["a", 0, 0]}}], "kwargs": {}}]},
          {"module": "keras.layers", "class_name": "Add", "config": {"name": "s"}, "name": "s",
            "inbound_nodes": [{"args": [[
              {"class_name": "__keras_tensor__", "config": {"keras_history": ["d", 0, 0]}},
              {"class_name": "__keras_tensor__", "config": {"keras_history": ["a", 0, 0]}}]],
              "kwargs": {}}]}],
        "input_layers": ["a", 0, 0], "output_layers": ["s", 0, 0]},
        "keras_version": "3.5.0"})";
    const auto file = loadModel(m_folder.write("k3.json", text));
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_THAT(file->graph->layer(2).inputs, ElementsAre(1, 0));
    EXPECT_EQ(std::get<graph::DenseOp>(file->graph->layer(1).op).function.kind,
              graph::FunctionKind::HardSigmoidKeras3);
    EXPECT_EQ(file->kerasVersion, "3.5.0");
}

TEST_F(ModelFileTest, HardSigmoidFollowsTheVersion)
{
    Json model = sequential({input("in", {2}), dense("d", 2, "hard_sigmoid")});
    const auto kind = [&](const char* version) {
        model["keras_version"] = version;
        const auto file = loadModel(json(model));
        return std::get<graph::DenseOp>(file->graph->layer(1).op).function.kind;
    };
    EXPECT_EQ(kind("2.2.4-tf"), graph::FunctionKind::HardSigmoidKeras2);
    EXPECT_EQ(kind("3.0.0"), graph::FunctionKind::HardSigmoidKeras3);
}

TEST_F(ModelFileTest, ReadsEveryLayerOfTheIssue)
{
    using graph::Extent;
    using graph::Padding;
    const auto c1 = opOf<graph::ConvOp>(layer("Conv1D", {{"name", "l"},
                                                         {"filters", 5},
                                                         {"kernel_size", {3}},
                                                         {"strides", 2},
                                                         {"dilation_rate", {1}},
                                                         {"padding", "causal"},
                                                         {"use_bias", false}}),
                                        {16, 3});
    EXPECT_EQ(c1.spatialRank, 1);
    EXPECT_EQ(c1.kernel, (Extent{1, 3}));
    EXPECT_EQ(c1.stride, (Extent{1, 2}));
    EXPECT_EQ(c1.padding, Padding::Causal);
    EXPECT_FALSE(c1.useBias);
    const auto dw = opOf<graph::DepthwiseOp>(
        layer(
            "DepthwiseConv2D",
            {{"name", "l"}, {"kernel_size", {3, 2}}, {"padding", "SAME"}, {"depth_multiplier", 2}}),
        {8, 8, 3});
    EXPECT_EQ(dw.kernel, (Extent{3, 2}));
    EXPECT_EQ(dw.multiplier, 2);
    EXPECT_EQ(dw.padding, Padding::Same);
    const auto sep = opOf<graph::SeparableOp>(
        layer("SeparableConv2D", {{"name", "l"}, {"kernel_size", 3}, {"filters", 7}}), {8, 8, 3});
    EXPECT_EQ(sep.filters, 7);
    EXPECT_EQ(sep.kernel, (Extent{3, 3}));
    const auto pool = opOf<graph::PoolOp>(
        layer("AveragePooling2D", {{"name", "l"}, {"pool_size", {2, 3}}, {"strides", nullptr}}),
        {8, 9, 3});
    EXPECT_EQ(pool.kind, graph::PoolKind::Average);
    EXPECT_EQ(pool.stride, (Extent{2, 3}));
    const auto global = opOf<graph::GlobalPoolOp>(
        layer("GlobalAveragePooling1D", {{"name", "l"}, {"keepdims", true}}), {8, 3});
    EXPECT_EQ(global.spatialRank, 1);
    EXPECT_TRUE(global.keepDimensions);
    const auto pad = opOf<graph::ZeroPaddingOp>(
        layer("ZeroPadding2D", {{"name", "l"}, {"padding", {{1, 2}, {3, 4}}}}), {8, 8, 3});
    EXPECT_EQ(pad, (graph::ZeroPaddingOp{2, 1, 2, 3, 4}));
    EXPECT_EQ(opOf<graph::ZeroPaddingOp>(
                  layer("ZeroPadding1D", {{"name", "l"}, {"padding", {1, 2}}}), {8, 3}),
              (graph::ZeroPaddingOp{1, 0, 0, 1, 2}));
    EXPECT_EQ(opOf<graph::ZeroPaddingOp>(layer("ZeroPadding2D", {{"name", "l"}, {"padding", 2}}),
                                         {8, 8, 3}),
              (graph::ZeroPaddingOp{2, 2, 2, 2, 2}));
    EXPECT_EQ(opOf<graph::ZeroPaddingOp>(
                  layer("ZeroPadding2D", {{"name", "l"}, {"padding", {1, 2}}}), {8, 8, 3}),
              (graph::ZeroPaddingOp{2, 1, 1, 2, 2}));
    EXPECT_THAT(
        opOf<graph::ReshapeOp>(layer("Reshape", {{"name", "l"}, {"target_shape", {2, -1}}}), {8})
            .target,
        ElementsAre(2, -1));
    EXPECT_EQ(opOf<graph::DropoutOp>(layer("Dropout", {{"name", "l"}, {"rate", 0.25}}), {8}).rate,
              0.25F);
    const auto bn = opOf<graph::BatchNormOp>(layer("BatchNormalization", {{"name", "l"},
                                                                          {"axis", {3}},
                                                                          {"momentum", 0.9},
                                                                          {"epsilon", 0.01},
                                                                          {"center", false}}),
                                             {4, 4, 2});
    EXPECT_EQ(bn.momentum, 0.9F);
    EXPECT_EQ(bn.epsilon, 0.01F);
    EXPECT_FALSE(bn.center);
    EXPECT_TRUE(bn.scale);
}

TEST_F(ModelFileTest, ReadsFunctionsInAllForms)
{
    using graph::Function;
    using graph::FunctionKind;
    const auto function = [&](const Json& entry) {
        return opOf<graph::ActivationOp>(entry, {4}).function;
    };
    EXPECT_EQ(function(layer("Activation", {{"name", "l"}, {"activation", "relu6"}})),
              (Function{FunctionKind::Relu, 0, 6}));
    EXPECT_EQ(
        function(layer(
            "ReLU",
            {{"name", "l"}, {"max_value", 6.0}, {"negative_slope", 0.5}, {"threshold", 1.0}})),
        (Function{FunctionKind::Relu, 0.5F, 6, 1}));
    EXPECT_EQ(function(layer("ReLU", {{"name", "l"}, {"max_value", nullptr}})),
              (Function{FunctionKind::Relu}));
    EXPECT_EQ(function(layer("LeakyReLU", {{"name", "l"}, {"alpha", 0.25}})),
              (Function{FunctionKind::Relu, 0.25F}));
    EXPECT_EQ(function(layer("LeakyReLU",
                             {{"name", "l"}, {"alpha", {{"type", "ndarray"}, {"value", 0.25}}}})),
              (Function{FunctionKind::Relu, 0.25F}));
    EXPECT_EQ(function(layer("LeakyReLU", {{"name", "l"}, {"negative_slope", 0.5}})),
              (Function{FunctionKind::Relu, 0.5F}));
    EXPECT_EQ(function(layer("Softmax", {{"name", "l"}, {"axis", -1}})),
              (Function{FunctionKind::Softmax}));
    EXPECT_EQ(function(layer("Softmax", {{"name", "l"}, {"axis", 1}})),
              (Function{FunctionKind::Softmax}));
    EXPECT_EQ(function(layer("Activation",
                             {{"name", "l"},
                              {"activation", {{"class_name", "function"}, {"config", "tanh"}}}})),
              (Function{FunctionKind::Tanh}));
    EXPECT_EQ(
        function(layer("Activation",
                       {{"name", "l"},
                        {"activation", {{"class_name", "ELU"}, {"config", {{"alpha", 0.5}}}}}})),
        (Function{FunctionKind::Elu, 0.5F}));
}

TEST_F(ModelFileTest, ReadsTheOrderOfChannels)
{
    const auto isFirst = [&](const char* format) {
        return opOf<graph::FlattenOp>(layer("Flatten", {{"name", "l"}, {"data_format", format}}),
                                      {4, 4, 2})
            .channelsFirst;
    };
    EXPECT_TRUE(isFirst("channels_first"));
    EXPECT_FALSE(isFirst("channels_last"));
}

TEST_F(ModelFileTest, ReadsTheAxesOfNormalizations)
{
    const auto axes = [&](const Json& axis) {
        return opOf<graph::BatchNormOp>(
                   layer("BatchNormalization", {{"name", "l"}, {"axis", axis}}), {4, 5, 6})
            .axes;
    };
    EXPECT_EQ(axes(-1), std::vector<int>{});
    EXPECT_EQ(axes({3}), std::vector<int>{}); // the last
    EXPECT_EQ(axes({1}), std::vector{1});
    EXPECT_EQ(axes({3, 1}), (std::vector{1, 3}));
}

TEST_F(ModelFileTest, ReadsMasksOfKernels)
{
    const Json mask{{1.0, 0.0}, {0.0, 1.0}, {1.0, 1.0}};
    const auto op = opOf<graph::ConvOp>(
        layer("QConv2D", {{"name", "l"}, {"filters", 1}, {"kernel_size", {3, 2}}, {"mask", mask}}),
        {4, 4, 1});
    EXPECT_EQ(op.mask, (std::vector{1.0F, 0.0F, 0.0F, 1.0F, 1.0F, 1.0F}));
}

TEST_F(ModelFileTest, NamesLayersAsNodesDo)
{
    Json model = functional({{input("in", {4}), {}},
                             {layer("TensorFlowOpLayer", {{"name", "transpose"}}), {"in"}},
                             {dense("d", 2), {"transpose"}}},
                            {"d"});
    model["config"]["layers"][1]["name"] = "tf_op_layer_transpose";
    model["config"]["layers"][2]["inbound_nodes"][0][0][0] = "tf_op_layer_transpose";
    const auto file = loadModel(json(model));
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(file->graph->layer(1).name, "tf_op_layer_transpose");
}

TEST_F(ModelFileTest, KeepsWhatItCannotRunAndSaysWhy)
{
    EXPECT_THAT(reasonOf(layer("Lambda", {{"name", "l"}}), {4}), HasSubstr("Python code"));
    EXPECT_THAT(reasonOf(layer("Frobnicate", {{"name", "l"}}), {4}), HasSubstr("custom class"));
    EXPECT_THAT(reasonOf(layer("RNN", {{"name", "l"}}), {4, 4}), HasSubstr("not covered"));
    EXPECT_THAT(reasonOf(layer("Sequential", {{"name", "l"}}), {4}), HasSubstr("inside"));
    EXPECT_THAT(reasonOf(layer("Activation", {{"name", "l"}, {"activation", "mish"}}), {4}),
                HasSubstr("'mish'"));
    EXPECT_THAT(reasonOf(layer("BatchNormalization", {{"name", "l"}, {"axis", {-2}}}), {4, 4}),
                HasSubstr("axis"));
    EXPECT_THAT(
        reasonOf(layer("QDense",
                       {{"name", "l"}, {"units", 2}, {"kernel_quantizer", "quantized_nothing(4)"}}),
                 {4}),
        HasSubstr("quantized_nothing(4)"));
}

TEST_F(ModelFileTest, KeepsTheNeighboursOfUnsupportedLayers)
{
    const auto file = loadModel(
        json(sequential({input("in", {4}), layer("Lambda", {{"name", "code"}}), dense("d", 2)})));
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_THAT(file->graph->unsupported(), ElementsAre(1));
    const auto refused = requireSupported(*file->graph);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("code (Lambda"));
}

TEST_F(ModelFileTest, KeepsTheWeightsOfSharedLayersOnce)
{
    Json model = functional({{input("a", {4}), {}},
                             {input("b", {4}), {}},
                             {dense("shared", 2), {"a"}},
                             {layer("Add", {{"name", "sum"}}), {"shared", "shared"}}},
                            {"sum"});
    Json& nodes = model["config"]["layers"][2]["inbound_nodes"];
    nodes.push_back(Json::array({Json::array({"b", 0, 0, Json::object()})}));
    model["config"]["layers"][3]["inbound_nodes"][0][1][1] = 1; // the second call
    const auto file =
        loadModel(keras(model, {{"shared", {{"kernel:0", ramp({4, 2})}, {"bias:0", ramp({2})}}}}));
    ASSERT_TRUE(file) << file.error().sentence();
    const graph::Graph& graph = *file->graph;
    EXPECT_TRUE(graph.unsupported().empty());
    const int first = graph.find("shared");
    const int second = graph.find("shared-2");
    ASSERT_GE(second, 0);
    EXPECT_THAT(graph.layer(graph.find("sum")).inputs, ElementsAre(first, second));
    EXPECT_THAT(graph.layer(second).inputs, ElementsAre(graph.find("b")));
    EXPECT_EQ(graph.layer(second).weights[0].value, graph.layer(first).weights[0].value);
    EXPECT_EQ(*graph.layer(second).weights[0].value, ramp({4, 2}));
    EXPECT_EQ(graph.parameterCount(), 10);
    EXPECT_EQ(graph.macs(), 16);
    EXPECT_EQ(loadModel(json(model))->graph->parameterCount(), 10);
}

TEST_F(ModelFileTest, LooksThroughPruning)
{
    const Json pruned = layer("PruneLowMagnitude", {{"name", "prune_d"}, {"layer", dense("d", 2)}});
    const auto file = loadModel(
        keras(sequential({input("in", {3}), pruned}), {{"prune_d",
                                                        {{"kernel:0", ramp({3, 2})},
                                                         {"mask:0", ramp({3, 2})},
                                                         {"bias:0", ramp({2})},
                                                         {"threshold:0", ramp({})},
                                                         {"pruning_step:0", ramp({})}}}}));
    ASSERT_TRUE(file) << file.error().sentence();
    const graph::Layer& layer = file->graph->layer(1);
    EXPECT_EQ(layer.className, "PruneLowMagnitude");
    EXPECT_TRUE(std::holds_alternative<graph::DenseOp>(layer.op));
    EXPECT_EQ(layer.weights.size(), 2U);
}

TEST_F(ModelFileTest, ReadsQuantizersOfAllForms)
{
    const Json dictionary{
        {"class_name", "quantized_bits"},
        {"config", {{"bits", 4}, {"integer", 0}, {"symmetric", 1}, {"alpha", 1.0}}}};
    Json q = layer("QDense", {{"name", "q"},
                              {"units", 2},
                              {"kernel_quantizer", dictionary},
                              {"bias_quantizer", "quantized_bits(8,2)"},
                              {"activation", "quantized_relu(6,2)"}});
    Json act = layer("QActivation", {{"name", "act"}, {"activation", dictionary}});
    const auto file = loadModel(json(sequential({input("in", {3}), q, act})));
    ASSERT_TRUE(file) << file.error().sentence();
    const graph::Configuration& quantizers = file->quantizers;
    EXPECT_EQ(quantizers.name, "imported");
    EXPECT_EQ(quantizers.find("q", Slot::Kernel)->bits(), 4);
    EXPECT_EQ(quantizers.find("q", Slot::Bias)->bits(), 8);
    EXPECT_EQ(quantizers.find("q", Slot::Activation)->info().name, "quantized_relu");
    EXPECT_EQ(quantizers.find("act", Slot::Activation)->bits(), 4);
    EXPECT_TRUE(std::get<graph::DenseOp>(file->graph->layer(1).op).function.isLinear());
    q["config"]["kernel_quantizer"] = nullptr;
    q["config"]["activation"] = "relu";
    const auto without = loadModel(json(sequential({input("in", {3}), q})));
    ASSERT_TRUE(without);
    EXPECT_EQ(without->quantizers.find("q", Slot::Kernel), nullptr);
    EXPECT_EQ(std::get<graph::DenseOp>(without->graph->layer(1).op).function.kind,
              graph::FunctionKind::Relu);
}

TEST_F(ModelFileTest, QuantizedNormalizationHasItsOwnDefaults)
{
    const Json bn =
        layer("QBatchNormalization", {{"name", "bn"}, {"axis", {1}}, {"gamma_quantizer", nullptr}});
    const auto file = loadModel(json(sequential({input("in", {3}), bn})));
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(file->quantizers.find("bn", Slot::Gamma), nullptr);
    EXPECT_EQ(file->quantizers.find("bn", Slot::Beta)->info().name, "quantized_po2");
    EXPECT_EQ(file->quantizers.find("bn", Slot::Variance)->info().name, "quantized_relu_po2");
    EXPECT_EQ(file->quantizers.find("bn", Slot::Inverse), nullptr);
}

TEST_F(ModelFileTest, ReadsFoldedConvolutions)
{
    Json q = conv("q", 2);
    q["class_name"] = "QConv2DBatchnorm";
    q["config"]["kernel_quantizer"] = "quantized_bits(4,0,1,alpha=1)";
    q["config"]["folding_mode"] = "batch_stats_folding";
    q["config"]["axis"] = {3};
    const auto file = loadModel(
        keras(sequential({input("in", {4, 4, 1}), q}), {{"q",
                                                         {{"kernel:0", ramp({3, 3, 1, 2})},
                                                          {"bias:0", ramp({2})},
                                                          {"bn/gamma:0", ramp({2})},
                                                          {"bn/beta:0", ramp({2})},
                                                          {"iteration:0", ramp({})},
                                                          {"bn/moving_mean:0", ramp({2})},
                                                          {"bn/moving_variance:0", ramp({2})}}}}));
    ASSERT_TRUE(file) << file.error().sentence();
    const auto& op = std::get<graph::FoldedConvOp>(file->graph->layer(1).op);
    EXPECT_FALSE(op.emaStatsFolding);
    EXPECT_EQ(std::get<graph::ConvOp>(op.conv).filters, 2);
    EXPECT_EQ(file->graph->layer(1).findWeight("iteration")->fileName, "q/iteration:0");
}

TEST_F(ModelFileTest, RefusesBrokenArchitectures)
{
    struct Case {
        std::string text;
        const char* says;
    };
    const std::string loop =
        functional({{input("in", {4}), {}},
                    {layer("Activation", {{"name", "a"}, {"activation", "relu"}}), {"b"}},
                    {layer("Activation", {{"name", "b"}, {"activation", "relu"}}), {"a"}}},
                   {"b"})
            .dump();
    const std::string dangling =
        functional({{input("in", {4}), {}},
                    {layer("Activation", {{"name", "a"}, {"activation", "relu"}}), {"zz"}}},
                   {"a"})
            .dump();
    const std::string twice = sequential({input("in", {4}), dense("d", 2), dense("d", 2)}).dump();
    Json stride = conv("c", 2);
    stride["config"]["strides"] = {-1, 0};
    Json filters = conv("c", 2000000000);
    Json units = dense("d", 2);
    units["config"]["units"] = 1e308;
    const Case cases[] = {
        {std::string(200000, '['), "deeper"},
        {"{'a': 1}", "damaged"},
        {"[]", "no Keras model"},
        {"{}", "no Keras model"},
        {R"({"class_name": "Sequential", "config": {"layers": []}})", "no list of layers"},
        {R"({"class_name": "Sequential", "config": {"layers": [{"config": {"name": "a"}}]}})",
         "class_name"},
        {loop, "own output"},
        {dangling, "zz"},
        {twice, "Two layers"},
        {sequential({input("in", {4, 4, 1}), stride}).dump(), "strides"},
        {sequential({input("in", {4, 4, 1}), filters}).dump(), "filters"},
        {sequential({input("in", {4}), units}).dump(), "units"},
        {sequential({input("in", {2, 2, 1}), conv("c", 2), dense("d", 2),
                     layer("Reshape", {{"name", "r"}, {"target_shape", {5, 5}}})})
             .dump(),
         "layer r"},
        {sequential({input("in", {1 << 21}), dense("d", 1 << 21)}).dump(), "parameters"},
    };
    for (const Case& one : cases) {
        const auto file = loadModel(m_folder.write("bad.json", one.text));
        ASSERT_FALSE(file) << one.says;
        EXPECT_EQ(file.error().code, ErrorCode::CorruptFile) << file.error().sentence();
        EXPECT_THAT(file.error().sentence(), HasSubstr(one.says));
        EXPECT_THAT(file.error().sentence(), HasSubstr("bad.json"));
    }
    expectRefused(loadModel(json({{"class_name", "MyModel"}, {"config", {{"a", 1}}}})),
                  ErrorCode::Unsupported, "MyModel");
}

TEST_F(ModelFileTest, TakesPythonsNumbers)
{
    const auto file = loadModel(m_folder.write(
        "nan.json", R"({"class_name": "Sequential", "config": {"name": "NaN", "layers": [)"
                    R"({"class_name": "ReLU", "config": {"name": "r", "max_value": Infinity,)"
                    R"( "batch_input_shape": [null, 3]}}]}})"));
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(file->graph->name(), "NaN");
}

TEST_F(ModelFileTest, TellsOtherFormatsFromDamage)
{
    const std::string config = small().dump();
    const std::string hdf5 = contentOf(keras(small(), smallWeights()));
    const auto zip = [&](const std::vector<std::pair<std::string, std::string>>& entries) {
        return m_folder.write("m.keras", *writeZip(entries, "m.keras"));
    };
    const std::pair<std::string, std::string> meta{"metadata.json", "{}"};
    EXPECT_TRUE(loadModel(zip({meta, {"config.json", config}, {"model.weights.h5", hdf5}})));
    expectRefused(loadModel(zip({meta, {"config.json", config}})), ErrorCode::CorruptFile,
                  "model.weights.h5");
    expectRefused(loadModel(zip({meta, {"model.weights.h5", hdf5}})), ErrorCode::CorruptFile,
                  "config.json");
    expectRefused(
        loadModel(zip(
            {meta, {"config.json", config}, {"../../out.txt", "x"}, {"model.weights.h5", hdf5}})),
        ErrorCode::CorruptFile, "leads outside");
    expectRefused(loadModel(m_folder.write("m.tflite", std::string("\x1c\0\0\0TFL3....", 12))),
                  ErrorCode::CorruptFile, "FlatBuffer");
    // ir_version = 8, graph = {}
    expectRefused(loadModel(m_folder.write("m.onnx", std::string("\x08\x08\x3a\x00", 4))),
                  ErrorCode::CorruptFile, "ONNX");
    expectRefused(loadModel(m_folder.write("p.onnx", "\x89PNG\r\n\x1a\n")), ErrorCode::CorruptFile,
                  "p.onnx");
    expectRefused(loadModel(m_folder.write("t.h5", "hello, this is text\n")),
                  ErrorCode::CorruptFile, "t.h5");
    expectRefused(loadModel(m_folder.write("e.h5", "")), ErrorCode::CorruptFile, "e.h5");
    expectRefused(loadModel(m_folder / "none.h5"), ErrorCode::NotFound, "none.h5");
    {
        auto file = hdf5::File::create(m_folder / "data.h5", hdf5::Format::Earliest);
        ASSERT_TRUE(file->write("x", ramp({3}).view(), hdf5::Storage::Plain));
        ASSERT_TRUE(file->close());
    }
    expectRefused(loadModel(m_folder / "data.h5"), ErrorCode::CorruptFile, "no Keras model");
}

TEST_F(ModelFileTest, SurvivesTruncationAndFlippedBits)
{
    const std::string good = contentOf(keras(small(), smallWeights()));
    for (const double share : {0.01, 0.3, 0.5, 0.8, 0.999}) {
        const auto size = static_cast<std::size_t>(share * static_cast<double>(good.size()));
        const auto file = loadModel(m_folder.write("cut.h5", good.substr(0, size)));
        ASSERT_FALSE(file) << share;
        EXPECT_EQ(file.error().code, ErrorCode::CorruptFile) << file.error().sentence();
        EXPECT_THAT(file.error().sentence(), HasSubstr("cut.h5"));
    }
    std::uint32_t state = 1;
    for (int i = 0; i < 60; ++i) {
        std::string bad = good;
        for (int flip = 0; flip < 8; ++flip) {
            state = state * 1664525U + 1013904223U;
            char& byte = bad[(state >> 4U) % bad.size()];
            byte = static_cast<char>(byte ^ (1 << (state & 7U)));
        }
        const auto file = loadModel(m_folder.write("flip.h5", bad));
        if (!file) {
            EXPECT_NE(file.error().code, ErrorCode::Internal) << file.error().sentence();
            EXPECT_FALSE(file.error().message.empty());
        }
    }
}

TEST(KerasContent, CrossesTheBorderOfTheChild)
{
    KerasContent content;
    content.modelConfig = "{}";
    content.kerasVersion = "2.15.0";
    content.layers.push_back({"a", {{"a/kernel:0", ramp({2, 3})}, {"a/s", ramp({})}}});
    content.layers.push_back({"b", {}});
    content.groups.push_back({"layers/a", "title", {{"0", ramp({2})}}});
    const std::string bytes = encode(content);
    const auto back = decodeKerasContent(bytes);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->modelConfig, "{}");
    EXPECT_EQ(back->layers[0].weights[0].value, ramp({2, 3}));
    EXPECT_EQ(back->layers[1].name, "b");
    EXPECT_EQ(back->groups[0].title, "title");
    EXPECT_EQ(back->groups[0].weights[0].value, ramp({2}));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_FALSE(decodeKerasContent(std::string_view(bytes).substr(0, size))) << size;
    }
    EXPECT_FALSE(decodeKerasContent(bytes + "x"));
}

} // namespace
} // namespace bitscape::io
