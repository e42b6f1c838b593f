// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/registry.h"

#include "widgets/plots/channel_map_plot.h"
#include "widgets/plots/channel_scale_plot.h"
#include "widgets/plots/distributions_plot.h"
#include "widgets/plots/energy_plot.h"
#include "widgets/plots/histogram_plot.h"
#include "widgets/plots/hypervolume_plot.h"
#include "widgets/plots/number_line_plot.h"
#include "widgets/plots/pareto_plot.h"
#include "widgets/plots/roofline_plot.h"
#include "widgets/plots/search_progress_plot.h"
#include "widgets/plots/staircase_plot.h"
#include "widgets/plots/training_plot.h"
#include "widgets/plots/utilization_plot.h"

#include <QCoreApplication>

#include <array>

namespace bitscape::widgets {

namespace {

template <class P>
Plot* make(QWidget* parent)
{
    return new P(parent);
}

template <CostMetric metric>
Plot* makePareto(QWidget* parent)
{
    return new ParetoPlot(metric, parent);
}

} // namespace

QString PlotInfo::translatedTitle() const
{
    return QCoreApplication::translate("plots", title);
}

std::span<const PlotInfo> plots()
{
    static const std::array table{
        PlotInfo{"accuracyEnergyPlot", QT_TRANSLATE_NOOP("plots", "Accuracy against energy"),
                 "ParetoData", makePareto<CostMetric::Energy>},
        PlotInfo{"accuracyLatencyPlot", QT_TRANSLATE_NOOP("plots", "Accuracy against latency"),
                 "ParetoData", makePareto<CostMetric::Latency>},
        PlotInfo{"accuracyMemoryPlot", QT_TRANSLATE_NOOP("plots", "Accuracy against weight memory"),
                 "ParetoData", makePareto<CostMetric::Memory>},
        PlotInfo{"hypervolumePlot", QT_TRANSLATE_NOOP("plots", "Hypervolume of the front"),
                 "HypervolumeData", make<HypervolumePlot>},
        PlotInfo{"searchProgressPlot", QT_TRANSLATE_NOOP("plots", "Best feasible value so far"),
                 "SearchProgressData", make<SearchProgressPlot>},
        PlotInfo{"trainingPlot", QT_TRANSLATE_NOOP("plots", "Loss and accuracy against epoch"),
                 "TrainingData", make<TrainingPlot>},
        PlotInfo{"weightHistogramPlot", QT_TRANSLATE_NOOP("plots", "Values, float and quantized"),
                 "HistogramData", make<HistogramPlot>},
        PlotInfo{"numberLinePlot", QT_TRANSLATE_NOOP("plots", "Number line of the quantizer"),
                 "NumberLineData", make<NumberLinePlot>},
        PlotInfo{"channelScalePlot", QT_TRANSLATE_NOOP("plots", "Scale per channel"),
                 "ChannelScaleData", make<ChannelScalePlot>},
        PlotInfo{"ridgePlot", QT_TRANSLATE_NOOP("plots", "Distributions per layer"),
                 "DistributionsData", make<DistributionsPlot>},
        PlotInfo{"channelMapPlot", QT_TRANSLATE_NOOP("plots", "Density per channel"),
                 "ChannelMapData", make<ChannelMapPlot>},
        PlotInfo{"utilizationPlot", QT_TRANSLATE_NOOP("plots", "Use of lane-slots per layer"),
                 "UtilizationData", make<UtilizationPlot>},
        PlotInfo{"energyPlot", QT_TRANSLATE_NOOP("plots", "Energy per layer"), "EnergyData",
                 make<EnergyPlot>},
        PlotInfo{"rooflinePlot", QT_TRANSLATE_NOOP("plots", "Roofline"), "RooflineData",
                 make<RooflinePlot>},
        PlotInfo{"staircasePlot", QT_TRANSLATE_NOOP("plots", "Precision staircase"),
                 "StaircaseData", make<StaircasePlot>},
    };
    return table;
}

} // namespace bitscape::widgets
