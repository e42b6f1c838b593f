// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/number_line_plot.h"

#include "widgets/plots/numbers.h"

#include <algorithm>
#include <cmath>

namespace bitscape::widgets {

namespace {

constexpr double kValuesShare = 0.3; ///< of the height, for the histogram behind
constexpr double kLevelRadius = 4.0; ///< px
constexpr double kLeastGap = 3.0;    ///< px between borders that are drawn

} // namespace

NumberLinePlot::NumberLinePlot(QWidget* parent) : Plot(parent)
{
    setObjectName(QStringLiteral("numberLinePlot"));
    setAccessibleName(tr("Number line of the quantizer"));
    dataChanged();
}

void NumberLinePlot::setData(const NumberLineData& given)
{
    m_data = given;
    dataChanged();
}

const quant::LineStep& NumberLinePlot::step(int mark) const
{
    return m_data.line.steps[static_cast<std::size_t>(mark)];
}

PlotSpec NumberLinePlot::spec() const
{
    PlotSpec s;
    s.title = m_data.title.empty() ? tr("Number line") : QString::fromStdString(m_data.title);
    s.shortTitle = tr("Number line");
    s.isEmpty = m_data.line.curve.empty();
    s.x.label = tr("Input");
    s.x.data = {m_data.line.low, m_data.line.high};
    s.x.ends = AxisEnds::Exact;
    s.x.grid = false;
    RangeFinder values;
    for (const auto& [x, y] : m_data.line.curve) {
        values.add(y);
    }
    s.y.label = tr("Quantized");
    s.y.data = values.range().value_or(Range{0.0, 1.0});
    return s;
}

void NumberLinePlot::paint(Stage stage, Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const quant::NumberLine& line = m_data.line;
    switch (stage) {
    case Stage::Back:
        canvas.hatch({QPointF(f.area.left(), f.area.top()),
                      QPointF(f.x.toPixel(line.clipLow), f.area.bottom())},
                     Hatch::Clip, 0.5);
        canvas.hatch({QPointF(f.x.toPixel(line.clipHigh), f.area.top()),
                      QPointF(f.area.right(), f.area.bottom())},
                     Hatch::Clip, 0.5);
        paintValues(canvas);
        break;
    case Stage::Marks:
        paintStairs(canvas);
        break;
    case Stage::Front:
        paintLevels(canvas);
        break;
    case Stage::Labels:
    case Stage::Overlay:
        break;
    }
}

void NumberLinePlot::paintValues(Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const auto& counts = m_data.counts;
    RangeFinder range;
    for (const double count : counts) {
        range.add(count);
    }
    const double most = range.range().value_or(Range{}).high;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        if (!(counts[i] > 0.0)) {
            continue;
        }
        const double top = f.area.bottom() - counts[i] / most * kValuesShare * f.area.height();
        canvas.rect({QPointF(f.x.toPixel(m_data.edges[i]), top),
                     QPointF(f.x.toPixel(m_data.edges[i + 1]), f.area.bottom())},
                    withAlpha(canvas.colors()[Series::Blue], 0.25));
    }
}

void NumberLinePlot::paintStairs(Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    const quant::NumberLine& line = m_data.line;
    canvas.line({f.at(line.low, line.low), f.at(line.high, line.high)},
                dashedPen(p.secondText, 1.0, {4, 3}));
    QPolygonF stairs;
    for (const quant::LineStep& s : line.steps) {
        stairs << f.at(s.from, s.value) << f.at(s.to, s.value);
    }
    if (line.steps.empty()) {
        for (const auto& [x, y] : line.curve) {
            stairs << f.at(x, y);
        }
    }
    canvas.line(thinned(stairs), solidPen(p[Series::Orange], 1.8));
}

