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


@pytest.mark.parametrize("kernel", ["matrix_mult", "matrix_mult_fabric"])
@pytest.mark.parametrize(("size", "cells"), [(16, 8)])
def test_matrix_mult(tmp_path: Path, kernel: str, size: int, cells: int) -> None:
    parts = [f"hw/kernel/matrix_mult/rtl/matrix_mult_{name}.v" for name in ("core", "cell", "mac")]
    sources = [*COMMON, "hw/kernel/common/rtl/kernel_burst_read.v", *parts, f"hw/kernel/{kernel}/rtl/{kernel}.v"]
    simulate("bench_matrix_mult", kernel, sources, tmp_path, {"SIZE": size, "CELLS": cells})
