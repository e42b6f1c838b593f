// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/tensor/float_memory.h"
#include "core/train/feed.h"
#include "core/train/learned.h"
#include "core/train/metrics.h"
#include "core/train/noise_schedule.h"
#include "core/train/schedule.h"
#include "core/train/teaching.h"
#include "core/train/train.h"
#include "core/train/weight_rules.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bitscape::train {

struct StepOutcome {
    double loss = 0; ///< with penalties
    std::optional<double> accuracy;
};

/// One call of train(): trainer_setup.cpp prepares it, train.cpp takes the steps.
class Trainer {
public:
    Trainer(const TrainInput& input, const TrainOptions& options, Parallel& parallel,
            const JobContext& job, const EpochCallback& onEpoch,
            const CheckpointCallback& onCheckpoint)
        : m_input(input), m_options(options), m_parallel(parallel), m_job(job), m_onEpoch(onEpoch),
          m_onCheckpoint(onCheckpoint)
    {
    }

    Result<TrainReport> run()
    {
        const Index before = FloatMemory::ofThisThread();
        for (const auto part : {&Trainer::prepareData, &Trainer::prepareNetwork,
                                &Trainer::prepareSteps, &Trainer::resume}) {
            if (auto ok = (this->*part)(); !ok) {
                return fail(std::move(ok).error());
            }
        }
        m_trainingBytes = FloatMemory::ofThisThread() - before;
        m_report.plannedBytes = m_trainingBytes;
        m_job.begin(m_totalSteps, "steps");
        m_job.set(steps());
        while (!isOver()) {
            if (auto ok = runEpoch(); !ok) {
                return fail(std::move(ok).error());
            }
            if (auto ok = checkpoint(); !ok) {
                return fail(std::move(ok).error());
            }
        }
        return finish();
    }

private:
    Result<void> prepareData();
    Result<void> prepareTargets(const Shape& output);
    Result<void> prepareNetwork();
    Result<void> prepareTeacher();
    Result<void> prepareSteps();
    /// Takes over the state of a checkpoint.
    Result<void> resume();
    [[nodiscard]] std::string origin() const;

    Result<void> runEpoch();
    Result<StepOutcome> runStep(std::span<const Index> order);
    void beginStep();
    [[nodiscard]] std::vector<Index> orderOfEpoch() const;
    /// Loss and accuracy on the validation part, into the entry.
    Result<void> validate(HistoryEntry& entry);
    /// Keeps the best weights, ends training when none came for long enough.
    void watch(const HistoryEntry& entry);
    void record(const HistoryEntry& entry);
    Result<void> checkpoint();
    [[nodiscard]] Failure notFinite() const;
    [[nodiscard]] std::string firstNotFinite() const;
    TrainReport finish();

    [[nodiscard]] int steps() const { return m_state.entry.step; }
    [[nodiscard]] bool isOver() const
    {
        // A run that was stopped between its last step and the end of that epoch still owes it.
        const bool owesEpoch = m_state.position > 0;
        return m_state.isOver || m_report.stoppedByUser || m_state.epoch > m_options.epochs ||
               (steps() >= m_totalSteps && !owesEpoch);
    }
    [[nodiscard]] std::size_t slotCount() const { return m_graph->weightSlots().size(); }
    /// The stored weights among the trained values, without learned parameters.
    [[nodiscard]] std::span<const Tensor> stored() const
    {
        return std::span(m_state.weights).first(slotCount());
    }

    const TrainInput& m_input;
    const TrainOptions& m_options;
    Parallel& m_parallel;
    const JobContext& m_job;
    const EpochCallback& m_onEpoch;
    const CheckpointCallback& m_onCheckpoint;

    std::unique_ptr<Loss> m_loss;
    std::unique_ptr<Optimizer> m_optimizer;
    Schedule m_schedule;
    std::optional<NoiseSchedule> m_noise;
    graph::GraphPtr m_graph; ///< without the function that the loss skips
    bool m_onLogits = false;
    float m_threshold = 0.5F; ///< of a yes
    AnswerKind m_answers = AnswerKind::Values;
    Targets m_targets, m_validationTargets;
    std::unique_ptr<graph::TrainingPlan> m_plan;
    std::unique_ptr<LearnedParameters> m_learned;
    std::unique_ptr<Teaching> m_teaching;
    std::unique_ptr<BatchFeed> m_feed;
    std::vector<WeightRule> m_rules; ///< per weight slot
    std::vector<graph::ActivityPenalty> m_penalties;
    std::vector<std::size_t> m_trained;
    std::vector<Tensor> m_gradients;
    Tensor m_upstream;
    Index m_batch = 0;
    int m_totalSteps = 0;
    Index m_trainingBytes = 0;

    TrainState m_state;
    TrainReport m_report;
    std::vector<double> m_milliseconds;
};

} // namespace bitscape::train
