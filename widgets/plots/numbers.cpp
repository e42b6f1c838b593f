// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/numbers.h"

#include <QStringView>

#include <algorithm>
#include <array>
#include <cmath>

namespace bitscape::widgets {

namespace {

constexpr QChar kMinus(0x2212);
/// Ticks that rounding pushed past the end still belong to the axis.
constexpr double kTickSlack = 1e-9;
/// A step may give so many times more ticks than wanted.
constexpr double kStepSlack = 1.2;
constexpr double kLogMinimumFactor = 3.0;
constexpr double kLogFactor = 10.0;

QString withMinus(QString text)
{
    if (text.startsWith(u'-')) {
        text[0] = kMinus;
    }
    return text;
}

QString superscript(int value)
{
    static constexpr std::array<char16_t, 10> kDigits{u'⁰', u'¹', u'²', u'³', u'⁴',
                                                      u'⁵', u'⁶', u'⁷', u'⁸', u'⁹'};
    QString text = value < 0 ? QString(QChar(u'⁻')) : QString();
    for (const QChar c : QString::number(std::abs(value))) {
        text += QChar(kDigits[static_cast<std::size_t>(c.digitValue())]);
    }
    return text;
}

int decimalsFor(double step)
{
    if (!(step > 0.0)) {
        return 0;
    }
    return std::clamp(static_cast<int>(-std::floor(std::log10(step) + kTickSlack)), 0, 12);
}

QString powerLabel(const QLocale& locale, double value)
{
    const int exponent = static_cast<int>(std::floor(std::log10(value) + kTickSlack));
    const double mantissa = value / std::pow(10.0, exponent);
    if (exponent >= -3 && exponent < 7) {
        return number(locale, value, std::max(0, -exponent));
    }
    const QString power = QStringLiteral("10") + superscript(exponent);
    return std::abs(mantissa - 1.0) < 1e-6
               ? power
               : QStringLiteral("%1×%2").arg(number(locale, mantissa, 0), power);
}

double niceStep(double size, int wanted)
{
    const double raw = size / std::max(1, wanted);
    const double magnitude = std::pow(10.0, std::floor(std::log10(raw)));
    for (const double m : {1.0, 2.0, 5.0, 10.0}) {
        if (raw <= m * magnitude * kStepSlack) {
            return m * magnitude;
        }
    }
    return 10.0 * magnitude;
}

int minorParts(double step)
{
    const double mantissa = step / std::pow(10.0, std::floor(std::log10(step) + kTickSlack));
    return std::abs(mantissa - 2.0) < 0.1 ? 4 : 5;
}

} // namespace

QString number(const QLocale& locale, double value, int decimals)
{
    if (!std::isfinite(value)) {
        return QStringLiteral("—");
    }
    const double unit = 0.5 * std::pow(10.0, -decimals);
    return withMinus(locale.toString(std::abs(value) < unit ? 0.0 : value, 'f', decimals));
}

QString shortNumber(const QLocale& locale, double value, int digits)
{
    if (!std::isfinite(value)) {
        return QStringLiteral("—");
    }
    if (value == 0.0) {
        return number(locale, 0.0, 0);
    }
    const int exponent = static_cast<int>(std::floor(std::log10(std::abs(value))));
    if (exponent < -4 || exponent > 8) {
        const double mantissa = value / std::pow(10.0, exponent);
        return QStringLiteral("%1 × 10%2").arg(number(locale, mantissa, 1), superscript(exponent));
    }
    int decimals = std::clamp(digits - 1 - exponent, 0, 8);
    while (decimals > 0) {
        const double scale = std::pow(10.0, decimals - 1);
        const double wanted = std::round(value * scale * 10.0) / 10.0;
        if (std::abs(wanted - std::round(wanted)) > 1e-6) {
            break;
        }
        --decimals;
    }
    return number(locale, value, decimals);
}

QString signedNumber(const QLocale& locale, double value, int decimals)
{
    if (!std::isfinite(value)) {
        return QStringLiteral("—");
    }
    const QString text = number(locale, value, decimals);
    if (std::abs(value) < 0.5 * std::pow(10.0, -decimals)) {
        return QStringLiteral("±") + text;
    }
    return value > 0.0 ? QStringLiteral("+") + text : text;
}

QString thousands(const QLocale& locale, double value)
{
    const double size = std::abs(value);
    if (size >= 999.5e6) {
        return number(locale, value / 1e9, 2) + QStringLiteral(" G");
    }
    if (size >= 999.5e3) {
        return number(locale, value / 1e6, 2) + QStringLiteral(" M");
    }
    if (size >= 99.95) {
        return number(locale, value / 1e3, 1) + QStringLiteral(" k");
    }
    return number(locale, value, 0);
}

Ticks linearTicks(const QLocale& locale, const Range& range, const TickOptions& options)
{
    Ticks ticks;
    if (!(range.size() > 0.0) || !std::isfinite(range.size())) {
        return ticks;
    }
    double step = niceStep(range.size(), options.wanted);
    if (options.integers) {
        step = std::max(1.0, std::round(step));
    }
    const int decimals = decimalsFor(step);
    const double slack = kTickSlack * range.size();
    for (double k = std::ceil((range.low - slack) / step); k * step <= range.high + slack;
         k += 1.0) {
        ticks.major.push_back(k * step);
        ticks.labels.push_back(number(locale, k * step, decimals));
    }
    const int parts = options.integers && step < 5.0 ? static_cast<int>(step) : minorParts(step);
    const double small = step / std::max(1, parts);
    for (double k = std::ceil((range.low - slack) / small); k * small <= range.high + slack;
         k += 1.0) {
        if (static_cast<long long>(k) % std::max(1, parts) != 0) {
            ticks.minor.push_back(k * small);
        }
    }
    return ticks;
}

Ticks logTicks(const QLocale& locale, const Range& range, const TickOptions& options)
{
    Ticks ticks;
    if (!(range.low > 0.0) || !(range.high > range.low)) {
        return ticks;
    }
    if (range.high / range.low < kLogMinimumFactor) {
        return linearTicks(locale, range, options);
    }
    const double base = options.logBase;
    const double span = std::log(range.high / range.low) / std::log(base);
    const double first = std::floor(std::log(range.low) / std::log(base) + kTickSlack);
    const double last = std::ceil(std::log(range.high) / std::log(base) - kTickSlack);
    const double every = std::max(1.0, std::ceil(span / std::max(2, options.wanted)));
    const bool between = options.logBase == 10 && span * 3.0 <= options.wanted + 1.0;
    const auto inside = [&](double v) {
        return v >= range.low * (1.0 - kTickSlack) && v <= range.high * (1.0 + kTickSlack);
    };
    for (double e = first; e <= last; e += 1.0) {
        const double decade = std::pow(base, e);
        for (int m = 1; m < std::max(2, options.logBase); ++m) {
            const double v = m * decade;
            if (!inside(v)) {
                continue;
            }
            const bool main =
                (m == 1 && std::fmod(std::abs(e), every) == 0.0) || (between && (m == 2 || m == 5));
            if (main) {
                ticks.major.push_back(v);
                ticks.labels.push_back(options.logBase == 10 ? powerLabel(locale, v)
                                                             : shortNumber(locale, v));
            } else if (every < 2.0 || m == 1) {
                ticks.minor.push_back(v);
            }
        }
    }
    return ticks;
}

Range niceRange(const Range& range, double pad)
{
    Range r = range;
    if (!(r.size() > 0.0)) {
        const double room = r.low == 0.0 ? 1.0 : std::abs(r.low) * 0.1;
        r = {r.low - room, r.high + room};
    } else {
        r = {r.low - pad * range.size(), r.high + pad * range.size()};
    }
    const double step = niceStep(r.size(), 6);
    const double small = step / minorParts(step);
    return {std::floor(r.low / small + 1e-6) * small, std::ceil(r.high / small - 1e-6) * small};
}

Range niceLogRange(const Range& range)
{
    const auto rounded = [](double v, bool up) {
        const double decade = std::pow(10.0, std::floor(std::log10(v) + kTickSlack));
        const double m = v / decade;
        if (up) {
            return m <= 1.0001 ? decade
                   : m <= 2.0  ? 2 * decade
                   : m <= 5.0  ? 5 * decade
                               : 10 * decade;
        }
        return m >= 5.0 ? 5 * decade : m >= 2.0 ? 2 * decade : decade;
    };
    if (!(range.high > range.low)) {
        return {range.low / 2.0, range.high * 2.0};
    }
    return {rounded(range.low, false), rounded(range.high, true)};
}

bool wantsLog(const Range& range)
{
    return range.low > 0.0 && range.high > kLogFactor * range.low;
}

} // namespace bitscape::widgets
