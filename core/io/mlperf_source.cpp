// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/io/data_sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <limits>
#include <optional>

// Folders of MLPerf Tiny's accuracy runs: one raw binary file per sample, and y_labels.csv with
// lines file,classes,label[,window bytes,stride bytes]. With a window a file is a series whose
// windows are the samples (anomaly detection: float32); without, a file is one sample of bytes
// (uint8, or what --dtype says: keyword spotting is int8).
namespace bitscape::io {

namespace {

constexpr std::string_view kLabels = "y_labels.csv";
constexpr std::int64_t kMaxSampleBytes = std::int64_t{1} << 28;
constexpr std::size_t kMaxWindows = std::size_t{1} << 24;

Failure corrupt(std::string message, const std::string& where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), where);
}

std::optional<std::int64_t> wholeNumber(std::string_view text)
{
    text = trimmed(text);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && end == text.data() + text.size() && !text.empty();
    return whole ? std::optional(value) : std::nullopt;
}

bool staysInside(const std::string& name)
{
    const std::filesystem::path path(name);
    return !name.empty() && name.find('\0') == std::string::npos && path.is_relative() &&
           std::ranges::find(path, "..") == path.end();
}

Result<TinyLabel> parseLine(const std::string& line, const std::string& place)
{
    const std::vector<std::string> cells = split(line, ',');
    if (cells.size() != 3 && cells.size() != 5) {
        return corrupt(fmt::format("The line has {} cells; it is file,classes,label or "
                                   "file,classes,label,window,stride.",
                                   cells.size()),
                       place);
    }
    TinyLabel label;
    label.file = trimmed(cells[0]);
    if (!staysInside(label.file)) {
        return corrupt("The name of the file leads outside of the folder.", place);
    }
    std::vector<std::int64_t> numbers;
    for (std::size_t i = 1; i < cells.size(); ++i) {
        const auto number = wholeNumber(cells[i]);
        if (!number || *number < 0 || *number > kMaxSampleBytes) {
            return corrupt(fmt::format("Cell {} is no whole number of use here.", i + 1), place);
        }
        numbers.push_back(*number);
    }
    label.classes = numbers[0];
    label.label = numbers[1];
    if (label.label >= label.classes) {
        return corrupt(fmt::format("Class {} of {} cannot be.", label.label, label.classes), place);
    }
    if (numbers.size() > 2) {
        label.windowBytes = static_cast<std::size_t>(numbers[2]);
        label.strideBytes = static_cast<std::size_t>(numbers[3]);
        if (label.windowBytes == 0 || label.strideBytes == 0) {
            return corrupt("A window or stride of 0 bytes yields no sample.", place);
        }
    }
    return label;
}

/// A sample: the file's bytes from `at`.
struct Window {
    std::size_t file = 0; ///< line of the list
    std::size_t at = 0;
};

class TinyReader {
public:
    TinyReader(std::string folder, const DataRecipe& recipe, const ReadContext& context)
        : m_folder(std::move(folder)), m_recipe(recipe), m_context(context)
    {
    }

    Result<RawData> read()
    {
        auto text = readFile(pathOf(kLabels));
        if (!text) {
            return fail(std::move(text).error());
        }
        auto labels = parseTinyLabels(*text, pathOf(kLabels));
        if (!labels) {
            return fail(std::move(labels).error());
        }
        m_labels = std::move(*labels);
        if (auto ok = findWindows(); !ok) {
            return fail(std::move(ok).error());
        }
        return collect(*text);
    }

private:
    [[nodiscard]] std::string pathOf(std::string_view name) const
    {
        return m_folder + "/" + std::string(name);
    }

    /// The windows of all files; their sizes are known without reading them.
    Result<void> findWindows()
    {
        const TinyLabel& first = m_labels.front();
        for (std::size_t i = 0; i < m_labels.size(); ++i) {
            const TinyLabel& label = m_labels[i];
            if (label.windowBytes != first.windowBytes) {
                return fail(ErrorCode::ShapeMismatch,
                            fmt::format("'{}' and '{}' have windows of different sizes.",
                                        first.file, label.file),
                            pathOf(kLabels));
            }
            if (label.windowBytes == 0) {
                m_windows.push_back({i, 0});
                continue;
            }
            if (auto ok = m_context.job.proceed(); !ok) {
                return ok;
            }
            const auto size = fileSize(pathOf(label.file));
            if (!size) {
                return fail(Error(size.error()));
            }
            const std::size_t more =
                *size < label.windowBytes ? 0 : (*size - label.windowBytes) / label.strideBytes;
            if (more > kMaxWindows - m_windows.size()) {
                return fail(ErrorCode::OutOfResources,
                            fmt::format("The list yields more than {} windows.", kMaxWindows),
                            pathOf(kLabels));
            }
            for (std::size_t at = 0; at + label.windowBytes <= *size; at += label.strideBytes) {
                m_windows.push_back({i, at});
            }
        }
        if (m_windows.empty()) {
            return corrupt("No file is as long as a window.", pathOf(kLabels));
        }
        return {};
    }

    [[nodiscard]] std::string dtype() const
    {
        if (!m_recipe.dtype.empty()) {
            return m_recipe.dtype;
        }
        return m_labels.front().windowBytes > 0 ? "float32" : "uint8";
    }

