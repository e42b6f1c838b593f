// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/inputs.h"
#include "app/cli/memory_watch.h"
#include "app/cli/validation.h"
#include "core/base/text.h"
#include "core/io/array_file.h"
#include "core/io/checkpoint_file.h"
#include "core/train/augment.h"
#include "core/train/initialize.h"
#include "core/train/keras_call.h"
#include "core/train/loss.h"
#include "core/train/noise_schedule.h"
#include "core/train/optimizer.h"
#include "core/train/schedule.h"
#include "core/train/train.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace bitscape::cli {

namespace {

/// "adam(learning_rate=0.001,beta_1=0.9)": a row with its arguments and their defaults.
std::string callWithDefaults(std::string_view name,
                             std::span<const train::CallParameter> parameters)
{
    std::vector<std::string> parts;
    for (const train::CallParameter& parameter : parameters) {
        parts.push_back(std::string(parameter.name) + "=" +
                        train::toString(parameter.defaultValue));
    }
    return std::string(name) + "(" + join(parts, ",") + ")";
}

/// What can be written behind the options that take calls, from the registries.
std::string callsHelp()
{
    std::string text = "Calls and their defaults:";
    const auto add = [&](const char* option, std::string_view name, std::string_view doc,
                         std::span<const train::CallParameter> parameters) {
        text += fmt::format("\n  {} {}\n      {}", option, callWithDefaults(name, parameters), doc);
    };
    for (const train::OptimizerInfo& row : train::optimizers()) {
        add("--optimizer", row.name, row.doc, train::allParameters(row));
    }
    for (const train::LossInfo& row : train::losses()) {
        add("--loss", row.name, row.doc, row.parameters);
    }
    for (const train::ScheduleInfo& row : train::schedules()) {
        add("--schedule", row.name, row.doc, row.parameters);
    }
    for (const train::AugmentationInfo& row : train::augmentations()) {
        add("--augment", row.name, row.doc, row.parameters);
    }
    add("--noise", train::kNoiseScheduleName, "QKeras' noise scheduler.", train::noiseParameters());
    return text;
}

struct TrainArguments {
    ModelOptions model;
    DataOptions data;
    train::TrainOptions options;
    std::optional<int> epochs;
    std::optional<double> learningRate, momentum;
    std::string metric = "accuracy";
    std::string validation;
    bool noShuffle = false, fromScratch = false, resume = false;
    std::string teacher, checkpoint, output, history;
};

/// Names of a registry's rows, for help texts.
template <class Rows>
std::string namesOf(const Rows& rows)
{
    std::vector<std::string> names;
    for (const auto& row : rows) {
        names.emplace_back(row.name);
    }
    return join(names, ", ");
}

Json optionalNumber(const std::optional<double>& value)
{
    return value ? number(*value) : Json(nullptr);
}

std::string text(const std::optional<double>& value)
{
    return value ? fmt::format("{:.4f}", *value) : "–";
}

Json toJson(const train::HistoryEntry& entry)
{
    return {{"epoch", entry.epoch},
            {"step", entry.step},
            {"loss", number(entry.loss)},
            {"val_loss", optionalNumber(entry.validationLoss)},
            {"accuracy", optionalNumber(entry.accuracy)},
            {"val_accuracy", optionalNumber(entry.validationAccuracy)}};
}

std::string toCsv(const std::vector<train::HistoryEntry>& history)
{
    const auto cell = [](const std::optional<double>& value) {
        return value ? pythonRepr(*value) : std::string();
    };
    std::string csv = "epoch,step,loss,val_loss,accuracy,val_accuracy\n";
    for (const train::HistoryEntry& entry : history) {
        csv += fmt::format("{},{},{},{},{},{}\n", entry.epoch, entry.step, cell(entry.loss),
                           cell(entry.validationLoss), cell(entry.accuracy),
                           cell(entry.validationAccuracy));
    }
    return csv;
}

/// The optimizer's call with arguments that options of their own override.
Result<std::string> optimizerText(const TrainArguments& arguments)
{
    auto call = train::parseKerasCall(arguments.options.optimizer, "--optimizer");
    if (!call) {
        return fail(std::move(call).error());
    }
    const auto set = [&](const char* name, double value) {
        std::erase_if(call->keywords, [&](const auto& keyword) { return keyword.first == name; });
        call->keywords.emplace_back(name, value);
    };
    if (arguments.learningRate) {
        if (call->positional.empty()) {
            set("learning_rate", *arguments.learningRate);
        } else {
            call->positional.front() = *arguments.learningRate;
        }
    }
    if (arguments.momentum) {
        set("momentum", *arguments.momentum);
    }
    return train::toString(*call);
}

/// With --max-steps alone, as many epochs as the steps take.
int epochsFor(const TrainArguments& arguments, Index samples)
{
    if (arguments.epochs || arguments.options.maxSteps <= 0) {
        return arguments.epochs.value_or(1);
    }
    const Index batch = std::clamp<Index>(arguments.options.batch, 1, std::max<Index>(samples, 1));
    const Index perEpoch = std::max<Index>(1, (samples + batch - 1) / batch);
    return static_cast<int>((arguments.options.maxSteps + perEpoch - 1) / perEpoch);
}

/// A map that folds batch normalizations is trained, and written, as the folded network.
Result<void> foldNorms(train::TrainInput& input)
{
    if (!input.configuration.foldBatchNorm) {
        return {};
    }
    auto graph = input.graph->withWeights(input.weights);
    if (graph) {
        graph = graph::foldBatchNorm(**graph, input.configuration);
    }
    if (!graph) {
        return fail(std::move(graph).error());
    }
    input.graph = std::move(*graph);
    input.weights = input.graph->weights();
    input.configuration.foldBatchNorm = false;
    return {};
}

Result<void> openSamples(Session& session, const TrainArguments& arguments,
                         const graph::Graph& graph, train::TrainInput& input)
{
    auto data = openDataFor(session, arguments.data, graph);
    if (!data) {
        return fail(std::move(data).error());
    }
    input.train = data->samples;
    if (arguments.validation.empty()) {
        return {};
    }
    auto validation = parseValidation(arguments.validation);
    if (!validation) {
        return fail(std::move(validation).error());
    }
    if (validation->share) {
        train::Split split = train::splitLast(*data->samples, *validation->share);
        input.train = std::make_shared<const train::Samples>(std::move(split.train));
        input.validation = std::make_shared<const train::Samples>(std::move(split.validation));
        return {};
    }
    auto own = openValidation(session, arguments.data, *validation, graph);
    if (!own) {
        return fail(std::move(own).error());
    }
    input.validation = own->samples;
    return {};
}

/// Metrics of the trained network on the validation part (the training data without one).
Result<Json> finalMetrics(Session& session, const TrainArguments& arguments,
                          const train::TrainInput& input, const train::TrainReport& report)
{
    auto plan = graph::InferencePlan::make(input.graph, report.configuration, report.weights);
    if (!plan) {
        return fail(std::move(plan).error());
    }
    const train::Samples& samples = input.validation ? *input.validation : *input.train;
    auto result = train::evaluate(**plan, samples, session.parallel(), session.job());
    if (!result) {
        return fail(std::move(result).error());
    }
    Json out{{"on", input.validation ? "validation" : "training"},
             {"loss", optionalNumber(result->loss)}};
    for (const train::MetricInfo& row : train::metrics()) {
        if (arguments.metric == row.name || row.value == &train::Evaluation::accuracy) {
            out[std::string(row.name)] = optionalNumber((*result).*row.value);
        }
    }
    return out;
}

Result<void> saveResults(Session& session, const TrainArguments& arguments,
                         const train::TrainInput& input, const train::TrainReport& report)
{
    if (!arguments.output.empty()) {
        if (auto ok = io::saveKerasH5(arguments.output, *input.graph, report.weights,
                                      report.configuration);
            !ok) {
            return ok;
        }
        session.noteSaved(
            fmt::format("The weights after {} steps are in {}.", report.steps, arguments.output) +
            (session.saved().empty() ? "" : " " + session.saved()));
    }
    if (!arguments.history.empty()) {
        return io::writeFileAtomically(arguments.history, toCsv(report.history));
    }
    return {};
}

std::string historyTable(const std::vector<train::HistoryEntry>& history)
{
    std::vector<std::vector<std::string>> rows{
        {"epoch", "step", "loss", "accuracy", "val. loss", "val. accuracy"}};
    for (const train::HistoryEntry& entry : history) {
        rows.push_back({std::to_string(entry.epoch), std::to_string(entry.step), text(entry.loss),
                        text(entry.accuracy), text(entry.validationLoss),
                        text(entry.validationAccuracy)});
    }
    return table(rows, std::vector<bool>(rows.front().size(), true));
}

/// The network to learn from: --teacher, or the model with the weights it came with.
Result<void> openTeacher(Session& session, const TrainArguments& arguments,
                         train::TrainInput& input)
{
    if (arguments.teacher.empty()) {
        input.teacher = train::Teacher{input.graph, input.weights};
        return {};
    }
    auto opened = openModel(session, {.model = arguments.teacher});
    if (!opened) {
        return fail(std::move(opened).error().in("--teacher"));
    }
    if (auto ok = graph::requireSupported(*opened->model->graph); !ok) {
        return fail(std::move(ok).error().in("--teacher"));
    }
    input.teacher = train::Teacher{opened->model->graph, opened->weights};
    return {};
}

Result<train::TrainInput> openInput(Session& session, const TrainArguments& arguments)
{
    auto opened = openModel(session, arguments.model);
    if (!opened) {
        return fail(std::move(opened).error());
    }
    if (auto ok = graph::requireSupported(*opened->model->graph); !ok) {
        return fail(std::move(ok).error());
    }
    train::TrainInput input;
    input.graph = opened->model->graph;
    input.configuration = opened->configuration;
    input.weights = opened->weights;
    if (auto ok = foldNorms(input); !ok) {
        return fail(std::move(ok).error());
    }
    if (auto ok = openTeacher(session, arguments, input); !ok) {
        return fail(std::move(ok).error());
    }
    if (arguments.fromScratch) {
        input.weights = train::initialWeights(*input.graph, session.options().seed);
    }
    if (auto ok = openSamples(session, arguments, *input.graph, input); !ok) {
        return fail(std::move(ok).error());
    }
    if (arguments.resume) {
        if (arguments.checkpoint.empty()) {
            return fail(ErrorCode::InvalidArgument, "There is nothing to go on from.", "--resume",
                        "Name the checkpoint with --checkpoint FILE.");
        }
        auto state = io::loadCheckpoint(arguments.checkpoint);
        if (!state) {
            return fail(std::move(state).error());
        }
        input.resume = std::make_shared<const train::TrainState>(std::move(*state));
    }
    return input;
}

Result<train::TrainReport> runTraining(Session& session, const TrainArguments& arguments,
                                       const train::TrainInput& input,
                                       const train::TrainOptions& options)
{
    train::CheckpointCallback keep;
    if (!arguments.checkpoint.empty()) {
        keep = [&](const train::TrainState& state) -> Result<void> {
            auto ok = io::saveCheckpoint(arguments.checkpoint, state);
            if (ok) {
                session.noteSaved(fmt::format("{} holds the training after {} steps; --resume goes "
                                              "on from there.",
                                              arguments.checkpoint, state.entry.step));
            }
            return ok;
        };
    }
    return train::train(input, options, session.parallel(), session.job(), {}, keep);
}

Result<Answer> runTrain(Session& session, const TrainArguments& arguments)
{
    auto optimizer = optimizerText(arguments);
    if (!optimizer) {
        return fail(std::move(optimizer).error());
    }
    auto input = openInput(session, arguments);
    if (!input) {
        return fail(std::move(input).error());
    }
    session.loaded();

    train::TrainOptions options = arguments.options;
    options.optimizer = *optimizer;
    options.seed = session.options().seed;
    options.shuffle = !arguments.noShuffle;
    options.epochs = epochsFor(arguments, input->train->count());
    const MemoryWatch memory;
    auto report = runTraining(session, arguments, *input, options);
    if (!report) {
        return fail(std::move(report).error());
    }
    Json used = memory.json(report->plannedBytes);
    session.warn(report->warnings);
    if (auto ok = saveResults(session, arguments, *input, *report); !ok) {
        return fail(std::move(ok).error());
    }
    if (report->stoppedByUser) {
        return fail(ErrorCode::Canceled,
                    fmt::format("Training was stopped after {} steps.", report->steps));
    }
    auto metrics = finalMetrics(session, arguments, *input, *report);
    if (!metrics) {
        return fail(std::move(metrics).error());
    }
    Answer answer;
    Json history = Json::array();
    for (const train::HistoryEntry& entry : report->history) {
        history.push_back(toJson(entry));
    }
    answer.json["history"] = std::move(history);
    answer.json["steps"] = report->steps;
    answer.json["step_ms_median"] = number(report->stepMillisecondsMedian);
    answer.json["final"] = std::move(*metrics);
    answer.json["memory"] = std::move(used);
    answer.text = historyTable(report->history);
    if (!arguments.output.empty()) {
        answer.json["output"] = arguments.output;
        answer.text += "\nSaved " + arguments.output + "\n";
    }
    return answer;
}

void addRateOptions(CLI::App& app, TrainArguments& arguments)
{
    train::TrainOptions& options = arguments.options;
    app.add_option("--learning-rate", arguments.learningRate,
                   "Learning rate; overrides --optimizer's");
    app.add_option("--momentum", arguments.momentum, "Momentum; overrides --optimizer's");
    app.add_option("--schedule", options.schedule,
                   "Learning rate over the steps, with Keras' arguments; without decay steps over "
                   "all of the training; default: it stays; one of " +
                       namesOf(train::schedules()));
    app.add_option("--warm-up", options.warmUp,
                   "Steps that lead up to the first learning rate, before the schedule")
        ->capture_default_str();
}

void addSampleOptions(CLI::App& app, TrainArguments& arguments)
{
    train::TrainOptions& options = arguments.options;
    app.add_option("--class-weight", options.classWeight,
                   "What samples of a class count in the loss: 0:1.5,3:2, or balanced; default: "
                   "all 1");
    app.add_option("--sample-weight", arguments.data.recipe.weightKey,
                   "Array of the data file with what each sample counts; default: all 1");
    app.add_option("--augment", options.augment,
                   "Changes images at random, several behind commas: flip,crop(2),shift(0.1); "
                   "known are " +
                       namesOf(train::augmentations()));
}

void addQuantizationOptions(CLI::App& app, TrainArguments& arguments)
{
    train::TrainOptions& options = arguments.options;
    app.add_flag("--from-scratch", arguments.fromScratch,
                 "Start from fresh weights of the layers' initializers instead of the model's");
    app.add_option(
        "--noise", options.noise,
        "Quantize little by little, from none to all: qnoise_scheduler(0,5); default: as "
        "the quantizers say");
    app.add_option("--distill", options.distillation,
                   "Share of the loss, 0 to 1, that draws the outputs to those of a teacher")
        ->capture_default_str();
    app.add_option("--temperature", options.temperature, "Softens both outputs for --distill")
        ->capture_default_str();
    app.add_option("--teacher", arguments.teacher,
                   "Network to learn from with --distill; default: the model in float, as read");
}

} // namespace

