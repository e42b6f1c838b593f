// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/numbers.h"
#include "core/project/plots.h"
#include "core/project/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace bitscape::project {

namespace {

using namespace svg; // NOLINT(google-build-using-namespace): the file draws

constexpr double kWidth = 960;
constexpr std::size_t kMostRows = 60;

/// Rows that take cycles, in graph order; the costliest ones if there are too many.
std::vector<const hw::LayerCost*> workingRows(const hw::NetworkCost& cost)
{
    std::vector<const hw::LayerCost*> rows;
    for (const hw::LayerCost& layer : cost.layers) {
        if (layer.engine != hw::EngineKind::Free && layer.cycles > 0) {
            rows.push_back(&layer);
        }
    }
    if (rows.size() > kMostRows) {
        std::vector<const hw::LayerCost*> costly = rows;
        std::nth_element(costly.begin(), costly.begin() + kMostRows, costly.end(),
                         [](const auto* a, const auto* b) { return a->cycles > b->cycles; });
        const std::int64_t least = costly[kMostRows]->cycles;
        std::erase_if(rows, [&](const auto* row) { return row->cycles <= least; });
    }
    return rows;
}

std::string shownPart(std::size_t shown, const hw::NetworkCost& cost)
{
    const auto working = std::count_if(cost.layers.begin(), cost.layers.end(), [](const auto& l) {
        return l.engine != hw::EngineKind::Free && l.cycles > 0;
    });
    return static_cast<std::size_t>(working) == shown
               ? std::string()
               : fmt::format(" The {} costliest of {} rows are shown.", shown, working);
}

struct Part {
    const char* label;
    double share = 0; ///< of the row's bar
    Paint paint;
};

/// Segments of a row's bar; they sum to 1.
std::vector<Part> slotParts(const Canvas& canvas, const hw::LayerCost& row)
{
    if (row.engine == hw::EngineKind::Cpu) {
        return {{"CPU fallback", 1.0, {.fill = canvas.hatch(Hatch::Cpu)}}};
    }
    double offered = 0;
    for (const std::int64_t part : row.slotParts) {
        offered += static_cast<double>(part);
    }
    if (offered <= 0) {
        return {};
    }
    // The temporal part divides into waiting for memory and what the pipeline itself costs.
    const double temporal = static_cast<double>(row.slotParts[3]) / offered;
    const double stalled = static_cast<double>(
        std::max<std::int64_t>(0, row.stallFirstLoad + row.stallLastStore + row.stallSteady));
    const double idle = static_cast<double>(std::max<std::int64_t>(1, row.cycles - row.issueSlots));
    const double waiting = temporal * std::min(1.0, stalled / idle);
    return {{"useful",
             static_cast<double>(row.slotParts[0]) / offered,
             {.fill = std::string(color::kBlue)}},
            {"lane padding",
             static_cast<double>(row.slotParts[1]) / offered,
             {.fill = canvas.hatch(Hatch::LanePadding)}},
            {"spatial edge",
             static_cast<double>(row.slotParts[2]) / offered,
             {.fill = canvas.hatch(Hatch::SpatialEdge)}},
            {"set-up and pipeline", temporal - waiting, {.fill = std::string(color::kGray)}},
            {"memory stall", waiting, {.fill = canvas.hatch(Hatch::Clip)}}};
}

std::string modeText(const hw::LayerCost& row)
{
    return row.engine == hw::EngineKind::Cpu
               ? "CPU"
               : fmt::format("\u00d7{}  w{} a{}", row.lanes, row.weightBits, row.inputBits);
}

/// Heights that sum to about `total`, in proportion to the cycles but readable.
std::vector<double> barHeights(const std::vector<const hw::LayerCost*>& rows, double total)
{
    double cycles = 0;
    for (const hw::LayerCost* row : rows) {
        cycles += static_cast<double>(row->cycles);
    }
    std::vector<double> heights;
    heights.reserve(rows.size());
    for (const hw::LayerCost* row : rows) {
        heights.push_back(std::max(15.0, total * static_cast<double>(row->cycles) / cycles));
    }
    return heights;
}

struct EnergyPart {
    const char* label;
    std::string_view fill;
    std::vector<std::size_t> parts; ///< indices of hw::kEnergyParts
};

const std::vector<EnergyPart>& energyParts()
{
    static const std::vector<EnergyPart> parts{{"multipliers", color::kBlue, {0}},
                                               {"accumulate", color::kSky, {1}},
                                               {"registers", color::kGreen, {2}},
                                               {"buffers", color::kBrown, {3, 4, 5}},
                                               {"backing memory", color::kOrange, {6}},
                                               {"requantize", color::kPurple, {7}},
                                               {"CPU", color::kGray, {8}}};
    return parts;
}

} // namespace

