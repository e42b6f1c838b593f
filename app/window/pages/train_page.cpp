// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/pages/page_parts.h"
#include "app/window/pages/pages.h"
#include "widgets/panels/data_table.h"
#include "widgets/panels/job_line.h"
#include "widgets/plots/training_plot.h"
#include "widgets/style/format.h"

#include <QComboBox>
#include <QFormLayout>
#include <QLabel>
#include <QLineEdit>
#include <QSpinBox>
#include <QSplitter>
#include <QVBoxLayout>

#include <limits>

namespace bitscape::app {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// A ready set-up.
struct Recipe {
    const char* title;
    int epochs;
    int batch;
    const char* optimizer;
};

constexpr std::array kRecipes{
    Recipe{QT_TRANSLATE_NOOP("bitscape::app::TrainPage", "Fine-tune, 1 epoch"), 1, 32,
           "adam(0.0001)"},
    Recipe{QT_TRANSLATE_NOOP("bitscape::app::TrainPage", "Training, 5 epochs"), 5, 32,
           "adam(0.001)"},
    Recipe{QT_TRANSLATE_NOOP("bitscape::app::TrainPage", "QAT, 10 epochs"), 10, 64, "adam(0.001)"},
};

class TrainPage final : public Page {
    Q_OBJECT
public:
    TrainPage(Context& context, QWidget* parent);
    [[nodiscard]] QStringList status() const override;
    [[nodiscard]] bool concerns(JobKind kind) const override { return kind == JobKind::Train; }

private:
    [[nodiscard]] QWidget* makeSetup();
    void takeRecipe(int index);
    void start();
    void showRun();
    void showState();

    DataLine* m_data;
    QComboBox* m_recipe;
    QLabel* m_from;
    QSpinBox* m_epochs;
    QSpinBox* m_batch;
    QLineEdit* m_optimizer;
    QSpinBox* m_seed;
    widgets::JobLine* m_run;
    widgets::TrainingPlot* m_plot;
    widgets::DataTable* m_table;
};

TrainPage::TrainPage(Context& context, QWidget* parent)
    : Page(context, "train", parent), m_data(new DataLine(context, this)),
      m_recipe(new QComboBox(this)), m_from(new QLabel(this)), m_epochs(new QSpinBox(this)),
      m_batch(new QSpinBox(this)), m_optimizer(new QLineEdit(this)), m_seed(new QSpinBox(this)),
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
    takeRecipe(1);
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
    auto* panel = new QWidget(this);
    auto* form = new QFormLayout;
    form->setLabelAlignment(Qt::AlignRight | Qt::AlignVCenter);
    form->setHorizontalSpacing(10);
    form->setVerticalSpacing(8);
    for (const Recipe& recipe : kRecipes) {
        m_recipe->addItem(tr(recipe.title));
    }
    m_recipe->setCurrentIndex(1);
    m_epochs->setRange(1, 10000);
    m_batch->setRange(1, 65536);
    m_seed->setRange(0, std::numeric_limits<int>::max());
    m_optimizer->setToolTip(tr("As Keras writes it: sgd(0.01, momentum=0.9), adam(0.001)"));
    m_from->setWordWrap(true);
    addRow(*form, tr("Preset"), m_recipe);
    form->addRow(tr("Start from"), m_from);
    addRow(*form, tr("Epochs"), m_epochs);
    addRow(*form, tr("Batch"), m_batch);
    addRow(*form, tr("Optimizer"), m_optimizer);
    addRow(*form, tr("Seed"), m_seed);
    auto* note = new QLabel(
        tr("The result is a new configuration with its own weights: one undo step."), panel);
    note->setWordWrap(true);
    note->setProperty("tone", QStringLiteral("second"));
    auto* layout = new QVBoxLayout(panel);
    layout->setContentsMargins(12, 12, 12, 12);
    layout->setSpacing(10);
    layout->addWidget(m_data);
    layout->addLayout(form);
    layout->addWidget(m_run);
    layout->addWidget(note);
    layout->addStretch(1);
    panel->setMinimumWidth(320);
    connect(m_recipe, &QComboBox::activated, this, &TrainPage::takeRecipe);
    connect(m_run, &widgets::JobLine::startRequested, this, &TrainPage::start);
    connect(m_run, &widgets::JobLine::stopRequested, this,
            [this] { context().jobs.stop(JobKind::Train); });
    return panel;
}

void TrainPage::takeRecipe(int index)
{
    const Recipe& recipe = kRecipes[static_cast<std::size_t>(index)];
    m_epochs->setValue(recipe.epochs);
    m_batch->setValue(recipe.batch);
    m_optimizer->setText(QLatin1StringView(recipe.optimizer));
}

void TrainPage::start()
{
    train::TrainOptions options;
    options.epochs = m_epochs->value();
    options.batch = m_batch->value();
    options.optimizer = m_optimizer->text().toStdString();
    options.seed = static_cast<std::uint64_t>(m_seed->value());
    banner().dismiss();
    context().activities.train(options);
}

void TrainPage::showState()
{
    const bool hasModel = !project().isEmpty();
    m_from->setText(
        hasModel ? QString::fromStdString(project().currentConfiguration().configuration.name)
                 : QStringLiteral("—"));
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
    shown.epochs = shown.isRunning ? m_epochs->value() : static_cast<int>(history->size());
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
