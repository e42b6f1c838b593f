// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/style/icons.h"

#include "widgets/style/palette.h"

#include <QFile>
#include <QIconEngine>
#include <QPainter>
#include <QPixmapCache>
#include <QSvgRenderer>

#include <array>

namespace bitscape::widgets {

namespace {

constexpr std::array kFiles{
    u"branch", u"calibrate", u"close",       u"compare", u"copy",   u"data",  u"distributions",
    u"down",   u"error",     u"explore",     u"export",  u"eye",    u"file",  u"filter",
    u"float",  u"hardware",  u"info",        u"lock",    u"model",  u"ok",    u"open",
    u"pin",    u"play",      u"plus",        u"redo",    u"report", u"reset", u"right",
    u"save",   u"search",    u"search_page", u"stop",    u"table",  u"train", u"undo",
    u"wand",   u"warning",   u"welcome",
};

QByteArray drawing(Icon id, const QColor& color)
{
    QFile file(
        QStringLiteral(":/icons/%1.svg").arg(QStringView(kFiles[static_cast<std::size_t>(id)])));
    if (!file.open(QIODevice::ReadOnly)) {
        return {};
    }
    return file.readAll().replace("currentColor", color.name().toLatin1());
}

/// Draws the SVG in a color that is looked up at paint time, so icons follow the theme by
/// themselves.
class ThemedIconEngine final : public QIconEngine {
public:
    ThemedIconEngine(Icon id, std::optional<QColor> color) : m_id(id), m_color(color) {}

    void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State) override
    {
        QSvgRenderer renderer(drawing(m_id, colorFor(mode)));
        renderer.render(painter, rect);
    }
    QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State) override
    {
        return render(size, colorFor(mode));
    }
    QPixmap scaledPixmap(const QSize& size, QIcon::Mode mode, QIcon::State, qreal) override
    {
        return render(size, colorFor(mode));
    }
    [[nodiscard]] QIconEngine* clone() const override { return new ThemedIconEngine(*this); }

private:
    [[nodiscard]] QColor colorFor(QIcon::Mode mode) const
    {
        const Palette& p = currentPalette();
        switch (mode) {
        case QIcon::Disabled:
            return p.disabledText;
        case QIcon::Selected:
            return p.highlightedText;
        case QIcon::Normal:
        case QIcon::Active:
            break;
        }
        return m_color.value_or(p.text);
    }
    [[nodiscard]] QPixmap render(const QSize& size, const QColor& color) const
    {
        const QString key = QStringLiteral("bitscape/%1/%2/%3x%4")
                                .arg(static_cast<int>(m_id))
                                .arg(color.name())
                                .arg(size.width())
                                .arg(size.height());
        QPixmap pixmap;
        if (QPixmapCache::find(key, &pixmap)) {
            return pixmap;
        }
        pixmap = QPixmap(size);
        pixmap.fill(Qt::transparent);
        QPainter painter(&pixmap);
        QSvgRenderer renderer(drawing(m_id, color));
        renderer.render(&painter, QRectF(QPointF(), QSizeF(size)));
        painter.end();
        QPixmapCache::insert(key, pixmap);
        return pixmap;
    }

    Icon m_id;
    std::optional<QColor> m_color;
};

} // namespace

QIcon icon(Icon id)
{
    return QIcon(new ThemedIconEngine(id, std::nullopt));
}

QIcon icon(Icon id, const QColor& color)
{
    return QIcon(new ThemedIconEngine(id, color));
}

QPixmap iconPixmap(Icon id, int size, const QColor& color, double devicePixelRatio)
{
    const QSize pixels = QSize(size, size) * devicePixelRatio;
    QPixmap pixmap = icon(id, color).pixmap(pixels, 1.0);
    pixmap.setDevicePixelRatio(devicePixelRatio);
    return pixmap;
}

QIcon programIcon()
{
    return QIcon(QStringLiteral(":/icons/bitscape.svg"));
}

} // namespace bitscape::widgets
