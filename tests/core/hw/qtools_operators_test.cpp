// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/hw/qtools_energy.h"
#include "core/hw/qtools_operators.h"
#include "csv_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace bitscape::hw::qtools {
namespace {

using test::CsvRow;
using test::factoryTable;

/// A tenth of what QTools' own rounding of printed energies leaves.
constexpr double kPrintedDigits = 1e-9;

/// Types that this version has quantizers for; others of the tables are left out.
std::optional<DataType> known(const std::string& text)
{
    const auto type = parseType(text);
    return type ? std::optional(*type) : std::nullopt;
}

std::vector<DataType> knownList(const std::string& text)
{
    std::vector<DataType> types;
    for (const std::string& part : split(text, '|')) {
        if (const auto type = known(std::string(trimmed(part)))) {
            types.push_back(*type);
        } else {
            return {};
        }
    }
    return types;
}

void expectSame(const DataType& type, const CsvRow& row, const std::string& prefix = "")
{
    EXPECT_EQ(type.name, row.at(prefix + "name"));
    EXPECT_EQ(type.bits, row.number(prefix + "bits"));
    EXPECT_EQ(type.integer, row.number(prefix + "int_bits"));
    EXPECT_EQ(type.isSigned ? 1 : 0, row.number(prefix + "is_signed"));
    EXPECT_EQ(type.maxValue, row.number(prefix + "max_val_po2"));
    if (row.has(prefix + "mode")) {
        EXPECT_EQ(static_cast<int>(type.mode), row.number(prefix + "mode"));
        EXPECT_EQ(type.isFloat() ? 1 : 0, row.number(prefix + "is_float"));
        EXPECT_EQ(type.isPowerOfTwo() ? 1 : 0, row.number(prefix + "is_po2"));
    }
}

void expectGates(const Operator& made, const CsvRow& row, const std::string& prefix = "")
{
    EXPECT_NEAR(made.gateFactor, row.number(prefix + "gate_factor"), kPrintedDigits);
    EXPECT_NEAR(made.gateBits, row.number(prefix + "gate_bits"), kPrintedDigits * made.gateBits);
    if (row.has("energy_pJ")) {
        EXPECT_NEAR(operatorEnergy(made, horowitz()), row.number("energy_pJ"), kPrintedDigits);
    }
}

#define BITSCAPE_TABLE(name)                                                                       \
    const auto table = factoryTable(name);                                                         \
    if (table.empty()) {                                                                           \
        GTEST_SKIP() << "golden/qtools/factories/" << (name) << " is not there";                   \
    }

TEST(QToolsTypes, MatchTheTable)
{
    BITSCAPE_TABLE("types.csv");
    int judged = 0;
    for (const CsvRow& row : table) {
        const auto type = known(row.at("expression"));
        if (!type) {
            continue;
        }
        SCOPED_TRACE(row.at("expression"));
        ++judged;
        expectSame(*type, row);
        expectSame(reconverted(*type), row, "again_");
        if (type->isPowerOfTwo()) {
            const auto range = exponentRange(*type);
            const auto fixed = asFixedPoint(*type);
            ASSERT_TRUE(range && fixed);
            EXPECT_EQ(range->low, row.number("abs_e_min"));
            EXPECT_EQ(range->high, row.number("e_max"));
            EXPECT_EQ(fixed->bits, row.number("fixed_bits"));
            EXPECT_EQ(fixed->integer, row.number("fixed_int_bits"));
        }
    }
    EXPECT_GT(judged, 30);
}

TEST(QToolsMultiplier, MatchesTheTable)
{
    BITSCAPE_TABLE("multiplier.csv");
    int judged = 0;
    for (const CsvRow& row : table) {
        const auto weight = known(row.at("weight"));
        const auto input = known(row.at("input"));
        if (!weight || !input) {
            continue;
        }
        SCOPED_TRACE(row.at("weight") + " × " + row.at("input"));
        ++judged;
        const auto made = multiplier(*weight, *input);
        ASSERT_TRUE(made);
        EXPECT_EQ(made->implementation, row.at("implemented_as"));
        expectSame(made->output, row);
        expectGates(*made, row);
    }
    EXPECT_GT(judged, 900);
}

TEST(QToolsMultiplier, KnownNumbersOfValuesShrinkShifters)
{
    BITSCAPE_TABLE("multiplier_value_counts.csv");
    int judged = 0;
    for (const CsvRow& row : table) {
        auto weight = known(row.at("weight"));
        const auto input = known(row.at("input"));
        if (!weight || !input) {
            continue;
        }
        SCOPED_TRACE(row.at("weight") + " × " + row.at("input"));
        ++judged;
        weight->valueCount = static_cast<std::int64_t>(row.number("weight_value_count"));
        const auto made = multiplier(*weight, *input);
        ASSERT_TRUE(made);
        expectGates(*made, row);
    }
    EXPECT_GT(judged, 500);
}

TEST(QToolsAccumulator, MatchesTheTable)
{
    BITSCAPE_TABLE("accumulator.csv");
    int judged = 0;
    for (const CsvRow& row : table) {
        const auto weight = known(row.at("weight"));
        const auto input = known(row.at("input"));
        if (!weight || !input || row.at("implemented_as") != "add") {
            continue;
        }
        SCOPED_TRACE(row.at("weight") + " × " + row.at("input") + " over " +
                     row.at("kernel_shape"));
        ++judged;
        std::int64_t terms = 1;
        auto sizes = split(row.at("kernel_shape"), 'x');
        sizes.pop_back();
        for (const std::string& size : sizes) {
            terms *= std::stoll(size);
        }
        const auto product = multiplier(*weight, *input);
        ASSERT_TRUE(product);
        const auto made =
            accumulator(product->output, terms + (row.number("use_bias") != 0 ? 1 : 0));
        ASSERT_TRUE(made);
        expectSame(made->output, row);
    }
    EXPECT_GT(judged, 2000);
}

TEST(QToolsAdder, MatchesTheTable)
{
    BITSCAPE_TABLE("adder.csv");
    int judged = 0;
    for (const CsvRow& row : table) {
        const auto first = known(row.at("first"));
        const auto second = known(row.at("second"));
        if (!first || !second) {
            continue;
        }
        SCOPED_TRACE(row.at("first") + " + " + row.at("second"));
        ++judged;
        const auto made = adder(*first, *second);
        ASSERT_TRUE(made);
        expectSame(made->output, row);
    }
    EXPECT_GT(judged, 900);
}

TEST(QToolsDivider, MatchesTheTable)
{
    BITSCAPE_TABLE("divider.csv");
    int judged = 0;
    for (const CsvRow& row : table) {
        const auto numerator = known(row.at("numerator"));
        const auto denominator = known(row.at("denominator"));
        if (!numerator || !denominator) {
            continue;
        }
        SCOPED_TRACE(row.at("numerator") + " / " + row.at("denominator"));
        ++judged;
        const auto made = divider(*numerator, *denominator);
        ASSERT_EQ(made.has_value(), !row.at("implemented_as").starts_with("ERROR"));
        if (made) {
            EXPECT_EQ(made->implementation, row.at("implemented_as"));
            expectSame(made->output, row);
            expectGates(*made, row);
        }
    }
    EXPECT_GT(judged, 900);
}

TEST(QToolsMerge, MatchesTheTable)
{
    BITSCAPE_TABLE("merge.csv");
    int judged = 0;
    for (const CsvRow& row : table) {
        const std::vector<DataType> inputs = knownList(row.at("inputs"));
        if (inputs.empty()) {
            continue;
        }
        SCOPED_TRACE(row.at("class") + " of " + row.at("inputs"));
        ++judged;
        const auto made = merge(row.at("class"), inputs);
        ASSERT_EQ(made.has_value(), !row.at("implemented_as").starts_with("ERROR"));
        if (made) {
            EXPECT_EQ(made->implementation, row.at("implemented_as"));
            expectSame(made->output, row);
            expectGates(*made, row);
        }
    }
    EXPECT_GT(judged, 600);
}

/// Divider, multiplier and adder of a stand-alone batch normalization, as the map joins them.
TEST(QToolsBatchNorm, StagesMatchTheTable)
{
    BITSCAPE_TABLE("batchnorm.csv");
    int judged = 0;
    for (const CsvRow& row : table) {
        auto gamma = known(row.at("gamma"));
        auto variance = known(row.at("variance"));
        const auto input = known(row.at("input"));
        const auto beta = known(row.at("beta"));
        if (!gamma || !variance || !input || !beta) {
            continue;
        }
        SCOPED_TRACE(row.at("input") + ", " + row.at("gamma") + ", " + row.at("beta") + ", " +
                     row.at("variance"));
        ++judged;
        const auto setCount = [](DataType& type, double count) {
            if (count > 0) {
                type.valueCount = static_cast<std::int64_t>(count);
            }
        };
        setCount(*gamma, row.number("gamma_value_count"));
        setCount(*variance, row.number("variance_value_count"));
        const bool scale = row.number("scale") != 0;
        const bool center = row.number("center") != 0;
        auto made = normalization(*input, *gamma, *beta, *variance, scale, center);
        ASSERT_EQ(made.has_value(), row.at("error").empty());
        if (!made) {
            continue;
        }
        expectSame(made->divider.output, row, "divider_");
        expectGates(made->divider, row, "divider_");
        ASSERT_EQ(made->multiplier.has_value(), !row.at("multiplier_impl").empty());
        if (made->multiplier) {
            EXPECT_EQ(made->multiplier->implementation, row.at("multiplier_impl"));
            expectSame(made->multiplier->output, row, "multiplier_");
            expectGates(*made->multiplier, row, "multiplier_");
        }
        ASSERT_EQ(made->accumulator.has_value(), !row.at("accumulator_impl").empty());
        if (made->accumulator) {
            expectSame(made->accumulator->output, row, "accumulator_");
        }
    }
    EXPECT_GT(judged, 100);
}

TEST(QToolsTypes, UnknownWordsAreRefused)
{
    const auto read = parseType("int12");
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(read.error().hint, testing::HasSubstr("int8"));
}

TEST(QToolsTypes, quantizersOfOtherToolsAreWhatHardwareStores)
{
    const DataType fixed = *parseType("nearest,8,3");
    EXPECT_EQ(fixed.bits, 8);
    EXPECT_EQ(fixed.integer, 4);
    EXPECT_EQ(fixed.fraction(), 3);
    EXPECT_TRUE(fixed.isSigned);
    EXPECT_EQ(parseType("E4M3")->bits, 8);
    EXPECT_TRUE(parseType("E4M3")->isFloat());
    EXPECT_TRUE(parseType("sparse,0.1")->isFloat());
    EXPECT_TRUE(parseType("logarithmic")->isPowerOfTwo());
    EXPECT_EQ(parseType("pact(3)")->bits, 3);
    EXPECT_FALSE(parseType("pact(3)")->isSigned);
    EXPECT_TRUE(parseType("lsq(3)")->isSigned);
    EXPECT_FALSE(parseType("codebook(bits=4)")) << "a table, which QTools cannot cost";
}

TEST(QToolsOperators, Auto_po2ScalesMoveTheRange)
{
    // Scales of 2⁻⁴ and 2⁻⁵ on (16, 3, signed).
    const DataType moved = scaled(fixedPoint(16, 3, true), -5, -4);
    EXPECT_EQ(moved.bits, 17);
    EXPECT_EQ(moved.integer, -1);
}

} // namespace
} // namespace bitscape::hw::qtools
