// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/train/loss.h"
#include "core/train/network_end.h"
#include "core/train/trainer.h"

#include <fmt/format.h>

#include <algorithm>

namespace bitscape::train {

namespace {

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

/// Augmentations move pixels about.
Result<void> requireImages(const graph::Graph& graph)
{
    for (const int input : graph.inputs()) {
        const graph::Layer& layer = graph.layer(input);
        if (layer.outputShape.rank() != 3) {
            return fail(ErrorCode::InvalidArgument,
                        fmt::format("Only images are augmented, the network reads {}.",
                                    layer.outputShape.toString()),
                        "--augment, input " + layer.name);
        }
    }
    return {};
}

/// QKeras' noise scheduler sets use_ste of all quantizers that it reaches.
graph::Configuration withSte(graph::Configuration configuration, bool useSte)
{
    for (auto& [layer, slots] : configuration.layers) {
        for (auto& [slot, quantizer] : slots) {
            if (auto changed = quantizer->with("use_ste", useSte)) {
                quantizer = std::move(*changed);
            }
        }
    }
    return configuration;
}

std::vector<Tensor> copies(const graph::WeightSet& set)
{
    std::vector<Tensor> tensors;
    for (const TensorPtr& tensor : set) {
        tensors.push_back(*tensor);
    }
    return tensors;
}

} // namespace

Result<void> Trainer::prepareData()
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
    auto loss = makeLoss(m_options.loss.empty() ? defaultLoss(*m_input.train, output)
                                                : std::string_view(m_options.loss));
    if (!loss) {
        return fail(std::move(loss).error());
    }
    m_loss = std::move(*loss);
    return prepareTargets(output);
}

Result<void> Trainer::prepareTargets(const Shape& output)
{
    auto targets = targetsFor(*m_loss, *m_input.train, output);
    if (!targets) {
        return fail(std::move(targets).error());
    }
    m_targets = std::move(*targets);
    auto weights = sampleWeights(*m_input.train, m_options.classWeight);
    if (!weights) {
        return fail(std::move(weights).error());
    }
    m_targets.weights = std::move(*weights);
    m_answers = answerKind(*m_input.train, output);
    if (!m_input.validation) {
        return {};
    }
    auto wanted = targetsFor(*m_loss, *m_input.validation, output);
    if (!wanted) {
        return fail(std::move(wanted).error().in("validation data"));
    }
    m_validationTargets = std::move(*wanted);
    m_validationTargets.weights = m_input.validation->weights;
    return {};
}

Result<void> Trainer::prepareNetwork()
{
    m_batch = std::min(m_options.batch, m_input.train->count());
    m_penalties = activityPenalties(*m_input.graph, m_report.warnings);
    const bool needsEnd = std::ranges::any_of(m_penalties, [&](const auto& penalty) {
        return penalty.layer == m_input.graph->outputs().front();
    });
    auto graph = withoutEnd(m_input.graph, m_input.configuration,
                            needsEnd ? std::nullopt : m_loss->skippedFunction());
    if (!graph) {
        return fail(std::move(graph).error());
    }
    m_graph = std::move(*graph);
    ensure(m_input.weights.size() == slotCount(), "train: weights of another network");
    m_onLogits = m_graph != m_input.graph;
    m_threshold = m_onLogits || m_loss->expectsLogits() ? 0.0F : 0.5F;
    std::vector<TensorView> first;
    for (const Tensor& input : m_input.train->inputs) {
        first.push_back(input.view().rows(0, m_batch));
    }
    auto configuration =
        initializeLearned(m_graph, m_input.configuration, m_input.weights, first, m_parallel);
    if (!configuration) {
        return fail(std::move(configuration).error());
    }
    if (!m_options.noise.empty()) {
        m_noise = *makeNoiseSchedule(m_options.noise);
    }
    const graph::Configuration run =
        m_noise ? withSte(*configuration, m_noise->useSte) : *configuration;
    auto plan = graph::TrainingPlan::make(m_graph, run, m_batch, m_parallel,
                                          {.activityPenalties = m_penalties});
    if (!plan) {
        return fail(std::move(plan).error());
    }
    m_plan = std::move(*plan);
    m_learned = std::make_unique<LearnedParameters>(*m_graph, std::move(*configuration), *m_plan,
                                                    m_report.warnings);
    m_rules = weightRules(*m_graph, m_input.configuration, m_plan->clipLimits(), m_report.warnings);
    m_upstream = Tensor(m_graph->layer(m_graph->outputs().front()).outputShape.batchOf(m_batch));
    return prepareTeacher();
}

