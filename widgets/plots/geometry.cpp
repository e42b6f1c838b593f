// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/geometry.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace bitscape::widgets {

namespace {

constexpr double kCell = 3.0;
/// Far outside of any screen, but harmless in arithmetic on pixels.
constexpr double kFar = 1e6;

enum class Side { Left, Right, Top, Bottom };

bool isInside(const QPointF& p, const QRectF& box, Side side)
{
    switch (side) {
    case Side::Left:
        return p.x() >= box.left();
    case Side::Right:
        return p.x() <= box.right();
    case Side::Top:
        return p.y() >= box.top();
    case Side::Bottom:
        return p.y() <= box.bottom();
    }
    return true;
}

QPointF crossing(const QPointF& a, const QPointF& b, const QRectF& box, Side side)
{
    const bool vertical = side == Side::Left || side == Side::Right;
    const double edge = side == Side::Left    ? box.left()
                        : side == Side::Right ? box.right()
                        : side == Side::Top   ? box.top()
                                              : box.bottom();
    const double t = vertical ? (edge - a.x()) / (b.x() - a.x()) : (edge - a.y()) / (b.y() - a.y());
    return a + (b - a) * t;
}

} // namespace

void RangeFinder::add(double value)
{
    if (!std::isfinite(value)) {
        return;
    }
    m_range = m_range ? Range{std::min(m_range->low, value), std::max(m_range->high, value)}
                      : Range{value, value};
}

std::optional<Range> RangeFinder::range() const
{
    return m_range;
}

std::optional<Range> rangeOf(const std::vector<double>& values)
{
    RangeFinder finder;
    for (const double v : values) {
        finder.add(v);
    }
    return finder.range();
}

double AxisMap::toPixel(double value) const
{
    double share = 0.0;
    if (logarithmic) {
        if (!(value > 0.0)) {
            return pixelHigh > pixelLow ? -kFar : kFar;
        }
        share = std::log(value / range.low) / std::log(range.high / range.low);
    } else {
        share = (value - range.low) / range.size();
    }
    return std::clamp(pixelLow + share * (pixelHigh - pixelLow), -kFar, kFar);
}

double AxisMap::toValue(double pixel) const
{
    const double share = (pixel - pixelLow) / (pixelHigh - pixelLow);
    return logarithmic ? range.low * std::pow(range.high / range.low, share)
                       : range.low + share * range.size();
}

double AxisMap::pixels() const
{
    return std::abs(pixelHigh - pixelLow);
}

std::optional<QLineF> clipped(const QLineF& line, const QRectF& box)
{
    double enter = 0.0;
    double leave = 1.0;
    const auto cut = [&](double delta, double distance) {
        if (delta == 0.0) {
            return distance >= 0.0;
        }
        const double t = distance / delta;
        (delta < 0.0 ? enter : leave) = delta < 0.0 ? std::max(enter, t) : std::min(leave, t);
        return enter <= leave;
    };
    const bool visible =
        cut(-line.dx(), line.x1() - box.left()) && cut(line.dx(), box.right() - line.x1()) &&
        cut(-line.dy(), line.y1() - box.top()) && cut(line.dy(), box.bottom() - line.y1());
    if (!visible) {
        return std::nullopt;
    }
    return QLineF(line.pointAt(enter), line.pointAt(leave));
}

std::vector<QPolygonF> clippedLine(const QPolygonF& line, const QRectF& box)
{
    std::vector<QPolygonF> pieces;
    QPolygonF piece;
    const auto finish = [&] {
        if (piece.size() > 1) {
            pieces.push_back(piece);
        }
        piece.clear();
    };
    for (qsizetype i = 1; i < line.size(); ++i) {
        const auto part = clipped(QLineF(line[i - 1], line[i]), box);
        if (!part) {
            finish();
            continue;
        }
        if (!piece.isEmpty() && piece.last() != part->p1()) {
            finish();
        }
        if (piece.isEmpty()) {
            piece << part->p1();
        }
        piece << part->p2();
    }
    finish();
    return pieces;
}

bool crosses(const QPolygonF& line, const QRectF& box)
{
    for (qsizetype i = 1; i < line.size(); ++i) {
        if (clipped(QLineF(line[i - 1], line[i]), box)) {
            return true;
        }
    }
    return false;
}

QPolygonF clippedArea(const QPolygonF& polygon, const QRectF& box)
{
    QPolygonF in = polygon;
    for (const Side side : {Side::Left, Side::Right, Side::Top, Side::Bottom}) {
        QPolygonF out;
        out.reserve(in.size() + 4);
        for (qsizetype i = 0; i < in.size(); ++i) {
            const QPointF& current = in[i];
            const QPointF& before = in[i == 0 ? in.size() - 1 : i - 1];
            const bool now = isInside(current, box, side);
            if (now != isInside(before, box, side)) {
                out << crossing(before, current, box, side);
            }
            if (now) {
                out << current;
            }
        }
        in = out;
    }
    return in;
}

QPolygonF thinned(const QPolygonF& line)
{
    QPolygonF out;
    qsizetype i = 0;
    while (i < line.size()) {
        const double column = std::floor(line[i].x());
        qsizetype end = i;
        qsizetype lowest = i;
        qsizetype highest = i;
        while (end < line.size() && std::floor(line[end].x()) == column) {
            lowest = line[end].y() < line[lowest].y() ? end : lowest;
            highest = line[end].y() > line[highest].y() ? end : highest;
            ++end;
        }
        qsizetype last = -1;
        for (const qsizetype k :
             {i, std::min(lowest, highest), std::max(lowest, highest), end - 1}) {
            if (k != last) {
                out << line[k];
            }
            last = k;
        }
        i = end;
    }
    return out;
}

CellFilter::CellFilter(const QRectF& area)
    : m_area(area), m_columns(std::max(1, static_cast<int>(std::ceil(area.width() / kCell)) + 1))
{
    const int rows = std::max(1, static_cast<int>(std::ceil(area.height() / kCell)) + 1);
    m_taken.assign(static_cast<std::size_t>(m_columns) * static_cast<std::size_t>(rows), false);
}

bool CellFilter::take(const QPointF& at)
{
    if (!m_area.contains(at)) {
        return false;
    }
    const auto column = static_cast<std::size_t>((at.x() - m_area.left()) / kCell);
    const auto row = static_cast<std::size_t>((at.y() - m_area.top()) / kCell);
    const std::size_t cell = row * static_cast<std::size_t>(m_columns) + column;
    if (m_taken[cell]) {
        return false;
    }
    m_taken[cell] = true;
    return true;
}

double quantileOfSorted(const std::vector<double>& sorted, double p)
{
    const double at = std::clamp(p, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
    const auto low = static_cast<std::size_t>(at);
    const std::size_t high = std::min(low + 1, sorted.size() - 1);
    return sorted[low] + (sorted[high] - sorted[low]) * (at - static_cast<double>(low));
}

} // namespace bitscape::widgets
