# SPDX-License-Identifier: AGPL-3.0-or-later
"""The generated Verilog top: what is connected to what."""

from __future__ import annotations

import re
from typing import Any

import pytest
from openflow_samples import PORTS, instance, kernel, overlay

from pynqtorch.errors import RecipeError
from pynqtorch.hw.addresses import addresses
from pynqtorch.hw.openfpga.ps7 import MEMORY_PORTS
from pynqtorch.hw.openfpga.top import clock_of, masters, render


def cells(text: str) -> dict[str, tuple[str, dict[str, str], dict[str, str]]]:
    """Instance -> (module, parameters, connections) of our own one-level Verilog."""
    found: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {}
    for match in re.finditer(
        r"^    (?:\(\* keep \*\) )?(\w+) (?:#\(([^\n]*)\) )?(\w+) \(\n(.*?)\n    \);", text, re.M | re.S
    ):
        module, parameters, name, body = match.groups()
        pins = re.findall(r"\.(\w+)\(((?:[^()]|\([^()]*\))*)\)", body)
        found[name] = module, dict(re.findall(r"\.(\w+)\((.*?)\)", parameters or "")), dict(pins)
    return found


def two() -> dict[str, tuple[str, dict[str, str], dict[str, str]]]:
    made = overlay({"a0": instance("S_AXI_HP0"), "a1": instance("S_AXI_HP0", address="0x4000_0000")})
    return cells(render(made, {"adder": kernel()}))


def test_each_kernel_has_its_window_its_slot_and_its_interrupt() -> None:
    found = two()
    module, parameters, _ = found["m_gp0_mux"]
    assert module == "shell_axil_mux"
    assert parameters["BASES"] == "{32'h40000000, 32'h40010000}"  # the last slave first
    assert (parameters["N"], parameters["WINDOW_BITS"]) == ("2", "16")
    assert found["a0"][0] == found["a1"][0] == "adder"
    assert found["a0"][2]["s_axi_CTRL_AWADDR"] == "m_gp0_slaves_AWADDR[0 +: 6]"
    assert found["a1"][2]["s_axi_CTRL_AWADDR"] == "m_gp0_slaves_AWADDR[32 +: 6]"
    assert found["a1"][2]["s_axi_CTRL_RVALID"] == "m_gp0_slaves_RVALID[1]"
    assert [found[name][2]["interrupt"] for name in ("a0", "a1")] == ["interrupt[0]", "interrupt[1]"]
    assert found["ps7"][2]["IRQF2P"] == "{18'd0, interrupt}"


def test_masters_on_one_port_share_it_through_the_mux() -> None:
    found = two()
    assert found["hp0_mux"][1]["N"] == "2"
    assert found["a0_gmem_bursts"][2]["m_axi_WDATA"] == "hp0_masters_WDATA[0 +: 64]"
    assert found["a1_gmem_bursts"][2]["m_axi_WDATA"] == "hp0_masters_WDATA[64 +: 64]"
    assert found["a1_gmem_bursts"][1]["S_DATA_WIDTH"] == "32"
    assert found["ps7"][2]["SAXIHP0WDATA"] == found["hp0_mux"][2]["m_axi_WDATA"] == "hp0_WDATA"


@pytest.mark.parametrize("port", PORTS)
def test_every_memory_port_is_connected_in_its_own_widths(port: str) -> None:
    facts = MEMORY_PORTS[port]
    found = cells(render(overlay({"a0": instance(port)}), {"adder": kernel(width=64)}))
    parameters = next(cell for cell in found.values() if cell[0] == "shell_axi_mux")[1]
    assert (parameters["DATA_WIDTH"], parameters["ID_WIDTH"]) == (str(facts.data_width), str(facts.id_width))
    pins = {name: wire for name, wire in found["ps7"][2].items() if name.startswith(facts.prefix)}
    assert pins[f"{facts.prefix}ACLK"] == "clk"
    assert {
        f"{facts.prefix}{signal}" for signal in ("AWVALID", "WDATA", "WID", "BREADY", "ARADDR", "RREADY")
    } <= pins.keys()
    assert (f"{facts.prefix}AWUSER" in pins) == (port == "S_AXI_ACP")
    assert (f"{facts.prefix}RDISSUECAP1EN" in pins) == ("HP" in port)


