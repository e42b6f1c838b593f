// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/distributions_plot.h"

#include <QFontMetricsF>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace bitscape::widgets {

namespace {

constexpr double kLeastRow = 23.0;   ///< px, so that 30 rows are on a screen
constexpr double kRidgeShare = 0.93; ///< of the row that the highest point reaches
constexpr double kHatchStrength = 0.5;
constexpr double kBoxAt = 0.17; ///< of the row, from below

double boxThickness(double rowHeight)
{
    return std::clamp(rowHeight * 0.16, 3.0, 7.0);
}

} // namespace

DistributionsPlot::DistributionsPlot(QWidget* parent) : Plot(parent)
{
    setObjectName(QStringLiteral("ridgePlot"));
    setAccessibleName(tr("Distributions per layer"));
    dataChanged();
}

void DistributionsPlot::setData(const DistributionsData& given)
{
    m_data = given;
    for (DistributionRow& row : m_data.rows) {
        const std::size_t n = std::min(row.values.size(), row.density.size());
        row.values.resize(n);
        row.density.resize(n);
    }
    m_selected = m_selected < marks() ? m_selected : -1;
    dataChanged();
}

void DistributionsPlot::setSelectedRow(int row)
{
    m_selected = row >= 0 && row < marks() ? row : -1;
    dataChanged();
}

void DistributionsPlot::setRangeShown(bool on)
{
    m_rangeShown = on;
    dataChanged();
}

void DistributionsPlot::setBoxShown(bool on)
{
    m_boxShown = on;
    dataChanged();
}

PlotSpec DistributionsPlot::spec() const
{
    const Palette& p = colors();
    PlotSpec s;
    s.title =
        m_data.title.empty() ? tr("Distributions per layer") : QString::fromStdString(m_data.title);
    s.hasRightHeading = true;
    RangeFinder values;
    for (const DistributionRow& row : m_data.rows) {
        for (std::size_t i = 0; i < row.values.size(); ++i) {
            if (row.density[i] > 0.0) {
                values.add(row.values[i]);
            }
        }
        if (row.rangeHigh && m_rangeShown) {
            values.add(*row.rangeHigh);
        }
        values.add(row.box.whiskerHigh);
    }
    s.isEmpty = m_data.rows.empty();
    s.isVertical = true;
    s.x.label = m_data.axisLabel.empty() ? (m_data.isLog2 ? tr("log2 |value|") : tr("Value"))
                                         : QString::fromStdString(m_data.axisLabel);
    s.x.data = values.range().value_or(Range{-1.0, 1.0});
    s.y.data = {0.0, std::max(1.0, static_cast<double>(marks()))};
    s.y.ends = AxisEnds::Exact;
    s.y.numbers = false;
    s.y.zoom = false;
    s.y.reversed = true;
    s.y.leastPixelsPerUnit = kLeastRow;
    for (int i = 0; i < marks(); ++i) {
        s.y.names.push_back({i + 0.55,
                             QString::fromStdString(m_data.rows[static_cast<std::size_t>(i)].name),
                             i == m_selected});
    }
    const QFontMetricsF metrics(plotFont(font(), TextSize::Note));
    s.rightMargin = metrics.horizontalAdvance(QStringLiteral("f32 999.9 dB")) + 48.0;
    s.legendPlace = LegendPlace::Below;
    if (m_rangeShown) {
        s.legend.push_back({.text = m_data.isLog2 ? tr("representable range (half a step … clip)")
                                                  : tr("representable range"),
                            .kind = LegendEntry::Kind::Fill,
                            .pen = QPen(p.line, 1.0),
                            .fill = withAlpha(p.reference, 0.2)});
        s.legend.push_back({.text = tr("clipped (overflow)"),
                            .kind = LegendEntry::Kind::Hatching,
                            .hatch = Hatch::Clip,
                            .strength = 0.8});
        if (m_data.isLog2) {
            s.legend.push_back({.text = tr("below half a step (becomes zero)"),
                                .kind = LegendEntry::Kind::Hatching,
                                .hatch = Hatch::Underflow,
                                .strength = 0.8});
        }
    }
    if (m_boxShown) {
        s.legend.push_back({.text = tr("quartiles, median, 0.1 % … 99.9 %"),
                            .kind = LegendEntry::Kind::Box,
                            .marker = {.radius = 2.6,
                                       .fill = p.plotBackground,
                                       .outline = solidPen(p[Series::Indigo], 1.2)},
                            .pen = solidPen(p[Series::Indigo], 1.3)});
    }
    return s;
}

