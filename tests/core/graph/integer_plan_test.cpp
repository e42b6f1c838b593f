// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/integer/integer_plan.h"
#include "tests/support/networks.h"
#include "tests/support/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace bitscape::graph {
namespace {

using networks::Builder;
using networks::conv;

quant::QuantizerPtr quantizer(const std::string& text)
{
    return quant::parseQuantizer(text).value();
}

std::vector<Tensor> runPlan(const InferencePlan& plan, const Tensor& input, int threads = 2)
{
    Parallel parallel(threads);
    const std::vector<TensorView> inputs{input.view()};
    return plan.run(inputs, parallel).value();
}

std::vector<int> allLayers(const Graph& graph)
{
    std::vector<int> layers;
    for (int l = 1; l < static_cast<int>(graph.layers().size()); ++l) {
        layers.push_back(l);
    }
    return layers;
}

/// Every layer's output by both engines.
void expectEqual(const GraphPtr& graph, const Configuration& configuration, const Tensor& input)
{
    const std::vector<int> taps = allLayers(*graph);
    const auto fake =
        InferencePlan::make(graph, configuration, graph->weights(), {.taps = taps}).value();
    const auto integer =
        IntegerPlan::make(graph, configuration, graph->weights(), {.taps = taps}).value();
    const auto wanted = runPlan(*fake, input);
    const auto got = runPlan(*integer, input);
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t i = 1; i < got.size(); ++i) {
        EXPECT_EQ(got[i], wanted[i]) << graph->layer(taps[i - 1]).name;
    }
}

std::string bits(int width, int whole)
{
    return "quantized_bits(" + std::to_string(width) + "," + std::to_string(whole) +
           ",1,alpha=1.0)";
}

/// What a random network is made of; every tensor lies on a grid of powers of two.
struct Choice {
    int kernelBits = 4, activationBits = 6, biasBits = 8;
    bool isPerLayer = false; ///< activations quantize at once; else by layers of their own
    std::string activation = "quantized_relu";
    std::string fitted; ///< quantizer of kernels instead
};

Configuration configurationFor(const Choice& choice)
{
    Configuration c;
    c.input = quantizer(bits(8, 0));
    for (const char* layer : {"c", "d", "e", "dw"}) {
        c.set(layer, layer == std::string("dw") ? Slot::Depthwise : Slot::Kernel,
              quantizer(choice.fitted.empty() ? bits(choice.kernelBits, 0) : choice.fitted));
        c.set(layer, Slot::Bias, quantizer(bits(choice.biasBits, 1)));
    }
    const std::string act = choice.activation + "(" + std::to_string(choice.activationBits) + ",2)";
    // With "e", no sum needs more bits than the floats of `fake` have.
    for (const char* layer : {"a", "b", "s", "e"}) {
        c.set(layer, Slot::Activation, quantizer(act));
    }
    if (choice.isPerLayer) {
        c.set("dw", Slot::Activation, quantizer(act));
    }
    return c;
}

/// Two branches that are added, pooled, joined and end in a dense layer.
GraphPtr branched(std::uint64_t seed)
{
    Builder builder({6, 6, 2});
    builder.add("c", "QConv2D", conv(4, 3))
        .add("a", "QActivation", ActivationOp{})
        .add("dw", "QDepthwiseConv2D", DepthwiseOp{.kernel = {3, 3}, .padding = Padding::Same})
        .add("b", "QActivation", ActivationOp{})
        .add("sum", "Add", AddOp{}, {2, 4})
        .add("s", "QActivation", ActivationOp{})
        .add("zp", "ZeroPadding2D", ZeroPaddingOp{.top = 1, .left = 1})
        .add("cat", "Concatenate", ConcatenateOp{}, {7, 7})
        .add("e", "QConv2D", conv(6, 2, Padding::Valid, 2))
        .add("mp", "MaxPooling2D", PoolOp{.window = {2, 2}, .stride = {1, 1}})
        .add("gap", "GlobalAveragePooling2D", GlobalPoolOp{})
        .add("d", "QDense", DenseOp{.units = 3});
    return builder.make(seed);
}

