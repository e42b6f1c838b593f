// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/edits.h"
#include "app/window/docks/docks.h"
#include "app/window/trials.h"
#include "widgets/panels/data_table.h"
#include "widgets/style/format.h"

#include <QCheckBox>
#include <QCoreApplication>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QVBoxLayout>

#include <limits>

namespace bitscape::app {

using widgets::Cell;
using widgets::integerCell;
using widgets::numberCell;
using widgets::textCell;
using widgets::Tone;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

QString words(const char* source)
{
    return QCoreApplication::translate("trials", source);
}

Cell stateCell(const search::Trial& trial)
{
    switch (trial.state) {
    case search::TrialState::Waiting:
        return textCell(words(QT_TRANSLATE_NOOP("trials", "waiting")), Tone::Second);
    case search::TrialState::Running:
        return textCell(words(QT_TRANSLATE_NOOP("trials", "running")));
    case search::TrialState::Complete:
        return textCell(words(QT_TRANSLATE_NOOP("trials", "complete")), Tone::Good);
    case search::TrialState::Failed: {
        Cell cell = textCell(words(QT_TRANSLATE_NOOP("trials", "failed")), Tone::Error);
        cell.toolTip = QString::fromStdString(trial.failure);
        return cell;
    }
    }
    return {};
}

/// What the table shows, kept while it is shown.
struct Rows {
    std::shared_ptr<const search::Study> study;
    std::vector<const search::Trial*> trials; ///< in *study
    std::vector<Figures> figures;             ///< by row
    std::set<int> front;
    graph::GraphPtr graph;
    int energyDecimals = 2;

    [[nodiscard]] Cell cell(int row, int column) const;
};

Cell Rows::cell(int row, int column) const
{
    const search::Trial& trial = *trials[static_cast<std::size_t>(row)];
    const Figures& costs = figures[static_cast<std::size_t>(row)];
    const bool isComplete = trial.state == search::TrialState::Complete;
    const auto ifComplete = [isComplete](double value, int decimals) {
        return numberCell(isComplete ? value : kNaN, decimals);
    };
    switch (column) {
    case 0:
        return integerCell(trial.number);
    case 1:
        return stateCell(trial);
    case 2: {
        Cell cell = textCell(front.contains(trial.number) ? QStringLiteral("■") : QString());
        cell.sort = front.contains(trial.number) ? 0 : 1;
        return cell;
    }
    case 3:
        return ifComplete(trial.metric * 100.0, 2);
    case 4:
        return ifComplete(trial.metricError * 100.0, 2);
    case 5:
        return numberCell(costs.error ? kNaN : costs.microjoule(), energyDecimals);
    case 6:
        return numberCell(costs.error ? kNaN : costs.milliseconds(), 3);
    case 7:
        return numberCell(costs.error ? kNaN : costs.weightKib, 1);
    case 8:
        return numberCell(costs.error ? kNaN : costs.hardware.utilization * 100.0, 1);
    case 9:
        return ifComplete(trial.score, 4);
    case 10:
        return textCell(bitsInOrder(*graph, trial.configuration, false));
    case 11:
        return textCell(bitsInOrder(*graph, trial.configuration, true));
    case 12:
        return numberCell(trial.seconds, 1);
    default:
        return textCell(QString::fromStdString(trial.failure), Tone::Error);
    }
}

class TrialsPanel final : public QWidget {
public:
    TrialsPanel(Context& context, QWidget* parent);

private:
    void showTrials();
    void apply(int number);
    [[nodiscard]] static std::vector<widgets::Column> columns();

