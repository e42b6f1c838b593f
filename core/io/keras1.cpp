// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/keras1.h"

#include "core/io/keras_text.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace bitscape::io {

namespace {

struct Renamed {
    std::string_view old;
    std::string_view now;
};

constexpr std::array kClasses{
    Renamed{"Convolution1D", "Conv1D"},
    Renamed{"AtrousConvolution1D", "Conv1D"},
    Renamed{"Convolution2D", "Conv2D"},
    Renamed{"AtrousConvolution2D", "Conv2D"},
    Renamed{"Convolution3D", "Conv3D"},
    Renamed{"Deconvolution2D", "Conv2DTranspose"},
    Renamed{"SeparableConvolution2D", "SeparableConv2D"},
    Renamed{"TimeDistributedDense", "Dense"}, // Keras 2's works on the last axis as well
};

/// Keys that mean the same in every class but Embedding, which always said output_dim.
constexpr std::array kKeys{
    Renamed{"output_dim", "units"},
    Renamed{"nb_filter", "filters"},
    Renamed{"filter_length", "kernel_size"},
    Renamed{"subsample_length", "strides"},
    Renamed{"subsample", "strides"},
    Renamed{"border_mode", "padding"},
    Renamed{"bias", "use_bias"},
    Renamed{"atrous_rate", "dilation_rate"},
    Renamed{"pool_length", "pool_size"},
    Renamed{"stride", "strides"},
    Renamed{"length", "size"},
    Renamed{"p", "rate"},
    Renamed{"sigma", "stddev"},
    Renamed{"inner_activation", "recurrent_activation"},
    Renamed{"dropout_W", "dropout"},
    Renamed{"dropout_U", "recurrent_dropout"},
    Renamed{"init", "kernel_initializer"},
    Renamed{"inner_init", "recurrent_initializer"},
    Renamed{"W_regularizer", "kernel_regularizer"},
    Renamed{"U_regularizer", "recurrent_regularizer"},
    Renamed{"b_regularizer", "bias_regularizer"},
    Renamed{"W_constraint", "kernel_constraint"},
    Renamed{"U_constraint", "recurrent_constraint"},
    Renamed{"b_constraint", "bias_constraint"},
};

constexpr std::array kMerges{
    Renamed{"sum", "Add"},     Renamed{"mul", "Multiply"}, Renamed{"concat", "Concatenate"},
    Renamed{"ave", "Average"}, Renamed{"max", "Maximum"},  Renamed{"dot", "Dot"},
};

std::string_view among(std::span<const Renamed> table, std::string_view old)
{
    const auto found = std::ranges::find(table, old, &Renamed::old);
    return found == table.end() ? std::string_view() : found->now;
}

/// Sizes that had a key per axis.
void joinSizes(Json& config, std::initializer_list<const char*> keys)
{
    Json sizes = Json::array();
    for (const char* key : keys) {
        if (!config.contains(key)) {
            return;
        }
        sizes.push_back(config[key]);
    }
    config["kernel_size"] = std::move(sizes);
}

/// {"top_pad": 1, …} or [top, bottom, left, right]
void pairPadding(const std::string& className, Json& config)
{
    Json& padding = config["padding"];
    if (padding.is_object()) {
        const auto at = [&](const char* key) {
            return padding.contains(key) ? padding[key] : Json(0);
        };
        const Json sides = Json::array({at("left_pad"), at("right_pad")});
        padding = className == "ZeroPadding1D"
                      ? sides
                      : Json::array({Json::array({at("top_pad"), at("bottom_pad")}), sides});
    } else if (padding.is_array() && padding.size() == 4) {
        padding = Json::array(
            {Json::array({padding[0], padding[1]}), Json::array({padding[2], padding[3]})});
    }
}

/// Whether some layer says its order of axes to be `order`.
bool saysOrder(const Json& value, std::string_view order)
{
    if (textOf(member(value, "dim_ordering")) == order) {
        return true;
    }
    return value.is_structured() && std::ranges::any_of(value, [order](const Json& inner) {
               return saysOrder(inner, order);
           });
}

Json renamedKeys(const std::string& className, const Json& config, bool isTheano)
{
    Json out = Json::object();
    for (const auto& [key, value] : config.items()) {
        const bool isTable = className == "Embedding" && key == "output_dim";
        const std::string_view now = isTable ? std::string_view() : among(kKeys, key);
        if (!now.empty()) {
            out[std::string(now)] = value;
        } else if (key == "dim_ordering") {
            out["data_format"] = textOf(value) == "th" ? "channels_first" : "channels_last";
        } else {
            out[key] = value;
        }
    }
    const bool isSpatial = className.ends_with("2D") || className.ends_with("3D");
    if (isTheano && isSpatial && !config.contains("dim_ordering")) {
        out["data_format"] = "channels_first";
    }
    return out;
}

/// `isTheano`: what layers mean that do not say their order of axes, as before 1.1.
void upgradeLayer(Json& entry, bool isTheano);

void upgradeAll(Json& entries, bool isTheano)
{
    if (entries.is_array()) {
        for (Json& entry : entries) {
            upgradeLayer(entry, isTheano);
        }
    }
}

void upgradeMerge(Json& entry)
{
    Json& config = entry["config"];
    const std::string_view now = among(kMerges, textOf(member(config, "mode")));
    const std::string kind = textOf(member(config, "mode_type"));
    if (now.empty() || kind == "lambda" || kind == "function") {
        return; // stays a Merge, which is refused by name
    }
    entry["class_name"] = std::string(now);
    if (now == "Concatenate" && config.contains("concat_axis")) {
        config["axis"] = config["concat_axis"];
    }
    if (now == "Dot" && config.contains("dot_axes")) {
        const Json axes = config["dot_axes"];
        const bool isNested = axes.is_array() && !axes.empty() && axes[0].is_array();
        config["axes"] = isNested && axes.size() == 2 && axes[0].size() == 1 && axes[1].size() == 1
                             ? Json::array({axes[0][0], axes[1][0]})
                             : axes;
    }
}

void upgradeLayer(Json& entry, bool isTheano)
{
    if (!entry.is_object() || !entry.contains("config")) {
        return;
    }
    const std::string className = textOf(member(entry, "class_name"));
    Json& config = entry["config"];
    if (config.is_array()) { // Sequential
        upgradeAll(config, isTheano);
        return;
    }
    if (!config.is_object()) {
        return;
    }
    if (config.contains("layers")) {
        upgradeAll(config["layers"], isTheano);
    }
    if (config.contains("layer")) {
        upgradeLayer(config["layer"], isTheano);
    }
    if (className == "Merge") {
        upgradeMerge(entry);
        return;
    }
    config = renamedKeys(className, config, isTheano);
    joinSizes(config, {"nb_row", "nb_col"});
    joinSizes(config, {"kernel_dim1", "kernel_dim2", "kernel_dim3"});
    if (className.starts_with("ZeroPadding")) {
        pairPadding(className, config);
    }
    if (className == "GRU") {
        config["reset_after"] = false;
    }
    if (const std::string_view now = among(kClasses, className); !now.empty()) {
        entry["class_name"] = std::string(now);
    }
}

// ---------------------------------------------------------------------------------------- weights

Failure wrongRank(const StoredWeight& weight)
{
    return fail(ErrorCode::CorruptFile,
                "The kernel has the shape " + weight.value.shape().toString() +
                    ", which no version of Keras writes.",
                "weight " + weight.name);
}

/// The tensor with its axes in another order.
Tensor permuted(const Tensor& tensor, std::span<const int> order)
{
    const Shape& shape = tensor.shape();
    std::vector<Index> sizes;
    for (const int axis : order) {
        sizes.push_back(shape[axis]);
    }
    std::vector<Index> steps(static_cast<std::size_t>(shape.rank()), 1);
    for (int axis = shape.rank() - 2; axis >= 0; --axis) {
        steps[static_cast<std::size_t>(axis)] =
            steps[static_cast<std::size_t>(axis) + 1] * shape[axis + 1];
    }
    Tensor out{Shape(sizes)};
    std::vector<Index> at(sizes.size(), 0);
    for (float& value : out.values()) {
        Index from = 0;
        for (std::size_t i = 0; i < at.size(); ++i) {
            from += at[i] * steps[static_cast<std::size_t>(order[i])];
        }
        value = tensor.data()[from];
        for (std::size_t i = at.size(); i-- > 0 && ++at[i] == sizes[i];) {
            at[i] = 0;
        }
    }
    return out;
}

/// Every axis but the last two from its end to its start: a convolution as a correlation.
void turn(Tensor& kernel)
{
    const Shape& shape = kernel.shape();
    if (shape.rank() < 3) {
        return;
    }
    const Index taps =
        kernel.size() / std::max<Index>(1, shape[shape.rank() - 1] * shape[shape.rank() - 2]);
    const Index each = taps == 0 ? 0 : kernel.size() / taps;
    float* data = kernel.values().data();
    for (Index tap = 0; tap < taps / 2; ++tap) {
        std::swap_ranges(data + tap * each, data + (tap + 1) * each,
                         data + (taps - 1 - tap) * each);
    }
}

/// Weights side by side along their last axis.
std::optional<Tensor> joined(const std::vector<StoredWeight>& weights,
                             std::initializer_list<std::size_t> which)
{
    const Tensor& first = weights[*which.begin()].value;
    const Index width = first.shape().channels();
    const Index rows = width == 0 ? 0 : first.size() / width;
    std::vector<Index> sizes(first.shape().sizes().begin(), first.shape().sizes().end());
    if (sizes.empty()) {
        return std::nullopt;
    }
    sizes.back() *= static_cast<Index>(which.size());
    Tensor out{Shape(sizes)};
    Index column = 0;
    for (const std::size_t index : which) {
        const Tensor& part = weights[index].value;
        if (!(part.shape() == first.shape())) {
            return std::nullopt;
        }
        for (Index row = 0; row < rows; ++row) {
            std::copy_n(part.data() + row * width, width,
                        out.values().data() +
                            (row * static_cast<Index>(which.size()) + column) * width);
        }
        ++column;
    }
    return out;
}

/// One tensor per gate (kernel, recurrent kernel, bias of each) → one of all, in today's order.
Result<bool> joinGates(std::initializer_list<std::size_t> gates, std::vector<StoredWeight>& weights)
{
    if (weights.size() != 3 * gates.size()) {
        return false; // joined already (consume_less = "gpu")
    }
    std::vector<StoredWeight> out;
    constexpr std::array<std::string_view, 3> kNames{"kernel", "recurrent_kernel", "bias"};
    for (std::size_t kind = 0; kind < kNames.size(); ++kind) {
        std::vector<std::size_t> order;
        std::vector<StoredWeight> parts;
        for (const std::size_t gate : gates) {
            parts.push_back(weights[3 * gate + kind]);
        }
        auto tensor = gates.size() == 4 ? joined(parts, {0, 1, 2, 3}) : joined(parts, {0, 1, 2});
        if (!tensor) {
            return wrongRank(parts.front());
        }
        out.push_back({parts.front().name + "/" + std::string(kNames[kind]), std::move(*tensor)});
    }
    weights = std::move(out);
    return true;
}

struct KernelOrder {
    std::string_view className;
    bool channelsFirst;
    std::array<int, 5> order; ///< axes of Keras 1's kernel, as many as it has
    std::size_t rank;
};

constexpr std::array kOrders{
    KernelOrder{"Conv2D", true, {2, 3, 1, 0, 0}, 4},
    KernelOrder{"Conv3D", true, {2, 3, 4, 1, 0}, 5},
    KernelOrder{"Conv2DTranspose", true, {2, 3, 0, 1, 0}, 4},
    KernelOrder{"Conv2DTranspose", false, {0, 1, 3, 2, 0}, 4},
};

bool isChannelsFirst(const Json& config)
{
    return textOf(member(config, "data_format")) == "channels_first";
}

/// (length, 1, in, out), or before 1.1 (out, in, length, 1) → (length, in, out).
Result<bool> modernSequenceKernel(const Json& config, StoredWeight& weight)
{
    const Shape& shape = weight.value.shape();
    if (shape.rank() != 4) {
        return shape.rank() == 3 ? Result<bool>(false) : wrongRank(weight);
    }
    const Json& size = member(config, "kernel_size");
    const Json& length = size.is_array() && !size.empty() ? size.front() : size;
    const bool isOld =
        shape[1] != 1 || !length.is_number_integer() || length.get<std::int64_t>() != shape[0];
    if (isOld) {
        constexpr std::array kOrder{2, 3, 1, 0};
        weight.value = permuted(weight.value, kOrder);
    }
    const Shape& now = weight.value.shape();
    if (now[1] != 1) {
        return wrongRank(weight);
    }
    weight.value = Tensor(Shape{now[0], now[2], now[3]}, weight.value.values());
    return true;
}

Result<bool> fromKeras1(const std::string& className, const Json& config,
                        std::vector<StoredWeight>& weights)
{
    if (className == "LSTM" || className == "ConvLSTM2D") {
        return joinGates({0, 2, 1, 3}, weights); // stored as i, c, f, o
    }
    if (className == "GRU") {
        return joinGates({0, 1, 2}, weights);
    }
    if (weights.empty()) {
        return false;
    }
    if (className == "Conv1D") {
        return modernSequenceKernel(config, weights.front());
    }
    const auto order = std::ranges::find_if(kOrders, [&](const KernelOrder& row) {
        return row.className == className && row.channelsFirst == isChannelsFirst(config);
    });
    if (order == kOrders.end()) {
        return false;
    }
    if (static_cast<std::size_t>(weights.front().value.shape().rank()) != order->rank) {
        return wrongRank(weights.front());
    }
    weights.front().value =
        permuted(weights.front().value, std::span(order->order).first(order->rank));
    return true;
}

bool turnKernels(const std::string& className, std::vector<StoredWeight>& weights)
{
    constexpr std::array<std::string_view, 5> kTurned{"Conv1D", "Conv2D", "Conv3D",
                                                      "Conv2DTranspose", "ConvLSTM2D"};
    if (std::ranges::find(kTurned, className) == kTurned.end() || weights.empty()) {
        return false;
    }
    const std::size_t kernels = className == "ConvLSTM2D" ? 2 : 1;
    for (std::size_t i = 0; i < std::min(kernels, weights.size()); ++i) {
        turn(weights[i].value);
    }
    return true;
}

} // namespace

