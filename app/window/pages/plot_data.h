// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/document/tensor_analysis.h"
#include "core/search/calibration.h"
#include "widgets/plots/channel_scale_plot.h"
#include "widgets/plots/histogram_plot.h"

namespace bitscape::app {

/// A stored tensor before and after its quantizer.
[[nodiscard]] widgets::HistogramData histogramOf(const TensorAnalysis& analysis);
[[nodiscard]] widgets::ChannelScaleData scalesOf(const TensorAnalysis& analysis);
/// A gathered output with the range that min–max chooses.
[[nodiscard]] widgets::HistogramData histogramOf(const search::TensorStatistics& statistics);

} // namespace bitscape::app
