// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/integer/builder.h"

#include "core/graph/execution.h"
#include "core/graph/layer_registry.h"
#include "core/graph/layers/constant.h"
#include "core/graph/plan_inputs.h"
#include "core/graph/plan_weights.h"
#include "core/graph/shape_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace bitscape::graph {

/// Which function of the builder an op is for.
struct LayerCodes {
    ProgramBuilder& builder;
    int l;

    using Made = std::optional<int>;
    Made operator()(const ConvOp& op) const { return builder.convolution(l, op); }
    Made operator()(const DenseOp& op) const { return builder.convolution(l, op); }
    Made operator()(const DepthwiseOp& op) const { return builder.convolution(l, op); }
    Made operator()(const SeparableOp& op) const { return builder.convolution(l, op); }
    Made operator()(const PoolOp& op) const { return builder.pool(l, op); }
    Made operator()(const GlobalPoolOp& op) const { return builder.pool(l, op); }
    Made operator()(const AddOp& /*op*/) const
    {
        return builder.sum(l, std::vector<char>(builder.layer(l).inputs.size(), 0));
    }
    Made operator()(const RuleOp& op) const
    {
        if (op.info->className == "Subtract") {
            return builder.sum(l, {0, 1});
        }
        if (op.info->className == "Multiply") {
            return builder.product(l);
        }
        return isConstant(op) ? builder.constant(l) : builder.moved(l);
    }
    template <class Other>
    Made operator()(const Other& /*op*/) const
    {
        return builder.moved(l);
    }
};

Storage storageFor(std::int64_t low, std::int64_t high)
{
    const auto fits = [&](auto type) {
        using Type = decltype(type);
        return low >= std::numeric_limits<Type>::min() && high <= std::numeric_limits<Type>::max();
    };
    if (fits(std::int8_t{})) {
        return Storage::Int8;
    }
    if (fits(std::int16_t{})) {
        return Storage::Int16;
    }
    return fits(std::int32_t{}) ? Storage::Int32 : Storage::Int64;
}

ProgramBuilder::ProgramBuilder(GraphPtr graph, const Configuration& configuration,
                               const IntegerOptions& options)
    : m_graph(std::move(graph)), m_configuration(configuration),
      m_options(options), m_call{.training = false, .sigmoid = options.sigmoid, .seed = 0}
{
    m_program.graph = m_graph;
    m_program.sigmoid = options.sigmoid;
    m_program.resultLayers.assign(m_graph->outputs().begin(), m_graph->outputs().end());
    m_program.resultLayers.insert(m_program.resultLayers.end(), options.taps.begin(),
                                  options.taps.end());
}

IntegerProgram ProgramBuilder::build()
{
    takeWeights();
    findNeeded();
    m_tensorOf.assign(m_graph->layers().size(), -1);
    m_isDone.assign(m_graph->layers().size(), 0);
    m_program.inputs.assign(m_graph->inputs().size(), -1);
    for (int l = 0; l < static_cast<int>(m_graph->layers().size()); ++l) {
        if (m_needed[static_cast<std::size_t>(l)] != 0) {
            addLayer(l);
        }
    }
    for (const int l : m_program.resultLayers) {
        m_program.results.push_back(m_tensorOf[static_cast<std::size_t>(l)]);
    }
    removeUnread();
    return std::move(m_program);
}

void ProgramBuilder::takeWeights()
{
    std::vector<std::unique_ptr<LayerKernel>> made;
    for (int l = 0; l < static_cast<int>(m_graph->layers().size()); ++l) {
        made.push_back(makeLayerKernel(*m_graph, l, quantizers(l), {.sigmoid = m_call.sigmoid}));
    }
    m_weightQuantizers = weightQuantizers(*m_graph, m_configuration, made);
    m_kernels.assign(std::make_move_iterator(made.begin()), std::make_move_iterator(made.end()));
    m_stored = m_graph->weights();
    WeightSet weights = m_stored;
    for (std::size_t slot = 0; slot < weights.size(); ++slot) {
        if (m_weightQuantizers[slot]) {
            auto quantized = std::make_shared<Tensor>(weights[slot]->shape());
            m_weightQuantizers[slot]->apply(weights[slot]->view(), quantized->mutableView(),
                                            m_call);
            weights[slot] = std::move(quantized);
        }
    }
    m_program.weights = std::move(weights);
    std::size_t slot = 0;
    for (std::size_t l = 0; l < m_graph->layers().size(); ++l) {
        m_firstSlot.push_back(slot);
        std::vector<TensorView> views;
        for (std::size_t w = 0; w < m_graph->layers()[l].weights.size(); ++w) {
            views.push_back(m_program.weights[slot++]->view());
        }
        m_kernels[l]->setWeights(views);
    }
}

