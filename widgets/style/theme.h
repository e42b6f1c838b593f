// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/style/palette.h"

class QApplication;
class QFont;

namespace bitscape::widgets {

/// Fusion with our palette and style sheet. Can be called again at run time: everything on screen
/// follows.
void applyTheme(QApplication& application, Theme theme);

/// A fixed-pitch font for quantizer strings, a little smaller than the interface font.
[[nodiscard]] QFont codeFont();
/// The interface font, larger and bold, for numbers that count and headings. factor > 0.
[[nodiscard]] QFont emphasisFont(double factor);
/// Whether all digits of the font have one width, as tables need.
[[nodiscard]] bool hasTabularDigits(const QFont& font);

} // namespace bitscape::widgets
