# SPDX-License-Identifier: AGPL-3.0-or-later
"""Results as tables on stdout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pynqtorch.errors import OutputError
from pynqtorch.ui.messages import duration, output, size

if TYPE_CHECKING:
    from pynqtorch.engine import RunResult
    from pynqtorch.plan import Plan


def print_steps(plan: Plan, result: RunResult) -> None:
    """The steps that did something: time, CPU, memory, figures."""
    from rich.table import Table

    table = Table(title="steps", title_justify="left")
    for column, justify in (("step", "left"), ("", "left"), ("wall", "right"), ("CPU", "right"), ("memory", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]  # rich wants the literal
    shown = [outcome for outcome in result.outcomes if outcome.status != "up-to-date"]
    for outcome in shown:
        ran = outcome.status == "ran"
        table.add_row(
            outcome.name,
            outcome.status,
            duration(outcome.wall_seconds) if ran else "",
            duration(outcome.cpu_seconds) if ran else "",
            size(outcome.peak_rss_bytes) if ran else "",
        )
    if shown:
        output().print(table)


def print_overlays(root: Path, plan: Plan) -> None:
    """Utilization, clock and time a call of the overlays in the plan.

    Raises:
        OutputError: a published report does not parse.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    reports = sorted(item.publish for step in plan for item in step.outputs if item.publish.endswith("/report.json"))
    if not reports:
        return
    table = Table(
        title="overlays", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False
    )
    for column in ("overlay", "LUT", "FF", "BRAM", "DSP", "MHz*", "cycles", "ms"):  # fits 80 columns
        table.add_column(column, justify="left" if column == "overlay" else "right", no_wrap=True)
    for name in reports:
        table.add_row(*_row(root / name))
    output().print(table)
    output().print("* fmax (estimate) / required clock; cycles and ms of the longest call", style="dim")
    output().print("open flow: experimental, not verified on hardware", style="yellow")


def _row(path: Path) -> list[str]:
    try:
        report = json.loads(path.read_bytes())
        usage = [f"{figure['used']} {figure['percent']:.0f}%" for figure in report["utilization"].values()]
        clocks = report["timing"]["clocks"].values()
        cycles = [run for item in report["simulations"] if item["kind"] == "cosim" for run in item["runs"][:1]]
        return [
            report["overlay"],
            *usage,
            ", ".join(f"{clock['fmax_mhz']:.0f}/{clock['required_mhz']:g}{_missed(clock)}" for clock in clocks),
            *_longest(cycles),
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{path}: not a report ({error})", hint="run the command again with --force") from error


def _missed(clock: dict[str, Any]) -> str:
    return "" if clock["met"] else " MISSED"


def _longest(runs: list[dict[str, Any]]) -> tuple[str, str]:
    cycles = max((max(run["cycles"]) for run in runs if run["cycles"]), default=None)
    microseconds = max((max(run["microseconds"]) for run in runs if run["microseconds"]), default=None)
    if cycles is None or microseconds is None:
        return "", ""
    return f"{cycles:,}", f"{microseconds / 1000:.2f}"
