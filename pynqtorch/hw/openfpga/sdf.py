# SPDX-License-Identifier: AGPL-3.0-or-later
"""Paths that nextpnr does not time: between registers and hard blocks it has no delays for (PS7, maybe DSP and BRAM).

nextpnr's fmax leaves them out without a word.  Its SDF has the delay of every wire and of every LUT, so the part of
such a path that lies in the fabric is found here; the hard block's own clock-to-output and set-up times are unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pynqtorch.errors import FormatError

NOT_TIMED = ("PSEUDO_", "BUF", "PAD", "IOB33", "IOB18", "INBUF", "OUTBUF")
"""Constants, clock buffers and pads: no register-to-register path begins or ends in them."""
ASYNCHRONOUS = ("FCLKRESETN", "FCLKCLK")
"""Outputs of the PS7 that the design takes through a synchroniser, or that are the clock itself."""
REGISTER = "register"
_DELAY = r"\(-?\d+:-?\d+:(-?\d+)\)"
_INTERCONNECT = re.compile(rf"\(INTERCONNECT (\S+) (\S+) {_DELAY} {_DELAY}\)")
_IOPATH = re.compile(rf"\(IOPATH (\S+) (\S+) {_DELAY} {_DELAY}\)")
_SETUP = re.compile(rf"\(SETUPHOLD \(\w+ (\S+)\) \(\w+ (\S+)\) {_DELAY} {_DELAY}\)")


@dataclass
class Design:
    """What an SDF file says; pins are (cell, port), delays picoseconds, the largest of each.

    Attributes:
        types: cell -> type.
        arcs: pin -> pins it drives, through wires and combinational cells.
        launches: output pin of a register -> clock-to-output.
        setups: data pin of a register -> set-up time.
    """

    types: dict[str, str] = field(default_factory=dict)
    arcs: dict[tuple[str, str], list[tuple[tuple[str, str], int]]] = field(default_factory=dict)
    launches: dict[tuple[str, str], int] = field(default_factory=dict)
    setups: dict[tuple[str, str], int] = field(default_factory=dict)

    def hard_cells(self) -> set[str]:
        """Cells of the types that have no delay at all, neither combinational arcs nor a clock."""
        known = {self.types[cell] for cell, _ in (*self.launches, *self.setups)}
        known |= {self.types[pin[0]] for pin, sinks in self.arcs.items() for sink, _ in sinks if sink[0] == pin[0]}
        return {cell for cell, kind in self.types.items() if kind not in known and not kind.startswith(NOT_TIMED)}


@dataclass(frozen=True, slots=True)
class HardPath:
    """The slowest path of a kind: `origin` and `target` are cell types or ``register``; `start` and `end` are pins."""

    origin: str
    target: str
    start: str
    end: str
    picoseconds: int


def parse(lines: Iterable[str], source: str = "<sdf>") -> Design:
    """Read nextpnr's SDF.

    Raises:
        FormatError: it is not SDF in picoseconds.
    """
    design = Design()
    cell, kind, scale = "", "", False
    paths: list[tuple[str, str, int]] = []
    clocks: set[str] = set()
    for raw in lines:
        line = raw.strip()
        if match := _INTERCONNECT.fullmatch(line):
            driver, sink = _pin(match[1]), _pin(match[2])
            design.arcs.setdefault(driver, []).append((sink, max(int(match[3]), int(match[4]))))
        elif match := _IOPATH.fullmatch(line):
            paths.append((match[1], match[2], max(int(match[3]), int(match[4]))))
        elif match := _SETUP.fullmatch(line):
            clocks.add(match[2])
            pin = cell, match[1]
            design.setups[pin] = max(design.setups.get(pin, 0), int(match[3]))
        elif line.startswith("(CELLTYPE "):
            _finish(design, cell, paths, clocks)
            paths, clocks, kind = [], set(), line.split('"')[1]
        elif line.startswith("(INSTANCE"):
            cell = _plain(line.removeprefix("(INSTANCE").rstrip(")").strip())
            if cell:
                design.types[cell] = kind
        elif line == "(TIMESCALE 1ps)":
            scale = True
    _finish(design, cell, paths, clocks)
    if not scale or not design.types:
        raise FormatError(f"{source}: no SDF in picoseconds with cells in it", hint="run the route step again")
    return design


def hard_paths(design: Design) -> list[HardPath]:
    """The slowest path of each kind that begins or ends in a hard block without delays, slowest first."""
    hard = design.hard_cells()
    start: dict[tuple[str, str], dict[str, tuple[int, str]]] = {}
    for pin, delay in design.launches.items():
        start[pin] = {REGISTER: (delay, _text(pin))}
    for pin in design.arcs:
        if pin[0] in hard and not pin[1].startswith(ASYNCHRONOUS):
            start[pin] = {design.types[pin[0]]: (0, _text(pin))}
    worst: dict[tuple[str, str], HardPath] = {}
    for pin, arrivals in _arrivals(design, start):
        target = design.types[pin[0]] if pin[0] in hard else REGISTER if pin in design.setups else ""
        for origin, (delay, begin) in arrivals.items():
            total = delay + design.setups.get(pin, 0)
            if not target or (origin == target == REGISTER):
                continue
            if (origin, target) not in worst or worst[origin, target].picoseconds < total:
                worst[origin, target] = HardPath(origin, target, begin, _text(pin), total)
    return sorted(worst.values(), key=lambda path: -path.picoseconds)


def _arrivals(
    design: Design, start: dict[tuple[str, str], dict[str, tuple[int, str]]]
) -> Iterator[tuple[tuple[str, str], dict[str, tuple[int, str]]]]:
    """Each pin with the latest arrival of each kind of origin, in topological order; pins in loops are left out."""
    waiting: dict[tuple[str, str], int] = {}
    for sinks in design.arcs.values():
        for sink, _ in sinks:
            waiting[sink] = waiting.get(sink, 0) + 1
    ready = [pin for pin in {**design.arcs, **start} if pin not in waiting]
    arrivals = dict(start)
    while ready:
        pin = ready.pop()
        here = arrivals.pop(pin, {})
        yield pin, here
        for sink, delay in design.arcs.get(pin, ()):
            there = arrivals.setdefault(sink, {})
            for origin, (time, begin) in here.items():
                if origin not in there or there[origin][0] < time + delay:
                    there[origin] = time + delay, begin
            waiting[sink] -= 1
            if not waiting[sink]:
                ready.append(sink)


def _finish(design: Design, cell: str, paths: list[tuple[str, str, int]], clocks: set[str]) -> None:
    """Sort a cell's arcs into clock-to-output and combinational, now that its clock pins are known."""
    for begin, end, delay in paths:
        if begin in clocks:
            design.launches[cell, end] = max(design.launches.get((cell, end), 0), delay)
        else:
            design.arcs.setdefault((cell, begin), []).append(((cell, end), delay))


def _plain(name: str) -> str:
    return name.replace("\\", "")


def _pin(text: str) -> tuple[str, str]:
    cell, _, port = _plain(text).rpartition("/")
    return cell, port


def _text(pin: tuple[str, str]) -> str:
    return f"{pin[0]}.{pin[1]}"
