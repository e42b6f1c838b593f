// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "widgets/plots/canvas.h"
#include "widgets/plots/geometry.h"
#include "widgets/plots/plot_spec.h"
#include "widgets/plots/plot_table.h"
#include "widgets/style/palette.h"

#include <QImage>
#include <QPicture>
#include <QRectF>
#include <QSize>
#include <QString>
#include <QWidget>

#include <memory>
#include <optional>
#include <vector>

class QMenu;

namespace bitscape::widgets {

class PlotEngine;

/// What a left drag does.
enum class PlotTool { Brush, Pan, Zoom };

/// How a plot is written to a file or into a report.
struct PlotExport {
    QSize size;                 ///< px; not valid: as on the screen
    std::optional<Theme> theme; ///< none: as on the screen; reports always use Theme::Light
};

/// A diagram: axes, zoom, hover, keyboard, context menu, table and files. What is drawn comes from
/// the concrete class, which holds the data, numbers its marks 0 … n−1 and answers questions about
/// them; row r of table() is mark r. All texts follow the widget's locale, files the C locale.
///
/// Mouse: left drag as tool(); wheel zooms at the pointer (Shift: x only, Ctrl: y only; rows
/// scroll), middle drag pans, double click on an axis fits it, elsewhere activates the mark or fits
/// all. Keys: Left/Right (rows: Up/Down) go through the marks, the other pair changes the series,
/// Space selects, Enter activates, Shift+arrows pan, + and − zoom, Home fits, Alt+Left/Right go
/// through the zooms, H/Z/B choose the tool, T shows the table, Ctrl+C copies, Esc clears.
class Plot : public QWidget {
    Q_OBJECT
public:
    ~Plot() override;

    void setTheme(Theme theme);
    [[nodiscard]] Theme theme() const;

    [[nodiscard]] QString title() const;
    [[nodiscard]] bool isEmpty() const;
    /// The sentence shown without data; replaces the plot's own.
    void setEmptyText(const QString& sentence);
    /// A button under it ("Gather"); empty: none. emptyActionRequested() tells of a click.
    void setEmptyAction(const QString& text);
    /// Grays the content and writes the sentence on top; empty: data are current again.
    void setStale(const QString& sentence);
    /// Off if a neighbor shows the same legend.
    void setLegendVisible(bool on);

    [[nodiscard]] PlotTool tool() const;
    void setTool(PlotTool tool);
    [[nodiscard]] bool canBrush() const;

    [[nodiscard]] bool canBeLogarithmic(Qt::Orientation axis) const;
    [[nodiscard]] bool isLogarithmic(Qt::Orientation axis) const;
    void setLogarithmic(Qt::Orientation axis, bool on);
    /// Ranges shown, in data units.
    [[nodiscard]] Range range(Qt::Orientation axis) const;
    void setRange(Qt::Orientation axis, const Range& range);
    void fit();
    void fit(Qt::Orientation axis);
    void zoomBack();
    void zoomForward();

    [[nodiscard]] int markCount() const;
    /// Nearest mark within 8 px; −1 if none.
    [[nodiscard]] int markAt(const QPointF& position) const;
    /// Where a mark is on the widget.
    [[nodiscard]] QPointF markPosition(int mark) const;
    /// The tooltip: rich text, the name bold in the first line.
    [[nodiscard]] QString markText(int mark) const;
    /// The mark of keyboard and hover; −1: none.
    [[nodiscard]] int currentMark() const;
    void setCurrentMark(int mark);

    [[nodiscard]] PlotTable table() const;
    [[nodiscard]] bool isTableShown() const;
    void showTable(bool on);

    [[nodiscard]] QString toCsv() const;
    [[nodiscard]] QString toSvg(const PlotExport& options = {});
    [[nodiscard]] QImage toImage(const PlotExport& options = {}, double ratio = 2.0);
    /// For a page of a document: play it scaled; stays vectors.
    [[nodiscard]] QPicture toPicture(const PlotExport& options = {});
    /// Writes what the ending says: .png, .svg, .pdf or .csv. Errors: InvalidArgument (ending), Io.
    Result<void> save(const QString& path, const PlotExport& options = {});

    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;
    /// Entries of the context menu, actions() of the widget last; the caller owns it.
    [[nodiscard]] QMenu* makeMenu(QWidget* parent);

public Q_SLOTS:
    void copyPoint();
    void copyPlot();
    /// Asks for a file, then saves; ending without dot.
    void requestExport(const QString& ending);

Q_SIGNALS:
    void currentMarkChanged(int mark);
    void emptyActionRequested();
    void saved(const QString& path);
    /// message: English sentence of the log; path: what could not be written.
    void saveFailed(const QString& path, const QString& message);
    void toolChanged(bitscape::widgets::PlotTool tool);

protected:
    explicit Plot(QWidget* parent);

