# SPDX-License-Identifier: AGPL-3.0-or-later
"""Co-simulation: what is rendered for a kernel and for an overlay, and the steps."""

from __future__ import annotations

import re

import pytest

from pynqtorch.errors import RecipeError
from pynqtorch.hw import block_ram, cosim, overlay_sim, simulation
from pynqtorch.hw.testbench import ApTypes
from pynqtorch.plan import Output, Plan, Step, Tool
from pynqtorch.recipes.models import Kernel, Overlay

AP_TYPES = ApTypes("/somewhere/ap_types", "hls4ml-1.1.0")
VERILATOR = Tool(name="verilator", version="5.048-1")
YOSYS = Tool(name="yosys", version="0.66-1")
KERNEL = Kernel.model_validate(
    {
        "kernel": "Filter", "top": "filter_top", "clock": "10ns", "control": "ctl",
        "arguments": {
            "x": {"type": "int16", "shape": [4, 100], "port": "m_axi", "bundle": "data"},
            "y": {"type": "float", "shape": [100], "port": "m_axi", "bundle": "data", "direction": "out"},
            "state": {"type": "int64", "shape": [7], "port": "m_axi", "bundle": "extra", "direction": "inout"},
            "gain": {"type": "double"},
            "mode": {"type": "uint8"},
        },
        "hls": {"sources": ["filter.cpp"], "testbench": ["tb.cpp", "helper.cpp", "helper.hpp"]},
        "rtl": {
            "sources": ["rtl/filter.v", "../common/rtl/fifo.v"],
            "data_width": {"data": 128},
            "parameters": {"DEPTH": 4},
        },
    }
)  # fmt: skip
OVERLAY = Overlay.model_validate(
    {
        "overlay": "Twice", "board": "b", "clocks": {"fclk1": "125MHz"},
        "kernels": {
            "one": {"kernel": "Filter", "memory": {"data": "S_AXI_HP0", "extra": "S_AXI_GP1"}, "clock": "fclk1"},
            "two": {
                "kernel": "Filter", "control": "M_AXI_GP1", "clock": "fclk1",
                "memory": {"data": "S_AXI_ACP", "extra": "S_AXI_HP0"},
            },
        },
    }
)  # fmt: skip


def test_the_standin_passes_every_argument_with_offset_size_and_direction() -> None:
    text = simulation.standin(KERNEL)
    assert '#include "Filter.hpp"' in text
    assert 'call.buffer("x", 0x10, x_, 400, true, false);' in text
    assert 'call.buffer("y", 0x1c, y_, 100, false, true);' in text
    assert 'call.buffer("state", 0x28, state_, 7, true, true);' in text
    assert 'call.scalar("gain", 0x34, 64, gain_);' in text
    assert 'call.scalar("mode", 0x40, 8, mode_);' in text
    assert "static_assert(sizeof *x_ == 2" in text
    assert "filter_top_signature::count == 5" in text


def test_an_argument_too_large_to_simulate_is_refused() -> None:
    data = KERNEL.model_dump(by_alias=True, exclude={"clock"}) | {"clock": "10ns"}
    data["arguments"]["state"]["shape"] = [1 << 26, 1 << 4]
    with pytest.raises(RecipeError, match="state has 1073741824 elements"):
        simulation.standin(Kernel.model_validate(data))


def test_the_kernels_ports_are_rendered_with_the_recipes_names_and_widths() -> None:
    text = simulation.kernel_device(KERNEL, check_widths=True, trace=False)
    assert "model.s_axi_ctl_AWVALID" in text
    assert "8 * sizeof(model_->m_axi_data_RDATA) == 128" in text
    assert "8 * sizeof(model_->m_axi_extra_RDATA) == 32" in text
    assert "address_mask = 0x7f;" in text
    assert "VerilatedFstC" not in text
    assert "{{" not in text
    free = simulation.kernel_device(KERNEL, check_widths=False, trace=True)
    assert "has not the width" not in free
    assert "VerilatedFstC" in free


