// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/functions.h"

#include "core/quant/common.h"
#include "core/quant/rounding.h"
#include "core/quant/sigmoid.h"
#include "core/tensor/kernels/kernels.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace bitscape::quant {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kLargestFloat = std::numeric_limits<float>::max();
constexpr float kSeluAlpha = 1.67326324F;
constexpr float kSeluScale = 1.05070098F;
constexpr float kRelu6 = 6.0F;

/// Values of a tensor; functions along the last axis need its length.
struct Run {
    const float* x;
    Index rows;
    Index channels;
    [[nodiscard]] Index count() const { return rows * channels; }
};

/// All that is to be known of a function.
struct Function {
    const char* name;
    const char* origin;
    const char* formula;
    double min;
    double max;
    bool alongLastAxis;
    void (*apply)(const Run& run, float* y);
    /// dx = f'(x) · dy. readsOutput: run.x holds f(x) instead of x.
    bool readsOutput;
    void (*gradient)(const Run& run, const float* dy, float* dx);
};

template <auto Kernel>
void plain(const Run& run, float* y)
{
    Kernel(run.x, run.count(), y);
}

template <auto Kernel>
void plainGradient(const Run& run, const float* dy, float* dx)
{
    Kernel(run.x, dy, run.count(), dx);
}

/// One of QKeras' straight sigmoids σ or, as tanh, 2σ − 1; with σ rounded to 0 or 1 if asked.
struct Line {
    InternalSigmoid mode = InternalSigmoid::Hard;
    bool isTanh = false;
    bool rounded = false;
};

template <Line line>
void straight(const Run& run, float* y)
{
    for (Index i = 0, end = run.count(); i < end; ++i) {
        const float p = sigmoid(run.x[i], line.mode);
        const float value = line.rounded ? roundHalfToEven(p) : p;
        y[i] = line.isTanh ? 2.0F * value - 1.0F : value;
    }
}

/// Rounding passes gradients straight through.
template <Line line>
void straightGradient(const Run& run, const float* dy, float* dx)
{
    for (Index i = 0, end = run.count(); i < end; ++i) {
        const float slope = sigmoidSlope(run.x[i], line.mode);
        dx[i] = dy[i] * (line.isTanh ? 2.0F * slope : slope);
    }
}

constexpr Line kHardSigmoid{};
constexpr Line kSmoothSigmoid{InternalSigmoid::Smooth, false, false};
constexpr Line kBinarySigmoid{InternalSigmoid::Hard, false, true};
constexpr Line kHardTanh{InternalSigmoid::Hard, true, false};
constexpr Line kSmoothTanh{InternalSigmoid::Smooth, true, false};
constexpr Line kBinaryTanh{InternalSigmoid::Hard, true, true};

void linear(const Run& run, float* y)
{
    if (run.x != y) {
        std::copy_n(run.x, run.count(), y);
    }
}

void linearGradient(const Run& run, const float* dy, float* dx)
{
    if (dy != dx) {
        std::copy_n(dy, run.count(), dx);
    }
}

template <bool capped>
void relu(const Run& run, float* y)
{
    kernels::relu({0.0F, capped ? kRelu6 : 0.0F, 0.0F}, run.x, run.count(), y);
}

template <bool capped>
void reluGradient(const Run& run, const float* dy, float* dx)
{
    kernels::reluGradient({0.0F, capped ? kRelu6 : 0.0F, 0.0F}, run.x, dy, run.count(), dx);
}

template <bool scaled>
void elu(const Run& run, float* y)
{
    kernels::elu(scaled ? kSeluAlpha : 1.0F, scaled ? kSeluScale : 1.0F, run.x, run.count(), y);
}

template <bool scaled>
void eluGradient(const Run& run, const float* dy, float* dx)
{
    kernels::eluGradient(scaled ? kSeluAlpha : 1.0F, scaled ? kSeluScale : 1.0F, run.x, dy,
                         run.count(), dx);
}

