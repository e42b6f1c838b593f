// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/plot.h"

#include "widgets/plots/numbers.h"
#include "widgets/plots/plot_engine.h"
#include "widgets/plots/plot_state.h"

#include <QEvent>
#include <QFontMetricsF>
#include <QPainter>
#include <QPushButton>
#include <QResizeEvent>
#include <QScrollBar>
#include <QTextDocumentFragment>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace bitscape::widgets {

namespace {

constexpr double kHitRadius = 8.0;
constexpr double kNicePad = 0.04;
constexpr double kSwatch = 22.0;
constexpr double kLegendPad = 7.0;

Range exactRange(const Range& r)
{
    if (r.size() > 0.0) {
        return r;
    }
    const double room = r.low == 0.0 ? 0.5 : std::abs(r.low) * 0.05;
    return {r.low - room, r.high + room};
}

Range rangeFor(const AxisSpec& axis, const Range& wanted, bool log)
{
    if (!std::isfinite(wanted.low) || !std::isfinite(wanted.high)) {
        return log ? Range{1.0, 10.0} : Range{0.0, 1.0};
    }
    if (axis.ends == AxisEnds::Exact) {
        return exactRange(wanted);
    }
    if (log) {
        return wanted.low > 0.0 ? niceLogRange(wanted) : Range{1.0, 10.0};
    }
    if (axis.ends == AxisEnds::Zero) {
        const double high = wanted.high > 0.0 ? wanted.high : 1.0;
        return {0.0, niceRange({0.0, high}, kNicePad).high};
    }
    return niceRange(wanted, kNicePad);
}

double titleHeight(const QFont& base)
{
    return QFontMetricsF(plotFont(base, TextSize::Title, true)).height() + 9.0;
}

} // namespace

Plot::Plot(QWidget* parent)
    : QWidget(parent), m_state(std::make_unique<State>()),
      m_engine(std::make_unique<PlotEngine>(
          this,
          [this](Stage stage, QPainter& painter, bool isVector) {
              paintStage(stage, painter, isVector);
          },
          [this] { layOut(); }))
{
    m_state->theme = currentTheme();
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setAutoFillBackground(false);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    m_state->scrollBar = new QScrollBar(Qt::Vertical, this);
    m_state->scrollBar->setFocusPolicy(Qt::NoFocus);
    m_state->scrollBar->hide();
    connect(m_state->scrollBar, &QScrollBar::valueChanged, this, [this](int value) {
        m_state->scroll = value / 100.0;
        refresh();
    });
    m_engine->view()->setGeometry(rect());
    applyLook();
}

Plot::~Plot() = default;

// --- look
// -----------------------------------------------------------------------------------------

void Plot::setTheme(Theme theme)
{
    if (m_state->theme == theme) {
        return;
    }
    m_state->theme = theme;
    applyLook();
    refresh();
}

Theme Plot::theme() const
{
    return m_state->theme;
}

const Palette& Plot::colors() const
{
    return widgets::palette(m_state->theme);
}

QString Plot::num(double value, int decimals) const
{
    return number(locale(), value, decimals);
}

void Plot::applyLook()
{
    m_engine->setLook(colors(), font(), locale());
}

void Plot::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    switch (event->type()) {
    case QEvent::PaletteChange: {
        const QColor window = QWidget::palette().color(QPalette::Window);
        setTheme(window.lightnessF() < 0.5F ? Theme::Dark : Theme::Light);
        break;
    }
    case QEvent::FontChange:
    case QEvent::LocaleChange:
    case QEvent::LanguageChange:
        applyLook();
        if (m_state->hasView) {
            dataChanged();
        }
        break;
    default:
        break;
    }
}

QString Plot::title() const
{
    return m_state->spec.title;
}

bool Plot::isEmpty() const
{
    return m_state->spec.isEmpty;
}

void Plot::setEmptyText(const QString& sentence)
{
    m_state->emptySentence = sentence;
    refresh();
}

