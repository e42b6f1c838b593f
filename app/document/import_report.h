// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/model_file.h"

#include <QString>
#include <QStringList>

#include <vector>

namespace bitscape::app {

/// A line of the import table: one layer of the file.
struct ImportRow {
    std::string layer;
    QString fileClass;  ///< class in the file
    QString becomes;    ///< the layer that computes it here; empty: none does
    QString quantizers; ///< "kernel quantized_bits(4,0,1), bias …"; empty: none
    QString remark;     ///< why it cannot be run, or what was converted
    bool isSupported = true;
};

/// Every layer of the file, those that cannot be run first, otherwise in the file's order.
[[nodiscard]] std::vector<ImportRow> importRows(const io::ModelFile& file);
/// Notes that belong to no layer: parts of the file and what became of them, one sentence each.
[[nodiscard]] QStringList fileNotes(const io::ModelFile& file);
/// "3 of 41 layers cannot be run: Lambda (2), CustomNorm (1)."; empty if all can.
[[nodiscard]] QString unsupportedSentence(const graph::Graph& graph);

} // namespace bitscape::app
