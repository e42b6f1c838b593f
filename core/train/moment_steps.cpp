// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/kernels/training.h"
#include "core/train/optimizer_rows.h"

#include <algorithm>
#include <cmath>

namespace bitscape::train {

namespace {

/// Running mean and running size of the gradients, as the whole family has them.
class Moments : public Optimizer {
public:
    Moments(const OptimizerSettings& settings, const CallArguments& arguments)
        : Optimizer(settings), m_beta1(single(arguments, "beta_1")),
          m_beta2(single(arguments, "beta_2")), m_gain1(complement(arguments, "beta_1")),
          m_gain2(complement(arguments, "beta_2")), m_epsilon(single(arguments, "epsilon"))
    {
    }

protected:
    [[nodiscard]] int stateCount() const override { return 2; }
    [[nodiscard]] static float power(float base, std::int64_t step)
    {
        return std::pow(base, static_cast<float>(step));
    }

    float m_beta1, m_beta2, m_gain1, m_gain2, m_epsilon;
};

class Adam final : public Moments {
public:
    Adam(const OptimizerSettings& settings, const CallArguments& arguments)
        : Moments(settings, arguments), m_amsgrad(arguments.flag("amsgrad"))
    {
    }

private:
    [[nodiscard]] int stateCount() const override { return m_amsgrad ? 3 : 2; }

    void update(std::span<float> weight, std::span<const float> gradient, std::span<Tensor> state,
                std::int64_t step) const override
    {
        const float scaled =
            rate() * std::sqrt(1.0F - power(m_beta2, step)) / (1.0F - power(m_beta1, step));
        float* square = state[1].data();
        kernels::adam({m_gain1, m_gain2, scaled, m_epsilon}, gradient.data(), std::ssize(weight),
                      state[0].data(), square, m_amsgrad ? state[2].data() : square, weight.data());
    }

    bool m_amsgrad;
};

class Adamax final : public Moments {
public:
    using Moments::Moments;

private:
    void update(std::span<float> weight, std::span<const float> gradient, std::span<Tensor> state,
                std::int64_t step) const override
    {
        const float rest = 1.0F - power(m_beta1, step);
        const std::span<float> mean = state[0].values();
        const std::span<float> peak = state[1].values();
        for (std::size_t i = 0; i < weight.size(); ++i) {
            mean[i] += (gradient[i] - mean[i]) * m_gain1;
            peak[i] = std::max(m_beta2 * peak[i], std::abs(gradient[i]));
            weight[i] -= rate() * mean[i] / (rest * (peak[i] + m_epsilon));
        }
    }
};

class Nadam final : public Moments {
public:
    using Moments::Moments;

private:
    /// The momentum warms up: u(t) = beta_1·(1 − 0.96^t/2).
    [[nodiscard]] float momentumAt(std::int64_t step) const
    {
        return m_beta1 * (1.0F - 0.5F * power(0.96F, step));
    }

    void prepare(std::int64_t step) override
    {
        if (m_reached >= step) {
            m_reached = 0;
            m_product = 1.0F;
        }
        for (; m_reached < step; ++m_reached) {
            m_product *= momentumAt(m_reached + 1);
        }
    }

    void update(std::span<float> weight, std::span<const float> gradient, std::span<Tensor> state,
                std::int64_t step) const override
    {
        const float next = momentumAt(step + 1);
        const float ofMean = next / (1.0F - m_product * next);
        const float ofGradient = (1.0F - momentumAt(step)) / (1.0F - m_product);
        const float rest = 1.0F - power(m_beta2, step);
        const std::span<float> mean = state[0].values();
        const std::span<float> square = state[1].values();
        for (std::size_t i = 0; i < weight.size(); ++i) {
            mean[i] += (gradient[i] - mean[i]) * m_gain1;
            square[i] += (gradient[i] * gradient[i] - square[i]) * m_gain2;
            const float way = ofMean * mean[i] + ofGradient * gradient[i];
            weight[i] -= way * rate() / (std::sqrt(square[i] / rest) + m_epsilon);
        }
    }

    std::int64_t m_reached = 0; ///< step that m_product is the product up to
    float m_product = 1.0F;
};

std::vector<CallParameter> momentParameters()
{
    return {{"beta_1", 0.9, "Memory of the mean gradient.", 0, 1},
            {"beta_2", 0.999, "Memory of the gradients' size.", 0, 1},
            {"epsilon", 1e-7, kEpsilonDoc, 0}};
}

std::vector<CallParameter> adamParameters()
{
    std::vector<CallParameter> all = momentParameters();
    all.push_back({"amsgrad", false, "Divide by the largest size seen instead of the latest."});
    return all;
}

std::vector<CallParameter> adamWParameters()
{
    std::vector<CallParameter> all = adamParameters();
    all.insert(all.begin(), {"weight_decay", 0.004, kDecayDoc, 0});
    return all;
}

} // namespace

std::vector<OptimizerInfo> momentSteps()
{
    return {
        {"adam", "", "Steps scaled by running moments of the gradients.", adamParameters(), 0.001,
         &makeOptimizerRow<Adam>},
        {"adamw", "", "Adam with weights that decay by themselves.", adamWParameters(), 0.001,
         &makeOptimizerRow<Adam>},
        {"adamax", "", "Adam with the largest gradient in place of the mean square.",
         momentParameters(), 0.001, &makeOptimizerRow<Adamax>},
        {"nadam", "", "Adam with Nesterov momentum.", momentParameters(), 0.001,
         &makeOptimizerRow<Nadam>},
    };
}

} // namespace bitscape::train
