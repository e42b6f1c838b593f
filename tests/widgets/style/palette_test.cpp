// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/style/icons.h"
#include "widgets/style/palette.h"
#include "widgets/style/theme.h"

#include <QApplication>
#include <QPainter>
#include <QTest>

using namespace bitscape::widgets;

namespace {

constexpr double kText = 4.5;  ///< least contrast of text
constexpr double kMarks = 3.0; ///< least contrast of marks

} // namespace

class PaletteTest final : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void textReadsOnItsGrounds()
    {
        for (const Theme theme : {Theme::Light, Theme::Dark}) {
            const Palette& p = palette(theme);
            for (const QColor& ground :
                 {p.window, p.base, p.alternate, p.button, p.group, p.hover}) {
                QVERIFY(contrast(p.text, ground) >= kText);
                QVERIFY2(
                    contrast(p.secondText, ground) >= kText,
                    qPrintable(ground.name() + QString::number(contrast(p.secondText, ground))));
            }
            for (const ToneColors& tone : {p.good, p.warning, p.error, p.info}) {
                QVERIFY(contrast(tone.text, tone.background) >= kText);
                QVERIFY(contrast(tone.text, p.base) >= kText);
                QVERIFY(contrast(p.text, tone.background) >= kText);
            }
            QVERIFY(contrast(p.highlightedText, p.highlight) >= kText);
            QVERIFY(contrast(p.toolTipText, p.toolTip) >= kText);
        }
    }

    void marksStandOutFromThePlot()
    {
        for (const Theme theme : {Theme::Light, Theme::Dark}) {
            const Palette& p = palette(theme);
            for (const QColor& series : p.series) {
                QVERIFY(contrast(series, p.plotBackground) >= kMarks);
            }
            QVERIFY(contrast(p.reference, p.plotBackground) >= kMarks);
        }
    }

    void chipsReadAtAllBits()
    {
        for (const Theme theme : {Theme::Light, Theme::Dark}) {
            for (int bits = 0; bits <= 32; ++bits) {
                const ToneColors chip = palette(theme).chip(bits);
                QVERIFY2(contrast(chip.text, chip.background) >= kText,
                         qPrintable(QStringLiteral("%1 bits: %2")
                                        .arg(bits)
                                        .arg(contrast(chip.text, chip.background))));
            }
        }
    }

    void mapsAreClamped()
    {
        const Palette& p = palette(Theme::Light);
        QCOMPARE(p.sequentialAt(-1.0).name(), p.sequential.front().name());
        QCOMPARE(p.sequentialAt(2.0).name(), p.sequential.back().name());
        QCOMPARE(p.divergingAt(0.0).name(), p.diverging[2].name());
    }

    void iconsFollowTheTheme()
    {
        applyTheme(*qApp, Theme::Light);
        const QIcon save = icon(Icon::Save);
        const QImage light = save.pixmap(32, 32).toImage();
        applyTheme(*qApp, Theme::Dark);
        const QImage dark = save.pixmap(32, 32).toImage();
        QVERIFY(light != dark);
        QVERIFY(!dark.isNull());
    }

    void everyIconDrawsSomething()
    {
        for (int i = 0; i <= static_cast<int>(Icon::Welcome); ++i) {
            const QImage image = icon(static_cast<Icon>(i)).pixmap(24, 24).toImage();
            bool hasInk = false;
            for (int y = 0; y < image.height() && !hasInk; ++y) {
                for (int x = 0; x < image.width() && !hasInk; ++x) {
                    hasInk = qAlpha(image.pixel(x, y)) > 0;
                }
            }
            QVERIFY2(hasInk, qPrintable(QString::number(i)));
        }
    }
};

QTEST_MAIN(PaletteTest)
#include "palette_test.moc"
