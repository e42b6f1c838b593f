// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/import_report.h"

#include "core/graph/layer_registry.h"
#include "core/io/keras_describe.h"

#include <QCoreApplication>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>

namespace bitscape::app {

namespace {

QString fromStd(std::string_view text)
{
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

/// A layer of the file, not one that reading put in.
bool isOfFile(const graph::Layer& layer)
{
    return !graph::isImplied(layer.op) &&
           !(std::holds_alternative<graph::InputOp>(layer.op) && layer.originalConfig.empty());
}

QString becomes(const graph::Layer& layer)
{
    if (!layer.isSupported()) {
        return {};
    }
    if (const auto* registered = std::get_if<graph::RuleOp>(&layer.op)) {
        return fromStd(registered->info->className);
    }
    return QString::fromStdString(io::describe(layer).plain);
}

/// The operator of the file, where a layer of another name computes it.
QString fileClassOf(const graph::Layer& layer)
{
    const auto config = nlohmann::json::parse(layer.originalConfig, nullptr, false);
    const auto found = config.is_object() ? config.find("op_type") : config.end();
    return QString::fromStdString(found != config.end() && found->is_string()
                                      ? found->get<std::string>()
                                      : layer.className);
}

QString quantizersOf(const graph::Configuration& configuration, const std::string& layer)
{
    QStringList parts;
    if (const auto found = configuration.layers.find(layer); found != configuration.layers.end()) {
        for (const auto& [slot, quantizer] : found->second) {
            parts << QStringLiteral("%1 %2").arg(fromStd(graph::name(slot)),
                                                 QString::fromStdString(quantizer->toString()));
        }
    }
    return parts.join(QStringLiteral(", "));
}

} // namespace

std::vector<ImportRow> importRows(const io::ModelFile& file)
{
    std::vector<ImportRow> rows;
    for (const graph::Layer& layer : file.graph->layers()) {
        if (!isOfFile(layer)) {
            continue;
        }
        QStringList remarks;
        if (const auto* unsupported = std::get_if<graph::UnsupportedOp>(&layer.op)) {
            remarks << QString::fromStdString(unsupported->reason);
        }
        for (const io::ImportNote& note : file.notes) {
            if (note.subject == layer.name) {
                remarks << QString::fromStdString(note.text);
            }
        }
        rows.push_back({.layer = layer.name,
                        .fileClass = fileClassOf(layer),
                        .becomes = becomes(layer),
                        .quantizers = quantizersOf(file.quantizers, layer.name),
                        .remark = remarks.join(QLatin1Char(' ')),
                        .isSupported = layer.isSupported()});
    }
    std::ranges::stable_partition(rows, [](const ImportRow& row) { return !row.isSupported; });
    return rows;
}

QStringList fileNotes(const io::ModelFile& file)
{
    QStringList lines;
    for (const io::ImportNote& note : file.notes) {
        if (file.graph->find(note.subject) < 0) {
            lines << QStringLiteral("%1: %2").arg(QString::fromStdString(note.subject),
                                                  QString::fromStdString(note.text));
        }
    }
    for (const Warning& warning : file.warnings) {
        lines << QString::fromStdString(warning.message);
    }
    return lines;
}

QString unsupportedSentence(const graph::Graph& graph)
{
    const std::vector<int> unsupported = graph.unsupported();
    if (unsupported.empty()) {
        return {};
    }
    std::map<QString, int> classes;
    for (const int index : unsupported) {
        ++classes[QString::fromStdString(graph.layer(index).className)];
    }
    QStringList named;
    for (const auto& [name, count] : classes) {
        named << QStringLiteral("%1 (%2)").arg(name).arg(count);
    }
    const auto all = std::ranges::count_if(graph.layers(), isOfFile);
    return QCoreApplication::translate("import", "%1 of %2 layers cannot be run: %3.")
        .arg(unsupported.size())
        .arg(all)
        .arg(named.join(QStringLiteral(", ")));
}

} // namespace bitscape::app
