// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/numbers.h"
#include "core/project/plots.h"
#include "core/project/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace bitscape::project {

namespace {

using namespace svg; // NOLINT(google-build-using-namespace): the file draws

constexpr std::size_t kMostPanels = 24;
constexpr double kWidth = 960;

double largestMagnitude(std::span<const float> values)
{
    double largest = 0;
    for (const float value : values) {
        largest = std::max(largest, std::abs(static_cast<double>(value)));
    }
    return largest > 0 ? largest : 1.0;
}

/// Counts over `bins` equal bins of [−range, range].
std::vector<double> binned(std::span<const float> values, double range, std::size_t bins)
{
    std::vector<double> counts(bins, 0.0);
    const auto count = static_cast<double>(bins);
    for (const float value : values) {
        const double place = (static_cast<double>(value) / range + 1.0) / 2.0 * count;
        counts[static_cast<std::size_t>(std::clamp(place, 0.0, count - 1))] += 1.0;
    }
    return counts;
}

/// Tops of bins over the box, the fullest at `height`.
std::vector<Point> outline(const std::vector<double>& counts, const Box& box, double height)
{
    const double most = std::max(1.0, *std::max_element(counts.begin(), counts.end()));
    const double pitch = (box.right - box.left) / static_cast<double>(counts.size());
    std::vector<Point> points;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        points.push_back({box.left + (static_cast<double>(i) + 0.5) * pitch,
                          box.bottom - height * counts[i] / most});
    }
    return points;
}

/// Value → how often; values nearer than a thousandth of the range are one level.
std::map<double, double> levelsOf(std::span<const float> values, double range)
{
    const double grain = range / 1000.0;
    std::map<double, double> levels;
    for (const float value : values) {
        levels[std::round(static_cast<double>(value) / grain) * grain] += 1.0;
    }
    return levels;
}

/// Returns whether a clipped range was drawn.
bool drawPanel(Canvas& canvas, const Box& box, const WeightReport& weight)
{
    const double range = largestMagnitude(weight.before->values()) * 1.06;
    const Scale x(-range, range, box.left, box.right);
    const double height = box.bottom - box.top - 6;
    const bool isQuantized = !weight.quantizer.empty();

    canvas.text({box.left, box.top - 9}, weight.layer + " / " + weight.weight,
                {.size = 12, .bold = true});
    canvas.text({box.right, box.top - 9},
                isQuantized ? fmt::format("{} bits, {} dB", weight.bits, fixed(weight.sqnrDb, 1))
                            : std::string("float"),
                {.size = 11, .fill = std::string(color::kSecondText), .anchor = Anchor::End});
    canvas.rect({box.left, box.top}, box.right - box.left, box.bottom - box.top,
                {.fill = "#FFFFFF"});

    const std::map<double, double> levels = levelsOf(weight.after.values(), range);
    bool isClipped = false;
    if (isQuantized && weight.scales.size() == 1) { // with one scale the ends are the same for all
        const double low = levels.begin()->first - weight.scales[0] / 2;
        const double high = levels.rbegin()->first + weight.scales[0] / 2;
        const Paint clip{.fill = canvas.hatch(Hatch::Clip)};
        isClipped = low > -range || high < range;
        if (low > -range) {
            canvas.rect({box.left, box.top}, x.pixel(low) - box.left, box.bottom - box.top, clip);
        }
        if (high < range) {
            canvas.rect({x.pixel(high), box.top}, box.right - x.pixel(high), box.bottom - box.top,
                        clip);
        }
    }
    constexpr std::size_t kBins = 64;
    const std::vector<double> counts = binned(weight.before->values(), range, kBins);
    std::vector<Point> area = outline(counts, box, height);
    area.insert(area.begin(), {box.left, box.bottom});
    area.push_back({box.right, box.bottom});
    canvas.polygon(area, {.fill = "#A9D6F2", .stroke = std::string(color::kSky), .width = 1.2});
    if (isQuantized) {
        double highest = 0;
        for (const auto& [level, count] : levels) {
            highest = std::max(highest, count);
        }
        constexpr std::size_t kMostStems = 40;
        const Paint blue{.stroke = std::string(color::kBlue), .width = 2.0};
        if (levels.size() > kMostStems) { // stems would merge: the outline says it better
            canvas.polyline(outline(binned(weight.after.values(), range, kBins), box, height),
                            {.stroke = std::string(color::kBlue), .width = 1.6});
        }
        for (const auto& [level, count] : levels) {
            if (levels.size() <= kMostStems) {
                const Point top{x.pixel(level), box.bottom - height * count / highest};
                canvas.line({top.x, box.bottom}, top, blue);
                canvas.circle(top, 2.4, {.fill = std::string(color::kBlue)});
            }
        }
    }
    canvas.line({box.left, box.bottom}, {box.right, box.bottom},
                {.stroke = std::string(color::kLine)});
    const std::vector<double> ticks = x.ticks(5);
    for (const double tick : ticks) {
        canvas.line({x.pixel(tick), box.bottom}, {x.pixel(tick), box.bottom + 4},
                    {.stroke = std::string(color::kLine)});
        canvas.text({x.pixel(tick), box.bottom + 16}, tickLabel(tick, ticks),
                    {.size = 10.5, .anchor = Anchor::Middle});
    }
    return isClipped;
}

