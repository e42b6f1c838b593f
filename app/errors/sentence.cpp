// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/errors/sentence.h"

#include <QCoreApplication>

namespace bitscape::app {

QString headline(ErrorCode code)
{
    // No default: a new code without a sentence must not compile.
    switch (code) {
    case ErrorCode::Canceled:
        return QCoreApplication::translate("errors", "Stopped.");
    case ErrorCode::InvalidArgument:
        return QCoreApplication::translate("errors", "A value cannot be used.");
    case ErrorCode::NotFound:
        return QCoreApplication::translate("errors", "Not found.");
    case ErrorCode::Io:
        return QCoreApplication::translate("errors", "Reading or writing failed.");
    case ErrorCode::CorruptFile:
        return QCoreApplication::translate(
            "errors", "The file is damaged or not of the format it claims to be.");
    case ErrorCode::ShapeMismatch:
        return QCoreApplication::translate("errors", "Data and model do not fit together.");
    case ErrorCode::VersionTooNew:
        return QCoreApplication::translate("errors", "This file was written by a newer Bitscape.");
    case ErrorCode::Unsupported:
        return QCoreApplication::translate("errors", "The model holds parts that cannot be run.");
    case ErrorCode::Infeasible:
        return QCoreApplication::translate("errors", "No configuration meets the limits.");
    case ErrorCode::OutOfResources:
        return QCoreApplication::translate("errors", "Memory or disk space is not sufficient.");
    case ErrorCode::Internal:
        return QCoreApplication::translate("errors",
                                           "This is a fault of the program; nothing was changed.");
    }
    return {};
}

widgets::Message messageOf(const Error& error)
{
    widgets::Message message;
    message.tone = widgets::Tone::Error;
    message.text =
        headline(error.code) + QLatin1Char(' ') + QString::fromStdString(error.sentence());
    const auto line = [](const QString& word, const std::string& value) {
        return value.empty() ? QString()
                             : word + QStringLiteral(": ") + QString::fromStdString(value) +
                                   QLatin1Char('\n');
    };
    const std::string_view code = name(error.code);
    message.details = (line(QCoreApplication::translate("errors", "What"), error.message) +
                       line(QCoreApplication::translate("errors", "Where"), error.where) +
                       line(QCoreApplication::translate("errors", "What to do"), error.hint) +
                       line(QCoreApplication::translate("errors", "Kind"), std::string(code)))
                          .trimmed();
    return message;
}

} // namespace bitscape::app
