# SPDX-License-Identifier: AGPL-3.0-or-later
"""Run a cocotb module against Verilog with the simulator found on PATH (Icarus Verilog, else Verilator)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent


def simulator() -> str:
    """Name of the simulator for cocotb's runner; skips the test where there is none."""
    wanted = os.environ.get("PYNQTORCH_SIM")
    for name, program in (("icarus", "iverilog"), ("verilator", "verilator")):
        if wanted in (None, name) and shutil.which(program):
            return name
    pytest.skip("no simulator: install iverilog (or verilator >= 5.036), see tests/real/rtl/README.md")


def simulate(
    module: str,
    top: str,
    sources: Sequence[str],
    build_dir: Path,
    *,
    parameters: Mapping[str, int] | None = None,
    only: str | None = None,
) -> None:
    """Build `top` from `sources` (relative to the checkout) and run the cocotb tests of `module`; fail if one fails.

    `only` is a regular expression: the tests to run.
    """
    runner_module = pytest.importorskip("cocotb_tools.runner")
    pytest.importorskip("cocotbext.axi")
    name = simulator()
    runner = runner_module.get_runner(name)
    arguments = ["-g2005"] if name == "icarus" else ["-Wno-fatal", "--language", "1364-2005"]
    settings = {key: str(value) for key, value in (parameters or {}).items()}
    runner.build(
        sources=[ROOT / source for source in sources],
        hdl_toplevel=top,
        parameters=settings,
        build_args=arguments,
        build_dir=build_dir,
        timescale=("1ns", "1ps"),
        always=True,
    )
    results = runner.test(
        hdl_toplevel=top,
        test_module=module,
        test_dir=HERE,
        test_filter=only,
        build_dir=build_dir,
        results_xml=str(build_dir / "results.xml"),
        extra_env={f"DUT_{key}": value for key, value in settings.items()} | {"PYTHONPATH": str(HERE)},
    )
    ran, failed = runner_module.get_results(results)
    assert ran > 0, f"{module}: no test ran"
    assert failed == 0, f"{module}: {failed} of {ran} simulated tests failed"
