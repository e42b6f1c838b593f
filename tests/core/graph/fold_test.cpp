// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/execution.h"
#include "tests/support/networks.h"
#include "tests/support/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitscape::graph {
namespace {

using networks::Builder;
using networks::conv;
using networks::depthwise;

constexpr double kFoldError = 1e-5; // the same sums in another order of float32 operations

struct FoldCase {
    const char* name;
    Shape input;
    Op op;
};

std::ostream& operator<<(std::ostream& out, const FoldCase& c)
{
    return out << c.name;
}

std::vector<Tensor> outputsOf(const GraphPtr& graph, const Configuration& configuration = {})
{
    const Tensor input =
        reference::randomTensor(graph->layer(graph->inputs()[0]).outputShape.batchOf(3), 2);
    Parallel parallel(1);
    const auto plan = InferencePlan::make(graph, configuration, graph->weights()).value();
    const std::vector<TensorView> inputs{input.view()};
    return plan->run(inputs, parallel).value();
}

double distance(const Tensor& a, const Tensor& b)
{
    const std::vector<double> wanted(b.values().begin(), b.values().end());
    return reference::largestError(a.values(), wanted);
}

class Fold : public testing::TestWithParam<FoldCase> {};

TEST_P(Fold, ComputesTheSameWithoutTheNormalization)
{
    const FoldCase& c = GetParam();
    const GraphPtr graph = Builder(c.input)
                               .add("w", "Weighted", c.op)
                               .add("bn", "BatchNormalization", BatchNormOp{})
                               .add("act", "Activation", ActivationOp{{FunctionKind::Relu}})
                               .make();
    const GraphPtr folded = foldBatchNorm(*graph).value();
    EXPECT_EQ(folded->layers().size(), 3U);
    EXPECT_EQ(folded->find("bn"), -1);
    EXPECT_EQ(folded->layer(folded->find("act")).inputs[0], folded->find("w"));
    EXPECT_LT(distance(outputsOf(folded)[0], outputsOf(graph)[0]), kFoldError);

    Configuration configuration;
    configuration.foldBatchNorm = true;
    EXPECT_EQ(outputsOf(graph, configuration), outputsOf(folded));
}

INSTANTIATE_TEST_SUITE_P(
    Layers, Fold,
    testing::Values(FoldCase{"Conv2D", {6, 6, 3}, conv(5, 3)},
                    FoldCase{"Conv2DWithoutBias",
                             {6, 6, 3},
                             ConvOp{.filters = 5, .kernel = {2, 2}, .useBias = false}},
                    FoldCase{
                        "Conv1D", {9, 3}, ConvOp{.spatialRank = 1, .filters = 5, .kernel = {1, 2}}},
                    FoldCase{"Depthwise", {6, 6, 3}, depthwise(3, 2)},
                    FoldCase{"Dense", {7}, DenseOp{.units = 4}},
                    FoldCase{"DenseWithoutBias", {2, 7}, DenseOp{4, false, {}}}),
    testing::PrintToStringParamName());

TEST(FoldTest, LeavesNormalizationsAloneThatMayNotBeFolded)
{
    Builder twoReaders({6, 6, 2});
    twoReaders.add("c", "Conv2D", conv(2, 3));
    twoReaders.add("bn", "BatchNormalization", BatchNormOp{}, {1});
    twoReaders.add("sum", "Add", AddOp{}, {1, 2});
    Builder activated({6, 6, 2});
    activated.add("c", "Conv2D", conv(2, 3, Padding::Same, 1, {FunctionKind::Relu}));
    activated.add("bn", "BatchNormalization", BatchNormOp{});
    Builder pooled({6, 6, 2});
    pooled.add("p", "MaxPooling2D", PoolOp{.window = {2, 2}, .stride = {2, 2}});
    pooled.add("bn", "BatchNormalization", BatchNormOp{});
    Builder output({6, 6, 2});
    output.add("c", "Conv2D", conv(2, 3)).add("bn", "BatchNormalization", BatchNormOp{});
    for (const GraphPtr& graph :
         {twoReaders.make(), activated.make(), pooled.make(), output.make(1, {1, 2})}) {
        EXPECT_EQ(foldBatchNorm(*graph).value()->layers().size(), graph->layers().size());
    }
}

TEST(FoldTest, ATapOnAFoldedNormalizationIsItsProducersOutput)
{
    const GraphPtr graph = Builder({6, 6, 2})
                               .add("c", "Conv2D", conv(3, 3))
                               .add("bn", "BatchNormalization", BatchNormOp{})
                               .add("g", "GlobalAveragePooling2D", GlobalPoolOp{})
                               .make();
    Configuration configuration;
    configuration.foldBatchNorm = true;
    const auto plan =
        InferencePlan::make(graph, configuration, graph->weights(), {.taps = {2}}).value();
    EXPECT_EQ(plan->graph().find("bn"), -1);
    EXPECT_EQ(plan->resultShapes()[1].toString(), "6×6×3");
}

} // namespace
} // namespace bitscape::graph