void NumberLinePlot::paintLevels(Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    double last = -kLeastGap;
    for (std::size_t i = 1; i < m_data.line.steps.size(); ++i) {
        const double x = f.x.toPixel(m_data.line.steps[i].from);
        if (x - last >= kLeastGap) {
            canvas.vertical(x, dashedPen(p.grid, 1.0, {2, 3}));
            last = x;
        }
    }
    std::vector<QPointF> levels;
    for (const quant::LineStep& s : m_data.line.steps) {
        levels.emplace_back(f.x.toPixel(s.value), f.area.bottom() - kLevelRadius - 2.0);
    }
    canvas.marks(levels, {.shape = Marker::Diamond, .radius = kLevelRadius, .fill = p.text});
}

int NumberLinePlot::marks() const
{
    return static_cast<int>(m_data.line.steps.size());
}

QPointF NumberLinePlot::markPoint(int mark, const Frame& f) const
{
    const quant::LineStep& s = step(mark);
    return f.at((std::max(s.from, f.x.range.low) + std::min(s.to, f.x.range.high)) / 2.0, s.value);
}

int NumberLinePlot::findMark(const QPointF& at, const Frame& f) const
{
    if (!f.area.contains(at)) {
        return -1;
    }
    const double x = f.x.toValue(at.x());
    const auto& steps = m_data.line.steps;
    const auto found = std::find_if(steps.begin(), steps.end(), [x](const quant::LineStep& s) {
        return x >= s.from && x < s.to;
    });
    return found == steps.end() ? -1 : static_cast<int>(found - steps.begin());
}

void NumberLinePlot::paintCurrent(int mark, Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    const quant::LineStep& s = step(mark);
    canvas.rect(
        {QPointF(f.x.toPixel(s.from), f.area.top()), QPointF(f.x.toPixel(s.to), f.area.bottom())},
        withAlpha(p.text, 0.08));
    canvas.line({f.at(s.from, s.value), f.at(s.to, s.value)}, solidPen(p.text, 3.0));
}

QString NumberLinePlot::markHtml(int mark) const
{
    const quant::LineStep& s = step(mark);
    QString text = tr("<b>%1</b>").arg(shortNumber(locale(), s.value, 6));
    if (s.code) {
        text += QStringLiteral(" — ") + tr("code %1").arg(shortNumber(locale(), *s.code, 9));
    }
    text +=
        QStringLiteral("<br>") +
        tr("inputs %1 … %2").arg(shortNumber(locale(), s.from, 5), shortNumber(locale(), s.to, 5));
    const double error = std::max(std::abs(s.from - s.value), std::abs(s.to - s.value));
    const bool isInner = mark > 0 && mark + 1 < marks();
    if (isInner) {
        text += QStringLiteral("<br>") + tr("error at most %1").arg(shortNumber(locale(), error));
    } else {
        text += QStringLiteral("<br>") + tr("all inputs beyond, too");
    }
    return text;
}

PlotTable NumberLinePlot::makeTable() const
{
    PlotTable table;
    table.rows = marks();
    table.columns = {
        {tr("From"), QStringLiteral("from"), -1, [this](int i) { return QVariant(step(i).from); }},
        {tr("To"), QStringLiteral("to"), -1, [this](int i) { return QVariant(step(i).to); }},
        {tr("Value"), QStringLiteral("value"), -1,
         [this](int i) { return QVariant(step(i).value); }},
        {tr("Code"), QStringLiteral("code"), 0,
         [this](int i) { return step(i).code ? QVariant(*step(i).code) : QVariant(); }}};
    return table;
}

QString NumberLinePlot::describe() const
{
    if (m_data.line.steps.empty()) {
        return tr("A smooth curve, or more levels than a screen shows.");
    }
    const auto [lowest, highest] = std::minmax_element(
        m_data.line.steps.begin(), m_data.line.steps.end(),
        [](const quant::LineStep& a, const quant::LineStep& b) { return a.value < b.value; });
    return tr("%1 levels from %2 to %3.")
        .arg(num(marks(), 0), shortNumber(locale(), lowest->value),
             shortNumber(locale(), highest->value));
}

QString NumberLinePlot::emptyText() const
{
    return tr("No quantizer. Choose one to see its levels.");
}

} // namespace bitscape::widgets
