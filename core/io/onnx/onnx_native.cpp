// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/io/onnx/native_node.h"

#include <algorithm>
#include <array>

namespace bitscape::io {

namespace {

const NativeRow* findRow(const OnnxNode& node)
{
    static const std::vector<NativeRow> table = [] {
        std::vector<NativeRow> rows;
        for (const auto family : {windowRows(), weightRows(), elementRows(), shapeRows(),
                                  recurrentRows(), quantizedRows()}) {
            rows.insert(rows.end(), family.begin(), family.end());
        }
        return rows;
    }();
    const auto found = std::ranges::find_if(table, [&](const NativeRow& row) {
        return row.domain == node.domain && row.type == node.opType;
    });
    return found == table.end() ? nullptr : &*found;
}

/// Layers see one sample: arrays that are taken whole have none.
Result<bool> mapNative(OnnxBuilder& builder, const OnnxNode& node)
{
    const NativeRow* row = findRow(node);
    const bool isNamed =
        node.outputs.size() > 1 || (node.outputs.size() == 1 && !node.outputs[0].empty());
    if (row == nullptr || builder.batchAxis() == graph::BatchAxis::None || node.inputs.empty() ||
        !isNamed) {
        return false;
    }
    NativeNode native(builder, node);
    return row->map(native);
}

} // namespace

std::span<const OnnxMapping> nativeMappings()
{
    static constexpr std::array kMappings{
        OnnxMapping{"A layer of ours for the operator, with its channels last.", mapNative}};
    return kMappings;
}

} // namespace bitscape::io
