// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/plot.h"

#include <string>
#include <vector>

namespace bitscape::widgets {

struct ChannelScaleData {
    std::string title;          ///< UTF-8; empty: "Scale per output channel"
    std::vector<double> scales; ///< per channel, ≥ 0; not finite: no bar
    double outlierFactor = 4.0; ///< a channel above factor × median is marked
};

/// One bar per channel with the median; outliers stand out.
class ChannelScalePlot final : public Plot {
    Q_OBJECT
public:
    explicit ChannelScalePlot(QWidget* parent = nullptr);
    void setData(const ChannelScaleData& given);
    /// −1: none.
    void setSelectedChannel(int channel);
    [[nodiscard]] std::vector<int> outliers() const;
    /// Of the finite scales; 0 if there is none.
    [[nodiscard]] double median() const { return m_median; }

Q_SIGNALS:
    void channelClicked(int channel);

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

private:
    [[nodiscard]] bool isOutlier(int channel) const;
    [[nodiscard]] QRectF bar(int channel, const Frame& frame) const;

    ChannelScaleData m_data;
    double m_median = 0.0;
    int m_selected = -1;
};

} // namespace bitscape::widgets
