// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A network run layer by layer in double, as plainly as possible: the twin of both plans. Float
// only; dropout is off.

#include "core/graph/activation.h"
#include "core/graph/graph.h"
#include "core/graph/shape_rules.h"
#include "tests/support/reference.h"

#include <cmath>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <type_traits>
#include <variant>
#include <vector>

namespace bitscape::reference {

using Values = std::vector<double>;

inline Values toValues(std::span<const float> floats)
{
    return {floats.begin(), floats.end()};
}

inline double applyTo(const graph::Function& f, double x)
{
    using graph::FunctionKind;
    const auto sigmoid = [](double v) { return 1.0 / (1.0 + std::exp(-v)); };
    const double slope = static_cast<double>(f.negativeSlope);
    switch (f.kind) {
    case FunctionKind::Linear:
    case FunctionKind::Softmax:
        return x;
    case FunctionKind::Relu: {
        const double y = x >= f.threshold ? x : slope * (x - f.threshold);
        return f.maxValue > 0.0F ? std::min(y, static_cast<double>(f.maxValue)) : y;
    }
    case FunctionKind::Sigmoid:
        return sigmoid(x);
    case FunctionKind::Tanh:
        return std::tanh(x);
    case FunctionKind::HardSigmoidKeras2:
        return std::clamp(0.2 * x + 0.5, 0.0, 1.0);
    case FunctionKind::HardSigmoidKeras3:
        return std::clamp(x / 6.0 + 0.5, 0.0, 1.0);
    case FunctionKind::Elu:
        return x > 0.0 ? x : slope * std::expm1(x);
    case FunctionKind::Selu:
        return 1.0507009873554805 * (x > 0.0 ? x : 1.6732632423543772 * std::expm1(x));
    case FunctionKind::Softplus:
        return std::log1p(std::exp(-std::abs(x))) + std::max(x, 0.0);
    case FunctionKind::Softsign:
        return x / (1.0 + std::abs(x));
    case FunctionKind::Swish:
        return x * sigmoid(x);
    case FunctionKind::Gelu:
        return 0.5 * x * (1.0 + std::erf(x / std::sqrt(2.0)));
    case FunctionKind::Exponential:
        return std::exp(x);
    }
    return x;
}

inline void activate(const graph::Function& f, Index channels, Values& values)
{
    for (double& value : values) {
        value = applyTo(f, value);
    }
    if (f.kind != graph::FunctionKind::Softmax) {
        return;
    }
    for (std::size_t row = 0; row < values.size(); row += static_cast<std::size_t>(channels)) {
        const auto first = values.begin() + static_cast<std::ptrdiff_t>(row);
        const double largest = *std::max_element(first, first + channels);
        std::for_each(first, first + channels, [&](double& v) { v = std::exp(v - largest); });
        const double sum = std::accumulate(first, first + channels, 0.0);
        std::for_each(first, first + channels, [&](double& v) { v /= sum; });
    }
}

/// Runs `samples` samples.
class Network {
public:
    Network(const graph::Graph& graph, Index samples, bool isTraining)
        : m_graph(graph), m_samples(samples), m_isTraining(isTraining)
    {
    }

