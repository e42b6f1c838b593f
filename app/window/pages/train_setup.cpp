// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/pages/train_setup.h"

#include "app/window/pages/page_parts.h"
#include "core/train/augment.h"
#include "core/train/loss.h"
#include "core/train/noise_schedule.h"
#include "core/train/optimizer.h"
#include "core/train/schedule.h"

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QLineEdit>
#include <QSpinBox>

#include <array>
#include <limits>

namespace bitscape::app {

namespace {

/// A ready set-up.
struct Recipe {
    const char* title;
    int epochs;
    int batch;
    const char* optimizer;
    const char* schedule;
};

constexpr std::array kRecipes{
    Recipe{QT_TRANSLATE_NOOP("bitscape::app::TrainSetup", "Fine-tune, 1 epoch"), 1, 32,
           "adam(0.0001)", ""},
    Recipe{QT_TRANSLATE_NOOP("bitscape::app::TrainSetup", "Training, 5 epochs"), 5, 32,
           "adam(0.001)", ""},
    Recipe{QT_TRANSLATE_NOOP("bitscape::app::TrainSetup", "QAT, 10 epochs"), 10, 64, "adam(0.001)",
           "cosine_decay"},
};
constexpr int kFirstRecipe = 1;

QString textOf(std::string_view text)
{
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

/// "momentum=0.0: Part of …", a line for each parameter.
QString describe(std::span<const train::CallParameter> parameters)
{
    QStringList lines;
    for (const train::CallParameter& parameter : parameters) {
        lines.push_back(QStringLiteral("%1=%2: %3")
                            .arg(textOf(parameter.name),
                                 QString::fromStdString(train::toString(parameter.defaultValue)),
                                 textOf(parameter.doc)));
    }
    return lines.join(QLatin1Char('\n'));
}

void addItem(QComboBox& box, std::string_view name, std::string_view doc,
             std::span<const train::CallParameter> parameters)
{
    box.addItem(textOf(name));
    const QString help = textOf(doc) + QLatin1Char('\n') + describe(parameters);
    box.setItemData(box.count() - 1, help.trimmed(), Qt::ToolTipRole);
}

/// A box to choose a row's name from and to type arguments behind it; empty is `nothing`.
template <class Row>
void fill(QComboBox& box, std::span<const Row> rows, const QString& nothing)
{
    box.setEditable(true);
    box.setInsertPolicy(QComboBox::NoInsert);
    box.setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    if (!nothing.isEmpty()) {
        box.addItem(QString());
        box.lineEdit()->setPlaceholderText(nothing);
    }
    for (const Row& row : rows) {
        addItem(box, row.name, row.doc, row.parameters);
    }
}

std::string textOf(const QComboBox& box)
{
    return box.currentText().trimmed().toStdString();
}

} // namespace

TrainSetup::TrainSetup(Context& context, QWidget* parent)
    : QWidget(parent), m_context(context), m_recipe(new QComboBox(this)),
      m_start(new QComboBox(this)), m_epochs(new QSpinBox(this)), m_batch(new QSpinBox(this)),
      m_optimizer(new QComboBox(this)), m_schedule(new QComboBox(this)),
      m_warmUp(new QSpinBox(this)), m_loss(new QComboBox(this)), m_augment(new QComboBox(this)),
      m_earlyStop(new QSpinBox(this)), m_distillation(new QDoubleSpinBox(this)),
      m_noise(new QLineEdit(this)), m_seed(new QSpinBox(this))
{
    makeFields();
    auto* form = new QFormLayout(this);
    form->setContentsMargins(0, 0, 0, 0);
    form->setLabelAlignment(Qt::AlignRight | Qt::AlignVCenter);
    form->setHorizontalSpacing(10);
    form->setVerticalSpacing(8);
    addFields(*form);
    connect(m_recipe, &QComboBox::activated, this, &TrainSetup::takeRecipe);
    connect(&context.document, &Document::projectChanged, this, [this] { showStart(); });
    takeRecipe(kFirstRecipe);
    showStart();
}

void TrainSetup::makeFields()
{
    for (const Recipe& recipe : kRecipes) {
        m_recipe->addItem(tr(recipe.title));
    }
    m_recipe->setCurrentIndex(kFirstRecipe);
    m_start->addItem(QString());
    m_start->addItem(tr("fresh weights"));
    m_start->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_epochs->setRange(1, 10000);
    m_batch->setRange(1, 65536);
    m_warmUp->setRange(0, 1000000);
    m_warmUp->setToolTip(tr("Steps that lead up to the first learning rate"));
    m_earlyStop->setRange(0, 10000);
    m_earlyStop->setSpecialValueText(tr("never"));
    m_earlyStop->setToolTip(
        tr("Epochs without a better validation loss; the best weights are kept"));
    m_distillation->setRange(0, 1);
    m_distillation->setSingleStep(0.1);
    m_distillation->setToolTip(
        tr("Share of the loss that draws the outputs to those of the float network"));
    m_seed->setRange(0, std::numeric_limits<int>::max());
    fill(*m_optimizer, train::optimizers(), {});
    m_optimizer->setToolTip(tr("As Keras writes it: sgd(0.01, momentum=0.9), adam(0.001)"));
    fill(*m_schedule, train::schedules(), tr("the rate stays"));
    fill(*m_loss, train::losses(), tr("as the data want it"));
    fill(*m_augment, train::augmentations(), tr("images as they are"));
    m_augment->setToolTip(tr("Several behind commas: flip, crop(2)"));
    m_noise->setPlaceholderText(QStringLiteral("qnoise_scheduler(0, 5)"));
    m_noise->setToolTip(tr("Quantize little by little:") + QLatin1Char('\n') +
                        describe(train::noiseParameters()));
}

void TrainSetup::addFields(QFormLayout& form)
{
    addRow(form, tr("Preset"), m_recipe);
    addRow(form, tr("Start from"), m_start);
    addRow(form, tr("Epochs"), m_epochs);
    addRow(form, tr("Batch"), m_batch);
    addRow(form, tr("Optimizer"), m_optimizer);
    addRow(form, tr("Schedule"), m_schedule);
    addRow(form, tr("Warm-up, steps"), m_warmUp);
    addRow(form, tr("Loss"), m_loss);
    addRow(form, tr("Augmentation"), m_augment);
    addRow(form, tr("Stop early after"), m_earlyStop);
    addRow(form, tr("Distillation"), m_distillation);
    addRow(form, tr("Quantizer noise"), m_noise);
    addRow(form, tr("Seed"), m_seed);
}

void TrainSetup::takeRecipe(int index)
{
    const Recipe& recipe = kRecipes[static_cast<std::size_t>(index)];
    m_epochs->setValue(recipe.epochs);
    m_batch->setValue(recipe.batch);
    m_optimizer->setEditText(QLatin1StringView(recipe.optimizer));
    m_schedule->setEditText(QLatin1StringView(recipe.schedule));
}

void TrainSetup::showStart()
{
    const project::Project& project = m_context.document.project();
    m_start->setItemText(
        0, project.isEmpty()
               ? QStringLiteral("—")
               : QString::fromStdString(project.currentConfiguration().configuration.name));
}

train::TrainOptions TrainSetup::options() const
{
    train::TrainOptions options;
    options.epochs = m_epochs->value();
    options.batch = m_batch->value();
    options.optimizer = textOf(*m_optimizer);
    options.schedule = textOf(*m_schedule);
    options.warmUp = m_warmUp->value();
    options.loss = textOf(*m_loss);
    options.augment = textOf(*m_augment);
    options.earlyStop = m_earlyStop->value();
    options.distillation = m_distillation->value();
    options.noise = m_noise->text().trimmed().toStdString();
    options.seed = static_cast<std::uint64_t>(m_seed->value());
    return options;
}

bool TrainSetup::startsFresh() const
{
    return m_start->currentIndex() == 1;
}

int TrainSetup::epochs() const
{
    return m_epochs->value();
}

} // namespace bitscape::app
