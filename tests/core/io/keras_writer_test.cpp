// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/model_file.h"
#include "tests/core/io/keras_support.h"
#include "tests/core/io/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace bitscape::io {
namespace {

using namespace tests; // NOLINT(google-build-using-namespace): helpers of this folder
using graph::Slot;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

quant::QuantizerPtr quantizer(const char* text)
{
    auto parsed = quant::parseQuantizer(text);
    EXPECT_TRUE(parsed) << text;
    return parsed ? *parsed : nullptr;
}

Json conv(const std::string& className, const std::string& name, Json more = Json::object())
{
    Json config{
        {"name", name},
        {"filters", 2},
        {"kernel_size", {3, 3}},
        {"strides", {1, 1}},
        {"padding", "same"},
        {"activation", "relu"},
        {"kernel_regularizer", {{"class_name", "L2"}, {"config", {{"l2", 0.01}}}}},
        {"kernel_initializer", {{"class_name", "QInitializer"}, {"config", Json::object()}}}};
    config.update(more);
    return layer(className, config);
}

/// One of every op that can be written.
Json everything()
{
    const auto named = [](const char* className, const char* name, Json more = Json::object()) {
        Json config{{"name", name}};
        config.update(more);
        return layer(className, config);
    };
    return functional(
        {{input("in", {8, 8, 2}), {}},
         {conv("Conv2D", "conv"), {"in"}},
         {named("BatchNormalization", "bn",
                {{"axis", {3}}, {"momentum", 0.5}, {"epsilon", 0.25}, {"center", false}}),
          {"conv"}},
         {named("DepthwiseConv2D", "dw", {{"kernel_size", {3, 3}}, {"padding", "same"}}), {"bn"}},
         {named("SeparableConv2D", "sep",
                {{"kernel_size", {3, 3}}, {"padding", "same"}, {"filters", 2}}),
          {"dw"}},
         {named("Add", "sum"), {"sep", "conv"}},
         {named("ReLU", "top", {{"max_value", 6.0}, {"negative_slope", 0.5}, {"threshold", 0.25}}),
          {"sum"}},
         {named("LeakyReLU", "leaky", {{"alpha", 0.25}}), {"top"}},
         {named("MaxPooling2D", "pool", {{"pool_size", {2, 2}}}), {"leaky"}},
         {named("ZeroPadding2D", "pad", {{"padding", {{1, 0}, {0, 2}}}}), {"pool"}},
         {conv("QConv2DBatchnorm", "folded",
               {{"kernel_quantizer", "quantized_bits(4,0,1,alpha=1)"}, {"axis", {3}}}),
          {"pad"}},
         {named("Concatenate", "joined", {{"axis", -1}}), {"folded", "pad"}},
         {named("GlobalAveragePooling2D", "mean"), {"joined"}},
         {named("Reshape", "sequence", {{"target_shape", {2, 2}}}), {"mean"}},
         {named("Conv1D", "conv1",
                {{"filters", 3}, {"kernel_size", {2}}, {"padding", "causal"}, {"use_bias", false}}),
          {"sequence"}},
         {named("AveragePooling1D", "pool1", {{"pool_size", {2}}, {"strides", {1}}}), {"conv1"}},
         {named("ZeroPadding1D", "pad1", {{"padding", {1, 2}}}), {"pool1"}},
         {named("Flatten", "flat"), {"pad1"}},
         {named("Dropout", "drop", {{"rate", 0.25}}), {"flat"}},
         {named("ELU", "elu", {{"alpha", 0.5}}), {"drop"}},
         {named("Dense", "out", {{"units", 3}, {"activation", "softmax"}}), {"elu"}},
         {named("Activation", "tail", {{"activation", "hard_sigmoid"}}), {"out"}}},
        {"out", "tail"});
}

class KerasWriter : public ::testing::Test {
protected:
    ModelFile read(const Json& model)
    {
        auto file = loadModel(m_folder.write("m.json", model.dump()));
        EXPECT_TRUE(file) << file.error().sentence();
        return file ? std::move(*file) : ModelFile{};
    }

