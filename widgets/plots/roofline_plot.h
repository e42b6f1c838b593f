// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/plot.h"

#include <limits>
#include <string>
#include <vector>

namespace bitscape::widgets {

/// A layer in the roofline: both values > 0, else it is not drawn.
struct RooflinePoint {
    std::string name;          ///< UTF-8
    double macsPerByte = 0.0;  ///< of backing traffic
    double macsPerCycle = 0.0; ///< reached
    int lanes = 1;             ///< N of mode ×N
    /// The same layer in the configuration to compare with; not finite: none.
    double referenceMacsPerByte = std::numeric_limits<double>::quiet_NaN();
    double referenceMacsPerCycle = std::numeric_limits<double>::quiet_NaN();
};

struct RooflineRoof {
    int lanes = 1;
    double macsPerCycle = 0.0; ///< the most that mode ×N can do
};

struct RooflineData {
    std::vector<RooflinePoint> points;
    std::vector<RooflineRoof> roofs;
    double backingBitsPerCycle = 0.0; ///< > 0
    std::string referenceName;        ///< UTF-8: "same layer at 16 bits"
};

/// MACs per cycle against MACs per byte: what bounds each layer, arithmetic or memory.
class RooflinePlot final : public Plot {
    Q_OBJECT
public:
    explicit RooflinePlot(QWidget* parent = nullptr);
    void setData(const RooflineData& data);
    /// −1: none.
    void setSelectedPoint(int point);
    [[nodiscard]] QSize sizeHint() const override { return {700, 440}; }

Q_SIGNALS:
    void pointClicked(int point);
    void pointActivated(int point);

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
    [[nodiscard]] double macsPerByteLimit() const; ///< MAC/cycle per (MAC/byte): bytes per cycle
    [[nodiscard]] bool isMemoryBound(const RooflinePoint& point) const;
    [[nodiscard]] std::vector<QPolygonF> roofLines(const Frame& frame) const;
    void paintNames(Canvas& canvas) const;

    RooflineData m_data;
    int m_selected = -1;
};

} // namespace bitscape::widgets
