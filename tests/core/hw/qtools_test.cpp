// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/hw/accelerator.h"
#include "core/hw/operation_statistics.h"
#include "core/hw/qtools.h"
#include "core/hw/qtools_energy.h"
#include "core/hw/qtools_map.h"
#include "networks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>

namespace bitscape::hw {
namespace {

using namespace test;
using graph::Slot;
using testing::Contains;
using testing::Field;

constexpr double kTwoDecimals = 0.0051; // QTools rounds each term to 0.01 pJ

quant::QuantizerPtr quantizer(const char* text)
{
    return quant::parseQuantizer(text).value();
}

struct Net {
    graph::GraphPtr graph;
    graph::Configuration configuration;
};

/// The worked example of QTools' rules: two dense layers, an activation, a softmax.
Net workedExample()
{
    Builder builder;
    int at = builder.input({16});
    at = builder.add("QDense", "fc1", graph::DenseOp{.units = 8}, {at});
    at = builder.add("QActivation", "act1", graph::ActivationOp{}, {at});
    at = builder.add("QDense", "fc2", graph::DenseOp{.units = 4}, {at});
    builder.add("Activation", "sm", graph::ActivationOp{{graph::FunctionKind::Softmax}}, {at});
    Net net{.graph = builder.make()};
    net.configuration.set("fc1", Slot::Kernel, quantizer("quantized_bits(4,0,1)"));
    net.configuration.set("fc1", Slot::Bias, quantizer("quantized_bits(4,0,1)"));
    net.configuration.set("act1", Slot::Activation, quantizer("quantized_relu(3,1)"));
    net.configuration.set("fc2", Slot::Kernel, quantizer("ternary()"));
    net.configuration.set("fc2", Slot::Bias, quantizer("quantized_bits(4,0,1)"));
    return net;
}

QToolsOptions onChip()
{
    return {.weightsOn = "sram",
            .activationsOn = "sram",
            .sourceQuantizers = {"quantized_bits(8,0,1)"},
            .kerasQuantizer = "int8",
            .accumulator = "int32"};
}

EnergyEstimate estimateOf(const Net& net, const QToolsOptions& options)
{
    auto estimate = qtoolsEstimate(*net.graph, net.configuration, options);
    EXPECT_TRUE(estimate) << (estimate ? "" : estimate.error().sentence());
    return estimate.value_or(EnergyEstimate{});
}

TEST(QToolsMap, FollowsTheWorkedExample)
{
    const Net net = workedExample();
    const auto map = qtoolsMap(*net.graph, net.configuration, onChip());
    ASSERT_TRUE(map) << map.error().sentence();
    const auto wanted = nlohmann::json::parse(R"({
 "source_quantizers":[{"quantizer_type":"quantized_bits","bits":8,"int_bits":1,"is_signed":1}],
 "fc1":{"layer_type":"QDense",
  "input_quantizer_list":[{"quantizer_type":"quantized_bits","bits":8,"int_bits":1,"is_signed":1}],
  "output_quantizer":{"quantizer_type":"quantized_bits","bits":16,"int_bits":6,"is_signed":1,"shape":[-1,8]},
  "weight_quantizer":{"quantizer_type":"quantized_bits","bits":4,"int_bits":1,"is_signed":1,"shape":[16,8]},
  "bias_quantizer":{"quantizer_type":"quantized_bits","bits":4,"int_bits":1,"is_signed":1,"shape":8},
  "multiplier":{"quantizer_type":"quantized_bits","bits":11,"int_bits":1,"is_signed":1,"op_type":"mul"},
  "accumulator":{"quantizer_type":"quantized_bits","bits":16,"int_bits":6,"is_signed":1,"op_type":"add"},
  "fused_accumulator":{"quantizer_type":"quantized_bits","bits":16,"int_bits":6,"is_signed":1,"op_type":"add"},
  "operation_count":128},
 "act1":{"layer_type":"QActivation",
  "input_quantizer_list":[{"quantizer_type":"quantized_bits","bits":16,"int_bits":6,"is_signed":1}],
  "output_quantizer":{"quantizer_type":"quantized_relu","bits":3,"int_bits":1,"is_signed":0,"shape":[-1,8]},
  "operation_count":8},
 "fc2":{"layer_type":"QDense",
  "input_quantizer_list":[{"quantizer_type":"quantized_relu","bits":3,"int_bits":1,"is_signed":0}],
  "output_quantizer":{"quantizer_type":"quantized_bits","bits":9,"int_bits":6,"is_signed":1,"shape":[-1,4]},
  "weight_quantizer":{"quantizer_type":"ternary","bits":2,"int_bits":2,"is_signed":1,"values":[0,-1,1],"shape":[8,4]},
  "bias_quantizer":{"quantizer_type":"quantized_bits","bits":4,"int_bits":1,"is_signed":1,"shape":4},
  "multiplier":{"quantizer_type":"quantized_bits","bits":4,"int_bits":2,"is_signed":1,"op_type":"mux"},
  "accumulator":{"quantizer_type":"quantized_bits","bits":9,"int_bits":6,"is_signed":1,"op_type":"add"},
  "fused_accumulator":{"quantizer_type":"quantized_bits","bits":9,"int_bits":6,"is_signed":1,"op_type":"add"},
  "operation_count":32},
 "sm":{"layer_type":"Activation",
  "input_quantizer_list":[{"quantizer_type":"quantized_bits","bits":9,"int_bits":6,"is_signed":1}],
  "output_quantizer":{"quantizer_type":"quantized_bits","bits":32,"int_bits":11,"is_signed":1,"shape":[-1,4]},
  "operation_count":4}})");
    EXPECT_EQ(nlohmann::json::parse(*map), wanted);
}

struct Terms {
    const char* layer;
    double inputs, outputs, parameters, operation;
};

void expectTerms(const EnergyEstimate& estimate, const std::vector<Terms>& wanted)
{
    ASSERT_EQ(estimate.layers.size(), wanted.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        const LayerEnergy& layer = estimate.layers[i];
        SCOPED_TRACE(wanted[i].layer);
        EXPECT_EQ(layer.layer, wanted[i].layer);
        EXPECT_NEAR(layer.inputs, wanted[i].inputs, kTwoDecimals);
        EXPECT_NEAR(layer.outputs, wanted[i].outputs, kTwoDecimals);
        EXPECT_NEAR(layer.parameters, wanted[i].parameters, kTwoDecimals);
        EXPECT_NEAR(layer.operation, wanted[i].operation, kTwoDecimals);
    }
}

TEST(QToolsEnergy, OfTheWorkedExampleInEveryMemory)
{
    const Net net = workedExample();
    QToolsOptions options = onChip();
    const EnergyEstimate sram = estimateOf(net, options);
    expectTerms(sram, {{"fc1", 0.91, 0.91, 3.37, 19.42},
                       {"act1", 0.91, 0.48, 0, 0},
                       {"fc2", 0.48, 0.49, 0.94, 1.08},
                       {"sm", 0.49, 0.91, 0, 0}});
    EXPECT_EQ(sram.totalPicojoule, 27); // 27.59

    options.weightsOn = options.activationsOn = "fixed";
    EXPECT_EQ(estimateOf(net, options).totalPicojoule, 22);

    options.weightsOn = options.activationsOn = "dram";
    options.readWriteIo = true;
    const EnergyEstimate dram = estimateOf(net, options);
    EXPECT_EQ(dram.totalPicojoule, 18877);
    EXPECT_NEAR(dram.layers[0].inputs, 2600.91, kTwoDecimals);
    EXPECT_NEAR(dram.layers[0].parameters, 11053.37, kTwoDecimals);
}

/// The fashion network of AutoQKeras' tutorial: five convolutions, each with normalization,
/// activation and dropout.
Net tutorialNetwork()
{
    Builder builder;
    int at = builder.input({28, 28, 1});
    int number = 0;
    for (const int filters : {16, 32, 48, 64, 128}) {
        const std::string suffix = std::to_string(number++);
        at = builder.add("Conv2D", "conv" + suffix,
                         graph::ConvOp{.filters = filters,
                                       .kernel = {3, 3},
                                       .stride = {2, 2},
                                       .padding = graph::Padding::Same,
                                       .useBias = false},
                         {at});
        at = builder.add("BatchNormalization", "bn" + suffix, graph::BatchNormOp{}, {at});
        at = builder.add("Activation", "act" + suffix,
                         graph::ActivationOp{{graph::FunctionKind::Relu}}, {at});
        at = builder.add("Dropout", "drop" + suffix, graph::DropoutOp{.rate = 0.2F}, {at});
    }
    at = builder.add("Flatten", "flatten", graph::FlattenOp{}, {at});
    at = builder.add("Dense", "dense", graph::DenseOp{.units = 10}, {at});
    builder.add("Activation", "softmax", graph::ActivationOp{{graph::FunctionKind::Softmax}}, {at});
    return {.graph = builder.make()};
}

TEST(QToolsEnergy, OfTheTutorialNetworkIsAsPublished)
{
    const Net net = tutorialNetwork();
    const QToolsOptions options{.weightsOn = "sram",
                                .activationsOn = "sram",
                                .minimumSramBits = 8.0 * 16 * 1024 * 1024,
                                .kerasQuantizer = "fp32",
                                .accumulator = "fp32",
                                .forReference = true};
    const EnergyEstimate estimate = estimateOf(net, options);
    EXPECT_EQ(estimate.totalPicojoule, 3295370);
    EXPECT_NEAR(estimate.layers.front().inputs, 372.77, kTwoDecimals);
    EXPECT_NEAR(estimate.layers.front().parameters, 273.87, kTwoDecimals);
    EXPECT_NEAR(estimate.layers.front().operation, 129830.4, kTwoDecimals);
    EXPECT_THAT(estimate.layers, testing::Not(Contains(Field(&LayerEnergy::layer, "drop0"))));

    QToolsOptions int8 = options;
    int8.minimumSramBits = 0;
    int8.sourceQuantizers = {"int8"};
    int8.kerasQuantizer = "int8";
    int8.accumulator = "int32";
    EXPECT_EQ(estimateOf(net, int8).totalPicojoule, 574175);
}

TEST(QToolsEnergy, SizeIsTheSumThatASearchAsksFor)
{
    const Net net = tutorialNetwork();
    const search::EnergyRequest reference{.parametersOn = "sram",
                                          .activationsOn = "sram",
                                          .minimumSramBits = 8.0 * 16 * 1024 * 1024,
                                          .readWriteIo = false,
                                          .forReference = true};
    const auto size = energySize(*net.graph, net.configuration, reference);
    ASSERT_TRUE(size);
    EXPECT_EQ(*size, 3295370);
}

/// Reference energy does not depend on the quantizers.
TEST(QToolsEnergy, ReferenceIsThatOfTheFloatTwin)
{
    Net net = workedExample();
    QToolsOptions options = onChip();
    options.forReference = true;
    const double quantized = estimateOf(net, options).totalPicojoule;
    net.configuration = {};
    EXPECT_EQ(estimateOf(net, options).totalPicojoule, quantized);
    EXPECT_GT(quantized, estimateOf(workedExample(), onChip()).totalPicojoule);
}

TEST(QToolsEnergy, CorrectedMemoryGrowsWithItsSize)
{
    Net net = workedExample();
    QToolsOptions options = onChip();
    options.process = "horowitz-corrected";
    double before = 0;
    for (const char* kernel :
         {"quantized_bits(2,0,1)", "quantized_bits(4,0,1)", "quantized_bits(8,0,1)"}) {
        net.configuration.set("fc1", Slot::Kernel, quantizer(kernel));
        const double now = estimateOf(net, options).layers[0].parameters;
        EXPECT_GT(now, before) << kernel;
        before = now;
    }
}

TEST(QToolsEnergy, ProcessesAreReadFromJson)
{
    Warnings warnings;
    const auto own = qtools::findProcess(R"({"fpm_add": [2, 1]})", warnings);
    ASSERT_TRUE(own);
    EXPECT_EQ(own->fixedAdd, (std::vector<double>{2, 1}));
    EXPECT_EQ(own->fixedMultiply, qtools::horowitz().fixedMultiply);
    EXPECT_TRUE(warnings.empty());
    for (const char* bad :
         {"{", R"({"fpm_sub": [1]})", R"({"fpm_add": 1})", R"({"fpm_add": ["x"]})"}) {
        EXPECT_FALSE(qtools::findProcess(bad, warnings)) << bad;
    }
    EXPECT_TRUE(qtools::findProcess("nowhere", warnings));
    EXPECT_THAT(warnings, Contains(Field(&Warning::code, "unknown_process")));
}

TEST(QToolsOptions, AreChecked)
{
    const Net net = workedExample();
    QToolsOptions options = onChip();
    options.weightsOn = "flash";
    EXPECT_FALSE(qtoolsEstimate(*net.graph, net.configuration, options));
    options = onChip();
    options.sourceQuantizers = {"int8", "int8"};
    const auto refused = qtoolsEstimate(*net.graph, net.configuration, options);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().where, "--source-quantizer");
    options = onChip();
    options.accumulator = "int7";
    EXPECT_FALSE(qtoolsEstimate(*net.graph, net.configuration, options));
    options = onChip();
    options.minimumSramBits = std::nan("");
    EXPECT_FALSE(qtoolsEstimate(*net.graph, net.configuration, options));
}

