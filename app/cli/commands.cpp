// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.h"

#include <vector>

namespace bitscape::cli {

std::span<const CommandInfo> commands()
{
    static const std::vector<CommandInfo> table{};
    return table;
}

} // namespace bitscape::cli
