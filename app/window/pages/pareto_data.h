// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/page.h"
#include "widgets/plots/pareto_plot.h"

namespace bitscape::app {

/// Finished trials of a study, references and the current configuration, with costs on the
/// accelerator in use. Empty without a study.
[[nodiscard]] widgets::ParetoData paretoData(Context& context, const search::Study* study);

} // namespace bitscape::app
