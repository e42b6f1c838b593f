// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/pages/search_setup.h"

#include "app/window/pages/page_parts.h"
#include "widgets/panels/data_table.h"
#include "widgets/style/format.h"

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QLabel>
#include <QLineEdit>
#include <QSpinBox>
#include <QStyle>
#include <QTimer>
#include <QVBoxLayout>

#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>

namespace bitscape::app {

namespace {

constexpr int kDelayMilliseconds = 150;
constexpr double kBitsPerKib = 8.0 * 1024.0;

/// AutoQKeras' default configuration with other largest bits for weights and outputs.
std::string configFor(const std::string& goal, int weightBits, int outputBits)
{
    nlohmann::ordered_json config = nlohmann::ordered_json::parse(search::defaultConfig(goal));
    for (auto& [key, limit] : config["limit"].items()) {
        if (limit.size() == 1) {
            limit = {outputBits};
        } else {
            limit = {weightBits, std::max(weightBits, 8), outputBits};
        }
    }
    return config.dump();
}

} // namespace

SearchSetup::SearchSetup(Context& context, QWidget* parent)
    : QWidget(parent), m_context(context), m_name(new QLineEdit(this)), m_goal(new QComboBox(this)),
      m_weightBits(new QSpinBox(this)), m_outputBits(new QSpinBox(this)),
      m_limit(new QDoubleSpinBox(this)), m_trials(new QSpinBox(this)), m_epochs(new QSpinBox(this)),
      m_batch(new QSpinBox(this)), m_seed(new QSpinBox(this)), m_space(new QLabel(this)),
      m_choices(new widgets::DataTable(
          {{tr("Layer"), 110, false}, {tr("Tensor"), 80, false}, {tr("Candidates"), 80, true}},
          QStringLiteral("choicesTable"), tr("Choices"), this)),
      m_delay(new QTimer(this))
{
    makeFields();
    m_delay->setSingleShot(true);
    m_delay->setInterval(kDelayMilliseconds);
    connect(m_delay, &QTimer::timeout, this, &SearchSetup::describeSpace);
    connect(&context.document, &Document::projectChanged, this, [this](Changes changes) {
        if (changes & (Change::Model | Change::Data | Change::Studies | Change::Accelerator)) {
            proposeName();
            later();
        }
    });
    proposeName();
    later();
}

void SearchSetup::makeFields()
{
    m_goal->addItem(tr("Fewest weight bits"), QStringLiteral("bits"));
    m_goal->addItem(tr("Least energy (QTools)"), QStringLiteral("energy"));
    m_goal->setToolTip(
        tr("What the AutoQ score weighs against accuracy: accuracy × (1 + delta of the size)."));
    const auto bits = [](QSpinBox* box) {
        box->setRange(1, 16);
        box->setValue(8);
        box->setSuffix(tr(" bit"));
    };
    bits(m_weightBits);
    bits(m_outputBits);
    m_limit->setRange(0.0, 1e6);
    m_limit->setDecimals(1);
    m_limit->setSpecialValueText(tr("none"));
    m_limit->setSuffix(tr(" KiB"));
    m_trials->setRange(1, 100000);
    m_trials->setValue(20);
    m_epochs->setRange(0, 1000);
    m_epochs->setValue(1);
    m_batch->setRange(1, 65536);
    m_batch->setValue(64);
    m_seed->setRange(0, std::numeric_limits<int>::max());
    const auto form = [this](const QString& title) {
        auto* label = heading(title, this);
        auto* layout = new QFormLayout;
        layout->setLabelAlignment(Qt::AlignRight | Qt::AlignVCenter);
        layout->setHorizontalSpacing(10);
        layout->setVerticalSpacing(6);
        return std::pair(label, layout);
    };
    auto* outer = new QVBoxLayout(this);
    outer->setContentsMargins(0, 0, 0, 0);
    outer->setSpacing(6);
    outer->addWidget(new DataLine(m_context, this));
    const auto add = [outer](const std::pair<QLabel*, QFormLayout*>& group) {
        outer->addSpacing(4);
        outer->addWidget(group.first);
        outer->addLayout(group.second);
    };
    const auto goal = form(tr("Goal and limits"));
    addRow(*goal.second, tr("Name"), m_name);
    addRow(*goal.second, tr("Goal"), m_goal);
    addRow(*goal.second, tr("Weights at most"), m_limit);
    add(goal);
    const auto budget = form(tr("Evaluation and budget"));
    addRow(*budget.second, tr("Trials"), m_trials);
    addRow(*budget.second, tr("Epochs each"), m_epochs);
    addRow(*budget.second, tr("Batch"), m_batch);
    addRow(*budget.second, tr("Seed"), m_seed);
    add(budget);
    const auto choices = form(tr("Choices"));
    addRow(*choices.second, tr("Weight bits up to"), m_weightBits);
    addRow(*choices.second, tr("Output bits up to"), m_outputBits);
    add(choices);
    m_space->setWordWrap(true);
    m_space->setObjectName(QStringLiteral("spaceText"));
    outer->addWidget(m_space);
    outer->addWidget(m_choices, 1);
    for (QSpinBox* box : {m_weightBits, m_outputBits, m_trials, m_epochs, m_batch, m_seed}) {
        connect(box, &QSpinBox::valueChanged, this, &SearchSetup::later);
    }
    connect(m_limit, &QDoubleSpinBox::valueChanged, this, &SearchSetup::later);
    connect(m_goal, &QComboBox::activated, this, &SearchSetup::later);
}

void SearchSetup::proposeName()
{
    const auto& studies = m_context.document.project().studies;
    m_name->setText(tr("Study %1").arg(studies.size() + 1));
}

Result<search::StudyDescription> SearchSetup::description() const
{
    search::StudyDescription d;
    d.name = m_name->text().trimmed().toStdString();
    if (d.name.empty()) {
        return fail(ErrorCode::InvalidArgument, "A study needs a name.", "Name", "Enter one.");
    }
    d.goal = m_goal->currentData().toString().toStdString();
    d.configJson = configFor(d.goal, m_weightBits->value(), m_outputBits->value());
    d.trials = m_trials->value();
    d.epochs = m_epochs->value();
    d.batch = m_batch->value();
    d.seed = static_cast<std::uint64_t>(m_seed->value());
    if (m_limit->value() > 0.0) {
        d.limits["bits"] = m_limit->value() * kBitsPerKib;
    }
    const project::Project& project = m_context.document.project();
    d.validationShare = project.validationShare;
    if (project.data) {
        d.dataDescription = project.data->recipe.describe();
    }
    return d;
}

void SearchSetup::later()
{
    m_delay->start();
}

void SearchSetup::describeSpace()
{
    const Snapshot project = m_context.document.snapshot();
    auto wanted = description();
    if (project->isEmpty() || !project->data || !wanted) {
        m_problem = wanted ? QString() : QString::fromStdString(wanted.error().sentence());
        m_space->setText(m_problem);
        m_choices->setRows(0, {});
        Q_EMIT changed();
        return;
    }
    m_report.request(
        [project, d = *wanted](const JobContext&) -> Result<search::SpaceReport> {
            auto input = project::searchInput(*project);
            if (!input) {
                return fail(std::move(input).error());
            }
            return search::describe(*input, d);
        },
        [this](Result<search::SpaceReport> report) { showSpace(std::move(report)); });
}

void SearchSetup::showSpace(Result<search::SpaceReport> report)
{
    m_problem = report ? QString() : QString::fromStdString(report.error().sentence());
    m_space->setProperty("tone", report ? QStringLiteral("second") : QStringLiteral("error"));
    m_space->style()->unpolish(m_space);
    m_space->style()->polish(m_space);
    if (!report) {
        m_space->setText(m_problem);
        m_choices->setRows(0, {});
        Q_EMIT changed();
        return;
    }
    double exponent = 0.0;
    for (const search::Choice& choice : report->choices) {
        exponent += std::log10(static_cast<double>(choice.values.size()));
    }
    m_space->setText(tr("%n choice(s), about 10^%1 configurations.", "",
                        static_cast<int>(report->choices.size()))
                         .arg(widgets::number(exponent, 1)));
    const auto choices =
        std::make_shared<const std::vector<search::Choice>>(std::move(report->choices));
    m_choices->setRows(static_cast<int>(choices->size()), [choices](int row, int column) {
        const search::Choice& c = (*choices)[static_cast<std::size_t>(row)];
        if (column == 0) {
            return widgets::textCell(QString::fromStdString(c.layer));
        }
        if (column == 1) {
            return widgets::textCell(QString::fromStdString(std::string(graph::name(c.slot))));
        }
        widgets::Cell cell = widgets::integerCell(static_cast<qint64>(c.values.size()));
        QStringList lines;
        for (const std::string& value : c.values) {
            lines << QString::fromStdString(value);
        }
        cell.toolTip = lines.join(QLatin1Char('\n'));
        return cell;
    });
    Q_EMIT changed();
}

} // namespace bitscape::app
