// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/widgets/plots/examples.h"

#include "widgets/plots/channel_map_plot.h"
#include "widgets/plots/channel_scale_plot.h"
#include "widgets/plots/distributions_plot.h"
#include "widgets/plots/energy_plot.h"
#include "widgets/plots/histogram_plot.h"
#include "widgets/plots/hypervolume_plot.h"
#include "widgets/plots/number_line_plot.h"
#include "widgets/plots/roofline_plot.h"
#include "widgets/plots/search_progress_plot.h"
#include "widgets/plots/staircase_plot.h"
#include "widgets/plots/training_plot.h"
#include "widgets/plots/utilization_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace bitscape::test {

using namespace bitscape::widgets;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// xorshift: the standard distributions differ between libraries.
class Random {
public:
    explicit Random(std::uint64_t seed) : m_state(seed * 0x9E3779B97F4A7C15ULL + 1) {}
    double uniform()
    {
        m_state ^= m_state << 13;
        m_state ^= m_state >> 7;
        m_state ^= m_state << 17;
        return static_cast<double>(m_state >> 11) / 9007199254740992.0;
    }
    double normal()
    {
        return std::sqrt(-2.0 * std::log(uniform() + 1e-12)) * std::cos(6.283185307 * uniform());
    }
    int below(int n) { return static_cast<int>(uniform() * n); }

private:
    std::uint64_t m_state;
};

struct ExampleLayer {
    const char* name;
    double share;             ///< of the MACs
    double weights;           ///< thousands
    double weightSensitivity; ///< loss of accuracy ∝ this × 4^−bits
    double activationSensitivity;
};

constexpr std::array<ExampleLayer, 10> kLayers{{
    {"conv2d", 0.035, 0.4, 3.5, 1.6},
    {"conv2d_1", 0.19, 2.3, 0.5, 0.35},
    {"conv2d_2", 0.19, 2.3, 0.4, 0.3},
    {"conv2d_3", 0.095, 4.6, 0.45, 0.3},
    {"conv2d_4", 0.19, 9.2, 0.25, 0.25},
    {"conv2d_5", 0.01, 0.5, 2.2, 0.5},
    {"conv2d_6", 0.095, 18.4, 0.22, 0.2},
    {"conv2d_7", 0.19, 36.9, 0.08, 0.25},
    {"conv2d_8", 0.01, 2.0, 1.6, 0.35},
    {"dense", 0.001, 0.6, 2.2, 1.0},
}};

using Bits = std::array<int, kLayers.size()>;

ParetoPoint evaluate(const Bits& w, const Bits& a, double noise)
{
    double loss = 0.0;
    double memory = 0.0;
    double cycles = 0.0;
    double energy = 0.0;
    for (std::size_t i = 0; i < kLayers.size(); ++i) {
        const ExampleLayer& l = kLayers[i];
        loss += l.weightSensitivity * std::pow(4.0, -w[i]) +
                l.activationSensitivity * std::pow(4.0, -a[i]);
        memory += l.weights * w[i] * 1000.0 / 8192.0;
        const int wide = std::max(w[i], i == 0 ? 8 : a[i - 1]);
        const double lanes = wide <= 4 ? 4.0 : wide <= 8 ? 2.0 : 1.0;
        cycles += 4.4 * l.share / lanes;
        energy += l.share * (6.0 + 28.0 / lanes + 0.25 * w[i] + 0.3 * a[i]);
    }
    return {.accuracyPercent = 87.18 - 64.0 * (1.0 - std::exp(-loss * 0.92)) + noise,
            .accuracyError = 0.34,
            .energyMicrojoule = energy,
            .latencyMillisecond = cycles,
            .memoryKib = memory};
}

Bits uniformBits(int bits)
{
    Bits b{};
    b.fill(bits);
    return b;
}

} // namespace

