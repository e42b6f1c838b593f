// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/text.h"
#include "core/train/augment.h"
#include "core/train/loss.h"
#include "core/train/noise_schedule.h"
#include "core/train/optimizer.h"
#include "core/train/schedule.h"
#include "core/train/train.h"

#include <fmt/format.h>

namespace bitscape::train {

namespace {

Result<void> require(bool holds, const char* where, std::string rule)
{
    if (holds) {
        return {};
    }
    return fail(ErrorCode::InvalidArgument, std::move(rule), where);
}

/// An error of something made from a text; nothing else is wanted of it.
template <class Made>
Result<void> checked(const Made& made)
{
    if (made) {
        return {};
    }
    return fail(made.error());
}

} // namespace

Result<void> TrainOptions::validate() const
{
    const struct {
        const char* where;
        Index value, least;
    } rows[] = {{"--epochs", epochs, 1},
                {"--batch", batch, 1},
                {"--max-steps", maxSteps, 0},
                {"--warm-up", warmUp, 0},
                {"--early-stop", earlyStop, 0}};
    for (const auto& row : rows) {
        if (auto ok = require(row.value >= row.least, row.where,
                              fmt::format("{} is less than {}.", row.value, row.least));
            !ok) {
            return ok;
        }
    }
    if (auto ok = require(distillation >= 0 && distillation <= 1, "--distill",
                          fmt::format("{} is no share between 0 and 1.", distillation));
        !ok) {
        return ok;
    }
    if (auto ok = require(temperature > 0, "--temperature",
                          fmt::format("{} is not above 0.", temperature));
        !ok) {
        return ok;
    }
    Result<void> parts[] = {
        checked(makeOptimizer(optimizer)),
        checked(makeLoss(loss.empty() ? "mse" : std::string_view(loss))),
        checked(makeSchedule(schedule, warmUp, {})),
        checked(makeAugmentations(augment)),
        noise.empty() ? Result<void>{} : checked(makeNoiseSchedule(noise)),
    };
    for (Result<void>& part : parts) {
        if (!part) {
            return std::move(part);
        }
    }
    return {};
}

std::string TrainOptions::canonical() const
{
    return fmt::format("batch={} optimizer={} loss={} schedule={} warm_up={} seed={} shuffle={} "
                       "per_step={} early_stop={} class_weight={} augment={} noise={} distill={} "
                       "temperature={}",
                       batch, optimizer, loss, schedule, warmUp, seed, shuffle, maxSteps > 0,
                       earlyStop, classWeight, augment, noise, pythonRepr(distillation),
                       pythonRepr(temperature));
}

std::string TrainOptions::commandLine() const
{
    const TrainOptions usual;
    std::string line;
    const auto number = [&](const char* option, auto value, auto otherwise) {
        line += value == otherwise ? "" : fmt::format(" {} {}", option, value);
    };
    const auto text = [&](const char* option, const std::string& value,
                          const std::string& otherwise) {
        line += value == otherwise ? "" : fmt::format(" {} \"{}\"", option, value);
    };
    number("--epochs", epochs, usual.epochs);
    number("--batch", batch, usual.batch);
    text("--optimizer", optimizer, usual.optimizer);
    text("--loss", loss, usual.loss);
    text("--schedule", schedule, usual.schedule);
    number("--warm-up", warmUp, usual.warmUp);
    number("--seed", seed, usual.seed);
    line += shuffle ? "" : " --no-shuffle";
    number("--max-steps", maxSteps, usual.maxSteps);
    number("--early-stop", earlyStop, usual.earlyStop);
    text("--class-weight", classWeight, usual.classWeight);
    text("--augment", augment, usual.augment);
    text("--noise", noise, usual.noise);
    number("--distill", distillation, usual.distillation);
    number("--temperature", temperature, usual.temperature);
    return line;
}

} // namespace bitscape::train