void Plot::setEmptyAction(const QString& text)
{
    if (m_state->emptyButton == nullptr) {
        m_state->emptyButton = new QPushButton(this);
        m_state->emptyButton->setObjectName(QStringLiteral("plotEmptyButton"));
        connect(m_state->emptyButton, &QPushButton::clicked, this, &Plot::emptyActionRequested);
    }
    m_state->emptyButton->setText(text);
    m_state->emptyButton->setAccessibleName(text);
    updateEmptyButton();
}

void Plot::updateEmptyButton()
{
    QPushButton* button = m_state->emptyButton;
    if (button == nullptr) {
        return;
    }
    button->setVisible(isEmpty() && !button->text().isEmpty() && !isTableShown());
    button->resize(button->sizeHint());
    button->move((width() - button->width()) / 2,
                 height() / 2 + static_cast<int>(titleHeight(font())));
}

void Plot::setStale(const QString& sentence)
{
    m_state->staleSentence = sentence;
    refresh();
}

void Plot::setLegendVisible(bool on)
{
    m_state->legendVisible = on;
    m_state->legendFixed = false;
    refresh();
}

QSize Plot::sizeHint() const
{
    return {480, 300};
}

QSize Plot::minimumSizeHint() const
{
    return {200, 130};
}

// --- data and ranges
// ------------------------------------------------------------------------------

void Plot::dataChanged()
{
    takeSpec();
    if (m_state->current >= marks()) {
        m_state->current = -1;
    }
    m_state->series.clear();
    m_state->legendFixed = false;
    if (!m_state->userZoomed || !m_state->hasView) {
        applyRanges(true);
    }
    m_state->hasView = !m_state->spec.isEmpty;
    if (m_state->tableModel != nullptr) {
        m_state->tableModel->setTable(makeTable(), locale());
    }
    updateEmptyButton();
    refresh();
}

void Plot::takeSpec()
{
    const bool brushBefore = m_state->spec.canBrush;
    m_state->spec = spec();
    const PlotSpec& s = m_state->spec;
    if (s.canBrush != brushBefore) {
        setTool(s.canBrush ? PlotTool::Brush : PlotTool::Pan);
    }
    m_engine->setAxes(s);
    m_engine->setAxesVisible(!s.isEmpty);
    m_engine->setLog(Axis::X, isLogarithmic(Qt::Horizontal));
    m_engine->setLog(Axis::Y, isLogarithmic(Qt::Vertical));
    if (s.right) {
        m_engine->setLog(Axis::Right, s.right->isLog);
    }
}

void Plot::applyRanges(bool first)
{
    const PlotSpec& s = m_state->spec;
    const auto shown = [first](const AxisSpec& a) { return first && a.first ? *a.first : a.data; };
    m_engine->setRange(Axis::X, rangeFor(s.x, shown(s.x), isLogarithmic(Qt::Horizontal)));
    m_engine->setRange(Axis::Y, rangeFor(s.y, shown(s.y), isLogarithmic(Qt::Vertical)));
    if (s.right) {
        m_engine->setRange(Axis::Right, rangeFor(*s.right, shown(*s.right), s.right->isLog));
    }
}

bool Plot::canBeLogarithmic(Qt::Orientation axis) const
{
    return axis == Qt::Horizontal ? m_state->spec.x.canBeLog : m_state->spec.y.canBeLog;
}

bool Plot::isLogarithmic(Qt::Orientation axis) const
{
    const bool horizontal = axis == Qt::Horizontal;
    const AxisSpec& a = horizontal ? m_state->spec.x : m_state->spec.y;
    const auto& user = horizontal ? m_state->userLogX : m_state->userLogY;
    return a.canBeLog && user.value_or(a.isLog);
}

void Plot::setLogarithmic(Qt::Orientation axis, bool on)
{
    (axis == Qt::Horizontal ? m_state->userLogX : m_state->userLogY) = on;
    takeSpec();
    fit(axis);
}

Range Plot::range(Qt::Orientation axis) const
{
    return m_engine->range(axis == Qt::Horizontal ? Axis::X : Axis::Y);
}

Frame Plot::frame() const
{
    return m_engine->frame();
}

void Plot::refresh()
{
    updateDescription();
    m_engine->replot();
}

void Plot::refresh(Stage stage)
{
    if (stage == Stage::Overlay || stage == Stage::Front) {
        updateDescription();
    }
    m_engine->replot(stage);
}