ParetoData exampleStudy(int trials)
{
    constexpr std::array kWeightBits{2, 3, 4, 6, 8};
    constexpr std::array kActivationBits{4, 6, 8};
    Random random(7);
    ParetoData data;
    Bits bestW = uniformBits(8);
    Bits bestA = uniformBits(8);
    for (int i = 0; i < trials; ++i) {
        Bits w = bestW;
        Bits a = bestA;
        const int changes = i < 60 ? 20 : 1 + random.below(5);
        for (int c = 0; c < changes; ++c) {
            w[static_cast<std::size_t>(random.below(10))] =
                kWeightBits[static_cast<std::size_t>(random.below(5))];
            a[static_cast<std::size_t>(random.below(10))] =
                kActivationBits[static_cast<std::size_t>(random.below(3))];
        }
        const ParetoPoint point = evaluate(w, a, 0.09 * random.normal());
        data.trials.push_back(
            {.number = i, .point = point, .isFeasible = point.accuracyPercent >= 86.18});
        if (random.uniform() < 0.3 && point.accuracyPercent > 82.0) {
            bestW = w;
            bestA = a;
        }
    }
    data.references = {{"uniform 8", evaluate(uniformBits(8), uniformBits(8), 0.0)},
                       {"w4 a8", evaluate(uniformBits(4), uniformBits(8), 0.0)},
                       {"uniform 4", evaluate(uniformBits(4), uniformBits(4), 0.0)}};
    data.current = ParetoReference{
        "mixed-A", evaluate({8, 8, 4, 4, 4, 8, 4, 4, 8, 8}, {8, 8, 4, 8, 4, 8, 4, 6, 8, 8}, 0.0)};
    data.floatAccuracyPercent = 87.18;
    data.accuracyFloorPercent = 86.18;
    return data;
}

