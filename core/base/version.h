// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string_view>

namespace bitscape {

/// "0.1.0".
[[nodiscard]] std::string_view version();
/// Short hash of the commit this was built from; "unknown" outside a checkout.
[[nodiscard]] std::string_view commit();

} // namespace bitscape
