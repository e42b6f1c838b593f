// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/table_export.h"

#include "core/base/text.h"
#include "core/io/run_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>
#include <utility>

namespace bitscape::io {

namespace {

/// A cell: in quotes where it holds what parts cells.
std::string cell(const std::string& text)
{
    if (text.find_first_of(",\"\n") == std::string::npos) {
        return text;
    }
    std::string out = "\"";
    for (const char c : text) {
        out += c;
        out += c == '"' ? "\"" : "";
    }
    return out + "\"";
}

/// Numbers of a list, parted by blanks.
template <class T>
std::string listText(std::span<const T> values)
{
    return fmt::format("{}", fmt::join(values.begin(), values.end(), " "));
}

struct TableRow {
    std::string layer, tensor, kind, quantizer, bits, scale, zeroPoint, low, high, shape, file;
};

std::string lineOf(const TableRow& row)
{
    std::string line;
    for (const std::string* text :
         {&row.layer, &row.tensor, &row.kind, &row.quantizer, &row.bits, &row.scale, &row.zeroPoint,
          &row.low, &row.high, &row.shape, &row.file}) {
        line += (line.empty() ? "" : ",") + cell(*text);
    }
    return line + "\n";
}

void describeGrid(const std::optional<UniformGrid>& grid, TableRow& row)
{
    if (grid) {
        row.scale = listText<float>(grid->steps);
        row.zeroPoint = listText<float>(grid->zeroPoints);
        row.low = fmt::format("{}", grid->low);
        row.high = fmt::format("{}", grid->high);
    }
}

/// The last axis in columns, the others in rows.
std::string matrixText(const Tensor& values)
{
    const auto columns = static_cast<std::size_t>(values.shape().channels());
    std::string text;
    for (std::size_t i = 0; i < values.values().size(); ++i) {
        text += fmt::format("{}{}", values.values()[i], (i + 1) % columns == 0 ? "\n" : ",");
    }
    return text;
}

/// A name that no file system trips over and no other tensor has.
std::string fileName(const std::string& layer, const std::string& tensor,
                     std::set<std::string>& taken)
{
    std::string base = layer + "." + tensor;
    for (char& c : base) {
        const bool isPlain =
            std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
        c = isPlain ? c : '_';
    }
    std::string name = base + ".csv";
    for (int i = 2; !taken.insert(name).second; ++i) {
        name = fmt::format("{}_{}.csv", base, i);
    }
    return name;
}

std::string shapeText(const Shape& shape)
{
    return listText<Index>(shape.sizes());
}

} // namespace

Result<ExportContent> exportCsv(const ExportInput& input)
{
    auto run = runNetwork(input);
    if (!run) {
        return fail(std::move(run).error());
    }
    ExportContent content;
    std::set<std::string> taken{"tensors.csv"};
    std::string table = "layer,tensor,kind,quantizer,bits,scale,zero_point,lowest_code,"
                        "highest_code,shape,file\n";
    for (const RunWeight& weight : run->weights) {
        const graph::Layer& layer = run->layerOf(weight);
        const std::string& name = run->nameOf(weight);
        TableRow row{.layer = layer.name, .tensor = name, .kind = "weight"};
        row.shape = shapeText(weight.value->shape());
        row.file = fileName(layer.name, name, taken);
        Tensor shown = weight.quantized();
        if (weight.quantizer) {
            row.quantizer = weight.quantizer->toString();
            row.bits = std::to_string(weight.quantizer->bits());
            describeGrid(uniformGrid(*weight.quantizer, weight.value->view()), row);
            if (auto codes = weight.quantizer->codes(weight.value->view(), {})) {
                shown = std::move(*codes);
            } else {
                content.notes.push_back({ImportKind::Converted, layer.name + "/" + name,
                                         "Its levels have no codes; the file holds values."});
            }
        }
        table += lineOf(row);
        content.files.push_back({row.file, matrixText(shown)});
    }
    for (const graph::Layer& layer : run->graph->layers()) {
        auto quantizer = run->configuration.find(layer.name, graph::Slot::Activation);
        if (!quantizer && std::holds_alternative<graph::InputOp>(layer.op)) {
            quantizer = run->configuration.input;
        }
        if (!quantizer) {
            continue;
        }
        TableRow row{.layer = layer.name, .tensor = "output", .kind = "activation"};
        row.shape = shapeText(layer.outputShape);
        row.quantizer = quantizer->toString();
        row.bits = std::to_string(quantizer->bits());
        describeGrid(uniformGrid(*quantizer), row);
        table += lineOf(row);
    }
    content.files.insert(content.files.begin(), {"tensors.csv", std::move(table)});
    return content;
}

} // namespace bitscape::io
