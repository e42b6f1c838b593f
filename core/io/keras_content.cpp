// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/keras_content.h"

#include "core/io/bytes.h"
#include "core/io/isolation.h"

#include <algorithm>
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

/// "10" behind "9"; other names behind numbers.
bool comesBefore(const std::string& a, const std::string& b)
{
    const auto isNumber = [](const std::string& text) {
        return text.find_first_not_of("0123456789") == std::string::npos;
    };
    if (isNumber(a) && isNumber(b)) {
        return a.size() != b.size() ? a.size() < b.size() : a < b;
    }
    return isNumber(a) != isNumber(b) ? isNumber(a) : a < b;
}

/// Reads `vars` groups wherever they are below; groups that lead back to themselves end at the
/// bound of depth.
class GroupReader {
public:
    explicit GroupReader(KerasContent& content) : m_content(content) {}

    Result<void> read(const hdf5::Group& group, const std::string& path, int depth)
    {
        if (depth > kMaxDepth || ++m_groups > kMaxGroups) {
            return fail(ErrorCode::CorruptFile, "The groups of the file nest without end.", path);
        }
        auto names = group.children();
        if (!names) {
            return fail(std::move(names).error());
        }
        for (const std::string& name : *names) {
            if (!group.hasGroup(name) || (depth == 0 && isLeftOut(name))) {
                continue;
            }
            auto child = group.group(name);
            if (!child) {
                return fail(std::move(child).error());
            }
            // Zips written on Windows have paths with backslashes in one name.
            std::string slashed = name;
            std::ranges::replace(slashed, '\\', '/');
            const bool isVariables = slashed == "vars" || slashed.ends_with("/vars");
            const std::string below =
                isVariables ? slashed.substr(0, std::max<std::size_t>(slashed.size(), 5) - 5)
                            : slashed;
            const std::string at =
                path.empty() || below.empty() ? path + below : path + "/" + below;
            if (auto ok = isVariables ? variables(*child, at) : read(*child, at, depth + 1); !ok) {
                return ok;
            }
        }
        return {};
    }

private:
    static constexpr int kMaxDepth = 64;
    static constexpr int kMaxGroups = 100000;

    static bool isLeftOut(std::string_view name)
    {
        return !name.starts_with("layers") && !name.starts_with("_layer_checkpoint_dependencies") &&
               name != "vars";
    }

    Result<void> variables(const hdf5::Group& group, const std::string& path)
    {
        StoredGroup stored{path, {}, {}};
        if (group.hasAttribute("name")) {
            auto title = group.text("name");
            if (!title) {
                return fail(std::move(title).error());
            }
            stored.title = std::move(*title);
        }
        auto names = group.children();
        if (!names) {
            return fail(std::move(names).error());
        }
        std::ranges::sort(*names, comesBefore);
        for (std::string& name : *names) {
            auto value = group.readTensor(name, m_room);
            if (!value) {
                return fail(std::move(value).error());
            }
            m_room -= value->size();
            stored.weights.push_back({std::move(name), std::move(*value)});
        }
        m_content.groups.push_back(std::move(stored));
        return {};
    }

    KerasContent& m_content;
    std::int64_t m_room = kMaxWeights;
    int m_groups = 0;
};

Result<void> readGroups(const hdf5::Group& root, KerasContent& content)
{
    return GroupReader(content).read(root, {}, 0);
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
    content.hasOptimizer = file.hasGroup("optimizer_weights") || file.hasGroup("optimizer");
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
    if (auto ok = readGroups(file, content); !ok) {
        return fail(std::move(ok).error());
    }
    if (!content.groups.empty() || file.hasGroup("layers") || file.hasGroup("vars")) {
        return content;
    }
    return fail(ErrorCode::CorruptFile, "It is an HDF5 file, but no Keras model: there are neither "
                                        "model_weights nor layer_names.");
}

