// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/models/layer_tree_model.h"

#include "core/graph/layer_registry.h"
#include "widgets/style/format.h"
#include "widgets/style/palette.h"

#include <QColor>

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>

namespace bitscape::widgets {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int kFloatBits = 32;

/// "stack2" of "stack2_conv1" or "stack2/conv1"; empty where the name has no such part or the part
/// only repeats the class ("conv2d" of "conv2d_6").
std::string blockPrefix(const graph::Layer& layer)
{
    if (const auto slash = layer.name.find('/'); slash != std::string::npos) {
        return layer.name.substr(0, slash);
    }
    const auto bar = layer.name.find('_');
    if (bar == std::string::npos || bar == 0) {
        return {};
    }
    std::string prefix = layer.name.substr(0, bar);
    const auto lower = [](std::string text) {
        std::transform(text.begin(), text.end(), text.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        return text;
    };
    const std::string kind = lower(layer.className);
    const bool repeatsClass = kind.find(lower(prefix)) != std::string::npos;
    return repeatsClass ? std::string() : prefix;
}

bool isKernelSlot(graph::Slot slot)
{
    return slot == graph::Slot::Kernel || slot == graph::Slot::Depthwise ||
           slot == graph::Slot::Pointwise;
}

std::optional<graph::Slot> kernelSlot(const graph::Layer& layer)
{
    const std::vector<graph::Slot> slots = graph::slotsOf(layer);
    const auto found = std::find_if(slots.begin(), slots.end(), isKernelSlot);
    return found == slots.end() ? std::nullopt : std::optional(*found);
}

bool hasSlot(const graph::Layer& layer, graph::Slot slot)
{
    const std::vector<graph::Slot> slots = graph::slotsOf(layer);
    return std::find(slots.begin(), slots.end(), slot) != slots.end();
}

QString modeText(const hw::LayerCost& cost)
{
    switch (cost.engine) {
    case hw::EngineKind::Cpu:
        return QStringLiteral("cpu");
    case hw::EngineKind::Free:
        return QStringLiteral("free");
    case hw::EngineKind::Conv:
    case hw::EngineKind::Depthwise:
    case hw::EngineKind::Dense:
        break;
    }
    return QStringLiteral("×%1").arg(cost.lanes);
}

} // namespace

struct LayerTreeModel::Node {
    enum class Kind { Root, Network, Block, Layer, Tensor } kind = Kind::Root;
    Node* parent = nullptr;
    int row = 0;
    QString name;
    int layer = -1;  ///< Layer, Tensor
    int weight = -1; ///< Tensor: index in Layer::weights
    std::vector<std::unique_ptr<Node>> children;

