// SPDX-License-Identifier: GPL-3.0-or-later
// Random parameters and values; rapidcheck prints the seed and the smallest counterexample.
#include "core/quant/quantizer.h"
#include "core/quant/scale_layout.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>

namespace bitscape::quant {
namespace {

QuantizerPtr made(std::string_view name, Parameters parameters)
{
    auto quantizer = makeQuantizer(name, std::move(parameters));
    if (!quantizer) {
        throw std::runtime_error(quantizer.error().sentence());
    }
    return *quantizer;
}

Tensor vector(const std::vector<float>& values)
{
    return {Shape{static_cast<Index>(values.size())}, values};
}

Tensor applied(const Quantizer& quantizer, const Tensor& x)
{
    Tensor y(x.shape());
    quantizer.apply(x.view(), y.mutableView(), {});
    return y;
}

std::int64_t inRange(std::int64_t low, std::int64_t high)
{
    return *rc::gen::inRange(low, high + 1);
}

std::vector<float> anyValues(std::size_t count)
{
    return *rc::gen::container<std::vector<float>>(
        count, rc::gen::map(rc::gen::inRange(-4000, 4001),
                            [](int n) { return static_cast<float>(n) / 512.0F; }));
}

RC_GTEST_PROP(Property, bitsRoundToTheNearestLevelAndSaturate, ())
{
    const std::int64_t bits = inRange(2, 12);
    const std::int64_t integer = inRange(-3, 6);
    const bool symmetric = *rc::gen::arbitrary<bool>();
    const bool keepNegative = *rc::gen::arbitrary<bool>();
    const QuantizerPtr q = made("quantized_bits", {{"bits", bits},
                                                   {"integer", integer},
                                                   {"symmetric", symmetric},
                                                   {"keep_negative", keepNegative}});
    const double unsignedBits = static_cast<double>(bits - (keepNegative ? 1 : 0));
    const double levels = std::exp2(unsignedBits);
    const double step = std::exp2(static_cast<double>(integer) - unsignedBits);
    const Tensor x = vector(anyValues(20));
    const Tensor y = applied(*q, x);
    for (std::size_t i = 0; i < 20; ++i) {
        const double low = keepNegative ? -levels + (symmetric ? 1.0 : 0.0) : 0.0;
        const double code = std::clamp(std::nearbyint(static_cast<double>(x.values()[i]) / step),
                                       low, levels - 1.0);
        RC_ASSERT(static_cast<double>(y.values()[i]) == code * step);
    }
}

RC_GTEST_PROP(Property, fittedStepsCoverTheLargestValue, ())
{
    const std::int64_t bits = inRange(2, 10);
    const QuantizerPtr q = made("quantized_bits", {{"bits", bits}, {"alpha", std::string("auto")}});
    const std::vector<float> values = anyValues(24);
    const Tensor x(Shape{8, 3}, values);
    const Tensor y = applied(*q, x);
    const Fit fit = q->fit(x.view(), {});
    for (std::size_t c = 0; c < 3; ++c) {
        float largest = 0.0F;
        for (std::size_t r = 0; r < 8; ++r) {
            largest = std::max(largest, std::abs(values[r * 3 + c]));
        }
        const double top = std::exp2(static_cast<double>(bits - 1)) - 1.0;
        constexpr double kRounding = 1e-6;
        const double reach = static_cast<double>(fit.step.values()[c]) * top;
        RC_ASSERT(std::abs(reach - static_cast<double>(largest)) <=
                  kRounding * static_cast<double>(largest));
    }
    RC_ASSERT(y.size() == 24);
}

RC_GTEST_PROP(Property, powersOfTwoArePowersOfTwoAndNearestInTheExponent, ())
{
    const std::int64_t bits = inRange(2, 7);
    const QuantizerPtr q = made("quantized_po2", {{"bits", bits}});
    const Tensor x = vector(anyValues(20));
    const Tensor y = applied(*q, x);
    const double reach = std::exp2(static_cast<double>(bits - 2));
    for (std::size_t i = 0; i < 20; ++i) {
        int exponent = 0;
        RC_ASSERT(std::abs(std::frexp(y.values()[i], &exponent)) == 0.5F);
        const double size = std::abs(static_cast<double>(x.values()[i]));
        if (size > 0.0) {
            const double wanted = std::clamp(std::nearbyint(std::log2(size)), -reach, reach - 1.0);
            RC_ASSERT(exponent - 1 == static_cast<int>(wanted));
        }
    }
}

RC_GTEST_PROP(Property, affineReproducesItsCodes, ())
{
    const double low = static_cast<double>(inRange(-1000, 0)) / 100.0;
    const double high = static_cast<double>(inRange(1, 1000)) / 100.0;
    const QuantizerPtr q = made("affine", {{"bits", inRange(2, 12)},
                                           {"symmetric", *rc::gen::arbitrary<bool>()},
                                           {"narrow", *rc::gen::arbitrary<bool>()},
                                           {"low", low},
                                           {"high", high}});
    const Tensor x = vector(anyValues(16));
    const Tensor y = applied(*q, x);
    const auto codes = q->codes(x.view(), {});
    const auto again = q->codes(y.view(), {});
    RC_ASSERT(codes.has_value());
    RC_ASSERT(*codes == *again);
    const Tensor zero = applied(*q, Tensor(Shape{1}));
    RC_ASSERT(zero.values()[0] == 0.0F);
}

RC_GTEST_PROP(Property, printedFormsReadBack, ())
{
    const std::vector<Value> alphas{Value{},
                                    Value{1.0},
                                    Value{std::int64_t{2}},
                                    Value{std::string("auto")},
                                    Value{std::string("auto_po2")},
                                    Value{std::vector<double>{0.5, 1.0}}};
    const std::vector<Value> axes{Value{}, Value{std::int64_t{1}}, Value{std::vector<double>{0, 2}},
                                  Value{std::vector<double>{}}};
    const QuantizerPtr q =
        made("quantized_bits", {{"bits", inRange(1, 16)},
                                {"integer", inRange(-4, 8)},
                                {"symmetric", *rc::gen::arbitrary<bool>()},
                                {"alpha", alphas[static_cast<std::size_t>(inRange(0, 5))]},
                                {"scale_axis", axes[static_cast<std::size_t>(inRange(0, 3))]},
                                {"use_ste", *rc::gen::arbitrary<bool>()},
                                {"qnoise_factor", static_cast<double>(inRange(0, 4)) / 4.0}});
    const auto text = parseQuantizer(q->toString());
    const auto dictionary = parseQuantizer(toDictionary(*q));
    RC_ASSERT(text.has_value() && dictionary.has_value());
    RC_ASSERT(**text == *q);
    RC_ASSERT(**dictionary == *q);
}

RC_GTEST_PROP(Property, anyTextIsReadOrRefused, (const std::string& text))
{
    const auto quantizer = parseQuantizer("quantized_bits(" + text);
    RC_ASSERT(quantizer.has_value() || !quantizer.error().message.empty());
    const auto values = parseQuantizer("nearest," + text);
    RC_ASSERT(values.has_value() || !values.error().message.empty());
    const auto dictionary = parseQuantizer("{" + text);
    RC_ASSERT(dictionary.has_value() || !dictionary.error().message.empty());
}

/// Tiles against a plain walk over all indices.
RC_GTEST_PROP(Property, layoutsCoverEveryElementOnce, ())
{
    const int rank = static_cast<int>(inRange(0, 4));
    std::vector<Index> sizes;
    std::vector<bool> keeps;
    for (int axis = 0; axis < rank; ++axis) {
        sizes.push_back(inRange(1, 4));
        keeps.push_back(*rc::gen::arbitrary<bool>());
    }
    const Shape shape{std::span<const Index>(sizes)};
    const ScaleLayout layout(shape, keeps);
    std::vector<Index> scaleOf(static_cast<std::size_t>(shape.elementCount()), -1);
    layout.forEachTile([&](const ScaleLayout::Tile& tile) {
        for (Index i = 0; i < tile.rows * tile.channels; ++i) {
            Index& scale = scaleOf[static_cast<std::size_t>(tile.offset + i)];
            RC_ASSERT(scale == -1);
            scale = tile.firstScale + i % tile.channels;
        }
    });
    for (Index i = 0; i < shape.elementCount(); ++i) {
        Index rest = i;
        Index stride = 1;
        Index wanted = 0;
        for (int axis = rank - 1; axis >= 0; --axis) {
            const Index at = rest % shape[axis];
            rest /= shape[axis];
            if (keeps[static_cast<std::size_t>(axis)]) {
                wanted += at * stride;
                stride *= shape[axis];
            }
        }
        RC_ASSERT(scaleOf[static_cast<std::size_t>(i)] == wanted);
    }
}

} // namespace
} // namespace bitscape::quant
