// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/edits.h"
#include "app/errors/sentence.h"
#include "app/window/layers_data.h"
#include "app/window/pages/page_parts.h"
#include "app/window/pages/pages.h"
#include "widgets/panels/layers_tree.h"
#include "widgets/style/format.h"
#include "widgets/style/palette.h"

#include <QComboBox>
#include <QFrame>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QVBoxLayout>

#include <algorithm>

namespace bitscape::app {

namespace {

constexpr int kKeep = 0; ///< of the bulk boxes
constexpr int kFloat = 32;
constexpr int kMostBits = 16;

/// Next bits that change something on the accelerator: the widths of its modes.
int usefulStep(const hw::Accelerator& accelerator, int bits, int direction)
{
    std::vector<int> widths;
    for (const int lanes : accelerator.modes) {
        widths.push_back(accelerator.multiplierBits / std::max(1, lanes));
    }
    std::sort(widths.begin(), widths.end());
    if (direction > 0) {
        const auto next = std::upper_bound(widths.begin(), widths.end(), bits);
        return next == widths.end() ? bits : *next;
    }
    const auto next = std::lower_bound(widths.begin(), widths.end(), bits);
    return next == widths.begin() ? bits : *(next - 1);
}

class ModelPage final : public Page {
    Q_OBJECT
public:
    ModelPage(Context& context, QWidget* parent);
    [[nodiscard]] QStringList status() const override;
    [[nodiscard]] bool concerns(JobKind kind) const override;

private:
    void makeTop();
    void makeBottom();
    void showLayers();
    void showBulkBar();
    void showEffect(const widgets::QuantizerPlace& place, const QString& text, bool isValid);
    void setBitsOf(const std::vector<widgets::QuantizerPlace>& places, int bits);
    void step(const std::vector<widgets::QuantizerPlace>& places, int direction, bool fine);
    void applyBulk();

