// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/plots/plot.h"
#include "widgets/plots/plot_engine.h"
#include "widgets/plots/plot_state.h"

#include <QApplication>
#include <QBuffer>
#include <QClipboard>
#include <QFile>
#include <QFileDialog>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QKeyEvent>
#include <QLabel>
#include <QMenu>
#include <QMimeData>
#include <QPageSize>
#include <QPdfWriter>
#include <QSaveFile>
#include <QScrollBar>
#include <QSortFilterProxyModel>
#include <QSvgGenerator>
#include <QTableView>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

namespace bitscape::widgets {

namespace {

constexpr QSize kDefaultExport(720, 440);
constexpr int kPdfDpi = 1200;
constexpr double kPointsPerPixel = 0.75; ///< 96 px are an inch of 72 pt

/// Shows the plot's numbers; T and Escape lead back, Ctrl+C copies as TSV.
class TableView final : public QTableView {
public:
    TableView(QWidget* parent, Plot* plot) : QTableView(parent), m_plot(plot) {}

protected:
    void keyPressEvent(QKeyEvent* event) override
    {
        const bool back = event->key() == Qt::Key_Escape ||
                          (event->key() == Qt::Key_T && event->modifiers() == Qt::NoModifier);
        if (back) {
            m_plot->showTable(false);
        } else if (event->matches(QKeySequence::Copy)) {
            copy(true);
        } else if (event->key() == Qt::Key_C &&
                   event->modifiers() == (Qt::ControlModifier | Qt::ShiftModifier)) {
            copy(false);
        } else {
            QTableView::keyPressEvent(event);
        }
    }

private:
    void copy(bool header) const
    {
        QStringList lines;
        const int columns = model()->columnCount();
        const auto addLine = [&](const auto& cell) {
            QStringList cells;
            for (int c = 0; c < columns; ++c) {
                cells << cell(c);
            }
            lines << cells.join(u'\t');
        };
        if (header) {
            addLine([this](int c) { return model()->headerData(c, Qt::Horizontal).toString(); });
        }
        QModelIndexList rows = selectionModel()->selectedRows();
        std::sort(rows.begin(), rows.end(),
                  [](const QModelIndex& a, const QModelIndex& b) { return a.row() < b.row(); });
        for (const QModelIndex& row : rows) {
            addLine([&](int c) { return model()->index(row.row(), c).data().toString(); });
        }
        QApplication::clipboard()->setText(lines.join(u'\n') + u'\n');
    }

