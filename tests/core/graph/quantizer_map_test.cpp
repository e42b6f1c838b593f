// SPDX-License-Identifier: GPL-3.0-or-later
// Maps: look-up as QKeras' model_quantize does it, our keys and patterns, refusals and warnings.
#include "core/graph/configuration.h"
#include "tests/support/networks.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitscape::graph {
namespace {

using testing::HasSubstr;

const Function kRelu{FunctionKind::Relu};

GraphPtr network()
{
    return networks::Builder({8, 8, 2})
        .add("conv1", "Conv2D", networks::conv(4, 3, Padding::Same, 1, kRelu))
        .add("conv2", "Conv2D", networks::conv(4, 3))
        .add("norm", "BatchNormalization", BatchNormOp{})
        .add("act", "Activation", ActivationOp{kRelu})
        .add("leaky", "LeakyReLU", ActivationOp{{FunctionKind::Relu, 0.25F}})
        .add("dw", "DepthwiseConv2D", DepthwiseOp{.kernel = {3, 3}, .stride = {1, 1}})
        .add("sep", "SeparableConv2D",
             SeparableOp{.filters = 3, .kernel = {3, 3}, .stride = {1, 1}})
        .add("qconv", "QConv2D", networks::conv(4, 1))
        .add("pool", "GlobalAveragePooling2D", GlobalPoolOp{})
        .add("dense", "Dense", DenseOp{.units = 5, .function = {FunctionKind::Tanh}})
        .add("out", "Activation", ActivationOp{{FunctionKind::Softmax}})
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

/// Printed quantizer of a slot; "float" if there is none.
std::string at(const Configuration& configuration, const char* layer, Slot slot)
{
    const quant::QuantizerPtr quantizer = configuration.find(layer, slot);
    return quantizer ? quantizer->toString() : "float";
}

std::string refusal(const std::string& json)
{
    const auto result = applyMap(*network(), {}, json);
    return result ? "accepted" : result.error().sentence();
}

std::string said(const Warnings& warnings)
{
    std::string out;
    for (const Warning& warning : warnings) {
        out += warning.where + ": " + warning.message + "\n";
    }
    return out;
}

const std::string kBits = "quantized_bits(4,0,1)";

TEST(ApplyMap, classEntriesReachLayersOfTheirClass)
{
    const MapResult result = mapped(R"json({
        "QConv2D": {"kernel_quantizer": "quantized_bits(4,0,1)", "bias_quantizer": "quantized_bits(8,2,1)"},
        "QDense": {"kernel_quantizer": "ternary()"},
        "QDepthwiseConv2D": {"depthwise_quantizer": "binary()"},
        "QLSTM": {"kernel_quantizer": "quantized_bits(4,0,1)", "recurrent_quantizer": null}})json");
    const Configuration& c = result.configuration;
    EXPECT_EQ(at(c, "conv1", Slot::Kernel), kBits);
    EXPECT_EQ(at(c, "conv1", Slot::Bias), "quantized_bits(8,2,1)");
    EXPECT_EQ(at(c, "conv1", Slot::Activation), "float") << "without @activation_bits";
    EXPECT_EQ(at(c, "dense", Slot::Kernel), "ternary()");
    EXPECT_EQ(at(c, "dense", Slot::Bias), "float");
    EXPECT_EQ(at(c, "dw", Slot::Depthwise), "binary()");
    EXPECT_EQ(at(c, "qconv", Slot::Kernel), "float") << "QKeras' layers keep what they have";
    EXPECT_EQ(said(result.warnings), "");
}

TEST(ApplyMap, nameHidesPatternHidesClass)
{
    const Configuration c = mapped(R"json({
        "QConv2D": {"kernel_quantizer": "ternary()", "bias_quantizer": "ternary()"},
        "re:^conv[0-9]$": {"kernel_quantizer": "quantized_bits(8,0,1)"},
        "re:^conv2$": {"kernel_quantizer": "binary()"},
        "conv1": {"kernel_quantizer": "quantized_bits(4,0,1)"}})json")
                                .configuration;
    EXPECT_EQ(at(c, "conv1", Slot::Kernel), kBits);
    EXPECT_EQ(at(c, "conv1", Slot::Bias), "float") << "a name hides the class entirely";
    EXPECT_EQ(at(c, "conv2", Slot::Kernel), "quantized_bits(8,0,1)") << "the first pattern counts";
    EXPECT_EQ(at(c, "qconv", Slot::Kernel), "float");
}

