// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/workload_export.h"

#include "core/base/yaml_text.h"
#include "core/graph/execution.h"
#include "core/graph/shape_rules.h"
#include "core/hw/accelerator.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <utility>

namespace bitscape::io {

namespace {

enum class LoopKind { Conv, Pooling, Add };

/// The loops of one layer: channels per group, the window, the padding.
struct Loops {
    LoopKind kind = LoopKind::Conv;
    std::string name;
    int layer = 0;
    Index groups = 1, inputChannels = 1, outputChannels = 1; ///< of one group
    Index height = 1, width = 1, outputHeight = 1, outputWidth = 1;
    graph::Extent kernel, stride, dilation;
    bool isDepthwise = false;
};

/// Height and width of a tensor and its channels, channels last.
struct Image {
    Index height = 1, width = 1, channels = 1;
};

Image imageOf(const Shape& shape, bool channelsFirst)
{
    const Shape last = channelsFirst ? graph::toChannelsLast(shape) : shape;
    if (last.rank() > 3) {
        return {last.elementCount() / last.channels(), 1, last.channels()};
    }
    const Shape image = graph::asImage(last.rank() == 1 ? Shape{1, last[0]} : last);
    return {image[0], image[1], image[2]};
}

class LoopReader {
public:
    LoopReader(const graph::Graph& graph, int index)
        : m_graph(graph), m_layer(graph.layer(index)), m_index(index)
    {
    }

    [[nodiscard]] std::vector<Loops> read() { return std::visit(*this, m_layer.op); }

    std::vector<Loops> operator()(const graph::ConvOp& op) const
    {
        Loops loops = window(op);
        loops.groups = op.groups;
        loops.inputChannels = input(op.channelsFirst).channels / op.groups;
        loops.outputChannels = op.filters / op.groups;
        return {loops};
    }
    std::vector<Loops> operator()(const graph::DepthwiseOp& op) const { return {depthwise(op)}; }
    std::vector<Loops> operator()(const graph::SeparableOp& op) const
    {
        Loops first = depthwise(op);
        first.name += "_depthwise";
        Loops second = plain(LoopKind::Conv);
        second.name += "_pointwise";
        second.inputChannels = first.groups * first.outputChannels;
        second.outputChannels = op.filters;
        second.height = second.outputHeight = first.outputHeight;
        second.width = second.outputWidth = first.outputWidth;
        return {first, second};
    }
    std::vector<Loops> operator()(const graph::DenseOp& op) const
    {
        const Shape shape = m_graph.inputShapes(m_index).front();
        Loops loops = plain(LoopKind::Conv);
        loops.inputChannels = shape.channels();
        loops.outputChannels = op.units;
        loops.height = loops.outputHeight = shape.elementCount() / shape.channels();
        return {loops};
    }
    std::vector<Loops> operator()(const graph::FoldedConvOp& op) const
    {
        return std::visit([this](const auto& conv) { return (*this)(conv); }, op.conv);
    }
    std::vector<Loops> operator()(const graph::PoolOp& op) const
    {
        Loops loops = plain(LoopKind::Pooling);
        take(loops, input(op.channelsFirst), output(op.channelsFirst));
        loops.kernel = op.window;
        loops.stride = op.stride;
        return {loops};
    }
    std::vector<Loops> operator()(const graph::GlobalPoolOp& op) const
    {
        Loops loops = plain(LoopKind::Pooling);
        const Image in = input(op.channelsFirst);
        take(loops, in, {1, 1, in.channels});
        loops.kernel = {static_cast<int>(in.height), static_cast<int>(in.width)};
        return {loops};
    }
    std::vector<Loops> operator()(const graph::AddOp& /*op*/) const
    {
        Loops loops = plain(LoopKind::Add);
        const Image image = imageOf(m_layer.outputShape, false);
        take(loops, image, image);
        return {loops};
    }
    template <class Other>
    std::vector<Loops> operator()(const Other& /*op*/) const
    {
        return {};
    }

private:
    [[nodiscard]] Image input(bool channelsFirst) const
    {
        return imageOf(m_graph.inputShapes(m_index).front(), channelsFirst);
    }
    [[nodiscard]] Image output(bool channelsFirst) const
    {
        return imageOf(m_layer.outputShape, channelsFirst);
    }
    [[nodiscard]] Loops plain(LoopKind kind) const
    {
        Loops loops;
        loops.kind = kind;
        loops.name = m_layer.name;
        loops.layer = m_index;
        return loops;
    }
    static void take(Loops& loops, const Image& in, const Image& out)
    {
        loops.groups = in.channels;
        loops.height = in.height;
        loops.width = in.width;
        loops.outputHeight = out.height;
        loops.outputWidth = out.width;
    }
    template <class Windowed>
    [[nodiscard]] Loops window(const Windowed& op) const
    {
        Loops loops = plain(LoopKind::Conv);
        take(loops, input(op.channelsFirst), output(op.channelsFirst));
        loops.kernel = op.kernel;
        loops.stride = op.stride;
        loops.dilation = op.dilation;
        return loops;
    }
    template <class Windowed>
    [[nodiscard]] Loops depthwise(const Windowed& op) const
    {
        Loops loops = window(op);
        loops.outputChannels = op.multiplier;
        loops.isDepthwise = true;
        return loops;
    }

