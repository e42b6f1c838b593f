// SPDX-License-Identifier: GPL-3.0-or-later
// The fast loops of the quantizers against their plain twins, bit by bit. The same program also
// runs on the variants for older processors (see CMakeLists.txt), so all variants give the same
// bits.
#include "core/base/rng.h"
#include "core/tensor/kernels/quantize.h"
#include "tests/support/quantize_twin.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

namespace bitscape::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// Lengths around the widths of vectors, and one long run.
constexpr std::ptrdiff_t kLengths[] = {0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 33, 64, 255, 257, 1000};

/// Random values of many sizes with ties, zeros, powers of two, huge, tiny and non-finite ones.
std::vector<float> samples(std::ptrdiff_t count, std::uint64_t seed)
{
    const std::vector<float> special{0.0F,      -0.0F,      0.5F,      -0.5F,  1.5F,   2.5F,
                                     -2.5F,     0.125F,     -0.25F,    1e-8F,  -1e-8F, 1e30F,
                                     -1e30F,    kNan,       8.0F,      -32.0F, 1e-40F, -1e-40F,
                                     kInfinity, -kInfinity, 8388609.0F};
    Rng rng(seed);
    std::vector<float> out;
    for (std::ptrdiff_t i = 0; i < count; ++i) {
        const std::uint64_t kind = rng.below(4);
        if (kind == 0) {
            out.push_back(special[rng.below(special.size())]);
        } else if (kind == 1) {
            out.push_back(static_cast<float>(static_cast<double>(rng.below(64)) / 16.0 - 2.0));
        } else {
            out.push_back(static_cast<float>(rng.normal() * std::exp2(rng.uniform(-12.0, 6.0))));
        }
    }
    return out;
}

bool sameBits(float a, float b)
{
    return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof(float)) == 0;
}

/// Twins may give −0 where the loops promise +0.
float plusZero(float value)
{
    return value + 0.0F;
}

/// Runs `kernel(x, y, count)` out of place and in place and compares with twin(x[i]).
template <class Kernel, class Twin>
void compare(Kernel kernel, Twin twin)
{
    for (const std::ptrdiff_t count : kLengths) {
        const std::vector<float> x = samples(count, static_cast<std::uint64_t>(count) + 1);
        std::vector<float> y(x.size());
        kernel(x.data(), y.data(), count);
        std::vector<float> inPlace = x;
        kernel(inPlace.data(), inPlace.data(), count);
        for (std::size_t i = 0; i < x.size(); ++i) {
            const float wanted = plusZero(twin(x[i]));
            ASSERT_TRUE(sameBits(y[i], wanted))
                << "length " << count << ", x = " << x[i] << ": " << y[i] << ", twin " << wanted;
            ASSERT_TRUE(sameBits(inPlace[i], wanted)) << "in place, x = " << x[i];
        }
    }
}

TEST(QuantizeKernels, gridEqualsTwin)
{
    for (const Grid& grid : {Grid{8.0F, 0.125F, -8.0F, 7.0F}, Grid{8.0F, 0.1F, 0.0F, 15.0F},
                             Grid{0x1p-20F, 0x1p20F, -127.0F, 127.0F}}) {
        compare([&](auto x, auto y, auto n) { quantizeGrid(x, y, n, grid); },
                [&](float x) { return twin::quantizeGrid(x, grid); });
    }
}

TEST(QuantizeKernels, affineEqualsTwin)
{
    for (const AffineGrid& grid :
         {AffineGrid{0.1F, -128.0F, 127.0F}, AffineGrid{0.0123F, -3.0F, 252.0F}}) {
        compare([&](auto x, auto y, auto n) { quantizeAffine(x, y, n, grid); },
                [&](float x) { return twin::quantizeAffine(x, grid); });
    }
}

TEST(QuantizeKernels, leakyEqualsTwin)
{
    for (const LeakyGrid& grid : {LeakyGrid{16.0F, 0.0625F, 15.0F, 0.25F, -4.0F, kInfinity},
                                  LeakyGrid{4.0F, 0.25F, 15.0F, 0.0F, 0.0F, 1.5F}}) {
        compare([&](auto x, auto y, auto n) { quantizeLeaky(x, y, n, grid); },
                [&](float x) { return twin::quantizeLeaky(x, grid); });
    }
}

