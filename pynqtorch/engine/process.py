# SPDX-License-Identifier: AGPL-3.0-or-later
"""Commands as whole process trees: started, read line by line, watched, ended together."""

from __future__ import annotations

import errno
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pynqtorch.engine.proctable import ProcessTable
from pynqtorch.errors import MissingToolError

LONGEST_LINE = 1 << 16
HEARTBEAT_SECONDS = 5.0
SAMPLE_SECONDS = 1.0
_DRAIN_SECONDS = 5.0
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Launch:
    """A command ready to run: `executable` is the file, argv[0] only the name it is told."""

    executable: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    folder: Path


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended.

    Attributes:
        code: exit code, or -n for signal n.
        cpu_seconds: of all its processes.
        peak_rss_bytes: largest sampled memory of the tree, or the largest process if that was more.
        left_behind: processes that had to be ended after the command itself.
    """

    code: int
    cpu_seconds: float
    peak_rss_bytes: int
    left_behind: int


class LineSplitter:
    """Bytes to lines: LF, CR LF and CR (progress bars) end a line; an endless line is cut at 64 KiB."""

    def __init__(self) -> None:
        self._rest = b""
        self._cut = False

    def feed(self, data: bytes) -> list[str]:
        """The lines that `data` completes; bytes that are not UTF-8 become U+FFFD."""
        data = self._rest + data
        held = b""
        if data.endswith(b"\r"):  # the LF of a CR LF may be in the next chunk
            data, held = data[:-1], b"\r"
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = data.split(b"\n")
        result = []
        for line in lines:
            if self._cut:
                self._cut = False
            else:
                result.append(_text(line))
        if len(rest) > LONGEST_LINE:
            if not self._cut:
                result.append(_text(rest))
            self._cut, rest = True, b""
        self._rest = rest + held
        return result

    def end(self) -> list[str]:
        """The last line, if it has no end."""
        rest, self._rest = self._rest.rstrip(b"\r"), b""
        return [_text(rest)] if rest and not self._cut else []


def _text(line: bytes) -> str:
    return line[:LONGEST_LINE].decode("utf-8", "replace") + (" …" if len(line) > LONGEST_LINE else "")


class Processes:
    """All commands of a run, through one supervisor process (see supervise.py) that is started with the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._channel: socket.socket | None = None
        self._supervisor = 0
        self._controls: set[int] = set()
        self._ending = b""
        self._table = ProcessTable()

    def start(self) -> None:
        """Start the supervisor now, so that it is ready when the first command comes."""
        with self._lock:
            self._connect()

    def run(
        self,
        launch: Launch,
        *,
        output: Callable[[bytes], None],
        line: Callable[[str], None],
        heartbeat: Callable[[float, float, int, float], None],
    ) -> Ended:
        """Run a command to its end.

        Args:
            launch: the command.
            output: gets the bytes as they come.
            line: gets each line.
            heartbeat: elapsed s, CPU s, resident bytes, seconds since the last output; about every five seconds.

        Raises:
            OSError: it cannot be started.
            Whatever the callbacks raise; the command is killed then.
        """
        control, status, log = self._spawn(launch)
        ended = None
        try:
            ended = self._watch(status, log, output, line, heartbeat)
            return ended
        finally:
            with self._lock:
                self._controls.discard(control)
            os.close(control)  # a keeper that is still there kills everything
            if ended is None and not _wait_for_end(status):
                output(b"[pynqtorch] a process could not be killed\n")
            os.close(status)
            os.close(log)

    def end_all(self, *, at_once: bool = False) -> None:
        """End all commands, now and those that would start later: SIGTERM, after a grace SIGKILL; or SIGKILL."""
        with self._lock:
            self._ending = b"K" if at_once else b"T"
            for control in self._controls:
                _order(control, self._ending)

    def close(self) -> None:
        """End the supervisor."""
        with self._lock:
            if self._channel is not None:
                self._channel.close()
                self._channel = None
                _has_ended(self._supervisor, wait=True)

    def _spawn(self, launch: Launch) -> tuple[int, int, int]:
        environment = [f"{name}={value}" for name, value in launch.env.items()]
        parts = [str(len(launch.argv)), launch.executable, str(launch.folder), *launch.argv, *environment]
        if any("\0" in part for part in parts):
            raise OSError(errno.EINVAL, "a NUL character in the command or its environment")
        body = b"".join(os.fsencode(part) + b"\0" for part in parts)
        control_read, control = os.pipe()
        status, status_write = os.pipe()
        log, log_write = os.pipe()
        theirs = [control_read, status_write, log_write]
        try:
            with self._lock:
                self._connect()
                if self._channel is None:
                    raise RuntimeError("the supervisor is closed")
                socket.send_fds(self._channel, [b"+"], theirs)
        except BaseException:  # whatever it was, Ctrl-C too: nobody else knows these descriptors
            for descriptor in (control, status, log):
                os.close(descriptor)
            raise
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        with suppress(BrokenPipeError):  # the keeper is gone: seen as an end without a status
            _write_all(control, b"%d\n" % len(body) + body)
        with self._lock:  # only now: an order must not come before the command itself
            self._controls.add(control)
            if self._ending:
                _order(control, self._ending)
        return control, status, log

    def _connect(self) -> None:
        if self._channel is not None:
            if not _has_ended(self._supervisor, wait=False):
                return
            self._channel.close()  # somebody killed it; its keepers live on
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                self._supervisor = os.posix_spawn(
                    sys.executable,
                    [sys.executable, "-I", "-S", str(Path(__file__).with_name("supervise.py"))],
                    os.environ,
                    file_actions=[(os.POSIX_SPAWN_DUP2, theirs.fileno(), 0)],
                    setsid=True,
                )
            except OSError as error:
                ours.close()
                raise MissingToolError(
                    f"{sys.executable} cannot be started: {error.strerror}",
                    hint="check that this user may run it, and the limits of processes and memory (ulimit -a)",
                ) from error
        self._channel = ours

    def _watch(
        self,
        status: int,
        log: int,
        output: Callable[[bytes], None],
        line: Callable[[str], None],
        heartbeat: Callable[[float, float, int, float], None],
    ) -> Ended:
        poll = select.poll()
        poll.register(status, select.POLLIN)
        poll.register(log, select.POLLIN)
        started = last_output = time.monotonic()
        next_beat, next_sample = started + HEARTBEAT_SECONDS, started + SAMPLE_SECONDS / 4
        splitter = LineSplitter()
        told = b""
        keeper, peak, cpu, resident = 0, 0, 0.0, 0
        open_log = open_status = True
        deadline = float("inf")
        while open_status or (open_log and time.monotonic() < deadline):
            now = time.monotonic()
            for descriptor, _ in poll.poll(max(0.0, min(next_beat, next_sample, deadline) - now) * 1000):
                data = os.read(descriptor, _CHUNK)
                if descriptor == log:
                    if data:
                        last_output = time.monotonic()
                        output(data)
                        for text in splitter.feed(data):
                            line(text)
                    else:
                        open_log = False
                        poll.unregister(log)
                elif data:
                    told += data
                    keeper = keeper or _keeper(told)
                if descriptor == status and (not data or _is_whole(told)):
                    open_status = False
                    poll.unregister(status)
                    deadline = time.monotonic() + _DRAIN_SECONDS
            now = time.monotonic()
            if now >= next_sample and keeper and open_status:
                cpu, resident = self._table.usage(keeper)
                peak = max(peak, resident)
                next_sample = now + SAMPLE_SECONDS
            elif now >= next_sample:
                next_sample = now + SAMPLE_SECONDS
            if now >= next_beat:
                heartbeat(now - started, cpu, resident, now - last_output)
                next_beat = now + HEARTBEAT_SECONDS
        for text in splitter.end():
            line(text)
        return _ended(told.decode(), peak)


