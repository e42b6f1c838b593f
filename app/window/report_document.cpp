// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/report_document.h"

#include <QAbstractTextDocumentLayout>
#include <QPainter>
#include <QRegularExpression>
#include <QSvgRenderer>
#include <QTextCursor>
#include <QTextDocument>
#include <QTextObjectInterface>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

namespace bitscape::app {

namespace {

constexpr int kPlotObject = QTextFormat::UserObject + 1;
constexpr int kPlotNumber = QTextFormat::UserProperty + 1;
constexpr double kScreenDpi = 96.0;
/// Private-use character that stands for a plot while the text is read.
constexpr QChar kPlaceholder(0xE000);

/// Draws the plots of a document; one per document, owned by it.
class PlotObjects final : public QObject, public QTextObjectInterface {
    Q_OBJECT
    Q_INTERFACES(QTextObjectInterface)
public:
    PlotObjects(double width, QObject* parent) : QObject(parent), m_width(width) {}

    int add(const QByteArray& svg)
    {
        m_plots.push_back(std::make_unique<QSvgRenderer>(svg));
        return static_cast<int>(m_plots.size()) - 1;
    }
    QSizeF intrinsicSize(QTextDocument* document, int, const QTextFormat& format) override
    {
        const QSizeF natural = m_plots[number(format)]->defaultSize();
        const double shrink = natural.width() > m_width ? m_width / natural.width() : 1.0;
        const QPaintDevice* device = document->documentLayout()->paintDevice();
        const double dpi = device != nullptr ? device->logicalDpiX() : kScreenDpi;
        return natural * shrink * (dpi / kScreenDpi);
    }
    void drawObject(QPainter* painter, const QRectF& rect, QTextDocument*, int,
                    const QTextFormat& format) override
    {
        m_plots[number(format)]->render(painter, rect);
    }

private:
    static std::size_t number(const QTextFormat& format)
    {
        return static_cast<std::size_t>(format.property(kPlotNumber).toInt());
    }