    const graph::Graph& m_graph;
    const graph::Layer& m_layer;
    int m_index;
};

/// The network with its loops, normalizations folded where the configuration says so.
struct Workload {
    graph::GraphPtr graph;
    graph::Configuration configuration;
    std::vector<Loops> loops;
    ImportNotes notes;
};

/// Layers that move or clip values only.
bool isFree(const graph::Layer& layer)
{
    return layer.macs == 0;
}

Result<Workload> workloadOf(const ExportInput& input)
{
    Workload workload{input.graph, input.configuration, {}, {}};
    if (input.configuration.foldBatchNorm) {
        auto folded = graph::foldBatchNorm(*input.graph, input.configuration);
        if (!folded) {
            return fail(std::move(folded).error());
        }
        workload.graph = std::move(*folded);
    }
    for (int i = 0; i < static_cast<int>(workload.graph->layers().size()); ++i) {
        const graph::Layer& layer = workload.graph->layer(i);
        const auto isOpen = [](Index size) { return size < 0; };
        if (layer.outputShape.rank() > 0 &&
            std::ranges::any_of(layer.outputShape.sizes(), isOpen)) {
            return fail(ErrorCode::ShapeMismatch, "A size of its output is open.",
                        "layer " + layer.name, "Give the network's input a fixed size.");
        }
        std::vector<Loops> loops = LoopReader(*workload.graph, i).read();
        if (loops.empty() && !isFree(layer)) {
            workload.notes.push_back({ImportKind::Missing, layer.name,
                                      layer.className +
                                          " has no loops that the simulator knows; it is left "
                                          "out."});
        }
        workload.loops.insert(workload.loops.end(), loops.begin(), loops.end());
    }
    return workload;
}

/// The least input that a window of this size needs for so many outputs.
Index reach(Index outputs, int stride, int kernel)
{
    return (outputs - 1) * stride + kernel;
}

std::string withoutCommas(std::string name)
{
    std::ranges::replace(name, ',', '_');
    return name;
}

} // namespace

Result<ExportContent> exportScaleSim(const ExportInput& input)
{
    auto workload = workloadOf(input);
    if (!workload) {
        return fail(std::move(workload).error());
    }
    std::string text = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, "
                       "Channels, Num Filter, Strides,\n";
    ExportContent content;
    content.notes = std::move(workload->notes);
    const auto note = [&](const Loops& row, const char* what) {
        content.notes.push_back({ImportKind::Converted, row.name, what});
    };
    for (const Loops& row : workload->loops) {
        if (row.kind != LoopKind::Conv) {
            continue;
        }
        // SCALE-Sim has one stride and no dilation; the size of the input makes the output right.
        text += fmt::format("{}, {}, {}, {}, {}, {}, {}, {},\n", withoutCommas(row.name),
                            reach(row.outputHeight, row.stride.height, row.kernel.height),
                            reach(row.outputWidth, row.stride.height, row.kernel.width),
                            row.kernel.height, row.kernel.width, row.inputChannels,
                            row.groups * row.outputChannels, row.stride.height);
        if (row.groups > 1) {
            note(row, "SCALE-Sim knows no groups: all filters read the channels of one group.");
        }
        if (row.stride.height != row.stride.width) {
            note(row, "SCALE-Sim has one stride; the width of the input is that of the same "
                      "output.");
        }
        if (row.dilation != graph::Extent{}) {
            note(row, "SCALE-Sim has no dilation; the input is that of the same output.");
        }
    }
    content.files.push_back({{}, std::move(text)});
    return content;
}

namespace {

constexpr int kAccumulatorBits = 32;

/// Width in which a layer's output is kept: of the activation that alone reads it, if there is one.
int keptBits(const graph::Graph& graph, const std::vector<hw::LayerBits>& bits, int layer)
{
    const std::vector<int> readers = graph.consumers(layer);
    if (readers.size() == 1 &&
        std::holds_alternative<graph::ActivationOp>(graph.layer(readers.front()).op)) {
        layer = readers.front();
    }
    return bits[static_cast<std::size_t>(layer)].output;
}

Json precisionOf(const Loops& loops, const hw::LayerBits& bits, int outputBits)
{
    const bool isConv = loops.kind == LoopKind::Conv;
    const int weights = loops.kind == LoopKind::Pooling ? 0 : isConv ? bits.weights : bits.input;
    const auto terms = static_cast<std::uint64_t>(loops.kind == LoopKind::Add
                                                      ? 2
                                                      : loops.inputChannels * loops.kernel.height *
                                                            loops.kernel.width);
    const int growth = static_cast<int>(std::bit_width(std::max<std::uint64_t>(terms, 1) - 1));
    const int sum = bits.input + (isConv ? weights : 0) + growth;
    return {{"W", weights},
            {"I", bits.input},
            {"O", std::max(outputBits, std::min(sum, kAccumulatorBits))},
            {"O_final", outputBits}};
}

/// Zeros before and after the input along one axis.
Json paddingOf(Index outputs, Index inputs, int stride, int kernel, int dilation)
{
    const Index whole =
        std::max<Index>(reach(outputs, stride, (kernel - 1) * dilation + 1) - inputs, 0);
    return Json::array({whole / 2, whole - whole / 2});
}

void addWindow(const Loops& loops, Json& layer)
{
    layer["dimension_relations"] =
        Json::array({fmt::format("ix={}*ox+{}*fx", loops.stride.width, loops.dilation.width),
                     fmt::format("iy={}*oy+{}*fy", loops.stride.height, loops.dilation.height)});
    layer["pr_loop_dims"] = {"IX", "IY"};
    layer["pr_loop_sizes"] = {loops.width, loops.height};
    layer["padding"] = Json::array({paddingOf(loops.outputWidth, loops.width, loops.stride.width,
                                              loops.kernel.width, loops.dilation.width),
                                    paddingOf(loops.outputHeight, loops.height, loops.stride.height,
                                              loops.kernel.height, loops.dilation.height)});
}

/// Equation and loops; a dimension of size 1 that a group or multiplier would need is left out.
void addLoops(const Loops& loops, Json& layer)
{
    Json dims = {"B"};
    Json sizes = {1};
    const auto add = [&](const char* dim, Index size) {
        dims.push_back(dim);
        sizes.push_back(size);
    };
    const bool isGrouped = loops.groups > 1 || loops.isDepthwise;
    const bool hasFilters = loops.outputChannels > 1 || !loops.isDepthwise;
    const bool hasChannels = !loops.isDepthwise;
    if (loops.kind != LoopKind::Conv) {
        add("G", loops.groups);
    } else {
        for (const auto& [isThere, dim, size] :
             {std::tuple(isGrouped, "G", loops.groups),
              std::tuple(hasFilters, "K", loops.outputChannels),
              std::tuple(hasChannels, "C", loops.inputChannels)}) {
            if (isThere) {
                add(dim, size);
            }
        }
    }
    add("OY", loops.outputHeight);
    add("OX", loops.outputWidth);
    switch (loops.kind) {
    case LoopKind::Add:
        layer["equation"] = "O[b][g][oy][ox]=W[b][g][oy][ox]+I[b][g][oy][ox]";
        break;
    case LoopKind::Pooling:
        layer["equation"] = "O[b][g][oy][ox]+=W[fy][fx]*I[b][g][iy][ix]";
        break;
    case LoopKind::Conv:
        layer["equation"] =
            fmt::format("O[b]{0}{1}[oy][ox]+=W{0}{1}{2}[fy][fx]*I[b]{0}{2}[iy][ix]",
                        isGrouped ? "[g]" : "", hasFilters ? "[k]" : "", hasChannels ? "[c]" : "");
        break;
    }
    if (loops.kind != LoopKind::Add) {
        add("FY", loops.kernel.height);
        add("FX", loops.kernel.width);
        addWindow(loops, layer);
    }
    layer["loop_dims"] = std::move(dims);
    layer["loop_sizes"] = std::move(sizes);
}

const char* operatorOf(LoopKind kind)
{
    switch (kind) {
    case LoopKind::Add:
        return "Add";
    case LoopKind::Pooling:
        return "Pooling";
    case LoopKind::Conv:
        break;
    }
    return "Conv";
}

/// The row whose loops make what layer `index` gives; −1: it comes from outside.
int rowBehind(const graph::Graph& graph, const std::map<int, int>& lastRow, int index)
{
    while (true) {
        if (const auto found = lastRow.find(index); found != lastRow.end()) {
            return found->second;
        }
        const auto& inputs = graph.layer(index).inputs;
        if (inputs.empty()) {
            return -1;
        }
        index = inputs.front();
    }
}

} // namespace

Result<ExportContent> exportZigZag(const ExportInput& input)
{
    auto workload = workloadOf(input);
    if (!workload) {
        return fail(std::move(workload).error());
    }
    const std::vector<hw::LayerBits> bits =
        hw::layerBits(*workload->graph, workload->configuration);
    std::map<int, int> lastRow; // of a layer's rows
    Json layers = Json::array();
    for (const Loops& loops : workload->loops) {
        const int id = static_cast<int>(layers.size());
        Json layer{{"id", id}, {"name", loops.name}, {"operator_type", operatorOf(loops.kind)}};
        addLoops(loops, layer);
        layer["operand_precision"] = precisionOf(loops, bits[static_cast<std::size_t>(loops.layer)],
                                                 keptBits(*workload->graph, bits, loops.layer));
        // A source that is the row itself stands for what comes from outside.
        const auto& producers = workload->graph->layer(loops.layer).inputs;
        const auto sourceOf = [&](std::size_t place) {
            if (const auto own = lastRow.find(loops.layer); own != lastRow.end()) {
                return own->second;
            }
            const int row = rowBehind(*workload->graph, lastRow, producers[place]);
            return row < 0 ? id : row;
        };
        const bool isSum = loops.kind == LoopKind::Add && producers.size() > 1;
        layer["operand_source"] = {{"I", sourceOf(0)}, {"W", isSum ? sourceOf(1) : id}};
        lastRow[loops.layer] = id;
        layers.push_back(std::move(layer));
    }
    ExportContent content = singleFile(toYaml(layers));
    content.notes = std::move(workload->notes);
    return content;
}

} // namespace bitscape::io
