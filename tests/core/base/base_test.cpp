// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/error.h"
#include "core/base/function_ref.h"
#include "core/base/job.h"
#include "core/base/rng.h"
#include "core/base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace bitscape {
namespace {

using testing::ElementsAre;

TEST(ErrorTest, SaysWhatWhereAndWhatToDo)
{
    const Failure failure = fail(ErrorCode::NotFound, "There is no such file.", "x.h5", "Look.");
    EXPECT_EQ(failure.value().sentence(), "There is no such file. (x.h5) Look.");
    Error inner{ErrorCode::CorruptFile, "It is cut short.", "kernel", {}};
    EXPECT_EQ(std::move(inner).in("layer fc").where, "layer fc, kernel");
    Error placed{ErrorCode::Io, "Cannot read x.h5.", "x.h5", {}};
    EXPECT_EQ(placed.sentence(), "Cannot read x.h5."); // the place is named already
    EXPECT_THROW(ensure(false, "broken"), std::logic_error);
}

TEST(ErrorTest, EveryCodeHasANameOfItsOwn)
{
    std::set<std::string_view> names;
    for (int code = 0; code <= static_cast<int>(ErrorCode::Internal); ++code) {
        names.insert(name(static_cast<ErrorCode>(code)));
    }
    EXPECT_EQ(names.size(), static_cast<std::size_t>(ErrorCode::Internal) + 1);
}

TEST(ResultTest, HoldsAValueOrAnError)
{
    const auto half = [](int value) -> Result<int> {
        if (value % 2 != 0) {
            return fail(ErrorCode::InvalidArgument, "It is odd.");
        }
        return value / 2;
    };
    EXPECT_EQ(half(8).value(), 4);
    EXPECT_EQ(half(3).error().code, ErrorCode::InvalidArgument);
}

TEST(JobTest, StopsAndReports)
{
    ProgressBoard board;
    std::stop_source source;
    const JobContext job{source.get_token(), &board};
    job.begin(200, "images");
    job.add(30);
    job.add(20);
    job.say("halfway");
    const Progress seen = board.read();
    EXPECT_EQ(seen.done, 50);
    EXPECT_EQ(seen.total, 200);
    EXPECT_EQ(seen.unit, "images");
    EXPECT_EQ(seen.text, "halfway");
    EXPECT_TRUE(seen.secondsLeft);
    EXPECT_TRUE(job.proceed());
    source.request_stop();
    EXPECT_EQ(job.proceed().error().code, ErrorCode::Canceled);
    EXPECT_TRUE(JobContext{}.proceed()); // nobody can stop it, nobody looks
    JobContext{}.add(1);
}

TEST(JobTest, ForecastsOnlyWhenSomethingIsMeasured)
{
    ProgressBoard board;
    EXPECT_FALSE(board.read().secondsLeft);
    board.begin(1000, "steps");
    board.set(10); // 1 %
    EXPECT_FALSE(board.read().secondsLeft);
    board.set(500);
    EXPECT_TRUE(board.read().secondsLeft);
    board.begin(0, "images"); // of unknown number
    board.set(500);
    EXPECT_FALSE(board.read().secondsLeft);
}

// SplitMix64's published outputs for seed 1234567.
TEST(RngTest, IsSplitMix64)
{
    Rng rng(1234567);
    EXPECT_EQ(rng.next(), 6457827717110365317ULL);
    EXPECT_EQ(rng.next(), 3203168211198807973ULL);
    EXPECT_EQ(rng.next(), 9817491932198370423ULL);
}

TEST(RngTest, StreamsAreIndependentOfEachOther)
{
    const Rng root(7);
    EXPECT_NE(root.split("a").next(), root.split("b").next());
    EXPECT_NE(root.split(1).next(), root.split(2).next());
    EXPECT_EQ(root.split("a").split(3).next(), Rng(7).split("a").split(3).next());
}

TEST(RngTest, NumbersKeepTheirRangesAndMoments)
{
    Rng rng(3);
    double sum = 0.0;
    double normalSum = 0.0;
    double normalSquares = 0.0;
    std::array<int, 5> counts{};
    constexpr int kDraws = 20000;
    for (int i = 0; i < kDraws; ++i) {
        const double u = rng.uniform(-1.0, 3.0);
        EXPECT_GE(u, -1.0);
        EXPECT_LT(u, 3.0);
        sum += u;
        const double n = rng.normal();
        normalSum += n;
        normalSquares += n * n;
        ++counts.at(rng.below(5));
    }
    EXPECT_NEAR(sum / kDraws, 1.0, 0.05);
    EXPECT_NEAR(normalSum / kDraws, 0.0, 0.05);
    EXPECT_NEAR(normalSquares / kDraws, 1.0, 0.05);
    for (const int count : counts) {
        EXPECT_NEAR(count, kDraws / 5, 300);
    }
}

TEST(RngTest, ShufflesToAPermutation)
{
    std::vector<int> values(50);
    std::iota(values.begin(), values.end(), 0);
    std::vector<int> shuffled = values;
    Rng(1).shuffle(std::span<int>(shuffled));
    EXPECT_NE(shuffled, values);
    EXPECT_TRUE(std::ranges::is_permutation(shuffled, values));
}

TEST(RngTest, UniformAtIsAFunctionOfSeedAndIndex)
{
    double sum = 0.0;
    for (std::uint64_t i = 0; i < 10000; ++i) {
        const float u = uniformAt(9, i);
        EXPECT_GE(u, 0.0F);
        EXPECT_LT(u, 1.0F);
        sum += static_cast<double>(u);
    }
    EXPECT_NEAR(sum / 10000.0, 0.5, 0.02);
    EXPECT_EQ(uniformAt(9, 4), uniformAt(9, 4));
    EXPECT_NE(uniformAt(9, 4), uniformAt(8, 4));
}

TEST(TextTest, NearestKnowsTyposAndGivesUpOnOthers)
{
    const std::vector<std::string> known{"quantized_bits", "quantized_relu", "binary"};
    EXPECT_EQ(nearest("quantized_bitz", known), "quantized_bits");
    EXPECT_EQ(nearest("binray", known), "binary");
    EXPECT_EQ(nearest("x", std::span(known).first(1)), "");
}

TEST(TextTest, SplitsJoinsAndTrims)
{
    EXPECT_THAT(split("a,,b", ','), ElementsAre("a", "", "b"));
    EXPECT_THAT(split("", ','), ElementsAre(""));
    const std::vector<std::string> parts{"a", "b", "c"};
    EXPECT_EQ(join(parts, ", "), "a, b, c");
    EXPECT_EQ(trimmed(" \t x y\r\n"), "x y");
    EXPECT_EQ(trimmed(" \n"), "");
}

// What Python 3 prints.
TEST(TextTest, PrintsNumbersAsPythonDoes)
{
    const std::pair<double, const char*> cases[] = {
        {0.5, "0.5"},           {1.0, "1.0"},     {0.1, "0.1"},
        {1e-5, "1e-05"},        {1e-4, "0.0001"}, {1e16, "1e+16"},
        {123456.0, "123456.0"}, {-2.25, "-2.25"}, {1.5e300, "1.5e+300"},
        {0.0, "0.0"},           {-0.0, "-0.0"},   {INFINITY, "inf"},
        {-INFINITY, "-inf"},    {NAN, "nan"},     {1.0 / 3.0, "0.3333333333333333"},
    };
    for (const auto& [value, wanted] : cases) {
        EXPECT_EQ(pythonRepr(value), wanted);
    }
}

TEST(TextTest, HashesAsSha256)
{
    EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(FunctionRefTest, CallsWhatItRefersTo)
{
    int sum = 0;
    const auto add = [&sum](int value) { return sum += value; };
    const FunctionRef<int(int)> ref = add;
    const FunctionRef<int(int)> copy = ref; // NOLINT(performance-unnecessary-copy-initialization)
    EXPECT_EQ(ref(3), 3);
    EXPECT_EQ(copy(4), 7);
    EXPECT_TRUE(static_cast<bool>(ref));
    EXPECT_FALSE(static_cast<bool>(FunctionRef<int(int)>()));
}

} // namespace
} // namespace bitscape
