// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/functions/evaluation.h"

#include <vector>

namespace bitscape::graph {

/// Windows that move over the axes behind batch and channels.
struct Windows {
    Sizes input, kernel, strides, dilations, before, after, output;
};

/// kernel, strides, dilations and pads of an operator with sizes checked against each other.
/// `kernel`: from the attribute kernel_shape, or given. Failures are told to `e`.
[[nodiscard]] Windows windowsOf(Evaluation& e, const Sizes& input, Sizes kernel,
                                bool mayRoundUp = false);
/// Of a transposed convolution: the windows of the convolution whose input is its output.
[[nodiscard]] Windows transposedWindows(Evaluation& e, const Sizes& input, Sizes kernel);

/// A tap of a window that meets an element of the input.
struct Tap {
    Index tap = 0;     ///< row-major in the kernel
    Index element = 0; ///< row-major in the input axes; −1: on the padding
};

/// The taps of all windows, window by window. `withPadding`: those on the padding as well, but not
/// those beyond it.
struct WindowTaps {
    std::vector<Tap> taps;
    std::vector<std::size_t> ends; ///< of each window

    [[nodiscard]] std::span<const Tap> of(std::size_t window) const
    {
        const std::size_t begin = window == 0 ? 0 : ends[window - 1];
        return std::span(taps).subspan(begin, ends[window] - begin);
    }
};
[[nodiscard]] WindowTaps tapsOf(const Windows& windows, bool withPadding = false);

/// Sizes behind batch and channels; a failure below rank 3.
[[nodiscard]] Sizes spatialSizes(Evaluation& e, const ArrayValue& x);
/// Batch and channels before other sizes.
[[nodiscard]] Sizes withChannels(Index batch, Index channels, const Sizes& spatial);

} // namespace bitscape::graph