void Plot::updateDescription()
{
    const QString empty = m_state->emptySentence.isEmpty() ? emptyText() : m_state->emptySentence;
    QString text = isEmpty() ? empty : describe();
    if (m_state->current >= 0 && m_state->currentByKey && m_state->current < marks()) {
        text += u' ' + QTextDocumentFragment::fromHtml(markHtml(m_state->current))
                           .toPlainText()
                           .replace(u'\n', QStringLiteral(", "));
    }
    if (text != accessibleDescription()) {
        setAccessibleDescription(text);
    }
}

// --- marks
// ----------------------------------------------------------------------------------------

int Plot::markCount() const
{
    return isEmpty() ? 0 : marks();
}

int Plot::markAt(const QPointF& position) const
{
    return isEmpty() ? -1 : findMark(position, frame());
}

QPointF Plot::markPosition(int mark) const
{
    return markPoint(mark, frame());
}

QString Plot::markText(int mark) const
{
    return mark >= 0 && mark < markCount() ? markHtml(mark) : QString();
}

int Plot::currentMark() const
{
    return m_state->current;
}

void Plot::setCurrentMark(int mark)
{
    const int valid = mark >= 0 && mark < markCount() ? mark : -1;
    if (valid == m_state->current) {
        return;
    }
    m_state->current = valid;
    refresh(Stage::Overlay);
    Q_EMIT currentMarkChanged(valid);
}

int Plot::findMark(const QPointF& at, const Frame& f) const
{
    int best = -1;
    double nearest = kHitRadius * kHitRadius;
    const int n = marks();
    for (int i = 0; i < n; ++i) {
        const QPointF d = markPoint(i, f) - at;
        const double distance = QPointF::dotProduct(d, d);
        if (distance < nearest) {
            nearest = distance;
            best = i;
        }
    }
    return best;
}

std::vector<std::vector<int>> Plot::series() const
{
    const Frame f = frame();
    const bool vertical = m_state->spec.isVertical;
    std::vector<std::pair<double, int>> order;
    for (int i = 0; i < marks(); ++i) {
        const QPointF p = markPoint(i, f);
        const double along = vertical ? p.y() : p.x();
        if (std::isfinite(along)) {
            order.emplace_back(along, i);
        }
    }
    std::stable_sort(order.begin(), order.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<int> sorted;
    sorted.reserve(order.size());
    for (const auto& [along, mark] : order) {
        sorted.push_back(mark);
    }
    return {sorted};
}

bool Plot::hasData(const QRectF& box, const Frame& f) const
{
    const int n = marks();
    for (int i = 0; i < n; ++i) {
        const QPointF at = markPoint(i, f);
        if (std::isfinite(at.x()) && std::isfinite(at.y()) && box.contains(at)) {
            return true;
        }
    }
    return false;
}

void Plot::paintCurrent(int mark, Canvas& canvas) const
{
    canvas.mark(markPoint(mark, canvas.frame()),
                {.radius = 6.5, .fill = {}, .outline = solidPen(canvas.colors().text, 1.4)});
}

void Plot::markClicked(int /*mark*/, Qt::KeyboardModifiers /*modifiers*/) {}
void Plot::markActivated(int /*mark*/) {}
void Plot::brushed(const Range& /*x*/, const Range& /*y*/, Qt::KeyboardModifiers /*modifiers*/,
                   bool /*done*/)
{
}
void Plot::clearBrush() {}
bool Plot::hasBrush() const
{
    return false;
}
void Plot::nudgeBrush(double /*dxPixels*/, double /*dyPixels*/) {}
void Plot::clearSelection() {}
bool Plot::beginDrag(const QPointF& /*at*/)
{
    return false;
}
void Plot::drag(const QPointF& /*at*/) {}
void Plot::endDrag() {}
Qt::CursorShape Plot::cursorAt(const QPointF& /*at*/) const
{
    return Qt::ArrowCursor;
}
bool Plot::handleKey(int /*key*/, Qt::KeyboardModifiers /*modifiers*/)
{
    return false;
}

PlotTable Plot::table() const
{
    return isEmpty() ? PlotTable{} : makeTable();
}

// --- layout
// ---------------------------------------------------------------------------------------

void Plot::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    m_state->legendFixed = false;
    m_engine->view()->setGeometry(rect());
    if (m_state->tableBox != nullptr) {
        m_state->tableBox->setGeometry(rect());
    }
    updateEmptyButton();
}

