// SPDX-License-Identifier: GPL-3.0-or-later
// Trajectories of the real QKeras on Keras 2.15, from ../shared/golden/training.h5.
#include "core/io/array_file.h"
#include "core/io/model_file.h"
#include "core/train/train.h"
#include "tests/support/golden.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace bitscape::train {
namespace {

using Json = nlohmann::ordered_json;

const std::string kVectors = BITSCAPE_SHARED "/golden/training.h5";
const std::string kInputs = BITSCAPE_SOURCE "/tests/golden/training_inputs.npz";
constexpr float kInputStep = 1.0F / 16;
constexpr int kLeastFollowed = 48;    // of 53; the others hold layers that may not be there
constexpr double kLossSlack = 1e-4;   // relative, as golden/README.md measured
constexpr double kWeightSlack = 1e-3; // of the tensor's largest value
constexpr double kSpreadFactor = 20;
constexpr double kChaotic = 0.01;   // spread_weights above which weights say nothing …
constexpr Index kChaoticSteps = 10; // … and losses after these

std::string snakeCase(const std::string& name)
{
    std::string out;
    for (const char c : name) {
        const bool upper = std::isupper(static_cast<unsigned char>(c)) != 0;
        out += upper && !out.empty() ? "_" : "";
        out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return out;
}

/// {"class_name", "config"} as a call: sgd(0.1,momentum=0.9).
std::string callText(std::string name, const Json& config)
{
    std::string arguments;
    for (const auto& [key, value] : config.items()) {
        const std::string text =
            value.is_boolean() ? (value == true ? "True" : "False") : value.dump();
        arguments += (arguments.empty() ? "" : ",") + key + "=" + text;
    }
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    return name + "(" + arguments + ")";
}

/// The network of a case with its initial weights.
TrainInput networkOf(const golden::Group& group)
{
    const auto path = std::filesystem::temp_directory_path() /
                      ("bitscape_" + std::to_string(::getpid()) + ".json");
    std::ofstream(path) << *group.text("model_json");
    auto model = io::loadModel(path.string());
    std::filesystem::remove(path);
    if (!model) {
        ADD_FAILURE() << model.error().sentence();
        return {};
    }
    TrainInput input;
    input.graph = model->graph;
    input.configuration = model->quantizers;
    for (const std::string& name : group.group("initial_weights").names()) {
        input.weights.push_back(
            std::make_shared<const Tensor>(*group.group("initial_weights").tensor(name)));
    }
    return input;
}

Samples samplesOf(const golden::Group& group, const io::Array& bytes)
{
    Samples samples;
    Tensor x = bytes.toTensor();
    for (float& value : x.values()) {
        value *= kInputStep;
    }
    samples.inputs.push_back(std::move(x));
    Tensor y = *group.tensor("y");
    if (y.shape().rank() == 1) {
        samples.labels = group.integers("y")->values;
    } else {
        samples.targets = std::move(y);
    }
    return samples;
}

void expectWeights(const golden::Group& group, const graph::WeightSet& weights)
{
    const double spread = *group.number("spread_weights");
    if (spread > kChaotic) {
        return;
    }
    const double slack = std::max(kWeightSlack, kSpreadFactor * spread);
    const golden::Group wanted = group.group("final_weights");
    const std::vector<std::string> names = wanted.names();
    ASSERT_EQ(names.size(), weights.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
        const Tensor reference = *wanted.tensor(names[i]);
        double largest = 1e-3;
        for (const float value : reference.values()) {
            largest = std::max(largest, std::abs(static_cast<double>(value)));
        }
        for (Index j = 0; j < reference.size(); ++j) {
            ASSERT_NEAR(weights[i]->data()[j], reference.data()[j], slack * largest)
                << "weight " << i << ", element " << j;
        }
    }
}

void expectTrajectory(const golden::Group& group, const io::Array& inputs, TrainInput input)
{
    input.train = std::make_shared<const Samples>(samplesOf(group, inputs));
    const Json optimizer = Json::parse(*group.text("optimizer"));
    const Json loss = Json::parse(*group.text("loss"));
    const auto steps = static_cast<int>(*group.integer("steps"));
    TrainOptions options{
        .epochs = steps,
        .batch = static_cast<Index>(*group.integer("batch_size")),
        .optimizer = callText(optimizer["class_name"].get<std::string>(), optimizer["config"]),
        .loss = callText(snakeCase(loss["class_name"]), loss["config"]),
        .shuffle = false,
        .maxSteps = steps};
    Parallel parallel(1);
    const auto report = train(input, options, parallel);
    ASSERT_TRUE(report.has_value()) << report.error().sentence();
    const Tensor losses = *group.tensor("total_loss");
    ASSERT_EQ(static_cast<Index>(report->history.size()), losses.size());
    const double slack = std::max(kLossSlack, kSpreadFactor * *group.number("spread_loss"));
    const bool isChaotic = *group.number("spread_weights") > kChaotic;
    const Index compared =
        isChaotic ? std::min<Index>(kChaoticSteps, losses.size()) : losses.size();
    for (Index i = 0; i < compared; ++i) {
        const double wanted = losses.data()[i];
        ASSERT_NEAR(report->history[static_cast<std::size_t>(i)].loss, wanted,
                    slack * (std::abs(wanted) + 1e-3))
            << "step " << i + 1;
    }
    expectWeights(group, report->weights);
}

TEST(TrainingGolden, followsQKerasStepByStep)
{
    const auto vectors = golden::open(kVectors);
    if (!vectors) {
        GTEST_SKIP() << "no golden vectors at " << kVectors;
    }
    const auto inputs = io::loadNpz(kInputs);
    ASSERT_TRUE(inputs.has_value()) << inputs.error().sentence();
    int followed = 0;
    for (const auto& [name, array] : *inputs) {
        const golden::Group group = vectors->group(name);
        SCOPED_TRACE(name + " " + *group.text("optimizer") + " " + *group.text("loss"));
        TrainInput input = networkOf(group);
        ASSERT_NE(input.graph, nullptr);
        if (graph::requireSupported(*input.graph)) {
            expectTrajectory(group, array, std::move(input));
            ++followed;
        }
    }
    EXPECT_GE(followed, kLeastFollowed);
}

} // namespace
} // namespace bitscape::train
