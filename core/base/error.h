// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <tl/expected.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace bitscape {

/// What kind of failure; decides the exit code of the command line and the mark of a banner.
enum class ErrorCode {
    Canceled,        ///< the user stopped it
    InvalidArgument, ///< an option, a quantizer string, a map: the user's words
    NotFound,        ///< a file, a data set, a sample that is not there
    Io,              ///< reading or writing failed
    CorruptFile,     ///< damaged, or not the format it claims
    ShapeMismatch,   ///< data do not fit the model
    VersionTooNew,   ///< written by a newer Bitscape
    Unsupported,     ///< the model holds layers that cannot be run
    Infeasible,      ///< no configuration meets the limits
    OutOfResources,  ///< memory limit, disk full, store not reachable
    Internal,        ///< a bug
};

/// Stable snake_case name of a code, as printed in JSON ("invalid_argument").
[[nodiscard]] std::string_view name(ErrorCode code);

/// A failure as a value. All texts are English sentences; `where` names file, layer, option or
/// byte.
struct Error {
    ErrorCode code = ErrorCode::Internal;
    std::string message; ///< what failed, one sentence
    std::string where;   ///< where: "model.h5", "layer conv_a", "--batch"; may be empty
    std::string hint;    ///< what to do; may be empty

    /// Prefixes the place with an outer one: error.in("layer conv_a").
    [[nodiscard]] Error in(std::string_view outer) &&;
    /// "message (where) hint" as one paragraph.
    [[nodiscard]] std::string sentence() const;
};

/// Something worth saying that is no failure; carried beside results.
struct Warning {
    std::string code; ///< snake_case
    std::string message;
    std::string where;

    bool operator==(const Warning&) const = default;
};
using Warnings = std::vector<Warning>;

/// A value or an Error. Dropping one does not compile.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
public:
    using tl::expected<T, Error>::expected;
};

using Failure = tl::unexpected<Error>;

[[nodiscard]] Failure fail(ErrorCode code, std::string message, std::string where = {},
                           std::string hint = {});
[[nodiscard]] Failure fail(Error error);

/// Throws std::logic_error: for invariants that only a bug can break.
void ensure(bool condition, const char* what);

} // namespace bitscape
