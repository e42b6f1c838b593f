// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/io/array_file.h"
#include "core/io/hdf5.h"
#include "core/project/codec.h"
#include "core/project/layout.h"
#include "core/project/project.h"
#include "core/project/seal.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace bitscape::project {

namespace {

using io::hdf5::File;
using io::hdf5::Group;

constexpr std::int64_t kMostListed = 1'000'000; ///< configurations, studies: beyond is nonsense

/// Reads in a row; the first failure is kept and everything after it skipped.
class Reader {
public:
    template <class T>
    T take(Result<T> result)
    {
        if (!result) {
            keep(std::move(result).error());
            return T{};
        }
        return std::move(*result);
    }
    void take(Result<void> result)
    {
        if (!result) {
            keep(std::move(result).error());
        }
    }
    void refuse(std::string message) { keep({ErrorCode::CorruptFile, std::move(message), {}, {}}); }

    [[nodiscard]] bool isGood() const { return !m_error; }
    /// What failed, placed below `place`. What does not belong into a project is damage, whatever
    /// the part that met it calls it.
    [[nodiscard]] Failure failure(const std::string& place)
    {
        Error error = std::move(*m_error);
        if (error.code != ErrorCode::OutOfResources && error.code != ErrorCode::Canceled) {
            error.code = ErrorCode::CorruptFile;
        }
        return fail(std::move(error).in(place));
    }

