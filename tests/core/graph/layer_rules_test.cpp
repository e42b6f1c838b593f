// SPDX-License-Identifier: GPL-3.0-or-later

// Registered layers against plain twins in double: values, and gradients against differences.

#include "core/graph/execution.h"
#include "core/graph/layer_registry.h"
#include "core/graph/layer_rule.h"
#include "core/graph/shape_rules.h"
#include "tests/core/graph/rule_twins.h"
#include "tests/support/reference.h"

#include <gtest/gtest.h>

#include <memory>

namespace bitscape::graph {
namespace {

using twins::Sizes;
using twins::Twin;
using twins::Values;

struct RuleCase {
    std::string name;
    std::string className;
    std::string config; ///< JSON
    std::vector<Shape> inputs;
    Twin twin;
};

constexpr Index kSamples = 3;

Twin dotTwin(bool normalizes)
{
    return [=](const std::vector<Values>& x, const std::vector<Values>&) { // (2×3) · (4×3)
        Values y;
        for (Index i = 0; i < 2; ++i) {
            for (Index j = 0; j < 4; ++j) {
                const Values a = twins::rowOf(x[0], i, 3);
                const Values b = twins::rowOf(x[1], j, 3);
                double lengths = 1.0;
                if (normalizes) {
                    lengths = std::sqrt(std::inner_product(a.begin(), a.end(), a.begin(), 0.0) *
                                        std::inner_product(b.begin(), b.end(), b.begin(), 0.0));
                }
                y.push_back(std::inner_product(a.begin(), a.end(), b.begin(), 0.0) / lengths);
            }
        }
        return y;
    };
}

Twin preluTwin()
{
    return [](const std::vector<Values>& x, const std::vector<Values>& w) { // 3×4, shared rows
        Values y = x[0];
        for (std::size_t e = 0; e < y.size(); ++e) {
            y[e] = y[e] > 0 ? y[e] : y[e] * w[0][e % 4];
        }
        return y;
    };
}

Twin softmaxTwin()
{
    return [](const std::vector<Values>& x, const std::vector<Values>&) { // 3×4 along the first
        Values y(12);
        for (std::size_t c = 0; c < 4; ++c) {
            const Values shares = twins::softmax({x[0][c], x[0][4 + c], x[0][8 + c]});
            for (std::size_t r = 0; r < 3; ++r) {
                y[r * 4 + c] = shares[r];
            }
        }
        return y;
    };
}

Twin unitTwin()
{
    return [](const std::vector<Values>& x, const std::vector<Values>&) { // 3×4
        Values y;
        for (Index r = 0; r < 3; ++r) {
            const Values row = twins::rowOf(x[0], r, 4);
            const double length =
                std::sqrt(std::inner_product(row.begin(), row.end(), row.begin(), 0.0));
            for (const double value : row) {
                y.push_back(value / length);
            }
        }
        return y;
    };
}

/// 2×3×1 by 3×2 with half-pixel centers.
Twin bilinearTwin()
{
    return [](const std::vector<Values>& x, const std::vector<Values>&) {
        Values y;
        const auto clamped = [](double at, int size) {
            return std::clamp(static_cast<int>(at), 0, size - 1);
        };
        for (int row = 0; row < 6; ++row) {
            for (int column = 0; column < 6; ++column) {
                const double h = (row + 0.5) / 3 - 0.5;
                const double w = (column + 0.5) / 2 - 0.5;
                double sum = 0.0;
                for (const double dh : {0.0, 1.0}) {
                    for (const double dw : {0.0, 1.0}) {
                        const double share = (dh > 0 ? h - std::floor(h) : 1 - h + std::floor(h)) *
                                             (dw > 0 ? w - std::floor(w) : 1 - w + std::floor(w));
                        const int at =
                            clamped(std::floor(h) + dh, 2) * 3 + clamped(std::floor(w) + dw, 3);
                        sum += share * x[0][static_cast<std::size_t>(at)];
                    }
                }
                y.push_back(sum);
            }
        }
        return y;
    };
}

/// Kernel (pixels, taps × ci, filters): 4×3×2 image, windows of 2×2, stride (2, 1), 3 filters.
Twin locallyConnectedTwin()
{
    return [](const std::vector<Values>& x, const std::vector<Values>& w) {
        Values y;
        for (Index p = 0; p < 4; ++p) {
            for (Index f = 0; f < 3; ++f) {
                double sum = w[1][static_cast<std::size_t>(p * 3 + f)];
                Index k = 0;
                twins::forEachIndex({2, 2, 2}, [&](const Sizes& tap) {
                    const Sizes from{p / 2 * 2 + tap[0], p % 2 + tap[1], tap[2]};
                    sum += x[0][twins::place({4, 3, 2}, from)] *
                           w[0][static_cast<std::size_t>((p * 8 + k++) * 3 + f)];
                });
                y.push_back(sum);
            }
        }
        return y;
    };
}

/// Groups of two channels, 2×3×4 image, "same" strides of 2, kernel 3×2.
Twin groupedTransposedTwin()
{
    return [](const std::vector<Values>& x, const std::vector<Values>& w) {
        Values y(4 * 6 * 4, 0.0);
        twins::forEachIndex({2, 3, 3, 2, 4, 2}, [&](const Sizes& at) {
            // input row, column; tap row, column; output channel; input channel of the group
            const Sizes to{at[0] * 2 + at[2], at[1] * 2 + at[3], at[4]};
            if (twins::isInside({4, 6, 4}, to)) {
                y[twins::place({4, 6, 4}, to)] +=
                    x[0][twins::place({2, 3, 4}, {at[0], at[1], at[4] / 2 * 2 + at[5]})] *
                    w[0][twins::place({3, 2, 4, 2}, {at[2], at[3], at[4], at[5]})];
            }
        });
        return y;
    };
}

/// Depth-wise 2×2 "valid", relu, then 2 → 3 channels; image 2×2×2.
Twin separableTransposedTwin()
{
    return [](const std::vector<Values>& x, const std::vector<Values>& w) {
        Values middle(3 * 3 * 2, 0.0);
        twins::forEachIndex({2, 2, 2, 2, 2}, [&](const Sizes& at) {
            middle[twins::place({3, 3, 2}, {at[0] + at[2], at[1] + at[3], at[4]})] +=
                x[0][twins::place({2, 2, 2}, {at[0], at[1], at[4]})] *
                w[0][twins::place({2, 2, 1, 2}, {at[2], at[3], 0, at[4]})];
        });
        Values y;
        for (std::size_t pixel = 0; pixel < 9; ++pixel) {
            for (std::size_t f = 0; f < 3; ++f) {
                double sum = w[2][f];
                for (std::size_t c = 0; c < 2; ++c) {
                    sum += std::max(middle[pixel * 2 + c], 0.0) * w[1][f * 2 + c];
                }
                y.push_back(sum);
            }
        }
        return y;
    };
}

/// Two heads of key size 2 and value size 3 on 3×4 queries and 2×5 values, 2 outputs.
Twin headsTwin()
{
    return [](const std::vector<Values>& x, const std::vector<Values>& w) {
        const Values queries = twins::dense(x[0], 4, 4, w[0], w[1]);
        const Values keys = twins::dense(x[1], 5, 4, w[2], w[3]);
        const Values values = twins::dense(x[1], 5, 6, w[4], w[5]);
        Values mixed(3 * 6, 0.0);
        for (std::size_t head = 0; head < 2; ++head) {
            for (std::size_t q = 0; q < 3; ++q) {
                Values scores;
                for (std::size_t k = 0; k < 2; ++k) {
                    scores.push_back((queries[q * 4 + head * 2] * keys[k * 4 + head * 2] +
                                      queries[q * 4 + head * 2 + 1] * keys[k * 4 + head * 2 + 1]) /
                                     std::sqrt(2.0));
                }
                const Values shares = twins::softmax(scores);
                for (std::size_t v = 0; v < 6; ++v) {
                    mixed[q * 6 + v] +=
                        v / 3 == head ? shares[0] * values[v] + shares[1] * values[6 + v] : 0.0;
                }
            }
        }
        return twins::dense(mixed, 6, 2, w[6], w[7]);
    };
}

double product(const Values& a, const Values& b)
{
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

std::vector<RuleCase> mergeCases()
{
    const std::vector<Shape> three{{2, 3}, {2, 3}, {1, 3}};
    return {
        {"Multiply", "Multiply", "{}", three,
         twins::elements([](const Values& v) { return v[0] * v[1] * v[2]; })},
        {"Subtract", "Subtract", "{}", {{2, 3}, {3}}, twins::elements([](const Values& v) {
             return v[0] - v[1];
         })},
        {"Average", "Average", "{}", three,
         twins::elements([](const Values& v) { return (v[0] + v[1] + v[2]) / 3; })},
        {"Maximum", "Maximum", "{}", three,
         twins::elements([](const Values& v) { return *std::max_element(v.begin(), v.end()); })},
        {"Minimum", "Minimum", "{}", three,
         twins::elements([](const Values& v) { return *std::min_element(v.begin(), v.end()); })},
        {"Dot", "Dot", R"({"axes": 2})", {{2, 3}, {4, 3}}, dotTwin(false)},
        {"DotNormalized",
         "Dot",
         R"({"axes": [-1, 2], "normalize": true})",
         {{2, 3}, {4, 3}},
         dotTwin(true)},
    };
}

std::vector<RuleCase> elementCases()
{
    const auto shifted = [](const std::vector<Values>& x, const std::vector<Values>& w) {
        Values y = x[0];
        std::ranges::transform(y, y.begin(), [&](double v) { return v * w[0][0] + w[1][0]; });
        return y;
    };
    const auto rescaled = [](const std::vector<Values>& x, const std::vector<Values>&) {
        Values y = x[0];
        for (std::size_t e = 0; e < y.size(); ++e) {
            y[e] = y[e] * 0.5 + (e % 2 == 0 ? 1.0 : -2.0);
        }
        return y;
    };
    const auto standardized = [](const std::vector<Values>& x, const std::vector<Values>& w) {
        Values y = x[0];
        for (std::size_t e = 0; e < y.size(); ++e) {
            y[e] = (y[e] - w[0][e % 4]) / std::sqrt(w[1][e % 4]);
        }
        return y;
    };
    return {
        {"PReLU", "PReLU", R"({"shared_axes": [1]})", {{3, 4}}, preluTwin()},
        {"Softmax", "Softmax", R"({"axis": 1})", {{3, 4}}, softmaxTwin()},
        {"UnitNormalization", "UnitNormalization", "{}", {{3, 4}}, unitTwin()},
        {"LayerNormalization",
         "LayerNormalization",
         R"({"axis": [2], "epsilon": 0.25})",
         {{3, 4}},
         twins::normalized(
             {3, 4}, 0.25, [](const Sizes& at) { return at[0]; },
             [](const Sizes& at) { return at[1]; })},
        {"LayerNormalizationAll",
         "LayerNormalization",
         R"({"axis": [1, 3]})",
         {{2, 3, 2}},
         twins::normalized(
             {2, 3, 2}, 1e-3, [](const Sizes& at) { return at[1]; },
             [](const Sizes& at) { return at[0] * 2 + at[2]; })},
        {"GroupNormalization",
         "GroupNormalization",
         R"({"groups": 2})",
         {{2, 2, 4}},
         twins::normalized(
             {2, 2, 4}, 1e-3, [](const Sizes& at) { return at[2] / 2; },
             [](const Sizes& at) { return at[2]; })},
        {"Rescaling", "Rescaling", R"({"scale": 0.5, "offset": [1.0, -2.0]})", {{3, 2}}, rescaled},
        {"Normalization", "Normalization", R"({"axis": -1})", {{3, 4}}, standardized},
        {"ScaleShift", "QScaleShift", "{}", {{3, 4}}, shifted},
        {"ThresholdedReLU",
         "ThresholdedReLU",
         R"({"theta": 0.5})",
         {{3, 4}},
         twins::elements([](const Values& v) { return v[0] > 0.5 ? v[0] : 0.0; })},
    };
}

std::vector<RuleCase> placeCases()
{
    const auto half = [](const Sizes& at) { return Sizes{at[0] / 2, at[1] / 3, at[2]}; };
    return {
        {"Cropping1D",
         "Cropping1D",
         R"({"cropping": [1, 2]})",
         {{6, 2}},
         twins::moved({6, 2}, {3, 2},
                      [](const Sizes& at) {
                          return Sizes{at[0] + 1, at[1]};
                      })},
        {"Cropping2D",
         "Cropping2D",
         R"({"cropping": [[0, 1], [2, 0]]})",
         {{3, 4, 2}},
         twins::moved({3, 4, 2}, {2, 2, 2},
                      [](const Sizes& at) {
                          return Sizes{at[0], at[1] + 2, at[2]};
                      })},
        {"Cropping3D",
         "Cropping3D",
         R"({"cropping": 1})",
         {{3, 3, 4, 2}},
         twins::moved({3, 3, 4, 2}, {1, 1, 2, 2},
                      [](const Sizes& at) {
                          return Sizes{at[0] + 1, at[1] + 1, at[2] + 1, at[3]};
                      })},
        {"ZeroPadding3D",
         "ZeroPadding3D",
         R"({"padding": [[1, 0], [0, 2], [1, 1]]})",
         {{1, 2, 2, 3}},
         twins::moved({1, 2, 2, 3}, {2, 4, 4, 3},
                      [](const Sizes& at) {
                          return Sizes{at[0] - 1, at[1], at[2] - 1, at[3]};
                      })},
        {"UpSampling1D",
         "UpSampling1D",
         R"({"size": 2})",
         {{3, 2}},
         twins::moved({3, 2}, {6, 2},
                      [](const Sizes& at) {
                          return Sizes{at[0] / 2, at[1]};
                      })},
        {"UpSampling2D",
         "UpSampling2D",
         R"({"size": [2, 3]})",
         {{2, 2, 3}},
         twins::moved({2, 2, 3}, {4, 6, 3}, half)},
        {"UpSampling2DFirst",
         "UpSampling2D",
         R"({"size": [1, 2], "data_format": "channels_first"})",
         {{3, 2, 2}},
         twins::moved({3, 2, 2}, {3, 2, 4},
                      [](const Sizes& at) {
                          return Sizes{at[0], at[1], at[2] / 2};
                      })},
        {"UpSampling3D",
         "UpSampling3D",
         R"({"size": [2, 1, 2]})",
         {{1, 2, 2, 2}},
         twins::moved({1, 2, 2, 2}, {2, 2, 4, 2},
                      [](const Sizes& at) {
                          return Sizes{at[0] / 2, at[1], at[2] / 2, at[3]};
                      })},
        {"Bilinear",
         "UpSampling2D",
         R"({"size": [3, 2], "interpolation": "bilinear"})",
         {{2, 3, 1}},
         bilinearTwin()},
        {"Resizing", "Resizing", R"({"height": 6, "width": 6})", {{2, 3, 1}}, bilinearTwin()},
        {"ResizingNearest",
         "Resizing",
         R"({"height": 2, "width": 3, "interpolation": "nearest"})",
         {{4, 6, 2}},
         twins::moved({4, 6, 2}, {2, 3, 2},
                      [](const Sizes& at) {
                          return Sizes{2 * at[0] + 1, 2 * at[1] + 1, at[2]};
                      })},
        {"CenterCrop",
         "CenterCrop",
         R"({"height": 2, "width": 3})",
         {{5, 6, 2}},
         twins::moved({5, 6, 2}, {2, 3, 2},
                      [](const Sizes& at) {
                          return Sizes{at[0] + 1, at[1] + 1, at[2]};
                      })},
    };
}

std::vector<RuleCase> volumeCases()
{
    return {
        {"Conv3D",
         "Conv3D",
         R"({"filters": 4, "kernel_size": [2, 3, 2], "strides": [2, 1, 1], "groups": 2})",
         {{4, 4, 3, 2}},
         twins::convolution({4, 4, 3}, {2, 2, 2}, {{2, 3, 2}, {2, 1, 1}, {1, 1, 1}, {0, 0, 0}}, 2,
                            4, 2, true)},
        {"Conv3DSame",
         "Conv3D",
         R"({"filters": 3, "kernel_size": 3, "padding": "same", "use_bias": false})",
         {{2, 3, 3, 1}},
         twins::convolution({2, 3, 3}, {2, 3, 3}, {{3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}}, 1,
                            3, 1, false)},
        {"Conv3DDilated",
         "Conv3D",
         R"({"filters": 1, "kernel_size": [2, 1, 2], "dilation_rate": [2, 1, 1]})",
         {{4, 2, 3, 3}},
         twins::convolution({4, 2, 3}, {2, 2, 2}, {{2, 1, 2}, {1, 1, 1}, {2, 1, 1}, {0, 0, 0}}, 3,
                            1, 1, true)},
        {"MaxPooling3D",
         "MaxPooling3D",
         R"({"pool_size": 2, "padding": "same"})",
         {{3, 4, 2, 3}},
         twins::pooling({3, 4, 2}, {2, 2, 1}, {{2, 2, 2}, {2, 2, 2}, {1, 1, 1}, {0, 0, 0}}, 3,
                        true)},
        {"AveragePooling3D",
         "AveragePooling3D",
         R"({"pool_size": [2, 3, 1], "strides": 1, "padding": "same"})",
         {{3, 4, 2, 3}},
         twins::pooling({3, 4, 2}, {3, 4, 2}, {{2, 3, 1}, {1, 1, 1}, {1, 1, 1}, {0, 1, 0}}, 3,
                        false)},
        {"GlobalAveragePooling3D",
         "GlobalAveragePooling3D",
         "{}",
         {{2, 2, 3, 2}},
         twins::pooling({2, 2, 3}, {1, 1, 1}, {{2, 2, 3}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}}, 2,
                        false)},
        {"GlobalMaxPooling3D",
         "GlobalMaxPooling3D",
         "{}",
         {{2, 2, 3, 2}},
         twins::pooling({2, 2, 3}, {1, 1, 1}, {{2, 2, 3}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}}, 2,
                        true)},
        {"LocallyConnected2D",
         "LocallyConnected2D",
         R"({"filters": 3, "kernel_size": [2, 2], "strides": [2, 1]})",
         {{4, 3, 2}},
         locallyConnectedTwin()},
    };
}

std::vector<RuleCase> transposedCases()
{
    return {
        {"Transposed",
         "Conv2DTranspose",
         R"({"filters": 3, "kernel_size": [3, 2], "strides": [2, 3]})",
         {{2, 3, 2}},
         twins::transposed({2, 3}, {5, 9}, {{3, 2}, {2, 3}, {1, 1}, {0, 0}}, 2, 3, true)},
        {"TransposedSame",
         "Conv2DTranspose",
         R"({"filters": 5, "kernel_size": 3, "strides": 2, "padding": "same"})",
         {{3, 2, 3}},
         twins::transposed({3, 2}, {6, 4}, {{3, 3}, {2, 2}, {1, 1}, {0, 0}}, 3, 5, true)},
        {"TransposedWide",
         "Conv2DTranspose",
         R"({"filters": 2, "kernel_size": 5, "padding": "same", "use_bias": false})",
         {{3, 2, 3}},
         twins::transposed({3, 2}, {3, 2}, {{5, 5}, {1, 1}, {1, 1}, {2, 2}}, 3, 2, false)},
        {"TransposedDilated",
         "Conv2DTranspose",
         R"({"filters": 2, "kernel_size": 2, "dilation_rate": 2})",
         {{3, 2, 1}},
         twins::transposed({3, 2}, {5, 4}, {{2, 2}, {1, 1}, {2, 2}, {0, 0}}, 1, 2, true)},
        {"OutputPadding",
         "Conv2DTranspose",
         R"({"filters": 1, "kernel_size": 3, "strides": 2, "padding": "same",
             "output_padding": [1, 0]})",
         {{2, 3, 2}},
         twins::transposed({2, 3}, {4, 5}, {{3, 3}, {2, 2}, {1, 1}, {0, 1}}, 2, 1, true)},
        {"Transposed1D",
         "Conv1DTranspose",
         R"({"filters": 3, "kernel_size": 4, "strides": 2, "output_padding": 1})",
         {{3, 2}},
         twins::transposed({3}, {9}, {{4}, {2}, {1}, {0}}, 2, 3, true)},
        {"GroupedTransposed",
         "QDepthwiseConv2DTranspose",
         R"({"filters": 4, "kernel_size": [3, 2], "strides": 2, "padding": "same",
             "group_size": 2})",
         {{2, 3, 4}},
         groupedTransposedTwin()},
        {"SeparableTransposed",
         "QSeparableConv2DTranspose",
         R"({"filters": 3, "kernel_size": 2, "depthwise_activation": "relu"})",
         {{2, 2, 2}},
         separableTransposedTwin()},
    };
}

