// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/function_layer.h"

#include "core/graph/layer_registry.h"
#include "core/graph/layer_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <type_traits>
#include <utility>

namespace bitscape::graph {

namespace {

using Kind = FunctionInput::Kind;

/// Two guesses for a size that is open: what differs between them is open as well.
constexpr std::array<Index, 2> kGuesses{37, 74};

Shape closedBy(const Shape& shape, Index guess)
{
    Shape closed = shape;
    for (int axis = 0; axis < closed.rank(); ++axis) {
        closed[axis] = closed[axis] < 0 ? guess : closed[axis];
    }
    return closed;
}

bool isOpen(const Shape& shape)
{
    return std::ranges::any_of(shape.sizes(), [](Index size) { return size < 0; });
}

/// The arrays of one call: constants once, the rest per sample.
struct Arguments {
    std::vector<ArrayValue> values;
    std::vector<const ArrayValue*> pointers;

    explicit Arguments(const FunctionSetup& setup)
        : values(setup.inputs.size()), pointers(setup.inputs.size(), nullptr)
    {
        for (std::size_t i = 0; i < values.size(); ++i) {
            const FunctionInput& input = setup.inputs[i];
            if (input.kind == Kind::Constant) {
                pointers[i] = &input.constant;
            } else if (input.kind == Kind::Tensor || input.kind == Kind::Weight) {
                pointers[i] = &values[i];
            }
        }
        while (!pointers.empty() && pointers.back() == nullptr) {
            pointers.pop_back();
        }
    }
    Arguments(const Arguments&) = delete;
    Arguments& operator=(const Arguments&) = delete;
    Arguments(Arguments&&) = delete;
    Arguments& operator=(Arguments&&) = delete;
    ~Arguments() = default;
};

Result<std::vector<ArrayValue>> call(const FunctionSetup& setup, const Arguments& arguments)
{
    return evaluate(*setup.function, arguments.pointers, setup.attributes, setup.opset,
                    setup.outputs.size());
}

class FunctionKernel final : public LayerKernel {
public:
    FunctionKernel(std::shared_ptr<const FunctionSetup> setup, std::vector<Shape> inputs,
                   std::vector<Shape> outputs)
        : m_setup(std::move(setup)), m_inputs(std::move(inputs)), m_outputs(std::move(outputs))
    {
    }

    void setWeights(LayerWeights weights) override
    {
        m_weights.clear();
        std::size_t next = 0;
        for (const FunctionInput& input : m_setup->inputs) {
            if (input.kind == Kind::Weight) {
                m_weights.push_back(
                    fromFloats(input.tensor.type, input.sizes, weights[next++].values()));
            }
        }
    }

    void forward(int /*phase*/, const ForwardCall& call) override
    {
        Arguments arguments(*m_setup);
        std::size_t weight = 0;
        for (std::size_t i = 0; i < m_setup->inputs.size(); ++i) {
            if (m_setup->inputs[i].kind == Kind::Weight) {
                arguments.pointers[i] = &m_weights[weight++];
            }
        }
        Index size = 0;
        for (const Shape& output : m_outputs) {
            size += output.elementCount();
        }
        for (Index sample = 0; sample < call.samples.count; ++sample) {
            take(call, sample, arguments);
            compute(arguments, {call.output + sample * size, static_cast<std::size_t>(size)});
        }
    }

    void backward(int /*phase*/, const BackwardCall& /*call*/) override
    {
        ensure(false, "FunctionKernel: functions have no gradient");
    }

private:
    void take(const ForwardCall& call, Index sample, Arguments& arguments) const
    {
        std::size_t next = 0;
        for (std::size_t i = 0; i < m_setup->inputs.size(); ++i) {
            const FunctionInput& input = m_setup->inputs[i];
            if (input.kind == Kind::Tensor) {
                const Index size = m_inputs[next].elementCount();
                arguments.values[i] =
                    fromFloats(input.tensor.type, sizesOf(input.tensor, m_inputs[next]),
                               {call.inputs[next] + sample * size, static_cast<std::size_t>(size)});
            }
            if (input.kind == Kind::Tensor || input.kind == Kind::Unread) {
                ++next;
            }
        }
    }

