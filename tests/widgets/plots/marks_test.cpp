// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/widgets/plots/examples.h"
#include "widgets/plots/channel_map_plot.h"
#include "widgets/plots/channel_scale_plot.h"
#include "widgets/plots/distributions_plot.h"
#include "widgets/plots/energy_plot.h"
#include "widgets/plots/histogram_plot.h"
#include "widgets/plots/roofline_plot.h"
#include "widgets/plots/search_progress_plot.h"
#include "widgets/plots/staircase_plot.h"
#include "widgets/plots/training_plot.h"
#include "widgets/plots/utilization_plot.h"

#include <QApplication>
#include <QMouseEvent>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTest>

#include <cmath>
#include <numeric>

using namespace bitscape;
using namespace bitscape::widgets;

namespace {

template <class P>
std::unique_ptr<P> shown(test::Amount amount, const QSize& size = {700, 450})
{
    auto plot = std::make_unique<P>();
    if (!test::fillExample(*plot, amount)) {
        QTest::qFail("no example data", __FILE__, __LINE__);
    }
    plot->resize(size);
    plot->show();
    if (!QTest::qWaitForWindowExposed(plot.get())) {
        QTest::qFail("not shown", __FILE__, __LINE__);
    }
    return plot;
}

void click(Plot& plot, int mark)
{
    QTest::mouseClick(&plot, Qt::LeftButton, {}, plot.markPosition(mark).toPoint());
}

void dragTo(QWidget& widget, const QPointF& from, const QPointF& to)
{
    QTest::mousePress(&widget, Qt::LeftButton, {}, from.toPoint());
    QMouseEvent move(QEvent::MouseMove, to, widget.mapToGlobal(to), Qt::NoButton, Qt::LeftButton,
                     {});
    QApplication::sendEvent(&widget, &move);
    QTest::mouseRelease(&widget, Qt::LeftButton, {}, to.toPoint());
}

} // namespace