namespace {

int trialsOf(Amount amount)
{
    return amount == Amount::One ? 1 : amount == Amount::Some ? 1240 : 20000;
}

void fillPareto(ParetoPlot& plot, Amount amount)
{
    ParetoData data = exampleStudy(trialsOf(amount));
    if (amount == Amount::One) {
        data.references.clear();
        data.current.reset();
    }
    plot.setData(data);
    if (amount == Amount::Some) {
        const std::vector<int> front = plot.frontTrials();
        plot.setSelected({front[front.size() * 2 / 3]});
    }
}

int many(Amount amount, int one, int some, int lots)
{
    return amount == Amount::One ? one : amount == Amount::Some ? some : lots;
}

HypervolumeData exampleHypervolume(Amount amount)
{
    Random random(3);
    HypervolumeData data;
    data.studyName = "Study 3 (TPE, seed 7)";
    data.referencePoint = "24 µJ, 80 %";
    double volume = 0.38;
    const int n = many(amount, 1, 1240, 50000);
    for (int i = 1; i <= n; ++i) {
        const bool isGain = random.uniform() < 0.06;
        volume += isGain ? random.uniform() * 0.03 * (0.74 - volume) * 3.0 : 0.0;
        if (isGain || i == n) {
            data.points.push_back({i, volume});
        }
    }
    data.randomTrials = amount == Amount::Some ? 60 : 0;
    if (amount == Amount::Some) {
        data.selectedTrial = 1201;
    }
    return data;
}

SearchProgressData exampleProgress(Amount amount)
{
    const ParetoData study = exampleStudy(many(amount, 1, 412, 20000));
    SearchProgressData data;
    data.quantity = "energy";
    data.unit = "µJ";
    data.plannedTrials = many(amount, 1, 1500, 20000);
    data.isRunning = amount == Amount::Some;
    for (const ParetoTrial& t : study.trials) {
        data.trials.push_back(
            {t.number, t.point.energyMicrojoule, t.point.accuracyPercent >= 85.5});
    }
    return data;
}

TrainingData exampleTraining(Amount amount)
{
    Random random(2);
    TrainingData data;
    data.epochs = many(amount, 1, 6, 200);
    const double end = many(amount, 10, 36, 2000) / 10.0;
    const double step = amount == Amount::Many ? 0.002 : 0.1;
    for (double e = amount == Amount::One ? 1.0 : 0.0; e <= end; e += step) {
        const double rest = std::exp(-e / 0.95);
        data.batches.push_back({e, 0.35 + 1.6 * rest + 0.06 * random.normal(),
                                62.0 + 25.5 * (1.0 - rest) + 0.6 * random.normal()});
    }
    for (int e = 1; e <= static_cast<int>(end); ++e) {
        const double rest = std::exp(-e / 1.1);
        data.validation.push_back({static_cast<double>(e), 0.4 + 1.5 * rest, 86.0 - 15.0 * rest});
    }
    data.isRunning = amount == Amount::Some;
    data.bestEpoch =
        data.validation.empty() ? std::optional<int>() : static_cast<int>(data.validation.size());
    return data;
}

HistogramData exampleHistogram(Amount amount)
{
    HistogramData data;
    data.title = "conv2d_6 / kernel: float and quantized values";
    data.axisLabel = "Weight value / scale of its channel (steps)";
    Random random(5);
    const int bins = many(amount, 1, 120, 2048);
    for (int i = 0; i <= bins; ++i) {
        data.edges.push_back(-9.0 + 18.0 * i / bins);
    }
    for (int i = 0; i < bins; ++i) {
        const double x = (data.edges[static_cast<std::size_t>(i)] +
                          data.edges[static_cast<std::size_t>(i) + 1]) /
                         2;
        const double density = std::exp(-std::abs(x) / 1.4) + 0.55 * std::exp(-x * x / 3.4) + 0.004;
        data.counts.push_back(std::round(84000.0 / bins * density * (1.0 + 0.1 * random.normal())));
    }
    const int top = amount == Amount::Many ? 127 : amount == Amount::Some ? 7 : 0;
    for (int k = -top; k <= top; ++k) {
        const double value = amount == Amount::Many ? k * 7.0 / 127.0 : k;
        double n = 0.0;
        for (std::size_t i = 0; i < data.counts.size(); ++i) {
            const double middle = (data.edges[i] + data.edges[i + 1]) / 2;
            const double unit = amount == Amount::Many ? 7.0 / 127.0 : 1.0;
            const double code = std::clamp(std::round(middle / unit), -1.0 * top, 1.0 * top);
            n += code == k ? data.counts[i] : 0.0;
        }
        data.levels.push_back({value, n});
    }
    data.floatLabel = "float, 18,432 values";
    data.levelsLabel = "4 bit, 15 levels";
    data.clipLow = -7.5;
    data.clipHigh = 7.5;
    return data;
}

std::vector<double> exampleScales(int channels)
{
    Random random(11);
    std::vector<double> scales;
    for (int c = 0; c < channels; ++c) {
        scales.push_back(
            c % 64 == 37 ? 0.148 : 0.036 * std::exp(0.38 * std::clamp(random.normal(), -2.0, 2.0)));
    }
    return scales;
}

DistributionsData exampleDistributions(Amount amount)
{
    Random random(11);
    DistributionsData data;
    data.title = "Weights: distribution of log2 |w| per layer, against the representable range";
    data.axisLabel = "log2 |weight value|";
    constexpr std::array kBits{8, 8, 4, 4, 4, 8, 4, 4, 8, 8};
    constexpr std::array kSqnr{38.6, 36.9, 21.3, 20.8, 19.6, 37.4, 19.9, 18.7, 36.2, 39.1};
    constexpr std::array kMode{-3.6, -4.8, -4.9, -4.8, -5.3, -3.3, -5.4, -5.9, -3.8, -4.2};
    const int n = many(amount, 1, 10, 200);
    for (int i = 0; i < n; ++i) {
        const auto k = static_cast<std::size_t>(i % 10);
        DistributionRow row;
        row.name =
            i < 10 ? kLayers[k].name : "block" + std::to_string(i / 10) + "/" + kLayers[k].name;
        const double width = 0.75 + 0.3 * random.uniform();
        for (double x = -13.0; x <= 0.001; x += 0.1) {
            const double z = (x - kMode[k]) / width;
            double d = std::exp(-0.5 * z * z * (z > 0 ? 2.8 : 0.34));
            d += k == 6 ? 0.1 * std::exp(-std::pow((x - kMode[k] - 2.2) / 0.28, 2)) : 0.0;
            row.values.push_back(x);
            row.density.push_back(d * (1.0 + 0.05 * random.normal()));
        }
        row.bits = kBits[k];
        row.rangeHigh = kMode[k] + width * 1.75 + (k == 6 ? 0.9 : 0.0);
        row.rangeLow = *row.rangeHigh - row.bits;
        row.box = {kMode[k] - 3.2 * width, kMode[k] - 1.5 * width, kMode[k] - 0.55 * width,
                   kMode[k] + 0.1 * width, kMode[k] + 2.2 * width};
        row.sqnrDecibel = kSqnr[k];
        row.clippedPercent = 0.02 + 0.2 * random.uniform();
        row.zeroPercent = row.bits == 4 ? 31.7 : 2.1;
        row.hasAdvice = k == 6;
        data.rows.push_back(row);
    }
    return data;
}

ChannelMapData exampleChannelMap(Amount amount)
{
    Random random(4);
    ChannelMapData data;
    data.title = "conv2d_6 / kernel: density per output channel";
    data.channels = many(amount, 1, 64, 4096);
    constexpr int kBins = 30;
    for (int b = 0; b <= kBins; ++b) {
        data.edges.push_back(-0.6 + 1.2 * b / kBins);
    }
    for (int c = 0; c < data.channels; ++c) {
        const double deviation = 0.04 * std::exp(0.34 * random.normal()) * (c == 37 ? 4.1 : 1.0);
        for (int b = 0; b < kBins; ++b) {
            const double v = -0.6 + 1.2 * (b + 0.5) / kBins;
            data.counts.push_back(std::floor(1000.0 * std::exp(-std::abs(v) / deviation / 0.8)));
        }
    }
    if (amount == Amount::Some) {
        data.outliers = {37};
    }
    return data;
}

UtilizationData exampleUtilization(Amount amount)
{
    constexpr std::array kCycles{37100.0, 74100.0, 74000.0, 18800.0, 74100.0,
                                 4500.0,  37300.0, 37300.0, 4400.0,  200.0};
    constexpr std::array kLanes{2, 2, 2, 4, 2, 2, 2, 4, 2, 2};
    constexpr std::array kWeightBits{8, 8, 4, 4, 4, 8, 4, 4, 8, 8};
    constexpr std::array kInputBits{8, 8, 8, 4, 8, 4, 8, 4, 8, 8};
    UtilizationData data;
    const int n = many(amount, 1, 10, 200);
    for (int i = 0; i < n; ++i) {
        const auto k = static_cast<std::size_t>(i % 10);
        UtilizationRow row;
        row.name =
            i < 10 ? kLayers[k].name : "block" + std::to_string(i / 10) + "/" + kLayers[k].name;
        row.cycles = kCycles[k];
        row.lanes = kLanes[k];
        row.weightBits = kWeightBits[k];
        row.inputBits = kInputBits[k];
        row.shares = k == 0   ? std::array{0.37, 0.125, 0.495, 0.01, 0.0}
                     : k == 9 ? std::array{0.095, 0.0, 0.02, 0.885, 0.0}
                     : k == 5 ? std::array{0.92, 0.0, 0.0, 0.05, 0.03}
                              : std::array{0.985, 0.0, 0.0, 0.015, 0.0};
        data.rows.push_back(row);
    }
    if (amount == Amount::Some) {
        data.rows.push_back({.name = "add, pool", .cycles = 6200.0, .engine = LayerEngine::Cpu});
    }
    return data;
}

EnergyData exampleEnergy(Amount amount)
{
    EnergyData data;
    data.referenceName = "fixed 16 bit";
    const int n = many(amount, 1, 10, 200);
    for (int i = 0; i < n; ++i) {
        const auto k = static_cast<std::size_t>(i % 10);
        const double e = 20.0 * kLayers[k].share;
        data.rows.push_back(
            {.name = i < 10 ? kLayers[k].name
                            : "block" + std::to_string(i / 10) + "/" + kLayers[k].name,
             .microjoule = {0.15 * e, 0.05 * e, 0.22 * e, 0.5 * e, 0.06 * e, 0.02 * e, 0.0},
             .referenceMicrojoule = 2.2 * e});
    }
    return data;
}

RooflineData exampleRoofline(Amount amount)
{
    constexpr std::array kMacs{0.44, 2.36, 2.36, 1.18, 2.36, 0.13, 1.18, 2.36, 0.13, 0.0006};
    constexpr std::array kIntensity{22.0, 60.0, 84.0, 58.0, 128.0, 8.5, 56.0, 97.0, 7.2, 0.84};
    constexpr std::array kReference{12.0, 32.0, 45.0, 18.5, 45.0, 4.2, 26.0, 32.0, 2.4, 0.42};
    const UtilizationData cycles = exampleUtilization(amount);
    RooflineData data;
    data.roofs = {{1, 16.0}, {2, 32.0}, {4, 64.0}};
    data.backingBitsPerCycle = 64.0;
    data.referenceName = "same layer at 16 bits";
    for (std::size_t i = 0; i < cycles.rows.size(); ++i) {
        const UtilizationRow& row = cycles.rows[i];
        if (row.engine != LayerEngine::Accelerated) {
            continue;
        }
        const std::size_t k = i % 10;
        data.points.push_back({.name = row.name,
                               .macsPerByte = kIntensity[k],
                               .macsPerCycle = kMacs[k] * 1e6 / row.cycles,
                               .lanes = row.lanes,
                               .referenceMacsPerByte = kReference[k],
                               .referenceMacsPerCycle = std::min({kMacs[k] * 1e6 / row.cycles * 0.9,
                                                                  16.0, kReference[k] * 8.0})});
    }
    return data;
}

StaircaseData exampleStaircase()
{
    StaircaseData data;
    data.title = "Precision staircase, conv2d_7: cycles";
    data.unit = "cycles";
    data.weightBits = 4;
    data.inputBits = 4;
    for (int w = 1; w <= kStaircaseBits; ++w) {
        for (int a = 1; a <= kStaircaseBits; ++a) {
            const int wide = std::max(w, a);
            const int lanes = wide <= 4 ? 4 : wide <= 8 ? 2 : 1;
            data.lanes[static_cast<std::size_t>(w - 1)][static_cast<std::size_t>(a - 1)] = lanes;
            data.cost[static_cast<std::size_t>(w - 1)][static_cast<std::size_t>(a - 1)] =
                147456.0 / lanes + 500.0 + 40.0 * w;
        }
    }
    return data;
}

/// A uniform grid of `levels` levels around 0.
NumberLineData exampleNumberLine(int levels)
{
    NumberLineData data;
    data.title = "conv2d_7 / kernel: quantized_bits(4,0,1,alpha=1.0)";
    const double step = 2.0 / std::max(1, levels - 1);
    data.line.low = -1.5;
    data.line.high = 1.5;
    data.line.clipLow = -1.0;
    data.line.clipHigh = 1.0;
    for (int i = 0; i < levels; ++i) {
        const double value = levels == 1 ? 0.0 : -1.0 + step * i;
        const double from = i == 0 ? data.line.low : value - step / 2.0;
        const double to = i + 1 == levels ? data.line.high : value + step / 2.0;
        data.line.steps.push_back({from, to, value, i - levels / 2});
        data.line.curve.emplace_back(from, value);
        data.line.curve.emplace_back(to, value);
    }
    for (int bin = 0; bin <= 40; ++bin) {
        data.edges.push_back(-1.0 + 0.05 * bin);
    }
    for (int bin = 0; bin < 40; ++bin) {
        data.counts.push_back(100.0 * std::exp(-std::pow((bin - 19.5) / 8.0, 2.0)));
    }
    return data;
}

template <class P, class F>
bool with(Plot& plot, F fill)
{
    auto* const concrete = qobject_cast<P*>(&plot);
    if (concrete != nullptr) {
        fill(*concrete);
    }
    return concrete != nullptr;
}

} // namespace

