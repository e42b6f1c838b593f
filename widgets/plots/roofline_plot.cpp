// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/roofline_plot.h"

#include "widgets/plots/numbers.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace bitscape::widgets {

namespace {

constexpr double kBitsPerByte = 8.0;

bool isDrawn(double macsPerByte, double macsPerCycle)
{
    return std::isfinite(macsPerByte) && std::isfinite(macsPerCycle) && macsPerByte > 0.0 &&
           macsPerCycle > 0.0;
}

bool isDrawn(const RooflinePoint& p)
{
    return isDrawn(p.macsPerByte, p.macsPerCycle);
}

bool hasReference(const RooflinePoint& p)
{
    return isDrawn(p.referenceMacsPerByte, p.referenceMacsPerCycle);
}

MarkerStyle modeStyle(int lanes, const Palette& p)
{
    switch (lanes) {
    case 1:
        return {.shape = Marker::Triangle, .radius = 5.5, .fill = p[Series::Orange]};
    case 2:
        return {.shape = Marker::Circle, .radius = 5.2, .fill = p[Series::Blue]};
    case 4:
        return {.shape = Marker::Square, .radius = 4.8, .fill = p[Series::Green]};
    default:
        return {.shape = Marker::Diamond, .radius = 5.0, .fill = p[Series::Indigo]};
    }
}

MarkerStyle referenceStyle(const Palette& p)
{
    return {.radius = 4.0, .fill = p.plotBackground, .outline = solidPen(p.reference, 1.4)};
}

} // namespace

RooflinePlot::RooflinePlot(QWidget* parent) : Plot(parent)
{
    setObjectName(QStringLiteral("rooflinePlot"));
    setAccessibleName(tr("Roofline"));
    dataChanged();
}

void RooflinePlot::setData(const RooflineData& given)
{
    m_data = given;
    std::erase_if(m_data.roofs, [](const RooflineRoof& r) {
        return !std::isfinite(r.macsPerCycle) || r.macsPerCycle <= 0.0;
    });
    std::sort(m_data.roofs.begin(), m_data.roofs.end(),
              [](const RooflineRoof& a, const RooflineRoof& b) {
                  return a.macsPerCycle < b.macsPerCycle;
              });
    m_selected = m_selected < marks() ? m_selected : -1;
    dataChanged();
}

void RooflinePlot::setSelectedPoint(int point)
{
    m_selected = point >= 0 && point < marks() ? point : -1;
    refresh();
}

double RooflinePlot::macsPerByteLimit() const
{
    return m_data.backingBitsPerCycle / kBitsPerByte;
}

bool RooflinePlot::isMemoryBound(const RooflinePoint& point) const
{
    const auto roof = std::find_if(m_data.roofs.begin(), m_data.roofs.end(),
                                   [&](const RooflineRoof& r) { return r.lanes == point.lanes; });
    return roof != m_data.roofs.end() &&
           point.macsPerByte * macsPerByteLimit() < roof->macsPerCycle;
}

PlotSpec RooflinePlot::spec() const
{
    const Palette& p = colors();
    PlotSpec s;
    s.title = tr("Roofline");
    RangeFinder x;
    RangeFinder y;
    std::vector<int> modes;
    bool withReference = false;
    for (const RooflinePoint& point : m_data.points) {
        if (!isDrawn(point)) {
            continue;
        }
        x.add(point.macsPerByte);
        y.add(point.macsPerCycle);
        modes.push_back(point.lanes);
        if (hasReference(point)) {
            withReference = true;
            x.add(point.referenceMacsPerByte);
            y.add(point.referenceMacsPerCycle);
        }
    }
    s.isEmpty = !x.range();
    for (const RooflineRoof& roof : m_data.roofs) {
        y.add(roof.macsPerCycle);
        if (macsPerByteLimit() > 0.0) {
            x.add(roof.macsPerCycle / macsPerByteLimit());
        }
    }
    const auto wide = [](const std::optional<Range>& r) {
        return r ? Range{r->low / 1.4, r->high * 1.6} : Range{1.0, 10.0};
    };
    const auto configure = [](AxisSpec& axis, const Range& range) {
        axis.data = range;
        axis.ends = AxisEnds::Exact;
        axis.canBeLog = true;
        axis.isLog = true;
        axis.logBase = 2;
    };
    configure(s.x, wide(x.range()));
    configure(s.y, wide(y.range()));
    s.x.label = tr("Operational intensity (MAC per byte of backing traffic)");
    s.y.label = tr("Performance, estimate (MAC per cycle)");
    std::sort(modes.begin(), modes.end(), std::greater<>());
    modes.erase(std::unique(modes.begin(), modes.end()), modes.end());
    for (const int lanes : modes) {
        s.legend.push_back(
            {.text = tr("mode ×%1").arg(num(lanes, 0)), .marker = modeStyle(lanes, p)});
    }
    if (withReference) {
        s.legend.push_back({.text = m_data.referenceName.empty()
                                        ? tr("reference")
                                        : QString::fromStdString(m_data.referenceName),
                            .marker = referenceStyle(p)});
    }
    return s;
}

