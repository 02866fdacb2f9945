# SPDX-License-Identifier: AGPL-3.0-or-later
"""The C++ that stands between a kernel's testbench and its verilated hardware, rendered from recipes.

Static C++ is in pynqtorch/hw/sim; this module renders what depends on the recipe:

- `standin_<kernel>.cpp`: the top function, with the signature that the kernel's own header declares;
- `device.cpp`: the ports of the verilated model as a `Device`. Transport `kernel` is one kernel with its own AXI
  ports; transport `ps7` is an overlay behind the ports of the processing system;
- `testbenches.hpp`: which kernels there are.

The arrays of a testbench are mapped into the simulated address space as they are, so a testbench must allocate every
m_axi array with the full shape of the recipe.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pynqtorch.errors import RecipeError
from pynqtorch.hw import testbench
from pynqtorch.hw.registers import address_bits, argument_registers
from pynqtorch.plan import Input
from pynqtorch.recipes.models import TYPE_BITS, Kernel

FOLDER = "sim"
"""Where the C++ is in a step."""
PROGRAM = "obj/simulation"
MODEL = "Vmodel"
"""Name of the verilated class."""
SIMULATOR_FLAGS = (
    "--cc", "--exe", "--build", "-j", "1", "--prefix", MODEL, "--Mdir", "obj", "-o", "simulation",
    "-O3", "--x-assign", "fast", "--x-initial", "unique", "--no-timing",
    "--quiet", "-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-TIMESCALEMOD", "-Wno-SPECIFYIGN", "-Wno-INITIALDLY",
    "-Wno-SYMRSVDWORD", "-Wno-MODDUP", "-Wno-UNOPTFLAT", "-Wno-COMBDLY",
    # -O1: half the build time of -O2, and about as fast
    "-CFLAGS", f"-std=gnu++20 -O1 -I../{FOLDER} -isystem ../{testbench.AP_TYPES}",
    "-MAKEFLAGS", "--silent OPT_FAST=-O1 OPT_SLOW=-O0 OPT_GLOBAL=-O1",
)  # fmt: skip
"""Arguments of Verilator (5.x)."""


@dataclass(frozen=True, slots=True)
class Port:
    """An AXI port of the verilated model.

    Attributes:
        name: C++ identifier.
        title: what messages call it.
        prefix: of its signals in the model.
        width: data bits that are expected, 0 if not known.
        range: first and last address that a control port answers for; None: all.
    """

    name: str
    title: str
    prefix: str
    width: int = 0
    range: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class KernelInstance:
    """A kernel in the simulated device: base address of its registers, number of its interrupt."""

    name: str
    kernel: str
    base: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """How the world outside of the hardware behaves in one run.

    Attributes:
        name: of the run.
        seed: of stalls and of registers that have no reset; 0: they start with 0.
        stall_percent: share of cycles in which each READY or VALID of ours is held back.
        read_latency, write_latency: cycles of the memory.
        bandwidth: bytes a cycle and memory port; 0: as the bus allows.
        max_cycles: limit of one call.
        alignment: of the buffers' addresses, bytes.
    """

    name: str = "nominal"
    seed: int = 0
    stall_percent: int = 0
    read_latency: int = 32
    write_latency: int = 16
    bandwidth: int = 0
    max_cycles: int = 20_000_000
    alignment: int = 4096

    def arguments(self, run: str = "") -> tuple[str, ...]:
        """Options of the program (pynqtorch/hw/sim/options.hpp); its figures go to <run or name>.json."""
        return (
            f"--report={run or self.name}.json", f"--seed={self.seed}", f"--stall={self.stall_percent}",
            f"--read-latency={self.read_latency}", f"--write-latency={self.write_latency}",
            f"--bandwidth={self.bandwidth}", f"--max-cycles={self.max_cycles}", f"--alignment={self.alignment}",
        )  # fmt: skip


NOMINAL = Condition()
STALLED = Condition(name="stalled", seed=1, stall_percent=30, read_latency=11, write_latency=5, alignment=64)
CONDITIONS = (NOMINAL, STALLED)
"""The first gives the cycle counts; the second finds hardware that relies on READY or on what registers start with."""


def standin(kernel: Kernel) -> str:
    """C++ text of the top function that drives the device.

    Raises:
        RecipeError: an argument is larger than the simulated memory.
    """
    registers = argument_registers(kernel)
    arguments = []
    for index, (name, argument) in enumerate(kernel.arguments.items()):
        elements = math.prod(argument.shape)
        if elements * TYPE_BITS[argument.type] // 8 > 1 << 30:
            raise RecipeError(
                f"kernel {kernel.kernel}: argument {name} has {elements} elements, too many to simulate",
                hint="the limit is 1 GiB an argument; a smaller shape does for the simulation",
            )
        arguments.append(
            {
                "index": index,
                "name": name,
                "type": argument.type,
                "bytes": TYPE_BITS[argument.type] // 8,
                "pointer": argument.port == "m_axi",
                "elements": elements,
                "readable": argument.direction != "out",
                "writable": argument.direction != "in",
                "offset": registers[name].offset,
                "bits": registers[name].bits,
            }
        )
    values = {"kernel": kernel.kernel, "top": kernel.top, "header": testbench.header(kernel), "arguments": arguments}
    return testbench.render("standin.cpp.j2", values)


def testbenches(transport: str, instances: Sequence[KernelInstance]) -> str:
    """C++ text of the table of kernels."""
    kernels = list(dict.fromkeys(instance.kernel for instance in instances))
    values = {"transport": transport, "instances": instances, "kernels": kernels}
    return testbench.render("testbenches.hpp.j2", values)


def kernel_device(kernel: Kernel, *, check_widths: bool, trace: bool) -> str:
    """C++ text of transport `kernel`.

    Args:
        kernel: names of the ports.
        check_widths: the RTL is the one that `rtl.data_width` describes.
        trace: with FST traces.
    """
    widths = kernel.rtl.data_width if kernel.rtl else {}
    memories = [
        Port(bundle, f"m_axi_{bundle}", f"m_axi_{bundle}_", widths.get(bundle, 32) if check_widths else 0)
        for bundle in kernel.bundles
    ]
    control = Port("control", f"s_axi_{kernel.control}", f"s_axi_{kernel.control}_")
    return _device(
        {
            "what": f"kernel {kernel.kernel}", "transport": "kernel", "controls": [control], "memories": memories,
            "clock": "ap_clk", "reset": "ap_rst_n", "settle": 4, "trace": trace,
            "address_mask": (1 << address_bits(kernel)) - 1, "half_period": max(kernel.clock // 2, 1),
        }
    )  # fmt: skip


def ps7_device(what: str, controls: Sequence[Port], memories: Sequence[Port], *, period: int, trace: bool) -> str:
    """C++ text of transport `ps7`; `period` of FCLK in picoseconds."""
    return _device(
        {
            "what": what, "transport": "ps7", "controls": list(controls), "memories": list(memories), "clock": "fclk",
            "reset": "fclk_reset_n", "settle": 64, "trace": trace, "half_period": max(period // 2, 1),
        }
    )  # fmt: skip


def _device(values: Mapping[str, object]) -> str:
    return testbench.render("device.cpp.j2", values)


@cache
def static_sources() -> Mapping[str, str]:
    """The C++ of pynqtorch/hw/sim as rendered files: its text is in the step's key, wherever the package lies."""
    folder = Path(__file__).parent / "sim"
    return {
        f"{FOLDER}/{path.name}": path.read_text(encoding="utf-8")
        for path in sorted(folder.iterdir())
        if path.suffix in {".hpp", ".cpp"}
    }


