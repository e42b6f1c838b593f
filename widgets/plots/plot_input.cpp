// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/plot.h"
#include "widgets/plots/plot_engine.h"
#include "widgets/plots/plot_state.h"

#include <QApplication>
#include <QContextMenuEvent>
#include <QKeyEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QToolTip>
#include <QWheelEvent>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

namespace bitscape::widgets {

namespace {

constexpr double kWheelStep = 0.85; ///< part of the range left after one notch
constexpr double kKeyZoom = 0.7;
constexpr double kKeyPan = 40.0; ///< px
constexpr double kNudge = 2.0;   ///< px
constexpr int kNotch = 120;
/// Changes of one kind within this time are one step of the zoom history.
constexpr qint64 kOneStepMilliseconds = 600;
/// Zooming out ends here: times the range of the data.
constexpr double kWidest = 50.0;
constexpr double kNarrowest = 1e-9;

enum Change { Wheel, Panned, Keyed, Rubbered, Fitted, Set };

Range zoomed(const AxisMap& map, double pixel, double factor)
{
    return {map.toValue(pixel + (map.pixelLow - pixel) * factor),
            map.toValue(pixel + (map.pixelHigh - pixel) * factor)};
}

Range moved(const AxisMap& map, double pixels)
{
    return {map.toValue(map.pixelLow - pixels), map.toValue(map.pixelHigh - pixels)};
}

bool isSane(const Range& r, const AxisMap& map, const Range& data)
{
    if (!std::isfinite(r.low) || !std::isfinite(r.high) || !(r.high > r.low)) {
        return false;
    }
    if (map.logarithmic) {
        return r.low > 0.0 && r.high / r.low > 1.0 + kNarrowest && r.high / r.low < 1e30;
    }
    const double whole = std::max({data.size(), std::abs(data.high), 1e-12});
    return r.size() > kNarrowest * whole && r.size() < kWidest * whole;
}

} // namespace

// --- zoom
// -----------------------------------------------------------------------------------------

Plot::View Plot::currentView() const
{
    return {m_engine->range(Axis::X), m_engine->range(Axis::Y)};
}

void Plot::remember(int kind)
{
    State& s = *m_state;
    const bool continues = s.lastKind == kind && s.lastChange.isValid() &&
                           s.lastChange.elapsed() < kOneStepMilliseconds;
    if (!continues) {
        s.back.push_back(currentView());
        s.forward.clear();
    }
    s.lastKind = kind;
    s.lastChange.start();
    s.userZoomed = true;
}

void Plot::goTo(const View& view)
{
    if (m_state->spec.x.zoom) {
        m_engine->setRange(Axis::X, view.x);
    }
    if (m_state->spec.y.zoom) {
        m_engine->setRange(Axis::Y, view.y);
    }
    refresh();
}

void Plot::setRange(Qt::Orientation axis, const Range& range)
{
    remember(Set);
    m_engine->setRange(axis == Qt::Horizontal ? Axis::X : Axis::Y, range);
    refresh();
}

void Plot::fit()
{
    remember(Fitted);
    m_state->userZoomed = false;
    applyRanges(false);
    refresh();
}

void Plot::fit(Qt::Orientation axis)
{
    const View before = currentView();
    fit();
    if (axis == Qt::Horizontal && m_state->spec.y.zoom) {
        m_engine->setRange(Axis::Y, before.y);
    } else if (axis == Qt::Vertical && m_state->spec.x.zoom) {
        m_engine->setRange(Axis::X, before.x);
    }
}

void Plot::zoomBack()
{
    State& s = *m_state;
    if (s.back.empty()) {
        return;
    }
    s.forward.push_back(currentView());
    const View view = s.back.back();
    s.back.pop_back();
    s.lastKind = -1;
    goTo(view);
}

void Plot::zoomForward()
{
    State& s = *m_state;
    if (s.forward.empty()) {
        return;
    }
    s.back.push_back(currentView());
    const View view = s.forward.back();
    s.forward.pop_back();
    s.lastKind = -1;
    goTo(view);
}

void Plot::zoomAt(const QPointF& at, double factor, bool x, bool y)
{
    const Frame f = frame();
    if (x && m_state->spec.x.zoom) {
        const Range r = zoomed(f.x, at.x(), factor);
        if (isSane(r, f.x, m_state->spec.x.data)) {
            m_engine->setRange(Axis::X, r);
        }
    }
    if (y && m_state->spec.y.zoom) {
        const Range r = zoomed(f.y, at.y(), factor);
        if (isSane(r, f.y, m_state->spec.y.data)) {
            m_engine->setRange(Axis::Y, r);
        }
    }
    refresh();
}

void Plot::panBy(const QPointF& pixels)
{
    const Frame f = frame();
    if (m_state->spec.x.zoom) {
        m_engine->setRange(Axis::X, moved(f.x, pixels.x()));
    }
    if (m_state->spec.y.zoom) {
        m_engine->setRange(Axis::Y, moved(f.y, pixels.y()));
    } else {
        scrollRows(-pixels.y());
    }
    refresh();
}

void Plot::scrollRows(double pixels)
{
    if (m_state->spec.y.leastPixelsPerUnit > 0.0) {
        // The layout keeps it between the first and the last row.
        m_state->scroll += pixels / m_state->spec.y.leastPixelsPerUnit;
        refresh();
    }
}

PlotTool Plot::tool() const
{
    return m_state->tool;
}

bool Plot::canBrush() const
{
    return m_state->spec.canBrush;
}

void Plot::setTool(PlotTool tool)
{
    const PlotTool valid = tool == PlotTool::Brush && !canBrush() ? PlotTool::Pan : tool;
    if (valid != m_state->tool) {
        m_state->tool = valid;
        Q_EMIT toolChanged(valid);
    }
}

// --- mouse
// ----------------------------------------------------------------------------------------

void Plot::mousePressEvent(QMouseEvent* event)
{
    State& s = *m_state;
    if (isEmpty() || (event->button() != Qt::LeftButton && event->button() != Qt::MiddleButton)) {
        return;
    }
    s.focusByKey = false;
    s.button = event->button();
    s.pressAt = s.lastAt = event->position();
    s.moved = false;
    s.clickWasDouble = false;
    if (s.button == Qt::LeftButton && beginDrag(s.pressAt)) {
        s.drag = State::Drag::Own;
    } else if (s.button == Qt::MiddleButton || s.tool == PlotTool::Pan) {
        s.drag = State::Drag::Pan;
    } else {
        s.drag = State::Drag::Rubber;
    }
    QToolTip::hideText();
}

void Plot::mouseMoveEvent(QMouseEvent* event)
{
    State& s = *m_state;
    const QPointF at = event->position();
    if (s.drag == State::Drag::None) {
        hover(at, event->globalPosition().toPoint());
        return;
    }
    if (!s.moved && (at - s.pressAt).manhattanLength() < QApplication::startDragDistance() &&
        s.drag != State::Drag::Own) {
        return;
    }
    if (!s.moved && s.drag == State::Drag::Pan) {
        setCursor(Qt::ClosedHandCursor);
        remember(Panned);
    }
    s.moved = true;
    const QPointF step = at - s.lastAt;
    s.lastAt = at;
    switch (s.drag) {
    case State::Drag::Own:
        drag(at);
        break;
    case State::Drag::Pan:
        panBy(step);
        break;
    case State::Drag::Rubber: {
        if (s.tool == PlotTool::Brush) {
            finishRubber(event->modifiers());
        }
        refresh(Stage::Overlay);
        break;
    }
    case State::Drag::None:
        break;
    }
}

/// Hands the rectangle between press and pointer to the brush or the zoom.
void Plot::finishRubber(Qt::KeyboardModifiers modifiers)
{
    State& s = *m_state;
    const Frame f = frame();
    const QRectF box = QRectF(s.pressAt, s.lastAt).normalized().intersected(f.area);
    if (box.isEmpty()) {
        return;
    }
    const auto range = [](const AxisMap& map, double a, double b) {
        const double u = map.toValue(a);
        const double v = map.toValue(b);
        return Range{std::min(u, v), std::max(u, v)};
    };
    const Range x = range(f.x, box.left(), box.right());
    const Range y = range(f.y, box.top(), box.bottom());
    if (s.tool == PlotTool::Brush) {
        brushed(x, y, modifiers, s.drag == State::Drag::None);
        return;
    }
    remember(Rubbered);
    s.lastKind = -1;
    goTo({x, y});
}

void Plot::mouseReleaseEvent(QMouseEvent* event)
{
    State& s = *m_state;
    if (event->button() != s.button) {
        return;
    }
    const auto drag = s.drag;
    s.drag = State::Drag::None;
    s.button = Qt::NoButton;
    s.lastKind = -1;
    if (drag == State::Drag::Own) {
        endDrag();
    } else if (s.moved) {
        setCursor(cursorAt(event->position()));
        if (drag == State::Drag::Rubber) {
            finishRubber(event->modifiers());
            refresh(Stage::Overlay);
        }
    } else if (event->button() == Qt::LeftButton && !s.clickWasDouble) {
        const int mark = markAt(event->position());
        if (mark >= 0) {
            s.currentByKey = false;
            setCurrentMark(mark);
            markClicked(mark, event->modifiers());
        }
    }
}

void Plot::mouseDoubleClickEvent(QMouseEvent* event)
{
    if (event->button() != Qt::LeftButton || isEmpty()) {
        return;
    }
    m_state->clickWasDouble = true;
    m_state->button = Qt::LeftButton;
    m_state->moved = false;
    const QPointF at = event->position();
    const QRectF area = frame().area;
    if (!area.contains(at)) {
        if (at.y() > area.bottom()) {
            fit(Qt::Horizontal);
        } else if (at.x() < area.left()) {
            fit(Qt::Vertical);
        }
        return;
    }
    const int mark = markAt(at);
    if (mark >= 0) {
        markActivated(mark);
    } else {
        fit();
    }
}

void Plot::wheelEvent(QWheelEvent* event)
{
    const QPoint delta = event->angleDelta();
    // Some systems turn Shift+wheel into a sideways wheel.
    const int turned = delta.y() != 0 ? delta.y() : delta.x();
    if (isEmpty() || turned == 0) {
        event->ignore();
        return;
    }
    event->accept();
    const bool onlyX = event->modifiers().testFlag(Qt::ShiftModifier);
    const bool onlyY = event->modifiers().testFlag(Qt::ControlModifier);
    const double notches = static_cast<double>(turned) / kNotch;
    if (m_state->scrollBar != nullptr && m_state->spec.y.leastPixelsPerUnit > 0.0 && !onlyX) {
        scrollRows(-notches * 60.0);
        return;
    }
    remember(Wheel);
    zoomAt(event->position(), std::pow(kWheelStep, notches), !onlyY, !onlyX);
}

void Plot::leaveEvent(QEvent* event)
{
    QWidget::leaveEvent(event);
    if (!m_state->currentByKey) {
        setCurrentMark(-1);
    }
}

void Plot::hover(const QPointF& at, const QPoint& global)
{
    setCursor(isEmpty() ? Qt::ArrowCursor : cursorAt(at));
    const int mark = markAt(at);
    m_state->currentByKey = false;
    const bool isNew = mark != m_state->current;
    setCurrentMark(mark);
    if (mark < 0) {
        QToolTip::hideText();
    } else if (isNew || !QToolTip::isVisible()) {
        showTip(mark, global);
    }
}

void Plot::showTip(int mark, const QPoint& global)
{
    QToolTip::showText(
        global, QStringLiteral("<div style='white-space:pre'>%1</div>").arg(markHtml(mark)), this);
}

// --- keyboard
// -------------------------------------------------------------------------------------

void Plot::focusInEvent(QFocusEvent* event)
{
    QWidget::focusInEvent(event);
    m_state->focusByKey = event->reason() == Qt::TabFocusReason ||
                          event->reason() == Qt::BacktabFocusReason ||
                          event->reason() == Qt::ShortcutFocusReason;
    refresh(Stage::Overlay);
}

void Plot::focusOutEvent(QFocusEvent* event)
{
    QWidget::focusOutEvent(event);
    refresh(Stage::Overlay);
}

bool Plot::event(QEvent* event)
{
    // Keys that the window may also use belong to the plot while it has the focus.
    if (event->type() == QEvent::ShortcutOverride && !isTableShown()) {
        const auto* key = static_cast<QKeyEvent*>(event);
        static constexpr std::array kOwn{Qt::Key_H,    Qt::Key_Z,     Qt::Key_B,    Qt::Key_T,
                                         Qt::Key_Home, Qt::Key_Space, Qt::Key_Plus, Qt::Key_Minus,
                                         Qt::Key_Left, Qt::Key_Right, Qt::Key_Up,   Qt::Key_Down};
        const bool plain = (key->modifiers() & (Qt::ControlModifier | Qt::MetaModifier)) == 0;
        if (plain && std::find(kOwn.begin(), kOwn.end(), key->key()) != kOwn.end()) {
            event->accept();
            return true;
        }
    }
    return QWidget::event(event);
}

void Plot::keyPressEvent(QKeyEvent* event)
{
    const int key = event->key();
    const Qt::KeyboardModifiers modifiers = event->modifiers() & ~Qt::KeypadModifier;
    if (key == Qt::Key_T && modifiers == Qt::NoModifier) {
        showTable(!isTableShown());
        return;
    }
    if (event->matches(QKeySequence::Copy)) {
        if (m_state->current >= 0) {
            copyPoint();
        } else {
            copyPlot();
        }
        return;
    }
    const bool used =
        !isEmpty() && (handleKey(key, modifiers) || zoomKey(key, modifiers) ||
                       (modifiers == Qt::NoModifier && toolKey(key)) || markKey(key, modifiers));
    if (!used) {
        QWidget::keyPressEvent(event);
    }
}

bool Plot::toolKey(int key)
{
    switch (key) {
    case Qt::Key_H:
        setTool(PlotTool::Pan);
        return true;
    case Qt::Key_Z:
        setTool(PlotTool::Zoom);
        return true;
    case Qt::Key_B:
        setTool(PlotTool::Brush);
        return canBrush();
    default:
        return false;
    }
}

bool Plot::zoomKey(int key, Qt::KeyboardModifiers modifiers)
{
    const bool isArrow =
        key == Qt::Key_Left || key == Qt::Key_Right || key == Qt::Key_Up || key == Qt::Key_Down;
    const double dx = key == Qt::Key_Left ? 1.0 : key == Qt::Key_Right ? -1.0 : 0.0;
    const double dy = key == Qt::Key_Up ? 1.0 : key == Qt::Key_Down ? -1.0 : 0.0;
    if (isArrow && modifiers == Qt::AltModifier && dx != 0.0) {
        dx > 0.0 ? zoomBack() : zoomForward();
        return true;
    }
    if (isArrow && modifiers == Qt::ShiftModifier) {
        remember(Keyed);
        panBy({dx * kKeyPan, dy * kKeyPan});
        return true;
    }
    if (isArrow && modifiers == Qt::ControlModifier && hasBrush()) {
        nudgeBrush(-dx * kNudge, -dy * kNudge);
        return true;
    }
    if (key == Qt::Key_Home && modifiers == Qt::NoModifier) {
        fit();
        return true;
    }
    if (key == Qt::Key_Plus || key == Qt::Key_Equal || key == Qt::Key_Minus) {
        remember(Keyed);
        zoomAt(frame().area.center(), key == Qt::Key_Minus ? 1.0 / kKeyZoom : kKeyZoom, true, true);
        return true;
    }
    return false;
}

bool Plot::markKey(int key, Qt::KeyboardModifiers modifiers)
{
    const bool vertical = m_state->spec.isVertical;
    const int current = m_state->current;
    switch (key) {
    case Qt::Key_Left:
    case Qt::Key_Right:
    case Qt::Key_Up:
    case Qt::Key_Down: {
        if (modifiers != Qt::NoModifier) {
            return false;
        }
        const int step = key == Qt::Key_Left || key == Qt::Key_Up ? -1 : 1;
        const bool along = (key == Qt::Key_Up || key == Qt::Key_Down) == vertical;
        stepMark(along ? step : 0, along ? 0 : step);
        return true;
    }
    case Qt::Key_Space:
        if (current >= 0) {
            markClicked(current, modifiers);
        }
        return current >= 0;
    case Qt::Key_Return:
    case Qt::Key_Enter:
        if (current >= 0) {
            markActivated(current);
        }
        return current >= 0;
    case Qt::Key_Escape:
        if (m_state->current >= 0) {
            setCurrentMark(-1);
            QToolTip::hideText();
        } else if (hasBrush()) {
            clearBrush();
        } else {
            clearSelection();
        }
        return true;
    default:
        return false;
    }
}

void Plot::stepMark(int along, int across)
{
    State& s = *m_state;
    if (s.series.empty()) {
        s.series = series();
        std::erase_if(s.series, [](const std::vector<int>& one) { return one.empty(); });
        s.seriesIndex = 0;
    }
    if (s.series.empty()) {
        return;
    }
    const int count = static_cast<int>(s.series.size());
    const int index = (static_cast<int>(s.seriesIndex) + across + count) % count;
    s.seriesIndex = static_cast<std::size_t>(std::clamp(index, 0, count - 1));
    const std::vector<int>& marksNow = s.series[s.seriesIndex];
    const auto found = std::find(marksNow.begin(), marksNow.end(), s.current);
    int next = 0;
    if (found != marksNow.end()) {
        const auto at = static_cast<int>(found - marksNow.begin());
        next = std::clamp(at + along, 0, static_cast<int>(marksNow.size()) - 1);
    } else if (s.current >= 0 && s.current < marks()) {
        // The neighbor in the other series: the one nearest along the axis.
        const Frame f = frame();
        const QPointF here = markPoint(s.current, f);
        double nearest = -1.0;
        for (std::size_t i = 0; i < marksNow.size(); ++i) {
            const double d = (markPoint(marksNow[i], f) - here).manhattanLength();
            if (nearest < 0.0 || d < nearest) {
                nearest = d;
                next = static_cast<int>(i);
            }
        }
    }
    s.currentByKey = true;
    const int mark = marksNow[static_cast<std::size_t>(next)];
    if (s.spec.y.leastPixelsPerUnit > 0.0) {
        const QRectF area = frame().area;
        const double y = markPoint(mark, frame()).y();
        const double over = y < area.top()      ? y - area.top() - 20.0
                            : y > area.bottom() ? y - area.bottom() + 20.0
                                                : 0.0;
        if (over != 0.0) {
            scrollRows(over);
            m_engine->replotNow();
        }
    }
    setCurrentMark(mark);
    const QPointF p = markPoint(mark, frame());
    if (isVisible() && hasFocus()) {
        showTip(mark, mapToGlobal(p.toPoint() + QPoint(6, 6)));
    }
}

void Plot::contextMenuEvent(QContextMenuEvent* event)
{
    if (event->reason() == QContextMenuEvent::Mouse) {
        const int mark = markAt(event->pos());
        if (mark >= 0) {
            setCurrentMark(mark);
        }
    }
    QMenu* menu = makeMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->popup(event->globalPos());
}

} // namespace bitscape::widgets
