# SPDX-License-Identifier: AGPL-3.0-or-later
"""Plans for what a task names: kernels, overlays, a board's bundle, a rootfs."""

from __future__ import annotations

import os
from collections.abc import Sequence

from pynqtorch.app.session import TOOLS_ROOTFS, Session
from pynqtorch.plan import STEP_SOURCE, Plan, Step, Tool, merge

UNKNOWN_VERSION = "unknown (the rootfs is not made yet)"


def rootfs(session: Session, name: str) -> Plan:
    """The plan that makes a rootfs."""
    from pynqtorch.modules import package_source
    from pynqtorch.sw import rootfs as recipe

    step = recipe.step(session.repository.rootfs[name], environment=os.environ, package=package_source(session.root))
    return Plan((step,))


def tool_versions(session: Session) -> dict[str, str]:
    """Tool -> version in the tools' rootfs; in a dry run before it is made, texts that say so."""
    from pynqtorch.sw import rootfs as recipe

    folder = recipe.folder(session.root, TOOLS_ROOTFS)
    if session.options.dry_run and not folder.is_dir():
        return dict.fromkeys(session.repository.rootfs[TOOLS_ROOTFS].tools, UNKNOWN_VERSION)
    return recipe.versions(recipe.read_manifest(folder))


def simulations(session: Session, kernels: Sequence[str], *, trace: bool) -> Plan:
    """C simulation of each kernel, and co-simulation of those with RTL."""
    from pynqtorch.hw import cosim, csim
    from pynqtorch.hw.testbench import find_ap_types

    versions, ap_types = tool_versions(session), find_ap_types()
    steps: list[Step] = []
    for name in kernels:
        kernel = session.repository.kernels[name]
        compiler = Tool(name="g++", version=versions["g++"])
        steps.append(csim.step(kernel, tool=compiler, ap_types=ap_types, rootfs=TOOLS_ROOTFS))
        if kernel.rtl is not None:
            simulator = Tool(name="verilator", version=versions["verilator"])
            steps.append(cosim.step(kernel, tool=simulator, ap_types=ap_types, rootfs=TOOLS_ROOTFS, trace=trace))
    return Plan(tuple(steps))


def overlays(session: Session, names: Sequence[str], *, allow_timing_failure: bool) -> Plan:
    """All steps of the overlays; what they share stands in the plan once."""
    from pynqtorch.hw import flows
    from pynqtorch.hw.openfpga.flow import Options
    from pynqtorch.hw.overlay_sim import netlist_step
    from pynqtorch.hw.testbench import find_ap_types
    from pynqtorch.modules import package_source

    repository, versions, ap_types = session.repository, tool_versions(session), find_ap_types()
    flow = flows.choose(session.options.flow)
    plans = []
    for name in names:
        check = netlist_step(
            repository.overlays[name],
            repository.kernels,
            tool=Tool(name="verilator", version=versions["verilator"]),
            yosys=Tool(name="yosys", version=versions["yosys"]),
            ap_types=ap_types,
            rootfs=TOOLS_ROOTFS,
        )
        options = Options(
            allow_timing_failure=allow_timing_failure,
            evidence=(check,),
            rootfs=TOOLS_ROOTFS,
            package=package_source(session.root),
        )
        plans.append(
            flow.plan(
                repository,
                name,
                tools=versions,
                git_commit=session.git_commit,
                source_date_epoch=session.source_date_epoch,
                options=options,
            )
        )
    return merge(*plans)


def bundle(session: Session, board: str, names: Sequence[str], *, allow_timing_failure: bool) -> Plan:
    """Overlays, and the archive that goes to the board."""
    from pynqtorch.board import bundle as archive
    from pynqtorch.modules import package_source

    built = overlays(session, names, allow_timing_failure=allow_timing_failure)
    contents = {
        name: {
            output.path: f"{STEP_SOURCE}overlay.{name.lower()}/{output.path}"
            for output in built.step(f"overlay.{name.lower()}").outputs
        }
        for name in names
    }
    step = archive.step(
        board,
        session.repository.boards[board].part,
        contents,
        commit=session.git_commit,
        epoch=session.source_date_epoch,
        publish=f"out/bundles/{board}.tar.zst",
        package=package_source(session.root),
    )
    return Plan((*built, step))
