# SPDX-License-Identifier: AGPL-3.0-or-later
"""Configuration packets <-> frames: the content of a .bit file, and of the byte-swapped .bit.bin of Linux.

The packets are those of UG470, chapter 5; the sequence written is, word for word, that of Vivado 2025.2 for a Zynq-7000
part: uncompressed, the whole device in one FDRI write, two frames of zeros after each row.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pynqtorch.errors import FormatError
from pynqtorch.hw.openfpga import crc
from pynqtorch.hw.openfpga.device import Device
from pynqtorch.hw.openfpga.frames import FRAME_BYTES, FRAME_WORDS, Frames
from pynqtorch.hw.openfpga.header import Header, format_header, parse_header

PAD_FRAMES = 2  # frames of zeros behind each row

SYNC = 0xAA995566
NOP = 0x20000000
CRC, FAR, FDRI, CMD, CTL0, MASK, LOUT, COR0, MFWR, CBC, IDCODE, AXSS, COR1 = 0, 1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14
WBSTAR, TIMER, UNNAMED, CTL1 = 16, 17, 19, 24
NULL, WCFG, LFRM, START, RCRC, SWITCH, GRESTORE, DESYNC = 0, 1, 3, 5, 7, 9, 10, 13

_LEAD_IN = (*[0xFFFFFFFF] * 8, 0x000000BB, 0x11220044, 0xFFFFFFFF, 0xFFFFFFFF)  # padding and bus width detection
_COR0 = 0x02003FE5  # Vivado's default start-up sequence; DONE is not driven high
_LAST_FAR = 0x03BE0000


class Write(NamedTuple):
    """One register write: the register's number and the words."""

    register: int
    words: array[int]


@dataclass(frozen=True)
class Bitstream:
    """What a configuration file holds. `header` is None for a .bit.bin; `user_access` is the AXSS register if written.

    `crc_checks` is the number of CRC values in the file; every one of them was found right.
    """

    header: Header | None
    idcode: int
    frames: Frames
    user_access: int | None
    crc_checks: int


def write_bit(
    device: Device, frames: Mapping[int, int], header: Header, *, user_access: int | None = None
) -> tuple[bytes, bytes]:
    """A full-device configuration as the bytes of a .bit and of a .bit.bin file.

    Raises:
        FormatError: a frame does not exist in the device, or `user_access` does not fit 32 bits.
    """
    words = _packets(device, frames, user_access)
    binary = _to_bytes(words, "little")
    body = _to_bytes(words, "big")
    return format_header(header, len(body)) + body, binary


def read_bit(data: bytes, device: Device | None = None, source: str = "<bit>") -> Bitstream:
    """Read a .bit or .bit.bin file; with `device`, also its frames (else `frames` is empty).

    Raises:
        FormatError: the file is damaged, cut short, for another part, compressed or encrypted, or a CRC is wrong.
    """
    header, words = _words(data, source)
    state, checks = 0, 0
    idcode = user_access = None
    address: int | None = None
    frames: Frames = {}
    for register, content in _writes(words, source):
        value = content[-1] if content else 0
        if register == CRC:
            if value != state:
                raise FormatError(
                    f"{source}: wrong CRC: the file says 0x{value:08X}, its content has 0x{state:08X}",
                    hint="the file is damaged: copy or build it again",
                )
            state, checks = 0, checks + 1
            continue
        if register != LOUT:
            state = crc.update(state, register, content)
        if register == CMD and value == RCRC:
            state = 0
        elif register == FAR:
            address = value
        elif register == AXSS:
            user_access = value
        elif register == IDCODE:
            idcode = value
            _check_part(value, device, source)
        elif register in (MFWR, CBC):
            kind = "compressed" if register == MFWR else "encrypted"
            raise FormatError(f"{source}: the bitstream is {kind}", hint="write it uncompressed and unencrypted")
        elif register == FDRI and content and device is not None:
            if address is None:
                raise FormatError(f"{source}: frame data with no frame address before it")
            _take_frames(frames, content, address, device, source)
            address = None
    if idcode is None:
        raise FormatError(f"{source}: no IDCODE is written: this is no configuration of a device")
    return Bitstream(header, idcode, frames, user_access, checks)


def _check_part(idcode: int, device: Device | None, source: str) -> None:
    """The upper four bits are the silicon's revision and say nothing about the part."""
    if device is not None and (idcode ^ device.idcode) & 0x0FFFFFFF:
        raise FormatError(
            f"{source}: wrong part: IDCODE 0x{idcode:08X}, {device.part} has 0x{device.idcode:08X}",
            hint="give the part that the bitstream was made for",
        )


def _take_frames(frames: Frames, content: array[int], address: int, device: Device, source: str) -> None:
    """Add the frames of one FDRI write that starts at `address`."""
    sequence: list[int | None] = []
    for row in device.rows:
        sequence += [*row, *[None] * PAD_FRAMES]
    if len(content) % FRAME_WORDS:
        raise FormatError(f"{source}: {len(content)} words of frame data are no whole number of frames")
    try:
        start = sequence.index(address)
    except ValueError:
        raise FormatError(f"{source}: frame 0x{address:08X} does not exist in {device.part}") from None
    count = len(content) // FRAME_WORDS
    if start + count > len(sequence):
        raise FormatError(f"{source}: {count} frames from 0x{address:08X}: {device.part} has fewer")
    raw = content.tobytes() if sys.byteorder == "little" else _swapped(content).tobytes()
    for number, where in enumerate(sequence[start : start + count]):
        frame = int.from_bytes(raw[FRAME_BYTES * number : FRAME_BYTES * (number + 1)], "little")
        if where is None or number == count - 1:  # the last frame only pushes the one before through the buffer
            if frame:
                raise FormatError(f"{source}: a padding frame (number {number}) is not empty")
        elif frame:
            frames[where] = frame
        else:
            frames.pop(where, None)


