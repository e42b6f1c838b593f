// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/parallel.h"
#include "core/graph/close_shapes.h"
#include "core/graph/execution.h"
#include "core/io/model_file.h"
#include "core/io/onnx/onnx_builder.h"
#include "tests/core/io/onnx_support.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>

namespace bitscape::io {
namespace {

using testing::OnnxMaker;

std::string contentOf(const std::filesystem::path& path)
{
    std::ifstream stream(path, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

/// Runs samples (or whole arrays) through a model.
Result<std::vector<Tensor>> run(const ModelFile& file, const std::vector<Tensor>& inputs)
{
    std::vector<TensorView> views;
    std::vector<Shape> shapes;
    for (const Tensor& input : inputs) {
        views.push_back(input.view());
        shapes.push_back(input.shape().sample());
    }
    auto graph = graph::closeShapes(file.graph, shapes);
    if (!graph) {
        return fail(std::move(graph).error());
    }
    auto plan = graph::InferencePlan::make(*graph, file.quantizers, (*graph)->weights());
    if (!plan) {
        return fail(std::move(plan).error());
    }
    Parallel parallel(1);
    return (*plan)->run(views, parallel);
}

// ---- the file

TEST(OnnxFile, EveryWayToStoreNumbersIsRead)
{
    OnnxMaker maker;
    maker.floats("floats", {2}, {1.5F, -2.0F});
    auto* raw = maker.newTensor("raw", {2}, onnx::TensorProto::INT16);
    raw->set_raw_data(std::string("\x01\x00\xff\xff", 4));
    auto* half = maker.newTensor("half", {2}, onnx::TensorProto::FLOAT16);
    half->add_int32_data(0x3C00);
    half->add_int32_data(0xC000);
    auto* bytes = maker.newTensor("bytes", {3}, onnx::TensorProto::INT8);
    for (const int value : {-128, 0, 127}) {
        bytes->add_int32_data(value);
    }
    auto* truth = maker.newTensor("truth", {2}, onnx::TensorProto::BOOL);
    truth->add_int32_data(1);
    truth->add_int32_data(0);
    constexpr int kInt4 = 22;
    auto* nibbles = maker.newTensor("nibbles", {3}, kInt4);
    nibbles->set_raw_data(std::string("\x8F\x07", 2)); // −1, −8, 7
    auto* wide = maker.newTensor("wide", {1}, onnx::TensorProto::UINT64);
    wide->add_uint64_data(std::numeric_limits<std::uint64_t>::max());
    const auto model = readOnnx(maker.bytes(), "made.onnx");
    ASSERT_TRUE(model) << model.error().sentence();
    const auto numbers = [&](std::size_t at) {
        const auto value = arrayOf(model->graph.initializers[at]);
        std::vector<double> all;
        for (Index i = 0; value && i < value->count(); ++i) {
            all.push_back(value->real(i));
        }
        return all;
    };
    EXPECT_EQ(numbers(0), (std::vector<double>{1.5, -2.0}));
    EXPECT_EQ(numbers(1), (std::vector<double>{1.0, -1.0}));
    EXPECT_EQ(numbers(2), (std::vector<double>{1.0, -2.0}));
    EXPECT_EQ(numbers(3), (std::vector<double>{-128.0, 0.0, 127.0}));
    EXPECT_EQ(numbers(4), (std::vector<double>{1.0, 0.0}));
    EXPECT_EQ(numbers(5), (std::vector<double>{-1.0, -8.0, 7.0}));
    EXPECT_EQ(numbers(6), (std::vector<double>{18446744073709551615.0}));
}

TEST(OnnxFile, DamageIsRefused)
{
    OnnxMaker maker;
    maker.input("x", {1, 2});
    maker.output("y");
    maker.node("Relu", {"x"}, {"y"});
    const std::string whole = maker.bytes();
    ASSERT_TRUE(readOnnx(whole, "whole.onnx"));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const auto model = readOnnx(std::string_view(whole).substr(0, size), "cut.onnx");
        if (!model) {
            EXPECT_EQ(model.error().code, ErrorCode::CorruptFile);
        }
    }
    auto* tensor = maker.newTensor("w", {1 << 30, 1 << 30}, onnx::TensorProto::FLOAT);
    EXPECT_FALSE(readOnnx(maker.bytes(), "huge.onnx"));
    tensor->clear_dims();
    tensor->add_dims(3);
    tensor->add_float_data(1.0F);
    const auto model = readOnnx(maker.bytes(), "short.onnx");
    ASSERT_FALSE(model);
    EXPECT_EQ(model.error().code, ErrorCode::CorruptFile);
    EXPECT_NE(model.error().where.find("tensor w"), std::string::npos);
}

TEST(OnnxFile, ValuesInOtherFilesAreNamed)
{
    OnnxMaker maker;
    maker.input("x", {1, 2});
    maker.output("y");
    maker.newTensor("w", {2}, onnx::TensorProto::FLOAT)
        ->set_data_location(onnx::TensorProto::EXTERNAL);
    maker.node("Add", {"x", "w"}, {"y"});
    const auto file = maker.import();
    ASSERT_TRUE(file) << file.error().sentence();
    const auto refused = graph::requireSupported(*file->graph);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Unsupported);
    EXPECT_NE(refused.error().message.find("w ("), std::string::npos) << refused.error().message;
}

// ---- the network

TEST(OnnxImport, SamplesRunOneByOneWhereTheBatchIsOpen)
{
    OnnxMaker maker;
    maker.input("x", {-1, 3});
    maker.output("y", {-1, 2});
    maker.floats("w", {3, 2}, {1, 2, 3, 4, 5, 6});
    maker.floats("b", {2}, {0.5F, -0.5F});
    maker.node("MatMul", {"x", "w"}, {"h"});
    maker.node("Add", {"h", "b"}, {"y"});
    const auto file = maker.import();
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(file->graph->batchAxis(), graph::BatchAxis::Samples);
    EXPECT_EQ(file->format, "onnx");
    EXPECT_EQ(file->producer, "maker, opset 17");
    EXPECT_EQ(file->graph->parameterCount(), 8);
    EXPECT_EQ(file->graph->macs(), 6);
    const std::array<float, 6> values{1, 0, 0, 0, 1, 1};
    const auto y = run(*file, {Tensor(Shape{2, 3}, values)});
    ASSERT_TRUE(y) << y.error().sentence();
    const std::array<float, 4> wanted{1.5F, 1.5F, 8.5F, 9.5F};
    EXPECT_EQ(y->front(), Tensor(Shape({2, 2}), wanted));
}

TEST(OnnxImport, ArraysAreTakenWholeWhereTheBatchIsNone)
{
    OnnxMaker maker(12);
    maker.input("x", {2, 2});
    maker.output("y");
    auto* node = maker.node("ReduceSum", {"x"}, {"y"});
    OnnxMaker::set(node, "keepdims", 0);
    const auto file = maker.import();
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(file->graph->batchAxis(), graph::BatchAxis::None);
    const std::array<float, 4> values{1, 2, 3, 4};
    const auto y = run(*file, {Tensor(Shape{1, 2, 2}, values)});
    ASSERT_TRUE(y) << y.error().sentence();
    EXPECT_EQ(y->front().shape(), Shape{1}); // a scalar behind the axis that nobody sees
    EXPECT_EQ(y->front().data()[0], 10.0F);
}

/// Shape → Gather → Concat → Reshape, as PyTorch flattens.
TEST(OnnxImport, ChainsOfShapesAreFolded)
{
    OnnxMaker maker;
    maker.input("x", {-1, 2, 3});
    maker.output("y");
    maker.integers("zero", {}, {0});
    maker.integers("open", {1}, {-1});
    maker.integers("axes", {1}, {0});
    maker.node("Shape", {"x"}, {"sizes"});
    maker.node("Gather", {"sizes", "zero"}, {"batch"});
    maker.node("Unsqueeze", {"batch", "axes"}, {"batches"});
    OnnxMaker::set(maker.node("Concat", {"batches", "open"}, {"target"}), "axis", 0);
    maker.node("Reshape", {"x", "target"}, {"y"});
    const auto file = maker.import();
    ASSERT_TRUE(file) << file.error().sentence();
    ASSERT_EQ(file->graph->layers().size(), 2U);
    EXPECT_EQ(file->graph->layers()[1].name, "y");
    EXPECT_EQ(file->graph->layers()[1].outputShape, Shape{6});
}

TEST(OnnxImport, EveryUnsupportedNodeIsNamed)
{
    OnnxMaker maker;
    maker.input("x", {1, 2});
    maker.output("c");
    maker.node("Strange", {"x"}, {"a"});
    maker.node("Relu", {"a"}, {"b"});
    maker.node("Odd", {"b"}, {"c"}, "my.domain");
    const auto file = maker.import();
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(file->graph->unsupported().size(), 2U);
    const auto refused = graph::requireSupported(*file->graph);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("a (Strange"), std::string::npos);
    EXPECT_NE(refused.error().message.find("c (my.domain::Odd"), std::string::npos);
}

TEST(OnnxImport, SizesThatAreFedAreRefusedByName)
{
    OnnxMaker maker;
    maker.input("x", {2, 3});
    maker.input("target", {2}, 7);
    maker.output("y");
    maker.node("Reshape", {"x", "target"}, {"y"});
    const auto file = maker.import();
    ASSERT_TRUE(file) << file.error().sentence();
    const auto refused = graph::requireSupported(*file->graph);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("'target'"), std::string::npos)
        << refused.error().message;
}

