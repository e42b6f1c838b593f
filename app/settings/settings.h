// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QSettings>
#include <QStringList>
#include <QVariant>

#include <memory>

namespace bitscape::app {

/// What the user's account remembers; never part of a project. Rows: settings.cpp.
enum class Setting {
    Theme,          ///< "light" | "dark"
    Language,       ///< "", "en", "de", "it"; empty: the system's
    RecentFiles,    ///< newest first
    RecentLimit,    ///< 0 … 50
    LastFolder,     ///< of file dialogs
    WindowGeometry, ///< bytes of QWidget::saveGeometry
    DockStates,     ///< map: page → bytes of QMainWindow::saveState
    Threads,        ///< of jobs; 0: all cores
    SampleSize,     ///< samples behind the live accuracy
    Reference,      ///< id of the configuration that deltas refer to
};

class Settings {
public:
    /// The account's own file.
    Settings();
    /// Forgotten when it goes: for tests and pictures.
    [[nodiscard]] static std::unique_ptr<Settings> temporary();
    ~Settings();
    Settings(const Settings&) = delete;
    Settings& operator=(const Settings&) = delete;
    Settings(Settings&&) = delete;
    Settings& operator=(Settings&&) = delete;

    /// The stored value, or the default where there is none or its type does not fit.
    [[nodiscard]] QVariant value(Setting key) const;
    void set(Setting key, const QVariant& value);
    void resetToDefaults();

    /// Puts the file on top of the recent ones.
    void addRecentFile(const QString& path);
    void removeRecentFile(const QString& path);
    [[nodiscard]] QStringList recentFiles() const;

private:
    struct Temporary;
    explicit Settings(std::unique_ptr<Temporary> place);

    std::unique_ptr<Temporary> m_temporary; ///< null for the account's file
    std::unique_ptr<QSettings> m_store;
};

} // namespace bitscape::app
