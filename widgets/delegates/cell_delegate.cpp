// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/delegates/cell_delegate.h"

#include "widgets/models/cell.h"
#include "widgets/style/palette.h"
#include "widgets/style/theme.h"

#include <QApplication>
#include <QPainter>

#include <algorithm>

namespace bitscape::widgets {

namespace {

constexpr double kBarLength = 42.0;
constexpr double kBarHeight = 13.0;
constexpr double kPadding = 6.0;
constexpr double kChipMinimum = 24.0;
constexpr int kRowPadding = 8;

} // namespace

CellGeometry CellGeometry::of(const QRectF& cell, bool hasChip, bool hasBar, double chipTextWidth)
{
    CellGeometry g;
    g.text = cell.adjusted(kPadding, 0.0, -kPadding, 0.0);
    if (hasChip) {
        const double width =
            std::min(cell.width() - 2.0, std::max(kChipMinimum, chipTextWidth + 10.0));
        const double height = std::min(18.0, cell.height() - 4.0);
        g.chip = QRectF(0, 0, width, height);
        g.chip.moveCenter(cell.center());
        g.text = g.chip;
    }
    if (hasBar) {
        const double length = std::min(kBarLength, cell.width() * 0.55);
        g.bar = QRectF(cell.left() + kPadding, cell.center().y() - kBarHeight / 2.0, length,
                       kBarHeight);
        g.text.setLeft(g.bar.right() + 4.0);
    }
    return g;
}

void CellDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                         const QModelIndex& index) const
{
    const QVariant chip = index.data(ChipRole);
    const QVariant bar = index.data(BarRole);
    if (!chip.isValid() && !bar.isValid()) {
        QStyledItemDelegate::paint(painter, option, index);
        return;
    }
    QStyleOptionViewItem item = option;
    initStyleOption(&item, index);
    const QString text = item.text;
    item.text.clear();
    const QStyle* style = item.widget != nullptr ? item.widget->style() : QApplication::style();
    style->drawControl(QStyle::CE_ItemViewItem, &item, painter, item.widget);

    const Palette& p = currentPalette();
    const bool isSelected = item.state.testFlag(QStyle::State_Selected);
    const QFontMetricsF metrics(item.font);
    const CellGeometry g = CellGeometry::of(QRectF(item.rect), chip.isValid(), bar.isValid(),
                                            metrics.horizontalAdvance(text));
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    if (chip.isValid()) {
        const ToneColors colors = p.chip(chip.toInt());
        painter->setPen(Qt::NoPen);
        painter->setBrush(colors.background);
        painter->drawRoundedRect(g.chip, 3.0, 3.0);
        painter->setPen(colors.text);
        QFont font = item.font;
        font.setWeight(QFont::DemiBold);
        painter->setFont(font);
        painter->drawText(g.text, Qt::AlignCenter, text);
    } else {
        painter->setPen(Qt::NoPen);
        QColor ground = isSelected ? p.highlightedText : p.softLine;
        if (isSelected) {
            ground.setAlphaF(0.28F);
        }
        painter->setBrush(ground);
        painter->drawRoundedRect(g.bar, 2.0, 2.0);
        QRectF filled = g.bar;
        filled.setWidth(g.bar.width() * std::clamp(bar.toDouble(), 0.0, 1.0));
        painter->setBrush(isSelected ? p.highlightedText : p[Series::Blue]);
        painter->drawRoundedRect(filled, 2.0, 2.0);
        painter->setPen(isSelected ? p.highlightedText : p.text);
        painter->setFont(item.font);
        painter->drawText(g.text, Qt::AlignVCenter | Qt::AlignRight, text);
    }
    painter->restore();
}

QSize CellDelegate::sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const
{
    QSize size = QStyledItemDelegate::sizeHint(option, index);
    size.setHeight(QFontMetrics(QApplication::font()).height() + kRowPadding);
    return size;
}

} // namespace bitscape::widgets
