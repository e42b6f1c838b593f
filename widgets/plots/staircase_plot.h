// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/plot.h"

#include <array>
#include <string>

namespace bitscape::widgets {

inline constexpr int kStaircaseBits = 16;

/// Cost of one layer for every pair of weight and input bits.
struct StaircaseData {
    std::string title; ///< UTF-8: "Precision staircase, conv2d_7: cycles"
    /// [weight bits − 1][input bits − 1], > 0; 0: not possible.
    std::array<std::array<double, kStaircaseBits>, kStaircaseBits> cost{};
    /// Lanes N of the mode for each pair; 0: none. Equal neighbors are one step.
    std::array<std::array<int, kStaircaseBits>, kStaircaseBits> lanes{};
    std::string unit;                  ///< UTF-8: "cycles", "µJ"
    int weightBits = 0, inputBits = 0; ///< as set now; 0: not in the grid
};

/// Where fewer bits pay: a grid of weight bits × input bits colored by cost, steps outlined. A
/// click sets the bits.
class StaircasePlot final : public Plot {
    Q_OBJECT
public:
    explicit StaircasePlot(QWidget* parent = nullptr);
    void setData(const StaircaseData& data);

Q_SIGNALS:
    /// The user wants these bits.
    void bitsRequested(int weightBits, int inputBits);

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
    void markClicked(int mark, Qt::KeyboardModifiers modifiers) override;

private:
    [[nodiscard]] double costAt(int mark) const;
    [[nodiscard]] int lanesAt(int mark) const;
    [[nodiscard]] QRectF cell(int mark, const Frame& frame) const;
    [[nodiscard]] double position(double cost) const;
    void paintSteps(Canvas& canvas) const;
    void paintWords(Canvas& canvas) const;

    StaircaseData m_data;
    Range m_costs;
};

} // namespace bitscape::widgets
