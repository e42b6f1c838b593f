// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/derived.h"

#include "app/document/presets.h"
#include "core/graph/execution.h"
#include "core/train/train.h"
#include "core/train/what_if.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bitscape::app {

namespace {

/// Edits within this time are measured together.
constexpr int kDelayMilliseconds = 120;
/// Samples for the signal to noise of outputs; their activations are kept.
constexpr Index kTapSamples = 32;
constexpr Index kTapBytes = Index{64} << 20U;

std::vector<int> tapsOf(const graph::Graph& graph)
{
    std::vector<int> taps;
    for (int i = 0; i < static_cast<int>(graph.layers().size()); ++i) {
        if (!std::holds_alternative<graph::InputOp>(graph.layer(i).op)) {
            taps.push_back(i);
        }
    }
    return taps;
}

Index tapSamples(const graph::Graph& graph, Index available)
{
    Index floats = 1;
    for (const graph::Layer& layer : graph.layers()) {
        floats += layer.outputShape.elementCount();
    }
    const Index fitting = kTapBytes / (floats * static_cast<Index>(sizeof(float)));
    return std::clamp<Index>(std::min(fitting, kTapSamples), 1, std::max<Index>(1, available));
}

double sqnrDb(TensorView exact, TensorView quantized)
{
    double signal = 0.0;
    double noise = 0.0;
    const auto a = exact.values();
    const auto b = quantized.values();
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double error = static_cast<double>(a[i]) - static_cast<double>(b[i]);
        signal += static_cast<double>(a[i]) * static_cast<double>(a[i]);
        noise += error * error;
    }
    if (noise == 0.0) {
        return std::numeric_limits<double>::infinity();
    }
    return signal > 0.0 ? 10.0 * std::log10(signal / noise)
                        : std::numeric_limits<double>::quiet_NaN();
}

Accuracy accuracyOf(const train::Evaluation& evaluation)
{
    Accuracy accuracy;
    if (evaluation.accuracy && evaluation.count > 0) {
        const double p = *evaluation.accuracy;
        accuracy = {p, std::sqrt(p * (1.0 - p) / static_cast<double>(evaluation.count)),
                    evaluation.count, Certainty::Sample};
    }
    return accuracy;
}

/// Weights of the float network: those of the newest configuration without quantizers, else the
/// model's. Weights that were trained with quantizers are no good without them.
graph::WeightSet floatWeights(const project::Project& project)
{
    for (auto it = project.configurations.rbegin(); it != project.configurations.rend(); ++it) {
        if ((*it)->configuration.isFloat() && (*it)->weights) {
            return *(*it)->weights;
        }
    }
    return project.graph().weights();
}

/// The last `count` samples: the end of the data is the validation part.
train::Samples lastSamples(const train::Samples& samples, Index count)
{
    std::vector<Index> indices;
    const Index all = samples.count();
    for (Index i = std::max<Index>(0, all - count); i < all; ++i) {
        indices.push_back(i);
    }
    return samples.pick(indices);
}

} // namespace

Result<std::shared_ptr<const train::Samples>> fittedSamples(const project::Project& project)
{
    if (project.isEmpty() || !project.data) {
        return fail(ErrorCode::InvalidArgument, "The project holds no data.", {},
                    "Open a data set first.");
    }
    std::vector<std::string> names;
    std::vector<Shape> shapes;
    for (const int input : project.graph().inputs()) {
        names.push_back(project.graph().layer(input).name);
        shapes.push_back(project.graph().layer(input).outputShape);
    }
    return io::fitToInputs(project.data->samples, names, shapes);
}

Figures figuresOf(const graph::Graph& graph, const graph::Configuration& configuration,
                  const hw::Accelerator& accelerator)
{
    Figures figures;
    auto cost = hw::hardwareCost(graph, configuration, accelerator);
    if (!cost) {
        figures.error = std::move(cost).error();
        return figures;
    }
    figures.hardware = *std::move(cost);
    figures.bits = hw::layerBits(graph, configuration);
    figures.weightKib =
        static_cast<double>(hw::packedWeightBits(graph, configuration)) / 8.0 / 1024.0;
    return figures;
}