TEST(OnnxImport, SizesThatAreFedAreTakenFromTheData)
{
    OnnxMaker maker;
    maker.input("x", {2, 3});
    maker.input("target", {2}, 7);
    maker.output("y");
    maker.node("Reshape", {"x", "target"}, {"y"});
    const auto file = maker.import();
    ASSERT_TRUE(file) << file.error().sentence();
    const std::array<float, 6> values{1, 2, 3, 4, 5, 6};
    const std::array<float, 2> target{3, -1};
    const OnnxFeed feed{{"x", Tensor(Shape{2, 3}, values)}, {"target", Tensor(Shape{2}, target)}};
    const auto computed = computeOnnx(*file, feed);
    ASSERT_TRUE(computed) << computed.error().sentence();
    const auto y = run(*computed, {Tensor(Shape{1, 2, 3}, values), Tensor(Shape{1, 2}, target)});
    ASSERT_TRUE(y) << y.error().sentence();
    EXPECT_EQ(y->front(), Tensor(Shape({1, 3, 2}), values));
    EXPECT_FALSE(computeOnnx(*file, {}));
}

TEST(OnnxImport, CyclesAndNamesMadeTwiceOrNeverAreCorrupt)
{
    const auto refusal = [](const std::vector<std::array<std::string, 2>>& nodes) {
        OnnxMaker maker;
        maker.input("x", {1, 2});
        maker.output("y");
        for (const auto& [from, to] : nodes) {
            maker.node("Relu", {from}, {to});
        }
        const auto file = maker.import();
        return file ? std::string() : std::string(name(file.error().code));
    };
    EXPECT_EQ(refusal({{"x", "y"}}), "");
    EXPECT_EQ(refusal({{"h", "y"}, {"x", "h"}}), ""); // any order
    EXPECT_EQ(refusal({{"a", "b"}, {"b", "a"}, {"x", "y"}}), "corrupt_file");
    EXPECT_EQ(refusal({{"x", "y"}, {"x", "y"}}), "corrupt_file");
    EXPECT_EQ(refusal({{"nothing", "y"}}), "corrupt_file");
    EXPECT_EQ(refusal({}), "corrupt_file");
}

