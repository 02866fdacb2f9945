# SPDX-License-Identifier: AGPL-3.0-or-later
"""What nextpnr's report leaves out, from its SDF: paths to and from hard blocks, and hold times.

Hard blocks that nextpnr has no delays for (PS7, DSP48E1) are left out of fmax without a word.  The SDF has the delay
of every wire and LUT, so the part of such a path that lies in the fabric is found here; the block's own clock-to-output
and set-up times are unknown.  Hold violations stand in nextpnr's log only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pynqtorch.errors import FormatError

NOT_TIMED = ("PSEUDO_", "BUF", "PAD", "IOB33", "IOB18", "INBUF", "OUTBUF")
"""Constants, clock buffers and pads: no register-to-register path begins or ends in them."""
ASYNCHRONOUS = ("FCLKRESETN", "FCLKCLK")
"""Outputs of the PS7 that the design takes through a synchroniser, or that are the clock itself."""
REGISTER = "register"
_DELAY = r"\((-?\d+):-?\d+:(-?\d+)\)"
_INTERCONNECT = re.compile(rf"\(INTERCONNECT (\S+) (\S+) {_DELAY} {_DELAY}\)")
_IOPATH = re.compile(rf"\(IOPATH (\S+) (\S+) {_DELAY} {_DELAY}\)")
_SETUP = re.compile(rf"\(SETUPHOLD \(\w+ (\S+)\) \(\w+ (\S+)\) {_DELAY} {_DELAY}\)")

Pin = tuple[str, str]


@dataclass
class Design:
    """What an SDF file says; pins are (cell, port), times picoseconds.

    Attributes:
        types: cell -> type.
        arcs: pin -> (pin it drives, least delay, largest delay), through wires and combinational cells.
        launches: output pin of a register -> least and largest clock-to-output.
        setups, holds: data pin of a register -> time.
    """

    types: dict[str, str] = field(default_factory=dict)
    arcs: dict[Pin, list[tuple[Pin, int, int]]] = field(default_factory=dict)
    launches: dict[Pin, tuple[int, int]] = field(default_factory=dict)
    setups: dict[Pin, int] = field(default_factory=dict)
    holds: dict[Pin, int] = field(default_factory=dict)

    def hard_cells(self) -> set[str]:
        """Cells of the types that have no delay at all, neither combinational arcs nor a clock."""
        known = {self.types[cell] for cell, _ in (*self.launches, *self.setups)}
        known |= {self.types[pin[0]] for pin, sinks in self.arcs.items() for sink, _, _ in sinks if sink[0] == pin[0]}
        return {cell for cell, kind in self.types.items() if kind not in known and not kind.startswith(NOT_TIMED)}


@dataclass(frozen=True, slots=True)
class HardPath:
    """The slowest path of a kind: `origin` and `target` are cell types or ``register``; `start` and `end` are pins."""

    origin: str
    target: str
    start: str
    end: str
    picoseconds: int


@dataclass(frozen=True, slots=True)
class HoldViolation:
    """A register whose data can change sooner after the clock than its hold time allows; slack is negative."""

    start: str
    end: str
    slack_ps: int


def parse(lines: Iterable[str], source: str = "<sdf>") -> Design:
    """Read nextpnr's SDF.

    Raises:
        FormatError: it is not SDF in picoseconds.
    """
    design = Design()
    cell, kind, scale = "", "", False
    paths: list[_Arc] = []
    clocks: set[str] = set()
    for raw in lines:
        line = raw.strip()
        if match := _INTERCONNECT.fullmatch(line):
            driver, sink = _pin(match[1]), _pin(match[2])
            design.arcs.setdefault(driver, []).append((sink, *_range(match)))
        elif match := _IOPATH.fullmatch(line):
            paths.append((match[1], match[2], *_range(match)))
        elif match := _SETUP.fullmatch(line):
            clocks.add(match[2])
            pin = cell, match[1]
            design.setups[pin] = max(design.setups.get(pin, 0), int(match[4]))
            design.holds[pin] = max(design.holds.get(pin, 0), int(match[6]))
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
    start: dict[Pin, _Arrivals] = {}
    for pin, (_, delay) in design.launches.items():
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


def hold_violations(design: Design) -> list[HoldViolation]:
    """Registers whose hold time is not kept, worst first; clock skew is not known here.

    The hold times are those of nextpnr's data, which does not tell corners apart: a small violation may not be one.
    """
    start: dict[Pin, _Arrivals] = {pin: {REGISTER: (-delay, _text(pin))} for pin, (delay, _) in design.launches.items()}
    found = []
    for pin, arrivals in _arrivals(design, start, latest=False):
        if pin in design.holds and REGISTER in arrivals:
            time, begin = arrivals[REGISTER]
            if (slack := -time - design.holds[pin]) < 0:
                found.append(HoldViolation(begin, _text(pin), slack))
    return sorted(found, key=lambda violation: violation.slack_ps)


def _arrivals(
    design: Design, start: Mapping[Pin, _Arrivals], *, latest: bool = True
) -> Iterator[tuple[Pin, _Arrivals]]:
    """Each pin with the latest arrival of each kind of origin, in topological order; pins in loops are left out.

    With `latest` False the earliest arrivals, all times negated.
    """
    waiting: dict[Pin, int] = {}
    for sinks in design.arcs.values():
        for sink, _, _ in sinks:
            waiting[sink] = waiting.get(sink, 0) + 1
    ready = [pin for pin in {**design.arcs, **start} if pin not in waiting]
    arrivals = dict(start)
    while ready:
        pin = ready.pop()
        here = arrivals.pop(pin, {})
        yield pin, here
        for sink, least, largest in design.arcs.get(pin, ()):
            there, delay = arrivals.setdefault(sink, {}), largest if latest else -least
            for origin, (time, begin) in here.items():
                if origin not in there or there[origin][0] < time + delay:
                    there[origin] = time + delay, begin
            waiting[sink] -= 1
            if not waiting[sink]:
                ready.append(sink)


_Arrivals = dict[str, tuple[int, str]]
_Arc = tuple[str, str, int, int]


def _range(match: re.Match[str]) -> tuple[int, int]:
    """Least and largest of rise and fall; their groups are 3 to 6."""
    return min(int(match[3]), int(match[5])), max(int(match[4]), int(match[6]))


def _finish(design: Design, cell: str, paths: list[_Arc], clocks: set[str]) -> None:
    """Sort a cell's arcs into clock-to-output and combinational, now that its clock pins are known."""
    for begin, end, least, largest in paths:
        if begin in clocks:
            known = design.launches.get((cell, end), (least, largest))
            design.launches[cell, end] = min(known[0], least), max(known[1], largest)
        else:
            design.arcs.setdefault((cell, begin), []).append(((cell, end), least, largest))


def _plain(name: str) -> str:
    return name.replace("\\", "")


def _pin(text: str) -> Pin:
    cell, _, port = _plain(text).rpartition("/")
    return cell, port


def _text(pin: Pin) -> str:
    return f"{pin[0]}.{pin[1]}"
