// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/plot_table.h"

#include "widgets/plots/numbers.h"

#include <cmath>
#include <utility>

namespace bitscape::widgets {

namespace {

QString quoted(const QString& text)
{
    if (!text.contains(u',') && !text.contains(u'"') && !text.contains(u'\n')) {
        return text;
    }
    QString inner = text;
    return u'"' + inner.replace(u'"', QStringLiteral("\"\"")) + u'"';
}

QString csvCell(const QVariant& value)
{
    switch (value.typeId()) {
    case QMetaType::Double:
        return std::isfinite(value.toDouble())
                   ? QString::number(value.toDouble(), 'g', QLocale::FloatingPointShortest)
                   : QString();
    case QMetaType::Bool:
        return value.toBool() ? QStringLiteral("1") : QStringLiteral("0");
    default:
        return quoted(value.toString());
    }
}

bool isNumber(const QVariant& value)
{
    return value.typeId() == QMetaType::Double || value.typeId() == QMetaType::Int ||
           value.typeId() == QMetaType::LongLong;
}

} // namespace

QString toCsv(const PlotTable& table)
{
    QString out;
    const auto addLine = [&](const auto& cell) {
        for (std::size_t c = 0; c < table.columns.size(); ++c) {
            out += (c == 0 ? QString() : QStringLiteral(",")) + cell(table.columns[c]);
        }
        out += u'\n';
    };
    addLine([](const PlotColumn& column) { return quoted(column.id); });
    for (int row = 0; row < table.rows; ++row) {
        addLine([row](const PlotColumn& column) {
            return csvCell(column.inFile ? column.inFile(row) : column.value(row));
        });
    }
    return out;
}

QString cellText(const PlotColumn& column, int row, const QLocale& locale)
{
    const QVariant value = column.value(row);
    if (value.typeId() == QMetaType::Double) {
        return column.decimals < 0 ? shortNumber(locale, value.toDouble())
                                   : number(locale, value.toDouble(), column.decimals);
    }
    if (value.typeId() == QMetaType::Bool) {
        return value.toBool() ? PlotTableModel::tr("yes") : PlotTableModel::tr("no");
    }
    const QString text = value.toString();
    return text.isEmpty() ? QStringLiteral("—") : text;
}

void PlotTableModel::setTable(PlotTable table, const QLocale& locale)
{
    beginResetModel();
    m_table = std::move(table);
    m_locale = locale;
    endResetModel();
}

int PlotTableModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : m_table.rows;
}

int PlotTableModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_table.columns.size());
}

QVariant PlotTableModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid()) {
        return {};
    }
    const PlotColumn& column = m_table.columns[static_cast<std::size_t>(index.column())];
    switch (role) {
    case Qt::DisplayRole:
        return cellText(column, index.row(), m_locale);
    case Qt::UserRole:
        return column.value(index.row());
    case Qt::TextAlignmentRole:
        return static_cast<int>(
            (isNumber(column.value(index.row())) ? Qt::AlignRight : Qt::AlignLeft) |
            Qt::AlignVCenter);
    default:
        return {};
    }
}

QVariant PlotTableModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole || section < 0 ||
        section >= columnCount()) {
        return {};
    }
    return m_table.columns[static_cast<std::size_t>(section)].title;
}

} // namespace bitscape::widgets
