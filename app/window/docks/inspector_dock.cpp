// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/tensor_analysis.h"
#include "app/jobs/latest.h"
#include "app/window/docks/docks.h"
#include "app/window/docks/quantizer_panel.h"
#include "app/window/pages/plot_data.h"
#include "widgets/panels/data_table.h"
#include "widgets/plots/channel_scale_plot.h"
#include "widgets/plots/histogram_plot.h"
#include "widgets/style/format.h"

#include <QComboBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QScrollArea>
#include <QSignalBlocker>
#include <QStackedWidget>
#include <QTabBar>
#include <QTabWidget>
#include <QVBoxLayout>

#include <algorithm>

namespace bitscape::app {

namespace {

/// A word and its value, side by side.
struct Fact {
    QString name, value, note;
};

QString htmlOf(const std::vector<Fact>& facts, int columns)
{
    const widgets::Palette& p = widgets::currentPalette();
    QString html = QStringLiteral("<table width='100%' cellpadding='3' cellspacing='0'>");
    for (std::size_t i = 0; i < facts.size(); ++i) {
        if (i % static_cast<std::size_t>(columns) == 0) {
            html += QStringLiteral("<tr>");
        }
        html +=
            QStringLiteral(
                "<td style='color:%1'>%2</td><td><b>%3</b> <span style='color:%1'>%4</span></td>")
                .arg(p.secondText.name(), facts[i].name.toHtmlEscaped(),
                     facts[i].value.toHtmlEscaped(), facts[i].note.toHtmlEscaped());
    }
    return html + QStringLiteral("</table>");
}

class InspectorPanel final : public QWidget {
    Q_OBJECT
public:
    InspectorPanel(Context& context, QWidget* parent);

private:
    [[nodiscard]] QWidget* makeWeights();
    [[nodiscard]] QWidget* scrolled(QLabel* label);
    void refresh();
    void analyze();
    void showOverview(const graph::Layer& layer);
    void showCost(const graph::Layer& layer);
    void showTensor();

