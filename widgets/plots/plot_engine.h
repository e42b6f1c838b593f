// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/geometry.h"
#include "widgets/plots/plot_spec.h"
#include "widgets/style/palette.h"

#include <QFont>
#include <QImage>
#include <QLocale>
#include <QMargins>
#include <QPicture>
#include <QSize>

#include <functional>
#include <memory>

class QPainter;
class QPaintDevice;
class QWidget;

namespace bitscape::widgets {

enum class Axis { X, Y, Right };

/// Axes, grid, layers and layout of a plot. The only class that knows QCustomPlot, whose header is
/// expensive and does not go together with the other users' Qt switches.
class PlotEngine {
public:
    /// Paints one stage; isVector: the device keeps shapes (PDF, SVG, picture).
    using Painter = std::function<void(Stage, QPainter&, bool isVector)>;
    /// Called when margins are settled and before anything is painted.
    using LaidOut = std::function<void()>;

    PlotEngine(QWidget* host, Painter paint, LaidOut laidOut);
    ~PlotEngine();
    PlotEngine(const PlotEngine&) = delete;
    PlotEngine& operator=(const PlotEngine&) = delete;

    /// The child that shows the plot; mouse events go to the host.
    [[nodiscard]] QWidget* view();

    void setLook(const Palette& colors, const QFont& base, const QLocale& locale);
    /// Labels, numbers and grid; ranges stay.
    void setAxes(const PlotSpec& spec);
    /// Off while there is nothing to show.
    void setAxesVisible(bool on);
    void setLog(Axis axis, bool on);
    [[nodiscard]] bool isLog(Axis axis) const;
    void setRange(Axis axis, const Range& range);
    [[nodiscard]] Range range(Axis axis) const;
    /// Room outside of everything (title, legend below) and least room between that and the axes.
    /// Whether something changed; takes effect at the next replot.
    bool setMargins(const QMargins& outer, const QMargins& least);

    [[nodiscard]] Frame frame() const;
    /// Paints everything, at the next event if possible (several calls are one).
    void replot();
    /// Paints one stage from Marks on alone.
    void replot(Stage stage);
    /// At once; for a first picture without events.
    void replotNow();

    [[nodiscard]] QImage toImage(const QSize& size, double ratio);
    [[nodiscard]] QPicture toPicture(const QSize& size);
    /// device: a QSvgGenerator or QPdfWriter whose units are pixels of `size` after `scale`.
    void paintOn(QPaintDevice* device, const QSize& size, double scale);

private:
    struct Parts;
    std::unique_ptr<Parts> m;
};

} // namespace bitscape::widgets
