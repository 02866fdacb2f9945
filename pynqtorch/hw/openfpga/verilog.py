# SPDX-License-Identifier: AGPL-3.0-or-later
"""Text of the generated Verilog: wires of AXI buses, and cells with one line a channel."""

from __future__ import annotations

import re
import textwrap
from itertools import groupby

from pynqtorch.hw.openfpga.ps7 import Signal

Pins = list[tuple[str, str]]
"""Pin and what it is connected to."""
_AXI_PIN = re.compile(
    r"(.*?)(AW|AR|W|B|R)"
    r"(?:ID|ADDR|LEN|SIZE|BURST|LOCK|CACHE|PROT|QOS|REGION|USER|VALID|READY|DATA|STRB|LAST|RESP)"
)


def wires(prefix: str, signals: tuple[Signal, ...], count: int = 1) -> str:
    """Declarations of a bus' signals, packed `count` times, as ``<prefix>_<signal>``."""
    by_width: dict[int, list[str]] = {}
    for signal, width, _ in signals:
        by_width.setdefault(width * count, []).append(f"{prefix}_{signal}")
    return "\n".join(
        _wrap(f"    wire {f'[{width - 1}:0] ' if width > 1 else ''}" + ", ".join(names) + ";")
        for width, names in by_width.items()
    )


def bus(pin_prefix: str, wire_prefix: str, signals: tuple[Signal, ...], part: tuple[int, int] = (0, 1)) -> Pins:
    """A bus connected to its wires; `part` is (index, count) where these are packed."""
    index, count = part
    return [(pin_prefix + s, select(f"{wire_prefix}_{s}", width, index, count, width)) for s, width, _ in signals]


def select(wire: str, width: int, index: int, count: int, bits: int) -> str:
    """Part `index` of a packed vector of `count` signals of `width` bits: its low `bits`."""
    if count == 1:
        return wire if bits == width else f"{wire}[{bits - 1}:0]"
    return f"{wire}[{index}]" if width == 1 else f"{wire}[{index * width} +: {bits}]"


def cell(
    module: str,
    name: str,
    pins: Pins,
    *,
    parameters: list[tuple[str, str]] | None = None,
    attribute: str = "",
) -> str:
    """An instance, one line for each AXI channel."""
    given = f" #({', '.join(f'.{key}({value})' for key, value in parameters)})" if parameters else ""
    rows = [
        _wrap("        " + ", ".join(f".{pin}({wire})" for pin, wire in row))
        for _, row in groupby(pins, key=lambda item: _channel(item[0]))
    ]
    return f"    {attribute}{module}{given} {name} (\n" + ",\n".join(rows) + "\n    );"


def _channel(pin: str) -> str:
    """Group of a pin: port and AXI channel, so that each channel starts a line; empty for other pins."""
    match = _AXI_PIN.fullmatch(pin)
    return match[1] + match[2] if match else ""


def _wrap(line: str) -> str:
    indent = line[: len(line) - len(line.lstrip())]
    return "\n".join(
        textwrap.wrap(
            line, 118, initial_indent="", subsequent_indent=indent + "    ", break_long_words=False,
            break_on_hyphens=False, drop_whitespace=True,
        )
    )  # fmt: skip
