// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/rng.h"
#include "core/tensor/kernels/codes.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <ostream>
#include <vector>

namespace bitscape::kernels {

static std::ostream& operator<<(std::ostream& out, CodeWords words)
{
    return out << (words == CodeWords::Bytes ? "bytes" : "shorts");
}

namespace {

constexpr std::array kRules{CodeRule::None, CodeRule::Up,    CodeRule::Twice, CodeRule::Even,
                            CodeRule::Away, CodeRule::Float, CodeRule::Steps};
constexpr std::array<std::int32_t, 3> kThresholds{-50, 0, 3};
constexpr std::array<std::int32_t, 3> kRises{20, -5, 100};
constexpr std::array kKinds{CodeKind::Byte, CodeKind::Short, CodeKind::Int};

class Numbers {
public:
    explicit Numbers(std::uint64_t seed) : m_rng(seed) {}
    /// One of low … high, every fourth an end.
    std::int64_t between(std::int64_t low, std::int64_t high)
    {
        const double place = m_rng.uniform();
        if (place < 0.25) {
            return place < 0.125 ? low : high;
        }
        return low + static_cast<std::int64_t>(m_rng.uniform() *
                                               (static_cast<double>(high - low) + 0.999));
    }

private:
    Rng m_rng;
};

/// The arrays of a CodeFinish.
struct Columns {
    std::vector<std::int32_t> lifts, bias, multipliers, lowAddends, highAddends, halves, shifts;
    std::vector<float> factors;

    Columns(Index columns, CodeRule rule, Numbers& numbers)
    {
        for (Index c = 0; c < columns + kCodePadding; ++c) {
            lifts.push_back(static_cast<std::int32_t>(numbers.between(0, 3)));
            bias.push_back(static_cast<std::int32_t>(numbers.between(-40, 40)));
            // Few bits, so that ties are met.
            const auto bits = static_cast<int>(numbers.between(1, 30));
            multipliers.push_back(static_cast<std::int32_t>(
                numbers.between(1, (std::int64_t{1} << bits) - 1) << (31 - bits)));
            const auto shift = static_cast<int>(numbers.between(1, 12));
            shifts.push_back(rule == CodeRule::Twice && c % 3 == 1 ? 0 : shift);
            halves.push_back(shifts.back() > 0 ? 1 << (shifts.back() - 1) : 0);
            setAddend(c, numbers.between(-40, 40) * multipliers.back() + (std::int64_t{1} << 31));
            factors.push_back(static_cast<float>(numbers.between(1, 4096)) / 16384.0F);
        }
    }

    void setAddend(Index column, std::int64_t addend)
    {
        const auto at = static_cast<std::size_t>(column);
        lowAddends.resize(std::max(lowAddends.size(), at + 1));
        highAddends.resize(std::max(highAddends.size(), at + 1));
        lowAddends[at] = static_cast<std::int32_t>(static_cast<std::uint32_t>(addend));
        highAddends[at] = static_cast<std::int32_t>(addend >> 32);
    }

    /// All columns as the first one.
    void level()
    {
        for (auto* column :
             {&lifts, &bias, &multipliers, &lowAddends, &highAddends, &halves, &shifts}) {
            std::fill(column->begin(), column->end(), column->front());
        }
        std::fill(factors.begin(), factors.end(), factors.front());
    }

