// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Plain twins of registered layers: nested loops in double over one sample.

#include "core/tensor/tensor.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <vector>

namespace bitscape::twins {

using Values = std::vector<double>;
/// (inputs, weights) → output
using Twin = std::function<Values(const std::vector<Values>&, const std::vector<Values>&)>;
using Sizes = std::vector<Index>;

inline Index countOf(const Sizes& sizes)
{
    return std::accumulate(sizes.begin(), sizes.end(), Index{1}, std::multiplies<>());
}

/// Place of an index in a row-major tensor.
inline std::size_t place(const Sizes& sizes, const Sizes& at)
{
    Index e = 0;
    for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
        e = e * sizes[axis] + at[axis];
    }
    return static_cast<std::size_t>(e);
}

template <class Visit>
void forEachIndex(const Sizes& sizes, const Visit& visit)
{
    Sizes at(sizes.size(), 0);
    for (Index e = 0; e < countOf(sizes); ++e) {
        Index rest = e;
        for (std::size_t axis = sizes.size(); axis-- > 0;) {
            at[axis] = rest % sizes[axis];
            rest /= sizes[axis];
        }
        visit(at);
    }
}

inline bool isInside(const Sizes& sizes, const Sizes& at)
{
    for (std::size_t axis = 0; axis < at.size(); ++axis) {
        if (at[axis] < 0 || at[axis] >= sizes[axis]) {
            return false;
        }
    }
    return true;
}

/// A window over any number of axes: sizes, strides, dilations, elements before the first.
struct Window {
    Sizes size, stride, dilation, before;

    [[nodiscard]] Sizes place(const Sizes& out, const Sizes& tap) const
    {
        Sizes in(size.size());
        for (std::size_t axis = 0; axis < in.size(); ++axis) {
            in[axis] = out[axis] * stride[axis] + tap[axis] * dilation[axis] - before[axis];
        }
        return in;
    }
};

inline Sizes with(Sizes sizes, std::initializer_list<Index> more)
{
    sizes.insert(sizes.end(), more);
    return sizes;
}

/// Spatial sizes in and out without channels. Kernel (window…, ci/groups, filters).
inline Twin convolution(Sizes in, Sizes out, Window window, Index channels, Index filters,
                        Index groups, bool useBias)
{
    return [=](const std::vector<Values>& x, const std::vector<Values>& w) {
        const Index perGroup = channels / groups;
        Values y(static_cast<std::size_t>(countOf(out) * filters), 0.0);
        forEachIndex(out, [&](const Sizes& at) {
            for (Index f = 0; f < filters; ++f) {
                double& sum = y[place(with(out, {filters}), with(at, {f}))];
                sum = useBias ? w[1][static_cast<std::size_t>(f)] : 0.0;
                forEachIndex(window.size, [&](const Sizes& tap) {
                    const Sizes from = window.place(at, tap);
                    for (Index c = 0; isInside(in, from) && c < perGroup; ++c) {
                        const Index channel = f / (filters / groups) * perGroup + c;
                        sum +=
                            x[0][place(with(in, {channels}), with(from, {channel}))] *
                            w[0][place(with(window.size, {perGroup, filters}), with(tap, {c, f}))];
                    }
                });
            }
        });
        return y;
    };
}

/// Kernel (window…, filters, ci): every input paints its kernel.
inline Twin transposed(Sizes in, Sizes out, Window window, Index channels, Index filters,
                       bool useBias)
{
    return [=](const std::vector<Values>& x, const std::vector<Values>& w) {
        Values y(static_cast<std::size_t>(countOf(out) * filters), 0.0);
        for (std::size_t e = 0; useBias && e < y.size(); ++e) {
            y[e] = w[1][e % static_cast<std::size_t>(filters)];
        }
        forEachIndex(in, [&](const Sizes& at) {
            forEachIndex(window.size, [&](const Sizes& tap) {
                const Sizes to = window.place(at, tap);
                if (!isInside(out, to)) {
                    return;
                }
                for (Index f = 0; f < filters; ++f) {
                    for (Index c = 0; c < channels; ++c) {
                        y[place(with(out, {filters}), with(to, {f}))] +=
                            x[0][place(with(in, {channels}), with(at, {c}))] *
                            w[0][place(with(window.size, {filters, channels}), with(tap, {f, c}))];
                    }
                }
            });
        });
        return y;
    };
}

/// Largest value or mean of each window, over the elements inside.
inline Twin pooling(Sizes in, Sizes out, Window window, Index channels, bool isMax)
{
    return [=](const std::vector<Values>& x, const std::vector<Values>&) {
        Values y(static_cast<std::size_t>(countOf(out) * channels), 0.0);
        forEachIndex(with(out, {channels}), [&](const Sizes& at) {
            Values seen;
            const Sizes pixel(at.begin(), at.end() - 1);
            forEachIndex(window.size, [&](const Sizes& tap) {
                const Sizes from = window.place(pixel, tap);
                if (isInside(in, from)) {
                    seen.push_back(x[0][place(with(in, {channels}), with(from, {at.back()}))]);
                }
            });
            y[place(with(out, {channels}), at)] =
                isMax ? *std::max_element(seen.begin(), seen.end())
                      : std::accumulate(seen.begin(), seen.end(), 0.0) /
                            static_cast<double>(seen.size());
        });
        return y;
    };
}

