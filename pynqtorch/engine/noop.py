# SPDX-License-Identifier: AGPL-3.0-or-later
"""Answer a command line that has nothing to do before anything else is loaded.

After a run that found everything up to date, `record` writes the stat data of every file that mattered; `check`
compares them and gives the message back if *nothing* changed: no file, no folder's list of names, no environment
variable that counts, not the interpreter.  Any doubt is None, and the caller goes the whole way.

This file imports nothing but os and sys (a JSON parser alone would cost as much as the comparison) and is to be loaded
by its path, so that the packages around it stay unloaded.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing and collections.abc would cost two more milliseconds
    from collections.abc import Iterable, Sequence

_HEAD = "pynqtorch noop 1"
_GONE = "-"
_SLACK_NS = 2_100_000_000
"""A file that changed so shortly before the command started could have been read before its last change, on a file
system that keeps whole seconds."""
_KEPT = 32
_VARIABLES = frozenset({"PATH", "HOME", "SOURCE_DATE_EPOCH", "LD_LIBRARY_PATH"})
_PREFIXES = ("PYNQTORCH_", "PYTHON", "XILINX")
_OWN = "PYNQTORCH_COMMAND_LINE"
"""Variables that decide which tools are found and what they make.  PATH is in although keys hold versions only: a
new PATH can mean a new tool.  Locale, terminal and the like are not: the message is one plain text.  `_OWN` is set by
./inv itself between `check` and `record`."""


def check(root: str | os.PathLike[str], argv: Sequence[str]) -> str | None:
    """The recorded message if this command line has nothing to do; None in any doubt.

    Args:
        root: the repository.
        argv: the command line without the program's name.
    """
    top = os.fspath(root)
    try:
        with open(_file(top, argv), encoding="utf-8", errors="surrogateescape") as stream:  # noqa: PTH123
            text = stream.read()
    except OSError:
        return None
    head, _, rest = text.partition("\n\n")
    message, _, entries = rest.partition("\n\n")
    lines = entries.split("\n")
    if head != _head(argv) or lines[-1] != f"end {len(lines) - 1}":
        return None
    stat = os.stat
    prefix = top + "/"
    try:
        for line in lines[:-1]:
            sign, _, path = line.partition(" ")
            if path[:1] != "/":
                path = prefix + path
            try:
                now = stat(path)
            except FileNotFoundError:
                if sign != _GONE:
                    return None
                continue
            if sign != f"{now.st_mtime_ns},{now.st_ctime_ns},{now.st_size},{now.st_ino}":
                return None
    except (OSError, ValueError):
        return None
    return message.replace("\r", "\n")


def record(
    root: str | os.PathLike[str], argv: Sequence[str], watched: Iterable[str], message: str, *, started_ns: int
) -> bool:
    """Remember that this command line has nothing to do while all `watched` stay as they are.

    Nothing is recorded (False) if any of them changed after the command started, or just before: then nobody knows
    whether the run saw the old or the new state.  So the first run after a build does not record, the second does.

    Args:
        root: the repository.
        argv: the command line without the program's name.
        watched: paths, absolute or relative to `root`; folders stand for their list of names; a path that does not
            exist must not come to exist.
        message: what `check` gives back; one or more lines of plain text.
        started_ns: `time.time_ns()` before the command read its first file.

    Raises:
        OSError: the file cannot be written.
    """
    top = os.fspath(root)
    lines = []
    for path in dict.fromkeys(watched):
        if "\n" in path:
            return False
        try:
            now = os.stat(os.path.join(top, path))  # noqa: PTH116, PTH118
        except FileNotFoundError:
            sign = _GONE
        except OSError:
            return False
        else:
            if max(now.st_mtime_ns, now.st_ctime_ns) + _SLACK_NS >= started_ns:
                return False
            sign = f"{now.st_mtime_ns},{now.st_ctime_ns},{now.st_size},{now.st_ino}"
        lines.append(f"{sign} {path.removeprefix(top + '/')}")
    body = "\n".join([*lines, f"end {len(lines)}"])
    text = f"{_head(argv)}\n\n{message.strip().replace(chr(10), chr(13))}\n\n{body}"
    target = _file(top, argv)
    temporary = f"{target}.{os.getpid()}"
    with open(temporary, "w", encoding="utf-8", errors="surrogateescape") as stream:  # noqa: PTH123
        stream.write(text)
    os.replace(temporary, target)  # noqa: PTH105
    _forget_oldest(os.path.dirname(target))  # noqa: PTH120
    return True


def _head(argv: Sequence[str]) -> str:
    """What must be the same besides files; one line for each."""
    counts = {
        name: value
        for name, value in os.environ.items()
        if (name in _VARIABLES or name.startswith(_PREFIXES)) and name != _OWN
    }
    here = os.getcwd().replace("\n", "?")  # noqa: PTH109
    lines = [_HEAD, repr(list(argv)), here, sys.executable, sys.version.replace("\n", " ")]
    return "\n".join(lines + [f"{name}={value!r}" for name, value in sorted(counts.items())])


def _file(top: str, argv: Sequence[str]) -> str:
    """One file for each command line; the list itself stands in it, so a clash of names is only a miss."""
    number = 0xCBF29CE484222325  # FNV-1a, 64 bits: hashlib would cost 4 ms of start-up
    for byte in "\0".join(argv).encode("utf-8", "surrogateescape"):
        number = (number ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{top}/out/.state/noop-{number:016x}.txt"


def _forget_oldest(folder: str) -> None:
    with os.scandir(folder) as entries:
        found = [(entry.stat().st_mtime_ns, entry.path) for entry in entries if entry.name.startswith("noop-")]
    for _, path in sorted(found)[:-_KEPT]:
        try:
            os.unlink(path)  # noqa: PTH108
        except FileNotFoundError:
            continue  # another run was faster
