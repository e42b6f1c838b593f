// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/execution.h"
#include "core/graph/functions/function_layer.h"
#include "core/io/array_file.h"
#include "core/project/exports.h"
#include "core/project/search_export.h"
#include "core/search/autoq_config.h"
#include "core/search/calibration.h"
#include "tests/core/io/temporary_folder.h"
#include "tests/core/project/sample_projects.h"
#include "tests/support/networks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

namespace bitscape::project {
namespace {

using io::tests::contentOf;
using io::tests::TemporaryFolder;
using ::testing::HasSubstr;
using tests::fullProject;
using tests::quantizer;
using tests::valueOf;

constexpr float kRoundTripError = 1e-5F;   // of the output's range
constexpr float kTwoSteps = 2.0F / 256.0F; // of a probability in eight bits

/// A project with a search and quantizers of many kinds.
ExportRequest wholeRequest()
{
    const auto project = std::make_shared<const Project>(fullProject());
    return valueOf(exportRequest({project->model, project->currentConfiguration().configuration,
                                  project->currentWeights(), project}));
}

/// The same with every tensor on eight bits.
ExportRequest calibratedRequest()
{
    auto project = std::make_shared<Project>(fullProject());
    Parallel parallel(1);
    const auto calibration = valueOf(search::gather(
        project->model->graph, project->currentWeights(), *project->data->samples, parallel));
    auto calibrated =
        valueOf(search::minMax(project->graph(), project->currentWeights(), calibration,
                               {.perChannel = true, .foldBatchNorm = true}));
    project->putConfiguration({.configuration = std::move(calibrated.configuration)});
    return valueOf(exportRequest({project->model, project->currentConfiguration().configuration,
                                  project->currentWeights(), project}));
}

ExportRequest requestFor(const ExportFormat& format)
{
    return format.needsCodes ? calibratedRequest() : wholeRequest();
}

ExportRequest floatRequest()
{
    const auto model = tests::smallModel();
    return valueOf(exportRequest({model, {}, model->graph->weights(), nullptr}));
}

std::string nameFor(const ExportFormat& format)
{
    return "out" + format.ending;
}

Tensor predictionsOf(const graph::GraphPtr& graph, const graph::Configuration& configuration)
{
    const io::DataSet data = tests::smallData(40);
    Parallel parallel(1);
    const auto plan = valueOf(graph::InferencePlan::make(graph, configuration, graph->weights()));
    const std::vector<TensorView> inputs{data.samples->inputs.front().view()};
    return valueOf(plan->run(inputs, parallel)).front();
}

void expectClose(const Tensor& got, const Tensor& wanted, float least = 0.0F)
{
    ASSERT_EQ(got.shape(), wanted.shape());
    const auto [low, high] = std::ranges::minmax_element(wanted.values());
    const float allowed = std::max(least, kRoundTripError * (*high - *low));
    for (std::size_t i = 0; i < wanted.values().size(); ++i) {
        ASSERT_NEAR(got.values()[i], wanted.values()[i], allowed) << "at " << i;
    }
}

class EveryFormat : public ::testing::TestWithParam<ExportFormat> {
protected:
    TemporaryFolder m_folder;
};

TEST_P(EveryFormat, SaysWhatItIs)
{
    const ExportFormat& format = GetParam();
    EXPECT_FALSE(format.name.empty());
    EXPECT_FALSE(format.title.empty());
    EXPECT_TRUE(format.doc.ends_with(".")) << format.doc;
    EXPECT_EQ(format.kind == ExportKind::Folder, format.ending.empty());
    EXPECT_TRUE(format.ending.empty() || format.ending.starts_with("."));
    EXPECT_NE(format.write, nullptr);
    EXPECT_EQ(*findExportFormat(format.name),
              &*std::ranges::find(exportFormats(), format.name, &ExportFormat::name));
}

TEST_P(EveryFormat, WritesWhatItSays)
{
    const std::string path = m_folder / nameFor(GetParam());
    const auto result = exportTo(GetParam(), requestFor(GetParam()), path);
    ASSERT_TRUE(result) << result.error().sentence();
    std::int64_t bytes = 0;
    for (const std::string& file : result->files) {
        ASSERT_TRUE(std::filesystem::is_regular_file(file)) << file;
        bytes += static_cast<std::int64_t>(std::filesystem::file_size(file));
    }
    EXPECT_GT(bytes, 0);
    EXPECT_EQ(result->bytes, bytes);
    EXPECT_EQ(m_folder.fileCount(), 1) << "something was left beside it";
    for (const io::ImportNote& note : result->notes) {
        EXPECT_FALSE(note.subject.empty());
        EXPECT_TRUE(note.text.ends_with(".")) << note.text;
    }
}

TEST_P(EveryFormat, WritesTheSameBytesAgainOverTheOldFiles)
{
    const std::string path = m_folder / nameFor(GetParam());
    const ExportRequest request = requestFor(GetParam());
    const auto first = valueOf(exportTo(GetParam(), request, path));
    std::vector<std::string> before;
    std::ranges::transform(first.files, std::back_inserter(before), contentOf);
    const auto second = valueOf(exportTo(GetParam(), request, path));
    ASSERT_EQ(second.files, first.files);
    for (std::size_t i = 0; i < before.size(); ++i) {
        EXPECT_EQ(contentOf(second.files[i]), before[i]) << second.files[i];
    }
    EXPECT_EQ(m_folder.fileCount(), 1);
}

TEST_P(EveryFormat, LeavesNothingWhereItCannotWrite)
{
    const auto result = exportTo(GetParam(), requestFor(GetParam()), m_folder / "no/such/x");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::Io);
    EXPECT_EQ(m_folder.fileCount(), 0);
}

TEST_P(EveryFormat, SaysWhatItNeeds)
{
    const auto result = exportTo(GetParam(), floatRequest(), m_folder / nameFor(GetParam()));
    EXPECT_EQ(result.has_value(), !GetParam().needsQuantizers && !GetParam().needsTrials)
        << (result ? "" : result.error().sentence());
}

class ReadFormat : public EveryFormat {};

TEST_P(ReadFormat, ReadsBackWithTheSamePredictions)
{
    const ExportRequest request = requestFor(GetParam());
    const std::string path = m_folder / nameFor(GetParam());
    ASSERT_TRUE(exportTo(GetParam(), request, path));
    const graph::Configuration configuration =
        GetParam().keepsQuantizers ? request.input.configuration : graph::Configuration{};
    const Tensor wanted = predictionsOf(request.input.graph, configuration);
    if (GetParam().readback == ExportReadback::Map) {
        const auto mapped = valueOf(graph::applyMap(*request.input.graph, {}, contentOf(path)));
        expectClose(predictionsOf(request.input.graph, mapped.configuration), wanted);
        return;
    }
    const OpenedModel opened = valueOf(openModel(path));
    // Codes round biases and what a softmax reads: an output may be a step or two away.
    expectClose(predictionsOf(opened.model->graph, opened.configuration), wanted,
                GetParam().needsCodes ? kTwoSteps : 0.0F);
}

/// A project made of the file opens again with the same network.
TEST_P(ReadFormat, IsKeptInAProject)
{
    if (GetParam().readback == ExportReadback::Map) {
        return; // no network
    }
    const std::string path = m_folder / nameFor(GetParam());
    ASSERT_TRUE(exportTo(GetParam(), requestFor(GetParam()), path));
    const Project made = makeProject(valueOf(openModel(path)).model);
    const std::string kept = m_folder / "kept.bitscape";
    ASSERT_TRUE(save(made, kept));
    std::filesystem::remove(path); // the project needs nothing else
    const Project again = valueOf(load(kept));
    EXPECT_EQ(again.model->format, made.model->format);
    EXPECT_EQ(again.model->sha256, made.model->sha256);
    const graph::Configuration& configuration = again.currentConfiguration().configuration;
    EXPECT_TRUE(sameContent(configuration, made.currentConfiguration().configuration));
    EXPECT_EQ(predictionsOf(again.model->graph, configuration),
              predictionsOf(made.model->graph, configuration));
}

std::string nameOf(const ::testing::TestParamInfo<ExportFormat>& info)
{
    std::string name = info.param.name;
    std::ranges::replace(name, '-', '_');
    return name;
}

std::vector<ExportFormat> readFormats()
{
    std::vector<ExportFormat> rows;
    std::ranges::copy_if(exportFormats(), std::back_inserter(rows), [](const ExportFormat& format) {
        return format.readback != ExportReadback::None;
    });
    return rows;
}

INSTANTIATE_TEST_SUITE_P(Exports, EveryFormat, ::testing::ValuesIn(exportFormats()), nameOf);
INSTANTIATE_TEST_SUITE_P(Exports, ReadFormat, ::testing::ValuesIn(readFormats()), nameOf);

TEST(ExportsTest, NamesAreUnique)
{
    std::set<std::string> names;
    for (const ExportFormat& format : exportFormats()) {
        EXPECT_TRUE(names.insert(format.name).second) << format.name;
    }
}

TEST(ExportsTest, NamesTheNearestFormat)
{
    const auto found = findExportFormat("keras-5h");
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(found.error().hint, HasSubstr("'keras-h5'"));
}

TEST(ExportsTest, SizesCountTheBitsOfEachQuantizer)
{
    const ExportRequest request = floatRequest();
    const std::int64_t parameters = request.input.graph->parameterCount();
    EXPECT_EQ(weightSizes(request.input).floatBytes, parameters * 4);
    EXPECT_EQ(weightSizes(request.input).packedBytes, parameters * 4);

    io::ExportInput quantized = request.input;
    quantized.configuration.set("conv_1", graph::Slot::Kernel, quantizer("quantized_bits(4,0,1)"));
    const int layer = quantized.graph->find("conv_1");
    const Index kernel = quantized.graph->layer(layer).weights.front().value->size();
    EXPECT_EQ(weightSizes(quantized).packedBytes, parameters * 4 - (kernel * 28) / 8);
}

/// An operator of ONNX among the layers.
TEST(ExportsTest, KerasFormatsNameLayersThatKerasLacks)
{
    graph::FunctionSetup setup{.function = graph::findFunction("", "Erf", 13), .opset = 13};
    setup.inputs.push_back(
        {.kind = graph::FunctionInput::Kind::Tensor, .tensor = {.hasBatch = true}});
    setup.outputs.push_back({.hasBatch = true});
    const io::ExportInput input{
        networks::Builder(Shape{3}).add("erf", "Erf", graph::functionOp(std::move(setup))).make(),
        {}};
    for (const char* name : {"keras-h5", "keras", "qkeras-json"}) {
        const ExportFormat& format = *valueOf(findExportFormat(name));
        const auto content = format.write({input, nullptr, nullptr}, {});
        ASSERT_FALSE(content) << name;
        EXPECT_EQ(content.error().code, ErrorCode::Unsupported);
        EXPECT_THAT(content.error().message, HasSubstr("erf (Erf)"));
    }
}

/// QKeras' model_quantize leaves what it does not know as it stands.
TEST(ExportsTest, LayersThatCannotBeRunStayInTheJsonOfKerasNetworks)
{
    std::vector<graph::Layer> layers(2);
    layers[0] = {.name = "x", .className = "InputLayer", .op = graph::InputOp{Shape{3}}};
    layers[1] = {.name = "multiply",
                 .className = "TFOpLambda",
                 .op = graph::UnsupportedOp{"it holds Python code"},
                 .inputs = {0},
                 .originalConfig = R"({"name":"multiply","function":"math.multiply"})"};
    const io::ExportInput input{valueOf(graph::Graph::make("test", layers, {0}, {1})), {}};
    const auto content =
        (*valueOf(findExportFormat("qkeras-json"))).write({input, nullptr, nullptr}, {});
    ASSERT_TRUE(content) << content.error().sentence();
    EXPECT_THAT(content->files.front().bytes, HasSubstr(R"("function":"math.multiply")"));
    EXPECT_FALSE((*valueOf(findExportFormat("qkeras-h5"))).write({input, nullptr, nullptr}, {}));
}

TEST(ExportsTest, AutoQKerasConfigurationIsAccepted)
{
    for (const ExportRequest& request : {wholeRequest(), floatRequest()}) {
        const auto content = exportAutoQKeras(request.input, request.project.get());
        ASSERT_TRUE(content);
        const auto config = search::parseAutoqConfig(content->files.front().bytes);
        ASSERT_TRUE(config) << config.error().sentence();
        EXPECT_FALSE(config->limits.empty());
    }
}

/// One number out of a database.
double numberIn(const std::string& bytes, const char* query)
{
    sqlite3* database = nullptr;
    sqlite3_open(":memory:", &database);
    std::string image = bytes; // stays the owner
    sqlite3_deserialize(database, "main", reinterpret_cast<unsigned char*>(image.data()),
                        static_cast<sqlite3_int64>(image.size()),
                        static_cast<sqlite3_int64>(image.size()), SQLITE_DESERIALIZE_READONLY);
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(database, query, -1, &statement, nullptr), SQLITE_OK) << query;
    EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW) << query;
    const double number = sqlite3_column_double(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return number;
}

