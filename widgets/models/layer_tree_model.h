// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/graph/configuration.h"
#include "core/graph/graph.h"
#include "core/hw/accelerator.h"
#include "widgets/models/cell.h"

#include <QAbstractItemModel>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace bitscape::widgets {

/// What the tree of layers shows: a network, its quantizers and what they cost.
struct LayersData {
    graph::GraphPtr graph; ///< null: empty tree
    graph::Configuration configuration;
    std::vector<hw::LayerBits> bits; ///< by layer index
    hw::NetworkCost cost;
    std::map<std::string, double> sqnrDb; ///< of outputs, by layer; absent: not measured
    bool isSqnrStale = false;
    QString dataName; ///< beside the network's name
};

/// A quantizer's place: what an edit is about.
struct QuantizerPlace {
    std::string layer;
    graph::Slot slot = graph::Slot::Kernel;

    auto operator<=>(const QuantizerPlace&) const = default;
};

/// network > block > layer > tensor. Blocks come from common name prefixes. Edits are wishes:
/// setData() emits quantizerEntered() and changes nothing.
class LayerTreeModel final : public QAbstractItemModel {
    Q_OBJECT
public:
    enum Column {
        NameColumn,
        ClassColumn,
        WeightQuantizerColumn,
        WeightBitsColumn,
        OutputQuantizerColumn,
        OutputBitsColumn,
        ModeColumn,
        WeightsColumn,
        CyclesColumn,
        UtilizationColumn,
        EnergyColumn,
        SqnrColumn,
        ColumnCount,
    };

    explicit LayerTreeModel(QObject* parent = nullptr);
    ~LayerTreeModel() override;
    Q_DISABLE_COPY_MOVE(LayerTreeModel)

    /// The same network keeps its rows (selection and expansion stay); another one resets.
    void setLayers(LayersData data);
    [[nodiscard]] const LayersData& layers() const { return m_data; }
    /// Layers drawn strongly; the others recede. Empty text: all. Matches name or class.
    void setFilter(const QString& text);
    [[nodiscard]] int matchCount() const;

    [[nodiscard]] QModelIndex index(int row, int column,
                                    const QModelIndex& parent = {}) const override;
    [[nodiscard]] QModelIndex parent(const QModelIndex& child) const override;
    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    bool setData(const QModelIndex& index, const QVariant& value, int role) override;
    [[nodiscard]] Qt::ItemFlags flags(const QModelIndex& index) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation,
                                      int role) const override;

    /// First cell of a layer's row; invalid if there is none.
    [[nodiscard]] QModelIndex layerIndex(const std::string& layer) const;
    /// Layers that a row stands for: itself, or all below a block or the network.
    [[nodiscard]] std::vector<std::string> layersOf(const QModelIndex& index) const;
    /// The quantizer that this cell edits; the weight column where the cell is no quantizer.
    [[nodiscard]] std::optional<QuantizerPlace> placeOf(const QModelIndex& index) const;

Q_SIGNALS:
    void quantizerEntered(const QString& layer, bitscape::graph::Slot slot, const QString& text);

private:
    struct Node;
    [[nodiscard]] const Node* nodeOf(const QModelIndex& index) const;
    [[nodiscard]] QModelIndex indexOf(const Node* node, int column) const;
    void build();
    void tellChanged(const Node& node);
    [[nodiscard]] Cell cell(const Node& node, int column) const;
    [[nodiscard]] Cell sumCell(const Node& node, int column) const;
    [[nodiscard]] Cell layerCell(const Node& node, int column) const;
    [[nodiscard]] Cell tensorCell(const Node& node, int column) const;
    [[nodiscard]] Cell quantizerCell(const QuantizerPlace& place, bool exists) const;
    [[nodiscard]] const hw::LayerCost* costOf(int layer) const;
    [[nodiscard]] double cyclesOf(int layer) const;
    [[nodiscard]] double microjouleOf(int layer) const;
    [[nodiscard]] double weightKib(int layer) const;
    [[nodiscard]] double weightKib(int layer, int weight) const;
    [[nodiscard]] bool matches(const Node& node) const;

    LayersData m_data;
    std::unique_ptr<Node> m_root; ///< invisible; its only child is the network
    std::map<std::string, const Node*, std::less<>> m_layerNodes;
    /// By layer index: rows in cost.layers, the engine's first. A float activation inside a layer is
    /// a row of its own.
    std::vector<std::vector<int>> m_costRows;
    int m_energyDecimals = 2;
    int m_cycleDecimals = 1;
    QString m_filter;
};

} // namespace bitscape::widgets
