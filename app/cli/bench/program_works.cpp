// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/bench/networks.h"
#include "app/cli/bench/work.h"
#include "core/hw/qtools.h"
#include "core/io/model_file.h"
#include "core/search/study.h"
#include "core/train/what_if.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace bitscape::bench {

namespace {

constexpr double kValidationShare = 0.25;
constexpr Index kWhatIfImages = 500;

/// A folder that goes away with its owner.
class Folder {
public:
    Folder()
    {
        std::string name = (std::filesystem::temp_directory_path() / "bitscape-bench-XXXXXX");
        ensure(mkdtemp(name.data()) != nullptr, "bench: no temporary folder can be made");
        m_path = name;
    }
    ~Folder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(m_path, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    Folder(Folder&&) = delete;
    Folder& operator=(Folder&&) = delete;

    [[nodiscard]] std::string file(const char* name) const { return m_path / name; }

private:
    std::filesystem::path m_path;
};

Result<Task> qtoolsTask(Parallel& /*parallel*/)
{
    const auto graph = findNetwork("resnet8")->make();
    const auto configuration = fourBits(*graph);
    return Task{.run = [=](const JobContext&) {
        return timed([&] { return hw::qtoolsEstimate(*graph, configuration, {}); });
    }};
}

Result<Task> openTask(Parallel& /*parallel*/)
{
    const auto folder = std::make_shared<const Folder>();
    const auto graph = findNetwork("resnet8")->make();
    if (auto saved = io::saveKerasH5(folder->file("resnet8.h5"), *graph, graph->weights(), {});
        !saved) {
        return fail(std::move(saved).error());
    }
    return Task{.run = [folder](const JobContext&) {
        return timed([&] { return io::loadModel(folder->file("resnet8.h5")); });
    }};
}

/// The command line from its start to its end, saying its version. It lies beside this program.
Result<Task> startTask(Parallel& /*parallel*/)
{
    std::error_code ignored;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", ignored);
    return Task{.run = [path = self.parent_path() /
                               "bitscape-cli"](const JobContext&) -> Result<double> {
        int status = -1;
        const double seconds = secondsOf([&] {
            posix_spawn_file_actions_t actions;
            posix_spawn_file_actions_init(&actions);
            posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
            std::string program = path, option = "--version";
            char* arguments[] = {program.data(), option.data(), nullptr};
            pid_t child = 0;
            if (posix_spawn(&child, program.c_str(), &actions, nullptr, arguments, environ) == 0) {
                waitpid(child, &status, 0);
            }
            posix_spawn_file_actions_destroy(&actions);
        });
        return status == 0 ? Result<double>(seconds)
                           : fail(ErrorCode::Io, path.string() + " could not be started.");
    }};
}

/// Every edit of a walk through the kernels of a network: another layer each time, other bits in
/// each round, so that none is known already.
class Edits {
public:
    explicit Edits(graph::GraphPtr graph) : m_graph(std::move(graph)), m_base(fourBits(*m_graph))
    {
        for (const graph::Layer& layer : m_graph->layers()) {
            if (m_base.find(layer.name, graph::Slot::Kernel)) {
                m_layers.push_back(layer.name);
            }
        }
    }

    [[nodiscard]] const graph::Configuration& base() const { return m_base; }
    graph::Configuration next()
    {
        graph::Configuration edited = m_base;
        const std::size_t round = m_count / m_layers.size();
        const auto text = fmt::format("quantized_bits({},{},1)", 2 + round % 15, round / 15);
        edited.set(m_layers[m_count++ % m_layers.size()], graph::Slot::Kernel,
                   quant::parseQuantizer(text).value());
        return edited;
    }

private:
    graph::GraphPtr m_graph;
    graph::Configuration m_base;
    std::vector<std::string> m_layers;
    std::size_t m_count = 0;
};

/// One layer's bits changed: accuracy on 500 images.
Result<Task> whatIfTask(Parallel& parallel)
{
    const Network& network = *findNetwork("resnet8");
    const graph::GraphPtr graph = network.make();
    const auto whatIf = std::make_shared<train::WhatIf>(
        graph, graph->weights(), randomSamples(network, *graph, kWhatIfImages));
    const auto edits = std::make_shared<Edits>(graph);
    if (auto known = whatIf->evaluate(edits->base(), parallel); !known) {
        return fail(std::move(known).error());
    }
    return Task{.run = [whatIf, edits, &parallel](const JobContext& job) {
        const graph::Configuration edited = edits->next();
        return timed([&] { return whatIf->evaluate(edited, parallel, job); });
    }};
}

/// AutoQ as a user starts it: trials side by side, each trained from fresh weights.
Work searchWork(const char* network, int trials, int epochs, Index images)
{
    return {.name = std::string("search/") + network,
            .prepare = [=](Parallel& parallel) -> Result<Task> {
                const Network& row = *findNetwork(network);
                search::SearchInput input;
                input.graph = row.make();
                input.weights = input.graph->weights();
                train::Split split =
                    train::splitLast(*randomSamples(row, *input.graph, images), kValidationShare);
                input.train = std::make_shared<const train::Samples>(std::move(split.train));
                input.validation =
                    std::make_shared<const train::Samples>(std::move(split.validation));
                search::Study study;
                study.description.configJson = search::defaultConfig("bits");
                study.description.trials = trials;
                study.description.epochs = epochs;
                study.description.batch = row.batch;
                study.description.validationShare = kValidationShare;
                return Task{.run = [=, &parallel](const JobContext& job) {
                    return timed([&] {
                        return search::run(input, study, parallel.threads(), job,
                                           [](const search::Study&, const search::Trial&) {
                                               return Result<void>();
                                           });
                    });
                }};
            }};
}

} // namespace

std::vector<Work> programWorks()
{
    return {
        {.name = "qtools/resnet8", .isParallel = false, .prepare = qtoolsTask},
        {.name = "open/resnet8.h5", .isParallel = false, .prepare = openTask},
        {.name = "start/version", .isParallel = false, .prepare = startTask},
        {.name = "what-if/resnet8", .prepare = whatIfTask},
        searchWork("notebook", 5, 1, 10'000),
        searchWork("example-cnn", 10, 3, 10'000),
    };
}

} // namespace bitscape::bench
