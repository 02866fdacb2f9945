# SPDX-License-Identifier: AGPL-3.0-or-later
"""Unpack and verify bundles: all or nothing."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

from pynqtorch.board.archive import Entry, entries
from pynqtorch.board.manifest import MANIFEST, SUMS, BundleManifest, parse_manifest, parse_sums
from pynqtorch.errors import FormatError, StorageError, UsageError

MAX_METADATA = 16 << 20

Writer = Callable[[bytes], object]


def verify(archive: Path) -> BundleManifest:
    """Read a bundle to its end and compare every checksum; nothing is written.

    Raises:
        FormatError: see `unpack`.
        MissingToolError: the zstandard package is not installed.
    """
    return _read(archive, None)


def unpack(archive: Path, destination: Path) -> BundleManifest:
    """Unpack a bundle into a new (or empty) folder.

    The files go to a temporary folder next to it, which is renamed when all is right.

    Raises:
        FormatError: the archive cannot be read, is truncated, damaged or too large, has a name or a kind of entry
            that a bundle does not have, or a checksum is wrong; nothing is left at the destination.
        UsageError: the destination exists and is not an empty folder, or its parent is no folder.
        StorageError: no space or no permission.
        MissingToolError: the zstandard package is not installed.
    """
    if not destination.parent.is_dir():
        raise UsageError(f"{destination.parent} is no folder", hint="make it first")
    if destination.is_symlink() or (destination.exists() and not destination.is_dir()):
        raise UsageError(f"{destination} exists and is no folder", hint="name a new folder")
    try:
        if destination.is_dir() and any(destination.iterdir()):
            raise UsageError(f"{destination} is not empty", hint="name a new folder; bundles are not merged")
        temporary = Path(tempfile.mkdtemp(prefix=f".{destination.name}.", dir=destination.parent))
    except OSError as error:
        raise StorageError(f"{destination}: cannot be made: {error.strerror}") from error
    try:
        manifest = _read(archive, temporary)
        temporary.chmod(0o755)
        temporary.replace(destination)
    except OSError as error:
        raise StorageError(f"{destination}: cannot be written: {error.strerror}") from error
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
    return manifest


def _read(archive: Path, folder: Path | None) -> BundleManifest:
    where = str(archive)
    digests: dict[str, str] = {}
    metadata: dict[str, bytes] = {}
    for entry, content in entries(archive):
        if entry.name in (MANIFEST, SUMS) and entry.size > MAX_METADATA:
            raise FormatError(f"{where}: {entry.name} has {entry.size} bytes")
        digest = hashlib.sha256()
        kept: list[bytes] = []
        is_metadata = entry.name in (MANIFEST, SUMS)
        _copy(entry, content, folder, [digest.update, *([kept.append] if is_metadata else [])])
        digests[entry.name] = digest.hexdigest()
        if is_metadata:
            metadata[entry.name] = b"".join(kept)
    for name in (MANIFEST, SUMS):
        if name not in metadata:
            raise FormatError(f"{where}: no {name}; this is not a bundle of PYNQtorch")
    del digests[SUMS]
    _compare(parse_sums(metadata[SUMS], where), digests, f"{where}: {SUMS}")
    manifest = parse_manifest(metadata[MANIFEST], where)
    del digests[MANIFEST]
    _compare(manifest.digests(), digests, f"{where}: {MANIFEST}")
    return manifest


def _copy(entry: Entry, content: Iterable[bytes], folder: Path | None, writers: list[Writer]) -> None:
    with ExitStack() as stack:
        if folder is not None:
            path = folder / entry.name
            path.parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(path.open("xb"))
            path.chmod(0o755 if entry.executable else 0o644)
            writers = [*writers, file.write]
        for piece in content:
            for write in writers:
                write(piece)


def _compare(listed: dict[str, str], found: dict[str, str], where: str) -> None:
    for name in sorted(listed.keys() | found.keys()):
        if name not in found:
            raise FormatError(f"{where} lists {name}, which is not in the archive")
        if name not in listed:
            raise FormatError(f"{where} does not list {name}")
        if listed[name] != found[name]:
            raise FormatError(f"{where}: {name} has another checksum", hint="copy the bundle again")
