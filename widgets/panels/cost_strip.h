// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/cell.h"

#include <QWidget>

#include <vector>

class QComboBox;

namespace bitscape::widgets {

/// One number of the strip with its unit and its distance to the reference.
struct CostCell {
    QString id;    ///< "accuracy", "weights", …: also the object the click asks for
    QString title; ///< with how sure the number is: "Energy / inference (est.)"
    QString value, unit;
    QString delta; ///< signed; may be empty
    Tone deltaTone = Tone::Second;
    QString explanation; ///< tooltip: how it is computed
    bool isStale = false;
};

/// The numbers that every edit moves, always in view.
class CostStrip final : public QWidget {
    Q_OBJECT
public:
    explicit CostStrip(QWidget* parent = nullptr);

    void setCells(std::vector<CostCell> cells);
    [[nodiscard]] const std::vector<CostCell>& cells() const { return m_cells; }
    void setReferences(const QStringList& names, int current);
    [[nodiscard]] QRect cellRect(int index) const;
    [[nodiscard]] QSize sizeHint() const override;

Q_SIGNALS:
    void cellClicked(const QString& id);
    void referenceChosen(int index);

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    bool event(QEvent* event) override;

private:
    [[nodiscard]] int cellAt(const QPoint& at) const;
    void layoutCells();

    std::vector<CostCell> m_cells;
    std::vector<QRect> m_rects;
    QComboBox* m_reference;
};

} // namespace bitscape::widgets
