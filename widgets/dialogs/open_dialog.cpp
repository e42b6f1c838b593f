// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/dialogs/open_dialog.h"

#include <QFileInfo>
#include <QFutureWatcher>
#include <QGridLayout>
#include <QLabel>
#include <QPainter>
#include <QVBoxLayout>
#include <QtConcurrentRun>

namespace bitscape::widgets {

namespace {

constexpr int kRestMilliseconds = 120;
constexpr int kPanelWidth = 280;
constexpr QSize kSize(1040, 600);
constexpr int kColumns = 4;
constexpr int kCell = 64;
constexpr int kGap = 4;

QString paragraph(const QString& text)
{
    return QStringLiteral("<p style='margin:0 0 4px 0'>%1</p>").arg(text.toHtmlEscaped());
}

} // namespace

QPixmap contactSheet(const QList<QImage>& pictures, int columns, int cell)
{
    if (pictures.isEmpty()) {
        return {};
    }
    const int count = static_cast<int>(pictures.size());
    const int across = qMin(columns, count);
    const int rows = (count + columns - 1) / columns;
    QPixmap sheet(across * (cell + kGap) - kGap, rows * (cell + kGap) - kGap);
    sheet.fill(Qt::transparent);
    QPainter painter(&sheet);
    for (int i = 0; i < count; ++i) {
        const QImage scaled = pictures[i].scaled(
            cell, cell, Qt::KeepAspectRatio,
            pictures[i].width() < cell ? Qt::FastTransformation : Qt::SmoothTransformation);
        const QPoint corner(i % columns * (cell + kGap), i / columns * (cell + kGap));
        painter.drawImage(
            corner + QPoint((cell - scaled.width()) / 2, (cell - scaled.height()) / 2), scaled);
    }
    return sheet;
}

OpenDialog::OpenDialog(QWidget* parent, const QString& title, const QString& folder,
                       const QString& filter, Previewer previewer)
    : QFileDialog(parent, title, folder, filter), m_previewer(std::move(previewer)),
      m_pictures(new QLabel(this)), m_text(new QLabel(this))
{
    setObjectName(QStringLiteral("openDialog"));
    setOption(DontUseNativeDialog); // a native one has no room for the panel
    setFileMode(ExistingFile);
    auto* panel = new QWidget(this);
    panel->setFixedWidth(kPanelWidth);
    m_text->setObjectName(QStringLiteral("filePreview"));
    m_text->setAccessibleName(tr("Preview"));
    m_text->setWordWrap(true);
    m_text->setTextFormat(Qt::RichText);
    m_text->setAlignment(Qt::AlignTop | Qt::AlignLeft);
    auto* layout = new QVBoxLayout(panel);
    layout->setContentsMargins(12, 0, 0, 0);
    layout->setSpacing(10);
    layout->addWidget(m_text);
    layout->addWidget(m_pictures);
    layout->addStretch(1);
    if (auto* grid = qobject_cast<QGridLayout*>(this->layout())) {
        grid->addWidget(panel, 0, grid->columnCount(), grid->rowCount(), 1);
    }
    resize(kSize);
    m_rest.setSingleShot(true);
    m_rest.setInterval(kRestMilliseconds);
    connect(&m_rest, &QTimer::timeout, this, &OpenDialog::look);
    connect(this, &QFileDialog::currentChanged, this, [this](const QString& path) {
        m_path = path;
        m_rest.start();
    });
    showPreview({});
}

OpenDialog::~OpenDialog() = default;

void OpenDialog::look()
{
    if (m_isLooking) {
        return; // the answer of the last look starts the next one
    }
    if (!QFileInfo(m_path).isFile()) {
        showPreview({});
        return;
    }
    m_isLooking = true;
    const QString path = m_path;
    auto* watcher = new QFutureWatcher<FilePreview>(this);
    connect(watcher, &QFutureWatcher<FilePreview>::finished, this, [this, watcher, path] {
        watcher->deleteLater();
        m_isLooking = false;
        if (path != m_path) {
            look();
            return;
        }
        showPreview(watcher->result());
    });
    watcher->setFuture(QtConcurrent::run(m_previewer, path));
}

void OpenDialog::showPreview(const FilePreview& preview)
{
    QString text;
    if (!preview.title.isEmpty()) {
        text += QStringLiteral("<p style='margin:0 0 6px 0'><b>%1</b></p>")
                    .arg(preview.title.toHtmlEscaped());
    }
    for (const QString& line : preview.lines) {
        text += paragraph(line);
    }
    if (!preview.problem.isEmpty()) {
        text += paragraph(preview.problem);
    }
    m_text->setText(text.isEmpty() ? paragraph(tr("Choose a file to see what it holds.")) : text);
    m_pictures->setPixmap(contactSheet(preview.pictures, kColumns, kCell));
    m_pictures->setVisible(!preview.pictures.isEmpty());
}

} // namespace bitscape::widgets
