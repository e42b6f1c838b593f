// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/tflite/tflite_builder.h"

#include "core/graph/activation.h"
#include "core/io/tflite/tflite_quantizers.h"

#include <fmt/format.h>

#include <algorithm>

namespace bitscape::io {

using graph::ActivationOp;
using graph::Slot;

Shape TfliteSource::sample() const
{
    std::vector<Index> axes(sizes.begin() + (hasBatch && !sizes.empty() ? 1 : 0), sizes.end());
    if (axes.empty()) {
        axes.push_back(1); // a single number
    }
    return Shape(axes);
}

std::optional<int> TfliteSource::axis(std::int64_t axisOfFile) const
{
    const auto rank = std::ssize(sizes);
    const std::int64_t axis = axisOfFile < 0 ? axisOfFile + rank : axisOfFile;
    if (axis < 0 || axis >= rank) {
        return std::nullopt;
    }
    return static_cast<int>(axis) - (hasBatch ? 1 : 0);
}

std::string layerName(const TfliteTensor& tensor)
{
    const std::string first = tensor.name.substr(0, tensor.name.find(';'));
    return first.empty() ? tensor.name : first;
}

TfliteBuilder::TfliteBuilder(const TfliteSubgraph& subgraph, std::string where)
    : m_subgraph(subgraph), m_where(std::move(where))
{
}

Result<void> TfliteBuilder::build()
{
    if (auto ok = addInputs(); !ok) {
        return ok;
    }
    for (const TfliteOperator& one : m_subgraph.operators) {
        if (auto ok = addOperator(one); !ok) {
            return ok;
        }
    }
    if (auto ok = addOutputs(); !ok) {
        return ok;
    }
    for (std::size_t l = 0; l < layers.size(); ++l) {
        for (const auto& [slot, quantizer] : m_quantizers[l]) {
            configuration.set(layers[l].name, slot, quantizer);
        }
    }
    return {};
}

Result<void> TfliteBuilder::addInputs()
{
    const auto sizeOf = [&](int input) {
        return tensor(input).shape.empty() ? 0 : tensor(input).shape.front();
    };
    const auto isBatched = [&](int input) {
        return tensor(input).shape.size() > 1 && sizeOf(input) == sizeOf(m_subgraph.inputs.front());
    };
    if (m_subgraph.inputs.empty() || m_subgraph.outputs.empty()) {
        return fail(ErrorCode::CorruptFile, "The network has no input or no output.", m_where);
    }
    const bool counts = std::ranges::all_of(m_subgraph.inputs, isBatched);
    batchAxis = counts ? graph::BatchAxis::Samples : graph::BatchAxis::None;
    m_samples = counts ? sizeOf(m_subgraph.inputs.front()) : 1;
    for (const int number : m_subgraph.inputs) {
        const TfliteTensor& one = tensor(number);
        if (m_sources.contains(number)) {
            return fail(ErrorCode::CorruptFile, "A tensor is an input twice.", m_where);
        }
        TfliteSource source{static_cast<int>(layers.size()), one.shape, counts};
        graph::Layer layer;
        layer.name = unique(layerName(one));
        layer.className = "INPUT";
        layer.op = graph::InputOp{source.sample()};
        layer.outputShape = source.sample();
        m_names.emplace(layer.name, source.layer);
        inputs.push_back(source.layer);
        layers.push_back(std::move(layer));
        m_quantizers.emplace_back();
        setQuantizer(source.layer, Slot::Activation, activationQuantizer(one));
        m_sources.emplace(number, std::move(source));
    }
    return {};
}

bool TfliteBuilder::isKnown(int tensor) const
{
    return m_sources.contains(tensor) || m_cuts.contains(tensor) || m_integers.contains(tensor) ||
           m_reals.contains(tensor);
}

Result<void> TfliteBuilder::addOperator(const TfliteOperator& one)
{
    for (const int output : one.outputs) {
        if (isKnown(output)) {
            return fail(ErrorCode::CorruptFile,
                        fmt::format("The tensor {} is computed twice.", tensor(output).name),
                        m_where);
        }
    }
    if (one.outputs.empty()) {
        return {}; // nothing comes of it
    }
    OperatorReading reading(*this, one);
    for (std::size_t i = 0; i < one.inputs.size(); ++i) {
        const int input = one.inputs[i];
        if (input >= 0 && !reading.isConstant(i) && !isKnown(input) && !tensor(input).isVariable) {
            return fail(ErrorCode::CorruptFile,
                        fmt::format("The operator {} reads the tensor {}, which nothing has "
                                    "computed before.",
                                    one.name, tensor(input).name),
                        m_where);
        }
    }
    if (foldIntegers(reading)) {
        return {};
    }
    const TfliteConverter* row = findConverter(one.code);
    if (row != nullptr) {
        row->convert(reading);
        for (std::size_t k = 0; reading.isOk() && k < one.outputs.size(); ++k) {
            if (!isKnown(one.outputs[k])) {
                reading.lacks("one of its outputs is not covered");
            }
        }
    } else {
        reading.lacks("this operator is not covered");
    }
    if (reading.error()) {
        return fail(Error(*reading.error()).in(m_where));
    }
    if (!reading.isOk()) {
        refuse(one, reading.firstLayer(), reading.reason());
    }
    for (std::size_t l = reading.firstLayer(); l < layers.size(); ++l) {
        if (layers[l].name.empty()) {
            layers[l].name = unique(layerName(tensor(one.outputs.front())) + "/part");
            m_names.emplace(layers[l].name, static_cast<int>(l));
        }
    }
    return {};
}

void TfliteBuilder::refuse(const TfliteOperator& one, std::size_t firstLayer,
                           const std::string& reason)
{
    layers.resize(firstLayer);
    m_quantizers.resize(firstLayer);
    std::erase_if(m_names, [&](const auto& entry) {
        return static_cast<std::size_t>(entry.second) >= firstLayer;
    });
    std::erase_if(m_sources, [&](const auto& entry) {
        return static_cast<std::size_t>(entry.second.layer) >= firstLayer;
    });
    for (const int output : one.outputs) {
        const TfliteTensor& given = tensor(output);
        const bool counts = batchAxis == graph::BatchAxis::Samples && given.shape.size() > 1 &&
                            given.shape.front() == m_samples;
        TfliteSource source{static_cast<int>(layers.size()), given.shape, counts};
        graph::Layer layer;
        layer.name = unique(layerName(given));
        layer.className = one.name;
        layer.op = graph::UnsupportedOp{reason};
        layer.originalConfig = one.options.dump();
        layer.outputShape = source.sample();
        for (const int input : one.inputs) {
            if (const auto found = m_sources.find(input); found != m_sources.end()) {
                layer.inputs.push_back(found->second.layer);
            }
        }
        m_names.emplace(layer.name, source.layer);
        layers.push_back(std::move(layer));
        m_quantizers.emplace_back();
        m_sources[output] = std::move(source);
    }
}

Result<void> TfliteBuilder::addOutputs()
{
    for (const int number : m_subgraph.outputs) {
        const auto found = m_sources.find(number);
        if (found == m_sources.end()) {
            return fail(ErrorCode::CorruptFile,
                        fmt::format("The output {} is computed by nothing.", tensor(number).name),
                        m_where);
        }
        outputs.push_back(found->second.layer);
    }
    return {};
}

std::string TfliteBuilder::unique(const std::string& name) const
{
    std::string one = name;
    for (int number = 1; m_names.contains(one); ++number) {
        one = fmt::format("{}_{}", name, number);
    }
    return one;
}

void TfliteBuilder::setQuantizer(int layer, Slot slot, quant::QuantizerPtr quantizer)
{
    if (quantizer) {
        m_quantizers[static_cast<std::size_t>(layer)][slot] = std::move(quantizer);
    }
}

const TfliteConverter* findConverter(int code)
{
    for (const auto family :
         {tfliteWindowConverters(), tfliteElementConverters(), tfliteShapeConverters(),
          tfliteImageConverters(), tfliteSequenceConverters(), tfliteFunctionConverters()}) {
        const auto row = std::ranges::find(family, code, &TfliteConverter::code);
        if (row != family.end()) {
            return &*row;
        }
    }
    return nullptr;
}

} // namespace bitscape::io
