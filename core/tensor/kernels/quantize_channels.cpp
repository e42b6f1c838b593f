// SPDX-License-Identifier: GPL-3.0-or-later
// The loops of quantize.h with a step per channel, and the sums that fit one.
#include "core/tensor/kernels/quantize.h"
#include "core/tensor/kernels/vector_rounding.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

namespace bitscape::kernels {

namespace {

/// Adding +0 turns −0 into +0 and changes nothing else.
constexpr float kPlusZero = 0.0F;
constexpr float kSmallestNormal = std::numeric_limits<float>::min();

// ---- codes of one vector -----------------------------------------------------------------------

/// Division by powers of two is multiplication by their inverses, as long as these are normal.
bool hasExactInverse(float step)
{
    constexpr std::int32_t kMantissaMask = 0x7FFFFF;
    constexpr std::int32_t kLeast = 0x00800000; // 2^-126
    constexpr std::int32_t kMost = 0x7E800000;  // 2^126
    const auto bits = std::bit_cast<std::int32_t>(step);
    return bits >= kLeast && bits <= kMost && (bits & kMantissaMask) == 0;
}

/// Steps that are far from both ends of the floats.
bool isOrdinary(float step)
{
    return step >= 0x1p-100F && step <= 0x1p100F;
}

template <class Test>
bool areAll(Test test, const float* steps, std::ptrdiff_t count)
{
    return std::all_of(steps, steps + count, test);
}

/// x · code and code² of codes that are 0 or ±1.
struct Products {
    Vector product;
    Vector square;
};

/// Half away from zero, and no larger than `top`.
template <bool IsPower>
struct AwayCodes {
    static constexpr bool areSigns = false;
    float factor;
    float top;

    /// What divides, or multiplies where the step is a power of two.
    BITSCAPE_INLINE Vector prepared(Vector step) const
    {
        constexpr std::int32_t kTwice = 0x7F000000; // 254 as an exponent
        return IsPower ? floatsOf(kTwice - bitsOf(step)) : step;
    }
    BITSCAPE_INLINE Vector scaled(Vector x) const { return x * factor; }
    BITSCAPE_INLINE Vector code(Vector x, Vector divisor) const
    {
        const Vector ratio = IsPower ? sizeOf(x) * divisor : sizeOf(x) / divisor;
        const Vector size = atMost(broadcast(top), floorOfSize(ratio + 0.5F));
        const Vector code = withSign(size, x);
        return IsPower ? code : (x == 0.0F ? Vector{} : code); // 0 / 0 where all values are 0
    }
    BITSCAPE_INLINE Vector codeOrNan(Vector x, Vector divisor) const { return code(x, divisor); }
};

/// ±1 where |x| / step, rounded half to even, is not 0.
template <bool IsOrdinary>
struct TernaryCodes {
    static constexpr bool areSigns = true;
    static constexpr float top = 1.0F;

    BITSCAPE_INLINE static Vector size(Vector x, Vector step)
    {
        // A step of 0 gives 0 · ∞ or 0 / 0 here, which is not above anything: code 0.
        const Vector reached = sizeOf(step * roundedEven(x / step));
        return reached >= step / 2.0F ? broadcast(1.0F) : Vector{};
    }
    /// The smallest magnitude with a code, which is at most two floats above half a step.
    BITSCAPE_INLINE Vector prepared(Vector step) const
    {
        if constexpr (!IsOrdinary) {
            return step;
        }
        const Vector half = step / 2.0F;
        const Vector next = floatsOf(bitsOf(half) + 1);
        const Vector last = floatsOf(bitsOf(half) + 2);
        const Vector upper = size(next, step) != 0.0F ? next : last;
        return size(half, step) != 0.0F ? half : upper;
    }
    BITSCAPE_INLINE Vector scaled(Vector x) const { return x; }
    BITSCAPE_INLINE Vector code(Vector x, Vector threshold) const
    {
        if constexpr (!IsOrdinary) {
            return withSign(size(x, threshold), x);
        }
        const Vector one = withSign(broadcast(1.0F), x);
        return sizeOf(x) >= threshold ? one : Vector{};
    }
    BITSCAPE_INLINE Vector codeOrNan(Vector x, Vector threshold) const
    {
        return x != x ? x : code(x, threshold);
    }
    /// x · code, and its square.
    BITSCAPE_INLINE Products products(Vector x, Vector threshold) const
    {
        if constexpr (!IsOrdinary) {
            const Vector each = code(x, threshold);
            return {x * each, each * each};
        }
        const Vector size = sizeOf(x);
        return {size < threshold ? Vector{} : size, // NaN stays
                size < threshold ? Vector{} : broadcast(1.0F)};
    }
};

struct SignCodes {
    static constexpr bool areSigns = true;
    static constexpr float top = 1.0F;
    float negative;

