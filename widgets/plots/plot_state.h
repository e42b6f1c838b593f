// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Private to plot*.cpp.

#include "widgets/plots/plot.h"
#include "widgets/plots/plot_engine.h"

#include <QElapsedTimer>
#include <QPointF>

#include <optional>
#include <vector>

class QPushButton;
class QScrollBar;
class QTableView;

namespace bitscape::widgets {

struct Plot::View {
    Range x, y;
    bool operator==(const View&) const = default;
};

struct Plot::State {
    enum class Drag { None, Rubber, Pan, Own };
    enum class LegendSpot { TopRight, TopLeft, BottomRight, BottomLeft, Below };

    Theme theme = Theme::Light;
    PlotSpec spec;
    QString emptySentence; ///< given by the page
    QString staleSentence;
    bool legendVisible = true;
    std::optional<bool> userLogX, userLogY;

    bool hasView = false;    ///< ranges were set from data once
    bool userZoomed = false; ///< then new data do not move the axes
    std::vector<View> back, forward;
    QElapsedTimer lastChange;
    int lastKind = -1;
    double scroll = 0.0; ///< first row shown, in axis units

    int current = -1;
    bool currentByKey = false;
    bool focusByKey = false;
    std::vector<std::vector<int>> series; ///< of the keys; empty: to be asked
    std::size_t seriesIndex = 0;

    PlotTool tool = PlotTool::Pan;
    Drag drag = Drag::None;
    Qt::MouseButton button = Qt::NoButton;
    bool moved = false;
    bool clickWasDouble = false;
    QPointF pressAt, lastAt;

    LegendSpot legendSpot = LegendSpot::TopRight;
    bool legendFixed = false; ///< no corner was free: stays below until data or size change
    QRectF legendBox;
    bool isExporting = false;
    bool isMeasuring = false; ///< a pass for the layout alone: nothing is painted

    QPushButton* emptyButton = nullptr;
    QScrollBar* scrollBar = nullptr;
    QWidget* tableBox = nullptr;
    QTableView* tableView = nullptr;
    PlotTableModel* tableModel = nullptr;
};

} // namespace bitscape::widgets
