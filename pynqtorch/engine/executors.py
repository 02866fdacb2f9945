# SPDX-License-Identifier: AGPL-3.0-or-later
"""Where commands run: on the host or in a rootfs.  Another place is one more class and one more line in `EXECUTORS`."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pynqtorch.errors import BuildError, MissingToolError, UsageError
from pynqtorch.plan import Step

if TYPE_CHECKING:  # `process` loads sockets, which a run without work does not need
    from pynqtorch.engine.process import Ended, Processes

LANGUAGE = "C.UTF-8"
TEMPORARY = "tmp"
"""Folder in the step's directory that is TMPDIR; gone when the step has ended."""
_FROM_CALLER_WITH_NETWORK = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_NOT_FOUND_INSIDE = 127
_ENTER_FAILED = 125


@dataclass(frozen=True, slots=True)
class Job:
    """A command of a step: argv, the step's directory (absolute) and the repository."""

    step: Step
    argv: tuple[str, ...]
    folder: Path
    root: Path


@dataclass(frozen=True, slots=True)
class Callbacks:
    """What to call while a command runs; see `Processes.run`."""

    output: Callable[[bytes], None]
    line: Callable[[str], None]
    heartbeat: Callable[[float, float, int, float], None]


class Executor(Protocol):
    """Runs the commands of steps in one place."""

    def run(self, job: Job, processes: Processes, callbacks: Callbacks) -> Ended:
        """Run a command to its end.

        Raises:
            MissingToolError: the place or the program is not there.
        """


class HostExecutor:
    """Commands as they are, with the caller's PATH behind the folder of this Python."""

    def __init__(self, _: str = "") -> None:
        return None

    def run(self, job: Job, processes: Processes, callbacks: Callbacks) -> Ended:
        """See Executor."""
        env = self.environment(job)
        return _start(job, processes, callbacks, program=find_program(job, env["PATH"]), argv=job.argv, env=env)

    def environment(self, job: Job) -> dict[str, str]:
        """The whole environment of a command."""
        path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
        env = {
            "PATH": path,
            "HOME": os.environ.get("HOME", "/"),
            "LANG": LANGUAGE,
            "TMPDIR": str(job.folder / TEMPORARY),
        }
        if job.step.network:
            env |= {name: os.environ[name] for name in _FROM_CALLER_WITH_NETWORK if name in os.environ}
        return env | dict(job.step.env)


class RootfsExecutor:
    """Commands in ``out/rootfs/<name>``, which sees the repository at the same path."""

    def __init__(self, name: str) -> None:
        self._name = name

    def run(self, job: Job, processes: Processes, callbacks: Callbacks) -> Ended:
        """See Executor."""
        from pynqtorch.sw import namespace

        rootfs = job.root / "out" / "rootfs" / self._name
        if not rootfs.is_dir():
            raise MissingToolError(
                f"step {job.step.name} runs in the rootfs {self._name}, which is not there ({rootfs})",
                hint="`./inv setup` installs what is needed to make it; the build then makes it",
            )
        rootfs = rootfs.resolve()
        binds = [job.root, *dict.fromkeys(_outside(job))]
        argv = namespace.enter(rootfs, job.argv, cwd=job.folder, binds=binds, network=job.step.network)
        env = HostExecutor().environment(job)
        env["HOME"] = str(job.folder / TEMPORARY)
        program = find_program(job, env["PATH"], argv[0])
        ended = _start(job, processes, callbacks, program=program, argv=argv, env=env)
        if ended.code == _NOT_FOUND_INSIDE:
            raise MissingToolError(
                f"step {job.step.name}: no program {job.argv[0]} in the rootfs {self._name}",
                hint=f"add its package to recipes/rootfs/{self._name}.yaml",
            )
        if ended.code == _ENTER_FAILED:
            raise BuildError(
                f"step {job.step.name}: the rootfs {self._name} could not be entered",
                hint=f"see {(job.folder / 'log.txt').relative_to(job.root)}; a container needs CAP_SYS_ADMIN for this",
            )
        return ended


class ContainerExecutor:
    """Not there yet."""

    def __init__(self, image: str) -> None:
        self._image = image

    def run(self, job: Job, processes: Processes, callbacks: Callbacks) -> Ended:
        """See Executor."""
        raise MissingToolError(
            f"step {job.step.name} wants the container {self._image}: containers come with another issue",
            hint="choose a recipe that runs on the host or in a rootfs",
        )


EXECUTORS: dict[str, Callable[[str], Executor]] = {
    "host": HostExecutor,
    "rootfs": RootfsExecutor,
    "container": ContainerExecutor,
}


def executor(step: Step) -> Executor:
    """The executor of a step's `where`.

    Raises:
        UsageError: no such place.
    """
    kind, _, name = step.where.partition(":")
    if kind not in EXECUTORS or (kind != "host") != bool(name):
        raise UsageError(
            f"step {step.name}: cannot run in {step.where!r}", hint="write host, rootfs:<name> or container:<image>"
        )
    return EXECUTORS[kind](name)


def find_program(job: Job, path: str, name: str = "") -> str:
    """Absolute file of a program, as a shell would find it from the step's directory.

    Raises:
        MissingToolError: there is none.
    """
    name = name or job.argv[0]
    places = [job.folder / name] if "/" in name else [job.folder / entry / name for entry in path.split(":") if entry]
    for place in places:
        if place.is_file() and os.access(place, os.X_OK):
            return str(place)
    raise MissingToolError(
        f"step {job.step.name}: no program {name}" + ("" if "/" in name else " on PATH"),
        hint=f"install {job.step.tool.name} ({job.step.tool.version}), or put its folder on PATH; "
        "`./inv setup` installs the open tools",
    )


def _outside(job: Job) -> Iterator[Path]:
    """Folders outside of the repository that inputs lie in, as they are linked and as they really are."""
    for item in job.step.inputs:
        source = Path(item.source)
        if not item.producer and source.is_absolute():
            for path in (source, source.resolve()):
                folder = path if path.is_dir() else path.parent
                if not folder.is_relative_to(job.root):
                    yield folder


def _start(
    job: Job, processes: Processes, callbacks: Callbacks, *, program: str, argv: tuple[str, ...], env: dict[str, str]
) -> Ended:
    from pynqtorch.engine.process import Launch

    launch = Launch(program, argv, env, job.folder)
    try:
        return processes.run(launch, output=callbacks.output, line=callbacks.line, heartbeat=callbacks.heartbeat)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOEXEC, errno.EACCES} and not error.filename:
            raise MissingToolError(
                f"step {job.step.name}: {program} cannot be started: {error.strerror}",
                hint="the interpreter in its first line, or its dynamic loader, may be missing",
            ) from error
        raise
