// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/execution.h"
#include "core/search/calibration.h"
#include "core/train/initialize.h"
#include "tests/support/examples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace bitscape::search {
namespace {

using testing::HasSubstr;

constexpr double kFloatRounding = 1e-6;

struct Example {
    graph::GraphPtr graph = examples::smallCnn();
    graph::WeightSet weights = train::initialWeights(*graph, 2);
    train::Samples samples = examples::patterns(Shape{6, 6, 1}, 300, 3);
};

Calibration gathered(const Example& example, int threads = 1)
{
    Parallel parallel(threads);
    auto calibration = gather(example.graph, example.weights, example.samples, parallel);
    if (!calibration) {
        ADD_FAILURE() << calibration.error().sentence();
        return {};
    }
    return std::move(*calibration);
}

bool sameStatistics(const TensorStatistics& a, const TensorStatistics& b)
{
    return a.minimum == b.minimum && a.maximum == b.maximum && a.sum == b.sum &&
           a.sumOfSquares == b.sumOfSquares && a.count == b.count && a.zeros == b.zeros &&
           a.range == b.range && a.histogram == b.histogram;
}

TEST(Gather, summarizesEveryLayer)
{
    const Example example;
    const Calibration calibration = gathered(example);
    ASSERT_EQ(calibration.tensors.size(), example.graph->layers().size());
    EXPECT_EQ(calibration.samples, 300);
    for (std::size_t i = 0; i < calibration.tensors.size(); ++i) {
        const TensorStatistics& tensor = calibration.tensors[i];
        EXPECT_EQ(tensor.layer, example.graph->layer(static_cast<int>(i)).name);
        EXPECT_EQ(
            std::accumulate(tensor.histogram.begin(), tensor.histogram.end(), std::int64_t{0}),
            tensor.count);
        EXPECT_LE(-tensor.range, tensor.minimum);
        EXPECT_LT(tensor.maximum, tensor.range);
    }
    const TensorStatistics& input = *calibration.find("input");
    const auto values = example.samples.inputs.front().values();
    EXPECT_EQ(input.maximum, static_cast<double>(*std::ranges::max_element(values)));
    EXPECT_NEAR(input.mean(),
                std::accumulate(values.begin(), values.end(), 0.0) /
                    static_cast<double>(values.size()),
                kFloatRounding);
    EXPECT_EQ(calibration.find("relu")->minimum, 0.0);
    EXPECT_GT(calibration.find("relu")->zeros, 0);
    EXPECT_EQ(calibration.find("nothing"), nullptr);
}

TEST(Gather, givesTheSameForAnyThreads)
{
    const Example example;
    const Calibration one = gathered(example, 1);
    const Calibration two = gathered(example, 2);
    for (std::size_t i = 0; i < one.tensors.size(); ++i) {
        EXPECT_TRUE(sameStatistics(one.tensors[i], two.tensors[i])) << one.tensors[i].layer;
    }
}

TEST(Gather, doublesTheRangeWithoutLosingPlaces)
{
    Example example;
    // The first chunk (256 samples) is small, what follows is not.
    const Index size = 36;
    auto values = example.samples.inputs.front().values();
    std::ranges::fill(values, 0.25F);
    std::ranges::fill(values.subspan(static_cast<std::size_t>(size * 256)), -9.0F);
    const Calibration calibration = gathered(example);
    const TensorStatistics& input = *calibration.find("input");
    EXPECT_EQ(input.range, 16.0);
    const auto binOf = [&](double value) {
        return static_cast<std::size_t>((value + input.range) * TensorStatistics::kBins /
                                        (2 * input.range));
    };
    EXPECT_EQ(input.histogram[binOf(0.25)], size * 256);
    EXPECT_EQ(input.histogram[binOf(-9.0)], size * 44);
}

TEST(Gather, takesConstantAndZeroData)
{
    Example example;
    std::ranges::fill(example.samples.inputs.front().values(), 0.0F);
    const Calibration calibration = gathered(example);
    const TensorStatistics& input = *calibration.find("input");
    EXPECT_EQ(input.zeros, input.count);
    EXPECT_EQ(input.histogram[TensorStatistics::kBins / 2], input.count);
    Parallel parallel(1);
    EXPECT_TRUE(minMax(*example.graph, example.weights, calibration, {}).has_value());
}

TEST(Gather, refusesEmptyAndBrokenData)
{
    Example example;
    Parallel parallel(1);
    const train::Samples none = examples::patterns(Shape{6, 6, 1}, 0, 3);
    EXPECT_EQ(gather(example.graph, example.weights, none, parallel).error().code,
              ErrorCode::ShapeMismatch);
    example.samples.inputs.front().data()[5] = std::numeric_limits<float>::infinity();
    const auto broken = gather(example.graph, example.weights, example.samples, parallel);
    ASSERT_FALSE(broken.has_value());
    EXPECT_EQ(broken.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(broken.error().where, HasSubstr("input"));
}

TEST(Gather, aStopBeforeAnythingWasSeenCancels)
{
    const Example example;
    Parallel parallel(1);
    std::stop_source source;
    source.request_stop();
    const auto stopped = gather(example.graph, example.weights, example.samples, parallel,
                                {source.get_token(), nullptr});
    ASSERT_FALSE(stopped.has_value());
    EXPECT_EQ(stopped.error().code, ErrorCode::Canceled);
}

const TensorRange& row(const CalibrationResult& result, const std::string& layer,
                       const std::string& tensor)
{
    const auto found = std::ranges::find_if(result.tensors, [&](const TensorRange& candidate) {
        return candidate.layer == layer && candidate.tensor == tensor;
    });
    EXPECT_NE(found, result.tensors.end()) << layer << " " << tensor;
    return *found;
}

CalibrationResult mustChoose(const Example& example, const CalibrateOptions& options)
{
    auto result = minMax(*example.graph, example.weights, gathered(example), options);
    if (!result) {
        ADD_FAILURE() << result.error().sentence();
        return {};
    }
    return std::move(*result);
}

TEST(MinMax, affineScalesSpanTheRange)
{
    const Example example;
    const CalibrationResult result = mustChoose(example, {});
    const TensorRange& logits = row(result, "logits", "activation");
    const double span = std::max(logits.maximum, 0.0) - std::min(logits.minimum, 0.0);
    EXPECT_NEAR(logits.scale.front(), span / 255, kFloatRounding * span);
    EXPECT_EQ(logits.zeroPoint.front(), std::round(logits.zeroPoint.front()));
    EXPECT_EQ(logits.clippedFraction, 0.0);
    EXPECT_GT(logits.sqnrDb, 30.0); // about 6 dB per bit
    EXPECT_LT(logits.sqnrDb, 60.0);
}

TEST(MinMax, symmetricScalesAreOnePerChannelWhereAsked)
{
    const Example example;
    const CalibrationResult result =
        mustChoose(example, {.weightBits = 4, .scheme = Scheme::Symmetric, .perChannel = true});
    const TensorRange& kernel = row(result, "conv", "kernel");
    ASSERT_EQ(kernel.scale.size(), 4U);
    std::array<double, 4> largest{};
    const auto values = example.weights[0]->values();
    for (std::size_t i = 0; i < values.size(); ++i) {
        largest[i % 4] = std::max(largest[i % 4], std::abs(static_cast<double>(values[i])));
    }
    for (std::size_t c = 0; c < 4; ++c) {
        EXPECT_NEAR(kernel.scale[c], largest[c] / 7, kFloatRounding);
    }
    const TensorRange& relu = row(result, "relu", "activation");
    EXPECT_NEAR(relu.scale.front(), relu.maximum / 255, kFloatRounding); // unsigned codes
    EXPECT_EQ(relu.zeroPoint.front(), 0.0);
}

TEST(MinMax, powerOfTwoScalesArePowersThatClipNothing)
{
    const Example example;
    for (const bool perChannel : {false, true}) {
        const CalibrationResult result =
            mustChoose(example, {.scheme = Scheme::PowerOfTwo, .perChannel = perChannel});
        for (const TensorRange& tensor : result.tensors) {
            for (const double scale : tensor.scale) {
                EXPECT_EQ(std::log2(scale), std::round(std::log2(scale)))
                    << tensor.layer << " " << tensor.tensor;
            }
        }
        const TensorRange& relu = row(result, "relu", "activation");
        EXPECT_GE(relu.scale.front() * 255, relu.maximum);
        EXPECT_LT(relu.scale.front() * 255 / 2, relu.maximum);
    }
}

TEST(MinMax, quantizersSitWhereTheyReplaceNothingElse)
{
    const Example example;
    const CalibrationResult result = mustChoose(example, {});
    const graph::Configuration& configuration = result.configuration;
    EXPECT_NE(configuration.input, nullptr);
    EXPECT_NE(configuration.find("conv", graph::Slot::Kernel), nullptr);
    EXPECT_EQ(configuration.find("conv", graph::Slot::Activation), nullptr); // norm follows
    EXPECT_NE(configuration.find("relu", graph::Slot::Activation), nullptr);
    EXPECT_NE(configuration.find("logits", graph::Slot::Activation), nullptr);
    EXPECT_EQ(configuration.find("softmax", graph::Slot::Activation), nullptr);
}

TEST(MinMax, quantizedNetworkStaysNearTheFloatOne)
{
    const Example example;
    for (const bool fold : {false, true}) {
        for (const Scheme scheme : {Scheme::Affine, Scheme::Symmetric, Scheme::PowerOfTwo}) {
            const CalibrationResult result =
                mustChoose(example, {.scheme = scheme, .foldBatchNorm = fold});
            const auto exact = graph::InferencePlan::make(example.graph, {}, example.weights);
            const auto coarse =
                graph::InferencePlan::make(example.graph, result.configuration, example.weights);
            ASSERT_TRUE(exact.has_value() && coarse.has_value());
            Parallel parallel(1);
            const auto a = (*exact)->run(example.samples.views(), parallel);
            const auto b = (*coarse)->run(example.samples.views(), parallel);
            ASSERT_TRUE(a.has_value() && b.has_value());
            double largest = 0;
            for (Index i = 0; i < (*a)[0].size(); ++i) {
                largest = std::max(
                    largest, std::abs(static_cast<double>((*a)[0].data()[i] - (*b)[0].data()[i])));
            }
            constexpr double kEightBits = 0.1; // of a probability
            EXPECT_LT(largest, kEightBits);
            EXPECT_GT(largest, 0.0);
        }
    }
}

TEST(MinMax, refusesOptionsAndForeignStatistics)
{
    const Example example;
    const Calibration calibration = gathered(example);
    EXPECT_EQ(minMax(*example.graph, example.weights, calibration, {.weightBits = 1}).error().code,
              ErrorCode::InvalidArgument);
    const auto foreign = minMax(*example.graph, example.weights, {}, {});
    ASSERT_FALSE(foreign.has_value());
    EXPECT_THAT(foreign.error().where, HasSubstr("layer input"));
}

} // namespace
} // namespace bitscape::search
