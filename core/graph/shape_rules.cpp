// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/shape_rules.h"

#include "core/graph/layer_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace bitscape::graph {

namespace {

constexpr Index kOpen = -1;

bool isClosed(const Shape& shape)
{
    return std::ranges::all_of(shape.sizes(), [](Index size) { return size >= 0; });
}

/// A product in which one open factor leaves the result open.
Index product(std::span<const Index> sizes)
{
    return std::accumulate(sizes.begin(), sizes.end(), Index{1},
                           [](Index a, Index b) { return a < 0 || b < 0 ? kOpen : a * b; });
}

Failure mismatch(std::string message)
{
    return fail(ErrorCode::ShapeMismatch, std::move(message));
}

Failure invalid(std::string message)
{
    return fail(ErrorCode::InvalidArgument, std::move(message));
}

Result<void> requireRank(const Shape& input, int rank)
{
    if (input.rank() != rank) {
        return mismatch(fmt::format("It needs an input of rank {} without the batch, got {}.", rank,
                                    input.toString()));
    }
    return {};
}

Result<void> requireClosedChannels(const Shape& input)
{
    if (input.channels() < 0) {
        return mismatch(
            fmt::format("The last axis of its input {} has no size.", input.toString()));
    }
    return {};
}

struct Window {
    Extent kernel, stride, dilation;
    Padding padding = Padding::Valid;
};

/// Height and width after a window moved over an image.
Result<Shape> slide(const Shape& image, const Window& window, Index channels)
{
    const auto positive = [](const Extent& e) { return e.height > 0 && e.width > 0; };
    if (!positive(window.kernel) || !positive(window.stride) || !positive(window.dilation)) {
        return invalid("Kernel, stride and dilation must be at least 1.");
    }
    const Index height = outputSize(image[0], window.kernel.height, window.stride.height,
                                    window.dilation.height, window.padding);
    const Index width = outputSize(image[1], window.kernel.width, window.stride.width,
                                   window.dilation.width, window.padding);
    if ((image[0] >= 0 && height < 1) || (image[1] >= 0 && width < 1)) {
        return mismatch(fmt::format("Its window of {}×{} is larger than the input {}.",
                                    window.kernel.height, window.kernel.width, image.toString()));
    }
    return Shape{height, width, channels};
}

/// Back from an image to what the layer shows: without the height for 1-dimensional layers.
Shape fromImage(const Shape& image, int spatialRank)
{
    return spatialRank == 1 ? Shape{image[1], image[2]} : image;
}

struct Rules {
    std::span<const Shape> inputs;

    [[nodiscard]] const Shape& input() const { return inputs.front(); }

    Result<OpShape> operator()(const InputOp& op) const { return OpShape{.output = op.shape}; }

    Result<OpShape> operator()(const DenseOp& op) const
    {
        if (auto ok = requireClosedChannels(input()); !ok) {
            return fail(std::move(ok).error());
        }
        if (op.units < 1) {
            return invalid("It has no units.");
        }
        OpShape result{.output = input()};
        result.output[input().rank() - 1] = op.units;
        result.macs = macs(result.output, input().channels());
        result.weights = {{"kernel", {input().channels(), op.units}}};
        addBias(result, op.useBias, op.units);
        return result;
    }

    Result<OpShape> operator()(const ConvOp& op) const
    {
        auto output =
            slideOver(op.spatialRank, {op.kernel, op.stride, op.dilation, op.padding}, op.filters);
        if (!output) {
            return fail(std::move(output).error());
        }
        const Index channels = input().channels();
        if (op.groups < 1 || channels % op.groups != 0 || op.filters % op.groups != 0) {
            return invalid(fmt::format("{} groups do not divide {} input channels and {} filters.",
                                       op.groups, channels, op.filters));
        }
        const Index perGroup = channels / op.groups;
        OpShape result{.output = fromImage(*output, op.spatialRank)};
        result.macs = macs(*output, taps(op.kernel) * perGroup);
        result.weights = {
            {"kernel", op.spatialRank == 1
                           ? Shape{op.kernel.width, perGroup, op.filters}
                           : Shape{op.kernel.height, op.kernel.width, perGroup, op.filters}}};
        addBias(result, op.useBias, op.filters);
        return result;
    }

