// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QDateTime>
#include <QObject>
#include <QString>

#include <vector>

namespace bitscape::app {

enum class LogLevel { Info, Warning, Error };

struct LogLine {
    QDateTime time;
    LogLevel level = LogLevel::Info;
    QString part; ///< "document", "job", "engine", "qt"
    QString text; ///< English, ends with a period
};

/// Lines of the Log dock, for the whole program. GUI thread.
class Log final : public QObject {
    Q_OBJECT
public:
    [[nodiscard]] static Log& instance();
    void add(LogLine line);
    [[nodiscard]] const std::vector<LogLine>& lines() const { return m_lines; }

Q_SIGNALS:
    void changed();

private:
    std::vector<LogLine> m_lines;
};

/// Thread: any.
void logLine(LogLevel level, const QString& part, const QString& text);

} // namespace bitscape::app
