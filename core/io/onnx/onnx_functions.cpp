// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/onnx_functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace bitscape::io {

namespace {

using graph::ArrayValue;
using graph::FunctionInput;
using graph::FunctionSetup;
using Kind = FunctionInput::Kind;

/// Two guesses for a size that is open: what differs between them only data tell.
constexpr std::array<Index, 2> kGuesses{37, 74};

/// Makes layers, or constants, of one node.
class NodeReading {
public:
    NodeReading(OnnxBuilder& builder, const OnnxNode& node) : m_builder(builder), m_node(node) {}

    Result<void> read()
    {
        m_outputs = 1;
        for (std::size_t i = 0; i < m_node.outputs.size(); ++i) {
            m_outputs =
                m_builder.isUsed(m_node.outputs[i]) ? std::max(m_outputs, i + 1) : m_outputs;
        }
        m_setup.opset = m_builder.opset(m_node.domain);
        m_setup.function = graph::findFunction(m_node.domain, m_node.opType, m_setup.opset);
        if (m_setup.function == nullptr) {
            return refuse(whyUnknown());
        }
        auto attributes = attributesOf(m_node);
        if (!attributes) {
            return refuse(attributes.error().message);
        }
        m_setup.attributes = std::move(*attributes);
        takeInputs();
        if (m_readsUnknown) {
            return addBehindUnknown();
        }
        return m_hasLayers ? addLayer() : fold();
    }

private:
    [[nodiscard]] std::string whyUnknown() const
    {
        const bool isForeign = !m_node.domain.empty();
        for (const auto& [name, attribute] : m_node.attributes) {
            if (const auto* foreign = std::get_if<OnnxForeign>(&attribute)) {
                return "it holds " + foreign->what + ", which is not covered";
            }
        }
        return isForeign ? "an operator of a domain that is not known"
                         : "this operator is not covered";
    }

    void takeInputs()
    {
        for (const std::string& name : m_node.inputs) {
            FunctionInput input;
            const OnnxKnown* known = m_builder.find(name);
            if (known != nullptr && known->constant) {
                input.kind = Kind::Constant;
                input.name = name;
                input.constant = *known->constant;
            } else if (known != nullptr) {
                input.kind = Kind::Tensor;
                input.name = name;
                input.tensor = known->tensor;
                input.sizes = known->sizes;
                m_hasLayers = true;
                m_readsUnknown = m_readsUnknown || !known->isKnown;
                m_layers.push_back(known->layer);
            }
            m_setup.inputs.push_back(std::move(input));
        }
    }

    /// Parameters: numbers that float32 holds, more than one of them.
    static bool mayBeWeight(const FunctionInput& input)
    {
        const graph::ElementType type = input.constant.type;
        return input.kind == Kind::Constant && input.constant.count() > 1 &&
               type != graph::ElementType::Double && type != graph::ElementType::Bool &&
               (graph::isReal(type) || graph::bitsOf(type) <= 16);
    }

    /// Outputs for one guess of the open sizes, weights as numbers or as tensors that come later.
    [[nodiscard]] Result<std::vector<ArrayValue>> evaluate(Index guess, bool withWeights)
    {
        std::vector<ArrayValue> values(m_setup.inputs.size());
        std::vector<const ArrayValue*> pointers;
        for (std::size_t i = 0; i < values.size(); ++i) {
            const FunctionInput& input = m_setup.inputs[i];
            const bool isWeight = withWeights && mayBeWeight(input);
            if (input.kind == Kind::Constant && !isWeight) {
                pointers.push_back(&input.constant);
                continue;
            }
            values[i] = {.type = isWeight ? input.constant.type : input.tensor.type,
                         .sizes = isWeight ? input.constant.sizes : input.sizes,
                         .isKnown = false};
            for (Index& size : values[i].sizes) {
                size = size < 0 ? guess : size;
            }
            pointers.push_back(input.kind == Kind::LeftOut ? nullptr : &values[i]);
        }
        while (!pointers.empty() && pointers.back() == nullptr) {
            pointers.pop_back();
        }
        graph::Evaluation evaluation(pointers, m_setup.attributes, m_setup.opset, m_outputs);
        m_setup.function->evaluate(evaluation);
        m_unknownInput = evaluation.unknownInput();
        return evaluation.finish();
    }