    Node* add(Kind childKind, QString childName)
    {
        auto child = std::make_unique<Node>();
        child->kind = childKind;
        child->parent = this;
        child->row = static_cast<int>(children.size());
        child->name = std::move(childName);
        children.push_back(std::move(child));
        return children.back().get();
    }
    void collectLayers(std::vector<int>& into) const
    {
        if (layer >= 0) {
            into.push_back(layer);
            return;
        }
        for (const auto& child : children) {
            child->collectLayers(into);
        }
    }
};

LayerTreeModel::LayerTreeModel(QObject* parent)
    : QAbstractItemModel(parent), m_root(std::make_unique<Node>())
{
}

LayerTreeModel::~LayerTreeModel() = default;

void LayerTreeModel::setLayers(LayersData data)
{
    // Training gives a network with the same layers and other weights: rows stay.
    const auto sameLayers = [](const graph::Graph& a, const graph::Graph& b) {
        return a.name() == b.name() &&
               std::equal(a.layers().begin(), a.layers().end(), b.layers().begin(),
                          b.layers().end(), [](const graph::Layer& x, const graph::Layer& y) {
                              return x.name == y.name && x.className == y.className &&
                                     x.weights.size() == y.weights.size();
                          });
    };
    const bool keepsRows = data.graph && m_data.graph &&
                           (data.graph == m_data.graph || sameLayers(*data.graph, *m_data.graph));
    if (!keepsRows) {
        beginResetModel();
    }
    m_data = std::move(data);
    m_costRows.assign(m_data.graph ? m_data.graph->layers().size() : 0, {});
    for (std::size_t i = 0; i < m_data.cost.layers.size(); ++i) {
        const int layer = m_data.cost.layers[i].index;
        if (layer >= 0 && layer < static_cast<int>(m_costRows.size())) {
            m_costRows[static_cast<std::size_t>(layer)].push_back(static_cast<int>(i));
        }
    }
    m_energyDecimals = usefulDecimals(m_data.cost.energyPicojoule / 1e6, 2);
    m_cycleDecimals = usefulDecimals(static_cast<double>(m_data.cost.cycles) / 1e3, 1);
    if (keepsRows) {
        tellChanged(*m_root);
    } else {
        build();
        endResetModel();
    }
}

void LayerTreeModel::setFilter(const QString& text)
{
    m_filter = text.trimmed();
    tellChanged(*m_root);
}

int LayerTreeModel::matchCount() const
{
    return static_cast<int>(
        std::count_if(m_layerNodes.begin(), m_layerNodes.end(),
                      [this](const auto& entry) { return matches(*entry.second); }));
}

void LayerTreeModel::build()
{
    m_root = std::make_unique<Node>();
    m_layerNodes.clear();
    if (!m_data.graph) {
        return;
    }
    const auto layers = m_data.graph->layers();
    const QString name = QString::fromStdString(m_data.graph->name());
    Node* network = m_root->add(Node::Kind::Network, name.isEmpty() ? tr("network") : name);
    Node* block = nullptr;
    std::string current;
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const graph::Layer& layer = layers[i];
        if (graph::isImplied(layer.op)) {
            continue;
        }
        const std::string prefix = blockPrefix(layer);
        const bool isNext = i + 1 < layers.size() && blockPrefix(layers[i + 1]) == prefix;
        if (prefix.empty()) {
            block = nullptr;
        } else if (prefix != current || block == nullptr) {
            block =
                isNext ? network->add(Node::Kind::Block, QString::fromStdString(prefix)) : nullptr;
        }
        current = prefix;
        Node* node = (block != nullptr ? block : network)
                         ->add(Node::Kind::Layer, QString::fromStdString(layer.name));
        node->layer = static_cast<int>(i);
        m_layerNodes.emplace(layer.name, node);
        for (std::size_t w = 0; w < layer.weights.size(); ++w) {
            Node* tensor =
                node->add(Node::Kind::Tensor, QString::fromStdString(layer.weights[w].name));
            tensor->layer = static_cast<int>(i);
            tensor->weight = static_cast<int>(w);
        }
    }
}

void LayerTreeModel::tellChanged(const Node& node)
{
    if (node.children.empty()) {
        return;
    }
    Q_EMIT dataChanged(indexOf(node.children.front().get(), 0),
                       indexOf(node.children.back().get(), ColumnCount - 1));
    for (const auto& child : node.children) {
        tellChanged(*child);
    }
}

const LayerTreeModel::Node* LayerTreeModel::nodeOf(const QModelIndex& index) const
{
    return index.isValid() ? static_cast<const Node*>(index.constInternalPointer()) : m_root.get();
}

QModelIndex LayerTreeModel::indexOf(const Node* node, int column) const
{
    return createIndex(node->row, column, node);
}

QModelIndex LayerTreeModel::index(int row, int column, const QModelIndex& parent) const
{
    const Node* node = nodeOf(parent);
    if (row < 0 || column < 0 || column >= ColumnCount ||
        row >= static_cast<int>(node->children.size()) || parent.column() > 0) {
        return {};
    }
    return indexOf(node->children[static_cast<std::size_t>(row)].get(), column);
}

QModelIndex LayerTreeModel::parent(const QModelIndex& child) const
{
    const Node* node = nodeOf(child);
    return node->parent == nullptr || node->parent == m_root.get() ? QModelIndex()
                                                                   : indexOf(node->parent, 0);
}

int LayerTreeModel::rowCount(const QModelIndex& parent) const
{
    return parent.column() > 0 ? 0 : static_cast<int>(nodeOf(parent)->children.size());
}

int LayerTreeModel::columnCount(const QModelIndex&) const
{
    return ColumnCount;
}

QVariant LayerTreeModel::data(const QModelIndex& index, int role) const
{
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) {
        return {};
    }
    const Node& node = *nodeOf(index);
    if (role == IdRole) {
        return node.layer >= 0 ? QString::fromStdString(m_data.graph->layer(node.layer).name)
                               : QVariant();
    }
    if (role == Qt::EditRole) {
        const auto place = placeOf(index);
        if (!place) {
            return {};
        }
        const auto quantizer = m_data.configuration.find(place->layer, place->slot);
        return quantizer ? QString::fromStdString(quantizer->toString()) : QString();
    }
    if (role == Qt::ForegroundRole && !matches(node)) {
        return currentPalette().disabledText;
    }
    const bool numeric = index.column() >= WeightsColumn;
    return cellData(cell(node, index.column()), role, numeric);
}

