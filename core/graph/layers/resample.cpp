// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layers/resample.h"

#include "core/graph/layer_reading.h"
#include "core/graph/layers/rule_support.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace bitscape::graph {

namespace {

enum class Change { Crop, Pad, Repeat };

/// What happens along one axis.
struct Side {
    int before = 0, after = 0; ///< elements cut or added
    int factor = 1;            ///< times that every element is repeated
};

class MoveRule final : public SpatialRule {
public:
    MoveRule(Change change, std::vector<Side> sides, bool channelsFirst)
        : SpatialRule(static_cast<int>(sides.size()), channelsFirst), m_change(change),
          m_sides(std::move(sides))
    {
    }

    std::vector<Slot> slots() const override { return {}; }
    Json config() const override
    {
        Json values = Json::array();
        for (const Side& side : m_sides) {
            if (m_change == Change::Repeat) {
                values.push_back(side.factor);
            } else {
                values.push_back(Json::array({side.before, side.after}));
            }
        }
        const char* key = m_change == Change::Repeat ? "size"
                          : m_change == Change::Crop ? "cropping"
                                                     : "padding";
        if (spatialRank() == 1) {
            return {{key, values.front()}};
        }
        Json config{{key, std::move(values)}, {"data_format", dataFormat()}};
        if (m_change == Change::Repeat && spatialRank() == 2) {
            config["interpolation"] = "nearest";
        }
        return config;
    }

protected:
    Result<OpShape> lastShape(const Shape& input) const override
    {
        Shape output = input;
        for (int axis = 0; axis < spatialRank(); ++axis) {
            const Side& side = m_sides[static_cast<std::size_t>(axis)];
            const Index change =
                m_change == Change::Crop ? -side.before - side.after : side.before + side.after;
            if (input[axis] >= 0) {
                output[axis] = input[axis] * side.factor + change;
            }
            if (input[axis] >= 0 && output[axis] < 1) {
                return shapeMismatch(
                    fmt::format("It leaves nothing of the input {}.", input.toString()));
            }
        }
        return OpShape{.output = output};
    }
    std::unique_ptr<LayerKernel> lastKernel(const KernelRequest& /*request*/, const Shape& input,
                                            const Shape& output) const override
    {
        const std::vector<Index> steps = stepsOf(input);
        std::vector<Index> sources(static_cast<std::size_t>(output.elementCount()), 0);
        Index outputStep = 1;
        for (int axis = output.rank() - 1; axis >= 0; --axis) {
            for (std::size_t e = 0; e < sources.size(); ++e) {
                const Index at = source(axis, static_cast<Index>(e) / outputStep % output[axis]);
                const bool isOutside = at < 0 || at >= input[axis] || sources[e] < 0;
                sources[e] =
                    isOutside ? -1 : sources[e] + at * steps[static_cast<std::size_t>(axis)];
            }
            outputStep *= output[axis];
        }
        return makeGatherKernel(input.elementCount(), sources);
    }

private:
    [[nodiscard]] Index source(int axis, Index at) const
    {
        if (axis == spatialRank()) { // the channels
            return at;
        }
        const Side& side = m_sides[static_cast<std::size_t>(axis)];
        return m_change == Change::Crop  ? at + side.before
               : m_change == Change::Pad ? at - side.before
                                         : at / side.factor;
    }

