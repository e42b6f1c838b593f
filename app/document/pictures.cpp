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
constexpr Index kMostLines = 4; ///< channels drawn

QImage imageOf(const io::PreviewSample& sample)
{
    const auto width = static_cast<int>(sample.width);
    QImage image(width, static_cast<int>(sample.height), QImage::Format_RGB32);
    const std::uint8_t* pixel = sample.pixels.data();
    const int green = sample.channels == 1 ? 0 : 1;
    const int blue = sample.channels == 1 ? 0 : 2;
    for (int y = 0; y < image.height(); ++y) {
        auto* line = reinterpret_cast<QRgb*>(image.scanLine(y));
        for (int x = 0; x < width; ++x, pixel += sample.channels) {
            line[x] = qRgb(pixel[0], pixel[green], pixel[blue]);
        }
    }
    return image;
}

/// T×C as one line per channel; a flat sample is a series of one channel.
QImage linesOf(const std::vector<float>& values, Index channels)
{
    QImage image(kSeriesWidth, kSeriesHeight, QImage::Format_ARGB32_Premultiplied);
    image.fill(Qt::white);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const float span = values.empty() || *high <= *low ? 1.0F : *high - *low;
    const Index steps = static_cast<Index>(values.size()) / channels;
    QPainter painter(&image);
    painter.setRenderHint(QPainter::Antialiasing);
    for (Index channel = 0; channel < std::min(channels, kMostLines); ++channel) {
        QPainterPath path;
        for (Index t = 0; t < steps; ++t) {
            const float value = values[static_cast<std::size_t>(t * channels + channel)];
            const float share = std::isfinite(value) ? (value - *low) / span : 0.0F;
            const QPointF point(static_cast<double>(t) /
                                    static_cast<double>(std::max<Index>(steps - 1, 1)) *
                                    (kSeriesWidth - 1),
                                (1.0 - static_cast<double>(share)) * (kSeriesHeight - 3) + 1);
            t == 0 ? path.moveTo(point) : path.lineTo(point);
        }
        painter.setPen(QPen(QColor::fromHsv(static_cast<int>(channel) * 80 + 210, 200, 170), 1.2));
        painter.drawPath(path);
    }
    return image;
}

QString labelOf(const io::DataPreview& preview, std::int64_t label)
{
    const auto known = std::ranges::find(preview.classes, label, &io::PreviewClass::label);
    return known == preview.classes.end() || known->name.empty()
               ? QString::number(label)
               : QString::fromStdString(known->name);
}

} // namespace

SamplePictures picturesOf(const io::DataPreview& preview)
{
    const Shape& shape = preview.sampleShape;
    const Index channels = shape.rank() == 2 ? std::max<Index>(shape[1], 1) : 1;
    SamplePictures pictures;
    for (const io::PreviewSample& sample : preview.samples) {
        pictures.images << (sample.height > 0 ? imageOf(sample) : linesOf(sample.series, channels));
        if (sample.label >= 0) {
            pictures.labels << labelOf(preview, sample.label);
        }
    }
    return pictures;
}

} // namespace bitscape::app
