// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/codec.h"
#include "core/project/report.h"
#include "tests/core/project/sample_projects.h"
#include "tests/core/project/xml_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

namespace bitscape::project {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace tests;

const std::set<std::string_view> kHtmlVoids{"meta", "br", "hr", "img", "link"};

TEST(ReportTest, HtmlIsWellFormedAndNeedsNothingElse)
{
    const std::string html = valueOf(htmlReport(fullProject()));
    EXPECT_EQ(xmlFault(html, kHtmlVoids), "");
    EXPECT_THAT(html, HasSubstr("</html>"));
    EXPECT_THAT(html, HasSubstr("<svg"));
    EXPECT_THAT(html, Not(HasSubstr("<script")));
    EXPECT_THAT(html, Not(HasSubstr("src=")));
    EXPECT_THAT(html, Not(HasSubstr("href=\"http")));
    EXPECT_THAT(html, HasSubstr("Päris &lt;test&gt; &amp; &quot;more&quot;"));
}

TEST(ReportTest, HtmlShowsWhatTheProjectHolds)
{
    const Project project = fullProject();
    const std::string html = valueOf(htmlReport(project));
    for (const char* text :
         {"87.50 % ± 1.25 pt", "mixed-A", "quantized_bits(4,0,1)", "own array", "conv_1 / kernel",
          "Assumptions", "engines.conv.Poc", "bitscape-cli search model.h5"}) {
        EXPECT_THAT(html, HasSubstr(text));
    }
    EXPECT_THAT(html, HasSubstr(project.uuid));
    EXPECT_THAT(html, HasSubstr(stateHash(project)));
    for (const char* id : {"training", "accuracy-bits", "accuracy-energy", "accuracy-cycles",
                           "weights", "scales", "activations", "utilization", "energy"}) {
        EXPECT_THAT(html, HasSubstr(std::string("<figure id=\"") + id + "\""));
    }
}

TEST(ReportTest, BytesDependOnTheProjectOnly)
{
    const Project project = fullProject();
    EXPECT_EQ(valueOf(htmlReport(project)), valueOf(htmlReport(project)));
    EXPECT_EQ(valueOf(markdownReport(project)), valueOf(markdownReport(project)));
    EXPECT_EQ(valueOf(jsonReport(project)), valueOf(jsonReport(project)));
}

TEST(ReportTest, AModelAloneIsReportedWithoutStudies)
{
    Project project = makeProject(smallModel());
    project.uuid.clear();
    project.created.clear();
    project.modified.clear();
    const std::string html = valueOf(htmlReport(project));
    EXPECT_EQ(xmlFault(html, kHtmlVoids), "");
    EXPECT_THAT(html, HasSubstr("The project holds no study."));
    EXPECT_THAT(html, HasSubstr("id=\"utilization\""));
    EXPECT_THAT(html, Not(HasSubstr("id=\"accuracy-bits\"")));
}

TEST(ReportTest, AStaleMeasurementIsNotShownAsTrue)
{
    Project project = fullProject();
    NamedConfiguration edited = project.currentConfiguration();
    edited.configuration.set("conv_3", graph::Slot::Kernel, quantizer("binary"));
    project.putConfiguration(edited); // keeps `measured` with the hash of before
    const std::string html = valueOf(htmlReport(project));
    EXPECT_THAT(html, HasSubstr("of an older configuration"));
    EXPECT_THAT(html, Not(HasSubstr("87.50 % ± 1.25 pt")));
}

TEST(ReportTest, MarkdownHasHeadingsTablesAndNamesItsPlots)
{
    const std::string text = valueOf(markdownReport(fullProject(), "r_plots"));
    EXPECT_THAT(text, HasSubstr("\n## Hardware\n"));
    EXPECT_THAT(text, HasSubstr("| `quantized_bits(4,0,1)` |"));
    EXPECT_THAT(text, HasSubstr("](r_plots/accuracy-bits.svg)"));
    EXPECT_THAT(valueOf(markdownReport(fullProject())), Not(HasSubstr(".svg")));
}

TEST(ReportTest, JsonHoldsTheNumbers)
{
    const Project project = fullProject();
    const Json json = valueOf(parseJson(valueOf(jsonReport(project)), "report"));
    EXPECT_EQ(json.at("studies").at(0).at("trials").size(), 4U);
    EXPECT_EQ(json.at("studies").at(0).at("front"), Json(project.studies.front()->front()));
    EXPECT_EQ(json.at("configurations").at(1).at("measured").at("accuracy"), 0.875);
    EXPECT_EQ(json.at("configurations").at(1).at("cost").at("bits").get<double>(),
              static_cast<double>(hw::packedWeightBits(
                  project.graph(), project.currentConfiguration().configuration)));
    double packed = 0;
    for (const Json& layer : json.at("layers")) {
        packed += layer.at("packed_bits").get<double>();
    }
    EXPECT_EQ(packed, json.at("configurations").at(1).at("cost").at("bits").get<double>());
}

TEST(ReportTest, FiguresAreWholeDocuments)
{
    const std::vector<Figure> figures = valueOf(reportFigures(fullProject()));
    EXPECT_EQ(figures.size(), 9U);
    for (const Figure& figure : figures) {
        EXPECT_EQ(xmlFault(figure.svg), "") << figure.id;
        EXPECT_TRUE(figure.svg.starts_with("<svg xmlns=")) << figure.id;
        EXPECT_FALSE(std::regex_search(figure.svg, std::regex("\\b(nan|inf)\\b"))) << figure.id;
        EXPECT_FALSE(figure.title.empty());
        EXPECT_FALSE(figure.caption.empty());
    }
}

TEST(ReportTest, AnEmptyProjectIsRefused)
{
    EXPECT_EQ(htmlReport(Project{}).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(markdownReport(Project{}).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(jsonReport(Project{}).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(reportFigures(Project{}).error().code, ErrorCode::InvalidArgument);
}

} // namespace
} // namespace bitscape::project
