// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/short_forms.h"

#include <gtest/gtest.h>

namespace bitscape::quant {
namespace {

std::string edited(const char* text, const char* current = nullptr)
{
    QuantizerPtr now;
    if (current != nullptr) {
        now = *parseQuantizer(current);
    }
    const auto result = parseEdit(text, now);
    if (!result) {
        return "error: " + result.error().message;
    }
    return *result ? (*result)->toString() : "float";
}

TEST(ParseEdit, numberKeepsTheFamily)
{
    EXPECT_EQ(edited("4", "quantized_bits(8,0,1,alpha='auto_po2')"),
              "quantized_bits(4,0,1,alpha='auto_po2')");
    EXPECT_EQ(edited(" 6 ", "quantized_relu(8,2)"), "quantized_relu(6,2)");
    EXPECT_EQ(edited("5", "affine(8,low=-1.0,high=1.0)"), "affine(5,low=-1.0,high=1.0)");
    EXPECT_EQ(edited("4"), "quantized_bits(4,0,1)");
    EXPECT_EQ(edited("4", "binary()"), "error: binary has a fixed width of 1 bit(s).");
    EXPECT_TRUE(edited("0", "quantized_bits(8)").starts_with("error: quantized_bits: bits = 0"));
}

TEST(ParseEdit, shortWords)
{
    EXPECT_EQ(edited("int4"), "affine(4,symmetric=True,narrow=True)");
    EXPECT_EQ(edited("uint8"), "affine(8)");
    EXPECT_EQ(edited("po2:4"), "quantized_po2(4)");
    EXPECT_EQ(edited("relu:6"), "quantized_relu(6,0)");
    EXPECT_EQ(edited("ternary"), "ternary()");
    EXPECT_EQ(edited("binary"), "binary()");
    EXPECT_EQ(edited("float", "quantized_bits(8)"), "float");
    EXPECT_EQ(edited("None", "quantized_bits(8)"), "float");
}

TEST(ParseEdit, fixedPointTypes)
{
    EXPECT_EQ(edited("ap_fixed<6,1>"), "quantized_bits(6,0,0,alpha=1.0)");
    EXPECT_EQ(edited("ap_fixed< 16 , 6 >"), "quantized_bits(16,5,0,alpha=1.0)");
    EXPECT_EQ(edited("ap_ufixed<8,2>"), "quantized_bits(8,2,0,keep_negative=False,alpha=1.0)");
    EXPECT_EQ(edited("fixed<6,1>"), "quantized_bits(6,0,0,alpha=1.0)");
    EXPECT_TRUE(edited("ap_fixed<6>").starts_with("error"));
    EXPECT_TRUE(edited("ap_fixed<6,1").starts_with("error"));
    EXPECT_TRUE(edited("ap_fixed<6,1,AP_TRN>").starts_with("error"));
}

TEST(ParseEdit, everythingElseIsAQuantizer)
{
    EXPECT_EQ(edited("quantized_po2(4,8)"), "quantized_po2(4,8)");
    EXPECT_EQ(edited(R"({"class_name":"binary","config":{"alpha":1}})"), "binary(alpha=1)");
    EXPECT_TRUE(edited("quantized_bitz(4)").starts_with("error: There is no quantizer"));
    EXPECT_TRUE(edited("").starts_with("error"));
}

} // namespace
} // namespace bitscape::quant
