// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Plain twins of the fast paths: nested loops in double, for comparison only.

#include "core/base/rng.h"
#include "core/tensor/convolution.h"
#include "core/tensor/tensor.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace bitscape::reference {

inline std::vector<float> randomValues(Index count, std::uint64_t seed)
{
    Rng rng(seed);
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) {
        value = static_cast<float>(rng.normal());
    }
    return values;
}

inline Tensor randomTensor(const Shape& shape, std::uint64_t seed)
{
    return {shape, randomValues(shape.elementCount(), seed)};
}

/// Calls visit(input element, kernel element, output element) for every product of a convolution
/// of one image. Depth-wise: filters = channels · multiplier.
template <class Visit>
void forEachProduct(const ConvolutionGeometry& g, bool isDepthwise, const Visit& visit)
{
    const Index perGroup = isDepthwise ? 1 : g.channels / g.groups;
    const Index filtersPerGroup = isDepthwise ? g.filters / g.channels : g.filters / g.groups;
    for (Index oh = 0; oh < g.outHeight; ++oh) {
        for (Index ow = 0; ow < g.outWidth; ++ow) {
            for (Index f = 0; f < g.filters; ++f) {
                for (int kh = 0; kh < g.kernelHeight; ++kh) {
                    for (int kw = 0; kw < g.kernelWidth; ++kw) {
                        const Index ih = oh * g.strideHeight - g.padTop + kh * g.dilationHeight;
                        const Index iw = ow * g.strideWidth - g.padLeft + kw * g.dilationWidth;
                        if (ih < 0 || iw < 0 || ih >= g.height || iw >= g.width) {
                            continue;
                        }
                        for (Index c = 0; c < perGroup; ++c) {
                            const Index channel = f / filtersPerGroup * perGroup + c;
                            const Index tap = kh * g.kernelWidth + kw;
                            visit((ih * g.width + iw) * g.channels + channel,
                                  (tap * perGroup + c) * g.filters + f,
                                  (oh * g.outWidth + ow) * g.filters + f);
                        }
                    }
                }
            }
        }
    }
}

/// The largest difference, relative to the largest wanted value.
inline double largestError(std::span<const float> got, std::span<const double> wanted)
{
    double scale = 1e-30;
    double error = 0.0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        scale = std::max(scale, std::abs(wanted[i]));
        error = std::max(error, std::abs(static_cast<double>(got[i]) - wanted[i]));
    }
    return error / scale;
}

} // namespace bitscape::reference