TEST(ApplyMap, nullExcludesALayer)
{
    const Configuration c = mapped(R"json({
        "QConv2D": {"kernel_quantizer": "quantized_bits(4,0,1)"},
        "conv2": null})json")
                                .configuration;
    EXPECT_EQ(at(c, "conv1", Slot::Kernel), kBits);
    EXPECT_EQ(at(c, "conv2", Slot::Kernel), "float");
}

TEST(ApplyMap, functionsBecomeQuantizersOfTheGivenWidth)
{
    const Configuration c = mapped(R"json({
        "@activation_bits": 5,
        "conv1": {"kernel_quantizer": "quantized_bits(4,0,1)"},
        "conv2": {"kernel_quantizer": "quantized_bits(4,0,1)", "activation_quantizer": "quantized_relu(3,1)"},
        "dense": {"kernel_quantizer": "quantized_bits(4,0,1)"},
        "act": ""})json")
                                .configuration;
    EXPECT_EQ(at(c, "conv1", Slot::Activation), "quantized_relu(5,0)");
    EXPECT_EQ(at(c, "conv2", Slot::Activation), "quantized_relu(3,1)");
    EXPECT_EQ(at(c, "dense", Slot::Activation), "quantized_tanh(5)");
    EXPECT_EQ(at(c, "act", Slot::Activation), "quantized_relu(5,0)");
    EXPECT_EQ(at(c, "out", Slot::Activation), "float");
}

TEST(ApplyMap, activationLayersAreFoundByFunction)
{
    const Configuration byFunction = mapped(R"json({
        "QActivation": {"relu": "quantized_relu(4,0)", "leakyrelu": "quantized_relu(6,2,negative_slope=0.25)"}})json")
                                         .configuration;
    EXPECT_EQ(at(byFunction, "act", Slot::Activation), "quantized_relu(4,0)");
    EXPECT_EQ(at(byFunction, "leaky", Slot::Activation), "quantized_relu(6,2,negative_slope=0.25)");
    EXPECT_EQ(at(byFunction, "out", Slot::Activation), "float");

    const Configuration all =
        mapped(R"json({"QActivation": "quantized_bits(8,0)"})json").configuration;
    EXPECT_EQ(at(all, "out", Slot::Activation), "quantized_bits(8,0,0)")
        << "one string is for all activation layers, softmax included";
    const Configuration one = mapped(R"json({"act": "quantized_relu(2,0)"})json").configuration;
    EXPECT_EQ(at(one, "act", Slot::Activation), "quantized_relu(2,0)");
    EXPECT_EQ(at(one, "leaky", Slot::Activation), "float");
}

TEST(ApplyMap, adaptiveActivationsAreSaidNotToBeCovered)
{
    const MapResult result = mapped(
        R"json({
        "QActivation": "quantized_relu(4,0)",
        "QAdaptiveActivation": "quantized_relu(8)",
        "@prefer_adaptive": true})json");
    EXPECT_EQ(at(result.configuration, "act", Slot::Activation), "float");
    EXPECT_EQ(at(result.configuration, "leaky", Slot::Activation), "quantized_relu(4,0)");
    EXPECT_THAT(said(result.warnings), HasSubstr("act: QAdaptiveActivation"));
}

TEST(ApplyMap, normalizationTakesWhatTheEntryNames)
{
    const MapResult result = mapped(
        R"json({
        "QBatchNormalization": {"gamma_quantizer": "quantized_relu_po2(6)",
            "mean_quantizer": "quantized_po2(5)", "inverse_quantizer": "quantized_bits(8,0,1)"}})json");
    EXPECT_EQ(at(result.configuration, "norm", Slot::Gamma), "quantized_relu_po2(6)");
    EXPECT_EQ(at(result.configuration, "norm", Slot::Mean), "quantized_po2(5)");
    EXPECT_EQ(at(result.configuration, "norm", Slot::Beta), "float");
    EXPECT_EQ(at(result.configuration, "norm", Slot::Inverse), "float");
    EXPECT_THAT(said(result.warnings), HasSubstr("inverse_quantizer has no effect"));
    EXPECT_EQ(at(mapped(R"json({"norm": {}})json").configuration, "norm", Slot::Gamma), "float");
}

TEST(ApplyMap, separableKernelsHaveKeysOfTheirOwn)
{
    const Configuration two = mapped(R"json({
        "sep": {"depthwise_quantizer": "ternary()", "pointwise_quantizer": "binary()"}})json")
                                  .configuration;
    EXPECT_EQ(at(two, "sep", Slot::Depthwise), "ternary()");
    EXPECT_EQ(at(two, "sep", Slot::Pointwise), "binary()");
    const Configuration both =
        mapped(R"json({"QSeparableConv2D": {"kernel_quantizer": "ternary()"}})json").configuration;
    EXPECT_EQ(at(both, "sep", Slot::Depthwise), "ternary()");
    EXPECT_EQ(at(both, "sep", Slot::Pointwise), "ternary()");
}

