// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/rng.h"
#include "core/quant/quantizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

namespace bitscape::quant {
namespace {

using testing::ElementsAre;

QuantizerPtr parsed(const std::string& text)
{
    auto quantizer = parseQuantizer(text);
    if (!quantizer) {
        throw std::runtime_error(quantizer.error().sentence());
    }
    return *quantizer;
}

std::vector<float> valuesOf(const Quantizer& quantizer, const std::vector<float>& x)
{
    const Tensor in(Shape{static_cast<Index>(x.size())}, x);
    Tensor out(in.shape());
    quantizer.apply(in.view(), out.mutableView(), {});
    return {out.values().begin(), out.values().end()};
}

double squaredError(const std::vector<float>& x, const std::vector<float>& y)
{
    double sum = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
        sum += std::pow(static_cast<double>(x[i]) - static_cast<double>(y[i]), 2);
    }
    return sum;
}

TEST(Codebook, takesTheNearestOfItsValuesAndTheLowerAtATie)
{
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const QuantizerPtr q = parsed("codebook([2.0 -1.0 0.5])");
    EXPECT_THAT(valuesOf(*q, {-9.0F, -0.25F, -0.24F, 1.25F, 1.3F, kInfinity, -kInfinity}),
                ElementsAre(-1.0F, -1.0F, 0.5F, 0.5F, 2.0F, 2.0F, -1.0F));
    const Tensor x(Shape{3}, std::vector<float>{-1.0F, 0.5F, 2.0F});
    EXPECT_THAT(q->codes(x.view(), {})->values(), ElementsAre(0.0F, 1.0F, 2.0F));
    EXPECT_EQ(q->bits(), 2);
    EXPECT_EQ(q->min(), -1.0);
    EXPECT_EQ(q->max(), 2.0);
    EXPECT_EQ(parsed("codebook([1 2],bits=4)")->bits(), 4);
}

TEST(Codebook, refusesListsThatDoNotFit)
{
    for (const char* text : {"codebook([])", "codebook([1 2 3],bits=1)", "codebook(bits=9)",
                             "codebook(bits=0)", "codebook(['a'])"}) {
        EXPECT_FALSE(parseQuantizer(text)) << text;
    }
    EXPECT_FALSE(parsed("codebook([1 2 3])")->withBits(1));
    EXPECT_EQ((*parsed("codebook(bits=3)")->withBits(5))->bits(), 5);
}

TEST(Codebook, fewDistinctValuesAreKeptExactly)
{
    const std::vector<float> x{0.3F, -0.7F, 0.3F, 1.1F, -0.7F};
    EXPECT_EQ(valuesOf(*parsed("codebook(bits=2)"), x), x);
    EXPECT_EQ(valuesOf(*parsed("codebook(bits=1)"), {1.0F, 1.1F, 5.0F, 5.3F}),
              (std::vector<float>{1.05F, 1.05F, 5.15F, 5.15F}));
}

TEST(Codebook, beatsAUniformGridOfTheSameWidth)
{
    Rng rng(4);
    std::vector<float> x;
    for (int i = 0; i < 4000; ++i) {
        x.push_back(static_cast<float>(rng.normal()));
    }
    const double clustered = squaredError(x, valuesOf(*parsed("codebook(bits=4)"), x));
    const double uniform = squaredError(x, valuesOf(*parsed("affine(4)"), x));
    EXPECT_LT(clustered, 0.5 * uniform);
    // Lloyd's optimum for a normal distribution and 16 levels is 0.009497.
    EXPECT_NEAR(clustered / static_cast<double>(x.size()), 0.0095, 0.0006);
}

/// Least squared error of sorted numbers in `count` clusters, by trying all cuts.
double leastError(const std::vector<double>& sorted, std::size_t from, int count)
{
    const std::size_t size = sorted.size();
    if (count == 0 || from == size) {
        return from == size ? 0.0 : std::numeric_limits<double>::infinity();
    }
    double best = std::numeric_limits<double>::infinity();
    for (std::size_t end = from + 1; end <= size; ++end) {
        double mean = 0.0;
        for (std::size_t i = from; i < end; ++i) {
            mean += sorted[i] / static_cast<double>(end - from);
        }
        double error = 0.0;
        for (std::size_t i = from; i < end; ++i) {
            error += (sorted[i] - mean) * (sorted[i] - mean);
        }
        best = std::min(best, error + leastError(sorted, end, count - 1));
    }
    return best;
}

RC_GTEST_PROP(CodebookProperty, findsTheLeastErrorOfAll, ())
{
    const auto numbers = *rc::gen::container<std::vector<int>>(9, rc::gen::inRange(-300, 301));
    std::vector<float> x;
    for (const int number : numbers) {
        x.push_back(static_cast<float>(number) / 64.0F);
    }
    std::vector<double> sorted(x.begin(), x.end());
    std::ranges::sort(sorted);
    const int bits = *rc::gen::inRange(1, 3);
    const QuantizerPtr q = parsed("codebook(bits=" + std::to_string(bits) + ")");
    constexpr double kRounding = 1e-5;
    RC_ASSERT(squaredError(x, valuesOf(*q, x)) <= leastError(sorted, 0, 1 << bits) + kRounding);
}

RC_GTEST_PROP(CodebookProperty, everyLevelIsTheMeanOfWhatItStandsFor, ())
{
    const auto numbers = *rc::gen::container<std::vector<int>>(60, rc::gen::inRange(-3000, 3001));
    std::vector<float> x;
    for (const int number : numbers) {
        x.push_back(static_cast<float>(number) / 256.0F);
    }
    const int bits = *rc::gen::inRange(1, 5);
    const QuantizerPtr q = parsed("codebook(bits=" + std::to_string(bits) + ")");
    const std::vector<float> y = valuesOf(*q, x);
    RC_ASSERT(y == valuesOf(*q, x));
    std::map<float, std::pair<double, double>> clusters;
    for (std::size_t i = 0; i < x.size(); ++i) {
        clusters[y[i]].first += static_cast<double>(x[i]);
        clusters[y[i]].second += 1.0;
    }
    RC_ASSERT(clusters.size() <= (std::size_t{1} << bits));
    for (const auto& [level, sum] : clusters) {
        RC_ASSERT(std::abs(sum.first / sum.second - static_cast<double>(level)) < 1e-5);
    }
}

} // namespace
} // namespace bitscape::quant
