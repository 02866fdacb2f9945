# SPDX-License-Identifier: AGPL-3.0-or-later
"""`python -m pynqtorch.hw.report`: the figures of an overlay as data (report.json), checked against its limits.

report.json, schema 1 (numbers are plain, units are in the keys; what is unknown is null, never 0):

| key | content |
|---|---|
| `schema`, `overlay`, `description`, `board`, `part` | |
| `flow`, `profile`, `verified_on_hardware` | ``open (experimental)``, ``safe`` or ``full``, false |
| `clocks` | name -> `requested_hz`, `actual_hz`, `divisors` [2] |
| `kernels` | list of `instance`, `kernel`, `description`, `control`, `address`, `memory` {bundle: port} |
| `utilization` | `lut`, `ff`, `bram36`, `dsp` -> `used`, `available`, `percent`, `limit` (null: none) |
| `groups` | kernel instance or ``shell`` -> `lut`, `ff`, `bram36`, `dsp` |
| `timing` | timing.json (see `openfpga.timing.evaluate`) |
| `simulations` | list of `kind` (csim, cosim, postsynth), `subject`, `verdict`, `simulator`, `runs` |
| `simulations[].runs` | `name`, `passed`, `calls`, `cycles` [per call], `microseconds` [per call at the clock] |
| `floorplan` | `width`, `height`, `groups` [names], `tiles` [[x, y, index of group, cells]] |
| `conform` | rule -> `what`, `evidence`, `added` (number of features) |
| `bitstream` | `unknown_bits` (0: every bit read back is explained), `bytes` |
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pynqtorch.errors import OutputError
from pynqtorch.hw.openfpga.command import read_bytes, run, write_file
from pynqtorch.hw.utilization import against, by_group, check_limits, count, floorplan, placed_cells

SCHEMA = 1
REQUEST = "request.json"


def simulation(report: Mapping[str, Any], clock_hz: int) -> dict[str, Any]:
    """A testbench report (csim.json, cosim.json, postsynth.json) with the time that a call takes at `clock_hz`.

    Raises:
        OutputError: it is not such a report.
    """
    try:
        runs = [_run(item, clock_hz) for item in report["runs"]]
        return {key: report[key] for key in ("kind", "subject", "verdict", "simulator")} | {"runs": runs}
    except (KeyError, TypeError, ValueError) as error:
        raise OutputError(
            f"not a testbench report ({type(error).__name__}: {error})", hint="run the simulation step again"
        ) from error


def assemble(
    request: Mapping[str, Any],
    *,
    timing: Mapping[str, Any],
    placed: Path,
    simulations: Sequence[Mapping[str, Any]],
    conform: Mapping[str, Any],
    unknown: Mapping[str, Any],
    bit_bytes: int,
) -> dict[str, Any]:
    """report.json as data; `request` is what `openfpga.flow` renders from the recipes.

    Raises:
        OutputError: an input has another form.
        LimitError: a limit of the part or of the recipe is broken.
    """
    cells = placed_cells(placed, request["top"], [kernel["instance"] for kernel in request["kernels"]])
    figures = against(count(cells), request["resources"], request["limits"])
    check_limits(request["overlay"], figures)
    return {
        "schema": SCHEMA,
        **{key: request[key] for key in ("overlay", "description", "board", "part", "flow", "profile")},
        "verified_on_hardware": False,
        "clocks": request["clocks"],
        "kernels": request["kernels"],
        "utilization": figures,
        "groups": by_group(cells),
        "timing": dict(timing),
        "simulations": [simulation(item, request["clock_hz"]) for item in simulations],
        "floorplan": floorplan(cells),
        "conform": {
            rule["rule"]: {"what": rule["what"], "evidence": rule["evidence"], "added": len(rule["added"])}
            for rule in conform["rules"]
        },
        "bitstream": {"unknown_bits": len(unknown["bits"]), "bytes": bit_bytes},
    }


def _run(item: Mapping[str, Any], clock_hz: int) -> dict[str, Any]:
    measured = item.get("simulation") or {}
    cycles = [int(value) for value in measured.get("cycles", [])]
    return {
        "name": item["name"],
        "passed": item["passed"],
        "calls": len(cycles) or None,
        "cycles": cycles or None,
        "microseconds": [round(value * 1e6 / clock_hz, 3) for value in cycles] or None,
    }


def _json(path: Path) -> Any:
    try:
        return json.loads(read_bytes(path))
    except ValueError as error:
        raise OutputError(f"{path.name}: not JSON ({error})", hint="run the step that makes it again") from error


def main(arguments: list[str] | None = None) -> None:
    """Raises `LimitError` when a limit is broken."""
    options = argparse.ArgumentParser(prog="python -m pynqtorch.hw.report", description="figures of an overlay")
    options.add_argument("--request", type=Path, required=True, help="input: what the recipes say")
    options.add_argument("--timing", type=Path, required=True, help="input: timing.json")
    options.add_argument("--placed", type=Path, required=True, help="input: the placed netlist")
    options.add_argument("--conform", type=Path, required=True, help="input: conform.json")
    options.add_argument("--unknown", type=Path, required=True, help="input: unknown.json of the read-back")
    options.add_argument("--bit", type=Path, required=True, help="input: the bitstream")
    options.add_argument("--simulation", type=Path, action="append", default=[], help="input: a testbench report")
    options.add_argument("--out", type=Path, required=True, help="output: report.json")
    given = options.parse_args(arguments)
    report = assemble(
        _json(given.request),
        timing=_json(given.timing),
        placed=given.placed,
        simulations=[_json(path) for path in given.simulation],
        conform=_json(given.conform),
        unknown=_json(given.unknown),
        bit_bytes=len(read_bytes(given.bit)),
    )
    write_file(given.out, json.dumps(report, indent=1) + "\n")
    used = ", ".join(f"{name} {figure['used']}" for name, figure in report["utilization"].items())
    print(f"{report['overlay']}: {used}")


if __name__ == "__main__":
    sys.exit(run(main))
