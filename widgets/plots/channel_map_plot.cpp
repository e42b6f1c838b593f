// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/channel_map_plot.h"

#include "widgets/plots/numbers.h"

#include <QFontMetricsF>
#include <QImage>
#include <QPainter>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace bitscape::widgets {

namespace {

constexpr int kColors = 256;
constexpr double kScaleWidth = 13.0;
constexpr double kScaleGap = 12.0;
/// A count of one is told from none by this much of the color scale.
constexpr double kOneAt = 0.06;

} // namespace

ChannelMapPlot::ChannelMapPlot(QWidget* parent) : Plot(parent)
{
    setObjectName(QStringLiteral("channelMapPlot"));
    setAccessibleName(tr("Density per channel"));
    dataChanged();
}

void ChannelMapPlot::setData(const ChannelMapData& given)
{
    m_data = given;
    const auto wanted =
        static_cast<std::size_t>(std::max(0, m_data.channels)) * static_cast<std::size_t>(bins());
    m_data.counts.resize(wanted, 0.0);
    m_most = 0.0;
    for (double& c : m_data.counts) {
        c = std::isfinite(c) ? std::max(0.0, c) : 0.0;
        m_most = std::max(m_most, c);
    }
    std::erase_if(m_data.outliers, [this](int c) { return c < 0 || c >= m_data.channels; });
    m_selected = m_selected < marks() ? m_selected : -1;
    dataChanged();
}

void ChannelMapPlot::setLogCount(bool on)
{
    m_logCount = on;
    dataChanged();
}

void ChannelMapPlot::setOutliersMarked(bool on)
{
    m_outliersMarked = on;
    refresh();
}

void ChannelMapPlot::setSelectedChannel(int channel)
{
    m_selected = channel >= 0 && channel < marks() ? channel : -1;
    refresh();
}

int ChannelMapPlot::bins() const
{
    return std::max(0, static_cast<int>(m_data.edges.size()) - 1);
}

double ChannelMapPlot::count(int channel, int bin) const
{
    return m_data.counts[static_cast<std::size_t>(channel) * static_cast<std::size_t>(bins()) +
                         static_cast<std::size_t>(bin)];
}

ChannelMapPlot::Summary ChannelMapPlot::summary(int channel) const
{
    Summary s;
    for (int b = 0; b < bins(); ++b) {
        const double c = count(channel, b);
        if (c > 0.0) {
            s.low = s.total > 0.0 ? s.low : m_data.edges[static_cast<std::size_t>(b)];
            s.high = m_data.edges[static_cast<std::size_t>(b) + 1];
            s.total += c;
        }
    }
    return s;
}

double ChannelMapPlot::position(double c) const
{
    if (!(c > 0.0) || !(m_most > 0.0)) {
        return 0.0;
    }
    if (!m_logCount || m_most <= 1.0) {
        return c / m_most;
    }
    return kOneAt + (1.0 - kOneAt) * std::max(0.0, std::log(c)) / std::log(m_most);
}

PlotSpec ChannelMapPlot::spec() const
{
    PlotSpec s;
    s.title = m_data.title.empty() ? tr("Density per output channel")
                                   : QString::fromStdString(m_data.title);
    s.isEmpty = !(m_most > 0.0);
    s.x.label = tr("Output channel");
    s.x.data = {-0.5, std::max(0.5, m_data.channels - 0.5)};
    s.x.ends = AxisEnds::Exact;
    s.x.integers = true;
    s.x.grid = false;
    s.y.label =
        m_data.valueLabel.empty() ? tr("Weight value") : QString::fromStdString(m_data.valueLabel);
    s.y.data = bins() > 0 ? Range{m_data.edges.front(), m_data.edges.back()} : Range{-1.0, 1.0};
    s.y.ends = AxisEnds::Exact;
    s.y.grid = false;
    const QFontMetricsF metrics(plotFont(font(), TextSize::Tick));
    const double widest = std::max(metrics.horizontalAdvance(num(m_most, 0)),
                                   metrics.horizontalAdvance(tr("count")) - kScaleWidth);
    s.rightMargin = kScaleGap + kScaleWidth + 8.0 + widest;
    return s;
}

