// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/version.h"
#include "core/project/report.h"
#include "core/project/report_content.h"
#include "core/project/svg.h"

#include <fmt/format.h>

#include <array>

namespace bitscape::project {

namespace {

using svg::escaped;

constexpr std::string_view kStyle = R"css(
:root{color-scheme:light;--text:#1e2329;--second:#59616b;--line:#c3c8ce;--grid:#e3e6ea;--base:#fff;--alternate:#f6f7f9;--window:#eff0f2;--blue:#0557a3}
*{box-sizing:border-box}
html{background:var(--window)}
body{margin:0;color:var(--text);font:15px/1.5 Inter,"Noto Sans","DejaVu Sans",system-ui,sans-serif;font-variant-numeric:tabular-nums}
main,header.top>div{max-width:1200px;margin:0 auto;padding:0 32px}
header.top{background:var(--base);border-bottom:1px solid var(--line);padding:30px 0 0}
.brand{display:flex;align-items:center;gap:10px;color:var(--second);font-size:13px}
.brand svg{width:22px;height:22px}
h1{margin:6px 0 2px;font-size:30px;line-height:1.2;font-weight:650;letter-spacing:-.01em;overflow-wrap:anywhere}
.subtitle{margin:0 0 22px;color:var(--second)}
.strip{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));border:1px solid var(--line);border-radius:6px;overflow:hidden;background:var(--line);gap:1px}
.strip div{background:var(--base);padding:12px 16px 11px}
.strip dt,.strip .label{font-size:12.5px;color:var(--second)}
.strip .value{font-size:23px;font-weight:650;line-height:1.35;white-space:nowrap}
.strip .detail{font-size:12.5px;color:var(--second)}
nav{display:flex;flex-wrap:wrap;gap:2px 20px;padding:16px 0 14px;font-size:14px}
nav a{color:var(--blue);text-decoration:none}
nav a:hover,nav a:focus-visible{text-decoration:underline}
section{background:var(--base);border:1px solid var(--line);border-radius:6px;margin:20px 0;padding:22px 26px 24px}
h2{margin:0 0 12px;font-size:20px;font-weight:650}
h3{margin:26px 0 8px;font-size:15px;font-weight:650}
p{margin:0 0 10px;max-width:74ch}
dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:3px 22px;margin:0 0 6px}
dl.facts dt{color:var(--second)}
dl.facts dd{margin:0;overflow-wrap:anywhere}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:13px;min-width:60%}
th{position:sticky;top:0;text-align:left;font-weight:600;background:var(--window);border-bottom:1px solid var(--line);white-space:nowrap}
th,td{padding:5px 10px}
td{border-bottom:1px solid var(--grid);white-space:nowrap}
td.wrap{white-space:normal;min-width:18em}
tbody tr:nth-child(even){background:var(--alternate)}
.n{text-align:right}
code{font:12.5px/1.4 "JetBrains Mono","DejaVu Sans Mono",ui-monospace,monospace}
.chip{display:inline-block;min-width:26px;padding:1px 6px;border-radius:4px;text-align:center;font-weight:600;font-size:12.5px}
.note{margin:8px 0 0;color:var(--second);font-size:13px;max-width:none}
figure{margin:18px 0 6px}
figure svg{max-width:100%;height:auto;display:block}
figcaption{color:var(--second);font-size:13px;margin-top:4px;max-width:90ch}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(440px,1fr));gap:0 26px}
details{margin-top:18px}
summary{cursor:pointer;font-weight:650;font-size:15px;margin-bottom:8px}
footer{color:var(--second);font-size:13px;padding:4px 0 40px}
@media print{html{background:#fff}section{break-inside:avoid-page;border:0;padding:8px 0;margin:8px 0}nav{display:none}th{position:static}details>*{display:block}}
@media (max-width:640px){main,header.top>div{padding:0 14px}section{padding:16px}.plots{grid-template-columns:1fr}dl.facts{grid-template-columns:1fr}dl.facts dt{margin-top:6px}}
)css";

/// The program's mark: four levels of a quantized curve.
constexpr std::string_view kMark =
    R"(<svg viewBox="0 0 24 24" aria-hidden="true"><rect width="24" height="24" rx="5" fill="#0557A3"/><path d="M5 18v-4h4v-3.500h4V7h6" fill="none" stroke="#FFFFFF" stroke-width="2.200" stroke-linejoin="round"/></svg>)";

struct ChipColor {
    int most; ///< widths up to this
    const char* fill;
    const char* ink;
};
constexpr std::array<ChipColor, 8> kChips{{{1, "#8E3B00", "#FFFFFF"},
                                           {2, "#E36404", "#000000"},
                                           {3, "#F3C27A", "#000000"},
                                           {4, "#0557A3", "#FFFFFF"},
                                           {7, "#5E9FD6", "#000000"},
                                           {8, "#9CC6E8", "#000000"},
                                           {31, "#CFE3F5", "#000000"},
                                           {1 << 20, "#DDE1E5", "#000000"}}};

std::string cellText(const Cell& cell)
{
    switch (cell.kind) {
    case Cell::Kind::Code:
        return "<code>" + escaped(cell.text) + "</code>";
    case Cell::Kind::Bits:
        for (const ChipColor& chip : kChips) {
            if (cell.bits <= chip.most) {
                return fmt::format(R"(<span class="chip" style="background:{};color:{}">{}</span>)",
                                   chip.fill, chip.ink, escaped(cell.text));
            }
        }
        break;
    case Cell::Kind::Text:
        break;
    }
    return escaped(cell.text);
}

std::string tableHtml(const Table& table)
{
    constexpr std::size_t kWrapAbove = 60;
    std::string body = R"(<div class="scroll"><table><thead><tr>)";
    for (const Column& column : table.columns) {
        body += fmt::format(R"(<th scope="col"{}>{}</th>)", column.isNumber ? " class=\"n\"" : "",
                            escaped(column.title));
    }
    body += "</tr></thead>\n<tbody>\n";
    for (const std::vector<Cell>& row : table.rows) {
        body += "<tr>";
        for (std::size_t i = 0; i < row.size(); ++i) {
            const bool isLong = row[i].kind == Cell::Kind::Text && row[i].text.size() > kWrapAbove;
            const char* kind = table.columns[i].isNumber ? " class=\"n\""
                               : isLong                  ? " class=\"wrap\""
                                                         : "";
            body += fmt::format("<td{}>{}</td>", kind, cellText(row[i]));
        }
        body += "</tr>\n";
    }
    body += "</tbody></table></div>\n";
    if (!table.note.empty()) {
        body += fmt::format("<p class=\"note\">{}</p>\n", escaped(table.note));
    }
    if (table.isFolded) {
        return fmt::format("<details><summary>{} ({})</summary>\n{}</details>\n",
                           escaped(table.title), table.rows.size(), body);
    }
    return (table.title.empty() ? "" : fmt::format("<h3>{}</h3>\n", escaped(table.title))) + body;
}

std::string factsHtml(const std::vector<Fact>& facts)
{
    if (facts.empty()) {
        return {};
    }
    std::string out = "<dl class=\"facts\">\n";
    for (const Fact& fact : facts) {
        const std::string value = escaped(fact.value);
        out += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(fact.label),
                           fact.isCode ? "<code>" + value + "</code>" : value);
    }
    return out + "</dl>\n";
}