std::vector<RuleCase> attentionCases()
{
    const auto dot = [](const Values& q, const Values& k, const std::vector<Values>&) {
        return product(q, k);
    };
    const auto concat = [](const Values& q, const Values& k, const std::vector<Values>& w) {
        double sum = 0.0;
        for (std::size_t d = 0; d < q.size(); ++d) {
            sum += std::tanh(w[0][0] * (q[d] + k[d]));
        }
        return w[1][0] * sum;
    };
    const auto additive = [](const Values& q, const Values& k, const std::vector<Values>& w) {
        double sum = 0.0;
        for (std::size_t d = 0; d < q.size(); ++d) {
            sum += w[0][d] * std::tanh(q[d] + k[d]);
        }
        return sum;
    };
    return {
        {"Attention",
         "Attention",
         "{}",
         {{3, 4}, {2, 5}, {2, 4}},
         twins::attention(4, 5, false, dot)},
        {"AttentionCausal",
         "Attention",
         R"({"causal": true})",
         {{3, 4}, {3, 4}},
         twins::attention(4, 4, true, dot)},
        {"AttentionConcat",
         "Attention",
         R"({"use_scale": true, "score_mode": "concat"})",
         {{3, 4}, {2, 4}},
         twins::attention(4, 4, false, concat)},
        {"AdditiveAttention",
         "AdditiveAttention",
         "{}",
         {{3, 4}, {2, 4}},
         twins::attention(4, 4, false, additive)},
        {"Heads",
         "MultiHeadAttention",
         R"({"num_heads": 2, "key_dim": 2, "value_dim": 3, "output_shape": 2})",
         {{3, 4}, {2, 5}},
         headsTwin()},
    };
}

