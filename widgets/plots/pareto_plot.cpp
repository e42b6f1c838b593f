// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/pareto_plot.h"

#include "widgets/plots/numbers.h"

#include <QStringList>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace bitscape::widgets {

namespace {

/// Everything that differs between the costs.
struct MetricInfo {
    CostMetric metric;
    const char* objectName;
    const char* accessibleName;
    const char* title;
    const char* axis;
    const char* column; ///< of the table
    const char* word;   ///< of the tooltip
    const char* unit;
    const char* csvId;
    const char* filterId;
    int decimals;
};

constexpr std::array<MetricInfo, 3> kMetrics{{
    {CostMetric::Energy, "accuracyEnergyPlot",
     QT_TRANSLATE_NOOP("bitscape::widgets::ParetoPlot", "Accuracy against energy"),
     QT_TRANSLATE_NOOP("bitscape::widgets::ParetoPlot", "Accuracy against energy"),
     QT_TRANSLATE_NOOP("bitscape::widgets::ParetoPlot", "Energy per inference, estimate (µJ)"),
     QT_TRANSLATE_NOOP("bitscape::widgets::ParetoPlot", "Energy (µJ)"),
     QT_TRANSLATE_NOOP("bitscape::widgets::ParetoPlot", "energy %1 µJ"), "µJ", "energy_uj",
     "energy", 2},
    {CostMetric::Latency, "accuracyLatencyPlot",
     QT_TRANSLATE_NOOP("bitscape::widgets::ParetoPlot", "Accuracy against latency"),
     QT_TRANSLATE_NOOP("bitscape::widgets::ParetoPlot", "Accuracy against latency"),
     QT_TRANSLATE_NOOP("bitscape::widgets::ParetoPlot", "Latency, estimate (ms)"),
     QT_TRANSLATE_NOOP("bitscape::widgets::ParetoPlot", "Latency (ms)"),
     QT_TRANSLATE_NOOP("bitscape::widgets::ParetoPlot", "latency %1 ms"), "ms", "latency_ms",
     "latency", 3},
    {CostMetric::Memory, "accuracyMemoryPlot",
     QT_TRANSLATE_NOOP("bitscape::widgets::ParetoPlot", "Accuracy against weight memory"),
     QT_TRANSLATE_NOOP("bitscape::widgets::ParetoPlot", "Accuracy against weight memory"),
     QT_TRANSLATE_NOOP("bitscape::widgets::ParetoPlot", "Packed weights and biases (KiB)"),
     QT_TRANSLATE_NOOP("bitscape::widgets::ParetoPlot", "Weights (KiB)"),
     QT_TRANSLATE_NOOP("bitscape::widgets::ParetoPlot", "weights %1 KiB"), "KiB", "weights_kib",
     "weights", 1},
}};

const MetricInfo& infoOf(CostMetric metric)
{
    return kMetrics[static_cast<std::size_t>(metric)];
}

/// The first view reaches down from the best accuracy by this many times the distance to the
/// median.
constexpr double kViewDepth = 3.0;
constexpr double kReferenceDepth = 6.0;

bool isKnown(const ParetoPoint& p, CostMetric metric)
{
    return std::isfinite(p.accuracyPercent) && std::isfinite(p.cost(metric));
}

MarkerStyle trialStyle(const Palette& p)
{
    return {.radius = 2.1, .fill = withAlpha(p.faint, 0.8)};
}

MarkerStyle highlightStyle(const Palette& p)
{
    return {.radius = 2.9, .fill = withAlpha(p[Series::Blue], 0.8)};
}

MarkerStyle frontStyle(const Palette& p)
{
    return {.shape = Marker::Square, .radius = 3.4, .fill = p[Series::Green]};
}

MarkerStyle referenceStyle(const Palette& p)
{
    return {.shape = Marker::Diamond,
            .radius = 4.4,
            .fill = p.plotBackground,
            .outline = solidPen(p.text, 1.7)};
}

MarkerStyle currentStyle(const Palette& p)
{
    return {.radius = 5.5, .fill = p.plotBackground, .outline = solidPen(p[Series::Purple], 2.4)};
}

MarkerStyle selectedStyle(const Palette& p, double radius)
{
    return {.radius = radius, .fill = {}, .outline = solidPen(p[Series::Orange], 2.4)};
}

} // namespace

