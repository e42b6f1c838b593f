// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/aimet_map.h"

#include "core/base/text.h"
#include "core/graph/map_document.h"
#include "core/graph/map_entries.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

namespace bitscape::graph {

namespace {

constexpr std::string_view kTool = "AIMET";

/// A tensor's encoding: value = (code + offset) · scale, a scale for all or one per channel.
struct Encoding {
    std::int64_t bits = 8;
    bool isFloat = false;
    bool isNarrow = false; ///< without the lowest of 2^bits codes
    std::vector<double> scales, offsets;
};

Failure wrong(const std::string& what)
{
    return fail(ErrorCode::InvalidArgument, what, {},
                "AIMET writes bitwidth, scale and offset of every tensor.");
}

std::optional<double> numberAt(const Json& entry, const char* key)
{
    const Json& value = member(entry, key);
    return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

/// One entry of a list of the older form.
Result<void> addOldEntry(const Json& entry, Encoding& encoding)
{
    const auto bits = numberAt(entry, "bitwidth");
    if (!bits) {
        return wrong("The encoding has no bitwidth.");
    }
    encoding.bits = static_cast<std::int64_t>(*bits);
    encoding.isFloat = member(entry, "dtype") == "float";
    if (encoding.isFloat) {
        return {};
    }
    const auto low = numberAt(entry, "min");
    const auto high = numberAt(entry, "max");
    auto scale = numberAt(entry, "scale");
    if (!scale && low && high) {
        scale = (*high - *low) / (std::ldexp(1.0, static_cast<int>(encoding.bits)) - 1);
    }
    auto offset = numberAt(entry, "offset");
    if (!offset && low && scale) {
        offset = std::nearbyint(*low / *scale);
    }
    if (!scale || !offset) {
        return wrong("The encoding has no scale and offset, and no range that gives them.");
    }
    encoding.scales.push_back(*scale);
    encoding.offsets.push_back(*offset);
    if (low && high && *scale > 0) {
        const double steps = std::nearbyint((*high - *low) / *scale);
        encoding.isNarrow = steps == std::ldexp(1.0, static_cast<int>(encoding.bits)) - 2;
    }
    return {};
}

/// Numbers of a key that is a number or a list of them.
std::vector<double> listAt(const Json& entry, const char* key)
{
    const Json& value = member(entry, key);
    std::vector<double> out;
    if (value.is_number()) {
        out.push_back(value.get<double>());
    }
    for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) {
        if (value[i].is_number()) {
            out.push_back(value[i].get<double>());
        }
    }
    return out;
}

Result<Encoding> readNewEntry(const Json& entry)
{
    Encoding encoding;
    const auto bits = numberAt(entry, "bw");
    if (!bits) {
        return wrong("The encoding has no bw.");
    }
    encoding.bits = static_cast<std::int64_t>(*bits);
    encoding.isFloat = member(entry, "dtype") == "FLOAT";
    encoding.scales = listAt(entry, "scale");
    encoding.offsets = listAt(entry, "offset");
    if (encoding.isFloat) {
        return encoding;
    }
    if (encoding.scales.empty() || encoding.scales.size() != encoding.offsets.size()) {
        return wrong("The encoding has not as many offsets as scales.");
    }
    const double half = std::ldexp(1.0, static_cast<int>(encoding.bits) - 1);
    encoding.isNarrow = member(entry, "is_sym") == true && encoding.offsets.front() == 1 - half;
    return encoding;
}

/// A list of entries, one per channel; or the same under numbers as keys.
Result<Encoding> readOldEntries(const Json& entries)
{
    Encoding encoding;
    if (!entries.is_array() && !entries.is_object()) {
        return wrong("The encoding is neither a list nor an object.");
    }
    if (entries.contains("bitwidth")) {
        auto ok = addOldEntry(entries, encoding);
        return ok ? Result<Encoding>(encoding) : fail(std::move(ok).error());
    }
    for (const Json& entry : entries) {
        if (auto ok = addOldEntry(entry, encoding); !ok) {
            return fail(std::move(ok).error());
        }
    }
    return encoding;
}

/// How scales of that many channels broadcast against the weight.
Result<quant::Value> channelValue(const std::vector<double>& values, const Layer& layer,
                                  const Shape& shape)
{
    if (values.size() == 1) {
        return quant::Value(values.front());
    }
    const auto count = static_cast<Index>(values.size());
    const int rank = shape.rank();
    const bool isTransposed = layer.className.find("Transpose") != std::string::npos;
    const Index inner = shape.channels();
    const Index outer = rank > 1 ? shape[rank - 2] : 1;
    if (count == inner && !isTransposed) {
        return quant::Value(values);
    }
    std::vector<std::int64_t> sizes(static_cast<std::size_t>(rank), 1);
    if (rank > 1 && count == outer) {
        sizes[static_cast<std::size_t>(rank) - 2] = outer;
    } else if (rank > 1 && count == inner * outer) {
        sizes[static_cast<std::size_t>(rank) - 2] = outer;
        sizes[static_cast<std::size_t>(rank) - 1] = inner;
    } else {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("There are {} encodings for channels of a tensor of shape {}.",
                                count, shape.toString()));
    }
    return quant::Value(quant::NestedList{values, std::move(sizes)});
}

/// Codes of two's complement with the same levels. Null for floats.
Result<quant::QuantizerPtr> quantizerOf(const Encoding& encoding, const Layer& layer,
                                        const Shape& shape)
{
    constexpr std::int64_t kMostBits = 32;
    if (encoding.isFloat) {
        return quant::QuantizerPtr{};
    }
    if (encoding.bits < 2 || encoding.bits > kMostBits || encoding.scales.empty()) {
        return fail(ErrorCode::InvalidArgument,
                    fmt::format("The encoding has {} bits; 2 to 32 are covered.", encoding.bits));
    }
    const double low =
        -std::ldexp(1.0, static_cast<int>(encoding.bits) - 1) + (encoding.isNarrow ? 1 : 0);
    std::vector<double> zeroPoints;
    for (const double offset : encoding.offsets) {
        zeroPoints.push_back(low - offset);
    }
    auto scale = channelValue(encoding.scales, layer, shape);
    auto zero = channelValue(zeroPoints, layer, shape);
    if (!scale || !zero) {
        return fail(std::move(scale ? zero : scale).error());
    }
    quant::Parameters parameters{
        {"bits", encoding.bits}, {"narrow", encoding.isNarrow}, {"scale", std::move(*scale)}};
    if (std::ranges::any_of(zeroPoints, [](double point) { return point != 0.0; })) {
        parameters["zero_point"] = std::move(*zero);
    }
    return quant::makeQuantizer("affine", std::move(parameters));
}

/// The layer that a tensor's name starts with, the longest where several do; −1: none.
int layerOf(const Graph& graph, std::string_view tensor)
{
    int found = -1;
    std::size_t length = 0;
    for (int i = 0; i < static_cast<int>(graph.layers().size()); ++i) {
        const std::string& name = graph.layer(i).name;
        const bool starts = tensor.starts_with(name);
        const bool ends =
            tensor.size() == name.size() ||
            (starts && std::string_view("./:").find(tensor[name.size()]) != std::string_view::npos);
        if (starts && ends && name.size() >= length) {
            found = i;
            length = name.size();
        }
    }
    return found;
}

/// Which weight "LAYER.weight" or "LAYER/kernel:0" is; −1: none of the layer.
int weightOf(const Layer& layer, std::string_view tensor)
{
    std::string_view name = tensor.substr(layer.name.size());
    name = name.substr(std::min(name.find_last_of("./") + 1, name.size()));
    name = name.substr(0, name.find(':'));
    for (int i = 0; i < static_cast<int>(layer.weights.size()); ++i) {
        const std::string& own = layer.weights[static_cast<std::size_t>(i)].name;
        const bool isKernel = own == "kernel" || own == "depthwise_kernel";
        if (own == name || (isKernel && name == "weight")) {
            return i;
        }
    }
    return -1;
}

class EncodingApplier {
public:
    EncodingApplier(const Graph& graph, MapResult& result) : m_graph(graph), m_result(result) {}

