// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/canvas.h"
#include "widgets/plots/geometry.h"

#include <QPen>
#include <QString>

#include <optional>
#include <vector>

namespace bitscape::widgets {

/// A word on an axis instead of a number.
struct AxisName {
    double position = 0.0;
    QString text;
    bool isStrong = false; ///< the selected one
};

/// How the ends of an axis follow from the data.
enum class AxisEnds {
    Exact, ///< the data's own
    Nice,  ///< moved outward to round values
    Zero,  ///< from exactly 0 to a round value (bars, counts)
};

/// What a plot asks of an axis.
struct AxisSpec {
    QString label; ///< quantity and unit; empty: no label
    Range data{0.0, 1.0};
    std::optional<Range> first; ///< what is shown until "fit", if not all
    AxisEnds ends = AxisEnds::Nice;
    bool canBeLog = false; ///< all data are > 0
    bool isLog = false;    ///< until the user switches
    int logBase = 10;
    bool integers = false;
    bool numbers = true; ///< ticks with numbers
    bool grid = true;
    bool zoom = true;
    bool reversed = false;       ///< low end on top (rows)
    std::vector<AxisName> names; ///< words at positions; numbers should be off
    /// Rows: least pixels for 1 of the axis; if there is less room, the axis scrolls.
    double leastPixelsPerUnit = 0.0;
};

struct LegendEntry {
    enum class Kind { Mark, Line, LineWithMark, Fill, Hatching, Box };
    QString text;
    Kind kind = Kind::Mark;
    MarkerStyle marker;
    QPen pen;
    QColor fill;
    Hatch hatch = Hatch::Clip;
    double strength = 1.0;
};

enum class LegendPlace {
    Inside, ///< in a corner without data; below if there is none
    Below,
};

/// Everything a plot says about itself before it paints.
struct PlotSpec {
    QString title;
    QString shortTitle; ///< where the title does not fit; empty: the title is cut
    AxisSpec x, y;
    std::optional<AxisSpec> right; ///< second vertical axis
    double rightMargin = 0.0;      ///< px for what the plot paints right of the axes
    bool hasRightHeading = false;  ///< the line of the title is taken there
    std::vector<LegendEntry> legend;
    LegendPlace legendPlace = LegendPlace::Inside;
    bool canBrush = false;
    bool isEmpty = false;
    bool isVertical = false; ///< marks follow each other downward
};

/// Painted one over the other; each from Marks on has its own image, so a hover repaints no points.
enum class Stage {
    Back,    ///< under the grid: shading
    Marks,   ///< the many
    Front,   ///< the few that matter: brushed, front, references
    Labels,  ///< words, over the axes and outside of them
    Overlay, ///< selection, hover, brush
};

} // namespace bitscape::widgets
