// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/optimizer.h"

#include "core/base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

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

class Sgd final : public Optimizer {
public:
    Sgd(const OptimizerSettings& settings, const CallArguments& arguments)
        : Optimizer(settings), m_momentum(static_cast<float>(arguments.number("momentum"))),
          m_nesterov(arguments.flag("nesterov"))
    {
    }

private:
    [[nodiscard]] int stateCount() const override { return m_momentum != 0 ? 1 : 0; }

    void update(std::span<float> weight, std::span<const float> gradient, std::span<Tensor> state,
                std::int64_t /*step*/) const override
    {
        const auto rate = static_cast<float>(settings().learningRate);
        if (state.empty()) {
            for (std::size_t i = 0; i < weight.size(); ++i) {
                weight[i] += -gradient[i] * rate;
            }
            return;
        }
        const std::span<float> velocity = state[0].values();
        for (std::size_t i = 0; i < weight.size(); ++i) {
            velocity[i] = -gradient[i] * rate + velocity[i] * m_momentum;
            weight[i] += m_nesterov ? -gradient[i] * rate + velocity[i] * m_momentum : velocity[i];
        }
    }

    float m_momentum;
    bool m_nesterov;
};

class Adam final : public Optimizer {
public:
    Adam(const OptimizerSettings& settings, const CallArguments& arguments)
        : Optimizer(settings), m_beta1(arguments.number("beta_1")),
          m_beta2(arguments.number("beta_2")),
          m_epsilon(static_cast<float>(arguments.number("epsilon"))),
          m_amsgrad(arguments.flag("amsgrad"))
    {
    }

private:
    [[nodiscard]] int stateCount() const override { return m_amsgrad ? 3 : 2; }

    void update(std::span<float> weight, std::span<const float> gradient, std::span<Tensor> state,
                std::int64_t step) const override
    {
        const auto count = static_cast<float>(step);
        const float power1 = std::pow(static_cast<float>(m_beta1), count);
        const float power2 = std::pow(static_cast<float>(m_beta2), count);
        const float rate = static_cast<float>(settings().learningRate) * std::sqrt(1.0F - power2) /
                           (1.0F - power1);
        const auto gain1 = static_cast<float>(1.0 - m_beta1);
        const auto gain2 = static_cast<float>(1.0 - m_beta2);
        const std::span<float> mean = state[0].values();
        const std::span<float> square = state[1].values();
        const std::span<float> peak = m_amsgrad ? state[2].values() : square;
        for (std::size_t i = 0; i < weight.size(); ++i) {
            mean[i] += (gradient[i] - mean[i]) * gain1;
            square[i] += (gradient[i] * gradient[i] - square[i]) * gain2;
            peak[i] = std::max(peak[i], square[i]);
            weight[i] -= mean[i] * rate / (std::sqrt(peak[i]) + m_epsilon);
        }
    }

    double m_beta1, m_beta2;
    float m_epsilon;
    bool m_amsgrad;
};

template <class Kind>
std::unique_ptr<Optimizer> makeRow(const OptimizerSettings& settings,
                                   const CallArguments& arguments)
{
    return std::make_unique<Kind>(settings, arguments);
}

/// Keras' order: rate, the row's own, what all have. `jit_compile` and `name` say nothing here.
std::vector<CallParameter> allParameters(const OptimizerInfo& row)
{
    std::vector<CallParameter> all{{"learning_rate", row.defaultLearningRate}};
    all.insert(all.end(), row.parameters.begin(), row.parameters.end());
    const CallParameter common[] = {
        {"weight_decay", {}},
        {"clipnorm", {}},
        {"clipvalue", {}},
        {"global_clipnorm", {}},
        {"use_ema", false},
        {"ema_momentum", 0.99},
        {"ema_overwrite_frequency", {}},
    };
    all.insert(all.end(), std::begin(common), std::end(common));
    return all;
}

struct Rule {
    std::string_view name;
    double low, high; ///< low ≤ value < high
};

Result<void> requireRange(const CallArguments& arguments, const Rule& rule)
{
    const auto value = arguments.optionalNumber(rule.name);
    if (value && !(*value >= rule.low && *value < rule.high)) {
        return fail(
            ErrorCode::InvalidArgument,
            fmt::format("{} = {}, but it must be at least {}{}.", rule.name, *value, rule.low,
                        std::isinf(rule.high) ? "" : fmt::format(" and below {}", rule.high)),
            std::string(kWhere));
    }
    return {};
}

