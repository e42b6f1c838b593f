// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/plot.h"

#include <array>
#include <limits>
#include <string>
#include <vector>

namespace bitscape::widgets {

/// What uses the energy; order of EnergyRow::microjoule.
enum class EnergyPart { Multipliers, Accumulate, Registers, Buffers, Backing, Requantize, Cpu };
inline constexpr std::size_t kEnergyPartCount = 7;

struct EnergyRow {
    std::string name;                                  ///< UTF-8
    std::array<double, kEnergyPartCount> microjoule{}; ///< ≥ 0
    /// Of the same layer in the configuration to compare with; not finite: none.
    double referenceMicrojoule = std::numeric_limits<double>::quiet_NaN();

    [[nodiscard]] double total() const;
};

struct EnergyData {
    std::vector<EnergyRow> rows; ///< model order
    std::string referenceName;   ///< UTF-8: "fixed 16 bit"
};

enum class EnergyUnit {
    Microjoule,
    Percent, ///< how each layer's energy divides; with a bar for the network
};

/// Stacked bars of energy per layer.
class EnergyPlot final : public Plot {
    Q_OBJECT
public:
    explicit EnergyPlot(QWidget* parent = nullptr);
    void setData(const EnergyData& given);
    void setUnit(EnergyUnit unit);
    [[nodiscard]] EnergyUnit unit() const { return m_unit; }
    /// −1: none.
    void setSelectedRow(int row);
    [[nodiscard]] double totalMicrojoule() const;

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
    [[nodiscard]] bool hasData(const QRectF& box, const Frame& frame) const override;
    void markClicked(int mark, Qt::KeyboardModifiers modifiers) override;
    void markActivated(int mark) override;

private:
    [[nodiscard]] bool isTotal(int mark) const;
    [[nodiscard]] const EnergyRow& row(int mark) const;
    [[nodiscard]] double shown(const EnergyRow& row, double microjoule) const;
    [[nodiscard]] QRectF bar(int mark, const Frame& frame) const;

    EnergyData m_data;
    EnergyRow m_total;
    EnergyUnit m_unit = EnergyUnit::Microjoule;
    int m_selected = -1;
};

} // namespace bitscape::widgets