    QLineEdit* m_filter;
    QLabel* m_matches;
    QComboBox* m_preset;
    widgets::LayersTree* m_tree;
    QFrame* m_bulkBar;
    QLabel* m_bulkCount;
    QSpinBox* m_bulkWeights;
    QSpinBox* m_bulkOutputs;
    QPushButton* m_bulkApply;
    QLabel* m_effect;
};

ModelPage::ModelPage(Context& context, QWidget* parent)
    : Page(context, "model", parent), m_filter(new QLineEdit(this)), m_matches(new QLabel(this)),
      m_preset(new QComboBox(this)),
      m_tree(new widgets::LayersTree(quantizerHelper(context.document), this)),
      m_bulkBar(new QFrame(this)), m_bulkCount(new QLabel(this)), m_bulkWeights(new QSpinBox(this)),
      m_bulkOutputs(new QSpinBox(this)), m_bulkApply(new QPushButton(this)),
      m_effect(new QLabel(this))
{
    makeTop();
    body().addWidget(m_tree, 1);
    makeBottom();
    connect(&m_tree->layers(), &widgets::LayerTreeModel::quantizerEntered, this,
            [this](const QString& layer, graph::Slot slot, const QString& text) {
                const auto done =
                    editQuantizer(this->context().document, {layer.toStdString(), slot}, text);
                if (!done) {
                    banner().showMessage(messageOf(done.error()));
                }
            });
    connect(m_tree, &widgets::LayersTree::layersSelected, this,
            [this](const std::vector<std::string>& layers) {
                this->context().selection.setLayers(layers);
            });
    connect(m_tree, &widgets::LayersTree::bitsRequested, this, &ModelPage::setBitsOf);
    connect(m_tree, &widgets::LayersTree::stepRequested, this, &ModelPage::step);
    connect(&m_tree->editing(), &widgets::QuantizerDelegate::probed, this, &ModelPage::showEffect);
    connect(&context.selection, &Selection::layersChanged, this, [this] {
        m_tree->selectLayers(this->context().selection.layers());
        showBulkBar();
        Q_EMIT statusChanged();
    });
    connect(&context.derived, &Derived::figuresChanged, this, &ModelPage::showLayers);
    connect(&context.derived, &Derived::qualityChanged, this, &ModelPage::showLayers);
    showLayers();
    m_tree->selectLayers(context.selection.layers());
    showBulkBar();
    showEffect({}, {}, false);
}

void ModelPage::makeTop()
{
    auto* bar = new QFrame(this);
    bar->setProperty("panelBar", true);
    auto* layout = new QHBoxLayout(bar);
    layout->setContentsMargins(8, 5, 8, 5);
    layout->setSpacing(8);
    m_filter->setObjectName(QStringLiteral("layerFilterEdit"));
    m_filter->setAccessibleName(tr("Filter layers"));
    m_filter->setPlaceholderText(tr("Filter by name or class"));
    m_filter->setClearButtonEnabled(true);
    m_filter->setMaximumWidth(320);
    m_filter->addAction(widgets::icon(widgets::Icon::Filter), QLineEdit::LeadingPosition);
    m_matches->setProperty("tone", QStringLiteral("second"));
    m_preset->setObjectName(QStringLiteral("presetBox"));
    m_preset->setAccessibleName(tr("Preset"));
    m_preset->setPlaceholderText(tr("Choose…"));
    for (const Preset& preset : presets()) {
        m_preset->addItem(QCoreApplication::translate("presets", preset.title));
    }
    m_preset->setCurrentIndex(-1);
    m_preset->setMinimumWidth(150);
    auto* presetLabel = new QLabel(tr("Preset"), bar);
    layout->addWidget(m_filter, 1);
    layout->addWidget(m_matches);
    layout->addSpacing(12);
    layout->addWidget(presetLabel);
    layout->addWidget(m_preset);
    layout->addStretch(1);
    body().addWidget(bar);
    connect(m_filter, &QLineEdit::textChanged, this, [this](const QString& text) {
        m_tree->layers().setFilter(text);
        m_matches->setText(text.trimmed().isEmpty()
                               ? QString()
                               : tr("%n match(es)", "", m_tree->layers().matchCount()));
    });
    connect(m_preset, &QComboBox::activated, this, [this](int index) {
        applyPreset(context().document, presets()[static_cast<std::size_t>(index)],
                    context().selection.layers());
        m_preset->setCurrentIndex(-1);
    });
}

void ModelPage::makeBottom()
{
    m_bulkBar->setObjectName(QStringLiteral("bulkBar"));
    m_bulkBar->setAccessibleName(tr("Edit selected layers"));
    m_bulkBar->setProperty("bottomBar", true);
    auto* layout = new QHBoxLayout(m_bulkBar);
    layout->setContentsMargins(12, 7, 12, 7);
    layout->setSpacing(8);
    const auto bits = [this](QSpinBox* box, const QString& name) {
        box->setRange(kKeep, kMostBits);
        box->setSpecialValueText(tr("(keep)"));
        setName(*box, name);
        box->setSuffix(tr(" bit"));
        box->setMinimumWidth(92);
    };
    bits(m_bulkWeights, tr("Weight bits of the selected layers"));
    bits(m_bulkOutputs, tr("Output bits of the selected layers"));
    QFont bold = m_bulkCount->font();
    bold.setWeight(QFont::DemiBold);
    m_bulkCount->setFont(bold);
    m_bulkApply->setProperty("primary", true);
    m_bulkApply->setObjectName(QStringLiteral("bulkApply"));
    layout->addWidget(m_bulkCount);
    layout->addSpacing(12);
    layout->addWidget(new QLabel(tr("Weights"), m_bulkBar));
    layout->addWidget(m_bulkWeights);
    layout->addWidget(new QLabel(tr("Output"), m_bulkBar));
    layout->addWidget(m_bulkOutputs);
    layout->addWidget(m_bulkApply);
    layout->addStretch(1);
    body().addWidget(m_bulkBar);
    auto* line = new QFrame(this);
    line->setProperty("bottomBar", true);
    auto* effect = new QHBoxLayout(line);
    effect->setContentsMargins(12, 6, 12, 6);
    m_effect->setObjectName(QStringLiteral("effectLine"));
    m_effect->setTextFormat(Qt::RichText);
    effect->addWidget(m_effect, 1);
    body().addWidget(line);
    connect(m_bulkApply, &QPushButton::clicked, this, &ModelPage::applyBulk);
}

void ModelPage::showLayers()
{
    m_tree->setLayers(layersData(project(), context().derived));
    m_preset->setEnabled(!project().isEmpty());
    Q_EMIT statusChanged();
}

void ModelPage::showBulkBar()
{
    const int count = static_cast<int>(context().selection.layers().size());
    m_bulkBar->setVisible(count > 1);
    m_bulkCount->setText(tr("%n layer(s) selected", "", count));
    m_bulkApply->setText(tr("Apply to %n layer(s)", "", count));
}

void ModelPage::showEffect(const widgets::QuantizerPlace& place, const QString& text, bool isValid)
{
    if (place.layer.empty() || project().isEmpty()) {
        m_effect->setText(
            QStringLiteral("<span style='color:%1'>%2</span>")
                .arg(widgets::currentPalette().secondText.name(),
                     tr("F2 edits the quantizer of a layer; digits 1 to 9 set bits, 0 "
                        "sixteen, F float.")));
        return;
    }
    const QString title = QStringLiteral("<span style='color:%1'>%2</span>&nbsp;&nbsp; ")
                              .arg(widgets::currentPalette().secondText.name(),
                                   tr("Effect of the edit in progress:"));
    auto quantizer = isValid ? readQuantizer(project(), {place.layer, place.slot}, text)
                             : Result<quant::QuantizerPtr>(quant::QuantizerPtr());
    if (!isValid || !quantizer) {
        m_effect->setText(title + tr("none until the text can be applied."));
        return;
    }
    graph::Configuration edited = project().currentConfiguration().configuration;
    edited.set(place.layer, place.slot, *quantizer);
    const Figures after = figuresOf(project().graph(), edited, project().accelerator);
    const Figures& before = context().derived.figures();
    if (after.error || before.error) {
        m_effect->setText(title + tr("not known for this accelerator."));
        return;
    }
    const auto part = [](const QString& word, double from, double to, int decimals,
                         const QString& unit) {
        const int digits = widgets::usefulDecimals(from, decimals);
        return QStringLiteral("%1 <b>%2 → %3 %4</b>")
            .arg(word, widgets::number(from, digits), widgets::number(to, digits), unit);
    };
    QStringList parts{
        part(tr("weights"), before.weightKib, after.weightKib, 1, QStringLiteral("KiB")),
        part(tr("energy"), before.microjoule(), after.microjoule(), 2, QStringLiteral("µJ"))};
    if (after.hardware.cycles == before.hardware.cycles) {
        QString latency = tr("latency <b>unchanged</b>");
        const auto row = std::find_if(after.hardware.layers.begin(), after.hardware.layers.end(),
                                      [&](const auto& l) { return l.layer == place.layer; });
        if (row != after.hardware.layers.end() && row->lanes > 0) {
            const int width = project().accelerator.multiplierBits / row->lanes;
            latency += QStringLiteral(" <span style='color:%1'>%2</span>")
                           .arg(widgets::currentPalette().warning.text.name(),
                                tr("the layer runs in the %1-bit mode").arg(width));
        }
        parts << latency;
    } else {
        parts << part(tr("latency"), before.milliseconds(), after.milliseconds(), 3,
                      QStringLiteral("ms"));
    }
    m_effect->setText(title + parts.join(QStringLiteral("&nbsp;&nbsp;│&nbsp;&nbsp;")));
}

void ModelPage::setBitsOf(const std::vector<widgets::QuantizerPlace>& places, int bits)
{
    std::vector<Place> wanted;
    for (const widgets::QuantizerPlace& place : places) {
        wanted.push_back({place.layer, place.slot});
    }
    setBits(context().document, wanted, bits);
}

void ModelPage::step(const std::vector<widgets::QuantizerPlace>& places, int direction, bool fine)
{
    if (places.empty()) {
        return;
    }
    const auto quantizer = project().currentConfiguration().configuration.find(places.front().layer,
                                                                               places.front().slot);
    const int bits = quantizer ? quantizer->bits() : kFloat;
    const int next = fine ? std::clamp(bits + direction, 1, kMostBits)
                          : usefulStep(project().accelerator, bits, direction);
    setBitsOf(places, next);
}

void ModelPage::applyBulk()
{
    const graph::Graph& graph = project().graph();
    std::vector<Place> kernels;
    std::vector<Place> outputs;
    for (const std::string& name : context().selection.layers()) {
        for (const graph::Slot slot : graph::slotsOf(graph.layer(graph.find(name)))) {
            const bool isKernel = slot == graph::Slot::Kernel || slot == graph::Slot::Depthwise ||
                                  slot == graph::Slot::Pointwise;
            if (isKernel) {
                kernels.push_back({name, slot});
            } else if (slot == graph::Slot::Activation) {
                outputs.push_back({name, slot});
            }
        }
    }
    QUndoStack& stack = context().document.undoStack();
    const int weightBits = m_bulkWeights->value();
    const int outputBits = m_bulkOutputs->value();
    // One step for both columns.
    const bool both = weightBits != kKeep && outputBits != kKeep;
    if (both) {
        stack.beginMacro(tr("Set bits of %n layer(s)", "",
                            static_cast<int>(context().selection.layers().size())));
    }
    if (weightBits != kKeep) {
        setBits(context().document, kernels, weightBits);
    }
    if (outputBits != kKeep) {
        setBits(context().document, outputs, outputBits);
    }
    if (both) {
        stack.endMacro();
    }
}

QStringList ModelPage::status() const
{
    if (project().isEmpty()) {
        return {};
    }
    int quantizable = 0;
    for (const graph::Layer& layer : project().graph().layers()) {
        quantizable += graph::slotsOf(layer).empty() ? 0 : 1;
    }
    const int selected = static_cast<int>(context().selection.layers().size());
    return {selected > 0
                ? tr("%1 of %n quantizable layer(s) selected", "", quantizable).arg(selected)
                : tr("%n quantizable layer(s)", "", quantizable)};
}

bool ModelPage::concerns(JobKind kind) const
{
    return kind == JobKind::Open || kind == JobKind::Save || kind == JobKind::Evaluate;
}

} // namespace

Page* makeModelPage(Context& context, QWidget* parent)
{
    return new ModelPage(context, parent);
}

} // namespace bitscape::app

#include "model_page.moc"
