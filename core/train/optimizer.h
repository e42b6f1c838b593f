// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/tensor/tensor.h"
#include "core/train/keras_call.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitscape::train {

/// What every optimizer of Keras 2.15 takes besides its own arguments.
struct OptimizerSettings {
    double learningRate = 0.001;
    double weightDecay = 0.0;       ///< decoupled: w −= w·decay·rate before the update; 0: none
    std::optional<double> clipNorm; ///< per gradient
    std::optional<double> globalClipNorm; ///< over all gradients
    std::optional<double> clipValue;      ///< per element
    bool useEma = false; ///< finish() writes the moving average of the weights back
    double emaMomentum = 0.99;
    int emaOverwriteFrequency = 0; ///< steps between writing the average back; 0: at the end only
};

/// All that an optimizer remembers between steps.
struct OptimizerState {
    std::int64_t steps = 0;
    std::vector<Tensor> slots;    ///< stateCount() per trained weight
    std::vector<Tensor> averages; ///< one per trained weight with useEma, else none
};

/// Changes weights along their gradients as the optimizers of Keras 2.15 do, in float32 and in
/// their order: clip gradients, decay weights, update, average. Constraints are the caller's.
class Optimizer {
public:
    explicit Optimizer(const OptimizerSettings& settings) : m_settings(settings) {}
    virtual ~Optimizer() = default;
    Optimizer(const Optimizer&) = delete;
    Optimizer& operator=(const Optimizer&) = delete;
    Optimizer(Optimizer&&) = delete;
    Optimizer& operator=(Optimizer&&) = delete;

    [[nodiscard]] const OptimizerSettings& settings() const { return m_settings; }
    /// Of the coming steps; for schedules.
    void setLearningRate(double rate) { m_settings.learningRate = rate; }
    /// Once before the first step: all weights, and which of them are trained.
    void begin(std::span<const Tensor> weights, std::vector<std::size_t> trained);
    /// One step; `gradients` in the order of the weights. Gradients are clipped in place.
    void step(std::span<Tensor> weights, std::span<Tensor> gradients);
    /// After the last step.
    void finish(std::span<Tensor> weights) const;

    [[nodiscard]] const OptimizerState& state() const { return m_state; }
    /// After begin(): goes on from a state of the same optimizer. InvalidArgument: of other shapes.
    [[nodiscard]] Result<void> restore(OptimizerState state);

protected:
    /// State tensors that one weight needs.
    [[nodiscard]] virtual int stateCount() const = 0;
    [[nodiscard]] virtual float initialState(int /*index*/) const { return 0.0F; }
    /// Once per step, before the updates; `step` counts from 1.
    virtual void prepare(std::int64_t /*step*/) {}
    /// `state` holds stateCount() tensors of the weight's size.
    virtual void update(std::span<float> weight, std::span<const float> gradient,
                        std::span<Tensor> state, std::int64_t step) const = 0;
    [[nodiscard]] float rate() const { return static_cast<float>(m_settings.learningRate); }

private:
    void clip(std::span<Tensor> gradients) const;
    void average(std::span<Tensor> weights);

    OptimizerSettings m_settings;
    std::vector<std::size_t> m_trained;
    OptimizerState m_state;
};

/// A row of the registry.
struct OptimizerInfo {
    std::string_view name; ///< as written: "adam"
    std::string_view shortName;
    std::string_view doc;
    std::vector<CallParameter> parameters; ///< its own, in Keras' order, after the learning rate
    double defaultLearningRate;
    std::unique_ptr<Optimizer> (*make)(const OptimizerSettings& settings,
                                       const CallArguments& arguments);
};

[[nodiscard]] std::span<const OptimizerInfo> optimizers();
/// Keras' order: the learning rate, the row's own, what all have.
[[nodiscard]] std::vector<CallParameter> allParameters(const OptimizerInfo& row);

/// "adam(0.001)", "sgd(0.01,momentum=0.9,nesterov=True)". InvalidArgument names the option, the
/// nearest known name and the rule that a value breaks.
[[nodiscard]] Result<std::unique_ptr<Optimizer>> makeOptimizer(std::string_view text);

} // namespace bitscape::train