    BITSCAPE_INLINE Vector prepared(Vector step) const { return step; }
    BITSCAPE_INLINE Vector scaled(Vector x) const { return x; }
    BITSCAPE_INLINE Vector code(Vector x, Vector /*step*/) const
    {
        return x <= -kSmallestNormal ? broadcast(negative) : broadcast(1.0F);
    }
    BITSCAPE_INLINE Vector codeOrNan(Vector x, Vector step) const
    {
        return x != x ? x : code(x, step);
    }
    BITSCAPE_INLINE Products products(Vector x, Vector step) const
    {
        const Vector each = code(x, step);
        return {x * each, each * each};
    }
};

struct EvenCodes {
    float low;
    float high;

    BITSCAPE_INLINE Vector operator()(Vector x, Vector step) const
    {
        return within(broadcast(low), broadcast(high), roundedEven(x / step));
    }
};

// ---- rows × channels ---------------------------------------------------------------------------

/// y = f(x, c): f<IsWhole>(vector of x, its first channel, lanes). A single channel is given to f
/// as channel 0 with any number of lanes.
template <class Function>
BITSCAPE_INLINE void mapRows(const float* x, float* y, std::ptrdiff_t rows, std::ptrdiff_t channels,
                             Function f)
{
    for (std::ptrdiff_t r = 0; r < rows; ++r, x += channels, y += channels) {
        std::ptrdiff_t c = 0;
        for (; c + kLanes <= channels; c += kLanes) {
            store(y + c, f.template operator()<true>(load(x + c), c, kLanes));
        }
        if (const auto rest = static_cast<int>(channels - c); rest > 0) {
            storePart(y + c, f.template operator()<false>(loadPart(x + c, rest), c, rest), rest);
        }
    }
}

/// Whole vectors; a few channels more than there are.
using Prepared = std::vector<float>;

template <class Codes>
Prepared preparedSteps(const Codes& codes, const float* step, std::ptrdiff_t channels)
{
    Prepared out(static_cast<std::size_t>(channels + kLanes));
    std::ptrdiff_t c = 0;
    for (; c + kLanes <= channels; c += kLanes) {
        store(out.data() + c, codes.prepared(load(step + c)));
    }
    if (const auto rest = static_cast<int>(channels - c); rest > 0) {
        store(out.data() + c, codes.prepared(loadPart(step + c, rest)));
    }
    return out;
}

/// y = codes(x · factor, step[c]) · output[c]; output null: the codes themselves.
template <class Codes>
BITSCAPE_INLINE void quantizeRows(const Codes& codes, const float* x, float* y, std::ptrdiff_t rows,
                                  std::ptrdiff_t channels, const float* step, const float* output)
{
    if (channels == 1) {
        const Vector prepared = codes.prepared(broadcast(step[0]));
        const Vector factor = broadcast(output == nullptr ? 1.0F : output[0]);
        mapVectors(
            x, y, rows, [=](Vector value) __attribute__((always_inline)) {
                return codes.codeOrNan(codes.scaled(value), prepared) * factor + kPlusZero;
            });
        return;
    }
    const Prepared steps = preparedSteps(codes, step, channels);
    const float* prepared = steps.data();
    mapRows(
        x, y, rows, channels,
        [=]<bool IsWhole>(Vector value, std::ptrdiff_t c, int lanes)
            __attribute__((always_inline)) {
                const Vector code = codes.codeOrNan(codes.scaled(value), load(prepared + c));
                return (output == nullptr ? code : code * loadLanes<IsWhole>(output + c, lanes)) +
                       kPlusZero;
            });
}

// ---- sums --------------------------------------------------------------------------------------

using DoubleVector [[gnu::vector_size(kLanes / 2 * sizeof(double))]] = double;

/// The lower and the upper half of a vector.
struct Halves {
    DoubleVector low;
    DoubleVector high;
};

BITSCAPE_INLINE Halves widened(Vector value)
{
#if defined(__AVX512F__)
    return {__builtin_convertvector(__builtin_shufflevector(value, value, 0, 1, 2, 3, 4, 5, 6, 7),
                                    DoubleVector),
            __builtin_convertvector(
                __builtin_shufflevector(value, value, 8, 9, 10, 11, 12, 13, 14, 15), DoubleVector)};
#elif defined(__AVX2__)
    return {
        __builtin_convertvector(__builtin_shufflevector(value, value, 0, 1, 2, 3), DoubleVector),
        __builtin_convertvector(__builtin_shufflevector(value, value, 4, 5, 6, 7), DoubleVector)};
#elif defined(__SSE2__)
    return {_mm_cvtps_pd(value), _mm_cvtps_pd(_mm_movehl_ps(value, value))};
#else
    Halves out{};
    for (int i = 0; i < kLanes / 2; ++i) {
        out.low[i] = value[i];
        out.high[i] = value[i + kLanes / 2];
    }
    return out;
#endif
}

/// sum + a · b. Products of two floats are exact in double: fused or not, the bits are the same.
BITSCAPE_INLINE DoubleVector plusProduct(DoubleVector sum, DoubleVector a, DoubleVector b)
{
#if defined(__AVX512F__)
    return _mm512_fmadd_pd(a, b, sum);
#elif defined(__AVX2__)
    return _mm256_fmadd_pd(a, b, sum);
#else
    return sum + a * b;
#endif
}

/// Sums of one vector of channels.
struct Sums {
    std::array<double, kLanes> lanes{};

