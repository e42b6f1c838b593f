// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/execution.h"
#include "core/io/tflite/tflite_export.h"
#include "core/io/tflite/tflite_import.h"
#include "core/io/tflite/tflite_schema.h"
#include "core/io/tflite/tflite_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <deque>

namespace bitscape::io {
namespace {

using graph::Slot;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A model put together tensor by tensor.
class Example {
public:
    Example() { m_model.subgraphs.emplace_back().name = "main"; }

    int tensor(const std::string& name, std::vector<std::int64_t> shape,
               TfliteType type = TfliteType::Float32)
    {
        TfliteTensor one;
        one.name = name;
        one.type = type;
        one.shape = std::move(shape);
        graph().tensors.push_back(one);
        return static_cast<int>(graph().tensors.size()) - 1;
    }
    int quantized(const std::string& name, std::vector<std::int64_t> shape, float scale,
                  std::int64_t zero)
    {
        const int t = tensor(name, std::move(shape), TfliteType::Int8);
        graph().tensors.back().quantization = {{scale}, {zero}, 0};
        return t;
    }
    template <class T>
    int constant(const std::string& name, std::vector<std::int64_t> shape,
                 const std::vector<T>& values, TfliteType type)
    {
        const int t = tensor(name, std::move(shape), type);
        m_data.emplace_back(values.size() * sizeof(T), '\0');
        std::memcpy(m_data.back().data(), values.data(), m_data.back().size());
        graph().tensors.back().data = m_data.back();
        return t;
    }
    int floats(const std::string& name, std::vector<std::int64_t> shape,
               const std::vector<float>& values)
    {
        return constant(name, std::move(shape), values, TfliteType::Float32);
    }
    void add(int code, std::vector<int> inputs, std::vector<int> outputs,
             Json options = Json::object())
    {
        TfliteOperator one;
        one.code = code;
        one.inputs = std::move(inputs);
        one.outputs = std::move(outputs);
        one.options = std::move(options);
        graph().operators.push_back(std::move(one));
    }
    TfliteSubgraph& graph() { return m_model.subgraphs.front(); }

