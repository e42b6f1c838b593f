// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QBrush>
#include <QColor>
#include <QPalette>

#include <array>
#include <span>

namespace bitscape::widgets {

enum class Theme { Light, Dark };

/// Series colors by meaning; the order is that of Palette::series.
enum class Series {
    Blue,   ///< main series, useful work, selected trials
    Orange, ///< limits, clip, stall, the selected mark
    Green,  ///< front, gain
    Purple, ///< current configuration
    Brown,  ///< underflow, buffers (yellow in the dark theme)
    Sky,    ///< float data, second series (ice in the dark theme)
    Indigo, ///< box bars, code marks (violet in the dark theme)
};

/// Ink on a fill.
struct ToneColors {
    QColor text;
    QColor background;
};

/// Every color of the program for one theme. The seven series colors are told apart in normal,
/// protan, deutan and tritan vision; texts reach 4.5:1, marks 3:1 on their backgrounds (faint
/// marks, grid and disabled text recede on purpose).
struct Palette {
    Theme theme = Theme::Light;

    QColor window, base, alternate, button, frame;
    QColor line;     ///< between panels
    QColor softLine; ///< between cells
    QColor group;    ///< headers of docks and tables, page bar
    QColor text, secondText, disabledText;
    QColor highlight, highlightedText, hover;
    QColor toolTip, toolTipFrame, toolTipText;
    ToneColors good, warning, error, info;

    QColor plotBackground, grid, axis;
    std::array<QColor, 7> series; ///< by Series
    QColor reference;             ///< reference marks, idle, earlier
    QColor faint;                 ///< dominated, filtered out
    QColor shade;                 ///< regions that are out of question (below the floor)

    std::array<QColor, 8> sequential; ///< low to high; low is the background
    std::array<QColor, 5> diverging;  ///< negative, …, neutral, …, positive

    [[nodiscard]] const QColor& operator[](Series s) const
    {
        return series[static_cast<std::size_t>(s)];
    }
    /// Fill and ink of a bits chip; bits ≥ 32 or ≤ 0 mean float.
    [[nodiscard]] ToneColors chip(int bits) const;
    /// Interpolated color; position 0 … 1 (clamped).
    [[nodiscard]] QColor sequentialAt(double position) const;
    /// Interpolated color; position −1 … 1 (clamped), 0 is neutral.
    [[nodiscard]] QColor divergingAt(double position) const;
    /// For QApplication::setPalette.
    [[nodiscard]] QPalette toQPalette() const;
};

[[nodiscard]] const Palette& palette(Theme theme);

/// The theme in use; GUI thread only. Widgets read it while painting and on
/// QEvent::PaletteChange; plots have setTheme().
[[nodiscard]] Theme currentTheme();
/// Only remembers it; applyTheme() (theme.h) makes everything on screen follow.
void setCurrentTheme(Theme theme);
/// palette(currentTheme()).
[[nodiscard]] const Palette& currentPalette();

/// What an area means; repeated by a hatch so that color never stands alone.
enum class Hatch {
    Clip,        ///< 45°, orange
    Underflow,   ///< −45°, brown
    LanePadding, ///< 45°, blue
    SpatialEdge, ///< dots, blue
    Cpu,         ///< 45°, gray
};
/// A brush that tiles the hatch over a light fill of its color.
[[nodiscard]] QBrush hatchBrush(Hatch hatch, Theme theme);

/// Black or white, whichever reads better on `fill`.
[[nodiscard]] QColor inkOn(const QColor& fill);
/// WCAG contrast ratio of two opaque colors, 1 … 21.
[[nodiscard]] double contrast(const QColor& a, const QColor& b);

} // namespace bitscape::widgets
