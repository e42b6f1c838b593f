// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/staircase_plot.h"

#include "widgets/plots/numbers.h"

#include <QFontMetricsF>
#include <QImage>
#include <QPainter>

#include <algorithm>
#include <cmath>
#include <map>

namespace bitscape::widgets {

namespace {

/// The ends of the color map are left out: the lightest is the background, the darkest black.
constexpr double kLowest = 0.08;
constexpr double kHighest = 0.88;
constexpr double kScaleWidth = 13.0;
constexpr double kScaleGap = 12.0;

int weightBitsOf(int mark)
{
    return mark / kStaircaseBits + 1;
}
int inputBitsOf(int mark)
{
    return mark % kStaircaseBits + 1;
}

} // namespace

StaircasePlot::StaircasePlot(QWidget* parent) : Plot(parent)
{
    setObjectName(QStringLiteral("staircasePlot"));
    setAccessibleName(tr("Precision staircase"));
    dataChanged();
}

void StaircasePlot::setData(const StaircaseData& given)
{
    m_data = given;
    RangeFinder costs;
    for (auto& column : m_data.cost) {
        for (double& c : column) {
            c = std::isfinite(c) && c > 0.0 ? c : 0.0;
            costs.add(c > 0.0 ? c : std::numeric_limits<double>::quiet_NaN());
        }
    }
    m_costs = costs.range().value_or(Range{});
    dataChanged();
}

double StaircasePlot::costAt(int mark) const
{
    return m_data.cost[static_cast<std::size_t>(weightBitsOf(mark) - 1)]
                      [static_cast<std::size_t>(inputBitsOf(mark) - 1)];
}

int StaircasePlot::lanesAt(int mark) const
{
    return m_data.lanes[static_cast<std::size_t>(weightBitsOf(mark) - 1)]
                       [static_cast<std::size_t>(inputBitsOf(mark) - 1)];
}

double StaircasePlot::position(double cost) const
{
    const double share = m_costs.high > m_costs.low
                             ? std::log(cost / m_costs.low) / std::log(m_costs.high / m_costs.low)
                             : 0.0;
    return kLowest + (kHighest - kLowest) * share;
}

PlotSpec StaircasePlot::spec() const
{
    PlotSpec s;
    s.title =
        m_data.title.empty() ? tr("Precision staircase") : QString::fromStdString(m_data.title);
    s.isEmpty = !(m_costs.high > 0.0);
    for (AxisSpec* axis : {&s.x, &s.y}) {
        axis->data = {0.5, kStaircaseBits + 0.5};
        axis->ends = AxisEnds::Exact;
        axis->integers = true;
        axis->grid = false;
    }
    s.x.label = tr("Weight bits");
    s.y.label = tr("Input activation bits");
    const QFontMetricsF metrics(plotFont(font(), TextSize::Tick));
    s.rightMargin = kScaleGap + kScaleWidth + 12.0 +
                    metrics.horizontalAdvance(thousands(locale(), m_costs.high));
    return s;
}

QRectF StaircasePlot::cell(int mark, const Frame& f) const
{
    return QRectF(f.at(weightBitsOf(mark) - 0.5, inputBitsOf(mark) + 0.5),
                  f.at(weightBitsOf(mark) + 0.5, inputBitsOf(mark) - 0.5));
}

void StaircasePlot::paint(Stage stage, Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    switch (stage) {
    case Stage::Back:
        break;
    case Stage::Marks:
        for (int i = 0; i < marks(); ++i) {
            if (costAt(i) > 0.0) {
                canvas.rect(cell(i, f), p.sequentialAt(position(costAt(i))),
                            QPen(p.plotBackground, 0.5));
            } else {
                canvas.hatch(cell(i, f), Hatch::Cpu, 0.5);
            }
        }
        break;
    case Stage::Front:
        paintSteps(canvas);
        break;
    case Stage::Labels:
        paintWords(canvas);
        break;
    case Stage::Overlay:
        break;
    }
}

void StaircasePlot::paintSteps(Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    // The border of a step: where the mode changes to the right or upward.
    for (int i = 0; i < marks(); ++i) {
        const QRectF c = cell(i, f);
        if (weightBitsOf(i) < kStaircaseBits && lanesAt(i + kStaircaseBits) != lanesAt(i)) {
            canvas.line({c.topRight(), c.bottomRight()}, solidPen(p.text, 1.8));
        }
        if (inputBitsOf(i) < kStaircaseBits && lanesAt(i + 1) != lanesAt(i)) {
            canvas.line({c.topLeft(), c.topRight()}, solidPen(p.text, 1.8));
        }
    }
    const int w = m_data.weightBits;
    const int a = m_data.inputBits;
    if (w >= 1 && w <= kStaircaseBits && a >= 1 && a <= kStaircaseBits) {
        canvas.rect(cell((w - 1) * kStaircaseBits + a - 1, f), {},
                    solidPen(p[Series::Orange], 3.0));
    }
}

void StaircasePlot::paintWords(Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    // Each mode is named in the cell of its own that is farthest from the next cheaper mode.
    std::map<int, int> widest;
    for (int i = 0; i < marks(); ++i) {
        const int side = std::max(weightBitsOf(i), inputBitsOf(i));
        auto [at, isNew] = widest.emplace(lanesAt(i), side);
        at->second = std::max(at->second, side);
    }
    int inner = 0;
    std::vector<std::pair<int, int>> bySize;
    for (const auto& [lanes, side] : widest) {
        bySize.emplace_back(side, lanes);
    }
    std::sort(bySize.begin(), bySize.end());
    for (const auto& [side, lanes] : bySize) {
        const double middle = (inner + side + 1) / 2.0;
        const int bits = std::clamp(static_cast<int>(std::lround(middle)), 1, kStaircaseBits);
        const int mark = (bits - 1) * kStaircaseBits + bits - 1;
        inner = side;
        if (lanes <= 0 || lanesAt(mark) != lanes || !(costAt(mark) > 0.0)) {
            continue;
        }
        const QColor ink = inkOn(p.sequentialAt(position(costAt(mark))));
        const QPointF at = f.at(middle, middle);
        canvas.text(at - QPointF(0, 1), Qt::AlignHCenter | Qt::AlignBottom,
                    QStringLiteral("×%1").arg(lanes),
                    {.color = ink, .size = TextSize::Title, .bold = true});
        canvas.text(at, Qt::AlignHCenter | Qt::AlignTop, thousands(locale(), costAt(mark)),
                    {.color = ink});
    }
    const int w = m_data.weightBits;
    const int a = m_data.inputBits;
    if (w >= 1 && w <= kStaircaseBits && a >= 1 && a <= kStaircaseBits) {
        const QRectF now = cell((w - 1) * kStaircaseBits + a - 1, f);
        const bool onLeft = w > kStaircaseBits - 3;
        canvas.text({onLeft ? now.left() - 5.0 : now.right() + 5.0, now.center().y()},
                    (onLeft ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter, tr("now"),
                    {.color = p.text, .bold = true, .halo = true});
    }
    const QRectF bar(f.area.right() + kScaleGap, f.area.top(), kScaleWidth, f.area.height());
    constexpr int kColors = 128;
    QImage strip(1, kColors, QImage::Format_RGB32);
    for (int i = 0; i < kColors; ++i) {
        const double share = 1.0 - static_cast<double>(i) / (kColors - 1);
        strip.setPixel(0, i, p.sequentialAt(kLowest + (kHighest - kLowest) * share).rgb());
    }
    canvas.painter().drawImage(bar, strip);
    canvas.painter().setPen(QPen(p.axis, 1.0));
    canvas.painter().setBrush(Qt::NoBrush);
    canvas.painter().drawRect(bar);
    const double middle = std::sqrt(m_costs.low * m_costs.high);
    for (const double cost : {m_costs.low, middle, m_costs.high}) {
        const double share = (position(cost) - kLowest) / (kHighest - kLowest);
        canvas.text({bar.right() + 5.0, bar.bottom() - share * bar.height()},
                    Qt::AlignLeft | Qt::AlignVCenter, thousands(locale(), cost),
                    {.color = p.text, .size = TextSize::Tick});
        if (!(m_costs.high > m_costs.low)) {
            break;
        }
    }
}

int StaircasePlot::marks() const
{
    return kStaircaseBits * kStaircaseBits;
}

QPointF StaircasePlot::markPoint(int mark, const Frame& f) const
{
    return f.at(weightBitsOf(mark), inputBitsOf(mark));
}

int StaircasePlot::findMark(const QPointF& at, const Frame& f) const
{
    const int w = static_cast<int>(std::lround(f.x.toValue(at.x())));
    const int a = static_cast<int>(std::lround(f.y.toValue(at.y())));
    const bool isInside =
        f.area.contains(at) && w >= 1 && w <= kStaircaseBits && a >= 1 && a <= kStaircaseBits;
    return isInside ? (w - 1) * kStaircaseBits + a - 1 : -1;
}

void StaircasePlot::paintCurrent(int mark, Canvas& canvas) const
{
    canvas.rect(cell(mark, canvas.frame()), {}, solidPen(canvas.colors().text, 2.0));
}

/// One series per row of the grid, from few input bits to many.
std::vector<std::vector<int>> StaircasePlot::series() const
{
    std::vector<std::vector<int>> rows(kStaircaseBits);
    for (int a = kStaircaseBits; a >= 1; --a) {
        for (int w = 1; w <= kStaircaseBits; ++w) {
            rows[static_cast<std::size_t>(kStaircaseBits - a)].push_back((w - 1) * kStaircaseBits +
                                                                         a - 1);
        }
    }
    return rows;
}

void StaircasePlot::markClicked(int mark, Qt::KeyboardModifiers /*modifiers*/)
{
    if (costAt(mark) > 0.0) {
        Q_EMIT bitsRequested(weightBitsOf(mark), inputBitsOf(mark));
    }
}

QString StaircasePlot::markHtml(int mark) const
{
    QString text = QStringLiteral("<b>w%1 a%2</b>").arg(weightBitsOf(mark)).arg(inputBitsOf(mark));
    if (!(costAt(mark) > 0.0)) {
        return text + QStringLiteral("<br>") + tr("not possible");
    }
    if (lanesAt(mark) > 0) {
        text += QStringLiteral(" — ") + tr("mode ×%1").arg(lanesAt(mark));
    }
    const QString unit = QString::fromStdString(m_data.unit).toHtmlEscaped();
    text += QStringLiteral("<br>%1 %2").arg(shortNumber(locale(), costAt(mark), 6), unit);
    const int w = m_data.weightBits;
    const int a = m_data.inputBits;
    if (w >= 1 && w <= kStaircaseBits && a >= 1 && a <= kStaircaseBits) {
        const double now = costAt((w - 1) * kStaircaseBits + a - 1);
        if (now > 0.0) {
            text += QStringLiteral("<br>") +
                    tr("%1 % against now")
                        .arg(signedNumber(locale(), 100.0 * (costAt(mark) / now - 1.0), 1));
        }
    }
    return text;
}

PlotTable StaircasePlot::makeTable() const
{
    PlotTable table;
    table.rows = marks();
    table.columns = {
        {tr("w"), QStringLiteral("weight_bits"), 0,
         [](int i) { return QVariant(weightBitsOf(i)); }},
        {tr("a"), QStringLiteral("input_bits"), 0, [](int i) { return QVariant(inputBitsOf(i)); }},
        {tr("Lanes"), QStringLiteral("lanes"), 0, [this](int i) { return QVariant(lanesAt(i)); }},
        {m_data.unit.empty() ? tr("Cost")
                             : tr("Cost (%1)").arg(QString::fromStdString(m_data.unit)),
         QStringLiteral("cost"), -1,
         [this](int i) { return costAt(i) > 0.0 ? QVariant(costAt(i)) : QVariant(); }}};
    return table;
}

QString StaircasePlot::describe() const
{
    QString text = tr("Cost from %1 to %2 %3")
                       .arg(thousands(locale(), m_costs.low), thousands(locale(), m_costs.high),
                            QString::fromStdString(m_data.unit));
    if (m_data.weightBits > 0) {
        text += tr(", now w%1 a%2").arg(m_data.weightBits).arg(m_data.inputBits);
    }
    return text + u'.';
}

QString StaircasePlot::emptyText() const
{
    return tr("No layer selected. Select one to see where fewer bits pay.");
}

} // namespace bitscape::widgets