def test_unused_ports_of_the_ps_are_left_open_and_ddr_arbitration_is_tied() -> None:
    pins = two()["ps7"][2]
    assert not [name for name in pins if name.startswith(("SAXIHP1", "SAXIACP", "MAXIGP1", "MIO", "EMIO"))]
    assert pins["DDRARB"] == "4'b0000"  # nextpnr ties open inputs to 0, but not those named DDR*
    assert [name for name in pins if name.startswith("DDR")] == ["DDRARB"]


def test_both_control_ports_and_another_clock() -> None:
    made = overlay({"a0": instance(control="M_AXI_GP1", clock="fclk2")}, clocks={"fclk0": "100MHz", "fclk2": "50MHz"})
    found = cells(render(made, {"adder": kernel()}))
    assert found["m_gp1_mux"][1]["BASES"] == "{32'h80000000}"
    assert found["bufg_clk"][2]["I"] == "fclk[2]"
    assert clock_of(made) == "fclk2"


def test_every_wire_that_is_used_is_declared() -> None:
    text = render(overlay({"a0": instance("S_AXI_ACP"), "b": instance("S_AXI_GP1")}), {"adder": kernel(width=128)})
    declared = set(re.findall(r"\w+", " ".join(re.findall(r"wire (?:\[\d+:0\] )?([^;]*);", text))))
    used = {re.split(r"\[", wire)[0] for _, _, pins in cells(text).values() for wire in pins.values()}
    assert {wire for wire in used if wire and wire[0].isalpha()} <= declared
    assert max(map(len, text.splitlines())) <= 140


def test_the_text_is_the_same_each_time() -> None:
    made = overlay({"a0": instance()})
    assert render(made, {"adder": kernel()}) == render(made, {"adder": kernel()})


@pytest.mark.parametrize(
    ("kernels", "changes", "message"),
    [
        (
            {"a0": instance(), "a1": instance(clock="fclk1")},
            {"clocks": {"fclk0": "100MHz", "fclk1": "50MHz"}},
            "one clock",
        ),
        ({"a0": instance(clock="fclk1")}, {}, "no frequency"),
        ({"a0": instance(name="nothing")}, {}, "no kernel 'nothing'"),
        ({"a0": {"kernel": "adder", "memory": {}}}, {}, "bundle 'gmem' is on no memory port"),
        ({"a0": {"kernel": "adder", "memory": {"gmem": "S_AXI_HP0", "x": "S_AXI_HP1"}}}, {}, "no bundle 'x'"),
        ({"clk": instance()}, {}, "cannot be named 'clk'"),
        ({"adder": instance()}, {}, "cannot be named 'adder'"),
        ({"hp0_mux": instance()}, {}, "cannot be named 'hp0_mux'"),
        ({"a": instance(), "a_gmem_bursts": instance()}, {}, "cannot be named 'a_gmem_bursts'"),
        ({f"a{i}": instance() for i in range(17)}, {}, "more than 16"),
    ],
)
def test_what_the_flow_cannot_do_is_said(kernels: dict[str, Any], changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=re.escape(message)) as caught:
        render(overlay(kernels, **changes), {"adder": kernel()})
    assert "demo" in caught.value.message


def test_a_kernel_without_rtl_is_refused() -> None:
    with pytest.raises(RecipeError, match="no rtl section"):
        masters(overlay({"a0": instance()}), {"adder": kernel(rtl=False)})


def test_addresses_are_those_of_the_recipe_then_the_first_free() -> None:
    made = overlay({"a": instance(), "b": instance(address="0x4000_0000"), "c": instance(control="M_AXI_GP1")})
    assert addresses(made) == {"a": 0x4001_0000, "b": 0x4000_0000, "c": 0x8000_0000}
