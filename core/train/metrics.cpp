// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bitscape::train {

namespace {

std::span<const float> rowOf(TensorView values, Index row, Index width)
{
    return {values.data + row * width, static_cast<std::size_t>(width)};
}

Index countClassHits(TensorView outputs, const TargetView& targets, Index count, Index width)
{
    Index hits = 0;
    for (Index i = 0; i < count; ++i) {
        const Index wanted = targets.labels.empty() ? argMax(rowOf(targets.values, i, width))
                                                    : targets.labels[static_cast<std::size_t>(i)];
        hits += argMax(rowOf(outputs, i, width)) == wanted ? 1 : 0;
    }
    return hits;
}

} // namespace

AnswerKind answerKind(const Samples& samples, const Shape& output)
{
    const Index width = output.elementCount();
    if (samples.hasLabels()) {
        return width == 1 ? AnswerKind::Flags : AnswerKind::Classes;
    }
    const std::span<const float> values = samples.targets.values();
    const Index perSample = samples.targets.shape().sample().elementCount();
    if (perSample != width ||
        std::ranges::any_of(values, [](float v) { return v != 0 && v != 1; })) {
        return AnswerKind::Values;
    }
    for (Index i = 0; width > 1 && i < samples.count(); ++i) {
        const auto row = rowOf(samples.targets.view(), i, width);
        if (std::accumulate(row.begin(), row.end(), 0.0F) != 1.0F) {
            return AnswerKind::Flags;
        }
    }
    return width > 1 ? AnswerKind::Classes : AnswerKind::Flags;
}

Index argMax(std::span<const float> values)
{
    return std::ranges::max_element(values) - values.begin();
}

std::optional<double> accuracyOf(AnswerKind kind, TensorView outputs, const TargetView& targets,
                                 float threshold)
{
    const Index count = outputs.shape[0];
    if (kind == AnswerKind::Values || count == 0) {
        return std::nullopt;
    }
    const Index width = outputs.size() / count;
    if (kind == AnswerKind::Classes) {
        return static_cast<double>(countClassHits(outputs, targets, count, width)) /
               static_cast<double>(count);
    }
    Index hits = 0;
    for (Index i = 0; i < outputs.size(); ++i) {
        const bool wanted = targets.labels.empty()
                                ? targets.values.data[i] > 0.5F
                                : targets.labels[static_cast<std::size_t>(i)] > 0;
        hits += (outputs.data[i] > threshold) == wanted ? 1 : 0;
    }
    return static_cast<double>(hits) / static_cast<double>(outputs.size());
}

std::optional<double> areaUnderCurve(std::span<const double> scores,
                                     const std::vector<bool>& positive)
{
    std::vector<std::size_t> order(scores.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return scores[i]; });
    double ranks = 0;
    double positives = 0;
    for (std::size_t first = 0; first < order.size();) {
        std::size_t last = first;
        while (last < order.size() && scores[order[last]] == scores[order[first]]) {
            ++last;
        }
        const double rank = (static_cast<double>(first + last) + 1.0) / 2.0;
        for (std::size_t i = first; i < std::max(last, first + 1); ++i) {
            ranks += positive[order[i]] ? rank : 0.0;
            positives += positive[order[i]] ? 1.0 : 0.0;
        }
        first = std::max(last, first + 1); // a NaN equals nothing, itself included
    }
    const double negatives = static_cast<double>(scores.size()) - positives;
    if (positives == 0 || negatives == 0) {
        return std::nullopt;
    }
    return (ranks - positives * (positives + 1.0) / 2.0) / (positives * negatives);
}

} // namespace bitscape::train
