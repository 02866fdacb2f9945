# SPDX-License-Identifier: AGPL-3.0-or-later
"""Read a .hwh, ours or Vivado's, into `HwhFacts`; nothing but the standard library.

The file is data from outside: its size is bounded, it must be UTF-8, and a document type (with which entities could
be declared) is refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from pynqtorch.errors import FormatError
from pynqtorch.hw.hwh_facts import CLOCKS, ClockFacts, HwhFacts, IpFacts, MemoryFacts, RegisterFacts

MAX_BYTES = 64 << 20
_PS_TYPE = "processing_system7"


def parse(path: Path) -> HwhFacts:
    """Facts of a .hwh file.

    Raises:
        FormatError: it cannot be read, is too large, is not XML or not a handoff of a Zynq-7000 design.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror}") from error
    return parse_bytes(data, str(path))


def parse_bytes(data: bytes, where: str) -> HwhFacts:
    """Facts of a .hwh in memory; `where` is its name in messages.

    Raises:
        FormatError: see `parse`.
    """
    if len(data) > MAX_BYTES:
        raise FormatError(f"{where}: more than {MAX_BYTES >> 20} MiB; that is no hardware handoff")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"{where}: byte {error.start}: not UTF-8") from error
    if match := re.search(r"<!(DOCTYPE|ENTITY)", text):
        line = text.count("\n", 0, match.start()) + 1
        raise FormatError(f"{where}:{line}: {match.group()} has no place in a hardware handoff")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 (bounded, and without entities: see above)
    except (ElementTree.ParseError, ValueError) as error:
        raise FormatError(f"{where}: not XML: {error}") from error
    return _Reader(root, where).facts()


class _Reader:
    """One document; every missing piece is a FormatError that names it."""

    def __init__(self, root: Element, where: str) -> None:
        self.root = root
        self.where = where
        self.modules = {self.text(module, "INSTANCE"): module for module in root.iter("MODULE")}

    def facts(self) -> HwhFacts:
        if self.root.tag != "EDKSYSTEM":
            raise FormatError(f"{self.where}: the root element is {self.root.tag}, not EDKSYSTEM")
        info = self.root.find("SYSTEMINFO")
        if info is None:
            raise FormatError(f"{self.where}: no SYSTEMINFO")
        systems = [module for module in self.modules.values() if module.get("MODTYPE") == _PS_TYPE]
        if len(systems) != 1:
            raise FormatError(f"{self.where}: {len(systems)} modules of type {_PS_TYPE}, not one")
        ranges = [r for r in systems[0].iter("MEMRANGE") if r.get("MEMTYPE") == "REGISTER"]
        ips = sorted((self.ip(r) for r in ranges), key=lambda ip: (ip.name, ip.interface))
        part = f"xc{self.text(info, 'DEVICE')}{self.text(info, 'PACKAGE')}{self.text(info, 'SPEEDGRADE')}"
        return HwhFacts(self.text(info, "NAME"), part, tuple(ips), self.clocks(systems[0]))

    def ip(self, window: Element) -> IpFacts:
        name, interface = self.text(window, "INSTANCE"), self.text(window, "SLAVEBUSINTERFACE")
        if name not in self.modules:
            raise FormatError(f"{self.where}: a MEMRANGE names {name}, which is no module")
        module = self.modules[name]
        base, size = self.bounds(window)
        registers = [
            self.register(register)
            for block in module.iter("ADDRESSBLOCK")
            if block.get("INTERFACE") == interface
            for register in block.iter("REGISTER")
        ]
        memory = sorted(
            (self.memory(r) for r in module.iter("MEMRANGE") if r.get("MEMTYPE") == "MEMORY"),
            key=lambda m: (m.interface, m.port),
        )
        return IpFacts(name, self.text(module, "VLNV"), self.text(window, "MASTERBUSINTERFACE"), interface, base, size,
                       tuple(sorted(registers, key=lambda r: r.offset)), tuple(memory))  # fmt: skip

    def memory(self, entry: Element) -> MemoryFacts:
        base, size = self.bounds(entry)
        return MemoryFacts(
            self.text(entry, "MASTERBUSINTERFACE"), self.text(entry, "SLAVEBUSINTERFACE"),
            self.text(entry, "ADDRESSBLOCK"), base, size,
        )  # fmt: skip

    def register(self, register: Element) -> RegisterFacts:
        name = self.text(register, "NAME")
        own = self.properties(register)
        fields = []
        for field in register.iter("FIELD"):
            values = self.properties(field)
            where = f"{name}.{self.text(field, 'NAME')}"
            fields.append((
                self.text(field, "NAME"), self.number(values, "BIT_OFFSET", where),
                self.number(values, "BIT_WIDTH", where), values.get("ACCESS", ""),
            ))  # fmt: skip
        return RegisterFacts(name, self.number(own, "ADDRESS_OFFSET", name), self.number(own, "SIZE", name),
                             own.get("ACCESS", ""), tuple(fields))  # fmt: skip

    def clocks(self, system: Element) -> tuple[ClockFacts, ...]:
        values = {p.get("NAME", ""): p.get("VALUE", "") for p in system.findall("PARAMETERS/PARAMETER")}
        return tuple(
            ClockFacts(
                i, values.get(f"PCW_FPGA_FCLK{i}_ENABLE") == "1",
                self.number(values, f"PCW_FCLK{i}_PERIPHERAL_DIVISOR0", _PS_TYPE),
                self.number(values, f"PCW_FCLK{i}_PERIPHERAL_DIVISOR1", _PS_TYPE),
            )
            for i in range(CLOCKS)
        )  # fmt: skip

    def bounds(self, entry: Element) -> tuple[int, int]:
        values = dict(entry.attrib)
        base, high = (self.number(values, key, "MEMRANGE") for key in ("BASEVALUE", "HIGHVALUE"))
        if high < base:
            raise FormatError(f"{self.where}: a MEMRANGE of {entry.get('INSTANCE')} ends before it begins")
        return base, high - base + 1

    def properties(self, element: Element) -> dict[str, str]:
        return {self.text(p, "NAME"): p.get("VALUE", "") for p in element.findall("PROPERTY")}

    def text(self, element: Element, attribute: str) -> str:
        value = element.get(attribute)
        if value is None:
            raise FormatError(f"{self.where}: {element.tag} without {attribute}")
        return value

    def number(self, values: dict[str, str], key: str, where: str) -> int:
        value = values.get(key)
        if value is None:
            raise FormatError(f"{self.where}: {where}: no {key}")
        if not re.fullmatch(r"0[xX][0-9A-Fa-f]{1,16}|[0-9]{1,20}", value):
            raise FormatError(f"{self.where}: {where}: {key} is {value[:40]!r}, not a number")
        return int(value, 16 if value[:2] in ("0x", "0X") else 10)
