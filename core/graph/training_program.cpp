// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/training_program.h"

#include "core/graph/memory_plan.h"
#include "core/graph/plan_weights.h"

#include <algorithm>
#include <map>
#include <set>

namespace bitscape::graph {

namespace {

/// Builds the stages layer by layer and notes which buffer is touched where.
class Builder {
public:
    Builder(const Graph& graph, const Configuration& configuration,
            const std::vector<std::unique_ptr<LayerKernel>>& kernels, const ProgramOptions& options)
        : m_graph(graph), m_kernels(kernels), m_options(options)
    {
        m_program.nodes.resize(graph.layers().size());
        m_source.resize(graph.layers().size());
        m_readers.assign(graph.layers().size(), 0);
        m_isWritten.assign(graph.layers().size(), 0);
        findNeeded();
        m_program.stages.emplace_back();
        for (int l = 0; l < layerCount(); ++l) {
            node(l).shape = graph.layer(l).outputShape;
            node(l).activation = activationOf(configuration, graph.layer(l));
            if (m_needed.contains(l)) {
                addForward(l);
            }
        }
        for (const int output : graph.outputs()) {
            ++m_readers[static_cast<std::size_t>(sourceOf(output))];
        }
        m_program.forwardStages = static_cast<int>(m_program.stages.size());
        findFlow();
        m_program.stages.emplace_back();
        for (int l = layerCount() - 1; l >= 0; --l) {
            if (node(l).flows) {
                addBackward(l);
            }
        }
        keepToTheEnd();
        planMemoryOfBuffers();
    }

    TrainingProgram take() { return std::move(m_program); }

private:
    /// Where a buffer is touched.
    struct Use {
        int stage = 0;
        int action = 0;
    };

    [[nodiscard]] int layerCount() const { return static_cast<int>(m_graph.layers().size()); }
    Node& node(int layer) { return m_program.nodes[static_cast<std::size_t>(layer)]; }
    [[nodiscard]] LayerKernel& kernelOf(int layer) const
    {
        return *m_kernels[static_cast<std::size_t>(layer)];
    }
    /// The layer that made the tensor: the layer itself, or what an alias passes on.
    [[nodiscard]] int sourceOf(int layer) const
    {
        return m_source[static_cast<std::size_t>(layer)];
    }
    [[nodiscard]] bool isAlias(int layer) const { return sourceOf(layer) != layer; }
    [[nodiscard]] int lastStage() const { return static_cast<int>(m_program.stages.size()) - 1; }

    void findNeeded()
    {
        for (const int output : m_graph.outputs()) {
            m_needed.insert(output);
        }
        for (int l = layerCount() - 1; l >= 0; --l) {
            if (m_needed.contains(l)) {
                const auto& inputs = m_graph.layer(l).inputs;
                m_needed.insert(inputs.begin(), inputs.end());
            }
        }
    }

    int newBuffer(Index floats)
    {
        m_program.buffers.push_back({.floats = floats});
        m_uses.emplace_back();
        return static_cast<int>(m_program.buffers.size()) - 1;
    }

    void use(int buffer, Use use)
    {
        if (buffer >= 0) {
            m_uses[static_cast<std::size_t>(buffer)].push_back(use);
        }
    }
    [[nodiscard]] Use now() const
    {
        return {lastStage(), static_cast<int>(m_program.stages.back().actions.size())};
    }
    /// Notes the buffers an action touches, and adds it.
    void add(const Action& action, std::initializer_list<int> buffers)
    {
        for (const int buffer : buffers) {
            use(buffer, now());
        }
        m_program.stages.back().actions.push_back(action);
    }
    /// The same for what is done once per stage: its buffers are the whole batch's.
    void addAfter(const Action& action, std::initializer_list<int> buffers)
    {
        for (const int buffer : buffers) {
            use(buffer, now());
            keep(buffer);
        }
        m_program.stages.back().after.push_back(action);
    }
    /// A phase of a kernel: on ranges of samples, or once on the whole batch.
    void addPhase(const LayerKernel& kernel, const Action& action,
                  std::initializer_list<int> buffers)
    {
        if (kernel.wantsBatch()) {
            addAfter(action, buffers);
            nextStage();
        } else {
            add(action, buffers);
            m_program.stages.back().after.push_back(action);
        }
    }
    void useBy(const LayerKernel& kernel, int buffer)
    {
        use(buffer, now());
        if (kernel.wantsBatch()) {
            keep(buffer);
        }
    }
    void keep(int buffer)
    {
        if (buffer >= 0) {
            m_program.buffers[static_cast<std::size_t>(buffer)].isGlobal = true;
        }
    }
    void nextStage() { m_program.stages.emplace_back(); }