/// ln(1 + e^x) without overflow.
double softplus(double x)
{
    return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

void mish(const Run& run, float* y)
{
    for (Index i = 0, end = run.count(); i < end; ++i) {
        const double x = run.x[i];
        y[i] = static_cast<float>(std::isinf(x) && x < 0.0 ? 0.0 : x * std::tanh(softplus(x)));
    }
}

void mishGradient(const Run& run, const float* dy, float* dx)
{
    for (Index i = 0, end = run.count(); i < end; ++i) {
        const double x = std::clamp(static_cast<double>(run.x[i]), -kLargestFloat, kLargestFloat);
        const double t = std::tanh(softplus(x));
        const double logistic = 1.0 / (1.0 + std::exp(-x));
        dx[i] = static_cast<float>(static_cast<double>(dy[i]) * (t + x * (1.0 - t * t) * logistic));
    }
}

void softmax(const Run& run, float* y)
{
    kernels::softmax(run.x, run.rows, run.channels, y);
}

void softmaxGradient(const Run& run, const float* dy, float* dx)
{
    kernels::softmaxGradient(run.x, dy, run.rows, run.channels, dx);
}

constexpr std::array kFunctions{
    Function{"hard_sigmoid", "QKeras", "clip(x/2 + 1/2, 0, 1)", 0.0, 1.0, false,
             straight<kHardSigmoid>, false, straightGradient<kHardSigmoid>},
    Function{"smooth_sigmoid", "QKeras", "clip(3x/16 + 1/2, 0, 1)", 0.0, 1.0, false,
             straight<kSmoothSigmoid>, false, straightGradient<kSmoothSigmoid>},
    Function{"binary_sigmoid", "QKeras", "0 or 1: hard_sigmoid, rounded", 0.0, 1.0, false,
             straight<kBinarySigmoid>, false, straightGradient<kBinarySigmoid>},
    Function{"hard_tanh", "QKeras", "clip(x, −1, 1)", -1.0, 1.0, false, straight<kHardTanh>, false,
             straightGradient<kHardTanh>},
    Function{"smooth_tanh", "QKeras", "clip(3x/8, −1, 1)", -1.0, 1.0, false, straight<kSmoothTanh>,
             false, straightGradient<kSmoothTanh>},
    Function{"binary_tanh", "QKeras", "−1 or 1: the sign, −1 at 0", -1.0, 1.0, false,
             straight<kBinaryTanh>, false, straightGradient<kBinaryTanh>},
    Function{"linear", "Keras", "x", -kInfinity, kInfinity, false, linear, false, linearGradient},
    Function{"relu", "Keras", "max(x, 0)", 0.0, kInfinity, false, relu<false>, false,
             reluGradient<false>},
    Function{"relu6", "Keras", "clip(x, 0, 6)", 0.0, kRelu6, false, relu<true>, false,
             reluGradient<true>},
    Function{"tanh", "Keras", "tanh(x)", -1.0, 1.0, false, plain<kernels::tanh>, true,
             plainGradient<kernels::tanhGradient>},
    Function{"sigmoid", "Keras", "1 / (1 + e^−x)", 0.0, 1.0, false, plain<kernels::sigmoid>, true,
             plainGradient<kernels::sigmoidGradient>},
    Function{"softmax", "Keras", "e^x / Σ e^x along the last axis", 0.0, 1.0, true, softmax, true,
             softmaxGradient},
    Function{"elu", "Keras", "x, below 0: e^x − 1", -1.0, kInfinity, false, elu<false>, false,
             eluGradient<false>},
    Function{"selu", "Keras", "1.0507 · x, below 0: 1.7581 · (e^x − 1)", -1.7580993, kInfinity,
             false, elu<true>, false, eluGradient<true>},
    Function{"softplus", "Keras", "ln(1 + e^x)", 0.0, kInfinity, false, plain<kernels::softplus>,
             false, plainGradient<kernels::softplusGradient>},
    Function{"softsign", "Keras", "x / (1 + |x|)", -1.0, 1.0, false, plain<kernels::softsign>,
             false, plainGradient<kernels::softsignGradient>},
    Function{"exponential", "Keras", "e^x", 0.0, kInfinity, false, plain<kernels::exponential>,
             true, plainGradient<kernels::exponentialGradient>},
    Function{"swish", "Keras", "x / (1 + e^−x)", -0.27846455, kInfinity, false,
             plain<kernels::swish>, false, plainGradient<kernels::swishGradient>},
    Function{"silu", "Keras", "x / (1 + e^−x)", -0.27846455, kInfinity, false,
             plain<kernels::swish>, false, plainGradient<kernels::swishGradient>},
    Function{"gelu", "Keras", "x · Φ(x), Φ the normal distribution", -0.16997, kInfinity, false,
             plain<kernels::gelu>, false, plainGradient<kernels::geluGradient>},
    Function{"mish", "Keras", "x · tanh(ln(1 + e^x))", -0.30884, kInfinity, false, mish, false,
             mishGradient},
};

class FunctionQuantizer final : public Quantizer {
public:
    FunctionQuantizer(const QuantizerInfo& info, Parameters given, const Function& function)
        : Quantizer(info, std::move(given)), m_function(function)
    {
    }

    [[nodiscard]] std::string toString() const override { return info().name; }

    [[nodiscard]] Warnings notes(const Shape& shape) const override
    {
        if (m_function.alongLastAxis && shape.rank() < 2) {
            return {{"keras_differs",
                     info().name + ": Keras refuses tensors without a batch axis; here the vector "
                                   "counts as one sample.",
                     {}}};
        }
        return {};
    }

    void apply(TensorView x, MutableTensorView y, const CallContext&) const override
    {
        m_function.apply(runOf(x.data, x.shape), y.data);
    }

    void gradient(TensorView x, TensorView upstream, MutableTensorView dx,
                  const CallContext&) const override
    {
        if (!m_function.readsOutput) {
            m_function.gradient(runOf(x.data, x.shape), upstream.data, dx.data);
            return;
        }
        Tensor y(x.shape);
        m_function.apply(runOf(x.data, x.shape), y.data());
        m_function.gradient(runOf(y.data(), x.shape), upstream.data, dx.data);
    }

    [[nodiscard]] Fit fit(TensorView, const CallContext&) const override
    {
        return fitOf(one(), one(0.0F));
    }
    [[nodiscard]] Result<Tensor> codes(TensorView, const CallContext&) const override
    {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("{} is a plain function: its values have no codes.", info().name),
                    {}, "Choose a quantizer, for example quantized_relu.");
    }

    [[nodiscard]] int bits() const override
    {
        constexpr int kFloatBits = 32;
        return kFloatBits;
    }
    [[nodiscard]] double min() const override { return m_function.min; }
    [[nodiscard]] double max() const override { return m_function.max; }
    [[nodiscard]] bool isSigned() const override { return m_function.min < 0.0; }
    [[nodiscard]] bool isElementwise() const override { return !m_function.alongLastAxis; }

private:
    static Run runOf(const float* values, const Shape& shape)
    {
        const Index channels = shape.channels();
        return {values, shape.elementCount() / std::max<Index>(channels, 1), channels};
    }

    const Function& m_function;
};

Result<QuantizerPtr> make(const QuantizerInfo& info, Parameters parameters)
{
    const auto* function = std::ranges::find_if(
        kFunctions, [&](const Function& each) { return info.name == each.name; });
    ensure(function != kFunctions.end(), "functions: a row without a function");
    return std::make_shared<FunctionQuantizer>(info, std::move(parameters), *function);
}

} // namespace

std::vector<QuantizerInfo> functionInfos()
{
    std::vector<QuantizerInfo> out;
    for (const Function& function : kFunctions) {
        const bool isKeras = std::string_view(function.origin) == "Keras";
        out.push_back({.name = function.name,
                       .origin = function.origin,
                       .doc = isKeras ? "Activation function of Keras; its values stay floats."
                                      : "Function of QKeras; its values stay floats.",
                       .grid = function.formula,
                       .parameters = {},
                       .leadingParameters = 0,
                       .dictionaryKeys = {},
                       .make = make,
                       .isFunction = true});
    }
    return out;
}

} // namespace bitscape::quant
