// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/plot.h"

#include <array>
#include <string>
#include <vector>

namespace bitscape::widgets {

/// Where the offered lane-slots of a layer go; order of UtilizationRow::shares.
enum class SlotPart { Useful, LanePadding, SpatialEdge, SetUp, MemoryStall };
inline constexpr std::size_t kSlotPartCount = 5;

enum class LayerEngine { Accelerated, Cpu, Free };

struct UtilizationRow {
    std::string name;                            ///< UTF-8
    std::array<double, kSlotPartCount> shares{}; ///< 0 … 1, sum 1; unused unless accelerated
    double cycles = 0.0;                         ///< ≥ 0
    int lanes = 1;                               ///< N of mode ×N
    int weightBits = 0, inputBits = 0;           ///< 0: none
    LayerEngine engine = LayerEngine::Accelerated;
};

struct UtilizationData {
    std::vector<UtilizationRow> rows; ///< model order
};

/// The shares in tenths of a percent, which always sum to exactly 1000 (largest remainders first).
[[nodiscard]] std::array<int, kSlotPartCount>
tenthsOfPercent(const std::array<double, kSlotPartCount>& shares);

/// One bar per layer, as high as its share of the cycles, divided by where its lane-slots go.
class UtilizationPlot final : public Plot {
    Q_OBJECT
public:
    explicit UtilizationPlot(QWidget* parent = nullptr);
    void setData(const UtilizationData& given);
    /// −1: none.
    void setSelectedRow(int row);
    [[nodiscard]] int selectedRow() const { return m_selected; }
    [[nodiscard]] QSize sizeHint() const override { return {720, 480}; }

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
    [[nodiscard]] QRectF bar(int row, const Frame& frame) const;
    void paintBar(int row, Canvas& canvas) const;
    void paintMargin(Canvas& canvas) const;
    [[nodiscard]] QString modeText(const UtilizationRow& row) const;

    UtilizationData m_data;
    std::vector<double> m_tops; ///< of the bars on the vertical axis, and the end of the last
    double m_cycles = 0.0;
    int m_selected = -1;
};

} // namespace bitscape::widgets
