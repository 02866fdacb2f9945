# SPDX-License-Identifier: AGPL-3.0-or-later
"""A small checkout with one right recipe of each kind, for tests that then break one thing."""

from __future__ import annotations

from pathlib import Path

from pynqtorch.recipes.repository import check

Case = tuple[str, str, str, str]
"""A file, what is replaced in it, by what, and the problems as line:column: message."""

BOARD = """\
board: zed
part: xc7z020clg400-1
ps7: {crystal: 50MHz, io_pll: 1GHz}
resources: {lut: 53200, ff: 106400, bram36: 140, dsp: 220}
software: {pynq: "3.1.1", glibc: "2.35", python: "3.10", triple: arm-linux-gnueabihf, machine: armv7l}
pins:
  led0: {loc: R14, iostandard: LVCMOS33}
overlays: [one]
"""
KERNEL = """\
kernel: add
top: add
clock: 5ns
arguments:
  a: {type: int32, shape: [16], port: m_axi, bundle: gmem}
  out: {type: int32, shape: [16], port: m_axi, bundle: gmem, direction: out, register: out_r}
  n: {type: int32}
hls: {sources: [add.cpp], testbench: [add_tb.cpp]}
rtl: {sources: [rtl/add.v], data_width: {gmem: 64}}
"""
OVERLAY = """\
overlay: one
board: zed
clocks: {fclk0: 100MHz}
kernels:
  add_0: {kernel: add, memory: {gmem: S_AXI_HP0}}
"""
ROOTFS = """\
rootfs: tools
suite: trixie
packages: [yosys, g++]
tools: {yosys: yosys}
"""
BOARD_FILE = "recipes/boards/zed.yaml"
KERNEL_FILE = "recipes/kernels/add.yaml"
OVERLAY_FILE = "recipes/overlays/one.yaml"
ROOTFS_FILE = "recipes/rootfs/tools.yaml"
FILES = {BOARD_FILE: BOARD, KERNEL_FILE: KERNEL, OVERLAY_FILE: OVERLAY, ROOTFS_FILE: ROOTFS}
SOURCES = ("hw/kernel/add/add.cpp", "hw/kernel/add/add_tb.cpp", "hw/kernel/add/rtl/add.v")


def make_checkout(root: Path) -> Path:
    """Writes the recipes and empty sources below `root`."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name in SOURCES:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("// nothing\n", encoding="utf-8")
    return root


def edit(root: Path, name: str, old: str, new: str) -> None:
    """Replaces a text that must be there in a file of the checkout."""
    path = root / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def assert_told(case: Case, folder: Path) -> None:
    """The mistake of a case is told once, where it is, and nothing else is."""
    file, old, new, expected = case
    root = make_checkout(folder)
    edit(root, file, old, new)
    problems = check(root)
    assert "\n".join(f"{p.line}:{p.column}: {p.message}" for p in problems) == expected
    assert {p.path for p in problems} == {file}
