// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/hw/accelerator.h"
#include "core/hw/energy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace bitscape::hw {
namespace {

using testing::HasSubstr;

TEST(AcceleratorFile, DefaultsAreThoseOfTheStruct)
{
    const auto read = parseAccelerator(R"({"schema": "hwmodel/1"})");
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, Accelerator{});
}

TEST(AcceleratorFile, PresetsSurviveWritingAndReading)
{
    std::set<std::string> names;
    for (const Accelerator& preset : accelerators()) {
        EXPECT_TRUE(preset.validate()) << preset.name;
        const auto again = parseAccelerator(toJson(preset));
        ASSERT_TRUE(again) << again.error().sentence();
        EXPECT_EQ(*again, preset);
        EXPECT_TRUE(names.insert(preset.name).second) << "two presets are called " << preset.name;
        EXPECT_EQ(findAccelerator(preset.name), &preset);
    }
    EXPECT_EQ(accelerators().front(), Accelerator{});
    EXPECT_EQ(findAccelerator("st ARRAY 16 pe, 28 nm"), &accelerators().front());
    EXPECT_EQ(findAccelerator("nothing"), nullptr);
}

TEST(AcceleratorFile, ReadsNestedKeys)
{
    const auto read = parseAccelerator(R"({"schema": "hwmodel/1", "name": "mine", "modes": [4, 1],
        "engines": {"conv": {"Poc": 8}, "dw": {"present": false}}, "lane_dim": {"conv": "flat"},
        "backing": {"kind": "dram", "bw": 32}, "f_mode": {"4": 0.5},
        "cpu": {"cycles_per_elem": {"add": 3}}, "fallback": {"softmax": "host"}})");
    ASSERT_TRUE(read) << read.error().sentence();
    EXPECT_EQ(read->name, "mine");
    EXPECT_EQ(read->modes, (std::vector<int>{1, 4}));
    EXPECT_EQ(read->conv.outputChannels, 8);
    EXPECT_FALSE(read->depthwise.present);
    EXPECT_EQ(read->convLanes, LaneDimension::Flat);
    EXPECT_EQ(read->backing, BackingKind::Dram);
    EXPECT_EQ(read->backingBitsPerCycle, 32);
    EXPECT_EQ(read->modePower.at(4), 0.5);
    EXPECT_EQ(read->modePower.at(2), 0.56);
    EXPECT_EQ(read->cpuCyclesPerElement[static_cast<std::size_t>(CpuKind::Add)], 3);
    EXPECT_EQ(read->fallback[static_cast<std::size_t>(CpuKind::Softmax)], Fallback::Host);
}

struct Bad {
    const char* json;
    std::vector<std::string> words;
};

class BadAccelerator : public testing::TestWithParam<Bad> {};

TEST_P(BadAccelerator, IsRefusedByName)
{
    const auto read = parseAccelerator(GetParam().json);
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::InvalidArgument);
    for (const std::string& word : GetParam().words) {
        EXPECT_THAT(read.error().sentence(), HasSubstr(word));
    }
}

INSTANTIATE_TEST_SUITE_P(
    Files, BadAccelerator,
    testing::Values(
        Bad{"[1, 2]", {"JSON object"}}, Bad{"{", {"JSON object"}},
        Bad{"{}", {"schema", "hwmodel/1"}}, Bad{R"({"schema": "hwmodel/99"})", {"hwmodel/99"}},
        Bad{R"({"schema": "hwmodel/1", "clock_mhzz": 200})", {"clock_mhzz", "\"clock_mhz\""}},
        Bad{R"({"schema": "hwmodel/1", "engines": {"conv": {"Pocc": 4}}})",
            {"engines.conv.Pocc", "Poc, Pic, Ptap, Ppx"}},
        Bad{R"({"schema": "hwmodel/1", "engines": {"conv": {"Poc": 0}}})", {"engines.conv.Poc"}},
        Bad{R"({"schema": "hwmodel/1", "engines": {"conv": {"Poc": 1.5}}})", {"whole number"}},
        Bad{R"({"schema": "hwmodel/1", "engines": {"conv": {"Poc": 1000000000000000000}}})",
            {"engines.conv.Poc"}},
        Bad{R"({"schema": "hwmodel/1", "engines": 4})", {"engines", "object"}},
        Bad{R"({"schema": "hwmodel/1", "IB": -16})", {"IB"}},
        Bad{R"({"schema": "hwmodel/1", "clock_mhz": "fast"})", {"clock_mhz", "fast"}},
        Bad{R"({"schema": "hwmodel/1", "double_buffer": 1})", {"double_buffer", "true or false"}},
        Bad{R"({"schema": "hwmodel/1", "lane_dim": {"conv": "taps"}})", {"\"cin\", \"flat\""}},
        Bad{R"({"schema": "hwmodel/1", "modes": []})", {"modes"}},
        Bad{R"({"schema": "hwmodel/1", "modes": 4})", {"modes"}},
        Bad{R"({"schema": "hwmodel/1", "modes": [2, 4]})", {"modes", "takes 1"}},
        Bad{R"({"schema": "hwmodel/1", "modes": [1, 3]})", {"modes", "3", "mult_bits"}},
        Bad{R"({"schema": "hwmodel/1", "modes": [1, 8]})", {"f_mode", "8"}},
        Bad{R"({"schema": "hwmodel/1", "f_mode": {"x": 1}})", {"f_mode"}},
        Bad{R"({"schema": "hwmodel/1", "node_nm": 3})", {"node_nm"}},
        Bad{R"({"schema": "hwmodel/1", "name": ""})", {"name"}},
        Bad{R"({"schema": "hwmodel/1", "systolic": {"rows": 16}})", {"systolic", "Sum-Together"}},
        Bad{R"({"schema": "hwmodel/1", "fusion": {}})", {"fusion"}},
        Bad{R"({"schema": "hwmodel/1", "bit_serial": {}})", {"bit_serial"}}));

