// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/train/samples.h"

#include <QImage>
#include <QList>
#include <QStringList>

namespace bitscape::app {

/// Samples as pictures, evenly spaced over the set.
struct SamplePictures {
    QList<QImage> images; ///< empty where samples are no images of 1 or 3 channels
    QStringList labels;   ///< class names or numbers, beside the images; empty without labels
};

/// Up to `count` of the first input's samples. Values are stretched from the smallest to the
/// largest of the shown ones to black and white. Series (T×C) are drawn as lines.
[[nodiscard]] SamplePictures picturesOf(const train::Samples& samples, int count);

} // namespace bitscape::app
