// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/graph_writer.h"
#include "core/io/onnx/native_node.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

// The same values in another shape or order.
namespace bitscape::io {

namespace {

using Sizes64 = std::vector<std::int64_t>;

Index productOf(std::span<const Index> sizes)
{
    return std::accumulate(sizes.begin(), sizes.end(), Index{1}, std::multiplies<>());
}

bool isOpen(std::span<const Index> sizes)
{
    return std::ranges::any_of(sizes, [](Index size) { return size < 0; });
}

/// A tensor that is there with its channels last only.
bool isTurned(const OnnxKnown& known)
{
    return known.layer < 0 && known.channelsLast >= 0;
}

/// All of a sample in one row; where the channels lie last, that is remembered.
bool giveRow(NativeNode& node)
{
    const OnnxKnown known = *node.known(0);
    node.keepMeaning(0);
    if (known.mixed >= 0 && known.layer < 0) {
        return node.alias(known.mixed, OnnxLayout::Mixed, known.mixedShape);
    }
    if (!isTurned(known)) {
        const auto plain = node.plain(0);
        if (!plain) {
            return false;
        }
        return node.builder.layer(*plain).outputShape.rank() == 1
                   ? node.alias(*plain, OnnxLayout::Plain)
                   : node.give({"Flatten", graph::FlattenOp{}, {*plain}}, OnnxLayout::Plain);
    }
    const Shape shape = node.builder.layer(known.channelsLast).outputShape;
    const bool isPlain =
        productOf(shape.sizes().first(shape.sizes().size() - 1)) == 1 || shape.channels() == 1;
    if (!isPlain && isOpen(shape.sizes())) {
        return false;
    }
    return node.give({"Flatten", graph::FlattenOp{}, {known.channelsLast}},
                     isPlain ? OnnxLayout::Plain : OnnxLayout::Mixed, shape);
}

/// Sizes of one sample from those of a reshape, −1 and 0 resolved as far as they can be.
std::optional<std::vector<Index>> sampleSizes(const NativeNode& node, const OnnxKnown& known,
                                              const Sizes64& wanted)
{
    if (wanted.size() < 2) {
        return std::nullopt;
    }
    std::vector<Index> sizes;
    for (std::size_t axis = 0; axis < wanted.size(); ++axis) {
        const bool copies = wanted[axis] == 0 && node.integer("allowzero", 0) == 0;
        if (copies && axis >= known.sizes.size()) {
            return std::nullopt;
        }
        sizes.push_back(copies ? known.sizes[axis] : static_cast<Index>(wanted[axis]));
    }
    const std::span<const Index> rest(sizes.begin() + 1, sizes.end());
    const std::span<const Index> input(known.sizes.begin() + 1, known.sizes.end());
    const bool restIsOpen = isOpen(rest);
    const bool isBatch = wanted[0] == 0 || wanted[0] == node.builder.fileBatch || sizes[0] == 1;
    // A batch left open is the batch if the rest makes up a sample.
    const bool isLeft =
        wanted[0] == -1 && !restIsOpen && !isOpen(input) && productOf(rest) == productOf(input);
    if (!isBatch && !isLeft) {
        return std::nullopt;
    }
    if (restIsOpen && isOpen(input)) {
        // Open sizes that stay where they are need not be known.
        const auto copied = std::ranges::equal(rest, input);
        if (!copied && std::ranges::count(rest, Index{-1}) > 1) {
            return std::nullopt;
        }
    }
    return std::vector<Index>(rest.begin(), rest.end());
}

bool giveShape(NativeNode& node, const std::vector<Index>& sizes)
{
    const OnnxKnown known = *node.known(0);
    node.keepMeaning(0);
    const std::span<const Index> input(known.sizes.begin() + 1, known.sizes.end());
    if (std::ranges::equal(sizes, input) && !isOpen(input)) {
        const auto source = node.asIs(0);
        return source && node.alias(source->layer, source->layout, source->mixedShape);
    }
    if (sizes.size() == 1) {
        return giveRow(node);
    }
    // Channels that stay in front stay at the end of ours.
    if (isTurned(known) && !isOpen(sizes) && sizes.front() == known.sizes[1]) {
        graph::ReshapeOp op{{sizes.begin() + 1, sizes.end()}};
        op.target.push_back(sizes.front());
        return node.give({"Reshape", op, {known.channelsLast}}, OnnxLayout::ChannelsLast);
    }
    const auto plain = node.plain(0);
    return plain && node.give({"Reshape", graph::ReshapeOp{sizes}, {*plain}}, OnnxLayout::Plain);
}

bool mapReshape(NativeNode& node)
{
    const OnnxKnown* known = node.known(0);
    const auto wanted = node.integersOf(1, "shape");
    const auto sizes =
        known != nullptr && wanted ? sampleSizes(node, *known, *wanted) : std::nullopt;
    return sizes && std::ranges::count(*sizes, Index{-1}) <= 1 && giveShape(node, *sizes);
}

bool mapFlatten(NativeNode& node)
{
    const OnnxKnown* known = node.known(0);
    if (known == nullptr) {
        return false;
    }
    std::int64_t axis = node.integer("axis", 1);
    axis += axis < 0 ? std::ssize(known->sizes) : 0;
    const bool isWhole = axis == 0 && node.builder.fileBatch == 1;
    return (axis == 1 || isWhole) && giveRow(node);
}

bool mapSqueeze(NativeNode& node)
{
    const OnnxKnown* known = node.known(0);
    auto axes = node.integersOf(1, "axes");
    if (known == nullptr || !axes) {
        return false;
    }
    const auto rank = std::ssize(known->sizes);
    std::vector<bool> drops(static_cast<std::size_t>(rank), false);
    for (std::int64_t axis : *axes) {
        axis += axis < 0 ? rank : 0;
        if (axis < 1 || axis >= rank || known->sizes[static_cast<std::size_t>(axis)] != 1) {
            return false;
        }
        drops[static_cast<std::size_t>(axis)] = true;
    }
    std::vector<Index> sizes;
    for (std::size_t axis = 1; axis < drops.size(); ++axis) {
        if (!drops[axis]) {
            sizes.push_back(known->sizes[axis]);
        }
    }
    return !sizes.empty() && !isOpen(sizes) && giveShape(node, sizes);
}

bool mapUnsqueeze(NativeNode& node)
{
    const OnnxKnown* known = node.known(0);
    auto axes = node.integersOf(1, "axes");
    if (known == nullptr || !axes) {
        return false;
    }
    const auto rank = std::ssize(known->sizes) + std::ssize(*axes);
    for (std::int64_t& axis : *axes) {
        axis += axis < 0 ? rank : 0;
    }
    std::vector<Index> sizes;
    std::size_t next = 0;
    for (std::int64_t axis = 0; axis < rank; ++axis) {
        const bool isNew = std::ranges::find(*axes, axis) != axes->end();
        if (!isNew && next >= known->sizes.size()) {
            return false;
        }
        const Index size = isNew ? 1 : known->sizes[next++];
        if (axis > 0) {
            sizes.push_back(size);
        }
    }
    const bool keepsBatch = std::ranges::find(*axes, 0) == axes->end();
    return keepsBatch && rank < Shape::kMaxRank && !isOpen(sizes) && giveShape(node, sizes);
}

/// Constants keep their grid on the way.
bool turnConstant(NativeNode& node, const Sizes64& order)
{
    const OnnxKnown* known = node.builder.find(node.inputName(0));
    const auto weight = node.weight(0);
    if (known == nullptr || !known->grid || !weight) {
        return false;
    }
    const NativeWeight turned = weight->inOrder(std::vector<int>(order.begin(), order.end()));
    OnnxKnown result{.grid = turned.grid};
    result.sizes.assign(turned.value.shape().sizes().begin(), turned.value.shape().sizes().end());
    result.constant = std::make_shared<const graph::ArrayValue>(
        graph::fromFloats(known->constant->type, result.sizes, turned.value.values()));
    node.builder.define(node.output(), std::move(result));
    return true;
}

/// Sequences for recurrent operators: the batch behind the time, or in front of it again.
bool swapTime(NativeNode& node)
{
    const OnnxKnown* found = node.builder.find(node.inputName(0));
    if (found == nullptr || found->constant || !found->isKnown || found->sizes.size() != 3) {
        return false;
    }
    if (found->timeFirst >= 0) {
        return node.alias(found->timeFirst, OnnxLayout::Plain);
    }
    const auto layer = node.tensor(0) == nullptr || node.builder.isOutput(node.output())
                           ? std::nullopt
                           : node.plain(0);
    if (!layer) {
        return false;
    }
    const Shape& shape = node.builder.layer(*layer).outputShape;
    node.builder.define(node.output(), {.timeFirst = *layer, .sizes = {shape[0], 1, shape[1]}});
    return true;
}

/// Where the channels lie in memory is ours to say: a transpose may have nothing to do.
bool mapTranspose(NativeNode& node)
{
    Sizes64 order = node.integers("perm");
    if (const graph::ArrayValue* constant = node.constant(0)) {
        if (order.empty()) {
            order.resize(static_cast<std::size_t>(constant->rank()));
            std::iota(order.rbegin(), order.rend(), 0);
        }
        return std::ssize(order) == constant->rank() && turnConstant(node, order);
    }
    if (order == Sizes64{1, 0, 2} && swapTime(node)) {
        return true;
    }
    const OnnxKnown* known = node.known(0);
    if (known == nullptr || order.size() != known->sizes.size() || order.front() != 0) {
        return false;
    }
    node.keepMeaning(0);
    const std::size_t last = order.size() - 1;
    Sizes64 toLast(order.size(), 0);
    Sizes64 toFirst = toLast;
    for (std::size_t axis = 1; axis < order.size(); ++axis) {
        toLast[axis] = axis == last ? 1 : static_cast<std::int64_t>(axis) + 1;
        toFirst[axis] = static_cast<std::int64_t>(axis == 1 ? last : axis - 1);
    }
    if (order == toLast && isTurned(*known)) {
        return node.alias(known->channelsLast, OnnxLayout::Plain);
    }
    if (order == toFirst && known->layer >= 0) {
        return node.alias(known->layer, OnnxLayout::ChannelsLast);
    }
    const auto plain = node.plain(0);
    const Json dims(std::vector<std::int64_t>(order.begin() + 1, order.end()));
    return plain && node.give({"Permute", kerasOp("Permute", {{"dims", dims}}), {*plain}},
                              OnnxLayout::Plain);
}

bool mapIdentity(NativeNode& node)
{
    if (const OnnxKnown* constant = node.builder.find(node.inputName(0));
        constant != nullptr && constant->constant && constant->grid) {
        node.builder.define(node.output(), OnnxKnown(*constant));
        return true;
    }
    const auto source = node.asIs(0);
    if (!source) {
        return false;
    }
    node.keepMeaning(0);
    return node.alias(source->layer, source->layout, source->mixedShape);
}

bool mapDropout(NativeNode& node)
{
    constexpr float kRatio = 0.5F;
    const auto source = node.tensor(0) == nullptr ? std::nullopt : node.asIs(0);
    const auto ratio = node.has(1) ? node.number(1) : std::optional(node.real("ratio", kRatio));
    const graph::ArrayValue* training = node.constant(2);
    const bool isTraining = node.has(2) && (training == nullptr || training->integer(0) != 0);
    if (!source || !ratio || *ratio < 0.0F || *ratio >= 1.0F || isTraining ||
        node.usesMoreOutputs()) {
        return false;
    }
    return node.give({"Dropout", graph::DropoutOp{*ratio}, {source->layer}}, source->layout,
                     source->mixedShape);
}

/// Borders cut off an image.
bool mapSlice(NativeNode& node)
{
    const OnnxKnown* known = node.tensor(0);
    const auto starts = node.integersOf(1, "starts");
    const auto ends = node.integersOf(2, "ends");
    auto axes = node.integersOf(3, "axes");
    const auto steps = node.has(4) ? node.integersOf(4, "steps") : std::optional(Sizes64{});
    if (known == nullptr || !starts || !ends || !steps || starts->size() != ends->size() ||
        std::ranges::any_of(*steps, [](auto step) { return step != 1; })) {
        return false;
    }
    if (!axes) {
        axes = Sizes64(starts->size());
        std::iota(axes->begin(), axes->end(), 0);
    }
    const auto rank = std::ssize(known->sizes);
    const bool turned = isTurned(*known);
    const std::int64_t first = turned ? 2 : 1;
    const auto spatial = rank - 2;
    if (spatial < 1 || spatial > 3 || axes->size() != starts->size()) {
        return false;
    }
    Sizes64 before(static_cast<std::size_t>(spatial), 0);
    Sizes64 after = before;
    for (std::size_t i = 0; i < axes->size(); ++i) {
        const std::int64_t axis = (*axes)[i] + ((*axes)[i] < 0 ? rank : 0);
        if (axis < first || axis >= first + spatial) {
            return false;
        }
        const std::int64_t size = known->sizes[static_cast<std::size_t>(axis)];
        if (size < 0) {
            return false;
        }
        const auto within = [&](std::int64_t at) {
            return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size);
        };
        const auto place = static_cast<std::size_t>(axis - first);
        before[place] = within((*starts)[i]);
        after[place] = size - within((*ends)[i]);
        if (before[place] + after[place] >= size) {
            return false;
        }
    }
    const auto image = turned ? node.channelsLast(0) : node.plain(0);
    Json borders = Json::array();
    for (std::size_t axis = 0; axis < before.size(); ++axis) {
        borders.push_back({before[axis], after[axis]});
    }
    const std::string className = "Cropping" + std::to_string(spatial) + "D";
    return image &&
           node.give({className,
                      kerasOp(className, {{"cropping", spatial == 1 ? borders[0] : borders}}),
                      {*image}},
                     turned ? OnnxLayout::ChannelsLast : OnnxLayout::Plain);
}

} // namespace

std::span<const NativeRow> shapeRows()
{
    static constexpr std::array kRows{
        NativeRow{"", "Reshape", mapReshape},     NativeRow{"", "Flatten", mapFlatten},
        NativeRow{"", "Squeeze", mapSqueeze},     NativeRow{"", "Unsqueeze", mapUnsqueeze},
        NativeRow{"", "Transpose", mapTranspose}, NativeRow{"", "Identity", mapIdentity},
        NativeRow{"", "Dropout", mapDropout},     NativeRow{"", "Slice", mapSlice},
    };
    return kRows;
}

} // namespace bitscape::io
