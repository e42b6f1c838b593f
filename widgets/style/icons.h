// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QColor>
#include <QIcon>

#include <optional>

namespace bitscape::widgets {

/// The drawings in resources/icons; the order is that of the file names.
enum class Icon {
    Branch,
    Calibrate,
    Close,
    Compare,
    Copy,
    Data,
    Distributions,
    Down,
    Error,
    Explore,
    Export,
    Eye,
    File,
    Filter,
    Float,
    Hardware,
    Info,
    Lock,
    Model,
    Ok,
    Open,
    Pin,
    Play,
    Plus,
    Redo,
    Report,
    Reset,
    Right,
    Save,
    Search,
    SearchPage,
    Stop,
    Table,
    Train,
    Undo,
    Wand,
    Warning,
    Welcome,
};

/// An icon in the text color of the theme in use, redrawn when the theme changes; sharp at every
/// scale. `color` replaces the text color while enabled.
[[nodiscard]] QIcon icon(Icon id);
[[nodiscard]] QIcon icon(Icon id, const QColor& color);
/// One drawing as pixels, for labels and delegates. size: logical pixels.
[[nodiscard]] QPixmap iconPixmap(Icon id, int size, const QColor& color, double devicePixelRatio);
/// The program's own mark.
[[nodiscard]] QIcon programIcon();

} // namespace bitscape::widgets
