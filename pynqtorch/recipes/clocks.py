# SPDX-License-Identifier: AGPL-3.0-or-later
"""The PL clocks of a Zynq-7000's PS: FCLK = IO PLL / divisor0 / divisor1 (UG585, ch. 25, FPGAx_CLK_CTRL)."""

from __future__ import annotations

from functools import lru_cache

MAX_DIVIDER = 63
"""Both dividers have 6 bits; 0 is not allowed."""
MAX_FCLK_HZ = 250_000_000
"""Upper bound of FCLK_CLK0..3 (DS187, PS-PL clocks)."""
TOLERANCE = 0.01


@lru_cache(maxsize=256)
def fclk_dividers(io_pll: int, wanted: int) -> tuple[int, int, int]:
    """The dividers whose clock is nearest to the wanted one.

    Args:
        io_pll: output of the IO PLL, Hz.
        wanted: Hz.

    Returns:
        (divisor0, divisor1, actual frequency in Hz, rounded).  Of equally near ones the most even pair with
        divisor0 >= divisor1, as Vivado chooses (1.6 GHz / 32 is 8 x 4 in a .hwh of 2025.2).  The actual frequency may
        be below or above the wanted one; `reachable` says whether it is near enough.

    Raises:
        ValueError: a frequency is not positive.
    """
    if io_pll <= 0 or wanted <= 0:
        raise ValueError("frequencies are positive")
    pairs = ((d0, d1) for d1 in range(1, MAX_DIVIDER + 1) for d0 in range(d1, MAX_DIVIDER + 1))
    div0, div1 = min(pairs, key=lambda pair: (abs(io_pll / (pair[0] * pair[1]) - wanted), sum(pair)))
    return div0, div1, round(io_pll / (div0 * div1))


def reachable(actual: int, wanted: int) -> bool:
    """Whether the actual frequency is within 1 % of the wanted one."""
    return abs(actual - wanted) <= TOLERANCE * wanted


def format_frequency(hertz: int) -> str:
    """Hertz as a recipe would write it: 142857143 -> ``142.857143MHz``."""
    for unit, factor in (("GHz", 10**9), ("MHz", 10**6), ("kHz", 10**3)):
        if hertz >= factor:
            return f"{hertz / factor:.6f}".rstrip("0").rstrip(".") + unit
    return f"{hertz}Hz"
