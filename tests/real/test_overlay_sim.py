# SPDX-License-Identifier: AGPL-3.0-or-later
"""A whole overlay behind the pins of the PS7: as RTL and as the netlist of yosys, with equal cycle counts."""

from __future__ import annotations

from pathlib import Path

import pytest
import step_runner

from pynqtorch.hw import overlay_sim, testbench
from pynqtorch.hw.openfpga import top
from pynqtorch.hw.simulation import NOMINAL
from pynqtorch.plan import Tool
from pynqtorch.recipes import repository

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
VERILATOR = Tool(name="verilator", version="test")
YOSYS = Tool(name="yosys", version="test")


def test_vector_add_as_rtl_and_as_netlist_takes_the_same_cycles(tmp_path: Path) -> None:
    recipes = repository.load(ROOT)
    overlay = recipes.overlays["vector_add"]
    ap_types = testbench.find_ap_types()
    prefix = step_runner.prefix_for("yosys")
    rtl_step = overlay_sim.rtl_step(overlay, recipes.kernels, tool=VERILATOR, ap_types=ap_types, conditions=(NOMINAL,))
    step_runner.run_step(rtl_step, ROOT, tmp_path / "rtl")
    rtl = testbench.load(tmp_path / "rtl" / "cosim-overlay.json").runs[0].simulation

    (tmp_path / "synth").mkdir()
    (tmp_path / "synth" / "top.v").write_text(top.render(overlay, recipes.kernels))
    sources = [*(ROOT / "hw/shell").glob("*.v"), *(ROOT / "hw/kernel/common/rtl").glob("*.v")]
    sources += list((ROOT / "hw/kernel/vector_add/rtl").glob("*.v"))
    script = (
        f"read_verilog top.v {' '.join(map(str, sources))}; "
        f"synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top {top.TOP}; write_json top.json"
    )
    code, log = step_runner.run(("yosys", "-q", "-p", script), tmp_path / "synth", prefix)
    assert code == 0, log
    netlist_step = overlay_sim.netlist_step(
        overlay,
        recipes.kernels,
        tool=VERILATOR,
        yosys=YOSYS,
        ap_types=ap_types,
        netlist=str(tmp_path / "synth/top.json"),
    )
    step_runner.run_step(netlist_step, ROOT, tmp_path / "netlist")
    netlist = testbench.load(tmp_path / "netlist" / "postsynth.json").runs[0].simulation
    assert netlist["cycles"] == rtl["cycles"]
    assert netlist["bytes_written"] == rtl["bytes_written"] > 0
    assert set(netlist["waits"]) == {"poll", "interrupt"}
