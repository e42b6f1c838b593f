// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/initialize.h"

#include "core/base/rng.h"
#include "core/graph/layer_rule.h"
#include "core/graph/shape_rules.h"
#include "core/quant/quantizer.h"
#include "core/train/weight_rules.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace bitscape::train {

namespace {

using Json = nlohmann::json;

struct Fans {
    double in = 1, out = 1;
};

/// Keras' rule: the last two axes are inputs and outputs, the ones before a window.
Fans fansOf(const Shape& shape)
{
    if (shape.rank() < 2) {
        const auto size = static_cast<double>(shape.elementCount());
        return {size, size};
    }
    double window = 1;
    for (int axis = 0; axis < shape.rank() - 2; ++axis) {
        window *= static_cast<double>(shape[axis]);
    }
    return {static_cast<double>(shape[shape.rank() - 2]) * window,
            static_cast<double>(shape[shape.rank() - 1]) * window};
}

double truncatedNormal(Rng& rng)
{
    constexpr double kCut = 2.0;
    for (;;) {
        const double value = rng.normal();
        if (std::abs(value) <= kCut) {
            return value;
        }
    }
}

double numberOf(const Json& config, const char* key, double otherwise)
{
    const auto found = config.find(key);
    return found != config.end() && found->is_number() ? found->get<double>() : otherwise;
}

enum class Fan { In, Out, Average };

/// Variance scale/fan.
void scaleVariance(Tensor& weight, Rng& rng, double scale, Fan fan, bool uniform)
{
    constexpr double kTruncatedDeviation = 0.87962566103423978; // of a normal cut at ±2
    const Fans fans = fansOf(weight.shape());
    const double count = fan == Fan::In    ? fans.in
                         : fan == Fan::Out ? fans.out
                                           : (fans.in + fans.out) / 2.0;
    const double variance = scale / std::max(1.0, count);
    for (float& value : weight.values()) {
        value = static_cast<float>(uniform ? rng.uniform(-1, 1) * std::sqrt(3.0 * variance)
                                           : truncatedNormal(rng) * std::sqrt(variance) /
                                                 kTruncatedDeviation);
    }
}

using Draw = void (*)(Tensor& weight, Rng& rng, const Json& config);

void glorotUniform(Tensor& weight, Rng& rng, const Json& /*config*/)
{
    scaleVariance(weight, rng, 1, Fan::Average, true);
}

/// Random directions at right angles to each other: the rows or the columns of the weight seen as a
/// matrix, whichever are fewer.
void orthogonal(Tensor& weight, Rng& rng, const Json& config)
{
    const Index columns = weight.shape().channels();
    const Index rows = weight.size() / std::max<Index>(columns, 1);
    const bool turned = rows < columns;
    const auto count = static_cast<std::size_t>(turned ? rows : columns);
    const auto length = static_cast<std::size_t>(turned ? columns : rows);
    std::vector<std::vector<double>> directions(count, std::vector<double>(length));
    for (std::size_t d = 0; d < count; ++d) {
        auto& own = directions[d];
        std::ranges::generate(own, [&rng] { return rng.normal(); });
        for (std::size_t other = 0; other < d; ++other) {
            const auto& before = directions[other];
            const double along = std::inner_product(own.begin(), own.end(), before.begin(), 0.0);
            for (std::size_t i = 0; i < length; ++i) {
                own[i] -= along * before[i];
            }
        }
        const double norm = std::sqrt(std::inner_product(own.begin(), own.end(), own.begin(), 0.0));
        for (double& value : own) {
            value /= norm;
        }
    }
    const double gain = numberOf(config, "gain", 1);
    for (std::size_t d = 0; d < count; ++d) {
        for (std::size_t i = 0; i < length; ++i) {
            const std::size_t at = turned ? d * length + i : i * count + d;
            weight.data()[at] = static_cast<float>(gain * directions[d][i]);
        }
    }
}

const std::map<std::string, Draw, std::less<>>& rows()
{
    static const std::map<std::string, Draw, std::less<>> table{
        {"GlorotUniform", &glorotUniform},
        {"GlorotNormal",
         [](Tensor& w, Rng& r, const Json&) { scaleVariance(w, r, 1, Fan::Average, false); }},
        {"HeUniform",
         [](Tensor& w, Rng& r, const Json&) { scaleVariance(w, r, 2, Fan::In, true); }},
        {"HeNormal",
         [](Tensor& w, Rng& r, const Json&) { scaleVariance(w, r, 2, Fan::In, false); }},
        {"LecunUniform",
         [](Tensor& w, Rng& r, const Json&) { scaleVariance(w, r, 1, Fan::In, true); }},
        {"LecunNormal",
         [](Tensor& w, Rng& r, const Json&) { scaleVariance(w, r, 1, Fan::In, false); }},
        {"VarianceScaling",
         [](Tensor& w, Rng& r, const Json& config) {
             const Json mode = config.value("mode", Json());
             scaleVariance(w, r, numberOf(config, "scale", 1),
                           mode == "fan_avg"   ? Fan::Average
                           : mode == "fan_out" ? Fan::Out
                                               : Fan::In,
                           config.value("distribution", Json()) == "uniform");
         }},
        {"RandomUniform",
         [](Tensor& w, Rng& r, const Json& config) {
             for (float& value : w.values()) {
                 value = static_cast<float>(r.uniform(numberOf(config, "minval", -0.05),
                                                      numberOf(config, "maxval", 0.05)));
             }
         }},
        {"RandomNormal",
         [](Tensor& w, Rng& r, const Json& config) {
             for (float& value : w.values()) {
                 value = static_cast<float>(numberOf(config, "mean", 0) +
                                            numberOf(config, "stddev", 0.05) * r.normal());
             }
         }},
        {"TruncatedNormal",
         [](Tensor& w, Rng& r, const Json& config) {
             for (float& value : w.values()) {
                 value = static_cast<float>(numberOf(config, "mean", 0) +
                                            numberOf(config, "stddev", 0.05) * truncatedNormal(r));
             }
         }},
        {"Orthogonal", &orthogonal},
        {"OrthogonalInitializer", &orthogonal},
        {"Zeros", [](Tensor& w, Rng&, const Json&) { std::ranges::fill(w.values(), 0.0F); }},
        {"Ones", [](Tensor& w, Rng&, const Json&) { std::ranges::fill(w.values(), 1.0F); }},
        {"Constant",
         [](Tensor& w, Rng&, const Json& config) {
             std::ranges::fill(w.values(), static_cast<float>(numberOf(config, "value", 0)));
         }},
    };
    return table;
}

/// Whether Keras' initializer has a `scale`, the factor of its variance.
bool hasScale(std::string_view name)
{
    constexpr std::array kNames{"GlorotUniform", "GlorotNormal", "HeUniform",      "HeNormal",
                                "LecunUniform",  "LecunNormal",  "VarianceScaling"};
    return std::ranges::find(kNames, name) != kNames.end();
}

/// The object under `key`; an empty one if there is none.
Json objectAt(const Json& config, const std::string& key)
{
    const Json found = config.value(key, Json());
    return found.is_object() ? found : Json::object();
}

std::string classOf(const Json& object)
{
    const Json name = object.value("class_name", Json(""));
    return name.is_string() ? name.get<std::string>() : "";
}

/// QKeras' QInitializer: draws that a quantizer would lose are spread until most of its levels are
/// used, then kept in its range.
void fitToQuantizer(Tensor& weight, const quant::Quantizer& quantizer, bool mayScale)
{
    const double limit = quantizer.max();
    const auto count = static_cast<double>(weight.size());
    double sum = 0;
    double squares = 0;
    for (const float value : weight.values()) {
        sum += static_cast<double>(value);
        squares += static_cast<double>(value) * static_cast<double>(value);
    }
    const double deviation = std::sqrt(std::max(0.0, squares / count - sum * sum / count / count));
    if (mayScale && limit * std::exp2(-quantizer.bits()) > deviation && squares > 0 &&
        quantizer.accepts(weight.shape())) {
        Tensor levels(weight.shape());
        quantizer.apply(weight.view(), levels.mutableView(), {});
        double levelSquares = 0;
        double products = 0;
        for (Index i = 0; i < weight.size(); ++i) {
            const auto level = static_cast<double>(levels.data()[i]);
            levelSquares += level * level;
            products += level * static_cast<double>(weight.data()[i]);
        }
        const double factor =
            levelSquares > 0 ? levelSquares / products : limit / std::sqrt(squares / count);
        const double spread = std::sqrt(std::max(factor, 1.0)); // `scale` is of the variance
        for (float& value : weight.values()) {
            value = static_cast<float>(static_cast<double>(value) * spread);
        }
    }
    for (float& value : weight.values()) {
        value = std::clamp(value, static_cast<float>(-limit), static_cast<float>(limit));
    }
}

/// Draws by the initializer of a layer's config; false if there is none that is known.
bool drawByConfig(const Json& config, const std::string& prefix, Tensor& weight, Rng& rng)
{
    Json initializer = objectAt(config, prefix + "_initializer");
    quant::QuantizerPtr quantizer;
    bool mayScale = false;
    while (classOf(initializer) == "QInitializer") {
        const Json settings = objectAt(initializer, "config");
        const Json stored = settings.value("quantizer", Json());
        if (!stored.is_null()) {
            const auto parsed = quant::parseQuantizer(stored.is_string() ? stored.get<std::string>()
                                                                         : stored.dump());
            quantizer = parsed ? *parsed : quantizer;
        }
        mayScale = settings.value("use_scale", Json(true)) != Json(false);
        initializer = objectAt(settings, "initializer");
    }
    const std::string name = classOf(initializer);
    const auto row = rows().find(name);
    if (row == rows().end()) {
        return false;
    }
    row->second(weight, rng, objectAt(initializer, "config"));
    if (quantizer && std::isfinite(quantizer->max())) {
        fitToQuantizer(weight, *quantizer, mayScale && hasScale(name));
    }
    return true;
}

/// What a weight starts from if no initializer says otherwise.
void fillDefault(const graph::WeightSpec& spec, Tensor& weight, Rng& rng)
{
    if (std::string_view(spec.name).ends_with("kernel")) {
        glorotUniform(weight, rng, {});
    } else {
        std::ranges::fill(weight.values(), spec.initialValue);
    }
}

} // namespace

