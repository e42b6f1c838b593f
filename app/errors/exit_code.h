// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"

namespace bitscape {

/// How both programs end after a failure: 2 usage, 3 input, 4 unsupported layers, 5 infeasible,
/// 6 resources, 7 a bug, 130 stopped.
[[nodiscard]] constexpr int exitCode(ErrorCode code)
{
    switch (code) {
    case ErrorCode::InvalidArgument:
        return 2;
    case ErrorCode::NotFound:
    case ErrorCode::Io:
    case ErrorCode::CorruptFile:
    case ErrorCode::ShapeMismatch:
    case ErrorCode::VersionTooNew:
        return 3;
    case ErrorCode::Unsupported:
        return 4;
    case ErrorCode::Infeasible:
        return 5;
    case ErrorCode::OutOfResources:
        return 6;
    case ErrorCode::Canceled:
        return 130;
    case ErrorCode::Internal:
        break;
    }
    return 7;
}

} // namespace bitscape
