// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/execution.h"
#include "core/graph/functions/function_layer.h"
#include "core/graph/layer_registry.h"
#include "core/io/model_file.h"
#include "core/io/onnx/onnx_export.h"
#include "core/io/onnx/onnx_model.h"
#include "tests/support/networks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>

namespace bitscape::io {
namespace {

using graph::GraphPtr;
using graph::Slot;
using networks::Builder;
using ::testing::HasSubstr;

/// Sums of float32 taken in another order, relative to the range of the output.
constexpr float kOtherOrder = 1e-5F;

graph::Op kerasLayer(const char* className, const Json& config)
{
    auto meaning = graph::readLayerConfig(className, config, {.major = 3});
    EXPECT_TRUE(meaning && std::holds_alternative<graph::RuleOp>(meaning->op)) << className;
    return meaning->op;
}

graph::ConvOp convolution(Index filters, graph::Extent kernel, graph::Padding padding)
{
    graph::ConvOp op;
    op.filters = filters;
    op.kernel = kernel;
    op.padding = padding;
    return op;
}

GraphPtr imageNetwork()
{
    graph::ConvOp strided = convolution(4, {3, 2}, graph::Padding::Same);
    strided.stride = {2, 1};
    strided.function.kind = graph::FunctionKind::Relu;
    graph::DepthwiseOp depthwise;
    depthwise.kernel = {3, 3};
    depthwise.multiplier = 2;
    depthwise.padding = graph::Padding::Same;
    graph::SeparableOp separable;
    separable.filters = 5;
    separable.kernel = {2, 2};
    graph::PoolOp pool;
    pool.window = pool.stride = {2, 2};
    pool.padding = graph::Padding::Same;
    pool.kind = graph::PoolKind::Average;
    return Builder({9, 8, 3})
        .add("conv", "Conv2D", strided)
        .add("bn", "BatchNormalization", graph::BatchNormOp{})
        .add("depthwise", "DepthwiseConv2D", depthwise)
        .add("leaky", "LeakyReLU",
             graph::ActivationOp{{.kind = graph::FunctionKind::Relu, .negativeSlope = 0.25F}})
        .add("separable", "SeparableConv2D", separable)
        .add("pad", "ZeroPadding2D",
             graph::ZeroPaddingOp{.top = 1, .bottom = 0, .left = 0, .right = 2})
        .add("pool", "AveragePooling2D", pool)
        .add("flat", "Flatten", graph::FlattenOp{})
        .add("dense", "Dense", graph::DenseOp{.units = 4})
        .add("softmax", "Softmax", graph::ActivationOp{{.kind = graph::FunctionKind::Softmax}})
        .make();
}

GraphPtr branchedNetwork()
{
    graph::PoolOp pool;
    pool.window = {2, 2};
    pool.stride = {1, 1};
    pool.padding = graph::Padding::Same;
    return Builder({6, 6, 4})
        .add("a", "Conv2D", convolution(4, {1, 1}, graph::Padding::Valid))
        .add("b", "MaxPooling2D", pool, {0})
        .add("sum", "Add", graph::AddOp{}, {1, 2})
        .add("product", "Multiply", kerasLayer("Multiply", Json::object()), {1, 3})
        .add("joined", "Concatenate", graph::ConcatenateOp{-1}, {3, 4})
        .add("prelu", "PReLU", kerasLayer("PReLU", {{"shared_axes", {1, 2}}}))
        .add("up", "UpSampling2D", kerasLayer("UpSampling2D", {{"size", {2, 2}}}))
        .add("cropped", "Cropping2D", kerasLayer("Cropping2D", {{"cropping", {{1, 2}, {0, 3}}}}))
        .add("painted", "Conv2DTranspose",
             kerasLayer("Conv2DTranspose", {{"filters", 3},
                                            {"kernel_size", {3, 3}},
                                            {"strides", {2, 2}},
                                            {"padding", "same"}}))
        .add("mean", "GlobalAveragePooling2D", graph::GlobalPoolOp{})
        .make(2, {5, 10});
}

GraphPtr sequenceNetwork()
{
    graph::ConvOp causal = convolution(5, {1, 3}, graph::Padding::Causal);
    causal.spatialRank = 1;
    const Json lstm{{"units", 3}, {"return_sequences", true}};
    return Builder({7, 4})
        .add("conv", "Conv1D", causal)
        .add("norm", "LayerNormalization", kerasLayer("LayerNormalization", {{"axis", -1}}))
        .add("lstm", "LSTM", kerasLayer("LSTM", lstm))
        .add("both", "Bidirectional",
             kerasLayer("Bidirectional", {{"merge_mode", "concat"},
                                          {"layer", {{"class_name", "LSTM"}, {"config", lstm}}}}))
        .add("gru", "GRU", kerasLayer("GRU", {{"units", 4}, {"reset_after", true}}))
        .add("dense", "Dense",
             graph::DenseOp{.units = 2, .function = {.kind = graph::FunctionKind::Tanh}})
        .make(3);
}

struct Case {
    const char* name;
    GraphPtr (*make)();
};
std::ostream& operator<<(std::ostream& out, const Case& one)
{
    return out << one.name;
}

Tensor samplesFor(const graph::Graph& graph)
{
    constexpr Index kSamples = 3;
    Tensor x(graph.layer(graph.inputs()[0]).outputShape.batchOf(kSamples));
    Rng rng(7);
    for (float& value : x.values()) {
        value = static_cast<float>(rng.normal());
    }
    return x;
}

std::vector<Tensor> outputsOf(const GraphPtr& graph, const graph::Configuration& configuration)
{
    const auto plan = graph::InferencePlan::make(graph, configuration, graph->weights());
    if (!plan) {
        ADD_FAILURE() << plan.error().sentence();
        return {};
    }
    Parallel parallel(1);
    const Tensor x = samplesFor(*graph);
    const std::vector<TensorView> inputs{x.view()};
    return (*plan)->run(inputs, parallel).value();
}

void expectSame(const std::vector<Tensor>& got, const std::vector<Tensor>& wanted)
{
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
        ASSERT_EQ(got[i].shape(), wanted[i].shape());
        const auto [low, high] = std::ranges::minmax(wanted[i].values());
        for (std::size_t e = 0; e < got[i].values().size(); ++e) {
            ASSERT_NEAR(got[i].values()[e], wanted[i].values()[e], kOtherOrder * (high - low))
                << "output " << i << ", element " << e;
        }
    }
}

ModelFile readBack(const Result<ExportContent>& content)
{
    if (!content) {
        ADD_FAILURE() << content.error().sentence();
        return {};
    }
    auto file =
        loadModelFromMemory({}, std::make_shared<const std::string>(content->files.front().bytes));
    EXPECT_TRUE(file) << file.error().sentence();
    return file ? std::move(*file) : ModelFile{};
}

/// Layers that compute as ONNX' reference does, slowly and without gradient.
std::vector<std::string> functionsIn(const graph::Graph& graph)
{
    std::vector<std::string> names;
    for (const graph::Layer& layer : graph.layers()) {
        if (graph::functionSetup(layer.op) != nullptr) {
            names.push_back(layer.name + " " + layer.className);
        }
    }
    return names;
}

class OnnxExport : public ::testing::TestWithParam<Case> {};

TEST_P(OnnxExport, ComesBackAsLayersThatComputeTheSame)
{
    const GraphPtr graph = GetParam().make();
    const ModelFile back = readBack(exportOnnx({graph, {}}));
    ASSERT_NE(back.graph, nullptr);
    EXPECT_THAT(functionsIn(*back.graph), ::testing::IsEmpty());
    EXPECT_EQ(back.graph->macs(), graph->macs());
    expectSame(outputsOf(back.graph, back.quantizers), outputsOf(graph, {}));
}

INSTANTIATE_TEST_SUITE_P(Networks, OnnxExport,
                         ::testing::Values(Case{"image", imageNetwork},
                                           Case{"branched", branchedNetwork},
                                           Case{"sequence", sequenceNetwork}),
                         [](const auto& one) { return std::string(one.param.name); });

graph::Configuration quantizersFor(const graph::Graph& graph)
{
    const auto map = graph::applyMap(graph, {}, R"json({
        "conv": {"kernel_quantizer": "quantized_bits(6,0,1,alpha=1.0)",
                 "bias_quantizer": "quantized_bits(8,2,1,alpha=1.0)"},
        "depthwise": {"depthwise_quantizer": "affine(4,symmetric=1,narrow=1,per_channel=1)"},
        "dense": {"kernel_quantizer": "binary(alpha=0.5)", "bias_quantizer": "quantized_po2(4)"},
        "leaky": "quantized_bits(5,2,alpha=1.0)",
        "pool": {"activation_quantizer": "quantized_relu(8,3)"},
        "@input": "quantized_bits(8,2,1,alpha=1.0)"})json");
    EXPECT_TRUE(map) << map.error().sentence();
    return map ? map->configuration : graph::Configuration{};
}

