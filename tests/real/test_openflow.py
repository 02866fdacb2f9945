# SPDX-License-Identifier: AGPL-3.0-or-later
"""The open flow with real yosys, Verilator and nextpnr: lint of all tops, reuse of netlists, a small design routed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import step_runner

from pynqtorch.errors import LimitError, OutputError
from pynqtorch.hw.openfpga import netlist, nextpnr, sdf, timing, top, yosys
from pynqtorch.plan import Step
from pynqtorch.recipes.models import Kernel, Overlay
from pynqtorch.recipes.repository import Repository, load

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]
PART = "xc7z020clg400-1"
COMMON = tuple(sorted(str(path.relative_to(ROOT)) for path in (ROOT / "hw/kernel/common/rtl").glob("*.v")))
SHELL = tuple(sorted(str(path.relative_to(ROOT)) for path in (ROOT / "hw/shell").glob("*.v")))
EVERY_PORT = ("S_AXI_HP0", "S_AXI_HP1", "S_AXI_HP2", "S_AXI_HP3", "S_AXI_GP0", "S_AXI_GP1", "S_AXI_ACP")
OVERLAYS = sorted(path.stem for path in (ROOT / "recipes/overlays").glob("*.yaml"))

COUNTER = """
module top;
    wire [3:0] fclk, resets;
    (* keep = "true" *) wire clk;
    BUFG buffer (.I(fclk[0]), .O(clk));
    reg reset;
    reg [23:0] count;
    always @(posedge clk) begin
        reset <= !resets[0];
        count <= reset ? 24'd0 : count + 24'd1;
    end
    (* keep *) PS7 ps7 (.FCLKCLK(fclk), .FCLKRESETN(resets), .DDRARB(4'd0), .IRQF2P({19'd0, count[23]}));
endmodule
"""


@pytest.fixture(scope="module")
def recipes() -> Repository:
    return load(ROOT, sources=False)


def execute(step: Step, steps: Path) -> tuple[Path, str]:
    """Run a step below `steps`, where those that it reads from have run; its directory and log."""
    prefix, directory = step_runner.prefix_for(step.commands[0][0]), steps / step.name
    directory.mkdir()
    for item in step.inputs:
        target = directory / item.staged
        target.parent.mkdir(parents=True, exist_ok=True)
        source = item.source.removeprefix("step:")
        target.symlink_to((steps if item.producer else ROOT) / source)
    for name, text in step.files.items():
        (directory / name).write_text(text)
    log = ""
    for argv in step.commands:
        code, text = step_runner.run(argv, directory, prefix)
        log += text
        assert code == 0, text[-3000:]
    assert all((directory / output.path).stat().st_size for output in step.outputs)
    step_runner.check(step, directory)
    return directory, log


def everything(kernel: str) -> Overlay:
    """An overlay with a master on each memory port (two on the first), on both control ports."""
    kernels: dict[str, Any] = {
        f"k{index}": {"kernel": kernel, "memory": {"gmem": port}, "control": f"M_AXI_GP{index % 2}"}
        for index, port in enumerate((*EVERY_PORT, EVERY_PORT[0]))
    }
    return Overlay.model_validate(
        {"overlay": "everything", "board": "pynq-z2", "clocks": {"fclk0": "100MHz"}, "kernels": kernels}
    )


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cells of the top as yosys declares them."""
    folder = tmp_path_factory.mktemp("cells")
    script = (
        "read_verilog -lib +/xilinx/cells_sim.v; read_verilog -lib +/xilinx/cells_xtra.v; "
        "select =PS7 =BUFG; write_verilog -blackboxes -selected cells.v"
    )
    code, text = step_runner.run(("yosys", "-q", "-p", script), folder, step_runner.prefix_for("yosys"))
    assert code == 0, text
    return folder / "cells.v"


@pytest.mark.parametrize("name", [*OVERLAYS, "everything"])
def test_the_top_of_every_overlay_lints_clean(recipes: Repository, cells: Path, tmp_path: Path, name: str) -> None:
    made = everything("vector_add") if name == "everything" else recipes.overlays[name]
    (tmp_path / "top.v").write_text(top.render(made, recipes.kernels))
    folders = [str(ROOT / "hw/shell"), *(str(path) for path in (ROOT / "hw/kernel").glob("*/rtl"))]
    search = [text for folder in folders for text in ("-y", folder)]
    command = (
        "verilator", "--lint-only", "-Wall", "-Wno-fatal", "-Wno-PINCONNECTEMPTY", "-Wno-UNUSEDSIGNAL",
        "--top-module", "top", "top.v",
        *search, "-v", str(cells),
    )  # fmt: skip
    code, text = step_runner.run(command, tmp_path, step_runner.prefix_for("verilator"))
    assert code == 0, text
    assert "%Error" not in text
    about_top = [line for line in text.splitlines() if line.startswith("%") and ": top.v:" in line]
    assert about_top == []


