// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/layers_tree.h"

#include "widgets/style/theme.h"

#include <QApplication>
#include <QClipboard>
#include <QHeaderView>
#include <QKeyEvent>
#include <QScopedValueRollback>

#include <algorithm>
#include <array>
#include <set>

namespace bitscape::widgets {

namespace {

constexpr std::array<int, LayerTreeModel::ColumnCount> kWidths{190, 124, 232, 40, 170, 40,
                                                               48,  54,  66,  88, 60,  70};
constexpr int kSixteen = 16;
constexpr int kFloat = 32;

} // namespace

LayersTree::LayersTree(QuantizerHelper helper, QWidget* parent)
    : QTreeView(parent), m_model(new LayerTreeModel(this)),
      m_delegate(new QuantizerDelegate(std::move(helper), this))
{
    setObjectName(QStringLiteral("layersTree"));
    setAccessibleName(tr("Layers"));
    setModel(m_model);
    setItemDelegate(m_delegate);
    setUniformRowHeights(true);
    setAlternatingRowColors(true);
    setSelectionMode(QAbstractItemView::ExtendedSelection);
    setSelectionBehavior(QAbstractItemView::SelectRows);
    setEditTriggers(QAbstractItemView::DoubleClicked | QAbstractItemView::EditKeyPressed);
    setIndentation(16);
    setTabKeyNavigation(false);
    setAllColumnsShowFocus(false);
    header()->setStretchLastSection(false);
    header()->setHighlightSections(false);
    QFont bold = font();
    bold.setWeight(QFont::DemiBold);
    const QFontMetrics metrics(bold);
    // Widths were drawn for digits 7.5 px wide; other fonts scale them.
    const double scale = std::max(1.0, metrics.horizontalAdvance(QLatin1Char('0')) / 8.6);
    for (int c = 0; c < LayerTreeModel::ColumnCount; ++c) {
        const int title = metrics.horizontalAdvance(
            m_model->headerData(c, Qt::Horizontal, Qt::DisplayRole).toString());
        setColumnWidth(c, std::max(static_cast<int>(kWidths[static_cast<std::size_t>(c)] * scale),
                                   title + 26));
    }
    connect(selectionModel(), &QItemSelectionModel::selectionChanged, this, [this] {
        if (!m_isSelecting) {
            Q_EMIT layersSelected(selectedLayers());
        }
    });
}

void LayersTree::setLayers(LayersData layersData)
{
    const QScopedValueRollback guard(m_isSelecting, true);
    const bool isOther = !m_model->layers().graph;
    m_model->setLayers(std::move(layersData));
    if (isOther || !isExpanded(m_model->index(0, 0))) {
        const QModelIndex network = m_model->index(0, 0);
        expand(network);
        for (int r = 0; r < m_model->rowCount(network); ++r) {
            const QModelIndex block = m_model->index(r, 0, network);
            if (!block.data(IdRole).isValid()) {
                expand(block);
            }
        }
    }
}

void LayersTree::spreadColumns()
{
    // What is left over goes to the columns whose texts are long.
    std::vector<int> wide;
    for (const int column :
         {LayerTreeModel::WeightQuantizerColumn, LayerTreeModel::OutputQuantizerColumn}) {
        if (!isColumnHidden(column)) {
            wide.push_back(column);
        }
    }
    if (wide.empty()) {
        wide.push_back(LayerTreeModel::NameColumn);
    }
    int used = 0;
    for (int c = 0; c < LayerTreeModel::ColumnCount; ++c) {
        const bool isWide = std::find(wide.begin(), wide.end(), c) != wide.end();
        used += isColumnHidden(c) || isWide ? 0 : columnWidth(c);
    }
    const int each = (viewport()->width() - used) / static_cast<int>(wide.size());
    for (const int column : wide) {
        const int least = kWidths[static_cast<std::size_t>(column)];
        setColumnWidth(column, std::max(wide.size() == 1 ? least * 2 / 3 : least, each));
    }
}

void LayersTree::resizeEvent(QResizeEvent* event)
{
    QTreeView::resizeEvent(event);
    spreadColumns();
}

void LayersTree::showColumns(const std::vector<int>& columns)
{
    for (int c = 0; c < LayerTreeModel::ColumnCount; ++c) {
        setColumnHidden(c, std::find(columns.begin(), columns.end(), c) == columns.end());
    }
    spreadColumns();
}

void LayersTree::selectLayers(const std::vector<std::string>& layers)
{
    if (layers == selectedLayers()) {
        return;
    }
    const QScopedValueRollback guard(m_isSelecting, true);
    QItemSelection selection;
    QModelIndex first;
    for (const std::string& layer : layers) {
        const QModelIndex index = m_model->layerIndex(layer);
        if (index.isValid()) {
            selection.select(index, index.siblingAtColumn(LayerTreeModel::ColumnCount - 1));
            first = first.isValid() ? first : index;
        }
    }
    if (first.isValid()) {
        const int column = std::max(0, currentIndex().column());
        selectionModel()->setCurrentIndex(first.siblingAtColumn(column),
                                          QItemSelectionModel::NoUpdate);
        scrollTo(first);
    }
    selectionModel()->select(selection, QItemSelectionModel::ClearAndSelect);
}

std::vector<std::string> LayersTree::selectedLayers() const
{
    // The current row leads; the others follow in the order of the network.
    std::set<std::string> chosen;
    for (const QModelIndex& row : selectionModel()->selectedRows()) {
        for (const std::string& layer : m_model->layersOf(row)) {
            chosen.insert(layer);
        }
    }
    std::vector<std::string> names;
    if (m_model->layers().graph) {
        for (const graph::Layer& layer : m_model->layers().graph->layers()) {
            if (chosen.contains(layer.name)) {
                names.push_back(layer.name);
            }
        }
    }
    const std::string leader = currentIndex().data(IdRole).toString().toStdString();
    const auto found = std::find(names.begin(), names.end(), leader);
    if (found != names.end()) {
        std::rotate(names.begin(), found, found + 1);
    }
    return names;
}

std::vector<QuantizerPlace> LayersTree::selectedPlaces() const
{
    const int column = std::max(0, currentIndex().column());
    std::set<QuantizerPlace> seen;
    std::vector<QuantizerPlace> places;
    const auto add = [&](const QModelIndex& cell) {
        const auto place = m_model->placeOf(cell);
        if (place && seen.insert(*place).second) {
            places.push_back(*place);
        }
    };
    for (const QModelIndex& row : selectionModel()->selectedRows()) {
        if (row.data(IdRole).isValid()) {
            add(row.siblingAtColumn(column));
            continue;
        }
        for (const std::string& layer : m_model->layersOf(row)) {
            add(m_model->layerIndex(layer).siblingAtColumn(column));
        }
    }
    return places;
}

QString LayersTree::selectionAsText() const
{
    QStringList lines;
    QStringList cells;
    for (int c = 0; c < LayerTreeModel::ColumnCount; ++c) {
        cells << m_model->headerData(c, Qt::Horizontal, Qt::DisplayRole).toString();
    }
    lines << cells.join(QLatin1Char('\t'));
    for (const QModelIndex& row : selectionModel()->selectedRows()) {
        cells.clear();
        for (int c = 0; c < LayerTreeModel::ColumnCount; ++c) {
            cells << row.siblingAtColumn(c).data().toString();
        }
        lines << cells.join(QLatin1Char('\t'));
    }
    return lines.join(QLatin1Char('\n')) + QLatin1Char('\n');
}

bool LayersTree::handleBitsKey(const QKeyEvent& event)
{
    const Qt::KeyboardModifiers modifiers =
        event.modifiers() & ~Qt::KeyboardModifiers(Qt::KeypadModifier);
    const int key = event.key();
    const bool isVertical = key == Qt::Key_Up || key == Qt::Key_Down;
    if (isVertical && modifiers.testFlag(Qt::AltModifier)) {
        Q_EMIT stepRequested(selectedPlaces(), key == Qt::Key_Up ? 1 : -1,
                             modifiers.testFlag(Qt::ShiftModifier));
        return true;
    }
    if (modifiers != Qt::NoModifier) {
        return false;
    }
    if (key == Qt::Key_BracketLeft || key == Qt::Key_BracketRight) {
        Q_EMIT stepRequested(selectedPlaces(), key == Qt::Key_BracketRight ? 1 : -1, false);
        return true;
    }
    int bits = 0;
    if (key >= Qt::Key_1 && key <= Qt::Key_9) {
        bits = key - Qt::Key_0;
    } else if (key == Qt::Key_0) {
        bits = kSixteen;
    } else if (key == Qt::Key_F) {
        bits = kFloat;
    }
    if (bits == 0) {
        return false;
    }
    Q_EMIT bitsRequested(selectedPlaces(), bits);
    return true;
}

void LayersTree::keyPressEvent(QKeyEvent* event)
{
    if (event->matches(QKeySequence::Copy)) {
        QApplication::clipboard()->setText(selectionAsText());
        return;
    }
    if (handleBitsKey(*event)) {
        return;
    }
    const bool isEnter = event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter;
    if ((isEnter || event->key() == Qt::Key_F2) && state() != EditingState) {
        QModelIndex cell = currentIndex();
        if (!cell.flags().testFlag(Qt::ItemIsEditable)) {
            cell = cell.siblingAtColumn(LayerTreeModel::WeightQuantizerColumn);
        }
        if (cell.flags().testFlag(Qt::ItemIsEditable)) {
            setCurrentIndex(cell);
            edit(cell);
            return;
        }
    }
    QTreeView::keyPressEvent(event);
}

bool LayersTree::event(QEvent* event)
{
    // Single keys belong to the tree while it has the focus, not to menus.
    if (event->type() == QEvent::ShortcutOverride) {
        const auto* key = static_cast<QKeyEvent*>(event);
        const bool isAltArrow = key->modifiers().testFlag(Qt::AltModifier) &&
                                (key->key() == Qt::Key_Up || key->key() == Qt::Key_Down);
        if (isAltArrow) {
            event->accept();
            return true;
        }
    }
    return QTreeView::event(event);
}

} // namespace bitscape::widgets
