// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/sigmoid.h"

#include <cmath>

namespace bitscape::quant {

namespace {

float clipped(float line)
{
    const float low = line < 0.0F ? 0.0F : line; // in this form NaN passes through
    return low > 1.0F ? 1.0F : low;
}

float slopeOf(InternalSigmoid mode)
{
    return mode == InternalSigmoid::Hard ? 0.5F : 0.1875F;
}

} // namespace

float sigmoid(float x, InternalSigmoid mode)
{
    if (mode == InternalSigmoid::Real) {
        return static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(x))));
    }
    return clipped(slopeOf(mode) * x + 0.5F);
}

float sigmoidSlope(float x, InternalSigmoid mode)
{
    if (mode == InternalSigmoid::Real) {
        const double s = 1.0 / (1.0 + std::exp(-static_cast<double>(x)));
        return static_cast<float>(s * (1.0 - s));
    }
    const float line = slopeOf(mode) * x + 0.5F;
    return line >= 0.0F && line <= 1.0F ? slopeOf(mode) : 0.0F;
}

} // namespace bitscape::quant
