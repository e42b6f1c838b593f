// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/project/numbers.h"
#include "core/project/plots.h"
#include "core/project/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <span>

namespace bitscape::project {

namespace {

using namespace svg; // NOLINT(google-build-using-namespace): the file draws

struct AxisInfo {
    const char* id;
    const char* title;                    ///< of the plot
    const char* label;                    ///< of the axis
    double (*value)(const search::Cost&); ///< cost.bits: packed weights
};

AxisInfo axisInfo(CostAxis axis)
{
    switch (axis) {
    case CostAxis::Energy:
        return {"accuracy-energy", "Accuracy against energy", "Energy per inference, QTools (nJ)",
                [](const search::Cost& cost) { return cost.energyPicojoule / 1e3; }};
    case CostAxis::Cycles:
        return {"accuracy-cycles", "Accuracy against cycles",
                "Cycles per inference, estimate (thousands)",
                [](const search::Cost& cost) { return cost.cycles / 1e3; }};
    case CostAxis::WeightBits:
        break;
    }
    return {"accuracy-bits", "Accuracy against weight memory", "Packed weights (KiB)",
            [](const search::Cost& cost) { return cost.bits / 8192.0; }};
}

struct Mark {
    double x = 0, y = 0; ///< y in percent
    std::string tip;
    std::size_t study = 0;
};

/// Marks that no other dominates (y up, x down), by x.
std::vector<Mark> frontOf(std::vector<Mark> marks)
{
    std::stable_sort(marks.begin(), marks.end(), [](const Mark& a, const Mark& b) {
        return a.x != b.x ? a.x < b.x : a.y > b.y;
    });
    std::vector<Mark> front;
    for (const Mark& mark : marks) {
        if (front.empty() || mark.y > front.back().y) {
            front.push_back(mark);
        }
    }
    return front;
}

std::vector<Mark> trialMarks(const ReportData& data, const AxisInfo& axis)
{
    std::vector<Mark> marks;
    for (const TrialReport& row : data.trials) {
        const search::Trial& trial = *row.trial;
        if (trial.state != search::TrialState::Complete) {
            continue;
        }
        search::Cost cost = trial.cost;
        cost.bits = row.packedBits;
        Mark& mark = marks.emplace_back();
        mark.x = axis.value(cost);
        mark.y = 100.0 * trial.metric;
        mark.tip = fmt::format("trial {}: {} \u00b1 {} pt, {} packed, {}", trial.number,
                               percent(trial.metric), fixed(100.0 * trial.metricError, 2),
                               memory(cost.bits), energy(cost.energyPicojoule));
        mark.study = row.study;
    }
    return marks;
}

struct Reference {
    Mark mark;
    std::string label;
    bool isCurrent = false;
};

std::vector<Reference> referencesOf(const ReportData& data, const AxisInfo& axis)
{
    std::vector<Reference> references;
    for (const ReferenceReport& row : data.configurations) {
        if (!row.measured || row.isStale) {
            continue;
        }
        Reference& reference = references.emplace_back();
        reference.mark.x = axis.value(row.cost);
        reference.mark.y = 100.0 * row.measured->accuracy;
        reference.mark.tip =
            fmt::format("{}: {}, {} packed, {}", row.name, percent(row.measured->accuracy),
                        memory(row.cost.bits), energy(row.cost.energyPicojoule));
        reference.label = row.name;
        reference.isCurrent = row.isCurrent;
    }
    return references;
}

/// A lower end of the accuracy axis that keeps the interesting part readable: failed trials far
/// below the others are counted in words instead.
double accuracyFloor(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    const double top = values.back();
    const double median = values[values.size() / 2];
    const double wanted = top - 4.0 * std::max(top - median, 0.25);
    return std::max(values.front(), wanted);
}

void drawTrial(Canvas& canvas, Point at, std::size_t study, const Paint& paint,
               const std::string& tip)
{
    if (study % 2 == 0) {
        canvas.circle(at, 3.2, paint, tip);
    } else {
        canvas.diamond(at, 4.2, paint, tip);
    }
}

void drawFront(Canvas& canvas, const Box& box, const Scale& x, const Scale& y,
               const std::vector<Mark>& front)
{
    const Paint paint{.stroke = std::string(color::kGreen), .width = 2};
    std::vector<Point> steps;
    for (const Mark& mark : front) {
        if (mark.y < y.low()) {
            continue;
        }
        const Point at{x.pixel(mark.x), y.pixel(mark.y)};
        if (!steps.empty()) {
            steps.push_back({at.x, steps.back().y});
        }
        steps.push_back(at);
    }
    if (steps.empty()) {
        return;
    }
    steps.insert(steps.begin(), {steps.front().x, box.bottom});
    steps.push_back({box.right, steps.back().y});
    canvas.polyline(steps, paint);
    for (const Mark& mark : front) {
        if (mark.y >= y.low()) {
            canvas.rect({x.pixel(mark.x) - 4, y.pixel(mark.y) - 4}, 8, 8,
                        {.fill = std::string(color::kGreen)}, mark.tip);
        }
    }
}

/// Markers with their names; names that would overlap go below one another.
void drawReferences(Canvas& canvas, const Box& box, const Scale& x, const Scale& y,
                    const std::vector<Reference>& references)
{
    constexpr double kSize = 11;
    constexpr double kLine = 14;
    std::vector<Box> taken;
    for (const Reference& reference : references) {
        const Point at{x.pixel(reference.mark.x), y.pixel(reference.mark.y)};
        if (reference.isCurrent) {
            canvas.circle(at, 7, {.stroke = std::string(color::kPurple), .width = 2.5},
                          reference.mark.tip);
        } else {
            canvas.diamond(at, 6,
                           {.fill = "#FFFFFF", .stroke = std::string(color::kText), .width = 1.5},
                           reference.mark.tip);
        }
        const bool isRight = at.x > (box.left + box.right) / 2;
        const double width = textWidth(reference.label, kSize);
        Box place{isRight ? at.x - 11 - width : at.x + 11, at.y - 9 - kSize,
                  isRight ? at.x - 11 : at.x + 11 + width, at.y - 9};
        const auto overlaps = [&](const Box& other) {
            return place.left < other.right && other.left < place.right &&
                   place.top < other.bottom && other.top < place.bottom;
        };
        while (std::any_of(taken.begin(), taken.end(), overlaps)) {
            place.top += kLine;
            place.bottom += kLine;
        }
        taken.push_back(place);
        canvas.text({isRight ? place.right : place.left, place.bottom}, reference.label,
                    {.size = kSize, .anchor = isRight ? Anchor::End : Anchor::Start, .halo = true});
    }
}

} // namespace

Figure accuracyFigure(const ReportData& data, CostAxis kind)
{
    const AxisInfo axis = axisInfo(kind);
    const std::vector<Mark> marks = trialMarks(data, axis);
    const std::vector<Reference> references = referencesOf(data, axis);
    const std::vector<Mark> front = frontOf(marks);

    std::vector<double> costs;
    std::vector<double> accuracies;
    for (const Mark& mark : marks) {
        costs.push_back(mark.x);
        accuracies.push_back(mark.y);
    }
    for (const Reference& reference : references) {
        costs.push_back(reference.mark.x);
        accuracies.push_back(reference.mark.y);
    }
    const double floor = accuracies.empty() ? 0.0 : accuracyFloor(accuracies);
    const auto below =
        std::count_if(marks.begin(), marks.end(), [&](const Mark& mark) { return mark.y < floor; });
    std::erase_if(accuracies, [&](double value) { return value < floor; });

    std::vector<LegendEntry> legend{
        {LegendEntry::Mark::Circle, {.fill = std::string(color::kFaint)}, "trial"},
        {LegendEntry::Mark::Square, {.fill = std::string(color::kGreen)}, "front"}};
    if (!references.empty()) {
        legend.push_back({LegendEntry::Mark::Diamond,
                          {.fill = "#FFFFFF", .stroke = std::string(color::kText), .width = 1.5},
                          "reference"});
        legend.push_back({LegendEntry::Mark::Ring,
                          {.stroke = std::string(color::kPurple), .width = 2.5},
                          "current configuration"});
    }
    const Box box{64, 14, 620, 304};
    const double legendTop = box.bottom + 46;
    Canvas canvas(axis.id, 640, legendTop + legendHeight(box.right - box.left, legend) + 4);
    const Scale x = Scale::around(costs, box.left, box.right, true);
    const Scale y = Scale::around(accuracies, box.bottom, box.top);
    drawAxes(canvas, box, x, y, axis.label, "Top-1 accuracy (%)");

    std::set<std::pair<double, double>> onFront;
    for (const Mark& mark : front) {
        onFront.insert({mark.x, mark.y});
    }
    for (const Mark& mark : marks) {
        if (mark.y >= y.low() && !onFront.contains({mark.x, mark.y})) {
            drawTrial(canvas, {x.pixel(mark.x), y.pixel(mark.y)}, mark.study,
                      {.fill = std::string(color::kFaint)}, mark.tip);
        }
    }
    drawFront(canvas, box, x, y, front);
    drawReferences(canvas, box, x, y, references);
    if (below > 0) {
        canvas.text(
            {box.right - 8, box.bottom - 8},
            fmt::format("{} of {} trials lie below {} %", below, marks.size(), fixed(y.low(), 1)),
            {.size = 11,
             .fill = std::string(color::kSecondText),
             .anchor = Anchor::End,
             .halo = true});
    }
    drawLegend(canvas, {box.left, legendTop}, box.right - box.left, legend);

    Figure figure;
    figure.id = axis.id;
    figure.title = axis.title;
    figure.caption = fmt::format(
        "{} finished; the front of this plot has {}. Trials are judged on the validation part, "
        "references on the data named in the table of configurations.",
        counted(marks.size(), "trial"), counted(front.size(), "trial"));
    figure.svg = canvas.finish(axis.title, figure.caption);
    return figure;
}

namespace {

/// A series over epochs or steps, in units of the axes.
struct Curve {
    std::vector<Point> values;
    Paint paint;
    bool isMarked = false;
};

void drawCurves(Canvas& canvas, const Box& box, const char* titleX, const char* titleY,
                std::span<const Curve> curves)
{
    std::vector<double> values;
    double first = std::numeric_limits<double>::max();
    double last = 0;
    for (const Curve& curve : curves) {
        for (const Point& point : curve.values) {
            values.push_back(point.y);
            first = std::min(first, point.x);
            last = std::max(last, point.x);
        }
    }
    if (values.empty()) {
        return;
    }
    const Scale x(std::min(first, last - 1), last, box.left, box.right);
    const Scale y = Scale::around(values, box.bottom, box.top);
    drawAxes(canvas, box, x, y, titleX, titleY);
    for (const Curve& curve : curves) {
        std::vector<Point> points;
        for (const Point& point : curve.values) {
            points.push_back({x.pixel(point.x), y.pixel(point.y)});
        }
        canvas.polyline(points, curve.paint);
        if (curve.isMarked || points.size() == 1) {
            for (const Point& point : points) {
                canvas.circle(point, 3, {.fill = curve.paint.stroke});
            }
        }
    }
}

} // namespace

Figure trainingFigure(const ReportData& data)
{
    const std::vector<train::HistoryEntry>& history = data.project->trainingHistory;
    const bool isPerStep = history.size() > 1 && history[0].epoch == history[1].epoch;
    const auto curve = [&](auto value, double factor, const Paint& paint, bool isMarked) {
        Curve made{{}, paint, isMarked && !isPerStep};
        for (const train::HistoryEntry& entry : history) {
            const std::optional<double> found = value(entry);
            if (found && std::isfinite(*found)) {
                made.values.push_back(
                    {static_cast<double>(isPerStep ? entry.step : entry.epoch), factor * *found});
            }
        }
        return made;
    };
    using Entry = train::HistoryEntry;
    const Paint thin{.stroke = std::string(color::kSky), .width = 1.5};
    const Paint bold{.stroke = std::string(color::kBlue), .width = 2.5};
    const std::array<Curve, 2> losses{
        curve([](const Entry& entry) { return std::optional(entry.loss); }, 1, thin, false),
        curve([](const Entry& entry) { return entry.validationLoss; }, 1, bold, true)};
    const std::array<Curve, 2> accuracies{
        curve([](const Entry& entry) { return entry.accuracy; }, 100, thin, false),
        curve([](const Entry& entry) { return entry.validationAccuracy; }, 100, bold, true)};

    const Box lossBox{64, 14, 306, 234};
    const Box accuracyBox{382, 14, 624, 234};
    const char* titleX = isPerStep ? "Step" : "Epoch";
    Canvas canvas("training", 640, lossBox.bottom + 72);
    drawCurves(canvas, lossBox, titleX, "Loss", losses);
    drawCurves(canvas, accuracyBox, titleX, "Accuracy (%)", accuracies);
    const std::array<LegendEntry, 2> legend{{{LegendEntry::Mark::Line, thin, "training"},
                                             {LegendEntry::Mark::Line, bold, "validation"}}};
    drawLegend(canvas, {lossBox.left, lossBox.bottom + 48}, 500, legend);
    Figure figure;
    figure.id = "training";
    figure.title = "Training of the float network";
    figure.caption = counted(history.size(), isPerStep ? "step" : "epoch") + ".";
    figure.svg = canvas.finish(figure.title, figure.caption);
    return figure;
}

std::vector<Figure> figures(const ReportData& data)
{
    std::vector<Figure> all;
    const bool hasTrials = std::any_of(data.project->studies.begin(), data.project->studies.end(),
                                       [](const auto& study) { return study->best() != nullptr; });
    if (!data.project->trainingHistory.empty()) {
        all.push_back(trainingFigure(data));
    }
    if (hasTrials) {
        all.push_back(accuracyFigure(data, CostAxis::WeightBits));
        all.push_back(accuracyFigure(data, CostAxis::Energy));
        all.push_back(accuracyFigure(data, CostAxis::Cycles));
    }
    if (!data.weights.empty()) {
        all.push_back(weightFigure(data));
    }
    if (std::any_of(data.weights.begin(), data.weights.end(),
                    [](const WeightReport& weight) { return !weight.scales.empty(); })) {
        all.push_back(scaleFigure(data));
    }
    if (data.project->calibration && !data.project->calibration->tensors.empty()) {
        all.push_back(activationFigure(data));
    }
    if (data.hardware && !data.hardware->layers.empty()) {
        all.push_back(utilizationFigure(data));
        all.push_back(energyFigure(data));
    }
    return all;
}

} // namespace bitscape::project
