// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QRectF>
#include <QStyledItemDelegate>

namespace bitscape::widgets {

/// Where the parts of a cell lie; apart from painting so that a test can ask.
struct CellGeometry {
    QRectF chip; ///< empty if none
    QRectF bar;  ///< full length of the bar; empty if none
    QRectF text;

    [[nodiscard]] static CellGeometry of(const QRectF& cell, bool hasChip, bool hasBar,
                                         double chipTextWidth);
};

/// Paints cells with chips and bars, in tables and trees alike; every row has one height.
class CellDelegate : public QStyledItemDelegate {
    Q_OBJECT
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override;
    [[nodiscard]] QSize sizeHint(const QStyleOptionViewItem& option,
                                 const QModelIndex& index) const override;
};

} // namespace bitscape::widgets
