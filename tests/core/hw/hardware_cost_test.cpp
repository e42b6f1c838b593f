// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/hw/accelerator.h"
#include "networks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <numeric>

namespace bitscape::hw {
namespace {

using namespace test;

constexpr double kEnergyTolerance = 0.005; // the golden energies are printed with two decimals

NetworkCost costOf(const graph::Graph& graph, int weightBits, int inputBits,
                   const Accelerator& accelerator)
{
    auto cost = hardwareCost(graph, uniformBits(graph, weightBits, inputBits), accelerator);
    EXPECT_TRUE(cost) << (cost ? "" : cost.error().sentence());
    return cost.value_or(NetworkCost{});
}

const LayerCost& rowOf(const NetworkCost& cost, std::string_view name)
{
    const auto found = std::ranges::find(cost.layers, name, &LayerCost::layer);
    EXPECT_NE(found, cost.layers.end()) << name;
    return *found;
}

std::int64_t slotsOf(const NetworkCost& cost)
{
    std::int64_t sum = 0;
    for (const LayerCost& layer : cost.layers) {
        sum += layer.issueSlots;
    }
    return sum;
}

/// Sum-Together for 8 and 4 bits, the fixed array for 16.
Accelerator forBits(int bits, Accelerator accelerator = {})
{
    return bits == 16 ? fixedPrecision(std::move(accelerator)) : accelerator;
}

struct Golden {
    const char* name;
    std::vector<Geometry> (*layers)();
    std::int64_t macs, weights;
    std::array<std::int64_t, 3> slotsByChannel, slotsFlat; // 16, 8, 4 bits
    std::array<std::int64_t, 4> cycles;                    // fixed 16, w8a8, w4a8, w4a4
    std::array<double, 4> microjoule;                      // at 45 nm
    std::array<std::int64_t, 3> timeFirst, narrowBus;      // 16, 8, 4 bits
};
std::ostream& operator<<(std::ostream& out, const Golden& golden)
{
    return out << golden.name;
}

class MlperfTiny : public testing::TestWithParam<Golden> {};

TEST_P(MlperfTiny, CountsMacsAndWeights)
{
    const auto graph = independentLayers(GetParam().layers());
    const NetworkCost cost = costOf(*graph, 8, 8, {});
    EXPECT_EQ(cost.macs, GetParam().macs);
    EXPECT_EQ(graph->macs(), GetParam().macs);
    std::int64_t kernels = 0;
    for (const graph::Layer& layer : graph->layers()) {
        kernels += layer.weights.empty() ? 0 : layer.weights.front().value->size();
    }
    EXPECT_EQ(kernels, GetParam().weights);
}

TEST_P(MlperfTiny, NeedsThePublishedIssueSlots)
{
    const auto graph = independentLayers(GetParam().layers());
    Accelerator flat;
    flat.convLanes = LaneDimension::Flat;
    for (std::size_t i = 0; i < 3; ++i) {
        const int bits = 16 >> i;
        EXPECT_EQ(slotsOf(costOf(*graph, bits, bits, {})), GetParam().slotsByChannel[i]) << bits;
        EXPECT_EQ(slotsOf(costOf(*graph, bits, bits, flat)), GetParam().slotsFlat[i]) << bits;
    }
}

TEST_P(MlperfTiny, NeedsThePublishedTimeAndEnergy)
{
    const auto graph = independentLayers(GetParam().layers());
    Accelerator at45;
    at45.nodeNanometer = 45;
    constexpr std::array<std::array<int, 2>, 4> kBits{{{16, 16}, {8, 8}, {4, 8}, {4, 4}}};
    for (std::size_t i = 0; i < kBits.size(); ++i) {
        const auto [weights, inputs] = kBits[i];
        const NetworkCost cost = costOf(*graph, weights, inputs, forBits(weights, at45));
        EXPECT_EQ(cost.cycles, GetParam().cycles[i]) << weights << "/" << inputs;
        EXPECT_NEAR(cost.energyPicojoule / 1e6, GetParam().microjoule[i],
                    kEnergyTolerance * GetParam().microjoule[i]);
    }
}

TEST_P(MlperfTiny, NeedsThePublishedTimeWithOtherTilesAndBuses)
{
    const auto graph = independentLayers(GetParam().layers());
    Accelerator timeFirst;
    timeFirst.tileObjective = TileObjective::Time;
    Accelerator narrow;
    narrow.backingBitsPerCycle = 8;
    for (std::size_t i = 0; i < 3; ++i) {
        const int bits = 16 >> i;
        EXPECT_EQ(costOf(*graph, bits, bits, forBits(bits, timeFirst)).cycles,
                  GetParam().timeFirst[i]);
        EXPECT_EQ(costOf(*graph, bits, bits, forBits(bits, narrow)).cycles,
                  GetParam().narrowBus[i]);
    }
}

TEST_P(MlperfTiny, PartsOfTheSlotsAddUp)
{
    const auto graph = independentLayers(GetParam().layers());
    for (const int bits : {16, 8, 4}) {
        for (const LayerCost& layer : costOf(*graph, bits, bits, {}).layers) {
            const std::int64_t offered = layer.multipliers * layer.lanes * layer.cycles;
            EXPECT_EQ(
                std::accumulate(layer.slotParts.begin(), layer.slotParts.end(), std::int64_t{0}),
                offered);
            EXPECT_NEAR(layer.utilization,
                        static_cast<double>(layer.macs) / static_cast<double>(offered), 1e-12);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Networks, MlperfTiny,
                         testing::Values(Golden{"ResNet8",
                                                resnet8,
                                                12501632,
                                                77360,
                                                {790576, 413720, 225292},
                                                {782384, 393240, 196620},
                                                {799441, 419038, 418199, 228748},
                                                {45.62, 20.99, 20.55, 10.55},
                                                {794015, 416310, 227266},
                                                {976746, 476417, 260072}},
                                         Golden{"DsCnn",
                                                dsCnn,
                                                2656768,
                                                22016,
                                                {226048, 154024, 118012},
                                                {166048, 84024, 44012},
                                                {232583, 157761, 157529, 122306},
                                                {12.17, 6.74, 6.64, 4.24},
                                                {229701, 156238, 121381},
                                                {407339, 245694, 165129}},
                                         Golden{"MobileNet",
                                                mobilenet,
                                                7489664,
                                                208112,
                                                {488872, 268520, 162952},
                                                {479656, 245480, 130696},
                                                {530732, 292378, 289433, 179994},
                                                {41.54, 21.06, 20.06, 12.02},
                                                {519707, 284762, 174657},
                                                {1704661, 807407, 431559}},
                                         Golden{"AutoEncoder",
                                                autoencoder,
                                                264192,
                                                264192,
                                                {16512, 8256, 4144},
                                                {16512, 8256, 4144},
                                                {71654, 37630, 21118, 20655},
                                                {5.96, 2.98, 1.73, 1.52},
                                                {71224, 37016, 19649},
                                                {545678, 277574, 143553}}),
                         [](const auto& instance) { return std::string(instance.param.name); });

TEST(HardwareCost, FirstLayerOfResnet8AsWorkedOut)
{
    const auto graph = independentLayers(resnet8());
    const NetworkCost cost = costOf(*graph, 8, 8, {});
    const LayerCost& conv = rowOf(cost, "conv1");
    EXPECT_EQ(conv.lanes, 2);
    EXPECT_EQ(conv.issueSlots, 36864);
    EXPECT_EQ(conv.computeCycles, 36872);
    EXPECT_EQ(conv.cycles, 37131);
    EXPECT_EQ(conv.tile.order, 'B');
    EXPECT_EQ(conv.tile.outputChannels, 4);
    EXPECT_EQ(conv.tile.inputChannels, 3);
    EXPECT_EQ(conv.tile.rows, 8);
    EXPECT_EQ(conv.tile.count, 16);
    EXPECT_EQ(conv.inputTrafficBits, 29184);
    EXPECT_EQ(conv.weightTrafficBits, 14336);
    EXPECT_EQ(conv.outputTrafficBits, 131072);
    EXPECT_THAT(conv.slotParts, testing::ElementsAre(442368, 147456, 589824, 8544));
    EXPECT_EQ(conv.stallFirstLoad + conv.stallLastStore + conv.stallSteady,
              conv.cycles - 64 - conv.computeCycles);
}

TEST(HardwareCost, EnergyPartsAsWorkedOut)
{
    const auto graph = independentLayers(resnet8());
    Accelerator at45;
    at45.nodeNanometer = 45;
    const LayerCost s1a = rowOf(costOf(*graph, 8, 8, at45), "s1a");
    constexpr std::array<double, 9> kMicrojoule{0.585, 0.177, 0.849, 0.539, 1.047,
                                                0.174, 0.409, 0.054, 0.0};
    constexpr double kPrinted = 0.0005; // three decimals
    for (std::size_t i = 0; i < kMicrojoule.size(); ++i) {
        EXPECT_NEAR(s1a.energyPicojoule[i] / 1e6, kMicrojoule[i], kPrinted) << kEnergyParts[i];
    }
    EXPECT_NEAR(rowOf(costOf(*graph, 16, 16, fixedPrecision(at45)), "s1a").totalEnergyPicojoule(),
                8.229e6, kPrinted * 1e6);
    EXPECT_NEAR(rowOf(costOf(*graph, 4, 4, at45), "s1a").totalEnergyPicojoule(), 1.926e6,
                kPrinted * 1e6);
}

TEST(HardwareCost, WideDenseLayerWaitsForItsWeights)
{
    const auto graph = independentLayers(autoencoder());
    const LayerCost fc = rowOf(costOf(*graph, 8, 8, {}), "fc1");
    EXPECT_EQ(fc.cycles, 10891);
    EXPECT_EQ(fc.computeCycles, 2568);
    EXPECT_TRUE(fc.memoryBound);
    EXPECT_NEAR(fc.utilization, 0.235, 0.0005);
}

TEST(HardwareCost, NodeScalesEnergyAndArea)
{
    const auto graph = independentLayers(dsCnn());
    Accelerator at45;
    at45.nodeNanometer = 45;
    const NetworkCost large = costOf(*graph, 8, 8, at45);
    const NetworkCost small = costOf(*graph, 8, 8, {});
    EXPECT_NEAR(small.energyPicojoule / large.energyPicojoule, 0.507, 0.0005);
    EXPECT_NEAR(small.areaSquareMillimeter / large.areaSquareMillimeter, 0.377, 0.0005);
    EXPECT_EQ(small.cycles, large.cycles);
}

TEST(HardwareCost, TotalsAreSumsOverLayers)
{
    const auto graph = independentLayers(dsCnn());
    const NetworkCost cost = costOf(*graph, 8, 8, {});
    std::int64_t cycles = 0;
    double offered = 0;
    for (const LayerCost& layer : cost.layers) {
        cycles += layer.cycles;
        offered += static_cast<double>(layer.multipliers * layer.lanes * layer.cycles);
    }
    EXPECT_EQ(cost.cycles, cycles);
    EXPECT_DOUBLE_EQ(cost.seconds, static_cast<double>(cycles) / 200e6);
    EXPECT_DOUBLE_EQ(cost.utilization, static_cast<double>(cost.macs) / offered);
    EXPECT_EQ(cost.acceleratedMacShare, 1.0);
}

TEST(HardwareCost, FloatsCountAsSixteenBitsAndSaySo)
{
    const auto graph =
        independentLayers({{.name = "fc", .kind = Kind::Dense, .inputs = 16, .outputs = 8}});
    const auto cost = hardwareCost(*graph, {}, {});
    ASSERT_TRUE(cost);
    const LayerCost& fc = cost->layers.at(0);
    EXPECT_EQ(fc.lanes, 1);
    EXPECT_EQ(fc.weightBits, 16);
    EXPECT_EQ(fc.warnings.size(), 3U); // weights, input, output
    const auto fixed = uniformCost(*graph, 16, {});
    ASSERT_TRUE(fixed);
    EXPECT_EQ(cost->cycles, fixed->cycles);
}

TEST(HardwareCost, UnsignedOperandsNeedOneBitMoreUnlessShifted)
{
    const auto graph =
        independentLayers({{.name = "fc", .kind = Kind::Dense, .inputs = 16, .outputs = 8}});
    graph::Configuration configuration = uniformBits(*graph, 4, 4);
    configuration.input = quant::parseQuantizer("quantized_relu(4,0)").value();
    Accelerator shifted;
    shifted.offsetShift = true;
    EXPECT_EQ(hardwareCost(*graph, configuration, {})->layers.at(0).lanes, 2);
    EXPECT_EQ(hardwareCost(*graph, configuration, shifted)->layers.at(0).lanes, 4);
}

TEST(HardwareCost, WideOperandsTakeSeveralPasses)
{
    const auto graph =
        independentLayers({{.name = "fc", .kind = Kind::Dense, .inputs = 16, .outputs = 8}});
    const LayerCost once = costOf(*graph, 16, 16, {}).layers.at(0);
    const LayerCost four = costOf(*graph, 24, 20, {}).layers.at(0);
    EXPECT_EQ(four.passes, 4);
    EXPECT_EQ(four.issueSlots, 4 * once.issueSlots);
    EXPECT_THAT(four.warnings, testing::Contains(testing::Field(&Warning::code, "multi_pass")));
}

TEST(HardwareCost, NarrowAccumulatorsWarn)
{
    const auto graph =
        independentLayers({{.name = "fc", .kind = Kind::Dense, .inputs = 16, .outputs = 8}});
    Accelerator narrow;
    narrow.accumulatorBits = 18; // 8 + 8 + 4, one less as both ranges are symmetric
    const auto isOverflow = testing::Field(&Warning::code, "accumulator_overflow");
    EXPECT_THAT(costOf(*graph, 8, 8, narrow).layers.at(0).warnings, testing::Contains(isOverflow));
    narrow.accumulatorBits = 20;
    EXPECT_THAT(costOf(*graph, 8, 8, narrow).layers.at(0).warnings,
                testing::Not(testing::Contains(isOverflow)));
}

TEST(HardwareCost, ClipsAndNormsVanishInTheLayerBefore)
{
    Builder builder;
    int at = builder.input({8, 8, 4});
    at = builder.add("Conv2D", "conv", graph::ConvOp{.filters = 4}, {at});
    at = builder.add("BatchNormalization", "norm", graph::BatchNormOp{}, {at});
    at = builder.add("QActivation", "act", graph::ActivationOp{}, {at});
    at = builder.add("MaxPooling2D", "pool", graph::PoolOp{.window = {2, 2}, .stride = {2, 2}},
                     {at});
    at = builder.add("Flatten", "flat", graph::FlattenOp{}, {at});
    at = builder.add("Dense", "fc",
                     graph::DenseOp{.units = 3, .function = {graph::FunctionKind::Softmax}}, {at});
    const auto graph = builder.make();
    graph::Configuration configuration;
    configuration.set("act", graph::Slot::Activation,
                      quant::parseQuantizer("quantized_relu(3,0)").value());
    const auto cost = hardwareCost(*graph, configuration, {});
    ASSERT_TRUE(cost);
    EXPECT_EQ(rowOf(*cost, "conv").outputBits, 3);
    EXPECT_EQ(rowOf(*cost, "norm").engine, EngineKind::Free);
    EXPECT_EQ(rowOf(*cost, "act").engine, EngineKind::Free);
    EXPECT_EQ(rowOf(*cost, "pool").engine, EngineKind::Cpu);
    EXPECT_EQ(rowOf(*cost, "pool").cycles, 4 * 4 * 4 * 4 * 2); // two cycles per tap
    EXPECT_EQ(rowOf(*cost, "flat").engine, EngineKind::Free);
    EXPECT_EQ(rowOf(*cost, "fc").inputBits, 3); // through pool and flatten
    EXPECT_EQ(rowOf(*cost, "fc/activation").cycles, 3 * 60);
    EXPECT_LT(cost->acceleratedCycleShare, 1.0);
}

TEST(HardwareCost, FallbackRulesDecideAboutOtherLayers)
{
    Builder builder;
    const int in = builder.input({8});
    builder.add("Softmax", "soft", graph::ActivationOp{{graph::FunctionKind::Softmax}}, {in});
    const auto graph = builder.make();
    Accelerator a;
    auto& rule = a.fallback[static_cast<std::size_t>(CpuKind::Softmax)];
    const auto cpu = hardwareCost(*graph, {}, a);
    EXPECT_EQ(cpu->cycles, 8 * 60);
    EXPECT_DOUBLE_EQ(cpu->layers.at(0).energyPicojoule.back(), cpu->energyPicojoule);
    for (const Fallback uncounted : {Fallback::Free, Fallback::Host}) {
        rule = uncounted;
        const auto cost = hardwareCost(*graph, {}, a);
        EXPECT_EQ(cost->cycles, 0);
        EXPECT_EQ(cost->layers.at(0).warnings.size(), 1U);
    }
    rule = Fallback::Error;
    const auto refused = hardwareCost(*graph, {}, a);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Unsupported);
}

TEST(HardwareCost, SeparableLayersAreTwoRows)
{
    Builder builder;
    const int in = builder.input({8, 8, 4});
    builder.add("SeparableConv2D", "sep",
                graph::SeparableOp{.filters = 6, .kernel = {3, 3}, .padding = graph::Padding::Same},
                {in});
    const auto graph = builder.make();
    const auto cost = hardwareCost(*graph, {}, {});
    ASSERT_TRUE(cost);
    ASSERT_EQ(cost->layers.size(), 2U);
    EXPECT_EQ(cost->layers[0].layer, "sep/depthwise");
    EXPECT_EQ(cost->layers[0].engine, EngineKind::Depthwise);
    EXPECT_EQ(cost->layers[1].layer, "sep/pointwise");
    EXPECT_EQ(cost->macs, graph->macs());
}

TEST(HardwareCost, WithoutDepthwiseEngineChannelsGoOneByOne)
{
    const auto graph = independentLayers({{"dw", Kind::Depthwise, 8, 8, 16, 16, 3, 3}});
    Accelerator without;
    without.depthwise.present = false;
    const LayerCost with = costOf(*graph, 8, 8, {}).layers.at(0);
    const LayerCost one = costOf(*graph, 8, 8, without).layers.at(0);
    EXPECT_EQ(one.engine, EngineKind::Conv);
    EXPECT_EQ(one.macs, with.macs);
    EXPECT_EQ(one.issueSlots, 16 * 64 * 9); // nothing of Poc, Pic or the lanes is used
}

TEST(HardwareCost, SequencesAndRowsAreCounted)
{
    Builder builder;
    const int in = builder.input({20, 8});
    const int conv = builder.add(
        "Conv1D", "conv", graph::ConvOp{.spatialRank = 1, .filters = 4, .kernel = {1, 3}}, {in});
    builder.add("Dense", "fc", graph::DenseOp{.units = 5}, {conv});
    const auto graph = builder.make();
    const auto cost = hardwareCost(*graph, {}, {});
    ASSERT_TRUE(cost);
    EXPECT_EQ(rowOf(*cost, "conv").macs, 18 * 4 * 8 * 3);
    EXPECT_EQ(rowOf(*cost, "fc").macs, 18 * 4 * 5); // a row of the sequence is a sample
    EXPECT_EQ(rowOf(*cost, "fc").issueSlots, 18 * 2);
}

TEST(HardwareCost, BatchScalesWorkAndSharesWeights)
{
    const auto graph = independentLayers(autoencoder());
    const auto configuration = uniformBits(*graph, 8, 8);
    const auto one = hardwareCost(*graph, configuration, {});
    const auto ten = hardwareCost(*graph, configuration, {}, 10);
    ASSERT_TRUE(one && ten);
    EXPECT_EQ(ten->macs, 10 * one->macs);
    EXPECT_LT(ten->cycles, 10 * one->cycles);
    EXPECT_FALSE(hardwareCost(*graph, configuration, {}, 0));
}

TEST(HardwareCost, TilesThatDoNotFitAreSaid)
{
    const auto graph = independentLayers({{"conv", Kind::Conv, 8, 4096, 64, 8, 3, 3}});
    const LayerCost row = costOf(*graph, 16, 16, {}).layers.at(0);
    EXPECT_THAT(row.warnings, testing::Contains(testing::Field(&Warning::code, "does_not_fit")));
    EXPECT_FALSE(row.doubleBuffered);
}

TEST(HardwareCost, TensorsKeptOnChipAreNotMoved)
{
    Builder builder;
    int at = builder.input({8, 8, 4});
    at = builder.add("QConv2D", "a", graph::ConvOp{.filters = 8}, {at});
    builder.add("QConv2D", "b", graph::ConvOp{.filters = 8}, {at});
    const auto graph = builder.make();
    Accelerator keep;
    keep.keepOnChip = true;
    const NetworkCost cost = costOf(*graph, 8, 8, keep);
    EXPECT_EQ(rowOf(cost, "a").outputTrafficBits, 0);
    EXPECT_EQ(rowOf(cost, "b").inputTrafficBits, 0);
    EXPECT_GT(rowOf(cost, "a").inputTrafficBits, 0);  // the network's input
    EXPECT_GT(rowOf(cost, "b").outputTrafficBits, 0); // its output
}

TEST(HardwareCost, CountsBeyondInt64AreRefused)
{
    Builder builder;
    const int in = builder.input({1 << 15, 1 << 15, 1 << 10});
    builder.add("GlobalAveragePooling2D", "pool", graph::GlobalPoolOp{}, {in});
    const auto graph = builder.make();
    EXPECT_TRUE(hardwareCost(*graph, {}, {}));
    Builder wide;
    const int image = wide.input({1 << 20, 1 << 20, 1 << 4});
    wide.add("Conv2D", "conv",
             graph::ConvOp{.filters = 1 << 10, .kernel = {1, 1}, .useBias = false}, {image});
    const auto refused = hardwareCost(*wide.make(), {}, {}, 1'000'000);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(refused.error().where, testing::HasSubstr("conv"));
}

TEST(HardwareCost, SpeedupComparesWithBaselines)
{
    const auto graph = independentLayers(resnet8());
    const NetworkCost cost = costOf(*graph, 4, 4, {});
    const auto ratios = speedup(*graph, cost, {});
    ASSERT_TRUE(ratios);
    EXPECT_DOUBLE_EQ(ratios->fixed16, 799441.0 / 228748.0);
    EXPECT_DOUBLE_EQ(ratios->uniform8, 419038.0 / 228748.0);
    EXPECT_GT(ratios->fixed16Energy, ratios->uniform8Energy);
}

TEST(HardwareCost, HintsNameTheOperandToLower)
{
    const auto graph = independentLayers(resnet8());
    graph::Configuration configuration = uniformBits(*graph, 4, 5);
    const auto hints = nextCheaperModes(*graph, configuration, {});
    ASSERT_TRUE(hints);
    ASSERT_EQ(hints->size(), 10U);
    const Hint& best = hints->front();
    EXPECT_EQ(best.weightBits, best.newWeightBits);
    EXPECT_EQ(best.inputBits, 5);
    EXPECT_EQ(best.newInputBits, 4);
    EXPECT_EQ(best.lanes, 4);
    EXPECT_GT(best.cyclesSaved, 0);
    EXPECT_TRUE(std::ranges::is_sorted(*hints, std::ranges::greater{}, &Hint::cyclesSaved));
    EXPECT_THAT(best.sentence(),
                testing::StartsWith("activations 5 → 4 bits would unlock the 4-lane mode: −"));
    const auto none = nextCheaperModes(*graph, uniformBits(*graph, 4, 4), {});
    EXPECT_TRUE(none->empty());
}

TEST(HardwareCost, SweepIsAStaircase)
{
    const auto graph = independentLayers(resnet8());
    constexpr std::array<int, 4> kWidths{4, 5, 8, 16};
    const auto points = sweepBits(*graph, uniformBits(*graph, 8, 8), {}, kWidths);
    ASSERT_TRUE(points);
    ASSERT_EQ(points->size(), 10U * 16U);
    const NetworkCost cost = costOf(*graph, 8, 8, {});
    for (const SweepPoint& point : *points) {
        if (point.weightBits == 8 && point.inputBits == 8) {
            EXPECT_EQ(point.cycles, rowOf(cost, point.layer).cycles);
        }
    }
}

TEST(PackedWeightBits, CountsEveryTensorAtItsWidth)
{
    const auto graph =
        independentLayers({{.name = "fc", .kind = Kind::Dense, .inputs = 16, .outputs = 8}});
    EXPECT_EQ(packedWeightBits(*graph, {}), (16 * 8 + 8) * 32);
    EXPECT_EQ(packedWeightBits(*graph, uniformBits(*graph, 3, 8)), 16 * 8 * 3 + 8 * 16);
}

TEST(PackedWeightBits, CountsWhatTwoCallsShareOnce)
{
    graph::Layer input{.name = "x", .className = "InputLayer", .op = graph::InputOp{Shape{4}}};
    graph::Layer first{.name = "a",
                       .className = "Dense",
                       .op = graph::DenseOp{.units = 4, .useBias = false},
                       .inputs = {0}};
    first.weights.push_back({"kernel", {}, std::make_shared<const Tensor>(Shape{4, 4}), true});
    graph::Layer second = first;
    second.name = "a-2";
    second.inputs = {1};
    const auto graph = graph::Graph::make("twice", {input, first, second}, {0}, {2});
    ASSERT_TRUE(graph);
    EXPECT_EQ(packedWeightBits(**graph, {}), 16 * 32);
    EXPECT_EQ((*graph)->parameterCount(), 16);
}

} // namespace
} // namespace bitscape::hw
