# SPDX-License-Identifier: AGPL-3.0-or-later
"""Recipes, netlists and reports that the tests of the open flow share."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pynqtorch.recipes.models import Board, Kernel, Overlay, RtlSource
from pynqtorch.recipes.repository import Repository

REPOSITORY = Path(__file__).parents[2]
ROUTE = Path(__file__).parent / "data" / "openflow_route.json"
"""Written by nextpnr-himbaechel-xilinx 0.11.1 for a 24-bit counter on FCLK0."""
VERSIONS = {
    "yosys": "0.66",
    "nextpnr-himbaechel-xilinx": "0.11.1",
    "prjxray-database": "1",
    "g++": "15",
    "verilator": "5",
}
PORTS = ("S_AXI_HP0", "S_AXI_HP1", "S_AXI_HP2", "S_AXI_HP3", "S_AXI_GP0", "S_AXI_GP1", "S_AXI_ACP")


def kernel(name: str = "adder", bundles: tuple[str, ...] = ("gmem",), *, rtl: bool = True, width: int = 32) -> Kernel:
    arguments: dict[str, Any] = {
        f"x{index}": {"type": "int32", "shape": (16,), "port": "m_axi", "bundle": bundle}
        for index, bundle in enumerate(bundles)
    }
    source = {"sources": (f"rtl/{name}.v",), "data_width": dict.fromkeys(bundles, width)}
    return Kernel.model_validate(
        {
            "kernel": name,
            "top": name,
            "clock": "5ns",
            "arguments": arguments | {"n": {"type": "int32"}},
            "hls": {"sources": (f"{name}.cpp",), "testbench": (f"{name}_tb.cpp",)},
            "rtl": source if rtl else None,
        }
    )


def overlay(kernels: dict[str, Any], **changes: Any) -> Overlay:
    content = {"overlay": "demo", "board": "pynq-z2", "clocks": {"fclk0": "100MHz"}, "kernels": kernels}
    return Overlay.model_validate(content | changes)


def instance(port: str = "S_AXI_HP0", name: str = "adder", **changes: Any) -> dict[str, Any]:
    return {"kernel": name, "memory": {"gmem": port}} | changes


def board() -> Board:
    return Board.model_validate(
        {
            "board": "pynq-z2",
            "part": "xc7z020clg400-1",
            "ps7": {"crystal": "50MHz", "io_pll": "1GHz"},
            "resources": {"lut": 53200, "ff": 106400, "bram36": 140, "dsp": 220},
            "software": {
                "pynq": "3.1.1", "glibc": "2.35", "python": "3.10", "triple": "arm-linux-gnueabihf",
                "machine": "armv7l",
            },
        }
    )  # fmt: skip


def repository(root: Path, made: Overlay, *kernels: Kernel) -> Repository:
    """A repository of recipes only, with the shell's and the common RTL as empty files below `root`."""
    for folder in ("hw/shell", "hw/kernel/common/rtl"):
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / f"{folder.split('/')[1]}_part.v").write_text("")
    return Repository(
        root=root,
        boards=MappingProxyType({"pynq-z2": board()}),
        kernels=MappingProxyType({item.kernel: item for item in kernels or (kernel(),)}),
        overlays=MappingProxyType({made.overlay: made}),
        rootfs=MappingProxyType({}),
        documents=MappingProxyType({}),
    )


def with_sources(made: Kernel, *sources: str) -> Kernel:
    return made.model_copy(update={"rtl": RtlSource(sources=sources)})


def netlist(path: Path, top: str = "top", **cells: tuple[str, dict[str, str]]) -> Path:
    """A yosys JSON netlist of cells: name -> (type, parameters)."""
    content = {name: {"type": kind, "parameters": parameters} for name, (kind, parameters) in cells.items()}
    path.write_text(json.dumps({"modules": {top: {"cells": content}}}))
    return path


def placed(path: Path, cells: dict[str, str]) -> Path:
    """A placed netlist: cell -> BEL."""
    content = {name: {"type": "x", "attributes": {"NEXTPNR_BEL": bel} if bel else {}} for name, bel in cells.items()}
    path.write_text(json.dumps({"modules": {"top": {"cells": content}}}))
    return path


def route_report() -> dict[str, Any]:
    return dict(json.loads(ROUTE.read_text()))
