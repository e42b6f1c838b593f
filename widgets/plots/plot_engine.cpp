// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/plot_engine.h"

#include "widgets/plots/numbers.h"

#include <QFontMetricsF>
#include <QSharedPointer>
#include <qcustomplot.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace bitscape::widgets {

namespace {

constexpr int kTickLength = 5;
constexpr int kMinorTickLength = 3;
constexpr std::array<Stage, 5> kStages{Stage::Back, Stage::Marks, Stage::Front, Stage::Labels,
                                       Stage::Overlay};

/// QCustomPlot's log ticker takes numbers apart by the letter "e", which the locales of German and
/// Italian write as "E"; and no ticker of it knows a real minus sign. So ticks are made here.
class Ticker final : public QCPAxisTicker {
public:
    TickOptions options;
    bool logarithmic = false;
    bool horizontal = true;
    double pixels = 300.0;
    QFont font;
    QLocale locale;

    void generate(const QCPRange& range, const QLocale& /*axisLocale*/, QChar /*format*/,
                  int /*precision*/, QVector<double>& ticks, QVector<double>* subTicks,
                  QVector<QString>* tickLabels) override
    {
        const Ticks made = fitting({range.lower, range.upper});
        ticks = QVector<double>(made.major.begin(), made.major.end());
        if (subTicks != nullptr) {
            *subTicks = QVector<double>(made.minor.begin(), made.minor.end());
        }
        if (tickLabels != nullptr) {
            *tickLabels = QVector<QString>(made.labels.begin(), made.labels.end());
        }
    }

private:
    [[nodiscard]] Ticks make(const Range& range, int wanted) const
    {
        TickOptions o = options;
        o.wanted = wanted;
        return logarithmic ? logTicks(locale, range, o) : linearTicks(locale, range, o);
    }

    /// As many ticks as there is room for their labels.
    [[nodiscard]] Ticks fitting(const Range& range) const
    {
        const QFontMetricsF metrics(font);
        int wanted =
            std::max(2, static_cast<int>(pixels / (horizontal ? 55.0 : 2.2 * metrics.height())));
        wanted = std::min(wanted, 14);
        for (; wanted > 2; --wanted) {
            Ticks ticks = make(range, wanted);
            double room = 0.0;
            for (const QString& label : ticks.labels) {
                room +=
                    horizontal ? metrics.horizontalAdvance(label) + 14.0 : 1.3 * metrics.height();
            }
            if (room <= pixels) {
                return ticks;
            }
        }
        return make(range, 2);
    }
};

QCPRange toQcp(const Range& r)
{
    return {r.low, r.high};
}

} // namespace

struct PlotEngine::Parts {
    QCustomPlot* plot = nullptr;
    Painter paint;
    std::array<QCPLayer*, kStages.size()> layers{};
    std::array<QSharedPointer<Ticker>, 3> tickers;
    bool hasRight = false;
    QSize outside{80, 80}; ///< of the last layout: what is not inside of the axes

    [[nodiscard]] QCPAxis* axis(Axis a) const
    {
        QCPAxisRect* rect = plot->axisRect();
        return rect->axis(a == Axis::X   ? QCPAxis::atBottom
                          : a == Axis::Y ? QCPAxis::atLeft
                                         : QCPAxis::atRight);
    }
    [[nodiscard]] Ticker& ticker(Axis a) const { return *tickers[static_cast<std::size_t>(a)]; }

    /// Ticks are chosen before the layout is known; the margins of the last one are near enough.
    void giveTickersRoom(const QSize& size) const
    {
        const QSize area = size - outside;
        ticker(Axis::X).pixels = std::max(50, area.width());
        ticker(Axis::Y).pixels = std::max(40, area.height());
        ticker(Axis::Right).pixels = ticker(Axis::Y).pixels;
    }
};

namespace {

/// One stage as a part of the plot, on the layer of the same name.
class StagePart final : public QCPLayerable {
public:
    StagePart(QCustomPlot* plot, Stage stage, const PlotEngine::Painter& paint)
        : QCPLayerable(plot), m_stage(stage), m_paint(paint)
    {
    }

protected:
    [[nodiscard]] QRect clipRect() const override { return mParentPlot->viewport(); }
    void applyDefaultAntialiasingHint(QCPPainter* painter) const override
    {
        painter->setAntialiasing(true);
    }
    void draw(QCPPainter* painter) override
    {
        m_paint(m_stage, *painter, painter->modes().testFlag(QCPPainter::pmVectorized));
    }

private:
    Stage m_stage;
    const PlotEngine::Painter& m_paint;
};

QString layerName(Stage stage)
{
    switch (stage) {
    case Stage::Back:
        return QStringLiteral("stage.back");
    case Stage::Marks:
        return QStringLiteral("stage.marks");
    case Stage::Front:
        return QStringLiteral("stage.front");
    case Stage::Labels:
        return QStringLiteral("stage.labels");
    case Stage::Overlay:
        return QStringLiteral("stage.overlay");
    }
    return {};
}

} // namespace

