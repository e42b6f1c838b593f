// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/volume.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layers/rule_support.h"
#include "core/graph/layers/volume_kernels.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace bitscape::graph {

namespace {

using Triple = VolumeSize;

Json field(const Triple& sizes)
{
    return Json::array({sizes[0], sizes[1], sizes[2]});
}

/// One number for all three axes, or a list of three.
Triple readTriple(LayerReading& reading, const char* key, const Triple& otherwise)
{
    const Json& value = reading.config.at(key);
    if (value.is_null()) {
        return otherwise;
    }
    Triple sizes{};
    for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
        const Json& one = value.is_array() && axis < value.size() ? value[axis] : value;
        const bool fits = one.is_number_integer() && one.get<std::int64_t>() >= 1 &&
                          one.get<std::int64_t>() <= kMaxExtent;
        if (!fits || (value.is_array() && value.size() != sizes.size())) {
            reading.config.refuse(key, "It must be three whole numbers from 1.");
            return otherwise;
        }
        sizes[axis] = one.get<int>();
    }
    return sizes;
}

/// Sizes after a window moved over a volume.
Result<Shape> slide(const Shape& input, const VolumeWindow& window, Index channels)
{
    if (window.padding == Padding::Causal) {
        return impossible("Volumes have no causal padding.");
    }
    Shape output = input;
    for (int axis = 0; axis < 3; ++axis) {
        const auto at = static_cast<std::size_t>(axis);
        output[axis] = outputSize(input[axis], window.size[at], window.stride[at],
                                  window.dilation[at], window.padding);
        if (input[axis] >= 0 && output[axis] < 1) {
            return shapeMismatch(
                fmt::format("Its window is larger than the input {}.", input.toString()));
        }
    }
    output[3] = channels;
    return output;
}

class Conv3DRule final : public SpatialRule {
public:
    Conv3DRule(Index filters, const VolumeWindow& window, int groups, bool useBias,
               const Function& function, bool channelsFirst)
        : SpatialRule(3, channelsFirst), m_filters(filters), m_window(window), m_groups(groups),
          m_useBias(useBias), m_function(function)
    {
    }

    std::vector<RuleWeight> weights() const override
    {
        return m_useBias ? std::vector<RuleWeight>{{"kernel"}, {"bias"}}
                         : std::vector<RuleWeight>{{"kernel"}};
    }
    std::vector<Slot> slots() const override { return {}; } // QKeras has no twin
    Function function() const override { return m_function; }
    Json config() const override
    {
        return {{"filters", m_filters},
                {"kernel_size", field(m_window.size)},
                {"strides", field(m_window.stride)},
                {"padding", paddingName(m_window.padding)},
                {"data_format", dataFormat()},
                {"dilation_rate", field(m_window.dilation)},
                {"groups", m_groups},
                {"activation", activationField(m_function)},
                {"use_bias", m_useBias}};
    }

protected:
    Result<OpShape> lastShape(const Shape& input) const override
    {
        auto output = slide(input, m_window, m_filters);
        if (!output) {
            return fail(std::move(output).error());
        }
        if (input[3] % m_groups != 0 || m_filters % m_groups != 0) {
            return impossible(fmt::format("{} groups do not divide {} input channels and {} "
                                          "filters.",
                                          m_groups, input[3], m_filters));
        }
        const auto& size = m_window.size;
        OpShape result{.output = *output};
        result.macs = std::max<Index>(closedCount(*output), 0) * size[0] * size[1] * size[2] *
                      (input[3] / m_groups);
        result.weights = {{"kernel", {size[0], size[1], size[2], input[3] / m_groups, m_filters}}};
        if (m_useBias) {
            result.weights.push_back({"bias", {m_filters}});
        }
        return result;
    }
    std::unique_ptr<LayerKernel> lastKernel(const KernelRequest& /*request*/, const Shape& input,
                                            const Shape& output) const override
    {
        return makeVolumeConvolutionKernel(input, output, m_window, m_groups, m_useBias);
    }

private:
    Index m_filters;
    VolumeWindow m_window;
    int m_groups;
    bool m_useBias;
    Function m_function;
};

class Pool3DRule final : public SpatialRule {
public:
    Pool3DRule(PoolKind kind, const VolumeWindow& window, bool channelsFirst)
        : SpatialRule(3, channelsFirst), m_kind(kind), m_window(window)
    {
    }