    /// Outputs of all layers. `weights` in Graph::weightSlots() order.
    std::vector<Values> run(const std::vector<Values>& inputs, const std::vector<Values>& weights)
    {
        m_values.clear();
        std::size_t slot = 0;
        std::size_t input = 0;
        for (const graph::Layer& layer : m_graph.layers()) {
            m_layer = &layer;
            m_weights.assign(weights.begin() + static_cast<std::ptrdiff_t>(slot),
                             weights.begin() +
                                 static_cast<std::ptrdiff_t>(slot + layer.weights.size()));
            slot += layer.weights.size();
            m_inputs.clear();
            for (const int source : layer.inputs) {
                m_inputs.push_back(turned(m_values[static_cast<std::size_t>(source)],
                                          m_graph.layer(source).outputShape, true));
            }
            Values out =
                std::holds_alternative<graph::InputOp>(layer.op)
                    ? inputs[input++]
                    : turned(std::visit([this](const auto& op) { return compute(op); }, layer.op),
                             layer.outputShape, false);
            activate(graph::functionOf(layer.op), layer.outputShape.channels(), out);
            m_values.push_back(std::move(out));
        }
        return m_values;
    }

private:
    // Inside everything lies channels last.
    [[nodiscard]] const Values& in(std::size_t i = 0) const { return m_inputs[i]; }
    [[nodiscard]] Shape inShape(std::size_t i = 0) const
    {
        const Shape& shape = m_graph.layer(m_layer->inputs[i]).outputShape;
        return isFirst() ? graph::toChannelsLast(shape) : shape;
    }
    [[nodiscard]] Shape outShape() const
    {
        return isFirst() ? graph::toChannelsLast(m_layer->outputShape) : m_layer->outputShape;
    }
    [[nodiscard]] Index outSize() const { return m_layer->outputShape.elementCount(); }
    [[nodiscard]] bool isFirst() const { return graph::isChannelsFirst(m_layer->op); }

    /// Channels of every sample moved to the end, or back to the front.
    [[nodiscard]] Values turned(const Values& values, const Shape& first, bool toLast) const
    {
        if (!isFirst() || first.rank() < 2) {
            return values;
        }
        const Index channels = first[0];
        const Index size = first.elementCount();
        Values out(values.size());
        for (Index at = 0; at < static_cast<Index>(values.size()); ++at) {
            const Index inside = at % size; // place in channels last
            const Index other = inside % channels * (size / channels) + inside / channels;
            const Index sample = at / size * size;
            const auto last = static_cast<std::size_t>(sample + inside);
            const auto front = static_cast<std::size_t>(sample + other);
            out[toLast ? last : front] = values[toLast ? front : last];
        }
        return out;
    }

    Values convolve(const ConvolutionGeometry& g, bool isDepthwise, const Values& x,
                    const Values& kernel, const Values* bias) const
    {
        Values y(static_cast<std::size_t>(m_samples * g.outputSize()), 0.0);
        for (std::size_t i = 0; bias != nullptr && i < y.size(); ++i) {
            y[i] = (*bias)[i % bias->size()];
        }
        for (Index image = 0; image < m_samples; ++image) {
            forEachProduct(g, isDepthwise, [&](Index from, Index w, Index to) {
                y[static_cast<std::size_t>(image * g.outputSize() + to)] +=
                    x[static_cast<std::size_t>(image * g.inputSize() + from)] *
                    kernel[static_cast<std::size_t>(w)];
            });
        }
        return y;
    }

    template <class Op>
    ConvolutionGeometry geometry(const Op& op, const Shape& output) const
    {
        if constexpr (std::is_same_v<Op, graph::DenseOp>) {
            ConvolutionGeometry g{.channels = inShape().channels(), .filters = op.units};
            g.width = g.outWidth = output.elementCount() / op.units;
            return g;
        } else {
            return windowGeometry(op, output);
        }
    }
    template <class Op>
    ConvolutionGeometry windowGeometry(const Op& op, const Shape& output) const
    {
        const Shape a = graph::asImage(inShape());
        const Shape b = graph::asImage(output);
        return {.height = a[0],
                .width = a[1],
                .channels = a[2],
                .outHeight = b[0],
                .outWidth = b[1],
                .filters = b[2],
                .kernelHeight = op.kernel.height,
                .kernelWidth = op.kernel.width,
                .strideHeight = op.stride.height,
                .strideWidth = op.stride.width,
                .dilationHeight = op.dilation.height,
                .dilationWidth = op.dilation.width,
                .padTop = graph::paddingBefore(a[0], op.kernel.height, op.stride.height,
                                               op.dilation.height, op.padding),
                .padLeft = graph::paddingBefore(a[1], op.kernel.width, op.stride.width,
                                                op.dilation.width, op.padding)};
    }