std::vector<RuleCase> cases()
{
    std::vector<RuleCase> all;
    for (auto family : {mergeCases(), elementCases(), placeCases(), volumeCases(),
                        transposedCases(), attentionCases()}) {
        std::ranges::move(family, std::back_inserter(all));
    }
    return all;
}

LayerMeaning meaningOf(const RuleCase& c, const Json& config)
{
    auto meaning = readLayerConfig(c.className, config, KerasDialect{});
    EXPECT_TRUE(meaning) << meaning.error().sentence();
    if (!std::holds_alternative<UnsupportedOp>(meaning->otherwise)) {
        meaning->op = meaning->otherwise;
    }
    return *meaning;
}

GraphPtr networkOf(const RuleCase& c)
{
    std::vector<Layer> layers;
    std::vector<int> inputs;
    for (const Shape& shape : c.inputs) {
        inputs.push_back(static_cast<int>(layers.size()));
        layers.push_back({.name = "x" + std::to_string(layers.size()),
                          .className = "InputLayer",
                          .op = InputOp{shape}});
    }
    Layer tested;
    tested.name = "tested";
    tested.className = c.className;
    tested.op = meaningOf(c, Json::parse(c.config)).op;
    tested.inputs = inputs;
    layers.push_back(std::move(tested));
    const int output = static_cast<int>(layers.size()) - 1;
    auto graph = Graph::make("rules", std::move(layers), inputs, {output});
    EXPECT_TRUE(graph) << graph.error().sentence();
    return *graph;
}