/// One color per pixel, so that zoom needs no clipping and thousands of channels no more time than
/// a few; a pixel that covers several channels shows the fullest.
QImage ChannelMapPlot::map(const Frame& f, double ratio) const
{
    const int width = std::max(1, static_cast<int>(std::lround(f.area.width() * ratio)));
    const int height = std::max(1, static_cast<int>(std::lround(f.area.height() * ratio)));
    std::array<QRgb, kColors> colorOf{};
    for (int i = 0; i < kColors; ++i) {
        colorOf[static_cast<std::size_t>(i)] =
            colors().sequentialAt(static_cast<double>(i) / (kColors - 1)).rgb();
    }
    std::vector<int> binOf(static_cast<std::size_t>(height), -1);
    for (int y = 0; y < height; ++y) {
        const double value = f.y.toValue(f.area.top() + (y + 0.5) / ratio);
        const auto edge = std::upper_bound(m_data.edges.begin(), m_data.edges.end(), value);
        const auto bin = static_cast<int>(edge - m_data.edges.begin()) - 1;
        binOf[static_cast<std::size_t>(y)] = bin < bins() ? bin : -1;
    }
    QImage image(width, height, QImage::Format_RGB32);
    std::vector<QRgb> columnColors(static_cast<std::size_t>(bins()));
    int lastFirst = -1;
    int lastEnd = -1;
    for (int x = 0; x < width; ++x) {
        const auto channelAt = [&](double pixel) {
            return static_cast<int>(std::floor(f.x.toValue(f.area.left() + pixel / ratio) + 0.5));
        };
        const int first = std::clamp(channelAt(x), 0, m_data.channels - 1);
        const int end = std::clamp(channelAt(x + 1.0 - 1e-6), first, m_data.channels - 1);
        if (first != lastFirst || end != lastEnd) {
            for (int b = 0; b < bins(); ++b) {
                double most = 0.0;
                for (int c = first; c <= end; ++c) {
                    most = std::max(most, count(c, b));
                }
                const auto at =
                    static_cast<std::size_t>(std::lround(position(most) * (kColors - 1)));
                columnColors[static_cast<std::size_t>(b)] =
                    colorOf[std::min(at, colorOf.size() - 1)];
            }
            lastFirst = first;
            lastEnd = end;
        }
        const bool isInside = channelAt(x + 0.5) >= 0 && channelAt(x + 0.5) < m_data.channels;
        for (int y = 0; y < height; ++y) {
            const int bin = binOf[static_cast<std::size_t>(y)];
            image.setPixel(x, y,
                           bin >= 0 && isInside ? columnColors[static_cast<std::size_t>(bin)]
                                                : colors().plotBackground.rgb());
        }
    }
    return image;
}

QRectF ChannelMapPlot::column(int channel, const Frame& f) const
{
    return {QPointF(f.x.toPixel(channel - 0.5), f.area.top() + 1.0),
            QPointF(f.x.toPixel(channel + 0.5), f.area.bottom() - 1.0)};
}

void ChannelMapPlot::paint(Stage stage, Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    switch (stage) {
    case Stage::Back:
        break;
    case Stage::Marks:
        canvas.painter().drawImage(
            f.area, map(f, std::max(1.0, canvas.painter().device()->devicePixelRatioF())));
        break;
    case Stage::Front:
        if (m_outliersMarked) {
            for (const int c : m_data.outliers) {
                canvas.rect(column(c, f), {}, solidPen(p[Series::Orange], 2.0));
            }
        }
        break;
    case Stage::Labels: {
        paintScale(canvas);
        double free = f.area.left();
        for (const int c : m_outliersMarked ? m_data.outliers : std::vector<int>{}) {
            const QRectF box = column(c, f);
            const QString text = tr("channel %1").arg(id(c));
            const TextStyle style{.color = p.text, .bold = true, .halo = true};
            const double width = canvas.textSize(text, style).width();
            const bool onLeft = box.right() + 6.0 + width > f.area.right();
            const double left = onLeft ? box.left() - 5.0 - width : box.right() + 5.0;
            if (left >= free && box.intersects(f.area)) {
                canvas.text({left, f.area.top() + 4.0}, Qt::AlignLeft | Qt::AlignTop, text, style);
                free = left + width + 6.0;
            }
        }
        break;
    }
    case Stage::Overlay:
        if (m_selected >= 0) {
            canvas.rect(column(m_selected, f), {}, solidPen(p.text, 1.6));
        }
        break;
    }
}