Json asKeras2(Json model)
{
    const bool isTheano = saysOrder(model, "th") && !saysOrder(model, "tf");
    Json& config = model["config"];
    if (config.is_array()) {
        upgradeAll(config, isTheano);
    } else if (config.contains("layers")) {
        upgradeAll(config["layers"], isTheano);
    }
    return model;
}

bool isMergeOfModels(const std::string& className, const Json& config)
{
    const Json& models = member(config, "layers");
    return models.is_array() && !models.empty() && !modelText(className, config);
}

Result<bool> modernize(const WeightsOrigin& origin, const std::string& className,
                       const Json& config, std::vector<StoredWeight>& weights)
{
    const Json& inner = member(config, "layer");
    if (inner.is_object()) { // a wrapper: Bidirectional holds two of what is inside
        const std::string innerClass = textOf(member(inner, "class_name"));
        const Json& innerConfig = member(inner, "config");
        if (className != "Bidirectional" || weights.size() % 2 != 0) {
            return modernize(origin, innerClass, innerConfig, weights);
        }
        const auto middle = weights.begin() + std::ssize(weights) / 2;
        std::vector<StoredWeight> backward(std::make_move_iterator(middle),
                                           std::make_move_iterator(weights.end()));
        weights.erase(middle, weights.end());
        auto first = modernize(origin, innerClass, innerConfig, weights);
        auto second =
            first ? modernize(origin, innerClass, innerConfig, backward) : std::move(first);
        if (second) {
            std::ranges::move(backward, std::back_inserter(weights));
        }
        return second;
    }
    bool changed = false;
    if (origin.major < 2) {
        auto converted = fromKeras1(className, config, weights);
        if (!converted) {
            return converted;
        }
        changed = *converted;
    }
    return origin.backend == "theano" ? turnKernels(className, weights) || changed : changed;
}

} // namespace bitscape::io
