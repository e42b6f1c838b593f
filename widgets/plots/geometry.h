// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QLineF>
#include <QPointF>
#include <QPolygonF>
#include <QRectF>

#include <optional>
#include <vector>

namespace bitscape::widgets {

/// An interval of data values; `low` ≤ `high` if it holds anything.
struct Range {
    double low = 0.0;
    double high = 0.0;

    [[nodiscard]] double size() const { return high - low; }
    [[nodiscard]] bool contains(double v) const { return v >= low && v <= high; }
    bool operator==(const Range&) const = default;
};

/// Grows over finite values only; empty until the first one.
class RangeFinder {
public:
    void add(double value);
    [[nodiscard]] std::optional<Range> range() const;

private:
    std::optional<Range> m_range;
};

/// Smallest range of the finite values; nothing if there is none.
[[nodiscard]] std::optional<Range> rangeOf(const std::vector<double>& values);

/// Where data values lie on the screen along one axis; linear or logarithmic.
struct AxisMap {
    Range range{0.0, 1.0};
    double pixelLow = 0.0;  ///< pixel of range.low
    double pixelHigh = 1.0; ///< pixel of range.high
    bool logarithmic = false;

    /// Values that a logarithmic axis cannot show (≤ 0) come out far below the low end.
    [[nodiscard]] double toPixel(double value) const;
    [[nodiscard]] double toValue(double pixel) const;
    [[nodiscard]] double pixels() const;
};

/// The place of everything at one moment: the widget, the axis rectangle and the axes.
struct Frame {
    QRectF whole; ///< all that can be painted on
    QRectF area;  ///< inside the axes
    AxisMap x, y;
    AxisMap right; ///< second vertical axis, if the plot has one

    [[nodiscard]] QPointF at(double xValue, double yValue) const
    {
        return {x.toPixel(xValue), y.toPixel(yValue)};
    }
};

/// The part of a segment inside `box` (Liang–Barsky); nothing if none.
/// SVG files made by Qt know no clipping, so lines are clipped before they are painted.
[[nodiscard]] std::optional<QLineF> clipped(const QLineF& line, const QRectF& box);
/// The pieces of an open line inside `box`.
[[nodiscard]] std::vector<QPolygonF> clippedLine(const QPolygonF& line, const QRectF& box);
/// Whether any part of an open line lies in `box`.
[[nodiscard]] bool crosses(const QPolygonF& line, const QRectF& box);
/// A filled polygon cut to `box` (Sutherland–Hodgman); the box is convex, the polygon need not be.
[[nodiscard]] QPolygonF clippedArea(const QPolygonF& polygon, const QRectF& box);

/// At most four points per pixel column (first, lowest, highest, last), so that a line of a million
/// points paints as fast as one of a thousand and looks the same. `line` has ascending x.
[[nodiscard]] QPolygonF thinned(const QPolygonF& line);

/// Remembers which cells of 3 × 3 px hold a mark already.
class CellFilter {
public:
    explicit CellFilter(const QRectF& area);
    /// Whether `at` lies in the area and is the first in its cell.
    bool take(const QPointF& at);

private:
    QRectF m_area;
    int m_columns = 0;
    std::vector<bool> m_taken;
};

/// p-quantile (0 … 1) of sorted values by linear interpolation; `sorted` must not be empty.
[[nodiscard]] double quantileOfSorted(const std::vector<double>& sorted, double p);

} // namespace bitscape::widgets
