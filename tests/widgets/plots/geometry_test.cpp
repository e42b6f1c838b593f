// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/geometry.h"
#include "widgets/plots/numbers.h"
#include "widgets/plots/plot_table.h"

#include <QTest>

#include <cmath>
#include <limits>

using namespace bitscape::widgets;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kPixelTolerance = 1e-9;

} // namespace

class GeometryTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void rangeIgnoresWhatIsNotFinite()
    {
        QVERIFY(!rangeOf({kNan, INFINITY}));
        QCOMPARE(*rangeOf({kNan, 3.0, -1.0, -INFINITY}), (Range{-1.0, 3.0}));
    }

    void axisMapsThereAndBack_data()
    {
        QTest::addColumn<bool>("logarithmic");
        QTest::addColumn<double>("from");
        QTest::addColumn<double>("to");
        QTest::newRow("linear") << false << 10.0 << 110.0;
        QTest::newRow("linear, upward") << false << 110.0 << 10.0;
        QTest::newRow("log") << true << 10.0 << 110.0;
    }

    void axisMapsThereAndBack()
    {
        QFETCH(bool, logarithmic);
        QFETCH(double, from);
        QFETCH(double, to);
        const AxisMap map{
            .range = {0.01, 100.0}, .pixelLow = from, .pixelHigh = to, .logarithmic = logarithmic};
        QCOMPARE(map.toPixel(0.01), from);
        QVERIFY(std::abs(map.toPixel(100.0) - to) < kPixelTolerance);
        for (const double v : {0.02, 1.0, 42.0}) {
            QVERIFY(std::abs(map.toValue(map.toPixel(v)) - v) < 1e-9 * v);
        }
    }

    void logAxisSendsWhatItCannotShowBelowItsLowEnd()
    {
        const AxisMap right{
            .range = {1.0, 10.0}, .pixelLow = 0.0, .pixelHigh = 100.0, .logarithmic = true};
        QVERIFY(right.toPixel(0.0) < -1000.0);
        const AxisMap up{
            .range = {1.0, 10.0}, .pixelLow = 100.0, .pixelHigh = 0.0, .logarithmic = true};
        QVERIFY(up.toPixel(-5.0) > 1000.0);
    }

    void segmentsAreClipped()
    {
        const QRectF box(0, 0, 10, 10);
        QVERIFY(!clipped(QLineF(-5, -5, -1, 20), box));
        QVERIFY(!clipped(QLineF(-5, 5, 5, 25), box));
        const auto through = clipped(QLineF(-5, 5, 15, 5), box);
        QVERIFY(through);
        QCOMPARE(*through, QLineF(0, 5, 10, 5));
        QCOMPARE(*clipped(QLineF(2, 2, 3, 3), box), QLineF(2, 2, 3, 3));
    }

    void linesFallIntoThePiecesInside()
    {
        const QPolygonF zigzag{{-5, 5}, {5, 5}, {5, -5}, {8, -5}, {8, 5}};
        const auto pieces = clippedLine(zigzag, {0, 0, 10, 10});
        QCOMPARE(pieces.size(), std::size_t{2});
        QCOMPARE(pieces[0], (QPolygonF{{0, 5}, {5, 5}, {5, 0}}));
        QCOMPARE(pieces[1], (QPolygonF{{8, 0}, {8, 5}}));
    }

    void areasAreCutToTheBox()
    {
        const QPolygonF square{{-5, -5}, {5, -5}, {5, 5}, {-5, 5}};
        const QPolygonF cut = clippedArea(square, {0, 0, 10, 10});
        QCOMPARE(cut.boundingRect(), QRectF(0, 0, 5, 5));
        QVERIFY(clippedArea(square, {20, 20, 5, 5}).isEmpty());
    }

    void thinnedLinesKeepTheirExtremes()
    {
        QPolygonF line;
        for (int i = 0; i < 100000; ++i) {
            line << QPointF(i / 1000.0, std::sin(i * 0.7) * 50.0);
        }
        line[51234].setY(999.0);
        const QPolygonF thin = thinned(line);
        QVERIFY(thin.size() <= 4 * 101);
        QCOMPARE(thin.boundingRect(), line.boundingRect());
        QCOMPARE(thin.first(), line.first());
        QCOMPARE(thin.last(), line.last());
    }

    void oneMarkPerCell()
    {
        CellFilter cells({0, 0, 30, 30});
        QVERIFY(cells.take({1, 1}));
        QVERIFY(!cells.take({2, 2}));
        QVERIFY(cells.take({4, 1}));
        QVERIFY(!cells.take({31, 1}));
        int taken = 0;
        CellFilter fresh({0, 0, 30, 30});
        for (int i = 0; i < 10000; ++i) {
            taken += fresh.take({(i % 100) * 0.299, (i / 100) * 0.299}) ? 1 : 0;
        }
        QCOMPARE(taken, 100);
    }

    void quantilesInterpolate()
    {
        QCOMPARE(quantileOfSorted({1.0, 2.0, 4.0}, 0.5), 2.0);
        QCOMPARE(quantileOfSorted({1.0, 2.0, 4.0}, 0.75), 3.0);
        QCOMPARE(quantileOfSorted({7.0}, 0.1), 7.0);
    }

    void numbersFollowTheLocale()
    {
        const QLocale english(QLocale::English, QLocale::UnitedStates);
        const QLocale german(QLocale::German, QLocale::Germany);
        QCOMPARE(number(english, -1240.5, 1), QStringLiteral("−1,240.5"));
        QCOMPARE(number(german, -1240.5, 1), QStringLiteral("−1.240,5"));
        QCOMPARE(number(english, -0.001, 2), QStringLiteral("0.00"));
        QCOMPARE(number(english, kNan, 2), QStringLiteral("—"));
        QCOMPARE(signedNumber(english, 0.5, 1), QStringLiteral("+0.5"));
        QCOMPARE(signedNumber(english, 0.001, 1), QStringLiteral("±0.0"));
        QCOMPARE(shortNumber(english, 0.036), QStringLiteral("0.036"));
        QCOMPARE(shortNumber(english, 3.14159), QStringLiteral("3.142"));
        QCOMPARE(shortNumber(german, 2.31e-5), QStringLiteral("2,3 × 10⁻⁵"));
        QCOMPARE(thousands(english, 74100.0), QStringLiteral("74.1 k"));
    }

    void ticksAreRoundAndInside_data()
    {
        QTest::addColumn<double>("low");
        QTest::addColumn<double>("high");
        QTest::addColumn<bool>("logarithmic");
        QTest::newRow("small") << 0.0123 << 0.0987 << false;
        QTest::newRow("negative") << -13.0 << 0.5 << false;
        QTest::newRow("huge") << 1e9 << 7e9 << false;
        QTest::newRow("log, decades") << 0.5 << 60000.0 << true;
        QTest::newRow("log, wide") << 1e-12 << 1e9 << true;
        QTest::newRow("log, one decade") << 1.1 << 24.0 << true;
        QTest::newRow("log, narrow") << 1.1 << 1.4 << true;
    }

    void ticksAreRoundAndInside()
    {
        QFETCH(double, low);
        QFETCH(double, high);
        QFETCH(bool, logarithmic);
        const QLocale german(QLocale::German, QLocale::Germany);
        const Range range{low, high};
        const Ticks ticks = logarithmic ? logTicks(german, range, {.wanted = 6})
                                        : linearTicks(german, range, {.wanted = 6});
        QVERIFY(ticks.major.size() >= 2);
        QVERIFY(ticks.major.size() <= 12);
        QCOMPARE(ticks.labels.size(), ticks.major.size());
        for (std::size_t i = 0; i < ticks.major.size(); ++i) {
            QVERIFY(ticks.major[i] >= low - 1e-9 * high && ticks.major[i] <= high * (1.0 + 1e-9));
            // "1E+01" is what the locale makes of powers of ten.
            QVERIFY2(!ticks.labels[i].contains(u'E') && !ticks.labels[i].contains(u'e'),
                     qPrintable(ticks.labels[i]));
            QVERIFY(!ticks.labels[i].contains(u'-'));
            QVERIFY(i == 0 || ticks.labels[i] != ticks.labels[i - 1]);
        }
    }

    void integerAxesHaveIntegerTicks()
    {
        for (const double high : {1.0, 3.0, 7.0, 40.0}) {
            const Ticks ticks =
                linearTicks(QLocale::c(), {0.0, high}, {.wanted = 6, .integers = true});
            for (const double v : ticks.major) {
                QCOMPARE(v, std::round(v));
            }
        }
    }

    void niceRangesHoldTheirData()
    {
        for (const Range r :
             {Range{80.2, 87.3}, Range{5.0, 5.0}, Range{0.0, 0.0}, Range{-3e-7, 2e-7}}) {
            const Range nice = niceRange(r, 0.04);
            QVERIFY(nice.low <= r.low && nice.high >= r.high && nice.size() > 0.0);
        }
        for (const Range r : {Range{0.3, 45.0}, Range{7.0, 7.0}}) {
            const Range nice = niceLogRange(r);
            QVERIFY(nice.low > 0.0 && nice.low <= r.low && nice.high >= r.high &&
                    nice.size() > 0.0);
        }
        QVERIFY(wantsLog({1.0, 10.5}));
        QVERIFY(!wantsLog({1.0, 9.5}));
        QVERIFY(!wantsLog({0.0, 9.5}));
    }

    void csvIsQuotedAndInTheCLocale()
    {
        QLocale::setDefault(QLocale(QLocale::German));
        PlotTable table;
        table.rows = 2;
        table.columns = {{QStringLiteral("Name"), QStringLiteral("name"), -1,
                          [](int row) {
                              return QVariant(row == 0 ? QStringLiteral("a,\"b\"")
                                                       : QStringLiteral("c"));
                          }},
                         {QStringLiteral("Value"), QStringLiteral("value"), 2,
                          [](int row) { return row == 0 ? QVariant(0.1) : QVariant(kNan); }},
                         {QStringLiteral("On"), QStringLiteral("on"), -1,
                          [](int row) { return QVariant(row == 0); }}};
        QCOMPARE(toCsv(table), QStringLiteral("name,value,on\n\"a,\"\"b\"\"\",0.1,1\nc,,0\n"));
        QCOMPARE(cellText(table.columns[1], 0, QLocale(QLocale::German)), QStringLiteral("0,10"));
        QCOMPARE(cellText(table.columns[1], 1, QLocale(QLocale::German)), QStringLiteral("—"));
        QLocale::setDefault(QLocale::c());
    }
};

QTEST_GUILESS_MAIN(GeometryTest)
#include "geometry_test.moc"
