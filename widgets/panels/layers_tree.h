// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/delegates/quantizer_delegate.h"
#include "widgets/models/layer_tree_model.h"

#include <QTreeView>

#include <string>
#include <vector>

namespace bitscape::widgets {

/// The tree of layers: columns, keys and selection. Shows the model's data and emits wishes.
/// Keys: 1 … 9 set bits, 0 sixteen, F float; Alt+Down/Up or [ ] the next useful step, with Shift
/// one bit; F2 and Return edit.
class LayersTree final : public QTreeView {
    Q_OBJECT
public:
    explicit LayersTree(QuantizerHelper helper, QWidget* parent = nullptr);

    void setLayers(LayersData data);
    [[nodiscard]] LayerTreeModel& layers() { return *m_model; }
    [[nodiscard]] QuantizerDelegate& editing() { return *m_delegate; }
    /// Only these columns, for docks.
    void showColumns(const std::vector<int>& columns);
    /// Selects these layers and scrolls to the first; emits nothing.
    void selectLayers(const std::vector<std::string>& layers);
    [[nodiscard]] std::vector<std::string> selectedLayers() const;
    /// Places that keys act on: of the selected rows, in the column that has the focus.
    [[nodiscard]] std::vector<QuantizerPlace> selectedPlaces() const;
    /// Selected rows as tab-separated text with header.
    [[nodiscard]] QString selectionAsText() const;

Q_SIGNALS:
    void layersSelected(const std::vector<std::string>& layers);
    void bitsRequested(const std::vector<bitscape::widgets::QuantizerPlace>& places, int bits);
    /// direction: −1 fewer bits, +1 more; fine: by one bit instead of the next useful step.
    void stepRequested(const std::vector<bitscape::widgets::QuantizerPlace>& places, int direction,
                       bool fine);

protected:
    void keyPressEvent(QKeyEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    bool event(QEvent* event) override;

private:
    bool handleBitsKey(const QKeyEvent& event);
    void spreadColumns();

    LayerTreeModel* m_model;
    QuantizerDelegate* m_delegate;
    bool m_isSelecting = false;
};

} // namespace bitscape::widgets
