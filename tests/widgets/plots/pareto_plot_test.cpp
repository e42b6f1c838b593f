// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/widgets/plots/examples.h"
#include "widgets/plots/pareto_plot.h"

#include <QRegularExpression>
#include <QSignalSpy>
#include <QTest>

#include <algorithm>
#include <set>

using namespace bitscape;
using namespace bitscape::widgets;

namespace {

/// By the definition: for each trial, ask all others.
std::set<std::size_t> plainFront(const std::vector<ParetoTrial>& trials, CostMetric metric)
{
    std::set<std::size_t> front;
    for (std::size_t i = 0; i < trials.size(); ++i) {
        const ParetoPoint& p = trials[i].point;
        const bool isDominated =
            std::any_of(trials.begin(), trials.end(), [&](const ParetoTrial& other) {
                const ParetoPoint& q = other.point;
                return q.cost(metric) <= p.cost(metric) && q.accuracyPercent >= p.accuracyPercent &&
                       (q.cost(metric) < p.cost(metric) || q.accuracyPercent > p.accuracyPercent);
            });
        if (!isDominated && std::isfinite(p.cost(metric)) && std::isfinite(p.accuracyPercent)) {
            front.insert(i);
        }
    }
    return front;
}

} // namespace

class ParetoPlotTest : public QObject {
    Q_OBJECT

private:
    std::unique_ptr<ParetoPlot> m_plot;

    ParetoPlot& shown(int trials)
    {
        m_plot = std::make_unique<ParetoPlot>(CostMetric::Energy);
        m_plot->setData(test::exampleStudy(trials));
        m_plot->resize(600, 400);
        m_plot->show();
        if (!QTest::qWaitForWindowExposed(m_plot.get())) {
            QTest::qFail("not shown", __FILE__, __LINE__);
        }
        return *m_plot;
    }

    /// A mark of the front that has no neighbor in its way.
    static int lonelyFrontMark(const ParetoPlot& plot)
    {
        const std::vector<int> front = plot.frontTrials();
        for (const int number : front) {
            if (plot.markAt(plot.markPosition(number)) == number &&
                QRectF(plot.rect()).contains(plot.markPosition(number))) {
                return number;
            }
        }
        return -1;
    }

    static void dragBrush(ParetoPlot& plot, const QRectF& box, Qt::KeyboardModifiers modifiers = {})
    {
        QTest::mousePress(&plot, Qt::LeftButton, modifiers, box.topLeft().toPoint());
        const QPointF steps[] = {box.center(), box.bottomRight()};
        for (const QPointF& at : steps) {
            QMouseEvent move(QEvent::MouseMove, at, plot.mapToGlobal(at), Qt::NoButton,
                             Qt::LeftButton, modifiers);
            QApplication::sendEvent(&plot, &move);
        }
        QTest::mouseRelease(&plot, Qt::LeftButton, modifiers, box.bottomRight().toPoint());
    }

    static std::vector<int> inside(const ParetoPlot& plot)
    {
        const BrushStep& step = plot.brush().front();
        std::vector<int> numbers;
        for (const ParetoTrial& t : plot.data().trials) {
            if (t.point.energyMicrojoule >= step.cost.low &&
                t.point.energyMicrojoule <= step.cost.high &&
                t.point.accuracyPercent >= step.accuracy.low &&
                t.point.accuracyPercent <= step.accuracy.high) {
                numbers.push_back(t.number);
            }
        }
        return numbers;
    }

private Q_SLOTS:
    void init()
    {
        QTest::failOnWarning(QRegularExpression(QStringLiteral("QPainter|QFont|QObject")));
    }
    void cleanup() { m_plot.reset(); }

    void frontIsThatOfTheDefinition_data()
    {
        QTest::addColumn<int>("metric");
        QTest::newRow("energy") << static_cast<int>(CostMetric::Energy);
        QTest::newRow("latency") << static_cast<int>(CostMetric::Latency);
        QTest::newRow("memory") << static_cast<int>(CostMetric::Memory);
    }

    void frontIsThatOfTheDefinition()
    {
        QFETCH(int, metric);
        const auto m = static_cast<CostMetric>(metric);
        ParetoData study = test::exampleStudy(600);
        study.trials.push_back({.number = 9000, .point = {}});
        const auto best = paretoFront(study.trials, m).back();
        study.trials.push_back(
            {.number = 9001, .point = study.trials[best].point}); // a twin of a front trial
        const std::vector<std::size_t> front = paretoFront(study.trials, m);
        QCOMPARE(std::set<std::size_t>(front.begin(), front.end()), plainFront(study.trials, m));
        QVERIFY(std::is_sorted(front.begin(), front.end(), [&](std::size_t a, std::size_t b) {
            return study.trials[a].point.cost(m) < study.trials[b].point.cost(m);
        }));
    }

    void clickSelectsATrial()
    {
        ParetoPlot& plot = shown(1240);
        QSignalSpy clicked(&plot, &ParetoPlot::trialClicked);
        QSignalSpy activated(&plot, &ParetoPlot::trialActivated);
        const int number = lonelyFrontMark(plot);
        QVERIFY(number >= 0);
        const QPoint at = plot.markPosition(number).toPoint();
        QTest::mouseClick(&plot, Qt::LeftButton, {}, at);
        QCOMPARE(clicked.size(), 1);
        QCOMPARE(clicked.first().first().toInt(), number);
        QCOMPARE(plot.selected(), std::vector<int>{number});
        QVERIFY(plot.accessibleDescription().contains(QStringLiteral("selected: trial")));
        QTest::mouseClick(&plot, Qt::LeftButton, Qt::ShiftModifier, at);
        QVERIFY(plot.selected().empty());
        QTest::mouseDClick(&plot, Qt::LeftButton, {}, at);
        QCOMPARE(activated.size(), 1);
        QCOMPARE(activated.first().first().toInt(), number);
    }

