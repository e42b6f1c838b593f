// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/loss.h"
#include "core/train/metrics.h"
#include "core/train/train.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>

namespace bitscape::train {

namespace {

constexpr Index kTop = 5;

std::span<const float> rowOf(TensorView values, Index row, Index width)
{
    return {values.data + row * width, static_cast<std::size_t>(width)};
}

/// The right class of every sample.
std::vector<std::int64_t> classesOf(const Samples& samples, Index width)
{
    if (samples.hasLabels()) {
        return samples.labels;
    }
    std::vector<std::int64_t> classes;
    for (Index i = 0; i < samples.count(); ++i) {
        const auto row = rowOf(samples.targets.view(), i, width);
        classes.push_back(width == 1 ? std::lround(row[0]) : argMax(row));
    }
    return classes;
}

/// As many outputs as inputs, and labels that only say normal or not: the network repeats its input
/// and the distance to it is the score.
bool isReconstruction(const Samples& samples, const Shape& output)
{
    const Index width = output.elementCount();
    return samples.hasLabels() && width > 2 && samples.inputs.size() == 1 &&
           samples.inputs.front().shape().sample().elementCount() == width &&
           std::ranges::all_of(samples.labels, [](std::int64_t l) { return l == 0 || l == 1; });
}

bool areProbabilities(TensorView outputs, Index width)
{
    constexpr double kSlack = 1e-3;
    const auto values = outputs.values();
    if (!std::ranges::all_of(values, [](float v) { return v >= 0 && v <= 1; })) {
        return false;
    }
    for (Index i = 0; width > 1 && i < outputs.size() / width; ++i) {
        const auto row = rowOf(outputs, i, width);
        if (std::abs(std::accumulate(row.begin(), row.end(), 0.0) - 1.0) > kSlack) {
            return false;
        }
    }
    return true;
}

double lossOf(std::string_view name, TensorView outputs, const Targets& targets, bool probabilities)
{
    const auto loss = makeLoss(name);
    ensure(loss.has_value(), "evaluate: an unknown loss");
    return (*loss)->evaluate(outputs, targets.rows(0, outputs.shape[0]), !probabilities, {});
}

/// A metric that is the loss of a name, times a sign.
struct LossMetric {
    std::optional<double> Evaluation::*value;
    std::string_view loss;
    double sign;
};
constexpr std::size_t kPlainDistances = 2; // the first rows: what says something of any values
constexpr LossMetric kLossMetrics[] = {
    {&Evaluation::mse, "mean_squared_error", 1},
    {&Evaluation::mae, "mean_absolute_error", 1},
    {&Evaluation::mape, "mean_absolute_percentage_error", 1},
    {&Evaluation::msle, "mean_squared_logarithmic_error", 1},
    {&Evaluation::logCosh, "log_cosh", 1},
    {&Evaluation::huber, "huber", 1},
    {&Evaluation::cosineSimilarity, "cosine_similarity", -1},
    {&Evaluation::hinge, "hinge", 1},
    {&Evaluation::klDivergence, "kl_divergence", 1},
    {&Evaluation::poisson, "poisson", 1},
};

/// `outputs` in rows of what one sample answers.
void measureDistances(Evaluation& result, TensorView outputs, const Targets& wanted,
                      std::span<const LossMetric> metrics = kLossMetrics)
{
    for (const LossMetric& metric : metrics) {
        result.*metric.value = metric.sign * lossOf(metric.loss, outputs, wanted, true);
    }
    result.rmse = std::sqrt(*result.mse);
}

/// Of yes against no: what was called yes and is, what is yes and was found.
void measureHits(Evaluation& result, std::span<const float> scores, float threshold,
                 const std::vector<bool>& positive)
{
    double found = 0;
    double called = 0;
    double real = 0;
    for (std::size_t i = 0; i < positive.size(); ++i) {
        const bool isCalled = scores[i] > threshold;
        found += isCalled && positive[i] ? 1 : 0;
        called += isCalled ? 1 : 0;
        real += positive[i] ? 1 : 0;
    }
    result.precision = called > 0 ? found / called : 0.0;
    result.recall = real > 0 ? found / real : 0.0;
    const double sum = *result.precision + *result.recall;
    result.f1 = sum > 0 ? 2.0 * *result.precision * *result.recall / sum : 0.0;
}

/// Ties count for the label, as in Keras.
bool isAmongBest(std::span<const float> row, std::int64_t label, Index best)
{
    if (label < 0 || label >= static_cast<std::int64_t>(row.size())) {
        return false;
    }
    const float mark = row[static_cast<std::size_t>(label)];
    return std::ranges::count_if(row, [&](float value) { return value > mark; }) < best;
}

void countConfusion(Evaluation& result, const std::vector<std::int64_t>& wanted,
                    const std::vector<Index>& answered, std::size_t classes)
{
    result.confusion.assign(classes, std::vector<std::int64_t>(classes, 0));
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        ++result.confusion[static_cast<std::size_t>(wanted[i])]
                          [static_cast<std::size_t>(answered[i])];
    }
    for (std::size_t c = 0; c < classes; ++c) {
        const auto& row = result.confusion[c];
        const auto total =
            static_cast<double>(std::accumulate(row.begin(), row.end(), std::int64_t{0}));
        result.perClass.push_back(total > 0 ? static_cast<double>(row[c]) / total
                                            : std::numeric_limits<double>::quiet_NaN());
    }
}

/// Mean over classes of the area of one class against the rest; of class 1 where there are two.
std::optional<double> classAuc(TensorView outputs, const std::vector<std::int64_t>& wanted,
                               Index width)
{
    double sum = 0;
    int areas = 0;
    for (Index c = width == 2 ? 1 : 0; c < width; ++c) {
        std::vector<double> scores;
        std::vector<bool> positive;
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            scores.push_back(outputs.data[static_cast<Index>(i) * width + c]);
            positive.push_back(wanted[i] == c);
        }
        if (const auto area = areaUnderCurve(scores, positive)) {
            sum += *area;
            ++areas;
        }
    }
    return areas > 0 ? std::optional(sum / areas) : std::nullopt;
}

