// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/conv_lstm.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layers/recurrent.h"
#include "core/graph/shape_rules.h"

#include <fmt/format.h>

#include <algorithm>

namespace bitscape::graph {

namespace {

/// The convolution of the input: of four times the filters, with the bias.
ConvOp inputConvolution(const ConvOp& conv)
{
    ConvOp op = conv;
    op.filters *= 4;
    return op;
}

/// That of the state: over every pixel.
ConvOp stateConvolution(const ConvOp& conv)
{
    return {.filters = 4 * conv.filters,
            .kernel = conv.kernel,
            .padding = Padding::Same,
            .useBias = false};
}

std::unique_ptr<StepMap> mapOf(const ConvOp& op, const Shape& input, const Shape& output)
{
    return makeImageMap(
        makeConvolution({.height = input[0],
                         .width = input[1],
                         .channels = input[2],
                         .outHeight = output[0],
                         .outWidth = output[1],
                         .filters = op.filters,
                         .kernelHeight = op.kernel.height,
                         .kernelWidth = op.kernel.width,
                         .strideHeight = op.stride.height,
                         .strideWidth = op.stride.width,
                         .dilationHeight = op.dilation.height,
                         .dilationWidth = op.dilation.width,
                         .padTop = paddingBefore(input[0], op.kernel.height, op.stride.height,
                                                 op.dilation.height, op.padding),
                         .padLeft = paddingBefore(input[1], op.kernel.width, op.stride.width,
                                                  op.dilation.width, op.padding)}));
}

class ConvLstmRule final : public SequenceRule {
public:
    /// `conv`: without function; its bias is the layer's.
    ConvLstmRule(const ConvOp& conv, const RecurrentSetting& setting, bool masked = false)
        : m_conv(conv), m_setting(setting), m_isMasked(masked)
    {
    }

    bool goesBackwards() const override { return m_setting.goesBackwards; }
    bool returnsSequences() const override { return m_setting.returnsSequences; }
    bool returnsState() const override { return m_setting.returnsState; }
    Index stateCount() const override { return 2; }
    bool isMasked() const override { return m_isMasked; }
    std::shared_ptr<const SequenceRule> directed(bool backwards, bool masked) const override
    {
        RecurrentSetting setting = m_setting;
        setting.goesBackwards = backwards;
        setting.zeroesMasked = setting.returnsSequences;
        return std::make_shared<ConvLstmRule>(m_conv, setting, masked);
    }

    InputCount inputCount() const override
    {
        const std::size_t least = m_isMasked ? 2 : 1;
        return {least, least + 2};
    }
    bool passesMask() const override { return m_setting.returnsSequences; }
    std::shared_ptr<const LayerRule> withMask() const override
    {
        return std::make_shared<ConvLstmRule>(m_conv, m_setting, true);
    }

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        const Shape& input = inputs.front();
        if (input.rank() != 4) {
            return fail(ErrorCode::ShapeMismatch,
                        fmt::format("It reads a sequence of images, got {}.", input.toString()));
        }
        const std::vector<Shape> image{input.sample()};
        const auto ofInput = shapeOf(inputConvolution(m_conv), image);
        if (!ofInput) {
            return ofInput;
        }
        Shape state = ofInput->output;
        state[2] = m_conv.filters;
        const std::vector<Shape> before{state};
        const auto ofState = shapeOf(stateConvolution(m_conv), before);
        if (!ofState) {
            return ofState;
        }
        const std::size_t given = inputs.size() - (m_isMasked ? 2 : 1);
        for (std::size_t i = 1; i <= given; ++i) {
            if (given != 2 || !(inputs[i] == state)) {
                return fail(ErrorCode::ShapeMismatch,
                            fmt::format("Its initial states must be 2 images of {}, got {}.",
                                        state.toString(), inputs[i].toString()));
            }
        }
        OpShape result;
        result.output = m_setting.returnsSequences ? state.batchOf(input[0]) : state;
        if (m_setting.returnsState) {
            result.parts = {result.output, state, state};
            Index floats = 0;
            for (const Shape& part : result.parts) {
                const bool isOpen =
                    std::ranges::any_of(part.sizes(), [](Index size) { return size < 0; });
                floats = isOpen || floats < 0 ? -1 : floats + part.elementCount();
            }
            result.output = {floats};
        }
        result.macs = std::max<Index>(input[0], 0) * (ofInput->macs + ofState->macs);
        result.weights = {ofInput->weights.front(),
                          {"recurrent_kernel", ofState->weights.front().shape}};
        if (m_setting.useBias) {
            result.weights.push_back({"bias", {4 * m_conv.filters}});
        }
        return result;
    }

