// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/integer/code_finisher.h"
#include "core/graph/integer/code_work.h"

#include <algorithm>
#include <limits>

namespace bitscape::graph {

namespace {

using kernels::CodeWords;

constexpr Index kBlockBytes = 1 << 16; // of images and sums at a time

bool fitAll(const std::vector<std::int32_t>& codes, std::int32_t low, std::int32_t high)
{
    return std::ranges::all_of(codes, [&](std::int32_t c) { return c >= low && c <= high; });
}

template <class Code>
bool fit(const std::vector<std::int32_t>& codes)
{
    return fitAll(codes, std::numeric_limits<Code>::min(), std::numeric_limits<Code>::max());
}

/// Convolutions whose sums fit 32 bits: windows are gathered where they lie, or from a copy of the
/// image that has its padding.
class QuickConvolveStep final : public StepBase {
public:
    QuickConvolveStep(const IntegerProgram& program, const IntegerStep& step, CodeWords words)
        : StepBase(program, step), m_work(std::get<ConvolveWork>(step.work)), m_g(m_work.geometry),
          m_words(words), m_isByChannel(m_work.isDepthwise && m_g.channels > 1)
    {
        const bool areBytes = layout(0).kept == Kept::Byte;
        if (m_isByChannel || !areBytes || !fit<std::int8_t>(m_work.weights.codes)) {
            m_words = CodeWords::Shorts;
        }
        const bool widens = areBytes && m_words == CodeWords::Shorts && !m_isByChannel;
        m_codeSize = widens ? sizeof(std::int16_t) : sizeOf(layout(0).kept);
        placeImage(widens);
        placeWindows();
        m_isByChannel ? packByChannel() : pack();
        prepareFinish();
    }

    /// Otherwise the plain step has to do it.
    [[nodiscard]] bool isPossible() const
    {
        const Kept kept = layout(0).kept;
        return (kept == Kept::Byte || kept == Kept::Short) &&
               fit<std::int16_t>(m_work.weights.codes) && m_finisher.has_value();
    }

    void run(const CodeCall& call) const override
    {
        for (Index first = 0; first < call.count; first += m_block) {
            const Index here = std::min(m_block, call.count - first);
            const std::byte* images = call.inputs[0] + first * m_g.inputSize() * m_codeSize;
            if (m_copies) {
                copyImages(call, first, here);
                images = call.scratch->bytes;
            }
            const kernels::CodeGather from{images,
                                           m_height * m_width * m_channels * m_codeSize,
                                           m_rows.data(),
                                           std::ssize(m_rows),
                                           m_segments.data(),
                                           std::ssize(m_segments),
                                           m_segmentWords};
            if (m_isFinal) {
                const Index size = sizeOf(outputLayout().kept);
                multiply(from, here,
                         {call.output + first * outputSize() * size, outputSize() * size,
                          m_g.filters * size});
                continue;
            }
            std::byte* sums = call.scratch->bytes + m_imageBytes;
            const Index size = sizeof(std::int32_t);
            multiply(from, here, {sums, outputSize() * size, m_g.filters * size});
            finishSums(call, first, here, reinterpret_cast<const std::int32_t*>(sums));
        }
    }
    [[nodiscard]] Index scratchBytes() const override
    {
        return m_imageBytes + m_sumBytes + m_numberBytes;
    }

private:
    void placeImage(bool widens)
    {
        m_height = (m_g.outHeight - 1) * m_g.strideHeight +
                   (m_g.kernelHeight - 1) * Index{m_g.dilationHeight} + 1;
        m_width = (m_g.outWidth - 1) * m_g.strideWidth +
                  (m_g.kernelWidth - 1) * Index{m_g.dilationWidth} + 1;
        m_channels = m_isByChannel ? m_g.filters : m_g.channels;
        m_copies = widens || m_channels != m_g.channels || m_g.padTop > 0 || m_g.padLeft > 0 ||
                   m_height > m_g.height || m_width > m_g.width;
        if (!m_copies) {
            m_height = m_g.height;
            m_width = m_g.width;
        }
    }

    void placeWindows()
    {
        const Index pixel = m_channels * m_codeSize;
        for (Index h = 0; h < m_g.outHeight; ++h) {
            for (Index w = 0; w < m_g.outWidth; ++w) {
                m_rows.push_back((h * m_g.strideHeight * m_width + w * m_g.strideWidth) * pixel);
            }
        }
        // Neighboring pixels make one segment if all their channels count.
        m_isJoined = !m_isByChannel && m_g.groups == 1 && m_g.dilationWidth == 1;
        for (Index h = 0; h < m_g.kernelHeight; ++h) {
            for (Index w = 0; w < (m_isJoined ? 1 : m_g.kernelWidth); ++w) {
                m_segments.push_back((h * m_g.dilationHeight * m_width + w * m_g.dilationWidth) *
                                     pixel);
            }
        }
    }

