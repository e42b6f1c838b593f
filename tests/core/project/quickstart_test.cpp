// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/quickstart.h"
#include "tests/core/io/temporary_folder.h"
#include "tests/core/project/sample_projects.h"

#include <gtest/gtest.h>

namespace bitscape::project {
namespace {

using namespace tests;

/// The digits sample, small enough for a test.
SampleInfo tinySample()
{
    SampleInfo sample = *findSample("digits");
    sample.trainLimit = 300;
    sample.testLimit = 100;
    sample.epochs = 2;
    return sample;
}

struct Outcome {
    Project project;
    std::vector<std::string> steps;
    std::vector<std::size_t> trialsSeen;
};

Outcome runTiny(int threads)
{
    const io::tests::TemporaryFolder folder;
    Parallel parallel(threads);
    QuickstartOptions options;
    options.trials = 2;
    options.calibrationImages = 50;
    options.threads = threads;
    Outcome run;
    run.project = valueOf(quickstart(
        tinySample(), options, folder / "m.h5", parallel, {},
        [&](const std::string& step) { run.steps.push_back(step); },
        [&](const Project& project) -> Result<void> {
            run.trialsSeen.push_back(
                project.studies.empty() ? 0 : project.studies.back()->trials.size());
            return {};
        }));
    return run;
}

TEST(QuickstartTest, MakesAProjectWithEveryPart)
{
    const Outcome run = runTiny(2);
    const Project& project = run.project;
    EXPECT_EQ(project.model->format, "keras-h5");
    EXPECT_EQ(project.trainingHistory.size(), 2U);
    EXPECT_EQ(project.calibration->samples, 50);
    ASSERT_EQ(project.configurations.size(), 3U);
    for (const auto& configuration : project.configurations) {
        ASSERT_TRUE(configuration->measured);
        EXPECT_EQ(configuration->measured->count, 100);
    }
    EXPECT_EQ(project.configurations[1]->configuration.name, "w8 a8 calibrated");
    EXPECT_TRUE(project.currentConfiguration().weights);
    ASSERT_EQ(project.studies.size(), 1U);
    EXPECT_EQ(project.studies.front()->trials.size(), 2U);
    EXPECT_EQ(run.steps.size(), 5U);
    // The project is handed out after every trial, so that none is lost.
    EXPECT_EQ(run.trialsSeen, (std::vector<std::size_t>{0, 0, 1, 2, 2}));
}

TEST(QuickstartTest, DoesNotDependOnThreads)
{
    const Project one = runTiny(1).project;
    const Project two = runTiny(2).project;
    EXPECT_EQ(one.model->sha256, two.model->sha256);
    EXPECT_EQ(stateHash(one), stateHash(two));
    EXPECT_EQ(one.currentConfiguration().measured->accuracy,
              two.currentConfiguration().measured->accuracy);
}

TEST(QuickstartTest, StopsWhenAsked)
{
    const io::tests::TemporaryFolder folder;
    Parallel parallel(1);
    std::stop_source stop;
    JobContext job;
    job.stop = stop.get_token();
    const auto result = quickstart(
        tinySample(), {}, folder / "m.h5", parallel, job,
        [&](const std::string& step) {
            if (step == "Searching") {
                stop.request_stop();
            }
        },
        [](const Project&) -> Result<void> { return {}; });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::Canceled);
}

TEST(QuickstartTest, RefusesNoTrials)
{
    QuickstartOptions options;
    options.trials = 0;
    EXPECT_EQ(options.validate().error().code, ErrorCode::InvalidArgument);
}

} // namespace
} // namespace bitscape::project