    [[nodiscard]] CodeFinish finish(CodeRule rule, CodeKind kind) const
    {
        const bool isByte = kind == CodeKind::Byte;
        const bool isFloat = rule == CodeRule::Float;
        return {.rule = rule,
                .kind = kind,
                .lifts = lifts.data(),
                .bias = bias.data(),
                .factors = factors.data(),
                .multipliers = multipliers.data(),
                .lowAddends = lowAddends.data(),
                .highAddends = highAddends.data(),
                .halves = halves.data(),
                .shifts = shifts.data(),
                .thresholds = kThresholds.data(),
                .rises = kRises.data(),
                .steps = std::ssize(kThresholds),
                .zero = rule == CodeRule::Up ? 0 : 7,
                .low = isByte ? 3 : -30000,
                .high = isByte                               ? 251
                        : kind == CodeKind::Short || isFloat ? 32000
                                                             : 1 << 30};
    }
};

std::int64_t divided(std::int64_t value, int shift)
{
    const std::int64_t unit = std::int64_t{1} << shift;
    return value / unit - (value % unit < 0 ? 1 : 0);
}

/// The words of codes.h, one number at a time.
std::int64_t scaledTwin(const CodeFinish& f, std::int64_t sum, Index c)
{
    const std::int64_t x = sum * (std::int64_t{1} << f.lifts[c]);
    if (f.rule == CodeRule::None) {
        return x + f.bias[c];
    }
    if (f.rule == CodeRule::Steps) {
        std::int64_t y = 0;
        for (std::size_t i = 0; i < kThresholds.size(); ++i) {
            y += x + f.bias[c] >= kThresholds[i] ? kRises[i] : 0;
        }
        return y;
    }
    if (f.rule == CodeRule::Float) {
        return std::llrint(static_cast<float>(x + f.bias[c]) * f.factors[c]);
    }
    const std::int64_t addend =
        f.highAddends[c] * (std::int64_t{1} << 32) + static_cast<std::uint32_t>(f.lowAddends[c]);
    const std::int64_t product = x * f.multipliers[c] + addend;
    const std::int64_t high = divided(product, 32);
    const int shift = f.shifts[c];
    if (f.rule == CodeRule::Up) {
        return divided(high, shift);
    }
    if (f.rule == CodeRule::Twice) {
        return divided(high + f.halves[c] - (high < 0 && shift > 0 ? 1 : 0), shift);
    }
    const std::int64_t y = divided(high + f.halves[c], shift);
    const bool isTie = divided(product, 32) * (std::int64_t{1} << 32) == product &&
                       high + f.halves[c] == y * (std::int64_t{1} << shift);
    const bool goesDown = f.rule == CodeRule::Even ? y % 2 != 0 : product < 0;
    return isTie && goesDown ? y - 1 : y;
}

std::int64_t finishedTwin(const CodeFinish& f, std::int64_t sum, Index c)
{
    return std::clamp<std::int64_t>(scaledTwin(f, sum, c) + f.zero, f.low, f.high);
}

Index sizeOf(CodeKind kind)
{
    return kind == CodeKind::Byte ? 1 : kind == CodeKind::Short ? 2 : 4;
}

std::int64_t codeAt(const std::vector<std::byte>& codes, CodeKind kind, Index i)
{
    const std::byte* at = codes.data() + i * sizeOf(kind);
    switch (kind) {
    case CodeKind::Byte:
        return static_cast<std::uint8_t>(*at);
    case CodeKind::Short: {
        std::int16_t code = 0;
        std::memcpy(&code, at, sizeof code);
        return code;
    }
    case CodeKind::Int:
        break;
    }
    std::int32_t code = 0;
    std::memcpy(&code, at, sizeof code);
    return code;
}

std::vector<std::byte> randomCodes(CodeKind kind, Index count, std::int64_t largest,
                                   Numbers& numbers)
{
    std::vector<std::byte> codes(static_cast<std::size_t>(count * sizeOf(kind)));
    for (Index i = 0; i < count; ++i) {
        const auto code = static_cast<std::int32_t>(
            numbers.between(kind == CodeKind::Byte ? 0 : -largest - 1, largest));
        std::memcpy(codes.data() + i * sizeOf(kind), &code, static_cast<std::size_t>(sizeOf(kind)));
    }
    return codes;
}

/// Two images of 5 rows each that overlap, 3 segments; what lies beyond is never used.
struct Windows {
    std::vector<Index> rows, segments;
    Index pitch = 0;