    /// The words of a column are those of its segments; what is left of a last word weighs 0.
    void pack()
    {
        const Index perWord = Index{sizeof(std::int32_t)} / m_codeSize;
        const Index depth = weightsPerFilter();
        const Index length = depth / std::ssize(m_segments);
        m_segmentWords = (length + perWord - 1) / perWord;
        const Index words = m_segmentWords * std::ssize(m_segments);
        std::vector<std::uint32_t> columns(static_cast<std::size_t>(words * m_g.filters), 0);
        const auto bits = static_cast<unsigned>(8 * m_codeSize);
        const std::uint32_t mask = (1U << bits) - 1U;
        for (Index f = 0; f < m_g.filters; ++f) {
            for (Index k = 0; k < depth; ++k) {
                const Index place = k % length;
                const Index word = f * words + k / length * m_segmentWords + place / perWord;
                const auto code = static_cast<std::uint32_t>(weight(f, k));
                columns[static_cast<std::size_t>(word)] |=
                    (code & mask) << (bits * static_cast<unsigned>(place % perWord));
            }
        }
        const Index filters = m_g.filters / m_g.groups;
        m_groupWords = kernels::packedWords(words, filters);
        m_packed.resize(static_cast<std::size_t>(m_groupWords * m_g.groups));
        for (Index group = 0; group < m_g.groups; ++group) {
            kernels::packWords(reinterpret_cast<const std::int32_t*>(columns.data()) +
                                   group * filters * words,
                               words, filters, m_packed.data() + group * m_groupWords);
        }
    }

    void packByChannel()
    {
        m_pitch = (m_g.filters + kernels::kCodePadding - 1) / kernels::kCodePadding *
                  kernels::kCodePadding;
        m_packed.assign(static_cast<std::size_t>(m_pitch * m_g.taps()), 0);
        constexpr std::int32_t kMask = 0xFFFF;
        for (Index tap = 0; tap < m_g.taps(); ++tap) {
            for (Index f = 0; f < m_g.filters; ++f) {
                m_packed[static_cast<std::size_t>(tap * m_pitch + f)] = weight(f, tap) & kMask;
            }
        }
    }

    /// Weight k of a filter; depth-wise ones lie tap by tap.
    [[nodiscard]] std::int32_t weight(Index filter, Index k) const
    {
        const Index at =
            m_work.isDepthwise ? k * m_g.filters + filter : filter * weightsPerFilter() + k;
        return m_work.weights.codes[static_cast<std::size_t>(at)];
    }
    [[nodiscard]] Index weightsPerFilter() const
    {
        return std::ssize(m_work.weights.codes) / m_g.filters;
    }
    [[nodiscard]] std::int64_t weightSum(Index filter) const
    {
        std::int64_t sum = 0;
        for (Index k = 0; k < weightsPerFilter(); ++k) {
            sum += weight(filter, k);
        }
        return sum;
    }

    /// Zero points count once per filter, with its bias.
    void prepareFinish()
    {
        KernelSums sums{-m_work.largestSum, m_work.largestSum, {}, {}};
        for (Index f = 0; f < m_g.filters; ++f) {
            const auto at = static_cast<std::size_t>(f);
            const int lift = m_work.shifts.empty() ? 0 : m_work.shifts[at];
            const int biasLift = m_work.biasShifts.empty() ? 0 : m_work.biasShifts[at];
            const std::int64_t bias = m_work.bias.codes.empty() ? 0 : m_work.bias.codes[at];
            sums.lifts.push_back(lift);
            sums.biases.push_back(bias * (std::int64_t{1} << biasLift) -
                                  zero() * weightSum(f) * (std::int64_t{1} << lift));
        }
        m_finisher = CodeFinisher::make(step().requantization, sums, outputLayout());
        m_isFinal = m_finisher.has_value();
        if (!m_isFinal) {
            m_finisher = CodeFinisher::make(std::nullopt, sums, {Kept::Int, 0});
        }
        const Index image = m_copies ? m_height * m_width * m_channels * m_codeSize : 0;
        const Index sum = m_isFinal ? 0 : outputSize() * Index{sizeof(std::int32_t)};
        const Index used = image + sum + (m_g.inputSize() + outputSize()) * m_codeSize;
        m_block = std::max<Index>(kBlockBytes / used, 1);
        constexpr Index kLine = 64;
        const auto wholeLines = [](Index bytes) { return (bytes + kLine - 1) / kLine * kLine; };
        m_imageBytes = wholeLines(m_block * image) + kLine; // kernels read beyond
        m_sumBytes = wholeLines(m_block * sum);
        m_numberBytes = m_isFinal ? 0 : m_g.outWidth * m_g.filters * Index{sizeof(std::int64_t)};
    }

