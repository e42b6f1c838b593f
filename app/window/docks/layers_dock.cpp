// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/docks/docks.h"
#include "app/window/layers_data.h"
#include "app/window/trials.h"
#include "widgets/panels/layers_tree.h"

#include <QCoreApplication>
#include <QFrame>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

namespace bitscape::app {

namespace {

QString words(const char* source)
{
    return QCoreApplication::translate("docks", source);
}

/// The network with its bits; shows the configuration of the selected trial as a preview.
class LayersPanel final : public QWidget {
public:
    LayersPanel(Context& context, QWidget* parent);

private:
    void showLayers();

    Context& m_context;
    QFrame* m_preview;
    QLabel* m_previewText;
    widgets::LayersTree* m_tree;
};

LayersPanel::LayersPanel(Context& context, QWidget* parent)
    : QWidget(parent), m_context(context), m_preview(new QFrame(this)),
      m_previewText(new QLabel(m_preview)),
      m_tree(new widgets::LayersTree(quantizerHelper(context.document), this))
{
    setObjectName(QStringLiteral("layers"));
    m_preview->setProperty("banner", QStringLiteral("info"));
    auto* end = new QPushButton(words(QT_TRANSLATE_NOOP("docks", "End")), m_preview);
    end->setToolTip(words(QT_TRANSLATE_NOOP("docks", "End the preview (Esc)")));
    m_previewText->setWordWrap(true);
    auto* bar = new QHBoxLayout(m_preview);
    bar->setContentsMargins(8, 4, 4, 4);
    bar->addWidget(m_previewText, 1);
    bar->addWidget(end);
    m_tree->setEditTriggers(QAbstractItemView::NoEditTriggers);
    using Model = widgets::LayerTreeModel;
    m_tree->showColumns(
        {Model::NameColumn, Model::WeightBitsColumn, Model::OutputBitsColumn, Model::EnergyColumn});
    m_tree->setColumnWidth(Model::NameColumn, 150);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(m_preview);
    layout->addWidget(m_tree, 1);
    connect(end, &QPushButton::clicked, this,
            [this] { m_context.selection.setTrial(std::nullopt); });
    connect(
        m_tree, &widgets::LayersTree::layersSelected, this,
        [this](const std::vector<std::string>& layers) { m_context.selection.setLayers(layers); });
    connect(&context.selection, &Selection::layersChanged, this,
            [this] { m_tree->selectLayers(m_context.selection.layers()); });
    const auto refresh = [this] { showLayers(); };
    connect(&context.selection, &Selection::trialChanged, this, refresh);
    connect(&context.derived, &Derived::figuresChanged, this, refresh);
    showLayers();
}

void LayersPanel::showLayers()
{
    const project::Project& project = m_context.document.project();
    const auto trial = project.isEmpty()
                           ? std::nullopt
                           : findTrial(m_context.activities, m_context.selection.trial());
    m_preview->setVisible(trial.has_value());
    if (trial) {
        m_previewText->setText(
            words(QT_TRANSLATE_NOOP("docks", "Preview of trial %1; the tree keeps %2"))
                .arg(trial->trial->number)
                .arg(QString::fromStdString(project.currentConfiguration().configuration.name)));
        m_tree->setLayers(layersData(project, trial->trial->configuration,
                                     m_context.derived.figuresOfTrial(*trial->trial)));
    } else {
        m_tree->setLayers(layersData(project, m_context.derived));
    }
}

} // namespace

QWidget* makeLayersDock(Context& context, QWidget* parent)
{
    return new LayersPanel(context, parent);
}

} // namespace bitscape::app
