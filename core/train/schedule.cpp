// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace bitscape::train {

namespace {

constexpr std::string_view kWhere = "--schedule";

double initialRate(const CallArguments& arguments, const ScheduleBase& base)
{
    return arguments.optionalNumber("initial_learning_rate").value_or(base.learningRate);
}

double stepsOf(const CallArguments& arguments, std::string_view name, const ScheduleBase& base)
{
    return arguments.optionalNumber(name).value_or(static_cast<double>(base.totalSteps));
}

/// Decay periods that have passed, whole ones for a staircase.
double periods(std::int64_t step, double steps, bool staircase)
{
    const double passed = static_cast<double>(step) / steps;
    return staircase ? std::floor(passed) : passed;
}

/// From 1 to `least` along half a wave.
double halfWave(double share, double height, double least)
{
    const double wave = 0.5 * height * (1.0 + std::cos(std::numbers::pi * share));
    return (1.0 - least) * wave + least;
}

Result<Schedule> exponentialDecay(const CallArguments& arguments, const ScheduleBase& base)
{
    return Schedule([initial = initialRate(arguments, base), rate = arguments.number("decay_rate"),
                     steps = stepsOf(arguments, "decay_steps", base),
                     staircase = arguments.flag("staircase")](std::int64_t step) {
        return initial * std::pow(rate, periods(step, steps, staircase));
    });
}

Result<Schedule> inverseTimeDecay(const CallArguments& arguments, const ScheduleBase& base)
{
    return Schedule([initial = initialRate(arguments, base), rate = arguments.number("decay_rate"),
                     steps = stepsOf(arguments, "decay_steps", base),
                     staircase = arguments.flag("staircase")](std::int64_t step) {
        return initial / (1.0 + rate * periods(step, steps, staircase));
    });
}

Result<Schedule> polynomialDecay(const CallArguments& arguments, const ScheduleBase& base)
{
    return Schedule([initial = initialRate(arguments, base),
                     steps = stepsOf(arguments, "decay_steps", base),
                     end = arguments.number("end_learning_rate"), power = arguments.number("power"),
                     cycle = arguments.flag("cycle")](std::int64_t step) {
        const auto now = static_cast<double>(step);
        const double length = cycle ? steps * std::max(1.0, std::ceil(now / steps)) : steps;
        const double left = 1.0 - std::min(now, length) / length;
        return (initial - end) * std::pow(left, power) + end;
    });
}

Result<Schedule> cosineDecay(const CallArguments& arguments, const ScheduleBase& base)
{
    const auto target = arguments.optionalNumber("warmup_target");
    const double warmUp = target ? arguments.number("warmup_steps") : 0.0;
    const double initial = initialRate(arguments, base);
    return Schedule([initial, warmUp, top = target.value_or(initial),
                     steps = stepsOf(arguments, "decay_steps", base),
                     alpha = arguments.number("alpha")](std::int64_t step) {
        const auto now = static_cast<double>(step);
        if (now < warmUp) {
            return initial + (top - initial) * now / warmUp;
        }
        return top * halfWave(std::min(now - warmUp, steps) / steps, 1.0, alpha);
    });
}

Result<Schedule> cosineRestarts(const CallArguments& arguments, const ScheduleBase& base)
{
    return Schedule([initial = initialRate(arguments, base),
                     steps = stepsOf(arguments, "first_decay_steps", base),
                     longer = arguments.number("t_mul"), lower = arguments.number("m_mul"),
                     alpha = arguments.number("alpha")](std::int64_t step) {
        double share = static_cast<double>(step) / steps;
        double round = std::floor(share);
        if (longer == 1.0) {
            share -= round;
        } else {
            round = std::floor(std::log(1.0 - share * (1.0 - longer)) / std::log(longer));
            const double length = std::pow(longer, round);
            share = (share - (1.0 - length) / (1.0 - longer)) / length;
        }
        return initial * halfWave(share, std::pow(lower, round), alpha);
    });
}

Result<Schedule> piecewiseConstant(const CallArguments& arguments, const ScheduleBase& /*base*/)
{
    const std::vector<double> boundaries = arguments.list("boundaries");
    const std::vector<double> values = arguments.list("values");
    if (values.size() != boundaries.size() + 1) {
        return fail(ErrorCode::InvalidArgument,
                    "piecewise_constant_decay wants one value more than boundaries.",
                    std::string(kWhere));
    }
    if (!std::ranges::is_sorted(boundaries) ||
        std::ranges::any_of(values, [](double value) { return value < 0; })) {
        return fail(ErrorCode::InvalidArgument,
                    "piecewise_constant_decay wants rising boundaries and values of at least 0.",
                    std::string(kWhere));
    }
    return Schedule([boundaries, values](std::int64_t step) {
        const auto place =
            std::ranges::lower_bound(boundaries, static_cast<double>(step)) - boundaries.begin();
        return values[static_cast<std::size_t>(place)];
    });
}

const CallParameter kInitial{
    "initial_learning_rate", {}, "Rate at the start; None: the optimizer's.", 0};
const CallParameter kSteps{"decay_steps", {}, "Steps of the decay; None: all of the training.", 1};
const CallParameter kStaircase{"staircase", false, "Change once per decay_steps only."};
const CallParameter kAlpha{"alpha", 0.0, "Least rate, as part of the first.", 0};

} // namespace

