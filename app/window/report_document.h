// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

class QTextDocument;

namespace bitscape::app {

/// Makes a text document of the project's HTML report. Inline SVG plots become objects that are
/// drawn as vectors, on the screen and on paper. width: of the text, in the document's pixels.
void fillReportDocument(QTextDocument& document, const QString& html, double width);

} // namespace bitscape::app
