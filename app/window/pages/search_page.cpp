// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/errors/sentence.h"
#include "app/window/pages/page_parts.h"
#include "app/window/pages/pages.h"
#include "app/window/pages/pareto_data.h"
#include "app/window/pages/search_setup.h"
#include "app/window/trial_card.h"
#include "app/window/trials.h"
#include "widgets/panels/job_line.h"
#include "widgets/plots/pareto_plot.h"
#include "widgets/plots/search_progress_plot.h"

#include <QLabel>
#include <QPushButton>
#include <QSplitter>
#include <QVBoxLayout>

#include <limits>

namespace bitscape::app {

namespace {

class SearchPage final : public Page {
    Q_OBJECT
public:
    SearchPage(Context& context, QWidget* parent);
    [[nodiscard]] QStringList status() const override;
    [[nodiscard]] bool concerns(JobKind kind) const override { return kind == JobKind::Search; }

private:
    [[nodiscard]] QWidget* makeRun();
    void start();
    void showState();
    void showTrials();
    [[nodiscard]] QString startReason() const;

    SearchSetup* m_setup;
    widgets::JobLine* m_run;
    QPushButton* m_resume;
    QLabel* m_heading;
    widgets::ParetoPlot* m_front;
    widgets::SearchProgressPlot* m_best;
    TrialCard* m_card;
};

SearchPage::SearchPage(Context& context, QWidget* parent)
    : Page(context, "search", parent), m_setup(new SearchSetup(context, this)),
      m_run(new widgets::JobLine(tr("Start search"), tr("Stop and keep"), this)),
      m_resume(new QPushButton(tr("Go on with it"), this)), m_heading(heading({}, this)),
      m_front(new widgets::ParetoPlot(widgets::CostMetric::Energy, this)),
      m_best(new widgets::SearchProgressPlot(this)), m_card(new TrialCard(context, true, this))
{
    m_front->setObjectName(QStringLiteral("liveFrontPlot"));
    m_best->setObjectName(QStringLiteral("bestSoFarPlot"));
    m_front->setEmptyText(tr("Trials appear here as they finish."));
    auto* left = new QWidget(this);
    auto* leftLayout = new QVBoxLayout(left);
    leftLayout->setContentsMargins(12, 10, 12, 10);
    leftLayout->setSpacing(10);
    leftLayout->addWidget(m_setup, 1);
    auto* split = new QSplitter(this);
    split->addWidget(left);
    split->addWidget(makeRun());
    split->addWidget(m_card);
    split->setStretchFactor(1, 1);
    split->setSizes({360, 900, 310});
    split->setChildrenCollapsible(false);
    body().addWidget(split, 1);
    const auto select = [this](int number) {
        if (const auto study = newestStudy(this->context().activities)) {
            this->context().selection.setTrial(TrialId{study->description.name, number});
        }
    };
    connect(m_front, &widgets::ParetoPlot::trialClicked, this, select);
    connect(m_best, &widgets::SearchProgressPlot::trialClicked, this, select);
    connect(m_run, &widgets::JobLine::startRequested, this, &SearchPage::start);
    connect(m_run, &widgets::JobLine::stopRequested, this,
            [this] { this->context().jobs.stop(JobKind::Search); });
    connect(m_resume, &QPushButton::clicked, this, [this] {
        if (const auto study = newestStudy(this->context().activities)) {
            banner().dismiss();
            this->context().activities.resume(study);
        }
    });
    connect(m_setup, &SearchSetup::changed, this, &SearchPage::showState);
    const auto state = [this] { showState(); };
    connect(&context.jobs, &Jobs::started, this, state);
    connect(&context.jobs, &Jobs::progressed, this, state);
    connect(&context.jobs, &Jobs::ended, this, state);
    connect(&context.document, &Document::projectChanged, this, [this] {
        showState();
        showTrials();
    });
    connect(&context.activities, &Activities::studyProgressed, this, [this] {
        showState();
        showTrials();
    });
    connect(&context.selection, &Selection::trialChanged, this, [this] {
        const auto& trial = this->context().selection.trial();
        m_front->setSelected(trial ? std::vector<int>{trial->number} : std::vector<int>{});
    });
    showState();
    showTrials();
}

QWidget* SearchPage::makeRun()
{
    auto* area = new QWidget(this);
    auto* head = new QFrame(area);
    head->setProperty("panelBar", true);
    auto* headLayout = new QVBoxLayout(head);
    headLayout->setContentsMargins(12, 8, 12, 8);
    headLayout->setSpacing(6);
    auto* line = new QHBoxLayout;
    line->addWidget(m_heading, 1);
    line->addWidget(m_resume);
    headLayout->addLayout(line);
    headLayout->addWidget(m_run);
    auto* layout = new QVBoxLayout(area);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(1);
    layout->addWidget(head);
    layout->addWidget(m_front, 3);
    layout->addWidget(m_best, 2);
    return area;
}

void SearchPage::start()
{
    auto description = m_setup->description();
    if (!description) {
        banner().showMessage(messageOf(description.error()));
        return;
    }
    banner().dismiss();
    context().selection.setTrial(std::nullopt);
    context().activities.search(*description);
}

QString SearchPage::startReason() const
{
    if (project().isEmpty()) {
        return tr("Open a model first.");
    }
    return project().data ? m_setup->problem() : tr("Open a data set first.");
}

void SearchPage::showState()
{
    const bool isRunning = context().jobs.isRunning(JobKind::Search);
    const auto study = newestStudy(context().activities);
    m_setup->setEnabled(!isRunning && !project().isEmpty());
    m_run->setStartReason(startReason());
    if (isRunning) {
        const Progress progress = context().jobs.progress(JobKind::Search);
        m_run->setRunning(shareOf(progress), describe(progress));
    } else {
        m_run->setIdle();
    }
    const bool canResume =
        !isRunning && study && static_cast<int>(study->trials.size()) < study->description.trials;
    m_resume->setVisible(canResume);
    if (!study) {
        m_heading->setText(tr("No study yet"));
    } else {
        m_heading->setText(tr("%1: %2 of %3 trials")
                               .arg(QString::fromStdString(study->description.name))
                               .arg(study->trials.size())
                               .arg(study->description.trials));
    }
    Q_EMIT statusChanged();
}

void SearchPage::showTrials()
{
    const auto study = newestStudy(context().activities);
    m_front->setData(paretoData(context(), study.get()));
    widgets::SearchProgressData shown;
    shown.isMinimized = false;
    shown.quantity = tr("AutoQ score").toStdString();
    shown.decimals = 4;
    shown.isRunning = context().jobs.isRunning(JobKind::Search);
    if (study) {
        shown.plannedTrials = study->description.trials;
        for (const search::Trial& trial : study->trials) {
            const bool isComplete = trial.state == search::TrialState::Complete;
            shown.trials.push_back(
                {trial.number, isComplete ? trial.score : std::numeric_limits<double>::quiet_NaN(),
                 isComplete});
        }
    }
    m_best->setData(shown);
}

QStringList SearchPage::status() const
{
    const auto study = newestStudy(context().activities);
    if (!study) {
        return {};
    }
    return {tr("Goal: %1, seed %2")
                .arg(QString::fromStdString(study->description.goal))
                .arg(study->description.seed)};
}

} // namespace

Page* makeSearchPage(Context& context, QWidget* parent)
{
    return new SearchPage(context, parent);
}

} // namespace bitscape::app

#include "search_page.moc"