    [[nodiscard]] bool hasOpenSizes() const
    {
        return std::ranges::any_of(m_setup.inputs, [](const FunctionInput& input) {
            return input.kind == Kind::Tensor &&
                   std::ranges::any_of(input.sizes, [](Index size) { return size < 0; });
        });
    }

    Result<void> refuse(const std::string& reason)
    {
        graph::Layer layer{.name = m_builder.freeName(m_node.name),
                           .className = m_node.className(),
                           .op = graph::UnsupportedOp{reason},
                           .originalConfig = configOf(m_node)};
        for (const std::string& output : m_node.outputs) {
            if (!output.empty()) {
                layer.name = output;
                break;
            }
        }
        for (const std::string& input : m_node.inputs) {
            const OnnxKnown* known = m_builder.find(input);
            if (known != nullptr && known->layer >= 0) {
                layer.inputs.push_back(known->layer);
            }
        }
        const std::string name = layer.name;
        auto index = m_builder.addLayer(std::move(layer));
        if (!index) {
            return fail(std::move(index).error());
        }
        for (const std::string& output : m_node.outputs) {
            m_builder.define(output, {.layer = *index, .isKnown = false});
        }
        m_builder.notes.push_back({ImportKind::Missing, name, m_node.className() + ": " + reason});
        return {};
    }

    Result<void> refuse(const Error& error)
    {
        if (m_unknownInput) {
            return refuse(fmt::format("its sizes depend on the values of '{}'",
                                      m_node.inputs[*m_unknownInput]));
        }
        return refuse(error.message);
    }

    Result<void> fold()
    {
        auto values = evaluate(1, false);
        if (!values) {
            return refuse(values.error());
        }
        for (std::size_t i = 0; i < std::min(m_outputs, m_node.outputs.size()); ++i) {
            defineConstant(m_node.outputs[i], std::move((*values)[i]));
        }
        return {};
    }

    void defineConstant(const std::string& name, ArrayValue value)
    {
        OnnxKnown known{.sizes = value.sizes};
        known.constant = std::make_shared<const ArrayValue>(std::move(value));
        m_builder.define(name, std::move(known));
    }

    /// What the outputs are whatever the open sizes; open sizes as −1. Numbers that change with
    /// them are an error.
    Result<std::vector<ArrayValue>> outputs(bool withWeights)
    {
        auto first = evaluate(kGuesses[0], withWeights);
        if (!first || !hasOpenSizes()) {
            return first;
        }
        auto second = evaluate(kGuesses[1], withWeights);
        if (!second) {
            return second;
        }
        for (std::size_t i = 0; i < first->size(); ++i) {
            ArrayValue& a = (*first)[i];
            const ArrayValue& b = (*second)[i];
            if (a.isKnown && !(a == b)) {
                return fail(ErrorCode::Unsupported, "its values depend on sizes that are open");
            }
            for (std::size_t axis = 0; axis < a.sizes.size() && axis < b.sizes.size(); ++axis) {
                a.sizes[axis] = a.sizes[axis] == b.sizes[axis] ? a.sizes[axis] : -1;
            }
        }
        return first;
    }

    Result<void> addLayer()
    {
        bool withWeights = true;
        auto values = outputs(true);
        if (!values) {
            withWeights = false; // one of them may be a setting
            values = outputs(false);
        }
        if (!values) {
            return refuse(values.error());
        }
        if (std::ranges::all_of(*values, &ArrayValue::isKnown)) {
            for (std::size_t i = 0; i < std::min(m_outputs, m_node.outputs.size()); ++i) {
                defineConstant(m_node.outputs[i], std::move((*values)[i]));
            }
            return {};
        }
        graph::Layer layer = newLayer();
        if (withWeights) {
            if (auto ok = takeWeights(layer); !ok) {
                return ok;
            }
        }
        for (const ArrayValue& value : *values) {
            m_setup.outputs.push_back(
                graph::tensorFor(value, m_builder.batchAxis() == graph::BatchAxis::Samples));
        }
        const std::vector<graph::FunctionTensor> tensors = m_setup.outputs;
        layer.op = graph::functionOp(std::move(m_setup));
        return addOutputs(std::move(layer), tensors, &*values);
    }