def options(step: Step, program: str) -> list[str]:
    return next(list(argv) for argv in step.commands if argv[0] == program)


def test_the_step_for_rtl_by_hand() -> None:
    step = cosim.step(KERNEL, tool=VERILATOR, ap_types=AP_TYPES)
    argv = options(step, "verilator")
    assert step.name == "cosim.filter"
    assert argv[argv.index("--top-module") + 1] == "filter_top"
    assert {"-GDEPTH=4", "kernel/Filter/rtl/filter.v", "kernel/common/rtl/fifo.v"} <= set(argv)
    assert argv[argv.index("-y") + 1] == "common_rtl"
    assert argv.index("-GDEPTH=4") < argv.index("kernel/Filter/rtl/filter.v")
    assert argv[-1] == "../testbench_Filter_1.o"
    compiled = [argv for argv in step.commands if argv[0] == "g++"]
    assert [argv[argv.index("-c") + 1] for argv in compiled] == ["kernel/Filter/tb.cpp", "kernel/Filter/helper.cpp"]
    assert step.commands[-1] == ("sh", "run_testbench.sh")
    assert {item.staged for item in step.inputs} >= {
        "common_rtl",
        "kernel/Filter/helper.hpp",
        "kernel/Filter/Filter.hpp",
    }
    assert not any("filter.cpp" in item.staged for item in step.inputs), (
        "the C++ of the kernel is not what is simulated"
    )
    assert step.outputs[0] == Output("cosim.json")
    script = step.files["run_testbench.sh"]
    assert "run nominal ./obj/simulation --report=nominal.json --seed=0 --stall=0" in script
    assert "run stalled ./obj/simulation --report=stalled.json --seed=1 --stall=30" in script
    assert "verilator 5.048-1" in script
    assert not any(path in text for text in step.files.values() for path in ("/tmp/", "/work/"))  # noqa: S108


def test_a_trace_is_asked_for_once() -> None:
    step = cosim.step(KERNEL, tool=VERILATOR, ap_types=AP_TYPES, trace=True)
    assert "--trace-fst" in options(step, "verilator")
    assert step.files["run_testbench.sh"].count("--trace=trace.fst") == 1
    assert Output("trace.fst") in step.outputs


def test_rtl_of_vitis_comes_from_another_step_and_its_widths_are_its_own() -> None:
    rtl = cosim.made_by_vitis(KERNEL, "hls.filter", "verilog")
    step = cosim.step(KERNEL, tool=VERILATOR, ap_types=AP_TYPES, rtl=rtl)
    assert step.needs() == {"hls.filter"}
    assert "rtl/filter_top.v" in options(step, "verilator")
    assert "has not the width" not in step.files["sim/device.cpp"]


def test_a_kernel_without_rtl_is_refused() -> None:
    bare = Kernel.model_validate(KERNEL.model_dump(by_alias=True, exclude={"clock", "rtl"}) | {"clock": "10ns"})
    with pytest.raises(RecipeError, match="no rtl section"):
        cosim.step(bare, tool=VERILATOR, ap_types=AP_TYPES)


def test_each_condition_is_part_of_the_step() -> None:
    usual = cosim.step(KERNEL, tool=VERILATOR, ap_types=AP_TYPES)
    other = cosim.step(
        KERNEL, tool=VERILATOR, ap_types=AP_TYPES, conditions=[simulation.Condition(bandwidth=8, read_latency=99)]
    )
    assert usual != other
    assert "--read-latency=99" in other.files["run_testbench.sh"]
    assert "--bandwidth=8" in other.files["run_testbench.sh"]


