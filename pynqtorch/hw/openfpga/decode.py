# SPDX-License-Identifier: AGPL-3.0-or-later
"""Configuration frames -> FASM features, and whatever the database cannot explain."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pynqtorch.errors import FormatError
from pynqtorch.hw.openfpga.device import Device
from pynqtorch.hw.openfpga.encode import gather, spread
from pynqtorch.hw.openfpga.fasm import FasmLine
from pynqtorch.hw.openfpga.frames import ECC_MASK, ECC_SHIFT, FRAME_BITS, Frames, ecc, set_bits, with_ecc
from pynqtorch.hw.openfpga.segbits import TileBits


@dataclass(frozen=True, slots=True, order=True)
class UnknownBit:
    """A set bit that no feature explains; `tiles` are those whose configuration lies there, maybe none."""

    frame: int
    word: int
    bit: int
    tiles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Disassembly:
    """Features, the bits that no feature explains, and frames whose ECC is not the computed one (address -> ECC).

    `restore(assemble(device, features), disassembly)` gives back every bit of the frames.
    """

    features: tuple[FasmLine, ...]
    unknown: tuple[UnknownBit, ...]
    odd_ecc: Mapping[int, int]


def disassemble(device: Device, frames: Frames) -> Disassembly:
    """Explain `frames` by features of `device`.

    A feature is there when all its 1 bits are set and all its 0 bits clear; features with no 1 bit (defaults) are not
    listed. Vectors become one line `X[msb:0] = ...`.

    Raises:
        FormatError: a frame address does not exist in this part.
    """
    strange = frames.keys() - set(device.frame_addresses)
    if strange:
        raise FormatError(
            f"frame 0x{min(strange):08X} does not exist in {device.part}",
            hint="give the part that the bitstream was made for",
        )
    lines: list[FasmLine] = []
    explained: Frames = {}
    for tile in device.tiles.values():
        known: TileBits | None = None
        found: dict[str, int] = {}
        for number, block in enumerate(tile.blocks):
            bits = gather(block, frames)
            if not bits:
                continue
            known = known or device.tile_bits(tile)
            anchors, covered = known.anchors[number], 0
            single = bytearray((bits.bit_length() + 7) // 8)
            for bit in set_bits(bits):
                for name, index, ones, mask in anchors.get(bit, ()):
                    if not mask:
                        single[bit >> 3] |= 1 << (bit & 7)
                    elif bits & mask == ones:
                        covered |= ones
                    else:
                        continue
                    found[name] = found.get(name, 0) | 1 << index
            spread(block, covered | int.from_bytes(single, "little"), explained)
        if known is not None:
            lines += [_line(f"{tile.name}.{name}", known, name, value) for name, value in sorted(found.items())]
    odd = {address: frame >> ECC_SHIFT & 0x1FFF for address, frame in frames.items() if _odd(frame)}
    return Disassembly(tuple(lines), _unknown(device, frames, explained), odd)


def _odd(frame: int) -> bool:
    return (frame & ECC_MASK) >> ECC_SHIFT != ecc(frame)


def _line(feature: str, known: TileBits, name: str, value: int) -> FasmLine:
    top = max(known.features[name])
    return FasmLine(feature, top, 0, value) if top else FasmLine(feature)


def _unknown(device: Device, frames: Frames, explained: Frames) -> tuple[UnknownBit, ...]:
    left = {
        address: rest
        for address, frame in sorted(frames.items())
        if (rest := frame & ~explained.get(address, 0) & ~ECC_MASK)
    }
    owners: dict[tuple[int, int], list[str]] = {(a, b // 32): [] for a, rest in left.items() for b in set_bits(rest)}
    if owners:
        for tile in device.tiles.values():
            for block in tile.blocks:
                for address in range(block.base, block.base + block.frames):
                    if address in left:
                        for word in range(block.offset, block.offset + block.words):
                            if (address, word) in owners:
                                owners[address, word].append(tile.name)
    return tuple(
        UnknownBit(address, bit // 32, bit % 32, tuple(owners[address, bit // 32]))
        for address, rest in left.items()
        for bit in set_bits(rest)
    )


def restore(frames: Frames, unknown: Iterable[UnknownBit], odd_ecc: Mapping[int, int] | None = None) -> Frames:
    """Frames of assembled features with the unexplained bits put back: every bit as in the file that was read."""
    result = dict(frames)
    for bit in unknown:
        result[bit.frame] = result.get(bit.frame, 0) | 1 << (32 * bit.word + bit.bit)
    result = with_ecc(result)
    for address, code in (odd_ecc or {}).items():
        result[address] = result.get(address, 0) & ~ECC_MASK | code << ECC_SHIFT
    return {address: frame for address, frame in result.items() if frame}


def format_unknown(part: str, result: Disassembly) -> str:
    """The side channel as JSON: part, unknown bits, odd ECC."""
    content = {
        "part": part,
        "bits": [
            {"frame": f"0x{bit.frame:08X}", "word": bit.word, "bit": bit.bit, "tiles": list(bit.tiles)}
            for bit in result.unknown
        ],
        "ecc": {f"0x{address:08X}": code for address, code in sorted(result.odd_ecc.items())},
    }
    return json.dumps(content, indent=1) + "\n"


def parse_unknown(text: str, source: str = "<unknown>") -> tuple[str, tuple[UnknownBit, ...], dict[int, int]]:
    """The inverse of `format_unknown`: part, bits, odd ECC. Raises `FormatError` where it has another form."""
    try:
        content: dict[str, Any] = json.loads(text)
        bits = tuple(
            UnknownBit(int(b["frame"], 16), int(b["word"]), int(b["bit"]), tuple(b["tiles"])) for b in content["bits"]
        )
        odd = {int(address, 16): int(code) for address, code in content["ecc"].items()}
        part = str(content["part"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(
            f"{source}: not a file of unknown bits ({type(error).__name__}: {error})",
            hint="give the file that the disassembler wrote",
        ) from error
    if not all(0 <= bit.bit < 32 and 0 <= 32 * bit.word < FRAME_BITS for bit in bits):
        raise FormatError(f"{source}: a bit lies outside of its frame")
    if not all(0 <= code < 1 << 13 for code in odd.values()):
        raise FormatError(f"{source}: an ECC value does not fit 13 bits")
    return part, bits, odd
