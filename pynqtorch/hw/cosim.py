# SPDX-License-Identifier: AGPL-3.0-or-later
"""Open co-simulation: a kernel's unchanged C++ testbench against its RTL in Verilator, over the RTL's AXI ports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pynqtorch.errors import RecipeError
from pynqtorch.hw import simulation, testbench
from pynqtorch.hw.simulation import CONDITIONS, Condition, KernelInstance
from pynqtorch.hw.testbench import ApTypes, ProgramRun
from pynqtorch.plan import STEP_SOURCE, Input, Output, Resources, Step, Tool
from pynqtorch.recipes.models import Kernel

REPORT = "cosim.json"
TRACE = "trace.fst"
COMMON_RTL = "hw/kernel/common/rtl"
"""Modules that hand-written kernels share; Verilator looks there for modules that no source has."""


@dataclass(frozen=True, slots=True)
class Rtl:
    """The RTL of a kernel.

    Attributes:
        inputs: files or folders of the step.
        arguments: of Verilator: staged sources, search folders.
        described: `rtl` of the recipe describes it (data widths are then checked).
    """

    inputs: tuple[Input, ...]
    arguments: tuple[str, ...]
    described: bool


def written_by_hand(kernel: Kernel, *, common: str = COMMON_RTL) -> Rtl:
    """The RTL that the recipe names.

    Raises:
        RecipeError: the recipe has no `rtl`.
    """
    if kernel.rtl is None:
        raise RecipeError(
            f"kernel {kernel.kernel}: no rtl section, so there is nothing to simulate without Vitis HLS",
            hint="add rtl: {sources: […]} to its recipe, or simulate what Vitis made",
        )
    sources = tuple(testbench.source_input(kernel, path) for path in kernel.rtl.sources)
    parameters = tuple(f"-G{name}={value}" for name, value in kernel.rtl.parameters.items())
    arguments = (*parameters, *(item.staged for item in sources))
    if not common:
        return Rtl(sources, arguments, described=True)
    folder = Input("common_rtl", common)
    return Rtl((*sources, folder), (*arguments, "-y", folder.staged), described=True)


def made_by_vitis(kernel: Kernel, step_name: str, folder: str) -> Rtl:
    """The Verilog that Vitis HLS made: `folder` is an output of step `step_name`, with <top>.v in it."""
    tree = Input("rtl", f"{STEP_SOURCE}{step_name}/{folder}")
    return Rtl((tree,), ("-y", tree.staged, f"{tree.staged}/{kernel.top}.v"), described=False)


def step(
    kernel: Kernel,
    *,
    tool: Tool,
    ap_types: ApTypes,
    rtl: Rtl | None = None,
    rootfs: str = "fpga",
    trace: bool = False,
    conditions: Sequence[Condition] = CONDITIONS,
) -> Step:
    """Step `cosim.<kernel>`: writes cosim.json (see `testbench.load`); VerifyError where a run fails.

    Args:
        kernel: ports, registers and testbench.
        tool: verilator with its version in the rootfs.
        ap_types: `testbench.find_ap_types()`.
        rtl: what to simulate; None: what the recipe names.
        rootfs: name of the rootfs to run in.
        trace: also write trace.fst of the first run.
        conditions: one run of the testbench each; cycle counts to quote are those of the first.

    Raises:
        RecipeError: no RTL, or an argument too large to simulate.
    """
    rtl = rtl or written_by_hand(kernel)
    verilate = (
        "verilator", *simulation.SIMULATOR_FLAGS, *(("--trace-fst",) if trace else ()), "--top-module", kernel.top,
        *rtl.arguments, *simulation.link_arguments([kernel]),
    )  # fmt: skip
    runs = [
        ProgramRun(
            condition.name,
            (
                f"./{simulation.PROGRAM}",
                *condition.arguments(),
                *((f"--trace={TRACE}",) if trace and not index else ()),
            ),
        )
        for index, condition in enumerate(conditions)
    ]
    folder = simulation.FOLDER
    files = {
        **simulation.static_sources(),
        f"{folder}/standin_{kernel.kernel}.cpp": simulation.standin(kernel),
        f"{folder}/device.cpp": simulation.kernel_device(kernel, check_widths=rtl.described, trace=trace),
        f"{folder}/testbenches.hpp": simulation.testbenches("kernel", [KernelInstance(kernel.kernel, kernel.kernel)]),
        testbench.RUN_SCRIPT: testbench.run_script(
            kernel.kernel, "cosim", REPORT, runs, simulator=f"{tool.name} {tool.version}"
        ),
    }
    return Step(
        name=f"cosim.{kernel.kernel.lower()}",
        tool=tool,
        commands=(*simulation.testbench_commands(kernel), verilate, ("sh", testbench.RUN_SCRIPT)),
        outputs=(
            Output(REPORT),
            *(Output(f"{condition.name}.log") for condition in conditions),
            *((Output(TRACE),) if trace else ()),
        ),
        files=files,
        inputs=(*simulation.cxx_inputs([kernel]), *rtl.inputs, ap_types.input),
        where=f"rootfs:{rootfs}",
        resources=Resources(cores=1, memory_mib=1500),
        checks=(testbench.verdict_check(REPORT),),
        log_parser="pynqtorch.hw.testbench:parse_line",
        title=f"co-simulation of {kernel.kernel}",
    )
