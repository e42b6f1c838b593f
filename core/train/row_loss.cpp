// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/row_loss.h"

#include <algorithm>

namespace bitscape::train {

namespace {

bool areBinary(TensorView values)
{
    return std::ranges::all_of(values.values(), [](float v) { return v == 0 || v == 1; });
}

void fillWanted(const TargetView& targets, std::size_t row, bool asSigns,
                std::vector<double>& wanted)
{
    if (!targets.labels.empty()) {
        std::ranges::fill(wanted, 0.0);
        wanted[static_cast<std::size_t>(targets.labels[row])] = 1.0;
        return;
    }
    std::copy_n(targets.values.data + row * wanted.size(), wanted.size(), wanted.begin());
    if (asSigns) {
        for (double& value : wanted) {
            value = 2.0 * value - 1.0;
        }
    }
}

} // namespace

double RowLoss::evaluate(TensorView outputs, const TargetView& targets, bool onLogits,
                         MutableTensorView upstream) const
{
    const auto width = static_cast<std::size_t>(std::max<Index>(1, outputs.shape.channels()));
    const std::size_t count = outputs.values().size() / width;
    const bool asSigns = wantsSigns() && areBinary(targets.values);
    const std::size_t samples = std::max<std::size_t>(targets.weights.size(), 1);
    std::vector<double> given(width);
    std::vector<double> wanted(width);
    std::vector<double> slope(width);
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) {
        std::copy_n(outputs.data + i * width, width, given.begin());
        fillWanted(targets, i, asSigns, wanted);
        const double weight = targets.weights.empty() ? 1.0 : targets.weights[i * samples / count];
        sum += weight * ofRow({given, wanted, onLogits}, slope);
        if (upstream.data != nullptr) {
            const double share = weight / static_cast<double>(count);
            std::ranges::transform(slope, upstream.data + i * width,
                                   [&](double value) { return static_cast<float>(value * share); });
        }
    }
    return count > 0 ? sum / static_cast<double>(count) : 0.0;
}

} // namespace bitscape::train
