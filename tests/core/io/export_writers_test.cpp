// SPDX-License-Identifier: GPL-3.0-or-later
// What the exporters write, looked at without the tools that read it.
#include "core/base/json_text.h"
#include "core/base/yaml_text.h"
#include "core/graph/execution.h"
#include "core/io/keras_export.h"
#include "core/io/map_export.h"
#include "core/io/numpy_text.h"
#include "core/io/table_export.h"
#include "core/io/workload_export.h"
#include "tests/support/networks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace bitscape::io {
namespace {

using graph::Slot;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

quant::QuantizerPtr quantizer(const char* text)
{
    return quant::parseQuantizer(text).value();
}

/// Strides, padding, channels by themselves, a normalization, a sum.
graph::GraphPtr network()
{
    return networks::Builder({9, 8, 2})
        .add("conv", "Conv2D", networks::conv(4, 3, graph::Padding::Same, 2))
        .add("norm", "BatchNormalization", graph::BatchNormOp{})
        .add("relu", "Activation", graph::ActivationOp{{.kind = graph::FunctionKind::Relu}})
        .add("dw", "DepthwiseConv2D",
             graph::DepthwiseOp{.kernel = {3, 3}, .padding = graph::Padding::Same})
        .add("sum", "Add", graph::AddOp{}, {3, 4})
        .add("pool", "MaxPooling2D",
             graph::PoolOp{.kind = graph::PoolKind::Max, .window = {2, 2}, .stride = {2, 2}})
        .add("flat", "Flatten", graph::FlattenOp{})
        .add("out", "Dense", graph::DenseOp{.units = 3})
        .make();
}

ExportInput quantized()
{
    ExportInput input{network(), {}};
    graph::Configuration& c = input.configuration;
    c.foldBatchNorm = true;
    c.input = quantizer("quantized_bits(8,0,1,alpha=1.0)");
    c.set("conv", Slot::Kernel, quantizer("quantized_bits(6,0,1,alpha=1.0)"));
    c.set("conv", Slot::Bias, quantizer("quantized_bits(8,2,1,alpha=1.0)"));
    c.set("relu", Slot::Activation, quantizer("quantized_relu(6,2)"));
    c.set("dw", Slot::Depthwise, quantizer("affine(4,symmetric=1,narrow=1)"));
    c.set("out", Slot::Kernel, quantizer("quantized_bits(4,2,1,alpha='auto_po2')"));
    return input;
}

std::string textOf(const Result<ExportContent>& content)
{
    EXPECT_TRUE(content) << (content ? "" : content.error().sentence());
    return content ? content->files.front().bytes : std::string();
}

Tensor run(const graph::GraphPtr& graph, const graph::Configuration& configuration)
{
    Tensor x(graph->layer(graph->inputs().front()).outputShape.batchOf(3));
    for (std::size_t i = 0; i < x.values().size(); ++i) {
        x.values()[i] = static_cast<float>(std::sin(static_cast<double>(i)));
    }
    Parallel parallel(1);
    const std::vector<TensorView> inputs{x.view()};
    const auto plan = graph::InferencePlan::make(graph, configuration, graph->weights()).value();
    return plan->run(inputs, parallel).value().front();
}

TEST(NumpyText, printsAsNumpy)
{
    EXPECT_EQ(numpyText(std::vector{0.5, -12.25, 3.0}, Shape{3}), "[  0.5  -12.25   3.  ]");
    EXPECT_EQ(numpyText(std::vector{1.0, -2.0, 3.0, 4.0}, Shape{2, 2}), "[[ 1. -2.]\n [ 3.  4.]]");
    EXPECT_EQ(numpyText(std::vector{1.0, 2.0}, Shape{2, 1, 1}), "[[[1.]]\n\n [[2.]]]");
    EXPECT_EQ(numpyText(std::vector{170544705.0, -3.5}, Shape{2}),
              "[ 1.70544705e+08 -3.50000000e+00]");
    EXPECT_EQ(numpyText(std::vector{-0.0, 0.0}, Shape{2}), "[-0.  0.]");
    EXPECT_EQ(numpyText({}, Shape{0}), "[]");
    const std::string wrapped = numpyText(std::vector(30, 1.25), Shape{30});
    EXPECT_THAT(wrapped, HasSubstr("1.25\n 1.25"));
    EXPECT_EQ(wrapped.find('\n'), 70U) << wrapped;
}

TEST(ScaleSim, paddingIsWrittenIntoTheInput)
{
    const auto content = exportScaleSim({network(), {}});
    const std::string text = textOf(content);
    EXPECT_THAT(text, testing::StartsWith("Layer name, IFMAP Height, IFMAP Width, Filter Height, "
                                          "Filter Width, Channels, Num Filter, Strides,\n"));
    EXPECT_THAT(text, HasSubstr("\nconv, 11, 9, 3, 3, 2, 4, 2,\n")); // 5×4 outputs
    EXPECT_THAT(text, HasSubstr("\ndw, 7, 6, 3, 3, 1, 4, 1,\n"));
    EXPECT_THAT(text, HasSubstr("\nout, 1, 1, 1, 1, 16, 3, 1,\n"));
    EXPECT_THAT(text, Not(HasSubstr("pool")));
    ASSERT_EQ(content->notes.size(), 1U);
    EXPECT_EQ(content->notes[0].subject, "dw");
}

TEST(ZigZag, loopsWidthsAndSources)
{
    const Json layers = parseYaml(textOf(exportZigZag(quantized())), "z.yaml").value();
    ASSERT_EQ(layers.size(), 5U);
    EXPECT_EQ(layers[0]["name"], "conv");
    EXPECT_EQ(layers[0]["loop_dims"], Json({"B", "K", "C", "OY", "OX", "FY", "FX"}));
    EXPECT_EQ(layers[0]["loop_sizes"], Json({1, 4, 2, 5, 4, 3, 3}));
    EXPECT_EQ(layers[0]["dimension_relations"], Json({"ix=2*ox+1*fx", "iy=2*oy+1*fy"}));
    EXPECT_EQ(layers[0]["padding"], Json::array({{0, 1}, {1, 1}}));
    EXPECT_EQ(layers[0]["operand_precision"],
              Json({{"W", 6}, {"I", 8}, {"O", 19}, {"O_final", 6}}));
    EXPECT_EQ(layers[1]["equation"], "O[b][g][oy][ox]+=W[g][fy][fx]*I[b][g][iy][ix]");
    EXPECT_EQ(layers[1]["operand_source"], Json({{"I", 0}, {"W", 1}}));
    EXPECT_EQ(layers[2]["operator_type"], "Add");
    EXPECT_EQ(layers[2]["operand_source"], Json({{"I", 0}, {"W", 1}}));
    EXPECT_EQ(layers[4]["operand_source"], Json({{"I", 3}, {"W", 4}})) << "through Flatten";
}

TEST(Hls4ml, typesOfWeightsAndOutputs)
{
    const Json document = parseYaml(textOf(exportHls4ml(quantized())), "h.yml").value();
    const Json& layers = document["HLSConfig"]["LayerName"];
    EXPECT_EQ(layers["conv"]["Precision"]["weight"], "ap_fixed<6,1>");
    EXPECT_EQ(layers["conv"]["Precision"]["bias"], "ap_fixed<8,3>");
    EXPECT_EQ(layers["relu"]["Precision"]["result"], "ap_ufixed<6,2,AP_RND_CONV,AP_SAT>");
    EXPECT_EQ(layers["out"]["Precision"]["result"], "auto");
    EXPECT_FALSE(layers.contains("norm")) << "it is folded";
}

TEST(Hls4ml, readsBackWithTheSameValues)
{
    ExportInput input{network(), {}};
    input.configuration.set("conv", Slot::Activation, quantizer("quantized_bits(6,2,0,alpha=1.0)"));
    input.configuration.set("relu", Slot::Activation, quantizer("quantized_relu(6,2)"));
    const auto mapped = graph::applyMap(*input.graph, {}, textOf(exportHls4ml(input))).value();
    const Tensor probes(Shape{6}, std::vector{-9.0F, -0.4F, 0.03125F, 0.7F, 3.3F, 9.0F});
    for (const char* layer : {"conv", "relu"}) {
        Tensor wanted = probes;
        Tensor got = probes;
        input.configuration.find(layer, Slot::Activation)
            ->apply(probes.view(), wanted.mutableView(), {});
        mapped.configuration.find(layer, Slot::Activation)
            ->apply(probes.view(), got.mutableView(), {});
        EXPECT_THAT(got.values(), testing::ElementsAreArray(wanted.values())) << layer;
    }
}

TEST(Aimet, readsBackWithTheSamePredictions)
{
    ExportInput input = quantized();
    input.configuration.foldBatchNorm = false; // encodings say nothing of folding
    const auto content = exportAimet(input);
    const auto mapped = graph::applyMap(*input.graph, {}, textOf(content)).value();
    EXPECT_TRUE(mapped.warnings.empty());
    const Tensor wanted = run(input.graph, input.configuration);
    const Tensor got = run(input.graph, mapped.configuration);
    EXPECT_THAT(got.values(), testing::Pointwise(testing::FloatNear(1e-5F), wanted.values()));
}

TEST(TensorQuant, readsBackWithTheSameWeights)
{
    ExportInput input{network(), {}};
    input.configuration.set("conv", Slot::Kernel, quantizer("nearest,8,5"));
    input.configuration.set("conv", Slot::Bias, quantizer("nearest,8,5"));
    input.configuration.set("out", Slot::Kernel, quantizer("quantized_bits(8,2,0,alpha=1.0)"));
    input.configuration.set("relu", Slot::Activation, quantizer("quantized_relu(4,1)"));
    const auto content = exportTensorQuant(input);
    const auto mapped = graph::applyMap(*input.graph, {}, textOf(content)).value();
    EXPECT_EQ(mapped.configuration.find("conv", Slot::Kernel)->toString(), "nearest,8,5");
    EXPECT_EQ(mapped.configuration.find("out", Slot::Kernel)->toString(), "nearest,8,5");
    ASSERT_EQ(content->notes.size(), 2U);
    EXPECT_EQ(content->notes[1].subject, "relu/activation");
}

TEST(QuantizedWeights, codesAndStepsGiveTheValues)
{
    const ExportInput input = quantized();
    const Json layers = Json::parse(textOf(exportQuantizedWeights(input)));
    ASSERT_TRUE(layers.contains("out") && layers.contains("conv")) << layers;
    EXPECT_FALSE(layers.contains("relu"));
    const Json& out = layers["out"];
    EXPECT_FALSE(out["enable_bn_fusing"].get<bool>());
    const Tensor& kernel = *input.graph->layer(input.graph->find("out")).weights[0].value;
    Tensor values = kernel;
    input.configuration.find("out", Slot::Kernel)->apply(kernel.view(), values.mutableView(), {});
    constexpr float kStepsPerUnit = 2; // 2^3 / 2^2
    for (std::size_t row = 0; row < 16; ++row) {
        for (std::size_t column = 0; column < 3; ++column) {
            EXPECT_EQ(out["weights"][0][row][column].get<float>(),
                      values.values()[row * 3 + column] * kStepsPerUnit);
        }
    }
    for (const Json& scale : out["scales"][0][0]) {
        EXPECT_EQ(std::exp2(std::round(std::log2(scale.get<double>()))), scale.get<double>());
    }
}

TEST(QuantizedWeights, powersOfTwoAsExponentsWithSigns)
{
    ExportInput input{network(), {}};
    input.configuration.set("out", Slot::Kernel, quantizer("quantized_po2(4)"));
    const Json out = Json::parse(textOf(exportQuantizedWeights(input)))["out"];
    const Tensor& kernel = *input.graph->layer(input.graph->find("out")).weights[0].value;
    Tensor values = kernel;
    input.configuration.find("out", Slot::Kernel)->apply(kernel.view(), values.mutableView(), {});
    EXPECT_EQ(out["signs"][0][0][0].get<float>() * std::exp2(out["weights"][0][0][0].get<float>()),
              values.values()[0]);
}

TEST(QkerasMod, scalesCodesAndZeroPoints)
{
    ExportInput input = quantized();
    const SeenRange seen = [](std::string_view layer) -> std::optional<std::pair<double, double>> {
        return layer == "relu" ? std::optional(std::pair(-0.5, 1.0)) : std::nullopt;
    };
    input.configuration.set("relu", Slot::Activation, quantizer("quantized_bits(4,0,1,alpha=1.0)"));
    const auto content = exportQkerasMod(input, seen, ModConvention::MinMax);
    ASSERT_TRUE(content);
    EXPECT_EQ(content->files[0].name, "extracted_weights.csv");
    EXPECT_THAT(content->files[0].bytes, testing::StartsWith(",w_scale,b_scale,subq,wq,bq\nconv,"));
    EXPECT_THAT(content->files[0].bytes, HasSubstr("conv,[0.03125],[0.03125],"));
    EXPECT_THAT(content->files[1].bytes,
                testing::StartsWith(",alpha_of_min,beta_of_max,in_scale,in_zeropoint\n"));
    EXPECT_THAT(content->files[1].bytes,
                HasSubstr("\nrelu,[-0.5],[1.0],[0.10714285714285714],[-2.0]\n"));
    const auto old = exportQkerasMod(input, seen, ModConvention::MaxAbs);
    EXPECT_THAT(old->files[0].bytes, testing::StartsWith(",w_scale,b_scale,subq1,wq,bq\n"));
    EXPECT_THAT(old->files[1].bytes, HasSubstr("\nrelu,[0.5],[1.0],[0.03571428571428571],[-21.0]"));
}

TEST(QkerasJson, foldedConvolutionsAndPromotedKernels)
{
    ExportInput input = quantized();
    input.configuration.set("conv", Slot::Kernel, quantizer("quantized_bits(4,0,1)"));
    const Json model = Json::parse(textOf(exportQKerasJson(input)));
    const Json& conv = model["config"]["layers"][2];
    EXPECT_EQ(conv["class_name"], "QConv2DBatchnorm") << model.dump(1);
    EXPECT_EQ(conv["config"]["kernel_quantizer"]["config"]["alpha"], "auto_po2");
    EXPECT_EQ(conv["config"]["folding_mode"], "ema_stats_folding");
    EXPECT_TRUE(conv["config"]["use_bias"].get<bool>());
}

TEST(Csv, listsEveryTensorAndItsCodes)
{
    const auto content = exportCsv(quantized());
    ASSERT_TRUE(content);
    EXPECT_EQ(content->files[0].name, "tensors.csv");
    EXPECT_THAT(content->files[0].bytes,
                HasSubstr("\nconv,kernel,weight,\"quantized_bits(6,0,1,alpha=1.0)\",6,0.03125,0,"
                          "-31,31,3 3 2 4,conv.kernel.csv\n"));
    EXPECT_THAT(content->files[0].bytes, HasSubstr("\nrelu,output,activation,"));
    const auto file = std::ranges::find(content->files, "out.kernel.csv", &ExportFile::name);
    ASSERT_NE(file, content->files.end());
    EXPECT_EQ(std::ranges::count(file->bytes, '\n'), 16);
}

} // namespace
} // namespace bitscape::io
