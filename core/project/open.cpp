// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/io/data_sources.h"
#include "core/project/open_options.h"
#include "core/project/project.h"
#include "core/project/sample.h"
#include "core/project/sample_digits.h"

#include <algorithm>
#include <filesystem>

namespace bitscape::project {

namespace {

io::RawData rawDigits(DigitsPart part)
{
    train::Samples drawn =
        drawDigits(part, part == DigitsPart::Test ? kDigitsTestCount : kDigitsTrainCount);
    const Tensor& images = drawn.inputs.front();
    io::Array array;
    array.shape.assign(images.shape().sizes().begin(), images.shape().sizes().end());
    array.values.assign(images.values().begin(), images.values().end());
    io::RawData raw;
    raw.sha256 = sha256(
        {reinterpret_cast<const char*>(array.values.data()), array.values.size() * sizeof(float)});
    raw.inputs.emplace_back("x", std::move(array));
    raw.labels = std::move(drawn.labels);
    raw.classNames = std::move(drawn.classNames);
    return raw;
}

constexpr std::string_view kSamplePrefix = "sample:";
constexpr std::string_view kProjectSuffix = ".bitscape";

Failure unknownSample(const std::string& argument, std::string_view kind,
                      std::span<const std::string_view> known)
{
    std::vector<std::string> names;
    for (const std::string_view name : known) {
        names.push_back("sample:" + std::string(name));
    }
    const std::string wanted = argument.substr(kSamplePrefix.size());
    const std::string near = nearest(wanted, known);
    return fail(ErrorCode::NotFound,
                "There is no built-in sample " + std::string(kind) + " '" + wanted + "'.", argument,
                (near.empty() ? "" : "Did you mean sample:" + near + "? ") + "There is " +
                    join(names, ", ") + ".");
}

Result<OpenedModel> openSample(const std::string& argument)
{
    const std::string_view name = std::string_view(argument).substr(kSamplePrefix.size());
    const SampleInfo* sample = findSample(name);
    const std::string_view bytes = embeddedFile(std::string(name) + ".h5");
    if (sample == nullptr || bytes.empty()) {
        return unknownSample(argument, "model", embeddedModels());
    }
    auto model = io::loadModelFromMemory(sampleArchitecture(*sample),
                                         std::make_shared<const std::string>(bytes));
    if (!model) {
        return fail(std::move(model).error().in(argument));
    }
    model->path = argument;
    OpenedModel opened;
    opened.configuration = model->quantizers;
    opened.weights = model->graph->weights();
    opened.model = std::make_shared<const io::ModelFile>(std::move(*model));
    return opened;
}

/// "p.bitscape@mixed-A" in its two parts; a file of the whole name wins.
std::pair<std::string, std::string> splitConfiguration(const std::string& argument)
{
    const std::size_t at = argument.rfind(std::string(kProjectSuffix) + "@");
    std::error_code ignored;
    if (at == std::string::npos || std::filesystem::exists(argument, ignored)) {
        return {argument, {}};
    }
    return {argument.substr(0, at + kProjectSuffix.size()),
            argument.substr(at + kProjectSuffix.size() + 1)};
}

Result<OpenedModel> openProjectModel(const std::string& argument)
{
    const auto [path, name] = splitConfiguration(argument);
    auto project = load(path, DataPolicy::Stored);
    if (!project) {
        return fail(std::move(project).error());
    }
    if (project->isEmpty()) {
        return fail(ErrorCode::CorruptFile, "The project holds no model.", path);
    }
    const NamedConfiguration* chosen =
        name.empty() ? &project->currentConfiguration() : project->findConfiguration(name);
    if (chosen == nullptr) {
        std::vector<std::string> names;
        for (const auto& configuration : project->configurations) {
            names.push_back(configuration->configuration.name);
        }
        return fail(ErrorCode::NotFound, "The project has no configuration '" + name + "'.", path,
                    "There is " + join(names, ", ") + ".");
    }
    OpenedModel opened;
    opened.configuration = chosen->configuration;
    opened.weights = chosen->weights ? *chosen->weights : project->graph().weights();
    opened.model = project->model;
    opened.project = std::make_shared<const Project>(std::move(*project));
    return opened;
}

} // namespace

Result<OpenedModel> openModel(const std::string& argument)
{
    return openModel(argument, io::LoadOptions{});
}

Result<OpenedModel> openModel(const std::string& argument, const io::LoadOptions& options)
{
    const bool isFile = !argument.starts_with(kSamplePrefix) &&
                        !splitConfiguration(argument).first.ends_with(kProjectSuffix);
    if (!isFile && !options.architecture.empty()) {
        return fail(ErrorCode::InvalidArgument, "'" + argument + "' holds its architecture.",
                    "--architecture", "Leave the option out.");
    }
    if (argument.starts_with(kSamplePrefix)) {
        return openSample(argument);
    }
    if (splitConfiguration(argument).first.ends_with(kProjectSuffix)) {
        return openProjectModel(argument);
    }
    auto model = io::loadModel(argument, options);
    if (!model) {
        return fail(std::move(model).error());
    }
    OpenedModel opened;
    opened.configuration = model->quantizers;
    opened.weights = model->graph->weights();
    opened.model = std::make_shared<const io::ModelFile>(std::move(*model));
    return opened;
}

Result<io::DataSet> openData(const io::DataRecipe& recipe, const JobContext& job, int threads)
{
    if (!recipe.source.starts_with(kSamplePrefix)) {
        return io::loadData(recipe, job, threads);
    }
    static constexpr std::array<std::string_view, 3> kNames{"digits", "digits:train",
                                                            "digits:test"};
    const std::string_view name = std::string_view(recipe.source).substr(kSamplePrefix.size());
    if (std::ranges::find(kNames, name) == kNames.end()) {
        return unknownSample(recipe.source, "data", kNames);
    }
    if (auto valid = recipe.validate(); !valid) {
        return fail(std::move(valid).error());
    }
    const bool isTest = name == "digits:test";
    return io::prepareData(rawDigits(isTest ? DigitsPart::Test : DigitsPart::Train), recipe, job);
}

Result<Project> sampleProject()
{
    auto project = loadFromMemory(embeddedFile("digits.bitscape"), "sample:digits");
    if (project) {
        project->name = "untitled";
        project->uuid = makeUuid();
        project->created = nowUtc();
    }
    return project;
}

} // namespace bitscape::project
