# SPDX-License-Identifier: AGPL-3.0-or-later
"""How a part looks in the floorplan: its grid of tiles, columns and processing system.

Read from project X-Ray's tilegrid.json of the part (grid_x to the right, grid_y downwards, as nextpnr numbers tiles).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outline:
    """A part in tiles.

    Attributes:
        width, height: of the whole grid.
        logic, ram, dsp: columns with slices, block RAM and DSP48 (of the column's own tiles, not its interconnect).
        ps: x, y, width, height of the processing system, where there is no fabric.
        regions: upper edges of the clock regions.
    """

    width: int
    height: int
    logic: tuple[int, ...]
    ram: tuple[int, ...]
    dsp: tuple[int, ...]
    ps: tuple[int, int, int, int]
    regions: tuple[int, ...]

    def tile_height(self, x: int) -> int:
        """Rows that a tile of this column takes, from its own upwards: block RAM and DSP are five high."""
        return 5 if x in self.ram or x in self.dsp else 1


_XC7Z020 = Outline(
    width=187,
    height=157,
    logic=(
        10, 13, 14, 17, 23, 24, 30, 33, 34, 37, 43, 44, 50, 53, 54, 57, 63, 64, 70, 73, 74, 77, 78, 81, 83, 89, 92,
        97, 99, 102, 103, 106, 107, 110, 112, 115, 116, 119, 120, 123, 128, 129, 132, 133, 136, 142, 143, 149, 152,
        153, 156, 162, 163, 169, 172, 173, 176,
    ),
    ram=(19, 48, 59, 93, 138, 167),
    dsp=(28, 39, 68, 147, 158),
    ps=(0, 1, 50, 103),
    regions=(1, 53, 105),
)  # fmt: skip
_PARTS = {"xc7z020": _XC7Z020}


def outline(part: str) -> Outline | None:
    """The outline of a part (``xc7z020clg400-1``), or None: then only what is used can be drawn."""
    return next((found for name, found in _PARTS.items() if part.startswith(name)), None)
