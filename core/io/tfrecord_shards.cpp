// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/tfrecord_shards.h"

#include "core/io/data_sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

namespace bitscape::io {

namespace {

namespace fs = std::filesystem;

std::optional<int> fiveDigits(std::string_view text)
{
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = text.size() >= 5 && error == std::errc() && end == text.data() + text.size();
    return whole ? std::optional(value) : std::nullopt;
}

} // namespace

bool hasRecordEnding(std::string name)
{
    constexpr std::array<std::string_view, 3> kEndings{".tfrecord", ".tfrecords", ".tfrec"};
    if (name.ends_with(".gz")) {
        name.resize(name.size() - 3);
    }
    return std::ranges::any_of(kEndings, [&](std::string_view end) { return name.ends_with(end); });
}

std::optional<ShardName> shardName(std::string_view name)
{
    constexpr std::string_view kOf = "-of-";
    const std::size_t of = name.rfind(kOf);
    const std::size_t dash =
        of == std::string_view::npos || of == 0 ? std::string_view::npos : name.rfind('-', of - 1);
    if (dash == std::string_view::npos) {
        return std::nullopt;
    }
    const auto count = fiveDigits(name.substr(of + kOf.size()));
    const auto number = fiveDigits(name.substr(dash + 1, of - dash - 1));
    return count && number ? std::optional(ShardName{name.substr(0, dash), *number, *count})
                           : std::nullopt;
}

std::vector<std::string> filesIn(const std::string& folder,
                                 const std::function<bool(const std::string& name)>& wanted)
{
    std::vector<std::string> paths;
    std::error_code error;
    fs::directory_iterator files(folder.empty() ? fs::path(".") : fs::path(folder), error);
    for (; !error && files != fs::directory_iterator(); files.increment(error)) {
        std::error_code unknown;
        const std::string name = files->path().filename();
        if (!name.starts_with(".") && files->is_regular_file(unknown) && wanted(name)) {
            paths.push_back(folder.empty() ? name : files->path().string());
        }
    }
    std::ranges::sort(paths);
    return paths;
}

std::vector<std::string> shardsOf(const std::string& path)
{
    const fs::path prefix(path);
    const std::string stem = prefix.filename();
    return filesIn(prefix.parent_path().string(), [&](const std::string& name) {
        const auto shard = shardName(name);
        return shard && shard->stem == stem;
    });
}

Result<void> checkShards(const std::vector<std::string>& paths, const std::string& where)
{
    const auto first = shardName(paths.front());
    for (std::size_t i = 0; i < paths.size(); ++i) {
        const auto shard = shardName(paths[i]);
        if (shard->count != first->count || shard->number != static_cast<int>(i)) {
            return fail(ErrorCode::NotFound,
                        fmt::format("Shard {} of {} is missing.", i, first->count), where);
        }
    }
    if (static_cast<int>(paths.size()) != first->count) {
        return fail(ErrorCode::NotFound,
                    fmt::format("Shard {} of {} is missing.", paths.size(), first->count), where);
    }
    return {};
}

std::optional<std::string> firstShard(const std::string& path)
{
    const std::vector<std::string> shards = shardsOf(path);
    return shards.empty() ? std::nullopt : std::optional(shards.front());
}

bool isTfRecordFolder(const SourceText& source)
{
    return !filesIn(source.path, [](const std::string& name) { return hasRecordEnding(name); })
                .empty() ||
           !filesIn(source.path, [](const std::string& name) {
                const auto shard = shardName(name);
                return shard && shard->stem.find("tfrec") != std::string_view::npos;
            }).empty();
}

} // namespace bitscape::io