QRectF DistributionsPlot::rowBox(int row, const Frame& f) const
{
    const double top = f.y.toPixel(row);
    const double bottom = f.y.toPixel(row + 1);
    return {f.area.left(), top + 2.0, f.area.width(), bottom - top - 3.0};
}

bool DistributionsPlot::isVisibleRow(int row, const Frame& f) const
{
    return rowBox(row, f).intersects(f.area);
}

void DistributionsPlot::paint(Stage stage, Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    if (stage == Stage::Labels) {
        paintMargin(canvas);
        return;
    }
    for (int row = 0; row < marks(); ++row) {
        if (!isVisibleRow(row, f)) {
            continue;
        }
        if (stage == Stage::Back && m_rangeShown) {
            paintRange(row, canvas);
        } else if (stage == Stage::Marks) {
            paintRidge(row, canvas);
        } else if (stage == Stage::Front && m_boxShown) {
            paintBox(row, canvas);
        }
    }
}

void DistributionsPlot::paintRange(int row, Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const DistributionRow& r = m_data.rows[static_cast<std::size_t>(row)];
    if (!r.rangeLow && !r.rangeHigh) {
        return;
    }
    const QRectF box = rowBox(row, f);
    const auto at = [&](const std::optional<double>& v, double otherwise) {
        return v ? std::clamp(f.x.toPixel(*v), f.area.left(), f.area.right()) : otherwise;
    };
    const double low = at(r.rangeLow, f.area.left());
    const double high = at(r.rangeHigh, f.area.right());
    canvas.rect({QPointF(low, box.top()), QPointF(high, box.bottom())},
                withAlpha(canvas.colors().reference, 0.13));
    canvas.hatch({QPointF(high, box.top()), box.bottomRight()}, Hatch::Clip, kHatchStrength);
    canvas.hatch({box.topLeft(), QPointF(low, box.bottom())},
                 m_data.isLog2 ? Hatch::Underflow : Hatch::Clip, kHatchStrength);
}

void DistributionsPlot::paintRidge(int row, Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    const DistributionRow& r = m_data.rows[static_cast<std::size_t>(row)];
    const QRectF box = rowBox(row, f);
    double most = 0.0;
    for (const double d : r.density) {
        most = std::isfinite(d) ? std::max(most, d) : most;
    }
    canvas.line({box.bottomLeft(), box.bottomRight()}, solidPen(p.grid, 1.0));
    if (!(most > 0.0)) {
        return;
    }
    QPolygonF top;
    for (std::size_t i = 0; i < r.values.size(); ++i) {
        const double share = std::isfinite(r.density[i]) ? std::max(0.0, r.density[i]) / most : 0.0;
        top << QPointF(f.x.toPixel(r.values[i]), box.bottom() - kRidgeShare * share * box.height());
    }
    top = thinned(top);
    QPolygonF area = top;
    area.prepend({top.first().x(), box.bottom()});
    area.append({top.last().x(), box.bottom()});
    const bool isSelected = row == m_selected;
    canvas.area(area,
                isSelected ? withAlpha(p[Series::Blue], 0.62) : withAlpha(p[Series::Sky], 0.5));
    canvas.line(area, solidPen(p[Series::Blue], isSelected ? 2.0 : 1.2));
}