void Plot::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    m_engine->replotNow();
}

void Plot::layOut()
{
    const PlotSpec& s = m_state->spec;
    const QFont base = font();
    const QFontMetricsF note(plotFont(base, TextSize::Note));
    // Names beside the axes.
    double left = 0.0;
    for (const AxisName& n : s.y.names) {
        const QFontMetricsF metrics(plotFont(base, TextSize::Label, n.isStrong));
        left = std::max(left, metrics.horizontalAdvance(n.text) + 10.0);
    }
    left = std::min(left, frame().whole.width() * 0.35);
    double bottom = 0.0;
    if (!s.x.names.empty()) {
        for (const AxisName& n : s.x.names) {
            const QFontMetricsF metrics(plotFont(base, TextSize::Note, n.isStrong));
            bottom = std::max(bottom, metrics.horizontalAdvance(n.text) * 0.63 + 16.0);
        }
        bottom = std::min(bottom, frame().whole.height() * 0.4);
    }
    Frame f = frame();
    // Rows that do not fit scroll.
    double barWidth = 0.0;
    if (s.y.leastPixelsPerUnit > 0.0 && !s.isEmpty) {
        const double all = s.y.data.size();
        const double fits = f.area.height() / s.y.leastPixelsPerUnit;
        const bool scrolls = fits < all && !m_state->isExporting;
        const double shown = scrolls ? fits : all;
        m_state->scroll = std::clamp(m_state->scroll, 0.0, std::max(0.0, all - shown));
        const double first = s.y.data.low + m_state->scroll;
        m_engine->setRange(Axis::Y, {first, first + shown});
        barWidth = scrolls ? m_state->scrollBar->sizeHint().width() : 0.0;
        if (!m_state->isExporting) {
            updateScrollBar();
        }
        f = frame();
    }
    placeLegend();
    const bool below = m_state->legendSpot == State::LegendSpot::Below && !s.legend.empty() &&
                       m_state->legendVisible && !s.isEmpty;
    const QMargins outer(6, static_cast<int>(s.title.isEmpty() ? 8.0 : titleHeight(base)),
                         static_cast<int>(8.0 + barWidth),
                         static_cast<int>(6.0 + (below ? m_state->legendBox.height() + 2.0 : 0.0)));
    const QMargins least(static_cast<int>(std::ceil(left)), 0,
                         static_cast<int>(std::ceil(s.rightMargin)),
                         static_cast<int>(std::ceil(bottom)));
    if (m_engine->setMargins(outer, least) && !m_state->isExporting) {
        m_engine->replot();
    }
}

void Plot::updateScrollBar()
{
    QScrollBar* bar = m_state->scrollBar;
    const AxisSpec& y = m_state->spec.y;
    const Range shown = m_engine->range(Axis::Y);
    const double all = y.data.size();
    const bool needed = shown.size() < all * (1.0 - 1e-9) && !isTableShown();
    const QRectF area = frame().area;
    const QSignalBlocker quiet(bar);
    bar->setRange(0, static_cast<int>(std::ceil((all - shown.size()) * 100.0)));
    bar->setPageStep(static_cast<int>(shown.size() * 100.0));
    bar->setSingleStep(100);
    bar->setValue(static_cast<int>(std::lround(m_state->scroll * 100.0)));
    const int barWidth = bar->sizeHint().width();
    bar->setGeometry(width() - barWidth, static_cast<int>(area.top()), barWidth,
                     static_cast<int>(area.height()));
    bar->setVisible(needed);
}

