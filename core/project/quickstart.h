// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/project/project.h"
#include "core/project/sample.h"

#include <functional>
#include <string>

namespace bitscape::project {

struct QuickstartOptions {
    int trials = 5;
    int trialEpochs = 1; ///< of training per trial
    int calibrationImages = 1024;
    std::uint64_t seed = 0;
    int threads = 0; ///< of the search; 0: all cores

    [[nodiscard]] Result<void> validate() const;
};

/// A step that is about to begin: "Training the float network".
using StepCallback = std::function<void(const std::string& step)>;
/// Called whenever the project has grown; stores it.
using ProjectCallback = std::function<Result<void>(const Project&)>;

/// The whole loop on a sample: load data, train the float network, calibrate (w8 a8), search, take
/// over the best trial with a short training, measure all on the test part. The trained network is
/// written to `modelPath` (Keras HDF5) and becomes the project's model.
/// Result depends on sample and options only. NotFound (data), InvalidArgument, Canceled, Io.
[[nodiscard]] Result<Project> quickstart(const SampleInfo& sample, const QuickstartOptions& options,
                                         const std::string& modelPath, Parallel& parallel,
                                         const JobContext& job, const StepCallback& onStep,
                                         const ProjectCallback& onProject);

/// Accuracy of the current configuration on samples, put into the project.
[[nodiscard]] Result<void> measureCurrent(Project& project, const io::DataSet& data,
                                          Parallel& parallel, const JobContext& job = {});

/// Configuration JSON of a search in AutoQKeras' form that the samples use.
[[nodiscard]] std::string sampleSearchConfig();

} // namespace bitscape::project
