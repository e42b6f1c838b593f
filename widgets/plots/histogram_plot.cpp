// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/histogram_plot.h"

#include "widgets/plots/numbers.h"

#include <QPainter>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace bitscape::widgets {

namespace {

constexpr double kGrip = 7.0;       ///< px beside the line that take the drag
constexpr double kThinBar = 2.0;    ///< px; narrower bars are drawn as one outline
constexpr double kWideBin = 6.0;    ///< px; wider bins are drawn as steps
constexpr int kBigStep = 16;        ///< bins
constexpr double kLeastCount = 0.5; ///< bottom of a logarithmic axis

/// place: among the thresholds that are not chosen.
QPen thresholdPen(const Palette& p, std::size_t place, bool isChosen)
{
    if (isChosen) {
        return solidPen(p[Series::Blue], 2.6);
    }
    const std::array colors{p[Series::Purple], p[Series::Green], p[Series::Brown], p.reference,
                            p[Series::Indigo]};
    static const std::array<QList<qreal>, 5> kDashes{
        {{6, 4}, {2, 3}, {8, 3, 2, 3}, {4, 2}, {10, 4}}};
    return dashedPen(colors[place % colors.size()], 1.7, kDashes[place % kDashes.size()]);
}

} // namespace

HistogramPlot::HistogramPlot(QWidget* parent) : Plot(parent)
{
    setObjectName(QStringLiteral("weightHistogramPlot"));
    setAccessibleName(tr("Weights, float and quantized"));
    dataChanged();
}

void HistogramPlot::setData(const HistogramData& given)
{
    m_data = given;
    const std::size_t bins = m_data.edges.empty() ? 0 : m_data.edges.size() - 1;
    m_data.counts.resize(std::min(bins, m_data.counts.size()));
    m_data.edges.resize(m_data.counts.empty() ? 0 : m_data.counts.size() + 1);
    m_total = 0.0;
    for (double& count : m_data.counts) {
        count = std::isfinite(count) ? std::max(0.0, count) : 0.0;
        m_total += count;
    }
    std::erase_if(m_data.thresholds,
                  [](const HistogramThreshold& t) { return !std::isfinite(t.value); });
    std::erase_if(m_data.levels, [](const HistogramLevel& l) {
        return !std::isfinite(l.value) || !std::isfinite(l.count);
    });
    dataChanged();
}

double HistogramPlot::clippedShare() const
{
    if (!(m_total > 0.0)) {
        return 0.0;
    }
    double kept = 0.0;
    const double low = m_data.clipLow.value_or(-std::numeric_limits<double>::infinity());
    const double high = m_data.clipHigh.value_or(std::numeric_limits<double>::infinity());
    for (std::size_t i = 0; i < m_data.counts.size(); ++i) {
        const double a = m_data.edges[i];
        const double b = m_data.edges[i + 1];
        const double inside = std::max(0.0, std::min(b, high) - std::max(a, low));
        const bool hasWidth = b > a;
        const double share = hasWidth ? inside / (b - a) : (a >= low && a <= high ? 1.0 : 0.0);
        kept += m_data.counts[i] * share;
    }
    return std::clamp(1.0 - kept / m_total, 0.0, 1.0);
}

const HistogramThreshold* HistogramPlot::chosen() const
{
    const auto at = std::find_if(m_data.thresholds.begin(), m_data.thresholds.end(),
                                 [](const HistogramThreshold& t) { return t.isChosen; });
    return at == m_data.thresholds.end() ? nullptr : &*at;
}

