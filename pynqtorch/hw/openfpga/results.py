# SPDX-License-Identifier: AGPL-3.0-or-later
"""The last steps of the open flow: report, and the overlay's folder with its manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pynqtorch.hw.addresses import addresses
from pynqtorch.hw.openfpga.design import Design
from pynqtorch.hw.openfpga.top import TOP
from pynqtorch.modules import python_step
from pynqtorch.plan import Input, Output, Resources, Step, Tool
from pynqtorch.recipes.models import Board, Kernel, Overlay

FLOW = "open (experimental)"
PUBLISHED = "out/overlays"


def recipe_digest(overlay: Overlay, kernels: Mapping[str, Kernel], board: Board) -> str:
    """SHA-256 over the recipes that an overlay is made of, as canonical JSON: comments and order do not count."""
    used = {instance.kernel: kernels[instance.kernel] for instance in overlay.kernels.values()}
    content = {
        "overlay": overlay.model_dump(mode="json"),
        "kernels": {name: kernel.model_dump(mode="json") for name, kernel in used.items()},
        "board": board.model_dump(mode="json"),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _request(design: Design) -> dict[str, Any]:
    """What report and manifest need of the recipes."""
    overlay, bases = design.overlay, addresses(design.overlay)
    return {
        "overlay": overlay.overlay,
        "description": overlay.description,
        "board": design.board.board,
        "part": design.board.part,
        "flow": FLOW,
        "profile": overlay.open.profile,
        "top": TOP,
        "clock_hz": design.clock_hz,
        "clocks": {
            name: {"requested_hz": c.requested, "actual_hz": c.actual, "divisors": [c.divisor0, c.divisor1]}
            for name, c in design.clocks.items()
        },
        "kernels": [
            {
                "instance": name,
                "kernel": instance.kernel,
                "description": design.kernels[instance.kernel].description,
                "control": instance.control,
                "address": f"0x{bases[name]:08X}",
                "memory": dict(instance.memory),
            }
            for name, instance in overlay.kernels.items()
        ],
        "resources": design.board.resources.model_dump(),
        "limits": overlay.limits.model_dump(),
    }


def report_step(design: Design, evidence: tuple[Step, ...]) -> Step:
    """Step ``report.<overlay>``; `evidence` are simulations whose first output is a testbench report."""
    lower = design.lower
    bitstream = f"step:bitstream.{lower}"
    simulations = [
        Input(f"simulation/{step.name}.json", f"step:{step.name}/{step.outputs[0].path}") for step in evidence
    ]
    step = python_step(
        f"report.{lower}",
        "pynqtorch.hw.report",
        ["--request", "request.json", "--timing", "timing.json", "--placed", "placed.json", "--conform", "conform.json",
         "--unknown", "unknown.json", "--bit", f"{design.name}.bit",
         *(part for item in simulations for part in ("--simulation", item.staged)), "--out", "report.json"],
        files={"request.json": _text(_request(design))},
        inputs=(
            Input("timing.json", f"step:timing.{lower}/timing.json"),
            Input("placed.json", f"step:route.{lower}/placed.json"),
            Input("conform.json", f"{bitstream}/conform.json"),
            Input("unknown.json", f"{bitstream}/unknown.json"),
            Input(f"{design.name}.bit", f"{bitstream}/{design.name}.bit"),
            *simulations,
        ),
        outputs=(Output("report.json"),),
        title=f"report of {design.name}",
        resources=Resources(cores=1, memory_mib=1000),
        package=design.options.package,
    )  # fmt: skip
    return _with_page(step, design.options.package) if design.options.page else step


def _with_page(step: Step, package: str) -> Step:
    """The step with a second command, which renders report.html: ui/ is named here, never imported."""
    page = python_step(
        step.name,
        "pynqtorch.ui.html",
        ["--report", "report.json", "--html", "report.html"],
        outputs=(Output("report.html"),),
        package=package,
    )
    return replace(
        step,
        tool=Tool(name=step.tool.name, version=f"{step.tool.version} {page.tool.version}"),
        commands=(*step.commands, *page.commands),
        inputs=tuple(dict.fromkeys((*step.inputs, *page.inputs))),
        outputs=(*step.outputs, *page.outputs),
    )


def overlay_step(design: Design, git_commit: str) -> Step:
    """Step ``overlay.<overlay>``: collects, checks, writes the manifest; the only one that publishes."""
    lower, name = design.lower, design.name
    origins = {
        f"{name}.bit": f"bitstream.{lower}", f"{name}.bit.bin": f"bitstream.{lower}", f"{name}.hwh": f"hwh.{lower}",
        "report.json": f"report.{lower}", **({"report.html": f"report.{lower}"} if design.options.page else {}),
    }  # fmt: skip
    published = [*origins, "manifest.json"]  # the manifest last: what it lists is there when it is
    request = _request(design) | {
        "recipe_sha256": recipe_digest(design.overlay, design.kernels, design.board),
        "git_commit": git_commit,
        "tools": dict(sorted(design.tools.items())),
    }
    return python_step(
        f"overlay.{lower}",
        "pynqtorch.hw.openfpga.publish",
        ["--request", "request.json", "--from", "in", "--out", ".", *origins],
        files={"request.json": _text(request)},
        inputs=[Input(f"in/{file}", f"step:{step}/{file}") for file, step in origins.items()],
        outputs=[Output(file, publish=f"{PUBLISHED}/{name}/{file}") for file in published],
        title=f"collect and check {name}",
        package=design.options.package,
    )


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1) + "\n"
