// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/style/palette.h"

#include <QImage>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace bitscape::widgets {

namespace {

QColor rgb(unsigned value)
{
    return QColor::fromRgb(static_cast<QRgb>(value));
}

Palette lightPalette()
{
    Palette p;
    p.theme = Theme::Light;
    p.window = rgb(0xEFF0F2);
    p.base = rgb(0xFFFFFF);
    p.alternate = rgb(0xF6F7F9);
    p.button = rgb(0xFBFBFC);
    p.frame = rgb(0xB4BAC1);
    p.line = rgb(0xC3C8CE);
    p.softLine = rgb(0xDDE1E5);
    p.group = rgb(0xE9EBEE);
    p.text = rgb(0x1E2329);
    p.secondText = rgb(0x59616B);
    p.disabledText = rgb(0x9AA1A9);
    p.highlight = rgb(0x0557A3);
    p.highlightedText = rgb(0xFFFFFF);
    p.hover = rgb(0xE3EDF7);
    p.toolTip = rgb(0xFFFFE6);
    p.toolTipFrame = rgb(0xA8A58A);
    p.toolTipText = p.text;
    p.good = {rgb(0x0A7A5A), rgb(0xE3F4EE)};
    p.warning = {rgb(0x9A5B00), rgb(0xFFF3DC)};
    p.error = {rgb(0xB3261E), rgb(0xFCE8E6)};
    p.info = {rgb(0x0557A3), rgb(0xE6F0FA)};
    p.plotBackground = rgb(0xFFFFFF);
    p.grid = rgb(0xD9DDE2);
    p.axis = rgb(0x59616B);
    p.series = {rgb(0x0557A3), rgb(0xE36404), rgb(0x0A8A66), rgb(0xC0679E),
                rgb(0x88530B), rgb(0x2198DF), rgb(0x2D235C)};
    p.reference = rgb(0x767C85);
    p.faint = rgb(0xC9CED4);
    p.shade = rgb(0xF3F5F4);
    p.sequential = {rgb(0xF7FAFD), rgb(0xDCE9F5), rgb(0xB3D0EA), rgb(0x7BADD8),
                    rgb(0x4685BE), rgb(0x1D5C9C), rgb(0x0A3A70), rgb(0x06244A)};
    p.diverging = {rgb(0x0557A3), rgb(0x8DB4DA), rgb(0xF2F3F4), rgb(0xF3B583), rgb(0xC24E00)};
    return p;
}

Palette darkPalette()
{
    Palette p;
    p.theme = Theme::Dark;
    p.window = rgb(0x23282E);
    p.base = rgb(0x1B1F24);
    p.alternate = rgb(0x20252B);
    p.button = rgb(0x2C333A);
    p.frame = rgb(0x4B545E);
    p.line = rgb(0x3D454E);
    p.softLine = rgb(0x30373F);
    p.group = rgb(0x2A3037);
    p.text = rgb(0xE4E8EC);
    p.secondText = rgb(0xA5AEB8);
    p.disabledText = rgb(0x6E7781);
    p.highlight = rgb(0x2F6DB5);
    p.highlightedText = rgb(0xFFFFFF);
    p.hover = rgb(0x2C3A4A);
    p.toolTip = rgb(0x2F353C);
    p.toolTipFrame = rgb(0x59616B);
    p.toolTipText = p.text;
    p.good = {rgb(0x4ED6A8), rgb(0x16362D)};
    p.warning = {rgb(0xF0C060), rgb(0x3A2F14)};
    p.error = {rgb(0xFF8A80), rgb(0x40201E)};
    p.info = {rgb(0x86B9E6), rgb(0x1B2F46)};
    p.plotBackground = rgb(0x1B1F24);
    p.grid = rgb(0x343B44);
    p.axis = rgb(0xA5AEB8);
    p.series = {rgb(0x5994E6), rgb(0xE8803A), rgb(0x2DD2A6), rgb(0xDC9CC4),
                rgb(0xEED263), rgb(0xD9EDF9), rgb(0x7659D7)};
    p.reference = rgb(0x8A939D);
    p.faint = rgb(0x4A525C);
    p.shade = rgb(0x20252B);
    // Seven stops in the dark theme: the eighth repeats the brightest.
    p.sequential = {rgb(0x1F262D), rgb(0x1C3552), rgb(0x245488), rgb(0x3F7DBE),
                    rgb(0x74A9DA), rgb(0xB4D3EF), rgb(0xF2F8FD), rgb(0xF2F8FD)};
    p.diverging = {rgb(0x5994E6), rgb(0x37547F), rgb(0x2B3138), rgb(0x80532F), rgb(0xE8803A)};
    return p;
}

struct ChipFills {
    QColor sixteen, eight, middle, four, three, two, one, floating;
};

const ChipFills& chipFills(Theme theme)
{
    static const ChipFills light{rgb(0xCFE3F5), rgb(0x9CC6E8), rgb(0x5E9FD6), rgb(0x0557A3),
                                 rgb(0xF3C27A), rgb(0xE36404), rgb(0x8E3B00), rgb(0xDDE1E5)};
    static const ChipFills dark{rgb(0xD9EDF9), rgb(0x86B9E6), rgb(0x4F8AC2), rgb(0x2F6DB5),
                                rgb(0xC98A2B), rgb(0xE8803A), rgb(0xF4B08A), rgb(0x4A525C)};
    return theme == Theme::Light ? light : dark;
}

double linear(double channel)
{
    return channel <= 0.04045 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4);
}

double luminance(const QColor& c)
{
    return 0.2126 * linear(c.redF()) + 0.7152 * linear(c.greenF()) + 0.0722 * linear(c.blueF());
}