    Sums(const double* from, int count) { std::copy_n(from, count, lanes.begin()); }
    void writeTo(double* to, int count) const { std::copy_n(lanes.begin(), count, to); }
    [[nodiscard]] Halves halves() const { return std::bit_cast<Halves>(lanes); }
    void set(const Halves& halves) { lanes = std::bit_cast<std::array<double, kLanes>>(halves); }
};

/// Squares of codes up to this large add up exactly in float, some rows at a time.
constexpr float kLargestSmallCode = 1024.0F;

/// Adds one vector of channels, all rows in order. A NaN makes the sum of products NaN, and the
/// quotient with it.
template <class Codes, bool IsWhole>
BITSCAPE_INLINE void sumColumns(const Codes& codes, const float* x, std::ptrdiff_t rows,
                                std::ptrdiff_t channels, Vector prepared, int lanes,
                                double* products, double* squares)
{
    constexpr float kExactFloats = 16777216.0F; // 2^24
    const bool isSmall = codes.top <= kLargestSmallCode;
    const float largestSquare = std::max(codes.top * codes.top, 1.0F);
    const auto exactRows =
        isSmall ? static_cast<std::ptrdiff_t>(kExactFloats / largestSquare) : rows;
    Sums productSums(products, lanes);
    Sums squareSums(squares, lanes);
    Halves product = productSums.halves();
    Halves square = squareSums.halves();
    for (std::ptrdiff_t r = 0; r < rows;) {
        const std::ptrdiff_t end = std::min(rows, r + exactRows);
        Vector smallSquares{};
        for (; r < end; ++r, x += channels) {
            const Vector scaled = codes.scaled(loadLanes<IsWhole>(x, lanes));
            if constexpr (Codes::areSigns) {
                const Products each = codes.products(scaled, prepared);
                const Halves value = widened(each.product);
                product.low += value.low;
                product.high += value.high;
                smallSquares += each.square;
                continue;
            }
            const Vector code = codes.code(scaled, prepared);
            const Halves value = widened(scaled);
            const Halves wide = widened(code);
            product.low = plusProduct(product.low, value.low, wide.low);
            product.high = plusProduct(product.high, value.high, wide.high);
            if (isSmall) {
                smallSquares += code * code;
            } else {
                square.low = plusProduct(square.low, wide.low, wide.low);
                square.high = plusProduct(square.high, wide.high, wide.high);
            }
        }
        const Halves small = widened(smallSquares);
        square.low += small.low;
        square.high += small.high;
    }
    productSums.set(product);
    squareSums.set(square);
    productSums.writeTo(products, lanes);
    squareSums.writeTo(squares, lanes);
}

/// One channel: codes by vectors, the sum in order.
template <class Codes>
void sumColumn(const Codes& codes, const float* x, std::ptrdiff_t rows, Vector prepared,
               const FitSums& sums)
{
    constexpr std::ptrdiff_t kBlock = 512;
    std::array<float, kBlock> values{};
    std::array<float, kBlock> block{};
    double products = sums.products[0];
    double squares = sums.squares[0];
    for (std::ptrdiff_t first = 0; first < rows; first += kBlock) {
        const std::ptrdiff_t count = std::min(kBlock, rows - first);
        mapVectors(
            x + first, values.data(), count, [&](Vector value) __attribute__((always_inline)) {
                return codes.scaled(value);
            });
        mapVectors(
            values.data(), block.data(), count, [&](Vector value) __attribute__((always_inline)) {
                return codes.code(value, prepared);
            });
        for (std::ptrdiff_t i = 0; i < count; ++i) {
            const double code = block[static_cast<std::size_t>(i)];
            products += static_cast<double>(values[static_cast<std::size_t>(i)]) * code;
            squares += code * code;
        }
    }
    sums.products[0] = products;
    sums.squares[0] = squares;
}

bool areSettled(const unsigned char* settled, std::ptrdiff_t count)
{
    return settled != nullptr &&
           std::all_of(settled, settled + count, [](unsigned char flag) { return flag != 0; });
}

template <class Codes>
void sumRows(const Codes& codes, const float* x, std::ptrdiff_t rows, std::ptrdiff_t channels,
             const float* step, const FitSums& sums)
{
    if (channels == 1) {
        sumColumn(codes, x, rows, codes.prepared(broadcast(step[0])), sums);
        return;
    }
    for (std::ptrdiff_t c = 0; c < channels; c += kLanes) {
        const auto lanes = static_cast<int>(std::min<std::ptrdiff_t>(kLanes, channels - c));
        if (sums.settled != nullptr && areSettled(sums.settled + c, lanes)) {
            continue;
        }
        const Vector prepared =
            codes.prepared(lanes == kLanes ? load(step + c) : loadPart(step + c, lanes));
        const auto sum = lanes == kLanes ? sumColumns<Codes, true> : sumColumns<Codes, false>;
        sum(codes, x + c, rows, channels, prepared, lanes, sums.products + c, sums.squares + c);
    }
}

} // namespace

void roundAwayByChannel(const float* x, float* z, std::ptrdiff_t rows, std::ptrdiff_t channels,
                        float factor, const float* step, float top)
{
    quantizeAwayByChannel(x, z, rows, channels, factor, step, top, nullptr);
}

void quantizeAwayByChannel(const float* x, float* y, std::ptrdiff_t rows, std::ptrdiff_t channels,
                           float factor, const float* step, float top, const float* output)
{
    if (areAll(hasExactInverse, step, channels)) {
        quantizeRows(AwayCodes<true>{factor, top}, x, y, rows, channels, step, output);
    } else {
        quantizeRows(AwayCodes<false>{factor, top}, x, y, rows, channels, step, output);
    }
}

void quantizeTernaryByChannel(const float* x, float* y, std::ptrdiff_t rows,
                              std::ptrdiff_t channels, const float* step, const float* output)
{
    if (areAll(isOrdinary, step, channels)) {
        quantizeRows(TernaryCodes<true>{}, x, y, rows, channels, step, output);
    } else {
        quantizeRows(TernaryCodes<false>{}, x, y, rows, channels, step, output);
    }
}

void quantizeSignByChannel(const float* x, float* y, std::ptrdiff_t rows, std::ptrdiff_t channels,
                           float negative, const float* output)
{
    quantizeRows(SignCodes{negative}, x, y, rows, channels, output, output);
}

void roundEvenByChannel(const float* x, float* z, std::ptrdiff_t rows, std::ptrdiff_t channels,
                        const float* step, float low, float high)
{
    const EvenCodes codes{low, high};
    if (channels == 1) {
        const Vector only = broadcast(step[0]);
        mapVectors(
            x, z, rows, [=](Vector value) __attribute__((always_inline)) {
                return codes(value, only) + kPlusZero;
            });
        return;
    }
    mapRows(
        x, z, rows, channels,
        [=]<bool IsWhole>(Vector value, std::ptrdiff_t c, int lanes)
            __attribute__((always_inline)) {
                return codes(value, loadLanes<IsWhole>(step + c, lanes)) + kPlusZero;
            });
}

void scaleByChannel(const float* z, float* y, std::ptrdiff_t rows, std::ptrdiff_t channels,
                    const float* step)
{
    if (channels == 1) {
        const float only = step[0];
        mapVectors(
            z, y, rows, [=](Vector value) __attribute__((always_inline)) {
                return value * only + kPlusZero;
            });
        return;
    }
    mapRows(
        z, y, rows, channels,
        [=]<bool IsWhole>(Vector value, std::ptrdiff_t c, int lanes) __attribute__((
            always_inline)) { return value * loadLanes<IsWhole>(step + c, lanes) + kPlusZero; });
}

void maxAbsByChannel(const float* x, std::ptrdiff_t rows, std::ptrdiff_t channels, float* largest)
{
    if (channels == 1) {
        Vector most{};
        std::ptrdiff_t i = 0;
        for (; i + kLanes <= rows; i += kLanes) {
            const Vector size = sizeOf(load(x + i));
            most = size > most ? size : most;
        }
        if (const auto rest = static_cast<int>(rows - i); rest > 0) {
            const Vector size = sizeOf(loadPart(x + i, rest));
            most = size > most ? size : most;
        }
        for (int lane = 0; lane < kLanes; ++lane) {
            largest[0] = std::max(largest[0], most[lane]);
        }
        return;
    }
    const auto larger =
        []<bool IsWhole>(const float* from, Vector most, int lanes) __attribute__((always_inline))
    {
        const Vector size = sizeOf(loadLanes<IsWhole>(from, lanes));
        return size > most ? size : most;
    };
    for (std::ptrdiff_t r = 0; r < rows; ++r, x += channels) {
        std::ptrdiff_t c = 0;
        for (; c + kLanes <= channels; c += kLanes) {
            store(largest + c, larger.template operator()<true>(x + c, load(largest + c), kLanes));
        }
        if (const auto rest = static_cast<int>(channels - c); rest > 0) {
            const Vector most = loadPart(largest + c, rest);
            storePart(largest + c, larger.template operator()<false>(x + c, most, rest), rest);
        }
    }
}

void sumProductsByChannel(const float* x, const float* z, std::ptrdiff_t rows,
                          std::ptrdiff_t channels, float factor, double* xz, double* zz)
{
    for (std::ptrdiff_t r = 0; r < rows; ++r) {
        for (std::ptrdiff_t c = 0; c < channels; ++c) {
            const std::ptrdiff_t i = r * channels + c;
            const double code = z[i];
            xz[c] += static_cast<double>(x[i] * factor) * code;
            zz[c] += code * code;
        }
    }
}

void sumAwayByChannel(const float* x, std::ptrdiff_t rows, std::ptrdiff_t channels, float factor,
                      const float* step, float top, const FitSums& sums)
{
    if (areAll(hasExactInverse, step, channels)) {
        sumRows(AwayCodes<true>{factor, top}, x, rows, channels, step, sums);
    } else {
        sumRows(AwayCodes<false>{factor, top}, x, rows, channels, step, sums);
    }
}

void sumTernaryByChannel(const float* x, std::ptrdiff_t rows, std::ptrdiff_t channels,
                         const float* step, const FitSums& sums)
{
    if (areAll(isOrdinary, step, channels)) {
        sumRows(TernaryCodes<true>{}, x, rows, channels, step, sums);
    } else {
        sumRows(TernaryCodes<false>{}, x, rows, channels, step, sums);
    }
}

void sumSignByChannel(const float* x, std::ptrdiff_t rows, std::ptrdiff_t channels, float negative,
                      const FitSums& sums)
{
    const std::array<float, kLanes> none{}; // signs have no step
    const SignCodes codes{negative};
    for (std::ptrdiff_t c = 0; c < channels; c += kLanes) {
        const auto lanes = static_cast<int>(std::min<std::ptrdiff_t>(kLanes, channels - c));
        const FitSums at{sums.products + c, sums.squares + c, nullptr};
        if (channels == 1) {
            sumColumn(codes, x, rows, load(none.data()), at);
        } else {
            const auto sum =
                lanes == kLanes ? sumColumns<SignCodes, true> : sumColumns<SignCodes, false>;
            sum(codes, x + c, rows, channels, load(none.data()), lanes, at.products, at.squares);
        }
    }
}

} // namespace bitscape::kernels
