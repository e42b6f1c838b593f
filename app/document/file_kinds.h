// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <QStringList>

#include <optional>
#include <span>

namespace bitscape::app {

enum class FileRole { Project, Model, Data };

/// A row of the table of files that can be opened.
struct FileKind {
    FileRole role;
    const char* title;    ///< to be translated in context "files"
    const char* patterns; ///< "*.h5 *.hdf5"
};

[[nodiscard]] std::span<const FileKind> fileKinds();

/// Filter of a file dialog: all kinds of the role in one, then each, then all files.
[[nodiscard]] QString fileFilter(FileRole role);
/// ".keras .h5 …" of these roles, each ending once.
[[nodiscard]] QString endingsOf(std::span<const FileRole> roles);
/// What opening `path` means: by the name of a file, by the content of a folder, by the name of a
/// built-in sample or data set. nullopt: no kind of file that is known.
[[nodiscard]] std::optional<FileRole> roleOf(const QString& path);
/// MODEL or DATA for files that were dropped together: an architecture and its weights are one
/// model, samples and labels one data set. Otherwise the first.
[[nodiscard]] QString argumentOf(const QStringList& files);

} // namespace bitscape::app
