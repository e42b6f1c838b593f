// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/utilization_plot.h"

#include "widgets/plots/numbers.h"

#include <QFontMetricsF>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bitscape::widgets {

namespace {

/// Layers with few cycles still get this share of the height, to be seen and clicked.
constexpr double kLeastShare = 0.042;
constexpr double kLeastBar = 12.5; ///< px; with less room the plot scrolls
constexpr double kGap = 3.0;       ///< px between bars

QString partName(SlotPart part)
{
    switch (part) {
    case SlotPart::Useful:
        return UtilizationPlot::tr("useful");
    case SlotPart::LanePadding:
        return UtilizationPlot::tr("lane padding");
    case SlotPart::SpatialEdge:
        return UtilizationPlot::tr("spatial edge");
    case SlotPart::SetUp:
        return UtilizationPlot::tr("set-up, first load");
    case SlotPart::MemoryStall:
        return UtilizationPlot::tr("memory stall");
    }
    return {};
}

const char* partId(SlotPart part)
{
    switch (part) {
    case SlotPart::Useful:
        return "useful_percent";
    case SlotPart::LanePadding:
        return "lane_padding_percent";
    case SlotPart::SpatialEdge:
        return "spatial_edge_percent";
    case SlotPart::SetUp:
        return "set_up_percent";
    case SlotPart::MemoryStall:
        return "memory_stall_percent";
    }
    return "";
}

constexpr std::array kParts{SlotPart::Useful, SlotPart::LanePadding, SlotPart::SpatialEdge,
                            SlotPart::SetUp, SlotPart::MemoryStall};

} // namespace

std::array<int, kSlotPartCount> tenthsOfPercent(const std::array<double, kSlotPartCount>& shares)
{
    std::array<int, kSlotPartCount> tenths{};
    std::array<std::size_t, kSlotPartCount> order{};
    std::iota(order.begin(), order.end(), std::size_t{0});
    int sum = 0;
    for (std::size_t i = 0; i < kSlotPartCount; ++i) {
        tenths[i] = static_cast<int>(std::floor(shares[i] * 1000.0));
        sum += tenths[i];
    }
    const auto remainder = [&](std::size_t i) { return shares[i] * 1000.0 - tenths[i]; };
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return remainder(a) > remainder(b); });
    for (std::size_t k = 0; sum < 1000 && k < kSlotPartCount; ++k, ++sum) {
        ++tenths[order[k]];
    }
    return tenths;
}

UtilizationPlot::UtilizationPlot(QWidget* parent) : Plot(parent)
{
    setObjectName(QStringLiteral("utilizationPlot"));
    setAccessibleName(tr("Use of lane-slots per layer"));
    dataChanged();
}

void UtilizationPlot::setData(const UtilizationData& given)
{
    m_data = given;
    m_cycles = 0.0;
    for (UtilizationRow& row : m_data.rows) {
        row.cycles = std::isfinite(row.cycles) ? std::max(0.0, row.cycles) : 0.0;
        for (double& share : row.shares) {
            share = std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0.0;
        }
        m_cycles += row.cycles;
    }
    m_tops = {0.0};
    for (const UtilizationRow& row : m_data.rows) {
        const double share = m_cycles > 0.0 ? row.cycles / m_cycles : 0.0;
        m_tops.push_back(m_tops.back() + std::max(kLeastShare, share));
    }
    m_selected = m_selected < marks() ? m_selected : -1;
    dataChanged();
}

void UtilizationPlot::setSelectedRow(int row)
{
    m_selected = row >= 0 && row < marks() ? row : -1;
    dataChanged();
}

QString UtilizationPlot::modeText(const UtilizationRow& row) const
{
    switch (row.engine) {
    case LayerEngine::Cpu:
        return tr("CPU fallback");
    case LayerEngine::Free:
        return tr("free");
    case LayerEngine::Accelerated:
        break;
    }
    return QStringLiteral("×%1").arg(num(row.lanes, 0));
}