TEST(QuantizeKernels, signAndTernaryEqualTwins)
{
    compare([](auto x, auto y, auto n) { quantizeSign(x, y, n, -2.0F, 2.0F); },
            [](float x) { return twin::quantizeSign(x, -2.0F, 2.0F); });
    compare([](auto x, auto y, auto n) { quantizeSign(x, y, n, 0.0F, 1.0F); },
            [](float x) { return twin::quantizeSign(x, 0.0F, 1.0F); });
    compare([](auto x, auto y, auto n) { quantizeTernary(x, y, n, 0.33F, 1.5F); },
            [](float x) { return twin::quantizeTernary(x, 0.33F, 1.5F); });
    compare([](auto x, auto y, auto n) { quantizeTernary(x, y, n, 0.0F, 1.0F); },
            [](float x) { return twin::quantizeTernary(x, 0.0F, 1.0F); });
}

TEST(QuantizeKernels, powersOfTwoEqualTwin)
{
    for (const bool quadratic : {false, true}) {
        for (const bool floor : {false, true}) {
            for (const float factor : {1.0F, 0.25F, 0.0F}) {
                for (const float limit : {kInfinity, 3.0F}) {
                    const PowerOfTwoGrid grid{-8,     quadratic ? 6 : 7, limit,
                                              factor, quadratic,         floor};
                    compare([&](auto x, auto y, auto n) { quantizePowerOfTwo(x, y, n, grid); },
                            [&](float x) { return twin::quantizePowerOfTwo(x, grid); });
                }
            }
        }
    }
}

TEST(QuantizeKernels, powersBelowTheSmallestNormalAreFlushed)
{
    const PowerOfTwoGrid grid{-128, 127, kInfinity, 0.0F, false, false};
    const float x = 0.0F;
    float y = 1.0F;
    quantizePowerOfTwo(&x, &y, 1, grid);
    EXPECT_EQ(y, 0.0F);
}

TEST(QuantizeKernels, reluAndMasksEqualTwins)
{
    compare([](auto x, auto y, auto n) { leakyRelu(x, y, n, 0.25F, 3.0F); },
            [](float x) { return twin::leakyRelu(x, 0.25F, 3.0F); });
    for (const std::ptrdiff_t count : kLengths) {
        const std::vector<float> x = samples(count, 5);
        const std::vector<float> g = samples(count, 6);
        std::vector<float> relu(x.size());
        std::vector<float> clipped = g; // in place
        leakyReluGradient(x.data(), g.data(), relu.data(), count, 0.5F, 2.0F);
        clipGradient(x.data(), clipped.data(), clipped.data(), count, -1.0F, 2.0F);
        for (std::size_t i = 0; i < x.size(); ++i) {
            ASSERT_TRUE(sameBits(relu[i], twin::leakyReluGradient(x[i], g[i], 0.5F, 2.0F)));
            ASSERT_TRUE(sameBits(clipped[i], twin::clipGradient(x[i], g[i], -1.0F, 2.0F)));
        }
    }
}

TEST(QuantizeKernels, blendTakesAShare)
{
    const std::vector<float> x = samples(100, 9);
    std::vector<float> y = samples(100, 10);
    const std::vector<float> before = y;
    blend(x.data(), y.data(), 100, 0.25F);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const float wanted = 0.75F * x[i] + 0.25F * before[i];
        ASSERT_TRUE(sameBits(y[i], wanted));
    }
}

/// Matrices from one column to many; a column of one step takes another path.
class ByChannel : public testing::TestWithParam<std::ptrdiff_t> {};

TEST_P(ByChannel, equalsTwin)
{
    const std::ptrdiff_t channels = GetParam();
    constexpr std::ptrdiff_t kRows = 7;
    const std::vector<float> x = samples(kRows * channels, 3);
    std::vector<float> step;
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        step.push_back(0.07F + 0.01F * static_cast<float>(c));
    }
    std::vector<float> z(x.size());
    roundAwayByChannel(x.data(), z.data(), kRows, channels, 0.5F, step.data(), 7.0F);
    std::vector<float> even(x.size());
    roundEvenByChannel(x.data(), even.data(), kRows, channels, step.data(), -8.0F, 7.0F);
    std::vector<float> y(x.size());
    scaleByChannel(z.data(), y.data(), kRows, channels, step.data());
    std::vector<float> largest(step.size(), 0.0F);
    maxAbsByChannel(x.data(), kRows, channels, largest.data());
    std::vector<float> wantedLargest(step.size(), 0.0F);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t c = i % step.size();
        const float code = plusZero(twin::roundAway(x[i], 0.5F, step[c], 7.0F));
        ASSERT_TRUE(sameBits(z[i], code)) << "x = " << x[i] << ": " << z[i] << ", twin " << code;
        ASSERT_TRUE(sameBits(y[i], plusZero(code * step[c])));
        ASSERT_TRUE(sameBits(even[i], plusZero(twin::roundEven(x[i], step[c], -8.0F, 7.0F))))
            << "x = " << x[i];
        if (!std::isnan(x[i])) {
            wantedLargest[c] = std::max(wantedLargest[c], std::abs(x[i]));
        }
    }
    EXPECT_EQ(largest, wantedLargest);
}