bool LayerTreeModel::setData(const QModelIndex& index, const QVariant& value, int role)
{
    const auto place = role == Qt::EditRole ? placeOf(index) : std::nullopt;
    if (place) {
        Q_EMIT quantizerEntered(QString::fromStdString(place->layer), place->slot,
                                value.toString());
    }
    return false;
}

Qt::ItemFlags LayerTreeModel::flags(const QModelIndex& index) const
{
    Qt::ItemFlags flags = QAbstractItemModel::flags(index);
    const bool isQuantizerColumn =
        index.column() == WeightQuantizerColumn || index.column() == OutputQuantizerColumn;
    if (index.isValid() && isQuantizerColumn && placeOf(index)) {
        flags |= Qt::ItemIsEditable;
    }
    return flags;
}

QVariant LayerTreeModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount) {
        return {};
    }
    if (role == Qt::TextAlignmentRole) {
        const bool centered =
            section == WeightBitsColumn || section == OutputBitsColumn || section == ModeColumn;
        return QVariant::fromValue(Qt::Alignment(Qt::AlignVCenter) |
                                   (centered                   ? Qt::AlignHCenter
                                    : section >= WeightsColumn ? Qt::AlignRight
                                                               : Qt::AlignLeft));
    }
    const std::array<std::array<QString, 2>, ColumnCount> texts{{
        {tr("Layer"), tr("Name in the model file")},
        {tr("Class"), tr("Kind of layer; shape for a tensor")},
        {tr("Weight quantizer"), tr("Rule for the kernel. F2 edits, digits set bits")},
        {tr("w", "short for weight bits"), tr("Bits of the weights")},
        {tr("Output quantizer"), tr("Rule for the output of the layer. F2 edits, digits set bits")},
        {tr("a", "short for activation bits"), tr("Bits of the output")},
        {tr("Mode"), tr("Lanes per multiplier; cpu: outside the array")},
        {tr("KiB"), tr("Weights packed with exact bits (KiB)")},
        {tr("kcycles"), tr("Thousand clock cycles for one inference (estimate)")},
        {tr("Util. %"), tr("Useful lane-slots ÷ offered ones (estimate)")},
        {tr("µJ"), tr("Energy for one inference on the accelerator (µJ, estimate)")},
        {tr("SQNR dB"), tr("Signal to quantization noise of the output, against float (dB)")},
    }};
    switch (role) {
    case Qt::DisplayRole:
        return texts[static_cast<std::size_t>(section)][0];
    case Qt::ToolTipRole:
        return texts[static_cast<std::size_t>(section)][1];
    default:
        return {};
    }
}

QModelIndex LayerTreeModel::layerIndex(const std::string& layer) const
{
    const auto found = m_layerNodes.find(layer);
    return found == m_layerNodes.end() ? QModelIndex() : indexOf(found->second, 0);
}

std::vector<std::string> LayerTreeModel::layersOf(const QModelIndex& index) const
{
    std::vector<std::string> names;
    if (!index.isValid() || !m_data.graph) {
        return names;
    }
    std::vector<int> indices;
    nodeOf(index)->collectLayers(indices);
    names.reserve(indices.size());
    for (const int i : indices) {
        names.push_back(m_data.graph->layer(i).name);
    }
    return names;
}

std::optional<QuantizerPlace> LayerTreeModel::placeOf(const QModelIndex& index) const
{
    const Node& node = *nodeOf(index);
    if (node.layer < 0) {
        return std::nullopt;
    }
    const graph::Layer& layer = m_data.graph->layer(node.layer);
    const bool isOutput =
        index.column() == OutputQuantizerColumn || index.column() == OutputBitsColumn;
    if (node.kind == Node::Kind::Tensor) {
        const graph::Slot* slot = graph::slotOfWeight(layer, node.weight);
        return slot == nullptr || isOutput ? std::nullopt
                                           : std::optional(QuantizerPlace{layer.name, *slot});
    }
    if (isOutput) {
        return hasSlot(layer, graph::Slot::Activation)
                   ? std::optional(QuantizerPlace{layer.name, graph::Slot::Activation})
                   : std::nullopt;
    }
    const auto slot = kernelSlot(layer);
    return slot ? std::optional(QuantizerPlace{layer.name, *slot}) : std::nullopt;
}

const hw::LayerCost* LayerTreeModel::costOf(int layer) const
{
    const std::vector<int>& rows = m_costRows[static_cast<std::size_t>(layer)];
    return rows.empty() ? nullptr : &m_data.cost.layers[static_cast<std::size_t>(rows.front())];
}

