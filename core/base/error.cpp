// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/error.h"

#include <stdexcept>
#include <utility>

namespace bitscape {

std::string_view name(ErrorCode code)
{
    switch (code) {
    case ErrorCode::Canceled:
        return "canceled";
    case ErrorCode::InvalidArgument:
        return "invalid_argument";
    case ErrorCode::NotFound:
        return "not_found";
    case ErrorCode::Io:
        return "io";
    case ErrorCode::CorruptFile:
        return "corrupt_file";
    case ErrorCode::ShapeMismatch:
        return "shape_mismatch";
    case ErrorCode::VersionTooNew:
        return "version_too_new";
    case ErrorCode::Unsupported:
        return "unsupported";
    case ErrorCode::Infeasible:
        return "infeasible";
    case ErrorCode::OutOfResources:
        return "out_of_resources";
    case ErrorCode::Internal:
        break;
    }
    return "internal";
}

Error Error::in(std::string_view outer) &&
{
    where = where.empty() ? std::string(outer) : std::string(outer) + ", " + where;
    return std::move(*this);
}

std::string Error::sentence() const
{
    std::string text = message;
    if (!where.empty() && message.find(where) == std::string::npos) {
        text += " (" + where + ")";
    }
    if (!hint.empty()) {
        text += " " + hint;
    }
    return text;
}

Failure fail(ErrorCode code, std::string message, std::string where, std::string hint)
{
    return Failure(Error{code, std::move(message), std::move(where), std::move(hint)});
}

Failure fail(Error error)
{
    return Failure(std::move(error));
}

void ensure(bool condition, const char* what)
{
    if (!condition) {
        throw std::logic_error(what);
    }
}

} // namespace bitscape
