// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/delegates/quantizer_delegate.h"

#include "widgets/style/palette.h"
#include "widgets/style/theme.h"

#include <QFrame>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QListWidget>
#include <QSignalBlocker>
#include <QStyle>

#include <algorithm>

namespace bitscape::widgets {

namespace {

constexpr int kListWidth = 190;
constexpr int kTextWidth = 360;
constexpr int kPopupHeight = 150;
constexpr int kEditorWidth = 250;

} // namespace

QuantizerEdit::QuantizerEdit(QuantizerPlace place, QuantizerHelper helper, QWidget* parent)
    : QLineEdit(parent), m_place(std::move(place)), m_helper(std::move(helper)),
      m_popup(new QFrame(parent->window())), m_list(new QListWidget(m_popup)),
      m_text(new QLabel(m_popup))
{
    const QString layer = QString::fromStdString(m_place.layer);
    setObjectName(QStringLiteral("quantizerEdit"));
    setAccessibleName(m_place.slot == graph::Slot::Activation
                          ? tr("Quantizer of %1, output").arg(layer)
                          : tr("Quantizer of %1, weights").arg(layer));
    setFont(codeFont());
    m_popup->setObjectName(QStringLiteral("completionPopup"));
    m_popup->setFrameShape(QFrame::StyledPanel);
    m_popup->setAutoFillBackground(true);
    m_popup->hide();
    m_list->setFocusPolicy(Qt::NoFocus);
    m_list->setFont(codeFont());
    m_list->setFixedWidth(kListWidth);
    m_list->setFrameShape(QFrame::NoFrame);
    m_list->setAccessibleName(tr("Completions"));
    m_text->setWordWrap(true);
    m_text->setAlignment(Qt::AlignTop | Qt::AlignLeft);
    m_text->setContentsMargins(10, 7, 10, 7);
    m_text->setFixedWidth(kTextWidth);
    auto* layout = new QHBoxLayout(m_popup);
    layout->setContentsMargins(1, 1, 1, 1);
    layout->setSpacing(0);
    layout->addWidget(m_list);
    layout->addWidget(m_text);
    connect(m_list, &QListWidget::itemClicked, this, &QuantizerEdit::complete);
    connect(this, &QLineEdit::textEdited, this, &QuantizerEdit::refresh);
    connect(this, &QLineEdit::cursorPositionChanged, this, [this] {
        if (m_popup->isVisible()) {
            refresh();
        }
    });
}

QuantizerEdit::~QuantizerEdit()
{
    delete m_popup;
}

void QuantizerEdit::showPopup()
{
    refresh();
}

void QuantizerEdit::refresh()
{
    m_help = m_helper(m_place, text(), cursorPosition());
    setProperty("invalid", !m_help.problem.isEmpty());
    style()->unpolish(this);
    style()->polish(this);
    m_list->clear();
    for (const QuantizerHelp::Candidate& candidate : m_help.candidates) {
        m_list->addItem(candidate.label);
    }
    m_list->setCurrentRow(0);
    const Palette& p = currentPalette();
    QString html = m_help.signature;
    const auto paragraph = [&html](const QString& body) {
        if (!body.isEmpty()) {
            html += QStringLiteral("<p style='margin:5px 0 0 0'>%1</p>").arg(body);
        }
    };
    const auto colored = [](const QColor& color, QChar mark, const QString& body) {
        return body.isEmpty() ? QString()
                              : QStringLiteral("<span style='color:%1'>%2 %3</span>")
                                    .arg(color.name(), mark, body.toHtmlEscaped());
    };
    paragraph(m_help.explanation);
    paragraph(colored(p.error.text, QChar(0x2715), m_help.problem));
    paragraph(colored(p.warning.text, QChar(0x26A0), m_help.remark));
    m_text->setText(html);
    m_list->setVisible(!m_help.candidates.empty());
    placePopup();
    Q_EMIT probed(text(), isValid());
}

void QuantizerEdit::placePopup()
{
    if (!isVisible() || (m_help.candidates.empty() && m_text->text().isEmpty())) {
        m_popup->hide();
        return;
    }
    const int textHeight = m_text->heightForWidth(kTextWidth);
    m_popup->resize((m_list->isVisibleTo(m_popup) ? kListWidth : 0) + kTextWidth + 2,
                    std::max(textHeight + 4, m_help.candidates.empty() ? 0 : kPopupHeight));
    QWidget* top = window();
    QPoint at = mapTo(top, QPoint(0, height() + 1));
    if (at.y() + m_popup->height() > top->height()) {
        at.setY(mapTo(top, QPoint()).y() - m_popup->height() - 1);
    }
    at.setX(std::min(at.x(), top->width() - m_popup->width() - 4));
    m_popup->move(at);
    m_popup->show();
    m_popup->raise();
}

void QuantizerEdit::chooseCandidate(int step)
{
    if (m_list->count() > 0) {
        m_list->setCurrentRow((m_list->currentRow() + step + m_list->count()) % m_list->count());
    }
}

bool QuantizerEdit::complete()
{
    const int row = m_list->currentRow();
    if (row < 0 || row >= static_cast<int>(m_help.candidates.size())) {
        return false;
    }
    const QuantizerHelp::Candidate candidate = m_help.candidates[static_cast<std::size_t>(row)];
    const bool changes = candidate.text != text();
    {
        const QSignalBlocker blocker(this);
        setText(candidate.text);
        setCursorPosition(candidate.cursor >= 0 ? candidate.cursor
                                                : static_cast<int>(candidate.text.size()));
    }
    refresh();
    return changes;
}

void QuantizerEdit::hideEvent(QHideEvent* event)
{
    m_popup->hide();
    QLineEdit::hideEvent(event);
}

QuantizerDelegate::QuantizerDelegate(QuantizerHelper helper, QObject* parent)
    : CellDelegate(parent), m_helper(std::move(helper))
{
}

QWidget* QuantizerDelegate::createEditor(QWidget* parent, const QStyleOptionViewItem&,
                                         const QModelIndex& index) const
{
    const auto* model = qobject_cast<const LayerTreeModel*>(index.model());
    const auto place = model != nullptr ? model->placeOf(index) : std::nullopt;
    if (!place) {
        return nullptr;
    }
    auto* editor = new QuantizerEdit(*place, m_helper, parent);
    connect(editor, &QuantizerEdit::probed, this,
            [this, where = *place](const QString& text, bool isValid) {
                Q_EMIT probed(where, text, isValid);
            });
    connect(editor, &QObject::destroyed, this, [this] { Q_EMIT probed({}, {}, false); });
    return editor;
}

void QuantizerDelegate::setEditorData(QWidget* editor, const QModelIndex& index) const
{
    auto* edit = qobject_cast<QuantizerEdit*>(editor);
    if (edit != nullptr && !edit->isModified()) {
        edit->setText(index.data(Qt::EditRole).toString());
        edit->selectAll();
    }
}

void QuantizerDelegate::setModelData(QWidget* editor, QAbstractItemModel* model,
                                     const QModelIndex& index) const
{
    const auto* edit = qobject_cast<const QuantizerEdit*>(editor);
    // Leaving the cell with a text that cannot be applied keeps the old quantizer.
    if (edit != nullptr && edit->isModified() && edit->isValid()) {
        model->setData(index, edit->text(), Qt::EditRole);
    }
}

void QuantizerDelegate::updateEditorGeometry(QWidget* editor, const QStyleOptionViewItem& option,
                                             const QModelIndex&) const
{
    QRect box = option.rect;
    box.setWidth(std::max(box.width(), kEditorWidth));
    editor->setGeometry(box);
}

bool QuantizerDelegate::eventFilter(QObject* object, QEvent* event)
{
    auto* edit = qobject_cast<QuantizerEdit*>(object);
    if (edit != nullptr && event->type() == QEvent::KeyPress) {
        switch (static_cast<QKeyEvent*>(event)->key()) {
        case Qt::Key_Tab:
            edit->complete();
            return true;
        case Qt::Key_Down:
            edit->chooseCandidate(1);
            return true;
        case Qt::Key_Up:
            edit->chooseCandidate(-1);
            return true;
        case Qt::Key_Return:
        case Qt::Key_Enter:
            edit->showPopup();
            if (edit->isValid()) {
                Q_EMIT commitData(edit);
                Q_EMIT closeEditor(edit);
            }
            return true;
        default:
            break;
        }
    }
    return CellDelegate::eventFilter(object, event);
}

} // namespace bitscape::widgets
