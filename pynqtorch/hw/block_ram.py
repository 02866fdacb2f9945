# SPDX-License-Identifier: AGPL-3.0-or-later
"""Behaviour of the 7 series' block RAM as Verilog, for simulation of netlists (yosys only declares these cells)."""

from __future__ import annotations

from pynqtorch.hw import testbench

_CONTROLS = ("CLKARDCLK", "CLKBWRCLK", "ENARDEN", "ENBWREN", "RSTRAMARSTRAM", "RSTRAMB", "RSTREGARSTREG", "RSTREGB")
_CASCADE_INPUTS = ("CASCADEINA", "CASCADEINB", "INJECTDBITERR", "INJECTSBITERR")
_CASCADE_OUTPUTS = ("CASCADEOUTA", "CASCADEOUTB", "[7:0] ECCPARITY", "[8:0] RDADDRECC", "SBITERR", "DBITERR")


def render() -> str:
    """Verilog modules RAMB18E1 and RAMB36E1 (UG473)."""
    small = _ram("RAMB18E1", data=16, bits=14, pins=14, inputs=(), outputs=())
    large = _ram("RAMB36E1", data=32, bits=15, pins=16, inputs=_CASCADE_INPUTS, outputs=_CASCADE_OUTPUTS)
    return testbench.render("block_ram.v.j2", {"rams": [small, large]})


def _ram(
    name: str, *, data: int, bits: int, pins: int, inputs: tuple[str, ...], outputs: tuple[str, ...]
) -> dict[str, object]:
    """Values of the template; `data` bits of a port without parity, `bits` of an address of a bit, `pins` of ADDR."""
    parity = data // 8

    def wide(parameter: str) -> str:
        """{parity, data} of both ports next to each other, as 8 + 64 bits."""
        top = f"[{data + parity - 1}:{data}]"
        low = f"[{data - 1}:0]"
        parities = _padded(8, 2 * parity, f"{parameter}_B{top}", f"{parameter}_A{top}")
        return "{" + parities + ", " + _padded(64, 2 * data, f"{parameter}_B{low}", f"{parameter}_A{low}") + "}"

    def narrow(parameter: str) -> str:
        parities = _padded(8, parity, f"{parameter}[{data + parity - 1}:{data}]")
        return "{" + parities + ", " + _padded(64, data, f"{parameter}[{data - 1}:0]") + "}"

    return {
        "name": name, "data": data, "bits": bits, "pins": pins, "rows": (1 << bits) // 64,
        "inputs": (*_CONTROLS, "REGCEAREGCE", "REGCEB", *inputs), "outputs": outputs,
        "constant": tuple(output.split()[-1] for output in outputs), "inverted": _CONTROLS,
        "init_a": wide("INIT"), "srval_a": wide("SRVAL"), "init_b": narrow("INIT_B"), "srval_b": narrow("SRVAL_B"),
        "wea": _padded(8, parity, "WEA"), "web": _padded(8, 2 * parity, "WEBWE"),
        "dia": _padded(64, data, "DIADI"), "dib": _padded(64, data, "DIBDI"),
        "dipa": _padded(8, parity, "DIPADIP"), "dipb": _padded(8, parity, "DIPBDIP"),
        "di_wide": _padded(64, 2 * data, "DIBDI", "DIADI"), "dip_wide": _padded(8, 2 * parity, "DIPBDIP", "DIPADIP"),
    }  # fmt: skip


def _padded(width: int, used: int, *parts: str) -> str:
    """A concatenation of `parts`, `used` bits in all, filled with zeros up to `width`."""
    zeros = (f"{width - used}'d0",) if width > used else ()
    return "{" + ", ".join((*zeros, *parts)) + "}"
