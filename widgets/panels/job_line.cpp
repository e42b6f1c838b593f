// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/job_line.h"

#include <QHBoxLayout>
#include <QProgressBar>
#include <QPushButton>

namespace bitscape::widgets {

namespace {

constexpr int kSteps = 1000;

} // namespace

JobLine::JobLine(const QString& start, const QString& stop, QWidget* parent)
    : QWidget(parent), m_start(new QPushButton(start, this)), m_stop(new QPushButton(stop, this)),
      m_progress(new QProgressBar(this))
{
    m_start->setProperty("primary", true);
    m_progress->setAccessibleName(tr("Progress"));
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(8);
    layout->addWidget(m_start);
    layout->addWidget(m_progress, 1000);
    layout->addWidget(m_stop);
    // Takes what is left beside the button while no progress is shown.
    layout->addStretch(1);
    connect(m_start, &QPushButton::clicked, this, &JobLine::startRequested);
    connect(m_stop, &QPushButton::clicked, this, &JobLine::stopRequested);
    setIdle();
}

void JobLine::setIdle()
{
    m_start->show();
    m_progress->hide();
    m_stop->hide();
}

void JobLine::setRunning(double share, const QString& text)
{
    m_start->hide();
    m_progress->show();
    m_stop->show();
    m_progress->setRange(0, share < 0.0 ? 0 : kSteps);
    m_progress->setValue(static_cast<int>(share * kSteps));
    m_progress->setFormat(text);
}

void JobLine::setStartReason(const QString& reason)
{
    m_start->setEnabled(reason.isEmpty());
    m_start->setToolTip(reason);
}

} // namespace bitscape::widgets
