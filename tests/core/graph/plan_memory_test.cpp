// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/execution.h"
#include "core/tensor/float_memory.h"
#include "tests/support/allocations.h"
#include "tests/support/networks.h"
#include "tests/support/reference.h"

#include <gtest/gtest.h>

namespace bitscape::graph {
namespace {

using networks::Builder;
using networks::conv;

constexpr Index kBatch = 64;
constexpr double kSlack = 1.1;

quant::QuantizerPtr quantizer(const char* text)
{
    return quant::parseQuantizer(text).value();
}

/// What convolution networks are made of: a residual block, a normalization, pooling, depth-wise
/// and dense layers.
GraphPtr network()
{
    Builder builder({16, 16, 3});
    builder.add("c1", "QConv2D", conv(8, 3))
        .add("n1", "BatchNormalization", BatchNormOp{})
        .add("a1", "QActivation", ActivationOp{});
    const int skip = builder.last();
    return builder.add("c2", "QConv2D", conv(8, 3))
        .add("n2", "BatchNormalization", BatchNormOp{})
        .add("add", "Add", AddOp{}, {skip + 2, skip})
        .add("a2", "QActivation", ActivationOp{})
        .add("dw", "QDepthwiseConv2D", networks::depthwise(3, 1, Padding::Same, 2))
        .add("r", "Activation", ActivationOp{.function = {FunctionKind::Relu}})
        .add("p", "GlobalAveragePooling2D", GlobalPoolOp{})
        .add("d", "QDense", DenseOp{.units = 10})
        .add("s", "Activation", ActivationOp{.function = {FunctionKind::Softmax}})
        .make(3);
}

Configuration fourBits()
{
    Configuration configuration;
    for (const char* layer : {"c1", "c2", "d"}) {
        configuration.set(layer, Slot::Kernel, quantizer("quantized_bits(4,0,1,alpha=1.0)"));
        configuration.set(layer, Slot::Bias, quantizer("quantized_bits(4,0,1)"));
    }
    configuration.set("dw", Slot::Depthwise, quantizer("quantized_bits(4,0,1,alpha='auto_po2')"));
    configuration.set("a1", Slot::Activation, quantizer("quantized_relu(4,1)"));
    configuration.set("a2", Slot::Activation, quantizer("quantized_bits(6,2,1)"));
    return configuration;
}

class PlanMemory : public testing::TestWithParam<int> {
protected:
    Parallel m_parallel{GetParam()};
    GraphPtr m_graph = network();
    Tensor m_input = reference::randomTensor(Shape{kBatch, 16, 16, 3}, 8);
    std::vector<TensorView> m_inputs{m_input.view()};
};

TEST_P(PlanMemory, InferenceAllocatesItsResultsAlone)
{
    for (const Configuration& configuration : {Configuration{}, fourBits()}) {
        const auto plan = InferencePlan::make(m_graph, configuration, m_graph->weights()).value();
        const auto first = plan->run(m_inputs, m_parallel).value();
        allocations::begin();
        const auto second = plan->run(m_inputs, m_parallel).value();
        const allocations::Count count = allocations::end();
        EXPECT_EQ(second.front(), first.front());
        if (!allocations::areCounted()) {
            GTEST_SKIP() << "another malloc is in use";
        }
        EXPECT_LE(count.calls, 2U); // the list of results, and one result
        EXPECT_GE(count.calls, 2U);
        EXPECT_LT(count.bytes, sizeof(float) * kBatch * 10 + 256);
    }
}

TEST_P(PlanMemory, InferenceKeepsToItsFigure)
{
    const Index before = FloatMemory::inUse();
    const auto plan = InferencePlan::make(m_graph, fourBits(), m_graph->weights()).value();
    const auto planned = static_cast<double>(plan->bytes(kBatch, m_parallel.threads()).value());
    FloatMemory::restartPeak();
    const auto results = plan->run(m_inputs, m_parallel).value();
    const auto peak = static_cast<double>(FloatMemory::peak() - before);
    EXPECT_LE(peak, planned * kSlack);
    EXPECT_GE(peak * kSlack, planned);
}

TEST_P(PlanMemory, TrainingStepsAllocateNothingButTheirAnswer)
{
    Configuration fixedScales = fourBits(); // others are fitted in every step
    fixedScales.set("dw", Slot::Depthwise, quantizer("quantized_bits(4,0,1,alpha=1.0)"));
    for (const Configuration& configuration : {Configuration{}, fixedScales}) {
        const Index before = FloatMemory::inUse();
        const auto plan = TrainingPlan::make(m_graph, configuration, kBatch, m_parallel).value();
        std::vector<Tensor> weights;
        for (const TensorPtr& weight : m_graph->weights()) {
            weights.push_back(*weight);
        }
        const Tensor upstream = reference::randomTensor(Shape{kBatch, 10}, 9);
        const TensorView seen = upstream.view();
        const Index others = FloatMemory::inUse() - before - plan->bytes();
        const auto step = [&] {
            ASSERT_TRUE(plan->forward(m_inputs, weights, 1));
            ASSERT_TRUE(plan->backward(std::span(&seen, 1)));
        };
        step();
        FloatMemory::restartPeak();
        allocations::begin();
        step();
        const allocations::Count count = allocations::end();
        const auto peak = static_cast<double>(FloatMemory::peak() - before - others);
        EXPECT_LE(peak, static_cast<double>(plan->bytes()) * kSlack);
        if (!allocations::areCounted()) {
            GTEST_SKIP() << "another malloc is in use";
        }
        EXPECT_LE(count.calls, 1U); // the views that forward() returns
        EXPECT_LT(count.bytes, 256U);
    }
}

INSTANTIATE_TEST_SUITE_P(Threads, PlanMemory, testing::Values(1, 2));

} // namespace
} // namespace bitscape::graph
