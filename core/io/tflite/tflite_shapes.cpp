// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/tflite/tflite_picking.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

// Operators that move values, and those that sum along axes.
namespace bitscape::io {

namespace {

/// One number of a constant input.
std::int64_t integer(OperatorReading& reading, std::size_t input)
{
    const TfliteIntegers values = reading.integers(input);
    if (values.size() != 1) {
        reading.lacks("one of its inputs is no single number");
        return 0;
    }
    return values.front();
}

std::int64_t countOf(const TfliteSizes& sizes)
{
    std::int64_t count = 1;
    for (const std::int64_t size : sizes) {
        count *= size;
    }
    return count;
}

/// The wanted sizes, where a constant says them: files hold other ones for tensors of open size.
TfliteSizes target(OperatorReading& reading, std::int64_t count)
{
    TfliteSizes sizes = reading.output().shape;
    if (reading.op.code != schema::kReshape || countOf(sizes) == count || !reading.isConstant(1)) {
        return sizes;
    }
    sizes = reading.integers(1);
    const auto open = std::ranges::find(sizes, -1);
    if (open != sizes.end()) {
        *open = 1;
        const std::int64_t rest = countOf(sizes);
        *open = rest > 0 ? count / rest : 1;
    }
    return sizes;
}

void reshape(OperatorReading& reading)
{
    const TfliteSource data = reading.source(0);
    if (!reading.isOk()) {
        return;
    }
    const TfliteSizes sizes = target(reading, countOf(data.sizes));
    if (countOf(sizes) != countOf(data.sizes)) {
        reading.lacks("its sizes do not fit its input");
        return;
    }
    const bool keeps = data.hasBatch && !sizes.empty() && sizes.front() == data.sizes.front();
    reading.give(reading.reshaped(keeps ? data : reading.whole(data), sizes, keeps, {}));
}

// ---- joining

/// All inputs, constants among them, with the batch or all without.
std::vector<TfliteSource> parts(OperatorReading& reading)
{
    std::vector<TfliteSource> sources(reading.inputCount());
    bool allCount = true;
    std::size_t rank = 0;
    for (std::size_t i = 0; i < sources.size() && reading.isOk(); ++i) {
        rank = std::max(rank, reading.has(i) ? reading.input(i).shape.size() : 0);
        if (!reading.isConstant(i)) {
            sources[i] = reading.source(i);
            allCount = allCount && sources[i].hasBatch;
        }
    }
    for (std::size_t i = 0; i < sources.size() && reading.isOk(); ++i) {
        if (reading.isConstant(i)) {
            sources[i] = reading.constantSource(i, static_cast<int>(rank) - (allCount ? 1 : 0));
            sources[i].hasBatch = allCount;
            sources[i].sizes = reading.input(i).shape;
        } else if (!allCount) {
            sources[i] = reading.whole(sources[i]);
        }
    }
    return reading.isOk() ? sources : std::vector<TfliteSource>();
}

void join(OperatorReading& reading, const std::vector<TfliteSource>& sources, std::int64_t axis)
{
    if (sources.empty()) {
        reading.lacks("it has no inputs");
        return;
    }
    const auto within = sources.front().axis(axis);
    if (!within || *within < 0) {
        reading.lacks("it joins along the axis of the samples");
        return;
    }
    OperatorReading::LayerParts parts;
    for (std::size_t i = 1; i < sources.size(); ++i) {
        parts.further.push_back(sources[i].layer);
    }
    reading.give(
        reading.layer(graph::ConcatenateOp{*within + 1}, sources.front(), std::move(parts)));
}

void concatenate(OperatorReading& reading)
{
    if (!reading.fused().isLinear()) {
        reading.lacks("a function behind it is not covered");
    }
    join(reading, parts(reading), reading.option("axis"));
}

void pack(OperatorReading& reading)
{
    std::vector<TfliteSource> sources = parts(reading);
    if (sources.empty()) {
        return;
    }
    const std::size_t rank = sources.front().sizes.size() + 1;
    const std::size_t axis = axisOf(reading, reading.option("axis"), rank);
    for (TfliteSource& source : sources) {
        if (axis == 0) {
            source = reading.whole(source);
        }
        TfliteSizes sizes = source.sizes;
        sizes.insert(sizes.begin() + static_cast<std::ptrdiff_t>(std::min(axis, sizes.size())), 1);
        source = reading.reshaped(source, sizes, source.hasBatch);
    }
    if (reading.isOk()) {
        join(reading, sources, static_cast<std::int64_t>(axis));
    }
}

// ---- cutting

void unpack(OperatorReading& reading)
{
    const TfliteSource data = reading.source(0);
    const std::size_t axis = axisOf(reading, reading.option("axis"), data.sizes.size());
    for (std::size_t k = 0; k < reading.op.outputs.size() && reading.isOk(); ++k) {
        Picking picking(reading, data);
        picking.set(axis, {static_cast<Index>(k)});
        reading.give(picking.layer(), k);
    }
}

void cut(OperatorReading& reading, const TfliteSource& data, std::size_t axis,
         const TfliteIntegers& sizes)
{
    std::int64_t first = 0;
    for (std::size_t k = 0; k < reading.op.outputs.size() && k < sizes.size() && reading.isOk();
         ++k) {
        Picking picking(reading, data);
        Indices indices = allIndices(sizes[k]);
        for (Index& index : indices) {
            index += first;
        }
        first += sizes[k];
        picking.set(axis, std::move(indices));
        reading.give(picking.layer(), k);
    }
}

void split(OperatorReading& reading)
{
    const TfliteSource data = reading.source(1);
    const std::size_t axis = axisOf(reading, integer(reading, 0), data.sizes.size());
    const auto count = static_cast<std::int64_t>(reading.op.outputs.size());
    if (!reading.isOk() || count < 1 || data.sizes[axis] % count != 0) {
        reading.lacks("it cannot be split evenly");
        return;
    }
    cut(reading, data, axis,
        TfliteIntegers(static_cast<std::size_t>(count), data.sizes[axis] / count));
}

void splitBySizes(OperatorReading& reading)
{
    const TfliteSource data = reading.source(0);
    TfliteIntegers sizes = reading.integers(1);
    const std::size_t axis = axisOf(reading, integer(reading, 2), data.sizes.size());
    if (!reading.isOk()) {
        return;
    }
    std::int64_t known = 0;
    for (const std::int64_t size : sizes) {
        known += std::max<std::int64_t>(size, 0);
    }
    std::ranges::replace(sizes, std::int64_t{-1}, data.sizes[axis] - known);
    cut(reading, data, axis, sizes);
}

void stridedSlice(OperatorReading& reading)
{
    const TfliteSource data = reading.source(0);
    const TfliteIntegers begin = reading.integers(1);
    const TfliteIntegers end = reading.integers(2);
    const TfliteIntegers step = reading.integers(3);
    if (reading.option("ellipsis_mask") != 0 || reading.option("new_axis_mask") != 0 ||
        reading.flag("offset")) {
        reading.lacks("an ellipsis or a new axis is not covered");
    }
    if (end.size() != begin.size() || step.size() != begin.size() ||
        begin.size() > data.sizes.size()) {
        reading.lacks("its indices do not fit its input");
    }
    Picking picking(reading, data);
    for (std::size_t axis = 0; axis < begin.size() && reading.isOk(); ++axis) {
        const std::int64_t size = data.sizes[axis];
        const auto isMasked = [&](const char* mask) {
            return ((reading.option(mask) >> axis) & 1) != 0;
        };
        if (step[axis] == 0) {
            reading.lacks("a step is 0");
            return;
        }
        const bool isForward = step[axis] > 0;
        const auto place = [&](std::int64_t at) {
            return std::clamp<std::int64_t>(at < 0 ? at + size : at, isForward ? 0 : -1,
                                            isForward ? size : size - 1);
        };
        std::int64_t from =
            isMasked("begin_mask") ? (isForward ? 0 : size - 1) : place(begin[axis]);
        std::int64_t to = isMasked("end_mask") ? (isForward ? size : -1) : place(end[axis]);
        if (isMasked("shrink_axis_mask")) {
            to = from + (isForward ? 1 : -1);
        }
        Indices indices;
        for (std::int64_t at = from; isForward ? at < to : at > to; at += step[axis]) {
            indices.push_back(at);
        }
        picking.set(axis, std::move(indices));
    }
    reading.give(picking.layer());
}

void slice(OperatorReading& reading)
{
    const TfliteSource data = reading.source(0);
    const TfliteIntegers begin = reading.integers(1);
    const TfliteIntegers size = reading.integers(2);
    if (begin.size() != data.sizes.size() || size.size() != data.sizes.size()) {
        reading.lacks("its indices do not fit its input");
    }
    Picking picking(reading, data);
    for (std::size_t axis = 0; axis < begin.size() && reading.isOk(); ++axis) {
        const std::int64_t count = size[axis] < 0 ? data.sizes[axis] - begin[axis] : size[axis];
        if (begin[axis] < 0 || count < 0 || count > data.sizes[axis]) {
            reading.lacks("its indices do not fit its input");
            return;
        }
        Indices indices = allIndices(count);
        for (Index& index : indices) {
            index += begin[axis];
        }
        picking.set(axis, std::move(indices));
    }
    reading.give(picking.layer());
}

void gather(OperatorReading& reading)
{
    const TfliteSource data = reading.source(0);
    const TfliteIntegers indices = reading.integers(1);
    if (reading.option("batch_dims") != 0) {
        reading.lacks("batch_dims is not covered");
    }
    const std::size_t axis = axisOf(reading, reading.option("axis"), data.sizes.size());
    Picking picking(reading, data);
    picking.set(axis, Indices(indices.begin(), indices.end()));
    reading.give(picking.layer());
}

// ---- borders and repeats

enum class Border { Zero, Reflect, Symmetric };

Index mirrored(Index at, Index size, Border border)
{
    if (at >= 0 && at < size) {
        return at;
    }
    if (border == Border::Zero) {
        return -1;
    }
    const Index edge = border == Border::Symmetric ? 1 : 0;
    return at < 0 ? -at - edge : 2 * size - 2 + edge - at;
}

void padBy(OperatorReading& reading, Border border)
{
    const TfliteSource data = reading.source(0);
    const TfliteIntegers pads = reading.integers(1);
    if (pads.size() != 2 * data.sizes.size()) {
        reading.lacks("its borders do not fit its input");
    }
    Picking picking(reading, data);
    for (std::size_t axis = 0; axis < data.sizes.size() && reading.isOk(); ++axis) {
        constexpr std::int64_t kMost = 1 << 20;
        const std::int64_t before = pads[2 * axis];
        const std::int64_t after = pads[2 * axis + 1];
        const std::int64_t size = data.sizes[axis];
        const bool mirrors = border != Border::Zero;
        if (std::min(before, after) < 0 || std::max(before, after) > (mirrors ? size : kMost)) {
            reading.lacks("its borders cannot be");
            return;
        }
        Indices indices;
        for (Index at = -before; at < size + after; ++at) {
            indices.push_back(mirrored(at, size, border));
        }
        picking.set(axis, std::move(indices));
    }
    reading.give(picking.layer());
}

void pad(OperatorReading& reading)
{
    padBy(reading, Border::Zero);
}

void padWith(OperatorReading& reading)
{
    const std::vector<float> value = reading.reals(2);
    if (value != std::vector<float>{0.0F}) {
        reading.lacks("borders of another value than 0 are not covered");
    }
    padBy(reading, Border::Zero);
}

void mirrorPad(OperatorReading& reading)
{
    padBy(reading, reading.option("mode") == 0 ? Border::Reflect : Border::Symmetric);
}

void tile(OperatorReading& reading)
{
    const TfliteSource data = reading.source(0);
    const TfliteIntegers times = reading.integers(1);
    if (times.size() != data.sizes.size()) {
        reading.lacks("its factors do not fit its input");
    }
    Picking picking(reading, data);
    for (std::size_t axis = 0; axis < data.sizes.size() && reading.isOk(); ++axis) {
        constexpr std::int64_t kMost = 1 << 20;
        if (times[axis] < 1 || times[axis] > kMost) {
            reading.lacks("its factors cannot be");
            return;
        }
        Indices indices;
        for (std::int64_t i = 0; i < times[axis]; ++i) {
            for (std::int64_t at = 0; at < data.sizes[axis]; ++at) {
                indices.push_back(at);
            }
        }
        picking.set(axis, std::move(indices));
    }
    reading.give(picking.layer());
}

void broadcast(OperatorReading& reading)
{
    TfliteSource data = reading.source(0);
    const TfliteSizes wanted = reading.output().shape;
    if (data.sizes.size() != wanted.size()) {
        reading.lacks("it adds axes");
    }
    Picking picking(reading, data);
    for (std::size_t axis = 0; axis < wanted.size() && reading.isOk(); ++axis) {
        if (data.sizes[axis] != wanted[axis]) {
            picking.set(axis, Indices(static_cast<std::size_t>(wanted[axis]), 0));
        }
    }
    reading.give(picking.layer());
}

// ---- order of axes

void transpose(OperatorReading& reading)
{
    TfliteSource data = reading.source(0);
    const TfliteIntegers order = reading.integers(1);
    if (order.size() != data.sizes.size()) {
        reading.lacks("its order of axes does not fit its input");
        return;
    }
    if (data.hasBatch && order.front() != 0) {
        data = reading.whole(data);
    }
    std::vector<Index> within;
    for (std::size_t i = data.hasBatch ? 1 : 0; i < order.size(); ++i) {
        within.push_back(order[i] - (data.hasBatch ? 1 : 0));
    }
    reading.give(permuted(reading, data, within, {}));
}

/// Blocks of pixels into channels, or back.
template <bool toDepth>
void moveDepth(OperatorReading& reading)
{
    const TfliteSource data = reading.batched(reading.source(0));
    const std::int64_t block = reading.option("block_size");
    if (data.sizes.size() != 4 || block < 1) {
        reading.lacks("it reads no image");
        return;
    }
    const auto [count, height, width, channels] =
        std::array{data.sizes[0], data.sizes[1], data.sizes[2], data.sizes[3]};
    const bool fits =
        toDepth ? height % block == 0 && width % block == 0 : channels % (block * block) == 0;
    if (!fits) {
        reading.lacks("its block does not fit its input");
        return;
    }
    const TfliteSizes cut =
        toDepth ? TfliteSizes{count, height / block, block, width / block, block, channels}
                : TfliteSizes{count, height, width, block, block, channels / (block * block)};
    const std::vector<Index> order{0, 2, 1, 3, 4};
    reading.give(permuted(reading, reading.reshaped(data, cut, true), order, {}));
}

// ---- along axes

/// Mean or largest along axes: a global pool of what is turned so that these come first.
template <graph::PoolKind kind>
void reduce(OperatorReading& reading)
{
    TfliteSource data = reading.source(0);
    const TfliteIntegers axes = reading.integers(1);
    std::vector<bool> isReduced(data.sizes.size(), false);
    for (const std::int64_t axis : axes) {
        const std::size_t at = axisOf(reading, axis, data.sizes.size());
        if (reading.isOk()) {
            isReduced[at] = true;
        }
    }
    if (!reading.isOk()) {
        return;
    }
    if (data.hasBatch && isReduced.front()) {
        data = reading.whole(data);
    }
    const std::size_t lead = data.hasBatch ? 1 : 0;
    const std::vector<bool> within(isReduced.begin() + static_cast<std::ptrdiff_t>(lead),
                                   isReduced.end());
    const bool keeps = reading.flag("keep_dims");
    if (within == std::vector<bool>{true, true, false}) {
        reading.give(reading.layer(graph::GlobalPoolOp{kind, 2, keeps}, data));
        return;
    }
    std::vector<Index> order;
    TfliteSizes flat{1, 1};
    for (const bool reduced : {true, false}) {
        for (std::size_t axis = 0; axis < within.size(); ++axis) {
            if (within[axis] == reduced) {
                order.push_back(static_cast<Index>(axis));
                flat[reduced ? 0 : 1] *= data.sizes[axis + lead];
            }
        }
    }
    if (!std::ranges::is_sorted(order)) {
        data = permuted(reading, data, order, "turned");
    }
    if (data.hasBatch && reading.isOk()) {
        flat.insert(flat.begin(), data.sizes.front());
    }
    data = reading.reshaped(data, flat, data.hasBatch);
    reading.give(reading.layer(graph::GlobalPoolOp{kind, 1, false}, data));
}

} // namespace

std::span<const TfliteConverter> tfliteShapeConverters()
{
    static constexpr std::array kRows{
        TfliteConverter{schema::kReshape, reshape},
        TfliteConverter{schema::kSqueeze, reshape},
        TfliteConverter{schema::kExpandDims, reshape},
        TfliteConverter{schema::kConcatenation, concatenate},
        TfliteConverter{schema::kPack, pack},
        TfliteConverter{schema::kUnpack, unpack},
        TfliteConverter{schema::kSplit, split},
        TfliteConverter{schema::kSplitV, splitBySizes},
        TfliteConverter{schema::kStridedSlice, stridedSlice},
        TfliteConverter{schema::kSlice, slice},
        TfliteConverter{schema::kGather, gather},
        TfliteConverter{schema::kPad, pad},
        TfliteConverter{schema::kPadV2, padWith},
        TfliteConverter{schema::kMirrorPad, mirrorPad},
        TfliteConverter{schema::kTile, tile},
        TfliteConverter{schema::kBroadcastTo, broadcast},
        TfliteConverter{schema::kTranspose, transpose},
        TfliteConverter{schema::kSpaceToDepth, moveDepth<true>},
        TfliteConverter{schema::kDepthToSpace, moveDepth<false>},
        TfliteConverter{schema::kMean, reduce<graph::PoolKind::Average>},
        TfliteConverter{schema::kReduceMax, reduce<graph::PoolKind::Max>}};
    return kRows;
}

} // namespace bitscape::io
