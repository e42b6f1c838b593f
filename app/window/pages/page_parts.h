// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/page.h"

#include <QString>
#include <QWidget>

class QFormLayout;
class QLabel;
class QPushButton;

namespace bitscape::app {

/// The data set in use with a button to open another: top of pages that need data.
class DataLine final : public QWidget {
    Q_OBJECT
public:
    DataLine(Context& context, QWidget* parent);

private:
    void refresh();

    Context& m_context;
    QLabel* m_text;
    QPushButton* m_open;
};

/// The accessible name of a field, and of the line in which a spin box is typed.
void setName(QWidget& field, const QString& name);
/// A labelled field; its accessible name is the label.
void addRow(QFormLayout& form, const QString& label, QWidget* field);
/// 0 … 1 of a job's work; negative if not known.
[[nodiscard]] double shareOf(const Progress& progress);
/// Heading of a panel.
[[nodiscard]] QLabel* heading(const QString& text, QWidget* parent);

} // namespace bitscape::app
