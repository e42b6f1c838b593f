// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/base/job.h"
#include "core/io/export_content.h"
#include "core/io/table_export.h"
#include "core/project/project.h"

#include <cstdint>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bitscape::project {

/// What some formats leave to the user.
struct ExportOptions {
    io::ModConvention csvConvention = io::ModConvention::MinMax; ///< of qkeras-mod-csv
};

/// What is to be exported.
struct ExportRequest {
    io::ExportInput input;
    /// Where the network came from; null: not known.
    std::shared_ptr<const io::ModelFile> model;
    /// The project it is part of; null: none.
    std::shared_ptr<const Project> project;
    ExportOptions options = {};
};

/// A request for what openModel() gave, with its weights in the graph.
[[nodiscard]] Result<ExportRequest> exportRequest(const OpenedModel& opened);

enum class ExportKind {
    File,  ///< one file
    Folder ///< several files in a folder of their own
};

/// Whether this program reads the format again.
enum class ExportReadback {
    None,
    Model, ///< as MODEL, with the same predictions
    Map    ///< as MAP
};

/// A row of the registry: all that the program needs to know of a format.
struct ExportFormat {
    std::string name;   ///< as on the command line; never renamed
    std::string title;  ///< for menus: "Keras HDF5"
    std::string ending; ///< of the file, for file dialogs: ".h5"; empty for a folder
    std::string doc;    ///< one or two sentences: what it holds, who reads it
    ExportKind kind = ExportKind::File;
    ExportReadback readback = ExportReadback::None;
    bool needsQuantizers = false; ///< pointless for a network without any
    bool needsTrials = false;     ///< of a search in a project
    bool needsCodes = false;      ///< every weight and output must have a quantizer
    bool keepsQuantizers = true;  ///< false: the float twin is written
    Result<io::ExportContent> (*write)(const ExportRequest& request, const JobContext& job);
};
inline std::ostream& operator<<(std::ostream& out, const ExportFormat& format)
{
    return out << format.name;
}

/// All rows, in the order of menus and documentation.
[[nodiscard]] std::span<const ExportFormat> exportFormats();
/// InvalidArgument names the nearest known format.
[[nodiscard]] Result<const ExportFormat*> findExportFormat(std::string_view name);

/// Sizes of the weights of a network.
struct WeightSizes {
    std::int64_t floatBytes = 0;  ///< four for each
    std::int64_t packedBytes = 0; ///< as many bits for each as its quantizer has, 32 where float
};
/// Of the network as it is run: normalizations that the configuration folds are gone.
[[nodiscard]] WeightSizes weightSizes(const io::ExportInput& input);

struct ExportResult {
    std::vector<std::string> files; ///< as written, in order
    std::int64_t bytes = 0;         ///< of all of them
    WeightSizes weights;
    io::ImportNotes notes;
    Warnings warnings;
};

/// Writes `path`: a file, or a folder (made if need be; files in it that the format does not write
/// stay). Nothing is left half written: everything is made beside it and renamed.
/// InvalidArgument: the format needs what the request lacks. Unsupported: a layer that cannot be
/// expressed. Io, OutOfResources, Canceled.
[[nodiscard]] Result<ExportResult> exportTo(const ExportFormat& format,
                                            const ExportRequest& request, const std::string& path,
                                            const JobContext& job = {});

} // namespace bitscape::project