QColor mixed(const QColor& a, const QColor& b, double t)
{
    const auto part = [t](float x, float y) { return static_cast<float>(x + (y - x) * t); };
    return QColor::fromRgbF(part(a.redF(), b.redF()), part(a.greenF(), b.greenF()),
                            part(a.blueF(), b.blueF()));
}

QColor onScale(std::span<const QColor> stops, double position)
{
    const double last = static_cast<double>(stops.size() - 1);
    const double at = std::clamp(position, 0.0, 1.0) * last;
    const auto low = static_cast<std::size_t>(std::min(std::floor(at), last - 1.0));
    return mixed(stops[low], stops[low + 1], at - static_cast<double>(low));
}

Theme& themeInUse()
{
    static Theme theme = Theme::Light;
    return theme;
}

} // namespace

ToneColors Palette::chip(int bits) const
{
    const ChipFills& f = chipFills(theme);
    QColor fill = f.floating;
    if (bits <= 0 || bits >= 32) {
        fill = f.floating;
    } else if (bits > 8) {
        fill = f.sixteen;
    } else if (bits == 8) {
        fill = f.eight;
    } else if (bits >= 5) {
        fill = f.middle;
    } else if (bits == 4) {
        fill = f.four;
    } else {
        fill = bits == 3 ? f.three : bits == 2 ? f.two : f.one;
    }
    return {inkOn(fill), fill};
}

QColor Palette::sequentialAt(double position) const
{
    return onScale(sequential, position);
}

QColor Palette::divergingAt(double position) const
{
    return onScale(diverging, (position + 1.0) / 2.0);
}

QPalette Palette::toQPalette() const
{
    QPalette q(button, window);
    q.setColor(QPalette::Window, window);
    q.setColor(QPalette::WindowText, text);
    q.setColor(QPalette::Base, base);
    q.setColor(QPalette::AlternateBase, alternate);
    q.setColor(QPalette::Text, text);
    q.setColor(QPalette::PlaceholderText, secondText);
    q.setColor(QPalette::Button, button);
    q.setColor(QPalette::ButtonText, text);
    q.setColor(QPalette::BrightText, error.text);
    q.setColor(QPalette::Highlight, highlight);
    q.setColor(QPalette::HighlightedText, highlightedText);
    q.setColor(QPalette::Link, series[0]);
    q.setColor(QPalette::LinkVisited, series[3]);
    q.setColor(QPalette::ToolTipBase, toolTip);
    q.setColor(QPalette::ToolTipText, toolTipText);
    q.setColor(QPalette::Light, theme == Theme::Light ? base : softLine);
    q.setColor(QPalette::Midlight, softLine);
    q.setColor(QPalette::Mid, line);
    q.setColor(QPalette::Dark, frame);
    q.setColor(QPalette::Shadow, theme == Theme::Light ? secondText : QColor(Qt::black));
    for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) {
        q.setColor(QPalette::Disabled, role, disabledText);
    }
    q.setColor(QPalette::Disabled, QPalette::PlaceholderText, disabledText);
    q.setColor(QPalette::Disabled, QPalette::Highlight, line);
    q.setColor(QPalette::Disabled, QPalette::HighlightedText, secondText);
    return q;
}

const Palette& palette(Theme theme)
{
    static const Palette light = lightPalette();
    static const Palette dark = darkPalette();
    return theme == Theme::Light ? light : dark;
}

Theme currentTheme()
{
    return themeInUse();
}

const Palette& currentPalette()
{
    return palette(currentTheme());
}

void setCurrentTheme(Theme theme)
{
    themeInUse() = theme;
}

QBrush hatchBrush(Hatch hatch, Theme theme)
{
    const Palette& p = palette(theme);
    const auto ink = [&] {
        switch (hatch) {
        case Hatch::Clip:
            return p[Series::Orange];
        case Hatch::Underflow:
            return p[Series::Brown];
        case Hatch::LanePadding:
        case Hatch::SpatialEdge:
            return p[Series::Blue];
        case Hatch::Cpu:
            return p.reference;
        }
        return p.reference;
    }();
    constexpr int kTile = 8;
    QImage tile(kTile, kTile, QImage::Format_ARGB32_Premultiplied);
    tile.fill(mixed(p.plotBackground, ink, theme == Theme::Light ? 0.13 : 0.22));
    QPainter painter(&tile);
    painter.setRenderHint(QPainter::Antialiasing);
    QColor stroke = ink;
    stroke.setAlphaF(0.75F);
    if (hatch == Hatch::SpatialEdge) {
        painter.setPen(Qt::NoPen);
        painter.setBrush(stroke);
        for (const QPointF at : {QPointF(2, 2), QPointF(6, 6)}) {
            painter.drawEllipse(at, 0.9, 0.9);
        }
    } else {
        painter.setPen(QPen(stroke, 1.1));
        const bool rising = hatch != Hatch::Underflow;
        for (int k = -1; k <= 1; ++k) {
            const QPointF from(k * kTile, rising ? kTile : 0);
            const QPointF to((k + 1) * kTile, rising ? 0 : kTile);
            painter.drawLine(from - (to - from) * 0.2, to + (to - from) * 0.2);
        }
    }
    painter.end();
    return QBrush(tile);
}

QColor inkOn(const QColor& fill)
{
    const QColor black(0x10, 0x14, 0x18);
    return contrast(black, fill) >= contrast(Qt::white, fill) ? black : QColor(Qt::white);
}

double contrast(const QColor& a, const QColor& b)
{
    const double x = luminance(a);
    const double y = luminance(b);
    return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

} // namespace bitscape::widgets
