// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/version.h"

#include "core/base/version.h"
#include "core/graph/execution.h"

#include <Eigen/Core>
#include <H5public.h>
#include <fmt/core.h>
#include <zip.h>

namespace bitscape::cli {

nlohmann::ordered_json versionFacts()
{
    unsigned major = 0;
    unsigned minor = 0;
    unsigned release = 0;
    H5get_libversion(&major, &minor, &release);
    return {{"commit", bitscape::commit()},
            {"engine", graph::engineVariant()},
            {"libraries",
             {{"eigen", fmt::format("{}.{}.{}", EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION,
                                    EIGEN_MINOR_VERSION)},
              {"hdf5", fmt::format("{}.{}.{}", major, minor, release)},
              {"libzip", zip_libzip_version()}}}};
}

std::string versionText()
{
    const auto facts = versionFacts();
    std::string text =
        fmt::format("bitscape-cli {} (commit {}, engine {})\n", bitscape::version(),
                    facts["commit"].get<std::string>(), facts["engine"].get<std::string>());
    for (const auto& [library, number] : facts["libraries"].items()) {
        text += fmt::format("{} {}\n", library, number.get<std::string>());
    }
    return text;
}

} // namespace bitscape::cli
