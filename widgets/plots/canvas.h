// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/geometry.h"
#include "widgets/style/palette.h"

#include <QColor>
#include <QFont>
#include <QLocale>
#include <QPen>
#include <QPolygonF>
#include <QString>

#include <vector>

class QPainter;

namespace bitscape::widgets {

/// Shapes that tell series apart without color.
enum class Marker { Circle, Square, Diamond, Triangle, Cross, Plus };

struct MarkerStyle {
    Marker shape = Marker::Circle;
    double radius = 3.0;     ///< px
    QColor fill;             ///< invalid: hollow
    QPen outline{Qt::NoPen}; ///< over the fill
};

/// Sizes relative to the font of the widget.
enum class TextSize { Tick, Note, Label, Title };

struct TextStyle {
    QColor color;
    TextSize size = TextSize::Note;
    bool bold = false;
    bool halo = false;  ///< ring in the background color, so that it reads over marks
    double angle = 0.0; ///< degrees, clockwise, about the anchor
};

/// What a plot paints with: data become pixels by `frame`, colors come from `colors`, and
/// everything that goes through here is clipped by arithmetic (see clipped()), so that the same
/// code serves the screen, PDF and SVG.
class Canvas {
public:
    Canvas(QPainter& painter, const Palette& colors, const Frame& frame, QFont font, QLocale locale,
           bool isVector);

    [[nodiscard]] const Frame& frame() const { return m_frame; }
    [[nodiscard]] const Palette& colors() const { return m_colors; }
    [[nodiscard]] const QLocale& locale() const { return m_locale; }
    [[nodiscard]] QPainter& painter() { return m_painter; }

    /// Points in pixels; not finite ones end a piece. Clipped to the axis rectangle.
    void line(const QPolygonF& points, const QPen& pen);
    /// Filled, without outline; clipped to the axis rectangle.
    void area(const QPolygonF& points, const QColor& fill);
    /// Clipped to the axis rectangle and set on whole device pixels, so that edges are sharp.
    void rect(const QRectF& rect, const QColor& fill, const QPen& outline = QPen(Qt::NoPen));
    /// One mark; skipped if its center is outside of the axis rectangle.
    void mark(const QPointF& at, const MarkerStyle& style);
    /// The same for legends and margins: not clipped.
    void freeMark(const QPointF& at, const MarkerStyle& style);
    /// Many marks of one style, at most one per 3 × 3 px.
    void marks(const std::vector<QPointF>& at, const MarkerStyle& style);
    /// Fill and lines of a meaning; strength 0 … 1. Clipped to the axis rectangle.
    void hatch(const QRectF& rect, Hatch hatch, double strength = 1.0);
    /// The same for legends, outside of the axis rectangle.
    void hatchSwatch(const QRectF& rect, Hatch hatch, double strength = 1.0);
    void horizontal(double y, const QPen& pen);
    void vertical(double x, const QPen& pen);

    /// Not clipped. `alignment` says which point of the text `at` is. Returns the box it covers
    /// (without regard to the angle).
    QRectF text(const QPointF& at, Qt::Alignment alignment, const QString& text,
                const TextStyle& style);
    [[nodiscard]] QSizeF textSize(const QString& text, const TextStyle& style) const;
    /// The number of bits on its colored chip, centered at `at`.
    void chip(const QPointF& at, int bits);
    [[nodiscard]] QSizeF chipSize() const;

    [[nodiscard]] QFont font(TextSize size, bool bold = false) const;
    /// Height of a line of notes, the unit of vertical distances between texts.
    [[nodiscard]] double lineHeight() const;

private:
    void fillHatch(const QRectF& box, Hatch hatch, double strength);

    QPainter& m_painter;
    const Palette& m_colors;
    Frame m_frame;
    QFont m_font;
    QLocale m_locale;
    bool m_isVector;
};

/// The font of a widget in one of the sizes; in pixels, so that files look like the screen.
[[nodiscard]] QFont plotFont(const QFont& base, TextSize size, bool bold = false);
[[nodiscard]] QPen solidPen(const QColor& color, double width);
[[nodiscard]] QPen dashedPen(const QColor& color, double width, const QList<qreal>& dashes);
[[nodiscard]] QColor withAlpha(QColor color, double alpha);

} // namespace bitscape::widgets
