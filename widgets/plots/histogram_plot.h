// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/plot.h"

#include <optional>
#include <string>
#include <vector>

namespace bitscape::widgets {

/// Values that became one code.
struct HistogramLevel {
    double value = 0.0;
    double count = 0.0;
};

/// A clip threshold that some method chose.
struct HistogramThreshold {
    std::string name; ///< UTF-8: "MSE", "percentile"
    double value = 0.0;
    bool isChosen = false; ///< drawn bold; the one that is dragged
};

enum class HistogramStyle { Area, Bars };

struct HistogramData {
    std::string title;                  ///< UTF-8: "conv2d_6 / kernel: float and quantized values"
    std::string axisLabel;              ///< UTF-8, with unit: "Weight value"
    std::vector<double> edges;          ///< ascending, one more than counts
    std::vector<double> counts;         ///< ≥ 0
    std::string floatLabel;             ///< UTF-8, for the legend: "float, 18,432 values"
    std::vector<HistogramLevel> levels; ///< quantized; drawn as stems
    std::string levelsLabel;            ///< UTF-8: "4 bit, 15 levels"
    std::optional<double> clipLow, clipHigh; ///< values outside are clipped; hatched
    std::vector<HistogramThreshold> thresholds;
    bool isThresholdMovable = false; ///< the chosen one has a handle
    bool isSymmetric = false;        ///< a moved threshold t clips at −t too
    std::vector<double> codeMarks;   ///< levels as short marks on the axis
    HistogramStyle style = HistogramStyle::Area;
};

/// A tensor before and after quantization, and where it is clipped.
///
/// With a movable threshold Left/Right move it by one bin, with Shift by 16.
class HistogramPlot final : public Plot {
    Q_OBJECT
public:
    explicit HistogramPlot(QWidget* parent = nullptr);
    void setData(const HistogramData& given);
    [[nodiscard]] const HistogramData& data() const { return m_data; }
    /// Part of the counted values outside of the clip range, 0 … 1; bins that the clip cuts count
    /// in proportion.
    [[nodiscard]] double clippedShare() const;

Q_SIGNALS:
    /// value: in data units, within the axis. While dragging (done false) and at the end.
    void thresholdDragged(double value, bool done);

protected:
    [[nodiscard]] PlotSpec spec() const override;
    void paint(Stage stage, Canvas& canvas) const override;
    [[nodiscard]] int marks() const override;
    [[nodiscard]] QPointF markPoint(int mark, const Frame& frame) const override;
    [[nodiscard]] QString markHtml(int mark) const override;
    [[nodiscard]] PlotTable makeTable() const override;
    [[nodiscard]] QString describe() const override;
    [[nodiscard]] QString emptyText() const override;
    [[nodiscard]] int findMark(const QPointF& at, const Frame& frame) const override;
    void paintCurrent(int mark, Canvas& canvas) const override;
    [[nodiscard]] std::vector<std::vector<int>> series() const override;
    [[nodiscard]] bool hasData(const QRectF& box, const Frame& frame) const override;
    [[nodiscard]] bool beginDrag(const QPointF& at) override;
    void drag(const QPointF& at) override;
    void endDrag() override;
    [[nodiscard]] Qt::CursorShape cursorAt(const QPointF& at) const override;
    [[nodiscard]] bool handleKey(int key, Qt::KeyboardModifiers modifiers) override;

private:
    [[nodiscard]] int bins() const { return static_cast<int>(m_data.counts.size()); }
    [[nodiscard]] const HistogramThreshold* chosen() const;
    [[nodiscard]] Range exactAxis() const;
    [[nodiscard]] QPolygonF outline(const Frame& frame) const;
    void moveThreshold(double value, bool done);
    void paintClip(Canvas& canvas) const;
    void paintCounts(Canvas& canvas) const;
    void paintStems(Canvas& canvas) const;
    void paintThresholds(Canvas& canvas) const;
    void paintThresholdNames(Canvas& canvas) const;

    HistogramData m_data;
    double m_total = 0.0;
    bool m_isDragging = false;
};

} // namespace bitscape::widgets
