// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/dialogs/dialogs.h"

#include <QCoreApplication>
#include <QFileDialog>
#include <QInputDialog>
#include <QMessageBox>
#include <QPushButton>

namespace bitscape::widgets {

namespace {

QString text(const char* source)
{
    return QCoreApplication::translate("Dialogs", source);
}

} // namespace

QString NativeDialogs::openFile(QWidget* parent, const QString& title, const QString& folder,
                                const QString& filter, const Previewer& previewer)
{
    OpenDialog dialog(parent, title, folder, filter, previewer);
    return dialog.exec() == QDialog::Accepted ? dialog.selectedFiles().value(0) : QString();
}

QString NativeDialogs::openFolder(QWidget* parent, const QString& title, const QString& folder)
{
    return QFileDialog::getExistingDirectory(parent, title, folder);
}

QString NativeDialogs::saveFile(QWidget* parent, const QString& title, const QString& proposal,
                                const QString& filter)
{
    return QFileDialog::getSaveFileName(parent, title, proposal, filter);
}

Dialogs::SaveAnswer NativeDialogs::askSave(QWidget* parent, const QString& name)
{
    QMessageBox box(QMessageBox::Question, QCoreApplication::applicationName(),
                    text(QT_TRANSLATE_NOOP("Dialogs", "Save the changes of %1?")).arg(name),
                    QMessageBox::Save | QMessageBox::Discard | QMessageBox::Cancel, parent);
    box.setInformativeText(
        text(QT_TRANSLATE_NOOP("Dialogs", "Changes that are not saved are lost.")));
    box.setDefaultButton(QMessageBox::Save);
    switch (box.exec()) {
    case QMessageBox::Save:
        return SaveAnswer::Save;
    case QMessageBox::Discard:
        return SaveAnswer::Discard;
    default:
        return SaveAnswer::Cancel;
    }
}

bool NativeDialogs::confirm(QWidget* parent, const QString& question, const QString& explanation,
                            const QString& yes)
{
    QMessageBox box(QMessageBox::Question, QCoreApplication::applicationName(), question,
                    QMessageBox::Cancel, parent);
    box.setInformativeText(explanation);
    const QPushButton* accept = box.addButton(yes, QMessageBox::AcceptRole);
    box.exec();
    return box.clickedButton() == accept;
}

QString NativeDialogs::askText(QWidget* parent, const QString& title, const QString& label,
                               const QString& proposal)
{
    bool ok = false;
    const QString answer =
        QInputDialog::getText(parent, title, label, QLineEdit::Normal, proposal, &ok);
    return ok ? answer.trimmed() : QString();
}

} // namespace bitscape::widgets
