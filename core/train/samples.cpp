// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/samples.h"

#include "core/base/error.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bitscape::train {

namespace {

Tensor pickRows(const Tensor& from, std::span<const Index> indices)
{
    const Shape row = from.shape().sample();
    const Index size = row.elementCount();
    Tensor to(row.batchOf(static_cast<Index>(indices.size())));
    float* out = to.data();
    for (const Index index : indices) {
        ensure(index >= 0 && index < from.shape()[0], "Samples: no such sample");
        out = std::copy_n(from.data() + index * size, size, out);
    }
    return to;
}

} // namespace

Samples Samples::pick(std::span<const Index> indices) const
{
    Samples out;
    out.inputNames = inputNames;
    out.classNames = classNames;
    for (const Tensor& input : inputs) {
        out.inputs.push_back(pickRows(input, indices));
    }
    if (hasLabels()) {
        for (const Index index : indices) {
            out.labels.push_back(labels[static_cast<std::size_t>(index)]);
        }
    }
    if (hasTargets()) {
        out.targets = pickRows(targets, indices);
    }
    if (!weights.empty()) {
        for (const Index index : indices) {
            out.weights.push_back(weights[static_cast<std::size_t>(index)]);
        }
    }
    return out;
}

std::vector<TensorView> Samples::views() const
{
    std::vector<TensorView> out;
    out.reserve(inputs.size());
    for (const Tensor& input : inputs) {
        out.push_back(input.view());
    }
    return out;
}

Split splitLast(const Samples& samples, double share)
{
    const Index count = samples.count();
    const auto last = static_cast<Index>(std::floor(share * static_cast<double>(count)));
    std::vector<Index> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), Index{0});
    const auto first = static_cast<std::size_t>(count - std::clamp<Index>(last, 0, count));
    const std::span<const Index> all(order);
    return {samples.pick(all.first(first)), samples.pick(all.subspan(first))};
}

} // namespace bitscape::train
