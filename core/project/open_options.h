// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/io/load_options.h"
#include "core/project/project.h"

namespace bitscape::project {

/// openModel() of a file with options; projects and samples hold their architecture
/// (InvalidArgument if one is given).
[[nodiscard]] Result<OpenedModel> openModel(const std::string& argument,
                                            const io::LoadOptions& options);

} // namespace bitscape::project
