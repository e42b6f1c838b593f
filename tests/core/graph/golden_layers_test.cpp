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

constexpr std::array kClasses{
    "QDense",
    "QConv1D",
    "QConv2D",
    "QDepthwiseConv2D",
    "QSeparableConv2D",
    "QActivation",
    "QConv2DBatchnorm",
    "QDepthwiseConv2DBatchnorm",
    "QBatchNormalization",
    "QMobileNetSeparableConv2D",
};

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

/// The case's layer alone in a model, or the model it came in.
std::string architectureOf(const golden::Group& group, const Shape& input)
{
    Json config = Json::parse(group.text("config").value_or("{}"));
    if (config.contains("layers")) {
        return Json{{"class_name", "Functional"}, {"config", config}, {"keras_version", "2.15.0"}}
            .dump();
    }
    const Json given = Json::parse(*group.text("layer"));
    config.update(given["config"]);
    config["name"] = "tested";
    Json batchShape = Json::array({nullptr});
    for (const Index size : input.sample().sizes()) {
        batchShape.push_back(size);
    }
    const Json inputLayer{{"class_name", "InputLayer"},
                          {"config", {{"name", "x"}, {"batch_input_shape", batchShape}}}};
    const Json layer{{"class_name", given["class_name"]}, {"config", plain(config)}};
    return Json{{"class_name", "Sequential"},
                {"config", {{"name", "m"}, {"layers", {inputLayer, layer}}}},
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
            if (std::ranges::find(kClasses, className) == kClasses.end() || group.text("raises")) {
                continue;
            }
            SCOPED_TRACE(name + " " + group.text("layer").value_or(""));
            visit(group);
        }
    }

    /// The model with the given weights; null if it holds something that is not covered yet (a
    /// quantizer, a mask). Reports if it does not load.
    static GraphPtr load(const golden::Group& group, const Shape& input,
                         const std::vector<Tensor>& weights, Configuration& configuration)
    {
        auto file = io::loadModelFromMemory(architectureOf(group, input), nullptr);
        if (!file) {
            ADD_FAILURE() << file.error().sentence();
            return nullptr;
        }
        if (!file->graph->unsupported().empty()) {
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

    struct Call {
        Tensor x, y, upstream;
        std::optional<Tensor> dx;
        std::vector<std::pair<std::size_t, Tensor>> weightGradients;
        std::vector<Tensor> after;
    };

    void expectInference(const GraphPtr& graph, const Configuration& configuration, const Tensor& x,
                         const Tensor& y)
    {
        auto plan = InferencePlan::make(graph, configuration, graph->weights());
        ASSERT_TRUE(plan) << plan.error().sentence();
        const std::vector<TensorView> inputs{x.view()};
        expectClose((*plan)->run(inputs, m_parallel).value().front().view(), y, "inference");
    }

    void expectTraining(const GraphPtr& graph, const Configuration& configuration, const Call& call,
                        const std::vector<Tensor>& weights)
    {
        auto plan = TrainingPlan::make(graph, configuration, call.x.shape()[0], m_parallel,
                                       {.inputGradients = true});
        ASSERT_TRUE(plan) << plan.error().sentence();
        const std::vector<TensorView> inputs{call.x.view()};
        const std::vector<TensorView> upstream{call.upstream.view()};
        expectClose((*plan)->forward(inputs, weights, 1).value().front(), call.y, "training");
        ASSERT_TRUE((*plan)->backward(upstream));
        if (call.dx) {
            expectClose((*plan)->inputGradients().front(), *call.dx, "dx");
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

TEST_F(GoldenLayers, InferenceAndOneTrainingCall)
{
    int calls = 0;
    forEachCase([&](const golden::Group& group) {
        if (!group.has("y_infer")) {
            return; // a sequence of calls
        }
        const std::vector<Tensor> weights =
            group.has("weights") ? tensorsOf(group.group("weights")) : std::vector<Tensor>{};
        Call call{*group.tensor("x"),
                  *group.tensor("y_train"),
                  *group.tensor("g"),
                  group.tensor("dx"),
                  {},
                  {}};
        Configuration configuration;
        const GraphPtr graph = load(group, call.x.shape(), weights, configuration);
        if (graph == nullptr) {
            return;
        }
        expectInference(graph, configuration, call.x, *group.tensor("y_infer"));
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
        if (group.has("y_infer")) {
            return;
        }
        std::vector<Tensor> weights = tensorsOf(group.group("weights"));
        for (int step = 0; group.has("step_0" + std::to_string(step)); ++step) {
            SCOPED_TRACE("call " + std::to_string(step));
            const golden::Group one = group.group("step_0" + std::to_string(step));
            Call call{*one.tensor("x"),
                      *one.tensor("y"),
                      one.tensor("g").value_or(Tensor()),
                      one.tensor("dx"),
                      {},
                      tensorsOf(one.group("weights_after"))};
            Configuration configuration;
            const GraphPtr graph = load(group, call.x.shape(), weights, configuration);
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

} // namespace
} // namespace bitscape::graph