    Windows(Index rowStep, Index segmentStep, Index length)
    {
        for (Index r = 0; r < 5; ++r) {
            rows.push_back(r * rowStep);
        }
        for (Index s = 0; s < 3; ++s) {
            segments.push_back((2 - s) * segmentStep);
        }
        pitch = 4 * rowStep + 2 * segmentStep + length;
    }
    [[nodiscard]] CodeGather gather(const std::byte* data, Index words) const
    {
        return {data, pitch, rows.data(), std::ssize(rows), segments.data(), std::ssize(segments),
                words};
    }
};

constexpr std::byte kUntouched{0xA5};

/// `twin(row, column)` for rows `first` … 9 of two images, and nothing written elsewhere.
template <class Twin>
void expectRows(const std::vector<std::byte>& got, CodeKind kind, Index first, Index columns,
                const Twin& twin)
{
    const Index pitch = (columns + 1) * sizeOf(kind);
    for (Index row = 0; row < 10; ++row) {
        const auto begin = got.begin() + row * pitch;
        const std::vector<std::byte> line(begin, begin + pitch);
        for (Index c = 0; c < columns && row >= first; ++c) {
            ASSERT_EQ(codeAt(line, kind, c), twin(row, c))
                << "row " << row << ", column " << c << " of " << columns;
        }
        const Index written = row >= first ? columns * sizeOf(kind) : 0;
        for (Index i = written; i < pitch; ++i) {
            ASSERT_EQ(line[static_cast<std::size_t>(i)], kUntouched) << "row " << row;
        }
    }
}

class CodeProducts : public testing::TestWithParam<CodeWords> {
protected:
    void SetUp() override
    {
        if (GetParam() == CodeWords::Bytes && !multipliesBytes()) {
            GTEST_SKIP() << "this processor does not multiply bytes";
        }
    }
    [[nodiscard]] bool areBytes() const { return GetParam() == CodeWords::Bytes; }
};

TEST_P(CodeProducts, AreThoseOfEveryRowAndColumn)
{
    Numbers numbers(1);
    const CodeKind codeKind = areBytes() ? CodeKind::Byte : CodeKind::Short;
    const Index perWord = areBytes() ? 4 : 2;
    const std::int64_t largestWeight = areBytes() ? 127 : 32767;
    for (const Index words : {1, 2, 5}) {
        for (Index columns = 1; columns <= 70; columns += columns < 34 ? 1 : 7) {
            const Index length = words * perWord;
            const Windows windows(sizeOf(codeKind) * 3, sizeOf(codeKind) * 7,
                                  length * sizeOf(codeKind));
            const auto codes =
                randomCodes(codeKind, 2 * windows.pitch, areBytes() ? 255 : 32767, numbers);
            std::vector<std::int64_t> weights;
            std::vector<std::int32_t> source;
            for (Index i = 0; i < columns * 3 * words; ++i) {
                std::uint32_t word = 0;
                for (Index k = 0; k < perWord; ++k) {
                    weights.push_back(numbers.between(-largestWeight - 1, largestWeight));
                    const auto bits = static_cast<unsigned>(32 / perWord);
                    const auto mask = static_cast<std::uint32_t>((std::uint64_t{1} << bits) - 1);
                    word |= (static_cast<std::uint32_t>(weights.back()) & mask)
                            << (bits * static_cast<unsigned>(k));
                }
                source.push_back(static_cast<std::int32_t>(word));
            }
            std::vector<std::int32_t> packed(
                static_cast<std::size_t>(packedWords(3 * words, columns)));
            packWords(source.data(), 3 * words, columns, packed.data());
            const Columns all(columns, CodeRule::None, numbers);
            CodeFinish finish = all.finish(CodeRule::None, CodeKind::Int);
            const std::vector<std::int32_t> none(all.bias.size(), 0);
            finish.lifts = none.data();
            finish.low = std::numeric_limits<std::int32_t>::min();
            finish.high = std::numeric_limits<std::int32_t>::max();
            finish.zero = 0;
            const Index pitch = (columns + 1) * Index{sizeof(std::int32_t)};
            std::vector<std::byte> got(static_cast<std::size_t>(10 * pitch), kUntouched);
            const Index first = columns % 3;
            multiplyCodes(GetParam(), windows.gather(codes.data(), words), first, 10 - first,
                          packed.data(), columns, finish, {got.data(), 5 * pitch, pitch});
            expectRows(got, CodeKind::Int, first, columns, [&](Index row, Index c) {
                std::uint32_t sum = static_cast<std::uint32_t>(finish.bias[c]); // wraps
                for (Index k = 0; k < 3 * length; ++k) {
                    const Index at = row / 5 * windows.pitch +
                                     windows.rows[static_cast<std::size_t>(row % 5)] +
                                     windows.segments[static_cast<std::size_t>(k / length)];
                    const std::int64_t code =
                        codeAt(codes, codeKind, at / sizeOf(codeKind) + k % length);
                    sum += static_cast<std::uint32_t>(
                        code * weights[static_cast<std::size_t>(c * 3 * length + k)]);
                }
                return static_cast<std::int32_t>(sum);
            });
        }
    }
}
INSTANTIATE_TEST_SUITE_P(Words, CodeProducts, testing::Values(CodeWords::Bytes, CodeWords::Shorts));

TEST(CodeProductsByChannel, AreThoseOfEveryRowAndChannel)
{
    Numbers numbers(2);
    for (const CodeKind kind : {CodeKind::Byte, CodeKind::Short}) {
        for (Index channels = 1; channels <= 70; channels += channels < 34 ? 1 : 9) {
            const Index pixel = channels * sizeOf(kind);
            const Windows windows(pixel, 2 * pixel, pixel);
            const auto codes = randomCodes(kind, 2 * windows.pitch + kCodePadding,
                                           kind == CodeKind::Byte ? 255 : 32767, numbers);
            const Index pitch = (channels + kCodePadding - 1) / kCodePadding * kCodePadding;
            std::vector<std::int64_t> weights(static_cast<std::size_t>(3 * pitch), 0);
            std::vector<std::int32_t> words(weights.size(), 0);
            for (Index i = 0; i < 3 * pitch; ++i) {
                if (i % pitch < channels) {
                    const auto at = static_cast<std::size_t>(i);
                    weights[at] = numbers.between(-9000, 9000); // no sum leaves 32 bits
                    words[at] = static_cast<std::int32_t>(weights[at]) & 0xFFFF;
                }
            }
            const Columns all(channels, CodeRule::Float, numbers);
            CodeFinish finish = all.finish(CodeRule::Float, CodeKind::Byte);
            const std::vector<std::int32_t> none(all.bias.size(), 0);
            finish.lifts = none.data();
            const Index line = channels + 1;
            std::vector<std::byte> got(static_cast<std::size_t>(10 * line), kUntouched);
            const Index first = channels % 2;
            multiplyCodesByChannel(kind, windows.gather(codes.data(), 0), first, 10 - first,
                                   words.data(), pitch, channels, finish,
                                   {got.data(), 5 * line, line});
            expectRows(got, CodeKind::Byte, first, channels, [&](Index row, Index c) {
                std::int64_t sum = 0;
                for (std::size_t tap = 0; tap < 3; ++tap) {
                    const Index at = row / 5 * windows.pitch +
                                     windows.rows[static_cast<std::size_t>(row % 5)] +
                                     windows.segments[tap];
                    sum += codeAt(codes, kind, at / sizeOf(kind) + c) *
                           weights[tap * static_cast<std::size_t>(pitch) +
                                   static_cast<std::size_t>(c)];
                }
                return finishedTwin(finish, sum, c);
            });
        }
    }
}

/// Elements and the columns they belong to in turn.
struct SumCase {
    Index count, columns;
};
constexpr std::array kSumCases{SumCase{1, 1},    SumCase{3, 1},   SumCase{16, 1},
                               SumCase{1100, 1}, SumCase{35, 5},  SumCase{16, 8},
                               SumCase{640, 16}, SumCase{37, 37}, SumCase{370, 37}};

void expectSums(CodeRule rule, CodeKind from, CodeKind to, const SumCase& c, Numbers& numbers)
{
    Columns terms(c.columns, CodeRule::None, numbers);
    Columns columns(c.columns, rule, numbers);
    if (c.columns == 1) {
        terms.level();
        columns.level();
    }
    const std::int64_t largest = from == CodeKind::Short ? 32767 : 200;
    const auto codes = randomCodes(from, c.count, largest, numbers);
    const std::array<CodeTerm, 2> both{
        CodeTerm{from, terms.finish(CodeRule::None, CodeKind::Int), false},
        CodeTerm{from, columns.finish(rule, CodeKind::Int), true}};
    const std::array inputs{codes.data(), codes.data()};
    const CodeFinish finish = columns.finish(rule, to);
    for (const Index used : {1, 2}) {
        std::vector<std::byte> got(static_cast<std::size_t>((c.count + 1) * sizeOf(to)),
                                   kUntouched);
        sumCodes(both.data(), inputs.data(), used, c.count, c.columns, finish, got.data());
        for (Index i = 0; i < c.count; ++i) {
            const Index column = i % c.columns;
            const std::int64_t code = codeAt(codes, from, i);
            std::int64_t sum = scaledTwin(both[0].scale, code, column);
            if (used == 2 && rule == CodeRule::Float) { // which clips at once
                sum -= finishedTwin(both[1].scale, code, column) - both[1].scale.zero;
            } else if (used == 2) {
                sum -= scaledTwin(both[1].scale, code, column);
            }
            ASSERT_EQ(codeAt(got, to, i), finishedTwin(finish, sum, column))
                << "rule " << static_cast<int>(rule) << ", sum " << sum;
        }
        ASSERT_EQ(got.back(), kUntouched);
    }
}

/// A term that keeps its codes shows the finish alone.
TEST(CodeSums, AreScaledAndRoundedByEveryRule)
{
    Numbers numbers(3);
    for (const CodeRule rule : kRules) {
        for (const CodeKind from : kKinds) {
            for (const CodeKind to : kKinds) {
                for (const SumCase& c : kSumCases) {
                    expectSums(rule, from, to, c, numbers);
                }
            }
        }
    }
}

TEST(CodeSums, TiesFallWhereTheirRuleSays)
{
    constexpr Index kCount = 161;
    std::vector<std::byte> codes(kCount * sizeof(std::int32_t));
    for (std::int32_t i = 0; i < kCount; ++i) {
        const std::int32_t code = i - 80;
        std::memcpy(codes.data() + i * Index{sizeof code}, &code, sizeof code);
    }
    for (const CodeRule rule : kRules) {
        for (const int shift : {1, 2, 3}) {
            Numbers numbers(5);
            Columns columns(0, rule, numbers);
            columns.bias.front() = columns.lifts.front() = 0;
            columns.multipliers.front() = 1 << 30;
            columns.setAddend(0, 0);
            columns.shifts.front() = shift;
            columns.halves.front() = 1 << (shift - 1);
            columns.factors.front() = std::ldexp(1.0F, -2 - shift);
            columns.level();
            Columns plain = columns;
            const CodeTerm term{CodeKind::Int, plain.finish(CodeRule::None, CodeKind::Int), false};
            const CodeFinish finish = columns.finish(rule, CodeKind::Int);
            const std::byte* input = codes.data();
            std::vector<std::byte> got(codes.size());
            sumCodes(&term, &input, 1, kCount, 1, finish, got.data());
            for (Index i = 0; i < kCount; ++i) {
                ASSERT_EQ(codeAt(got, CodeKind::Int, i), finishedTwin(finish, i - 80, 0))
                    << "rule " << static_cast<int>(rule) << ", shift " << shift;
            }
        }
    }
}

TEST(CodeQuantizing, RoundsToTheNearestEvenOneAndClips)
{
    const float infinity = std::numeric_limits<float>::infinity();
    std::vector<float> x{infinity, -infinity, std::nanf(""), 1e30F, -1e30F, 0.0F, -0.0F};
    for (int i = -1100; i <= 1100; ++i) {
        x.push_back(static_cast<float>(i) * 0.0625F);
    }
    for (const float scale : {0.125F, 0.1F, 3.0F}) {
        for (std::size_t count = x.size(); count > x.size() - 20; --count) {
            std::vector<std::uint8_t> got(count + 1, 0xA5);
            quantizeCodes(x.data(), static_cast<Index>(count), scale, -100.0F, 120.0F, 104,
                          CodeKind::Byte, reinterpret_cast<std::byte*>(got.data()));
            for (std::size_t i = 0; i < count; ++i) {
                const float steps = std::isnan(x[i]) ? 0.0F : x[i] / scale;
                const float wanted = std::clamp(std::nearbyint(steps), -100.0F, 120.0F) + 104.0F;
                ASSERT_EQ(got[i], static_cast<std::uint8_t>(wanted)) << x[i] << " / " << scale;
            }
            ASSERT_EQ(got.back(), 0xA5);
        }
    }
}

TEST(CodeQuantizing, KnowsAllKindsBothWays)
{
    Numbers numbers(6);
    for (const CodeKind kind : kKinds) {
        for (const Index count : {1, 15, 16, 33, 100}) {
            const auto codes = randomCodes(kind, count, 20000, numbers);
            std::vector<float> values(static_cast<std::size_t>(count) + 1, -1.0F);
            constexpr double kStep = 0.0123456789;
            dequantizeCodes(codes.data(), kind, count, 100, kStep, values.data());
            for (Index i = 0; i < count; ++i) {
                const auto number = static_cast<double>(codeAt(codes, kind, i) - 100);
                ASSERT_EQ(values[static_cast<std::size_t>(i)], static_cast<float>(kStep * number));
            }
            ASSERT_EQ(values.back(), -1.0F);
            std::vector<std::byte> got(codes.size() + 1, kUntouched);
            quantizeCodes(values.data(), count, static_cast<float>(kStep), -30000.0F, 30000.0F, 100,
                          kind, got.data());
            EXPECT_TRUE(std::equal(codes.begin(), codes.end(), got.begin()));
            EXPECT_EQ(got.back(), kUntouched);
        }
    }
}

TEST(CodePools, TakeWhatLiesInsideTheImage)
{
    Numbers numbers(4);
    for (const Index channels : {1, 7, 16, 45}) {
        for (const Index stride : {1, 2, 3}) {
            for (const Index pad : {0, 1}) {
                const Pool p{.height = 7,
                             .width = 5,
                             .channels = channels,
                             .outHeight = (7 + 2 * pad - 3) / stride + 1,
                             .outWidth = (5 + 2 * pad - 2) / stride + 1,
                             .windowHeight = 3,
                             .windowWidth = 2,
                             .strideHeight = stride,
                             .strideWidth = stride,
                             .padTop = pad,
                             .padLeft = pad};
                const auto codes =
                    randomCodes(CodeKind::Byte, p.height * p.width * channels, 255, numbers);
                const auto* x = reinterpret_cast<const std::uint8_t*>(codes.data());
                const auto size = static_cast<std::size_t>(p.outHeight * p.outWidth * channels);
                std::vector<std::uint8_t> largest(size);
                std::vector<std::int32_t> sums(size);
                maxPoolCodes(p, x, largest.data());
                sumPoolCodes(p, x, sums.data());
                for (std::size_t i = 0; i < size; ++i) {
                    const Index pixel = static_cast<Index>(i) / channels;
                    int most = 0;
                    int sum = 0;
                    for (Index k = 0; k < 6; ++k) {
                        const Index h = pixel / p.outWidth * stride - pad + k / 2;
                        const Index w = pixel % p.outWidth * stride - pad + k % 2;
                        if (h >= 0 && h < p.height && w >= 0 && w < p.width) {
                            const int code =
                                x[(h * p.width + w) * channels + static_cast<Index>(i) % channels];
                            most = std::max(most, code);
                            sum += code;
                        }
                    }
                    ASSERT_EQ(largest[i], most);
                    ASSERT_EQ(sums[i], sum);
                }
            }
        }
    }
}

} // namespace
} // namespace bitscape::kernels
