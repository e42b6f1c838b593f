// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/recurrent.h"

#include "core/graph/layer_reading.h"

#include <fmt/format.h>

#include <algorithm>

namespace bitscape::graph {

namespace {

class RecurrentRule final : public SequenceRule {
public:
    explicit RecurrentRule(RecurrentSetting setting, bool masked = false)
        : m_setting(setting), m_isMasked(masked)
    {
    }

    bool goesBackwards() const override { return m_setting.goesBackwards; }
    bool returnsSequences() const override { return m_setting.returnsSequences; }
    bool returnsState() const override { return m_setting.returnsState; }
    Index stateCount() const override { return RecurrentCell::stateCount(m_setting.cell); }
    bool isMasked() const override { return m_isMasked; }
    std::shared_ptr<const SequenceRule> directed(bool backwards, bool masked) const override
    {
        RecurrentSetting setting = m_setting;
        setting.goesBackwards = backwards;
        setting.zeroesMasked = setting.returnsSequences;
        return std::make_shared<RecurrentRule>(setting, masked);
    }

    InputCount inputCount() const override
    {
        const std::size_t least = m_isMasked ? 2 : 1;
        return {least, least + static_cast<std::size_t>(stateCount())};
    }
    bool passesMask() const override { return m_setting.returnsSequences; }
    std::shared_ptr<const LayerRule> withMask() const override
    {
        return std::make_shared<RecurrentRule>(m_setting, true);
    }

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        const Shape& input = inputs.front();
        if (input.rank() != 2 || input.channels() < 0) {
            return fail(ErrorCode::ShapeMismatch,
                        fmt::format("It reads a sequence of vectors of known size, got {}.",
                                    input.toString()));
        }
        if (auto ok = requireStates(inputs); !ok) {
            return fail(std::move(ok).error());
        }
        const Index units = m_setting.units;
        const Index width = RecurrentCell::gateCount(m_setting.cell) * units;
        OpShape result;
        result.output = m_setting.returnsSequences ? Shape{input[0], units} : Shape{units};
        if (m_setting.returnsState) {
            result.parts.push_back(result.output);
            result.parts.insert(result.parts.end(), static_cast<std::size_t>(stateCount()),
                                Shape{units});
            const bool isOpen = m_setting.returnsSequences && input[0] < 0;
            result.output = {isOpen ? -1 : result.output.elementCount() + stateCount() * units};
        }
        result.macs = std::max<Index>(input[0], 0) * width * (input.channels() + units);
        result.weights = {{"kernel", {input.channels(), width}},
                          {"recurrent_kernel", {units, width}}};
        if (m_setting.useBias) {
            result.weights.push_back(
                {"bias", m_setting.resetAfter ? Shape{2, width} : Shape{width}});
        }
        return result;
    }

    std::vector<RuleWeight> weights() const override { return recurrentWeights(m_setting.useBias); }
    void startWeight(std::size_t weight, std::span<float> values) const override
    {
        if (weight == 2 && m_setting.cell == CellKind::Lstm && m_setting.unitForgetBias) {
            rememberAtFirst(values, m_setting.units);
        }
    }
    std::vector<Slot> slots() const override
    {
        std::vector<Slot> list{Slot::Kernel, Slot::Recurrent};
        if (m_setting.useBias) {
            list.push_back(Slot::Bias);
        }
        list.push_back(Slot::State);
        if (m_setting.cell != CellKind::Simple) {
            list.push_back(Slot::RecurrentActivation);
        }
        list.push_back(Slot::Activation);
        return list;
    }
    bool activatesOutput() const override { return false; }
    Function function() const override { return m_setting.activation; }
    bool isOfKeras3() const override
    {
        return LayerRule::isOfKeras3() ||
               m_setting.gateActivation.kind == FunctionKind::HardSigmoidKeras3;
    }

    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        const std::size_t sequences = m_isMasked ? 2 : 1;
        return makeRecurrentKernel(m_setting,
                                   {.steps = request.inputs.front()[0],
                                    .inputSize = request.inputs.front()[1],
                                    .hasInitialStates = request.inputs.size() > sequences,
                                    .isMasked = m_isMasked},
                                   request);
    }

