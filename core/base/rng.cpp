// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/rng.h"

#include <cmath>
#include <numbers>

namespace bitscape {

namespace {

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15ULL;

std::uint64_t mix(std::uint64_t z)
{
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
}

} // namespace

Rng Rng::split(std::uint64_t number) const
{
    return Rng(mix(mix(m_state + kGolden) ^ mix(number * kGolden + 1)));
}

Rng Rng::split(std::string_view purpose) const
{
    std::uint64_t hash = 0xCBF29CE484222325ULL; // FNV-1a
    for (const char c : purpose) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
    }
    return split(hash);
}

std::uint64_t Rng::next()
{
    m_state += kGolden;
    return mix(m_state);
}

double Rng::uniform()
{
    return static_cast<double>(next() >> 11U) * 0x1.0p-53;
}

std::uint64_t Rng::below(std::uint64_t bound)
{
    const std::uint64_t limit = bound * (~std::uint64_t{0} / bound);
    std::uint64_t value = next();
    while (value >= limit) {
        value = next();
    }
    return value % bound;
}

double Rng::normal()
{
    const double u = 1.0 - uniform();
    return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * uniform());
}

float uniformAt(std::uint64_t seed, std::uint64_t index)
{
    return static_cast<float>(mix(mix(seed + kGolden) + (index + 1) * kGolden) >> 40U) * 0x1.0p-24F;
}

} // namespace bitscape