    graph::Layer newLayer()
    {
        graph::Layer layer{.name = m_node.outputs.empty() ? std::string() : m_node.outputs.front(),
                           .className = m_node.className(),
                           .inputs = m_layers,
                           .originalConfig = configOf(m_node)};
        const auto used = std::ranges::count_if(
            m_node.outputs, [this](const std::string& one) { return m_builder.isUsed(one); });
        if (m_outputs > 1 || layer.name.empty() || used == 0) {
            layer.name = m_builder.freeName(m_node.name.empty() ? m_node.opType : m_node.name);
        }
        return layer;
    }

    Result<void> takeWeights(graph::Layer& layer)
    {
        for (FunctionInput& input : m_setup.inputs) {
            if (!mayBeWeight(input)) {
                continue;
            }
            const ArrayValue value = std::move(input.constant);
            auto tensor = std::make_shared<Tensor>(Shape(value.sizes));
            graph::toFloats(value, tensor->values());
            if (std::ranges::any_of(tensor->values(), [](float x) { return std::isnan(x); })) {
                return fail(ErrorCode::CorruptFile, "It holds values that are no numbers (NaN).",
                            "tensor " + input.name);
            }
            layer.weights.push_back({.name = input.name,
                                     .fileName = input.name,
                                     .value = std::move(tensor),
                                     .trainable = false});
            input.kind = Kind::Weight;
            input.tensor.type = value.type;
            input.sizes = value.sizes;
            input.constant = {};
        }
        return {};
    }

    /// `values`: null behind an unsupported layer.
    Result<void> addOutputs(graph::Layer layer, const std::vector<graph::FunctionTensor>& tensors,
                            const std::vector<ArrayValue>* values)
    {
        const bool isSingle = tensors.size() == 1;
        layer.isScalar = isSingle && values != nullptr && tensors.front().isScalar;
        const std::string className = layer.className;
        auto index = m_builder.addLayer(std::move(layer));
        if (!index) {
            return refuse(index.error());
        }
        for (std::size_t i = 0; i < std::min(tensors.size(), m_node.outputs.size()); ++i) {
            if (!isSingle && !m_builder.isUsed(m_node.outputs[i])) {
                continue;
            }
            OnnxKnown known{.layer = *index, .tensor = tensors[i], .isKnown = values != nullptr};
            if (values != nullptr) {
                known.sizes = (*values)[i].sizes;
            }
            if (!isSingle) {
                auto part = m_builder.addLayer({.name = m_node.outputs[i],
                                                .className = className,
                                                .op = graph::SelectOp{static_cast<int>(i)},
                                                .inputs = {*index},
                                                .isScalar = tensors[i].isScalar});
                if (!part) {
                    return fail(std::move(part).error());
                }
                known.layer = *part;
            }
            m_builder.define(m_node.outputs[i], std::move(known));
        }
        return {};
    }

    Result<void> addBehindUnknown()
    {
        m_setup.outputs.assign(m_outputs, {});
        graph::Layer layer = newLayer();
        const std::vector<graph::FunctionTensor> tensors = m_setup.outputs;
        layer.op = graph::functionOp(std::move(m_setup));
        return addOutputs(std::move(layer), tensors, nullptr);
    }

    OnnxBuilder& m_builder;
    const OnnxNode& m_node;
    FunctionSetup m_setup;
    std::vector<int> m_layers; ///< that inputs come from
    std::size_t m_outputs = 1; ///< wanted
    bool m_hasLayers = false;
    bool m_readsUnknown = false;
    std::optional<std::size_t> m_unknownInput;
};

} // namespace

Result<void> mapFunction(OnnxBuilder& builder, const OnnxNode& node)
{
    return NodeReading(builder, node).read();
}

} // namespace bitscape::io
