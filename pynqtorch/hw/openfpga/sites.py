# SPDX-License-Identifier: AGPL-3.0-or-later
"""Which site a FASM feature belongs to, and where the used sites of a design lie: for comparisons and floorplans."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from pynqtorch.hw.openfpga.device import Device, Tile
from pynqtorch.hw.openfpga.fasm import FasmLine

ROUTING = "routing"  # the kind of a feature that belongs to no site: pips, clock rows

_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(SLICEL_X[01])\."), "SLICEL"),
    (re.compile(r"(SLICEM_X[01])\."), "SLICEM"),
    (re.compile(r"DSP48\.(DSP_[01])\."), "DSP48E1"),
    (re.compile(r"(DSP_[01])_(?=\w+\.DSP_(?:GND|VCC)_[LR]$)"), "DSP48E1"),
    (re.compile(r"(RAMB18_Y[01])\."), "RAMB18E1"),
    (re.compile(r"(RAMB36)\."), "RAMB36E1"),
    (re.compile(r"(IOB_Y[01])\."), "IOB33"),
    (re.compile(r"(ILOGIC_Y[01])\."), "ILOGICE3"),
    (re.compile(r"(OLOGIC_Y[01])\."), "OLOGICE3"),
    (re.compile(r"(IDELAY_Y[01])\."), "IDELAYE2"),
    (re.compile(r"BUFGCTRL\.(BUFGCTRL_X\d+Y\d+)\."), "BUFGCTRL"),
    (re.compile(r"BUFHCE\.(BUFHCE_X\d+Y\d+)\."), "BUFHCE"),
    (re.compile(r"(BUFR_Y\d)\."), "BUFR"),
    (re.compile(r"(MMCME2(?:_ADV)?)\."), "MMCME2_ADV"),
    (re.compile(r"(PLLE2(?:_ADV)?)\."), "PLLE2_ADV"),
)
_AVAILABLE = {  # site types of the database -> kinds above, where the names differ
    "FIFO18E1": "RAMB18E1",
    "RAMBFIFO36E1": "RAMB36E1",
    "IOB33M": "IOB33",
    "IOB33S": "IOB33",
}
_DATA = re.compile(r"(?:.*\.)?(?:INIT(?:P)?_[0-9A-F]{2}|[A-D]LUT\.INIT|RAM\.INIT)$")


class SiteFeature(NamedTuple):
    """A feature as part of a site: the kind of site, which of the tile's, and the name within it."""

    kind: str
    site: str
    name: str


class Place(NamedTuple):
    """A used site: grid column and row of its tile (row 0 is the top), and its kind."""

    x: int
    y: int
    kind: str


@dataclass(frozen=True)
class Floorplan:
    """The die as a grid of `width` by `height` tiles; `used` sites in it; per kind how many are used and there."""

    width: int
    height: int
    used: tuple[Place, ...]
    counts: dict[str, tuple[int, int]]


def site_feature(tile: Tile, name: str) -> SiteFeature:
    """Classify feature `name` (without the tile's name) of `tile`."""
    for pattern, kind in _RULES:
        if match := pattern.match(name):
            rest = name[match.end() :]
            return SiteFeature(kind, match.group(1), re.sub(r"DSP_(GND|VCC)_[LR]$", r"DSP_\1", rest))
    if tile.type.startswith("PSS"):
        return SiteFeature("PS7", "PS7", name)
    return SiteFeature(ROUTING, "", name)


def is_data(name: str) -> bool:
    """Whether a site's feature is content (LUT and memory INIT) rather than its mode of work."""
    return _DATA.match(name) is not None


def floorplan(device: Device, lines: Iterable[FasmLine]) -> Floorplan:
    """Where the sites that `lines` use lie. A tile with nothing but routing is one place of kind `routing`.

    Lines whose tile is not of this device are left out: the assembler reports them.
    """
    sites: dict[tuple[str, str], Place] = {}
    routing: dict[str, Place] = {}
    for line in lines:
        tile_name, _, name = line.feature.partition(".")
        tile = device.tiles.get(tile_name)
        if tile is None or not line.value:
            continue
        feature = site_feature(tile, name)
        if feature.kind == ROUTING:
            routing.setdefault(tile_name, Place(tile.x, tile.y, ROUTING))
        else:
            owner = "PS7" if feature.kind == "PS7" else tile_name
            sites.setdefault((owner, feature.site), Place(tile.x, tile.y, feature.kind))
    occupied = {(place.x, place.y) for place in sites.values()}
    places = [*sites.values(), *(place for place in routing.values() if (place.x, place.y) not in occupied)]
    used = Counter(place.kind for place in sites.values())
    there = Counter(_AVAILABLE.get(site, site) for tile in device.tiles.values() for site in tile.sites.values())
    return Floorplan(
        width=max(tile.x for tile in device.tiles.values()) + 1,
        height=max(tile.y for tile in device.tiles.values()) + 1,
        used=tuple(sorted(places)),
        counts={kind: (count, there[kind]) for kind, count in sorted(used.items())},
    )
