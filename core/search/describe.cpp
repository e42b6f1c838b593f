// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/search/autoq_space.h"
#include "core/search/limits.h"
#include "core/search/study.h"

#include <fmt/format.h>

#include <algorithm>

namespace bitscape::search {

namespace {

SizeInput sizeInput(const SearchInput& input)
{
    return {*input.graph, input.sequential, input.cost, input.energy};
}

/// Quantizers of the space that this release cannot make, once each.
void warnOfUnusable(SpaceReport& report)
{
    std::vector<std::string> unusable;
    for (const Choice& choice : report.choices) {
        for (const std::string& value : choice.values) {
            if (!quant::parseQuantizer(value) &&
                std::ranges::find(unusable, value) == unusable.end()) {
                unusable.push_back(value);
            }
        }
    }
    if (!unusable.empty()) {
        report.warnings.push_back({"not_drawn",
                                   "Quantizers that this release does not have are not drawn: " +
                                       join(unusable, ", ") + ".",
                                   "quantization_config"});
    }
}

Result<void> requireKnown(const SpaceReport& space,
                          const std::map<std::string, std::string>& assignment)
{
    for (const auto& [name, value] : assignment) {
        const auto choice = std::ranges::find(space.choices, name, &Choice::name);
        if (choice == space.choices.end()) {
            std::vector<std::string> known;
            for (const Choice& candidate : space.choices) {
                known.push_back(candidate.name);
            }
            const std::string near = nearest(name, known);
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("The space has no hyper-parameter '{}'.", name), name,
                        near.empty() ? "" : "Did you mean '" + near + "'?");
        }
        if (std::ranges::find(choice->values, value) == choice->values.end()) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("'{}' is not among its values.", value), name,
                        "Values are " + join(choice->values, ", ") + ".");
        }
    }
    return {};
}

Result<void> put(graph::Configuration& configuration, const std::string& layer, graph::Slot slot,
                 const std::string& text)
{
    auto quantizer = quant::parseQuantizer(text);
    if (!quantizer) {
        return fail(std::move(quantizer).error().in("layer " + layer));
    }
    configuration.set(layer, slot, std::move(*quantizer));
    return {};
}

struct Difference {
    const char* what;
    bool differs;
};

} // namespace

Result<SpaceReport> describe(const SearchInput& input, const StudyDescription& description)
{
    ensure(input.graph != nullptr, "describe: no network");
    if (auto ok = graph::requireSupported(*input.graph); !ok) {
        return fail(std::move(ok).error());
    }
    auto config = parseAutoqConfig(description.configJson.empty() ? defaultConfig(description.goal)
                                                                  : description.configJson);
    if (!config) {
        return fail(std::move(config).error());
    }
    auto limits = Limits::make(description.limits);
    if (!limits) {
        return fail(std::move(limits).error());
    }
    SpaceReport report;
    report.factor = config->factor;
    report.transferWeights = config->transferWeights;
    report.warnings = config->warnings;
    if (auto ok = buildSpace(*input.graph, input.sequential, *config, report); !ok) {
        return fail(std::move(ok).error());
    }
    warnOfUnusable(report);
    auto reference = report.factor.referenceSize(sizeInput(input), input.base);
    if (!reference) {
        return fail(std::move(reference).error());
    }
    report.referenceSize = *reference;
    auto trial = report.factor.size(sizeInput(input), input.base);
    if (!trial) {
        return fail(std::move(trial).error());
    }
    report.trialSize = *trial;
    report.delta = report.factor.delta(report.referenceSize, report.trialSize);
    if (auto ok = limits->requireReachable(input, report); !ok) {
        return fail(std::move(ok).error());
    }
    return report;
}

Result<graph::Configuration> configurationOf(const SearchInput& input, const SpaceReport& space,
                                             const std::map<std::string, std::string>& assignment)
{
    if (auto ok = requireKnown(space, assignment); !ok) {
        return fail(std::move(ok).error());
    }
    graph::Configuration configuration = input.base;
    for (const Choice& choice : space.choices) {
        const auto chosen = assignment.find(choice.name);
        const std::string& text = chosen == assignment.end() ? choice.defaultValue : chosen->second;
        for (const Choice::Target& target : choice.targets) {
            if (auto ok = put(configuration, target.layer, target.slot, text); !ok) {
                return fail(std::move(ok).error());
            }
        }
    }
    for (const auto& [layer, text] : space.embedded) {
        if (auto ok = put(configuration, layer, graph::Slot::Activation, text); !ok) {
            return fail(std::move(ok).error());
        }
    }
    for (const std::string& layer : space.convertedNorms) {
        configuration.layers.try_emplace(layer); // a Q twin whose tensors stay float
    }
    return configuration;
}

Result<TrialSize> measure(const SearchInput& input, const SpaceReport& space,
                          const graph::Configuration& configuration)
{
    TrialSize measured;
    if (input.cost) {
        auto cost = input.cost(*input.graph, configuration);
        if (!cost) {
            return fail(std::move(cost).error());
        }
        measured.cost = *cost;
    }
    ForgivingFactor bits = space.factor;
    bits.kind = ForgivingFactor::Kind::Bits;
    auto counted = bits.size(sizeInput(input), configuration);
    auto size = space.factor.kind == ForgivingFactor::Kind::Bits
                    ? counted
                    : space.factor.size(sizeInput(input), configuration);
    if (!counted || !size) {
        return fail(std::move(counted ? size : counted).error());
    }
    measured.cost.bits = *counted;
    measured.size = *size;
    measured.delta = space.factor.delta(space.referenceSize, *size);
    return measured;
}

Result<void> requireSame(const StudyDescription& stored, const StudyDescription& wanted)
{
    const Difference differences[] = {
        {"the model, its weights or its quantizers", stored.baseHash != wanted.baseHash},
        {"the data", stored.dataDescription != wanted.dataDescription},
        {"the validation part", stored.validationShare != wanted.validationShare},
        {"the AutoQKeras configuration or goal",
         stored.configJson != wanted.configJson || stored.goal != wanted.goal},
        {"the limits", stored.limits != wanted.limits},
        {"--tuner", stored.tuner != wanted.tuner},
        {"--epochs", stored.epochs != wanted.epochs},
        {"--batch", stored.batch != wanted.batch},
        {"--optimizer", stored.optimizer != wanted.optimizer},
        {"--loss", stored.loss != wanted.loss},
        {"--seed", stored.seed != wanted.seed},
    };
    std::vector<std::string> named;
    for (const Difference& difference : differences) {
        if (difference.differs) {
            named.emplace_back(difference.what);
        }
    }
    if (named.empty()) {
        return {};
    }
    return fail(ErrorCode::InvalidArgument,
                "The stored search cannot be resumed: it differs in " + join(named, ", ") + ".",
                "--resume", "Use the options it was started with, or start a new search.");
}

} // namespace bitscape::search
