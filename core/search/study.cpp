// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/search/study.h"

#include <algorithm>
#include <limits>

namespace bitscape::search {

namespace {

std::vector<const Trial*> finished(const std::vector<Trial>& trials)
{
    std::vector<const Trial*> list;
    for (const Trial& trial : trials) {
        if (trial.state == TrialState::Complete) {
            list.push_back(&trial);
        }
    }
    return list;
}

bool dominates(const Trial& a, const Trial& b)
{
    return a.metric >= b.metric && a.cost.bits <= b.cost.bits &&
           (a.metric > b.metric || a.cost.bits < b.cost.bits);
}

std::vector<const Trial*> frontOf(const std::vector<Trial>& trials)
{
    const std::vector<const Trial*> all = finished(trials);
    std::vector<const Trial*> front;
    std::ranges::copy_if(all, std::back_inserter(front), [&](const Trial* trial) {
        return std::ranges::none_of(all,
                                    [&](const Trial* other) { return dominates(*other, *trial); });
    });
    std::ranges::stable_sort(front, {}, [](const Trial* trial) { return trial->cost.bits; });
    return front;
}

} // namespace

std::string_view name(TrialState state)
{
    switch (state) {
    case TrialState::Waiting:
        return "waiting";
    case TrialState::Running:
        return "running";
    case TrialState::Complete:
        return "complete";
    case TrialState::Failed:
        return "failed";
    }
    return "";
}

const Trial* Study::best() const
{
    const Trial* best = nullptr;
    for (const Trial* trial : finished(trials)) {
        if (best == nullptr || trial->score > best->score ||
            (trial->score == best->score && trial->number < best->number)) {
            best = trial;
        }
    }
    return best;
}

std::vector<int> Study::front() const
{
    std::vector<int> numbers;
    for (const Trial* trial : frontOf(trials)) {
        numbers.push_back(trial->number);
    }
    return numbers;
}

double Study::hypervolume() const
{
    double largest = description.goal == "bits" ? referenceSize : 0.0;
    double worst = 0.0;
    for (const Trial* trial : finished(trials)) {
        largest = std::max(largest, trial->cost.bits);
        worst = std::min(worst, trial->metric);
    }
    if (!(largest > 0)) {
        return 0.0;
    }
    double volume = 0;
    double reached = worst; // metric of the front's cheaper members
    for (const Trial* trial : frontOf(trials)) {
        volume += (1.0 - trial->cost.bits / largest) * (trial->metric - reached);
        reached = trial->metric;
    }
    return volume;
}

} // namespace bitscape::search
