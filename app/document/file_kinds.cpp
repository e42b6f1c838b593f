// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/document/file_kinds.h"

#include <QCoreApplication>
#include <QDir>
#include <QFileInfo>

#include <algorithm>
#include <array>

namespace bitscape::app {

namespace {

constexpr std::array kKinds{
    FileKind{FileRole::Project, QT_TRANSLATE_NOOP("files", "Bitscape projects"), "*.bitscape"},
    FileKind{FileRole::Model, QT_TRANSLATE_NOOP("files", "Keras models"),
             "*.keras *.h5 *.hdf5 *.json"},
    FileKind{FileRole::Model, QT_TRANSLATE_NOOP("files", "ONNX models"), "*.onnx"},
    FileKind{FileRole::Model, QT_TRANSLATE_NOOP("files", "TFLite models"), "*.tflite *.lite"},
    FileKind{FileRole::Data, QT_TRANSLATE_NOOP("files", "NumPy arrays"), "*.npz *.npy"},
    FileKind{FileRole::Data, QT_TRANSLATE_NOOP("files", "Tables"), "*.csv *.csv.gz"},
    FileKind{FileRole::Data, QT_TRANSLATE_NOOP("files", "IDX images"), "*ubyte *ubyte.gz"},
    FileKind{FileRole::Data, QT_TRANSLATE_NOOP("files", "CIFAR-10 batches"), "*.bin"},
    FileKind{FileRole::Data, QT_TRANSLATE_NOOP("files", "TFRecord files"),
             "*.tfrecord *.tfrecords *.tfrecord.gz"},
};

struct RoleTitle {
    FileRole role;
    const char* all; ///< files of the role
};
constexpr std::array kRoles{
    RoleTitle{FileRole::Project, QT_TRANSLATE_NOOP("files", "Projects")},
    RoleTitle{FileRole::Model, QT_TRANSLATE_NOOP("files", "Models")},
    RoleTitle{FileRole::Data, QT_TRANSLATE_NOOP("files", "Data sets")},
};

QString translated(const char* text)
{
    return QCoreApplication::translate("files", text);
}

QStringList patternsOf(const FileKind& kind)
{
    return QString::fromLatin1(kind.patterns).split(QLatin1Char(' '));
}

QString filterLine(const QString& title, const QStringList& patterns)
{
    return QStringLiteral("%1 (%2)").arg(title, patterns.join(QLatin1Char(' ')));
}

/// A folder is a SavedModel or holds samples.
FileRole roleOfFolder(const QDir& folder)
{
    return folder.exists(QStringLiteral("saved_model.pb")) ||
                   folder.exists(QStringLiteral("keras_metadata.pb"))
               ? FileRole::Model
               : FileRole::Data;
}

} // namespace

std::span<const FileKind> fileKinds()
{
    return kKinds;
}

QString fileFilter(FileRole role)
{
    QStringList lines;
    QStringList all;
    for (const FileKind& kind : kKinds) {
        if (kind.role == role) {
            lines << filterLine(translated(kind.title), patternsOf(kind));
            all << patternsOf(kind);
        }
    }
    if (lines.size() > 1) {
        const auto* title = std::find_if(kRoles.begin(), kRoles.end(),
                                         [&](const RoleTitle& row) { return row.role == role; });
        lines.prepend(filterLine(translated(title->all), all));
    }
    lines << translated(QT_TRANSLATE_NOOP("files", "All files (*)"));
    return lines.join(QStringLiteral(";;"));
}

QString endingsOf(std::span<const FileRole> roles)
{
    QStringList endings;
    for (const FileKind& kind : kKinds) {
        if (std::find(roles.begin(), roles.end(), kind.role) == roles.end()) {
            continue;
        }
        for (const QString& pattern : patternsOf(kind)) {
            const QString ending = pattern.mid(1); // without the star
            if (ending.lastIndexOf(QLatin1Char('.')) == 0 && !endings.contains(ending)) {
                endings << ending;
            }
        }
    }
    return endings.join(QStringLiteral("   "));
}

std::optional<FileRole> roleOf(const QString& path)
{
    if (path.startsWith(QLatin1StringView("fashion-mnist")) ||
        path.startsWith(QLatin1StringView("sample:digits:")) ||
        path.contains(QLatin1StringView("::"))) {
        return FileRole::Data;
    }
    if (path.startsWith(QLatin1StringView("sample:"))) {
        return FileRole::Model;
    }
    if (QFileInfo(path).isDir()) {
        return roleOfFolder(QDir(path));
    }
    const QString name = QFileInfo(path).fileName().toLower();
    for (const FileKind& kind : kKinds) {
        for (const QString& pattern : patternsOf(kind)) {
            if (name.endsWith(pattern.mid(1))) {
                return kind.role;
            }
        }
    }
    return std::nullopt;
}

QString argumentOf(const QStringList& files)
{
    const auto ending = [&](const char* suffix) {
        const auto found = std::find_if(files.begin(), files.end(), [&](const QString& file) {
            return file.endsWith(QLatin1StringView(suffix), Qt::CaseInsensitive);
        });
        return found == files.end() ? QString() : *found;
    };
    if (files.size() == 2) {
        const QString architecture = ending(".json");
        const QString weights = ending(".h5").isEmpty() ? ending(".hdf5") : ending(".h5");
        if (!architecture.isEmpty() && !weights.isEmpty()) {
            return architecture + QLatin1Char(',') + weights;
        }
        const bool areArrays = std::all_of(files.begin(), files.end(), [](const QString& file) {
            return file.endsWith(QLatin1StringView(".npy"), Qt::CaseInsensitive);
        });
        if (areArrays) { // the samples come first: x.npy, y.npy
            QStringList sorted = files;
            sorted.sort(Qt::CaseInsensitive);
            return sorted.join(QLatin1Char(','));
        }
    }
    return files.isEmpty() ? QString() : files.first();
}

} // namespace bitscape::app
