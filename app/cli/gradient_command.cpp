// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/inputs.h"
#include "core/graph/execution.h"
#include "core/io/array_file.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace bitscape::cli {

namespace {

struct GradientArguments {
    ModelOptions model;
    DataOptions data;
    std::string upstream;
    bool isTraining = false;
    bool draws = false;
    std::string output;
};

Result<Tensor> shaped(const io::Array& array, const Shape& wanted, const std::string& where)
{
    Tensor tensor = array.toTensor();
    if (!(tensor.shape() == wanted)) {
        return fail(ErrorCode::ShapeMismatch,
                    fmt::format("The upstream gradient has the shape {}, the output {}.",
                                tensor.shape().toString(), wanted.toString()),
                    where);
    }
    return tensor;
}

/// One tensor per output: from an npy, or from an npz with the outputs' names.
Result<std::vector<Tensor>> loadUpstream(const std::string& path, const graph::Graph& graph,
                                         Index samples)
{
    std::vector<Tensor> tensors;
    const auto wanted = [&](int output) {
        return graph.layer(output).outputShape.batchOf(samples);
    };
    if (!path.ends_with(".npz")) {
        auto array = io::loadNpy(path);
        if (!array) {
            return fail(std::move(array).error().in("--upstream"));
        }
        if (graph.outputs().size() != 1) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("The network has {} outputs.", graph.outputs().size()),
                        "--upstream", "Give an .npz with an array per output, by its name.");
        }
        auto tensor = shaped(*array, wanted(graph.outputs().front()), path);
        if (!tensor) {
            return fail(std::move(tensor).error());
        }
        tensors.push_back(std::move(*tensor));
        return tensors;
    }
    auto arrays = io::loadNpz(path);
    if (!arrays) {
        return fail(std::move(arrays).error().in("--upstream"));
    }
    for (const int output : graph.outputs()) {
        const std::string& name = graph.layer(output).name;
        const auto found = std::ranges::find(
            *arrays, name, [](const auto& entry) -> const std::string& { return entry.first; });
        if (found == arrays->end()) {
            return fail(ErrorCode::ShapeMismatch,
                        fmt::format("The file holds no array '{}' for that output.", name), path);
        }
        auto tensor = shaped(found->second, wanted(output), path + ", " + name);
        if (!tensor) {
            return fail(std::move(tensor).error());
        }
        tensors.push_back(std::move(*tensor));
    }
    return tensors;
}

using NamedViews = std::vector<std::pair<std::string, TensorView>>;

/// `stem` for the only (or first) one, and stem:LAYER for each if there are several.
void addNamed(NamedViews& arrays, const std::string& stem, std::span<const int> layers,
              const graph::Graph& graph, std::span<const TensorView> views)
{
    arrays.emplace_back(stem, views.front());
    for (std::size_t i = 0; views.size() > 1 && i < views.size(); ++i) {
        arrays.emplace_back(stem + ":" + graph.layer(layers[i]).name, views[i]);
    }
}

std::vector<TensorView> viewsOf(const std::vector<Tensor>& tensors)
{
    std::vector<TensorView> views;
    for (const Tensor& tensor : tensors) {
        views.push_back(tensor.view());
    }
    return views;
}

Result<Answer> runGradient(Session& session, const GradientArguments& arguments)
{
    auto opened = openModel(session, arguments.model);
    if (!opened) {
        return fail(std::move(opened).error());
    }
    graph::GraphPtr graph = opened->model->graph;
    if (auto ok = graph::requireSupported(*graph); !ok) {
        return fail(std::move(ok).error());
    }
    auto data = openDataFor(session, arguments.data, *graph);
    if (!data) {
        return fail(std::move(data).error());
    }
    const Index samples = data->samples->count();
    if (samples < 1) {
        return fail(ErrorCode::ShapeMismatch, "The data hold no sample.",
                    arguments.data.recipe.source);
    }
    auto upstream = loadUpstream(arguments.upstream, *graph, samples);
    if (!upstream) {
        return fail(std::move(upstream).error());
    }
    session.loaded();

    auto plan = graph::TrainingPlan::make(
        graph, opened->configuration, samples, session.parallel(),
        {.isTraining = arguments.isTraining, .draws = arguments.draws, .inputGradients = true});
    if (!plan) {
        return fail(std::move(plan).error());
    }
    std::vector<Tensor> weights;
    for (const TensorPtr& weight : opened->weights) {
        weights.push_back(*weight);
    }
    auto outputs = (*plan)->forward(data->samples->views(), weights, session.options().seed);
    if (!outputs) {
        return fail(std::move(outputs).error());
    }
    if (auto ok = (*plan)->backward(viewsOf(*upstream)); !ok) {
        return fail(std::move(ok).error());
    }

    NamedViews arrays;
    addNamed(arrays, "y", graph->outputs(), *graph, *outputs);
    addNamed(arrays, "dx", graph->inputs(), *graph, (*plan)->inputGradients());
    std::vector<TensorView> after = viewsOf(weights);
    for (const auto& update : (*plan)->updatedStatistics()) {
        after[static_cast<std::size_t>(update.slot)] = update.value;
    }
    const auto slots = graph->weightSlots();
    for (std::size_t s = 0; s < slots.size(); ++s) {
        const graph::Layer& layer = graph->layer(slots[s].layer);
        const graph::Weight& weight = layer.weights[static_cast<std::size_t>(slots[s].weight)];
        const std::string name = layer.name + "/" + weight.name;
        if (weight.trainable) {
            arrays.emplace_back("d:" + name, (*plan)->gradients()[s].view());
        }
        if (arguments.isTraining) {
            arrays.emplace_back("w:" + name, after[s]);
        }
    }
    if (auto ok = io::saveNpz(arguments.output, arrays); !ok) {
        return fail(std::move(ok).error());
    }

    Answer answer;
    std::vector<std::vector<std::string>> rows{{"array", "shape"}};
    Json listed = Json::array();
    for (const auto& [name, view] : arrays) {
        listed.push_back({{"name", name}, {"shape", view.shape.sizes()}});
        rows.push_back({name, view.shape.toString()});
    }
    answer.json["arrays"] = std::move(listed);
    answer.json["output"] = arguments.output;
    answer.text = table(rows, {false, false}) + "\nSaved " + arguments.output + "\n";
    return answer;
}

} // namespace

Action declareGradient(CLI::App& app)
{
    auto arguments = std::make_shared<GradientArguments>();
    addModelOptions(app, arguments->model);
    addDataOptions(app, arguments->data, DataArgument::Option);
    app.add_option("--upstream", arguments->upstream,
                   "Gradient of the outputs: g.npy, or g.npz with the outputs' names")
        ->required();
    app.add_flag(
        "--training", arguments->isTraining,
        "Run layers in training mode and write the weights after the step as w:LAYER/WEIGHT");
    app.add_flag(
        "--draw", arguments->draws,
        "With --training: stochastic quantizers draw from --seed (QKeras: learning phase 1; "
        "layers alone do not set it)");
    app.add_option("--output", arguments->output, "npz for y, dx and d:LAYER/WEIGHT")->required();
    return [arguments](Session& session) { return runGradient(session, *arguments); };
}

} // namespace bitscape::cli
