// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/sample.h"

#include "core/base/rng.h"
#include "core/project/codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bitscape::project {

namespace {

constexpr int kClasses = 10;
constexpr const char* kKerasVersion = "2.15.0";

Json layerJson(const char* className, const std::string& name, Json config)
{
    config["name"] = name;
    config["trainable"] = true;
    config["dtype"] = "float32";
    return {{"class_name", className}, {"config", std::move(config)}};
}

/// Fills a weight the way Keras begins; `fanIn` and `fanOut` as Glorot counts them.
Tensor freshWeight(const graph::Weight& weight, Rng rng)
{
    const Shape& shape = weight.value->shape();
    Tensor tensor(shape);
    if (weight.name == "gamma" || weight.name == "moving_variance") {
        std::ranges::fill(tensor.values(), 1.0F);
    } else if (weight.name == "kernel") {
        const Index outputs = shape.channels();
        const Index inputs = shape[shape.rank() - 2];
        const Index taps = shape.elementCount() / (inputs * outputs);
        const double limit = std::sqrt(6.0 / static_cast<double>(taps * (inputs + outputs)));
        for (float& value : tensor.values()) {
            value = static_cast<float>(rng.uniform(-limit, limit));
        }
    }
    return tensor;
}

} // namespace

std::span<const SampleInfo> samples()
{
    static constexpr std::array<SampleInfo, 2> kSamples{{
        {.name = "digits",
         .doc = "Digits drawn by the program, 16 × 16 pixels",
         .size = 16,
         .filters = {8, 16, 16},
         .strides = {1, 2, 2},
         .trainData = "sample:digits",
         .testData = "sample:digits:test",
         .epochs = 8},
        {.name = "fashion",
         .doc = "Fashion-MNIST from Debian's package dataset-fashion-mnist, 28 × 28 pixels",
         .size = 28,
         .filters = {8, 16, 32},
         .strides = {2, 2, 2},
         .trainData = "fashion-mnist:train",
         .testData = "fashion-mnist:test",
         .trainLimit = 10000,
         .testLimit = 2000,
         .scale = 1.0 / 255.0,
         .epochs = 6},
    }};
    return kSamples;
}

const SampleInfo* findSample(std::string_view name)
{
    const auto found = std::ranges::find(samples(), name, &SampleInfo::name);
    return found == samples().end() ? nullptr : &*found;
}

namespace {

io::DataRecipe recipeOf(std::string_view source, Index limit, double scale)
{
    io::DataRecipe recipe;
    recipe.source = source;
    recipe.limit = limit;
    if (scale != 1.0) {
        recipe.scale = scale;
    }
    return recipe;
}

} // namespace

io::DataRecipe trainRecipe(const SampleInfo& sample)
{
    return recipeOf(sample.trainData, sample.trainLimit, sample.scale);
}

io::DataRecipe testRecipe(const SampleInfo& sample)
{
    return recipeOf(sample.testData, sample.testLimit, sample.scale);
}

std::string sampleArchitecture(const SampleInfo& sample)
{
    Json layers = Json::array();
    layers.push_back({{"class_name", "InputLayer"},
                      {"config",
                       {{"batch_input_shape", {nullptr, sample.size, sample.size, 1}},
                        {"dtype", "float32"},
                        {"sparse", false},
                        {"ragged", false},
                        {"name", "input"}}}});
    for (std::size_t i = 0; i < sample.filters.size(); ++i) {
        const int stride = sample.strides[i];
        layers.push_back(layerJson("Conv2D", fmt::format("conv_{}", i + 1),
                                   {{"filters", sample.filters[i]},
                                    {"kernel_size", {3, 3}},
                                    {"strides", {stride, stride}},
                                    {"padding", "same"},
                                    {"data_format", "channels_last"},
                                    {"dilation_rate", {1, 1}},
                                    {"groups", 1},
                                    {"activation", "linear"},
                                    {"use_bias", false}}));
        layers.push_back(layerJson("BatchNormalization", fmt::format("norm_{}", i + 1),
                                   {{"axis", Json::array({3})},
                                    {"momentum", 0.95},
                                    {"epsilon", 0.001},
                                    {"center", true},
                                    {"scale", true}}));
        layers.push_back(
            layerJson("Activation", fmt::format("relu_{}", i + 1), {{"activation", "relu"}}));
    }
    layers.push_back(layerJson("Flatten", "flatten", {{"data_format", "channels_last"}}));
    layers.push_back(layerJson(
        "Dense", "dense", {{"units", kClasses}, {"activation", "linear"}, {"use_bias", true}}));
    layers.push_back(layerJson("Activation", "softmax", {{"activation", "softmax"}}));
    return dumped({{"class_name", "Sequential"},
                   {"config", {{"name", sample.name}, {"layers", std::move(layers)}}},
                   {"keras_version", kKerasVersion},
                   {"backend", "tensorflow"}});
}

Result<io::ModelFile> untrainedNetwork(const SampleInfo& sample, std::uint64_t seed)
{
    auto model = io::loadModelFromMemory(sampleArchitecture(sample), nullptr);
    if (!model) {
        return model;
    }
    const Rng rng = Rng(seed).split("weights");
    graph::WeightSet weights;
    for (const graph::WeightSlot& slot : model->graph->weightSlots()) {
        const graph::Weight& weight =
            model->graph->layer(slot.layer).weights[static_cast<std::size_t>(slot.weight)];
        weights.push_back(std::make_shared<const Tensor>(
            freshWeight(weight, rng.split(static_cast<std::uint64_t>(weights.size())))));
    }
    auto filled = model->graph->withWeights(weights);
    if (!filled) {
        return fail(std::move(filled).error());
    }
    model->graph = std::move(*filled);
    model->warnings.clear(); // the weights are no longer those of a bare architecture
    return model;
}

} // namespace bitscape::project
