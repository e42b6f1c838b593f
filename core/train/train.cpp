// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/train.h"

#include "core/base/rng.h"
#include "core/base/text.h"
#include "core/train/loss.h"
#include "core/train/metrics.h"
#include "core/train/optimizer.h"
#include "core/train/weight_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

namespace bitscape::train {

namespace {

/// The function at the end of a layer; null where an op has none.
graph::Function* endFunction(graph::Op& op)
{
    return std::visit(
        [](auto& held) -> graph::Function* {
            if constexpr (requires { held.function; }) {
                return &held.function;
            } else {
                return nullptr;
            }
        },
        op);
}

/// The network without the function that the loss skips; the same graph where the network does not
/// end with it.
Result<graph::GraphPtr> withoutEnd(const graph::GraphPtr& graph,
                                   const graph::Configuration& configuration,
                                   std::optional<graph::FunctionKind> skipped)
{
    const int output = graph->outputs().front();
    std::vector<graph::Layer> layers(graph->layers().begin(), graph->layers().end());
    graph::Layer& last = layers[static_cast<std::size_t>(output)];
    graph::Function* function = endFunction(last.op);
    const bool quantized = configuration.find(last.name, graph::Slot::Activation) != nullptr;
    if (!skipped || function == nullptr || function->kind != *skipped || quantized ||
        !graph->consumers(output).empty()) {
        return graph;
    }
    *function = {};
    return graph::Graph::make(graph->name(), std::move(layers),
                              {graph->inputs().begin(), graph->inputs().end()},
                              {graph->outputs().begin(), graph->outputs().end()});
}

Result<void> requireFit(const graph::Graph& graph, const Samples& samples, const char* which)
{
    if (graph.outputs().size() != 1) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("Training works on networks with one output, this one has {}.",
                                graph.outputs().size()),
                    graph.name());
    }
    if (samples.inputs.size() != graph.inputs().size()) {
        return fail(ErrorCode::ShapeMismatch,
                    fmt::format("The network has {} inputs, the {} data have {}.",
                                graph.inputs().size(), which, samples.inputs.size()));
    }
    if (samples.count() == 0) {
        return fail(ErrorCode::ShapeMismatch, fmt::format("The {} data are empty.", which));
    }
    for (std::size_t i = 0; i < samples.inputs.size(); ++i) {
        const graph::Layer& layer = graph.layer(graph.inputs()[i]);
        if (samples.inputs[i].shape().sample() != layer.outputShape ||
            samples.inputs[i].shape()[0] != samples.count()) {
            return fail(ErrorCode::ShapeMismatch,
                        fmt::format("The {} data have the shape {}, the network wants {}.", which,
                                    samples.inputs[i].shape().sample().toString(),
                                    layer.outputShape.toString()),
                        "input " + layer.name);
        }
    }
    return {};
}

/// Rows of several tensors, gathered in a given order.
class BatchFeed {
public:
    BatchFeed(const Samples& samples, const Targets& targets, Index batch)
        : m_samples(samples), m_targets(targets)
    {
        for (const Tensor& input : samples.inputs) {
            m_inputs.emplace_back(input.shape().sample().batchOf(batch));
        }
        m_values = Tensor(targets.labels.empty() ? targets.values.shape().sample().batchOf(batch)
                                                 : Shape{0});
    }

    /// Copies the samples `order` (at most `batch`).
    void fill(std::span<const Index> order)
    {
        const auto count = static_cast<Index>(order.size());
        m_views.clear();
        for (std::size_t i = 0; i < m_inputs.size(); ++i) {
            gather(m_samples.inputs[i], order, m_inputs[i]);
            m_views.push_back(m_inputs[i].view().rows(0, count));
        }
        m_wanted = {};
        if (m_targets.labels.empty()) {
            gather(m_targets.values, order, m_values);
            m_wanted.values = m_values.view().rows(0, count);
            return;
        }
        m_labels.clear();
        for (const Index index : order) {
            m_labels.push_back(m_targets.labels[static_cast<std::size_t>(index)]);
        }
        m_wanted.labels = m_labels;
    }
    [[nodiscard]] std::span<const TensorView> inputs() const { return m_views; }
    [[nodiscard]] const TargetView& targets() const { return m_wanted; }

private:
    static void gather(const Tensor& from, std::span<const Index> order, Tensor& to)
    {
        const Index size = from.shape().sample().elementCount();
        for (std::size_t i = 0; i < order.size(); ++i) {
            std::memcpy(to.data() + static_cast<Index>(i) * size, from.data() + order[i] * size,
                        static_cast<std::size_t>(size) * sizeof(float));
        }
    }