OptimizerSettings settingsOf(const CallArguments& arguments)
{
    return {.learningRate = arguments.number("learning_rate"),
            .weightDecay = arguments.number("weight_decay"),
            .clipNorm = arguments.optionalNumber("clipnorm"),
            .globalClipNorm = arguments.optionalNumber("global_clipnorm"),
            .clipValue = arguments.optionalNumber("clipvalue"),
            .useEma = arguments.flag("use_ema"),
            .emaMomentum = arguments.number("ema_momentum"),
            .emaOverwriteFrequency = static_cast<int>(arguments.number("ema_overwrite_frequency"))};
}

} // namespace

void Optimizer::begin(std::span<const Tensor> weights, std::vector<std::size_t> trained)
{
    m_trained = std::move(trained);
    m_state.clear();
    m_averages.clear();
    m_steps = 0;
    for (const std::size_t index : m_trained) {
        for (int i = 0; i < stateCount(); ++i) {
            m_state.emplace_back(weights[index].shape());
        }
        if (m_settings.useEma) {
            m_averages.push_back(weights[index]);
        }
    }
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
    const bool overwrite =
        m_settings.emaOverwriteFrequency > 0 && m_steps % m_settings.emaOverwriteFrequency == 0;
    for (std::size_t k = 0; k < m_averages.size(); ++k) {
        const std::span<float> mean = m_averages[k].values();
        const std::span<float> weight = weights[m_trained[k]].values();
        for (std::size_t i = 0; i < mean.size(); ++i) {
            mean[i] = momentum * mean[i] + gain * weight[i];
        }
        if (overwrite) {
            weights[m_trained[k]] = m_averages[k];
        }
    }
}

void Optimizer::step(std::span<Tensor> weights, std::span<Tensor> gradients)
{
    ++m_steps;
    clip(gradients);
    const auto states = static_cast<std::size_t>(stateCount());
    const auto decay = static_cast<float>(m_settings.weightDecay);
    const auto rate = static_cast<float>(m_settings.learningRate);
    for (std::size_t k = 0; k < m_trained.size(); ++k) {
        const std::span<float> weight = weights[m_trained[k]].values();
        if (decay != 0) {
            for (float& value : weight) {
                value -= value * decay * rate;
            }
        }
        update(weight, gradients[m_trained[k]].values(),
               std::span(m_state).subspan(k * states, states), m_steps);
    }
    if (m_settings.useEma) {
        average(weights);
    }
}

void Optimizer::finish(std::span<Tensor> weights) const
{
    for (std::size_t k = 0; k < m_averages.size(); ++k) {
        weights[m_trained[k]] = m_averages[k];
    }
}

std::span<const OptimizerInfo> optimizers()
{
    static const std::vector<OptimizerInfo> table{
        {"sgd",
         "Gradient descent; with momentum the step is a decaying sum of gradients.",
         {{"momentum", 0.0}, {"nesterov", false}},
         0.01,
         &makeRow<Sgd>},
        {"adam",
         "Steps scaled by running moments of the gradients.",
         {{"beta_1", 0.9}, {"beta_2", 0.999}, {"epsilon", 1e-7}, {"amsgrad", false}},
         0.001,
         &makeRow<Adam>},
    };
    return table;
}

Result<std::unique_ptr<Optimizer>> makeOptimizer(std::string_view text)
{
    auto call = parseKerasCall(text, kWhere);
    if (!call) {
        return fail(std::move(call).error());
    }
    const auto row = std::ranges::find(optimizers(), call->name, &OptimizerInfo::name);
    if (row == optimizers().end()) {
        std::vector<std::string> known;
        for (const OptimizerInfo& info : optimizers()) {
            known.emplace_back(info.name);
        }
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("There is no optimizer '{}'.", call->name), std::string(kWhere),
                    "Known are " + join(known, ", ") + ".");
    }
    const std::vector<CallParameter> parameters = allParameters(*row);
    auto arguments = CallArguments::bind(*call, parameters, kWhere);
    if (!arguments) {
        return fail(std::move(arguments).error());
    }
    constexpr double kNone = std::numeric_limits<double>::infinity();
    const std::vector<Rule> rules{{"learning_rate", 0, kNone},
                                  {"weight_decay", 0, kNone},
                                  {"clipnorm", 0, kNone},
                                  {"clipvalue", 0, kNone},
                                  {"global_clipnorm", 0, kNone},
                                  {"ema_momentum", 0, 1},
                                  {"momentum", 0, 1},
                                  {"beta_1", 0, 1},
                                  {"beta_2", 0, 1},
                                  {"epsilon", 0, kNone}};
    for (const Rule& rule : rules) {
        if (std::ranges::find(parameters, rule.name, &CallParameter::name) != parameters.end()) {
            if (auto ok = requireRange(*arguments, rule); !ok) {
                return fail(std::move(ok).error());
            }
        }
    }
    return row->make(settingsOf(*arguments), *arguments);
}

} // namespace bitscape::train
