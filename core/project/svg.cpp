// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/svg.h"

#include "core/base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace bitscape::project::svg {

namespace {

/// At most two decimals, none that say nothing, no "-0".
std::string pixels(double value)
{
    std::string text = fmt::format("{:.2f}", value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') {
        text.pop_back();
    }
    return text == "-0" ? "0" : text;
}

std::string pointsText(std::span<const Point> points)
{
    std::string text;
    for (const Point& point : points) {
        text += (text.empty() ? "" : " ") + pixels(point.x) + "," + pixels(point.y);
    }
    return text;
}

struct HatchInfo {
    Hatch kind;
    const char* name;
    const char* background;
    const char* pattern; ///< of a tile of 8 × 8
};

constexpr std::array<HatchInfo, 5> kHatches{{
    {Hatch::Clip, "clip", "#FBE9DA",
     R"(<path d="M-2,2l4,-4M0,8l8,-8M6,10l4,-4" stroke="#E36404" stroke-width="1.2"/>)"},
    {Hatch::Underflow, "underflow", "#F3ECE3",
     R"(<path d="M-2,6l4,4M0,0l8,8M6,-2l4,4" stroke="#88530B" stroke-width="1"/>)"},
    {Hatch::LanePadding, "lane-padding", "#E3EDF7",
     R"(<path d="M-2,2l4,-4M0,8l8,-8M6,10l4,-4" stroke="#0557A3" stroke-width="1.2"/>)"},
    {Hatch::SpatialEdge, "spatial-edge", "#E3EDF7",
     R"(<circle cx="2" cy="2" r="1" fill="#0557A3"/><circle cx="6" cy="6" r="1" fill="#0557A3"/>)"},
    {Hatch::Cpu, "cpu", "#F3F4F6",
     R"(<path d="M-2,2l4,-4M0,8l8,-8M6,10l4,-4" stroke="#767C85" stroke-width="1"/>)"},
}};

/// 1, 2 or 5 times a power of ten, near `raw` from above.
double niceStep(double raw)
{
    const double power = std::pow(10.0, std::floor(std::log10(raw)));
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (factor * power >= raw * (1 - 1e-9)) {
            return factor * power;
        }
    }
    return 10.0 * power;
}

} // namespace

std::string escaped(std::string_view text)
{
    std::string out;
    for (const char c : text) {
        switch (c) {
        case '&':
            out += "&amp;";
            break;
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '"':
            out += "&quot;";
            break;
        case '\'':
            out += "&#39;";
            break;
        default:
            if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') {
                out += c;
            }
        }
    }
    return out;
}

Canvas::Canvas(std::string id, double width, double height)
    : m_id(std::move(id)), m_width(width), m_height(height)
{
}

void Canvas::shape(std::string_view element, const Paint& paint, std::string_view tip)
{
    m_body += "<";
    m_body += element;
    m_body += fmt::format(R"( fill="{}")", paint.fill.empty() ? "none" : paint.fill);
    if (!paint.stroke.empty()) {
        m_body +=
            fmt::format(R"( stroke="{}" stroke-width="{}")", paint.stroke, pixels(paint.width));
    }
    if (!paint.dashes.empty()) {
        m_body += fmt::format(R"( stroke-dasharray="{}")", paint.dashes);
    }
    if (paint.opacity < 1.0) {
        m_body += fmt::format(R"( opacity="{}")", pixels(paint.opacity));
    }
    if (tip.empty()) {
        m_body += "/>\n";
    } else {
        const std::string_view name = element.substr(0, element.find(' '));
        m_body += fmt::format("><title>{}</title></{}>\n", escaped(tip), name);
    }
}

void Canvas::line(Point from, Point to, const Paint& paint)
{
    shape(fmt::format(R"(line x1="{}" y1="{}" x2="{}" y2="{}")", pixels(from.x), pixels(from.y),
                      pixels(to.x), pixels(to.y)),
          paint, {});
}

void Canvas::polyline(std::span<const Point> points, const Paint& paint)
{
    shape(fmt::format(R"(polyline stroke-linejoin="round" points="{}")", pointsText(points)), paint,
          {});
}

void Canvas::polygon(std::span<const Point> points, const Paint& paint, std::string_view tip)
{
    shape(fmt::format(R"(polygon stroke-linejoin="round" points="{}")", pointsText(points)), paint,
          tip);
}

void Canvas::rect(Point corner, double width, double height, const Paint& paint,
                  std::string_view tip)
{
    shape(fmt::format(R"(rect x="{}" y="{}" width="{}" height="{}")", pixels(corner.x),
                      pixels(corner.y), pixels(std::max(0.0, width)),
                      pixels(std::max(0.0, height))),
          paint, tip);
}

void Canvas::circle(Point center, double radius, const Paint& paint, std::string_view tip)
{
    shape(fmt::format(R"(circle cx="{}" cy="{}" r="{}")", pixels(center.x), pixels(center.y),
                      pixels(radius)),
          paint, tip);
}

void Canvas::diamond(Point center, double radius, const Paint& paint, std::string_view tip)
{
    const std::array<Point, 4> corners{{{center.x, center.y - radius},
                                        {center.x + radius, center.y},
                                        {center.x, center.y + radius},
                                        {center.x - radius, center.y}}};
    polygon(corners, paint, tip);
}

void Canvas::text(Point at, std::string_view text, const Font& font)
{
    constexpr std::array<std::string_view, 3> kAnchors{"start", "middle", "end"};
    m_body += fmt::format(R"(<text x="{}" y="{}" font-size="{}" fill="{}")", pixels(at.x),
                          pixels(at.y), pixels(font.size), font.fill);
    if (font.anchor != Anchor::Start) {
        m_body +=
            fmt::format(R"( text-anchor="{}")", kAnchors[static_cast<std::size_t>(font.anchor)]);
    }
    if (font.bold) {
        m_body += R"( font-weight="600")";
    }
    if (font.halo) {
        m_body += R"( stroke="#FFFFFF" stroke-width="3" paint-order="stroke")";
    }
    if (font.turn != 0) {
        m_body += fmt::format(R"x( transform="rotate({} {} {})")x", pixels(font.turn), pixels(at.x),
                              pixels(at.y));
    }
    m_body += ">" + escaped(text) + "</text>\n";
}

std::string Canvas::hatch(Hatch kind) const
{
    const auto* const found = std::find_if(
        kHatches.begin(), kHatches.end(), [&](const HatchInfo& info) { return info.kind == kind; });
    return fmt::format("url(#{}-{})", m_id, found->name);
}

std::string Canvas::finish(std::string_view title, std::string_view description) const
{
    std::string definitions;
    for (const HatchInfo& info : kHatches) {
        if (m_body.find(hatch(info.kind)) != std::string::npos) {
            definitions += fmt::format(
                R"(<pattern id="{}-{}" width="8" height="8" patternUnits="userSpaceOnUse"><rect width="8" height="8" fill="{}"/>{}</pattern>)",
                m_id, info.name, info.background, info.pattern);
        }
    }
    if (!definitions.empty()) {
        definitions = "<defs>" + definitions + "</defs>\n";
    }
    return fmt::format(
        R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" aria-labelledby="{2}-title {2}-text" font-family="Inter, 'Noto Sans', 'DejaVu Sans', system-ui, sans-serif">
<title id="{2}-title">{3}</title>
<desc id="{2}-text">{4}</desc>
{5}{6}</svg>
)",
        pixels(m_width), pixels(m_height), m_id, escaped(title), escaped(description), definitions,
        m_body);
}

Scale::Scale(double low, double high, double fromPixel, double toPixel, bool logarithmic)
    : m_low(low), m_high(high), m_from(fromPixel), m_to(toPixel), m_logarithmic(logarithmic)
{
    ensure(low < high && (!logarithmic || low > 0), "a scale goes from low to high");
}

Scale Scale::around(std::span<const double> values, double fromPixel, double toPixel,
                    bool mayBeLogarithmic)
{
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    for (const double value : values) {
        if (std::isfinite(value)) {
            low = std::min(low, value);
            high = std::max(high, value);
        }
    }
    if (low > high) {
        return {0.0, 1.0, fromPixel, toPixel};
    }
    if (mayBeLogarithmic && low > 0 && high / low > 10.0) {
        return {low / 1.15, high * 1.15, fromPixel, toPixel, true};
    }
    const double span = high > low ? high - low : std::max(std::abs(high) * 0.1, 1e-9);
    const double step = niceStep(span * 1.1 / 5.0) / 2.0;
    const double air = 0.04 * span;
    low = std::floor((low - air) / step) * step;
    high = std::ceil((high + air) / step) * step;
    return {low, std::max(high, low + step), fromPixel, toPixel};
}

double Scale::pixel(double value) const
{
    const double share = m_logarithmic
                             ? std::log(std::max(value, 1e-300) / m_low) / std::log(m_high / m_low)
                             : (value - m_low) / (m_high - m_low);
    return m_from + share * (m_to - m_from);
}

std::vector<double> Scale::ticks(int count) const
{
    std::vector<double> ticks;
    if (m_logarithmic) {
        const double decades = std::log10(m_high / m_low);
        const bool dense = decades < 2.0;
        const auto last = static_cast<int>(std::floor(std::log10(m_high)));
        for (int power = static_cast<int>(std::floor(std::log10(m_low))); power <= last; ++power) {
            for (const double factor : {1.0, 2.0, 5.0}) {
                const double value = factor * std::pow(10.0, power);
                if (value >= m_low && value <= m_high && (dense || factor == 1.0)) {
                    ticks.push_back(value);
                }
            }
        }
        return ticks;
    }
    const double step = niceStep((m_high - m_low) / std::max(1, count));
    const double slack = step * 1e-6;
    const double first = std::ceil((m_low - slack) / step);
    const auto steps = static_cast<int>(std::floor((m_high + slack) / step - first));
    for (int i = 0; i <= steps; ++i) {
        ticks.push_back((first + i) * step);
    }
    return ticks;
}

std::string tickLabel(double value, std::span<const double> ticks)
{
    double step = std::abs(value);
    if (ticks.size() > 1 && !(ticks[0] > 0 && ticks[1] / ticks[0] > 1.9)) {
        step = ticks[1] - ticks[0];
    }
    if (std::abs(value) >= 1e6 || (value != 0 && step < 1e-4)) {
        return fmt::format("{:.3g}", value);
    }
    const int decimals =
        step > 0 ? std::clamp(-static_cast<int>(std::floor(std::log10(step) + 1e-9)), 0, 6) : 0;
    std::string text = fmt::format("{:.{}f}", std::abs(value), decimals);
    for (std::size_t at = std::min(text.find('.'), text.size()); at > 3;) {
        at -= 3;
        text.insert(at, ",");
    }
    return (value < -1e-12 ? "\u2212" : "") + text;
}

void drawAxisX(Canvas& canvas, const Box& box, const Scale& x, std::string_view title)
{
    const std::vector<double> ticks =
        x.ticks(std::max(2, static_cast<int>((box.right - box.left) / 75)));
    for (const double tick : ticks) {
        const double at = x.pixel(tick);
        canvas.line({at, box.top}, {at, box.bottom},
                    {.stroke = std::string(color::kGrid), .width = 1, .dashes = "2 3"});
        canvas.text({at, box.bottom + 16}, tickLabel(tick, ticks),
                    {.size = 11, .anchor = Anchor::Middle});
    }
    canvas.text({(box.left + box.right) / 2, box.bottom + 34}, title,
                {.size = 12, .fill = std::string(color::kSecondText), .anchor = Anchor::Middle});
}

void drawAxes(Canvas& canvas, const Box& box, const Scale& x, const Scale& y,
              std::string_view titleX, std::string_view titleY)
{
    drawAxisX(canvas, box, x, titleX);
    const std::vector<double> ticks =
        y.ticks(std::max(2, static_cast<int>((box.bottom - box.top) / 48)));
    for (const double tick : ticks) {
        const double at = y.pixel(tick);
        canvas.line({box.left, at}, {box.right, at},
                    {.stroke = std::string(color::kGrid), .width = 1, .dashes = "2 3"});
        canvas.text({box.left - 8, at + 4}, tickLabel(tick, ticks),
                    {.size = 11, .anchor = Anchor::End});
    }
    canvas.rect({box.left, box.top}, box.right - box.left, box.bottom - box.top,
                {.stroke = std::string(color::kLine)});
    canvas.text({box.left - 50, (box.top + box.bottom) / 2}, titleY,
                {.size = 12,
                 .fill = std::string(color::kSecondText),
                 .anchor = Anchor::Middle,
                 .turn = -90});
}

double textWidth(std::string_view text, double size)
{
    double letters = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xC0U) == 0x80U) {
            continue; // continuation byte of UTF-8
        }
        letters += c == 'i' || c == 'l' || c == 'j' || c == '.' || c == ',' || c == ' ' ? 0.35
                   : c == 'm' || c == 'w' || (c >= 'A' && c <= 'Z')                     ? 0.75
                                                                                        : 0.58;
    }
    return letters * size;
}

