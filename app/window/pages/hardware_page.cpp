// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/edits.h"
#include "app/errors/sentence.h"
#include "app/window/pages/accelerator_form.h"
#include "app/window/pages/page_parts.h"
#include "app/window/pages/pages.h"
#include "widgets/panels/data_table.h"
#include "widgets/panels/empty_state.h"
#include "widgets/plots/energy_plot.h"
#include "widgets/plots/utilization_plot.h"
#include "widgets/style/format.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QScrollArea>
#include <QSplitter>
#include <QStackedLayout>

#include <algorithm>
#include <limits>

namespace bitscape::app {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

widgets::UtilizationRow utilizationOf(const hw::LayerCost& cost)
{
    widgets::UtilizationRow row;
    row.name = cost.layer;
    row.cycles = static_cast<double>(cost.cycles);
    row.lanes = cost.lanes;
    row.weightBits = cost.weightBits;
    row.inputBits = cost.inputBits;
    row.engine = cost.engine == hw::EngineKind::Cpu    ? widgets::LayerEngine::Cpu
                 : cost.engine == hw::EngineKind::Free ? widgets::LayerEngine::Free
                                                       : widgets::LayerEngine::Accelerated;
    double offered = 0.0;
    for (const std::int64_t part : cost.slotParts) {
        offered += static_cast<double>(part);
    }
    if (offered > 0.0) {
        const auto share = [&](std::size_t i) {
            return static_cast<double>(cost.slotParts[i]) / offered;
        };
        // Lost time is divided between set-up (first load and last store included) and waiting for
        // memory in the steady state.
        const auto idle = static_cast<double>(cost.cycles - cost.issueSlots);
        const double stall =
            idle > 0.0 ? share(3) * std::min(1.0, static_cast<double>(cost.stallSteady) / idle)
                       : 0.0;
        row.shares = {share(0), share(1), share(2), share(3) - stall, stall};
    }
    return row;
}

widgets::EnergyRow energyOf(const hw::LayerCost& cost)
{
    const auto& e = cost.energyPicojoule;
    widgets::EnergyRow row;
    row.name = cost.layer;
    row.microjoule = {e[0], e[1], e[2], e[3] + e[4] + e[5], e[6], e[7], e[8]};
    for (double& part : row.microjoule) {
        part /= 1e6;
    }
    return row;
}

widgets::Cell cellOf(const hw::LayerCost& cost, int column)
{
    const bool isArray = cost.engine != hw::EngineKind::Cpu && cost.engine != hw::EngineKind::Free;
    const auto ifArray = [isArray](double value) { return isArray ? value : kNaN; };
    switch (column) {
    case 0:
        return widgets::textCell(QString::fromStdString(cost.layer));
    case 1: {
        const std::string_view name = hw::name(cost.engine);
        return widgets::textCell(
            QString::fromLatin1(name.data(), static_cast<qsizetype>(name.size())),
            isArray ? widgets::Tone::Plain : widgets::Tone::Second);
    }
    case 2:
        return isArray ? widgets::textCell(QStringLiteral("×%1").arg(cost.lanes))
                       : widgets::textCell(widgets::missing());
    case 3:
        return isArray ? widgets::textCell(
                             QStringLiteral("w%1 a%2").arg(cost.weightBits).arg(cost.inputBits))
                       : widgets::textCell(widgets::missing());
    case 4:
        return widgets::integerCell(cost.macs);
    case 5:
        return widgets::integerCell(cost.cycles);
    case 6:
        return isArray ? widgets::shareCell(cost.utilization) : widgets::Cell{};
    case 7:
        return widgets::numberCell(ifArray(cost.utilizationLane * 100.0), 1);
    case 8:
        return widgets::numberCell(ifArray(cost.utilizationSpatial * 100.0), 1);
    case 9:
        return widgets::numberCell(ifArray(cost.utilizationTemporal * 100.0), 1);
    case 10:
        return widgets::numberCell(static_cast<double>(cost.inputTrafficBits +
                                                       cost.weightTrafficBits +
                                                       cost.outputTrafficBits) /
                                       8192.0,
                                   1);
    case 11:
        return widgets::numberCell(cost.totalEnergyPicojoule() / 1e6, 3);
    default: {
        QStringList remarks;
        if (cost.memoryBound) {
            remarks << QCoreApplication::translate("hardware", "memory bound");
        }
        for (const Warning& warning : cost.warnings) {
            remarks << QString::fromStdString(warning.message);
        }
        widgets::Cell cell =
            widgets::textCell(remarks.join(QStringLiteral("; ")), widgets::Tone::Second);
        cell.toolTip = remarks.join(QLatin1Char('\n'));
        return cell;
    }
    }
}

class HardwarePage final : public Page {
    Q_OBJECT
public:
    HardwarePage(Context& context, QWidget* parent);
    [[nodiscard]] QStringList status() const override;

private:
    [[nodiscard]] QWidget* makeLeft();
    [[nodiscard]] QWidget* makeRight();
    void edit(const hw::Accelerator& accelerator, const QString& key);
    void showCosts();
    void select(int row);

