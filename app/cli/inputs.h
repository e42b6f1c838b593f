// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/cli/command.h"
#include "core/io/data_file.h"
#include "core/project/project.h"

#include <memory>
#include <string>

// Options that several commands share, and what they open.
namespace bitscape::cli {

struct ModelOptions {
    std::string model;
    std::string map;          ///< file or inline JSON; empty: none
    std::string architecture; ///< file; empty: MODEL holds its own
};

/// Adds MODEL (positional, required), --architecture and, if wanted, --map.
void addModelOptions(CLI::App& app, ModelOptions& options, bool withMap = true);

struct DataOptions {
    io::DataRecipe recipe;
    std::string split;     ///< "train=0.8"
    std::string imageSize; ///< "96x128"
};

enum class DataArgument { Positional, Option, OptionalOption };
enum class LimitOption { Add, OwnedByCommand };

/// Adds DATA (positional or --data) and --x, --y, --label, --scale, --normalize, --layout, --limit,
/// --skip, --split, --classes, --image-size, --color, --dtype. `search` reads --limit itself, as it
/// also takes bits=N.
void addDataOptions(CLI::App& app, DataOptions& options, DataArgument argument,
                    LimitOption limit = LimitOption::Add);

/// Opens MODEL and applies --map on the quantizers it came with; warnings go to the session.
[[nodiscard]] Result<project::OpenedModel> openModel(Session& session, const ModelOptions& options);
/// Opens DATA as it is.
[[nodiscard]] Result<io::DataSet> openData(Session& session, const DataOptions& options);
/// Opens DATA and fits it to the network's inputs.
[[nodiscard]] Result<io::DataSet> openDataFor(Session& session, const DataOptions& options,
                                              const graph::Graph& graph);

/// Text of an option that is a JSON file or JSON itself (starts with '{' or '[').
[[nodiscard]] Result<std::string> fileOrInline(const std::string& option, const std::string& value);

/// JSON of a shape with its batch, if it has one: [null, 28, 28, 1]; open sizes are null.
[[nodiscard]] Json shapeWithBatch(const Shape& shape, graph::BatchAxis batch);

} // namespace bitscape::cli