    Change m_change;
    std::vector<Side> m_sides;
};

/// Two neighbors along an axis and the share of the second.
struct Blend {
    Index first = 0, second = 0;
    float share = 0.0F;
};

/// As tf.image.resize does: pixels have their centers in their middle.
double placeOf(Index at, Index size, Index target)
{
    constexpr double kHalf = 0.5;
    return (static_cast<double>(at) + kHalf) * static_cast<double>(size) /
           static_cast<double>(target);
}

std::vector<Blend> blends(Index size, Index target)
{
    constexpr double kHalf = 0.5;
    std::vector<Blend> all;
    for (Index at = 0; at < target; ++at) {
        const double place = placeOf(at, size, target) - kHalf;
        const double below = std::floor(place);
        all.push_back({std::max<Index>(static_cast<Index>(below), 0),
                       std::min<Index>(static_cast<Index>(below) + 1, size - 1),
                       static_cast<float>(place - below)});
    }
    return all;
}

class BilinearKernel final : public LayerKernel {
public:
    BilinearKernel(const Shape& input, std::vector<Blend> rows, std::vector<Blend> columns)
        : m_width(input[1]), m_channels(input[2]), m_size(input.elementCount()),
          m_rows(std::move(rows)), m_columns(std::move(columns))
    {
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        forEachTap(call.samples.count, [&](Index in, Index out, float weight, bool isFirst) {
            for (Index c = 0; c < m_channels; ++c) {
                const float value = weight * call.inputs[0][in + c];
                call.output[out + c] = isFirst ? value : call.output[out + c] + value;
            }
        });
    }
    void backward(int /*phase*/, const BackwardCall& call) override
    {
        float* target = call.inputGradients[0];
        if (!call.adds[0]) {
            std::fill_n(target, call.samples.count * m_size, 0.0F);
        }
        forEachTap(call.samples.count, [&](Index in, Index out, float weight, bool /*isFirst*/) {
            for (Index c = 0; c < m_channels; ++c) {
                target[in + c] += weight * call.upstream[out + c];
            }
        });
    }

private:
    template <class Visit>
    void forEachTap(Index samples, const Visit& visit) const
    {
        Index out = 0;
        for (Index sample = 0; sample < samples; ++sample) {
            const auto place = [&](Index row, Index column) {
                return sample * m_size + (row * m_width + column) * m_channels;
            };
            for (const Blend& row : m_rows) {
                for (const Blend& column : m_columns) {
                    visit(place(row.first, column.first), out,
                          (1.0F - row.share) * (1.0F - column.share), true);
                    visit(place(row.first, column.second), out, (1.0F - row.share) * column.share,
                          false);
                    visit(place(row.second, column.first), out, row.share * (1.0F - column.share),
                          false);
                    visit(place(row.second, column.second), out, row.share * column.share, false);
                    out += m_channels;
                }
            }
        }
    }

    Index m_width, m_channels, m_size;
    std::vector<Blend> m_rows, m_columns;
};

class BilinearRule final : public SpatialRule {
public:
    BilinearRule(const Extent& factor, bool channelsFirst)
        : SpatialRule(2, channelsFirst), m_factor(factor)
    {
    }

    Json config() const override
    {
        return {{"size", extentField(m_factor, 2)},
                {"data_format", dataFormat()},
                {"interpolation", "bilinear"}};
    }

protected:
    Result<OpShape> lastShape(const Shape& input) const override
    {
        Shape output = input;
        output[0] = input[0] < 0 ? -1 : input[0] * m_factor.height;
        output[1] = input[1] < 0 ? -1 : input[1] * m_factor.width;
        return OpShape{.output = output};
    }
    std::unique_ptr<LayerKernel> lastKernel(const KernelRequest& /*request*/, const Shape& input,
                                            const Shape& output) const override
    {
        return std::make_unique<BilinearKernel>(input, blends(input[0], output[0]),
                                                blends(input[1], output[1]));
    }

private:
    Extent m_factor;
};

enum class Fit { Bilinear, Nearest, Crop };

/// An image of a given size.
class FitRule final : public SpatialRule {
public:
    FitRule(Fit fit, Index height, Index width, bool channelsFirst)
        : SpatialRule(2, channelsFirst), m_fit(fit), m_size{height, width}
    {
    }

