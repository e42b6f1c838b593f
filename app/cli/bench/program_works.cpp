// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/bench/networks.h"
#include "app/cli/bench/work.h"
#include "core/hw/qtools.h"
#include "core/io/model_file.h"
#include "core/search/study.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace bitscape::bench {

namespace {

constexpr double kValidationShare = 0.25;

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
    return Task{.run = [=] {
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
    return Task{.run = [folder] {
        return timed([&] { return io::loadModel(folder->file("resnet8.h5")); });
    }};
}

/// The command line from its start to its end, saying its version. It lies beside this program.
Result<Task> startTask(Parallel& /*parallel*/)
{
    std::error_code ignored;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", ignored);
    return Task{.run = [path = self.parent_path() / "bitscape-cli"]() -> Result<double> {
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
                return Task{.run = [=, &parallel] {
                    return timed([&] {
                        return search::run(input, study, parallel.threads(), {},
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
        searchWork("notebook", 5, 1, 10'000),
        searchWork("example-cnn", 10, 3, 10'000),
    };
}

} // namespace bitscape::bench
