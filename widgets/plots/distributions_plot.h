// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/plot.h"

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace bitscape::widgets {

/// Quantiles of a tensor in axis units; not finite: not drawn.
struct DistributionBox {
    double whiskerLow = std::numeric_limits<double>::quiet_NaN(); ///< 0.1 %
    double quartileLow = std::numeric_limits<double>::quiet_NaN();
    double median = std::numeric_limits<double>::quiet_NaN();
    double quartileHigh = std::numeric_limits<double>::quiet_NaN();
    double whiskerHigh = std::numeric_limits<double>::quiet_NaN(); ///< 99.9 %
};

struct DistributionRow {
    std::string name;            ///< UTF-8
    std::vector<double> values;  ///< axis units, ascending
    std::vector<double> density; ///< ≥ 0, any scale: each row is drawn against its own maximum
    /// The representable range in axis units. On a log2 axis from half a step to the clip; on a
    /// linear one from clip to clip.
    std::optional<double> rangeLow, rangeHigh;
    DistributionBox box;
    int bits = 32; ///< ≥ 32: float
    double sqnrDecibel = std::numeric_limits<double>::quiet_NaN();
    double clippedPercent = std::numeric_limits<double>::quiet_NaN();
    double zeroPercent = std::numeric_limits<double>::quiet_NaN();
    bool hasAdvice = false; ///< marked with a warning sign
};

struct DistributionsData {
    std::string title;     ///< UTF-8
    std::string axisLabel; ///< UTF-8: "log2 |weight value|"
    bool isLog2 = true;    ///< values are log2 |x|: left of the range becomes zero, not clipped
    std::vector<DistributionRow> rows;
};

/// One ridge per layer over the range its quantizer can represent. Scrolls if there are many.
class DistributionsPlot final : public Plot {
    Q_OBJECT
public:
    explicit DistributionsPlot(QWidget* parent = nullptr);
    void setData(const DistributionsData& given);
    /// −1: none.
    void setSelectedRow(int row);
    [[nodiscard]] int selectedRow() const { return m_selected; }
    [[nodiscard]] QSize sizeHint() const override { return {900, 600}; }
    void setRangeShown(bool on);
    void setBoxShown(bool on);

Q_SIGNALS:
    void rowClicked(int row);
    void rowActivated(int row);

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
    void markClicked(int mark, Qt::KeyboardModifiers modifiers) override;
    void markActivated(int mark) override;

private:
    [[nodiscard]] QRectF rowBox(int row, const Frame& frame) const;
    [[nodiscard]] bool isVisibleRow(int row, const Frame& frame) const;
    void paintRange(int row, Canvas& canvas) const;
    void paintRidge(int row, Canvas& canvas) const;
    void paintBox(int row, Canvas& canvas) const;
    void paintMargin(Canvas& canvas) const;

    DistributionsData m_data;
    int m_selected = -1;
    bool m_rangeShown = true;
    bool m_boxShown = true;
};

} // namespace bitscape::widgets
