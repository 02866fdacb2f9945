# SPDX-License-Identifier: AGPL-3.0-or-later
"""The kernels' Verilog in simulation against NumPy, on a third party's AXI models."""

from __future__ import annotations

from pathlib import Path

import pytest
from simulate import simulate

pytestmark = pytest.mark.real
COMMON = [f"hw/kernel/common/rtl/kernel_{name}.v" for name in ("control", "fifo", "burst_write")]


def test_vector_add(tmp_path: Path) -> None:
    simulate("bench_vector_add", "vector_add", [*COMMON, "hw/kernel/vector_add/rtl/vector_add.v"], tmp_path)


@pytest.mark.parametrize(
    ("kernel", "size", "cells", "only"),
    [
        ("matrix_mult", 16, 8, None),
        ("matrix_mult", 32, 16, "back_pressure|slow_memory"),
        ("matrix_mult", 32, 4, "unaligned"),
        ("matrix_mult_fabric", 16, 8, None),
        ("matrix_mult_fabric", 32, 16, "unaligned"),
    ],
)
def test_matrix_mult(tmp_path: Path, kernel: str, size: int, cells: int, only: str | None) -> None:
    parts = [f"hw/kernel/matrix_mult/rtl/matrix_mult_{name}.v" for name in ("core", "cell", "mac")]
    sources = [*COMMON, "hw/kernel/common/rtl/kernel_burst_read.v", *parts, f"hw/kernel/{kernel}/rtl/{kernel}.v"]
    simulate("bench_matrix_mult", kernel, sources, tmp_path, parameters={"SIZE": size, "CELLS": cells}, only=only)