    /// Saved and read again.
    ModelFile saved(const graph::Graph& graph, const graph::WeightSet& weights,
                    const graph::Configuration& quantizers)
    {
        const auto ok = saveKerasH5(m_folder / "s.h5", graph, weights, quantizers);
        EXPECT_TRUE(ok) << ok.error().sentence();
        auto file = loadModel(m_folder / "s.h5");
        EXPECT_TRUE(file) << file.error().sentence();
        return file ? std::move(*file) : ModelFile{};
    }

    static void expectSame(const graph::Graph& a, const graph::Graph& b)
    {
        ASSERT_EQ(a.layers().size(), b.layers().size());
        for (std::size_t i = 0; i < a.layers().size(); ++i) {
            const graph::Layer& before = a.layers()[i];
            const graph::Layer& after = b.layers()[i];
            EXPECT_EQ(before.name, after.name);
            EXPECT_EQ(before.op, after.op) << before.name;
            EXPECT_EQ(before.inputs, after.inputs) << before.name;
            ASSERT_EQ(before.weights.size(), after.weights.size()) << before.name;
            for (std::size_t w = 0; w < before.weights.size(); ++w) {
                EXPECT_EQ(*before.weights[w].value, *after.weights[w].value) << before.name;
            }
        }
        EXPECT_THAT(b.outputs(), ::testing::ElementsAreArray(a.outputs()));
    }

