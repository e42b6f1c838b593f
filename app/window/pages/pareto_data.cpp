// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/pages/pareto_data.h"

namespace bitscape::app {

namespace {

widgets::ParetoPoint pointOf(const Figures& figures)
{
    widgets::ParetoPoint point;
    point.memoryKib = figures.weightKib;
    if (!figures.error) {
        point.energyMicrojoule = figures.microjoule();
        point.latencyMillisecond = figures.milliseconds();
    }
    return point;
}

} // namespace

widgets::ParetoData paretoData(Context& context, const search::Study* study)
{
    widgets::ParetoData data;
    const project::Project& project = context.document.project();
    if (study == nullptr || project.isEmpty()) {
        return data;
    }
    for (const search::Trial& trial : study->trials) {
        if (trial.state != search::TrialState::Complete) {
            continue;
        }
        widgets::ParetoTrial mark;
        mark.number = trial.number;
        mark.point = pointOf(context.derived.figuresOfTrial(trial));
        mark.point.accuracyPercent = trial.metric * 100.0;
        mark.point.accuracyError = trial.metricError * 100.0;
        data.trials.push_back(mark);
    }
    const Accuracy now = context.derived.accuracy();
    if (now.certainty == Certainty::Exact || now.certainty == Certainty::Sample) {
        widgets::ParetoReference current;
        current.name = project.currentConfiguration().configuration.name;
        current.point = pointOf(context.derived.figures());
        current.point.accuracyPercent = now.value * 100.0;
        current.point.accuracyError = now.standardError * 100.0;
        data.current = current;
    }
    const Accuracy exact = context.derived.floatAccuracy();
    if (exact.certainty == Certainty::Sample) {
        data.floatAccuracyPercent = exact.value * 100.0;
    }
    return data;
}

} // namespace bitscape::app
