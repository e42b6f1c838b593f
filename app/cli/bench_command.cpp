// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/bench/networks.h"
#include "app/cli/bench/work.h"
#include "app/cli/commands.h"
#include "app/cli/execution_mode.h"
#include "app/cli/inputs.h"
#include "core/project/exports.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <regex>

namespace bitscape::cli {

namespace {

using bench::Bound;
using bench::Limits;
using bench::Task;
using bench::Timing;
using bench::Work;

constexpr double kLimitSeconds = 0.3; // at least: a processor needs time to reach its speed

struct BenchArguments {
    ModelOptions model;
    ModeOption mode;
    std::string only, networks;
    double seconds = 0.5;
    bool list = false;
};

/// A work measured with a number of threads.
struct Figure {
    std::string name;
    int threads = 1;
    Task task;
    Timing timing;
    std::optional<double> share; ///< of the limit that bounds it

    [[nodiscard]] double perSecond(double amount) const { return amount / timing.seconds; }
};

std::optional<double> shareOf(const Work& work, const Task& task, const Timing& timing,
                              const Limits& limits)
{
    switch (work.bound) {
    case Bound::Compute:
        return task.flops / timing.seconds / limits.sgemm;
    case Bound::Memory:
        return task.bytes / timing.seconds / limits.copy;
    case Bound::None:
        break;
    }
    return std::nullopt;
}

std::string timeText(double seconds)
{
    return seconds >= 1.0    ? fmt::format("{:.2f} s", seconds)
           : seconds >= 1e-3 ? fmt::format("{:.3g} ms", seconds * 1e3)
                             : fmt::format("{:.3g} µs", seconds * 1e6);
}

std::string rateText(const Figure& figure)
{
    if (figure.task.flops > 0) {
        return fmt::format("{:.1f} GFLOP/s", figure.perSecond(figure.task.flops) / 1e9);
    }
    return figure.task.bytes > 0
               ? fmt::format("{:.1f} GB/s", figure.perSecond(figure.task.bytes) / 1e9)
               : std::string();
}

Json asJson(const Figure& figure)
{
    Json json{{"name", figure.name},
              {"threads", figure.threads},
              {"seconds", figure.timing.seconds},
              {"fastest_seconds", figure.timing.fastest},
              {"runs", figure.timing.runs}};
    const auto put = [&](const char* key, double amount, double unit) {
        if (amount > 0) {
            json[key] = figure.perSecond(amount) / unit;
        }
    };
    put("items_per_second", static_cast<double>(figure.task.items), 1);
    put("gflops", figure.task.flops, 1e9);
    put("gigabytes_per_second", figure.task.bytes, 1e9);
    if (figure.share) {
        json["share_of_limit"] = *figure.share;
    }
    return json;
}

/// Measured with one thread and with all that the user allows.
std::vector<int> threadCounts(const Work& work, int most)
{
    return work.isParallel && most > 1 ? std::vector{1, most} : std::vector{1};
}

class Bench {
public:
    Bench(Session& session, double seconds) : m_session(session), m_seconds(seconds) {}

    Result<Answer> run(const std::vector<Work>& works)
    {
        const JobContext job = m_session.job();
        const int most = m_session.parallel().threads();
        job.begin(static_cast<std::int64_t>(works.size()) + 1, "figures");
        if (auto ok = measureLimits(most, job); !ok) {
            return fail(std::move(ok).error());
        }
        for (const Work& work : works) {
            job.add(1);
            job.say(work.name);
            for (const int threads : threadCounts(work, most)) {
                if (auto ok = measure(work, threads, job); !ok) {
                    return fail(std::move(ok).error().in(work.name));
                }
            }
        }
        return answer();
    }

private:
    /// Not where a single run is wanted: that is for counting instructions.
    Result<void> measureLimits(int most, const JobContext& job)
    {
        for (const int threads : most > 1 ? std::vector{1, most} : std::vector{1}) {
            if (m_seconds > 0) {
                Parallel parallel(threads);
                auto limits =
                    bench::measureLimits(parallel, std::max(m_seconds, kLimitSeconds), job);
                if (!limits) {
                    return fail(std::move(limits).error());
                }
                m_limits[threads] = *limits;
            }
        }
        return {};
    }

    Result<void> measure(const Work& work, int threads, const JobContext& job)
    {
        Parallel parallel(threads);
        auto task = work.prepare(parallel);
        if (!task) {
            return fail(std::move(task).error());
        }
        auto timing = bench::measure(*task, m_seconds, job);
        if (!timing) {
            return fail(std::move(timing).error());
        }
        const auto limits = m_limits.find(threads);
        const auto share =
            limits == m_limits.end() ? std::nullopt : shareOf(work, *task, *timing, limits->second);
        task->run = {}; // what it holds may be large
        m_figures.push_back({work.name, threads, std::move(*task), *timing, share});
        return {};
    }