    Result<OpShape> operator()(const DepthwiseOp& op) const
    {
        const Index filters = input().channels() * op.multiplier;
        auto output =
            slideOver(op.spatialRank, {op.kernel, op.stride, op.dilation, op.padding}, filters);
        if (!output) {
            return fail(std::move(output).error());
        }
        OpShape result{.output = fromImage(*output, op.spatialRank)};
        result.macs = macs(*output, taps(op.kernel));
        result.weights = {{"depthwise_kernel", depthwiseKernel(op)}};
        addBias(result, op.useBias, filters);
        return result;
    }

    Result<OpShape> operator()(const SeparableOp& op) const
    {
        const Index middle = input().channels() * op.multiplier;
        auto output =
            slideOver(op.spatialRank, {op.kernel, op.stride, op.dilation, op.padding}, op.filters);
        if (!output) {
            return fail(std::move(output).error());
        }
        OpShape result{.output = fromImage(*output, op.spatialRank)};
        const Shape depthwise{(*output)[0], (*output)[1], middle};
        result.macs = macs(depthwise, taps(op.kernel)) + macs(*output, middle);
        const Shape pointwise{1, 1, middle, op.filters};
        result.weights = {
            {"depthwise_kernel", depthwiseKernel(op)},
            {"pointwise_kernel", op.spatialRank == 1 ? pointwise.sample() : pointwise}};
        addBias(result, op.useBias, op.filters);
        return result;
    }

    Result<OpShape> operator()(const ActivationOp& /*op*/) const { return same(); }
    Result<OpShape> operator()(const DropoutOp& /*op*/) const { return same(); }

    Result<OpShape> operator()(const BatchNormOp& op) const
    {
        auto statistics = statisticsOf(op);
        if (!statistics) {
            return fail(std::move(statistics).error());
        }
        OpShape result{.output = input()};
        addNorm(result, op, *statistics, false);
        return result;
    }

    Result<OpShape> operator()(const PoolOp& op) const
    {
        if (op.padding == Padding::Causal) {
            return invalid("Pooling has no causal padding.");
        }
        auto output =
            slideOver(op.spatialRank, {op.window, op.stride, {}, op.padding}, input().channels());
        if (!output) {
            return fail(std::move(output).error());
        }
        return OpShape{.output = fromImage(*output, op.spatialRank)};
    }

    Result<OpShape> operator()(const GlobalPoolOp& op) const
    {
        if (auto ok = requireRank(input(), op.spatialRank + 1); !ok) {
            return fail(std::move(ok).error());
        }
        const Index channels = input().channels();
        if (!op.keepDimensions) {
            return OpShape{.output = {channels}};
        }
        return OpShape{.output = op.spatialRank == 1 ? Shape{1, channels} : Shape{1, 1, channels}};
    }

    Result<OpShape> operator()(const ZeroPaddingOp& op) const
    {
        if (auto ok = requireRank(input(), op.spatialRank + 1); !ok) {
            return fail(std::move(ok).error());
        }
        if (std::min({op.top, op.bottom, op.left, op.right}) < 0) {
            return invalid("Padding must not be negative.");
        }
        Shape image = asImage(input());
        image[0] = image[0] < 0 ? kOpen : image[0] + op.top + op.bottom;
        image[1] = image[1] < 0 ? kOpen : image[1] + op.left + op.right;
        return OpShape{.output = fromImage(image, op.spatialRank)};
    }

    Result<OpShape> operator()(const FlattenOp& /*op*/) const
    {
        return OpShape{.output = {product(input().sizes())}};
    }

    Result<OpShape> operator()(const ReshapeOp& op) const
    {
        if (op.target.size() > static_cast<std::size_t>(Shape::kMaxRank - 1)) {
            return invalid(fmt::format("A target of {} axes is more than {}.", op.target.size(),
                                       Shape::kMaxRank - 1));
        }
        Shape output(op.target);
        const auto open = std::ranges::count_if(op.target, [](Index size) { return size < 0; });
        const Index count = product(input().sizes());
        Index known = 1;
        for (const Index size : op.target) {
            known *= size < 0 ? 1 : size;
        }
        if (open == 1 && count >= 0 && known > 0 && count % known == 0) {
            const auto where = std::ranges::find_if(op.target, [](Index size) { return size < 0; });
            output[static_cast<int>(where - op.target.begin())] = count / known;
        } else if (open > 1 || (count >= 0 && known != count)) {
            return mismatch(
                fmt::format("It cannot make {} of {}.", output.toString(), input().toString()));
        }
        return OpShape{.output = output};
    }

