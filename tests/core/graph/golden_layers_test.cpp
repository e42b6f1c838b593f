// SPDX-License-Identifier: GPL-3.0-or-later

// Layers of QKeras as TensorFlow computes them: inference, training-mode forward, gradients of
// input and weights, moving statistics after the call.

#include "core/graph/execution.h"
#include "core/io/model_file.h"
#include "tests/support/golden.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace bitscape::graph {
namespace {

using Json = nlohmann::json;

// Of the tensor's largest value (golden/README.md); the constant guards tensors of zeros.
constexpr double kRelative = 2e-5;
constexpr double kAbsolute = 1e-7;

/// Arrays are written as {"__ndarray__": […]}.
Json plain(const Json& value)
{
    if (value.is_object() && value.size() == 1 && value.contains("__ndarray__")) {
        return value["__ndarray__"];
    }
    Json out = value;
    if (value.is_structured()) {
        for (auto& [key, entry] : out.items()) {
            entry = plain(entry);
        }
    }
    return out;
}

Json inputLayer(const std::string& name, const Shape& input)
{
    Json batchShape = Json::array({nullptr});
    const Shape sample = input.sample();
    for (const Index size : sample.sizes()) {
        batchShape.push_back(size);
    }
    return {{"name", name},
            {"class_name", "InputLayer"},
            {"config", {{"name", name}, {"batch_input_shape", batchShape}}},
            {"inbound_nodes", Json::array()}};
}

/// A recurrent cell is its layer on a sequence of one step, with the states as inputs and outputs.
std::string architectureOfCell(const Json& given, const std::vector<Tensor>& inputs)
{
    std::string className = given["class_name"].get<std::string>();
    className.resize(className.size() - std::string_view("Cell").size());
    Json config = plain(given["config"]);
    config["name"] = "tested";
    config["return_state"] = true;
    Json layers = Json::array();
    Json edges = Json::array();
    Json outputs = Json::array();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const std::string name = "input_" + std::to_string(i);
        layers.push_back(inputLayer(name, inputs[i].shape()));
        edges.push_back({name, 0, 0, Json::object()});
        outputs.push_back({"tested", 0, i});
    }
    const Json ends = edges;
    layers.push_back({{"name", "tested"},
                      {"class_name", className},
                      {"config", config},
                      {"inbound_nodes", Json::array({edges})}});
    return Json{
        {"class_name", "Functional"},
        {"config",
         {{"name", "m"}, {"layers", layers}, {"input_layers", ends}, {"output_layers", outputs}}},
        {"keras_version", "2.15.0"}}
        .dump();
}

/// The case's layer alone in a model, or the model it came in.
std::string architectureOf(const golden::Group& group, const std::vector<Tensor>& inputs)
{
    if (inputs.size() > 1) {
        return architectureOfCell(Json::parse(*group.text("layer")), inputs);
    }
    Json config = Json::parse(group.text("config").value_or("{}"));
    if (config.contains("layers")) {
        return Json{{"class_name", "Functional"}, {"config", config}, {"keras_version", "2.15.0"}}
            .dump();
    }
    const Json given = Json::parse(*group.text("layer"));
    config.update(given["config"]);
    config["name"] = "tested";
    const Json layer{{"class_name", given["class_name"]}, {"config", plain(config)}};
    return Json{
        {"class_name", "Sequential"},
        {"config", {{"name", "m"}, {"layers", {inputLayer("x", inputs.front().shape()), layer}}}},
        {"keras_version", "2.15.0"},
        {"backend", "tensorflow"}}
        .dump();
}

std::vector<Tensor> tensorsOf(const golden::Group& group)
{
    std::vector<Tensor> tensors;
    for (const std::string& name : group.names()) {
        tensors.push_back(*group.tensor(name));
    }
    return tensors;
}

double largestOf(const Tensor& tensor)
{
    double largest = 0.0;
    for (const float value : tensor.values()) {
        if (std::isfinite(value)) {
            largest = std::max(largest, static_cast<double>(std::abs(value)));
        }
    }
    return largest;
}

void expectClose(TensorView got, const Tensor& wanted, const std::string& what, double largest = 0)
{
    ASSERT_EQ(got.shape.toString(), wanted.shape().toString()) << what;
    largest = std::max(largest, largestOf(wanted));
    for (Index i = 0; i < wanted.size(); ++i) {
        if (std::isfinite(wanted.data()[i])) {
            ASSERT_NEAR(got.data[i], wanted.data()[i], kRelative * largest + kAbsolute)
                << what << ", element " << i;
        }
    }
}

struct GoldenCall {
    std::vector<Tensor> x, y, upstream;
    std::vector<std::optional<Tensor>> dx;
    std::vector<std::pair<std::size_t, Tensor>> weightGradients;
    std::vector<Tensor> after;
};

class GoldenLayers : public testing::Test {
protected:
    void SetUp() override
    {
        m_root = golden::open(BITSCAPE_SHARED "/golden/layers.h5");
        if (!m_root) {
            GTEST_SKIP() << "golden vectors are not there";
        }
    }

