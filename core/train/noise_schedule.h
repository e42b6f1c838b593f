// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/train/keras_call.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace bitscape::train {

/// QKeras' QNoiseScheduler: how much of the quantization is applied while training goes on, from 0
/// (float) to 1.
struct NoiseSchedule {
    double start = 0, finish = 0; ///< epochs or steps; start ≤ finish
    bool perStep = false;         ///< freq_type "step", else "epoch"
    int updateEvery = 1;
    double initial = 0; ///< epochs or steps that count as done before the training
    double exponent = 3;
    bool useSte = true;

    /// Factor at `time` epochs or steps: 0 before start, 1 after finish.
    [[nodiscard]] double factor(double time) const;
    /// Factor in use after `count` epochs or steps have begun before this one; changes only where
    /// initial + count is a multiple of updateEvery, and is 0 until then.
    [[nodiscard]] double factorAt(std::int64_t count) const;
};

inline constexpr std::string_view kNoiseScheduleName = "qnoise_scheduler";
/// Arguments in QKeras' order.
[[nodiscard]] std::span<const CallParameter> noiseParameters();
/// "qnoise_scheduler(2,10,freq_type='epoch')". InvalidArgument names --noise.
[[nodiscard]] Result<NoiseSchedule> makeNoiseSchedule(std::string_view text);

} // namespace bitscape::train