std::span<const ScheduleInfo> schedules()
{
    static const std::vector<ScheduleInfo> table{
        {"exponential_decay",
         "",
         "rate · decay_rate^(step/decay_steps)",
         {kInitial, kSteps, {"decay_rate", 0.96, "Factor per decay_steps.", 0}, kStaircase},
         &exponentialDecay},
        {"cosine_decay",
         "",
         "Half a cosine wave from the rate down to alpha · rate.",
         {kInitial,
          kSteps,
          kAlpha,
          {"warmup_target", {}, "Rate that a linear warm-up leads to; None: no warm-up.", 0},
          {"warmup_steps", 0.0, "Steps of that warm-up.", 0}},
         &cosineDecay},
        {"cosine_decay_restarts",
         "",
         "Half cosine waves, each t_mul times as long and m_mul times as high.",
         {kInitial,
          {"first_decay_steps", {}, "Steps of the first wave; None: all of the training.", 1},
          {"t_mul", 2.0, "Length of a wave by the one before.", 1},
          {"m_mul", 1.0, "Height of a wave by the one before.", 0},
          kAlpha},
         &cosineRestarts},
        {"polynomial_decay",
         "",
         "From the rate to end_learning_rate along a power; linear for power 1.",
         {kInitial,
          kSteps,
          {"end_learning_rate", 0.0001, "Rate at the end.", 0},
          {"power", 1.0, "1: a straight line.", 0},
          {"cycle", false, "Start again, longer, instead of staying at the end."}},
         &polynomialDecay},
        {"piecewise_constant_decay",
         "piecewise_constant",
         "values[i] up to step boundaries[i].",
         {{"boundaries", std::vector<double>{}, "Last steps of all values but one, rising."},
          {"values", std::vector<double>{}, "Rates, one more than boundaries."}},
         &piecewiseConstant},
        {"inverse_time_decay",
         "",
         "rate / (1 + decay_rate · step/decay_steps)",
         {kInitial, kSteps, {"decay_rate", 1.0, "How fast it falls.", 0}, kStaircase},
         &inverseTimeDecay},
    };
    return table;
}

Result<Schedule> makeSchedule(std::string_view text, std::int64_t warmUp, const ScheduleBase& base)
{
    Schedule schedule = [rate = base.learningRate](std::int64_t /*step*/) { return rate; };
    if (!text.empty()) {
        auto call = parseKerasCall(text, kWhere);
        if (!call) {
            return fail(std::move(call).error());
        }
        const auto row = findRow(schedules(), *call, "learning-rate schedule", kWhere);
        if (!row) {
            return fail(row.error());
        }
        auto arguments = CallArguments::bind(*call, (*row)->parameters, kWhere);
        if (!arguments) {
            return fail(std::move(arguments).error());
        }
        auto made = (*row)->make(
            *arguments, {base.learningRate, std::max<std::int64_t>(1, base.totalSteps - warmUp)});
        if (!made) {
            return made;
        }
        schedule = std::move(*made);
    }
    if (warmUp <= 0) {
        return schedule;
    }
    return Schedule([schedule, warmUp](std::int64_t step) {
        if (step >= warmUp) {
            return schedule(step - warmUp);
        }
        return schedule(0) * static_cast<double>(step + 1) / static_cast<double>(warmUp + 1);
    });
}

} // namespace bitscape::train
