# SPDX-License-Identifier: AGPL-3.0-or-later
"""C simulation: the kernel's C++ with its testbench, by g++ with Xilinx's open headers and with sanitizers."""

from __future__ import annotations

from pynqtorch.hw import testbench
from pynqtorch.hw.testbench import ApTypes, ProgramRun
from pynqtorch.plan import Output, Resources, Step, Tool
from pynqtorch.recipes.models import Kernel

REPORT = "csim.json"
PROGRAM = "testbench"

CXXFLAGS = (
    "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
    "-fno-sanitize=shift-base",  # ap_private.h sign-extends by shifting negative numbers left
    "-Wall", "-Wextra",
    "-Wno-unknown-pragmas", "-Wno-unused-label",  # HLS pragmas; HLS names loops by labels
    "-Wno-uninitialized", "-Wno-maybe-uninitialized",  # ap_int's default constructor reads what it then overwrites
)  # fmt: skip
"""Besides the recipe's own flags, which come later and so win."""


def step(kernel: Kernel, *, tool: Tool, ap_types: ApTypes, rootfs: str = "fpga") -> Step:
    """Step `csim.<kernel>`: compiles and runs the testbench, writes csim.json; VerifyError where it fails.

    Args:
        kernel: sources and testbench are named in `hls`; <kernel>.hpp is always there.
        tool: g++ with its version in the rootfs.
        ap_types: `testbench.find_ap_types()`.
        rootfs: name of the rootfs to run in.
    """
    sources = (*kernel.hls.sources, *kernel.hls.testbench)
    compile_command = (
        "g++", "-isystem", testbench.AP_TYPES, f"-I{testbench.staged(kernel, '.')}", *CXXFLAGS, *kernel.hls.cflags,
        *(testbench.staged(kernel, path) for path in testbench.compiled(sources)), "-o", PROGRAM,
    )  # fmt: skip
    runs = (ProgramRun("csim", (f"./{PROGRAM}",)),)
    return Step(
        name=f"csim.{kernel.kernel.lower()}",
        tool=tool,
        commands=(compile_command, ("sh", testbench.RUN_SCRIPT)),
        outputs=(Output(REPORT), Output("csim.log")),
        files={testbench.RUN_SCRIPT: testbench.run_script(kernel.kernel, "csim", REPORT, runs)},
        inputs=(*testbench.cxx_inputs(kernel, sources), ap_types.input),
        env={"ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=0"},
        where=f"rootfs:{rootfs}",
        resources=Resources(cores=1, memory_mib=1500),
        checks=(testbench.verdict_check(REPORT),),
        log_parser="pynqtorch.hw.testbench:parse_line",
        title=f"C simulation of {kernel.kernel}",
    )
