// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/plot.h"

#include <optional>
#include <string>
#include <vector>

namespace bitscape::widgets {

struct HypervolumePoint {
    int trials = 0;      ///< finished so far, ascending
    double volume = 0.0; ///< normalized, ≥ 0
};

struct HypervolumeData {
    std::vector<HypervolumePoint> points;
    std::string studyName;      ///< UTF-8, for the legend ("Study 3 (TPE, seed 7)")
    std::string referencePoint; ///< UTF-8, what the volume is measured from; shown with the plot
    int randomTrials = 0;       ///< so many came first, by chance; shaded
    std::optional<int> selectedTrial; ///< when it was found
};

/// How much of cost and accuracy the front has won, against finished trials.
class HypervolumePlot final : public Plot {
    Q_OBJECT
public:
    explicit HypervolumePlot(QWidget* parent = nullptr);
    void setData(const HypervolumeData& given);

protected:
    [[nodiscard]] PlotSpec spec() const override;
    void paint(Stage stage, Canvas& canvas) const override;
    [[nodiscard]] int marks() const override;
    [[nodiscard]] QPointF markPoint(int mark, const Frame& frame) const override;
    [[nodiscard]] QString markHtml(int mark) const override;
    [[nodiscard]] PlotTable makeTable() const override;
    [[nodiscard]] QString describe() const override;
    [[nodiscard]] QString emptyText() const override;
    [[nodiscard]] bool hasData(const QRectF& box, const Frame& frame) const override;

private:
    [[nodiscard]] QPolygonF steps(const Frame& frame) const;

    HypervolumeData m_data;
};

} // namespace bitscape::widgets
