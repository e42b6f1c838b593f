// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/report_document.h"

#include <QAbstractTextDocumentLayout>
#include <QPainter>
#include <QRegularExpression>
#include <QSvgRenderer>
#include <QTextCursor>
#include <QTextDocument>
#include <QTextObjectInterface>

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
        numbers.push_back(objects->add(found.captured().toUtf8()));
        last = found.capturedEnd();
    }
    text += QStringView(html).mid(last);
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
