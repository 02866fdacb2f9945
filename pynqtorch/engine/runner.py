# SPDX-License-Identifier: AGPL-3.0-or-later
"""One step: its directory made anew, its commands run, its outputs checked, kept and published, its stamp written."""

from __future__ import annotations

import json
import shlex
import threading
import time
from collections import deque
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from pynqtorch.engine import files
from pynqtorch.engine import stamp as stamps
from pynqtorch.engine.executors import TEMPORARY, Callbacks, Job, executor
from pynqtorch.engine.failures import TAIL_LINES, Failure, error_of, oom_kills
from pynqtorch.engine.locks import held_all
from pynqtorch.engine.model import RAN, RESTORED, UP_TO_DATE, Observer, Outcome
from pynqtorch.engine.process import Ended, Processes
from pynqtorch.engine.stamp import STAMP, Stamp, outcome_of
from pynqtorch.engine.store import CorruptEntryError
from pynqtorch.engine.workspace import LOG, Decision, Workspace
from pynqtorch.errors import BuildError, InterruptedRunError, OutputError, UsageError
from pynqtorch.plan import SUMMARY, Finding, Output, Step

MANY_FINDINGS = 200
_CLOCK_SLACK_NS = 10_000_000
_Parser = Callable[[str], Finding | None]
_KEPT_SEVERITIES = frozenset({"error", "warning", "info"})


