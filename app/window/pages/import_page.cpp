// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/import_report.h"
#include "app/window/pages/data_panel.h"
#include "app/window/pages/page_parts.h"
#include "app/window/pages/pages.h"
#include "widgets/panels/data_table.h"
#include "widgets/style/format.h"

#include <QFormLayout>
#include <QFrame>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QVBoxLayout>

namespace bitscape::app {

namespace {

constexpr int kFactsWidth = 300;
constexpr int kDataWidth = 340;
constexpr int kShownHash = 16;

enum ImportColumn { LayerColumn, ClassColumn, BecomesColumn, QuantizersColumn, RemarkColumn };

QFrame* card(QWidget* parent)
{
    auto* frame = new QFrame(parent);
    frame->setProperty("card", true);
    return frame;
}

QString shapesOf(const graph::Graph& graph, std::span<const int> layers)
{
    QStringList texts;
    for (const int index : layers) {
        const graph::Layer& layer = graph.layer(index);
        QStringList sizes;
        for (const Index size : layer.outputShape.sizes()) {
            sizes << (size < 0 ? QStringLiteral("?") : QString::number(size));
        }
        texts << QStringLiteral("%1 %2").arg(QString::fromStdString(layer.name),
                                             sizes.join(QStringLiteral("×")));
    }
    return texts.join(QLatin1Char('\n'));
}

/// What became of a file: its facts, every layer with the layer that computes it here, and the data
/// set that goes with it.
class ImportPage final : public Page {
    Q_OBJECT
public:
    ImportPage(Context& context, QWidget* parent);
    [[nodiscard]] QStringList status() const override;
    [[nodiscard]] bool concerns(JobKind kind) const override
    {
        return kind == JobKind::Open || kind == JobKind::Data;
    }

private:
    [[nodiscard]] QWidget* makeFacts();
    [[nodiscard]] QWidget* makeTable();
    void showModel();
    void showFacts(const io::ModelFile& file);
    void showRows(const io::ModelFile& file);

