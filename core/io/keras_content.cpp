// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/keras_content.h"

#include "core/io/bytes.h"
#include "core/io/isolation.h"

#include <utility>

namespace bitscape::io {

namespace {

constexpr std::int64_t kMaxWeights = std::int64_t{1} << 28; // numbers in one file: 1 GiB

/// An optional text attribute: absence is no error, damage is.
Result<std::optional<std::string>> optionalText(const hdf5::Group& group, const char* name)
{
    if (!group.hasAttribute(name)) {
        return std::optional<std::string>();
    }
    auto text = group.text(name);
    if (!text) {
        return fail(std::move(text).error());
    }
    return std::optional<std::string>(std::move(*text));
}

/// What the file itself names and does not have is damage, not a missing file.
Failure damaged(Error error, const char* what)
{
    if (error.code == ErrorCode::NotFound) {
        error.code = ErrorCode::CorruptFile;
        error.message = what;
    }
    return fail(std::move(error));
}

Result<StoredLayer> readLayer(const hdf5::Group& weights, const std::string& name,
                              std::int64_t& room)
{
    auto group = weights.group(name);
    if (!group) {
        return damaged(std::move(group).error(), "The layer has no group in the file.");
    }
    auto names = group->texts("weight_names");
    if (!names) {
        return damaged(std::move(names).error(), "The layer has no list of its weights.");
    }
    StoredLayer layer{name, {}};
    for (std::string& weight : *names) {
        auto value = group->readTensor(weight, room);
        if (!value) {
            return damaged(std::move(value).error(), "The weight is missing.");
        }
        room -= value->size();
        layer.weights.push_back({std::move(weight), std::move(*value)});
    }
    return layer;
}

Result<void> readLayers(const hdf5::Group& weights, KerasContent& content)
{
    auto names = weights.texts("layer_names");
    if (!names) {
        return damaged(std::move(names).error(), "The file has no list of its layers.");
    }
    std::int64_t room = kMaxWeights;
    for (const std::string& name : *names) {
        auto layer = readLayer(weights, name, room);
        if (!layer) {
            return fail(std::move(layer).error().in("layer " + name));
        }
        content.layers.push_back(std::move(*layer));
    }
    return {};
}

/// Fills what is still empty from attributes of `group`.
Result<void> readOrigin(const hdf5::Group& group, KerasContent& content)
{
    for (const auto& [key, into] : {std::pair("keras_version", &content.kerasVersion),
                                    std::pair("backend", &content.backend)}) {
        auto text = optionalText(group, key);
        if (!text) {
            return fail(std::move(text).error());
        }
        if (into->empty()) {
            *into = text->value_or("");
        }
    }
    return {};
}

} // namespace

Result<KerasContent> readKerasContent(const hdf5::File& file)
{
    KerasContent content;
    auto config = optionalText(file, "model_config");
    if (!config) {
        return fail(std::move(config).error());
    }
    content.modelConfig = std::move(*config);
    if (auto ok = readOrigin(file, content); !ok) {
        return fail(std::move(ok).error());
    }
    if (file.hasGroup("model_weights")) {
        auto weights = file.group("model_weights");
        if (!weights) {
            return fail(std::move(weights).error());
        }
        if (auto ok = readOrigin(*weights, content); !ok) {
            return fail(std::move(ok).error());
        }
        if (auto ok = readLayers(*weights, content); !ok) {
            return fail(std::move(ok).error());
        }
        return content;
    }
    if (file.hasAttribute("layer_names") || file.hasAttribute("layer_names0")) {
        if (auto ok = readLayers(file, content); !ok) {
            return fail(std::move(ok).error());
        }
        return content;
    }
    if (file.hasGroup("layers") || file.hasGroup("_layer_checkpoint_dependencies")) {
        return fail(ErrorCode::Unsupported,
                    "It holds weights in the layout of Keras 3 (.weights.h5), which is not read.",
                    {}, "Save the model as model.save('x.h5').");
    }
    return fail(ErrorCode::CorruptFile, "It is an HDF5 file, but no Keras model: there are neither "
                                        "model_weights nor layer_names.");
}

std::string encode(const KerasContent& content)
{
    ByteWriter out;
    out.number<std::uint8_t>(content.modelConfig ? 1 : 0);
    out.text(content.modelConfig.value_or(""));
    out.text(content.kerasVersion);
    out.text(content.backend);
    out.number<std::uint64_t>(content.layers.size());
    for (const StoredLayer& layer : content.layers) {
        out.text(layer.name);
        out.number<std::uint64_t>(layer.weights.size());
        for (const StoredWeight& weight : layer.weights) {
            const Shape& shape = weight.value.shape();
            out.text(weight.name);
            out.number<std::int32_t>(shape.rank());
            for (const Index size : shape.sizes()) {
                out.number<std::int64_t>(size);
            }
            out.raw(weight.value.data(),
                    static_cast<std::size_t>(weight.value.size()) * sizeof(float));
        }
    }
    return out.finish();
}

namespace {

std::optional<StoredWeight> decodeWeight(ByteReader& in)
{
    auto name = in.text();
    const auto rank = in.number<std::int32_t>();
    if (!name || !rank || *rank < 0 || *rank > Shape::kMaxRank) {
        return std::nullopt;
    }
    std::vector<Index> sizes;
    std::int64_t count = 1;
    for (int axis = 0; axis < *rank; ++axis) {
        const auto size = in.number<std::int64_t>();
        if (!size || *size < 0 || __builtin_mul_overflow(count, *size, &count)) {
            return std::nullopt;
        }
        sizes.push_back(*size);
    }
    if (static_cast<std::uint64_t>(count) > in.left() / sizeof(float)) {
        return std::nullopt;
    }
    const auto bytes = in.take(static_cast<std::size_t>(count) * sizeof(float));
    Tensor value{Shape(sizes)};
    if (count > 0) {
        std::memcpy(value.data(), bytes->data(), bytes->size());
    }
    return StoredWeight{std::move(*name), std::move(value)};
}

} // namespace

std::optional<KerasContent> decodeKerasContent(std::string_view bytes)
{
    ByteReader in(bytes);
    const auto hasConfig = in.number<std::uint8_t>();
    auto config = in.text();
    auto version = in.text();
    auto backend = in.text();
    const auto layers = in.number<std::uint64_t>();
    if (!layers) {
        return std::nullopt;
    }
    KerasContent content;
    if (*hasConfig != 0) {
        content.modelConfig = std::move(*config);
    }
    content.kerasVersion = std::move(*version);
    content.backend = std::move(*backend);
    for (std::uint64_t i = 0; i < *layers; ++i) {
        auto name = in.text();
        const auto weights = in.number<std::uint64_t>();
        if (!weights) {
            return std::nullopt;
        }
        StoredLayer layer{std::move(*name), {}};
        for (std::uint64_t w = 0; w < *weights; ++w) {
            auto weight = decodeWeight(in);
            if (!weight) {
                return std::nullopt;
            }
            layer.weights.push_back(std::move(*weight));
        }
        content.layers.push_back(std::move(layer));
    }
    return in.left() == 0 ? std::optional(std::move(content)) : std::nullopt;
}

Result<KerasContent> readForeignKeras(std::string_view bytes, const std::string& where)
{
    auto answer = isolated(where, [&]() -> Result<std::string> {
        auto file = hdf5::File::openBytes(bytes, where);
        if (!file) {
            return fail(std::move(file).error());
        }
        auto content = readKerasContent(*file);
        if (!content) {
            return fail(std::move(content).error().in(where));
        }
        return encode(*content);
    });
    if (!answer) {
        return fail(std::move(answer).error());
    }
    auto content = decodeKerasContent(*answer);
    if (!content) {
        return fail(ErrorCode::CorruptFile, "The file is damaged: reading it failed.", where);
    }
    return std::move(*content);
}

} // namespace bitscape::io