void ProgramBuilder::findNeeded()
{
    m_needed.assign(m_graph->layers().size(), 0);
    for (const int l : m_program.resultLayers) {
        m_needed[static_cast<std::size_t>(l)] = 1;
    }
    for (int l = static_cast<int>(m_graph->layers().size()) - 1; l >= 0; --l) {
        for (const int source : layer(l).inputs) {
            m_needed[static_cast<std::size_t>(source)] |= m_needed[static_cast<std::size_t>(l)];
        }
    }
}

void ProgramBuilder::addLayer(int l)
{
    const Activation activation = m_isDone[static_cast<std::size_t>(l)] != 0
                                      ? Activation{}
                                      : activationOf(m_configuration, layer(l));
    int& t = m_tensorOf[static_cast<std::size_t>(l)];
    if (std::holds_alternative<InputOp>(layer(l).op)) {
        const auto number = std::ranges::find(m_graph->inputs(), l) - m_graph->inputs().begin();
        t = addFloats(l, layer(l).outputShape);
        m_program.inputs[static_cast<std::size_t>(number)] = t;
    } else if (kernel(l)->isIdentity()) {
        t = input(l);
    } else {
        const std::size_t steps = m_program.steps.size();
        m_reason.clear();
        const int next = activation.isNothing() ? nextActivation(l) : l;
        m_quantizer = next < 0 ? nullptr : activationOf(m_configuration, layer(next)).quantizer;
        m_isActivated = false;
        const std::optional<int> codes = std::visit(LayerCodes{*this, l}, layer(l).op);
        if (codes && m_isActivated) {
            t = *codes;
            m_isDone[static_cast<std::size_t>(next)] = 1;
            return;
        }
        if (!codes) {
            m_program.steps.erase(m_program.steps.begin() + static_cast<std::ptrdiff_t>(steps),
                                  m_program.steps.end());
            warnOfFloats(l, m_reason.empty() ? "it has no whole-number form" : m_reason);
        }
        t = codes ? *codes : layerFloats(l);
    }
    t = activate(l, t, activation);
}

/// The layer that quantizes the numbers of layer l and is all that reads them; −1: none.
int ProgramBuilder::nextActivation(int l) const
{
    int found = -1;
    for (const int reader : m_graph->consumers(l)) {
        if (m_needed[static_cast<std::size_t>(reader)] == 0) {
            continue;
        }
        if (found >= 0) {
            return -1;
        }
        found = reader;
    }
    const bool quantizes = found >= 0 && !isResult(l) && kernel(found)->isIdentity() &&
                           activationOf(m_configuration, layer(found)).quantizer;
    return quantizes ? found : -1;
}

int ProgramBuilder::layerFloats(int l)
{
    std::vector<int> inputs;
    for (std::size_t i = 0; i < layer(l).inputs.size(); ++i) {
        inputs.push_back(asFloats(input(l, i)));
    }
    const int output = addFloats(l, layer(l).outputShape);
    addStep(l, std::move(inputs), output, FloatWork{kernel(l), {}});
    return output;
}

int ProgramBuilder::activate(int l, int t, const Activation& activation)
{
    if (activation.isNothing()) {
        return t;
    }
    if (tensor(t).isFloat()) {
        return activateFloats(l, t, activation);
    }
    std::optional<int> codes;
    if (activation.quantizer) {
        codes = requantizeCodes(l, t, activation.quantizer);
    } else if (const auto ends = clampOf(activation.function)) {
        codes = clampCodes(l, t, *ends);
    }
    return codes ? *codes : activateFloats(l, asFloats(t), activation);
}

