// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/errors/sentence.h"
#include "app/jobs/latest.h"
#include "app/window/pages/page_parts.h"
#include "app/window/pages/pages.h"
#include "app/window/pages/plot_data.h"
#include "widgets/panels/data_table.h"
#include "widgets/panels/empty_state.h"
#include "widgets/panels/job_line.h"
#include "widgets/plots/histogram_plot.h"
#include "widgets/style/format.h"

#include <QCheckBox>
#include <QComboBox>
#include <QFormLayout>
#include <QLabel>
#include <QPushButton>
#include <QSpinBox>
#include <QSplitter>
#include <QStackedWidget>
#include <QStyle>
#include <QVBoxLayout>

#include <limits>
#include <map>

namespace bitscape::app {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int kFewImages = 100;

class CalibratePage final : public Page {
    Q_OBJECT
public:
    CalibratePage(Context& context, QWidget* parent);
    [[nodiscard]] QStringList status() const override;
    [[nodiscard]] bool concerns(JobKind kind) const override
    {
        return kind == JobKind::Gather || kind == JobKind::Data;
    }

private:
    [[nodiscard]] QWidget* makeSetup();
    [[nodiscard]] QWidget* makeView();
    void showState();
    void compute();
    void showResult(Result<search::CalibrationResult> result);
    void showTensors();
    void showTensor(const QString& layer);
    void applyRanges();
    [[nodiscard]] search::CalibrateOptions options() const;