double quantile(const std::vector<double>& sorted, double share)
{
    const double at = share * static_cast<double>(sorted.size() - 1);
    const auto low = static_cast<std::size_t>(at);
    const std::size_t high = std::min(low + 1, sorted.size() - 1);
    return sorted[low] + (at - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

std::string shortened(const std::string& name, std::size_t most)
{
    return name.size() <= most ? name : name.substr(0, most - 1) + "\u2026";
}

} // namespace

Figure weightFigure(const ReportData& data)
{
    constexpr std::size_t kColumns = 3;
    constexpr double kPanelWidth = 288;
    constexpr double kPanelHeight = 118;
    constexpr double kGap = 32;
    constexpr double kRow = kPanelHeight + 56;
    const std::size_t count = std::min(data.weights.size(), kMostPanels);
    const std::size_t rows = (count + kColumns - 1) / kColumns;
    const bool isQuantized =
        std::any_of(data.weights.begin(), data.weights.end(),
                    [](const WeightReport& weight) { return !weight.quantizer.empty(); });
    std::vector<LegendEntry> legend{{LegendEntry::Mark::Rect,
                                     {.fill = "#A9D6F2", .stroke = std::string(color::kSky)},
                                     "float weights"}};
    if (isQuantized) {
        legend.push_back({LegendEntry::Mark::Circle,
                          {.fill = std::string(color::kBlue)},
                          "levels after quantization"});
    }
    bool isClipped = false;
    Canvas canvas("weights", kWidth, static_cast<double>(rows) * kRow + 44);
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t row = i / kColumns;
        const double left = static_cast<double>(i % kColumns) * (kPanelWidth + kGap) + 16;
        const double top = static_cast<double>(row) * kRow + 26;
        const Box box{left, top, left + kPanelWidth, top + kPanelHeight};
        isClipped = drawPanel(canvas, box, data.weights[i]) || isClipped;
    }
    if (isClipped) {
        legend.push_back(
            {LegendEntry::Mark::Rect,
             {.fill = canvas.hatch(Hatch::Clip), .stroke = std::string(color::kOrange)},
             "clipped"});
    }
    drawLegend(canvas, {16, static_cast<double>(rows) * kRow + 14}, kWidth, legend);
    Figure figure;
    figure.id = "weights";
    figure.title = isQuantized ? "Weights before and after quantization" : "Weights";
    figure.caption =
        "Weight value on x; each distribution is drawn to its own maximum." +
        std::string(isQuantized ? " Bits and signal to quantization noise stand above." : "") +
        (count < data.weights.size()
             ? fmt::format(" The first {} of {} tensors are shown.", count, data.weights.size())
             : std::string());
    figure.svg = canvas.finish(figure.title, figure.caption);
    return figure;
}

