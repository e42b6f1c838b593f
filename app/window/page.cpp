// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/page.h"

#include "app/window/pages/pages.h"

#include <QCoreApplication>
#include <QVBoxLayout>

#include <array>

namespace bitscape::app {

Page::Page(Context& context, std::string_view id, QWidget* parent)
    : QWidget(parent), m_context(context), m_banner(new widgets::Banner(this)),
      m_body(new QVBoxLayout)
{
    setObjectName(QStringLiteral("page.") +
                  QString::fromLatin1(id.data(), static_cast<qsizetype>(id.size())));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    auto* frame = new QVBoxLayout;
    frame->setContentsMargins(8, 0, 8, 0);
    frame->addWidget(m_banner);
    layout->addLayout(frame);
    m_body->setContentsMargins(0, 0, 0, 0);
    m_body->setSpacing(0);
    layout->addLayout(m_body, 1);
}

bool Page::concerns(JobKind) const
{
    return false;
}

std::span<const PageInfo> pages()
{
    using widgets::Icon;
    static const std::array table{
        PageInfo{"welcome", QT_TRANSLATE_NOOP("pages", "Welcome"), Icon::Welcome, NoDock,
                 makeWelcomePage},
        PageInfo{"model", QT_TRANSLATE_NOOP("pages", "Model"), Icon::Model, InspectorDock,
                 makeModelPage},
        PageInfo{"calibrate", QT_TRANSLATE_NOOP("pages", "Calibrate"), Icon::Calibrate, NoDock,
                 makeCalibratePage},
        PageInfo{"train", QT_TRANSLATE_NOOP("pages", "Train"), Icon::Train, NoDock, makeTrainPage},
        PageInfo{"search", QT_TRANSLATE_NOOP("pages", "Search"), Icon::SearchPage, TrialsDock,
                 makeSearchPage},
        PageInfo{"explore", QT_TRANSLATE_NOOP("pages", "Explore"), Icon::Explore,
                 LayersDock | TrialsDock, makeExplorePage},
        PageInfo{"distributions", QT_TRANSLATE_NOOP("pages", "Distributions"), Icon::Distributions,
                 NoDock, makeDistributionsPage},
        PageInfo{"hardware", QT_TRANSLATE_NOOP("pages", "Hardware"), Icon::Hardware, NoDock,
                 makeHardwarePage},
        PageInfo{"compare", QT_TRANSLATE_NOOP("pages", "Compare"), Icon::Compare, NoDock,
                 makeComparePage},
        PageInfo{"report", QT_TRANSLATE_NOOP("pages", "Report"), Icon::Report, NoDock,
                 makeReportPage},
        PageInfo{"import", QT_TRANSLATE_NOOP("pages", "Import"), Icon::Open, NoDock, makeImportPage,
                 false},
    };
    return table;
}

} // namespace bitscape::app
