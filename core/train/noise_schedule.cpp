// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/noise_schedule.h"

#include <cmath>
#include <vector>

namespace bitscape::train {

namespace {

constexpr std::string_view kWhere = "--noise";

Failure refused(std::string message)
{
    return fail(ErrorCode::InvalidArgument, std::move(message), std::string(kWhere));
}

} // namespace

double NoiseSchedule::factor(double time) const
{
    if (time < start) {
        return 0.0;
    }
    if (time <= finish && start != finish) {
        return 1.0 - std::pow((finish - time) / (finish - start), exponent);
    }
    return 1.0;
}

double NoiseSchedule::factorAt(std::int64_t count) const
{
    const auto first = static_cast<std::int64_t>(initial);
    const std::int64_t now = first + count;
    const std::int64_t updated = now - now % updateEvery;
    return updated < first ? 0.0 : factor(static_cast<double>(updated));
}

std::span<const CallParameter> noiseParameters()
{
    static const std::vector<CallParameter> table{
        {"start", 0.0, "Epoch or step up to which nothing is quantized.", 0},
        {"finish", 0.0, "Epoch or step from which all is quantized.", 0},
        {"freq_type", std::string("epoch"), "What is counted: 'epoch' or 'step'."},
        {"update_freq", 1.0, "Epochs or steps between two changes.", 1},
        {"initial_step_or_epoch", 0.0, "Epochs or steps that count as done.", 0},
        {"exponent", 3.0, "How early most of the change comes; 1: evenly.", 0},
        {"use_ste", true, "Let gradients pass as if all were quantized."},
    };
    return table;
}

Result<NoiseSchedule> makeNoiseSchedule(std::string_view text)
{
    auto call = parseKerasCall(text, kWhere);
    if (!call) {
        return fail(std::move(call).error());
    }
    if (!isNamed(kNoiseScheduleName, call->name)) {
        return unknownName("noise schedule", call->name, {std::string(kNoiseScheduleName)}, kWhere);
    }
    auto arguments = CallArguments::bind(*call, noiseParameters(), kWhere);
    if (!arguments) {
        return fail(std::move(arguments).error());
    }
    const std::string& counted = arguments->text("freq_type");
    if (counted != "epoch" && counted != "step") {
        return refused("freq_type of qnoise_scheduler is 'epoch' or 'step', not '" + counted +
                       "'.");
    }
    NoiseSchedule schedule{.start = arguments->number("start"),
                           .finish = arguments->number("finish"),
                           .perStep = counted == "step",
                           .updateEvery = static_cast<int>(arguments->number("update_freq")),
                           .initial = arguments->number("initial_step_or_epoch"),
                           .exponent = arguments->number("exponent"),
                           .useSte = arguments->flag("use_ste")};
    if (schedule.start > schedule.finish) {
        return refused("start of qnoise_scheduler lies after finish.");
    }
    return schedule;
}

} // namespace bitscape::train
