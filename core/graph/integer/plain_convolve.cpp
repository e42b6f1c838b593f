// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/integer/code_work.h"

#include <algorithm>

namespace bitscape::graph {

namespace {

/// A convolution of any codes, one number after another, with sums of 64 bits.
class PlainConvolveStep final : public StepBase {
public:
    PlainConvolveStep(const IntegerProgram& program, const IntegerStep& step)
        : StepBase(program, step), m_work(std::get<ConvolveWork>(step.work)), m_g(m_work.geometry)
    {
    }

    void run(const CodeCall& call) const override
    {
        auto* image = call.scratch->as<std::int64_t>();
        std::int64_t* numbers = image + m_g.inputSize();
        const Index row = m_g.outWidth * m_g.filters;
        for (Index sample = 0; sample < call.count; ++sample) {
            loadCodes(input(0), call.inputs[0], sample * m_g.inputSize(), m_g.inputSize(), image);
            for (Index h = 0; h < m_g.outHeight; ++h) {
                for (Index e = 0; e < row; ++e) {
                    numbers[e] = number(image, h, e / m_g.filters, e % m_g.filters);
                }
                finishCodes(step(), output(), call.output, sample * outputSize() + h * row, row,
                            h * row, numbers);
            }
        }
    }
    [[nodiscard]] Index scratchBytes() const override
    {
        return (m_g.inputSize() + m_g.outWidth * m_g.filters) * Index{sizeof(std::int64_t)};
    }

private:
    [[nodiscard]] std::int64_t number(const std::int64_t* image, Index outRow, Index outColumn,
                                      Index filter) const
    {
        std::int64_t sum = 0;
        for (Index h = 0; h < m_g.kernelHeight; ++h) {
            const Index row = outRow * m_g.strideHeight + h * m_g.dilationHeight - m_g.padTop;
            for (Index w = 0; w < m_g.kernelWidth; ++w) {
                const Index column =
                    outColumn * m_g.strideWidth + w * m_g.dilationWidth - m_g.padLeft;
                if (row >= 0 && row < m_g.height && column >= 0 && column < m_g.width) {
                    sum += underTap(image + (row * m_g.width + column) * m_g.channels,
                                    h * m_g.kernelWidth + w, filter);
                }
            }
        }
        const auto f = static_cast<std::size_t>(filter);
        if (!m_work.shifts.empty()) {
            sum *= std::int64_t{1} << m_work.shifts[f];
        }
        if (!m_work.bias.codes.empty()) {
            const int shift = m_work.biasShifts.empty() ? 0 : m_work.biasShifts[f];
            sum += m_work.bias.codes[f] * (std::int64_t{1} << shift);
        }
        return sum;
    }

    [[nodiscard]] std::int64_t underTap(const std::int64_t* pixel, Index tap, Index filter) const
    {
        const std::int64_t zero = input(0).grid.zero;
        const auto weight = [&](Index at) {
            return std::int64_t{m_work.weights.codes[static_cast<std::size_t>(at)]};
        };
        if (m_work.isDepthwise) {
            const Index channel = filter * m_g.channels / m_g.filters;
            return (pixel[channel] - zero) * weight(tap * m_g.filters + filter);
        }
        const Index depth = m_g.channels / m_g.groups;
        const Index group = filter * m_g.groups / m_g.filters;
        std::int64_t sum = 0;
        for (Index c = 0; c < depth; ++c) {
            sum +=
                (pixel[group * depth + c] - zero) * weight((filter * m_g.taps() + tap) * depth + c);
        }
        return sum;
    }

    const ConvolveWork& m_work;
    const ConvolutionGeometry& m_g;
};

} // namespace

std::unique_ptr<CodeStep> makePlainConvolveStep(const IntegerProgram& program,
                                                const IntegerStep& step)
{
    return std::make_unique<PlainConvolveStep>(program, step);
}

} // namespace bitscape::graph