    Result<void> apply(const Json& encodings)
    {
        for (const auto& [key, isWeight] :
             {std::pair("activation_encodings", false), std::pair("param_encodings", true)}) {
            const Json& part = member(encodings, key);
            if (auto ok = part.is_array() ? applyList(part, isWeight) : applyObject(part, isWeight);
                !ok) {
                return fail(std::move(ok).error().in(key));
            }
        }
        return {};
    }

private:
    /// Version 1.0.0.
    Result<void> applyList(const Json& list, bool isWeight)
    {
        for (const Json& entry : list) {
            const Json& name = member(entry, "name");
            if (!name.is_string()) {
                return wrong("An encoding has no name.");
            }
            auto ok = put(name.get<std::string>(), readNewEntry(entry), isWeight);
            if (!ok) {
                return fail(std::move(ok).error().in(name.get<std::string>()));
            }
        }
        return {};
    }

    /// Up to version 0.6.1.
    Result<void> applyObject(const Json& object, bool isWeight)
    {
        if (!object.is_object()) {
            return {};
        }
        for (const auto& [name, value] : object.items()) {
            const Json& outputs = member(value, "output");
            const bool isModule = value.is_object() && !value.contains("bitwidth") &&
                                  (value.contains("output") || value.contains("input"));
            if (isModule && outputs.is_null()) {
                continue; // what goes in is the output of another layer
            }
            auto ok = put(name, readOldEntries(isModule ? outputs : value), isWeight);
            if (!ok) {
                return fail(std::move(ok).error().in(name));
            }
        }
        return {};
    }

