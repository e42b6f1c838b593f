// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/settings/settings.h"
#include "app/window/headless.h"
#include "app/window/log.h"
#include "app/window/main_window.h"
#include "core/base/version.h"
#include "widgets/style/icons.h"
#include "widgets/style/theme.h"

#include <QApplication>
#include <QDateTime>
#include <QLibraryInfo>
#include <QLocale>
#include <QTemporaryFile>
#include <QTranslator>

#include <cstdio>

namespace {

using namespace bitscape;
using namespace bitscape::app;

/// Qt's platform without a display, with a screen large enough for the pictures: its own is
/// 800 × 800.
void useOffscreenPlatform(const Request& request, QTemporaryFile& screen)
{
    const QByteArray asked = qgetenv("QT_QPA_PLATFORM");
    if (!asked.isEmpty() && !asked.startsWith("offscreen")) {
        return;
    }
    QByteArray platform = "offscreen";
    if (screen.open()) {
        screen.write(
            QStringLiteral("{\"synchronousWindowSystemEvents\":false,\"windowFrameMargins\":"
                           "false,\"screens\":[{\"name\":\"virtual\",\"x\":0,\"y\":0,\"width\":%1,"
                           "\"height\":%2,\"logicalDpi\":96,\"logicalBaseDpi\":96,\"dpr\":%3}]}")
                .arg(request.size.width())
                .arg(request.size.height())
                .arg(request.scale)
                .toUtf8());
        screen.flush();
        platform += ":configfile=" + screen.fileName().toUtf8();
    }
    qputenv("QT_QPA_PLATFORM", platform);
}

/// Our texts and Qt's own, for a language such as "de"; empty: the system's.
void installTranslations(QApplication& application, const QString& language)
{
    const QLocale locale = language.isEmpty() ? QLocale::system() : QLocale(language);
    QLocale::setDefault(locale);
    auto* own = new QTranslator(&application);
    const bool isKnown = own->load(locale, QStringLiteral("bitscape"), QStringLiteral("_"),
                                   QStringLiteral(":/i18n"));
    // English has plural forms to be translated too.
    if (isKnown || own->load(QStringLiteral(":/i18n/bitscape_en.qm"))) {
        QCoreApplication::installTranslator(own);
    }
    if (isKnown) {
        auto* qt = new QTranslator(&application);
        if (qt->load(locale, QStringLiteral("qtbase"), QStringLiteral("_"),
                     QLibraryInfo::path(QLibraryInfo::TranslationsPath))) {
            QCoreApplication::installTranslator(qt);
        }
    }
}

void logQtMessage(QtMsgType type, const QMessageLogContext&, const QString& text)
{
    const bool isError = type == QtCriticalMsg || type == QtFatalMsg;
    std::fprintf(stderr, "%s\n", qPrintable(text));
    if (QCoreApplication::instance() != nullptr) {
        logLine(isError ? LogLevel::Error : LogLevel::Warning, QStringLiteral("qt"), text);
    }
}

int runWindow(const Request& request, Settings& settings)
{
    widgets::NativeDialogs dialogs;
    MainWindow window(settings, dialogs);
    window.show();
    for (const QString& file : request.files) {
        window.openFile(file);
    }
    return QApplication::exec();
}

} // namespace

int main(int argc, char** argv)
{
    const qint64 start = QDateTime::currentMSecsSinceEpoch();
    QStringList arguments;
    for (int i = 0; i < argc; ++i) {
        arguments << QString::fromLocal8Bit(argv[i]);
    }
    QCoreApplication::setApplicationName(QStringLiteral("Bitscape"));
    QCoreApplication::setOrganizationName(QStringLiteral("Bitscape"));
    const std::string_view number = version();
    QCoreApplication::setApplicationVersion(
        QString::fromLatin1(number.data(), static_cast<qsizetype>(number.size())));
    QString problem;
    const Request request = readArguments(arguments, problem);
    if (!problem.isEmpty()) {
        std::fprintf(stderr, "bitscape: %s\n", qPrintable(problem));
        return 2;
    }
    QTemporaryFile screen;
    if (request.isHeadless()) {
        useOffscreenPlatform(request, screen);
    }
    QApplication application(argc, argv);
    qInstallMessageHandler(logQtMessage);
    QApplication::setWindowIcon(widgets::programIcon());
    QGuiApplication::setDesktopFileName(QStringLiteral("org.bitscape.Bitscape"));

    const auto settings =
        request.isHeadless() ? Settings::temporary() : std::make_unique<Settings>();
    const QString language = !request.language.isEmpty()
                                 ? request.language
                                 : settings->value(Setting::Language).toString();
    installTranslations(
        application, request.isHeadless() && language.isEmpty() ? QStringLiteral("en") : language);
    const QString theme =
        !request.theme.isEmpty() ? request.theme : settings->value(Setting::Theme).toString();
    widgets::applyTheme(application, theme == QLatin1StringView("dark") ? widgets::Theme::Dark
                                                                        : widgets::Theme::Light);
    return request.isHeadless() ? runHeadless(application, request, start)
                                : runWindow(request, *settings);
}
