// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/docks/docks.h"
#include "widgets/style/icons.h"

#include <QDockWidget>
#include <QHBoxLayout>
#include <QLabel>
#include <QToolButton>

namespace bitscape::app {

QDockWidget* makeDock(QWidget* content, const QString& title, QWidget* parent)
{
    auto* dock = new QDockWidget(title, parent);
    dock->setObjectName(QStringLiteral("dock.") + content->objectName());
    auto* bar = new QFrame(dock);
    bar->setObjectName(QStringLiteral("dockTitle"));
    auto* layout = new QHBoxLayout(bar);
    layout->setContentsMargins(8, 1, 4, 1);
    layout->setSpacing(2);
    auto* label = new QLabel(title, bar);
    // A content that changes its window title says more than its name ("Inspector: conv_1").
    QObject::connect(
        content, &QWidget::windowTitleChanged, label,
        [label, title](const QString& text) { label->setText(text.isEmpty() ? title : text); });
    const auto button = [&](widgets::Icon id, const QString& name) {
        auto* made = new QToolButton(bar);
        made->setIcon(widgets::icon(id));
        made->setIconSize({13, 13});
        made->setAccessibleName(name);
        made->setToolTip(name);
        made->setFocusPolicy(Qt::NoFocus);
        return made;
    };
    auto* floating =
        button(widgets::Icon::Float, QCoreApplication::translate("docks", "Float or dock"));
    auto* close = button(widgets::Icon::Close, QCoreApplication::translate("docks", "Close"));
    QObject::connect(floating, &QToolButton::clicked, dock,
                     [dock] { dock->setFloating(!dock->isFloating()); });
    QObject::connect(close, &QToolButton::clicked, dock, &QWidget::close);
    layout->addWidget(label, 1);
    layout->addWidget(floating);
    layout->addWidget(close);
    dock->setTitleBarWidget(bar);
    dock->setWidget(content);
    return dock;
}

} // namespace bitscape::app
