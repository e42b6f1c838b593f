// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/rng.h"
#include "core/graph/execution.h"
#include "core/graph/functions/function_layer.h"
#include "core/io/onnx/graph_writer.h"
#include "core/io/onnx/onnx_builder.h"
#include "core/io/onnx/onnx_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <ostream>

// Every native mapping against the plain functions of the same operators.
namespace bitscape::io {
namespace {

using Ints = std::vector<std::int64_t>;
using graph::Slot;

/// Sums of float32 taken in another order, relative to the range of the output.
constexpr float kOtherOrder = 2e-5F;

/// A network with one input "x" and one output "y".
struct Network {
    OnnxModel model;
    GraphWriter out{model.graph};
    Rng rng{11};

    explicit Network(Ints sizes, int opset = 17)
    {
        model.opsets = {{"", opset}, {"qonnx.custom_op.general", 1}};
        OnnxValue x{.name = "x", .type = static_cast<int>(OnnxType::Float)};
        x.dims.emplace();
        for (const std::int64_t size : sizes) {
            x.dims->push_back({.size = size, .symbol = size < 0 ? "N" : ""});
        }
        out.reserve("x");
        out.reserve("y");
        model.graph.inputs.push_back(std::move(x));
    }
    std::string random(Ints dims, float low = -1.0F, float high = 1.0F)
    {
        std::vector<Index> sizes(dims.begin(), dims.end());
        Tensor value{Shape(sizes)};
        for (float& element : value.values()) {
            element = static_cast<float>(
                rng.uniform(static_cast<double>(low), static_cast<double>(high)));
        }
        return out.constant("w", value);
    }
    void end(const std::string& tensor, std::size_t rank, std::int64_t batch = -1)
    {
        OnnxValue y{.name = out.rename(tensor, "y"), .type = static_cast<int>(OnnxType::Float)};
        y.dims.emplace(rank, OnnxDim{});
        y.dims->front().size = batch;
        model.graph.outputs.push_back(std::move(y));
    }
};

struct Case {
    const char* name;
    std::function<Network()> make;
};
std::ostream& operator<<(std::ostream& stream, const Case& one)
{
    return stream << one.name;
}

Tensor run(const ModelFile& file, const Tensor& x)
{
    const auto plan =
        graph::InferencePlan::make(file.graph, file.quantizers, file.graph->weights());
    if (!plan) {
        ADD_FAILURE() << plan.error().sentence();
        return {};
    }
    Parallel parallel(1);
    const std::vector<TensorView> inputs{x.view()};
    auto results = (*plan)->run(inputs, parallel);
    EXPECT_TRUE(results) << results.error().sentence();
    return results ? std::move(results->front()) : Tensor{};
}

std::vector<std::string> classesOf(const graph::Graph& graph)
{
    std::vector<std::string> names;
    for (const graph::Layer& layer : graph.layers()) {
        names.push_back(layer.className);
    }
    return names;
}

std::vector<std::string> functionsOf(const graph::Graph& graph)
{
    std::vector<std::string> names;
    for (const graph::Layer& layer : graph.layers()) {
        if (graph::functionSetup(layer.op) != nullptr) {
            names.push_back(layer.className);
        }
    }
    return names;
}

Network chain(Ints sizes, const std::function<std::string(Network&, std::string)>& build,
              std::size_t rank, int opset = 17)
{
    Network network(std::move(sizes), opset);
    const std::string y = build(network, "x");
    network.end(y, rank);
    return network;
}

const std::vector<Case>& cases()
{
    static const std::vector<Case> all{
        {"Convolutions",
         [] {
             return chain(
                 {-1, 4, 9, 8},
                 [](Network& n, std::string x) {
                     x = n.out.node("Conv", {x, n.random({6, 4, 3, 3}), n.random({6})}, "a",
                                    {{"pads", Ints{1, 1, 1, 1}}, {"strides", Ints{2, 1}}});
                     x = n.out.node("Relu", {x}, "b");
                     x = n.out.node("Conv", {x, n.random({12, 1, 3, 3})}, "c",
                                    {{"group", std::int64_t{6}}, {"pads", Ints{2, 0, 1, 1}}});
                     x = n.out.node("Conv", {x, n.random({4, 6, 2, 1})}, "d",
                                    {{"group", std::int64_t{2}}, {"dilations", Ints{2, 1}}});
                     return n.out.node("Conv", {x, n.random({3, 4, 2, 2})}, "e",
                                       {{"auto_pad", std::string("SAME_LOWER")}});
                 },
                 4);
         }},
        {"Transposed",
         [] {
             return chain(
                 {-1, 3, 5, 4},
                 [](Network& n, std::string x) {
                     return n.out.node("ConvTranspose", {x, n.random({3, 2, 3, 3}), n.random({2})},
                                       "a",
                                       {{"strides", Ints{2, 2}},
                                        {"pads", Ints{1, 0, 1, 2}},
                                        {"output_padding", Ints{1, 0}}});
                 },
                 4);
         }},
        {"Pools",
         [] {
             return chain(
                 {-1, 2, 9, 9},
                 [](Network& n, std::string x) {
                     x = n.out.node("MaxPool", {x}, "a",
                                    {{"kernel_shape", Ints{3, 3}},
                                     {"strides", Ints{2, 2}},
                                     {"pads", Ints{1, 1, 1, 1}}});
                     x = n.out.node("AveragePool", {x}, "b",
                                    {{"kernel_shape", Ints{2, 2}},
                                     {"pads", Ints{1, 0, 0, 1}},
                                     {"count_include_pad", std::int64_t{1}}});
                     x = n.out.node("Pad", {x, n.out.integers("p", {0, 0, 1, 0, 0, 0, 0, 2})}, "c");
                     x = n.out.node("GlobalAveragePool", {x}, "d");
                     return n.out.node("Flatten", {x}, "e");
                 },
                 2);
         }},
        {"FlattenedRows",
         [] {
             return chain(
                 {-1, 3, 4, 5},
                 [](Network& n, std::string x) {
                     x = n.out.node("Conv", {x, n.random({2, 3, 1, 1})}, "a");
                     x = n.out.node("Flatten", {x}, "b");
                     x = n.out.node("Relu", {x}, "c");
                     x = n.out.node("Gemm", {x, n.random({7, 40}), n.random({7})}, "d",
                                    {{"transB", std::int64_t{1}}, {"alpha", 0.5F}, {"beta", 2.0F}});
                     x = n.out.node("MatMul", {x, n.random({7, 6})}, "e");
                     return n.out.node("Add", {n.random({6}), x}, "f");
                 },
                 2);
         }},
        {"FlattenedOutput",
         [] {
             return chain(
                 {-1, 3, 4, 5},
                 [](Network& n, std::string x) {
                     x = n.out.node("Conv", {x, n.random({2, 3, 1, 1})}, "a");
                     x = n.out.node("Reshape", {x, n.out.integers("s", {0, -1})}, "b");
                     return n.out.node("Softmax", {x}, "c");
                 },
                 2);
         }},
        {"Normalizations",
         [] {
             return chain(
                 {-1, 4, 6, 5},
                 [](Network& n, std::string x) {
                     x = n.out.node("BatchNormalization",
                                    {x, n.random({4}), n.random({4}), n.random({4}),
                                     n.random({4}, 0.5F, 2.0F)},
                                    "a", {{"epsilon", 1e-3F}});
                     x = n.out.node("InstanceNormalization", {x, n.random({4}), n.random({4})},
                                    "b");
                     x = n.out.node("PRelu", {x, n.random({4, 1, 1})}, "c");
                     x = n.out.node("Mul", {x, n.random({4, 1, 1})}, "d");
                     x = n.out.node("Sub", {n.out.scalar("half", 0.5F), x}, "e");
                     return n.out.node("LayerNormalization",
                                       {x, n.random({6, 5}), n.random({6, 5})}, "f",
                                       {{"axis", std::int64_t{2}}});
                 },
                 4);
         }},
        {"Branches",
         [] {
             return chain(
                 {-1, 4, 6, 6},
                 [](Network& n, std::string x) {
                     const std::string a = n.out.node("Conv", {x, n.random({4, 4, 1, 1})}, "a");
                     const std::string b = n.out.node("Add", {a, x}, "b");
                     const std::string c = n.out.node("Max", {b, a, x}, "c");
                     const std::string d =
                         n.out.node("Concat", {a, c}, "d", {{"axis", std::int64_t{1}}});
                     const std::string e = n.out.node("Sigmoid", {d}, "e");
                     const std::string f = n.out.node("Mul", {d, e}, "f");
                     return n.out.node(
                         "Resize",
                         {f, "", n.out.constant("scales", std::vector<float>{1, 1, 2, 3}, {4})},
                         "g",
                         {{"coordinate_transformation_mode", std::string("asymmetric")},
                          {"nearest_mode", std::string("floor")}});
                 },
                 4);
         }},
        {"KerasOrder",
         [] {
             return chain(
                 {-1, 6, 5, 2},
                 [](Network& n, std::string x) {
                     x = n.out.node("Transpose", {x}, "a", {{"perm", Ints{0, 3, 1, 2}}});
                     x = n.out.node("Conv", {x, n.random({3, 2, 3, 3})}, "b");
                     x = n.out.node("Transpose", {x}, "c", {{"perm", Ints{0, 2, 3, 1}}});
                     x = n.out.node("Flatten", {x}, "d");
                     return n.out.node("Gemm", {x, n.random({36, 2})}, "e");
                 },
                 2);
         }},
        {"Sequences",
         [] {
             return chain(
                 {-1, 7, 4},
                 [](Network& n, std::string x) {
                     x = n.out.node("Transpose", {x}, "a", {{"perm", Ints{1, 0, 2}}});
                     n.out.nodeOf(
                         "LSTM", {x, n.random({1, 12, 4}), n.random({1, 12, 3}), n.random({1, 24})},
                         {"sequence"}, {{"hidden_size", std::int64_t{3}}});
                     x = n.out.node("Squeeze", {"sequence", n.out.integers("one", {1})}, "b");
                     n.out.nodeOf("GRU",
                                  {x, n.random({2, 9, 3}), n.random({2, 9, 3}), n.random({2, 18})},
                                  {"both"},
                                  {{"hidden_size", std::int64_t{3}},
                                   {"direction", std::string("bidirectional")},
                                   {"linear_before_reset", std::int64_t{1}}});
                     x = n.out.node("Transpose", {"both"}, "c", {{"perm", Ints{0, 2, 1, 3}}});
                     x = n.out.node("Reshape", {x, n.out.integers("sizes", {0, 0, -1})}, "d");
                     n.out.nodeOf("RNN", {x, n.random({1, 2, 6}), n.random({1, 2, 2})},
                                  {"", "last"}, {{"hidden_size", std::int64_t{2}}});
                     return n.out.node("Squeeze", {"last", n.out.integers("zero", {0})}, "e");
                 },
                 2);
         }},
        {"Gelu",
         [] {
             return chain(
                 {-1, 5},
                 [](Network& n, std::string x) {
                     std::string y = n.out.node("Div", {x, n.out.scalar("r", 1.41421356F)}, "a");
                     y = n.out.node("Erf", {y}, "b");
                     y = n.out.node("Add", {y, n.out.scalar("o", 1.0F)}, "c");
                     y = n.out.node("Mul", {x, y}, "d");
                     return n.out.node("Mul", {y, n.out.scalar("h", 0.5F)}, "e");
                 },
                 2);
         }},
        {"FixedBatch",
         [] {
             Network network({3, 5});
             network.end(network.out.node("Gemm", {"x", network.random({5, 2})}, "a"), 2, 3);
             return network;
         }},
        {"QuantizedPairs",
         [] {
             return chain(
                 {-1, 3, 5, 5},
                 [](Network& n, std::string x) {
                     const std::string scale = n.out.scalar("s", 0.0625F);
                     const std::vector<float> zero{3};
                     const std::vector<float> ends{-32, 31};
                     const std::string point = n.out.codes("z", OnnxType::Int8, zero, {});
                     const std::string low =
                         n.out.codes("l", OnnxType::Int8, std::span(ends).first(1), {});
                     const std::string high =
                         n.out.codes("h", OnnxType::Int8, std::span(ends).last(1), {});
                     x = n.out.node("QuantizeLinear", {x, scale, point}, "a");
                     x = n.out.node("Clip", {x, low, high}, "b");
                     x = n.out.node("DequantizeLinear", {x, scale, point}, "c");
                     std::vector<float> codes(2 * 3 * 2 * 2);
                     for (float& code : codes) {
                         code = static_cast<float>(n.rng.below(200)) - 100.0F;
                     }
                     const std::string kernel = n.out.node(
                         "DequantizeLinear",
                         {n.out.codes("k", OnnxType::Int8, codes, {2, 3, 2, 2}),
                          n.out.constant("ks", std::vector<float>{0.25F, 0.0078125F}, {2})},
                         "kernel", {{"axis", std::int64_t{0}}});
                     return n.out.node("Conv", {x, kernel}, "d");
                 },
                 4);
         }},
        {"QuantizedBits",
         [] {
             return chain(
                 {-1, 6},
                 [](Network& n, std::string x) {
                     const std::string domain = "qonnx.custom_op.general";
                     const auto quant = [&](const std::string& from, float scale, float bits,
                                            const std::string& name) {
                         return n.out.node("Quant",
                                           {from, n.out.scalar("s", scale), n.out.scalar("z", 0.0F),
                                            n.out.scalar("b", bits)},
                                           name,
                                           {{"signed", std::int64_t{1}},
                                            {"narrow", std::int64_t{1}},
                                            {"rounding_mode", std::string("ROUND")}},
                                           domain);
                     };
                     x = quant(x, 0.25F, 3.0F, "a");
                     const std::string kernel =
                         n.out.node("BipolarQuant", {n.random({4, 6}), n.out.scalar("s", 0.5F)},
                                    "kernel", {}, domain);
                     const std::string turned =
                         n.out.node("Transpose", {kernel}, "turned", {{"perm", Ints{1, 0}}});
                     x = n.out.node("MatMul", {x, turned}, "b");
                     return quant(x, 0.125F, 4.0F, "c");
                 },
                 2);
         }},
    };
    return all;
}

class OnnxNative : public ::testing::TestWithParam<Case> {};

TEST_P(OnnxNative, ComputesWhatTheFunctionsDo)
{
    const Network network = GetParam().make();
    const auto native = importOnnx(network.model, "native");
    const auto plain = importOnnx(network.model, "plain", {});
    ASSERT_TRUE(native) << native.error().sentence();
    ASSERT_TRUE(plain) << plain.error().sentence();
    EXPECT_THAT(functionsOf(*native->graph), ::testing::IsEmpty())
        << ::testing::PrintToString(classesOf(*native->graph));
    Ints sizes;
    for (const OnnxDim& dim : *network.model.graph.inputs[0].dims) {
        sizes.push_back(dim.size);
    }
    sizes.front() = 3;
    Tensor x{Shape(std::vector<Index>(sizes.begin(), sizes.end()))};
    Rng rng(5);
    for (float& value : x.values()) {
        value = static_cast<float>(rng.normal());
    }
    const Tensor got = run(*native, x);
    const bool isWhole = plain->graph->batchAxis() == graph::BatchAxis::None;
    Tensor wanted = run(*plain, isWhole ? Tensor(x.shape().batchOf(1), x.values()) : x);
    ASSERT_EQ(got.size(), wanted.size());
    const auto [low, high] = std::ranges::minmax(wanted.values());
    for (std::size_t e = 0; e < got.values().size(); ++e) {
        ASSERT_NEAR(got.values()[e], wanted.values()[e], kOtherOrder * (high - low)) << e;
    }
}

INSTANTIATE_TEST_SUITE_P(Operators, OnnxNative, ::testing::ValuesIn(cases()),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(OnnxNativeLayers, TransposesOfKerasExportersAreGone)
{
    const auto found = std::ranges::find(cases(), std::string("KerasOrder"),
                                         [](const Case& one) { return std::string(one.name); });
    const Network network = found->make();
    const auto file = importOnnx(network.model, "keras");
    ASSERT_TRUE(file);
    EXPECT_THAT(classesOf(*file->graph),
                ::testing::ElementsAre("Input", "Conv2D", "Flatten", "Dense"));
}

TEST(OnnxNativeLayers, QuantizersSitWhereTheyBelong)
{
    const auto found = std::ranges::find(cases(), std::string("QuantizedPairs"),
                                         [](const Case& one) { return std::string(one.name); });
    const Network network = found->make();
    const auto file = importOnnx(network.model, "pairs");
    ASSERT_TRUE(file);
    const auto activation = file->quantizers.find("c", Slot::Activation);
    ASSERT_NE(activation, nullptr);
    EXPECT_EQ(activation->bits(), 6);
    const graph::Layer& conv = file->graph->layer(file->graph->outputs()[0]);
    const auto& layers = file->quantizers.layers;
    EXPECT_TRUE(std::ranges::any_of(layers, [](const auto& entry) {
        return entry.second.contains(Slot::Kernel) && entry.second.at(Slot::Kernel)->bits() == 8;
    })) << conv.name;
}

} // namespace
} // namespace bitscape::io
