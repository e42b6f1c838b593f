// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/document.h"

#include <QFileInfo>

namespace bitscape::app {

Changes differences(const project::Project& a, const project::Project& b)
{
    Changes changes;
    changes.setFlag(Change::Model, a.model != b.model);
    changes.setFlag(Change::Data, a.data != b.data || a.validationShare != b.validationShare);
    changes.setFlag(Change::Configurations,
                    a.current != b.current || a.configurations != b.configurations);
    changes.setFlag(Change::Calibration, a.calibration != b.calibration);
    changes.setFlag(Change::Training, a.trainingHistory.size() != b.trainingHistory.size());
    changes.setFlag(Change::Studies, a.studies != b.studies);
    changes.setFlag(Change::Accelerator, hw::toJson(a.accelerator) != hw::toJson(b.accelerator) ||
                                             a.accelerators.size() != b.accelerators.size());
    changes.setFlag(Change::Other,
                    a.name != b.name || a.viewState != b.viewState || a.commands != b.commands);
    return changes;
}

/// Holds the project before and after, so undo needs no inverse and cannot fail half-way.
class Document::ReplaceProject final : public QUndoCommand {
public:
    ReplaceProject(Document& document, const QString& text, Snapshot after, QByteArray key)
        : QUndoCommand(text), m_document(document), m_before(document.snapshot()),
          m_after(std::move(after)), m_key(std::move(key))
    {
    }
    void undo() override { m_document.show(m_before); }
    void redo() override { m_document.show(m_after); }
    [[nodiscard]] int id() const override { return m_key.isEmpty() ? -1 : 1; }
    bool mergeWith(const QUndoCommand* other) override
    {
        const auto* next = dynamic_cast<const ReplaceProject*>(other);
        if (next == nullptr || next->m_key != m_key) {
            return false;
        }
        m_after = next->m_after;
        setObsolete(!differences(*m_before, *m_after));
        return true;
    }

private:
    Document& m_document;
    Snapshot m_before;
    Snapshot m_after;
    QByteArray m_key;
};

Document::Document(QObject* parent) : QObject(parent)
{
    connect(&m_undo, &QUndoStack::cleanChanged, this, &Document::titleChanged);
}

Document::~Document()
{
    // The stack tells of its end as of any change; by then nobody is left who could show it.
    m_undo.disconnect(this);
}

void Document::apply(const QString& text, const Edit& edit, const QByteArray& mergeKey)
{
    auto next = std::make_shared<project::Project>(*m_project);
    edit(*next);
    if (differences(*m_project, *next)) {
        m_undo.push(new ReplaceProject(*this, text, std::move(next), mergeKey));
    }
}

void Document::replace(project::Project project, const QString& path)
{
    m_undo.clear();
    m_path = path;
    show(std::make_shared<project::Project>(std::move(project)));
    Q_EMIT titleChanged();
}

void Document::markSaved(const Snapshot& saved, const QString& path)
{
    m_path = path;
    if (saved == m_project) {
        m_undo.setClean();
    }
    Q_EMIT titleChanged();
}

QString Document::title() const
{
    return m_path.isEmpty() ? tr("untitled") : QFileInfo(m_path).fileName();
}

void Document::show(Snapshot project)
{
    const Changes changes = differences(*m_project, *project);
    m_project = std::move(project);
    Q_EMIT projectChanged(changes);
}

} // namespace bitscape::app
