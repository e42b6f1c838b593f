// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/document/tensor_analysis.h"
#include "app/jobs/latest.h"
#include "app/window/page.h"
#include "core/quant/number_line.h"

#include <QWidget>

#include <string>
#include <vector>

class QComboBox;
class QLabel;
class QPushButton;
class QSpinBox;

namespace bitscape::widgets {
class NumberLinePlot;
class QuantizerForm;
} // namespace bitscape::widgets

namespace bitscape::app {

/// The editor of one quantizer of the selected layer: its parameters, formula, equivalents and
/// number line, and what it does to the layer's weights while it is edited. Nothing changes in the
/// project before Apply.
class QuantizerPanel final : public QWidget {
    Q_OBJECT
public:
    QuantizerPanel(Context& context, QWidget* parent);

    /// Follows a layer of the project; also when its quantizers changed.
    void setLayer(const std::string& layer);

private:
    /// What a quantizer does, computed in the background.
    struct Preview {
        quant::NumberLine line;
        TensorAnalysis now, before; ///< of the stored tensor; empty (count 0) for outputs
        Index groups = 1;           ///< scales
    };

    void showPlace();
    void edit();
    void preview();
    void showPreview(const Preview& made);
    void apply();
    [[nodiscard]] graph::Slot slot() const;
    [[nodiscard]] quant::QuantizerPtr current() const;
    /// As execution uses what the form says.
    [[nodiscard]] quant::QuantizerPtr used() const;

    Context& m_context;
    QComboBox* m_place;
    widgets::QuantizerForm* m_form;
    QLabel* m_text;
    QLabel* m_facts;
    QLabel* m_channelLabel;
    QSpinBox* m_channel;
    widgets::NumberLinePlot* m_line;
    QLabel* m_effect;
    QPushButton* m_revert;
    QPushButton* m_apply;
    std::string m_layer;
    std::vector<graph::Slot> m_slots;
    quant::QuantizerPtr m_shown; ///< of the project when the form was filled
    Latest<Preview> m_preview;
};

} // namespace bitscape::app
