// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/search/limits.h"
#include "core/search/study.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace bitscape::search {

/// Proposes the trials of a study. A proposal depends on the study's seed and its number only, so
/// the order of work and interruptions change nothing. Not shared between threads.
class Tuner {
public:
    virtual ~Tuner() = default;
    Tuner() = default;
    Tuner(const Tuner&) = delete;
    Tuner& operator=(const Tuner&) = delete;
    Tuner(Tuner&&) = delete;
    Tuner& operator=(Tuner&&) = delete;

    /// Trial `number` ≥ 0; absent once the space holds no further one that was not proposed.
    [[nodiscard]] virtual std::optional<Assignment> ask(int number) = 0;
};

/// What a tuner works on.
struct TunerInput {
    std::vector<Choice> choices;
    std::uint64_t seed = 0;
    /// Whether limits allow an assignment; empty: all are allowed.
    std::function<bool(const Assignment&)> allowed;
};

/// A row of the registry.
struct TunerInfo {
    std::string_view name;
    std::string_view doc;
    std::unique_ptr<Tuner> (*make)(TunerInput input);
};

[[nodiscard]] std::span<const TunerInfo> tuners();
/// InvalidArgument naming the tuners there are.
[[nodiscard]] Result<const TunerInfo*> findTuner(std::string_view name);

} // namespace bitscape::search
