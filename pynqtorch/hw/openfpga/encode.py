# SPDX-License-Identifier: AGPL-3.0-or-later
"""FASM features -> configuration frames."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pynqtorch.errors import FormatError
from pynqtorch.hw.openfpga.device import Device, Tile
from pynqtorch.hw.openfpga.fasm import FasmLine, parse
from pynqtorch.hw.openfpga.frames import FRAME_WORDS, Frames, set_bits, with_ecc
from pynqtorch.hw.openfpga.segbits import Block, TileBits

_SHOWN = 8  # problems listed in one message


class _Claim(NamedTuple):
    """What one feature does to one block of one tile."""

    line: FasmLine
    block: Block
    ones: int
    zeros: int


def assemble(device: Device, lines: Iterable[FasmLine], source: str = "<fasm>") -> Frames:
    """The frames, with their ECC, that configure `device` with the features of `lines` and those the part requires.

    Raises:
        FormatError: a feature is not known for this part (each with its line and the nearest known name), or one
            feature sets a bit that another needs clear (both named).
    """
    required = parse(device.required_features, f"{device.part}/required_features.fasm")
    claims = _claims(device, [*(line._replace(number=0) for line in required), *lines], source)
    pieces: dict[tuple[int, int, int], tuple[Block, int, int]] = {}
    for claim in claims:
        block = claim.block
        key = block.base, block.offset, block.words
        _, ones, zeros = pieces.get(key, (block, 0, 0))
        pieces[key] = block, ones | claim.ones, zeros | claim.zeros
    ones_at: Frames = {}
    zeros_at: Frames = {}
    for block, ones, zeros in pieces.values():
        spread(block, ones, ones_at)
        spread(block, zeros, zeros_at)
    for address, frame in ones_at.items():
        clash = frame & zeros_at.get(address, 0)
        if clash:
            raise _conflict(claims, address, next(set_bits(clash)), source)
    return with_ecc(ones_at)


def spread(block: Block, bits: int, frames: Frames) -> None:
    """Set the bits of a block (numbered as in `Bits`) in `frames`."""
    width = 32 * block.words
    mask = (1 << width) - 1
    minor = 0
    while bits:
        piece = bits & mask
        if piece:
            address = block.base + minor
            frames[address] = frames.get(address, 0) | piece << 32 * block.offset
        bits >>= width
        minor += 1


def gather(block: Block, frames: Frames) -> int:
    """The bits of a block (numbered as in `Bits`) out of `frames`."""
    width = 32 * block.words
    mask = (1 << width) - 1
    shift = 32 * block.offset
    bits = 0
    for minor in range(block.frames):
        frame = frames.get(block.base + minor, 0) >> shift & mask
        if frame:
            bits |= frame << minor * width
    return bits


def _claims(device: Device, lines: Sequence[FasmLine], source: str) -> list[_Claim]:
    claims: list[_Claim] = []
    problems: list[str] = []
    for line in lines:
        if not line.feature:
            continue
        tile_name, _, name = line.feature.partition(".")
        tile = device.tiles.get(tile_name)
        if tile is None:
            problems.append(_unknown_tile(device, line, source))
            continue
        known = device.tile_bits(tile)
        elements = known.features.get(name)
        if elements is None:
            if name not in known.bitless:
                problems.append(_unknown_feature(tile, known, line, source))
            continue
        sums: dict[int, tuple[int, int]] = {}
        for index in line.indices():
            bits = elements.get(index)
            if bits is None:
                problems.append(
                    f"{source}:{line.number}: {line.feature} has no bit [{index}] (it has {_range_text(elements)})"
                )
                break
            ones, zeros = sums.get(bits.block, (0, 0))
            sums[bits.block] = ones | bits.ones, zeros | bits.zeros
        claims.extend(_Claim(line, tile.blocks[block], ones, zeros) for block, (ones, zeros) in sums.items())
    if problems:
        more = f"\n... and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise FormatError(
            "\n".join(problems[:_SHOWN]) + more,
            hint=f"these features do not exist in {device.part}; check that place and route ran for this part",
        )
    return claims


def _range_text(elements: Iterable[int]) -> str:
    indices = sorted(elements)
    return f"[{indices[-1]}:{indices[0]}]" if len(indices) > 1 else f"[{indices[0]}] only"


def _unknown_tile(device: Device, line: FasmLine, source: str) -> str:
    tile_name, _, _ = line.feature.partition(".")
    kind = re.sub(r"_X\d+Y\d+$", "", tile_name)
    same_kind = [name for name, tile in device.tiles.items() if tile.type == kind]
    near = difflib.get_close_matches(tile_name, same_kind or list(device.tiles), 1, 0.6)
    return f"{source}:{line.number}: {line.feature}: {device.part} has no tile {tile_name}" + _did_you_mean(near)


def _unknown_feature(tile: Tile, known: TileBits, line: FasmLine, source: str) -> str:
    name = line.feature.partition(".")[2]
    near = [f"{tile.name}.{match}" for match in difflib.get_close_matches(name, known.names(), 1, 0.5)]
    return f"{source}:{line.number}: unknown feature {line.feature} (tile type {tile.type})" + _did_you_mean(near)


def _did_you_mean(near: list[str]) -> str:
    return f"; did you mean {near[0]}?" if near else ""


def _conflict(claims: Sequence[_Claim], address: int, bit: int, source: str) -> FormatError:
    """Name the two features that disagree about a bit of a frame."""
    setting = clearing = None
    for claim in claims:
        block, minor = claim.block, address - claim.block.base
        word = bit // 32 - block.offset
        if not (0 <= minor < block.frames and 0 <= word < block.words):
            continue
        mask = 1 << (32 * (minor * block.words + word) + bit % 32)
        if setting is None and claim.ones & mask:
            setting = claim.line
        if clearing is None and claim.zeros & mask:
            clearing = claim.line
    where = " and ".join(
        f"{line.feature} ({source}:{line.number}) {what}" if line.number else f"{line.feature} (required) {what}"
        for line, what in ((setting, "sets it"), (clearing, "needs it clear"))
        if line is not None
    )
    return FormatError(
        f"conflict in frame 0x{address:08X} word {bit // 32 % FRAME_WORDS} bit {bit % 32}: {where}",
        hint="two features exclude each other: one of them is not what the design means",
    )
