// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/integer/program.h"

#include <optional>
#include <string>

namespace bitscape::io {

/// A step as C text: constants, then `static inline void NAME(inputs…, output)`.
struct CStep {
    std::string name;
    std::string text;
};

/// nullopt for work on floats that is more than an activation function.
[[nodiscard]] std::optional<CStep> cStep(const graph::IntegerProgram& program, std::size_t step,
                                         const std::string& net);

} // namespace bitscape::io
