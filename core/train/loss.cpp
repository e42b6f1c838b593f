// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/loss.h"

#include "core/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bitscape::train {

namespace {

constexpr std::string_view kWhere = "--loss";
constexpr double kEpsilon = 1e-7; // Keras' backend.epsilon()

/// Rows of the last axis, with the upstream gradient beside them.
struct Rows {
    TensorView outputs;
    MutableTensorView upstream;
    Index count, width;

    Rows(TensorView out, MutableTensorView up)
        : outputs(out), upstream(up), width(std::max<Index>(1, out.shape.channels()))
    {
        count = out.size() / width;
    }
    [[nodiscard]] std::span<const float> row(Index index) const
    {
        return outputs.values().subspan(static_cast<std::size_t>(index * width),
                                        static_cast<std::size_t>(width));
    }
    [[nodiscard]] std::span<float> gradient(Index index) const
    {
        if (upstream.data == nullptr) {
            return {};
        }
        return upstream.values().subspan(static_cast<std::size_t>(index * width),
                                         static_cast<std::size_t>(width));
    }
};

/// Softmax of a row in double; returns log Σ exp.
double softmax(std::span<const float> logits, std::vector<double>& probabilities)
{
    const double peak = *std::ranges::max_element(logits);
    double sum = 0;
    for (std::size_t j = 0; j < logits.size(); ++j) {
        probabilities[j] = std::exp(logits[j] - peak);
        sum += probabilities[j];
    }
    for (double& probability : probabilities) {
        probability /= sum;
    }
    return peak + std::log(sum);
}

double clipped(double probability)
{
    return std::clamp(probability, kEpsilon, 1.0 - kEpsilon);
}

bool isInside(double probability)
{
    return probability >= kEpsilon && probability <= 1.0 - kEpsilon;
}

/// −Σ t·log p over classes; targets as a class or as (smoothed) shares.
class CategoricalCrossentropy final : public Loss {
public:
    CategoricalCrossentropy(const CallArguments& arguments, bool sparse)
        : m_sparse(sparse), m_fromLogits(arguments.flag("from_logits")),
          m_smoothing(sparse ? 0.0 : arguments.number("label_smoothing"))
    {
    }

    [[nodiscard]] bool wantsLabels() const override { return m_sparse; }
    [[nodiscard]] std::optional<graph::FunctionKind> skippedFunction() const override
    {
        return m_fromLogits ? std::nullopt : std::optional(graph::FunctionKind::Softmax);
    }
    [[nodiscard]] bool expectsLogits() const override { return m_fromLogits; }

    [[nodiscard]] double evaluate(TensorView outputs, const TargetView& targets, bool onLogits,
                                  MutableTensorView upstream) const override
    {
        const Rows rows(outputs, upstream);
        std::vector<double> wanted(static_cast<std::size_t>(rows.width));
        std::vector<double> work(wanted.size());
        double sum = 0;
        for (Index i = 0; i < rows.count; ++i) {
            fillWanted(targets, i, wanted);
            const double share = 1.0 / static_cast<double>(rows.count);
            sum += m_fromLogits || onLogits
                       ? fromLogits(rows.row(i), wanted, share, work, rows.gradient(i))
                       : fromProbabilities(rows.row(i), wanted, share, work, rows.gradient(i));
        }
        return rows.count > 0 ? sum / static_cast<double>(rows.count) : 0.0;
    }

private:
    void fillWanted(const TargetView& targets, Index row, std::vector<double>& wanted) const
    {
        if (m_sparse) {
            std::ranges::fill(wanted, 0.0);
            wanted[static_cast<std::size_t>(targets.labels[static_cast<std::size_t>(row)])] = 1.0;
            return;
        }
        const auto width = static_cast<Index>(wanted.size());
        const auto classes = static_cast<double>(width);
        for (std::size_t j = 0; j < wanted.size(); ++j) {
            wanted[j] =
                targets.values.data[row * width + static_cast<Index>(j)] * (1.0 - m_smoothing) +
                m_smoothing / classes;
        }
    }

    static double fromLogits(std::span<const float> logits, const std::vector<double>& wanted,
                             double share, std::vector<double>& work, std::span<float> gradient)
    {
        const double logSum = softmax(logits, work);
        double loss = 0;
        double total = 0;
        for (std::size_t j = 0; j < logits.size(); ++j) {
            loss += wanted[j] == 0 ? 0.0 : wanted[j] * (logSum - logits[j]);
            total += wanted[j];
        }
        for (std::size_t j = 0; j < gradient.size(); ++j) {
            gradient[j] = static_cast<float>((work[j] * total - wanted[j]) * share);
        }
        return loss;
    }

