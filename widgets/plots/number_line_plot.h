// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/number_line.h"
#include "widgets/plots/plot.h"

#include <string>
#include <vector>

namespace bitscape::widgets {

struct NumberLineData {
    std::string title; ///< UTF-8: "conv2d_6 / kernel: quantized_bits(4,0,1)"
    quant::NumberLine line;
    std::vector<double> edges;  ///< of the tensor's histogram, ascending; may be empty
    std::vector<double> counts; ///< one less than edges
};

/// What a quantizer makes of every input: its staircase over the identity, the levels as marks on
/// the axis, the borders between them where it rounds, hatched where it clips, and behind it the
/// values it is used for. A mark is a level.
class NumberLinePlot final : public Plot {
    Q_OBJECT
public:
    explicit NumberLinePlot(QWidget* parent = nullptr);
    void setData(const NumberLineData& given);

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

private:
    [[nodiscard]] const quant::LineStep& step(int mark) const;
    void paintValues(Canvas& canvas) const;
    void paintStairs(Canvas& canvas) const;
    void paintLevels(Canvas& canvas) const;

    NumberLineData m_data;
};

} // namespace bitscape::widgets
