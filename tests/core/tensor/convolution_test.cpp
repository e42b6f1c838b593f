// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/convolution.h"
#include "tests/support/reference.h"

#include <gtest/gtest.h>

#include <ostream>

namespace bitscape {
namespace {

// Sums of up to a few thousand products of order 1 in float32 against the same in double.
constexpr double kSumError = 5e-6;

struct Case {
    const char* name;
    ConvolutionGeometry g;
    Index images = 3;
    bool isDepthwise = false;
};

std::ostream& operator<<(std::ostream& out, const Case& c)
{
    return out << c.name;
}

/// Padding as TensorFlow's SAME unless the output is given as for VALID.
ConvolutionGeometry same(Index height, Index width, Index channels, Index filters, int kernelHeight,
                         int kernelWidth, int stride, int dilation = 1, int groups = 1)
{
    ConvolutionGeometry g{.height = height,
                          .width = width,
                          .channels = channels,
                          .outHeight = (height + stride - 1) / stride,
                          .outWidth = (width + stride - 1) / stride,
                          .filters = filters,
                          .kernelHeight = kernelHeight,
                          .kernelWidth = kernelWidth,
                          .strideHeight = stride,
                          .strideWidth = stride,
                          .dilationHeight = dilation,
                          .dilationWidth = dilation,
                          .groups = groups};
    const auto before = [&](Index in, Index out, int kernel) {
        return std::max<Index>((out - 1) * stride + (kernel - 1) * dilation + 1 - in, 0) / 2;
    };
    g.padTop = before(height, g.outHeight, kernelHeight);
    g.padLeft = before(width, g.outWidth, kernelWidth);
    return g;
}

ConvolutionGeometry valid(Index height, Index width, Index channels, Index filters,
                          int kernelHeight, int kernelWidth, int strideHeight, int strideWidth,
                          int dilation = 1, int groups = 1)
{
    return {.height = height,
            .width = width,
            .channels = channels,
            .outHeight = (height - (kernelHeight - 1) * dilation - 1) / strideHeight + 1,
            .outWidth = (width - (kernelWidth - 1) * dilation - 1) / strideWidth + 1,
            .filters = filters,
            .kernelHeight = kernelHeight,
            .kernelWidth = kernelWidth,
            .strideHeight = strideHeight,
            .strideWidth = strideWidth,
            .dilationHeight = dilation,
            .dilationWidth = dilation,
            .groups = groups};
}

ConvolutionGeometry dense(Index rows, Index inputs, Index outputs)
{
    return valid(1, rows, inputs, outputs, 1, 1, 1, 1);
}

ConvolutionGeometry causal(Index length, Index channels, Index filters, int kernel, int dilation)
{
    ConvolutionGeometry g = valid(1, length, channels, filters, 1, 1, 1, 1);
    g.kernelWidth = kernel;
    g.dilationWidth = dilation;
    g.outWidth = length;
    g.padLeft = Index{kernel - 1} * dilation;
    return g;
}

class ConvolutionTest : public testing::TestWithParam<Case> {
protected:
    void SetUp() override
    {
        const Case& c = GetParam();
        convolution = c.isDepthwise ? makeDepthwiseConvolution(c.g) : makeConvolution(c.g);
        x = reference::randomValues(c.images * c.g.inputSize(), 1);
        kernel = reference::randomValues(convolution->kernelSize(), 2);
        bias = reference::randomValues(c.g.filters, 3);
        dy = reference::randomValues(c.images * c.g.outputSize(), 4);
        scratch.resize(static_cast<std::size_t>(convolution->scratchSize()));
    }

    [[nodiscard]] std::vector<float> forward(const std::vector<float>& images, Index count,
                                             const kernels::Finish& finish, BlockDone done = {},
                                             std::vector<float> y = {}) const
    {
        std::vector<float> packed(static_cast<std::size_t>(convolution->packedSize()));
        convolution->pack(kernel.data(), packed.data());
        y.resize(static_cast<std::size_t>(count * convolution->geometry().outputSize()));
        auto work = scratch;
        convolution->forward(images.data(), count, packed.data(), finish, y.data(), work.data(),
                             done);
        return y;
    }

