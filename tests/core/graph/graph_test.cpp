// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/graph.h"
#include "tests/support/networks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitscape::graph {
namespace {

using networks::Builder;
using networks::conv;
using networks::depthwise;
using testing::HasSubstr;

struct OutputSizeCase {
    Index input;
    int kernel, stride, dilation;
    Padding padding;
    Index size, before;
};

// Sizes and paddings as tf.nn.conv2d documents them.
TEST(OutputSize, FollowsTensorFlow)
{
    const OutputSizeCase cases[] = {
        {28, 3, 1, 1, Padding::Valid, 26, 0},  {28, 3, 2, 1, Padding::Valid, 13, 0},
        {28, 3, 1, 1, Padding::Same, 28, 1},   {28, 3, 2, 1, Padding::Same, 14, 0},
        {27, 3, 2, 1, Padding::Same, 14, 1},   {28, 2, 1, 1, Padding::Same, 28, 0},
        {28, 5, 1, 2, Padding::Same, 28, 4},   {28, 5, 1, 2, Padding::Valid, 20, 0},
        {10, 3, 1, 2, Padding::Causal, 10, 4}, {10, 3, 2, 1, Padding::Causal, 5, 2},
        {2, 3, 1, 1, Padding::Valid, 0, 0},    {5, 1, 3, 1, Padding::Same, 2, 0},
        {-1, 3, 1, 1, Padding::Same, -1, 0},
    };
    for (const OutputSizeCase& c : cases) {
        EXPECT_EQ(outputSize(c.input, c.kernel, c.stride, c.dilation, c.padding), c.size);
        if (c.input > 0) {
            EXPECT_EQ(paddingBefore(c.input, c.kernel, c.stride, c.dilation, c.padding), c.before);
        }
    }
}

struct LayerCase {
    const char* name;
    Shape input;
    Op op;
    Shape output;
    std::int64_t macs;
    std::int64_t parameters;
};

std::ostream& operator<<(std::ostream& out, const LayerCase& c)
{
    return out << c.name;
}

class LayerShape : public testing::TestWithParam<LayerCase> {};

TEST_P(LayerShape, HasOutputMacsAndWeights)
{
    const LayerCase& c = GetParam();
    const GraphPtr graph = Builder(c.input).add("tested", "Tested", c.op).make();
    const Layer& layer = graph->layer(1);
    EXPECT_EQ(layer.outputShape.toString(), c.output.toString());
    EXPECT_EQ(layer.macs, c.macs);
    EXPECT_EQ(layer.parameterCount(), c.parameters);
}

INSTANTIATE_TEST_SUITE_P(
    Ops, LayerShape,
    testing::Values(
        LayerCase{"Dense", {20}, DenseOp{.units = 7}, {7}, 140, 147},
        LayerCase{"DenseOnSequence", {5, 20}, DenseOp{7, false, {}}, {5, 7}, 700, 140},
        LayerCase{"Conv2D", {28, 28, 3}, conv(8, 3, Padding::Valid), {26, 26, 8}, 146016, 224},
        LayerCase{
            "Conv2DSameStride", {28, 28, 3}, conv(8, 3, Padding::Same, 2), {14, 14, 8}, 42336, 224},
        LayerCase{"Conv2DGroups",
                  {8, 8, 6},
                  ConvOp{.filters = 4, .kernel = {3, 3}, .groups = 2, .useBias = false},
                  {6, 6, 4},
                  3888,
                  108},
        LayerCase{
            "Conv1D",
            {16, 3},
            ConvOp{.spatialRank = 1, .filters = 4, .kernel = {1, 5}, .padding = Padding::Causal},
            {16, 4},
            960,
            64},
        LayerCase{"Depthwise", {8, 8, 4}, depthwise(3, 2), {8, 8, 8}, 4608, 80},
        LayerCase{
            "Separable",
            {8, 8, 4},
            SeparableOp{.filters = 5, .kernel = {3, 3}, .padding = Padding::Same, .multiplier = 2},
            {8, 8, 5},
            4608 + 2560,
            72 + 40 + 5},
        LayerCase{"BatchNorm", {4, 4, 6}, BatchNormOp{}, {4, 4, 6}, 0, 24},
        LayerCase{"BatchNormBare", {6}, BatchNormOp{.center = false, .scale = false}, {6}, 0, 12},
        LayerCase{"MaxPool",
                  {9, 9, 2},
                  PoolOp{.window = {2, 2}, .stride = {2, 2}, .padding = Padding::Same},
                  {5, 5, 2},
                  0,
                  0},
        LayerCase{"AveragePool1D",
                  {9, 2},
                  PoolOp{PoolKind::Average, 1, {1, 4}, {1, 2}, Padding::Valid},
                  {3, 2},
                  0,
                  0},
        LayerCase{"GlobalPool", {9, 8, 2}, GlobalPoolOp{}, {2}, 0, 0},
        LayerCase{
            "GlobalPoolKeeps", {9, 8, 2}, GlobalPoolOp{.keepDimensions = true}, {1, 1, 2}, 0, 0},
        LayerCase{"ZeroPadding", {4, 5, 2}, ZeroPaddingOp{2, 1, 2, 3, 4}, {7, 12, 2}, 0, 0},
        LayerCase{"Flatten", {4, 5, 2}, FlattenOp{}, {40}, 0, 0},
        LayerCase{"Reshape", {4, 6}, ReshapeOp{{2, -1, 3}}, {2, 4, 3}, 0, 0},
        LayerCase{"ChannelsFirst",
                  {3, 10, 12},
                  ConvOp{.filters = 8, .kernel = {3, 3}, .channelsFirst = true},
                  {8, 8, 10},
                  17280,
                  224},
        LayerCase{"ChannelsFirstFlatten", {3, 4, 5}, FlattenOp{true}, {60}, 0, 0},
        LayerCase{"FoldedConv",
                  {8, 8, 2},
                  FoldedConvOp{.conv = conv(3, 3)},
                  {8, 8, 3},
                  3456,
                  54 + 3 + 3 + 3 + 1 + 3 + 3},
        LayerCase{"FoldedDepthwise",
                  {8, 8, 2},
                  FoldedConvOp{.conv = depthwise(3)},
                  {8, 8, 2},
                  1152,
                  18 + 2 + 2 + 2 + 1 + 2 + 2}),
    testing::PrintToStringParamName());

TEST(GraphTest, SortsLayersBehindTheirInputsAndKeepsTheGivenOrderOtherwise)
{
    std::vector<Layer> layers(4);
    layers[0] = {.name = "sum", .op = AddOp{}, .inputs = {2, 3}};
    layers[1] = {.name = "x", .op = InputOp{{4}}};
    layers[2] = {.name = "relu", .op = ActivationOp{{FunctionKind::Relu}}, .inputs = {1}};
    layers[3] = {.name = "tanh", .op = ActivationOp{{FunctionKind::Tanh}}, .inputs = {1}};
    const auto graph = Graph::make("g", layers, {1}, {0}).value();
    std::vector<std::string> names;
    for (const Layer& layer : graph->layers()) {
        names.push_back(layer.name);
    }
    EXPECT_THAT(names, testing::ElementsAre("x", "relu", "tanh", "sum"));
    EXPECT_THAT(graph->layer(3).inputs, testing::ElementsAre(1, 2));
    EXPECT_THAT(graph->outputs(), testing::ElementsAre(3));
    EXPECT_THAT(graph->consumers(0), testing::ElementsAre(1, 2));
    EXPECT_EQ(graph->find("tanh"), 2);
    EXPECT_EQ(graph->find("none"), -1);
}

TEST(GraphTest, RefusesCyclesAndDanglingInputs)
{
    std::vector<Layer> layers(2);
    layers[0] = {.name = "a", .op = FlattenOp{}, .inputs = {1}};
    layers[1] = {.name = "b", .op = FlattenOp{}, .inputs = {0}};
    const auto cycle = Graph::make("g", layers, {}, {0});
    ASSERT_FALSE(cycle);
    EXPECT_EQ(cycle.error().code, ErrorCode::InvalidArgument);
    layers[1].inputs = {7};
    EXPECT_EQ(Graph::make("g", layers, {}, {0}).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(Graph::make("g", layers, {}, {9}).error().code, ErrorCode::InvalidArgument);
}

TEST(GraphTest, NamesLayerWeightAndShapesOfAWrongWeight)
{
    Layer dense{.name = "fc", .className = "Dense", .op = DenseOp{.units = 3}, .inputs = {0}};
    dense.weights = {{"kernel", "fc/kernel:0", std::make_shared<const Tensor>(Shape{5, 3}), true},
                     {"bias", "fc/bias:0", std::make_shared<const Tensor>(Shape{3}), true}};
    const auto graph = Graph::make("g", {{.name = "x", .op = InputOp{{4}}}, dense}, {0}, {1});
    ASSERT_FALSE(graph);
    EXPECT_EQ(graph.error().code, ErrorCode::ShapeMismatch);
    const std::string said = graph.error().sentence();
    for (const char* part : {"fc", "kernel", "5×3", "4×3"}) {
        EXPECT_THAT(said, HasSubstr(part));
    }
}

TEST(GraphTest, RefusesInputsThatDoNotFit)
{
    const auto refused = [](const Shape& input, Op op) {
        const auto graph = Builder(input).add("tested", "Tested", std::move(op)).tryMake();
        return graph ? ErrorCode::Internal : graph.error().code;
    };
    EXPECT_EQ(refused({8}, conv(4, 3)), ErrorCode::ShapeMismatch);
    EXPECT_EQ(refused({2, 2, 1}, conv(4, 3, Padding::Valid)), ErrorCode::ShapeMismatch);
    EXPECT_EQ(refused({8, 8, 3}, ConvOp{.filters = 4, .kernel = {3, 3}, .groups = 2}),
              ErrorCode::InvalidArgument);
    EXPECT_EQ(refused({8, 8, 3}, ConvOp{.filters = 4, .kernel = {3, 3}, .stride = {0, 1}}),
              ErrorCode::InvalidArgument);
    EXPECT_EQ(refused({6}, ReshapeOp{{4, 2}}), ErrorCode::ShapeMismatch);
    EXPECT_EQ(refused({6}, ReshapeOp{{-1, 4}}), ErrorCode::ShapeMismatch);
    EXPECT_EQ(refused({6}, ConcatenateOp{.axis = 0}), ErrorCode::InvalidArgument);
}

TEST(GraphTest, JoinsShapesAsKerasDoes)
{
    const auto joined = [](const Shape& other, Op op) {
        Builder builder({4, 4, 2});
        builder.add("y", "InputLayer", InputOp{other}, {}).add("j", "Join", std::move(op), {0, 1});
        const auto graph = builder.tryMake();
        return graph ? (*graph)->layer(2).outputShape.toString() : std::string("refused");
    };
    EXPECT_EQ(joined({4, 4, 2}, AddOp{}), "4×4×2");
    EXPECT_EQ(joined({1, 1, 2}, AddOp{}), "4×4×2");
    EXPECT_EQ(joined({2}, AddOp{}), "4×4×2");
    EXPECT_EQ(joined({4, 4, 3}, AddOp{}), "refused");
    EXPECT_EQ(joined({4, 4, 5}, ConcatenateOp{}), "4×4×7");
    EXPECT_EQ(joined({3, 4, 2}, ConcatenateOp{.axis = 1}), "7×4×2");
    EXPECT_EQ(joined({3, 4, 3}, ConcatenateOp{.axis = 1}), "refused");
}

TEST(GraphTest, KeepsUnsupportedLayersAndNamesThemAll)
{
    Builder builder({4});
    builder.add("odd", "Lambda", UnsupportedOp{"Python code"})
        .add("fc", "Dense", DenseOp{.units = 2})
        .add("own", "MyLayer", UnsupportedOp{});
    const GraphPtr graph = builder.tryMake().value();
    EXPECT_THAT(graph->unsupported(), testing::ElementsAre(1, 3));
    EXPECT_EQ(graph->layer(2).outputShape.rank(), 0);
    const auto refused = requireSupported(*graph);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Unsupported);
    for (const char* part : {"odd", "Lambda", "Python code", "own", "MyLayer"}) {
        EXPECT_THAT(refused.error().sentence(), HasSubstr(part));
    }
}

TEST(GraphTest, LeavesOpenSizesOpen)
{
    const GraphPtr graph = Builder({-1, -1, 3})
                               .add("c", "Conv2D", conv(8, 3))
                               .add("g", "GlobalAveragePooling2D", GlobalPoolOp{})
                               .add("d", "Dense", DenseOp{.units = 2})
                               .make();
    EXPECT_EQ(graph->layer(1).outputShape.toString(), "-1×-1×8");
    EXPECT_EQ(graph->layer(1).macs, 0);
    EXPECT_EQ(graph->layer(3).outputShape.toString(), "2");
}

TEST(GraphTest, TakesOtherWeightsOfTheSameShapesOnly)
{
    const GraphPtr graph = Builder({3}).add("d", "Dense", DenseOp{.units = 2}).make();
    WeightSet weights = graph->weights();
    weights[1] = std::make_shared<const Tensor>(Shape{2}, std::vector<float>{5.0F, 6.0F});
    const auto other = graph->withWeights(weights);
    ASSERT_TRUE(other);
    EXPECT_EQ((*other)->layer(1).weights[1].value->values()[0], 5.0F);
    weights[0] = std::make_shared<const Tensor>(Shape{2, 2});
    EXPECT_EQ(graph->withWeights(weights).error().code, ErrorCode::ShapeMismatch);
}

} // namespace
} // namespace bitscape::graph
