// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/rng.h"
#include "core/tensor/byte_convolution.h"
#include "tests/support/reference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <ostream>
#include <span>

namespace bitscape {
namespace {

constexpr ByteConvolution::InputGrid kGrid{0.0625F, 15};

/// Multiples of a step, in low … high steps.
std::vector<float> levels(Index count, float step, int low, int high, std::uint64_t seed)
{
    Rng rng(seed);
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) {
        const auto range = static_cast<std::uint64_t>(high - low + 1);
        value = step * static_cast<float>(low + static_cast<int>(rng.below(range)));
    }
    return values;
}

TEST(ByteKernelsTest, BytesAreTakenFromTheGridAlone)
{
    for (const Index count : {1, 15, 16, 33, 67}) {
        auto x = levels(count, kGrid.step, 0, kGrid.largest, 1);
        std::vector<std::uint8_t> bytes(x.size() + 1, 77);
        ASSERT_TRUE(kernels::toBytes(x.data(), count, 16.0F, kGrid.largest, bytes.data()));
        for (std::size_t i = 0; i < x.size(); ++i) {
            ASSERT_EQ(static_cast<float>(bytes[i]) * kGrid.step, x[i]);
        }
        ASSERT_EQ(bytes.back(), 77);
        for (const float wrong :
             {-kGrid.step, 1.0F, 0.03F, 1e30F, -1e30F, std::numeric_limits<float>::quiet_NaN(),
              std::numeric_limits<float>::infinity()}) {
            x.back() = wrong;
            ASSERT_FALSE(kernels::toBytes(x.data(), count, 16.0F, kGrid.largest, bytes.data()));
        }
    }
}

TEST(ByteKernelsTest, ProductsEqualTheSumsOfTheFloats)
{
    constexpr Index kDepth = 24;
    constexpr Index kRows = 11;
    for (const Index columns : {1, 7, 16, 31, 32, 50}) {
        if (!kernels::multipliesBytes() && std::string_view(kernels::variant()) == "v4") {
            GTEST_SKIP() << "the processor has no byte products";
        }
        const auto matrix = levels(kDepth * columns, 0.25F, -7, 7, 2);
        const auto x = levels(kRows * kDepth, kGrid.step, 0, kGrid.largest, 3);
        const auto bias = reference::randomValues(columns, 4);
        const auto size = static_cast<std::size_t>(columns);
        std::vector<std::int32_t> packed(
            static_cast<std::size_t>(kernels::packedByteWords(kDepth, columns)));
        std::vector<float> steps(size);
        std::vector<float> sums(size);
        ASSERT_TRUE(kernels::packBytes(matrix.data(), kDepth, columns, packed.data(), steps.data(),
                                       sums.data()));
        std::vector<std::uint8_t> bytes(x.size());
        ASSERT_TRUE(kernels::toBytes(x.data(), std::ssize(x), 16.0F, 15, bytes.data()));
        std::vector<Index> rows;
        std::vector<Index> targets;
        for (Index r = 0; r < kRows; ++r) {
            rows.push_back(r * kDepth);
            targets.push_back(r * columns);
        }
        for (float& step : steps) {
            step *= kGrid.step;
        }
        const Index segment = 0;
        std::vector<float> y(static_cast<std::size_t>(kRows * columns));
        kernels::multiplyBytes({std::as_bytes(std::span(bytes)).data(), 0, rows.data(), kRows,
                                &segment, 1, kDepth / 4},
                               0, kRows, packed.data(), columns, steps.data(),
                               {.bias = bias.data(), .clamps = true, .low = -1.0F, .high = 2.0F},
                               {y.data(), 0, targets.data()});
        for (Index r = 0; r < kRows; ++r) {
            for (Index n = 0; n < columns; ++n) {
                float sum = 0.0F;
                for (Index k = 0; k < kDepth; ++k) {
                    sum += x[static_cast<std::size_t>(r * kDepth + k)] *
                           matrix[static_cast<std::size_t>(k * columns + n)];
                }
                const float wanted =
                    std::clamp(sum + bias[static_cast<std::size_t>(n)], -1.0F, 2.0F);
                ASSERT_EQ(y[static_cast<std::size_t>(r * columns + n)], wanted);
            }
        }
    }
}

TEST(ByteKernelsTest, AKernelOffItsGridIsRefused)
{
    std::vector<float> matrix{0.5F, 0.25F, -0.5F, 0.3F}; // 64 steps of 2⁻⁷: 0.3 lies between
    std::vector<std::int32_t> packed(64);
    float step = 0.0F;
    float sum = 0.0F;
    EXPECT_FALSE(kernels::packBytes(matrix.data(), 4, 1, packed.data(), &step, &sum));
    matrix[3] = 0.0F;
    EXPECT_TRUE(kernels::packBytes(matrix.data(), 4, 1, packed.data(), &step, &sum));
    EXPECT_EQ(step, 0.5F / 64.0F);
    EXPECT_EQ(sum, 160.0F);
}

struct GeometryCase {
    const char* name;
    ConvolutionGeometry g;
};

std::ostream& operator<<(std::ostream& out, const GeometryCase& c)
{
    return out << c.name;
}

class Bytes : public testing::TestWithParam<GeometryCase> {
protected:
    void SetUp() override
    {
        if (!kernels::multipliesBytes()) {
            GTEST_SKIP() << "the processor, or this variant, has no byte products";
        }
        bytes = ByteConvolution::make(g);
        ASSERT_NE(bytes, nullptr);
    }
    static constexpr Index kImages = 5;
    const ConvolutionGeometry& g = GetParam().g;
    std::unique_ptr<const Convolution> plain = makeConvolution(g);
    std::unique_ptr<ByteConvolution> bytes;
    std::vector<float> kernel = levels(plain->kernelSize(), 0.125F, -7, 7, 1);
    std::vector<float> x = levels(kImages * g.inputSize(), kGrid.step, 0, kGrid.largest, 2);
    std::vector<float> bias = reference::randomValues(g.filters, 3);
    std::vector<float> scale = reference::randomValues(g.filters, 4);
    std::vector<float> shift = reference::randomValues(g.filters, 5);
    std::vector<float> addend = reference::randomValues(kImages * g.outputSize(), 6);
    kernels::Finish finish{.bias = bias.data(),
                           .scale = scale.data(),
                           .shift = shift.data(),
                           .clamps = true,
                           .low = 0.0F,
                           .high = 6.0F,
                           .addend = addend.data()};
};

TEST_P(Bytes, GiveTheBitsOfTheFloats)
{
    ASSERT_TRUE(bytes->pack(kernel.data(), kGrid));
    std::vector<float> packed(static_cast<std::size_t>(plain->packedSize()));
    plain->pack(kernel.data(), packed.data());
    std::vector<float> scratch(
        static_cast<std::size_t>(std::max(plain->scratchSize(), bytes->scratchSize())));
    std::vector<float> wanted(static_cast<std::size_t>(kImages * g.outputSize()));
    std::vector<float> got = wanted;
    plain->forward(x.data(), kImages, packed.data(), finish, wanted.data(), scratch.data());
    Index next = 0;
    const auto done = [&](Index first, Index count) {
        EXPECT_EQ(first, next);
        next += count;
    };
    EXPECT_EQ(
        bytes->forward(x.data(), kImages, finish, got.data(), scratch.data(), BlockDone(done)),
        kImages);
    EXPECT_EQ(next, kImages * g.outputSize());
    EXPECT_EQ(got, wanted);
}

TEST_P(Bytes, StopBeforeAnImageThatIsNotOnTheGrid)
{
    ASSERT_TRUE(bytes->pack(kernel.data(), kGrid));
    x[static_cast<std::size_t>(4 * g.inputSize() - 1)] = 0.01F; // the last value of image 3
    std::vector<float> scratch(static_cast<std::size_t>(bytes->scratchSize()));
    std::vector<float> y(static_cast<std::size_t>(kImages * g.outputSize()));
    EXPECT_LE(bytes->forward(x.data(), kImages, finish, y.data(), scratch.data(), {}), 3);
}

TEST_P(Bytes, RefuseSumsThatFloatsWouldRound)
{
    // 127 steps everywhere: the sums of many terms need more than 24 bits.
    std::ranges::fill(kernel, 127.0F);
    const bool isExact =
        127.0F * 255.0F * static_cast<float>(plain->kernelSize() / g.filters) < 0x1.0p24F;
    EXPECT_EQ(bytes->pack(kernel.data(), {1.0F, 255}), isExact);
}

INSTANTIATE_TEST_SUITE_P(
    Convolution, Bytes,
    testing::Values(GeometryCase{"same3x3", {9, 7, 16, 9, 7, 16, 3, 3, 1, 1, 1, 1, 1, 1}},
                    GeometryCase{"strided", {11, 10, 4, 5, 5, 33, 3, 2, 2, 2, 1, 1, 0, 0}},
                    GeometryCase{"stridedSame", {8, 8, 8, 4, 4, 20, 3, 3, 2, 2, 1, 1, 0, 0}},
                    GeometryCase{"dilated", {12, 12, 8, 8, 8, 5, 3, 3, 1, 1, 2, 2, 0, 0}},
                    GeometryCase{"pointwise", {5, 5, 12, 5, 5, 64}},
                    GeometryCase{"strideSkipsTheEnd", {8, 8, 16, 4, 4, 32, 1, 1, 2, 2}},
                    GeometryCase{"dense", {1, 1, 640, 1, 1, 10}},
                    GeometryCase{"manyTerms", {4, 4, 256, 2, 2, 3, 3, 3}}),
    testing::PrintToStringParamName());

TEST(ByteConvolutionTest, RunsOfOddLengthAreRefused)
{
    EXPECT_EQ(ByteConvolution::make({.channels = 3, .filters = 4}), nullptr);
    EXPECT_EQ(ByteConvolution::make({.channels = 8, .filters = 8, .groups = 2}), nullptr);
}

} // namespace
} // namespace bitscape
