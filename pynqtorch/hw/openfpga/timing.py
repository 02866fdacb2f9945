# SPDX-License-Identifier: AGPL-3.0-or-later
"""`python -m pynqtorch.hw.openfpga.timing`: the timing gate of the open flow.

nextpnr's delays for 7-series devices come from project X-Ray and know neither speed grades nor temperature nor voltage,
and the PS7's own clock-to-output and set-up times are not in them: what is compared here is an estimate.  Paths between
registers must fit the clock; the part of a path that nextpnr knows between a register and the PS7 must fit it too.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pynqtorch.errors import OutputError, TimingError, UsageError
from pynqtorch.hw.openfpga.command import read_bytes, run, write_file

NOTE = "estimate: no speed-grade data, and the PS7's own delays are not included"
SCHEMA = 1
_ASYNC = "<async>"


def evaluate(route: Mapping[str, Any], clocks: Mapping[str, int]) -> dict[str, Any]:
    """timing.json as data.

    Args:
        route: nextpnr's report (`fmax` in MHz, `critical_paths` with delays in ns).
        clocks: net -> required frequency in hertz.

    Returns:
        `schema`, `note`, `met`, `clocks` (net -> `required_mhz`, `fmax_mhz`, `slack_ns`, `met`), and `paths`: each with
        `kind` (`register` or `interface`), `from`, `to`, `total_ns`, `logic_ns`, `routing_ns`, `stages`, and the cells
        `start`, `end`; the worst of each kind is enough to judge.

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
            period = 1e9 / hertz
            fmax = float(route["fmax"][net]["achieved"])
            interface = max(
                (p["total_ns"] for p in paths if p["kind"] == "interface" and net in (p["from"], p["to"])), default=0.0
            )
            slack = min(period - 1e3 / fmax, period - interface)
            result[net] = {
                "required_mhz": _rounded(hertz / 1e6),
                "fmax_mhz": _rounded(fmax),
                "interface_ns": _rounded(interface),
                "slack_ns": _rounded(slack),
                "met": slack >= 0,
            }
    except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError) as error:
        raise OutputError(
            f"nextpnr's report has another form than expected ({type(error).__name__}: {error})",
            hint="use the nextpnr version of the rootfs recipe",
        ) from error
    return {
        "schema": SCHEMA,
        "note": NOTE,
        "met": all(clock["met"] for clock in result.values()),
        "clocks": result,
        "paths": paths,
    }


def judge(timing: Mapping[str, Any]) -> None:
    """Raises `TimingError` when a clock is missed, with the numbers and the critical path."""
    missed = {net: clock for net, clock in timing["clocks"].items() if not clock["met"]}
    if not missed:
        return
    texts = []
    for net, clock in missed.items():
        texts.append(
            f"clock {net}: {clock['required_mhz']:g} MHz required, {clock['fmax_mhz']:g} MHz estimated, "
            f"slack {clock['slack_ns']:g} ns"
        )
    for path in timing["paths"][:1]:
        texts.append(
            f"critical path {path['start']} -> {path['end']}: {path['total_ns']:g} ns "
            f"({path['logic_ns']:g} logic, {path['routing_ns']:g} routing)"
        )
    raise TimingError(
        "timing is missed: " + "; ".join(texts),
        hint="lower the overlay's clock, shorten that path, try another open.seed, or allow it explicitly "
        "(the result is then labelled)",
    )


def _path(item: Mapping[str, Any]) -> dict[str, Any]:
    stages: Sequence[Mapping[str, Any]] = item["path"]
    routing = sum(float(stage["delay"]) for stage in stages if stage["type"] == "routing")
    total = sum(float(stage["delay"]) for stage in stages)
    start, end = _domain(item["from"]), _domain(item["to"])
    return {
        "kind": "interface" if _ASYNC in (start, end) else "register",
        "from": start,
        "to": end,
        "total_ns": _rounded(total),
        "logic_ns": _rounded(total - routing),
        "routing_ns": _rounded(routing),
        "stages": sum(stage["type"] == "logic" for stage in stages),
        "start": _pin(stages[0]["from"]),
        "end": _pin(stages[-1]["to"]),
    }


def _domain(text: str) -> str:
    return text.removeprefix("posedge ").removeprefix("negedge ")


def _pin(place: Mapping[str, Any]) -> str:
    return f"{place['cell']}.{place['port']}"


def _rounded(value: float) -> float:
    return round(value, 3)


def main(arguments: list[str] | None = None) -> None:
    """Raises `TimingError` when timing is missed and not allowed to be."""
    options = argparse.ArgumentParser(prog="python -m pynqtorch.hw.openfpga.timing", description=__doc__)
    options.add_argument("--route", type=Path, required=True, help="input: nextpnr's report")
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
    timing = evaluate(route, clocks)
    if not given.allow_failure:
        judge(timing)
    write_file(given.out, json.dumps(timing, indent=1) + "\n")
    for net, clock in timing["clocks"].items():
        print(f"{net}: {clock['required_mhz']:g} MHz required, {clock['fmax_mhz']:g} MHz estimated ({NOTE})")


if __name__ == "__main__":
    sys.exit(run(main))
