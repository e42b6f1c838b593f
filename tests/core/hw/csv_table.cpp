// SPDX-License-Identifier: GPL-3.0-or-later
#include "csv_table.h"

#include <fstream>

namespace bitscape::hw::test {

namespace {

/// Cells of a line; quotes keep commas together and are doubled inside.
std::vector<std::string> cells(const std::string& line)
{
    std::vector<std::string> found{""};
    bool isQuoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const char c = line[i];
        if (c == '"' && isQuoted && i + 1 < line.size() && line[i + 1] == '"') {
            found.back() += line[++i];
        } else if (c == '"') {
            isQuoted = !isQuoted;
        } else if (c == ',' && !isQuoted) {
            found.emplace_back();
        } else if (c != '\r') {
            found.back() += c;
        }
    }
    return found;
}

} // namespace

std::vector<CsvRow> factoryTable(const std::string& file)
{
    std::ifstream stream(std::string(BITSCAPE_SHARED "/golden/qtools/factories/") + file);
    std::string line;
    std::vector<std::string> header;
    std::vector<CsvRow> rows;
    while (std::getline(stream, line)) {
        std::vector<std::string> values = cells(line);
        if (header.empty()) {
            header = std::move(values);
            continue;
        }
        std::map<std::string, std::string> row;
        for (std::size_t i = 0; i < header.size(); ++i) {
            row[header[i]] = i < values.size() ? values[i] : "";
        }
        rows.emplace_back(std::move(row));
    }
    return rows;
}

} // namespace bitscape::hw::test
