// SPDX-License-Identifier: GPL-3.0-or-later
// Maps of other tools: AIMET's encodings, hls4ml's precisions, and what is no map.
#include "core/graph/configuration.h"
#include "core/graph/execution.h"
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
        .add("conv", "Conv2D", networks::conv(4, 3))
        .add("relu", "Activation", ActivationOp{{.kind = FunctionKind::Relu}})
        .add("dw", "DepthwiseConv2D",
             DepthwiseOp{.kernel = {3, 3}, .padding = Padding::Same, .multiplier = 2})
        .add("pool", "GlobalMaxPooling2D", GlobalPoolOp{.kind = PoolKind::Max})
        .add("out", "Dense", DenseOp{.units = 3, .function = {.kind = FunctionKind::Softmax}})
        .make();
}

MapResult mapped(const std::string& text)
{
    auto result = applyMap(*network(), {}, text);
    if (!result) {
        throw std::runtime_error(result.error().sentence());
    }
    return *result;
}

std::string refusal(const std::string& text)
{
    const auto result = applyMap(*network(), {}, text);
    if (result) {
        return "accepted";
    }
    EXPECT_EQ(result.error().code, ErrorCode::InvalidArgument);
    return result.error().sentence();
}

std::string at(const MapResult& result, const char* layer, Slot slot)
{
    const quant::QuantizerPtr quantizer = result.configuration.find(layer, slot);
    return quantizer ? quantizer->toString() : "float";
}

std::string warningsOf(const MapResult& result)
{
    std::string text;
    for (const Warning& warning : result.warnings) {
        text += warning.code + " " + warning.where + ": " + warning.message + "\n";
    }
    return text;
}

/// Values of a tensor after the quantizer of a slot.
std::vector<float> quantized(const MapResult& result, const char* layer, Slot slot,
                             std::vector<float> values)
{
    const auto quantizer = result.configuration.find(layer, slot);
    Tensor tensor(Shape{static_cast<Index>(values.size())}, values);
    quantizer->apply(tensor.view(), tensor.mutableView(), {});
    return {tensor.values().begin(), tensor.values().end()};
}

TEST(AimetMap, olderListsGiveScalesAndZeroPoints)
{
    const MapResult result = mapped(R"({
        "version": "0.6.1",
        "activation_encodings": {
            "x": [{"bitwidth": 8, "dtype": "int", "is_symmetric": "False", "scale": 0.5,
                   "offset": -128, "min": -64.0, "max": 63.5}],
            "relu": [{"bitwidth": 4, "is_symmetric": "False", "scale": 0.25, "offset": 0,
                      "min": 0.0, "max": 3.75}]},
        "param_encodings": {
            "conv.weight": [{"bitwidth": 4, "is_symmetric": "True", "scale": 0.125, "offset": -7,
                             "min": -0.875, "max": 0.875}],
            "conv/bias:0": [{"bitwidth": 8, "is_symmetric": "True", "min": -1.28, "max": 1.27}]}})");
    EXPECT_THAT(result.warnings, IsEmpty()) << warningsOf(result);
    ASSERT_TRUE(result.configuration.input);
    EXPECT_EQ(at(result, "conv", Slot::Kernel), "affine(4,narrow=True,scale=0.125)");
    EXPECT_THAT(quantized(result, "conv", Slot::Kernel, {-2.0F, 0.3F, 2.0F}),
                testing::ElementsAre(-0.875F, 0.25F, 0.875F));
    EXPECT_THAT(quantized(result, "relu", Slot::Activation, {-1.0F, 1.1F, 9.0F}),
                testing::ElementsAre(0.0F, 1.0F, 3.75F));
    EXPECT_THAT(quantized(result, "conv", Slot::Bias, {-9.0F, 9.0F}),
                testing::Pointwise(testing::FloatEq(), {-1.28F, 1.27F}));
}