    // What a concrete plot answers. Asked again after dataChanged().
    [[nodiscard]] virtual PlotSpec spec() const = 0;
    virtual void paint(Stage stage, Canvas& canvas) const = 0;
    [[nodiscard]] virtual int marks() const = 0;
    [[nodiscard]] virtual QPointF markPoint(int mark, const Frame& frame) const = 0;
    [[nodiscard]] virtual QString markHtml(int mark) const = 0;
    [[nodiscard]] virtual PlotTable makeTable() const = 0;
    /// One sentence made from the data, for screen readers.
    [[nodiscard]] virtual QString describe() const = 0;
    /// The sentence shown without data.
    [[nodiscard]] virtual QString emptyText() const = 0;

    // What it may refine.
    [[nodiscard]] virtual int findMark(const QPointF& at, const Frame& frame) const;
    virtual void paintCurrent(int mark, Canvas& canvas) const;
    /// Marks in the order of the keys, one list per series; not finite ones left out.
    [[nodiscard]] virtual std::vector<std::vector<int>> series() const;
    /// Whether something that matters is painted in `box` (pixels); decides where the legend goes.
    [[nodiscard]] virtual bool hasData(const QRectF& box, const Frame& frame) const;
    virtual void markClicked(int mark, Qt::KeyboardModifiers modifiers);
    virtual void markActivated(int mark);
    /// A rectangle of data values; called while dragging (`done` false) and at the end.
    virtual void brushed(const Range& x, const Range& y, Qt::KeyboardModifiers modifiers,
                         bool done);
    virtual void clearBrush();
    [[nodiscard]] virtual bool hasBrush() const;
    virtual void nudgeBrush(double dxPixels, double dyPixels);
    virtual void clearSelection();
    /// A handle of the plot's own under the pointer takes the drag.
    [[nodiscard]] virtual bool beginDrag(const QPointF& at);
    virtual void drag(const QPointF& at);
    virtual void endDrag();
    [[nodiscard]] virtual Qt::CursorShape cursorAt(const QPointF& at) const;
    /// True if the plot used the key.
    [[nodiscard]] virtual bool handleKey(int key, Qt::KeyboardModifiers modifiers);

    /// To be called after data changed: new spec, ranges (unless the user zoomed), picture and
    /// text.
    void dataChanged();
    /// Selection or other extras changed: picture and text only.
    void refresh();
    void refresh(Stage stage);
    [[nodiscard]] Frame frame() const;
    [[nodiscard]] const Palette& colors() const;
    [[nodiscard]] QString num(double value, int decimals) const;
    /// The number of a trial or a channel: a name, so without separators.
    [[nodiscard]] static QString id(int number) { return QString::number(number); }

    void changeEvent(QEvent* event) override;
    bool event(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void showEvent(QShowEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;

private:
    struct State;
    struct View;
    class ExportLook;

    void takeSpec();
    void applyLook();
    void applyRanges(bool first);
    void layOut();
    void placeLegend();
    void paintStage(Stage stage, QPainter& painter, bool isVector);
    void paintLabels(Canvas& canvas) const;
    void paintNames(Canvas& canvas) const;
    void paintLegend(Canvas& canvas) const;
    void paintEmpty(Canvas& canvas) const;
    void updateDescription();
    void updateEmptyButton();
    void updateScrollBar();
    [[nodiscard]] QSize exportSize(const PlotExport& options) const;

    void remember(int kind);
    void goTo(const View& view);
    [[nodiscard]] View currentView() const;
    void zoomAt(const QPointF& at, double factor, bool x, bool y);
    void panBy(const QPointF& pixels);
    void scrollRows(double pixels);
    void finishRubber(Qt::KeyboardModifiers modifiers);
    void showTip(int mark, const QPoint& global);
    void hover(const QPointF& at, const QPoint& global);
    bool zoomKey(int key, Qt::KeyboardModifiers modifiers);
    bool markKey(int key, Qt::KeyboardModifiers modifiers);
    bool toolKey(int key);
    void stepMark(int along, int across);

    std::unique_ptr<State> m_state;
    std::unique_ptr<PlotEngine> m_engine;
};

} // namespace bitscape::widgets