double ParetoPoint::cost(CostMetric metric) const
{
    switch (metric) {
    case CostMetric::Energy:
        return energyMicrojoule;
    case CostMetric::Latency:
        return latencyMillisecond;
    case CostMetric::Memory:
        return memoryKib;
    }
    return std::numeric_limits<double>::quiet_NaN();
}

std::vector<std::size_t> paretoFront(const std::vector<ParetoTrial>& trials, CostMetric metric)
{
    std::vector<std::size_t> order;
    order.reserve(trials.size());
    for (std::size_t i = 0; i < trials.size(); ++i) {
        if (isKnown(trials[i].point, metric)) {
            order.push_back(i);
        }
    }
    const auto cost = [&](std::size_t i) { return trials[i].point.cost(metric); };
    const auto accuracy = [&](std::size_t i) { return trials[i].point.accuracyPercent; };
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        if (cost(a) != cost(b)) {
            return cost(a) < cost(b);
        }
        return accuracy(a) != accuracy(b) ? accuracy(a) > accuracy(b)
                                          : trials[a].number < trials[b].number;
    });
    std::vector<std::size_t> front;
    for (const std::size_t i : order) {
        const bool isTwin = !front.empty() && cost(i) == cost(front.back()) &&
                            accuracy(i) == accuracy(front.back());
        if (front.empty() || isTwin || accuracy(i) > accuracy(front.back())) {
            front.push_back(i);
        }
    }
    return front;
}

ParetoPlot::ParetoPlot(CostMetric metric, QWidget* parent) : Plot(parent), m_metric(metric)
{
    const MetricInfo& info = infoOf(metric);
    setObjectName(QString::fromLatin1(info.objectName));
    setAccessibleName(tr(info.accessibleName));
    dataChanged();
}

void ParetoPlot::setData(const ParetoData& given)
{
    const std::vector<int> highlightedBefore = highlighted();
    m_data = given;
    m_indexOf.clear();
    m_indexOf.reserve(m_data.trials.size());
    for (std::size_t i = 0; i < m_data.trials.size(); ++i) {
        m_indexOf.emplace(m_data.trials[i].number, i);
    }
    m_front = paretoFront(m_data.trials, m_metric);
    m_isFront.assign(m_data.trials.size(), false);
    for (const std::size_t i : m_front) {
        m_isFront[i] = true;
    }
    m_isHighlighted.assign(m_data.trials.size(), false);
    if (m_brush.empty()) {
        for (const int n : highlightedBefore) {
            if (const auto at = m_indexOf.find(n); at != m_indexOf.end()) {
                m_isHighlighted[at->second] = true;
            }
        }
    } else {
        highlightBrush();
    }
    std::erase_if(m_selected, [this](int n) { return !m_indexOf.contains(n); });
    dataChanged();
}

std::vector<int> ParetoPlot::frontTrials() const
{
    std::vector<int> numbers;
    for (const std::size_t i : m_front) {
        numbers.push_back(m_data.trials[i].number);
    }
    return numbers;
}

void ParetoPlot::setHighlighted(const std::vector<int>& numbers, const std::string& label)
{
    m_isHighlighted.assign(m_data.trials.size(), false);
    for (const int n : numbers) {
        if (const auto at = m_indexOf.find(n); at != m_indexOf.end()) {
            m_isHighlighted[at->second] = true;
        }
    }
    m_highlightLabel = label;
    if (m_isBrushing) {
        refresh(Stage::Front);
    } else {
        dataChanged();
    }
}

std::vector<int> ParetoPlot::highlighted() const
{
    std::vector<int> numbers;
    for (std::size_t i = 0; i < m_isHighlighted.size(); ++i) {
        if (m_isHighlighted[i]) {
            numbers.push_back(m_data.trials[i].number);
        }
    }
    return numbers;
}

