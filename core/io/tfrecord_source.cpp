// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/io/bytes.h"
#include "core/io/image_batch.h"
#include "core/io/tf_example.h"
#include "core/io/tfrecord_shards.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

// TFRecord files of tf.train.Example, plain or gzip, one file or several shards. A feature of fixed
// length is the sample: an encoded image, raw bytes, floats or integers.
namespace bitscape::io {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxBytes = std::int64_t{4} << 30;
constexpr std::size_t kGlanceBytes = std::size_t{32} << 20;

Failure corrupt(std::string message, const std::string& where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), where);
}

struct Shard {
    std::string path;
    std::string bytes;
    bool isWhole = true;
};

struct Record {
    const Shard* shard = nullptr;
    TfRecordSpan span;
};

struct UsualKeys {
    std::string_view x, y;
};
constexpr std::array kUsualKeys{
    UsualKeys{"image/encoded", "image/class/label"},
    UsualKeys{"image", "label"},
    UsualKeys{"image_raw", "label"},
    UsualKeys{"x", "y"},
    UsualKeys{"x", "label"},
    UsualKeys{"features", "label"},
    UsualKeys{"image", "labels"},
    UsualKeys{"features", "labels"},
};

/// Sizes of a raw image by the names that writers use.
struct UsualSizes {
    std::string_view height, width, channels;
};
constexpr std::array kUsualSizes{
    UsualSizes{"image/height", "image/width", "image/channels"},
    UsualSizes{"height", "width", "depth"},
    UsualSizes{"height", "width", "channels"},
};

const std::string_view* find(const TfFeatures& features, std::string_view name)
{
    const auto found = std::ranges::find(features, name, &TfFeatures::value_type::first);
    return found == features.end() ? nullptr : &found->second;
}

class RecordReader {
public:
    RecordReader(const SourceText& source, const DataRecipe& recipe, const ReadContext& context)
        : m_source(source), m_recipe(recipe), m_context(context)
    {
    }

    Result<RawData> read()
    {
        if (auto ok = load(); !ok) {
            return fail(std::move(ok).error());
        }
        const auto count = static_cast<Index>(m_records.size());
        if (count == 0) {
            return corrupt("The file holds no record.", m_source.path);
        }
        auto rows = rowsOf(m_recipe, count);
        if (!rows) {
            return fail(std::move(rows).error());
        }
        m_rows = *rows;
        if (auto ok = chooseKeys(); !ok) {
            return fail(std::move(ok).error());
        }
        m_context.job.begin(m_rows.count, "records");
        for (Index i = 0; i < m_rows.count; ++i) {
            if (auto ok = m_context.job.proceed(); !ok) {
                return fail(std::move(ok).error());
            }
            if (auto ok = takeRecord(static_cast<std::size_t>(m_rows.first + i)); !ok) {
                return fail(std::move(ok).error());
            }
            m_context.job.add(1);
        }
        return finish();
    }

private:
    // ------------------------------------------------------------------------------------- files

    Result<std::vector<std::string>> paths() const
    {
        if (m_source.isFolder) {
            return filesIn(m_source.path, [](const std::string& name) {
                return hasRecordEnding(name) || shardName(name).has_value();
            });
        }
        std::error_code unknown;
        const bool named = m_source.text != m_source.path && !fs::exists(m_source.text, unknown);
        std::vector<std::string> shards =
            named ? shardsOf(m_source.text) : std::vector<std::string>{};
        if (shards.empty()) {
            return std::vector<std::string>{m_source.path};
        }
        if (auto ok = checkShards(shards, m_source.text); !ok) {
            return fail(std::move(ok).error());
        }
        return shards;
    }

    Result<Shard> loadShard(const std::string& path, std::int64_t room)
    {
        Shard shard{path, {}, true};
        if (!m_source.isFolder && path == m_source.path) {
            m_sums += m_source.sha256;
            shard.bytes = m_source.bytes;
            shard.isWhole = m_source.isWhole();
            return shard;
        }
        auto bytes = m_context.glance ? readFileStart(path, kGlanceBytes) : readFile(path, room);
        if (!bytes) {
            return fail(std::move(bytes).error());
        }
        shard.isWhole = !m_context.glance || bytes->size() < kGlanceBytes;
        m_sums += m_context.glance ? "" : sha256(*bytes);
        if (bytes->starts_with("\x1f\x8b")) {
            bytes = m_context.glance ? gunzipStart(*bytes, path, kGlanceBytes)
                                     : gunzip(*bytes, path, room);
            if (!bytes) {
                return fail(std::move(bytes).error());
            }
            shard.isWhole = shard.isWhole && bytes->size() < kGlanceBytes;
        }
        shard.bytes = std::move(*bytes);
        return shard;
    }

