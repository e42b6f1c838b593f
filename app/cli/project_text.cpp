// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/project_text.h"

#include "app/cli/search_answer.h"
#include "core/project/numbers.h"

#include <fmt/format.h>

#include <algorithm>

namespace bitscape::cli {

Json trialsJson(const project::Project& project, const search::Study& study)
{
    Json trials = Json::array();
    for (const search::Trial& trial : study.trials) {
        trials.push_back(trialJson(project.graph(), trial));
    }
    return trials;
}

std::string trialsText(const search::Study& study, bool onlyFront)
{
    const std::vector<int> front = study.front();
    std::vector<std::vector<std::string>> rows{
        {"Trial", "Front", "Accuracy", "± pt", "Score", "Bits", "Energy", "Cycles", "State"}};
    for (const search::Trial& trial : study.trials) {
        const bool isOnFront = std::find(front.begin(), front.end(), trial.number) != front.end();
        if (onlyFront && !isOnFront) {
            continue;
        }
        rows.push_back(
            {fmt::format("{}", trial.number), isOnFront ? "■" : "", project::percent(trial.metric),
             project::fixed(100 * trial.metricError, 2), project::fixed(trial.score, 4),
             project::grouped(trial.cost.bits), project::energy(trial.cost.energyPicojoule),
             project::grouped(trial.cost.cycles), std::string(search::name(trial.state))});
    }
    return table(rows, {true, false, true, true, true, true, true, true, false});
}

Json configurationsJson(const project::Project& project)
{
    Json list = Json::array();
    for (std::size_t i = 0; i < project.configurations.size(); ++i) {
        const project::NamedConfiguration& named = *project.configurations[i];
        Json measured = nullptr;
        if (named.measured) {
            measured = {{"accuracy", number(named.measured->accuracy)},
                        {"standard_error", number(named.measured->standardError)},
                        {"count", named.measured->count},
                        {"data", named.measured->dataDescription}};
        }
        list.push_back({{"name", named.configuration.name},
                        {"current", static_cast<int>(i) == project.current},
                        {"hash", named.configuration.hash()},
                        {"weights", named.weights ? "own" : "model"},
                        {"measured", std::move(measured)}});
    }
    return list;
}

std::string configurationsText(const project::Project& project)
{
    std::vector<std::vector<std::string>> rows{
        {"Configuration", "Accuracy", "± pt", "Samples", "Data", "Weights of"}};
    for (std::size_t i = 0; i < project.configurations.size(); ++i) {
        const project::NamedConfiguration& named = *project.configurations[i];
        const auto& measured = named.measured;
        rows.push_back(
            {named.configuration.name + (static_cast<int>(i) == project.current ? " *" : ""),
             measured ? project::percent(measured->accuracy) : "—",
             measured ? project::fixed(100 * measured->standardError, 2) : "—",
             measured ? project::grouped(static_cast<double>(measured->count)) : "—",
             measured ? measured->dataDescription : "—", named.weights ? "its own" : "the model"});
    }
    return table(rows, {false, true, true, true, false, false});
}

} // namespace bitscape::cli
