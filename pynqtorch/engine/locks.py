# SPDX-License-Identifier: AGPL-3.0-or-later
"""Locks between runs: flock on files that stay; the kernel releases them when a process dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from pynqtorch.engine.files import storage_errors

_POLL_SECONDS = 0.1


@contextmanager
def held(
    path: Path,
    *,
    shared: bool = False,
    waiting: Callable[[], None] | None = None,
    check: Callable[[], None] | None = None,
) -> Iterator[None]:
    """Hold a lock.

    Args:
        path: lock file; made if it is not there.
        shared: many may hold it so, while nobody holds it alone.
        waiting: called once if somebody else has it.
        check: called again and again while waiting; raises to give up.

    Raises:
        StorageError: the lock file cannot be made.
    """
    with storage_errors(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        with storage_errors(path):  # a network file system without locks
            _acquire(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, waiting, check)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def held_all(
    paths: Iterable[tuple[Path, bool]],
    *,
    waiting: Callable[[Path], None],
    check: Callable[[], None],
) -> Iterator[None]:
    """Hold several locks (path, shared); taken in the order of their names, so two runs never block each other."""
    with ExitStack() as stack:
        for path, shared in sorted(paths):
            stack.enter_context(held(path, shared=shared, waiting=partial(waiting, path), check=check))
        yield


def _acquire(descriptor: int, kind: int, waiting: Callable[[], None] | None, check: Callable[[], None] | None) -> None:
    told = False
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if waiting is not None and not told:
                waiting()
                told = True
            if check is not None:
                check()
            time.sleep(_POLL_SECONDS)