PlotEngine::PlotEngine(QWidget* host, Painter paint, LaidOut laidOut) : m(std::make_unique<Parts>())
{
    m->plot = new QCustomPlot(host);
    m->paint = std::move(paint);
    QCustomPlot* plot = m->plot;
    plot->setAttribute(Qt::WA_TransparentForMouseEvents);
    plot->setFocusPolicy(Qt::NoFocus);
    plot->setMouseTracking(false);
    plot->setPlottingHint(QCP::phFastPolylines, false);
    plot->setPlottingHint(QCP::phImmediateRefresh, false);

    // Order: background, back, grid, marks, front, axes, labels, overlay.
    const std::array<std::pair<Stage, const char*>, kStages.size()> below{{
        {Stage::Back, "background"},
        {Stage::Marks, "grid"},
        {Stage::Front, "stage.marks"},
        {Stage::Labels, "legend"},
        {Stage::Overlay, "stage.labels"},
    }};
    for (const auto& [stage, under] : below) {
        plot->addLayer(layerName(stage), plot->layer(QString::fromLatin1(under)));
        QCPLayer* layer = plot->layer(layerName(stage));
        layer->setMode(stage == Stage::Back || stage == Stage::Labels ? QCPLayer::lmLogical
                                                                      : QCPLayer::lmBuffered);
        m->layers[static_cast<std::size_t>(stage)] = layer;
        auto* part = new StagePart(plot, stage, m->paint);
        part->setLayer(layer);
    }

    plot->axisRect()->setupFullAxesBox(false);
    plot->axisRect()->setBackground(Qt::NoBrush);
    for (const Axis a : {Axis::X, Axis::Y, Axis::Right}) {
        auto& ticker = m->tickers[static_cast<std::size_t>(a)];
        ticker.reset(new Ticker);
        ticker->horizontal = a == Axis::X;
        QCPAxis* axis = m->axis(a);
        axis->setTicker(ticker);
        axis->setTickLength(kTickLength);
        axis->setSubTickLength(kMinorTickLength);
        axis->setTickLabelPadding(5);
        axis->setLabelPadding(a == Axis::X ? 3 : 4);
        axis->grid()->setZeroLinePen(Qt::NoPen);
    }
    QCPAxis* top = plot->axisRect()->axis(QCPAxis::atTop);
    top->setTicker(m->tickers[0]);
    top->setTickLength(kTickLength);
    top->setSubTicks(false);
    QObject::connect(plot, &QCustomPlot::beforeReplot, plot,
                     [this] { m->giveTickersRoom(m->plot->viewport().size()); });
    QObject::connect(plot, &QCustomPlot::afterLayout, plot, [this] {
        m->outside = m->plot->viewport().size() - m->plot->axisRect()->rect().size();
    });
    QObject::connect(plot, &QCustomPlot::afterLayout, plot, std::move(laidOut));
}

PlotEngine::~PlotEngine() = default;

QWidget* PlotEngine::view()
{
    return m->plot;
}

void PlotEngine::setLook(const Palette& colors, const QFont& base, const QLocale& locale)
{
    m->plot->setBackground(QBrush(colors.plotBackground));
    const QFont tickFont = plotFont(base, TextSize::Tick);
    QPen gridPen(colors.grid, 1.0);
    gridPen.setDashPattern({1, 3});
    QPen axisPen(colors.axis, 1.0);
    axisPen.setCapStyle(Qt::FlatCap);
    for (const auto type : {QCPAxis::atLeft, QCPAxis::atBottom, QCPAxis::atTop, QCPAxis::atRight}) {
        QCPAxis* axis = m->plot->axisRect()->axis(type);
        axis->setBasePen(axisPen);
        axis->setTickPen(axisPen);
        axis->setSubTickPen(axisPen);
        axis->setTickLabelColor(colors.text);
        axis->setLabelColor(colors.text);
        axis->setTickLabelFont(tickFont);
        axis->setLabelFont(plotFont(base, TextSize::Label));
        axis->grid()->setPen(gridPen);
    }
    for (const auto& ticker : m->tickers) {
        ticker->font = tickFont;
        ticker->locale = locale;
    }
}

void PlotEngine::setAxes(const PlotSpec& spec)
{
    m->hasRight = spec.right.has_value();
    const auto configure = [&](Axis a, const AxisSpec& s) {
        QCPAxis* axis = m->axis(a);
        Ticker& ticker = m->ticker(a);
        ticker.options.integers = s.integers;
        ticker.options.logBase = s.logBase;
        axis->setTicks(s.numbers);
        axis->setSubTicks(s.numbers && a != Axis::Right);
        axis->setTickLabels(s.numbers);
        axis->setLabel(s.label);
        axis->setRangeReversed(s.reversed);
        axis->grid()->setVisible(s.grid && s.numbers && a != Axis::Right);
    };
    configure(Axis::X, spec.x);
    configure(Axis::Y, spec.y);
    QCPAxis* right = m->axis(Axis::Right);
    QCPAxis* top = m->plot->axisRect()->axis(QCPAxis::atTop);
    top->setTicks(spec.x.numbers);
    top->setTickLabels(false);
    if (spec.right) {
        right->setTicker(m->tickers[static_cast<std::size_t>(Axis::Right)]);
        configure(Axis::Right, *spec.right);
    } else {
        right->setTicker(m->tickers[static_cast<std::size_t>(Axis::Y)]);
        right->setTicks(spec.y.numbers);
        right->setSubTicks(false);
        right->setTickLabels(false);
        right->setLabel({});
        right->setRangeReversed(spec.y.reversed);
        right->grid()->setVisible(false);
    }
}