TEST(ApplyMap, foldedLayersPreferTheirOwnClass)
{
    const MapResult result = mapped(R"json({
        "@fold_batchnorm": true,
        "QConv2DBatchnorm": {"kernel_quantizer": "quantized_bits(3,0,1)",
            "bias_quantizer": "quantized_bits(8,2,1)", "folding_mode": "ema_stats_folding", "ema_freeze_delay": 10},
        "QConv2D": {"kernel_quantizer": "quantized_bits(4,0,1)"},
        "QBatchNormalization": {"gamma_quantizer": "quantized_relu_po2(6)"}})json");
    const Configuration& c = result.configuration;
    EXPECT_TRUE(c.foldBatchNorm);
    EXPECT_EQ(at(c, "conv1", Slot::Kernel), kBits) << "no normalization follows";
    EXPECT_EQ(at(c, "conv2", Slot::Kernel), "quantized_bits(3,0,1)");
    EXPECT_EQ(at(c, "conv2", Slot::Bias), "quantized_bits(8,2,1)");
    EXPECT_EQ(at(c, "norm", Slot::Gamma), "float") << "the normalization disappears";
    const Configuration fallback = mapped(R"json({
        "@fold_batchnorm": true,
        "QConv2D": {"kernel_quantizer": "ternary()"}})json")
                                       .configuration;
    EXPECT_EQ(at(fallback, "conv2", Slot::Kernel), "ternary()");
}

TEST(ApplyMap, inputIsAQuantizerOfItsOwn)
{
    EXPECT_EQ(
        mapped(R"json({"@input": "quantized_bits(8,0,1)"})json").configuration.input->toString(),
        "quantized_bits(8,0,1)");
    Configuration base;
    base.input = quant::parseQuantizer("quantized_bits(8)").value();
    EXPECT_EQ(mapped(R"json({"@input": null})json", base).configuration.input, nullptr);
    EXPECT_NE(mapped("{}", base).configuration.input, nullptr);
}

TEST(ApplyMap, laysItselfOverTheBase)
{
    Configuration base;
    base.name = "mine";
    base.set("qconv", Slot::Kernel, quant::parseQuantizer("ternary()").value());
    base.set("qconv", Slot::Bias, quant::parseQuantizer("ternary()").value());
    const Configuration c = mapped(R"json({
        "qconv": {"kernel_quantizer": "binary()"},
        "dense": {"kernel_quantizer": "ternary()"}})json",
                                   base)
                                .configuration;
    EXPECT_EQ(c.name, "mine");
    EXPECT_EQ(at(c, "qconv", Slot::Kernel), "binary()");
    EXPECT_EQ(at(c, "qconv", Slot::Bias), "ternary()");
    EXPECT_EQ(at(c, "dense", Slot::Kernel), "ternary()");
}

TEST(ApplyMap, dictionariesStandForQuantizers)
{
    const Configuration c = mapped(R"json({
        "dense": {"kernel_quantizer": {"class_name": "quantized_bits", "config": {"bits": 4, "integer": 0, "symmetric": 1}}}})json")
                                .configuration;
    EXPECT_EQ(at(c, "dense", Slot::Kernel), kBits);
}

TEST(ApplyMap, warnsOfWhatMatchesNothing)
{
    const Warnings warnings = mapped(R"json({
        "conv7": {"kernel_quantizer": "ternary()"},
        "re:^fc": {"kernel_quantizer": "ternary()"}})json")
                                  .warnings;
    ASSERT_EQ(warnings.size(), 2U);
    EXPECT_EQ(warnings[0].code, "unmatched_map_entry");
    EXPECT_THAT(warnings[0].message, HasSubstr("'conv7'"));
    EXPECT_THAT(warnings[0].message, HasSubstr("'conv1'"));
    EXPECT_THAT(warnings[1].message, HasSubstr("re:^fc"));
}

TEST(ApplyMap, quantizesTheMeanOfPools)
{
    for (const char* key : {"pool", "QGlobalAveragePooling2D"}) {
        const MapResult result =
            mapped(fmt::format(R"json({{"{}": {{"average_quantizer": "quantized_bits(8,0,1)",
                                       "activation_quantizer": "quantized_bits(4)"}}}})json",
                               key));
        EXPECT_EQ(said(result.warnings), "");
        EXPECT_EQ(at(result.configuration, "pool", Slot::Average), "quantized_bits(8,0,1)");
        EXPECT_EQ(at(result.configuration, "pool", Slot::Activation), "quantized_bits(4,0,0)");
    }
}

