// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/plot.h"

#include <string>
#include <vector>

namespace bitscape::widgets {

struct ChannelMapData {
    std::string title;      ///< UTF-8: "conv2d_6 / kernel: density per output channel"
    std::string valueLabel; ///< UTF-8; empty: "Weight value"
    int channels = 0;
    std::vector<double> edges;  ///< of the value bins, ascending; one more than bins
    std::vector<double> counts; ///< [channels × bins], channel by channel, ≥ 0
    std::vector<int> outliers;  ///< channels to outline
};

/// Histograms of all channels side by side: channel × value, color is the count.
class ChannelMapPlot final : public Plot {
    Q_OBJECT
public:
    explicit ChannelMapPlot(QWidget* parent = nullptr);
    void setData(const ChannelMapData& given);
    void setLogCount(bool on);
    void setOutliersMarked(bool on);
    /// −1: none.
    void setSelectedChannel(int channel);

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
    struct Summary {
        double total = 0.0;
        double low = 0.0, high = 0.0; ///< of the bins that hold something
    };
    [[nodiscard]] int bins() const;
    [[nodiscard]] double count(int channel, int bin) const;
    [[nodiscard]] Summary summary(int channel) const;
    [[nodiscard]] double position(double count) const;
    [[nodiscard]] QRectF column(int channel, const Frame& frame) const;
    [[nodiscard]] QImage map(const Frame& frame, double ratio) const;
    void paintScale(Canvas& canvas) const;

    ChannelMapData m_data;
    double m_most = 0.0;
    bool m_logCount = true;
    bool m_outliersMarked = true;
    int m_selected = -1;
};

} // namespace bitscape::widgets
