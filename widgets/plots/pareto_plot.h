// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/plots/plot.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace bitscape::widgets {

/// What accuracy is shown against.
enum class CostMetric { Energy, Latency, Memory };

/// Numbers of one configuration; not finite: unknown, then it is not drawn.
struct ParetoPoint {
    double accuracyPercent = std::numeric_limits<double>::quiet_NaN();
    double accuracyError = 0.0; ///< one standard error, in points; 0: exact or unknown
    double energyMicrojoule = std::numeric_limits<double>::quiet_NaN();
    double latencyMillisecond = std::numeric_limits<double>::quiet_NaN();
    double memoryKib = std::numeric_limits<double>::quiet_NaN();

    [[nodiscard]] double cost(CostMetric metric) const;
};

struct ParetoTrial {
    int number = 0; ///< unique
    ParetoPoint point;
    bool isFeasible = true;
};

/// Something to compare with, drawn as a hollow diamond: float, uniform w8 a8, a pinned trial.
struct ParetoReference {
    std::string name; ///< UTF-8
    ParetoPoint point;
};

struct ParetoData {
    std::vector<ParetoTrial> trials;
    std::vector<ParetoReference> references;
    std::optional<ParetoReference> current; ///< the configuration being edited; drawn as a ring
    std::optional<double> floatAccuracyPercent;
    std::optional<double> accuracyFloorPercent; ///< below it is shaded
    std::string costLabel;                      ///< axis label; empty: the metric's own
    std::string selectedLabel;                  ///< of the legend; empty: "selected trial"
};

/// One drag of the brush; later steps win over earlier ones.
struct BrushStep {
    Range cost;
    Range accuracy;
    bool isRemoval = false;
    bool operator==(const BrushStep&) const = default;
};
using Brush = std::vector<BrushStep>;

/// Indices of the trials that no other dominates (cost down, accuracy up; equal points do not
/// dominate each other), ascending by cost, then number. Points that are not finite never count.
[[nodiscard]] std::vector<std::size_t> paretoFront(const std::vector<ParetoTrial>& trials,
                                                   CostMetric metric);

/// Accuracy of trials against one cost, with the front, references and a brush. Made for 100,000
/// trials: they have their own image, of which a brush or a hover repaints nothing.
class ParetoPlot final : public Plot {
    Q_OBJECT
public:
    explicit ParetoPlot(CostMetric metric, QWidget* parent = nullptr);

    void setData(const ParetoData& given);
    [[nodiscard]] const ParetoData& data() const { return m_data; }
    [[nodiscard]] CostMetric costMetric() const { return m_metric; }
    /// Numbers of the trials on the front drawn, ascending by cost.
    [[nodiscard]] std::vector<int> frontTrials() const;

    /// Trials drawn strongly: those of a brush in any plot, of a filter, or the newest. label: for
    /// the legend; empty: "trial in brush". Unknown numbers are ignored.
    void setHighlighted(const std::vector<int>& numbers, const std::string& label = {});
    [[nodiscard]] std::vector<int> highlighted() const;
    /// Trials with a ring; the first is the one spoken of.
    void setSelected(const std::vector<int>& numbers);
    [[nodiscard]] const std::vector<int>& selected() const { return m_selected; }

    /// The brush drawn in this plot. Setting it highlights its trials and emits nothing.
    void setBrush(const Brush& brush);
    [[nodiscard]] const Brush& brush() const { return m_brush; }
    /// Numbers of the trials inside, in the order of the data.
    [[nodiscard]] std::vector<int> brushedTrials() const;
    /// The brush in the language of the trial filter ("energy >= 14.8 and energy <= 18.3 and …").
    [[nodiscard]] QString brushExpression() const;

Q_SIGNALS:
    void trialClicked(int number);
    void trialActivated(int number);
    void referenceClicked(int index);
    /// selected() changed by click or key.
    void selectionChanged(const std::vector<int>& numbers);
    /// While dragging (done false) and at its end; brushedTrials() tells which.
    void brushChanged(bool done);

protected:
    [[nodiscard]] PlotSpec spec() const override;
    void paint(Stage stage, Canvas& canvas) const override;
    [[nodiscard]] int marks() const override;
    [[nodiscard]] QPointF markPoint(int mark, const Frame& frame) const override;
    [[nodiscard]] QString markHtml(int mark) const override;
    [[nodiscard]] PlotTable makeTable() const override;
    [[nodiscard]] QString describe() const override;
    [[nodiscard]] QString emptyText() const override;
    [[nodiscard]] std::vector<std::vector<int>> series() const override;
    [[nodiscard]] bool hasData(const QRectF& box, const Frame& frame) const override;
    void markClicked(int mark, Qt::KeyboardModifiers modifiers) override;
    void markActivated(int mark) override;
    void brushed(const Range& x, const Range& y, Qt::KeyboardModifiers modifiers,
                 bool done) override;
    void clearBrush() override;
    [[nodiscard]] bool hasBrush() const override;
    void nudgeBrush(double dxPixels, double dyPixels) override;
    void clearSelection() override;
    [[nodiscard]] Qt::CursorShape cursorAt(const QPointF& at) const override;

private:
    enum class Kind { Trial, Reference, Current };
    [[nodiscard]] Kind kindOf(int mark) const;
    [[nodiscard]] const ParetoPoint& pointOf(int mark) const;
    [[nodiscard]] QString nameOf(int mark) const;
    [[nodiscard]] QString valuesOf(const ParetoPoint& point, QStringView separator) const;
    [[nodiscard]] bool isInBrush(const ParetoPoint& point) const;
    [[nodiscard]] std::optional<Range> firstAccuracies() const;
    [[nodiscard]] Range costsWithin(const std::optional<Range>& accuracies) const;
    [[nodiscard]] QPolygonF frontLine(const Frame& frame) const;
    void highlightBrush();
    void paintBack(Canvas& canvas) const;
    void paintFront(Canvas& canvas) const;
    void paintWords(Canvas& canvas) const;
    void paintOverlay(Canvas& canvas) const;

    CostMetric m_metric;
    ParetoData m_data;
    std::unordered_map<int, std::size_t> m_indexOf; ///< trial number → index
    std::vector<std::size_t> m_front;
    std::vector<bool> m_isFront, m_isHighlighted;
    std::string m_highlightLabel;
    std::vector<int> m_selected;
    Brush m_brush;
    Brush m_brushAtPress;
    bool m_isBrushing = false;
};

} // namespace bitscape::widgets
