// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/energy_plot.h"

#include <QFontMetricsF>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace bitscape::widgets {

namespace {

constexpr double kHalfBar = 0.34;
constexpr double kHalfReference = 0.42;

constexpr std::array kParts{EnergyPart::Multipliers, EnergyPart::Accumulate, EnergyPart::Registers,
                            EnergyPart::Buffers,     EnergyPart::Backing,    EnergyPart::Requantize,
                            EnergyPart::Cpu};

QString partName(EnergyPart part)
{
    switch (part) {
    case EnergyPart::Multipliers:
        return EnergyPlot::tr("multipliers");
    case EnergyPart::Accumulate:
        return EnergyPlot::tr("accumulate");
    case EnergyPart::Registers:
        return EnergyPlot::tr("registers");
    case EnergyPart::Buffers:
        return EnergyPlot::tr("buffers");
    case EnergyPart::Backing:
        return EnergyPlot::tr("backing memory");
    case EnergyPart::Requantize:
        return EnergyPlot::tr("requantize");
    case EnergyPart::Cpu:
        return EnergyPlot::tr("CPU");
    }
    return {};
}

const char* partId(EnergyPart part)
{
    switch (part) {
    case EnergyPart::Multipliers:
        return "multipliers_uj";
    case EnergyPart::Accumulate:
        return "accumulate_uj";
    case EnergyPart::Registers:
        return "registers_uj";
    case EnergyPart::Buffers:
        return "buffers_uj";
    case EnergyPart::Backing:
        return "backing_uj";
    case EnergyPart::Requantize:
        return "requantize_uj";
    case EnergyPart::Cpu:
        return "cpu_uj";
    }
    return "";
}

QColor partColor(EnergyPart part, const Palette& p)
{
    switch (part) {
    case EnergyPart::Multipliers:
        return p[Series::Blue];
    case EnergyPart::Accumulate:
        return p[Series::Sky];
    case EnergyPart::Registers:
        return p[Series::Green];
    case EnergyPart::Buffers:
        return p[Series::Brown];
    case EnergyPart::Backing:
        return p[Series::Orange];
    case EnergyPart::Requantize:
        return p[Series::Purple];
    case EnergyPart::Cpu:
        return p.reference;
    }
    return p.reference;
}

} // namespace

double EnergyRow::total() const
{
    return std::accumulate(microjoule.begin(), microjoule.end(), 0.0);
}

EnergyPlot::EnergyPlot(QWidget* parent) : Plot(parent)
{
    setObjectName(QStringLiteral("energyPlot"));
    setAccessibleName(tr("Energy per layer"));
    dataChanged();
}

void EnergyPlot::setData(const EnergyData& given)
{
    m_data = given;
    m_total = {};
    m_total.name = tr("total").toStdString();
    double reference = 0.0;
    for (EnergyRow& r : m_data.rows) {
        for (std::size_t k = 0; k < kEnergyPartCount; ++k) {
            r.microjoule[k] = std::isfinite(r.microjoule[k]) ? std::max(0.0, r.microjoule[k]) : 0.0;
            m_total.microjoule[k] += r.microjoule[k];
        }
        reference += r.referenceMicrojoule;
    }
    m_total.referenceMicrojoule = reference;
    m_selected = m_selected < static_cast<int>(m_data.rows.size()) ? m_selected : -1;
    dataChanged();
}

void EnergyPlot::setUnit(EnergyUnit unit)
{
    m_unit = unit;
    dataChanged();
    fit();
}

void EnergyPlot::setSelectedRow(int selected)
{
    m_selected = selected >= 0 && selected < static_cast<int>(m_data.rows.size()) ? selected : -1;
    dataChanged();
}

double EnergyPlot::totalMicrojoule() const
{
    return m_total.total();
}

bool EnergyPlot::isTotal(int mark) const
{
    return mark == static_cast<int>(m_data.rows.size());
}

const EnergyRow& EnergyPlot::row(int mark) const
{
    return isTotal(mark) ? m_total : m_data.rows[static_cast<std::size_t>(mark)];
}

double EnergyPlot::shown(const EnergyRow& r, double microjoule) const
{
    if (m_unit == EnergyUnit::Microjoule) {
        return microjoule;
    }
    const double all = r.total();
    return all > 0.0 ? 100.0 * microjoule / all : 0.0;
}