TEST(QToolsMap, TheInputsQuantizerIsTheMaps)
{
    Net net = workedExample();
    net.configuration.input = quantizer("quantized_bits(5,0,1)");
    const auto map = qtools::makeMap(*net.graph, net.configuration, {});
    ASSERT_TRUE(map);
    EXPECT_EQ(map->sources.at(0).bits, 5);
    const auto given =
        qtools::makeMap(*net.graph, net.configuration, {.sourceQuantizers = {"fp16"}});
    EXPECT_TRUE(given->sources.at(0).isFloat());
}

TEST(QToolsMap, QuantizersOnKerasLayersMakeThemQLayers)
{
    Builder builder;
    int at = builder.input({4, 4, 2});
    at = builder.add("Conv2D", "conv", graph::ConvOp{.filters = 3}, {at});
    at = builder.add("ReLU", "relu", graph::ActivationOp{{graph::FunctionKind::Relu}}, {at});
    builder.add("MaxPooling2D", "pool", graph::PoolOp{.window = {2, 2}, .stride = {2, 2}}, {at});
    Net net{.graph = builder.make()};
    const auto plain = qtools::makeMap(*net.graph, net.configuration, {});
    ASSERT_TRUE(plain);
    EXPECT_EQ(plain->layers[0].className, "Conv2D");
    EXPECT_EQ(plain->layers[1].rule, qtools::LayerRule::Other);

    net.configuration.set("conv", Slot::Kernel, quantizer("quantized_bits(3,0,1)"));
    net.configuration.set("relu", Slot::Activation, quantizer("quantized_relu(2,0)"));
    const auto map = qtools::makeMap(*net.graph, net.configuration, {});
    ASSERT_TRUE(map);
    EXPECT_EQ(map->layers[0].className, "QConv2D");
    EXPECT_EQ(map->layers[0].weight->bits, 3);
    EXPECT_EQ(map->layers[1].className, "QActivation");
    EXPECT_EQ(map->layers[2].output.bits, 2); // passes the pool
}

