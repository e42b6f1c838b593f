// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/rng.h"
#include "core/graph/integer/code_work.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

// Every quick step against its plain twin.
namespace bitscape::graph {
namespace {

using kernels::CodeWords;

constexpr std::array kRules{ScaleRule::HalfEven, ScaleRule::HalfAway, ScaleRule::HalfUp,
                            ScaleRule::Floor,    ScaleRule::Zero,     ScaleRule::Ceil,
                            ScaleRule::Twice,    ScaleRule::TwiceUp,  ScaleRule::Float};
constexpr Index kSamples = 3;
constexpr Index kBeyond = 256; // bytes that kernels may read

/// What a grid can look like in memory.
struct GridCase {
    std::int64_t zero, low, high;
};
constexpr std::array kGrids{GridCase{0, -128, 127},     GridCase{-128, -128, 127},
                            GridCase{127, -128, 127},   GridCase{0, 0, 255},
                            GridCase{3, -7, 8},         GridCase{0, -1, 1},
                            GridCase{0, -32767, 32767}, GridCase{-5, -300, 20000}};

class StepCase {
public:
    explicit StepCase(std::uint64_t seed) : m_rng(seed) {}

    std::int64_t between(std::int64_t low, std::int64_t high)
    {
        const double place = m_rng.uniform();
        if (place < 0.25) { // ends are where it goes wrong
            return place < 0.125 ? low : high;
        }
        const double width = static_cast<double>(high - low) + 0.999;
        return low + static_cast<std::int64_t>(m_rng.uniform() * width);
    }
    double uniform() { return m_rng.uniform(); }

    int addTensor(const Shape& shape, const GridCase& grid)
    {
        CodeTensor tensor{0, shape, Storage::Int32, {{1.0}, grid.zero, grid.low, grid.high}};
        m_program.tensors.push_back(std::move(tensor));
        return static_cast<int>(m_program.tensors.size()) - 1;
    }

    /// To codes of 8 bits, with factors that make a number of `largest` about as large as they are.
    Requantization requantization(ScaleRule rule, std::size_t channels, double largest)
    {
        std::vector<double> factors;
        const bool isPower = uniform() < 0.3;
        for (std::size_t i = 0; i < channels; ++i) {
            const double factor = 200.0 / largest * std::exp2(2.0 * uniform() - 1.0);
            factors.push_back(isPower ? std::exp2(std::floor(std::log2(factor))) : factor);
        }
        const bool isLiteRt =
            rule == ScaleRule::Twice || rule == ScaleRule::TwiceUp || rule == ScaleRule::Float;
        Requantization out;
        out.scaling = isLiteRt ? makeLiteRtScaling(factors, rule)
                               : makeScaling(factors, rule, static_cast<std::int64_t>(largest));
        out.zero = between(-128, 127);
        out.low = -128;
        out.high = 127;
        return out;
    }

    /// Whether there is a quick step; if so, it writes the plain one's bytes.
    bool agrees(IntegerStep step, CodeWords words = CodeWords::Shorts)
    {
        const auto quick = makeQuickStep(m_program, step, words);
        const auto plain = makePlainStep(m_program, step);
        if (!quick) {
            return false;
        }
        std::vector<std::vector<std::byte>> inputs;
        std::vector<const std::byte*> places;
        for (const int t : step.inputs) {
            inputs.push_back(randomInput(m_program.tensors[static_cast<std::size_t>(t)]));
        }
        for (const auto& input : inputs) {
            places.push_back(input.data());
        }
        EXPECT_EQ(run(*quick, step, places), run(*plain, step, places));
        return true;
    }

private:
    std::vector<std::byte> randomInput(const CodeTensor& tensor)
    {
        const Index count = tensor.shape.elementCount() * kSamples;
        std::vector<std::byte> bytes(
            static_cast<std::size_t>(count * sizeOf(layoutOf(tensor).kept) + kBeyond),
            std::byte{0xEE});
        std::vector<std::int64_t> codes;
        for (Index i = 0; i < count; ++i) {
            codes.push_back(between(tensor.grid.low, tensor.grid.high));
        }
        storeCodes(tensor, bytes.data(), 0, count, codes.data());
        return bytes;
    }

