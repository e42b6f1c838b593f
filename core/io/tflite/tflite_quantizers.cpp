// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/tflite/tflite_quantizers.h"

#include "core/graph/activation.h"

#include <algorithm>
#include <cmath>

namespace bitscape::io {

namespace {

constexpr int kBiasBits = 32;

quant::QuantizerPtr makeAffine(quant::Parameters parameters)
{
    return quant::makeQuantizer("affine", std::move(parameters)).value_or(nullptr);
}

/// One number, or all of them in an array of the given shape.
quant::Value valueOf(std::span<const double> numbers, const std::vector<std::int64_t>& shape)
{
    if (numbers.size() == 1) {
        return numbers.front();
    }
    std::vector<double> list(numbers.begin(), numbers.end());
    return shape.size() > 1 ? quant::Value(quant::NestedList{std::move(list), shape})
                            : quant::Value(std::move(list));
}

} // namespace

CodeRange codesOf(TfliteType type)
{
    constexpr int kMostBits = 62;
    const int bits = std::min(bitsOf(type), kMostBits);
    const std::int64_t half = std::int64_t{1} << std::max(bits - 1, 0);
    return isSigned(type) ? CodeRange{-half, half - 1} : CodeRange{0, 2 * half - 1};
}

quant::QuantizerPtr activationQuantizer(const TfliteTensor& tensor)
{
    const TfliteQuantization& q = tensor.quantization;
    if (q.scales.size() != 1 || !isInteger(tensor.type) || bitsOf(tensor.type) > kBiasBits) {
        return nullptr;
    }
    return makeAffine({{"bits", std::int64_t{bitsOf(tensor.type)}},
                       {"signed", isSigned(tensor.type)},
                       {"scale", static_cast<double>(q.scales.front())},
                       {"zero_point", static_cast<double>(q.zeroPoints.front())}});
}

quant::QuantizerPtr weightQuantizer(const TfliteTensor& tensor,
                                    const std::vector<std::int64_t>& shape, bool narrow)
{
    const TfliteQuantization& q = tensor.quantization;
    if (q.scales.empty() || !isInteger(tensor.type) || bitsOf(tensor.type) > kBiasBits) {
        return nullptr;
    }
    const bool isSymmetric =
        isSigned(tensor.type) &&
        std::ranges::all_of(q.zeroPoints, [](std::int64_t zero) { return zero == 0; });
    quant::Parameters parameters{
        {"bits", std::int64_t{bitsOf(tensor.type)}},
        {"symmetric", isSymmetric},
        {"narrow", isSymmetric && narrow},
        {"signed", isSigned(tensor.type)},
        {"scale", valueOf(std::vector<double>(q.scales.begin(), q.scales.end()), shape)}};
    if (!isSymmetric) {
        parameters["zero_point"] =
            valueOf(std::vector<double>(q.zeroPoints.begin(), q.zeroPoints.end()), shape);
    }
    return makeAffine(std::move(parameters));
}

quant::QuantizerPtr biasQuantizer(std::span<const float> scales)
{
    return makeAffine({{"bits", std::int64_t{kBiasBits}},
                       {"symmetric", true},
                       {"scale", valueOf(std::vector<double>(scales.begin(), scales.end()), {})}});
}

bool sameQuantization(const TfliteTensor& a, const TfliteTensor& b)
{
    return a.type == b.type && a.quantization.scales == b.quantization.scales &&
           a.quantization.zeroPoints == b.quantization.zeroPoints;
}

bool impliesFunction(const TfliteTensor& tensor, const graph::Function& function)
{
    if (function.isLinear()) {
        return true;
    }
    const auto clamp = graph::clampOf(function);
    if (!clamp || tensor.quantization.scales.size() != 1) {
        return false;
    }
    const auto [low, high] = codesOf(tensor.type);
    const auto zero = static_cast<double>(tensor.quantization.zeroPoints.front());
    const auto code = [&](float real) {
        return zero + std::round(static_cast<double>(real) /
                                 static_cast<double>(tensor.quantization.scales.front()));
    };
    return code(clamp->first) <= static_cast<double>(low) &&
           code(clamp->second) >= static_cast<double>(high);
}

} // namespace bitscape::io