/// The network's own bar would dwarf the others in µJ; its value is in the title then.
int EnergyPlot::marks() const
{
    const int layers = static_cast<int>(m_data.rows.size());
    return layers > 0 && m_unit == EnergyUnit::Percent ? layers + 1 : layers;
}

PlotSpec EnergyPlot::spec() const
{
    const Palette& p = colors();
    PlotSpec s;
    s.isEmpty = m_data.rows.empty();
    s.title = s.isEmpty ? tr("Energy per layer")
                        : tr("Energy per layer, total %1 µJ").arg(num(totalMicrojoule(), 2));
    s.x.data = {-0.6, std::max(0.6, marks() - 0.4)};
    s.x.ends = AxisEnds::Exact;
    s.x.numbers = false;
    s.x.grid = false;
    RangeFinder tops;
    bool hasReference = false;
    for (int i = 0; i < marks(); ++i) {
        s.x.names.push_back({static_cast<double>(i), QString::fromStdString(row(i).name),
                             i == m_selected || isTotal(i)});
        tops.add(shown(row(i), row(i).total()));
        if (m_unit == EnergyUnit::Microjoule) {
            tops.add(row(i).referenceMicrojoule);
            hasReference = hasReference || std::isfinite(row(i).referenceMicrojoule);
        }
    }
    s.y.label = m_unit == EnergyUnit::Microjoule ? tr("Energy, estimate (µJ)")
                                                 : tr("Share of the layer's energy (%)");
    s.y.data = {0.0, tops.range() ? tops.range()->high : 1.0};
    s.y.ends = m_unit == EnergyUnit::Microjoule ? AxisEnds::Zero : AxisEnds::Exact;
    for (std::size_t k = 0; k < kEnergyPartCount; ++k) {
        if (m_total.microjoule[k] > 0.0) {
            s.legend.push_back({.text = partName(kParts[k]),
                                .kind = LegendEntry::Kind::Fill,
                                .pen = QPen(p.plotBackground, 1.0),
                                .fill = partColor(kParts[k], p)});
        }
    }
    if (hasReference) {
        s.legend.push_back({.text = m_data.referenceName.empty()
                                        ? tr("reference")
                                        : QString::fromStdString(m_data.referenceName),
                            .kind = LegendEntry::Kind::Line,
                            .pen = solidPen(p.text, 2.0)});
    }
    return s;
}

QRectF EnergyPlot::bar(int mark, const Frame& f) const
{
    return {QPointF(f.x.toPixel(mark - kHalfBar), f.y.toPixel(shown(row(mark), row(mark).total()))),
            QPointF(f.x.toPixel(mark + kHalfBar), f.y.toPixel(0.0))};
}

void EnergyPlot::paint(Stage stage, Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    if (stage == Stage::Marks) {
        for (int i = 0; i < marks(); ++i) {
            const QRectF whole = bar(i, f);
            double done = 0.0;
            for (std::size_t k = 0; k < kEnergyPartCount; ++k) {
                const double part = row(i).microjoule[k];
                if (part > 0.0) {
                    const double bottom = f.y.toPixel(shown(row(i), done));
                    const double top = f.y.toPixel(shown(row(i), done + part));
                    canvas.rect({QPointF(whole.left(), top), QPointF(whole.right(), bottom)},
                                partColor(kParts[k], p));
                }
                done += part;
            }
        }
    } else if (stage == Stage::Front && m_unit == EnergyUnit::Microjoule) {
        for (int i = 0; i < marks(); ++i) {
            const double y = f.y.toPixel(row(i).referenceMicrojoule);
            if (std::isfinite(row(i).referenceMicrojoule)) {
                canvas.line(
                    {{f.x.toPixel(i - kHalfReference), y}, {f.x.toPixel(i + kHalfReference), y}},
                    solidPen(p.text, 2.0));
            }
        }
    } else if (stage == Stage::Overlay && m_selected >= 0) {
        canvas.rect(bar(m_selected, f).adjusted(-2, -2, 2, 0), {},
                    solidPen(p[Series::Orange], 2.2));
    }
}