    Result<OpShape> operator()(const AddOp& /*op*/) const
    {
        Shape output = input();
        for (const Shape& other : inputs.subspan(1)) {
            auto joined = broadcast(output, other);
            if (!joined) {
                return fail(std::move(joined).error());
            }
            output = *joined;
        }
        return OpShape{.output = output};
    }

    Result<OpShape> operator()(const ConcatenateOp& op) const
    {
        const int rank = input().rank();
        const int axis = op.axis < 0 ? op.axis + rank : op.axis - 1; // without the batch axis
        if (axis < 0 || axis >= rank) {
            return invalid(fmt::format("It cannot join along axis {}: axis 0 counts samples, the "
                                       "last is {}.",
                                       op.axis, rank));
        }
        Shape output = input();
        for (const Shape& other : inputs.subspan(1)) {
            Shape alike = other;
            if (other.rank() == rank) {
                alike[axis] = output[axis];
            }
            if (!(alike == output)) {
                return mismatch(fmt::format("It cannot join {} and {} along axis {}.",
                                            output.toString(), other.toString(), op.axis));
            }
            const bool open = output[axis] < 0 || other[axis] < 0;
            output[axis] = open ? kOpen : output[axis] + other[axis];
        }
        return OpShape{.output = output};
    }

    Result<OpShape> operator()(const FoldedConvOp& op) const
    {
        auto result = std::visit([this](const auto& conv) { return (*this)(conv); }, op.conv);
        if (result) {
            addNorm(*result, op.norm, {result->output.channels()}, true);
        }
        return result;
    }

    Result<OpShape> operator()(const RuleOp& op) const { return op.rule->shape(inputs); }
    /// Graph::make() knows the parts.
    Result<OpShape> operator()(const SelectOp& /*op*/) const { return OpShape{}; }
    Result<OpShape> operator()(const UnsupportedOp& /*op*/) const { return OpShape{}; }

private:
    [[nodiscard]] Result<OpShape> same() const { return OpShape{.output = input()}; }

    [[nodiscard]] Result<Shape> slideOver(int spatialRank, const Window& window,
                                          Index channels) const
    {
        if (auto ok = requireRank(input(), spatialRank + 1); !ok) {
            return fail(std::move(ok).error());
        }
        if (auto ok = requireClosedChannels(input()); !ok) {
            return fail(std::move(ok).error());
        }
        if (channels < 1) {
            return invalid("It has no filters.");
        }
        return slide(asImage(input()), window, channels);
    }

    template <class Op>
    [[nodiscard]] Shape depthwiseKernel(const Op& op) const
    {
        const Shape kernel{op.kernel.height, op.kernel.width, input().channels(), op.multiplier};
        return op.spatialRank == 1 ? kernel.sample() : kernel;
    }

    /// Shape of a normalization's weights: one axis alone, several with 1 for the others.
    [[nodiscard]] Result<Shape> statisticsOf(const BatchNormOp& op) const
    {
        const int rank = input().rank();
        const std::vector<int> axes = op.axes.empty() ? std::vector{rank} : op.axes;
        Shape all(std::vector<Index>(static_cast<std::size_t>(rank + 1), 1));
        for (const int axis : axes) {
            if (axis < 1 || axis > rank) {
                return invalid(fmt::format("It has no axis {}.", axis));
            }
            all[axis] = input()[axis - 1];
            if (all[axis] < 0) {
                return mismatch(
                    fmt::format("Axis {} of its input {} has no size.", axis, input().toString()));
            }
        }
        return axes.size() > 1 ? all : Shape{all[axes.front()]};
    }

    static std::int64_t taps(const Extent& kernel)
    {
        return std::int64_t{kernel.height} * kernel.width;
    }

    static std::int64_t macs(const Shape& output, std::int64_t perElement)
    {
        return isClosed(output) ? output.elementCount() * perElement : 0;
    }

    static void addBias(OpShape& result, bool useBias, Index channels)
    {
        if (useBias) {
            result.weights.push_back({"bias", {channels}});
        }
    }

    static void addNorm(OpShape& result, const BatchNormOp& norm, const Shape& channels,
                        bool counts)
    {
        if (norm.scale) {
            result.weights.push_back({"gamma", channels, true, 1.0F});
        }
        if (norm.center) {
            result.weights.push_back({"beta", channels});
        }
        if (counts) {
            result.weights.push_back({"iteration", {}, false, -1.0F});
        }
        result.weights.push_back({"moving_mean", channels, false});
        result.weights.push_back({"moving_variance", channels, false, 1.0F});
    }

