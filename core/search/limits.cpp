// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/search/limits.h"

#include "core/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bitscape::search {

namespace {

struct CostRow {
    std::string_view name, unit;
    double Cost::*value;
};

constexpr CostRow kCosts[] = {{"bits", "bits", &Cost::bits},
                              {"energy", "pJ", &Cost::energyPicojoule},
                              {"cycles", "cycles", &Cost::cycles}};

const CostRow* findCost(std::string_view name)
{
    const auto* found = std::ranges::find(kCosts, name, &CostRow::name);
    return found == std::end(kCosts) ? nullptr : found;
}

int bitsOf(const std::string& value)
{
    const auto quantizer = quant::parseQuantizer(value);
    return quantizer ? (*quantizer)->bits() : 0;
}

Result<double> costOf(const SearchInput& input, const SpaceReport& space,
                      const Assignment& assignment, const CostRow& row)
{
    auto configuration = configurationOf(input, space, assignment);
    if (!configuration) {
        return fail(std::move(configuration).error());
    }
    auto measured = measure(input, space, *configuration);
    if (!measured) {
        return fail(std::move(measured).error());
    }
    return measured->cost.*row.value;
}

/// The assignment with the fewest (or most) bits everywhere.
Assignment extreme(const SpaceReport& space, bool least)
{
    Assignment assignment;
    for (const Choice& choice : space.choices) {
        const std::vector<std::string> values = byBits(choice);
        if (!values.empty()) {
            assignment[choice.name] = least ? values.front() : values.back();
        }
    }
    return assignment;
}

/// Changes one choice after the other as long as that helps; `sign` 1 seeks the least cost, −1 the
/// largest.
Result<double> seek(const SearchInput& input, const SpaceReport& space, const CostRow& row,
                    double sign)
{
    Assignment assignment = extreme(space, sign > 0);
    auto best = costOf(input, space, assignment, row);
    if (!best || row.value == &Cost::bits) {
        return best; // bits add up over choices, so the extreme assignment is the extreme
    }
    for (const Choice& choice : space.choices) {
        std::string kept = assignment[choice.name];
        for (const std::string& value : usableValues(choice)) {
            assignment[choice.name] = value;
            auto cost = costOf(input, space, assignment, row);
            if (!cost) {
                return cost;
            }
            if (sign * *cost < sign * *best) {
                best = cost;
                kept = value;
            }
        }
        assignment[choice.name] = kept;
    }
    return best;
}

} // namespace

std::vector<std::string> usableValues(const Choice& choice)
{
    std::vector<std::string> values;
    std::ranges::copy_if(choice.values, std::back_inserter(values), [](const std::string& value) {
        return quant::parseQuantizer(value).has_value();
    });
    return values;
}

std::vector<std::string> byBits(const Choice& choice)
{
    std::vector<std::string> values = usableValues(choice);
    std::ranges::stable_sort(values, {}, &bitsOf);
    return values;
}

Result<Limits> Limits::make(const std::map<std::string, double>& bounds)
{
    for (const auto& [name, bound] : bounds) {
        if (findCost(name) == nullptr) {
            std::vector<std::string> known;
            for (const CostRow& row : kCosts) {
                known.emplace_back(row.name);
            }
            return fail(ErrorCode::InvalidArgument, fmt::format("There is no cost '{}'.", name),
                        "--limit", "Costs are " + join(known, ", ") + ".");
        }
        if (!(bound > 0) || !std::isfinite(bound)) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("The limit {} = {} is not positive.", name, bound), "--limit");
        }
    }
    Limits limits;
    limits.m_bounds = bounds;
    return limits;
}

bool Limits::allow(const Cost& cost) const
{
    return std::ranges::all_of(m_bounds, [&](const auto& bound) {
        return cost.*(findCost(bound.first)->value) <= bound.second;
    });
}

Result<void> Limits::requireReachable(const SearchInput& input, const SpaceReport& space) const
{
    for (const auto& [name, bound] : m_bounds) {
        const CostRow& row = *findCost(name);
        auto least = seek(input, space, row, 1.0);
        if (!least) {
            return fail(std::move(least).error());
        }
        if (*least <= bound) {
            continue;
        }
        auto most = seek(input, space, row, -1.0);
        if (!most) {
            return fail(std::move(most).error());
        }
        return fail(
            ErrorCode::Infeasible,
            fmt::format("No configuration meets the limit {} = {}: {} to {} {} can be "
                        "reached.",
                        name, bound, *least, *most, row.unit),
            fmt::format("limit {}", name),
            fmt::format("Raise the limit to at least {} or allow smaller quantizers.", *least));
    }
    return {};
}

} // namespace bitscape::search
