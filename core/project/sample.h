// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/io/data_file.h"
#include "core/io/model_file.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace bitscape::project {

/// A sample that the quick start can run: a small network and where its data come from.
/// Convolutions 3×3 with batch normalization and ReLU, a dense layer, softmax over ten classes.
struct SampleInfo {
    std::string_view name; ///< "digits"
    std::string_view doc;
    Index size = 0; ///< images are size × size × 1
    std::array<int, 3> filters{}, strides{};
    std::string_view trainData, testData; ///< DATA of the contract
    Index trainLimit = 0, testLimit = 0;  ///< 0: all
    double scale = 1.0;                   ///< to 0 … 1
    int epochs = 1;                       ///< of the first, float training
};

[[nodiscard]] std::span<const SampleInfo> samples();
/// By name; null if there is none.
[[nodiscard]] const SampleInfo* findSample(std::string_view name);

/// Recipe of a part of a sample's data.
[[nodiscard]] io::DataRecipe trainRecipe(const SampleInfo& sample);
[[nodiscard]] io::DataRecipe testRecipe(const SampleInfo& sample);

/// Keras' model JSON of the sample's network.
[[nodiscard]] std::string sampleArchitecture(const SampleInfo& sample);
/// The network with fresh weights: Glorot uniform kernels, the rest as Keras begins.
[[nodiscard]] Result<io::ModelFile> untrainedNetwork(const SampleInfo& sample, std::uint64_t seed);

/// Files of resources/samples inside the program; empty if there is none of the name.
/// "digits.h5": the trained network; "digits.bitscape": the finished project.
[[nodiscard]] std::string_view embeddedFile(std::string_view name);
/// Samples whose trained network is inside the program: what `sample:NAME` can open.
[[nodiscard]] std::span<const std::string_view> embeddedModels();

} // namespace bitscape::project