    /// visit(group, class name) for the cases that are not refused by QKeras itself.
    template <class Visit>
    void forEachCase(const Visit& visit)
    {
        for (const std::string& name : m_root->names()) {
            const golden::Group group = m_root->group(name);
            const std::string className = group.text("class").value_or("");
            // A case whose results move with the last bit of its inputs sits on a code boundary.
            constexpr double kNoise = 1e-5;
            if (group.text("raises") || group.number("one_ulp").value_or(0.0) > kNoise) {
                continue;
            }
            // QKeras multiplies the state with the wrong kernel there; we do not.
            const std::string given = group.text("layer").value_or("");
            if (className == "QGRU" && given.find("recurrent_quantizer") == std::string::npos) {
                continue;
            }
            SCOPED_TRACE(name + " " + given);
            visit(group);
        }
    }

    /// The model with the given weights; null if it does not load, which is reported.
    static GraphPtr load(const golden::Group& group, const std::vector<Tensor>& inputs,
                         const std::vector<Tensor>& weights, Configuration& configuration)
    {
        auto file = io::loadModelFromMemory(architectureOf(group, inputs), nullptr);
        if (!file) {
            ADD_FAILURE() << file.error().sentence();
            return nullptr;
        }
        if (const auto able = requireSupported(*file->graph); !able) {
            ADD_FAILURE() << able.error().sentence();
            return nullptr;
        }
        configuration = file->quantizers;
        WeightSet set;
        for (const Tensor& weight : weights) {
            set.push_back(std::make_shared<const Tensor>(weight));
        }
        auto graph = file->graph->withWeights(set);
        if (!graph) {
            ADD_FAILURE() << graph.error().sentence();
            return nullptr;
        }
        return *graph;
    }

    static std::vector<TensorView> viewsOf(const std::vector<Tensor>& tensors)
    {
        std::vector<TensorView> views;
        for (const Tensor& tensor : tensors) {
            views.push_back(tensor.view());
        }
        return views;
    }

    void expectInference(const GraphPtr& graph, const Configuration& configuration,
                         const std::vector<Tensor>& x, const std::vector<Tensor>& y)
    {
        auto plan = InferencePlan::make(graph, configuration, graph->weights());
        ASSERT_TRUE(plan) << plan.error().sentence();
        const auto got = (*plan)->run(viewsOf(x), m_parallel);
        ASSERT_TRUE(got) << got.error().sentence();
        ASSERT_EQ(got->size(), y.size());
        for (std::size_t i = 0; i < y.size(); ++i) {
            expectClose((*got)[i].view(), y[i], "inference, output " + std::to_string(i));
        }
    }

    void expectTraining(const GraphPtr& graph, const Configuration& configuration,
                        const GoldenCall& call, const std::vector<Tensor>& weights)
    {
        auto plan = TrainingPlan::make(graph, configuration, call.x.front().shape()[0], m_parallel,
                                       {.draws = false, .inputGradients = true});
        ASSERT_TRUE(plan) << plan.error().sentence();
        const auto got = (*plan)->forward(viewsOf(call.x), weights, 1);
        ASSERT_TRUE(got) << got.error().sentence();
        ASSERT_EQ(got->size(), call.y.size());
        for (std::size_t i = 0; i < call.y.size(); ++i) {
            expectClose((*got)[i], call.y[i], "training, output " + std::to_string(i));
        }
        ASSERT_TRUE((*plan)->backward(viewsOf(call.upstream)));
        for (std::size_t i = 0; i < call.dx.size(); ++i) {
            if (call.dx[i]) {
                expectClose((*plan)->inputGradients()[i], *call.dx[i],
                            "gradient of input " + std::to_string(i));
            }
        }
        // A bias before a normalization has no gradient but rounding noise: its scale is that of
        // the layer's other gradients.
        double largest = 0.0;
        for (const auto& [slot, gradient] : call.weightGradients) {
            largest = std::max(largest, largestOf(gradient));
        }
        for (const auto& [slot, gradient] : call.weightGradients) {
            expectClose((*plan)->gradients()[slot].view(), gradient,
                        "gradient of weight " + std::to_string(slot), largest);
        }
        std::vector<TensorView> after;
        for (const Tensor& weight : weights) {
            after.push_back(weight.view());
        }
        for (const auto& update : (*plan)->updatedStatistics()) {
            after[static_cast<std::size_t>(update.slot)] = update.value;
        }
        for (std::size_t slot = 0; slot < call.after.size(); ++slot) {
            expectClose(after[slot], call.after[slot], "weight " + std::to_string(slot) + " after");
        }
    }

    std::optional<golden::Group> m_root;
    Parallel m_parallel{2};
};

/// `name`, `name`_1, …
std::vector<Tensor> several(const golden::Group& group, const std::string& name)
{
    std::vector<Tensor> tensors;
    for (std::string next = name; group.has(next);
         next = name + "_" + std::to_string(tensors.size())) {
        tensors.push_back(*group.tensor(next));
    }
    return tensors;
}

Tensor asOneStep(const Tensor& x)
{
    return {Shape{x.shape()[0], 1, x.shape()[1]}, x.values()};
}