/// What single plots do beyond what all do.
class MarksTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void rowsAndBarsAreClicked()
    {
        const auto utilization = shown<UtilizationPlot>(test::Amount::Some);
        QSignalSpy row(utilization.get(), &UtilizationPlot::rowClicked);
        click(*utilization, 3);
        QCOMPARE(row.size(), 1);
        QCOMPARE(row.first().first().toInt(), 3);
        QCOMPARE(utilization->selectedRow(), 3);

        const auto ridges = shown<DistributionsPlot>(test::Amount::Some);
        QSignalSpy layer(ridges.get(), &DistributionsPlot::rowClicked);
        click(*ridges, 5);
        QCOMPARE(layer.first().first().toInt(), 5);
        QSignalSpy opened(ridges.get(), &DistributionsPlot::rowActivated);
        QTest::mouseDClick(ridges.get(), Qt::LeftButton, {}, ridges->markPosition(2).toPoint());
        QCOMPARE(opened.first().first().toInt(), 2);

        const auto energy = shown<EnergyPlot>(test::Amount::Some);
        QSignalSpy bar(energy.get(), &EnergyPlot::rowClicked);
        click(*energy, 4);
        QCOMPARE(bar.first().first().toInt(), 4);

        const auto scales = shown<ChannelScalePlot>(test::Amount::Some);
        QSignalSpy channel(scales.get(), &ChannelScalePlot::channelClicked);
        click(*scales, 37);
        QCOMPARE(channel.first().first().toInt(), 37);

        const auto map = shown<ChannelMapPlot>(test::Amount::Some);
        QSignalSpy column(map.get(), &ChannelMapPlot::channelClicked);
        click(*map, 12);
        QCOMPARE(column.first().first().toInt(), 12);

        const auto training = shown<TrainingPlot>(test::Amount::Some);
        QSignalSpy epoch(training.get(), &TrainingPlot::epochClicked);
        click(*training, 1);
        QCOMPARE(epoch.first().first().toInt(), 2);

        const auto progress = shown<SearchProgressPlot>(test::Amount::One);
        QSignalSpy trial(progress.get(), &SearchProgressPlot::trialClicked);
        click(*progress, 0);
        QCOMPARE(trial.size(), 1);
    }

    void staircaseAsksForBits()
    {
        const auto plot = shown<StaircasePlot>(test::Amount::Some);
        QSignalSpy asked(plot.get(), &StaircasePlot::bitsRequested);
        const int mark = (3 - 1) * kStaircaseBits + 5 - 1;
        click(*plot, mark);
        QCOMPARE(asked.size(), 1);
        QCOMPARE(asked.first().at(0).toInt(), 3);
        QCOMPARE(asked.first().at(1).toInt(), 5);
        QCOMPARE(plot->table().columns[0].value(mark).toInt(), 3);
        QCOMPARE(plot->table().columns[1].value(mark).toInt(), 5);
        // A pair that is not possible asks for nothing.
        QVERIFY(test::fillDegenerate(*plot));
        click(*plot, mark);
        QCOMPARE(asked.size(), 1);
    }

    void rooflineTellsWhatBounds()
    {
        RooflinePlot plot;
        plot.setData(
            {.points =
                 {{.name = "memory", .macsPerByte = 1.0, .macsPerCycle = 7.0, .lanes = 2},
                  {.name = "arithmetic", .macsPerByte = 100.0, .macsPerCycle = 31.0, .lanes = 2}},
             .roofs = {{1, 16.0}, {2, 32.0}},
             .backingBitsPerCycle = 64.0});
        QVERIFY(plot.markText(0).contains(QStringLiteral("bound by memory")));
        QVERIFY(plot.markText(1).contains(QStringLiteral("bound by arithmetic")));
        QVERIFY(plot.isLogarithmic(Qt::Horizontal) && plot.isLogarithmic(Qt::Vertical));
        QVERIFY(plot.toSvg({.size = {700, 440}}).contains(QStringLiteral("64 bit/cycle")));
    }

    void manyRowsScroll()
    {
        const auto ridges = shown<DistributionsPlot>(test::Amount::Many);
        auto* const bar = ridges->findChild<QScrollBar*>(QString(), Qt::FindDirectChildrenOnly);
        QVERIFY(bar != nullptr && bar->isVisible());
        const Range first = ridges->range(Qt::Vertical);
        QCOMPARE(first.low, 0.0);
        bar->setValue(bar->maximum());
        QTRY_COMPARE(std::lround(ridges->range(Qt::Vertical).high), 200L);
        QVERIFY(std::abs(ridges->range(Qt::Vertical).size() - first.size()) < 1e-9);
        QTest::keyClick(ridges.get(), Qt::Key_Down);
        QCOMPARE(ridges->currentMark(), 0);
        QTRY_VERIFY(ridges->range(Qt::Vertical).low < 1.0);
        // A file shows all rows.
        QCOMPARE(ridges->toSvg({.size = {900, 5200}}).count(QStringLiteral(" dB</text>")), 200);
    }

    void sharesOfABarSumToOneHundred()
    {
        for (const auto& shares : {std::array{0.37, 0.125, 0.495, 0.01, 0.0},
                                   std::array{1.0 / 3, 1.0 / 3, 1.0 / 3, 0.0, 0.0},
                                   std::array{0.1234, 0.2345, 0.3456, 0.1111, 0.1854},
                                   std::array{1.0, 0.0, 0.0, 0.0, 0.0}}) {
            const auto tenths = tenthsOfPercent(shares);
            QCOMPARE(std::accumulate(tenths.begin(), tenths.end(), 0), 1000);
            for (std::size_t i = 0; i < shares.size(); ++i) {
                QVERIFY(std::abs(tenths[i] - 1000.0 * shares[i]) < 1.0);
            }
        }
    }

    void energyInPercentHasATotal()
    {
        const auto energy = shown<EnergyPlot>(test::Amount::Some);
        const int layers = energy->markCount();
        const double total = energy->totalMicrojoule();
        QVERIFY(total > 0.0);
        energy->setUnit(EnergyUnit::Percent);
        QCOMPARE(energy->markCount(), layers + 1);
        QCOMPARE(energy->range(Qt::Vertical), (Range{0.0, 100.0}));
        const PlotTable table = energy->table();
        double sum = 0.0;
        for (int row = 0; row < layers; ++row) {
            sum += table.columns[1].value(row).toDouble();
        }
        QVERIFY(std::abs(sum - total) < 1e-9 * total);
        QCOMPARE(table.columns[1].value(layers).toDouble(), total);
    }

    void outliersAreFoundByTheMedian()
    {
        ChannelScalePlot plot;
        plot.setData({.scales = {1.0, 1.1, 0.9, 4.5, std::nan("")}, .outlierFactor = 4.0});
        QCOMPARE(plot.median(), 1.05);
        QCOMPARE(plot.outliers(), std::vector<int>{3});
        plot.setData({.scales = {0.0, 0.0, 5.0}});
        QVERIFY(plot.outliers().empty());
    }

    void clippedShareIsCountedFromTheBins()
    {
        HistogramPlot plot;
        plot.setData({.edges = {-2.0, -1.0, 0.0, 1.0, 2.0},
                      .counts = {10.0, 40.0, 40.0, 10.0},
                      .clipLow = -1.0,
                      .clipHigh = 1.5});
        QVERIFY(std::abs(plot.clippedShare() - 0.15) < 1e-12);
        plot.setData({.edges = {0.0, 1.0}, .counts = {5.0}});
        QCOMPARE(plot.clippedShare(), 0.0);
    }

    void thresholdIsDragged()
    {
        const auto plot = shown<HistogramPlot>(test::Amount::Some);
        plot->setData({.edges = {0.0, 1.0, 2.0, 3.0, 4.0},
                       .counts = {50.0, 30.0, 15.0, 5.0},
                       .clipHigh = 2.0,
                       .thresholds = {{"KL", 1.0, false}, {"MSE", 2.0, true}},
                       .isThresholdMovable = true,
                       .style = HistogramStyle::Bars});
        QVERIFY(!plot->grab().isNull());
        QSignalSpy dragged(plot.get(), &HistogramPlot::thresholdDragged);
        const QPointF bin1 = plot->markPosition(1);
        const QPointF bin2 = plot->markPosition(2);
        const double middle = plot->height() / 2.0;
        const QPointF handle((bin1.x() + bin2.x()) / 2, middle);
        dragTo(*plot, handle, {bin2.x(), middle});
        QVERIFY(dragged.size() >= 2);
        const double value = dragged.last().first().toDouble();
        QVERIFY(std::abs(value - 2.5) < 0.05);
        QCOMPARE(dragged.last().at(1).toBool(), true);
        QVERIFY(std::abs(plot->clippedShare() - 0.01 * (15.0 * (3.0 - value) + 5.0)) < 1e-9);

        QTest::keyClick(plot.get(), Qt::Key_Left);
        QVERIFY(std::abs(dragged.last().first().toDouble() - (value - 1.0)) < 1e-9);
        QTest::keyClick(plot.get(), Qt::Key_Right, Qt::ShiftModifier);
        QCOMPARE(dragged.last().first().toDouble(), 4.0);
    }

    void logAndLinearCountTheSame()
    {
        const auto plot = shown<HistogramPlot>(test::Amount::Some);
        QVERIFY(plot->isLogarithmic(Qt::Vertical));
        const QString before = plot->toCsv();
        plot->setLogarithmic(Qt::Vertical, false);
        QCOMPARE(plot->toCsv(), before);
        QCOMPARE(plot->range(Qt::Vertical).low, 0.0);
    }
};

QTEST_MAIN(MarksTest)
#include "marks_test.moc"
