# SPDX-License-Identifier: AGPL-3.0-or-later
"""The types of the recipes' fields: names and paths by pattern, quantities in one unit, mappings that are frozen.

The patterns are narrow on purpose: the values go into C++, Verilog, Tcl, XDC and command lines.
"""

from __future__ import annotations

from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, Strict, StringConstraints, WithJsonSchema

from pynqtorch.recipes.units import parse_address, parse_frequency, parse_time

NAME = r"^[A-Za-z][A-Za-z0-9_]{0,62}$"
FILE_NAME = r"^[a-z0-9][a-z0-9_.-]{0,62}$"
RELATIVE_PATH = r"^[^/\\\x00-\x1f][^\\\x00-\x1f]*$"
PART = r"^xc7z\d{3}[a-z]{3}\d{3}-\d$"
BOARD_PART = r"^([A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+){3})?$"
PRESET_KEY = r"^CONFIG\.PCW_[A-Z0-9_]+$"
PIN = r"^[A-Z]{1,2}[0-9]{1,2}$"
IO_STANDARD = r"^[A-Z0-9_]+$"
VERSION = r"^\d+\.\d+$"
RELEASE = r"^[0-9][0-9A-Za-z.+-]*$"
TRIPLE = r"^[a-z0-9_]+(-[a-z0-9_]+)+$"
MACHINE = r"^[a-z0-9_]+$"
FLAG = r"^-[!-~]+$"
SUITE = r"^[a-z]+$"
PACKAGE = r"^[a-z0-9][a-z0-9+.-]+$"
TOOL = r"^[A-Za-z0-9][A-Za-z0-9+._-]*$"
SNAPSHOT = r"^\d{8}T\d{6}Z$"

PATTERN_WORDS = {
    NAME: "a name begins with a letter and has letters, digits and _ only, 63 at most",
    FILE_NAME: "a name has small letters, digits, '-', '_' and '.' only, 63 at most, and begins with a letter or digit",
    RELATIVE_PATH: "a path is relative and uses / (no leading /, no backslash)",
    PART: "a Zynq-7000 part looks like xc7z020clg400-1",
    BOARD_PART: "a board part looks like tul.com.tw:pynq-z2:part0:1.0",
    PRESET_KEY: "a preset looks like CONFIG.PCW_UIPARAM_DDR_PARTNO",
    PIN: "a pin of the package looks like R14",
    IO_STANDARD: "an I/O standard looks like LVCMOS33",
    VERSION: 'a version looks like "1.0"',
    RELEASE: 'a release looks like "3.1.1"',
    TRIPLE: "a triple looks like arm-linux-gnueabihf",
    MACHINE: "a machine is what `uname -m` says, e.g. armv7l",
    FLAG: "a flag begins with '-' and has no blank; write one flag in each entry",
    SUITE: "a suite is the release's code name in small letters, e.g. trixie",
    PACKAGE: "a package's name has small letters, digits, '+', '.' and '-' only",
    TOOL: "a tool's name has letters, digits, '+', '.', '_' and '-' only",
    SNAPSHOT: "a snapshot looks like 20260115T000000Z",
}
"""What a pattern asks for, in words, for messages."""

_ADDRESS_SCHEMA = {
    "anyOf": [
        {"type": "integer", "minimum": 0, "maximum": 0xFFFF_FFFF},
        {"type": "string", "pattern": "^0x[0-9A-Fa-f]+(_[0-9A-Fa-f]+)*$"},
    ],
    "examples": ["0x4000_0000"],
}
_HERTZ_SCHEMA = {"type": "string", "pattern": r"^\d+(\.\d+)? ?(Hz|kHz|MHz|GHz)$", "examples": ["100MHz"]}
_TIME_SCHEMA = {"type": "string", "pattern": r"^\d+(\.\d+)? ?(ps|ns|us|ms)$", "examples": ["5ns"]}

Name = Annotated[str, StringConstraints(pattern=NAME)]
FileName = Annotated[str, StringConstraints(pattern=FILE_NAME)]
RelativePath = Annotated[str, StringConstraints(min_length=1, max_length=240, pattern=RELATIVE_PATH)]
Part = Annotated[str, StringConstraints(pattern=PART)]
BoardPart = Annotated[str, StringConstraints(pattern=BOARD_PART)]
PresetKey = Annotated[str, StringConstraints(pattern=PRESET_KEY)]
Loc = Annotated[str, StringConstraints(pattern=PIN)]
IoStandard = Annotated[str, StringConstraints(pattern=IO_STANDARD)]
Version = Annotated[str, StringConstraints(pattern=VERSION)]
Release = Annotated[str, StringConstraints(pattern=RELEASE)]
Triple = Annotated[str, StringConstraints(pattern=TRIPLE)]
Machine = Annotated[str, StringConstraints(pattern=MACHINE)]
Flag = Annotated[str, StringConstraints(pattern=FLAG)]
Suite = Annotated[str, StringConstraints(pattern=SUITE)]
Package = Annotated[str, StringConstraints(pattern=PACKAGE)]
Tool = Annotated[str, StringConstraints(pattern=TOOL)]
Snapshot = Annotated[str, StringConstraints(pattern=SNAPSHOT)]
Extent = Annotated[int, Field(gt=0, le=1 << 26)]
Count = Annotated[int, Field(ge=0, lt=1 << 31)]

# In JSON a quantity is written as in a recipe, so that model_validate_json reads what model_dump_json wrote.
Hertz = Annotated[
    int,
    BeforeValidator(parse_frequency),
    Field(gt=0, lt=1 << 40),
    PlainSerializer(lambda value: f"{value}Hz", return_type=str, when_used="json"),
    WithJsonSchema(_HERTZ_SCHEMA),
]
Picoseconds = Annotated[
    int,
    BeforeValidator(parse_time),
    Field(gt=0, lt=1 << 40),
    PlainSerializer(lambda value: f"{value}ps", return_type=str, when_used="json"),
    WithJsonSchema(_TIME_SCHEMA),
]
Address = Annotated[int, BeforeValidator(parse_address), Field(ge=0, le=0xFFFF_FFFF), WithJsonSchema(_ADDRESS_SCHEMA)]


class FrozenDict(dict[Any, Any]):
    """A dict that cannot be changed, so that a model is frozen all the way down (and hashable)."""

    def _frozen(self, *_args: object, **_keywords: object) -> NoReturn:
        raise TypeError("recipes are frozen; make a changed copy with model_copy(update=...)")

    __setitem__ = __delitem__ = __ior__ = _frozen
    clear = pop = popitem = setdefault = update = _frozen

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[type[FrozenDict], tuple[dict[Any, Any]]]:
        return FrozenDict, (dict(self),)


K = TypeVar("K")
V = TypeVar("V")
Table = Annotated[dict[K, V], AfterValidator(FrozenDict)]
"""A mapping of a recipe: read like any dict, in the recipe's order."""
List = Annotated[tuple[V, ...], Strict(False)]
"""A list of a recipe, as a tuple."""