/// Element by element over inputs that repeat themselves to the size of the first.
inline Twin elements(const std::function<double(const Values&)>& join)
{
    return [=](const std::vector<Values>& x, const std::vector<Values>&) {
        Values y(x[0].size());
        for (std::size_t e = 0; e < y.size(); ++e) {
            Values values;
            for (const Values& input : x) {
                values.push_back(input[e % input.size()]);
            }
            y[e] = join(values);
        }
        return y;
    };
}

/// out = in at the index that `source` gives; outside: 0.
inline Twin moved(Sizes in, Sizes out, const std::function<Sizes(const Sizes&)>& source)
{
    return [=](const std::vector<Values>& x, const std::vector<Values>&) {
        Values y(static_cast<std::size_t>(countOf(out)), 0.0);
        forEachIndex(out, [&](const Sizes& at) {
            const Sizes from = source(at);
            y[place(out, at)] = isInside(in, from) ? x[0][place(in, from)] : 0.0;
        });
        return y;
    };
}

/// Normalized over the elements whose `group` is the same; gamma and beta by `parameter`.
inline Twin normalized(Sizes sizes, double epsilon, const std::function<Index(const Sizes&)>& group,
                       const std::function<Index(const Sizes&)>& parameter)
{
    return [=](const std::vector<Values>& x, const std::vector<Values>& w) {
        Values y(x[0].size());
        forEachIndex(sizes, [&](const Sizes& at) {
            double sum = 0.0;
            double squares = 0.0;
            double count = 0.0;
            forEachIndex(sizes, [&](const Sizes& other) {
                if (group(other) == group(at)) {
                    const double value = x[0][place(sizes, other)];
                    sum += value;
                    squares += value * value;
                    count += 1.0;
                }
            });
            const double mean = sum / count;
            const double variance = squares / count - mean * mean;
            const auto p = static_cast<std::size_t>(parameter(at));
            y[place(sizes, at)] =
                (x[0][place(sizes, at)] - mean) / std::sqrt(variance + epsilon) * w[0][p] + w[1][p];
        });
        return y;
    };
}

inline Values softmax(Values scores)
{
    const double top = *std::max_element(scores.begin(), scores.end());
    double sum = 0.0;
    for (double& score : scores) {
        score = std::exp(score - top);
        sum += score;
    }
    for (double& score : scores) {
        score /= sum;
    }
    return scores;
}

using ScoreOf = std::function<double(const Values& query, const Values& key,
                                     const std::vector<Values>& weights)>;

inline Values rowOf(const Values& x, Index row, Index size)
{
    return {x.begin() + row * size, x.begin() + (row + 1) * size};
}

/// Query, value and perhaps key of `features`, values of `valueSize`.
inline Twin attention(Index features, Index valueSize, bool isCausal, const ScoreOf& score)
{
    return [=](const std::vector<Values>& x, const std::vector<Values>& w) {
        const Values& keys = x.size() > 2 ? x[2] : x[1];
        const auto queryCount = static_cast<Index>(x[0].size()) / features;
        const auto keyCount = static_cast<Index>(keys.size()) / features;
        Values y;
        for (Index q = 0; q < queryCount; ++q) {
            Values scores;
            for (Index k = 0; k < keyCount; ++k) {
                scores.push_back(isCausal && k > q ? -1e30
                                                   : score(rowOf(x[0], q, features),
                                                           rowOf(keys, k, features), w));
            }
            const Values shares = softmax(scores);
            for (Index v = 0; v < valueSize; ++v) {
                double sum = 0.0;
                for (Index k = 0; k < keyCount; ++k) {
                    sum += shares[static_cast<std::size_t>(k)] *
                           x[1][static_cast<std::size_t>(k * valueSize + v)];
                }
                y.push_back(sum);
            }
        }
        return y;
    };
}

/// rows × from → rows × to
inline Values dense(const Values& x, Index from, Index to, const Values& kernel, const Values& bias)
{
    Values y;
    for (Index row = 0; row < static_cast<Index>(x.size()) / from; ++row) {
        for (Index t = 0; t < to; ++t) {
            double sum = bias[static_cast<std::size_t>(t)];
            for (Index f = 0; f < from; ++f) {
                sum += x[static_cast<std::size_t>(row * from + f)] *
                       kernel[static_cast<std::size_t>(f * to + t)];
            }
            y.push_back(sum);
        }
    }
    return y;
}

} // namespace bitscape::twins