def test_the_harness_has_exactly_the_ports_that_the_overlay_uses() -> None:
    text = overlay_sim.harness(OVERLAY, {"Filter": KERNEL})
    assert "top dut ();" in text
    pins = set(re.findall(r"(?:input|output)\s+wire\s+(?:\[\d+:0\] )?([A-Z]\w+)", text))
    prefixes = {re.match(r"(MAXIGP\d|SAXIHP\d|SAXIGP\d|SAXIACP)?", pin)[0] for pin in pins}  # type: ignore[index]
    assert prefixes == {"", "MAXIGP0", "MAXIGP1", "SAXIHP0", "SAXIACP", "SAXIGP1"}
    assert "input  wire [63:0] SAXIHP0WDATA" in text
    assert "input  wire [31:0] SAXIGP1WDATA" in text
    assert "output wire [11:0] MAXIGP1AWID" in text
    assert "SAXIHP0RDISSUECAP1EN" in pins
    assert "SAXIACPARUSER" in pins


def test_the_overlays_device_knows_addresses_interrupts_and_clock() -> None:
    text = overlay_sim.device(OVERLAY, {"Filter": KERNEL}, trace=False)
    assert "address >= 0x40000000 && address <= 0x7fffffff" in text
    assert "AxiVersion::axi3" in text
    assert "timeInc(4000)" in text
    table = simulation.testbenches("ps7", overlay_sim.instances(OVERLAY))
    assert '{"one", "Filter", 0x40000000, 0}' in table
    assert '{"two", "Filter", 0x80000000, 1}' in table
    assert table.count('extern "C"') == 1


def test_the_netlist_step_reads_what_synthesis_made() -> None:
    step = overlay_sim.netlist_step(OVERLAY, {"Filter": KERNEL}, tool=VERILATOR, yosys=YOSYS, ap_types=AP_TYPES)
    assert step.name == "postsynth.twice"
    assert step.needs() == {"synth.twice"}
    assert step.commands[0][0] == "yosys"
    assert step.outputs[0] == Output("postsynth.json")
    assert "yosys 0.66-1" in step.tool.version
    script = step.files["run_testbench.sh"]
    for name in ("one", "two"):
        assert f"run {name}.nominal ./obj/simulation --instance={name} --report={name}.nominal.json" in script
    assert not any(".v" in item.staged for item in step.inputs), "no RTL in a simulation of the netlist"
    assert Plan((Step(name="synth.twice", tool=YOSYS, commands=(), outputs=(Output("top.json"),)), step))


def test_the_rtl_step_has_the_shell_and_each_source_once() -> None:
    with pytest.raises(RecipeError, match=r"rtl\.parameters"):
        overlay_sim.rtl_step(OVERLAY, {"Filter": KERNEL}, tool=VERILATOR, ap_types=AP_TYPES)
    assert KERNEL.rtl is not None
    plain = KERNEL.model_copy(update={"rtl": KERNEL.rtl.model_copy(update={"parameters": {}})})
    step = overlay_sim.rtl_step(OVERLAY, {"Filter": plain}, tool=VERILATOR, ap_types=AP_TYPES)
    argv = options(step, "verilator")
    assert step.name == "cosim-overlay.twice"
    assert argv.count("kernel/Filter/rtl/filter.v") == 1
    assert "shell" in argv
    assert "filter_top one" in step.files["top.v"]


def test_a_missing_kernel_is_named() -> None:
    with pytest.raises(RecipeError, match="Filter"):
        overlay_sim.netlist_step(OVERLAY, {}, tool=VERILATOR, yosys=YOSYS, ap_types=AP_TYPES)


def test_the_block_ram_model_declares_every_parameter_and_pin() -> None:
    text = block_ram.render()
    small, large = text.split("module RAMB36E1")
    assert "INIT_3F = 256'd0" in small
    assert "INIT_40" not in small
    assert "INIT_7F = 256'd0" in large
    assert "INITP_0F = 256'd0" in large
    assert "input  wire CASCADEINA" in large
    assert "0'd0" not in text, "Verilog knows no constants of no width"