std::vector<Tensor> weightsOf(const Graph& graph)
{
    std::vector<Tensor> weights;
    for (const Weight& weight : graph.layers().back().weights) {
        weights.push_back(reference::randomTensor(weight.value->shape(), weights.size() + 31));
        if (weight.name == "variance") {
            for (float& value : weights.back().values()) {
                value = value * value + 0.5F;
            }
        }
    }
    return weights;
}

Values valuesOf(TensorView view, Index sample = 0, Index samples = 1)
{
    const Index size = view.size() / samples;
    const auto part = view.values().subspan(static_cast<std::size_t>(sample * size),
                                            static_cast<std::size_t>(size));
    return {part.begin(), part.end()};
}

/// Everything a case runs with.
struct Setting {
    explicit Setting(const RuleCase& c) : graph(networkOf(c)), weights(weightsOf(*graph))
    {
        for (std::size_t i = 0; i < c.inputs.size(); ++i) {
            inputs.push_back(reference::randomTensor(c.inputs[i].batchOf(kSamples), i + 7));
            views.push_back(inputs.back().view());
        }
        upstream =
            reference::randomTensor(graph->layers().back().outputShape.batchOf(kSamples), 99);
        for (Index sample = 0; sample < kSamples; ++sample) {
            std::vector<Values> one;
            for (const TensorView& view : views) {
                one.push_back(valuesOf(view, sample, kSamples));
            }
            samples.push_back(std::move(one));
        }
        for (const Tensor& weight : weights) {
            exact.push_back(valuesOf(weight.view()));
        }
    }

