# SPDX-License-Identifier: AGPL-3.0-or-later
"""The shell's Verilog in simulation, on a third party's AXI models and a protocol checker."""

from __future__ import annotations

from pathlib import Path

import pytest
from simulate import simulate

pytestmark = pytest.mark.real
SHELL = "hw/shell/shell_"
TOPS = "tests/real/rtl/tops"
MEMORY_PATH = [
    *(
        f"{SHELL}{name}.v"
        for name in ("fifo", "axi_split", "axi_width_write", "axi_width_read", "axi4_to_axi3", "axi_mux")
    ),
    f"{TOPS}/memory_path.v",
]


def test_control_path(tmp_path: Path) -> None:
    sources = [f"{SHELL}{name}.v" for name in ("reset", "gp_to_axil", "axil_mux")]
    simulate("bench_control_path", "control_path", [*sources, f"{TOPS}/control_path.v"], tmp_path)


@pytest.mark.parametrize(
    ("masters", "kernel", "port"),
    [(1, 64, 64), (2, 32, 64), (1, 128, 64), (1, 512, 32), (2, 64, 32), (3, 64, 64), (1, 32, 32)],
)
def test_memory_path(tmp_path: Path, masters: int, kernel: int, port: int) -> None:
    parameters = {"N": masters, "S_DATA_WIDTH": kernel, "M_DATA_WIDTH": port}
    simulate("bench_memory_path", "memory_path", MEMORY_PATH, tmp_path, parameters=parameters)