graph::WeightSet initialWeights(const graph::Graph& graph, std::uint64_t seed)
{
    graph::WeightSet weights;
    std::map<const Tensor*, std::size_t> first; // calls of one layer start alike
    for (int index = 0; index < static_cast<int>(graph.layers().size()); ++index) {
        const graph::Layer& layer = graph.layer(index);
        if (layer.weights.empty()) {
            continue;
        }
        const auto rules = graph::shapeOf(layer.op, graph.inputShapes(index));
        const Json config = weightSettings(layer);
        const auto* registered = std::get_if<graph::RuleOp>(&layer.op);
        for (std::size_t i = 0; i < layer.weights.size(); ++i) {
            Rng rng = Rng(seed).split("weights").split(weights.size());
            Tensor value(layer.weights[i].value->shape());
            if (!drawByConfig(config, configPrefix(layer.weights[i].name), value, rng) && rules &&
                i < rules->weights.size()) {
                fillDefault(rules->weights[i], value, rng);
            }
            if (registered != nullptr) {
                registered->rule->startWeight(i, value.values());
            }
            const auto [place, isNew] = first.emplace(layer.weights[i].value.get(), weights.size());
            weights.push_back(isNew ? std::make_shared<const Tensor>(std::move(value))
                                    : weights[place->second]);
        }
    }
    return weights;
}

} // namespace bitscape::train