Figure scaleFigure(const ReportData& data)
{
    std::vector<const WeightReport*> tensors;
    std::vector<double> logs;
    for (const WeightReport& weight : data.weights) {
        const bool isUsable = std::all_of(weight.scales.begin(), weight.scales.end(),
                                          [](double scale) { return scale > 0; });
        if (!weight.scales.empty() && isUsable) {
            tensors.push_back(&weight);
            for (const double scale : weight.scales) {
                logs.push_back(std::log2(scale));
            }
        }
    }
    const Box box{64, 14, 940, 274};
    Canvas canvas("scales", kWidth, 350);
    const Scale y = Scale::around(logs, box.bottom, box.top);
    const std::vector<double> ticks = y.ticks(6);
    for (const double tick : ticks) {
        canvas.line({box.left, y.pixel(tick)}, {box.right, y.pixel(tick)},
                    {.stroke = std::string(color::kGrid), .dashes = "2 3"});
        canvas.text({box.left - 8, y.pixel(tick) + 4}, tickLabel(tick, ticks),
                    {.size = 11, .anchor = Anchor::End});
    }
    canvas.rect({box.left, box.top}, box.right - box.left, box.bottom - box.top,
                {.stroke = std::string(color::kLine)});
    canvas.text({14, (box.top + box.bottom) / 2}, "log2 of the step",
                {.fill = std::string(color::kSecondText), .anchor = Anchor::Middle, .turn = -90});
    const double pitch = (box.right - box.left) / static_cast<double>(tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const double center = box.left + (static_cast<double>(i) + 0.5) * pitch;
        const double half = std::min(26.0, pitch * 0.32);
        std::vector<double> sorted;
        for (std::size_t c = 0; c < tensors[i]->scales.size(); ++c) {
            const double value = std::log2(tensors[i]->scales[c]);
            sorted.push_back(value);
            // Spread over the box so that equal scales stay countable; by index, not by chance.
            const double spread =
                tensors[i]->scales.size() > 1
                    ? (static_cast<double>((c * 7) % 11) / 10.0 - 0.5) * 1.5 * half
                    : 0.0;
            canvas.circle({center + spread, y.pixel(value)}, 2.6,
                          {.fill = std::string(color::kSky), .opacity = 0.75},
                          fmt::format("{} channel {}: step {:.4g}", tensors[i]->layer, c,
                                      tensors[i]->scales[c]));
        }
        std::sort(sorted.begin(), sorted.end());
        const double upper = y.pixel(quantile(sorted, 0.75));
        const double lower = y.pixel(quantile(sorted, 0.25));
        const Paint frame{.stroke = std::string(color::kBlue), .width = 1.5};
        canvas.rect({center - half, upper}, 2 * half, lower - upper, frame);
        const double middle = y.pixel(quantile(sorted, 0.5));
        canvas.line({center - half, middle}, {center + half, middle}, frame);
        canvas.text({center + 4, box.bottom + 18}, shortened(tensors[i]->layer, 18),
                    {.size = 11, .anchor = Anchor::End, .turn = -35});
    }
    Figure figure;
    figure.id = "scales";
    figure.title = "Scales per channel";
    figure.caption = "One dot per channel: the distance of two neighboring levels. Boxes span the "
                     "quartiles, the line is the median.";
    figure.svg = canvas.finish(figure.title, figure.caption);
    return figure;
}

namespace {

/// Ends of what a quantizer of single values can represent.
std::optional<std::pair<double, double>> representable(const quant::Quantizer& quantizer)
{
    if (!quantizer.isElementwise() || quantizer.needsRange()) {
        return std::nullopt;
    }
    const std::array<float, 2> ends{-1e12F, 1e12F};
    Tensor values(Shape{2}, ends);
    quantizer.apply(values.view(), values.mutableView(), {});
    const double low = values.values()[0];
    const double high = values.values()[1];
    if (!(low < high) || std::abs(low) > 1e9 || std::abs(high) > 1e9) {
        return std::nullopt;
    }
    return std::pair(low, high);
}

/// Range that holds all but `share` of the values at each end.
std::pair<double, double> inner(const search::TensorStatistics& tensor, double share)
{
    constexpr int kBins = search::TensorStatistics::kBins;
    const double width = 2.0 * tensor.range / kBins;
    const double cut = share * static_cast<double>(tensor.count);
    const auto find = [&](bool fromLow) {
        double seen = 0;
        for (int i = 0; i < kBins; ++i) {
            const int bin = fromLow ? i : kBins - 1 - i;
            seen += static_cast<double>(tensor.histogram[static_cast<std::size_t>(bin)]);
            if (seen > cut) {
                return -tensor.range + width * (fromLow ? bin : bin + 1);
            }
        }
        return 0.0;
    };
    return {std::max(find(true), tensor.minimum), std::min(find(false), tensor.maximum)};
}

} // namespace

