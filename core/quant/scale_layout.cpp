// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/scale_layout.h"

#include "core/quant/rounding.h"
#include "core/quant/value.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace bitscape::quant {

namespace {

std::vector<std::int64_t> wholeNumbers(const Value& value)
{
    std::vector<std::int64_t> out;
    if (const auto list = listOf(value)) {
        for (const double number : list->values) {
            out.push_back(static_cast<std::int64_t>(number));
        }
    }
    return out;
}

bool isList(const Value& value)
{
    return std::holds_alternative<std::vector<double>>(value);
}

/// Replaces the sums of the scales of one block by the block's sum. Blocks are `sizes[axis]` long.
void sumBlocks(const Shape& shape, std::span<const Index> sizes, std::vector<double>& sums)
{
    const Index count = shape.elementCount();
    std::vector<Index> leader(static_cast<std::size_t>(count));
    for (Index i = 0; i < count; ++i) {
        Index rest = i;
        Index stride = 1;
        Index first = 0;
        for (int axis = shape.rank() - 1; axis >= 0; --axis) {
            const Index at = rest % shape[axis];
            rest /= shape[axis];
            const Index block = sizes[static_cast<std::size_t>(axis)];
            first += at / block * block * stride;
            stride *= shape[axis];
        }
        leader[static_cast<std::size_t>(i)] = first;
    }
    std::vector<double> totals(static_cast<std::size_t>(count), 0.0);
    for (std::size_t i = 0; i < totals.size(); ++i) {
        totals[static_cast<std::size_t>(leader[i])] += sums[i];
    }
    for (std::size_t i = 0; i < totals.size(); ++i) {
        sums[i] = totals[static_cast<std::size_t>(leader[i])];
    }
}

} // namespace

ScaleLayout::ScaleLayout(const Shape& shape, const std::vector<bool>& keeps) : m_scaleShape(shape)
{
    for (int axis = 0; axis < shape.rank(); ++axis) {
        const bool kept = keeps[static_cast<std::size_t>(axis)];
        if (!kept) {
            m_scaleShape[axis] = 1;
        }
        if (shape[axis] == 1) {
            continue;
        }
        if (m_segments.empty() || m_segments.back().kept != kept) {
            m_segments.push_back({1, kept});
        }
        m_segments.back().size *= shape[axis];
    }
}

ScaleLayout ScaleLayout::ofAxes(const Shape& shape, const Value& scaleAxis)
{
    std::vector<bool> keeps(static_cast<std::size_t>(shape.rank()), false);
    if (isNone(scaleAxis)) {
        if (!keeps.empty()) {
            keeps.back() = true;
        }
        return {shape, keeps};
    }
    for (const std::int64_t axis : wholeNumbers(scaleAxis)) {
        if (axis >= 0 && axis < shape.rank()) {
            keeps[static_cast<std::size_t>(axis)] = true;
        }
    }
    return {shape, keeps};
}

ScaleLayout ScaleLayout::elementwise(const Shape& shape)
{
    return {shape, std::vector<bool>(static_cast<std::size_t>(shape.rank()), true)};
}

ScaleLayout ScaleLayout::single(const Shape& shape)
{
    return {shape, std::vector<bool>(static_cast<std::size_t>(shape.rank()), false)};
}

std::optional<ScaleLayout> ScaleLayout::broadcasting(const Shape& shape,
                                                     std::span<const std::int64_t> scaleShape)
{
    std::vector<bool> keeps(static_cast<std::size_t>(shape.rank()), false);
    const int scaleRank = static_cast<int>(scaleShape.size());
    for (int i = 0; i < scaleRank; ++i) {
        const std::int64_t size = scaleShape[static_cast<std::size_t>(i)];
        const int axis = shape.rank() - scaleRank + i;
        if (size == 1) {
            continue;
        }
        if (axis < 0 || shape[axis] != size) {
            return std::nullopt;
        }
        keeps[static_cast<std::size_t>(axis)] = true;
    }
    return ScaleLayout(shape, keeps);
}

