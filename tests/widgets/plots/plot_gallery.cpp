// SPDX-License-Identifier: GPL-3.0-or-later

// For the eye of the developer: writes a picture of every plot in both themes.
// plot_gallery FOLDER [ID]

#include "tests/widgets/plots/examples.h"
#include "widgets/plots/plot.h"
#include "widgets/plots/registry.h"
#include "widgets/style/theme.h"

#include <QApplication>
#include <QDir>
#include <QPixmap>

#include <cstdio>
#include <memory>

using namespace bitscape;

namespace {

QString nameOf(const widgets::PlotInfo& info)
{
    return QString::fromLatin1(info.id.data(), static_cast<qsizetype>(info.id.size()));
}

void shoot(widgets::Plot& plot, const QString& path)
{
    plot.show();
    for (int i = 0; i < 3; ++i) {
        QApplication::processEvents();
    }
    plot.grab().save(path);
}

} // namespace

int main(int argc, char** argv)
{
    QApplication app(argc, argv);
    if (argc < 2 || !QDir().mkpath(QString::fromLocal8Bit(argv[1]))) {
        std::fputs("plot_gallery FOLDER [ID]\n", stderr);
        return 2;
    }
    const QDir folder(QString::fromLocal8Bit(argv[1]));
    QFont font(QStringLiteral("DejaVu Sans"));
    font.setPixelSize(13);
    QApplication::setFont(font);
    for (const widgets::Theme theme : {widgets::Theme::Light, widgets::Theme::Dark}) {
        widgets::applyTheme(app, theme);
        const QString suffix =
            theme == widgets::Theme::Light ? QStringLiteral("light") : QStringLiteral("dark");
        for (const widgets::PlotInfo& info : widgets::plots()) {
            if (argc > 2 && nameOf(info) != QString::fromLocal8Bit(argv[2])) {
                continue;
            }
            const std::unique_ptr<widgets::Plot> plot(info.make(nullptr));
            plot->resize(plot->sizeHint());
            shoot(*plot,
                  folder.filePath(QStringLiteral("%1_%2_empty.png").arg(nameOf(info), suffix)));
            test::fillExample(*plot, test::Amount::Some);
            shoot(*plot, folder.filePath(QStringLiteral("%1_%2.png").arg(nameOf(info), suffix)));
            test::fillDegenerate(*plot);
            shoot(*plot, folder.filePath(
                             QStringLiteral("%1_%2_degenerate.png").arg(nameOf(info), suffix)));
            test::fillExample(*plot, test::Amount::One);
            shoot(*plot,
                  folder.filePath(QStringLiteral("%1_%2_one.png").arg(nameOf(info), suffix)));
            test::fillExample(*plot, test::Amount::Many);
            shoot(*plot,
                  folder.filePath(QStringLiteral("%1_%2_many.png").arg(nameOf(info), suffix)));
        }
    }
    return 0;
}