    Values compute(const graph::InputOp& /*op*/) const { return {}; }
    /// Rules are compared with golden vectors and with their own twins.
    Values compute(const graph::RuleOp& /*op*/) const
    {
        throw std::runtime_error("the reference network holds no rules");
    }
    Values compute(const graph::SelectOp& /*op*/) const
    {
        throw std::runtime_error("the reference network holds no layers of several tensors");
    }
    Values compute(const graph::UnsupportedOp& /*op*/) const
    {
        throw std::logic_error("reference: unsupported layer");
    }
    Values compute(const graph::DenseOp& op) const
    {
        return convolve(geometry(op, outShape()), false, in(), m_weights[0],
                        op.useBias ? &m_weights[1] : nullptr);
    }
    Values compute(const graph::ConvOp& op) const
    {
        ConvolutionGeometry g = geometry(op, outShape());
        g.groups = op.groups;
        Values kernel = m_weights[0];
        for (std::size_t i = 0; !op.mask.empty() && i < kernel.size(); ++i) {
            kernel[i] *= op.mask[i / (kernel.size() / op.mask.size())];
        }
        return convolve(g, false, in(), kernel, op.useBias ? &m_weights[1] : nullptr);
    }
    Values compute(const graph::DepthwiseOp& op) const
    {
        return convolve(geometry(op, outShape()), true, in(), m_weights[0],
                        op.useBias ? &m_weights[1] : nullptr);
    }
    Values compute(const graph::SeparableOp& op) const
    {
        Shape middle = graph::asImage(outShape());
        middle[2] = inShape().channels() * op.multiplier;
        const Values depthwise = convolve(geometry(op, middle), true, in(), m_weights[0], nullptr);
        ConvolutionGeometry g{.channels = middle[2], .filters = op.filters};
        g.width = g.outWidth = outSize() / op.filters;
        return convolve(g, false, depthwise, m_weights[1], op.useBias ? &m_weights[2] : nullptr);
    }
    Values compute(const graph::ActivationOp& /*op*/) const { return in(); }
    Values compute(const graph::DropoutOp& /*op*/) const { return in(); }
    Values compute(const graph::FlattenOp& /*op*/) const { return in(); }
    Values compute(const graph::ReshapeOp& /*op*/) const { return in(); }

    struct Statistics {
        Values mean, variance;
    };
    [[nodiscard]] static Statistics statisticsOf(const Values& x, std::size_t channels)
    {
        Statistics s{Values(channels), Values(channels)};
        const double rows = static_cast<double>(x.size() / channels);
        for (std::size_t i = 0; i < x.size(); ++i) {
            s.mean[i % channels] += x[i] / rows;
        }
        for (std::size_t i = 0; i < x.size(); ++i) {
            const double off = x[i] - s.mean[i % channels];
            s.variance[i % channels] += off * off / rows;
        }
        return s;
    }

    /// gamma, beta, mean and variance of weights first … in Keras' order.
    struct Norm {
        Values gamma, beta, mean, variance;
    };
    [[nodiscard]] Norm normOf(const graph::BatchNormOp& op, std::size_t first, bool counts) const
    {
        const std::size_t channels = m_weights.back().size();
        Norm norm{Values(channels, 1.0), Values(channels, 0.0), {}, {}};
        if (op.scale) {
            norm.gamma = m_weights[first++];
        }
        if (op.center) {
            norm.beta = m_weights[first++];
        }
        first += counts ? 1 : 0;
        norm.mean = m_weights[first];
        norm.variance = m_weights[first + 1];
        return norm;
    }

    Values compute(const graph::BatchNormOp& op) const
    {
        Norm norm = normOf(op, 0, false);
        Values y = in();
        const std::size_t channels = norm.gamma.size();
        if (m_isTraining) {
            Statistics s = statisticsOf(y, channels);
            norm.mean = s.mean;
            norm.variance = s.variance;
        }
        for (std::size_t i = 0; i < y.size(); ++i) {
            const std::size_t c = i % channels;
            y[i] =
                (y[i] - norm.mean[c]) / std::sqrt(norm.variance[c] + op.epsilon) * norm.gamma[c] +
                norm.beta[c];
        }
        return y;
    }

