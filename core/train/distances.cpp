// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/row_loss.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace bitscape::train {

namespace {

double signOf(double value)
{
    return value > 0 ? 1.0 : (value < 0 ? -1.0 : 0.0);
}

/// A term of a mean over the row: (output, target) to value, and its derivative.
using Term = double (*)(double given, double wanted, double& slope);

double squared(double given, double wanted, double& slope)
{
    slope = 2.0 * (given - wanted);
    return (given - wanted) * (given - wanted);
}

double absolute(double given, double wanted, double& slope)
{
    slope = signOf(given - wanted);
    return std::abs(given - wanted);
}

double percentage(double given, double wanted, double& slope)
{
    const double size = std::max(std::abs(wanted), kLossEpsilon);
    slope = 100.0 * signOf(given - wanted) / size;
    return 100.0 * std::abs(given - wanted) / size;
}

double logarithmic(double given, double wanted, double& slope)
{
    const double above = std::max(given, kLossEpsilon) + 1.0;
    const double difference = std::log(above) - std::log(std::max(wanted, kLossEpsilon) + 1.0);
    slope = given >= kLossEpsilon ? 2.0 * difference / above : 0.0;
    return difference * difference;
}

double hyperbolic(double given, double wanted, double& slope)
{
    const double difference = std::abs(given - wanted); // the function is even
    slope = std::tanh(given - wanted);
    return difference + std::log1p(std::exp(-2.0 * difference)) - std::numbers::ln2;
}

double counts(double given, double wanted, double& slope)
{
    slope = 1.0 - wanted / (given + kLossEpsilon);
    return given - wanted * std::log(given + kLossEpsilon);
}

template <Term kTerm>
class Mean final : public RowLoss {
public:
    explicit Mean(const CallArguments& /*arguments*/) {}

private:
    [[nodiscard]] double ofRow(const Row& row, std::span<double> slope) const override
    {
        const auto width = static_cast<double>(slope.size());
        double sum = 0;
        for (std::size_t j = 0; j < slope.size(); ++j) {
            sum += kTerm(row.outputs[j], row.wanted[j], slope[j]);
            slope[j] /= width;
        }
        return sum / width;
    }
};

/// Squared up to ±delta, straight beyond.
class Huber final : public RowLoss {
public:
    explicit Huber(const CallArguments& arguments) : m_delta(arguments.number("delta")) {}

private:
    [[nodiscard]] double ofRow(const Row& row, std::span<double> slope) const override
    {
        const auto width = static_cast<double>(slope.size());
        double sum = 0;
        for (std::size_t j = 0; j < slope.size(); ++j) {
            const double difference = row.outputs[j] - row.wanted[j];
            const double distance = std::abs(difference);
            const bool isNear = distance <= m_delta;
            sum +=
                isNear ? 0.5 * distance * distance : m_delta * distance - 0.5 * m_delta * m_delta;
            slope[j] = (isNear ? difference : m_delta * signOf(difference)) / width;
        }
        return sum / width;
    }

    double m_delta;
};

/// −cos of the angle between output and target.
class CosineSimilarity final : public RowLoss {
public:
    explicit CosineSimilarity(const CallArguments& /*arguments*/) {}

private:
    [[nodiscard]] double ofRow(const Row& row, std::span<double> slope) const override
    {
        constexpr double kLeastSquare = 1e-12; // of tf.math.l2_normalize
        double product = 0;
        double given = 0;
        double wanted = 0;
        for (std::size_t j = 0; j < slope.size(); ++j) {
            product += row.outputs[j] * row.wanted[j];
            given += row.outputs[j] * row.outputs[j];
            wanted += row.wanted[j] * row.wanted[j];
        }
        const double lengths =
            std::sqrt(std::max(given, kLeastSquare) * std::max(wanted, kLeastSquare));
        const double pull = given >= kLeastSquare ? product / given : 0.0;
        for (std::size_t j = 0; j < slope.size(); ++j) {
            slope[j] = (row.outputs[j] * pull - row.wanted[j]) / lengths;
        }
        return -product / lengths;
    }
};

} // namespace

std::vector<LossInfo> distances()
{
    return {
        {"mean_squared_error",
         "mse",
         "Mean of the squared differences.",
         {},
         &makeLossRow<Mean<squared>>},
        {"mean_absolute_error",
         "mae",
         "Mean of the absolute differences.",
         {},
         &makeLossRow<Mean<absolute>>},
        {"mean_absolute_percentage_error",
         "mape",
         "Mean of the differences in percent of the targets.",
         {},
         &makeLossRow<Mean<percentage>>},
        {"mean_squared_logarithmic_error",
         "msle",
         "Mean of the squared differences of log(1 + x).",
         {},
         &makeLossRow<Mean<logarithmic>>},
        {"huber",
         "",
         "Squared for differences up to delta, straight beyond: outliers pull less.",
         {{"delta", 1.0, "Difference up to which the loss is squared.", 0}},
         &makeLossRow<Huber>},
        {"log_cosh",
         "logcosh",
         "Mean of log(cosh(difference)): like huber, but smooth.",
         {},
         &makeLossRow<Mean<hyperbolic>>},
        {"poisson",
         "",
         "For targets that count events; outputs are rates.",
         {},
         &makeLossRow<Mean<counts>>},
        {"cosine_similarity",
         "",
         "Minus the cosine of the angle between output and target.",
         {},
         &makeLossRow<CosineSimilarity>},
    };
}

} // namespace bitscape::train