    Result<void> load()
    {
        auto names = paths();
        if (!names) {
            return fail(std::move(names).error());
        }
        std::int64_t room = kMaxBytes;
        m_shards.reserve(names->size());
        for (const std::string& path : *names) {
            if (auto ok = m_context.job.proceed(); !ok) {
                return ok;
            }
            auto shard = loadShard(path, room);
            if (!shard) {
                return fail(std::move(shard).error());
            }
            room -= static_cast<std::int64_t>(shard->bytes.size());
            m_shards.push_back(std::move(*shard));
            const Shard& loaded = m_shards.back();
            auto spans = findRecords(loaded.bytes, loaded.path, !loaded.isWhole);
            if (!spans) {
                return fail(std::move(spans).error());
            }
            for (const TfRecordSpan& span : *spans) {
                m_records.push_back({&loaded, span});
            }
            m_all = m_all && loaded.isWhole;
            if (m_context.glance && static_cast<Index>(m_records.size()) >= m_recipe.limit) {
                m_all = m_all && names->size() == m_shards.size();
                break;
            }
        }
        return {};
    }

    // ------------------------------------------------------------------------------------ records

    [[nodiscard]] std::string place(std::size_t record) const
    {
        const Record& at = m_records[record];
        return fmt::format("{}, record at byte {}", at.shard->path, at.span.at);
    }

    Result<TfFeatures> featuresOf(std::size_t record) const
    {
        const Record& at = m_records[record];
        auto data = recordData(at.shard->bytes, at.span, at.shard->path);
        if (!data) {
            return fail(std::move(data).error());
        }
        return parseExample(*data, place(record));
    }

    Result<void> chooseKeys()
    {
        const auto features = featuresOf(static_cast<std::size_t>(m_rows.first));
        if (!features) {
            return fail(Error(features.error()));
        }
        m_x = m_recipe.xKey;
        m_y = m_recipe.yKey;
        for (const UsualKeys& usual : kUsualKeys) {
            const bool both = (find(*features, usual.x) != nullptr || m_x == usual.x) &&
                              (find(*features, usual.y) != nullptr || m_y == usual.y);
            if (both && (m_x.empty() || m_x == usual.x)) {
                m_x = usual.x;
                m_y = m_y.empty() ? std::string(usual.y) : m_y;
            }
        }
        for (const UsualKeys& usual : kUsualKeys) {
            if (m_x.empty() && find(*features, usual.x) != nullptr) {
                m_x = usual.x;
            }
            if (m_y.empty() && find(*features, usual.y) != nullptr && m_x != usual.y) {
                m_y = usual.y;
            }
        }
        if (m_x.empty() && features->size() == 1) {
            m_x = features->front().first;
        }
        for (const auto& [key, option] : {std::pair(m_x, "--x"), std::pair(m_y, "--y")}) {
            const bool optional = option == std::string_view("--y") && key.empty();
            if (!optional && find(*features, key) == nullptr) {
                return unknownKey(key, option, *features);
            }
        }
        return {};
    }

    [[nodiscard]] Failure unknownKey(const std::string& key, const char* option,
                                     const TfFeatures& features) const
    {
        std::vector<std::string> names;
        for (const auto& [name, data] : features) {
            names.emplace_back(name);
        }
        return fail(ErrorCode::InvalidArgument,
                    key.empty() ? std::string("No feature has a usual name of samples.")
                                : "There is no feature '" + key + "'.",
                    m_recipe.source + ", " + option, "The records hold " + join(names, ", ") + ".");
    }

    Result<TfFeature> feature(const TfFeatures& features, const std::string& key,
                              std::size_t record) const
    {
        const std::string_view* data = find(features, key);
        if (data == nullptr) {
            return corrupt("The record has no feature '" + key + "'.", place(record));
        }
        return parseFeature(*data, place(record) + ", feature '" + key + "'");
    }

    [[nodiscard]] Failure ragged(const std::string& key, std::size_t had, std::size_t has,
                                 std::size_t record) const
    {
        return fail(
            ErrorCode::ShapeMismatch,
            fmt::format("The feature '{}' has {} values here and {} before.", key, has, had),
            place(record), "Only features of one length are read.");
    }

