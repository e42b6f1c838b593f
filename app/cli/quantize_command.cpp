// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "core/base/text.h"
#include "core/io/array_file.h"
#include "core/quant/quantizer.h"
#include "core/quant/value.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <string_view>

namespace bitscape::cli {

namespace {

struct QuantizeArguments {
    std::string quantizer;
    std::string input, output, scale, codes, upstream, gradient;
    std::string sigmoid = "hard";
    std::string compat;
    std::string dictionary = "keras2";
    bool training = false;
};

const std::map<std::string, quant::InternalSigmoid>& sigmoids()
{
    static const std::map<std::string, quant::InternalSigmoid> table{
        {"hard", quant::InternalSigmoid::Hard},
        {"smooth", quant::InternalSigmoid::Smooth},
        {"real", quant::InternalSigmoid::Real}};
    return table;
}

/// What `--compat` sets: a parameter of the rows that know another tool's deviations.
struct Compatibility {
    std::string_view name;
    std::string_view parameter;
    std::string_view value;
};

constexpr std::array kCompatibilities{
    Compatibility{"tensorquant-python", "implementation", "python"}};

std::set<std::string> compatibilityNames()
{
    std::set<std::string> names;
    for (const Compatibility& entry : kCompatibilities) {
        names.emplace(entry.name);
    }
    return names;
}

/// The quantizer as another tool computes it; InvalidArgument if it has nothing to do with it.
Result<quant::QuantizerPtr> compatible(quant::QuantizerPtr quantizer, std::string_view name)
{
    const auto* const entry = std::ranges::find(kCompatibilities, name, &Compatibility::name);
    if (entry == kCompatibilities.end()) {
        return quantizer;
    }
    if (quant::findParameter(quantizer->info(), entry->parameter) == nullptr) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("{} changes nothing of {}.", name, quantizer->toString()),
                    "--compat");
    }
    return quantizer->with(entry->parameter, std::string(entry->value));
}

const std::map<std::string, quant::DictionaryForm>& forms()
{
    static const std::map<std::string, quant::DictionaryForm> table{
        {"keras2", quant::DictionaryForm::Keras2}, {"keras3", quant::DictionaryForm::Keras3}};
    return table;
}

Result<Tensor> loadTensor(const std::string& path, const char* option)
{
    auto array = io::loadNpy(path);
    if (!array) {
        return fail(std::move(array).error().in(option));
    }
    return array->toTensor();
}

/// 10 · log10(Σx² / Σ(x − y)²) over the finite elements; infinite without an error.
double sqnrDecibel(const Tensor& x, const Tensor& y)
{
    double signal = 0.0;
    double noise = 0.0;
    for (std::size_t i = 0; i < x.values().size(); ++i) {
        const double value = x.values()[i];
        const double error = value - static_cast<double>(y.values()[i]);
        if (std::isfinite(value) && std::isfinite(error)) {
            signal += value * value;
            noise += error * error;
        }
    }
    return 10.0 * std::log10(signal / noise);
}

Result<void> saveCodes(const std::string& path, const quant::Quantizer& quantizer, const Tensor& x,
                       const quant::CallContext& call, Session& session)
{
    auto codes = quantizer.codes(x.view(), call);
    if (!codes) {
        return fail(std::move(codes).error().in("--codes"));
    }
    std::vector<std::int64_t> integers;
    integers.reserve(codes->values().size());
    bool hasNan = false;
    for (const float code : codes->values()) {
        hasNan = hasNan || !std::isfinite(code);
        integers.push_back(std::isfinite(code) ? static_cast<std::int64_t>(code) : 0);
    }
    if (hasNan) {
        session.warn({"no_code", "NaN has no code; 0 stands for it.", "--codes"});
    }
    return io::saveNpyIntegers(path, integers, codes->shape());
}