ScaleLayout ScaleLayout::of(const Tensor& scale, const Shape& shape)
{
    const std::span<const Index> sizes = scale.shape().sizes();
    const auto layout = broadcasting(shape, std::vector<std::int64_t>(sizes.begin(), sizes.end()));
    ensure(layout.has_value(), "ScaleLayout: the scale does not fit its tensor");
    return *layout;
}

void ScaleLayout::forEachTile(const std::function<void(const Tile&)>& visit) const
{
    // The innermost one or two segments make a tile, the outer ones are counted through.
    std::vector<Segment> outer = m_segments;
    Tile tile;
    if (!outer.empty() && outer.back().kept) {
        tile.channels = outer.back().size;
        outer.pop_back();
    }
    if (!outer.empty() && !outer.back().kept) {
        tile.rows = outer.back().size;
        outer.pop_back();
    }
    const Index tileSize = tile.rows * tile.channels;
    std::ranges::reverse(outer); // innermost first
    Index count = 1;
    for (const Segment& segment : outer) {
        count *= segment.size;
    }
    for (Index i = 0; i < count && tileSize > 0; ++i) {
        Index rest = i;
        Index stride = tile.channels;
        tile.firstScale = 0;
        for (const Segment& segment : outer) {
            if (segment.kept) {
                tile.firstScale += rest % segment.size * stride;
                stride *= segment.size;
            }
            rest /= segment.size;
        }
        tile.offset = i * tileSize;
        visit(tile);
    }
}

Result<void> checkAxes(const QuantizerInfo& info, const Shape& shape, const Value& scaleAxis)
{
    if (isNone(scaleAxis)) {
        return {};
    }
    for (const std::int64_t axis : wholeNumbers(scaleAxis)) {
        if (axis < 0 || axis > shape.rank() || (axis == shape.rank() && isList(scaleAxis))) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("{}: scale_axis = {}, but the tensor {} has the axes 0 to {}.",
                                    info.name, axis, shape.toString(), shape.rank() - 1),
                        {}, "Give the axis that keeps separate scales, or [] for one scale.");
        }
    }
    return {};
}

Result<void> checkBlocks(const QuantizerInfo& info, const Shape& shape, const Value& scaleAxis,
                         const Value& elementsPerScale)
{
    const std::vector<std::int64_t> axes = wholeNumbers(scaleAxis);
    const std::vector<std::int64_t> sizes = wholeNumbers(elementsPerScale);
    for (std::size_t i = 0; i < axes.size() && !sizes.empty(); ++i) {
        const std::int64_t size = sizes.size() == 1 ? sizes.front() : sizes[i];
        const Index length = axes[i] < shape.rank() ? shape[static_cast<int>(axes[i])] : 1;
        if (length % size != 0) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("{}: elements_per_scale = {} does not divide axis {} of length "
                                    "{}.",
                                    info.name, size, axes[i], length));
        }
    }
    return {};
}

ScaleLayout LeastSquares::layout(const Shape& shape) const
{
    return shape.rank() > 1 ? ScaleLayout::ofAxes(shape, scaleAxis)
                            : ScaleLayout::elementwise(shape);
}

Tensor LeastSquares::fit(TensorView x, float factor, TensorView z) const
{
    return fit(x.shape, [&](const ScaleLayout::Tile& tile, const kernels::FitSums& sums) {
        kernels::sumProductsByChannel(x.data + tile.offset, z.data + tile.offset, tile.rows,
                                      tile.channels, factor, sums.products, sums.squares);
    });
}

Tensor LeastSquares::fit(const Shape& shape, const AddSums& add) const
{
    const ScaleLayout scales = layout(shape);
    Tensor scale(scales.scaleShape());
    fitInto(scale, scales, shape, add, {});
    return scale;
}

