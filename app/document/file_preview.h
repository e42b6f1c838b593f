// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/document/file_kinds.h"
#include "widgets/dialogs/open_dialog.h"

namespace bitscape::app {

/// Looks into a file that is about to be opened as `role`: the facts of a model, the contents of a
/// project, samples of a data set. What cannot be read says why. Thread: any; reads the file.
[[nodiscard]] widgets::FilePreview previewOf(const QString& path, FileRole role);

} // namespace bitscape::app