RC_GTEST_PROP(IntegerPlan, EqualsFakeWherePowersOfTwoRule, ())
{
    Choice choice;
    choice.kernelBits = *rc::gen::inRange(2, 9);
    choice.activationBits = *rc::gen::inRange(3, 9);
    choice.biasBits = *rc::gen::inRange(3, 12);
    choice.isPerLayer = *rc::gen::arbitrary<bool>();
    choice.activation = *rc::gen::element<std::string>("quantized_relu", "quantized_bits");
    const GraphPtr graph = branched(*rc::gen::inRange<std::uint64_t>(1, 1000));
    const Tensor input = reference::randomTensor(Shape{3, 6, 6, 2}, 8);
    const auto configuration = configurationFor(choice);
    const auto taps = allLayers(*graph);
    const auto fake =
        InferencePlan::make(graph, configuration, graph->weights(), {.taps = taps}).value();
    const auto integer =
        IntegerPlan::make(graph, configuration, graph->weights(), {.taps = taps}).value();
    RC_ASSERT(integer->program().warnings.empty());
    const auto wanted = runPlan(*fake, input);
    const auto got = runPlan(*integer, input);
    for (std::size_t i = 1; i < got.size(); ++i) {
        RC_LOG() << graph->layer(taps[i - 1]).name;
        RC_ASSERT(got[i] == wanted[i]);
    }
}

TEST(IntegerPlan, FollowsEveryGridOfPowersOfTwo)
{
    const Tensor input = reference::randomTensor(Shape{2, 6, 6, 2}, 9);
    for (const char* kernel :
         {"quantized_bits(4,0,1,alpha='auto_po2')", "quantized_po2(4)", "ternary(alpha=1.0)",
          "binary(alpha=0.5)", "quantized_linear(5,0,alpha=1.0)"}) {
        Choice choice;
        choice.fitted = kernel;
        SCOPED_TRACE(kernel);
        expectEqual(branched(5), configurationFor(choice), input);
    }
}

TEST(IntegerPlan, ActivationsThatAreNoPlainGridBecomeThresholds)
{
    const Tensor input = reference::randomTensor(Shape{2, 6, 6, 2}, 10);
    for (const char* activation :
         {"quantized_tanh(6)", "quantized_sigmoid(6)", "quantized_relu_po2(4)", "quantized_po2(4)",
          "binary(alpha=1.0)", "quantized_relu(5,1,negative_slope=0.25)",
          "quantized_bits(5,1,alpha=1.0,rounding='floor')"}) {
        Configuration c = configurationFor({});
        for (const char* layer : {"a", "b", "s"}) {
            c.set(layer, Slot::Activation, quantizer(activation));
        }
        SCOPED_TRACE(activation);
        const GraphPtr graph = branched(7);
        EXPECT_THAT(IntegerPlan::make(graph, c, graph->weights()).value()->program().warnings,
                    testing::IsEmpty());
        expectEqual(graph, c, input);
    }
}

Configuration affineConfiguration()
{
    Configuration c;
    c.input = quantizer("affine(8,low=-1.3,high=2.1)");
    for (const char* layer : {"c", "d", "e", "dw"}) {
        c.set(layer, layer == std::string("dw") ? Slot::Depthwise : Slot::Kernel,
              quantizer("affine(8,symmetric=1,narrow=1)"));
    }
    for (const char* layer : {"a", "b", "s"}) {
        c.set(layer, Slot::Activation, quantizer("affine(8,low=-2.2,high=3.9)"));
    }
    return c;
}

