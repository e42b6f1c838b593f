// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/validation.h"

#include <charconv>

namespace bitscape::cli {

Result<Validation> parseValidation(const std::string& text)
{
    double share = 0;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, share);
    if (read.ec != std::errc{} || read.ptr != end) {
        return Validation{.source = text};
    }
    if (!(share > 0 && share < 1)) {
        return fail(ErrorCode::InvalidArgument, text + " is no share.", "--validation",
                    "Give a number between 0 and 1, or data.");
    }
    return Validation{.share = share};
}

Result<io::DataSet> openValidation(Session& session, const DataOptions& options,
                                   const Validation& validation, const graph::Graph& graph)
{
    DataOptions own = options;
    own.recipe.source = validation.source;
    own.recipe.skip = 0;
    own.recipe.limit = 0;
    own.recipe.weightKey.clear();
    own.split.clear();
    auto data = openDataFor(session, own, graph);
    if (!data) {
        return fail(std::move(data).error().in("--validation"));
    }
    return data;
}

} // namespace bitscape::cli