PlotSpec UtilizationPlot::spec() const
{
    const Palette& p = colors();
    PlotSpec s;
    s.title = tr("Where the lane-slots go: bar height is the share of cycles");
    s.shortTitle = tr("Where the lane-slots go");
    s.hasRightHeading = true;
    s.isEmpty = m_data.rows.empty();
    s.isVertical = true;
    s.x.label = tr("Share of offered lane-slots (%)");
    s.x.data = {0.0, 100.0};
    s.x.ends = AxisEnds::Exact;
    s.y.data = {0.0, m_tops.empty() ? 1.0 : std::max(kLeastShare, m_tops.back())};
    s.y.ends = AxisEnds::Exact;
    s.y.numbers = false;
    s.y.zoom = false;
    s.y.reversed = true;
    double lowest = 1.0;
    for (std::size_t i = 1; i < m_tops.size(); ++i) {
        lowest = std::min(lowest, m_tops[i] - m_tops[i - 1]);
    }
    s.y.leastPixelsPerUnit = kLeastBar / lowest;
    for (int i = 0; i < marks(); ++i) {
        const auto at = static_cast<std::size_t>(i);
        s.y.names.push_back({(m_tops[at] + m_tops[at + 1]) / 2,
                             QString::fromStdString(m_data.rows[at].name), i == m_selected});
    }
    const QFontMetricsF metrics(plotFont(font(), TextSize::Note));
    s.rightMargin = metrics.horizontalAdvance(tr("CPU fallback")) + 28.0 +
                    metrics.horizontalAdvance(QStringLiteral("9999,9 k"));
    s.legendPlace = LegendPlace::Below;
    const QPen frame(p.line, 1.0);
    s.legend = {{.text = partName(SlotPart::Useful),
                 .kind = LegendEntry::Kind::Fill,
                 .pen = frame,
                 .fill = p[Series::Blue]},
                {.text = partName(SlotPart::LanePadding),
                 .kind = LegendEntry::Kind::Hatching,
                 .hatch = Hatch::LanePadding},
                {.text = partName(SlotPart::SpatialEdge),
                 .kind = LegendEntry::Kind::Hatching,
                 .hatch = Hatch::SpatialEdge},
                {.text = partName(SlotPart::SetUp),
                 .kind = LegendEntry::Kind::Fill,
                 .pen = frame,
                 .fill = p.reference},
                {.text = partName(SlotPart::MemoryStall),
                 .kind = LegendEntry::Kind::Hatching,
                 .hatch = Hatch::Clip}};
    if (std::any_of(m_data.rows.begin(), m_data.rows.end(),
                    [](const UtilizationRow& r) { return r.engine == LayerEngine::Cpu; })) {
        s.legend.push_back(
            {.text = tr("CPU fallback"), .kind = LegendEntry::Kind::Hatching, .hatch = Hatch::Cpu});
    }
    return s;
}

QRectF UtilizationPlot::bar(int row, const Frame& f) const
{
    const auto i = static_cast<std::size_t>(row);
    const double top = f.y.toPixel(m_tops[i]);
    const double bottom = f.y.toPixel(m_tops[i + 1]);
    return {f.x.toPixel(0.0), top + kGap / 2, f.x.toPixel(100.0) - f.x.toPixel(0.0),
            std::max(2.0, bottom - top - kGap)};
}

void UtilizationPlot::paint(Stage stage, Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    if (stage == Stage::Marks) {
        for (int row = 0; row < marks(); ++row) {
            if (bar(row, f).intersects(f.area)) {
                paintBar(row, canvas);
            }
        }
    } else if (stage == Stage::Labels) {
        paintMargin(canvas);
    } else if (stage == Stage::Overlay && m_selected >= 0) {
        canvas.rect(bar(m_selected, f).adjusted(1, 0, -1, 0), {},
                    solidPen(canvas.colors()[Series::Orange], 2.5));
    }
}

