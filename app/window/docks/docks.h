// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/page.h"

class QDockWidget;

namespace bitscape::app {

/// A dock with a title line of our own: text, float, close.
[[nodiscard]] QDockWidget* makeDock(QWidget* content, const QString& title, QWidget* parent);

/// Layers with their bits; follows the preview of a trial.
[[nodiscard]] QWidget* makeLayersDock(Context& context, QWidget* parent);
/// The selected layer: overview, weights, numbers.
[[nodiscard]] QWidget* makeInspectorDock(Context& context, QWidget* parent);
/// Trials of the studies.
[[nodiscard]] QWidget* makeTrialsDock(Context& context, QWidget* parent);
[[nodiscard]] QWidget* makeJobsDock(Context& context, QWidget* parent);
[[nodiscard]] QWidget* makeLogDock(Context& context, QWidget* parent);

} // namespace bitscape::app
