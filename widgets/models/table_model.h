// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/cell.h"

#include <QAbstractTableModel>

#include <functional>
#include <vector>

namespace bitscape::widgets {

struct Column {
    QString title; ///< with unit
    int width = 80;
    bool numeric = true;
    QString toolTip = {};
};

/// The plumbing of every table, once: a page names columns and gives a function from (row, column)
/// to a cell, so that nothing is copied for rows that are not shown.
class TableModel final : public QAbstractTableModel {
    Q_OBJECT
public:
    using CellFunction = std::function<Cell(int row, int column)>;
    using IdFunction = std::function<QVariant(int row)>;

    explicit TableModel(std::vector<Column> columns, QObject* parent = nullptr);

    /// Replaces all rows. Rows are added or removed at the end; the others are told to have
    /// changed, so that selection and scroll position stay. `cell` is kept and must own its data.
    void setRows(int count, CellFunction cell, IdFunction id = {});

    [[nodiscard]] const std::vector<Column>& columns() const { return m_columns; }
    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation,
                                      int role) const override;
    /// First row with this id; −1 if there is none.
    [[nodiscard]] int findRow(const QVariant& id) const;

private:
    std::vector<Column> m_columns;
    CellFunction m_cell;
    IdFunction m_id;
    int m_rows = 0;
};

} // namespace bitscape::widgets
