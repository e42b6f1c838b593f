// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/io/data_sources.h"
#include "core/io/zip_archive.h"

#include <fmt/format.h>

#include <algorithm>

// .npy and .npz. Only the arrays and rows that are wanted are unpacked and converted.
namespace bitscape::io {

namespace {

constexpr std::string_view kNpyEnding = ".npy";
constexpr std::size_t kHeadBytes = 1 << 16;

Failure corrupt(std::string message, const std::string& where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), where);
}

/// Bytes from the first one of a .npy file that some rows need.
std::size_t bytesFor(const NpyInfo& info, RowRange rows, std::size_t size)
{
    if (info.fortranOrder || info.shape.empty() || info.shape.front() < 1) {
        return size;
    }
    const std::size_t perRow = (size - info.dataAt) / static_cast<std::size_t>(info.shape.front());
    return std::min(size, info.dataAt + static_cast<std::size_t>(rows.first + rows.count) * perRow);
}

class NpzReader {
public:
    NpzReader(const ZipReader& archive, const SourceText& source, const DataRecipe& recipe,
              const ReadContext& context)
        : m_archive(archive), m_source(source), m_recipe(recipe), m_context(context)
    {
    }

    Result<RawData> read()
    {
        if (auto ok = lookAtHeads(); !ok) {
            return fail(std::move(ok).error());
        }
        auto plan = planArrays(m_heads, m_recipe, m_source.path);
        if (!plan) {
            return fail(std::move(plan).error());
        }
        m_plan = std::move(*plan);
        std::vector<NamedArray> arrays;
        RawData found; // labels in words, and what only a glance asks for
        for (std::size_t i = 0; i < m_heads.size(); ++i) {
            if (auto ok = m_context.job.proceed(); !ok) {
                return fail(std::move(ok).error());
            }
            if (!m_plan.wanted[i] || leavesOut(i, found.warnings)) {
                continue;
            }
            if (isWords(i)) {
                if (auto ok = readWords(i, found); !ok) {
                    return fail(std::move(ok).error());
                }
                continue;
            }
            auto array = readArray(i, found);
            if (!array) {
                return fail(std::move(array).error());
            }
            arrays.emplace_back(m_heads[i].name, std::move(*array));
        }
        return combine(std::move(arrays), std::move(found));
    }

private:
    [[nodiscard]] std::string place(std::size_t i) const
    {
        return m_source.path + ", " + m_heads[i].name + kNpyEnding.data();
    }

    Result<void> lookAtHeads()
    {
        for (std::size_t i = 0; i < m_archive.entries().size(); ++i) {
            const ZipReader::Entry& entry = m_archive.entries()[i];
            if (!entry.name.ends_with(kNpyEnding)) {
                continue;
            }
            auto start = m_archive.readStart(i, kHeadBytes);
            if (!start) {
                return fail(std::move(start).error());
            }
            auto info = readNpyInfo(*start, m_source.path + ", " + entry.name);
            if (!info) {
                return fail(std::move(info).error());
            }
            const std::string name(entry.name, 0, entry.name.size() - kNpyEnding.size());
            m_heads.push_back({name, info->shape});
            m_infos.push_back(std::move(*info));
            m_entries.push_back(i);
        }
        return {};
    }

    [[nodiscard]] bool isWords(std::size_t i) const
    {
        return !m_infos[i].isNumber && m_heads[i].name == m_plan.answers &&
               (m_infos[i].descr.find('U') != std::string::npos ||
                m_infos[i].descr.find('S') != std::string::npos);
    }

    /// Arrays of other things than numbers that nobody asked for.
    [[nodiscard]] bool leavesOut(std::size_t i, Warnings& warnings) const
    {
        const std::string& name = m_heads[i].name;
        if (m_infos[i].isNumber || name == m_plan.answers || name == m_plan.samples ||
            m_heads.size() == 1) {
            return false;
        }
        warnings.push_back({"array_left_out",
                            fmt::format("The array '{}' holds no numbers ('{}').", name,
                                        m_infos[i].descr.substr(0, 40)),
                            m_source.path});
        return true;
    }

