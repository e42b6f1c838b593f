// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/file_kinds.h"
#include "app/window/pages/page_parts.h"
#include "app/window/pages/pages.h"
#include "app/window/pages/recent_list.h"
#include "app/window/pages/tour_card.h"
#include "core/base/version.h"
#include "widgets/style/theme.h"

#include <QFrame>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QKeySequence>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QVBoxLayout>

#include <array>
#include <utility>

namespace bitscape::app {

namespace {

constexpr int kWidth = 1560;
constexpr int kLogo = 54;

/// A key as the keyboard of the user's language calls it.
QString keyText(const QString& key)
{
    return QKeySequence(key).toString(QKeySequence::NativeText);
}

QFrame* card(QWidget* parent)
{
    auto* frame = new QFrame(parent);
    frame->setProperty("card", true);
    return frame;
}

/// A wide button: icon, what it does, kinds of files, key.
QPushButton* startButton(widgets::Icon id, const QString& text, const QString& kinds,
                         const QString& key, QWidget* parent)
{
    auto* button = new QPushButton(parent);
    button->setProperty("wide", true);
    button->setAccessibleName(text);
    button->setMinimumHeight(42);
    auto* layout = new QHBoxLayout(button);
    layout->setContentsMargins(14, 0, 12, 0);
    layout->setSpacing(12);
    // Clicks go to the button below.
    const auto label = [&](const QString& words) {
        auto* made = new QLabel(words, button);
        made->setAttribute(Qt::WA_TransparentForMouseEvents);
        return made;
    };
    auto* picture = label({});
    picture->setPixmap(widgets::icon(id).pixmap(20, 20));
    auto* title = label(QStringLiteral("<b>%1</b>").arg(text));
    auto* second = label(kinds);
    second->setProperty("tone", QStringLiteral("second"));
    // In a narrow column the kinds of files give way, not the name or the keys.
    second->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred);
    layout->addWidget(picture);
    layout->addWidget(title);
    layout->addWidget(second, 1);
    if (!key.isEmpty()) {
        auto* keyLabel = label(key);
        keyLabel->setProperty("key", true);
        keyLabel->setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
        layout->addWidget(keyLabel, 0, Qt::AlignVCenter);
    }
    return button;
}

class WelcomePage final : public Page {
    Q_OBJECT
public:
    WelcomePage(Context& context, QWidget* parent);
    [[nodiscard]] bool concerns(JobKind kind) const override { return kind == JobKind::Open; }

protected:
    void showEvent(QShowEvent* event) override;

private:
    [[nodiscard]] QLayout* makeHead();
    [[nodiscard]] QWidget* makeStart();
    [[nodiscard]] QWidget* makeDropZone();
    [[nodiscard]] QWidget* makeKeys();
    [[nodiscard]] QWidget* makeRecent();
    void showRecent();

