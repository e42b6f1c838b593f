// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/quant/number_line.h"

#include "core/quant/grid_facts.h"
#include "core/quant/scale_layout.h"

#include <algorithm>
#include <cmath>

namespace bitscape::quant {

namespace {

constexpr Index kSamples = 4097;
constexpr std::size_t kMostSteps = 600; // more are finer than a screen
constexpr double kMargin = 0.25;        // of the range, on both sides
constexpr double kWidest = 1e4;         // a grid that reaches farther is shown around the values

/// An input and what became of it.
struct Point {
    float x = 0.0F, y = 0.0F;
    std::optional<double> code;
};

/// Points for inputs of any order, ascending and finite.
std::vector<Point> pointsOf(const Quantizer& quantizer, TensorView x)
{
    Tensor y(x.shape);
    quantizer.apply(x, y.mutableView(), {});
    const auto codes = quantizer.codes(x, {});
    std::vector<Point> points;
    for (Index i = 0, end = x.size(); i < end; ++i) {
        const Point point{x.data[i], y.data()[i],
                          codes ? std::optional<double>(codes->data()[i]) : std::nullopt};
        if (std::isfinite(point.x) && std::isfinite(point.y)) {
            points.push_back(point);
        }
    }
    std::ranges::stable_sort(points, {}, &Point::x);
    return points;
}

/// The values that share scale number `group`.
Tensor groupOf(const Quantizer& quantizer, TensorView values, Index group)
{
    const Fit fit = quantizer.fit(values, {});
    const auto layout = ScaleLayout::broadcasting(values.shape, fit.scale.shape().sizes());
    std::vector<float> found;
    if (layout && fit.scale.size() > 1) {
        layout->forEachTile([&](const ScaleLayout::Tile& tile) {
            const Index channel = group - tile.firstScale;
            for (Index row = 0; channel >= 0 && channel < tile.channels && row < tile.rows; ++row) {
                found.push_back(values.data[tile.offset + row * tile.channels + channel]);
            }
        });
    } else {
        found.assign(values.data, values.data + values.size());
    }
    return Tensor(Shape{static_cast<Index>(found.size())}, found);
}

/// The points of one group of a quantizer that looks at the whole tensor.
std::vector<Point> groupPoints(const Quantizer& quantizer, TensorView values, Index group)
{
    Tensor y(values.shape);
    quantizer.apply(values, y.mutableView(), {});
    const auto codes = quantizer.codes(values, {});
    const Tensor x = groupOf(quantizer, values, group);
    const Tensor out = groupOf(quantizer, {y.data(), values.shape}, group);
    std::vector<Point> points;
    for (Index i = 0, end = x.size(); i < end; ++i) {
        points.push_back({x.data()[i], out.data()[i], std::nullopt});
    }
    if (codes) {
        const Tensor own = groupOf(quantizer, codes->view(), group);
        for (Index i = 0; i < own.size(); ++i) {
            points[static_cast<std::size_t>(i)].code = own.data()[i];
        }
    }
    std::erase_if(points,
                  [](const Point& p) { return !std::isfinite(p.x) || !std::isfinite(p.y); });
    std::ranges::stable_sort(points, {}, &Point::x);
    return points;
}

/// Ends the last step at `border` and begins one with the value of `point`.
void begin(double border, const Point& point, NumberLine& line)
{
    if (!line.steps.empty()) {
        line.steps.back().to = border;
    }
    line.steps.push_back({line.steps.empty() ? line.low : border, line.high, point.y, point.code});
}

/// Steps as far as the points tell: borders lie in the middle between two of them.
void addSteps(const std::vector<Point>& points, NumberLine& line)
{
    for (std::size_t i = 0; i < points.size(); ++i) {
        const Point& point = points[i];
        if (line.steps.empty() || line.steps.back().value != static_cast<double>(point.y)) {
            const double before = i == 0 ? line.low : static_cast<double>(points[i - 1].x);
            begin((before + static_cast<double>(point.x)) / 2.0, point, line);
        }
    }
}

/// What becomes of one number. For quantizers that take numbers one by one.
Point pointAt(const Quantizer& quantizer, float x)
{
    const Tensor one(Shape{1}, std::vector{x});
    const std::vector<Point> points = pointsOf(quantizer, one.view());
    return points.empty() ? Point{x, x, std::nullopt} : points.front();
}

/// Steps with exact borders, those that the points jump over included.
void resolveSteps(const Quantizer& quantizer, const std::vector<Point>& points, NumberLine& line)
{
    for (std::size_t i = 0; i < points.size() && line.steps.size() <= kMostSteps; ++i) {
        if (i == 0) {
            begin(line.low, points[i], line);
            continue;
        }
        Point now = points[i - 1];
        while (now.y != points[i].y && line.steps.size() <= kMostSteps) {
            float below = now.x;
            Point above = points[i];
            for (float middle = below + (above.x - below) / 2.0F;
                 middle > below && middle < above.x; middle = below + (above.x - below) / 2.0F) {
                const Point tried = pointAt(quantizer, middle);
                if (tried.y == now.y) {
                    below = middle;
                } else {
                    above = tried;
                }
            }
            begin(above.x, above, line);
            now = above;
        }
    }
}

/// Inputs all over the interval: evenly, and ever closer around 0, where powers of two crowd.
Tensor probes(const NumberLine& line)
{
    constexpr int kHalvings = 2 * 126;
    std::vector<float> x{0.0F};
    for (Index i = 0; i < kSamples; ++i) {
        x.push_back(static_cast<float>(line.low + (line.high - line.low) * static_cast<double>(i) /
                                                      static_cast<double>(kSamples - 1)));
    }
    for (int half = 1; half <= kHalvings; ++half) {
        for (const double end : {line.low, line.high}) {
            x.push_back(static_cast<float>(end * std::exp2(-0.5 * half)));
        }
    }
    return Tensor(Shape{static_cast<Index>(x.size())}, x);
}

/// Where the outermost levels begin to stand for what lies beyond them.
void findClipping(NumberLine& line)
{
    if (line.steps.empty()) {
        line.clipLow = line.low;
        line.clipHigh = line.high;
        return;
    }
    const auto [lowest, highest] = std::ranges::minmax(line.steps, {}, &LineStep::value);
    line.clipLow = std::max(line.low, lowest.value);
    line.clipHigh = std::min(line.high, highest.value);
}

std::pair<double, double> extremes(TensorView values)
{
    double low = 0.0;
    double high = 0.0;
    for (const float value : values.values()) {
        if (std::isfinite(value)) {
            low = std::min(low, static_cast<double>(value));
            high = std::max(high, static_cast<double>(value));
        }
    }
    return {low, high};
}

/// The interval worth looking at: the values and the grid, unless that reaches out of sight.
void chooseInterval(const Quantizer& quantizer, TensorView values, NumberLine& line)
{
    auto [low, high] = extremes(values);
    const GridFacts facts = gridFacts(quantizer);
    const double reach = std::max({std::abs(low), std::abs(high), 1.0});
    for (const double end : {facts.low, facts.high}) {
        if (std::isfinite(end) && std::abs(end) <= kWidest &&
            (values.size() == 0 || std::abs(end) <= 4.0 * reach)) {
            low = std::min(low, end);
            high = std::max(high, end);
        }
    }
    if (low == high) {
        low = -1.0;
        high = 1.0;
    }
    const double margin = kMargin * (high - low);
    line.low = low - margin;
    line.high = high + margin;
}

} // namespace

NumberLine numberLine(const Quantizer& quantizer, TensorView values, Index group)
{
    NumberLine line;
    std::vector<Point> points;
    if (quantizer.isElementwise()) {
        chooseInterval(quantizer, values, line);
        points = pointsOf(quantizer, probes(line).view());
        resolveSteps(quantizer, points, line);
    } else {
        line.fromValues = true;
        Tensor even(Shape{kSamples, 1});
        if (values.size() == 0) {
            for (Index i = 0; i < kSamples; ++i) {
                even.data()[i] =
                    2.0F * static_cast<float>(i) / static_cast<float>(kSamples - 1) - 1.0F;
            }
            values = even.view();
        }
        if (!quantizer.accepts(values.shape)) { // given scales of other channels
            const QuantizerPtr grid = singleGrid(quantizer);
            return grid && grid->accepts(values.shape) ? numberLine(*grid, values, group)
                                                       : NumberLine{};
        }
        points = groupPoints(quantizer, values, group);
        const double low = points.empty() ? -1.0 : points.front().x;
        const double high = points.empty() ? 1.0 : points.back().x;
        const double margin = kMargin * std::max(high - low, 1e-6);
        line.low = low - margin;
        line.high = high + margin;
        addSteps(points, line);
    }
    if (line.steps.size() > kMostSteps) {
        line.steps.clear();
    }
    for (const Point& point : points) {
        line.curve.emplace_back(point.x, point.y);
    }
    findClipping(line);
    return line;
}

} // namespace bitscape::quant