    // ---- forward

    void addForward(int l)
    {
        const Layer& layer = m_graph.layer(l);
        Node& n = node(l);
        m_source[static_cast<std::size_t>(l)] = l;
        if (std::holds_alternative<InputOp>(layer.op)) {
            const auto number = std::ranges::find(m_graph.inputs(), l) - m_graph.inputs().begin();
            n.z = n.y = {.input = static_cast<int>(number)};
        } else if (kernelOf(l).isIdentity()) {
            n.inputs = {node(layer.inputs[0]).y};
            n.z = n.y = n.inputs[0];
            if (n.activation.isNothing()) {
                m_source[static_cast<std::size_t>(l)] = sourceOf(layer.inputs[0]);
                return;
            }
            ++m_readers[static_cast<std::size_t>(sourceOf(layer.inputs[0]))];
        } else {
            addKernel(l);
        }
        if (!n.activation.isNothing() && !n.activatesInForward && !m_clamped.contains(l)) {
            addActivation(l);
        }
    }

    void addKernel(int l)
    {
        const Layer& layer = m_graph.layer(l);
        LayerKernel& kernel = kernelOf(l);
        Node& n = node(l);
        for (const int input : layer.inputs) {
            n.inputs.push_back(node(input).y);
            ++m_readers[static_cast<std::size_t>(sourceOf(input))];
        }
        n.readsOutput = kernel.readsOutput();
        const quant::QuantizerPtr& before = node(sourceOf(layer.inputs[0])).activation.quantizer;
        if (const auto levels = before ? byteLevels(*before) : std::nullopt) {
            kernel.expectLevels(*levels);
        }
        n.z = n.y = {.buffer = newBuffer(n.shape.elementCount())};
        if (kernel.savedFloats() > 0) {
            n.saved = newBuffer(kernel.savedFloats());
        }
        prepareActivation(l);
        for (int phase = 0; phase < kernel.forwardPhases(); ++phase) {
            if (phase > 0) {
                nextStage();
            }
            for (const Ref& input : n.inputs) {
                useBy(kernel, input.buffer);
            }
            addPhase(kernel, {Work::Forward, l, phase}, {n.z.buffer, n.y.buffer, n.saved});
        }
    }

    /// Whether the kernel clamps, its blocks are activated at once, or a pass of its own follows;
    /// and whether z must be kept beside y.
    void prepareActivation(int l)
    {
        Node& n = node(l);
        const Activation& activation = n.activation;
        if (activation.isNothing()) {
            return;
        }
        const auto clamp = activation.quantizer ? std::nullopt : clampOf(activation.function);
        if (clamp && kernelOf(l).clamps()) {
            n.clamp = clamp;
            m_clamped.insert(l);
            return;
        }
        n.activatesInForward = activation.worksInBlocks();
        if (n.activatesInForward && (activation.reads() == GradientReads::Input || n.readsOutput)) {
            n.y = {.buffer = newBuffer(n.shape.elementCount())};
        }
    }

    /// A pass of its own: for layers without a kernel, or over the whole batch.
    void addActivation(int l)
    {
        Node& n = node(l);
        n.y = {.buffer = newBuffer(n.shape.elementCount())};
        const Action action{Work::Activate, l};
        if (n.activation.worksInBlocks()) {
            add(action, {n.z.buffer, n.y.buffer});
        } else {
            addAfter(action, {n.z.buffer, n.y.buffer});
            nextStage();
        }
    }

    // ---- backward

