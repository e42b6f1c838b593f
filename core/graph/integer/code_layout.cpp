// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/integer/code_layout.h"

#include "core/graph/integer/builder.h"

#include <algorithm>

namespace bitscape::graph {

CodeLayout layoutOf(const CodeTensor& tensor)
{
    if (tensor.isFloat()) {
        return {};
    }
    constexpr std::int64_t kLargestByte = 255;
    const std::int64_t low = std::min(tensor.grid.low, tensor.grid.zero);
    const std::int64_t high = std::max(tensor.grid.high, tensor.grid.zero);
    if (high - low <= kLargestByte) {
        return {Kept::Byte, low};
    }
    switch (storageFor(low, high)) {
    case Storage::Int8:
    case Storage::Int16:
        return {Kept::Short, 0};
    case Storage::Int32:
        return {Kept::Int, 0};
    case Storage::Int64:
    case Storage::Float:
        break;
    }
    return {Kept::Long, 0};
}

Index sizeOf(Kept kept)
{
    switch (kept) {
    case Kept::Byte:
        return sizeof(std::uint8_t);
    case Kept::Short:
        return sizeof(std::int16_t);
    case Kept::Long:
        return sizeof(std::int64_t);
    case Kept::Int:
    case Kept::Float:
        break;
    }
    return sizeof(float);
}

std::optional<kernels::CodeKind> kindOf(Kept kept)
{
    switch (kept) {
    case Kept::Byte:
        return kernels::CodeKind::Byte;
    case Kept::Short:
        return kernels::CodeKind::Short;
    case Kept::Int:
        return kernels::CodeKind::Int;
    case Kept::Long:
    case Kept::Float:
        break;
    }
    return std::nullopt;
}

void loadCodes(const CodeTensor& tensor, const std::byte* data, Index first, Index count,
               std::int64_t* to)
{
    const CodeLayout layout = layoutOf(tensor);
    visitKept(layout.kept, data, [&](const auto* from) {
        for (Index e = 0; e < count; ++e) {
            to[e] = from[first + e] + layout.base;
        }
    });
}

void storeCodes(const CodeTensor& tensor, std::byte* data, Index first, Index count,
                const std::int64_t* from)
{
    const CodeLayout layout = layoutOf(tensor);
    visitKept(layout.kept, data, [&](auto* to) {
        for (Index e = 0; e < count; ++e) {
            to[first + e] = static_cast<std::remove_pointer_t<decltype(to)>>(from[e] - layout.base);
        }
    });
}

void readReal(const CodeTensor& tensor, const std::byte* data, Index count, float* to)
{
    if (tensor.isFloat()) {
        std::copy_n(reinterpret_cast<const float*>(data), count, to);
        return;
    }
    const CodeLayout layout = layoutOf(tensor);
    const std::int64_t zero = tensor.grid.zero - layout.base;
    const auto kind = kindOf(layout.kept);
    if (kind && tensor.grid.steps.size() == 1) {
        kernels::dequantizeCodes(data, *kind, count, static_cast<std::int32_t>(zero),
                                 tensor.grid.steps.front(), to);
        return;
    }
    const auto steps = static_cast<Index>(tensor.grid.steps.size());
    visitKept(layout.kept, data, [&](const auto* from) {
        for (Index e = 0, channel = 0; e < count; ++e) {
            to[e] = static_cast<float>(tensor.grid.steps[static_cast<std::size_t>(channel)] *
                                       static_cast<double>(from[e] - zero));
            channel = channel + 1 == steps ? 0 : channel + 1;
        }
    });
}

} // namespace bitscape::graph
