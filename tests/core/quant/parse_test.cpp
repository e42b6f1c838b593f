// SPDX-License-Identifier: GPL-3.0-or-later
// Strings and dictionaries: the grammar, what is refused, and where an error points.
#include "core/quant/quantizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitscape::quant {
namespace {

using testing::HasSubstr;

std::string canonical(const std::string& text)
{
    const auto quantizer = parseQuantizer(text);
    return quantizer ? (*quantizer)->toString() : "error: " + quantizer.error().sentence();
}

struct Form {
    const char* written;
    const char* printed;
};

class Grammar : public testing::TestWithParam<Form> {};

TEST_P(Grammar, reads)
{
    EXPECT_EQ(canonical(GetParam().written), GetParam().printed);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, Grammar,
    testing::Values(
        Form{"quantized_bits", "quantized_bits(8,0,0)"},
        Form{"quantized_bits()", "quantized_bits(8,0,0)"},
        Form{"quantized_bits( 4, 4,1,1,alpha='auto')", "quantized_bits(4,4,1,alpha='auto')"},
        Form{"quantized_bits(4,0,True,alpha=\"auto_po2\")",
             "quantized_bits(4,0,1,alpha='auto_po2')"},
        Form{"quantized_bits(bits=10,integer=6,alpha=2.0)", "quantized_bits(10,6,0,alpha=2.0)"},
        Form{"quantized_bits(4,0,1,alpha=1e-3)", "quantized_bits(4,0,1,alpha=0.001)"},
        Form{"quantized_bits(4,0,1,alpha='auto',scale_axis=[0 1])",
             "quantized_bits(4,0,1,alpha='auto',scale_axis=[0 1])"},
        Form{"quantized_bits(4,0,1,alpha=[0.5 1])", "quantized_bits(4,0,1,alpha=[0.5 1.0])"},
        Form{"quantized_bits(4,0,1,alpha='auto',post_training_scale=[[1.0 2.0]])",
             "quantized_bits(4,0,1,alpha='auto',post_training_scale=[[1.0 2.0]])"},
        Form{"quantized_bits(4,0,alpha=None)", "quantized_bits(4,0,0)"},
        Form{"quantized_bits(4,0,keep_negative=False)",
             "quantized_bits(4,0,0,keep_negative=False)"},
        Form{"quantized_bits(8,-1,1)", "quantized_bits(8,-1,1)"},
        Form{"quantized_relu(6,2,1)", "quantized_relu(6,2,1)"},
        Form{"quantized_relu(6,2,0)", "quantized_relu(6,2)"},
        Form{"quantized_relu(6,2,0,0.25)", "quantized_relu(6,2,negative_slope=0.25)"},
        Form{"quantized_relu(4,0,is_quantized_clip=False)",
             "quantized_relu(4,0,is_quantized_clip=False)"},
        Form{"quantized_po2(4,8)", "quantized_po2(4,8)"},
        Form{"quantized_po2(4,max_value=0.5)", "quantized_po2(4,max_value=0.5)"},
        Form{"quantized_po2(4,log2_rounding='floor')", "quantized_po2(4,log2_rounding='floor')"},
        Form{"quantized_relu_po2(6,2048)", "quantized_relu_po2(6,2048)"},
        Form{"quantized_relu_po2(6,quadratic_approximation=True)",
             "quantized_relu_po2(6,quadratic_approximation=1)"},
        Form{"binary(True)", "binary(use_01=1)"}, Form{"binary(alpha=1.0)", "binary(alpha=1.0)"},
        Form{"ternary(1.0,0.33)", "ternary(alpha=1.0,threshold=0.33)"},
        Form{"quantized_tanh(8,symmetric=True)", "quantized_tanh(8,symmetric=True)"},
        Form{"quantized_sigmoid(8,1)", "quantized_sigmoid(8,1)"},
        Form{"affine(8,symmetric=1,low=-1,high=2.5)", "affine(8,symmetric=True,low=-1,high=2.5)"},
        Form{R"({"class_name":"quantized_bits","config":{"bits":6,"alpha":1,"symmetric":0},)"
             R"("__passive_serialization__":true})",
             "quantized_bits(6,0,0,alpha=1)"},
        Form{R"({"module":"qkeras.quantizers","class_name":"quantized_relu","config":{"bits":4},)"
             R"("registered_name":"qkeras>quantized_relu","shared_object_id":3})",
             "quantized_relu(4,0)"},
        Form{R"({"class_name":"quantized_bits","config":{"bits":4,"alpha":"auto",)"
             R"("post_training_scale":{"__ndarray__":[[1.0,0.5]]}}})",
             "quantized_bits(4,0,1,alpha='auto',post_training_scale=[[1.0 0.5]])"},
        Form{R"({"class_name":"binary","config":{"alpha":{"class_name":"__numpy__",)"
             R"("config":{"value":[0.5,2.0],"dtype":"float32"}}}})",
             "binary(alpha=[0.5 2.0])"},
        Form{"quantized_linear", "quantized_linear(8,0,1)"},
        Form{"quantized_linear(4,0,0,False,2.0)",
             "quantized_linear(4,0,0,keep_negative=False,alpha=2.0)"},
        Form{"quantized_linear(4,0,rounding='floor',overflow='wrap')",
             "quantized_linear(4,0,1,rounding='floor',overflow='wrap')"},
        Form{"quantized_bits(4,0,rounding='qkeras')", "quantized_bits(4,0,0)"},
        Form{"quantized_bits(4,0,rounding='zero')", "quantized_bits(4,0,0,rounding='zero')"},
        Form{"quantized_relu(4,0,overflow='saturate_symmetric')",
             "quantized_relu(4,0,overflow='saturate_symmetric')"},
        Form{"quantized_ulaw(4,0,1)", "quantized_ulaw(4,0,1)"},
        Form{"quantized_ulaw(4,0,u=100.0)", "quantized_ulaw(4,0,0,100.0)"},
        Form{"bernoulli(temperature=2.0)", "bernoulli(temperature=2.0)"},
        Form{"stochastic_ternary(alpha='auto',use_real_sigmoid=False)",
             "stochastic_ternary(alpha='auto',use_real_sigmoid=0)"},
        Form{"quantized_hswish(6,2,0)", "quantized_hswish(6,2,0,relu_shift=3,relu_upper_bound=6)"},
        Form{"relu", "relu"}, Form{"hard_tanh()", "hard_tanh"},
        Form{R"({"module":"builtins","class_name":"function","config":"softmax",)"
             R"("registered_name":"function"})",
             "softmax"},
        Form{R"("tanh")", "tanh"}, Form{R"({"class_name":"binary"})", "binary()"}));

struct BadForm {
    const char* written;
    const char* says; ///< part of the message or hint
    int position;     ///< that `where` names; 0: none
};

std::ostream& operator<<(std::ostream& out, const BadForm& form)
{
    return out << form.written;
}

class Refusal : public testing::TestWithParam<BadForm> {};

TEST_P(Refusal, namesWhatAndWhere)
{
    const auto quantizer = parseQuantizer(GetParam().written);
    ASSERT_FALSE(quantizer) << (*quantizer)->toString();
    EXPECT_EQ(quantizer.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(quantizer.error().sentence(), HasSubstr(GetParam().says));
    if (GetParam().position > 0) {
        EXPECT_THAT(quantizer.error().where,
                    HasSubstr("position " + std::to_string(GetParam().position)));
    }
}

INSTANTIATE_TEST_SUITE_P(
    Forms, Refusal,
    testing::Values(
        BadForm{"", "empty", 1}, BadForm{"4", "quantizer '4'", 0},
        BadForm{"quantised_bits(4,0,1)", "quantized_bits", 1},
        BadForm{"hard_sigmiod", "hard_sigmoid", 1},
        BadForm{"quantized_linear(4,0,1,True,1.0,False,0,1.0,None,False,'floor')",
                "at most 10 values", 56},
        BadForm{"quantized_linear(0)", "between 1 and", 18},
        BadForm{"quantized_linear(4,0,alpha=0)", "cannot be 0", 22},
        BadForm{"quantized_bits(4,0,rounding='nearest')", "half_even", 20},
        BadForm{"quantized_bits(4,0,use_stochastic_rounding=1,rounding='floor')",
                "asks for another", 46},
        BadForm{"quantized_bits(64,-120)", "too small", 0},
        BadForm{"stochastic_ternary(threshold=1.0)", "must not be 1", 20},
        BadForm{"quantized_hswish(8,0,relu_shift=0)", "positive", 22},
        BadForm{"quantized_ulaw(8,0,u=0)", "above 0", 20},
        BadForm{R"({"class_name":"function","config":"reul"})", "relu", 0},
        BadForm{"quantized_rely(4,0)", "quantized_relu", 1},
        BadForm{"quantized_bits(4,integer=0,1)", "position may not follow", 28},
        BadForm{"quantized_bits(4,0,1", "')' is missing", 21},
        BadForm{"quantized_bits(4))", "Nothing may follow", 18},
        BadForm{"quantized_bits(many)", "'many'", 16},
        BadForm{"quantized_bits(4,0,alpha=auto)", "in quotes", 26},
        BadForm{"quantized_bits(4,0,alpha='auto)", "closing quote", 26},
        BadForm{"quantized_bits(4,0,1,alpha='autopo2')", "auto_po2", 22},
        BadForm{"quantized_bits(4,0,1,apha=1)", "'alpha'", 22},
        BadForm{"quantized_bits(4,bits=5)", "given twice", 18},
        BadForm{"quantized_bits(2.5)", "whole number", 16},
        BadForm{"quantized_bits(nan)", "no number", 16},
        BadForm{"quantized_bits(4,0,1,alpha='auto',scale_axis=[0,1])", "blanks", 48},
        BadForm{"quantized_bits(4,0,1,scale_axis=[0 1", "']' is missing", 33},
        BadForm{"quantized_bits(4,0,1,alpha=[1 [2]])", "lists of equal length", 0},
        BadForm{"quantized_bits(-1)", "between 1 and 64", 16},
        BadForm{"quantized_bits(4,0,elements_per_scale=2)", "alpha='auto_po2'", 20},
        BadForm{"quantized_bits(4,alpha='auto_po2',elements_per_scale=2)", "needs scale_axis", 35},
        BadForm{"quantized_bits(4,post_training_scale=1.0)", "needs alpha", 18},
        BadForm{"quantized_relu(4,0,negative_slope=0.3)", "power of two", 20},
        BadForm{"quantized_po2(4,log2_rounding='ceil')", "'rnd', 'floor'", 17},
        BadForm{"quantized_po2(1)", "signs alone", 15},
        BadForm{"quantized_po2(4,-1)", "0 or more", 17},
        BadForm{"ternary(alpha='auto',threshold=0.5)", "finds its own", 22},
        BadForm{"ternary(use_stochastic_rounding=True)", "needs alpha", 9},
        BadForm{"ternary(threshold='auto')", "number or None", 9},
        BadForm{"affine(8,low=1.0)", "together", 0},
        BadForm{"affine(8,low=2.0,high=1.0)", "must not exceed", 10},
        BadForm{"binary(1,2,3,4,5,6,7,8)", "at most 7", 22}, BadForm{"{", "no valid JSON", 0},
        BadForm{"{\"config\":{}}", "class_name", 0},
        BadForm{R"({"class_name":"quantized_bits","config":{"bit":4}})", "'bits'", 0},
        BadForm{R"({"class_name":"quantized_bits","config":{"alpha":{"a":1}}})", "'alpha'", 0},
        BadForm{R"({"class_name":"quantized_bit"})", "quantized_bits", 0}));

TEST(Dictionary, holdsQKerasKeysAndWhatDiffersFromDefaults)
{
    const auto plain = parseQuantizer("quantized_bits(4,0,1)");
    ASSERT_TRUE(plain);
    EXPECT_EQ(toDictionary(**plain),
              R"({"class_name":"quantized_bits","config":{"bits":4,"integer":0,"symmetric":true,)"
              R"("alpha":null,"keep_negative":true,"use_stochastic_rounding":false,)"
              R"("qnoise_factor":1.0,"post_training_scale":null}})");
    const auto axes = parseQuantizer("binary(alpha='auto',scale_axis=[0 1])");
    ASSERT_TRUE(axes);
    EXPECT_THAT(toDictionary(**axes), HasSubstr(R"("scale_axis":[0,1])"));
}

TEST(Shapes, areCheckedBeforeUse)
{
    const auto refusal = [](const char* text, const Shape& shape) -> std::string {
        const auto quantizer = parseQuantizer(text);
        const auto fits = (*quantizer)->accepts(shape);
        return fits ? "fits" : fits.error().sentence();
    };
    EXPECT_THAT(refusal("quantized_bits(4,alpha='auto',scale_axis=3)", {2, 4}),
                HasSubstr("axes 0 to 1"));
    EXPECT_THAT(refusal("quantized_bits(4,alpha='auto',scale_axis=-1)", {2, 4}),
                HasSubstr("scale_axis = -1"));
    EXPECT_EQ(refusal("quantized_bits(4,alpha='auto',scale_axis=2)", {2, 4}), "fits");
    EXPECT_THAT(
        refusal("quantized_bits(4,alpha='auto_po2',scale_axis=1,elements_per_scale=4)", {8, 6}),
        HasSubstr("does not divide axis 1"));
    EXPECT_THAT(refusal("quantized_bits(4,alpha=[1 2 3])", {4, 2}), HasSubstr("does not fit"));
    EXPECT_EQ(refusal("quantized_bits(4,alpha=[1 2 3])", {4, 3}), "fits");
    EXPECT_THAT(refusal("binary(alpha='auto',scale_axis=3)", {2, 4}), HasSubstr("axes 0 to 1"));
}

TEST(Notes, sayWhereQKerasWouldRefuse)
{
    const auto notes = [](const char* text, const Shape& shape) {
        return (*parseQuantizer(text))->notes(shape).size();
    };
    EXPECT_EQ(notes("quantized_bits(4)", {2, 3}), 0U);
    EXPECT_EQ(notes("quantized_bits(4,alpha=[1 2 3])", {2, 3}), 1U);
    EXPECT_EQ(notes("quantized_bits(4,alpha='auto',scale_axis=2)", {2, 3}), 1U);
    EXPECT_EQ(notes("quantized_bits(1,alpha='auto')", {2, 3}), 1U);
    EXPECT_EQ(notes("quantized_relu(4,-1)", {2, 3}), 1U);
    EXPECT_EQ(notes("quantized_relu(8,32)", {2, 3}), 1U);
    EXPECT_EQ(notes("binary(alpha='auto',use_stochastic_rounding=True)", {2, 3}), 1U);
    EXPECT_EQ(notes("binary(alpha=[1 2 3])", {2, 3}), 1U);
}

} // namespace
} // namespace bitscape::quant
