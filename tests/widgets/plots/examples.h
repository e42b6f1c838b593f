// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/pareto_plot.h"
#include "widgets/plots/plot.h"

namespace bitscape::test {

/// Realistic data that are the same in every run: a small network of ten layers and a study of it.
[[nodiscard]] widgets::ParetoData exampleStudy(int trials);

enum class Amount { One, Some, Many };
/// Gives a plot example data of its kind. False: a kind unknown here.
bool fillExample(widgets::Plot& plot, Amount amount);
/// The same with values that are equal, zero or not finite.
bool fillDegenerate(widgets::Plot& plot);

} // namespace bitscape::test
