// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The arithmetic that must be fast: compiled three times (baseline, x86-64-v3, x86-64-v4) into
// libbitscape_kernels.so; the loader takes the best the processor has (glibc-hwcaps). Plain
// functions on raw pointers only: no Eigen or standard containers cross this border, since their
// layout may depend on the instruction set. Every output element is computed by the same chain of
// operations whatever the tile it falls in, so results do not depend on batch, chunk or thread.
// Thread: any.

#define BITSCAPE_KERNEL __attribute__((visibility("default")))

namespace bitscape::kernels {

/// "baseline", "v3" or "v4".
BITSCAPE_KERNEL const char* variant();

} // namespace bitscape::kernels