    /// A gradient passes through layers between a trained weight (or a wanted input gradient) and
    /// an output.
    void findFlow()
    {
        std::vector<char> wants(m_program.nodes.size(), 0);
        for (int l = 0; l < layerCount(); ++l) {
            const Layer& layer = m_graph.layer(l);
            char& here = wants[static_cast<std::size_t>(l)];
            const bool isInput = std::holds_alternative<InputOp>(layer.op);
            const bool isTrained =
                std::ranges::any_of(layer.weights, [](const Weight& w) { return w.trainable; });
            const bool isWanted =
                (isInput && m_options.inputGradients) || node(l).activation.isLearned();
            here = isWanted || isTrained ? 1 : 0;
            for (const int input : layer.inputs) {
                here |= wants[static_cast<std::size_t>(input)];
            }
            node(l).flows = here != 0 && m_needed.contains(l);
        }
    }

    /// The buffer of dy of the tensor that layer l passes on or makes.
    int gradientOf(int l)
    {
        Node& source = node(sourceOf(l));
        if (source.gradient < 0) {
            source.gradient = newBuffer(source.shape.elementCount());
        }
        return source.gradient;
    }
    /// True if something is in dy already; notes that something is from now on.
    bool addsTo(int l)
    {
        char& isWritten = m_isWritten[static_cast<std::size_t>(sourceOf(l))];
        const bool adds = isWritten != 0;
        isWritten = 1;
        return adds;
    }

    void addBackward(int l)
    {
        Node& n = node(l);
        n.gradient = gradientOf(l);
        for (std::size_t o = 0; o < m_graph.outputs().size(); ++o) {
            if (m_graph.outputs()[o] == l) {
                add({Work::LoadUpstream, l, static_cast<int>(o), addsTo(l)}, {n.gradient});
            }
        }
        addPenalties(l);
        if (isAlias(l)) {
            return;
        }
        if (!n.activation.isNothing()) {
            addDeactivation(l);
        }
        if (!m_graph.layer(l).inputs.empty()) {
            addKernelBackward(l);
        }
    }

    void addPenalties(int l)
    {
        for (std::size_t i = 0; i < m_options.penalties.size(); ++i) {
            if (m_options.penalties[i].layer == l) {
                add({Work::Penalize, l, static_cast<int>(i), addsTo(l)},
                    {node(l).y.buffer, node(l).gradient});
            }
        }
    }

    void addDeactivation(int l)
    {
        Node& n = node(l);
        n.values = n.activation.reads() == GradientReads::Input ? n.z : n.y;
        const Action action{Work::Deactivate, l};
        // The gradient of a learned step may depend on how many values there are.
        if (n.activation.worksInBlocks() && !n.activation.isLearned()) {
            repeatMaker(l);
            add(action, {n.values.buffer, n.gradient});
        } else {
            addAfter(action, {n.values.buffer, n.gradient});
            nextStage();
        }
    }

    /// A normalization's output is made again from its input, which is read on the way back anyway:
    /// that costs less than to write and read it as a whole.
    void repeatMaker(int l)
    {
        Node& n = node(l);
        const int maker = kernelOf(l).isIdentity() ? sourceOf(m_graph.layer(l).inputs[0]) : l;
        Node& made = node(maker);
        if (!std::holds_alternative<BatchNormOp>(m_graph.layer(maker).op) || made.z.buffer < 0 ||
            made.z.buffer != n.values.buffer || kernelOf(maker).wantsBatch()) {
            return;
        }
        if (made.again.buffer < 0) {
            made.again.buffer = newBuffer(made.shape.elementCount());
        }
        n.values = made.again;
        add({Work::Repeat, maker, kernelOf(maker).forwardPhases() - 1},
            {made.inputs[0].buffer, made.again.buffer});
    }

    void addKernelBackward(int l)
    {
        const Layer& layer = m_graph.layer(l);
        LayerKernel& kernel = kernelOf(l);
        Node& n = node(l);
        if (kernel.isIdentity() && takeOver(l)) {
            return;
        }
        n.adds = std::make_unique<bool[]>(layer.inputs.size());
        for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
            const int input = layer.inputs[i];
            const bool isWanted = node(sourceOf(input)).flows;
            n.inputGradients.push_back(isWanted ? gradientOf(input) : -1);
            n.adds[i] = isWanted && addsTo(input);
        }
        for (int phase = 0; phase < kernel.backwardPhases(); ++phase) {
            if (phase > 0) {
                nextStage();
            }
            for (std::size_t i = 0; i < n.inputs.size(); ++i) {
                useBy(kernel, n.inputGradients[i]);
                useBy(kernel, kernel.readsInput() ? n.inputs[i].buffer : -1);
            }
            addPhase(kernel, {Work::Backward, l, phase},
                     {n.gradient, n.saved, n.readsOutput ? n.z.buffer : -1});
        }
    }