    /// The sizes that a head claims, against those of its entry, before anything is unpacked.
    [[nodiscard]] Result<void> checkClaim(std::size_t i) const
    {
        const NpyInfo& info = m_infos[i];
        std::size_t bytes = info.elementSize;
        for (const Index size : info.shape) {
            if (__builtin_mul_overflow(bytes, static_cast<std::size_t>(size), &bytes)) {
                return corrupt("Its sizes are absurd.", place(i));
            }
        }
        const std::size_t there = m_archive.entries()[m_entries[i]].size - info.dataAt;
        if (bytes > there) {
            return corrupt(fmt::format("It ends too early: the shape {} needs more than the {} "
                                       "bytes that follow.",
                                       Shape(info.shape).toString(), there),
                           place(i));
        }
        return {};
    }

    Result<Array> readArray(std::size_t i, RawData& found) const
    {
        if (auto ok = checkClaim(i); !ok) {
            return fail(std::move(ok).error());
        }
        const std::size_t size = m_archive.entries()[m_entries[i]].size;
        const bool isAnswers = m_heads[i].name == m_plan.answers;
        const RowRange all{0, m_heads[i].shape.empty() ? 0 : m_heads[i].shape.front()};
        const RowRange rows =
            m_plan.count > 0 && !(isAnswers && m_context.glance) ? m_plan.rows : all;
        auto bytes = m_context.glance
                         ? m_archive.readStart(m_entries[i], bytesFor(m_infos[i], rows, size))
                         : m_archive.read(m_entries[i]);
        if (!bytes) {
            return fail(std::move(bytes).error());
        }
        auto array = readNpyRows(*bytes, size, rows, place(i));
        if (array && isAnswers && m_context.glance && m_plan.count > 0) {
            found.allLabels = classesIn(*array);
            array = rowsOf(*array, m_plan.rows);
        }
        return array;
    }

    Result<void> readWords(std::size_t i, RawData& found) const
    {
        auto bytes = m_archive.read(m_entries[i], kMaxWords);
        if (!bytes) {
            return fail(std::move(bytes).error());
        }
        auto words = readNpyTexts(*bytes, place(i));
        if (!words) {
            return fail(std::move(words).error());
        }
        placeWords(*words, found);
        if (m_context.glance) {
            found.allLabels = found.labels;
        }
        const auto first = found.labels.begin() + m_plan.rows.first;
        if (m_plan.count > 0) {
            found.labels = std::vector<std::int64_t>(first, first + m_plan.rows.count);
        }
        return {};
    }

    Result<RawData> combine(std::vector<NamedArray> arrays, RawData found) const
    {
        DataRecipe numbers = m_recipe;
        if (!found.labels.empty()) {
            numbers.yKey.clear(); // they are read already
        }
        auto raw = fromArrays(std::move(arrays), numbers, m_source.path);
        if (!raw) {
            return raw;
        }
        raw->labels = std::move(found.labels);
        raw->classNames = std::move(found.classNames);
        raw->allLabels = std::move(found.allLabels);
        raw->warnings = std::move(found.warnings);
        raw->picked = raw->picked || m_plan.count > 0;
        raw->total = m_plan.count;
        raw->sha256 = m_source.sha256;
        return raw;
    }

    static constexpr std::size_t kMaxWords = std::size_t{1} << 28;

    const ZipReader& m_archive;
    const SourceText& m_source;
    const DataRecipe& m_recipe;
    const ReadContext& m_context;
    std::vector<ArrayHead> m_heads;
    std::vector<NpyInfo> m_infos;
    std::vector<std::size_t> m_entries; ///< of the archive
    ArrayPlan m_plan;
};

