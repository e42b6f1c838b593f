// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/graph/configuration.h"
#include "core/graph/graph.h"
#include "core/io/import_note.h"

#include <string>
#include <string_view>
#include <vector>

namespace bitscape::io {

/// A layer of the file as its weights are kept: once, however often the layer is called, and with
/// the layers inside where it is a model.
struct KerasUnit {
    std::string name;      ///< in the file, without the models around it
    std::string className; ///< as in the file
    int layer = -1;        ///< of the network: its first call; −1: a model, or an input of one
    bool isTrainable = true;
    bool isWrapped = false; ///< a model inside TimeDistributed
    std::vector<KerasUnit> inner;
};

/// A network as the model JSON describes it, before weights are attached. Models inside it are
/// taken apart: their layers are called "model.layer".
struct KerasArchitecture {
    std::string name;
    std::string kerasVersion; ///< as in the JSON; may be empty
    std::string backend;
    int major = 2;                    ///< dialect of the layers: 1, 2, 3
    std::vector<graph::Layer> layers; ///< `inputs` refer to this order; no weights yet
    std::vector<KerasUnit> units;     ///< in the order of the file
    std::vector<int> weightsOf;       ///< per layer: the first call of that layer; −1: it is that
    std::vector<int> lastAxes;        ///< per layer: LayerMeaning::lastAxis
    std::vector<graph::Op> otherwise; ///< per layer: LayerMeaning::otherwise
    std::vector<int> inputs, outputs;
    graph::Configuration quantizers;
    Warnings warnings;
    ImportNotes notes;
};

/// Reads the JSON of a Sequential or Functional model in any dialect from Keras 1 to 3. A
/// Sequential model without an InputLayer gets one whose originalConfig is empty. A layer that is
/// called several times stands once per call; all hold the same tensors.
/// `kerasVersion`: of the file around it, taken where the JSON says none. CorruptFile naming layer
/// and key; Unsupported for models that are neither.
[[nodiscard]] Result<KerasArchitecture>
readArchitecture(std::string_view json, std::string_view kerasVersion, const std::string& where);

/// Graph::make with the errors of a file: whatever does not fit is CorruptFile.
[[nodiscard]] Result<graph::GraphPtr> makeGraph(KerasArchitecture& architecture,
                                                const std::string& where);

/// Marks a layer as one that cannot be run, unless it is already.
void giveUp(KerasArchitecture& network, graph::Layer& layer, std::string reason);

} // namespace bitscape::io
