// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/rng.h"
#include "core/train/loss.h"
#include "core/train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

namespace bitscape::train {

namespace {

graph::WeightSet asWeightSet(std::span<const Tensor> weights)
{
    graph::WeightSet set;
    for (const Tensor& weight : weights) {
        set.push_back(std::make_shared<const Tensor>(weight));
    }
    return set;
}

bool isFinite(std::span<const float> values)
{
    return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

double median(std::vector<double> values)
{
    if (values.empty()) {
        return 0.0;
    }
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::ranges::nth_element(values, middle);
    return *middle;
}

} // namespace

std::vector<Index> Trainer::orderOfEpoch() const
{
    std::vector<Index> order(static_cast<std::size_t>(m_input.train->count()));
    std::iota(order.begin(), order.end(), Index{0});
    if (m_options.shuffle) {
        Rng(m_options.seed)
            .split("shuffle")
            .split(static_cast<std::uint64_t>(m_state.epoch))
            .shuffle(std::span(order));
    }
    return order;
}

Result<void> Trainer::runEpoch()
{
    const bool perStep = m_options.maxSteps > 0;
    const std::vector<Index> order = orderOfEpoch();
    const auto count = static_cast<Index>(order.size());
    HistoryEntry& entry = m_state.entry;
    entry = {
        .epoch = m_state.epoch, .step = entry.step, .loss = entry.loss, .accuracy = entry.accuracy};
    while (m_state.position < count && steps() < m_totalSteps) {
        if (m_job.stop.stop_requested()) {
            m_report.stoppedByUser = true;
            return {};
        }
        const Index size = std::min(m_batch, count - m_state.position);
        auto step = runStep(std::span(order).subspan(static_cast<std::size_t>(m_state.position),
                                                     static_cast<std::size_t>(size)));
        if (!step) {
            return fail(std::move(step).error());
        }
        RunningMean& mean = m_state.mean;
        mean.add(step->loss, step->accuracy, size);
        m_state.position += size;
        ++entry.step;
        const auto seen = static_cast<double>(mean.count);
        entry.loss = perStep ? step->loss : mean.loss / seen;
        entry.accuracy = step->accuracy;
        if (step->accuracy && !perStep) {
            entry.accuracy = mean.hits / seen;
        }
        if (perStep && m_state.position < count && steps() < m_totalSteps) {
            record(entry);
        }
    }
    HistoryEntry done = entry;
    if (auto ok = validate(done); !ok) {
        if (ok.error().code != ErrorCode::Canceled) {
            return ok;
        }
        m_report.stoppedByUser = true; // the epoch is not over: a later run validates it
        m_report.history.push_back(done);
        return {};
    }
    record(done);
    watch(done);
    m_job.say(
        fmt::format("epoch {} of {}, loss {:.4g}", m_state.epoch, m_options.epochs, done.loss));
    ++m_state.epoch;
    m_state.position = 0;
    m_state.mean = {};
    return {};
}

void Trainer::beginStep()
{
    m_optimizer->setLearningRate(m_schedule(steps()));
    if (m_noise) {
        const std::int64_t count = m_noise->perStep ? steps() : m_state.epoch - 1;
        m_plan->setNoise(static_cast<float>(m_noise->factorAt(count)));
    }
}

Result<StepOutcome> Trainer::runStep(std::span<const Index> order)
{
    const auto started = std::chrono::steady_clock::now();
    beginStep();
    m_feed->fill(order, m_state.epoch);
    const std::uint64_t seed =
        Rng(m_options.seed).split("step").split(static_cast<std::uint64_t>(steps())).next();
    auto outputs = m_plan->forward(m_feed->inputs(), stored(), seed);
    if (!outputs) {
        return fail(std::move(outputs).error());
    }
    const MutableTensorView upstream =
        m_upstream.mutableView().rows(0, static_cast<Index>(order.size()));
    StepOutcome outcome;
    outcome.loss = m_loss->evaluate(outputs->front(), m_feed->targets(), m_onLogits, upstream);
    outcome.accuracy = accuracyOf(m_answers, outputs->front(), m_feed->targets(), m_threshold);
    if (m_teaching) {
        auto mixed = m_teaching->mix(m_feed->inputs(), outputs->front(), m_feed->targets().weights,
                                     outcome.loss, upstream, m_parallel);
        if (!mixed) {
            return fail(std::move(mixed).error());
        }
        outcome.loss = *mixed;
    }
    const TensorView seen = upstream;
    if (auto ok = m_plan->backward(std::span(&seen, 1)); !ok) {
        return fail(std::move(ok).error());
    }
    outcome.loss += m_plan->activityPenalty();
    std::vector<Tensor>& weights = m_state.weights;
    for (const std::size_t slot : m_trained) {
        if (slot < slotCount()) {
            std::ranges::copy(m_plan->gradients()[slot].values(), m_gradients[slot].data());
            m_rules[slot].addPenaltyGradient(weights[slot], m_gradients[slot]);
            outcome.loss += m_rules[slot].penalty(weights[slot]);
        }
    }
    m_learned->gradients(std::span(m_gradients).subspan(slotCount()));
    if (!std::isfinite(outcome.loss)) {
        return notFinite();
    }
    m_optimizer->step(weights, m_gradients);
    for (const std::size_t slot : m_trained) {
        if (slot < slotCount()) {
            m_rules[slot].constrain(weights[slot]);
        }
    }
    m_learned->apply(std::span(weights).subspan(slotCount()));
    for (const graph::TrainingPlan::Update& update : m_plan->updatedStatistics()) {
        std::ranges::copy(update.value.values(),
                          weights[static_cast<std::size_t>(update.slot)].data());
    }
    m_job.add(1);
    const std::chrono::duration<double, std::milli> taken =
        std::chrono::steady_clock::now() - started;
    m_milliseconds.push_back(taken.count());
    return outcome;
}

Result<void> Trainer::validate(HistoryEntry& entry)
{
    if (!m_input.validation) {
        return {};
    }
    graph::PlanOptions options;
    for (const graph::ActivityPenalty& penalty : m_penalties) {
        options.taps.push_back(penalty.layer);
    }
    auto plan = graph::InferencePlan::make(m_graph, m_learned->configuration(),
                                           asWeightSet(stored()), options);
    if (!plan) {
        return fail(std::move(plan).error());
    }
    const Index validationBytes =
        (*plan)->bytes(m_input.validation->count(), m_parallel.threads()).value_or(0);
    m_report.plannedBytes = std::max(m_report.plannedBytes, m_trainingBytes + validationBytes);
    auto outputs = (*plan)->run(m_input.validation->views(), m_parallel, {m_job.stop, nullptr});
    if (!outputs) {
        return fail(std::move(outputs).error());
    }
    const TargetView wanted = m_validationTargets.rows(0, m_input.validation->count());
    double loss = m_loss->evaluate(outputs->front().view(), wanted, m_onLogits, {});
    for (const std::size_t slot : m_trained) {
        loss += slot < slotCount() ? m_rules[slot].penalty(m_state.weights[slot]) : 0.0;
    }
    for (std::size_t i = 0; i < m_penalties.size(); ++i) {
        const WeightRule rule{.l1 = m_penalties[i].l1, .l2 = m_penalties[i].l2};
        loss += rule.penalty((*outputs)[i + 1]) / static_cast<double>(outputs->front().shape()[0]);
    }
    entry.validationLoss = loss;
    entry.validationAccuracy = accuracyOf(m_answers, outputs->front().view(), wanted, m_threshold);
    return {};
}

void Trainer::record(const HistoryEntry& entry)
{
    m_state.history.push_back(entry);
    m_report.history.push_back(entry);
    if (m_onEpoch) {
        m_onEpoch(entry);
    }
}

void Trainer::watch(const HistoryEntry& entry)
{
    if (m_options.earlyStop <= 0) {
        return;
    }
    const double watched = entry.validationLoss.value_or(entry.loss);
    if (watched < m_state.best) {
        m_state.best = watched;
        m_state.bestWeights = m_state.weights;
        m_state.worseEpochs = 0;
    } else if (++m_state.worseEpochs >= m_options.earlyStop) {
        m_state.isOver = true;
    }
}

Result<void> Trainer::checkpoint()
{
    if (!m_onCheckpoint) {
        return {};
    }
    m_state.optimizer = m_optimizer->state();
    auto ok = m_onCheckpoint(m_state);
    m_state.optimizer = {};
    return ok;
}

std::string Trainer::firstNotFinite() const
{
    for (std::size_t i = 0; i < m_feed->inputs().size(); ++i) {
        if (!isFinite(m_feed->inputs()[i].values())) {
            return "input " + m_graph->layer(m_graph->inputs()[i]).name;
        }
    }
    graph::PlanOptions options;
    for (int layer = 0; layer < static_cast<int>(m_graph->layers().size()); ++layer) {
        if (!std::holds_alternative<graph::InputOp>(m_graph->layer(layer).op)) {
            options.taps.push_back(layer);
        }
    }
    auto plan = graph::InferencePlan::make(m_graph, m_learned->configuration(),
                                           asWeightSet(stored()), options);
    if (plan) {
        auto values = (*plan)->run(m_feed->inputs(), m_parallel);
        for (std::size_t i = 0; values && i < options.taps.size(); ++i) {
            if (!isFinite((*values)[i + 1].values())) {
                return "layer " + m_graph->layer(options.taps[i]).name;
            }
        }
    }
    return "layer " + m_graph->layer(m_graph->outputs().front()).name;
}

Failure Trainer::notFinite() const
{
    return fail(ErrorCode::InvalidArgument,
                fmt::format("The loss is no longer a finite number in epoch {}, step {}.",
                            m_state.epoch, steps() + 1),
                firstNotFinite(),
                "Lower the learning rate or scale the data (--learning-rate, --scale).");
}

TrainReport Trainer::finish()
{
    m_report.steps = steps();
    if (!m_state.bestWeights.empty() && !m_report.stoppedByUser) {
        m_state.weights = std::move(m_state.bestWeights);
    } else {
        m_optimizer->finish(m_state.weights);
    }
    m_learned->apply(std::span(m_state.weights).subspan(slotCount()));
    m_report.weights = asWeightSet(stored());
    m_report.configuration = m_learned->configuration();
    m_report.stepMillisecondsMedian = median(std::move(m_milliseconds));
    return std::move(m_report);
}

void RunningMean::add(double batchLoss, std::optional<double> accuracy, Index size)
{
    loss += batchLoss * static_cast<double>(size);
    hits += accuracy.value_or(0.0) * static_cast<double>(size);
    count += size;
}

Result<TrainReport> train(const TrainInput& input, const TrainOptions& options, Parallel& parallel,
                          const JobContext& job, const EpochCallback& onEpoch,
                          const CheckpointCallback& onCheckpoint)
{
    return Trainer(input, options, parallel, job, onEpoch, onCheckpoint).run();
}

} // namespace bitscape::train
