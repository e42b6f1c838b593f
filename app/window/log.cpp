// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/log.h"

#include <QMetaObject>

namespace bitscape::app {

namespace {

constexpr std::size_t kKeptLines = 5000;

} // namespace

Log& Log::instance()
{
    static Log log;
    return log;
}

void Log::add(LogLine line)
{
    if (m_lines.size() >= kKeptLines) {
        m_lines.erase(m_lines.begin(), m_lines.begin() + kKeptLines / 10);
    }
    m_lines.push_back(std::move(line));
    Q_EMIT changed();
}

void logLine(LogLevel level, const QString& part, const QString& text)
{
    const LogLine line{QDateTime::currentDateTime(), level, part, text};
    Log& log = Log::instance();
    QMetaObject::invokeMethod(
        &log, [&log, line] { log.add(line); }, Qt::AutoConnection);
}

} // namespace bitscape::app
