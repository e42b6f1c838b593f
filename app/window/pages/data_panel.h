// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/page.h"

#include <QFrame>

class QComboBox;
class QFormLayout;
class QGridLayout;
class QLabel;
class QLineEdit;
class QPushButton;
class QSpinBox;

namespace bitscape::app {

/// The data set in use: some samples with their labels, its facts, and how it is prepared. A change
/// of the preparation reads the source again, as one undo step.
class DataPanel final : public QFrame {
    Q_OBJECT
public:
    DataPanel(Context& context, QWidget* parent);

private:
    void makeRecipe(QFormLayout& form);
    void refresh();
    void showSamples(const io::DataSet& set);
    void showRecipe(const io::DataRecipe& recipe);
    [[nodiscard]] io::DataRecipe enteredRecipe() const;
    void applyRecipe();

    Context& m_context;
    QLabel* m_title;
    QLabel* m_facts;
    QGridLayout* m_samples;
    QWidget* m_preparation;
    QComboBox* m_scale;
    QLineEdit* m_normalize;
    QComboBox* m_layout;
    QSpinBox* m_limit;
    QPushButton* m_apply;
};

} // namespace bitscape::app
