// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/export_recurrent.h"

#include "core/graph/layers/recurrent.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

// Recurrent layers: ours have the batch first and gates as columns, ONNX has the time first and
// gates as rows, with an axis for the direction.
namespace bitscape::io {

namespace {

using graph::Slot;

/// A cell of ONNX and its gates: gate g of ONNX is gate order[g] of Keras.
struct Cell {
    std::string_view className, type;
    std::vector<int> order;
    int activations; ///< gates first if more than one
};

const Cell* cellOf(std::string_view className)
{
    static const std::array kCells{Cell{"SimpleRNN", "RNN", {0}, 1},
                                   Cell{"LSTM", "LSTM", {0, 3, 1, 2}, 3}, // i o f c of i f c o
                                   Cell{"GRU", "GRU", {0, 1, 2}, 2}};
    const auto* found = std::ranges::find(kCells, className, &Cell::className);
    return found == kCells.end() ? nullptr : found;
}

/// A function by Keras' name as ONNX' recurrent operators know it.
struct Activation {
    std::string name;
    std::vector<float> alpha, beta;
};

std::optional<Activation> activationOf(const Json& field, bool isOfKeras3)
{
    if (!field.is_string()) {
        return std::nullopt;
    }
    struct Row {
        std::string_view keras, onnx;
        std::vector<float> alpha, beta;
    };
    static const std::array kRows{Row{"linear", "Affine", {1.0F}, {0.0F}},
                                  Row{"relu", "Relu", {}, {}},
                                  Row{"tanh", "Tanh", {}, {}},
                                  Row{"sigmoid", "Sigmoid", {}, {}},
                                  Row{"softsign", "Softsign", {}, {}},
                                  Row{"softplus", "Softplus", {}, {}},
                                  Row{"elu", "Elu", {1.0F}, {}},
                                  Row{"hard_sigmoid", "HardSigmoid", {0.2F}, {0.5F}}};
    const auto name = field.get<std::string>();
    const auto* row = std::ranges::find(kRows, name, &Row::keras);
    if (row == kRows.end()) {
        return std::nullopt;
    }
    Activation activation{std::string(row->onnx), row->alpha, row->beta};
    if (isOfKeras3 && row->onnx == "HardSigmoid") {
        activation.alpha = {1.0F / 6.0F};
    }
    return activation;
}

/// One direction: its cell, config and weights.
struct Direction {
    Json config;
    Tensor kernel, recurrent;
    std::optional<Tensor> bias;
};

Direction directionOf(const RuleExport& rule, const Json& config, const std::string& prefix)
{
    Direction direction{config, rule.context.quantizedValue(rule.layer, prefix + "kernel"),
                        rule.context.quantizedValue(rule.layer, prefix + "recurrent_kernel"),
                        std::nullopt};
    if (rule.layer.findWeight(prefix + "bias") != nullptr) {
        direction.bias = rule.context.quantizedValue(rule.layer, prefix + "bias");
    }
    return direction;
}

/// Columns of gates → rows of gates in ONNX' order, appended.
void appendRows(const Tensor& kernel, const Cell& cell, std::vector<float>& rows)
{
    const auto gates = std::ssize(cell.order);
    const Index inputs = kernel.shape()[0];
    const Index width = kernel.shape()[1];
    const Index units = width / gates;
    for (const int gate : cell.order) {
        for (Index unit = 0; unit < units; ++unit) {
            for (Index input = 0; input < inputs; ++input) {
                rows.push_back(kernel.data()[input * width + gate * units + unit]);
            }
        }
    }
}

/// Bias of the input, then bias of the state (zeros, or the second row of a GRU's).
void appendBias(const Tensor& bias, const Cell& cell, std::vector<float>& values)
{
    const bool hasTwo = bias.shape().rank() == 2;
    const Index width = bias.shape().channels();
    const Index units = width / std::ssize(cell.order);
    for (const Index row : {0, 1}) {
        for (const int gate : cell.order) {
            for (Index unit = 0; unit < units; ++unit) {
                const bool isThere = row == 0 || hasTwo;
                values.push_back(isThere ? bias.data()[row * width + gate * units + unit] : 0.0F);
            }
        }
    }
}

/// What the node gives.
struct Outputs {
    std::string sequence; ///< steps × directions × batch × units
    std::string last;     ///< directions × batch × units
    std::string memory;   ///< of an LSTM
};

class RecurrentExport {
public:
    RecurrentExport(const RuleExport& rule, const Cell& cell, std::vector<Direction> directions)
        : m_rule(rule), m_cell(cell), m_directions(std::move(directions))
    {
    }

