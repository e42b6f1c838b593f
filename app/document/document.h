// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/project/project.h"

#include <QFlags>
#include <QObject>
#include <QUndoStack>

#include <functional>
#include <memory>

namespace bitscape::app {

using Snapshot = std::shared_ptr<const project::Project>;

/// Parts of a project that views look at.
enum class Change : unsigned {
    Model = 1U << 0U,
    Data = 1U << 1U,
    Configurations = 1U << 2U,
    Calibration = 1U << 3U,
    Training = 1U << 4U,
    Studies = 1U << 5U,
    Accelerator = 1U << 6U,
    Other = 1U << 7U, ///< name, view state, notes
};
Q_DECLARE_FLAGS(Changes, Change)
Q_DECLARE_OPERATORS_FOR_FLAGS(Changes)

/// Which parts differ; compares shared parts by identity.
[[nodiscard]] Changes differences(const project::Project& a, const project::Project& b);

/// The open project and how it came to be: the one place that changes it.
class Document final : public QObject {
    Q_OBJECT
public:
    using Edit = std::function<void(project::Project&)>;

    explicit Document(QObject* parent = nullptr);
    ~Document() override;
    Q_DISABLE_COPY_MOVE(Document)

    /// What a job, a view or the saver may keep: it never changes under them. Never null.
    [[nodiscard]] Snapshot snapshot() const { return m_project; }
    [[nodiscard]] const project::Project& project() const { return *m_project; }
    [[nodiscard]] QUndoStack& undoStack() { return m_undo; }

    /// The one way to change the project: `edit` gets a copy, the step is named `text`. Steps with
    /// the same non-empty key that follow each other become one (a dragged slider). An edit that
    /// changes nothing leaves no step.
    void apply(const QString& text, const Edit& edit, const QByteArray& mergeKey = {});
    /// Another project takes the place: undo history ends. An empty path: not saved yet.
    void replace(project::Project project, const QString& path);
    /// Says that `saved` is what the file holds. Does nothing if edits were made since.
    void markSaved(const Snapshot& saved, const QString& path);

    [[nodiscard]] QString path() const { return m_path; }
    /// File name without folder, or "untitled".
    [[nodiscard]] QString title() const;
    [[nodiscard]] bool isModified() const { return !m_undo.isClean(); }
    [[nodiscard]] bool isEmpty() const { return m_project->isEmpty(); }

Q_SIGNALS:
    void projectChanged(bitscape::app::Changes changes);
    void titleChanged();

private:
    class ReplaceProject;
    void show(Snapshot project);

    Snapshot m_project = std::make_shared<project::Project>();
    QUndoStack m_undo;
    QString m_path;
};

} // namespace bitscape::app
