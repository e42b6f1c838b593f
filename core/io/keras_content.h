// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/io/hdf5.h"
#include "core/tensor/tensor.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What a Keras file holds, before anything is made of it.
namespace bitscape::io {

struct StoredWeight {
    std::string name; ///< as in weight_names: "conv2d/kernel:0"
    Tensor value;
};

struct StoredLayer {
    std::string name;
    std::vector<StoredWeight> weights; ///< in the order of weight_names
};

/// A `vars` group of the layout of Keras 2.12 and later (`.keras`, `.weights.h5`).
struct StoredGroup {
    std::string path;                  ///< of the group around it, with "/": "layers/lstm/cell"
    std::string title;                 ///< its attribute `name`; empty: none
    std::vector<StoredWeight> weights; ///< "0", "1", … in this order
};

struct KerasContent {
    std::optional<std::string> modelConfig; ///< JSON; absent in files with weights only
    std::string kerasVersion;               ///< empty: not said
    std::string backend;
    std::vector<StoredLayer> layers; ///< legacy layout, in the order of layer_names
    std::vector<StoredGroup> groups; ///< the other layout
    bool hasOptimizer = false;       ///< states of an optimizer, which are not read
};

/// Reads everything out of the file, in whichever of the two layouts. CorruptFile naming path,
/// layer and weight.
[[nodiscard]] Result<KerasContent> readKerasContent(const hdf5::File& file);

/// The same from the bytes of a file that nobody vouches for: read in a child process.
[[nodiscard]] Result<KerasContent> readForeignKeras(std::string_view bytes,
                                                    const std::string& where);

/// To and from bytes, for the way out of the child.
[[nodiscard]] std::string encode(const KerasContent& content);
[[nodiscard]] std::optional<KerasContent> decodeKerasContent(std::string_view bytes);

} // namespace bitscape::io
