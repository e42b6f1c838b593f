// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/pages/page_parts.h"
#include "app/window/pages/pages.h"
#include "app/window/pages/train_setup.h"
#include "widgets/panels/data_table.h"
#include "widgets/panels/job_line.h"
#include "widgets/plots/training_plot.h"
#include "widgets/style/format.h"

#include <QLabel>
#include <QScrollArea>
#include <QSplitter>
#include <QVBoxLayout>

#include <limits>

namespace bitscape::app {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

class TrainPage final : public Page {
    Q_OBJECT
public:
    TrainPage(Context& context, QWidget* parent);
    [[nodiscard]] QStringList status() const override;
    [[nodiscard]] bool concerns(JobKind kind) const override { return kind == JobKind::Train; }

private:
    [[nodiscard]] QWidget* makeSetup();
    void start();
    void showRun();
    void showState();

    DataLine* m_data;
    TrainSetup* m_setup;
    widgets::JobLine* m_run;
    widgets::TrainingPlot* m_plot;
    widgets::DataTable* m_table;
};

TrainPage::TrainPage(Context& context, QWidget* parent)
    : Page(context, "train", parent), m_data(new DataLine(context, this)),
      m_setup(new TrainSetup(context, this)),
      m_run(new widgets::JobLine(tr("Start training"), tr("Stop and keep"), this)),
      m_plot(new widgets::TrainingPlot(this)),
      m_table(new widgets::DataTable({{tr("Epoch"), 70},
                                      {tr("Steps"), 80},
                                      {tr("Loss"), 90},
                                      {tr("Accuracy %"), 100},
                                      {tr("Validation loss"), 120},
                                      {tr("Validation accuracy %"), 160}},
                                     QStringLiteral("epochsTable"), tr("Epochs"), this))
{
    auto* split = new QSplitter(this);
    split->addWidget(makeSetup());
    auto* right = new QSplitter(Qt::Vertical, split);
    m_plot->setObjectName(QStringLiteral("trainingPlot"));
    right->addWidget(m_plot);
    right->addWidget(m_table);
    right->setStretchFactor(0, 3);
    right->setStretchFactor(1, 1);
    split->addWidget(right);
    split->setStretchFactor(1, 1);
    split->setSizes({360, 1000});
    body().addWidget(split, 1);
    connect(&context.activities, &Activities::trainingProgressed, this, &TrainPage::showRun);
    connect(&context.document, &Document::projectChanged, this, [this] {
        showState();
        showRun();
    });
    const auto state = [this] { showState(); };
    connect(&context.jobs, &Jobs::started, this, state);
    connect(&context.jobs, &Jobs::progressed, this, state);
    connect(&context.jobs, &Jobs::ended, this, [this] {
        showState();
        showRun();
    });
    showState();
    showRun();
}

QWidget* TrainPage::makeSetup()
{
    auto* area = new QScrollArea(this);
    auto* panel = new QWidget(area);
    auto* note = new QLabel(
        tr("The result is a new configuration with its own weights: one undo step."), panel);
    note->setWordWrap(true);
    note->setProperty("tone", QStringLiteral("second"));
    auto* layout = new QVBoxLayout(panel);
    layout->setContentsMargins(12, 12, 12, 12);
    layout->setSpacing(10);
    layout->addWidget(m_data);
    layout->addWidget(m_setup);
    layout->addWidget(m_run);
    layout->addWidget(note);
    layout->addStretch(1);
    panel->setMinimumWidth(320);
    connect(m_run, &widgets::JobLine::startRequested, this, &TrainPage::start);
    connect(m_run, &widgets::JobLine::stopRequested, this,
            [this] { context().jobs.stop(JobKind::Train); });
    area->setWidget(panel);
    area->setWidgetResizable(true);
    area->setFrameShape(QFrame::NoFrame);
    area->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    area->setFocusPolicy(Qt::NoFocus);
    area->setMinimumWidth(panel->minimumWidth());
    return area;
}

void TrainPage::start()
{
    banner().dismiss();
    context().activities.train(m_setup->options(), m_setup->startsFresh()
                                                       ? TrainStart::FreshWeights
                                                       : TrainStart::CurrentWeights);
}

void TrainPage::showState()
{
    const bool hasModel = !project().isEmpty();
    m_run->setStartReason(!hasModel         ? tr("Open a model first.")
                          : !project().data ? tr("Open a data set first.")
                                            : QString());
    if (context().jobs.isRunning(JobKind::Train)) {
        const Progress progress = context().jobs.progress(JobKind::Train);
        m_run->setRunning(shareOf(progress), describe(progress));
    } else {
        m_run->setIdle();
    }
}

void TrainPage::showRun()
{
    const auto history =
        std::make_shared<const std::vector<train::HistoryEntry>>(context().activities.history());
    widgets::TrainingData shown;
    shown.isRunning = context().jobs.isRunning(JobKind::Train);
    shown.epochs = shown.isRunning ? m_setup->epochs() : static_cast<int>(history->size());
    for (const train::HistoryEntry& entry : *history) {
        const auto percent = [](const std::optional<double>& share) {
            return share ? *share * 100.0 : kNaN;
        };
        shown.batches.push_back(
            {static_cast<double>(entry.epoch), entry.loss, percent(entry.accuracy)});
        if (entry.validationLoss || entry.validationAccuracy) {
            shown.validation.push_back({static_cast<double>(entry.epoch),
                                        entry.validationLoss.value_or(kNaN),
                                        percent(entry.validationAccuracy)});
        }
    }
    const Accuracy exact = context().derived.floatAccuracy();
    if (exact.certainty == Certainty::Sample) {
        shown.floatMetricPercent = exact.value * 100.0;
    }
    m_plot->setData(shown);
    m_table->setRows(static_cast<int>(history->size()), [history](int row, int column) {
        const train::HistoryEntry& e = (*history)[static_cast<std::size_t>(row)];
        switch (column) {
        case 0:
            return widgets::integerCell(e.epoch);
        case 1:
            return widgets::integerCell(e.step);
        case 2:
            return widgets::numberCell(e.loss, 4);
        case 3:
            return widgets::numberCell(e.accuracy.value_or(kNaN) * 100.0, 2);
        case 4:
            return widgets::numberCell(e.validationLoss.value_or(kNaN), 4);
        default:
            return widgets::numberCell(e.validationAccuracy.value_or(kNaN) * 100.0, 2);
        }
    });
    Q_EMIT statusChanged();
}

QStringList TrainPage::status() const
{
    const int count = static_cast<int>(context().activities.history().size());
    return count > 0 ? QStringList{tr("%n epoch(s) trained", "", count)} : QStringList{};
}

} // namespace

Page* makeTrainPage(Context& context, QWidget* parent)
{
    return new TrainPage(context, parent);
}

} // namespace bitscape::app

#include "train_page.moc"