class Runner:
    """Does steps; `do` may be called from several threads."""

    def __init__(self, workspace: Workspace, processes: Processes, observer: Observer) -> None:
        self._work = workspace
        self._processes = processes
        self._observer = observer
        self.cancelled = threading.Event()

    def do(self, step: Step, estimate: float | None, *, force: bool) -> Outcome:
        """Run or restore a step.  Another run that has it, or writes what it reads, is waited for.

        Raises:
            FatalError: it failed; nothing of it is left under a final name.
            InterruptedRunError: the run was cancelled meanwhile.
        """
        needs = [(self._work.lock(name), True) for name in self._work.needs[step.name]]
        with held_all(
            [(self._work.lock(step.name), False), *needs],
            waiting=lambda path: self._observer.message(f"{step.name}: waiting for another run, which has {path.name}"),
            check=self._check_cancelled,
        ):
            decision = self._work.decide(step, force=force)
            for warning in decision.warnings:
                self._observer.message(warning)
            if decision.action == "up-to-date" and decision.stamp:
                return outcome_of(step, UP_TO_DATE, decision.stamp)
            if decision.action == "publish" and decision.stamp:
                self._publish(step)
                return outcome_of(step, RESTORED, decision.stamp, decision.reasons)
            if decision.action == "restore":
                restored = self._restore(step, decision)
                if restored is not None:
                    return restored
            self._observer.step_started(step, estimate)
            return self._run(step, decision)

    def _check_cancelled(self) -> None:
        if self.cancelled.is_set():
            raise InterruptedRunError("the run was ended")

    def _restore(self, step: Step, decision: Decision) -> Outcome | None:
        record = decision.record or {}
        folder = self._prepare(step, restoring=True)
        try:
            digests: dict[str, Any] = self._work.store.restore(record, folder)
            figures = stamps.figures_of(record)
        except CorruptEntryError as error:
            self._observer.message(f"{step.name}: {error.message}; the step runs again")
            return None
        except (KeyError, TypeError, ValueError):
            self._observer.message(f"{step.name}: its store entry does not parse; the step runs again")
            return None
        with files.storage_errors(folder):
            for output in step.outputs:
                if not output.keep_in_store:
                    (folder / output.path).symlink_to(self._work.root / output.publish)
                    digests[output.path] = self._work.output_digest(step, output)
        stamp = Stamp(key=decision.key, description=decision.description, outputs=digests, status=RESTORED, **figures)
        with files.storage_errors(folder):
            if stamp.summary and not (folder / SUMMARY).exists():
                files.write_atomic(folder / SUMMARY, json.dumps(stamp.summary).encode())
            files.remove(folder / TEMPORARY)
        self._publish(step)
        with files.storage_errors(folder):
            stamps.write(folder, stamp)
        return outcome_of(step, RESTORED, stamp, decision.reasons)

    def _run(self, step: Step, decision: Decision) -> Outcome:
        started, clock = time.time(), time.monotonic()
        folder = self._prepare(step, restoring=False)
        try:
            log = self._commands(step, folder)
            digests = self._check(step, folder, log, decision)
        except BaseException:  # whatever it was, Ctrl-C too: half an output must not keep its name
            self._set_aside(step, folder)
            raise
        stamp = Stamp(
            key=decision.key,
            description=decision.description,
            outputs=digests,
            status=RAN,
            started=round(started, 3),
            wall_seconds=round(time.monotonic() - clock, 3),
            cpu_seconds=round(log.cpu_seconds, 3),
            peak_rss_bytes=log.peak_rss_bytes,
            findings=tuple(log.findings),
            summary=_summary(step, folder),
        )
        with files.storage_errors(folder):
            files.remove(folder / TEMPORARY)
        self._publish(step)
        with files.storage_errors(folder):
            self._work.note_kept(step, stamp)
            stamps.write(folder, stamp)
        # After the stamp: when the store is full, that is told, but hours of work are not lost.
        self._work.store.put(step, decision.key, folder, self._work.cache, stamp.figures())
        return outcome_of(step, RAN, stamp, decision.reasons)

    def _prepare(self, step: Step, *, restoring: bool) -> Path:
        """The step's directory, made anew.  The stamp goes first: from here on the step has not been done."""
        folder = self._work.folder(step.name)
        with files.storage_errors(folder):
            files.remove(folder / STAMP)
            if not restoring:
                files.remove(self._work.kept(step.name))
            for output in step.outputs:
                if output.publish and (output.keep_in_store or not restoring):
                    files.remove(self._work.root / output.publish)
            files.remove(folder)
            (folder / TEMPORARY).mkdir(parents=True)
            for name, text in step.files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(text.encode("utf-8", "surrogateescape"))
            for output in step.outputs:
                (folder / output.path).parent.mkdir(parents=True, exist_ok=True)
            if not restoring:
                for item in step.inputs:
                    (folder / item.staged).parent.mkdir(parents=True, exist_ok=True)
                    (folder / item.staged).symlink_to(self._work.source(item))
        return folder

    def _commands(self, step: Step, folder: Path) -> _Log:
        parse = _function(step, step.log_parser) if step.log_parser else None
        with files.storage_errors(folder / LOG):
            stream = (folder / LOG).open("wb", buffering=0)
        with stream:
            log = _Log(step, self._observer, parse, stream.write)
            log.started_ns = (folder / LOG).stat().st_mtime_ns  # the file system's clock, as outputs have it
            callbacks = Callbacks(log.write, log.line, log.heartbeat)
            for argv in step.commands:
                self._check_cancelled()
                log.write(f"$ {shlex.join(argv)}\n".encode("utf-8", "surrogateescape"))
                before = oom_kills()
                job = Job(step, argv, folder, self._work.root)
                ended = executor(step).run(job, self._processes, callbacks)
                log.ended(ended)
                if ended.left_behind:
                    left = f"ended {ended.left_behind} processes that {argv[0]} left behind"
                    self._observer.message(f"{step.name}: {left}")
                self._check_cancelled()
                if ended.code != 0 or log.first_error is not None:
                    raise error_of(
                        Failure(
                            step=step,
                            argv=argv,
                            code=ended.code,
                            first_error=log.first_error,
                            tail=tuple(log.tail),
                            log=self._work.relative(folder / LOG),
                            folder=folder,
                            oom_kills=oom_kills() - before,
                        )
                    )
        return log

    def _check(self, step: Step, folder: Path, log: _Log, decision: Decision) -> dict[str, Any]:
        """Outputs are there, fresh and pass the step's checks, and the inputs are still those of the key."""
        for output in step.outputs:
            _check_output(step, folder, output, log.started_ns, self._work.relative(folder / LOG))
        for check in step.checks:
            _function(step, check.function)(folder, *check.args)
        if self._work.input_digests(step) != decision.description["inputs"]:
            raise BuildError(
                f"step {step.name}: one of its inputs changed while it ran, so nobody knows what it read",
                hint="call again when the files are as you want them",
            )
        with files.storage_errors(folder):
            return {output.path: self._work.output_digest(step, output) for output in step.outputs}

    def _set_aside(self, step: Step, folder: Path) -> None:
        """After a failure: outputs lose their final names, for a look at them only."""
        with files.storage_errors(folder):
            files.remove(folder / TEMPORARY)
            for output in step.outputs:
                path = folder / output.path
                if path.exists() or path.is_symlink():
                    files.remove(path.with_name(path.name + ".failed"))
                    path.rename(path.with_name(path.name + ".failed"))

    def _publish(self, step: Step) -> None:
        """Copy outputs to where they are published; what is not kept in the store is moved there, and linked."""
        for output in step.outputs:
            if not output.publish:
                continue
            source = self._work.folder(step.name) / output.path
            target = self._work.root / output.publish
            with files.storage_errors(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                if not output.keep_in_store:
                    if not source.is_symlink():
                        files.remove(target)
                        source.rename(target)
                        source.symlink_to(target)
                    continue
                temporary = target.with_name(f".{target.name}.pynqtorch-new")
                files.remove(temporary)
                with files.removed_on_failure(temporary):
                    if output.tree:
                        files.copy_tree(source, temporary)
                        files.remove(target)
                    else:
                        files.copy_file(source, temporary, executable=bool(source.stat().st_mode & 0o100))
                temporary.rename(target)


class _Log:
    """The log of a running step."""

    def __init__(self, step: Step, observer: Observer, parse: _Parser | None, write: Callable[[bytes], Any]) -> None:
        self._step, self._observer, self._parse, self._write = step, observer, parse, write
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.findings: list[Finding] = []
        self.first_error: Finding | None = None
        self.started_ns = 0
        self.cpu_seconds = 0.0
        self.peak_rss_bytes = 0

    def write(self, data: bytes) -> None:
        with files.storage_errors(LOG):
            self._write(data)

    def line(self, text: str) -> None:
        if text.strip():
            self.tail.append(text)
        finding = self._parse(text) if self._parse else None
        if finding is not None:
            if finding.severity == "error" and self.first_error is None:
                self.first_error = finding
            if finding.severity in _KEPT_SEVERITIES and len(self.findings) < MANY_FINDINGS:
                self.findings.append(finding)
        self._observer.line(self._step, text, finding)

    def heartbeat(self, elapsed: float, cpu: float, resident: int, silent: float) -> None:
        self._observer.heartbeat(self._step, elapsed, self.cpu_seconds + cpu, resident, silent)

    def ended(self, ended: Ended) -> None:
        self.cpu_seconds += ended.cpu_seconds
        self.peak_rss_bytes = max(self.peak_rss_bytes, ended.peak_rss_bytes)


def _check_output(step: Step, folder: Path, output: Output, started_ns: int, log: str) -> None:
    path = folder / output.path
    what = f"step {step.name}: {Path(step.commands[-1][0]).name} ended with 0, but its output {output.path}"
    hint = f"read {log}; a tool that fails without saying so is often a licence or a full disk"
    if not path.exists():
        raise OutputError(f"{what} is missing", hint=hint)
    if output.tree:
        if not path.is_dir() or not any(path.iterdir()):
            raise OutputError(f"{what} is " + ("empty" if path.is_dir() else "no folder"), hint=hint)
        return
    if not path.is_file():
        raise OutputError(f"{what} is not a file", hint=hint)
    status = path.stat()
    if status.st_size == 0:
        raise OutputError(f"{what} is empty", hint=hint)
    if status.st_mtime_ns < started_ns - _CLOCK_SLACK_NS:
        raise OutputError(
            f"{what} is older than the start of the step, so this run did not write it",
            hint="the tool copied an old file into place; find out from where",
        )


def _function(step: Step, name: str) -> Callable[..., Any]:
    """``package.module:name`` as a function.

    Raises:
        UsageError: there is none.
    """
    module, _, attribute = name.partition(":")
    try:
        function: Callable[..., Any] = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"step {step.name} names {name!r}, which cannot be imported: {error}") from error
    return function


def _summary(step: Step, folder: Path) -> dict[str, object]:
    path = folder / SUMMARY
    if not path.exists():
        return {}
    try:
        summary = json.loads(path.read_bytes())
    except ValueError as error:
        raise OutputError(f"step {step.name}: {SUMMARY} is not JSON: {error}") from error
    if not isinstance(summary, dict):
        raise OutputError(f"step {step.name}: {SUMMARY} is not a JSON object")
    return summary
