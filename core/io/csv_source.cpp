// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/io/data_sources.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>

namespace bitscape::io {

namespace {

Failure corrupt(std::string message, const std::string& where)
{
    return fail(ErrorCode::CorruptFile, std::move(message), where);
}

/// Splits a table into lines and cells. Cells may be quoted; a doubled quote stands for one.
class CsvLines {
public:
    explicit CsvLines(std::string_view text) : m_rest(text)
    {
        constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
        if (m_rest.starts_with(kByteOrderMark)) {
            m_rest.remove_prefix(kByteOrderMark.size());
        }
        m_separator = separatorOf(m_rest);
    }

    /// Where the cells are not parted by commas, these may be decimal marks.
    [[nodiscard]] bool allowsDecimalComma() const { return m_separator != ','; }

    /// The cells of the next line that is not empty; false at the end.
    bool next(std::vector<std::string>& cells)
    {
        while (!m_rest.empty()) {
            cells.clear();
            m_line = m_nextLine++;
            readLine(cells);
            if (cells.size() > 1 || !trimmed(cells.front()).empty()) {
                return true;
            }
        }
        return false;
    }

    /// Number of the line that next() gave, from 1.
    [[nodiscard]] std::size_t line() const { return m_line; }

private:
    /// The first of tab, semicolon and comma that stands in the first line outside of quotes.
    static char separatorOf(std::string_view text)
    {
        std::string plain;
        bool quoted = false;
        for (const char c : text) {
            quoted = quoted != (c == '"');
            if (c == '\n' && !quoted) {
                break;
            }
            if (!quoted && (c == '\t' || c == ';' || c == ',')) {
                plain += c;
            }
        }
        for (const char candidate : {'\t', ';'}) {
            if (plain.find(candidate) != std::string::npos) {
                return candidate;
            }
        }
        return ',';
    }

    void readLine(std::vector<std::string>& cells)
    {
        std::string cell;
        bool quoted = false;
        std::size_t i = 0;
        for (; i < m_rest.size(); ++i) {
            const char c = m_rest[i];
            if (quoted) {
                m_nextLine += c == '\n' ? 1 : 0;
                if (c == '"' && i + 1 < m_rest.size() && m_rest[i + 1] == '"') {
                    cell += c;
                    ++i;
                } else if (c == '"') {
                    quoted = false;
                } else {
                    cell += c;
                }
            } else if (c == '"') {
                quoted = true;
            } else if (c == m_separator) {
                cells.push_back(std::move(cell));
                cell.clear();
            } else if (c == '\n') {
                break;
            } else {
                cell += c;
            }
        }
        cells.push_back(std::move(cell));
        m_rest.remove_prefix(std::min(i + 1, m_rest.size()));
    }