TEST_P(ByChannel, sumsEqualTwin)
{
    const std::ptrdiff_t channels = GetParam();
    constexpr std::ptrdiff_t kRows = 9;
    std::vector<float> x;
    std::vector<float> z;
    Rng rng(4);
    for (std::ptrdiff_t i = 0; i < kRows * channels; ++i) {
        x.push_back(static_cast<float>(rng.normal()));
        z.push_back(static_cast<float>(rng.below(15)) - 7.0F);
    }
    const auto size = static_cast<std::size_t>(channels);
    std::vector<double> products(size, 0.0);
    std::vector<double> squares(size, 0.0);
    sumProductsByChannel(x.data(), z.data(), kRows, channels, 2.0F, products.data(),
                         squares.data());
    std::vector<double> wantedProducts(size, 0.0);
    std::vector<double> wantedSquares(size, 0.0);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double code = z[i];
        wantedProducts[i % size] += static_cast<double>(x[i] * 2.0F) * code;
        wantedSquares[i % size] += code * code;
    }
    EXPECT_EQ(products, wantedProducts);
    EXPECT_EQ(squares, wantedSquares);
}

/// Steps of every kind: powers of two, others, and ones beyond the ordinary.
std::vector<std::vector<float>> stepsOf(std::ptrdiff_t channels)
{
    std::vector<float> powers;
    std::vector<float> others;
    std::vector<float> strange;
    const std::vector<float> special{0.0F, 1e-40F, 0x1p-126F, 0x1p127F, kInfinity, kNan, 3e38F};
    for (std::ptrdiff_t c = 0; c < channels; ++c) {
        powers.push_back(std::exp2(static_cast<float>(c % 5 - 4)));
        others.push_back(0.05F + 0.013F * static_cast<float>(c));
        strange.push_back(special[static_cast<std::size_t>(c) % special.size()]);
    }
    return {powers, others, strange};
}

/// Values and, next to half of every step, where codes change.
std::vector<float> around(const std::vector<float>& step, std::ptrdiff_t rows)
{
    std::vector<float> x = samples(rows * std::ssize(step), 11);
    for (std::size_t i = 0; i < x.size(); i += 3) {
        const float half = step[i % step.size()] / 2.0F;
        const float next = std::nextafter(half, kInfinity);
        x[i] = i % 2 == 0 ? next : (i % 5 == 0 ? std::nextafter(next, kInfinity) : -half);
    }
    return x;
}

/// `quantize(x, y)` and `sum(x, products, squares)` against codes of one element.
template <class Quantize, class Sum, class Code>
void compareFit(const std::vector<float>& x, const std::vector<float>& output, float factor,
                Quantize quantize, Sum sum, Code code)
{
    const std::size_t channels = output.size();
    std::vector<float> y(x.size());
    quantize(x.data(), y.data());
    std::vector<float> inPlace = x;
    quantize(inPlace.data(), inPlace.data());
    std::vector<double> products(channels, 0.0);
    std::vector<double> squares(channels, 0.0);
    sum(x.data(), products.data(), squares.data());
    std::vector<double> wantedProducts(channels, 0.0);
    std::vector<double> wantedSquares(channels, 0.0);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t c = i % channels;
        const float z = code(x[i], c);
        const float wanted = plusZero(z * output[c]);
        ASSERT_TRUE(sameBits(y[i], wanted)) << "x = " << x[i] << ": " << y[i] << ", " << wanted;
        ASSERT_TRUE(sameBits(inPlace[i], wanted)) << "in place, x = " << x[i];
        wantedProducts[c] += static_cast<double>(x[i] * factor) * static_cast<double>(z);
        wantedSquares[c] += static_cast<double>(z) * static_cast<double>(z);
    }
    for (std::size_t c = 0; c < channels; ++c) {
        const bool isNan = std::isnan(wantedProducts[c]);
        EXPECT_TRUE(isNan ? std::isnan(products[c]) : products[c] == wantedProducts[c]);
        EXPECT_TRUE(isNan ||
                    squares[c] == wantedSquares[c]); // where NaN reaches the quotient anyway
    }
}