    void keysSelectAndActivate()
    {
        ParetoPlot& plot = shown(300);
        QSignalSpy clicked(&plot, &ParetoPlot::trialClicked);
        QSignalSpy activated(&plot, &ParetoPlot::trialActivated);
        QTest::keyClick(&plot, Qt::Key_Right);
        QTest::keyClick(&plot, Qt::Key_Right);
        const int second = plot.frontTrials().at(1);
        QTest::keyClick(&plot, Qt::Key_Space);
        QCOMPARE(clicked.last().first().toInt(), second);
        QTest::keyClick(&plot, Qt::Key_Return);
        QCOMPARE(activated.last().first().toInt(), second);
        QTest::keyClick(&plot, Qt::Key_Escape);
        QTest::keyClick(&plot, Qt::Key_Escape);
        QVERIFY(plot.selected().empty());
    }

    void brushCountsWhatIsInside()
    {
        ParetoPlot& plot = shown(1240);
        QCOMPARE(plot.tool(), PlotTool::Brush);
        QSignalSpy changed(&plot, &ParetoPlot::brushChanged);
        const QRectF box(250, 60, 180, 120);
        dragBrush(plot, box);
        QVERIFY(changed.size() >= 2);
        QCOMPARE(changed.last().first().toBool(), true);
        QCOMPARE(plot.brush().size(), std::size_t{1});
        QVERIFY(!plot.brushedTrials().empty());
        QCOMPARE(plot.brushedTrials(), inside(plot));
        QCOMPARE(plot.highlighted(), plot.brushedTrials());
        QVERIFY(plot.brushExpression().startsWith(QStringLiteral("energy >= ")));

        const std::size_t before = plot.brushedTrials().size();
        dragBrush(plot, box.translated(60, 60), Qt::ShiftModifier);
        QVERIFY(plot.brushedTrials().size() > before);
        dragBrush(plot, box.translated(60, 60), Qt::AltModifier);
        QVERIFY(plot.brushedTrials().size() < before);
        QVERIFY(plot.brushExpression().contains(QStringLiteral("and not")));

        QTest::keyClick(&plot, Qt::Key_Escape);
        QVERIFY(plot.brush().empty());
        QVERIFY(plot.highlighted().empty());
    }

    void brushOfAnotherPlotHighlightsHere()
    {
        ParetoPlot& plot = shown(200);
        plot.setHighlighted({3, 5, 100000}, "last 2 trials");
        QCOMPARE(plot.highlighted(), (std::vector<int>{3, 5}));
        QVERIFY(plot.toSvg({.size = {800, 500}}).contains(QStringLiteral("last 2 trials")));
        plot.setData(test::exampleStudy(250));
        QCOMPARE(plot.highlighted(), (std::vector<int>{3, 5}));
    }

    void panDoesNotBrush()
    {
        ParetoPlot& plot = shown(200);
        const Range before = plot.range(Qt::Horizontal);
        QTest::keyClick(&plot, Qt::Key_H);
        QCOMPARE(plot.tool(), PlotTool::Pan);
        dragBrush(plot, {200, 100, 100, 50});
        QVERIFY(plot.brush().empty());
        QVERIFY(plot.range(Qt::Horizontal).low < before.low);
        QTest::keyClick(&plot, Qt::Key_Z);
        dragBrush(plot, {200, 100, 100, 50});
        QVERIFY(plot.range(Qt::Horizontal).size() < before.size());
    }

    void newTrialsDoNotMoveZoomedAxes()
    {
        ParetoPlot& plot = shown(300);
        plot.setRange(Qt::Horizontal, {17.0, 18.0});
        plot.setData(test::exampleStudy(600));
        QCOMPARE(plot.range(Qt::Horizontal), (Range{17.0, 18.0}));
        plot.fit();
        QVERIFY(plot.range(Qt::Horizontal).size() > 1.0);
    }

    void wideCostsHaveALogAxis()
    {
        ParetoPlot plot(CostMetric::Memory);
        plot.setData(
            {.trials = {{.number = 0, .point = {.accuracyPercent = 50.0, .memoryKib = 1.0}},
                        {.number = 1, .point = {.accuracyPercent = 60.0, .memoryKib = 500.0}}}});
        QVERIFY(plot.isLogarithmic(Qt::Horizontal));
        plot.setLogarithmic(Qt::Horizontal, false);
        QVERIFY(!plot.isLogarithmic(Qt::Horizontal));
        plot.setLocale(QLocale(QLocale::Italian, QLocale::Italy));
        plot.setLogarithmic(Qt::Horizontal, true);
        const QString svg = plot.toSvg({.size = {600, 400}});
        QVERIFY(!svg.contains(QStringLiteral("E+")));
        QVERIFY(svg.contains(QStringLiteral(">100<")));
    }

    void aHundredThousandTrialsAreUsable()
    {
        ParetoPlot& plot = shown(100000);
        QCOMPARE(plot.markCount(), 100004);
        QVERIFY(!plot.grab().isNull());
        dragBrush(plot, {250, 60, 180, 120});
        QCOMPARE(plot.brushedTrials(), inside(plot));
        // At most one mark per 3 × 3 px, whatever the number of trials.
        const QString svg = plot.toSvg({.size = {600, 400}});
        QVERIFY(svg.count(QStringLiteral("<circle")) <= 2 * 200 * 134);
    }
};

QTEST_MAIN(ParetoPlotTest)
#include "pareto_plot_test.moc"
