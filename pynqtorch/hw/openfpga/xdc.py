# SPDX-License-Identifier: AGPL-3.0-or-later
"""Constraints in the subset of XDC that nextpnr-himbaechel-xilinx 0.11.1 reads.

It knows `set_property` on ports and `create_clock` on ports and nets; names in braces with spaces crash it.  Dedicated
pins of the PS7 (DDR, MIO) are not constrained.
"""

from __future__ import annotations

from collections.abc import Mapping

from pynqtorch.recipes.models import Pin


def render(clocks: Mapping[str, int], ports: Mapping[str, Pin] | None = None) -> str:
    """XDC text.

    Args:
        clocks: net -> frequency in hertz.
        ports: port of the top -> pin of the package.
    """
    lines = [f"create_clock -period {1e9 / hertz:.3f} [get_nets {net}]" for net, hertz in clocks.items()]
    for port, pin in (ports or {}).items():
        lines.append(f"set_property LOC {pin.loc} [get_ports {port}]")
        lines.append(f"set_property IOSTANDARD {pin.iostandard} [get_ports {port}]")
    return "".join(f"{line}\n" for line in lines)
