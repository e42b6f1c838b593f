// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/pages/tour_card.h"

#include "app/document/edits.h"
#include "app/window/pages/page_parts.h"
#include "app/window/pages/pareto_data.h"
#include "app/window/report_export.h"
#include "app/window/trials.h"
#include "widgets/panels/job_line.h"
#include "widgets/plots/pareto_plot.h"
#include "widgets/plots/training_plot.h"
#include "widgets/style/format.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QStackedWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <limits>

namespace bitscape::app {

namespace {

constexpr int kTrainStep = 0;
constexpr int kCalibrateStep = 1;
constexpr int kChangeStep = 2;
constexpr int kSearchStep = 3;
constexpr int kApplyStep = 4;

constexpr int kEpochs = 5;
constexpr int kImages = 512;
constexpr int kTrials = 30;
constexpr double kSearchSeconds = 60.0;
constexpr int kMark = 24;

constexpr std::array<const char*, TourCard::kSteps> kTitles{
    QT_TRANSLATE_NOOP("bitscape::app::TourCard", "Train the network"),
    QT_TRANSLATE_NOOP("bitscape::app::TourCard", "Calibrate"),
    QT_TRANSLATE_NOOP("bitscape::app::TourCard", "Change one layer to 4 bits"),
    QT_TRANSLATE_NOOP("bitscape::app::TourCard", "Search configurations"),
    QT_TRANSLATE_NOOP("bitscape::app::TourCard", "Apply the best one and write the report"),
};
constexpr std::array<const char*, TourCard::kSteps> kHints{
    QT_TRANSLATE_NOOP("bitscape::app::TourCard",
                      "A few epochs on digits that are drawn by the program."),
    QT_TRANSLATE_NOOP("bitscape::app::TourCard",
                      "Histograms of 512 images, then 8 bits everywhere."),
    QT_TRANSLATE_NOOP("bitscape::app::TourCard", "Watch the numbers above the pages move."),
    QT_TRANSLATE_NOOP("bitscape::app::TourCard",
                      "Thirty trials; stops by itself after 60 seconds."),
    QT_TRANSLATE_NOOP("bitscape::app::TourCard", "One click, one undo step."),
};

/// A circle with the number, or a check mark when done.
QPixmap stepMark(int number, bool isDone, bool isNext, double ratio)
{
    const widgets::Palette& p = widgets::currentPalette();
    QPixmap pixmap(QSize(kMark, kMark) * ratio);
    pixmap.setDevicePixelRatio(ratio);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    painter.setRenderHint(QPainter::Antialiasing);
    const QColor fill = isDone ? p[widgets::Series::Green] : isNext ? p.highlight : QColor();
    painter.setPen(fill.isValid() ? QPen(Qt::NoPen) : QPen(p.frame, 1.0));
    painter.setBrush(fill.isValid() ? QBrush(fill) : QBrush(Qt::NoBrush));
    painter.drawEllipse(QRectF(1, 1, kMark - 2, kMark - 2));
    if (isDone) {
        painter.drawPixmap(QPointF(5, 5),
                           widgets::iconPixmap(widgets::Icon::Ok, 14, widgets::inkOn(fill), ratio));
    } else {
        QFont font = painter.font();
        font.setPixelSize(12);
        font.setWeight(QFont::Bold);
        painter.setFont(font);
        painter.setPen(fill.isValid() ? widgets::inkOn(fill) : p.secondText);
        painter.drawText(QRectF(0, 0, kMark, kMark), Qt::AlignCenter, QString::number(number));
    }
    return pixmap;
}

} // namespace

TourCard::TourCard(Context& context, QWidget* parent)
    : QFrame(parent), m_context(context), m_plots(new QStackedWidget(this)),
      m_training(new widgets::TrainingPlot(this)),
      m_front(new widgets::ParetoPlot(widgets::CostMetric::Energy, this)),
      m_run(new widgets::JobLine(tr("Start"), tr("Stop and keep"), this)),
      m_next(new QPushButton(this)), m_model(new QPushButton(tr("Open on the Model page"), this))
{
    setObjectName(QStringLiteral("sampleCard"));
    setProperty("card", true);
    m_training->setObjectName(QStringLiteral("sampleTrainingPlot"));
    m_front->setObjectName(QStringLiteral("sampleFrontPlot"));
    m_training->setHeading(tr("Training the sample network"));
    m_training->setEmptyText(tr("The curve appears here when training starts."));
    auto* title = heading(tr("Try the built-in sample"), this);
    auto* time = new QLabel(tr("about 2 minutes, no files needed"), this);
    time->setProperty("tone", QStringLiteral("second"));
    auto* line = new QHBoxLayout;
    line->addWidget(title, 1);
    line->addWidget(time);
    auto* text = new QLabel(
        tr("3,000 drawn digits of 16 × 16 pixels and a small convolutional network."), this);
    text->setWordWrap(true);
    text->setProperty("tone", QStringLiteral("second"));
    m_plots->addWidget(m_training);
    m_plots->addWidget(m_front);
    // High enough to read, low enough that the buttons below fit on a small screen.
    m_plots->setMinimumHeight(190);
    m_plots->setMaximumHeight(210);
    m_next->setProperty("primary", true);
    m_next->setObjectName(QStringLiteral("nextStep"));
    m_model->setObjectName(QStringLiteral("openSample"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(16, 14, 16, 14);
    layout->setSpacing(6);
    layout->addLayout(line);
    layout->addWidget(text);
    layout->addWidget(m_plots, 1);
    layout->addWidget(m_run);
    makeSteps(this, *layout);
    auto* buttons = new QHBoxLayout;
    buttons->setContentsMargins(0, 6, 0, 0);
    buttons->addWidget(m_next);
    buttons->addWidget(m_model);
    buttons->addStretch(1);
    layout->addLayout(buttons);
    connect(m_next, &QPushButton::clicked, this, &TourCard::go);
    connect(m_model, &QPushButton::clicked, this, [this] {
        if (m_context.document.isEmpty()) {
            m_context.openSample();
        }
        m_context.showPage("model");
    });
    connect(m_run, &widgets::JobLine::stopRequested, this, [this] { m_context.jobs.stopAll(); });
    const auto update = [this] { refresh(); };
    connect(&context.document, &Document::projectChanged, this, update);
    connect(&context.jobs, &Jobs::started, this, update);
    connect(&context.jobs, &Jobs::progressed, this, update);
    connect(&context.jobs, &Jobs::ended, this, update);
    connect(&context.activities, &Activities::trainingProgressed, this, update);
    connect(&context.activities, &Activities::studyProgressed, this, update);
    connect(&context.activities, &Activities::opened, this, [this] {
        if (std::exchange(m_startsWhenOpened, false)) {
            runStep(nextStep());
        }
    });
    refresh();
}

void TourCard::makeSteps(QWidget* parent, QVBoxLayout& layout)
{
    for (Row& row : m_rows) {
        row.mark = new QLabel(parent);
        row.text = new QLabel(parent);
        row.text->setTextFormat(Qt::RichText);
        row.text->setWordWrap(true);
        auto* line = new QHBoxLayout;
        line->setSpacing(12);
        line->addWidget(row.mark, 0, Qt::AlignTop);
        line->addWidget(row.text, 1);
        layout.addLayout(line);
    }
}

bool TourCard::isDone(int step) const
{
    const project::Project& project = m_context.document.project();
    if (project.isEmpty()) {
        return false;
    }
    const graph::Configuration& now = project.currentConfiguration().configuration;
    const auto hasFourBits = [](const graph::Configuration& configuration) {
        return std::any_of(
            configuration.layers.begin(), configuration.layers.end(), [](const auto& layer) {
                return std::any_of(layer.second.begin(), layer.second.end(), [](const auto& q) {
                    return q.first != graph::Slot::Activation && q.second->bits() <= 4;
                });
            });
    };
    switch (step) {
    case kTrainStep:
        return !project.trainingHistory.empty();
    case kCalibrateStep:
        return project.calibration != nullptr;
    case kChangeStep:
        return std::any_of(project.configurations.begin(), project.configurations.end(),
                           [&](const auto& named) { return hasFourBits(named->configuration); });
    case kSearchStep:
        return !project.studies.empty();
    case kApplyStep:
        return !project.studies.empty() &&
               now.name.rfind(project.studies.back()->description.name + " trial", 0) == 0;
    default:
        return true;
    }
}

int TourCard::nextStep() const
{
    for (int step = 0; step < kSteps; ++step) {
        if (!isDone(step)) {
            return step;
        }
    }
    return kSteps;
}

QString TourCard::resultOf(int step) const
{
    const project::Project& project = m_context.document.project();
    switch (step) {
    case kTrainStep: {
        const auto& history = m_context.activities.history();
        const bool isKnown = !history.empty() && history.back().validationAccuracy.has_value();
        return isKnown ? tr("Validation accuracy %1 % after %n epoch(s).", "",
                            static_cast<int>(history.size()))
                             .arg(widgets::number(*history.back().validationAccuracy * 100.0, 1))
                       : QString();
    }
    case kCalibrateStep:
        return project.calibration ? tr("Histograms of %n image(s).", "",
                                        static_cast<int>(project.calibration->samples))
                                   : QString();
    case kSearchStep: {
        const auto study = newestStudy(m_context.activities);
        return study
                   ? tr("%n trial(s), %1 on the front.", "", static_cast<int>(study->trials.size()))
                         .arg(study->front().size())
                   : QString();
    }
    default:
        return {};
    }
}

void TourCard::refresh()
{
    const int next = nextStep();
    const bool isBusy = m_context.jobs.runningCount() > 0;
    const widgets::Palette& p = widgets::currentPalette();
    for (int step = 0; step < kSteps; ++step) {
        const Row& row = m_rows[static_cast<std::size_t>(step)];
        row.mark->setPixmap(stepMark(step + 1, isDone(step), step == next, devicePixelRatioF()));
        const QString result = resultOf(step);
        row.text->setText(
            QStringLiteral("<b>%1</b><br><span style='color:%2'>%3</span>")
                .arg(tr(kTitles[static_cast<std::size_t>(step)]), p.secondText.name(),
                     result.isEmpty() ? tr(kHints[static_cast<std::size_t>(step)]) : result));
    }
    const bool hasDocument = !m_context.document.isEmpty();
    m_next->setText(!hasDocument     ? tr("Start")
                    : next == kSteps ? tr("All steps are done")
                                     : tr("Next step"));
    m_next->setEnabled(!isBusy && next < kSteps);
    m_model->setEnabled(!isBusy);
    m_model->setText(hasDocument ? tr("Go to the Model page") : tr("Open on the Model page"));
    m_run->setVisible(isBusy);
    for (const JobEntry& job : m_context.jobs.entries()) {
        if (job.state == JobState::Running || job.state == JobState::Stopping) {
            m_run->setRunning(shareOf(job.progress), describe(job.progress));
            break;
        }
    }
    showPlot();
}

void TourCard::showPlot()
{
    const auto study = newestStudy(m_context.activities);
    if (study) {
        m_front->setData(paretoData(m_context, study.get()));
        m_plots->setCurrentWidget(m_front);
        return;
    }
    widgets::TrainingData shown;
    shown.isRunning = m_context.jobs.isRunning(JobKind::Train);
    shown.epochs = kEpochs;
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
    for (const train::HistoryEntry& entry : m_context.activities.history()) {
        const auto at = static_cast<double>(entry.epoch);
        shown.batches.push_back({at, entry.loss, entry.accuracy.value_or(kNaN) * 100.0});
        if (entry.validationAccuracy) {
            shown.validation.push_back(
                {at, entry.validationLoss.value_or(kNaN), *entry.validationAccuracy * 100.0});
        }
    }
    m_training->setData(shown);
    m_plots->setCurrentWidget(m_training);
}

void TourCard::go()
{
    if (m_context.document.isEmpty()) {
        m_startsWhenOpened = true;
        m_context.openSample();
        return;
    }
    runStep(nextStep());
}

void TourCard::runStep(int step)
{
    switch (step) {
    case kTrainStep: {
        train::TrainOptions options;
        options.epochs = kEpochs;
        m_context.activities.train(options);
        break;
    }
    case kCalibrateStep:
        m_context.activities.gather(kImages);
        break;
    case kChangeStep:
        changeOneLayer();
        break;
    case kSearchStep:
        search();
        break;
    case kApplyStep:
        applyBest();
        break;
    default:
        break;
    }
}

void TourCard::changeOneLayer()
{
    // Eight bits everywhere first, then the layer with most parameters gets four.
    const graph::Graph& graph = m_context.document.project().graph();
    const Preset* preset = findPreset("uniform8");
    applyPreset(m_context.document, *preset, {});
    const graph::Layer* largest = nullptr;
    for (const graph::Layer& layer : graph.layers()) {
        const auto slots = graph::slotsOf(layer);
        const bool hasKernel =
            std::find(slots.begin(), slots.end(), graph::Slot::Kernel) != slots.end();
        if (hasKernel &&
            (largest == nullptr || layer.parameterCount() > largest->parameterCount())) {
            largest = &layer;
        }
    }
    if (largest != nullptr) {
        setBits(m_context.document, {{largest->name, graph::Slot::Kernel}}, 4);
        m_context.selection.setLayers({largest->name});
    }
    m_context.showPage("model");
}

void TourCard::search()
{
    search::StudyDescription description;
    description.name =
        tr("Study %1").arg(m_context.document.project().studies.size() + 1).toStdString();
    description.configJson = search::defaultConfig("bits");
    description.trials = kTrials;
    description.batch = 64;
    description.budgetSeconds = kSearchSeconds;
    description.validationShare = m_context.document.project().validationShare;
    m_context.activities.search(description);
}

void TourCard::applyBest()
{
    const auto study = newestStudy(m_context.activities);
    const search::Trial* best = study ? study->best() : nullptr;
    if (best == nullptr) {
        return;
    }
    applyTrial(m_context.document, *study, *best);
    m_context.showPage("report");
}

} // namespace bitscape::app
