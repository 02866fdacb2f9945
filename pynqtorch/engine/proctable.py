# SPDX-License-Identifier: AGPL-3.0-or-later
"""CPU time and memory of whole process trees, from /proc."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress

_FRESH_SECONDS = 0.4


class ProcessTable:
    """A snapshot of all processes, taken at most every 0.4 s for all steps together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0.0
        self._rows: dict[int, tuple[float, float, int]] = {}
        self._children: dict[int, list[int]] = {}
        self._tick = float(os.sysconf("SC_CLK_TCK"))
        self._page = os.sysconf("SC_PAGE_SIZE")

    def usage(self, top: int) -> tuple[float, int]:
        """CPU seconds (with those of ended children) and resident bytes of everything below `top`."""
        with self._lock:
            if time.monotonic() - self._taken > _FRESH_SECONDS:
                self._take()
            cpu = self._rows[top][1] if top in self._rows else 0.0
            resident = 0
            todo = [*self._children.get(top, [])]
            for pid in todo:
                todo += self._children.get(pid, [])
                own, ended, size = self._rows[pid]
                cpu += own + ended
                resident += size
            return cpu, resident

    def _take(self) -> None:
        self._rows, self._children = {}, {}
        for name in os.listdir("/proc"):  # noqa: PTH208
            if not name.isdigit():
                continue
            with suppress(OSError), open(f"/proc/{name}/stat", "rb") as stream:  # noqa: PTH123
                # Fields 3.. of proc_pid_stat(5): state, ppid, …, utime (14), stime, cutime, cstime, …, rss (24).
                fields = stream.read().rpartition(b")")[2].split()
                pid = int(name)
                self._children.setdefault(int(fields[1]), []).append(pid)
                times = [int(value) / self._tick for value in fields[11:15]]
                self._rows[pid] = (times[0] + times[1], times[2] + times[3], int(fields[21]) * self._page)
        self._taken = time.monotonic()
