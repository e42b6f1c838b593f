// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/integer/code_finisher.h"
#include "core/graph/integer/code_work.h"

#include <algorithm>
#include <limits>

namespace bitscape::graph {

namespace {

/// Pixels of the image that the window of an output pixel holds.
Index pixelsUnder(const kernels::Pool& p, Index pixel)
{
    const Index top = pixel / p.outWidth * p.strideHeight - p.padTop;
    const Index left = pixel % p.outWidth * p.strideWidth - p.padLeft;
    const Index rows = std::min(top + p.windowHeight, p.height) - std::max<Index>(top, 0);
    const Index columns = std::min(left + p.windowWidth, p.width) - std::max<Index>(left, 0);
    return rows * columns;
}

/// LiteRT's: ties away from zero.
std::int64_t mean(std::int64_t sum, std::int64_t pixels)
{
    const std::int64_t half = sum > 0 ? pixels / 2 : -(pixels / 2);
    return (sum + half) / pixels;
}

/// Numbers of 64 bits, whatever the codes are.
class PlainPoolStep final : public StepBase {
public:
    PlainPoolStep(const IntegerProgram& program, const IntegerStep& step)
        : StepBase(program, step), m_work(std::get<PoolWork>(step.work))
    {
    }

    void run(const CodeCall& call) const override
    {
        const kernels::Pool& p = m_work.pool;
        auto* numbers = call.scratch->as<std::int64_t>();
        std::int64_t* row = numbers + inputSize(0);
        const bool isSum = m_work.kind == PoolKind::Average && !m_work.divides;
        for (Index sample = 0; sample < call.count; ++sample) {
            loadCodes(input(0), call.inputs[0], sample * inputSize(0), inputSize(0), numbers);
            const std::int64_t zero = isSum ? input(0).grid.zero : 0;
            for (Index pixel = 0; pixel < p.outHeight * p.outWidth; ++pixel) {
                window(numbers, pixel, zero, row);
                finishCodes(step(), output(), call.output,
                            sample * outputSize() + pixel * p.channels, p.channels,
                            pixel * p.channels, row);
            }
        }
    }
    [[nodiscard]] Index scratchBytes() const override
    {
        return (inputSize(0) + m_work.pool.channels) * Index{sizeof(std::int64_t)};
    }

private:
    void window(const std::int64_t* x, Index pixel, std::int64_t zero, std::int64_t* row) const
    {
        const kernels::Pool& p = m_work.pool;
        const Index top = pixel / p.outWidth * p.strideHeight - p.padTop;
        const Index left = pixel % p.outWidth * p.strideWidth - p.padLeft;
        const bool isMax = m_work.kind == PoolKind::Max;
        std::fill_n(row, p.channels,
                    isMax ? std::numeric_limits<std::int64_t>::min() : std::int64_t{0});
        for (Index h = std::max<Index>(top, 0); h < std::min(top + p.windowHeight, p.height); ++h) {
            for (Index w = std::max<Index>(left, 0); w < std::min(left + p.windowWidth, p.width);
                 ++w) {
                const std::int64_t* from = x + (h * p.width + w) * p.channels;
                for (Index c = 0; c < p.channels; ++c) {
                    row[c] = isMax ? std::max(row[c], from[c]) : row[c] + from[c] - zero;
                }
            }
        }
        for (Index c = 0; m_work.divides && c < p.channels; ++c) {
            row[c] = std::clamp(mean(row[c], pixelsUnder(p, pixel)), output().grid.low,
                                output().grid.high);
        }
    }

    const PoolWork& m_work;
};

/// Bytes of one grid through kernels.
class QuickPoolStep final : public StepBase {
public:
    QuickPoolStep(const IntegerProgram& program, const IntegerStep& step)
        : StepBase(program, step), m_work(std::get<PoolWork>(step.work))
    {
        if (m_work.kind != PoolKind::Max && !m_work.divides) {
            const kernels::Pool& p = m_work.pool;
            const std::int64_t zeros =
                (input(0).grid.zero - layout(0).base) * p.windowHeight * p.windowWidth;
            const std::int64_t largest = input(0).grid.largest() * p.windowHeight * p.windowWidth;
            m_sum = CodeSum::make({{{Kept::Int, 0}, {}, {-largest, largest, {0}, {-zeros}}, false}},
                                  step.requantization, outputLayout());
        }
    }

    /// Otherwise PlainPoolStep has to do it.
    [[nodiscard]] bool isPossible() const
    {
        const bool keepsGrid = m_work.kind == PoolKind::Max || m_work.divides;
        return layout(0).kept == Kept::Byte &&
               (keepsGrid ? outputLayout() == layout(0) && !step().requantization
                          : m_sum.has_value());
    }

    void run(const CodeCall& call) const override
    {
        const auto* x = reinterpret_cast<const std::uint8_t*>(call.inputs[0]);
        std::byte* y = call.output;
        for (Index sample = 0; sample < call.count; ++sample) {
            pool(x, call.scratch->as<std::int32_t>(), y);
            x += inputSize(0);
            y += outputSize() * sizeOf(outputLayout().kept);
        }
    }
    [[nodiscard]] Index scratchBytes() const override
    {
        return outputSize() * Index{sizeof(std::int32_t)};
    }

private:
    void pool(const std::uint8_t* x, std::int32_t* sums, std::byte* y) const
    {
        if (m_work.kind == PoolKind::Max) {
            kernels::maxPoolCodes(m_work.pool, x, reinterpret_cast<std::uint8_t*>(y));
            return;
        }
        kernels::sumPoolCodes(m_work.pool, x, sums);
        if (m_work.divides) {
            divide(sums, reinterpret_cast<std::uint8_t*>(y));
            return;
        }
        const std::byte* numbers = reinterpret_cast<const std::byte*>(sums);
        m_sum->run(&numbers, outputSize(), y);
    }

    void divide(const std::int32_t* sums, std::uint8_t* to) const
    {
        const kernels::Pool& p = m_work.pool;
        const std::int64_t base = outputLayout().base;
        for (Index pixel = 0; pixel < p.outHeight * p.outWidth; ++pixel) {
            const Index pixels = pixelsUnder(p, pixel);
            for (Index c = 0; c < p.channels; ++c) {
                const std::int64_t code = mean(*sums++ + pixels * base, pixels);
                *to++ = static_cast<std::uint8_t>(
                    std::clamp(code, output().grid.low, output().grid.high) - base);
            }
        }
    }

    const PoolWork& m_work;
    std::optional<CodeSum> m_sum; ///< unless it divides
};

} // namespace

std::unique_ptr<CodeStep> makeQuickPoolStep(const IntegerProgram& program, const IntegerStep& step)
{
    auto made = std::make_unique<QuickPoolStep>(program, step);
    return made->isPossible() ? std::move(made) : nullptr;
}

std::unique_ptr<CodeStep> makePlainPoolStep(const IntegerProgram& program, const IntegerStep& step)
{
    return std::make_unique<PlainPoolStep>(program, step);
}

} // namespace bitscape::graph