bool EnergyPlot::hasData(const QRectF& box, const Frame& f) const
{
    for (int i = 0; i < marks(); ++i) {
        const double x = f.x.toPixel(i);
        const double reference = m_unit == EnergyUnit::Microjoule
                                     ? f.y.toPixel(row(i).referenceMicrojoule)
                                     : f.area.bottom();
        const bool isOverReference = std::isfinite(reference) && reference > box.top() - 3.0 &&
                                     reference < box.bottom() + 3.0;
        const bool isBeside = f.x.toPixel(i + kHalfReference) > box.left() &&
                              f.x.toPixel(i - kHalfReference) < box.right() && std::isfinite(x);
        if (isBeside && (bar(i, f).top() < box.bottom() || isOverReference)) {
            return true;
        }
    }
    return false;
}

QPointF EnergyPlot::markPoint(int mark, const Frame& f) const
{
    return bar(mark, f).center();
}

int EnergyPlot::findMark(const QPointF& at, const Frame& f) const
{
    const int i = static_cast<int>(std::lround(f.x.toValue(at.x())));
    const bool isInside =
        at.x() >= f.area.left() && at.x() <= f.area.right() && at.y() >= f.area.top();
    return isInside && i >= 0 && i < marks() ? i : -1;
}

void EnergyPlot::paintCurrent(int mark, Canvas& canvas) const
{
    canvas.rect(bar(mark, canvas.frame()).adjusted(-1, -1, 1, 0), {},
                solidPen(canvas.colors().text, 1.4));
}

void EnergyPlot::markClicked(int mark, Qt::KeyboardModifiers /*modifiers*/)
{
    if (!isTotal(mark)) {
        setSelectedRow(mark);
        Q_EMIT rowClicked(mark);
    }
}

void EnergyPlot::markActivated(int mark)
{
    if (!isTotal(mark)) {
        Q_EMIT rowActivated(mark);
    }
}

QString EnergyPlot::markHtml(int mark) const
{
    const EnergyRow& r = row(mark);
    const double all = r.total();
    QString text = QStringLiteral("<b>%1</b><br>%2")
                       .arg(QString::fromStdString(r.name).toHtmlEscaped(),
                            tr("energy %1 µJ, estimate").arg(num(all, 3)));
    for (std::size_t k = 0; k < kEnergyPartCount; ++k) {
        if (r.microjoule[k] > 0.0) {
            text += QStringLiteral("<br>") + tr("%1 %2 µJ, %3 %")
                                                 .arg(partName(kParts[k]), num(r.microjoule[k], 3),
                                                      num(100.0 * r.microjoule[k] / all, 1));
        }
    }
    if (std::isfinite(r.referenceMicrojoule)) {
        text += QStringLiteral("<br>") +
                tr("%1: %2 µJ")
                    .arg(QString::fromStdString(m_data.referenceName).toHtmlEscaped(),
                         num(r.referenceMicrojoule, 3));
    }
    return text;
}

PlotTable EnergyPlot::makeTable() const
{
    PlotTable table;
    table.rows = marks();
    table.columns = {{tr("Layer"), QStringLiteral("layer"), -1,
                      [this](int i) { return QVariant(QString::fromStdString(row(i).name)); }},
                     {tr("Energy (µJ)"), QStringLiteral("energy_uj"), 3,
                      [this](int i) { return QVariant(row(i).total()); }}};
    for (std::size_t k = 0; k < kEnergyPartCount; ++k) {
        QString title = partName(kParts[k]) + QStringLiteral(" (µJ)");
        title[0] = title[0].toUpper();
        table.columns.push_back({title, QString::fromLatin1(partId(kParts[k])), 3,
                                 [this, k](int i) { return QVariant(row(i).microjoule[k]); }});
    }
    table.columns.push_back({tr("Reference (µJ)"), QStringLiteral("reference_uj"), 3,
                             [this](int i) { return QVariant(row(i).referenceMicrojoule); }});
    return table;
}

QString EnergyPlot::describe() const
{
    const auto most = std::max_element(
        m_data.rows.begin(), m_data.rows.end(),
        [](const EnergyRow& a, const EnergyRow& b) { return a.total() < b.total(); });
    return tr("%1 layers, %2 µJ in all, most in %3: %4 µJ.")
        .arg(num(static_cast<double>(m_data.rows.size()), 0), num(totalMicrojoule(), 2),
             QString::fromStdString(most->name), num(most->total(), 2));
}

QString EnergyPlot::emptyText() const
{
    return tr("No layers yet. Open a model to see the energy of each layer.");
}

} // namespace bitscape::widgets
