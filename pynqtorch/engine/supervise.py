# SPDX-License-Identifier: AGPL-3.0-or-later
"""Program that starts commands and ends all of their processes, even when the engine itself is killed.

Run as ``python -I -S supervise.py`` with one end of a socket pair as standard input; it imports nothing of ours.  For
each message with three file descriptors (control, status, log) it forks a *keeper*.  The keeper reads a command from
`control`, runs it in a session of its own with its output to `log`, and is the sub-reaper of all that the command
starts: a daemon that detaches itself still becomes the keeper's child and is found.  The engine holds the only other
end of `control`; when that closes, for whatever reason, the keeper kills everything.

control: ``<length>\\n`` and the parts of the command, each ended by a NUL: number of arguments, executable, working
directory, arguments, ``NAME=value`` …; later ``T`` (terminate, kill after a grace) or ``K`` (kill).
status: ``S <keeper> <pid>``, or ``E <errno>`` if it cannot be started, then ``X <wait status> <CPU s> <peak KiB of the
largest process> <processes that had to be ended>``.
"""

import ctypes
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LINGER_SECONDS = 0.3  # how long what a command left behind may end by itself
GRACE_SECONDS = 3.0  # between SIGTERM and SIGKILL
GIVE_UP_SECONDS = 10.0  # a process in an uninterruptible wait cannot be killed at all


def main() -> None:
    """Fork a keeper for each message until the engine's end closes."""
    prctl: Callable[[int, int], int] = ctypes.CDLL(None).prctl
    channel = socket.socket(fileno=0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers are reaped by the kernel
    while True:
        try:
            data, descriptors, _, _ = socket.recv_fds(channel, 1, 3)
        except OSError:
            os._exit(0)  # the engine was killed in the middle of a message
        if not data:
            os._exit(0)
        if len(descriptors) == 3 and os.fork() == 0:
            channel.close()
            Keeper(prctl, *descriptors).run()
            os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)


class Keeper:
    """One command and all of its processes."""

    def __init__(self, prctl: Callable[[int, int], int], control: int, status: int, log: int) -> None:
        self.prctl = prctl
        self.control = control
        self.status = status
        self.log = log
        self.pid = 0
        self.wait_status: int | None = None
        self.cpu = 0.0
        self.peak = 0
        self.ended: set[int] = set()

    def run(self) -> None:
        """Read the command, run it, end what is left, tell how it ended."""
        parts = self._read_command()
        if parts is None:
            return
        self.prctl(PR_SET_CHILD_SUBREAPER, 1)
        wake, waker = os.pipe()
        os.set_blocking(waker, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, lambda *_: self._end_all(signal.SIGKILL))
        count = int(parts[0])
        executable, folder, arguments, environment = parts[1], parts[2], parts[3 : 3 + count], parts[3 + count :]
        keeper = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            self._become(keeper, executable, folder, arguments, environment)
        os.close(self.log)
        self._tell(f"S {keeper} {self.pid}")
        self._watch(wake)
        if self.wait_status is not None:
            self._tell(f"X {self.wait_status} {self.cpu:.3f} {self.peak} {len(self.ended)}")

    def _tell(self, text: str) -> None:
        with suppress(OSError):  # the engine is gone; the keeper's work goes on
            os.write(self.status, f"{text}\n".encode())

    def _read_command(self) -> list[bytes] | None:
        data = b""
        while b"\n" not in data:
            chunk = os.read(self.control, 16)
            if not chunk:
                return None
            data += chunk
        head, _, body = data.partition(b"\n")
        while len(body) < int(head):
            chunk = os.read(self.control, min(1 << 16, int(head) - len(body)))
            if not chunk:
                return None
            body += chunk
        return body.split(b"\0")[:-1]

    def _become(
        self, keeper: int, executable: bytes, folder: bytes, arguments: list[bytes], environment: list[bytes]
    ) -> None:
        """In the child: become the command.  Never returns."""
        try:
            os.setsid()
            self.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != keeper:
                os._exit(1)
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)
            os.umask(0o022)
            os.set_inheritable(self.status, False)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(self.log, 1)
            os.dup2(self.log, 2)
            os.close(self.log)
            os.close(self.control)
            os.chdir(folder)
            os.execve(executable, arguments, dict(pair.split(b"=", 1) for pair in environment))  # noqa: S606
        except OSError as error:
            self._tell(f"E {error.errno}")
        os._exit(127)

    def _watch(self, wake: int) -> None:
        """Until no process is left (or none that can be killed)."""
        poll = select.poll()
        poll.register(self.control, select.POLLIN)
        poll.register(wake, select.POLLIN)
        terminate_at = kill_at = give_up_at = float("inf")
        while self._reap():
            now = time.monotonic()
            if self.wait_status is not None and terminate_at == kill_at == float("inf"):
                terminate_at = now + LINGER_SECONDS
            if now >= terminate_at:
                self._end_all(signal.SIGTERM)
                terminate_at, kill_at = float("inf"), now + GRACE_SECONDS
            if now >= kill_at:
                self._end_all(signal.SIGKILL)
                give_up_at = min(give_up_at, now + GIVE_UP_SECONDS)
                kill_at = now + 0.05
            if now >= give_up_at:
                return
            wait = min(terminate_at, kill_at, give_up_at) - now
            for descriptor, _ in poll.poll(None if wait == float("inf") else max(0, wait * 1000)):
                if descriptor == wake:
                    os.read(wake, 4096)
                    continue
                order = os.read(self.control, 1)
                if order == b"T":
                    terminate_at = min(terminate_at, time.monotonic())
                else:  # K, or the engine is gone
                    kill_at = time.monotonic()
                    if not order:
                        poll.unregister(self.control)

    def _reap(self) -> bool:
        """Collect ended processes; False when none is left."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self.cpu += usage.ru_utime + usage.ru_stime
            self.peak = max(self.peak, usage.ru_maxrss)
            if pid == self.pid:
                self.wait_status = status

    def _end_all(self, number: int) -> None:
        for pid in descendants(os.getpid()):
            if self.wait_status is not None:
                self.ended.add(pid)
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)


def descendants(top: int) -> list[int]:
    """All processes below `top`, by /proc."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208  # pathlib would double this program's start-up time
        if name.isdigit():
            with suppress(OSError), open(f"/proc/{name}/stat", "rb") as stream:  # noqa: PTH123
                fields = stream.read().rpartition(b")")[2].split()
                if fields[0] != b"Z":
                    children.setdefault(int(fields[1]), []).append(int(name))
    found = [*children.get(top, [])]
    for pid in found:  # grows while it is walked
        found += children.get(pid, [])
    return found


if __name__ == "__main__":
    main()
