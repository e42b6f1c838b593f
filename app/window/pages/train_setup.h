// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/page.h"
#include "core/train/train.h"

#include <QWidget>

class QComboBox;
class QDoubleSpinBox;
class QFormLayout;
class QLabel;
class QLineEdit;
class QSpinBox;

namespace bitscape::app {

/// The form of a training; what can be chosen comes from the registries.
class TrainSetup final : public QWidget {
    Q_OBJECT
public:
    TrainSetup(Context& context, QWidget* parent);

    [[nodiscard]] train::TrainOptions options() const;
    [[nodiscard]] bool startsFresh() const;
    [[nodiscard]] int epochs() const;

private:
    void makeFields();
    void addFields(QFormLayout& form);
    void takeRecipe(int index);
    void showStart();

    Context& m_context;
    QComboBox* m_recipe;
    QComboBox* m_start;
    QSpinBox* m_epochs;
    QSpinBox* m_batch;
    QComboBox* m_optimizer;
    QComboBox* m_schedule;
    QSpinBox* m_warmUp;
    QComboBox* m_loss;
    QComboBox* m_augment;
    QSpinBox* m_earlyStop;
    QDoubleSpinBox* m_distillation;
    QLineEdit* m_noise;
    QSpinBox* m_seed;
};

} // namespace bitscape::app
