// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/job.h"
#include "core/train/samples.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bitscape::io {

struct ImageSize {
    Index height = 0;
    Index width = 0;

    bool operator==(const ImageSize&) const = default;
};

/// How samples are found and prepared; recorded in the project.
struct DataRecipe {
    std::string
        source; ///< DATA of the contract: path, "fashion-mnist:train", "x.npy,y.npy", "f.h5::/x,/y"
    /// Arrays in an npz, datasets in HDF5, features of TFRecords; empty: the usual names.
    std::string xKey, yKey;
    std::string weightKey;       ///< array of the samples' weights in the loss; empty: none
    std::string labelColumn;     ///< CSV
    std::optional<double> scale; ///< multiplies
    std::string normalize; ///< "mean,std" | "minmax" | "imagenet" | "int8:SCALE,ZERO"; empty: none
    std::string layout = "nhwc"; ///< of the file: nhwc | nchw
    Index limit = 0;             ///< 0: all
    Index skip = 0;
    double splitTrain = 1.0;            ///< --split train=F: the first ⌊F·N⌋ samples
    int classes = 0;                    ///< 0: from the labels
    std::optional<ImageSize> imageSize; ///< images are resized to it, bilinear; none: as they are
    std::string color = "auto";         ///< of images: rgb | grey | auto (grey if all are grey)
    std::string dtype; ///< of raw bytes (MLPerf Tiny, TFRecord), numpy's word; empty: as the kind
                       ///< has it, uint8 or float32
    /// Inputs of a network without batch axis: each array is taken whole, as one sample, and there
    /// are no answers. Comes from the network, is no part of what a project records.
    std::vector<std::string> wholeInputs;

    [[nodiscard]] Result<void> validate() const;
    [[nodiscard]] std::string describe() const; ///< one line for people and reports
};

struct DataSet {
    std::shared_ptr<const train::Samples> samples;
    std::string dtype;               ///< as stored: "uint8", "float32"
    double minimum = 0, maximum = 0; ///< of the prepared values
    DataRecipe recipe;
    std::string sha256; ///< of the source file(s)
    Warnings warnings;
};

/// Reads and prepares. NotFound, CorruptFile, ShapeMismatch, InvalidArgument; each names file and
/// key.
/// threads: for decoding images; below 1: all cores.
[[nodiscard]] Result<DataSet> loadData(const DataRecipe& recipe, const JobContext& job = {},
                                       int threads = 0);

/// "96x128": height and width, each 1 … 16384. InvalidArgument.
[[nodiscard]] Result<ImageSize> parseImageSize(const std::string& text);

/// Fits samples to a network's inputs: order by name, missing channel axis, flat samples of as many
/// values, count of inputs.
/// ShapeMismatch names both shapes.
[[nodiscard]] Result<std::shared_ptr<const train::Samples>>
fitToInputs(std::shared_ptr<const train::Samples> samples, std::span<const std::string> names,
            std::span<const Shape> shapes);

} // namespace bitscape::io
