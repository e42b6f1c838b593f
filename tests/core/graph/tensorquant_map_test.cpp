// SPDX-License-Identifier: GPL-3.0-or-later
// TensorQuant's maps: parts of names, first hit, exclusions, outputs after the function.
#include "core/graph/configuration.h"
#include "tests/support/networks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitscape::graph {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

GraphPtr network()
{
    return networks::Builder({8, 8, 2})
        .add("Conv1", "Conv2D", networks::conv(4, 3))
        .add("Conv10", "Conv2D", networks::conv(4, 3))
        .add("conv2", "Conv2D",
             networks::conv(4, 3, Padding::Same, 1, {.kind = FunctionKind::Relu}))
        .add("pool", "GlobalAveragePooling2D", GlobalPoolOp{})
        .add("Dense3", "Dense", DenseOp{.units = 5})
        .make();
}

MapResult mapped(const std::string& json, const Configuration& base = {})
{
    auto result = applyMap(*network(), base, json);
    if (!result) {
        throw std::runtime_error(result.error().sentence());
    }
    return *result;
}

std::string at(const Configuration& configuration, const char* layer, Slot slot)
{
    const quant::QuantizerPtr quantizer = configuration.find(layer, slot);
    return quantizer ? quantizer->toString() : "float";
}

TEST(TensorQuantMap, firstPartFoundInTheNameCounts)
{
    const MapResult result = mapped(R"({"tensorquant": {
        "weights": {"Conv1": "nearest,32,16", "Conv10": "zero,8,4", "Dense3": "nearest,32,16"},
        "activations": {"Conv1": "nearest,12,11"}}})");
    const Configuration& c = result.configuration;
    EXPECT_EQ(at(c, "Conv1", Slot::Kernel), "nearest,32,16");
    EXPECT_EQ(at(c, "Conv1", Slot::Bias), "nearest,32,16");
    EXPECT_EQ(at(c, "Conv1", Slot::Activation), "nearest,12,11");
    EXPECT_EQ(at(c, "Conv10", Slot::Kernel), "nearest,32,16") << "Conv1 is found in it first";
    EXPECT_EQ(at(c, "conv2", Slot::Kernel), "float") << "upper and lower case differ";
    EXPECT_EQ(at(c, "Dense3", Slot::Bias), "nearest,32,16");
    EXPECT_EQ(at(c, "Dense3", Slot::Activation), "float");
    ASSERT_THAT(result.warnings, SizeIs(1));
    EXPECT_THAT(result.warnings[0].message, HasSubstr("'Conv10'"));
}

TEST(TensorQuantMap, nothingExcludes)
{
    for (const char* nothing : {"null", "\"\"", "\"none\""}) {
        const MapResult result = mapped(std::string(R"({"tensorquant": {"weights": {"Conv10": )") +
                                        nothing + R"(, "Conv": "ternary"}}})");
        EXPECT_EQ(at(result.configuration, "Conv1", Slot::Kernel), "ternary,1.0");
        EXPECT_EQ(at(result.configuration, "Conv10", Slot::Kernel), "float") << nothing;
        EXPECT_THAT(result.warnings, IsEmpty());
    }
}

TEST(TensorQuantMap, oneStringIsForAllLayers)
{
    const MapResult result = mapped(R"({"tensorquant": {"weights": "nearest,8,4"}})");
    for (const char* layer : {"Conv1", "Conv10", "conv2", "Dense3"}) {
        EXPECT_EQ(at(result.configuration, layer, Slot::Bias), "nearest,8,4");
    }
}

TEST(TensorQuantMap, outputsBehindAFunctionStayFloatAndAreNamed)
{
    const MapResult result =
        mapped(R"({"tensorquant": {"activations": {"conv2": "nearest,8,4"}}})");
    EXPECT_EQ(at(result.configuration, "conv2", Slot::Activation), "float");
    ASSERT_THAT(result.warnings, SizeIs(1));
    EXPECT_EQ(result.warnings[0].code, "not_covered");
    EXPECT_EQ(result.warnings[0].where, "conv2/activation");
}

TEST(TensorQuantMap, entriesOfTheSameMapCountAfterwards)
{
    const MapResult result = mapped(R"json({"tensorquant": {"weights": {"": "nearest,8,4"}},
        "Dense3": {"kernel_quantizer": "quantized_bits(4,0,1)"}})json");
    EXPECT_EQ(at(result.configuration, "Dense3", Slot::Kernel), "quantized_bits(4,0,1)");
    EXPECT_EQ(at(result.configuration, "Conv1", Slot::Kernel), "nearest,8,4");
}

TEST(TensorQuantMap, isPrintedAsAMapThatReadsBack)
{
    const GraphPtr graph = network();
    const MapResult result = mapped(R"({"tensorquant": {
        "weights": {"Conv": "binary", "Dense": "sparse,0.1"}, "activations": {"Dense": "fp16"}}})");
    const auto again = applyMap(*graph, {}, toMap(*graph, result.configuration));
    ASSERT_TRUE(again) << again.error().sentence();
    EXPECT_TRUE(sameContent(again->configuration, result.configuration));
}

TEST(TensorQuantMap, refusesWhatItDoesNotKnow)
{
    const auto refusal = [](const char* json) {
        const auto result = applyMap(*network(), {}, json);
        return result ? std::string("accepted") : result.error().sentence();
    };
    EXPECT_THAT(refusal(R"({"tensorquant": {"activation": {}}})"), HasSubstr("activations"));
    EXPECT_THAT(refusal(R"({"tensorquant": []})"), HasSubstr("JSON object"));
    EXPECT_THAT(refusal(R"({"tensorquant": {"weights": {"conv": 4}}})"), HasSubstr("4 is no"));
    EXPECT_THAT(refusal(R"({"tensorquant": {"weights": {"conv": "nearest,4,4"}}})"),
                HasSubstr("less than bits"));
    EXPECT_THAT(refusal(R"json({"tensorquant": {"weights": {"conv": "quantized_bits(4)"}}})json"),
                HasSubstr("no quantizer"));
}

} // namespace
} // namespace bitscape::graph
