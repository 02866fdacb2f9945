# SPDX-License-Identifier: AGPL-3.0-or-later
"""The clocks that the PS really makes for an overlay (the dividers are chosen in `recipes.clocks`)."""

from __future__ import annotations

from dataclasses import dataclass

from pynqtorch.recipes.clocks import MAX_DIVIDER, fclk_dividers
from pynqtorch.recipes.models import Board, Overlay

DIVISORS = range(1, MAX_DIVIDER + 1)


@dataclass(frozen=True, slots=True)
class FabricClock:
    """One FCLK: what the recipe asks for, and what the dividers give (hertz)."""

    name: str
    requested: int
    divisor0: int
    divisor1: int
    actual: int


def fabric_clocks(overlay: Overlay, board: Board) -> dict[str, FabricClock]:
    """All clocks of an overlay by name; hardware is timed against `actual`."""
    result: dict[str, FabricClock] = {}
    for name, requested in overlay.clocks.items():
        divisor0, divisor1, actual = fclk_dividers(board.ps7.io_pll, requested)
        result[name] = FabricClock(name, requested, divisor0, divisor1, actual)
    return result