void DistributionsPlot::paintBox(int row, Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const QColor ink = canvas.colors()[Series::Indigo];
    const DistributionBox& b = m_data.rows[static_cast<std::size_t>(row)].box;
    const QRectF box = rowBox(row, f);
    const double y = box.bottom() - kBoxAt * box.height();
    const auto bar = [&](double low, double high, double thickness, double alpha) {
        if (std::isfinite(low) && std::isfinite(high)) {
            canvas.line({{f.x.toPixel(low), y}, {f.x.toPixel(high), y}},
                        solidPen(withAlpha(ink, alpha), thickness));
        }
    };
    bar(b.whiskerLow, b.whiskerHigh, 1.3, 1.0);
    bar(b.quartileLow, b.quartileHigh, boxThickness(box.height()), 0.88);
    canvas.mark({f.x.toPixel(b.median), y}, {.radius = boxThickness(box.height()) * 0.46,
                                             .fill = canvas.colors().plotBackground,
                                             .outline = solidPen(ink, 1.2)});
}

void DistributionsPlot::paintMargin(Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    const double chipWidth = canvas.chipSize().width();
    const double left = f.area.right() + 9.0;
    canvas.text({left, f.area.top() - 7.0}, Qt::AlignLeft | Qt::AlignBottom, tr("bits, SQNR"),
                {.color = p.text, .bold = true});
    for (int row = 0; row < marks(); ++row) {
        const DistributionRow& r = m_data.rows[static_cast<std::size_t>(row)];
        const double y = f.y.toPixel(row + 0.55);
        if (y < f.area.top() || y > f.area.bottom()) {
            continue;
        }
        canvas.chip({left + chipWidth / 2, y}, r.bits);
        double x = left + chipWidth + 6.0;
        if (std::isfinite(r.sqnrDecibel)) {
            x = canvas
                    .text({x, y}, Qt::AlignLeft | Qt::AlignVCenter,
                          tr("%1 dB").arg(num(r.sqnrDecibel, 1)),
                          {.color = p.text, .bold = row == m_selected})
                    .right() +
                6.0;
        }
        if (r.hasAdvice) {
            QPainter& painter = canvas.painter();
            painter.setPen(solidPen(p.warning.text, 1.4));
            painter.setBrush(Qt::NoBrush);
            painter.drawPolygon(
                QPolygonF{{x + 6.0, y - 6.0}, {x + 12.5, y + 5.5}, {x - 0.5, y + 5.5}});
            painter.drawLine(QPointF(x + 6.0, y - 2.0), QPointF(x + 6.0, y + 1.5));
            painter.drawLine(QPointF(x + 6.0, y + 3.0), QPointF(x + 6.0, y + 4.0));
        }
    }
}

int DistributionsPlot::marks() const
{
    return static_cast<int>(m_data.rows.size());
}

QPointF DistributionsPlot::markPoint(int mark, const Frame& f) const
{
    const DistributionRow& row = m_data.rows[static_cast<std::size_t>(mark)];
    const double x =
        std::isfinite(row.box.median) ? f.x.toPixel(row.box.median) : f.area.center().x();
    return {x, f.y.toPixel(mark + 0.5)};
}

int DistributionsPlot::findMark(const QPointF& at, const Frame& f) const
{
    const bool isBeside = at.y() >= f.area.top() && at.y() <= f.area.bottom();
    const int row = static_cast<int>(std::floor(f.y.toValue(at.y())));
    return isBeside && row >= 0 && row < marks() ? row : -1;
}

void DistributionsPlot::paintCurrent(int mark, Canvas& canvas) const
{
    canvas.rect(rowBox(mark, canvas.frame()).adjusted(1, -1, -1, 1), {},
                solidPen(withAlpha(canvas.colors().highlight, 0.8), 1.4));
}

void DistributionsPlot::markClicked(int mark, Qt::KeyboardModifiers /*modifiers*/)
{
    setSelectedRow(mark);
    Q_EMIT rowClicked(mark);
}

void DistributionsPlot::markActivated(int mark)
{
    Q_EMIT rowActivated(mark);
}