def object_name(kernel: Kernel, index: int) -> str:
    """Object file of a testbench source."""
    return f"testbench_{kernel.kernel}_{index}.o"


def testbench_commands(kernel: Kernel) -> tuple[tuple[str, ...], ...]:
    """Compiles the unchanged testbench as its recipe says, then renames its main()."""
    sources = testbench.compiled(kernel.hls.testbench)
    commands: list[tuple[str, ...]] = []
    for index, path in enumerate(sources):
        name = object_name(kernel, index)
        commands.append(
            (
                "g++", "-isystem", testbench.AP_TYPES, f"-I{testbench.staged(kernel, '.')}", "-O1", "-g",
                "-Wno-unknown-pragmas", *kernel.hls.cflags, "-c", testbench.staged(kernel, path), "-o", name,
            )
        )  # fmt: skip
        commands.append(("objcopy", "--redefine-sym", f"main={kernel.kernel}_testbench_main", name))
    return tuple(commands)


def link_arguments(kernels: Iterable[Kernel]) -> tuple[str, ...]:
    """What Verilator compiles and links besides the model; paths are relative to the step's folder."""
    arguments = ["../" + f"{FOLDER}/main.cpp", "../" + f"{FOLDER}/device.cpp"]
    for kernel in kernels:
        arguments += ["-CFLAGS", f"-I../{testbench.staged(kernel, '.')}", f"../{FOLDER}/standin_{kernel.kernel}.cpp"]
        count = len(testbench.compiled(kernel.hls.testbench))
        arguments += [f"../{object_name(kernel, index)}" for index in range(count)]
    return tuple(arguments)


def cxx_inputs(kernels: Iterable[Kernel]) -> tuple[Input, ...]:
    """Headers and testbenches of all kernels, each once."""
    found = {item.staged: item for kernel in kernels for item in testbench.cxx_inputs(kernel, kernel.hls.testbench)}
    return tuple(found.values())