/// An array of numbers as labels or targets, or words as classes.
Result<void> readAnswers(const std::string& path, Index count, const ReadContext& context,
                         RawData& raw, std::string& digest)
{
    auto bytes = readFile(path);
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    digest = context.glance ? "" : sha256(digest + sha256(*bytes));
    auto info = readNpyInfo(*bytes, path);
    if (!info) {
        return fail(std::move(info).error());
    }
    if (info->shape.empty()) {
        return corrupt("The array is one number, not a row per sample.", path);
    }
    if (info->shape.front() != count) {
        return fail(ErrorCode::ShapeMismatch,
                    fmt::format("There are {} labels for {} samples.", info->shape.front(), count),
                    path);
    }
    const bool words = !info->isNumber && info->descr.find('O') == std::string::npos;
    if (words) {
        auto texts = readNpyTexts(*bytes, path);
        if (!texts) {
            return fail(std::move(texts).error());
        }
        placeWords(*texts, raw);
        return {};
    }
    auto array = readNpy(*bytes, path);
    if (!array) {
        return fail(std::move(array).error());
    }
    raw.answers = std::move(*array);
    return {};
}

} // namespace

bool isNpz(const SourceText& source)
{
    return source.bytes.starts_with("PK\x03\x04") || source.path.ends_with(".npz");
}

Result<RawData> readNpzSource(const SourceText& source, const DataRecipe& recipe,
                              const ReadContext& context)
{
    auto archive = source.isWhole() ? ZipReader::openBytes(source.bytes, source.path)
                                    : ZipReader::openFile(source.path);
    if (!archive) {
        return fail(std::move(archive).error());
    }
    return NpzReader(*archive, source, recipe, context).read();
}

bool isNpy(const SourceText& source)
{
    return source.bytes.starts_with("\x93NUMPY") || source.path.ends_with(kNpyEnding);
}

std::size_t npyBytesNeeded(const SourceText& source, const DataRecipe& recipe)
{
    const auto info = readNpyInfo(source.bytes, source.path);
    if (!info || info->shape.empty() || !recipe.wholeInputs.empty()) {
        return source.size;
    }
    const auto rows = rowsOf(recipe, info->shape.front());
    return rows ? bytesFor(*info, *rows, source.size) : source.size;
}

Result<RawData> readNpySource(const SourceText& source, const DataRecipe& recipe,
                              const ReadContext& context)
{
    auto info = readNpyInfo(source.bytes, source.path);
    if (!info) {
        return fail(std::move(info).error());
    }
    const Index count = info->shape.empty() ? 0 : info->shape.front();
    RowRange rows{0, count};
    const std::string second = secondFile(source);
    const bool whole = !recipe.wholeInputs.empty() || count == 0;
    if (!whole) {
        auto picked = rowsOf(recipe, count);
        if (!picked) {
            return fail(std::move(picked).error());
        }
        rows = *picked;
    }
    auto samples = readNpyRows(source.bytes, source.size, rows, source.path);
    if (!samples) {
        return fail(std::move(samples).error());
    }
    std::vector<NamedArray> arrays;
    arrays.emplace_back("x", std::move(*samples));
    std::string digest = source.sha256;
    RawData answers;
    if (!second.empty()) {
        if (auto ok = readAnswers(second, count, context, answers, digest); !ok) {
            return fail(std::move(ok).error());
        }
    }
    DataRecipe byPlace{.xKey = "x"};
    byPlace.wholeInputs = recipe.wholeInputs;
    if (answers.answers) {
        if (context.glance) {
            answers.allLabels = classesIn(*answers.answers);
        }
        arrays.emplace_back("y",
                            whole ? std::move(*answers.answers) : rowsOf(*answers.answers, rows));
    }
    auto raw = fromArrays(std::move(arrays), byPlace, source.path);
    if (!raw) {
        return raw;
    }
    if (!answers.labels.empty()) {
        const auto first = answers.labels.begin() + rows.first;
        raw->labels.assign(first, first + rows.count);
        raw->classNames = std::move(answers.classNames);
        answers.allLabels = std::move(answers.labels);
    }
    raw->allLabels = std::move(answers.allLabels);
    raw->picked = raw->picked || !whole;
    raw->total = count;
    raw->sha256 = std::move(digest);
    return raw;
}

} // namespace bitscape::io
