// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/dialogs/open_dialog.h"

#include <QString>
#include <QStringList>

class QWidget;

namespace bitscape::widgets {

/// Every question to the user goes through here, so that a test answers instead of a person.
class Dialogs {
public:
    enum class SaveAnswer { Save, Discard, Cancel };

    Dialogs() = default;
    virtual ~Dialogs() = default;
    Dialogs(const Dialogs&) = delete;
    Dialogs& operator=(const Dialogs&) = delete;
    Dialogs(Dialogs&&) = delete;
    Dialogs& operator=(Dialogs&&) = delete;

    /// Path of a file to open; empty if the user gave up. filter: as QFileDialog; previewer: what
    /// the panel beside the files shows.
    [[nodiscard]] virtual QString openFile(QWidget* parent, const QString& title,
                                           const QString& folder, const QString& filter,
                                           const Previewer& previewer) = 0;
    /// Path of a folder to open; empty if the user gave up.
    [[nodiscard]] virtual QString openFolder(QWidget* parent, const QString& title,
                                             const QString& folder) = 0;
    /// Path of a file to write; empty if the user gave up.
    [[nodiscard]] virtual QString saveFile(QWidget* parent, const QString& title,
                                           const QString& proposal, const QString& filter) = 0;
    /// Whether changes of `name` are kept before it is closed.
    [[nodiscard]] virtual SaveAnswer askSave(QWidget* parent, const QString& name) = 0;
    /// A question that undo cannot answer; `yes` is the label of the action.
    [[nodiscard]] virtual bool confirm(QWidget* parent, const QString& question,
                                       const QString& explanation, const QString& yes) = 0;
    /// A short text, such as a name; empty if the user gave up.
    [[nodiscard]] virtual QString askText(QWidget* parent, const QString& title,
                                          const QString& label, const QString& proposal) = 0;
};

/// The dialogs of the desktop.
class NativeDialogs final : public Dialogs {
public:
    [[nodiscard]] QString openFile(QWidget* parent, const QString& title, const QString& folder,
                                   const QString& filter, const Previewer& previewer) override;
    [[nodiscard]] QString openFolder(QWidget* parent, const QString& title,
                                     const QString& folder) override;
    [[nodiscard]] QString saveFile(QWidget* parent, const QString& title, const QString& proposal,
                                   const QString& filter) override;
    [[nodiscard]] SaveAnswer askSave(QWidget* parent, const QString& name) override;
    [[nodiscard]] bool confirm(QWidget* parent, const QString& question, const QString& explanation,
                               const QString& yes) override;
    [[nodiscard]] QString askText(QWidget* parent, const QString& title, const QString& label,
                                  const QString& proposal) override;
};

} // namespace bitscape::widgets
