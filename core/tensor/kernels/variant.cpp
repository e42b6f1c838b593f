// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tensor/kernels/kernels.h"

namespace bitscape::kernels {

const char* variant()
{
#if defined(__AVX512F__)
    return "v4";
#elif defined(__AVX2__)
    return "v3";
#else
    return "baseline";
#endif
}

} // namespace bitscape::kernels
