// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/function_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

// Resize and its forerunner Upsample: every axis is resampled by itself.
namespace bitscape::graph {

namespace {

struct Settings {
    std::string mode, coordinates, nearest;
    double cubic = -0.75;
    double outside = 0.0; ///< value beyond the crop
    bool excludesOutside = false;
    bool isSmooth = false; ///< antialias
};

/// How one axis is resampled.
struct AxisPlan {
    Index input = 0, output = 0;
    double scale = 1.0;
    double start = 0.0, end = 1.0; ///< of the crop
    bool isUntouched = false;
};

/// Weights of neighbors of one output element; none: it is outside of the crop.
struct Neighbors {
    Index first = 0;
    std::vector<double> weights;
};

/// Place in the input of an output element.
double placeOf(const Settings& s, const AxisPlan& axis, Index element)
{
    const auto x = static_cast<double>(element);
    const auto input = static_cast<double>(axis.input);
    const double output = axis.scale * input;
    if (s.coordinates == "asymmetric") {
        return x / axis.scale;
    }
    if (s.coordinates == "align_corners") {
        return output == 1.0 ? 0.0 : x * (input - 1.0) / (output - 1.0);
    }
    if (s.coordinates == "pytorch_half_pixel") {
        return output == 1.0 ? -0.5 : (x + 0.5) / axis.scale - 0.5;
    }
    if (s.coordinates == "tf_half_pixel_for_nn") {
        return (x + 0.5) / axis.scale;
    }
    if (s.coordinates == "tf_crop_and_resize") {
        return output == 1.0 ? (axis.end - axis.start) * (input - 1.0) / 2.0
                             : axis.start * (input - 1.0) +
                                   x * (axis.end - axis.start) * (input - 1.0) / (output - 1.0);
    }
    const double center = s.coordinates == "half_pixel_symmetric"
                              ? input / 2.0 * (1.0 - static_cast<double>(axis.output) / output)
                              : 0.0;
    return center + (x + 0.5) / axis.scale - 0.5;
}

double cubicWeight(double distance, double a)
{
    const double x = std::fabs(distance);
    if (x <= 1.0) {
        return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    }
    return x < 2.0 ? ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a : 0.0;
}

/// `ratio`: how far the place is from its left neighbor, in (0, 1].
std::vector<double> nearestWeights(const std::string& rule, double ratio)
{
    const bool takesRight = ratio == 1.0 || rule == "ceil" ||
                            (rule == "round_prefer_floor" && ratio > 0.5) ||
                            (rule == "round_prefer_ceil" && ratio >= 0.5);
    return takesRight ? std::vector<double>{0.0, 1.0} : std::vector<double>{1.0, 0.0};
}

/// Weights of linear or cubic interpolation; when shrinking smoothly the filter is as wide as the
/// step.
std::vector<double> filterWeights(const Settings& s, double scale, double ratio)
{
    const bool isCubic = s.mode == "cubic";
    const double reach = isCubic ? 2.0 : 1.0;
    const double narrow = s.isSmooth ? std::min(scale, 1.0) : 1.0;
    const auto first = static_cast<Index>(std::floor(-reach / narrow)) + 1;
    std::vector<double> weights;
    for (Index i = first; i < 2 - first; ++i) {
        const double distance = (static_cast<double>(i) - ratio) * narrow;
        weights.push_back(isCubic ? cubicWeight(distance, s.cubic)
                                  : std::clamp(1.0 - std::fabs(distance), 0.0, 1.0));
    }
    return weights;
}

Neighbors neighborsOf(const Settings& s, const AxisPlan& axis, Index element)
{
    const double place = placeOf(s, axis, element);
    if (s.coordinates == "tf_crop_and_resize" &&
        (place < 0.0 || place > static_cast<double>(axis.input - 1))) {
        return {};
    }
    const double left = std::ceil(place) - 1.0;
    const double ratio = place - left;
    Neighbors n{.weights = s.mode == "nearest" ? nearestWeights(s.nearest, ratio)
                                               : filterWeights(s, axis.scale, ratio)};
    n.first = static_cast<Index>(left) - std::ssize(n.weights) / 2 + 1;
    if (s.excludesOutside) {
        for (std::size_t k = 0; k < n.weights.size(); ++k) {
            const Index at = n.first + static_cast<Index>(k);
            n.weights[k] = at < 0 || at >= axis.input ? 0.0 : n.weights[k];
        }
    }
    if (s.excludesOutside || s.isSmooth) {
        const double sum = std::accumulate(n.weights.begin(), n.weights.end(), 0.0);
        for (double& weight : n.weights) {
            weight /= sum;
        }
    }
    return n;
}

/// Resamples one axis; elements beyond the ends are the last.
std::vector<double> resampled(const std::vector<double>& x, const Settings& s, const AxisPlan& axis,
                              Index outer, Index inner)
{
    std::vector<double> y(static_cast<std::size_t>(outer * axis.output * inner), 0.0);
    for (Index i = 0; i < axis.output; ++i) {
        const Neighbors n = neighborsOf(s, axis, i);
        for (std::size_t k = 0; k < n.weights.size(); ++k) {
            if (n.weights[k] == 0.0) {
                continue;
            }
            const Index from =
                std::clamp<Index>(n.first + static_cast<Index>(k), 0, axis.input - 1);
            for (Index o = 0; o < outer; ++o) {
                const double* source = x.data() + (o * axis.input + from) * inner;
                double* target = y.data() + (o * axis.output + i) * inner;
                for (Index e = 0; e < inner; ++e) {
                    target[e] += n.weights[k] * source[e];
                }
            }
        }
    }
    return y;
}

void fillOutside(ArrayValue& y, const Settings& s, const std::vector<AxisPlan>& plan)
{
    const Sizes steps = stepsOf(y.sizes);
    for (std::size_t axis = 0; axis < plan.size(); ++axis) {
        for (Index i = 0; i < plan[axis].output; ++i) {
            if (plan[axis].isUntouched || !neighborsOf(s, plan[axis], i).weights.empty()) {
                continue;
            }
            for (Index e = 0; e < y.count(); ++e) {
                if (e / steps[axis] % y.sizes[axis] == i) {
                    y.set(e, s.outside);
                }
            }
        }
    }
}

void resample(Evaluation& e, const Settings& s, const std::vector<AxisPlan>& plan)
{
    const ArrayValue& x = e.input(0);
    Sizes sizes;
    for (const AxisPlan& axis : plan) {
        sizes.push_back(axis.output);
    }
    ArrayValue y = e.make(x.type, sizes);
    if (e.computes() && y.count() > 0 && x.count() > 0) {
        std::vector<double> values(static_cast<std::size_t>(x.count()));
        for (Index i = 0; i < x.count(); ++i) {
            values[static_cast<std::size_t>(i)] = x.real(i);
        }
        Sizes current = x.sizes;
        for (std::size_t axis = 0; axis < plan.size(); ++axis) {
            if (plan[axis].isUntouched) {
                continue;
            }
            const std::span<const Index> all(current);
            values = resampled(values, s, plan[axis], countOf(all.first(axis)),
                               countOf(all.subspan(axis + 1)));
            current[axis] = plan[axis].output;
        }
        for (Index i = 0; i < y.count(); ++i) {
            y.set(i, values[static_cast<std::size_t>(i)]);
        }
        if (s.coordinates == "tf_crop_and_resize") {
            fillOutside(y, s, plan);
        }
    }
    e.give(std::move(y));
}

bool isOneOf(const std::string& word, std::initializer_list<const char*> words)
{
    return std::ranges::any_of(words, [&](const char* one) { return word == one; });
}

bool requireKnown(Evaluation& e, const Settings& s)
{
    if (!isOneOf(s.mode, {"nearest", "linear", "cubic"})) {
        e.refuseSetting(fmt::format("mode '{}' is not known", s.mode));
    }
    if (!isOneOf(s.coordinates,
                 {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
                  "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"})) {
        e.refuseSetting(
            fmt::format("coordinate_transformation_mode '{}' is not known", s.coordinates));
    }
    if (!isOneOf(s.nearest, {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"})) {
        e.refuseSetting(fmt::format("nearest_mode '{}' is not known", s.nearest));
    }
    return e.ok();
}

/// Numbers of an input that is there and not empty.
std::vector<double> realsOfInput(Evaluation& e, std::size_t input)
{
    std::vector<double> values;
    if (e.has(input) && e.input(input).count() > 0) {
        static_cast<void>(e.constants(input)); // a failure where they are not known
        for (Index i = 0; e.ok() && i < e.input(input).count(); ++i) {
            values.push_back(e.input(input).real(i));
        }
    }
    return values;
}

void scaleAxes(Evaluation& e, std::vector<AxisPlan>& plan, const std::vector<Index>& axes,
               const std::vector<double>& scales)
{
    if (scales.size() != axes.size()) {
        return e.refuse("Its scales do not fit its axes.");
    }
    for (std::size_t i = 0; i < axes.size(); ++i) {
        AxisPlan& axis = plan[static_cast<std::size_t>(axes[i])];
        const double size = std::floor(static_cast<double>(axis.input) * scales[i]);
        if (!(scales[i] > 0.0) || size > 1e9) {
            return e.refuse("A scale makes no sense.");
        }
        axis.scale = scales[i];
        axis.output = static_cast<Index>(size);
        axis.isUntouched = scales[i] == 1.0;
    }
}

void sizeAxes(Evaluation& e, std::vector<AxisPlan>& plan, const std::vector<Index>& axes,
              const std::vector<std::int64_t>& wanted)
{
    if (wanted.size() != axes.size()) {
        return e.refuse("Its sizes do not fit its axes.");
    }
    const std::string policy = e.text("keep_aspect_ratio_policy", "stretch");
    const bool isLarger = policy == "not_smaller";
    double common = isLarger ? 0.0 : HUGE_VAL;
    for (std::size_t i = 0; i < axes.size(); ++i) {
        AxisPlan& axis = plan[static_cast<std::size_t>(axes[i])];
        if (wanted[i] < 0 || wanted[i] > 1'000'000'000 || axis.input == 0) {
            return e.refuse("A size makes no sense.");
        }
        axis.output = static_cast<Index>(wanted[i]);
        axis.scale = static_cast<double>(axis.output) / static_cast<double>(axis.input);
        axis.isUntouched = axis.output == axis.input;
        common = isLarger ? std::max(common, axis.scale) : std::min(common, axis.scale);
    }
    if (policy == "stretch") {
        return;
    }
    for (const Index at : axes) {
        AxisPlan& axis = plan[static_cast<std::size_t>(at)];
        axis.scale = common;
        axis.output =
            static_cast<Index>(std::floor(common * static_cast<double>(axis.input) + 0.5));
        axis.isUntouched = common == 1.0;
    }
}

std::vector<AxisPlan> untouched(const ArrayValue& x)
{
    std::vector<AxisPlan> plan;
    for (const Index size : x.sizes) {
        plan.push_back({.input = size, .output = size, .isUntouched = true});
    }
    return plan;
}

std::vector<Index> allAxes(const ArrayValue& x)
{
    std::vector<Index> axes(x.sizes.size());
    std::iota(axes.begin(), axes.end(), 0);
    return axes;
}

/// Operator sets before 11: scales alone, each element takes the one at x / scale.
void resizeOld(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const Settings s{
        .mode = e.text("mode", "nearest"), .coordinates = "asymmetric", .nearest = "floor"};
    const auto scales = e.hasAttribute("scales") ? e.reals("scales") : realsOfInput(e, 1);
    std::vector<AxisPlan> plan = untouched(x);
    if (!e.ok() || !requireKnown(e, s)) {
        return;
    }
    scaleAxes(e, plan, allAxes(x), scales);
    if (e.ok()) {
        resample(e, s, plan);
    }
}

void crop(Evaluation& e, std::vector<AxisPlan>& plan, const std::vector<Index>& axes)
{
    const auto region = realsOfInput(e, 1);
    if (region.size() != 2 * axes.size()) {
        return e.refuse("Its region does not fit its axes.");
    }
    for (std::size_t i = 0; i < axes.size(); ++i) {
        AxisPlan& axis = plan[static_cast<std::size_t>(axes[i])];
        axis.start = region[i];
        axis.end = region[i + axes.size()];
        axis.isUntouched = axis.isUntouched && axis.start == 0.0 && axis.end == 1.0;
    }
}

void resize(Evaluation& e)
{
    if (e.opset() < 11) {
        return resizeOld(e);
    }
    const ArrayValue& x = e.input(0);
    const Settings s{.mode = e.text("mode", "nearest"),
                     .coordinates = e.text("coordinate_transformation_mode", "half_pixel"),
                     .nearest = e.text("nearest_mode", "round_prefer_floor"),
                     .cubic = e.real("cubic_coeff_a", -0.75),
                     .outside = e.real("extrapolation_value", 0.0),
                     .excludesOutside = e.flag("exclude_outside"),
                     .isSmooth = e.flag("antialias")};
    std::vector<AxisPlan> plan = untouched(x);
    std::vector<Index> axes = allAxes(x);
    if (e.hasAttribute("axes")) {
        axes.clear();
        for (const std::int64_t axis : e.integers("axes")) {
            axes.push_back(e.axis(axis, x.rank()));
        }
    }
    const auto scales = realsOfInput(e, 2);
    if (!e.ok() || !requireKnown(e, s)) {
        return;
    }
    if (!scales.empty()) {
        scaleAxes(e, plan, axes, scales);
    } else {
        sizeAxes(e, plan, axes, e.constants(3));
    }
    if (s.coordinates == "tf_crop_and_resize" && e.ok()) {
        crop(e, plan, axes);
    }
    if (e.ok()) {
        resample(e, s, plan);
    }
}

} // namespace

std::span<const FunctionInfo> resizeFunctions()
{
    static const std::array rows{
        FunctionInfo{"", "Resize", 10, "resampled to other sizes", resize},
        FunctionInfo{"", "Upsample", 7, "resampled to larger sizes", resizeOld},
    };
    return rows;
}

} // namespace bitscape::graph
