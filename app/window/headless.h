// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QSize>
#include <QString>
#include <QStringList>

class QApplication;

namespace bitscape::app {

/// What the command line of the desktop program asks for.
struct Request {
    QString shots;        ///< folder for pictures of every page; empty: none
    QString exportReport; ///< file to write; empty: none
    bool selfCheck = false;
    QString theme;    ///< "light", "dark"; empty: the user's
    QString language; ///< "en", "de"; empty: the user's
    QSize size{1920, 1080};
    double scale = 1.0;
    QStringList files;

    /// Runs without a display and without the user's settings.
    [[nodiscard]] bool isHeadless() const
    {
        return !shots.isEmpty() || !exportReport.isEmpty() || selfCheck;
    }
};

/// Reads the arguments; on a mistake `problem` says what and the request is worthless.
[[nodiscard]] Request readArguments(const QStringList& arguments, QString& problem);

/// Does what was asked and returns the exit code; failures are told on stderr.
[[nodiscard]] int runHeadless(QApplication& application, const Request& request,
                              qint64 processStartMilliseconds);

} // namespace bitscape::app
