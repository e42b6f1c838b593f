// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/json_text.h"
#include "core/graph/op.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bitscape::graph {

/// Typed access to the "config" object of a layer. The first value of a wrong type or out of range
/// is remembered as a CorruptFile error naming the key; afterwards defaults are returned, so that a
/// reader asks for all it needs and looks at error() once.
class KerasConfig {
public:
    /// `config` outlives this object.
    explicit KerasConfig(const Json& config) : m_config(config) {}

    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }
    [[nodiscard]] const Json& json() const { return m_config; }

    /// The member; null if absent.
    [[nodiscard]] const Json& at(const char* key) const { return member(m_config, key); }
    [[nodiscard]] bool has(const char* key) const { return !at(key).is_null(); }

    /// Absent or null gives `otherwise`.
    std::int64_t integer(const char* key, std::int64_t otherwise, std::int64_t low,
                         std::int64_t high);
    float real(const char* key, float otherwise);
    bool boolean(const char* key, bool otherwise);
    std::string text(const char* key, const std::string& otherwise);
    /// One integer for both sides, or a list of `rank` (1 or 2) integers in 1 … 65536.
    Extent extent(const char* key, int rank, Extent otherwise);
    /// List of sizes; null entries become −1.
    std::vector<Index> sizes(const char* key);

    void refuse(const char* key, const std::string& why);

private:
    const Json& m_config;
    std::optional<Error> m_error;
};

/// Largest count of units, filters, groups that is taken for real.
inline constexpr std::int64_t kMaxChannels = std::int64_t{1} << 22;
inline constexpr std::int64_t kMaxExtent = 1 << 16;
/// Largest size of one axis of an input.
inline constexpr std::int64_t kMaxSize = std::int64_t{1} << 31;

} // namespace bitscape::graph