double LayerTreeModel::cyclesOf(int layer) const
{
    double sum = 0.0;
    for (const int row : m_costRows[static_cast<std::size_t>(layer)]) {
        sum += static_cast<double>(m_data.cost.layers[static_cast<std::size_t>(row)].cycles);
    }
    return sum;
}

double LayerTreeModel::microjouleOf(int layer) const
{
    double sum = 0.0;
    for (const int row : m_costRows[static_cast<std::size_t>(layer)]) {
        sum += m_data.cost.layers[static_cast<std::size_t>(row)].totalEnergyPicojoule() / 1e6;
    }
    return sum;
}

double LayerTreeModel::weightKib(int layer, int weight) const
{
    const graph::Layer& l = m_data.graph->layer(layer);
    const graph::Slot* slot = graph::slotOfWeight(l, weight);
    const auto quantizer =
        slot != nullptr ? m_data.configuration.find(l.name, *slot) : quant::QuantizerPtr();
    const int bits = quantizer ? quantizer->bits() : kFloatBits;
    const auto& tensor = l.weights[static_cast<std::size_t>(weight)].value;
    return tensor ? static_cast<double>(tensor->size()) * bits / 8.0 / 1024.0 : 0.0;
}

double LayerTreeModel::weightKib(int layer) const
{
    double sum = 0.0;
    for (std::size_t w = 0; w < m_data.graph->layer(layer).weights.size(); ++w) {
        sum += weightKib(layer, static_cast<int>(w));
    }
    return sum;
}

bool LayerTreeModel::matches(const Node& node) const
{
    if (m_filter.isEmpty() || node.layer < 0) {
        return true;
    }
    const graph::Layer& layer = m_data.graph->layer(node.layer);
    const QStringList words = m_filter.split(QLatin1Char(' '), Qt::SkipEmptyParts);
    return std::all_of(words.begin(), words.end(), [&](const QString& word) {
        return QString::fromStdString(layer.name).contains(word, Qt::CaseInsensitive) ||
               QString::fromStdString(layer.className).contains(word, Qt::CaseInsensitive);
    });
}

Cell LayerTreeModel::cell(const Node& node, int column) const
{
    switch (node.kind) {
    case Node::Kind::Root:
        return {};
    case Node::Kind::Network:
    case Node::Kind::Block:
        return sumCell(node, column);
    case Node::Kind::Layer:
        return layerCell(node, column);
    case Node::Kind::Tensor:
        return tensorCell(node, column);
    }
    return {};
}

Cell LayerTreeModel::sumCell(const Node& node, int column) const
{
    const bool isNetwork = node.kind == Node::Kind::Network;
    std::vector<int> layers;
    node.collectLayers(layers);
    double cycles = 0.0;
    double energy = 0.0;
    double kib = 0.0;
    double useful = 0.0;
    double offered = 0.0;
    for (const int layer : layers) {
        kib += weightKib(layer);
        cycles += cyclesOf(layer);
        energy += microjouleOf(layer);
        if (const hw::LayerCost* cost = costOf(layer)) {
            useful += static_cast<double>(cost->slotParts[0]);
            for (const std::int64_t part : cost->slotParts) {
                offered += static_cast<double>(part);
            }
        }
    }
    Cell cell;
    switch (column) {
    case NameColumn:
        cell = textCell(
            isNetwork ? node.name
                      : QStringLiteral("%1  %2").arg(
                            node.name, tr("%n layer(s)", "", static_cast<int>(layers.size()))));
        if (isNetwork && !m_data.dataName.isEmpty()) {
            cell.text += QStringLiteral("  ") + m_data.dataName;
        }
        break;
    case ClassColumn:
        cell = textCell(isNetwork ? tr("network") : tr("block"), Tone::Second);
        break;
    case WeightsColumn:
        cell = numberCell(kib, 1);
        break;
    case CyclesColumn:
        cell = numberCell(cycles / 1e3, m_cycleDecimals);
        break;
    case UtilizationColumn:
        cell = offered > 0.0 ? shareCell(useful / offered) : Cell{};
        break;
    case EnergyColumn:
        cell = numberCell(energy, m_energyDecimals);
        break;
    default:
        break;
    }
    cell.bold = isNetwork;
    return cell;
}