TEST(AcceleratorParameters, EveryRowSaysAll)
{
    std::set<std::string> keys;
    for (const ParameterDoc& row : parameterDocs()) {
        EXPECT_TRUE(keys.insert(row.key).second) << row.key;
        EXPECT_FALSE(row.doc.empty()) << row.key;
        EXPECT_FALSE(row.defaultText.empty()) << row.key;
        EXPECT_THAT((std::set<std::string>{"P", "R", "D", "C", "U"}), testing::Contains(row.tag));
        const auto same = withParameter({}, row.key, row.defaultText);
        ASSERT_TRUE(same) << same.error().sentence();
        EXPECT_EQ(*same, Accelerator{}) << row.key;
    }
}

TEST(AcceleratorParameters, FieldsAreSetFromText)
{
    const auto changed = withParameter({}, "backing.kind", "flash");
    ASSERT_TRUE(changed);
    EXPECT_EQ(changed->backing, BackingKind::Flash);
    EXPECT_EQ(parameterText(*changed, "backing.kind"), "flash");
    EXPECT_FALSE(withParameter({}, "backing.kind", "tape"));
    EXPECT_FALSE(withParameter({}, "mult_bits", "sixteen"));
    EXPECT_FALSE(withParameter({}, "mult_bitz", "16"));
}

TEST(AcceleratorParameters, InvalidValuesAreNamed)
{
    Accelerator bad;
    bad.conv.inputWords = -1;
    const auto checked = bad.validate();
    ASSERT_FALSE(checked);
    EXPECT_THAT(checked.error().sentence(), HasSubstr("engines.conv.Pic"));
    bad = {};
    bad.modes = {};
    EXPECT_FALSE(bad.validate());
}

TEST(TechnologyScaling, FollowsTheTables)
{
    EXPECT_DOUBLE_EQ(energyScale(45, 0.9), 1.0);
    constexpr double kPrinted = 0.0006; // three decimals
    EXPECT_NEAR(energyScale(65, 0.9), 1.253, kPrinted);
    EXPECT_NEAR(energyScale(32, 0.9), 0.641, kPrinted);
    EXPECT_NEAR(energyScale(28, 0.9), 0.507, kPrinted);
    EXPECT_NEAR(energyScale(20, 0.9), 0.238, kPrinted);
    EXPECT_NEAR(energyScale(16, 0.9), 0.187, kPrinted);
    EXPECT_NEAR(energyScale(7, 0.9), 0.102, kPrinted);
    EXPECT_NEAR(areaScale(28), 0.377, kPrinted);
    // 65 nm at 1.3 V: 2.604 over 45 nm's 0.84433.
    EXPECT_NEAR(energyScale(65, 1.3) * 0.84433, 2.604, 0.001);
}

TEST(UnitEnergies, MatchHorowitz)
{
    constexpr double kFit = 0.001;
    EXPECT_NEAR(multiplyPicojoule(8), 0.2, kFit);
    EXPECT_NEAR(multiplyPicojoule(32), 3.1, kFit);
    EXPECT_NEAR(64 * sramPicojoulePerBit(8 * 1024), 10, 1e-9);
    EXPECT_NEAR(64 * sramPicojoulePerBit(32 * 1024), 20, 1e-9);
    EXPECT_NEAR(64 * sramPicojoulePerBit(1024 * 1024), 100, 0.2);
}

TEST(Area, SumTogetherCostsLittleMore)
{
    // Published: 0.9 to 8.0 % of a system's area.
    for (const Accelerator& preset : accelerators()) {
        const double plain = areaSquareMillimeter(fixedPrecision(preset));
        const double overhead = areaSquareMillimeter(preset) / plain - 1;
        EXPECT_EQ(overhead > 0, preset.modes.size() > 1) << preset.name;
        EXPECT_LT(overhead, 0.08) << preset.name;
    }
    Accelerator separate;
    separate.sharedMultipliers = false;
    EXPECT_GT(areaSquareMillimeter(separate), areaSquareMillimeter({}));
}

} // namespace
} // namespace bitscape::hw
