# SPDX-License-Identifier: AGPL-3.0-or-later
"""Addresses of the kernels' control registers: one 64 KiB window each, as Vivado gives them out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pynqtorch.recipes.models import Overlay

WINDOW = 0x1_0000
"""Bytes of a kernel's window."""
CONTROL_RANGES: dict[str, tuple[int, int]] = {
    "M_AXI_GP0": (0x4000_0000, 0x7FFF_FFFF),
    "M_AXI_GP1": (0x8000_0000, 0xBFFF_FFFF),
}
"""First and last address of the PS's general-purpose masters (UG585, table 4-1)."""


def control_addresses(overlay: Overlay) -> dict[str, int]:
    """Instance name -> base address, in the order of the recipe.

    An address in the recipe stays; the others get the lowest free window of their control port, in order.  The one
    place where this is decided: the hardware, the .hwh and the drivers must agree.

    Raises:
        ValueError: a port has no free window left.
    """
    taken = {instance.address for instance in overlay.kernels.values() if instance.address is not None}
    given: dict[str, int] = {}
    next_free = {port: first for port, (first, _) in CONTROL_RANGES.items()}
    for name, instance in overlay.kernels.items():
        if instance.address is not None:
            given[name] = instance.address
            continue
        address = next_free[instance.control]
        while address in taken:
            address += WINDOW
        if address + WINDOW - 1 > CONTROL_RANGES[instance.control][1]:
            raise ValueError(f"no free 64 KiB window on {instance.control} for {name}")
        given[name] = address
        taken.add(address)
        next_free[instance.control] = address + WINDOW
    return given