TEST(IntegerPlan, AffineStaysWithinOneStepOfFake)
{
    const GraphPtr graph = branched(11);
    const Configuration c = affineConfiguration();
    const Tensor input = reference::randomTensor(Shape{5, 6, 6, 2}, 12);
    const std::vector<int> taps{graph->find("a"), graph->find("s")};
    const auto wanted =
        runPlan(*InferencePlan::make(graph, c, graph->weights(), {.taps = taps}).value(), input);
    for (const auto kernels :
         {LiteRtKernels::Reference, LiteRtKernels::Optimised, LiteRtKernels::Xnnpack}) {
        const auto plan =
            IntegerPlan::make(graph, c, graph->weights(), {.taps = taps, .kernels = kernels})
                .value();
        EXPECT_THAT(plan->program().warnings, testing::IsEmpty());
        const auto got = runPlan(*plan, input);
        constexpr float kStep = 6.1F / 255.0F;
        for (std::size_t r = 1; r < got.size(); ++r) {
            for (Index i = 0; i < got[r].size(); ++i) {
                const float steps = r == 1 ? 1.01F : 3.01F; // errors of two terms and a rounding
                ASSERT_NEAR(got[r].data()[i], wanted[r].data()[i], steps * kStep);
            }
        }
    }
}

TEST(IntegerPlan, NeitherThreadsNorBatchesChangeABit)
{
    const GraphPtr graph = branched(13);
    const Configuration c = affineConfiguration();
    const Tensor input = reference::randomTensor(Shape{150, 6, 6, 2}, 14);
    const auto plan = IntegerPlan::make(graph, c, graph->weights()).value();
    const auto all = runPlan(*plan, input, 1);
    EXPECT_EQ(runPlan(*plan, input, 3)[0], all[0]);
    for (const Index sample : {Index{0}, Index{77}, Index{149}}) {
        const Tensor one(Shape{1, 6, 6, 2}, input.view().rows(sample, 1).values());
        const auto alone = runPlan(*plan, one, 1);
        const auto row = all[0].view().rows(sample, 1);
        EXPECT_TRUE(std::ranges::equal(alone[0].values(), row.values()));
    }
}

/// A term of one pixel is repeated over the other's.
TEST(IntegerPlan, SmallTermsAreRepeated)
{
    const GraphPtr graph = Builder({4, 4, 3})
                               .add("m", "MaxPooling2D", PoolOp{.window = {4, 4}, .stride = {4, 4}})
                               .add("s", "Add", AddOp{}, {1, 0})
                               .make(17);
    Configuration c;
    c.input = quantizer(bits(8, 0));
    EXPECT_THAT(IntegerPlan::make(graph, c, graph->weights()).value()->program().warnings,
                testing::IsEmpty());
    expectEqual(graph, c, reference::randomTensor(Shape{3, 4, 4, 3}, 18));
}

TEST(IntegerPlan, SaysWhichLayersRunOnFloats)
{
    const GraphPtr graph =
        Builder({4, 4, 2})
            .add("c", "QConv2D", conv(4, 3))
            .add("f", "Flatten", FlattenOp{})
            .add("d", "Dense", DenseOp{.units = 3})
            .add("soft", "Activation", ActivationOp{.function = {FunctionKind::Softmax}})
            .make(15);
    Configuration c;
    c.input = quantizer(bits(8, 0));
    c.set("c", Slot::Kernel, quantizer(bits(4, 0)));
    const auto plan = IntegerPlan::make(graph, c, graph->weights()).value();
    std::vector<std::string> places;
    for (const Warning& warning : plan->program().warnings) {
        EXPECT_EQ(warning.code, "float_layer");
        places.push_back(warning.where);
    }
    EXPECT_THAT(places, testing::ElementsAre("layer d", "layer soft"));
}

TEST(IntegerPlan, CountsPackedBits)
{
    const GraphPtr graph = Builder({4}).add("d", "QDense", DenseOp{.units = 3}).make(16);
    Configuration c;
    c.input = quantizer(bits(8, 0));
    c.set("d", Slot::Kernel, quantizer(bits(4, 0)));
    c.set("d", Slot::Bias, quantizer(bits(6, 0)));
    const auto plan = IntegerPlan::make(graph, c, graph->weights()).value();
    EXPECT_EQ(packedBits(plan->program()), 4 * 3 * 4 + 3 * 6);
}

} // namespace
} // namespace bitscape::graph
