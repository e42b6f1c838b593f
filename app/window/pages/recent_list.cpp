// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/pages/recent_list.h"

#include "widgets/style/icons.h"
#include "widgets/style/palette.h"

#include <QApplication>
#include <QDateTime>
#include <QDir>
#include <QFileInfo>
#include <QKeyEvent>
#include <QLocale>
#include <QPainter>
#include <QStyledItemDelegate>

namespace bitscape::app {

namespace {

constexpr int kPathRole = Qt::UserRole + 1;
constexpr int kPadding = 10;
constexpr int kIcon = 24;

QString dateText(const QDateTime& when)
{
    const qint64 days = when.date().daysTo(QDate::currentDate());
    if (days == 0) {
        return RecentList::tr("today %1")
            .arg(QLocale().toString(when.time(), QLocale::ShortFormat));
    }
    return days == 1 ? RecentList::tr("yesterday")
                     : QLocale().toString(when.date(), QLocale::ShortFormat);
}

/// Two lines: name and date, folder below.
class RowDelegate final : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override
    {
        const widgets::Palette& p = widgets::currentPalette();
        const QFileInfo file(index.data(kPathRole).toString());
        const bool isMarked = option.state.testFlag(QStyle::State_Selected) ||
                              option.state.testFlag(QStyle::State_MouseOver);
        painter->save();
        if (isMarked) {
            painter->setRenderHint(QPainter::Antialiasing);
            painter->setPen(Qt::NoPen);
            painter->setBrush(p.hover);
            painter->drawRoundedRect(option.rect, 4, 4);
        }
        const QColor ink = file.exists() ? p.text : p.disabledText;
        QRect area = option.rect.adjusted(kPadding, 7, -kPadding, -7);
        const widgets::Icon id = file.suffix() == QLatin1StringView("bitscape")
                                     ? widgets::Icon::Explore
                                     : widgets::Icon::File;
        painter->drawPixmap(QPoint(area.left(), area.center().y() - kIcon / 2),
                            widgets::iconPixmap(id, kIcon,
                                                file.exists() ? p.secondText : p.disabledText,
                                                painter->device()->devicePixelRatioF()));
        area.setLeft(area.left() + kIcon + kPadding);
        const QString date = file.exists() ? dateText(file.lastModified()) : QString();
        painter->setFont(option.font);
        painter->setPen(file.exists() ? p.secondText : p.disabledText);
        painter->drawText(area, Qt::AlignRight | Qt::AlignVCenter, date);
        area.setRight(area.right() - option.fontMetrics.horizontalAdvance(date) - kPadding);
        const QString folder = QDir::toNativeSeparators(file.absolutePath());
        painter->drawText(
            area, Qt::AlignLeft | Qt::AlignBottom,
            option.fontMetrics.elidedText(
                file.exists() ? folder : RecentList::tr("file not found in %1").arg(folder),
                Qt::ElideMiddle, area.width()));
        QFont bold = option.font;
        bold.setWeight(QFont::DemiBold);
        painter->setFont(bold);
        painter->setPen(ink);
        painter->drawText(
            area, Qt::AlignLeft | Qt::AlignTop,
            QFontMetrics(bold).elidedText(file.fileName(), Qt::ElideMiddle, area.width()));
        painter->restore();
    }
    [[nodiscard]] QSize sizeHint(const QStyleOptionViewItem& option,
                                 const QModelIndex&) const override
    {
        return {200, option.fontMetrics.height() * 2 + 18};
    }
};

} // namespace

RecentList::RecentList(QWidget* parent) : QListWidget(parent)
{
    setObjectName(QStringLiteral("recentList"));
    setAccessibleName(tr("Recent files"));
    setItemDelegate(new RowDelegate(this));
    setMouseTracking(true);
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    connect(this, &QListWidget::itemClicked, this, [this](QListWidgetItem* item) {
        Q_EMIT openRequested(item->data(kPathRole).toString());
    });
}

void RecentList::setFiles(const QStringList& paths)
{
    clear();
    for (const QString& path : paths) {
        auto* item = new QListWidgetItem(QFileInfo(path).fileName(), this);
        item->setData(kPathRole, path);
        item->setToolTip(QDir::toNativeSeparators(path));
    }
}

void RecentList::keyPressEvent(QKeyEvent* event)
{
    if (currentItem() != nullptr) {
        const QString path = currentItem()->data(kPathRole).toString();
        if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) {
            Q_EMIT openRequested(path);
            return;
        }
        if (event->key() == Qt::Key_Delete) {
            Q_EMIT removeRequested(path);
            return;
        }
    }
    QListWidget::keyPressEvent(event);
}

} // namespace bitscape::app
