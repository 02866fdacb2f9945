# SPDX-License-Identifier: AGPL-3.0-or-later
"""What one recipe can say wrong, as a user sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
from recipe_samples import BOARD_FILE as BOARD
from recipe_samples import KERNEL_FILE as KERNEL
from recipe_samples import OVERLAY_FILE as OVERLAY
from recipe_samples import ROOTFS_FILE as ROOTFS
from recipe_samples import Case, assert_told

CASES: dict[str, Case] = {
    "unknown_key": (KERNEL, "clock: 5ns", "clok: 5ns", "3:1: unknown key 'clok'; did you mean 'clock'?"),
    "unknown_key_far": (
        KERNEL,
        "top: add",
        "top: add\nxyzzy: 1",
        "3:1: unknown key 'xyzzy'; known: kernel, description, top, clock, control, vendor, library, "
        "version, arguments, hls, rtl",
    ),
    "unknown_key_deep": (
        KERNEL,
        "n: {type: int32}",
        "n: {typ: int32}",
        "7:7: arguments.n: unknown key 'typ'; did you mean 'type'?",
    ),
    "time_without_unit": (
        KERNEL,
        "clock: 5ns",
        "clock: 5",
        "3:8: clock: a time needs a number and a unit, e.g. 5ns; got 5",
    ),
    "unknown_unit": (
        OVERLAY,
        "100MHz",
        "100mhz",
        "3:17: clocks.fclk0: unknown unit 'mhz' of a frequency; did you mean MHz?",
    ),
    "frequency_text": (
        OVERLAY,
        "100MHz",
        "fast",
        "3:17: clocks.fclk0: a frequency needs a number and a unit, e.g. 100MHz; got 'fast'",
    ),
    "enumeration": (
        OVERLAY,
        "S_AXI_HP0",
        "S_AXI_HP9",
        "5:39: kernels.add_0.memory.gmem: 'S_AXI_HP9' is not known here; did you mean 'S_AXI_HP3'? "
        "(known: S_AXI_HP0, S_AXI_HP1, S_AXI_HP2, S_AXI_HP3, S_AXI_GP0, S_AXI_GP1, S_AXI_ACP)",
    ),
    "enumeration_far": (
        KERNEL,
        "type: int32}",
        "type: quaternion}",
        "7:13: arguments.n.type: 'quaternion' is not known here; known: int8, uint8, int16, uint16, "
        "int32, uint32, int64, uint64, float, double",
    ),
    "clock_name": (
        OVERLAY,
        "fclk0: 100MHz",
        "fclk7: 100MHz",
        "3:10: clocks: 'fclk7' is not known here; did you mean 'fclk3'? (known: fclk0, fclk1, fclk2, fclk3)",
    ),
    "name_pattern": (
        KERNEL,
        "top: add",
        "top: 2add",
        "2:6: top: '2add': a name begins with a letter and has letters, digits and _ only, 63 at most",
    ),
    "part": (BOARD, "xc7z020clg400-1", "xc7a35t", "2:7: part: 'xc7a35t': a Zynq-7000 part looks like xc7z020clg400-1"),
    "float_for_text": (
        BOARD,
        'python: "3.10"',
        "python: 3.10",
        '5:50: software.python: must be a text; write "3.10" in quotes',
    ),
    "text_for_number": (
        BOARD,
        "lut: 53200",
        'lut: "53200"',
        "4:18: resources.lut: must be a whole number, not in quotes",
    ),
    "boolean_for_number": (BOARD, "lut: 53200", "lut: true", "4:18: resources.lut: must be a whole number"),
    "negative": (BOARD, "lut: 53200", "lut: -1", "4:18: resources.lut: must be at least 0"),
    "mapping_wanted": (
        BOARD,
        "  led0: {loc: R14, iostandard: LVCMOS33}",
        "  led0: R14",
        "7:9: pins.led0: must be a mapping (key: value)",
    ),
    "list_wanted": (BOARD, "overlays: [one]", "overlays: one", "8:11: overlays: must be a list, e.g. [a, b]"),
    "text_for_list": (ROOTFS, "packages: [yosys, g++]", "packages: []", "3:11: packages: must have at least 1 entry"),
    "shape_zero": (
        KERNEL,
        "a: {type: int32, shape: [16]",
        "a: {type: int32, shape: [0]",
        "5:28: arguments.a.shape[0]: must be more than 0",
    ),
    "too_many_dimensions": (
        KERNEL,
        "a: {type: int32, shape: [16]",
        "a: {type: int32, shape: [1, 1, 1, 1, 1, 1, 1]",
        "5:27: arguments.a.shape: must have at most 6 entries",
    ),
    "no_bundle": (
        KERNEL,
        "port: m_axi, bundle: gmem}",
        "port: m_axi}",
        "5:6: arguments.a: an m_axi argument needs a bundle, e.g. bundle: gmem",
    ),
    "scalar_with_shape": (
        KERNEL,
        "n: {type: int32}",
        "n: {type: int32, shape: [4]}",
        "7:6: arguments.n: shape and bundle belong to m_axi arguments; say port: m_axi",
    ),
    "bad_width": (KERNEL, "gmem: 64}", "gmem: 48}", "9:48: rtl.data_width.gmem: must be one of 32, 64, 128, 256, 512"),
    "absolute_path": (
        KERNEL,
        "[add.cpp]",
        "[/etc/passwd]",
        "8:17: hls.sources[0]: '/etc/passwd': a path is relative and uses / (no leading /, no backslash)",
    ),
    "flag_with_blank": (
        KERNEL,
        "testbench: [add_tb.cpp]}",
        "testbench: [add_tb.cpp], cflags: [-O2 -g]}",
        "8:61: hls.cflags[0]: '-O2 -g': a flag begins with '-' and has no blank; write one flag in each entry",
    ),
    "preset_list": (
        BOARD,
        "io_pll: 1GHz",
        "io_pll: 1GHz, preset: {CONFIG.PCW_X: [1]}",
        "3:60: ps7.preset.CONFIG.PCW_X: must be a text, a number, true or false",
    ),
    "preset_key": (
        BOARD,
        "io_pll: 1GHz",
        "io_pll: 1GHz, preset: {PCW_X: 1}",
        "3:46: ps7.preset: 'PCW_X': a preset looks like CONFIG.PCW_UIPARAM_DDR_PARTNO",
    ),
    "address_text": (
        OVERLAY,
        "{kernel: add,",
        "{kernel: add, address: here,",
        "5:33: kernels.add_0.address: 'here' is not an address; write it as 0x4000_0000",
    ),
    "address_negative": (
        OVERLAY,
        "{kernel: add,",
        "{kernel: add, address: -1,",
        "5:33: kernels.add_0.address: must be at least 0",
    ),
    "missing": (OVERLAY, "board: zed\n", "", "1:1: the key 'board' is missing"),
    "other_kind": (
        OVERLAY,
        "overlay: one",
        "kernel: one",
        "1:1: a recipe of recipes/kernels/? In recipes/overlays/ the first key is 'overlay'",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_told_once_where_it_is(name: str, tmp_path: Path) -> None:
    assert_told(CASES[name], tmp_path)
