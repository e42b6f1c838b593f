// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/table_model.h"

#include <QTableView>

class QSortFilterProxyModel;

namespace bitscape::widgets {

/// A table of cells: sorts by value on a click, copies as tab-separated text with header
/// (Ctrl+Shift+C: without), rows of one height. Selection is by row.
class DataTable final : public QTableView {
    Q_OBJECT
public:
    /// name: accessible name and start of the object name's meaning ("Trials").
    DataTable(std::vector<Column> columns, const QString& objectName, const QString& accessibleName,
              QWidget* parent = nullptr);

    void setRows(int count, TableModel::CellFunction cell, TableModel::IdFunction id = {});
    [[nodiscard]] TableModel& table() { return *m_model; }
    /// Selects the row with this id and scrolls to it; nothing is emitted.
    void selectId(const QVariant& id);
    [[nodiscard]] QVariant selectedId() const;
    /// What Ctrl+C would put on the clipboard.
    [[nodiscard]] QString selectionAsText(bool withHeader) const;

Q_SIGNALS:
    /// The user chose another row.
    void idSelected(const QVariant& id);
    /// Return or double click.
    void idActivated(const QVariant& id);

protected:
    void keyPressEvent(QKeyEvent* event) override;

private:
    TableModel* m_model;
    QSortFilterProxyModel* m_sorted;
    bool m_isSelecting = false;
};

} // namespace bitscape::widgets
