// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/project.h"

#include "core/base/text.h"
#include "core/project/codec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <random>

namespace bitscape::project {

namespace {

std::string weightsHash(const graph::WeightSet& weights)
{
    std::string digests;
    for (const TensorPtr& weight : weights) {
        const std::span<const float> values = weight->values();
        digests += sha256({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
    }
    return sha256(digests);
}

std::string hashOf(const Project& project, const graph::Configuration& quantizers)
{
    const auto& weights = project.currentConfiguration().weights;
    return sha256(project.model->sha256 + "\n" +
                  (weights ? weightsHash(*weights) : std::string("model")) + "\n" +
                  quantizers.hash());
}

} // namespace

std::string makeUuid()
{
    std::random_device device;
    std::array<unsigned, 4> words{};
    std::generate(words.begin(), words.end(), [&] { return device(); });
    return fmt::format("{:08x}-{:04x}-4{:03x}-{:x}{:03x}-{:04x}{:08x}", words[0], words[1] >> 16U,
                       words[1] & 0xfffU, 8U | (words[2] >> 30U), (words[2] >> 16U) & 0xfffU,
                       words[2] & 0xffffU, words[3]);
}

std::string nowUtc()
{
    const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::tm parts{};
    gmtime_r(&now, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900,
                       parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

const NamedConfiguration& Project::currentConfiguration() const
{
    ensure(current >= 0 && static_cast<std::size_t>(current) < configurations.size(),
           "a project with a model has a current configuration");
    return *configurations[static_cast<std::size_t>(current)];
}

graph::WeightSet Project::currentWeights() const
{
    const NamedConfiguration& chosen = currentConfiguration();
    return chosen.weights ? *chosen.weights : graph().weights();
}

const NamedConfiguration* Project::findConfiguration(std::string_view wanted) const
{
    const auto found = std::find_if(configurations.begin(), configurations.end(),
                                    [&](const auto& c) { return c->configuration.name == wanted; });
    return found == configurations.end() ? nullptr : found->get();
}

void Project::putConfiguration(NamedConfiguration configuration)
{
    auto shared = std::make_shared<const NamedConfiguration>(std::move(configuration));
    const auto same =
        std::find_if(configurations.begin(), configurations.end(), [&](const auto& c) {
            return c->configuration.name == shared->configuration.name;
        });
    current = static_cast<int>(same - configurations.begin());
    if (same == configurations.end()) {
        configurations.push_back(std::move(shared));
    } else {
        *same = std::move(shared);
    }
}

void Project::editCurrent(const std::function<void(graph::Configuration&)>& edit)
{
    NamedConfiguration edited = currentConfiguration();
    edit(edited.configuration);
    edited.measured.reset();
    configurations[static_cast<std::size_t>(current)] =
        std::make_shared<const NamedConfiguration>(std::move(edited));
}

void Project::putData(io::DataSet set)
{
    dataCount = set.samples->count();
    data = std::make_shared<const io::DataSet>(std::move(set));
}

Project makeProject(std::shared_ptr<const io::ModelFile> model)
{
    ensure(model != nullptr && model->graph != nullptr, "a project is made around a model");
    Project project;
    project.name = model->graph->name().empty() ? "untitled" : model->graph->name();
    project.uuid = makeUuid();
    project.created = nowUtc();
    project.modified = project.created;
    project.accelerator = hw::accelerators().front();
    NamedConfiguration first;
    first.configuration = model->quantizers;
    project.model = std::move(model);
    project.putConfiguration(std::move(first));
    return project;
}

search::CostFunction costFunction(hw::Accelerator accelerator)
{
    return [accelerator = std::move(accelerator)](
               const graph::Graph& graph,
               const graph::Configuration& configuration) -> Result<search::Cost> {
        auto energy = hw::qtoolsEstimate(graph, configuration, {});
        if (!energy) {
            return fail(std::move(energy).error());
        }
        auto hardware = hw::hardwareCost(graph, configuration, accelerator);
        if (!hardware) {
            return fail(std::move(hardware).error());
        }
        search::Cost cost;
        cost.bits = static_cast<double>(hw::packedWeightBits(graph, configuration));
        cost.activationBits = static_cast<double>(energy->activationBits);
        cost.energyPicojoule = energy->totalPicojoule;
        cost.cycles = static_cast<double>(hardware->cycles);
        return cost;
    };
}

search::EnergyFunction energyFunction()
{
    return [](const graph::Graph& graph, const graph::Configuration& configuration,
              const search::EnergyRequest& request) -> Result<double> {
        hw::QToolsOptions options;
        options.process = request.process;
        options.weightsOn = request.parametersOn;
        options.activationsOn = request.activationsOn;
        options.minimumSramBits = request.minimumSramBits;
        options.readWriteIo = request.readWriteIo;
        options.sourceQuantizers = request.sourceQuantizers;
        options.kerasQuantizer = request.kerasQuantizer;
        options.accumulator = request.accumulator;
        options.forReference = request.forReference;
        options.inference = request.inference;
        auto estimate = hw::qtoolsEstimate(graph, configuration, options);
        if (!estimate) {
            return fail(std::move(estimate).error());
        }
        return estimate->totalPicojoule;
    };
}

Result<search::SearchInput> searchInput(const Project& project)
{
    if (project.isEmpty()) {
        return fail(ErrorCode::InvalidArgument, "The project holds no model.", "",
                    "Open one first.");
    }
    if (!project.data) {
        return fail(ErrorCode::InvalidArgument, "The project holds no data.", "",
                    "Give data with --data, or load them on the Calibrate page.");
    }
    const graph::Graph& graph = project.graph();
    std::vector<std::string> names;
    std::vector<Shape> shapes;
    for (const int input : graph.inputs()) {
        names.push_back(graph.layer(input).name);
        shapes.push_back(graph.layer(input).outputShape);
    }
    auto samples = io::fitToInputs(project.data->samples, names, shapes);
    if (!samples) {
        return fail(std::move(samples).error());
    }
    train::Split split = train::splitLast(**samples, project.validationShare);
    search::SearchInput input;
    input.graph = project.model->graph;
    input.weights = project.currentWeights();
    input.base = project.model->quantizers;
    input.train = std::make_shared<const train::Samples>(std::move(split.train));
    input.validation = std::make_shared<const train::Samples>(std::move(split.validation));
    input.cost = costFunction(project.accelerator);
    input.energy = energyFunction();
    const Json architecture = Json::parse(project.model->architecture, nullptr, false);
    input.sequential =
        architecture.is_object() && architecture.value("class_name", "") == "Sequential";
    return input;
}

std::string stateHash(const Project& project)
{
    return hashOf(project, project.currentConfiguration().configuration);
}

std::string studyBaseHash(const Project& project)
{
    return hashOf(project, project.model->quantizers);
}

} // namespace bitscape::project
