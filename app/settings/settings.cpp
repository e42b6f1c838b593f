// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/settings/settings.h"

#include <QTemporaryDir>

#include <array>

namespace bitscape::app {

namespace {

constexpr int kVersion = 1;

struct Row {
    Setting key;
    const char* name;
    QVariant otherwise;
};

const Row& rowOf(Setting key)
{
    static const std::array rows{
        Row{Setting::Theme, "general/theme", QStringLiteral("light")},
        Row{Setting::Language, "general/language", QString()},
        Row{Setting::RecentFiles, "files/recent", QStringList()},
        Row{Setting::RecentLimit, "files/recentLimit", 10},
        Row{Setting::LastFolder, "files/lastFolder", QString()},
        Row{Setting::WindowGeometry, "window/geometry", QByteArray()},
        Row{Setting::DockStates, "window/docks", QVariantMap()},
        Row{Setting::Threads, "engine/threads", 0},
        Row{Setting::SampleSize, "editing/sampleSize", 500},
        Row{Setting::Reference, "view/reference", QStringLiteral("uniform8")},
    };
    const Row& row = rows[static_cast<std::size_t>(key)];
    Q_ASSERT(row.key == key);
    return row;
}

} // namespace

struct Settings::Temporary {
    QTemporaryDir folder;
};

Settings::Settings() : m_store(std::make_unique<QSettings>())
{
    m_store->setValue(QLatin1StringView("version"), kVersion);
}

Settings::Settings(std::unique_ptr<Temporary> place)
    : m_temporary(std::move(place)),
      m_store(std::make_unique<QSettings>(
          m_temporary->folder.filePath(QStringLiteral("settings.ini")), QSettings::IniFormat))
{
}

std::unique_ptr<Settings> Settings::temporary()
{
    return std::unique_ptr<Settings>(new Settings(std::make_unique<Temporary>()));
}

Settings::~Settings() = default;

QVariant Settings::value(Setting key) const
{
    const Row& row = rowOf(key);
    QVariant stored = m_store->value(QLatin1StringView(row.name), row.otherwise);
    // Text files keep numbers as text and lists of one as text.
    return stored.convert(row.otherwise.metaType()) ? stored : row.otherwise;
}

void Settings::set(Setting key, const QVariant& value)
{
    m_store->setValue(QLatin1StringView(rowOf(key).name), value);
}

void Settings::resetToDefaults()
{
    m_store->clear();
}

QStringList Settings::recentFiles() const
{
    return value(Setting::RecentFiles).toStringList();
}

void Settings::addRecentFile(const QString& path)
{
    QStringList files = recentFiles();
    files.removeAll(path);
    files.prepend(path);
    const int limit = qBound(0, value(Setting::RecentLimit).toInt(), 50);
    while (files.size() > limit) {
        files.removeLast();
    }
    set(Setting::RecentFiles, files);
}

void Settings::removeRecentFile(const QString& path)
{
    QStringList files = recentFiles();
    files.removeAll(path);
    set(Setting::RecentFiles, files);
}

} // namespace bitscape::app