    /// Data a function can make nothing of, such as an index outside, give no number.
    void compute(const Arguments& arguments, std::span<float> output) const
    {
        const auto results = call(*m_setup, arguments);
        for (std::size_t i = 0; i < m_outputs.size(); ++i) {
            const auto size = static_cast<std::size_t>(m_outputs[i].elementCount());
            const auto part = output.first(size);
            if (results && (*results)[i].count() == std::ssize(part)) {
                toFloats((*results)[i], part);
            } else {
                std::ranges::fill(part, std::numeric_limits<float>::quiet_NaN());
            }
            output = output.subspan(size);
        }
    }

    std::shared_ptr<const FunctionSetup> m_setup;
    std::vector<Shape> m_inputs, m_outputs;
    std::vector<ArrayValue> m_weights;
};

Json describe(const ArrayValue& value)
{
    return {{"type", name(value.type)},
            {"sizes", value.sizes},
            {"reals", value.reals},
            {"integers", value.integers}};
}

Json describe(const Attribute& attribute)
{
    return std::visit(
        [](const auto& value) -> Json {
            if constexpr (std::is_same_v<decltype(value), const ArrayValue&>) {
                return describe(value);
            } else {
                return value;
            }
        },
        attribute);
}

class FunctionRule final : public LayerRule {
public:
    explicit FunctionRule(FunctionSetup setup)
        : m_setup(std::make_shared<const FunctionSetup>(std::move(setup)))
    {
    }

    [[nodiscard]] const FunctionSetup& setup() const { return *m_setup; }

    InputCount inputCount() const override
    {
        const auto reads = static_cast<std::size_t>(
            std::ranges::count_if(m_setup->inputs, [](const FunctionInput& input) {
                return input.kind == Kind::Tensor || input.kind == Kind::Unread;
            }));
        return {reads, reads};
    }

    Result<OpShape> shape(std::span<const Shape> inputs) const override
    {
        auto first = closedShape(inputs, kGuesses[0]);
        if (std::ranges::none_of(inputs, isOpen)) {
            return first;
        }
        // Whether open sizes fit is known when they are.
        const auto second = closedShape(inputs, kGuesses[1]);
        if (!first || !second) {
            return OpShape{};
        }
        first->macs = 0;
        openWhere(first->output, second->output);
        for (std::size_t i = 0; i < first->parts.size(); ++i) {
            openWhere(first->parts[i], second->parts[i]);
        }
        return first;
    }

    std::vector<RuleWeight> weights() const override
    {
        std::vector<RuleWeight> weights;
        for (const FunctionInput& input : m_setup->inputs) {
            if (input.kind == Kind::Weight) {
                weights.push_back({.name = input.name});
            }
        }
        return weights;
    }

    std::vector<Slot> slots() const override { return {}; }
    bool clipsWeights() const override { return false; }
    bool hasGradient() const override { return false; }

    std::unique_ptr<LayerKernel> kernel(const KernelRequest& request) const override
    {
        return std::make_unique<FunctionKernel>(m_setup, request.inputs,
                                                request.layer.parts.empty()
                                                    ? std::vector<Shape>{request.layer.outputShape}
                                                    : request.layer.parts);
    }

    Json config() const override
    {
        Json inputs = Json::array();
        for (const FunctionInput& input : m_setup->inputs) {
            inputs.push_back({{"kind", static_cast<int>(input.kind)},
                              {"type", name(input.tensor.type)},
                              {"batch", input.tensor.hasBatch},
                              {"scalar", input.tensor.isScalar},
                              {"sizes", input.sizes},
                              {"constant", describe(input.constant)}});
        }
        Json attributes = Json::object();
        for (const auto& [key, value] : m_setup->attributes) {
            attributes[key] = describe(value);
        }
        return {{"domain", m_setup->function->domain},
                {"function", m_setup->function->name},
                {"opset", m_setup->opset},
                {"attributes", std::move(attributes)},
                {"inputs", std::move(inputs)}};
    }

private:
    static void openWhere(Shape& shape, const Shape& other)
    {
        for (int axis = 0; axis < shape.rank() && shape.rank() == other.rank(); ++axis) {
            shape[axis] = shape[axis] == other[axis] ? shape[axis] : -1;
        }
    }