    Json config() const override
    {
        return {{"pool_size", field(m_window.size)},
                {"strides", field(m_window.stride)},
                {"padding", paddingName(m_window.padding)},
                {"data_format", dataFormat()}};
    }

protected:
    Result<OpShape> lastShape(const Shape& input) const override
    {
        auto output = slide(input, m_window, input[3]);
        if (!output) {
            return fail(std::move(output).error());
        }
        return OpShape{.output = *output};
    }
    std::unique_ptr<LayerKernel> lastKernel(const KernelRequest& /*request*/, const Shape& input,
                                            const Shape& output) const override
    {
        return makeVolumePoolKernel(m_kind, input, output, m_window);
    }

private:
    PoolKind m_kind;
    VolumeWindow m_window;
};

class GlobalPool3DRule final : public SpatialRule {
public:
    GlobalPool3DRule(PoolKind kind, bool keepsDimensions, bool channelsFirst)
        : SpatialRule(3, channelsFirst), m_kind(kind), m_keepsDimensions(keepsDimensions)
    {
    }

    Json config() const override
    {
        return {{"data_format", dataFormat()}, {"keepdims", m_keepsDimensions}};
    }

protected:
    Result<OpShape> lastShape(const Shape& input) const override
    {
        return OpShape{.output = m_keepsDimensions ? Shape{1, 1, 1, input[3]} : Shape{input[3]}};
    }
    std::unique_ptr<LayerKernel> lastKernel(const KernelRequest& /*request*/, const Shape& input,
                                            const Shape& /*output*/) const override
    {
        const Index height = input[0] * input[1];
        return makePoolKernel(m_kind, {.height = height,
                                       .width = input[2],
                                       .channels = input[3],
                                       .outHeight = 1,
                                       .outWidth = 1,
                                       .windowHeight = height,
                                       .windowWidth = input[2]});
    }

private:
    PoolKind m_kind;
    bool m_keepsDimensions;
};

void readConv3D(LayerReading& reading)
{
    KerasConfig& config = reading.config;
    const Index filters = config.integer("filters", 0, 1, kMaxChannels);
    const VolumeWindow window{readTriple(reading, "kernel_size", {0, 0, 0}),
                              readTriple(reading, "strides", {1, 1, 1}),
                              readTriple(reading, "dilation_rate", {1, 1, 1}), reading.padding()};
    if (filters == 0 || window.size[0] == 0) {
        config.refuse(filters == 0 ? "filters" : "kernel_size", "It is missing.");
    }
    const auto groups = static_cast<int>(config.integer("groups", 1, 1, kMaxChannels));
    const Function function = reading.activation();
    reading.become<Conv3DRule>(filters, window, groups, config.boolean("use_bias", true), function,
                               reading.channelsFirst());
}

template <PoolKind kind>
void readPool3D(LayerReading& reading)
{
    const Triple size = readTriple(reading, "pool_size", {2, 2, 2});
    const VolumeWindow window{
        size, readTriple(reading, "strides", size), {1, 1, 1}, reading.padding()};
    reading.become<Pool3DRule>(kind, window, reading.channelsFirst());
}

template <PoolKind kind>
void readGlobalPool3D(LayerReading& reading)
{
    reading.become<GlobalPool3DRule>(kind, reading.config.boolean("keepdims", false),
                                     reading.channelsFirst());
}

} // namespace

std::span<const LayerInfo> volumeLayers()
{
    static constexpr std::array kRows{
        LayerInfo{"Conv3D", "", "Convolution over a volume.", readConv3D},
        LayerInfo{"MaxPooling3D", "", "Largest value of each window of a volume.",
                  readPool3D<PoolKind::Max>},
        LayerInfo{"AveragePooling3D", "", "Mean of each window of a volume.",
                  readPool3D<PoolKind::Average>},
        LayerInfo{"GlobalAveragePooling3D", "", "Mean of each channel.",
                  readGlobalPool3D<PoolKind::Average>},
        LayerInfo{"GlobalMaxPooling3D", "", "Largest value of each channel.",
                  readGlobalPool3D<PoolKind::Max>},
    };
    return kRows;
}

} // namespace bitscape::graph
