# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is mounted, and how to delete a rootfs so that no mount can be touched.

`delete` has two guards.  It refuses when something is mounted below the folder, or when a process of any visible mount
namespace works in it.  And it removes through a bind mount of the parent folder that leaves out whatever is mounted
below (in a private namespace), so that even a mount made meanwhile cannot be reached.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pynqtorch.errors import StorageError
from pynqtorch.sw.namespace import SEARCH_PATH, available, namespaces

PARTIAL = ".partial"
"""Suffix of a folder that is being made."""
TRASH = ".removing"
"""Suffix of a folder that is being deleted: it never looks like a whole rootfs."""


@dataclass(frozen=True, slots=True)
class Mount:
    """A line of /proc/<pid>/mountinfo: `root` is the mounted folder's path within its file system `device`."""

    device: str
    root: PurePosixPath
    target: PurePosixPath


def parse_mountinfo(text: str) -> tuple[Mount, ...]:
    """The mounts of a mountinfo file (proc(5)); octal escapes are undone, lines that are not mounts are left out."""
    mounts = []
    for line in text.splitlines():
        fields = line.split(" ")
        if len(fields) >= 6 and fields[4].startswith("/"):
            mounts.append(Mount(fields[2], PurePosixPath(_plain(fields[3])), PurePosixPath(_plain(fields[4]))))
    return tuple(mounts)


def _plain(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text


def mounted_below(path: Path, mounts: Sequence[Mount]) -> tuple[PurePosixPath, ...]:
    """Where something is mounted, at `path` or below it."""
    place = PurePosixPath(path)
    return tuple(m.target for m in mounts if m.target == place or place in m.target.parents)


def within_file_system(path: Path, mounts: Sequence[Mount]) -> tuple[str, PurePosixPath] | None:
    """Device and path within it of an absolute path; None if the table does not have it."""
    holders = [m for m in mounts if m.target == PurePosixPath(path) or m.target in PurePosixPath(path).parents]
    if not holders:
        return None
    holder = max(reversed(holders), key=lambda m: len(m.target.parts))  # of two on one target the later counts
    return holder.device, holder.root / PurePosixPath(path).relative_to(holder.target)


def uses(path: Path, mounts: Sequence[Mount], here: tuple[str, PurePosixPath] | None) -> bool:
    """Whether a namespace with `mounts` has a mount below `path`, or has bound `path` or a part of it.

    Args:
        path: an absolute path of our namespace.
        mounts: the other namespace's table.
        here: `within_file_system(path)` in our namespace.
    """
    if mounted_below(path, mounts):
        return True
    if here is None:
        return False
    device, inner = here
    return any(m.device == device and (m.root == inner or inner in m.root.parents) for m in mounts)


def _tables(proc: Path) -> Iterator[tuple[str, tuple[Mount, ...]]]:
    """One (process id, mount table) for each mount namespace that we may look into."""
    seen: set[str] = set()
    for folder in proc.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            namespace = os.readlink(folder / "ns" / "mnt")  # noqa: PTH115  # not a path: mnt:[4026531841]
            if namespace in seen:
                continue
            text = (folder / "mountinfo").read_text(errors="surrogateescape")
        except OSError:  # it ended meanwhile, or belongs to somebody else
            continue
        seen.add(namespace)
        yield folder.name, parse_mountinfo(text)


def check_unused(path: Path, *, proc: Path = Path("/proc")) -> None:
    """Nothing is mounted at or below `path`, and no process has bound a part of it.

    Raises:
        StorageError: where something is mounted, or which process uses it.
    """
    if not (proc / "self" / "mountinfo").exists():
        return
    own = parse_mountinfo((proc / "self" / "mountinfo").read_text(errors="surrogateescape"))
    below = mounted_below(path, own)
    if below:
        raise StorageError(
            f"will not remove {path}: something is mounted on {', '.join(map(str, below))}",
            hint=f"umount {below[0]}",
        )
    here = within_file_system(path, own)
    for process, mounts in _tables(proc):
        if uses(path, mounts, here):
            raise StorageError(
                f"will not remove {path}: process {process} works in it or has something mounted there",
                hint=f"wait until it ends (ps -p {process}), or end it",
            )


def delete(path: Path) -> None:
    """Remove a folder (a rootfs) and all in it; nothing there is fine, a link is removed and not followed.

    The folder gets another name first, so a kill leaves nothing that looks whole (`sweep` removes the rest).

    Raises:
        StorageError: a mount lies below, a process uses it, or there is no permission.
    """
    if path.is_symlink() or path.is_file():
        path.unlink()
        return
    if not path.exists():
        return
    path = path.parent.resolve() / path.name
    check_unused(path)
    if not path.name.endswith(TRASH):
        trash = path.with_name(f".{path.name}.{os.getpid()}{TRASH}")
        path.rename(trash)
        path = trash
    _remove(path)


def sweep(folder: Path, name: str) -> tuple[Path, ...]:
    """Delete what killed runs left of `name` in `folder`: ``.<name>.<process id>`` with `PARTIAL` or `TRASH` behind.

    Call it only while holding the lock that its makers hold.

    Returns:
        what was removed; a folder that is still used stays until the next time.

    Raises:
        StorageError: no permission.
    """
    pattern = re.compile(rf"\.{re.escape(name)}\.\d+({re.escape(PARTIAL)}|{re.escape(TRASH)})")
    removed = []
    for path in sorted(folder.glob(".*")) if folder.is_dir() else ():
        if pattern.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            try:
                check_unused(path)
            except StorageError:  # a step that was started before still works in it
                continue
            delete(path)
            removed.append(path)
    return tuple(removed)


def mapped_root() -> tuple[str, ...]:
    """The ``unshare`` call that gives private mounts and pids, and every user id: for apt, dpkg and their files.

    A plain user becomes root of a user namespace with the ids of /etc/subuid (needs newuidmap).
    """
    every_id = () if os.geteuid() == 0 else ("--user", "--map-root-user", "--map-auto")
    return ("unshare", *every_id, "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--")


_REMOVE = r"""
set -eu
mount --bind "$1" "$1"
cd "$1"
exec rm -rf --one-file-system -- "./$2"
"""


def _remove(path: Path) -> None:
    ways: list[tuple[str, ...]]
    if available() is None:
        script = ("/bin/sh", "-c", f"PATH={SEARCH_PATH}{_REMOVE}", "pynqtorch-remove", str(path.parent), path.name)
        ways = [(*namespaces(network=False), *script)]
        if os.geteuid() != 0:  # what is half made has files of the user's subordinate ids
            ways.append((*mapped_root(), *script))
    else:
        ways = [(shutil.which("rm", path=SEARCH_PATH) or "rm", "-rf", "--one-file-system", "--", str(path))]
    errors: list[str] = []
    for argv in ways:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode == 0 and not path.exists():
            return
        errors.extend(done.stderr.strip().splitlines() or [f"rm ended with {done.returncode}"])
    raise StorageError(f"cannot remove {path}: {errors[0]}", hint="remove it as the user that made it")
