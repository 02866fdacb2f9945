# SPDX-License-Identifier: AGPL-3.0-or-later
"""The open overlay flow as a Plan: kernels -> netlist -> placed and routed -> timing gate -> bitstream -> published.

What goes into which key: the git commit stands in the last step only (`overlay.<name>`), so a commit that changes no
source runs nothing but that copy and checksum.  `source_date_epoch` goes into the .bit header and so into the key of
`bitstream.<name>`: give a constant, or the time of the commit that last changed the sources, not that of each commit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pynqtorch.errors import MissingToolError, RecipeError, UsageError
from pynqtorch.hw import csim, hwh
from pynqtorch.hw.addresses import addresses
from pynqtorch.hw.clocks import FabricClock, fabric_clocks
from pynqtorch.hw.openfpga import nextpnr, yosys
from pynqtorch.hw.openfpga.bitstream import DATABASE, bitstream_step
from pynqtorch.hw.openfpga.top import TOP, clock_of
from pynqtorch.modules import python_step
from pynqtorch.plan import Input, Output, Plan, Resources, Step, Tool
from pynqtorch.recipes.models import Board, Kernel, Overlay
from pynqtorch.recipes.repository import Repository

FLOW = "open (experimental)"
COMMON_RTL = "hw/kernel/common/rtl"
SHELL_RTL = "hw/shell"
DATABASE_TOOL = "prjxray-database"
PUBLISHED = "out/overlays"


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line decides.

    Attributes:
        allow_timing_failure: go on when timing is missed; report and manifest then say so.
        simulate: C simulation and co-simulation of the kernels are part of the plan, and of the manifest.
        evidence: further steps whose first output is a testbench report (postsynth.json).
        page: also make report.html (`pynqtorch.ui.html`).
        rootfs: name of the rootfs with the tools.
        rootfs_step: the step that makes it, if it is to be part of the plan.
        package: where the Python package is (`pynqtorch.modules.package_source`).
    """

    allow_timing_failure: bool = False
    simulate: bool = True
    evidence: tuple[Step, ...] = ()
    page: bool = True
    rootfs: str = "fpga"
    rootfs_step: Step | None = None
    package: str = "pynqtorch"


@dataclass(frozen=True)
class _Design:
    """An overlay with all that its steps need."""

    overlay: Overlay
    kernels: Mapping[str, Kernel]
    board: Board
    clocks: Mapping[str, FabricClock]
    tools: Mapping[str, str]
    options: Options

    @property
    def name(self) -> str:
        return self.overlay.overlay

    @property
    def lower(self) -> str:
        return self.name.lower()

    @property
    def where(self) -> str:
        return f"rootfs:{self.options.rootfs}"

    def version(self, tool: str) -> str:
        if tool not in self.tools:
            raise MissingToolError(
                f"the version of {tool} is not known: it is not in rootfs {self.options.rootfs}",
                hint=f"make the rootfs (`./inv rootfs.build --name {self.options.rootfs}`) with {tool} under tools",
            )
        return self.tools[tool]


def plan(
    repository: Repository,
    overlay_name: str,
    *,
    tools: Mapping[str, str],
    git_commit: str = "unknown",
    source_date_epoch: int = 0,
    options: Options | None = None,
) -> Plan:
    """All steps of an overlay.

    Args:
        repository: the recipes; the Verilog files of shell and common RTL are listed below its root.
        overlay_name: which overlay.
        tools: tool -> version in the rootfs: yosys, nextpnr-himbaechel-xilinx, prjxray-database, and for simulation
            g++ and verilator.
        git_commit: for the manifest, ``unknown`` or with ``-dirty`` where that is so.
        source_date_epoch: seconds since 1970, for the .bit header.
        options: see Options.

    Raises:
        UsageError: no such overlay.
        RecipeError: the recipes ask for what the flow cannot do.
        MissingToolError: a tool's version is not given, or the RTL of the shell is not there.
    """
    options = options or Options()
    design = _design(repository, overlay_name, tools, options)
    steps = _implementation(design, repository.root)
    evidence = (*(_simulations(design) if options.simulate else ()), *options.evidence)
    steps += [
        _timing(design),
        bitstream_step(
            design.name,
            part=design.board.part,
            database=_database(design),
            source_date_epoch=source_date_epoch,
            package=options.package,
        ),
        _handoff(design),
        _report(design, evidence),
        _overlay(design, git_commit),
        *evidence,
    ]
    if options.rootfs_step is not None:
        made = options.rootfs_step
        in_rootfs = {step.name for step in steps if step.where == design.where} | {f"bitstream.{design.lower}"}
        steps = [replace(s, after=(*s.after, made.name)) if s.name in in_rootfs else s for s in steps]
        steps.insert(0, made)
    return Plan(tuple(steps))


