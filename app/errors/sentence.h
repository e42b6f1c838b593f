// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "widgets/panels/banner.h"

namespace bitscape::app {

/// What happened, in the user's language: one sentence per kind of failure.
[[nodiscard]] QString headline(ErrorCode code);
/// A banner for a failure: headline and the engine's own sentence with place and remedy.
[[nodiscard]] widgets::Message messageOf(const Error& error);

} // namespace bitscape::app