    Json json(const Group& group, const std::string& name)
    {
        const std::string text = take(group.readText(name));
        return isGood() ? take(parseJson(text, name)) : Json();
    }

private:
    void keep(Error error)
    {
        if (!m_error) {
            m_error = std::move(error);
        }
    }
    std::optional<Error> m_error;
};

Result<graph::WeightSet> readWeights(const Group& group, const graph::Graph& graph)
{
    Reader reader;
    graph::WeightSet weights;
    for (const graph::Layer& layer : graph.layers()) {
        for (const graph::Weight& weight : layer.weights) {
            const std::string path =
                layout::pathOf(layer.name) + "/" + layout::weightPath(layer, weight);
            Tensor tensor = reader.take(group.readTensor(path));
            if (reader.isGood() && !(tensor.shape() == weight.value->shape())) {
                reader.refuse(fmt::format("The weight {} has the shape {}, wanted {}.", path,
                                          tensor.shape().toString(),
                                          weight.value->shape().toString()));
            }
            if (!reader.isGood()) {
                return reader.failure(group.path());
            }
            weights.push_back(std::make_shared<const Tensor>(std::move(tensor)));
        }
    }
    return weights;
}

Result<std::shared_ptr<const io::ModelFile>> readModel(const Group& group)
{
    Reader reader;
    const std::string architecture = reader.take(group.readText("architecture"));
    std::shared_ptr<const std::string> bytes;
    if (group.hasDataset("original")) {
        bytes = std::make_shared<const std::string>(reader.take(group.readBytes("original")));
    }
    if (!reader.isGood()) {
        return reader.failure(group.path());
    }
    auto model = io::loadModelFromMemory(architecture, bytes);
    if (!model) {
        return fail(std::move(model).error().in("model"));
    }
    if (!bytes) { // a network that was made here, not read from a file
        const Group stored = reader.take(group.group("model_weights"));
        const graph::WeightSet weights =
            reader.isGood() ? reader.take(readWeights(stored, *model->graph)) : graph::WeightSet{};
        if (reader.isGood()) {
            model->graph = reader.take(model->graph->withWeights(weights));
        }
        model->warnings.clear();
    }
    model->path = reader.take(group.text("path"));
    model->format = reader.take(group.text("format"));
    model->producer = reader.take(group.text("producer"));
    model->kerasVersion = reader.take(group.text("keras_version"));
    model->sha256 = reader.take(group.text("sha256"));
    model->architecture = architecture;
    model->bytes = std::move(bytes);
    if (!reader.isGood()) {
        return reader.failure(group.path());
    }
    return std::make_shared<const io::ModelFile>(std::move(*model));
}

Tensor divided(Tensor tensor, double divisor)
{
    const auto by = static_cast<float>(divisor);
    if (by != 1.0F) {
        for (float& value : tensor.values()) {
            value /= by;
        }
    }
    return tensor;
}

/// The samples that the file keeps.
Result<io::DataSet> readStoredData(const Group& group)
{
    Reader reader;
    io::DataSet data;
    auto samples = std::make_shared<train::Samples>();
    const Json recipe = reader.json(group, "recipe");
    if (reader.isGood()) {
        data.recipe = reader.take(recipeFrom(recipe));
    }
    data.sha256 = reader.take(group.text("sha256"));
    data.dtype = reader.take(group.text("dtype"));
    data.minimum = reader.take(group.real("minimum"));
    data.maximum = reader.take(group.real("maximum"));
    samples->inputNames = reader.take(group.texts("input_names"));
    samples->classNames = reader.take(group.texts("class_names"));
    const std::int64_t inputs = reader.take(group.integer("inputs"));
    for (std::int64_t i = 0; reader.isGood() && i < inputs; ++i) {
        const std::string name = fmt::format("input_{}", i);
        Tensor stored = reader.take(group.readTensor(name));
        samples->inputs.push_back(
            divided(std::move(stored), reader.take(group.real(name + "_divisor"))));
    }
    if (group.hasDataset("labels")) {
        samples->labels = reader.take(group.readIntegers("labels"));
    }
    if (group.hasDataset("targets")) {
        samples->targets = reader.take(group.readTensor("targets"));
    }
    if (reader.isGood() && samples->hasLabels() &&
        static_cast<Index>(samples->labels.size()) != samples->count()) {
        reader.refuse("The data set has another number of labels than of samples.");
    }
    if (!reader.isGood()) {
        return reader.failure(group.path());
    }
    data.samples = std::move(samples);
    return data;
}

/// The data from their source if the file keeps a part of them only. A source that is gone or holds
/// other bytes leaves the stored part, with a warning.
Result<io::DataSet> restoreData(io::DataSet stored, Index count, const JobContext& job)
{
    auto whole = openData(stored.recipe, job);
    if (!whole && whole.error().code == ErrorCode::Canceled) {
        return fail(std::move(whole).error());
    }
    const std::string kept =
        fmt::format("The project goes on with the {} of {} samples that it keeps.",
                    stored.samples->count(), count);
    if (!whole) {
        stored.warnings.push_back({"data_source_missing",
                                   "The data could not be read again. " + kept,
                                   stored.recipe.source});
        return stored;
    }
    if (whole->sha256 != stored.sha256) {
        stored.warnings.push_back({"data_source_changed",
                                   "The data have changed since the project was made. " + kept,
                                   stored.recipe.source});
        return stored;
    }
    return whole;
}

Result<void> readData(const Group& group, Project& project, DataPolicy policy,
                      const JobContext& job)
{
    Reader reader;
    project.dataCount = reader.take(group.integer("count"));
    project.validationShare = reader.take(group.real("validation_share"));
    io::DataSet data = reader.take(readStoredData(group));
    if (!reader.isGood()) {
        return reader.failure("data");
    }
    if (policy == DataPolicy::Source && data.samples->count() < project.dataCount) {
        auto restored = restoreData(std::move(data), project.dataCount, job);
        if (!restored) {
            return fail(std::move(restored).error());
        }
        data = std::move(*restored);
    }
    project.data = std::make_shared<const io::DataSet>(std::move(data));
    return {};
}

Result<std::shared_ptr<const search::Calibration>> readCalibration(const Group& group)
{
    using search::TensorStatistics;
    Reader reader;
    auto calibration = std::make_shared<search::Calibration>();
    calibration->samples = reader.take(group.integer("samples"));
    calibration->dataDescription = reader.take(group.text("data"));
    const auto layers = reader.take(group.texts("layers"));
    const auto samples = reader.take(group.readIntegers("samples_seen"));
    const auto counts = reader.take(group.readIntegers("count"));
    const auto zeros = reader.take(group.readIntegers("zeros"));
    const auto histogram = reader.take(group.readIntegers("histogram"));
    const std::size_t rows = layers.size();
    if (reader.isGood() &&
        (samples.size() != rows || counts.size() != rows || zeros.size() != rows ||
         histogram.size() != rows * TensorStatistics::kBins)) {
        reader.refuse("The columns of the calibration have different lengths.");
    }
    if (!reader.isGood()) {
        return reader.failure("calibration");
    }
    calibration->tensors.resize(rows);
    for (std::size_t i = 0; i < rows; ++i) {
        TensorStatistics& tensor = calibration->tensors[i];
        tensor.layer = layers[i];
        tensor.samples = samples[i];
        tensor.count = counts[i];
        tensor.zeros = zeros[i];
        std::copy_n(histogram.begin() + static_cast<std::ptrdiff_t>(i * TensorStatistics::kBins),
                    TensorStatistics::kBins, tensor.histogram.begin());
    }
    for (const layout::StatisticColumn& column : layout::kStatisticColumns) {
        const auto values = reader.take(group.readDoubles(column.name));
        if (reader.isGood() && values.size() != rows) {
            reader.refuse("The columns of the calibration have different lengths.");
        }
        for (std::size_t i = 0; reader.isGood() && i < rows; ++i) {
            calibration->tensors[i].*column.value = values[i];
        }
    }
    if (!reader.isGood()) {
        return reader.failure("calibration");
    }
    return std::shared_ptr<const search::Calibration>(std::move(calibration));
}

Result<NamedConfiguration> readConfiguration(const Group& group, const graph::Graph& graph)
{
    Reader reader;
    NamedConfiguration named;
    const Json json = reader.json(group, "quantizers");
    if (reader.isGood()) {
        named.configuration = reader.take(configurationFrom(json));
    }
    if (group.hasGroup("weights")) {
        const Group weights = reader.take(group.group("weights"));
        if (reader.isGood()) {
            named.weights =
                std::make_shared<const graph::WeightSet>(reader.take(readWeights(weights, graph)));
        }
    }
    if (group.hasGroup("measured")) {
        const Group measured = reader.take(group.group("measured"));
        if (reader.isGood()) {
            named.measured = NamedConfiguration::Measured{
                reader.take(measured.real("accuracy")),
                reader.take(measured.real("standard_error")),
                reader.take(measured.integer("count")), reader.take(measured.text("data")),
                reader.take(measured.text("for_hash"))};
        }
    }
    if (!reader.isGood()) {
        return reader.failure(group.path());
    }
    return named;
}

Result<search::Study> readStudy(const Group& group)
{
    Reader reader;
    search::Study study;
    const Json description = reader.json(group, "description");
    if (reader.isGood()) {
        study.description = reader.take(descriptionFrom(description));
    }
    study.referenceSize = reader.take(group.real("reference_size"));
    const auto numbers = reader.take(group.readIntegers("trials/number"));
    const std::string texts = reader.take(group.readText("trials/texts"));
    const auto lines = split(texts, '\n'); // the last line is empty
    if (reader.isGood() && lines.size() != numbers.size() + 1) {
        reader.refuse("The study has another number of texts than of trials.");
    }
    study.trials.resize(reader.isGood() ? numbers.size() : 0);
    for (std::size_t i = 0; reader.isGood() && i < numbers.size(); ++i) {
        search::Trial& trial = study.trials[i];
        trial.number = static_cast<int>(numbers[i]);
        const Json json = reader.take(parseJson(lines[i], fmt::format("trial {}", trial.number)));
        if (reader.isGood()) {
            reader.take(readTrialTexts(json, trial));
        }
    }
    for (const layout::TrialColumn& column : layout::kTrialColumns) {
        const auto values = reader.take(group.readDoubles(std::string("trials/") + column.name));
        if (reader.isGood() && values.size() != numbers.size()) {
            reader.refuse("The columns of the trials have different lengths.");
        }
        for (std::size_t i = 0; reader.isGood() && i < values.size(); ++i) {
            column.set(study.trials[i], values[i]);
        }
    }
    if (!reader.isGood()) {
        return reader.failure(group.path());
    }
    return study;
}

/// Reads the groups "0" … count−1 of a list.
template <class ReadOne>
Result<void> readList(const Group& root, const std::string& name, const ReadOne& readOne)
{
    Reader reader;
    const Group list = reader.take(root.group(name));
    const std::int64_t count = reader.isGood() ? reader.take(list.integer("count")) : 0;
    if (count < 0 || count > kMostListed) {
        reader.refuse(fmt::format("The list holds {} entries.", count));
    }
    for (std::int64_t i = 0; reader.isGood() && i < count; ++i) {
        const Group one = reader.take(list.group(fmt::format("{}", i)));
        if (reader.isGood()) {
            reader.take(readOne(one));
        }
    }
    if (!reader.isGood()) {
        return reader.failure(name);
    }
    return {};
}

Result<void> readRoot(const Group& root, Project& project)
{
    Reader reader;
    project.name = reader.take(root.text("name"));
    project.uuid = reader.take(root.text("uuid"));
    project.created = reader.take(root.text("created"));
    project.modified = reader.take(root.text("modified"));
    const Json commands = reader.json(root, "commands");
    const Json viewState = reader.json(root, "view_state");
    if (reader.isGood()) {
        try {
            project.commands = commands.get<std::vector<std::string>>();
            project.viewState = viewState.get<std::map<std::string, std::string>>();
        } catch (const nlohmann::json::exception&) {
            reader.refuse("The commands or the view state are of another type.");
        }
    }
    if (!reader.isGood()) {
        return reader.failure("/");
    }
    return {};
}

Result<void> readAccelerators(const Group& root, Project& project)
{
    Reader reader;
    const auto parse = [&](const Group& group, const std::string& name) {
        const std::string text = reader.take(group.readText(name));
        return reader.isGood() ? reader.take(hw::parseAccelerator(text)) : hw::Accelerator{};
    };
    reader.take(readList(root, "accelerators", [&](const Group& group) -> Result<void> {
        project.accelerators.push_back(parse(group, "description"));
        return {};
    }));
    const Group list = reader.take(root.group("accelerators"));
    if (reader.isGood()) {
        project.accelerator = parse(list, "current");
    }
    if (!reader.isGood()) {
        return reader.failure("accelerators");
    }
    return {};
}

Result<void> readConfigurations(const Group& root, Project& project)
{
    Reader reader;
    reader.take(readList(root, "configurations", [&](const Group& group) -> Result<void> {
        auto named = readConfiguration(group, project.graph());
        if (!named) {
            return fail(std::move(named).error());
        }
        project.configurations.push_back(
            std::make_shared<const NamedConfiguration>(std::move(*named)));
        return {};
    }));
    const Group list = reader.take(root.group("configurations"));
    if (reader.isGood()) {
        project.current = static_cast<int>(reader.take(list.integer("current")));
    }
    const auto count = static_cast<int>(project.configurations.size());
    if (reader.isGood() && (count == 0 || project.current < 0 || project.current >= count)) {
        reader.refuse("There is no current configuration.");
    }
    if (!reader.isGood()) {
        return reader.failure("configurations");
    }
    return {};
}

Result<void> readStudies(const Group& root, Project& project)
{
    return readList(root, "studies", [&](const Group& group) -> Result<void> {
        auto study = readStudy(group);
        if (!study) {
            return fail(std::move(study).error());
        }
        project.studies.push_back(std::make_shared<const search::Study>(std::move(*study)));
        return {};
    });
}

Result<void> readTraining(const Group& root, Project& project)
{
    Reader reader;
    const Json history = reader.json(root, "training/history");
    if (reader.isGood()) {
        project.trainingHistory = reader.take(historyFrom(history));
    }
    if (!reader.isGood()) {
        return reader.failure("training");
    }
    return {};
}

Result<Project> readProject(const Group& root, DataPolicy policy, const JobContext& job)
{
    Project project;
    Reader reader;
    reader.take(readRoot(root, project));
    if (reader.isGood() && root.hasGroup("model")) {
        const Group group = reader.take(root.group("model"));
        if (reader.isGood()) {
            project.model = reader.take(readModel(group));
        }
    }
    if (reader.isGood() && root.hasGroup("data")) {
        const Group group = reader.take(root.group("data"));
        if (reader.isGood()) {
            reader.take(readData(group, project, policy, job));
        }
    }
    if (reader.isGood() && root.hasGroup("calibration")) {
        const Group group = reader.take(root.group("calibration"));
        if (reader.isGood()) {
            project.calibration = reader.take(readCalibration(group));
        }
    }
    for (const auto read : {readTraining, readStudies, readAccelerators}) {
        if (reader.isGood()) {
            reader.take(read(root, project));
        }
    }
    if (reader.isGood() && project.model) {
        reader.take(readConfigurations(root, project));
    }
    if (!reader.isGood()) {
        return reader.failure("");
    }
    return project;
}

} // namespace

Result<Project> loadFromMemory(std::string_view bytes, const std::string& where, DataPolicy policy,
                               const JobContext& job)
{
    if (auto sealed = checkSeal(bytes, kFormatVersion, where); !sealed) {
        return fail(std::move(sealed).error());
    }
    // The checksum says that these are the bytes that Bitscape wrote: the library may read them
    // here, without a child process to crash in.
    auto file = File::openBytes(bytes, where);
    if (!file) {
        return fail(std::move(file).error());
    }
    auto project = readProject(*file, policy, job);
    if (!project) {
        return fail(std::move(project).error().in(where));
    }
    return project;
}

Result<Project> load(const std::string& path, DataPolicy policy, const JobContext& job)
{
    auto bytes = io::readFile(path);
    if (!bytes) {
        return fail(std::move(bytes).error());
    }
    return loadFromMemory(*bytes, path, policy, job);
}

} // namespace bitscape::project
