// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/document/file_kinds.h"
#include "app/window/page.h"
#include "widgets/style/palette.h"

#include <QMainWindow>

#include <map>
#include <string>
#include <vector>

class QComboBox;
class QLabel;
class QStackedWidget;
class QToolBar;

namespace bitscape::widgets {
class CostStrip;
class PageBar;
} // namespace bitscape::widgets

namespace bitscape::app {

/// The window: menus, tools, cost strip, page bar, one page, docks, status. Pages are views of one
/// document and one selection.
class MainWindow final : public QMainWindow {
    Q_OBJECT
public:
    /// settings and dialogs outlive the window.
    MainWindow(Settings& settings, widgets::Dialogs& dialogs, QWidget* parent = nullptr);
    ~MainWindow() override;
    Q_DISABLE_COPY_MOVE(MainWindow)

    [[nodiscard]] Document& document() { return m_document; }
    [[nodiscard]] Selection& selection() { return m_selection; }
    [[nodiscard]] Derived& derived() { return m_derived; }
    [[nodiscard]] Jobs& jobs() { return m_jobs; }
    [[nodiscard]] Activities& activities() { return m_activities; }

    /// Shows a page by id, making it if needed; unknown ids are ignored. Returns it.
    Page* showPage(std::string_view id);
    [[nodiscard]] std::string_view currentPage() const;
    /// Opens a file of any kind; asks first if changes would be lost.
    void openFile(const QString& path);
    /// Default arrangement of the docks of every page.
    void resetLayout();

protected:
    void closeEvent(QCloseEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;

private:
    void makeActions();
    void makeFileMenu();
    void makeEditMenu();
    void makeViewMenu();
    void makeWorkMenus();
    void makeTools();
    void makeStrip();
    void makePageBar();
    void makeDocks();
    void connectAll();
    QAction* action(const QString& name, const QString& text, const QKeySequence& key,
                    const std::function<void()>& run);

    void refreshTitle();
    void refreshStrip();
    void refreshBoxes();
    void refreshActions();
    void refreshStatus();
    void refreshRecent();
    void placeDocks(const PageInfo& page);
    void rememberDocks();

    /// False: the user wants to go on with the document as it is.
    [[nodiscard]] bool mayReplaceDocument();
    void save();
    void saveAs();
    void newDocument();
    void exportAs(const project::ExportFormat& format);
    void showExported(const project::ExportResult& result);
    void openDialog(const QString& title, FileRole role);
    void openFolder();
    void branchConfiguration();
    void showFailure(JobKind kind, const Error& error);
    void setTheme(widgets::Theme theme);
    void setLanguage(const QString& language);
    void showAbout();

    Settings& m_settings;
    widgets::Dialogs& m_dialogs;
    Document m_document;
    Selection m_selection;
    Derived m_derived;
    Jobs m_jobs;
    Activities m_activities;
    Context m_context;

    widgets::PageBar* m_pageBar = nullptr;
    QStackedWidget* m_stack = nullptr;
    std::vector<Page*> m_pages; ///< by row of pages(); null until shown
    int m_current = -1;
    widgets::CostStrip* m_strip = nullptr;
    QToolBar* m_stripBar = nullptr;
    QComboBox* m_configurationBox = nullptr;
    QComboBox* m_acceleratorBox = nullptr;
    std::vector<QLabel*> m_statusLabels;
    std::map<unsigned, QDockWidget*> m_docks; ///< by DockFlag
    std::map<QString, QAction*> m_actions;
    QMenu* m_recentMenu = nullptr;
    QMenu* m_exportMenu = nullptr;
    bool m_isClosing = false;
};

} // namespace bitscape::app