Figure activationFigure(const ReportData& data)
{
    const search::Calibration& calibration = *data.project->calibration;
    const graph::Configuration& configuration = data.project->currentConfiguration().configuration;
    const std::size_t count = std::min(calibration.tensors.size(), 2 * kMostPanels);
    constexpr double kRow = 40;
    const Box box{170, 8, 940, 8 + kRow * static_cast<double>(count)};
    std::vector<double> ends{0.0};
    for (std::size_t i = 0; i < count; ++i) {
        const auto [low, high] = inner(calibration.tensors[i], 0.0005);
        ends.push_back(low);
        ends.push_back(high);
    }
    const std::vector<LegendEntry> legend{
        {LegendEntry::Mark::Rect,
         {.fill = "#A9D6F2", .stroke = std::string(color::kSky)},
         "outputs of the float network"},
        {LegendEntry::Mark::Rect, {.fill = std::string(color::kBand)}, "representable range"},
        {LegendEntry::Mark::Line,
         {.stroke = std::string(color::kIndigo), .width = 3},
         "all but 0.1 % of the values"}};
    Canvas canvas("activations", kWidth, box.bottom + 78);
    const Scale x = Scale::around(ends, box.left, box.right);
    const auto inside = [&](double value) {
        return std::clamp(x.pixel(value), box.left, box.right);
    };
    drawAxisX(canvas, box, x, "Output value");
    for (std::size_t i = 0; i < count; ++i) {
        const search::TensorStatistics& tensor = calibration.tensors[i];
        const double base = box.top + kRow * static_cast<double>(i + 1) - 6;
        canvas.text({box.left - 10, base - 10}, shortened(tensor.layer, 22),
                    {.size = 11.5, .anchor = Anchor::End});
        const quant::QuantizerPtr quantizer =
            configuration.find(tensor.layer, graph::Slot::Activation);
        if (const auto band = quantizer ? representable(*quantizer) : std::nullopt) {
            canvas.rect({inside(band->first), base - kRow + 8},
                        inside(band->second) - inside(band->first), kRow - 8,
                        {.fill = std::string(color::kBand)},
                        fmt::format("{}: {}", tensor.layer, quantizer->toString()));
        }
        // Density per column of 4 pixels; square roots, as zeros alone would hide the rest.
        constexpr int kBins = search::TensorStatistics::kBins;
        const auto columns = static_cast<std::size_t>((box.right - box.left) / 4);
        std::vector<double> density(columns, 0.0);
        for (int bin = 0; bin < kBins; ++bin) {
            const double value = -tensor.range + 2.0 * tensor.range * (bin + 0.5) / kBins;
            const double place = (x.pixel(value) - box.left) / 4;
            if (place >= 0 && place < static_cast<double>(columns)) {
                density[static_cast<std::size_t>(place)] +=
                    static_cast<double>(tensor.histogram[static_cast<std::size_t>(bin)]);
            }
        }
        std::transform(density.begin(), density.end(), density.begin(),
                       [](double counted) { return std::sqrt(counted); });
        const double most = std::max(1e-9, *std::max_element(density.begin(), density.end()));
        // The area ends where the values do.
        const auto isFilled = [](double height) { return height > 0; };
        const auto first = std::find_if(density.begin(), density.end(), isFilled);
        const auto last = std::find_if(density.rbegin(), density.rend(), isFilled).base();
        std::vector<Point> area;
        for (auto column = first; column < last; ++column) {
            const double left = box.left + 4.0 * static_cast<double>(column - density.begin());
            if (area.empty()) {
                area.push_back({left, base});
            }
            area.push_back({left + 2, base - (kRow - 14) * *column / most});
        }
        if (!area.empty()) {
            area.push_back({area.back().x + 2, base});
            canvas.polygon(area,
                           {.fill = "#A9D6F2", .stroke = std::string(color::kSky), .width = 1});
        }
        canvas.line({box.left, base}, {box.right, base}, {.stroke = std::string(color::kGrid)});
        const auto [low, high] = inner(tensor, 0.0005);
        canvas.line({inside(low), base + 2}, {inside(high), base + 2},
                    {.stroke = std::string(color::kIndigo), .width = 3});
    }
    canvas.rect({box.left, box.top}, box.right - box.left, box.bottom - box.top,
                {.stroke = std::string(color::kLine)});
    drawLegend(canvas, {box.left, box.bottom + 48}, box.right - box.left, legend);
    Figure figure;
    figure.id = "activations";
    figure.title = "Outputs per layer";
    figure.caption = fmt::format(
        "From {} samples; heights are square roots of counts, each row to its own maximum.{}",
        grouped(static_cast<double>(calibration.samples)),
        count < calibration.tensors.size() ? fmt::format(" The first {} of {} tensors are shown.",
                                                         count, calibration.tensors.size())
                                           : std::string());
    figure.svg = canvas.finish(figure.title, figure.caption);
    return figure;
}

} // namespace bitscape::project
