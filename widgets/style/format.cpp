// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/style/format.h"

#include <QCoreApplication>
#include <QLocale>

#include <cmath>

namespace bitscape::widgets {

namespace {

constexpr QChar kMinus(0x2212);

QString withRealMinus(QString text)
{
    return text.replace(QLatin1Char('-'), kMinus);
}

bool roundsToZero(double value, int decimals)
{
    return std::abs(value) < 0.5 * std::pow(10.0, -decimals);
}

} // namespace

QString missing()
{
    return QString(QChar(0x2014));
}

QString number(double value, int decimals)
{
    if (!std::isfinite(value)) {
        return std::isinf(value) ? (value < 0 ? QString(kMinus) : QString()) + QChar(0x221E)
                                 : missing();
    }
    return withRealMinus(
        QLocale().toString(roundsToZero(value, decimals) ? 0.0 : value, 'f', decimals));
}

int usefulDecimals(double largest, int least)
{
    const double size = std::abs(largest);
    if (!std::isfinite(size) || size == 0.0) {
        return least;
    }
    const int digits = 2 - static_cast<int>(std::floor(std::log10(size)));
    return qBound(least, digits, 6);
}

QString signedNumber(double value, int decimals)
{
    if (!std::isfinite(value)) {
        return missing();
    }
    const QString digits = QLocale().toString(std::abs(value), 'f', decimals);
    if (roundsToZero(value, decimals)) {
        return QChar(0x00B1) + digits;
    }
    return (value < 0 ? kMinus : QChar(u'+')) + digits;
}

QString compact(double value)
{
    if (!std::isfinite(value)) {
        return number(value, 0);
    }
    const double size = std::abs(value);
    if (size != 0.0 && (size < 1e-3 || size >= 1e6)) {
        return withRealMinus(QLocale().toString(value, 'e', 2));
    }
    const int digits = size == 0.0 ? 0 : 2 - static_cast<int>(std::floor(std::log10(size)));
    return number(value, qBound(0, digits, 5));
}

QString integer(qint64 value)
{
    return withRealMinus(QLocale().toString(value));
}

QString duration(double seconds)
{
    const auto whole = static_cast<qint64>(std::ceil(seconds));
    if (whole < 60) {
        return QCoreApplication::translate("format", "%1 s").arg(whole);
    }
    if (whole < 3600) {
        return QCoreApplication::translate("format", "%1 min %2 s").arg(whole / 60).arg(whole % 60);
    }
    return QCoreApplication::translate("format", "%1 h %2 min")
        .arg(whole / 3600)
        .arg(whole % 3600 / 60);
}

std::optional<double> readNumber(const QString& text)
{
    QString plain = text.trimmed();
    plain.replace(kMinus, QLatin1Char('-'));
    bool ok = false;
    double value = QLocale().toDouble(plain, &ok);
    if (!ok) {
        value = QLocale::c().toDouble(plain, &ok);
    }
    return ok ? std::optional(value) : std::nullopt;
}

} // namespace bitscape::widgets
