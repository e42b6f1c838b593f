// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace bitscape::io {

struct PickleValue;
using PicklePtr = std::shared_ptr<PickleValue>;

/// A name that the pickle would have looked up, and a call that it would have made. Nothing is.
struct PickleGlobal {
    std::string name; ///< "numpy.dtype"
};
struct PickleCall {
    PicklePtr function, arguments;
    PicklePtr state; ///< of __setstate__; may be null
};
struct PickleList {
    std::vector<PicklePtr> items; ///< of a list or tuple
};
struct PickleDict {
    std::vector<std::pair<PicklePtr, PicklePtr>> items;
};

/// Data as a Python pickle describes it; null, true, false and numbers are integers.
struct PickleValue {
    std::variant<std::int64_t, std::string, PickleGlobal, PickleCall, PickleList, PickleDict> data;
};

/// Reads a pickle of protocol 2 to 5 as a description: nothing is imported or called, so that it
/// can do no harm. CorruptFile: damaged, or an instruction that plain data do not need.
[[nodiscard]] Result<PicklePtr> readPickle(std::string_view bytes, const std::string& where);

} // namespace bitscape::io
