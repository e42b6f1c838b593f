// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

class QLabel;
class QPushButton;

namespace bitscape::widgets {

/// A panel without content: what belongs here, and one button that brings it.
class EmptyState final : public QWidget {
    Q_OBJECT
public:
    explicit EmptyState(QWidget* parent = nullptr);

    /// An empty action hides the button.
    void setTexts(const QString& sentence, const QString& action);

Q_SIGNALS:
    void actionRequested();

private:
    QLabel* m_sentence;
    QPushButton* m_action;
};

} // namespace bitscape::widgets