    std::vector<Slot> slots() const override { return {}; }
    Json config() const override
    {
        Json config{{"height", m_size[0]}, {"width", m_size[1]}, {"data_format", dataFormat()}};
        if (m_fit != Fit::Crop) {
            config["interpolation"] = m_fit == Fit::Nearest ? "nearest" : "bilinear";
        }
        return config;
    }

protected:
    Result<OpShape> lastShape(const Shape& input) const override
    {
        Shape output = input;
        for (int axis = 0; axis < 2; ++axis) {
            output[axis] = m_size[static_cast<std::size_t>(axis)];
            if (m_fit == Fit::Crop && input[axis] >= 0 && input[axis] < output[axis]) {
                return shapeMismatch(
                    fmt::format("The input {} is smaller than what is cut out.", input.toString()));
            }
        }
        return OpShape{.output = output};
    }
    std::unique_ptr<LayerKernel> lastKernel(const KernelRequest& /*request*/, const Shape& input,
                                            const Shape& output) const override
    {
        if (m_fit == Fit::Bilinear) {
            return std::make_unique<BilinearKernel>(input, blends(input[0], output[0]),
                                                    blends(input[1], output[1]));
        }
        const auto source = [&](int axis, Index at) {
            return m_fit == Fit::Crop ? at + (input[axis] - output[axis]) / 2
                                      : static_cast<Index>(placeOf(at, input[axis], output[axis]));
        };
        std::vector<Index> sources;
        for (Index row = 0; row < output[0]; ++row) {
            for (Index column = 0; column < output[1]; ++column) {
                const Index pixel = source(0, row) * input[1] + source(1, column);
                for (Index c = 0; c < output[2]; ++c) {
                    sources.push_back(pixel * output[2] + c);
                }
            }
        }
        return makeGatherKernel(input.elementCount(), sources);
    }

private:
    Fit m_fit;
    std::array<Index, 2> m_size;
};

std::array<Index, 2> readSize(LayerReading& reading)
{
    std::array<Index, 2> size{};
    constexpr std::array kKeys{"height", "width"};
    for (std::size_t axis = 0; axis < size.size(); ++axis) {
        size[axis] = reading.config.integer(kKeys[axis], 0, 1, kMaxExtent);
        if (size[axis] == 0) {
            reading.config.refuse(kKeys[axis], "The size is missing.");
        }
    }
    return size;
}

void readCenterCrop(LayerReading& reading)
{
    const auto [height, width] = readSize(reading);
    reading.become<FitRule>(Fit::Crop, height, width, reading.channelsFirst());
}

void readResizing(LayerReading& reading)
{
    const auto [height, width] = readSize(reading);
    const std::string way = reading.config.text("interpolation", "bilinear");
    if (way != "bilinear" && way != "nearest") {
        reading.lacks("interpolation '" + way + "' is not covered");
    }
    for (const char* key : {"crop_to_aspect_ratio", "pad_to_aspect_ratio", "antialias"}) {
        if (reading.config.boolean(key, false)) {
            reading.lacks(std::string(key) + " is not covered");
        }
    }
    reading.become<FitRule>(way == "nearest" ? Fit::Nearest : Fit::Bilinear, height, width,
                            reading.channelsFirst());
}

std::vector<Side> pairsOf(LayerReading& reading, const char* key, int rank)
{
    const std::vector<int> pairs = reading.pairs(key, rank);
    std::vector<Side> sides(static_cast<std::size_t>(rank));
    for (std::size_t axis = 0; axis < sides.size(); ++axis) {
        sides[axis] = {pairs[2 * axis], pairs[2 * axis + 1]};
    }
    return sides;
}

template <int rank>
void readCropping(LayerReading& reading)
{
    reading.become<MoveRule>(Change::Crop, pairsOf(reading, "cropping", rank),
                             reading.channelsFirst());
}

void readZeroPadding3D(LayerReading& reading)
{
    reading.become<MoveRule>(Change::Pad, pairsOf(reading, "padding", 3), reading.channelsFirst());
}

template <int rank>
void readUpSampling(LayerReading& reading)
{
    const char* key = reading.config.has("size") ? "size" : "length"; // Keras 2.0, one axis
    std::vector<Side> sides(rank, Side{0, 0, 2});
    const Json& value = reading.config.at(key);
    for (std::size_t axis = 0; axis < sides.size() && !value.is_null(); ++axis) {
        const Json& one = value.is_array() && axis < value.size() ? value[axis] : value;
        const bool fits = one.is_number_integer() && one.get<std::int64_t>() >= 1 &&
                          one.get<std::int64_t>() <= kMaxExtent;
        if (!fits) {
            reading.config.refuse(key, "It must hold whole numbers from 1.");
            return;
        }
        sides[axis].factor = one.get<int>();
    }
    const std::string way = reading.config.text("interpolation", "nearest");
    if (way == "bilinear" && rank == 2) {
        reading.become<BilinearRule>(Extent{sides[0].factor, sides[1 % rank].factor},
                                     reading.channelsFirst());
        return;
    }
    if (way != "nearest") {
        reading.lacks("interpolation '" + way + "' is not covered");
    }
    reading.become<MoveRule>(Change::Repeat, std::move(sides), reading.channelsFirst());
}

/// As TFLite's operator has it, for any sizes.
std::vector<Blend> blends(Index input, Index output, const ResizeSetting& setting)
{
    constexpr float kHalf = 0.5F;
    const bool aligns = setting.alignCorners && output > 1;
    const float scale = aligns ? static_cast<float>(input - 1) / static_cast<float>(output - 1)
                               : static_cast<float>(input) / static_cast<float>(output);
    std::vector<Blend> all;
    for (Index at = 0; at < output; ++at) {
        const float place = setting.halfPixels ? (static_cast<float>(at) + kHalf) * scale - kHalf
                                               : static_cast<float>(at) * scale;
        const auto below = std::clamp<Index>(static_cast<Index>(std::floor(place)), 0, input - 1);
        const auto above = std::clamp<Index>(static_cast<Index>(std::ceil(place)), 0, input - 1);
        all.push_back({below, above, place - static_cast<float>(below)});
    }
    return all;
}

class ResizeRule final : public SpatialRule {
public:
    explicit ResizeRule(const ResizeSetting& setting) : SpatialRule(2, false), m_setting(setting) {}

