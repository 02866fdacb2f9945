# SPDX-License-Identifier: AGPL-3.0-or-later
"""The open overlay flow as a Plan: kernels -> netlist -> placed and routed -> timing gate -> bitstream -> published.

What goes into which key: the git commit stands in the last step only (`overlay.<name>`), so a commit that changes no
source runs nothing but that copy and checksum.  `source_date_epoch` goes into the .bit header and so into the key of
`bitstream.<name>`: give a constant, or the time of the commit that last changed the sources, not that of each commit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pynqtorch.errors import MissingToolError, RecipeError, UsageError
from pynqtorch.hw import csim, hwh
from pynqtorch.hw.addresses import addresses
from pynqtorch.hw.clocks import fabric_clocks
from pynqtorch.hw.openfpga import nextpnr, yosys
from pynqtorch.hw.openfpga.bitstream import DATABASE, bitstream_step
from pynqtorch.hw.openfpga.design import Design, Options
from pynqtorch.hw.openfpga.results import FLOW, overlay_step, recipe_digest, report_step
from pynqtorch.modules import python_step
from pynqtorch.plan import Input, Output, Plan, Resources, Step, Tool
from pynqtorch.recipes.repository import Repository

__all__ = ["FLOW", "Options", "plan", "recipe_digest"]

COMMON_RTL = "hw/kernel/common/rtl"
SHELL_RTL = "hw/shell"
DATABASE_TOOL = "prjxray-database"


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
        report_step(design, evidence),
        overlay_step(design, git_commit),
        *evidence,
    ]
    if options.rootfs_step is not None:
        made = options.rootfs_step
        in_rootfs = {step.name for step in steps if step.where == design.where} | {f"bitstream.{design.lower}"}
        steps = [replace(s, after=(*s.after, made.name)) if s.name in in_rootfs else s for s in steps]
        steps.insert(0, made)
    return Plan(tuple(steps))


def _design(repository: Repository, name: str, tools: Mapping[str, str], options: Options) -> Design:
    overlay = repository.overlays.get(name)
    if overlay is None:
        raise UsageError(f"no overlay {name!r}", hint="there is: " + ", ".join(sorted(repository.overlays)))
    board = repository.boards.get(overlay.board)
    if board is None:
        raise RecipeError(f"overlay {name}: there is no board {overlay.board!r}")
    return Design(overlay, repository.kernels, board, fabric_clocks(overlay, board), tools, options)


def _verilog(root: Path, folder: str) -> tuple[str, ...]:
    found = tuple(f"{folder}/{path.name}" for path in sorted((root / folder).glob("*.v")))
    if not found:
        raise MissingToolError(f"{root / folder}: no Verilog files there", hint="this checkout is incomplete")
    return found


def _implementation(design: Design, root: Path) -> list[Step]:
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
        clock_hz=design.clock_hz,
        version=design.version(nextpnr.TOOL),
        where=design.where,
    )
    return [*kernels, synth, route]


def _database(design: Design) -> Input:
    version = design.version(DATABASE_TOOL)
    return Input("db", f"out/rootfs/{design.options.rootfs}/{DATABASE}", identity=f"{DATABASE_TOOL}-{version}")


def _simulations(design: Design) -> list[Step]:
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


def _timing(design: Design) -> Step:
    route = f"step:route.{design.lower}"
    allow = ["--allow-failure"] if design.options.allow_timing_failure else []
    return python_step(
        f"timing.{design.lower}",
        "pynqtorch.hw.openfpga.timing",
        ["--route", "route.json", "--sdf", "top.sdf", "--clock", f"{nextpnr.CLOCK_NET}={design.clock_hz}",
         "--out", "timing.json", *allow],
        inputs=(Input("route.json", f"{route}/route.json"), Input("top.sdf", f"{route}/top.sdf")),
        outputs=(Output("timing.json"),),
        title=f"timing gate of {design.name}",
        log_parser="pynqtorch.hw.openfpga.timing:parse_log",
        resources=Resources(cores=1, memory_mib=1000),
        package=design.options.package,
    )  # fmt: skip


def _handoff(design: Design) -> Step:
    return hwh.step(
        design.overlay,
        {instance.kernel: design.kernels[instance.kernel] for instance in design.overlay.kernels.values()},
        design.board,
        addresses=addresses(design.overlay),
        dividers={name: (clock.divisor0, clock.divisor1) for name, clock in design.clocks.items()},
        interrupts=tuple(design.overlay.kernels),
        package=design.options.package,
    )
