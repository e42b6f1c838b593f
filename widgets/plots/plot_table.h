// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAbstractTableModel>
#include <QLocale>
#include <QString>
#include <QVariant>

#include <functional>
#include <vector>

namespace bitscape::widgets {

/// One column of what a plot shows.
struct PlotColumn {
    QString title;     ///< for the screen, with the unit: "Energy (µJ)"
    QString id;        ///< for files, snake_case with the unit: "energy_uj"
    int decimals = -1; ///< of numbers on the screen; −1: as short as exact
    /// A double, an int, a bool or a QString; nothing if there is no value.
    std::function<QVariant(int row)> value;
    /// The same for files, where it differs: words are not translated there.
    std::function<QVariant(int row)> inFile = {};
};

/// A plot as numbers. Row r belongs to mark r of the plot. Reads the plot's data when asked, so it
/// lives no longer than they do.
struct PlotTable {
    int rows = 0;
    std::vector<PlotColumn> columns;
};

/// A header line of ids and a line per row, C locale, RFC 4180 quotes, "\n" line ends.
[[nodiscard]] QString toCsv(const PlotTable& table);
/// A cell as the screen shows it; "—" if empty.
[[nodiscard]] QString cellText(const PlotColumn& column, int row, const QLocale& locale);

/// PlotTable for views. Qt::UserRole gives the value for sorting.
class PlotTableModel final : public QAbstractTableModel {
    Q_OBJECT
public:
    using QAbstractTableModel::QAbstractTableModel;
    void setTable(PlotTable table, const QLocale& locale);

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation,
                                      int role) const override;

private:
    PlotTable m_table;
    QLocale m_locale;
};

} // namespace bitscape::widgets
