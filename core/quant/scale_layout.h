// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"
#include "core/tensor/kernels/quantize.h"

#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace bitscape::quant {

/// Which elements of a tensor share a scale: along some axes every index has its own (kept), along
/// the others all share one (reduced, size 1 in the scale's shape). Blocks are resolved later, by
/// LeastSquares.
class ScaleLayout {
public:
    /// keeps[axis]: whether the axis has a scale per index. One entry per axis of `shape`.
    ScaleLayout(const Shape& shape, const std::vector<bool>& keeps);
    /// As QKeras reads `scale_axis`: None keeps the last axis, a number that axis, a list its axes.
    /// An axis equal to the rank keeps none. Rank 0 has one scale. Axes are valid (see checkAxes).
    [[nodiscard]] static ScaleLayout ofAxes(const Shape& shape, const Value& scaleAxis);
    /// One scale per element.
    [[nodiscard]] static ScaleLayout elementwise(const Shape& shape);
    /// One scale for all.
    [[nodiscard]] static ScaleLayout single(const Shape& shape);
    /// For a scale of this shape that broadcasts against `shape` as in numpy; nullopt if it cannot.
    [[nodiscard]] static std::optional<ScaleLayout>
    broadcasting(const Shape& shape, std::span<const std::int64_t> scaleShape);

    /// The same for a scale that was fitted to a tensor of this shape (ensured).
    [[nodiscard]] static ScaleLayout of(const Tensor& scale, const Shape& shape);

    [[nodiscard]] const Shape& scaleShape() const { return m_scaleShape; }
    [[nodiscard]] Index scaleCount() const { return m_scaleShape.elementCount(); }

    /// A matrix of elements whose columns use the scales first … first + channels − 1.
    struct Tile {
        Index offset = 0; ///< of its first element
        Index rows = 1;
        Index channels = 1;
        Index firstScale = 0;
    };
    /// Calls visit(tile) for tiles that cover the tensor, in order.
    void forEachTile(const std::function<void(const Tile&)>& visit) const;

private:
    Shape m_scaleShape;
    struct Segment { ///< neighboring axes that are all kept or all reduced
        Index size = 1;
        bool kept = false;
    };
    std::vector<Segment> m_segments;
};

/// Calls visit(element index, scale index) for all elements, in order.
template <class Visit>
void forEachElement(const ScaleLayout& layout, Visit visit)
{
    layout.forEachTile([&](const ScaleLayout::Tile& tile) {
        Index at = tile.offset;
        for (Index row = 0; row < tile.rows; ++row) {
            for (Index channel = 0; channel < tile.channels; ++channel, ++at) {
                visit(static_cast<std::size_t>(at),
                      static_cast<std::size_t>(tile.firstScale + channel));
            }
        }
    });
}

/// InvalidArgument unless every axis of `scaleAxis` exists; an axis equal to the rank is let
/// through (releases of QKeras before HEAD read it as: one scale).
[[nodiscard]] Result<void> checkAxes(const QuantizerInfo& info, const Shape& shape,
                                     const Value& scaleAxis);
/// The same for `elements_per_scale`: one number, or one per axis; each divides its axis.
[[nodiscard]] Result<void> checkBlocks(const QuantizerInfo& info, const Shape& shape,
                                       const Value& scaleAxis, const Value& elementsPerScale);

/// QKeras' least-squares scale: mean(x·z) / (mean(z²) + ε) over the elements that share a scale;
/// tensors of rank ≤ 1 have one scale per element.
struct LeastSquares {
    Value scaleAxis;
    Value elementsPerScale; ///< blocks along the kept axes; None: none
    bool powerOfTwo = false;
    std::optional<double> minExponent, maxExponent; ///< bounds of log2(scale), power of two only

    [[nodiscard]] ScaleLayout layout(const Shape& shape) const;
    /// x · factor ≈ scale · z. Shape of the result: layout(x.shape).scaleShape().
    [[nodiscard]] Tensor fit(TensorView x, float factor, TensorView z) const;
    /// The same with add(tile, sums of the tile's scales) giving the sums, called for every tile in
    /// order.
    using AddSums = std::function<void(const ScaleLayout::Tile&, const kernels::FitSums&)>;
    [[nodiscard]] Tensor fit(const Shape& shape, const AddSums& add) const;

    /// A scale and the one that was fitted to its codes.
    struct Refined {
        Tensor scale;
        Tensor fitted;
    };
    /// Fits `most` times, every time to the codes of the scale before; add() takes the tile's
    /// scales as well. `start`: as the layout has them, or one. Stops where nothing changes
    /// anymore.
    using AddScaledSums =
        std::function<void(const ScaleLayout::Tile&, const float* scale, const kernels::FitSums&)>;
    [[nodiscard]] Refined refine(const Shape& shape, const Tensor& start, int most,
                                 const AddScaledSums& add) const;

private:
    /// Of tensors of rank 2 and more.
    [[nodiscard]] bool hasBlocks(const Shape& shape) const;
    [[nodiscard]] float scaleOf(double meanProduct, double meanSquare) const;
    /// Of all scales but the settled ones, which stay as they are in `scale`.
    void fitInto(Tensor& scale, const ScaleLayout& layout, const Shape& shape, const AddSums& add,
                 const std::vector<unsigned char>& settled) const;
};

/// Largest |x| of the elements that share a scale.
[[nodiscard]] Tensor largestMagnitudes(TensorView x, const ScaleLayout& layout);
/// The same per index of the last axis, one for a vector: where QKeras takes extremes and
/// deviations whatever scale_axis says.
[[nodiscard]] Tensor largestPerChannel(TensorView x);
/// y = scale · z, broadcast.
void multiply(TensorView z, const Tensor& scale, const ScaleLayout& layout, MutableTensorView y);

} // namespace bitscape::quant
