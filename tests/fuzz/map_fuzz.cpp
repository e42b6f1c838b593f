// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/configuration.h"
#include "tests/support/networks.h"

#include <cstddef>
#include <cstdint>

// Maps of every tool: JSON and YAML, found by what they hold.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace bitscape; // NOLINT(google-build-using-namespace)
    static const graph::GraphPtr network =
        networks::Builder({6, 6, 2})
            .add("conv", "Conv2D", networks::conv(3, 3))
            .add("relu", "Activation", graph::ActivationOp{{.kind = graph::FunctionKind::Relu}})
            .add("pool", "GlobalAveragePooling2D", graph::GlobalPoolOp{})
            .add("out", "Dense", graph::DenseOp{.units = 2})
            .make();
    const auto mapped =
        graph::applyMap(*network, {}, {reinterpret_cast<const char*>(data), size});
    if (mapped && !graph::applyMap(*network, {}, graph::toMap(*network, mapped->configuration))) {
        __builtin_trap(); // what was read can be written, and what was written can be read
    }
    return 0;
}