def by_type(cells: dict[str, netlist.Cell], prefix: str = "") -> Counter[str]:
    return Counter(str(cell["type"]) for name, cell in cells.items() if name.startswith(prefix))


def hard(cells: dict[str, netlist.Cell], prefix: str = "") -> Counter[str]:
    """DSP and BRAM cells with all their parameters."""
    return Counter(
        json.dumps([cell["type"], cell["parameters"]], sort_keys=True)
        for name, cell in cells.items()
        if name.startswith(prefix) and cell["type"] in ("DSP48E1", "RAMB18E1", "RAMB36E1")
    )


MULTIPLIER = """
module mixed (%s
    output wire interrupt);
    // one multiplier on a DSP, one memory on a block RAM, one adder on carry chains
    reg signed [7:0] a, b;
    reg signed [15:0] product;
    reg [31:0] sum, word;
    (* ram_style = "block" *) reg [15:0] memory [0:1023];
    always @(posedge ap_clk) begin
        a <= s_axi_CTRL_WDATA[7:0];
        b <= s_axi_CTRL_WDATA[15:8];
        product <= a * b;
        sum <= sum + s_axi_CTRL_WDATA;
        if (s_axi_CTRL_WVALID) memory[s_axi_CTRL_WDATA[9:0]] <= product;
        word[15:0] <= memory[s_axi_CTRL_WDATA[25:16]];
    end
    assign s_axi_CTRL_RDATA = sum ^ {product, word[15:0]};
    assign interrupt = s_axi_CTRL_WVALID;
endmodule
"""


def test_a_kernel_netlist_is_used_as_it_is_by_two_instances(tmp_path: Path) -> None:
    kernel = Kernel.model_validate(
        {
            "kernel": "mixed", "top": "mixed", "clock": "5ns", "arguments": {"n": {"type": "int32"}},
            "hls": {"sources": ["mixed.cpp"], "testbench": ["mixed_tb.cpp"]}, "rtl": {"sources": ["rtl/mixed.v"]},
        }
    )  # fmt: skip
    pins = ["input wire ap_clk, ap_rst_n,"]
    for signal, width, master in top.ps7.lite():
        bits = 5 if signal.endswith("ADDR") else width
        pins.append(f"{'input' if master else 'output'} wire [{bits - 1}:0] s_axi_CTRL_{signal},")
    source = tmp_path / "mixed.v"
    source.write_text(MULTIPLIER % "\n    ".join(pins))
    ooc = yosys.ooc_step(kernel, profile="safe", common=(), version="test", where="host")
    moved = {item.staged: str(source) for item in ooc.inputs}
    steps = tmp_path / "steps"
    steps.mkdir()
    from dataclasses import replace

    ooc = replace(ooc, inputs=tuple(replace(item, source=moved[item.staged]) for item in ooc.inputs), checks=())
    directory, _ = execute(ooc, steps)
    alone = netlist.read_cells(directory / "mixed.json", "mixed")
    assert by_type(alone)["DSP48E1"] == 1
    assert by_type(alone)["RAMB18E1"] == 1
    assert by_type(alone)["CARRY4"] >= 8
    made = Overlay.model_validate(
        {
            "overlay": "pair", "board": "pynq-z2", "clocks": {"fclk0": "100MHz"},
            "kernels": {"m0": {"kernel": "mixed"}, "m1": {"kernel": "mixed"}},
        }
    )  # fmt: skip
    synth = yosys.synth_step(made, {"mixed": kernel}, shell=SHELL, version="test", where="host")
    directory, _ = execute(synth, steps)
    whole = netlist.read_cells(directory / "top.json", "top")
    assert hard(whole, "m0.") == hard(whole, "m1.") == hard(alone)
    for kind in ("CARRY4", "FDRE"):
        assert by_type(whole, "m0.")[kind] == by_type(whole, "m1.")[kind] == by_type(alone)[kind]
    assert by_type(whole)["PS7"] == by_type(whole)["BUFG"] == 1


