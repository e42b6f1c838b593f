// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Drawing of plots as SVG text: a canvas with primitives, and a frame with axes around data. The
// bytes depend on the calls only: coordinates have two decimals, numbers the C locale.
namespace bitscape::project::svg {

/// The light theme's colors, each with its fixed meaning.
namespace color {
inline constexpr std::string_view kBlue = "#0557A3";   ///< main series, useful work
inline constexpr std::string_view kOrange = "#E36404"; ///< limits, clip, stall
inline constexpr std::string_view kGreen = "#0A8A66";  ///< front, gain
inline constexpr std::string_view kPurple = "#C0679E"; ///< current configuration
inline constexpr std::string_view kBrown = "#88530B";  ///< underflow, buffers
inline constexpr std::string_view kSky = "#2198DF";    ///< float data, second series
inline constexpr std::string_view kIndigo = "#2D235C"; ///< box bars, code marks
inline constexpr std::string_view kGray = "#767C85";   ///< reference, idle
inline constexpr std::string_view kFaint = "#C9CED4";  ///< dominated
inline constexpr std::string_view kText = "#1E2329";
inline constexpr std::string_view kSecondText = "#59616B";
inline constexpr std::string_view kLine = "#C3C8CE";
inline constexpr std::string_view kGrid = "#D9DDE2";
inline constexpr std::string_view kBand = "#EFF0F2";
} // namespace color

/// "&", "<", ">" and quotes as entities, control characters dropped.
[[nodiscard]] std::string escaped(std::string_view text);

struct Point {
    double x = 0, y = 0;
};

/// How a shape is painted; empty colors are "none".
struct Paint {
    std::string fill;
    std::string stroke;
    double width = 1.0; ///< of the stroke, px
    std::string dashes; ///< "4 3"; empty: solid
    double opacity = 1.0;
};

enum class Anchor { Start, Middle, End };

struct Font {
    double size = 12; ///< px
    std::string fill = std::string(color::kText);
    bool bold = false;
    Anchor anchor = Anchor::Start;
    double turn = 0;   ///< degrees, around the point
    bool halo = false; ///< a white rim, for names over data
};

/// Hatches of the palette: color never stands alone.
enum class Hatch { Clip, Underflow, LanePadding, SpatialEdge, Cpu };

/// Collects elements; y points down.
class Canvas {
public:
    /// `id` makes the names inside unique in a document: letters, digits, "-".
    Canvas(std::string id, double width, double height);

    void line(Point from, Point to, const Paint& paint);
    void polyline(std::span<const Point> points, const Paint& paint);
    void polygon(std::span<const Point> points, const Paint& paint, std::string_view tip = {});
    void rect(Point corner, double width, double height, const Paint& paint,
              std::string_view tip = {});
    void circle(Point center, double radius, const Paint& paint, std::string_view tip = {});
    void diamond(Point center, double radius, const Paint& paint, std::string_view tip = {});
    void text(Point at, std::string_view text, const Font& font = {});
    /// The fill that paints a hatch.
    [[nodiscard]] std::string hatch(Hatch kind) const;

    [[nodiscard]] double width() const { return m_width; }
    [[nodiscard]] double height() const { return m_height; }
    /// The whole document; title and description are read out by screen readers.
    [[nodiscard]] std::string finish(std::string_view title, std::string_view description) const;

private:
    void shape(std::string_view element, const Paint& paint, std::string_view tip);

    std::string m_id;
    double m_width, m_height;
    std::string m_body;
};

/// Values to pixels along one axis.
class Scale {
public:
    /// low < high; logarithmic scales need low > 0.
    Scale(double low, double high, double fromPixel, double toPixel, bool logarithmic = false);
    /// A scale over the values with some air, ends at round numbers. Logarithmic if all values are
    /// positive, `mayBeLogarithmic`, and they span more than a factor of 10.
    [[nodiscard]] static Scale around(std::span<const double> values, double fromPixel,
                                      double toPixel, bool mayBeLogarithmic = false);

    [[nodiscard]] double pixel(double value) const;
    [[nodiscard]] bool isLogarithmic() const { return m_logarithmic; }
    [[nodiscard]] double low() const { return m_low; }
    [[nodiscard]] double high() const { return m_high; }
    /// Round values within, about `count` of them.
    [[nodiscard]] std::vector<double> ticks(int count) const;

private:
    double m_low, m_high, m_from, m_to;
    bool m_logarithmic;
};

/// "0.25", "1,200", "3e+06": as short as the step of `ticks` allows.
[[nodiscard]] std::string tickLabel(double value, std::span<const double> ticks);

struct Box {
    double left = 0, top = 0, right = 0, bottom = 0;
};

/// Frame, grid, tick labels and titles of a plot over `box`.
void drawAxes(Canvas& canvas, const Box& box, const Scale& x, const Scale& y,
              std::string_view titleX, std::string_view titleY);
/// Grid, ticks and title of the horizontal axis alone.
void drawAxisX(Canvas& canvas, const Box& box, const Scale& x, std::string_view title);

/// One row of marks with their names below the plot, left to right, wrapped at the width.
struct LegendEntry {
    enum class Mark { Rect, Circle, Ring, Square, Diamond, Line, Dash } mark = Mark::Rect;
    Paint paint;
    std::string label;
};
/// Returns the height it took.
double drawLegend(Canvas& canvas, Point corner, double width, std::span<const LegendEntry> entries);
/// Height that drawLegend() will take.
[[nodiscard]] double legendHeight(double width, std::span<const LegendEntry> entries);
/// About how wide a text is, px.
[[nodiscard]] double textWidth(std::string_view text, double size);

} // namespace bitscape::project::svg
