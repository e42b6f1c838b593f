// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/keras_zip.h"

#include "core/base/json_text.h"
#include "core/io/foreign_format.h"
#include "core/io/keras_npz.h"
#include "core/io/keras_text.h"
#include "core/io/zip_archive.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace bitscape::io {

namespace {

constexpr std::int64_t kMaxUnpacked = std::int64_t{1} << 30;
constexpr std::int64_t kMaxJson = std::int64_t{64} << 20;
constexpr std::size_t kMaxShards = 10000;

Failure corrupt(std::string message, std::string where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), std::move(where));
}

class Archive {
public:
    Archive(ZipEntries entries, std::string where)
        : m_entries(std::move(entries)), m_where(std::move(where))
    {
        for (auto& [name, content] : m_entries) { // as Windows writes them
            std::ranges::replace(name, '\\', '/');
        }
    }

    [[nodiscard]] Result<void> requireInside() const
    {
        for (const auto& [name, content] : m_entries) {
            if (name.starts_with("/") || name.find("..") != std::string::npos) {
                return corrupt("The archive holds a name that leads outside of it.",
                               m_where + ", " + name);
            }
        }
        return {};
    }
    [[nodiscard]] const std::string* find(std::string_view name) const
    {
        const auto found = std::ranges::find(m_entries, name, &ZipEntries::value_type::first);
        return found == m_entries.end() ? nullptr : &found->second;
    }
    [[nodiscard]] std::string place(std::string_view name) const
    {
        return m_where + ", " + std::string(name);
    }

    Result<KerasContent> weights() const
    {
        constexpr std::string_view kWhole = "model.weights.h5";
        constexpr std::string_view kShards = "model.weights.json";
        constexpr std::string_view kArrays = "model.weights.npz";
        if (const std::string* whole = find(kWhole)) {
            if (formatOf(*whole) != FileFormat::Hdf5) {
                return corrupt("The archive holds no readable model.weights.h5.", m_where);
            }
            return readForeignKeras(*whole, place(kWhole));
        }
        if (const std::string* shards = find(kShards)) {
            return readShards(*shards, place(kShards), [this](const std::string& name) {
                const std::string* shard = find(name);
                return shard == nullptr
                           ? Result<std::string>(corrupt("The shard is missing.", place(name)))
                           : Result<std::string>(*shard);
            });
        }
        if (const std::string* arrays = find(kArrays)) {
            return readKerasNpz(*arrays, place(kArrays));
        }
        return corrupt("The archive holds no readable model.weights.h5.", m_where);
    }

private:
    ZipEntries m_entries;
    std::string m_where;
};

} // namespace

Result<KerasArchive> readKerasArchive(std::string_view bytes, const std::string& where)
{
    auto entries = readZip(bytes, where, kMaxUnpacked, [](std::string_view name) {
        return name.ends_with(".json") ? kMaxJson : kMaxUnpacked;
    });
    if (!entries) {
        return fail(std::move(entries).error());
    }
    const Archive archive(std::move(*entries), where);
    if (auto ok = archive.requireInside(); !ok) {
        return fail(std::move(ok).error());
    }
    const std::string* config = archive.find("config.json");
    const std::string* metadata = archive.find("metadata.json");
    if (config == nullptr || metadata == nullptr) {
        return corrupt("The archive is no Keras model: config.json or metadata.json is missing.",
                       where);
    }
    auto origin = parseJson(*metadata, archive.place("metadata.json"));
    auto model = origin ? parseJson(*config, archive.place("config.json")) : std::move(origin);
    if (!model) {
        return fail(std::move(model).error());
    }
    if (!member(*model, "class_name").is_string()) {
        return corrupt("It says no class_name.", archive.place("config.json"));
    }
    auto content = archive.weights();
    if (!content) {
        return fail(std::move(content).error());
    }
    content->kerasVersion = textOf(member(*parseJson(*metadata, where), "keras_version"));
    return KerasArchive{*config, std::move(*content)};
}

bool listsShards(std::string_view json)
{
    auto parsed = parseJson(json, {});
    return parsed && member(*parsed, "weight_map").is_object();
}

Result<std::vector<std::string>> shardNames(std::string_view json, const std::string& where)
{
    auto parsed = parseJson(json, where);
    if (!parsed) {
        return fail(std::move(parsed).error());
    }
    const Json& map = member(*parsed, "weight_map");
    if (!map.is_object()) {
        return corrupt("It lists no shards: weight_map is missing.", where);
    }
    std::set<std::string> names;
    for (const Json& value : map) {
        for (const Json& entry : value.is_array() ? value : Json::array({value})) {
            const std::string name = textOf(entry);
            if (name.empty() || name.find_first_of("/\\") != std::string::npos) {
                return corrupt("A shard has no name of a file beside the list.", where);
            }
            names.insert(name);
        }
    }
    if (names.empty() || names.size() > kMaxShards) {
        return corrupt("It lists no shards, or too many.", where);
    }
    return std::vector<std::string>(names.begin(), names.end());
}

Result<KerasContent> readShards(std::string_view json, const std::string& where,
                                const ReadShard& read)
{
    auto names = shardNames(json, where);
    if (!names) {
        return fail(std::move(names).error());
    }
    KerasContent all;
    for (const std::string& name : *names) {
        auto bytes = read(name);
        if (!bytes) {
            return fail(std::move(bytes).error());
        }
        auto content = readForeignKeras(*bytes, name);
        if (!content) {
            return fail(std::move(content).error().in(where));
        }
        all.hasOptimizer = all.hasOptimizer || content->hasOptimizer;
        std::ranges::move(content->groups, std::back_inserter(all.groups));
    }
    return all;
}

} // namespace bitscape::io