    std::unique_ptr<const Convolution> convolution;
    std::vector<float> x, kernel, bias, dy, scratch;
};

TEST_P(ConvolutionTest, ForwardEqualsTheReference)
{
    const Case& c = GetParam();
    std::vector<double> wanted(static_cast<std::size_t>(c.images * c.g.outputSize()));
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        wanted[i] = bias[i % bias.size()];
    }
    for (Index image = 0; image < c.images; ++image) {
        reference::forEachProduct(c.g, c.isDepthwise, [&](Index in, Index w, Index out) {
            wanted[static_cast<std::size_t>(image * c.g.outputSize() + out)] +=
                static_cast<double>(x[static_cast<std::size_t>(image * c.g.inputSize() + in)]) *
                static_cast<double>(kernel[static_cast<std::size_t>(w)]);
        });
    }
    const auto y = forward(x, c.images, {.bias = bias.data()});
    EXPECT_LT(reference::largestError(y, wanted), kSumError);
    const auto clamped =
        forward(x, c.images, {.bias = bias.data(), .clamps = true, .low = -0.5F, .high = 1.0F});
    for (std::size_t i = 0; i < y.size(); ++i) {
        ASSERT_EQ(clamped[i], std::clamp(y[i], -0.5F, 1.0F));
    }
}

TEST_P(ConvolutionTest, FinishingEqualsTheSameStepsAfterwards)
{
    const Case& c = GetParam();
    const auto scale = reference::randomValues(c.g.filters, 5);
    const auto shift = reference::randomValues(c.g.filters, 6);
    auto wanted = forward(x, c.images, {.bias = bias.data()});
    const auto there = reference::randomValues(std::ssize(wanted), 7);
    kernels::affine(wanted.data(), std::ssize(wanted) / c.g.filters, c.g.filters, scale.data(),
                    shift.data(), wanted.data());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        wanted[i] = std::clamp(there[i] + wanted[i], -0.25F, 2.0F);
    }
    const auto y = forward(x, c.images,
                           {.bias = bias.data(),
                            .scale = scale.data(),
                            .shift = shift.data(),
                            .clamps = true,
                            .low = -0.25F,
                            .high = 2.0F,
                            .adds = true},
                           {}, there);
    EXPECT_EQ(y, wanted);
    const auto summed = forward(x, c.images,
                                {.bias = bias.data(),
                                 .scale = scale.data(),
                                 .shift = shift.data(),
                                 .clamps = true,
                                 .low = -0.25F,
                                 .high = 2.0F,
                                 .addend = there.data()});
    EXPECT_EQ(summed, wanted);
}

TEST_P(ConvolutionTest, AnImageGivesTheSameBitsAloneAndAmongOthers)
{
    const Case& c = GetParam();
    const auto together = forward(x, c.images, {.bias = bias.data()});
    for (Index image = 0; image < c.images; ++image) {
        const std::vector<float> one(x.begin() + image * c.g.inputSize(),
                                     x.begin() + (image + 1) * c.g.inputSize());
        const auto alone = forward(one, 1, {.bias = bias.data()});
        EXPECT_TRUE(
            std::equal(alone.begin(), alone.end(), together.begin() + image * c.g.outputSize()));
    }
}

TEST_P(ConvolutionTest, BlocksCoverTheOutputInOrder)
{
    const Case& c = GetParam();
    Index next = 0;
    const auto y = forward(x, c.images, {}, [&](Index first, Index count) {
        EXPECT_EQ(first, next);
        EXPECT_EQ(count % c.g.filters, 0);
        next = first + count;
    });
    EXPECT_EQ(next, static_cast<Index>(y.size()));
}

TEST_P(ConvolutionTest, InputGradientEqualsTheReference)
{
    const Case& c = GetParam();
    std::vector<double> wanted(x.size());
    for (Index image = 0; image < c.images; ++image) {
        reference::forEachProduct(c.g, c.isDepthwise, [&](Index in, Index w, Index out) {
            wanted[static_cast<std::size_t>(image * c.g.inputSize() + in)] +=
                static_cast<double>(dy[static_cast<std::size_t>(image * c.g.outputSize() + out)]) *
                static_cast<double>(kernel[static_cast<std::size_t>(w)]);
        });
    }
    std::vector<float> packed(static_cast<std::size_t>(convolution->packedGradientSize()));
    convolution->packGradient(kernel.data(), packed.data());
    std::vector<float> dx(x.size(), 7.0F); // must be overwritten
    convolution->inputGradient(dy.data(), c.images, packed.data(), dx.data(), false,
                               scratch.data());
    EXPECT_LT(reference::largestError(dx, wanted), kSumError);

    std::vector<float> sum = x;
    convolution->inputGradient(dy.data(), c.images, packed.data(), sum.data(), true,
                               scratch.data());
    for (std::size_t i = 0; i < sum.size(); ++i) {
        ASSERT_EQ(sum[i], x[i] + dx[i]);
    }
}

