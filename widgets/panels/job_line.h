// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

class QProgressBar;
class QPushButton;

namespace bitscape::widgets {

/// Start button, or while a job runs its progress and a stop button: one line of a panel.
class JobLine final : public QWidget {
    Q_OBJECT
public:
    JobLine(const QString& start, const QString& stop, QWidget* parent = nullptr);

    void setIdle();
    /// share: 0 … 1, negative: not known.
    void setRunning(double share, const QString& text);
    /// Disabled with the reason as tooltip; an empty reason enables.
    void setStartReason(const QString& reason);

Q_SIGNALS:
    void startRequested();
    void stopRequested();

private:
    QPushButton* m_start;
    QPushButton* m_stop;
    QProgressBar* m_progress;
};

} // namespace bitscape::widgets
