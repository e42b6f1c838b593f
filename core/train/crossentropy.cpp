// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/row_loss.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bitscape::train {

namespace {

constexpr std::string_view kLogitsDoc = "The network ends without its softmax or sigmoid.";
constexpr std::string_view kSmoothingDoc = "Part of every target that is spread over all classes.";

double clipped(double probability)
{
    return std::clamp(probability, kLossEpsilon, 1.0 - kLossEpsilon);
}

bool isInside(double probability)
{
    return probability >= kLossEpsilon && probability <= 1.0 - kLossEpsilon;
}

/// −t·log p, 0 for t = 0 whatever p is.
double surprise(double wanted, double logProbability)
{
    return wanted == 0 ? 0.0 : -wanted * logProbability;
}

/// −Σ t·log p over classes; targets as a class or as (smoothed) shares.
class CategoricalCrossentropy final : public RowLoss {
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

private:
    [[nodiscard]] double ofRow(const Row& row, std::span<double> slope) const override
    {
        if (m_fromLogits || row.onLogits) {
            return ofLogits(row, slope);
        }
        return m_sparse ? ofClippedShares(row, slope) : ofShares(row, slope);
    }

    [[nodiscard]] double smoothed(const Row& row, std::size_t index) const
    {
        return row.wanted[index] * (1.0 - m_smoothing) +
               m_smoothing / static_cast<double>(row.wanted.size());
    }

    [[nodiscard]] double ofLogits(const Row& row, std::span<double> slope) const
    {
        const double peak = *std::ranges::max_element(row.outputs);
        double sum = 0;
        for (std::size_t j = 0; j < slope.size(); ++j) {
            slope[j] = std::exp(row.outputs[j] - peak);
            sum += slope[j];
        }
        const double logSum = peak + std::log(sum);
        double loss = 0;
        double total = 0;
        for (std::size_t j = 0; j < slope.size(); ++j) {
            loss += surprise(smoothed(row, j), row.outputs[j] - logSum);
            total += smoothed(row, j);
        }
        for (std::size_t j = 0; j < slope.size(); ++j) {
            slope[j] = slope[j] / sum * total - smoothed(row, j);
        }
        return loss;
    }

    /// Keras divides dense rows by their sum before it clips them …
    [[nodiscard]] double ofShares(const Row& row, std::span<double> slope) const
    {
        const double sum = std::accumulate(row.outputs.begin(), row.outputs.end(), 0.0);
        double loss = 0;
        double mean = 0; // Σ q·dL/dq
        for (std::size_t j = 0; j < slope.size(); ++j) {
            const double share = row.outputs[j] / sum;
            loss += surprise(smoothed(row, j), std::log(clipped(share)));
            slope[j] = isInside(share) ? -smoothed(row, j) / share : 0.0;
            mean += slope[j] * share;
        }
        for (double& value : slope) {
            value = (value - mean) / sum;
        }
        return loss;
    }

    /// … and sparse ones after.
    static double ofClippedShares(const Row& row, std::span<double> slope)
    {
        double sum = 0;
        for (const double output : row.outputs) {
            sum += clipped(output);
        }
        double loss = 0;
        for (std::size_t j = 0; j < slope.size(); ++j) {
            const double share = clipped(row.outputs[j]) / sum;
            loss += surprise(row.wanted[j], std::log(share));
            slope[j] = isInside(row.outputs[j]) ? (share - row.wanted[j]) / row.outputs[j] : 0.0;
        }
        return loss;
    }

    bool m_sparse;
    bool m_fromLogits;
    double m_smoothing;
};

/// Mean over the row of the cross-entropy of every output, taken as a yes or no.
class BinaryCrossentropy final : public RowLoss {
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

private:
    [[nodiscard]] double ofRow(const Row& row, std::span<double> slope) const override
    {
        const auto width = static_cast<double>(slope.size());
        const bool logits = m_fromLogits || row.onLogits;
        double sum = 0;
        for (std::size_t j = 0; j < slope.size(); ++j) {
            const double wanted = row.wanted[j] * (1.0 - m_smoothing) + 0.5 * m_smoothing;
            sum += logits ? ofLogit(row.outputs[j], wanted, slope[j])
                          : ofProbability(row.outputs[j], wanted, slope[j]);
            slope[j] /= width;
        }
        return sum / width;
    }

    static double ofLogit(double out, double wanted, double& slope)
    {
        slope = 1.0 / (1.0 + std::exp(-out)) - wanted;
        return std::max(out, 0.0) - out * wanted + std::log1p(std::exp(-std::abs(out)));
    }

    static double ofProbability(double out, double wanted, double& slope)
    {
        const double yes = clipped(out) + kLossEpsilon;
        const double no = 1.0 - clipped(out) + kLossEpsilon;
        slope = isInside(out) ? (1.0 - wanted) / no - wanted / yes : 0.0;
        return -wanted * std::log(yes) - (1.0 - wanted) * std::log(no);
    }

    bool m_fromLogits;
    double m_smoothing;
};

/// Σ t·log(t/p), both clipped to [epsilon, 1].
class Divergence final : public RowLoss {
public:
    explicit Divergence(const CallArguments& /*arguments*/) {}

private:
    [[nodiscard]] double ofRow(const Row& row, std::span<double> slope) const override
    {
        double sum = 0;
        for (std::size_t j = 0; j < slope.size(); ++j) {
            const double wanted = std::clamp(row.wanted[j], kLossEpsilon, 1.0);
            const double given = std::clamp(row.outputs[j], kLossEpsilon, 1.0);
            sum += wanted * std::log(wanted / given);
            slope[j] = given == row.outputs[j] ? -wanted / given : 0.0;
        }
        return sum;
    }
};

} // namespace

std::vector<LossInfo> crossentropies()
{
    return {
        {"sparse_categorical_crossentropy",
         "",
         "Cross-entropy for labels.",
         {{"from_logits", false, kLogitsDoc}},
         [](const CallArguments& arguments) -> std::unique_ptr<Loss> {
             return std::make_unique<CategoricalCrossentropy>(arguments, true);
         }},
        {"categorical_crossentropy",
         "",
         "Cross-entropy for one-hot rows.",
         {{"from_logits", false, kLogitsDoc}, {"label_smoothing", 0.0, kSmoothingDoc, 0, 1}},
         [](const CallArguments& arguments) -> std::unique_ptr<Loss> {
             return std::make_unique<CategoricalCrossentropy>(arguments, false);
         }},
        {"binary_crossentropy",
         "bce",
         "Cross-entropy of every output taken as a yes or no.",
         {{"from_logits", false, kLogitsDoc}, {"label_smoothing", 0.0, kSmoothingDoc, 0, 1}},
         &makeLossRow<BinaryCrossentropy>},
        {"kl_divergence",
         "kld",
         "Information that the outputs lose about the target shares.",
         {},
         &makeLossRow<Divergence>},
    };
}

} // namespace bitscape::train