TEST(OnnxImport, OpenSizesAreClosedByTheData)
{
    OnnxMaker maker;
    maker.input("x", {-1, 1, -1});
    maker.output("y");
    maker.floats("w", {1, 1, 3}, {1, 1, 1});
    maker.node("Conv", {"x", "w"}, {"y"});
    const auto file = maker.import();
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(file->graph->layers().back().outputShape, (Shape{1, -1}));
    const std::array<float, 4> values{1, 2, 3, 4};
    const auto y = run(*file, {Tensor(Shape{1, 1, 4}, values)});
    ASSERT_TRUE(y) << y.error().sentence();
    const std::array<float, 2> wanted{6, 9};
    EXPECT_EQ(y->front(), Tensor(Shape({1, 1, 2}), wanted));
}

TEST(OnnxImport, SeveralOutputsOfANodeAreLayersOfTheirNames)
{
    OnnxMaker maker;
    maker.input("x", {1, 4});
    maker.output("b");
    maker.output("a");
    OnnxMaker::set(maker.node("Split", {"x"}, {"a", "b"}), "axis", 1);
    const auto file = maker.import();
    ASSERT_TRUE(file) << file.error().sentence();
    const std::array<float, 4> values{1, 2, 3, 4};
    const auto y = run(*file, {Tensor(Shape{1, 4}, values)});
    ASSERT_TRUE(y) << y.error().sentence();
    const std::array<float, 2> first{1, 2};
    const std::array<float, 2> second{3, 4};
    EXPECT_EQ((*y)[0], Tensor(Shape({1, 2}), second));
    EXPECT_EQ((*y)[1], Tensor(Shape({1, 2}), first));
}

