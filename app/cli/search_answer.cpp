// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/search_answer.h"

#include "core/io/model_file.h"

#include <fmt/format.h>

#include <algorithm>

namespace bitscape::cli {

namespace {

Json spaceJson(const search::SpaceReport& space)
{
    Json list = Json::array();
    for (const search::Choice& choice : space.choices) {
        list.push_back({{"name", choice.name},
                        {"type", choice.values.size() == 1 ? "Fixed" : "Choice"},
                        {"values", choice.values},
                        {"default", choice.defaultValue}});
    }
    return list;
}

Json costJson(const search::Cost& cost)
{
    return {{"bits", number(cost.bits)},
            {"energy_pj", number(cost.energyPicojoule)},
            {"cycles", number(cost.cycles)}};
}

/// Quantizers as a built model shows them: QKeras layers promote those of their kernels.
graph::Configuration asBuilt(graph::Configuration configuration)
{
    for (auto& [layer, quantizers] : configuration.layers) {
        for (auto& [slot, quantizer] : quantizers) {
            const bool isKernel = slot == graph::Slot::Kernel || slot == graph::Slot::Depthwise ||
                                  slot == graph::Slot::Pointwise;
            const auto promoted = isKernel ? quantizer->promotedForKernel() : nullptr;
            quantizer = promoted ? promoted : quantizer;
        }
    }
    return configuration;
}

std::string spaceTable(const search::SpaceReport& space)
{
    std::vector<std::vector<std::string>> rows{{"hyper-parameter", "values", "default"}};
    for (const search::Choice& choice : space.choices) {
        rows.push_back({choice.name, std::to_string(choice.values.size()), choice.defaultValue});
    }
    return table(rows, {false, true, false});
}

std::string trialTable(const search::Study& study, const std::vector<int>& front)
{
    std::vector<std::vector<std::string>> rows{
        {"trial", "state", "metric", "score", "bits", "energy pJ", "cycles", "seconds", ""}};
    const search::Trial* best = study.best();
    for (const search::Trial& trial : study.trials) {
        std::string mark = std::ranges::find(front, trial.number) != front.end() ? "front" : "";
        if (&trial == best) {
            mark += mark.empty() ? "best" : ", best";
        }
        const bool complete = trial.state == search::TrialState::Complete;
        rows.push_back({std::to_string(trial.number), std::string(name(trial.state)),
                        complete ? fmt::format("{:.4f}", trial.metric) : "–",
                        complete ? fmt::format("{:.4f}", trial.score) : "–",
                        fmt::format("{:.0f}", trial.cost.bits),
                        fmt::format("{:.0f}", trial.cost.energyPicojoule),
                        fmt::format("{:.0f}", trial.cost.cycles),
                        fmt::format("{:.1f}", trial.seconds), complete ? mark : trial.failure});
    }
    return table(rows, {true, false, true, true, true, true, true, true, false});
}

} // namespace

Json trialJson(const graph::Graph& graph, const search::Trial& trial)
{
    Json json{{"number", trial.number},
              {"state", name(trial.state)},
              {"map", Json::parse(graph::toMap(graph, trial.configuration))},
              {"metric", number(trial.metric)},
              {"score", number(trial.score)},
              {"cost", costJson(trial.cost)},
              {"seconds", number(trial.seconds)},
              {"seed", trial.seed},
              {"trial_size", number(trial.trialSize)},
              {"reference_size", number(trial.referenceSize)},
              {"delta", number(trial.delta)}};
    if (!trial.failure.empty()) {
        json["failure"] = trial.failure;
    }
    return json;
}

Result<Answer> describeSpace(const search::SearchInput& input, const search::SpaceReport& space,
                             const std::map<std::string, std::string>* assignment,
                             std::optional<double> metric)
{
    Answer answer;
    double size = space.trialSize;
    double delta = space.delta;
    if (assignment != nullptr) {
        auto configuration = search::configurationOf(input, space, *assignment);
        if (!configuration) {
            return fail(std::move(configuration).error().in("--assign"));
        }
        auto measured = search::measure(input, space, *configuration);
        if (!measured) {
            return fail(std::move(measured).error());
        }
        size = measured->size;
        delta = measured->delta;
        answer.json["model"] =
            Json::parse(io::toKerasJson(*input.graph, asBuilt(std::move(*configuration))));
        answer.json["cost"] = costJson(measured->cost);
    }
    answer.json["space"] = spaceJson(space);
    answer.json["reference_size"] = number(space.referenceSize);
    answer.json["trial_size"] = number(size);
    answer.json["delta"] = number(delta);
    answer.text = spaceTable(space);
    answer.text += fmt::format("\nreference size {:.0f}, size {:.0f}, delta {:+.4f}\n",
                               space.referenceSize, size, delta);
    if (metric) {
        const double score = space.factor.score(*metric, delta);
        answer.json["score"] = number(score);
        answer.text += fmt::format("score of metric {} is {:.6f}\n", *metric, score);
    }
    return answer;
}

Result<Answer> describeStudy(const search::SearchInput& input, const search::SpaceReport& space,
                             const search::Study& study)
{
    auto reference = search::measure(input, space, input.base);
    if (!reference) {
        return fail(std::move(reference).error());
    }
    Answer answer;
    Json trials = Json::array();
    for (const search::Trial& trial : study.trials) {
        trials.push_back(trialJson(*input.graph, trial));
    }
    const std::vector<int> front = study.front();
    const search::Trial* best = study.best();
    answer.json["trials"] = std::move(trials);
    answer.json["best"] = best == nullptr ? Json(nullptr) : Json(best->number);
    answer.json["front"] = front;
    answer.json["hypervolume"] = number(study.hypervolume());
    answer.json["reference"] = {{"goal", study.description.goal},
                                {"size", number(study.referenceSize)},
                                {"cost", costJson(reference->cost)}};
    answer.json["space"] = spaceJson(space);
    answer.text = trialTable(study, front);
    return answer;
}

} // namespace bitscape::cli
