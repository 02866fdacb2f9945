# SPDX-License-Identifier: AGPL-3.0-or-later
"""Content-addressed store of outputs, shared by runs and, if wanted, by checkouts.

``objects/<aa>/<sha256>`` are read-only files; ``keys/<aa>/<key>.json`` say which objects a step of that key made.
Everything is written to ``tmp/`` and renamed, large objects after a sync.  Writers and readers hold the store's lock
shared, `prune` holds it alone, so nothing is removed between the moment an object is found there and the moment a key
names it.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pynqtorch.engine import files
from pynqtorch.engine.digest import FORMAT, Entry, canonical, file_sha256, manifest_digest
from pynqtorch.engine.locks import held
from pynqtorch.engine.statcache import StatCache
from pynqtorch.errors import FatalError
from pynqtorch.plan import Step

ENVIRONMENT = "PYNQTORCH_STORE"
_WORTH_SYNCING = 1 << 18
"""Bytes.  A kill never needs a sync, and what a power cut damages is found by its digest when it is restored; below
this size making a file again costs less than syncing thousands of them (20 ms each)."""


class CorruptEntryError(FatalError):
    """A store entry is damaged and has been removed; the engine then runs the step again."""


def store_path(root: Path, given: Path | None = None) -> Path:
    """Where the store is: the argument, else PYNQTORCH_STORE, else ``out/store``."""
    if given is not None:
        return given
    named = os.environ.get(ENVIRONMENT)
    return (root / named).absolute() if named else root / "out" / "store"


class Store:
    """The store at `path`; folders are made with the first `put`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lookup(self, key: str) -> dict[str, Any] | None:
        """The record of a key, or None.

        Raises:
            CorruptEntryError: it does not parse; it has been removed.
        """
        path = self._key(key)
        try:
            record = json.loads(path.read_bytes())
            if record["key"] != key or record["format"] != FORMAT or not isinstance(record["outputs"], dict):
                raise ValueError(key)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise files.storage_error(error, path) from error
        except (ValueError, KeyError, TypeError) as error:
            path.unlink(missing_ok=True)
            raise CorruptEntryError(f"store entry {path} does not parse; it has been removed") from error
        return dict(record)

    def put(self, step: Step, key: str, folder: Path, cache: StatCache, extra: Mapping[str, object]) -> None:
        """Keep the outputs of a step.

        Args:
            step: whose outputs in `folder` are kept; of those with keep_in_store=False only the name.
            key: its key.
            folder: the step's directory.
            cache: gives the digests.
            extra: what a restored step shows again (summary, findings, times).

        Raises:
            StorageError: no space or no permission.
        """
        if any(not output.keep_in_store and not output.publish for output in step.outputs):
            return  # a part of the outputs is no use to anyone
        with files.storage_errors(self.path), self._shared():
            outputs: dict[str, list[Entry]] = {}
            for output in step.outputs:
                if not output.keep_in_store:
                    continue
                path = folder / output.path
                if output.tree:
                    entries = cache.tree(str(path), as_input=False)
                else:
                    kind, _, sha = cache.digest(str(path)).partition(":")
                    entries = [("", kind, sha)]
                for name, kind, value in entries:
                    if kind in "fx":
                        self._put_object(path / name if name else path, value)
                outputs[output.path] = entries
            record = {"format": FORMAT, "key": key, "step": step.name, "outputs": outputs, **extra}
            path = self._key(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._write(path, canonical(record))

    def restore(self, record: Mapping[str, Any], folder: Path) -> dict[str, str]:
        """Copy the outputs of a record into `folder`, and verify them.

        Returns:
            output path -> digest as in a stamp.

        Raises:
            CorruptEntryError: an object is missing or damaged; entry and object have been removed.
            StorageError: no space or no permission.
        """
        digests: dict[str, str] = {}
        with files.storage_errors(folder), self._shared():
            for output, raw in record["outputs"].items():
                target = folder / output
                target.parent.mkdir(parents=True, exist_ok=True)
                entries: list[Entry] = [(e[0], e[1], e[2]) for e in raw]
                if len(entries) == 1 and entries[0][0] == "":
                    self._get_object(record["key"], entries[0], target)
                    digests[output] = f"{entries[0][1]}:{entries[0][2]}"
                    continue
                target.mkdir()
                for entry in entries:  # sorted, so a folder comes before what is in it
                    name, kind, value = entry
                    if kind == "d":
                        (target / name).mkdir()
                    elif kind == "l":
                        (target / name).symlink_to(value)
                    else:
                        self._get_object(record["key"], entry, target / name)
                digests[output] = manifest_digest(entries)
            with files.storage_errors(self.path):
                if (path := self._key(record["key"])).exists():
                    os.utime(path)
        return digests

    def info(self) -> dict[str, str | int]:
        """``path``, ``keys``, ``objects`` and ``size_bytes`` of the objects."""
        objects = [path.stat().st_size for path in (self.path / "objects").glob("??/*")]
        keys = sum(1 for _ in self._keys())
        return {"path": str(self.path), "keys": keys, "objects": len(objects), "size_bytes": sum(objects)}

    def prune(
        self, *, older_than_days: float | None = None, max_bytes: int | None = None, dry_run: bool = False
    ) -> dict[str, int]:
        """Remove least recently used entries, then every object that no entry names.

        Args:
            older_than_days: entries that nobody used for that long go.
            max_bytes: entries go until their objects are no more than this.
            dry_run: only count.

        Returns:
            ``keys``, ``objects`` and ``size_bytes`` that went (or would).

        Raises:
            StorageError: no permission.
        """
        if not self.path.is_dir():
            return {"keys": 0, "objects": 0, "size_bytes": 0}
        with files.storage_errors(self.path), held(self.path / "lock"):
            removed = 0
            oldest_first = sorted(self._keys(), key=lambda path: path.stat().st_mtime_ns)
            named = {path: _objects(path) for path in oldest_first}
            limit = None if older_than_days is None else time.time() - older_than_days * 86400
            users: dict[str, int] = {}
            for objects in named.values():
                for sha in objects:
                    users[sha] = users.get(sha, 0) + 1
            sizes = {sha: p.stat().st_size for sha in users if (p := self._object(sha)).exists()}
            total = sum(sizes.values())
            for path in oldest_first:
                too_old = limit is not None and path.stat().st_mtime < limit
                if not too_old and (max_bytes is None or total <= max_bytes):
                    continue
                removed += 1
                if not dry_run:
                    path.unlink()
                for sha in named[path]:
                    users[sha] -= 1
                    total -= sizes.get(sha, 0) if users[sha] == 0 else 0
            count, freed = 0, 0
            for path in (self.path / "objects").glob("??/*"):
                if not users.get(path.name):
                    freed += path.stat().st_size
                    count += 1
                    if not dry_run:
                        path.unlink()
            if not dry_run:
                for path in (self.path / "tmp").glob("*"):  # nobody writes while we hold the lock alone
                    path.unlink()
            return {"keys": removed, "objects": count, "size_bytes": freed}

    @contextmanager
    def _shared(self) -> Iterator[None]:
        for name in ("objects", "keys", "tmp"):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        with held(self.path / "lock", shared=True):
            yield

    def _keys(self) -> Iterator[Path]:
        return (self.path / "keys").glob("??/*.json")

    def _key(self, key: str) -> Path:
        return self.path / "keys" / key[:2] / f"{key}.json"

    def _object(self, sha: str) -> Path:
        return self.path / "objects" / sha[:2] / sha

    def _temporary(self, name: str) -> Path:
        return self.path / "tmp" / f"{name}.{os.getpid()}.{threading.get_ident()}"

    def _write(self, path: Path, data: bytes) -> None:
        temporary = self._temporary(path.name)
        with temporary.open("wb") as stream:
            stream.write(data)
        temporary.replace(path)

    def _put_object(self, source: Path, sha: str) -> None:
        target = self._object(sha)
        size = source.stat().st_size
        if target.exists() and target.stat().st_size == size:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._temporary(sha)
        files.remove(temporary)
        with files.removed_on_failure(temporary):
            files.copy_file(source, temporary, executable=False, durable=size >= _WORTH_SYNCING)
        temporary.chmod(0o444)
        temporary.replace(target)

    def _get_object(self, key: str, entry: Entry, target: Path) -> None:
        source = self._object(entry[2])
        problem = "is missing"
        if source.exists():
            files.copy_file(source, target, executable=entry[1] == "x")
            if file_sha256(str(target)) == entry[2]:
                return
            problem = "is damaged (its content has another SHA-256)"
            source.unlink(missing_ok=True)
        self._key(key).unlink(missing_ok=True)
        raise CorruptEntryError(f"store object {source} {problem}; the entry has been removed")


def _objects(path: Path) -> set[str]:
    """Objects that an entry names; none if it does not parse (`lookup` removes such an entry)."""
    try:
        outputs = json.loads(path.read_bytes())["outputs"]
        return {value for entries in outputs.values() for _, kind, value in entries if kind in "fx"}
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()


def cache_info(root: Path, store: Path | None = None) -> dict[str, str | int]:
    """Figures of the store that runs in `root` use; see `Store.info`."""
    return Store(store_path(root, store)).info()


def cache_prune(
    root: Path,
    *,
    older_than_days: float | None = None,
    max_bytes: int | None = None,
    dry_run: bool = False,
    store: Path | None = None,
) -> dict[str, int]:
    """Prune the store that runs in `root` use; safe while others run; see `Store.prune`.

    Raises:
        StorageError: no permission.
    """
    pruned = Store(store_path(root, store))
    return pruned.prune(older_than_days=older_than_days, max_bytes=max_bytes, dry_run=dry_run)
