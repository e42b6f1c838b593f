// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/cost_strip.h"

#include "widgets/style/palette.h"
#include "widgets/style/theme.h"

#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QContextMenuEvent>
#include <QHelpEvent>
#include <QMenu>
#include <QPainter>
#include <QSignalBlocker>
#include <QToolTip>

#include <algorithm>

namespace bitscape::widgets {

namespace {

constexpr int kHeight = 54;
constexpr int kPadding = 16;
constexpr int kNarrow = 1300; ///< below this window width the cells close up

QFont smallFont()
{
    QFont font = QApplication::font();
    if (font.pixelSize() > 0) {
        font.setPixelSize(font.pixelSize() - 1);
    } else {
        font.setPointSizeF(font.pointSizeF() * 0.9);
    }
    return font;
}

QColor toneColor(Tone tone, const Palette& p)
{
    switch (tone) {
    case Tone::Good:
        return p.good.text;
    case Tone::Warning:
        return p.warning.text;
    case Tone::Error:
        return p.error.text;
    case Tone::Plain:
        return p.text;
    case Tone::Second:
        break;
    }
    return p.secondText;
}

} // namespace

CostStrip::CostStrip(QWidget* parent) : QWidget(parent), m_reference(new QComboBox(this))
{
    setObjectName(QStringLiteral("costStrip"));
    setAccessibleName(tr("Cost summary"));
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    setMinimumHeight(kHeight);
    m_reference->setObjectName(QStringLiteral("referenceBox"));
    m_reference->setAccessibleName(tr("Deltas against"));
    m_reference->setMinimumWidth(170);
    connect(m_reference, &QComboBox::activated, this, &CostStrip::referenceChosen);
}

void CostStrip::setCells(std::vector<CostCell> cells)
{
    m_cells = std::move(cells);
    QStringList spoken;
    for (const CostCell& cell : m_cells) {
        spoken << QStringLiteral("%1: %2 %3 %4").arg(cell.title, cell.value, cell.unit, cell.delta);
    }
    setAccessibleDescription(spoken.join(QStringLiteral(", ")));
    layoutCells();
    update();
}

void CostStrip::setReferences(const QStringList& names, int current)
{
    const QSignalBlocker blocker(m_reference);
    m_reference->clear();
    m_reference->addItems(names);
    m_reference->setCurrentIndex(current);
}

QRect CostStrip::cellRect(int index) const
{
    return m_rects[static_cast<std::size_t>(index)];
}

QSize CostStrip::sizeHint() const
{
    return {1000, kHeight};
}

void CostStrip::layoutCells()
{
    const QFontMetrics small(smallFont());
    const QFontMetrics large(emphasisFont(1.38));
    const QFontMetrics plain(QApplication::font());
    const int padding = width() < kNarrow ? 9 : kPadding;
    m_rects.clear();
    int x = 0;
    for (const CostCell& cell : m_cells) {
        const int value = large.horizontalAdvance(cell.value) + 4 +
                          small.horizontalAdvance(cell.unit) +
                          (cell.delta.isEmpty() ? 0 : 8 + plain.horizontalAdvance(cell.delta));
        const int content = std::max(small.horizontalAdvance(cell.title), value);
        m_rects.emplace_back(x, 0, content + 2 * padding, height());
        x += content + 2 * padding;
    }
    const QSize box = m_reference->sizeHint().expandedTo(m_reference->minimumSize());
    m_reference->setGeometry(width() - box.width() - padding, 5 + small.height(), box.width(),
                             std::min(box.height(), height() - 7 - small.height()));
    m_reference->setVisible(x < width() - box.width() - 2 * padding);
}

void CostStrip::paintEvent(QPaintEvent*)
{
    const Palette& p = currentPalette();
    QPainter painter(this);
    painter.fillRect(rect(), p.base);
    const QFont small = smallFont();
    const QFont large = emphasisFont(1.38);
    const QFontMetrics smallMetrics(small);
    const QFontMetrics largeMetrics(large);
    const int padding = width() < kNarrow ? 9 : kPadding;
    const int titleLine = 5 + smallMetrics.ascent();
    const int valueLine = 6 + smallMetrics.height() + largeMetrics.ascent();
    for (std::size_t i = 0; i < m_cells.size(); ++i) {
        const CostCell& cell = m_cells[i];
        const QRect box = m_rects[i];
        int x = box.left() + padding;
        painter.setFont(small);
        painter.setPen(p.secondText);
        painter.drawText(x, titleLine, cell.title);
        painter.setFont(large);
        painter.setPen(cell.isStale ? p.disabledText : p.text);
        painter.drawText(x, valueLine, cell.value);
        x += largeMetrics.horizontalAdvance(cell.value) + 4;
        painter.setFont(small);
        painter.setPen(p.secondText);
        painter.drawText(x, valueLine, cell.unit);
        x += smallMetrics.horizontalAdvance(cell.unit) + 8;
        painter.setFont(QApplication::font());
        painter.setPen(toneColor(cell.deltaTone, p));
        painter.drawText(x, valueLine, cell.delta);
        painter.setPen(p.softLine);
        painter.drawLine(box.topRight(), box.bottomRight());
    }
    if (m_reference->isVisibleTo(this)) {
        painter.setFont(small);
        painter.setPen(p.secondText);
        painter.drawText(QRect(m_reference->x(), 3, m_reference->width(), smallMetrics.height()),
                         Qt::AlignRight | Qt::AlignVCenter, tr("Deltas against"));
    }
}

void CostStrip::resizeEvent(QResizeEvent* event)
{
    layoutCells();
    QWidget::resizeEvent(event);
}

int CostStrip::cellAt(const QPoint& at) const
{
    for (std::size_t i = 0; i < m_rects.size(); ++i) {
        if (m_rects[i].contains(at)) {
            return static_cast<int>(i);
        }
    }
    return -1;
}

void CostStrip::mousePressEvent(QMouseEvent* event)
{
    if (const int i = cellAt(event->pos()); i >= 0 && event->button() == Qt::LeftButton) {
        Q_EMIT cellClicked(m_cells[static_cast<std::size_t>(i)].id);
    }
}

void CostStrip::contextMenuEvent(QContextMenuEvent* event)
{
    const int i = cellAt(event->pos());
    if (i < 0) {
        return;
    }
    const CostCell& cell = m_cells[static_cast<std::size_t>(i)];
    const QString text = QStringLiteral("%1 %2").arg(cell.value, cell.unit);
    const QString why = cell.explanation;
    const QPoint at = event->globalPos();
    QMenu menu(this);
    menu.addAction(tr("Copy value"), this, [text] { QApplication::clipboard()->setText(text); });
    menu.addAction(tr("How computed"), this,
                   [this, why, at] { QToolTip::showText(at, why, this); });
    menu.exec(at);
}

bool CostStrip::event(QEvent* event)
{
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        const int i = cellAt(help->pos());
        if (i >= 0) {
            QToolTip::showText(help->globalPos(), m_cells[static_cast<std::size_t>(i)].explanation,
                               this, cellRect(i));
        } else {
            QToolTip::hideText();
        }
        return true;
    }
    if (event->type() == QEvent::FontChange) {
        layoutCells();
    }
    return QWidget::event(event);
}

} // namespace bitscape::widgets
