# SPDX-License-Identifier: AGPL-3.0-or-later
"""Simulation of a whole overlay behind the pins of the PS7, with the unchanged testbenches of its kernels.

The simulated processing system reaches registers through M_AXI_GP0/1 (AXI3) at the overlay's addresses and serves
S_AXI_HP, GP and ACP (AXI3) from one memory; interrupts come on IRQF2P. Two designs take this place:

- `rtl_step`: the generated top, the shell and the kernels as they were written;
- `netlist_step`: what yosys made of them, with the behaviour of the FPGA's cells from yosys' cells_sim.v, and block RAM
  from `block_ram`, for which yosys has none.

Neither knows delays, nor what place and route, FASM and frames do to the design afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from pynqtorch.errors import RecipeError
from pynqtorch.hw import block_ram, cosim, simulation, testbench
from pynqtorch.hw.addresses import addresses
from pynqtorch.hw.openfpga import ps7, top
from pynqtorch.hw.simulation import CONDITIONS, NOMINAL, Condition, KernelInstance, Port
from pynqtorch.hw.testbench import ApTypes, ProgramRun
from pynqtorch.plan import Input, Output, Resources, Step, Tool
from pynqtorch.recipes.addresses import CONTROL_RANGES
from pynqtorch.recipes.models import Kernel, Overlay

SHELL = "hw/shell"
YOSYS_CELLS = "/usr/share/yosys/xilinx/cells_sim.v"
"""In the rootfs, from Debian's yosys package."""
HARNESS = f"{simulation.FOLDER}/harness.v"
NETLIST = "netlist.v"


def rtl_step(
    overlay: Overlay,
    kernels: Mapping[str, Kernel],
    *,
    tool: Tool,
    ap_types: ApTypes,
    rootfs: str = "fpga",
    trace: bool = False,
    conditions: Sequence[Condition] = CONDITIONS,
    common: str = cosim.COMMON_RTL,
) -> Step:
    """Step `cosim-overlay.<overlay>`: writes cosim-overlay.json; VerifyError where a run fails.

    Args:
        overlay, kernels: as for the build.
        tool: verilator with its version in the rootfs.
        ap_types, rootfs, trace, conditions, common: as in `cosim.step`.

    Raises:
        RecipeError: as the generated top, a kernel without RTL, or one with `rtl.parameters`.
    """
    used = _kernels(overlay, kernels)
    for kernel in used:
        if kernel.rtl and kernel.rtl.parameters:  # synthesis sets them on the kernel's own top, Verilator cannot there
            raise RecipeError(
                f"kernel {kernel.kernel}: rtl.parameters cannot be set in a simulation of an overlay's RTL",
                hint="simulate the netlist (postsynth), or the kernel alone (cosim)",
            )
    sources = [cosim.written_by_hand(kernel, common=common) for kernel in used]
    inputs = {item.staged: item for rtl in sources for item in rtl.inputs}
    inputs["shell"] = Input("shell", SHELL)
    arguments = dict.fromkeys(argument for rtl in sources for argument in rtl.arguments if argument.endswith(".v"))
    search = [text for name in ("shell", "common_rtl") if name in inputs for text in ("-y", name)]
    return _step(
        "cosim-overlay", overlay, kernels, tool=tool, ap_types=ap_types, rootfs=rootfs, trace=trace,
        conditions=conditions, prepare=(), inputs=tuple(inputs.values()),
        files={"top.v": top.render(overlay, kernels), f"{simulation.FOLDER}/bufg.v": _verilog("bufg.v")},
        sources=("top.v", f"{simulation.FOLDER}/bufg.v", *arguments, *search),
    )  # fmt: skip


def netlist_step(
    overlay: Overlay,
    kernels: Mapping[str, Kernel],
    *,
    tool: Tool,
    yosys: Tool,
    ap_types: ApTypes,
    rootfs: str = "fpga",
    trace: bool = False,
    conditions: Sequence[Condition] = (NOMINAL,),
    netlist: str = "",
) -> Step:
    """Step `postsynth.<overlay>`: writes postsynth.json; VerifyError where a run fails.

    Args:
        overlay, kernels: as for the build.
        tool, yosys: verilator and yosys with their versions in the rootfs.
        ap_types, rootfs, trace, conditions: as in `cosim.step`.
        netlist: source of yosys' JSON netlist; empty: ``step:synth.<overlay>/top.json``.

    Raises:
        RecipeError: as the generated top.
    """
    source = netlist or f"step:synth.{overlay.overlay.lower()}/top.json"
    ram = f"{simulation.FOLDER}/block_ram.v"
    tools = Tool(name=tool.name, version=f"{tool.version}, {yosys.name} {yosys.version}")
    return _step(
        "postsynth", overlay, kernels, tool=tools, ap_types=ap_types, rootfs=rootfs, trace=trace,
        conditions=conditions, prepare=(("yosys", "-q", "-p", f"read_json top.json; write_verilog -noattr {NETLIST}"),),
        inputs=(Input("top.json", source),), files={ram: block_ram.render()},
        sources=(NETLIST, ram, "-v", YOSYS_CELLS),
    )  # fmt: skip


def harness(overlay: Overlay, kernels: Mapping[str, Kernel]) -> str:
    """Verilog of the simulation's top and of its PS7, with the ports that the overlay uses.

    Raises:
        RecipeError: as `top.masters`.
    """
    ports = []
    for port, prefix in ps7.CONTROL_PORTS.items():
        if any(instance.control == port for instance in overlay.kernels.values()):
            ports.append(_verilog_port(port, prefix, ps7.control_axi3(), ps_is_master=True))
    for port in top.masters(overlay, kernels):
        facts = ps7.MEMORY_PORTS[port]
        ignored = ("RDISSUECAP1EN", "WRISSUECAP1EN") if facts.high_performance else ()
        ports.append(_verilog_port(port, facts.prefix, ps7.memory_axi3(facts), ps_is_master=False, ignored=ignored))
    return testbench.render("ps7.v.j2", {"overlay": overlay.overlay, "ports": ports, "top": top.TOP})