TEST(ApplyMap, warnsOfWhatQKerasWouldPassOver)
{
    EXPECT_THAT(said(mapped(R"json({"conv1": {"bias_quantizer": "ternary()"}})json").warnings),
                HasSubstr("conv1: The entry names no quantizer for the kernel"));
    EXPECT_THAT(said(mapped(
                         R"json({
        "conv1": {"kernel_quantizer": "ternary()", "activation": "quantized_relu(4)"}})json")
                         .warnings),
                HasSubstr("activation_quantizer"));
    EXPECT_THAT(said(mapped(R"json({
        "dense": {"kernel_quantizer": "ternary()", "activation_quantizer": "relu"}})json")
                         .warnings),
                HasSubstr("'relu' is a function"));
}

TEST(ApplyMap, refusesWhatItCannotRead)
{
    EXPECT_THAT(refusal(R"json({"dense": {"kernal_quantizer": "ternary()"}})json"),
                testing::AllOf(HasSubstr("kernal_quantizer"), HasSubstr("'kernel_quantizer'"),
                               HasSubstr("dense")));
    EXPECT_THAT(refusal(R"json({"dense": {"kernel_quantizer": "quantized_bitz(4)"}})json"),
                testing::AllOf(HasSubstr("quantized_bits"), HasSubstr("dense, kernel_quantizer")));
    EXPECT_THAT(refusal(R"json({"nowhere": {"kernel_quantizer": "quantized_bitz(4)"}})json"),
                HasSubstr("quantized_bits"))
        << "entries that match nothing are read as well";
    EXPECT_THAT(refusal(R"json({"QActivation": {"rely": "quantized_relu(4)"}})json"),
                HasSubstr("'relu'"));
    EXPECT_THAT(refusal(R"json({"@fold_batchnom": true})json"), HasSubstr("@fold_batchnorm"));
    EXPECT_THAT(refusal(R"json({"@fold_batchnorm": 1})json"), HasSubstr("true or false"));
    EXPECT_THAT(refusal(R"json({"@activation_bits": 0})json"), HasSubstr("between 1 and 32"));
    EXPECT_THAT(refusal(R"json({"re:(": {}})json"), HasSubstr("no valid pattern"));
    EXPECT_THAT(refusal(R"json({"dense": "ternary()"})json"),
                HasSubstr("say which of its tensors"));
    EXPECT_THAT(refusal(R"json({"dense": 4})json"), HasSubstr("no quantizer"));
    EXPECT_THAT(refusal("[1]"), HasSubstr("must be a JSON object"));
    EXPECT_THAT(refusal(R"json({"dense": )json"), HasSubstr("byte"));
}

TEST(ToMap, givesTheSameConfigurationAgain)
{
    const GraphPtr graph = network();
    Configuration configuration;
    configuration.foldBatchNorm = true;
    configuration.input = quant::parseQuantizer("affine(8,low=0.0,high=1.0)").value();
    const auto put = [&](const char* layer, Slot slot, const char* text) {
        configuration.set(layer, slot, quant::parseQuantizer(text).value());
    };
    put("conv1", Slot::Kernel, "quantized_bits(4,0,1,alpha='auto_po2')");
    put("conv1", Slot::Activation, "quantized_relu(4,0)");
    put("conv2", Slot::Bias, "quantized_bits(8,2,1)"); // kernel float
    put("act", Slot::Activation, "quantized_relu(6,2)");
    put("sep", Slot::Pointwise, "ternary()");
    put("qconv", Slot::Bias, "ternary()");
    put("pool", Slot::Activation, "quantized_bits(8,0)");
    put("dense", Slot::Activation, "quantized_tanh(4)");
    const auto again = applyMap(*graph, {}, toMap(*graph, configuration));
    ASSERT_TRUE(again) << again.error().sentence();
    EXPECT_EQ(again->configuration.canonical(), configuration.canonical());
    EXPECT_EQ(said(again->warnings), "");
}

TEST(ToMap, ofANormalizationTakesEverySlot)
{
    const GraphPtr graph = network();
    Configuration configuration;
    configuration.set("norm", Slot::Inverse,
                      quant::parseQuantizer("quantized_bits(8,0,1)").value());
    configuration.set("norm", Slot::Beta, quant::parseQuantizer("quantized_po2(5)").value());
    const auto again = applyMap(*graph, {}, toMap(*graph, configuration));
    ASSERT_TRUE(again);
    EXPECT_EQ(again->configuration.canonical(), configuration.canonical());
}

} // namespace
} // namespace bitscape::graph