struct Form {
    const char* name;
    Result<ExportContent> (*write)(const ExportInput& input);
};

std::ostream& operator<<(std::ostream& out, const Form& one)
{
    return out << one.name;
}

class QuantizedOnnxExport : public ::testing::TestWithParam<Form> {};

TEST_P(QuantizedOnnxExport, ComesBackWithTheQuantizers)
{
    const GraphPtr graph = imageNetwork();
    const graph::Configuration quantizers = quantizersFor(*graph);
    const auto content = GetParam().write({graph, quantizers});
    const ModelFile back = readBack(content);
    ASSERT_NE(back.graph, nullptr);
    expectSame(outputsOf(back.graph, back.quantizers), outputsOf(graph, quantizers));
    const auto kernel = back.quantizers.find("conv/convolved", Slot::Kernel);
    ASSERT_NE(kernel, nullptr);
    EXPECT_EQ(kernel->bits(), 6);
    const auto depthwise = back.quantizers.find("depthwise", Slot::Depthwise);
    ASSERT_NE(depthwise, nullptr);
    EXPECT_EQ(depthwise->bits(), 4);
    // No power of two is on a grid of equal steps.
    EXPECT_THAT(content->notes,
                ::testing::Contains(::testing::Field(&ImportNote::subject, "dense/bias")));
}

