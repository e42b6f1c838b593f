// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/quickstart.h"

#include "core/graph/execution.h"
#include "core/train/train.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <utility>

namespace bitscape::project {

namespace {

constexpr Index kBatch = 64;
constexpr double kValidationShare = 0.2;
constexpr const char* kLoss = "sparse_categorical_crossentropy";
constexpr const char* kFloatOptimizer = "adam(0.003)";
constexpr const char* kTrialOptimizer = "adam(0.001)";

/// The sample's network, trained on the first part of the data, as a model file.
Result<Project> trainedProject(const SampleInfo& sample, const QuickstartOptions& options,
                               io::DataSet data, const std::string& modelPath, Parallel& parallel,
                               const JobContext& job)
{
    auto fresh = untrainedNetwork(sample, options.seed);
    if (!fresh) {
        return fail(std::move(fresh).error());
    }
    train::Split split = train::splitLast(*data.samples, kValidationShare);
    train::TrainInput input;
    input.graph = fresh->graph;
    input.weights = fresh->graph->weights();
    input.train = std::make_shared<const train::Samples>(std::move(split.train));
    input.validation = std::make_shared<const train::Samples>(std::move(split.validation));
    train::TrainOptions training;
    training.epochs = sample.epochs;
    training.batch = kBatch;
    training.optimizer = kFloatOptimizer;
    training.loss = kLoss;
    training.seed = options.seed;
    auto report = train::train(input, training, parallel, job);
    if (!report) {
        return fail(std::move(report).error());
    }
    if (report->stoppedByUser) {
        return fail(ErrorCode::Canceled, "Stopped while the float network was trained.");
    }
    auto saved = io::saveKerasH5(modelPath, *fresh->graph, report->weights, {});
    if (!saved) {
        return fail(std::move(saved).error());
    }
    auto model = io::loadModel(modelPath);
    if (!model) {
        return fail(std::move(model).error());
    }
    model->path =
        std::filesystem::path(modelPath).filename().string(); // it lies beside the project
    Project project = makeProject(std::make_shared<const io::ModelFile>(std::move(*model)));
    project.name = fmt::format("Sample {}", sample.name);
    project.validationShare = kValidationShare;
    project.trainingHistory = std::move(report->history);
    project.putData(std::move(data));
    return project;
}

/// Histograms, and the configuration w8 a8 with min–max ranges.
Result<void> calibrate(Project& project, Index images, Parallel& parallel, const JobContext& job)
{
    std::vector<Index> indices(
        static_cast<std::size_t>(std::min(images, project.data->samples->count())));
    for (std::size_t i = 0; i < indices.size(); ++i) {
        indices[i] = static_cast<Index>(i);
    }
    auto gathered = search::gather(project.model->graph, project.currentWeights(),
                                   project.data->samples->pick(indices), parallel, job);
    if (!gathered) {
        return fail(std::move(gathered).error());
    }
    gathered->dataDescription =
        fmt::format("{}, the first {} images", project.data->recipe.describe(), indices.size());
    auto calibration = std::make_shared<const search::Calibration>(std::move(*gathered));
    auto ranges = search::minMax(project.graph(), project.currentWeights(), *calibration, {});
    if (!ranges) {
        return fail(std::move(ranges).error());
    }
    project.calibration = std::move(calibration);
    NamedConfiguration calibrated;
    calibrated.configuration = std::move(ranges->configuration);
    calibrated.configuration.name = "w8 a8 calibrated";
    project.putConfiguration(std::move(calibrated));
    return {};
}

Result<void> searchBest(Project& project, const QuickstartOptions& options, const JobContext& job,
                        const ProjectCallback& onProject)
{
    search::Study study;
    search::StudyDescription& description = study.description;
    description.name = "AutoQ";
    description.configJson = sampleSearchConfig();
    description.trials = options.trials;
    description.epochs = options.trialEpochs;
    description.batch = kBatch;
    description.optimizer = kTrialOptimizer;
    description.loss = kLoss;
    description.seed = options.seed;
    description.validationShare = project.validationShare;
    description.dataDescription = project.data->recipe.describe();
    description.baseHash = studyBaseHash(project);
    auto input = searchInput(project);
    if (!input) {
        return fail(std::move(input).error());
    }
    project.studies.push_back(std::make_shared<const search::Study>(study));
    const auto keep = [&](const search::Study& grown, const search::Trial&) {
        project.studies.back() = std::make_shared<const search::Study>(grown);
        return onProject(project);
    };
    auto finished = search::run(*input, std::move(study), options.threads, job, keep);
    if (!finished) {
        return fail(std::move(finished).error());
    }
    project.studies.back() = std::make_shared<const search::Study>(std::move(*finished));
    return {};
}

/// The best trial's quantizers with weights trained for them, as the trial did.
Result<void> adoptBest(Project& project, Parallel& parallel, const JobContext& job)
{
    const search::Study& study = *project.studies.back();
    const search::Trial* best = study.best();
    if (best == nullptr) {
        return fail(ErrorCode::Internal, "No trial of the search was finished.");
    }
    auto prepared = searchInput(project);
    if (!prepared) {
        return fail(std::move(prepared).error());
    }
    train::TrainInput input;
    input.graph = prepared->graph;
    input.configuration = best->configuration;
    input.weights = prepared->weights;
    input.train = prepared->train;
    input.validation = prepared->validation;
    train::TrainOptions training;
    training.epochs = study.description.epochs;
    training.batch = study.description.batch;
    training.optimizer = study.description.optimizer;
    training.loss = study.description.loss;
    training.seed = best->seed;
    auto report = train::train(input, training, parallel, job);
    if (!report) {
        return fail(std::move(report).error());
    }
    if (report->stoppedByUser) {
        return fail(ErrorCode::Canceled, "Stopped while the best trial was taken over.");
    }
    NamedConfiguration adopted;
    adopted.configuration = std::move(report->configuration);
    adopted.configuration.name = fmt::format("trial {}", best->number);
    adopted.weights = std::make_shared<const graph::WeightSet>(std::move(report->weights));
    project.putConfiguration(std::move(adopted));
    return {};
}

} // namespace

Result<void> QuickstartOptions::validate() const
{
    if (trials < 1 || trialEpochs < 1 || calibrationImages < 1) {
        return fail(ErrorCode::InvalidArgument,
                    "Trials, epochs and calibration images must be at least 1.");
    }
    return {};
}

std::string sampleSearchConfig()
{
    return R"json({
  "goal": {"type": "bits", "params": {"delta_p": 8.0, "delta_n": 8.0, "rate": 2.0, "stress": 1.0,
           "input_bits": 8, "output_bits": 8, "ref_bits": 8,
           "config": {"default": ["parameters", "activations"]}}},
  "quantization_config": {
    "kernel": {"binary": 1, "ternary": 2, "quantized_bits(3,0,1)": 3, "quantized_bits(4,0,1)": 4,
               "quantized_bits(6,0,1)": 6, "quantized_bits(8,0,1)": 8},
    "bias": {"quantized_bits(4,0,1)": 4, "quantized_bits(8,3,1)": 8},
    "activation": {"quantized_relu(2,1)": 2, "quantized_relu(3,1)": 3, "quantized_relu(4,2)": 4,
                   "quantized_relu(8,2)": 8},
    "linear": {"quantized_bits(4,1)": 4, "quantized_bits(8,2)": 8}},
  "limit": {"Dense": [8, 8, 8], "Conv2D": [8, 8, 8], "Activation": [8]},
  "tune_filters": "none",
  "transfer_weights": true
})json";
}

