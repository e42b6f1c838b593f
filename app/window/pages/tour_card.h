// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/window/page.h"

#include <QFrame>

#include <array>

class QLabel;
class QPushButton;

namespace bitscape::widgets {
class JobLine;
class ParetoPlot;
class TrainingPlot;
} // namespace bitscape::widgets

class QStackedWidget;

namespace bitscape::app {

/// The built-in sample in five steps, each with one button. What is done is read from the document,
/// so a step done elsewhere counts too.
class TourCard final : public QFrame {
    Q_OBJECT
public:
    static constexpr int kSteps = 5;

    TourCard(Context& context, QWidget* parent);

    /// First step that is not done; kSteps if all are.
    [[nodiscard]] int nextStep() const;
    [[nodiscard]] bool isDone(int step) const;

private:
    struct Row {
        QLabel* mark;
        QLabel* text;
    };
    void makeSteps(QWidget* parent, class QVBoxLayout& layout);
    void refresh();
    void showPlot();
    void go();
    void runStep(int step);
    void changeOneLayer();
    void search();
    void applyBest();
    [[nodiscard]] QString resultOf(int step) const;

    Context& m_context;
    QStackedWidget* m_plots;
    widgets::TrainingPlot* m_training;
    widgets::ParetoPlot* m_front;
    widgets::JobLine* m_run;
    std::array<Row, kSteps> m_rows{};
    QPushButton* m_next;
    QPushButton* m_model;
    bool m_startsWhenOpened = false;
};

} // namespace bitscape::app