Result<Tensor> gradientOf(const QuantizeArguments& arguments, const quant::Quantizer& quantizer,
                          const Tensor& x, const quant::CallContext& call)
{
    auto upstream = loadTensor(arguments.upstream, "--upstream");
    if (!upstream) {
        return upstream;
    }
    if (!(upstream->shape() == x.shape())) {
        return fail(ErrorCode::ShapeMismatch,
                    fmt::format("The upstream gradient has the shape {}, the input {}.",
                                upstream->shape().toString(), x.shape().toString()),
                    "--upstream " + arguments.upstream);
    }
    Tensor dx(x.shape());
    quantizer.gradient(x.view(), upstream->view(), dx.mutableView(), call);
    return dx;
}

Json shapeOf(const Shape& shape)
{
    Json out = Json::array();
    for (const Index size : shape.sizes()) {
        out.push_back(size);
    }
    return out;
}

Answer describe(const quant::Quantizer& quantizer, const quant::Fit& fit, double sqnr,
                quant::DictionaryForm form)
{
    Answer answer;
    const auto [low, high] = quantizer.rangeWith(fit);
    const Json dictionary = Json::parse(quant::toDictionary(quantizer, form));
    answer.json = {{"quantizer", quantizer.toString()},
                   {"config", dictionary.is_object() ? dictionary.at("config") : dictionary},
                   {"dictionary", dictionary},
                   {"min", number(low)},
                   {"max", number(high)},
                   {"bits", quantizer.bits()},
                   {"scale_shape", shapeOf(fit.scale.shape())},
                   {"sqnr_db", number(sqnr)}};
    answer.text = table({{"quantizer", quantizer.toString()},
                         {"bits", std::to_string(quantizer.bits())},
                         {"range", fmt::format("{:.6g} … {:.6g}", low, high)},
                         {"scales", fit.scale.shape().toString()},
                         {"SQNR", fmt::format("{:.2f} dB", sqnr)},
                         {"dictionary", dictionary.dump()}},
                        {false, false});
    return answer;
}

Result<Answer> quantize(const QuantizeArguments& arguments, Session& session)
{
    auto parsed = quant::parseQuantizer(arguments.quantizer);
    if (!parsed) {
        return fail(std::move(parsed).error().in("--quantizer"));
    }
    parsed = compatible(std::move(*parsed), arguments.compat);
    if (!parsed) {
        return fail(std::move(parsed).error());
    }
    const quant::Quantizer& quantizer = **parsed;
    if (arguments.gradient.empty() != arguments.upstream.empty()) {
        return fail(ErrorCode::InvalidArgument, "--upstream and --gradient belong together.",
                    arguments.gradient.empty() ? "--upstream" : "--gradient");
    }
    auto x = loadTensor(arguments.input, "--input");
    if (!x) {
        return fail(std::move(x).error());
    }
    session.loaded();
    if (auto fits = quantizer.accepts(x->shape()); !fits) {
        return fail(std::move(fits).error().in("--quantizer"));
    }
    session.warn(quantizer.notes(x->shape()));

    const quant::CallContext call{arguments.training, sigmoids().at(arguments.sigmoid),
                                  session.options().seed};
    const quant::Fit fit = quantizer.fit(x->view(), call);
    Tensor y(x->shape());
    quantizer.apply(x->view(), y.mutableView(), call);
    Tensor dx;
    if (!arguments.gradient.empty()) {
        auto gradient = gradientOf(arguments, quantizer, *x, call);
        if (!gradient) {
            return fail(std::move(gradient).error());
        }
        dx = std::move(*gradient);
    }

    // Codes first: they may be refused, and then nothing shall be left behind.
    if (!arguments.codes.empty()) {
        if (auto saved = saveCodes(arguments.codes, quantizer, *x, call, session); !saved) {
            return fail(std::move(saved).error());
        }
    }
    const std::vector<std::pair<std::string, const Tensor*>> files{
        {arguments.output, &y}, {arguments.scale, &fit.scale}, {arguments.gradient, &dx}};
    for (const auto& [path, tensor] : files) {
        if (path.empty()) {
            continue;
        }
        if (auto saved = io::saveNpy(path, tensor->view()); !saved) {
            return fail(std::move(saved).error());
        }
    }
    return describe(quantizer, fit, sqnrDecibel(*x, y), forms().at(arguments.dictionary));
}

