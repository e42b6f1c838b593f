// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/execution_mode.h"
#include "app/cli/inputs.h"
#include "app/cli/memory_watch.h"
#include "core/base/text.h"
#include "core/graph/close_shapes.h"
#include "core/io/array_file.h"
#include "core/io/onnx/onnx_import.h"
#include "core/train/train.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace bitscape::cli {

namespace {

struct RunArguments {
    ModelOptions model;
    DataOptions data;
    ModeOption mode;
    int batch = 32;
};

struct PredictArguments {
    RunArguments run;
    std::string output;
    std::vector<std::string> taps;
};

struct EvaluateArguments {
    RunArguments run;
    std::string metric;
};

void addRunOptions(CLI::App& app, RunArguments& arguments)
{
    addModelOptions(app, arguments.model);
    addDataOptions(app, arguments.data, DataArgument::Option);
    addModeOption(app, arguments.mode);
    app.add_option("--batch", arguments.batch,
                   "Samples at a time; the engine cuts work by itself, results never depend on it")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
}

/// A network with its data, ready to run.
struct Opened {
    project::OpenedModel model;
    ChosenMode mode;
    std::shared_ptr<const train::Samples> samples;

    [[nodiscard]] const graph::Graph& graph() const { return *model.model->graph; }
};

/// An ONNX file may take sizes from numbers that are fed: then the data come before it can be said
/// whether the network can be run. Nothing is changed where it is of no use.
void computeWithData(Session& session, const RunArguments& arguments, project::OpenedModel& model)
{
    const graph::Graph& graph = *model.model->graph;
    if (model.model->format != "onnx" || graph.unsupported().empty()) {
        return;
    }
    auto data = openDataFor(session, arguments.data, graph);
    if (!data) {
        return; // the refusal of the layers says more
    }
    io::OnnxFeed feed;
    for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
        const Tensor& input = data->samples->inputs[i];
        const bool isWhole = graph.batchAxis() == graph::BatchAxis::None;
        feed.emplace(graph.layer(graph.inputs()[i]).name,
                     isWhole ? Tensor(input.shape().sample(), input.values()) : input);
    }
    auto computed = io::computeOnnx(*model.model, feed);
    if (computed && computed->graph->unsupported().empty()) {
        model.model = std::make_shared<const io::ModelFile>(std::move(*computed));
        model.weights = model.model->graph->weights();
        model.configuration = model.model->quantizers;
    }
}

Result<Opened> open(Session& session, const RunArguments& arguments)
{
    auto model = openModel(session, arguments.model);
    if (!model) {
        return fail(std::move(model).error());
    }
    computeWithData(session, arguments, *model);
    auto mode = chooseMode(arguments.mode, model->configuration);
    if (!mode) {
        return fail(std::move(mode).error());
    }
    // Before the data: what cannot be run is worth more than what does not fit.
    if (auto ok = graph::requireSupported(*model->model->graph); !ok) {
        return fail(std::move(ok).error());
    }
    auto data = openDataFor(session, arguments.data, *model->model->graph);
    if (!data) {
        return fail(std::move(data).error());
    }
    std::vector<Shape> shapes;
    for (const Tensor& input : data->samples->inputs) {
        shapes.push_back(input.shape().sample());
    }
    auto graph = graph::closeShapes(model->model->graph, shapes);
    if (!graph) {
        return fail(std::move(graph).error().in(arguments.data.recipe.source));
    }
    auto closed = std::make_shared<io::ModelFile>(*model->model);
    closed->graph = std::move(*graph);
    model->model = std::move(closed);
    return Opened{std::move(*model), std::move(*mode), data->samples};
}

double secondsSince(std::chrono::steady_clock::time_point start)
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double perSecond(Index count, double seconds)
{
    return seconds > 0.0 ? static_cast<double>(count) / seconds : 0.0;
}

// ---- predict -----------------------------------------------------------------------------------

Result<std::vector<int>> findTaps(const graph::Graph& graph, const std::vector<std::string>& names)
{
    std::vector<int> taps;
    for (const std::string& name : names) {
        const int layer = graph.find(name);
        if (layer < 0) {
            std::vector<std::string> known;
            for (const graph::Layer& one : graph.layers()) {
                known.push_back(one.name);
            }
            const std::string near = nearest(name, known);
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("The network has no layer '{}'.", name), "--tap",
                        near.empty() ? "" : fmt::format("Did you mean '{}'?", near));
        }
        taps.push_back(layer);
    }
    return taps;
}

