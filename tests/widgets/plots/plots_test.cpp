// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/widgets/plots/examples.h"
#include "widgets/plots/plot.h"
#include "widgets/plots/registry.h"

#include <QApplication>
#include <QClipboard>
#include <QMenu>
#include <QMimeData>
#include <QPainter>
#include <QRegularExpression>
#include <QSignalSpy>
#include <QTableView>
#include <QTemporaryDir>
#include <QTest>
#include <QWheelEvent>
#include <QXmlStreamReader>

#include <memory>
#include <set>

using namespace bitscape;
using namespace bitscape::widgets;

Q_DECLARE_METATYPE(const bitscape::widgets::PlotInfo*)

namespace {

QString idOf(const PlotInfo& info)
{
    return QString::fromLatin1(info.id.data(), static_cast<qsizetype>(info.id.size()));
}

bool isUniform(const QImage& image)
{
    const QRgb first = image.pixel(0, 0);
    for (int y = 0; y < image.height(); ++y) {
        for (int x = 0; x < image.width(); ++x) {
            if (image.pixel(x, y) != first) {
                return false;
            }
        }
    }
    return true;
}

void turnWheel(Plot& plot, int notches, Qt::KeyboardModifiers modifiers)
{
    const QPointF at = QRectF(plot.rect()).center();
    QWheelEvent event(at, plot.mapToGlobal(at), {}, {0, 120 * notches}, Qt::NoButton, modifiers,
                      Qt::NoScrollPhase, false);
    QApplication::sendEvent(&plot, &event);
}

/// Reads an SVG and returns the box around the points of its lines and polygons.
QRectF strokes(const QString& svg, bool& isWellFormed)
{
    static const QRegularExpression pair(
        QStringLiteral("(-?[\\d.]+(?:e[+-]?\\d+)?),(-?[\\d.]+(?:e[+-]?\\d+)?)"));
    QXmlStreamReader xml(svg);
    QPolygonF points;
    int inRotated = 0;
    while (!xml.atEnd()) {
        xml.readNext();
        if (xml.isStartElement() && xml.name() == u"g") {
            const auto transform = xml.attributes().value(QLatin1String("transform"));
            inRotated = transform.isEmpty() || transform == u"matrix(1,0,0,1,0,0)" ? 0 : 1;
        }
        if (!xml.isStartElement() || inRotated != 0 ||
            (xml.name() != u"polyline" && xml.name() != u"polygon")) {
            continue;
        }
        const QString text = xml.attributes().value(QLatin1String("points")).toString();
        auto matches = pair.globalMatch(text);
        while (matches.hasNext()) {
            const auto match = matches.next();
            points << QPointF(match.captured(1).toDouble(), match.captured(2).toDouble());
        }
    }
    isWellFormed = !xml.hasError();
    return points.boundingRect();
}

} // namespace

/// What every plot of the registry must do.
class PlotsTest : public QObject {
    Q_OBJECT

private:
    std::unique_ptr<Plot> m_plot;

    static void addRows()
    {
        QTest::addColumn<const PlotInfo*>("info");
        for (const PlotInfo& info : plots()) {
            QTest::newRow(qPrintable(idOf(info))) << &info;
        }
    }

    Plot& make(const QSize& size = {600, 400})
    {
        QFETCH(const PlotInfo*, info);
        m_plot.reset(info->make(nullptr));
        m_plot->resize(size);
        return *m_plot;
    }

    Plot& shown(test::Amount amount)
    {
        Plot& plot = make();
        if (!test::fillExample(plot, amount)) {
            QTest::qFail("no example data for this plot", __FILE__, __LINE__);
        }
        plot.show();
        if (!QTest::qWaitForWindowExposed(&plot)) {
            QTest::qFail("not shown", __FILE__, __LINE__);
        }
        return plot;
    }

private Q_SLOTS:
    void init()
    {
        QTest::failOnWarning(
            QRegularExpression(QStringLiteral("QPainter|QFont|QObject|QPen|Qt: ")));
    }
    void cleanup() { m_plot.reset(); }

    void registryIsComplete()
    {
        std::set<QString> ids;
        for (const PlotInfo& info : plots()) {
            QVERIFY(ids.insert(idOf(info)).second);
            QVERIFY(info.make != nullptr);
            QVERIFY(info.accepts != nullptr);
            QVERIFY(!info.translatedTitle().isEmpty());
        }
    }