Result<void> Trainer::prepareTeacher()
{
    if (m_options.distillation <= 0) {
        return {};
    }
    const Teacher own{m_input.graph, m_input.weights};
    const Teacher& teacher = m_input.teacher ? *m_input.teacher : own;
    if (auto ok = requireFit(*teacher.graph, *m_input.train, "training"); !ok) {
        return fail(std::move(ok).error().in("teacher"));
    }
    auto graph = withoutEnd(teacher.graph, {}, m_loss->skippedFunction());
    if (!graph) {
        return fail(std::move(graph).error());
    }
    const int output = (*graph)->outputs().front();
    if ((*graph)->layer(output).outputShape.elementCount() != m_upstream.size() / m_batch) {
        return fail(ErrorCode::ShapeMismatch, "The teacher has other outputs than the network.",
                    "--teacher");
    }
    auto plan = graph::InferencePlan::make(*graph, {}, teacher.weights);
    if (!plan) {
        return fail(std::move(plan).error().in("teacher"));
    }
    m_teaching =
        std::make_unique<Teaching>(std::move(*plan), m_options.distillation, m_options.temperature,
                                   m_answers, m_onLogits || m_loss->expectsLogits());
    return {};
}

Result<void> Trainer::prepareSteps()
{
    const Index count = m_input.train->count();
    const Index all = (count + m_batch - 1) / m_batch * m_options.epochs;
    m_totalSteps =
        static_cast<int>(m_options.maxSteps > 0 ? std::min<Index>(all, m_options.maxSteps) : all);
    auto optimizer = makeOptimizer(m_options.optimizer);
    if (!optimizer) {
        return fail(std::move(optimizer).error());
    }
    m_optimizer = std::move(*optimizer);
    auto schedule = makeSchedule(m_options.schedule, m_options.warmUp,
                                 {m_optimizer->settings().learningRate, m_totalSteps});
    if (!schedule) {
        return fail(std::move(schedule).error());
    }
    m_schedule = std::move(*schedule);
    auto augmentations = makeAugmentations(m_options.augment);
    if (!augmentations) {
        return fail(std::move(augmentations).error());
    }
    if (!augmentations->empty()) {
        if (auto ok = requireImages(*m_graph); !ok) {
            return ok;
        }
    }
    m_feed = std::make_unique<BatchFeed>(*m_input.train, m_targets, std::move(*augmentations),
                                         m_batch, m_options.seed);
    m_state.origin = origin();
    m_state.weights = copies(m_input.weights);
    for (std::size_t i = 0; i < slotCount(); ++i) {
        const graph::WeightSlot slot = m_graph->weightSlots()[i];
        if (m_graph->layer(slot.layer).weights[static_cast<std::size_t>(slot.weight)].trainable) {
            m_trained.push_back(i);
        }
    }
    for (Tensor& parameter : m_learned->values()) {
        m_trained.push_back(m_state.weights.size());
        m_state.weights.push_back(std::move(parameter));
    }
    for (const Tensor& weight : m_state.weights) {
        m_gradients.emplace_back(weight.shape());
    }
    m_optimizer->begin(m_state.weights, m_trained);
    return {};
}

std::string Trainer::origin() const
{
    std::string text = m_options.canonical() + "\n" + m_input.configuration.canonical() + "\n";
    for (const graph::Layer& layer : m_graph->layers()) {
        text += layer.name + layer.outputShape.toString() + "\n";
    }
    const auto describe = [&](const Samples* samples) {
        text += samples == nullptr ? "-" : std::to_string(samples->count());
        text += samples == nullptr || samples->weights.empty() ? "\n" : " weighted\n";
    };
    describe(m_input.train.get());
    describe(m_input.validation.get());
    return sha256(text);
}

Result<void> Trainer::resume()
{
    if (!m_input.resume) {
        return {};
    }
    const TrainState& state = *m_input.resume;
    const auto isAlike = [&](const std::vector<Tensor>& weights) {
        return std::ranges::equal(weights, m_state.weights, [](const Tensor& a, const Tensor& b) {
            return a.shape() == b.shape();
        });
    };
    if (state.origin != m_state.origin || !isAlike(state.weights) ||
        (!state.bestWeights.empty() && !isAlike(state.bestWeights))) {
        return fail(ErrorCode::InvalidArgument,
                    "The checkpoint belongs to a training with other options, network or data.",
                    "--resume", "Repeat the options of the first run, or start without --resume.");
    }
    m_state = state;
    if (auto ok = m_optimizer->restore(state.optimizer); !ok) {
        return ok;
    }
    m_state.optimizer = {};
    m_learned->apply(std::span(m_state.weights).subspan(slotCount()));
    m_report.history = m_state.history;
    return {};
}

} // namespace bitscape::train
