// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/function_registry.h"

#include <fmt/format.h>

#include <array>

// Functions between types.
namespace bitscape::graph {

namespace {

std::optional<ElementType> typeAttribute(Evaluation& e, std::string_view attribute,
                                         ElementType fallback)
{
    const std::int64_t code = e.integer(attribute, static_cast<std::int64_t>(fallback));
    const auto type =
        code > 0 && code < 1000 ? elementTypeOf(static_cast<int>(code)) : std::nullopt;
    if (!type) {
        e.refuseSetting(fmt::format("the element type {} is not covered", code));
    }
    return type;
}

void cast(Evaluation& e)
{
    if (!e.hasAttribute("to")) {
        return e.refuse("It does not say to which type.");
    }
    const auto type = typeAttribute(e, "to", ElementType::Float32);
    const ArrayValue& x = e.input(0);
    if (type) {
        e.give(converted(x, *type));
    }
}

void castLike(Evaluation& e)
{
    e.give(converted(e.input(0), e.input(1).type));
}

} // namespace

std::span<const FunctionInfo> castFunctions()
{
    static const std::array rows{
        FunctionInfo{"", "Cast", 6, "the same numbers in another type", cast},
        FunctionInfo{"", "CastLike", 15, "the same numbers in the type of b", castLike},
    };
    return rows;
}

} // namespace bitscape::graph
