// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/plot.h"

#include <optional>
#include <string>
#include <vector>

namespace bitscape::widgets {

struct SearchProgressTrial {
    int number = 0;     ///< ascending
    double value = 0.0; ///< what the search optimizes; not finite: not measured
    bool isFeasible = true;
};

struct SearchProgressData {
    std::vector<SearchProgressTrial> trials;
    int plannedTrials = 0; ///< right end of the axis; 0: the trials there are
    bool isMinimized = true;
    std::string quantity; ///< UTF-8, in a sentence: "energy", "AutoQ score"
    std::string unit;     ///< UTF-8; empty: none
    int decimals = 2;
    bool isRunning = false;
};

/// The best feasible value so far against trials.
class SearchProgressPlot final : public Plot {
    Q_OBJECT
public:
    explicit SearchProgressPlot(QWidget* parent = nullptr);
    void setData(const SearchProgressData& given);

Q_SIGNALS:
    void trialClicked(int number);
    void trialActivated(int number);

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
    void markClicked(int mark, Qt::KeyboardModifiers modifiers) override;
    void markActivated(int mark) override;

private:
    [[nodiscard]] QPolygonF bestLine(const Frame& frame) const;
    [[nodiscard]] QString valueText(double value) const;

    SearchProgressData m_data;
    std::vector<double> m_best; ///< per trial; NaN until one is feasible
};

} // namespace bitscape::widgets
