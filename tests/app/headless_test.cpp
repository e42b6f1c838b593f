// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/settings/settings.h"
#include "app/window/headless.h"
#include "app/window/report_export.h"
#include "tests/app/support.h"

#include <QTemporaryDir>
#include <QTest>

using namespace bitscape;
using namespace bitscape::app;

class HeadlessTest final : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void readsArguments()
    {
        QString problem;
        const Request request = readArguments(
            {QStringLiteral("bitscape"), QStringLiteral("--shots"), QStringLiteral("out"),
             QStringLiteral("--theme"), QStringLiteral("dark"), QStringLiteral("--size"),
             QStringLiteral("1366x768"), QStringLiteral("p.bitscape")},
            problem);
        QVERIFY2(problem.isEmpty(), qPrintable(problem));
        QCOMPARE(request.shots, QStringLiteral("out"));
        QCOMPARE(request.theme, QStringLiteral("dark"));
        QCOMPARE(request.size, QSize(1366, 768));
        QCOMPARE(request.files, QStringList{QStringLiteral("p.bitscape")});
        QVERIFY(request.isHeadless());
    }

    void refusesBadArguments_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::newRow("unknown") << QStringList{QStringLiteral("--nothing")};
        QTest::newRow("theme") << QStringList{QStringLiteral("--theme"), QStringLiteral("blue")};
        QTest::newRow("size") << QStringList{QStringLiteral("--size"), QStringLiteral("large")};
        QTest::newRow("scale") << QStringList{QStringLiteral("--scale"), QStringLiteral("0")};
    }
    void refusesBadArguments()
    {
        QFETCH(const QStringList, arguments);
        QString problem;
        (void)readArguments(QStringList{QStringLiteral("bitscape")} + arguments, problem);
        QVERIFY(!problem.isEmpty());
    }

    void settingsKeepTypesAndDefaults()
    {
        const auto settings = Settings::temporary();
        QCOMPARE(settings->value(Setting::RecentLimit).toInt(), 10);
        settings->set(Setting::RecentLimit, QStringLiteral("3"));
        QCOMPARE(settings->value(Setting::RecentLimit).toInt(), 3);
        settings->set(Setting::RecentLimit, QStringLiteral("many"));
        QCOMPARE(settings->value(Setting::RecentLimit).toInt(), 10);
        settings->set(Setting::RecentLimit, 2);
        for (const char* name : {"a", "b", "c", "b"}) {
            settings->addRecentFile(QString::fromLatin1(name));
        }
        QCOMPARE(settings->recentFiles(), (QStringList{QStringLiteral("b"), QStringLiteral("c")}));
        settings->resetToDefaults();
        QVERIFY(settings->recentFiles().isEmpty());
    }

    void reportsAreWritten()
    {
        const project::Project project = bitscape::testing::smallProject();
        QTemporaryDir folder;
        for (const char* ending : {"html", "pdf"}) {
            const QString path =
                folder.filePath(QStringLiteral("r.") + QString::fromLatin1(ending));
            const auto written = exportReport(project, path);
            QVERIFY2(written, written ? "" : written.error().sentence().c_str());
            QFile file(path);
            QVERIFY(file.open(QIODevice::ReadOnly));
            const QByteArray bytes = file.readAll();
            QVERIFY(bytes.startsWith(ending[0] == 'p' ? "%PDF-" : "<!"));
            QVERIFY(bytes.size() > 4000);
        }
        QCOMPARE(exportReport(project, folder.filePath(QStringLiteral("r.doc"))).error().code,
                 ErrorCode::InvalidArgument);
    }
};

QTEST_MAIN(HeadlessTest)
#include "headless_test.moc"
