# SPDX-License-Identifier: AGPL-3.0-or-later
"""XML of a .hwh: elements with checked text, and the parameters of AXI interfaces as Vivado 2025.2 writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element

from pynqtorch.errors import RecipeError

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
AXIMM = "xilinx.com:interface:aximm:1.0"

_COMMON = {
    "ARUSER_WIDTH": "0", "AWUSER_WIDTH": "0", "BUSER_WIDTH": "0", "HAS_BRESP": "1", "HAS_RRESP": "1",
    "HAS_WSTRB": "1", "INSERT_VIP": "0", "PHASE": "0.0", "READ_WRITE_MODE": "READ_WRITE",
    "RUSER_BITS_PER_BYTE": "0", "RUSER_WIDTH": "0", "SUPPORTS_NARROW_BURST": "0", "WUSER_BITS_PER_BYTE": "0",
    "WUSER_WIDTH": "0",
}  # fmt: skip


def element(tag: str, **attributes: str) -> Element:
    """An element without a parent.

    Raises:
        RecipeError: an attribute has a character that XML has no way to write (a control character).
    """
    for name, value in attributes.items():
        if bad := _FORBIDDEN.search(value):
            raise RecipeError(
                f".hwh: {tag} {name}: character U+{ord(bad.group()):04X} cannot stand in XML",
                hint="remove it from the recipe's text",
            )
    return Element(tag, attributes)


def add(parent: Element, tag: str, **attributes: str) -> Element:
    """A child element; see `element`."""
    child = element(tag, **attributes)
    parent.append(child)
    return child


def add_parameters(parent: Element, parameters: Mapping[str, str]) -> None:
    """PARAMETER elements in order."""
    for name, value in parameters.items():
        add(parent, "PARAMETER", NAME=name, VALUE=value)


def add_bus(
    parent: Element, name: str, kind: str, *, bus: str, parameters: Mapping[str, str], vlnv: str = AXIMM
) -> None:
    """A BUSINTERFACE; the two ends of a bus have the same `bus` name."""
    width = {"DATAWIDTH": parameters["DATA_WIDTH"]} if "DATA_WIDTH" in parameters else {}
    interface = add(parent, "BUSINTERFACE", BUSNAME=bus, **width, NAME=name, TYPE=kind, VLNV=vlnv)
    add_parameters(interface, parameters)
    add(interface, "PORTMAPS")


def axi(
    protocol: str, *, data: int, address: int, identifier: int, burst: int, outstanding: int, threads: int,
    frequency: int, domain: str, **changes: str,
) -> dict[str, str]:  # fmt: skip
    """Parameters of an AXI interface, sorted by name; widths in bits, `burst` in beats, `frequency` in hertz."""
    full = "0" if protocol == "AXI4LITE" else "1"
    parameters = {
        **_COMMON,
        "ADDR_WIDTH": str(address), "DATA_WIDTH": str(data), "ID_WIDTH": str(identifier), "PROTOCOL": protocol,
        "CLK_DOMAIN": domain, "FREQ_HZ": str(frequency), "MAX_BURST_LENGTH": str(burst),
        "NUM_READ_OUTSTANDING": str(outstanding), "NUM_WRITE_OUTSTANDING": str(outstanding),
        "NUM_READ_THREADS": str(threads), "NUM_WRITE_THREADS": str(threads),
        "HAS_BURST": full, "HAS_CACHE": full, "HAS_LOCK": full, "HAS_PROT": full, "HAS_QOS": full, "HAS_REGION": "0",
        **changes,
    }  # fmt: skip
    return dict(sorted(parameters.items()))


def memory_range(parent: Element, *, master: str, instance: str, slave: str, block: str, base: int, high: int,
                 register: bool) -> None:  # fmt: skip
    """A MEMRANGE of a MEMORYMAP: what `master` sees of `slave`."""
    prefix = f"C_{slave.upper()}_" if register else "C_"
    add(
        parent, "MEMRANGE", ADDRESSBLOCK=block, BASENAME=f"{prefix}BASEADDR", BASEVALUE=f"0x{base:08X}",
        HIGHNAME=f"{prefix}HIGHADDR", HIGHVALUE=f"0x{high:08X}", INSTANCE=instance, IS_DATA="TRUE",
        IS_INSTRUCTION="TRUE", MASTERBUSINTERFACE=master, MEMTYPE="REGISTER" if register else "MEMORY",
        SLAVEBUSINTERFACE=slave,
    )  # fmt: skip


def megahertz(hertz: float) -> str:
    """``50`` or ``33.333333``."""
    return f"{hertz / 1e6:.6f}".rstrip("0").rstrip(".")
