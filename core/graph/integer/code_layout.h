// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/integer/program.h"
#include "core/tensor/kernels/codes.h"

#include <cstddef>
#include <optional>

// How the engine keeps codes while it runs. Used inside core/graph/integer only.
namespace bitscape::graph {

/// In what the elements of a tensor lie in memory. Byte: no sign, counted from a base.
enum class Kept { Byte, Short, Int, Long, Float };

/// element = code − base. Bytes wherever 256 codes do, the zero point among them; else base is 0.
struct CodeLayout {
    Kept kept = Kept::Float;
    std::int64_t base = 0;

    [[nodiscard]] bool operator==(const CodeLayout&) const = default;
};
[[nodiscard]] CodeLayout layoutOf(const CodeTensor& tensor);
/// Bytes of one element.
[[nodiscard]] Index sizeOf(Kept kept);

/// As the kernels have it; nullopt for what they neither read nor write.
[[nodiscard]] std::optional<kernels::CodeKind> kindOf(Kept kept);

/// Elements first … first + count − 1; no floats.
void loadCodes(const CodeTensor& tensor, const std::byte* data, Index first, Index count,
               std::int64_t* to);
void storeCodes(const CodeTensor& tensor, std::byte* data, Index first, Index count,
                const std::int64_t* from);
/// The values of `count` elements; a sample's elements begin at channel 0.
void readReal(const CodeTensor& tensor, const std::byte* data, Index count, float* to);

/// visit(pointer to the elements in their type); no floats.
template <class Byte, class Visit>
void visitKept(Kept kept, Byte* data, const Visit& visit)
{
    const auto as = [&](auto element) {
        using Element = decltype(element);
        visit(reinterpret_cast<std::conditional_t<std::is_const_v<Byte>, const Element, Element>*>(
            data));
    };
    switch (kept) {
    case Kept::Byte:
        return as(std::uint8_t{});
    case Kept::Short:
        return as(std::int16_t{});
    case Kept::Int:
        return as(std::int32_t{});
    case Kept::Long:
        return as(std::int64_t{});
    case Kept::Float:
        break;
    }
}

} // namespace bitscape::graph
