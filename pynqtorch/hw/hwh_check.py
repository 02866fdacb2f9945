# SPDX-License-Identifier: AGPL-3.0-or-later
"""What PYNQ's own parser (pynqmetadata) makes of a .hwh: the dictionaries that `pynq.Overlay` is built from."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from pynqtorch.errors import FormatError, MissingToolError
from pynqtorch.hw.hwh_facts import ClockFacts, HwhFacts, IpFacts, MemoryFacts, RegisterFacts, differences


def runtime_metadata(path: Path) -> Any:
    """PYNQ's RuntimeMetadataParser of a file (ip_dict, mem_dict, clock_dict, interrupt_pins, md …).

    Raises:
        MissingToolError: pynqmetadata is not installed.
        FormatError: PYNQ's parser does not accept the file.
    """
    try:
        from pynqmetadata import errors  # type: ignore[import-untyped, import-not-found, unused-ignore]
        from pynqmetadata.frontends import Metadata  # type: ignore[import-untyped, import-not-found, unused-ignore]
        from pynqmetadata.views.runtime import RuntimeMetadataParser  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError as error:
        raise MissingToolError(
            f"PYNQ's parser of hardware handoffs is not installed ({error})",
            hint="install the optional extra: pip install 'pynqtorch[hwh]' (pynqmetadata >= 0.2, pynqutils)",
        ) from error
    # its own classes derive from Exception one by one; on bad files it also stumbles with these built-in ones
    own = (value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception))
    bad: tuple[type[Exception], ...] = (
        *own, ValueError, KeyError, TypeError, AttributeError, IndexError, RuntimeError, SyntaxError,
    )  # fmt: skip
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns about its own pydantic models
            return RuntimeMetadataParser(Metadata(input=str(path)))
    except bad as error:
        raise FormatError(
            f"{path}: PYNQ's parser does not accept it: {type(error).__name__}: {error}",
            hint="Overlay() would fail on the board in the same way",
        ) from error


def pynq_facts(path: Path, part: str) -> HwhFacts:
    """Facts of a .hwh as PYNQ sees them; PYNQ knows nothing of the part, which is passed through.

    Raises:
        MissingToolError, FormatError: see `runtime_metadata`.
    """
    parser = runtime_metadata(path)
    system = parser.ps
    control = {}
    for port in system.ports.values():
        for target in getattr(port, "_addrmap_obj", {}).values():
            control[target.parent().hierarchy_name] = port.name
    ips = []
    for name, entry in sorted(parser.ip_dict.items()):
        if name == parser.ps_name:
            continue
        ips.append(
            IpFacts(name, entry["type"], control[name], entry["mem_id"], entry["phys_addr"], entry["addr_range"],
                    _registers(entry["registers"]), _memory(parser.md.blocks[name]))
        )  # fmt: skip
    clocks = tuple(
        ClockFacts(index, bool(clock["enable"]), clock["divisor0"], clock["divisor1"])
        for index, clock in sorted(parser.clock_dict.items())
    )
    return HwhFacts(parser.md.name, part, tuple(ips), clocks)


def check(path: Path, asked: HwhFacts) -> None:
    """Compare what PYNQ reads with what was asked for.

    Raises:
        MissingToolError: PYNQ's parser is not installed.
        FormatError: a key differs; the message lists them all.
    """
    wrong = differences(asked, pynq_facts(path, asked.part))
    if wrong:
        raise FormatError(
            f"{path}: PYNQ reads something else than was asked for:\n  " + "\n  ".join(wrong),
            hint="this is a bug of pynqtorch.hw.hwh, or the file was changed",
        )


def _registers(entries: dict[str, dict[str, Any]]) -> tuple[RegisterFacts, ...]:
    registers = [
        RegisterFacts(
            name, entry["address_offset"], entry["size"], entry["access"],
            tuple((f, v["bit_offset"], v["bit_width"], v["access"]) for f, v in entry["fields"].items()),
        )
        for name, entry in entries.items()
    ]  # fmt: skip
    return tuple(sorted(registers, key=lambda register: register.offset))


def _memory(block: Any) -> tuple[MemoryFacts, ...]:
    found = []
    for port in block.ports.values():
        for key, entry in getattr(port, "addrmap", {}).items():
            target = port._addrmap_obj[key]
            if entry["memtype"] == "memory":
                found.append(MemoryFacts(port.name, target.name, entry["block"], target.baseaddr, target.range))
    return tuple(sorted(found, key=lambda memory: (memory.interface, memory.port)))
