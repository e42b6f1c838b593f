// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/strip.h"

#include "widgets/style/format.h"

#include <QCoreApplication>

#include <cmath>

namespace bitscape::app {

using widgets::CostCell;
using widgets::Tone;

namespace {

QString words(const char* source)
{
    return QCoreApplication::translate("strip", source);
}

CostCell accuracyCell(const Derived& derived)
{
    const Accuracy accuracy = derived.accuracy();
    CostCell cell;
    cell.id = QStringLiteral("accuracy");
    cell.unit = QStringLiteral("%");
    const QString count = widgets::integer(accuracy.count);
    const int samples = static_cast<int>(accuracy.count);
    switch (accuracy.certainty) {
    case Certainty::Unknown:
        cell.title = words(QT_TRANSLATE_NOOP("strip", "Accuracy"));
        cell.value = widgets::missing();
        cell.explanation = derived.isMeasuring()
                               ? words(QT_TRANSLATE_NOOP("strip", "Being measured on a sample."))
                               : words(QT_TRANSLATE_NOOP("strip", "Needs a data set with labels."));
        return cell;
    case Certainty::Exact:
        cell.title = QCoreApplication::translate("strip", "Accuracy (%n sample(s))", "", samples);
        cell.explanation =
            words(QT_TRANSLATE_NOOP("strip", "Right answers ÷ all samples of the data set."));
        break;
    case Certainty::Sample:
    case Certainty::Stale:
        cell.title = words(QT_TRANSLATE_NOOP("strip", "Accuracy (sample of %1)")).arg(count);
        cell.explanation = words(QT_TRANSLATE_NOOP(
            "strip", "Right answers ÷ samples, on the last part of the data; ± one standard "
                     "error. F5 evaluates on all of it."));
        break;
    }
    cell.value = widgets::number(accuracy.value * 100.0, 2);
    const Accuracy reference = derived.floatAccuracy();
    if (accuracy.certainty == Certainty::Sample && reference.certainty == Certainty::Sample) {
        const Delta delta = shareDelta(accuracy.value, reference.value, accuracy.standardError);
        cell.delta = words(QT_TRANSLATE_NOOP("strip", "%1 to float")).arg(delta.text);
        cell.deltaTone = delta.tone;
    } else if (accuracy.certainty == Certainty::Exact) {
        cell.delta =
            QStringLiteral("± %1 pt").arg(widgets::number(accuracy.standardError * 100.0, 2));
    } else {
        cell.isStale = true;
        cell.delta = words(QT_TRANSLATE_NOOP("strip", "measuring"));
    }
    return cell;
}

} // namespace

Delta costDelta(double value, double reference)
{
    if (!(reference > 0.0) || !std::isfinite(value)) {
        return {};
    }
    const double percent = (value / reference - 1.0) * 100.0;
    const Tone tone = percent < -0.5 ? Tone::Good : percent > 0.5 ? Tone::Error : Tone::Second;
    return {widgets::signedNumber(percent, 0) + QStringLiteral(" %"), tone};
}

Delta shareDelta(double value, double reference, double error)
{
    const double points = (value - reference) * 100.0;
    const double sure = std::max(0.005, error * 100.0);
    const Tone tone = points > sure    ? Tone::Good
                      : points < -sure ? (points < -1.0 ? Tone::Error : Tone::Warning)
                                       : Tone::Second;
    return {widgets::signedNumber(points, 2) + QStringLiteral(" pt"), tone};
}

std::vector<CostCell> stripCells(const project::Project& project, const Derived& derived)
{
    if (project.isEmpty()) {
        return {};
    }
    const Figures& now = derived.figures();
    const Figures& reference = derived.reference();
    std::vector<CostCell> cells{accuracyCell(derived)};
    const auto add = [&cells](const char* id, const QString& title, double value, int decimals,
                              const QString& unit, const Delta& delta, const QString& why) {
        cells.push_back({QLatin1StringView(id), title,
                         widgets::number(value, widgets::usefulDecimals(value, decimals)), unit,
                         delta.text, delta.tone, why, false});
    };
    add("weights", words(QT_TRANSLATE_NOOP("strip", "Weights, packed")), now.weightKib, 1,
        QStringLiteral("KiB"), costDelta(now.weightKib, reference.weightKib),
        words(QT_TRANSLATE_NOOP("strip",
                                "Bits of all weights and biases, stored with exact widths.")));
    if (now.error) {
        return cells;
    }
    add("energy", words(QT_TRANSLATE_NOOP("strip", "Energy / inference (est.)")), now.microjoule(),
        2, QStringLiteral("µJ"), costDelta(now.microjoule(), reference.microjoule()),
        words(QT_TRANSLATE_NOOP(
            "strip",
            "Sum over the layers on the accelerator in use; parts on the Hardware page.")));
    add("latency",
        words(QT_TRANSLATE_NOOP("strip", "Latency (est., %1 MHz)"))
            .arg(widgets::number(project.accelerator.clockMegahertz, 0)),
        now.milliseconds(), 3, QStringLiteral("ms"),
        costDelta(now.milliseconds(), reference.milliseconds()),
        words(QT_TRANSLATE_NOOP("strip", "Clock cycles of all layers ÷ clock frequency.")));
    add("utilization", words(QT_TRANSLATE_NOOP("strip", "Utilization (MAC / lane-slots)")),
        now.hardware.utilization * 100.0, 1, QStringLiteral("%"),
        shareDelta(now.hardware.utilization, reference.hardware.utilization),
        words(QT_TRANSLATE_NOOP(
            "strip", "Useful lane-slots ÷ offered lane-slots, over all layers on the array.")));
    return cells;
}

} // namespace bitscape::app
