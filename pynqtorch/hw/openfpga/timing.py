# SPDX-License-Identifier: AGPL-3.0-or-later
"""`python -m pynqtorch.hw.openfpga.timing`: the timing gate of the open flow.

nextpnr's delays for 7-series devices come from project X-Ray and know neither speed grades nor temperature nor voltage:
what is compared here is an estimate.  Two things must fit the clock's period: the paths that nextpnr times, and, taken
from its SDF, the known part of the paths that it leaves out because one end is a hard block without delays (the PS7).
Hold violations are counted and labelled but do not fail the gate, as in nextpnr: its hold times do not tell corners
apart, and the clock's skew is not known.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pynqtorch.errors import MissingToolError, OutputError, TimingError, UsageError
from pynqtorch.hw.openfpga.command import read_bytes, run, write_file
from pynqtorch.hw.openfpga.sdf import Design, HardPath, HoldViolation, hard_paths, hold_violations, parse
from pynqtorch.plan import Finding

NOTE = "estimate: no speed-grade data; clock-to-output and set-up of hard blocks without delays are not included"
SCHEMA = 1


def evaluate(
    route: Mapping[str, Any],
    clocks: Mapping[str, int],
    untimed: Sequence[HardPath] = (),
    hold: Sequence[HoldViolation] | None = None,
) -> dict[str, Any]:
    """timing.json as data.

    Args:
        route: nextpnr's report (`fmax` in MHz, `critical_paths` with delays in ns).
        clocks: net -> required frequency in hertz.
        untimed: the slowest paths to and from hard blocks, by kind; they are held against the fastest clock.
        hold: violations, worst first; None: not looked for.

    Returns:
        `schema`, `note`, `met`; `clocks` (net -> `required_mhz`, `fmax_mhz`, `slack_ns`, `met`); `paths`, each with
        `from`, `to` (clocks), `start`, `end` (pins), `total_ns`, `logic_ns`, `routing_ns`, `levels` (cells passed) and
        `stages` (`type`, `delay_ns`, `cell`, `net`); `untimed`, each with `from`, `to` (cell types), `start`, `end`,
        `fabric_ns`, `met`; `hold` (null: not looked for): `violations` (their number), `worst_ns` (slack, 0 if none),
        `paths` (the ten worst: `start`, `end`, `slack_ns`).

    Raises:
        OutputError: the report lacks something.
    """
    try:
        paths = [_path(item) for item in route["critical_paths"]]
        result: dict[str, dict[str, Any]] = {}
        for net, hertz in clocks.items():
            if net not in route["fmax"]:
                raise OutputError(
                    f"no fmax for clock {net}; the report has: {', '.join(route['fmax']) or 'none'}",
                    hint="is anything clocked by it?",
                )
            fmax = float(route["fmax"][net]["achieved"])
            slack = 1e9 / hertz - 1e3 / fmax
            result[net] = {
                "required_mhz": _rounded(hertz / 1e6),
                "fmax_mhz": _rounded(fmax),
                "slack_ns": _rounded(slack),
                "met": slack >= 0,
            }
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError) as error:
        raise OutputError(
            f"nextpnr's report has another form than expected ({type(error).__name__}: {error})",
            hint="use the nextpnr version of the rootfs recipe",
        ) from error
    period = 1e9 / max(clocks.values())
    outside = [
        {
            "from": path.origin,
            "to": path.target,
            "start": path.start,
            "end": path.end,
            "fabric_ns": _rounded(path.picoseconds / 1e3),
            "met": path.picoseconds / 1e3 <= period,
        }
        for path in untimed
    ]
    return {
        "schema": SCHEMA,
        "note": NOTE,
        "met": all(clock["met"] for clock in result.values()) and all(path["met"] for path in outside),
        "clocks": result,
        "paths": paths,
        "untimed": outside,
        "hold": None if hold is None else _hold(hold),
    }


def _hold(violations: Sequence[HoldViolation]) -> dict[str, Any]:
    return {
        "violations": len(violations),
        "worst_ns": _rounded(violations[0].slack_ps / 1e3) if violations else 0.0,
        "paths": [
            {"start": item.start, "end": item.end, "slack_ns": _rounded(item.slack_ps / 1e3)}
            for item in violations[:10]
        ],
    }


def judge(timing: Mapping[str, Any]) -> None:
    """Raises `TimingError` when something does not fit its clock, with the numbers and the critical path."""
    if timing["met"]:
        return
    texts = [
        f"clock {net}: {clock['required_mhz']:g} MHz required, {clock['fmax_mhz']:g} MHz estimated, "
        f"slack {clock['slack_ns']:g} ns"
        for net, clock in timing["clocks"].items()
        if not clock["met"]
    ]
    if texts and timing["paths"]:
        path = timing["paths"][0]
        texts.append(
            f"critical path {path['start']} -> {path['end']}: {path['total_ns']:g} ns "
            f"({path['logic_ns']:g} logic, {path['routing_ns']:g} routing)"
        )
    texts += [
        f"{path['start']} -> {path['end']}: {path['fabric_ns']:g} ns in the fabric alone"
        for path in timing["untimed"]
        if not path["met"]
    ]
    raise TimingError(
        "timing is missed: " + "; ".join(texts),
        hint="lower the overlay's clock, shorten that path, try another open.seed, or allow it explicitly "
        "(the result is then labelled)",
    )


def _path(item: Mapping[str, Any]) -> dict[str, Any]:
    stages: Sequence[Mapping[str, Any]] = item["path"]
    routing = sum(float(stage["delay"]) for stage in stages if stage["type"] == "routing")
    total = sum(float(stage["delay"]) for stage in stages)
    return {
        "from": item["from"],
        "to": item["to"],
        "start": _pin(stages[0]["from"]),
        "end": _pin(stages[-1]["to"]),
        "total_ns": _rounded(total),
        "logic_ns": _rounded(total - routing),
        "routing_ns": _rounded(routing),
        "levels": sum(stage["type"] == "logic" for stage in stages),
        "stages": [
            {
                "type": stage["type"],
                "delay_ns": _rounded(float(stage["delay"])),
                "cell": stage["to"]["cell"],
                "net": stage.get("net", ""),
            }
            for stage in stages
        ],
    }


def _pin(place: Mapping[str, Any]) -> str:
    return f"{place['cell']}.{place['port']}"


def _rounded(value: float) -> float:
    return round(value, 3)


def parse_log(line: str) -> Finding | None:
    """What a line of this command's output says."""
    text = line.rstrip()
    if text.startswith("warning: "):
        return Finding("warning", text.removeprefix("warning: "))
    return Finding("info", text) if " MHz estimated " in text else None


