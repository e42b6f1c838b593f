// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/transposed.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layers/rule_support.h"
#include "core/graph/layers/transposed_kernels.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace bitscape::graph {

namespace {

/// What all of them have in common.
struct Setup {
    int spatialRank = 2;
    Index filters = 0;
    Extent kernel, stride, dilation;
    Padding padding = Padding::Valid;
    std::optional<Extent> outputPadding; ///< QKeras takes none
    bool useBias = true;
    Function function; ///< of the output
    bool channelsFirst = false;
};

Index transposedSize(Index input, int kernel, int stride, int dilation, Padding padding,
                     std::optional<int> extra)
{
    if (input < 0) {
        return input;
    }
    const Index effective = Index{kernel - 1} * dilation + 1;
    const bool isSame = padding == Padding::Same;
    if (!extra) {
        return input * stride + (isSame ? 0 : std::max<Index>(effective - stride, 0));
    }
    return (input - 1) * stride + effective - (isSame ? effective / 2 * 2 : 0) + *extra;
}

/// Height and width of the output; `image` as asImage().
Result<Shape> transposedImage(const Setup& s, const Shape& image, Index channels)
{
    if (s.padding == Padding::Causal) {
        return impossible("A transposed convolution has no causal padding.");
    }
    const auto extra = [&](int Extent::*side) {
        return s.outputPadding ? std::optional<int>(*s.outputPadding.*side) : std::nullopt;
    };
    const Shape output{transposedSize(image[0], s.kernel.height, s.stride.height, s.dilation.height,
                                      s.padding, extra(&Extent::height)),
                       transposedSize(image[1], s.kernel.width, s.stride.width, s.dilation.width,
                                      s.padding, extra(&Extent::width)),
                       channels};
    const bool fits = outputSize(output[0], s.kernel.height, s.stride.height, s.dilation.height,
                                 s.padding) == image[0] &&
                      outputSize(output[1], s.kernel.width, s.stride.width, s.dilation.width,
                                 s.padding) == image[1];
    if (!fits) {
        return impossible(fmt::format("An output of {} cannot be made of {}: output_padding must "
                                      "be less than the stride.",
                                      output.toString(), image.toString()));
    }
    return output;
}

Index taps(const Setup& s)
{
    return Index{s.kernel.height} * s.kernel.width;
}

/// The convolution whose gradient it is: from the output to the input.
ConvolutionGeometry geometryOf(const Setup& s, const Shape& input, const Shape& output)
{
    return graph::geometryOf(output, input, {s.kernel, s.stride, s.dilation, s.padding});
}

Json configOf(const Setup& s, std::string_view format)
{
    return {{"filters", s.filters},
            {"kernel_size", extentField(s.kernel, s.spatialRank)},
            {"strides", extentField(s.stride, s.spatialRank)},
            {"padding", paddingName(s.padding)},
            {"output_padding",
             s.outputPadding ? extentField(*s.outputPadding, s.spatialRank) : Json(nullptr)},
            {"data_format", format},
            {"dilation_rate", extentField(s.dilation, s.spatialRank)},
            {"use_bias", s.useBias}};
}

/// Conv1DTranspose, Conv2DTranspose, QConv2DTranspose: kernel (kh, kw, filters, ci).
class TransposedRule final : public SpatialRule {
public:
    TransposedRule(const Setup& setup)
        : SpatialRule(setup.spatialRank, setup.channelsFirst), m_setup(setup)
    {
    }

