// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/integer/code_work.h"
#include "core/tensor/kernels/codes.h"

#include <algorithm>
#include <limits>

namespace bitscape::graph {

namespace {

/// Codes of 16 bits with sums of 32: the quick way.
struct Narrow {
    using Code = std::int16_t;
    using Sum = std::int32_t;
    static std::vector<Code>& image(CodeScratch& s) { return s.narrow; }
    static std::vector<Code>& rows(CodeScratch& s) { return s.narrowRows; }
    static std::vector<Sum>& sums(CodeScratch& s) { return s.narrowSums; }
    static void multiply(const Code* a, Index rows, const Code* b, Index columns, Index depth,
                         Sum* c)
    {
        kernels::multiplyCodes(a, rows, depth, b, columns, depth, c);
    }
    static void multiplyByChannel(const Code* a, const std::vector<Index>& offsets, const Code* b,
                                  Index channels, Sum* c)
    {
        kernels::multiplyCodesByChannel(a, offsets.data(), static_cast<Index>(offsets.size()), b,
                                        channels, c);
    }
};

/// Any codes, sums of 64 bits.
struct Wide {
    using Code = std::int32_t;
    using Sum = std::int64_t;
    static std::vector<Code>& image(CodeScratch& s) { return s.wide; }
    static std::vector<Code>& rows(CodeScratch& s) { return s.wideRows; }
    static std::vector<Sum>& sums(CodeScratch& s) { return s.wideSums; }
    static void multiply(const Code* a, Index rows, const Code* b, Index columns, Index depth,
                         Sum* c)
    {
        for (Index r = 0; r < rows; ++r) {
            for (Index n = 0; n < columns; ++n) {
                Sum sum = 0;
                for (Index k = 0; k < depth; ++k) {
                    sum += Sum{a[r * depth + k]} * b[n * depth + k];
                }
                c[r * columns + n] = sum;
            }
        }
    }
    static void multiplyByChannel(const Code* a, const std::vector<Index>& offsets, const Code* b,
                                  Index channels, Sum* c)
    {
        for (Index n = 0; n < channels; ++n) {
            Sum sum = 0;
            for (std::size_t tap = 0; tap < offsets.size(); ++tap) {
                sum += Sum{a[offsets[tap] + n]} * b[static_cast<Index>(tap) * channels + n];
            }
            c[n] = sum;
        }
    }
};

template <class Kind>
class ConvolveStep final : public CodeStep {
public:
    using Code = typename Kind::Code;
    using Sum = typename Kind::Sum;

    ConvolveStep(const IntegerProgram& program, const IntegerStep& step)
        : m_step(step), m_work(std::get<ConvolveWork>(step.work)), m_g(m_work.geometry),
          m_input(program.tensors[static_cast<std::size_t>(step.inputs.front())]),
          m_output(program.tensors[static_cast<std::size_t>(step.output)])
    {
        m_height = (m_g.outHeight - 1) * m_g.strideHeight +
                   (m_g.kernelHeight - 1) * Index{m_g.dilationHeight} + 1;
        m_width = (m_g.outWidth - 1) * m_g.strideWidth +
                  (m_g.kernelWidth - 1) * Index{m_g.dilationWidth} + 1;
        m_channels = m_work.isDepthwise ? m_g.filters : m_g.channels;
        for (Index h = 0; h < m_g.kernelHeight; ++h) {
            for (Index w = 0; w < m_g.kernelWidth; ++w) {
                m_taps.push_back((h * m_g.dilationHeight * m_width + w * m_g.dilationWidth) *
                                 m_channels);
            }
        }
        pack();
    }

    void run(const CodeCall& call) const override
    {
        CodeScratch& s = *call.scratch;
        grow(Kind::image(s), m_height * m_width * m_channels);
        grow(Kind::rows(s), m_g.outWidth * m_depth);
        grow(Kind::sums(s), m_g.outWidth * m_g.filters);
        const Index inputSize = m_g.inputSize();
        const Index numbers = std::max(m_g.outWidth * m_g.filters, m_g.width * m_g.channels);
        if (s.numbers.size() < static_cast<std::size_t>(numbers)) {
            s.numbers.resize(static_cast<std::size_t>(numbers));
        }
        for (Index sample = 0; sample < call.count; ++sample) {
            takeImage(call.inputs[0], sample * inputSize, s);
            for (Index row = 0; row < m_g.outHeight; ++row) {
                m_work.isDepthwise ? depthwiseRow(row, s) : denseRow(row, s);
                finishRow(call, sample, row, s);
            }
        }
    }

private:
    template <class T>
    static void grow(std::vector<T>& buffer, Index size)
    {
        if (buffer.size() < static_cast<std::size_t>(size)) {
            buffer.resize(static_cast<std::size_t>(size));
        }
    }

    void pack()
    {
        if (m_work.isDepthwise) {
            m_weights.assign(m_work.weights.codes.begin(), m_work.weights.codes.end());
            return;
        }
        constexpr Index kStep = 16;
        const Index depth = m_g.taps() * m_g.channels / m_g.groups;
        m_depth = (depth + kStep - 1) / kStep * kStep;
        m_weights.assign(static_cast<std::size_t>(m_depth * m_g.filters), 0);
        for (Index f = 0; f < m_g.filters; ++f) {
            for (Index k = 0; k < depth; ++k) {
                m_weights[static_cast<std::size_t>(f * m_depth + k)] = static_cast<Code>(
                    m_work.weights.codes[static_cast<std::size_t>(f * depth + k)]);
            }
        }
    }

