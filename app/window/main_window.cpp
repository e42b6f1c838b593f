// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/main_window.h"

#include "app/document/edits.h"
#include "app/errors/sentence.h"
#include "app/window/docks/docks.h"
#include "app/window/log.h"
#include "app/window/strip.h"
#include "core/graph/execution.h"
#include "widgets/panels/cost_strip.h"
#include "widgets/panels/page_bar.h"
#include "widgets/style/theme.h"

#include <QAction>
#include <QApplication>
#include <QCloseEvent>
#include <QComboBox>
#include <QDockWidget>
#include <QFileInfo>
#include <QLabel>
#include <QLayout>
#include <QMenu>
#include <QSignalBlocker>
#include <QStackedWidget>
#include <QStatusBar>
#include <QThread>
#include <QToolBar>

namespace bitscape::app {

namespace {

constexpr QSize kDefaultSize(1440, 860);
constexpr QSize kLeastSize(1024, 640);
constexpr int kStatusTexts = 4;

QString pageTitle(const PageInfo& page)
{
    return QCoreApplication::translate("pages", page.title);
}

QString latin(std::string_view text)
{
    return QString::fromLatin1(text.data(), static_cast<qsizetype>(text.size()));
}

} // namespace

MainWindow::MainWindow(Settings& settings, widgets::Dialogs& dialogs, QWidget* parent)
    : QMainWindow(parent), m_settings(settings), m_dialogs(dialogs),
      m_derived(m_document, settings.value(Setting::SampleSize).toInt(),
                settings.value(Setting::Threads).toInt()),
      m_activities(m_document, m_jobs, settings.value(Setting::Threads).toInt()),
      m_context{m_document,
                m_selection,
                m_derived,
                m_jobs,
                m_activities,
                m_settings,
                m_dialogs,
                [this](std::string_view id) { showPage(id); },
                [this](const QString& path) { openFile(path); },
                [this] { m_actions.at(QStringLiteral("openModel"))->trigger(); },
                [this] { m_actions.at(QStringLiteral("openProject"))->trigger(); },
                [this] { m_actions.at(QStringLiteral("openData"))->trigger(); },
                [this] { m_actions.at(QStringLiteral("openFolder"))->trigger(); },
                [this] {
                    if (mayReplaceDocument()) {
                        m_activities.openSample();
                    }
                }}
{
    setObjectName(QStringLiteral("mainWindow"));
    setAcceptDrops(true);
    setMinimumSize(kLeastSize);
    setDockOptions(AllowNestedDocks | AllowTabbedDocks);
    setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
    m_derived.setReference(settings.value(Setting::Reference).toString());
    m_stack = new QStackedWidget(this);
    m_stack->setObjectName(QStringLiteral("pageArea"));
    setCentralWidget(m_stack);
    m_pages.assign(pages().size(), nullptr);
    makeActions();
    makeTools();
    makeStrip();
    makePageBar();
    makeDocks();
    for (int i = 0; i < kStatusTexts; ++i) {
        auto* label = new QLabel(this);
        m_statusLabels.push_back(label);
        statusBar()->addWidget(label);
    }
    statusBar()->setSizeGripEnabled(false);
    connectAll();
    resize(kDefaultSize);
    restoreGeometry(settings.value(Setting::WindowGeometry).toByteArray());
    refreshTitle();
    refreshBoxes();
    refreshActions();
    showPage("welcome");
}

MainWindow::~MainWindow()
{
    // Jobs end before what they report to goes.
    m_jobs.disconnect();
    m_jobs.stopAll();
}

void MainWindow::makeStrip()
{
    m_strip = new widgets::CostStrip(this);
    m_stripBar = new QToolBar(tr("Cost strip"), this);
    m_stripBar->setObjectName(QStringLiteral("costStripBar"));
    m_stripBar->setMovable(false);
    m_stripBar->addWidget(m_strip);
    m_stripBar->layout()->setContentsMargins(0, 0, 0, 0);
    addToolBarBreak(Qt::TopToolBarArea);
    addToolBar(Qt::TopToolBarArea, m_stripBar);
    m_stripBar->hide();
}

void MainWindow::makePageBar()
{
    m_pageBar = new widgets::PageBar(this);
    std::vector<widgets::PageBar::Item> items;
    int number = 0;
    for (const PageInfo& page : pages()) {
        if (!page.isInBar) {
            continue;
        }
        number = (number + 1) % 10;
        items.push_back({latin(page.id), pageTitle(page), page.icon,
                         tr("%1 (Ctrl+%2)").arg(pageTitle(page)).arg(number)});
    }
    m_pageBar->setItems(std::move(items));
    auto* bar = new QToolBar(tr("Pages"), this);
    bar->setObjectName(QStringLiteral("pageTools"));
    bar->setMovable(false);
    bar->addWidget(m_pageBar);
    bar->layout()->setContentsMargins(0, 0, 0, 0);
    addToolBar(Qt::LeftToolBarArea, bar);
    connect(m_pageBar, &widgets::PageBar::pageRequested, this,
            [this](int index) { showPage(pages()[static_cast<std::size_t>(index)].id); });
}

void MainWindow::makeDocks()
{
    const auto add = [this](DockFlag flag, Qt::DockWidgetArea area, QWidget* content,
                            const QString& title) {
        QDockWidget* dock = makeDock(content, title, this);
        addDockWidget(area, dock);
        dock->hide();
        m_docks[flag] = dock;
        return dock;
    };
    add(LayersDock, Qt::LeftDockWidgetArea, makeLayersDock(m_context, this), tr("Layers"));
    add(InspectorDock, Qt::RightDockWidgetArea, makeInspectorDock(m_context, this),
        tr("Inspector"));
    QDockWidget* trials =
        add(TrialsDock, Qt::BottomDockWidgetArea, makeTrialsDock(m_context, this), tr("Trials"));
    QDockWidget* jobs =
        add(JobsDock, Qt::BottomDockWidgetArea, makeJobsDock(m_context, this), tr("Jobs"));
    QDockWidget* log =
        add(LogDock, Qt::BottomDockWidgetArea, makeLogDock(m_context, this), tr("Log"));
    tabifyDockWidget(trials, jobs);
    tabifyDockWidget(jobs, log);
}

void MainWindow::connectAll()
{
    connect(&m_document, &Document::titleChanged, this, &MainWindow::refreshTitle);
    connect(&m_document, &Document::projectChanged, this, [this] {
        refreshBoxes();
        refreshActions();
    });
    connect(&m_derived, &Derived::figuresChanged, this, &MainWindow::refreshStrip);
    connect(&m_derived, &Derived::qualityChanged, this, &MainWindow::refreshStrip);
    connect(m_strip, &widgets::CostStrip::cellClicked, this, [this](const QString& id) {
        showPage(id == QLatin1StringView("weights")    ? "model"
                 : id == QLatin1StringView("accuracy") ? "explore"
                                                       : "hardware");
    });
    connect(m_strip, &widgets::CostStrip::referenceChosen, this, [this](int index) {
        const QString id = latin(presets()[static_cast<std::size_t>(index)].id);
        m_settings.set(Setting::Reference, id);
        m_derived.setReference(id);
    });
    const auto jobChange = [this] {
        refreshActions();
        refreshStatus();
        const auto badge = [this](const char* page, JobKind kind) {
            m_pageBar->setBadge(latin(page), m_jobs.isRunning(kind) ? 1 : 0);
        };
        badge("calibrate", JobKind::Gather);
        badge("train", JobKind::Train);
        badge("search", JobKind::Search);
    };
    connect(&m_jobs, &Jobs::started, this, jobChange);
    connect(&m_jobs, &Jobs::ended, this, jobChange);
    connect(&m_jobs, &Jobs::progressed, this, &MainWindow::refreshStatus);
    connect(&m_activities, &Activities::opened, this, [this](const QString& path) {
        m_selection.clear();
        if (!path.isEmpty() && QFileInfo::exists(path)) {
            m_settings.addRecentFile(QFileInfo(path).absoluteFilePath());
            refreshRecent();
        }
        logLine(LogLevel::Info, QStringLiteral("document"),
                path.isEmpty() ? QStringLiteral("The built-in sample was opened.")
                               : QStringLiteral("%1 was opened.").arg(path));
        // A foreign file first says what became of it.
        const bool isForeign = !path.isEmpty() && m_document.path().isEmpty();
        showPage(isForeign ? "import" : "model");
    });
    connect(&m_activities, &Activities::saved, this, [this](const QString& path) {
        m_settings.addRecentFile(QFileInfo(path).absoluteFilePath());
        refreshRecent();
        logLine(LogLevel::Info, QStringLiteral("document"),
                QStringLiteral("%1 was saved.").arg(path));
        if (m_isClosing) {
            close();
        }
    });
    connect(&m_activities, &Activities::exported, this, &MainWindow::showExported);
    connect(&m_activities, &Activities::failed, this, &MainWindow::showFailure);
    connect(&m_activities, &Activities::warned, this, [this](JobKind, const QString& text) {
        logLine(LogLevel::Warning, QStringLiteral("engine"), text);
        if (m_current >= 0) {
            m_pages[static_cast<std::size_t>(m_current)]->banner().showMessage(
                {widgets::Tone::Warning, text.section(QLatin1Char('\n'), 0, 1), text, {}, {}});
        }
    });
}

Page* MainWindow::showPage(std::string_view id)
{
    const auto table = pages();
    for (std::size_t i = 0; i < table.size(); ++i) {
        if (table[i].id != id) {
            continue;
        }
        if (m_pages[i] == nullptr) {
            m_pages[i] = table[i].make(m_context, m_stack);
            m_pages[i]->setAccessibleName(pageTitle(table[i]));
            m_stack->addWidget(m_pages[i]);
            connect(m_pages[i], &Page::statusChanged, this, &MainWindow::refreshStatus);
        }
        if (static_cast<int>(i) != m_current) {
            rememberDocks();
            m_current = static_cast<int>(i);
            m_stack->setCurrentWidget(m_pages[i]);
            m_pageBar->setCurrent(m_current);
            m_stripBar->setVisible(id != "welcome" && !m_document.isEmpty());
            placeDocks(table[i]);
        }
        refreshStatus();
        return m_pages[i];
    }
    return nullptr;
}

std::string_view MainWindow::currentPage() const
{
    return m_current < 0 ? std::string_view() : pages()[static_cast<std::size_t>(m_current)].id;
}

void MainWindow::rememberDocks()
{
    if (m_current < 0) {
        return;
    }
    QVariantMap states = m_settings.value(Setting::DockStates).toMap();
    states[latin(currentPage())] = saveState();
    m_settings.set(Setting::DockStates, states);
}

void MainWindow::placeDocks(const PageInfo& page)
{
    const QByteArray state =
        m_settings.value(Setting::DockStates).toMap().value(latin(page.id)).toByteArray();
    const bool stripVisible = m_stripBar->isVisibleTo(this);
    if (!state.isEmpty() && restoreState(state)) {
        m_stripBar->setVisible(stripVisible);
        return;
    }
    for (const auto& [flag, dock] : m_docks) {
        dock->setFloating(false);
        dock->setVisible((page.docks & flag) != 0);
    }
    const auto shown = [&](DockFlag flag) { return (page.docks & flag) != 0; };
    if (shown(InspectorDock)) {
        resizeDocks({m_docks.at(InspectorDock)}, {qBound(320, width() * 28 / 100, 560)},
                    Qt::Horizontal);
    }
    if (shown(LayersDock)) {
        resizeDocks({m_docks.at(LayersDock)}, {qBound(220, width() * 16 / 100, 330)},
                    Qt::Horizontal);
    }
    if (shown(TrialsDock)) {
        resizeDocks({m_docks.at(TrialsDock)}, {qBound(140, height() * 22 / 100, 260)},
                    Qt::Vertical);
        m_docks.at(TrialsDock)->raise();
    }
}

void MainWindow::resetLayout()
{
    m_settings.set(Setting::DockStates, QVariantMap());
    if (m_current >= 0) {
        placeDocks(pages()[static_cast<std::size_t>(m_current)]);
    }
}

void MainWindow::refreshTitle()
{
    setWindowTitle(m_document.isEmpty() && m_document.path().isEmpty()
                       ? QStringLiteral("Bitscape")
                       : QStringLiteral("%1[*] — Bitscape").arg(m_document.title()));
    setWindowModified(m_document.isModified());
    setWindowFilePath(m_document.path());
    refreshActions();
}

void MainWindow::refreshStrip()
{
    m_strip->setCells(stripCells(m_document.project(), m_derived));
    QStringList names;
    int current = 0;
    for (const Preset& preset : presets()) {
        if (latin(preset.id) == m_derived.referenceId()) {
            current = static_cast<int>(names.size());
        }
        names << QCoreApplication::translate("presets", preset.title);
    }
    m_strip->setReferences(names, current);
    m_stripBar->setVisible(currentPage() != "welcome" && !m_document.isEmpty());
    refreshStatus();
}

void MainWindow::refreshBoxes()
{
    const project::Project& project = m_document.project();
    const QSignalBlocker blockConfigurations(m_configurationBox);
    const QSignalBlocker blockAccelerators(m_acceleratorBox);
    m_configurationBox->clear();
    for (const auto& configuration : project.configurations) {
        m_configurationBox->addItem(QString::fromStdString(configuration->configuration.name));
    }
    m_configurationBox->setCurrentIndex(project.isEmpty() ? -1 : project.current);
    m_acceleratorBox->clear();
    if (!project.isEmpty()) {
        const std::string chosen = project.accelerator.name;
        bool isListed = false;
        const auto add = [&](const hw::Accelerator& accelerator) {
            m_acceleratorBox->addItem(QString::fromStdString(accelerator.name),
                                      QString::fromStdString(hw::toJson(accelerator)));
            if (accelerator.name == chosen && !isListed) {
                m_acceleratorBox->setCurrentIndex(m_acceleratorBox->count() - 1);
                isListed = true;
            }
        };
        for (const hw::Accelerator& accelerator : hw::accelerators()) {
            add(accelerator);
        }
        for (const hw::Accelerator& accelerator : project.accelerators) {
            add(accelerator);
        }
        if (!isListed) {
            add(project.accelerator);
        }
    }
}

void MainWindow::refreshActions()
{
    const bool hasModel = !m_document.isEmpty();
    const bool hasData = hasModel && m_document.project().data != nullptr;
    const auto enable = [this](const char* name, bool on) {
        m_actions.at(latin(name))->setEnabled(on);
    };
    for (const char* name : {"save", "saveAs", "branch", "filter", "exportHtml", "exportPdf"}) {
        enable(name, hasModel);
    }
    for (const Preset& preset : presets()) {
        m_actions.at(QStringLiteral("preset.") + latin(preset.id))->setEnabled(hasModel);
    }
    m_exportMenu->setEnabled(hasModel);
    enable("evaluate", hasData && !m_jobs.isRunning(JobKind::Evaluate));
    enable("gather", hasData && !m_jobs.isRunning(JobKind::Gather));
    enable("stop", m_jobs.runningCount() > 0);
    m_configurationBox->setEnabled(hasModel);
    m_acceleratorBox->setEnabled(hasModel);
}

void MainWindow::refreshStatus()
{
    QStringList texts;
    for (const JobEntry& job : m_jobs.entries()) {
        if (job.state == JobState::Running || job.state == JobState::Stopping) {
            texts << tr("%1: %2").arg(job.title, describe(job.progress));
            break;
        }
    }
    if (texts.isEmpty()) {
        texts << (m_document.isEmpty()      ? tr("No project open")
                  : m_derived.isMeasuring() ? tr("Measuring the sample accuracy")
                                            : tr("Ready"));
    }
    if (m_current >= 0) {
        texts << m_pages[static_cast<std::size_t>(m_current)]->status();
    }
    const int chosen = m_settings.value(Setting::Threads).toInt();
    while (texts.size() > kStatusTexts - 1) {
        texts.removeLast();
    }
    texts << tr("Engine: %n thread(s), %1", "", chosen > 0 ? chosen : QThread::idealThreadCount())
                 .arg(QString::fromLatin1(graph::engineVariant()));
    for (int i = 0; i < kStatusTexts; ++i) {
        QLabel* label = m_statusLabels[static_cast<std::size_t>(i)];
        label->setText(texts.value(i));
        label->setVisible(i < texts.size());
    }
}

void MainWindow::branchConfiguration()
{
    const QString current =
        QString::fromStdString(m_document.project().currentConfiguration().configuration.name);
    const QString name = m_dialogs.askText(this, tr("Branch configuration"),
                                           tr("Name of the copy:"), tr("%1 copy").arg(current));
    if (!name.isEmpty()) {
        branch(m_document, name);
    }
}

void MainWindow::showFailure(JobKind kind, const Error& error)
{
    logLine(LogLevel::Error, QStringLiteral("job"), QString::fromStdString(error.sentence()));
    Page* place = m_pages[static_cast<std::size_t>(m_current)];
    for (Page* page : m_pages) {
        if (page != nullptr && page->concerns(kind)) {
            place = page;
        }
    }
    place->banner().showMessage(messageOf(error));
    if (place != m_pages[static_cast<std::size_t>(m_current)]) {
        m_pages[static_cast<std::size_t>(m_current)]->banner().showMessage(messageOf(error));
    }
    m_isClosing = false; // nothing was saved: the window stays
}

void MainWindow::setTheme(widgets::Theme theme)
{
    m_settings.set(Setting::Theme, theme == widgets::Theme::Dark ? QStringLiteral("dark")
                                                                 : QStringLiteral("light"));
    widgets::applyTheme(*qApp, theme);
}

void MainWindow::setLanguage(const QString& language)
{
    m_settings.set(Setting::Language, language);
    if (m_current >= 0) {
        m_pages[static_cast<std::size_t>(m_current)]->banner().showMessage(
            {widgets::Tone::Plain, tr("The language changes with the next start."), {}, {}, {}});
    }
}

void MainWindow::closeEvent(QCloseEvent* event)
{
    if (m_document.isModified()) {
        switch (m_dialogs.askSave(this, m_document.title())) {
        case widgets::Dialogs::SaveAnswer::Save:
            // The window closes when the file is written; without a file name there is no job.
            save();
            m_isClosing = m_jobs.isRunning(JobKind::Save);
            event->ignore();
            return;
        case widgets::Dialogs::SaveAnswer::Cancel:
            event->ignore();
            return;
        case widgets::Dialogs::SaveAnswer::Discard:
            break;
        }
    }
    rememberDocks();
    m_settings.set(Setting::WindowGeometry, saveGeometry());
    m_jobs.stopAll();
    event->accept();
}

} // namespace bitscape::app