    void hasNames_data() { addRows(); }
    void hasNames()
    {
        QFETCH(const PlotInfo*, info);
        const Plot& plot = make();
        QCOMPARE(plot.objectName(), idOf(*info));
        QVERIFY(!plot.accessibleName().isEmpty());
        QVERIFY(plot.focusPolicy() & Qt::TabFocus);
    }

    void emptyShowsASentence_data() { addRows(); }
    void emptyShowsASentence()
    {
        Plot& plot = make();
        QVERIFY(plot.isEmpty());
        QCOMPARE(plot.markCount(), 0);
        QVERIFY(plot.accessibleDescription().endsWith(u'.'));
        QVERIFY(!isUniform(plot.toImage()));
        QVERIFY(plot.toSvg().contains(u"<text"));
        QCOMPARE(plot.toCsv(), QStringLiteral("\n"));
        QSignalSpy asked(&plot, &Plot::emptyActionRequested);
        plot.setEmptyText(QStringLiteral("Nothing here."));
        plot.setEmptyAction(QStringLiteral("Gather"));
        QCOMPARE(plot.accessibleDescription(), QStringLiteral("Nothing here."));
        auto* const button = plot.findChild<QWidget*>(QStringLiteral("plotEmptyButton"));
        QVERIFY(button != nullptr);
        QTest::mouseClick(button, Qt::LeftButton);
        QCOMPARE(asked.size(), 1);
        QVERIFY(test::fillExample(plot, test::Amount::Some));
        QVERIFY(!button->isVisibleTo(&plot));
    }

    void drawsAnyAmountInBothThemes_data() { addRows(); }
    void drawsAnyAmountInBothThemes()
    {
        Plot& plot = make();
        for (const Theme theme : {Theme::Light, Theme::Dark}) {
            plot.setTheme(theme);
            QCOMPARE(plot.theme(), theme);
            for (const test::Amount amount :
                 {test::Amount::One, test::Amount::Some, test::Amount::Many}) {
                QVERIFY(test::fillExample(plot, amount));
                const QImage image = plot.toImage();
                QCOMPARE(image.pixelColor(1, 1), widgets::palette(theme).plotBackground);
                QVERIFY(!isUniform(image));
            }
            QVERIFY(!plot.isEmpty());
        }
    }

    void standsDegenerateData_data() { addRows(); }
    void standsDegenerateData()
    {
        Plot& plot = make();
        QVERIFY(test::fillDegenerate(plot));
        QVERIFY(!isUniform(plot.toImage()));
        for (const Qt::Orientation axis : {Qt::Horizontal, Qt::Vertical}) {
            QVERIFY(plot.range(axis).size() > 0.0);
            plot.setLogarithmic(axis, true);
            QVERIFY(plot.range(axis).size() > 0.0);
            QVERIFY(!isUniform(plot.toImage()));
        }
        QVERIFY(!plot.accessibleDescription().contains(u"nan", Qt::CaseInsensitive));
        for (int i = 0; i < plot.markCount(); ++i) {
            QVERIFY(!plot.markText(i).contains(u"nan", Qt::CaseInsensitive));
        }
        QVERIFY(!plot.toCsv().contains(u"nan", Qt::CaseInsensitive));
        QVERIFY(!plot.toSvg().contains(u"nan\""));
    }

    void csvHoldsARowPerMark_data() { addRows(); }
    void csvHoldsARowPerMark()
    {
        Plot& plot = make();
        QVERIFY(test::fillExample(plot, test::Amount::Some));
        const PlotTable table = plot.table();
        QCOMPARE(table.rows, plot.markCount());
        const QStringList lines = plot.toCsv().split(u'\n', Qt::SkipEmptyParts);
        QCOMPARE(lines.size(), table.rows + 1);
        QStringList ids;
        for (const PlotColumn& column : table.columns) {
            ids << column.id;
        }
        QCOMPARE(lines.first(), ids.join(u','));
        const QString english = plot.toCsv();
        plot.setLocale(QLocale(QLocale::German, QLocale::Germany));
        QCOMPARE(plot.toCsv(), english);
    }