    [[nodiscard]] Result<OpShape> closedShape(std::span<const Shape> inputs, Index guess) const
    {
        Arguments arguments(*m_setup);
        OpShape result;
        std::size_t next = 0;
        for (std::size_t i = 0; i < m_setup->inputs.size(); ++i) {
            const FunctionInput& input = m_setup->inputs[i];
            ArrayValue& value = arguments.values[i];
            value = {.type = input.tensor.type, .isKnown = false};
            if (input.kind == Kind::Tensor) {
                value.sizes = sizesOf(input.tensor, closedBy(inputs[next], guess));
            } else if (input.kind == Kind::Weight) {
                value.sizes = input.sizes;
                result.weights.push_back(
                    {.name = input.name, .shape = Shape(input.sizes), .trainable = false});
            }
            if (input.kind == Kind::Tensor || input.kind == Kind::Unread) {
                ++next;
            }
        }
        auto values = call(*m_setup, arguments);
        if (!values) {
            return fail(std::move(values).error());
        }
        std::vector<Shape> shapes;
        Index total = 0;
        for (std::size_t i = 0; i < m_setup->outputs.size(); ++i) {
            shapes.push_back(shapeFor(m_setup->outputs[i], (*values)[i].sizes));
            total += shapes.back().elementCount();
        }
        if (m_setup->function->macs != nullptr) {
            result.macs = m_setup->function->macs(arguments.pointers, *values);
        }
        result.output = shapes.size() == 1 ? shapes.front() : Shape{total};
        if (shapes.size() > 1) {
            result.parts = std::move(shapes);
        }
        return result;
    }

    std::shared_ptr<const FunctionSetup> m_setup;
};

/// No layer of Keras: it is made by importers alone.
const LayerInfo& row()
{
    static const LayerInfo info{"Function", "", "A function of ONNX.", nullptr};
    return info;
}

} // namespace

Sizes sizesOf(const FunctionTensor& tensor, const Shape& shape)
{
    Sizes sizes;
    if (tensor.hasBatch) {
        sizes.push_back(1);
    }
    if (!tensor.isScalar) {
        sizes.insert(sizes.end(), shape.sizes().begin(), shape.sizes().end());
    }
    return sizes;
}

FunctionTensor tensorFor(const ArrayValue& value, bool hasBatch)
{
    const bool takes = hasBatch && !value.sizes.empty() && value.sizes.front() == 1;
    return {
        .type = value.type, .hasBatch = takes, .isScalar = value.sizes.size() == (takes ? 1U : 0U)};
}

Shape shapeFor(const FunctionTensor& tensor, const Sizes& sizes)
{
    if (tensor.isScalar) {
        return Shape{1};
    }
    return Shape(std::span<const Index>(sizes).subspan(tensor.hasBatch && !sizes.empty() ? 1 : 0));
}

Op functionOp(FunctionSetup setup)
{
    ensure(setup.function != nullptr && !setup.outputs.empty(), "functionOp: nothing to run");
    return RuleOp{.info = &row(), .rule = std::make_shared<FunctionRule>(std::move(setup))};
}

const FunctionSetup* functionSetup(const Op& op)
{
    const auto* registered = std::get_if<RuleOp>(&op);
    const auto* rule =
        registered == nullptr ? nullptr : dynamic_cast<const FunctionRule*>(registered->rule.get());
    return rule == nullptr ? nullptr : &rule->setup();
}

} // namespace bitscape::graph
