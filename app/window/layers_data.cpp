// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/layers_data.h"

#include "app/document/edits.h"
#include "app/errors/sentence.h"

namespace bitscape::app {

widgets::LayersData layersData(const project::Project& project, const Derived& derived)
{
    if (project.isEmpty()) {
        return {};
    }
    widgets::LayersData data =
        layersData(project, project.currentConfiguration().configuration, derived.figures());
    data.sqnrDb = derived.quality().sqnrDb;
    data.isSqnrStale = !derived.isQualityCurrent();
    return data;
}

widgets::LayersData layersData(const project::Project& project,
                               const graph::Configuration& configuration, const Figures& figures)
{
    widgets::LayersData data;
    data.graph = project.model->graph;
    data.configuration = configuration;
    data.bits = figures.bits;
    data.cost = figures.hardware;
    return data;
}

widgets::QuantizerHelper quantizerHelper(const Document& document)
{
    return [&document](const widgets::QuantizerPlace& place, const QString& text, int) {
        widgets::QuantizerHelp help;
        auto quantizer = readQuantizer(document.project(), {place.layer, place.slot}, text);
        if (!quantizer) {
            help.problem = QString::fromStdString(quantizer.error().sentence());
        }
        return help;
    };
}

} // namespace bitscape::app
