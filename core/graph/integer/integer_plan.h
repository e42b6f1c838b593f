// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/execution.h"
#include "core/graph/integer/program.h"

namespace bitscape::graph {

/// Runs an IntegerProgram: codes in, codes between the layers, float32 values of the codes out. As
/// InferencePlan: immutable, and the bytes depend on the data alone.
class IntegerPlan : public InferencePlan {
public:
    /// Errors as InferencePlan::make().
    [[nodiscard]] static Result<std::shared_ptr<const IntegerPlan>>
    make(GraphPtr graph, const Configuration& configuration, const WeightSet& weights,
         const IntegerOptions& options = {});
    [[nodiscard]] static std::shared_ptr<const IntegerPlan> of(IntegerProgram program);

    [[nodiscard]] virtual const IntegerProgram& program() const = 0;
};

} // namespace bitscape::graph
