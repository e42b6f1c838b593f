// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/page.h"

namespace bitscape::app {

[[nodiscard]] Page* makeWelcomePage(Context& context, QWidget* parent);
[[nodiscard]] Page* makeImportPage(Context& context, QWidget* parent);
[[nodiscard]] Page* makeModelPage(Context& context, QWidget* parent);
[[nodiscard]] Page* makeCalibratePage(Context& context, QWidget* parent);
[[nodiscard]] Page* makeTrainPage(Context& context, QWidget* parent);
[[nodiscard]] Page* makeSearchPage(Context& context, QWidget* parent);
[[nodiscard]] Page* makeExplorePage(Context& context, QWidget* parent);
[[nodiscard]] Page* makeDistributionsPage(Context& context, QWidget* parent);
[[nodiscard]] Page* makeHardwarePage(Context& context, QWidget* parent);
[[nodiscard]] Page* makeComparePage(Context& context, QWidget* parent);
[[nodiscard]] Page* makeReportPage(Context& context, QWidget* parent);

} // namespace bitscape::app
