// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/train/keras_call.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitscape::train {

/// Learning rate of a step; steps count from 0.
using Schedule = std::function<double(std::int64_t step)>;

/// What a schedule may fall back on where its call is silent.
struct ScheduleBase {
    double learningRate = 0.001;    ///< the optimizer's
    std::int64_t totalSteps = 1000; ///< of the training; at least 1
};

/// A row of the registry: Keras' schedules, by their arguments.
struct ScheduleInfo {
    std::string_view name; ///< as written: "cosine_decay"
    std::string_view shortName;
    std::string_view doc;
    std::vector<CallParameter> parameters; ///< in the order of Keras' constructor
    /// InvalidArgument.
    Result<Schedule> (*make)(const CallArguments& arguments, const ScheduleBase& base);
};

[[nodiscard]] std::span<const ScheduleInfo> schedules();

/// "cosine_decay(0.01,1000)", "exponential_decay(decay_rate=0.9)". An absent initial_learning_rate
/// is the optimizer's, absent decay steps are all of the training. An empty text is a rate that
/// stays. `warmUp` steps first lead from 0 to the rate that the schedule starts with; it begins
/// after them. InvalidArgument names --schedule.
[[nodiscard]] Result<Schedule> makeSchedule(std::string_view text, std::int64_t warmUp,
                                            const ScheduleBase& base);

} // namespace bitscape::train