    const Samples& m_samples;
    const Targets& m_targets;
    std::vector<Tensor> m_inputs;
    Tensor m_values;
    std::vector<std::int64_t> m_labels;
    std::vector<TensorView> m_views;
    TargetView m_wanted;
};

/// Sums over batches, weighted by their sizes as Keras' running means are.
struct RunningMean {
    double loss = 0, hits = 0;
    Index count = 0;

    void add(double batchLoss, std::optional<double> accuracy, Index size)
    {
        loss += batchLoss * static_cast<double>(size);
        hits += accuracy.value_or(0.0) * static_cast<double>(size);
        count += size;
    }
};

struct StepOutcome {
    double loss = 0; ///< with penalties
    std::optional<double> accuracy;
};

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

class Trainer {
public:
    Trainer(const TrainInput& input, const TrainOptions& options, Parallel& parallel,
            const JobContext& job, const EpochCallback& onEpoch)
        : m_input(input), m_options(options), m_parallel(parallel), m_job(job), m_onEpoch(onEpoch)
    {
    }

    Result<TrainReport> run()
    {
        if (auto ok = prepare(); !ok) {
            return fail(std::move(ok).error());
        }
        m_job.begin(m_totalSteps, "steps");
        for (int epoch = 1; epoch <= m_options.epochs && !m_done; ++epoch) {
            if (auto ok = runEpoch(epoch); !ok) {
                return fail(std::move(ok).error());
            }
        }
        return finish();
    }

private:
    Result<void> prepare();
    Result<void> prepareNetwork();
    Result<void> runEpoch(int epoch);
    Result<StepOutcome> runStep(std::span<const Index> order, int epoch);
    /// Loss and accuracy on the validation part, into the entry.
    Result<void> validate(HistoryEntry& entry);
    /// Keeps the best weights, ends training when none came for long enough.
    void watch(const HistoryEntry& entry);
    void record(const HistoryEntry& entry);
    [[nodiscard]] Failure notFinite(int epoch) const;
    [[nodiscard]] std::string firstNotFinite() const;
    TrainReport finish();

    const TrainInput& m_input;
    const TrainOptions& m_options;
    Parallel& m_parallel;
    const JobContext& m_job;
    const EpochCallback& m_onEpoch;

    std::unique_ptr<Loss> m_loss;
    std::unique_ptr<Optimizer> m_optimizer;
    graph::GraphPtr m_graph; ///< without the function that the loss skips
    bool m_onLogits = false;
    float m_threshold = 0.5F; ///< of a yes
    AnswerKind m_answers = AnswerKind::Values;
    Targets m_targets, m_validationTargets;
    std::unique_ptr<graph::TrainingPlan> m_plan;
    std::unique_ptr<BatchFeed> m_feed;
    std::vector<WeightRule> m_rules;
    std::vector<std::size_t> m_trained;
    std::vector<Tensor> m_weights, m_gradients;
    Tensor m_upstream;
    Index m_batch = 0, m_totalSteps = 0;

    TrainReport m_report;
    std::vector<double> m_milliseconds;
    double m_best = std::numeric_limits<double>::infinity();
    int m_worseEpochs = 0;
    std::optional<graph::WeightSet> m_bestWeights;
    bool m_done = false;
};

Result<void> Trainer::prepare()
{
    if (auto ok = m_options.validate(); !ok) {
        return ok;
    }
    ensure(m_input.graph && m_input.train, "train: no network or no data");
    if (auto ok = graph::requireSupported(*m_input.graph); !ok) {
        return ok;
    }
    if (auto ok = requireFit(*m_input.graph, *m_input.train, "training"); !ok) {
        return ok;
    }
    if (m_input.validation) {
        if (auto ok = requireFit(*m_input.graph, *m_input.validation, "validation"); !ok) {
            return ok;
        }
    }
    const Shape& output = m_input.graph->layer(m_input.graph->outputs().front()).outputShape;
    auto optimizer = makeOptimizer(m_options.optimizer);
    if (!optimizer) {
        return fail(std::move(optimizer).error());
    }
    m_optimizer = std::move(*optimizer);
    auto loss = makeLoss(m_options.loss.empty() ? defaultLoss(*m_input.train, output)
                                                : std::string_view(m_options.loss));
    if (!loss) {
        return fail(std::move(loss).error());
    }
    m_loss = std::move(*loss);
    auto targets = targetsFor(*m_loss, *m_input.train, output);
    if (!targets) {
        return fail(std::move(targets).error());
    }
    m_targets = std::move(*targets);
    if (m_input.validation) {
        auto wanted = targetsFor(*m_loss, *m_input.validation, output);
        if (!wanted) {
            return fail(std::move(wanted).error().in("validation data"));
        }
        m_validationTargets = std::move(*wanted);
    }
    m_answers = answerKind(*m_input.train, output);
    return prepareNetwork();
}