    Result<void> takeRecord(std::size_t record)
    {
        const auto features = featuresOf(record);
        if (!features) {
            return fail(Error(features.error()));
        }
        auto x = feature(*features, m_x, record);
        if (!x) {
            return fail(std::move(x).error());
        }
        if (auto ok = takeSample(*x, *features, record); !ok) {
            return ok;
        }
        if (m_y.empty()) {
            return {};
        }
        auto y = feature(*features, m_y, record);
        if (!y) {
            return fail(std::move(y).error());
        }
        return takeAnswer(*y, record);
    }

    Result<void> takeSample(const TfFeature& x, const TfFeatures& features, std::size_t record)
    {
        const bool isBytes = x.kind == TfFeature::Kind::Bytes;
        if (x.count() == 0 || (isBytes && x.count() != 1)) {
            return fail(ErrorCode::ShapeMismatch,
                        fmt::format("The feature '{}' has {} values.", m_x, x.count()),
                        place(record), "A sample is one text of bytes, or numbers.");
        }
        if (isBytes && isImage(x.bytes.front())) {
            return takeImage(x.bytes.front(), record);
        }
        const std::size_t before = m_array.values.size();
        if (isBytes) {
            const std::string dtype = m_recipe.dtype.empty() ? "uint8" : m_recipe.dtype;
            auto ok = appendRaw(x.bytes.front(), dtype, m_array, place(record));
            if (!ok) {
                return ok;
            }
            m_array.dtype = dtype;
        } else {
            m_array.dtype = x.kind == TfFeature::Kind::Floats ? "float32" : "int64";
            m_array.values.insert(m_array.values.end(), x.floats.begin(), x.floats.end());
            for (const std::int64_t value : x.integers) {
                m_array.values.push_back(static_cast<float>(value));
            }
        }
        return checkLength(m_array.values.size() - before, features, record);
    }

    /// Numbers of one length, in the shape that features beside them say.
    Result<void> checkLength(std::size_t length, const TfFeatures& features, std::size_t record)
    {
        std::vector<Index> shape = shapeBeside(features, length, record);
        const bool isFirst = m_array.shape.empty();
        if (isFirst) {
            m_array.shape = std::move(shape);
            std::vector<Index> all = m_array.shape;
            all.insert(all.begin(), m_rows.count);
            return length == 0 ? corrupt("The feature '" + m_x + "' is empty.", place(record))
                               : checkMemory(all, m_recipe.source);
        }
        std::size_t before = 1;
        for (const Index size : m_array.shape) {
            before *= static_cast<std::size_t>(size);
        }
        if (length != before || !m_images.infos.empty()) {
            return ragged(m_x, before, length, record);
        }
        if (shape != m_array.shape) {
            return fail(ErrorCode::ShapeMismatch,
                        fmt::format("The sample has the shape {}, those before {}.",
                                    Shape(shape).toString(), Shape(m_array.shape).toString()),
                        place(record));
        }
        return {};
    }

    [[nodiscard]] std::vector<Index> shapeBeside(const TfFeatures& features, std::size_t length,
                                                 std::size_t record) const
    {
        const auto number = [&](std::string_view name) -> Index {
            const std::string_view* data = find(features, name);
            const auto value = data != nullptr ? parseFeature(*data, place(record)) : TfFeature{};
            const bool one = value && value->integers.size() == 1;
            return one && value->integers.front() > 0 ? value->integers.front() : 0;
        };
        for (const UsualSizes& usual : kUsualSizes) {
            const Index height = number(usual.height);
            const Index width = number(usual.width);
            const Index channels = number(usual.channels);
            Index product = 0;
            if (!__builtin_mul_overflow(height, width, &product) &&
                !__builtin_mul_overflow(product, channels, &product) &&
                product == static_cast<Index>(length) && product > 0) {
                return {height, width, channels};
            }
        }
        return {static_cast<Index>(length)};
    }

    Result<void> takeImage(std::string_view bytes, std::size_t record)
    {
        if (!m_array.shape.empty()) {
            return ragged(m_x, m_array.values.size(), bytes.size(), record);
        }
        auto info = readImageInfo(bytes, bytes.size(), place(record));
        if (!info) {
            return fail(std::move(info).error());
        }
        m_images.infos.push_back(**info);
        m_encoded.push_back({bytes, record});
        return {};
    }

    Result<void> takeAnswer(const TfFeature& y, std::size_t record)
    {
        if (m_answerLength == 0) {
            m_answerLength = y.count();
        }
        const bool words = y.kind == TfFeature::Kind::Bytes;
        const bool mixed = words ? !m_answers.values.empty() : !m_words.empty();
        if (y.count() == 0 || y.count() != m_answerLength || (words && y.count() != 1) || mixed) {
            return ragged(m_y, m_answerLength, y.count(), record);
        }
        if (words) {
            m_words.emplace_back(y.bytes.front());
            return {};
        }
        m_answers.dtype = y.kind == TfFeature::Kind::Floats ? "float32" : "int64";
        m_answers.values.insert(m_answers.values.end(), y.floats.begin(), y.floats.end());
        for (const std::int64_t value : y.integers) {
            m_answers.values.push_back(static_cast<float>(value));
        }
        return {};
    }

