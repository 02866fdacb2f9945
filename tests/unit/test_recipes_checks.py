# SPDX-License-Identifier: AGPL-3.0-or-later
"""What recipes can say wrong about each other and about files, as a user sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
from recipe_samples import BOARD_FILE as BOARD
from recipe_samples import KERNEL_FILE as KERNEL
from recipe_samples import OVERLAY_FILE as OVERLAY
from recipe_samples import ROOTFS_FILE as ROOTFS
from recipe_samples import Case, assert_told

CASES: dict[str, Case] = {
    "file_name": (
        KERNEL,
        "kernel: add",
        "kernel: sub",
        "1:9: kernel: 'sub' in a file named add.yaml; name and file must agree",
    ),
    "unknown_board": (OVERLAY, "board: zed", "board: zet", "2:8: board: no board 'zet'; did you mean 'zed'?"),
    "unknown_kernel": (
        OVERLAY,
        "kernel: add,",
        "kernel: ad,",
        "5:19: kernels.add_0.kernel: no kernel 'ad'; did you mean 'add'?",
    ),
    "missing_port": (
        OVERLAY,
        ", memory: {gmem: S_AXI_HP0}",
        "",
        "5:10: kernels.add_0.memory: no port for gmem; write e.g. memory: {gmem: S_AXI_HP0}",
    ),
    "unknown_bundle": (
        OVERLAY,
        "{gmem: S_AXI_HP0}",
        "{gmem: S_AXI_HP0, gmen: S_AXI_HP1}",
        "5:50: kernels.add_0.memory: the kernel 'add' has no bundle 'gmen'; did you mean 'gmem'?",
    ),
    "undeclared_clock": (
        OVERLAY,
        "{kernel: add,",
        "{kernel: add, clock: fclk1,",
        "5:31: kernels.add_0.clock: 'fclk1' is not among clocks; did you mean 'fclk0'?",
    ),
    "fast_clock": (OVERLAY, "100MHz", "300MHz", "3:17: clocks.fclk0: 300MHz is above the 250MHz of a PL clock"),
    "unreachable_clock": (
        OVERLAY,
        "100MHz",
        "190MHz",
        "3:17: clocks.fclk0: 190MHz cannot be made from the IO PLL's 1GHz within 1 %; the nearest is "
        "200MHz (divided by 5 and 1)",
    ),
    "slow_clock": (
        OVERLAY,
        "100MHz",
        "10kHz",
        "3:17: clocks.fclk0: 10kHz cannot be made from the IO PLL's 1GHz within 1 %; the nearest is "
        "251.953kHz (divided by 63 and 63)",
    ),
    "unaligned": (
        OVERLAY,
        "{kernel: add,",
        "{kernel: add, address: 0x4000_1000,",
        "5:33: kernels.add_0.address: 0x40001000 is not a multiple of 0x10000 (64 KiB); the nearest "
        "below is 0x40000000",
    ),
    "outside": (
        OVERLAY,
        "{kernel: add,",
        "{kernel: add, address: 0x8000_0000,",
        "5:33: kernels.add_0.address: 0x80000000 lies outside of M_AXI_GP0, 0x40000000 to 0x7fffffff",
    ),
    "same_window": (
        OVERLAY,
        "  add_0: {kernel: add,",
        "  add_1: {kernel: add, address: 0x40000000, memory: {gmem: S_AXI_HP1}}\n"
        "  add_0: {kernel: add, address: 0x40000000,",
        "6:33: kernels.add_0.address: 0x40000000 is in the 64 KiB window of add_1",
    ),
    "unknown_overlay": (BOARD, "[one]", "[onw]", "8:12: overlays[0]: no overlay 'onw'; did you mean 'one'?"),
    "overlay_of_another_board": (
        BOARD,
        "board: zed",
        "board: zee",
        "1:8: board: 'zee' in a file named zed.yaml; name and file must agree",
    ),
    "overlay_twice": (BOARD, "[one]", "[one, one]", "8:17: overlays[1]: 'one' is named twice"),
    "missing_source": (
        KERNEL,
        "[add.cpp]",
        "[ad.cpp]",
        "8:17: hls.sources[0]: there is no file hw/kernel/add/ad.cpp; did you mean 'add.cpp'?",
    ),
    "source_twice": (
        KERNEL,
        "[rtl/add.v]",
        "[rtl/add.v, ./rtl/add.v]",
        "9:28: rtl.sources[1]: ./rtl/add.v is named twice",
    ),
    "source_outside": (
        KERNEL,
        "[rtl/add.v]",
        "[../../../../x.v]",
        "9:17: rtl.sources[0]: ../../../../x.v leads out of the repository",
    ),
    "source_folder": (KERNEL, "[rtl/add.v]", "[rtl]", "9:17: rtl.sources[0]: hw/kernel/add/rtl is not a file"),
    "reserved_argument": (
        KERNEL,
        "  n: {type",
        "  int: {type",
        "7:3: arguments: 'int' is a reserved word of C++; no function can have it",
    ),
    "reserved_in_hdl": (
        KERNEL,
        ", register: out_r",
        "",
        "6:3: arguments.out: 'out' is a reserved word of VHDL; say its name in the register map, register: out_r",
    ),
    "reserved_register": (
        KERNEL,
        "register: out_r",
        "register: out",
        "6:88: arguments.out.register: 'out' is a reserved word of VHDL; HLS calls it 'out_r'",
    ),
    "register_clash": (
        KERNEL,
        "  n: {type",
        "  a_1: {type",
        "7:3: arguments.a_1: its register 'a_1' is also that of the argument 'a'",
    ),
    "register_control": (
        KERNEL,
        "n: {type: int32}",
        "n: {type: int32, register: CTRL}",
        "7:30: arguments.n: its register 'CTRL' is also that of a control register",
    ),
    "reserved_top": (KERNEL, "top: add", "top: module", "2:6: top: 'module' is a reserved word of Verilog"),
    "reserved_instance": (OVERLAY, "  add_0:", "  wire:", "5:3: kernels.wire: 'wire' is a reserved word of Verilog"),
    "array_too_large": (
        KERNEL,
        "a: {type: int32, shape: [16]",
        "a: {type: int32, shape: [65536, 65536]",
        "5:27: arguments.a.shape: 16.0 GiB; a Zynq-7000 addresses 1 GiB of memory",
    ),
    "width_of_no_bundle": (
        KERNEL,
        "data_width: {gmem: 64}",
        "data_width: {mem: 64}",
        "9:42: rtl.data_width: no argument has the bundle 'mem'; did you mean 'gmem'?",
    ),
    "tool_without_package": (
        ROOTFS,
        "{yosys: yosys}",
        "{yosys: yosis}",
        "4:16: tools.yosys: 'yosis' is not among packages; did you mean 'yosys'?",
    ),
    "foreign_component": (
        ROOTFS,
        "suite: trixie",
        "suite: trixie\ncomponents: [main, universe]",
        "3:20: components[1]: 'universe' is a component of ubuntu, not of debian",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_told_once_where_it_is(name: str, tmp_path: Path) -> None:
    assert_told(CASES[name], tmp_path)
