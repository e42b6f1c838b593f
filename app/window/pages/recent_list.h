// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QListWidget>

namespace bitscape::app {

/// Files opened lately: Enter or a click opens, Del takes one off the list.
class RecentList final : public QListWidget {
    Q_OBJECT
public:
    explicit RecentList(QWidget* parent = nullptr);
    void setFiles(const QStringList& paths);

Q_SIGNALS:
    void openRequested(const QString& path);
    void removeRequested(const QString& path);

protected:
    void keyPressEvent(QKeyEvent* event) override;
};

} // namespace bitscape::app
