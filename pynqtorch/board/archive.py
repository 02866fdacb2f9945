# SPDX-License-Identifier: AGPL-3.0-or-later
"""Strict, bounded reading of a .tar.zst from anywhere: one Zstandard frame that holds a ustar archive of plain files.

The standard library's tarfile would accept links, devices, sparse files and headers that rename entries; what
`pynqtorch.board.bundle` writes needs none of them, so all but regular files with plain names is refused here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pynqtorch.errors import FormatError, MissingToolError

MAX_TOTAL = 2 << 30
"""Bytes that an archive may unpack to."""
MAX_RATIO = 1000
"""Unpacked bytes for each packed one, beyond the first `FREE` bytes."""
FREE = 64 << 20
MAX_ENTRIES = 20_000
MAX_NAME = 240
BLOCK = 512
# Zstandard can make 128 KiB of 4 bytes; with so small a piece no single call gives more than some 32 MiB
PIECE = 1024
MAX_WINDOW = 1 << 27

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,126}")
_OCTAL = re.compile(rb"[0-7]{1,12}[\0 ]*")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file: its name with ``/``, size in bytes and whether it is executable."""

    name: str
    size: int
    executable: bool


def zstandard(where: object) -> Any:
    """The zstandard package.

    Raises:
        MissingToolError: it is not installed.
    """
    try:
        import zstandard as module
    except ImportError as error:
        raise MissingToolError(
            f"{where}: the zstandard package is not installed", hint="pip install 'pynqtorch[bundle]'"
        ) from error
    return module


def name_problem(name: str) -> str:
    """Why a name is refused, or nothing."""
    if not 0 < len(name) <= MAX_NAME:
        return f"names have 1 to {MAX_NAME} characters"
    if name.startswith("/"):
        return "an absolute path"
    parts = name.split("/")
    if ".." in parts:
        return "a path that leaves the folder"
    if not all(_PART.fullmatch(part) for part in parts):
        return "only letters, digits and _ . + - are allowed, and no leading dot or dash"
    return ""