    /// Empty where the layer is refused. `direction`: ONNX' word.
    std::optional<Outputs> write(const std::string& direction)
    {
        for (const Slot slot : {Slot::State, Slot::RecurrentActivation, Slot::Activation}) {
            if (m_rule.context.quantizer(m_rule.layer, slot)) {
                m_rule.context.refuse(
                    m_rule.layer, "quantizers inside a recurrent layer have no meaning in ONNX");
                return std::nullopt;
            }
        }
        OnnxAttributes attributes{{"hidden_size", units()}, {"direction", direction}};
        if (!addActivations(attributes)) {
            m_rule.refuse("its activation function is not");
            return std::nullopt;
        }
        if (m_cell.type == "GRU") {
            attributes.emplace_back(
                "linear_before_reset",
                std::int64_t{m_directions.front().config["reset_after"].get<bool>()});
        }
        std::vector<std::string> inputs = weights();
        addStates(inputs);
        Outputs outputs{
            m_rule.out().fresh(m_rule.wish("sequence")), m_rule.out().fresh(m_rule.wish("last")),
            m_cell.type == "LSTM" ? m_rule.out().fresh(m_rule.wish("memory")) : std::string()};
        std::vector<std::string> names{outputs.sequence, outputs.last};
        if (!outputs.memory.empty()) {
            names.push_back(outputs.memory);
        }
        m_rule.out().nodeOf(m_cell.type, std::move(inputs), std::move(names),
                            std::move(attributes));
        return outputs;
    }

private:
    [[nodiscard]] std::int64_t units() const
    {
        return m_directions.front().config["units"].get<std::int64_t>();
    }

    bool addActivations(OnnxAttributes& attributes) const
    {
        std::vector<std::string> names;
        std::vector<float> alpha;
        std::vector<float> beta;
        for (const Direction& direction : m_directions) {
            for (int i = 0; i < m_cell.activations; ++i) {
                const bool isGate = i == 0 && m_cell.activations > 1;
                const auto activation =
                    activationOf(direction.config[isGate ? "recurrent_activation" : "activation"],
                                 m_rule.rule.isOfKeras3());
                if (!activation) {
                    return false;
                }
                names.push_back(activation->name);
                alpha.insert(alpha.end(), activation->alpha.begin(), activation->alpha.end());
                beta.insert(beta.end(), activation->beta.begin(), activation->beta.end());
            }
        }
        attributes.emplace_back("activations", std::move(names));
        if (!alpha.empty()) {
            attributes.emplace_back("activation_alpha", std::move(alpha));
        }
        if (!beta.empty()) {
            attributes.emplace_back("activation_beta", std::move(beta));
        }
        return true;
    }

    std::vector<std::string> weights()
    {
        const std::int64_t count = std::ssize(m_directions);
        const std::int64_t width = std::ssize(m_cell.order) * units();
        std::vector<float> kernel;
        std::vector<float> recurrent;
        std::vector<float> bias;
        for (const Direction& direction : m_directions) {
            appendRows(direction.kernel, m_cell, kernel);
            appendRows(direction.recurrent, m_cell, recurrent);
            if (direction.bias) {
                appendBias(*direction.bias, m_cell, bias);
            }
        }
        const std::string x =
            m_rule.out().node("Transpose", {m_rule.context.stored(m_rule.source())},
                              m_rule.wish("steps"), {{"perm", std::vector<std::int64_t>{1, 0, 2}}});
        std::vector<std::string> inputs{
            x,
            m_rule.out().constant(m_rule.wish("kernel"), kernel,
                                  {count, width, m_directions.front().kernel.shape()[0]}),
            m_rule.out().constant(m_rule.wish("recurrent_kernel"), recurrent,
                                  {count, width, units()})};
        if (!bias.empty()) {
            inputs.push_back(m_rule.out().constant(m_rule.wish("bias"), bias, {count, 2 * width}));
        }
        return inputs;
    }

