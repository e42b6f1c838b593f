// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/edits.h"
#include "app/window/main_window.h"
#include "app/window/report_export.h"
#include "core/base/version.h"

#include <QAction>
#include <QActionGroup>
#include <QApplication>
#include <QComboBox>
#include <QDockWidget>
#include <QFileInfo>
#include <QLabel>
#include <QMenu>
#include <QMenuBar>
#include <QMessageBox>
#include <QToolBar>
#include <QToolButton>

namespace bitscape::app {

using widgets::Icon;
using widgets::icon;

QAction* MainWindow::action(const QString& name, const QString& text, const QKeySequence& key,
                            const std::function<void()>& run)
{
    auto* made = new QAction(text, this);
    made->setObjectName(QStringLiteral("action.") + name);
    made->setShortcut(key);
    connect(made, &QAction::triggered, this, [run] { run(); });
    addAction(made);
    m_actions[name] = made;
    return made;
}

void MainWindow::makeActions()
{
    makeFileMenu();
    makeEditMenu();
    makeViewMenu();
    makeWorkMenus();
}

void MainWindow::makeFileMenu()
{
    QMenu* menu = menuBar()->addMenu(tr("&File"));
    menu->addAction(
        action(QStringLiteral("new"), tr("&New"), QKeySequence::New, [this] { newDocument(); }));
    QAction* openProject =
        action(QStringLiteral("openProject"), tr("&Open project…"), QKeySequence::Open,
               [this] { openDialog(tr("Open project"), FileRole::Project); });
    openProject->setIcon(icon(Icon::Open));
    menu->addAction(openProject);
    menu->addAction(action(QStringLiteral("openModel"), tr("Open &model…"),
                           QKeySequence(QStringLiteral("Ctrl+Shift+O")),
                           [this] { openDialog(tr("Open model"), FileRole::Model); }));
    menu->addAction(action(QStringLiteral("openData"), tr("Open &data set…"), {},
                           [this] { openDialog(tr("Open data set"), FileRole::Data); }));
    menu->addAction(
        action(QStringLiteral("openFolder"), tr("Open &folder…"), {}, [this] { openFolder(); }));
    menu->addAction(action(QStringLiteral("openSample"), tr("Open &built-in sample"), {},
                           [this] { m_context.openSample(); }));
    m_recentMenu = menu->addMenu(tr("&Recent"));
    refreshRecent();
    menu->addSeparator();
    QAction* saveAction =
        action(QStringLiteral("save"), tr("&Save"), QKeySequence::Save, [this] { save(); });
    saveAction->setIcon(icon(Icon::Save));
    menu->addAction(saveAction);
    menu->addAction(action(QStringLiteral("saveAs"), tr("Save &as…"),
                           QKeySequence(QStringLiteral("Ctrl+Shift+S")), [this] { saveAs(); }));
    m_exportMenu = menu->addMenu(tr("&Export"));
    m_exportMenu->setToolTipsVisible(true);
    for (const project::ExportFormat& format : project::exportFormats()) {
        QAction* made =
            action(QStringLiteral("export.") + QString::fromStdString(format.name),
                   QString::fromStdString(format.title), {}, [this, &format] { exportAs(format); });
        made->setToolTip(QString::fromStdString(format.doc));
        m_exportMenu->addAction(made);
    }
    menu->addSeparator();
    menu->addAction(action(QStringLiteral("quit"), tr("&Quit"),
                           QKeySequence(QStringLiteral("Ctrl+Q")), [this] { close(); }));
}

void MainWindow::refreshRecent()
{
    m_recentMenu->clear();
    for (const QString& path : m_settings.recentFiles()) {
        QAction* entry = m_recentMenu->addAction(QFileInfo(path).fileName());
        entry->setToolTip(path);
        connect(entry, &QAction::triggered, this, [this, path] { openFile(path); });
    }
    m_recentMenu->setEnabled(!m_recentMenu->isEmpty());
}

void MainWindow::makeEditMenu()
{
    QMenu* menu = menuBar()->addMenu(tr("&Edit"));
    QUndoStack& stack = m_document.undoStack();
    QAction* undo = stack.createUndoAction(this, tr("Undo"));
    undo->setShortcut(QKeySequence::Undo);
    undo->setIcon(icon(Icon::Undo));
    undo->setObjectName(QStringLiteral("action.undo"));
    QAction* redo = stack.createRedoAction(this, tr("Redo"));
    redo->setShortcuts(
        {QKeySequence(QStringLiteral("Ctrl+Shift+Z")), QKeySequence(QStringLiteral("Ctrl+Y"))});
    redo->setIcon(icon(Icon::Redo));
    redo->setObjectName(QStringLiteral("action.redo"));
    m_actions[QStringLiteral("undo")] = undo;
    m_actions[QStringLiteral("redo")] = redo;
    menu->addAction(undo);
    menu->addAction(redo);
    menu->addSeparator();
    menu->addAction(
        action(QStringLiteral("filter"), tr("&Filter layers"), QKeySequence::Find, [this] {
            Page* page = showPage("model");
            if (auto* edit = page->findChild<QWidget*>(QStringLiteral("layerFilterEdit"))) {
                edit->setFocus(Qt::ShortcutFocusReason);
            }
        }));
}

void MainWindow::makeViewMenu()
{
    QMenu* menu = menuBar()->addMenu(tr("&View"));
    int number = 0;
    for (const PageInfo& page : pages()) {
        number = (number + 1) % 10;
        const QString id =
            QString::fromLatin1(page.id.data(), static_cast<qsizetype>(page.id.size()));
        menu->addAction(action(
            QStringLiteral("page.") + id, QCoreApplication::translate("pages", page.title),
            page.isInBar ? QKeySequence(QStringLiteral("Ctrl+%1").arg(number)) : QKeySequence(),
            [this, key = std::string(page.id)] { showPage(key); }));
    }
    menu->addSeparator();
    QMenu* docks = menu->addMenu(tr("&Docks"));
    docks->setObjectName(QStringLiteral("menu.docks"));
    // The docks are made later; the menu is filled when it opens.
    connect(docks, &QMenu::aboutToShow, this, [this, docks] {
        docks->clear();
        for (const auto& [flag, dock] : m_docks) {
            docks->addAction(dock->toggleViewAction());
        }
    });
    menu->addAction(
        action(QStringLiteral("resetLayout"), tr("&Reset layout"), {}, [this] { resetLayout(); }));
    menu->addSeparator();
    QMenu* theme = menu->addMenu(tr("&Theme"));
    theme->addAction(action(QStringLiteral("themeLight"), tr("Light"), {},
                            [this] { setTheme(widgets::Theme::Light); }));
    theme->addAction(action(QStringLiteral("themeDark"), tr("Dark"), {},
                            [this] { setTheme(widgets::Theme::Dark); }));
    QMenu* language = menu->addMenu(tr("&Language"));
    language->addAction(
        action(QStringLiteral("languageSystem"), tr("System"), {}, [this] { setLanguage({}); }));
    language->addAction(action(QStringLiteral("languageEn"), QStringLiteral("English"), {},
                               [this] { setLanguage(QStringLiteral("en")); }));
    language->addAction(action(QStringLiteral("languageDe"), QStringLiteral("Deutsch"), {},
                               [this] { setLanguage(QStringLiteral("de")); }));
    menu->addSeparator();
    menu->addAction(action(QStringLiteral("fullScreen"), tr("&Full screen"),
                           QKeySequence(Qt::Key_F11),
                           [this] { isFullScreen() ? showNormal() : showFullScreen(); }));
}

void MainWindow::makeWorkMenus()
{
    QMenu* model = menuBar()->addMenu(tr("&Model"));
    QAction* evaluate = action(QStringLiteral("evaluate"), tr("&Evaluate"),
                               QKeySequence(Qt::Key_F5), [this] { m_activities.evaluate(); });
    evaluate->setIcon(icon(Icon::Play));
    evaluate->setToolTip(tr("Accuracy of the current configuration on all data (F5)"));
    model->addAction(evaluate);
    model->addAction(action(QStringLiteral("gather"), tr("&Gather histograms"), {},
                            [this] { m_activities.gather(0); }));
    QAction* stop = action(QStringLiteral("stop"), tr("&Stop"),
                           QKeySequence(QStringLiteral("Ctrl+.")), [this] { m_jobs.stopAll(); });
    stop->setIcon(icon(Icon::Stop));
    stop->setToolTip(tr("Stop the running jobs and keep what is finished (Ctrl+.)"));
    model->addAction(stop);

    QMenu* quantize = menuBar()->addMenu(tr("&Quantize"));
    QMenu* presetMenu = quantize->addMenu(tr("&Preset"));
    for (const Preset& preset : presets()) {
        presetMenu->addAction(
            action(QStringLiteral("preset.") + QString::fromLatin1(preset.id),
                   QCoreApplication::translate("presets", preset.title), {},
                   [this, &preset] { applyPreset(m_document, preset, m_selection.layers()); }));
    }
    QAction* branchAction =
        action(QStringLiteral("branch"), tr("&Branch configuration…"),
               QKeySequence(QStringLiteral("Ctrl+Shift+B")), [this] { branchConfiguration(); });
    branchAction->setIcon(icon(Icon::Branch));
    quantize->addAction(branchAction);

    QMenu* search = menuBar()->addMenu(tr("&Search"));
    search->addAction(m_actions.at(QStringLiteral("page.search")));
    search->addAction(m_actions.at(QStringLiteral("page.explore")));
    QMenu* hardware = menuBar()->addMenu(tr("Hard&ware"));
    hardware->addAction(m_actions.at(QStringLiteral("page.hardware")));
    QMenu* report = menuBar()->addMenu(tr("&Report"));
    report->addAction(m_actions.at(QStringLiteral("page.report")));
    report->addAction(action(QStringLiteral("exportHtml"), tr("Export &HTML…"), {}, [this] {
        Page* page = showPage("report");
        exportReportAsking(m_context, *page, QStringLiteral("html"));
    }));
    report->addAction(action(QStringLiteral("exportPdf"), tr("Export &PDF…"), {}, [this] {
        Page* page = showPage("report");
        exportReportAsking(m_context, *page, QStringLiteral("pdf"));
    }));
    QMenu* help = menuBar()->addMenu(tr("&Help"));
    help->addAction(
        action(QStringLiteral("about"), tr("&About Bitscape"), {}, [this] { showAbout(); }));
}

void MainWindow::makeTools()
{
    auto* bar = new QToolBar(tr("Tools"), this);
    bar->setObjectName(QStringLiteral("mainTools"));
    bar->setMovable(false);
    bar->setIconSize({18, 18});
    const auto label = [this, bar](const QString& text) {
        auto* made = new QLabel(text, this);
        made->setProperty("tone", QStringLiteral("second"));
        made->setContentsMargins(4, 0, 2, 0);
        bar->addWidget(made);
    };
    bar->addAction(m_actions.at(QStringLiteral("openProject")));
    bar->addAction(m_actions.at(QStringLiteral("save")));
    bar->addSeparator();
    bar->addAction(m_actions.at(QStringLiteral("undo")));
    bar->addAction(m_actions.at(QStringLiteral("redo")));
    bar->addSeparator();
    label(tr("Configuration"));
    m_configurationBox = new QComboBox(this);
    m_configurationBox->setObjectName(QStringLiteral("configurationBox"));
    m_configurationBox->setAccessibleName(tr("Configuration"));
    m_configurationBox->setMinimumWidth(190);
    m_configurationBox->setPlaceholderText(QStringLiteral("—"));
    bar->addWidget(m_configurationBox);
    bar->addAction(m_actions.at(QStringLiteral("branch")));
    label(tr("Accelerator"));
    m_acceleratorBox = new QComboBox(this);
    m_acceleratorBox->setObjectName(QStringLiteral("acceleratorBox"));
    m_acceleratorBox->setAccessibleName(tr("Accelerator"));
    m_acceleratorBox->setMinimumWidth(210);
    m_acceleratorBox->setPlaceholderText(QStringLiteral("—"));
    bar->addWidget(m_acceleratorBox);
    bar->addSeparator();
    bar->addAction(m_actions.at(QStringLiteral("evaluate")));
    bar->addAction(m_actions.at(QStringLiteral("stop")));
    for (const char* name : {"evaluate", "stop"}) {
        if (auto* button = qobject_cast<QToolButton*>(
                bar->widgetForAction(m_actions.at(QString::fromLatin1(name))))) {
            button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
        }
    }
    addToolBar(Qt::TopToolBarArea, bar);
    connect(m_configurationBox, &QComboBox::activated, this,
            [this](int index) { selectConfiguration(m_document, index); });
    connect(m_acceleratorBox, &QComboBox::activated, this, [this](int index) {
        const auto chosen =
            hw::parseAccelerator(m_acceleratorBox->itemData(index).toString().toStdString());
        if (chosen) {
            setAccelerator(m_document, *chosen);
        }
    });
}

void MainWindow::showAbout()
{
    QMessageBox::about(
        this, tr("About Bitscape"),
        tr("<b>Bitscape %1</b><p>Choose the bits of every layer, and see accuracy, memory, energy "
           "and latency move.</p><p>Free software under the GNU General Public License, version 3 "
           "or later.</p>")
            .arg(QCoreApplication::applicationVersion()));
}

} // namespace bitscape::app
