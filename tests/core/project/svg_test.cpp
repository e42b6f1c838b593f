// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/svg.h"
#include "tests/core/project/xml_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

namespace bitscape::project::svg {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(SvgTest, TextIsEscaped)
{
    EXPECT_EQ(escaped("a<b> & \"c\" 'd'\x01"), "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
}

TEST(SvgTest, ACanvasIsWellFormedWhateverTheTexts)
{
    Canvas canvas("probe", 100, 50);
    canvas.line({0, 0}, {1, 1}, {.stroke = "#000000"});
    canvas.rect({1, 2}, 3, -4, {.fill = canvas.hatch(Hatch::Clip)}, "a < b & \"c\"");
    canvas.circle({1, 2}, 3, {.fill = "#FFFFFF", .opacity = 0.5});
    canvas.text({1, 2}, "</text><script>", {.bold = true, .anchor = Anchor::End, .turn = -90});
    const std::string text = canvas.finish("<title>", "a & b");
    EXPECT_EQ(tests::xmlFault(text), "");
    EXPECT_THAT(text, Not(HasSubstr("<script>")));
    EXPECT_THAT(text, HasSubstr("id=\"probe-clip\""));
    EXPECT_THAT(text, Not(HasSubstr("probe-underflow")));
    EXPECT_THAT(text, HasSubstr("height=\"0\"")) << "no negative sizes";
}

TEST(SvgTest, ScalesMapTheirEnds)
{
    const Scale linear(2, 4, 10, 110);
    EXPECT_DOUBLE_EQ(linear.pixel(2), 10);
    EXPECT_DOUBLE_EQ(linear.pixel(3), 60);
    const Scale logarithmic(1, 100, 0, 200, true);
    EXPECT_DOUBLE_EQ(logarithmic.pixel(10), 100);
    const Scale up(0, 1, 300, 100);
    EXPECT_DOUBLE_EQ(up.pixel(1), 100);
}

TEST(SvgTest, ScalesAroundValuesHoldThemAll)
{
    const std::array<std::vector<double>, 6> cases{
        {{1, 2, 3}, {5}, {0, 0}, {-3, 7.5}, {1e-6, 1e6}, {}}};
    for (const std::vector<double>& values : cases) {
        for (const bool mayBeLogarithmic : {false, true}) {
            const Scale scale = Scale::around(values, 0, 100, mayBeLogarithmic);
            for (const double value : values) {
                EXPECT_LE(scale.low(), value);
                EXPECT_GE(scale.high(), value);
                EXPECT_TRUE(std::isfinite(scale.pixel(value)));
            }
            EXPECT_LT(scale.low(), scale.high());
            EXPECT_GE(scale.ticks(5).size(), 2U);
        }
    }
    const std::vector<double> broken{std::numeric_limits<double>::quiet_NaN(), 2.0};
    EXPECT_LE(Scale::around(broken, 0, 1).low(), 2.0);
}

TEST(SvgTest, AxesAreLogarithmicAboveATenfoldRange)
{
    EXPECT_TRUE(Scale::around(std::vector<double>{1, 20}, 0, 1, true).isLogarithmic());
    EXPECT_FALSE(Scale::around(std::vector<double>{1, 9}, 0, 1, true).isLogarithmic());
    EXPECT_FALSE(Scale::around(std::vector<double>{0, 20}, 0, 1, true).isLogarithmic());
}

TEST(SvgTest, TickLabelsAreAsShortAsTheStepAllows)
{
    const std::vector<double> coarse{0, 500, 1000, 1500};
    EXPECT_EQ(tickLabel(1500, coarse), "1,500");
    const std::vector<double> fine{-0.05, 0, 0.05};
    EXPECT_EQ(tickLabel(-0.05, fine), "−0.05");
    EXPECT_EQ(tickLabel(0, fine), "0.00");
    const std::vector<double> decades{0.1, 1, 10};
    EXPECT_EQ(tickLabel(0.1, decades), "0.1");
    EXPECT_EQ(tickLabel(10, decades), "10");
}

TEST(SvgTest, LegendsWrapAtTheWidth)
{
    const std::vector<LegendEntry> entries(5,
                                           {LegendEntry::Mark::Rect, {}, "a label of some length"});
    EXPECT_EQ(legendHeight(2000, entries), 20);
    EXPECT_EQ(legendHeight(220, entries), 100);
    Canvas canvas("legend", 300, 200);
    EXPECT_EQ(drawLegend(canvas, {0, 0}, 220, entries), 100);
}

} // namespace
} // namespace bitscape::project::svg
