// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/channel_scale_plot.h"

#include "widgets/plots/numbers.h"

#include <algorithm>
#include <cmath>

namespace bitscape::widgets {

namespace {

constexpr double kBarShare = 0.72; ///< of the room of a channel
constexpr double kLeastBar = 1.0;  ///< px

} // namespace

ChannelScalePlot::ChannelScalePlot(QWidget* parent) : Plot(parent)
{
    setObjectName(QStringLiteral("channelScalePlot"));
    setAccessibleName(tr("Scale per channel"));
    dataChanged();
}

void ChannelScalePlot::setData(const ChannelScaleData& given)
{
    m_data = given;
    std::vector<double> sorted;
    std::copy_if(m_data.scales.begin(), m_data.scales.end(), std::back_inserter(sorted),
                 [](double v) { return std::isfinite(v); });
    std::sort(sorted.begin(), sorted.end());
    m_median = sorted.empty() ? 0.0 : quantileOfSorted(sorted, 0.5);
    m_selected = m_selected < marks() ? m_selected : -1;
    dataChanged();
}

void ChannelScalePlot::setSelectedChannel(int channel)
{
    m_selected = channel >= 0 && channel < marks() ? channel : -1;
    refresh(Stage::Overlay);
}

bool ChannelScalePlot::isOutlier(int channel) const
{
    return m_median > 0.0 &&
           m_data.scales[static_cast<std::size_t>(channel)] > m_data.outlierFactor * m_median;
}

std::vector<int> ChannelScalePlot::outliers() const
{
    std::vector<int> found;
    for (int c = 0; c < marks(); ++c) {
        if (isOutlier(c)) {
            found.push_back(c);
        }
    }
    return found;
}

PlotSpec ChannelScalePlot::spec() const
{
    PlotSpec s;
    s.title = m_data.title.empty() ? tr("Scale per output channel")
                                   : QString::fromStdString(m_data.title);
    const auto scales = rangeOf(m_data.scales);
    s.isEmpty = !scales;
    s.x.label = tr("Output channel");
    s.x.data = {-0.5, std::max(0.5, static_cast<double>(marks()) - 0.5)};
    s.x.ends = AxisEnds::Exact;
    s.x.integers = true;
    s.x.grid = false;
    s.y.label = tr("Scale");
    s.y.data = scales.value_or(Range{0.0, 1.0});
    s.y.canBeLog = s.y.data.low > 0.0;
    s.y.isLog = wantsLog(s.y.data);
    s.y.ends = AxisEnds::Zero;
    return s;
}

QRectF ChannelScalePlot::bar(int channel, const Frame& f) const
{
    const double room = f.x.toPixel(1.0) - f.x.toPixel(0.0);
    const double width = std::max(kLeastBar, room * kBarShare);
    const double x = f.x.toPixel(channel);
    const double top = f.y.toPixel(m_data.scales[static_cast<std::size_t>(channel)]);
    return {QPointF(x - width / 2, std::min(top, f.area.bottom())),
            QPointF(x + width / 2, f.area.bottom())};
}

void ChannelScalePlot::paint(Stage stage, Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    switch (stage) {
    case Stage::Back:
        break;
    case Stage::Marks:
        for (int c = 0; c < marks(); ++c) {
            if (std::isfinite(m_data.scales[static_cast<std::size_t>(c)]) && !isOutlier(c)) {
                canvas.rect(bar(c, f), p[Series::Blue]);
            }
        }
        break;
    case Stage::Front:
        for (const int c : outliers()) {
            canvas.rect(bar(c, f), p.plotBackground);
            canvas.hatch(bar(c, f), Hatch::Clip);
            canvas.rect(bar(c, f), {}, solidPen(p[Series::Orange], 1.2));
        }
        canvas.horizontal(f.y.toPixel(m_median), dashedPen(p[Series::Green], 1.4, {5, 3}));
        break;
    case Stage::Labels: {
        const QRectF median = canvas.text({f.area.right() - 6.0, f.y.toPixel(m_median) - 1.0},
                                          Qt::AlignRight | Qt::AlignBottom,
                                          tr("median %1").arg(shortNumber(locale(), m_median, 3)),
                                          {.color = p[Series::Green], .halo = true});
        const std::vector<int> found = outliers();
        if (found.empty()) {
            break;
        }
        const int worst = *std::max_element(found.begin(), found.end(), [this](int a, int b) {
            return m_data.scales[static_cast<std::size_t>(a)] <
                   m_data.scales[static_cast<std::size_t>(b)];
        });
        QString text =
            tr("channel %1: %2 × median")
                .arg(id(worst), num(m_data.scales[static_cast<std::size_t>(worst)] / m_median, 1));
        if (found.size() > 1) {
            text += QStringLiteral(", ") +
                    tr("%1 more").arg(num(static_cast<double>(found.size() - 1), 0));
        }
        const TextStyle style{.color = p[Series::Orange], .halo = true};
        const QRectF b = bar(worst, f);
        const double width = canvas.textSize(text, style).width();
        const bool onLeft = b.right() + 8.0 + width > f.area.right();
        double y = std::max(b.top(), f.area.top() + 2.0);
        if (QRectF(b.right() + 8.0, y, width, canvas.lineHeight()).intersects(median)) {
            y = median.top() - canvas.lineHeight();
        }
        canvas.text({onLeft ? b.left() - 6.0 : b.right() + 6.0, y},
                    (onLeft ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignTop, text, style);
        break;
    }
    case Stage::Overlay:
        if (m_selected >= 0) {
            canvas.rect(bar(m_selected, f).adjusted(-2, -2, 2, 0), {},
                        solidPen(p[Series::Orange], 2.0));
        }
        break;
    }
}

int ChannelScalePlot::marks() const
{
    return static_cast<int>(m_data.scales.size());
}

QPointF ChannelScalePlot::markPoint(int mark, const Frame& f) const
{
    return f.at(mark, m_data.scales[static_cast<std::size_t>(mark)]);
}

int ChannelScalePlot::findMark(const QPointF& at, const Frame& f) const
{
    const int channel = static_cast<int>(std::lround(f.x.toValue(at.x())));
    return f.area.contains(at) && channel >= 0 && channel < marks() ? channel : -1;
}

void ChannelScalePlot::paintCurrent(int mark, Canvas& canvas) const
{
    canvas.rect(bar(mark, canvas.frame()).adjusted(-1, -1, 1, 0),
                withAlpha(canvas.colors().text, 0.15), solidPen(canvas.colors().text, 1.0));
}

void ChannelScalePlot::markClicked(int mark, Qt::KeyboardModifiers /*modifiers*/)
{
    setSelectedChannel(mark);
    Q_EMIT channelClicked(mark);
}

QString ChannelScalePlot::markHtml(int mark) const
{
    const double scale = m_data.scales[static_cast<std::size_t>(mark)];
    QString text = tr("<b>Channel %1</b>").arg(id(mark));
    text += QStringLiteral("<br>") + tr("scale %1").arg(shortNumber(locale(), scale));
    if (m_median > 0.0 && std::isfinite(scale)) {
        text += QStringLiteral("<br>") + tr("%1 × median").arg(num(scale / m_median, 2));
    }
    return text;
}

PlotTable ChannelScalePlot::makeTable() const
{
    PlotTable table;
    table.rows = marks();
    table.columns = {
        {tr("Channel"), QStringLiteral("channel"), 0, [](int row) { return QVariant(row); }},
        {tr("Scale"), QStringLiteral("scale"), -1,
         [this](int row) { return QVariant(m_data.scales[static_cast<std::size_t>(row)]); }},
        {tr("× median"), QStringLiteral("times_median"), 2,
         [this](int row) {
             return m_median > 0.0
                        ? QVariant(m_data.scales[static_cast<std::size_t>(row)] / m_median)
                        : QVariant();
         }},
        {tr("Outlier"), QStringLiteral("outlier"), -1,
         [this](int row) { return QVariant(isOutlier(row)); }}};
    return table;
}

QString ChannelScalePlot::describe() const
{
    return tr("%1 channels, median scale %2, %3 outliers.")
        .arg(num(marks(), 0), shortNumber(locale(), m_median),
             num(static_cast<double>(outliers().size()), 0));
}

QString ChannelScalePlot::emptyText() const
{
    return tr("No scales yet. Select a layer whose weights have scales.");
}

} // namespace bitscape::widgets