    /// Σ twin · upstream of one sample.
    double objective(const RuleCase& c, Index sample) const
    {
        return product(c.twin(samples[static_cast<std::size_t>(sample)], exact),
                       valuesOf(upstream.view(), sample, kSamples));
    }

    GraphPtr graph;
    std::vector<Tensor> weights, inputs;
    std::vector<TensorView> views;
    Tensor upstream;
    std::vector<std::vector<Values>> samples; ///< per sample and input
    std::vector<Values> exact;                ///< weights
};

class LayerRules : public testing::TestWithParam<RuleCase> {};

TEST_P(LayerRules, ValuesAreTheTwins)
{
    const RuleCase& c = GetParam();
    const Setting s(c);
    WeightSet set;
    for (const Tensor& weight : s.weights) {
        set.push_back(std::make_shared<const Tensor>(weight));
    }
    auto plan = InferencePlan::make(s.graph, {}, set);
    ASSERT_TRUE(plan) << plan.error().sentence();
    Parallel parallel(2);
    const Tensor y = (*plan)->run(s.views, parallel).value().front();
    for (Index sample = 0; sample < kSamples; ++sample) {
        const Values wanted = c.twin(s.samples[static_cast<std::size_t>(sample)], s.exact);
        const Values got = valuesOf(y.view(), sample, kSamples);
        ASSERT_EQ(got.size(), wanted.size());
        for (std::size_t e = 0; e < got.size(); ++e) {
            EXPECT_NEAR(got[e], wanted[e], 2e-5 * std::max(1.0, std::abs(wanted[e]))) << e;
        }
    }
}

