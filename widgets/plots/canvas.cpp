// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/canvas.h"

#include <QFontInfo>
#include <QFontMetricsF>
#include <QImage>
#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <cmath>
#include <utility>

namespace bitscape::widgets {

namespace {

constexpr double kHatchDistance = 7.0; ///< px between lines, measured along x
constexpr double kDotDistance = 5.0;
constexpr double kHaloWidth = 3.0;
/// From so many points on, a line is thinned per pixel column.
constexpr qsizetype kThinFrom = 2000;

double factorOf(TextSize size)
{
    switch (size) {
    case TextSize::Tick:
        return 0.86;
    case TextSize::Note:
        return 0.90;
    case TextSize::Label:
        return 0.93;
    case TextSize::Title:
        return 0.97;
    }
    return 1.0;
}

bool isFinite(const QPointF& p)
{
    return std::isfinite(p.x()) && std::isfinite(p.y());
}

bool isAscending(const QPolygonF& p)
{
    return std::is_sorted(p.begin(), p.end(),
                          [](const QPointF& a, const QPointF& b) { return a.x() < b.x(); });
}

QColor hatchInk(const Palette& p, Hatch hatch)
{
    switch (hatch) {
    case Hatch::Clip:
        return p[Series::Orange];
    case Hatch::Underflow:
        return p[Series::Brown];
    case Hatch::LanePadding:
    case Hatch::SpatialEdge:
        return p[Series::Blue];
    case Hatch::Cpu:
        return p.reference;
    }
    return p.reference;
}

} // namespace

QFont plotFont(const QFont& base, TextSize size, bool bold)
{
    QFont f = base;
    const int pixels = base.pixelSize() > 0 ? base.pixelSize() : QFontInfo(base).pixelSize();
    f.setPixelSize(std::max(8, static_cast<int>(std::lround(pixels * factorOf(size)))));
    f.setBold(bold);
    return f;
}

QPen solidPen(const QColor& color, double width)
{
    QPen pen(color, width);
    pen.setCapStyle(Qt::FlatCap);
    pen.setJoinStyle(Qt::RoundJoin);
    return pen;
}

QPen dashedPen(const QColor& color, double width, const QList<qreal>& dashes)
{
    QPen pen = solidPen(color, width);
    QList<qreal> inWidths;
    for (const qreal d : dashes) {
        inWidths << d / width;
    }
    pen.setDashPattern(inWidths);
    return pen;
}

QColor withAlpha(QColor color, double alpha)
{
    color.setAlphaF(static_cast<float>(alpha));
    return color;
}

Canvas::Canvas(QPainter& painter, const Palette& colors, const Frame& frame, QFont font,
               QLocale locale, bool isVector)
    : m_painter(painter), m_colors(colors), m_frame(frame), m_font(std::move(font)),
      m_locale(std::move(locale)), m_isVector(isVector)
{
    m_painter.setRenderHint(QPainter::Antialiasing);
}

void Canvas::line(const QPolygonF& points, const QPen& pen)
{
    m_painter.setPen(pen);
    m_painter.setBrush(Qt::NoBrush);
    const auto draw = [&](const QPolygonF& piece) {
        const QPolygonF& p = piece;
        for (const QPolygonF& part :
             clippedLine(p.size() > kThinFrom && isAscending(p) ? thinned(p) : p, m_frame.area)) {
            m_painter.drawPolyline(part);
        }
    };
    QPolygonF piece;
    for (const QPointF& p : points) {
        if (isFinite(p)) {
            piece << p;
            continue;
        }
        draw(piece);
        piece.clear();
    }
    draw(piece);
}

void Canvas::area(const QPolygonF& points, const QColor& fill)
{
    QPolygonF finite;
    finite.reserve(points.size());
    std::copy_if(points.begin(), points.end(), std::back_inserter(finite), isFinite);
    const QPolygonF inside = clippedArea(finite, m_frame.area);
    if (inside.size() < 3) {
        return;
    }
    m_painter.setPen(Qt::NoPen);
    m_painter.setBrush(fill);
    m_painter.drawPolygon(inside);
}

void Canvas::rect(const QRectF& rect, const QColor& fill, const QPen& outline)
{
    QRectF box = rect.normalized().intersected(m_frame.area);
    if (!rect.normalized().intersects(m_frame.area) && box.isEmpty()) {
        return;
    }
    if (!m_isVector) {
        const double ratio = m_painter.device()->devicePixelRatioF();
        const auto snap = [ratio](double v) { return std::round(v * ratio) / ratio; };
        box = QRectF(QPointF(snap(box.left()), snap(box.top())),
                     QPointF(snap(box.right()), snap(box.bottom())));
    }
    m_painter.setPen(outline);
    m_painter.setBrush(fill.isValid() ? QBrush(fill) : QBrush(Qt::NoBrush));
    m_painter.drawRect(box);
}

void Canvas::freeMark(const QPointF& at, const MarkerStyle& style)
{
    const double r = style.radius;
    m_painter.setPen(style.outline);
    m_painter.setBrush(style.fill.isValid() ? QBrush(style.fill) : QBrush(Qt::NoBrush));
    switch (style.shape) {
    case Marker::Circle:
        m_painter.drawEllipse(at, r, r);
        return;
    case Marker::Square:
        m_painter.drawRect(QRectF(at.x() - r, at.y() - r, 2 * r, 2 * r));
        return;
    case Marker::Diamond:
        m_painter.drawPolygon(QPolygonF{{at.x(), at.y() - 1.3 * r},
                                        {at.x() + 1.3 * r, at.y()},
                                        {at.x(), at.y() + 1.3 * r},
                                        {at.x() - 1.3 * r, at.y()}});
        return;
    case Marker::Triangle:
        m_painter.drawPolygon(QPolygonF{{at.x(), at.y() - 1.2 * r},
                                        {at.x() + 1.15 * r, at.y() + 0.9 * r},
                                        {at.x() - 1.15 * r, at.y() + 0.9 * r}});
        return;
    case Marker::Cross:
        m_painter.drawLine(QLineF(at.x() - r, at.y() - r, at.x() + r, at.y() + r));
        m_painter.drawLine(QLineF(at.x() - r, at.y() + r, at.x() + r, at.y() - r));
        return;
    case Marker::Plus:
        m_painter.drawLine(QLineF(at.x() - r, at.y(), at.x() + r, at.y()));
        m_painter.drawLine(QLineF(at.x(), at.y() - r, at.x(), at.y() + r));
        return;
    }
}

void Canvas::mark(const QPointF& at, const MarkerStyle& style)
{
    if (isFinite(at) && m_frame.area.adjusted(-1, -1, 1, 1).contains(at)) {
        freeMark(at, style);
    }
}

void Canvas::marks(const std::vector<QPointF>& at, const MarkerStyle& style)
{
    CellFilter cells(m_frame.area.adjusted(-1, -1, 1, 1));
    if (m_isVector) {
        for (const QPointF& p : at) {
            if (isFinite(p) && cells.take(p)) {
                freeMark(p, style);
            }
        }
        return;
    }
    // A mark is painted once and stamped: some ten times faster than painting each.
    const double ratio = m_painter.device()->devicePixelRatioF();
    const double reach = std::ceil(1.3 * style.radius + style.outline.widthF()) + 1.0;
    const int side = static_cast<int>(std::ceil(2.0 * reach * ratio));
    QImage stamp(side, side, QImage::Format_ARGB32_Premultiplied);
    stamp.setDevicePixelRatio(ratio);
    stamp.fill(Qt::transparent);
    {
        QPainter p(&stamp);
        p.setRenderHint(QPainter::Antialiasing);
        Canvas(p, m_colors, m_frame, m_font, m_locale, false).freeMark({reach, reach}, style);
    }
    const auto snap = [ratio](double v) { return std::round(v * ratio) / ratio; };
    for (const QPointF& p : at) {
        if (isFinite(p) && cells.take(p)) {
            m_painter.drawImage(QPointF(snap(p.x() - reach), snap(p.y() - reach)), stamp);
        }
    }
}

void Canvas::hatch(const QRectF& rect, Hatch hatch, double strength)
{
    fillHatch(rect.normalized().intersected(m_frame.area), hatch, strength);
}

void Canvas::hatchSwatch(const QRectF& rect, Hatch hatch, double strength)
{
    fillHatch(rect, hatch, strength);
}

void Canvas::fillHatch(const QRectF& box, Hatch hatch, double strength)
{
    if (box.width() <= 0.0 || box.height() <= 0.0) {
        return;
    }
    const QColor ink = hatchInk(m_colors, hatch);
    const double fill = m_colors.theme == Theme::Light ? 0.16 : 0.22;
    m_painter.setPen(Qt::NoPen);
    m_painter.setBrush(withAlpha(ink, fill * strength));
    m_painter.drawRect(box);
    const QColor stroke = withAlpha(ink, 0.80 * strength);
    if (hatch == Hatch::SpatialEdge) {
        m_painter.setBrush(stroke);
        const double rows = std::floor(box.top() / kDotDistance);
        for (double k = rows; k * kDotDistance < box.bottom(); k += 1.0) {
            const double y = k * kDotDistance + kDotDistance / 2;
            for (double x = std::floor(box.left() / kDotDistance) * kDotDistance + kDotDistance / 2;
                 x < box.right() - 0.5; x += kDotDistance) {
                if (box.adjusted(1, 1, -1, -1).contains(x, y)) {
                    m_painter.drawEllipse(QPointF(x, y), 0.95, 0.95);
                }
            }
        }
        return;
    }
    // The lines hang on the origin of the widget, so that neighboring areas fit together.
    const bool rising = hatch != Hatch::Underflow;
    m_painter.setPen(solidPen(stroke, 1.15));
    const double slope = rising ? -1.0 : 1.0;
    const auto offset = [&](double x, double y) { return x - slope * y; };
    const double a = offset(box.left(), rising ? box.top() : box.bottom());
    const double b = offset(box.right(), rising ? box.bottom() : box.top());
    for (double k = std::ceil(std::min(a, b) / kHatchDistance);
         k * kHatchDistance <= std::max(a, b); k += 1.0) {
        const double c = k * kHatchDistance;
        const QLineF line(c + slope * box.top(), box.top(), c + slope * box.bottom(), box.bottom());
        if (const auto part = clipped(line, box)) {
            m_painter.drawLine(*part);
        }
    }
}

void Canvas::horizontal(double y, const QPen& pen)
{
    line({{m_frame.area.left(), y}, {m_frame.area.right(), y}}, pen);
}

void Canvas::vertical(double x, const QPen& pen)
{
    line({{x, m_frame.area.top()}, {x, m_frame.area.bottom()}}, pen);
}

QFont Canvas::font(TextSize size, bool bold) const
{
    return plotFont(m_font, size, bold);
}

double Canvas::lineHeight() const
{
    return QFontMetricsF(font(TextSize::Note)).height();
}

QSizeF Canvas::textSize(const QString& text, const TextStyle& style) const
{
    const QFontMetricsF metrics(font(style.size, style.bold));
    return {metrics.horizontalAdvance(text), metrics.height()};
}

QRectF Canvas::text(const QPointF& at, Qt::Alignment alignment, const QString& text,
                    const TextStyle& style)
{
    const QFont f = font(style.size, style.bold);
    const QFontMetricsF metrics(f);
    const double width = metrics.horizontalAdvance(text);
    const double left = alignment.testFlag(Qt::AlignRight)     ? -width
                        : alignment.testFlag(Qt::AlignHCenter) ? -width / 2
                                                               : 0.0;
    const double baseline = alignment.testFlag(Qt::AlignTop)      ? metrics.ascent()
                            : alignment.testFlag(Qt::AlignBottom) ? -metrics.descent()
                            : alignment.testFlag(Qt::AlignVCenter)
                                ? (metrics.ascent() - metrics.descent()) / 2
                                : 0.0;
    m_painter.save();
    m_painter.translate(at);
    m_painter.rotate(style.angle);
    m_painter.setFont(f);
    if (style.halo) {
        QPainterPath path;
        path.addText(left, baseline, f, text);
        QPen ring(m_colors.plotBackground, kHaloWidth);
        ring.setJoinStyle(Qt::RoundJoin);
        m_painter.strokePath(path, ring);
    }
    m_painter.setPen(style.color.isValid() ? style.color : m_colors.text);
    m_painter.drawText(QPointF(left, baseline), text);
    m_painter.restore();
    return {at.x() + left, at.y() + baseline - metrics.ascent(), width, metrics.height()};
}

QSizeF Canvas::chipSize() const
{
    const QFontMetricsF metrics(font(TextSize::Tick, true));
    return {metrics.horizontalAdvance(QStringLiteral("f32")) + 8.0, metrics.height() + 2.0};
}

void Canvas::chip(const QPointF& at, int bits)
{
    const ToneColors tone = m_colors.chip(bits);
    const QSizeF size = chipSize();
    m_painter.setPen(Qt::NoPen);
    m_painter.setBrush(tone.background);
    m_painter.drawRoundedRect(QRectF(at - QPointF(size.width() / 2, size.height() / 2), size), 2.5,
                              2.5);
    const bool isFloat = bits <= 0 || bits >= 32;
    text(at, Qt::AlignHCenter | Qt::AlignVCenter,
         isFloat ? QStringLiteral("f32") : QString::number(bits),
         {.color = tone.text, .size = TextSize::Tick, .bold = true});
}

} // namespace bitscape::widgets