    TemporaryFolder m_folder;
};

TEST_F(KerasWriter, EveryOpComesBack)
{
    const ModelFile file = read(everything());
    graph::WeightSet weights;
    float step = 0.0F;
    for (const TensorPtr& weight : file.graph->weights()) {
        weights.push_back(std::make_shared<const Tensor>(ramp(weight->shape(), step += 0.25F)));
    }
    const auto graph = file.graph->withWeights(weights);
    ASSERT_TRUE(graph);
    const ModelFile back = saved(**graph, weights, file.quantizers);
    expectSame(**graph, *back.graph);
    EXPECT_TRUE(sameContent(file.quantizers, back.quantizers));
    EXPECT_EQ(back.graph->layer(back.graph->find("folded")).className, "QConv2DBatchnorm");
}

TEST_F(KerasWriter, AChainBecomesASequentialModel)
{
    const ModelFile file =
        read(sequential({input("in", {4}), layer("Dense", {{"name", "d"}, {"units", 2}})}));
    const Json model = Json::parse(toKerasJson(*file.graph, {}));
    EXPECT_EQ(model["class_name"], "Sequential");
    EXPECT_EQ(model["keras_version"], "2.15.0");
    EXPECT_EQ(model["config"]["layers"][0]["config"]["batch_input_shape"],
              Json::array({nullptr, 4}));
    EXPECT_EQ(model["config"]["layers"][1]["class_name"], "Dense");
}

TEST_F(KerasWriter, QuantizersMakeClassesOfQKeras)
{
    const ModelFile file = read(sequential(
        {input("in", {8, 8, 2}), conv("Conv2D", "conv"), layer("Flatten", {{"name", "flat"}})}));
    graph::Configuration quantizers;
    quantizers.set("conv", Slot::Kernel, quantizer("quantized_bits(4,0,1,alpha=1)"));
    quantizers.set("conv", Slot::Activation, quantizer("quantized_relu(4,1)"));
    const Json config = Json::parse(toKerasJson(*file.graph, quantizers))["config"]["layers"][1];
    EXPECT_EQ(config["class_name"], "QConv2D");
    EXPECT_EQ(config["config"]["kernel_quantizer"]["class_name"], "quantized_bits");
    EXPECT_TRUE(config["config"]["bias_quantizer"].is_null());
    EXPECT_EQ(config["config"]["activation"]["class_name"], "quantized_relu");
    EXPECT_EQ(config["config"]["kernel_initializer"]["class_name"], "QInitializer");
    const ModelFile back = saved(*file.graph, file.graph->weights(), quantizers);
    EXPECT_TRUE(sameContent(quantizers, back.quantizers));
}

TEST_F(KerasWriter, WithoutQuantizersNothingNeedsQKeras)
{
    const ModelFile file = read(
        sequential({input("in", {8, 8, 2}),
                    conv("QConv2D", "conv", {{"kernel_quantizer", "quantized_bits(4,0,1)"}})}));
    const Json config = Json::parse(toKerasJson(*file.graph, {}))["config"]["layers"][1];
    EXPECT_EQ(config["class_name"], "Conv2D");
    EXPECT_FALSE(config["config"].contains("kernel_quantizer"));
    EXPECT_FALSE(config["config"].contains("kernel_initializer"));
    EXPECT_EQ(config["config"]["kernel_regularizer"]["class_name"], "L2");
}

TEST_F(KerasWriter, QuantizersWithoutAFieldBecomeLayers)
{
    const ModelFile file = read(sequential(
        {input("in", {8}), layer("Dense", {{"name", "d"}, {"units", 2}, {"activation", "relu"}})}));
    graph::Configuration quantizers;
    quantizers.input = quantizer("quantized_bits(8,0,alpha=1)");
    const Json layers = Json::parse(toKerasJson(*file.graph, quantizers))["config"]["layers"];
    ASSERT_EQ(layers.size(), 3U);
    EXPECT_EQ(layers[1]["class_name"], "QActivation");
    EXPECT_EQ(layers[1]["config"]["name"], "in_quantizer");
    const ModelFile back = saved(*file.graph, file.graph->weights(), quantizers);
    EXPECT_EQ(back.quantizers.find("in_quantizer", Slot::Activation)->bits(), 8);
    EXPECT_EQ(back.graph->layer(2).weights.size(), 2U);
}

TEST_F(KerasWriter, KeepsTheNamesOfTheFile)
{
    writeKeras(m_folder / "m.h5",
               sequential({input("in", {3}), layer("Dense", {{"name", "d"}, {"units", 2}})}),
               {{"in", {}}, {"d", {{"deep/kernel:0", ramp({3, 2})}, {"deep/bias:0", ramp({2})}}}});
    const auto file = loadModel(m_folder / "m.h5");
    ASSERT_TRUE(file) << file.error().sentence();
    ASSERT_TRUE(saveKerasH5(m_folder / "s.h5", *file->graph, file->graph->weights(), {}));
    auto written = hdf5::File::open(m_folder / "s.h5");
    ASSERT_TRUE(written);
    EXPECT_THAT(*written->group("model_weights")->texts("layer_names"), ElementsAre("in", "d"));
    EXPECT_THAT(*written->group("model_weights/d")->texts("weight_names"),
                ElementsAre("d/deep/kernel:0", "d/deep/bias:0"));
    EXPECT_TRUE(written->hasDataset("model_weights/d/d/deep/kernel:0"));
}

TEST_F(KerasWriter, TheCounterStaysAnInteger)
{
    const ModelFile file = read(
        sequential({input("in", {8, 8, 2}), conv("QConv2DBatchnorm", "folded", {{"axis", {3}}})}));
    ASSERT_TRUE(saveKerasH5(m_folder / "s.h5", *file.graph, file.graph->weights(), {}));
    auto written = hdf5::File::open(m_folder / "s.h5");
    ASSERT_TRUE(written);
    EXPECT_EQ(written->info("model_weights/folded/folded/iteration:0")->dtype, "int64");
}

TEST_F(KerasWriter, WritesTheSameBytesAndNoPart)
{
    const ModelFile file = read(everything());
    ASSERT_TRUE(
        saveKerasH5(m_folder / "a.h5", *file.graph, file.graph->weights(), file.quantizers));
    ASSERT_TRUE(
        saveKerasH5(m_folder / "b.h5", *file.graph, file.graph->weights(), file.quantizers));
    EXPECT_EQ(contentOf(m_folder / "a.h5"), contentOf(m_folder / "b.h5"));
    EXPECT_FALSE(std::filesystem::exists(m_folder / "a.h5.part"));
    const auto failed =
        saveKerasH5(m_folder / "no/such/a.h5", *file.graph, file.graph->weights(), {});
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, ErrorCode::Io);
}

TEST_F(KerasWriter, UnsupportedLayersPassThrough)
{
    const ModelFile file = read(sequential(
        {input("in", {3}), layer("Lambda", {{"name", "code"}, {"function", "secret"}})}));
    const Json config = Json::parse(toKerasJson(*file.graph, {}))["config"]["layers"][1];
    EXPECT_EQ(config["class_name"], "Lambda");
    EXPECT_EQ(config["config"]["function"], "secret");
}

} // namespace
} // namespace bitscape::io