bool isZip(const std::string& path)
{
    return path.ends_with(".npz");
}

Result<void> requireFileFor(const PredictArguments& arguments, const graph::Graph& graph)
{
    if (isZip(arguments.output)) {
        return {};
    }
    if (!arguments.output.ends_with(".npy")) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("'{}' is neither .npy nor .npz.", arguments.output), "--output",
                    "Name the file out.npy or out.npz.");
    }
    const std::size_t arrays = graph.outputs().size() + arguments.taps.size();
    if (arrays > 1) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("{} arrays do not go into one .npy file.", arrays), "--output",
                    "Name the file out.npz.");
    }
    return {};
}

/// Names of the results: outputs, then taps, each by its layer.
std::vector<std::string> resultNames(const graph::Graph& graph, const PredictArguments& arguments)
{
    std::vector<std::string> names;
    for (const int layer : graph.outputs()) {
        names.push_back(graph.layer(layer).name);
    }
    names.insert(names.end(), arguments.taps.begin(), arguments.taps.end());
    return names;
}

Result<void> save(const std::string& path, const std::vector<std::string>& names,
                  const std::vector<Tensor>& results)
{
    if (!isZip(path)) {
        return io::saveNpy(path, results.front().view());
    }
    std::vector<std::pair<std::string, TensorView>> arrays;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto isSame = [&](const auto& array) { return array.first == names[i]; };
        if (std::ranges::none_of(arrays, isSame)) { // an output may be tapped as well
            arrays.emplace_back(names[i], results[i].view());
        }
    }
    return io::saveNpz(path, arrays);
}

Result<Answer> runPredict(Session& session, const PredictArguments& arguments)
{
    auto opened = open(session, arguments.run);
    if (!opened) {
        return fail(std::move(opened).error());
    }
    if (auto ok = requireFileFor(arguments, opened->graph()); !ok) {
        return fail(std::move(ok).error());
    }
    auto taps = findTaps(opened->graph(), arguments.taps);
    if (!taps) {
        return fail(std::move(taps).error());
    }
    session.loaded();
    const MemoryWatch memory;
    auto plan =
        makePlan(session, opened->model.model->graph, opened->mode, opened->model.weights, *taps);
    if (!plan) {
        return fail(std::move(plan).error());
    }
    const JobContext job = session.job();
    const Index count = opened->samples->count();
    job.begin(count, "images");
    const auto start = std::chrono::steady_clock::now();
    auto results = (*plan)->run(opened->samples->views(), session.parallel(), job);
    if (!results) {
        return fail(std::move(results).error());
    }
    const double speed = perSecond(count, secondsSince(start));
    Json used = memory.json((*plan)->bytes(count, session.parallel().threads()));
    if (opened->graph().batchAxis() == graph::BatchAxis::None) {
        for (Tensor& result : *results) {
            result = Tensor(result.shape().sample(), result.values());
        }
    }
    const std::vector<std::string> names = resultNames(opened->graph(), arguments);
    if (auto ok = save(arguments.output, names, *results); !ok) {
        return fail(std::move(ok).error());
    }

    Answer answer;
    std::vector<std::vector<std::string>> rows{{"output", "shape"}};
    Json outputs = Json::array();
    for (std::size_t i = 0; i < names.size(); ++i) {
        const Shape& shape = (*results)[i].shape();
        outputs.push_back({{"name", names[i]}, {"shape", shape.sizes()}});
        rows.push_back({names[i], shape.toString()});
    }
    answer.json["outputs"] = std::move(outputs);
    answer.json["mode"] = opened->mode.name;
    answer.json["memory"] = std::move(used);
    answer.json["images_per_second"] = number(speed);
    answer.text = table(rows, {false, false}) +
                  fmt::format("\n{} samples, {:.0f} per second, mode {}. Saved {}\n", count, speed,
                              opened->mode.name, arguments.output);
    return answer;
}

// ---- evaluate ----------------------------------------------------------------------------------

std::vector<std::string> metricNames()
{
    std::vector<std::string> names;
    for (const train::MetricInfo& row : train::metrics()) {
        names.emplace_back(row.name);
    }
    return names;
}

