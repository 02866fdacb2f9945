# SPDX-License-Identifier: AGPL-3.0-or-later
"""`python -m pynqtorch.ui.html`: an overlay's report.json as one self-contained page (no script, nothing fetched)."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pynqtorch.errors import OutputError

PALETTE = ("#4f86c6", "#59a14f", "#e15759", "#b07aa1", "#edc948", "#76b7b2", "#ff9da7", "#9c755f")
SHELL_COLOUR = "#e0a458"
LABELS = {"lut": "LUT", "ff": "flip-flops", "bram36": "BRAM36", "dsp": "DSP48"}
BAR = 460.0
TIME_BAR = 480.0


def render(report: Mapping[str, Any]) -> str:
    """The page of a report.json (schema 1, see `pynqtorch.hw.report`).

    Raises:
        OutputError: the report lacks something.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined, UndefinedError

    environment = Environment(
        loader=PackageLoader("pynqtorch.ui", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    try:
        colours = group_colours(report["groups"])
        return environment.get_template("report.html.j2").render(
            r=report,
            colours=colours,
            usage=usage(report["utilization"], report["groups"], colours),
            stages=stages(report["timing"]["paths"]),
            bars=time_bars(report["simulations"]),
            plan=floorplan(report["floorplan"], colours),
            added=sum(rule["added"] for rule in report["conform"].values()),
            mhz=lambda hertz: f"{hertz / 1e6:g} MHz",
            span=span,
        )
    except (KeyError, TypeError, IndexError, UndefinedError) as error:
        raise OutputError(
            f"report.json: not a report of schema 1 ({type(error).__name__}: {error})",
            hint="run the report step again",
        ) from error


def group_colours(groups: Mapping[str, Any]) -> dict[str, str]:
    """A colour for each kernel instance, and one for the shell."""
    instances = [name for name in groups if name != "shell"]
    colours = {name: PALETTE[index % len(PALETTE)] for index, name in enumerate(instances)}
    return colours | ({"shell": SHELL_COLOUR} if "shell" in groups else {})


def usage(
    utilization: Mapping[str, Any], groups: Mapping[str, Any], colours: Mapping[str, str]
) -> list[dict[str, Any]]:
    """A stacked bar a resource, in units of the drawing."""
    rows = []
    for resource, figure in utilization.items():
        parts, x = [], 0.0
        for group, colour in colours.items():
            count = groups[group].get(resource, 0)
            width = BAR * count / figure["available"] if figure["available"] else 0.0
            parts.append({"group": group, "count": count, "x": x, "width": width, "colour": colour})
            x += width
        rows.append({"label": LABELS.get(resource, resource), "parts": parts, **figure})
    return rows


def stages(paths: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The critical path's stages as pieces of a bar."""
    if not paths or not paths[0]["total_ns"]:
        return []
    path, x, pieces = paths[0], 0.0, []
    for stage in path["stages"]:
        width = BAR * stage["delay_ns"] / path["total_ns"]
        routing = stage["type"] == "routing"
        title = f"{stage['type']} {stage['delay_ns']:.3f} ns: {stage['net'] if routing else stage['cell']}"
        pieces.append({"x": x, "width": width, "colour": SHELL_COLOUR if routing else PALETTE[0], "title": title})
        x += width
    return pieces


def time_bars(simulations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The longest call of each run that counted cycles."""
    timed = [
        (f"{simulation['kind']} {simulation['subject']}, {run['name']}", max(run["microseconds"]))
        for simulation in simulations
        for run in simulation["runs"]
        if run["microseconds"]
    ]
    longest = max((time for _, time in timed), default=0.0)
    if not longest:
        return []
    return [{"label": label, "width": TIME_BAR * time / longest, "text": span([time], " µs")} for label, time in timed]


def floorplan(plan: Mapping[str, Any], colours: Mapping[str, str]) -> dict[str, Any]:
    """One SVG path of unit squares a group: some thousand tiles stay a small page."""
    squares: dict[int, list[str]] = {}
    for x, y, group, _ in plan["tiles"]:
        squares.setdefault(group, []).append(f"M{x} {y}h1v1h-1z")
    groups = [
        {"name": name, "colour": colours.get(name, SHELL_COLOUR), "path": "".join(squares.get(index, []))}
        for index, name in enumerate(plan["groups"])
    ]
    return {"width": max(plan["width"], 1), "height": max(plan["height"], 1), "groups": groups}


def span(values: Sequence[float] | None, unit: str) -> str:
    """``532,480`` or ``12 to 3,204 µs`` of the smallest and the largest; empty where nothing was measured."""
    if not values:
        return ""
    low, high = (f"{value:,.0f}" if value >= 100 else f"{value:g}" for value in (min(values), max(values)))
    return f"{low}{unit}" if low == high else f"{low} to {high}{unit}"


def main(arguments: list[str] | None = None) -> None:
    """Raises OutputError when the report does not parse."""
    from pynqtorch.hw.openfpga.command import read_bytes, write_file

    options = argparse.ArgumentParser(prog="python -m pynqtorch.ui.html", description="report.json as a page")
    options.add_argument("--report", type=Path, required=True, help="input: report.json")
    options.add_argument("--html", type=Path, required=True, help="output")
    given = options.parse_args(arguments)
    try:
        report = json.loads(read_bytes(given.report))
    except ValueError as error:
        raise OutputError(f"{given.report.name}: not JSON ({error})", hint="run the report step again") from error
    write_file(given.html, render(report))


if __name__ == "__main__":
    from pynqtorch.hw.openfpga.command import run

    sys.exit(run(main))
