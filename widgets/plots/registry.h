// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include <span>
#include <string_view>

class QWidget;

namespace bitscape::widgets {

class Plot;

/// A kind of plot; what menus, reports and tests need to know of it.
struct PlotInfo {
    std::string_view id;            ///< objectName; never renamed, scripts and settings hold it
    const char* title;              ///< source text of translatedTitle()
    const char* accepts;            ///< the data struct of setData()
    Plot* (*make)(QWidget* parent); ///< an empty one; the parent or the caller owns it

    [[nodiscard]] QString translatedTitle() const;
};

[[nodiscard]] std::span<const PlotInfo> plots();

} // namespace bitscape::widgets
