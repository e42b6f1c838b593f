// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/graph/functions/function_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

// Numbers read at places that other numbers name.
namespace bitscape::graph {

namespace {

enum class Beyond { Zeros, Border, Reflection };

struct Grid {
    std::string mode; ///< nearest, linear, cubic
    Beyond beyond = Beyond::Zeros;
    bool alignsCorners = false;
};

/// Ends of an axis: centers of the outer elements, or their edges.
struct Ends {
    double low = 0.0, high = 0.0;
};

Ends endsOf(const Grid& grid, Index size)
{
    const auto length = static_cast<double>(size);
    return grid.alignsCorners ? Ends{0.0, length - 1.0} : Ends{-0.5, length - 0.5};
}

double reflected(double x, const Ends& ends)
{
    const double span = ends.high - ends.low;
    const bool isBelow = x < ends.low;
    if (span <= 0.0 || (!isBelow && x <= ends.high)) {
        return x;
    }
    const double distance = isBelow ? ends.low - x : x - ends.high;
    const double times = std::floor(distance / span);
    const double rest = distance - times * span;
    const bool isEven = std::fmod(times, 2.0) == 0.0;
    return isEven == isBelow ? ends.low + rest : ends.high - rest;
}

/// Element of an axis that a whole place reads; −1: none.
Index elementAt(const Grid& grid, double place, Index size)
{
    const auto last = static_cast<double>(size - 1);
    switch (grid.beyond) {
    case Beyond::Zeros:
        return place < 0.0 || place > last ? -1 : static_cast<Index>(place);
    case Beyond::Border:
        return static_cast<Index>(std::clamp(place, 0.0, last));
    case Beyond::Reflection:
        break;
    }
    return static_cast<Index>(std::clamp(reflected(place, endsOf(grid, size)), 0.0, last));
}

struct Share {
    Index element = -1;
    double weight = 1.0;
};

double cubicWeight(double distance)
{
    constexpr double kA = -0.75;
    const double x = std::fabs(distance);
    return x <= 1.0 ? ((kA + 2.0) * x - (kA + 3.0)) * x * x + 1.0
                    : ((kA * x - 5.0 * kA) * x + 8.0 * kA) * x - 4.0 * kA;
}

/// Elements of one axis and their weights for a coordinate within −1…1.
std::vector<Share> sharesOf(const Grid& grid, double coordinate, Index size)
{
    const auto length = static_cast<double>(size);
    const Ends ends = endsOf(grid, size);
    double place = grid.alignsCorners ? (coordinate + 1.0) / 2.0 * (length - 1.0)
                                      : ((coordinate + 1.0) * length - 1.0) / 2.0;
    if (!std::isfinite(place)) {
        return {};
    }
    place = grid.mode == "nearest" ? std::nearbyint(place) : place;
    if (place < ends.low || place > ends.high) {
        place = grid.beyond == Beyond::Border       ? std::clamp(place, 0.0, length - 1.0)
                : grid.beyond == Beyond::Reflection ? reflected(place, ends)
                                                    : place;
    }
    if (grid.mode == "nearest") {
        return {{elementAt(grid, place, size), 1.0}};
    }
    const bool isCubic = grid.mode == "cubic";
    const double left = std::floor(place);
    std::vector<Share> shares;
    for (double at = isCubic ? left - 1.0 : left; at <= left + (isCubic ? 2.0 : 1.0); at += 1.0) {
        const double distance = place - at;
        shares.push_back({elementAt(grid, at, size),
                          isCubic ? cubicWeight(distance) : 1.0 - std::fabs(distance)});
    }
    return shares;
}

/// Sum over all elements of the axes from `axis` on.
double gathered(const ArrayValue& x, Index start, const std::vector<std::vector<Share>>& axes,
                const Sizes& steps, std::size_t axis)
{
    if (axis == axes.size()) {
        return x.real(start);
    }
    double sum = 0.0;
    for (const Share& share : axes[axis]) {
        if (share.element >= 0 && share.weight != 0.0) {
            sum += share.weight *
                   gathered(x, start + share.element * steps[axis + 2], axes, steps, axis + 1);
        }
    }
    return sum;
}

std::optional<Grid> gridOf(Evaluation& e)
{
    Grid grid{.mode = e.text("mode", "linear"), .alignsCorners = e.flag("align_corners")};
    grid.mode = grid.mode == "bilinear" ? "linear" : grid.mode == "bicubic" ? "cubic" : grid.mode;
    const std::string beyond = e.text("padding_mode", "zeros");
    constexpr std::array kModes{"nearest", "linear", "cubic"};
    constexpr std::array kBeyond{"zeros", "border", "reflection"};
    const auto found = std::ranges::find(kBeyond, beyond);
    if (std::ranges::find(kModes, grid.mode) == kModes.end() || found == kBeyond.end()) {
        e.refuseSetting(fmt::format("mode '{}' with padding '{}' is not known", grid.mode, beyond));
        return std::nullopt;
    }
    grid.beyond = static_cast<Beyond>(found - kBeyond.begin());
    return grid;
}

void gridSample(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const ArrayValue& places = e.input(1);
    const auto grid = gridOf(e);
    const auto rank = x.sizes.size();
    if (!e.ok() || rank < 3 || places.sizes.size() != rank || places.sizes[0] != x.sizes[0] ||
        places.sizes.back() != std::ssize(x.sizes) - 2) {
        return e.refuse("Its grid does not fit its input.");
    }
    Sizes sizes{x.sizes[0], x.sizes[1]};
    sizes.insert(sizes.end(), places.sizes.begin() + 1, places.sizes.end() - 1);
    ArrayValue y = e.make(x.type, sizes);
    if (e.computes()) {
        const Sizes steps = stepsOf(x.sizes);
        const auto axes = static_cast<Index>(rank - 2);
        const Index plane = countOf(std::span<const Index>(sizes).subspan(2));
        for (Index n = 0; n < sizes[0]; ++n) {
            for (Index p = 0; p < plane; ++p) {
                std::vector<std::vector<Share>> shares;
                for (Index axis = 0; axis < axes; ++axis) { // the grid names the last axis first
                    const Index at = (n * plane + p) * axes + axes - 1 - axis;
                    shares.push_back(sharesOf(*grid, places.real(at),
                                              x.sizes[static_cast<std::size_t>(axis) + 2]));
                }
                for (Index c = 0; c < sizes[1]; ++c) {
                    y.set((n * sizes[1] + c) * plane + p,
                          gathered(x, n * steps[0] + c * steps[1], shares, steps, 0));
                }
            }
        }
    }
    e.give(std::move(y));
}

/// Cut or padded with 0 on both sides alike; of an odd rest the end gets more when cutting.
void centerCropPad(Evaluation& e)
{
    const ArrayValue& x = e.input(0);
    const auto wanted = e.constants(1);
    std::vector<std::int64_t> axes = e.integers("axes");
    for (std::int64_t axis = 0; !e.hasAttribute("axes") && axis < x.rank(); ++axis) {
        axes.push_back(axis);
    }
    if (e.ok() && axes.size() != wanted.size()) {
        return e.refuse("Its shape does not fit its axes.");
    }
    Sizes sizes = x.sizes;
    Sizes shifts(x.sizes.size(), 0); // of the input against the output
    for (std::size_t i = 0; i < axes.size() && e.ok(); ++i) {
        const auto axis = static_cast<std::size_t>(e.axis(axes[i], x.rank()));
        if (!e.ok() || wanted[i] < 0 || wanted[i] > (Index{1} << 30)) {
            return e.refuse("Its shape makes no sense.");
        }
        const Index difference = x.sizes[axis] - static_cast<Index>(wanted[i]);
        sizes[axis] = static_cast<Index>(wanted[i]);
        shifts[axis] = difference >= 0 ? difference / 2 : -((-difference) / 2);
    }
    ArrayValue y = e.make(x.type, sizes);
    if (e.computes()) {
        const Sizes from = stepsOf(x.sizes);
        const Sizes to = stepsOf(sizes);
        for (Index i = 0; i < y.count(); ++i) {
            Index place = 0;
            bool isInside = true;
            for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
                const Index at = i / to[axis] % sizes[axis] + shifts[axis];
                isInside = isInside && at >= 0 && at < x.sizes[axis];
                place += at * from[axis];
            }
            if (isInside) {
                y.copy(i, x, place);
            }
        }
    }
    e.give(std::move(y));
}

} // namespace

std::span<const FunctionInfo> sampleFunctions()
{
    static const std::array rows{
        FunctionInfo{"", "GridSample", 16, "read at the places of a grid", gridSample},
        FunctionInfo{"", "CenterCropPad", 18, "cut or padded around the center", centerCropPad},
    };
    return rows;
}

} // namespace bitscape::graph