def _wait_for_end(status: int) -> bool:
    """Read the status pipe to its end, which is when the keeper has ended; False if that takes too long."""
    poll = select.poll()
    poll.register(status, select.POLLIN)
    deadline = time.monotonic() + 15.0
    while poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        if not os.read(status, 4096):
            return True
    return False


def _has_ended(pid: int, *, wait: bool) -> bool:
    try:
        return os.waitpid(pid, 0 if wait else os.WNOHANG)[0] != 0
    except ChildProcessError:  # the caller's program has its children reaped by the kernel
        return wait or not Path(f"/proc/{pid}").exists()


def _keeper(told: bytes) -> int:
    words = told.split(b"\n", 1)[0].split()
    return int(words[1]) if len(words) == 3 and words[0] == b"S" else 0


def _is_whole(told: bytes) -> bool:
    """Whether the keeper has told its last line."""
    return told.endswith(b"\n") and told.rpartition(b"X ")[1] != b""


def _ended(told: str, peak: int) -> Ended:
    result: Ended | None = None
    for text in told.splitlines():
        kind, *values = text.split()
        if kind == "E":
            raise OSError(int(values[0]), os.strerror(int(values[0])))
        if kind == "X":
            code = os.waitstatus_to_exitcode(int(values[0]))
            result = Ended(code, float(values[1]), max(peak, int(values[2]) * 1024), int(values[3]))
    if result is None:
        return Ended(-9, 0.0, peak, 0)  # the keeper itself was killed, and its command with it
    return result


def _order(control: int, order: bytes) -> None:
    with suppress(BrokenPipeError):  # it has just ended
        os.write(control, order)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