Result<void> Trainer::prepareNetwork()
{
    const Index count = m_input.train->count();
    m_batch = std::min(m_options.batch, count);
    const Index perEpoch = (count + m_batch - 1) / m_batch;
    m_totalSteps = perEpoch * m_options.epochs;
    if (m_options.maxSteps > 0) {
        m_totalSteps = std::min<Index>(m_totalSteps, m_options.maxSteps);
    }
    auto graph = withoutEnd(m_input.graph, m_input.configuration, m_loss->skippedFunction());
    if (!graph) {
        return fail(std::move(graph).error());
    }
    m_graph = std::move(*graph);
    m_onLogits = m_graph != m_input.graph;
    m_threshold = m_onLogits || m_loss->expectsLogits() ? 0.0F : 0.5F;
    auto plan = graph::TrainingPlan::make(m_graph, m_input.configuration, m_batch, m_parallel);
    if (!plan) {
        return fail(std::move(plan).error());
    }
    m_plan = std::move(*plan);
    m_feed = std::make_unique<BatchFeed>(*m_input.train, m_targets, m_batch);
    m_rules = weightRules(*m_graph, m_input.configuration, m_plan->clipLimits(), m_report.warnings);

    const std::span<const graph::WeightSlot> slots = m_graph->weightSlots();
    ensure(m_input.weights.size() == slots.size(), "train: weights of another network");
    for (std::size_t i = 0; i < slots.size(); ++i) {
        const graph::Layer& layer = m_graph->layer(slots[i].layer);
        if (layer.weights[static_cast<std::size_t>(slots[i].weight)].trainable) {
            m_trained.push_back(i);
        }
        m_weights.push_back(*m_input.weights[i]);
        m_gradients.emplace_back(m_weights.back().shape());
    }
    m_optimizer->begin(m_weights, m_trained);
    m_upstream = Tensor(m_graph->layer(m_graph->outputs().front()).outputShape.batchOf(m_batch));
    return {};
}

Result<void> Trainer::runEpoch(int epoch)
{
    const Index count = m_input.train->count();
    std::vector<Index> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), Index{0});
    if (m_options.shuffle) {
        Rng(m_options.seed)
            .split("shuffle")
            .split(static_cast<std::uint64_t>(epoch))
            .shuffle(std::span(order));
    }
    RunningMean mean;
    HistoryEntry entry{.epoch = epoch};
    for (Index first = 0; first < count && !m_done; first += m_batch) {
        if (m_job.stop.stop_requested()) {
            m_report.stoppedByUser = true;
            m_done = true;
            return {};
        }
        const Index size = std::min(m_batch, count - first);
        auto step = runStep(std::span(order).subspan(static_cast<std::size_t>(first),
                                                     static_cast<std::size_t>(size)),
                            epoch);
        if (!step) {
            return fail(std::move(step).error());
        }
        mean.add(step->loss, step->accuracy, size);
        m_done = m_report.steps == m_totalSteps;
        entry.step = m_report.steps;
        const bool isLast = m_done || first + size >= count;
        if (m_options.maxSteps > 0 && !isLast) {
            record({.epoch = epoch,
                    .step = entry.step,
                    .loss = step->loss,
                    .accuracy = step->accuracy});
        }
        const bool perStep = m_options.maxSteps > 0;
        entry.loss = perStep ? step->loss : mean.loss / static_cast<double>(mean.count);
        if (step->accuracy) {
            entry.accuracy =
                perStep ? *step->accuracy : mean.hits / static_cast<double>(mean.count);
        }
    }
    if (auto ok = validate(entry); !ok) {
        if (ok.error().code != ErrorCode::Canceled) {
            return ok;
        }
        m_report.stoppedByUser = true;
        m_done = true;
    }
    record(entry);
    watch(entry);
    m_job.say(fmt::format("epoch {} of {}, loss {:.4g}", epoch, m_options.epochs, entry.loss));
    return {};
}