void ParetoPlot::setSelected(const std::vector<int>& numbers)
{
    m_selected = numbers;
    std::erase_if(m_selected, [this](int n) { return !m_indexOf.contains(n); });
    dataChanged();
}

// --- brush
// ----------------------------------------------------------------------------------------

bool ParetoPlot::isInBrush(const ParetoPoint& point) const
{
    bool inside = false;
    for (const BrushStep& step : m_brush) {
        if (step.cost.contains(point.cost(m_metric)) &&
            step.accuracy.contains(point.accuracyPercent)) {
            inside = !step.isRemoval;
        }
    }
    return inside;
}

void ParetoPlot::highlightBrush()
{
    m_isHighlighted.assign(m_data.trials.size(), false);
    for (std::size_t i = 0; i < m_data.trials.size(); ++i) {
        m_isHighlighted[i] = isInBrush(m_data.trials[i].point);
    }
    m_highlightLabel.clear();
}

void ParetoPlot::setBrush(const Brush& brush)
{
    m_brush = brush;
    highlightBrush();
    dataChanged();
}

std::vector<int> ParetoPlot::brushedTrials() const
{
    std::vector<int> numbers;
    for (const ParetoTrial& t : m_data.trials) {
        if (isInBrush(t.point)) {
            numbers.push_back(t.number);
        }
    }
    return numbers;
}

QString ParetoPlot::brushExpression() const
{
    const QString cost = QString::fromLatin1(infoOf(m_metric).filterId);
    QString all;
    for (const BrushStep& step : m_brush) {
        const auto exact = [](double v) { return QString::number(v, 'g', 10); };
        const QString box =
            QStringLiteral("%1 >= %2 and %1 <= %3 and accuracy >= %4 and accuracy <= %5")
                .arg(cost, exact(step.cost.low), exact(step.cost.high), exact(step.accuracy.low),
                     exact(step.accuracy.high));
        if (all.isEmpty()) {
            all = step.isRemoval ? QString() : box;
        } else {
            all = step.isRemoval ? QStringLiteral("(%1) and not (%2)").arg(all, box)
                                 : QStringLiteral("(%1) or (%2)").arg(all, box);
        }
    }
    return all;
}

void ParetoPlot::brushed(const Range& x, const Range& y, Qt::KeyboardModifiers modifiers, bool done)
{
    if (!m_isBrushing) {
        m_isBrushing = true;
        const bool keeps = (modifiers & (Qt::ShiftModifier | Qt::AltModifier)) != 0;
        m_brushAtPress = keeps ? m_brush : Brush{};
    }
    m_brush = m_brushAtPress;
    m_brush.push_back({x, y, modifiers.testFlag(Qt::AltModifier)});
    highlightBrush();
    Q_EMIT brushChanged(done);
    if (done) {
        m_isBrushing = false;
        dataChanged();
    } else {
        refresh(Stage::Front);
    }
}

void ParetoPlot::clearBrush()
{
    m_brush.clear();
    highlightBrush();
    dataChanged();
    Q_EMIT brushChanged(true);
}

bool ParetoPlot::hasBrush() const
{
    return !m_brush.empty();
}

void ParetoPlot::nudgeBrush(double dxPixels, double dyPixels)
{
    const Frame f = frame();
    const auto moved = [](const AxisMap& map, const Range& r, double pixels) {
        return Range{map.toValue(map.toPixel(r.low) + pixels),
                     map.toValue(map.toPixel(r.high) + pixels)};
    };
    BrushStep& last = m_brush.back();
    last.cost = moved(f.x, last.cost, dxPixels);
    last.accuracy = moved(f.y, last.accuracy, dyPixels);
    highlightBrush();
    dataChanged();
    Q_EMIT brushChanged(true);
}

// --- marks
// ----------------------------------------------------------------------------------------

int ParetoPlot::marks() const
{
    return static_cast<int>(m_data.trials.size() + m_data.references.size()) +
           (m_data.current ? 1 : 0);
}