TEST(ExportsTest, OptunaDatabaseHoldsEveryTrial)
{
    const Project project = fullProject();
    const auto content = exportOptuna(project);
    ASSERT_TRUE(content);
    const std::string& bytes = content->files.front().bytes;
    const auto& trials = project.studies.front()->trials;
    EXPECT_EQ(numberIn(bytes, "SELECT schema_version FROM version_info"), 12);
    EXPECT_EQ(numberIn(bytes, "SELECT count(*) FROM trials"), static_cast<double>(trials.size()));
    EXPECT_EQ(numberIn(bytes, "SELECT count(*) FROM trials WHERE state = 'FAIL'"), 1);
    EXPECT_EQ(
        numberIn(bytes, "SELECT value FROM trial_values WHERE trial_id = 2 AND objective = 0"),
        trials[1].metric);
    EXPECT_EQ(numberIn(bytes, "SELECT count(*) FROM trial_params"),
              static_cast<double>(trials.size()));
}

TEST(ExportsTest, FilesOfTheUserStayInTheFolder)
{
    const TemporaryFolder folder;
    for (const ExportFormat& format : exportFormats()) {
        if (format.kind == ExportKind::File) {
            continue;
        }
        const std::string path = folder / format.name;
        std::filesystem::create_directory(path);
        std::ofstream(path + "/notes.txt") << "mine";
        ASSERT_TRUE(exportTo(format, wholeRequest(), path)) << format.name;
        EXPECT_EQ(contentOf(path + "/notes.txt"), "mine");
        EXPECT_FALSE(std::filesystem::exists(io::partPath(path)));
    }
}

} // namespace
} // namespace bitscape::project
