// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/graph/configuration.h"
#include "core/graph/graph.h"
#include "core/io/import_note.h"

#include <string>
#include <vector>

namespace bitscape::io {

/// What is written: a network holding the weights to write, and its quantizers.
struct ExportInput {
    graph::GraphPtr graph; ///< not null
    graph::Configuration configuration;
};

/// A file in memory, ready to be put in its place.
struct ExportFile {
    std::string name; ///< inside the folder; empty where the format is a single file
    std::string bytes;
};

/// What a writer made of a network.
struct ExportContent {
    std::vector<ExportFile> files;
    /// What the format could not express: Converted where it is said in another way, Ignored where
    /// it is left out without harm to what the network computes, Missing where numbers change.
    ImportNotes notes;
    Warnings warnings;
};

/// The content of a format that is a single file.
[[nodiscard]] inline ExportContent singleFile(std::string bytes)
{
    ExportContent content;
    content.files.push_back({{}, std::move(bytes)});
    return content;
}

} // namespace bitscape::io