namespace {

QSizeF entrySize(const LegendEntry& entry, const QFontMetricsF& metrics)
{
    return {kSwatch + 7.0 + metrics.horizontalAdvance(entry.text), metrics.height() + 2.0};
}

/// Positions of the entries of a legend that flows in centered lines of at most `width` px.
std::vector<QPointF> flow(const std::vector<LegendEntry>& entries, const QFontMetricsF& metrics,
                          double width, double& height)
{
    constexpr double kGap = 18.0;
    std::vector<QPointF> at(entries.size());
    std::size_t begin = 0;
    double x = 0.0;
    double y = 0.0;
    const double line = metrics.height() + 2.0;
    const auto center = [&](std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            at[i].rx() += std::max(0.0, (width - (x - kGap)) / 2);
        }
        begin = end;
    };
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const double w = entrySize(entries[i], metrics).width();
        if (x > 0.0 && x + w > width) {
            center(i);
            x = 0.0;
            y += line;
        }
        at[i] = {x, y};
        x += w + kGap;
    }
    center(entries.size());
    height = y + line;
    return at;
}

} // namespace

void Plot::placeLegend()
{
    const PlotSpec& s = m_state->spec;
    using Spot = State::LegendSpot;
    if (s.legend.empty() || s.isEmpty || !m_state->legendVisible) {
        m_state->legendBox = {};
        return;
    }
    const QFontMetricsF metrics(plotFont(font(), TextSize::Note));
    const Frame f = frame();
    if (s.legendPlace == LegendPlace::Inside && !m_state->legendFixed) {
        QSizeF size(0, 2 * kLegendPad - 2.0);
        for (const LegendEntry& entry : s.legend) {
            const QSizeF one = entrySize(entry, metrics);
            size = {std::max(size.width(), one.width() + 2 * kLegendPad),
                    size.height() + one.height()};
        }
        const QRectF room = f.area.adjusted(9, 9, -9, -9);
        const auto boxAt = [&](Spot spot) {
            QRectF box({}, size);
            const bool right = spot == Spot::TopRight || spot == Spot::BottomRight;
            const bool top = spot == Spot::TopRight || spot == Spot::TopLeft;
            box.moveLeft(right ? room.right() - size.width() : room.left());
            box.moveTop(top ? room.top() : room.bottom() - size.height());
            return box;
        };
        const bool fits = size.width() < room.width() * 0.7 && size.height() < room.height() * 0.8;
        // The corner it has is asked first, so that it does not wander while zooming.
        std::array<Spot, 5> order{m_state->legendSpot, Spot::TopRight, Spot::BottomRight,
                                  Spot::TopLeft, Spot::BottomLeft};
        for (const Spot spot : order) {
            if (!fits || spot == Spot::Below) {
                continue;
            }
            if (!hasData(boxAt(spot).adjusted(-3, -3, 3, 3), f)) {
                m_state->legendSpot = spot;
                m_state->legendBox = boxAt(spot);
                return;
            }
        }
        m_state->legendFixed = true;
    }
    m_state->legendSpot = Spot::Below;
    double height = 0.0;
    const double width = f.whole.width() - 16.0;
    flow(s.legend, metrics, width, height);
    m_state->legendBox = {f.whole.left() + 8.0, f.whole.bottom() - height - 4.0, width, height};
}

// --- painting
// -------------------------------------------------------------------------------------

void Plot::paintStage(Stage stage, QPainter& painter, bool isVector)
{
    if (m_state->isMeasuring) {
        return;
    }
    painter.save();
    Canvas canvas(painter, colors(), frame(), font(), locale(), isVector);
    if (isEmpty()) {
        if (stage == Stage::Labels) {
            paintEmpty(canvas);
        }
        painter.restore();
        return;
    }
    if (stage == Stage::Labels) {
        paintLabels(canvas);
    } else if (stage == Stage::Overlay && !m_state->isExporting) {
        if (m_state->current >= 0 && m_state->current < marks()) {
            paintCurrent(m_state->current, canvas);
        }
    }
    if (stage != Stage::Labels) {
        paint(stage, canvas);
    }
    if (stage == Stage::Overlay && !m_state->isExporting) {
        const Palette& p = canvas.colors();
        if (m_state->drag == State::Drag::Rubber && m_state->moved &&
            m_state->tool == PlotTool::Zoom) {
            canvas.rect(QRectF(m_state->pressAt, m_state->lastAt), withAlpha(p[Series::Blue], 0.08),
                        dashedPen(p[Series::Blue], 1.3, {4, 3}));
        }
        if (m_state->focusByKey && hasFocus()) {
            painter.setPen(QPen(p.highlight, 2.0));
            painter.setBrush(Qt::NoBrush);
            painter.drawRect(canvas.frame().whole.adjusted(1, 1, -1, -1));
        }
    }
    painter.restore();
}

