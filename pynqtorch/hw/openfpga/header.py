# SPDX-License-Identifier: AGPL-3.0-or-later
"""The header of a .bit file, in the form that Vivado writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from pynqtorch.errors import FormatError

_MAGIC = bytes.fromhex("00090ff00ff00ff00ff0000001")


@dataclass(frozen=True)
class Header:
    """Fields a to d of a .bit file.

    `design` is `<top>;UserID=0XFFFFFFFF;Version=<tool's>`, `part` has no `xc` and no speed grade (`7z020clg400`),
    `date` is `2025/12/17`, `time` is `16:53:43`.
    """

    design: str
    part: str
    date: str
    time: str

    @property
    def top(self) -> str:
        """The name of the design's top module."""
        return self.design.partition(";")[0]


def make_header(top: str, part: str, epoch: int, version: str, user_id: int = 0xFFFFFFFF) -> Header:
    """The header of a bitstream made at `epoch` (seconds since 1970, UTC) by `version`."""
    try:
        moment = datetime.fromtimestamp(epoch, UTC)
    except (ValueError, OverflowError, OSError):
        raise FormatError(f"{epoch} is no time of day", hint="SOURCE_DATE_EPOCH is in seconds since 1970") from None
    design = f"{top};UserID=0X{user_id:08X};Version={version}"
    return Header(design, part, moment.strftime("%Y/%m/%d"), moment.strftime("%H:%M:%S"))


def format_header(header: Header, length: int) -> bytes:
    """The header's bytes, in front of `length` bytes of configuration data. Raises `FormatError` for bad text."""
    parts = [_MAGIC]
    for key, text in zip(b"abcd", (header.design, header.part, header.date, header.time), strict=True):
        if not text.isascii() or not text.isprintable() or not 0 < len(text) < 0xFFFF:
            raise FormatError(f"{text!r} cannot be field {chr(key)} of a .bit header", hint="use plain ASCII text")
        parts.append(bytes([key]) + (len(text) + 1).to_bytes(2, "big") + text.encode("ascii") + b"\0")
    parts.append(b"e" + length.to_bytes(4, "big"))
    return b"".join(parts)


def parse_header(data: bytes, source: str = "<bit>") -> tuple[Header, int]:
    """The header and the offset of the configuration data behind it, which fills the rest of the file.

    Raises:
        FormatError: it is no .bit file, is cut short, or its length field does not fit.
    """
    if not data.startswith(_MAGIC):
        raise FormatError(f"{source}: not a .bit file: the first bytes are {data[:13].hex(' ')}")
    at = len(_MAGIC)
    fields: list[str] = []
    for key in b"abcd":
        if data[at : at + 1] != bytes([key]):
            raise FormatError(f"{source}: offset {at}: field {chr(key)!r} of the header is missing")
        size = int.from_bytes(data[at + 1 : at + 3], "big")
        text = data[at + 3 : at + 3 + size]
        if len(text) != size or not size or text[-1] or 0 in text[:-1] or not text.isascii():
            raise FormatError(f"{source}: offset {at}: field {chr(key)!r} of the header is cut short or no text")
        fields.append(text[:-1].decode("ascii"))
        at += 3 + size
    if data[at : at + 1] != b"e" or len(data) < at + 5:
        raise FormatError(f"{source}: offset {at}: the length field 'e' of the header is missing")
    length, rest = int.from_bytes(data[at + 1 : at + 5], "big"), len(data) - at - 5
    if length != rest:
        problem = "is cut short" if length > rest else "has bytes after its end"
        raise FormatError(
            f"{source}: the file {problem}: the header announces {length} bytes of configuration, {rest} follow",
            hint="copy or build the file again",
        )
    return Header(*fields), at + 5
