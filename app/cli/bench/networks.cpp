// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/bench/networks.h"

#include "core/base/error.h"
#include "core/base/rng.h"
#include "core/graph/activation.h"
#include "core/train/initialize.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

namespace bitscape::bench {

namespace {

using namespace graph;

/// Adds layers one after another, each reading the last.
class Chain {
public:
    explicit Chain(const Shape& input) { put("input", "InputLayer", InputOp{input}, {}); }

    void convolution(Index filters, Extent kernel, int stride = 1, Padding padding = Padding::Same,
                     bool useBias = true)
    {
        add("conv", "Conv2D",
            ConvOp{.filters = filters,
                   .kernel = kernel,
                   .stride = {stride, stride},
                   .padding = padding,
                   .useBias = useBias});
    }
    void depthwise(int stride = 1, bool useBias = true)
    {
        add("depthwise", "DepthwiseConv2D",
            DepthwiseOp{.kernel = {3, 3},
                        .stride = {stride, stride},
                        .padding = Padding::Same,
                        .useBias = useBias});
    }
    void dense(Index units) { add("dense", "Dense", DenseOp{.units = units}); }
    void normalize() { add("norm", "BatchNormalization", BatchNormOp{}); }
    void relu() { activate("relu", {FunctionKind::Relu}); }
    void softmax() { activate("softmax", {FunctionKind::Softmax}); }
    void normalizedRelu()
    {
        normalize();
        relu();
    }
    void dropOut(float rate) { add("dropout", "Dropout", DropoutOp{rate}); }
    void averagePool(Extent window)
    {
        add("pool", "AveragePooling2D",
            PoolOp{.kind = PoolKind::Average, .window = window, .stride = window});
    }
    void averageAll() { add("pool", "GlobalAveragePooling2D", GlobalPoolOp{}); }
    void flatten() { add("flatten", "Flatten", FlattenOp{}); }
    void join(int other) { put(numbered("add"), "Add", AddOp{}, {other, last()}); }

    [[nodiscard]] int last() const { return static_cast<int>(m_layers.size()) - 1; }
    void goTo(int layer) { m_from = layer; }

    [[nodiscard]] GraphPtr make(const std::string& name) const
    {
        const auto graph = Graph::make(name, m_layers, {0}, {last()});
        ensure(graph.has_value(), "bench: a network is not sound");
        return (*graph)->withWeights(train::initialWeights(**graph, 1)).value();
    }

private:
    void add(std::string_view kind, std::string className, Op op)
    {
        const int from = std::exchange(m_from, -1);
        put(numbered(kind), std::move(className), std::move(op), {from < 0 ? last() : from});
    }
    void activate(std::string_view kind, Function function)
    {
        add(kind, "Activation", ActivationOp{function});
        m_layers.back().originalConfig =
            fmt::format(R"({{"name":"{}","activation":"{}"}})", m_layers.back().name, kind);
    }
    void put(std::string name, std::string className, Op op, std::vector<int> inputs)
    {
        Layer layer;
        layer.name = std::move(name);
        layer.className = std::move(className);
        layer.op = std::move(op);
        layer.inputs = std::move(inputs);
        m_layers.push_back(std::move(layer));
    }
    [[nodiscard]] std::string numbered(std::string_view kind) const
    {
        return fmt::format("{}_{}", kind, m_layers.size());
    }

