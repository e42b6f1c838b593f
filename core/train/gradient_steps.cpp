// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/optimizer_rows.h"

namespace bitscape::train {

namespace {

class Sgd final : public Optimizer {
public:
    Sgd(const OptimizerSettings& settings, const CallArguments& arguments)
        : Optimizer(settings), m_momentum(single(arguments, "momentum")),
          m_nesterov(arguments.flag("nesterov"))
    {
    }

private:
    [[nodiscard]] int stateCount() const override { return m_momentum != 0 ? 1 : 0; }

    void update(std::span<float> weight, std::span<const float> gradient, std::span<Tensor> state,
                std::int64_t /*step*/) const override
    {
        if (state.empty()) {
            for (std::size_t i = 0; i < weight.size(); ++i) {
                weight[i] += -gradient[i] * rate();
            }
            return;
        }
        const std::span<float> velocity = state[0].values();
        for (std::size_t i = 0; i < weight.size(); ++i) {
            velocity[i] = -gradient[i] * rate() + velocity[i] * m_momentum;
            weight[i] +=
                m_nesterov ? -gradient[i] * rate() + velocity[i] * m_momentum : velocity[i];
        }
    }

    float m_momentum;
    bool m_nesterov;
};

class Lion final : public Optimizer {
public:
    Lion(const OptimizerSettings& settings, const CallArguments& arguments)
        : Optimizer(settings), m_beta1(single(arguments, "beta_1")),
          m_beta2(single(arguments, "beta_2")), m_gain1(complement(arguments, "beta_1")),
          m_gain2(complement(arguments, "beta_2"))
    {
    }

private:
    [[nodiscard]] int stateCount() const override { return 1; }

    void update(std::span<float> weight, std::span<const float> gradient, std::span<Tensor> state,
                std::int64_t /*step*/) const override
    {
        const std::span<float> mean = state[0].values();
        for (std::size_t i = 0; i < weight.size(); ++i) {
            const float way = mean[i] * m_beta1 + gradient[i] * m_gain1;
            weight[i] -= rate() * (way > 0 ? 1.0F : (way < 0 ? -1.0F : 0.0F));
            mean[i] = mean[i] * m_beta2 + gradient[i] * m_gain2;
        }
    }

    float m_beta1, m_beta2, m_gain1, m_gain2;
};

} // namespace

std::vector<OptimizerInfo> gradientSteps()
{
    return {
        {"sgd",
         "",
         "Gradient descent; with momentum the step is a decaying sum of gradients.",
         {{"momentum", 0.0, "Part of the last step that is taken again.", 0, 1},
          {"nesterov", false, "Look ahead along the momentum."}},
         0.01,
         &makeOptimizerRow<Sgd>},
        {"lion",
         "",
         "Steps of one size along the sign of a running mean; wants small rates.",
         {{"beta_1", 0.9, "Share of the running mean in the step.", 0, 1},
          {"beta_2", 0.99, "Memory of the running mean.", 0, 1}},
         0.001,
         &makeOptimizerRow<Lion>},
    };
}

} // namespace bitscape::train