    void svgIsWellFormedAndInsideItsFrame_data() { addRows(); }
    void svgIsWellFormedAndInsideItsFrame()
    {
        Plot& plot = make();
        QVERIFY(test::fillExample(plot, test::Amount::Some));
        // Deep inside of the data most of the lines leave the frame.
        for (int i = 0; i < 6; ++i) {
            turnWheel(plot, 2, Qt::ShiftModifier);
            turnWheel(plot, 2, Qt::ControlModifier);
        }
        const QSize size(500, 300);
        bool isWellFormed = false;
        const QString svg = plot.toSvg({.size = size});
        const QRectF box = strokes(svg, isWellFormed);
        QVERIFY(isWellFormed);
        QVERIFY(svg.contains(u"viewBox=\"0 0 500 300\""));
        QVERIFY(!box.isNull());
        QVERIFY2(QRectF(QPointF(), QSizeF(size)).adjusted(-3, -3, 3, 3).contains(box),
                 qPrintable(QStringLiteral("%1 %2 %3 %4")
                                .arg(box.left())
                                .arg(box.top())
                                .arg(box.right())
                                .arg(box.bottom())));
    }

    void reportsUseLightColors_data() { addRows(); }
    void reportsUseLightColors()
    {
        Plot& plot = make();
        QVERIFY(test::fillExample(plot, test::Amount::Some));
        plot.setTheme(Theme::Dark);
        const QImage image = plot.toImage({.size = {400, 300}, .theme = Theme::Light});
        QCOMPARE(image.pixelColor(1, 1), widgets::palette(Theme::Light).plotBackground);
        QCOMPARE(image.size(), QSize(800, 600));
        QCOMPARE(plot.theme(), Theme::Dark);
        QVERIFY(plot.toPicture({.size = {400, 300}}).size() > 0);
    }

    void filesAreWritten_data() { addRows(); }
    void filesAreWritten()
    {
        Plot& plot = make();
        QVERIFY(test::fillExample(plot, test::Amount::One));
        QVERIFY(!plot.isEmpty());
        const QTemporaryDir folder;
        const std::pair<const char*, QByteArray> kinds[] = {
            {"png", "\x89PNG"}, {"pdf", "%PDF"}, {"svg", "<?xml"}, {"csv", ""}};
        for (const auto& [ending, magic] : kinds) {
            const QString path =
                folder.filePath(QStringLiteral("plot.") + QString::fromLatin1(ending));
            QVERIFY(plot.save(path));
            QFile file(path);
            QVERIFY(file.open(QIODevice::ReadOnly));
            const QByteArray bytes = file.readAll();
            QVERIFY(bytes.size() > 20);
            QVERIFY(bytes.startsWith(magic));
        }
        const auto unknown = plot.save(folder.filePath(QStringLiteral("plot.bmp")));
        QVERIFY(!unknown);
        QCOMPARE(unknown.error().code, ErrorCode::InvalidArgument);
        const auto nowhere = plot.save(folder.filePath(QStringLiteral("no/such/folder/plot.svg")));
        QVERIFY(!nowhere);
        QCOMPARE(nowhere.error().code, ErrorCode::Io);
    }

    void wheelZoomsWhatTheKeysSay_data() { addRows(); }
    void wheelZoomsWhatTheKeysSay()
    {
        Plot& plot = shown(test::Amount::Some);
        const Range x = plot.range(Qt::Horizontal);
        const Range y = plot.range(Qt::Vertical);
        turnWheel(plot, 1, Qt::ShiftModifier);
        QVERIFY(plot.range(Qt::Horizontal).size() < x.size());
        QCOMPARE(plot.range(Qt::Vertical), y);
        QTest::keyClick(&plot, Qt::Key_Left, Qt::AltModifier);
        QCOMPARE(plot.range(Qt::Horizontal), x);
        QTest::keyClick(&plot, Qt::Key_Right, Qt::AltModifier);
        QVERIFY(plot.range(Qt::Horizontal).size() < x.size());
        QTest::keyClick(&plot, Qt::Key_Home);
        turnWheel(plot, 1, Qt::ControlModifier);
        turnWheel(plot, -200, Qt::NoModifier);
        QVERIFY(plot.range(Qt::Horizontal).size() > 0.0);
        QVERIFY(!isUniform(plot.toImage()));
    }