QString DistributionsPlot::markHtml(int mark) const
{
    const DistributionRow& r = m_data.rows[static_cast<std::size_t>(mark)];
    QString text = QStringLiteral("<b>%1</b>").arg(QString::fromStdString(r.name).toHtmlEscaped());
    const auto add = [&](const QString& line, double value) {
        if (std::isfinite(value)) {
            text += QStringLiteral("<br>") + line;
        }
    };
    text += QStringLiteral("<br>") +
            (r.bits >= 32 || r.bits <= 0 ? tr("float") : tr("%1 bits").arg(num(r.bits, 0)));
    add(tr("SQNR %1 dB").arg(num(r.sqnrDecibel, 1)), r.sqnrDecibel);
    add(tr("clipped %1 %").arg(num(r.clippedPercent, 2)), r.clippedPercent);
    add(tr("zero codes %1 %").arg(num(r.zeroPercent, 1)), r.zeroPercent);
    add(tr("quartiles %1 … %2, median %3")
            .arg(num(r.box.quartileLow, 2), num(r.box.quartileHigh, 2), num(r.box.median, 2)),
        r.box.median);
    return text + QStringLiteral("<br>") + tr("height: density against its own maximum");
}

PlotTable DistributionsPlot::makeTable() const
{
    PlotTable table;
    table.rows = marks();
    const auto row = [this](int i) -> const DistributionRow& {
        return m_data.rows[static_cast<std::size_t>(i)];
    };
    const auto optional = [](const std::optional<double>& v) {
        return v ? QVariant(*v) : QVariant();
    };
    table.columns = {
        {tr("Layer"), QStringLiteral("layer"), -1,
         [row](int i) { return QVariant(QString::fromStdString(row(i).name)); }},
        {tr("Bits"), QStringLiteral("bits"), 0, [row](int i) { return QVariant(row(i).bits); }},
        {tr("SQNR (dB)"), QStringLiteral("sqnr_db"), 1,
         [row](int i) { return QVariant(row(i).sqnrDecibel); }},
        {tr("Range from"), QStringLiteral("range_low"), 3,
         [row, optional](int i) { return optional(row(i).rangeLow); }},
        {tr("Range to"), QStringLiteral("range_high"), 3,
         [row, optional](int i) { return optional(row(i).rangeHigh); }},
        {tr("0.1 %"), QStringLiteral("quantile_0_001"), 3,
         [row](int i) { return QVariant(row(i).box.whiskerLow); }},
        {tr("25 %"), QStringLiteral("quantile_0_25"), 3,
         [row](int i) { return QVariant(row(i).box.quartileLow); }},
        {tr("Median"), QStringLiteral("median"), 3,
         [row](int i) { return QVariant(row(i).box.median); }},
        {tr("75 %"), QStringLiteral("quantile_0_75"), 3,
         [row](int i) { return QVariant(row(i).box.quartileHigh); }},
        {tr("99.9 %"), QStringLiteral("quantile_0_999"), 3,
         [row](int i) { return QVariant(row(i).box.whiskerHigh); }},
        {tr("Clipped (%)"), QStringLiteral("clipped_percent"), 2,
         [row](int i) { return QVariant(row(i).clippedPercent); }},
        {tr("Zero codes (%)"), QStringLiteral("zero_percent"), 1,
         [row](int i) { return QVariant(row(i).zeroPercent); }}};
    return table;
}

QString DistributionsPlot::describe() const
{
    QString text = tr("Distributions of %1 layers").arg(num(marks(), 0));
    const auto worst = std::min_element(m_data.rows.begin(), m_data.rows.end(),
                                        [](const DistributionRow& a, const DistributionRow& b) {
                                            const bool known = std::isfinite(a.sqnrDecibel);
                                            return known && (!std::isfinite(b.sqnrDecibel) ||
                                                             a.sqnrDecibel < b.sqnrDecibel);
                                        });
    if (worst != m_data.rows.end() && std::isfinite(worst->sqnrDecibel)) {
        text += tr(", lowest SQNR %1 dB in %2")
                    .arg(num(worst->sqnrDecibel, 1), QString::fromStdString(worst->name));
    }
    return text + u'.';
}

QString DistributionsPlot::emptyText() const
{
    return tr("No distributions yet. They are gathered from the weights of the model and from "
              "calibration images.");
}

} // namespace bitscape::widgets
