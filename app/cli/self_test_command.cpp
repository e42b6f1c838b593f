// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"
#include "core/graph/execution.h"
#include "core/project/self_test.h"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace bitscape::cli {

namespace {

constexpr int kInternal = 7;

Result<Answer> run(Session& session)
{
    session.loaded();
    const std::vector<project::SelfTestCase> cases =
        project::selfTest(session.parallel(), session.job());
    if (auto state = session.job().proceed(); !state) {
        return fail(std::move(state).error());
    }
    Answer answer;
    answer.json["engine"] = graph::engineVariant();
    answer.json["cases"] = Json::array();
    std::vector<std::vector<std::string>> rows{{"Check", "Result", "Detail"}};
    for (const project::SelfTestCase& test : cases) {
        answer.json["cases"].push_back(
            {{"name", test.name}, {"passed", test.passed}, {"detail", test.detail}});
        rows.push_back({test.name, test.passed ? "passed" : "FAILED", test.detail});
    }
    const auto failed =
        std::count_if(cases.begin(), cases.end(), [](const auto& test) { return !test.passed; });
    answer.json["passed"] = failed == 0;
    answer.text = table(rows, {false, false, false});
    answer.text += failed == 0 ? "This build works on this machine.\n"
                               : std::to_string(failed) + " checks failed.\n";
    answer.exitCode = failed == 0 ? 0 : kInternal;
    return answer;
}

} // namespace

Action declareSelfTest(CLI::App& app)
{
    app.footer("Needs no files. --threads N limits the threads.");
    return run;
}

} // namespace bitscape::cli
