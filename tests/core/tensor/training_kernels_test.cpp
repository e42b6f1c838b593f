// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/rng.h"
#include "core/tensor/kernels/training.h"
#include "tests/support/reference.h"

#include <gtest/gtest.h>

#include <cmath>

namespace bitscape::kernels {
namespace {

constexpr float kHalfUlps = 3e-7F; // relative; three rounded operations

/// Channel counts around whole vectors of every variant.
class Channels : public testing::TestWithParam<Index> {
protected:
    static constexpr Index kRows = 13;
    Index channels = GetParam();
    std::vector<float> a = reference::randomValues(kRows * channels, 1);
    std::vector<float> b = reference::randomValues(kRows * channels, 2);
    std::vector<float> first = reference::randomValues(channels, 3);
    std::vector<float> second = reference::randomValues(channels, 4);
    std::vector<float> third = reference::randomValues(channels, 5);
    [[nodiscard]] std::size_t at(Index row, Index c) const
    {
        return static_cast<std::size_t>(row * channels + c);
    }
};

TEST_P(Channels, SumsAreExactInDoubleAndContinueWhatIsThere)
{
    std::vector<double> sums(static_cast<std::size_t>(channels), 0.25);
    std::vector<double> products = sums;
    std::vector<double> alone = sums;
    channelSums(a.data(), b.data(), kRows, channels, sums.data(), products.data());
    channelSums(a.data(), nullptr, kRows, channels, alone.data(), nullptr);
    for (Index c = 0; c < channels; ++c) {
        double sum = 0.25;
        double product = 0.25;
        for (Index r = 0; r < kRows; ++r) {
            sum += static_cast<double>(a[at(r, c)]);
            product += static_cast<double>(a[at(r, c)]) * static_cast<double>(b[at(r, c)]);
        }
        const auto i = static_cast<std::size_t>(c);
        ASSERT_EQ(sums[i], sum);
        ASSERT_EQ(alone[i], sum);
        ASSERT_EQ(products[i], product);
    }
}

TEST_P(Channels, AffineRoundsProductAndSum)
{
    std::vector<float> y(a.size());
    affine(a.data(), kRows, channels, first.data(), second.data(), y.data());
    for (Index r = 0; r < kRows; ++r) {
        for (Index c = 0; c < channels; ++c) {
            const auto i = static_cast<std::size_t>(c);
            const volatile float product = a[at(r, c)] * first[i];
            ASSERT_EQ(y[at(r, c)], product + second[i]);
        }
    }
}

TEST_P(Channels, AffineOfTwoAddsOrOverwrites)
{
    for (const bool adds : {false, true}) {
        std::vector<float> y = reference::randomValues(std::ssize(a), 6);
        const std::vector<float> before = y;
        affine2(a.data(), first.data(), b.data(), second.data(), third.data(), kRows, channels,
                y.data(), adds);
        for (Index r = 0; r < kRows; ++r) {
            for (Index c = 0; c < channels; ++c) {
                const auto i = static_cast<std::size_t>(c);
                const std::size_t e = at(r, c);
                const double wanted = static_cast<double>(a[e]) * first[i] +
                                      static_cast<double>(b[e]) * second[i] + third[i] +
                                      (adds ? before[e] : 0.0F);
                const float size = std::abs(a[e] * first[i]) + std::abs(b[e] * second[i]) +
                                   std::abs(third[i]) + std::abs(before[e]);
                ASSERT_NEAR(y[e], wanted, kHalfUlps * size);
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Kernels, Channels, testing::Values(1, 2, 5, 8, 16, 19, 32, 64, 71, 130),
                         testing::PrintToStringParamName());

TEST(DropTest, KeepsWhatUniformAtSays)
{
    constexpr std::uint64_t kSeed = 77;
    constexpr std::uint64_t kFirst = 1000;
    const auto x = reference::randomValues(531, 1);
    for (const float rate : {0.2F, 0.25F, 0.5F, 0.999F}) {
        for (const bool adds : {false, true}) {
            std::vector<float> y = reference::randomValues(std::ssize(x), 2);
            const std::vector<float> before = y;
            drop(x.data(), std::ssize(x), {kSeed, kFirst, rate, 1.5F}, y.data(), adds);
            for (std::size_t i = 0; i < x.size(); ++i) {
                const float kept = uniformAt(kSeed, kFirst + i) >= rate ? 1.5F : 0.0F;
                ASSERT_EQ(y[i], (adds ? before[i] : 0.0F) + x[i] * kept);
            }
        }
    }
}

TEST(AdamTest, EqualsThePlainLoop)
{
    const Adam step{.gain1 = 0.1F, .gain2 = 0.001F, .scaled = 0.003F, .epsilon = 1e-7F};
    constexpr Index kCount = 77;
    for (const bool keepsPeak : {false, true}) {
        const auto gradient = reference::randomValues(kCount, 1);
        auto mean = reference::randomValues(kCount, 2);
        std::vector<float> square(kCount, 0.01F);
        std::vector<float> peak(kCount, 0.0102F);
        auto weight = reference::randomValues(kCount, 3);
        auto m = mean;
        auto s = square;
        auto p = peak;
        auto w = weight;
        adam(step, gradient.data(), kCount, m.data(), s.data(), keepsPeak ? p.data() : s.data(),
             w.data());
        for (std::size_t i = 0; i < gradient.size(); ++i) {
            mean[i] += (gradient[i] - mean[i]) * step.gain1;
            square[i] += (gradient[i] * gradient[i] - square[i]) * step.gain2;
            peak[i] = keepsPeak ? std::max(peak[i], square[i]) : square[i];
            weight[i] -= mean[i] * step.scaled / (std::sqrt(peak[i]) + step.epsilon);
            ASSERT_EQ(m[i], mean[i]);
            ASSERT_EQ(s[i], square[i]);
            ASSERT_EQ(keepsPeak ? p[i] : s[i], peak[i]);
            ASSERT_EQ(w[i], weight[i]);
        }
    }
}

} // namespace
} // namespace bitscape::kernels
