// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/data_file.h"

#include <fmt/format.h>

#include <algorithm>

// Gives samples the shapes that a network reads.
namespace bitscape::io {

namespace {

/// `wanted` with its one open size, if any, such that it has `count` values. Rank 0 if it cannot.
Shape unflattened(Index count, const Shape& wanted)
{
    Shape shape = wanted;
    int open = -1;
    Index known = 1;
    for (int axis = 0; axis < shape.rank(); ++axis) {
        if (shape[axis] < 0 && open >= 0) {
            return {};
        }
        open = shape[axis] < 0 ? axis : open;
        known *= shape[axis] < 0 ? 1 : shape[axis];
    }
    if (known < 1 || count % known != 0) {
        return {};
    }
    if (open >= 0) {
        shape[open] = count / known;
    }
    return shape.elementCount() == count ? shape : Shape();
}

/// The sample's shape as the input wants it: the same, with or without a last axis of one channel,
/// or flattened; a flat sample in any shape of as many values. Rank 0 if it does not fit.
Shape fitted(const Shape& sample, const Shape& wanted)
{
    const auto matches = [&](const Shape& shape) {
        if (shape.rank() != wanted.rank()) {
            return false;
        }
        for (int axis = 0; axis < shape.rank(); ++axis) {
            if (wanted[axis] >= 0 && wanted[axis] != shape[axis]) {
                return false;
            }
        }
        return true;
    };
    std::vector<Index> sizes(sample.sizes().begin(), sample.sizes().end());
    if (matches(sample)) {
        return sample;
    }
    if (sample.rank() + 1 == wanted.rank() && sample.rank() < Shape::kMaxRank - 1) {
        sizes.push_back(1);
        return matches(Shape(sizes)) ? Shape(sizes) : Shape();
    }
    if (sample.rank() == wanted.rank() + 1 && sample.channels() == 1 && wanted.rank() > 0) {
        sizes.pop_back();
        if (matches(Shape(sizes))) {
            return Shape(sizes);
        }
    }
    const Shape flat{sample.elementCount()};
    if (matches(flat)) {
        return flat;
    }
    return sample.rank() == 1 ? unflattened(sample[0], wanted) : Shape();
}

Result<Tensor> fitTensor(const Tensor& tensor, const std::string& name, const Shape& wanted)
{
    const Shape sample = tensor.shape().sample();
    const Shape shape = fitted(sample, wanted);
    if (shape.rank() == 0) {
        return fail(ErrorCode::ShapeMismatch,
                    fmt::format("The input '{}' takes samples of the shape {}, the data have {}.",
                                name, wanted.toString(), sample.toString()));
    }
    return Tensor(shape.batchOf(tensor.shape()[0]), tensor.values());
}

} // namespace

Result<std::shared_ptr<const train::Samples>>
fitToInputs(std::shared_ptr<const train::Samples> samples, std::span<const std::string> names,
            std::span<const Shape> shapes)
{
    ensure(names.size() == shapes.size(), "fitToInputs: a name for each shape");
    const auto position = [&](const std::string& name) {
        return static_cast<std::size_t>(std::ranges::find(samples->inputNames, name) -
                                        samples->inputNames.begin());
    };
    const bool named = std::ranges::all_of(
        names, [&](const std::string& name) { return position(name) < samples->inputs.size(); });
    if (!named && names.size() != 1 && names.size() != samples->inputs.size()) {
        return fail(ErrorCode::ShapeMismatch,
                    fmt::format("The network has {} inputs ({}), the data hold {} ({}).",
                                names.size(), fmt::join(names, ", "), samples->inputs.size(),
                                fmt::join(samples->inputNames, ", ")),
                    {}, "Name the arrays of an npz file as the inputs.");
    }
    train::Samples out;
    bool same = samples->inputs.size() == names.size();
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::size_t from = named ? position(names[i]) : i;
        auto tensor = fitTensor(samples->inputs[from], names[i], shapes[i]);
        if (!tensor) {
            return fail(std::move(tensor).error());
        }
        same = same && from == i && tensor->shape() == samples->inputs[from].shape();
        out.inputNames.push_back(names[i]);
        out.inputs.push_back(std::move(*tensor));
    }
    if (same) {
        return samples;
    }
    out.labels = samples->labels;
    out.targets = samples->targets;
    out.weights = samples->weights;
    out.classNames = samples->classNames;
    return std::make_shared<const train::Samples>(std::move(out));
}

} // namespace bitscape::io