    Context& m_context;
    QStackedWidget* m_stack;
    QLabel* m_overview;
    QComboBox* m_tensor;
    QLabel* m_facts;
    widgets::HistogramPlot* m_histogram;
    widgets::ChannelScalePlot* m_scales;
    QuantizerPanel* m_quantizer;
    QLabel* m_cost;
    std::vector<TensorAnalysis> m_analyses;
    std::string m_layer;
    Latest<std::vector<TensorAnalysis>> m_analysis;
};

InspectorPanel::InspectorPanel(Context& context, QWidget* parent)
    : QWidget(parent), m_context(context), m_stack(new QStackedWidget(this)),
      m_overview(new QLabel(this)), m_tensor(new QComboBox(this)), m_facts(new QLabel(this)),
      m_histogram(new widgets::HistogramPlot(this)), m_scales(new widgets::ChannelScalePlot(this)),
      m_quantizer(new QuantizerPanel(context, this)), m_cost(new QLabel(this))
{
    setObjectName(QStringLiteral("inspector"));
    setAccessibleName(tr("Inspector"));
    m_histogram->setObjectName(QStringLiteral("weightHistogramPlot"));
    m_scales->setObjectName(QStringLiteral("channelScalePlot"));
    auto* empty = new QLabel(tr("Select a layer."), this);
    empty->setAlignment(Qt::AlignCenter);
    empty->setProperty("tone", QStringLiteral("second"));
    auto* tabs = new QTabWidget(this);
    tabs->setObjectName(QStringLiteral("inspectorTabs"));
    tabs->setAccessibleName(tr("Inspector"));
    tabs->tabBar()->setAccessibleName(tr("Inspector"));
    tabs->addTab(scrolled(m_overview), tr("Overview"));
    tabs->addTab(makeWeights(), tr("Weights"));
    tabs->addTab(m_quantizer, tr("Quantizer"));
    tabs->addTab(scrolled(m_cost), tr("Cost"));
    tabs->setCurrentIndex(1);
    m_stack->addWidget(empty);
    m_stack->addWidget(tabs);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_stack);
    setMinimumWidth(300);
    connect(m_tensor, &QComboBox::activated, this, &InspectorPanel::showTensor);
    connect(&context.selection, &Selection::layersChanged, this, &InspectorPanel::refresh);
    connect(&context.derived, &Derived::figuresChanged, this, &InspectorPanel::refresh);
    connect(&context.derived, &Derived::qualityChanged, this, &InspectorPanel::refresh);
    refresh();
}

QWidget* InspectorPanel::scrolled(QLabel* label)
{
    auto* area = new QScrollArea(this);
    label->setTextFormat(Qt::RichText);
    label->setAlignment(Qt::AlignTop);
    label->setWordWrap(true);
    label->setMargin(10);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    area->setWidget(label);
    area->setWidgetResizable(true);
    area->setFrameShape(QFrame::NoFrame);
    area->setFocusPolicy(Qt::NoFocus);
    return area;
}

QWidget* InspectorPanel::makeWeights()
{
    auto* page = new QWidget(this);
    m_tensor->setObjectName(QStringLiteral("tensorBox"));
    m_tensor->setAccessibleName(tr("Tensor"));
    m_facts->setTextFormat(Qt::RichText);
    m_facts->setContentsMargins(8, 4, 8, 0);
    auto* line = new QHBoxLayout;
    line->setContentsMargins(8, 6, 8, 0);
    line->addWidget(new QLabel(tr("Tensor"), page));
    line->addWidget(m_tensor, 1);
    auto* layout = new QVBoxLayout(page);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(2);
    layout->addLayout(line);
    layout->addWidget(m_facts);
    layout->addWidget(m_histogram, 3);
    layout->addWidget(m_scales, 2);
    return page;
}

void InspectorPanel::refresh()
{
    const project::Project& project = m_context.document.project();
    const std::string wanted = m_context.selection.layer();
    const int index = project.isEmpty() || wanted.empty() ? -1 : project.graph().find(wanted);
    m_stack->setCurrentIndex(index < 0 ? 0 : 1);
    if (index < 0) {
        m_layer.clear();
        setWindowTitle({});
        return;
    }
    const graph::Layer& layer = project.graph().layer(index);
    if (m_layer != layer.name) {
        m_analyses.clear();
        m_layer = layer.name;
        showTensor();
    }
    const int selected = static_cast<int>(m_context.selection.layers().size());
    const QString name = QString::fromStdString(layer.name);
    setWindowTitle(selected > 1 ? tr("Inspector: %1 (first of %2)").arg(name).arg(selected)
                                : tr("Inspector: %1").arg(name));
    showOverview(layer);
    showCost(layer);
    m_quantizer->setLayer(layer.name);
    analyze();
}

void InspectorPanel::analyze()
{
    const Snapshot project = m_context.document.snapshot();
    m_analysis.request(
        [project, layer = m_layer](const JobContext&) -> Result<std::vector<TensorAnalysis>> {
            return analyzeWeights(*project, layer);
        },
        [this](Result<std::vector<TensorAnalysis>> done) {
            if (!done) {
                return;
            }
            const QString before = m_tensor->currentText();
            m_analyses = *std::move(done);
            const QSignalBlocker blocker(m_tensor);
            m_tensor->clear();
            for (const TensorAnalysis& analysis : m_analyses) {
                m_tensor->addItem(QString::fromStdString(analysis.tensor));
            }
            m_tensor->setCurrentIndex(std::max(0, m_tensor->findText(before)));
            showTensor();
        });
}

void InspectorPanel::showOverview(const graph::Layer& layer)
{
    const project::Project& project = m_context.document.project();
    const graph::Configuration& configuration = project.currentConfiguration().configuration;
    std::vector<Fact> facts{
        {tr("Class"), QString::fromStdString(layer.className), {}},
        {tr("Output shape"), QString::fromStdString(layer.outputShape.toString()), {}},
        {tr("Parameters"), widgets::integer(layer.parameterCount()), {}},
        {tr("MACs"), widgets::integer(layer.macs), {}},
    };
    for (const graph::Slot slot : graph::slotsOf(layer)) {
        const auto quantizer = configuration.find(layer.name, slot);
        const std::string_view word = graph::name(slot);
        facts.push_back(
            {tr("%1 quantizer")
                 .arg(QString::fromLatin1(word.data(), static_cast<qsizetype>(word.size()))),
             quantizer ? QString::fromStdString(quantizer->toString()) : tr("float"),
             quantizer ? tr("%n bit(s)", "", quantizer->bits()) : QString()});
    }
    const auto sqnr = m_context.derived.quality().sqnrDb.find(layer.name);
    if (sqnr != m_context.derived.quality().sqnrDb.end()) {
        facts.push_back({tr("SQNR of the output"),
                         widgets::number(sqnr->second, 1) + QStringLiteral(" dB"),
                         m_context.derived.isQualityCurrent() ? QString() : tr("stale")});
    }
    m_overview->setText(htmlOf(facts, 1));
}

void InspectorPanel::showCost(const graph::Layer& layer)
{
    const auto& rows = m_context.derived.figures().hardware.layers;
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const hw::LayerCost& row) {
        return row.layer == layer.name;
    });
    if (found == rows.end()) {
        m_cost->setText(tr("This layer costs nothing in the hardware model."));
        return;
    }
    const hw::LayerCost& cost = *found;
    const std::string_view engine = hw::name(cost.engine);
    const auto percent = [](double share) {
        return widgets::number(share * 100.0, 1) + QStringLiteral(" %");
    };
    std::vector<Fact> facts{
        {tr("Engine"), QString::fromLatin1(engine.data(), static_cast<qsizetype>(engine.size())),
         tr("mode ×%1").arg(cost.lanes)},
        {tr("Bits"), tr("w%1 a%2").arg(cost.weightBits).arg(cost.inputBits),
         tr("output %1").arg(cost.outputBits)},
        {tr("Cycles"), widgets::integer(cost.cycles),
         tr("computing %1").arg(widgets::integer(cost.computeCycles))},
        {tr("Utilization"), percent(cost.utilization),
         tr("lanes %1, spatial %2, in time %3")
             .arg(percent(cost.utilizationLane), percent(cost.utilizationSpatial),
                  percent(cost.utilizationTemporal))},
        {tr("Memory bound"), cost.memoryBound ? tr("yes") : tr("no"), {}},
        {tr("Traffic"),
         widgets::number(static_cast<double>(cost.inputTrafficBits + cost.weightTrafficBits +
                                             cost.outputTrafficBits) /
                             8192.0,
                         1) +
             QStringLiteral(" KiB"),
         tr("at the backing memory")},
        {tr("Energy"),
         widgets::number(cost.totalEnergyPicojoule() / 1e6, 3) + QStringLiteral(" µJ"),
         tr("estimate")},
    };
    for (std::size_t i = 0; i < hw::kEnergyParts.size(); ++i) {
        QString part = QString::fromLatin1(hw::kEnergyParts[i].data(),
                                           static_cast<qsizetype>(hw::kEnergyParts[i].size()));
        facts.push_back({QStringLiteral("    ") + part.replace(QLatin1Char('_'), QLatin1Char(' ')),
                         widgets::number(cost.energyPicojoule[i] / 1e6, 3) + QStringLiteral(" µJ"),
                         {}});
    }
    m_cost->setText(htmlOf(facts, 1));
}

