// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/rng.h"
#include "core/search/limits.h"
#include "core/search/study.h"
#include "core/search/tuner.h"
#include "core/train/initialize.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace bitscape::search {

namespace {

using Clock = std::chrono::steady_clock;

/// Failures that every trial would share: they end the search instead of one trial.
bool concernsAll(ErrorCode code)
{
    return code == ErrorCode::ShapeMismatch || code == ErrorCode::Unsupported ||
           code == ErrorCode::OutOfResources || code == ErrorCode::Internal;
}

/// AutoQKeras' early stopping, in epochs without a better validation loss.
int patienceFor(int epochs)
{
    constexpr int kMost = 20;
    return std::max(1, std::min(kMost, epochs / 5));
}

/// The best epoch's metric, as keras-tuner reports a trial.
double bestMetric(const std::vector<train::HistoryEntry>& history)
{
    std::optional<double> best;
    for (const train::HistoryEntry& entry : history) {
        const double metric = entry.validationAccuracy ? *entry.validationAccuracy
                                                       : -entry.validationLoss.value_or(entry.loss);
        best = std::max(best.value_or(metric), metric);
    }
    return best.value_or(0.0);
}

double standardError(double metric, Index count)
{
    const double share = std::clamp(metric, 0.0, 1.0);
    return std::sqrt(share * (1.0 - share) / static_cast<double>(std::max<Index>(1, count)));
}

class Runner {
public:
    Runner(const SearchInput& input, Study study, SpaceReport space, std::unique_ptr<Tuner> tuner,
           const JobContext& job, const TrialCallback& onTrial)
        : m_input(input), m_study(std::move(study)), m_space(std::move(space)),
          m_tuner(std::move(tuner)), m_job(job), m_onTrial(onTrial),
          m_forward(job.stop, [this] { m_stop.request_stop(); })
    {
        m_study.referenceSize = m_space.referenceSize;
    }

    Result<Study> run(int threads)
    {
        m_job.begin(m_study.description.trials, "trials");
        m_job.add(static_cast<std::int64_t>(m_study.trials.size()));
        {
            const std::jthread timer([this](const std::stop_token& end) { watchBudget(end); });
            std::vector<std::jthread> workers;
            for (int i = 0; i < std::max(1, threads); ++i) {
                workers.emplace_back([this] { work(); });
            }
            workers.clear(); // joins
        }
        if (m_error) {
            return fail(std::move(*m_error));
        }
        if (auto ok = m_job.proceed(); !ok) {
            return fail(std::move(ok).error());
        }
        return std::move(m_study);
    }

private:
    struct Task {
        int number;
        Assignment assignment;
    };

    /// Runs trials until there are none; the border of a thread, so nothing may leave it.
    void work()
    {
        try {
            Parallel single(1);
            while (const std::optional<Task> task = next()) {
                auto trial = runTrial(*task, single);
                if (trial) {
                    finish(std::move(*trial));
                } else if (trial.error().code != ErrorCode::Canceled) {
                    giveUp(std::move(trial).error());
                }
            }
        } catch (const std::bad_alloc&) {
            giveUp({ErrorCode::OutOfResources, "Memory ran out during a trial.", "", ""});
        } catch (const std::exception& error) {
            giveUp({ErrorCode::Internal, error.what(), "", ""});
        }
    }

    std::optional<Task> next()
    {
        const std::lock_guard lock(m_mutex);
        if (m_stop.stop_requested() || m_budgetSpent) {
            return std::nullopt;
        }
        while (m_nextNumber < m_study.description.trials) {
            const int number = m_nextNumber++;
            if (std::ranges::find(m_study.trials, number, &Trial::number) != m_study.trials.end()) {
                continue; // done before an interruption
            }
            auto assignment = m_tuner->ask(number);
            if (!assignment) {
                break; // the space holds no more
            }
            return Task{number, std::move(*assignment)};
        }
        return std::nullopt;
    }

    Result<Trial> runTrial(const Task& task, Parallel& parallel)
    {
        const auto started = Clock::now();
        Trial trial{.number = task.number, .assignment = task.assignment};
        trial.seed = Rng(m_study.description.seed)
                         .split("training")
                         .split(static_cast<std::uint64_t>(task.number))
                         .next();
        auto ok = trainTrial(trial, parallel);
        if (!ok) {
            if (ok.error().code == ErrorCode::Canceled || concernsAll(ok.error().code)) {
                return fail(std::move(ok).error());
            }
            trial.state = TrialState::Failed;
            trial.failure = ok.error().sentence();
        }
        trial.seconds = std::chrono::duration<double>(Clock::now() - started).count();
        return trial;
    }