    std::vector<RuleWeight> weights() const override
    {
        std::vector<RuleWeight> all{{"kernel", Slot::Kernel}};
        if (m_setup.useBias) {
            all.push_back({"bias", Slot::Bias});
        }
        return all;
    }
    std::vector<Slot> slots() const override
    {
        if (spatialRank() == 1) {
            return {}; // QKeras has no twin
        }
        return m_setup.useBias ? std::vector{Slot::Kernel, Slot::Bias, Slot::Activation}
                               : std::vector{Slot::Kernel, Slot::Activation};
    }
    Function function() const override { return m_setup.function; }
    Json config() const override
    {
        Json config = configOf(m_setup, dataFormat());
        config["activation"] = activationField(m_setup.function);
        return config;
    }

protected:
    Result<OpShape> lastShape(const Shape& input) const override
    {
        const Shape image = asImage(input);
        auto output = transposedImage(m_setup, image, m_setup.filters);
        if (!output) {
            return fail(std::move(output).error());
        }
        const Shape kernel{m_setup.kernel.height, m_setup.kernel.width, m_setup.filters, image[2]};
        OpShape result{.output = spatialRank() == 1 ? output->sample() : *output};
        result.macs = std::max<Index>(closedCount(image), 0) * taps(m_setup) * m_setup.filters;
        result.weights = {{"kernel", spatialRank() == 1 ? kernel.sample() : kernel}};
        if (m_setup.useBias) {
            result.weights.push_back({"bias", {m_setup.filters}});
        }
        return result;
    }
    std::unique_ptr<LayerKernel> lastKernel(const KernelRequest& /*request*/, const Shape& input,
                                            const Shape& output) const override
    {
        return makeTransposedKernel(makeConvolution(geometryOf(m_setup, input, output)),
                                    {.useBias = m_setup.useBias});
    }

private:
    Setup m_setup;
};

/// QDepthwiseConv2DTranspose: every group of channels by itself, kernel (kh, kw, ci, group). It
/// makes a bias that it never adds.
class DepthwiseTransposedRule final : public SpatialRule {
public:
    DepthwiseTransposedRule(const Setup& setup, int groupSize)
        : SpatialRule(2, setup.channelsFirst), m_setup(setup), m_groupSize(groupSize)
    {
    }

    std::vector<RuleWeight> weights() const override
    {
        std::vector<RuleWeight> all{{"depthwise_kernel", Slot::Depthwise}};
        if (m_setup.useBias) {
            all.push_back({"bias", Slot::Bias});
        }
        return all;
    }
    std::vector<Slot> slots() const override
    {
        return m_setup.useBias ? std::vector{Slot::Depthwise, Slot::Bias, Slot::Activation}
                               : std::vector{Slot::Depthwise, Slot::Activation};
    }
    std::string_view configKey(Slot slot) const override
    {
        return slot == Slot::Depthwise    ? "depthwise_kernel_quantizer"
               : slot == Slot::Activation ? "depthwise_activation"
                                          : keyOf(slot);
    }
    bool clipsWeights() const override { return false; }
    Function function() const override { return m_setup.function; }
    Json config() const override
    {
        Json config = configOf(m_setup, dataFormat());
        config["group_size"] = m_groupSize;
        config["depthwise_activation"] = activationField(m_setup.function);
        return config;
    }

protected:
    Result<OpShape> lastShape(const Shape& input) const override
    {
        auto output = transposedImage(m_setup, input, input[2]);
        if (!output) {
            return fail(std::move(output).error());
        }
        if (input[2] % m_groupSize != 0) {
            return impossible(
                fmt::format("Groups of {} do not divide {} channels.", m_groupSize, input[2]));
        }
        OpShape result{.output = *output};
        result.macs = std::max<Index>(closedCount(input), 0) * taps(m_setup) * m_groupSize;
        result.weights = {{"depthwise_kernel",
                           {m_setup.kernel.height, m_setup.kernel.width, input[2], m_groupSize}}};
        if (m_setup.useBias) {
            result.weights.push_back({"bias", {m_setup.filters}});
        }
        return result;
    }
    std::unique_ptr<LayerKernel> lastKernel(const KernelRequest& /*request*/, const Shape& input,
                                            const Shape& output) const override
    {
        ConvolutionGeometry g = geometryOf(m_setup, input, output);
        const TransposedOptions options{
            .useBias = m_setup.useBias, .addsBias = false, .groupSize = m_groupSize};
        if (m_groupSize == 1) {
            return makeTransposedKernel(makeDepthwiseConvolution(g), options);
        }
        g.groups = static_cast<int>(input[2] / m_groupSize);
        return makeTransposedKernel(makeConvolution(g), options);
    }

private:
    Setup m_setup;
    int m_groupSize;
};

/// QSeparableConv2DTranspose: a transposed convolution of every channel (kh, kw, 1, ci), an
/// activation, then a mix of channels (1, 1, filters, ci).
class SeparableTransposedRule final : public SpatialRule {
public:
    SeparableTransposedRule(const Setup& setup, const Function& middle)
        : SpatialRule(2, setup.channelsFirst), m_setup(setup), m_middle(middle)
    {
    }