void Plot::paintEmpty(Canvas& canvas) const
{
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    canvas.text({f.whole.center().x(), f.whole.top() + 6.0}, Qt::AlignHCenter | Qt::AlignTop,
                m_state->spec.title,
                {.color = p.secondText, .size = TextSize::Title, .bold = true});
    const QString sentence =
        m_state->emptySentence.isEmpty() ? emptyText() : m_state->emptySentence;
    QPainter& painter = canvas.painter();
    painter.setFont(canvas.font(TextSize::Label));
    painter.setPen(p.secondText);
    painter.drawText(f.whole.adjusted(16, 24, -16, -16), Qt::AlignCenter | Qt::TextWordWrap,
                     sentence);
}

void Plot::paintLabels(Canvas& canvas) const
{
    const PlotSpec& s = m_state->spec;
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    if (!m_state->staleSentence.isEmpty()) {
        canvas.rect(f.area, withAlpha(p.plotBackground, 0.6));
    }
    paintNames(canvas);
    paint(Stage::Labels, canvas);
    if (!s.title.isEmpty()) {
        const QFontMetricsF metrics(canvas.font(TextSize::Title, true));
        const double right = s.hasRightHeading ? f.area.right() : f.whole.right() - 4.0;
        const double room = right - f.whole.left() - 4.0;
        const bool isShort = metrics.horizontalAdvance(s.title) > room && !s.shortTitle.isEmpty();
        const QString text =
            metrics.elidedText(isShort ? s.shortTitle : s.title, Qt::ElideRight, room);
        const double half = metrics.horizontalAdvance(text) / 2;
        const double leftmost = f.whole.left() + half + 4.0;
        const double x =
            std::clamp(f.area.center().x(), leftmost, std::max(leftmost, right - half));
        canvas.text({x, f.area.top() - 7.0}, Qt::AlignHCenter | Qt::AlignBottom, text,
                    {.color = p.text, .size = TextSize::Title, .bold = true});
    }
    if (!s.isVertical) {
        int outside = 0;
        const QRectF near = f.area.adjusted(-1, -1, 1, 1);
        for (int i = 0; i < marks(); ++i) {
            const QPointF at = markPoint(i, f);
            outside += std::isfinite(at.x()) && std::isfinite(at.y()) && !near.contains(at) ? 1 : 0;
        }
        if (outside > 0) {
            const bool onRight = m_state->legendSpot == State::LegendSpot::BottomLeft;
            canvas.text(onRight ? f.area.bottomRight() - QPointF(7, 5)
                                : f.area.bottomLeft() + QPointF(7, -5),
                        (onRight ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignBottom,
                        tr("%1 outside of the view").arg(num(outside, 0)),
                        {.color = p.secondText, .size = TextSize::Tick, .halo = true});
        }
    }
    if (m_state->legendVisible) {
        paintLegend(canvas);
    }
    if (!m_state->staleSentence.isEmpty()) {
        const QRectF band(f.area.left(), f.area.top(), f.area.width(), canvas.lineHeight() + 8.0);
        canvas.rect(band, p.warning.background);
        canvas.text(band.center(), Qt::AlignCenter, m_state->staleSentence,
                    {.color = p.warning.text});
    }
}

void Plot::paintNames(Canvas& canvas) const
{
    const PlotSpec& s = m_state->spec;
    const Frame& f = canvas.frame();
    const Palette& p = canvas.colors();
    const double line = canvas.lineHeight();
    double free = -std::numeric_limits<double>::max();
    for (const AxisName& n : s.y.names) {
        const double y = f.y.toPixel(n.position);
        if (y < f.area.top() - 1.0 || y > f.area.bottom() + 1.0 || (y < free && !n.isStrong)) {
            continue;
        }
        free = y + line * 0.85;
        const QFontMetricsF metrics(canvas.font(TextSize::Label, n.isStrong));
        canvas.text({f.area.left() - 6.0, y}, Qt::AlignRight | Qt::AlignVCenter,
                    metrics.elidedText(n.text, Qt::ElideMiddle, f.area.left() - 10.0),
                    {.color = p.text, .size = TextSize::Label, .bold = n.isStrong});
    }
    free = -std::numeric_limits<double>::max();
    for (const AxisName& n : s.x.names) {
        const double x = f.x.toPixel(n.position);
        if (x < f.area.left() - 1.0 || x > f.area.right() + 1.0 || (x < free && !n.isStrong)) {
            continue;
        }
        free = x + 1.6 * line;
        canvas.text({x + 4.0, f.area.bottom() + 7.0}, Qt::AlignRight | Qt::AlignTop, n.text,
                    {.color = p.text, .bold = n.isStrong, .angle = -38.0});
    }
}

void Plot::paintLegend(Canvas& canvas) const
{
    const PlotSpec& s = m_state->spec;
    if (s.legend.empty()) {
        return;
    }
    const Palette& p = canvas.colors();
    const QFontMetricsF metrics(canvas.font(TextSize::Note));
    QPainter& painter = canvas.painter();
    const QRectF box = m_state->legendBox;
    std::vector<QPointF> at;
    if (m_state->legendSpot == State::LegendSpot::Below) {
        double height = 0.0;
        at = flow(s.legend, metrics, box.width(), height);
        for (QPointF& point : at) {
            point += box.topLeft();
        }
    } else {
        painter.setPen(QPen(p.line, 1.0));
        painter.setBrush(withAlpha(p.plotBackground, 0.93));
        painter.drawRect(box.toAlignedRect());
        for (std::size_t i = 0; i < s.legend.size(); ++i) {
            at.push_back(box.topLeft() + QPointF(kLegendPad, kLegendPad - 1.0 +
                                                                 static_cast<double>(i) *
                                                                     (metrics.height() + 2.0)));
        }
    }
    for (std::size_t i = 0; i < s.legend.size(); ++i) {
        const LegendEntry& entry = s.legend[i];
        const double y = at[i].y() + (metrics.height() + 2.0) / 2;
        const QPointF middle(at[i].x() + kSwatch / 2, y);
        const QRectF swatch(at[i].x() + 1.0, y - 5.0, kSwatch - 3.0, 10.0);
        painter.setPen(entry.pen);
        painter.setBrush(Qt::NoBrush);
        switch (entry.kind) {
        case LegendEntry::Kind::Mark:
            canvas.freeMark(middle, entry.marker);
            break;
        case LegendEntry::Kind::LineWithMark:
            painter.drawLine(QPointF(at[i].x(), y), QPointF(at[i].x() + kSwatch, y));
            canvas.freeMark(middle, entry.marker);
            break;
        case LegendEntry::Kind::Line:
            painter.drawLine(QPointF(at[i].x(), y), QPointF(at[i].x() + kSwatch, y));
            break;
        case LegendEntry::Kind::Fill:
            painter.setBrush(entry.fill);
            painter.drawRect(swatch);
            break;
        case LegendEntry::Kind::Hatching:
            canvas.hatchSwatch(swatch, entry.hatch, entry.strength);
            painter.setPen(QPen(p.line, 1.0));
            painter.setBrush(Qt::NoBrush);
            painter.drawRect(swatch);
            break;
        case LegendEntry::Kind::Box:
            painter.drawLine(QPointF(at[i].x(), y), QPointF(at[i].x() + kSwatch, y));
            painter.setPen(Qt::NoPen);
            painter.setBrush(entry.pen.color());
            painter.drawRect(QRectF(at[i].x() + 5.0, y - 3.0, kSwatch - 10.0, 6.0));
            canvas.freeMark(middle, entry.marker);
            break;
        }
        canvas.text({at[i].x() + kSwatch + 7.0, y}, Qt::AlignLeft | Qt::AlignVCenter, entry.text,
                    {.color = p.text});
    }
}

} // namespace bitscape::widgets