ParetoPlot::Kind ParetoPlot::kindOf(int mark) const
{
    const auto i = static_cast<std::size_t>(mark);
    if (i < m_data.trials.size()) {
        return Kind::Trial;
    }
    return i < m_data.trials.size() + m_data.references.size() ? Kind::Reference : Kind::Current;
}

const ParetoPoint& ParetoPlot::pointOf(int mark) const
{
    const auto i = static_cast<std::size_t>(mark);
    switch (kindOf(mark)) {
    case Kind::Trial:
        return m_data.trials[i].point;
    case Kind::Reference:
        return m_data.references[i - m_data.trials.size()].point;
    case Kind::Current:
        break;
    }
    return m_data.current->point;
}

QString ParetoPlot::nameOf(int mark) const
{
    const auto i = static_cast<std::size_t>(mark);
    switch (kindOf(mark)) {
    case Kind::Trial:
        return tr("Trial %1").arg(id(m_data.trials[i].number));
    case Kind::Reference:
        return QString::fromStdString(m_data.references[i - m_data.trials.size()].name);
    case Kind::Current:
        break;
    }
    return QString::fromStdString(m_data.current->name);
}

QPointF ParetoPlot::markPoint(int mark, const Frame& frame) const
{
    const ParetoPoint& p = pointOf(mark);
    if (!isKnown(p, m_metric)) {
        return {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN()};
    }
    return frame.at(p.cost(m_metric), p.accuracyPercent);
}

QString ParetoPlot::valuesOf(const ParetoPoint& p, QStringView separator) const
{
    QStringList parts;
    const QString accuracy = num(p.accuracyPercent, 2);
    parts << (p.accuracyError > 0.0
                  ? tr("accuracy %1 % ± %2 pt").arg(accuracy, num(p.accuracyError, 2))
                  : tr("accuracy %1 %").arg(accuracy));
    for (const MetricInfo& info : kMetrics) {
        const double v = p.cost(info.metric);
        if (std::isfinite(v)) {
            parts << tr(info.word).arg(num(v, info.decimals));
        }
    }
    return parts.join(separator);
}

QString ParetoPlot::markHtml(int mark) const
{
    QString head = QStringLiteral("<b>%1</b>").arg(nameOf(mark).toHtmlEscaped());
    if (kindOf(mark) == Kind::Trial) {
        const auto i = static_cast<std::size_t>(mark);
        if (m_isFront[i]) {
            head += QStringLiteral(" — ") + tr("on the front");
        } else if (!m_data.trials[i].isFeasible) {
            head += QStringLiteral(" — ") + tr("not feasible");
        }
    } else if (kindOf(mark) == Kind::Current) {
        head += QStringLiteral(" — ") + tr("current configuration");
    }
    return head + QStringLiteral("<br>") + valuesOf(pointOf(mark), u"<br>");
}

std::vector<std::vector<int>> ParetoPlot::series() const
{
    const auto byCost = [this](std::vector<int> marksOf) {
        std::erase_if(marksOf, [this](int i) { return !isKnown(pointOf(i), m_metric); });
        std::stable_sort(marksOf.begin(), marksOf.end(), [this](int a, int b) {
            return pointOf(a).cost(m_metric) < pointOf(b).cost(m_metric);
        });
        return marksOf;
    };
    std::vector<int> front(m_front.begin(), m_front.end());
    std::vector<int> strong;
    for (std::size_t i = 0; i < m_isHighlighted.size(); ++i) {
        if (m_isHighlighted[i]) {
            strong.push_back(static_cast<int>(i));
        }
    }
    std::vector<int> all(m_data.trials.size());
    std::iota(all.begin(), all.end(), 0);
    std::vector<int> others(static_cast<std::size_t>(marks()) - all.size());
    std::iota(others.begin(), others.end(), static_cast<int>(all.size()));
    return {byCost(front), byCost(strong), byCost(all), byCost(others)};
}