std::vector<QPolygonF> RooflinePlot::roofLines(const Frame& f) const
{
    std::vector<QPolygonF> lines;
    const double slope = macsPerByteLimit();
    for (const RooflineRoof& roof : m_data.roofs) {
        const double y = f.y.toPixel(roof.macsPerCycle);
        const double ridge = slope > 0.0 ? f.x.toPixel(roof.macsPerCycle / slope) : f.area.left();
        lines.push_back({{ridge, y}, {f.area.right(), y}});
    }
    if (slope > 0.0 && !m_data.roofs.empty()) {
        // A straight line on two logarithmic axes, a curve if one of them is linear.
        const double highest = m_data.roofs.back().macsPerCycle;
        QPolygonF slant;
        constexpr int kPieces = 64;
        const double ridge = f.x.toPixel(highest / slope);
        const double left = std::min(f.area.left(), ridge);
        for (int i = 0; i <= kPieces; ++i) {
            const double pixel = left + (ridge - left) * i / kPieces;
            slant << QPointF(pixel, f.y.toPixel(f.x.toValue(pixel) * slope));
        }
        lines.push_back(slant);
    }
    return lines;
}

void RooflinePlot::paint(Stage stage, Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    switch (stage) {
    case Stage::Back:
        break;
    case Stage::Marks:
        for (const QPolygonF& line : roofLines(f)) {
            canvas.line(line, solidPen(p.text, 1.5));
        }
        for (const RooflinePoint& point : m_data.points) {
            if (isDrawn(point) && hasReference(point)) {
                const QPointF from = f.at(point.referenceMacsPerByte, point.referenceMacsPerCycle);
                canvas.line({from, f.at(point.macsPerByte, point.macsPerCycle)},
                            solidPen(p.reference, 1.1));
                canvas.mark(from, referenceStyle(p));
            }
        }
        break;
    case Stage::Front:
        for (int i = 0; i < marks(); ++i) {
            const RooflinePoint& point = m_data.points[static_cast<std::size_t>(i)];
            if (isDrawn(point)) {
                canvas.mark(markPoint(i, f), modeStyle(point.lanes, p));
            }
        }
        break;
    case Stage::Labels:
        paintNames(canvas);
        break;
    case Stage::Overlay:
        if (m_selected >= 0 && isDrawn(m_data.points[static_cast<std::size_t>(m_selected)])) {
            canvas.mark(markPoint(m_selected, f),
                        {.radius = 8.0, .fill = {}, .outline = solidPen(p[Series::Orange], 2.4)});
        }
        break;
    }
}

void RooflinePlot::paintNames(Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    const double line = canvas.lineHeight();
    std::vector<QRectF> taken;
    for (const RooflineRoof& roof : m_data.roofs) {
        const double y = f.y.toPixel(roof.macsPerCycle);
        if (y > f.area.top() + line && y < f.area.bottom()) {
            taken.push_back(
                canvas.text({f.area.right() - 6.0, y - 3.5}, Qt::AlignRight | Qt::AlignBottom,
                            tr("mode ×%1: %2 MAC/cycle")
                                .arg(num(roof.lanes, 0), shortNumber(locale(), roof.macsPerCycle)),
                            {.color = p.secondText, .halo = true}));
        }
    }
    const double slope = macsPerByteLimit();
    if (slope > 0.0 && !m_data.roofs.empty()) {
        const double x = std::sqrt(f.x.range.low * m_data.roofs.back().macsPerCycle / slope);
        const QPointF at = f.at(x, x * slope);
        if (f.area.contains(at)) {
            taken.push_back(canvas.text(
                at - QPointF(8.0, 2.0), Qt::AlignRight | Qt::AlignBottom,
                tr("%1 bit/cycle").arg(shortNumber(locale(), m_data.backingBitsPerCycle)),
                {.color = p.secondText, .halo = true}));
        }
    }
    for (int i = 0; i < marks(); ++i) {
        if (isDrawn(m_data.points[static_cast<std::size_t>(i)])) {
            taken.push_back(QRectF(markPoint(i, f) - QPointF(6, 6), QSizeF(12, 12)));
        }
    }
    // Names that find no free place are left to the tooltip; the selected one is always written.
    std::vector<int> order;
    for (int i = 0; i < marks(); ++i) {
        order.insert(i == m_selected ? order.begin() : order.end(), i);
    }
    for (const int i : order) {
        const RooflinePoint& point = m_data.points[static_cast<std::size_t>(i)];
        const QPointF at = markPoint(i, f);
        if (!isDrawn(point) || !f.area.contains(at)) {
            continue;
        }
        const TextStyle style{
            .color = p.text, .size = TextSize::Tick, .bold = i == m_selected, .halo = true};
        const QString name = QString::fromStdString(point.name);
        const QSizeF size = canvas.textSize(name, style);
        const std::array<QPointF, 6> places{QPointF(9.0, -size.height() / 2),
                                            QPointF(-9.0 - size.width(), -size.height() / 2),
                                            QPointF(-size.width() / 2, 7.0),
                                            QPointF(-size.width() / 2, -7.0 - size.height()),
                                            QPointF(7.0, 6.0),
                                            QPointF(-7.0 - size.width(), 6.0)};
        const auto free = std::find_if(places.begin(), places.end(), [&](const QPointF& place) {
            const QRectF box(at + place, size);
            return f.area.contains(box) &&
                   std::none_of(taken.begin(), taken.end(),
                                [&](const QRectF& other) { return other.intersects(box); });
        });
        if (free == places.end() && i != m_selected) {
            continue;
        }
        const QPointF place = free == places.end() ? places[0] : *free;
        taken.push_back(canvas.text(at + place, Qt::AlignLeft | Qt::AlignTop, name, style));
    }
}