    /// NumPy's rule, aligned at the last axis.
    static Result<Shape> broadcast(const Shape& a, const Shape& b)
    {
        const Shape& longer = a.rank() >= b.rank() ? a : b;
        const Shape& shorter = a.rank() >= b.rank() ? b : a;
        Shape output = longer;
        const int lead = longer.rank() - shorter.rank();
        for (int axis = 0; axis < shorter.rank(); ++axis) {
            Index& size = output[lead + axis];
            const Index other = shorter[axis];
            if (size == 1) {
                size = other;
            } else if (other != 1 && size != other) {
                return mismatch(
                    fmt::format("It cannot add {} and {}.", a.toString(), b.toString()));
            }
        }
        return output;
    }
};

/// How many inputs an op takes; joining ops take any number from 1.
Result<void> requireInputs(const Op& op, std::size_t count)
{
    if (std::holds_alternative<UnsupportedOp>(op)) {
        return {};
    }
    if (std::holds_alternative<InputOp>(op)) {
        return count == 0 ? Result<void>{} : invalid("An input layer reads no other layer.");
    }
    if (count == 0 && !std::holds_alternative<RuleOp>(op)) {
        return invalid("It has no input.");
    }
    if (const auto* registered = std::get_if<RuleOp>(&op)) {
        const auto [least, most] = registered->rule->inputCount();
        return count >= least && count <= most
                   ? Result<void>{}
                   : invalid(fmt::format("It takes {} inputs, got {}.",
                                         least == most   ? fmt::format("{}", least)
                                         : count < least ? fmt::format("at least {}", least)
                                                         : fmt::format("at most {}", most),
                                         count));
    }
    const bool joins =
        std::holds_alternative<AddOp>(op) || std::holds_alternative<ConcatenateOp>(op);
    if (!joins && count != 1) {
        return invalid(fmt::format("It takes one input, got {}.", count));
    }
    return {};
}

} // namespace

Index outputSize(Index input, int kernel, int stride, int dilation, Padding padding)
{
    if (input < 0) {
        return kOpen;
    }
    const Index effective = Index{kernel - 1} * dilation + 1;
    const Index room = padding == Padding::Valid ? input - effective + 1 : input;
    return room <= 0 ? 0 : (room + stride - 1) / stride;
}

Index paddingBefore(Index input, int kernel, int stride, int dilation, Padding padding)
{
    const Index effective = Index{kernel - 1} * dilation + 1;
    switch (padding) {
    case Padding::Valid:
        return 0;
    case Padding::Causal:
        return effective - 1;
    case Padding::Same:
        break;
    }
    const Index output = outputSize(input, kernel, stride, dilation, padding);
    return std::max<Index>((output - 1) * stride + effective - input, 0) / 2;
}

bool isChannelsFirst(const Op& op)
{
    const auto says = [](const auto& one) {
        if constexpr (requires { one.channelsFirst; }) {
            return one.channelsFirst;
        } else {
            return false;
        }
    };
    if (const auto* folded = std::get_if<FoldedConvOp>(&op)) {
        return std::visit(says, folded->conv);
    }
    return std::visit(says, op);
}

Shape toChannelsLast(const Shape& shape)
{
    Shape out = shape;
    for (int axis = 0; axis + 1 < shape.rank(); ++axis) {
        out[axis] = shape[axis + 1];
        out[axis + 1] = shape[0];
    }
    return out;
}

Shape toChannelsFirst(const Shape& shape)
{
    Shape out = shape;
    for (int axis = 0; axis + 1 < shape.rank(); ++axis) {
        out[axis + 1] = shape[axis];
        out[0] = shape[axis + 1];
    }
    return out;
}

Shape asImage(const Shape& shape)
{
    return shape.rank() == 2 ? Shape{1, shape[0], shape[1]} : shape;
}

Result<OpShape> shapeOf(const Op& op, std::span<const Shape> inputs)
{
    if (auto ok = requireInputs(op, inputs.size()); !ok) {
        return fail(std::move(ok).error());
    }
    if (std::ranges::any_of(inputs, [](const Shape& shape) { return shape.rank() == 0; })) {
        return OpShape{};
    }
    if (!isChannelsFirst(op)) {
        return std::visit(Rules{inputs}, op);
    }
    const std::vector<Shape> turned{toChannelsLast(inputs.front())};
    auto result = std::visit(Rules{turned}, op);
    if (result) {
        result->output = toChannelsFirst(result->output);
    }
    return result;
}

} // namespace bitscape::graph
