// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/pages/plot_data.h"

#include "widgets/style/format.h"

#include <QCoreApplication>

#include <algorithm>

namespace bitscape::app {

namespace {

/// Stems tell levels apart up to this many.
constexpr std::size_t kMostStems = 300;
/// Bars of a gathered histogram on the screen; neighbors are added up.
constexpr std::size_t kBars = 128;

QString text(const char* source)
{
    return QCoreApplication::translate("plots", source);
}

std::vector<double> edgesOf(const Histogram& histogram)
{
    std::vector<double> edges;
    const std::size_t n = histogram.counts.size();
    for (std::size_t i = 0; i <= n && n > 0; ++i) {
        edges.push_back(histogram.low + (histogram.high - histogram.low) * static_cast<double>(i) /
                                            static_cast<double>(n));
    }
    return edges;
}

} // namespace

widgets::HistogramData histogramOf(const TensorAnalysis& a)
{
    widgets::HistogramData data;
    data.title =
        text(a.bits < 32 ? QT_TRANSLATE_NOOP("plots", "%1 / %2: float and quantized values")
                         : QT_TRANSLATE_NOOP("plots", "%1 / %2: float values"))
            .arg(QString::fromStdString(a.layer), QString::fromStdString(a.tensor))
            .toStdString();
    data.axisLabel = text(QT_TRANSLATE_NOOP("plots", "Weight value")).toStdString();
    const int valueCount = static_cast<int>(a.count);
    data.edges = edgesOf(a.values);
    data.counts = a.values.counts;
    data.floatLabel =
        QCoreApplication::translate("plots", "float, %n value(s)", "", valueCount).toStdString();
    if (a.bits < 32) {
        if (a.levels.size() <= kMostStems) {
            for (const auto& [value, count] : a.levels) {
                data.levels.push_back({value, count});
            }
        }
        data.levelsLabel =
            QCoreApplication::translate("plots", "%1 bit, %n code(s)", "", a.usedLevels)
                .arg(a.bits)
                .toStdString();
        if (a.clippedShare > 0.0) {
            data.clipLow = a.clipLow - a.step / 2.0;
            data.clipHigh = a.clipHigh + a.step / 2.0;
        }
    }
    return data;
}

widgets::ChannelScaleData scalesOf(const TensorAnalysis& a)
{
    widgets::ChannelScaleData data;
    data.scales = a.channelScales;
    return data;
}

widgets::HistogramData histogramOf(const search::TensorStatistics& s)
{
    widgets::HistogramData data;
    data.title = text(QT_TRANSLATE_NOOP("plots", "%1 output: values seen"))
                     .arg(QString::fromStdString(s.layer))
                     .toStdString();
    data.axisLabel = text(QT_TRANSLATE_NOOP("plots", "Activation value")).toStdString();
    data.style = widgets::HistogramStyle::Bars;
    const int sampleCount = static_cast<int>(s.samples);
    data.floatLabel =
        QCoreApplication::translate("plots", "%n sample(s)", "", sampleCount).toStdString();
    const auto bins = static_cast<double>(search::TensorStatistics::kBins);
    const auto binOf = [&](double value) {
        return std::clamp((value + s.range) / (2.0 * s.range) * bins, 0.0, bins - 1.0);
    };
    const auto first = static_cast<std::size_t>(binOf(s.minimum));
    const auto last = static_cast<std::size_t>(binOf(s.maximum));
    const std::size_t group = (last - first) / kBars + 1;
    const auto valueOf = [&](std::size_t bin) {
        return static_cast<double>(bin) / bins * 2.0 * s.range - s.range;
    };
    for (std::size_t bin = first; bin <= last; bin += group) {
        double count = 0.0;
        for (std::size_t k = bin; k < std::min(bin + group, last + 1); ++k) {
            count += static_cast<double>(s.histogram[k]);
        }
        if (data.edges.empty()) {
            data.edges.push_back(valueOf(bin));
        }
        data.edges.push_back(valueOf(bin + group));
        data.counts.push_back(count);
    }
    for (const auto& [name, value] :
         {std::pair(QT_TRANSLATE_NOOP("plots", "lowest"), s.minimum),
          std::pair(QT_TRANSLATE_NOOP("plots", "highest"), s.maximum)}) {
        widgets::HistogramThreshold threshold;
        threshold.name = text(name).toStdString();
        threshold.value = value;
        data.thresholds.push_back(threshold);
    }
    return data;
}

} // namespace bitscape::app