/// What the float network does with the sample: computed once per network and data.
struct Derived::FloatRun {
    std::shared_ptr<const io::ModelFile> model;
    std::shared_ptr<const graph::WeightSet> weights;
    std::shared_ptr<const io::DataSet> data;
    std::shared_ptr<train::WhatIf> whatIf; ///< of these weights, on the sample
    Accuracy accuracy;
    std::vector<int> taps;
    std::vector<Tensor> outputs; ///< of the taps, for the first samples
    Index tapCount = 0;

    [[nodiscard]] bool fits(const project::Project& project) const
    {
        return model == project.model && data == project.data &&
               weights == project.currentConfiguration().weights;
    }
};

Derived::Derived(Document& document, int sampleSize, int threads, QObject* parent)
    : QObject(parent), m_document(document), m_sampleSize(sampleSize), m_threads(threads),
      m_referenceId(QStringLiteral("uniform8"))
{
    m_delay.setSingleShot(true);
    m_delay.setInterval(kDelayMilliseconds);
    connect(&m_delay, &QTimer::timeout, this, &Derived::measure);
    connect(&m_document, &Document::projectChanged, this, &Derived::update);
}

void Derived::setReference(const QString& id)
{
    m_referenceId = id;
    updateReference();
    Q_EMIT figuresChanged();
}

void Derived::updateReference()
{
    const project::Project& project = m_document.project();
    const Preset* preset = findPreset(m_referenceId.toStdString());
    if (project.isEmpty() || preset == nullptr) {
        m_reference = {};
        return;
    }
    const graph::Configuration configuration =
        withPreset(project.graph(), graph::Configuration{}, *preset, project.calibration.get(), {});
    m_reference = figuresOf(project.graph(), configuration, project.accelerator);
}

void Derived::update(Changes changes)
{
    const project::Project& project = m_document.project();
    if (changes & (Change::Model | Change::Accelerator)) {
        m_trialFigures.clear();
    }
    if (project.isEmpty()) {
        m_figures = {};
        m_reference = {};
        m_quality = {};
        m_floatAccuracy = {};
        m_floatRun.reset();
        m_currentKey = {};
        m_exactFor.reset();
        Q_EMIT figuresChanged();
        return;
    }
    if (changes & (Change::Model | Change::Configurations | Change::Accelerator)) {
        m_figures = figuresOf(project.graph(), project.currentConfiguration().configuration,
                              project.accelerator);
    }
    if (changes & (Change::Model | Change::Calibration | Change::Accelerator)) {
        updateReference();
    }
    if (changes & (Change::Model | Change::Configurations | Change::Data)) {
        const auto& chosen = project.configurations[static_cast<std::size_t>(project.current)];
        m_currentKey = {project.model, chosen->weights, project.data,
                        chosen->configuration.canonical()};
        if (chosen->measured && m_exactFor != chosen) {
            const bool isValid = chosen->measured->forHash == project::stateHash(project);
            m_exactFor = isValid ? chosen : nullptr;
        }
        if (m_floatRun && !m_floatRun->fits(project)) {
            m_floatRun.reset();
            m_floatAccuracy = {};
        }
        if (changes & (Change::Model | Change::Data)) {
            m_quality = {};
            m_qualityKey = {};
        }
        m_delay.start();
    }
    Q_EMIT figuresChanged();
}

bool Derived::isQualityCurrent() const
{
    return m_qualityKey == m_currentKey;
}

Accuracy Derived::accuracy() const
{
    if (m_document.isEmpty()) {
        return {};
    }
    const project::NamedConfiguration& chosen = m_document.project().currentConfiguration();
    const auto& measured = chosen.measured;
    if (measured && m_exactFor.get() == &chosen) {
        return {measured->accuracy, measured->standardError, measured->count, Certainty::Exact};
    }
    Accuracy accuracy = m_quality.accuracy;
    if (accuracy.certainty == Certainty::Sample && !isQualityCurrent()) {
        accuracy.certainty = Certainty::Stale;
    }
    return accuracy;
}

const Figures& Derived::figuresOfTrial(const search::Trial& trial)
{
    const project::Project& project = m_document.project();
    const std::string key = trial.configuration.canonical();
    auto found = m_trialFigures.find(key);
    if (found == m_trialFigures.end()) {
        found =
            m_trialFigures
                .emplace(key, figuresOf(project.graph(), trial.configuration, project.accelerator))
                .first;
    }
    return found->second;
}

