// SPDX-License-Identifier: GPL-3.0-or-later
// The window's dealings with files: opening, dropping, saving, exporting.
#include "app/document/file_preview.h"
#include "app/window/log.h"
#include "app/window/main_window.h"
#include "widgets/style/format.h"

#include <QDragEnterEvent>
#include <QFileInfo>
#include <QMimeData>
#include <QUrl>

#include <array>

namespace bitscape::app {

bool MainWindow::mayReplaceDocument()
{
    if (m_jobs.isRunning(JobKind::Gather) || m_jobs.isRunning(JobKind::Train) ||
        m_jobs.isRunning(JobKind::Search)) {
        if (!m_dialogs.confirm(this, tr("Stop the running jobs?"),
                               tr("They belong to the document that is closed."),
                               tr("Stop and go on"))) {
            return false;
        }
        m_jobs.stopAll();
    }
    if (!m_document.isModified()) {
        return true;
    }
    switch (m_dialogs.askSave(this, m_document.title())) {
    case widgets::Dialogs::SaveAnswer::Save:
        save();
        return false;
    case widgets::Dialogs::SaveAnswer::Discard:
        return true;
    case widgets::Dialogs::SaveAnswer::Cancel:
        break;
    }
    return false;
}

void MainWindow::openFile(const QString& path)
{
    const auto role = roleOf(path);
    if (!role) {
        constexpr std::array kAll{FileRole::Model, FileRole::Project, FileRole::Data};
        m_pages[static_cast<std::size_t>(m_current)]->banner().showMessage(
            {widgets::Tone::Warning,
             tr("%1 is no kind of file that Bitscape opens.").arg(QFileInfo(path).fileName()),
             tr("It opens %1 and folders of samples.").arg(endingsOf(kAll)),
             {},
             {}});
        return;
    }
    m_settings.set(Setting::LastFolder, QFileInfo(path).absolutePath());
    if (*role == FileRole::Data || mayReplaceDocument()) {
        m_activities.open(path);
    }
}

void MainWindow::openDialog(const QString& title, FileRole role)
{
    const QString path = m_dialogs.openFile(
        this, title, m_settings.value(Setting::LastFolder).toString(), fileFilter(role),
        [role](const QString& chosen) { return previewOf(chosen, role); });
    if (!path.isEmpty()) {
        openFile(path);
    }
}

void MainWindow::openFolder()
{
    const QString path = m_dialogs.openFolder(this, tr("Open folder"),
                                              m_settings.value(Setting::LastFolder).toString());
    if (!path.isEmpty()) {
        openFile(path);
    }
}

void MainWindow::save()
{
    if (m_document.path().isEmpty()) {
        saveAs();
    } else {
        m_activities.save(m_document.path());
    }
}

void MainWindow::saveAs()
{
    const QString folder = m_settings.value(Setting::LastFolder).toString();
    const QString name =
        m_document.path().isEmpty()
            ? QString::fromStdString(m_document.project().name) + QStringLiteral(".bitscape")
            : QFileInfo(m_document.path()).fileName();
    QString path = m_dialogs.saveFile(this, tr("Save project as"),
                                      folder.isEmpty() ? name : folder + QLatin1Char('/') + name,
                                      tr("Bitscape projects (*.bitscape)"));
    if (path.isEmpty()) {
        return;
    }
    if (!path.endsWith(QLatin1StringView(".bitscape"))) {
        path += QLatin1StringView(".bitscape");
    }
    m_settings.set(Setting::LastFolder, QFileInfo(path).absolutePath());
    m_activities.save(path);
}

void MainWindow::exportAs(const project::ExportFormat& format)
{
    const QString folder = m_settings.value(Setting::LastFolder).toString();
    const QString ending = QString::fromStdString(format.ending);
    const QString name =
        QString::fromStdString(m_document.project().name).simplified() +
        (ending.isEmpty() ? QLatin1Char('-') + QString::fromStdString(format.name) : ending);
    const QString title = QString::fromStdString(format.title);
    const QString path = m_dialogs.saveFile(
        this, tr("Export %1").arg(title),
        folder.isEmpty() ? name : folder + QLatin1Char('/') + name,
        ending.isEmpty() ? tr("Folders (*)") : QStringLiteral("%1 (*%2)").arg(title, ending));
    if (!path.isEmpty()) {
        m_settings.set(Setting::LastFolder, QFileInfo(path).absolutePath());
        m_activities.exportTo(format, path);
    }
}

void MainWindow::showExported(const project::ExportResult& result)
{
    QStringList details;
    for (const std::string& file : result.files) {
        details << QString::fromStdString(file);
    }
    bool isWhole = true;
    for (const io::ImportNote& note : result.notes) {
        details << QStringLiteral("%1: %2").arg(QString::fromStdString(note.subject),
                                                QString::fromStdString(note.text));
        isWhole = isWhole && note.kind != io::ImportKind::Missing;
    }
    for (const Warning& warning : result.warnings) {
        details << QString::fromStdString(warning.message);
    }
    const auto kib = [](std::int64_t bytes) {
        constexpr double kBytes = 1024.0;
        return widgets::number(static_cast<double>(bytes) / kBytes, 1);
    };
    const QString text =
        tr("%1 was written: %2 KiB; weights %3 KiB as float, %4 KiB packed.")
            .arg(QFileInfo(QString::fromStdString(result.files.front())).fileName(),
                 kib(result.bytes), kib(result.weights.floatBytes),
                 kib(result.weights.packedBytes));
    logLine(LogLevel::Info, QStringLiteral("export"), text);
    m_pages[static_cast<std::size_t>(m_current)]->banner().showMessage(
        {isWhole ? widgets::Tone::Good : widgets::Tone::Warning,
         isWhole ? text : text + QLatin1Char(' ') + tr("Not all could be expressed."),
         details.join(QLatin1Char('\n')),
         {},
         {}});
}

void MainWindow::newDocument()
{
    if (mayReplaceDocument()) {
        m_selection.clear();
        m_document.replace({}, {});
        showPage("welcome");
    }
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event)
{
    if (event->mimeData()->hasUrls() && event->mimeData()->urls().first().isLocalFile()) {
        event->acceptProposedAction();
    }
}

void MainWindow::dropEvent(QDropEvent* event)
{
    QStringList files;
    for (const QUrl& url : event->mimeData()->urls()) {
        files << url.toLocalFile();
    }
    if (!files.isEmpty()) {
        event->acceptProposedAction();
        openFile(argumentOf(files));
    }
}

} // namespace bitscape::app