TEST(QToolsMap, KnownScalesMoveTheFusedAccumulatorOnly)
{
    Builder builder;
    const int at = builder.input({4});
    builder.add("QDense", "fc", graph::DenseOp{.units = 2, .useBias = false}, {at});
    graph::GraphPtr graph = builder.make();
    // Columns of sizes 1 and 8: scales that are eight times apart.
    const Tensor kernel(Shape{4, 2},
                        std::array<float, 8>{0.9F, 7.2F, -0.6F, -4.8F, 0.3F, 2.4F, 0.1F, 0.8F});
    graph = graph->withWeights({std::make_shared<const Tensor>(kernel)}).value();
    graph::Configuration configuration;
    configuration.set("fc", Slot::Kernel, quantizer("quantized_bits(4,0,1,alpha='auto_po2')"));
    const auto unknown = qtools::makeMap(*graph, configuration, {});
    const auto known = qtools::makeMap(*graph, configuration, {.fitScales = true});
    ASSERT_TRUE(unknown && known);
    EXPECT_THAT(unknown->warnings, Contains(Field(&Warning::code, "scale_unknown")));
    const auto& before = unknown->layers[0];
    const auto& after = known->layers[0];
    EXPECT_EQ(before.fusedSum->output, before.sum->output);
    EXPECT_EQ(after.sum->output, before.sum->output);
    EXPECT_EQ(after.output, before.output);
    EXPECT_EQ(after.fusedSum->output.bits, before.sum->output.bits + 3); // 2³ between the scales
}

