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
from pynqtorch.ui.parts import outline

DATA = ("templates/report.html.j2",)
"""Files that this module reads; `pynqtorch.modules` makes them inputs of the report's step."""
DISTRIBUTIONS = ("jinja2",)

SCHEMA = 1
PALETTE = ("#3b82d6", "#d9534f", "#2f9e5b", "#a463c4", "#d98a1f", "#1fa3a8", "#d65f9e", "#8a6d4f")
SHELL_COLOUR = "#8792a6"
LOGIC_COLOUR, ROUTING_COLOUR = PALETTE[0], PALETTE[4]
LABELS = {"lut": "LUT", "ff": "flip-flops", "bram36": "BRAM36", "dsp": "DSP48"}


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
        lstrip_blocks=True,
    )
    try:
        if report["schema"] != SCHEMA:
            raise OutputError(f"report.json has schema {report['schema']}, not {SCHEMA}", hint="run the step again")
        colours = group_colours(report["groups"])
        return environment.get_template("report.html.j2").render(
            r=report,
            colours=colours,
            usage=usage(report["utilization"], report["groups"], colours),
            stages=stages(report["timing"]["paths"]),
            bars=time_bars(report["simulations"]),
            cosimulated=any(item["kind"] == "cosim" for item in report["simulations"]),
            plan=floorplan(report["floorplan"], colours, report["part"]),
            added=sum(rule["added"] for rule in report["conform"].values()),
            mhz=lambda hertz: f"{hertz / 1e6:.6g} MHz",
            span=span,
            logic_colour=LOGIC_COLOUR,
            routing_colour=ROUTING_COLOUR,
        )
    except (KeyError, TypeError, IndexError, ValueError, AttributeError, UndefinedError) as error:
        raise OutputError(
            f"report.json: not a report of schema {SCHEMA} ({type(error).__name__}: {error})",
            hint="run the report step again",
        ) from error


def group_colours(groups: Mapping[str, Any]) -> dict[str, str]:
    """A colour for each kernel instance, and grey for the shell."""
    instances = [name for name in groups if name != "shell"]
    colours = {name: PALETTE[index % len(PALETTE)] for index, name in enumerate(instances)}
    return colours | ({"shell": SHELL_COLOUR} if "shell" in groups else {})


def usage(
    utilization: Mapping[str, Any], groups: Mapping[str, Any], colours: Mapping[str, str]
) -> list[dict[str, Any]]:
    """A stacked bar a resource; widths are percent of the part's.

    The parts are scaled to the bar's whole: a LUT whose halves belong to two groups counts in both.
    """
    rows = []
    for resource, figure in utilization.items():
        counts = {group: groups[group].get(resource, 0) for group in colours}
        available, all_parts = figure["available"], sum(counts.values())
        whole = 100.0 * figure["used"] / available if available else 0.0
        parts = [
            {"group": group, "count": count, "width": whole * count / all_parts, "colour": colours[group]}
            for group, count in counts.items()
            if count
        ]
        limit = 100.0 * figure["limit"] / available if available and figure["limit"] is not None else None
        rows.append({"label": LABELS.get(resource, resource), "parts": parts, "limit_at": limit, **figure})
    return rows


def stages(paths: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The critical path's stages as pieces of a bar; widths are percent."""
    if not paths or not paths[0]["total_ns"]:
        return []
    return [
        {
            "width": 100.0 * stage["delay_ns"] / paths[0]["total_ns"],
            "colour": ROUTING_COLOUR if stage["type"] == "routing" else LOGIC_COLOUR,
            "type": stage["type"],
            "delay_ns": stage["delay_ns"],
            "what": (stage["net"] if stage["type"] == "routing" else stage["cell"]) or "",
        }
        for stage in paths[0]["stages"]
    ]


def time_bars(simulations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The longest call of each run that counted cycles; widths are percent of the longest of all."""
    timed = [
        (f"{simulation['kind']} {simulation['subject']}, {run['name']}", max(run["microseconds"]))
        for simulation in simulations
        for run in simulation["runs"]
        if run["microseconds"]
    ]
    longest = max((time for _, time in timed), default=0.0)
    if not longest:
        return []
    return [{"label": label, "width": 100.0 * time / longest, "text": span([time], " µs")} for label, time in timed]


def floorplan(plan: Mapping[str, Any], colours: Mapping[str, str], part: str) -> dict[str, Any]:
    """One SVG path a group, in tiles, over the part's outline where it is known: some thousand tiles stay small."""
    shape = outline(part)
    squares: dict[int, list[str]] = {}
    for x, y, group, _ in plan["tiles"]:
        height = shape.tile_height(x) if shape else 1
        squares.setdefault(group, []).append(f"M{int(x)} {int(y) - height + 1}h1v{height}h-1z")
    groups = [
        {"name": name, "colour": colours.get(name, SHELL_COLOUR), "path": "".join(squares.get(index, []))}
        for index, name in enumerate(plan["groups"])
    ]
    groups.sort(key=lambda group: group["name"] != "shell")  # kernels over the shell where they share a tile
    width, height = (shape.width, shape.height) if shape else (max(plan["width"], 1), max(plan["height"], 1))
    return {"width": width, "height": height, "groups": groups, "outline": shape}


def span(values: Sequence[float] | None, unit: str) -> str:
    """``532,480`` or ``12 to 3,204 µs`` of the smallest and the largest; empty where nothing was measured."""
    if not values:
        return ""
    low, high = (f"{value:,.0f}" if value >= 100 else f"{value:.3g}" for value in (min(values), max(values)))
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