INSTANTIATE_TEST_SUITE_P(Forms, QuantizedOnnxExport,
                         ::testing::Values(Form{"qdq", exportOnnxQdq}, Form{"qonnx", exportQonnx}),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(OnnxExportRefusal, NamesEveryLayer)
{
    const GraphPtr graph =
        Builder({4, 4, 2})
            .add("first", "LocallyConnected2D",
                 kerasLayer("LocallyConnected2D", {{"filters", 2}, {"kernel_size", {2, 2}}}))
            .add("relu", "Activation", graph::ActivationOp{})
            .add("second", "LocallyConnected2D",
                 kerasLayer("LocallyConnected2D", {{"filters", 2}, {"kernel_size", {2, 2}}}))
            .make();
    const auto content = exportOnnx({graph, {}});
    ASSERT_FALSE(content);
    EXPECT_EQ(content.error().code, ErrorCode::Unsupported);
    EXPECT_THAT(content.error().message, HasSubstr("first (LocallyConnected2D"));
    EXPECT_THAT(content.error().message, HasSubstr("second (LocallyConnected2D"));
}

TEST(OnnxExportRefusal, NamesAQuantizerThatHasNoNodes)
{
    const GraphPtr graph = Builder({4}).add("relu", "Activation", graph::ActivationOp{}).make();
    graph::Configuration quantizers;
    quantizers.set("relu", Slot::Activation, quant::parseQuantizer("quantized_po2(4)").value());
    const auto content = exportOnnxQdq({graph, quantizers});
    ASSERT_FALSE(content);
    EXPECT_THAT(content.error().message, HasSubstr("quantized_po2(4)"));
}

TEST(OnnxExportFold, FoldedNormalizationsAreGone)
{
    const GraphPtr graph = Builder({6, 6, 2})
                               .add("conv", "Conv2D", convolution(3, {3, 3}, graph::Padding::Valid))
                               .add("bn", "BatchNormalization", graph::BatchNormOp{})
                               .make();
    graph::Configuration folds;
    folds.foldBatchNorm = true;
    const auto content = exportOnnx({graph, folds});
    ASSERT_TRUE(content);
    const auto model = readOnnx(content->files.front().bytes, "folded");
    ASSERT_TRUE(model);
    EXPECT_TRUE(std::ranges::none_of(model->graph.nodes, [](const OnnxNode& node) {
        return node.opType == "BatchNormalization";
    }));
    const ModelFile back = readBack(content);
    ASSERT_NE(back.graph, nullptr);
    expectSame(outputsOf(back.graph, {}), outputsOf(graph, folds));
}

} // namespace
} // namespace bitscape::io
