// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/search_progress_plot.h"

#include "widgets/plots/numbers.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bitscape::widgets {

SearchProgressPlot::SearchProgressPlot(QWidget* parent) : Plot(parent)
{
    setObjectName(QStringLiteral("searchProgressPlot"));
    setAccessibleName(tr("Best feasible value so far"));
    dataChanged();
}

void SearchProgressPlot::setData(const SearchProgressData& given)
{
    m_data = given;
    m_best.clear();
    double best = std::numeric_limits<double>::quiet_NaN();
    for (const SearchProgressTrial& t : m_data.trials) {
        const bool isBetter =
            !std::isfinite(best) || (m_data.isMinimized ? t.value < best : t.value > best);
        if (t.isFeasible && std::isfinite(t.value) && isBetter) {
            best = t.value;
        }
        m_best.push_back(best);
    }
    dataChanged();
}

QString SearchProgressPlot::valueText(double value) const
{
    const QString text = num(value, m_data.decimals);
    return m_data.unit.empty() ? text : text + u' ' + QString::fromStdString(m_data.unit);
}

PlotSpec SearchProgressPlot::spec() const
{
    const Palette& p = colors();
    const QString quantity =
        m_data.quantity.empty() ? tr("value") : QString::fromStdString(m_data.quantity);
    PlotSpec s;
    s.title = tr("Best feasible %1 so far").arg(quantity);
    RangeFinder values;
    bool hasUnfeasible = false;
    for (const SearchProgressTrial& t : m_data.trials) {
        values.add(t.value);
        hasUnfeasible = hasUnfeasible || !t.isFeasible;
    }
    s.isEmpty = !values.range();
    double last = m_data.plannedTrials;
    for (const SearchProgressTrial& t : m_data.trials) {
        last = std::max(last, static_cast<double>(t.number));
    }
    s.x.label = tr("Trial");
    s.x.data = {0.0, last};
    s.x.ends = AxisEnds::Zero;
    s.x.integers = true;
    QString label = quantity;
    label[0] = label[0].toUpper();
    s.y.label = m_data.unit.empty()
                    ? label
                    : QStringLiteral("%1 (%2)").arg(label, QString::fromStdString(m_data.unit));
    s.y.data = values.range().value_or(Range{0.0, 1.0});
    s.y.canBeLog = s.y.data.low > 0.0;
    s.y.isLog = wantsLog(s.y.data);
    s.legend.push_back({.text = tr("feasible trial"),
                        .marker = {.radius = 3.2, .fill = withAlpha(p.reference, 0.8)}});
    if (hasUnfeasible) {
        s.legend.push_back({.text = tr("not feasible"),
                            .marker = {.shape = Marker::Cross,
                                       .radius = 3.0,
                                       .fill = {},
                                       .outline = solidPen(p.faint, 1.5)}});
    }
    s.legend.push_back({.text = tr("best so far"),
                        .kind = LegendEntry::Kind::Line,
                        .pen = solidPen(p[Series::Blue], 2.2)});
    return s;
}

QPolygonF SearchProgressPlot::bestLine(const Frame& f) const
{
    QPolygonF line;
    for (std::size_t i = 0; i < m_best.size(); ++i) {
        if (!std::isfinite(m_best[i])) {
            continue;
        }
        const QPointF at = f.at(m_data.trials[i].number, m_best[i]);
        if (!line.isEmpty()) {
            line << QPointF(at.x(), line.last().y());
        }
        line << at;
    }
    return line;
}

bool SearchProgressPlot::hasData(const QRectF& box, const Frame& f) const
{
    const double now = m_data.isRunning ? f.x.toPixel(m_data.trials.back().number) : box.left();
    const bool isOnNow = now > box.left() && now < box.right();
    return isOnNow || crosses(bestLine(f), box) || Plot::hasData(box, f);
}