TEST_P(LayerRules, GradientsAreTheTwinsDifferences)
{
    constexpr double kStep = 1e-5;
    const RuleCase& c = GetParam();
    Setting s(c);
    Parallel parallel(1);
    auto plan = TrainingPlan::make(s.graph, {}, kSamples, parallel, {.inputGradients = true});
    ASSERT_TRUE(plan) << plan.error().sentence();
    ASSERT_TRUE((*plan)->forward(s.views, s.weights, 1));
    const std::vector<TensorView> upstream{s.upstream.view()};
    ASSERT_TRUE((*plan)->backward(upstream));
    const auto slopeAt = [&](double& value, Index sample) {
        const double kept = value;
        value = kept + kStep;
        const double above = s.objective(c, sample);
        value = kept - kStep;
        const double below = s.objective(c, sample);
        value = kept;
        return (above - below) / (2 * kStep);
    };
    const auto inputGradients = (*plan)->inputGradients();
    for (std::size_t i = 0; i < s.inputs.size(); ++i) {
        for (Index sample = 0; sample < kSamples; ++sample) {
            const Values got = valuesOf(inputGradients[i], sample, kSamples);
            for (std::size_t e = 0; e < got.size(); ++e) {
                const double wanted =
                    slopeAt(s.samples[static_cast<std::size_t>(sample)][i][e], sample);
                EXPECT_NEAR(got[e], wanted, 1e-4 * std::max(1.0, std::abs(wanted)))
                    << "input " << i << ", element " << e;
            }
        }
    }
    for (std::size_t w = 0; w < s.weights.size(); ++w) {
        if (!s.graph->layers().back().weights[w].trainable) {
            continue;
        }
        const Values got = valuesOf((*plan)->gradients()[w].view());
        for (std::size_t e = 0; e < got.size(); ++e) {
            double wanted = 0.0;
            for (Index sample = 0; sample < kSamples; ++sample) {
                wanted += slopeAt(s.exact[w][e], sample);
            }
            EXPECT_NEAR(got[e], wanted, 1e-4 * std::max(1.0, std::abs(wanted)))
                << "weight " << w << ", element " << e;
        }
    }
}