void ParetoPlot::markClicked(int mark, Qt::KeyboardModifiers modifiers)
{
    if (kindOf(mark) == Kind::Reference) {
        Q_EMIT referenceClicked(mark - static_cast<int>(m_data.trials.size()));
        return;
    }
    if (kindOf(mark) == Kind::Current) {
        return;
    }
    const int clicked = m_data.trials[static_cast<std::size_t>(mark)].number;
    if (modifiers.testFlag(Qt::ShiftModifier)) {
        const auto at = std::find(m_selected.begin(), m_selected.end(), clicked);
        if (at == m_selected.end()) {
            m_selected.push_back(clicked);
        } else {
            m_selected.erase(at);
        }
    } else {
        m_selected = {clicked};
    }
    dataChanged();
    Q_EMIT trialClicked(clicked);
    Q_EMIT selectionChanged(m_selected);
}

void ParetoPlot::markActivated(int mark)
{
    if (kindOf(mark) == Kind::Trial) {
        Q_EMIT trialActivated(m_data.trials[static_cast<std::size_t>(mark)].number);
    }
}

void ParetoPlot::clearSelection()
{
    if (!m_selected.empty()) {
        m_selected.clear();
        dataChanged();
        Q_EMIT selectionChanged(m_selected);
    }
}

Qt::CursorShape ParetoPlot::cursorAt(const QPointF& at) const
{
    if (!frame().area.contains(at)) {
        return Qt::ArrowCursor;
    }
    return tool() == PlotTool::Pan ? Qt::OpenHandCursor : Qt::CrossCursor;
}

// --- what it says
// ---------------------------------------------------------------------------------

std::optional<Range> ParetoPlot::firstAccuracies() const
{
    std::vector<double> values;
    for (const ParetoTrial& t : m_data.trials) {
        if (isKnown(t.point, m_metric)) {
            values.push_back(t.point.accuracyPercent);
        }
    }
    RangeFinder found;
    if (!values.empty()) {
        std::sort(values.begin(), values.end());
        const double top = values.back();
        const double depth = top - quantileOfSorted(values, 0.5);
        found.add(top);
        found.add(std::max(values.front(), top - kViewDepth * depth));
        const double deepest = values.front() < top ? top - kReferenceDepth * depth : 0.0;
        const auto addIfNear = [&](double v) {
            if (v >= deepest) {
                found.add(v);
            }
        };
        for (const ParetoReference& r : m_data.references) {
            addIfNear(r.point.accuracyPercent);
        }
        if (m_data.current) {
            addIfNear(m_data.current->point.accuracyPercent);
        }
    } else {
        for (const ParetoReference& r : m_data.references) {
            found.add(r.point.accuracyPercent);
        }
        if (m_data.current) {
            found.add(m_data.current->point.accuracyPercent);
        }
    }
    if (found.range()) {
        found.add(m_data.accuracyFloorPercent.value_or(std::numeric_limits<double>::quiet_NaN()));
        found.add(m_data.floatAccuracyPercent.value_or(std::numeric_limits<double>::quiet_NaN()));
    }
    return found.range();
}

Range ParetoPlot::costsWithin(const std::optional<Range>& accuracies) const
{
    RangeFinder found;
    for (int i = 0; i < marks(); ++i) {
        const ParetoPoint& p = pointOf(i);
        if (isKnown(p, m_metric) && (!accuracies || accuracies->contains(p.accuracyPercent))) {
            found.add(p.cost(m_metric));
        }
    }
    return found.range().value_or(Range{0.0, 1.0});
}