PlotSpec HistogramPlot::spec() const
{
    const Palette& p = colors();
    PlotSpec s;
    s.title = m_data.title.empty() ? tr("Values, float and quantized")
                                   : QString::fromStdString(m_data.title);
    s.isEmpty = !(m_total > 0.0) && m_data.levels.empty();
    RangeFinder values;
    if (bins() > 0) {
        values.add(m_data.edges.front());
        values.add(m_data.edges.back());
    }
    double most = 0.0;
    for (const double count : m_data.counts) {
        most = std::max(most, count);
    }
    for (const HistogramLevel& level : m_data.levels) {
        values.add(level.value);
        most = std::max(most, level.count);
    }
    s.x.label = m_data.axisLabel.empty() ? tr("Value") : QString::fromStdString(m_data.axisLabel);
    s.x.data = values.range().value_or(Range{0.0, 1.0});
    s.x.ends = AxisEnds::Exact;
    s.y.label = tr("Count");
    s.y.data = {kLeastCount, std::max(1.0, most) * 1.6};
    s.y.ends = AxisEnds::Zero;
    s.y.canBeLog = true;
    s.y.isLog = most > 10.0;
    const bool hasStems = !m_data.levels.empty();
    if (m_total > 0.0 && (hasStems || !m_data.floatLabel.empty())) {
        s.legend.push_back(
            {.text = m_data.floatLabel.empty() ? tr("float")
                                               : QString::fromStdString(m_data.floatLabel),
             .kind = LegendEntry::Kind::Fill,
             .pen = solidPen(p[Series::Sky], 1.2),
             .fill = withAlpha(p[Series::Sky], m_data.style == HistogramStyle::Bars ? 1.0 : 0.35)});
    }
    if (hasStems) {
        s.legend.push_back({.text = m_data.levelsLabel.empty()
                                        ? tr("quantized")
                                        : QString::fromStdString(m_data.levelsLabel),
                            .kind = LegendEntry::Kind::LineWithMark,
                            .marker = {.radius = 3.2, .fill = p[Series::Blue]},
                            .pen = solidPen(p[Series::Blue], 2.6)});
    }
    if ((m_data.clipLow || m_data.clipHigh) && !s.legend.empty()) {
        s.legend.push_back(
            {.text = tr("clipped"), .kind = LegendEntry::Kind::Hatching, .hatch = Hatch::Clip});
    }
    return s;
}

/// The upper edge of the counts: through the middle of narrow bins, as steps over wide ones.
QPolygonF HistogramPlot::outline(const Frame& f) const
{
    QPolygonF line;
    const bool isWide = bins() > 0 && f.area.width() / std::max(1, bins()) > kWideBin;
    for (std::size_t i = 0; i < m_data.counts.size(); ++i) {
        const double left = f.x.toPixel(m_data.edges[i]);
        const double right = f.x.toPixel(m_data.edges[i + 1]);
        const double y = std::min(f.y.toPixel(m_data.counts[i]), f.area.bottom() + 2.0);
        if (isWide || m_data.style == HistogramStyle::Bars) {
            line << QPointF(left, y) << QPointF(right, y);
        } else {
            line << QPointF((left + right) / 2, y);
        }
    }
    return line;
}

bool HistogramPlot::hasData(const QRectF& box, const Frame& f) const
{
    QPolygonF area = outline(f);
    if (!area.isEmpty()) {
        area.prepend({area.first().x(), f.area.bottom()});
        area.append({area.last().x(), f.area.bottom()});
        if (!clippedArea(area, box).isEmpty()) {
            return true;
        }
    }
    for (const HistogramLevel& level : m_data.levels) {
        const QPointF at = f.at(level.value, level.count);
        if (clipped(QLineF(at, {at.x(), f.area.bottom()}), box)) {
            return true;
        }
    }
    return std::any_of(m_data.thresholds.begin(), m_data.thresholds.end(),
                       [&](const HistogramThreshold& t) {
                           const double x = f.x.toPixel(t.value);
                           return x > box.left() && x < box.right();
                       });
}

void HistogramPlot::paint(Stage stage, Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    switch (stage) {
    case Stage::Back:
        paintClip(canvas);
        break;
    case Stage::Marks:
        paintCounts(canvas);
        break;
    case Stage::Front:
        paintStems(canvas);
        for (const double code : m_data.codeMarks) {
            const double x = f.x.toPixel(code);
            canvas.line({{x, f.area.bottom()}, {x, f.area.bottom() - 14.0}},
                        solidPen(p[Series::Indigo], 2.0));
        }
        paintThresholds(canvas);
        break;
    case Stage::Labels:
        paintThresholdNames(canvas);
        break;
    case Stage::Overlay:
        break;
    }
}

void HistogramPlot::paintClip(Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const auto hatch = [&](double left, double right) {
        if (right - left >= 1.0) {
            canvas.hatch({QPointF(left, f.area.top()), QPointF(right, f.area.bottom())},
                         Hatch::Clip);
        }
    };
    if (m_data.clipLow) {
        hatch(f.area.left(), std::min(f.x.toPixel(*m_data.clipLow), f.area.right()));
    }
    if (m_data.clipHigh) {
        hatch(std::max(f.x.toPixel(*m_data.clipHigh), f.area.left()), f.area.right());
    }
}