@pytest.fixture(scope="module")
def routed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, str]]:
    """A counter on FCLK0, placed and routed twice with the flow's own step."""
    steps = tmp_path_factory.mktemp("route")
    folder = steps / "synth.counter"
    folder.mkdir()
    (folder / "top.v").write_text(COUNTER)
    script = (
        "read_verilog top.v; synth_xilinx -family xc7 -abc9 -flatten -noiopad -noclkbuf -top top; write_json top.json"
    )
    code, text = step_runner.run(("yosys", "-q", "-p", script), folder, step_runner.prefix_for("yosys"))
    assert code == 0, text
    made = Overlay.model_validate(
        {"overlay": "counter", "board": "pynq-z2", "clocks": {"fclk0": "100MHz"}, "kernels": {"a": {"kernel": "a"}}}
    )
    results = []
    for again in ("one", "two"):
        place = steps / again
        place.mkdir()
        (place / "synth.counter").symlink_to(folder)
        step = nextpnr.route_step(made, part=PART, clock_hz=100_000_000, version="test", where="host")
        results.append(execute(step, place))
    return results


def test_the_same_inputs_give_the_same_fasm_and_report(routed: list[tuple[Path, str]]) -> None:
    (one, _), (two, _) = routed
    for name in ("top.fasm", "route.json", "top.sdf"):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def test_the_log_shows_phases_and_no_error(routed: list[tuple[Path, str]]) -> None:
    findings = [found for line in routed[0][1].splitlines() if (found := nextpnr.parse_log(line))]
    assert {found.severity for found in findings} <= {"phase", "info", "warning"}
    phases = [found.text for found in findings if found.severity == "phase"]
    assert any(text.startswith("router iteration") for text in phases)
    assert any(text.startswith("placer iteration") for text in phases)


def test_timing_and_the_path_to_the_ps_are_found(routed: list[tuple[Path, str]]) -> None:
    directory = routed[0][0]
    with (directory / "top.sdf").open() as lines:
        untimed = sdf.hard_paths(sdf.parse(lines))
    assert [(path.origin, path.target, path.end) for path in untimed] == [("register", "PS7_PS7", "ps7.IRQF2P0")]
    result = timing.evaluate(json.loads((directory / "route.json").read_text()), {"clk": 100_000_000}, untimed)
    assert result["met"]
    assert result["untimed"][0]["fabric_ns"] > 0.3  # at least the register's clock-to-output


def test_arbitration_inputs_of_the_ddr_controller_are_driven(routed: list[tuple[Path, str]]) -> None:
    """nextpnr leaves PS7 inputs named DDR* open (they would read 1) unless the netlist drives them."""
    cells = json.loads((routed[0][0] / "placed.json").read_text())["modules"]["top"]["cells"]
    assert {f"DDRARB{bit}" for bit in range(4)} <= cells["ps7"]["connections"].keys()


def test_a_constraint_that_meets_nothing_is_an_error(routed: list[tuple[Path, str]], tmp_path: Path) -> None:
    (tmp_path / "top.json").write_bytes((routed[0][0] / "top.json").read_bytes())
    (tmp_path / "top.xdc").write_text("create_clock -period 10.000 [get_nets no_such_net]\n")
    command = ("nextpnr-himbaechel-xilinx", "--device", PART, "--json", "top.json", "-o", "xdc=top.xdc", "--pack-only")
    _, text = step_runner.run(command, tmp_path, step_runner.prefix_for("nextpnr-himbaechel-xilinx"))
    errors = [
        found.text for line in text.splitlines() if (found := nextpnr.parse_log(line)) and found.severity == "error"
    ]
    assert any("no nets matching" in error for error in errors)


def test_latches_and_initial_contents_are_found_in_real_netlists(tmp_path: Path) -> None:
    sources = {
        "latch": "module top(input g, d, output reg q); always @* if (g) q = d; endmodule",
        "shift": """module top(input clk, d, output q);
            reg [31:0] s = 32'hdeadbeef; always @(posedge clk) s <= {s[30:0], d}; assign q = s[31]; endmodule""",
    }
    for name, text in sources.items():
        (tmp_path / f"{name}.v").write_text(text)
        script = f"read_verilog {name}.v; synth_xilinx -family xc7 -flatten -noiopad -top top; write_json {name}.json"
        code, log = step_runner.run(("yosys", "-q", "-p", script), tmp_path, step_runner.prefix_for("yosys"))
        assert code == 0, log
    with pytest.raises(OutputError, match="latches"):
        netlist.check_netlist(tmp_path, "latch.json", "top", "full")
    with pytest.raises(LimitError, match="SRL"):
        netlist.check_netlist(tmp_path, "shift.json", "top", "safe")