    [[nodiscard]] std::string bytes() const { return writeTflite(m_model, "1.5.0"); }

private:
    TfliteModel m_model;
    std::deque<std::string> m_data;
};

Result<ModelFile> load(std::string bytes)
{
    return importTflite("m.tflite", std::make_shared<const std::string>(std::move(bytes)));
}

std::vector<float> run(const ModelFile& file, const Tensor& input,
                       const graph::Configuration& configuration)
{
    auto plan = graph::InferencePlan::make(file.graph, configuration, file.graph->weights());
    EXPECT_TRUE(plan) << (plan ? "" : plan.error().sentence());
    if (!plan) {
        return {};
    }
    Parallel parallel(1);
    auto results = (*plan)->run(std::array{input.view()}, parallel);
    EXPECT_TRUE(results);
    const auto values = results->front().values();
    return {values.begin(), values.end()};
}

/// y = relu(x·Wᵀ + b)
Example denseExample()
{
    Example e;
    const int x = e.tensor("x", {1, 2});
    const int w = e.floats("w", {3, 2}, {1, 2, -1, 0.5F, 3, -2});
    const int b = e.floats("b", {3}, {0.5F, 0, -1});
    const int y = e.tensor("y;fused", {1, 3});
    e.add(schema::kFullyConnected, {x, w, b}, {y},
          {{"fused_activation_function", schema::kFusedRelu}});
    e.graph().inputs = {x};
    e.graph().outputs = {y};
    return e;
}

/// The same in integers, its output without negative codes.
Example integerExample(std::int64_t outputZero = -128)
{
    Example e;
    const int x = e.quantized("x", {1, 2}, 0.5F, 3);
    const int w = e.constant<std::int8_t>("w", {2, 2}, {127, -4, 5, 60}, TfliteType::Int8);
    e.graph().tensors.back().quantization = {{0.25F, 0.125F}, {0, 0}, 0};
    const int b = e.constant<std::int32_t>("b", {2}, {8, -3000}, TfliteType::Int32);
    e.graph().tensors.back().quantization = {{0.125F, 0.0625F}, {0, 0}, 0};
    const int y = e.quantized("y", {1, 2}, 0.5F, outputZero);
    e.add(schema::kFullyConnected, {x, w, b}, {y},
          {{"fused_activation_function", schema::kFusedRelu}});
    e.graph().inputs = {x};
    e.graph().outputs = {y};
    return e;
}

TEST(Tflite, ADenseLayerComputes)
{
    const auto file = load(denseExample().bytes());
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(file->format, "tflite");
    EXPECT_TRUE(file->quantizers.isFloat());
    const graph::Layer& layer = file->graph->layer(1);
    EXPECT_EQ(layer.name, "y"); // the first of the names strung together
    EXPECT_EQ(layer.className, "Dense");
    EXPECT_NE(layer.originalConfig.find("FULLY_CONNECTED"), std::string::npos);
    EXPECT_EQ(layer.macs, 6);
    const std::vector<float> x{1, 2, -1, 0};
    EXPECT_THAT(run(*file, Tensor(Shape{2, 2}, x), {}), ElementsAre(5.5F, 0, 0, 0, 1, 0));
}

TEST(Tflite, QuantizedTensorsBecomeQuantizers)
{
    const auto file = load(integerExample().bytes());
    ASSERT_TRUE(file) << file.error().sentence();
    const auto find = [&](const char* layer, Slot slot) {
        const auto found = file->quantizers.find(layer, slot);
        return found ? found->toString() : std::string();
    };
    EXPECT_THAT(find("x", Slot::Activation), HasSubstr("scale=0.5"));
    EXPECT_THAT(find("x", Slot::Activation), HasSubstr("zero_point=3"));
    EXPECT_THAT(find("y", Slot::Kernel), HasSubstr("scale=[0.25 0.125]"));
    EXPECT_THAT(find("y", Slot::Kernel), HasSubstr("narrow"));
    EXPECT_THAT(find("y", Slot::Bias), HasSubstr("32"));
    EXPECT_THAT(find("y", Slot::Activation), HasSubstr("zero_point=-128"));

    const graph::Layer& layer = file->graph->layer(1);
    const auto kernel = file->quantizers.find("y", Slot::Kernel);
    const auto codes = kernel->codes(layer.weights[0].value->view(), {});
    ASSERT_TRUE(codes);
    EXPECT_THAT(codes->values(), ElementsAre(127, 5, -4, 60)); // inputs first
    EXPECT_FLOAT_EQ(layer.weights[1].value->values()[1], -187.5F);
}

TEST(Tflite, AFunctionThatTheCodesDoNotImplyStays)
{
    const auto file = load(integerExample(0).bytes());
    ASSERT_TRUE(file) << file.error().sentence();
    ASSERT_EQ(file->graph->layers().size(), 3U);
    EXPECT_EQ(file->graph->layer(1).name, "y/real");
    EXPECT_EQ(file->graph->layer(2).name, "y");
    EXPECT_EQ(file->graph->layer(2).className, "Activation");
    const std::vector<float> x{1, 2};
    // 0.5 of a step is nothing; −187.5 + … is cut off at 0
    EXPECT_THAT(run(*file, Tensor(Shape{1, 2}, x), file->quantizers), ElementsAre(31, 0));
}

TEST(Tflite, WhatIsNotCoveredIsNamedAndTheRestStays)
{
    Example e;
    const int x = e.tensor("x", {1, 4});
    const int a = e.tensor("a", {1, 4});
    const int b = e.tensor("b", {1, 4});
    const int y = e.tensor("y", {1, 4});
    constexpr int kReverse = 105;
    e.add(schema::kRelu, {x}, {a});
    e.add(kReverse, {a}, {b});
    e.add(schema::kTanh, {b}, {y});
    e.graph().inputs = {x};
    e.graph().outputs = {y};
    const auto file = load(e.bytes());
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_EQ(file->graph->layer(3).outputShape, (Shape{4}));
    const auto refused = graph::requireSupported(*file->graph);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Unsupported);
    EXPECT_THAT(refused.error().message, HasSubstr("b (REVERSE_V2"));
}

TEST(Tflite, ShapesAreComputedWhileReading)
{
    Example e;
    const int x = e.tensor("x", {1, 2, 3});
    const int shape = e.tensor("shape", {3}, TfliteType::Int32);
    const int begin = e.constant<std::int32_t>("begin", {1}, {0}, TfliteType::Int32);
    const int end = e.constant<std::int32_t>("end", {1}, {1}, TfliteType::Int32);
    const int step = e.constant<std::int32_t>("step", {1}, {1}, TfliteType::Int32);
    const int count = e.tensor("count", {}, TfliteType::Int32);
    const int six = e.constant<std::int32_t>("six", {}, {6}, TfliteType::Int32);
    const int target = e.tensor("target", {2}, TfliteType::Int32);
    const int y = e.tensor("y", {1, 6});
    constexpr int kShape = 77;
    e.add(kShape, {x}, {shape});
    e.add(schema::kStridedSlice, {shape, begin, end, step}, {count}, {{"shrink_axis_mask", 1}});
    e.add(schema::kPack, {count, six}, {target}, {{"values_count", 2}});
    e.add(schema::kReshape, {x, target}, {y});
    e.graph().inputs = {x};
    e.graph().outputs = {y};
    const auto file = load(e.bytes());
    ASSERT_TRUE(file) << file.error().sentence();
    ASSERT_EQ(file->graph->layers().size(), 2U);
    EXPECT_EQ(file->graph->layer(1).outputShape, (Shape{6}));
    EXPECT_TRUE(file->graph->unsupported().empty());
}

TEST(Tflite, DilationByPhasesIsOneConvolution)
{
    Example e;
    const int x = e.tensor("x", {1, 5, 5, 1});
    const int block = e.constant<std::int32_t>("block", {2}, {2, 2}, TfliteType::Int32);
    const int pads = e.constant<std::int32_t>("pads", {2, 2}, {2, 3, 2, 3}, TfliteType::Int32);
    const int crops = e.constant<std::int32_t>("crops", {2, 2}, {0, 1, 0, 1}, TfliteType::Int32);
    const int kernel = e.floats("kernel", {1, 3, 3, 1}, {0, 0, 0, 0, 0, 0, 0, 0, 1});
    const int cut = e.tensor("cut", {4, 5, 5, 1});
    const int made = e.tensor("made", {4, 3, 3, 1});
    const int y = e.tensor("y", {1, 5, 5, 1});
    e.add(schema::kSpaceToBatch, {x, block, pads}, {cut});
    e.add(schema::kConv2d, {cut, kernel}, {made},
          {{"padding", schema::kValid}, {"stride_w", 1}, {"stride_h", 1}});
    e.add(schema::kBatchToSpace, {made, block, crops}, {y});
    e.graph().inputs = {x};
    e.graph().outputs = {y};
    const auto file = load(e.bytes());
    ASSERT_TRUE(file) << file.error().sentence();
    EXPECT_TRUE(file->graph->unsupported().empty())
        << graph::requireSupported(*file->graph).error().sentence();
    Tensor input(Shape{1, 5, 5, 1});
    for (Index i = 0; i < input.size(); ++i) {
        input.data()[i] = static_cast<float>(i);
    }
    const std::vector<float> result = run(*file, input, {});
    ASSERT_EQ(result.size(), 25U);
    EXPECT_EQ(result[0], 12.0F); // two rows and two columns on
    EXPECT_EQ(result[24], 0.0F);
}

TEST(Tflite, ConstantsAreOperands)
{
    Example e;
    const int x = e.tensor("x", {1, 2, 2});
    const int factor = e.floats("factor", {2}, {2, -1});
    const int shift = e.floats("shift", {}, {0.5F});
    const int scaled = e.tensor("scaled", {1, 2, 2});
    const int y = e.tensor("y", {1, 2, 2});
    e.add(schema::kMul, {x, factor}, {scaled});
    e.add(schema::kSub, {shift, scaled}, {y});
    e.graph().inputs = {x};
    e.graph().outputs = {y};
    const auto file = load(e.bytes());
    ASSERT_TRUE(file) << file.error().sentence();
    const std::vector<float> x0{1, 2, 3, 4, 0, 0, 1, 1};
    EXPECT_THAT(run(*file, Tensor(Shape{2, 2, 2}, x0), {}),
                ElementsAre(-1.5F, 2.5F, -5.5F, 4.5F, 0.5F, 0.5F, -1.5F, 1.5F));
}

TEST(Tflite, DamagedFilesAreRefused)
{
    const std::string sound = integerExample().bytes();
    for (std::size_t size = 0; size < sound.size(); ++size) {
        const auto file = load(sound.substr(0, size));
        if (!file) {
            EXPECT_NE(file.error().code, ErrorCode::Internal) << size;
        }
    }
    int refused = 0;
    for (std::size_t at = 0; at < sound.size(); ++at) {
        for (const int change : {0x01, 0x80, 0xFF}) {
            std::string broken = sound;
            broken[at] = static_cast<char>(broken[at] ^ change);
            const auto file = load(broken);
            refused += file ? 0 : 1;
            if (!file) {
                EXPECT_TRUE(file.error().code == ErrorCode::CorruptFile ||
                            file.error().code == ErrorCode::Unsupported)
                    << at << ": " << file.error().sentence();
            }
        }
    }
    EXPECT_GT(refused, 100);
}

TEST(Tflite, OperatorsMustFollowEachOther)
{
    Example e;
    const int x = e.tensor("x", {1, 2});
    const int a = e.tensor("a", {1, 2});
    const int b = e.tensor("b", {1, 2});
    e.add(schema::kAdd, {x, b}, {a});
    e.add(schema::kRelu, {a}, {b});
    e.graph().inputs = {x};
    e.graph().outputs = {b};
    const auto file = load(e.bytes());
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, ErrorCode::CorruptFile);
    EXPECT_THAT(file.error().message, HasSubstr("the tensor b"));
}

