// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/quant/quantizer.h"

#include <QString>
#include <QWidget>

#include <vector>

class QComboBox;
class QFormLayout;
class QLabel;

namespace bitscape::widgets {

/// Edits a quantizer by its parameters: the kinds of the registry, and one field for each parameter
/// of the kind. Knows no kind by name.
class QuantizerForm final : public QWidget {
    Q_OBJECT
public:
    explicit QuantizerForm(QWidget* parent = nullptr);

    /// Shows a quantizer; null: float. Tells nobody.
    void setQuantizer(const quant::QuantizerPtr& quantizer);
    /// What the fields say; null: float, or invalid.
    [[nodiscard]] const quant::QuantizerPtr& quantizer() const { return m_quantizer; }
    /// Whether the fields make a quantizer (float counts).
    [[nodiscard]] bool isValid() const { return m_isValid; }

Q_SIGNALS:
    /// The user changed something; quantizer() and isValid() say what came of it.
    void edited();

private:
    struct Field {
        const quant::ParameterInfo* parameter = nullptr;
        QWidget* editor = nullptr;
    };

    void chooseKind();
    void makeFields(const quant::QuantizerInfo* kind, const quant::Parameters& values);
    [[nodiscard]] QWidget* makeEditor(const quant::ParameterInfo& parameter,
                                      const quant::Value& value);
    /// The value of a field as strings hold it.
    [[nodiscard]] static QString textOf(const Field& field);
    void take();

    QComboBox* m_kind;
    QWidget* m_rows = nullptr;
    QFormLayout* m_layout = nullptr;
    QLabel* m_problem;
    std::vector<Field> m_fields;
    quant::QuantizerPtr m_quantizer;
    bool m_isValid = true;
};

} // namespace bitscape::widgets
