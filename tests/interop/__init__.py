# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that Bitscape writes, opened by the tools they are for."""