void HistogramPlot::paintCounts(Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    if (bins() == 0) {
        return;
    }
    const double barWidth = f.x.toPixel(m_data.edges[1]) - f.x.toPixel(m_data.edges[0]);
    if (m_data.style == HistogramStyle::Bars && barWidth >= kThinBar) {
        const double gap = barWidth > 4.0 ? 1.0 : 0.0;
        for (std::size_t i = 0; i < m_data.counts.size(); ++i) {
            if (m_data.counts[i] > 0.0) {
                canvas.rect({QPointF(f.x.toPixel(m_data.edges[i]), f.y.toPixel(m_data.counts[i])),
                             QPointF(f.x.toPixel(m_data.edges[i + 1]) - gap, f.area.bottom())},
                            p[Series::Sky]);
            }
        }
        return;
    }
    const bool isBars = m_data.style == HistogramStyle::Bars;
    const QPolygonF top = thinned(outline(f));
    QPolygonF area = top;
    const double left = f.x.toPixel(m_data.edges.front());
    const double right = f.x.toPixel(m_data.edges.back());
    area.prepend({left, f.area.bottom()});
    area.append({right, f.area.bottom()});
    canvas.area(area, withAlpha(p[Series::Sky], isBars ? 1.0 : 0.35));
    if (!isBars) {
        canvas.line(top, solidPen(p[Series::Sky], 1.3));
    }
}

void HistogramPlot::paintStems(Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    const double room =
        m_data.levels.size() > 1
            ? std::abs(f.x.toPixel(m_data.levels[1].value) - f.x.toPixel(m_data.levels[0].value))
            : f.area.width();
    const double width = std::clamp(room * 0.35, 1.0, 2.8);
    const bool hasHeads = room >= 6.0;
    for (const HistogramLevel& level : m_data.levels) {
        const QPointF at = f.at(level.value, level.count);
        if (level.count > 0.0 && at.y() <= f.area.bottom()) {
            canvas.line({{at.x(), f.area.bottom()}, at}, solidPen(p[Series::Blue], width));
            if (hasHeads) {
                canvas.mark(at, {.radius = 3.2, .fill = p[Series::Blue]});
            }
        }
    }
}

void HistogramPlot::paintThresholds(Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    std::size_t place = 0;
    for (const HistogramThreshold& t : m_data.thresholds) {
        canvas.vertical(f.x.toPixel(t.value), thresholdPen(p, place, t.isChosen));
        place += t.isChosen ? 0 : 1;
    }
    const HistogramThreshold* handle = chosen();
    if (handle == nullptr || !m_data.isThresholdMovable) {
        return;
    }
    const QPointF at(f.x.toPixel(handle->value), f.area.center().y());
    if (!f.area.contains(at)) {
        return;
    }
    QPainter& painter = canvas.painter();
    painter.setPen(Qt::NoPen);
    painter.setBrush(p[Series::Blue]);
    painter.drawRoundedRect(QRectF(at.x() - kGrip, at.y() - 15.0, 2 * kGrip, 30.0), 4.0, 4.0);
    painter.setPen(solidPen(inkOn(p[Series::Blue]), 1.6));
    for (const double dx : {-2.5, 2.5}) {
        painter.drawLine(QPointF(at.x() + dx, at.y() - 6.0), QPointF(at.x() + dx, at.y() + 6.0));
    }
}

void HistogramPlot::paintThresholdNames(Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    std::vector<QRectF> taken;
    const auto clipWord = [&](double left, double right) {
        const QString word = tr("clip");
        const TextStyle style{.color = p[Series::Orange], .bold = true, .halo = true};
        if (right - left > canvas.textSize(word, style).width() + 6.0 &&
            m_data.thresholds.empty()) {
            canvas.text({(left + right) / 2, f.area.top() + 6.0}, Qt::AlignHCenter | Qt::AlignTop,
                        word, style);
        }
    };
    if (m_data.clipLow) {
        clipWord(f.area.left(), f.x.toPixel(*m_data.clipLow));
    }
    if (m_data.clipHigh) {
        clipWord(f.x.toPixel(*m_data.clipHigh), f.area.right());
    }
    std::size_t place = 0;
    for (const HistogramThreshold& t : m_data.thresholds) {
        const QColor color = thresholdPen(p, place, t.isChosen).color();
        place += t.isChosen ? 0 : 1;
        const double x = f.x.toPixel(t.value);
        if (x < f.area.left() || x > f.area.right()) {
            continue;
        }
        QString text = QStringLiteral("%1 %2").arg(QString::fromStdString(t.name), num(t.value, 3));
        if (t.isChosen && m_isDragging) {
            text += QStringLiteral(", ") + tr("%1 % clipped").arg(num(100.0 * clippedShare(), 2));
        }
        const TextStyle style{.color = color, .bold = t.isChosen, .halo = true};
        const QSizeF size = canvas.textSize(text, style);
        const bool onLeft = x + size.width() + 10.0 > f.area.right();
        QRectF box(onLeft ? x - 6.0 - size.width() : x + 6.0, f.area.top() + 3.0, size.width(),
                   size.height());
        for (std::size_t k = 0; k < taken.size(); ++k) {
            if (std::any_of(taken.begin(), taken.end(),
                            [&](const QRectF& other) { return other.intersects(box); })) {
                box.translate(0.0, size.height());
            }
        }
        taken.push_back(box);
        canvas.text(box.topLeft(), Qt::AlignLeft | Qt::AlignTop, text, style);
    }
}