class Names:
    """Names seen so far; refuses what not every file system can hold side by side."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def add(self, name: str) -> str:
        """Why `name` cannot be added, or nothing."""
        return name_problem(name) or self._folder_problem(name) or self._file_problem(name)

    def _folder_problem(self, name: str) -> str:
        parts = name.split("/")
        for count in range(1, len(parts)):
            folder = "/".join(parts[:count])
            if other := self._files.get(folder.casefold()):
                return f"{other} is a file"
            if (known := self._folders.setdefault(folder.casefold(), folder)) != folder:
                return f"the folder differs from {known} in case only"
        return ""

    def _file_problem(self, name: str) -> str:
        key = name.casefold()
        if key in self._folders:
            return "there is a folder of this name"
        if known := self._files.get(key):
            return "it is there twice" if known == name else f"it differs from {known} in case only"
        self._files[key] = name
        return ""


class _Unpacked:
    """The bytes of a single Zstandard frame, bounded in size and ratio."""

    def __init__(self, file: BinaryIO, where: str) -> None:
        module = zstandard(where)
        self._error: type[Exception] = module.ZstdError
        self._frame = module.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj()
        self._file = file
        self._where = where
        self._buffer = memoryview(b"")
        self._packed = 0
        self._unpacked = 0

    def read(self, count: int) -> bytes:
        """At most `count` bytes; nothing only at the end of a complete frame.

        Raises:
            FormatError: truncated, damaged, too large, or data behind the frame.
        """
        while not self._buffer and not self._frame.eof:
            piece = self._file.read(PIECE)
            if not piece:
                raise FormatError(f"{self._where}: truncated after {self._packed} bytes", hint="copy it again")
            try:
                self._buffer = memoryview(self._frame.decompress(piece))
            except self._error as error:
                raise FormatError(f"{self._where}: not Zstandard data, or damaged: {error}") from error
            self._packed += len(piece)
            self._unpacked += len(self._buffer)
            if self._unpacked > min(MAX_TOTAL, FREE + MAX_RATIO * self._packed):
                raise FormatError(
                    f"{self._where}: unpacks to more than {self._unpacked >> 20} MiB from {self._packed} bytes",
                    hint="no bundle of ours does that; do not use this file",
                )
            if self._frame.eof and (self._frame.unused_data or self._file.read(1)):
                raise FormatError(f"{self._where}: there is data behind the end of the archive")
        result, self._buffer = bytes(self._buffer[:count]), self._buffer[count:]
        return result

    def exactly(self, count: int, what: str) -> bytes:
        """`count` bytes, or a FormatError that names what they belong to."""
        pieces = []
        while count:
            piece = self.read(count)
            if not piece:
                raise FormatError(f"{self._where}: ends within {what}")
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)


def entries(path: Path) -> Iterator[tuple[Entry, Iterator[bytes]]]:
    """Files of an archive in order, each with its content in pieces, which must be taken before the next file.

    Raises:
        FormatError: the archive cannot be read, is damaged, truncated or too large, or has an entry that is not a
            plain file with a plain name, not twice and not colliding.
        MissingToolError: the zstandard package is not installed.
    """
    where = str(path)
    try:
        file = path.open("rb")
    except OSError as error:
        raise FormatError(f"{where}: cannot be read: {error.strerror}") from error
    with file:
        stream = _Unpacked(file, where)
        names = Names()
        for _ in range(MAX_ENTRIES):
            header = stream.exactly(BLOCK, "a header")
            if not any(header):
                _trailer(stream, where)
                return
            entry = _entry(header, where)
            if problem := names.add(entry.name):
                raise FormatError(f"{where}: entry {entry.name[:MAX_NAME]!r} is refused: {problem}")
            content = _content(stream, entry)
            yield entry, content
            for _skipped in content:  # what the caller did not take
                pass
            padding = -entry.size % BLOCK
            if any(stream.exactly(padding, entry.name)):
                raise FormatError(f"{where}: {entry.name}: the padding is not zero")
        raise FormatError(f"{where}: more than {MAX_ENTRIES} entries")


def _content(stream: _Unpacked, entry: Entry) -> Iterator[bytes]:
    left = entry.size
    while left:
        piece = stream.exactly(min(left, 1 << 20), entry.name)
        left -= len(piece)
        yield piece


def _trailer(stream: _Unpacked, where: str) -> None:
    """The second zero block and tar's padding to a record."""
    left = 20 * BLOCK + 1  # one byte more than there can be
    while piece := stream.read(left):
        left -= len(piece)
        if any(piece) or not left:
            raise FormatError(f"{where}: there is data behind the last entry")


def _entry(header: bytes, where: str) -> Entry:
    """A ustar header (POSIX.1-1988): only regular files."""
    name = _text(header[:100], where)
    if header[257:265] != b"ustar\x0000":
        raise FormatError(f"{where}: entry {name!r} is not in ustar format")
    total = sum(header[:148]) + 8 * ord(" ") + sum(header[156:])
    if _number(header[148:156], where, name) != total:
        raise FormatError(f"{where}: the header of {name!r} is damaged")
    if header[156:157] != b"0":
        kinds = {
            b"1": "a hard link",
            b"2": "a link",
            b"3": "a device",
            b"4": "a device",
            b"5": "a folder",
            b"6": "a pipe",
        }
        kind = kinds.get(header[156:157], f"of type {header[156:157]!r}")
        raise FormatError(f"{where}: entry {name!r} is {kind}; a bundle has plain files only")
    if prefix := _text(header[345:500], where):
        name = f"{prefix}/{name}"
    mode = _number(header[100:108], where, name)
    if mode not in (0o644, 0o755):
        raise FormatError(f"{where}: entry {name!r} has mode {mode:o}, not 644 or 755")
    return Entry(name, _number(header[124:136], where, name), mode == 0o755)


def _text(field: bytes, where: str) -> str:
    value, _, rest = field.partition(b"\0")
    if any(rest) or not value.isascii():
        raise FormatError(f"{where}: entry {value[:80]!r} has no plain name")
    return value.decode("ascii")


def _number(field: bytes, where: str, name: str) -> int:
    if not _OCTAL.fullmatch(field):
        raise FormatError(f"{where}: the header of {name!r} is damaged")
    return int(field.rstrip(b"\0 "), 8)
