// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/hw/network_rows.h"

#include "core/graph/layer_rule.h"
#include "core/hw/checked.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>

namespace bitscape::hw {

namespace {

using graph::Configuration;
using graph::FunctionKind;
using graph::Graph;
using graph::Layer;
using graph::Slot;

constexpr int kFloatBits = 16;

// Activation quantizers with a curve before their grid, by the curve's price.
constexpr std::array<std::pair<std::string_view, CpuKind>, 4> kCurves{
    {{"quantized_tanh", CpuKind::Tanh},
     {"quantized_sigmoid", CpuKind::Sigmoid},
     {"quantized_hswish", CpuKind::Other},
     {"quantized_ulaw", CpuKind::Other}}};

/// What a function costs when it cannot hide in a requantization; nothing for clips.
std::optional<CpuKind> curveOf(const graph::Function& function)
{
    switch (function.kind) {
    case FunctionKind::Linear:
    case FunctionKind::Relu:
        return std::nullopt;
    case FunctionKind::Softmax:
        return CpuKind::Softmax;
    case FunctionKind::Sigmoid:
        return CpuKind::Sigmoid;
    case FunctionKind::Tanh:
        return CpuKind::Tanh;
    case FunctionKind::HardSigmoidKeras2:
    case FunctionKind::HardSigmoidKeras3:
    case FunctionKind::Elu:
    case FunctionKind::Selu:
    case FunctionKind::Softplus:
    case FunctionKind::Softsign:
    case FunctionKind::Swish:
    case FunctionKind::Gelu:
    case FunctionKind::Exponential:
        break;
    }
    return CpuKind::Other;
}

std::optional<CpuKind> curveOf(const quant::Quantizer& quantizer)
{
    for (const auto& [name, kind] : kCurves) {
        if (quantizer.info().name == name) {
            return kind;
        }
    }
    return std::nullopt;
}

/// A spatial shape as height × width × channels; sequences have height 1, vectors 1 × 1.
struct Image {
    std::int64_t height = 1, width = 1, channels = 1;
};

Image imageOf(const Shape& shape)
{
    Image image{.channels = shape.channels()};
    if (shape.rank() >= 2) {
        image.width = shape[shape.rank() - 2];
    }
    if (shape.rank() >= 3) {
        image.height = shape[shape.rank() - 3];
    }
    return image;
}

class Rows {
public:
    Rows(const Graph& graph, const Configuration& configuration, const Accelerator& accelerator,
         Index batch)
        : m_graph(graph), m_configuration(configuration), m_accelerator(accelerator),
          m_batch(batch), m_bits(layerBits(graph, configuration)), m_readers(graph.layers().size()),
          m_fusedInto(graph.layers().size(), -1)
    {
        for (std::size_t i = 0; i < m_readers.size(); ++i) {
            for (const int producer : layerAt(i).inputs) {
                m_readers[static_cast<std::size_t>(producer)].push_back(static_cast<int>(i));
            }
        }
    }

    std::vector<RowWork> make()
    {
        for (std::size_t i = 0; i < m_readers.size(); ++i) {
            m_index = static_cast<int>(i);
            std::visit([this](const auto& op) { visit(op); }, layer().op);
        }
        return std::move(m_rows);
    }

private:
    [[nodiscard]] const Layer& layerAt(std::size_t i) const
    {
        return m_graph.layer(static_cast<int>(i));
    }
    [[nodiscard]] const Layer& layer() const { return m_graph.layer(m_index); }
    [[nodiscard]] const LayerBits& bits() const
    {
        return m_bits[static_cast<std::size_t>(m_index)];
    }
    [[nodiscard]] const Shape& inputShape() const
    {
        return m_graph.layer(layer().inputs.front()).outputShape;
    }
    [[nodiscard]] double elements() const
    {
        return static_cast<double>(layer().outputShape.elementCount()) *
               static_cast<double>(m_batch);
    }

    // Layers that multiply ----------------------------------------------------------------------

    void visit(const graph::DenseOp& op)
    {
        EngineWork work = engineWork(EngineKind::Dense, op.useBias);
        const Shape& input = inputShape();
        work.inputChannels = input.channels();
        work.outputChannels = op.units;
        work.samples *= input.elementCount() / std::max<Index>(input.channels(), 1);
        work.height = work.width = work.outputHeight = work.outputWidth = 1;
        addEngine(layer().name, work, op.function);
    }
    void visit(const graph::ConvOp& op) { addConv(op, layer().name); }
    void visit(const graph::DepthwiseOp& op) { addDepthwise(op, layer().name); }
    void visit(const graph::FoldedConvOp& op)
    {
        std::visit([this](const auto& conv) { visit(conv); }, op.conv);
    }

