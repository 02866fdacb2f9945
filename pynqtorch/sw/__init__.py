# SPDX-License-Identifier: AGPL-3.0-or-later
"""Software for the board and the tools: root file systems, sysroots, toolchains, wheels."""
