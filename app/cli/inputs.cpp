// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/inputs.h"

#include "core/io/array_file.h"
#include "core/project/open_options.h"

#include <CLI/CLI.hpp>

#include <charconv>

namespace bitscape::cli {

void addModelOptions(CLI::App& app, ModelOptions& options, bool withMap)
{
    app.add_option("MODEL", options.model,
                   "Model: x.keras, x.h5, arch.json,weights.h5, p.bitscape[@CONFIG] or sample:NAME")
        ->required();
    app.add_option("--architecture", options.architecture,
                   "Where the layers are described, for files of weights only: architecture JSON "
                   "or a Keras model");
    if (withMap) {
        app.add_option(
            "--map", options.map,
            "Quantizers per layer: JSON file or inline JSON of QKeras or TensorQuant, AIMET "
            "encodings, hls4ml YAML");
    }
}

void addDataOptions(CLI::App& app, DataOptions& options, DataArgument argument, LimitOption limit)
{
    io::DataRecipe& recipe = options.recipe;
    const std::string what =
        "Data: fashion-mnist[:train|:test], sample:digits, x.npz, x.npy[,y.npy], "
        "IDX, CSV, CIFAR-10 binary, f.h5::/x,/y, TFRecord (a file, its shards' prefix or a "
        "folder), folder of images (class = sub-folder), MLPerf Tiny folder";
    CLI::Option* source = argument == DataArgument::Positional
                              ? app.add_option("DATA", recipe.source, what)
                              : app.add_option("--data", recipe.source, what);
    source->required(argument != DataArgument::OptionalOption);
    app.add_option("--x", recipe.xKey,
                   "Array of the samples in an npz or HDF5 file, feature of TFRecords");
    app.add_option("--y", recipe.yKey,
                   "Array of the labels in an npz or HDF5 file, feature of TFRecords");
    app.add_option("--label", recipe.labelColumn, "Column of the label in a CSV file");
    app.add_option_function<double>(
        "--scale", [&recipe](double value) { recipe.scale = value; }, "Multiply all values");
    app.add_option("--normalize", recipe.normalize,
                   "mean,std | minmax | imagenet | int8:SCALE,ZERO");
    app.add_option("--layout", recipe.layout, "Layout of images in the file")
        ->check(CLI::IsMember({"nhwc", "nchw"}))
        ->capture_default_str();
    app.add_option("--image-size", options.imageSize,
                   "Resize images to HxW, bilinear with half-pixel centres");
    app.add_option("--color", recipe.color,
                   "Channels of images; auto: grey where all are grey, else rgb")
        ->check(CLI::IsMember({"rgb", "grey", "auto"}))
        ->capture_default_str();
    app.add_option("--dtype", recipe.dtype,
                   "Type of raw bytes in MLPerf Tiny folders and TFRecords: uint8, int8, float32, "
                   "…; by default uint8, float32 for windows");
    if (limit == LimitOption::Add) {
        app.add_option("--limit", recipe.limit, "Use at most N samples; 0: all")
            ->check(CLI::NonNegativeNumber)
            ->capture_default_str();
    }
    app.add_option("--skip", recipe.skip, "Leave out the first N samples")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app.add_option("--split", options.split, "Use the first part only: train=0.8");
    app.add_option("--classes", recipe.classes, "Number of classes; 0: from the labels")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
}

Result<project::OpenedModel> openModel(Session& session, const ModelOptions& options)
{
    auto opened = project::openModel(options.model, {.architecture = options.architecture});
    if (!opened) {
        return opened;
    }
    session.warn(opened->model->warnings);
    if (!options.map.empty()) {
        auto text = fileOrInline("--map", options.map);
        if (!text) {
            return fail(std::move(text).error());
        }
        auto mapped = graph::applyMap(*opened->model->graph, opened->configuration, *text);
        if (!mapped) {
            return fail(std::move(mapped).error().in("--map"));
        }
        session.warn(mapped->warnings);
        opened->configuration = std::move(mapped->configuration);
    }
    return opened;
}

namespace {

Result<io::DataRecipe> recipeOf(const DataOptions& options)
{
    io::DataRecipe recipe = options.recipe;
    if (!options.split.empty()) {
        const std::string_view prefix = "train=";
        const std::string_view text = options.split;
        const char* end = text.data() + text.size();
        double share = 0;
        if (!text.starts_with(prefix) ||
            std::from_chars(text.data() + prefix.size(), end, share).ptr != end) {
            return fail(ErrorCode::InvalidArgument, "'" + options.split + "' is no split.",
                        "--split", "Write it as train=0.8.");
        }
        recipe.splitTrain = share;
    }
    if (!options.imageSize.empty()) {
        auto size = io::parseImageSize(options.imageSize);
        if (!size) {
            return fail(std::move(size).error());
        }
        recipe.imageSize = *size;
    }
    if (auto valid = recipe.validate(); !valid) {
        return fail(std::move(valid).error());
    }
    return recipe;
}

} // namespace

Result<io::DataSet> openData(Session& session, const DataOptions& options)
{
    auto recipe = recipeOf(options);
    if (!recipe) {
        return fail(std::move(recipe).error());
    }
    auto data = project::openData(*recipe, session.job(), session.options().threads);
    if (data) {
        session.warn(data->warnings);
    }
    return data;
}

Result<io::DataSet> openDataFor(Session& session, const DataOptions& options,
                                const graph::Graph& graph)
{
    std::vector<std::string> names;
    std::vector<Shape> shapes;
    for (const int input : graph.inputs()) {
        names.push_back(graph.layer(input).name);
        shapes.push_back(graph.layer(input).outputShape);
    }
    DataOptions fitting = options;
    if (graph.batchAxis() == graph::BatchAxis::None) {
        fitting.recipe.wholeInputs = names;
    }
    auto data = openData(session, fitting);
    if (!data) {
        return data;
    }
    auto fitted = io::fitToInputs(data->samples, names, shapes);
    if (!fitted) {
        return fail(std::move(fitted).error().in(options.recipe.source));
    }
    data->samples = std::move(*fitted);
    return data;
}

Result<std::string> fileOrInline(const std::string& option, const std::string& value)
{
    if (value.starts_with("{") || value.starts_with("[")) {
        return value;
    }
    auto text = io::readFile(value);
    if (!text) {
        return fail(std::move(text).error().in(option));
    }
    return std::move(*text);
}

Json shapeWithBatch(const Shape& shape, graph::BatchAxis batch)
{
    Json out = Json::array();
    if (batch == graph::BatchAxis::Samples) {
        out.push_back(nullptr);
    }
    for (const Index size : shape.sizes()) {
        out.push_back(size < 0 ? Json(nullptr) : Json(size));
    }
    return out;
}

} // namespace bitscape::cli
