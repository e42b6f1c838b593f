// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/windows.h"

#include <fmt/format.h>

#include <algorithm>

namespace bitscape::graph {

namespace {

constexpr std::int64_t kLargest = std::int64_t{1} << 24; // of any setting of a window

Sizes settings(Evaluation& e, std::string_view name, std::size_t rank, std::int64_t fallback,
               std::int64_t least)
{
    const auto given = e.integers(name, std::vector<std::int64_t>(rank, fallback));
    const bool fits = given.size() == rank && std::ranges::all_of(given, [&](std::int64_t value) {
                          return value >= least && value <= kLargest;
                      });
    if (!fits) {
        e.refuse(fmt::format("Its {} do not fit {} axes.", name, rank));
        return Sizes(rank, 1);
    }
    return {given.begin(), given.end()};
}

bool requireKernel(Evaluation& e, Sizes& kernel, std::size_t rank)
{
    if (kernel.empty() || e.hasAttribute("kernel_shape")) {
        const Sizes said = settings(e, "kernel_shape", rank, 0, 1);
        if (!kernel.empty() && said != kernel) {
            e.refuse("Its kernel_shape is not that of its weights.");
        }
        kernel = said;
    }
    if (e.ok() && kernel.size() != rank) {
        e.refuse(fmt::format("A kernel of {} axes does not fit {}.", kernel.size(), rank));
    }
    return e.ok();
}

/// Begins of all axes, then ends.
void takePads(Evaluation& e, Windows& w)
{
    const std::size_t rank = w.input.size();
    const Sizes pads = settings(e, "pads", 2 * rank, 0, -kLargest);
    w.before.assign(pads.begin(), pads.begin() + std::ssize(w.input));
    w.after.assign(pads.begin() + std::ssize(w.input), pads.end());
}

/// tapsOf() lists them all.
void requireFewTaps(Evaluation& e, const Windows& w)
{
    constexpr double kMostTaps = 1 << 25;
    double taps = 1.0;
    for (std::size_t axis = 0; axis < w.input.size(); ++axis) {
        taps *= static_cast<double>(w.kernel[axis]) * static_cast<double>(w.output[axis]);
    }
    if (e.ok() && taps > kMostTaps) {
        e.refuseSetting("its windows are too many and too large");
    }
}

Index effective(const Windows& w, std::size_t axis)
{
    return (w.kernel[axis] - 1) * w.dilations[axis] + 1;
}

/// Shares padding out so that the end (upper) or the begin gets the odd element.
void share(Windows& w, std::size_t axis, Index total, bool isUpper)
{
    w.before[axis] = isUpper ? total / 2 : total - total / 2;
    w.after[axis] = total - w.before[axis];
}

Index outputSize(Evaluation& e, const Windows& w, std::size_t axis, bool roundsUp)
{
    const Index room = w.input[axis] + w.before[axis] + w.after[axis] - effective(w, axis);
    if (room < 0) {
        e.refuse(fmt::format("A window of {} does not fit {} elements.", effective(w, axis),
                             w.input[axis] + w.before[axis] + w.after[axis]));
        return 0;
    }
    Index size = (room + (roundsUp ? w.strides[axis] - 1 : 0)) / w.strides[axis] + 1;
    // No window starts behind the input.
    if (roundsUp && (size - 1) * w.strides[axis] >= w.input[axis] + w.before[axis]) {
        --size;
    }
    return size;
}

Windows basics(Evaluation& e, const Sizes& input, Sizes kernel)
{
    const std::size_t rank = input.size();
    Windows w{.input = input, .output = Sizes(rank, 0)};
    requireKernel(e, kernel, rank);
    w.kernel = std::move(kernel);
    w.strides = settings(e, "strides", rank, 1, 1);
    w.dilations = settings(e, "dilations", rank, 1, 1);
    takePads(e, w);
    return w;
}

} // namespace

Windows windowsOf(Evaluation& e, const Sizes& input, Sizes kernel, bool mayRoundUp)
{
    Windows w = basics(e, input, std::move(kernel));
    const std::string automatic = e.text("auto_pad", "NOTSET");
    const bool isSame = automatic.starts_with("SAME");
    const bool roundsUp = mayRoundUp && e.flag("ceil_mode");
    if (automatic == "VALID") {
        std::ranges::fill(w.before, 0);
        std::ranges::fill(w.after, 0);
    }
    for (std::size_t axis = 0; axis < input.size() && e.ok(); ++axis) {
        if (isSame) {
            w.output[axis] = (input[axis] + w.strides[axis] - 1) / w.strides[axis];
            const Index total = std::max<Index>(
                (w.output[axis] - 1) * w.strides[axis] + effective(w, axis) - input[axis], 0);
            share(w, axis, total, automatic == "SAME_UPPER");
        } else {
            w.output[axis] = outputSize(e, w, axis, roundsUp);
        }
    }
    requireFewTaps(e, w);
    return w;
}

Windows transposedWindows(Evaluation& e, const Sizes& input, Sizes kernel)
{
    const std::size_t rank = input.size();
    Windows w = basics(e, input, std::move(kernel));
    w.output = input;
    const std::string automatic = e.text("auto_pad", "NOTSET");
    const bool isSame = automatic.starts_with("SAME");
    const Sizes further = settings(e, "output_padding", rank, 0, 0);
    auto wanted = e.integers("output_shape");
    if (wanted.size() == rank + 2) { // some writers say batch and channels as well
        wanted.erase(wanted.begin(), wanted.begin() + 2);
    }
    if (e.ok() && !wanted.empty() && wanted.size() != rank) {
        e.refuse("Its output_shape does not fit its input.");
    }
    if (automatic == "VALID") {
        std::ranges::fill(w.before, 0);
        std::ranges::fill(w.after, 0);
    }
    for (std::size_t axis = 0; axis < rank && e.ok(); ++axis) {
        const Index full = (input[axis] - 1) * w.strides[axis] + further[axis] + effective(w, axis);
        if (!wanted.empty() || isSame) {
            w.input[axis] =
                wanted.empty() ? input[axis] * w.strides[axis] : static_cast<Index>(wanted[axis]);
            share(w, axis, std::max<Index>(full - w.input[axis], 0), automatic == "SAME_UPPER");
        } else {
            w.input[axis] = full - w.before[axis] - w.after[axis];
        }
        if (w.input[axis] < 0 || w.input[axis] > kLargest) {
            e.refuse("Its pads leave nothing.");
        }
    }
    requireFewTaps(e, w);
    return w;
}

WindowTaps tapsOf(const Windows& w, bool withPadding)
{
    const std::size_t rank = w.input.size();
    const Sizes inputSteps = stepsOf(w.input);
    const Sizes kernelSteps = stepsOf(w.kernel);
    const Sizes outputSteps = stepsOf(w.output);
    const Index windows = countOf(w.output);
    const Index taps = countOf(w.kernel);
    WindowTaps result;
    result.ends.reserve(static_cast<std::size_t>(windows));
    for (Index window = 0; window < windows; ++window) {
        for (Index tap = 0; tap < taps; ++tap) {
            Index element = 0;
            bool isInside = true;
            bool isOnPadding = true;
            for (std::size_t axis = 0; axis < rank; ++axis) {
                const Index at = window / outputSteps[axis] % w.output[axis] * w.strides[axis] -
                                 w.before[axis] +
                                 tap / kernelSteps[axis] % w.kernel[axis] * w.dilations[axis];
                isInside = isInside && at >= 0 && at < w.input[axis];
                isOnPadding = isOnPadding && at < w.input[axis] + w.after[axis];
                element += at * inputSteps[axis];
            }
            if (isInside) {
                result.taps.push_back({tap, element});
            } else if (withPadding && isOnPadding) {
                result.taps.push_back({tap, -1});
            }
        }
        result.ends.push_back(result.taps.size());
    }
    return result;
}

Sizes spatialSizes(Evaluation& e, const ArrayValue& x)
{
    if (x.rank() < 3) {
        e.refuse(fmt::format("Its input has {} axes; batch, channels and at least one more are "
                             "needed.",
                             x.rank()));
        return {};
    }
    return {x.sizes.begin() + 2, x.sizes.end()};
}

Sizes withChannels(Index batch, Index channels, const Sizes& spatial)
{
    Sizes sizes{batch, channels};
    sizes.insert(sizes.end(), spatial.begin(), spatial.end());
    return sizes;
}

} // namespace bitscape::graph
