# SPDX-License-Identifier: AGPL-3.0-or-later
"""The open FPGA flow: yosys, nextpnr, and our own FASM and bitstream tools."""
