# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where each kernel's control registers stand in the processor's address space.

M_AXI_GP0 answers for 0x4000_0000 to 0x7FFF_FFFF, M_AXI_GP1 for 0x8000_0000 to 0xBFFF_FFFF (UG585, table 4-1).
A kernel takes one 64 KiB window, the size that Vivado gives to an HLS kernel.
"""

from __future__ import annotations

from pynqtorch.errors import RecipeError
from pynqtorch.recipes.models import Overlay

WINDOW = 0x1_0000
"""Bytes of a kernel's window."""
CONTROL_RANGES: dict[str, tuple[int, int]] = {
    "M_AXI_GP0": (0x4000_0000, 0x8000_0000),
    "M_AXI_GP1": (0x8000_0000, 0xC000_0000),
}
"""First address of each control port's range, and the one behind its last."""


def addresses(overlay: Overlay) -> dict[str, int]:
    """Instance -> base of its window, in the order of the recipe.

    Fixed addresses are kept; the others get the first free windows of their port, in order.

    Raises:
        RecipeError: a fixed address is not a multiple of 64 KiB, lies outside of its port's range, or is taken twice.
    """
    taken: dict[int, str] = {}
    for name, instance in overlay.kernels.items():
        if instance.address is not None:
            _check(overlay.overlay, name, instance.control, instance.address, taken)
            taken[instance.address] = name
    result: dict[str, int] = {}
    for name, instance in overlay.kernels.items():
        base = instance.address
        if base is None:
            start, end = CONTROL_RANGES[instance.control]
            base = next(window for window in range(start, end, WINDOW) if window not in taken)
            taken[base] = name
        result[name] = base
    return result


def _check(overlay: str, name: str, control: str, base: int, taken: dict[int, str]) -> None:
    start, end = CONTROL_RANGES[control]
    where = f"overlay {overlay}: kernels.{name}.address: 0x{base:08X}"
    if base % WINDOW:
        raise RecipeError(f"{where} is not a multiple of 0x{WINDOW:X} (64 KiB)", hint="windows are 64 KiB each")
    if not start <= base < end:
        raise RecipeError(
            f"{where} is not in the range of {control} (0x{start:08X} to 0x{end - 1:08X})",
            hint="choose an address there, or leave it out to get the first free one",
        )
    if base in taken:
        raise RecipeError(
            f"{where} is already the window of {taken[base]}", hint="give each kernel a window of its own"
        )
