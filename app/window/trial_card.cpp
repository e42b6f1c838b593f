// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/trial_card.h"

#include "app/document/edits.h"
#include "app/window/pages/page_parts.h"
#include "app/window/strip.h"
#include "app/window/trials.h"
#include "widgets/panels/data_table.h"
#include "widgets/style/format.h"

#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

namespace bitscape::app {

namespace {

struct Line {
    QString metric, value;
    Delta delta;
};

std::vector<Line> linesOf(const search::Trial& trial, const Figures& costs, const Figures& now,
                          const Accuracy& accuracy)
{
    const auto text = [](double value, int decimals, const QString& unit) {
        return QStringLiteral("%1 %2").arg(
            widgets::number(value, widgets::usefulDecimals(value, decimals)), unit);
    };
    const bool isKnown =
        accuracy.certainty == Certainty::Exact || accuracy.certainty == Certainty::Sample;
    std::vector<Line> lines{
        {TrialCard::tr("Accuracy (validation)"), text(trial.metric * 100.0, 2, QStringLiteral("%")),
         isKnown ? shareDelta(trial.metric, accuracy.value, trial.metricError) : Delta{}},
        {TrialCard::tr("Weights, packed"), text(costs.weightKib, 1, QStringLiteral("KiB")),
         costDelta(costs.weightKib, now.weightKib)}};
    if (!costs.error && !now.error) {
        lines.push_back({TrialCard::tr("Energy (estimate)"),
                         text(costs.microjoule(), 2, QStringLiteral("µJ")),
                         costDelta(costs.microjoule(), now.microjoule())});
        lines.push_back({TrialCard::tr("Latency (estimate)"),
                         text(costs.milliseconds(), 3, QStringLiteral("ms")),
                         costDelta(costs.milliseconds(), now.milliseconds())});
        lines.push_back({TrialCard::tr("Utilization"),
                         text(costs.hardware.utilization * 100.0, 1, QStringLiteral("%")),
                         shareDelta(costs.hardware.utilization, now.hardware.utilization)});
    }
    lines.push_back({TrialCard::tr("AutoQ score"), widgets::number(trial.score, 4), {}});
    return lines;
}

/// Layers whose energy changes most between two configurations, in words.
QString savingsText(const Figures& trial, const Figures& now)
{
    std::vector<std::pair<double, QString>> savings;
    for (const hw::LayerCost& layer : trial.hardware.layers) {
        for (const hw::LayerCost& before : now.hardware.layers) {
            if (before.layer == layer.layer) {
                savings.emplace_back(
                    (layer.totalEnergyPicojoule() - before.totalEnergyPicojoule()) / 1e6,
                    QString::fromStdString(layer.layer));
            }
        }
    }
    std::sort(savings.begin(), savings.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    QStringList parts;
    for (const auto& [microjoule, layer] : savings) {
        if (microjoule < -0.005 && parts.size() < 3) {
            parts << TrialCard::tr("<b>%1</b> (%2 µJ)")
                         .arg(layer.toHtmlEscaped(), widgets::signedNumber(microjoule, 2));
        }
    }
    return parts.isEmpty() ? TrialCard::tr("No layer takes less energy than now.")
                           : TrialCard::tr("Most of the energy is saved in %1.")
                                 .arg(parts.join(QStringLiteral(", ")));
}

} // namespace

TrialCard::TrialCard(Context& context, bool showsBest, QWidget* parent)
    : QWidget(parent), m_context(context), m_showsBest(showsBest), m_title(heading({}, this)),
      m_subtitle(new QLabel(this)),
      m_table(new widgets::DataTable(
          {{tr("Metric"), 130, false}, {tr("Value"), 84, true}, {tr("to now"), 76, true}},
          QStringLiteral("trialTable"), tr("Selected trial"), this)),
      m_apply(new QPushButton(tr("Apply to tree"), this)),
      m_preview(new QPushButton(tr("Preview"), this)), m_why(new QLabel(this))
{
    m_subtitle->setProperty("tone", QStringLiteral("second"));
    m_subtitle->setWordWrap(true);
    m_apply->setProperty("primary", true);
    m_apply->setObjectName(QStringLiteral("applyTrial"));
    m_apply->setToolTip(tr("The trial's quantizers become a configuration: one undo step."));
    m_preview->setToolTip(tr("Show the trial's bits in the Layers dock."));
    m_why->setWordWrap(true);
    m_why->setTextFormat(Qt::RichText);
    m_table->setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_table->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    auto* buttons = new QHBoxLayout;
    buttons->addWidget(m_apply);
    buttons->addWidget(m_preview);
    buttons->addStretch(1);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(12, 10, 12, 10);
    layout->setSpacing(8);
    layout->addWidget(m_title);
    layout->addWidget(m_subtitle);
    layout->addWidget(m_table);
    layout->addLayout(buttons);
    layout->addWidget(m_why);
    layout->addStretch(1);
    setMinimumWidth(300);
    connect(m_apply, &QPushButton::clicked, this, &TrialCard::apply);
    connect(m_preview, &QPushButton::clicked, this, [this] {
        m_context.selection.setTrial(TrialId{m_study, m_number});
    });
    connect(&context.selection, &Selection::trialChanged, this, &TrialCard::refresh);
    connect(&context.activities, &Activities::studyProgressed, this, &TrialCard::refresh);
    connect(&context.derived, &Derived::figuresChanged, this, &TrialCard::refresh);
    connect(&context.derived, &Derived::qualityChanged, this, &TrialCard::refresh);
    refresh();
}

void TrialCard::refresh()
{
    std::optional<TrialRef> shown;
    if (!m_context.document.isEmpty()) {
        shown = findTrial(m_context.activities, m_context.selection.trial());
        const auto study = newestStudy(m_context.activities);
        if (!shown && m_showsBest && study) {
            if (const search::Trial* best = study->best()) {
                shown = TrialRef{study, best};
            }
        }
    }
    for (QWidget* part : std::initializer_list<QWidget*>{m_table, m_apply, m_preview, m_why}) {
        part->setVisible(shown.has_value());
    }
    m_number = shown ? shown->trial->number : -1;
    m_study = shown ? shown->study->description.name : std::string();
    if (!shown) {
        m_title->setText(m_showsBest ? tr("Best so far") : tr("Selected trial"));
        m_subtitle->setText(m_showsBest ? tr("No finished trial yet.")
                                        : tr("Click a point or a row to select a trial."));
        return;
    }
    const search::Trial& trial = *shown->trial;
    m_title->setText(tr("Trial %1").arg(trial.number));
    const bool isFront = frontOf(*shown->study).contains(trial.number);
    m_subtitle->setText((isFront ? tr("%1, on the front") : tr("%1, dominated by others"))
                            .arg(QString::fromStdString(shown->study->description.name)));
    const Figures& costs = m_context.derived.figuresOfTrial(trial);
    const auto lines = std::make_shared<const std::vector<Line>>(
        linesOf(trial, costs, m_context.derived.figures(), m_context.derived.accuracy()));
    m_table->setRows(static_cast<int>(lines->size()), [lines](int row, int column) {
        const Line& line = (*lines)[static_cast<std::size_t>(row)];
        if (column == 0) {
            return widgets::textCell(line.metric);
        }
        if (column == 2) {
            return widgets::textCell(line.delta.text, line.delta.tone);
        }
        widgets::Cell cell = widgets::textCell(line.value);
        cell.bold = true;
        return cell;
    });
    const int rows = static_cast<int>(lines->size());
    m_table->setFixedHeight(m_table->horizontalHeader()->sizeHint().height() +
                            rows * m_table->verticalHeader()->defaultSectionSize() + 2);
    m_apply->setEnabled(trial.state == search::TrialState::Complete);
    m_why->setText(savingsText(costs, m_context.derived.figures()));
}

void TrialCard::apply()
{
    const auto found = findTrial(m_context.activities, TrialId{m_study, m_number});
    if (found) {
        applyTrial(m_context.document, *found->study, *found->trial);
    }
}

} // namespace bitscape::app
