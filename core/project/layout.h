// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/graph.h"
#include "core/io/data_file.h"
#include "core/search/calibration.h"
#include "core/search/study.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

// What the writer and the reader of project files must agree on; described in core/io/FORMAT.md.
namespace bitscape::project::layout {

inline constexpr std::string_view kFormatName = "bitscape project";

/// A column of a study's table of trials.
struct TrialColumn {
    const char* name;
    double (*get)(const search::Trial&);
    void (*set)(search::Trial&, double);
};

inline constexpr std::array<TrialColumn, 11> kTrialColumns{{
    {"metric", [](const search::Trial& t) { return t.metric; },
     [](search::Trial& t, double v) { t.metric = v; }},
    {"metric_error", [](const search::Trial& t) { return t.metricError; },
     [](search::Trial& t, double v) { t.metricError = v; }},
    {"score", [](const search::Trial& t) { return t.score; },
     [](search::Trial& t, double v) { t.score = v; }},
    {"bits", [](const search::Trial& t) { return t.cost.bits; },
     [](search::Trial& t, double v) { t.cost.bits = v; }},
    {"activation_bits", [](const search::Trial& t) { return t.cost.activationBits; },
     [](search::Trial& t, double v) { t.cost.activationBits = v; }},
    {"energy_pj", [](const search::Trial& t) { return t.cost.energyPicojoule; },
     [](search::Trial& t, double v) { t.cost.energyPicojoule = v; }},
    {"cycles", [](const search::Trial& t) { return t.cost.cycles; },
     [](search::Trial& t, double v) { t.cost.cycles = v; }},
    {"trial_size", [](const search::Trial& t) { return t.trialSize; },
     [](search::Trial& t, double v) { t.trialSize = v; }},
    {"reference_size", [](const search::Trial& t) { return t.referenceSize; },
     [](search::Trial& t, double v) { t.referenceSize = v; }},
    {"delta", [](const search::Trial& t) { return t.delta; },
     [](search::Trial& t, double v) { t.delta = v; }},
    {"seconds", [](const search::Trial& t) { return t.seconds; },
     [](search::Trial& t, double v) { t.seconds = v; }},
}};

/// A column of the calibration's table of tensors.
struct StatisticColumn {
    const char* name;
    double search::TensorStatistics::*value;
};
inline constexpr std::array<StatisticColumn, 5> kStatisticColumns{{
    {"minimum", &search::TensorStatistics::minimum},
    {"maximum", &search::TensorStatistics::maximum},
    {"sum", &search::TensorStatistics::sum},
    {"sum_of_squares", &search::TensorStatistics::sumOfSquares},
    {"range", &search::TensorStatistics::range},
}};

/// `name` as one or several components of an HDF5 path; "." alone means the group itself there.
[[nodiscard]] inline std::string pathOf(std::string_view name)
{
    return name.empty() || name == "." ? "_" + std::string(name) : std::string(name);
}

/// Where a weight lies below its layer's group.
[[nodiscard]] inline std::string weightPath(const graph::Layer& layer, const graph::Weight& weight)
{
    return weight.fileName.empty() ? layer.name + "/" + weight.name + ":0" : weight.fileName;
}

/// Whether the data set is made by the program itself, so that a file need not keep it.
[[nodiscard]] inline bool isBuiltIn(const io::DataRecipe& recipe)
{
    return recipe.source.starts_with("sample:");
}
inline constexpr Index kStoredBuiltInSamples = 100;

} // namespace bitscape::project::layout