    void visit(const graph::SeparableOp& op)
    {
        const graph::DepthwiseOp first{.kernel = op.kernel,
                                       .stride = op.stride,
                                       .dilation = op.dilation,
                                       .padding = op.padding,
                                       .multiplier = op.multiplier,
                                       .useBias = false};
        const std::int64_t middle = inputShape().channels() * op.multiplier;
        EngineWork depthwise = spatialWork(op.kernel, op.stride, op.dilation, false);
        makeDepthwise(depthwise, inputShape().channels(), first.multiplier);
        EngineWork pointwise = engineWork(EngineKind::Conv, op.useBias);
        pointwise.height = pointwise.outputHeight;
        pointwise.width = pointwise.outputWidth;
        pointwise.inputChannels = middle;
        pointwise.outputChannels = op.filters;

        const OperandBits whole = operandBits(bits());
        RowWork stage = row(layer().name + "/depthwise");
        stage.bits = whole;
        stage.bits.outputs = kFloatBits;
        stage.warnings = operandWarnings(stage.name);
        stage.warnings.push_back(
            {"float_operand",
             "Nothing quantizes the tensor between the depth-wise and the point-wise stage; it "
             "counts as 16 bits.",
             stage.name});
        setEngine(stage, depthwise);
        m_rows.push_back(std::move(stage));

        RowWork second = row(layer().name + "/pointwise");
        const quant::QuantizerPtr kernel = m_configuration.find(layer().name, Slot::Pointwise);
        second.bits = {.weights = kernel ? kernel->bits() : kFloatBits,
                       .inputs = kFloatBits,
                       .outputs = whole.outputs,
                       .weightsSigned = !kernel || kernel->isSigned()};
        setEngine(second, pointwise);
        finish(std::move(second), op.function);
    }

    void addConv(const graph::ConvOp& op, const std::string& name)
    {
        EngineWork work = spatialWork(op.kernel, op.stride, op.dilation, op.useBias);
        work.groups = op.groups;
        work.inputChannels = inputShape().channels() / op.groups;
        work.outputChannels = op.filters / op.groups;
        addEngine(name, work, op.function);
    }
    void addDepthwise(const graph::DepthwiseOp& op, const std::string& name)
    {
        EngineWork work = spatialWork(op.kernel, op.stride, op.dilation, op.useBias);
        makeDepthwise(work, inputShape().channels(), op.multiplier);
        addEngine(name, work, op.function);
    }
    void makeDepthwise(EngineWork& work, std::int64_t channels, std::int64_t multiplier) const
    {
        if (m_accelerator.depthwise.present) {
            work.engine = EngineKind::Depthwise;
            work.inputChannels = channels;
            work.outputChannels = channels * multiplier;
        } else {
            work.groups = channels;
            work.inputChannels = 1;
            work.outputChannels = multiplier;
        }
    }

    [[nodiscard]] EngineWork engineWork(EngineKind engine, bool hasBias) const
    {
        const Image output = imageOf(layer().outputShape);
        return {.engine = engine,
                .samples = m_batch,
                .outputHeight = output.height,
                .outputWidth = output.width,
                .hasBias = hasBias};
    }
    [[nodiscard]] EngineWork spatialWork(graph::Extent kernel, graph::Extent stride,
                                         graph::Extent dilation, bool hasBias) const
    {
        EngineWork work = engineWork(EngineKind::Conv, hasBias);
        const Image input = imageOf(inputShape());
        work.kernelHeight = kernel.height;
        work.kernelWidth = kernel.width;
        work.strideHeight = stride.height;
        work.kernelRows = static_cast<std::int64_t>(kernel.height - 1) * dilation.height + 1;
        work.height = input.height;
        work.width = input.width;
        return work;
    }

    void addEngine(const std::string& name, const EngineWork& work, const graph::Function& function)
    {
        RowWork made = row(name);
        made.bits = operandBits(bits());
        made.warnings = operandWarnings(name);
        setEngine(made, work);
        finish(std::move(made), function);
    }

    void setEngine(RowWork& target, EngineWork work) const
    {
        const Checked macs = Checked(work.samples) * work.groups * work.outputChannels *
                             work.pixels() * work.taps() *
                             (work.engine == EngineKind::Depthwise ? 1 : work.inputChannels);
        work.macs = macs.value(); // counts beyond int64 are refused when the slots are counted
        target.engine = work;
    }

