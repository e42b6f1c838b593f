// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "widgets/delegates/cell_delegate.h"
#include "widgets/models/layer_tree_model.h"

#include <QLineEdit>

#include <functional>
#include <vector>

class QFrame;
class QLabel;
class QListWidget;

namespace bitscape::widgets {

/// What helps while a quantizer is typed.
struct QuantizerHelp {
    struct Candidate {
        QString label;   ///< as listed
        QString text;    ///< whole text after it was taken
        int cursor = -1; ///< place in it; −1: its end
    };
    std::vector<Candidate> candidates;
    QString signature;   ///< rich text: name and parameters, the one at the cursor bold
    QString explanation; ///< rich text: meaning of the parameter, levels, range
    QString problem;     ///< sentence; empty: the text can be applied
    QString remark;      ///< applies, but something is worth saying
};
/// Asked after each key; must be quick.
using QuantizerHelper =
    std::function<QuantizerHelp(const QuantizerPlace& place, const QString& text, int cursor)>;

/// The editor of a quantizer cell: completion list, explanation and the reason why a text cannot be
/// applied. Tab completes, Enter applies, Esc restores.
class QuantizerEdit final : public QLineEdit {
    Q_OBJECT
public:
    QuantizerEdit(QuantizerPlace place, QuantizerHelper helper, QWidget* parent);
    ~QuantizerEdit() override;
    Q_DISABLE_COPY_MOVE(QuantizerEdit)

    [[nodiscard]] const QuantizerPlace& place() const { return m_place; }
    [[nodiscard]] bool isValid() const { return m_help.problem.isEmpty(); }
    [[nodiscard]] const QuantizerHelp& help() const { return m_help; }
    /// Takes the chosen candidate; false if there is none.
    bool complete();
    void chooseCandidate(int step);
    void showPopup();

Q_SIGNALS:
    /// After each change; the text may be invalid.
    void probed(const QString& text, bool isValid);

protected:
    void hideEvent(QHideEvent* event) override;

private:
    void refresh();
    void placePopup();

    QuantizerPlace m_place;
    QuantizerHelper m_helper;
    QuantizerHelp m_help;
    QFrame* m_popup; ///< child of the window, above all
    QListWidget* m_list;
    QLabel* m_text;
};

/// Paints cells and edits those of quantizer columns.
class QuantizerDelegate final : public CellDelegate {
    Q_OBJECT
public:
    QuantizerDelegate(QuantizerHelper helper, QObject* parent = nullptr);

    [[nodiscard]] QWidget* createEditor(QWidget* parent, const QStyleOptionViewItem& option,
                                        const QModelIndex& index) const override;
    void setEditorData(QWidget* editor, const QModelIndex& index) const override;
    void setModelData(QWidget* editor, QAbstractItemModel* model,
                      const QModelIndex& index) const override;
    void updateEditorGeometry(QWidget* editor, const QStyleOptionViewItem& option,
                              const QModelIndex& index) const override;

Q_SIGNALS:
    /// An edit in progress; an empty layer: it ended.
    void probed(const bitscape::widgets::QuantizerPlace& place, const QString& text,
                bool isValid) const;

protected:
    bool eventFilter(QObject* object, QEvent* event) override;

private:
    QuantizerHelper m_helper;
};

} // namespace bitscape::widgets