int ProgramBuilder::activateFloats(int l, int t, const Activation& activation)
{
    if (activation.quantizer) {
        if (const auto codes = quantizeFloats(l, t, activation.quantizer)) {
            return *codes;
        }
    }
    const int output = addFloats(l, layer(l).outputShape);
    addStep(l, {t}, output, FloatWork{nullptr, activation});
    warnOfFloats(l, activation.quantizer
                        ? activation.quantizer->toString() + " has no codes on a fixed grid"
                        : "its activation function is computed on floats");
    return output;
}

int ProgramBuilder::asFloats(int t)
{
    if (tensor(t).isFloat()) {
        return t;
    }
    const auto known = m_floats.find(t);
    if (known != m_floats.end()) {
        return known->second;
    }
    const int l = tensor(t).layer;
    const int output = addFloats(l, tensor(t).shape);
    addStep(l, {t}, output, DequantizeWork{});
    m_floats[t] = output;
    return output;
}

/// Steps that no result depends on: what a table took the place of.
void ProgramBuilder::removeUnread()
{
    std::vector<char> isRead(m_program.tensors.size(), 0);
    for (const int t : m_program.results) {
        isRead[static_cast<std::size_t>(t)] = 1;
    }
    std::vector<IntegerStep> kept;
    for (auto step = m_program.steps.rbegin(); step != m_program.steps.rend(); ++step) {
        if (isRead[static_cast<std::size_t>(step->output)] == 0) {
            continue;
        }
        for (const int t : step->inputs) {
            isRead[static_cast<std::size_t>(t)] = 1;
        }
        kept.push_back(std::move(*step));
    }
    m_program.steps.assign(std::make_move_iterator(kept.rbegin()),
                           std::make_move_iterator(kept.rend()));
    std::erase_if(m_program.warnings, [&](const Warning& warning) {
        return std::ranges::none_of(m_program.steps, [&](const IntegerStep& step) {
            return std::holds_alternative<FloatWork>(step.work) &&
                   warning.where == "layer " + layer(step.layer).name;
        });
    });
}

void ProgramBuilder::warnOfFloats(int l, std::string why)
{
    m_program.warnings.push_back(
        {"float_layer",
         fmt::format("{} ({}) runs on float numbers: {}.", layer(l).name, layer(l).className, why),
         "layer " + layer(l).name});
}

int ProgramBuilder::addCodes(int l, const Shape& shape, CodeGrid grid)
{
    const Storage storage = storageFor(grid.low, grid.high);
    m_program.tensors.push_back({l, shape, storage, std::move(grid)});
    return static_cast<int>(m_program.tensors.size()) - 1;
}

int ProgramBuilder::addFloats(int l, const Shape& shape)
{
    m_program.tensors.push_back({l, shape, Storage::Float, {}});
    return static_cast<int>(m_program.tensors.size()) - 1;
}

int ProgramBuilder::addStep(int l, std::vector<int> inputs, int output, Work work,
                            std::optional<Requantization> rule)
{
    m_program.steps.push_back({l, std::move(inputs), output, std::move(work), std::move(rule)});
    return output;
}

IntegerStep* ProgramBuilder::producer(int t)
{
    const auto found = std::ranges::find(m_program.steps, t, &IntegerStep::output);
    return found == m_program.steps.end() ? nullptr : &*found;
}

const LayerQuantizers& ProgramBuilder::quantizers(int l) const
{
    return quantizersOf(m_configuration, layer(l));
}

bool ProgramBuilder::isResult(int l) const
{
    return std::ranges::find(m_program.resultLayers, l) != m_program.resultLayers.end();
}

Result<IntegerProgram> makeIntegerProgram(GraphPtr graph, const Configuration& configuration,
                                          const WeightSet& weights, const IntegerOptions& options)
{
    auto prepared = prepareGraph(std::move(graph), configuration, weights, options.taps);
    if (!prepared) {
        return fail(std::move(prepared).error());
    }
    IntegerOptions used = options;
    used.taps = prepared->taps;
    return ProgramBuilder(prepared->graph, configuration, used).build();
}

std::int64_t packedBits(const IntegerProgram& program)
{
    std::int64_t bits = 0;
    for (const IntegerStep& step : program.steps) {
        if (const auto* work = std::get_if<ConvolveWork>(&step.work)) {
            for (const WeightCodes* part : {&work->weights, &work->bias}) {
                bits += static_cast<std::int64_t>(part->codes.size()) * part->bits;
            }
        }
    }
    return bits;
}

} // namespace bitscape::graph