    /// Ends an engine's row: requantization takes up what follows; a curve gets a row of its own.
    void finish(RowWork made, const graph::Function& function)
    {
        const quant::QuantizerPtr quantizer = m_configuration.find(layer().name, Slot::Activation);
        const std::optional<CpuKind> curve = quantizer ? curveOf(*quantizer) : curveOf(function);
        Absorbed absorbed{.last = m_index, .outputBits = quantizer ? made.bits.outputs : 0};
        if (!quantizer && !curve) {
            absorbed = absorbReaders(function.isLinear());
        }
        if (absorbed.outputBits > 0) {
            made.bits.outputs = absorbed.outputBits;
        } else {
            made.warnings.push_back({"float_operand",
                                     "Nothing quantizes the output; it counts as 16 bits.",
                                     made.name});
        }
        checkAccumulator(made);
        noteTensors(made, absorbed.last);
        m_rows.push_back(std::move(made));
        if (curve) {
            addCpu(layer().name + "/activation", *curve, elements());
        }
    }

    struct Absorbed {
        int last;           ///< the layer whose output leaves the row
        int outputBits = 0; ///< 0: float
    };
    /// Batch normalization, clips and quantizers that alone read the present layer cost nothing:
    /// they are folded into weights and requantization.
    Absorbed absorbReaders(bool mayFoldNorm)
    {
        Absorbed absorbed{m_index};
        while (true) {
            const auto& readers = m_readers[static_cast<std::size_t>(absorbed.last)];
            if (readers.size() != 1) {
                return absorbed;
            }
            const int next = readers.front();
            const Layer& reader = m_graph.layer(next);
            const quant::QuantizerPtr quantizer =
                m_configuration.find(reader.name, Slot::Activation);
            const auto* activation = std::get_if<graph::ActivationOp>(&reader.op);
            const bool isFoldedNorm =
                mayFoldNorm && std::holds_alternative<graph::BatchNormOp>(reader.op);
            if (!isFoldedNorm &&
                (activation == nullptr ||
                 (quantizer ? curveOf(*quantizer) : curveOf(activation->function)))) {
                return absorbed;
            }
            mayFoldNorm = false; // one normalization, and none after a clip
            m_fusedInto[static_cast<std::size_t>(next)] = m_index;
            absorbed.last = next;
            if (quantizer) {
                absorbed.outputBits = quantizer->bits();
                return absorbed;
            }
        }
    }

    void checkAccumulator(RowWork& made) const
    {
        const EngineWork& work = *made.engine;
        const auto products = static_cast<std::uint64_t>(
            work.taps() * (work.engine == EngineKind::Depthwise ? 1 : work.inputChannels));
        const int growth = products <= 1 ? 0 : static_cast<int>(std::bit_width(products - 1));
        const bool isSymmetric = bits().weightsSymmetric && bits().inputSymmetric;
        const int need = made.bits.inputs + made.bits.weights + growth - (isSymmetric ? 1 : 0);
        if (need > m_accelerator.accumulatorBits) {
            made.warnings.push_back(
                {"accumulator_overflow",
                 "Sums may need " + std::to_string(need) + " bits, the " + "accumulator has " +
                     std::to_string(m_accelerator.accumulatorBits) + ": possible overflow.",
                 made.name});
        }
    }

    /// Sizes of tensors that have a layer at both ends.
    void noteTensors(RowWork& made, int last) const
    {
        const Layer& producer = m_graph.layer(layer().inputs.front());
        if (!std::holds_alternative<graph::InputOp>(producer.op)) {
            made.inputTensorBits = inputShape().elementCount() * m_batch * made.bits.inputs;
        }
        if (std::ranges::find(m_graph.outputs(), last) == m_graph.outputs().end()) {
            made.outputTensorBits =
                layer().outputShape.elementCount() * m_batch * made.bits.outputs;
        }
    }

    [[nodiscard]] static OperandBits operandBits(const LayerBits& widths)
    {
        return {.weights = widths.weightsFloat ? kFloatBits : widths.weights,
                .inputs = widths.inputFloat ? kFloatBits : widths.input,
                .outputs = widths.outputFloat ? kFloatBits : widths.output,
                .weightsSigned = widths.weightsFloat || widths.weightsSigned,
                .inputsSigned = widths.inputFloat || widths.inputSigned};
    }

    [[nodiscard]] Warnings operandWarnings(const std::string& where) const
    {
        Warnings warnings;
        if (bits().weightsFloat) {
            warnings.push_back(
                {"float_operand", "Nothing quantizes the weights; they count as 16 bits.", where});
        }
        if (bits().inputFloat) {
            warnings.push_back(
                {"float_operand", "Nothing quantizes the input; it counts as 16 bits.", where});
        }
        return warnings;
    }

    // Layers that do not multiply ---------------------------------------------------------------

