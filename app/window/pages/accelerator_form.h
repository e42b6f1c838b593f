// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/hw/accelerator.h"

#include <QWidget>

#include <functional>
#include <vector>

namespace bitscape::app {

/// The fields of an accelerator, made from the parameter table: unit in the field, meaning, default
/// and source in the tooltip. Shows a value and emits what it should become.
class AcceleratorForm final : public QWidget {
    Q_OBJECT
public:
    explicit AcceleratorForm(QWidget* parent = nullptr);

    void show(const hw::Accelerator& accelerator);
    /// Marks the field of this key (of an error's place); empty: none.
    void markInvalid(const QString& key);

Q_SIGNALS:
    void edited(const bitscape::hw::Accelerator& accelerator, const QString& key);

private:
    struct Row {
        QString key;
        QWidget* field;
        std::function<void(const hw::Accelerator&)> show;
    };
    void build();

    hw::Accelerator m_shown;
    std::vector<Row> m_rows;
    bool m_isShowing = false;
};

} // namespace bitscape::app
