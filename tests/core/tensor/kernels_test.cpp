// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/kernels/kernels.h"
#include "tests/support/reference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <ostream>

namespace bitscape::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr double kFewUlps = 4e-7; // relative; of functions built from one exponential

struct FunctionCase {
    const char* name;
    void (*kernel)(const float*, Index, float*);
    double (*exact)(double);
};

std::ostream& operator<<(std::ostream& out, const FunctionCase& c)
{
    return out << c.name;
}

class Functions : public testing::TestWithParam<FunctionCase> {};

TEST_P(Functions, AreExactToAFewUnitsInTheLastPlace)
{
    std::vector<float> x{0.0F, -0.0F, 1e-30F, -1e-8F, 80.0F, -80.0F, -87.0F, 0.625F, -0.625F};
    for (int i = -4000; i <= 4000; ++i) {
        x.push_back(static_cast<float>(i) * 0.0037F);
    }
    std::vector<float> y(x.size());
    GetParam().kernel(x.data(), static_cast<Index>(x.size()), y.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double wanted = GetParam().exact(static_cast<double>(x[i]));
        ASSERT_NEAR(y[i], wanted, kFewUlps * std::abs(wanted) + 1e-38) << "at " << x[i];
    }
}

TEST_P(Functions, DoNotDependOnThePlaceInTheArray)
{
    const auto x = reference::randomValues(67, 3);
    std::vector<float> all(x.size());
    GetParam().kernel(x.data(), 67, all.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
        float one = 0.0F;
        GetParam().kernel(&x[i], 1, &one);
        ASSERT_EQ(one, all[i]);
    }
}

INSTANTIATE_TEST_SUITE_P(
    Kernels, Functions,
    testing::Values(
        FunctionCase{"exponential", exponential, [](double x) { return std::exp(x); }},
        FunctionCase{"sigmoid", sigmoid, [](double x) { return 1.0 / (1.0 + std::exp(-x)); }},
        FunctionCase{"tanh", tanh, [](double x) { return std::tanh(x); }},
        FunctionCase{"swish", swish, [](double x) { return x / (1.0 + std::exp(-x)); }},
        FunctionCase{"softsign", softsign, [](double x) { return x / (1.0 + std::abs(x)); }},
        FunctionCase{
            "softplus", softplus,
            [](double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }}),
    testing::PrintToStringParamName());

TEST(ExponentialTest, SaturatesAndPassesNan)
{
    const std::vector<float> x{kInfinity, -kInfinity, 1000.0F, -1000.0F, NAN, 88.7F};
    std::vector<float> y(x.size());
    exponential(x.data(), static_cast<Index>(x.size()), y.data());
    EXPECT_EQ(y[0], kInfinity);
    EXPECT_EQ(y[1], 0.0F);
    EXPECT_EQ(y[2], kInfinity);
    EXPECT_EQ(y[3], 0.0F);
    EXPECT_TRUE(std::isnan(y[4]));
    EXPECT_NEAR(y[5] / std::exp(88.7F), 1.0, 1e-6);
}

TEST(ReluTest, PassesNanAndKeepsInfinities)
{
    const std::vector<float> x{NAN, -kInfinity, kInfinity, -1.0F, 2.0F};
    std::vector<float> y(x.size());
    relu({}, x.data(), static_cast<Index>(x.size()), y.data());
    EXPECT_TRUE(std::isnan(y[0]));
    EXPECT_EQ(y[1], 0.0F);
    EXPECT_EQ(y[2], kInfinity);
    EXPECT_EQ(y[3], 0.0F);
    relu({.slope = 0.5F, .maximum = 1.5F}, x.data(), static_cast<Index>(x.size()), y.data());
    EXPECT_TRUE(std::isnan(y[0]));
    EXPECT_EQ(y[1], -kInfinity);
    EXPECT_EQ(y[3], -0.5F);
    EXPECT_EQ(y[4], 1.5F);
}

TEST(SoftmaxTest, SumsToOneWithoutOverflow)
{
    std::vector<float> x = reference::randomValues(3 * 21, 5);
    x[4] = 500.0F;
    std::vector<float> y(x.size());
    softmax(x.data(), 3, 21, y.data());
    for (int row = 0; row < 3; ++row) {
        double sum = 0.0;
        for (int c = 0; c < 21; ++c) {
            sum += static_cast<double>(y[static_cast<std::size_t>(row * 21 + c)]);
        }
        EXPECT_NEAR(sum, 1.0, 1e-6);
    }
    EXPECT_EQ(y[4], 1.0F);
}

TEST(ProductTest, EveryElementIsOneChainOfOperations)
{
    // A row must not know how many rows, columns or images are around it.
    const Index depth = 37;
    const Index columns = 3 * 16 + 5;
    const Index rows = 29;
    const auto a = reference::randomValues(rows * depth, 1);
    const auto b = reference::randomValues(depth * columns, 2);
    std::vector<Index> from;
    std::vector<Index> to;
    for (Index r = 0; r < rows; ++r) {
        from.push_back(r * depth);
        to.push_back(r * columns);
    }
    const Index zero = 0;
    std::vector<float> packed(static_cast<std::size_t>(packedSize(depth, columns)));
    pack(b.data(), columns, 1, 0, depth, depth, columns, packed.data());
    const Gather gather{a.data(), 0, from.data(), rows, &zero, 1, depth};
    std::vector<float> all(static_cast<std::size_t>(rows * columns));
    multiply(gather, 0, rows, packed.data(), columns, {}, {all.data(), 0, to.data()});

    const std::vector<Index> here(static_cast<std::size_t>(rows), 0);
    std::vector<float> narrow(static_cast<std::size_t>(packedSize(depth, 1)));
    for (Index n = 0; n < columns; n += 7) {
        pack(b.data() + n, columns, 1, 0, depth, depth, 1, narrow.data());
        for (Index r = 0; r < rows; ++r) {
            float one = 0.0F;
            multiply(gather, r, 1, narrow.data(), 1, {}, {&one, 0, here.data()});
            ASSERT_EQ(one, all[static_cast<std::size_t>(r * columns + n)]);
        }
    }
}

TEST(PoolTest, TheFirstOfEqualElementsGetsTheGradient)
{
    const Pool pool{.height = 2,
                    .width = 2,
                    .channels = 1,
                    .outHeight = 1,
                    .outWidth = 1,
                    .windowHeight = 2,
                    .windowWidth = 2};
    const std::vector<float> x{1.0F, 3.0F, 3.0F, 3.0F};
    const float dy = 5.0F;
    float y = 0.0F;
    float open = 0.0F;
    std::vector<float> dx(4);
    maxPool(pool, x.data(), &y);
    EXPECT_EQ(y, 3.0F);
    maxPoolGradient(pool, x.data(), &y, &dy, dx.data(), &open);
    EXPECT_EQ(dx, (std::vector<float>{0.0F, 5.0F, 0.0F, 0.0F}));
}

TEST(VariantTest, IsTheOneThatWasAskedFor)
{
    const std::string name = variant();
    EXPECT_TRUE(name == "baseline" || name == "v3" || name == "v4");
    if (const char* wanted = std::getenv("BITSCAPE_TEST_VARIANT")) { // set by ctest, see CMakeLists
        EXPECT_EQ(name, wanted);
    }
}

} // namespace
} // namespace bitscape::kernels