bool fillExample(Plot& plot, Amount amount)
{
    const bool isSelected = amount == Amount::Some;
    return with<ParetoPlot>(plot, [&](ParetoPlot& p) { fillPareto(p, amount); }) ||
           with<HypervolumePlot>(
               plot, [&](HypervolumePlot& p) { p.setData(exampleHypervolume(amount)); }) ||
           with<SearchProgressPlot>(
               plot, [&](SearchProgressPlot& p) { p.setData(exampleProgress(amount)); }) ||
           with<TrainingPlot>(plot, [&](TrainingPlot& p) { p.setData(exampleTraining(amount)); }) ||
           with<HistogramPlot>(plot,
                               [&](HistogramPlot& p) { p.setData(exampleHistogram(amount)); }) ||
           with<ChannelScalePlot>(plot,
                                  [&](ChannelScalePlot& p) {
                                      p.setData(
                                          {.scales = exampleScales(many(amount, 1, 64, 4096))});
                                  }) ||
           with<DistributionsPlot>(plot,
                                   [&](DistributionsPlot& p) {
                                       p.setData(exampleDistributions(amount));
                                       p.setSelectedRow(isSelected ? 6 : -1);
                                   }) ||
           with<ChannelMapPlot>(plot,
                                [&](ChannelMapPlot& p) { p.setData(exampleChannelMap(amount)); }) ||
           with<UtilizationPlot>(plot,
                                 [&](UtilizationPlot& p) {
                                     p.setData(exampleUtilization(amount));
                                     p.setSelectedRow(isSelected ? 7 : -1);
                                 }) ||
           with<RooflinePlot>(plot,
                              [&](RooflinePlot& p) {
                                  p.setData(exampleRoofline(amount));
                                  p.setSelectedPoint(isSelected ? 7 : -1);
                              }) ||
           with<StaircasePlot>(plot, [](StaircasePlot& p) { p.setData(exampleStaircase()); }) ||
           with<NumberLinePlot>(plot,
                                [&](NumberLinePlot& p) {
                                    p.setData(exampleNumberLine(amount == Amount::One    ? 1
                                                                : amount == Amount::Some ? 15
                                                                                         : 511));
                                }) ||
           with<EnergyPlot>(plot, [&](EnergyPlot& p) {
               p.setData(exampleEnergy(amount));
               p.setSelectedRow(isSelected ? 7 : -1);
           });
}