    Result<RawData> collect(const std::string& list)
    {
        const auto count = static_cast<Index>(m_windows.size());
        const auto rows = rowsOf(m_recipe, count);
        if (!rows) {
            return fail(Error(rows.error()));
        }
        RawData raw;
        m_sums = sha256(list);
        m_array.dtype = dtype();
        m_context.job.begin(rows->count, "samples");
        for (Index i = 0; i < rows->count; ++i) {
            if (auto ok = m_context.job.proceed(); !ok) {
                return fail(std::move(ok).error());
            }
            const Window& window = m_windows[sampleAt(i, *rows, count)];
            if (auto ok = take(window, rows->count); !ok) {
                return fail(std::move(ok).error());
            }
            raw.labels.push_back(m_labels[window.file].label);
            m_context.job.add(1);
        }
        m_array.shape = {rows->count, static_cast<Index>(m_array.values.size()) / rows->count};
        raw.inputs.emplace_back("x", std::move(m_array));
        raw.picked = true;
        raw.fixedLayout = true;
        raw.total = count;
        for (const Window& window : m_windows) {
            if (m_context.glance) {
                raw.allLabels.push_back(m_labels[window.file].label);
            }
        }
        raw.sha256 = m_context.glance ? "" : sha256(m_sums);
        tellWindows(raw);
        return raw;
    }

    /// Appends one sample; `count` are to come in all.
    Result<void> take(const Window& window, Index count)
    {
        const TinyLabel& label = m_labels[window.file];
        if (m_open != window.file) {
            auto content = readFile(pathOf(label.file), kMaxSampleBytes);
            if (!content) {
                return fail(std::move(content).error());
            }
            m_bytes = std::move(*content);
            m_sums += m_context.glance ? "" : "\n" + sha256(m_bytes);
            m_open = window.file;
        }
        const std::size_t size = label.windowBytes > 0 ? label.windowBytes : m_bytes.size();
        if (m_firstFile.empty()) {
            m_firstFile = label.file;
            m_sampleBytes = size;
            if (auto ok = reserve(count); !ok) {
                return ok;
            }
        }
        if (size != m_sampleBytes || window.at + size > m_bytes.size()) {
            return fail(ErrorCode::ShapeMismatch,
                        fmt::format("The samples differ in size: '{}' has {} bytes, '{}' has {}.",
                                    m_firstFile, m_sampleBytes, label.file, size),
                        m_folder);
        }
        return appendRaw(std::string_view(m_bytes).substr(window.at, size), m_array.dtype, m_array,
                         pathOf(label.file));
    }

    /// A glance takes samples from all over the list.
    [[nodiscard]] std::size_t sampleAt(Index i, const RowRange& rows, Index count) const
    {
        return static_cast<std::size_t>(m_context.glance ? i * count / rows.count : rows.first + i);
    }

    Result<void> reserve(Index count)
    {
        const std::size_t values = m_sampleBytes / elementSize(m_array.dtype);
        if (values == 0) {
            return corrupt("The sample holds no value.", pathOf(m_firstFile));
        }
        const std::array<Index, 2> shape{count, static_cast<Index>(values)};
        if (auto ok = checkMemory(shape, m_recipe.source); !ok) {
            return ok;
        }
        m_array.values.reserve(static_cast<std::size_t>(count) * values);
        return {};
    }

    void tellWindows(RawData& raw) const
    {
        if (m_labels.front().windowBytes > 0) {
            raw.warnings.push_back(
                {"windows",
                 fmt::format("{} files gave {} windows of {} bytes; each is a sample.",
                             m_labels.size(), m_windows.size(), m_labels.front().windowBytes),
                 m_recipe.source});
        }
    }

    std::string m_folder;
    const DataRecipe& m_recipe;
    const ReadContext& m_context;
    std::vector<TinyLabel> m_labels;
    std::vector<Window> m_windows;
    // While samples are collected:
    Array m_array;
    std::string m_sums;
    std::string m_bytes; ///< of the file that is open
    std::size_t m_open = std::numeric_limits<std::size_t>::max();
    std::string m_firstFile;
    std::size_t m_sampleBytes = 0;
};

} // namespace

Result<std::vector<TinyLabel>> parseTinyLabels(std::string_view text, const std::string& where)
{
    std::vector<TinyLabel> labels;
    std::size_t number = 0;
    for (const std::string& line : split(text, '\n')) {
        ++number;
        if (trimmed(line).empty()) {
            continue;
        }
        auto label = parseLine(line, where + ", line " + std::to_string(number));
        if (!label) {
            return fail(std::move(label).error());
        }
        labels.push_back(std::move(*label));
    }
    if (labels.empty()) {
        return corrupt("The list names no file.", where);
    }
    return labels;
}

bool isMlperfTiny(const SourceText& source)
{
    std::error_code unknown;
    return std::filesystem::is_regular_file(source.path + "/" + std::string(kLabels), unknown);
}

Result<RawData> readMlperfTiny(const SourceText& source, const DataRecipe& recipe,
                               const ReadContext& context)
{
    return TinyReader(source.path, recipe, context).read();
}

} // namespace bitscape::io