LeastSquares::Refined LeastSquares::refine(const Shape& shape, const Tensor& start, int most,
                                           const AddScaledSums& add) const
{
    const ScaleLayout scales = layout(shape);
    Tensor before = start;
    if (start.shape() != scales.scaleShape()) { // one for all
        before = Tensor(scales.scaleShape());
        std::ranges::fill(before.values(), start.values().front());
    }
    Refined out{before, before};
    // Scales of a block are fitted together: none of them is settled alone.
    std::vector<unsigned char> settled(hasBlocks(shape) ? 0 : before.values().size());
    for (int i = 0; i < most; ++i) {
        std::ranges::copy(out.fitted.values(), out.scale.values().begin());
        fitInto(
            out.fitted, scales, shape,
            [&](const ScaleLayout::Tile& tile, const kernels::FitSums& sums) {
                add(tile, out.scale.data() + tile.firstScale, sums);
            },
            settled);
        const auto isSame = [](float a, float b) {
            return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
        };
        if (std::ranges::equal(out.scale.values(), out.fitted.values(), isSame)) {
            break;
        }
        for (std::size_t s = 0; s < settled.size(); ++s) {
            settled[s] = isSame(out.scale.values()[s], out.fitted.values()[s]) ? 1 : 0;
        }
    }
    return out;
}

bool LeastSquares::hasBlocks(const Shape& shape) const
{
    return !isNone(elementsPerScale) && shape.rank() > 1;
}

float LeastSquares::scaleOf(double meanProduct, double meanSquare) const
{
    float value = static_cast<float>(meanProduct) / (static_cast<float>(meanSquare) + kEpsilon);
    if (powerOfTwo) {
        value = nearestPowerOfTwo(value);
        value = minExponent ? std::max(value, static_cast<float>(std::exp2(*minExponent))) : value;
        value = maxExponent ? std::min(value, static_cast<float>(std::exp2(*maxExponent))) : value;
    }
    return value;
}

void LeastSquares::fitInto(Tensor& scale, const ScaleLayout& layout, const Shape& shape,
                           const AddSums& add, const std::vector<unsigned char>& settled) const
{
    const auto scaleCount = static_cast<std::size_t>(layout.scaleCount());
    std::vector<double> products(scaleCount, 0.0);
    std::vector<double> squares(scaleCount, 0.0);
    layout.forEachTile([&](const ScaleLayout::Tile& tile) {
        add(tile, {products.data() + tile.firstScale, squares.data() + tile.firstScale,
                   settled.empty() ? nullptr : settled.data() + tile.firstScale});
    });
    Index block = 1;
    if (hasBlocks(shape)) {
        std::array<Index, Shape::kMaxRank> sizes{};
        sizes.fill(1);
        const std::vector<std::int64_t> axes = wholeNumbers(scaleAxis);
        const std::vector<std::int64_t> lengths = wholeNumbers(elementsPerScale);
        for (std::size_t i = 0; i < axes.size(); ++i) {
            const Index length = lengths.size() == 1 ? lengths.front() : lengths[i];
            sizes[static_cast<std::size_t>(axes[i])] = length;
            block *= length;
        }
        sumBlocks(layout.scaleShape(), sizes, products);
        sumBlocks(layout.scaleShape(), sizes, squares);
    }
    const Index shared = shape.elementCount() / std::max<Index>(layout.scaleCount(), 1) * block;
    const auto each = static_cast<double>(std::max<Index>(shared, 1));
    for (std::size_t i = 0; i < scaleCount; ++i) {
        if (settled.empty() || settled[i] == 0) {
            scale.values()[i] = scaleOf(products[i] / each, squares[i] / each);
        }
    }
}

Tensor largestMagnitudes(TensorView x, const ScaleLayout& layout)
{
    Tensor largest(layout.scaleShape());
    layout.forEachTile([&](const ScaleLayout::Tile& tile) {
        kernels::maxAbsByChannel(x.data + tile.offset, tile.rows, tile.channels,
                                 largest.data() + tile.firstScale);
    });
    return largest;
}

Tensor largestPerChannel(TensorView x)
{
    return largestMagnitudes(x, x.shape.rank() > 1 ? ScaleLayout::ofAxes(x.shape, {})
                                                   : ScaleLayout::single(x.shape));
}

void multiply(TensorView z, const Tensor& scale, const ScaleLayout& layout, MutableTensorView y)
{
    layout.forEachTile([&](const ScaleLayout::Tile& tile) {
        kernels::scaleByChannel(z.data + tile.offset, y.data + tile.offset, tile.rows,
                                tile.channels, scale.data() + tile.firstScale);
    });
}

} // namespace bitscape::quant
