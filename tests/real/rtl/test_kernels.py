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