    // ------------------------------------------------------------------------------------- result

    /// "auto" asks all images of the files, so that a part of them has the same channels.
    Result<int> channels()
    {
        std::vector<ImageInfo> infos = m_images.infos;
        if (m_recipe.color == "auto" && !m_context.glance) {
            for (std::size_t i = 0; i < m_records.size(); ++i) {
                if (auto ok = m_context.job.proceed(); !ok) {
                    return fail(std::move(ok).error());
                }
                const bool picked = static_cast<Index>(i) >= m_rows.first &&
                                    static_cast<Index>(i) < m_rows.first + m_rows.count;
                const auto features = picked ? Result<TfFeatures>{} : featuresOf(i);
                const std::string_view* data = features ? find(*features, m_x) : nullptr;
                const auto value = data != nullptr ? parseFeature(*data, "") : TfFeature{};
                if (value && value->bytes.size() == 1) {
                    const auto info =
                        readImageInfo(value->bytes.front(), value->bytes.front().size(), "");
                    if (info) {
                        infos.push_back(**info);
                    }
                }
            }
        }
        return channelsFor(m_recipe, infos);
    }

    Result<void> decode(RawData& raw)
    {
        const auto depth = channels();
        if (!depth) {
            return fail(Error(depth.error()));
        }
        m_images.name = [&](std::size_t i) { return place(m_encoded[i].second); };
        m_images.read = [&](std::size_t i) -> Result<std::string> {
            return std::string(m_encoded[i].first);
        };
        auto array = decodeImages(m_images, *depth, m_recipe, m_context, raw.warnings);
        if (!array) {
            return fail(std::move(array).error());
        }
        raw.inputs.emplace_back(m_x, std::move(*array));
        raw.fixedLayout = true;
        return {};
    }

    Result<RawData> finish()
    {
        RawData raw;
        if (!m_images.infos.empty()) {
            if (auto ok = decode(raw); !ok) {
                return fail(std::move(ok).error());
            }
        } else {
            raw.fixedLayout = m_array.shape.size() == 3;
            m_array.shape.insert(m_array.shape.begin(), m_rows.count);
            raw.inputs.emplace_back(m_x, std::move(m_array));
        }
        if (!m_words.empty()) {
            placeWords(m_words, raw);
        } else if (!m_y.empty()) {
            m_answers.shape = {m_rows.count};
            if (m_answerLength > 1) {
                m_answers.shape.push_back(static_cast<Index>(m_answerLength));
            }
            raw.answers = std::move(m_answers);
        }
        raw.picked = true;
        raw.total = m_all ? static_cast<Index>(m_records.size()) : 0;
        raw.sha256 = m_context.glance      ? ""
                     : m_shards.size() > 1 ? sha256(m_sums)
                                           : std::move(m_sums);
        return raw;
    }

    const SourceText& m_source;
    const DataRecipe& m_recipe;
    const ReadContext& m_context;
    std::vector<Shard> m_shards;
    std::vector<Record> m_records;
    bool m_all = true; ///< no glance cut them short
    std::string m_sums;
    RowRange m_rows;
    std::string m_x, m_y;
    // What the records hold: numbers, or images
    Array m_array; ///< shape of a sample until the end
    ImageList m_images;
    std::vector<std::pair<std::string_view, std::size_t>> m_encoded; ///< bytes and record
    std::size_t m_answerLength = 0;
    Array m_answers;
    std::vector<std::string> m_words;
};

} // namespace

bool isTfRecord(const SourceText& source)
{
    constexpr std::size_t kLength = 8;
    const std::string name = fs::path(source.path).filename();
    const std::string_view bytes = source.bytes;
    const bool sound =
        bytes.size() > kLength + 4 && maskedCrc32c(bytes.substr(0, kLength)) ==
                                          ByteReader(bytes.substr(kLength)).number<std::uint32_t>();
    return sound || hasRecordEnding(name) || shardName(name).has_value();
}

Result<RawData> readTfRecord(const SourceText& source, const DataRecipe& recipe,
                             const ReadContext& context)
{
    return RecordReader(source, recipe, context).read();
}

} // namespace bitscape::io
