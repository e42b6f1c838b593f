// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/style/icons.h"

#include <QWidget>

#include <vector>

namespace bitscape::widgets {

/// The pages at the left edge: icon over text, one of them current, a badge with a count.
/// Keyboard: Up, Down, Home, End.
class PageBar final : public QWidget {
    Q_OBJECT
public:
    struct Item {
        QString id, title;
        Icon icon;
        QString toolTip;
    };

    explicit PageBar(QWidget* parent = nullptr);

    void setItems(std::vector<Item> items);
    void setCurrent(int index);
    [[nodiscard]] int current() const { return m_current; }
    /// 0 hides it.
    void setBadge(const QString& id, int count);
    [[nodiscard]] QRect itemRect(int index) const;
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

Q_SIGNALS:
    void pageRequested(int index);

protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    bool event(QEvent* event) override;

private:
    [[nodiscard]] int itemHeight() const;
    void paintItem(QPainter& painter, int index) const;

    std::vector<Item> m_items;
    std::vector<int> m_badges;
    int m_current = 0;
    bool m_showsFocus = false; ///< it came by keyboard
};

} // namespace bitscape::widgets
