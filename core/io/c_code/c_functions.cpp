// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/c_code/c_functions.h"

#include "core/io/c_code/c_arrays.h"

#include <fmt/format.h>

namespace bitscape::io {

namespace {

using graph::Function;
using graph::FunctionKind;

std::string softmax(Index rows, Index channels)
{
    return fmt::format("    for (int r = 0; r < {0}; ++r) {{\n"
                       "        const float *x = x0 + r * {1};\n"
                       "        float largest = x[0];\n        float sum = 0.0F;\n"
                       "        for (int c = 1; c < {1}; ++c) {{\n"
                       "            largest = x[c] > largest ? x[c] : largest;\n        }}\n"
                       "        for (int c = 0; c < {1}; ++c) {{\n"
                       "            y[r * {1} + c] = expf(x[c] - largest);\n"
                       "            sum += y[r * {1} + c];\n        }}\n"
                       "        for (int c = 0; c < {1}; ++c) {{\n"
                       "            y[r * {1} + c] /= sum;\n        }}\n    }}\n",
                       rows, channels);
}

std::string relu(const Function& f)
{
    std::string value = fmt::format("x >= {0} ? x : {1} * (x - {0})", cNumber(f.threshold),
                                    cNumber(f.negativeSlope));
    return f.maxValue > 0.0F ? fmt::format("fminf({}, {})", value, cNumber(f.maxValue)) : value;
}

std::string elu(float alpha, float scale)
{
    return fmt::format("{0} * (x > 0.0F ? x : {1} * (expf(x) - 1.0F))", cNumber(scale),
                       cNumber(alpha));
}

/// f(x) as an expression.
std::string expression(const Function& f)
{
    constexpr float kSeluAlpha = 1.67326324F;
    constexpr float kSeluScale = 1.05070098F;
    switch (f.kind) {
    case FunctionKind::Linear:
    case FunctionKind::Softmax:
        break;
    case FunctionKind::Relu:
        return relu(f);
    case FunctionKind::Sigmoid:
        return "1.0F / (1.0F + expf(-x))";
    case FunctionKind::Tanh:
        return "tanhf(x)";
    case FunctionKind::HardSigmoidKeras2:
        return "fminf(fmaxf(0.2F * x + 0.5F, 0.0F), 1.0F)";
    case FunctionKind::HardSigmoidKeras3:
        return "fminf(fmaxf(x / 6.0F + 0.5F, 0.0F), 1.0F)";
    case FunctionKind::Elu:
        return elu(f.negativeSlope, 1.0F);
    case FunctionKind::Selu:
        return elu(kSeluAlpha, kSeluScale);
    case FunctionKind::Softplus:
        return "fmaxf(x, 0.0F) + log1pf(expf(-fabsf(x)))";
    case FunctionKind::Softsign:
        return "x / (1.0F + fabsf(x))";
    case FunctionKind::Swish:
        return "x / (1.0F + expf(-x))";
    case FunctionKind::Gelu:
        return "0.5F * x * (1.0F + erff(x * 0.70710678118F))";
    case FunctionKind::Exponential:
        return "expf(x)";
    }
    return "x";
}

} // namespace

std::string cFunction(const Function& function, Index rows, Index channels)
{
    if (function.kind == FunctionKind::Softmax) {
        return softmax(rows, channels);
    }
    return fmt::format("    for (int i = 0; i < {}; ++i) {{\n        const float x = x0[i];\n"
                       "        y[i] = {};\n    }}\n",
                       rows * channels, expression(function));
}

} // namespace bitscape::io