PlotSpec ParetoPlot::spec() const
{
    const MetricInfo& info = infoOf(m_metric);
    const Palette& p = colors();
    PlotSpec s;
    s.title = tr(info.title);
    RangeFinder accuracies;
    for (int i = 0; i < marks(); ++i) {
        if (isKnown(pointOf(i), m_metric)) {
            accuracies.add(pointOf(i).accuracyPercent);
        }
    }
    s.isEmpty = !accuracies.range();
    s.canBrush = true;
    const Range costs = costsWithin({});
    s.x.label = m_data.costLabel.empty() ? tr(info.axis) : QString::fromStdString(m_data.costLabel);
    s.x.data = costs;
    s.x.canBeLog = costs.low > 0.0;
    s.x.isLog = wantsLog(costs);
    s.y.label = tr("Top-1 accuracy (%)");
    s.y.data = accuracies.range().value_or(Range{0.0, 100.0});
    if (const auto first = firstAccuracies()) {
        s.y.first = *first;
        s.x.first = costsWithin(first);
    }
    s.legend.push_back({.text = tr("trial"), .marker = {.radius = 3.4, .fill = p.faint}});
    if (std::find(m_isHighlighted.begin(), m_isHighlighted.end(), true) != m_isHighlighted.end()) {
        s.legend.push_back({.text = m_highlightLabel.empty()
                                        ? tr("trial in brush")
                                        : QString::fromStdString(m_highlightLabel),
                            .marker = {.radius = 3.6, .fill = p[Series::Blue]}});
    }
    s.legend.push_back({.text = tr("Pareto front"),
                        .kind = LegendEntry::Kind::LineWithMark,
                        .marker = frontStyle(p),
                        .pen = solidPen(p[Series::Green], 2.0)});
    if (!m_data.references.empty()) {
        s.legend.push_back({.text = tr("reference"), .marker = referenceStyle(p)});
    }
    if (m_data.current) {
        s.legend.push_back(
            {.text = tr("%1 (now)").arg(QString::fromStdString(m_data.current->name)),
             .marker = currentStyle(p)});
    }
    if (!m_selected.empty()) {
        s.legend.push_back({.text = m_data.selectedLabel.empty()
                                        ? tr("selected trial")
                                        : QString::fromStdString(m_data.selectedLabel),
                            .marker = selectedStyle(p, 5.5)});
    }
    return s;
}

QString ParetoPlot::emptyText() const
{
    return tr("No trials yet. They appear here when a search has finished its first one.");
}

QString ParetoPlot::describe() const
{
    QString text =
        tr("%Ln trial(s), %1 on the front", nullptr, static_cast<int>(m_data.trials.size()))
            .arg(num(static_cast<double>(m_front.size()), 0));
    if (hasBrush()) {
        text += tr(", %1 in the brush").arg(num(static_cast<double>(brushedTrials().size()), 0));
    }
    if (!m_selected.empty()) {
        const std::size_t i = m_indexOf.at(m_selected.front());
        text += tr(", selected: trial %1, %2")
                    .arg(id(m_selected.front()), valuesOf(m_data.trials[i].point, u", "));
    }
    return text + u'.';
}

PlotTable ParetoPlot::makeTable() const
{
    PlotTable table;
    table.rows = marks();
    const auto trialAt = [this](int row) -> const ParetoTrial* {
        return kindOf(row) == Kind::Trial ? &m_data.trials[static_cast<std::size_t>(row)] : nullptr;
    };
    table.columns.push_back({tr("Trial"), QStringLiteral("trial"), 0, [trialAt](int row) {
                                 const ParetoTrial* t = trialAt(row);
                                 return t != nullptr ? QVariant(t->number) : QVariant();
                             }});
    table.columns.push_back(
        {tr("Name"), QStringLiteral("name"), -1, [this](int row) { return QVariant(nameOf(row)); },
         [this](int row) {
             return kindOf(row) == Kind::Trial ? QVariant() : QVariant(nameOf(row));
         }});
    table.columns.push_back({tr("Accuracy (%)"), QStringLiteral("accuracy_percent"), 2,
                             [this](int row) { return QVariant(pointOf(row).accuracyPercent); }});
    table.columns.push_back({tr("± (pt)"), QStringLiteral("accuracy_error_points"), 2,
                             [this](int row) { return QVariant(pointOf(row).accuracyError); }});
    for (const MetricInfo& info : kMetrics) {
        table.columns.push_back({tr(info.column), QString::fromLatin1(info.csvId), info.decimals,
                                 [this, metric = info.metric](int row) {
                                     return QVariant(pointOf(row).cost(metric));
                                 }});
    }
    table.columns.push_back({tr("Feasible"), QStringLiteral("feasible"), -1, [trialAt](int row) {
                                 const ParetoTrial* t = trialAt(row);
                                 return t != nullptr ? QVariant(t->isFeasible) : QVariant();
                             }});
    table.columns.push_back(
        {tr("Front"), QStringLiteral("front"), -1, [this, trialAt](int row) {
             return trialAt(row) != nullptr
                        ? QVariant(static_cast<bool>(m_isFront[static_cast<std::size_t>(row)]))
                        : QVariant();
         }});
    table.columns.push_back(
        {tr("In brush"), QStringLiteral("brushed"), -1, [this, trialAt](int row) {
             return trialAt(row) != nullptr ? QVariant(static_cast<bool>(
                                                  m_isHighlighted[static_cast<std::size_t>(row)]))
                                            : QVariant();
         }});
    return table;
}