void measureClasses(Evaluation& result, TensorView outputs, const Samples& samples, Index width)
{
    const std::vector<std::int64_t> wanted = classesOf(samples, width);
    if (*std::ranges::min_element(wanted) < 0) {
        return; // labels that are no classes
    }
    std::vector<Index> answered;
    Index hits = 0;
    Index near = 0;
    std::int64_t classes =
        std::max<std::int64_t>({width, static_cast<std::int64_t>(samples.classNames.size()),
                                1 + *std::ranges::max_element(wanted)});
    Targets oneHot;
    oneHot.values = Tensor(Shape{result.count, width});
    for (Index i = 0; i < result.count; ++i) {
        const auto row = rowOf(outputs, i, width);
        const std::int64_t label = wanted[static_cast<std::size_t>(i)];
        answered.push_back(argMax(row));
        hits += answered.back() == label ? 1 : 0;
        near += isAmongBest(row, label, kTop) ? 1 : 0;
        if (label < width) {
            oneHot.values.data()[i * width + label] = 1.0F;
        }
    }
    result.accuracy = static_cast<double>(hits) / static_cast<double>(result.count);
    result.top5 = static_cast<double>(near) / static_cast<double>(result.count);
    result.auc = classAuc(outputs, wanted, width);
    countConfusion(result, wanted, answered, static_cast<std::size_t>(classes));
    const TensorView rows{outputs.data, Shape{result.count, width}};
    measureDistances(result, rows, oneHot);
    if (width == 2 && classes == 2) {
        std::vector<float> scores;
        std::vector<bool> positive;
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            scores.push_back(answered[i] == 1 ? 1.0F : 0.0F);
            positive.push_back(wanted[i] == 1);
        }
        measureHits(result, scores, 0.5F, positive);
    }
    result.loss =
        lossOf("categorical_crossentropy", rows, oneHot, areProbabilities(outputs, width));
}

void measureFlags(Evaluation& result, TensorView outputs, const Samples& samples, Index width)
{
    const bool probabilities = areProbabilities(outputs, 1);
    Targets wanted;
    wanted.values = Tensor(Shape{result.count, width});
    if (samples.hasLabels()) {
        std::ranges::transform(samples.labels, wanted.values.data(),
                               [](std::int64_t label) { return label > 0 ? 1.0F : 0.0F; });
    } else {
        std::ranges::copy(samples.targets.values(), wanted.values.data());
    }
    const TargetView all = wanted.rows(0, result.count);
    const float threshold = probabilities ? 0.5F : 0.0F;
    const TensorView rows{outputs.data, Shape{result.count, width}};
    result.accuracy = accuracyOf(AnswerKind::Flags, rows, all, threshold);
    std::vector<double> scores(outputs.values().begin(), outputs.values().end());
    std::vector<bool> positive;
    for (const float value : wanted.values.values()) {
        positive.push_back(value > 0.5F);
    }
    result.auc = areaUnderCurve(scores, positive);
    measureHits(result, outputs.values(), threshold, positive);
    measureDistances(result, rows, wanted);
    result.loss = lossOf("binary_crossentropy", rows, wanted, probabilities);
    if (width == 1) {
        std::vector<std::int64_t> truth(positive.begin(), positive.end());
        std::vector<Index> answered;
        for (const float value : outputs.values()) {
            answered.push_back(value > threshold ? 1 : 0);
        }
        countConfusion(result, truth, answered, 2);
    }
}

