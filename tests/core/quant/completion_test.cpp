// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitscape::quant {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// Labels at the '|' of the text.
std::vector<std::string> labelsAt(std::string text)
{
    const std::size_t cursor = text.find('|');
    text.erase(cursor, 1);
    std::vector<std::string> out;
    for (const Completion& completion : complete(text, static_cast<int>(cursor))) {
        out.push_back(completion.label);
    }
    return out;
}

/// The text after taking the first completion at '|'.
std::string taken(std::string text)
{
    const std::size_t cursor = text.find('|');
    text.erase(cursor, 1);
    const std::vector<Completion> found = complete(text, static_cast<int>(cursor));
    if (found.empty()) {
        return "nothing";
    }
    const auto from = static_cast<std::size_t>(found.front().replaceFrom);
    return text.replace(from, cursor - from, found.front().insert);
}

TEST(Complete, offersNamesFirst)
{
    EXPECT_THAT(labelsAt("|"), Contains("quantized_bits"));
    EXPECT_THAT(labelsAt("|"), Contains("float"));
    EXPECT_THAT(labelsAt("quantized_r|"), ElementsAre("quantized_relu", "quantized_relu_po2"));
    EXPECT_EQ(labelsAt("po2|").front(), "quantized_po2");
    EXPECT_THAT(labelsAt("int|"), ElementsAre("int8"));
    EXPECT_EQ(taken("quantized_b|"), "quantized_bits(");
    EXPECT_EQ(taken("  quantized_b|"), "  quantized_bits(");
}

TEST(Complete, offersWordsOfOtherTools)
{
    EXPECT_EQ(taken("near|"), "nearest,");
    EXPECT_EQ(taken("E4|"), "E4M3");
    EXPECT_THAT(labelsAt("fp|"), ElementsAre("fp16"));
}

TEST(Complete, offersParametersNotGivenYet)
{
    const std::vector<std::string> labels = labelsAt("quantized_bits(4,0,symmetric=1,|");
    EXPECT_THAT(labels, Contains("alpha="));
    EXPECT_THAT(labels, Not(Contains("bits=")));
    EXPECT_THAT(labels, Not(Contains("symmetric=")));
    EXPECT_EQ(taken("quantized_bits(4,al|"), "quantized_bits(4,alpha=");
}

TEST(Complete, offersValuesOfAParameter)
{
    EXPECT_THAT(labelsAt("quantized_bits(4,alpha=|"),
                ElementsAre("'auto_po2'", "'auto'", "1.0", "None"));
    EXPECT_THAT(labelsAt("quantized_bits(4,alpha=au|"), ElementsAre("'auto_po2'", "'auto'"));
    EXPECT_EQ(taken("quantized_bits(4,alpha='a|"), "quantized_bits(4,alpha='auto_po2'");
    EXPECT_THAT(labelsAt("quantized_po2(4,log2_rounding=|"), ElementsAre("'rnd'", "'floor'"));
    EXPECT_THAT(labelsAt("quantized_bits(4,keep_negative=F|"), ElementsAre("False"));
    EXPECT_THAT(labelsAt("quantized_relu(4,0,|"), Contains("True")) << "by position";
    EXPECT_EQ(labelsAt("quantized_bits(|").front(), "8") << "the default";
}

TEST(Complete, isSilentWhereItKnowsNothing)
{
    EXPECT_THAT(labelsAt("nonsense(|"), IsEmpty());
    EXPECT_THAT(labelsAt("quantized_bits(4)|"), IsEmpty());
    EXPECT_THAT(labelsAt("quantized_bits(4,nothing=|"), IsEmpty());
    EXPECT_THAT(complete("quantized_bits(", 100), Not(IsEmpty())) << "the cursor is clamped";
    EXPECT_THAT(complete("quantized_bits(", -3), Not(IsEmpty()));
}

TEST(Complete, keepsListsTogether)
{
    EXPECT_THAT(labelsAt("binary(alpha='auto',scale_axis=[0 1],elements|"),
                ElementsAre("elements_per_scale="));
}

TEST(SignatureHelp, pointsAtTheActiveParameter)
{
    const std::string text = "quantized_bits(4,0,alpha='auto',qnoise_factor=1.0)";
    const auto active = [&](std::size_t cursor) {
        return signatureHelp(text, static_cast<int>(cursor)).activeParameter;
    };
    EXPECT_EQ(active(text.find('4')), 0);
    EXPECT_EQ(active(text.find(",0") + 1), 1);
    EXPECT_EQ(active(text.find("'auto'")), 4);
    EXPECT_EQ(active(text.find("1.0")), 7);
    const SignatureHelp help = signatureHelp(text, static_cast<int>(text.find("'auto'")));
    EXPECT_THAT(help.signature, HasSubstr("quantized_bits(bits=8, integer=0, symmetric=False"));
    EXPECT_THAT(help.signature, HasSubstr("alpha=None"));
    EXPECT_THAT(help.doc, HasSubstr("auto_po2"));
}

TEST(SignatureHelp, isEmptyOutsideACall)
{
    EXPECT_EQ(signatureHelp("quantized_bits", 5).signature, "");
    EXPECT_EQ(signatureHelp("quantized_bits(4)", 17).signature, "");
    EXPECT_EQ(signatureHelp("unknown(4", 9).activeParameter, -1);
}

} // namespace
} // namespace bitscape::quant
