// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/file_preview.h"

#include "app/document/import_report.h"
#include "app/document/pictures.h"
#include "core/project/project.h"
#include "widgets/style/format.h"

#include <QCoreApplication>

namespace bitscape::app {

namespace {

constexpr int kPictures = 12;

QString words(const char* text, int count = -1)
{
    return QCoreApplication::translate("preview", text, nullptr, count);
}

widgets::FilePreview refused(const Error& error)
{
    return {.title = words(QT_TRANSLATE_NOOP("preview", "Cannot be opened")),
            .lines = {},
            .pictures = {},
            .problem = QString::fromStdString(error.sentence())};
}

QStringList linesOf(const graph::Graph& graph)
{
    QStringList lines{
        words(QT_TRANSLATE_N_NOOP("preview", "%n layer(s)"),
              static_cast<int>(graph.layers().size())),
        words(QT_TRANSLATE_NOOP("preview", "%1 parameters, %2 MACs per sample"))
            .arg(widgets::integer(graph.parameterCount()), widgets::integer(graph.macs()))};
    for (const int input : graph.inputs()) {
        const graph::Layer& layer = graph.layer(input);
        lines << words(QT_TRANSLATE_NOOP("preview", "input %1: %2"))
                     .arg(QString::fromStdString(layer.name),
                          QString::fromStdString(layer.outputShape.toString()));
    }
    return lines;
}

widgets::FilePreview ofModel(const std::string& path)
{
    const auto opened = project::openModel(path);
    if (!opened) {
        return refused(opened.error());
    }
    const io::ModelFile& file = *opened->model;
    return {.title = QStringLiteral("%1, %2").arg(QString::fromStdString(file.format),
                                                  QString::fromStdString(file.producer)),
            .lines = linesOf(*file.graph),
            .pictures = {},
            .problem = unsupportedSentence(*file.graph)};
}

widgets::FilePreview ofProject(const std::string& path)
{
    const auto project = project::load(path, project::DataPolicy::Stored);
    if (!project) {
        return refused(project.error());
    }
    widgets::FilePreview preview;
    preview.title = QString::fromStdString(project->name);
    if (!project->isEmpty()) {
        preview.lines = linesOf(project->graph());
    }
    preview.lines << words(QT_TRANSLATE_N_NOOP("preview", "%n configuration(s)"),
                           static_cast<int>(project->configurations.size()))
                  << words(QT_TRANSLATE_N_NOOP("preview", "%n study(s)"),
                           static_cast<int>(project->studies.size()));
    if (project->data) {
        preview.pictures = picturesOf(io::previewOf(*project->data, kPictures)).images;
    }
    return preview;
}

widgets::FilePreview ofData(const std::string& path)
{
    io::DataRecipe recipe;
    recipe.source = path;
    const auto data = io::previewData(recipe, kPictures);
    if (!data) {
        return refused(data.error());
    }
    widgets::FilePreview preview;
    preview.title = data->count > 0 ? words(QT_TRANSLATE_N_NOOP("preview", "%n sample(s)"),
                                            static_cast<int>(data->count))
                                    : words(QT_TRANSLATE_NOOP("preview", "A data set"));
    preview.lines << words(QT_TRANSLATE_NOOP("preview", "%1 of %2"))
                         .arg(QString::fromStdString(data->sampleShape.toString()),
                              QString::fromStdString(data->dtype))
                  << words(QT_TRANSLATE_NOOP("preview", "values %1 … %2"))
                         .arg(widgets::compact(data->minimum), widgets::compact(data->maximum));
    if (data->countsAll && !data->classes.empty()) {
        preview.lines << words(QT_TRANSLATE_N_NOOP("preview", "%n class(es)"),
                               static_cast<int>(data->classes.size()));
    }
    preview.pictures = picturesOf(*data).images;
    return preview;
}

} // namespace

widgets::FilePreview previewOf(const QString& path, FileRole role)
{
    const std::string name = path.toStdString();
    switch (role) {
    case FileRole::Project:
        return ofProject(name);
    case FileRole::Model:
        return ofModel(name);
    case FileRole::Data:
        break;
    }
    return ofData(name);
}

} // namespace bitscape::app