void measureReconstruction(Evaluation& result, TensorView outputs, const Samples& samples,
                           Index width)
{
    const Tensor& input = samples.inputs.front();
    Targets wanted;
    wanted.values = Tensor(Shape{result.count, width}, input.values());
    measureDistances(result, {outputs.data, Shape{result.count, width}}, wanted,
                     std::span(kLossMetrics).first(kPlainDistances));
    result.loss = result.mse;
    std::vector<double> scores;
    std::vector<bool> positive;
    for (Index i = 0; i < result.count; ++i) {
        double squares = 0;
        for (Index j = i * width; j < (i + 1) * width; ++j) {
            const double difference = static_cast<double>(outputs.data[j]) - input.data()[j];
            squares += difference * difference;
        }
        scores.push_back(squares / static_cast<double>(width));
        positive.push_back(samples.labels[static_cast<std::size_t>(i)] > 0);
    }
    result.auc = areaUnderCurve(scores, positive);
}

void measureValues(Evaluation& result, TensorView outputs, const Samples& samples)
{
    if (samples.targets.size() == outputs.size()) {
        Targets wanted;
        wanted.values = Tensor(outputs.shape, samples.targets.values());
        measureDistances(result, outputs, wanted);
        result.loss = result.mse;
    }
}

} // namespace

std::span<const MetricInfo> metrics()
{
    static constexpr MetricInfo kTable[] = {
        {"accuracy", "Share of right answers", &Evaluation::accuracy, true},
        {"top5", "Share of samples whose class is among the five largest outputs",
         &Evaluation::top5, true},
        {"auc", "Area under the receiver operating characteristic", &Evaluation::auc, true},
        {"mse", "Mean squared error", &Evaluation::mse, true},
        {"mae", "Mean absolute error", &Evaluation::mae, true},
        {"precision", "Share of the yes answers that are right", &Evaluation::precision, false},
        {"recall", "Share of the yes samples that were found", &Evaluation::recall, false},
        {"f1", "Harmonic mean of precision and recall", &Evaluation::f1, false},
        {"rmse", "Root of the mean squared error", &Evaluation::rmse, false},
        {"mape", "Mean absolute error in percent of the targets", &Evaluation::mape, false},
        {"msle", "Mean squared error of log(1 + x)", &Evaluation::msle, false},
        {"log_cosh", "Mean of log(cosh(error))", &Evaluation::logCosh, false},
        {"huber", "Huber loss with delta 1", &Evaluation::huber, false},
        {"cosine_similarity", "Cosine of the angle between output and target",
         &Evaluation::cosineSimilarity, false},
        {"hinge", "Hinge loss", &Evaluation::hinge, false},
        {"kl_divergence", "Kullback-Leibler divergence", &Evaluation::klDivergence, false},
        {"poisson", "Poisson loss", &Evaluation::poisson, false},
    };
    return kTable;
}

Evaluation evaluateOutputs(TensorView outputs, const Samples& samples)
{
    Evaluation result;
    result.count = outputs.shape[0];
    if (result.count == 0 || outputs.size() == 0) {
        return result;
    }
    const Index width = outputs.size() / result.count;
    if (!samples.hasLabels() && !samples.hasTargets()) {
        return result;
    }
    if (isReconstruction(samples, outputs.shape.sample())) {
        measureReconstruction(result, outputs, samples, width);
        return result;
    }
    switch (answerKind(samples, outputs.shape.sample())) {
    case AnswerKind::Classes:
        measureClasses(result, outputs, samples, width);
        break;
    case AnswerKind::Flags:
        measureFlags(result, outputs, samples, width);
        break;
    case AnswerKind::Values:
        measureValues(result, outputs, samples);
        break;
    }
    return result;
}

Result<void> checkAnswers(const Samples& samples, const Shape& output)
{
    if (samples.count() == 0) {
        return fail(ErrorCode::ShapeMismatch, "The data are empty.");
    }
    const Index width = output.elementCount();
    if (samples.hasLabels() && width > 1 && !isReconstruction(samples, output)) {
        const auto [least, largest] = std::ranges::minmax(samples.labels);
        if (least < 0 || largest >= width) {
            return fail(ErrorCode::ShapeMismatch,
                        fmt::format("The data hold the label {}, but the network has {} outputs.",
                                    least < 0 ? least : largest, width));
        }
    }
    if (samples.hasTargets() && samples.targets.shape().sample().elementCount() != width) {
        return fail(ErrorCode::ShapeMismatch,
                    fmt::format("The data's targets have the shape {}, the network's output {}.",
                                samples.targets.shape().sample().toString(), output.toString()));
    }
    return {};
}

Result<Evaluation> evaluate(const graph::InferencePlan& plan, const Samples& samples,
                            Parallel& parallel, const JobContext& job)
{
    if (auto ok = checkAnswers(samples, plan.resultShapes().front()); !ok) {
        return fail(std::move(ok).error());
    }
    const auto started = std::chrono::steady_clock::now();
    auto outputs = plan.run(samples.views(), parallel, job);
    if (!outputs) {
        return fail(std::move(outputs).error());
    }
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
    Evaluation result = evaluateOutputs(outputs->front().view(), samples);
    result.seconds = taken.count();
    return result;
}

} // namespace bitscape::train