// --- painting
// -------------------------------------------------------------------------------------

void ParetoPlot::paint(Stage stage, Canvas& canvas) const
{
    switch (stage) {
    case Stage::Back:
        paintBack(canvas);
        break;
    case Stage::Marks: {
        std::vector<QPointF> at;
        at.reserve(m_data.trials.size());
        for (std::size_t i = 0; i < m_data.trials.size(); ++i) {
            at.push_back(markPoint(static_cast<int>(i), canvas.frame()));
        }
        canvas.marks(at, trialStyle(canvas.colors()));
        break;
    }
    case Stage::Front:
        paintFront(canvas);
        break;
    case Stage::Labels:
        paintWords(canvas);
        break;
    case Stage::Overlay:
        paintOverlay(canvas);
        break;
    }
}

void ParetoPlot::paintBack(Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    if (m_data.accuracyFloorPercent) {
        const double y = f.y.toPixel(*m_data.accuracyFloorPercent);
        canvas.rect({QPointF(f.area.left(), std::max(y, f.area.top())), f.area.bottomRight()},
                    p.shade);
        canvas.horizontal(y, dashedPen(p[Series::Orange], 1.2, {6, 4}));
    }
    if (m_data.floatAccuracyPercent) {
        canvas.horizontal(f.y.toPixel(*m_data.floatAccuracyPercent),
                          dashedPen(p.axis, 1.2, {2, 3}));
    }
}

/// What the front guarantees at each cost: right to the next trial, then up.
QPolygonF ParetoPlot::frontLine(const Frame& f) const
{
    QPolygonF steps;
    for (const std::size_t i : m_front) {
        const QPointF at = markPoint(static_cast<int>(i), f);
        steps << (steps.isEmpty() ? QPointF(at.x(), f.area.bottom())
                                  : QPointF(at.x(), steps.last().y()))
              << at;
    }
    return steps;
}

bool ParetoPlot::hasData(const QRectF& box, const Frame& f) const
{
    const auto hasLine = [&](const std::optional<double>& value) {
        return value && f.y.toPixel(*value) > box.top() && f.y.toPixel(*value) < box.bottom();
    };
    return hasLine(m_data.accuracyFloorPercent) || hasLine(m_data.floatAccuracyPercent) ||
           crosses(frontLine(f), box) || Plot::hasData(box, f);
}

void ParetoPlot::paintFront(Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    std::vector<QPointF> strong;
    for (std::size_t i = 0; i < m_isHighlighted.size(); ++i) {
        if (m_isHighlighted[i]) {
            strong.push_back(markPoint(static_cast<int>(i), f));
        }
    }
    canvas.marks(strong, highlightStyle(p));

    canvas.line(frontLine(f), solidPen(p[Series::Green], 2.0));
    std::vector<QPointF> corners;
    for (const std::size_t i : m_front) {
        corners.push_back(markPoint(static_cast<int>(i), f));
    }
    canvas.marks(corners, frontStyle(p));

    const auto first = static_cast<int>(m_data.trials.size());
    for (int i = first; i < marks(); ++i) {
        canvas.mark(markPoint(i, f),
                    kindOf(i) == Kind::Reference ? referenceStyle(p) : currentStyle(p));
    }
}