TEST_P(ByChannel, fitsEqualTwins)
{
    const std::ptrdiff_t channels = GetParam();
    constexpr std::ptrdiff_t kRows = 37;
    const std::vector<float> output(static_cast<std::size_t>(channels), 0.75F);
    for (const std::vector<float>& step : stepsOf(channels)) {
        const std::vector<float> x = around(step, kRows);
        for (const float top : {0.0F, 7.0F, 5000.0F}) {
            compareFit(
                x, output, 0.5F,
                [&](const float* from, float* to) {
                    quantizeAwayByChannel(from, to, kRows, channels, 0.5F, step.data(), top,
                                          output.data());
                },
                [&](const float* from, double* products, double* squares) {
                    sumAwayByChannel(from, kRows, channels, 0.5F, step.data(), top,
                                     {products, squares, nullptr});
                },
                [&](float value, std::size_t c) {
                    return twin::roundAway(value, 0.5F, step[c], top);
                });
        }
        compareFit(
            x, output, 1.0F,
            [&](const float* from, float* to) {
                quantizeTernaryByChannel(from, to, kRows, channels, step.data(), output.data());
            },
            [&](const float* from, double* products, double* squares) {
                sumTernaryByChannel(from, kRows, channels, step.data(),
                                    {products, squares, nullptr});
            },
            [&](float value, std::size_t c) { return twin::ternaryCode(value, step[c]); });
        for (const float negative : {-1.0F, 0.0F}) {
            compareFit(
                x, output, 1.0F,
                [&](const float* from, float* to) {
                    quantizeSignByChannel(from, to, kRows, channels, negative, output.data());
                },
                [&](const float* from, double* products, double* squares) {
                    sumSignByChannel(from, kRows, channels, negative, {products, squares, nullptr});
                },
                [&](float value, std::size_t) {
                    return twin::quantizeSign(value, negative, 1.0F);
                });
        }
    }
}

TEST_P(ByChannel, settledChannelsMayBeLeftOut)
{
    const std::ptrdiff_t channels = GetParam();
    const auto size = static_cast<std::size_t>(channels);
    const std::vector<float> step(size, 0.3F);
    const std::vector<float> x(size * 5, 1.0F);
    const std::vector<unsigned char> settled(size, 1);
    std::vector<unsigned char> open = settled;
    open.back() = 0;
    std::vector<double> products(size, 0.0);
    std::vector<double> squares(size, 0.0);
    sumTernaryByChannel(x.data(), 5, channels, step.data(),
                        {products.data(), squares.data(), open.data()});
    EXPECT_EQ(products.back(), 5.0);
    EXPECT_EQ(squares.back(), 5.0);
}

TEST(QuantizeKernels, largeResultsThatPassTheCachesByEqualSmallOnes)
{
    constexpr std::ptrdiff_t kCount = (std::ptrdiff_t{4} << 20) + 11;
    const std::vector<float> some = samples(4096, 12);
    std::vector<float> x;
    while (std::ssize(x) < kCount) {
        x.insert(x.end(), some.begin(), some.end());
    }
    const Grid grid{8.0F, 0.125F, -8.0F, 7.0F};
    std::vector<float> y(x.size());
    quantizeGrid(x.data() + 3, y.data() + 1, kCount - 3, grid); // neither lies on whole vectors
    std::vector<float> wanted(some.size());
    quantizeGrid(some.data(), wanted.data(), std::ssize(some), grid);
    for (std::size_t i = 3; i < static_cast<std::size_t>(kCount); ++i) {
        ASSERT_TRUE(sameBits(y[i - 2], wanted[i % some.size()])) << i;
    }
    EXPECT_EQ(y.front(), 0.0F);
}

INSTANTIATE_TEST_SUITE_P(Widths, ByChannel, testing::Values(1, 2, 5, 8, 16, 19, 40));

} // namespace
} // namespace bitscape::kernels
