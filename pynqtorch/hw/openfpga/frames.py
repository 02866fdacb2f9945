# SPDX-License-Identifier: AGPL-3.0-or-later
"""Configuration frames: 101 words of 32 bits, their error-correction code, and the text form of a set of frames.

A frame is held as one integer: bit `32 * word + bit`. `Frames` maps frame addresses to frames and leaves out those that
are all zero, so two configurations are equal exactly when their `Frames` are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from pynqtorch.errors import FormatError

Frames = dict[int, int]

FRAME_WORDS = 101
FRAME_BYTES = 4 * FRAME_WORDS
FRAME_BITS = 32 * FRAME_WORDS
ECC_WORD = 50
ECC_SHIFT = 32 * ECC_WORD
ECC_MASK = 0x1FFF << ECC_SHIFT


@cache
def _ecc_masks() -> tuple[int, ...]:
    """For each of the 12 Hamming bits, the frame bits that it covers.

    A frame bit's code number is its position, moved past the powers of two that the check bits themselves stand for.
    Known from project prjxray; it gives the code in all 5,243 non-empty frames of the Vivado-made test bitstream.
    """
    masks = [0] * 12
    for word in range(FRAME_WORDS):
        skip = 0x1360 if word > 0x25 else 0x1340 if word > 0x6 else 0x1320
        for bit in range(13 if word == ECC_WORD else 0, 32):
            code = 32 * word + bit + skip
            for check in range(12):
                if code >> check & 1:
                    masks[check] |= 1 << (32 * word + bit)
    return tuple(masks)


def ecc(frame: int) -> int:
    """The 13-bit code of a frame: 12 Hamming bits and the parity over everything. The frame's own code is ignored."""
    data = frame & ~ECC_MASK
    code = 0
    for check, mask in enumerate(_ecc_masks()):
        code |= ((data & mask).bit_count() & 1) << check
    return code | ((data.bit_count() + code.bit_count()) & 1) << 12


def with_ecc(frames: Mapping[int, int]) -> Frames:
    """The same frames, each with its right code; frames that are empty are left out."""
    return {
        address: frame & ~ECC_MASK | ecc(frame) << ECC_SHIFT
        for address, frame in sorted(frames.items())
        if frame & ~ECC_MASK
    }


def set_bits(value: int) -> Iterator[int]:
    """The positions of the bits that are 1, lowest first."""
    if value.bit_count() < 32:
        while value:
            low = value & -value
            yield low.bit_length() - 1
            value ^= low
        return
    raw = value.to_bytes((value.bit_length() + 63) // 64 * 8, "little")  # a step on a long integer costs its length
    for at in range(0, len(raw), 8):
        piece = int.from_bytes(raw[at : at + 8], "little")
        while piece:
            low = piece & -piece
            yield 8 * at + low.bit_length() - 1
            piece ^= low


def format_frames(frames: Mapping[int, int]) -> str:
    """One line a frame: `0x00400000 0x00000000,...` with 101 words, as prjxray's tools read and write it."""
    lines = []
    for address, frame in sorted(frames.items()):
        raw = frame.to_bytes(FRAME_BYTES, "little")
        words = (int.from_bytes(raw[at : at + 4], "little") for at in range(0, FRAME_BYTES, 4))
        lines.append(f"0x{address:08X} " + ",".join(f"0x{word:08X}" for word in words) + "\n")
    return "".join(lines)


def parse_frames(text: str, source: str = "<frames>") -> Frames:
    """The inverse of `format_frames`.

    Raises:
        FormatError: on a line that is no frame, has another number of words, or repeats an address.
    """
    frames: Frames = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            head, body = line.split()
            address, words = int(head, 16), [int(word, 16) for word in body.split(",")]
        except ValueError:
            raise FormatError(f"{source}:{number}: not a frame", hint="expected: address word,word,...") from None
        if len(words) != FRAME_WORDS or not all(0 <= word < 1 << 32 for word in words):
            raise FormatError(f"{source}:{number}: a frame has {FRAME_WORDS} words of 32 bits, not {len(words)}")
        if address in frames:
            raise FormatError(f"{source}:{number}: frame 0x{address:08X} is there twice")
        frames[address] = int.from_bytes(b"".join(word.to_bytes(4, "little") for word in words), "little")
    return {address: frame for address, frame in frames.items() if frame}
