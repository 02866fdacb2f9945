# SPDX-License-Identifier: AGPL-3.0-or-later
"""The configuration bits of a tile type, from project X-Ray's `segbits_*.db` and `ppips_*.db`.

A line `INT_L.BYP_ALT0.FAN_BOUNCE2 21_07 !22_07` says: the feature sets bit 7 of the tile's frame 21 and needs bit 7 of
frame 22 clear. `NAME[012]` is element 12 of a vector. Lines of a ppips file are features with no bits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from pynqtorch.errors import FormatError
from pynqtorch.hw.openfpga.frames import set_bits

_INDEXED = re.compile(r"(.+)\[(\d+)\]")
_BIT = re.compile(r"(!?)(\d+)_(\d+)", re.ASCII)
_SUFFIX = {"CLB_IO_CLK": "", "BLOCK_RAM": ".block_ram"}


@dataclass(frozen=True, slots=True)
class Block:
    """Where a piece of a tile's configuration lies.

    `frames` frames from address `base`, in each the `words` words from word `offset`. `segbits` names the database
    file; `skip` is the number of words of that file's tile type that this tile lacks at its start (half IO tiles).
    """

    bus: str
    base: int
    frames: int
    offset: int
    words: int
    segbits: str
    skip: int

    @property
    def shape(self) -> Block:
        """The same block anywhere: what tiles with the same bits have in common."""
        return replace(self, base=0, offset=0)


class Bits(NamedTuple):
    """What a feature does in block number `block`: bit `minor * 32 * words + 32 * word + bit` must be 1 or 0."""

    block: int
    ones: int
    zeros: int


@dataclass(frozen=True)
class TileBits:
    """Features of a tile, names without the tile's: `features[name][index]`; `bitless` have no bits of their own."""

    features: Mapping[str, Mapping[int, Bits]]
    bitless: frozenset[str]
    blocks: int

    @cached_property
    def anchors(self) -> tuple[Mapping[int, list[tuple[str, int, int, int]]], ...]:
        """Per block: bit -> the features (name, index, ones, ones | zeros) to try when that bit is 1.

        Every feature is filed under one of its bits, the one that fewest features have. Where that is its only bit
        the two numbers are 0: there is nothing more to compare.
        """
        entries: list[list[tuple[str, int, int, int]]] = [[] for _ in range(self.blocks)]
        for name, elements in self.features.items():
            for index, bits in elements.items():
                if bits.ones:
                    entries[bits.block].append((name, index, bits.ones, bits.ones | bits.zeros))
        result = []
        for block in entries:
            uses: dict[int, int] = {}
            positions = [tuple(set_bits(entry[2])) for entry in block]
            for at in positions:
                for bit in at:
                    uses[bit] = uses.get(bit, 0) + 1
            table: dict[int, list[tuple[str, int, int, int]]] = {}
            for entry, at in zip(block, positions, strict=True):
                name, index, ones, mask = entry
                alone = len(at) == 1 and ones == mask
                table.setdefault(min(at, key=uses.__getitem__), []).append((name, index, 0, 0) if alone else entry)
            result.append(table)
        return tuple(result)

    def names(self) -> list[str]:
        """Every feature name that is known, for suggestions."""
        return [*self.features, *self.bitless]


def read_tile_bits(family: Path, tile_type: str, blocks: tuple[Block, ...]) -> TileBits:
    """Read the database files for tiles of `tile_type` with `blocks`.

    Raises:
        FormatError: a line of a file has an unknown form.
    """
    features: dict[str, dict[int, Bits]] = {}
    for number, block in enumerate(blocks):
        path = family / f"segbits_{block.segbits}{_SUFFIX.get(block.bus, '')}.db"
        for line_number, line in enumerate(_lines(path), 1):
            words = line.split()
            if not words:
                continue
            bits = _bits(words[1:], block, number, f"{path}:{line_number}")
            if bits is None:
                continue
            name = words[0].partition(".")[2]
            index = 0
            if name.endswith("]") and (match := _INDEXED.fullmatch(name)):
                name, index = match.group(1), int(match.group(2))
            features.setdefault(name, {})[index] = bits
    bitless = frozenset(
        line.split()[0].partition(".")[2] for line in _lines(family / f"ppips_{tile_type.lower()}.db") if line.strip()
    )
    return TileBits(features, bitless, len(blocks))


def _lines(path: Path) -> list[str]:
    """The file's lines; a tile type with no file has no bits."""
    return path.read_text(encoding="ascii", errors="replace").splitlines() if path.exists() else []


def _bits(words: list[str], block: Block, number: int, where: str) -> Bits | None:
    """The bits of one line, or None when they lie outside of this (half) tile."""
    ones = zeros = 0
    width = 32 * block.words
    for word in words:
        match = _BIT.fullmatch(word)
        if match is None:
            raise FormatError(f"{where}: {word!r} is no bit", hint="the prjxray database has an unknown form")
        minor, bit = int(match.group(2)), int(match.group(3)) - 32 * block.skip
        if minor >= block.frames or not 0 <= bit < width:
            return None
        if match.group(1):
            zeros |= 1 << (minor * width + bit)
        else:
            ones |= 1 << (minor * width + bit)
    return Bits(number, ones, zeros)
