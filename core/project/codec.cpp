// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/codec.h"

#include "core/quant/quantizer.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <limits>

namespace bitscape::project {

namespace {

Failure damaged(const std::string& key, const std::string& why)
{
    return fail(ErrorCode::CorruptFile, "The key '" + key + "' " + why + ".");
}

double numberFrom(const Json& json)
{
    return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

/// Runs a reader that may meet JSON of another type than it wants.
template <class Read>
auto guarded(const char* what, Read read) -> decltype(read())
{
    try {
        return read();
    } catch (const nlohmann::json::exception&) {
        return fail(ErrorCode::CorruptFile,
                    std::string("The ") + what + " lacks a key or holds one of another type.");
    }
}

std::optional<double> optionalNumber(const Json& json, const char* key)
{
    const auto found = json.find(key);
    return found == json.end() || found->is_null() ? std::nullopt
                                                   : std::optional(found->get<double>());
}

search::TrialState stateFrom(const std::string& text)
{
    using enum search::TrialState;
    for (const search::TrialState state : {Waiting, Running, Complete, Failed}) {
        if (search::name(state) == text) {
            return state;
        }
    }
    return Waiting; // a state of a later version: the trial is run again
}

} // namespace

Json finite(double value)
{
    return std::isfinite(value) ? Json(value) : Json(nullptr);
}

std::string dumped(const Json& json)
{
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Json> parseJson(std::string_view text, const std::string& where)
{
    Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (json.is_discarded()) {
        return fail(ErrorCode::CorruptFile, "The text is no JSON.", where);
    }
    return json;
}

Json toJson(const graph::Configuration& configuration)
{
    Json layers = Json::object();
    for (const auto& [layer, quantizers] : configuration.layers) {
        Json slots = Json::object();
        for (const auto& [slot, quantizer] : quantizers) {
            slots[std::string(graph::name(slot))] = quantizer->toString();
        }
        layers[layer] = std::move(slots);
    }
    return {{"name", configuration.name},
            {"input", configuration.input ? Json(configuration.input->toString()) : Json(nullptr)},
            {"fold_batch_norm", configuration.foldBatchNorm},
            {"layers", std::move(layers)}};
}

Result<graph::Configuration> configurationFrom(const Json& json)
{
    return guarded("configuration", [&]() -> Result<graph::Configuration> {
        graph::Configuration configuration;
        configuration.name = json.at("name").get<std::string>();
        configuration.foldBatchNorm = json.at("fold_batch_norm").get<bool>();
        if (const Json& input = json.at("input"); !input.is_null()) {
            auto quantizer = quant::parseQuantizer(input.get<std::string>());
            if (!quantizer) {
                return fail(std::move(quantizer).error().in("input"));
            }
            configuration.input = std::move(*quantizer);
        }
        for (const auto& [layer, slots] : json.at("layers").items()) {
            graph::LayerQuantizers& quantizers = configuration.layers[layer];
            for (const auto& [key, text] : slots.items()) {
                const std::string place = fmt::format("{}/{}", layer, key);
                const graph::Slot* slot =
                    graph::findSlot(key == "activation" ? key : key + "_quantizer");
                if (slot == nullptr) {
                    return damaged(place, "names no tensor of a layer");
                }
                auto quantizer = quant::parseQuantizer(text.get<std::string>());
                if (!quantizer) {
                    return fail(std::move(quantizer).error().in(place));
                }
                quantizers.emplace(*slot, std::move(*quantizer));
            }
        }
        return configuration;
    });
}

Json toJson(const io::DataRecipe& recipe)
{
    Json json{{"source", recipe.source},
              {"x_key", recipe.xKey},
              {"y_key", recipe.yKey},
              {"label_column", recipe.labelColumn},
              {"scale", recipe.scale ? Json(*recipe.scale) : Json(nullptr)},
              {"normalize", recipe.normalize},
              {"layout", recipe.layout},
              {"limit", recipe.limit},
              {"skip", recipe.skip},
              {"split_train", recipe.splitTrain},
              {"classes", recipe.classes}};
    if (!recipe.weightKey.empty()) {
        json["weight_key"] = recipe.weightKey;
    }
    if (recipe.imageSize) {
        json["image_size"] = {recipe.imageSize->height, recipe.imageSize->width};
    }
    if (recipe.color != io::DataRecipe().color) {
        json["color"] = recipe.color;
    }
    if (!recipe.dtype.empty()) {
        json["dtype"] = recipe.dtype;
    }
    return json;
}

Result<io::DataRecipe> recipeFrom(const Json& json)
{
    return guarded("data recipe", [&]() -> Result<io::DataRecipe> {
        io::DataRecipe recipe;
        recipe.source = json.at("source").get<std::string>();
        recipe.xKey = json.at("x_key").get<std::string>();
        recipe.yKey = json.at("y_key").get<std::string>();
        recipe.weightKey = json.value("weight_key", std::string());
        recipe.labelColumn = json.at("label_column").get<std::string>();
        recipe.scale = optionalNumber(json, "scale");
        recipe.normalize = json.at("normalize").get<std::string>();
        recipe.layout = json.at("layout").get<std::string>();
        recipe.limit = json.at("limit").get<Index>();
        recipe.skip = json.at("skip").get<Index>();
        recipe.splitTrain = json.at("split_train").get<double>();
        recipe.classes = json.at("classes").get<int>();
        if (json.contains("image_size")) {
            const auto size = json.at("image_size").get<std::array<Index, 2>>();
            recipe.imageSize = io::ImageSize{size[0], size[1]};
        }
        recipe.color = json.value("color", recipe.color);
        recipe.dtype = json.value("dtype", recipe.dtype);
        return recipe;
    });
}

Json toJson(const search::StudyDescription& description)
{
    Json limits = Json::object();
    for (const auto& [cost, bound] : description.limits) {
        limits[cost] = finite(bound);
    }
    return {{"name", description.name},
            {"config", description.configJson},
            {"tuner", description.tuner},
            {"trials", description.trials},
            {"epochs", description.epochs},
            {"batch", description.batch},
            {"optimizer", description.optimizer},
            {"loss", description.loss},
            {"seed", description.seed},
            {"goal", description.goal},
            {"limits", std::move(limits)},
            {"validation_share", description.validationShare},
            {"budget_seconds", description.budgetSeconds},
            {"data", description.dataDescription},
            {"base_hash", description.baseHash}};
}

Result<search::StudyDescription> descriptionFrom(const Json& json)
{
    return guarded("study description", [&]() -> Result<search::StudyDescription> {
        search::StudyDescription description;
        description.name = json.at("name").get<std::string>();
        description.configJson = json.at("config").get<std::string>();
        description.tuner = json.at("tuner").get<std::string>();
        description.trials = json.at("trials").get<int>();
        description.epochs = json.at("epochs").get<int>();
        description.batch = json.at("batch").get<Index>();
        description.optimizer = json.at("optimizer").get<std::string>();
        description.loss = json.at("loss").get<std::string>();
        description.seed = json.at("seed").get<std::uint64_t>();
        description.goal = json.at("goal").get<std::string>();
        for (const auto& [cost, bound] : json.at("limits").items()) {
            description.limits[cost] = numberFrom(bound);
        }
        description.validationShare = json.at("validation_share").get<double>();
        description.budgetSeconds = json.at("budget_seconds").get<double>();
        description.dataDescription = json.at("data").get<std::string>();
        description.baseHash = json.at("base_hash").get<std::string>();
        return description;
    });
}

Json trialTexts(const search::Trial& trial)
{
    Json assignment = Json::object();
    for (const auto& [choice, value] : trial.assignment) {
        assignment[choice] = value;
    }
    return {{"state", search::name(trial.state)},
            {"seed", trial.seed},
            {"assignment", std::move(assignment)},
            {"configuration", toJson(trial.configuration)},
            {"failure", trial.failure}};
}

Result<void> readTrialTexts(const Json& json, search::Trial& trial)
{
    return guarded("trial", [&]() -> Result<void> {
        trial.state = stateFrom(json.at("state").get<std::string>());
        trial.seed = json.at("seed").get<std::uint64_t>();
        for (const auto& [choice, value] : json.at("assignment").items()) {
            trial.assignment[choice] = value.get<std::string>();
        }
        auto configuration = configurationFrom(json.at("configuration"));
        if (!configuration) {
            return fail(std::move(configuration).error());
        }
        trial.configuration = std::move(*configuration);
        trial.failure = json.at("failure").get<std::string>();
        return {};
    });
}

Json toJson(const std::vector<train::HistoryEntry>& history)
{
    const auto orNull = [](const std::optional<double>& value) {
        return value ? finite(*value) : Json(nullptr);
    };
    Json list = Json::array();
    for (const train::HistoryEntry& entry : history) {
        list.push_back({{"epoch", entry.epoch},
                        {"step", entry.step},
                        {"loss", finite(entry.loss)},
                        {"accuracy", orNull(entry.accuracy)},
                        {"val_loss", orNull(entry.validationLoss)},
                        {"val_accuracy", orNull(entry.validationAccuracy)}});
    }
    return list;
}

Result<std::vector<train::HistoryEntry>> historyFrom(const Json& json)
{
    return guarded("training history", [&]() -> Result<std::vector<train::HistoryEntry>> {
        std::vector<train::HistoryEntry> history;
        for (const Json& row : json) {
            train::HistoryEntry& entry = history.emplace_back();
            entry.epoch = row.at("epoch").get<int>();
            entry.step = row.at("step").get<int>();
            entry.loss = numberFrom(row.at("loss"));
            entry.accuracy = optionalNumber(row, "accuracy");
            entry.validationLoss = optionalNumber(row, "val_loss");
            entry.validationAccuracy = optionalNumber(row, "val_accuracy");
        }
        return history;
    });
}

} // namespace bitscape::project