    /// Keras divides dense rows by their sum before it clips them, and sparse ones after.
    [[nodiscard]] double fromProbabilities(std::span<const float> outputs,
                                           const std::vector<double>& wanted, double share,
                                           std::vector<double>& work,
                                           std::span<float> gradient) const
    {
        double sum = 0;
        for (std::size_t j = 0; j < outputs.size(); ++j) {
            work[j] = m_sparse ? clipped(outputs[j]) : static_cast<double>(outputs[j]);
            sum += work[j];
        }
        double loss = 0;
        double mean = 0; // Σ q·dL/dq of the rows that are clipped last
        for (std::size_t j = 0; j < outputs.size(); ++j) {
            const double probability = m_sparse ? work[j] / sum : clipped(work[j] / sum);
            loss -= wanted[j] == 0 ? 0.0 : wanted[j] * std::log(probability);
            mean -= isInside(work[j] / sum) ? wanted[j] : 0.0;
        }
        for (std::size_t j = 0; j < gradient.size(); ++j) {
            if (m_sparse) {
                const double slope = work[j] / sum - wanted[j];
                gradient[j] =
                    isInside(outputs[j]) ? static_cast<float>(slope / work[j] * share) : 0.0F;
            } else {
                const double q = work[j] / sum;
                const double slope = isInside(q) ? -wanted[j] / q : 0.0;
                gradient[j] = static_cast<float>((slope - mean) / sum * share);
            }
        }
        return loss;
    }

    bool m_sparse;
    bool m_fromLogits;
    double m_smoothing;
};

/// Mean over elements of a function of (output, target); `share` is what each element weighs.
class BinaryCrossentropy final : public Loss {
public:
    explicit BinaryCrossentropy(const CallArguments& arguments)
        : m_fromLogits(arguments.flag("from_logits")),
          m_smoothing(arguments.number("label_smoothing"))
    {
    }

    [[nodiscard]] std::optional<graph::FunctionKind> skippedFunction() const override
    {
        return m_fromLogits ? std::nullopt : std::optional(graph::FunctionKind::Sigmoid);
    }
    [[nodiscard]] bool expectsLogits() const override { return m_fromLogits; }

    [[nodiscard]] double evaluate(TensorView outputs, const TargetView& targets, bool onLogits,
                                  MutableTensorView upstream) const override
    {
        const bool logits = m_fromLogits || onLogits;
        const Index count = outputs.size();
        double sum = 0;
        for (Index i = 0; i < count; ++i) {
            const double wanted = targets.values.data[i] * (1.0 - m_smoothing) + 0.5 * m_smoothing;
            const double out = outputs.data[i];
            double slope = 0;
            sum += logits ? ofLogit(out, wanted, slope) : ofProbability(out, wanted, slope);
            if (upstream.data != nullptr) {
                upstream.data[i] = static_cast<float>(slope / static_cast<double>(count));
            }
        }
        return count > 0 ? sum / static_cast<double>(count) : 0.0;
    }

private:
    static double ofLogit(double out, double wanted, double& slope)
    {
        slope = 1.0 / (1.0 + std::exp(-out)) - wanted;
        return std::max(out, 0.0) - out * wanted + std::log1p(std::exp(-std::abs(out)));
    }

    static double ofProbability(double out, double wanted, double& slope)
    {
        const double p = clipped(out) + kEpsilon;
        const double rest = 1.0 - clipped(out) + kEpsilon;
        slope = isInside(out) ? (1.0 - wanted) / rest - wanted / p : 0.0;
        return -wanted * std::log(p) - (1.0 - wanted) * std::log(rest);
    }

    bool m_fromLogits;
    double m_smoothing;
};

enum class Distance { Squared, Absolute };

template <Distance kDistance>
class MeanDistance final : public Loss {
public:
    explicit MeanDistance(const CallArguments& /*arguments*/) {}

    [[nodiscard]] double evaluate(TensorView outputs, const TargetView& targets, bool /*onLogits*/,
                                  MutableTensorView upstream) const override
    {
        const Index count = outputs.size();
        double sum = 0;
        for (Index i = 0; i < count; ++i) {
            const double difference = static_cast<double>(outputs.data[i]) - targets.values.data[i];
            const double sign = difference > 0 ? 1.0 : (difference < 0 ? -1.0 : 0.0);
            const double slope = kDistance == Distance::Squared ? 2.0 * difference : sign;
            sum += kDistance == Distance::Squared ? difference * difference : std::abs(difference);
            if (upstream.data != nullptr) {
                upstream.data[i] = static_cast<float>(slope / static_cast<double>(count));
            }
        }
        return count > 0 ? sum / static_cast<double>(count) : 0.0;
    }
};

template <class Kind>
std::unique_ptr<Loss> makeRow(const CallArguments& arguments)
{
    return std::make_unique<Kind>(arguments);
}

Failure mismatch(std::string message, std::string hint = {})
{
    return fail(ErrorCode::ShapeMismatch, std::move(message), std::string(kWhere), std::move(hint));
}

Result<Targets> labelTargets(const Samples& samples, Index width)
{
    Targets targets;
    if (samples.hasLabels()) {
        targets.labels = samples.labels;
    } else if (samples.targets.size() == samples.count()) {
        for (const float value : samples.targets.values()) {
            targets.labels.push_back(std::llround(value));
        }
    } else {
        return mismatch(fmt::format("The loss wants one label per sample, the data have values of "
                                    "shape {}.",
                                    samples.targets.shape().sample().toString()),
                        "Use categorical_crossentropy or mse.");
    }
    for (const std::int64_t label : targets.labels) {
        if (label < 0 || label >= width) {
            return mismatch(fmt::format("The data hold the label {}, but the network has {} "
                                        "outputs.",
                                        label, width));
        }
    }
    return targets;
}

Result<Targets> valueTargets(const Samples& samples, const Shape& output)
{
    const Index count = samples.count();
    const Index width = output.elementCount();
    Targets targets;
    targets.values = Tensor(output.batchOf(count));
    if (samples.hasTargets()) {
        if (samples.targets.size() != targets.values.size()) {
            return mismatch(fmt::format("The data's targets have the shape {}, the network's "
                                        "output {}.",
                                        samples.targets.shape().sample().toString(),
                                        output.toString()));
        }
        std::ranges::copy(samples.targets.values(), targets.values.data());
        return targets;
    }
    for (Index i = 0; i < count; ++i) {
        const std::int64_t label = samples.labels[static_cast<std::size_t>(i)];
        if (width == 1) {
            targets.values.data()[i] = static_cast<float>(label);
        } else if (label >= 0 && label < width) {
            targets.values.data()[i * width + label] = 1.0F;
        } else {
            return mismatch(fmt::format(
                "The data hold the label {}, but the network has {} outputs.", label, width));
        }
    }
    return targets;
}

} // namespace

