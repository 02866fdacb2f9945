# SPDX-License-Identifier: AGPL-3.0-or-later
"""Place and route with nextpnr-himbaechel-xilinx.

Timing never fails this step (`--timing-allow-fail`): `timing.<overlay>` decides, so that the routed design and its
report are there to look at.  With one thread and a seed the result depends on nothing but the inputs.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from pynqtorch.errors import OutputError
from pynqtorch.hw.openfpga import xdc
from pynqtorch.hw.openfpga.top import TOP
from pynqtorch.plan import Check, Finding, Input, Output, Resources, Step, Tool
from pynqtorch.recipes.models import Overlay

TOOL = "nextpnr-himbaechel-xilinx"
CLOCK_NET = "clk"
"""Net of the generated top behind the BUFG; all registers are on it."""
MEMORY_MIB = 1500
"""Peak of the largest design measured, 1.4 GB; 1.25 GB of it is the chip database."""


def route_step(overlay: Overlay, *, part: str, clock_hz: int, version: str, where: str) -> Step:
    """Place and route of an overlay: FASM, nextpnr's report, the placed netlist (floorplan) and SDF (paths to the PS).

    Args:
        overlay: gives name and seed.
        part: as the chip database calls it, ``xc7z020clg400-1``.
        clock_hz: the clock's real frequency, after the PS' dividers.
        version: nextpnr's version.
        where: as in Step.
    """
    name = overlay.overlay.lower()
    command = (
        TOOL, "--device", part, "--json", f"{TOP}.json", "-o", "xdc=top.xdc", "-o", "fasm=top.fasm",
        "--report", "route.json", "--write", "placed.json", "--sdf", "top.sdf", "--freq", f"{clock_hz / 1e6:.6g}",
        "--seed", str(overlay.open.seed), "--threads", "1", "--timing-allow-fail",
    )  # fmt: skip
    return Step(
        name=f"route.{name}",
        title=f"place and route overlay {overlay.overlay} (the first router iteration can take minutes)",
        tool=Tool(name=TOOL, version=version),
        commands=(command,),
        files={"top.xdc": xdc.render({CLOCK_NET: clock_hz})},
        inputs=(Input(f"{TOP}.json", f"step:synth.{name}/{TOP}.json"),),
        outputs=(Output("top.fasm"), Output("route.json"), Output("placed.json"), Output("top.sdf")),
        where=where,
        resources=Resources(cores=1, memory_mib=MEMORY_MIB),
        checks=(Check("pynqtorch.hw.openfpga.nextpnr:check_route"),),
        log_parser="pynqtorch.hw.openfpga.nextpnr:parse_log",
    )


def check_route(directory: Path) -> None:
    """The report has an fmax for the clock, and the FASM is not cut short.

    Raises:
        OutputError: it is not so.
    """
    try:
        report = json.loads((directory / "route.json").read_bytes())
        clocks = report["fmax"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(
            f"route.json: not a report of nextpnr ({type(error).__name__}: {error})", hint="run the step again"
        ) from error
    if CLOCK_NET not in clocks:
        raise OutputError(
            f"route.json: no fmax for {CLOCK_NET}, only for: {', '.join(clocks) or 'no clock'}",
            hint="the clock constraint did not reach its net; see the log of this step",
        )
    fasm = (directory / "top.fasm").read_bytes()
    if not fasm.strip() or not fasm.endswith(b"\n"):
        raise OutputError("top.fasm: empty or cut short", hint="run the step again; is the disk full?")


_ROUTER = re.compile(r"Info:\s+iter=(\d+) wires=\d+ overused=(\d+) .*")
_PLACER = re.compile(r"Info:\s+at iteration #(\d+), type ALL: .*legal = (\d+); .*")
_FMAX = re.compile(r"(?:Info|Warning): (Max frequency for clock '.*)")
_HOLD = re.compile(r"Info: (\d+ Hold/min time violations) .*")
_ERROR = re.compile(r"(?:ERROR|FATAL): (.*)|(.*Assertion failure.*)|terminate called .*")
_PHASES = ("Packing", "Creating initial", "Running", "Routing", "Tieing", "Preparing", "Parsing")
_LOST_CONSTRAINT = re.compile(r"found (?:set_property|create_clock) .*(?:no (?:cells|nets) matching|without).*")


def parse_log(line: str) -> Finding | None:  # noqa: PLR0911  one return a kind of line
    """What a line of nextpnr's log says.  A constraint that meets nothing is an error, not the warning it is there."""
    text = line.rstrip()
    if match := _ERROR.fullmatch(text):
        return Finding("error", match[1] or match[2] or text)
    if match := _FMAX.fullmatch(text):
        return Finding("info", match[1])
    if match := _HOLD.fullmatch(text):
        return Finding("warning", match[1])
    if text.startswith("Warning: "):
        message = text.removeprefix("Warning: ")
        if message.startswith("Hold/min time violation for"):
            return None  # one for each path; the line with their number says it
        return Finding("error" if _LOST_CONSTRAINT.fullmatch(message) else "warning", message)
    if match := _ROUTER.fullmatch(text):
        return Finding("phase", f"router iteration {match[1]}: {match[2]} wires overused")
    if match := _PLACER.fullmatch(text):
        return Finding("phase", f"placer iteration {match[1]}: wire length {match[2]}")
    if text.startswith(tuple(f"Info: {phase}" for phase in _PHASES)):
        return Finding("phase", text.removeprefix("Info: ").rstrip("."))
    return None