Result<StepOutcome> Trainer::runStep(std::span<const Index> order, int epoch)
{
    const auto started = std::chrono::steady_clock::now();
    m_feed->fill(order);
    const std::uint64_t seed =
        Rng(m_options.seed).split("step").split(static_cast<std::uint64_t>(m_report.steps)).next();
    auto outputs = m_plan->forward(m_feed->inputs(), m_weights, seed);
    if (!outputs) {
        return fail(std::move(outputs).error());
    }
    const MutableTensorView upstream =
        m_upstream.mutableView().rows(0, static_cast<Index>(order.size()));
    StepOutcome outcome;
    outcome.loss = m_loss->evaluate(outputs->front(), m_feed->targets(), m_onLogits, upstream);
    outcome.accuracy = accuracyOf(m_answers, outputs->front(), m_feed->targets(), m_threshold);
    const TensorView seen = upstream;
    if (auto ok = m_plan->backward(std::span(&seen, 1)); !ok) {
        return fail(std::move(ok).error());
    }
    for (const std::size_t slot : m_trained) {
        std::ranges::copy(m_plan->gradients()[slot].values(), m_gradients[slot].data());
        m_rules[slot].addPenaltyGradient(m_weights[slot], m_gradients[slot]);
        outcome.loss += m_rules[slot].penalty(m_weights[slot]);
    }
    if (!std::isfinite(outcome.loss)) {
        return notFinite(epoch);
    }
    m_optimizer->step(m_weights, m_gradients);
    for (const std::size_t slot : m_trained) {
        m_rules[slot].constrain(m_weights[slot]);
    }
    for (const graph::TrainingPlan::Update& update : m_plan->updatedStatistics()) {
        std::ranges::copy(update.value.values(),
                          m_weights[static_cast<std::size_t>(update.slot)].data());
    }
    ++m_report.steps;
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
    auto plan = graph::InferencePlan::make(m_graph, m_input.configuration, asWeightSet(m_weights));
    if (!plan) {
        return fail(std::move(plan).error());
    }
    auto outputs = (*plan)->run(m_input.validation->views(), m_parallel, {m_job.stop, nullptr});
    if (!outputs) {
        return fail(std::move(outputs).error());
    }
    const TargetView wanted = m_validationTargets.rows(0, m_input.validation->count());
    double loss = m_loss->evaluate(outputs->front().view(), wanted, m_onLogits, {});
    for (const std::size_t slot : m_trained) {
        loss += m_rules[slot].penalty(m_weights[slot]);
    }
    entry.validationLoss = loss;
    entry.validationAccuracy = accuracyOf(m_answers, outputs->front().view(), wanted, m_threshold);
    return {};
}

void Trainer::record(const HistoryEntry& entry)
{
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
    if (watched < m_best) {
        m_best = watched;
        m_bestWeights = asWeightSet(m_weights);
        m_worseEpochs = 0;
    } else if (++m_worseEpochs >= m_options.earlyStop) {
        m_done = true;
    }
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
    auto plan =
        graph::InferencePlan::make(m_graph, m_input.configuration, asWeightSet(m_weights), options);
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

Failure Trainer::notFinite(int epoch) const
{
    return fail(ErrorCode::InvalidArgument,
                fmt::format("The loss is no longer a finite number in epoch {}, step {}.", epoch,
                            m_report.steps + 1),
                firstNotFinite(),
                "Lower the learning rate or scale the data (--learning-rate, --scale).");
}

TrainReport Trainer::finish()
{
    if (m_bestWeights && !m_report.stoppedByUser) {
        m_report.weights = std::move(*m_bestWeights);
    } else {
        m_optimizer->finish(m_weights);
        m_report.weights = asWeightSet(m_weights);
    }
    m_report.stepMillisecondsMedian = median(std::move(m_milliseconds));
    return std::move(m_report);
}

} // namespace

Result<void> TrainOptions::validate() const
{
    const auto require = [](bool holds, const char* where, std::string rule) -> Result<void> {
        if (holds) {
            return {};
        }
        return fail(ErrorCode::InvalidArgument, std::move(rule), where);
    };
    const struct {
        const char* where;
        Index value, least;
    } rows[] = {{"--epochs", epochs, 1},
                {"--batch", batch, 1},
                {"--max-steps", maxSteps, 0},
                {"--early-stop", earlyStop, 0}};
    for (const auto& row : rows) {
        if (auto ok = require(row.value >= row.least, row.where,
                              fmt::format("{} is less than {}.", row.value, row.least));
            !ok) {
            return ok;
        }
    }
    if (auto ok = makeOptimizer(optimizer); !ok) {
        return fail(std::move(ok).error());
    }
    if (auto ok = makeLoss(loss.empty() ? "mse" : std::string_view(loss)); !ok) {
        return fail(std::move(ok).error());
    }
    return {};
}

Result<TrainReport> train(const TrainInput& input, const TrainOptions& options, Parallel& parallel,
                          const JobContext& job, const EpochCallback& onEpoch)
{
    return Trainer(input, options, parallel, job, onEpoch).run();
}

} // namespace bitscape::train
