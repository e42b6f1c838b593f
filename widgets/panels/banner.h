// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/models/cell.h"

#include <QFrame>

#include <functional>

class QLabel;
class QPushButton;

namespace bitscape::widgets {

/// What a banner says: a sentence, what to do, and details for those who want them.
struct Message {
    Tone tone = Tone::Plain; ///< Plain: information
    QString text;
    QString details; ///< unfolds; may be empty
    QString actionText;
    std::function<void()> action; ///< called on the button; may be empty
};

/// A message in the panel it concerns. Hidden until show(message); the user closes it.
class Banner final : public QFrame {
    Q_OBJECT
public:
    explicit Banner(QWidget* parent = nullptr);

    void showMessage(Message message);
    void dismiss();
    [[nodiscard]] QString text() const;
    [[nodiscard]] Tone tone() const { return m_message.tone; }

protected:
    void changeEvent(QEvent* event) override;

private:
    void drawIcon();

    Message m_message;
    QLabel* m_icon;
    QLabel* m_text;
    QLabel* m_details;
    QPushButton* m_action;
    QPushButton* m_unfold;
    QPushButton* m_copy;
};

} // namespace bitscape::widgets