    std::string_view m_rest;
    std::size_t m_line = 0;
    std::size_t m_nextLine = 1;
    char m_separator = ',';
};

std::optional<float> numberOf(std::string_view cell, bool decimalComma = false)
{
    constexpr std::size_t kLongest = 64;
    cell = trimmed(cell);
    std::string pointed;
    if (decimalComma && cell.size() < kLongest && std::ranges::count(cell, ',') == 1 &&
        cell.find('.') == std::string_view::npos) {
        pointed = cell;
        pointed[pointed.find(',')] = '.';
        cell = pointed;
    }
    if (cell.starts_with('+')) {
        cell.remove_prefix(1);
    }
    double value = 0;
    const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
    if (error != std::errc() || end != cell.data() + cell.size() || cell.empty()) {
        return std::nullopt;
    }
    return static_cast<float>(value);
}

/// A cell for a message: short, and without characters that would break the line.
std::string shown(std::string_view cell)
{
    constexpr std::size_t kLongest = 40;
    std::string text(cell.substr(0, kLongest));
    std::ranges::replace_if(
        text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, '?');
    return "'" + text + "'";
}

/// Which column holds the label, and whether the first line holds names.
struct Columns {
    bool hasHeader = false;
    std::optional<std::size_t> label;
};

Result<Columns> columnsOf(const std::vector<std::string>& first, const std::string& wanted,
                          bool decimalComma, const std::string& where)
{
    constexpr std::array kUsual{"label", "class", "target"};
    Columns columns;
    std::vector<std::string> names;
    for (const std::string& cell : first) {
        names.emplace_back(trimmed(cell));
    }
    const auto find = [&](std::string_view name) {
        const auto found = std::ranges::find(names, name);
        return found == names.end()
                   ? std::nullopt
                   : std::optional(static_cast<std::size_t>(found - names.begin()));
    };
    const auto words = std::ranges::count_if(
        names, [&](const std::string& name) { return !numberOf(name, decimalComma).has_value(); });
    if (wanted.empty()) {
        columns.hasHeader = words > 0;
        for (const char* usual : kUsual) {
            if (!columns.label && columns.hasHeader) {
                columns.label = find(usual);
            }
        }
        return columns;
    }
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
    const bool isNumber =
        error == std::errc() && end == wanted.data() + wanted.size() && number < names.size();
    // A line of numbers but for the label is data, even where a cell is called as the column.
    const bool isData = isNumber && words <= (numberOf(names[number], decimalComma) ? 0 : 1);
    if (words > 0 && !isData && find(wanted)) {
        columns.hasHeader = true;
        columns.label = find(wanted);
        return columns;
    }
    if (isNumber) {
        columns.label = number;
        columns.hasHeader = !isData;
        return columns;
    }
    const std::string near = nearest(wanted, std::span<const std::string>(names));
    return fail(ErrorCode::InvalidArgument, "There is no column '" + wanted + "'.",
                where + ", --label",
                near.empty() || words == 0 ? "Name a column or its number from 0."
                                           : "Did you mean '" + near + "'?");
}

/// Labels that are whole numbers stay numbers; other words become classes; fractions are answers of
/// a regression.
void placeLabels(const std::vector<std::string>& texts, bool decimalComma, RawData& raw)
{
    std::vector<float> numbers;
    for (const std::string& text : texts) {
        if (const auto number = numberOf(text, decimalComma)) {
            numbers.push_back(*number);
        }
    }
    if (numbers.size() != texts.size()) {
        placeWords(texts, raw);
        return;
    }
    const bool whole = std::ranges::all_of(numbers, [](float v) { return std::trunc(v) == v; });
    raw.answers = Array{
        whole ? "int16" : "float32", {static_cast<Index>(numbers.size())}, std::move(numbers), {}};
}

} // namespace

bool isCsv(const SourceText& source)
{
    const std::string name = std::filesystem::path(source.path).filename().string();
    return name.ends_with(".csv") || name.ends_with(".csv.gz") || name.ends_with(".tsv");
}

Result<RawData> parseCsv(std::string_view text, const std::string& labelColumn,
                         const std::string& where, Index maxRows)
{
    CsvLines lines(text);
    std::vector<std::string> cells;
    if (!lines.next(cells)) {
        return corrupt("The table is empty.", where);
    }
    const bool decimalComma = lines.allowsDecimalComma();
    auto columns = columnsOf(cells, labelColumn, decimalComma, where);
    if (!columns) {
        return fail(std::move(columns).error());
    }
    const std::vector<std::string> names = cells;
    const std::size_t width = cells.size();
    const std::size_t features = width - (columns->label ? 1 : 0);
    if (features == 0) {
        return corrupt("The table has no column besides the label.", where);
    }
    Array table;
    std::vector<std::string> labels;
    Index rows = 0;
    for (bool more = !columns->hasHeader || lines.next(cells);
         more && (maxRows == 0 || rows < maxRows); more = lines.next(cells)) {
        const std::string place = where + ", line " + std::to_string(lines.line());
        if (cells.size() != width) {
            return corrupt("The line has " + std::to_string(cells.size()) + " cells, the first " +
                               std::to_string(width) + ".",
                           place);
        }
        for (std::size_t i = 0; i < width; ++i) {
            if (columns->label == i) {
                labels.push_back(std::move(cells[i]));
                continue;
            }
            const auto number = numberOf(cells[i], decimalComma);
            if (!number) {
                const std::string column = columns->hasHeader ? shown(names[i]) : std::to_string(i);
                return corrupt(shown(cells[i]) + " is no number.", place + ", column " + column);
            }
            table.values.push_back(*number);
        }
        ++rows;
    }
    if (rows == 0) {
        return corrupt("The table has no line of data.", where);
    }
    table.shape = {rows, static_cast<Index>(features)};
    RawData raw;
    raw.inputs.emplace_back("x", std::move(table));
    if (columns->label) {
        placeLabels(labels, decimalComma, raw);
    }
    return raw;
}

Result<RawData> readCsv(const SourceText& source, const DataRecipe& recipe,
                        const ReadContext& context)
{
    std::string_view text = source.bytes;
    if (!source.isWhole()) { // a glance: its last line may be cut
        text = text.substr(0, text.rfind('\n') + 1);
    }
    auto raw = parseCsv(text, recipe.labelColumn, source.path, context.glance ? recipe.limit : 0);
    if (raw) {
        raw->sha256 = source.sha256;
        raw->total = context.glance ? 0 : raw->inputs.front().second.shape.front();
    }
    return raw;
}

} // namespace bitscape::io