    Plot* m_plot;
};

} // namespace

/// Makes a plot look as an export wants it, and as before when it ends.
class Plot::ExportLook {
public:
    ExportLook(Plot& plot, const PlotExport& options, const QSize& size)
        : m_plot(plot), m_before(plot.m_state->theme)
    {
        plot.m_state->isExporting = true;
        plot.m_state->legendFixed = false;
        if (options.theme && *options.theme != m_before) {
            plot.m_state->theme = *options.theme;
            plot.applyLook();
        }
        plot.m_state->legendSpot = State::LegendSpot::TopRight;
        // Ticks, margins and the place of the legend depend on each other and settle step by step;
        // the legend looks for its corner when the rest has settled.
        plot.m_state->isMeasuring = true;
        const bool hasLegend = plot.m_state->legendVisible;
        for (const bool withLegend : {false, false, hasLegend, hasLegend}) {
            plot.m_state->legendVisible = withLegend;
            static_cast<void>(plot.m_engine->toPicture(size));
        }
        plot.m_state->isMeasuring = false;
    }
    ~ExportLook()
    {
        m_plot.m_state->isExporting = false;
        m_plot.m_state->legendFixed = false;
        m_plot.m_state->theme = m_before;
        m_plot.applyLook();
        m_plot.m_engine->replot();
    }
    Q_DISABLE_COPY_MOVE(ExportLook)

private:
    Plot& m_plot;
    Theme m_before;
};

QSize Plot::exportSize(const PlotExport& options) const
{
    if (options.size.isValid() && !options.size.isEmpty()) {
        return options.size;
    }
    const QSize least = minimumSizeHint();
    return width() < least.width() || height() < least.height() ? kDefaultExport : size();
}

QString Plot::toCsv() const
{
    return widgets::toCsv(table());
}

QString Plot::toSvg(const PlotExport& options)
{
    const QSize size = exportSize(options);
    const ExportLook look(*this, options, size);
    QBuffer buffer;
    QSvgGenerator generator;
    generator.setOutputDevice(&buffer);
    generator.setResolution(96);
    generator.setSize(size);
    generator.setViewBox(QRect(QPoint(), size));
    generator.setTitle(title());
    generator.setDescription(accessibleDescription());
    m_engine->paintOn(&generator, size, 1.0);
    return QString::fromUtf8(buffer.data());
}

QImage Plot::toImage(const PlotExport& options, double ratio)
{
    const QSize size = exportSize(options);
    const ExportLook look(*this, options, size);
    return m_engine->toImage(size, ratio);
}

QPicture Plot::toPicture(const PlotExport& options)
{
    const QSize size = exportSize(options);
    const ExportLook look(*this, options, size);
    return m_engine->toPicture(size);
}

Result<void> Plot::save(const QString& path, const PlotExport& options)
{
    const QString ending = QFileInfo(path).suffix().toLower();
    QByteArray bytes;
    if (ending == QLatin1String("csv")) {
        bytes = toCsv().toUtf8();
    } else if (ending == QLatin1String("svg")) {
        bytes = toSvg(options).toUtf8();
    } else if (ending == QLatin1String("png")) {
        QBuffer buffer(&bytes);
        buffer.open(QIODevice::WriteOnly);
        toImage(options).save(&buffer, "PNG");
    } else if (ending == QLatin1String("pdf")) {
        const QSize size = exportSize(options);
        const ExportLook look(*this, options, size);
        QBuffer buffer(&bytes);
        buffer.open(QIODevice::WriteOnly);
        QPdfWriter writer(&buffer);
        writer.setTitle(title());
        writer.setCreator(QStringLiteral("Bitscape"));
        writer.setResolution(kPdfDpi);
        writer.setPageMargins({});
        writer.setPageSize(
            QPageSize(QSizeF(size) * kPointsPerPixel, QPageSize::Point, {}, QPageSize::ExactMatch));
        m_engine->paintOn(&writer, size, kPdfDpi / 96.0);
    } else {
        return fail(ErrorCode::InvalidArgument,
                    "A plot cannot be written as \"" + ending.toStdString() + "\".",
                    path.toStdString(), "Choose png, svg, pdf or csv.");
    }
    QSaveFile file(path);
    if (!file.open(QIODevice::WriteOnly) || file.write(bytes) != bytes.size() || !file.commit()) {
        return fail(ErrorCode::Io,
                    "The plot was not written: " + file.errorString().toStdString() + ".",
                    path.toStdString());
    }
    return {};
}

void Plot::requestExport(const QString& ending)
{
    auto* dialog = new QFileDialog(this, tr("Export %1").arg(title()));
    dialog->setObjectName(QStringLiteral("plotExportDialog"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    dialog->setDefaultSuffix(ending);
    dialog->setNameFilter(QStringLiteral("%1 (*.%2)").arg(ending.toUpper(), ending));
    dialog->selectFile((objectName().isEmpty() ? QStringLiteral("plot") : objectName()) + u'.' +
                       ending);
    connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& path) {
        if (const auto done = save(path); done) {
            Q_EMIT saved(path);
        } else {
            Q_EMIT saveFailed(path, QString::fromStdString(done.error().sentence()));
        }
    });
    dialog->open();
}

void Plot::copyPoint()
{
    const PlotTable numbers = table();
    const int row = m_state->current;
    if (row < 0 || row >= numbers.rows) {
        return;
    }
    QStringList header;
    QStringList cells;
    for (const PlotColumn& column : numbers.columns) {
        header << column.title;
        cells << cellText(column, row, locale());
    }
    QApplication::clipboard()->setText(header.join(u'\t') + u'\n' + cells.join(u'\t') + u'\n');
}

void Plot::copyPlot()
{
    auto* content = new QMimeData;
    content->setImageData(toImage());
    content->setData(QStringLiteral("image/svg+xml"), toSvg().toUtf8());
    content->setText(toCsv());
    QApplication::clipboard()->setMimeData(content);
}

bool Plot::isTableShown() const
{
    return m_state->tableBox != nullptr && m_state->tableBox->isVisibleTo(this);
}

void Plot::showTable(bool on)
{
    State& s = *m_state;
    if (on && s.tableBox == nullptr) {
        s.tableBox = new QWidget(this);
        s.tableBox->setAutoFillBackground(true);
        auto* heading = new QLabel(s.tableBox);
        heading->setObjectName(QStringLiteral("plotTableTitle"));
        QFont bold = heading->font();
        bold.setBold(true);
        heading->setFont(bold);
        auto* back = new QToolButton(s.tableBox);
        back->setText(tr("Show plot"));
        back->setToolTip(tr("Show plot (T)"));
        back->setAccessibleName(tr("Show plot"));
        connect(back, &QToolButton::clicked, this, [this] { showTable(false); });
        s.tableView = new TableView(s.tableBox, this);
        s.tableView->setObjectName(objectName() + QStringLiteral("Table"));
        s.tableModel = new PlotTableModel(s.tableView);
        auto* sorted = new QSortFilterProxyModel(s.tableView);
        sorted->setSortRole(Qt::UserRole);
        sorted->setSourceModel(s.tableModel);
        s.tableView->setModel(sorted);
        s.tableView->setSelectionBehavior(QAbstractItemView::SelectRows);
        s.tableView->setAlternatingRowColors(true);
        s.tableView->setSortingEnabled(true);
        s.tableView->sortByColumn(-1, Qt::AscendingOrder);
        s.tableView->setWordWrap(false);
        s.tableView->verticalHeader()->hide();
        s.tableView->horizontalHeader()->setStretchLastSection(true);
        connect(s.tableView, &QTableView::doubleClicked, this,
                [this, sorted](const QModelIndex& at) {
                    markActivated(sorted->mapToSource(at).row());
                });
        auto* head = new QHBoxLayout;
        head->setContentsMargins(8, 4, 4, 4);
        head->addWidget(heading, 1);
        head->addWidget(back);
        auto* column = new QVBoxLayout(s.tableBox);
        column->setContentsMargins({});
        column->setSpacing(0);
        column->addLayout(head);
        column->addWidget(s.tableView, 1);
    }
    if (s.tableBox == nullptr || on == isTableShown()) {
        return;
    }
    if (on) {
        s.tableBox->findChild<QLabel*>(QStringLiteral("plotTableTitle"))->setText(title());
        s.tableView->setAccessibleName(tr("%1, as table").arg(title()));
        s.tableModel->setTable(table(), locale());
        s.tableView->resizeColumnsToContents();
        s.tableBox->setGeometry(rect());
        s.tableBox->show();
        s.tableBox->raise();
        s.scrollBar->hide();
        setFocusProxy(s.tableView);
        s.tableView->setFocus();
    } else {
        const bool hadFocus = s.tableBox->isAncestorOf(QApplication::focusWidget());
        setFocusProxy(nullptr);
        s.tableBox->hide();
        if (hadFocus) {
            setFocus();
        }
        m_engine->replot();
    }
    updateEmptyButton();
}

QMenu* Plot::makeMenu(QWidget* parent)
{
    auto* menu = new QMenu(parent);
    const auto add = [&](const QString& text, auto slot) {
        QAction* action = menu->addAction(text);
        connect(action, &QAction::triggered, this, slot);
        return action;
    };
    add(tr("Copy point"), [this] { copyPoint(); })->setEnabled(m_state->current >= 0);
    add(tr("Copy plot"), [this] { copyPlot(); })->setEnabled(!isEmpty());
    QMenu* files = menu->addMenu(tr("Export"));
    files->setEnabled(!isEmpty());
    for (const auto ending :
         {QLatin1String("png"), QLatin1String("svg"), QLatin1String("pdf"), QLatin1String("csv")}) {
        QAction* action = files->addAction(QString(ending).toUpper() + QStringLiteral("…"));
        connect(action, &QAction::triggered, this,
                [this, ending] { requestExport(QString(ending)); });
    }
    add(tr("As table"), [this] { showTable(true); })->setEnabled(!isEmpty());
    menu->addSeparator();
    for (const Qt::Orientation axis : {Qt::Horizontal, Qt::Vertical}) {
        if (!canBeLogarithmic(axis)) {
            continue;
        }
        QAction* action = menu->addAction(axis == Qt::Horizontal ? tr("Logarithmic x axis")
                                                                 : tr("Logarithmic y axis"));
        action->setCheckable(true);
        action->setChecked(isLogarithmic(axis));
        connect(action, &QAction::toggled, this,
                [this, axis](bool on) { setLogarithmic(axis, on); });
    }
    add(tr("Fit"), [this] { fit(); })->setEnabled(!isEmpty());
    add(tr("Previous zoom"), [this] { zoomBack(); })->setEnabled(!m_state->back.empty());
    add(tr("Next zoom"), [this] { zoomForward(); })->setEnabled(!m_state->forward.empty());
    if (!actions().isEmpty()) {
        menu->addSeparator();
        menu->addActions(actions());
    }
    return menu;
}

} // namespace bitscape::widgets
