// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/pages/page_parts.h"
#include "app/window/pages/pages.h"
#include "app/window/pages/pareto_data.h"
#include "app/window/trial_card.h"
#include "app/window/trials.h"
#include "widgets/panels/empty_state.h"
#include "widgets/plots/hypervolume_plot.h"
#include "widgets/plots/pareto_plot.h"
#include "widgets/style/format.h"

#include <QComboBox>
#include <QFrame>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QSplitter>
#include <QStackedLayout>

#include <array>

namespace bitscape::app {

namespace {

using widgets::CostMetric;
using widgets::ParetoPlot;

class ExplorePage final : public Page {
    Q_OBJECT
public:
    ExplorePage(Context& context, QWidget* parent);
    [[nodiscard]] QStringList status() const override;
    [[nodiscard]] bool concerns(JobKind kind) const override { return kind == JobKind::Search; }

private:
    [[nodiscard]] QWidget* makeBar();
    [[nodiscard]] QWidget* makePlots();
    void showStudies();
    void showTrials();
    void showSelection();
    void followBrush(const ParetoPlot& source);
    [[nodiscard]] std::shared_ptr<const search::Study> shownStudy() const;

    QComboBox* m_study;
    QLabel* m_brush;
    std::array<ParetoPlot*, 3> m_plots;
    widgets::HypervolumePlot* m_hypervolume;
    TrialCard* m_card;
    widgets::EmptyState* m_empty;
    QStackedLayout* m_stack;
};

ExplorePage::ExplorePage(Context& context, QWidget* parent)
    : Page(context, "explore", parent), m_study(new QComboBox(this)),
      m_brush(new QLabel(this)), m_plots{new ParetoPlot(CostMetric::Energy, this),
                                         new ParetoPlot(CostMetric::Latency, this),
                                         new ParetoPlot(CostMetric::Memory, this)},
      m_hypervolume(new widgets::HypervolumePlot(this)),
      m_card(new TrialCard(context, false, this)), m_empty(new widgets::EmptyState(this)),
      m_stack(new QStackedLayout)
{
    m_plots[0]->setObjectName(QStringLiteral("accuracyEnergyPlot"));
    m_plots[1]->setObjectName(QStringLiteral("accuracyLatencyPlot"));
    m_plots[2]->setObjectName(QStringLiteral("accuracyMemoryPlot"));
    m_hypervolume->setObjectName(QStringLiteral("hypervolumePlot"));
    auto* full = new QWidget(this);
    auto* fullLayout = new QVBoxLayout(full);
    fullLayout->setContentsMargins(0, 0, 0, 0);
    fullLayout->setSpacing(0);
    fullLayout->addWidget(makeBar());
    auto* split = new QSplitter(full);
    split->addWidget(makePlots());
    split->addWidget(m_card);
    split->setStretchFactor(0, 1);
    split->setSizes({1000, 320});
    split->setChildrenCollapsible(false);
    fullLayout->addWidget(split, 1);
    m_stack->addWidget(m_empty);
    m_stack->addWidget(full);
    body().addLayout(m_stack, 1);
    connect(m_empty, &widgets::EmptyState::actionRequested, this,
            [this] { this->context().showPage("search"); });
    connect(m_study, &QComboBox::activated, this, &ExplorePage::showTrials);
    connect(&context.activities, &Activities::studyProgressed, this, &ExplorePage::showStudies);
    connect(&context.selection, &Selection::trialChanged, this, &ExplorePage::showSelection);
    connect(&context.derived, &Derived::qualityChanged, this, &ExplorePage::showTrials);
    connect(&context.derived, &Derived::figuresChanged, this, &ExplorePage::showStudies);
    showStudies();
}

QWidget* ExplorePage::makeBar()
{
    auto* bar = new QFrame(this);
    bar->setProperty("panelBar", true);
    auto* layout = new QHBoxLayout(bar);
    layout->setContentsMargins(8, 5, 8, 5);
    layout->setSpacing(8);
    m_study->setObjectName(QStringLiteral("studyBox"));
    m_study->setAccessibleName(tr("Study"));
    m_study->setMinimumWidth(180);
    m_brush->setProperty("tone", QStringLiteral("second"));
    layout->addWidget(new QLabel(tr("Study"), bar));
    layout->addWidget(m_study);
    layout->addSpacing(12);
    layout->addWidget(m_brush);
    layout->addStretch(1);
    auto* hint = new QLabel(tr("Drag: brush   Click: select   Wheel: zoom   T: as table"), bar);
    hint->setProperty("tone", QStringLiteral("second"));
    layout->addWidget(hint);
    return bar;
}

QWidget* ExplorePage::makePlots()
{
    auto* area = new QWidget(this);
    auto* grid = new QGridLayout(area);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setSpacing(1);
    grid->addWidget(m_plots[0], 0, 0);
    grid->addWidget(m_plots[1], 0, 1);
    grid->addWidget(m_plots[2], 1, 0);
    grid->addWidget(m_hypervolume, 1, 1);
    for (int i = 0; i < 2; ++i) {
        grid->setRowStretch(i, 1);
        grid->setColumnStretch(i, 1);
    }
    m_plots[0]->setLegendVisible(false);
    m_plots[1]->setLegendVisible(false);
    for (ParetoPlot* plot : m_plots) {
        connect(plot, &ParetoPlot::trialClicked, this, [this](int number) {
            if (const auto study = shownStudy()) {
                context().selection.setTrial(TrialId{study->description.name, number});
            }
        });
        connect(plot, &ParetoPlot::brushChanged, this, [this, plot] { followBrush(*plot); });
    }
    return area;
}

std::shared_ptr<const search::Study> ExplorePage::shownStudy() const
{
    const std::string name = m_study->currentText().toStdString();
    for (const auto& study : context().activities.studies()) {
        if (study->description.name == name) {
            return study;
        }
    }
    return nullptr;
}

void ExplorePage::showStudies()
{
    const QString before = m_study->currentText();
    const auto studies = context().activities.studies();
    m_study->clear();
    for (const auto& study : studies) {
        m_study->addItem(QString::fromStdString(study->description.name));
    }
    const int same = m_study->findText(before);
    const bool isLive = context().activities.liveStudy() != nullptr;
    m_study->setCurrentIndex(same >= 0 && !isLive ? same : m_study->count() - 1);
    const bool hasTrials = !project().isEmpty() && !studies.empty();
    if (project().isEmpty()) {
        m_empty->setTexts(tr("No model yet. Open one, or try the built-in sample."), {});
    } else {
        m_empty->setTexts(tr("No trials yet. A search tries configurations and shows them here."),
                          tr("Set up a search"));
    }
    m_stack->setCurrentIndex(hasTrials ? 1 : 0);
    showTrials();
}

void ExplorePage::showTrials()
{
    const auto study = shownStudy();
    const widgets::ParetoData trials = paretoData(context(), study.get());
    for (ParetoPlot* plot : m_plots) {
        plot->setData(trials);
    }
    widgets::HypervolumeData volume;
    if (study) {
        volume.studyName = study->description.name;
        volume.referencePoint = tr("bits of the reference, accuracy 0").toStdString();
        // Each point costs a pass over the trials before it: so many are as smooth as a line gets.
        constexpr std::size_t kMostPoints = 120;
        const std::size_t every = study->trials.size() / kMostPoints + 1;
        search::Study part;
        part.description = study->description;
        part.referenceSize = study->referenceSize;
        for (const search::Trial& trial : study->trials) {
            part.trials.push_back(trial);
            if (part.trials.size() % every == 0 || part.trials.size() == study->trials.size()) {
                volume.points.push_back({static_cast<int>(part.trials.size()), part.hypervolume()});
            }
        }
    }
    m_hypervolume->setData(volume);
    showSelection();
    Q_EMIT statusChanged();
}

void ExplorePage::showSelection()
{
    const auto& trial = context().selection.trial();
    const auto study = shownStudy();
    const bool isHere = trial && study && study->description.name == trial->study;
    for (ParetoPlot* plot : m_plots) {
        plot->setSelected(isHere ? std::vector<int>{trial->number} : std::vector<int>{});
    }
    Q_EMIT statusChanged();
}

void ExplorePage::followBrush(const ParetoPlot& source)
{
    const std::vector<int> inside = source.brushedTrials();
    for (ParetoPlot* plot : m_plots) {
        if (plot != &source) {
            plot->setHighlighted(inside);
        }
    }
    const auto study = shownStudy();
    m_brush->setText(source.brush().empty() || !study
                         ? QString()
                         : tr("Brush: %1 of %2 trials")
                               .arg(widgets::integer(static_cast<qint64>(inside.size())),
                                    widgets::integer(static_cast<qint64>(study->trials.size()))));
}

QStringList ExplorePage::status() const
{
    QStringList texts;
    if (const auto study = shownStudy()) {
        texts << tr("%1: %n trial(s), %2 on the front", "", static_cast<int>(study->trials.size()))
                     .arg(QString::fromStdString(study->description.name))
                     .arg(study->front().size());
    }
    if (const auto& trial = context().selection.trial()) {
        texts << tr("Selected: trial %1").arg(trial->number);
    }
    return texts;
}

} // namespace

Page* makeExplorePage(Context& context, QWidget* parent)
{
    return new ExplorePage(context, parent);
}

} // namespace bitscape::app

#include "explore_page.moc"