TEST(AimetMap, layersWithInputsAndOutputs)
{
    const MapResult result = mapped(R"({"activation_encodings": {
        "conv": {"input": {"0": {"bitwidth": 8, "scale": 1, "offset": 0}},
                 "output": {"0": {"bitwidth": 8, "scale": 0.5, "offset": -128}}},
        "relu": {"input": {"0": {"bitwidth": 8, "scale": 1, "offset": 0}}}}})");
    EXPECT_EQ(at(result, "conv", Slot::Activation), "affine(8,scale=0.5)");
    EXPECT_EQ(at(result, "relu", Slot::Activation), "float");
}

TEST(AimetMap, newerListsWithAScalePerChannel)
{
    const MapResult result = mapped(R"({
        "version": "1.0.0",
        "activation_encodings": [{"name": "relu", "bw": 8, "dtype": "INT", "is_sym": false,
                                  "scale": [0.5], "offset": [0]}],
        "param_encodings": [
            {"name": "conv.weight", "bw": 8, "dtype": "INT", "enc_type": "PER_CHANNEL",
             "is_sym": true, "scale": [1, 2, 3, 4], "offset": [-128, -128, -128, -128]},
            {"name": "dw.weight", "bw": 8, "dtype": "INT", "is_sym": true,
             "scale": [1, 2, 3, 4, 5, 6, 7, 8],
             "offset": [-127, -127, -127, -127, -127, -127, -127, -127]},
            {"name": "out.bias", "bw": 16, "dtype": "FLOAT"}]})");
    EXPECT_EQ(at(result, "conv", Slot::Kernel), "affine(8,scale=[1.0 2.0 3.0 4.0])");
    const auto depthwise = result.configuration.find("dw", Slot::Depthwise);
    ASSERT_TRUE(depthwise);
    EXPECT_TRUE(depthwise->accepts(Shape{3, 3, 4, 2}));
    EXPECT_EQ(depthwise->fit(Tensor(Shape{3, 3, 4, 2}).view(), {}).step.shape(),
              (Shape{1, 1, 4, 2}));
    EXPECT_EQ(at(result, "out", Slot::Bias), "float");
    EXPECT_THAT(warningsOf(result), HasSubstr("map_note out.bias"));
}

TEST(AimetMap, saysWhatMatchesNothingAndWhatIsNotCovered)
{
    const MapResult result = mapped(R"({
        "activation_encodings": {"pool": [{"bitwidth": 8, "scale": 1, "offset": 0}],
                                 "out": [{"bitwidth": 8, "scale": 1, "offset": 0}]},
        "param_encodings": {"cov.weight": [{"bitwidth": 8, "scale": 1, "offset": 0}]}})");
    EXPECT_TRUE(result.configuration.isFloat());
    const std::string said = warningsOf(result);
    EXPECT_THAT(said, HasSubstr("not_covered pool/activation"));
    EXPECT_THAT(said, HasSubstr("not_covered out/activation: AIMET quantizes after"));
    EXPECT_THAT(said, HasSubstr("Did you mean 'conv'?"));
}

TEST(AimetMap, refusesWhatIsNoEncoding)
{
    EXPECT_THAT(refusal(R"({"param_encodings": {"conv.weight": [{"scale": 1}]}})"),
                HasSubstr("no bitwidth"));
    EXPECT_THAT(refusal(R"({"param_encodings": {"conv.weight": [{"bitwidth": 8}]}})"),
                HasSubstr("conv.weight"));
    EXPECT_THAT(refusal(R"({"param_encodings": {"conv.weight":
                            [{"bitwidth": 99, "scale": 1, "offset": 0}]}})"),
                HasSubstr("99 bits"));
    EXPECT_THAT(refusal(R"({"param_encodings": {"conv.weight":
                            [{"bitwidth": 8, "scale": -1, "offset": 0}]}})"),
                HasSubstr("above 0"));
    EXPECT_THAT(refusal(R"({"param_encodings": [{"name": "conv.weight", "bw": 8,
                            "scale": [1, 2, 3], "offset": [0, 0, 0]}]})"),
                HasSubstr("3 encodings for channels"));
}