    /// dz of an activation layer is dy of its input if nobody else reads that: one buffer serves
    /// both.
    bool takeOver(int l)
    {
        const int input = sourceOf(m_graph.layer(l).inputs[0]);
        if (!node(input).flows) {
            return true;
        }
        if (m_readers[static_cast<std::size_t>(input)] > 1) {
            return false;
        }
        node(input).gradient = node(l).gradient;
        m_isWritten[static_cast<std::size_t>(input)] = 1;
        return true;
    }

    // ---- memory

    /// Results, and what the last pass reads.
    void keepToTheEnd()
    {
        const Use end{static_cast<int>(m_program.stages.size()), 0};
        const auto keepUntilEnd = [&](int buffer) {
            use(buffer, end);
            keep(buffer);
        };
        for (const int output : m_graph.outputs()) {
            keepUntilEnd(node(output).y.buffer);
        }
        for (int l = 0; l < layerCount(); ++l) {
            const Node& n = node(l);
            if (n.flows && kernelOf(l).readsBatchLate()) {
                keepUntilEnd(n.inputs[0].buffer);
                keepUntilEnd(n.gradient);
            }
            if (m_options.inputGradients && std::holds_alternative<InputOp>(m_graph.layer(l).op)) {
                keepUntilEnd(n.gradient);
            }
        }
    }

    void planMemoryOfBuffers()
    {
        std::map<int, std::vector<std::size_t>> localOfStage;
        std::vector<std::size_t> global;
        std::vector<Index> touched(m_program.stages.size() + 1, 0);
        for (std::size_t b = 0; b < m_program.buffers.size(); ++b) {
            Buffer& buffer = m_program.buffers[b];
            std::set<int> stages;
            for (const Use& use : m_uses[b]) {
                stages.insert(use.stage);
            }
            buffer.isGlobal = buffer.isGlobal || stages.size() > 1;
            if (buffer.isGlobal) {
                global.push_back(b);
                for (const int stage : stages) {
                    touched[static_cast<std::size_t>(stage)] += buffer.floats;
                }
            } else if (!stages.empty()) {
                localOfStage[*stages.begin()].push_back(b);
            }
        }
        for (const auto& [stage, buffers] : localOfStage) {
            const Index floats = place(buffers, [](const Use& use) { return use.action; });
            m_program.localFloats = std::max(m_program.localFloats, floats);
        }
        m_program.globalFloats = place(global, [](const Use& use) { return use.stage; });
        m_program.widestStage = *std::ranges::max_element(touched);
    }

    template <class Time>
    Index place(const std::vector<std::size_t>& buffers, const Time& time)
    {
        std::vector<Lifetime> pieces;
        for (const std::size_t b : buffers) {
            const auto [first, last] = std::ranges::minmax(m_uses[b], {}, time);
            pieces.push_back({m_program.buffers[b].floats, time(first), time(last)});
        }
        const MemoryPlan plan = planMemory(pieces);
        for (std::size_t i = 0; i < buffers.size(); ++i) {
            m_program.buffers[buffers[i]].offset = plan.offsets[i];
        }
        return plan.floats;
    }

    const Graph& m_graph;
    const std::vector<std::unique_ptr<LayerKernel>>& m_kernels;
    ProgramOptions m_options;
    TrainingProgram m_program;
    std::set<int> m_needed;
    std::set<int> m_clamped;              ///< layers whose kernel applies the function
    std::vector<int> m_source;            ///< per layer, see sourceOf()
    std::vector<int> m_readers;           ///< per source: layers that read it, and outputs
    std::vector<char> m_isWritten;        ///< per source: dy holds something
    std::vector<std::vector<Use>> m_uses; ///< per buffer
};

} // namespace

TrainingProgram makeTrainingProgram(const Graph& graph, const Configuration& configuration,
                                    const std::vector<std::unique_ptr<LayerKernel>>& kernels,
                                    const ProgramOptions& options)
{
    return Builder(graph, configuration, kernels, options).take();
}

} // namespace bitscape::graph
