// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/train/row_loss.h"

#include <algorithm>
#include <limits>

namespace bitscape::train {

namespace {

/// Mean of max(1 − t·y, 0), or of its square; targets −1 and 1.
template <bool kSquared>
class Hinge final : public RowLoss {
public:
    explicit Hinge(const CallArguments& /*arguments*/) {}

private:
    [[nodiscard]] bool wantsSigns() const override { return true; }

    [[nodiscard]] double ofRow(const Row& row, std::span<double> slope) const override
    {
        const auto width = static_cast<double>(slope.size());
        double sum = 0;
        for (std::size_t j = 0; j < slope.size(); ++j) {
            const double missing = 1.0 - row.wanted[j] * row.outputs[j];
            const double positive = std::max(missing, 0.0);
            sum += kSquared ? positive * positive : positive;
            // At the kink TensorFlow's maximum passes the gradient on.
            slope[j] = missing >= 0 ? -row.wanted[j] / width : 0.0;
            slope[j] *= kSquared ? 2.0 * positive : 1.0;
        }
        return sum / width;
    }
};

/// How far the best wrong class comes within 1 of the right one.
class CategoricalHinge final : public RowLoss {
public:
    explicit CategoricalHinge(const CallArguments& /*arguments*/) {}

private:
    [[nodiscard]] double ofRow(const Row& row, std::span<double> slope) const override
    {
        double right = 0;
        double wrong = -std::numeric_limits<double>::infinity();
        for (std::size_t j = 0; j < slope.size(); ++j) {
            right += row.wanted[j] * row.outputs[j];
            wrong = std::max(wrong, (1.0 - row.wanted[j]) * row.outputs[j]);
        }
        const double missing = wrong - right + 1.0;
        const auto isBest = [&](std::size_t j) {
            return (1.0 - row.wanted[j]) * row.outputs[j] == wrong;
        };
        double best = 0; // classes that share the largest value share its gradient
        for (std::size_t j = 0; j < slope.size(); ++j) {
            best += isBest(j) ? 1.0 : 0.0;
        }
        for (std::size_t j = 0; j < slope.size(); ++j) {
            const double ofWrong = isBest(j) ? (1.0 - row.wanted[j]) / best : 0.0;
            slope[j] = missing >= 0 ? ofWrong - row.wanted[j] : 0.0;
        }
        return std::max(missing, 0.0);
    }
};

} // namespace

std::vector<LossInfo> margins()
{
    return {
        {"hinge",
         "",
         "Mean of max(1 − t·y, 0) for targets −1 and 1 (0 and 1 are read as such).",
         {},
         &makeLossRow<Hinge<false>>},
        {"squared_hinge",
         "",
         "Mean of max(1 − t·y, 0)² for targets −1 and 1.",
         {},
         &makeLossRow<Hinge<true>>},
        {"categorical_hinge",
         "",
         "How far the best wrong class comes within 1 of the right one.",
         {},
         &makeLossRow<CategoricalHinge>},
    };
}

} // namespace bitscape::train