    Result<void> trainTrial(Trial& trial, Parallel& parallel)
    {
        auto configuration = configurationOf(m_input, m_space, trial.assignment);
        if (!configuration) {
            return fail(std::move(configuration).error());
        }
        configuration->name = fmt::format("trial {}", trial.number);
        trial.configuration = *configuration;
        auto size = measure(m_input, m_space, *configuration);
        if (!size) {
            return fail(std::move(size).error());
        }
        trial.cost = size->cost;
        trial.trialSize = size->size;
        trial.referenceSize = m_space.referenceSize;
        trial.delta = size->delta;

        const StudyDescription& description = m_study.description;
        const train::TrainOptions options{.epochs = description.epochs,
                                          .batch = description.batch,
                                          .optimizer = description.optimizer,
                                          .loss = description.loss,
                                          .seed = trial.seed,
                                          .earlyStop = patienceFor(description.epochs)};
        const train::TrainInput input{m_input.graph, *configuration,
                                      m_space.transferWeights
                                          ? m_input.weights
                                          : train::initialWeights(*m_input.graph, trial.seed),
                                      m_input.train, m_input.validation};
        auto report = train::train(input, options, parallel, {m_stop.get_token(), nullptr});
        if (!report) {
            return fail(std::move(report).error());
        }
        if (report->stoppedByUser) {
            return fail(ErrorCode::Canceled, "Stopped.");
        }
        trial.metric = bestMetric(report->history);
        trial.metricError = standardError(trial.metric, m_input.validation->count());
        trial.score = m_space.factor.score(trial.metric, trial.delta);
        trial.state = TrialState::Complete;
        return {};
    }

    void finish(Trial trial)
    {
        const std::lock_guard lock(m_mutex);
        const auto place =
            std::ranges::lower_bound(m_study.trials, trial.number, {}, &Trial::number);
        const auto stored = m_study.trials.insert(place, std::move(trial));
        m_job.add(1);
        m_job.say(fmt::format(
            "trial {}: {}", stored->number,
            stored->state == TrialState::Complete
                ? fmt::format("metric {:.4f}, score {:.4f}", stored->metric, stored->score)
                : "failed"));
        if (m_onTrial && !m_error) {
            if (auto ok = m_onTrial(m_study, *stored); !ok) {
                m_error = std::move(ok).error();
                m_stop.request_stop();
            }
        }
        if (m_budgetSpent) {
            m_stop.request_stop();
        }
    }

    void giveUp(Error error)
    {
        const std::lock_guard lock(m_mutex);
        if (!m_error) {
            m_error = std::move(error);
        }
        m_stop.request_stop();
    }

    /// Once the budget is spent no trial starts, and running ones are dropped as soon as there is
    /// one finished trial to show.
    void watchBudget(const std::stop_token& end)
    {
        const double seconds = m_study.description.budgetSeconds;
        if (seconds <= 0) {
            return;
        }
        std::unique_lock lock(m_mutex);
        m_ended.wait_for(lock, end, std::chrono::duration<double>(seconds), [] { return false; });
        if (end.stop_requested()) {
            return;
        }
        m_budgetSpent = true;
        if (!m_study.trials.empty()) {
            m_stop.request_stop();
        }
    }

    const SearchInput& m_input;
    Study m_study;
    SpaceReport m_space;
    std::unique_ptr<Tuner> m_tuner;
    JobContext m_job;
    const TrialCallback& m_onTrial;

    std::mutex m_mutex; ///< guards what follows, the study and the tuner
    std::condition_variable_any m_ended;
    std::stop_source m_stop;
    std::stop_callback<std::function<void()>> m_forward;
    std::optional<Error> m_error;
    int m_nextNumber = 0;
    bool m_budgetSpent = false;
};

Result<void> validate(const StudyDescription& description)
{
    const struct {
        const char* where;
        double value, least;
    } rows[] = {{"--trials", static_cast<double>(description.trials), 1},
                {"--budget", description.budgetSeconds, 0}};
    for (const auto& row : rows) {
        if (!(row.value >= row.least)) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("{} is less than {}.", row.value, row.least), row.where);
        }
    }
    return train::TrainOptions{.epochs = description.epochs,
                               .batch = description.batch,
                               .optimizer = description.optimizer,
                               .loss = description.loss}
        .validate();
}

Result<void> requireSamples(const SearchInput& input)
{
    if (!input.train || !input.validation || input.train->count() == 0 ||
        input.validation->count() == 0) {
        return fail(ErrorCode::ShapeMismatch, "The search needs samples to train and to validate.",
                    "--validation", "Give more data or another share.");
    }
    return {};
}

} // namespace

Result<Study> run(const SearchInput& input, Study study, int threads, const JobContext& job,
                  const TrialCallback& onTrial)
{
    auto space = describe(input, study.description);
    if (!space) {
        return fail(std::move(space).error());
    }
    auto row = findTuner(study.description.tuner);
    if (!row) {
        return fail(std::move(row).error());
    }
    if (auto ok = validate(study.description); !ok) {
        return fail(std::move(ok).error());
    }
    if (auto ok = requireSamples(input); !ok) {
        return fail(std::move(ok).error());
    }
    TunerInput tunerInput{.choices = space->choices, .seed = study.description.seed};
    auto limits = Limits::make(study.description.limits);
    if (!limits) {
        return fail(std::move(limits).error());
    }
    if (!limits->isEmpty()) {
        tunerInput.allowed = [&input, &limits, space = *space](const Assignment& assignment) {
            const auto configuration = configurationOf(input, space, assignment);
            const auto size = configuration ? measure(input, space, *configuration)
                                            : Result<TrialSize>(fail(configuration.error()));
            return size && limits->allow(size->cost);
        };
    }
    if (threads < 1) {
        threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    }
    return Runner(input, std::move(study), std::move(*space), (*row)->make(std::move(tunerInput)),
                  job, onTrial)
        .run(threads);
}

} // namespace bitscape::search