Action declareTrain(CLI::App& app)
{
    auto arguments = std::make_shared<TrainArguments>();
    train::TrainOptions& options = arguments->options;
    addModelOptions(app, arguments->model);
    addDataOptions(app, arguments->data, DataArgument::Option);
    app.add_option("--epochs", arguments->epochs,
                   "Passes over the data; default 1, with --max-steps as many as it takes");
    app.add_option("--batch", options.batch, "Samples per step")->capture_default_str();
    app.add_option("--optimizer", options.optimizer,
                   "With Keras' arguments, learning rate first: " + namesOf(train::optimizers()))
        ->capture_default_str();
    app.add_option("--loss", options.loss,
                   "With Keras' arguments; default: cross-entropy for labels, else mse; one of " +
                       namesOf(train::losses()));
    std::vector<std::string> metrics;
    for (const train::MetricInfo& row : train::metrics()) {
        metrics.emplace_back(row.name);
    }
    app.add_option("--metric", arguments->metric, "Metric of the result, beside accuracy")
        ->check(CLI::IsMember(metrics))
        ->capture_default_str();
    app.add_option("--validation", arguments->validation,
                   "Share of the data's end (0.1), or data of their own");
    app.add_flag("--no-shuffle", arguments->noShuffle, "Take the samples in their order");
    app.add_option("--max-steps", options.maxSteps,
                   "Stop after N steps and keep one history entry per step; 0: no limit")
        ->capture_default_str();
    app.add_option("--early-stop", options.earlyStop,
                   "Stop after N epochs without a better validation loss and keep the best "
                   "weights; 0: never")
        ->capture_default_str();
    addRateOptions(app, *arguments);
    addSampleOptions(app, *arguments);
    addQuantizationOptions(app, *arguments);
    app.add_option("--checkpoint", arguments->checkpoint,
                   "Keep the state of the training here, after every epoch and when stopped");
    app.add_flag("--resume", arguments->resume,
                 "Go on from --checkpoint; gives the same bytes as a run without a stop");
    app.add_option("--output", arguments->output, "Write the trained network as Keras HDF5");
    app.add_option("--history", arguments->history, "Write the history as CSV");
    app.footer(callsHelp());
    return [arguments](Session& session) { return runTrain(session, *arguments); };
}

} // namespace bitscape::cli
