# SPDX-License-Identifier: AGPL-3.0-or-later
"""The features that used DSP48E1 and RAMB18E1 sites need and nextpnr leaves out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pynqtorch.hw.openfpga.conform import RULES, conform, summary
from pynqtorch.hw.openfpga.fasm import FasmLine, format_line, parse

# What nextpnr 0.11.1 writes (shortened) for a DSP48E1 with OPMODE = 0100101, the rest of its modes constant 0.
NEXTPNR = """
DSP_L_X64Y110.DSP48.DSP_1.ZIS_OPMODE_INVERTED[0]
DSP_L_X64Y110.DSP48.DSP_1.ZIS_OPMODE_INVERTED[2]
DSP_L_X64Y110.DSP48.DSP_1.ZIS_OPMODE_INVERTED[5]
DSP_L_X64Y110.DSP_1_CEAD.DSP_GND_L
INT_L_X64Y114.FAN_ALT0.VCC_WIRE
"""
PINS = ["ALUMODE2", "ALUMODE3", "INMODE0", "INMODE1", "INMODE2", "INMODE3", "INMODE4", "OPMODE6"]


def added(text: str) -> list[str]:
    return [format_line(addition.line) for addition in conform(parse(text)).added]


def test_constant_zero_becomes_a_tie_with_the_inverter_off() -> None:
    lines = added(NEXTPNR)
    for pin in PINS:
        assert f"DSP_L_X64Y110.DSP_1_{pin}.DSP_GND_L" in lines
        assert f"DSP_L_X64Y110.DSP48.DSP_1.ZIS_{pin[:-1]}_INVERTED[{pin[-1]}]" in lines
    assert not [line for line in lines if "DSP_0" in line or "VCC" in line]
    assert not [line for line in lines if "ALUMODE0" in line or "OPMODE_INVERTED[1]" in line], "they have no tie"


def test_constant_one_becomes_a_tie_to_the_supply() -> None:
    lines = added(NEXTPNR + "DSP_L_X64Y110.DSP48.DSP_1.ZIS_INMODE_INVERTED[2]\n")
    assert "DSP_L_X64Y110.DSP_1_INMODE2.DSP_VCC_L" in lines
    assert "DSP_L_X64Y110.DSP_1_INMODE2.DSP_GND_L" not in lines


@pytest.mark.parametrize(
    ("side", "number", "pin", "wire"),
    [("L", 1, "INMODE0", "INT_L_X64Y112.BYP_ALT4"), ("R", 0, "OPMODE6", "INT_R_X64Y112.FAN_ALT7")],
)
def test_a_pin_that_the_design_drives_is_left_alone(side: str, number: int, pin: str, wire: str) -> None:
    site = f"DSP_{side}_X64Y110.DSP48.DSP_{number}.ZDREG\n"
    free = conform(parse(site))
    driven = conform(parse(f"{site}{wire}.SS2END0\n"))
    assert [line for line in map(format_line, free.lines) if pin in line]
    assert not [line for line in map(format_line, driven.lines) if pin in line]
    assert driven.routed == (f"DSP_{side}_X64Y110.DSP_{number}_{pin} (by {wire})",)
    assert len(driven.added) == len(free.added) - 2


def test_a_tie_that_is_there_stays_as_it_is() -> None:
    lines = added(NEXTPNR + "DSP_L_X64Y110.DSP_1_INMODE0.DSP_VCC_L\nDSP_L_X64Y110.DSP_1_INMODE1.DSP_GND_L\n")
    assert not [line for line in lines if "INMODE0" in line or "INMODE1" in line or "INMODE_INVERTED[0]" in line]


def test_the_mask_gets_its_default_unless_the_design_sets_it() -> None:
    mask = "DSP_L_X64Y110.DSP48.DSP_1.MASK[45:0] = 46'h3fffffffffff"
    assert mask in added(NEXTPNR)
    assert mask not in added(NEXTPNR + "DSP_L_X64Y110.DSP48.DSP_1.MASK[45:0] = 46'h0\n")


def test_the_cascade_register_is_left_to_the_design_where_it_may_choose() -> None:
    feature = "DSP_L_X64Y110.DSP48.DSP_1.ZAREG_2_ACASCREG_1"
    assert feature in added(NEXTPNR)
    assert feature not in added(NEXTPNR + "DSP_L_X64Y110.DSP48.DSP_1.AREG_2\n")


def test_a_used_lower_memory_gets_the_offsets_of_its_tile() -> None:
    offsets = [f"BRAM_R_X67Y105.ZALMOST_{kind}_OFFSET[12:0] = 13'h1fff" for kind in ("EMPTY", "FULL")]
    assert added("BRAM_R_X67Y105.RAMB18_Y0.IN_USE\n") == offsets
    assert added("BRAM_R_X67Y105.RAMB18_Y1.IN_USE\n") == []


def test_the_lines_of_the_input_come_first_and_unchanged() -> None:
    lines = parse("# made by nextpnr\n" + NEXTPNR)
    assert list(conform(lines).lines[: len(lines)]) == lines


def test_nothing_is_added_where_nothing_is_used() -> None:
    assert added("CLBLM_R_X3Y5.SLICEM_X0.ALUT.INIT[63:0] = 64'h1\n# DSP48\nDSP_L_X64Y110.DSP48.DSP_1.ZDREG = 0\n") == []


_PIECES = [*NEXTPNR.split(), "DSP_R_X3Y5.DSP48.DSP_0.AREG_2", "BRAM_L_X6Y0.RAMB18_Y0.IN_USE"]
_PIECES += [f"INT_L_X64Y{y}.{kind}_ALT{n}.{src}" for y in (110, 112, 114) for kind in ("BYP", "FAN")
            for n in range(8) for src in ("VCC_WIRE", "NN2END0")]  # fmt: skip
_PIECES += [f"DSP_L_X64Y110.DSP48.DSP_1.ZIS_INMODE_INVERTED[{i}]" for i in range(5)]


@given(st.lists(st.sampled_from(_PIECES)))
def test_a_second_pass_adds_nothing(pieces: list[str]) -> None:
    once = conform(FasmLine(line.feature, line.msb, line.lsb) for line in parse("\n".join(pieces)))
    twice = conform(once.lines)
    assert twice.added == ()
    assert twice.lines == once.lines


def test_every_rule_is_in_the_summary_with_its_evidence() -> None:
    rules = summary(conform(parse(NEXTPNR)))["rules"]
    assert [rule["rule"] for rule in rules] == [rule.name for rule in RULES]
    assert rules[0]["evidence"] == "set in 220 of 220 used DSP48E1 of a Vivado 2025.2 bitstream"
    assert len(rules[0]["added"]) == 16
