// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/tensor_analysis.h"
#include "app/jobs/latest.h"
#include "app/window/pages/pages.h"
#include "app/window/pages/plot_data.h"
#include "widgets/panels/data_table.h"
#include "widgets/panels/empty_state.h"
#include "widgets/plots/channel_scale_plot.h"
#include "widgets/plots/distributions_plot.h"
#include "widgets/plots/histogram_plot.h"
#include "widgets/style/format.h"

#include <QCheckBox>
#include <QComboBox>
#include <QFrame>
#include <QHBoxLayout>
#include <QLabel>
#include <QSplitter>
#include <QStackedLayout>

#include <cmath>
#include <limits>

namespace bitscape::app {

namespace {

using Analyses = std::vector<TensorAnalysis>;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

QString nameOf(const TensorAnalysis& a)
{
    return QString::fromStdString(a.layer) + QStringLiteral(" / ") +
           QString::fromStdString(a.tensor);
}

widgets::DistributionRow rowOf(const TensorAnalysis& a, bool isLog2)
{
    widgets::DistributionRow row;
    row.name = nameOf(a).toStdString();
    const Histogram& h = isLog2 ? a.magnitudes : a.values;
    const auto n = static_cast<double>(h.counts.size());
    for (std::size_t i = 0; i < h.counts.size(); ++i) {
        row.values.push_back(h.low + (h.high - h.low) * (static_cast<double>(i) + 0.5) / n);
    }
    row.density = h.counts;
    const auto log2 = [](double v) { return v > 0.0 ? std::log2(v) : kNaN; };
    const auto& q = isLog2 ? a.magnitudeQuantiles : a.quantiles;
    const auto at = [&](std::size_t i) { return isLog2 ? log2(q[i]) : q[i]; };
    row.box = {at(0), at(1), at(2), at(3), at(4)};
    row.bits = a.bits;
    row.sqnrDecibel = a.sqnrDb;
    row.clippedPercent = a.clippedShare * 100.0;
    if (a.bits < 32) {
        row.zeroPercent = a.zeroShare * 100.0;
        const double reach = std::max(std::abs(a.clipLow), std::abs(a.clipHigh)) + a.step / 2.0;
        if (isLog2 && a.step > 0.0) {
            row.rangeLow = log2(a.step / 2.0);
            row.rangeHigh = log2(reach);
        } else if (!isLog2) {
            row.rangeLow = a.clipLow - a.step / 2.0;
            row.rangeHigh = a.clipHigh + a.step / 2.0;
        }
    }
    return row;
}

widgets::Cell cellOf(const TensorAnalysis& a, int column)
{
    const bool isFloat = a.bits >= 32;
    switch (column) {
    case 0:
        return widgets::textCell(nameOf(a));
    case 1:
        return widgets::bitsCell(a.bits);
    case 2:
        return widgets::integerCell(a.count);
    case 3:
        return widgets::numberCell(a.minimum, 4);
    case 4:
        return widgets::numberCell(a.maximum, 4);
    case 5:
        return widgets::numberCell(a.mean, 4);
    case 6:
        return widgets::numberCell(a.deviation, 4);
    case 7:
        return widgets::numberCell(a.kurtosis, 1);
    case 8:
        return widgets::numberCell(a.quantile999, 3);
    case 9:
        return widgets::numberCell(isFloat ? kNaN : a.step, 4);
    case 10:
        return widgets::numberCell(isFloat ? kNaN : a.clippedShare * 100.0, 2);
    case 11:
        return widgets::numberCell(isFloat ? kNaN : a.zeroShare * 100.0, 1);
    case 12:
        return widgets::numberCell(isFloat ? kNaN : a.effectiveBits, 2);
    default:
        return widgets::numberCell(a.sqnrDb, 1);
    }
}

class DistributionsPage final : public Page {
    Q_OBJECT
public:
    DistributionsPage(Context& context, QWidget* parent);
    [[nodiscard]] QStringList status() const override;

private:
    [[nodiscard]] QWidget* makeBar();
    [[nodiscard]] QWidget* makeLeft();
    [[nodiscard]] QWidget* makeRight();
    void analyze();
    void showAll();
    void showTensor(int row);
    [[nodiscard]] int selectedRow() const;

