// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/document/derived.h"
#include "widgets/panels/cost_strip.h"

#include <vector>

namespace bitscape::app {

/// The numbers above the pages: accuracy, weights, energy, latency, utilization, with their
/// distances to the reference. Empty without a model.
[[nodiscard]] std::vector<widgets::CostCell> stripCells(const project::Project& project,
                                                        const Derived& derived);

/// "−16 %" of a cost against a reference: less is good.
struct Delta {
    QString text;
    widgets::Tone tone = widgets::Tone::Second;
};
[[nodiscard]] Delta costDelta(double value, double reference);
/// "−0.49 pt" of shares 0 … 1: more is good; within `error` it is neither.
[[nodiscard]] Delta shareDelta(double value, double reference, double error = 0.0);

} // namespace bitscape::app
