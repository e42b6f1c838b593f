// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/jobs/latest.h"
#include "app/window/page.h"

class QComboBox;
class QDoubleSpinBox;
class QLabel;
class QLineEdit;
class QSpinBox;
class QTimer;

namespace bitscape::widgets {
class DataTable;
} // namespace bitscape::widgets

namespace bitscape::app {

/// The description of a search before it starts: goal, limits, choices, budget. What the choices
/// are and whether the limits can be met is computed while it is edited.
class SearchSetup final : public QWidget {
    Q_OBJECT
public:
    SearchSetup(Context& context, QWidget* parent);

    /// What the fields say. InvalidArgument.
    [[nodiscard]] Result<search::StudyDescription> description() const;
    /// Why a search cannot start; empty if it can.
    [[nodiscard]] QString problem() const { return m_problem; }

Q_SIGNALS:
    void changed();

private:
    void makeFields();
    void later();
    void describeSpace();
    void showSpace(Result<search::SpaceReport> report);
    void proposeName();

    Context& m_context;
    QLineEdit* m_name;
    QComboBox* m_goal;
    QSpinBox* m_weightBits;
    QSpinBox* m_outputBits;
    QDoubleSpinBox* m_limit;
    QSpinBox* m_trials;
    QSpinBox* m_epochs;
    QSpinBox* m_batch;
    QSpinBox* m_seed;
    QLabel* m_space;
    widgets::DataTable* m_choices;
    QTimer* m_delay;
    QString m_problem;
    Latest<search::SpaceReport> m_report;
};

} // namespace bitscape::app
