// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/hdf5.h"
#include "core/base/json_text.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

// Small Keras files made in tests.
namespace bitscape::io::tests {

inline Json layer(const std::string& className, Json config)
{
    return {{"class_name", className}, {"config", std::move(config)}};
}

inline Json input(const std::string& name, const std::vector<int>& shape)
{
    Json sizes = Json::array({nullptr});
    for (const int size : shape) {
        sizes.push_back(size);
    }
    return layer("InputLayer", {{"name", name}, {"batch_input_shape", std::move(sizes)}});
}

inline Json sequential(std::vector<Json> layers)
{
    return {{"class_name", "Sequential"}, {"config", {{"name", "net"}, {"layers", layers}}}};
}

/// A layer with the names of the layers that feed it.
using Fed = std::pair<Json, std::vector<std::string>>;

inline Json functional(const std::vector<Fed>& layers, const std::vector<std::string>& outputs)
{
    Json entries = Json::array();
    Json inputs = Json::array();
    for (auto [entry, feeds] : layers) {
        const std::string name = entry["config"]["name"];
        Json node = Json::array();
        for (const std::string& feed : feeds) {
            node.push_back(Json::array({feed, 0, 0, Json::object()}));
        }
        entry["name"] = name;
        entry["inbound_nodes"] = feeds.empty() ? Json::array() : Json::array({node});
        entries.push_back(entry);
        if (feeds.empty()) {
            inputs.push_back(Json::array({name, 0, 0}));
        }
    }
    Json ends = Json::array();
    for (const std::string& output : outputs) {
        ends.push_back(Json::array({output, 0, 0}));
    }
    return {{"class_name", "Functional"},
            {"config",
             {{"name", "net"},
              {"layers", entries},
              {"input_layers", inputs},
              {"output_layers", ends}}}};
}

struct StoredValue {
    std::string name; ///< "kernel:0", below the layer's name
    Tensor value;
};
struct StoredLayerOf {
    std::string layer;
    std::vector<StoredValue> weights;
};

inline Tensor ramp(const Shape& shape, float step = 0.125F)
{
    Tensor tensor(shape);
    float value = -step;
    for (float& v : tensor.values()) {
        v = value += step;
    }
    return tensor;
}

inline void writeWeights(hdf5::Group& group, const std::vector<StoredLayerOf>& layers)
{
    std::vector<std::string> names;
    for (const StoredLayerOf& stored : layers) {
        names.push_back(stored.layer);
        auto sub = group.makeGroup(stored.layer);
        ASSERT_TRUE(sub);
        std::vector<std::string> paths;
        for (const StoredValue& weight : stored.weights) {
            paths.push_back(stored.layer + "/" + weight.name);
            ASSERT_TRUE(sub->write(paths.back(), weight.value.view(), hdf5::Storage::Plain));
        }
        ASSERT_TRUE(sub->setTexts("weight_names", paths));
    }
    ASSERT_TRUE(group.setTexts("layer_names", names));
}

/// A whole model file, or weights only if `model` is null.
inline void writeKeras(const std::string& path, const Json& model,
                       const std::vector<StoredLayerOf>& layers,
                       const std::string& version = "2.15.0")
{
    auto file = hdf5::File::create(path, hdf5::Format::Earliest);
    ASSERT_TRUE(file);
    if (!version.empty()) {
        ASSERT_TRUE(file->setText("keras_version", version));
    }
    ASSERT_TRUE(file->setText("backend", "tensorflow"));
    if (model.is_null()) {
        writeWeights(*file, layers);
    } else {
        ASSERT_TRUE(file->setLongText("model_config", model.dump()));
        auto group = file->makeGroup("model_weights");
        ASSERT_TRUE(group);
        writeWeights(*group, layers);
    }
    ASSERT_TRUE(file->close());
}

} // namespace bitscape::io::tests