    template <class Visit>
    void forWindows(const graph::PoolOp& op, const Visit& visit) const
    {
        const Shape a = graph::asImage(inShape());
        const Shape b = graph::asImage(outShape());
        const Index top =
            graph::paddingBefore(a[0], op.window.height, op.stride.height, 1, op.padding);
        const Index left =
            graph::paddingBefore(a[1], op.window.width, op.stride.width, 1, op.padding);
        for (Index n = 0; n < m_samples; ++n) {
            for (Index out = 0; out < b.elementCount(); ++out) {
                const Index oh = out / b[2] / b[1];
                const Index ow = out / b[2] % b[1];
                Values window;
                for (Index ih = oh * op.stride.height - top;
                     ih < oh * op.stride.height - top + op.window.height; ++ih) {
                    for (Index iw = ow * op.stride.width - left;
                         iw < ow * op.stride.width - left + op.window.width; ++iw) {
                        if (ih >= 0 && iw >= 0 && ih < a[0] && iw < a[1]) {
                            window.push_back(in()[static_cast<std::size_t>(
                                n * a.elementCount() + (ih * a[1] + iw) * a[2] + out % b[2])]);
                        }
                    }
                }
                visit(static_cast<std::size_t>(n * b.elementCount() + out), window);
            }
        }
    }

