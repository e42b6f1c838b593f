// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/hypervolume_plot.h"

#include <algorithm>
#include <cmath>

namespace bitscape::widgets {

namespace {

constexpr int kVolumeDecimals = 4;

} // namespace

HypervolumePlot::HypervolumePlot(QWidget* parent) : Plot(parent)
{
    setObjectName(QStringLiteral("hypervolumePlot"));
    setAccessibleName(tr("Hypervolume of the front"));
    dataChanged();
}

void HypervolumePlot::setData(const HypervolumeData& given)
{
    m_data = given;
    std::erase_if(m_data.points,
                  [](const HypervolumePoint& p) { return !std::isfinite(p.volume); });
    dataChanged();
}

PlotSpec HypervolumePlot::spec() const
{
    const Palette& p = colors();
    PlotSpec s;
    s.title = tr("Hypervolume of the front");
    s.isEmpty = m_data.points.empty();
    RangeFinder volumes;
    for (const HypervolumePoint& point : m_data.points) {
        volumes.add(point.volume);
    }
    s.x.label = tr("Completed trials");
    s.x.data = {0.0, s.isEmpty ? 1.0 : static_cast<double>(m_data.points.back().trials)};
    s.x.ends = AxisEnds::Zero;
    s.x.integers = true;
    s.y.label = tr("Normalized hypervolume");
    s.y.data = volumes.range().value_or(Range{0.0, 1.0});
    if (s.y.data.size() > 0.0 && s.y.data.low < 0.5 * s.y.data.high) {
        s.y.ends = AxisEnds::Zero;
    }
    s.legend.push_back(
        {.text = m_data.studyName.empty() ? tr("study") : QString::fromStdString(m_data.studyName),
         .kind = LegendEntry::Kind::Line,
         .pen = solidPen(p[Series::Green], 2.2)});
    return s;
}

QPolygonF HypervolumePlot::steps(const Frame& f) const
{
    QPolygonF line;
    for (const HypervolumePoint& point : m_data.points) {
        const QPointF at = f.at(point.trials, point.volume);
        if (!line.isEmpty()) {
            line << QPointF(at.x(), line.last().y());
        }
        line << at;
    }
    return line;
}

bool HypervolumePlot::hasData(const QRectF& box, const Frame& f) const
{
    const bool onFoundLine = m_data.selectedTrial &&
                             f.x.toPixel(*m_data.selectedTrial) > box.left() &&
                             f.x.toPixel(*m_data.selectedTrial) < box.right();
    return onFoundLine || crosses(steps(f), box) || Plot::hasData(box, f);
}

void HypervolumePlot::paint(Stage stage, Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    const double randomEnd = f.x.toPixel(m_data.randomTrials);
    switch (stage) {
    case Stage::Back:
        if (m_data.randomTrials > 0) {
            canvas.rect({f.area.topLeft(), QPointF(randomEnd, f.area.bottom())},
                        withAlpha(p.reference, 0.14));
        }
        break;
    case Stage::Marks:
        canvas.line(steps(f), solidPen(p[Series::Green], 2.2));
        if (m_data.points.size() == 1) {
            canvas.mark(markPoint(0, f), {.radius = 3.5, .fill = p[Series::Green]});
        }
        break;
    case Stage::Front:
        if (m_data.selectedTrial) {
            canvas.vertical(f.x.toPixel(*m_data.selectedTrial),
                            dashedPen(p[Series::Orange], 1.3, {6, 4}));
        }
        break;
    case Stage::Labels: {
        double y = f.area.bottom() - 5.0;
        const double x = std::clamp(randomEnd, f.area.left(), f.area.right()) + 7.0;
        const TextStyle note{.color = p.secondText, .size = TextSize::Tick, .halo = true};
        if (m_data.randomTrials > 0) {
            y = canvas
                    .text({x, y}, Qt::AlignLeft | Qt::AlignBottom,
                          tr("first %1 at random").arg(num(m_data.randomTrials, 0)), note)
                    .top();
        }
        if (!m_data.referencePoint.empty()) {
            canvas.text(
                {x, y}, Qt::AlignLeft | Qt::AlignBottom,
                tr("reference point: %1").arg(QString::fromStdString(m_data.referencePoint)), note);
        }
        if (m_data.selectedTrial) {
            const double at = f.x.toPixel(*m_data.selectedTrial);
            const bool onLeft = at > f.area.center().x();
            canvas.text({at + (onLeft ? -6.0 : 6.0), f.area.bottom() - 2.2 * canvas.lineHeight()},
                        (onLeft ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignBottom,
                        tr("trial %1 found").arg(id(*m_data.selectedTrial)),
                        {.color = p[Series::Orange], .halo = true});
        }
        break;
    }
    case Stage::Overlay:
        break;
    }
}

int HypervolumePlot::marks() const
{
    return static_cast<int>(m_data.points.size());
}

QPointF HypervolumePlot::markPoint(int mark, const Frame& f) const
{
    const HypervolumePoint& point = m_data.points[static_cast<std::size_t>(mark)];
    return f.at(point.trials, point.volume);
}

QString HypervolumePlot::markHtml(int mark) const
{
    const HypervolumePoint& point = m_data.points[static_cast<std::size_t>(mark)];
    return QStringLiteral("<b>%1</b><br>%2")
        .arg(tr("After trial %1").arg(num(point.trials, 0)),
             tr("hypervolume %1").arg(num(point.volume, kVolumeDecimals)));
}

PlotTable HypervolumePlot::makeTable() const
{
    PlotTable table;
    table.rows = marks();
    table.columns = {
        {tr("Completed trials"), QStringLiteral("trials"), 0,
         [this](int row) { return QVariant(m_data.points[static_cast<std::size_t>(row)].trials); }},
        {tr("Normalized hypervolume"), QStringLiteral("hypervolume"), kVolumeDecimals,
         [this](int row) {
             return QVariant(m_data.points[static_cast<std::size_t>(row)].volume);
         }}};
    return table;
}

QString HypervolumePlot::describe() const
{
    return tr("Hypervolume %1 after %2 trials.")
        .arg(num(m_data.points.back().volume, kVolumeDecimals),
             num(m_data.points.back().trials, 0));
}

QString HypervolumePlot::emptyText() const
{
    return tr("No trials yet. The hypervolume grows with the front of a search.");
}

} // namespace bitscape::widgets