    [[nodiscard]] std::vector<std::byte> run(const CodeStep& made, const IntegerStep& step,
                                             const std::vector<const std::byte*>& inputs) const
    {
        const CodeTensor& output = m_program.tensors[static_cast<std::size_t>(step.output)];
        std::vector<std::byte> y(static_cast<std::size_t>(output.shape.elementCount() * kSamples *
                                                          sizeOf(layoutOf(output).kept)));
        std::vector<std::int64_t> memory(
            static_cast<std::size_t>(made.scratchBytes() + kBeyond) / sizeof(std::int64_t) + 1, -1);
        CodeScratch scratch;
        scratch.bytes = reinterpret_cast<std::byte*>(memory.data());
        made.run({.inputs = inputs,
                  .output = y.data(),
                  .first = 0,
                  .count = kSamples,
                  .scratch = &scratch});
        return y;
    }

    Rng m_rng;
    IntegerProgram m_program;
};

GridCase outputGrid()
{
    return {0, -128, 127};
}

ConvolutionGeometry randomGeometry(StepCase& c, bool isDepthwise)
{
    ConvolutionGeometry g;
    g.kernelHeight = static_cast<int>(c.between(1, 4));
    g.kernelWidth = static_cast<int>(c.between(1, 3));
    g.strideHeight = static_cast<int>(c.between(1, 2));
    g.strideWidth = static_cast<int>(c.between(1, 3));
    g.dilationHeight = static_cast<int>(c.between(1, 2));
    g.dilationWidth = static_cast<int>(c.between(1, 2));
    g.height = c.between(1, 9);
    g.width = c.between(1, 9);
    g.padTop = c.between(0, g.kernelHeight - 1);
    g.padLeft = c.between(0, g.kernelWidth - 1);
    // As many windows as begin inside the padded image; the last ones reach over the far edges.
    g.outHeight = (g.height + g.padTop - 1) / g.strideHeight + 1;
    g.outWidth = (g.width + g.padLeft - 1) / g.strideWidth + 1;
    if (c.uniform() < 0.3) {
        g.outHeight = g.outWidth = 1;
    }
    g.groups = isDepthwise ? 1 : static_cast<int>(c.between(1, 3));
    g.channels = g.groups * c.between(1, c.uniform() < 0.2 ? 37 : 6);
    g.filters = isDepthwise ? g.channels * c.between(1, 3)
                            : g.groups * c.between(1, c.uniform() < 0.2 ? 70 : 9);
    return g;
}

ConvolveWork randomConvolution(StepCase& c, std::int64_t largestInput)
{
    ConvolveWork work;
    work.isDepthwise = c.uniform() < 0.3;
    work.geometry = randomGeometry(c, work.isDepthwise);
    const auto& g = work.geometry;
    const std::int64_t largest = c.uniform() < 0.7 ? 127 : 2000;
    const Index depth = work.isDepthwise ? g.taps() : g.taps() * g.channels / g.groups;
    for (Index i = 0; i < depth * g.filters; ++i) {
        work.weights.codes.push_back(static_cast<std::int32_t>(c.between(-largest - 1, largest)));
    }
    constexpr std::int64_t kBias = 100000;
    const bool isShifted = c.uniform() < 0.3;
    for (Index f = 0; f < g.filters; ++f) {
        work.bias.codes.push_back(static_cast<std::int32_t>(c.between(-kBias, kBias)));
        if (isShifted) {
            work.shifts.push_back(static_cast<int>(c.between(0, 2)));
            work.biasShifts.push_back(static_cast<int>(c.between(0, 3)));
        }
    }
    work.largestWeightSum = depth * (largest + 1) * largestInput;
    work.largestSum = 4 * work.largestWeightSum + 8 * kBias;
    return work;
}

TEST(CodeSteps, ConvolutionsAreExactForAnyGeometry)
{
    int quick = 0;
    constexpr int kTrials = 1500;
    for (int trial = 0; trial < kTrials; ++trial) {
        StepCase c(static_cast<std::uint64_t>(trial) + 1);
        const GridCase& grid = kGrids[static_cast<std::size_t>(trial) % kGrids.size()];
        const ScaleRule rule = kRules[static_cast<std::size_t>(trial) % kRules.size()];
        const std::int64_t largest = CodeGrid{{}, grid.zero, grid.low, grid.high}.largest();
        ConvolveWork work = randomConvolution(c, largest);
        const ConvolutionGeometry g = work.geometry;
        IntegerStep step;
        step.inputs = {c.addTensor({g.height, g.width, g.channels}, grid)};
        const bool isKept = c.uniform() < 0.2;
        const auto sum = static_cast<double>(work.largestSum);
        step.output =
            c.addTensor({g.outHeight, g.outWidth, g.filters},
                        isKept ? GridCase{0, -work.largestSum, work.largestSum} : outputGrid());
        if (!isKept) {
            const auto channels = c.uniform() < 0.5 ? 1 : static_cast<std::size_t>(g.filters);
            step.requantization = c.requantization(rule, channels, sum / 8.0);
        }
        if (!isKept && c.uniform() < 0.1) {
            step.requantization->thresholds = {-work.largestSum / 8, 0, work.largestSum / 9};
            step.requantization->levels = {-3, -1, 5, 100};
            while (c.uniform() < 0.3) { // too many for the kernels
                auto& all = *step.requantization;
                for (int i = 0; i < 50; ++i) {
                    all.thresholds.push_back(all.thresholds.back() + 7);
                    all.levels.push_back(100 + i % 2);
                }
            }
        }
        step.work = std::move(work);
        SCOPED_TRACE("trial " + std::to_string(trial));
        const bool isQuick = c.agrees(step);
        quick += isQuick ? 1 : 0;
        if (isQuick && kernels::multipliesBytes()) {
            EXPECT_TRUE(c.agrees(step, CodeWords::Bytes));
        }
        ASSERT_FALSE(testing::Test::HasFailure());
    }
    EXPECT_GT(quick, kTrials * 3 / 4);
}

TEST(CodeSteps, ChangesOfScaleAreExactForAnyRule)
{
    int quick = 0;
    constexpr int kTrials = 900;
    for (int trial = 0; trial < kTrials; ++trial) {
        StepCase c(static_cast<std::uint64_t>(trial) + 1);
        const GridCase& grid = kGrids[static_cast<std::size_t>(trial) % kGrids.size()];
        const ScaleRule rule = kRules[static_cast<std::size_t>(trial) % kRules.size()];
        IntegerStep step;
        const Shape shape{c.between(1, 40), 5};
        step.inputs = {c.addTensor(shape, grid)};
        step.output = c.addTensor(shape, outputGrid());
        step.work = RescaleWork{};
        step.requantization =
            c.requantization(rule, c.uniform() < 0.2 ? 5 : 1, std::exp2(16.0 * c.uniform()));
        SCOPED_TRACE("trial " + std::to_string(trial));
        quick += c.agrees(step) ? 1 : 0;
        ASSERT_FALSE(testing::Test::HasFailure());
    }
    EXPECT_GT(quick, kTrials / 2);
}

TEST(CodeSteps, SumsOfTermsAreExact)
{
    int quick = 0;
    constexpr int kTrials = 600;
    for (int trial = 0; trial < kTrials; ++trial) {
        StepCase c(static_cast<std::uint64_t>(trial) + 1);
        const ScaleRule rule = kRules[static_cast<std::size_t>(trial) % kRules.size()];
        const bool isTwice = rule == ScaleRule::Twice;
        const Shape shape{c.between(1, 300), 3};
        IntegerStep step;
        SumWork work;
        work.lift = isTwice ? 20 : 0;
        const auto terms = c.between(1, 3);
        for (std::int64_t i = 0; i < terms; ++i) {
            const auto which = static_cast<std::size_t>(c.between(0, isTwice ? 5 : 7));
            step.inputs.push_back(c.addTensor(shape, kGrids[which]));
            work.isNegative.push_back(c.uniform() < 0.5 ? 1 : 0);
            const bool isPerChannel = c.uniform() < 0.3;
            std::vector<double> factors;
            for (int channel = 0; channel < (isPerChannel ? 3 : 1); ++channel) {
                factors.push_back(isTwice ? std::ldexp(c.uniform() + 0.01, -1)
                                          : static_cast<double>(c.between(1, 30)));
            }
            if (c.uniform() < 0.3) {
                factors.front() = isTwice ? 0.5 : 4.0;
            }
            work.terms.push_back(isTwice ? makeLiteRtScaling(factors, ScaleRule::Twice)
                                         : makeScaling(factors, ScaleRule::HalfEven, 40000));
        }
        step.output = c.addTensor(shape, outputGrid());
        step.work = std::move(work);
        step.requantization =
            c.requantization(rule, c.uniform() < 0.3 ? 3 : 1, isTwice ? 1e8 : 1e4);
        SCOPED_TRACE("trial " + std::to_string(trial));
        quick += c.agrees(step) ? 1 : 0;
        ASSERT_FALSE(testing::Test::HasFailure());
    }
    EXPECT_GT(quick, kTrials * 3 / 4);
}

TEST(CodeSteps, PoolsAreExact)
{
    int quick = 0;
    constexpr int kTrials = 300;
    for (int trial = 0; trial < kTrials; ++trial) {
        StepCase c(static_cast<std::uint64_t>(trial) + 1);
        const GridCase& grid = kGrids[static_cast<std::size_t>(trial) % 6];
        const int kind = trial % 3;
        const Index pad = kind == 2 ? 0 : c.between(0, 1);
        const Index stride = c.between(1, 3);
        const kernels::Pool p{.height = 6,
                              .width = 7,
                              .channels = c.between(1, 40),
                              .outHeight = (6 + pad - 3) / stride + 1,
                              .outWidth = (7 + pad - 2) / stride + 1,
                              .windowHeight = 3,
                              .windowWidth = 2,
                              .strideHeight = stride,
                              .strideWidth = stride,
                              .padTop = pad,
                              .padLeft = pad};
        IntegerStep step;
        step.inputs = {c.addTensor({p.height, p.width, p.channels}, grid)};
        step.output =
            c.addTensor({p.outHeight, p.outWidth, p.channels}, kind == 2 ? outputGrid() : grid);
        step.work = PoolWork{p, kind == 0 ? PoolKind::Max : PoolKind::Average, kind == 1};
        if (kind == 2) {
            const ScaleRule rule = kRules[static_cast<std::size_t>(trial) % kRules.size()];
            step.requantization = c.requantization(rule, 1, 1000.0);
        }
        SCOPED_TRACE("trial " + std::to_string(trial));
        quick += c.agrees(step) ? 1 : 0;
        ASSERT_FALSE(testing::Test::HasFailure());
    }
    EXPECT_GT(quick, kTrials * 3 / 4);
}

TEST(CodeSteps, TablesAreExact)
{
    for (const GridCase& grid : kGrids) {
        StepCase c(static_cast<std::uint64_t>(grid.high));
        for (const GridCase& to : {outputGrid(), GridCase{0, -20000, 20000}}) {
            IntegerStep step;
            step.inputs = {c.addTensor({50, 7}, grid)};
            step.output = c.addTensor({50, 7}, to);
            TableWork work{grid.low, {}};
            for (std::int64_t code = grid.low; code <= grid.high; ++code) {
                work.levels.push_back(c.between(to.low, to.high));
            }
            step.work = std::move(work);
            EXPECT_TRUE(c.agrees(step));
        }
    }
}

} // namespace
} // namespace bitscape::graph