/// Cells come with states, and without steps.
void addStates(const golden::Group& group, GoldenCall& call)
{
    for (int state = 0; group.has("extra_" + std::to_string(state)); ++state) {
        const std::string number = std::to_string(state);
        if (state == 0) {
            call.x[0] = asOneStep(call.x[0]);
            call.dx[0] = call.dx[0] ? std::optional(asOneStep(*call.dx[0])) : std::nullopt;
        }
        call.x.push_back(*group.tensor("extra_" + number));
        call.dx.push_back(group.tensor("d_extra_" + number));
    }
}

TEST_F(GoldenLayers, InferenceAndOneTrainingCall)
{
    int calls = 0;
    forEachCase([&](const golden::Group& group) {
        if (!group.has("y_infer")) {
            return; // a sequence of calls
        }
        const std::vector<Tensor> weights =
            group.has("weights") ? tensorsOf(group.group("weights")) : std::vector<Tensor>{};
        GoldenCall call{{*group.tensor("x")},
                        several(group, "y_train"),
                        several(group, "g"),
                        {group.tensor("dx")},
                        {},
                        {}};
        addStates(group, call);
        Configuration configuration;
        const GraphPtr graph = load(group, call.x, weights, configuration);
        if (graph == nullptr) {
            return;
        }
        expectInference(graph, configuration, call.x, several(group, "y_infer"));
        if (group.has("dW")) {
            const golden::Group gradients = group.group("dW");
            for (const std::string& name : gradients.names()) {
                call.weightGradients.emplace_back(std::stoul(name), *gradients.tensor(name));
            }
        }
        if (group.has("weights_after")) {
            call.after = tensorsOf(group.group("weights_after"));
        }
        expectTraining(graph, configuration, call, weights);
        ++calls;
    });
    EXPECT_GT(calls, 30);
}

TEST_F(GoldenLayers, SequencesOfCalls)
{
    int calls = 0;
    forEachCase([&](const golden::Group& group) {
        if (group.has("y_infer") || !group.has("weights")) {
            return;
        }
        std::vector<Tensor> weights = tensorsOf(group.group("weights"));
        for (int step = 0; group.has("step_0" + std::to_string(step)); ++step) {
            SCOPED_TRACE("call " + std::to_string(step));
            const golden::Group one = group.group("step_0" + std::to_string(step));
            GoldenCall call{{*one.tensor("x")},
                            {*one.tensor("y")},
                            {one.tensor("g").value_or(Tensor())},
                            {one.tensor("dx")},
                            {},
                            tensorsOf(one.group("weights_after"))};
            Configuration configuration;
            const GraphPtr graph = load(group, call.x, weights, configuration);
            if (graph == nullptr) {
                return;
            }
            // The iteration counter advances in training calls only.
            if (!(call.after == weights)) {
                expectTraining(graph, configuration, call, weights);
            } else {
                expectInference(graph, configuration, call.x, call.y);
            }
            weights = call.after;
            ++calls;
        }
    });
    EXPECT_GT(calls, 20);
}

/// Its averages and counter are no weights in QKeras, but states here.
TEST_F(GoldenLayers, AdaptiveActivations)
{
    int calls = 0;
    forEachCase([&](const golden::Group& group) {
        if (group.text("class") != "QAdaptiveActivation") {
            return;
        }
        std::vector<Tensor> state;
        for (int step = 0; group.has("step_0" + std::to_string(step)); ++step) {
            SCOPED_TRACE("call " + std::to_string(step));
            const golden::Group one = group.group("step_0" + std::to_string(step));
            const Tensor x = *one.tensor("x");
            auto file = io::loadModelFromMemory(architectureOf(group, {x}), nullptr);
            ASSERT_TRUE(file) << file.error().sentence();
            if (state.empty()) {
                for (const TensorPtr& weight : file->graph->weights()) {
                    state.push_back(*weight);
                }
            }
            WeightSet set;
            for (const Tensor& weight : state) {
                set.push_back(std::make_shared<const Tensor>(weight));
            }
            const GraphPtr graph = file->graph->withWeights(set).value();
            std::vector<Tensor> after{*one.tensor("ema_min"), *one.tensor("ema_max"), state[2]};
            after[2].data()[0] = one.tensor("step")->data()[0];
            for (std::size_t s : {0, 1}) {
                after[s] = Tensor(state[s].shape(), after[s].values());
            }
            // libhdf5 1.10 cannot read the file's booleans: only training calls count, or move the
            // averages of a layer whose counter is given.
            const bool counts = std::abs(after[2].data()[0] - state[2].data()[0]) > 0.0F;
            const bool isGiven = group.text("layer")->find("current_step") != std::string::npos;
            if (counts || (isGiven && !(after[1] == state[1]))) {
                const GoldenCall call{
                    {x}, {*one.tensor("y")}, {*one.tensor("g")}, {one.tensor("dx")}, {}, after};
                expectTraining(graph, {}, call, state);
            } else {
                expectInference(graph, {}, {x}, {*one.tensor("y")});
            }
            state = after; // QKeras may move the averages in inference, too
            ++calls;
        }
    });
    EXPECT_GT(calls, 30);
}

} // namespace
} // namespace bitscape::graph