    /// Initial states behind the sequence: per direction hidden state, then memory.
    void addStates(std::vector<std::string>& inputs)
    {
        const std::size_t states = m_cell.type == "LSTM" ? 2 : 1;
        if (m_rule.layer.inputs.size() != 1 + states * m_directions.size()) {
            return;
        }
        inputs.resize(5); // no bias: left out; no lengths
        for (std::size_t state = 0; state < states; ++state) {
            std::vector<std::string> parts;
            for (std::size_t d = 0; d < m_directions.size(); ++d) {
                parts.push_back(
                    m_rule.out().node("Unsqueeze",
                                      {m_rule.context.stored(m_rule.source(1 + d * states + state)),
                                       m_rule.out().integers(m_rule.wish("axes"), {0})},
                                      m_rule.wish("initial")));
            }
            inputs.push_back(parts.size() == 1 ? parts.front()
                                               : m_rule.out().node("Concat", std::move(parts),
                                                                   m_rule.wish("initials"),
                                                                   {{"axis", std::int64_t{0}}}));
        }
    }

    const RuleExport& m_rule;
    const Cell& m_cell;
    std::vector<Direction> m_directions;
};

bool isMasked(const RuleExport& rule, std::size_t statesOfAll)
{
    const std::size_t count = rule.layer.inputs.size();
    return count != 1 && count != 1 + statesOfAll;
}

std::string squeezed(const RuleExport& rule, const std::string& x, std::int64_t axis)
{
    return rule.out().node("Squeeze", {x, rule.out().integers(rule.wish("axes"), {axis})},
                           rule.wish("squeezed"));
}

/// Sum, mean or product of the two directions along an axis.
std::string joinedDirections(const RuleExport& rule, const std::string& x, std::int64_t axis,
                             const std::string& merge)
{
    if (merge == "mul") {
        std::vector<std::string> sides;
        for (const std::int64_t side : {0, 1}) {
            const std::string index = rule.out().integers(rule.wish("side"), {side});
            const std::string part =
                rule.out().node("Gather", {x, index}, rule.wish("direction"), {{"axis", axis}});
            sides.push_back(squeezed(rule, part, axis));
        }
        return rule.out().node("Mul", std::move(sides), rule.wish("merged"));
    }
    const std::string sum =
        rule.out().node("ReduceSum", {x, rule.out().integers(rule.wish("axes"), {axis})},
                        rule.wish("sum"), {{"keepdims", std::int64_t{0}}});
    return merge == "sum"
               ? sum
               : rule.out().node("Mul", {sum, rule.out().scalar(rule.wish("half"), 0.5F)},
                                 rule.wish("merged"));
}

/// The tensors of a layer that returns its states, for the SelectOp layers behind it.
void giveParts(const RuleExport& rule, const std::vector<std::string>& parts)
{
    for (const int reader : rule.context.graph().consumers(rule.index)) {
        const auto* select = std::get_if<graph::SelectOp>(&rule.context.graph().layer(reader).op);
        if (select != nullptr && static_cast<std::size_t>(select->part) < parts.size()) {
            const std::string part = parts[static_cast<std::size_t>(select->part)];
            rule.context.give(reader, rule.out().node("Identity", {part}, rule.wish("part")),
                              false);
        }
    }
    rule.context.give(rule.index,
                      rule.out().node("Identity", {parts.front()}, rule.wish("sequence")), false);
}

} // namespace

void writeRecurrent(const RuleExport& rule)
{
    const auto* sequence = dynamic_cast<const graph::SequenceRule*>(&rule.rule);
    const Cell* cell = cellOf(rule.layer.className == "Bidirectional"
                                  ? ""
                                  : std::get<graph::RuleOp>(rule.layer.op).info->className);
    if (sequence == nullptr || cell == nullptr ||
        isMasked(rule, static_cast<std::size_t>(sequence->stateCount()))) {
        rule.refuse("a mask of its steps is not");
        return;
    }
    RecurrentExport node(rule, *cell, {directionOf(rule, rule.config, {})});
    const bool isBackwards = sequence->goesBackwards();
    const auto outputs = node.write(isBackwards ? "reverse" : "forward");
    if (!outputs) {
        return;
    }
    std::string y;
    if (sequence->returnsSequences()) {
        y = squeezed(rule, outputs->sequence, 1);
        if (isBackwards) { // Keras lists the steps as they were walked
            const auto list = [&](const char* name, std::int64_t value) {
                return rule.out().integers(rule.wish(name), {value});
            };
            y = rule.out().node("Slice",
                                {y, list("starts", -1),
                                 list("ends", std::numeric_limits<std::int64_t>::min()),
                                 list("axis", 0), list("step", -1)},
                                rule.wish("reversed"));
        }
        y = rule.out().node("Transpose", {y}, rule.wish("batch_first"),
                            {{"perm", std::vector<std::int64_t>{1, 0, 2}}});
    } else {
        y = squeezed(rule, outputs->last, 0);
    }
    if (!sequence->returnsState()) {
        rule.context.give(rule.index, y, false);
        return;
    }
    std::vector<std::string> parts{y, squeezed(rule, outputs->last, 0)};
    if (!outputs->memory.empty()) {
        parts.push_back(squeezed(rule, outputs->memory, 0));
    }
    giveParts(rule, parts);
}

void writeBidirectional(const RuleExport& rule)
{
    const Json& forward = rule.config["layer"];
    const Json& backward = rule.config["backward_layer"];
    const Cell* cell = cellOf(forward["class_name"].get<std::string>());
    const bool areAlike = cell != nullptr && forward["class_name"] == backward["class_name"] &&
                          forward["config"]["units"] == backward["config"]["units"] &&
                          !forward["config"]["go_backwards"].get<bool>() &&
                          !forward["config"]["return_state"].get<bool>() &&
                          forward["config"]["use_bias"] == backward["config"]["use_bias"] &&
                          rule.config["merge_mode"].is_string();
    if (!areAlike || rule.layer.inputs.size() != 1) {
        rule.refuse("two directions that differ, states or masks are not");
        return;
    }
    RecurrentExport node(rule, *cell,
                         {directionOf(rule, forward["config"], "forward/"),
                          directionOf(rule, backward["config"], "backward/")});
    const auto outputs = node.write("bidirectional");
    if (!outputs) {
        return;
    }
    // steps × directions × batch × units, or without the steps
    const bool hasSteps = forward["config"]["return_sequences"].get<bool>();
    const auto units = forward["config"]["units"].get<std::int64_t>();
    std::string y = hasSteps ? outputs->sequence : outputs->last;
    const auto merge = rule.config["merge_mode"].get<std::string>();
    if (merge == "concat") {
        y = rule.out().node("Transpose", {y}, rule.wish("batch_first"),
                            {{"perm", hasSteps ? std::vector<std::int64_t>{2, 0, 1, 3}
                                               : std::vector<std::int64_t>{1, 0, 2}}});
        y = rule.out().node(
            "Reshape",
            {y, rule.out().integers(rule.wish("sizes"),
                                    hasSteps ? std::vector<std::int64_t>{0, 0, 2 * units}
                                             : std::vector<std::int64_t>{0, 2 * units})},
            rule.wish("merged"));
    } else {
        y = joinedDirections(rule, y, hasSteps ? 1 : 0, merge);
        if (hasSteps) {
            y = rule.out().node("Transpose", {y}, rule.wish("batch_first"),
                                {{"perm", std::vector<std::int64_t>{1, 0, 2}}});
        }
    }
    rule.context.give(rule.index, y, false);
}

} // namespace bitscape::io