void SearchProgressPlot::paint(Stage stage, Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    switch (stage) {
    case Stage::Back:
    case Stage::Overlay:
        break;
    case Stage::Marks: {
        std::vector<QPointF> feasible;
        std::vector<QPointF> others;
        for (int i = 0; i < marks(); ++i) {
            (m_data.trials[static_cast<std::size_t>(i)].isFeasible ? feasible : others)
                .push_back(markPoint(i, f));
        }
        canvas.marks(
            others,
            {.shape = Marker::Cross, .radius = 2.4, .fill = {}, .outline = solidPen(p.faint, 1.4)});
        canvas.marks(feasible, {.radius = 2.6, .fill = withAlpha(p.reference, 0.7)});
        break;
    }
    case Stage::Front: {
        QPolygonF line = bestLine(f);
        canvas.line(line, solidPen(p[Series::Blue], 2.2));
        if (!line.isEmpty()) {
            canvas.mark(line.last(), {.radius = 3.6, .fill = p[Series::Blue]});
        }
        if (m_data.isRunning) {
            canvas.vertical(f.x.toPixel(m_data.trials.back().number),
                            dashedPen(p.axis, 1.2, {2, 3}));
        }
        break;
    }
    case Stage::Labels:
        if (m_data.isRunning) {
            canvas.text({f.x.toPixel(m_data.trials.back().number) + 5.0, f.area.top() + 3.0},
                        Qt::AlignLeft | Qt::AlignTop, tr("now"),
                        {.color = p.secondText, .halo = true});
        }
        break;
    }
}

int SearchProgressPlot::marks() const
{
    return static_cast<int>(m_data.trials.size());
}

QPointF SearchProgressPlot::markPoint(int mark, const Frame& f) const
{
    const SearchProgressTrial& t = m_data.trials[static_cast<std::size_t>(mark)];
    return f.at(t.number, t.value);
}

QString SearchProgressPlot::markHtml(int mark) const
{
    const auto i = static_cast<std::size_t>(mark);
    const SearchProgressTrial& t = m_data.trials[i];
    QString text = tr("<b>Trial %1</b>").arg(id(t.number));
    if (!t.isFeasible) {
        text += QStringLiteral(" — ") + tr("not feasible");
    }
    text += QStringLiteral("<br>") + valueText(t.value);
    if (std::isfinite(m_best[i])) {
        text += QStringLiteral("<br>") + tr("best so far %1").arg(valueText(m_best[i]));
    }
    return text;
}

void SearchProgressPlot::markClicked(int mark, Qt::KeyboardModifiers /*modifiers*/)
{
    Q_EMIT trialClicked(m_data.trials[static_cast<std::size_t>(mark)].number);
}

void SearchProgressPlot::markActivated(int mark)
{
    Q_EMIT trialActivated(m_data.trials[static_cast<std::size_t>(mark)].number);
}

PlotTable SearchProgressPlot::makeTable() const
{
    const auto trial = [this](int row) -> const SearchProgressTrial& {
        return m_data.trials[static_cast<std::size_t>(row)];
    };
    PlotTable table;
    table.rows = marks();
    table.columns = {{tr("Trial"), QStringLiteral("trial"), 0,
                      [trial](int row) { return QVariant(trial(row).number); }},
                     {tr("Value"), QStringLiteral("value"), m_data.decimals,
                      [trial](int row) { return QVariant(trial(row).value); }},
                     {tr("Feasible"), QStringLiteral("feasible"), -1,
                      [trial](int row) { return QVariant(trial(row).isFeasible); }},
                     {tr("Best so far"), QStringLiteral("best"), m_data.decimals,
                      [this](int row) { return QVariant(m_best[static_cast<std::size_t>(row)]); }}};
    return table;
}

QString SearchProgressPlot::describe() const
{
    const double best = m_best.back();
    return std::isfinite(best)
               ? tr("%1 trials, best feasible value %2.").arg(num(marks(), 0), valueText(best))
               : tr("%1 trials, none feasible yet.").arg(num(marks(), 0));
}

QString SearchProgressPlot::emptyText() const
{
    return tr("No trials yet. The best value so far is drawn here while a search runs.");
}

} // namespace bitscape::widgets
