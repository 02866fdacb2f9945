# SPDX-License-Identifier: AGPL-3.0-or-later
"""`python -m pynqtorch.hw.openfpga.conform`: complete nextpnr's DSP48E1 and RAMB18E1 features.

Used sites get the tie-offs and defaults that Vivado's bitstreams show and nextpnr leaves out.

Every rule names its evidence: how often the feature is set on a used site in a bitstream that Vivado 2025.2 wrote for
xc7z020clg400-1 (220 DSP48E1, 129 RAMB18E1 in 90 tiles). A rule adds features; it never removes or changes
one, and it leaves a pin alone that anything else drives.

How a constant reaches a DSP48E1 pin that has its own tie (`DSP_GND_L`, `DSP_VCC_L`): nextpnr lets the pin's routing
wire float high and makes 0 by the pin's inverter; Vivado selects the tie and turns the inverter off (`ZIS_x_INVERTED`
set). Wrong products on silicon were reported for the first form (openXC7/nextpnr-xilinx pull request 159).
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pynqtorch.hw.openfpga.command import read_text, run, write_file
from pynqtorch.hw.openfpga.fasm import FasmLine, format_line, format_lines, parse


@dataclass(frozen=True, slots=True)
class Rule:
    """A feature that a used site must have; `seen` of `used` sites in Vivado's bitstream have it."""

    name: str
    site: str
    what: str
    seen: int
    used: int
    note: str = ""

    @property
    def evidence(self) -> str:
        """One sentence for a report."""
        counted = f"set in {self.seen} of {self.used} used {self.site} of a Vivado 2025.2 bitstream"
        return f"{counted}; {self.note}" if self.note else counted


TIE_0 = Rule(
    "dsp48e1-tie-0",
    "DSP48E1",
    "constant 0 on ALUMODE[3:2], INMODE, OPMODE[6]: own tie to ground, inverter off",
    220,
    220,
)
TIE_1 = Rule(
    "dsp48e1-tie-1",
    "DSP48E1",
    "constant 1 on ALUMODE[3:2], INMODE, OPMODE[6]: own tie to the supply, inverter off",
    0,
    220,
    "no such constant in that design; nextpnr itself uses the supply tie for a constant 1 on CED, CEINMODE and others",
)
MASK = Rule("dsp48e1-mask", "DSP48E1", "MASK has its default, all ones (pattern detector only)", 220, 220)
A_CASCADE = Rule(
    "dsp48e1-acascreg", "DSP48E1", "ACASCREG is not 1 beside AREG = 2 (only where AREG is not 2)", 220, 220
)
B_CASCADE = Rule(
    "dsp48e1-bcascreg", "DSP48E1", "BCASCREG is not 1 beside BREG = 2 (only where BREG is not 2)", 220, 220
)
OFFSETS = Rule(
    "ramb18e1-offsets",
    "RAMB18E1 at Y0",
    "almost-full and -empty offsets of the tile (FIFO only) have their default",
    62,
    62,
    "in none of the 28 tiles where only Y1 is used",
)
RULES = (TIE_0, TIE_1, MASK, A_CASCADE, B_CASCADE, OFFSETS)

_TIED_PINS = {  # pin: (inverter's vector and index, wires in DSP_0 and DSP_1, named after column and row of the tile)
    "ALUMODE2": ("ALUMODE", 2, "FAN0_0", "FAN0_4"),
    "ALUMODE3": ("ALUMODE", 3, "BYP0_0", "BYP0_4"),
    "INMODE0": ("INMODE", 0, "BYP6_3", "BYP4_2"),
    "INMODE1": ("INMODE", 1, "FAN7_1", "BYP2_1"),
    "INMODE2": ("INMODE", 2, "FAN1_2", "FAN7_4"),
    "INMODE3": ("INMODE", 3, "BYP6_2", "BYP4_4"),
    "INMODE4": ("INMODE", 4, "FAN1_3", "FAN2_2"),
    "OPMODE6": ("OPMODE", 6, "FAN7_2", "FAN2_4"),
}
_DSP = re.compile(r"(DSP_([LR])_X(\d+)Y(\d+))\.DSP48\.DSP_([01])\.")
_RAMB18_Y0 = re.compile(r"(BRAM_[LR]_X\d+Y\d+)\.RAMB18_Y0\.IN_USE")
_ALT = re.compile(r"(INT_[LR]_X\d+Y\d+\.(?:BYP|FAN)_ALT\d)\.(\w+)")


@dataclass(frozen=True, slots=True)
class Addition:
    """One line that a rule added."""

    rule: Rule
    line: FasmLine

    def text(self) -> str:
        """`feature (rule)`."""
        return f"{format_line(self.line)} ({self.rule.name})"


@dataclass(frozen=True)
class Conformed:
    """All lines, and which of them were added. `routed` are the tieable pins that routing drives: left as they were."""

    lines: tuple[FasmLine, ...]
    added: tuple[Addition, ...]
    routed: tuple[str, ...]