TEST_P(LayerRules, ConfigReadsBackAsTheSame)
{
    const Op op = meaningOf(GetParam(), Json::parse(GetParam().config)).op;
    const auto* registered = std::get_if<RuleOp>(&op);
    if (registered == nullptr) {
        return; // io tests write and read the others
    }
    const Json config = registered->rule->config();
    EXPECT_EQ(meaningOf(GetParam(), config).op, op) << config.dump();
    EXPECT_EQ(weightNames(op).size(), networkOf(GetParam())->layers().back().weights.size());
}

INSTANTIATE_TEST_SUITE_P(All, LayerRules, testing::ValuesIn(cases()),
                         [](const auto& one) { return one.param.name; });

struct NoiseCase {
    std::string className;
    std::string config;
    double mean, deviation; ///< of what becomes of ones
};

TEST(NoiseLayers, DisturbWhileTrainingOnly)
{
    const Shape shape{40, 50};
    constexpr Index kBatch = 20;
    for (const NoiseCase& c :
         {NoiseCase{"GaussianNoise", R"({"stddev": 0.5})", 1.0, 0.5},
          NoiseCase{"GaussianDropout", R"({"rate": 0.2})", 1.0, 0.5},
          NoiseCase{"SpatialDropout1D", R"({"rate": 0.2})", 1.0, 0.5},
          NoiseCase{"Dropout", R"({"rate": 0.5, "noise_shape": [null, 1, 50]})", 1.0, 1.0}}) {
        SCOPED_TRACE(c.className);
        const GraphPtr graph = networkOf({c.className, c.className, c.config, {shape}, {}});
        const Tensor x(shape.batchOf(kBatch),
                       std::vector(static_cast<std::size_t>(kBatch * shape.elementCount()), 1.0F));
        const std::vector<TensorView> inputs{x.view()};
        Parallel parallel(1);
        const auto still = InferencePlan::make(graph, {}, {}).value();
        EXPECT_EQ(still->run(inputs, parallel).value().front(), x);
        auto plan = TrainingPlan::make(graph, {}, kBatch, parallel, {.inputGradients = true});
        ASSERT_TRUE(plan);
        const Values y = valuesOf((*plan)->forward(inputs, {}, 5).value().front());
        const double count = static_cast<double>(y.size());
        const double mean = std::accumulate(y.begin(), y.end(), 0.0) / count;
        const double deviation = std::sqrt(product(y, y) / count - mean * mean);
        EXPECT_NEAR(mean, c.mean, 0.1);
        EXPECT_NEAR(deviation, c.deviation, 0.1);
        ASSERT_TRUE((*plan)->backward(inputs));
        if (c.className != "GaussianNoise") { // the same factors go back
            EXPECT_EQ(valuesOf((*plan)->inputGradients().front()), y);
        }
    }
}

TEST(NoiseLayers, SpatialDropoutDropsWholeChannels)
{
    const Shape shape{6, 8};
    const GraphPtr graph = networkOf({"s", "SpatialDropout1D", R"({"rate": 0.5})", {shape}, {}});
    const Tensor x(shape.batchOf(2), std::vector(96, 1.0F));
    const std::vector<TensorView> inputs{x.view()};
    Parallel parallel(1);
    auto plan = TrainingPlan::make(graph, {}, 2, parallel, {.inputGradients = true});
    ASSERT_TRUE(plan);
    const Values y = valuesOf((*plan)->forward(inputs, {}, 5).value().front());
    for (std::size_t e = 8; e < 48; ++e) {
        EXPECT_EQ(y[e], y[e % 8]);
    }
    EXPECT_NE(Values(y.begin(), y.begin() + 8), Values(y.begin() + 48, y.begin() + 56));
}

} // namespace
} // namespace bitscape::graph
