// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/hw/accelerator.h"

#include <span>
#include <string_view>
#include <variant>

// The one list of what an accelerator file may hold. Reading, writing, checking, dialogs and the
// assumption sheet loop over it.
namespace bitscape::hw {

struct RealField {
    double& (*at)(Accelerator&);
    double low, high;
};
struct WholeField {
    int& (*at)(Accelerator&);
    int low, high;
};
struct FlagField {
    bool& (*at)(Accelerator&);
};
/// An enum member by position in `names`.
struct ChoiceField {
    std::span<const std::string_view> names;
    int (*get)(const Accelerator&);
    void (*set)(Accelerator&, int);
};
struct NameField {};      ///< Accelerator::name
struct ModesField {};     ///< Accelerator::modes, a list
struct ModePowerField {}; ///< Accelerator::modePower, an object keyed by lanes

using Field = std::variant<RealField, WholeField, FlagField, ChoiceField, NameField, ModesField,
                           ModePowerField>;

struct Parameter {
    std::string_view key, unit, doc, tag;
    Field field;
};

[[nodiscard]] std::span<const Parameter> parameters();
/// Row by key; null if there is none.
[[nodiscard]] const Parameter* findParameter(std::string_view key);

} // namespace bitscape::hw
