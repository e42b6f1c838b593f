// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/report_export.h"

#include "app/errors/sentence.h"
#include "app/window/report_document.h"
#include "core/io/array_file.h"
#include "core/project/report.h"

#include <QAbstractTextDocumentLayout>
#include <QBuffer>
#include <QDir>
#include <QFileInfo>
#include <QPageLayout>
#include <QPainter>
#include <QPdfWriter>
#include <QTextDocument>

#include <cmath>

namespace bitscape::app {

namespace {

constexpr double kPointsPerInch = 72.0;
constexpr int kResolution = 1200;
constexpr double kMarginMillimeter = 16.0;

/// Pages of a text document with page numbers. Vectors and fonts stay what they are.
QByteArray pdfOf(const QString& html, const QString& title)
{
    QBuffer buffer;
    buffer.open(QIODevice::WriteOnly);
    {
        QPdfWriter writer(&buffer);
        writer.setResolution(kResolution);
        writer.setTitle(title);
        writer.setCreator(QStringLiteral("Bitscape"));
        writer.setPageLayout(QPageLayout(
            QPageSize(QPageSize::A4), QPageLayout::Portrait,
            QMarginsF(kMarginMillimeter, kMarginMillimeter, kMarginMillimeter, kMarginMillimeter),
            QPageLayout::Millimeter));
        const QRectF page = writer.pageLayout().paintRect(QPageLayout::Point);
        QTextDocument document;
        QFont font = document.defaultFont();
        font.setPointSizeF(9.0);
        document.setDefaultFont(font);
        document.documentLayout()->setPaintDevice(&writer);
        const double scale = kResolution / kPointsPerInch;
        const double footer = 20.0;
        fillReportDocument(document, html, page.width() * 96.0 / kPointsPerInch);
        document.setPageSize(QSizeF(page.width() * scale, (page.height() - footer) * scale));
        QPainter painter(&writer);
        const int pages = document.pageCount();
        for (int i = 0; i < pages; ++i) {
            if (i > 0) {
                writer.newPage();
            }
            painter.save();
            const double height = document.pageSize().height();
            painter.translate(0.0, -i * height);
            document.drawContents(&painter,
                                  QRectF(0.0, i * height, document.pageSize().width(), height));
            painter.restore();
            painter.drawText(QRectF(0.0, (page.height() - footer * 0.7) * scale,
                                    page.width() * scale, footer * scale),
                             Qt::AlignHCenter | Qt::AlignTop,
                             QCoreApplication::translate("report", "%1, page %2 of %3")
                                 .arg(title)
                                 .arg(i + 1)
                                 .arg(pages));
        }
    }
    return buffer.data();
}

} // namespace

Result<void> exportReport(const project::Project& project, const QString& path)
{
    const QString ending = QFileInfo(path).suffix().toLower();
    const bool isPdf = ending == QLatin1StringView("pdf");
    if (!isPdf && ending != QLatin1StringView("html") && ending != QLatin1StringView("htm")) {
        return fail(ErrorCode::InvalidArgument, "A report is written as .html or .pdf.",
                    path.toStdString(), "Choose one of these endings.");
    }
    auto html = project::htmlReport(project);
    if (!html) {
        return fail(std::move(html).error());
    }
    std::string bytes = *std::move(html);
    if (isPdf) {
        const QByteArray pdf =
            pdfOf(QString::fromStdString(bytes), QString::fromStdString(project.name));
        bytes.assign(pdf.constData(), static_cast<std::size_t>(pdf.size()));
    }
    return io::writeFileAtomically(path.toStdString(), bytes);
}

void exportReportAsking(Context& context, Page& page, const QString& ending)
{
    const project::Project& project = context.document.project();
    if (project.isEmpty()) {
        return;
    }
    const QString folder = context.settings.value(Setting::LastFolder).toString();
    const QString name = QString::fromStdString(project.name) + QLatin1Char('.') + ending;
    QString path =
        context.dialogs.saveFile(&page, QCoreApplication::translate("report", "Export report"),
                                 folder.isEmpty() ? name : folder + QLatin1Char('/') + name,
                                 QStringLiteral("%1 (*.%2)").arg(ending.toUpper(), ending));
    if (path.isEmpty()) {
        return;
    }
    if (QFileInfo(path).suffix().isEmpty()) {
        path += QLatin1Char('.') + ending;
    }
    if (const auto written = exportReport(project, path); !written) {
        page.banner().showMessage(messageOf(written.error()));
        return;
    }
    page.banner().showMessage(
        {widgets::Tone::Good,
         QCoreApplication::translate("report", "The report was written to %1.")
             .arg(QDir::toNativeSeparators(path)),
         {},
         {},
         {}});
}

} // namespace bitscape::app