std::string figuresHtml(const std::vector<Figure>& figures)
{
    std::string out;
    bool isOpen = false; // narrow plots stand side by side
    for (const Figure& figure : figures) {
        const bool isNarrow = figure.svg.find("viewBox=\"0 0 640 ") != std::string::npos;
        if (isNarrow != isOpen) {
            out += isNarrow ? "<div class=\"plots\">\n" : "</div>\n";
            isOpen = isNarrow;
        }
        out +=
            fmt::format("<figure id=\"{}\"><h3>{}</h3>\n{}<figcaption>{}</figcaption></figure>\n",
                        figure.id, escaped(figure.title), figure.svg, escaped(figure.caption));
    }
    return out + (isOpen ? "</div>\n" : "");
}

std::string sectionHtml(const Section& section)
{
    std::string out =
        fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n", section.id, escaped(section.title));
    for (const std::string& paragraph : section.paragraphs) {
        out += "<p>" + escaped(paragraph) + "</p>\n";
    }
    out += factsHtml(section.facts) + figuresHtml(section.figures);
    for (const Table& table : section.tables) {
        out += tableHtml(table);
    }
    return out + "</section>\n";
}

} // namespace

Result<std::string> htmlReport(const Project& project)
{
    if (project.isEmpty()) {
        return fail(ErrorCode::InvalidArgument, "The project holds no model to report on.", "",
                    "Open a model first.");
    }
    const ReportData data = gatherReport(project);
    const ReportContent content = reportContent(data);
    std::string out = fmt::format(R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Bitscape {}">
<title>{} – Bitscape report</title>
<style>{}</style>
</head>
<body>
<header class="top"><div>
<div class="brand">{}<span>Bitscape report</span></div>
<h1>{}</h1>
<p class="subtitle">{}</p>
<div class="strip">
)",
                                  version(), escaped(content.title), kStyle, kMark,
                                  escaped(content.title), escaped(content.subtitle));
    for (const Headline& cell : content.headlines) {
        out += fmt::format("<div><span class=\"label\">{}</span><br><span class=\"value\">{}</span>"
                           "<br><span class=\"detail\">{}</span></div>\n",
                           escaped(cell.label), escaped(cell.value), escaped(cell.detail));
    }
    out += "</div>\n<nav aria-label=\"Contents\">\n";
    for (const Section& section : content.sections) {
        out += fmt::format("<a href=\"#{}\">{}</a>\n", section.id, escaped(section.title));
    }
    out += "</nav>\n</div></header>\n<main>\n";
    for (const Section& section : content.sections) {
        out += sectionHtml(section);
    }
    out += fmt::format("<footer>Made by Bitscape {}. The document needs no network.</footer>\n"
                       "</main>\n</body>\n</html>\n",
                       version());
    return out;
}

} // namespace bitscape::project