def main(arguments: list[str] | None = None) -> None:
    """Raises `TimingError` when timing is missed and not allowed to be."""
    options = argparse.ArgumentParser(prog="python -m pynqtorch.hw.openfpga.timing", description=__doc__)
    options.add_argument("--route", type=Path, required=True, help="input: nextpnr's report")
    options.add_argument("--sdf", type=Path, help="input: nextpnr's SDF, for the paths that it does not time")
    options.add_argument("--clock", action="append", required=True, metavar="NET=HERTZ", help="a required frequency")
    options.add_argument("--out", type=Path, required=True, help="output: timing.json")
    options.add_argument("--allow-failure", action="store_true", help="write met=false instead of failing")
    given = options.parse_args(arguments)
    clocks: dict[str, int] = {}
    for text in given.clock:
        net, _, hertz = text.partition("=")
        if not hertz.isdecimal() or int(hertz) == 0:
            raise UsageError(f"--clock {text}: write NET=HERTZ, e.g. clk=100000000")
        clocks[net] = int(hertz)
    try:
        route = json.loads(read_bytes(given.route))
    except ValueError as error:
        raise OutputError(f"{given.route}: not JSON ({error})", hint="run the route step again") from error
    design = _read_sdf(given.sdf) if given.sdf else None
    timing = evaluate(route, clocks, hard_paths(design) if design else (), hold_violations(design) if design else None)
    if not given.allow_failure:
        judge(timing)
    write_file(given.out, json.dumps(timing, indent=1) + "\n")
    for net, clock in timing["clocks"].items():
        print(f"{net}: {clock['required_mhz']:g} MHz required, {clock['fmax_mhz']:g} MHz estimated ({NOTE})")

    for path in timing["untimed"]:
        print(f"{path['from']} -> {path['to']}: {path['fabric_ns']:g} ns in the fabric, not timed by nextpnr")
    if timing["hold"] and timing["hold"]["violations"]:
        print(
            f"warning: {timing['hold']['violations']} hold violations, the worst {timing['hold']['worst_ns']:g} ns "
            "(estimate that does not tell corners apart)"
        )


def _read_sdf(path: Path) -> Design:
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            return parse(lines, str(path))
    except OSError as error:
        raise MissingToolError(f"{path}: not readable ({error.strerror})", hint="run the route step") from error


if __name__ == "__main__":
    sys.exit(run(main))