    RecentList* m_recent;
    QLabel* m_noRecent;
};

WelcomePage::WelcomePage(Context& context, QWidget* parent)
    : Page(context, "welcome", parent), m_recent(new RecentList(this)),
      m_noRecent(new QLabel(tr("Files that were opened appear here."), this))
{
    auto* content = new QWidget(this);
    content->setMaximumWidth(kWidth);
    auto* left = new QVBoxLayout;
    left->setSpacing(16);
    left->addWidget(makeStart());
    left->addWidget(makeDropZone());
    left->addWidget(makeKeys());
    left->addStretch(1);
    auto* columns = new QHBoxLayout;
    columns->setSpacing(20);
    columns->addLayout(left, 4);
    columns->addWidget(new TourCard(context, content), 5);
    columns->addWidget(makeRecent(), 5);
    auto* layout = new QVBoxLayout(content);
    layout->setContentsMargins(24, 28, 24, 20);
    layout->setSpacing(22);
    layout->addLayout(makeHead());
    layout->addLayout(columns);
    layout->addStretch(1);
    auto* outer = new QWidget(this);
    auto* center = new QHBoxLayout(outer);
    center->setContentsMargins(0, 0, 0, 0);
    center->addStretch(1);
    center->addWidget(content, 1000);
    center->addStretch(1);
    auto* area = new QScrollArea(this);
    area->setWidget(outer);
    area->setWidgetResizable(true);
    area->setFrameShape(QFrame::NoFrame);
    area->setFocusPolicy(Qt::NoFocus);
    body().addWidget(area, 1);
    showRecent();
}

QLayout* WelcomePage::makeHead()
{
    auto* logo = new QLabel(this);
    logo->setPixmap(widgets::programIcon().pixmap(kLogo, kLogo));
    auto* name = new QLabel(QStringLiteral("Bitscape"), this);
    name->setFont(widgets::emphasisFont(2.0));
    auto* line = new QLabel(
        tr("Choose the bits of every layer, and see accuracy, memory, energy and latency move."),
        this);
    line->setProperty("tone", QStringLiteral("second"));
    line->setWordWrap(true);
    const std::string_view number = version();
    auto* versionLabel = new QLabel(
        tr("Version %1")
            .arg(QString::fromLatin1(number.data(), static_cast<qsizetype>(number.size()))),
        this);
    versionLabel->setProperty("tone", QStringLiteral("second"));
    auto* words = new QVBoxLayout;
    words->setSpacing(2);
    words->addWidget(name);
    words->addWidget(line);
    auto* head = new QHBoxLayout;
    head->setSpacing(16);
    head->addWidget(logo);
    head->addLayout(words, 1);
    head->addWidget(versionLabel);
    return head;
}

QWidget* WelcomePage::makeStart()
{
    QFrame* frame = card(this);
    auto* layout = new QVBoxLayout(frame);
    layout->setContentsMargins(16, 14, 16, 14);
    layout->setSpacing(8);
    layout->addWidget(heading(tr("Start"), frame));
    auto* model = startButton(widgets::Icon::File, tr("Open model…"), {},
                              keyText(QStringLiteral("Ctrl+Shift+O")), frame);
    auto* project = startButton(widgets::Icon::Open, tr("Open project…"), {},
                                keyText(QStringLiteral("Ctrl+O")), frame);
    auto* dataSet = startButton(widgets::Icon::Data, tr("Open data set…"),
                                tr("arrays, tables, images"), {}, frame);
    model->setObjectName(QStringLiteral("startModel"));
    project->setObjectName(QStringLiteral("startProject"));
    dataSet->setObjectName(QStringLiteral("startData"));
    layout->addWidget(model);
    layout->addWidget(project);
    layout->addWidget(dataSet);
    connect(model, &QPushButton::clicked, this, [this] { context().openModelDialog(); });
    connect(project, &QPushButton::clicked, this, [this] { context().openProjectDialog(); });
    connect(dataSet, &QPushButton::clicked, this, [this] { context().openDataDialog(); });
    return frame;
}

QWidget* WelcomePage::makeDropZone()
{
    auto* zone = new QFrame(this);
    zone->setObjectName(QStringLiteral("dropZone"));
    zone->setFixedHeight(128);
    auto* text = new QLabel(tr("Drop a model, project or data file anywhere"), zone);
    constexpr std::array kRoles{FileRole::Model, FileRole::Project, FileRole::Data};
    auto* kinds = new QLabel(endingsOf(kRoles), zone);
    for (QLabel* label : {text, kinds}) {
        label->setAlignment(Qt::AlignCenter);
        label->setWordWrap(true);
        label->setProperty("tone", QStringLiteral("second"));
    }
    auto* layout = new QVBoxLayout(zone);
    layout->addStretch(1);
    layout->addWidget(text);
    layout->addWidget(kinds);
    layout->addStretch(1);
    return zone;
}

QWidget* WelcomePage::makeKeys()
{
    QFrame* frame = card(this);
    auto* layout = new QVBoxLayout(frame);
    layout->setContentsMargins(16, 14, 16, 14);
    layout->setSpacing(8);
    layout->addWidget(heading(tr("Keys worth knowing"), frame));
    auto* grid = new QGridLayout;
    grid->setHorizontalSpacing(14);
    grid->setVerticalSpacing(6);
    grid->setColumnStretch(1, 1);
    const std::initializer_list<std::pair<QString, QString>> keys{
        {QStringLiteral("F2"), tr("edit the quantizer of a layer")},
        {QStringLiteral("1 … 9"), tr("set bits of the selected layers")},
        {keyText(QStringLiteral("Ctrl+1")) + QStringLiteral(" … 9"), tr("switch page")},
        {QStringLiteral("F5"), tr("evaluate")},
        {keyText(QStringLiteral("Ctrl+Z")), tr("undo, also a whole search result")}};
    int row = 0;
    for (const auto& [key, text] : keys) {
        auto* keyLabel = new QLabel(key, frame);
        keyLabel->setProperty("key", true);
        grid->addWidget(keyLabel, row, 0, Qt::AlignLeft);
        grid->addWidget(new QLabel(text, frame), row++, 1);
    }
    layout->addLayout(grid);
    return frame;
}

QWidget* WelcomePage::makeRecent()
{
    QFrame* frame = card(this);
    auto* layout = new QVBoxLayout(frame);
    layout->setContentsMargins(16, 14, 16, 10);
    layout->setSpacing(8);
    auto* clear = new QPushButton(tr("Clear list"), frame);
    clear->setObjectName(QStringLiteral("clearRecent"));
    auto* head = new QHBoxLayout;
    head->addWidget(heading(tr("Recent"), frame), 1);
    head->addWidget(clear);
    m_noRecent->setProperty("tone", QStringLiteral("second"));
    layout->addLayout(head);
    layout->addWidget(m_noRecent);
    layout->addWidget(m_recent, 1);
    layout->addStretch(1);
    connect(clear, &QPushButton::clicked, this, [this] {
        context().settings.set(Setting::RecentFiles, QStringList());
        showRecent();
    });
    connect(m_recent, &RecentList::openRequested, this,
            [this](const QString& path) { context().openFile(path); });
    connect(m_recent, &RecentList::removeRequested, this, [this](const QString& path) {
        context().settings.removeRecentFile(path);
        showRecent();
    });
    return frame;
}

void WelcomePage::showRecent()
{
    const QStringList files = context().settings.recentFiles();
    m_recent->setFiles(files);
    m_noRecent->setVisible(files.isEmpty());
    m_recent->setVisible(!files.isEmpty());
    if (auto* clear = findChild<QPushButton*>(QStringLiteral("clearRecent"))) {
        clear->setVisible(!files.isEmpty());
    }
}

void WelcomePage::showEvent(QShowEvent* event)
{
    Page::showEvent(event);
    showRecent();
}

} // namespace

Page* makeWelcomePage(Context& context, QWidget* parent)
{
    return new WelcomePage(context, parent);
}

} // namespace bitscape::app

#include "welcome_page.moc"