void PlotEngine::setAxesVisible(bool on)
{
    for (QCPAxis* axis : m->plot->axisRect()->axes()) {
        axis->setVisible(on);
    }
}

void PlotEngine::setLog(Axis axis, bool on)
{
    const auto type = on ? QCPAxis::stLogarithmic : QCPAxis::stLinear;
    m->axis(axis)->setScaleType(type);
    m->ticker(axis).logarithmic = on;
    if (axis == Axis::X) {
        m->plot->axisRect()->axis(QCPAxis::atTop)->setScaleType(type);
    } else if (axis == Axis::Y && !m->hasRight) {
        m->axis(Axis::Right)->setScaleType(type);
    }
}

bool PlotEngine::isLog(Axis axis) const
{
    return m->axis(axis)->scaleType() == QCPAxis::stLogarithmic;
}

void PlotEngine::setRange(Axis axis, const Range& range)
{
    m->axis(axis)->setRange(toQcp(range));
    if (axis == Axis::X) {
        m->plot->axisRect()->axis(QCPAxis::atTop)->setRange(toQcp(range));
    } else if (axis == Axis::Y && !m->hasRight) {
        m->axis(Axis::Right)->setRange(toQcp(range));
    }
}

Range PlotEngine::range(Axis axis) const
{
    const QCPRange r = m->axis(axis)->range();
    return {r.lower, r.upper};
}

bool PlotEngine::setMargins(const QMargins& outer, const QMargins& least)
{
    if (m->plot->plotLayout()->margins() == outer &&
        m->plot->axisRect()->minimumMargins() == least) {
        return false;
    }
    m->plot->plotLayout()->setMargins(outer);
    m->plot->axisRect()->setMinimumMargins(least);
    return true;
}

Frame PlotEngine::frame() const
{
    const auto map = [this](Axis a) {
        const QCPAxis* axis = m->axis(a);
        const QCPRange r = axis->range();
        return AxisMap{.range = {r.lower, r.upper},
                       .pixelLow = axis->coordToPixel(r.lower),
                       .pixelHigh = axis->coordToPixel(r.upper),
                       .logarithmic = axis->scaleType() == QCPAxis::stLogarithmic};
    };
    Frame f;
    f.whole = m->plot->viewport();
    f.x = map(Axis::X);
    f.y = map(Axis::Y);
    f.right = map(Axis::Right);
    f.area = QRectF(QPointF(f.x.pixelLow, std::min(f.y.pixelLow, f.y.pixelHigh)),
                    QPointF(f.x.pixelHigh, std::max(f.y.pixelLow, f.y.pixelHigh)))
                 .normalized();
    return f;
}

void PlotEngine::replot()
{
    m->plot->replot(QCustomPlot::rpQueuedReplot);
}

void PlotEngine::replot(Stage stage)
{
    QCPLayer* layer = m->layers[static_cast<std::size_t>(stage)];
    if (layer->mode() == QCPLayer::lmBuffered) {
        layer->replot();
    } else {
        replot();
    }
}

void PlotEngine::replotNow()
{
    const double ratio = m->plot->devicePixelRatioF();
    if (!qFuzzyCompare(ratio, m->plot->bufferDevicePixelRatio())) {
        m->plot->setBufferDevicePixelRatio(ratio);
    }
    m->plot->replot(QCustomPlot::rpQueuedRefresh);
}

QImage PlotEngine::toImage(const QSize& size, double ratio)
{
    m->giveTickersRoom(size);
    QImage image(size * ratio, QImage::Format_ARGB32_Premultiplied);
    image.setDevicePixelRatio(ratio);
    QCPPainter painter(&image);
    painter.setMode(QCPPainter::pmNoCaching);
    m->plot->toPainter(&painter, size.width(), size.height());
    return image;
}

QPicture PlotEngine::toPicture(const QSize& size)
{
    m->giveTickersRoom(size);
    QPicture picture;
    QCPPainter painter(&picture);
    painter.setMode(QCPPainter::pmVectorized);
    painter.setMode(QCPPainter::pmNoCaching);
    m->plot->toPainter(&painter, size.width(), size.height());
    painter.end();
    return picture;
}

void PlotEngine::paintOn(QPaintDevice* device, const QSize& size, double scale)
{
    m->giveTickersRoom(size);
    QCPPainter painter(device);
    painter.setMode(QCPPainter::pmVectorized);
    painter.setMode(QCPPainter::pmNoCaching);
    painter.setMode(QCPPainter::pmNonCosmetic);
    painter.setRenderHint(QPainter::LosslessImageRendering);
    painter.scale(scale, scale);
    m->plot->toPainter(&painter, size.width(), size.height());
}

} // namespace bitscape::widgets
