// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/search/study.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace bitscape::search {

using Assignment = std::map<std::string, std::string>; ///< choice name → quantizer string

/// The values of a choice that this release can make, cheapest (fewest bits) first and last where
/// bits agree in the order of the choice.
[[nodiscard]] std::vector<std::string> byBits(const Choice& choice);
/// The values of a choice that this release can make, in its order.
[[nodiscard]] std::vector<std::string> usableValues(const Choice& choice);

/// Upper bounds of costs. A value.
class Limits {
public:
    /// InvalidArgument: a cost that does not exist, a bound that is no positive number.
    [[nodiscard]] static Result<Limits> make(const std::map<std::string, double>& bounds);

    [[nodiscard]] bool isEmpty() const { return m_bounds.empty(); }
    [[nodiscard]] bool allow(const Cost& cost) const;
    /// Infeasible if no configuration of the space keeps them: the message says the reachable range
    /// and the binding limit. Bits are decided exactly; energy and cycles from the configuration of
    /// least bits, improved choice by choice.
    [[nodiscard]] Result<void> requireReachable(const SearchInput& input,
                                                const SpaceReport& space) const;

private:
    std::map<std::string, double> m_bounds;
};

} // namespace bitscape::search
