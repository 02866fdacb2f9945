# SPDX-License-Identifier: AGPL-3.0-or-later
"""SHA-256 of files without reading them again while their stat data stay the same.

A file's signature is (mtime_ns, ctime_ns, size, inode).  ctime cannot be set by a program, so a changed file has a new
one, except within one tick of the file system's clock: a file that changed just before it was hashed could change once
more and keep its signature (git calls this racy).  Such a digest is used once and not remembered.
"""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path

from pynqtorch.engine.digest import IGNORED_IN_INPUTS, Entry, file_sha256, manifest, manifest_digest
from pynqtorch.engine.files import storage_errors, write_atomic
from pynqtorch.engine.locks import held
from pynqtorch.errors import StorageError

Signature = tuple[int, int, int, int]

_VERSION = 1
_TICK_NS = 50_000_000
_COARSE_TICK_NS = 2_100_000_000
"""FAT and old network file systems keep whole (even) seconds."""
_SECOND_NS = 1_000_000_000
_MANY = 50_000


def signature(status: os.stat_result) -> Signature:
    """What tells two states of a file apart."""
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def is_racy(sign: Signature, now_ns: int) -> bool:
    """Whether the file could still change without a new signature, seen from `now_ns`."""
    mtime, ctime = sign[0], sign[1]
    coarse = mtime % _SECOND_NS == 0 and ctime % _SECOND_NS == 0
    return max(mtime, ctime) + (_COARSE_TICK_NS if coarse else _TICK_NS) >= now_ns


class StatCache:
    """Digests of files, kept in one file that several runs may write.

    Args:
        path: the cache's file.
        root: names below it are kept relative, so a checkout that is moved stays warm.
    """

    def __init__(self, path: Path, root: Path) -> None:
        self._path = path
        self._prefix = f"{root}/"
        self._known = self._load()
        self._fresh: dict[str, tuple[Signature, str]] = {}

    def sha256(self, path: str, status: os.stat_result | None = None) -> str:
        """SHA-256 of a file's content (links followed)."""
        sign = signature(status or os.stat(path))  # noqa: PTH116
        name = path.removeprefix(self._prefix)
        known = self._fresh.get(name) or self._known.get(name)
        if known is not None and known[0] == sign:
            return known[1]
        for _ in range(3):
            now = time.time_ns()
            value = file_sha256(path)
            after = signature(os.stat(path))  # noqa: PTH116
            if after == sign:
                if not is_racy(sign, now):
                    self._fresh[name] = (sign, value)
                return value
            sign = after
        raise StorageError(f"{path} changes while it is read", hint="call again when nothing writes to it")

    def tree(self, path: str, *, as_input: bool) -> list[Entry]:
        """Manifest of a folder."""
        return manifest(path, self.sha256, IGNORED_IN_INPUTS if as_input else ())

    def digest(self, path: str, *, as_input: bool = False) -> str:
        """``f:`` or, for an executable file, ``x:`` and the SHA-256 of its content; for a folder see `manifest_digest`.

        Raises:
            OSError: it is not there or cannot be read.
        """
        status = os.stat(path)  # noqa: PTH116  # plain strings: called for thousands of files
        if stat.S_ISDIR(status.st_mode):
            return manifest_digest(self.tree(path, as_input=as_input))
        return ("x:" if status.st_mode & stat.S_IXUSR else "f:") + self.sha256(path, status)

    def save(self) -> None:
        """Write what is new, together with what another run wrote meanwhile.

        Raises:
            StorageError: it cannot be written.
        """
        if not self._fresh:
            return
        with storage_errors(self._path), held(self._path.with_name("statcache.lock")):
            merged = self._load() | self._fresh
            if len(merged) > _MANY:
                merged = {name: value for name, value in merged.items() if Path(self._full(name)).exists()}
            data = {name: [*sign, value] for name, (sign, value) in merged.items()}
            write_atomic(self._path, json.dumps({"version": _VERSION, "files": data}).encode())
        self._known = merged
        self._fresh = {}

    def _full(self, name: str) -> str:
        return name if name.startswith("/") else self._prefix + name

    def _load(self) -> dict[str, tuple[Signature, str]]:
        """What is on disk; a missing or damaged file is an empty cache: every digest can be made again."""
        try:
            raw = json.loads(self._path.read_bytes())
            if raw["version"] != _VERSION:
                return {}
            return {n: ((v[0], v[1], v[2], v[3]), v[4]) for n, v in raw["files"].items()}
        except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):
            return {}