def recipe_digest(overlay: Overlay, kernels: Mapping[str, Kernel], board: Board) -> str:
    """SHA-256 over the recipes that an overlay is made of, as canonical JSON: comments and order do not count."""
    used = {instance.kernel: kernels[instance.kernel] for instance in overlay.kernels.values()}
    content = {
        "overlay": overlay.model_dump(mode="json"),
        "kernels": {name: kernel.model_dump(mode="json") for name, kernel in used.items()},
        "board": board.model_dump(mode="json"),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _design(repository: Repository, name: str, tools: Mapping[str, str], options: Options) -> _Design:
    overlay = repository.overlays.get(name)
    if overlay is None:
        raise UsageError(f"no overlay {name!r}", hint="there is: " + ", ".join(sorted(repository.overlays)))
    board = repository.boards.get(overlay.board)
    if board is None:
        raise RecipeError(f"overlay {name}: there is no board {overlay.board!r}")
    return _Design(overlay, repository.kernels, board, fabric_clocks(overlay, board), tools, options)


def _verilog(root: Path, folder: str) -> tuple[str, ...]:
    found = tuple(f"{folder}/{path.name}" for path in sorted((root / folder).glob("*.v")))
    if not found:
        raise MissingToolError(f"{root / folder}: no Verilog files there", hint="this checkout is incomplete")
    return found


def _implementation(design: _Design, root: Path) -> list[Step]:
    used = dict.fromkeys(instance.kernel for instance in design.overlay.kernels.values())
    common, version = _verilog(root, COMMON_RTL), design.version(yosys.TOOL)
    synth = yosys.synth_step(
        design.overlay, design.kernels, shell=_verilog(root, SHELL_RTL), version=version, where=design.where
    )  # first: it finds what is wrong with the recipe
    kernels = [
        yosys.ooc_step(
            design.kernels[name], profile=design.overlay.open.profile, common=common, version=version,
            where=design.where,
        )
        for name in used
    ]  # fmt: skip
    route = nextpnr.route_step(
        design.overlay,
        part=design.board.part,
        clock_hz=_clock_hz(design),
        version=design.version(nextpnr.TOOL),
        where=design.where,
    )
    return [*kernels, synth, route]


def _clock_hz(design: _Design) -> int:
    return design.clocks[clock_of(design.overlay)].actual


def _database(design: _Design) -> Input:
    version = design.version(DATABASE_TOOL)
    return Input("db", f"out/rootfs/{design.options.rootfs}/{DATABASE}", identity=f"{DATABASE_TOOL}-{version}")


def _simulations(design: _Design) -> list[Step]:
    from pynqtorch.hw import cosim
    from pynqtorch.hw.testbench import find_ap_types

    ap_types, steps = find_ap_types(), []
    compiler = Tool(name="g++", version=design.version("g++"))
    simulator = Tool(name="verilator", version=design.version("verilator"))
    for name in dict.fromkeys(instance.kernel for instance in design.overlay.kernels.values()):
        kernel = design.kernels[name]
        steps.append(csim.step(kernel, tool=compiler, ap_types=ap_types, rootfs=design.options.rootfs))
        steps.append(cosim.step(kernel, tool=simulator, ap_types=ap_types, rootfs=design.options.rootfs))
    return steps


def _timing(design: _Design) -> Step:
    route = f"step:route.{design.lower}"
    allow = ["--allow-failure"] if design.options.allow_timing_failure else []
    return python_step(
        f"timing.{design.lower}",
        "pynqtorch.hw.openfpga.timing",
        ["--route", "route.json", "--sdf", "top.sdf", "--clock", f"{nextpnr.CLOCK_NET}={_clock_hz(design)}",
         "--out", "timing.json", *allow],
        inputs=(Input("route.json", f"{route}/route.json"), Input("top.sdf", f"{route}/top.sdf")),
        outputs=(Output("timing.json"),),
        title=f"timing gate of {design.name}",
        log_parser="pynqtorch.hw.openfpga.timing:parse_log",
        resources=Resources(cores=1, memory_mib=1000),
        package=design.options.package,
    )  # fmt: skip


def _handoff(design: _Design) -> Step:
    return hwh.step(
        design.overlay,
        {instance.kernel: design.kernels[instance.kernel] for instance in design.overlay.kernels.values()},
        design.board,
        addresses=addresses(design.overlay),
        dividers={name: (clock.divisor0, clock.divisor1) for name, clock in design.clocks.items()},
        interrupts=tuple(design.overlay.kernels),
        package=design.options.package,
    )


def _request(design: _Design) -> dict[str, Any]:
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
        "clock_hz": _clock_hz(design),
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


def _report(design: _Design, evidence: tuple[Step, ...]) -> Step:
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
        commands=(*step.commands, *page.commands),
        inputs=tuple(dict.fromkeys((*step.inputs, *page.inputs))),
        outputs=(*step.outputs, *page.outputs),
    )


def _overlay(design: _Design, git_commit: str) -> Step:
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