    void keysGoThroughTheMarks_data() { addRows(); }
    void keysGoThroughTheMarks()
    {
        Plot& plot = shown(test::Amount::Some);
        QCOMPARE(plot.currentMark(), -1);
        QSignalSpy changed(&plot, &Plot::currentMarkChanged);
        QTest::keyClick(&plot, Qt::Key_Right);
        if (plot.currentMark() < 0) {
            QTest::keyClick(&plot, Qt::Key_Down);
        }
        const int first = plot.currentMark();
        QVERIFY(first >= 0);
        QVERIFY(plot.markText(first).contains(u"<b>"));
        QTest::keyClick(&plot, Qt::Key_Right);
        QTest::keyClick(&plot, Qt::Key_Down);
        QVERIFY(plot.currentMark() != first);
        QVERIFY(changed.size() >= 2);
        QTest::keyClick(&plot, Qt::Key_C, Qt::ControlModifier);
        QCOMPARE(QApplication::clipboard()->text().count(u'\n'), 2);
        QTest::keyClick(&plot, Qt::Key_Escape);
        QCOMPARE(plot.currentMark(), -1);
        QTest::keyClick(&plot, Qt::Key_C, Qt::ControlModifier);
        const QMimeData* const copied = QApplication::clipboard()->mimeData();
        QVERIFY(copied->hasImage());
        QVERIFY(copied->hasFormat(QStringLiteral("image/svg+xml")));
    }

    void markPositionsFindTheirMarks_data() { addRows(); }
    void markPositionsFindTheirMarks()
    {
        Plot& plot = shown(test::Amount::One);
        QVERIFY(plot.markCount() > 0);
        const int found = plot.markAt(plot.markPosition(0));
        QVERIFY(found >= 0);
        QTest::mouseMove(&plot, plot.markPosition(0).toPoint());
        QCOMPARE(plot.currentMark(), found);
        QCOMPARE(plot.markAt({-50.0, -50.0}), -1);
    }

    void isAlsoATable_data() { addRows(); }
    void isAlsoATable()
    {
        Plot& plot = shown(test::Amount::Some);
        QTest::keyClick(&plot, Qt::Key_T);
        QVERIFY(plot.isTableShown());
        auto* const view = plot.findChild<QTableView*>();
        QVERIFY(view != nullptr);
        QVERIFY(!view->accessibleName().isEmpty());
        QCOMPARE(view->model()->rowCount(), plot.markCount());
        view->selectRow(0);
        QTest::keyClick(view, Qt::Key_C, Qt::ControlModifier);
        QCOMPARE(QApplication::clipboard()->text().count(u'\n'), 2);
        QTest::keyClick(view, Qt::Key_T);
        QVERIFY(!plot.isTableShown());
    }

    void menuOffersEverything_data() { addRows(); }
    void menuOffersEverything()
    {
        Plot& plot = make();
        QVERIFY(test::fillExample(plot, test::Amount::Some));
        auto* const own = new QAction(QStringLiteral("Add to report"), &plot);
        plot.addAction(own);
        const std::unique_ptr<QMenu> menu(plot.makeMenu(nullptr));
        QStringList texts;
        for (const QAction* action : menu->actions()) {
            texts << action->text();
        }
        QVERIFY(texts.contains(QStringLiteral("Copy plot")));
        QVERIFY(texts.contains(QStringLiteral("As table")));
        QVERIFY(texts.contains(QStringLiteral("Add to report")));
        QCOMPARE(texts.contains(QStringLiteral("Logarithmic y axis")),
                 plot.canBeLogarithmic(Qt::Vertical));
    }

    void worksWithALargeFontAndInASmallRoom_data() { addRows(); }
    void worksWithALargeFontAndInASmallRoom()
    {
        Plot& plot = make({200, 130});
        QFont font = plot.font();
        font.setPixelSize(26);
        plot.setFont(font);
        QVERIFY(test::fillExample(plot, test::Amount::Some));
        QVERIFY(!isUniform(plot.grab().toImage()));
        plot.resize(900, 700);
        QVERIFY(!isUniform(plot.grab().toImage()));
    }

    void followsThePaletteOfTheApplication_data() { addRows(); }
    void followsThePaletteOfTheApplication()
    {
        Plot& plot = make();
        plot.setPalette(widgets::palette(Theme::Dark).toQPalette());
        QCOMPARE(plot.theme(), Theme::Dark);
        plot.setPalette(widgets::palette(Theme::Light).toQPalette());
        QCOMPARE(plot.theme(), Theme::Light);
    }

    void staleDataAreMarked_data() { addRows(); }
    void staleDataAreMarked()
    {
        Plot& plot = make();
        QVERIFY(test::fillExample(plot, test::Amount::Some));
        const QImage fresh = plot.toImage();
        plot.setStale(QStringLiteral("Computed for an older configuration."));
        QVERIFY(plot.toSvg().contains(u"Computed for an older configuration."));
        QVERIFY(plot.toImage() != fresh);
        plot.setStale({});
        QVERIFY(!plot.toSvg().contains(u"Computed for an older configuration."));
    }
};

QTEST_MAIN(PlotsTest)
#include "plots_test.moc"