    std::vector<Layer> m_layers;
    int m_from = -1; ///< what the next layer reads; −1: the last
};

GraphPtr exampleCnn()
{
    Chain chain({28, 28, 1});
    constexpr std::array<std::pair<Index, int>, 3> kLayers{{{32, 3}, {64, 3}, {64, 2}}};
    for (const auto& [filters, kernel] : kLayers) {
        chain.convolution(filters, {kernel, kernel}, 2, Padding::Valid);
        chain.relu();
    }
    chain.flatten();
    chain.dense(10);
    chain.softmax();
    return chain.make("example-cnn");
}

GraphPtr resnet8()
{
    Chain chain({32, 32, 3});
    chain.convolution(16, {3, 3});
    chain.normalizedRelu();
    for (const Index filters : {16, 32, 64}) {
        const int start = chain.last();
        const int stride = filters == 16 ? 1 : 2;
        chain.convolution(filters, {3, 3}, stride);
        chain.normalizedRelu();
        chain.convolution(filters, {3, 3});
        chain.normalize();
        int shortcut = start;
        const int end = chain.last();
        if (stride != 1) {
            chain.goTo(start);
            chain.convolution(filters, {1, 1}, stride);
            shortcut = end;
        }
        chain.join(shortcut);
        chain.relu();
    }
    chain.averagePool({8, 8});
    chain.flatten();
    chain.dense(10);
    chain.softmax();
    return chain.make("resnet8");
}

GraphPtr dsCnn()
{
    Chain chain({49, 10, 1});
    chain.convolution(64, {10, 4}, 2);
    chain.normalizedRelu();
    chain.dropOut(0.2F);
    for (int block = 0; block < 4; ++block) {
        chain.depthwise();
        chain.normalizedRelu();
        chain.convolution(64, {1, 1});
        chain.normalizedRelu();
    }
    chain.dropOut(0.4F);
    chain.averagePool({25, 5});
    chain.flatten();
    chain.dense(12);
    chain.softmax();
    return chain.make("ds-cnn");
}

GraphPtr mobileNet()
{
    Chain chain({96, 96, 3});
    chain.convolution(8, {3, 3}, 2, Padding::Same, false);
    chain.normalizedRelu();
    constexpr std::array<std::pair<Index, int>, 13> kBlocks{{{16, 1},
                                                             {32, 2},
                                                             {32, 1},
                                                             {64, 2},
                                                             {64, 1},
                                                             {128, 2},
                                                             {128, 1},
                                                             {128, 1},
                                                             {128, 1},
                                                             {128, 1},
                                                             {128, 1},
                                                             {256, 2},
                                                             {256, 1}}};
    for (const auto& [filters, stride] : kBlocks) {
        chain.depthwise(stride, false);
        chain.normalizedRelu();
        chain.convolution(filters, {1, 1}, 1, Padding::Same, false);
        chain.normalizedRelu();
    }
    chain.averageAll();
    chain.dense(2);
    chain.softmax();
    return chain.make("mobilenet");
}

GraphPtr autoencoder()
{
    Chain chain(Shape{640});
    for (const Index units : {128, 128, 128, 128, 8, 128, 128, 128, 128}) {
        chain.dense(units);
        chain.normalizedRelu();
    }
    chain.dense(640);
    return chain.make("fc-ae");
}

GraphPtr jetMlp()
{
    Chain chain(Shape{16});
    for (const Index units : {64, 32, 32}) {
        chain.dense(units);
        chain.relu();
    }
    chain.dense(5);
    chain.softmax();
    return chain.make("jet-mlp");
}

GraphPtr notebook()
{
    Chain chain({7, 7, 1});
    for (const Index filters : {2, 3}) {
        chain.convolution(filters, {3, 3}, 1, Padding::Valid);
        chain.relu();
    }
    chain.flatten();
    chain.dense(10);
    chain.softmax();
    return chain.make("notebook");
}

constexpr std::array<Network, 7> kNetworks{{
    {"example-cnn", "QKeras' example: 28×28, convolutions 32-64-64 of stride 2", 64, true,
     exampleCnn},
    {"resnet8", "MLPerf Tiny, image classification: 32×32×3", 64, true, resnet8},
    {"ds-cnn", "MLPerf Tiny, keyword spotting: 49×10", 64, true, dsCnn},
    {"mobilenet", "MLPerf Tiny, visual wake words: MobileNetV1 0.25, 96×96×3", 64, true, mobileNet},
    {"fc-ae", "MLPerf Tiny, anomaly detection: autoencoder of 640 values", 64, false, autoencoder},
    {"jet-mlp", "Jet tagging: 16-64-32-32-5", 1024, true, jetMlp},
    {"notebook", "qkeras-mod's notebook: 7×7, two convolutions of 2 and 3 filters", 64, true,
     notebook},
}};

} // namespace

std::span<const Network> networks()
{
    return kNetworks;
}

const Network* findNetwork(std::string_view name)
{
    const auto* found = std::ranges::find(kNetworks, name, &Network::name);
    return found == kNetworks.end() ? nullptr : found;
}

Configuration fourBits(const Graph& graph)
{
    const quant::QuantizerPtr weight = quant::parseQuantizer("quantized_bits(4,0,1)").value();
    const quant::QuantizerPtr activation = quant::parseQuantizer("quantized_relu(4,0)").value();
    Configuration configuration;
    configuration.name = "4 bit";
    for (const Layer& layer : graph.layers()) {
        for (const Slot slot : slotsOf(layer)) {
            if (slot == Slot::Kernel || slot == Slot::Depthwise || slot == Slot::Bias) {
                configuration.set(layer.name, slot, weight);
            }
        }
        if (functionOf(layer.op).kind == FunctionKind::Relu) {
            configuration.set(layer.name, Slot::Activation, activation);
        }
    }
    return configuration;
}

Tensor randomTensor(const Shape& shape, std::uint64_t seed)
{
    Tensor made(shape);
    Rng rng(seed);
    for (float& value : made.values()) {
        value = static_cast<float>(rng.uniform());
    }
    return made;
}

std::shared_ptr<const train::Samples> randomSamples(const Network& network,
                                                    const graph::Graph& graph, Index count)
{
    auto samples = std::make_shared<train::Samples>();
    samples->inputs.push_back(
        randomTensor(graph.layer(graph.inputs()[0]).outputShape.batchOf(count), 1));
    if (network.classifies) {
        const Index classes = graph.layer(graph.outputs()[0]).outputShape.channels();
        for (Index i = 0; i < count; ++i) {
            samples->labels.push_back(i % classes);
        }
    } else {
        samples->targets = samples->inputs.front();
    }
    return samples;
}

} // namespace bitscape::bench