    double m_width;
    std::vector<std::unique_ptr<QSvgRenderer>> m_plots;
};

/// A pattern of the report's figures: fill, ink and what is drawn on a tile of 8 × 8.
struct Pattern {
    enum class Kind { Rising, Falling, Dots } kind = Kind::Rising;
    QString fill, ink;
};

QString attribute(const QString& element, QLatin1StringView name)
{
    const QRegularExpression pattern(QStringLiteral("\\b%1=\"([^\"]*)\"").arg(name));
    return pattern.match(element).captured(1);
}

std::map<QString, Pattern> patternsOf(const QString& svg)
{
    static const QRegularExpression definition(
        QStringLiteral("<pattern id=\"([^\"]+)\".*?</pattern>"),
        QRegularExpression::DotMatchesEverythingOption);
    std::map<QString, Pattern> patterns;
    for (auto match = definition.globalMatch(svg); match.hasNext();) {
        const QRegularExpressionMatch found = match.next();
        const QString content = found.captured();
        const qsizetype drawing = content.indexOf(QLatin1StringView("/>")) + 2;
        Pattern pattern;
        pattern.fill = attribute(content, QLatin1StringView("fill"));
        const QString marks = content.mid(drawing);
        if (marks.contains(QLatin1StringView("<circle"))) {
            pattern.kind = Pattern::Kind::Dots;
            pattern.ink = attribute(marks, QLatin1StringView("fill"));
        } else {
            pattern.kind = marks.contains(QLatin1StringView("l8,-8")) ? Pattern::Kind::Rising
                                                                      : Pattern::Kind::Falling;
            pattern.ink = attribute(marks, QLatin1StringView("stroke"));
        }
        patterns[found.captured(1)] = pattern;
    }
    return patterns;
}

/// The marks of a pattern inside a rectangle, cut at its edges.
QString marksIn(const Pattern& pattern, const QRectF& box)
{
    constexpr double kTile = 8.0;
    QString path;
    if (pattern.kind == Pattern::Kind::Dots) {
        for (double y = std::floor(box.top() / kTile) * kTile; y < box.bottom(); y += kTile) {
            for (double x = std::floor(box.left() / kTile) * kTile; x < box.right(); x += kTile) {
                for (const double d : {2.0, 6.0}) {
                    if (box.adjusted(1, 1, -1, -1).contains(x + d, y + d)) {
                        path += QStringLiteral("<circle cx=\"%1\" cy=\"%2\" r=\"1\" fill=\"%3\"/>")
                                    .arg(x + d)
                                    .arg(y + d)
                                    .arg(pattern.ink);
                    }
                }
            }
        }
        return path;
    }
    // Lines x + y = c (rising) or x − y = c (falling).
    const bool isRising = pattern.kind == Pattern::Kind::Rising;
    const double low = isRising ? box.left() + box.top() : box.left() - box.bottom();
    const double high = isRising ? box.right() + box.bottom() : box.right() - box.top();
    for (double c = std::ceil(low / kTile) * kTile; c < high; c += kTile) {
        const double first = std::max(box.left(), isRising ? c - box.bottom() : c + box.top());
        const double last = std::min(box.right(), isRising ? c - box.top() : c + box.bottom());
        const auto y = [&](double x) { return isRising ? c - x : x - c; };
        path += QStringLiteral("M%1,%2L%3,%4").arg(first).arg(y(first)).arg(last).arg(y(last));
    }
    return QStringLiteral("<path d=\"%1\" stroke=\"%2\" stroke-width=\"1\" fill=\"none\"/>")
        .arg(path, pattern.ink);
}

/// Qt's SVG has no patterns: rectangles filled with one get plain fill and single marks.
QString withoutPatterns(const QString& svg)
{
    const std::map<QString, Pattern> patterns = patternsOf(svg);
    if (patterns.empty()) {
        return svg;
    }
    static const QRegularExpression rectangle(
        QStringLiteral("<rect\\b[^>]*fill=\"url\\(#([^)]+)\\)\"[^>]*/>"));
    static const QRegularExpression definitions(QStringLiteral("<defs>.*?</defs>"),
                                                QRegularExpression::DotMatchesEverythingOption);
    QString text = svg;
    text.remove(definitions);
    QString result;
    qsizetype last = 0;
    for (auto match = rectangle.globalMatch(text); match.hasNext();) {
        const QRegularExpressionMatch found = match.next();
        const auto pattern = patterns.find(found.captured(1));
        if (pattern == patterns.end()) {
            continue;
        }
        QString plain = found.captured();
        const QRectF box(attribute(plain, QLatin1StringView("x")).toDouble(),
                         attribute(plain, QLatin1StringView("y")).toDouble(),
                         attribute(plain, QLatin1StringView("width")).toDouble(),
                         attribute(plain, QLatin1StringView("height")).toDouble());
        plain.replace(QStringLiteral("url(#%1)").arg(found.captured(1)), pattern->second.fill);
        result += QStringView(text).mid(last, found.capturedStart() - last);
        result += plain + marksIn(pattern->second, box);
        last = found.capturedEnd();
    }
    result += QStringView(text).mid(last);
    return result;
}

} // namespace

void fillReportDocument(QTextDocument& document, const QString& html, double width)
{
    auto* objects = new PlotObjects(width, &document);
    document.documentLayout()->registerHandler(kPlotObject, objects);
    static const QRegularExpression svg(QStringLiteral("<svg\\b.*?</svg>"),
                                        QRegularExpression::DotMatchesEverythingOption);
    QString text;
    std::vector<int> numbers;
    qsizetype last = 0;
    for (auto match = svg.globalMatch(html); match.hasNext();) {
        const QRegularExpressionMatch found = match.next();
        text += QStringView(html).mid(last, found.capturedStart() - last);
        text += kPlaceholder;
        numbers.push_back(objects->add(withoutPatterns(found.captured()).toUtf8()));
        last = found.capturedEnd();
    }
    text += QStringView(html).mid(last);
    document.setDefaultStyleSheet(QStringLiteral(
        "th { text-align: left; padding: 2px 10px 2px 0; } td { padding: 2px 10px 2px 0; }"));
    document.setHtml(text);
    std::size_t next = 0;
    for (QTextCursor at = document.find(kPlaceholder); !at.isNull() && next < numbers.size();
         at = document.find(kPlaceholder, at)) {
        QTextCharFormat format;
        format.setObjectType(kPlotObject);
        format.setProperty(kPlotNumber, numbers[next++]);
        at.insertText(QString(QChar::ObjectReplacementCharacter), format);
    }
}

} // namespace bitscape::app

#include "report_document.moc"
