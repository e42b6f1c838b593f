// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/graph/configuration.h"
#include "core/graph/graph.h"
#include "core/io/keras_content.h"

#include <string>
#include <string_view>
#include <vector>

namespace bitscape::io {

/// A network as the model JSON describes it, before weights are attached.
struct KerasArchitecture {
    std::string name;
    std::string kerasVersion; ///< as in the JSON; may be empty
    std::string backend;
    std::vector<graph::Layer> layers; ///< `inputs` refer to this order; no weights yet
    std::vector<int> lastAxes;        ///< per layer: LayerMeaning::lastAxis
    std::vector<graph::Op> otherwise; ///< per layer: LayerMeaning::otherwise
    std::vector<int> inputs, outputs;
    graph::Configuration quantizers;
    Warnings warnings;
};

/// Reads the JSON of a Sequential or Functional model in any dialect from Keras 2.0 to 3. A
/// Sequential model without an InputLayer gets one whose originalConfig is empty.
/// `kerasVersion`: of the file around it, taken where the JSON says none. CorruptFile naming layer
/// and key; Unsupported for models that are neither.
[[nodiscard]] Result<KerasArchitecture>
readArchitecture(std::string_view json, std::string_view kerasVersion, const std::string& where);

/// Attaches stored weights: by the layers' names, or in their order where the names differ (as
/// Keras does). CorruptFile: missing, too many, not finite; names layer and weight.
[[nodiscard]] Result<void> attachWeights(std::vector<graph::Layer>& layers,
                                         std::vector<StoredLayer> stored);

/// Graph::make with the errors of a file: whatever does not fit is CorruptFile.
[[nodiscard]] Result<graph::GraphPtr> makeGraph(KerasArchitecture& architecture,
                                                const std::string& where);

} // namespace bitscape::io