Result<void> measureCurrent(Project& project, const io::DataSet& data, Parallel& parallel,
                            const JobContext& job)
{
    NamedConfiguration measured = project.currentConfiguration();
    auto plan = graph::InferencePlan::make(project.model->graph, measured.configuration,
                                           project.currentWeights());
    if (!plan) {
        return fail(std::move(plan).error());
    }
    auto evaluation = train::evaluate(**plan, *data.samples, parallel, job);
    if (!evaluation) {
        return fail(std::move(evaluation).error());
    }
    if (!evaluation->accuracy) {
        return fail(ErrorCode::InvalidArgument, "The data have no labels to measure with.",
                    data.recipe.source);
    }
    const double accuracy = *evaluation->accuracy;
    const auto count = static_cast<double>(std::max<Index>(1, evaluation->count));
    measured.measured =
        NamedConfiguration::Measured{accuracy, std::sqrt(accuracy * (1 - accuracy) / count),
                                     evaluation->count, data.recipe.describe(), stateHash(project)};
    project.putConfiguration(std::move(measured));
    return {};
}

Result<Project> quickstart(const SampleInfo& sample, const QuickstartOptions& options,
                           const std::string& modelPath, Parallel& parallel, const JobContext& job,
                           const StepCallback& onStep, const ProjectCallback& onProject)
{
    if (auto valid = options.validate(); !valid) {
        return fail(std::move(valid).error());
    }
    onStep("Loading the data");
    auto data = openData(trainRecipe(sample), job);
    if (!data) {
        return fail(std::move(data).error());
    }
    auto test = openData(testRecipe(sample), job);
    if (!test) {
        return fail(std::move(test).error());
    }
    onStep("Training the float network");
    auto project = trainedProject(sample, options, std::move(*data), modelPath, parallel, job);
    if (!project) {
        return project;
    }
    const auto step = [&](const char* text, const auto& act) -> Result<void> {
        onStep(text);
        if (auto done = act(); !done) {
            return done;
        }
        if (auto measured = measureCurrent(*project, *test, parallel, job); !measured) {
            return measured;
        }
        return onProject(*project);
    };
    auto done = step("Measuring the float network", [] { return Result<void>(); });
    if (done) {
        done = step("Calibrating",
                    [&] { return calibrate(*project, options.calibrationImages, parallel, job); });
    }
    if (done) {
        done = step("Searching", [&]() -> Result<void> {
            if (auto searched = searchBest(*project, options, job, onProject); !searched) {
                return searched;
            }
            return adoptBest(*project, parallel, job);
        });
    }
    if (!done) {
        return fail(std::move(done).error());
    }
    return project;
}

} // namespace bitscape::project
