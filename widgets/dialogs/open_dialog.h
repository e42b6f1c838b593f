// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFileDialog>
#include <QImage>
#include <QStringList>
#include <QTimer>

#include <functional>
#include <memory>

class QLabel;

namespace bitscape::widgets {

/// What a file holds, seen before it is opened.
struct FilePreview {
    QString title;          ///< kind of file: "Keras zip, Keras 3.10.0"
    QStringList lines;      ///< facts, one per line
    QList<QImage> pictures; ///< some samples
    QString problem;        ///< why it cannot be opened; may be empty
};
/// Looks into a file; called in a thread of its own, one call at a time.
using Previewer = std::function<FilePreview(const QString& path)>;

/// A grid of small pictures, each scaled without blur to the same cell.
[[nodiscard]] QPixmap contactSheet(const QList<QImage>& pictures, int columns, int cell);

/// The file dialog with a panel that says what the chosen file holds. The look into the file
/// starts when the choice rests, and never holds the dialog up.
class OpenDialog final : public QFileDialog {
    Q_OBJECT
public:
    OpenDialog(QWidget* parent, const QString& title, const QString& folder, const QString& filter,
               Previewer previewer);
    ~OpenDialog() override;
    Q_DISABLE_COPY_MOVE(OpenDialog)

private:
    void look();
    void showPreview(const FilePreview& preview);

    Previewer m_previewer;
    QTimer m_rest;
    QString m_path; ///< chosen last
    QLabel* m_pictures;
    QLabel* m_text;
    bool m_isLooking = false;
};

} // namespace bitscape::widgets
