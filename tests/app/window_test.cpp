// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/edits.h"
#include "app/window/main_window.h"
#include "tests/app/support.h"
#include "widgets/delegates/quantizer_delegate.h"
#include "widgets/panels/cost_strip.h"
#include "widgets/panels/data_table.h"
#include "widgets/panels/layers_tree.h"
#include "widgets/panels/quantizer_form.h"
#include "widgets/plots/number_line_plot.h"
#include "widgets/plots/pareto_plot.h"
#include "widgets/style/theme.h"

#include <QAbstractButton>
#include <QAccessible>
#include <QApplication>
#include <QComboBox>
#include <QDropEvent>
#include <QElapsedTimer>
#include <QEventLoop>
#include <QLineEdit>
#include <QMimeData>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTabBar>
#include <QTabWidget>
#include <QTemporaryDir>
#include <QTest>

#include <fstream>

using namespace bitscape;
using namespace bitscape::app;
using namespace bitscape::testing;
using widgets::LayerTreeModel;

namespace {

/// Work in the window would block it for seconds; a busy machine may hold it up this long.
constexpr qint64 kMostBlockedMilliseconds = 500;

/// Measures the longest time between two turns of the event loop.
class Watchdog final : public QObject {
public:
    Watchdog()
    {
        m_timer.setInterval(1);
        m_timer.setTimerType(Qt::PreciseTimer);
        connect(&m_timer, &QTimer::timeout, this, [this] {
            m_longest = std::max(m_longest, m_clock.restart());
            ++m_turns;
        });
        m_clock.start();
        m_timer.start();
    }
    [[nodiscard]] qint64 longest() const { return m_longest; }
    [[nodiscard]] int turns() const { return m_turns; }

private:
    QTimer m_timer;
    QElapsedTimer m_clock;
    qint64 m_longest = 0;
    int m_turns = 0;
};

QString energyText(const MainWindow& window)
{
    for (const widgets::CostCell& cell :
         window.findChild<widgets::CostStrip*>(QStringLiteral("costStrip"))->cells()) {
        if (cell.id == QStringLiteral("energy")) {
            return cell.value;
        }
    }
    return {};
}

} // namespace

