# SPDX-License-Identifier: AGPL-3.0-or-later
"""Netlist check, log parsers, timing gate, untimed paths, utilization and limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openflow_samples import ROUTE, netlist, placed, route_report

from pynqtorch.errors import FormatError, LimitError, OutputError, TimingError
from pynqtorch.hw.openfpga import nextpnr, sdf, timing, yosys
from pynqtorch.hw.openfpga.netlist import check_netlist, number
from pynqtorch.hw.utilization import against, by_group, check_limits, count, floorplan, placed_cells
from pynqtorch.plan import Finding

# ---------------------------------------------------------------- netlist


@pytest.mark.parametrize(
    ("kind", "parameters", "reason"),
    [
        ("SRL16E", {"INIT": "0000000000000001"}, "initial contents"),
        ("SRLC32E", {"INIT": "1" * 32}, "initial contents"),
        ("RAM32M", {"INIT_A": "0" * 63 + "1"}, "initial contents"),
        ("RAM64X1D", {"INIT": "1" + "0" * 63}, "initial contents"),
        ("MMCME2_ADV", {}, "may not lock"),
        ("PLLE2_BASE", {}, "may not lock"),
        ("RAMB18E1", {"READ_WIDTH_A": f"{36:032b}", "WRITE_WIDTH_B": f"{36:032b}"}, "simple dual port of 36"),
        ("RAMB36E1", {"READ_WIDTH_A": f"{72:032b}"}, "simple dual port of 72"),
        ("RAMB36E1", {"READ_WIDTH_A": f"{9:032b}"}, "READ_WIDTH_A 9 loses parity"),
        ("RAMB36E1", {"WRITE_WIDTH_B": f"{1:032b}"}, "WRITE_WIDTH_B 1 loses parity"),
    ],
)
def test_safe_profile_names_the_cell_and_the_report(
    tmp_path: Path, kind: str, parameters: dict[str, str], reason: str
) -> None:
    netlist(tmp_path / "n.json", bad=(kind, parameters), good=("LUT2", {"INIT": "1000"}))
    with pytest.raises(LimitError, match=reason) as caught:
        check_netlist(tmp_path, "n.json", "top", "safe")
    assert f"bad ({kind})" in caught.value.message
    assert "good" not in caught.value.message
    check_netlist(tmp_path, "n.json", "top", "full")  # allowed there, and labelled in the manifest


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("SRL16E", {"INIT": "x" * 16}),
        ("RAM32M", {"INIT_A": "0" * 64}),
        ("RAMB18E1", {"READ_WIDTH_A": f"{18:032b}", "WRITE_WIDTH_B": f"{9:032b}", "INIT_00": "1"}),
        ("RAMB36E1", {"READ_WIDTH_A": f"{36:032b}", "WRITE_WIDTH_B": f"{18:032b}"}),
        ("DSP48E1", {"AREG": f"{1:032b}"}),
        ("FDRE", {"INIT": "1"}),
    ],
)
def test_what_is_not_reported_broken_passes(tmp_path: Path, kind: str, parameters: dict[str, str]) -> None:
    netlist(tmp_path / "n.json", cell=(kind, parameters))
    check_netlist(tmp_path, "n.json", "top", "safe")


@pytest.mark.parametrize("profile", ["safe", "full"])
@pytest.mark.parametrize(
    ("cells", "message"),
    [({}, "is empty"), ({"m": ("$mul", {})}, "not mapped"), ({"l": ("LDCE", {})}, "latches: l")],
)
def test_nonsense_is_refused_in_both_profiles(
    tmp_path: Path, profile: str, cells: dict[str, Any], message: str
) -> None:
    netlist(tmp_path / "n.json", **cells)
    with pytest.raises(OutputError, match=message):
        check_netlist(tmp_path, "n.json", "top", profile)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"modules": {"top": 3}}', '{"modules": {"other": {"cells": {}}}}'])
def test_what_is_no_netlist_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "n.json").write_text(text)
    with pytest.raises(OutputError, match=r"n\.json: not a netlist"):
        check_netlist(tmp_path, "n.json", "top", "safe")


@given(st.integers(0, 2**72 - 1))
def test_parameters_are_bits_or_integers(value: int) -> None:
    assert number(f"{value:072b}") == number(value) == value


# ---------------------------------------------------------------- logs


@pytest.mark.parametrize(
    ("line", "severity", "text", "source"),
    [
        ("rtl/k.v:12: ERROR: syntax error, unexpected TOK_ID", "error", "syntax error, unexpected TOK_ID", "rtl/k.v:12"),  # noqa: E501
        ("ERROR: Module `\\x' referenced in module `\\top'", "error", "Module `\\x' referenced in module `\\top'", ""),
        ("rtl/k.v:3.5-3.9: Warning: implicit wire", "warning", "implicit wire", "rtl/k.v:3"),
        ("Warning: Wire top.\\x is used but has no driver.", "warning", "Wire top.\\x is used but has no driver.", ""),
        ("12.3. Executing DFFLEGALIZE pass (convert FFs to types).", "phase", "12.3 dfflegalize (convert FFs to types)", ""),  # noqa: E501
    ],
)  # fmt: skip
def test_yosys_log(line: str, severity: str, text: str, source: str) -> None:
    finding = yosys.parse_log(line + "\n")
    assert finding is not None
    assert (finding.severity, finding.text, finding.source) == (severity, text, source)


@pytest.mark.parametrize(
    ("line", "severity", "text"),
    [
        ("Info:     iter=3 wires=129886 overused=189 overuse=189 archfail=NA", "phase", "router iteration 3: 189 wires overused"),  # noqa: E501
        ("Info:     at iteration #2, type ALL: wirelen solved = 175, spread = 175, legal = 337; time = 0.01s", "phase", "placer iteration 2: wire length 337"),  # noqa: E501
        ("Info: Packing carries..", "phase", "Packing carries"),
        ("ERROR: Unable to place cell 'x', no BELs remaining", "error", "Unable to place cell 'x', no BELs remaining"),
        ("Warning: found create_clock with no nets matching '[get_nets clk]' (on line 1)", "error", "found create_clock with no nets matching '[get_nets clk]' (on line 1)"),  # noqa: E501
        ("Warning: something else", "warning", "something else"),
        ("Info: 3 Hold/min time violations (showing 10 worst paths):", "warning", "3 Hold/min time violations"),
        ("Warning: Max frequency for clock 'clk': 95.19 MHz (FAIL at 100.00 MHz)", "info", "Max frequency for clock 'clk': 95.19 MHz (FAIL at 100.00 MHz)"),  # noqa: E501
    ],
)  # fmt: skip
def test_nextpnr_log(line: str, severity: str, text: str) -> None:
    finding = nextpnr.parse_log(line)
    assert finding is not None
    assert (finding.severity, finding.text) == (severity, text)


@given(st.text())
def test_log_parsers_take_anything(line: str) -> None:
    yosys.parse_log(line)
    nextpnr.parse_log(line)


def test_ordinary_lines_say_nothing() -> None:
    assert nextpnr.parse_log("Info: \t              CARRY4:       6/  13300     0%") is None
    assert nextpnr.parse_log("Warning: Hold/min time violation for clock 'posedge clk':") is None  # the count is enough
    assert yosys.parse_log("     estimated number of LCs: 1092") is None


# ---------------------------------------------------------------- timing


def test_a_real_report_meets_100_mhz() -> None:
    result = timing.evaluate(route_report(), {"clk": 100_000_000})
    assert result["met"]
    assert result["clocks"]["clk"]["fmax_mhz"] == pytest.approx(420.698)
    assert result["clocks"]["clk"]["slack_ns"] == pytest.approx(10 - 1e3 / 420.698, abs=2e-3)
    path = result["paths"][0]
    assert path["total_ns"] == pytest.approx(path["logic_ns"] + path["routing_ns"], abs=2e-3) == pytest.approx(2.377)
    assert path["routing_ns"] == pytest.approx(0.498, abs=2e-3)  # nextpnr's own log: 1.88 ns logic, 0.50 ns routing
    assert "no speed-grade data" in result["note"]
    timing.judge(result)


def test_a_missed_clock_names_numbers_and_path() -> None:
    result = timing.evaluate(route_report(), {"clk": 500_000_000})
    assert not result["met"]
    with pytest.raises(
        TimingError, match=r"500 MHz required, 420.698 MHz estimated, slack -0.377 ns; critical path .*Q ->"
    ):
        timing.judge(result)


def test_a_path_that_nextpnr_does_not_time_can_miss_too() -> None:
    slow = sdf.HardPath("PS7_PS7", "register", "ps7.MAXIGP0WVALID", "x.D", 10_001)
    result = timing.evaluate(route_report(), {"clk": 100_000_000}, [slow])
    with pytest.raises(TimingError, match=r"ps7.MAXIGP0WVALID -> x.D: 10.001 ns in the fabric alone"):
        timing.judge(result)


def test_the_command_ends_with_7_and_can_be_told_to_go_on(tmp_path: Path) -> None:
    out = tmp_path / "timing.json"
    arguments = ["--route", str(ROUTE), "--clock", "clk=500000000", "--out", str(out)]
    assert timing.run(timing.main, arguments) == TimingError.code == 7
    assert not out.exists()
    assert timing.run(timing.main, [*arguments, "--allow-failure"]) == 0
    assert json.loads(out.read_text())["met"] is False


@pytest.mark.parametrize(
    "change", [{"fmax": {}}, {"fmax": None}, {"critical_paths": [{}]}, {"fmax": {"clk": {"achieved": 0}}}]
)
def test_a_report_of_another_form_is_no_success(change: dict[str, Any]) -> None:
    with pytest.raises(OutputError):
        timing.evaluate(route_report() | change, {"clk": 100_000_000})


# the form of nextpnr 0.11.1's SDF, names shortened
SDF = r"""(DELAYFILE
  (TIMESCALE 1ps)
  (CELL
    (CELLTYPE "top")
    (INSTANCE )
    (DELAY
      (ABSOLUTE
        (INTERCONNECT \$a.b\:1\$ff/Q lut/A1 (400:400:400) (410:410:410))
        (INTERCONNECT lut/O6 ps7/SAXIHP0WVALID (600:600:600) (600:600:600))
        (INTERCONNECT ps7/SAXIHP0WREADY lut/A2 (900:900:900) (900:900:900))
        (INTERCONNECT lut/O6 other/D (50:50:50) (50:50:50))
        (INTERCONNECT \$PACKER_GND_DRV/Y ps7/DDRARB0 (9000:9000:9000) (9000:9000:9000))
        (INTERCONNECT ps7/FCLKRESETN0 other/SR (8000:8000:8000) (8000:8000:8000))
      )
    )
  )
  (CELL
    (CELLTYPE "SLICE_FFX")
    (INSTANCE \$a.b\:1\$ff)
    (DELAY
      (ABSOLUTE
        (IOPATH CK Q (300:325:350) (300:325:350))
      )
    )
    (TIMINGCHECK
      (SETUPHOLD (posedge D) (posedge CK) (100:100:100) (200:200:200))
    )
  )
  (CELL
    (CELLTYPE "SLICE_FFX")
    (INSTANCE other)
    (TIMINGCHECK
      (SETUPHOLD (posedge D) (posedge CK) (100:100:100) (200:200:200))
      (SETUPHOLD (posedge SR) (posedge CK) (100:100:100) (0:0:0))
    )
  )
  (CELL
    (CELLTYPE "SLICE_LUTX")
    (INSTANCE lut)
    (DELAY
      (ABSOLUTE
        (IOPATH A1 O6 (100:112:125) (100:112:125))
        (IOPATH A2 O6 (100:112:125) (100:112:125))
      )
    )
  )
  (CELL
    (CELLTYPE "PS7_PS7")
    (INSTANCE ps7)
  )
  (CELL
    (CELLTYPE "PSEUDO_GND")
    (INSTANCE \$PACKER_GND_DRV)
  )
)
"""


def test_paths_to_and_from_hard_blocks() -> None:
    found = {(p.origin, p.target): p for p in sdf.hard_paths(sdf.parse(SDF.splitlines()))}
    assert {kind: path.picoseconds for kind, path in found.items()} == {
        ("register", "PS7_PS7"): 350 + 410 + 125 + 600,
        ("PS7_PS7", "PS7_PS7"): 900 + 125 + 600,
        ("PS7_PS7", "register"): 900 + 125 + 50 + 100,
    }
    assert found["register", "PS7_PS7"].start == "$a.b:1$ff.Q"
    assert found["register", "PS7_PS7"].end == "ps7.SAXIHP0WVALID"


def test_hold_times_that_are_not_kept() -> None:
    direct = SDF.replace(
        "(INTERCONNECT lut/O6 other/D (50:50:50) (50:50:50))",
        r"(INTERCONNECT \$a.b\:1\$ff/Q other/D (20:40:60) (30:40:50))",
    )
    assert sdf.hold_violations(sdf.parse(direct.splitlines())) == []  # 300 + 20 ps against 200
    short = direct.replace("(200:200:200)", "(670:670:670)")
    found = sdf.hold_violations(sdf.parse(short.splitlines()))
    assert found == [sdf.HoldViolation("$a.b:1$ff.Q", "other.D", 300 + 20 - 670)]
    result = timing.evaluate(route_report(), {"clk": 100_000_000}, hold=found)
    assert result["met"]  # labelled, not failed
    assert result["hold"]["violations"] == 1
    assert result["hold"]["worst_ns"] == -0.35
    assert timing.evaluate(route_report(), {"clk": 100_000_000})["hold"] is None  # not looked for is not "none"


def test_log_of_the_gate() -> None:
    assert timing.parse_log("warning: 3 hold violations, the worst -0.066 ns\n") == Finding(
        "warning", "3 hold violations, the worst -0.066 ns"
    )
    assert timing.parse_log("PS7_PS7 -> register: 7 ns in the fabric") is None


def test_combinational_loops_do_not_hang() -> None:
    looped = SDF.replace(
        "(INTERCONNECT lut/O6 other/D", "(INTERCONNECT lut/O6 lut/A1 (1:1:1) (1:1:1))\n(INTERCONNECT lut/O6 other/D"
    )
    sdf.hard_paths(sdf.parse(looped.splitlines()))


@given(st.text(alphabet='(CELTYPINS"AO/ 0123:)\\\n'))
def test_what_is_no_sdf_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        sdf.parse(text.splitlines())


# ---------------------------------------------------------------- utilization

CELLS = {
    "k_0.a": "X1Y2/SLICE_X0Y0.A6LUT",
    "k_0.b": "X1Y2/SLICE_X0Y0.A5LUT",  # the other half of the same LUT
    "k_0.c": "X1Y2/SLICE_X0Y0.B6LUT",
    "k_0.d": "X1Y2/SLICE_X0Y0.AFF",
    "k_0.e": "X1Y2/SLICE_X0Y0.A5FF",
    "k_0.m0": "X6Y5/RAMB18_X0Y0.RAMB18E1",
    "k_0.m1": "X6Y5/RAMB18_X0Y1.RAMB18E1",  # the same tile
    "k_0.dsp": "X9Y5/DSP48_X0Y3.DSP48E1",
    "k_0_gmem_bursts.x": "X1Y2/SLICE_X0Y0.C6LUT",
    "ps7": "X32Y51/PS7_X0Y0.PS7",
    "$PACKER_GND_DRV": "",
}


def test_resources_are_counted_as_people_compare_them(tmp_path: Path) -> None:
    cells = placed_cells(placed(tmp_path / "placed.json", CELLS), "top", ["k_0"])
    assert count(cells) == {"lut": 3, "ff": 2, "bram36": 1, "dsp": 1}
    assert by_group(cells)["k_0"] == {"lut": 2, "ff": 2, "bram36": 1, "dsp": 1}
    assert by_group(cells)["shell"] == {"lut": 1, "ff": 0, "bram36": 0, "dsp": 0}
    plan = floorplan(cells)
    assert (plan["width"], plan["height"], plan["groups"]) == (33, 52, ["k_0", "shell"])
    assert [1, 2, 0, 5] in plan["tiles"]
    assert [1, 2, 1, 1] in plan["tiles"]


def test_limits_of_the_recipe_and_of_the_part(tmp_path: Path) -> None:
    used = count(placed_cells(placed(tmp_path / "placed.json", CELLS), "top", ["k_0"]))
    part = {"lut": 100, "ff": 100, "bram36": 10, "dsp": 10}
    figures = against(used, part, {"lut": 3})
    assert figures["lut"] == {"used": 3, "available": 100, "percent": 3.0, "limit": 3}
    check_limits("demo", figures)
    with pytest.raises(LimitError, match=r"demo: 3 lut used, limits.lut is 2"):
        check_limits("demo", against(used, part, {"lut": 2, "dsp": None}))
    with pytest.raises(LimitError, match="1 dsp used, the part has 0"):
        check_limits("demo", against(used, part | {"dsp": 0}, {}))


def test_a_netlist_that_was_not_placed_is_said(tmp_path: Path) -> None:
    (tmp_path / "placed.json").write_text('{"modules": {"top": {"cells": {"a": {}}}}}')
    with pytest.raises(OutputError, match="not a netlist that nextpnr placed"):
        placed_cells(tmp_path / "placed.json", "top", [])


def test_check_route_wants_the_clock_and_whole_fasm(tmp_path: Path) -> None:
    (tmp_path / "route.json").write_bytes(ROUTE.read_bytes())
    (tmp_path / "top.fasm").write_text("A.B\n")
    nextpnr.check_route(tmp_path)
    (tmp_path / "top.fasm").write_text("A.B\nA.")
    with pytest.raises(OutputError, match="cut short"):
        nextpnr.check_route(tmp_path)
    (tmp_path / "route.json").write_text(json.dumps(route_report() | {"fmax": {"other": {}}}))
    with pytest.raises(OutputError, match="no fmax for clk, only for: other"):
        nextpnr.check_route(tmp_path)