    void visit(const graph::InputOp& /*op*/) {}
    void visit(const graph::FlattenOp& /*op*/) { addFree("Moves no data."); }
    void visit(const graph::ReshapeOp& /*op*/) { addFree("Moves no data."); }
    void visit(const graph::DropoutOp& /*op*/) { addFree("Does nothing at inference."); }
    void visit(const graph::ZeroPaddingOp& /*op*/)
    {
        addCpu(layer().name, CpuKind::Copy, elements());
    }
    void visit(const graph::ConcatenateOp& /*op*/)
    {
        addCpu(layer().name, CpuKind::Copy, elements());
    }
    void visit(const graph::AddOp& /*op*/)
    {
        // A sum needs a requantization as engines do; a clip or quantizer after it hides there.
        absorbReaders(false);
        const auto additions = static_cast<double>(layer().inputs.size()) - 1;
        addCpu(layer().name, CpuKind::Add, elements() * additions);
    }
    void visit(const graph::PoolOp& op)
    {
        addPool(op.kind, static_cast<double>(op.window.height) * op.window.width);
    }
    void visit(const graph::GlobalPoolOp& op)
    {
        const Image input = imageOf(inputShape());
        addPool(op.kind, static_cast<double>(input.height) * static_cast<double>(input.width));
    }
    void addPool(graph::PoolKind kind, double taps)
    {
        const bool isMax = kind == graph::PoolKind::Max;
        if (!isMax) {
            absorbReaders(false);
        }
        addCpu(layer().name, isMax ? CpuKind::MaxPool : CpuKind::AveragePool, elements() * taps);
    }
    void visit(const graph::BatchNormOp& /*op*/) { addFusedOr(CpuKind::Other, "weights"); }
    void visit(const graph::ActivationOp& op)
    {
        const quant::QuantizerPtr quantizer = m_configuration.find(layer().name, Slot::Activation);
        const std::optional<CpuKind> curve = quantizer ? curveOf(*quantizer) : curveOf(op.function);
        if (!quantizer && op.function.isLinear()) {
            addFree("Hands its input on.");
            return;
        }
        addFusedOr(curve.value_or(CpuKind::Other), "requantization");
    }
    void visit(const graph::SelectOp& /*op*/) { addFree("Moves no data."); }
    /// The accelerators know no engine for other layers: they run on the processor.
    void visit(const graph::RuleOp& op)
    {
        const auto macs = static_cast<double>(layer().macs) * static_cast<double>(m_batch);
        if (macs == 0 && op.rule->slots().empty()) {
            addCpu(layer().name, CpuKind::Copy, elements());
            return;
        }
        addCpu(layer().name, CpuKind::Other, std::max(macs, elements()));
        if (macs > 0) {
            m_rows.back().warnings.push_back({"processor_layer",
                                              "No engine computes a " + layer().className +
                                                  "; its multiplications run on the processor.",
                                              layer().name});
        }
    }
    void visit(const graph::UnsupportedOp& op)
    {
        double count = elements();
        for (const int producer : layer().inputs) {
            count = std::max(
                count, static_cast<double>(m_graph.layer(producer).outputShape.elementCount()) *
                           static_cast<double>(m_batch));
        }
        addCpu(layer().name, CpuKind::Other, count);
        m_rows.back().warnings.push_back(
            {"unknown_layer",
             "The layer is known by name only (" + layer().className + ": " + op.reason +
                 "); its elements run on the processor, multiplications are not counted.",
             layer().name});
    }

    void addFusedOr(CpuKind kind, std::string_view where)
    {
        const int into = m_fusedInto[static_cast<std::size_t>(m_index)];
        if (into >= 0) {
            addFree("Folded into the " + std::string(where) + " of " + m_graph.layer(into).name +
                    ".");
        } else {
            addCpu(layer().name, kind, elements());
        }
    }

    [[nodiscard]] RowWork row(const std::string& name) const
    {
        RowWork made;
        made.name = name;
        made.index = m_index;
        return made;
    }
    void addFree(std::string why)
    {
        RowWork made = row(layer().name);
        made.isFree = true;
        made.warnings.push_back({"counted_as_free", std::move(why), layer().name});
        m_rows.push_back(std::move(made));
    }
    void addCpu(const std::string& name, CpuKind kind, double count)
    {
        RowWork made = row(name);
        made.cpuKind = kind;
        made.cpuElements = count;
        m_rows.push_back(std::move(made));
    }

    const Graph& m_graph;
    const Configuration& m_configuration;
    const Accelerator& m_accelerator;
    const Index m_batch;
    const std::vector<LayerBits> m_bits;
    std::vector<std::vector<int>> m_readers;
    std::vector<int> m_fusedInto;
    std::vector<RowWork> m_rows;
    int m_index = 0;
};

} // namespace

std::vector<RowWork> networkRows(const Graph& graph, const Configuration& configuration,
                                 const Accelerator& accelerator, Index batch)
{
    return Rows(graph, configuration, accelerator, batch).make();
}

} // namespace bitscape::hw
