// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/banner.h"

#include "widgets/style/icons.h"
#include "widgets/style/palette.h"

#include <QApplication>
#include <QClipboard>
#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QStyle>
#include <QToolButton>

namespace bitscape::widgets {

namespace {

QString bannerKind(Tone tone)
{
    switch (tone) {
    case Tone::Good:
        return QStringLiteral("good");
    case Tone::Warning:
        return QStringLiteral("warning");
    case Tone::Error:
        return QStringLiteral("error");
    case Tone::Plain:
    case Tone::Second:
        break;
    }
    return QStringLiteral("info");
}

} // namespace

Banner::Banner(QWidget* parent)
    : QFrame(parent), m_icon(new QLabel(this)), m_text(new QLabel(this)),
      m_details(new QLabel(this)), m_action(new QPushButton(this)),
      m_unfold(new QPushButton(tr("Details"), this)), m_copy(new QPushButton(tr("Copy"), this))
{
    setObjectName(QStringLiteral("banner"));
    auto* close = new QToolButton(this);
    close->setIcon(icon(Icon::Close));
    close->setIconSize({14, 14});
    close->setAccessibleName(tr("Close message"));
    close->setToolTip(tr("Close message"));
    m_text->setWordWrap(true);
    m_text->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_details->setWordWrap(true);
    m_details->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_details->setProperty("tone", QStringLiteral("second"));
    m_unfold->setCheckable(true);
    auto* texts = new QVBoxLayout;
    texts->setSpacing(3);
    texts->addWidget(m_text);
    texts->addWidget(m_details);
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(12, 6, 8, 6);
    layout->setSpacing(10);
    layout->addWidget(m_icon);
    layout->addLayout(texts, 1);
    layout->addWidget(m_action);
    layout->addWidget(m_unfold);
    layout->addWidget(m_copy);
    layout->addWidget(close);
    connect(close, &QToolButton::clicked, this, &Banner::dismiss);
    connect(m_unfold, &QPushButton::toggled, m_details, &QWidget::setVisible);
    connect(m_copy, &QPushButton::clicked, this, [this] {
        QApplication::clipboard()->setText(m_message.text + QLatin1Char('\n') + m_message.details);
    });
    connect(m_action, &QPushButton::clicked, this, [this] {
        if (m_message.action) {
            const auto action = m_message.action;
            dismiss();
            action();
        }
    });
    hide();
}

void Banner::showMessage(Message message)
{
    m_message = std::move(message);
    setProperty("banner", bannerKind(m_message.tone));
    style()->unpolish(this);
    style()->polish(this);
    m_text->setText(m_message.text);
    m_details->setText(m_message.details);
    m_details->hide();
    m_unfold->setChecked(false);
    m_unfold->setVisible(!m_message.details.isEmpty());
    m_copy->setVisible(m_message.tone == Tone::Error);
    m_action->setText(m_message.actionText);
    m_action->setVisible(!m_message.actionText.isEmpty());
    setAccessibleName(m_message.text);
    drawIcon();
    show();
}

void Banner::dismiss()
{
    hide();
}

QString Banner::text() const
{
    return isHidden() ? QString() : m_message.text;
}

void Banner::changeEvent(QEvent* event)
{
    if (event->type() == QEvent::StyleChange || event->type() == QEvent::PaletteChange) {
        drawIcon();
    }
    QFrame::changeEvent(event);
}

void Banner::drawIcon()
{
    const Palette& p = currentPalette();
    const auto [id, color] = [&]() -> std::pair<Icon, QColor> {
        switch (m_message.tone) {
        case Tone::Good:
            return {Icon::Ok, p.good.text};
        case Tone::Warning:
            return {Icon::Warning, p.warning.text};
        case Tone::Error:
            return {Icon::Error, p.error.text};
        case Tone::Plain:
        case Tone::Second:
            break;
        }
        return {Icon::Info, p.info.text};
    }();
    m_icon->setPixmap(iconPixmap(id, 20, color, devicePixelRatioF()));
}

} // namespace bitscape::widgets