void ParetoPlot::paintWords(Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    const QPolygonF front = frontLine(f);
    const auto first = static_cast<int>(m_data.trials.size());
    std::vector<QRectF> taken;
    for (int i = first; i < marks(); ++i) {
        if (isKnown(pointOf(i), m_metric)) {
            taken.push_back(QRectF(markPoint(i, f) - QPointF(6, 6), QSizeF(12, 12)));
        }
    }
    const auto lineLabel = [&](double value, const QString& text, const QColor& color, bool above) {
        const double y = f.y.toPixel(value);
        if (y < f.area.top() + 2.0 || y > f.area.bottom() - 2.0) {
            return;
        }
        // At the right end, unless a reference sits there.
        const double line = canvas.lineHeight();
        const QRectF right(f.area.right() - 6.0 - canvas.textSize(text, {.color = color}).width(),
                           above ? y - line : y, canvas.textSize(text, {.color = color}).width(),
                           line);
        const bool isFree = std::none_of(taken.begin(), taken.end(), [&](const QRectF& other) {
            return other.intersects(right);
        });
        const QPointF at(isFree ? f.area.right() - 6.0 : f.area.left() + 6.0,
                         y + (above ? -1.0 : 1.0));
        taken.push_back(canvas.text(at,
                                    (isFree ? Qt::AlignRight : Qt::AlignLeft) |
                                        (above ? Qt::AlignBottom : Qt::AlignTop),
                                    text, {.color = color, .halo = true}));
    };
    if (m_data.floatAccuracyPercent) {
        lineLabel(*m_data.floatAccuracyPercent,
                  tr("float %1 %").arg(num(*m_data.floatAccuracyPercent, 2)), p.secondText, true);
    }
    if (m_data.accuracyFloorPercent) {
        lineLabel(*m_data.accuracyFloorPercent,
                  tr("accuracy floor %1 %").arg(num(*m_data.accuracyFloorPercent, 2)),
                  p[Series::Orange], false);
    }
    for (int i = first; i < first + static_cast<int>(m_data.references.size()); ++i) {
        const QPointF at = markPoint(i, f);
        if (!isKnown(pointOf(i), m_metric) || !f.area.contains(at)) {
            continue;
        }
        const QString name = nameOf(i);
        const QSizeF size = canvas.textSize(name, {.color = {}});
        const std::array<QPointF, 6> places{QPointF(8.0, 2.0),
                                            QPointF(8.0, -2.0 - size.height()),
                                            QPointF(-8.0 - size.width(), 2.0),
                                            QPointF(-8.0 - size.width(), -2.0 - size.height()),
                                            QPointF(-size.width() / 2, 8.0),
                                            QPointF(-size.width() / 2, -8.0 - size.height())};
        QRectF box;
        double least = std::numeric_limits<double>::max();
        for (const QPointF& place : places) {
            const QRectF candidate(at + place, size);
            const QRectF inside = candidate.intersected(f.area);
            double trouble =
                4.0 * (size.width() * size.height() - inside.width() * inside.height());
            for (const QRectF& other : taken) {
                const QRectF common = candidate.intersected(other);
                trouble += common.width() * common.height();
            }
            trouble += crosses(front, candidate) ? 60.0 : 0.0;
            if (trouble < least) {
                least = trouble;
                box = candidate;
            }
        }
        taken.push_back(canvas.text(box.topLeft(), Qt::AlignLeft | Qt::AlignTop, name,
                                    {.color = p.text, .halo = true}));
    }
}

void ParetoPlot::paintOverlay(Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    for (const BrushStep& step : m_brush) {
        const QRectF box =
            QRectF(f.at(step.cost.low, step.accuracy.high), f.at(step.cost.high, step.accuracy.low))
                .normalized();
        const QColor color = step.isRemoval ? p.reference : p[Series::Blue];
        canvas.rect(box, withAlpha(color, 0.08), dashedPen(color, 1.3, {4, 3}));
    }
    for (const int n : m_selected) {
        canvas.mark(markPoint(static_cast<int>(m_indexOf.at(n)), f), selectedStyle(p, 9.0));
    }
}

} // namespace bitscape::widgets
