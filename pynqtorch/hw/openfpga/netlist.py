# SPDX-License-Identifier: AGPL-3.0-or-later
"""Checks on a synthesised netlist (yosys JSON) before hours are spent on it.

The profile ``safe`` refuses what nextpnr 0.11.1 is reported to get wrong in silicon although it places and routes it
without a word; docs/open-flow.md lists the reports.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pynqtorch.errors import LimitError, OutputError

Cell = Mapping[str, Any]
_SHOWN = 8


def check_netlist(directory: Path, file: str, top: str, profile: str) -> None:
    """Check of `ooc.*` and `synth.*`: the netlist has cells, none of them unmapped or a latch, and suits the profile.

    Raises:
        OutputError: no JSON, no such module, no cells, cells that no FPGA has, or latches.
        LimitError: the profile is ``safe`` and there is a cell that it forbids.
    """
    cells = read_cells(directory / file, top)
    if not cells:
        raise OutputError(
            f"{file}: module {top} is empty", hint="everything was optimised away: is anything connected?"
        )
    unmapped = [f"{name} ({cell['type']})" for name, cell in cells.items() if _unmapped(str(cell["type"]))]
    if unmapped:
        raise OutputError(f"{file}: not mapped to the FPGA: {_some(unmapped)}", hint="see the log of this step")
    latches = [name for name, cell in cells.items() if cell["type"] in ("LDCE", "LDPE", "LDCPE")]
    if latches:
        raise OutputError(
            f"{file}: latches: {_some(latches)}", hint="assign the signal on every path of its always block"
        )
    if profile == "safe":
        problems = list(unsafe_cells(cells))
        if problems:
            raise LimitError(
                f"{file}: the safe profile forbids: " + _some(problems),
                hint="change the RTL, or set open: {profile: full} in the overlay's recipe and test on the board",
            )


def read_cells(path: Path, top: str) -> dict[str, Cell]:
    """Name -> cell of module `top` in a yosys JSON netlist, without the scopes' bookkeeping cells.

    Raises:
        OutputError: not such a netlist.
    """
    try:
        cells = json.loads(path.read_bytes())["modules"][top]["cells"]
        return {str(name): cell for name, cell in cells.items() if cell["type"] != "$scopeinfo"}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(
            f"{path.name}: not a netlist with a module {top} ({type(error).__name__}: {error})",
            hint="run the step again; if this stays, the yosys version writes another form",
        ) from error


def unsafe_cells(cells: Mapping[str, Cell]) -> Iterator[str]:
    """Cells that the safe profile forbids, each with its reason."""
    for name, cell in cells.items():
        for pattern, rule in _RULES:
            if pattern.fullmatch(cell["type"]) and (reason := rule(cell)):
                yield f"{name} ({cell['type']}): {reason}"


def number(value: object) -> int:
    """Value of a netlist parameter: yosys writes bits as text (x and z count as 0), or an integer."""
    if isinstance(value, int):
        return value
    text = str(value).strip()
    if re.fullmatch(r"[01xz]+", text):
        return int(text.replace("x", "0").replace("z", "0"), 2)
    return int(text, 0)


def _initial_contents(cell: Cell) -> str:
    parameters = cell.get("parameters", {})
    if any(number(value) for name, value in parameters.items() if name.startswith("INIT")):
        return "initial contents other than 0 (YosysHQ/nextpnr PR 1765, openXC7/nextpnr-xilinx PR 181)"
    return ""


def _clock_manager(_: Cell) -> str:
    return "it may not lock (YosysHQ/nextpnr PR 1767): take another FCLK instead"


def _block_ram(cell: Cell) -> str:
    parameters = cell.get("parameters", {})
    widths = {
        name: number(parameters[name])
        for name in ("READ_WIDTH_A", "READ_WIDTH_B", "WRITE_WIDTH_A", "WRITE_WIDTH_B")
        if name in parameters
    }
    narrow = [f"{name} {width}" for name, width in widths.items() if width in (1, 9)]
    wide = 72 if cell["type"] == "RAMB36E1" else 36
    if any(width == wide for width in widths.values()):
        return f"simple dual port of {wide} bits misses width bits (openXC7/nextpnr-xilinx PRs 112, 150)"
    if cell["type"] == "RAMB36E1" and narrow:
        return f"{narrow[0]} loses parity bits (openXC7/nextpnr-xilinx issue 94)"
    return ""


_RULES: tuple[tuple[re.Pattern[str], Callable[[Cell], str]], ...] = (
    (re.compile(r"SRL\w*|RAM(16|32|64|128|256)\w*"), _initial_contents),
    (re.compile(r"(MMCM|PLL)\w*"), _clock_manager),
    (re.compile(r"RAMB(18|36)E1"), _block_ram),
)


def _unmapped(kind: str) -> bool:
    return kind.startswith("$") and kind != "$scopeinfo"


def _some(items: list[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more
