// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/layer_config.h"

#include <cmath>

namespace bitscape::graph {

namespace {

/// Integers, and floats that are whole (some writers say 3.0).
std::optional<std::int64_t> wholeNumber(const Json& value)
{
    if (value.is_number_unsigned() &&
        value.get<std::uint64_t>() >
            static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        return std::nullopt;
    }
    if (value.is_number_integer()) {
        return value.get<std::int64_t>();
    }
    if (value.is_number_float()) {
        constexpr double kExact = 9007199254740992.0; // 2^53
        const double number = value.get<double>();
        if (std::trunc(number) == number && std::abs(number) <= kExact) {
            return static_cast<std::int64_t>(number);
        }
    }
    return std::nullopt;
}

} // namespace

void KerasConfig::refuse(const char* key, const std::string& why)
{
    if (!m_error) {
        m_error = Error{ErrorCode::CorruptFile, why, key, {}};
    }
}

std::int64_t KerasConfig::integer(const char* key, std::int64_t otherwise, std::int64_t low,
                                  std::int64_t high)
{
    const Json& value = at(key);
    if (value.is_null()) {
        return otherwise;
    }
    const auto number = wholeNumber(value);
    if (!number || *number < low || *number > high) {
        refuse(key, "It must be a whole number in " + std::to_string(low) + " … " +
                        std::to_string(high) + ".");
        return otherwise;
    }
    return *number;
}

float KerasConfig::real(const char* key, float otherwise)
{
    const Json* value = &at(key);
    if (value->is_object()) { // tf.keras wraps numpy scalars: {"class_name": "__numpy__"/…}
        const Json& inner = member(*value, "value");
        value = inner.is_null() ? &member(member(*value, "config"), "value") : &inner;
    }
    if (value->is_null()) {
        return otherwise;
    }
    if (!value->is_number()) {
        refuse(key, "It must be a number.");
        return otherwise;
    }
    return value->get<float>();
}

bool KerasConfig::boolean(const char* key, bool otherwise)
{
    const Json& value = at(key);
    if (value.is_null()) {
        return otherwise;
    }
    if (value.is_number_integer()) {
        return value.get<std::int64_t>() != 0;
    }
    if (!value.is_boolean()) {
        refuse(key, "It must be true or false.");
        return otherwise;
    }
    return value.get<bool>();
}

std::string KerasConfig::text(const char* key, const std::string& otherwise)
{
    const Json& value = at(key);
    if (value.is_null()) {
        return otherwise;
    }
    if (!value.is_string()) {
        refuse(key, "It must be a text.");
        return otherwise;
    }
    return value.get<std::string>();
}

Extent KerasConfig::extent(const char* key, int rank, Extent otherwise)
{
    const Json& value = at(key);
    if (value.is_null()) {
        return otherwise;
    }
    std::vector<std::int64_t> numbers;
    for (const Json& entry : value.is_array() ? value : Json::array({value})) {
        const auto number = wholeNumber(entry);
        numbers.push_back(number.value_or(0));
    }
    const bool inRange =
        std::ranges::all_of(numbers, [](std::int64_t n) { return n >= 1 && n <= kMaxExtent; });
    if (!inRange || numbers.empty() || (value.is_array() && std::ssize(numbers) != rank)) {
        refuse(key, "It must be " + std::to_string(rank) + " whole number(s) in 1 … " +
                        std::to_string(kMaxExtent) + ".");
        return otherwise;
    }
    const int first = static_cast<int>(numbers.front());
    if (rank == 1) {
        return {1, first};
    }
    return {first, static_cast<int>(numbers.back())};
}

std::vector<Index> KerasConfig::sizes(const char* key)
{
    std::vector<Index> out;
    const Json& value = at(key);
    if (!value.is_array()) {
        refuse(key, "It must be a list of sizes.");
        return out;
    }
    for (const Json& entry : value) {
        const auto number = entry.is_null() ? std::optional<std::int64_t>(-1) : wholeNumber(entry);
        if (!number || *number < -1 || *number > kMaxSize) {
            refuse(key, "It must be a list of sizes.");
            return {};
        }
        out.push_back(*number);
    }
    if (out.size() > static_cast<std::size_t>(Shape::kMaxRank)) {
        refuse(key, "It has more than " + std::to_string(Shape::kMaxRank) + " axes.");
        return {};
    }
    return out;
}

} // namespace bitscape::graph