void Derived::measure()
{
    const Snapshot project = m_document.snapshot();
    if (project->isEmpty() || !project->data || !project->graph().unsupported().empty()) {
        return;
    }
    if (m_runner.isRunning()) {
        // The result would be for an older configuration: it ends, and the newest one is measured.
        m_runner.stop();
        return;
    }
    const Key key = m_currentKey;
    m_runner.start<Measured>(
        [project, run = m_floatRun, size = m_sampleSize, threads = m_threads](JobContext job) {
            return measureNow(project, run, size, threads, job);
        },
        [this, key](Result<Measured> measured) {
            if (measured) {
                m_quality = std::move(measured->quality);
                m_floatAccuracy = measured->floatAccuracy;
                m_floatRun = std::move(measured->floatRun);
                m_qualityKey = key;
            } else if (measured.error().code != ErrorCode::Canceled) {
                m_quality = {};
                m_qualityKey = key;
            }
            if (!(key == m_currentKey)) {
                m_delay.start();
            }
            Q_EMIT qualityChanged();
        });
    Q_EMIT qualityChanged();
}

Result<Derived::Measured> Derived::measureNow(const Snapshot& project,
                                              std::shared_ptr<const FloatRun> floatRun,
                                              int sampleSize, int threads, const JobContext& job)
{
    Parallel parallel(threads);
    const graph::GraphPtr& graph = project->model->graph;
    const graph::WeightSet weights = project->currentWeights();
    if (!floatRun) {
        auto made = std::make_shared<FloatRun>();
        made->model = project->model;
        made->weights = project->currentConfiguration().weights;
        made->data = project->data;
        auto samples = fittedSamples(*project);
        if (!samples) {
            return fail(std::move(samples).error());
        }
        auto sample = std::make_shared<const train::Samples>(lastSamples(**samples, sampleSize));
        made->whatIf = std::make_shared<train::WhatIf>(graph, weights, sample);
        made->taps = tapsOf(*graph);
        made->tapCount = tapSamples(*graph, sample->count());
        graph::PlanOptions options;
        auto plan = graph::InferencePlan::make(graph, {}, floatWeights(*project), options);
        if (!plan) {
            return fail(std::move(plan).error());
        }
        auto evaluation = train::evaluate(**plan, *sample, parallel, job);
        if (!evaluation) {
            return fail(std::move(evaluation).error());
        }
        made->accuracy = accuracyOf(*evaluation);
        options.taps = made->taps;
        auto tapped = graph::InferencePlan::make(graph, {}, weights, options);
        if (!tapped) {
            return fail(std::move(tapped).error());
        }
        std::vector<TensorView> inputs = sample->views();
        for (TensorView& view : inputs) {
            view = view.rows(0, made->tapCount);
        }
        auto outputs = (*tapped)->run(inputs, parallel, job);
        if (!outputs) {
            return fail(std::move(outputs).error());
        }
        made->outputs = *std::move(outputs);
        floatRun = std::move(made);
    }
    Measured measured;
    measured.floatAccuracy = floatRun->accuracy;
    measured.floatRun = floatRun;
    const graph::Configuration& configuration = project->currentConfiguration().configuration;
    auto evaluation = floatRun->whatIf->evaluate(configuration, parallel, job);
    if (!evaluation) {
        return fail(std::move(evaluation).error());
    }
    measured.quality.accuracy = accuracyOf(*evaluation);
    graph::PlanOptions options;
    options.taps = floatRun->taps;
    options.layers = floatRun->whatIf->layers();
    auto tapped = graph::InferencePlan::make(graph, configuration, weights, options);
    if (!tapped) {
        return fail(std::move(tapped).error());
    }
    std::vector<TensorView> inputs = floatRun->whatIf->samples().views();
    for (TensorView& view : inputs) {
        view = view.rows(0, floatRun->tapCount);
    }
    auto outputs = (*tapped)->run(inputs, parallel, job);
    if (!outputs) {
        return fail(std::move(outputs).error());
    }
    // Outputs of the network come first, the taps after them.
    const std::size_t first = graph->outputs().size();
    for (std::size_t i = 0; i < floatRun->taps.size(); ++i) {
        const Tensor& exact = floatRun->outputs[first + i];
        const Tensor& quantized = (*outputs)[first + i];
        if (exact.shape() == quantized.shape()) {
            measured.quality.sqnrDb[graph->layer(floatRun->taps[i]).name] =
                sqnrDb(exact.view(), quantized.view());
        }
    }
    return measured;
}

} // namespace bitscape::app
