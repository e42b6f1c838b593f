// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <string>
#include <vector>

namespace bitscape::hw::test {

/// A line of a CSV table by column name.
class CsvRow {
public:
    explicit CsvRow(std::map<std::string, std::string> cells) : m_cells(std::move(cells)) {}
    [[nodiscard]] bool has(const std::string& column) const { return m_cells.contains(column); }
    [[nodiscard]] const std::string& at(const std::string& column) const
    {
        return m_cells.at(column);
    }
    [[nodiscard]] double number(const std::string& column) const
    {
        return std::stod(m_cells.at(column));
    }

private:
    std::map<std::string, std::string> m_cells;
};

/// golden/qtools/factories/FILE; empty if it is not there.
[[nodiscard]] std::vector<CsvRow> factoryTable(const std::string& file);

} // namespace bitscape::hw::test
