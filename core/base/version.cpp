// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/version.h"

namespace bitscape {

std::string_view version()
{
    return BITSCAPE_VERSION;
}

std::string_view commit()
{
    return BITSCAPE_COMMIT;
}

} // namespace bitscape
