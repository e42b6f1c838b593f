// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/table_model.h"

namespace bitscape::widgets {

TableModel::TableModel(std::vector<Column> columns, QObject* parent)
    : QAbstractTableModel(parent), m_columns(std::move(columns))
{
}

void TableModel::setRows(int count, CellFunction cell, IdFunction id)
{
    // While rows are removed or added the old function must not be asked for rows it lacks.
    if (count < m_rows) {
        beginRemoveRows({}, count, m_rows - 1);
        m_rows = count;
        m_cell = std::move(cell);
        m_id = std::move(id);
        endRemoveRows();
    } else {
        const int before = m_rows;
        if (count > before) {
            beginInsertRows({}, before, count - 1);
        }
        m_rows = count;
        m_cell = std::move(cell);
        m_id = std::move(id);
        if (count > before) {
            endInsertRows();
        }
    }
    if (m_rows > 0) {
        Q_EMIT dataChanged(index(0, 0), index(m_rows - 1, columnCount() - 1));
    }
}

int TableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : m_rows;
}

int TableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_columns.size());
}

QVariant TableModel::data(const QModelIndex& index, int role) const
{
    if (!checkIndex(index, CheckIndexOption::IndexIsValid) || !m_cell) {
        return {};
    }
    if (role == IdRole) {
        return m_id ? m_id(index.row()) : QVariant(index.row());
    }
    return cellData(m_cell(index.row(), index.column()), role,
                    m_columns[static_cast<std::size_t>(index.column())].numeric);
}

QVariant TableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= columnCount()) {
        return {};
    }
    const Column& column = m_columns[static_cast<std::size_t>(section)];
    switch (role) {
    case Qt::DisplayRole:
        return column.title;
    case Qt::ToolTipRole:
        return column.toolTip.isEmpty() ? QVariant() : QVariant(column.toolTip);
    case Qt::TextAlignmentRole:
        return QVariant::fromValue(Qt::Alignment(Qt::AlignVCenter) |
                                   (column.numeric ? Qt::AlignRight : Qt::AlignLeft));
    default:
        return {};
    }
}

int TableModel::findRow(const QVariant& id) const
{
    for (int row = 0; row < m_rows; ++row) {
        if ((m_id ? m_id(row) : QVariant(row)) == id) {
            return row;
        }
    }
    return -1;
}

} // namespace bitscape::widgets