    Result<void> put(const std::string& tensor, Result<Encoding> encoding, bool isWeight)
    {
        if (!encoding) {
            return fail(std::move(encoding).error());
        }
        const int index = layerOf(m_graph, tensor);
        if (index < 0) {
            warnOfUnmatched(tensor);
            return {};
        }
        const Layer& layer = m_graph.layer(index);
        if (encoding->isFloat) {
            m_result.warnings.push_back(
                {"map_note", "The encoding is of floats; the tensor stays as it is.", tensor});
            return {};
        }
        return isWeight ? putWeight(layer, tensor, *encoding) : putOutput(layer, *encoding);
    }

    Result<void> putWeight(const Layer& layer, const std::string& tensor, const Encoding& encoding)
    {
        const int weight = weightOf(layer, tensor);
        const Slot* slot = weight < 0 ? nullptr : slotOfWeight(layer, weight);
        if (slot == nullptr) {
            warnOfUnmatched(tensor);
            return {};
        }
        auto quantizer = quantizerOf(
            encoding, layer, layer.weights[static_cast<std::size_t>(weight)].value->shape());
        if (!quantizer) {
            return fail(std::move(quantizer).error());
        }
        m_result.configuration.set(layer.name, *slot, std::move(*quantizer));
        return {};
    }

    Result<void> putOutput(const Layer& layer, const Encoding& encoding)
    {
        auto quantizer = quantizerOf(encoding, layer, layer.outputShape.batchOf(1));
        if (!quantizer) {
            return fail(std::move(quantizer).error());
        }
        if (std::holds_alternative<InputOp>(layer.op) && m_graph.inputs().size() == 1) {
            m_result.configuration.input = std::move(*quantizer);
        } else {
            setOutputBehind(layer, *quantizer, kTool, m_result);
        }
        return {};
    }

    void warnOfUnmatched(const std::string& tensor)
    {
        std::vector<std::string> known;
        for (const Layer& layer : m_graph.layers()) {
            known.push_back(layer.name);
        }
        const std::string start = tensor.substr(0, tensor.find_first_of("./:"));
        std::string message = fmt::format("The network has no tensor '{}' of the map.", tensor);
        if (const std::string near = nearest(start, known); !near.empty() && near != start) {
            message += " " + didYouMean(near);
        }
        m_result.warnings.push_back({"unmatched_map_entry", std::move(message), tensor});
    }

    const Graph& m_graph;
    MapResult& m_result;
};

} // namespace

Result<void> applyAimetEncodings(const Graph& graph, const Json& encodings, MapResult& result)
{
    return EncodingApplier(graph, result).apply(encodings);
}

} // namespace bitscape::graph