    std::vector<RuleWeight> weights() const override { return recurrentWeights(m_setting.useBias); }
    void startWeight(std::size_t weight, std::span<float> values) const override
    {
        if (weight == 2 && m_setting.unitForgetBias) {
            rememberAtFirst(values, m_conv.filters);
        }
    }
    /// QKeras has no twin of this layer; ours takes quantizers where those of an LSTM are.
    std::vector<Slot> slots() const override
    {
        std::vector<Slot> list{Slot::Kernel, Slot::Recurrent};
        if (m_setting.useBias) {
            list.push_back(Slot::Bias);
        }
        list.insert(list.end(), {Slot::State, Slot::RecurrentActivation, Slot::Activation});
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
        const Shape& input = request.inputs.front();
        const std::vector<Shape> image{input.sample()};
        const auto projected = shapeOf(inputConvolution(m_conv), image);
        ensure(projected.has_value(), "ConvLSTM2D: a checked layer has a shape");
        Shape state = projected->output;
        state[2] = m_conv.filters;
        const Index pixels = state[0] * state[1];
        const std::size_t sequences = m_isMasked ? 2 : 1;
        RecurrentSetting setting = m_setting;
        setting.units = m_conv.filters;
        return makeRecurrentKernel(
            setting,
            {.steps = input[0],
             .inputSize = image.front().elementCount(),
             .pixels = pixels,
             .hasInitialStates = request.inputs.size() > sequences,
             .isMasked = m_isMasked},
            request,
            {.input = mapOf(inputConvolution(m_conv), image.front(), projected->output),
             .state = mapOf(stateConvolution(m_conv), state, projected->output)});
    }

    Json config() const override
    {
        const auto pair = [](const Extent& extent) {
            return Json::array({extent.height, extent.width});
        };
        return {{"filters", m_conv.filters},
                {"kernel_size", pair(m_conv.kernel)},
                {"strides", pair(m_conv.stride)},
                {"padding", m_conv.padding == Padding::Same ? "same" : "valid"},
                {"data_format", "channels_last"},
                {"dilation_rate", pair(m_conv.dilation)},
                {"activation", activationField(m_setting.activation)},
                {"recurrent_activation", activationField(m_setting.gateActivation)},
                {"use_bias", m_setting.useBias},
                {"unit_forget_bias", m_setting.unitForgetBias},
                {"return_sequences", m_setting.returnsSequences},
                {"return_state", m_setting.returnsState},
                {"go_backwards", m_setting.goesBackwards},
                {"stateful", m_setting.isStateful},
                {"dropout", m_setting.dropout},
                {"recurrent_dropout", m_setting.stateDropout}};
    }

private:
    ConvOp m_conv;
    RecurrentSetting m_setting;
    bool m_isMasked;
};

void read(LayerReading& reading)
{
    KerasConfig& config = reading.config;
    ConvOp conv;
    conv.filters = config.integer("filters", 0, 1, kMaxChannels);
    conv.kernel = config.extent("kernel_size", 2, {0, 0});
    conv.stride = config.extent("strides", 2, {});
    conv.dilation = config.extent("dilation_rate", 2, {});
    conv.padding = reading.padding();
    conv.useBias = config.boolean("use_bias", true);
    if (conv.filters == 0) {
        config.refuse("filters", "The number of filters is missing.");
    }
    if (conv.kernel.width == 0) {
        config.refuse("kernel_size", "The size of the kernel is missing.");
    }
    if (conv.padding == Padding::Causal) {
        config.refuse("padding", "It must be valid or same.");
    }
    if (reading.channelsFirst()) {
        reading.lacks("channels_first is not covered here");
    }
    RecurrentSetting setting = readRecurrentSetting(reading, CellKind::Lstm);
    setting.units = std::max<Index>(conv.filters, 1);
    reading.become<ConvLstmRule>(conv, setting);
    if (setting.returnsState) {
        reading.meaning.outputs = 3;
    }
}

} // namespace

LayerInfo convLstm2dLayer()
{
    return {"ConvLSTM2D", "", "An LSTM over images, with convolutions for its products.", read};
}

} // namespace bitscape::graph
