// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/inputs.h"
#include "core/base/text.h"
#include "core/io/array_file.h"
#include "core/project/project.h"
#include "core/search/calibration.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <map>

namespace bitscape::cli {

namespace {

using search::Scheme;

struct CalibrateArguments {
    ModelOptions model;
    DataOptions data;
    search::CalibrateOptions options;
    std::string method = "minmax";
    std::string output, mapOutput;
};

using Method = Result<search::CalibrationResult> (*)(const graph::Graph&, const graph::WeightSet&,
                                                     const search::Calibration&,
                                                     const search::CalibrateOptions&);

/// Ways to choose ranges, by name.
const std::map<std::string, Method>& methods()
{
    static const std::map<std::string, Method> table{{"minmax", &search::minMax}};
    return table;
}

Result<Method> findMethod(const std::string& name)
{
    const auto found = methods().find(name);
    if (found != methods().end()) {
        return found->second;
    }
    std::vector<std::string> known;
    for (const auto& [method, run] : methods()) {
        known.push_back(method);
    }
    return fail(ErrorCode::InvalidArgument, "There is no calibration method '" + name + "'.",
                "--method", "This release has " + join(known, ", ") + ".");
}

Json oneOrMany(const std::vector<double>& values)
{
    if (values.size() == 1) {
        return number(values.front());
    }
    Json list = Json::array();
    for (const double value : values) {
        list.push_back(number(value));
    }
    return list;
}

Json toJson(const search::TensorRange& row)
{
    return {{"layer", row.layer},
            {"tensor", row.tensor},
            {"min", number(row.minimum)},
            {"max", number(row.maximum)},
            {"scale", oneOrMany(row.scale)},
            {"zero_point", oneOrMany(row.zeroPoint)},
            {"bits", row.bits},
            {"clipped_fraction", number(row.clippedFraction)},
            {"sqnr_db", number(row.sqnrDb)}};
}

std::string toTable(const std::vector<search::TensorRange>& tensors)
{
    std::vector<std::vector<std::string>> rows{
        {"layer", "tensor", "bits", "min", "max", "scale", "zero point", "SQNR dB"}};
    const auto first = [](const std::vector<double>& values) {
        return values.size() == 1 ? fmt::format("{:.6g}", values.front())
                                  : fmt::format("{} values", values.size());
    };
    for (const search::TensorRange& row : tensors) {
        rows.push_back({row.layer, row.tensor, std::to_string(row.bits),
                        fmt::format("{:.6g}", row.minimum), fmt::format("{:.6g}", row.maximum),
                        first(row.scale), first(row.zeroPoint), fmt::format("{:.1f}", row.sqnrDb)});
    }
    return table(rows, {false, false, true, true, true, true, true, true});
}

Result<void> saveProject(const std::string& path, const project::OpenedModel& opened,
                         io::DataSet data, search::Calibration calibration,
                         const graph::Configuration& configuration)
{
    project::Project project = project::makeProject(opened.model);
    project.putData(std::move(data));
    project.calibration = std::make_shared<const search::Calibration>(std::move(calibration));
    const bool ownWeights = opened.weights == opened.model->graph->weights();
    project.putConfiguration(
        {.configuration = configuration,
         .weights =
             ownWeights ? nullptr : std::make_shared<const graph::WeightSet>(opened.weights)});
    return project::save(project, path);
}

Result<void> saveResults(const CalibrateArguments& arguments, const project::OpenedModel& opened,
                         io::DataSet data, search::Calibration calibration,
                         const graph::Configuration& configuration, const Json& tensors)
{
    const std::string map = graph::toMap(*opened.model->graph, configuration);
    if (!arguments.mapOutput.empty()) {
        if (auto ok = io::writeFileAtomically(arguments.mapOutput, map + "\n"); !ok) {
            return ok;
        }
    }
    if (arguments.output.ends_with(".bitscape")) {
        return saveProject(arguments.output, opened, std::move(data), std::move(calibration),
                           configuration);
    }
    if (!arguments.output.empty()) {
        const Json document{{"method", arguments.method},
                            {"data", data.recipe.describe()},
                            {"samples", calibration.samples},
                            {"tensors", tensors},
                            {"map", Json::parse(map)}};
        return io::writeFileAtomically(arguments.output, document.dump(2) + "\n");
    }
    return {};
}

Result<Answer> runCalibrate(Session& session, const CalibrateArguments& arguments)
{
    auto method = findMethod(arguments.method);
    if (!method) {
        return fail(std::move(method).error());
    }
    if (auto ok = arguments.options.validate(); !ok) {
        return fail(std::move(ok).error());
    }
    auto opened = openModel(session, arguments.model);
    if (!opened) {
        return fail(std::move(opened).error());
    }
    const graph::GraphPtr graph = opened->model->graph;
    if (auto ok = graph::requireSupported(*graph); !ok) {
        return fail(std::move(ok).error());
    }
    auto data = openDataFor(session, arguments.data, *graph);
    if (!data) {
        return fail(std::move(data).error());
    }
    session.loaded();

    auto calibration =
        search::gather(graph, opened->weights, *data->samples, session.parallel(), session.job());
    if (!calibration) {
        return fail(std::move(calibration).error());
    }
    calibration->dataDescription = data->recipe.describe();
    if (auto ok = session.job().proceed(); !ok) {
        return fail(std::move(ok).error());
    }
    auto result = (*method)(*graph, opened->weights, *calibration, arguments.options);
    if (!result) {
        return fail(std::move(result).error());
    }
    Answer answer;
    Json tensors = Json::array();
    for (const search::TensorRange& row : result->tensors) {
        tensors.push_back(toJson(row));
    }
    if (auto ok = saveResults(arguments, *opened, std::move(*data), std::move(*calibration),
                              result->configuration, tensors);
        !ok) {
        return fail(std::move(ok).error());
    }
    answer.json["method"] = arguments.method;
    answer.json["tensors"] = std::move(tensors);
    answer.text = toTable(result->tensors);
    for (const std::string& path : {arguments.output, arguments.mapOutput}) {
        if (!path.empty()) {
            answer.json["files"].push_back(path);
            answer.text += "\nSaved " + path + "\n";
        }
    }
    return answer;
}

} // namespace

Action declareCalibrate(CLI::App& app)
{
    auto arguments = std::make_shared<CalibrateArguments>();
    search::CalibrateOptions& options = arguments->options;
    addModelOptions(app, arguments->model, false);
    addDataOptions(app, arguments->data, DataArgument::Option);
    app.add_option("--method", arguments->method, "How ranges are chosen: minmax")
        ->capture_default_str();
    app.add_option("--weight-bits", options.weightBits, "Bits of kernels")->capture_default_str();
    app.add_option("--activation-bits", options.activationBits, "Bits of layer outputs")
        ->capture_default_str();
    app.add_option("--scheme", options.scheme,
                   "affine (scale and zero point), symmetric (zero point 0) or po2 (fixed point)")
        ->transform(
            CLI::CheckedTransformer(std::map<std::string, Scheme>{{"affine", Scheme::Affine},
                                                                  {"symmetric", Scheme::Symmetric},
                                                                  {"po2", Scheme::PowerOfTwo}}))
        ->default_str("affine");
    app.add_flag("--per-channel", options.perChannel, "A scale per output channel of kernels");
    app.add_flag("--fold-batchnorm", options.foldBatchNorm,
                 "Fold batch normalizations into the layers before them");
    app.add_option("--output", arguments->output, "Write C.json or a project P.bitscape");
    app.add_option("--map-output", arguments->mapOutput, "Write the quantizers as a map");
    return [arguments](Session& session) { return runCalibrate(session, *arguments); };
}

} // namespace bitscape::cli