void UtilizationPlot::paintBar(int row, Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    const UtilizationRow& r = m_data.rows[static_cast<std::size_t>(row)];
    const QRectF whole = bar(row, f);
    if (r.engine != LayerEngine::Accelerated) {
        if (r.engine == LayerEngine::Cpu) {
            canvas.hatch(whole, Hatch::Cpu);
        } else {
            canvas.rect(whole.adjusted(0.5, 0.5, -0.5, -0.5), {},
                        dashedPen(p.reference, 1.0, {3, 3}));
        }
        return;
    }
    double done = 0.0;
    for (std::size_t k = 0; k < kSlotPartCount; ++k) {
        const double share = r.shares[k];
        const QRectF part(QPointF(f.x.toPixel(100.0 * done), whole.top()),
                          QPointF(f.x.toPixel(100.0 * (done + share)), whole.bottom()));
        done += share;
        if (!(share > 0.0)) {
            continue;
        }
        switch (kParts[k]) {
        case SlotPart::Useful:
            canvas.rect(part, p[Series::Blue]);
            break;
        case SlotPart::LanePadding:
            canvas.hatch(part, Hatch::LanePadding);
            break;
        case SlotPart::SpatialEdge:
            canvas.hatch(part, Hatch::SpatialEdge);
            break;
        case SlotPart::SetUp:
            canvas.rect(part, p.reference);
            break;
        case SlotPart::MemoryStall:
            canvas.hatch(part, Hatch::Clip);
            break;
        }
        if (k > 0) {
            canvas.line({part.topLeft(), part.bottomLeft()}, solidPen(p.plotBackground, 1.0));
        }
    }
}

void UtilizationPlot::paintMargin(Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    const double left = f.area.right() + 7.0;
    const double right = f.area.right() + spec().rightMargin - 4.0;
    canvas.text({left, f.area.top() - 7.0}, Qt::AlignLeft | Qt::AlignBottom, tr("mode, bits"),
                {.color = p.text, .bold = true});
    canvas.text({right, f.area.top() - 7.0}, Qt::AlignRight | Qt::AlignBottom, tr("cycles"),
                {.color = p.text, .bold = true});
    double free = 0.0;
    for (int row = 0; row < marks(); ++row) {
        const UtilizationRow& r = m_data.rows[static_cast<std::size_t>(row)];
        const double y = bar(row, f).center().y();
        if (y < f.area.top() || y > f.area.bottom() || y < free) {
            continue;
        }
        free = y + 0.8 * canvas.lineHeight();
        const bool isAccelerated = r.engine == LayerEngine::Accelerated;
        const QRectF mode = canvas.text({left, y}, Qt::AlignLeft | Qt::AlignVCenter, modeText(r),
                                        {.color = p.text, .bold = isAccelerated});
        if (isAccelerated && r.weightBits > 0) {
            canvas.text({mode.right() + 5.0, y}, Qt::AlignLeft | Qt::AlignVCenter,
                        QStringLiteral("w%1 a%2").arg(r.weightBits).arg(r.inputBits),
                        {.color = p.text});
        }
        canvas.text({right, y}, Qt::AlignRight | Qt::AlignVCenter, thousands(locale(), r.cycles),
                    {.color = p.text});
    }
}

int UtilizationPlot::marks() const
{
    return static_cast<int>(m_data.rows.size());
}

QPointF UtilizationPlot::markPoint(int mark, const Frame& f) const
{
    return bar(mark, f).center();
}

int UtilizationPlot::findMark(const QPointF& at, const Frame& f) const
{
    if (at.y() < f.area.top() || at.y() > f.area.bottom()) {
        return -1;
    }
    const double value = f.y.toValue(at.y());
    const auto next = std::upper_bound(m_tops.begin(), m_tops.end(), value);
    const auto row = static_cast<int>(next - m_tops.begin()) - 1;
    return row >= 0 && row < marks() ? row : -1;
}