TEST(QToolsMap, LayersThatQToolsStopsAtAreCountedWithAWarning)
{
    Builder builder;
    int at = builder.input({12, 3});
    at = builder.add("QConv1D", "conv",
                     graph::ConvOp{.spatialRank = 1, .filters = 4, .kernel = {1, 3}}, {at});
    builder.add("QDense", "rows", graph::DenseOp{.units = 2}, {at});
    Net net{.graph = builder.make()};
    const EnergyEstimate estimate = estimateOf(net, {});
    EXPECT_EQ(estimate.layers[0].operations, 10 * 4 * 3 * 3);
    EXPECT_EQ(estimate.layers[1].operations, 10 * 4 * 2);
    EXPECT_THAT(estimate.warnings, Contains(Field(&Warning::code, "conv1d")));
    EXPECT_THAT(estimate.warnings, Contains(Field(&Warning::code, "dense_on_rows")));
}

TEST(QToolsMap, LayersKnownByNameOnlyAreNamed)
{
    Builder builder;
    const int in = builder.input({4});
    const int a = builder.add("Lambda", "first", graph::UnsupportedOp{"Python"}, {in});
    builder.add("Lambda", "second", graph::UnsupportedOp{"Python"}, {a});
    const auto refused = qtoolsEstimate(*builder.make(), {}, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Unsupported);
    EXPECT_THAT(refused.error().message, testing::HasSubstr("second"));
}