// --- marks: bins, then levels
// ---------------------------------------------------------------------

int HistogramPlot::marks() const
{
    return bins() + static_cast<int>(m_data.levels.size());
}

QPointF HistogramPlot::markPoint(int mark, const Frame& f) const
{
    const auto i = static_cast<std::size_t>(mark);
    if (mark >= bins()) {
        const HistogramLevel& level = m_data.levels[i - m_data.counts.size()];
        return {f.x.toPixel(level.value), std::min(f.y.toPixel(level.count), f.area.bottom())};
    }
    // No values: at the bottom, where a logarithmic axis ends too.
    const double y = std::min(f.y.toPixel(m_data.counts[i]), f.area.bottom());
    return {(f.x.toPixel(m_data.edges[i]) + f.x.toPixel(m_data.edges[i + 1])) / 2, y};
}

int HistogramPlot::findMark(const QPointF& at, const Frame& f) const
{
    if (!f.area.contains(at)) {
        return -1;
    }
    int best = -1;
    double nearest = 8.0;
    for (int i = bins(); i < marks(); ++i) {
        const QPointF p = markPoint(i, f);
        const double dx = std::abs(p.x() - at.x());
        if (at.y() >= p.y() - 8.0 && dx < nearest) {
            nearest = dx;
            best = i;
        }
    }
    if (best >= 0 || bins() == 0) {
        return best;
    }
    const double value = f.x.toValue(at.x());
    const auto edge = std::upper_bound(m_data.edges.begin(), m_data.edges.end(), value);
    const auto bin = static_cast<int>(edge - m_data.edges.begin()) - 1;
    return bin >= 0 && bin < bins() && at.y() >= markPoint(bin, f).y() - 8.0 ? bin : -1;
}

void HistogramPlot::paintCurrent(int mark, Canvas& canvas) const
{
    if (mark >= bins()) {
        Plot::paintCurrent(mark, canvas);
        return;
    }
    const Frame& f = canvas.frame();
    const auto i = static_cast<std::size_t>(mark);
    canvas.rect({QPointF(f.x.toPixel(m_data.edges[i]), markPoint(mark, f).y()),
                 QPointF(f.x.toPixel(m_data.edges[i + 1]), f.area.bottom())},
                withAlpha(canvas.colors().text, 0.18), solidPen(canvas.colors().text, 1.0));
}

std::vector<std::vector<int>> HistogramPlot::series() const
{
    std::vector<int> levels;
    std::vector<int> all;
    for (int i = 0; i < marks(); ++i) {
        (i < bins() ? all : levels).push_back(i);
    }
    return {levels, all};
}

QString HistogramPlot::markHtml(int mark) const
{
    const auto i = static_cast<std::size_t>(mark);
    if (mark >= bins()) {
        const HistogramLevel& level = m_data.levels[i - m_data.counts.size()];
        return QStringLiteral("<b>%1</b><br>%2")
            .arg(tr("Level %1").arg(shortNumber(locale(), level.value)),
                 tr("%1 quantized values").arg(num(level.count, 0)));
    }
    return QStringLiteral("<b>%1</b><br>%2")
        .arg(tr("%1 … %2").arg(shortNumber(locale(), m_data.edges[i]),
                               shortNumber(locale(), m_data.edges[i + 1])),
             tr("%1 values, %2 % of all")
                 .arg(num(m_data.counts[i], 0), num(100.0 * m_data.counts[i] / m_total, 3)));
}

