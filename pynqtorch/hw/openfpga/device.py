# SPDX-License-Identifier: AGPL-3.0-or-later
"""A part as project X-Ray's database describes it: tiles, their configuration bits, the order of frames.

Files used (all in one family's directory): `mapping/{parts,devices}.yaml`, `<part>/part.json`,
`<part>/required_features.fasm`, `<part>/package_pins.csv`, `<fabric>/tilegrid.json`, `segbits_*.db`, `ppips_*.db`.
Nothing is known here about a particular part. Bits of a tile type are read when the first tile of that type is met.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pynqtorch.errors import FormatError, MissingToolError
from pynqtorch.hw.openfpga.segbits import Block, TileBits, read_tile_bits

BUSES = {"CLB_IO_CLK": 0, "BLOCK_RAM": 1}  # block type in a frame address (UG470, table 5-24)


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile of the grid; `sites` maps site names to site types, `blocks` are its pieces of configuration memory."""

    name: str
    type: str
    x: int
    y: int
    sites: Mapping[str, str]
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Pin:
    """A package pin: bank, site and tile that it belongs to, and its function's name."""

    bank: str
    site: str
    tile: str
    function: str


@dataclass
class Device:
    """A part. `family` is the database directory of its family, `fabric` its die. Build it with `load_device`."""

    part: str
    family: Path
    fabric: str
    idcode: int
    rows: tuple[tuple[int, ...], ...]
    tiles: Mapping[str, Tile]
    required_features: str
    _by_shape: dict[tuple[str, tuple[Block, ...]], TileBits] = field(default_factory=dict, repr=False)
    _by_tile: dict[str, TileBits] = field(default_factory=dict, repr=False)

    @cached_property
    def frame_addresses(self) -> tuple[int, ...]:
        """The address of every frame, in the order in which the device counts them on."""
        return tuple(address for row in self.rows for address in row)

    @cached_property
    def pins(self) -> Mapping[str, Pin]:
        """Package pins by name (`R14`)."""
        path = self.family / self.part / "package_pins.csv"
        rows = csv.DictReader(_read(path).splitlines())
        if not {"pin", "bank", "site", "tile", "pin_function"} <= set(rows.fieldnames or ()):
            raise FormatError(f"{path}: the columns are not pin,bank,site,tile,pin_function")
        return {row["pin"]: Pin(row["bank"], row["site"], row["tile"], row["pin_function"]) for row in rows}

    @property
    def header_part(self) -> str:
        """The part as Vivado writes it into a .bit header: no `xc`, no speed grade (`7z020clg400`)."""
        return self.part.removeprefix("xc").rsplit("-", 1)[0]

    def tile_bits(self, tile: Tile) -> TileBits:
        """The features of a tile and their bits, shared by all tiles that lie alike in their frames."""
        known = self._by_tile.get(tile.name)
        if known is None:
            key = tile.type, tuple(block.shape for block in tile.blocks)
            known = self._by_shape.get(key)
            if known is None:
                known = self._by_shape[key] = read_tile_bits(self.family, tile.type, tile.blocks)
            self._by_tile[tile.name] = known
        return known


def load_device(database: Path, part: str) -> Device:
    """Read what is needed of `database` (the directory with the families, or one family's) for `part`.

    Raises:
        MissingToolError: no such database, or the part is not in it.
        FormatError: a database file does not have the expected form.
    """
    family = _family(database, part)
    device = _mapping(family / "mapping" / "parts.yaml", "device").get(part)
    fabric = _mapping(family / "mapping" / "devices.yaml", "fabric").get(device or "")
    if fabric is None:
        raise FormatError(f"{family / 'mapping'}: no fabric for part {part}", hint="the database is incomplete")
    description, grid = _json(family / part / "part.json"), _json(family / fabric / "tilegrid.json")
    try:
        rows = tuple(_rows(description["global_clock_regions"]))
        tiles = {name: _tile(name, entry) for name, entry in grid.items()}
        idcode = int(description["idcode"])
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise FormatError(
            f"{family}: the database of {part} has an unknown form ({type(error).__name__}: {error})",
            hint="use the prjxray database that the rootfs recipe installs",
        ) from error
    return Device(part, family, fabric, idcode, rows, tiles, _read(family / part / "required_features.fasm"))


def _family(database: Path, part: str) -> Path:
    if not re.fullmatch(r"[a-z0-9-]+", part):
        raise MissingToolError(f"{part!r} is no part name", hint="write it like xc7z020clg400-1")
    descriptions = (database / part / "part.json", *database.glob(f"*/{part}/part.json"))
    found = [path.parent.parent for path in descriptions if path.exists()]
    if not found:
        raise MissingToolError(
            f"{database}: the prjxray database has no part {part}",
            hint="give the directory that holds zynq7/, and a part with its speed grade like xc7z020clg400-1",
        )
    return found[0]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: not readable ({error})", hint="the prjxray database is incomplete") from error


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(_read(path))
    except ValueError as error:
        raise FormatError(f"{path}: not JSON ({error})", hint="install the prjxray database again") from error
    if not isinstance(content, dict):
        raise FormatError(f"{path}: not a JSON object")
    return content


def _mapping(path: Path, key: str) -> dict[str, str]:
    """`name -> value of key` of the database's two-level YAML files (plain scalars only)."""
    result, name = {}, ""
    for line in _read(path).splitlines():
        if match := re.fullmatch(r"""["']?([\w-]+)["']?:\s*""", line):
            name = match.group(1)
        elif match := re.fullmatch(rf"""\s+{key}:\s*["']?([\w-]+)["']?\s*""", line):
            result[name] = match.group(1)
    return result


def _rows(regions: dict[str, Any]) -> list[tuple[int, ...]]:
    """Frame addresses row by row: block type, then top before bottom, then row, column, minor (UG470, table 5-24)."""
    rows = []
    for bus, block_type in BUSES.items():
        for half, name in enumerate(("top", "bottom")):
            numbered = {int(number): row for number, row in regions.get(name, {"rows": {}})["rows"].items()}
            for number, row in sorted(numbered.items()):
                columns = row["configuration_buses"].get(bus, {"configuration_columns": {}})["configuration_columns"]
                base = block_type << 23 | half << 22 | number << 17
                rows.append(
                    tuple(
                        base | column << 7 | minor
                        for column, count in sorted((int(c), int(v["frame_count"])) for c, v in columns.items())
                        for minor in range(count)
                    )
                )
    return [row for row in rows if row]


def _tile(name: str, entry: dict[str, Any]) -> Tile:
    blocks = []
    for bus, bits in sorted(entry["bits"].items()):
        alias = bits.get("alias", {"type": entry["type"], "start_offset": 0})
        blocks.append(
            Block(
                bus=bus,
                base=int(bits["baseaddr"], 16),
                frames=bits["frames"],
                offset=bits["offset"],
                words=bits["words"],
                segbits=alias["type"].lower(),
                skip=alias["start_offset"],
            )
        )
    return Tile(name, entry["type"], entry["grid_x"], entry["grid_y"], entry["sites"], tuple(blocks))
