// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/training_plot.h"

#include <algorithm>
#include <cmath>

namespace bitscape::widgets {

namespace {

constexpr double kLeastMarkDistance = 7.0; ///< px; closer marks would hide the line

} // namespace

TrainingPlot::TrainingPlot(QWidget* parent) : Plot(parent)
{
    setObjectName(QStringLiteral("trainingPlot"));
    setAccessibleName(tr("Loss and accuracy against epoch"));
    dataChanged();
}

void TrainingPlot::setData(const TrainingData& given)
{
    m_data = given;
    m_hasMetric = false;
    m_hasLoss = false;
    for (int i = 0; i < marks(); ++i) {
        m_hasMetric = m_hasMetric || std::isfinite(point(i).metricPercent);
        m_hasLoss = m_hasLoss || std::isfinite(point(i).loss);
    }
    dataChanged();
}

void TrainingPlot::setHeading(const QString& heading)
{
    m_heading = heading;
    dataChanged();
}

bool TrainingPlot::isValidation(int mark) const
{
    return mark < static_cast<int>(m_data.validation.size());
}

const TrainingPoint& TrainingPlot::point(int mark) const
{
    const auto i = static_cast<std::size_t>(mark);
    return isValidation(mark) ? m_data.validation[i] : m_data.batches[i - m_data.validation.size()];
}

int TrainingPlot::marks() const
{
    return static_cast<int>(m_data.validation.size() + m_data.batches.size());
}

PlotSpec TrainingPlot::spec() const
{
    const Palette& p = colors();
    PlotSpec s;
    s.title = m_heading.isEmpty() ? tr("Training") : m_heading;
    s.isEmpty = !m_hasMetric && !m_hasLoss;
    RangeFinder metric;
    RangeFinder loss;
    double last = std::max(1, m_data.epochs);
    for (int i = 0; i < marks(); ++i) {
        metric.add(point(i).metricPercent);
        loss.add(point(i).loss);
        last = std::max(last, point(i).epoch);
    }
    metric.add(m_data.floatMetricPercent.value_or(std::numeric_limits<double>::quiet_NaN()));
    s.x.label = tr("Epoch");
    s.x.data = {0.0, last};
    s.x.ends = AxisEnds::Exact;
    s.x.integers = true;
    AxisSpec lossAxis;
    lossAxis.label = tr("Loss");
    lossAxis.data = loss.range().value_or(Range{0.0, 1.0});
    lossAxis.ends = lossAxis.data.low >= 0.0 ? AxisEnds::Zero : AxisEnds::Nice;
    lossAxis.canBeLog = lossAxis.data.low > 0.0;
    if (m_hasMetric) {
        s.y.label = tr("Accuracy (%)");
        s.y.data = metric.range().value_or(Range{0.0, 100.0});
        if (m_hasLoss) {
            s.right = lossAxis;
        }
    } else {
        s.y = lossAxis;
    }
    const QPen batchPen = solidPen(p[Series::Sky], 1.4);
    const QPen validationPen = solidPen(p[Series::Blue], 2.2);
    const MarkerStyle mark{.radius = 3.6, .fill = p[Series::Blue]};
    if (m_hasMetric) {
        s.legend.push_back({tr("training batch"), LegendEntry::Kind::Line, {}, batchPen});
        s.legend.push_back(
            {tr("validation"), LegendEntry::Kind::LineWithMark, mark, validationPen});
    }
    if (m_hasLoss) {
        s.legend.push_back({tr("loss, batch"),
                            LegendEntry::Kind::Line,
                            {},
                            dashedPen(p[Series::Orange], 1.1, {4, 2})});
        s.legend.push_back({tr("loss, validation"),
                            LegendEntry::Kind::LineWithMark,
                            {.shape = Marker::Square, .radius = 3.0, .fill = p[Series::Orange]},
                            dashedPen(p[Series::Orange], 2.0, {6, 3})});
    }
    return s;
}

QPolygonF TrainingPlot::metricLine(const std::vector<TrainingPoint>& points, const Frame& f) const
{
    QPolygonF line;
    for (const TrainingPoint& t : points) {
        line << f.at(t.epoch, t.metricPercent);
    }
    return line;
}

QPolygonF TrainingPlot::lossLine(const std::vector<TrainingPoint>& points, const Frame& f) const
{
    const AxisMap& axis = m_hasMetric ? f.right : f.y;
    QPolygonF line;
    for (const TrainingPoint& t : points) {
        line << QPointF(f.x.toPixel(t.epoch), axis.toPixel(t.loss));
    }
    return line;
}

bool TrainingPlot::hasData(const QRectF& box, const Frame& f) const
{
    return (m_hasMetric && (crosses(metricLine(m_data.batches, f), box) ||
                            crosses(metricLine(m_data.validation, f), box))) ||
           (m_hasLoss && (crosses(lossLine(m_data.batches, f), box) ||
                          crosses(lossLine(m_data.validation, f), box)));
}

void TrainingPlot::paint(Stage stage, Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    const auto withMarks = [&](const QPolygonF& line, const MarkerStyle& style) {
        const double room =
            f.area.width() / std::max<double>(1.0, static_cast<double>(line.size()));
        if (room < kLeastMarkDistance && line.size() > 1) {
            return;
        }
        for (const QPointF& at : line) {
            canvas.mark(at, style);
        }
    };
    switch (stage) {
    case Stage::Back:
        if (m_data.floatMetricPercent && m_hasMetric) {
            canvas.horizontal(f.y.toPixel(*m_data.floatMetricPercent),
                              dashedPen(p.axis, 1.2, {2, 3}));
        }
        if (m_data.isRunning && marks() > 0) {
            double now = 0.0;
            for (int i = 0; i < marks(); ++i) {
                now = std::max(now, point(i).epoch);
            }
            canvas.vertical(f.x.toPixel(now), dashedPen(p.axis, 1.2, {2, 3}));
        }
        break;
    case Stage::Marks:
        if (m_hasLoss) {
            canvas.line(lossLine(m_data.batches, f), dashedPen(p[Series::Orange], 1.1, {4, 2}));
        }
        if (m_hasMetric) {
            canvas.line(metricLine(m_data.batches, f), solidPen(p[Series::Sky], 1.4));
        }
        break;
    case Stage::Front:
        if (m_hasLoss) {
            const QPolygonF line = lossLine(m_data.validation, f);
            canvas.line(line, dashedPen(p[Series::Orange], 2.0, {6, 3}));
            withMarks(line, {.shape = Marker::Square, .radius = 3.0, .fill = p[Series::Orange]});
        }
        if (m_hasMetric) {
            const QPolygonF line = metricLine(m_data.validation, f);
            canvas.line(line, solidPen(p[Series::Blue], 2.2));
            withMarks(line, {.radius = 3.6, .fill = p[Series::Blue]});
        }
        break;
    case Stage::Labels:
        if (m_data.floatMetricPercent && m_hasMetric) {
            canvas.text({f.area.left() + 6.0, f.y.toPixel(*m_data.floatMetricPercent) - 1.0},
                        Qt::AlignLeft | Qt::AlignBottom,
                        tr("float %1 %").arg(num(*m_data.floatMetricPercent, 2)),
                        {.color = p.secondText, .halo = true});
        }
        break;
    case Stage::Overlay:
        if (m_data.bestEpoch) {
            for (int i = 0; i < static_cast<int>(m_data.validation.size()); ++i) {
                if (static_cast<int>(std::lround(point(i).epoch)) == *m_data.bestEpoch) {
                    canvas.mark(
                        markPoint(i, f),
                        {.radius = 7.0, .fill = {}, .outline = solidPen(p[Series::Green], 2.0)});
                }
            }
        }
        break;
    }
}

QPointF TrainingPlot::markPoint(int mark, const Frame& f) const
{
    const TrainingPoint& t = point(mark);
    return m_hasMetric ? f.at(t.epoch, t.metricPercent) : f.at(t.epoch, t.loss);
}

QString TrainingPlot::markHtml(int mark) const
{
    const TrainingPoint& t = point(mark);
    QString text = isValidation(mark) ? tr("<b>Epoch %1, validation</b>").arg(num(t.epoch, 0))
                                      : tr("<b>Epoch %1, training batch</b>").arg(num(t.epoch, 2));
    if (m_data.bestEpoch && isValidation(mark) &&
        static_cast<int>(std::lround(t.epoch)) == *m_data.bestEpoch) {
        text += QStringLiteral(" — ") + tr("best so far");
    }
    if (std::isfinite(t.metricPercent)) {
        text += QStringLiteral("<br>") + tr("accuracy %1 %").arg(num(t.metricPercent, 2));
    }
    if (std::isfinite(t.loss)) {
        text += QStringLiteral("<br>") + tr("loss %1").arg(num(t.loss, 4));
    }
    return text;
}

std::vector<std::vector<int>> TrainingPlot::series() const
{
    std::vector<int> validation;
    std::vector<int> batches;
    for (int i = 0; i < marks(); ++i) {
        (isValidation(i) ? validation : batches).push_back(i);
    }
    return {validation, batches};
}

void TrainingPlot::markClicked(int mark, Qt::KeyboardModifiers /*modifiers*/)
{
    if (isValidation(mark)) {
        Q_EMIT epochClicked(static_cast<int>(std::lround(point(mark).epoch)));
    }
}

PlotTable TrainingPlot::makeTable() const
{
    PlotTable table;
    table.rows = marks();
    table.columns = {{tr("Part"), QStringLiteral("part"), -1,
                      [this](int row) {
                          return QVariant(isValidation(row) ? tr("validation")
                                                            : tr("training batch"));
                      },
                      [this](int row) {
                          return QVariant(isValidation(row) ? QStringLiteral("validation")
                                                            : QStringLiteral("batch"));
                      }},
                     {tr("Epoch"), QStringLiteral("epoch"), 2,
                      [this](int row) { return QVariant(point(row).epoch); }},
                     {tr("Accuracy (%)"), QStringLiteral("accuracy_percent"), 2,
                      [this](int row) { return QVariant(point(row).metricPercent); }},
                     {tr("Loss"), QStringLiteral("loss"), 4,
                      [this](int row) { return QVariant(point(row).loss); }}};
    return table;
}

QString TrainingPlot::describe() const
{
    if (m_data.validation.empty()) {
        return tr("Training has begun; no epoch is finished yet.");
    }
    const TrainingPoint& last = m_data.validation.back();
    if (!std::isfinite(last.metricPercent)) {
        return tr("Epoch %1 of %2, validation loss %3.")
            .arg(num(last.epoch, 0), num(m_data.epochs, 0), num(last.loss, 4));
    }
    return tr("Epoch %1 of %2, validation accuracy %3 %.")
        .arg(num(last.epoch, 0), num(m_data.epochs, 0), num(last.metricPercent, 2));
}

QString TrainingPlot::emptyText() const
{
    return tr("No training yet. Loss and accuracy are drawn here while it runs.");
}

} // namespace bitscape::widgets