class WindowTest final : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        QLocale::setDefault(QLocale(QLocale::English, QLocale::UnitedStates));
        widgets::applyTheme(*qApp, widgets::Theme::Light);
    }

    void init()
    {
        m_settings = Settings::temporary();
        m_dialogs = std::make_unique<AnsweringDialogs>();
        m_window = std::make_unique<MainWindow>(*m_settings, *m_dialogs);
        m_window->resize(1600, 900);
        m_window->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
    }

    void cleanup()
    {
        // Nobody is asked at the end.
        m_dialogs->saves.enqueue(widgets::Dialogs::SaveAnswer::Discard);
        m_window.reset();
    }

    void opensOnWelcome()
    {
        QCOMPARE(m_window->currentPage(), std::string_view("welcome"));
        QVERIFY(m_window->findChild<QWidget*>(QStringLiteral("page.welcome")) != nullptr);
    }

    /// The editor knows no kind by name: every row of the registry must do.
    void quantizerEditorEditsEveryKind()
    {
        m_window->document().replace(smallProject(), {});
        m_window->showPage("model");
        m_window->selection().setLayers({"conv_a"});
        auto* tabs = m_window->findChild<QTabWidget*>(QStringLiteral("inspectorTabs"));
        auto* form = m_window->findChild<widgets::QuantizerForm*>();
        auto* kinds = m_window->findChild<QComboBox*>(QStringLiteral("quantizerKindBox"));
        auto* line = m_window->findChild<widgets::NumberLinePlot*>();
        QVERIFY(tabs != nullptr && form != nullptr && kinds != nullptr && line != nullptr);
        tabs->setCurrentWidget(m_window->findChild<QWidget*>(QStringLiteral("quantizerPanel")));
        QVERIFY(form->isVisible());
        QVERIFY(line->isEmpty()); // float
        QCOMPARE(kinds->count(), static_cast<int>(quant::quantizers().size()) + 1);
        for (int row = 1; row < kinds->count(); ++row) {
            kinds->setCurrentIndex(row);
            Q_EMIT kinds->activated(row);
            QVERIFY2(form->isValid(), qPrintable(kinds->currentText()));
            QCOMPARE(QString::fromStdString(form->quantizer()->info().name), kinds->currentText());
            QTRY_VERIFY2(!line->isEmpty() || form->quantizer()->needsRange(),
                         qPrintable(kinds->currentText()));
        }
    }

    void quantizerEditorAppliesAndReverts()
    {
        m_window->document().replace(smallProject(), {});
        m_window->showPage("model");
        m_window->selection().setLayers({"conv_a"});
        auto* form = m_window->findChild<widgets::QuantizerForm*>();
        auto* kinds = m_window->findChild<QComboBox*>(QStringLiteral("quantizerKindBox"));
        auto* apply = m_window->findChild<QAbstractButton*>(QStringLiteral("quantizerApplyButton"));
        auto* revert =
            m_window->findChild<QAbstractButton*>(QStringLiteral("quantizerRevertButton"));
        const auto chosen = [this] {
            return m_window->document().project().currentConfiguration().configuration.find(
                "conv_a", graph::Slot::Kernel);
        };
        QVERIFY(!apply->isEnabled());
        const int row = kinds->findText(QStringLiteral("quantized_bits"));
        kinds->setCurrentIndex(row);
        Q_EMIT kinds->activated(row);
        form->findChild<QSpinBox*>(QStringLiteral("quantizerField.bits"))->setValue(3);
        QVERIFY(apply->isEnabled());
        QVERIFY(chosen() == nullptr);
        revert->click();
        QVERIFY(form->quantizer() == nullptr);
        QVERIFY(!apply->isEnabled());
        kinds->setCurrentIndex(row);
        Q_EMIT kinds->activated(row);
        form->findChild<QSpinBox*>(QStringLiteral("quantizerField.bits"))->setValue(3);
        apply->click();
        QVERIFY(chosen() != nullptr);
        QCOMPARE(chosen()->bits(), 3);
        QVERIFY(!apply->isEnabled());
        m_window->document().undoStack().undo();
        QVERIFY(chosen() == nullptr);
        QVERIFY(form->quantizer() == nullptr);
    }

    void everyPageOpensWithAndWithoutAProject()
    {
        for (const bool withProject : {false, true}) {
            if (withProject) {
                m_window->document().replace(smallProject(), {});
            }
            for (const PageInfo& page : pages()) {
                Page* shown = m_window->showPage(page.id);
                QVERIFY(shown != nullptr);
                QVERIFY(shown->isVisible());
                QVERIFY(!shown->banner().isVisible());
                QCOMPARE(shown->objectName(),
                         QStringLiteral("page.") +
                             QString::fromLatin1(page.id.data(),
                                                 static_cast<qsizetype>(page.id.size())));
            }
        }
    }

    void editByKeyboardMovesTreeAndCosts()
    {
        openModelPage();
        auto* tree = layersTree();
        const QModelIndex name = tree->layers().layerIndex("conv_b");
        const QModelIndex weight = name.siblingAtColumn(LayerTreeModel::WeightQuantizerColumn);
        applyPreset(m_window->document(), *findPreset("uniform8"), {});
        const QString kibBefore =
            name.siblingAtColumn(LayerTreeModel::WeightsColumn).data().toString();
        const QString energyBefore = energyText(*m_window);
        const QString textBefore = weight.data().toString();
        tree->setCurrentIndex(weight);
        tree->setFocus();
        QTest::keyClick(tree, Qt::Key_F2);
        auto* editor = tree->findChild<widgets::QuantizerEdit*>();
        QVERIFY(editor != nullptr);
        QCOMPARE(editor->text(), textBefore);
        QTest::keyClicks(editor, QStringLiteral("4"));
        QTest::keyClick(editor, Qt::Key_Return);
        QCOMPARE(weight.data().toString(), QStringLiteral("quantized_bits(4,0,1,alpha='auto')"));
        QCOMPARE(name.siblingAtColumn(LayerTreeModel::WeightBitsColumn).data().toString(),
                 QStringLiteral("4"));
        QVERIFY(name.siblingAtColumn(LayerTreeModel::WeightsColumn).data().toString() != kibBefore);
        QVERIFY(energyText(*m_window) != energyBefore);
        QVERIFY(m_window->document().undoStack().undoText().contains(QStringLiteral("conv_b")));
        m_window->document().undoStack().undo();
        QCOMPARE(weight.data().toString(), textBefore);
        QCOMPARE(name.siblingAtColumn(LayerTreeModel::WeightsColumn).data().toString(), kibBefore);
        QCOMPARE(energyText(*m_window), energyBefore);
    }

    void completionOffersAndTabTakes()
    {
        openModelPage();
        widgets::QuantizerEdit* editor = edit("conv_a");
        QTest::keyClicks(editor, QStringLiteral("quantized_bits(4,0,1,alpha='au"));
        QStringList offered;
        for (const auto& candidate : editor->help().candidates) {
            offered << candidate.label;
        }
        QVERIFY(offered.contains(QStringLiteral("'auto'")));
        QVERIFY(offered.contains(QStringLiteral("'auto_po2'")));
        QTest::keyClick(editor, Qt::Key_Tab);
        QVERIFY(editor->text().startsWith(QStringLiteral("quantized_bits(4,0,1,alpha='auto")));
    }

    void invalidTextKeepsTheEditorOpen()
    {
        openModelPage();
        auto* tree = layersTree();
        widgets::QuantizerEdit* editor = edit("conv_a");
        QTest::keyClicks(editor, QStringLiteral("quantized_bits(4,0,1,alpha='au"));
        QTest::keyClick(editor, Qt::Key_Return);
        QVERIFY(tree->findChild<widgets::QuantizerEdit*>() == editor);
        QVERIFY(!editor->help().problem.isEmpty());
        QCOMPARE(m_window->document().undoStack().count(), 0);
        QTest::keyClick(editor, Qt::Key_Escape);
        QTRY_VERIFY(tree->findChild<widgets::QuantizerEdit*>() == nullptr);
        QCOMPARE(m_window->document().undoStack().count(), 0);
    }

    void digitsSetBitsOfTheSelection()
    {
        openModelPage();
        auto* tree = layersTree();
        tree->setFocus();
        m_window->selection().setLayers({"conv_a", "conv_b", "head"});
        QCOMPARE(tree->selectedLayers().size(), std::size_t{3});
        QTest::keyClick(tree, Qt::Key_4);
        QCOMPARE(m_window->document().undoStack().count(), 1);
        for (const char* layer : {"conv_a", "conv_b", "head"}) {
            QCOMPARE(tree->layers()
                         .layerIndex(layer)
                         .siblingAtColumn(LayerTreeModel::WeightBitsColumn)
                         .data()
                         .toString(),
                     QStringLiteral("4"));
        }
        // Selection stays, so the next key goes on.
        QTest::keyClick(tree, Qt::Key_F);
        QCOMPARE(m_window->document().undoStack().count(), 2);
        QCOMPARE(m_window->selection().layers().size(), std::size_t{3});
    }

    void clickOnAPointThenApplyIsOneStep()
    {
        project::Project project = smallProject();
        project.studies.push_back(smallStudy(project.graph()));
        m_window->document().replace(std::move(project), {});
        Page* page = m_window->showPage("explore");
        auto* plot = page->findChild<widgets::ParetoPlot*>(QStringLiteral("accuracyEnergyPlot"));
        QTRY_VERIFY(plot->markCount() >= 3);
        int mark = -1;
        for (int i = 0; i < plot->markCount(); ++i) {
            if (plot->markText(i).contains(QStringLiteral("1"))) {
                mark = i;
                break;
            }
        }
        QVERIFY(mark >= 0);
        QTest::mouseClick(plot, Qt::LeftButton, {}, plot->markPosition(mark).toPoint());
        QVERIFY(m_window->selection().trial().has_value());
        const int number = m_window->selection().trial()->number;
        auto* trials = m_window->findChild<widgets::DataTable*>(QStringLiteral("trialsTable"));
        QCOMPARE(trials->selectedId().toInt(), number);
        auto* apply = page->findChild<QAbstractButton*>(QStringLiteral("applyTrial"));
        QTest::mouseClick(apply, Qt::LeftButton);
        QCOMPARE(m_window->document().undoStack().count(), 1);
        QCOMPARE(m_window->document().project().currentConfiguration().configuration.name,
                 "Study 1 trial " + std::to_string(number));
        m_window->document().undoStack().undo();
        QVERIFY(m_window->document().project().currentConfiguration().configuration.isFloat());
    }

    void brokenFileGivesABannerAndKeepsTheDocument()
    {
        openModelPage();
        const Snapshot before = m_window->document().snapshot();
        QTemporaryDir folder;
        const QString path = folder.filePath(QStringLiteral("broken.h5"));
        std::ofstream(path.toStdString()) << "no HDF5 at all";
        m_window->openFile(path);
        auto& banner = m_window->showPage("model")->banner();
        QTRY_VERIFY(banner.isVisible());
        QCOMPARE(banner.tone(), widgets::Tone::Error);
        QVERIFY(banner.text().contains(QStringLiteral("broken.h5")));
        QCOMPARE(m_window->document().snapshot().get(), before.get());
    }

    void savedProjectOpensAgain()
    {
        openModelPage();
        applyPreset(m_window->document(), *findPreset("uniform8"), {});
        QVERIFY(m_window->isWindowModified());
        QTemporaryDir folder;
        const QString path = folder.filePath(QStringLiteral("p.bitscape"));
        m_window->activities().save(path);
        QTRY_VERIFY(!m_window->document().isModified());
        QVERIFY(!m_window->isWindowModified());
        QVERIFY(m_settings->recentFiles().contains(path));
        QVERIFY(m_window->windowTitle().contains(QStringLiteral("p.bitscape")));
    }

    void closingAsksOnlyIfModified()
    {
        openModelPage();
        QVERIFY(m_window->close());
        QCOMPARE(m_dialogs->asked, 0);
        m_window->show();
        applyPreset(m_window->document(), *findPreset("uniform4"), {});
        m_dialogs->saves.enqueue(widgets::Dialogs::SaveAnswer::Cancel);
        QVERIFY(!m_window->close());
        QCOMPARE(m_dialogs->asked, 1);
    }

    void droppedFilesAreOpened()
    {
        QTemporaryDir folder;
        const QString path = folder.filePath(QStringLiteral("text.h5"));
        std::ofstream(path.toStdString()) << "text";
        QMimeData mime;
        mime.setUrls({QUrl::fromLocalFile(path)});
        QDragEnterEvent enter({10, 10}, Qt::CopyAction, &mime, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(m_window.get(), &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent drop(QPointF(10, 10), Qt::CopyAction, &mime, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(m_window.get(), &drop);
        QTRY_VERIFY(m_window->showPage("welcome")->banner().isVisible());
    }

    void everyFocusableWidgetHasAName()
    {
        project::Project project = smallProject();
        project.studies.push_back(smallStudy(project.graph()));
        m_window->document().replace(std::move(project), {});
        QStringList unnamed;
        for (const PageInfo& page : pages()) {
            m_window->showPage(page.id);
            QCoreApplication::processEvents();
            for (const QWidget* widget : m_window->findChildren<QWidget*>()) {
                if (!widget->isVisible() || widget->focusPolicy() == Qt::NoFocus) {
                    continue;
                }
                // A bar speaks the name of its current tab. QMainWindow keeps bars without any.
                const auto* bar = qobject_cast<const QTabBar*>(widget);
                if (bar != nullptr && bar->count() == 0) {
                    continue;
                }
                QAccessibleInterface* spoken =
                    QAccessible::queryAccessibleInterface(const_cast<QWidget*>(widget));
                const QAccessible::State state = spoken->state();
                if (state.focusable && spoken->text(QAccessible::Name).isEmpty()) {
                    unnamed << QString::fromLatin1(widget->metaObject()->className()) +
                                   QLatin1Char(' ') + widget->objectName();
                }
            }
        }
        unnamed.removeDuplicates();
        QVERIFY2(unnamed.isEmpty(), qPrintable(unnamed.join(QStringLiteral(", "))));
    }

    void windowIsNotBlockedWhileJobsRun()
    {
        m_window->document().replace(smallProject(3000), {});
        m_window->showPage("search");
        m_window->showPage("calibrate");
        m_window->showPage("explore");
        QTRY_VERIFY(!m_window->derived().isMeasuring());
        QCoreApplication::processEvents();
        Watchdog watchdog;
        m_window->activities().gather(0);
        search::StudyDescription description;
        description.name = "watched";
        description.configJson = search::defaultConfig("bits");
        description.trials = 40;
        description.epochs = 3;
        m_window->activities().search(description);
        QEventLoop loop;
        connect(&m_window->jobs(), &Jobs::ended, &loop, [this, &loop] {
            if (m_window->jobs().runningCount() == 0) {
                loop.quit();
            }
        });
        loop.exec();
        QVERIFY(!m_window->document().project().studies.empty());
        for (const search::Trial& trial : m_window->document().project().studies.back()->trials) {
            QVERIFY2(trial.state == search::TrialState::Complete, trial.failure.c_str());
        }
        QVERIFY(m_window->document().project().calibration != nullptr);
        QVERIFY2(watchdog.turns() > 20, qPrintable(QString::number(watchdog.turns())));
        QVERIFY2(watchdog.longest() <= kMostBlockedMilliseconds,
                 qPrintable(QStringLiteral("blocked for %1 ms").arg(watchdog.longest())));
    }

    void stoppedSearchKeepsItsTrials()
    {
        m_window->document().replace(smallProject(600), {});
        search::StudyDescription description;
        description.name = "stopped";
        description.configJson = search::defaultConfig("bits");
        description.trials = 100'000;
        m_window->activities().search(description);
        QTRY_VERIFY_WITH_TIMEOUT(m_window->activities().liveStudy() &&
                                     !m_window->activities().liveStudy()->trials.empty(),
                                 30'000);
        QElapsedTimer clock;
        clock.start();
        m_window->jobs().stop(JobKind::Search);
        QTRY_VERIFY(!m_window->jobs().isRunning(JobKind::Search));
        QVERIFY(clock.elapsed() < 1000);
        QCOMPARE(m_window->document().project().studies.size(), std::size_t{1});
        QVERIFY(!m_window->document().project().studies.front()->trials.empty());
        QCOMPARE(m_window->document().undoStack().count(), 1);
    }

private:
    void openModelPage()
    {
        m_window->document().replace(smallProject(), {});
        m_window->showPage("model");
    }
    [[nodiscard]] widgets::LayersTree* layersTree() const
    {
        return m_window->findChild<QWidget*>(QStringLiteral("page.model"))
            ->findChild<widgets::LayersTree*>(QStringLiteral("layersTree"));
    }
    [[nodiscard]] widgets::QuantizerEdit* edit(const std::string& layer) const
    {
        auto* tree = layersTree();
        tree->setCurrentIndex(tree->layers().layerIndex(layer).siblingAtColumn(
            LayerTreeModel::WeightQuantizerColumn));
        tree->setFocus();
        QTest::keyClick(tree, Qt::Key_F2);
        return tree->findChild<widgets::QuantizerEdit*>();
    }

    std::unique_ptr<Settings> m_settings;
    std::unique_ptr<AnsweringDialogs> m_dialogs;
    std::unique_ptr<MainWindow> m_window;
};

QTEST_MAIN(WindowTest)
#include "window_test.moc"