TEST(BitOperations, AreThoseOfTheLiterature)
{
    struct Golden {
        std::vector<Geometry> (*layers)();
        double simple, baskin; // at 8 bits
    };
    for (const Golden& golden :
         {Golden{resnet8, 800104448, 1096254871}, Golden{dsCnn, 170033152, 227450003},
          Golden{mobilenet, 479338496, 643297514}, Golden{autoencoder, 16908288, 23170820}}) {
        const auto graph = independentLayers(golden.layers());
        const auto estimate = qtoolsEstimate(*graph, uniformBits(*graph, 8, 8), {});
        ASSERT_TRUE(estimate);
        EXPECT_EQ(estimate->ebops, golden.simple);
        EXPECT_NEAR(estimate->bops, golden.baskin, 1.0);
    }
}

TEST(OperationStatistics, OfTheWorkedExample)
{
    const Net net = workedExample();
    const OperationStatistics statistics = operationStatistics(*net.graph, net.configuration);
    ASSERT_EQ(statistics.layers.size(), 2U);
    EXPECT_EQ(statistics.layers[0].operation, "smult_4_8");
    EXPECT_EQ(statistics.layers[0].operations, 128);
    EXPECT_EQ(statistics.layers[1].operation, "smux_2_3");
    EXPECT_EQ(statistics.layers[1].weights, (std::vector<std::int64_t>{32}));
    EXPECT_EQ(statistics.totalBits, 624);
    EXPECT_EQ(statistics.operations.at("smult_4_8"), 128);
}

TEST(OperationStatistics, CountsAsPrintQstatsDoes)
{
    Builder builder;
    int at = builder.input({8, 8, 3});
    at = builder.add(
        "QSeparableConv2D", "sep",
        graph::SeparableOp{.filters = 6, .kernel = {3, 3}, .padding = graph::Padding::Same}, {at});
    builder.add("QDepthwiseConv2D", "dw",
                graph::DepthwiseOp{.kernel = {3, 3}, .padding = graph::Padding::Same}, {at});
    const auto graph = builder.make();
    const OperationStatistics statistics = operationStatistics(*graph, {});
    ASSERT_EQ(statistics.layers.size(), 2U);
    const LayerStatistics& depthwise = statistics.layers[0];
    EXPECT_EQ(depthwise.weights.at(0), 9 * 6 * 6); // times channels once more
    EXPECT_EQ(depthwise.operation, "sfmult_32_32");
    const LayerStatistics& separable = statistics.layers[1];
    EXPECT_EQ(separable.operations, 8 * 8 * (9 * 3 + 6)); // without the channels of the second part
    EXPECT_EQ(separable.weights, (std::vector<std::int64_t>{27, 18}));
    EXPECT_EQ(statistics.sparsity, 1.0); // all weights of the test network are zero
}

} // namespace
} // namespace bitscape::hw