TEST(OnnxImport, FunctionsWithoutGradientAreNotTrained)
{
    OnnxMaker maker;
    maker.input("x", {1, 4});
    maker.output("y");
    maker.node("Erf", {"x"}, {"y"});
    const auto file = maker.import();
    ASSERT_TRUE(file) << file.error().sentence();
    Parallel parallel(1);
    const auto plan = graph::TrainingPlan::make(file->graph, {}, 1, parallel);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().code, ErrorCode::Unsupported);
    EXPECT_NE(plan.error().message.find("y (Erf)"), std::string::npos);
}

// ---- conformance cases

std::optional<graph::ArrayValue> tensorIn(const std::filesystem::path& path)
{
    onnx::TensorProto proto;
    if (!proto.ParseFromString(contentOf(path))) {
        return std::nullopt;
    }
    OnnxMaker holder;
    *holder.model().mutable_graph()->add_initializer() = proto;
    const auto model = readOnnx(holder.bytes(), path.string());
    if (!model) {
        return std::nullopt;
    }
    auto value = arrayOf(model->graph.initializers.front());
    return value ? std::optional(std::move(*value)) : std::nullopt;
}

std::vector<graph::ArrayValue> tensorsIn(const std::filesystem::path& folder,
                                         const std::string& kind)
{
    std::vector<graph::ArrayValue> values;
    for (int i = 0;; ++i) {
        const auto path = folder / (kind + "_" + std::to_string(i) + ".pb");
        if (!std::filesystem::exists(path)) {
            return values;
        }
        auto value = tensorIn(path);
        if (!value) {
            return {};
        }
        values.push_back(std::move(*value));
    }
}

/// The arrays as the network takes them: whole, or as samples.
std::vector<Tensor> fed(const ModelFile& file, const std::vector<graph::ArrayValue>& inputs)
{
    std::vector<Tensor> tensors;
    for (std::size_t i = 0; i < std::min(inputs.size(), file.graph->inputs().size()); ++i) {
        const bool isWhole = file.graph->batchAxis() == graph::BatchAxis::None;
        const Shape shape(std::span<const Index>(inputs[i].sizes));
        Tensor tensor(isWhole ? shape.batchOf(1) : shape);
        graph::toFloats(inputs[i], tensor.values());
        tensors.push_back(std::move(tensor));
    }
    return tensors;
}