TEST_P(ConvolutionTest, WeightGradientEqualsTheReference)
{
    const Case& c = GetParam();
    std::vector<double> wanted(kernel.size());
    for (Index image = 0; image < c.images; ++image) {
        reference::forEachProduct(c.g, c.isDepthwise, [&](Index in, Index w, Index out) {
            wanted[static_cast<std::size_t>(w)] +=
                static_cast<double>(x[static_cast<std::size_t>(image * c.g.inputSize() + in)]) *
                static_cast<double>(dy[static_cast<std::size_t>(image * c.g.outputSize() + out)]);
        });
    }
    std::vector<float> dw(kernel.size(), 7.0F);
    convolution->weightGradient(x.data(), dy.data(), c.images, dw.data(), false, scratch.data());
    EXPECT_LT(reference::largestError(dw, wanted), kSumError);

    const Index rows = convolution->kernelSize() / c.g.filters;
    std::vector<float> parts(kernel.size());
    for (Index first = 0; first < rows; first += 2) {
        convolution->weightGradientRows(x.data(), dy.data(), c.images, first,
                                        std::min<Index>(2, rows - first), parts.data(), false,
                                        scratch.data());
    }
    EXPECT_EQ(parts, dw);
}

INSTANTIATE_TEST_SUITE_P(
    Geometries, ConvolutionTest,
    testing::Values(
        Case{"Dense1", dense(1, 7, 1), 1}, Case{"DenseWide1", dense(1, 70, 300), 1},
        Case{"Dense", dense(1, 131, 45), 21}, Case{"DenseOnSequences", dense(5, 12, 33)},
        Case{"Dense300Images", dense(1, 3, 5), 300},
        Case{"Pointwise", valid(9, 7, 19, 17, 1, 1, 1, 1)},
        Case{"PointwiseStride2", valid(9, 8, 5, 16, 1, 1, 2, 2)},
        Case{"Same3", same(13, 11, 3, 16, 3, 3, 1)}, Case{"Same3Wide", same(8, 8, 16, 70, 3, 3, 1)},
        Case{"Same3Stride2", same(16, 15, 8, 12, 3, 3, 2)},
        Case{"Same2", same(6, 6, 4, 4, 2, 2, 1)}, Case{"Same4x1", same(7, 6, 2, 3, 4, 1, 1)},
        Case{"Same5Stride3", same(17, 10, 2, 31, 5, 5, 3)},
        Case{"Valid3", valid(8, 9, 1, 32, 3, 3, 1, 1)},
        Case{"Valid3Stride2x1", valid(9, 8, 3, 4, 3, 2, 2, 1)},
        Case{"ValidStrideBeyondKernel", valid(11, 12, 3, 5, 2, 2, 4, 3)},
        Case{"ValidLeftOver", valid(10, 10, 2, 3, 3, 3, 4, 4)},
        Case{"Dilated", valid(12, 11, 3, 7, 3, 3, 1, 1, 2)},
        Case{"DilatedSame", same(9, 9, 2, 18, 3, 2, 1, 3)},
        Case{"Groups", same(7, 7, 6, 9, 3, 3, 2, 1, 3)},
        Case{"GroupsWide", valid(5, 5, 34, 68, 3, 3, 1, 1, 1, 2)},
        Case{"Causal", causal(19, 5, 6, 3, 2)}, Case{"Large", same(24, 24, 40, 24, 3, 3, 1), 2},
        Case{"Depthwise3", same(9, 8, 19, 19, 3, 3, 1), 3, true},
        Case{"Depthwise3Stride2", same(9, 8, 32, 32, 3, 3, 2), 3, true},
        Case{"DepthwiseValidStride3", valid(10, 11, 5, 5, 2, 2, 3, 3), 2, true},
        Case{"DepthwiseMultiplier", same(6, 7, 3, 9, 3, 3, 1), 3, true},
        Case{"DepthwiseMultiplierStride2", same(6, 7, 5, 10, 5, 3, 2), 2, true},
        Case{"DepthwiseWide", same(30, 41, 24, 24, 3, 3, 1), 2, true},
        Case{"DepthwiseManyChannels", same(6, 6, 200, 200, 3, 3, 1), 3, true},
        Case{"DepthwiseSmall", same(3, 3, 33, 33, 3, 3, 1), 3, true},
        Case{"DepthwiseTiny", same(1, 2, 7, 7, 5, 3, 1), 3, true},
        Case{"Depthwise5Stride2", same(23, 14, 9, 9, 5, 5, 2), 3, true},
        Case{"DepthwiseSameDilated", same(19, 12, 18, 18, 3, 3, 1, 3), 3, true},
        Case{"DepthwiseDilated", valid(9, 9, 17, 17, 3, 3, 1, 1, 2), 3, true}),
    testing::PrintToStringParamName());

} // namespace
} // namespace bitscape
