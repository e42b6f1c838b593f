// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/pictures.h"

#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <cmath>

namespace bitscape::app {

namespace {

constexpr int kSeriesWidth = 128;
constexpr int kSeriesHeight = 64;
constexpr int kMostSeries = 4;      ///< channels drawn
constexpr Index kMostPixels = 4096; ///< along one side

struct Range {
    float low = 0.0F, high = 1.0F;

    [[nodiscard]] float share(float value) const
    {
        const float part = (value - low) / (high - low);
        return std::isfinite(part) ? std::clamp(part, 0.0F, 1.0F) : 0.0F;
    }
};

Range rangeOf(std::span<const float> values)
{
    Range range{0.0F, 0.0F};
    bool any = false;
    for (const float value : values) {
        if (std::isfinite(value)) {
            range.low = any ? std::min(range.low, value) : value;
            range.high = any ? std::max(range.high, value) : value;
            any = true;
        }
    }
    if (range.high <= range.low) {
        range.high = range.low + 1.0F;
    }
    return range;
}

QImage imageOf(std::span<const float> values, const Shape& shape, const Range& range)
{
    constexpr float kWhite = 255.0F;
    const int height = static_cast<int>(shape[0]);
    const int width = static_cast<int>(shape[1]);
    const auto channels = static_cast<std::size_t>(shape[2]);
    QImage image(width, height, QImage::Format_RGB32);
    std::size_t at = 0;
    for (int y = 0; y < height; ++y) {
        auto* line = reinterpret_cast<QRgb*>(image.scanLine(y));
        for (int x = 0; x < width; ++x, at += channels) {
            const auto part = [&](std::size_t channel) {
                return static_cast<int>(
                    std::lround(kWhite * range.share(values[at + (channels == 1 ? 0 : channel)])));
            };
            line[x] = qRgb(part(0), part(1), part(2));
        }
    }
    return image;
}

/// T×C as one line per channel; values of a flat sample are a series of one channel.
QImage seriesOf(std::span<const float> values, Index steps, Index channels, const Range& range)
{
    QImage image(kSeriesWidth, kSeriesHeight, QImage::Format_ARGB32_Premultiplied);
    image.fill(Qt::white);
    QPainter painter(&image);
    painter.setRenderHint(QPainter::Antialiasing);
    for (Index channel = 0; channel < std::min<Index>(channels, kMostSeries); ++channel) {
        QPainterPath path;
        for (Index t = 0; t < steps; ++t) {
            const auto value = values[static_cast<std::size_t>(t * channels + channel)];
            const QPointF point(
                static_cast<double>(t) / static_cast<double>(std::max<Index>(steps - 1, 1)) *
                    (kSeriesWidth - 1),
                (1.0 - static_cast<double>(range.share(value))) * (kSeriesHeight - 3) + 1);
            t == 0 ? path.moveTo(point) : path.lineTo(point);
        }
        painter.setPen(QPen(QColor::fromHsv(static_cast<int>(channel) * 80 + 210, 200, 170), 1.2));
        painter.drawPath(path);
    }
    return image;
}

} // namespace

SamplePictures picturesOf(const train::Samples& samples, int count)
{
    SamplePictures pictures;
    if (samples.inputs.empty() || samples.count() == 0) {
        return pictures;
    }
    const Tensor& input = samples.inputs.front();
    Shape shape = input.shape().sample();
    if (shape.rank() == 2 && shape[0] > kMostSeries && shape[1] > kMostSeries) {
        shape = Shape{shape[0], shape[1], 1}; // a grey image without its axis of channels
    }
    const bool isImage = shape.rank() == 3 && (shape[2] == 1 || shape[2] == 3) &&
                         shape[0] <= kMostPixels && shape[1] <= kMostPixels;
    const bool isSeries = shape.rank() == 1 || shape.rank() == 2;
    if (shape.elementCount() == 0 || (!isImage && !isSeries)) {
        return pictures;
    }
    const Index shown = std::min<Index>(count, samples.count());
    const Index size = shape.elementCount();
    const auto sampleAt = [&](Index i) {
        return input.values().subspan(static_cast<std::size_t>(i * samples.count() / shown * size),
                                      static_cast<std::size_t>(size));
    };
    for (Index i = 0; i < shown; ++i) {
        const auto values = sampleAt(i);
        const Range range = rangeOf(values);
        pictures.images << (isImage ? imageOf(values, shape, range)
                                    : seriesOf(values, shape[0], shape.rank() == 2 ? shape[1] : 1,
                                               range));
        if (samples.hasLabels()) {
            const auto label =
                samples.labels[static_cast<std::size_t>(i * samples.count() / shown)];
            const auto name = static_cast<std::size_t>(label);
            pictures.labels << (label >= 0 && name < samples.classNames.size()
                                    ? QString::fromStdString(samples.classNames[name])
                                    : QString::number(label));
        }
    }
    return pictures;
}

} // namespace bitscape::app
