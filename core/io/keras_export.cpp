// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/keras_export.h"

#include "core/io/model_file.h"

#include <utility>

namespace bitscape::io {

namespace {

void noteDroppedQuantizers(const graph::Configuration& configuration, ImportNotes& notes)
{
    for (const auto& [layer, quantizers] : configuration.layers) {
        for (const auto& [slot, quantizer] : quantizers) {
            notes.push_back({ImportKind::Missing, layer + "/" + std::string(graph::name(slot)),
                             "Plain Keras layers have no quantizer; " + quantizer->toString() +
                                 " is left out."});
        }
    }
    if (configuration.input) {
        notes.push_back({ImportKind::Missing, "input",
                         "Plain Keras has no quantizer of the input; " +
                             configuration.input->toString() + " is left out."});
    }
}

} // namespace

Result<ExportContent> exportKerasH5(const ExportInput& input)
{
    auto bytes = toKerasH5(*input.graph, input.graph->weights(), {});
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    ExportContent content = singleFile(std::move(*bytes));
    noteDroppedQuantizers(input.configuration, content.notes);
    return content;
}

} // namespace bitscape::io