    QSpinBox* m_images;
    widgets::JobLine* m_run;
    QSpinBox* m_weightBits;
    QSpinBox* m_outputBits;
    QComboBox* m_scheme;
    QCheckBox* m_perChannel;
    QCheckBox* m_fold;
    QPushButton* m_apply;
    widgets::DataTable* m_table;
    widgets::HistogramPlot* m_plot;
    widgets::EmptyState* m_empty;
    QStackedWidget* m_stack;
    QLabel* m_remark;
    std::optional<search::CalibrationResult> m_result; ///< for the options shown
    Latest<search::CalibrationResult> m_ranges;
};

CalibratePage::CalibratePage(Context& context, QWidget* parent)
    : Page(context, "calibrate", parent), m_images(new QSpinBox(this)),
      m_run(new widgets::JobLine(tr("Gather"), tr("Stop and keep"), this)),
      m_weightBits(new QSpinBox(this)), m_outputBits(new QSpinBox(this)),
      m_scheme(new QComboBox(this)), m_perChannel(new QCheckBox(tr("per channel"), this)),
      m_fold(new QCheckBox(tr("fold batch normalization"), this)),
      m_apply(new QPushButton(tr("Apply as new configuration"), this)),
      m_table(new widgets::DataTable({{tr("Activation tensor"), 150, false},
                                      {tr("a", "short for activation bits"), 44, false},
                                      {tr("Low"), 72},
                                      {tr("High"), 72},
                                      {tr("Zero %"), 64},
                                      {tr("Clip %"), 64},
                                      {tr("SQNR dB"), 76}},
                                     QStringLiteral("calibrationTable"), tr("Activation tensors"),
                                     this)),
      m_plot(new widgets::HistogramPlot(this)), m_empty(new widgets::EmptyState(this)),
      m_stack(new QStackedWidget(this)), m_remark(new QLabel(this))
{
    m_plot->setObjectName(QStringLiteral("activationHistogramPlot"));
    auto* split = new QSplitter(this);
    split->addWidget(makeSetup());
    split->addWidget(makeView());
    split->setStretchFactor(1, 1);
    split->setSizes({620, 900});
    split->setChildrenCollapsible(false);
    body().addWidget(split, 1);
    const auto state = [this] { showState(); };
    connect(&context.jobs, &Jobs::started, this, state);
    connect(&context.jobs, &Jobs::progressed, this, state);
    connect(&context.jobs, &Jobs::ended, this, state);
    connect(&context.document, &Document::projectChanged, this, [this](Changes changes) {
        showState();
        if (changes & (Change::Model | Change::Calibration | Change::Configurations)) {
            compute();
        }
    });
    connect(m_table, &widgets::DataTable::idSelected, this,
            [this](const QVariant& id) { showTensor(id.toString()); });
    showState();
    compute();
}

QWidget* CalibratePage::makeSetup()
{
    auto* panel = new QWidget(this);
    m_images->setRange(0, 1'000'000);
    m_images->setValue(1024);
    m_images->setSpecialValueText(tr("all"));
    m_images->setSuffix(tr(" images"));
    for (QSpinBox* box : {m_weightBits, m_outputBits}) {
        box->setRange(2, 16);
        box->setValue(8);
        box->setSuffix(tr(" bit"));
        connect(box, &QSpinBox::valueChanged, this, &CalibratePage::compute);
    }
    m_scheme->addItem(tr("affine"), static_cast<int>(search::Scheme::Affine));
    m_scheme->addItem(tr("symmetric"), static_cast<int>(search::Scheme::Symmetric));
    m_scheme->addItem(tr("power of two"), static_cast<int>(search::Scheme::PowerOfTwo));
    connect(m_scheme, &QComboBox::activated, this, &CalibratePage::compute);
    connect(m_perChannel, &QCheckBox::toggled, this, &CalibratePage::compute);
    connect(m_fold, &QCheckBox::toggled, this, &CalibratePage::compute);
    m_apply->setProperty("primary", true);
    m_apply->setObjectName(QStringLiteral("applyCalibration"));
    auto* form = new QFormLayout;
    form->setLabelAlignment(Qt::AlignRight | Qt::AlignVCenter);
    form->setHorizontalSpacing(10);
    form->setVerticalSpacing(7);
    addRow(*form, tr("Images"), m_images);
    form->addRow(tr("Histograms"), m_run);
    auto* bits = new QHBoxLayout;
    bits->setSpacing(8);
    bits->addWidget(new QLabel(tr("weights"), panel));
    bits->addWidget(m_weightBits);
    bits->addSpacing(8);
    bits->addWidget(new QLabel(tr("outputs"), panel));
    bits->addWidget(m_outputBits);
    bits->addStretch(1);
    setName(*m_weightBits, tr("Weight bits"));
    setName(*m_outputBits, tr("Output bits"));
    form->addRow(tr("Bits"), bits);
    auto* scheme = new QHBoxLayout;
    scheme->setSpacing(10);
    m_scheme->setAccessibleName(tr("Grid"));
    scheme->addWidget(m_scheme);
    scheme->addWidget(m_perChannel);
    scheme->addWidget(m_fold);
    scheme->addStretch(1);
    form->addRow(tr("Grid"), scheme);
    auto* method = new QLabel(tr("min–max: the range holds every value that was seen"), panel);
    method->setProperty("tone", QStringLiteral("second"));
    form->addRow(tr("Method"), method);
    auto* top = new QVBoxLayout;
    top->setContentsMargins(12, 10, 12, 8);
    top->setSpacing(8);
    top->addWidget(new DataLine(context(), panel));
    top->addLayout(form);
    auto* bottom = new QHBoxLayout;
    bottom->setContentsMargins(12, 8, 12, 8);
    bottom->addWidget(m_remark, 1);
    bottom->addWidget(m_apply);
    m_remark->setWordWrap(true);
    auto* layout = new QVBoxLayout(panel);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addLayout(top);
    layout->addWidget(m_table, 1);
    layout->addLayout(bottom);
    connect(m_run, &widgets::JobLine::startRequested, this, [this] {
        banner().dismiss();
        context().activities.gather(m_images->value());
    });
    connect(m_run, &widgets::JobLine::stopRequested, this,
            [this] { context().jobs.stop(JobKind::Gather); });
    connect(m_apply, &QPushButton::clicked, this, &CalibratePage::applyRanges);
    return panel;
}

QWidget* CalibratePage::makeView()
{
    m_stack->addWidget(m_empty);
    m_stack->addWidget(m_plot);
    connect(m_empty, &widgets::EmptyState::actionRequested, this, [this] {
        if (project().data) {
            context().activities.gather(m_images->value());
        } else {
            context().openDataDialog();
        }
    });
    return m_stack;
}

search::CalibrateOptions CalibratePage::options() const
{
    search::CalibrateOptions o;
    o.weightBits = m_weightBits->value();
    o.activationBits = m_outputBits->value();
    o.scheme = static_cast<search::Scheme>(m_scheme->currentData().toInt());
    o.perChannel = m_perChannel->isChecked();
    o.foldBatchNorm = m_fold->isChecked();
    return o;
}

void CalibratePage::showState()
{
    const bool hasData = project().data != nullptr;
    const bool hasModel = !project().isEmpty();
    m_run->setStartReason(!hasModel  ? tr("Open a model first.")
                          : !hasData ? tr("Open a data set first.")
                                     : QString());
    if (context().jobs.isRunning(JobKind::Gather)) {
        const Progress progress = context().jobs.progress(JobKind::Gather);
        m_run->setRunning(shareOf(progress), describe(progress));
    } else {
        m_run->setIdle();
    }
    if (!hasModel) {
        m_empty->setTexts(tr("No model yet. Open one, or drop a file here."), {});
    } else if (!hasData) {
        m_empty->setTexts(tr("No data set yet. Ranges are chosen from the values that it causes."),
                          tr("Open data set…"));
    } else {
        m_empty->setTexts(tr("No histograms yet. One pass over the data fills them."),
                          tr("Gather"));
    }
    m_stack->setCurrentIndex(project().calibration ? 1 : 0);
    Q_EMIT statusChanged();
}

void CalibratePage::compute()
{
    if (project().isEmpty() || !project().calibration) {
        showResult(fail(ErrorCode::Canceled, {}));
        return;
    }
    const Snapshot snapshot = context().document.snapshot();
    m_ranges.request(
        [snapshot, wanted = options()](const JobContext&) {
            return search::minMax(snapshot->graph(), snapshot->currentWeights(),
                                  *snapshot->calibration, wanted);
        },
        [this](Result<search::CalibrationResult> result) { showResult(std::move(result)); });
}

void CalibratePage::showResult(Result<search::CalibrationResult> result)
{
    m_result.reset();
    m_remark->clear();
    const Index samples = project().calibration ? project().calibration->samples : 0;
    if (result) {
        m_result = *std::move(result);
        if (samples < kFewImages) {
            m_remark->setProperty("tone", QStringLiteral("warning"));
            m_remark->setText(tr("Ranges from %n sample(s) may miss large values.", "",
                                 static_cast<int>(samples)));
        }
    } else if (result.error().code != ErrorCode::Canceled) {
        m_remark->setProperty("tone", QStringLiteral("error"));
        m_remark->setText(messageOf(result.error()).text);
    }
    m_remark->style()->unpolish(m_remark);
    m_remark->style()->polish(m_remark);
    m_apply->setEnabled(m_result.has_value());
    showTensors();
}

void CalibratePage::showTensors()
{
    const auto calibration = project().calibration;
    if (!calibration) {
        m_table->setRows(0, {});
        return;
    }
    auto ranges = std::make_shared<std::map<std::string, search::TensorRange>>();
    if (m_result) {
        for (const search::TensorRange& range : m_result->tensors) {
            if (range.tensor == "activation") {
                (*ranges)[range.layer] = range;
            }
        }
    }
    m_table->setRows(
        static_cast<int>(calibration->tensors.size()),
        [calibration, ranges](int row, int column) {
            const search::TensorStatistics& t = calibration->tensors[static_cast<std::size_t>(row)];
            const auto range = ranges->find(t.layer);
            const bool isQuantized = range != ranges->end();
            switch (column) {
            case 0:
                return widgets::textCell(QString::fromStdString(t.layer));
            case 1:
                return isQuantized ? widgets::bitsCell(range->second.bits) : widgets::Cell{};
            case 2:
                return widgets::numberCell(t.minimum, 3);
            case 3:
                return widgets::numberCell(t.maximum, 3);
            case 4:
                return widgets::numberCell(t.count > 0 ? 100.0 * static_cast<double>(t.zeros) /
                                                             static_cast<double>(t.count)
                                                       : kNaN,
                                           1);
            case 5:
                return widgets::numberCell(
                    isQuantized ? range->second.clippedFraction * 100.0 : kNaN, 2);
            default:
                return widgets::numberCell(isQuantized ? range->second.sqnrDb : kNaN, 1);
            }
        },
        [calibration](int row) {
            return QVariant(
                QString::fromStdString(calibration->tensors[static_cast<std::size_t>(row)].layer));
        });
    QString shown = m_table->selectedId().toString();
    if (shown.isEmpty() && !calibration->tensors.empty()) {
        shown = QString::fromStdString(calibration->tensors.front().layer);
        m_table->selectId(shown);
    }
    showTensor(shown);
}

void CalibratePage::showTensor(const QString& layer)
{
    const search::TensorStatistics* statistics =
        project().calibration ? project().calibration->find(layer.toStdString()) : nullptr;
    m_plot->setData(statistics != nullptr ? histogramOf(*statistics) : widgets::HistogramData{});
}

void CalibratePage::applyRanges()
{
    if (!m_result) {
        return;
    }
    context().document.apply(tr("Apply calibration"), [this](project::Project& p) {
        project::NamedConfiguration applied = p.currentConfiguration();
        applied.configuration = m_result->configuration;
        applied.measured.reset();
        applied.configuration.name = tr("min–max w%1 a%2")
                                         .arg(m_weightBits->value())
                                         .arg(m_outputBits->value())
                                         .toStdString();
        p.putConfiguration(std::move(applied));
    });
}

QStringList CalibratePage::status() const
{
    if (!project().calibration) {
        return {};
    }
    return {
        tr("%n tensor(s)", "", static_cast<int>(project().calibration->tensors.size())),
        tr("Histograms from %n sample(s)", "", static_cast<int>(project().calibration->samples))};
}

} // namespace

Page* makeCalibratePage(Context& context, QWidget* parent)
{
    return new CalibratePage(context, parent);
}

} // namespace bitscape::app

#include "calibrate_page.moc"
