// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/optimizer_rows.h"

#include <algorithm>
#include <cmath>

namespace bitscape::train {

namespace {

class RmsProp final : public Optimizer {
public:
    RmsProp(const OptimizerSettings& settings, const CallArguments& arguments)
        : Optimizer(settings), m_rho(single(arguments, "rho")),
          m_gain(complement(arguments, "rho")), m_momentum(single(arguments, "momentum")),
          m_epsilon(single(arguments, "epsilon")), m_centered(arguments.flag("centered"))
    {
    }

private:
    [[nodiscard]] int stateCount() const override
    {
        return 1 + (m_momentum > 0 ? 1 : 0) + (m_centered ? 1 : 0);
    }

    void update(std::span<float> weight, std::span<const float> gradient, std::span<Tensor> state,
                std::int64_t /*step*/) const override
    {
        const std::span<float> square = state[0].values();
        const std::span<float> velocity = m_momentum > 0 ? state[1].values() : std::span<float>();
        const std::span<float> mean = m_centered ? state.back().values() : std::span<float>();
        for (std::size_t i = 0; i < weight.size(); ++i) {
            const float g = gradient[i];
            square[i] = m_rho * square[i] + m_gain * (g * g);
            float size = square[i] + m_epsilon;
            if (m_centered) {
                mean[i] = m_rho * mean[i] + m_gain * g;
                size = square[i] - mean[i] * mean[i] + m_epsilon;
            }
            const float step = rate() * g / std::sqrt(size);
            if (velocity.empty()) {
                weight[i] -= step;
            } else {
                velocity[i] = m_momentum * velocity[i] + step;
                weight[i] -= velocity[i];
            }
        }
    }

    float m_rho, m_gain, m_momentum, m_epsilon;
    bool m_centered;
};

class Adagrad final : public Optimizer {
public:
    Adagrad(const OptimizerSettings& settings, const CallArguments& arguments)
        : Optimizer(settings), m_initial(single(arguments, "initial_accumulator_value")),
          m_epsilon(single(arguments, "epsilon"))
    {
    }

private:
    [[nodiscard]] int stateCount() const override { return 1; }
    [[nodiscard]] float initialState(int /*index*/) const override { return m_initial; }

    void update(std::span<float> weight, std::span<const float> gradient, std::span<Tensor> state,
                std::int64_t /*step*/) const override
    {
        const std::span<float> sum = state[0].values();
        for (std::size_t i = 0; i < weight.size(); ++i) {
            sum[i] += gradient[i] * gradient[i];
            weight[i] -= rate() * gradient[i] / std::sqrt(sum[i] + m_epsilon);
        }
    }

    float m_initial, m_epsilon;
};

class Adadelta final : public Optimizer {
public:
    Adadelta(const OptimizerSettings& settings, const CallArguments& arguments)
        : Optimizer(settings), m_rho(single(arguments, "rho")),
          m_gain(complement(arguments, "rho")), m_epsilon(single(arguments, "epsilon"))
    {
    }

private:
    [[nodiscard]] int stateCount() const override { return 2; }

    void update(std::span<float> weight, std::span<const float> gradient, std::span<Tensor> state,
                std::int64_t /*step*/) const override
    {
        const std::span<float> square = state[0].values();
        const std::span<float> moved = state[1].values();
        for (std::size_t i = 0; i < weight.size(); ++i) {
            const float g = gradient[i];
            square[i] = m_rho * square[i] + m_gain * (g * g);
            const float step =
                -std::sqrt(moved[i] + m_epsilon) * g / std::sqrt(square[i] + m_epsilon);
            moved[i] = m_rho * moved[i] + m_gain * (step * step);
            weight[i] += rate() * step;
        }
    }

    float m_rho, m_gain, m_epsilon;
};

class Ftrl final : public Optimizer {
public:
    Ftrl(const OptimizerSettings& settings, const CallArguments& arguments)
        : Optimizer(settings), m_power(-single(arguments, "learning_rate_power")),
          m_initial(single(arguments, "initial_accumulator_value")),
          m_l1(single(arguments, "l1_regularization_strength")),
          m_l2(single(arguments, "l2_regularization_strength")),
          m_shrinkage(single(arguments, "l2_shrinkage_regularization_strength")),
          m_beta(single(arguments, "beta"))
    {
    }

private:
    [[nodiscard]] int stateCount() const override { return 2; }
    [[nodiscard]] float initialState(int index) const override
    {
        return index == 0 ? m_initial : 0.0F;
    }

    void update(std::span<float> weight, std::span<const float> gradient, std::span<Tensor> state,
                std::int64_t /*step*/) const override
    {
        const std::span<float> sum = state[0].values();
        const std::span<float> linear = state[1].values();
        const float l2 = m_l2 + m_beta / (2.0F * rate());
        for (std::size_t i = 0; i < weight.size(); ++i) {
            const float g = gradient[i];
            const float next = sum[i] + g * g;
            const float root = std::pow(next, m_power);
            linear[i] += g + 2.0F * m_shrinkage * weight[i] -
                         (root - std::pow(sum[i], m_power)) / rate() * weight[i];
            weight[i] =
                (std::clamp(linear[i], -m_l1, m_l1) - linear[i]) / (root / rate() + 2.0F * l2);
            sum[i] = next;
        }
    }

    float m_power, m_initial, m_l1, m_l2, m_shrinkage, m_beta;
};

} // namespace

std::vector<OptimizerInfo> scaledSteps()
{
    constexpr double kNone = std::numeric_limits<double>::infinity();
    return {
        {"rmsprop",
         "",
         "Steps divided by a running root mean square of the gradients.",
         {{"rho", 0.9, "Memory of the running mean of squares.", 0, 1},
          {"momentum", 0.0, "Part of the last step that is taken again.", 0, 1},
          {"epsilon", 1e-7, kEpsilonDoc, 0},
          {"centered", false, "Divide by the deviation from the mean gradient."}},
         0.001,
         &makeOptimizerRow<RmsProp>},
        {"adagrad",
         "",
         "Steps divided by the root of all squared gradients so far.",
         {{"initial_accumulator_value", 0.1, "Where the sum of squares starts.", 0},
          {"epsilon", 1e-7, kEpsilonDoc, 0}},
         0.001,
         &makeOptimizerRow<Adagrad>},
        {"adadelta",
         "",
         "As rmsprop, in units of the steps taken lately.",
         {{"rho", 0.95, "Memory of the running means.", 0, 1}, {"epsilon", 1e-7, kEpsilonDoc, 0}},
         0.001,
         &makeOptimizerRow<Adadelta>},
        {"ftrl",
         "",
         "Follows the regularized leader: for sparse weights.",
         {{"learning_rate_power", -0.5, "How the rate falls with the squares seen.", -kNone, 1e-9},
          {"initial_accumulator_value", 0.1, "Where the sum of squares starts.", 0},
          {"l1_regularization_strength", 0.0, "Pulls weights to exactly 0.", 0},
          {"l2_regularization_strength", 0.0, "Pulls weights toward 0.", 0},
          {"l2_shrinkage_regularization_strength", 0.0, "L2 on the loss instead of the step.", 0},
          {"beta", 0.0, "Lowers the first steps.", 0}},
         0.001,
         &makeOptimizerRow<Ftrl>},
    };
}

} // namespace bitscape::train