Cell LayerTreeModel::quantizerCell(const QuantizerPlace& place, bool exists) const
{
    if (!exists) {
        return {};
    }
    const auto quantizer = m_data.configuration.find(place.layer, place.slot);
    Cell cell = textCell(quantizer ? QString::fromStdString(quantizer->toString()) : tr("float"),
                         quantizer ? Tone::Plain : Tone::Second);
    cell.code = static_cast<bool>(quantizer);
    if (quantizer) {
        cell.toolTip = QStringLiteral("%1\n%2").arg(
            cell.text, tr("%1 bits, %2 … %3")
                           .arg(quantizer->bits())
                           .arg(compact(quantizer->min()), compact(quantizer->max())));
    }
    return cell;
}

Cell LayerTreeModel::layerCell(const Node& node, int column) const
{
    const graph::Layer& layer = m_data.graph->layer(node.layer);
    const auto kernel = kernelSlot(layer);
    const bool hasOutput = hasSlot(layer, graph::Slot::Activation);
    const hw::LayerCost* cost = costOf(node.layer);
    switch (column) {
    case NameColumn:
        return textCell(node.name);
    case ClassColumn: {
        Cell cell = textCell(QString::fromStdString(layer.className));
        if (!layer.isSupported()) {
            cell.tone = Tone::Warning;
            cell.toolTip = tr("This class cannot be run.");
        }
        return cell;
    }
    case WeightQuantizerColumn:
        return kernel
                   ? quantizerCell({layer.name, *kernel}, true)
                   : textCell(layer.weights.empty() ? tr("no weights") : QString(), Tone::Second);
    case WeightBitsColumn:
        if (kernel) {
            const auto quantizer = m_data.configuration.find(layer.name, *kernel);
            return bitsCell(quantizer ? quantizer->bits() : kFloatBits);
        }
        return {};
    case OutputQuantizerColumn:
        return quantizerCell({layer.name, graph::Slot::Activation}, hasOutput);
    case OutputBitsColumn: {
        const auto bits = static_cast<std::size_t>(node.layer) < m_data.bits.size()
                              ? m_data.bits[static_cast<std::size_t>(node.layer)].output
                              : kFloatBits;
        return bitsCell(bits);
    }
    case ModeColumn: {
        if (cost == nullptr) {
            return {};
        }
        Cell cell = textCell(modeText(*cost),
                             cost->engine == hw::EngineKind::Cpu ? Tone::Second : Tone::Plain);
        cell.toolTip =
            tr("Weights %1 bits, input %2 bits").arg(cost->weightBits).arg(cost->inputBits);
        return cell;
    }
    case WeightsColumn:
        return layer.weights.empty() ? numberCell(kNaN, 1) : numberCell(weightKib(node.layer), 1);
    case CyclesColumn:
        return numberCell(cost ? cyclesOf(node.layer) / 1e3 : kNaN, m_cycleDecimals);
    case UtilizationColumn:
        if (cost == nullptr || cost->engine == hw::EngineKind::Cpu ||
            cost->engine == hw::EngineKind::Free) {
            return {};
        }
        return shareCell(cost->utilization);
    case EnergyColumn:
        return numberCell(cost ? microjouleOf(node.layer) : kNaN, m_energyDecimals);
    case SqnrColumn: {
        const auto found = m_data.sqnrDb.find(layer.name);
        Cell cell = numberCell(found == m_data.sqnrDb.end() ? kNaN : found->second, 1);
        if (m_data.isSqnrStale) {
            cell.tone = Tone::Second;
            cell.toolTip = tr("Computed for an older configuration.");
        }
        return cell;
    }
    default:
        return {};
    }
}

Cell LayerTreeModel::tensorCell(const Node& node, int column) const
{
    const graph::Layer& layer = m_data.graph->layer(node.layer);
    const graph::Weight& weight = layer.weights[static_cast<std::size_t>(node.weight)];
    const graph::Slot* slot = graph::slotOfWeight(layer, node.weight);
    switch (column) {
    case NameColumn:
        return textCell(node.name, Tone::Second);
    case ClassColumn:
        return textCell(weight.value ? QString::fromStdString(weight.value->shape().toString())
                                     : QString(),
                        Tone::Second);
    case WeightQuantizerColumn:
        return slot != nullptr ? quantizerCell({layer.name, *slot}, true) : Cell{};
    case WeightBitsColumn:
        if (slot != nullptr) {
            const auto quantizer = m_data.configuration.find(layer.name, *slot);
            return bitsCell(quantizer ? quantizer->bits() : kFloatBits);
        }
        return {};
    case WeightsColumn:
        return numberCell(weightKib(node.layer, node.weight), 1);
    default:
        return {};
    }
}

} // namespace bitscape::widgets
