// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/style/theme.h"

#include <QApplication>
#include <QFile>
#include <QFont>
#include <QFontDatabase>
#include <QFontMetricsF>
#include <QPixmapCache>
#include <QStyle>
#include <QStyleFactory>
#include <QToolTip>

#include <array>
#include <utility>

namespace bitscape::widgets {

namespace {

/// The style sheet with each @word replaced by a color of the palette.
QString styleSheet(const Palette& p)
{
    QFile file(QStringLiteral(":/styles/bitscape.qss"));
    if (!file.open(QIODevice::ReadOnly)) {
        return {};
    }
    QString text = QString::fromUtf8(file.readAll());
    const std::array<std::pair<QLatin1StringView, QColor>, 24> words{{
        {QLatin1StringView("@secondText"), p.secondText},
        {QLatin1StringView("@disabledText"), p.disabledText},
        {QLatin1StringView("@highlightedText"), p.highlightedText},
        {QLatin1StringView("@highlight"), p.highlight},
        {QLatin1StringView("@toolTipFrame"), p.toolTipFrame},
        {QLatin1StringView("@toolTipText"), p.toolTipText},
        {QLatin1StringView("@toolTip"), p.toolTip},
        {QLatin1StringView("@alternate"), p.alternate},
        {QLatin1StringView("@softLine"), p.softLine},
        {QLatin1StringView("@window"), p.window},
        {QLatin1StringView("@button"), p.button},
        {QLatin1StringView("@frame"), p.frame},
        {QLatin1StringView("@group"), p.group},
        {QLatin1StringView("@hover"), p.hover},
        {QLatin1StringView("@base"), p.base},
        {QLatin1StringView("@line"), p.line},
        {QLatin1StringView("@text"), p.text},
        {QLatin1StringView("@errorText"), p.error.text},
        {QLatin1StringView("@errorFill"), p.error.background},
        {QLatin1StringView("@warningText"), p.warning.text},
        {QLatin1StringView("@warningFill"), p.warning.background},
        {QLatin1StringView("@goodText"), p.good.text},
        {QLatin1StringView("@goodFill"), p.good.background},
        {QLatin1StringView("@infoFill"), p.info.background},
    }};
    for (const auto& [word, color] : words) {
        text.replace(word, color.name());
    }
    return text;
}

} // namespace

void applyTheme(QApplication& application, Theme theme)
{
    setCurrentTheme(theme);
    const Palette& p = currentPalette();
    QPixmapCache::clear();
    if (application.style()->objectName() != QLatin1StringView("fusion")) {
        QApplication::setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
    }
    const QPalette colors = p.toQPalette();
    QApplication::setPalette(colors);
    QToolTip::setPalette(colors);
    QFont font = QApplication::font();
    if (!hasTabularDigits(font)) {
        for (const auto family :
             {QLatin1StringView("Noto Sans"), QLatin1StringView("DejaVu Sans")}) {
            if (QFontDatabase::hasFamily(family)) {
                font.setFamily(family);
                break;
            }
        }
        QApplication::setFont(font);
    }
    application.setStyleSheet(styleSheet(p));
}

QFont codeFont()
{
    QFont font = QFontDatabase::systemFont(QFontDatabase::FixedFont);
    const QFont base = QApplication::font();
    if (base.pixelSize() > 0) {
        font.setPixelSize(qMax(9, base.pixelSize() - 1));
    } else {
        font.setPointSizeF(base.pointSizeF() * 0.92);
    }
    return font;
}

QFont emphasisFont(double factor)
{
    QFont font = QApplication::font();
    if (font.pixelSize() > 0) {
        font.setPixelSize(qRound(font.pixelSize() * factor));
    } else {
        font.setPointSizeF(font.pointSizeF() * factor);
    }
    font.setWeight(QFont::DemiBold);
    return font;
}

bool hasTabularDigits(const QFont& font)
{
    const QFontMetricsF metrics(font);
    const double zero = metrics.horizontalAdvance(QLatin1Char('0'));
    for (char c = '1'; c <= '9'; ++c) {
        if (qAbs(metrics.horizontalAdvance(QLatin1Char(c)) - zero) > 0.01) {
            return false;
        }
    }
    return true;
}

} // namespace bitscape::widgets