def device(overlay: Overlay, kernels: Mapping[str, Kernel], *, trace: bool) -> str:
    """C++ of the overlay as a `Device`."""
    controls = [
        Port(_name(port), port, f"{_name(port)}_", range=CONTROL_RANGES[port])
        for port in ps7.CONTROL_PORTS
        if any(instance.control == port for instance in overlay.kernels.values())
    ]
    memories = [
        Port(_name(port), port, f"{_name(port)}_", ps7.MEMORY_PORTS[port].data_width)
        for port in top.masters(overlay, kernels)
    ]
    period = 10**12 // overlay.clocks[top.clock_of(overlay)]  # type: ignore[index]
    return simulation.ps7_device(f"overlay {overlay.overlay}", controls, memories, period=period, trace=trace)


def instances(overlay: Overlay) -> tuple[KernelInstance, ...]:
    """Kernels with their addresses and interrupts, as the generated top connects them."""
    bases = addresses(overlay)
    return tuple(
        KernelInstance(name, instance.kernel, bases[name], line)
        for line, (name, instance) in enumerate(overlay.kernels.items())
    )


def _kernels(overlay: Overlay, kernels: Mapping[str, Kernel]) -> list[Kernel]:
    missing = [instance.kernel for instance in overlay.kernels.values() if instance.kernel not in kernels]
    if missing:
        raise RecipeError(f"overlay {overlay.overlay}: there is no kernel {missing[0]!r}")
    return [kernels[name] for name in dict.fromkeys(instance.kernel for instance in overlay.kernels.values())]


def _step(
    stage: str,
    overlay: Overlay,
    kernels: Mapping[str, Kernel],
    *,
    tool: Tool,
    ap_types: ApTypes,
    rootfs: str,
    trace: bool,
    conditions: Sequence[Condition],
    prepare: tuple[tuple[str, ...], ...],
    inputs: tuple[Input, ...],
    files: Mapping[str, str],
    sources: tuple[str, ...],
) -> Step:
    used = _kernels(overlay, kernels)
    folder, report = simulation.FOLDER, f"{stage}.json"
    runs = [
        ProgramRun(
            f"{instance.name}.{condition.name}",
            (
                f"./{simulation.PROGRAM}", f"--instance={instance.name}",
                *condition.arguments(f"{instance.name}.{condition.name}"),
                *((f"--trace={cosim.TRACE}",) if trace and first else ()),
            ),
        )
        for first, instance, condition in _each_run(overlay, conditions)
    ]  # fmt: skip
    verilate = (
        "verilator", *simulation.SIMULATOR_FLAGS, *(("--trace-fst",) if trace else ()), "--top-module", "harness",
        HARNESS, *sources, *simulation.link_arguments(used),
    )  # fmt: skip
    return Step(
        name=f"{stage}.{overlay.overlay.lower()}",
        tool=tool,
        commands=(
            *prepare,
            *(command for kernel in used for command in simulation.testbench_commands(kernel)),
            verilate,
            ("sh", testbench.RUN_SCRIPT),
        ),
        outputs=(
            Output(report),
            *(Output(f"{run.name}.log") for run in runs),
            *((Output(cosim.TRACE),) if trace else ()),
        ),
        files={
            **simulation.static_sources(),
            **files,
            HARNESS: harness(overlay, kernels),
            f"{folder}/device.cpp": device(overlay, kernels, trace=trace),
            f"{folder}/testbenches.hpp": simulation.testbenches("ps7", instances(overlay)),
            **{f"{folder}/standin_{kernel.kernel}.cpp": simulation.standin(kernel) for kernel in used},
            testbench.RUN_SCRIPT: testbench.run_script(
                overlay.overlay, stage, report, runs, simulator=f"{tool.name} {tool.version}"
            ),
        },
        inputs=(*simulation.cxx_inputs(used), *inputs, ap_types.input),
        where=f"rootfs:{rootfs}",
        resources=Resources(cores=1, memory_mib=3000),
        checks=(testbench.verdict_check(report),),
        log_parser="pynqtorch.hw.testbench:parse_line",
        title=f"{'netlist' if stage == 'postsynth' else 'RTL'} simulation of overlay {overlay.overlay}",
    )


def _each_run(overlay: Overlay, conditions: Sequence[Condition]) -> list[tuple[bool, KernelInstance, Condition]]:
    pairs = [(instance, condition) for instance in instances(overlay) for condition in conditions]
    return [(index == 0, *pair) for index, pair in enumerate(pairs)]


def _verilog_port(
    port: str, prefix: str, signals: Sequence[ps7.Signal], *, ps_is_master: bool, ignored: tuple[str, ...] = ()
) -> dict[str, object]:
    listed = [
        {"name": name, "width": width, "from_ps": by_master == ps_is_master} for name, width, by_master in signals
    ]
    return {"name": _name(port), "prefix": prefix, "signals": listed, "ignored": ignored}


def _name(port: str) -> str:
    """S_AXI_HP0 -> hp0, M_AXI_GP0 -> m_gp0, S_AXI_GP0 -> s_gp0: C++ and Verilog identifier."""
    name = port.replace("_AXI_", "_").lower()
    return name if "gp" in name else name.removeprefix("s_")


@cache
def _verilog(name: str) -> str:
    return (Path(__file__).parent / "sim" / name).read_text(encoding="utf-8")
