// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/headless.h"

#include "app/errors/exit_code.h"
#include "app/errors/sentence.h"
#include "app/settings/settings.h"
#include "app/window/main_window.h"
#include "app/window/report_export.h"

#include <QApplication>
#include <QCommandLineParser>
#include <QDateTime>
#include <QDir>
#include <QEventLoop>
#include <QTimer>

#include <cstdio>

namespace bitscape::app {

namespace {

/// A page is still when nothing was computed for so long.
constexpr int kStillMilliseconds = 250;
constexpr int kPatienceMilliseconds = 60'000;

int complain(const QString& text)
{
    std::fprintf(stderr, "bitscape: %s\n", qPrintable(text));
    return 1;
}

/// Runs the event loop until no background work is left, or the patience ends.
void settle(MainWindow& window)
{
    QEventLoop loop;
    QTimer still;
    QTimer patience;
    still.setInterval(kStillMilliseconds);
    patience.setSingleShot(true);
    QObject::connect(&still, &QTimer::timeout, &loop, [&] {
        const bool isBusy = window.jobs().runningCount() > 0 || window.derived().isMeasuring();
        if (!isBusy) {
            loop.quit();
        }
    });
    QObject::connect(&patience, &QTimer::timeout, &loop, &QEventLoop::quit);
    still.start();
    patience.start(kPatienceMilliseconds);
    loop.exec();
}

/// The project or model named on the command line with the data sets beside it, or the built-in
/// sample.
Result<project::Project> openRequested(const Request& request)
{
    if (request.files.isEmpty()) {
        return project::sampleProject();
    }
    project::Project project;
    for (const QString& file : request.files) {
        const std::string path = file.toStdString();
        if (roleOf(file) == FileRole::Data) {
            io::DataRecipe recipe;
            recipe.source = path;
            auto data = project::openData(recipe);
            if (!data) {
                return fail(std::move(data).error());
            }
            project.putData(*std::move(data));
            continue;
        }
        auto opened = file.endsWith(QLatin1StringView(".bitscape"))
                          ? project::load(path)
                          : [&path]() -> Result<project::Project> {
            auto model = project::openModel(path);
            if (!model) {
                return fail(std::move(model).error());
            }
            return project::makeProject(model->model);
        }();
        if (!opened) {
            return fail(std::move(opened).error());
        }
        project = *std::move(opened);
    }
    return project;
}

/// Something to look at: the layer with most parameters and the best trial.
void selectForPictures(MainWindow& window)
{
    const project::Project& project = window.document().project();
    const graph::Layer* largest = nullptr;
    for (const graph::Layer& layer : project.graph().layers()) {
        if (!graph::slotsOf(layer).empty() &&
            (largest == nullptr || layer.parameterCount() > largest->parameterCount())) {
            largest = &layer;
        }
    }
    if (largest != nullptr) {
        window.selection().setLayers({largest->name});
    }
    if (!project.studies.empty()) {
        if (const search::Trial* best = project.studies.back()->best()) {
            window.selection().setTrial(
                TrialId{project.studies.back()->description.name, best->number});
        }
    }
}

int takeShots(const Request& request)
{
    if (!QDir().mkpath(request.shots)) {
        return complain(QStringLiteral("The folder %1 cannot be made.").arg(request.shots));
    }
    auto project = openRequested(request);
    if (!project) {
        complain(QString::fromStdString(project.error().sentence()));
        return exitCode(project.error().code);
    }
    const auto settings = Settings::temporary();
    widgets::NativeDialogs dialogs;
    MainWindow window(*settings, dialogs);
    window.resize(request.size);
    window.show();
    int number = 0;
    for (const PageInfo& page : pages()) {
        const QString id =
            QString::fromLatin1(page.id.data(), static_cast<qsizetype>(page.id.size()));
        if (++number == 2) {
            window.document().replace(*std::move(project),
                                      request.files.isEmpty() ? QString() : request.files.first());
            selectForPictures(window);
        }
        window.showPage(page.id);
        settle(window);
        const QString file = QStringLiteral("%1/%2-%3.png")
                                 .arg(request.shots)
                                 .arg(number, 2, 10, QLatin1Char('0'))
                                 .arg(id);
        if (!window.grab().save(file)) {
            return complain(QStringLiteral("%1 cannot be written.").arg(file));
        }
    }
    return 0;
}

int writeReport(const Request& request)
{
    auto project = openRequested(request);
    auto done = project ? exportReport(*project, request.exportReport)
                        : Result<void>(fail(project.error()));
    if (!done) {
        complain(QString::fromStdString(done.error().sentence()));
        return exitCode(done.error().code);
    }
    return 0;
}

/// Time from the start of the process to the first painted window.
int checkSelf(QApplication& application, qint64 processStart)
{
    const auto settings = Settings::temporary();
    widgets::NativeDialogs dialogs;
    MainWindow window(*settings, dialogs);
    window.show();
    QTimer::singleShot(0, &window, [&window, processStart] {
        window.repaint();
        std::printf("first paint after %lld ms\n",
                    static_cast<long long>(QDateTime::currentMSecsSinceEpoch() - processStart));
        window.close();
        QCoreApplication::quit();
    });
    return application.exec();
}

} // namespace

Request readArguments(const QStringList& arguments, QString& problem)
{
    QCommandLineParser parser;
    parser.setApplicationDescription(
        QStringLiteral("Mixed precision of neural networks for small hardware."));
    const QCommandLineOption help = parser.addHelpOption();
    const QCommandLineOption version = parser.addVersionOption();
    const auto option = [&](const char* name, const char* text, const char* value) {
        const QCommandLineOption made(QString::fromLatin1(name), QString::fromLatin1(text),
                                      QString::fromLatin1(value));
        parser.addOption(made);
        return made;
    };
    const auto shots = option("shots", "Write pictures of every page to this folder.", "DIR");
    const auto report = option("export-report", "Write the report (.html or .pdf).", "FILE");
    const QCommandLineOption check(
        QStringLiteral("self-check"),
        QStringLiteral("Open, paint, close; print the time to first paint."));
    parser.addOption(check);
    const auto theme = option("theme", "light or dark.", "THEME");
    const auto language = option("language", "Language of the interface.", "CODE");
    const auto size = option("size", "Size of the pictures, such as 1920x1080.", "WxH");
    const auto scale = option("scale", "Device pixels per pixel.", "FACTOR");
    parser.addPositionalArgument(QStringLiteral("FILE"),
                                 QStringLiteral("Models, projects and data sets to open."),
                                 QStringLiteral("[FILE…]"));
    Request request;
    if (!parser.parse(arguments)) {
        problem = parser.errorText();
        return request;
    }
    if (parser.isSet(help)) {
        parser.showHelp();
    }
    if (parser.isSet(version)) {
        parser.showVersion();
    }
    request.shots = parser.value(shots);
    request.exportReport = parser.value(report);
    request.selfCheck = parser.isSet(check);
    request.theme = parser.value(theme);
    request.language = parser.value(language);
    request.files = parser.positionalArguments();
    if (!request.theme.isEmpty() && request.theme != QLatin1StringView("light") &&
        request.theme != QLatin1StringView("dark")) {
        problem = QStringLiteral("--theme takes light or dark, not \"%1\".").arg(request.theme);
    }
    if (parser.isSet(size)) {
        const QStringList sides = parser.value(size).split(QLatin1Char('x'));
        request.size = sides.size() == 2 ? QSize(sides[0].toInt(), sides[1].toInt()) : QSize();
        if (request.size.width() < 200 || request.size.height() < 200 ||
            request.size.width() > 16000 || request.size.height() > 16000) {
            problem = QStringLiteral("--size takes WIDTHxHEIGHT, such as 1920x1080.");
        }
    }
    if (parser.isSet(scale)) {
        request.scale = QLocale::c().toDouble(parser.value(scale));
        if (!(request.scale >= 0.5 && request.scale <= 4.0)) {
            problem = QStringLiteral("--scale takes a factor of 0.5 to 4.");
        }
    }
    return request;
}

int runHeadless(QApplication& application, const Request& request, qint64 processStartMilliseconds)
{
    if (request.selfCheck) {
        return checkSelf(application, processStartMilliseconds);
    }
    if (!request.exportReport.isEmpty()) {
        return writeReport(request);
    }
    return takeShots(request);
}

} // namespace bitscape::app