    Values compute(const graph::PoolOp& op) const
    {
        Values y(static_cast<std::size_t>(m_samples * outSize()));
        forWindows(op, [&](std::size_t at, const Values& window) {
            y[at] = op.kind == graph::PoolKind::Max
                        ? *std::ranges::max_element(window)
                        : std::accumulate(window.begin(), window.end(), 0.0) /
                              static_cast<double>(window.size());
        });
        return y;
    }
    Values compute(const graph::GlobalPoolOp& op) const
    {
        const Index channels = inShape().channels();
        const Index pixels = inShape().elementCount() / channels;
        Values y(static_cast<std::size_t>(m_samples * channels));
        for (Index at = 0; at < m_samples * channels; ++at) {
            Values window;
            for (Index p = 0; p < pixels; ++p) {
                window.push_back(in()[static_cast<std::size_t>(
                    (at / channels * pixels + p) * channels + at % channels)]);
            }
            y[static_cast<std::size_t>(at)] =
                op.kind == graph::PoolKind::Max
                    ? *std::ranges::max_element(window)
                    : std::accumulate(window.begin(), window.end(), 0.0) /
                          static_cast<double>(pixels);
        }
        return y;
    }
    Values compute(const graph::ZeroPaddingOp& op) const
    {
        const Shape a = graph::asImage(inShape());
        const Shape b = graph::asImage(outShape());
        Values y(static_cast<std::size_t>(m_samples * b.elementCount()), 0.0);
        for (Index n = 0; n < m_samples; ++n) {
            for (Index i = 0; i < a.elementCount(); ++i) {
                const Index row = i / a[2] / a[1] + op.top;
                const Index column = i / a[2] % a[1] + op.left;
                y[static_cast<std::size_t>(n * b.elementCount() + (row * b[1] + column) * b[2] +
                                           i % a[2])] =
                    in()[static_cast<std::size_t>(n * a.elementCount() + i)];
            }
        }
        return y;
    }
    Values compute(const graph::AddOp& /*op*/) const
    {
        const Shape& out = m_layer->outputShape;
        Values y(static_cast<std::size_t>(m_samples * out.elementCount()), 0.0);
        for (std::size_t i = 0; i < m_layer->inputs.size(); ++i) {
            const Shape& own = inShape(i);
            for (Index at = 0; at < m_samples * out.elementCount(); ++at) {
                Index rest = at % out.elementCount();
                Index from = 0;
                Index step = 1;
                for (int axis = 1; axis <= out.rank(); ++axis) {
                    const Index place = rest % out[out.rank() - axis];
                    rest /= out[out.rank() - axis];
                    if (axis <= own.rank()) {
                        const Index size = own[own.rank() - axis];
                        from += (size == 1 ? 0 : place) * step;
                        step *= size;
                    }
                }
                y[static_cast<std::size_t>(at)] += in(i)[static_cast<std::size_t>(
                    at / out.elementCount() * own.elementCount() + from)];
            }
        }
        return y;
    }
    Values compute(const graph::ConcatenateOp& op) const
    {
        const Shape& out = m_layer->outputShape;
        const int axis = op.axis < 0 ? op.axis + out.rank() : op.axis - 1;
        Values y;
        Index outer = m_samples;
        for (int a = 0; a < axis; ++a) {
            outer *= out[a];
        }
        for (Index row = 0; row < outer; ++row) {
            for (std::size_t i = 0; i < m_layer->inputs.size(); ++i) {
                const Index run = static_cast<Index>(in(i).size()) / outer;
                y.insert(y.end(), in(i).begin() + row * run, in(i).begin() + (row + 1) * run);
            }
        }
        return y;
    }
    Values compute(const graph::FoldedConvOp& op) const
    {
        const bool useBias = std::visit([](const auto& c) { return c.useBias; }, op.conv);
        const bool isDepthwise = std::holds_alternative<graph::DepthwiseOp>(op.conv);
        ConvolutionGeometry g =
            std::visit([this](const auto& c) { return geometry(c, outShape()); }, op.conv);
        Norm norm = normOf(op.norm, useBias ? 2 : 1, true);
        const std::size_t channels = norm.mean.size();
        const Values none(channels, 0.0);
        const Values& bias = useBias ? m_weights[1] : none;
        const double epsilon = static_cast<double>(op.norm.epsilon);
        Values rescale(channels, 1.0);
        Values biasVariance = norm.variance;
        if (m_isTraining) {
            const Values y0 = convolve(g, isDepthwise, in(), m_weights[0], &bias);
            const Statistics s = statisticsOf(y0, channels);
            const double count = static_cast<double>(y0.size() / channels);
            const bool isFused = !std::holds_alternative<graph::DenseOp>(op.conv);
            const double bessel = isFused ? count / (count - 1.0) : 1.0;
            for (std::size_t c = 0; c < channels; ++c) {
                const double keep = static_cast<double>(op.norm.momentum);
                const double moving = movingVariance(c, norm.variance[c] * keep +
                                                            s.variance[c] * bessel * (1.0 - keep));
                biasVariance[c] = s.variance[c];
                norm.variance[c] = op.emaStatsFolding ? moving : s.variance[c];
                rescale[c] = std::sqrt((norm.variance[c] + epsilon) / (s.variance[c] + epsilon));
            }
            norm.mean = s.mean;
        }
        Values kernel = m_weights[0];
        for (std::size_t i = 0; i < kernel.size(); ++i) {
            const std::size_t c = i % channels;
            kernel[i] *= norm.gamma[c] / std::sqrt(norm.variance[c] + epsilon);
        }
        Values y = convolve(g, isDepthwise, in(), kernel, nullptr);
        for (std::size_t i = 0; i < y.size(); ++i) {
            const std::size_t c = i % channels;
            y[i] = y[i] * rescale[c] +
                   norm.gamma[c] / std::sqrt(biasVariance[c] + epsilon) * (bias[c] - norm.mean[c]) +
                   norm.beta[c];
        }
        return y;
    }

    /// No gradient flows through the moving variance: it keeps the value of the first run.
    double movingVariance(std::size_t channel, double value) const
    {
        m_moving.resize(std::max(m_moving.size(), channel + 1), -1.0);
        if (m_moving[channel] < 0.0) {
            m_moving[channel] = value;
        }
        return m_moving[channel];
    }

    const graph::Graph& m_graph;
    Index m_samples;
    bool m_isTraining;
    const graph::Layer* m_layer = nullptr;
    std::vector<Values> m_weights;
    std::vector<Values> m_inputs;
    std::vector<Values> m_values;
    mutable std::vector<double> m_moving;
};

} // namespace bitscape::reference