    QFormLayout* m_facts;
    QLabel* m_notes;
    QLabel* m_summary;
    widgets::DataTable* m_table;
    std::shared_ptr<const io::ModelFile> m_model;
};

ImportPage::ImportPage(Context& context, QWidget* parent)
    : Page(context, "import", parent), m_facts(new QFormLayout), m_notes(new QLabel(this)),
      m_summary(new QLabel(this)), m_table(nullptr)
{
    auto* columns = new QHBoxLayout;
    columns->setContentsMargins(12, 12, 12, 12);
    columns->setSpacing(12);
    columns->addWidget(makeFacts());
    columns->addWidget(makeTable(), 1);
    auto* dataPanel = new DataPanel(context, this);
    dataPanel->setFixedWidth(kDataWidth);
    columns->addWidget(dataPanel);
    body().addLayout(columns, 1);
    connect(&context.document, &Document::projectChanged, this, [this](Changes changes) {
        if (changes.testFlag(Change::Model)) {
            showModel();
        }
    });
    showModel();
}

QWidget* ImportPage::makeFacts()
{
    QFrame* frame = card(this);
    frame->setFixedWidth(kFactsWidth);
    auto* layout = new QVBoxLayout(frame);
    layout->setContentsMargins(16, 14, 16, 14);
    layout->setSpacing(10);
    layout->addWidget(heading(tr("File"), frame));
    m_facts->setHorizontalSpacing(12);
    m_facts->setVerticalSpacing(6);
    m_facts->setLabelAlignment(Qt::AlignLeft | Qt::AlignTop);
    layout->addLayout(m_facts);
    layout->addWidget(heading(tr("Read, converted, left out"), frame));
    m_notes->setObjectName(QStringLiteral("importNotes"));
    m_notes->setAccessibleName(tr("Notes on the file"));
    m_notes->setWordWrap(true);
    m_notes->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_notes->setAlignment(Qt::AlignTop | Qt::AlignLeft);
    auto* area = new QScrollArea(frame);
    area->setWidget(m_notes);
    area->setWidgetResizable(true);
    area->setFrameShape(QFrame::NoFrame);
    area->setAccessibleName(tr("Notes on the file"));
    area->viewport()->setAutoFillBackground(false);
    m_notes->setAutoFillBackground(false);
    layout->addWidget(area, 1);
    return frame;
}

QWidget* ImportPage::makeTable()
{
    auto* part = new QWidget(this);
    auto* layout = new QVBoxLayout(part);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(8);
    auto* head = new QHBoxLayout;
    m_summary->setObjectName(QStringLiteral("importSummary"));
    m_summary->setWordWrap(true);
    auto* toModel = new QPushButton(tr("Go to the model"), part);
    toModel->setObjectName(QStringLiteral("importDone"));
    toModel->setProperty("primary", true);
    connect(toModel, &QPushButton::clicked, this, [this] { context().showPage("model"); });
    head->addWidget(m_summary, 1);
    head->addWidget(toModel);
    layout->addLayout(head);
    m_table = new widgets::DataTable({{tr("Layer in file"), 170, false},
                                      {tr("Class"), 150, false},
                                      {tr("Becomes"), 150, false},
                                      {tr("Quantizers found"), 200, false},
                                      {tr("Remark"), 120, false}},
                                     QStringLiteral("importTable"), tr("Layers of the file"), part);
    m_table->horizontalHeader()->setStretchLastSection(true);
    layout->addWidget(m_table, 1);
    connect(m_table, &widgets::DataTable::idActivated, this, [this](const QVariant& id) {
        context().selection.setLayers({id.toString().toStdString()});
        context().showPage("model");
    });
    return part;
}

void ImportPage::showModel()
{
    m_model = project().model;
    if (!m_model) {
        m_summary->setText(tr("No model yet. Open one, or drop a file here."));
        m_notes->clear();
        m_table->setRows(0, {});
        while (m_facts->rowCount() > 0) {
            m_facts->removeRow(0);
        }
        banner().dismiss();
        return;
    }
    showFacts(*m_model);
    showRows(*m_model);
    Q_EMIT statusChanged();
}

void ImportPage::showFacts(const io::ModelFile& file)
{
    while (m_facts->rowCount() > 0) {
        m_facts->removeRow(0);
    }
    const auto add = [this](const QString& title, const QString& text) {
        if (text.isEmpty()) {
            return;
        }
        auto* label = new QLabel(title, this);
        label->setProperty("tone", QStringLiteral("second"));
        auto* value = new QLabel(text, this);
        value->setWordWrap(true);
        value->setTextInteractionFlags(Qt::TextSelectableByMouse);
        m_facts->addRow(label, value);
    };
    const graph::Graph& graph = *file.graph;
    const QString path = QString::fromStdString(file.path);
    add(tr("Name"), path.section(QLatin1Char('/'), -1));
    add(tr("Format"), QString::fromStdString(file.format));
    add(tr("Written by"), QString::fromStdString(file.producer));
    add(tr("Parameters"), widgets::integer(graph.parameterCount()));
    add(tr("MACs per sample"), widgets::integer(graph.macs()));
    add(tr("Inputs"), shapesOf(graph, graph.inputs()));
    add(tr("Outputs"), shapesOf(graph, graph.outputs()));
    add(tr("SHA-256"), QString::fromStdString(file.sha256).left(kShownHash) + QStringLiteral("…"));
    const QStringList notes = fileNotes(file);
    m_notes->setText(notes.isEmpty() ? tr("The whole file was read as it stands.")
                                     : notes.join(QStringLiteral("\n\n")));
}

void ImportPage::showRows(const io::ModelFile& file)
{
    const auto rows = std::make_shared<const std::vector<ImportRow>>(importRows(file));
    m_table->setRows(
        static_cast<int>(rows->size()),
        [rows](int row, int column) {
            const ImportRow& one = (*rows)[static_cast<std::size_t>(row)];
            const widgets::Tone tone =
                one.isSupported ? widgets::Tone::Plain : widgets::Tone::Error;
            switch (column) {
            case LayerColumn:
                return widgets::textCell(QString::fromStdString(one.layer), tone);
            case ClassColumn:
                return widgets::textCell(one.fileClass, tone);
            case BecomesColumn:
                return widgets::textCell(one.becomes.isEmpty() ? tr("cannot be run") : one.becomes,
                                         tone);
            case QuantizersColumn: {
                widgets::Cell cell = widgets::textCell(one.quantizers);
                cell.code = true;
                cell.toolTip = one.quantizers;
                return cell;
            }
            default: {
                widgets::Cell cell = widgets::textCell(one.remark, tone);
                cell.toolTip = one.remark;
                return cell;
            }
            }
        },
        [rows](int row) {
            return QVariant(QString::fromStdString((*rows)[static_cast<std::size_t>(row)].layer));
        });
    const QString problem = unsupportedSentence(*file.graph);
    m_summary->setText(problem.isEmpty()
                           ? tr("All %n layer(s) can be run.", "", static_cast<int>(rows->size()))
                           : problem);
    if (problem.isEmpty()) {
        banner().dismiss();
    } else {
        banner().showMessage(
            {widgets::Tone::Warning,
             problem + QLatin1Char(' ') +
                 tr("The network is shown without evaluation; replace these layers in the file and "
                    "open it again."),
             {},
             {},
             {}});
    }
}

QStringList ImportPage::status() const
{
    return m_model ? QStringList{tr("%n layer(s) in the file", "",
                                    static_cast<int>(m_table->table().rowCount()))}
                   : QStringList{};
}

} // namespace

Page* makeImportPage(Context& context, QWidget* parent)
{
    return new ImportPage(context, parent);
}

} // namespace bitscape::app

#include "import_page.moc"