def _words(data: bytes, source: str) -> tuple[Header | None, array[int]]:
    """The header and the words from the sync word on."""
    header, order, start = None, "big", 0
    if data[:64].find(SYNC.to_bytes(4, "little")) >= 0:
        order = "little"
    else:
        header, start = parse_header(data, source)
    at = data.find(SYNC.to_bytes(4, "little" if order == "little" else "big"), start)
    if at < 0:
        raise FormatError(f"{source}: no sync word: this is no configuration data")
    if (len(data) - at) % 4:
        raise FormatError(f"{source}: the configuration data ends inside of a word")
    words = array("I", data[at + 4 :])
    if sys.byteorder != order:
        words.byteswap()
    return header, words


def _writes(words: array[int], source: str) -> Iterator[Write]:
    """The register writes in a sequence of packets, up to the DESYNC command."""
    at, register = 0, None
    while at < len(words):
        head = words[at]
        kind, operation = head >> 29, head >> 27 & 3
        at += 1
        if kind == 1:
            register, count = head >> 13 & 0x1F, head & 0x7FF
        elif kind == 2 and register is not None:
            count = head & 0x07FFFFFF
        else:
            raise FormatError(f"{source}: word {at} after the sync word (0x{head:08X}) is no packet")
        if operation == 0:
            continue
        if operation != 2:
            raise FormatError(f"{source}: word {at} after the sync word reads the device: this is no bitstream")
        if at + count > len(words):
            raise FormatError(f"{source}: the file is cut short inside of a write to register {register}")
        yield Write(register, words[at : at + count])
        at += count
        if register == CMD and count and words[at - 1] == DESYNC:
            return
    raise FormatError(f"{source}: the file ends without a DESYNC command: it is cut short")


def _packets(device: Device, frames: Mapping[int, int], user_access: int | None) -> array[int]:
    strange = frames.keys() - set(device.frame_addresses)
    if strange:
        raise FormatError(f"frame 0x{min(strange):08X} does not exist in {device.part}")
    if user_access is not None and not 0 <= user_access < 1 << 32:
        raise FormatError(f"{user_access} does not fit the 32 bits of USR_ACCESS")
    out = array("I", [*_LEAD_IN, SYNC])
    state = 0

    def write(register: int, *values: int) -> None:
        nonlocal state
        state = crc.update(state, register, array("I", values))
        out.extend((0x30000000 | register << 13 | len(values), *values))

    def nops(count: int) -> None:
        out.extend([NOP] * count)

    def check() -> None:
        nonlocal state
        out.extend((0x30000001, state))
        state = 0

    nops(1)
    for register in (TIMER, WBSTAR):
        write(register, 0)
    write(CMD, NULL)
    nops(1)
    write(CMD, RCRC)
    state = 0
    nops(2)
    for register, value in ((UNNAMED, 0), (COR0, _COR0), (COR1, 0), (IDCODE, device.idcode), (CMD, SWITCH)):
        write(register, value)
    nops(1)
    for register, value in ((MASK, 0x401), (CTL0, 0x501), (MASK, 0), (CTL1, 0)):
        write(register, value)
    if user_access is not None:
        write(AXSS, user_access)
    nops(8)
    write(FAR, device.frame_addresses[0])
    write(CMD, WCFG)
    nops(1)
    data = _frame_data(device.rows, frames)
    out.extend((0x30000000 | FDRI << 13, 0x50000000 | len(data)))
    out.extend(data)
    state = crc.update(state, FDRI, data)
    check()
    nops(2)
    write(CMD, GRESTORE)
    nops(1)
    write(CMD, LFRM)
    nops(100)
    write(CMD, START)
    nops(1)
    for register, value in ((FAR, _LAST_FAR), (MASK, 0x501), (CTL0, 0x501)):
        write(register, value)
    check()
    nops(2)
    write(CMD, DESYNC)
    nops(400)
    return out


def _frame_data(rows: Sequence[Sequence[int]], frames: Mapping[int, int]) -> array[int]:
    empty = bytes(FRAME_BYTES)
    pieces = []
    for row in rows:
        for address in row:
            frame = frames.get(address, 0)
            pieces.append(frame.to_bytes(FRAME_BYTES, "little") if frame else empty)
        pieces.append(empty * PAD_FRAMES)
    words = array("I", b"".join(pieces))
    return words if sys.byteorder == "little" else _swapped(words)


def _swapped(words: array[int]) -> array[int]:
    copy = words[:]
    copy.byteswap()
    return copy


def _to_bytes(words: array[int], order: str) -> bytes:
    return (words if sys.byteorder == order else _swapped(words)).tobytes()