TEST(Tflite, ShapesBeyondReasonAreRefused)
{
    Example e;
    constexpr std::int64_t kHuge = 2'000'000'000;
    const int x = e.tensor("x", {1, kHuge, kHuge});
    const int y = e.tensor("y", {1, kHuge, kHuge});
    e.add(schema::kRelu, {x}, {y});
    e.graph().inputs = {x};
    e.graph().outputs = {y};
    const auto file = load(e.bytes());
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, ErrorCode::CorruptFile);
}

TEST(TfliteExport, AnIntegerNetworkComesBackTheSame)
{
    const auto file = load(integerExample().bytes());
    ASSERT_TRUE(file) << file.error().sentence();
    const auto content = exportTflite({file->graph, file->quantizers});
    ASSERT_TRUE(content) << content.error().sentence();
    ASSERT_EQ(content->files.size(), 1U);
    const std::string& bytes = content->files.front().bytes;
    EXPECT_EQ(bytes.substr(4, 4), "TFL3");
    const auto again = load(bytes);
    ASSERT_TRUE(again) << again.error().sentence();
    EXPECT_EQ(again->quantizers.canonical(), file->quantizers.canonical());
    const std::vector<float> x{1, 2, -20, 7.5F};
    EXPECT_EQ(run(*again, Tensor(Shape{2, 2}, x), again->quantizers),
              run(*file, Tensor(Shape{2, 2}, x), file->quantizers));
}

TEST(TfliteExport, WhatHasNoCodesIsNamed)
{
    const auto file = load(denseExample().bytes());
    ASSERT_TRUE(file) << file.error().sentence();
    const auto content = exportTflite({file->graph, {}});
    ASSERT_FALSE(content);
    EXPECT_EQ(content.error().code, ErrorCode::Unsupported);
    EXPECT_THAT(content.error().message, HasSubstr("x (InputLayer"));
}

} // namespace
} // namespace bitscape::io