void ChannelMapPlot::paintScale(Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    const QRectF bar(f.area.right() + kScaleGap, f.area.top(), kScaleWidth, f.area.height());
    QImage strip(1, kColors, QImage::Format_RGB32);
    for (int i = 0; i < kColors; ++i) {
        strip.setPixel(0, i, p.sequentialAt(1.0 - static_cast<double>(i) / (kColors - 1)).rgb());
    }
    QPainter& painter = canvas.painter();
    painter.drawImage(bar, strip);
    painter.setPen(QPen(p.axis, 1.0));
    painter.setBrush(Qt::NoBrush);
    painter.drawRect(bar);
    canvas.text({bar.left(), bar.top() - 7.0}, Qt::AlignLeft | Qt::AlignBottom, tr("count"),
                {.color = p.text, .size = TextSize::Tick});
    const bool isLog = m_logCount && m_most > 1.0;
    const Range range{isLog ? 1.0 : 0.0, m_most};
    const int wanted =
        std::clamp(static_cast<int>(bar.height() / (2.2 * canvas.lineHeight())), 2, 6);
    Ticks ticks = isLog ? logTicks(locale(), range, {.wanted = wanted})
                        : linearTicks(locale(), range, {.wanted = wanted});
    for (std::size_t i = 0; i < ticks.major.size(); ++i) {
        const double share = position(ticks.major[i]);
        canvas.text({bar.right() + 5.0, bar.bottom() - share * bar.height()},
                    Qt::AlignLeft | Qt::AlignVCenter, ticks.labels[i],
                    {.color = p.text, .size = TextSize::Tick});
    }
}

int ChannelMapPlot::marks() const
{
    return m_data.channels;
}

QPointF ChannelMapPlot::markPoint(int mark, const Frame& f) const
{
    const Summary s = summary(mark);
    return {f.x.toPixel(mark), s.total > 0.0 ? f.y.toPixel((s.low + s.high) / 2)
                                             : std::numeric_limits<double>::quiet_NaN()};
}

int ChannelMapPlot::findMark(const QPointF& at, const Frame& f) const
{
    const int channel = static_cast<int>(std::lround(f.x.toValue(at.x())));
    return f.area.contains(at) && channel >= 0 && channel < marks() ? channel : -1;
}

void ChannelMapPlot::paintCurrent(int mark, Canvas& canvas) const
{
    canvas.rect(column(mark, canvas.frame()), {}, solidPen(canvas.colors().text, 1.2));
}

void ChannelMapPlot::markClicked(int mark, Qt::KeyboardModifiers /*modifiers*/)
{
    setSelectedChannel(mark);
    Q_EMIT channelClicked(mark);
}

QString ChannelMapPlot::markHtml(int mark) const
{
    const Summary s = summary(mark);
    return QStringLiteral("<b>%1</b><br>%2<br>%3")
        .arg(tr("Channel %1").arg(id(mark)), tr("%1 values").arg(num(s.total, 0)),
             tr("%1 … %2").arg(shortNumber(locale(), s.low), shortNumber(locale(), s.high)));
}

PlotTable ChannelMapPlot::makeTable() const
{
    PlotTable table;
    table.rows = marks();
    table.columns = {
        {tr("Channel"), QStringLiteral("channel"), 0, [](int row) { return QVariant(row); }},
        {tr("Values"), QStringLiteral("values"), 0,
         [this](int row) { return QVariant(summary(row).total); }},
        {tr("Lowest bin from"), QStringLiteral("low"), -1,
         [this](int row) { return QVariant(summary(row).low); }},
        {tr("Highest bin to"), QStringLiteral("high"), -1,
         [this](int row) { return QVariant(summary(row).high); }},
        {tr("Outlier"), QStringLiteral("outlier"), -1, [this](int row) {
             return QVariant(std::find(m_data.outliers.begin(), m_data.outliers.end(), row) !=
                             m_data.outliers.end());
         }}};
    for (int b = 0; b < bins(); ++b) {
        const auto at = static_cast<std::size_t>(b);
        table.columns.push_back({tr("%1 … %2").arg(shortNumber(locale(), m_data.edges[at], 3),
                                                   shortNumber(locale(), m_data.edges[at + 1], 3)),
                                 QStringLiteral("count_from_%1").arg(m_data.edges[at], 0, 'g', 6),
                                 0, [this, b](int row) { return QVariant(count(row, b)); }});
    }
    return table;
}

QString ChannelMapPlot::describe() const
{
    return tr("%1 channels, %2 bins, %3 outlier channels.")
        .arg(num(marks(), 0), num(bins(), 0), num(static_cast<double>(m_data.outliers.size()), 0));
}

QString ChannelMapPlot::emptyText() const
{
    return tr("No channels yet. Select a layer with weights.");
}

} // namespace bitscape::widgets
