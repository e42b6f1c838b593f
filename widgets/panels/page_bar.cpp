// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/page_bar.h"

#include "widgets/style/palette.h"
#include "widgets/style/theme.h"

#include <QHelpEvent>
#include <QKeyEvent>
#include <QPainter>
#include <QToolTip>

#include <algorithm>

namespace bitscape::widgets {

namespace {

constexpr int kWidth = 84;
constexpr int kHeight = 60;
constexpr int kLeastHeight = 44;
constexpr int kIcon = 23;
constexpr int kMark = 3; ///< width of the stripe that marks the current page
constexpr int kTop = 4;

} // namespace

PageBar::PageBar(QWidget* parent) : QWidget(parent)
{
    setObjectName(QStringLiteral("pageBar"));
    setAccessibleName(tr("Pages"));
    setFocusPolicy(Qt::StrongFocus);
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Expanding);
    QFont small = font();
    if (small.pixelSize() > 0) {
        small.setPixelSize(small.pixelSize() - 1);
    } else {
        small.setPointSizeF(small.pointSizeF() * 0.88);
    }
    setFont(small);
}

void PageBar::setItems(std::vector<Item> items)
{
    m_items = std::move(items);
    m_badges.assign(m_items.size(), 0);
    updateGeometry();
    update();
}

void PageBar::setCurrent(int index)
{
    m_current = index;
    if (index >= 0 && index < static_cast<int>(m_items.size())) {
        setAccessibleDescription(m_items[static_cast<std::size_t>(index)].title);
    }
    update();
}

void PageBar::setBadge(const QString& id, int count)
{
    for (std::size_t i = 0; i < m_items.size(); ++i) {
        if (m_items[i].id == id && m_badges[i] != count) {
            m_badges[i] = count;
            update();
        }
    }
}

int PageBar::itemHeight() const
{
    const int count = std::max(1, static_cast<int>(m_items.size()));
    return std::clamp((height() - kTop) / count, kLeastHeight, kHeight);
}

QRect PageBar::itemRect(int index) const
{
    return {0, kTop + index * itemHeight(), width(), itemHeight()};
}

QSize PageBar::sizeHint() const
{
    int widest = kWidth;
    QFont bold = font();
    bold.setWeight(QFont::DemiBold);
    const QFontMetrics metrics(bold);
    for (const Item& item : m_items) {
        widest = std::max(widest, metrics.horizontalAdvance(item.title) + 2 * kMark + 6);
    }
    return {widest, kTop + kHeight * static_cast<int>(m_items.size())};
}

QSize PageBar::minimumSizeHint() const
{
    return {sizeHint().width(), kTop + kLeastHeight * static_cast<int>(m_items.size())};
}

void PageBar::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.fillRect(rect(), currentPalette().group);
    for (int i = 0; i < static_cast<int>(m_items.size()); ++i) {
        paintItem(painter, i);
    }
}

void PageBar::paintItem(QPainter& painter, int index) const
{
    const Palette& p = currentPalette();
    const Item& item = m_items[static_cast<std::size_t>(index)];
    const QRect box = itemRect(index);
    const bool isCurrent = index == m_current;
    QFont face = font();
    if (isCurrent) {
        painter.fillRect(box, p.base);
        painter.fillRect(QRect(box.topLeft(), QSize(kMark, box.height())), p.highlight);
        face.setWeight(QFont::DemiBold);
    }
    const QColor ink = isCurrent ? p.text : p.secondText;
    const QFontMetrics metrics(face);
    const int content = kIcon + 3 + metrics.height();
    const int top = box.top() + (box.height() - content) / 2;
    const QPixmap pixmap = iconPixmap(item.icon, kIcon, ink, devicePixelRatioF());
    painter.drawPixmap(QPointF(box.left() + (box.width() - kIcon) / 2.0, top), pixmap);
    painter.setFont(face);
    painter.setPen(ink);
    painter.drawText(QRect(box.left(), top + kIcon + 3, box.width(), metrics.height()),
                     Qt::AlignCenter, item.title);
    if (const int badge = m_badges[static_cast<std::size_t>(index)]; badge > 0) {
        const QRectF circle(box.right() - 28.0, top - 3.0, 16.0, 16.0);
        painter.setPen(Qt::NoPen);
        painter.setBrush(p[Series::Orange]);
        painter.drawEllipse(circle);
        painter.setPen(inkOn(p[Series::Orange]));
        QFont bold = font();
        bold.setWeight(QFont::Bold);
        painter.setFont(bold);
        painter.drawText(circle, Qt::AlignCenter, QString::number(badge));
    }
    if (isCurrent && hasFocus() && m_showsFocus) {
        painter.setPen(QPen(p.highlight, 2.0));
        painter.setBrush(Qt::NoBrush);
        painter.drawRect(QRectF(box).adjusted(kMark + 1.0, 1.0, -1.0, -1.0));
    }
}

void PageBar::mousePressEvent(QMouseEvent* event)
{
    for (int i = 0; i < static_cast<int>(m_items.size()); ++i) {
        if (itemRect(i).contains(event->pos())) {
            Q_EMIT pageRequested(i);
            return;
        }
    }
}

void PageBar::keyPressEvent(QKeyEvent* event)
{
    const int last = static_cast<int>(m_items.size()) - 1;
    switch (event->key()) {
    case Qt::Key_Up:
        Q_EMIT pageRequested(std::max(0, m_current - 1));
        return;
    case Qt::Key_Down:
        Q_EMIT pageRequested(std::min(last, m_current + 1));
        return;
    case Qt::Key_Home:
        Q_EMIT pageRequested(0);
        return;
    case Qt::Key_End:
        Q_EMIT pageRequested(last);
        return;
    default:
        QWidget::keyPressEvent(event);
    }
}

void PageBar::focusInEvent(QFocusEvent* event)
{
    m_showsFocus = event->reason() == Qt::TabFocusReason ||
                   event->reason() == Qt::BacktabFocusReason ||
                   event->reason() == Qt::ShortcutFocusReason;
    QWidget::focusInEvent(event);
}

bool PageBar::event(QEvent* event)
{
    if (event->type() == QEvent::ToolTip) {
        const auto* help = static_cast<QHelpEvent*>(event);
        for (int i = 0; i < static_cast<int>(m_items.size()); ++i) {
            if (itemRect(i).contains(help->pos())) {
                QToolTip::showText(help->globalPos(), m_items[static_cast<std::size_t>(i)].toolTip,
                                   this, itemRect(i));
                return true;
            }
        }
        QToolTip::hideText();
    }
    return QWidget::event(event);
}

} // namespace bitscape::widgets