bool fillDegenerate(Plot& plot)
{
    return with<ParetoPlot>(plot,
                            [](ParetoPlot& p) {
                                const ParetoPoint same{.accuracyPercent = 50.0,
                                                       .energyMicrojoule = 0.0,
                                                       .latencyMillisecond = 0.0,
                                                       .memoryKib = 0.0};
                                p.setData({.trials = {{.number = 1, .point = same},
                                                      {.number = 2, .point = same},
                                                      {.number = 3, .point = {}}},
                                           .references = {{"unknown", {}}},
                                           .floatAccuracyPercent = kNan});
                            }) ||
           with<HypervolumePlot>(
               plot,
               [](HypervolumePlot& p) {
                   p.setData({.points = {{1, kNan}, {2, 0.0}, {3, 0.0}}, .selectedTrial = 9});
               }) ||
           with<SearchProgressPlot>(
               plot,
               [](SearchProgressPlot& p) {
                   p.setData({.trials = {{1, kNan, true}, {2, 5.0, false}, {3, 5.0, false}},
                              .isRunning = true});
               }) ||
           with<TrainingPlot>(
               plot,
               [](TrainingPlot& p) {
                   p.setData({.batches = {{0.5, kNan, kNan}, {0.6, 1.0, kNan}, {0.7, 1.0, kNan}},
                              .isRunning = true});
               }) ||
           with<HistogramPlot>(plot,
                               [](HistogramPlot& p) {
                                   p.setData({.edges = {1.0, 1.0, 1.0, 2.0},
                                              .counts = {0.0, 5.0, kNan},
                                              .levels = {{kNan, 1.0}, {1.0, 0.0}},
                                              .clipLow = 1.0,
                                              .clipHigh = 1.0,
                                              .thresholds = {{"MSE", kNan, true}}});
                               }) ||
           with<ChannelScalePlot>(plot,
                                  [](ChannelScalePlot& p) {
                                      p.setData({.scales = {0.0, kNan, 0.0, 0.0}});
                                  }) ||
           with<DistributionsPlot>(
               plot,
               [](DistributionsPlot& p) {
                   p.setData(
                       {.rows = {{.name = "constant",
                                  .values = {1.0},
                                  .density = {1.0},
                                  .rangeLow = 1.0,
                                  .rangeHigh = 1.0},
                                 {.name = "empty"},
                                 {.name = "zero", .values = {1.0, 2.0}, .density = {0.0, kNan}}}});
               }) ||
           with<ChannelMapPlot>(plot,
                                [](ChannelMapPlot& p) {
                                    p.setData({.channels = 2,
                                               .edges = {1.0, 1.0, 2.0},
                                               .counts = {1.0, kNan},
                                               .outliers = {-1, 7}});
                                }) ||
           with<UtilizationPlot>(plot,
                                 [](UtilizationPlot& p) {
                                     p.setData({.rows = {{.name = "a", .cycles = kNan},
                                                         {.name = "b", .cycles = 0.0}}});
                                 }) ||
           with<RooflinePlot>(
               plot,
               [](RooflinePlot& p) {
                   p.setData({.points = {{.name = "a", .macsPerByte = kNan, .macsPerCycle = 1.0},
                                         {.name = "b", .macsPerByte = 2.0, .macsPerCycle = 2.0},
                                         {.name = "c", .macsPerByte = 0.0, .macsPerCycle = 0.0}},
                              .roofs = {{1, kNan}, {2, 0.0}}});
               }) ||
           with<StaircasePlot>(plot,
                               [](StaircasePlot& p) {
                                   StaircaseData data;
                                   data.cost[3][3] = 7.0;
                                   data.cost[4][4] = kNan;
                                   data.weightBits = 99;
                                   p.setData(data);
                               }) ||
           with<NumberLinePlot>(plot,
                                [](NumberLinePlot& p) {
                                    NumberLineData data;
                                    data.line.curve = {{0.0, 0.0}, {kNan, kNan}};
                                    data.line.steps = {{0.0, 0.0, 0.0, kNan}, {0.0, 0.0, kNan, {}}};
                                    data.edges = {0.0, 0.0, 1.0};
                                    data.counts = {kNan, 0.0};
                                    p.setData(data);
                                }) ||
           with<EnergyPlot>(plot, [](EnergyPlot& p) {
               p.setData({.rows = {{.name = "a", .microjoule = {kNan}}, {.name = "b"}}});
           });
}

} // namespace bitscape::test
