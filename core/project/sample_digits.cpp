// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/sample_digits.h"

#include "core/base/rng.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <span>
#include <string>
#include <vector>

namespace bitscape::project {

namespace {

/// x to the right, y down; a glyph fills about 0 … 1 in both.
struct Point {
    double x = 0, y = 0;
};
using Stroke = std::vector<Point>;
using Glyph = std::vector<Stroke>;

/// Points of an ellipse's arc, angles in degrees: 0 is right, 90 is down.
Stroke arc(Point center, double radiusX, double radiusY, double from, double to)
{
    constexpr int kSegments = 14;
    Stroke stroke;
    for (int i = 0; i <= kSegments; ++i) {
        const double angle = (from + (to - from) * i / kSegments) * std::numbers::pi / 180.0;
        stroke.push_back(
            {center.x + radiusX * std::cos(angle), center.y + radiusY * std::sin(angle)});
    }
    return stroke;
}

const std::array<Glyph, 10>& glyphs()
{
    static const std::array<Glyph, 10> table{{
        {arc({0.5, 0.5}, 0.34, 0.48, 0, 360)},
        {{{0.30, 0.22}, {0.54, 0.03}, {0.54, 0.97}}},
        {arc({0.5, 0.28}, 0.31, 0.26, 190, 380), {{0.78, 0.38}, {0.18, 0.97}, {0.84, 0.97}}},
        {arc({0.47, 0.27}, 0.30, 0.24, 200, 440), arc({0.47, 0.74}, 0.34, 0.24, -85, 160)},
        {{{0.62, 0.03}, {0.14, 0.66}, {0.88, 0.66}}, {{0.66, 0.40}, {0.66, 0.98}}},
        {{{0.80, 0.04}, {0.27, 0.04}, {0.23, 0.45}}, arc({0.46, 0.69}, 0.34, 0.28, -140, 150)},
        {{{0.70, 0.03}, {0.34, 0.34}, {0.19, 0.66}}, arc({0.50, 0.70}, 0.31, 0.27, 0, 360)},
        {{{0.16, 0.05}, {0.84, 0.05}, {0.40, 0.97}}},
        {arc({0.5, 0.26}, 0.27, 0.23, 0, 360), arc({0.5, 0.74}, 0.33, 0.24, 0, 360)},
        {arc({0.5, 0.30}, 0.31, 0.27, 0, 360), {{0.81, 0.33}, {0.70, 0.68}, {0.46, 0.97}}},
    }};
    return table;
}

double squaredDistance(Point p, Point a, Point b)
{
    const double dx = b.x - a.x;
    const double dy = b.y - a.y;
    const double length = dx * dx + dy * dy;
    const double along =
        length > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length, 0.0, 1.0) : 0.0;
    const double x = p.x - a.x - along * dx;
    const double y = p.y - a.y - along * dy;
    return x * x + y * y;
}

/// What makes one image differ from the next, drawn from its own stream.
struct Hand {
    double cosine, sine, shear, width, height, shiftX, shiftY;
    double pen;      ///< half the stroke's width in pixels
    double darkness; ///< of the ink
    double wave, phase;

    explicit Hand(Rng& rng)
    {
        const double angle = rng.uniform(-0.28, 0.28);
        cosine = std::cos(angle);
        sine = std::sin(angle);
        shear = rng.uniform(-0.25, 0.25);
        width = rng.uniform(6.5, 10.0);
        height = rng.uniform(9.0, 12.5);
        shiftX = rng.uniform(-1.6, 1.6);
        shiftY = rng.uniform(-1.4, 1.4);
        pen = rng.uniform(0.55, 1.25);
        darkness = rng.uniform(0.55, 1.0);
        wave = rng.uniform(0.0, 0.07);
        phase = rng.uniform(0.0, 2 * std::numbers::pi);
    }

    /// From the glyph's square to pixels.
    [[nodiscard]] Point place(Point p) const
    {
        const double x = p.x - 0.5 + wave * std::sin(5.0 * p.y + phase);
        const double y = p.y - 0.5 + wave * std::sin(4.0 * p.x + phase);
        const double slanted = (x - shear * y) * width;
        const double tall = y * height;
        return {7.5 + shiftX + cosine * slanted - sine * tall,
                7.5 + shiftY + sine * slanted + cosine * tall};
    }
};

void draw(const Glyph& glyph, Rng rng, std::span<float> pixels)
{
    const Hand hand(rng);
    Glyph placed = glyph;
    for (Stroke& stroke : placed) {
        std::transform(stroke.begin(), stroke.end(), stroke.begin(),
                       [&](Point p) { return hand.place(p); });
    }
    // A stray mark, as on scanned forms.
    const bool marked = rng.uniform() < 0.3;
    const Point from{rng.uniform(0, 15), rng.uniform(0, 15)};
    const Point to{from.x + rng.uniform(-4, 4), from.y + rng.uniform(-4, 4)};

    for (Index row = 0; row < kDigitsSize; ++row) {
        for (Index column = 0; column < kDigitsSize; ++column) {
            const Point here{static_cast<double>(column), static_cast<double>(row)};
            double squared = 1e9;
            for (const Stroke& stroke : placed) {
                for (std::size_t i = 1; i < stroke.size(); ++i) {
                    squared = std::min(squared, squaredDistance(here, stroke[i - 1], stroke[i]));
                }
            }
            double nearest = std::sqrt(squared);
            if (marked) {
                const double stray = std::sqrt(squaredDistance(here, from, to));
                nearest = std::min(nearest, stray + hand.pen - 0.4);
            }
            const double ink = std::clamp(hand.pen + 0.5 - nearest, 0.0, 1.0) * hand.darkness;
            const double value = std::clamp(ink + 0.09 * rng.normal(), 0.0, 1.0);
            // Eight bits: the last digit of a machine's sine cannot reach the file.
            pixels[static_cast<std::size_t>(row * kDigitsSize + column)] =
                static_cast<float>(std::round(value * 255.0)) / 255.0F;
        }
    }
}

} // namespace

train::Samples drawDigits(DigitsPart part, Index count)
{
    constexpr std::uint64_t kSeed = 20240229;
    const Rng rng = Rng(kSeed).split(part == DigitsPart::Train ? "train" : "test");
    train::Samples samples;
    Tensor images(Shape{count, kDigitsSize, kDigitsSize, 1});
    const auto pixels = static_cast<std::size_t>(kDigitsSize * kDigitsSize);
    for (Index i = 0; i < count; ++i) {
        const auto label = static_cast<std::size_t>(i % 10);
        draw(glyphs()[label], rng.split(static_cast<std::uint64_t>(i)),
             images.values().subspan(static_cast<std::size_t>(i) * pixels, pixels));
        samples.labels.push_back(static_cast<std::int64_t>(label));
    }
    samples.inputs.push_back(std::move(images));
    for (int digit = 0; digit < 10; ++digit) {
        samples.classNames.push_back(std::to_string(digit));
    }
    return samples;
}

} // namespace bitscape::project