    /// x − zero with its padding; channels repeated for a depth-wise multiplier.
    void takeImage(const std::byte* data, Index first, CodeScratch& s) const
    {
        Code* image = Kind::image(s).data();
        std::fill_n(image, m_height * m_width * m_channels, Code{0});
        const Index left = m_g.padLeft;
        const Index columns = std::min(m_g.width, m_width - left);
        const Index repeats = m_channels / m_g.channels;
        const std::int64_t zero = m_input.grid.zero;
        visitCodes(m_input.storage, data, [&](const auto* codes) {
            for (Index row = 0; row < std::min(m_g.height, m_height - m_g.padTop); ++row) {
                const auto* from = codes + first + row * m_g.width * m_g.channels;
                Code* to = image + ((row + m_g.padTop) * m_width + left) * m_channels;
                for (Index e = 0; e < columns * m_g.channels; ++e) {
                    for (Index r = 0; r < repeats; ++r) {
                        *to++ = static_cast<Code>(from[e] - zero);
                    }
                }
            }
        });
    }

    void denseRow(Index row, CodeScratch& s) const
    {
        const Index depth = m_g.channels / m_g.groups;
        const Index filters = m_g.filters / m_g.groups;
        Code* rows = Kind::rows(s).data();
        Sum* sums = Kind::sums(s).data();
        grow(s.numbers, m_g.outWidth * m_g.filters);
        for (Index group = 0; group < m_g.groups; ++group) {
            for (Index w = 0; w < m_g.outWidth; ++w) {
                const Code* from = Kind::image(s).data() + pixel(row, w) + group * depth;
                Code* to = rows + w * m_depth;
                for (const Index tap : m_taps) {
                    to = std::copy_n(from + tap, depth, to);
                }
                std::fill(to, rows + (w + 1) * m_depth, Code{0});
            }
            Kind::multiply(rows, m_g.outWidth, m_weights.data() + group * filters * m_depth,
                           filters, m_depth, sums);
            for (Index w = 0; w < m_g.outWidth; ++w) {
                std::copy_n(sums + w * filters, filters,
                            s.numbers.data() + w * m_g.filters + group * filters);
            }
        }
    }

    void depthwiseRow(Index row, CodeScratch& s) const
    {
        Sum* sums = Kind::sums(s).data();
        for (Index w = 0; w < m_g.outWidth; ++w) {
            Kind::multiplyByChannel(Kind::image(s).data() + pixel(row, w), m_taps, m_weights.data(),
                                    m_g.filters, sums + w * m_g.filters);
        }
        std::copy_n(sums, m_g.outWidth * m_g.filters, s.numbers.data());
    }

    [[nodiscard]] Index pixel(Index row, Index column) const
    {
        return (row * m_g.strideHeight * m_width + column * m_g.strideWidth) * m_channels;
    }

    void finishRow(const CodeCall& call, Index sample, Index row, CodeScratch& s) const
    {
        std::int64_t* numbers = s.numbers.data();
        const auto filters = static_cast<std::size_t>(m_g.filters);
        for (Index w = 0; w < m_g.outWidth; ++w) {
            std::int64_t* to = numbers + w * m_g.filters;
            for (std::size_t f = 0; f < filters; ++f) {
                if (!m_work.shifts.empty()) {
                    to[f] *= std::int64_t{1} << m_work.shifts[f];
                }
                if (!m_work.bias.codes.empty()) {
                    const int shift = m_work.biasShifts.empty() ? 0 : m_work.biasShifts[f];
                    to[f] += m_work.bias.codes[f] * (std::int64_t{1} << shift);
                }
            }
        }
        const Index place = row * m_g.outWidth * m_g.filters;
        finishCodes(m_step, m_output, call.output, sample * m_g.outputSize() + place,
                    m_g.outWidth * m_g.filters, place, numbers);
    }

    const IntegerStep& m_step;
    const ConvolveWork& m_work;
    const ConvolutionGeometry& m_g;
    const CodeTensor& m_input;
    const CodeTensor& m_output;
    Index m_height = 0, m_width = 0, m_channels = 0; ///< of the padded image
    std::vector<Index> m_taps;
    std::vector<Code> m_weights;
    Index m_depth = 0; ///< padded
};

} // namespace

std::unique_ptr<CodeStep> makeConvolveStep(const IntegerProgram& program, const IntegerStep& step)
{
    const auto& work = std::get<ConvolveWork>(step.work);
    const auto& grid = program.tensors[static_cast<std::size_t>(step.inputs.front())].grid;
    constexpr std::int64_t kNarrow = std::numeric_limits<std::int16_t>::max();
    const bool isNarrow = grid.largest() <= kNarrow &&
                          work.largestWeightSum <= std::numeric_limits<std::int32_t>::max() &&
                          std::ranges::all_of(work.weights.codes, [](std::int32_t code) {
                              return code >= -kNarrow && code <= kNarrow;
                          });
    if (isNarrow) {
        return std::make_unique<ConvolveStep<Narrow>>(program, step);
    }
    return std::make_unique<ConvolveStep<Wide>>(program, step);
}

} // namespace bitscape::graph