namespace {

constexpr double kLegendRow = 20;
constexpr double kLegendMark = 22;
constexpr double kLegendGap = 22;

/// Calls place(entry, x, row) for every entry; returns the number of rows.
template <class Place>
int layOut(double width, std::span<const LegendEntry> entries, const Place& place)
{
    double x = 0;
    int row = 0;
    for (const LegendEntry& entry : entries) {
        const double needed = kLegendMark + textWidth(entry.label, 12);
        if (x > 0 && x + needed > width) {
            x = 0;
            ++row;
        }
        place(entry, x, row);
        x += needed + kLegendGap;
    }
    return entries.empty() ? 0 : row + 1;
}

void drawMark(Canvas& canvas, const LegendEntry& entry, Point center)
{
    using Mark = LegendEntry::Mark;
    switch (entry.mark) {
    case Mark::Rect:
        canvas.rect({center.x - 7, center.y - 5}, 14, 10, entry.paint);
        break;
    case Mark::Square:
        canvas.rect({center.x - 4, center.y - 4}, 8, 8, entry.paint);
        break;
    case Mark::Circle:
        canvas.circle(center, 4, entry.paint);
        break;
    case Mark::Ring:
        canvas.circle(center, 6, entry.paint);
        break;
    case Mark::Diamond:
        canvas.diamond(center, 6, entry.paint);
        break;
    case Mark::Line:
    case Mark::Dash:
        canvas.line({center.x - 8, center.y}, {center.x + 8, center.y}, entry.paint);
        break;
    }
}

} // namespace

double legendHeight(double width, std::span<const LegendEntry> entries)
{
    return kLegendRow * layOut(width, entries, [](const LegendEntry&, double, int) {});
}

double drawLegend(Canvas& canvas, Point corner, double width, std::span<const LegendEntry> entries)
{
    const int rows = layOut(width, entries, [&](const LegendEntry& entry, double x, int row) {
        const double middle = corner.y + kLegendRow * (row + 0.5);
        drawMark(canvas, entry, {corner.x + x + 8, middle});
        canvas.text({corner.x + x + kLegendMark, middle + 4}, entry.label);
    });
    return kLegendRow * rows;
}

} // namespace bitscape::project::svg
