# SPDX-License-Identifier: AGPL-3.0-or-later
"""The configuration CRC of 7-series devices: CRC-32C over 37 bits a word (32 of data, 5 of register address)."""

from __future__ import annotations

from array import array
from functools import cache

from pynqtorch.hw.openfpga.frames import FRAME_WORDS

_POLYNOMIAL = 0x82F63B78  # CRC-32C, bits reflected


def _shift(state: int, bits: int) -> int:
    for _ in range(bits):
        state = state >> 1 ^ (_POLYNOMIAL if state & 1 else 0)
    return state


def _linear(basis: list[int], bits: int) -> list[int]:
    """The table of a linear map on `bits` bits, given the images of the single bits."""
    table = [0] * (1 << bits)
    for value in range(1, 1 << bits):
        low = value & -value
        table[value] = table[value ^ low] ^ basis[low.bit_length() - 1]
    return table


@cache
def _tables() -> tuple[list[int], list[int]]:
    """37 bit steps of the low and of the high half of the state."""
    images = [_shift(1 << bit, 37) for bit in range(32)]
    return _linear(images[:16], 16), _linear(images[16:], 16)


@cache
def _frame_of_zeros(register: int) -> tuple[list[int], list[int], int]:
    """One frame of zero words written to `register`: the state's map as two tables and a constant."""
    low, high = _tables()
    add = _shift(register, 5)

    def run(state: int, constant: int) -> int:
        for _ in range(FRAME_WORDS):
            state = low[state & 0xFFFF] ^ high[state >> 16] ^ constant
        return state

    images = [run(1 << bit, 0) for bit in range(32)]
    return _linear(images[:16], 16), _linear(images[16:], 16), run(0, add)


def update(state: int, register: int, words: array[int]) -> int:
    """The CRC after `words` were written to `register`, from the CRC before.

    Runs of zeros, most of a configuration, are skipped a frame at a time.
    """
    low, high = _tables()
    add = _shift(register, 5)
    for at in range(0, len(words), FRAME_WORDS):
        piece = words[at : at + FRAME_WORDS]
        if len(piece) == FRAME_WORDS and not any(piece):
            low0, high0, add0 = _frame_of_zeros(register)
            state = low0[state & 0xFFFF] ^ high0[state >> 16] ^ add0
            continue
        for word in piece:
            state ^= word
            state = low[state & 0xFFFF] ^ high[state >> 16] ^ add
    return state
