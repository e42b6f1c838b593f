// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/function_layer.h"
#include "core/graph/functions/function_registry.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <set>

namespace bitscape::graph {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

ArrayValue array(ElementType type, Sizes sizes, const std::vector<double>& values)
{
    ArrayValue value = zeros(type, std::move(sizes));
    for (std::size_t i = 0; i < values.size(); ++i) {
        value.set(static_cast<Index>(i), values[i]);
    }
    return value;
}

ArrayValue reals(Sizes sizes, const std::vector<double>& values)
{
    return array(ElementType::Float32, std::move(sizes), values);
}

ArrayValue wholes(Sizes sizes, const std::vector<std::int64_t>& values)
{
    ArrayValue value = zeros(ElementType::Int64, std::move(sizes));
    value.integers = values;
    return value;
}

std::vector<double> numbers(const ArrayValue& value)
{
    std::vector<double> all;
    for (Index i = 0; i < value.count(); ++i) {
        all.push_back(value.real(i));
    }
    return all;
}

struct Call {
    Attributes attributes = {};
    int opset = 22;
    std::size_t outputs = 1;
    std::string domain = {};
};

/// Calls with numbers, and for sizes alone with the first input unknown: both must say the same.
std::vector<ArrayValue> run(const std::string& name, const std::vector<ArrayValue>& inputs,
                            const Call& call = {})
{
    const FunctionInfo* function = findFunction(call.domain, name, call.opset);
    if (function == nullptr) {
        ADD_FAILURE() << "no function " << name;
        return {};
    }
    std::vector<const ArrayValue*> pointers;
    for (const ArrayValue& input : inputs) {
        pointers.push_back(&input);
    }
    auto values = evaluate(*function, pointers, call.attributes, call.opset, call.outputs);
    if (!values) {
        ADD_FAILURE() << name << ": " << values.error().message;
        return {};
    }
    const ArrayValue open{.type = inputs[0].type, .sizes = inputs[0].sizes, .isKnown = false};
    pointers[0] = &open;
    const auto shapes = evaluate(*function, pointers, call.attributes, call.opset, call.outputs);
    EXPECT_TRUE(shapes) << name << ": " << (shapes ? "" : shapes.error().message);
    for (std::size_t i = 0; shapes && i < values->size(); ++i) {
        EXPECT_EQ((*shapes)[i].type, (*values)[i].type) << name;
        EXPECT_EQ((*shapes)[i].sizes, (*values)[i].sizes) << name;
    }
    return std::move(*values);
}

std::vector<double> results(const std::string& name, const std::vector<ArrayValue>& inputs,
                            const Call& call = {})
{
    const auto values = run(name, inputs, call);
    return values.empty() ? std::vector<double>() : numbers(values.front());
}

// ---- numbers

TEST(ArrayValue, HalfPrecisionReadsBackEveryPattern)
{
    for (unsigned bits = 0; bits < 65536; ++bits) {
        const double value = fromFloat16(static_cast<std::uint16_t>(bits));
        if (!std::isnan(value)) {
            ASSERT_EQ(toFloat16(value), bits);
            ASSERT_EQ(roundedTo(ElementType::Float16, value), value);
        }
        const double wide = fromBFloat16(static_cast<std::uint16_t>(bits));
        if (!std::isnan(wide)) {
            ASSERT_EQ(toBFloat16(wide), bits);
        }
    }
    EXPECT_EQ(fromFloat16(0x3555), 0.333251953125);
    EXPECT_EQ(roundedTo(ElementType::Float16, 65519.0), 65504.0);
    EXPECT_EQ(roundedTo(ElementType::Float16, 65520.0), kInfinite);
    EXPECT_EQ(roundedTo(ElementType::Float16, 2049.0), 2048.0); // ties to even
    EXPECT_EQ(roundedTo(ElementType::Float16, std::ldexp(1.0, -25)), 0.0);
    EXPECT_EQ(roundedTo(ElementType::Float16, std::ldexp(1.5, -25)), std::ldexp(1.0, -24));
}

TEST(ArrayValue, IntegersWrapAndSaturate)
{
    EXPECT_EQ(wrappedTo(ElementType::Int8, 128), -128);
    EXPECT_EQ(wrappedTo(ElementType::UInt8, -1), 255);
    EXPECT_EQ(wrappedTo(ElementType::Int4, 8), -8);
    EXPECT_EQ(wrappedTo(ElementType::Bool, 7), 1);
    EXPECT_EQ(saturatedTo(ElementType::Int8, 1000.0), 127);
    EXPECT_EQ(saturatedTo(ElementType::UInt4, -3.0), 0);
    EXPECT_EQ(saturatedTo(ElementType::Int64, 1e30), std::numeric_limits<std::int64_t>::max());
    EXPECT_EQ(saturatedTo(ElementType::Int64, -kInfinite),
              std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(saturatedTo(ElementType::UInt64, 1e30), -1); // all bits
    EXPECT_EQ(saturatedTo(ElementType::Int32, std::nan("")), 0);
}

// ---- the registry

TEST(Functions, EveryRowIsComplete)
{
    std::set<std::pair<std::string_view, std::string_view>> names;
    for (const FunctionInfo& row : functions()) {
        EXPECT_TRUE(row.evaluate != nullptr) << row.name;
        EXPECT_FALSE(row.doc.empty()) << row.name;
        EXPECT_TRUE(names.emplace(row.domain, row.name).second) << row.name;
        // Nothing given: refused in words, not a crash.
        const auto values = evaluate(row, {}, {}, 22);
        EXPECT_FALSE(values) << row.name;
    }
    EXPECT_GT(names.size(), 150U);
    EXPECT_EQ(findFunction("", "Mish", 17), nullptr);
    EXPECT_NE(findFunction("", "Mish", 18), nullptr);
    EXPECT_EQ(findFunction("my.domain", "Add", 18), nullptr);
}

TEST(Functions, AbsurdSizesAreRefused)
{
    const ArrayValue sizes = wholes({3}, {1 << 30, 1 << 30, 1 << 30});
    const ArrayValue* input = &sizes;
    EXPECT_FALSE(evaluate(*findFunction("", "ConstantOfShape", 9), {&input, 1}, {}, 9));
}

TEST(Functions, AbsurdWindowsAreRefused)
{
    const ArrayValue x{.sizes = {1, 1, 5000, 5000}, .isKnown = false};
    const ArrayValue w{.sizes = {1, 1, 999, 999}, .isKnown = false};
    const std::array<const ArrayValue*, 2> inputs{&x, &w};
    const auto values = evaluate(*findFunction("", "Conv", 17), inputs, {}, 17);
    ASSERT_FALSE(values);
    EXPECT_EQ(values.error().code, ErrorCode::Unsupported);
}

// ---- families

TEST(Functions, ArithmeticFollowsTheTypes)
{
    const auto bytes = [](std::vector<double> values) {
        const Index count = std::ssize(values);
        return array(ElementType::Int8, {count}, values);
    };
    EXPECT_EQ(results("Add", {bytes({100, -100}), bytes({100, 1})}),
              (std::vector<double>{-56, -99}));
    EXPECT_EQ(results("Div", {wholes({3}, {-7, 7, 5}), wholes({3}, {2, -2, 0})}),
              (std::vector<double>{-3, -3, 0}));
    EXPECT_EQ(results("Mod", {wholes({2}, {-7, 7}), wholes({2}, {3, -3})}),
              (std::vector<double>{2, -2}));
    EXPECT_EQ(results("Mod", {reals({2}, {-7, 7}), reals({2}, {3, -3})},
                      {.attributes = {{"fmod", std::int64_t{1}}}}),
              (std::vector<double>{-1, 1}));
    EXPECT_EQ(results("Pow", {wholes({2}, {3, -2}), reals({2}, {2.5, 3})}),
              (std::vector<double>{15, -8}));
    EXPECT_EQ(results("Max", {array(ElementType::UInt64, {1}, {18446744073709549568.0}),
                              array(ElementType::UInt64, {1}, {5})}),
              (std::vector<double>{18446744073709549568.0}));
    EXPECT_EQ(results("Less", {array(ElementType::UInt64, {1}, {18446744073709549568.0}),
                               array(ElementType::UInt64, {1}, {5})}),
              (std::vector<double>{0}));
    EXPECT_EQ(
        results("BitShift",
                {array(ElementType::UInt8, {2}, {255, 4}), array(ElementType::UInt8, {2}, {1, 1})},
                {.attributes = {{"direction", std::string("LEFT")}}}),
        (std::vector<double>{254, 8}));
    EXPECT_EQ(results("Sub", {reals({2, 1}, {1, 2}), reals({1, 3}, {1, 2, 3})}),
              (std::vector<double>{0, -1, -2, 1, 0, -1}));
    EXPECT_EQ(results("Where",
                      {array(ElementType::Bool, {2}, {1, 0}), reals({2}, {1, 2}), reals({}, {9})}),
              (std::vector<double>{1, 9}));
}

TEST(Functions, CastsCutAndRound)
{
    const auto to = [](ElementType type) {
        return Call{.attributes = {{"to", static_cast<std::int64_t>(type)}}};
    };
    EXPECT_EQ(results("Cast", {reals({3}, {-1.9, 2.9, 0.1})}, to(ElementType::Int32)),
              (std::vector<double>{-1, 2, 0}));
    EXPECT_EQ(results("Cast", {reals({3}, {-1.9, 0, 0.1})}, to(ElementType::Bool)),
              (std::vector<double>{1, 0, 1}));
    EXPECT_EQ(results("Cast", {wholes({1}, {300})}, to(ElementType::UInt8)),
              (std::vector<double>{44}));
    EXPECT_EQ(results("Cast", {reals({1}, {1.0 / 3.0})}, to(ElementType::Float16)),
              (std::vector<double>{0.333251953125}));
}

TEST(Functions, SlicesTakeExtremeBounds)
{
    constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    const ArrayValue x = reals({5}, {0, 1, 2, 3, 4});
    const ArrayValue axes = wholes({1}, {0});
    const auto sliced = [&](std::int64_t start, std::int64_t end, std::int64_t step) {
        return results("Slice",
                       {x, wholes({1}, {start}), wholes({1}, {end}), axes, wholes({1}, {step})});
    };
    EXPECT_EQ(sliced(1, kMost, 2), (std::vector<double>{1, 3}));
    EXPECT_EQ(sliced(-1, kLeast, -1), (std::vector<double>{4, 3, 2, 1, 0}));
    EXPECT_EQ(sliced(kMost, kLeast, -2), (std::vector<double>{4, 2, 0}));
    EXPECT_EQ(sliced(3, 1, 1), std::vector<double>());
    EXPECT_EQ(sliced(0, kMost, kMost), (std::vector<double>{0}));
    EXPECT_EQ(sliced(-1, kLeast, kLeast), (std::vector<double>{4}));
}

TEST(Functions, ShapesChange)
{
    const ArrayValue x = reals({2, 3}, {1, 2, 3, 4, 5, 6});
    EXPECT_EQ(run("Reshape", {x, wholes({2}, {0, -1})})[0].sizes, (Sizes{2, 3}));
    EXPECT_EQ(run("Flatten", {x}, {.attributes = {{"axis", std::int64_t{0}}}})[0].sizes,
              (Sizes{1, 6}));
    EXPECT_EQ(results("Transpose", {x}), (std::vector<double>{1, 4, 2, 5, 3, 6}));
    EXPECT_EQ(results("Pad", {reals({3}, {1, 2, 3}), wholes({2}, {2, 1})},
                      {.attributes = {{"mode", std::string("reflect")}}}),
              (std::vector<double>{3, 2, 1, 2, 3, 2}));
    EXPECT_EQ(results("Pad", {reals({3}, {1, 2, 3}), wholes({2}, {-1, 1}), reals({}, {9})}),
              (std::vector<double>{2, 3, 9}));
    EXPECT_EQ(results("Tile", {reals({2}, {1, 2}), wholes({1}, {2})}),
              (std::vector<double>{1, 2, 1, 2}));
    const auto parts = run("Split", {reals({5}, {1, 2, 3, 4, 5})},
                           {.attributes = {{"num_outputs", std::int64_t{2}}}, .outputs = 2});
    EXPECT_EQ(numbers(parts[0]), (std::vector<double>{1, 2, 3}));
    EXPECT_EQ(numbers(parts[1]), (std::vector<double>{4, 5}));
    EXPECT_EQ(
        results("Gather", {x, wholes({1}, {-1})}, {.attributes = {{"axis", std::int64_t{1}}}}),
        (std::vector<double>{3, 6}));
    EXPECT_EQ(results("ScatterElements",
                      {reals({3}, {1, 1, 1}), wholes({2}, {0, 0}), reals({2}, {2, 3})},
                      {.attributes = {{"reduction", std::string("add")}}}),
              (std::vector<double>{6, 1, 1}));
}

TEST(Functions, ConvolutionsAndTheirTransposes)
{
    const ArrayValue x = reals({1, 1, 4}, {1, 2, 3, 4});
    const ArrayValue w = reals({1, 1, 2}, {1, 10});
    EXPECT_EQ(results("Conv", {x, w}), (std::vector<double>{21, 32, 43}));
    EXPECT_EQ(results("Conv", {x, w}, {.attributes = {{"auto_pad", std::string("SAME_LOWER")}}}),
              (std::vector<double>{10, 21, 32, 43}));
    EXPECT_EQ(results("Conv", {x, w, reals({1}, {0.5})},
                      {.attributes = {{"dilations", std::vector<std::int64_t>{3}}}}),
              (std::vector<double>{41.5}));
    EXPECT_EQ(results("ConvTranspose", {reals({1, 1, 2}, {1, 2}), w},
                      {.attributes = {{"strides", std::vector<std::int64_t>{2}},
                                      {"output_padding", std::vector<std::int64_t>{1}}}}),
              (std::vector<double>{1, 10, 2, 20, 0}));
    EXPECT_EQ(results("ConvInteger", {array(ElementType::UInt8, {1, 1, 2}, {5, 6}),
                                      array(ElementType::UInt8, {1, 1, 2}, {1, 2}),
                                      array(ElementType::UInt8, {}, {5})}),
              (std::vector<double>{2}));
}

TEST(Functions, PoolsCountPaddingAsTheyAreTold)
{
    const ArrayValue x = reals({1, 1, 5}, {1, 2, 3, 4, 5});
    Attributes settings{{"kernel_shape", std::vector<std::int64_t>{3}},
                        {"strides", std::vector<std::int64_t>{2}},
                        {"pads", std::vector<std::int64_t>{1, 1}}};
    EXPECT_EQ(results("AveragePool", {x}, {.attributes = settings}),
              (std::vector<double>{1.5, 3, 4.5}));
    settings["count_include_pad"] = std::int64_t{1};
    EXPECT_EQ(results("AveragePool", {x}, {.attributes = settings}),
              (std::vector<double>{1, 3, 3}));
    const auto best = run("MaxPool", {x},
                          {.attributes = {{"kernel_shape", std::vector<std::int64_t>{2}},
                                          {"strides", std::vector<std::int64_t>{2}},
                                          {"ceil_mode", std::int64_t{1}}},
                           .outputs = 2});
    EXPECT_EQ(numbers(best[0]), (std::vector<double>{2, 4, 5}));
    EXPECT_EQ(numbers(best[1]), (std::vector<double>{1, 3, 4}));
}

TEST(Functions, SoftmaxChangedWithOperatorSet13)
{
    const ArrayValue x = zeros(ElementType::Float32, {1, 2, 2});
    EXPECT_EQ(results("Softmax", {x}, {.opset = 12}), std::vector<double>(4, 0.25));
    EXPECT_EQ(results("Softmax", {x}, {.opset = 13}), std::vector<double>(4, 0.5));
}

TEST(Functions, CodesRoundToEvenAndSaturate)
{
    const ArrayValue scale = reals({}, {0.5});
    const ArrayValue zero = array(ElementType::Int8, {}, {1});
    EXPECT_EQ(results("QuantizeLinear", {reals({4}, {0.25, 0.75, -100, 100}), scale, zero}),
              (std::vector<double>{1, 3, -128, 127}));
    EXPECT_EQ(results("DequantizeLinear",
                      {array(ElementType::Int8, {2, 2}, {1, 2, 3, 4}), reals({2}, {1, 10}),
                       array(ElementType::Int8, {2}, {0, 1})},
                      {.attributes = {{"axis", std::int64_t{0}}}}),
              (std::vector<double>{1, 2, 20, 30}));
    EXPECT_EQ(results("DequantizeLinear",
                      {array(ElementType::Int4, {4}, {1, 2, 3, 4}), reals({2}, {1, 10})},
                      {.attributes = {{"axis", std::int64_t{0}}, {"block_size", std::int64_t{2}}}}),
              (std::vector<double>{1, 2, 30, 40}));
}

TEST(Functions, QuantizersOfAnyWidth)
{
    const std::string domain = "qonnx.custom_op.general";
    const ArrayValue zero = reals({}, {0});
    const auto quantized = [&](double bits, const std::string& rounding, bool isNarrow) {
        return results("Quant",
                       {reals({4}, {0.3, -0.5, 5, -5}), reals({}, {0.2}), zero, reals({}, {bits})},
                       {.attributes = {{"signed", std::int64_t{1}},
                                       {"narrow", std::int64_t{isNarrow}},
                                       {"rounding_mode", rounding}},
                        .domain = domain});
    };
    const auto near = [](std::vector<double> got, const std::vector<double>& wanted) {
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            EXPECT_NEAR(got.at(i), wanted[i], 1e-6);
        }
    };
    near(quantized(3, "ROUND", false), {0.4, -0.4, 0.6, -0.8});
    near(quantized(3, "FLOOR", true), {0.2, -0.6, 0.6, -0.6});
    near(quantized(1, "ROUND", false), {0.2, -0.2, 0.2, -0.2});
    near(results("BipolarQuant", {reals({2}, {0, -3}), reals({}, {0.5})}, {.domain = domain}),
         {0.5, -0.5});
    near(results("FloatQuant",
                 {reals({3}, {1.3, 100, 0.01}), reals({}, {1}), reals({}, {2}), reals({}, {1}),
                  reals({}, {1}), reals({}, {6})},
                 {.domain = domain}), // numbers 0, 0.5, 1, 1.5, 2, 3, 4, 6
         {1.5, 6, 0});
}

TEST(Functions, ResizeFollowsItsCoordinates)
{
    const ArrayValue x = reals({1, 1, 2}, {1, 3});
    const ArrayValue none = reals({0}, {});
    const ArrayValue scales = reals({3}, {1, 1, 2});
    const auto resized = [&](const std::string& mode, const std::string& coordinates) {
        return results(
            "Resize", {x, none, scales},
            {.attributes = {{"mode", mode}, {"coordinate_transformation_mode", coordinates}}});
    };
    EXPECT_EQ(resized("nearest", "asymmetric"), (std::vector<double>{1, 1, 3, 3}));
    EXPECT_EQ(resized("linear", "half_pixel"), (std::vector<double>{1, 1.5, 2.5, 3}));
    EXPECT_EQ(resized("linear", "asymmetric"), (std::vector<double>{1, 2, 3, 3}));
}

TEST(Functions, RecurrentCellsTakeStates)
{
    const ArrayValue x = reals({2, 1, 1}, {1, 1}); // two steps
    const ArrayValue w = reals({1, 1, 1}, {0.5});
    const ArrayValue r = reals({1, 1, 1}, {2});
    const auto h = results("RNN", {x, w, r}, {.attributes = {{"hidden_size", std::int64_t{1}}}});
    const double first = std::tanh(0.5);
    ASSERT_EQ(h.size(), 2U);
    EXPECT_NEAR(h[0], first, 1e-6);
    EXPECT_NEAR(h[1], std::tanh(0.5 + 2.0 * first), 1e-6);
    // All gates at ½, candidate tanh(0): c = ½·c, h = ½·tanh(c).
    const ArrayValue start = reals({1, 1, 1}, {4});
    const auto states = run(
        "LSTM",
        {x, zeros(ElementType::Float32, {1, 4, 1}), zeros(ElementType::Float32, {1, 4, 1}),
         zeros(ElementType::Float32, {1, 8}), array(ElementType::Int32, {1}, {1}), start, start},
        {.outputs = 3});
    EXPECT_NEAR(states[2].real(0), 2.0, 1e-6); // the sequence has one step
    EXPECT_NEAR(states[1].real(0), 0.5 * std::tanh(2.0), 1e-6);
    EXPECT_EQ(states[0].real(1), 0.0);
}

TEST(Functions, ReductionsAndPlaces)
{
    const ArrayValue x = reals({2, 2}, {1, 5, 5, 2});
    EXPECT_EQ(results("ReduceMean", {x, wholes({1}, {-1})}), (std::vector<double>{3, 3.5}));
    EXPECT_EQ(run("ReduceSum", {x}, {.attributes = {{"keepdims", std::int64_t{0}}}})[0].sizes,
              Sizes{});
    EXPECT_EQ(results("ArgMax", {reals({3}, {2, 5, 5})},
                      {.attributes = {{"select_last_index", std::int64_t{1}}}}),
              (std::vector<double>{2}));
    EXPECT_EQ(
        results("CumSum", {reals({3}, {1, 2, 3}), wholes({}, {0})},
                {.attributes = {{"exclusive", std::int64_t{1}}, {"reverse", std::int64_t{1}}}}),
        (std::vector<double>{5, 3, 0}));
    const auto top = run("TopK", {reals({4}, {3, 9, 9, 1}), wholes({1}, {2})}, {.outputs = 2});
    EXPECT_EQ(numbers(top[0]), (std::vector<double>{9, 9}));
    EXPECT_EQ(numbers(top[1]), (std::vector<double>{1, 2}));
}

TEST(Functions, ProductsOfMatrices)
{
    const ArrayValue a = reals({2, 2}, {1, 2, 3, 4});
    const ArrayValue v = reals({2}, {1, 10});
    EXPECT_EQ(results("MatMul", {a, v}), (std::vector<double>{21, 43}));
    EXPECT_EQ(results("MatMul", {v, a}), (std::vector<double>{31, 42}));
    EXPECT_EQ(
        results("Gemm", {a, a, v}, {.attributes = {{"transB", std::int64_t{1}}, {"beta", 0.5}}}),
        (std::vector<double>{5.5, 16, 11.5, 30}));
    EXPECT_EQ(results("Einsum", {a, a}, {.attributes = {{"equation", std::string("ij,jk->ik")}}}),
              (std::vector<double>{7, 10, 15, 22}));
    EXPECT_EQ(results("Einsum", {a}, {.attributes = {{"equation", std::string("...ii->...")}}}),
              (std::vector<double>{5}));
}

} // namespace
} // namespace bitscape::graph
