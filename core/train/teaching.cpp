// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/teaching.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace bitscape::train {

namespace {

/// log softmax of logits/temperature.
void logShares(std::span<const float> logits, double temperature, std::vector<double>& out)
{
    const double peak = *std::ranges::max_element(logits);
    double sum = 0;
    for (std::size_t j = 0; j < logits.size(); ++j) {
        out[j] = (logits[j] - peak) / temperature;
        sum += std::exp(out[j]);
    }
    for (double& value : out) {
        value -= std::log(sum);
    }
}

/// log of the sigmoid.
double logYes(double logit)
{
    return std::min(logit, 0.0) - std::log1p(std::exp(-std::abs(logit)));
}

double ofClasses(std::span<const float> given, std::span<const float> taught, double temperature,
                 std::vector<double>& slope)
{
    std::vector<double> ours(given.size());
    std::vector<double> theirs(given.size());
    logShares(given, temperature, ours);
    logShares(taught, temperature, theirs);
    double sum = 0;
    for (std::size_t j = 0; j < given.size(); ++j) {
        const double share = std::exp(theirs[j]);
        sum += share * (theirs[j] - ours[j]);
        slope[j] = temperature * (std::exp(ours[j]) - share);
    }
    return temperature * temperature * sum;
}

double ofFlags(std::span<const float> given, std::span<const float> taught, double temperature,
               std::vector<double>& slope)
{
    const auto width = static_cast<double>(given.size());
    double sum = 0;
    for (std::size_t j = 0; j < given.size(); ++j) {
        const double ours = given[j] / temperature;
        const double theirs = taught[j] / temperature;
        const double yes = std::exp(logYes(theirs));
        sum +=
            yes * (logYes(theirs) - logYes(ours)) + (1.0 - yes) * (logYes(-theirs) - logYes(-ours));
        slope[j] = temperature * (std::exp(logYes(ours)) - yes) / width;
    }
    return temperature * temperature * sum / width;
}

double ofValues(std::span<const float> given, std::span<const float> taught,
                std::vector<double>& slope)
{
    const auto width = static_cast<double>(given.size());
    double sum = 0;
    for (std::size_t j = 0; j < given.size(); ++j) {
        const double difference = static_cast<double>(given[j]) - taught[j];
        sum += difference * difference;
        slope[j] = 2.0 * difference / width;
    }
    return sum / width;
}

} // namespace

Teaching::Teaching(std::shared_ptr<const graph::InferencePlan> teacher, double share,
                   double temperature, AnswerKind kind, bool areLogits)
    : m_teacher(std::move(teacher)), m_share(share), m_temperature(temperature), m_kind(kind),
      m_areLogits(areLogits)
{
}

Result<double> Teaching::mix(std::span<const TensorView> inputs, TensorView outputs,
                             std::span<const float> weights, double loss,
                             MutableTensorView upstream, Parallel& parallel) const
{
    auto taught = m_teacher->run(inputs, parallel);
    if (!taught) {
        return fail(std::move(taught).error());
    }
    const std::span<const float> wanted = taught->front().values();
    const auto count = static_cast<std::size_t>(outputs.shape[0]);
    const std::size_t width = outputs.values().size() / std::max<std::size_t>(count, 1);
    std::vector<double> slope(width);
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const auto given = outputs.values().subspan(i * width, width);
        const auto theirs = wanted.subspan(i * width, width);
        const double weight = weights.empty() ? 1.0 : weights[i];
        if (m_areLogits && m_kind == AnswerKind::Classes) {
            sum += weight * ofClasses(given, theirs, m_temperature, slope);
        } else if (m_areLogits && m_kind == AnswerKind::Flags) {
            sum += weight * ofFlags(given, theirs, m_temperature, slope);
        } else {
            sum += weight * ofValues(given, theirs, slope);
        }
        for (std::size_t j = 0; j < width; ++j) {
            float& gradient = upstream.data[i * width + j];
            gradient = static_cast<float>((1.0 - m_share) * gradient +
                                          m_share * weight * slope[j] / static_cast<double>(count));
        }
    }
    return (1.0 - m_share) * loss + m_share * sum / static_cast<double>(count);
}

} // namespace bitscape::train
