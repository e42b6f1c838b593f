// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/optimizer.h"

#include "core/train/optimizer_rows.h"

#include <algorithm>
#include <cmath>

namespace bitscape::train {

namespace {

constexpr std::string_view kWhere = "--optimizer";

double squaredNorm(const Tensor& tensor)
{
    double sum = 0;
    for (const float value : tensor.values()) {
        sum += static_cast<double>(value) * value;
    }
    return sum;
}

void scaleBy(Tensor& tensor, float factor)
{
    for (float& value : tensor.values()) {
        value *= factor;
    }
}

std::vector<CallParameter> commonParameters()
{
    return {{"weight_decay", {}, kDecayDoc, 0},
            {"clipnorm", {}, "Largest norm of each gradient.", 0},
            {"clipvalue", {}, "Largest element of a gradient.", 0},
            {"global_clipnorm", {}, "Largest norm of all gradients together.", 0},
            {"use_ema", false, "End with the moving average of the weights."},
            {"ema_momentum", 0.99, "Memory of that average.", 0, 1},
            {"ema_overwrite_frequency", {}, "Steps between going on from the average.", 1}};
}

/// 0 and None both mean no limit.
std::optional<double> limitOf(const CallArguments& arguments, std::string_view name)
{
    const auto limit = arguments.optionalNumber(name);
    return limit && *limit > 0 ? limit : std::nullopt;
}

OptimizerSettings settingsOf(const CallArguments& arguments)
{
    return {.learningRate = arguments.number("learning_rate"),
            .weightDecay = arguments.number("weight_decay"),
            .clipNorm = limitOf(arguments, "clipnorm"),
            .globalClipNorm = limitOf(arguments, "global_clipnorm"),
            .clipValue = limitOf(arguments, "clipvalue"),
            .useEma = arguments.flag("use_ema"),
            .emaMomentum = arguments.number("ema_momentum"),
            .emaOverwriteFrequency = static_cast<int>(arguments.number("ema_overwrite_frequency"))};
}

} // namespace

void Optimizer::begin(std::span<const Tensor> weights, std::vector<std::size_t> trained)
{
    m_trained = std::move(trained);
    m_state = {};
    for (const std::size_t index : m_trained) {
        for (int i = 0; i < stateCount(); ++i) {
            m_state.slots.emplace_back(weights[index].shape());
            std::ranges::fill(m_state.slots.back().values(), initialState(i));
        }
        if (m_settings.useEma) {
            m_state.averages.push_back(weights[index]);
        }
    }
}

Result<void> Optimizer::restore(OptimizerState state)
{
    const auto isAlike = [](const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
        return std::ranges::equal(
            a, b, [](const Tensor& x, const Tensor& y) { return x.shape() == y.shape(); });
    };
    if (state.steps < 0 || !isAlike(state.slots, m_state.slots) ||
        !isAlike(state.averages, m_state.averages)) {
        return fail(ErrorCode::InvalidArgument,
                    "The state of the optimizer belongs to another one or to other weights.",
                    std::string(kWhere));
    }
    m_state = std::move(state);
    return {};
}

void Optimizer::clip(std::span<Tensor> gradients) const
{
    if (m_settings.clipNorm) {
        for (const std::size_t index : m_trained) {
            const double norm = std::sqrt(squaredNorm(gradients[index]));
            const double limit = *m_settings.clipNorm;
            scaleBy(gradients[index], static_cast<float>(limit / std::max(norm, limit)));
        }
    } else if (m_settings.globalClipNorm) {
        double squares = 0;
        for (const std::size_t index : m_trained) {
            squares += squaredNorm(gradients[index]);
        }
        const double limit = *m_settings.globalClipNorm;
        const auto factor = static_cast<float>(limit / std::max(std::sqrt(squares), limit));
        for (const std::size_t index : m_trained) {
            scaleBy(gradients[index], factor);
        }
    } else if (m_settings.clipValue) {
        const auto limit = static_cast<float>(*m_settings.clipValue);
        for (const std::size_t index : m_trained) {
            for (float& value : gradients[index].values()) {
                value = std::clamp(value, -limit, limit);
            }
        }
    }
}

void Optimizer::average(std::span<Tensor> weights)
{
    const auto momentum = static_cast<float>(m_settings.emaMomentum);
    const auto gain = static_cast<float>(1.0 - m_settings.emaMomentum);
    const bool overwrite = m_settings.emaOverwriteFrequency > 0 &&
                           m_state.steps % m_settings.emaOverwriteFrequency == 0;
    for (std::size_t k = 0; k < m_state.averages.size(); ++k) {
        const std::span<float> mean = m_state.averages[k].values();
        const std::span<float> weight = weights[m_trained[k]].values();
        for (std::size_t i = 0; i < mean.size(); ++i) {
            mean[i] = momentum * mean[i] + gain * weight[i];
        }
        if (overwrite) {
            weights[m_trained[k]] = m_state.averages[k];
        }
    }
}

void Optimizer::step(std::span<Tensor> weights, std::span<Tensor> gradients)
{
    ++m_state.steps;
    prepare(m_state.steps);
    clip(gradients);
    const auto states = static_cast<std::size_t>(stateCount());
    const auto decay = static_cast<float>(m_settings.weightDecay);
    for (std::size_t k = 0; k < m_trained.size(); ++k) {
        const std::span<float> weight = weights[m_trained[k]].values();
        if (decay != 0) {
            for (float& value : weight) {
                value -= value * decay * rate();
            }
        }
        update(weight, gradients[m_trained[k]].values(),
               std::span(m_state.slots).subspan(k * states, states), m_state.steps);
    }
    if (m_settings.useEma) {
        average(weights);
    }
}

void Optimizer::finish(std::span<Tensor> weights) const
{
    for (std::size_t k = 0; k < m_state.averages.size(); ++k) {
        weights[m_trained[k]] = m_state.averages[k];
    }
}

std::span<const OptimizerInfo> optimizers()
{
    static const std::vector<OptimizerInfo> table = [] {
        std::vector<OptimizerInfo> rows;
        for (auto part : {momentSteps(), gradientSteps(), scaledSteps()}) {
            rows.insert(rows.end(), part.begin(), part.end());
        }
        return rows;
    }();
    return table;
}

std::vector<CallParameter> allParameters(const OptimizerInfo& row)
{
    std::vector<CallParameter> all{
        {"learning_rate", row.defaultLearningRate, "Size of the steps.", 0}};
    all.insert(all.end(), row.parameters.begin(), row.parameters.end());
    for (const CallParameter& parameter : commonParameters()) {
        if (std::ranges::find(all, parameter.name, &CallParameter::name) == all.end()) {
            all.push_back(parameter);
        }
    }
    return all;
}

Result<std::unique_ptr<Optimizer>> makeOptimizer(std::string_view text)
{
    auto call = parseKerasCall(text, kWhere);
    if (!call) {
        return fail(std::move(call).error());
    }
    const auto row = findRow(optimizers(), *call, "optimizer", kWhere);
    if (!row) {
        return fail(row.error());
    }
    auto arguments = CallArguments::bind(*call, allParameters(**row), kWhere);
    if (!arguments) {
        return fail(std::move(arguments).error());
    }
    const OptimizerSettings settings = settingsOf(*arguments);
    if (settings.clipNorm && settings.globalClipNorm) {
        return fail(ErrorCode::InvalidArgument,
                    "An optimizer takes clipnorm or global_clipnorm, not both.",
                    std::string(kWhere));
    }
    return (*row)->make(settings, *arguments);
}

} // namespace bitscape::train