    /// The zero point as the elements of the image count.
    [[nodiscard]] std::int64_t zero() const { return input(0).grid.zero - layout(0).base; }

    void copyImages(const CodeCall& call, Index first, Index count) const
    {
        visitKept(layout(0).kept, call.inputs[0], [&](const auto* codes) {
            using Code = std::remove_cvref_t<decltype(*codes)>;
            for (Index image = 0; image < count; ++image) {
                const Code* from = codes + (first + image) * m_g.inputSize();
                const Index start = image * m_height * m_width * m_channels;
                if (m_codeSize == sizeof(std::int16_t)) {
                    copyImage(from, call.scratch->as<std::int16_t>() + start);
                } else {
                    copyImage(from, call.scratch->as<Code>() + start);
                }
            }
        });
    }

    /// With its padding; channels repeated for a depth-wise multiplier.
    template <class From, class To>
    void copyImage(const From* from, To* to) const
    {
        const auto pad = [&](Index pixels) {
            to = std::fill_n(to, pixels * m_channels, static_cast<To>(zero()));
        };
        const Index columns = std::min(m_g.width, m_width - m_g.padLeft);
        const Index rows = std::min(m_g.height, m_height - m_g.padTop);
        const Index repeats = m_channels / m_g.channels;
        pad(m_g.padTop * m_width);
        for (Index row = 0; row < rows; ++row, from += m_g.width * m_g.channels) {
            pad(m_g.padLeft);
            if (repeats == 1) {
                to = std::copy_n(from, columns * m_channels, to);
            }
            for (Index e = 0; repeats > 1 && e < columns * m_g.channels; ++e) {
                to = std::fill_n(to, repeats, static_cast<To>(from[e]));
            }
            pad(m_width - m_g.padLeft - columns);
        }
        pad((m_height - m_g.padTop - rows) * m_width);
    }

    void multiply(kernels::CodeGather from, Index images, kernels::CodeScatter to) const
    {
        const Index rows = images * from.rowCount;
        if (m_isByChannel) {
            kernels::multiplyCodesByChannel(*kindOf(layout(0).kept), from, 0, rows, m_packed.data(),
                                            m_pitch, m_g.filters, m_finisher->from(0), to);
            return;
        }
        const Index filters = m_g.filters / m_g.groups;
        const Index written = to.rowPitch / m_g.filters;
        for (Index group = 0; group < m_g.groups; ++group) {
            kernels::multiplyCodes(m_words, from, 0, rows, m_packed.data() + group * m_groupWords,
                                   filters, m_finisher->from(group * filters), to);
            from.data += m_channels / m_g.groups * m_codeSize;
            to.data += filters * written;
        }
    }

    void finishSums(const CodeCall& call, Index first, Index count, const std::int32_t* sums) const
    {
        auto* numbers =
            reinterpret_cast<std::int64_t*>(call.scratch->bytes + m_imageBytes + m_sumBytes);
        const Index row = m_g.outWidth * m_g.filters;
        for (Index at = 0; at < count * outputSize(); at += row) {
            std::copy_n(sums + at, row, numbers);
            finishCodes(step(), output(), call.output, first * outputSize() + at, row,
                        at % outputSize(), numbers);
        }
    }

    const ConvolveWork& m_work;
    const ConvolutionGeometry& m_g;
    CodeWords m_words;
    bool m_isByChannel;   ///< depth-wise; of one channel it is like any other
    Index m_codeSize = 1; ///< bytes of a code in the image
    bool m_copies = false, m_isJoined = false;
    Index m_height = 0, m_width = 0, m_channels = 0; ///< of the image that windows lie in
    std::vector<Index> m_rows, m_segments;
    Index m_segmentWords = 0;
    std::vector<std::int32_t> m_packed;
    Index m_groupWords = 0; ///< of one group's weights
    Index m_pitch = 0;      ///< of depth-wise weights
    std::optional<CodeFinisher> m_finisher;
    bool m_isFinal = false; ///< else sums are finished the plain way
    Index m_block = 1;      ///< images at a time
    Index m_imageBytes = 0, m_sumBytes = 0, m_numberBytes = 0;
};

} // namespace

std::unique_ptr<CodeStep> makeQuickConvolveStep(const IntegerProgram& program,
                                                const IntegerStep& step, CodeWords words)
{
    auto made = std::make_unique<QuickConvolveStep>(program, step, words);
    return made->isPossible() ? std::move(made) : nullptr;
}

} // namespace bitscape::graph
