// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/configuration.h"
#include "tests/support/networks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace bitscape::graph {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

quant::QuantizerPtr quantizer(const char* text)
{
    return quant::parseQuantizer(text).value();
}

GraphPtr network()
{
    return networks::Builder({6, 6, 2})
        .add("conv", "Conv2D", networks::conv(4, 3))
        .add("norm", "BatchNormalization", BatchNormOp{})
        .add("act", "Activation", ActivationOp{{FunctionKind::Relu}})
        .add("flat", "Flatten", FlattenOp{})
        .add("dense", "Dense", DenseOp{.units = 3, .useBias = false})
        .make();
}

TEST(Slot, namesAreStableAndUnique)
{
    std::set<std::string_view> names;
    for (const Slot slot : allSlots()) {
        EXPECT_TRUE(names.insert(name(slot)).second);
        const Slot* found = findSlot(std::string(name(slot)) + "_quantizer");
        ASSERT_NE(found, nullptr);
        EXPECT_EQ(*found, slot);
    }
    EXPECT_EQ(name(Slot::Kernel), "kernel");
    EXPECT_EQ(*findSlot("activation"), Slot::Activation);
    EXPECT_EQ(findSlot("kernel"), nullptr);
    EXPECT_EQ(findSlot("kernal_quantizer"), nullptr);
}

TEST(Slot, everyLayerHasThoseOfItsTensors)
{
    const GraphPtr graph = network();
    const auto slots = [&](const char* layer) { return slotsOf(graph->layer(graph->find(layer))); };
    EXPECT_THAT(slots("conv"), ElementsAre(Slot::Kernel, Slot::Bias, Slot::Activation));
    EXPECT_THAT(slots("dense"), ElementsAre(Slot::Kernel, Slot::Activation));
    EXPECT_THAT(slots("norm"), ElementsAre(Slot::Gamma, Slot::Beta, Slot::Mean, Slot::Variance,
                                           Slot::Inverse, Slot::Activation));
    EXPECT_THAT(slots("act"), ElementsAre(Slot::Activation));
    EXPECT_THAT(slots("flat"), IsEmpty());
}

TEST(Slot, ofAWeightFollowsItsName)
{
    const GraphPtr graph = network();
    for (const Layer& layer : graph->layers()) {
        for (std::size_t i = 0; i < layer.weights.size(); ++i) {
            const Slot* slot = slotOfWeight(layer, static_cast<int>(i));
            ASSERT_NE(slot, nullptr) << layer.name << "/" << layer.weights[i].name;
        }
    }
    const Layer& norm = graph->layer(graph->find("norm"));
    EXPECT_EQ(*slotOfWeight(norm, 3), Slot::Variance);

    Layer folded;
    folded.op = FoldedConvOp{.conv = DepthwiseOp{}};
    for (const char* weight : {"depthwise_kernel", "bias", "gamma", "iteration"}) {
        folded.weights.push_back({.name = weight});
    }
    EXPECT_EQ(*slotOfWeight(folded, 0), Slot::Depthwise);
    EXPECT_EQ(*slotOfWeight(folded, 1), Slot::Bias);
    EXPECT_EQ(slotOfWeight(folded, 2), nullptr) << "gamma goes into the folded kernel";
    EXPECT_EQ(slotOfWeight(folded, 3), nullptr);
}

TEST(Configuration, setsFindsAndErases)
{
    Configuration configuration;
    EXPECT_TRUE(configuration.isFloat());
    configuration.set("conv", Slot::Kernel, quantizer("quantized_bits(4,0,1)"));
    ASSERT_NE(configuration.find("conv", Slot::Kernel), nullptr);
    EXPECT_EQ(configuration.find("conv", Slot::Bias), nullptr);
    EXPECT_EQ(configuration.find("other", Slot::Kernel), nullptr);
    EXPECT_FALSE(configuration.isFloat());
    configuration.set("conv", Slot::Kernel, nullptr);
    configuration.set("never", Slot::Kernel, nullptr);
    EXPECT_TRUE(configuration.isFloat()) << "an empty layer is no layer";
}

TEST(Configuration, hashTellsContentNotName)
{
    Configuration a;
    a.set("conv", Slot::Kernel, quantizer("quantized_bits(4,0,1)"));
    a.set("conv", Slot::Bias, quantizer("quantized_bits(8,2,1)"));
    Configuration b;
    b.name = "another";
    b.set("conv", Slot::Bias, quantizer("quantized_bits(bits=8,integer=2,symmetric=True)"));
    b.set("conv", Slot::Kernel, quantizer("quantized_bits(4,0,1)"));
    EXPECT_EQ(a.canonical(), b.canonical());
    EXPECT_EQ(a.hash(), b.hash());
    EXPECT_EQ(a.hash().size(), 64U);
    EXPECT_TRUE(sameContent(a, b));
    b.foldBatchNorm = true;
    EXPECT_FALSE(sameContent(a, b));
    b.foldBatchNorm = false;
    b.input = quantizer("quantized_bits(8,0,1)");
    EXPECT_NE(a.hash(), b.hash());
    EXPECT_EQ(
        a.canonical(),
        R"json({"fold_batchnorm":false,"input":null,"layers":{"conv":{"bias":"quantized_bits(8,2,1)","kernel":"quantized_bits(4,0,1)"}}})json");
}

} // namespace
} // namespace bitscape::graph