TEST(Hls4mlMap, nameBeatsTypeBeatsModel)
{
    const MapResult result = mapped(R"(
HLSConfig:
  Model: {Precision: 'ap_fixed<16,6>', ReuseFactor: 1}
  LayerType:
    Dense: {Precision: {weight: 'ap_fixed<8,2,AP_RND_CONV,AP_SAT>', bias: auto}}
  LayerName:
    conv:
      Precision: {weight: 'ap_fixed<6,1,RND_CONV,SAT>', result: 'fixed<8,4,RND_CONV,SAT>'}
      ReuseFactor: 1
    relu: {Precision: 'ufixed<7,0,AP_RND_CONV,AP_SAT>'}
)");
    EXPECT_THAT(at(result, "conv", Slot::Kernel), HasSubstr("quantized_bits(6,0,0,alpha=1.0"));
    EXPECT_THAT(at(result, "out", Slot::Kernel), HasSubstr("quantized_bits(8,1,0,alpha=1.0"));
    EXPECT_EQ(at(result, "out", Slot::Bias), "float");
    EXPECT_THAT(at(result, "conv", Slot::Bias), HasSubstr("overflow='wrap'"));
    EXPECT_THAT(quantized(result, "conv", Slot::Bias, {40.0F, -1.0F / 4096}),
                testing::ElementsAre(-24.0F, -1.0F / 1024))
        << "hls4ml's own rule truncates and wraps";
    EXPECT_THAT(quantized(result, "conv", Slot::Activation, {100.0F, -100.0F}),
                testing::ElementsAre(7.9375F, -8.0F));
    EXPECT_THAT(quantized(result, "relu", Slot::Activation, {2.0F, -1.0F}),
                testing::ElementsAre(127.0F / 128, 0.0F));
    ASSERT_TRUE(result.configuration.input);
    EXPECT_THAT(warningsOf(result), HasSubstr("not_covered out/activation: hls4ml"));
}

TEST(Hls4mlMap, signedTypesBehindRelu)
{
    const MapResult result =
        mapped(R"({"LayerName": {"relu": {"Precision": {"result": "ap_fixed<8,4>"}}}})");
    EXPECT_THAT(quantized(result, "relu", Slot::Activation, {-3.0F, 0.99F, 100.0F}),
                testing::ElementsAre(0.0F, 0.9375F, 7.9375F));
    EXPECT_THAT(warningsOf(result), HasSubstr("wrap in hls4ml"));
}

TEST(Hls4mlMap, namesWhatItDoesNotKnow)
{
    const MapResult result = mapped(R"({"LayerName": {
        "cvon": {"Precision": "auto"}, "out_softmax": {"Precision": "auto"}}})");
    ASSERT_THAT(result.warnings, SizeIs(1)) << warningsOf(result);
    EXPECT_THAT(result.warnings[0].message, HasSubstr("Did you mean 'conv'?"));
    const auto wrong = [](const std::string& type) {
        return refusal(R"({"LayerName": {"conv": {"Precision": {"weight": ")" + type + R"("}}}})");
    };
    EXPECT_THAT(wrong("ap_float<3>"), HasSubstr("conv, weight"));
    EXPECT_THAT(wrong("ap_fixed<8>"), HasSubstr("number of arguments"));
    EXPECT_THAT(wrong("ap_fixed<8,x>"), HasSubstr("no numbers"));
    EXPECT_THAT(wrong("ap_fixed<8,2,UP>"), HasSubstr("no such rounding"));
    EXPECT_THAT(wrong("ap_fixed<8,2,RND,SAT_ZERO>"), HasSubstr("no such overflow"));
}

TEST(ForeignMaps, aSearchIsNoMap)
{
    EXPECT_THAT(refusal(R"({"quantization_config": {"kernel": {}}, "limit": {"Dense": [4]}})"),
                HasSubstr("AutoQKeras"));
}

TEST(ForeignMaps, neitherJsonNorYaml)
{
    EXPECT_THAT(refusal("conv: [1"), HasSubstr("YAML"));
    EXPECT_THAT(refusal("plain text"), HasSubstr("object"));
    EXPECT_THAT(refusal(""), HasSubstr("object"));
}

} // namespace
} // namespace bitscape::graph
