// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "core/io/array_file.h"
#include "core/io/data_file.h"
#include "core/io/foreign_format.h"
#include "core/io/model_file.h"
#include "core/project/project.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace bitscape::cli {

namespace {

Result<Answer> describeModel(const std::string& path)
{
    auto model = io::loadModel(path);
    if (!model) {
        return fail(std::move(model).error());
    }
    const graph::Graph& graph = *model->graph;
    Answer answer;
    answer.json = {{"kind", "model"},
                   {"format", model->format},
                   {"producer", model->producer},
                   {"layers", graph.layers().size()},
                   {"unsupported", graph.unsupported().size()},
                   {"sha256", model->sha256}};
    answer.text = fmt::format("{}: a model ({}, {}) of {} layers", path, model->format,
                              model->producer, graph.layers().size());
    return answer;
}

Result<Answer> describeData(const std::string& path)
{
    auto data = io::loadData({.source = path});
    if (!data) {
        return fail(std::move(data).error());
    }
    const Shape shape = data->samples->inputs.front().shape();
    Answer answer;
    answer.json = {{"kind", "data"},
                   {"format", data->dtype},
                   {"count", data->samples->count()},
                   {"sha256", data->sha256}};
    answer.text = fmt::format("{}: data, {} of {}", path, shape.toString(), data->dtype);
    return answer;
}

Result<Answer> describeProject(const std::string& path)
{
    auto project = project::load(path);
    if (!project) {
        return fail(std::move(project).error());
    }
    Answer answer;
    answer.json = {{"kind", "project"},
                   {"format", "bitscape"},
                   {"configurations", project->configurations.size()}};
    answer.text =
        fmt::format("{}: a project of {} configurations", path, project->configurations.size());
    return answer;
}

bool looksLikeModel(io::FileFormat format, const std::string& path)
{
    switch (format) {
    case io::FileFormat::Json:
    case io::FileFormat::Onnx:
    case io::FileFormat::TfLite:
        return true;
    case io::FileFormat::KerasZip: // an npz is a zip as well
        return path.ends_with(".keras");
    case io::FileFormat::Hdf5:
    case io::FileFormat::Unknown:
        break;
    }
    return false;
}

Result<Answer> probe(const std::string& path)
{
    if (path.ends_with(".bitscape")) {
        return describeProject(path);
    }
    auto bytes = io::readFile(path);
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    const io::FileFormat format = io::formatOf(*bytes);
    if (looksLikeModel(format, path)) {
        return describeModel(path);
    }
    if (format != io::FileFormat::Hdf5) {
        return describeData(path);
    }
    auto model = describeModel(path);
    if (model) {
        return model;
    }
    auto data = describeData(path); // HDF5 files hold data sets as well
    return data ? std::move(data) : std::move(model);
}

} // namespace

Action declareProbe(CLI::App& app)
{
    auto path = std::make_shared<std::string>();
    app.add_option("FILE", *path, "Model, data or project")->required();
    return [path](Session& session) {
        auto answer = probe(*path);
        session.loaded();
        return answer;
    };
}

} // namespace bitscape::cli
