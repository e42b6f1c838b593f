// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/loss.h"

#include "core/train/row_loss.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bitscape::train {

namespace {

constexpr std::string_view kWhere = "--loss";

Failure mismatch(std::string message, std::string hint = {})
{
    return fail(ErrorCode::ShapeMismatch, std::move(message), std::string(kWhere), std::move(hint));
}

Result<Targets> labelTargets(const Samples& samples, Index width)
{
    Targets targets;
    if (samples.hasLabels()) {
        targets.labels = samples.labels;
    } else if (samples.targets.size() == samples.count()) {
        for (const float value : samples.targets.values()) {
            targets.labels.push_back(std::llround(value));
        }
    } else {
        return mismatch(fmt::format("The loss wants one label per sample, the data have values of "
                                    "shape {}.",
                                    samples.targets.shape().sample().toString()),
                        "Use categorical_crossentropy or mse.");
    }
    for (const std::int64_t label : targets.labels) {
        if (label < 0 || label >= width) {
            return mismatch(fmt::format("The data hold the label {}, but the network has {} "
                                        "outputs.",
                                        label, width));
        }
    }
    return targets;
}

Result<Targets> valueTargets(const Samples& samples, const Shape& output)
{
    const Index count = samples.count();
    const Index width = output.elementCount();
    Targets targets;
    targets.values = Tensor(output.batchOf(count));
    if (samples.hasTargets()) {
        if (samples.targets.size() != targets.values.size()) {
            return mismatch(fmt::format("The data's targets have the shape {}, the network's "
                                        "output {}.",
                                        samples.targets.shape().sample().toString(),
                                        output.toString()));
        }
        std::ranges::copy(samples.targets.values(), targets.values.data());
        return targets;
    }
    for (Index i = 0; i < count; ++i) {
        const std::int64_t label = samples.labels[static_cast<std::size_t>(i)];
        if (width == 1) {
            targets.values.data()[i] = static_cast<float>(label);
        } else if (label >= 0 && label < width) {
            targets.values.data()[i * width + label] = 1.0F;
        } else {
            return mismatch(fmt::format(
                "The data hold the label {}, but the network has {} outputs.", label, width));
        }
    }
    return targets;
}

} // namespace

std::span<const LossInfo> losses()
{
    static const std::vector<LossInfo> table = [] {
        std::vector<LossInfo> rows;
        for (auto part : {crossentropies(), distances(), margins()}) {
            rows.insert(rows.end(), part.begin(), part.end());
        }
        return rows;
    }();
    return table;
}

Result<std::unique_ptr<Loss>> makeLoss(std::string_view text)
{
    auto call = parseKerasCall(text, kWhere);
    if (!call) {
        return fail(std::move(call).error());
    }
    const auto row = findRow(losses(), *call, "loss", kWhere);
    if (!row) {
        return fail(row.error());
    }
    auto arguments = CallArguments::bind(*call, (*row)->parameters, kWhere);
    if (!arguments) {
        return fail(std::move(arguments).error());
    }
    return (*row)->make(*arguments);
}

std::string_view defaultLoss(const Samples& samples, const Shape& output)
{
    if (!samples.hasLabels()) {
        return "mean_squared_error";
    }
    return output.elementCount() == 1 ? "binary_crossentropy" : "sparse_categorical_crossentropy";
}

TargetView Targets::rows(Index first, Index count) const
{
    TargetView view;
    if (!labels.empty()) {
        view.labels = std::span(labels).subspan(static_cast<std::size_t>(first),
                                                static_cast<std::size_t>(count));
    } else {
        view.values = values.view().rows(first, count);
    }
    if (!weights.empty()) {
        view.weights = std::span(weights).subspan(static_cast<std::size_t>(first),
                                                  static_cast<std::size_t>(count));
    }
    return view;
}

Result<Targets> targetsFor(const Loss& loss, const Samples& samples, const Shape& output)
{
    if (!samples.hasLabels() && !samples.hasTargets()) {
        return mismatch("The data hold neither labels nor targets.",
                        "Give data with labels, for example x.npy,y.npy.");
    }
    if (!loss.wantsLabels()) {
        return valueTargets(samples, output);
    }
    if (output.elementCount() != output.channels()) {
        return mismatch(fmt::format("The loss wants one row of classes per sample, the network's "
                                    "output has the shape {}.",
                                    output.toString()));
    }
    return labelTargets(samples, output.channels());
}

} // namespace bitscape::train
