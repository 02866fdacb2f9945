# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a placed design takes of the part, in the units that people compare: 6-input LUTs, flip-flops, BRAM36, DSP48.

nextpnr counts every 5- and 6-input half of a LUT as a cell of its own; two halves in one place are one LUT here, as in
Vivado's reports.  Two RAMB18 in one tile are one BRAM36.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pynqtorch.errors import LimitError, OutputError

RESOURCES = ("lut", "ff", "bram36", "dsp")
SHELL = "shell"
"""Group of the cells that belong to no kernel."""
_BEL = re.compile(r"X(\d+)Y(\d+)/([^.]+)\.(\w+)")
_LUT = re.compile(r"([A-D])[56]LUT")


@dataclass(frozen=True, slots=True)
class Cell:
    """A placed cell: `group` is a kernel's instance or ``shell``; `x`, `y` are its tile; `slot` counts it once.

    `resource` is ``lut``, ``ff``, ``bram36``, ``dsp`` or ``other``.
    """

    group: str
    x: int
    y: int
    resource: str
    slot: str


def placed_cells(path: Path, top: str, instances: Iterable[str]) -> list[Cell]:
    """Cells of a placed netlist as nextpnr writes it (`--write`).

    Raises:
        OutputError: it is not such a netlist.
    """
    try:
        cells = json.loads(path.read_bytes())["modules"][top]["cells"]
        groups = frozenset(instances)
        found = [_cell(name, cell["attributes"].get("NEXTPNR_BEL", ""), groups) for name, cell in cells.items()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(
            f"{path.name}: not a netlist that nextpnr placed ({type(error).__name__}: {error})",
            hint="run the route step again",
        ) from error
    return [cell for cell in found if cell is not None]


def count(cells: Iterable[Cell]) -> dict[str, int]:
    """Resource -> how many are used."""
    slots: dict[str, set[str]] = {name: set() for name in RESOURCES}
    for cell in cells:
        if cell.resource in slots:
            slots[cell.resource].add(cell.slot)
    return {name: len(used) for name, used in slots.items()}


def by_group(cells: Iterable[Cell]) -> dict[str, dict[str, int]]:
    """Group -> resource -> how many; a LUT whose halves belong to two groups counts in both."""
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.group, []).append(cell)
    return {name: count(found) for name, found in sorted(groups.items())}


def against(
    used: Mapping[str, int], available: Mapping[str, int], limits: Mapping[str, int | None]
) -> dict[str, dict[str, Any]]:
    """Resource -> `used`, `available`, `percent`, `limit` (None where the recipe has none)."""
    return {
        name: {
            "used": used[name],
            "available": available[name],
            "percent": round(100 * used[name] / available[name], 1) if available[name] else 0.0,
            "limit": limits.get(name),
        }
        for name in RESOURCES
    }


def check_limits(overlay: str, figures: Mapping[str, Mapping[str, Any]]) -> None:
    """Raises `LimitError` naming each resource that is above the part's or the recipe's limit."""
    broken = []
    for name, figure in figures.items():
        if figure["used"] > figure["available"]:
            broken.append(f"{figure['used']} {name} used, the part has {figure['available']}")
        elif figure["limit"] is not None and figure["used"] > figure["limit"]:
            broken.append(f"{figure['used']} {name} used, limits.{name} is {figure['limit']}")
    if broken:
        raise LimitError(
            f"overlay {overlay}: " + "; ".join(broken), hint="make it smaller, or raise the recipe's limit"
        )


def floorplan(cells: Iterable[Cell]) -> dict[str, Any]:
    """Where the cells lie: `width`, `height` (tiles), `groups` (names), and `tiles`, rows of [x, y, group, cells].

    A tile that several groups share has a row for each.
    """
    rows: Counter[tuple[int, int, str]] = Counter((cell.x, cell.y, cell.group) for cell in cells)
    groups = sorted({group for _, _, group in rows})
    return {
        "width": max((x for x, _, _ in rows), default=-1) + 1,
        "height": max((y for _, y, _ in rows), default=-1) + 1,
        "groups": groups,
        "tiles": [[x, y, groups.index(group), number] for (x, y, group), number in sorted(rows.items())],
    }


def _cell(name: str, bel: str, instances: frozenset[str]) -> Cell | None:
    match = _BEL.fullmatch(bel)
    if match is None:
        return None  # a constant driver: it has no place
    x, y, site, element = int(match[1]), int(match[2]), match[3], match[4]
    owner = name.partition(".")[0]
    group = owner if owner in instances and "." in name else SHELL
    tile = f"X{x}Y{y}"
    if lut := _LUT.fullmatch(element):
        return Cell(group, x, y, "lut", f"{tile}/{site}.{lut[1]}")
    if element.endswith("FF"):
        return Cell(group, x, y, "ff", bel)
    if "RAMB" in site or "FIFO" in site or "RAMB" in element:
        return Cell(group, x, y, "bram36", tile)
    if "DSP" in site:
        return Cell(group, x, y, "dsp", bel)
    return Cell(group, x, y, "other", bel)
