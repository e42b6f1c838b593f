// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/quantizer_form.h"

#include "widgets/style/theme.h"

#include <QCheckBox>
#include <QComboBox>
#include <QFormLayout>
#include <QLabel>
#include <QLineEdit>
#include <QScrollArea>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QVBoxLayout>

namespace bitscape::widgets {

namespace {

constexpr int kLeastInteger = -1024;
constexpr int kMostInteger = 1024;

QString fromStd(std::string_view text)
{
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

/// Texts a parameter is usually given; more can be typed.
QStringList proposals(const quant::ParameterInfo& parameter)
{
    switch (parameter.type) {
    case quant::ParameterType::Scale:
        return {QStringLiteral("None"), QStringLiteral("'auto'"), QStringLiteral("'auto_po2'"),
                QStringLiteral("1.0")};
    case quant::ParameterType::Axes:
    case quant::ParameterType::FrozenScale:
    case quant::ParameterType::OptionalInteger:
    case quant::ParameterType::OptionalNumber:
    case quant::ParameterType::OptionalText:
        return {QStringLiteral("None")};
    default:
        return {};
    }
}

} // namespace

QuantizerForm::QuantizerForm(QWidget* parent)
    : QWidget(parent), m_kind(new QComboBox(this)), m_problem(new QLabel(this))
{
    setObjectName(QStringLiteral("quantizerForm"));
    setAccessibleName(tr("Parameters of the quantizer"));
    m_kind->setObjectName(QStringLiteral("quantizerKindBox"));
    m_kind->setAccessibleName(tr("Kind of quantizer"));
    m_kind->addItem(tr("float"));
    for (const quant::QuantizerInfo& row : quant::quantizers()) {
        m_kind->addItem(fromStd(row.name));
        m_kind->setItemData(m_kind->count() - 1, fromStd(row.doc), Qt::ToolTipRole);
    }
    m_problem->setWordWrap(true);
    m_problem->setProperty("tone", QStringLiteral("error"));
    m_problem->hide();
    auto* area = new QScrollArea(this);
    area->setWidgetResizable(true);
    area->setFrameShape(QFrame::NoFrame);
    area->setFocusPolicy(Qt::NoFocus);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(4);
    layout->addWidget(m_kind);
    layout->addWidget(area, 1);
    layout->addWidget(m_problem);
    auto* holder = new QWidget(area);
    auto* inside = new QVBoxLayout(holder);
    inside->setContentsMargins(0, 0, 0, 0);
    m_rows = new QWidget(holder);
    inside->addWidget(m_rows);
    inside->addStretch(1);
    area->setWidget(holder);
    area->viewport()->setAutoFillBackground(false);
    holder->setAutoFillBackground(false);
    connect(m_kind, &QComboBox::activated, this, &QuantizerForm::chooseKind);
}

void QuantizerForm::setQuantizer(const quant::QuantizerPtr& quantizer)
{
    const bool isSame = m_isValid && ((!quantizer && !m_quantizer) ||
                                      (quantizer && m_quantizer && *quantizer == *m_quantizer));
    if (isSame && !m_fields.empty()) {
        return; // keeps the focus where the user types
    }
    m_quantizer = quantizer;
    m_isValid = true;
    m_problem->hide();
    const QSignalBlocker blocker(m_kind);
    m_kind->setCurrentIndex(quantizer ? m_kind->findText(fromStd(quantizer->info().name)) : 0);
    makeFields(quantizer ? &quantizer->info() : nullptr,
               quantizer ? quantizer->parameters() : quant::Parameters{});
}

void QuantizerForm::chooseKind()
{
    const QString name = m_kind->currentText();
    const quant::QuantizerInfo* kind =
        m_kind->currentIndex() <= 0 ? nullptr : quant::findQuantizer(name.toStdString());
    quant::Parameters values;
    if (kind != nullptr) {
        for (const quant::ParameterInfo& parameter : kind->parameters) {
            values[parameter.name] = parameter.defaultValue;
        }
        // A width that is set stays over a change of kind where the new kind takes it.
        if (m_quantizer && values.contains("bits") && m_quantizer->parameters().contains("bits")) {
            quant::Parameters kept = values;
            kept["bits"] = m_quantizer->parameter("bits");
            if (quant::makeQuantizer(kind->name, kept)) {
                values = std::move(kept);
            }
        }
    }
    makeFields(kind, values);
    take();
}

void QuantizerForm::makeFields(const quant::QuantizerInfo* kind, const quant::Parameters& values)
{
    m_fields.clear();
    delete m_layout;
    qDeleteAll(m_rows->findChildren<QWidget*>(QString(), Qt::FindDirectChildrenOnly));
    m_layout = new QFormLayout(m_rows);
    m_layout->setContentsMargins(0, 0, 0, 0);
    m_layout->setVerticalSpacing(3);
    if (kind == nullptr) {
        return;
    }
    for (const quant::ParameterInfo& parameter : kind->parameters) {
        const auto value = values.find(parameter.name);
        QWidget* editor =
            makeEditor(parameter, value == values.end() ? parameter.defaultValue : value->second);
        const QString name = fromStd(parameter.name);
        editor->setObjectName(QStringLiteral("quantizerField.") + name);
        editor->setAccessibleName(name);
        editor->setToolTip(fromStd(parameter.doc));
        auto* label = new QLabel(name, m_rows);
        label->setToolTip(editor->toolTip());
        label->setFont(codeFont());
        m_layout->addRow(label, editor);
        m_fields.push_back({&parameter, editor});
    }
}

QWidget* QuantizerForm::makeEditor(const quant::ParameterInfo& parameter, const quant::Value& value)
{
    const QString text = fromStd(quant::toText(parameter, value));
    switch (parameter.type) {
    case quant::ParameterType::Boolean: {
        auto* box = new QCheckBox(m_rows);
        box->setChecked(text != QLatin1String("False") && text != QLatin1String("0"));
        connect(box, &QCheckBox::toggled, this, &QuantizerForm::take);
        return box;
    }
    case quant::ParameterType::Integer: {
        auto* box = new QSpinBox(m_rows);
        box->setRange(kLeastInteger, kMostInteger);
        box->setValue(text.toInt());
        connect(box, &QSpinBox::valueChanged, this, &QuantizerForm::take);
        return box;
    }
    case quant::ParameterType::Choice: {
        auto* box = new QComboBox(m_rows);
        for (const std::string& choice : parameter.choices) {
            box->addItem(fromStd(choice));
        }
        const auto* chosen = std::get_if<std::string>(&value);
        box->setCurrentText(chosen == nullptr ? QString() : fromStd(*chosen));
        connect(box, &QComboBox::activated, this, &QuantizerForm::take);
        return box;
    }
    default: {
        auto* box = new QComboBox(m_rows);
        box->setEditable(true);
        box->setInsertPolicy(QComboBox::NoInsert);
        box->addItems(proposals(parameter));
        box->setCurrentText(text);
        box->lineEdit()->setAccessibleName(fromStd(parameter.name));
        connect(box, &QComboBox::currentTextChanged, this, &QuantizerForm::take);
        return box;
    }
    }
}

QString QuantizerForm::textOf(const Field& field)
{
    if (const auto* box = qobject_cast<const QCheckBox*>(field.editor)) {
        return box->isChecked() ? QStringLiteral("True") : QStringLiteral("False");
    }
    if (const auto* box = qobject_cast<const QSpinBox*>(field.editor)) {
        return QString::number(box->value());
    }
    const auto* box = qobject_cast<const QComboBox*>(field.editor);
    return field.parameter->type == quant::ParameterType::Choice
               ? QStringLiteral("'%1'").arg(box->currentText())
               : box->currentText().trimmed();
}

void QuantizerForm::take()
{
    m_quantizer = nullptr;
    m_isValid = true;
    if (m_kind->currentIndex() > 0) {
        QStringList arguments;
        for (const Field& field : m_fields) {
            arguments << QStringLiteral("%1=%2").arg(fromStd(field.parameter->name), textOf(field));
        }
        const QString call =
            QStringLiteral("%1(%2)").arg(m_kind->currentText(), arguments.join(QLatin1Char(',')));
        auto parsed = quant::parseQuantizer(call.toStdString());
        m_isValid = parsed.has_value();
        if (parsed) {
            m_quantizer = *std::move(parsed);
        } else {
            m_problem->setText(fromStd(parsed.error().message));
        }
    }
    m_problem->setVisible(!m_isValid);
    Q_EMIT edited();
}

} // namespace bitscape::widgets
