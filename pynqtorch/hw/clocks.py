# SPDX-License-Identifier: AGPL-3.0-or-later
"""The clocks that the PS can really make: FCLKn = IO PLL / DIVISOR0 / DIVISOR1, each 1 to 63 (UG585, ch. 25)."""

from __future__ import annotations

from dataclasses import dataclass

from pynqtorch.errors import RecipeError
from pynqtorch.recipes.models import Board, Overlay

DIVISORS = range(1, 64)
HIGHEST = 250_000_000
"""FCLK's upper bound in hertz (DS187, table "PS-PL clocks")."""


@dataclass(frozen=True, slots=True)
class FabricClock:
    """One FCLK: what the recipe asks for, and what the dividers give (hertz)."""

    name: str
    requested: int
    divisor0: int
    divisor1: int
    actual: int


def fabric_clock(name: str, requested: int, io_pll: int) -> FabricClock:
    """The nearest clock that the dividers can make; of equal ones, the most even pair with DIVISOR0 >= DIVISOR1.

    Raises:
        RecipeError: the clock is above what the PS gives, or more than 5 % from anything it can make.
    """
    if requested > HIGHEST:
        raise RecipeError(
            f"clocks.{name}: {requested / 1e6:g} MHz is above the {HIGHEST / 1e6:g} MHz that the PS gives",
            hint="ask for less",
        )
    pairs = [(d0, d1) for d0 in DIVISORS for d1 in DIVISORS if d1 <= d0]
    d0, d1 = min(pairs, key=lambda pair: (abs(io_pll / (pair[0] * pair[1]) - requested), sum(pair), pair[0]))
    actual = round(io_pll / (d0 * d1))
    if abs(actual - requested) > requested / 20:
        raise RecipeError(
            f"clocks.{name}: {requested / 1e6:g} MHz cannot be made of the IO PLL's {io_pll / 1e6:g} MHz; "
            f"the nearest is {actual / 1e6:g} MHz",
            hint=f"write {name}: {actual / 1e6:.6g}MHz",
        )
    return FabricClock(name, requested, d0, d1, actual)


def fabric_clocks(overlay: Overlay, board: Board) -> dict[str, FabricClock]:
    """All clocks of an overlay by name.

    Raises:
        RecipeError: see `fabric_clock`.
    """
    return {name: fabric_clock(name, hertz, board.ps7.io_pll) for name, hertz in overlay.clocks.items()}
