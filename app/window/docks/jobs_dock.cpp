// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/docks/docks.h"
#include "app/window/log.h"
#include "widgets/panels/data_table.h"
#include "widgets/style/format.h"

#include <QCoreApplication>
#include <QHBoxLayout>
#include <QLocale>
#include <QPushButton>
#include <QVBoxLayout>

namespace bitscape::app {

using widgets::Cell;
using widgets::textCell;
using widgets::Tone;

namespace {

QString words(const char* source)
{
    return QCoreApplication::translate("docks", source);
}

Cell stateCell(JobState state)
{
    switch (state) {
    case JobState::Running:
        return textCell(words(QT_TRANSLATE_NOOP("docks", "running")));
    case JobState::Stopping:
        return textCell(words(QT_TRANSLATE_NOOP("docks", "stopping")), Tone::Warning);
    case JobState::Done:
        return textCell(words(QT_TRANSLATE_NOOP("docks", "done")), Tone::Good);
    case JobState::Stopped:
        return textCell(words(QT_TRANSLATE_NOOP("docks", "stopped")), Tone::Second);
    case JobState::Failed:
        return textCell(words(QT_TRANSLATE_NOOP("docks", "failed")), Tone::Error);
    }
    return {};
}

Cell jobCell(const JobEntry& job, int column)
{
    switch (column) {
    case 0:
        return textCell(job.title);
    case 1:
        return stateCell(job.state);
    case 2: {
        Cell cell = textCell(
            job.outcome.isEmpty() && job.progress.total > 0 ? describe(job.progress) : job.outcome);
        if (job.state == JobState::Running && job.progress.total > 0) {
            cell.bar =
                static_cast<double>(job.progress.done) / static_cast<double>(job.progress.total);
        }
        return cell;
    }
    case 3:
        return textCell(widgets::duration(job.progress.elapsedSeconds));
    case 4: {
        Cell cell = textCell(QLocale().toString(job.started.time(), QLocale::ShortFormat));
        cell.sort = job.started;
        return cell;
    }
    default:
        return {};
    }
}

class JobsPanel final : public QWidget {
public:
    JobsPanel(Context& context, QWidget* parent)
        : QWidget(parent), m_jobs(context.jobs),
          m_table(new widgets::DataTable(
              {{words(QT_TRANSLATE_NOOP("docks", "Job")), 260, false},
               {words(QT_TRANSLATE_NOOP("docks", "State")), 90, false},
               {words(QT_TRANSLATE_NOOP("docks", "Progress")), 340, false},
               {words(QT_TRANSLATE_NOOP("docks", "Time")), 80, true},
               {words(QT_TRANSLATE_NOOP("docks", "Started")), 90, true}},
              QStringLiteral("jobsTable"), words(QT_TRANSLATE_NOOP("docks", "Jobs")), this))
    {
        setObjectName(QStringLiteral("jobs"));
        auto* layout = new QVBoxLayout(this);
        layout->setContentsMargins(0, 0, 0, 0);
        layout->addWidget(m_table);
        const auto refresh = [this] { showJobs(); };
        connect(&m_jobs, &Jobs::started, this, refresh);
        connect(&m_jobs, &Jobs::progressed, this, refresh);
        connect(&m_jobs, &Jobs::ended, this, refresh);
    }

private:
    void showJobs()
    {
        // Copied, since entries move when a job is added.
        const auto entries = std::make_shared<const std::deque<JobEntry>>(m_jobs.entries());
        m_table->setRows(
            static_cast<int>(entries->size()),
            [entries](int row, int column) {
                return jobCell((*entries)[static_cast<std::size_t>(row)], column);
            },
            [entries](int row) { return QVariant((*entries)[static_cast<std::size_t>(row)].id); });
    }

    Jobs& m_jobs;
    widgets::DataTable* m_table;
};

Cell logCell(const LogLine& line, int column)
{
    switch (column) {
    case 0: {
        Cell cell = textCell(line.time.toString(QStringLiteral("HH:mm:ss.zzz")));
        cell.sort = line.time;
        return cell;
    }
    case 1:
        switch (line.level) {
        case LogLevel::Info:
            return textCell(QStringLiteral("info"), Tone::Second);
        case LogLevel::Warning:
            return textCell(QStringLiteral("warning"), Tone::Warning);
        case LogLevel::Error:
            return textCell(QStringLiteral("error"), Tone::Error);
        }
        return {};
    case 2:
        return textCell(line.part, Tone::Second);
    default: {
        Cell cell = textCell(line.text.simplified());
        cell.toolTip = line.text;
        return cell;
    }
    }
}

class LogPanel final : public QWidget {
public:
    explicit LogPanel(QWidget* parent)
        : QWidget(parent),
          m_table(new widgets::DataTable({{words(QT_TRANSLATE_NOOP("docks", "Time")), 100, false},
                                          {words(QT_TRANSLATE_NOOP("docks", "Level")), 80, false},
                                          {words(QT_TRANSLATE_NOOP("docks", "Part")), 90, false},
                                          {words(QT_TRANSLATE_NOOP("docks", "Text")), 600, false}},
                                         QStringLiteral("logTable"),
                                         words(QT_TRANSLATE_NOOP("docks", "Log")), this))
    {
        setObjectName(QStringLiteral("log"));
        auto* layout = new QVBoxLayout(this);
        layout->setContentsMargins(0, 0, 0, 0);
        layout->addWidget(m_table);
        connect(&Log::instance(), &Log::changed, this, [this] { showLines(); });
        showLines();
    }

private:
    void showLines()
    {
        const auto lines = std::make_shared<const std::vector<LogLine>>(Log::instance().lines());
        m_table->setRows(static_cast<int>(lines->size()), [lines](int row, int column) {
            return logCell((*lines)[static_cast<std::size_t>(row)], column);
        });
        m_table->scrollToBottom();
    }

    widgets::DataTable* m_table;
};

} // namespace

QWidget* makeJobsDock(Context& context, QWidget* parent)
{
    return new JobsPanel(context, parent);
}

QWidget* makeLogDock(Context&, QWidget* parent)
{
    return new LogPanel(parent);
}

} // namespace bitscape::app
