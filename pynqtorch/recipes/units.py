# SPDX-License-Identifier: AGPL-3.0-or-later
"""Quantities with a unit, as people write them in recipes: ``100MHz``, ``5ns``, ``0x4000_0000``."""

from __future__ import annotations

import re
from decimal import Decimal

from pynqtorch.recipes.diagnostics import shorten

_QUANTITY = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?) ?([A-Za-z]{1,8})")
_ADDRESS = re.compile(r"0x[0-9A-Fa-f]+(?:_[0-9A-Fa-f]+)*|[0-9]+")
_HERTZ = {"Hz": 1, "kHz": 10**3, "MHz": 10**6, "GHz": 10**9}
_PICOSECONDS = {"ps": 1, "ns": 10**3, "us": 10**6, "ms": 10**9}


def parse_frequency(value: object) -> int:
    """Hertz of ``100MHz``.

    Raises:
        ValueError: no unit, an unknown unit, or not a whole number of hertz.
    """
    return _parse(value, _HERTZ, "frequency", "100MHz")


def parse_time(value: object) -> int:
    """Picoseconds of ``5ns``.

    Raises:
        ValueError: no unit, an unknown unit, or not a whole number of picoseconds.
    """
    return _parse(value, _PICOSECONDS, "time", "5ns")


def parse_address(value: object) -> int:
    """An address, written as a YAML integer (0x40000000) or as text with underscores (``0x4000_0000``).

    Raises:
        ValueError: not an integer.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= 64 and _ADDRESS.fullmatch(value):
        return int(value.replace("_", ""), 16 if value.startswith("0x") else 10)
    raise ValueError(f"{shorten(repr(value))} is not an address; write it as 0x4000_0000")


def _parse(value: object, units: dict[str, int], what: str, example: str) -> int:
    if isinstance(value, str) and (match := _QUANTITY.fullmatch(value.strip())):
        number, unit = match.groups()
        if unit not in units:
            near = [known for known in units if known.lower() == unit.lower()]
            known = f"did you mean {near[0]}?" if near else "known: " + ", ".join(units)
            raise ValueError(f"unknown unit {unit!r} of a {what}; {known}")
        scaled = Decimal(number) * units[unit]
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{value!r} is finer than a {what}'s smallest unit, {next(iter(units))}")
        return int(scaled)
    raise ValueError(f"a {what} needs a number and a unit, e.g. {example}; got {shorten(repr(value))}")