bool RooflinePlot::hasData(const QRectF& box, const Frame& f) const
{
    for (const QPolygonF& line : roofLines(f)) {
        if (crosses(line, box)) {
            return true;
        }
    }
    for (const RooflinePoint& point : m_data.points) {
        if (isDrawn(point) && hasReference(point) &&
            crosses({f.at(point.referenceMacsPerByte, point.referenceMacsPerCycle),
                     f.at(point.macsPerByte, point.macsPerCycle)},
                    box)) {
            return true;
        }
    }
    return Plot::hasData(box, f);
}

int RooflinePlot::marks() const
{
    return static_cast<int>(m_data.points.size());
}

QPointF RooflinePlot::markPoint(int mark, const Frame& f) const
{
    const RooflinePoint& point = m_data.points[static_cast<std::size_t>(mark)];
    if (!isDrawn(point)) {
        return {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()};
    }
    return f.at(point.macsPerByte, point.macsPerCycle);
}

void RooflinePlot::markClicked(int mark, Qt::KeyboardModifiers /*modifiers*/)
{
    setSelectedPoint(mark);
    Q_EMIT pointClicked(mark);
}

void RooflinePlot::markActivated(int mark)
{
    Q_EMIT pointActivated(mark);
}

QString RooflinePlot::markHtml(int mark) const
{
    const RooflinePoint& point = m_data.points[static_cast<std::size_t>(mark)];
    QString text = QStringLiteral("<b>%1</b> — %2")
                       .arg(QString::fromStdString(point.name).toHtmlEscaped(),
                            tr("mode ×%1").arg(num(point.lanes, 0)));
    text += QStringLiteral("<br>") +
            tr("%1 MAC per cycle").arg(shortNumber(locale(), point.macsPerCycle)) +
            QStringLiteral("<br>") +
            tr("%1 MAC per byte").arg(shortNumber(locale(), point.macsPerByte));
    text += QStringLiteral("<br>") +
            (isMemoryBound(point) ? tr("bound by memory") : tr("bound by arithmetic"));
    if (hasReference(point)) {
        text += QStringLiteral("<br>") +
                tr("%1: %2 MAC per cycle")
                    .arg(QString::fromStdString(m_data.referenceName).toHtmlEscaped(),
                         shortNumber(locale(), point.referenceMacsPerCycle));
    }
    return text;
}

PlotTable RooflinePlot::makeTable() const
{
    const auto point = [this](int i) -> const RooflinePoint& {
        return m_data.points[static_cast<std::size_t>(i)];
    };
    PlotTable table;
    table.rows = marks();
    table.columns = {{tr("Layer"), QStringLiteral("layer"), -1,
                      [point](int i) { return QVariant(QString::fromStdString(point(i).name)); }},
                     {tr("Mode (lanes)"), QStringLiteral("lanes"), 0,
                      [point](int i) { return QVariant(point(i).lanes); }},
                     {tr("MAC per byte"), QStringLiteral("macs_per_byte"), -1,
                      [point](int i) { return QVariant(point(i).macsPerByte); }},
                     {tr("MAC per cycle"), QStringLiteral("macs_per_cycle"), -1,
                      [point](int i) { return QVariant(point(i).macsPerCycle); }},
                     {tr("Bound by memory"), QStringLiteral("memory_bound"), -1,
                      [this, point](int i) { return QVariant(isMemoryBound(point(i))); }},
                     {tr("Reference, MAC per byte"), QStringLiteral("reference_macs_per_byte"), -1,
                      [point](int i) { return QVariant(point(i).referenceMacsPerByte); }},
                     {tr("Reference, MAC per cycle"), QStringLiteral("reference_macs_per_cycle"),
                      -1, [point](int i) { return QVariant(point(i).referenceMacsPerCycle); }}};
    return table;
}

QString RooflinePlot::describe() const
{
    const auto bound = std::count_if(m_data.points.begin(), m_data.points.end(),
                                     [this](const RooflinePoint& p) { return isMemoryBound(p); });
    return tr("%1 layers, %2 of them bound by memory.")
        .arg(num(marks(), 0), num(static_cast<double>(bound), 0));
}

QString RooflinePlot::emptyText() const
{
    return tr("No layers yet. Open a model to see what bounds each layer.");
}

} // namespace bitscape::widgets
