# SPDX-License-Identifier: AGPL-3.0-or-later
"""Keys and digests: a step's description as canonical JSON, and folders as sorted lists of their content."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pynqtorch.errors import OutputError
from pynqtorch.plan import Step

FORMAT = 1
"""Part of every key: a new number makes all earlier stamps and store entries void."""
IGNORED_IN_INPUTS = frozenset({"__pycache__", ".git"})
"""Names that never count in a folder that is an input: Python and git write there while nothing of ours changes."""

Entry = tuple[str, str, str]
"""(relative name, kind, value): kind d folder, f file, x executable file (value: SHA-256), l link (value: its text)."""


def canonical(value: object) -> bytes:
    """The one JSON text of a value: sorted names, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def file_sha256(path: str) -> str:
    """Hexadecimal SHA-256 of a file's content."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def describe(step: Step, inputs: Mapping[str, str]) -> dict[str, object]:
    """All that decides a step's result, as plain data.

    Left out are title, resources, `after`, `network` and where an input lies: they do not decide the result.

    Args:
        step: the step.
        inputs: staged name -> digest of the content, or identity.
    """
    return {
        "format": FORMAT,
        "name": step.name,
        "tool": [step.tool.name, step.tool.version],
        "commands": [list(argv) for argv in step.commands],
        "files": {name: sha256(text.encode("utf-8", "surrogateescape")) for name, text in step.files.items()},
        "env": dict(step.env),
        "where": step.where,
        "outputs": [[o.path, o.publish, o.tree, o.keep_in_store] for o in step.outputs],
        "checks": [[check.function, *check.args] for check in step.checks],
        "log_parser": step.log_parser,
        "inputs": dict(inputs),
    }


def key_of(description: Mapping[str, object]) -> str:
    """SHA-256 of a description."""
    return sha256(canonical(description))


def manifest(folder: str, hash_file: Callable[[str], str], ignored: Iterable[str] = ()) -> list[Entry]:
    """Content of a folder, sorted by relative name, whatever order it was made in.

    Raises:
        OutputError: a socket, pipe or device in it, which no digest can stand for.
        OSError: as the system says.
    """
    entries: list[Entry] = []
    _collect(folder, "", hash_file, frozenset(ignored), entries)
    entries.sort()
    return entries


def _collect(
    folder: str, prefix: str, hash_file: Callable[[str], str], ignored: frozenset[str], into: list[Entry]
) -> None:
    with os.scandir(folder) as listing:
        for entry in listing:
            if entry.name in ignored:
                continue
            name = prefix + entry.name
            if entry.is_symlink():
                into.append((name, "l", str(Path(entry.path).readlink())))
            elif entry.is_dir():
                into.append((name, "d", ""))
                _collect(entry.path, name + "/", hash_file, ignored, into)
            elif entry.is_file():
                kind = "x" if entry.stat().st_mode & stat.S_IXUSR else "f"
                into.append((name, kind, hash_file(entry.path)))
            else:
                raise OutputError(
                    f"{entry.path} is a socket, pipe or device", hint="only files, folders and links have a digest"
                )


def manifest_digest(entries: Iterable[Entry]) -> str:
    """Digest of a folder: ``t:`` and the SHA-256 of its manifest."""
    return "t:" + sha256(canonical([list(entry) for entry in entries]))