    Json config() const override
    {
        return {{"size", {m_setting.height, m_setting.width}},
                {"align_corners", m_setting.alignCorners},
                {"half_pixel_centers", m_setting.halfPixels}};
    }

protected:
    Result<OpShape> lastShape(const Shape& input) const override
    {
        if (std::min(m_setting.height, m_setting.width) < 1 || std::min(input[0], input[1]) < 1) {
            return shapeMismatch("An image without pixels cannot be resized.");
        }
        return OpShape{.output = {m_setting.height, m_setting.width, input[2]}};
    }
    std::unique_ptr<LayerKernel> lastKernel(const KernelRequest& /*request*/, const Shape& input,
                                            const Shape& output) const override
    {
        return std::make_unique<BilinearKernel>(input, blends(input[0], output[0], m_setting),
                                                blends(input[1], output[1], m_setting));
    }

private:
    ResizeSetting m_setting;
};

constexpr LayerInfo kResizeRow{"Resize", "", "An image of another size with blended pixels.",
                               nullptr};

} // namespace

Op bilinearResizeOp(const ResizeSetting& setting)
{
    return RuleOp{&kResizeRow, std::make_shared<ResizeRule>(setting)};
}

std::span<const LayerInfo> resampleLayers()
{
    static constexpr std::array kRows{
        LayerInfo{"Cropping1D", "", "A sequence without its ends.", readCropping<1>},
        LayerInfo{"Cropping2D", "", "An image without its borders.", readCropping<2>},
        LayerInfo{"Cropping3D", "", "A volume without its borders.", readCropping<3>},
        LayerInfo{"ZeroPadding3D", "", "Zeros around a volume.", readZeroPadding3D},
        LayerInfo{"UpSampling1D", "", "Every step of a sequence several times.", readUpSampling<1>},
        LayerInfo{"UpSampling2D", "", "A larger image with repeated or blended pixels.",
                  readUpSampling<2>},
        LayerInfo{"CenterCrop", "", "The middle of an image.", readCenterCrop},
        LayerInfo{"Resizing", "", "An image in another size.", readResizing},
        LayerInfo{"UpSampling3D", "", "A larger volume with repeated elements.", readUpSampling<3>},
    };
    return kRows;
}

} // namespace bitscape::graph