PlotTable HistogramPlot::makeTable() const
{
    PlotTable table;
    table.rows = marks();
    const auto level = [this](int row) -> const HistogramLevel* {
        return row >= bins() ? &m_data.levels[static_cast<std::size_t>(row - bins())] : nullptr;
    };
    table.columns = {
        {tr("Kind"), QStringLiteral("kind"), -1,
         [level](int row) { return QVariant(level(row) != nullptr ? tr("level") : tr("bin")); },
         [level](int row) {
             return QVariant(level(row) != nullptr ? QStringLiteral("level")
                                                   : QStringLiteral("bin"));
         }},
        {tr("From"), QStringLiteral("low"), -1,
         [this, level](int row) {
             return QVariant(level(row) != nullptr ? level(row)->value
                                                   : m_data.edges[static_cast<std::size_t>(row)]);
         }},
        {tr("To"), QStringLiteral("high"), -1,
         [this, level](int row) {
             return QVariant(level(row) != nullptr
                                 ? level(row)->value
                                 : m_data.edges[static_cast<std::size_t>(row) + 1]);
         }},
        {tr("Count"), QStringLiteral("count"), 0, [this, level](int row) {
             return QVariant(level(row) != nullptr ? level(row)->count
                                                   : m_data.counts[static_cast<std::size_t>(row)]);
         }}};
    return table;
}

QString HistogramPlot::describe() const
{
    QString text = tr("%1 values").arg(num(m_total, 0));
    if (!m_data.levels.empty()) {
        text += tr(", %1 levels").arg(num(static_cast<double>(m_data.levels.size()), 0));
    }
    if (m_data.clipLow || m_data.clipHigh) {
        text += tr(", %1 % clipped").arg(num(100.0 * clippedShare(), 2));
    }
    if (const HistogramThreshold* t = chosen()) {
        text += tr(", threshold %1 by %2").arg(num(t->value, 3), QString::fromStdString(t->name));
    }
    return text + u'.';
}

QString HistogramPlot::emptyText() const
{
    return tr("No values yet. Select a layer with weights, or gather activations.");
}

// --- the threshold
// --------------------------------------------------------------------------------

bool HistogramPlot::beginDrag(const QPointF& at)
{
    const HistogramThreshold* t = chosen();
    const Frame f = frame();
    m_isDragging = t != nullptr && m_data.isThresholdMovable && f.area.contains(at) &&
                   std::abs(f.x.toPixel(t->value) - at.x()) <= kGrip;
    return m_isDragging;
}

void HistogramPlot::drag(const QPointF& at)
{
    moveThreshold(frame().x.toValue(at.x()), false);
}

void HistogramPlot::endDrag()
{
    m_isDragging = false;
    moveThreshold(chosen()->value, true);
}

void HistogramPlot::moveThreshold(double value, bool done)
{
    const auto at = std::find_if(m_data.thresholds.begin(), m_data.thresholds.end(),
                                 [](const HistogramThreshold& t) { return t.isChosen; });
    const Range all = exactAxis();
    const double lowest = m_data.isSymmetric ? 0.0 : all.low;
    at->value = std::clamp(value, lowest, all.high);
    m_data.clipHigh = at->value;
    if (m_data.isSymmetric) {
        m_data.clipLow = -at->value;
    }
    refresh();
    Q_EMIT thresholdDragged(at->value, done);
}

Range HistogramPlot::exactAxis() const
{
    return bins() > 0 ? Range{m_data.edges.front(), m_data.edges.back()} : range(Qt::Horizontal);
}

Qt::CursorShape HistogramPlot::cursorAt(const QPointF& at) const
{
    const HistogramThreshold* t = chosen();
    const Frame f = frame();
    const bool onHandle = t != nullptr && m_data.isThresholdMovable && f.area.contains(at) &&
                          std::abs(f.x.toPixel(t->value) - at.x()) <= kGrip;
    return onHandle ? Qt::SizeHorCursor : Qt::ArrowCursor;
}

bool HistogramPlot::handleKey(int key, Qt::KeyboardModifiers modifiers)
{
    const HistogramThreshold* t = chosen();
    const bool isArrow = key == Qt::Key_Left || key == Qt::Key_Right;
    const bool isPlain = modifiers == Qt::NoModifier || modifiers == Qt::ShiftModifier;
    if (t == nullptr || !m_data.isThresholdMovable || !isArrow || !isPlain || bins() == 0) {
        return false;
    }
    const Range all = exactAxis();
    const double step = all.size() / bins() * (modifiers == Qt::ShiftModifier ? kBigStep : 1);
    moveThreshold(t->value + (key == Qt::Key_Left ? -step : step), true);
    return true;
}

} // namespace bitscape::widgets
