// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "app/cli/inputs.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <map>

namespace bitscape::cli {

namespace {

struct ClassCount {
    Json label; ///< name or number
    std::int64_t count = 0;
};

/// Classes in order of their numbers: those that occur, and all where their number is known.
std::vector<ClassCount> countClasses(const io::DataSet& data)
{
    const train::Samples& samples = *data.samples;
    std::map<std::int64_t, std::int64_t> counts;
    for (int i = 0; samples.hasLabels() && i < data.recipe.classes; ++i) {
        counts[i] = 0;
    }
    for (const std::int64_t label : samples.labels) {
        ++counts[label];
    }
    std::vector<ClassCount> out;
    for (const auto& [label, count] : counts) {
        const auto at = static_cast<std::size_t>(label);
        const bool named = at < samples.classNames.size();
        out.push_back({named ? Json(samples.classNames[at]) : Json(label), count});
    }
    return out;
}

Json sizesJson(const Shape& shape)
{
    Json out = Json::array();
    for (const Index size : shape.sizes()) {
        out.push_back(size);
    }
    return out;
}

std::string describe(const io::DataSet& data, const std::vector<ClassCount>& classes)
{
    const train::Samples& samples = *data.samples;
    std::string text = fmt::format("{}\n{} samples of {}, stored as {}, values {:.6g} … {:.6g}\n",
                                   data.recipe.describe(), samples.count(),
                                   samples.inputs.front().shape().sample().toString(), data.dtype,
                                   data.minimum, data.maximum);
    if (classes.empty()) {
        return text + (samples.hasTargets()
                           ? fmt::format("Answers of {} each\n",
                                         samples.targets.shape().sample().toString())
                           : std::string("No labels\n"));
    }
    std::vector<std::vector<std::string>> rows{{"Class", "Samples"}};
    for (const ClassCount& one : classes) {
        rows.push_back({one.label.is_string() ? one.label.get<std::string>() : one.label.dump(),
                        std::to_string(one.count)});
    }
    return text + "\n" + table(rows, {false, true});
}

Result<Answer> showData(Session& session, const DataOptions& options)
{
    auto data = openData(session, options);
    if (!data) {
        return fail(std::move(data).error());
    }
    session.loaded();
    const std::vector<ClassCount> classes = countClasses(*data);
    Json classesJson = Json::array();
    for (const ClassCount& one : classes) {
        classesJson.push_back({{"label", one.label}, {"count", one.count}});
    }
    Answer answer;
    answer.json = {{"count", data->samples->count()},
                   {"sample_shape", sizesJson(data->samples->inputs.front().shape().sample())},
                   {"dtype", data->dtype},
                   {"min", number(data->minimum)},
                   {"max", number(data->maximum)},
                   {"classes", std::move(classesJson)},
                   {"sha256", data->sha256}};
    answer.text = describe(*data, classes);
    return answer;
}

} // namespace

Action declareData(CLI::App& app)
{
    auto options = std::make_shared<DataOptions>();
    addDataOptions(app, *options, DataArgument::Positional);
    return [options](Session& session) { return showData(session, *options); };
}

} // namespace bitscape::cli