Json toJson(const quant::QuantizerInfo& info)
{
    Json parameters = Json::array();
    for (const quant::ParameterInfo& parameter : info.parameters) {
        Json entry{{"name", parameter.name},
                   {"default", quant::toJson(parameter, parameter.defaultValue)},
                   {"doc", parameter.doc}};
        if (!parameter.choices.empty()) {
            entry["choices"] = parameter.choices;
        }
        parameters.push_back(std::move(entry));
    }
    return {{"name", info.name},
            {"origin", info.origin},
            {"is_function", info.isFunction},
            {"doc", info.doc},
            {"grid", info.grid},
            {"parameters", std::move(parameters)}};
}

std::string toText(const quant::QuantizerInfo& info)
{
    std::vector<std::vector<std::string>> rows{{"parameter", "default", "meaning"}};
    for (const quant::ParameterInfo& parameter : info.parameters) {
        rows.push_back(
            {parameter.name, quant::toText(parameter, parameter.defaultValue), parameter.doc});
    }
    return fmt::format("{} ({})\n{}\nGrid: {}\n\n{}", info.name, info.origin, info.doc, info.grid,
                       table(rows, {false, false, false}));
}

Result<Answer> listQuantizers(const std::string& name)
{
    Answer answer;
    answer.json["quantizers"] = Json::array();
    if (!name.empty()) {
        const quant::QuantizerInfo* info = quant::findQuantizer(name);
        if (info == nullptr) {
            return fail(std::move(quant::makeQuantizer(name, {})).error().in("quantizers"));
        }
        answer.json["quantizers"].push_back(toJson(*info));
        answer.text = toText(*info);
        return answer;
    }
    std::vector<std::vector<std::string>> rows{{"quantizer", "from", "grid"}};
    for (const quant::QuantizerInfo& info : quant::quantizers()) {
        answer.json["quantizers"].push_back(toJson(info));
        rows.push_back({info.name, info.origin, info.grid});
    }
    answer.text = table(rows, {false, false, false});
    return answer;
}

} // namespace

Action declareQuantize(CLI::App& app)
{
    auto arguments = std::make_shared<QuantizeArguments>();
    app.add_option("--quantizer", arguments->quantizer,
                   "Quantizer: string of QKeras or TensorQuant, or dictionary as JSON")
        ->required();
    app.add_option("--input", arguments->input, "Values: x.npy")->required();
    app.add_option("--output", arguments->output, "Quantized values: y.npy")->required();
    app.add_option("--scale", arguments->scale,
                   "Write the scale here, as the quantizer exposes it");
    app.add_option("--codes", arguments->codes, "Write the integer codes here");
    app.add_option("--upstream", arguments->upstream, "Gradient of the output: g.npy");
    app.add_option("--gradient", arguments->gradient, "Write the gradient of the input here");
    app.add_flag("--training", arguments->training,
                 "Training phase: stochastic rounding draws from --seed");
    app.add_option("--sigmoid", arguments->sigmoid, "QKeras' internal sigmoid")
        ->check(CLI::IsMember({"hard", "smooth", "real"}))
        ->capture_default_str();
    app.add_option("--compat", arguments->compat,
                   "Repeat a deviation of another tool: tensorquant-python saturates and draws as "
                   "TensorQuant's Python code does")
        ->check(CLI::IsMember(compatibilityNames()));
    app.add_option("--dictionary", arguments->dictionary,
                   "Form in which the dictionary of the quantizer is shown")
        ->check(CLI::IsMember({"keras2", "keras3"}))
        ->capture_default_str();
    return [arguments](Session& session) { return quantize(*arguments, session); };
}

Action declareQuantizers(CLI::App& app)
{
    auto name = std::make_shared<std::string>();
    app.add_option("NAME", *name, "One quantizer; all if left out");
    return [name](Session&) { return listQuantizers(*name); };
}

} // namespace bitscape::cli
