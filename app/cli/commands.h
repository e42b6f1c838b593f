// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/cli/command.h"

// One line per command; its rows stand in commands.cpp, its code in NAME_command.cpp.
namespace bitscape::cli {

} // namespace bitscape::cli