    [[nodiscard]] Answer answer() const
    {
        Answer answer;
        answer.json["engine"] = graph::engineVariant();
        answer.json["limits"] = Json::array();
        answer.text = fmt::format("Engine variant: {}\n", graph::engineVariant());
        for (const auto& [threads, limits] : m_limits) {
            answer.json["limits"].push_back({{"threads", threads},
                                             {"sgemm_gflops", limits.sgemm / 1e9},
                                             {"copy_gigabytes_per_second", limits.copy / 1e9}});
            answer.text += fmt::format(
                "Limits, {} thread{}: SGEMM {:.1f} GFLOP/s, copy {:.1f} GB/s\n", threads,
                threads == 1 ? "" : "s", limits.sgemm / 1e9, limits.copy / 1e9);
        }
        answer.json["figures"] = Json::array();
        std::vector<std::vector<std::string>> rows{
            {"Work", "Threads", "Time", "Rate", "Of the limit"}};
        for (const Figure& figure : m_figures) {
            answer.json["figures"].push_back(asJson(figure));
            rows.push_back({figure.name, std::to_string(figure.threads),
                            timeText(figure.timing.seconds), rateText(figure),
                            figure.share ? fmt::format("{:.0f} %", *figure.share * 100) : ""});
        }
        answer.text += table(rows, {false, true, true, true, true});
        return answer;
    }

    Session& m_session;
    double m_seconds;
    std::map<int, Limits> m_limits; ///< by threads
    std::vector<Figure> m_figures;
};

/// Network and quantizers as files that other tools open, so that they can be timed on the same.
Result<Answer> writeNetworks(const std::string& folder)
{
    Answer answer;
    answer.json["files"] = Json::array();
    std::error_code ignored;
    std::filesystem::create_directories(folder, ignored);
    for (const bench::Network& network : bench::networks()) {
        const graph::GraphPtr graph = network.make();
        for (const char* name : {"keras-h5", "onnx", "qkeras-h5"}) {
            const auto format = project::findExportFormat(name);
            if (!format) {
                return fail(format.error());
            }
            const bool isQuantized = std::string_view(name) == "qkeras-h5";
            project::ExportRequest request{
                .input = {graph, isQuantized ? bench::fourBits(*graph) : graph::Configuration{}},
                .model = nullptr,
                .project = nullptr};
            const std::string path = (std::filesystem::path(folder) /
                                      fmt::format("{}{}{}", network.name,
                                                  isQuantized ? "-4bit" : "", (*format)->ending));
            auto written = project::exportTo(**format, request, path);
            if (!written) {
                return fail(std::move(written).error());
            }
            answer.json["files"].push_back(path);
            answer.text += path + "\n";
        }
    }
    return answer;
}

bool hasOneClosedInput(const graph::Graph& graph)
{
    if (graph.inputs().size() != 1) {
        return false;
    }
    const Shape& shape = graph.layer(graph.inputs()[0]).outputShape;
    return std::ranges::none_of(shape.sizes(), [](Index size) { return size < 0; });
}

Result<std::vector<Work>> worksOfModel(Session& session, const BenchArguments& arguments)
{
    auto model = openModel(session, arguments.model);
    if (!model) {
        return fail(std::move(model).error());
    }
    auto mode = chooseMode(arguments.mode, model->configuration);
    if (!mode) {
        return fail(std::move(mode).error());
    }
    const graph::Graph& graph = *model->model->graph;
    if (!hasOneClosedInput(graph)) {
        return fail(ErrorCode::Unsupported,
                    "Only networks with one input of known size can be timed without data.",
                    arguments.model.model, "Time `predict` with data instead.");
    }
    const std::string name = std::filesystem::path(arguments.model.model).stem();
    return bench::inferenceWorks(
        name, mode->name, graph,
        [&session, graph = model->model->graph, mode = *mode, weights = model->weights] {
            return makePlan(session, graph, mode, weights);
        });
}

Result<Answer> run(Session& session, const BenchArguments& arguments)
{
    if (!arguments.networks.empty()) {
        session.loaded();
        return writeNetworks(arguments.networks);
    }
    auto all = arguments.model.model.empty() ? Result<std::vector<Work>>(bench::works())
                                             : worksOfModel(session, arguments);
    if (!all) {
        return fail(std::move(all).error());
    }
    std::vector<Work> wanted;
    try {
        const std::regex pattern(arguments.only);
        std::ranges::copy_if(*all, std::back_inserter(wanted), [&](const Work& work) {
            return std::regex_search(work.name, pattern);
        });
    } catch (const std::regex_error&) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("'{}' is no regular expression.", arguments.only), "--only");
    }
    if (wanted.empty()) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("No work's name matches '{}'.", arguments.only), "--only",
                    "`bitscape-cli bench --list` lists them.");
    }
    session.loaded();
    if (arguments.list) {
        Answer answer;
        answer.json["works"] = Json::array();
        for (const Work& work : wanted) {
            answer.json["works"].push_back(work.name);
            answer.text += work.name + "\n";
        }
        return answer;
    }
    return Bench(session, arguments.seconds).run(wanted);
}

} // namespace

Action declareBench(CLI::App& app)
{
    auto arguments = std::make_shared<BenchArguments>();
    addModelOptions(app, arguments->model);
    app.get_option("MODEL")->required(false);
    addModeOption(app, arguments->mode);
    app.add_option("--only", arguments->only, "Works whose name matches this regular expression");
    app.add_option("--seconds", arguments->seconds,
                   "How long each work is repeated; 0: once, without limits")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app.add_flag("--list", arguments->list, "Names of the works, nothing is run");
    app.add_option("--networks", arguments->networks,
                   "Write the networks of the works into this folder, for other tools to open");
    app.footer("Without MODEL all figures; with it, inference of that network on random input.\n"
               "Limits are measured in the same run: product of 256×256 matrices, copy of 80 MB.");
    return [arguments](Session& session) { return run(session, *arguments); };
}

} // namespace bitscape::cli
