// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/data_preview.h"

#include <QImage>
#include <QList>
#include <QStringList>

namespace bitscape::app {

/// Samples as pictures.
struct SamplePictures {
    QList<QImage> images; ///< series are drawn as lines, one per channel
    QStringList labels;   ///< class names or numbers, beside the images; empty without labels
};
[[nodiscard]] SamplePictures picturesOf(const io::DataPreview& preview);

} // namespace bitscape::app