/// The wanted metric must have come out; the usual ones are shown where they did.
Result<Json> metricsOf(const train::Evaluation& evaluation, const std::string& wanted)
{
    Json metrics = Json::object();
    for (const train::MetricInfo& row : train::metrics()) {
        const std::optional<double>& value = evaluation.*row.value;
        if (value && (row.isUsual || row.name == wanted)) {
            metrics[std::string(row.name)] = number(*value);
        } else if (value) {
            continue;
        } else if (row.name == wanted) {
            return fail(
                ErrorCode::InvalidArgument,
                fmt::format("The data do not allow the metric {}.", wanted), "--metric",
                "accuracy and top5 need labels, auc, precision, recall and f1 two classes, the "
                "others targets.");
        }
    }
    return metrics;
}

Json numbers(const std::vector<double>& values)
{
    Json out = Json::array();
    for (const double value : values) {
        out.push_back(number(value));
    }
    return out;
}

std::string evaluationText(const train::Evaluation& evaluation, const std::string& wanted,
                           const std::string& mode)
{
    std::vector<std::vector<std::string>> rows{{"metric", "value"}};
    const auto add = [&](std::string_view name, const std::optional<double>& value) {
        if (value) {
            rows.push_back({std::string(name), fmt::format("{:.6f}", *value)});
        }
    };
    for (const train::MetricInfo& row : train::metrics()) {
        if (row.isUsual || row.name == wanted) {
            add(row.name, evaluation.*row.value);
        }
    }
    add("loss", evaluation.loss);
    return table(rows, {false, true}) +
           fmt::format("\n{} samples, {:.0f} per second, mode {}.\n", evaluation.count,
                       perSecond(evaluation.count, evaluation.seconds), mode);
}

Result<Answer> runEvaluate(Session& session, const EvaluateArguments& arguments)
{
    auto opened = open(session, arguments.run);
    if (!opened) {
        return fail(std::move(opened).error());
    }
    session.loaded();
    const MemoryWatch memory;
    auto plan = makePlan(session, opened->model.model->graph, opened->mode, opened->model.weights);
    if (!plan) {
        return fail(std::move(plan).error());
    }
    const JobContext job = session.job();
    job.begin(opened->samples->count(), "images");
    auto evaluation = train::evaluate(**plan, *opened->samples, session.parallel(), job);
    if (!evaluation) {
        return fail(std::move(evaluation).error());
    }
    Json used = memory.json((*plan)->bytes(evaluation->count, session.parallel().threads()));
    auto metrics = metricsOf(*evaluation, arguments.metric);
    if (!metrics) {
        return fail(std::move(metrics).error());
    }
    Answer answer;
    answer.json["metrics"] = std::move(*metrics);
    answer.json["count"] = evaluation->count;
    answer.json["mode"] = opened->mode.name;
    answer.json["loss"] = evaluation->loss ? number(*evaluation->loss) : Json(nullptr);
    if (!evaluation->confusion.empty()) {
        answer.json["per_class"] = numbers(evaluation->perClass);
        answer.json["confusion"] = evaluation->confusion;
    }
    answer.json["images_per_second"] = number(perSecond(evaluation->count, evaluation->seconds));
    answer.json["memory"] = std::move(used);
    answer.text = evaluationText(*evaluation, arguments.metric, opened->mode.name);
    return answer;
}

} // namespace

Action declarePredict(CLI::App& app)
{
    auto arguments = std::make_shared<PredictArguments>();
    addRunOptions(app, arguments->run);
    app.add_option("--output", arguments->output,
                   "Where the outputs go: out.npy for one, out.npz for several or with taps")
        ->required();
    app.add_option("--tap", arguments->taps, "Also write the output of this layer (repeatable)");
    return [arguments](Session& session) { return runPredict(session, *arguments); };
}

Action declareEvaluate(CLI::App& app)
{
    auto arguments = std::make_shared<EvaluateArguments>();
    addRunOptions(app, arguments->run);
    app.add_option("--metric", arguments->metric,
                   "Metric that must come out; all that the data allow are shown anyway")
        ->check(CLI::IsMember(metricNames()));
    return [arguments](Session& session) { return runEvaluate(session, *arguments); };
}

} // namespace bitscape::cli
