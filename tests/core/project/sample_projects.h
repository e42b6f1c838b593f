// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/project/project.h"
#include "core/project/sample.h"
#include "core/quant/quantizer.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace bitscape::project::tests {

template <class T>
T valueOf(Result<T> result)
{
    if (!result) {
        throw std::runtime_error(result.error().sentence());
    }
    return std::move(*result);
}

inline quant::QuantizerPtr quantizer(const char* text)
{
    return valueOf(quant::parseQuantizer(text));
}

inline std::shared_ptr<const io::ModelFile> smallModel()
{
    return std::make_shared<const io::ModelFile>(
        valueOf(untrainedNetwork(*findSample("digits"), 3)));
}

inline io::DataSet smallData(Index count)
{
    io::DataRecipe recipe;
    recipe.source = "sample:digits";
    recipe.limit = count;
    return valueOf(openData(recipe));
}

inline search::Trial smallTrial(int number, double metric, double bits)
{
    search::Trial trial;
    trial.number = number;
    trial.state = search::TrialState::Complete;
    trial.assignment = {{"conv_1_kernel_quantizer", "quantized_bits(4,0,1)"}};
    trial.configuration.name = "trial";
    trial.configuration.set("conv_1", graph::Slot::Kernel, quantizer("quantized_bits(4,0,1)"));
    trial.configuration.set("relu_1", graph::Slot::Activation, quantizer("quantized_relu(4,2)"));
    trial.metric = metric;
    trial.metricError = 0.01;
    trial.score = metric * 1.1;
    trial.cost = {bits, 2 * bits, 1234.5 + bits, 99.0};
    trial.trialSize = bits;
    trial.referenceSize = 4 * bits;
    trial.delta = 0.1;
    trial.seconds = 0.25;
    trial.seed = 0xfedcba9876543210U; // needs all 64 bits
    return trial;
}

/// A project in which every part holds something.
inline Project fullProject()
{
    Project project = makeProject(smallModel());
    project.name = "Päris <test> & \"more\"";
    project.putData(smallData(150));
    project.validationShare = 0.3;
    project.trainingHistory = {{1, 10, 2.5, 0.4, {}, {}}, {2, 20, 1.25, 0.6, 1.5, 0.55}};
    project.commands = {"bitscape-cli search model.h5 --map '{\"a\": 1}'"};
    project.viewState = {{"accuracyEnergyPlot", R"({"log": true})"}};

    NamedConfiguration mixed;
    mixed.configuration.name = "mixed-A";
    mixed.configuration.input = quantizer("quantized_bits(8,0,1)");
    mixed.configuration.set("conv_1", graph::Slot::Kernel, quantizer("quantized_bits(4,0,1)"));
    mixed.configuration.set("conv_2", graph::Slot::Kernel, quantizer("ternary"));
    mixed.configuration.set("dense", graph::Slot::Kernel, quantizer("quantized_bits(8,0,1)"));
    mixed.configuration.set("dense", graph::Slot::Bias, quantizer("quantized_bits(8,3,1)"));
    mixed.configuration.set("relu_1", graph::Slot::Activation, quantizer("quantized_relu(4,2)"));
    graph::WeightSet weights = project.graph().weights();
    Tensor changed = *weights.front();
    changed.values()[0] += 1.0F;
    weights.front() = std::make_shared<const Tensor>(std::move(changed));
    mixed.weights = std::make_shared<const graph::WeightSet>(std::move(weights));
    project.putConfiguration(std::move(mixed));
    NamedConfiguration measured = project.currentConfiguration();
    measured.measured = {0.875, 0.0125, 700, "sample:digits:test", stateHash(project)};
    project.putConfiguration(std::move(measured));

    search::Calibration calibration;
    calibration.samples = 64;
    calibration.dataDescription = "sample:digits, the first 64 images";
    for (const graph::Layer& layer : project.graph().layers()) {
        search::TensorStatistics& tensor = calibration.tensors.emplace_back();
        tensor.layer = layer.name;
        tensor.samples = 64;
        tensor.minimum = -0.5;
        tensor.maximum = 1.75;
        tensor.sum = 12.5;
        tensor.sumOfSquares = 80.25;
        tensor.count = 3000000000;
        tensor.zeros = 7;
        tensor.range = 2.0;
        tensor.histogram[900] = 2000000000;
        tensor.histogram[1500] = 1000000000;
    }
    project.calibration = std::make_shared<const search::Calibration>(std::move(calibration));

    search::Study study;
    study.description.name = "AutoQ";
    study.description.configJson = R"({"limit": {"Dense": [8, 8, 8]}})";
    study.description.seed = 5;
    study.description.limits = {{"bits", 1e5}};
    study.description.dataDescription = "sample:digits";
    study.description.baseHash = studyBaseHash(project);
    study.referenceSize = 80000;
    study.trials = {smallTrial(0, 0.5, 9000), smallTrial(1, 0.75, 20000),
                    smallTrial(2, 0.6, 30000)};
    search::Trial failed = smallTrial(3, 0, 0);
    failed.state = search::TrialState::Failed;
    failed.failure = "The loss is NaN in epoch 1.";
    study.trials.push_back(failed);
    project.studies.push_back(std::make_shared<const search::Study>(std::move(study)));

    hw::Accelerator own;
    own.name = "own array";
    own.clockMegahertz = 125;
    project.accelerators.push_back(own);
    project.accelerator = own;
    return project;
}

} // namespace bitscape::project::tests