    QComboBox* m_axis;
    QCheckBox* m_withBias;
    QCheckBox* m_range;
    QCheckBox* m_box;
    widgets::DistributionsPlot* m_ridges;
    widgets::DataTable* m_table;
    widgets::HistogramPlot* m_histogram;
    widgets::ChannelScalePlot* m_scales;
    widgets::EmptyState* m_empty;
    QStackedLayout* m_stack;
    std::shared_ptr<const Analyses> m_shown = std::make_shared<Analyses>();
    std::string m_selected; ///< "layer/tensor"
    Latest<Analyses> m_analysis;
};

DistributionsPage::DistributionsPage(Context& context, QWidget* parent)
    : Page(context, "distributions", parent), m_axis(new QComboBox(this)),
      m_withBias(new QCheckBox(tr("Bias too"), this)), m_range(new QCheckBox(tr("Range"), this)),
      m_box(new QCheckBox(tr("Box"), this)), m_ridges(new widgets::DistributionsPlot(this)),
      m_table(new widgets::DataTable({{tr("Tensor"), 160, false},
                                      {tr("Bits"), 50, false},
                                      {tr("Values"), 70},
                                      {tr("Min"), 76},
                                      {tr("Max"), 76},
                                      {tr("Mean"), 76},
                                      {tr("Std"), 70},
                                      {tr("Kurtosis"), 76},
                                      {tr("99.9 %"), 70},
                                      {tr("Step"), 76},
                                      {tr("Clipped %"), 84},
                                      {tr("Zero codes %"), 104},
                                      {tr("Effective bits"), 104},
                                      {tr("SQNR dB"), 80}},
                                     QStringLiteral("distributionsTable"), tr("Distributions"),
                                     this)),
      m_histogram(new widgets::HistogramPlot(this)), m_scales(new widgets::ChannelScalePlot(this)),
      m_empty(new widgets::EmptyState(this)), m_stack(new QStackedLayout)
{
    m_ridges->setObjectName(QStringLiteral("ridgePlot"));
    m_histogram->setObjectName(QStringLiteral("tensorHistogramPlot"));
    m_scales->setObjectName(QStringLiteral("tensorScalePlot"));
    auto* split = new QSplitter(this);
    split->addWidget(makeLeft());
    split->addWidget(makeRight());
    split->setStretchFactor(0, 3);
    split->setStretchFactor(1, 2);
    split->setSizes({1000, 560});
    split->setChildrenCollapsible(false);
    m_stack->addWidget(m_empty);
    m_stack->addWidget(split);
    body().addLayout(m_stack, 1);
    m_empty->setTexts(tr("No model yet. Open one, or try the built-in sample."), {});
    connect(&context.document, &Document::projectChanged, this, [this](Changes changes) {
        if (changes & (Change::Model | Change::Configurations)) {
            analyze();
        }
    });
    connect(&context.selection, &Selection::layersChanged, this, [this] {
        const std::string layer = this->context().selection.layer();
        for (std::size_t i = 0; i < m_shown->size(); ++i) {
            if ((*m_shown)[i].layer == layer) {
                showTensor(static_cast<int>(i));
                return;
            }
        }
    });
    const auto select = [this](int row) {
        showTensor(row);
        this->context().selection.setLayers({(*m_shown)[static_cast<std::size_t>(row)].layer});
    };
    connect(m_ridges, &widgets::DistributionsPlot::rowClicked, this, select);
    connect(m_table, &widgets::DataTable::idSelected, this,
            [select](const QVariant& id) { select(id.toInt()); });
    analyze();
}

QWidget* DistributionsPage::makeBar()
{
    auto* bar = new QFrame(this);
    bar->setProperty("panelBar", true);
    auto* layout = new QHBoxLayout(bar);
    layout->setContentsMargins(8, 5, 8, 5);
    layout->setSpacing(8);
    m_axis->addItem(QStringLiteral("log2"), true);
    m_axis->addItem(tr("linear"), false);
    m_axis->setAccessibleName(tr("Value axis"));
    m_range->setChecked(true);
    m_box->setChecked(true);
    layout->addWidget(new QLabel(tr("Value axis"), bar));
    layout->addWidget(m_axis);
    layout->addSpacing(12);
    layout->addWidget(m_range);
    layout->addWidget(m_box);
    layout->addWidget(m_withBias);
    layout->addStretch(1);
    connect(m_axis, &QComboBox::activated, this, &DistributionsPage::showAll);
    connect(m_withBias, &QCheckBox::toggled, this, &DistributionsPage::analyze);
    connect(m_range, &QCheckBox::toggled, m_ridges, &widgets::DistributionsPlot::setRangeShown);
    connect(m_box, &QCheckBox::toggled, m_ridges, &widgets::DistributionsPlot::setBoxShown);
    return bar;
}

QWidget* DistributionsPage::makeLeft()
{
    auto* area = new QWidget(this);
    auto* split = new QSplitter(Qt::Vertical, area);
    split->addWidget(m_ridges);
    split->addWidget(m_table);
    split->setStretchFactor(0, 4);
    split->setStretchFactor(1, 1);
    split->setSizes({620, 180});
    auto* layout = new QVBoxLayout(area);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(makeBar());
    layout->addWidget(split, 1);
    return area;
}

QWidget* DistributionsPage::makeRight()
{
    auto* split = new QSplitter(Qt::Vertical, this);
    split->addWidget(m_histogram);
    split->addWidget(m_scales);
    split->setStretchFactor(0, 1);
    split->setStretchFactor(1, 1);
    return split;
}

void DistributionsPage::analyze()
{
    m_stack->setCurrentIndex(project().isEmpty() ? 0 : 1);
    if (project().isEmpty()) {
        m_shown = std::make_shared<Analyses>();
        return;
    }
    const Snapshot snapshot = context().document.snapshot();
    m_analysis.request(
        [snapshot, withBias = m_withBias->isChecked()](const JobContext&) -> Result<Analyses> {
            Analyses all = analyzeWeights(*snapshot);
            if (!withBias) {
                std::erase_if(all, [](const TensorAnalysis& a) { return a.tensor == "bias"; });
            }
            return all;
        },
        [this](Result<Analyses> done) {
            if (done) {
                m_shown = std::make_shared<const Analyses>(*std::move(done));
                showAll();
            }
        });
}

int DistributionsPage::selectedRow() const
{
    for (std::size_t i = 0; i < m_shown->size(); ++i) {
        if ((*m_shown)[i].layer + "/" + (*m_shown)[i].tensor == m_selected) {
            return static_cast<int>(i);
        }
    }
    return m_shown->empty() ? -1 : 0;
}

void DistributionsPage::showAll()
{
    widgets::DistributionsData ridges;
    ridges.isLog2 = m_axis->currentData().toBool();
    ridges.title =
        (ridges.isLog2
             ? tr("Weights: distribution of log2 |w| per tensor, against the representable range")
             : tr("Weights: distribution per tensor, against the representable range"))
            .toStdString();
    ridges.axisLabel =
        (ridges.isLog2 ? tr("log2 |weight value|") : tr("Weight value")).toStdString();
    for (const TensorAnalysis& analysis : *m_shown) {
        ridges.rows.push_back(rowOf(analysis, ridges.isLog2));
    }
    m_ridges->setData(ridges);
    m_table->setRows(static_cast<int>(m_shown->size()), [shown = m_shown](int row, int column) {
        return cellOf((*shown)[static_cast<std::size_t>(row)], column);
    });
    showTensor(selectedRow());
    Q_EMIT statusChanged();
}

void DistributionsPage::showTensor(int row)
{
    if (row < 0 || row >= static_cast<int>(m_shown->size())) {
        m_histogram->setData({});
        m_scales->setData({});
        return;
    }
    const TensorAnalysis& a = (*m_shown)[static_cast<std::size_t>(row)];
    m_selected = a.layer + "/" + a.tensor;
    m_ridges->setSelectedRow(row);
    m_table->selectId(row);
    m_histogram->setData(histogramOf(a));
    widgets::ChannelScaleData scales = scalesOf(a);
    scales.title = tr("%1: scale per output channel").arg(nameOf(a)).toStdString();
    m_scales->setData(scales);
    Q_EMIT statusChanged();
}

QStringList DistributionsPage::status() const
{
    Index values = 0;
    for (const TensorAnalysis& analysis : *m_shown) {
        values += analysis.count;
    }
    QStringList texts{tr("%n weight tensor(s), %1 values", "", static_cast<int>(m_shown->size()))
                          .arg(widgets::integer(values))};
    const int row = selectedRow();
    if (row >= 0) {
        texts << tr("Selected: %1").arg(nameOf((*m_shown)[static_cast<std::size_t>(row)]));
    }
    return texts;
}

} // namespace

Page* makeDistributionsPage(Context& context, QWidget* parent)
{
    return new DistributionsPage(context, parent);
}

} // namespace bitscape::app

#include "distributions_page.moc"
