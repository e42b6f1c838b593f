// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/function_registry.h"

#include <algorithm>
#include <array>

namespace bitscape::graph {

std::span<const FunctionInfo> functions()
{
    static const std::vector<FunctionInfo> table = [] {
        std::vector<FunctionInfo> rows;
        for (const auto& family :
             {unaryFunctions(), binaryFunctions(), castFunctions(), shapeFunctions(),
              constantFunctions(), reduceFunctions(), gatherFunctions(), matmulFunctions(),
              convolutionFunctions(), poolFunctions(), normalizeFunctions(), recurrentFunctions(),
              resizeFunctions(), quantizeFunctions(), qonnxFunctions(), sampleFunctions(),
              lossFunctions()}) {
            rows.insert(rows.end(), family.begin(), family.end());
        }
        return rows;
    }();
    return table;
}

const FunctionInfo* findFunction(std::string_view domain, std::string_view name, int opset)
{
    const auto rows = functions();
    const auto found = std::ranges::find_if(rows, [&](const FunctionInfo& row) {
        return row.domain == domain && row.name == name && row.since <= opset;
    });
    return found == rows.end() ? nullptr : &*found;
}

Result<std::vector<ArrayValue>> evaluate(const FunctionInfo& function,
                                         std::span<const ArrayValue* const> inputs,
                                         const Attributes& attributes, int opset,
                                         std::size_t outputs)
{
    Evaluation e(inputs, attributes, opset, outputs);
    function.evaluate(e);
    return e.finish();
}

} // namespace bitscape::graph
