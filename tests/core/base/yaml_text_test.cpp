// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/yaml_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bitscape {
namespace {

using testing::HasSubstr;

Json parsed(std::string_view text)
{
    auto json = parseYaml(text, "x.yml");
    EXPECT_TRUE(json) << (json ? "" : json.error().sentence());
    return json ? *json : Json();
}

TEST(YamlText, scalarsAsTheirTypes)
{
    EXPECT_EQ(parsed("{a: 1, b: -2.5, c: true, d: text, e: '7', f: ~, g: 1e3, h: 0x, i: e}"),
              Json({{"a", 1},
                    {"b", -2.5},
                    {"c", true},
                    {"d", "text"},
                    {"e", "7"},
                    {"f", nullptr},
                    {"g", 1000.0},
                    {"h", "0x"},
                    {"i", "e"}}));
}

TEST(YamlText, writtenTextReadsBack)
{
    const Json value{{"name", "true"},
                     {"number", "12"},
                     {"type", "ap_fixed<16,6>"},
                     {"empty", ""},
                     {"list", {1, 2.5, "x", nullptr}},
                     {"rows", {{{"a", 1}}, {{"b", {{"c", false}}}}}},
                     {"nothing", nullptr},
                     {"objects", Json::object()},
                     {"odd", "a: b # c\n\"d\""}};
    EXPECT_EQ(parsed(toYaml(value)), value) << toYaml(value);
}

TEST(YamlText, refusesWhatIsDamagedOrGrows)
{
    const auto refusal = [](const std::string& text) {
        const auto json = parseYaml(text, "x.yml");
        EXPECT_FALSE(json);
        return json ? "" : json.error().sentence();
    };
    EXPECT_THAT(refusal("a: [1"), HasSubstr("x.yml, line"));
    EXPECT_THAT(refusal("{[1]: 2}"), HasSubstr("no text"));
    EXPECT_THAT(refusal(std::string(100000, '[')), HasSubstr("too deep"));
    std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 12; ++i) {
        const std::string before = "*a" + std::to_string(i - 1);
        laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
        for (int k = 0; k < 10; ++k) {
            laughs += before + (k < 9 ? "," : "]\n");
        }
    }
    EXPECT_THAT(refusal(laughs), HasSubstr("too many"));
}

} // namespace
} // namespace bitscape
