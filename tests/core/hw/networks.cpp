// SPDX-License-Identifier: GPL-3.0-or-later
#include "networks.h"

#include <algorithm>
#include <stdexcept>

namespace bitscape::hw::test {

namespace {

graph::Op operation(const Geometry& g)
{
    const graph::Extent kernel{g.kernelHeight, g.kernelWidth};
    const graph::Extent stride{g.stride, g.stride};
    const graph::Padding padding = g.isValid ? graph::Padding::Valid : graph::Padding::Same;
    switch (g.kind) {
    case Kind::Dense:
        return graph::DenseOp{.units = g.outputs};
    case Kind::Depthwise:
        return graph::DepthwiseOp{.kernel = kernel, .stride = stride, .padding = padding};
    case Kind::Conv:
        break;
    }
    return graph::ConvOp{
        .filters = g.outputs, .kernel = kernel, .stride = stride, .padding = padding};
}

const char* className(Kind kind)
{
    return kind == Kind::Dense       ? "QDense"
           : kind == Kind::Depthwise ? "QDepthwiseConv2D"
                                     : "QConv2D";
}

Geometry conv(std::string name, int size, int inputs, int outputs, int kernel, int stride = 1)
{
    return {std::move(name), Kind::Conv, size, size, inputs, outputs, kernel, kernel, stride};
}
Geometry depthwise(std::string name, int height, int width, int channels, int stride = 1)
{
    return {std::move(name), Kind::Depthwise, height, width, channels, channels, 3, 3, stride};
}
Geometry dense(std::string name, int inputs, int outputs)
{
    return {.name = std::move(name), .kind = Kind::Dense, .inputs = inputs, .outputs = outputs};
}

template <class T>
T must(Result<T> result)
{
    if (!result) {
        throw std::runtime_error(result.error().sentence());
    }
    return std::move(*result);
}

} // namespace

int Builder::input(const Shape& shape, std::string name)
{
    const int index = add("InputLayer", name, graph::InputOp{shape}, {});
    m_layers.back().outputShape = shape;
    m_inputs.push_back(index);
    return index;
}

int Builder::add(const std::string& className, const std::string& name, graph::Op op,
                 std::vector<int> inputs)
{
    graph::Layer layer;
    layer.name = name;
    layer.className = className;
    layer.op = std::move(op);
    layer.inputs = std::move(inputs);
    m_layers.push_back(std::move(layer));
    return static_cast<int>(m_layers.size()) - 1;
}

graph::GraphPtr Builder::make()
{
    std::vector<int> outputs;
    for (int i = 0; i < static_cast<int>(m_layers.size()); ++i) {
        const bool isRead = std::ranges::any_of(m_layers, [i](const graph::Layer& layer) {
            return std::ranges::find(layer.inputs, i) != layer.inputs.end();
        });
        if (!isRead) {
            outputs.push_back(i);
        }
    }
    return must(graph::Graph::make("net", m_layers, m_inputs, outputs));
}

graph::GraphPtr independentLayers(const std::vector<Geometry>& layers)
{
    Builder builder;
    for (const Geometry& g : layers) {
        const Shape shape =
            g.kind == Kind::Dense ? Shape{g.inputs} : Shape{g.height, g.width, g.inputs};
        const int input = builder.input(shape, "in_" + g.name);
        builder.add(className(g.kind), g.name, operation(g), {input});
    }
    return builder.make();
}

graph::Configuration uniformBits(const graph::Graph& graph, int weightBits, int activationBits)
{
    const auto quantizer = [](int bits) {
        return must(
            quant::parseQuantizer("quantized_bits(" + std::to_string(bits) + ",0,1,alpha=1.0)"));
    };
    graph::Configuration configuration;
    configuration.input = quantizer(activationBits);
    for (const graph::Layer& layer : graph.layers()) {
        for (const graph::Slot slot : graph::slotsOf(layer)) {
            if (std::holds_alternative<graph::InputOp>(layer.op)) {
                continue;
            }
            const int bits = slot == graph::Slot::Activation ? activationBits
                             : slot == graph::Slot::Bias     ? 16
                                                             : weightBits;
            configuration.set(layer.name, slot, quantizer(bits));
        }
    }
    return configuration;
}

std::vector<Geometry> resnet8()
{
    return {conv("conv1", 32, 3, 16, 3),    conv("s1a", 32, 16, 16, 3),
            conv("s1b", 32, 16, 16, 3),     conv("s2a", 32, 16, 32, 3, 2),
            conv("s2b", 16, 32, 32, 3),     conv("s2sc", 32, 16, 32, 1, 2),
            conv("s3a", 16, 32, 64, 3, 2),  conv("s3b", 8, 64, 64, 3),
            conv("s3sc", 16, 32, 64, 1, 2), dense("fc", 64, 10)};
}

std::vector<Geometry> dsCnn()
{
    std::vector<Geometry> layers{{"conv1", Kind::Conv, 49, 10, 1, 64, 10, 4, 2}};
    for (int i = 1; i <= 4; ++i) {
        layers.push_back(depthwise("dw" + std::to_string(i), 25, 5, 64));
        layers.push_back({"pw" + std::to_string(i), Kind::Conv, 25, 5, 64, 64});
    }
    layers.push_back(dense("fc", 64, 12));
    return layers;
}

std::vector<Geometry> mobilenet()
{
    struct Block {
        int outputs, stride;
    };
    constexpr std::array<Block, 13> kBlocks{{{16, 1},
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
    std::vector<Geometry> layers{conv("conv1", 96, 3, 8, 3, 2)};
    int size = 48;
    int channels = 8;
    int number = 0;
    for (const Block& block : kBlocks) {
        const std::string suffix = std::to_string(++number);
        layers.push_back(depthwise("dw" + suffix, size, size, channels, block.stride));
        size = (size + block.stride - 1) / block.stride;
        layers.push_back(conv("pw" + suffix, size, channels, block.outputs, 1));
        channels = block.outputs;
    }
    layers.push_back(dense("fc", 256, 2));
    return layers;
}

std::vector<Geometry> autoencoder()
{
    constexpr std::array<int, 11> kWidths{640, 128, 128, 128, 128, 8, 128, 128, 128, 128, 640};
    std::vector<Geometry> layers;
    for (std::size_t i = 0; i + 1 < kWidths.size(); ++i) {
        layers.push_back(dense("fc" + std::to_string(i + 1), kWidths[i], kWidths[i + 1]));
    }
    return layers;
}

} // namespace bitscape::hw::test