    Json config() const override
    {
        Json config{{"units", m_setting.units},
                    {"activation", activationField(m_setting.activation)},
                    {"use_bias", m_setting.useBias},
                    {"return_sequences", m_setting.returnsSequences},
                    {"return_state", m_setting.returnsState},
                    {"go_backwards", m_setting.goesBackwards},
                    {"stateful", m_setting.isStateful},
                    {"dropout", m_setting.dropout},
                    {"recurrent_dropout", m_setting.stateDropout}};
        if (m_setting.cell != CellKind::Simple) {
            config["recurrent_activation"] = activationField(m_setting.gateActivation);
        }
        if (m_setting.cell == CellKind::Lstm) {
            config["unit_forget_bias"] = m_setting.unitForgetBias;
        }
        if (m_setting.cell == CellKind::Gru) {
            config["reset_after"] = m_setting.resetAfter;
        }
        if (m_setting.zeroesMasked) {
            config["zero_output_for_mask"] = true;
        }
        return config;
    }

private:
    /// None or all of the initial states, each a vector of units.
    [[nodiscard]] Result<void> requireStates(std::span<const Shape> inputs) const
    {
        const auto states = inputs.subspan(1, inputs.size() - (m_isMasked ? 2 : 1));
        const bool fits = states.empty() || std::ssize(states) == stateCount();
        const auto isState = [this](const Shape& shape) { return shape == Shape{m_setting.units}; };
        if (fits && std::ranges::all_of(states, isState)) {
            return {};
        }
        return fail(ErrorCode::ShapeMismatch,
                    fmt::format("Its initial states must be {} vectors of {}, got {}.",
                                stateCount(), m_setting.units, states.size()));
    }

    RecurrentSetting m_setting;
    bool m_isMasked;
};

float readRate(LayerReading& reading, const char* key)
{
    const float rate = reading.config.real(key, 0.0F);
    if (!(rate >= 0.0F && rate <= 1.0F)) {
        reading.config.refuse(key, "It must be in 0 … 1.");
    }
    return rate;
}

/// What the constructor takes for an absent recurrent_activation.
const char* usualGates(const LayerReading& reading)
{
    return reading.isQuantized || reading.dialect.major < 3 ? "hard_sigmoid" : "sigmoid";
}

template <CellKind kind>
void read(LayerReading& reading)
{
    KerasConfig& config = reading.config;
    RecurrentSetting setting = readRecurrentSetting(reading, kind);
    setting.units = config.integer("units", 0, 1, kMaxChannels);
    // Keras 2 gave the GRU this choice later; files from before leave the key out.
    setting.resetAfter =
        kind == CellKind::Gru &&
        config.boolean("reset_after", !reading.isQuantized && reading.dialect.major >= 3);
    if (setting.units == 0) {
        config.refuse("units", "The number of units is missing.");
    }
    if (config.boolean("time_major", false)) {
        reading.lacks("sequences with the time before the batch are not covered");
    }
    reading.quantizers({Slot::Kernel, Slot::Recurrent, Slot::Bias, Slot::State});
    if (kind == CellKind::Gru && reading.isQuantized &&
        !reading.meaning.quantizers.contains(Slot::Recurrent)) {
        reading.meaning.notes.push_back(
            {"differs_from_qkeras",
             "QKeras multiplies the state of a QGRU with the input's kernel where the recurrent "
             "kernel has no quantizer; here it is multiplied with the recurrent kernel.",
             {}});
    }
    reading.become<RecurrentRule>(setting);
    if (setting.returnsState) {
        reading.meaning.outputs = 1 + static_cast<int>(RecurrentCell::stateCount(kind));
    }
}

} // namespace

std::vector<RuleWeight> recurrentWeights(bool useBias)
{
    std::vector<RuleWeight> list{{"kernel", Slot::Kernel}, {"recurrent_kernel", Slot::Recurrent}};
    if (useBias) {
        list.push_back({"bias", Slot::Bias});
    }
    return list;
}

void rememberAtFirst(std::span<float> bias, Index units)
{
    const auto count = static_cast<std::size_t>(units);
    std::ranges::fill(bias.subspan(count, count), 1.0F);
}

RecurrentSetting readRecurrentSetting(LayerReading& reading, CellKind kind)
{
    KerasConfig& config = reading.config;
    RecurrentSetting setting;
    setting.cell = kind;
    setting.useBias = config.boolean("use_bias", true);
    setting.activation = reading.activation("activation", Slot::Activation,
                                            reading.isQuantized ? "quantized_tanh" : "tanh");
    if (kind != CellKind::Simple) {
        setting.gateActivation = reading.activation("recurrent_activation",
                                                    Slot::RecurrentActivation, usualGates(reading));
    }
    setting.goesBackwards = config.boolean("go_backwards", false);
    setting.returnsSequences = config.boolean("return_sequences", false);
    setting.returnsState = config.boolean("return_state", false);
    setting.isStateful = config.boolean("stateful", false);
    setting.unitForgetBias = config.boolean("unit_forget_bias", true);
    setting.zeroesMasked = config.boolean("zero_output_for_mask", false);
    setting.dropout = readRate(reading, "dropout");
    setting.stateDropout = readRate(reading, "recurrent_dropout");
    return setting;
}

LayerInfo simpleRnnLayer()
{
    return {"SimpleRNN", "QSimpleRNN", "Walks along a sequence and feeds its output back.",
            read<CellKind::Simple>};
}

LayerInfo lstmLayer()
{
    return {"LSTM", "QLSTM", "Walks along a sequence with a memory that gates write and read.",
            read<CellKind::Lstm>};
}

LayerInfo gruLayer()
{
    return {"GRU", "QGRU", "Walks along a sequence with a state that gates update.",
            read<CellKind::Gru>};
}

} // namespace bitscape::graph
