// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/data_table.h"

#include "widgets/delegates/cell_delegate.h"

#include <QApplication>
#include <QClipboard>
#include <QHeaderView>
#include <QKeyEvent>
#include <QScopedValueRollback>
#include <QSortFilterProxyModel>

#include <algorithm>

namespace bitscape::widgets {

DataTable::DataTable(std::vector<Column> columns, const QString& objectName,
                     const QString& accessibleName, QWidget* parent)
    : QTableView(parent), m_model(new TableModel(std::move(columns), this)),
      m_sorted(new QSortFilterProxyModel(this))
{
    setObjectName(objectName);
    setAccessibleName(accessibleName);
    m_sorted->setSourceModel(m_model);
    m_sorted->setSortRole(SortRole);
    setModel(m_sorted);
    setItemDelegate(new CellDelegate(this));
    setSelectionBehavior(QAbstractItemView::SelectRows);
    setSelectionMode(QAbstractItemView::ExtendedSelection);
    setEditTriggers(QAbstractItemView::NoEditTriggers);
    setAlternatingRowColors(true);
    setShowGrid(false);
    setWordWrap(false);
    setTabKeyNavigation(false);
    setCornerButtonEnabled(false);
    verticalHeader()->hide();
    verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 8);
    verticalHeader()->setMinimumSectionSize(16);
    horizontalHeader()->setHighlightSections(false);
    horizontalHeader()->setStretchLastSection(true);
    horizontalHeader()->setSortIndicatorClearable(true);
    for (int i = 0; i < m_model->columnCount(); ++i) {
        const Column& column = m_model->columns()[static_cast<std::size_t>(i)];
        // Wide fonts and long words of other languages must not be cut off.
        QFont bold = font();
        bold.setWeight(QFont::DemiBold);
        const int needed = QFontMetrics(bold).horizontalAdvance(column.title) + 26;
        setColumnWidth(i, std::max(column.width, needed));
    }
    sortByColumn(-1, Qt::AscendingOrder);
    setSortingEnabled(true);
    connect(selectionModel(), &QItemSelectionModel::currentRowChanged, this,
            [this](const QModelIndex& current) {
                if (current.isValid() && !m_isSelecting) {
                    Q_EMIT idSelected(current.data(IdRole));
                }
            });
    connect(this, &QAbstractItemView::activated, this,
            [this](const QModelIndex& index) { Q_EMIT idActivated(index.data(IdRole)); });
}

void DataTable::setRows(int count, TableModel::CellFunction cell, TableModel::IdFunction id)
{
    m_model->setRows(count, std::move(cell), std::move(id));
}

void DataTable::selectId(const QVariant& id)
{
    const QScopedValueRollback guard(m_isSelecting, true);
    const int row = m_model->findRow(id);
    if (row < 0) {
        clearSelection();
        setCurrentIndex({});
        return;
    }
    const QModelIndex index = m_sorted->mapFromSource(m_model->index(row, 0));
    if (currentIndex().row() != index.row() || !selectionModel()->isRowSelected(index.row())) {
        selectRow(index.row());
        setCurrentIndex(index);
    }
    scrollTo(index);
}

QVariant DataTable::selectedId() const
{
    return currentIndex().isValid() ? currentIndex().data(IdRole) : QVariant();
}

QString DataTable::selectionAsText(bool withHeader) const
{
    QStringList lines;
    QStringList cells;
    const int columns = m_sorted->columnCount();
    if (withHeader) {
        for (int c = 0; c < columns; ++c) {
            cells << m_sorted->headerData(c, Qt::Horizontal).toString();
        }
        lines << cells.join(QLatin1Char('\t'));
    }
    QModelIndexList rows = selectionModel()->selectedRows();
    std::sort(rows.begin(), rows.end());
    for (const QModelIndex& row : rows) {
        cells.clear();
        for (int c = 0; c < columns; ++c) {
            cells << row.siblingAtColumn(c).data().toString();
        }
        lines << cells.join(QLatin1Char('\t'));
    }
    return lines.join(QLatin1Char('\n')) + QLatin1Char('\n');
}

void DataTable::keyPressEvent(QKeyEvent* event)
{
    const bool withoutHeader = event->key() == Qt::Key_C &&
                               event->modifiers() == (Qt::ControlModifier | Qt::ShiftModifier);
    if (event->matches(QKeySequence::Copy) || withoutHeader) {
        QApplication::clipboard()->setText(selectionAsText(!withoutHeader));
        return;
    }
    if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) {
        if (currentIndex().isValid()) {
            Q_EMIT idActivated(currentIndex().data(IdRole));
            return;
        }
    }
    QTableView::keyPressEvent(event);
}

} // namespace bitscape::widgets
