// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/trials.h"

#include <algorithm>

namespace bitscape::app {

std::optional<TrialRef> findTrial(const Activities& activities, const std::optional<TrialId>& id)
{
    if (!id) {
        return std::nullopt;
    }
    for (const auto& study : activities.studies()) {
        if (study->description.name != id->study) {
            continue;
        }
        const auto found =
            std::find_if(study->trials.begin(), study->trials.end(),
                         [&](const search::Trial& trial) { return trial.number == id->number; });
        if (found != study->trials.end()) {
            return TrialRef{study, &*found};
        }
    }
    return std::nullopt;
}

std::shared_ptr<const search::Study> newestStudy(const Activities& activities)
{
    const auto studies = activities.studies();
    return studies.empty() ? nullptr : studies.back();
}

std::set<int> frontOf(const search::Study& study)
{
    const std::vector<int> front = study.front();
    return {front.begin(), front.end()};
}

QString bitsInOrder(const graph::Graph& graph, const graph::Configuration& configuration,
                    bool outputs)
{
    QStringList words;
    for (const graph::Layer& layer : graph.layers()) {
        for (const graph::Slot slot : graph::slotsOf(layer)) {
            const bool isOutput = slot == graph::Slot::Activation;
            const bool isKernel = slot == graph::Slot::Kernel || slot == graph::Slot::Depthwise ||
                                  slot == graph::Slot::Pointwise;
            if (outputs ? !isOutput : !isKernel) {
                continue;
            }
            const auto quantizer = configuration.find(layer.name, slot);
            if (quantizer) {
                words << QString::number(quantizer->bits());
            } else if (!outputs) {
                words << QStringLiteral("f");
            }
        }
    }
    return words.join(QLatin1Char(' '));
}

} // namespace bitscape::app