void UtilizationPlot::paintCurrent(int mark, Canvas& canvas) const
{
    canvas.rect(bar(mark, canvas.frame()).adjusted(0, -1, 0, 1), {},
                solidPen(canvas.colors().text, 1.4));
}

void UtilizationPlot::markClicked(int mark, Qt::KeyboardModifiers /*modifiers*/)
{
    setSelectedRow(mark);
    Q_EMIT rowClicked(mark);
}

void UtilizationPlot::markActivated(int mark)
{
    Q_EMIT rowActivated(mark);
}

QString UtilizationPlot::markHtml(int mark) const
{
    const UtilizationRow& r = m_data.rows[static_cast<std::size_t>(mark)];
    QString text = QStringLiteral("<b>%1</b> — %2")
                       .arg(QString::fromStdString(r.name).toHtmlEscaped(), modeText(r));
    if (r.engine == LayerEngine::Accelerated) {
        const auto tenths = tenthsOfPercent(r.shares);
        for (std::size_t k = 0; k < kSlotPartCount; ++k) {
            text += QStringLiteral("<br>") +
                    tr("%1 %2 %").arg(partName(kParts[k]), num(tenths[k] / 10.0, 1));
        }
    }
    const double share = m_cycles > 0.0 ? 100.0 * r.cycles / m_cycles : 0.0;
    return text + QStringLiteral("<br>") +
           tr("%1 cycles, %2 % of all").arg(num(r.cycles, 0), num(share, 1));
}

PlotTable UtilizationPlot::makeTable() const
{
    PlotTable table;
    table.rows = marks();
    const auto row = [this](int i) -> const UtilizationRow& {
        return m_data.rows[static_cast<std::size_t>(i)];
    };
    table.columns = {{tr("Layer"), QStringLiteral("layer"), -1,
                      [row](int i) { return QVariant(QString::fromStdString(row(i).name)); }},
                     {tr("Mode"), QStringLiteral("mode"), -1,
                      [this, row](int i) { return QVariant(modeText(row(i))); },
                      [row](int i) {
                          const LayerEngine engine = row(i).engine;
                          return engine == LayerEngine::Accelerated
                                     ? QVariant(row(i).lanes)
                                     : QVariant(engine == LayerEngine::Cpu
                                                    ? QStringLiteral("cpu")
                                                    : QStringLiteral("free"));
                      }},
                     {tr("w"), QStringLiteral("weight_bits"), 0,
                      [row](int i) { return QVariant(row(i).weightBits); }},
                     {tr("a"), QStringLiteral("input_bits"), 0,
                      [row](int i) { return QVariant(row(i).inputBits); }},
                     {tr("Cycles"), QStringLiteral("cycles"), 0,
                      [row](int i) { return QVariant(row(i).cycles); }}};
    for (std::size_t k = 0; k < kSlotPartCount; ++k) {
        QString title = partName(kParts[k]) + QStringLiteral(" (%)");
        title[0] = title[0].toUpper();
        table.columns.push_back({title, QString::fromLatin1(partId(kParts[k])), 1, [row, k](int i) {
                                     return row(i).engine == LayerEngine::Accelerated
                                                ? QVariant(100.0 * row(i).shares[k])
                                                : QVariant();
                                 }});
    }
    return table;
}

QString UtilizationPlot::describe() const
{
    double useful = 0.0;
    double accelerated = 0.0;
    for (const UtilizationRow& r : m_data.rows) {
        if (r.engine == LayerEngine::Accelerated) {
            useful += r.shares[0] * r.cycles;
            accelerated += r.cycles;
        }
    }
    return tr("%1 layers, %2 cycles, %3 % of the cycles of accelerated layers useful.")
        .arg(num(marks(), 0), num(m_cycles, 0),
             num(accelerated > 0.0 ? 100.0 * useful / accelerated : 0.0, 1));
}

QString UtilizationPlot::emptyText() const
{
    return tr("No layers yet. Open a model to see where the cycles of the accelerator go.");
}

} // namespace bitscape::widgets
