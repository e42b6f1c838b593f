// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/function_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

// Numbers measured by the mean, spread or sum of others around them.
namespace bitscape::graph {

namespace {

struct Moments {
    double mean = 0.0, variance = 0.0;
};

/// Of `count` elements, every `step`-th from `start`.
Moments momentsOf(const ArrayValue& x, Index start, Index count, Index step = 1)
{
    Moments m;
    for (Index k = 0; k < count; ++k) {
        m.mean += x.real(start + k * step);
    }
    m.mean /= static_cast<double>(count);
    for (Index k = 0; k < count; ++k) {
        const double distance = x.real(start + k * step) - m.mean;
        m.variance += distance * distance;
    }
    m.variance /= static_cast<double>(count);
    return m;
}

/// Elements behind batch and channels; 1 where there are none.
Index planeOf(const ArrayValue& x)
{
    return x.rank() < 3 ? 1 : countOf(std::span<const Index>(x.sizes).subspan(2));
}

bool requireCount(Evaluation& e, std::size_t input, Index count)
{
    if (e.input(input).count() != count) {
        e.refuse(fmt::format("Its input {} has {} elements, {} are wanted.", input,
                             e.input(input).count(), count));
    }
    return e.ok();
}

/// Statistics of the batch, told to running ones, in training mode.
void trainedNorm(Evaluation& e, const ArrayValue& x, Index channels, Index plane)
{
    const double momentum = e.real("momentum", 0.9);
    const double epsilon = e.real("epsilon", 1e-5);
    ArrayValue y = e.make(x.type, x.sizes);
    ArrayValue mean = e.make(e.input(3).type, {channels});
    ArrayValue variance = e.make(e.input(4).type, {channels});
    if (e.computes()) {
        const ArrayValue& scale = e.input(1);
        const ArrayValue& bias = e.input(2);
        const Index batch = x.sizes[0];
        for (Index c = 0; c < channels; ++c) {
            std::vector<Index> places;
            for (Index n = 0; n < batch; ++n) {
                for (Index k = 0; k < plane; ++k) {
                    places.push_back((n * channels + c) * plane + k);
                }
            }
            ArrayValue channel = zeros(ElementType::Double, {std::ssize(places)});
            for (std::size_t i = 0; i < places.size(); ++i) {
                channel.reals[i] = x.real(places[i]);
            }
            const Moments m = momentsOf(channel, 0, channel.count());
            for (const Index place : places) {
                y.set(place,
                      (x.real(place) - m.mean) / std::sqrt(m.variance + epsilon) * scale.real(c) +
                          bias.real(c));
            }
            mean.set(c, e.input(3).real(c) * momentum + m.mean * (1.0 - momentum));
            variance.set(c, e.input(4).real(c) * momentum + m.variance * (1.0 - momentum));
        }
    }
    e.give(std::move(y));
    e.give(std::move(mean));
    e.give(std::move(variance));
}

void batchNorm(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const double epsilon = e.real("epsilon", 1e-5);
    const bool isPerChannel = e.flag("spatial", true);
    if (!e.ok() || x.rank() < 1) {
        return e.refuse("Its input is a scalar.");
    }
    const Index channels = x.rank() < 2 ? 1 : x.sizes[1];
    const Index plane = isPerChannel ? planeOf(x) : 1;
    const Index parameters = isPerChannel ? channels : channels * planeOf(x);
    for (std::size_t input = 1; input <= 4; ++input) {
        if (!requireCount(e, input, parameters)) {
            return;
        }
    }
    const bool wasTraining = e.opset() < 7 && !e.flag("is_test");
    if (wasTraining || e.flag("training_mode")) {
        return trainedNorm(e, x, channels, plane);
    }
    ArrayValue y = e.make(x.type, x.sizes);
    for (Index i = 0; e.computes() && i < y.count(); ++i) {
        const Index c = i / plane % parameters;
        y.set(i, (x.real(i) - e.input(3).real(c)) / std::sqrt(e.input(4).real(c) + epsilon) *
                         e.input(1).real(c) +
                     e.input(2).real(c));
    }
    e.give(std::move(y));
}

void instanceNorm(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const double epsilon = e.real("epsilon", 1e-5);
    if (x.rank() < 2 || !requireCount(e, 1, x.sizes[1]) || !requireCount(e, 2, x.sizes[1])) {
        return e.refuse("Its scale or its bias does not fit its input.");
    }
    const Index plane = planeOf(x);
    ArrayValue y = e.make(x.type, x.sizes);
    for (Index p = 0; e.computes() && p < y.count() / std::max<Index>(plane, 1); ++p) {
        const Moments m = momentsOf(x, p * plane, plane);
        const double factor = e.input(1).real(p % x.sizes[1]) / std::sqrt(m.variance + epsilon);
        for (Index i = p * plane; i < (p + 1) * plane; ++i) {
            y.set(i, (x.real(i) - m.mean) * factor + e.input(2).real(p % x.sizes[1]));
        }
    }
    e.give(std::move(y));
}

/// Over all axes from one on, times a scale, plus a bias.
void layerNorm(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const ArrayValue& scale = e.input(1);
    const ArrayValue* bias = e.optional(2);
    const double epsilon = e.real("epsilon", 1e-5);
    const Index axis = e.axis(e.integer("axis", -1), x.rank());
    if (!e.ok() || e.broadcast(x.sizes, scale.sizes) != x.sizes ||
        (bias != nullptr && e.broadcast(x.sizes, bias->sizes) != x.sizes)) {
        return e.refuse("Its scale or its bias does not fit its input.");
    }
    Sizes kept = x.sizes;
    std::fill(kept.begin() + axis, kept.end(), 1);
    ArrayValue y = e.make(x.type, x.sizes);
    ArrayValue mean = e.make(ElementType::Float32, kept);
    ArrayValue inverse = e.make(ElementType::Float32, kept);
    if (e.computes()) {
        const auto ofScale = broadcastElements(scale.sizes, x.sizes);
        const auto ofBias = bias == nullptr ? ofScale : broadcastElements(bias->sizes, x.sizes);
        const Index row = x.count() / std::max<Index>(mean.count(), 1);
        for (Index r = 0; r < mean.count(); ++r) {
            const Moments m = momentsOf(x, r * row, row);
            const double factor = 1.0 / std::sqrt(m.variance + epsilon);
            mean.set(r, m.mean);
            inverse.set(r, factor);
            for (Index i = r * row; i < (r + 1) * row; ++i) {
                const auto at = static_cast<std::size_t>(i);
                y.set(i, (x.real(i) - m.mean) * factor * scale.real(ofScale[at]) +
                             (bias == nullptr ? 0.0 : bias->real(ofBias[at])));
            }
        }
    }
    e.give(std::move(y));
    e.give(std::move(mean));
    e.give(std::move(inverse));
}

void rmsNorm(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const ArrayValue& scale = e.input(1);
    const double epsilon = e.real("epsilon", 1e-5);
    const Index axis = e.axis(e.integer("axis", -1), x.rank());
    if (!e.ok() || e.broadcast(x.sizes, scale.sizes) != x.sizes) {
        return e.refuse("Its scale does not fit its input.");
    }
    ArrayValue y = e.make(x.type, x.sizes);
    if (e.computes()) {
        const auto ofScale = broadcastElements(scale.sizes, x.sizes);
        const Index row =
            countOf(std::span<const Index>(x.sizes).subspan(static_cast<std::size_t>(axis)));
        for (Index start = 0; start < x.count(); start += row) {
            double sum = 0.0;
            for (Index i = start; i < start + row; ++i) {
                sum += x.real(i) * x.real(i);
            }
            const double factor = 1.0 / std::sqrt(sum / static_cast<double>(row) + epsilon);
            for (Index i = start; i < start + row; ++i) {
                y.set(i, x.real(i) * factor * scale.real(ofScale[static_cast<std::size_t>(i)]));
            }
        }
    }
    e.give(std::move(y));
}

/// Scale and bias per group up to operator set 20, per channel since.
void groupNorm(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const double epsilon = e.real("epsilon", 1e-5);
    const std::int64_t groups = e.integer("num_groups", 1);
    if (!e.ok() || x.rank() < 2 || groups < 1 || x.sizes[1] % groups != 0) {
        return e.refuse("Its channels make no such groups.");
    }
    const Index channels = x.sizes[1];
    const Index parameters = e.opset() >= 21 ? channels : static_cast<Index>(groups);
    if (!requireCount(e, 1, parameters) || !requireCount(e, 2, parameters)) {
        return;
    }
    const Index plane = planeOf(x);
    const Index size = channels / static_cast<Index>(groups) * plane;
    ArrayValue y = e.make(x.type, x.sizes);
    for (Index start = 0; e.computes() && start < x.count(); start += size) {
        const Moments m = momentsOf(x, start, size);
        const double factor = 1.0 / std::sqrt(m.variance + epsilon);
        for (Index i = start; i < start + size; ++i) {
            const Index parameter = i / plane % channels / (channels / parameters);
            y.set(i, (x.real(i) - m.mean) * factor * e.input(1).real(parameter) +
                         e.input(2).real(parameter));
        }
    }
    e.give(std::move(y));
}

void localResponseNorm(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const double alpha = e.real("alpha", 1e-4);
    const double beta = e.real("beta", 0.75);
    const double bias = e.real("bias", 1.0);
    const std::int64_t size = e.integer("size", 1);
    if (!e.ok() || x.rank() < 2 || size < 1) {
        return e.refuse("Its size makes no sense.");
    }
    const Index channels = x.sizes[1];
    const Index plane = planeOf(x);
    ArrayValue y = e.make(x.type, x.sizes);
    for (Index i = 0; e.computes() && i < y.count(); ++i) {
        const Index c = i / plane % channels;
        const Index first = std::max<Index>(0, c - (size - 1) / 2);
        const Index last = std::min<Index>(channels - 1, c + size / 2);
        double sum = 0.0;
        for (Index other = first; other <= last; ++other) {
            const double value = x.real(i + (other - c) * plane);
            sum += value * value;
        }
        y.set(i, x.real(i) / std::pow(bias + alpha / static_cast<double>(size) * sum, beta));
    }
    e.give(std::move(y));
}

void lpNorm(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const std::int64_t p = e.integer("p", 2);
    const auto axis = static_cast<std::size_t>(e.axis(e.integer("axis", -1), x.rank()));
    if (!e.ok() || (p != 1 && p != 2)) {
        return e.refuse("Its p is neither 1 nor 2.");
    }
    ArrayValue y = e.make(x.type, x.sizes);
    const Index step = stepsOf(x.sizes)[axis];
    const Index size = x.sizes[axis];
    for (Index i = 0; e.computes() && i < y.count(); ++i) {
        const Index start = i - i / step % size * step;
        double sum = 0.0;
        for (Index k = 0; k < size; ++k) {
            const double value = x.real(start + k * step);
            sum += p == 1 ? std::fabs(value) : value * value;
        }
        const double norm = p == 1 ? sum : std::sqrt(sum);
        y.set(i, norm == 0.0 ? 0.0 : x.real(i) / norm);
    }
    e.give(std::move(y));
}

void meanVarianceNorm(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const auto axes = e.axes(e.integers("axes", {0, 2, 3}), x.rank());
    if (!e.ok()) {
        return;
    }
    ArrayValue y = e.make(x.type, x.sizes);
    if (e.computes()) {
        Sizes kept = x.sizes;
        for (const Index axis : axes) {
            kept[static_cast<std::size_t>(axis)] = 1;
        }
        const auto groups = broadcastElements(kept, x.sizes);
        const auto count = static_cast<std::size_t>(countOf(kept));
        std::vector<double> sums(count), squares(count);
        const double size = static_cast<double>(x.count()) / static_cast<double>(count);
        for (Index i = 0; i < x.count(); ++i) {
            sums[static_cast<std::size_t>(groups[static_cast<std::size_t>(i)])] += x.real(i);
        }
        for (Index i = 0; i < x.count(); ++i) {
            const auto group = static_cast<std::size_t>(groups[static_cast<std::size_t>(i)]);
            const double distance = x.real(i) - sums[group] / size;
            squares[group] += distance * distance;
        }
        for (Index i = 0; i < x.count(); ++i) {
            const auto group = static_cast<std::size_t>(groups[static_cast<std::size_t>(i)]);
            const double spread = std::sqrt(squares[group] / size) + 1e-9;
            y.set(i, (x.real(i) - sums[group] / size) / spread);
        }
    }
    e.give(std::move(y));
}

// ---- shares of a sum

/// Calls f(start, count, step) for every row that is normalized: up to operator set 12 all axes
/// from `axis` on as one (default 1), since then that axis alone (default the last).
template <class F>
void eachRow(Evaluation& e, const F& f)
{
    const ArrayValue& x = e.input(0);
    const bool isOld = e.opset() < 13;
    const Index axis = e.axis(e.integer("axis", isOld ? 1 : -1), x.rank(), isOld);
    ArrayValue y = e.make(x.type, x.sizes);
    if (e.computes() && x.count() > 0) {
        const std::span<const Index> sizes(x.sizes);
        const auto at = static_cast<std::size_t>(axis);
        const Index size = isOld ? countOf(sizes.subspan(at)) : sizes[at];
        const Index inner = isOld ? 1 : countOf(sizes.subspan(at + 1));
        for (Index row = 0; row < x.count() / size; ++row) {
            f(x, y, row / inner * size * inner + row % inner, size, inner);
        }
    }
    e.give(std::move(y));
}

double largestOf(const ArrayValue& x, Index start, Index count, Index step)
{
    double found = x.real(start);
    for (Index k = 1; k < count; ++k) {
        found = std::max(found, x.real(start + k * step));
    }
    return found;
}

void softmax(Evaluation& e)
{
    eachRow(e, [](const ArrayValue& x, ArrayValue& y, Index start, Index count, Index step) {
        const double top = largestOf(x, start, count, step);
        double sum = 0.0;
        for (Index k = 0; k < count; ++k) {
            sum += std::exp(x.real(start + k * step) - top);
        }
        for (Index k = 0; k < count; ++k) {
            y.set(start + k * step, std::exp(x.real(start + k * step) - top) / sum);
        }
    });
}

void logSoftmax(Evaluation& e)
{
    eachRow(e, [](const ArrayValue& x, ArrayValue& y, Index start, Index count, Index step) {
        const double top = largestOf(x, start, count, step);
        double sum = 0.0;
        for (Index k = 0; k < count; ++k) {
            sum += std::exp(x.real(start + k * step) - top);
        }
        for (Index k = 0; k < count; ++k) {
            y.set(start + k * step, x.real(start + k * step) - top - std::log(sum));
        }
    });
}

void hardmax(Evaluation& e)
{
    eachRow(e, [](const ArrayValue& x, ArrayValue& y, Index start, Index count, Index step) {
        const double top = largestOf(x, start, count, step);
        for (Index k = 0; k < count; ++k) {
            if (x.real(start + k * step) == top) {
                return y.set(start + k * step, 1.0);
            }
        }
    });
}

} // namespace

std::span<const FunctionInfo> normalizeFunctions()
{
    static const std::array rows{
        FunctionInfo{"", "BatchNormalization", 1, "by stored statistics of channels", batchNorm},
        FunctionInfo{"", "InstanceNormalization", 1, "by each channel of a sample", instanceNorm},
        FunctionInfo{"", "LayerNormalization", 17, "by all axes from one on", layerNorm},
        FunctionInfo{"", "RMSNormalization", 23, "by the root of the mean square", rmsNorm},
        FunctionInfo{"", "GroupNormalization", 18, "by groups of channels", groupNorm},
        FunctionInfo{"", "LRN", 1, "by the channels around", localResponseNorm},
        FunctionInfo{"", "LpNormalization", 1, "by the norm along an axis", lpNorm},
        FunctionInfo{"", "MeanVarianceNormalization", 9, "by mean and spread along axes",
                     meanVarianceNorm},
        FunctionInfo{"", "Softmax", 1, "eˣ as shares of their sum", softmax},
        FunctionInfo{"", "LogSoftmax", 1, "logarithm of Softmax", logSoftmax},
        FunctionInfo{"", "Hardmax", 1, "1 for the largest, else 0", hardmax},
    };
    return rows;
}

} // namespace bitscape::graph
