# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files of the engine: atomic writing, copying, removing; what the system refuses becomes a StorageError."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pynqtorch.errors import StorageError

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
_NO_PERMISSION = {errno.EACCES, errno.EPERM, errno.EROFS}
_IN_THE_WAY = {errno.ENOTDIR, errno.EEXIST, errno.EISDIR}
_CANNOT_COPY_IN_KERNEL = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM}
_COPY_CHUNK = 1 << 24


def storage_error(error: OSError, path: Path | str) -> StorageError:
    """The StorageError that says what is full, read-only or in the way."""
    where = Path(error.filename if isinstance(error.filename, str) else path)
    if error.errno in _NO_SPACE:
        return no_space(where)
    if error.errno in _NO_PERMISSION:
        return StorageError(
            f"cannot write {where}: {error.strerror}", hint="make it writable for this user, or run in another checkout"
        )
    if error.errno in _IN_THE_WAY:
        return StorageError(
            f"cannot write {where}: {error.strerror}", hint="a file stands where a folder must be; move it away"
        )
    return StorageError(f"{where}: {error.strerror}", hint="check the file system that holds it")


def no_space(where: Path) -> StorageError:
    """A full file system, with its figures."""
    folder = where
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    figures = os.statvfs(folder)
    total = figures.f_blocks * figures.f_frsize >> 20
    return StorageError(
        f"no space left while writing {where} (file system of {total} MiB, {figures.f_bavail * figures.f_frsize >> 20} "
        "MiB free)",
        hint="free some space (`./inv clean`, or prune the store) and call again; finished steps are kept",
    )


@contextmanager
def storage_errors(path: Path | str) -> Iterator[None]:
    """Turns an OSError in its body into a StorageError about `path`."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, path) from error


def write_atomic(path: Path, data: bytes) -> None:
    """Write to a temporary name beside `path`, then rename: readers see all or nothing.

    The caller holds the lock of what it writes, so one fixed temporary name is enough, and a kill leaves no more
    than that one.

    Raises:
        OSError: as the system says.
    """
    temporary = path.with_name(f".{path.name}.new")
    with removed_on_failure(temporary):
        with temporary.open("wb") as stream:
            stream.write(data)
        temporary.replace(path)


def copy_file(source: Path, target: Path, *, executable: bool, durable: bool = False) -> None:
    """Copy the content (shared blocks where the file system can); `target` must not exist.  Never a hard link.

    Raises:
        OSError: as the system says.
    """
    mode = 0o755 if executable else 0o644
    with source.open("rb") as reader:
        out = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(out, "wb") as writer:
            if not _copy_in_kernel(reader.fileno(), writer.fileno()):
                while chunk := reader.read(_COPY_CHUNK):
                    writer.write(chunk)
            os.fchmod(writer.fileno(), mode)
            if durable:
                writer.flush()
                os.fsync(writer.fileno())


@contextmanager
def removed_on_failure(path: Path) -> Iterator[None]:
    """Half of a copy must not fill a disk that is full already."""
    try:
        yield
    except BaseException:  # Ctrl-C leaves halves behind as well
        with suppress(OSError, StorageError):  # the first error is the one to tell
            remove(path)
        raise


def _copy_in_kernel(source: int, target: int) -> bool:
    """copy_file_range to the end; False if the kernel cannot do it between these two."""
    copied = 0
    while True:
        try:
            count = os.copy_file_range(source, target, _COPY_CHUNK)
        except OSError as error:
            if copied == 0 and error.errno in _CANNOT_COPY_IN_KERNEL:
                return False
            raise
        if count == 0:
            # Some pseudo file systems say 0 at once although there is content.
            return copied > 0 or os.fstat(source).st_size == 0
        copied += count


def copy_tree(source: Path, target: Path) -> None:
    """Copy a folder: files with their executable bit, links as links, folders; `target` must not exist."""
    target.mkdir()
    with os.scandir(source) as entries:
        for entry in entries:
            inner = target / entry.name
            if entry.is_symlink():
                inner.symlink_to(Path(entry.path).readlink())
            elif entry.is_dir():
                copy_tree(Path(entry.path), inner)
            else:
                copy_file(Path(entry.path), inner, executable=bool(entry.stat().st_mode & stat.S_IXUSR))


def remove(path: Path) -> None:
    """Remove a file, link or whole folder; nothing there is fine.  Never follows links.

    Raises:
        StorageError: something is mounted below it.
        OSError: as the system says.
    """
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if not stat.S_ISDIR(mode):
        path.unlink(missing_ok=True)
        return
    for mounted in _mounts_below(path):
        raise StorageError(f"cannot remove {path}: something is mounted on {mounted}", hint=f"umount {mounted}")
    _remove_folder(str(path))


def _remove_folder(path: str) -> None:
    try:
        _empty_folder(path)
    except PermissionError:
        os.chmod(path, 0o700)  # noqa: PTH101  # a tool made its folder read-only
        _empty_folder(path)
    with suppress(FileNotFoundError):
        os.rmdir(path)  # noqa: PTH106  # plain strings: a rootfs has 50,000 entries


def _empty_folder(path: str) -> None:
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _remove_folder(entry.path)
            else:
                with suppress(FileNotFoundError):
                    os.unlink(entry.path)  # noqa: PTH108


def _mounts_below(path: Path) -> list[str]:
    table = Path("/proc/self/mountinfo")
    if not table.exists():
        return []
    prefix = f"{path.resolve()}/"
    points = [line.split(" ")[4].encode().decode("unicode_escape") for line in table.read_text().splitlines()]
    return [point for point in points if point.startswith(prefix)]


def make_folder(path: Path) -> None:
    """A folder and those above it.

    Raises:
        StorageError: it cannot be made.
    """
    with storage_errors(path):
        path.mkdir(parents=True, exist_ok=True)
