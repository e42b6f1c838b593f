// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/document/derived.h"
#include "app/document/document.h"
#include "app/document/selection.h"
#include "app/jobs/activities.h"
#include "app/jobs/jobs.h"
#include "app/settings/settings.h"
#include "widgets/dialogs/dialogs.h"
#include "widgets/panels/banner.h"
#include "widgets/style/icons.h"

#include <QWidget>

#include <functional>
#include <span>
#include <string_view>

class QVBoxLayout;

namespace bitscape::app {

/// What every page and dock is made with; outlives them.
struct Context {
    Document& document;
    Selection& selection;
    Derived& derived;
    Jobs& jobs;
    Activities& activities;
    Settings& settings;
    widgets::Dialogs& dialogs;
    std::function<void(std::string_view id)> showPage;
    std::function<void(const QString& path)> openFile; ///< asks about changes first
    std::function<void()> openModelDialog;
    std::function<void()> openProjectDialog;
    std::function<void()> openDataDialog;
    std::function<void()> openFolderDialog; ///< of samples, or a SavedModel
    std::function<void()> openSample;       ///< asks about changes first
};

/// A page: a banner on top and its content below. Made when it is first shown.
class Page : public QWidget {
    Q_OBJECT
public:
    Page(Context& context, std::string_view id, QWidget* parent);

    [[nodiscard]] widgets::Banner& banner() { return *m_banner; }
    /// What the status bar says while the page is shown.
    [[nodiscard]] virtual QStringList status() const { return {}; }
    /// Jobs whose failures are shown in this page's banner.
    [[nodiscard]] virtual bool concerns(JobKind kind) const;

Q_SIGNALS:
    void statusChanged();

protected:
    [[nodiscard]] Context& context() { return m_context; }
    [[nodiscard]] const Context& context() const { return m_context; }
    [[nodiscard]] const project::Project& project() const { return m_context.document.project(); }
    [[nodiscard]] QVBoxLayout& body() { return *m_body; }

private:
    Context& m_context;
    widgets::Banner* m_banner;
    QVBoxLayout* m_body;
};

/// Docks of the window, as bits.
enum DockFlag : unsigned {
    NoDock = 0,
    LayersDock = 1U << 0U,
    InspectorDock = 1U << 1U,
    TrialsDock = 1U << 2U,
    JobsDock = 1U << 3U,
    LogDock = 1U << 4U,
};

/// A row of the page table.
struct PageInfo {
    std::string_view id; ///< "model"; the widget is called "page.model"
    const char* title;   ///< to be translated in context "pages"
    widgets::Icon icon;
    unsigned docks; ///< shown with the page until the user decides otherwise
    Page* (*make)(Context& context, QWidget* parent);
    bool isInBar = true; ///< of the page bar and the View menu; those come first in the table
};

/// All pages in the order of the page bar, then those that come up by themselves.
[[nodiscard]] std::span<const PageInfo> pages();

} // namespace bitscape::app
