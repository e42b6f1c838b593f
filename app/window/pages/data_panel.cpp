// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/pages/data_panel.h"

#include "app/document/pictures.h"
#include "app/window/pages/page_parts.h"
#include "widgets/dialogs/open_dialog.h"
#include "widgets/style/format.h"

#include <QComboBox>
#include <QFormLayout>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QVBoxLayout>

#include <algorithm>

namespace bitscape::app {

namespace {

constexpr int kColumns = 4;
constexpr int kPictures = 12;
constexpr int kCell = 66;

/// How a byte image becomes numbers, as people say it.
struct ScaleChoice {
    const char* text;
    double factor;
};
constexpr ScaleChoice kScales[]{{QT_TRANSLATE_NOOP("bitscape::app::DataPanel", "as stored"), 0.0},
                                {"÷ 255", 1.0 / 255.0},
                                {"÷ 256", 1.0 / 256.0},
                                {"÷ 128", 1.0 / 128.0}};

} // namespace

DataPanel::DataPanel(Context& context, QWidget* parent)
    : QFrame(parent), m_context(context), m_title(new QLabel(this)), m_facts(new QLabel(this)),
      m_samples(new QGridLayout), m_preparation(new QWidget(this)),
      m_scale(new QComboBox(m_preparation)), m_normalize(new QLineEdit(m_preparation)),
      m_layout(new QComboBox(m_preparation)), m_limit(new QSpinBox(m_preparation)),
      m_apply(new QPushButton(tr("Read again"), m_preparation))
{
    setProperty("card", true);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(16, 14, 16, 14);
    layout->setSpacing(10);
    layout->addWidget(heading(tr("Data set"), this));
    m_title->setWordWrap(true);
    m_title->setObjectName(QStringLiteral("dataTitle"));
    m_facts->setWordWrap(true);
    m_facts->setProperty("tone", QStringLiteral("second"));
    layout->addWidget(m_title);
    layout->addWidget(m_facts);
    m_samples->setSpacing(6);
    layout->addLayout(m_samples);
    auto* buttons = new QHBoxLayout;
    auto* file = new QPushButton(tr("Open data set…"), this);
    auto* folder = new QPushButton(tr("Open folder…"), this);
    connect(file, &QPushButton::clicked, this, [this] { m_context.openDataDialog(); });
    connect(folder, &QPushButton::clicked, this, [this] { m_context.openFolderDialog(); });
    buttons->addWidget(file);
    buttons->addWidget(folder);
    buttons->addStretch(1);
    layout->addLayout(buttons);
    auto* form = new QFormLayout(m_preparation);
    form->setContentsMargins(0, 6, 0, 0);
    makeRecipe(*form);
    layout->addWidget(m_preparation);
    layout->addStretch(1);
    connect(&context.document, &Document::projectChanged, this, [this](Changes changes) {
        if (changes.testFlag(Change::Data)) {
            refresh();
        }
    });
    refresh();
}

void DataPanel::makeRecipe(QFormLayout& form)
{
    form.addRow(heading(tr("Preparation"), m_preparation));
    for (const ScaleChoice& choice : kScales) {
        m_scale->addItem(tr(choice.text), choice.factor);
    }
    m_scale->setObjectName(QStringLiteral("dataScale"));
    m_normalize->setObjectName(QStringLiteral("dataNormalize"));
    m_normalize->setToolTip(
        tr("mean,std or minmax, imagenet, int8:SCALE,ZERO; empty: nothing is changed"));
    m_layout->addItem(tr("channels last (NHWC)"), QStringLiteral("nhwc"));
    m_layout->addItem(tr("channels first (NCHW)"), QStringLiteral("nchw"));
    m_limit->setRange(0, 100'000'000);
    m_limit->setSpecialValueText(tr("all"));
    m_limit->setGroupSeparatorShown(true);
    m_apply->setObjectName(QStringLiteral("dataApply"));
    addRow(form, tr("Scale"), m_scale);
    addRow(form, tr("Normalize"), m_normalize);
    addRow(form, tr("Layout in the file"), m_layout);
    addRow(form, tr("Samples"), m_limit);
    form.addRow(QString(), m_apply);
    // A scale and a normalization exclude each other.
    connect(m_scale, &QComboBox::activated, this, [this] {
        if (m_scale->currentData().toDouble() != 0.0) {
            m_normalize->clear();
        }
    });
    connect(m_normalize, &QLineEdit::textEdited, this, [this](const QString& text) {
        if (!text.isEmpty()) {
            m_scale->setCurrentIndex(0);
        }
    });
    connect(m_apply, &QPushButton::clicked, this, &DataPanel::applyRecipe);
}

void DataPanel::refresh()
{
    const auto& set = m_context.document.project().data;
    m_preparation->setVisible(set != nullptr);
    m_facts->setVisible(set != nullptr);
    while (QLayoutItem* item = m_samples->takeAt(0)) {
        delete item->widget();
        delete item;
    }
    if (!set) {
        m_title->setText(tr("No data set yet. Open one, or drop a file or folder here."));
        return;
    }
    const train::Samples& samples = *set->samples;
    m_title->setText(QStringLiteral("<b>%1</b>")
                         .arg(QString::fromStdString(set->recipe.source)
                                  .section(QLatin1Char('/'), -1)
                                  .toHtmlEscaped()));
    QStringList facts{
        tr("%1 samples of %2, %3")
            .arg(widgets::integer(samples.count()),
                 QString::fromStdString(samples.inputs.front().shape().sample().toString()),
                 QString::fromStdString(set->dtype)),
        tr("values %1 … %2").arg(widgets::compact(set->minimum), widgets::compact(set->maximum))};
    if (samples.hasLabels()) {
        const auto highest = *std::max_element(samples.labels.begin(), samples.labels.end());
        facts << tr("%n class(es)", "", static_cast<int>(highest) + 1);
    }
    m_facts->setText(facts.join(QLatin1Char('\n')));
    showSamples(*set);
    showRecipe(set->recipe);
}

void DataPanel::showSamples(const io::DataSet& set)
{
    const SamplePictures pictures = picturesOf(io::previewOf(set, kPictures));
    for (int i = 0; i < pictures.images.size(); ++i) {
        auto* cell = new QLabel(this);
        cell->setPixmap(widgets::contactSheet({pictures.images[i]}, 1, kCell));
        cell->setAlignment(Qt::AlignCenter);
        auto* words = new QLabel(pictures.labels.value(i), this);
        words->setAlignment(Qt::AlignCenter);
        words->setProperty("tone", QStringLiteral("second"));
        words->setMaximumWidth(kCell);
        words->setToolTip(pictures.labels.value(i));
        cell->setAccessibleName(tr("Sample %1, class %2").arg(i + 1).arg(pictures.labels.value(i)));
        m_samples->addWidget(cell, i / kColumns * 2, i % kColumns);
        m_samples->addWidget(words, i / kColumns * 2 + 1, i % kColumns);
    }
}

void DataPanel::showRecipe(const io::DataRecipe& recipe)
{
    const double factor = recipe.scale.value_or(0.0);
    int row = -1;
    for (int i = 0; i < m_scale->count(); ++i) {
        if (m_scale->itemData(i).toDouble() == factor) {
            row = i;
        }
    }
    if (row < 0) {
        row = m_scale->count();
        m_scale->addItem(tr("× %1").arg(widgets::compact(factor)), factor);
    }
    m_scale->setCurrentIndex(row);
    m_normalize->setText(QString::fromStdString(recipe.normalize));
    m_layout->setCurrentIndex(recipe.layout == "nchw" ? 1 : 0);
    m_limit->setValue(static_cast<int>(recipe.limit));
}

io::DataRecipe DataPanel::enteredRecipe() const
{
    io::DataRecipe recipe = m_context.document.project().data->recipe;
    const double factor = m_scale->currentData().toDouble();
    recipe.scale = factor == 0.0 ? std::nullopt : std::optional(factor);
    recipe.normalize = m_normalize->text().trimmed().toStdString();
    recipe.layout = m_layout->currentData().toString().toStdString();
    recipe.limit = m_limit->value();
    return recipe;
}

void DataPanel::applyRecipe()
{
    m_context.activities.openData(enteredRecipe());
}

} // namespace bitscape::app
