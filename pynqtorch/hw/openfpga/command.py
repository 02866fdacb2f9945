# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the commands of this package (assemble, disassemble, conform, compare) share: files, options, how they end."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from pynqtorch.errors import FatalError, MissingToolError, StorageError


def run(command: Callable[[list[str] | None], None], arguments: list[str] | None = None) -> int:
    """Run a command; the exit code is that of the error, whose message goes to stderr (never a traceback)."""
    try:
        command(arguments)
    except FatalError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.code
    return 0


def parser(module: str, description: str) -> argparse.ArgumentParser:
    """A parser with the two options that every command has."""
    result = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    result.add_argument("--db", type=Path, required=True, help="prjxray database (the directory that holds zynq7/)")
    result.add_argument("--part", default="xc7z020clg400-1", help="part with speed grade (default: %(default)s)")
    return result


def number(text: str) -> int:
    """An option's integer, decimal or 0x..."""
    return int(text, 0)


def read_bytes(path: Path) -> bytes:
    """The file's content. Raises `MissingToolError` when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise MissingToolError(f"{path}: not readable ({error.strerror})", hint="run the step that makes it") from error


def read_text(path: Path) -> str:
    """The file's text; bytes that are not UTF-8 become U+FFFD, which no format here accepts."""
    return read_bytes(path).decode("utf-8", errors="replace")


def write_file(path: Path, content: bytes | str) -> None:
    """Write under a temporary name, then rename. Raises `StorageError`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageError(f"{path}: not written ({error.strerror})", hint="check space and permissions") from error