    Context& m_context;
    QCheckBox* m_onlyFront;
    QLabel* m_count;
    widgets::DataTable* m_table;
    std::shared_ptr<const Rows> m_rows = std::make_shared<Rows>();
};

std::vector<widgets::Column> TrialsPanel::columns()
{
    return {{words(QT_TRANSLATE_NOOP("trials", "Trial")), 60},
            {words(QT_TRANSLATE_NOOP("trials", "State")), 84, false},
            {words(QT_TRANSLATE_NOOP("trials", "Front")), 54, false},
            {words(QT_TRANSLATE_NOOP("trials", "Accuracy %")), 92},
            {words(QT_TRANSLATE_NOOP("trials", "± pt")), 56, true,
             words(QT_TRANSLATE_NOOP("trials", "One standard error, in points"))},
            {words(QT_TRANSLATE_NOOP("trials", "Energy µJ")), 88, true,
             words(QT_TRANSLATE_NOOP("trials", "Estimate on the accelerator in use"))},
            {words(QT_TRANSLATE_NOOP("trials", "Latency ms")), 90},
            {words(QT_TRANSLATE_NOOP("trials", "Weights KiB")), 94},
            {words(QT_TRANSLATE_NOOP("trials", "Util. %")), 64},
            {words(QT_TRANSLATE_NOOP("trials", "AutoQ score")), 96},
            {words(QT_TRANSLATE_NOOP("trials", "Weight bits, layer order")), 170, false},
            {words(QT_TRANSLATE_NOOP("trials", "Activation bits, layer order")), 190, false},
            {words(QT_TRANSLATE_NOOP("trials", "Time s")), 64},
            {words(QT_TRANSLATE_NOOP("trials", "Note")), 160, false}};
}

TrialsPanel::TrialsPanel(Context& context, QWidget* parent)
    : QWidget(parent), m_context(context),
      m_onlyFront(new QCheckBox(words(QT_TRANSLATE_NOOP("trials", "Only front")), this)),
      m_count(new QLabel(this)),
      m_table(new widgets::DataTable(columns(), QStringLiteral("trialsTable"),
                                     words(QT_TRANSLATE_NOOP("trials", "Trials")), this))
{
    setObjectName(QStringLiteral("trials"));
    auto* hint =
        new QLabel(words(QT_TRANSLATE_NOOP("trials", "Ctrl+Enter: apply to the tree")), this);
    hint->setProperty("tone", QStringLiteral("second"));
    m_count->setProperty("tone", QStringLiteral("second"));
    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(8, 3, 8, 3);
    bar->addWidget(m_onlyFront);
    bar->addWidget(m_count);
    bar->addStretch(1);
    bar->addWidget(hint);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addLayout(bar);
    layout->addWidget(m_table, 1);
    const auto refresh = [this] { showTrials(); };
    connect(m_onlyFront, &QCheckBox::toggled, this, refresh);
    connect(&context.activities, &Activities::studyProgressed, this, refresh);
    connect(&context.document, &Document::projectChanged, this, [this](Changes changes) {
        if (changes & (Change::Model | Change::Studies | Change::Accelerator)) {
            showTrials();
        }
    });
    connect(m_table, &widgets::DataTable::idSelected, this, [this](const QVariant& id) {
        if (m_rows->study) {
            m_context.selection.setTrial(TrialId{m_rows->study->description.name, id.toInt()});
        }
    });
    connect(&context.selection, &Selection::trialChanged, this, [this] {
        const auto& trial = m_context.selection.trial();
        m_table->selectId(trial ? QVariant(trial->number) : QVariant());
    });
    auto* applyShortcut = new QAction(words(QT_TRANSLATE_NOOP("trials", "Apply to tree")), this);
    applyShortcut->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_Return));
    applyShortcut->setShortcutContext(Qt::WidgetWithChildrenShortcut);
    addAction(applyShortcut);
    connect(applyShortcut, &QAction::triggered, this, [this] {
        const QVariant id = m_table->selectedId();
        if (id.isValid()) {
            apply(id.toInt());
        }
    });
    showTrials();
}

void TrialsPanel::showTrials()
{
    auto rows = std::make_shared<Rows>();
    rows->study = newestStudy(m_context.activities);
    if (rows->study && !m_context.document.isEmpty()) {
        rows->graph = m_context.document.project().model->graph;
        rows->front = frontOf(*rows->study);
        // Newest on top.
        for (auto trial = rows->study->trials.rbegin(); trial != rows->study->trials.rend();
             ++trial) {
            if (!m_onlyFront->isChecked() || rows->front.contains(trial->number)) {
                rows->trials.push_back(&*trial);
                rows->figures.push_back(m_context.derived.figuresOfTrial(*trial));
            }
        }
    }
    double largest = 0.0;
    for (const Figures& costs : rows->figures) {
        largest = std::max(largest, costs.microjoule());
    }
    rows->energyDecimals = widgets::usefulDecimals(largest, 2);
    m_rows = rows;
    m_table->setRows(
        static_cast<int>(rows->trials.size()),
        [rows](int row, int column) { return rows->cell(row, column); },
        [rows](int row) { return QVariant(rows->trials[static_cast<std::size_t>(row)]->number); });
    m_count->setText(
        rows->study ? words(QT_TRANSLATE_NOOP("trials", "Showing %1 of %2 trials"))
                          .arg(widgets::integer(static_cast<qint64>(rows->trials.size())),
                               widgets::integer(static_cast<qint64>(rows->study->trials.size())))
                    : words(QT_TRANSLATE_NOOP("trials", "No trials yet.")));
    if (const auto& trial = m_context.selection.trial()) {
        m_table->selectId(trial->number);
    }
}

void TrialsPanel::apply(int number)
{
    if (!m_rows->study) {
        return;
    }
    const auto found =
        findTrial(m_context.activities, TrialId{m_rows->study->description.name, number});
    if (found && found->trial->state == search::TrialState::Complete) {
        applyTrial(m_context.document, *found->study, *found->trial);
    }
}

} // namespace

QWidget* makeTrialsDock(Context& context, QWidget* parent)
{
    return new TrialsPanel(context, parent);
}

} // namespace bitscape::app
