// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/docks/quantizer_panel.h"

#include "app/document/edits.h"
#include "app/window/layers_data.h"
#include "core/graph/layers/layer_kernel.h"
#include "widgets/panels/quantizer_form.h"
#include "widgets/plots/number_line_plot.h"
#include "widgets/style/format.h"
#include "widgets/style/theme.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QVBoxLayout>

#include <algorithm>

namespace bitscape::app {

namespace {

constexpr int kLeastFormHeight = 130;
constexpr int kLeastLineHeight = 170;

QString fromStd(std::string_view text)
{
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

bool isEqual(const quant::QuantizerPtr& a, const quant::QuantizerPtr& b)
{
    return a == b || (a && b && *a == *b);
}

/// The stored weight that the slot's quantizer applies to; −1: none.
int weightOf(const graph::Layer& layer, graph::Slot slot)
{
    for (int i = 0; i < static_cast<int>(layer.weights.size()); ++i) {
        const graph::Slot* own = graph::slotOfWeight(layer, i);
        if (own != nullptr && *own == slot) {
            return i;
        }
    }
    return -1;
}

QString decibels(double value)
{
    return widgets::number(value, 1) + QStringLiteral(" dB");
}

} // namespace

QuantizerPanel::QuantizerPanel(Context& context, QWidget* parent)
    : QWidget(parent), m_context(context), m_place(new QComboBox(this)),
      m_form(new widgets::QuantizerForm(this)), m_text(new QLabel(this)), m_facts(new QLabel(this)),
      m_channelLabel(new QLabel(tr("Scale of channel"), this)), m_channel(new QSpinBox(this)),
      m_line(new widgets::NumberLinePlot(this)), m_effect(new QLabel(this)),
      m_revert(new QPushButton(tr("Revert"), this)), m_apply(new QPushButton(tr("Apply"), this))
{
    setObjectName(QStringLiteral("quantizerPanel"));
    m_place->setObjectName(QStringLiteral("quantizerPlaceBox"));
    m_place->setAccessibleName(tr("Tensor"));
    m_text->setFont(widgets::codeFont());
    for (QLabel* label : {m_text, m_facts, m_effect}) {
        label->setWordWrap(true);
        label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    }
    m_facts->setTextFormat(Qt::RichText);
    m_channel->setObjectName(QStringLiteral("quantizerChannelBox"));
    m_channel->setAccessibleName(tr("Scale of channel"));
    m_revert->setObjectName(QStringLiteral("quantizerRevertButton"));
    m_apply->setObjectName(QStringLiteral("quantizerApplyButton"));
    m_apply->setDefault(true);
    m_form->setMinimumHeight(kLeastFormHeight);
    m_line->setMinimumHeight(kLeastLineHeight);
    m_line->setLegendVisible(false);
    auto* top = new QHBoxLayout;
    top->addWidget(new QLabel(tr("Tensor"), this));
    top->addWidget(m_place, 1);
    auto* channel = new QHBoxLayout;
    channel->addWidget(m_channelLabel);
    channel->addWidget(m_channel);
    channel->addStretch(1);
    auto* buttons = new QHBoxLayout;
    buttons->addWidget(m_effect, 1);
    buttons->addWidget(m_revert);
    buttons->addWidget(m_apply);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(8, 6, 8, 6);
    layout->setSpacing(5);
    layout->addLayout(top);
    layout->addWidget(m_form, 2);
    layout->addWidget(m_text);
    layout->addWidget(m_facts);
    layout->addLayout(channel);
    layout->addWidget(m_line, 3);
    layout->addLayout(buttons);
    connect(m_place, &QComboBox::activated, this, &QuantizerPanel::showPlace);
    connect(m_form, &widgets::QuantizerForm::edited, this, &QuantizerPanel::edit);
    connect(m_channel, &QSpinBox::valueChanged, this, &QuantizerPanel::preview);
    connect(m_revert, &QPushButton::clicked, this, &QuantizerPanel::showPlace);
    connect(m_apply, &QPushButton::clicked, this, &QuantizerPanel::apply);
}

graph::Slot QuantizerPanel::slot() const
{
    const int row = m_place->currentIndex();
    return row >= 0 && row < static_cast<int>(m_slots.size())
               ? m_slots[static_cast<std::size_t>(row)]
               : graph::Slot::Activation;
}

quant::QuantizerPtr QuantizerPanel::current() const
{
    return m_context.document.project().currentConfiguration().configuration.find(m_layer, slot());
}

void QuantizerPanel::setLayer(const std::string& layer)
{
    const project::Project& project = m_context.document.project();
    const int index = project.graph().find(layer);
    ensure(index >= 0, "the shown layer is in the network");
    const std::vector<graph::Slot> slots = graph::slotsOf(project.graph().layer(index));
    if (layer == m_layer && slots == m_slots) {
        if (!isEqual(current(), m_shown)) {
            showPlace();
        }
        return;
    }
    const graph::Slot before = m_slots.empty() ? graph::Slot::Kernel : slot();
    m_layer = layer;
    m_slots = slots;
    const QSignalBlocker blocker(m_place);
    m_place->clear();
    for (const graph::Slot one : m_slots) {
        m_place->addItem(one == graph::Slot::Activation ? tr("output") : fromStd(graph::name(one)));
    }
    const auto kept = std::ranges::find(m_slots, before);
    m_place->setCurrentIndex(kept == m_slots.end() ? 0 : static_cast<int>(kept - m_slots.begin()));
    setEnabled(!m_slots.empty());
    showPlace();
}

void QuantizerPanel::showPlace()
{
    m_shown = m_slots.empty() ? nullptr : current();
    m_form->setQuantizer(m_shown);
    const QSignalBlocker blocker(m_channel);
    m_channel->setValue(0);
    edit();
}

void QuantizerPanel::edit()
{
    const bool changed = m_form->isValid() && !isEqual(m_form->quantizer(), m_shown);
    m_apply->setEnabled(changed);
    m_revert->setEnabled(changed || !m_form->isValid());
    preview();
}

quant::QuantizerPtr QuantizerPanel::used() const
{
    const project::Project& project = m_context.document.project();
    const graph::Layer& layer = project.graph().layer(project.graph().find(m_layer));
    graph::LayerQuantizers quantizers;
    if (m_form->quantizer()) {
        quantizers[slot()] = m_form->quantizer();
    }
    return graph::effectiveQuantizer(layer, quantizers, slot());
}

void QuantizerPanel::preview()
{
    const quant::QuantizerPtr given = m_form->quantizer();
    if (m_slots.empty() || !given) {
        m_text->setText(m_slots.empty() ? tr("This layer has no tensor to quantize.")
                                        : QStringLiteral("float"));
        m_facts->clear();
        m_effect->clear();
        m_line->setData({});
        m_channelLabel->hide();
        m_channel->hide();
        return;
    }
    const quant::QuantizerPtr quantizer = used();
    m_text->setText(fromStd(given->toString()));
    if (!isEqual(quantizer, given)) {
        m_text->setText(m_text->text() + QLatin1Char('\n') +
                        tr("Becomes %1 inside a layer.").arg(fromStd(quantizer->toString())));
    }
    m_facts->setText(QStringLiteral("<code>%1</code><br>%2")
                         .arg(fromStd(quantizer->info().grid).toHtmlEscaped(),
                              gridText(*quantizer).toHtmlEscaped()));
    const Snapshot project = m_context.document.snapshot();
    m_preview.request(
        [project, quantizer, layer = m_layer, slot = slot(),
         group = static_cast<Index>(m_channel->value())](const JobContext&) -> Result<Preview> {
            Preview made;
            const graph::Graph& graph = project->graph();
            const int index = graph.find(layer);
            if (index < 0 || quantizer->needsRange()) {
                return made;
            }
            const graph::Layer& owner = graph.layer(index);
            const int weight = weightOf(owner, slot);
            if (weight < 0) {
                made.line = quant::numberLine(*quantizer, {nullptr, Shape{0}});
                return made;
            }
            const auto slots = graph.weightSlots();
            const auto at = std::ranges::find_if(slots, [&](const graph::WeightSlot& one) {
                return one.layer == index && one.weight == weight;
            });
            const TensorPtr values =
                project->currentWeights()[static_cast<std::size_t>(at - slots.begin())];
            if (auto ok = quantizer->accepts(values->shape()); !ok) {
                return fail(std::move(ok).error());
            }
            const auto before =
                effectiveQuantizer(project->currentConfiguration().configuration, owner, slot);
            made.now = analyzeWeight(owner, weight, values->view(), quantizer.get());
            made.before = analyzeWeight(owner, weight, values->view(), before.get());
            made.groups = quantizer->fit(values->view(), {}).scale.size();
            made.line = quant::numberLine(*quantizer, values->view(),
                                          std::clamp<Index>(group, 0, made.groups - 1));
            return made;
        },
        [this](Result<Preview> done) {
            if (done) {
                showPreview(*done);
            } else {
                m_effect->setText(QString::fromStdString(done.error().sentence()));
                m_line->setData({});
            }
        });
}

void QuantizerPanel::showPreview(const Preview& made)
{
    const bool isPerChannel = made.groups > 1;
    m_channelLabel->setVisible(isPerChannel);
    m_channel->setVisible(isPerChannel);
    {
        const QSignalBlocker blocker(m_channel);
        m_channel->setMaximum(static_cast<int>(made.groups) - 1);
    }
    widgets::NumberLineData shown;
    shown.line = made.line;
    const Histogram& histogram = made.now.values;
    for (std::size_t i = 0; !histogram.counts.empty() && i <= histogram.counts.size(); ++i) {
        shown.edges.push_back(histogram.low + (histogram.high - histogram.low) *
                                                  static_cast<double>(i) /
                                                  static_cast<double>(histogram.counts.size()));
    }
    shown.counts = histogram.counts;
    m_line->setData(shown);
    if (made.now.count == 0) {
        m_effect->setText(used() && used()->needsRange()
                              ? tr("Calibrate first: the range is not known yet.")
                              : QString());
        return;
    }
    const QString now =
        tr("SQNR %1, clipped %2 %, zero codes %3 %")
            .arg(decibels(made.now.sqnrDb), widgets::number(100.0 * made.now.clippedShare, 2),
                 widgets::number(100.0 * made.now.zeroShare, 1));
    m_effect->setText(m_apply->isEnabled()
                          ? tr("%1 (before: SQNR %2)").arg(now, decibels(made.before.sqnrDb))
                          : now);
}

void QuantizerPanel::apply()
{
    const quant::QuantizerPtr quantizer = m_form->quantizer();
    const QString text = quantizer ? fromStd(quantizer->toString()) : QStringLiteral("float");
    if (auto done = editQuantizer(m_context.document, {m_layer, slot()}, text); !done) {
        m_effect->setText(QString::fromStdString(done.error().sentence()));
    }
}

} // namespace bitscape::app