/// The arrays of a case; what is no array (a sequence) as one number, which is refused all the
/// same.
OnnxFeed feedOf(const ModelFile& file, const std::filesystem::path& folder)
{
    OnnxFeed feed;
    const auto inputs = tensorsIn(folder, "input");
    for (std::size_t i = 0; i < file.graph->inputs().size(); ++i) {
        Tensor tensor(i < inputs.size() ? Shape(std::span<const Index>(inputs[i].sizes))
                                        : Shape{1});
        if (i < inputs.size()) {
            graph::toFloats(inputs[i], tensor.values());
        }
        feed.emplace(file.graph->layer(file.graph->inputs()[i]).name, std::move(tensor));
    }
    return feed;
}

std::string difference(const Tensor& got, const graph::ArrayValue& wanted, bool isWhole)
{
    Shape shape(std::span<const Index>(wanted.sizes));
    if (isWhole) {
        shape = shape.batchOf(1);
    }
    if (!(got.shape() == shape)) {
        return "shape " + got.shape().toString() + ", wanted " + shape.toString();
    }
    double span = 0.0;
    for (Index i = 0; i < wanted.count(); ++i) {
        const double value = std::fabs(wanted.real(i));
        span = std::isfinite(value) ? std::max(span, value) : span;
    }
    const double relative = wanted.type == graph::ElementType::Float16 ? 1e-3 : 1e-4;
    const double tolerance = graph::isReal(wanted.type) ? relative * span + 1e-9 : 0.0;
    for (Index i = 0; i < wanted.count(); ++i) {
        const auto a = static_cast<double>(got.data()[i]);
        const double b = wanted.real(i);
        const bool isSame = a == b || (std::isnan(a) && std::isnan(b));
        if (!isSame && !(std::fabs(a - b) <= tolerance)) {
            return "element " + std::to_string(i) + ": got " + std::to_string(a) + ", wanted " +
                   std::to_string(b);
        }
    }
    return {};
}

TEST(OnnxConformance, OperatorsGiveTheNumbersOfTheStandard)
{
    const std::filesystem::path folder =
        std::filesystem::path(BITSCAPE_SHARED) / "corpus/models/onnx_node_tests";
    if (!std::filesystem::exists(folder)) {
        GTEST_SKIP() << "no cases at " << folder;
    }
    int right = 0;
    int refused = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const auto path = entry.path() / "model.onnx";
        if (!std::filesystem::exists(path)) {
            continue;
        }
        SCOPED_TRACE(entry.path().filename().string());
        auto file = loadModel(path.string());
        ASSERT_TRUE(file) << file.error().sentence();
        if (!file->graph->unsupported().empty()) {
            file = computeOnnx(*file, feedOf(*file, entry.path() / "test_data_set_0"));
            ASSERT_TRUE(file) << file.error().sentence();
        }
        if (const auto ok = graph::requireSupported(*file->graph); !ok) {
            EXPECT_EQ(ok.error().code, ErrorCode::Unsupported) << ok.error().sentence();
            ++refused;
            continue;
        }
        const auto inputs = tensorsIn(entry.path() / "test_data_set_0", "input");
        const auto outputs = tensorsIn(entry.path() / "test_data_set_0", "output");
        const auto results = run(*file, fed(*file, inputs));
        ASSERT_TRUE(results) << results.error().sentence();
        ASSERT_GE(results->size(), outputs.size());
        bool isRight = true;
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            const std::string text = difference((*results)[i], outputs[i],
                                                file->graph->batchAxis() == graph::BatchAxis::None);
            EXPECT_EQ(text, "") << "output " << i;
            isRight = isRight && text.empty();
        }
        right += isRight ? 1 : 0;
    }
    EXPECT_GT(right, 300);
    EXPECT_LT(refused, 5); // sequences and optionals
}

} // namespace
} // namespace bitscape::io