namespace {

void encode(const std::vector<StoredWeight>& weights, ByteWriter& out)
{
    out.number<std::uint64_t>(weights.size());
    for (const StoredWeight& weight : weights) {
        const Shape& shape = weight.value.shape();
        out.text(weight.name);
        out.number<std::int32_t>(shape.rank());
        for (const Index size : shape.sizes()) {
            out.number<std::int64_t>(size);
        }
        out.raw(weight.value.data(), static_cast<std::size_t>(weight.value.size()) * sizeof(float));
    }
}

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

std::optional<std::vector<StoredWeight>> decodeWeights(ByteReader& in)
{
    const auto count = in.number<std::uint64_t>();
    if (!count) {
        return std::nullopt;
    }
    std::vector<StoredWeight> weights;
    for (std::uint64_t w = 0; w < *count; ++w) {
        auto weight = decodeWeight(in);
        if (!weight) {
            return std::nullopt;
        }
        weights.push_back(std::move(*weight));
    }
    return weights;
}

bool decodeLayers(ByteReader& in, KerasContent& content)
{
    const auto count = in.number<std::uint64_t>();
    for (std::uint64_t i = 0; count && i < *count; ++i) {
        auto name = in.text();
        auto weights = decodeWeights(in);
        if (!weights) {
            return false;
        }
        content.layers.push_back({std::move(*name), std::move(*weights)});
    }
    return count.has_value();
}

bool decodeGroups(ByteReader& in, KerasContent& content)
{
    const auto count = in.number<std::uint64_t>();
    for (std::uint64_t i = 0; count && i < *count; ++i) {
        auto path = in.text();
        auto title = in.text();
        auto weights = decodeWeights(in);
        if (!weights) {
            return false;
        }
        content.groups.push_back({std::move(*path), std::move(*title), std::move(*weights)});
    }
    return count.has_value();
}

} // namespace

std::string encode(const KerasContent& content)
{
    ByteWriter out;
    out.number<std::uint8_t>(content.modelConfig ? 1 : 0);
    out.text(content.modelConfig.value_or(""));
    out.text(content.kerasVersion);
    out.text(content.backend);
    out.number<std::uint8_t>(content.hasOptimizer ? 1 : 0);
    out.number<std::uint64_t>(content.layers.size());
    for (const StoredLayer& layer : content.layers) {
        out.text(layer.name);
        encode(layer.weights, out);
    }
    out.number<std::uint64_t>(content.groups.size());
    for (const StoredGroup& group : content.groups) {
        out.text(group.path);
        out.text(group.title);
        encode(group.weights, out);
    }
    return out.finish();
}

std::optional<KerasContent> decodeKerasContent(std::string_view bytes)
{
    ByteReader in(bytes);
    const auto hasConfig = in.number<std::uint8_t>();
    auto config = in.text();
    auto version = in.text();
    auto backend = in.text();
    const auto hasOptimizer = in.number<std::uint8_t>();
    if (!hasOptimizer) {
        return std::nullopt;
    }
    KerasContent content;
    if (*hasConfig != 0) {
        content.modelConfig = std::move(*config);
    }
    content.kerasVersion = std::move(*version);
    content.backend = std::move(*backend);
    content.hasOptimizer = *hasOptimizer != 0;
    const bool isWhole = decodeLayers(in, content) && decodeGroups(in, content) && in.left() == 0;
    return isWhole ? std::optional(std::move(content)) : std::nullopt;
}

Result<KerasContent> readForeignKeras(std::string_view bytes, const std::string& where)
{
    // Large files take their time, and twice their size: as tensors and as the answer.
    constexpr double kBytesPerSecond = 50e6;
    IsolationOptions limits;
    limits.seconds += static_cast<double>(bytes.size()) / kBytesPerSecond;
    limits.memoryBytes += 3 * static_cast<std::int64_t>(bytes.size());
    const auto work = [&]() -> Result<std::string> {
        auto file = hdf5::File::openBytes(bytes, where);
        if (!file) {
            return fail(std::move(file).error());
        }
        auto content = readKerasContent(*file);
        if (!content) {
            return fail(std::move(content).error().in(where));
        }
        return encode(*content);
    };
    auto answer = isolated(where, work, limits);
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
