// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layer_registry.h"
#include "core/io/onnx/native_node.h"

#include <algorithm>
#include <array>
#include <optional>

// Recurrent operators: ONNX has the time first and rows of gates, ours have the batch first and
// columns of gates.
namespace bitscape::io {

namespace {

/// A cell and its gates: gate g of Keras is gate order[g] of ONNX.
struct Cell {
    std::string_view type, className;
    std::vector<int> order;
    std::size_t activations; ///< gates first if more than one
    std::size_t states;
};

const Cell& cellOf(std::string_view type)
{
    static const std::array kCells{Cell{"RNN", "SimpleRNN", {0}, 1, 1},
                                   Cell{"LSTM", "LSTM", {0, 2, 3, 1}, 3, 2}, // i f c o of i o f c
                                   Cell{"GRU", "GRU", {0, 1, 2}, 2, 1}};
    return *std::ranges::find(kCells, type, &Cell::type);
}

bool isZero(const graph::ArrayValue& value)
{
    return std::ranges::all_of(value.reals, [](double number) { return number == 0.0; });
}

/// Functions by name with their numbers, as far as Keras has them.
struct Functions {
    std::vector<std::string> names; ///< Keras'
    bool isOfKeras3 = true;         ///< what hard_sigmoid means
};

std::optional<Functions> functionsOf(const NativeNode& node, const Cell& cell,
                                     std::size_t directions)
{
    static const std::array<std::pair<std::string_view, const char*>, 7> kNames{{
        {"sigmoid", "sigmoid"},
        {"tanh", "tanh"},
        {"relu", "relu"},
        {"softsign", "softsign"},
        {"softplus", "softplus"},
        {"hardsigmoid", "hard_sigmoid"},
        {"affine", "linear"},
    }};
    std::vector<std::string> given;
    if (const auto* value = node.node.attribute("activations")) {
        if (const auto* list = std::get_if<std::vector<std::string>>(value)) {
            given = *list;
        }
    }
    if (given.empty()) {
        for (std::size_t d = 0; d < directions; ++d) {
            if (cell.activations > 1) {
                given.emplace_back("Sigmoid");
            }
            given.insert(given.end(), cell.activations > 1 ? cell.activations - 1 : 1, "Tanh");
        }
    }
    if (given.size() != directions * cell.activations) {
        return std::nullopt;
    }
    const auto numbers = [&](const char* name) {
        const auto* value = node.node.attribute(name);
        const auto* list = value == nullptr ? nullptr : std::get_if<std::vector<float>>(value);
        return list == nullptr ? std::vector<float>{} : *list;
    };
    const std::vector<float> alpha = numbers("activation_alpha");
    const std::vector<float> beta = numbers("activation_beta");
    Functions functions;
    std::size_t nextAlpha = 0;
    std::size_t nextBeta = 0;
    for (std::string name : given) {
        std::ranges::transform(name, name.begin(),
                               [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        const auto* row =
            std::ranges::find(kNames, name, [](const auto& pair) { return pair.first; });
        if (row == kNames.end()) {
            return std::nullopt;
        }
        if (name == "hardsigmoid" || name == "affine") {
            constexpr float kSlope2 = 0.2F;
            const bool isHard = name == "hardsigmoid";
            const float a = nextAlpha < alpha.size() ? alpha[nextAlpha++] : isHard ? kSlope2 : 1.0F;
            const float b = nextBeta < beta.size() ? beta[nextBeta++] : isHard ? 0.5F : 0.0F;
            const bool isOld = std::abs(a - kSlope2) < 1e-6F;
            const bool isNew = std::abs(a - 1.0F / 6.0F) < 1e-6F;
            if (isHard ? b != 0.5F || !(isOld || isNew) : a != 1.0F || b != 0.0F) {
                return std::nullopt;
            }
            functions.isOfKeras3 = functions.isOfKeras3 && !(isHard && isOld);
        }
        functions.names.emplace_back(row->second);
    }
    return functions;
}

/// Rows of gates in ONNX' order → columns in ours, of one direction.
Tensor columnsOf(const NativeWeight& rows, const Cell& cell, std::size_t direction)
{
    const Shape& shape = rows.value.shape(); // directions × gates·units × inputs
    const Index inputs = shape[2];
    const Index gates = std::ssize(cell.order);
    const Index units = shape[1] / gates;
    Tensor columns(Shape{inputs, shape[1]});
    const float* from = rows.value.data() + static_cast<Index>(direction) * shape[1] * inputs;
    for (Index gate = 0; gate < gates; ++gate) {
        const Index source = cell.order[static_cast<std::size_t>(gate)];
        for (Index unit = 0; unit < units; ++unit) {
            for (Index input = 0; input < inputs; ++input) {
                columns.data()[input * shape[1] + gate * units + unit] =
                    from[(source * units + unit) * inputs + input];
            }
        }
    }
    return columns;
}

/// Both biases of a direction: two rows where the state's stays apart, else their sum.
Tensor biasOf(const NativeWeight& both, const Cell& cell, std::size_t direction, bool keepsTwo)
{
    const Index width = both.value.shape()[1] / 2;
    const Index gates = std::ssize(cell.order);
    const Index units = width / gates;
    Tensor bias(keepsTwo ? Shape{2, width} : Shape{width});
    const float* from = both.value.data() + static_cast<Index>(direction) * 2 * width;
    for (Index row = 0; row < 2; ++row) {
        for (Index gate = 0; gate < gates; ++gate) {
            const Index source = cell.order[static_cast<std::size_t>(gate)];
            for (Index unit = 0; unit < units; ++unit) {
                bias.data()[(keepsTwo ? row * width : 0) + gate * units + unit] +=
                    from[row * width + source * units + unit];
            }
        }
    }
    return bias;
}

struct Recurrent {
    const Cell* cell = nullptr;
    std::size_t directions = 1;
    bool isBackwards = false;
    bool keepsTwo = false; ///< biases
    Functions functions;
    NativeWeight kernel, recurrent;
    std::optional<NativeWeight> bias;
    int layer = -1;

    [[nodiscard]] Index units() const { return recurrent.value.shape()[2]; }

    [[nodiscard]] Json config(std::size_t direction, bool sequences, bool states) const
    {
        const auto name = [&](std::size_t i) {
            return functions.names[direction * cell->activations + i];
        };
        Json json{{"units", units()},
                  {"use_bias", bias.has_value()},
                  {"return_sequences", sequences},
                  {"return_state", states},
                  {"go_backwards", isBackwards || direction == 1},
                  {"activation", name(cell->activations > 1 ? 1 : 0)}};
        if (cell->activations > 1) {
            json["recurrent_activation"] = name(0);
        }
        if (cell->type == "GRU") {
            json["reset_after"] = keepsTwo;
        }
        return json;
    }
    void addWeights(const NativeNode& node, std::size_t direction, const std::string& prefix,
                    std::vector<graph::Weight>& weights) const
    {
        weights.push_back(
            weightOf(prefix + "kernel", node, 1, columnsOf(kernel, *cell, direction)));
        weights.push_back(
            weightOf(prefix + "recurrent_kernel", node, 2, columnsOf(recurrent, *cell, direction)));
        if (bias) {
            weights.push_back(
                weightOf(prefix + "bias", node, 3, biasOf(*bias, *cell, direction, keepsTwo)));
        }
    }
};

/// What the layer reads: steps × values of a sample.
std::optional<int> sequenceOf(NativeNode& node)
{
    const OnnxKnown* known = node.has(0) ? node.builder.find(node.inputName(0)) : nullptr;
    if (known == nullptr || known->constant || !known->isKnown || known->sizes.size() != 3) {
        return std::nullopt;
    }
    if (node.integer("layout", 0) != 0) {
        return node.tensor(0) == nullptr ? std::nullopt : node.plain(0);
    }
    if (known->timeFirst >= 0) {
        return known->timeFirst;
    }
    if (known->tensor.hasBatch) {
        node.builder.mixesSamples = true; // its steps would be taken for samples
    }
    return std::nullopt;
}

std::optional<Recurrent> readRecurrent(NativeNode& node)
{
    Recurrent r;
    r.cell = &cellOf(node.node.opType);
    const std::string direction = node.text("direction", "forward");
    r.directions = direction == "bidirectional" ? 2 : 1;
    r.isBackwards = direction == "reverse";
    r.keepsTwo = r.cell->type == "GRU" && node.integer("linear_before_reset", 0) != 0;
    const auto functions = functionsOf(node, *r.cell, r.directions);
    const auto layer = sequenceOf(node);
    auto kernel = node.weight(1);
    auto recurrent = node.weight(2);
    if (!layer || !functions || !kernel || !recurrent || kernel->value.shape().rank() != 3 ||
        recurrent->value.shape().rank() != 3 || node.hasAttribute("clip") ||
        node.integer("input_forget", 0) != 0 || node.has(4) || node.has(7)) {
        return std::nullopt;
    }
    for (const std::size_t state : {5U, 6U}) {
        const graph::ArrayValue* value = node.constant(state);
        if (node.has(state) && (value == nullptr || !isZero(*value))) {
            return std::nullopt;
        }
    }
    const bool isLstm = r.cell->type == "LSTM";
    for (std::size_t d = 0; isLstm && d < r.directions; ++d) {
        if (functions->names[3 * d + 1] != functions->names[3 * d + 2]) {
            return std::nullopt;
        }
    }
    r.functions = *functions;
    r.kernel = std::move(*kernel);
    r.recurrent = std::move(*recurrent);
    if (node.has(3)) {
        auto bias = node.weight(3);
        if (!bias || bias->value.shape().rank() != 2) {
            return std::nullopt;
        }
        r.bias = std::move(*bias);
    }
    r.layer = *layer;
    return r;
}

bool isUsed(const NativeNode& node, std::size_t output)
{
    return output < node.node.outputs.size() && node.builder.isUsed(node.node.outputs[output]);
}

/// The only reader of a tensor that stays inside.
const OnnxNode* onlyReader(const NativeNode& node, const std::string& tensor)
{
    const auto readers = node.builder.readers(tensor);
    return readers.size() == 1 && !node.builder.isOutput(tensor) ? readers.front() : nullptr;
}

/// The tensor behind a Squeeze of one axis, or behind the Transpose and Reshape that put two
/// directions side by side; empty: something else happens to it.
struct Behind {
    std::string tensor;
    bool isTimeFirst = true;
    std::vector<const OnnxNode*> taken;
};
std::optional<Behind> behind(const NativeNode& node, const std::string& tensor, bool isSequence,
                             std::size_t directions)
{
    const OnnxNode* first = onlyReader(node, tensor);
    if (first == nullptr) {
        return std::nullopt;
    }
    const NativeNode reading(node.builder, *first);
    if (first->opType == "Squeeze" && directions == 1) {
        const auto axes = reading.integersOf(1, "axes");
        const std::int64_t wanted = isSequence ? 1 : 0;
        if (axes && *axes == std::vector<std::int64_t>{wanted}) {
            return Behind{first->outputs[0], isSequence, {first}};
        }
        return std::nullopt;
    }
    if (first->opType != "Transpose" || directions != 2) {
        return std::nullopt;
    }
    using Order = std::vector<std::int64_t>;
    const Order order = reading.integers("perm");
    const bool keepsTime = order == Order{0, 2, 1, 3};
    const bool fits =
        isSequence ? keepsTime || order == Order{2, 0, 1, 3} : order == Order{1, 0, 2};
    const OnnxNode* second = fits ? onlyReader(node, first->outputs[0]) : nullptr;
    if (second == nullptr || second->opType != "Reshape") {
        return std::nullopt;
    }
    const auto sizes = NativeNode(node.builder, *second).integersOf(1, "shape");
    if (!sizes || std::ssize(*sizes) != (isSequence ? 3 : 2)) {
        return std::nullopt;
    }
    return Behind{second->outputs[0], isSequence && keepsTime, {first, second}};
}

void defineTimeFirst(NativeNode& node, const std::string& tensor, int layer)
{
    const Shape& shape = node.builder.layer(layer).outputShape;
    OnnxKnown known{.timeFirst = layer, .sizes = {shape[0], 1, shape[1]}};
    node.builder.define(tensor, std::move(known));
}

bool give(NativeNode& node, const Behind& end, NativeNode::Part part)
{
    if (end.isTimeFirst) {
        const auto layer = node.step("sequence", std::move(part));
        if (!layer) {
            return false;
        }
        defineTimeFirst(node, end.tensor, *layer);
    } else if (!node.give(end.tensor, std::move(part), OnnxLayout::Plain)) {
        return false;
    }
    for (const OnnxNode* taken : end.taken) {
        node.builder.skip(*taken);
    }
    return true;
}

bool giveOne(NativeNode& node, const Recurrent& r, const Behind& end, bool sequences)
{
    NativeNode::Part part{std::string(r.cell->className), graph::Op{}, {r.layer}};
    if (r.directions == 1) {
        part.op =
            kerasOp(part.className, r.config(0, sequences, false), r.functions.isOfKeras3 ? 3 : 2);
        r.addWeights(node, 0, "", part.weights);
        return give(node, end, std::move(part));
    }
    const auto inner = [&](std::size_t direction) {
        return Json{{"class_name", part.className},
                    {"config", r.config(direction, sequences, false)}};
    };
    part.op = kerasOp("Bidirectional",
                      {{"merge_mode", "concat"}, {"layer", inner(0)}, {"backward_layer", inner(1)}},
                      r.functions.isOfKeras3 ? 3 : 2);
    part.className = "Bidirectional";
    r.addWeights(node, 0, "forward/", part.weights);
    r.addWeights(node, 1, "backward/", part.weights);
    return give(node, end, std::move(part));
}

/// The sequence and its last state, of one direction.
bool giveSeveral(NativeNode& node, const Recurrent& r)
{
    NativeNode::Part part{std::string(r.cell->className), graph::Op{}, {r.layer}};
    part.op = kerasOp(part.className, r.config(0, true, true), r.functions.isOfKeras3 ? 3 : 2);
    r.addWeights(node, 0, "", part.weights);
    std::vector<std::pair<int, Behind>> ends;
    for (std::size_t i = 0; i < 1 + r.cell->states; ++i) {
        if (isUsed(node, i)) {
            auto end = behind(node, node.node.outputs[i], i == 0, 1);
            if (!end) {
                return false;
            }
            ends.emplace_back(static_cast<int>(i), std::move(*end));
        }
    }
    const auto layer = node.step("recurrent", std::move(part));
    return layer && std::ranges::all_of(ends, [&](const auto& end) {
               return give(node, end.second,
                           {std::string(r.cell->className), graph::SelectOp{end.first}, {*layer}});
           });
}

bool mapRecurrent(NativeNode& node)
{
    const auto r = readRecurrent(node);
    if (!r) {
        return false;
    }
    const bool usesSequence = isUsed(node, 0);
    const bool usesState = isUsed(node, 1);
    const bool usesMemory = isUsed(node, 2);
    // Ours list the steps of a walk backwards as they were walked.
    const bool isReversed = r->isBackwards && usesSequence;
    if (isReversed || node.integer("layout", 0) != 0) {
        return false;
    }
    if (usesMemory || (usesSequence && usesState)) {
        return r->directions == 1 && giveSeveral(node, *r);
    }
    const auto end =
        behind(node, node.node.outputs[usesSequence ? 0 : 1], usesSequence, r->directions);
    return end && giveOne(node, *r, *end, usesSequence);
}

} // namespace

std::span<const NativeRow> recurrentRows()
{
    static constexpr std::array kRows{NativeRow{"", "LSTM", mapRecurrent},
                                      NativeRow{"", "GRU", mapRecurrent},
                                      NativeRow{"", "RNN", mapRecurrent}};
    return kRows;
}

} // namespace bitscape::io
