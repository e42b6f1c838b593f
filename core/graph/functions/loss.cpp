// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/function_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

// Losses that files of training graphs hold, and windows of signals.
namespace bitscape::graph {

namespace {

/// −weight · x at the target's class, and what it is divided by for a mean.
void giveLoss(Evaluation& e, const ArrayValue& x)
{
    const ArrayValue& target = e.input(1);
    const ArrayValue* weight = e.optional(2);
    const std::string reduction = e.text("reduction", "mean");
    const std::int64_t ignored = e.integer("ignore_index", -1);
    const bool ignores = e.hasAttribute("ignore_index");
    if (!e.ok() || x.rank() < 2 || target.count() * x.sizes[1] != x.count() ||
        (weight != nullptr && weight->count() != x.sizes[1])) {
        return e.refuse("Its target or its weight does not fit its input.");
    }
    const Index classes = x.sizes[1];
    const Index plane = countOf(std::span<const Index>(x.sizes).subspan(2));
    ArrayValue losses = e.make(x.type, target.sizes);
    double total = 0.0;
    double weights = 0.0;
    for (Index i = 0; e.computes() && i < losses.count(); ++i) {
        const std::int64_t index = target.integer(i);
        if (ignores && index == ignored) {
            continue;
        }
        if (index < 0 || index >= classes) {
            return e.refuse(fmt::format("The class {} is none of {}.", index, classes));
        }
        const double factor = weight == nullptr ? 1.0 : weight->real(index);
        const double loss = -factor * x.real((i / plane * classes + index) * plane + i % plane);
        losses.set(i, loss);
        total += loss;
        weights += factor;
    }
    if (reduction == "none") {
        return e.give(std::move(losses));
    }
    ArrayValue sum = e.make(x.type, {});
    if (e.computes()) {
        sum.set(0, reduction == "sum" ? total : total / weights);
    }
    e.give(std::move(sum));
}

void negativeLogLikelihood(Evaluation& e)
{
    giveLoss(e, e.input(0));
}

void softmaxCrossEntropy(Evaluation& e)
{
    const ArrayValue* input = &e.input(0);
    auto logarithms =
        evaluate(*findFunction("", "LogSoftmax", 13), {&input, 1}, {{"axis", std::int64_t{1}}}, 13);
    if (!logarithms) {
        return e.refuse(logarithms.error().message);
    }
    giveLoss(e, logarithms->front());
    e.give(std::move(logarithms->front()));
}

/// a − b·cos(2πn/N) + c·cos(4πn/N)
void giveWindow(Evaluation& e, double a, double b, double c)
{
    const auto sizes = e.constants(0);
    const auto type = elementTypeOf(
        static_cast<int>(std::clamp<std::int64_t>(e.integer("output_datatype", 1), 0, 100)));
    if (!e.ok() || sizes.size() != 1 || !type) {
        return e.refuse("Its size is no single number, or its type is not covered.");
    }
    ArrayValue y = e.make(*type, {static_cast<Index>(sizes[0])});
    const auto period = static_cast<double>(e.flag("periodic", true) ? sizes[0] : sizes[0] - 1);
    for (Index n = 0; e.computes() && n < y.count(); ++n) {
        const double angle = 2.0 * std::numbers::pi * static_cast<double>(n) / period;
        y.set(n, a - b * std::cos(angle) + c * std::cos(2.0 * angle));
    }
    e.give(std::move(y));
}

void hann(Evaluation& e)
{
    giveWindow(e, 0.5, 0.5, 0.0);
}

void hamming(Evaluation& e)
{
    giveWindow(e, 25.0 / 46.0, 21.0 / 46.0, 0.0);
}

void blackman(Evaluation& e)
{
    giveWindow(e, 0.42, 0.5, 0.08);
}

double determinant(std::vector<double> m, Index size)
{
    double result = 1.0;
    for (Index k = 0; k < size; ++k) {
        Index pivot = k;
        for (Index row = k + 1; row < size; ++row) {
            pivot = std::fabs(m[static_cast<std::size_t>(row * size + k)]) >
                            std::fabs(m[static_cast<std::size_t>(pivot * size + k)])
                        ? row
                        : pivot;
        }
        const double head = m[static_cast<std::size_t>(pivot * size + k)];
        if (head == 0.0) {
            return 0.0;
        }
        for (Index column = 0; pivot != k && column < size; ++column) {
            std::swap(m[static_cast<std::size_t>(k * size + column)],
                      m[static_cast<std::size_t>(pivot * size + column)]);
        }
        result *= pivot == k ? head : -head;
        for (Index row = k + 1; row < size; ++row) {
            const double factor = m[static_cast<std::size_t>(row * size + k)] / head;
            for (Index column = k; column < size; ++column) {
                m[static_cast<std::size_t>(row * size + column)] -=
                    factor * m[static_cast<std::size_t>(k * size + column)];
            }
        }
    }
    return result;
}

void determinantOf(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    if (x.rank() < 2 || x.sizes[x.sizes.size() - 2] != x.sizes.back() || !isReal(x.type)) {
        return e.refuse("Its input is no square matrix.");
    }
    const Index size = x.sizes.back();
    ArrayValue y = e.make(x.type, {x.sizes.begin(), x.sizes.end() - 2});
    for (Index i = 0; e.computes() && i < y.count(); ++i) {
        const auto first = x.reals.begin() + i * size * size;
        y.set(i, determinant({first, first + size * size}, size));
    }
    e.give(std::move(y));
}

} // namespace

std::span<const FunctionInfo> lossFunctions()
{
    static const std::array rows{
        FunctionInfo{"", "NegativeLogLikelihoodLoss", 12, "−x of the target's class",
                     negativeLogLikelihood},
        FunctionInfo{"", "SoftmaxCrossEntropyLoss", 12, "−LogSoftmax of the target's class",
                     softmaxCrossEntropy},
        FunctionInfo{"", "HannWindow", 17, "a raised cosine", hann},
        FunctionInfo{"", "HammingWindow", 17, "a raised cosine on a step", hamming},
        FunctionInfo{"", "BlackmanWindow", 17, "two cosines", blackman},
        FunctionInfo{"", "Det", 11, "determinants of matrices", determinantOf},
    };
    return rows;
}

} // namespace bitscape::graph
