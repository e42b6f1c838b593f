// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/integer/integer_plan.h"
#include "core/io/c_header.h"
#include "temporary_folder.h"
#include "tests/support/networks.h"
#include "tests/support/reference.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace bitscape::io {
namespace {

using networks::Builder;
using networks::conv;
using namespace graph;

quant::QuantizerPtr quantizer(const std::string& text)
{
    return quant::parseQuantizer(text).value();
}

/// Every kind of step: convolutions, a sum, padding, both poolings, a table, softmax.
GraphPtr network()
{
    return Builder({6, 6, 2})
        .add("first conv", "QConv2D", conv(4, 3))
        .add("a", "QActivation", ActivationOp{})
        .add("dw", "QDepthwiseConv2D",
             DepthwiseOp{.kernel = {3, 3}, .padding = Padding::Same, .multiplier = 1})
        .add("b", "QActivation", ActivationOp{})
        .add("sum", "Add", AddOp{}, {2, 4})
        .add("s", "QActivation", ActivationOp{})
        .add("zp", "ZeroPadding2D", ZeroPaddingOp{.top = 1, .left = 1})
        .add("cat", "Concatenate", ConcatenateOp{}, {7, 7})
        .add("e", "QConv2D", conv(6, 2, Padding::Valid, 2))
        .add("t", "Activation", ActivationOp{.function = {FunctionKind::Tanh}})
        .add("tq", "QActivation", ActivationOp{})
        .add("mp", "MaxPooling2D", PoolOp{.window = {2, 2}, .stride = {1, 1}})
        .add("gap", "GlobalAveragePooling2D", GlobalPoolOp{})
        .add("d", "QDense", DenseOp{.units = 3})
        .add("soft", "Activation", ActivationOp{.function = {FunctionKind::Softmax}})
        .make(21);
}

Configuration configurationOf(const std::string& kernel, const std::string& bias,
                              const std::string& activation, const std::string& input)
{
    Configuration c;
    c.input = quantizer(input);
    for (const char* layer : {"first conv", "d", "e", "dw"}) {
        c.set(layer, layer == std::string("dw") ? Slot::Depthwise : Slot::Kernel,
              quantizer(kernel));
        if (!bias.empty()) {
            c.set(layer, Slot::Bias, quantizer(bias));
        }
    }
    for (const char* layer : {"a", "b", "s", "tq"}) {
        c.set(layer, Slot::Activation, quantizer(activation));
    }
    return c;
}

/// Compiles and runs the header on every sample.
std::vector<float> compiled(const std::string& header, const Tensor& input, Index outputs)
{
    const tests::TemporaryFolder folder;
    folder.write("net.h", header);
    std::ofstream numbers(folder / "main.c");
    numbers << "#include <stdio.h>\n#include \"net.h\"\nstatic const float x[] = {";
    for (const float value : input.values()) {
        numbers << fmt::format("{:.9e}F, ", value);
    }
    const Index samples = input.shape()[0];
    numbers << fmt::format("}};\nint main(void)\n{{\n    float y[{0}];\n"
                           "    for (int i = 0; i < {1}; ++i) {{\n"
                           "        net_predict(x + i * {2}, y);\n"
                           "        for (int k = 0; k < {0}; ++k) {{\n"
                           "            printf(\"%.9g\\n\", (double)y[k]);\n        }}\n    }}\n"
                           "    return 0;\n}}\n",
                           outputs, samples, input.size() / samples);
    numbers.close();
    const std::string command = fmt::format(
        "cd '{}' && cc -std=c99 -Wall -Wextra -Werror -O2 -o net main.c -lm && ./net > out",
        folder / "");
    EXPECT_EQ(std::system(command.c_str()), 0); // NOLINT(concurrency-mt-unsafe)
    std::ifstream out(folder / "out");
    std::vector<float> values;
    for (float value = 0.0F; out >> value;) {
        values.push_back(value);
    }
    return values;
}

class CHeader : public testing::TestWithParam<std::array<const char*, 4>> {
protected:
    void SetUp() override
    {
        if (std::system("cc --version > /dev/null 2>&1") != 0) { // NOLINT(concurrency-mt-unsafe)
            GTEST_SKIP() << "no C compiler";
        }
    }
};

TEST_P(CHeader, GivesTheNumbersOfTheEngine)
{
    const auto& [kernel, bias, activation, input] = GetParam();
    const GraphPtr graph = network();
    const Configuration c = configurationOf(kernel, bias, activation, input);
    const Tensor samples = reference::randomTensor(Shape{3, 6, 6, 2}, 22);
    const std::vector<int> taps{graph->find("d"), graph->find("s")};
    for (const auto kernels :
         {LiteRtKernels::Reference, LiteRtKernels::Optimised, LiteRtKernels::Xnnpack}) {
        const auto plan =
            IntegerPlan::make(graph, c, graph->weights(), {.taps = taps, .kernels = kernels})
                .value();
        Parallel parallel(1);
        const std::vector<TensorView> views{samples.view()};
        const auto wanted = plan->run(views, parallel).value();
        const auto header = toCHeader(plan->program(), "net");
        ASSERT_TRUE(header) << header.error().sentence();
        Index outputs = 0;
        for (const Tensor& result : wanted) {
            outputs += result.size() / 3;
        }
        const std::vector<float> got = compiled(*header, samples, outputs);
        ASSERT_EQ(std::ssize(got), outputs * 3);
        for (Index sample = 0; sample < 3; ++sample) {
            std::size_t at = static_cast<std::size_t>(sample * outputs);
            for (std::size_t r = 0; r < wanted.size(); ++r) {
                for (const float value : wanted[r].view().rows(sample, 1).values()) {
                    // The first result is a softmax on floats; codes are equal.
                    EXPECT_NEAR(got[at], value, r == 0 ? 1e-6F : 0.0F) << r;
                    ++at;
                }
            }
        }
    }
}

constexpr const char* kInput = "quantized_bits(8,1,1,alpha=1.0)";
INSTANTIATE_TEST_SUITE_P(
    Widths, CHeader,
    testing::Values(std::array{"quantized_bits(3,0,1,alpha=1.0)",
                               "quantized_bits(11,2,1,alpha=1.0)", "quantized_relu(5,2)", kInput},
                    std::array{"quantized_bits(12,0,1,alpha=1.0)", "", "quantized_tanh(6)", kInput},
                    std::array{"quantized_bits(4,0,1,alpha='auto')",
                               "quantized_bits(8,2,1,alpha=1.0)",
                               "quantized_bits(7,2,1,alpha=1.0,rounding='floor')", kInput},
                    std::array{"affine(8,symmetric=1,narrow=1,per_channel=1)", "",
                               "affine(8,low=-2.1,high=3.3)", "affine(8,low=-2.0,high=2.5)"}));

TEST(CHeaderText, RefusesLayersOnFloatsByName)
{
    Configuration c;
    c.set("d", Slot::Kernel, quantizer("quantized_bits(4,0,1,alpha=1.0)"));
    const auto made = exportCHeader({network(), c});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, ErrorCode::Unsupported);
    EXPECT_THAT(made.error().message, testing::HasSubstr("first conv (QConv2D)"));
    EXPECT_THAT(made.error().message, testing::HasSubstr("dw (QDepthwiseConv2D)"));
}

TEST(CHeaderText, PacksCodesInTheirOwnWidth)
{
    const Configuration c =
        configurationOf("quantized_bits(3,0,1,alpha=1.0)", "quantized_bits(8,2,1,alpha=1.0)",
                        "quantized_relu(5,2)", kInput);
    const auto made = exportCHeader({network(), c});
    ASSERT_TRUE(made) << made.error().sentence();
    const std::string& text = made->files.front().bytes;
    EXPECT_THAT(text, testing::HasSubstr("/* 72 codes of 3 bits */\nstatic const uint32_t "
                                         "test_1_first_conv_weights[8] = {"));
    EXPECT_THAT(text, testing::HasSubstr("/* 4 codes of 8 bits */\nstatic const int8_t "
                                         "test_1_first_conv_bias[4] = {"));
    EXPECT_THAT(made->warnings, testing::Contains(testing::Field(&Warning::where, "layer soft")));
}

} // namespace
} // namespace bitscape::io
