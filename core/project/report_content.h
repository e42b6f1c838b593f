// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/project/plots.h"
#include "core/project/report_data.h"

#include <optional>
#include <string>
#include <vector>

// What a report says, without a format: HTML and Markdown print the same content.
namespace bitscape::project {

struct Cell {
    enum class Kind { Text, Bits, Code } kind = Kind::Text;
    std::string text;
    int bits = 0; ///< Kind::Bits: for the color of the chip; 32: float
};

struct Column {
    std::string title;
    bool isNumber = false; ///< aligned to the right
};

struct Table {
    std::string title;
    std::vector<Column> columns;
    std::vector<std::vector<Cell>> rows;
    std::string note;      ///< below; may be empty
    bool isFolded = false; ///< long: shown on demand
};

struct Fact {
    std::string label, value;
    bool isCode = false; ///< a hash, a command line
};

struct Section {
    std::string id, title;
    std::vector<std::string> paragraphs;
    std::vector<Fact> facts;
    std::vector<Figure> figures;
    std::vector<Table> tables;
};

/// A number of the strip on top.
struct Headline {
    std::string label, value, detail;
};

struct ReportContent {
    std::string title, subtitle;
    std::vector<Headline> headlines;
    std::vector<Section> sections;
};

[[nodiscard]] ReportContent reportContent(const ReportData& data);

} // namespace bitscape::project
