// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/pages/accelerator_form.h"

#include "app/window/pages/page_parts.h"
#include "core/hw/parameter_table.h"

#include <QCheckBox>
#include <QComboBox>
#include <QCoreApplication>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QGroupBox>
#include <QLineEdit>
#include <QScopedValueRollback>
#include <QSpinBox>
#include <QStyle>
#include <QVBoxLayout>

#include <algorithm>
#include <array>
#include <cmath>

namespace bitscape::app {

namespace {

QString latin(std::string_view text)
{
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size()));
}

/// A field of the form; every other parameter of the table is kept as it is and listed in the
/// report's assumptions.
struct Field {
    std::string_view key;
    const char* label;
};
struct Group {
    const char* title;
    std::vector<Field> fields;
};

const std::vector<Group>& groups()
{
    static const std::vector<Group> table{
        {QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Compute"),
         {{"clock_mhz", QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Clock")},
          {"mult_bits", QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Operand width")},
          {"modes", QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Modes")},
          {"engines.conv.Poc",
           QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Conv: outputs")},
          {"engines.conv.Pic", QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Conv: inputs")},
          {"engines.conv.Ptap", QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Conv: taps")},
          {"engines.conv.Ppx", QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Conv: pixels")},
          {"lane_dim.conv",
           QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Conv: lanes along")},
          {"engines.dw.Pch",
           QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Depth-wise: channels")},
          {"lane_dim.dw", QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Depth-wise: lanes")},
          {"engines.fc.Poc", QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Dense: outputs")},
          {"engines.fc.Pic", QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Dense: inputs")},
          {"acc_bits", QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Accumulator")}}},
        {QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Memory"),
         {{"IB", QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Input buffer")},
          {"WB", QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Weight buffer")},
          {"OB", QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Output buffer")},
          {"double_buffer",
           QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Double buffering")},
          {"backing.kind", QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Backing memory")},
          {"backing.size", QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Its size")},
          {"backing.bw", QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Bandwidth")},
          {"backing.latency", QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Latency")}}},
        {QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Technology"),
         {{"node_nm", QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Node")},
          {"vdd", QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Supply")},
          {"idle_frac", QT_TRANSLATE_NOOP("bitscape::app::AcceleratorForm", "Idle share")}}}};
    return table;
}

QString toolTipOf(const hw::Parameter& parameter)
{
    QString text = latin(parameter.doc);
    text += QLatin1Char('\n') + AcceleratorForm::tr("Key: %1. Source: [%2].")
                                    .arg(latin(parameter.key), latin(parameter.tag));
    return text;
}

} // namespace

AcceleratorForm::AcceleratorForm(QWidget* parent) : QWidget(parent)
{
    build();
}

void AcceleratorForm::build()
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(10, 4, 10, 10);
    layout->setSpacing(8);
    for (const Group& group : groups()) {
        auto* box = new QGroupBox(tr(group.title), this);
        auto* form = new QFormLayout(box);
        form->setLabelAlignment(Qt::AlignRight | Qt::AlignVCenter);
        form->setHorizontalSpacing(10);
        form->setVerticalSpacing(5);
        for (const Field& wanted : group.fields) {
            const hw::Parameter* parameter = hw::findParameter(wanted.key);
            Q_ASSERT(parameter != nullptr);
            const QString key = latin(wanted.key);
            const QString unit =
                parameter->unit.empty() ? QString() : QLatin1Char(' ') + latin(parameter->unit);
            const auto emitEdit = [this, key](const std::function<void(hw::Accelerator&)>& edit) {
                if (!m_isShowing) {
                    hw::Accelerator next = m_shown;
                    edit(next);
                    Q_EMIT edited(next, key);
                }
            };
            Row row{key, nullptr, {}};
            std::visit(
                [&](const auto& field) {
                    using F = std::decay_t<decltype(field)>;
                    if constexpr (std::is_same_v<F, hw::RealField>) {
                        auto* spin = new QDoubleSpinBox(box);
                        spin->setRange(field.low, field.high);
                        spin->setDecimals(field.high > 100.0 ? 1 : 3);
                        spin->setSuffix(unit);
                        spin->setKeyboardTracking(false);
                        connect(spin, &QDoubleSpinBox::valueChanged, this, [=](double value) {
                            emitEdit([=](hw::Accelerator& a) { field.at(a) = value; });
                        });
                        row.field = spin;
                        row.show = [=](hw::Accelerator a) { spin->setValue(field.at(a)); };
                    } else if constexpr (std::is_same_v<F, hw::WholeField>) {
                        auto* spin = new QSpinBox(box);
                        spin->setRange(field.low, field.high);
                        spin->setSuffix(unit);
                        spin->setKeyboardTracking(false);
                        connect(spin, &QSpinBox::valueChanged, this, [=](int value) {
                            emitEdit([=](hw::Accelerator& a) { field.at(a) = value; });
                        });
                        row.field = spin;
                        row.show = [=](hw::Accelerator a) { spin->setValue(field.at(a)); };
                    } else if constexpr (std::is_same_v<F, hw::FlagField>) {
                        auto* check = new QCheckBox(tr("on"), box);
                        connect(check, &QCheckBox::toggled, this, [=](bool on) {
                            emitEdit([=](hw::Accelerator& a) { field.at(a) = on; });
                        });
                        row.field = check;
                        row.show = [=](hw::Accelerator a) { check->setChecked(field.at(a)); };
                    } else if constexpr (std::is_same_v<F, hw::ChoiceField>) {
                        auto* combo = new QComboBox(box);
                        for (const std::string_view name : field.names) {
                            combo->addItem(latin(name));
                        }
                        connect(combo, &QComboBox::activated, this, [=](int index) {
                            emitEdit([=](hw::Accelerator& a) { field.set(a, index); });
                        });
                        row.field = combo;
                        row.show = [=](const hw::Accelerator& a) {
                            combo->setCurrentIndex(field.get(a));
                        };
                    } else if constexpr (std::is_same_v<F, hw::ModesField>) {
                        auto* edit = new QLineEdit(box);
                        connect(edit, &QLineEdit::editingFinished, this, [this, edit, emitEdit] {
                            std::vector<int> modes;
                            for (const QString& word :
                                 edit->text().split(QLatin1Char(' '), Qt::SkipEmptyParts)) {
                                modes.push_back(word.toInt());
                            }
                            if (modes != m_shown.modes) {
                                emitEdit([=](hw::Accelerator& a) { a.modes = modes; });
                            }
                        });
                        row.field = edit;
                        row.show = [=](const hw::Accelerator& a) {
                            QStringList words;
                            for (const int lanes : a.modes) {
                                words << QString::number(lanes);
                            }
                            edit->setText(words.join(QLatin1Char(' ')));
                        };
                    }
                },
                parameter->field);
            if (row.field != nullptr) {
                row.field->setObjectName(QStringLiteral("accelerator.") + key);
                row.field->setToolTip(toolTipOf(*parameter));
                addRow(*form, tr(wanted.label), row.field);
                m_rows.push_back(std::move(row));
            }
        }
        layout->addWidget(box);
    }
    layout->addStretch(1);
}

void AcceleratorForm::show(const hw::Accelerator& accelerator)
{
    const QScopedValueRollback guard(m_isShowing, true);
    m_shown = accelerator;
    for (const Row& row : m_rows) {
        row.show(accelerator);
    }
}

void AcceleratorForm::markInvalid(const QString& key)
{
    for (const Row& row : m_rows) {
        const bool isBad = !key.isEmpty() && key.contains(row.key);
        if (row.field->property("invalid").toBool() != isBad) {
            row.field->setProperty("invalid", isBad);
            row.field->style()->unpolish(row.field);
            row.field->style()->polish(row.field);
        }
    }
}

} // namespace bitscape::app
