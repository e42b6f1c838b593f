// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/plot.h"

#include <limits>
#include <optional>
#include <vector>

namespace bitscape::widgets {

/// One measurement of a training run; not finite: not measured.
struct TrainingPoint {
    double epoch = 0.0; ///< with fraction: 3.5 is half-way through the fourth
    double loss = std::numeric_limits<double>::quiet_NaN();
    double metricPercent = std::numeric_limits<double>::quiet_NaN();
};

struct TrainingData {
    std::vector<TrainingPoint> batches;    ///< running, training part
    std::vector<TrainingPoint> validation; ///< after each epoch
    int epochs = 0;                        ///< planned
    std::optional<int> bestEpoch;
    std::optional<double> floatMetricPercent; ///< of the network before it was quantized
    bool isRunning = false;                   ///< marks where the run is
};

/// Loss and metric against epochs: batches thin, validation bold with marks. The metric has the
/// left axis, the loss the right one, dashed.
class TrainingPlot final : public Plot {
    Q_OBJECT
public:
    explicit TrainingPlot(QWidget* parent = nullptr);
    void setData(const TrainingData& given);
    /// The title; empty: "Training".
    void setHeading(const QString& heading);

Q_SIGNALS:
    void epochClicked(int epoch);

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
    [[nodiscard]] std::vector<std::vector<int>> series() const override;
    void markClicked(int mark, Qt::KeyboardModifiers modifiers) override;

private:
    [[nodiscard]] bool isValidation(int mark) const;
    [[nodiscard]] const TrainingPoint& point(int mark) const;
    [[nodiscard]] QPolygonF metricLine(const std::vector<TrainingPoint>& points,
                                       const Frame& frame) const;
    [[nodiscard]] QPolygonF lossLine(const std::vector<TrainingPoint>& points,
                                     const Frame& frame) const;

    TrainingData m_data;
    QString m_heading;
    bool m_hasMetric = false;
    bool m_hasLoss = false;
};

} // namespace bitscape::widgets
