// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/errors/sentence.h"
#include "app/jobs/latest.h"
#include "app/window/pages/pages.h"
#include "app/window/report_document.h"
#include "app/window/report_export.h"
#include "core/project/report.h"
#include "widgets/panels/empty_state.h"

#include <QFrame>
#include <QHBoxLayout>
#include <QLabel>
#include <QListWidget>
#include <QPushButton>
#include <QSplitter>
#include <QStackedLayout>
#include <QTextBlock>
#include <QTextBrowser>
#include <QTextDocument>
#include <QTimer>

#include <utility>

namespace bitscape::app {

namespace {

constexpr int kDelayMilliseconds = 300;

class ReportPage final : public Page {
    Q_OBJECT
public:
    ReportPage(Context& context, QWidget* parent);
    [[nodiscard]] QStringList status() const override;

protected:
    void showEvent(QShowEvent* event) override;

private:
    [[nodiscard]] QWidget* makeBar();
    void write();
    void showReport(const QString& html);

    QListWidget* m_outline;
    QTextBrowser* m_preview;
    QTextDocument* m_document = nullptr; ///< of the preview
    QPushButton* m_html;
    QPushButton* m_pdf;
    widgets::EmptyState* m_empty;
    QStackedLayout* m_stack;
    QTimer m_delay;
    Snapshot m_written; ///< project of the preview
    Latest<std::string> m_report;
};

ReportPage::ReportPage(Context& context, QWidget* parent)
    : Page(context, "report", parent), m_outline(new QListWidget(this)),
      m_preview(new QTextBrowser(this)), m_html(new QPushButton(tr("Export HTML…"), this)),
      m_pdf(new QPushButton(tr("Export PDF…"), this)), m_empty(new widgets::EmptyState(this)),
      m_stack(new QStackedLayout)
{
    m_outline->setObjectName(QStringLiteral("reportOutline"));
    m_outline->setAccessibleName(tr("Outline"));
    m_outline->setFrameShape(QFrame::NoFrame);
    m_preview->setObjectName(QStringLiteral("reportPreview"));
    m_preview->setAccessibleName(tr("Preview of the report"));
    m_preview->setOpenLinks(false);
    auto* full = new QWidget(this);
    auto* layout = new QVBoxLayout(full);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(makeBar());
    auto* split = new QSplitter(full);
    split->addWidget(m_outline);
    split->addWidget(m_preview);
    split->setStretchFactor(1, 1);
    split->setSizes({260, 1200});
    split->setChildrenCollapsible(false);
    layout->addWidget(split, 1);
    m_stack->addWidget(m_empty);
    m_stack->addWidget(full);
    body().addLayout(m_stack, 1);
    m_empty->setTexts(tr("No model yet. Open one, or try the built-in sample."), {});
    m_delay.setSingleShot(true);
    m_delay.setInterval(kDelayMilliseconds);
    connect(&m_delay, &QTimer::timeout, this, &ReportPage::write);
    connect(&context.document, &Document::projectChanged, this, [this] {
        m_stack->setCurrentIndex(project().isEmpty() ? 0 : 1);
        if (isVisible()) {
            m_delay.start();
        }
    });
    connect(m_outline, &QListWidget::currentItemChanged, this, [this](QListWidgetItem* item) {
        if (item != nullptr) {
            QTextCursor cursor(m_preview->document());
            cursor.setPosition(item->data(Qt::UserRole).toInt());
            m_preview->setTextCursor(cursor);
            m_preview->ensureCursorVisible();
        }
    });
    m_stack->setCurrentIndex(project().isEmpty() ? 0 : 1);
}

QWidget* ReportPage::makeBar()
{
    auto* bar = new QFrame(this);
    bar->setProperty("panelBar", true);
    auto* layout = new QHBoxLayout(bar);
    layout->setContentsMargins(8, 5, 8, 5);
    layout->setSpacing(8);
    auto* note = new QLabel(
        tr("One file each: HTML with inline SVG, PDF with vector plots. Always in light colors."),
        bar);
    note->setProperty("tone", QStringLiteral("second"));
    m_html->setIcon(widgets::icon(widgets::Icon::Export));
    m_pdf->setIcon(widgets::icon(widgets::Icon::Export));
    layout->addWidget(note, 1);
    layout->addWidget(m_html);
    layout->addWidget(m_pdf);
    connect(m_html, &QPushButton::clicked, this,
            [this] { exportReportAsking(context(), *this, QStringLiteral("html")); });
    connect(m_pdf, &QPushButton::clicked, this,
            [this] { exportReportAsking(context(), *this, QStringLiteral("pdf")); });
    return bar;
}

void ReportPage::showEvent(QShowEvent* event)
{
    Page::showEvent(event);
    if (m_written != context().document.snapshot()) {
        write();
    }
}

void ReportPage::write()
{
    if (project().isEmpty()) {
        return;
    }
    const Snapshot snapshot = context().document.snapshot();
    m_report.request([snapshot](const JobContext&) { return project::htmlReport(*snapshot); },
                     [this, snapshot](Result<std::string> html) {
                         if (!html) {
                             banner().showMessage(messageOf(html.error()));
                             return;
                         }
                         m_written = snapshot;
                         showReport(QString::fromStdString(*html));
                     });
}

void ReportPage::showReport(const QString& html)
{
    const int width = qBound(480, m_preview->viewport()->width() - 40, 900);
    auto* document = new QTextDocument(this);
    document->setDocumentMargin(24.0);
    fillReportDocument(*document, html, width);
    // The editor deletes its own first document, not those of ours.
    m_preview->setDocument(document);
    delete std::exchange(m_document, document);
    m_outline->clear();
    for (QTextBlock block = document->begin(); block.isValid(); block = block.next()) {
        const int level = block.blockFormat().headingLevel();
        if (level >= 1 && level <= 2) {
            auto* item = new QListWidgetItem(
                QString(level == 2 ? 4 : 0, QLatin1Char(' ')) + block.text(), m_outline);
            item->setData(Qt::UserRole, block.position());
        }
    }
    Q_EMIT statusChanged();
}

QStringList ReportPage::status() const
{
    const int sections = m_outline->count();
    return sections > 0 ? QStringList{tr("%n section(s)", "", sections)} : QStringList{};
}

} // namespace

Page* makeReportPage(Context& context, QWidget* parent)
{
    return new ReportPage(context, parent);
}

} // namespace bitscape::app

#include "report_page.moc"