def conform(lines: Iterable[FasmLine]) -> Conformed:
    """Apply `RULES` to every DSP48E1 and RAMB18E1 that `lines`, nextpnr's output, use.

    `conform(conform(x).lines)` adds nothing, and neither does `conform` of what Vivado's bitstream decodes to.
    """
    original = tuple(lines)
    known = _Known(original)
    added: list[Addition] = []
    routed: list[str] = []
    for dsp in known.dsps:
        added += _dsp_pins(known, dsp, routed)
        added += _dsp_defaults(known, f"{dsp.tile}.DSP48.DSP_{dsp.number}")
    for tile in known.rams:
        added += _ram_defaults(known, tile)
    return Conformed(original + tuple(addition.line for addition in added), tuple(added), tuple(routed))


class _Dsp(NamedTuple):
    """One used DSP48E1: its tile with side and coordinates, and its number in it."""

    tile: str
    side: str
    x: int
    y: int
    number: int


class _Known:
    """What the lines say, for look-up."""

    def __init__(self, lines: Iterable[FasmLine]) -> None:
        self.names: set[str] = set()
        self.values: dict[str, int] = {}
        self.sources: dict[str, set[str]] = {}
        dsps: dict[_Dsp, None] = {}
        rams: dict[str, None] = {}
        for line in lines:
            self.names.add(line.feature)
            if not line.value:
                continue
            self.values[line.feature] = self.values.get(line.feature, 0) | line.value << (line.lsb or 0)
            if match := _DSP.match(line.feature):
                tile, side, x, y, number = match.groups()
                dsps[_Dsp(tile, side, int(x), int(y), int(number))] = None
            elif match := _RAMB18_Y0.fullmatch(line.feature):
                rams[match.group(1)] = None
            elif match := _ALT.fullmatch(line.feature):
                self.sources.setdefault(match.group(1), set()).add(match.group(2))
        self.dsps = list(dsps)
        self.rams = list(rams)


def _dsp_pins(known: _Known, dsp: _Dsp, routed: list[str]) -> Iterator[Addition]:
    for pin, (vector, index, *wires) in _TIED_PINS.items():
        name = f"{dsp.tile}.DSP_{dsp.number}_{pin}"
        ground, supply = f"{name}.DSP_GND_{dsp.side}", f"{name}.DSP_VCC_{dsp.side}"
        if ground in known.values or supply in known.values:
            continue
        kind, row = wires[dsp.number].split("_")
        wire = f"INT_{dsp.side}_X{dsp.x}Y{dsp.y + int(row)}.{kind[:3]}_ALT{kind[3]}"
        if known.sources.get(wire, set()) - {"VCC_WIRE"}:
            routed.append(f"{name} (by {wire})")
            continue
        inverter = f"{dsp.tile}.DSP48.DSP_{dsp.number}.ZIS_{vector}_INVERTED"
        if known.values.get(inverter, 0) >> index & 1:
            yield Addition(TIE_1, FasmLine(supply))
        else:
            yield Addition(TIE_0, FasmLine(ground))
            yield Addition(TIE_0, FasmLine(inverter, index, index))


def _dsp_defaults(known: _Known, site: str) -> Iterator[Addition]:
    if f"{site}.MASK" not in known.names:
        yield Addition(MASK, FasmLine(f"{site}.MASK", 45, 0, (1 << 46) - 1))
    for rule, letter in ((A_CASCADE, "A"), (B_CASCADE, "B")):
        feature = f"{site}.Z{letter}REG_2_{letter}CASCREG_1"
        if feature not in known.values and f"{site}.{letter}REG_2" not in known.values:
            yield Addition(rule, FasmLine(feature))


def _ram_defaults(known: _Known, tile: str) -> Iterator[Addition]:
    for kind in ("EMPTY", "FULL"):
        feature = f"{tile}.ZALMOST_{kind}_OFFSET"
        if feature not in known.names:
            yield Addition(OFFSETS, FasmLine(feature, 12, 0, (1 << 13) - 1))


def summary(result: Conformed) -> dict[str, Any]:
    """What was added, by rule, as plain data for a report."""
    rules = [
        {
            "rule": rule.name,
            "site": rule.site,
            "what": rule.what,
            "evidence": rule.evidence,
            "added": [format_line(addition.line) for addition in result.added if addition.rule is rule],
        }
        for rule in RULES
    ]
    return {"rules": rules, "routed_pins": list(result.routed)}


def main(arguments: list[str] | None = None) -> None:
    """Parse `arguments` and do it. Raises `FatalError` classes."""
    options = argparse.ArgumentParser(prog="python -m pynqtorch.hw.openfpga.conform", description="complete FASM")
    options.add_argument("--fasm", type=Path, required=True, help="input: nextpnr's FASM")
    options.add_argument("--out", type=Path, required=True, help="output: FASM")
    options.add_argument("--json", type=Path, help="output: what was added and why")
    chosen = options.parse_args(arguments)
    result = conform(parse(read_text(chosen.fasm), str(chosen.fasm)))
    write_file(chosen.out, format_lines(result.lines))
    if chosen.json:
        write_file(chosen.json, json.dumps(summary(result), indent=1) + "\n")
    print(f"{len(result.added)} features added, {len(result.routed)} tieable pins are routed and left alone")


if __name__ == "__main__":
    sys.exit(run(main))