void InspectorPanel::showTensor()
{
    const int row = m_tensor->currentIndex();
    if (row < 0 || row >= static_cast<int>(m_analyses.size())) {
        m_facts->clear();
        m_histogram->setData({});
        m_scales->setData({});
        return;
    }
    const TensorAnalysis& a = m_analyses[static_cast<std::size_t>(row)];
    const bool isFloat = a.bits >= 32;
    const auto percent = [](double share) {
        return widgets::number(share * 100.0, 2) + QStringLiteral(" %");
    };
    m_facts->setText(htmlOf(
        {{tr("Bits"), isFloat ? tr("float") : QString::number(a.bits), {}},
         {tr("Effective bits"), isFloat ? widgets::missing() : widgets::number(a.effectiveBits, 2),
          isFloat ? QString() : tr("entropy")},
         {tr("SQNR"), widgets::number(a.sqnrDb, 1) + QStringLiteral(" dB"), {}},
         {tr("MSE"), widgets::compact(a.meanSquaredError), {}},
         {tr("Clipped"), percent(a.clippedShare),
          tr("%n value(s)", "",
             static_cast<int>(a.clippedShare * static_cast<double>(a.count) + 0.5))},
         {tr("Zero codes"), isFloat ? widgets::missing() : percent(a.zeroShare), {}}},
        2));
    m_histogram->setData(histogramOf(a));
    m_scales->setData(scalesOf(a));
    m_scales->setVisible(a.channelScales.size() > 1);
}

} // namespace

QWidget* makeInspectorDock(Context& context, QWidget* parent)
{
    return new InspectorPanel(context, parent);
}

} // namespace bitscape::app

#include "inspector_dock.moc"