Figure utilizationFigure(const ReportData& data)
{
    const hw::NetworkCost& cost = *data.hardware;
    const std::vector<const hw::LayerCost*> rows = workingRows(cost);
    const std::vector<double> heights = barHeights(rows, 260);
    constexpr double kGap = 5;
    double bottom = 30;
    for (const double height : heights) {
        bottom += height + kGap;
    }
    const Box box{170, 30, 760, bottom};
    Canvas canvas("utilization", kWidth, bottom + 76);
    const Scale x(0, 100, box.left, box.right);
    drawAxisX(canvas, box, x, "Share of the offered lane-slots (%)");
    const Font head{.size = 11, .fill = std::string(color::kSecondText)};
    canvas.text({box.right + 14, 18}, "mode, bits", head);
    canvas.text({kWidth - 12, 18}, "cycles",
                {.size = 11, .fill = std::string(color::kSecondText), .anchor = Anchor::End});
    double top = box.top + kGap / 2;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const hw::LayerCost& row = *rows[i];
        const double middle = top + heights[i] / 2 + 4;
        double share = 0;
        for (const Part& part : slotParts(canvas, row)) {
            if (part.share > 0) {
                canvas.rect(
                    {x.pixel(100 * share), top},
                    x.pixel(100 * (share + part.share)) - x.pixel(100 * share), heights[i],
                    part.paint,
                    fmt::format("{}: {} {}", row.layer, part.label, percent(part.share, 1)));
            }
            share += part.share;
        }
        canvas.text({box.left - 10, middle}, row.layer, {.size = 11.5, .anchor = Anchor::End});
        canvas.text({box.right + 14, middle}, modeText(row), {.size = 11.5});
        canvas.text({kWidth - 12, middle}, grouped(static_cast<double>(row.cycles)),
                    {.size = 11.5, .anchor = Anchor::End});
        top += heights[i] + kGap;
    }
    canvas.rect({box.left, box.top}, box.right - box.left, box.bottom - box.top,
                {.stroke = std::string(color::kLine)});
    using Mark = LegendEntry::Mark;
    const auto filled = [&](const std::string& fill, std::string_view stroke) {
        return Paint{.fill = fill, .stroke = std::string(stroke), .width = 0.5};
    };
    const std::vector<LegendEntry> legend{
        {Mark::Rect, filled(std::string(color::kBlue), color::kBlue), "useful"},
        {Mark::Rect, filled(canvas.hatch(Hatch::LanePadding), color::kBlue), "lane padding"},
        {Mark::Rect, filled(canvas.hatch(Hatch::SpatialEdge), color::kBlue), "spatial edge"},
        {Mark::Rect, filled(std::string(color::kGray), color::kGray), "set-up and pipeline"},
        {Mark::Rect, filled(canvas.hatch(Hatch::Clip), color::kOrange), "memory stall"},
        {Mark::Rect, filled(canvas.hatch(Hatch::Cpu), color::kGray), "CPU fallback"}};
    drawLegend(canvas, {box.left, box.bottom + 46}, kWidth - box.left, legend);
    Figure figure;
    figure.id = "utilization";
    figure.title = "Where the lane-slots go";
    figure.caption = "One bar per layer; its height grows with its share of the cycles." +
                     shownPart(rows.size(), cost);
    figure.svg = canvas.finish(figure.title, figure.caption);
    return figure;
}

Figure energyFigure(const ReportData& data)
{
    const hw::NetworkCost& cost = *data.hardware;
    const std::vector<const hw::LayerCost*> rows = workingRows(cost);
    constexpr double kRow = 26;
    const Box box{170, 10, 860, 10 + kRow * static_cast<double>(rows.size())};
    const auto reference = [&](const hw::LayerCost& row) {
        if (data.fixed16) {
            for (const hw::LayerCost& other : data.fixed16->layers) {
                if (other.layer == row.layer) {
                    return other.totalEnergyPicojoule() / 1e3;
                }
            }
        }
        return 0.0;
    };
    double highest = 0;
    for (const hw::LayerCost* row : rows) {
        highest = std::max({highest, row->totalEnergyPicojoule() / 1e3, reference(*row)});
    }
    Canvas canvas("energy", kWidth, box.bottom + 92);
    const Scale x(0, highest > 0 ? highest * 1.05 : 1.0, box.left, box.right);
    drawAxisX(canvas, box, x, "Energy per inference, estimate (nJ)");
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const hw::LayerCost& row = *rows[i];
        const double top = box.top + kRow * static_cast<double>(i) + 5;
        double sum = 0;
        for (const EnergyPart& part : energyParts()) {
            double value = 0;
            for (const std::size_t index : part.parts) {
                value += row.energyPicojoule[index] / 1e3;
            }
            if (value > 0) {
                canvas.rect({x.pixel(sum), top}, x.pixel(sum + value) - x.pixel(sum), kRow - 10,
                            {.fill = std::string(part.fill)},
                            fmt::format("{}: {} {}", row.layer, part.label, energy(value * 1e3)));
            }
            sum += value;
        }
        if (const double fixed = reference(row); fixed > 0) {
            canvas.line({x.pixel(fixed), top - 3}, {x.pixel(fixed), top + kRow - 7},
                        {.stroke = std::string(color::kText), .width = 2});
        }
        canvas.text({box.left - 10, top + 12}, row.layer, {.size = 11.5, .anchor = Anchor::End});
        canvas.text({kWidth - 12, top + 12}, energy(row.totalEnergyPicojoule()),
                    {.size = 11.5, .anchor = Anchor::End});
    }
    canvas.rect({box.left, box.top}, box.right - box.left, box.bottom - box.top,
                {.stroke = std::string(color::kLine)});
    std::vector<LegendEntry> legend;
    for (const EnergyPart& part : energyParts()) {
        legend.push_back({LegendEntry::Mark::Rect, {.fill = std::string(part.fill)}, part.label});
    }
    legend.push_back({LegendEntry::Mark::Line,
                      {.stroke = std::string(color::kText), .width = 2},
                      "same layer, fixed 16 bit"});
    drawLegend(canvas, {box.left, box.bottom + 46}, kWidth - box.left, legend);
    Figure figure;
    figure.id = "energy";
    figure.title = "Energy per layer";
    figure.caption =
        "Parts of the accelerator's energy, by the hardware model." + shownPart(rows.size(), cost);
    figure.svg = canvas.finish(figure.title, figure.caption);
    return figure;
}

} // namespace bitscape::project