    AcceleratorForm* m_form;
    QLabel* m_name;
    QLabel* m_summary;
    widgets::UtilizationPlot* m_utilization;
    widgets::EnergyPlot* m_energy;
    widgets::DataTable* m_table;
    widgets::EmptyState* m_empty;
    QStackedLayout* m_stack;
    std::shared_ptr<const std::vector<hw::LayerCost>> m_layers =
        std::make_shared<std::vector<hw::LayerCost>>();
};

HardwarePage::HardwarePage(Context& context, QWidget* parent)
    : Page(context, "hardware", parent), m_form(new AcceleratorForm(this)),
      m_name(heading({}, this)), m_summary(new QLabel(this)),
      m_utilization(new widgets::UtilizationPlot(this)), m_energy(new widgets::EnergyPlot(this)),
      m_table(new widgets::DataTable({{tr("Layer"), 140, false},
                                      {tr("Engine"), 84, false},
                                      {tr("Mode"), 54, false},
                                      {tr("Bits"), 70, false},
                                      {tr("MACs"), 90},
                                      {tr("Cycles"), 84},
                                      {tr("Util. %"), 88},
                                      {tr("Lane %"), 66},
                                      {tr("Spatial %"), 80},
                                      {tr("Time %"), 66},
                                      {tr("Traffic KiB"), 90},
                                      {tr("Energy µJ"), 84},
                                      {tr("Remark"), 160, false}},
                                     QStringLiteral("hardwareTable"), tr("Costs per layer"), this)),
      m_empty(new widgets::EmptyState(this)), m_stack(new QStackedLayout)
{
    m_utilization->setObjectName(QStringLiteral("utilizationPlot"));
    m_energy->setObjectName(QStringLiteral("energyPlot"));
    auto* split = new QSplitter(this);
    split->addWidget(makeLeft());
    split->addWidget(makeRight());
    split->setStretchFactor(1, 1);
    split->setSizes({350, 1200});
    split->setChildrenCollapsible(false);
    m_stack->addWidget(m_empty);
    m_stack->addWidget(split);
    body().addLayout(m_stack, 1);
    m_empty->setTexts(tr("No model yet. Open one, or try the built-in sample."), {});
    connect(m_form, &AcceleratorForm::edited, this, &HardwarePage::edit);
    connect(m_utilization, &widgets::UtilizationPlot::rowClicked, this, &HardwarePage::select);
    connect(m_energy, &widgets::EnergyPlot::rowClicked, this, &HardwarePage::select);
    connect(m_table, &widgets::DataTable::idSelected, this,
            [this](const QVariant& id) { select(id.toInt()); });
    connect(&context.derived, &Derived::figuresChanged, this, &HardwarePage::showCosts);
    showCosts();
}

QWidget* HardwarePage::makeLeft()
{
    auto* panel = new QWidget(this);
    auto* area = new QScrollArea(panel);
    area->setWidget(m_form);
    area->setWidgetResizable(true);
    area->setFrameShape(QFrame::NoFrame);
    area->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    area->setFocusPolicy(Qt::NoFocus);
    m_name->setContentsMargins(12, 8, 12, 4);
    m_name->setWordWrap(true);
    auto* layout = new QVBoxLayout(panel);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(m_name);
    layout->addWidget(area, 1);
    panel->setMinimumWidth(m_form->sizeHint().width() + 20);
    return panel;
}

QWidget* HardwarePage::makeRight()
{
    auto* area = new QWidget(this);
    auto* head = new QFrame(area);
    head->setProperty("panelBar", true);
    auto* headLayout = new QHBoxLayout(head);
    headLayout->setContentsMargins(12, 7, 12, 7);
    m_summary->setTextFormat(Qt::RichText);
    headLayout->addWidget(m_summary, 1);
    auto* plots = new QSplitter(area);
    plots->addWidget(m_utilization);
    plots->addWidget(m_energy);
    plots->setStretchFactor(0, 1);
    plots->setStretchFactor(1, 1);
    auto* split = new QSplitter(Qt::Vertical, area);
    split->addWidget(plots);
    split->addWidget(m_table);
    split->setStretchFactor(0, 3);
    split->setStretchFactor(1, 1);
    split->setSizes({560, 240});
    auto* layout = new QVBoxLayout(area);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(head);
    layout->addWidget(split, 1);
    return area;
}

void HardwarePage::edit(const hw::Accelerator& accelerator, const QString& key)
{
    // What cannot be built stays in the field, marked; plots keep the last valid result.
    hw::Accelerator wanted = accelerator;
    const bool isPreset = hw::findAccelerator(wanted.name) != nullptr;
    if (isPreset) {
        wanted.name = tr("%1 (edited)").arg(QString::fromStdString(wanted.name)).toStdString();
    }
    if (const auto valid = wanted.validate(); !valid) {
        m_form->markInvalid(key);
        banner().showMessage(messageOf(valid.error()));
        m_utilization->setStale(tr("Computed for the last valid accelerator."));
        m_energy->setStale(tr("Computed for the last valid accelerator."));
        return;
    }
    m_form->markInvalid({});
    banner().dismiss();
    setAccelerator(context().document, wanted, "accelerator/" + key.toLatin1());
}

void HardwarePage::showCosts()
{
    m_stack->setCurrentIndex(project().isEmpty() ? 0 : 1);
    if (project().isEmpty()) {
        return;
    }
    m_name->setText(QString::fromStdString(project().accelerator.name));
    m_form->show(project().accelerator);
    m_form->markInvalid({});
    const Figures& figures = context().derived.figures();
    if (figures.error) {
        banner().showMessage(messageOf(*figures.error));
        return;
    }
    const hw::NetworkCost& cost = figures.hardware;
    m_layers = std::make_shared<const std::vector<hw::LayerCost>>(cost.layers);
    const Figures& reference = context().derived.reference();
    widgets::UtilizationData utilization;
    widgets::EnergyData energy;
    const Preset* preset = findPreset(context().derived.referenceId().toStdString());
    energy.referenceName = preset != nullptr
                               ? QCoreApplication::translate("presets", preset->title).toStdString()
                               : "";
    for (const hw::LayerCost& layer : *m_layers) {
        utilization.rows.push_back(utilizationOf(layer));
        widgets::EnergyRow row = energyOf(layer);
        for (const hw::LayerCost& other : reference.hardware.layers) {
            if (other.layer == layer.layer) {
                row.referenceMicrojoule = other.totalEnergyPicojoule() / 1e6;
            }
        }
        energy.rows.push_back(row);
    }
    m_utilization->setStale({});
    m_energy->setStale({});
    m_utilization->setData(utilization);
    m_energy->setData(energy);
    m_table->setRows(static_cast<int>(m_layers->size()), [layers = m_layers](int row, int column) {
        return cellOf((*layers)[static_cast<std::size_t>(row)], column);
    });
    const auto part = [](const QString& word, const QString& value) {
        return QStringLiteral("%1 <b>%2</b>").arg(word, value);
    };
    m_summary->setText(QStringList{
        part(tr("cycles"), widgets::integer(cost.cycles)),
        part(tr("latency"), widgets::number(cost.seconds * 1e3, 3) + QStringLiteral(" ms")),
        part(tr("energy"), widgets::number(cost.energyPicojoule / 1e6,
                                           widgets::usefulDecimals(cost.energyPicojoule / 1e6, 2)) +
                               QStringLiteral(" µJ")),
        part(tr("area"), widgets::number(cost.areaSquareMillimeter, 3) + QStringLiteral(" mm²")),
        part(tr("accelerated"), tr("%1 % of MACs, %2 % of cycles")
                                    .arg(widgets::number(cost.acceleratedMacShare * 100.0, 1),
                                         widgets::number(cost.acceleratedCycleShare * 100.0, 1))),
        tr("all numbers are estimates")}
                           .join(QStringLiteral("&nbsp;&nbsp;│&nbsp;&nbsp;")));
    Q_EMIT statusChanged();
}

void HardwarePage::select(int row)
{
    if (row < 0 || row >= static_cast<int>(m_layers->size())) {
        return;
    }
    m_utilization->setSelectedRow(row);
    m_energy->setSelectedRow(row);
    m_table->selectId(row);
    context().selection.setLayers({(*m_layers)[static_cast<std::size_t>(row)].layer});
}

QStringList HardwarePage::status() const
{
    const int cpu = static_cast<int>(
        std::count_if(m_layers->begin(), m_layers->end(),
                      [](const hw::LayerCost& l) { return l.engine == hw::EngineKind::Cpu; }));
    return {tr("Hardware model: estimate"), tr("%n layer(s) on the CPU fallback", "", cpu)};
}

} // namespace

Page* makeHardwarePage(Context& context, QWidget* parent)
{
    return new HardwarePage(context, parent);
}

} // namespace bitscape::app

#include "hardware_page.moc"