std::span<const LossInfo> losses()
{
    static const std::vector<LossInfo> table{
        {"sparse_categorical_crossentropy",
         "",
         "Cross-entropy for labels.",
         {{"from_logits", false}},
         [](const CallArguments& arguments) -> std::unique_ptr<Loss> {
             return std::make_unique<CategoricalCrossentropy>(arguments, true);
         }},
        {"categorical_crossentropy",
         "",
         "Cross-entropy for one-hot rows.",
         {{"from_logits", false}, {"label_smoothing", 0.0}},
         [](const CallArguments& arguments) -> std::unique_ptr<Loss> {
             return std::make_unique<CategoricalCrossentropy>(arguments, false);
         }},
        {"binary_crossentropy",
         "bce",
         "Cross-entropy of every output taken as a yes or no.",
         {{"from_logits", false}, {"label_smoothing", 0.0}},
         &makeRow<BinaryCrossentropy>},
        {"mean_squared_error",
         "mse",
         "Mean of the squared differences.",
         {},
         &makeRow<MeanDistance<Distance::Squared>>},
        {"mean_absolute_error",
         "mae",
         "Mean of the absolute differences.",
         {},
         &makeRow<MeanDistance<Distance::Absolute>>},
    };
    return table;
}

Result<std::unique_ptr<Loss>> makeLoss(std::string_view text)
{
    auto call = parseKerasCall(text, kWhere);
    if (!call) {
        return fail(std::move(call).error());
    }
    const auto row = std::ranges::find_if(losses(), [&](const LossInfo& info) {
        return info.name == call->name || (info.shortName == call->name && !call->name.empty());
    });
    if (row == losses().end()) {
        std::vector<std::string> known;
        for (const LossInfo& info : losses()) {
            known.emplace_back(info.name);
        }
        const std::string near = nearest(call->name, known);
        return fail(ErrorCode::InvalidArgument, fmt::format("There is no loss '{}'.", call->name),
                    std::string(kWhere),
                    near.empty() ? "Known are " + join(known, ", ") + "."
                                 : "Did you mean '" + near + "'?");
    }
    auto arguments = CallArguments::bind(*call, row->parameters, kWhere);
    if (!arguments) {
        return fail(std::move(arguments).error());
    }
    return row->make(*arguments);
}

std::string_view defaultLoss(const Samples& samples, const Shape& output)
{
    if (!samples.hasLabels()) {
        return "mean_squared_error";
    }
    return output.elementCount() == 1 ? "binary_crossentropy" : "sparse_categorical_crossentropy";
}

TargetView Targets::rows(Index first, Index count) const
{
    TargetView view;
    if (!labels.empty()) {
        view.labels = std::span(labels).subspan(static_cast<std::size_t>(first),
                                                static_cast<std::size_t>(count));
    } else {
        view.values = values.view().rows(first, count);
    }
    return view;
}

Result<Targets> targetsFor(const Loss& loss, const Samples& samples, const Shape& output)
{
    if (!samples.hasLabels() && !samples.hasTargets()) {
        return mismatch("The data hold neither labels nor targets.",
                        "Give data with labels, for example x.npy,y.npy.");
    }
    if (!loss.wantsLabels()) {
        return valueTargets(samples, output);
    }
    if (output.elementCount() != output.channels()) {
        return mismatch(fmt::format("The loss wants one row of classes per sample, the network's "
                                    "output has the shape {}.",
                                    output.toString()));
    }
    return labelTargets(samples, output.channels());
}

} // namespace bitscape::train
