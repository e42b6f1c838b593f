// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/page.h"

class QLabel;
class QPushButton;

namespace bitscape::widgets {
class DataTable;
} // namespace bitscape::widgets

namespace bitscape::app {

/// The selected trial (or the best one) against the current configuration, with a button that
/// applies it to the tree.
class TrialCard final : public QWidget {
    Q_OBJECT
public:
    /// showsBest: without a selection the best trial by score is shown.
    TrialCard(Context& context, bool showsBest, QWidget* parent);

    void refresh();

private:
    void apply();

    Context& m_context;
    bool m_showsBest;
    QLabel* m_title;
    QLabel* m_subtitle;
    widgets::DataTable* m_table;
    QPushButton* m_apply;
    QPushButton* m_preview;
    QLabel* m_why;
    std::string m_study;
    int m_number = -1;
};

} // namespace bitscape::app