    std::vector<RuleWeight> weights() const override
    {
        std::vector<RuleWeight> all{{"depthwise_kernel", Slot::Depthwise},
                                    {"pointwise_kernel", Slot::Pointwise}};
        if (m_setup.useBias) {
            all.push_back({"bias", Slot::Bias});
        }
        return all;
    }
    std::vector<Slot> slots() const override
    {
        std::vector<Slot> all{Slot::Depthwise, Slot::Pointwise};
        if (m_setup.useBias) {
            all.push_back(Slot::Bias);
        }
        all.insert(all.end(), {Slot::DepthwiseActivation, Slot::Activation});
        return all;
    }
    std::string_view configKey(Slot slot) const override
    {
        return slot == Slot::Depthwise    ? "depthwise_kernel_quantizer"
               : slot == Slot::Pointwise  ? "pointwise_kernel_quantizer"
               : slot == Slot::Activation ? "pointwise_activation"
                                          : keyOf(slot);
    }
    bool clipsWeights() const override { return false; }
    Function function() const override { return m_setup.function; }
    Json config() const override
    {
        Json config = configOf(m_setup, dataFormat());
        config["depthwise_activation"] = activationField(m_middle);
        config["pointwise_activation"] = activationField(m_setup.function);
        return config;
    }

protected:
    Result<OpShape> lastShape(const Shape& input) const override
    {
        auto output = transposedImage(m_setup, input, m_setup.filters);
        if (!output) {
            return fail(std::move(output).error());
        }
        OpShape result{.output = *output};
        const Index pixels = closedCount(Shape{(*output)[0], (*output)[1]});
        result.macs = std::max<Index>(closedCount(input), 0) * taps(m_setup) +
                      std::max<Index>(pixels, 0) * input[2] * m_setup.filters;
        result.weights = {
            {"depthwise_kernel", {m_setup.kernel.height, m_setup.kernel.width, 1, input[2]}},
            {"pointwise_kernel", {1, 1, m_setup.filters, input[2]}}};
        if (m_setup.useBias) {
            result.weights.push_back({"bias", {m_setup.filters}});
        }
        return result;
    }
    std::unique_ptr<LayerKernel> lastKernel(const KernelRequest& request, const Shape& input,
                                            const Shape& output) const override
    {
        Shape middle = output;
        middle[2] = input[2];
        const ConvolutionGeometry pointwise{.height = output[0],
                                            .width = output[1],
                                            .channels = m_setup.filters,
                                            .outHeight = output[0],
                                            .outWidth = output[1],
                                            .filters = input[2]};
        return makeSeparableTransposedKernel(
            makeDepthwiseConvolution(geometryOf(m_setup, input, middle)),
            makeConvolution(pointwise), m_setup.useBias,
            {m_middle, effectiveQuantizer(request.quantizers, Slot::DepthwiseActivation)}, request);
    }

private:
    Setup m_setup;
    Function m_middle;
};

Setup readSetup(LayerReading& reading, int rank)
{
    KerasConfig& config = reading.config;
    Setup s;
    s.spatialRank = rank;
    s.filters = config.integer("filters", 0, 1, kMaxChannels);
    s.kernel = config.extent("kernel_size", rank, {0, 0});
    s.stride = config.extent("strides", rank, {});
    s.dilation = config.extent("dilation_rate", rank, {});
    s.padding = reading.padding();
    s.useBias = config.boolean("use_bias", true);
    s.channelsFirst = reading.channelsFirst();
    if (s.filters == 0) {
        config.refuse("filters", "The number of filters is missing.");
    }
    if (s.kernel.width == 0) {
        config.refuse("kernel_size", "The size of the kernel is missing.");
    }
    return s;
}

/// One number for all axes, or a list; 0 counts, unlike none at all.
std::optional<Extent> readOutputPadding(LayerReading& reading, int rank)
{
    const Json& value = reading.config.at("output_padding");
    if (value.is_null()) {
        return std::nullopt;
    }
    const Json list = value.is_array() ? value : Json(std::vector<Json>(rank, value));
    std::vector<int> sizes;
    for (const Json& entry : list) {
        const bool fits = entry.is_number_integer() && entry.get<std::int64_t>() >= 0 &&
                          entry.get<std::int64_t>() <= kMaxExtent;
        sizes.push_back(fits ? entry.get<int>() : -1);
    }
    if (std::ssize(sizes) != rank || std::ranges::min(sizes) < 0) {
        reading.config.refuse("output_padding", "It must hold a whole number from 0 per axis.");
        return std::nullopt;
    }
    return rank == 1 ? Extent{0, sizes[0]} : Extent{sizes[0], sizes[1]};
}

template <int rank>
void readTransposed(LayerReading& reading)
{
    Setup s = readSetup(reading, rank);
    if (!reading.isQuantized) {
        s.outputPadding = readOutputPadding(reading, rank);
    }
    s.function = reading.activation();
    reading.quantizers({Slot::Kernel, Slot::Bias});
    reading.become<TransposedRule>(s);
}

void readDepthwiseTransposed(LayerReading& reading)
{
    Setup s = readSetup(reading, 2);
    s.function = reading.activation("depthwise_activation");
    reading.quantizer(Slot::Depthwise, "depthwise_kernel_quantizer");
    reading.quantizers({Slot::Bias});
    const auto group = reading.config.integer("group_size", 1, 1, kMaxChannels);
    reading.become<DepthwiseTransposedRule>(s, static_cast<int>(group));
}

void readSeparableTransposed(LayerReading& reading)
{
    Setup s = readSetup(reading, 2);
    const Function middle = reading.activation("depthwise_activation", Slot::DepthwiseActivation);
    s.function = reading.activation("pointwise_activation");
    reading.quantizer(Slot::Depthwise, "depthwise_kernel_quantizer");
    reading.quantizer(Slot::Pointwise, "pointwise_kernel_quantizer");
    reading.quantizers({Slot::Bias});
    reading.become<SeparableTransposedRule>(s, middle);
}

} // namespace

std::span<const LayerInfo> transposedLayers()
{
    static constexpr std::array kRows{
        LayerInfo{"Conv2DTranspose", "QConv2DTranspose",
                  "Every pixel paints a kernel into a larger image.", readTransposed<2>},
        LayerInfo{"Conv1DTranspose", "", "Every value paints a kernel into a longer sequence.",
                  readTransposed<1>},
        LayerInfo{"QDepthwiseConv2DTranspose", "QDepthwiseConv2DTranspose",
                  "A transposed convolution of every group of channels by itself.",
                  readDepthwiseTransposed},
        LayerInfo{"QSeparableConv2DTranspose", "QSeparableConv2DTranspose",
                  "A transposed convolution of every channel, then a mix of channels.",
                  readSeparableTransposed},
    };
    return kRows;
}

} // namespace bitscape::graph
